//! The front of the simulated pool: everything of the API that needs no knowledge of what a pool is made of.
//!
//! Sessions, roles, the generic calls of every class, tasks, messages and events are here. What a call *means*
//! for hosts, guests, storage and clusters is the world's, which sits behind [`Semantics`]:
//!
//! * [`Front::call`] takes a call as it arrived at a host. It checks, in xapi's order: emergency mode, whether the
//!   method exists, the number of parameters, the session, whether this host is the coordinator, the role. Then:
//!   its own calls (`session.*`, `event.*`, `task.*`, `message.*`); then the world's, if [`Semantics::methods`] has the
//!   method and [`Semantics::call`] does not return `None`; then the generic ones (`get_record`, `set_name_label` …).
//! * A world's call that takes time returns [`Outcome::Later`] with a job ([`Ctx::job`], or one from
//!   [`Front::new_job`]) and later calls [`Front::finish`]. Whether a client waits for it (a [`Ticket`]) or a task stands for
//!   it (`Async.…`) is decided here; the world need not know. [`Ctx::task`] is the task that stands for the call.
//!   For `Async` calls it is an object from the start, and stays; for the others it becomes one only if the call takes time
//!   (named after the call), and goes when the call ends, as in xapi.
//! * The world sets tasks of its own up with [`Front::create_task`], moves them with `db.set(&task, "progress", 0.5)`, ends
//!   them with [`Front::complete_task`], and posts alerts with [`post_message`].
//! * [`Front::advance`] after time has passed, [`Front::settle`] after the world changed the database by itself:
//!   they wake those who wait for events. [`Front::next_due`] says when something falls due here.
//! * [`Front::restart`] is what a restart of the coordinator's toolstack does to all of this.
//!
//! The front never does I/O and never reads a clock.

mod args;
mod builtin;
mod dispatch;
mod event;
mod expr;
mod gc;
mod generic;
mod jobs;
mod message;
mod rules;
mod session;
mod task;
mod users;
mod wait;
mod xml;

pub use args::Args;
pub use message::post_message;
pub use rules::{Ctx, JobId, Method, Outcome, Semantics, Standing, by_name};
pub use task::NewTask;
pub use users::User;

use super::api::{Failure, Ticket};
use super::db::Db;
use super::value::Value;
use crate::sim::schema::Role;
use crate::time::Time;
use crate::xenapi::record::Ref;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How the front behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who may log in.
    pub users: Vec<User>,
    /// How long an event waits for more to go with it. xapi: 50 ms. Only tasks alone go at once.
    pub batch: Duration,
    /// How long a failed login takes. xapi: 5 s.
    pub failed_login: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { users: User::defaults(), batch: Duration::from_millis(50), failed_login: Duration::from_secs(5) }
    }
}

/// Sessions, tasks, tickets and those who wait.
#[derive(Clone)]
pub struct Front {
    settings: Settings,
    sessions: BTreeMap<Ref, session::Session>,
    local_sessions: Vec<(super::api::HostIx, Ref)>,
    jobs: BTreeMap<JobId, jobs::Owner>,
    finished: BTreeMap<Ticket, (Time, Result<Value, Failure>)>,
    waiting: BTreeMap<Ticket, wait::Waiter>,
    task_owners: BTreeMap<Ref, Arc<str>>,
    stalled: BTreeMap<Ref, u64>,
    next_number: u64,
    last_restart: u64,
    next_gc: Time,
}

impl fmt::Debug for Front {
    /// Numbers only: a session's reference is as good as a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Front")
            .field("sessions", &self.sessions.len())
            .field("jobs", &self.jobs.len())
            .field("waiting", &self.waiting.len())
            .finish_non_exhaustive()
    }
}

impl Front {
    /// A front without sessions.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            sessions: BTreeMap::new(),
            local_sessions: Vec::new(),
            jobs: BTreeMap::new(),
            finished: BTreeMap::new(),
            waiting: BTreeMap::new(),
            task_owners: BTreeMap::new(),
            stalled: BTreeMap::new(),
            next_number: 0,
            last_restart: 0,
            next_gc: Time::EPOCH,
        }
    }

    /// Puts what the front needs into a new database: the roles, and the users other than root as subjects.
    pub fn install(&self, db: &mut Db) {
        users::install(&self.settings.users, db);
    }

    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    /// What a restart of the coordinator's toolstack (or another host's taking over) does: sessions and tasks are gone,
    /// calls that wait are cut off, jobs have nobody left to tell, and old event tokens yield every object as new. The
    /// database and its generation stay.
    pub fn restart(&mut self, db: &mut Db) {
        for class in ["session", "task"] {
            for r in db.all(class) {
                db.destroy(&r);
            }
        }
        self.sessions.clear();
        self.jobs.clear();
        self.finished.clear();
        self.waiting.clear();
        self.task_owners.clear();
        self.stalled.clear();
        self.last_restart = self.next_number;
        db.reload();
    }

    /// What a restart of one host's toolstack does to its local sessions.
    pub fn restart_member(&mut self, host: super::api::HostIx) {
        self.local_sessions.retain(|(at, _)| *at != host);
    }

    /// Whether this is a session that may read (for resources such as `/rrd_updates`).
    pub fn session_is_valid(&self, session: &str) -> bool {
        self.sessions.contains_key(&Ref::from(session))
    }

    /// The role of a session.
    pub fn role_of(&self, session: &Ref) -> Option<Role> {
        self.sessions.get(session).map(|s| s.role)
    }
}

#[cfg(test)]
mod tests;
