//! What the dashboard wants done outside of itself, as data. The loop in [`super::run`] does the terminal's part; the
//! rest goes to the caller through [`super::run::RunOptions::requests`].

use super::model::crash::CrashTrouble;
use super::msg::{Answer, PoolIx};
use crate::crash::report::Reading;
use crate::rollout::entry::Command;
use crate::rollout::finding::Fix;
use crate::rollout::plan::{Options, Plan, Scope};
use crate::xenapi::record::{Class, Ref};
use std::sync::Arc;

/// Something to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Leave.
    Quit,
    /// Give the terminal to the shell until we are continued.
    Suspend,
    /// Forget what is on the screen and draw all of it.
    Redraw,
    /// Put this text into the clipboard.
    Copy(String),
    /// For the caller.
    Request(Request),
}

/// Something that the caller of the dashboard does.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Read a record as it is now and answer with [`super::msg::Answer::Raw`].
    FetchRaw {
        /// Of which pool.
        pool: PoolIx,
        /// Its class.
        class: Class,
        /// Which object.
        r#ref: Ref,
    },
    /// Set off a fault in the simulated pool and answer with [`super::msg::Answer::Fault`].
    Inject {
        /// The id of the choice.
        id: String,
    },
    /// Let the simulated time run this many times as fast as ours and answer with [`super::msg::Answer::Speed`].
    Speed(f64),
    /// Read a moment of the recording of this pool and answer with [`super::msg::Answer::LookedBack`].
    LookBack {
        /// Of which pool.
        pool: PoolIx,
        /// Number of the request: the answer carries it.
        ask: u64,
        /// Which moment; `None`: the newest.
        at: Option<crate::time::Time>,
    },
    /// Read what a host left of a crash, put what was recorded beside it, and answer with [`super::msg::Answer::CrashSeen`] while it comes and
    /// [`super::msg::Answer::CrashRead`] at the end. Writes nothing.
    ReadCrash {
        /// Of which pool.
        pool: PoolIx,
        /// Number of the request: the answers carry it.
        ask: u64,
        /// The host.
        host: Ref,
        /// Its uuid, or its name where that is not known.
        called: String,
        /// Its name.
        name: String,
        /// About when it went down.
        at: Option<crate::time::Time>,
        /// What its files said, if that is known: then only what was recorded is put beside it once more.
        files: Option<Arc<Reading>>,
    },
    /// Nobody wants the answer to this request any more.
    StopCrash {
        /// Its number.
        ask: u64,
    },
    /// Write a crash into an HTML file, never over another, and answer with [`super::msg::Answer::CrashSaved`].
    SaveCrash {
        /// Of which pool.
        pool: PoolIx,
        /// The crash, alone in its reading.
        reading: Box<Reading>,
    },
    /// Write the cause to the record of a dump and answer with [`super::msg::Answer::CauseWritten`]. The operator has agreed to just this.
    WriteCause {
        /// In which pool.
        pool: PoolIx,
        /// The dump.
        dump: Ref,
        /// The cause, as it is written.
        cause: String,
    },
    /// Keep this theme for the next time.
    SaveTheme(String),
    /// Look for a run of this pool that was not ended, and answer with [`super::msg::Answer::RunFound`]. Writes nothing.
    FindRun {
        /// Of which pool.
        pool: PoolIx,
    },
    /// Plan this, check the pool for it, and answer with [`super::msg::Answer::Surveyed`]. Writes nothing.
    Survey {
        /// Of which pool.
        pool: PoolIx,
        /// Number of the request: the answer carries it, so that one that was overtaken is known.
        ask: u64,
        /// What is to be done, to which hosts (by uuid), in which order.
        scope: Scope,
        /// How.
        options: Box<Options>,
        /// Whether it is to be rehearsed on a twin of the pool too, and with how many things that go wrong by chance.
        rehearse: Option<u32>,
    },
    /// Do what mends a finding, and answer with [`super::msg::Answer::Mended`].
    Mend {
        /// In which pool.
        pool: PoolIx,
        /// What.
        fix: Fix,
    },
    /// Run this plan. Answer with [`super::msg::Answer::RunStarted`] and then [`super::msg::Answer::RunProgress`] whenever that changed, or with
    /// [`super::msg::Answer::RunFailed`].
    StartRun {
        /// In which pool.
        pool: PoolIx,
        /// The plan, with what the operator accepted.
        plan: Box<Plan>,
    },
    /// Go on with the run that [`super::msg::Answer::RunFound`] told of; answer as for [`Request::StartRun`].
    ResumeRun {
        /// In which pool.
        pool: PoolIx,
    },
    /// Give this command to the run, and answer with [`super::msg::Answer::Commanded`].
    RunCommand {
        /// In which pool.
        pool: PoolIx,
        /// Which.
        command: Command,
    },
}

impl Request {
    /// The answer for who cannot do this at all, so that nobody waits for it. `why` is a sentence.
    pub fn refused(self, why: &str) -> Answer {
        let why = why.to_owned();
        match self {
            Self::FetchRaw { pool, r#ref, .. } => Answer::Raw { pool, r#ref, result: Err(why) },
            Self::LookBack { pool, ask, .. } => Answer::LookedBack { pool, ask, result: Err(why) },
            Self::ReadCrash { pool, ask, .. } => {
                Answer::CrashRead { pool, ask, result: Err(CrashTrouble { text: why, passes: false }) }
            }
            Self::SaveCrash { pool, .. } => Answer::CrashSaved { pool, result: Err(why) },
            Self::WriteCause { pool, dump, .. } => Answer::CauseWritten { pool, dump, result: Err(why) },
            Self::Inject { id } => Answer::Fault { id, result: Err(why) },
            Self::Speed(_) | Self::SaveTheme(_) | Self::StopCrash { .. } => Answer::Notice { pool: None, text: why, wrong: true },
            Self::FindRun { pool } => Answer::RunFound { pool, result: Err(why) },
            Self::Survey { pool, ask, .. } => Answer::Surveyed { pool, ask, result: Err(why) },
            Self::Mend { pool, .. } => Answer::Mended { pool, result: Err(why) },
            Self::StartRun { pool, .. } | Self::ResumeRun { pool } => Answer::RunFailed { pool, error: why },
            Self::RunCommand { pool, command } => Answer::Commanded { pool, command, result: Err(why) },
        }
    }
}
