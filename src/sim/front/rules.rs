//! The border between the front and the world behind it.

use super::Front;
use crate::sim::api::{Failure, HostIx};
use crate::sim::db::Db;
use crate::sim::schema::Role;
use crate::sim::schema::names::FastHash;
use crate::sim::value::Value;
use crate::time::Time;
use crate::xenapi::record::Ref;
use std::collections::HashMap;

/// Something that takes time and will be finished with [`Front::finish`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u64);

/// What became of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Done.
    Done(Result<Value, Failure>),
    /// It takes time; the job will be finished.
    Later(JobId),
}

impl Outcome {
    /// Done, without a result.
    pub const VOID: Self = Self::Done(Ok(Value::Void));

    /// Refused.
    pub const fn err(failure: Failure) -> Self {
        Self::Done(Err(failure))
    }
}

impl From<Result<Value, Failure>> for Outcome {
    fn from(result: Result<Value, Failure>) -> Self {
        Self::Done(result)
    }
}

/// Around a call.
#[derive(Clone, Debug)]
pub struct Ctx {
    /// The host that it arrived at.
    pub host: HostIx,
    /// The same as an object.
    pub host_ref: Ref,
    /// The session; none for logins.
    pub session: Option<Ref>,
    /// What the session may do.
    pub role: Role,
    /// The task that stands for the call, e.g. as the key in `current_operations`. An object for `Async` calls; otherwise a
    /// reference that becomes one if the call takes time.
    pub task: Ref,
    /// Whether it is an `Async` call.
    pub is_async: bool,
    /// A job reserved for the call, for [`Outcome::Later`].
    pub job: JobId,
    /// The virtual time.
    pub now: Time,
}

/// A call that the front or the world knows, beyond the generic ones.
#[must_use]
#[derive(Clone, Copy, Debug)]
pub struct Method {
    /// E.g. `host.reboot`.
    pub name: &'static str,
    /// The least number of parameters, without the session.
    pub min: usize,
    /// The most.
    pub max: usize,
    /// The least role that may call it.
    pub role: Role,
    /// Whether `Async.…` exists.
    pub is_async: bool,
    /// Whether it works in emergency mode and with a local session.
    pub emergency: bool,
}

impl Method {
    /// A call with exactly this many parameters (without the session), which also exists as `Async`.
    pub const fn new(name: &'static str, params: usize, role: Role) -> Self {
        Self { name, min: params, max: params, role, is_async: true, emergency: false }
    }

    /// With parameters at the end that may be left out, up to `max` in all.
    pub const fn or_up_to(self, max: usize) -> Self {
        Self { max, ..self }
    }

    /// Without an `Async` form.
    pub const fn sync_only(self) -> Self {
        Self { is_async: false, ..self }
    }

    /// Works in emergency mode.
    pub const fn in_emergency(self) -> Self {
        Self { emergency: true, ..self }
    }
}

/// Methods by their names.
pub fn by_name(methods: &'static [Method]) -> HashMap<&'static str, &'static Method, FastHash> {
    methods.iter().map(|method| (method.name, method)).collect()
}

/// What a host is in the pool when a call arrives at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The coordinator, which answers everything.
    Coordinator {
        /// Its object.
        host: Ref,
    },
    /// A member: it sends clients to the coordinator.
    Member {
        /// Its object.
        host: Ref,
        /// The coordinator's address.
        coordinator: String,
    },
    /// In emergency mode (it cannot find its coordinator, is still booting …): it answers nearly everything with one error.
    Emergency {
        /// Its object.
        host: Ref,
        /// The error.
        failure: Failure,
    },
}

impl Standing {
    /// The object of the host.
    pub const fn host(&self) -> &Ref {
        match self {
            Self::Coordinator { host } | Self::Member { host, .. } | Self::Emergency { host, .. } => host,
        }
    }
}

/// The world: what calls mean.
pub trait Semantics {
    /// The calls that it has rules for. Constant for the life of the world.
    fn methods(&self) -> &'static [Method];

    /// The one of this name.
    fn method(&self, name: &str) -> Option<&'static Method> {
        self.methods().iter().find(|method| method.name == name)
    }

    /// How many parameters (without the session) a call of the world's takes at most in the version that it plays; `None`: that version
    /// does not have it.
    fn most_params(&self, method: &Method) -> Option<usize> {
        Some(method.max)
    }

    /// What a host is in the pool right now.
    fn standing(&self, db: &Db, host: HostIx) -> Standing;

    /// A call with rules, `Async.` taken off its name, session taken off its arguments; their number, the session and
    /// the role are checked, their types are not (see [`super::Args`]). `None`: not mine after all, the generic
    /// call of that name (if there is one) shall do it.
    fn call(&mut self, db: &mut Db, front: &mut Front, ctx: &Ctx, method: &str, args: &[Value]) -> Option<Outcome>;

    /// A task was asked to stop (its status is `cancelling`). `true`: it will be finished, with `TASK_CANCELLED` or
    /// otherwise. `false`: nobody works on it; the front ends it as cancelled, unless a job stands behind it.
    fn cancel(&mut self, db: &mut Db, front: &mut Front, ctx: &Ctx, task: &Ref) -> bool {
        let _ = (db, front, ctx, task);
        false
    }
}
