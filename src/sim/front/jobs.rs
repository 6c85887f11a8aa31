//! Jobs and tickets: who is told when something that takes time has ended.

use super::Front;
use super::rules::JobId;
use crate::sim::api::{Failure, Ticket};
use crate::sim::db::Db;
use crate::sim::value::Value;
use crate::time::Time;
use crate::xenapi::record::Ref;

/// Who is told when a job ends.
#[derive(Clone, Debug)]
pub(super) enum Owner {
    /// A client that waits, unless it went away; and the task that stands for the call meanwhile.
    Call(Option<Ticket>, Ref),
    /// A task.
    Task(Ref),
    /// It ended before the call that started it returned.
    Ended(Result<Value, Failure>),
}

impl Front {
    /// A job for something that takes time.
    pub fn new_job(&mut self) -> JobId {
        JobId(self.number())
    }

    /// A job has ended: its client is answered, or its task completed. Jobs from before a restart have nobody left to tell.
    pub fn finish(&mut self, db: &mut Db, job: JobId, result: Result<Value, Failure>, now: Time) {
        match self.jobs.remove(&job) {
            Some(Owner::Call(ticket, task)) => {
                self.drop_task(db, &task);
                if let Some(ticket) = ticket {
                    self.finished.insert(ticket, (now, result));
                }
            }
            Some(Owner::Task(task)) => self.complete_task(db, &task, result, now),
            Some(Owner::Ended(_)) | None if job.0 > self.last_restart => {
                self.jobs.insert(job, Owner::Ended(result));
            }
            Some(Owner::Ended(_)) | None => {}
        }
        self.settle(db, now);
    }

    /// Whether somebody still waits for a job: a client, or a task.
    pub fn is_open(&self, job: JobId) -> bool {
        matches!(self.jobs.get(&job), Some(Owner::Call(Some(_), _) | Owner::Task(_)))
    }

    /// Whether a job stands behind a task.
    pub(super) fn has_job(&self, task: &Ref) -> bool {
        self.jobs.values().any(|owner| matches!(owner, Owner::Task(r) | Owner::Call(_, r) if r == task))
    }

    pub(super) fn new_ticket(&mut self) -> Ticket {
        Ticket(self.number())
    }

    /// Whether a waiting call has ended. After `Some` the ticket is gone.
    pub fn poll(&mut self, db: &mut Db, ticket: Ticket, now: Time) -> Option<Result<Value, Failure>> {
        if let Some((at, _)) = self.finished.get(&ticket) {
            if *at > now {
                return None;
            }
            return self.finished.remove(&ticket).map(|(_, result)| result);
        }
        if self.waiting.contains_key(&ticket) {
            return self.poll_waiter(db, ticket, now);
        }
        if self.jobs.values().any(|owner| matches!(owner, Owner::Call(Some(t), _) if *t == ticket)) {
            return None;
        }
        Some(Err(Failure::new("INTERNAL_ERROR", ["the server restarted while the call was running"])))
    }

    /// The client of a waiting call went away. What it started goes on.
    pub fn forget(&mut self, ticket: Ticket) {
        self.finished.remove(&ticket);
        self.waiting.remove(&ticket);
        for owner in self.jobs.values_mut() {
            if let Owner::Call(waits, _) = owner
                && *waits == Some(ticket)
            {
                *waits = None;
            }
        }
    }
}
