//! Those who wait for events.

use super::Front;
use super::args::Args;
use super::dispatch::Answer;
use super::event::{Registration, Subscriptions, Token};
use super::rules::Ctx;
use crate::sim::api::{Failure, Ticket};
use crate::sim::db::Db;
use crate::sim::value::Value;
use crate::time::Time;
use crate::xenapi::record::Ref;
use std::time::Duration;

/// What xapi makes of a timeout that it cannot represent.
const FOREVER: Duration = Duration::from_secs(24 * 3600);
/// xapi sends the deprecated `event.next` nothing for so long at most; we wake it as rarely.
const NEXT_LIMIT: Duration = Duration::from_secs(24 * 3600);

/// One waiting call.
#[derive(Clone, Debug)]
pub(super) struct Waiter {
    pub(super) session: Ref,
    kind: Kind,
    subscriptions: Subscriptions,
    token: Token,
    deadline: Time,
    /// When it is answered, once there is something.
    ready: Option<Time>,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    From,
    Next,
}

impl Waiter {
    /// When it has to be looked at by itself.
    pub(super) fn due(&self) -> Time {
        self.ready.map_or(self.deadline, |at| at.min(self.deadline))
    }
}

impl Front {
    /// `event.from(classes, token, timeout)`.
    pub(super) fn event_from(&mut self, db: &Db, ctx: &Ctx, args: Args<'_>) -> Result<Answer, Failure> {
        let subscriptions = Subscriptions::parse(db.schema(), &args.texts(0)?)?;
        let token = Token::parse(args.text(1)?)?;
        let timeout = Duration::try_from_secs_f64(args.float(2)?.max(0.0)).unwrap_or(FOREVER).min(FOREVER);
        if timeout.is_zero() || subscriptions.any(db, token) {
            return Ok(Answer::Done(Ok(subscriptions.answer(db, token))));
        }
        Ok(self.wait(ctx, Kind::From, subscriptions, token, ctx.now + timeout))
    }

    fn wait(&mut self, ctx: &Ctx, kind: Kind, subscriptions: Subscriptions, token: Token, deadline: Time) -> Answer {
        let ticket = self.new_ticket();
        let session = ctx.session.clone().unwrap_or_default();
        self.waiting.insert(ticket, Waiter { session, kind, subscriptions, token, deadline, ready: None });
        Answer::Wait(ticket)
    }

    /// `event.register(classes)`.
    pub(super) fn event_register(&mut self, db: &Db, ctx: &Ctx, args: Args<'_>) -> Result<Value, Failure> {
        let texts = args.texts(0)?;
        Subscriptions::parse(db.schema(), &texts)?;
        let Some(session) = ctx.session.as_ref().and_then(|r| self.sessions.get_mut(r)) else { return Ok(Value::Void) };
        let fresh = Registration { texts: Vec::new(), since: db.generation() };
        let registration = session.registered.get_or_insert(fresh);
        registration.texts.extend(texts.into_iter().map(str::to_owned));
        Ok(Value::Void)
    }

    /// `event.unregister(classes)`.
    pub(super) fn event_unregister(&mut self, ctx: &Ctx, args: Args<'_>) -> Result<Value, Failure> {
        let texts = args.texts(0)?;
        let Some(session) = ctx.session.as_ref().and_then(|r| self.sessions.get_mut(r)) else { return Ok(Value::Void) };
        if let Some(registration) = &mut session.registered {
            registration.texts.retain(|known| !texts.iter().any(|text| known.eq_ignore_ascii_case(text)));
            if registration.texts.is_empty() {
                session.registered = None;
            }
        }
        Ok(Value::Void)
    }

    /// `event.next()`: waits for what the session has registered for.
    pub(super) fn event_next(&mut self, db: &Db, ctx: &Ctx) -> Result<Answer, Failure> {
        let session = ctx.session.as_ref().and_then(|r| self.sessions.get_mut(r));
        let Some(registration) = session.and_then(|session| session.registered.as_mut()) else {
            return Err(Failure::new("SESSION_NOT_REGISTERED", [tracking_id(ctx.session.as_ref())]));
        };
        let subscriptions = registration.subscriptions(db.schema());
        if subscriptions.any(db, registration.token()) {
            let answer = registration.answer(db, ctx.now);
            registration.since = db.generation();
            return Ok(Answer::Done(Ok(answer)));
        }
        let token = registration.token();
        Ok(self.wait(ctx, Kind::Next, subscriptions, token, ctx.now + NEXT_LIMIT))
    }

    /// Looks whether there is something for those who wait: to be called when the database was changed.
    pub fn settle(&mut self, db: &Db, now: Time) {
        let batch = self.settings.batch;
        for waiter in self.waiting.values_mut().filter(|waiter| waiter.ready.is_none()) {
            if !self.sessions.contains_key(&waiter.session) {
                waiter.ready = Some(now);
            } else if waiter.subscriptions.any(db, waiter.token) {
                waiter.ready = Some(if waiter.subscriptions.only_tasks() { now } else { now + batch });
            }
        }
    }

    pub(super) fn poll_waiter(&mut self, db: &Db, ticket: Ticket, now: Time) -> Option<Result<Value, Failure>> {
        self.settle(db, now);
        let waiter = self.waiting.get(&ticket)?;
        if self.sessions.contains_key(&waiter.session) && waiter.due() > now {
            return None;
        }
        let waiter = self.waiting.remove(&ticket)?;
        let Some(session) = self.sessions.get_mut(&waiter.session) else {
            return Some(Err(Failure::new("SESSION_INVALID", [waiter.session.as_str()])));
        };
        session.last_active = session.last_active.max(now);
        Some(Ok(match (waiter.kind, &mut session.registered) {
            (Kind::Next, Some(registration)) => {
                let answer = registration.answer(db, now);
                registration.since = db.generation();
                answer
            }
            (Kind::Next, None) => return Some(Err(Failure::new("SESSION_NOT_REGISTERED", [tracking_id(Some(&waiter.session))]))),
            (Kind::From, _) => waiter.subscriptions.answer(db, waiter.token),
        }))
    }
}

/// How xapi names a session in messages without giving it away.
fn tracking_id(session: Option<&Ref>) -> String {
    use std::hash::Hasher;
    let mut hasher = crate::sim::schema::names::FastHasher::default();
    hasher.write(session.map_or("", |r| r.as_str()).as_bytes());
    let high = hasher.finish();
    hasher.write_u8(1);
    hasher.write(b"tracking");
    format!("trackid={high:016x}{:016x}", hasher.finish())
}
