//! From a call as it arrived to an answer, with xapi's checks in xapi's order.

use super::args::Args;
use super::builtin::{self, METHODS, WITHOUT_SESSION};
use super::generic::{self, Generic};
use super::jobs::Owner;
use super::rules::{Ctx, JobId, Method, Outcome, Semantics, Standing, by_name};
use super::task::NewTask;
use super::{Front, session};
use crate::sim::api::{Call, Failure, HostIx, Reply, Ticket};
use crate::sim::db::Db;
use crate::sim::schema::names::FastHash;
use crate::sim::schema::{Class, Role};
use crate::sim::value::Value;
use crate::time::Time;
use crate::xenapi::record::Ref;
use std::collections::HashMap;
use std::sync::OnceLock;

/// xapi's words for a role that is too weak.
pub(super) const NOT_PERMITTED: &str = "No permission in user session";

/// What became of a call inside the front.
#[derive(Debug)]
pub(super) enum Answer {
    /// Done.
    Done(Result<Value, Failure>),
    /// A ticket that is set up already.
    Wait(Ticket),
    /// A job of the world's, and the task that stands for the call.
    Job(JobId, Ref),
}

/// Who answers a call.
#[derive(Clone, Copy)]
enum Target {
    Front(&'static Method),
    /// With the most parameters that it takes.
    World(&'static Method, usize),
    Generic(&'static Class, Generic),
}

impl Target {
    const fn params(&self) -> (usize, usize) {
        match self {
            Self::Front(method) => (method.min, method.max),
            Self::World(method, most) => (method.min, *most),
            Self::Generic(_, generic) => (generic.params(), generic.params()),
        }
    }

    fn role(&self) -> Role {
        match self {
            Self::Front(method) | Self::World(method, _) => method.role,
            Self::Generic(class, generic) => generic.role(class),
        }
    }

    const fn is_async(&self) -> bool {
        match self {
            Self::Front(method) | Self::World(method, _) => method.is_async,
            Self::Generic(..) => false,
        }
    }

    const fn works_in_emergency(&self) -> bool {
        match self {
            Self::Front(method) | Self::World(method, _) => method.emergency,
            Self::Generic(..) => false,
        }
    }
}

fn target<S: Semantics + ?Sized>(db: &Db, rules: &S, method: &str) -> Option<Target> {
    static OWN: OnceLock<HashMap<&'static str, &'static Method, FastHash>> = OnceLock::new();
    if let Some(method) = OWN.get_or_init(|| by_name(METHODS)).get(method) {
        return Some(Target::Front(method));
    }
    if let Some(method) = rules.method(method) {
        return rules.most_params(method).map(|most| Target::World(method, most));
    }
    generic::find(db.schema(), method).map(|(class, generic)| Target::Generic(class, generic))
}

/// The names of all calls: what `system.listMethods` returns.
fn list_methods<S: Semantics + ?Sized>(db: &Db, rules: &S) -> Value {
    let mut names = Vec::new();
    for class in db.schema().classes() {
        generic::names(class, &mut names);
        let known =
            METHODS.iter().chain(rules.methods().iter().filter(|m| rules.most_params(m).is_some())).map(|method| method.name);
        let own = known.filter(|name| name.split_once('.').is_some_and(|(of, _)| of == class.def.name));
        for name in own {
            if !names.iter().any(|n| n == name) {
                names.push(name.to_owned());
            }
        }
    }
    names.into()
}

impl Front {
    /// A call that arrived at a host.
    pub fn call<S: Semantics + ?Sized>(&mut self, db: &mut Db, rules: &mut S, host: HostIx, call: &Call, now: Time) -> Reply {
        let reply = match self.dispatch(db, rules, host, call, now) {
            Ok(Answer::Done(result)) => Reply::Done(result),
            Ok(Answer::Wait(ticket)) => Reply::Waiting(ticket),
            Ok(Answer::Job(job, task)) => {
                if let Some(Owner::Ended(result)) = self.jobs.remove(&job) {
                    Reply::Done(result)
                } else {
                    let resident_on = rules.standing(db, host).host().clone();
                    let new = NewTask { name: &call.method, resident_on, ..NewTask::default() };
                    Self::create_task_as(db, &task, &new, now);
                    let ticket = self.new_ticket();
                    self.jobs.insert(job, Owner::Call(Some(ticket), task));
                    Reply::Waiting(ticket)
                }
            }
            Err(failure) => Reply::Done(Err(failure)),
        };
        self.settle(db, now);
        reply
    }

    fn dispatch<S: Semantics + ?Sized>(
        &mut self,
        db: &mut Db,
        rules: &mut S,
        host: HostIx,
        call: &Call,
        now: Time,
    ) -> Result<Answer, Failure> {
        let standing = rules.standing(db, host);
        if call.method == "system.listMethods" {
            return Ok(Answer::Done(Ok(list_methods(db, rules))));
        }
        let (method, is_async) = call.method.strip_prefix("Async.").map_or((call.method.as_str(), false), |name| (name, true));
        let found = target(db, rules, method).filter(|target| !is_async || target.is_async());
        if let Standing::Emergency { failure, .. } = &standing
            && !found.as_ref().is_some_and(Target::works_in_emergency)
        {
            return Err(Failure { before_dispatch: true, ..failure.clone() });
        }
        let target = found.ok_or_else(|| Failure::new("MESSAGE_METHOD_UNKNOWN", [call.method.as_str()]))?;
        let bare = WITHOUT_SESSION.contains(&method);
        let (min, max) = target.params();
        let given = call.params.len().checked_sub(usize::from(!bare));
        if given.is_none_or(|given| given < min || given > max) {
            let given = given.map_or_else(|| "-1".to_owned(), |given| given.to_string());
            let counts = [call.method.clone(), max.to_string(), given];
            return Err(Failure::new("MESSAGE_PARAMETER_COUNT_MISMATCH", counts));
        }
        let (session, args) = if bare {
            (None, call.params.as_slice())
        } else {
            let args = call.params.get(1..).unwrap_or_default();
            (Some(Args(&call.params).reference(0)?), args)
        };
        let role = self.check_session(db, &standing, host, session.as_ref(), target, now)?;
        if role < target.role() {
            let permission = method.to_ascii_lowercase();
            return Err(Failure::new("RBAC_PERMISSION_DENIED", [permission.as_str(), NOT_PERMITTED]));
        }
        let mut ctx = Ctx {
            host,
            host_ref: standing.host().clone(),
            session,
            role,
            task: Ref::default(),
            is_async,
            job: self.new_job(),
            now,
        };
        if is_async {
            return Ok(Answer::Done(Ok(self.run_async(db, rules, &mut ctx, target, &call.method, args).into())));
        }
        if let Target::World(..) = target {
            ctx.task = db.new_ref();
        }
        Ok(self.run(db, rules, &ctx, target, method, args))
    }

    /// Whether the session may be used here, and what it may do.
    fn check_session(
        &mut self,
        db: &mut Db,
        standing: &Standing,
        host: HostIx,
        session: Option<&Ref>,
        target: Target,
        now: Time,
    ) -> Result<Role, Failure> {
        if target.works_in_emergency() && session.is_none_or(|r| self.is_local(host, r)) {
            return Ok(Role::PoolAdmin);
        }
        if let Standing::Member { coordinator, .. } = standing {
            return Err(Failure::new("HOST_IS_SLAVE", [coordinator.as_str()]));
        }
        if let (Standing::Emergency { .. }, Some(session)) = (standing, session) {
            return Err(Failure::new("SESSION_INVALID", [session.as_str()]));
        }
        let Some(session) = session else { return Ok(Role::PoolAdmin) };
        let known: Option<&session::Session> = self.sessions.get(session);
        let role = known.map(|s| s.role).ok_or_else(|| Failure::new("SESSION_INVALID", [session.as_str()]))?;
        self.refresh(db, session, now);
        Ok(role)
    }

    /// Runs a call for which a task stands; the task.
    fn run_async<S: Semantics + ?Sized>(
        &mut self,
        db: &mut Db,
        rules: &mut S,
        ctx: &mut Ctx,
        target: Target,
        name: &str,
        args: &[Value],
    ) -> Ref {
        let new = NewTask { name, resident_on: ctx.host_ref.clone(), cancellable: true, ..NewTask::default() };
        let task = self.create_task(db, &new, ctx.now);
        ctx.task = task.clone();
        self.own_task(ctx, &task);
        let method = name.strip_prefix("Async.").unwrap_or(name);
        match self.run(db, rules, ctx, target, method, args) {
            Answer::Done(result) => self.complete_task(db, &task, result, ctx.now),
            Answer::Wait(ticket) => self.forget(ticket),
            Answer::Job(job, _) => {
                if let Some(Owner::Ended(result)) = self.jobs.remove(&job) {
                    self.complete_task(db, &task, result, ctx.now);
                } else {
                    self.jobs.insert(job, Owner::Task(task.clone()));
                }
            }
        }
        task
    }

    fn run<S: Semantics + ?Sized>(
        &mut self,
        db: &mut Db,
        rules: &mut S,
        ctx: &Ctx,
        target: Target,
        method: &str,
        args: &[Value],
    ) -> Answer {
        let unknown = || Answer::Done(Err(Failure::new("MESSAGE_METHOD_UNKNOWN", [method])));
        match target {
            Target::Front(_) => builtin::run(self, db, rules, ctx, method, Args(args)),
            Target::Generic(class, generic) => Answer::Done(generic.run(db, class, Args(args))),
            Target::World(..) => match rules.call(db, self, ctx, method, args) {
                Some(Outcome::Done(result)) => Answer::Done(result),
                Some(Outcome::Later(job)) => Answer::Job(job, ctx.task.clone()),
                None => generic::find(db.schema(), method)
                    .map_or_else(unknown, |(class, generic)| Answer::Done(generic.run(db, class, Args(args)))),
            },
        }
    }

    /// An answer that comes later.
    pub(super) fn answer_at(&mut self, at: Time, result: Result<Value, Failure>) -> Answer {
        let ticket = self.new_ticket();
        self.finished.insert(ticket, (at, result));
        Answer::Wait(ticket)
    }
}
