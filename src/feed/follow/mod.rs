//! Follows one pool: a pure machine. Answers and the time go in, calls and observations come out.
//!
//! Log in, read everything there is (small classes first), read old messages, then poll for what changes. Whatever casts doubt on
//! the picture leads to a new reading of what is in doubt, while the old picture stays:
//!
//! * a new session, for whatever reason: everything, because tokens are worthless across a coordinator's restart;
//! * a class of which the pool counts another number of objects than we know of: that class (a deletion was lost);
//! * a token that turns out to be ahead of the database: everything.
//!
//! Beside that every host is asked for its clock and its newest samples. No call here changes a pool. No I/O, no clock, and its
//! randomness comes from a seed: see [`super::driver`] for what runs it.

pub mod hosts;
pub mod options;
pub mod retry;
pub mod tracker;
mod types;

#[cfg(test)]
mod tests;

use super::decode;
use crate::o2cb::margin::Level;
use crate::observation::{Answer, Link, Observation, Outcome, Probed, Seen, Via};
use crate::text;
use crate::time::Time;
use crate::xenapi::Error;
use crate::xenapi::code::Code;
use crate::xenapi::events::{EventBatch, What};
use crate::xenapi::record::{Class, Date, Record, Ref};
use crate::xenapi::reply::Unreadable;
use hosts::Hosts;
use options::{CLASSES, GROUPS, Options, PROBED, REPORT_ABSENT, REPORT_NEAR};
use retry::{Next, Place, Retry};
use std::collections::BTreeMap;
use std::time::Duration;
use tracker::{Tracker, Verdict};

pub use types::{Ask, CallId, Effect, End, Event, HostReply, Reply};

/// So many polls in a row that found news at once tell a pool where something changes all the time. What changes there is gathered for
/// a moment: that costs nobody anything who looks at it, and a request for each change costs much.
const BUSY: u32 = 6;

#[derive(Clone, Debug, PartialEq)]
enum Phase {
    /// Nothing is under way; a log-in is due then.
    Waiting(Time),
    LoggingIn,
    Reading(usize),
    History,
    /// Waiting for the moment of the next poll.
    Pausing(Time),
    Polling,
    Rereading(Vec<Class>),
    Probing,
    Ended,
}

/// The machine.
#[derive(Debug)]
pub struct Follower {
    options: Options,
    phase: Phase,
    retry: Retry,
    next_call: CallId,
    /// The call of the main chain that is waited for.
    awaited: Option<CallId>,
    asked: BTreeMap<CallId, (Ref, Via)>,
    tracker: Tracker,
    hosts: Hosts,
    named_to: String,
    /// Where the log-in that is under way goes.
    place: Place,
    /// Where the last session was, as `host:port`.
    coordinator: Option<String>,
    /// The coordinator's host, by the pool's record.
    master: Option<Ref>,
    logged_in_at: Option<Time>,
    /// Why the next reading is a full one.
    why: String,
    poll_started: Time,
    quick_polls: u32,
    /// Polls in a row that found news at once.
    prompt_polls: u32,
    last_change: Time,
    probe_pause: Duration,
    newest_row: BTreeMap<Ref, Time>,
    out: Vec<Effect>,
}

impl Follower {
    /// For a pool that the operator named `to` (`host:port`). Does nothing until its first [`Event::Timer`].
    pub fn new(to: impl Into<String>, options: Options, seed: u64) -> Self {
        Self {
            probe_pause: options.probe_after,
            options,
            phase: Phase::Waiting(Time::from_millis(i64::MIN)),
            retry: Retry::new(seed),
            next_call: 0,
            awaited: None,
            asked: BTreeMap::new(),
            tracker: Tracker::default(),
            hosts: Hosts::default(),
            named_to: to.into(),
            place: Place::Named,
            coordinator: None,
            master: None,
            logged_in_at: None,
            why: "first reading".to_owned(),
            poll_started: Time::from_millis(i64::MIN),
            quick_polls: 0,
            prompt_polls: 0,
            last_change: Time::EPOCH,
            newest_row: BTreeMap::new(),
            out: Vec::new(),
        }
    }

