//! Everything that can happen to the dashboard, as data. Together with the time in [`Msg::Tick`] this is all that
//! [`super::update::update`] ever learns, so a list of messages replays a run.

use super::keymap::Key;
use super::model::crash::{CrashRead, CrashTrouble};
use crate::observation::Observation;
use crate::rollout::entry::Command;
use crate::rollout::finding::Finding;
use crate::rollout::plan::Plan;
use crate::rollout::progress::Progress;
use crate::time::Time;
use crate::xenapi::record::Ref;

/// A pool, by its position in the list that the dashboard was started with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolIx(pub usize);

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Msg {
    /// It is this late.
    Tick(Time),
    /// Things were seen of a pool.
    Observed {
        /// Which.
        pool: PoolIx,
        /// What.
        observations: Vec<Observation>,
    },
    /// A key was pressed.
    Key(Key),
    /// The mouse was used; only if it was turned on.
    Mouse(Mouse),
    /// Text was pasted.
    Paste(String),
    /// The terminal has this many columns and rows now.
    Resize(u16, u16),
    /// Something that an effect asked for is there.
    Answer(Answer),
    /// The log of poolwatch itself, newest first.
    Logged(Vec<super::log::LogLine>),
}

/// What the mouse did, and at which cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "column and row, from 0")]
pub enum Mouse {
    /// The left button was pressed.
    Click { x: u16, y: u16 },
    /// The wheel was turned away.
    WheelUp { x: u16, y: u16 },
    /// The wheel was turned near.
    WheelDown { x: u16, y: u16 },
}

/// What came of an effect, or a word from the shell.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A record as the pool has it now: JSON, or why it could not be had.
    Raw {
        /// Which pool.
        pool: PoolIx,
        /// Which object.
        r#ref: Ref,
        /// The JSON of the record, or what went wrong in words.
        result: Result<String, String>,
    },
    /// A fault was set off in the simulated pool, or could not be.
    Fault {
        /// The id of the choice.
        id: String,
        /// What happens now, or what went wrong, in words.
        result: Result<String, String>,
    },
    /// A moment of a recording, or why there is none, in words.
    LookedBack {
        /// Which pool.
        pool: PoolIx,
        /// Number of the request.
        ask: u64,
        /// The moment.
        result: Result<Box<super::model::past::Moment>, String>,
    },
    /// A crash is being read.
    CrashSeen {
        /// Of which pool.
        pool: PoolIx,
        /// Number of the request.
        ask: u64,
        /// Files until now.
        files: u64,
        /// Bytes until now.
        bytes: u64,
    },
    /// What came of reading a crash, or why nothing did.
    CrashRead {
        /// Of which pool.
        pool: PoolIx,
        /// Number of the request.
        ask: u64,
        /// What was found.
        result: Result<Box<CrashRead>, CrashTrouble>,
    },
    /// A crash was written into a file, or why it was not, in words.
    CrashSaved {
        /// Of which pool.
        pool: PoolIx,
        /// The path of the file.
        result: Result<String, String>,
    },
    /// A cause was written to the record of a dump, or why it was not, in words.
    CauseWritten {
        /// In which pool.
        pool: PoolIx,
        /// The dump.
        dump: Ref,
        /// What was done.
        result: Result<String, String>,
    },
    /// The simulated time now runs this many times as fast as ours.
    Speed(f64),
    /// A word to the operator, such as that a certificate was seen for the first time.
    Notice {
        /// The pool that it is about, if it is about one.
        pool: Option<PoolIx>,
        /// In words.
        text: String,
        /// Whether something is wrong.
        wrong: bool,
    },
    /// Whether there is a run of this pool that was not ended.
    RunFound {
        /// Which pool.
        pool: PoolIx,
        /// The run; or why that cannot be told, in words.
        result: Result<Option<FoundRun>, String>,
    },
    /// A round is planned and checked, or why it could not be, in words.
    Surveyed {
        /// Which pool.
        pool: PoolIx,
        /// Number of the request.
        ask: u64,
        /// The plan and what was found.
        result: Result<Box<Prepared>, String>,
    },
    /// What mends a finding was done, or could not be; in words.
    Mended {
        /// Which pool.
        pool: PoolIx,
        /// What was done, or what went wrong.
        result: Result<String, String>,
    },
    /// A run has its claim and its journal, and begins.
    RunStarted {
        /// Which pool.
        pool: PoolIx,
        /// Where things are written.
        files: RunFiles,
    },
    /// How a run stands.
    RunProgress {
        /// Which pool.
        pool: PoolIx,
        /// How.
        progress: Box<Progress>,
    },
    /// A run could not begin, or cannot go on (its journal cannot be written, its claim was lost). It makes no more calls.
    RunFailed {
        /// Which pool.
        pool: PoolIx,
        /// Why, and what to do, in words.
        error: String,
    },
    /// The run took a command, or why it did not.
    Commanded {
        /// Which pool.
        pool: PoolIx,
        /// Which.
        command: Command,
        /// Why not, in words.
        result: Result<(), String>,
    },
}

/// A round that is ready to be looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// The plan.
    pub plan: Plan,
    /// What speaks against it, or is worth knowing.
    pub findings: Vec<Finding>,
    /// What the rehearsal on a twin of the pool said, line by line; `None` if it was not asked for.
    pub rehearsal: Option<Vec<String>>,
    /// How long it is expected to take, in seconds, where that is known.
    pub lasts_s: Option<u64>,
}

/// A run that was not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundRun {
    /// Its name.
    pub run: String,
    /// Who began it and when, where it stands, in words.
    pub text: String,
    /// Why it cannot be gone on with from here, in words: another program works on it, its journal is on another machine.
    pub refused: Option<String>,
}

/// Where a run is written down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFiles {
    /// Path of the journal.
    pub journal: String,
    /// Path of the report that is made when the run ends; empty if none is.
    pub report: String,
    /// What leads to this pool again, as arguments of a command.
    pub again: String,
}
