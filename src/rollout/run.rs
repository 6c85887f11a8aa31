//! The state of a run: the fold of its journal. Decides nothing.

use super::call::{Call, Outcome};
use super::entry::{Before, CallId, Entry, Found, HostAt, HostEnd, Item, Phase, RunResult};
use super::plan::{Plan, Stage};
use crate::time::Time;
use crate::xenapi::record::Ref;
use std::collections::BTreeMap;

/// A run as its journal tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Its name.
    pub id: String,
    /// What it was asked to do.
    pub plan: Plan,
    /// How the pool was found.
    pub found: Found,
    /// When it began.
    pub began: Time,
    /// Its phase, and since when.
    pub phase: (Phase, Time),
    /// Its hosts, in the order of the plan.
    pub hosts: Vec<HostRun>,
    /// Its calls by number.
    pub calls: BTreeMap<CallId, CallRun>,
    /// What the operator wants of it.
    pub wish: Wish,
    /// Why it waits for the operator, if it does: host, why, what to do.
    pub stuck: Option<Stuck>,
    /// What it waits for, in words; empty if for nothing.
    pub waiting: String,
    /// What is not as it was found, and why.
    pub left: BTreeMap<Item, String>,
    /// How it ended.
    pub result: Option<(RunResult, String)>,
}

/// What the operator wants of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wish {
    /// Go on.
    #[default]
    Run,
    /// Begin nothing new.
    Pause,
    /// End after this host.
    StopAfterHost,
    /// End as soon as is safe, and put everything back.
    Abort,
}

/// Why a run waits for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// At which host, if at one.
    pub host: Option<HostAt>,
    /// Since when.
    pub since: Time,
    /// Why, in words.
    pub why: String,
    /// What to do, in words.
    pub todo: String,
}

/// One host of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HostRun {
    /// How it was found; `None`: not begun.
    pub before: Option<Before>,
    /// Stages that it went into, with when, in order. The last is where it is.
    pub stages: Vec<(Stage, Time)>,
    /// How it ended, and when.
    pub end: Option<(HostEnd, Time)>,
}

impl HostRun {
    /// Where it is, and since when; `None` if it is not begun or has ended.
    pub fn stage(&self) -> Option<(Stage, Time)> {
        if self.end.is_some() { None } else { self.stages.last().copied() }
    }
}

/// One call of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct CallRun {
    /// For which host, if for one.
    pub host: Option<HostAt>,
    /// Which.
    pub call: Call,
    /// When it was about to be made.
    pub at: Time,
    /// The task that works on it.
    pub task: Option<Ref>,
    /// What became of it, and when.
    pub outcome: Option<(Outcome, Time)>,
}

impl Run {
    /// A run from the first line of its journal; `None` if that is no [`Entry::Began`].
    pub fn begin(at: Time, entry: &Entry) -> Option<Self> {
        let Entry::Began { run, plan, found, .. } = entry else { return None };
        Some(Self {
            id: run.clone(),
            hosts: vec![HostRun::default(); plan.hosts.len()],
            plan: plan.clone(),
            found: found.clone(),
            began: at,
            phase: (Phase::Prepare, at),
            calls: BTreeMap::new(),
            wish: Wish::Run,
            stuck: None,
            waiting: String::new(),
            left: BTreeMap::new(),
            result: None,
        })
    }

    /// The number of the next call.
    pub fn next_call(&self) -> CallId {
        self.calls.keys().next_back().map_or(1, |last| last + 1)
    }

    /// The host that is being worked on: begun and not ended.
    pub fn current(&self) -> Option<HostAt> {
        self.hosts.iter().position(|h| h.before.is_some() && h.end.is_none())
    }
}
