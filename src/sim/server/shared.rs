//! One served world: the lock around it, its clock, the calls that wait in it and the doors of its hosts.
//!
//! The only place that lets time pass. It steps from one due event to the next, so that no door's opening or closing is
//! missed, however fast the clock runs. Sleeps until something falls due; an idle world costs nothing.

use super::clock::Clock;
use super::tls::Identity;
use crate::sim::api::{Api, Call, Door, Failure, HostIx, Reply, RrdRequest, RrdUpdates, Ticket};
use crate::sim::value::Value;
use crate::time::Time;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::Instant;

/// What a call came to.
pub type Answer = Result<Value, Failure>;

/// A host's door, and how often it was shut: connections from before are dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gate {
    /// As it is now.
    pub door: Door,
    /// How many times connections were refused so far.
    pub shut: u64,
}

/// One served world. Shared by its listeners, connections, driver and handles.
pub struct Shared<A> {
    inner: Mutex<Inner<A>>,
    /// Something falls due earlier than the driver thinks.
    sooner: Notify,
    gates: Vec<watch::Sender<Gate>>,
    addresses: Vec<String>,
    identities: Vec<Identity>,
}

struct Inner<A> {
    world: A,
    clock: Clock,
    waiting: BTreeMap<Ticket, oneshot::Sender<Answer>>,
    /// Until when the driver sleeps.
    armed: Option<Instant>,
}

impl<A: Api> Inner<A> {
    /// Answers those whose calls have ended.
    fn answer(&mut self) {
        let Self { world, waiting, .. } = self;
        let tickets: Vec<Ticket> = waiting.keys().copied().collect();
        for ticket in tickets {
            if let Some(answer) = world.poll(ticket)
                && let Some(caller) = waiting.remove(&ticket)
            {
                // Whoever asked may be gone.
                let _ = caller.send(answer);
            }
        }
    }

    /// When something falls due next, by the wall's clock.
    fn next_wall(&self) -> Option<Instant> {
        self.world.next_due().and_then(|due| self.clock.wall_of(due))
    }
}

/// A call that waits for its answer. Dropped unanswered, the world forgets it.
struct Waiting<'a, A: Api> {
    shared: &'a Shared<A>,
    ticket: Ticket,
}

impl<A: Api> Drop for Waiting<'_, A> {
    fn drop(&mut self) {
        let mut inner = self.shared.lock();
        if inner.waiting.remove(&self.ticket).is_some() {
            inner.world.forget(self.ticket);
        }
    }
}

impl<A: Api> Shared<A> {
    /// Starts the clock. `identities` by host.
    pub fn new(world: A, identities: Vec<Identity>, speed: f64) -> Self {
        let addresses = world.addresses();
        let gate = |host| watch::Sender::new(Gate { door: world.door(HostIx(host)), shut: 0 });
        let gates = (0..addresses.len()).map(gate).collect();
        let clock = Clock::new(Instant::now(), world.now(), speed);
        let inner = Inner { world, clock, waiting: BTreeMap::new(), armed: None };
        Self { inner: Mutex::new(inner), sooner: Notify::new(), gates, addresses, identities }
    }

    /// The hosts' certificates.
    pub fn identities(&self) -> &[Identity] {
        &self.identities
    }

    /// The certificate of the host with this address.
    pub fn identity_at(&self, address: &str) -> Option<&Identity> {
        self.identities.get(self.host_at(address)?.0)
    }

    /// The host with this address.
    pub fn host_at(&self, address: &str) -> Option<HostIx> {
        self.addresses.iter().position(|known| known == address).map(HostIx)
    }

    /// A host's door, to be watched. `None`: there is no such host.
    pub fn gate(&self, host: HostIx) -> Option<watch::Receiver<Gate>> {
        self.gates.get(host.0).map(watch::Sender::subscribe)
    }

    /// Does something with the world as it is now; whatever that changes takes effect at once.
    pub fn with<R>(&self, act: impl FnOnce(&mut A) -> R) -> R {
        let mut inner = self.lock();
        self.pass_time(&mut inner);
        let result = act(&mut inner.world);
        self.settle(&mut inner);
        result
    }

    /// A call that arrived at `host`. Waits as long as it takes on the world's clock.
    pub async fn call(&self, host: HostIx, call: Call) -> Answer {
        let (answered, waiting) = {
            let mut inner = self.lock();
            self.pass_time(&mut inner);
            let ticket = match inner.world.call(host, call) {
                Reply::Done(answer) => {
                    self.settle(&mut inner);
                    return answer;
                }
                Reply::Waiting(ticket) => ticket,
            };
            let (answer, answered) = oneshot::channel();
            inner.waiting.insert(ticket, answer);
            self.settle(&mut inner);
            (answered, Waiting { shared: self, ticket })
        };
        let answer = answered.await;
        drop(waiting);
        answer.unwrap_or_else(|_| Err(Failure::new("INTERNAL_ERROR", ["the simulated pool was stopped"])))
    }

    /// `/rrd_updates` at `host`.
    pub fn rrd_updates(&self, host: HostIx, request: &RrdRequest) -> Option<RrdUpdates> {
        self.with(|world| world.rrd_updates(host, request))
    }

    /// Virtual seconds a second.
    pub fn speed(&self) -> f64 {
        self.lock().clock.speed()
    }

    /// From now on the clock runs at this speed (see [`Clock::set_speed`]).
    pub fn set_speed(&self, speed: f64) {
        let mut inner = self.lock();
        self.pass_time(&mut inner);
        inner.clock.set_speed(Instant::now(), speed);
        self.settle(&mut inner);
        self.sooner.notify_one();
    }

    /// Lets time pass as it falls due, for ever.
    pub async fn drive(&self) {
        loop {
            let next = {
                let mut inner = self.lock();
                self.pass_time(&mut inner);
                self.settle(&mut inner);
                inner.armed = inner.next_wall();
                inner.armed
            };
            // Not at once: should the core ever leave something undone that is due, that must not cost a whole processor.
            let soonest = Instant::now() + Duration::from_millis(1);
            let due = async {
                match next {
                    Some(instant) => tokio::time::sleep_until(instant.max(soonest)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = due => {}
                () = self.sooner.notified() => {}
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner<A>> {
        // A panic in the core has failed one request; the next ones get what there is.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Advances the world to now, one due event at a time.
    fn pass_time(&self, inner: &mut Inner<A>) {
        let target = inner.clock.at(Instant::now());
        while let Some(due) = inner.world.next_due().filter(|due| *due <= target) {
            let before = inner.world.now();
            inner.world.advance(due.max(before));
            self.tell_doors(&inner.world);
            inner.answer();
            if due <= before && inner.world.next_due() == Some(due) {
                break;
            }
        }
        inner.world.advance(target.max(inner.world.now()));
    }

    /// After anything happened: doors, answers, and when the driver has to look again.
    fn settle(&self, inner: &mut Inner<A>) {
        inner.clock.catch_up_with(Instant::now(), inner.world.now());
        self.tell_doors(&inner.world);
        inner.answer();
        if inner.next_wall().is_some_and(|next| inner.armed.is_none_or(|armed| next < armed)) {
            self.sooner.notify_one();
        }
    }

    fn tell_doors(&self, world: &A) {
        for (host, gate) in self.gates.iter().enumerate() {
            let door = world.door(HostIx(host));
            gate.send_if_modified(|gate| {
                let changed = gate.door != door;
                if changed {
                    gate.shut += u64::from(door == Door::Refused);
                    gate.door = door;
                }
                changed
            });
        }
    }

    /// The virtual time now.
    pub fn now(&self) -> Time {
        self.with(|world| world.now())
    }
}
