//! A run with its journal: steps the machine, writes what it wants, hands out the calls and reads that are to be made.
//!
//! Synchronous and without I/O of its own but for the journal behind [`Log`]; the driver and the simulated proof run the same engine.

use super::call::{Call, Outcome};
use super::claim::LastRead;
use super::entry::{CallId, Command, Entry};
use super::look::{Look, Looked, Sight};
use super::machine::{self, Action, Guard, Guards, View};
use super::run::Run;
use crate::pool::Pool;
use crate::pool::glance::Glance;
use crate::pool::picture::LinkState;
use crate::time::Time;
use crate::xenapi::code::Code;
use crate::xenapi::error::ApiError;
use crate::xenapi::explain::NameLookup;
use crate::xenapi::record::{Class, Ref, TaskStatus};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How often the machine is stepped in one turn: far more than any turn needs. One that never comes to rest is stopped by it.
const STEPS: usize = 400;
/// A task that was never seen in the pool's records, nor in a reading made after it was taken on, is gone after this.
const UNSEEN: Duration = Duration::from_secs(30);

/// Nobody is asked back sooner than this: what is due has been looked at just now.
const SOONEST: Duration = Duration::from_millis(100);

/// Where the journal goes.
pub trait Log {
    /// Writes a line and waits until it is on disk. After an error nothing may be done whose intent this was.
    fn append(&mut self, at: Time, entry: &Entry) -> Result<(), LogError>;
}

/// Why a line could not be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LogError(pub String);

/// What is to be done outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Job {
    /// Make this call; then say [`Engine::accepted`] (if it became a task) and [`Engine::ended`] (if it did not).
    Make {
        /// Its number.
        id: CallId,
        /// Which.
        call: Call,
    },
    /// Read this; then say [`Engine::looked`].
    Look(Look),
}

/// Why a run cannot be taken up again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResumeError {
    /// The journal does not begin with the line that every run begins with.
    #[error("the journal holds no run: its first line does not say that one begins")]
    NoRun,
    /// The journal cannot be written any more.
    #[error("the journal cannot be written: {0}")]
    Log(#[from] LogError),
}

/// A run that is being worked on.
pub struct Engine<L> {
    /// Its state.
    pub run: Run,
    /// Its journal.
    pub log: L,
    owner: String,
    /// Its guards: all, unless the proof took one out.
    #[doc(hidden)]
    pub guards: Guards,
    /// The last answer to each look.
    looked: BTreeMap<Look, Looked>,
    /// Looks that were handed out and are not answered.
    asked: BTreeSet<Look>,
    /// Tasks of ours that were seen in the pool's records.
    seen: BTreeSet<Ref>,
    claims: LastRead,
    /// Once the journal could not be written, nothing is done any more.
    broken: Option<LogError>,
}

impl<L: Log> Engine<L> {
    /// A new run: `entry` is its [`Entry::Began`], which is written first. Its `by` is who our claim says we are.
    pub fn begin(mut log: L, now: Time, entry: &Entry) -> Result<Self, ResumeError> {
        let (run, Entry::Began { by, .. }) = (Run::begin(now, entry).ok_or(ResumeError::NoRun)?, entry) else {
            return Err(ResumeError::NoRun);
        };
        log.append(now, entry)?;
        Ok(Self::with(run, log, by))
    }

    /// A run whose program ended, from its journal's lines. Calls that were about to be made, and of which nothing more is known, may
    /// have taken effect or not: that is written, and the machine finds out. Of those that became a task the end is still read from it.
    pub fn resume(log: L, entries: &[(Time, Entry)], now: Time, by: &str) -> Result<Self, ResumeError> {
        let mut lines = entries.iter();
        let run = lines.next().and_then(|(at, entry)| Run::begin(*at, entry)).ok_or(ResumeError::NoRun)?;
        let mut engine = Self::with(run, log, by);
        for (at, entry) in lines {
            engine.run.apply(*at, entry);
        }
        if engine.run.result.is_some() {
            return Ok(engine);
        }
        let open: Vec<CallId> =
            engine.run.calls.iter().filter(|(_, c)| c.outcome.is_none() && c.task.is_none()).map(|(id, _)| *id).collect();
        for id in open {
            let text = "poolwatch ended before it learnt what became of it".to_owned();
            engine.write(now, &Entry::Outcome { id, outcome: Outcome::Unanswered { text } })?;
        }
        engine.write(now, &Entry::Resumed { by: by.to_owned(), notes: Vec::new() })?;
        Ok(engine)
    }

