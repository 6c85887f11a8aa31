//! A tiny world, to test the server alone: a login, an echo, a call that waits, doors.

use poolwatch::sim::api::{Api, Call, Door, Failure, HostIx, Reply, RrdRequest, RrdUpdates, Ticket};
use poolwatch::sim::server::{Identity, PoolHandle, ServeOptions, SimHandle, Site, serve};
use poolwatch::sim::value::Value;
use poolwatch::time::Time;
use std::collections::{BTreeMap, BTreeSet};

pub const START: Time = Time::from_secs(1_800_000_000);

pub struct Fake {
    now: Time,
    pub doors: Vec<Door>,
    /// Doors that move by themselves: when, whose, what.
    pub plan: BTreeMap<Time, (usize, Door)>,
    sessions: BTreeSet<String>,
    waiting: BTreeMap<Ticket, (Time, String)>,
    pub forgotten: usize,
    pub calls: Vec<(usize, Call)>,
    next: u64,
}

impl Fake {
    pub fn new(hosts: usize) -> Self {
        Self {
            now: START,
            doors: vec![Door::Open; hosts],
            plan: BTreeMap::new(),
            sessions: BTreeSet::new(),
            waiting: BTreeMap::new(),
            forgotten: 0,
            calls: Vec::new(),
            next: 0,
        }
    }

    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn text(params: &[Value], at: usize) -> String {
        match params.get(at) {
            Some(Value::Str(text)) => text.to_string(),
            other => panic!("parameter {at} is {other:?}"),
        }
    }
}

impl Api for Fake {
    fn now(&self) -> Time {
        self.now
    }

    fn advance(&mut self, to: Time) {
        assert!(to >= self.now, "time went backwards");
        self.now = to;
        while let Some(entry) = self.plan.first_entry().filter(|entry| *entry.key() <= to) {
            let (host, door) = entry.remove();
            self.doors[host] = door;
        }
    }

    fn next_due(&self) -> Option<Time> {
        self.waiting.values().map(|(until, _)| *until).chain(self.plan.keys().copied()).filter(|due| *due > self.now).min()
    }

    fn addresses(&self) -> Vec<String> {
        (1..=self.doors.len()).map(|n| format!("127.0.0.{n}")).collect()
    }

    fn door(&self, host: HostIx) -> Door {
        self.doors[host.0]
    }

    fn call(&mut self, host: HostIx, call: Call) -> Reply {
        self.calls.push((host.0, call.clone()));
        let Call { method, params } = call;
        let done = match method.as_str() {
            "session.login_with_password" if host.0 > 0 => Err(Failure::new("HOST_IS_SLAVE", ["127.0.0.1"])),
            "session.login_with_password" if Self::text(&params, 1) == "poolwatch" => {
                self.next += 1;
                let session = format!("OpaqueRef:session-{}", self.next);
                self.sessions.insert(session.clone());
                Ok(session.into())
            }
            "session.login_with_password" => {
                Err(Failure::new("SESSION_AUTHENTICATION_FAILED", [Self::text(&params, 0), "Authentication failure".to_owned()]))
            }
            "session.logout" => {
                self.sessions.remove(&Self::text(&params, 0));
                Ok(Value::Void)
            }
            "session.get_uuid" if !self.sessions.contains(&Self::text(&params, 0)) => {
                Err(Failure::new("SESSION_INVALID", [Self::text(&params, 0)]))
            }
            "echo" => Ok(Value::Set(params)),
            "early" => Err(Failure { before_dispatch: true, ..Failure::bare("HOST_STILL_BOOTING") }),
            "now" => Ok(self.now.into()),
            "wait" => {
                let Some(Value::Float(seconds)) = params.get(1) else { panic!("wait(session, seconds)") };
                self.next += 1;
                let ticket = Ticket(self.next);
                let until = self.now + std::time::Duration::from_secs_f64(*seconds);
                self.waiting.insert(ticket, (until, Self::text(&params, 0)));
                return Reply::Waiting(ticket);
            }
            _ => Ok(Value::Void),
        };
        Reply::Done(done)
    }

    fn poll(&mut self, ticket: Ticket) -> Option<Result<Value, Failure>> {
        let (until, session) = self.waiting.get(&ticket)?;
        let answer = if !self.sessions.contains(session) {
            Err(Failure::new("SESSION_INVALID", [session.clone()]))
        } else if *until <= self.now {
            Ok("done".into())
        } else {
            return None;
        };
        self.waiting.remove(&ticket);
        Some(answer)
    }

    fn forget(&mut self, ticket: Ticket) {
        assert!(self.waiting.remove(&ticket).is_some(), "forgot what was not there");
        self.forgotten += 1;
    }

    fn rrd_updates(&mut self, host: HostIx, request: &RrdRequest) -> Option<RrdUpdates> {
        self.sessions.contains(&request.session).then(|| RrdUpdates {
            start: request.start,
            end: request.start + 5,
            step: 5,
            legend: vec![format!("AVERAGE:host:{}:cpu0", host.0)],
            rows: vec![(request.start + 5, vec![0.5])],
        })
    }
}

/// A served fake with so many hosts.
pub async fn served(hosts: usize, tls: bool, speed: f64) -> SimHandle<Fake> {
    let identities = (1..=hosts).map(|n| Identity::generate(&format!("xcp{n}")).unwrap()).collect();
    let site = Site { world: Fake::new(hosts), identities };
    serve(vec![site], &ServeOptions { tls, speed, ..ServeOptions::default() }).await.unwrap()
}

/// Waits until the world is as wanted.
pub async fn until(pool: &PoolHandle<Fake>, mut wanted: impl FnMut(&mut Fake) -> bool) {
    while !pool.with(&mut wanted) {
        tokio::task::yield_now().await;
    }
}
