//! Crashes for the dashboard: what a host left is read in the background with the dashboard's own session, what was recorded is put beside it, and
//! what came of it is written into a file when the operator asks for that. Asks for no password, and writes nothing to a pool but the cause that an
//! operator has said yes to.

mod file;

use super::live::{self, Progress};
use super::{CrashError, past};
use crate::cli::setup::Entry;
use crate::crash::report::Reading;
use crate::feed::driver::Desk;
use crate::rollout::driver::{Consent, note_cause};
use crate::time::Time;
use crate::tui::effect::Request;
use crate::tui::model::crash::{CrashRead, CrashTrouble};
use crate::tui::msg::{Answer, PoolIx};
use crate::xenapi::error::Error;
use crate::xenapi::record::Ref;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

/// Crashes that are read at once. Each host makes its bug report while it is read, which costs it something.
const AT_ONCE: usize = 4;
/// The screen learns this often how far a reading is.
const TOLD: Duration = Duration::from_millis(250);
/// The folder of the files, below the data folder.
const FOLDER: &str = "crashes";

/// What it takes to read from the hosts of one pool.
#[derive(Clone)]
pub struct Site {
    desk: Desk,
    user: String,
    allow_plain_http: bool,
    /// Why nothing may be written to it; `None`: it may.
    read_only: Option<String>,
}

impl Site {
    /// Of an entry; the session is the one that follows the pool. `read_only`: why nothing may be written to it.
    pub fn of(entry: &Entry, read_only: Option<String>) -> Self {
        Self {
            desk: entry.options.desk.clone(),
            user: entry.credentials.user.clone(),
            allow_plain_http: entry.options.client.allow_plain_http,
            read_only,
        }
    }
}

/// Does it.
pub struct Crashes {
    /// In the order of the pools; none in a recording.
    sites: Vec<Site>,
    folder: PathBuf,
    answers: mpsc::Sender<Answer>,
    tasks: JoinSet<()>,
    running: HashMap<u64, AbortHandle>,
}

impl Crashes {
    /// Nothing is under way. Files are written below the data folder `data`.
    pub fn new(sites: Vec<Site>, data: &Path, answers: mpsc::Sender<Answer>) -> Self {
        Self { sites, folder: data.join(FOLDER), answers, tasks: JoinSet::new(), running: HashMap::new() }
    }

    /// Takes a request that is about crashes; gives it back if it is not. `recording`: what was recorded of that pool.
    pub fn ask(&mut self, request: Request, recording: Option<PathBuf>) -> Result<(), Request> {
        while self.tasks.try_join_next().is_some() {}
        self.running.retain(|_, task| !task.is_finished());
        match request {
            Request::ReadCrash { pool, ask, .. } if self.running.len() >= AT_ONCE => {
                let text = format!("{AT_ONCE} crashes are being read already; this one can be when one of them is done.");
                self.answer(Answer::CrashRead { pool, ask, result: Err(CrashTrouble { text, passes: true }) });
            }
            Request::ReadCrash { pool, ask, called, name, at, files, .. } => {
                let task = Task { pool, ask, called, name, at, known: files, site: self.sites.get(pool.0).cloned(), recording };
                let running = self.tasks.spawn(task.run(self.answers.clone()));
                self.running.insert(ask, running);
            }
            Request::StopCrash { ask } => {
                if let Some(running) = self.running.remove(&ask) {
                    running.abort();
                    tracing::info!(target: "poolwatch::crash", "the reading of a crash was stopped");
                }
            }
            Request::SaveCrash { pool, reading } => {
                let (folder, answers) = (self.folder.clone(), self.answers.clone());
                self.tasks.spawn(async move {
                    let saved = tokio::task::spawn_blocking(move || file::save(&folder, &reading)).await;
                    let result = match saved {
                        Ok(Ok(path)) => Ok(path.display().to_string()),
                        Ok(Err(why)) => Err(why),
                        Err(_) => Err("it could not be put together".to_owned()),
                    };
                    let _ = answers.send(Answer::CrashSaved { pool, result }).await;
                });
            }
            Request::WriteCause { pool, dump, cause } => {
                let (site, answers) = (self.sites.get(pool.0).cloned(), self.answers.clone());
                self.tasks.spawn(async move {
                    let result = write(site, &dump, &cause).await;
                    match &result {
                        Ok(said) => tracing::warn!(target: "poolwatch::crash", "{said}"),
                        Err(why) => tracing::warn!(target: "poolwatch::crash", "the cause was not written: {why}"),
                    }
                    let _ = answers.send(Answer::CauseWritten { pool, dump, result }).await;
                });
            }
            other => return Err(other),
        }
        Ok(())
    }