    fn with(run: Run, log: L, owner: &str) -> Self {
        Self {
            run,
            log,
            owner: owner.to_owned(),
            guards: Guards::default(),
            looked: BTreeMap::new(),
            asked: BTreeSet::new(),
            seen: BTreeSet::new(),
            claims: LastRead::default(),
            broken: None,
        }
    }

    /// What the machine sees.
    pub fn view<'a>(&'a self, now: Time, pool: &'a Pool, picture: &'a Glance<'a>) -> View<'a> {
        View { now, pool, picture, looked: &self.looked, owner: &self.owner, claims: &self.claims, guards: self.guards }
    }

    /// Lets the machine act on what is known now; returns what is to be done outside, and when to come back at the latest.
    /// An error is the journal's: then nothing more is done.
    pub fn turn(&mut self, now: Time, pool: &Pool, picture: &Glance) -> Result<(Vec<Job>, Option<Time>), LogError> {
        if let Some(broken) = &self.broken {
            return Err(broken.clone());
        }
        self.watch_tasks(now, pool, picture)?;
        let mut jobs = Vec::new();
        let mut wake: Option<Time> = self.next_task_check(now);
        for _ in 0..STEPS {
            let actions = machine::step(&self.run, &self.view(now, pool, picture));
            let mut wrote = false;
            for action in actions {
                match action {
                    Action::Write(entry) => {
                        if self.says_nothing_new(&entry) {
                            continue;
                        }
                        self.write(now, &entry)?;
                        wrote = true;
                        if let Entry::Intent { id, call, .. } = entry {
                            jobs.push(Job::Make { id, call });
                        }
                    }
                    Action::Look(look) => {
                        if self.asked.insert(look.clone()) {
                            jobs.push(Job::Look(look));
                        }
                    }
                    Action::Wake(at) => wake = Some(wake.map_or(at, |w| w.min(at))),
                }
            }
            if !wrote {
                break;
            }
        }
        Ok((jobs, wake.map(|at| at.max(now + SOONEST))))
    }

    fn says_nothing_new(&self, entry: &Entry) -> bool {
        match entry {
            Entry::Waiting { host, text } => self.run.waiting == *text && self.run.waiting_at == *host,
            _ => false,
        }
    }

    /// The pool took a call, and works on it as this task. Its end is read from the pool's task records.
    pub fn accepted(&mut self, now: Time, id: CallId, task: Ref) -> Result<(), LogError> {
        self.write(now, &Entry::Task { id, task })
    }

    /// A call ended, or cannot be told to have ended.
    pub fn ended(&mut self, now: Time, id: CallId, outcome: Outcome) -> Result<(), LogError> {
        self.write(now, &Entry::Outcome { id, outcome })
    }

    /// A look was answered.
    pub fn looked(&mut self, look: Look, looked: Looked) {
        self.asked.remove(&look);
        self.looked.insert(look, looked);
    }

    /// The operator says something. The error says why that cannot be now.
    pub fn command(&mut self, now: Time, pool: &Pool, picture: &Glance, command: &Command) -> Result<(), String> {
        if let Some(broken) = &self.broken {
            return Err(format!("the journal cannot be written: {broken}"));
        }
        let entries = machine::command(&self.run, &self.view(now, pool, picture), command)?;
        for entry in entries {
            self.write(now, &entry).map_err(|e| format!("the journal cannot be written: {e}"))?;
        }
        Ok(())
    }

