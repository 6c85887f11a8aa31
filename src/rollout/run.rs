//! The state of a run: the fold of its journal. Decides nothing.
//!
//! [`Run::apply`] is total: whatever a line says, it never panics, and what makes no sense is ignored. Nothing else changes a run, so
//! that one that was killed at any instant is exactly what its journal says.

use super::call::{Call, Outcome};
use super::entry::{Before, CallId, Command, Entry, Found, HostAt, HostEnd, Item, Keeper, Phase, RunResult};
use super::plan::{Accepted, Plan, Stage};
use crate::time::Time;
use crate::xenapi::record::Ref;
use std::collections::{BTreeMap, VecDeque};

/// How a stop begins whose reason is that the pool's database went back: who lets the run go on after it has been told.
pub const WENT_BACK: &str = "The pool's database went back in time";

mod words;

pub use words::verb;

/// Actions that are kept in words.
const ACTIONS: usize = 60;
/// Stage entries that are kept of one host: a machine that goes in circles is stopped long before.
const STAGES: usize = 2_000;

/// A run as its journal tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Its name.
    pub id: String,
    /// Who runs it: user and machine.
    pub by: String,
    /// What it was asked to do.
    pub plan: Plan,
    /// How the pool was found.
    pub found: Found,
    /// When it began.
    pub began: Time,
    /// Its phase, and since when.
    pub phase: (Phase, Time),
    /// Number of the first call of its phase, or of what is tried anew in it.
    pub phase_mark: CallId,
    /// Number of the first call since the operator last told it to try again.
    pub retry_mark: CallId,
    /// Its hosts, in the order of the plan.
    pub hosts: Vec<HostRun>,
    /// Its calls by number.
    pub calls: BTreeMap<CallId, CallRun>,
    /// What the operator wants of it.
    pub wish: Wish,
    /// Why it waits for the operator, if it does: host, why, what to do.
    pub stuck: Option<Stuck>,
    /// Until when it is known to the operator that the pool's database went back: it was told, and the run was told to go on.
    pub database_checked: Option<Time>,
    /// What it waits for, in words; empty if for nothing.
    pub waiting: String,
    /// The host that it waits at, if at one.
    pub waiting_at: Option<HostAt>,
    /// Since when it waits for that.
    pub waiting_since: Time,
    /// What is not as it was found, and why.
    pub left: BTreeMap<Item, String>,
    /// How it ended.
    pub result: Option<(RunResult, String)>,
    /// When the operator, or a new start of the program, last gave every deadline its full time again.
    pub fresh: Time,
    /// When the program last started on it.
    pub started: Time,
    /// Soft findings that were accepted, before and while it runs.
    pub accepted: Vec<Accepted>,
    /// The last actions, newest last: when, and what, in words.
    pub actions: VecDeque<(Time, String)>,
    /// The newest line's time.
    pub at: Time,
    /// Whether it was ended once and is being put back since, by command.
    pub reopened: bool,
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
    /// When it was begun.
    pub begun: Option<Time>,
    /// Stages that it went into, with when, in order. The last is where it is.
    pub stages: Vec<(Stage, Time)>,
    /// For each of these: the number of its first call.
    pub marks: Vec<CallId>,
    /// Why it is in the last of them, or what is done, in words.
    pub why: String,
    /// Who has kept the pool's tasks since before its mirrors could begin to be rebuilt, or since they were last known to be in step.
    pub keeper: Option<Keeper>,
    /// When its mirrors were last known to be in step: a rebuild was seen to end, or a person had looked.
    pub in_step: Option<Time>,
    /// Whether the operator gave it up while it was worked on.
    pub given_up: bool,
    /// How it ended, and when.
    pub end: Option<(HostEnd, Time)>,
}

impl HostRun {
    /// Where it is, and since when; `None` if it is not begun or has ended.
    pub fn stage(&self) -> Option<(Stage, Time)> {
        if self.end.is_some() { None } else { self.stages.last().copied() }
    }

    /// The number of the first call of the stage that it is in.
    pub fn mark(&self) -> CallId {
        self.marks.last().copied().unwrap_or(1)
    }

    /// When it went into its stage for the first time, if it went into it several times in a row.
    pub fn entered(&self) -> Option<Time> {
        let (stage, _) = self.stages.last()?;
        self.stages.iter().rev().take_while(|(s, _)| s == stage).last().map(|(_, at)| *at)
    }

    /// The number of the first call since it last went into `stage`; `None` if it never did.
    pub fn mark_of(&self, stage: Stage) -> Option<CallId> {
        let at = self.stages.iter().rposition(|(s, _)| *s == stage)?;
        self.marks.get(at).copied()
    }

