//! A pool followed on the virtual clock: what the feed would tell, from the simulated pool.
//!
//! A log-in on the coordinator, everything read, then changes as they happen (or late, or after having been lost), the answers of the
//! hosts, and a connection that breaks when the coordinator goes and is made anew when it is back. No wire, no waiting.

use super::memory::Memory;
use crate::observation::{Answer, Link, Observation, Outcome, Seen, Via};
use crate::pool::Pool;
use crate::sim::api::{Api, Call, Door, HostIx, Reply};
use crate::sim::value::Value;
use crate::sim::world::{Marker, World};
use crate::time::Time;
use crate::xenapi::record::{Class, Record, Ref};
use std::time::Duration;
use strum::IntoEnumIterator;

/// How often the hosts are asked for their clocks, as by the live feed: whether or not anybody looks, for a host that is not asked counts as
/// one that does not answer.
pub const ASK_EVERY: Duration = Duration::from_secs(10);
/// What our session calls itself.
pub const ORIGINATOR: &str = "poolwatch";
/// After this long without a word a connection to a host that does not answer is given up.
const HANG: Duration = Duration::from_secs(20);
/// The longest wait before another try to connect.
const RETRY_MOST: Duration = Duration::from_secs(30);

/// Our connection.
#[derive(Clone, Debug)]
enum Line {
    /// Not there; tried again then.
    Down { retry: Time, attempt: u32 },
    /// Logged in at this host, with this session.
    Up { at: HostIx, session: Ref },
}

/// What follows a simulated pool.
pub struct Eye {
    /// The model that it feeds.
    pub pool: Pool,
    /// What our own clock is ahead of the pool's, in milliseconds.
    pub ahead_ms: i64,
    /// How late changes are told.
    pub lag: Duration,
    /// Nothing is told before then.
    pub late: Time,
    /// All that was seen, if somebody takes it from here.
    pub tape: Option<Vec<Observation>>,
    /// The next changes are lost, and everything is read afresh.
    pub lost: bool,
    /// What is remembered of the database.
    pub memory: Memory,
    line: Line,
    user: (String, String),
    /// Where the coordinator was last seen.
    coordinator: HostIx,
    marker: Marker,
    /// The generation of the database that was told last.
    generation: u64,
    /// Since when there are changes that were not told.
    changed: Option<Time>,
    asked: Option<Time>,
    silent: Option<Time>,
    hosts: Vec<Ref>,
}

impl Eye {
    /// Someone who has just started to follow a pool, as this user.
    pub fn new(target: &str, user: &str, password: &str) -> Self {
        Self {
            pool: Pool::new(target),
            ahead_ms: 0,
            lag: Duration::ZERO,
            late: Time::EPOCH,
            tape: None,
            lost: false,
            memory: Memory::default(),
            line: Line::Down { retry: Time::EPOCH, attempt: 0 },
            user: (user.to_owned(), password.to_owned()),
            coordinator: HostIx(0),
            marker: Marker::default(),
            generation: 0,
            changed: None,
            asked: None,
            silent: None,
            hosts: Vec::new(),
        }
    }

    /// Our own clock.
    pub fn own(&self, world: &World) -> Time {
        Time::from_millis(world.now().as_millis().saturating_add(self.ahead_ms))
    }

    /// The session and where it is, if there is one.
    pub fn session(&self) -> Option<(HostIx, &Ref)> {
        match &self.line {
            Line::Up { at, session } => Some((*at, session)),
            Line::Down { .. } => None,
        }
    }

    /// When something falls due here next, by the pool's clock.
    pub fn next_due(&self, world: &World) -> Option<Time> {
        let told = self.changed.filter(|_| self.silent.is_none()).map(|at| (at + self.lag).max(self.late));
        let line = match &self.line {
            Line::Down { retry, .. } => Some(*retry),
            Line::Up { .. } => self.silent.map(|at| at + HANG),
        };
        let asks = self.asked.filter(|_| self.silent.is_none() && self.session().is_some()).map(|at| at + ASK_EVERY);
        [told, line, asks].into_iter().flatten().min().map(|at| at.max(world.now()))
    }