    fn answer(&mut self, answer: Answer) {
        let answers = self.answers.clone();
        self.tasks.spawn(async move { drop(answers.send(answer).await) });
    }
}

/// One reading.
struct Task {
    pool: PoolIx,
    ask: u64,
    called: String,
    name: String,
    at: Option<Time>,
    /// What its files said, if they were read before.
    known: Option<Arc<Reading>>,
    site: Option<Site>,
    recording: Option<PathBuf>,
}

impl Task {
    async fn run(self, answers: mpsc::Sender<Answer>) {
        let (pool, ask, progress, told_on) = (self.pool, self.ask, Progress::default(), self.known.is_some());
        let name = crate::text::clean(&self.name, 200).into_owned();
        let work = self.read(&progress);
        tokio::pin!(work);
        let mut told = (0, 0);
        let mut tick = tokio::time::interval(TOLD);
        let read = loop {
            tokio::select! {
                read = &mut work => break read,
                _ = tick.tick() => {
                    let now = (progress.files.load(Ordering::Relaxed), progress.bytes.load(Ordering::Relaxed));
                    if now != told {
                        told = now;
                        // A full channel means that the screen is busy; the next one will do.
                        let _ = answers.try_send(Answer::CrashSeen { pool, ask, files: now.0, bytes: now.1 });
                    }
                }
            }
        };
        match &read.without_files {
            None if told_on => {}
            None => tracing::info!(target: "poolwatch::crash", "read what {name} left: {} files", read.reading.files),
            Some(why) => tracing::warn!(target: "poolwatch::crash", "what {name} left could not be read: {}", why.text),
        }
        let _ = answers.send(Answer::CrashRead { pool, ask, result: Ok(Box::new(read)) }).await;
    }

    /// What the host left, and what was recorded. Without the one there may still be the other.
    async fn read(&self, progress: &Progress) -> CrashRead {
        if let Some(files) = &self.known {
            let reading = self.told(Reading::clone(files)).await;
            return CrashRead { reading, without_files: None, files: Some(Arc::clone(files)) };
        }
        let (reading, without_files, files) = match self.files(progress).await {
            Ok(reading) => (reading.clone(), None, Some(Arc::new(reading))),
            Err(why) => {
                let source = self.recording.as_ref().map_or_else(String::new, |path| path.display().to_string());
                (Reading { source, ..Reading::default() }, Some(why), None)
            }
        };
        CrashRead { reading: self.told(reading).await, without_files, files }
    }

    /// The same with what was recorded of it; if that does not tell, that is noted.
    async fn told(&self, reading: Reading) -> Reading {
        let Some(recording) = self.recording.clone() else { return reading };
        let (mut told, called, at) = (reading.clone(), self.called.clone(), self.at);
        let work = move || {
            let result = past::explain(&mut told, &recording, Some(&called), at).map_err(|error| error.to_string());
            (told, result)
        };
        let (mut told, why) = match tokio::task::spawn_blocking(work).await {
            Ok((told, result)) => (told, result.err()),
            Err(_) => (reading, Some("reading it broke down".to_owned())),
        };
        told.notes.extend(why.map(|why| format!("The recording does not tell of it: {why}.")));
        told
    }

