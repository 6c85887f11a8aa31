//! Begins a run, or goes on with one: its journal first, then its engine.

use super::super::engine::{Engine, Log, LogError, ResumeError};
use super::super::entry::{Entry, Found};
use super::super::journal::Line;
use super::super::journal::file::{self, JournalError, JournalFile};
use super::super::plan::Plan;
use super::lend::Lender;
use crate::pool::Pool;
use crate::time::Time;
use crate::xenapi::record::Ref;
use std::path::Path;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long to wait for a session, by the pool's clock.
const PATIENCE: Duration = Duration::from_secs(10);

/// A journal that also says what is written, once it is on the disk.
#[derive(Debug)]
pub struct Told {
    file: JournalFile,
    tell: mpsc::UnboundedSender<Line>,
    seq: u64,
}

impl Log for Told {
    fn append(&mut self, at: Time, entry: &Entry) -> Result<(), LogError> {
        self.file.append(at, entry)?;
        self.seq += 1;
        // Nobody listening is no reason to stop.
        let _ = self.tell.send(Line { seq: self.seq, at, entry: entry.clone() });
        Ok(())
    }
}

impl Told {
    /// Where the journal is.
    pub fn path(&self) -> &Path {
        self.file.path()
    }
}

/// Why a run is not begun, or not gone on with.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum StartError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("{0}")]
    Engine(#[from] ResumeError),
    #[error("run {0} is over, and left nothing undone: there is nothing to go on with")]
    Over(String),
    #[error("the pool is not known well enough: {0}")]
    Unknown(String),
}

/// How the pool is found now. Reads where HA's statefiles are, which no event tells.
pub async fn found(lender: &Lender, pool: &Pool, plan: &Plan) -> Result<Found, StartError> {
    let record = pool.records().the_pool().ok_or_else(|| StartError::Unknown("its own record was not read".to_owned()))?;
    let mut srs: Vec<Ref> = Vec::new();
    if record.ha_enabled {
        let session = lender.session(PATIENCE, None).await;
        let session = session.ok_or_else(|| StartError::Unknown("not connected to it at the moment".to_owned()))?;
        for disk in &record.ha_statefiles {
            let sr = session.sr_of_disk(&Ref::from(&**disk)).await;
            let sr = sr.map_err(|error| StartError::Unknown(format!("where HA keeps its statefile cannot be read: {error}")))?;
            if !srs.contains(&sr) {
                srs.push(sr);
            }
        }
    }
    Ok(Found::of(pool, plan, srs))
}

/// Begins a run: writes its journal below the data folder, and nothing to the pool yet.
pub fn begin(
    data: &Path,
    (run, owner): (&str, &str),
    plan: Plan,
    found: Found,
    now: Time,
    tell: mpsc::UnboundedSender<Line>,
) -> Result<Engine<Told>, StartError> {
    let file = JournalFile::create(data, &plan.pool, run, now)?;
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let entry = Entry::Began { run: run.to_owned(), by: owner.to_owned(), version, plan, found };
    Ok(Engine::begin(Told { file, tell, seq: 0 }, now, &entry)?)
}

/// Goes on with a run of the pool with this uuid. Returns what its journal held too. `again`: also if it is over but left something undone.
pub fn resume(
    path: &Path,
    pool: &str,
    owner: &str,
    now: Time,
    again: bool,
    tell: mpsc::UnboundedSender<Line>,
) -> Result<(Engine<Told>, Vec<Line>), StartError> {
    let (file, journal) = JournalFile::open(path)?;
    file::check_pool(path, &journal, pool)?;
    if journal.is_over() && (!again || journal.left().is_empty()) {
        return Err(StartError::Over(journal.whose().0.to_owned()));
    }
    let lines: Vec<(Time, Entry)> = journal.lines.iter().map(|line| (line.at, line.entry.clone())).collect();
    let log = Told { file, tell, seq: journal.tail.seq };
    Ok((Engine::resume(log, &lines, now, owner)?, journal.lines))
}