    /// When [`Event::Timer`] is due next; `None` if only an answer can bring it on.
    pub fn wake_at(&self) -> Option<Time> {
        let main = match self.phase {
            Phase::Waiting(at) | Phase::Pausing(at) => Some(at),
            _ => None,
        };
        let hosts = if self.is_live() { self.hosts.next_due(&self.options) } else { None };
        [main, hosts].into_iter().flatten().min()
    }

    /// Takes an event and says what is to be done about it, in order.
    pub fn handle(&mut self, event: Event, now: Time) -> Vec<Effect> {
        match event {
            Event::Stop => self.stop(now),
            _ if self.phase == Phase::Ended => {}
            Event::Done(id, Reply::Host { took_ms, said }) => self.host_said(id, took_ms, said, now),
            Event::Done(id, reply) if self.awaited == Some(id) => {
                self.awaited = None;
                self.done(reply, now);
            }
            Event::Failed(id, error) if self.awaited == Some(id) => {
                self.awaited = None;
                self.failed(&error, now);
            }
            // Time alone does what is due; the others are too late: nobody waits for them any more.
            Event::Timer | Event::Done(..) | Event::Failed(..) => {}
        }
        self.due(now);
        std::mem::take(&mut self.out)
    }

    /// Does what is due.
    fn due(&mut self, now: Time) {
        match self.phase {
            Phase::Waiting(at) if at <= now => self.log_in(now),
            Phase::Pausing(at) if at <= now => self.poll_or_probe(now),
            _ => {}
        }
        if self.is_live() {
            for mut due in self.hosts.take_due(&self.options, now) {
                due.is_coordinator = self.master.as_ref() == Some(&due.host);
                let (host, via) = (due.host.clone(), due.via);
                let patience = if via == Via::Week { 3 } else { 1 };
                let id = self.call(Ask::Host(due, self.options.host_deadline * patience));
                self.asked.insert(id, (host, via));
            }
        }
    }

    /// Whether there is a session.
    const fn is_live(&self) -> bool {
        !matches!(self.phase, Phase::Waiting(_) | Phase::LoggingIn | Phase::Ended)
    }

    fn emit(&mut self, seen: Seen, at: Time) {
        self.out.push(Effect::Emit(Observation { at, seen }));
    }

    fn call(&mut self, ask: Ask) -> CallId {
        self.next_call += 1;
        self.out.push(Effect::Call(self.next_call, ask));
        self.next_call
    }

    fn proceed(&mut self, phase: Phase, ask: Ask) {
        self.awaited = Some(self.call(ask));
        self.phase = phase;
    }

    fn log_in(&mut self, now: Time) {
        let members = self.hosts.addresses_except(self.master.as_ref());
        let place = self.retry.place(self.coordinator.is_some(), &members);
        let to = match &place {
            Place::Named => self.named_to.clone(),
            Place::Coordinator => self.coordinator.clone().unwrap_or_default(),
            Place::Member(address) => text::clean(address, 80).into_owned(),
        };
        self.emit(Seen::Link(Link::Connecting { to }), now);
        self.place = place.clone();
        self.proceed(Phase::LoggingIn, Ask::Login(place));
    }

    fn done(&mut self, reply: Reply, now: Time) {
        match (std::mem::replace(&mut self.phase, Phase::Ended), reply) {
            (Phase::LoggingIn, Reply::LoggedIn { coordinator }) => self.logged_in(coordinator, now),
            (Phase::Reading(group), Reply::Batch(batch)) => self.read(group, batch, now),
            (Phase::History, Reply::Messages(messages, unreadable)) => self.history(messages, &unreadable, now),
            (Phase::Polling, Reply::Batch(batch)) => self.polled(batch, now),
            (Phase::Rereading(classes), Reply::Batch(batch)) => self.reread(&classes, batch, now),
            (Phase::Probing, Reply::Batch(batch)) => self.probed(&batch, now),
            (phase, reply) => {
                // A driver that mixes up its answers: start over rather than go on with something else.
                tracing::error!("unexpected answer {} in {phase:?}", reply_name(&reply));
                self.lose(
                    &Error::Malformed {
                        to: self.named_to.clone(),
                        what: "a call".into(),
                        why: "another answer than asked for".into(),
                    },
                    now,
                );
            }
        }
    }

