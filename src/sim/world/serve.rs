//! The world as its server drives it.

use super::rrd::{GuestColumns, Subject, updates};
use super::state::Stage;
use super::{Core, How, World};
use crate::sim::api::{Api, Call, Door, Failure, HostIx, Reply, RrdRequest, RrdUpdates, StatusFile, StatusRequest, Ticket};
use crate::sim::schema::Role;
use crate::sim::value::Value;
use crate::time::Time;
use crate::xenapi::record::Ref;
use std::time::Duration;

/// Tickets of our own: for calls that are held or never answered.
const OWN_TICKETS: u64 = 1 << 62;
/// After an orderly power-off the neighbours still say "refused" for this long.
const GOOD_BYE: Duration = Duration::from_secs(3);

/// A call that is not answered as it would be.
#[derive(Clone, Debug)]
pub struct Held {
    ticket: Ticket,
    /// The call, to be made when events are on time again; `None`: it is never answered.
    call: Option<(HostIx, Call)>,
    /// The front's own ticket, once it has been made.
    inner: Option<Ticket>,
}

impl World {
    /// Lets the front and the core work on each other.
    fn front_call(&mut self, host: HostIx, call: &Call) -> Reply {
        let Self { core, spare: (db, front) } = self;
        std::mem::swap(db, &mut core.db);
        std::mem::swap(front, &mut core.front);
        let now = core.now;
        let reply = front.call(db, core, host, call, now);
        std::mem::swap(db, &mut core.db);
        std::mem::swap(front, &mut core.front);
        reply
    }

    fn hold(&mut self, call: Option<(HostIx, Call)>) -> Reply {
        self.core.held_count += 1;
        let ticket = Ticket(OWN_TICKETS + self.core.held_count);
        self.core.held.push(Held { ticket, call, inner: None });
        Reply::Waiting(ticket)
    }

    /// The trap that a call falls into, if any.
    fn trap(&mut self, method: &str) -> Option<How> {
        let plain = method.strip_prefix("Async.").unwrap_or(method);
        let at = self.core.traps.iter().position(|t| t.method == method || t.method == plain)?;
        let trap = self.core.traps.get_mut(at)?;
        let how = trap.how.clone();
        trap.times = trap.times.saturating_sub(1);
        if trap.times == 0 {
            self.core.traps.remove(at);
        }
        Some(how)
    }

    fn poll_held(&mut self, at: usize) -> Option<Result<Value, Failure>> {
        let late = self.core.now < self.core.late_until;
        let held = self.core.held.get_mut(at)?;
        if let Some(inner) = held.inner {
            let result = self.core.poll_front(inner)?;
            self.core.held.remove(at);
            return Some(result);
        }
        if late {
            return None;
        }
        let (host, call) = held.call.take()?;
        match self.front_call(host, &call) {
            Reply::Done(result) => {
                self.core.held.remove(at);
                Some(result)
            }
            Reply::Waiting(inner) => {
                if let Some(held) = self.core.held.get_mut(at) {
                    held.inner = Some(inner);
                }
                None
            }
        }
    }
}

impl Core {
    fn poll_front(&mut self, ticket: Ticket) -> Option<Result<Value, Failure>> {
        let now = self.now;
        self.front.poll(&mut self.db, ticket, now)
    }
}

impl Api for World {
    fn now(&self) -> Time {
        self.core.now
    }

    fn advance(&mut self, to: Time) {
        loop {
            let next = self.core.timers.next().filter(|t| *t <= to);
            let front = self.core.front.next_due().filter(|t| *t <= to);
            let at = match (next, front) {
                (None, None) => break,
                (Some(a), Some(b)) => a.min(b),
                (Some(a), None) | (None, Some(a)) => a,
            };
            let progressed = at > self.core.now || next.is_some_and(|t| t <= at);
            self.core.now = self.core.now.max(at);
            self.core.run_due();
            self.core.settle();
            if !progressed {
                // The front has something finished that nobody has asked for yet.
                break;
            }
        }
        // What the front has due before `to` but not done can wait until somebody asks.
        while let Some(at) = self.core.timers.next().filter(|t| *t <= to) {
            self.core.now = self.core.now.max(at);
            self.core.run_due();
            self.core.settle();
        }
        if to > self.core.now {
            self.core.now = to;
            self.core.settle();
        }
        self.core.advance_apart();
    }

    fn next_due(&self) -> Option<Time> {
        let late = Some(self.core.late_until).filter(|t| *t > self.core.now);
        let own = [self.core.timers.next(), self.core.front.next_due(), late].into_iter().flatten().min();
        let apart = self.core.apart.iter().filter_map(|h| self.core.hosts.get(*h)?.alone.as_ref()?.next_due());
        own.into_iter().chain(apart).min()
    }

    fn addresses(&self) -> Vec<String> {
        self.core.hosts.iter().map(|h| h.address.clone()).collect()
    }

    fn door(&self, host: HostIx) -> Door {
        let Some(h) = self.core.hosts.get(host.0) else { return Door::Silent };
        if let Some(own) = &h.alone {
            return own.door(HostIx(0));
        }
        if self.core.out_of_sight(host.0) {
            return Door::Silent;
        }
        match h.stage {
            Stage::Off if h.silent || self.core.now.since(h.since) > GOOD_BYE => Door::Silent,
            Stage::Off | Stage::Post | Stage::Toolstack => Door::Refused,
            Stage::Answering | Stage::Joined | Stage::Up => Door::Open,
        }
    }

