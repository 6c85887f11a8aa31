//! Crashes for the dashboard: what a host left is read in the background with the dashboard's own session, what was recorded is put beside it, and
//! what came of it is written into a file when the operator asks for that. Asks for no password, and writes nothing to a pool but the cause that an
//! operator has said yes to.

use super::live::{self, Progress};
use super::{CrashError, past};
use crate::cli::setup::Entry;
use crate::crash::report::{self, Crash, Reading};
use crate::feed::driver::Desk;
use crate::rollout::driver::{Consent, note_cause};
use crate::time::Time;
use crate::tui::effect::Request;
use crate::tui::model::crash::{CrashRead, CrashTrouble};
use crate::tui::msg::{Answer, PoolIx};
use crate::xenapi::error::Error;
use crate::xenapi::record::Ref;
use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::{self, Write};
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
/// So many files about the same moment of a host.
const SAME: u32 = 999;

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
                    let saved = tokio::task::spawn_blocking(move || save(&folder, &reading)).await;
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

/// Writes one crash into a file of its own; where.
fn save(folder: &Path, reading: &Reading) -> Result<PathBuf, String> {
    let broken = |path: &Path, error: &io::Error| format!("{}: {error}", path.display());
    std::fs::create_dir_all(folder).map_err(|error| broken(folder, &error))?;
    let stem = stem(reading.crashes.first());
    let page = report::html(reading);
    for number in 1..=SAME {
        let more = if number == 1 { String::new() } else { format!("-{number}") };
        let path = folder.join(format!("{stem}{more}.html"));
        let mut file = match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(broken(&path, &error)),
        };
        return match file.write_all(page.as_bytes()).and_then(|()| file.sync_all()) {
            Ok(()) => Ok(path),
            Err(error) => {
                // Half a report is none.
                let _ = std::fs::remove_file(&path);
                Err(broken(&path, &error))
            }
        };
    }
    Err(format!("{} has {SAME} files about this crash already; remove some of them", folder.display()))
}

/// What the file is called: by host and time, of characters that every file system takes.
fn stem(crash: Option<&Crash>) -> String {
    let name = crash.map_or_else(String::new, Crash::name);
    let tame: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' }).take(60).collect();
    let tame = tame.trim_matches('-');
    let host = if tame.is_empty() { "host" } else { tame };
    let at = crash.and_then(|crash| crash.at).map_or_else(String::new, |at| {
        let digits: String = report::utc(at).chars().filter(char::is_ascii_digit).collect();
        digits.split_at_checked(8).map_or_else(String::new, |(day, time)| format!("-{day}-{time}Z"))
    });
    format!("{host}{at}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::report::Dump;
    use crate::crash::verdict::{Cause, Confidence, Finer, Verdict};

    fn reading(host: &str) -> Reading {
        let verdict = Verdict {
            cause: Cause::O2cb,
            finer: Finer::Disk,
            confidence: Confidence::Sure,
            why: "It says so.".to_owned(),
            notes: Vec::new(),
            at: None,
            evidence: Vec::new(),
        };
        let crash = Crash {
            host: Some(host.to_owned()),
            folder: None,
            at: Time::parse_xapi("20261121T02:17:44Z"),
            clock: None,
            dump: Dump::Missing,
            logs: Vec::new(),
            verdict,
            advice: Vec::new(),
            story: Vec::new(),
        };
        Reading { crashes: vec![crash], ..Reading::default() }
    }

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("poolwatch-crashes-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        folder
    }

    #[test]
    fn a_file_is_called_by_host_and_time_and_never_overwritten() {
        let folder = folder("same");
        let first = save(&folder, &reading("xcp3")).expect("written");
        assert_eq!(first, folder.join("xcp3-20261121-021744Z.html"));
        let kept = std::fs::read_to_string(&first).expect("there");
        assert!(kept.contains("xcp3 was fenced by o2cb"), "{kept}");
        let mut other = reading("xcp3");
        other.crashes[0].verdict.why = "another".to_owned();
        assert_eq!(save(&folder, &other).expect("written"), folder.join("xcp3-20261121-021744Z-2.html"));
        assert_eq!(std::fs::read_to_string(&first).expect("there"), kept);
        std::fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn a_name_never_climbs_out_of_the_folder() {
        let folder = folder("hostile");
        for name in ["../../etc/passwd", "/abs", "..", "\u{1b}[2J", "日本語", ""] {
            let path = save(&folder, &reading(name)).expect("written");
            assert_eq!(path.parent(), Some(folder.as_path()), "{name}");
            assert!(
                path.file_name()
                    .is_some_and(|name| name.to_string_lossy().ends_with("-20261121-021744Z.html")
                        || name.to_string_lossy().contains("Z-")),
                "{}",
                path.display()
            );
        }
        std::fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_said() {
        let folder = folder("file");
        std::fs::write(&folder, "in the way").expect("written");
        let why = save(&folder.join("below"), &reading("xcp3")).expect_err("refused");
        assert!(why.contains("below"), "{why}");
        std::fs::remove_file(folder).expect("removed");
    }

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
