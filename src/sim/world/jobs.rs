//! Operations that take time: who waits for them, and what happens when they are due.

use super::updates::Via;
use super::{Core, Due};
use crate::sim::api::Failure;
use crate::sim::front::{Ctx, JobId};
use crate::sim::value::Value;
use crate::time::Time;
use crate::xenapi::record::Ref;
use std::time::Duration;

/// Who asked for an operation.
#[derive(Clone, Debug, Default)]
pub struct Job {
    /// A call that waits for it.
    pub caller: Option<JobId>,
    /// The task that shows it.
    pub task: Option<Ref>,
    /// Whether that task is ours to end, and how.
    pub ours: Option<Ours>,
    /// The session that asked.
    pub session: Option<Ref>,
}

/// How a task of our own ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ours {
    /// It goes away, as a part of a larger operation does.
    Vanishes,
    /// It stays with its result, as a client's does.
    Stays,
}

impl Job {
    /// A call's.
    pub fn call(ctx: &Ctx) -> Self {
        Self { caller: Some(ctx.job), task: Some(ctx.task.clone()), ours: None, session: ctx.session.clone() }
    }

    /// One that the world does by itself, shown by a task that goes away with it.
    pub fn own(task: Ref) -> Self {
        Self { caller: None, task: Some(task), ours: Some(Ours::Vanishes), session: None }
    }

    /// One as a client would do it: its task stays.
    pub fn client(task: Ref) -> Self {
        Self { caller: None, task: Some(task), ours: Some(Ours::Stays), session: None }
    }
}

/// What is being done.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A guest starts.
    Start { guest: usize, host: usize, task: Ref },
    /// A guest stops.
    Stop { guest: usize },
    /// A guest moves.
    Move { guest: usize, from: usize, to: usize, task: Ref, began: Time, takes: Duration, parent: Option<u64>, fails: bool },
    /// A host is emptied.
    Evacuate { host: usize, task: Ref, queue: Vec<usize>, running: usize, batch: usize, total: usize, failure: Option<Failure> },
    /// `host.reboot` or `shutdown` waits until another operation on the host has ended.
    Leave { host: usize, boots_again: bool, tries: u32 },
    /// `host.reboot` or `shutdown` has been accepted, and returns now.
    Accepted { host: usize, boots_again: bool, task: Ref },
    /// `host.restart_agent`.
    RestartAgent { host: usize },
    /// Updates are installed on a host.
    Install { host: usize, via: Via, task: Ref, shown: Option<Ref>, fails: Option<String> },
    /// `pool.sync_updates`.
    Sync { task: Ref },
    /// `pool.designate_new_master`.
    Designate { host: usize },
    /// `host.prepare_for_maintenance`, or `pool.eject`: it is being emptied by this job, then its storage is unplugged.
    Maintain { host: usize, emptying: Option<u64>, eject: bool },
    /// An answer that takes a moment.
    Answer(Result<Value, Failure>),
}

/// An operation under way.
#[derive(Clone, Debug)]
pub struct Running {
    /// Who asked.
    pub job: Job,
    /// For what.
    pub kind: Kind,
}

impl Core {
    /// The task that shows a job in `current_operations`: the caller's own, or a new one.
    pub(super) fn job_task(&mut self, job: Option<&Job>, label: &str, host: Option<usize>) -> Ref {
        match job.and_then(|j| j.task.clone()) {
            Some(task) => task,
            None => self.new_task(label, "", host, None),
        }
    }

    /// Starts a job that is due after a while. Returns its number.
    pub(super) fn start_job(&mut self, job: Job, kind: Kind, after: Duration) -> u64 {
        self.job_count += 1;
        let id = self.job_count;
        self.jobs.insert(id, Running { job, kind });
        self.timers.set(self.now + after, Due::Job(id));
        id
    }

    /// Tells who asked how it went.
    pub(super) fn finish(&mut self, job: Job, result: Result<Value, Failure>) {
        match (job.task, job.ours) {
            (Some(task), Some(Ours::Stays)) => self.end_task(&task, result.clone()),
            (Some(task), Some(Ours::Vanishes)) => self.drop_task(&task),
            _ => {}
        }
        if let Some(caller) = job.caller {
            let now = self.now;
            self.front.finish(&mut self.db, caller, result, now);
        }
    }