    fn logged_in(&mut self, coordinator: String, now: Time) {
        self.retry.logged_in();
        self.coordinator = Some(coordinator.clone());
        self.logged_in_at = Some(now);
        self.emit(Seen::Link(Link::Live { coordinator }), now);
        self.read_all(now);
    }

    /// Everything again, in this session.
    fn read_all(&mut self, now: Time) {
        let why = std::mem::take(&mut self.why);
        self.tracker = Tracker::default();
        self.quick_polls = 0;
        self.emit(Seen::Resync { classes: CLASSES.to_vec(), why }, now);
        self.proceed(Phase::Reading(0), Ask::Read(GROUPS[0]));
    }

    fn read(&mut self, group: usize, batch: EventBatch, now: Time) {
        let classes = GROUPS.get(group).copied().unwrap_or(&[]);
        let Some(token) = batch.token else {
            return self.failed(&no_token(&self.named_to), now);
        };
        self.tracker.read(classes, &batch);
        if group == 0 {
            // What changed while the other groups were read comes once more; that is harmless. Messages that came since then
            // come too, older ones do not.
            self.tracker.start_at(token.database);
        }
        self.whole(classes, batch, now);
        let next = group + 1;
        if let Some(classes) = GROUPS.get(next) {
            self.proceed(Phase::Reading(next), Ask::Read(classes));
        } else {
            // How far the database has come is known before the first long poll ends.
            if let Some(token) = self.tracker.token() {
                self.emit(Seen::Heard { generation: Some(token.database) }, now);
            }
            self.proceed(Phase::History, Ask::Messages { since: now - self.options.history });
        }
    }