    /// When it last went into `stage`, coming from another one.
    pub fn entered_last(&self, stage: Stage) -> Option<Time> {
        let last = self.stages.iter().rposition(|(s, _)| *s == stage)?;
        self.stages.get(..=last)?.iter().rev().take_while(|(s, _)| *s == stage).last().map(|(_, at)| *at)
    }

    /// How often it went into a stage, counting what came in a row once.
    pub fn rounds(&self, stage: Stage) -> usize {
        let mut last = None;
        let mut n = 0;
        for (s, _) in &self.stages {
            n += usize::from(*s == stage && last != Some(stage));
            last = Some(*s);
        }
        n
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
    /// When the pool named that task.
    pub taken: Option<Time>,
    /// What became of it, and when.
    pub outcome: Option<(Outcome, Time)>,
}

impl CallRun {
    /// Whether it may have taken effect: all but what was refused or never sent.
    pub fn may_have_effect(&self) -> bool {
        !matches!(self.outcome, Some((Outcome::Failed { .. } | Outcome::NotSent { .. }, _)))
    }
}

impl Run {
    /// A run from the first line of its journal; `None` if that is no [`Entry::Began`].
    pub fn begin(at: Time, entry: &Entry) -> Option<Self> {
        let Entry::Began { run, by, plan, found, .. } = entry else { return None };
        let mut new = Self {
            id: run.clone(),
            by: by.clone(),
            hosts: vec![HostRun::default(); plan.hosts.len()],
            plan: plan.clone(),
            found: found.clone(),
            began: at,
            phase: (Phase::Prepare, at),
            phase_mark: 1,
            retry_mark: 1,
            calls: BTreeMap::new(),
            wish: Wish::Run,
            stuck: None,
            database_checked: plan.options.database_checked,
            waiting: String::new(),
            waiting_at: None,
            waiting_since: at,
            left: BTreeMap::new(),
            result: None,
            fresh: at,
            started: at,
            accepted: plan.options.accepted.clone(),
            actions: VecDeque::new(),
            at,
            reopened: false,
        };
        new.remember(at, entry);
        Some(new)
    }

    /// The number of the next call.
    pub fn next_call(&self) -> CallId {
        self.calls.keys().next_back().map_or(1, |last| last.saturating_add(1))
    }

    /// The number of the first call of its phase since it was last told to try again.
    pub fn mark(&self) -> CallId {
        self.phase_mark.max(self.retry_mark)
    }

    /// The host that is being worked on: begun and not ended.
    pub fn current(&self) -> Option<HostAt> {
        self.hosts.iter().position(|h| h.before.is_some() && h.end.is_none())
    }

    /// Takes in one line of the journal.
    pub fn apply(&mut self, at: Time, entry: &Entry) {
        if let Entry::Resumed { .. } = entry
            && at < self.at
        {
            self.set_back(at);
        }
        self.at = self.at.max(at);
        self.remember(at, entry);
        match entry {
            // Only the first line says that.
            Entry::Began { .. } => {}
            Entry::Resumed { by, .. } => {
                self.by.clone_from(by);
                self.fresh = at;
                self.started = at;
                self.rest();
            }
            Entry::Phase { phase } => {
                self.phase = (*phase, at);
                self.phase_mark = self.next_call();
                self.stuck = None;
                self.rest();
            }
            Entry::Before { host, before } => {
                if let Some(one) = self.hosts.get_mut(*host)
                    && one.end.is_none()
                    && one.before.is_none()
                {
                    one.before = Some(before.clone());
                    one.begun = Some(at);
                    self.rest();
                }
            }
            Entry::Stage { host, stage, why, keeper } => self.enter(at, *host, *stage, why, keeper.as_ref()),
            Entry::HostEnded { host, end } => {
                if let Some(one) = self.hosts.get_mut(*host)
                    && one.end.is_none()
                {
                    one.end = Some((end.clone(), at));
                    if self.stuck.as_ref().is_some_and(|s| s.host == Some(*host)) {
                        self.stuck = None;
                    }
                    self.rest();
                }
            }
            Entry::Intent { id, host, call } => {
                let new = CallRun { host: *host, call: call.clone(), at, task: None, taken: None, outcome: None };
                self.calls.entry(*id).or_insert(new);
            }
            Entry::Task { id, task } => {
                if let Some(call) = self.calls.get_mut(id)
                    && call.outcome.is_none()
                {
                    call.task = Some(task.clone());
                    call.taken = Some(at);
                }
            }
            Entry::Outcome { id, outcome } => {
                if let Some(call) = self.calls.get_mut(id)
                    && call.outcome.is_none()
                {
                    call.outcome = Some((outcome.clone(), at));
                }
            }
            Entry::Waiting { host, text } => {
                self.waiting.clone_from(text);
                self.waiting_at = *host;
                self.waiting_since = at;
            }
            Entry::Stuck { host, why, todo } => {
                self.stuck = Some(Stuck { host: *host, since: at, why: why.clone(), todo: todo.clone() });
                self.rest();
            }
            Entry::Command { command } => self.obey(at, command),
            Entry::Left { item, why } => {
                self.left.insert(item.clone(), why.clone());
            }
            Entry::PutBack { item, .. } => {
                self.left.remove(item);
            }
            Entry::Ended { result, text } => {
                self.result = Some((*result, text.clone()));
                self.phase = (Phase::Ended, at);
                self.stuck = None;
                self.rest();
            }
        }
    }