    async fn files(&self, progress: &Progress) -> Result<Reading, CrashTrouble> {
        let Some(site) = &self.site else {
            let text = "This is a recording: what the host left on its own disk is not in it (`poolwatch crash` reads that from a copy), so \
                        this is told from what was recorded alone."
                .to_owned();
            return Err(CrashTrouble { text, passes: false });
        };
        let Some(session) = site.desk.session() else {
            let text = "poolwatch is not connected to the pool at the moment, so what the host left cannot be read.".to_owned();
            return Err(CrashTrouble { text, passes: true });
        };
        live::of_host(&session, &self.called, &site.user, site.allow_plain_http, progress).await.map_err(|error| trouble(&error))
    }
}

fn trouble(error: &CrashError) -> CrashTrouble {
    let passes = match error {
        CrashError::Away { .. } => true,
        CrashError::Pool(error) => matches!(**error, Error::Transport { .. }),
        _ => false,
    };
    CrashTrouble { text: error.to_string(), passes }
}

/// Writes the cause to the record of a dump, in the dashboard's session. The operator has said yes to just this.
async fn write(site: Option<Site>, dump: &Ref, cause: &str) -> Result<String, String> {
    let site = site.ok_or("this is a recording")?;
    if let Some(why) = site.read_only {
        return Err(why);
    }
    let session = site.desk.session().ok_or("poolwatch is not connected to the pool at the moment")?;
    note_cause(&session, Consent::given_by_the_operator(), dump, cause).await.map_err(|error| error.to_string())?;
    Ok(format!("The cause {cause} is written to the record of the crash dump."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_a_connection_it_says_so_and_may_be_tried_again_and_a_recording_says_that_it_is_one() {
        let (tx, mut rx) = mpsc::channel(8);
        let entry = Site { desk: Desk::default(), user: "root".to_owned(), allow_plain_http: false, read_only: None };
        let ask = |ask| Request::ReadCrash {
            pool: PoolIx(0),
            ask,
            host: "OpaqueRef:h".into(),
            called: "u".to_owned(),
            name: "xcp3".to_owned(),
            at: None,
            files: None,
        };
        for (sites, passes, word) in [(vec![entry], true, "not connected"), (Vec::new(), false, "recording")] {
            let mut crashes = Crashes::new(sites, Path::new("/nonexistent"), tx.clone());
            crashes.ask(ask(7), None).expect("taken");
            let Some(Answer::CrashRead { ask: 7, result: Ok(read), .. }) = rx.recv().await else { panic!("an answer") };
            let why = read.without_files.expect("nothing to read from");
            assert!(why.passes == passes && why.text.contains(word), "{why:?}");
        }
    }

    #[tokio::test]
    async fn no_more_are_read_at_once_than_the_hosts_can_bear() {
        let (tx, mut rx) = mpsc::channel(8);
        let mut crashes = Crashes::new(Vec::new(), Path::new("/nonexistent"), tx);
        for ask in 0..AT_ONCE as u64 {
            crashes.running.insert(ask, crashes.tasks.spawn(std::future::pending()));
        }
        let ask = Request::ReadCrash {
            pool: PoolIx(0),
            ask: 99,
            host: "OpaqueRef:h".into(),
            called: "u".to_owned(),
            name: "xcp3".to_owned(),
            at: None,
            files: None,
        };
        crashes.ask(ask.clone(), None).expect("taken");
        let Some(Answer::CrashRead { ask: 99, result: Err(why), .. }) = rx.recv().await else { panic!("refused") };
        assert!(why.passes, "{why:?}");
        crashes.ask(Request::StopCrash { ask: 0 }, None).expect("taken");
        crashes.ask(ask, None).expect("taken");
        assert!(matches!(rx.recv().await, Some(Answer::CrashRead { ask: 99, result: Ok(_), .. })));
    }
}
