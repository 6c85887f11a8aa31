//! A run for people: where each host is, what is waited for and until when, which guests move, how long it will still take.

use super::entry::{HostAt, Item, Phase, RunResult};
use super::plan::Stage;
use crate::time::Time;

/// A run at one moment. Plain data: the run page draws it, `roll` prints changes of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Name of the run.
    pub run: String,
    /// The moment.
    pub at: Time,
    /// When it began.
    pub began: Time,
    /// Its phase.
    pub phase: Phase,
    /// What it does or waits for now, as a sentence.
    pub headline: String,
    /// Why it waits for the operator, and what to do; `None` if it does not.
    pub stuck: Option<(String, String)>,
    /// Whether it was told to pause, to stop after this host, to abort; in words, empty if not.
    pub wish: &'static str,
    /// The hosts, in order.
    pub hosts: Vec<HostProgress>,
    /// The host that is being worked on.
    pub current: Option<HostAt>,
    /// Guests on the move.
    pub moves: Vec<Move>,
    /// The last actions, newest last: when, and what, in words.
    pub actions: Vec<(Time, String)>,
    /// What is not as it was found, and why.
    pub left: Vec<(Item, String)>,
    /// When it is expected to end; learnt from the hosts that are done.
    pub ends: Option<Time>,
    /// How it ended.
    pub result: Option<(RunResult, String)>,
    /// For each command: its name, and why it cannot be given now (`None`: it can).
    pub commands: Vec<(CommandName, Option<String>)>,
}

/// The commands as an operator knows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, strum::EnumIter, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
#[allow(missing_docs, reason = "each is the entry::Command of that name")]
pub enum CommandName {
    Pause,
    Resume,
    StopAfterHost,
    Skip,
    Retry,
    Abort,
    Restore,
}

/// How a host stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Not begun.
    #[default]
    Waiting,
    /// Being worked on.
    Working,
    /// Being worked on, and stuck.
    Stuck,
    /// Done.
    Done,
    /// Left out or given up.
    Skipped,
}

/// One host of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HostProgress {
    /// Its name.
    pub name: String,
    /// How it stands.
    pub standing: Standing,
    /// Where it is.
    pub stage: Option<Stage>,
    /// The stages it has or will have, in order, with when each began and ended.
    pub stages: Vec<(Stage, Option<Time>, Option<Time>)>,
    /// When the current stage has to be over.
    pub deadline: Option<Time>,
    /// What it is waiting for and why, as a sentence.
    pub text: String,
}

/// A guest on the move.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Move {
    /// Its name.
    pub guest: String,
    /// From where.
    pub from: String,
    /// Where to; empty if the pool does not say.
    pub to: String,
    /// 0 to 1; `None` if that cannot be told.
    pub progress: Option<f64>,
}
