//! What can lie over the screen.

use super::crash::{CrashId, CrashPane};
use crate::pool::budget::calculator::Number;
use crate::pool::picture::PathKind;
use crate::rollout::entry::Command;
use crate::rollout::finding::Fix;
use crate::tui::msg::PoolIx;
use crate::xenapi::record::{Class, Ref};
use tui_input::Input;

/// What a detail is about. By identity, so that it follows its subject while the picture changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The answer to "may I reboot the next host?".
    Verdict,
    /// Who is in control of the pool.
    Control,
    /// The time-out budget.
    Budget,
    /// The clocks of the hosts.
    Clocks,
    /// A host.
    Host(Ref),
    /// A rebuild, by SR and source.
    Rebuild(String, String),
    /// A task.
    Task(Ref),
    /// An alert, by its key.
    Alert(String),
    /// A host's paths to something.
    Path(String, PathKind, String),
    /// A cluster member, by stack and host.
    Member(String, String),
    /// A line of the log.
    Line(crate::tui::log::LogLine),
}

impl Target {
    /// The record behind it, if there is one.
    pub fn record(&self) -> Option<(Class, Ref)> {
        match self {
            Self::Host(r) => Some((Class::Host, r.clone())),
            Self::Task(r) => Some((Class::Task, r.clone())),
            _ => None,
        }
    }
}

/// The fields of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Raw {
    /// Asked for.
    Asked,
    /// Field names and values, and a word on where they are from.
    Fields(Vec<(String, String)>, String),
}

/// A detail.
#[derive(Clone, Debug)]
pub struct Detail {
    /// What it is about.
    pub target: Target,
    /// Lines scrolled away at the top.
    pub first: usize,
    /// The record's fields, if they are shown instead.
    pub raw: Option<Raw>,
}

/// What is asked before it is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Leave while runs are going on.
    Quit,
    /// Give a run a command.
    Command(PoolIx, Command),
    /// Mend a finding in the pool.
    Mend(PoolIx, Fix),
    /// Write the cause of a crash to the record of its dump.
    Cause(Box<CauseOf>),
}

/// A cause that is to be written to the record of a dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CauseOf {
    /// In which pool.
    pub pool: PoolIx,
    /// The dump.
    pub dump: Ref,
    /// Its uuid.
    pub uuid: String,
    /// The host that crashed.
    pub host: String,
    /// What stands there now, if anything.
    pub was: Option<String>,
    /// What is written.
    pub cause: String,
    /// How sure that is, in words.
    pub sure: &'static str,
}

/// A popup.
#[derive(Clone, Debug)]
pub enum Popup {
    /// All keys.
    Help {
        /// What is searched for.
        input: Input,
        /// Whether it is being typed.
        typing: bool,
        /// Lines scrolled away at the top.
        first: usize,
    },
    /// The command palette.
    Palette {
        /// What is typed.
        input: Input,
        /// The chosen row.
        at: usize,
    },
    /// One thing in detail.
    Detail(Detail),
    /// The crashes of a pool.
    Crashes {
        /// Of which pool.
        pool: PoolIx,
        /// The chosen row, as long as nothing is chosen by name.
        at: usize,
        /// What is chosen.
        chosen: Option<CrashId>,
    },
    /// One of them.
    Crash(Box<CrashPane>),
    /// The themes.
    Themes {
        /// The one that is shown.
        at: usize,
        /// The one that was in force.
        before: usize,
    },
    /// Faults for the simulated pool.
    Faults {
        /// The chosen row.
        at: usize,
    },
    /// Why a soft finding is accepted.
    Accept {
        /// Code of the finding.
        code: String,
        /// What it is about.
        about: String,
        /// What is typed.
        input: Input,
    },
    /// XenServer 7: which update is to be installed.
    Update {
        /// What is typed.
        input: Input,
    },
    /// One of the numbers of the lease calculator.
    Number {
        /// Which.
        which: Number,
        /// What is typed.
        input: Input,
    },
    /// A question before something that cannot simply be taken back.
    Ask {
        /// What is asked.
        ask: Ask,
        /// The chosen answer; 0 is always the harmless one.
        at: usize,
    },
    /// The moment to go to.
    Moment {
        /// What is typed.
        input: Input,
    },
    /// The pools, by name.
    Pools {
        /// What is typed.
        input: Input,
        /// The chosen row.
        at: usize,
    },
}

impl Popup {
    /// Whether keys type text into it.
    pub fn typing(&self) -> bool {
        matches!(
            self,
            Self::Palette { .. }
                | Self::Pools { .. }
                | Self::Accept { .. }
                | Self::Update { .. }
                | Self::Number { .. }
                | Self::Moment { .. }
                | Self::Help { typing: true, .. }
        )
    }

    /// The text field that keys type into.
    pub fn input(&mut self) -> Option<&mut Input> {
        match self {
            Self::Palette { input, .. }
            | Self::Pools { input, .. }
            | Self::Accept { input, .. }
            | Self::Update { input }
            | Self::Number { input, .. }
            | Self::Moment { input }
            | Self::Help { input, typing: true, .. } => Some(input),
            _ => None,
        }
    }
}