    /// The clock by which it goes on is behind the one by which it was written, or was set back: what happened counts as having happened
    /// as long before now as it had happened before the last line. Nothing may wait for a time that only the other clock would reach.
    fn set_back(&mut self, now: Time) {
        let by = self.at.since(now);
        let back = |at: &mut Time| *at = *at - by;
        back(&mut self.at);
        back(&mut self.began);
        back(&mut self.phase.1);
        back(&mut self.fresh);
        back(&mut self.started);
        self.database_checked.iter_mut().for_each(back);
        back(&mut self.waiting_since);
        for host in &mut self.hosts {
            host.begun.iter_mut().for_each(back);
            host.in_step.iter_mut().for_each(back);
            host.stages.iter_mut().for_each(|(_, at)| back(at));
            host.end.iter_mut().for_each(|(_, at)| back(at));
        }
        for call in self.calls.values_mut() {
            back(&mut call.at);
            call.outcome.iter_mut().for_each(|(_, at)| back(at));
        }
        self.stuck.iter_mut().for_each(|stuck| back(&mut stuck.since));
        self.actions.iter_mut().for_each(|(at, _)| back(at));
    }

    fn enter(&mut self, at: Time, host: HostAt, stage: Stage, why: &str, keeper: Option<&Keeper>) {
        let mark = self.next_call();
        let Some(one) = self.hosts.get_mut(host).filter(|h| h.before.is_some() && h.end.is_none()) else { return };
        if one.stages.len() >= STAGES {
            one.stages.remove(0);
            one.marks.remove(0);
        }
        one.stages.push((stage, at));
        one.marks.push(mark);
        why.clone_into(&mut one.why);
        if let Some(keeper) = keeper {
            one.keeper = Some(keeper.clone());
            one.in_step = Some(at).filter(|_| stage == Stage::Rebuild).or(one.in_step);
        }
        if self.stuck.as_ref().is_some_and(|s| s.host == Some(host)) {
            self.stuck = None;
        }
        self.rest();
    }

    fn obey(&mut self, at: Time, command: &Command) {
        if !matches!(command, Command::Pause | Command::StopAfterHost | Command::Accept { .. }) {
            self.retry_mark = self.next_call();
        }
        // Who leaves a host out, or lets a pause end, has not said that the pool was looked at.
        if matches!(command, Command::Retry | Command::Abort | Command::Restore)
            && self.stuck.as_ref().is_some_and(|stuck| stuck.why.starts_with(WENT_BACK))
        {
            self.database_checked = Some(at);
        }
        match command {
            Command::Pause => self.wish = Wish::Pause,
            Command::Resume => {
                self.wish = Wish::Run;
                self.fresh = at;
            }
            Command::StopAfterHost => self.wish = Wish::StopAfterHost,
            Command::Skip { host } => {
                if let Some(one) = self.hosts.get_mut(*host).filter(|h| h.before.is_some() && h.end.is_none()) {
                    one.given_up = true;
                    self.stuck = None;
                    self.fresh = at;
                }
            }
            Command::Retry => {
                self.stuck = None;
                self.fresh = at;
            }
            Command::Abort => {
                self.wish = Wish::Abort;
                self.stuck = None;
            }
            Command::Restore if self.result.is_none() && self.phase.0 != Phase::Restore => {}
            Command::Restore => {
                self.reopened |= self.result.is_some();
                self.result = None;
                self.stuck = None;
                self.fresh = at;
                self.phase = (Phase::Restore, at);
                self.phase_mark = self.next_call();
            }
            Command::Accept { code, about, reason } => {
                self.accepted.push(Accepted { code: code.clone(), about: about.clone(), reason: reason.clone() });
            }
        }
        self.rest();
    }

    /// It waits for nothing that it had said.
    fn rest(&mut self) {
        self.waiting.clear();
        self.waiting_at = None;
    }

    /// Keeps a line among the last actions, if it is one.
    fn remember(&mut self, at: Time, entry: &Entry) {
        if let Some(text) = words::action(self, entry) {
            if self.actions.len() >= ACTIONS {
                self.actions.pop_front();
            }
            self.actions.push_back((at, text));
        }
    }
}

#[cfg(test)]
mod tests;