    /// Notes when the pool changed, also by what was done to it a moment ago: what is told later is told that much later than this.
    pub fn notice(&mut self, world: &World) {
        if self.session().is_some() && world.database().generation() != self.generation {
            self.changed.get_or_insert(world.now());
        }
    }

    /// Takes in what there is to see now. Whether anything was news.
    pub fn look(&mut self, world: &mut World) -> bool {
        let now = world.now();
        let mut news = self.mind_the_line(world);
        if let Line::Down { retry, .. } = self.line
            && retry <= now
        {
            news |= self.connect(world);
        }
        if self.session().is_some() && self.silent.is_none() {
            news |= self.follow(world);
        }
        news
    }

    /// Asks the hosts for their clocks, unless that was done lately.
    pub fn ask(&mut self, world: &mut World) {
        let now = world.now();
        if self.asked.is_some_and(|at| now.since(at) < ASK_EVERY) || self.silent.is_some() {
            return;
        }
        let Some((at, session)) = self.session().map(|(at, session)| (at, session.clone())) else { return };
        self.asked = Some(now);
        for host in self.hosts.clone() {
            let params = vec![Value::Ref(session.clone()), Value::Ref(host.clone())];
            let outcome = match world.call(at, Call { method: "host.get_servertime".into(), params }) {
                Reply::Done(Ok(Value::Date(clock))) => Outcome::Ok { clock: Some(clock) },
                Reply::Done(Ok(_)) => Outcome::Ok { clock: None },
                Reply::Done(Err(failure)) => Outcome::Failed { error: failure.to_string(), code: Some(failure.code) },
                Reply::Waiting(ticket) => {
                    world.forget(ticket);
                    Outcome::Failed { code: None, error: "no answer within 5 s".into() }
                }
            };
            self.say(world, Seen::Answer(Answer { host, via: Via::Servertime, took_ms: 2, outcome }));
        }
        if now >= self.late {
            let generation = Some(world.database().generation());
            self.say(world, Seen::Heard { generation: generation.filter(|_| self.changed.is_none()) });
        }
    }

    /// The generation of the database that was told last.
    pub const fn told(&self) -> u64 {
        self.generation
    }

    /// Takes in something that was seen now.
    pub fn say(&mut self, world: &World, seen: Seen) {
        let observation = Observation { at: self.own(world), seen };
        let found = self.memory.see(&observation).map(|rewind| Observation { at: observation.at, seen: Seen::WentBack(rewind) });
        for observation in std::iter::once(observation).chain(found) {
            self.pool.apply(&observation);
            if let Some(tape) = &mut self.tape {
                tape.push(observation);
            }
        }
    }

    /// Whether the connection broke.
    fn mind_the_line(&mut self, world: &World) -> bool {
        let now = world.now();
        let Line::Up { at, session } = &self.line else { return false };
        let why = match world.door(*at) {
            Door::Refused => "connection refused",
            Door::Silent => {
                let since = *self.silent.get_or_insert(now);
                if now.since(since) < HANG {
                    return false;
                }
                "no answer"
            }
            Door::Open if !world.database().exists(session) => "the session is gone",
            Door::Open => {
                self.silent = None;
                return false;
            }
        };
        self.break_off(world, why);
        true
    }

    /// The connection is gone; it will be tried again.
    pub fn break_off(&mut self, world: &World, why: &str) {
        self.silent = None;
        self.asked = None;
        self.changed = None;
        let retry = world.now() + Duration::from_secs(1);
        self.line = Line::Down { retry, attempt: 1 };
        let retry_at = Time::from_millis(retry.as_millis().saturating_add(self.ahead_ms));
        self.say(world, Seen::Link(Link::Lost { error: why.into(), retry_at, attempt: 1 }));
    }