    /// A complete reading of some classes.
    fn whole(&mut self, classes: &[Class], batch: EventBatch, now: Time) {
        let of = |class: Class| -> Option<Vec<Ref>> {
            classes.contains(&class).then(|| batch.changes.iter().filter(|c| c.class == class).map(|c| c.r#ref.clone()).collect())
        };
        let (hosts, certificates) = (of(Class::Host), of(Class::Certificate));
        self.show(batch, now);
        self.hosts.retain(hosts.as_deref(), certificates.as_deref());
        self.emit(Seen::Synced { classes: classes.to_vec() }, now);
        self.vouch();
    }

    /// Emits what a batch holds and keeps what is needed of it.
    fn show(&mut self, batch: EventBatch, now: Time) {
        for change in batch.changes {
            match (&change.what, change.class) {
                (What::Set(record), _) => match &**record {
                    Record::Host(host) => self.hosts.set(&change.r#ref, host),
                    Record::Certificate(certificate) => self.hosts.set_certificate(&change.r#ref, certificate),
                    Record::Pool(pool) => self.master = pool.master.non_null().cloned(),
                    _ => {}
                },
                (What::Gone, Class::Host) => {
                    self.hosts.gone(&change.r#ref);
                    self.newest_row.remove(&change.r#ref);
                }
                (What::Gone, Class::Certificate) => self.hosts.certificate_gone(&change.r#ref),
                (What::Gone, _) => {}
            }
            self.emit(decode::seen(change), now);
        }
        for unreadable in &batch.unreadable {
            self.emit(decode::unreadable(unreadable), now);
        }
    }

    fn vouch(&mut self) {
        for (address, fingerprints) in self.hosts.newly_vouched() {
            self.out.push(Effect::Vouch(address, fingerprints));
        }
    }

    fn history(&mut self, mut messages: Vec<(Ref, Record)>, unreadable: &[Unreadable], now: Time) {
        let when = |record: &Record| if let Record::Message(message) = record { message.timestamp } else { Date::default() };
        messages.sort_by_key(|(_, record)| std::cmp::Reverse(when(record)));
        messages.truncate(self.options.history_limit);
        for (r#ref, record) in messages.into_iter().rev() {
            self.emit(Seen::Set { r#ref, record: record.into() }, now);
        }
        for unreadable in unreadable {
            self.emit(decode::unreadable(unreadable), now);
        }
        self.emit(Seen::Synced { classes: vec![Class::Message] }, now);
        self.retry.settled();
        self.last_change = now;
        self.phase = Phase::Pausing(now);
    }

    fn poll_or_probe(&mut self, now: Time) {
        if now.since(self.last_change) >= self.probe_pause {
            return self.proceed(Phase::Probing, Ask::Probe);
        }
        let Some(token) = self.tracker.token() else {
            return self.failed(&no_token(&self.named_to), now);
        };
        self.poll_started = now;
        self.proceed(Phase::Polling, Ask::Poll { token, wait: self.options.poll_wait });
    }

    fn polled(&mut self, batch: EventBatch, now: Time) {
        let Some(token) = batch.token else {
            return self.failed(&no_token(&self.named_to), now);
        };
        let verdict = self.tracker.follow(&batch);
        let (changes, counts) = (batch.changes.len(), batch.counts.clone());
        if batch.changes.iter().any(|c| PROBED.contains(&c.class)) {
            // Our place is right: the server tells us of what we would look at.
            self.last_change = now;
            self.probe_pause = self.options.probe_after;
        }
        let master = self.master.clone();
        self.show(batch, now);
        self.vouch();
        self.emit(Seen::Heard { generation: Some(token.database) }, now);
        if verdict == Verdict::WentBack {
            return self.doubt("the pool's database went back to an older state", now);
        }
        if master.is_some() && master != self.master {
            "the pool has another coordinator".clone_into(&mut self.why);
            return self.renew(now);
        }
        let wrong = self.tracker.miscounted(&counts, now);
        if wrong.is_empty() {
            return self.pause(changes, now);
        }
        let names: Vec<&str> = wrong.iter().map(|class| class.call_name()).collect();
        let why = format!("the pool counts another number of {} than we know of", names.join(", "));
        self.emit(Seen::Resync { classes: wrong.clone(), why }, now);
        self.proceed(Phase::Rereading(wrong.clone()), Ask::Reread(wrong));
    }

    /// Waits until the next poll may start.
    fn pause(&mut self, changes: usize, now: Time) {
        // An answer without news that comes long before it should: a server that does not wait.
        let quick = changes == 0 && now.since(self.poll_started) < self.options.poll_wait / 4;
        self.quick_polls = if quick { (self.quick_polls + 1).min(7) } else { 0 };
        let prompt = changes > 0 && now.since(self.poll_started) < self.options.storm_gap;
        self.prompt_polls = if prompt { (self.prompt_polls + 1).min(BUSY) } else { 0 };
        let storm = changes >= self.options.storm_size || self.prompt_polls >= BUSY;
        let gap = if storm { self.options.storm_gap } else { self.options.poll_gap };
        // Counted from the start of the last poll, so that a single change is never held up.
        self.phase = Phase::Pausing((self.poll_started + gap * (1 << self.quick_polls)).max(now));
    }

    fn reread(&mut self, classes: &[Class], batch: EventBatch, now: Time) {
        self.tracker.read(classes, &batch);
        self.tracker.recounted(classes, &batch.counts, now);
        self.whole(classes, batch, now);
        self.pause(1, now);
    }

    fn probed(&mut self, batch: &EventBatch, now: Time) {
        let Some(fresh) = batch.token else {
            return self.failed(&no_token(&self.named_to), now);
        };
        self.last_change = now;
        match self.tracker.probe(fresh.database) {
            Verdict::Fine => self.phase = Phase::Pausing(now),
            Verdict::WentBack => {
                self.emit(Seen::Heard { generation: Some(fresh.database) }, now);
                self.doubt("the pool's database went back to an older state", now);
            }
            Verdict::Missed => {
                self.doubt("changes did not reach us: our place in the pool's events was ahead of its database", now);
            }
        }
    }

    /// Everything again in this session, because what we have may be wrong.
    fn doubt(&mut self, why: &str, now: Time) {
        tracing::warn!("{why}; reading everything again");
        // Should the alarm be a false one every time, it must not become a load.
        self.probe_pause = (self.probe_pause * 2).min(Duration::from_secs(3600));
        why.clone_into(&mut self.why);
        self.last_change = now;
        self.read_all(now);
    }

    /// What is under way, and the session with it, is given up.
    fn drop_session(&mut self, logout: bool) {
        self.awaited = None;
        self.asked.clear();
        self.hosts.nothing_under_way();
        self.out.push(Effect::Abandon);
        if logout {
            self.out.push(Effect::Logout);
        }
    }

    /// A new session at once, unless the last one was new as well.
    fn renew(&mut self, now: Time) {
        let recent = self.logged_in_at.is_some_and(|at| now.since(at) < Duration::from_secs(10));
        self.drop_session(true);
        self.phase = Phase::Waiting(if recent { now + self.options.retry_first * 2 } else { now });
    }

    fn failed(&mut self, error: &Error, now: Time) {
        let reading_history = self.phase == Phase::History && !error.is_transport();
        if self.is_live() && error.is_session_over() {
            self.why = format!("new session: {error}");
            return self.renew(now);
        }
        if self.is_live() && matches!(error.code(), Some(Code::EventFromTokenParseFailure | Code::EventsLost)) {
            return self.doubt("the pool lost track of our place in its events", now);
        }
        if reading_history {
            // Old messages are worth having, but not worth everything else.
            let why = text::clean(&error.to_string(), text::NAME_LIMIT).into_owned();
            self.emit(Seen::Unreadable { class: Class::Message.event_name().to_owned(), r#ref: Ref::default(), why }, now);
            return self.history(Vec::new(), &[], now);
        }
        self.lose(error, now);
    }

    /// The connection is lost, or a log-in failed.
    fn lose(&mut self, error: &Error, now: Time) {
        let had_session = self.logged_in_at.take().is_some();
        self.drop_session(had_session);
        let said = text::clean(&error.to_string(), 600).into_owned();
        match self.retry.failed(error, &self.place, &self.options, now) {
            Next::GiveUp => {
                self.emit(Seen::Link(Link::Refused { error: said }), now);
                self.phase = Phase::Ended;
                self.out.push(Effect::End(End::NeedsOperator(error.clone())));
            }
            Next::At(retry_at, attempt) => {
                if had_session || self.why.is_empty() {
                    self.why = format!("the connection was lost: {said}");
                }
                self.emit(Seen::Link(Link::Lost { error: said, retry_at, attempt }), now);
                self.phase = Phase::Waiting(retry_at);
            }
        }
    }

    fn host_said(&mut self, id: CallId, took_ms: u32, said: Result<HostReply, Error>, now: Time) {
        let Some((host, via)) = self.asked.remove(&id) else { return };
        if let Err(error) = &said
            && !matches!(via, Via::Rrd | Via::Week)
            && error.is_session_over()
        {
            self.why = format!("new session: {error}");
            return self.renew(now);
        }
        if via == Via::Probe {
            return self.probe_said(host, took_ms, said, now);
        }
        if via == Via::Week {
            // Not a sign of life, nor of the lack of one: it is asked once an hour.
            self.hosts.answered(&host, via, said.is_ok(), None, &self.options, now);
            if let Ok(HostReply::Week(Some(week))) = said {
                self.emit(Seen::Week { host, week }, now);
            }
            return;
        }
        let failures = self.hosts.answered(&host, via, said.is_ok(), None, &self.options, now);
        let outcome = match &said {
            Ok(HostReply::Clock(clock)) => Outcome::Ok { clock: Some(*clock) },
            Ok(HostReply::Row(_) | HostReply::Report(_) | HostReply::Week(_)) => Outcome::Ok { clock: None },
            Err(error) => Outcome::Failed {
                code: error.code().map(|code| text::clean(code.as_str(), 80).into_owned()),
                error: text::clean(&error.to_string(), text::NAME_LIMIT).into_owned(),
            },
        };
        self.emit(Seen::Answer(Answer { host: host.clone(), via, took_ms, outcome }), now);
        match said {
            Ok(HostReply::Row(Some((row, values)))) if self.newest_row.get(&host) != Some(&row) => {
                self.newest_row.insert(host.clone(), row);
                self.emit(Seen::Samples { host, row, values }, now);
            }
            // The coordinator cannot even be asked for its own clock: then the poll that still waits for it waits in vain.
            Err(error)
                if via == Via::Servertime && self.master.as_ref() == Some(&host) && error.is_transport() && failures >= 2 =>
            {
                self.lose(&error, now);
            }
            _ => {}
        }
    }

    /// A probe answered, or did not. That a host has none, or that we may not ask, says nothing about the host.
    fn probe_said(&mut self, host: Ref, took_ms: u32, said: Result<HostReply, Error>, now: Time) {
        let code = said.as_ref().err().and_then(|error| error.code().map(|code| code.as_str().to_owned()));
        let told = match said {
            Ok(HostReply::Report(Ok(report))) => Probed::Report(report),
            Ok(HostReply::Report(Err(why))) => Probed::Failed { why },
            Ok(_) => Probed::Failed { why: "it is an answer to another question".into() },
            Err(error) => match code.as_deref() {
                Some("XENAPI_MISSING_PLUGIN") => Probed::Absent,
                Some("RBAC_PERMISSION_DENIED" | "PERMISSION_DENIED") => Probed::Denied,
                _ => Probed::Failed { why: text::clean(&error.to_string(), text::NAME_LIMIT).into_owned() },
            },
        };
        let then = match &told {
            Probed::Report(report) if report.o2cb.get().is_some_and(|o2cb| o2cb.margin.level >= Level::Amber) => {
                Some(REPORT_NEAR)
            }
            Probed::Absent | Probed::Denied => Some(REPORT_ABSENT),
            Probed::Report(_) | Probed::Failed { .. } => None,
        };
        let ok = !matches!(told, Probed::Failed { .. });
        self.hosts.answered(&host, Via::Probe, ok, then, &self.options, now);
        if matches!(told, Probed::Report(_)) {
            let outcome = Outcome::Ok { clock: None };
            self.emit(Seen::Answer(Answer { host: host.clone(), via: Via::Probe, took_ms, outcome }), now);
        }
        self.emit(Seen::Probe { host, told }, now);
    }

    fn stop(&mut self, now: Time) {
        if self.phase == Phase::Ended {
            self.out.push(Effect::End(End::Left));
            return;
        }
        let had_session = self.is_live();
        self.drop_session(had_session);
        self.emit(Seen::Link(Link::Closed), now);
        self.phase = Phase::Ended;
        self.out.push(Effect::End(End::Left));
    }
}

const fn reply_name(reply: &Reply) -> &'static str {
    match reply {
        Reply::LoggedIn { .. } => "to a log-in",
        Reply::Batch(_) => "of events",
        Reply::Messages(..) => "of messages",
        Reply::Host { .. } => "of a host",
    }
}

fn no_token(to: &str) -> Error {
    Error::Malformed {
        to: to.to_owned(),
        what: "event.from".to_owned(),
        why: "there is no token in it that this version understands".to_owned(),
    }
}