    /// Calls that the pool works on as a task, with that task.
    pub fn tasks(&self) -> impl Iterator<Item = (CallId, &Ref)> {
        self.run.calls.iter().filter(|(_, c)| c.outcome.is_none()).filter_map(|(id, c)| Some((*id, c.task.as_ref()?)))
    }

    fn write(&mut self, now: Time, entry: &Entry) -> Result<(), LogError> {
        if let Some(broken) = &self.broken {
            return Err(broken.clone());
        }
        let is_intent = matches!(entry, Entry::Intent { .. });
        let unwritten = is_intent && !self.guards.has(Guard::Intent);
        if !unwritten && let Err(error) = self.log.append(now, entry) {
            self.broken = Some(error.clone());
            return Err(error);
        }
        self.run.apply(now, entry);
        Ok(())
    }

    /// Reads the ends of our tasks from the pool's records. A task that is gone may have come off or not.
    fn watch_tasks(&mut self, now: Time, pool: &Pool, picture: &Glance) -> Result<(), LogError> {
        let open: Vec<(CallId, Ref, Time)> = self
            .run
            .calls
            .iter()
            .filter(|(_, c)| c.outcome.is_none())
            // A reading between the intent and the pool's answer cannot have the task yet.
            .filter_map(|(id, c)| Some((*id, c.task.clone()?, c.taken.unwrap_or(c.at))))
            .collect();
        let records = pool.records();
        for (id, task, since) in open {
            let outcome = if let Some(record) = records.task(&task) {
                self.seen.insert(task.clone());
                match record.status {
                    TaskStatus::Success => Outcome::Done { value: String::new() },
                    TaskStatus::Cancelled => Outcome::Failed {
                        code: "TASK_CANCELLED".into(),
                        params: Vec::new(),
                        text: "its task was cancelled".into(),
                    },
                    TaskStatus::Failure => {
                        let mut info = record.error_info.iter().map(ToString::to_string);
                        let code = info.next().unwrap_or_default();
                        let params: Vec<String> = info.collect();
                        let text = explained(&code, &params, pool);
                        Outcome::Failed { code, params, text }
                    }
                    _ => continue,
                }
            } else {
                let current = picture.link() == LinkState::Live && !records.is_reading(Class::Task);
                let read_since = records.synced().is_some_and(|at| at > since);
                let asked_since = self.looked.values().any(|l| match &l.sight {
                    Sight::State(state) => l.asked > since && !state.tasks.contains_key(&task),
                    _ => false,
                });
                let gone = self.seen.contains(&task) || read_since || asked_since || now >= since + UNSEEN;
                if !(current && gone) {
                    continue;
                }
                Outcome::Unanswered { text: "its task is gone from the pool, and did not tell its end".into() }
            };
            self.seen.remove(&task);
            self.write(now, &Entry::Outcome { id, outcome })?;
        }
        Ok(())
    }

    /// When a task that was not seen yet is to be looked for again.
    fn next_task_check(&self, now: Time) -> Option<Time> {
        let open =
            self.run.calls.values().filter(|c| c.outcome.is_none() && c.task.as_ref().is_some_and(|t| !self.seen.contains(t)));
        open.map(|c| (c.taken.unwrap_or(c.at) + UNSEEN).max(now + Duration::from_secs(5))).min()
    }
}

/// A refusal in words, with the names that the pool has for what it is about.
fn explained(code: &str, params: &[String], pool: &Pool) -> String {
    struct Names<'a>(&'a Pool);
    impl NameLookup for Names<'_> {
        fn name_of(&self, r: &str) -> Option<String> {
            Some(self.0.name_of(&Ref::from(r))).filter(|n| !n.is_empty())
        }
    }
    let error = ApiError { code: Code::from(code), params: params.to_vec(), method: "the task".into() };
    error.explain(&Names(pool)).what
}

#[cfg(test)]
mod tests;