    /// A job is due.
    pub(super) fn job_due(&mut self, id: u64) {
        let Some(running) = self.jobs.get(&id) else { return };
        match &running.kind {
            Kind::Move { .. } => self.move_due(id),
            Kind::Evacuate { .. } => self.evacuate_on(id),
            Kind::Maintain { .. } => self.maintain_due(id),
            _ => {
                let Some(Running { job, kind }) = self.jobs.remove(&id) else { return };
                match kind {
                    Kind::Start { guest, host, task } => {
                        let result = self.end_start(guest, host, &task);
                        self.finish(job, result.map(|()| Value::Void));
                    }
                    Kind::Stop { guest } => {
                        self.end_stop(guest);
                        self.finish(job, Ok(Value::Void));
                    }
                    Kind::Leave { host, boots_again, tries } => self.try_leave(job, host, boots_again, tries),
                    Kind::Accepted { host, boots_again, task } => {
                        if let Some(h) = self.hosts.get_mut(host) {
                            h.current.retain(|(t, _)| *t != task);
                        }
                        // It may have died, or been cut off, since.
                        match self.reach(host) {
                            Ok(()) => {
                                let cause = self.cause_of(job.session.as_ref());
                                self.leave(host, boots_again, cause);
                                self.finish(job, Ok(Value::Void));
                            }
                            Err(failure) => self.finish(job, Err(failure)),
                        }
                        self.refresh_all_ops();
                    }
                    Kind::RestartAgent { host } => {
                        self.finish(job, Ok(Value::Void));
                        self.restart_toolstack(host);
                    }
                    Kind::Install { host, via, task, shown, fails } => {
                        let result = self.installed(host, &via, &task, shown, fails);
                        self.finish(job, result);
                    }
                    Kind::Sync { task } => {
                        let result = self.synced(&task);
                        self.finish(job, Ok(result));
                    }
                    Kind::Designate { host } => {
                        self.finish(job, Ok(Value::Void));
                        self.hand_over(host);
                    }
                    Kind::Answer(result) => self.finish(job, result),
                    Kind::Move { .. } | Kind::Evacuate { .. } | Kind::Maintain { .. } => {}
                }
            }
        }
    }

    /// A host went down while updates were installed on it.
    pub(super) fn abort_updates_of(&mut self, host: usize) {
        let hit = self.jobs.iter().filter(|(_, r)| matches!(r.kind, Kind::Install { host: h, .. } if h == host));
        for id in hit.map(|(id, _)| *id).collect::<Vec<_>>() {
            let Some(Running { job, kind: Kind::Install { task, shown, .. } }) = self.jobs.remove(&id) else { continue };
            self.end_host_op(host, &task);
            if let Some(shown) = shown {
                self.drop_task(&shown);
            }
            let r = self.hosts.get(host).map(|h| h.r.clone()).unwrap_or_default();
            self.finish(job, Err(Failure::new("CANNOT_CONTACT_HOST", [r.as_str()])));
        }
        if let Some(h) = self.hosts.get_mut(host) {
            h.updating = None;
        }
    }

    /// The coordinator's xapi has gone, and with it all that it was doing; what the hosts do themselves goes on.
    pub(super) fn forget_jobs(&mut self) {
        let all = std::mem::take(&mut self.jobs);
        self.syncing = false;
        for (id, mut running) in all {
            running.job = Job::default();
            match &mut running.kind {
                // Those run on the coordinator.
                Kind::Install { via: Via::Repository { .. } | Via::Uploaded { .. }, .. }
                | Kind::Evacuate { .. }
                | Kind::Leave { .. }
                | Kind::Accepted { .. }
                | Kind::RestartAgent { .. }
                | Kind::Sync { .. }
                | Kind::Designate { .. }
                | Kind::Maintain { .. }
                | Kind::Answer(_) => continue,
                Kind::Move { parent, .. } => *parent = None,
                // What runs on a host goes on there, with nobody to tell.
                Kind::Start { .. } | Kind::Stop { .. } | Kind::Install { .. } => {}
            }
            self.jobs.insert(id, running);
        }
    }
}