    fn connect(&mut self, world: &mut World) -> bool {
        let addresses = world.addresses();
        let mut candidates: Vec<HostIx> = vec![self.coordinator];
        candidates.extend((0..addresses.len()).map(HostIx).filter(|h| *h != self.coordinator));
        let mut at = candidates.into_iter().find(|h| world.door(*h) == Door::Open);
        for _ in 0..2 {
            let Some(host) = at else { break };
            let params = vec![self.user.0.as_str().into(), self.user.1.as_str().into(), "2.20".into(), ORIGINATOR.into()];
            match world.call(host, Call { method: "session.login_with_password".into(), params }) {
                Reply::Done(Ok(Value::Ref(session))) => {
                    self.line = Line::Up { at: host, session };
                    self.coordinator = host;
                    self.read_all(world);
                    return true;
                }
                Reply::Done(Err(failure)) if failure.code == "HOST_IS_SLAVE" => {
                    let coordinator = failure.params.first().and_then(|to| addresses.iter().position(|a| a == to));
                    at = coordinator.map(HostIx).filter(|h| *h != host && world.door(*h) == Door::Open);
                }
                Reply::Waiting(ticket) => {
                    world.forget(ticket);
                    at = None;
                }
                Reply::Done(_) => at = None,
            }
        }
        let Line::Down { attempt, .. } = self.line else { return false };
        let wait = Duration::from_secs(1 << attempt.min(5)).min(RETRY_MOST);
        self.line = Line::Down { retry: world.now() + wait, attempt: attempt + 1 };
        false
    }

    /// A new connection: everything is read.
    fn read_all(&mut self, world: &World) {
        let coordinator = world.addresses().get(self.coordinator.0).cloned().unwrap_or_default();
        self.say(world, Seen::Link(Link::Live { coordinator }));
        self.marker = Marker::default();
        self.take(world, "connected");
        self.asked = None;
    }

    /// Changes since the last time, if it is time to tell them.
    fn follow(&mut self, world: &World) -> bool {
        let (now, db) = (world.now(), world.database());
        if db.generation() == self.generation {
            return false;
        }
        let since = *self.changed.get_or_insert(now);
        if now < self.late || now < since + self.lag {
            return false;
        }
        if std::mem::take(&mut self.lost) {
            self.marker = Marker::default();
        }
        self.take(world, "events were lost")
    }

    /// Whether a change is of the kind that comes all the time while all is well: a task that goes on, a host that tells how much memory it
    /// has. What follows from it is found when it is looked at the next time, which is soon.
    fn is_routine(&self, r: &Ref, new: Option<&Record>) -> bool {
        let old = |class: Class| self.pool.records().of_class(class, r);
        match new {
            Some(Record::Task(new)) => matches!(old(Class::Task), Some(Record::Task(old)) if old.status == new.status),
            Some(Record::HostMetrics(new)) => {
                matches!(old(Class::HostMetrics), Some(Record::HostMetrics(old)) if old.live == new.live)
            }
            _ => false,
        }
    }

    /// Takes in what changed. Whether anything did that may matter at once.
    fn take(&mut self, world: &World, why: &str) -> bool {
        let observed = world.observe(self.marker);
        self.changed = None;
        self.marker = observed.marker;
        let generation = world.database().generation();
        let back = generation < self.generation;
        self.generation = generation;
        let news = observed.whole || observed.changes.iter().any(|(_, r, record)| !self.is_routine(r, record.as_deref()));
        if back {
            self.say(world, Seen::Heard { generation: Some(generation) });
        }
        let classes: Vec<Class> = if observed.whole { Class::iter().collect() } else { Vec::new() };
        if observed.whole {
            self.hosts = world.database().all("host");
            self.say(world, Seen::Resync { classes: classes.clone(), why: why.into() });
        }
        for (class, r, record) in observed.changes {
            let seen = match record {
                Some(record) => Seen::Set { r#ref: r, record },
                None => Seen::Gone { class, r#ref: r },
            };
            self.say(world, seen);
        }
        if observed.whole {
            self.say(world, Seen::Synced { classes });
        }
        // As every answer of the feed says how far the database is.
        self.say(world, Seen::Heard { generation: Some(generation) });
        news
    }
}