    fn call(&mut self, host: HostIx, call: Call) -> Reply {
        if self.core.hosts.get(host.0).is_some_and(|h| !h.member()) {
            return self.call_elsewhere(host.0, call);
        }
        if self.core.now < self.core.late_until && call.method == "event.from" {
            return self.hold(Some((host, call)));
        }
        match self.trap(&call.method) {
            Some(How::Fail(failure)) => Reply::Done(Err(failure)),
            Some(How::Break(failure)) => {
                if let Reply::Waiting(inner) = self.front_call(host, &call) {
                    self.core.front.forget(inner);
                }
                self.core.settle();
                Reply::Done(Err(failure))
            }
            Some(How::Silence) => {
                if let Reply::Waiting(inner) = self.front_call(host, &call) {
                    self.core.front.forget(inner);
                }
                self.core.settle();
                self.hold(None)
            }
            None => {
                let reply = self.front_call(host, &call);
                if let (Reply::Waiting(ticket), "event.from") = (&reply, call.method.as_str()) {
                    self.core.listening.insert(*ticket);
                }
                self.core.settle();
                reply
            }
        }
    }

    fn poll(&mut self, ticket: Ticket) -> Option<Result<Value, Failure>> {
        if let Some(at) = self.core.elsewhere.iter().position(|(own, ..)| *own == ticket) {
            return self.poll_elsewhere(at);
        }
        match self.core.held.iter().position(|h| h.ticket == ticket) {
            Some(at) => self.poll_held(at),
            None if self.core.now < self.core.late_until && self.core.listening.contains(&ticket) => None,
            None => {
                let result = self.core.poll_front(ticket)?;
                self.core.listening.remove(&ticket);
                Some(result)
            }
        }
    }

    fn forget(&mut self, ticket: Ticket) {
        self.core.forget_elsewhere(ticket);
        let held = self.core.held.iter().position(|h| h.ticket == ticket).map(|at| self.core.held.remove(at));
        self.core.listening.remove(&ticket);
        let inner = held.map_or(Some(ticket), |h| h.inner);
        if let Some(inner) = inner {
            self.core.front.forget(inner);
        }
    }

    fn updates(&mut self, host: HostIx, session: &str) -> Option<Result<String, Failure>> {
        if let Some(own) = self.core.hosts.get_mut(host.0).and_then(|h| h.alone.as_mut()) {
            return own.updates(HostIx(0), session);
        }
        if !self.core.front.session_is_valid(session) {
            return None;
        }
        if host.0 != self.core.coordinator {
            let coordinator = self.core.hosts.get(self.core.coordinator).map(|h| h.address.clone()).unwrap_or_default();
            return Some(Err(Failure::new("HOST_IS_SLAVE", [coordinator])));
        }
        Some(self.core.updates_document())
    }

    fn system_status(&mut self, host: HostIx, request: &StatusRequest) -> Option<Result<Vec<StatusFile>, Failure>> {
        if let Some(own) = self.core.hosts.get_mut(host.0).and_then(|h| h.alone.as_mut()) {
            return own.system_status(HostIx(0), request);
        }
        let role = self.core.front.role_of(&Ref::from(request.session.as_str()))?;
        if role < Role::PoolOperator {
            return Some(Err(Failure::new("RBAC_PERMISSION_DENIED", ["http/get_system_status", "No permission"])));
        }
        Some(Ok(self.core.bug_report(host.0, request)))
    }

    fn rrd_updates(&mut self, host: HostIx, request: &RrdRequest) -> Option<RrdUpdates> {
        if let Some(own) = self.core.hosts.get_mut(host.0).and_then(|h| h.alone.as_mut()) {
            return own.rrd_updates(HostIx(0), request);
        }
        if !self.core.front.session_is_valid(&request.session) {
            return None;
        }
        self.core.rrd(host.0, request)
    }
}

impl Core {
    /// The last seconds of a host's own sources.
    pub(super) fn measure(&self, host: usize, start: i64) -> Option<RrdUpdates> {
        self.rrd(host, &RrdRequest { session: String::new(), start, host: true, vm_uuid: "none".into(), interval: 5 })
    }

    fn rrd(&self, host: usize, request: &RrdRequest) -> Option<RrdUpdates> {
        let h = self.hosts.get(host)?;
        let here = |g: &&super::state::Guest| g.on == Some(host) && !g.gone && g.is_active();
        let guests = self
            .guests
            .iter()
            .filter(here)
            .map(|g| GuestColumns { uuid: g.uuid.to_string(), memory: g.memory, vcpus: g.vcpus })
            .collect();
        let in_use = |store: usize| self.guests.iter().filter(here).any(|g| g.sr == store);
        let srs = self
            .stores
            .iter()
            .enumerate()
            .filter(|(at, s)| in_use(*at) || (s.mirror.is_some() && s.pbds.iter().any(|p| p.host == host && p.attached)))
            .map(|(_, s)| (s.uuid.get(..8).unwrap_or(&s.uuid).to_owned(), usual_latency(&s.kind)))
            .collect();
        let subject = Subject {
            seed: self.seed,
            uuid: &h.uuid,
            cpus: h.cpus,
            memory: h.memory,
            overhead: h.overhead,
            devices: h.links.iter().map(|l| l.device.clone()).collect(),
            srs,
            guests,
            statefile: self
                .ha
                .statefile
                .as_ref()
                .filter(|_| self.ha.on)
                .map(|vdi| (self.db.text(vdi, "uuid").to_owned(), self.ha.lost.get(&host).copied())),
            counts: self.designed(),
            history: &h.history,
        };
        Some(updates(&subject, request, self.now))
    }
}

/// Microseconds that a read usually takes.
fn usual_latency(kind: &str) -> f64 {
    match kind {
        "lvmohba" => 400.0,
        "lvmoiscsi" | "gfs2" => 900.0,
        "nfs" => 1_400.0,
        "linstor" => 650.0,
        _ => 300.0,
    }
}
