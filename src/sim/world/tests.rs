//! Rules of the world, trigger by trigger, through the border that servers and clients use.

mod bench;
mod chaos;
mod cost;
mod cycle;
mod evacuation;
mod faults;
mod fences;
mod liveness;
mod mischief;
mod observing;
mod probing;
mod rebuild;
mod serving;
mod split;
mod stacks;
mod storage;
mod twin;
mod updates;
mod versions;
mod walkthrough;

use super::*;
use crate::sim::api::{Api, Call, HostIx, Reply, Ticket};
use crate::sim::scenario::{Overrides, load};
use crate::sim::value::Value;

/// 2026-11-21T00:00:00Z
pub(super) const START: Time = Time::from_secs(1_795_219_200);

pub(super) const PLAIN: &str = r#"
title = "four hosts"
pool = "test"
cluster = true
fill = { running = 16, halted = 2 }
boot = { shutdown_delay_s = 10, post_s = 30, hello_s = 5, cluster_s = 3, pbd_s = 1, enable_s = 2, toolstack_s = 12 }
[[hosts]]
name = "a"
power_on_mode = "IPMI"
[[hosts]]
name = "b"
power_on_mode = "IPMI"
[[hosts]]
name = "c"
[[hosts]]
name = "d"
[[srs]]
name = "mirrored"
kind = "linstor"
mirror = { resync_mib_s = 100.0, write_mib_s = 20.0, start_s = 6.0 }
[[srs]]
name = "san"
kind = "lvmoiscsi"
luns = [{ scsi_id = "lun1", paths = 4 }, { scsi_id = "lun2", paths = 2 }]
"#;

/// A world with a client that has logged in.
pub(super) struct Rig {
    pub world: World,
    pub session: Value,
}

impl Rig {
    pub fn new(dialect: Dialect) -> Self {
        Self::of(PLAIN, dialect)
    }

    pub fn of(text: &str, dialect: Dialect) -> Self {
        let scenario = Scenario::from_toml("test", text).unwrap();
        Self::with(World::build(&scenario, Options::new(1, START).speaking(dialect)))
    }

    pub fn named(name: &str, dialect: Dialect, overrides: Overrides) -> Self {
        let scenario = &load(name, overrides).unwrap()[0];
        Self::with(World::build(scenario, Options::new(1, START).speaking(dialect)))
    }

    fn with(world: World) -> Self {
        let mut rig = Self { world, session: Value::Void };
        rig.login();
        rig
    }

    pub fn login(&mut self) {
        let at = HostIx(self.world.core.coordinator);
        let call = Call { method: "session.login_with_password".into(), params: vec!["root".into(), "poolwatch".into()] };
        match self.world.call(at, call) {
            Reply::Done(Ok(session)) => self.session = session,
            other => panic!("{other:?}"),
        }
    }

    /// A call to the coordinator.
    pub fn ask(&mut self, method: &str, args: impl IntoIterator<Item = Value>) -> Reply {
        let at = HostIx(self.world.core.coordinator);
        let params = std::iter::once(self.session.clone()).chain(args).collect();
        self.world.call(at, Call { method: method.into(), params })
    }

    /// The same, waiting for the answer up to an hour.
    pub fn call(&mut self, method: &str, args: impl IntoIterator<Item = Value>) -> Result<Value, Failure> {
        match self.ask(method, args) {
            Reply::Done(result) => result,
            Reply::Waiting(ticket) => self.wait_for(ticket, 3600),
        }
    }

    pub fn wait_for(&mut self, ticket: Ticket, limit: i64) -> Result<Value, Failure> {
        let end = self.world.now() + Duration::from_secs(limit.unsigned_abs());
        while self.world.now() < end {
            if let Some(result) = self.world.poll(ticket) {
                return result;
            }
            self.world.advance(self.world.now() + Duration::from_millis(100));
        }
        panic!("no answer within {limit} s");
    }

    pub fn run(&mut self, secs: f64) {
        let to = self.world.now() + state::secs(secs);
        self.world.advance(to);
    }

    /// Lets time pass until something is so; how many seconds that took.
    pub fn until(&mut self, limit: u32, what: &str, done: impl Fn(&Self) -> bool) -> f64 {
        let began = self.world.now();
        for _ in 0..limit * 4 {
            if done(self) {
                return self.world.now().since(began).as_secs_f64();
            }
            self.run(0.25);
        }
        panic!("not within {limit} s: {what}");
    }

    pub fn fault(&mut self, text: &str) -> String {
        self.world.fault(text.parse().unwrap()).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    pub fn db(&self) -> &Db {
        self.world.database()
    }

    /// A host's reference by name.
    pub fn host(&self, name: &str) -> Ref {
        self.db().find("host", "name_label", &name.into()).unwrap()
    }

    pub fn ops(&self, host: &str) -> Vec<String> {
        let r = self.host(host);
        self.db()
            .set_of(&r, "allowed_operations")
            .iter()
            .map(|v| if let Value::Str(s) = v { s.to_string() } else { String::new() })
            .collect()
    }

    pub fn may_reboot(&self, host: &str) -> bool {
        self.ops(host).iter().any(|o| o == "reboot")
    }

    pub fn live(&self, host: &str) -> bool {
        self.db().boolean(&self.db().reference(&self.host(host), "metrics"), "live")
    }

    /// Whether a host is all there.
    pub fn up(&self, host: &str) -> bool {
        let h = self.world.core.hosts.iter().find(|h| h.name == host).unwrap();
        h.stage == state::Stage::Up && self.enabled(host) && self.live(host)
    }

    pub fn enabled(&self, host: &str) -> bool {
        self.db().boolean(&self.host(host), "enabled")
    }

    /// `host.<name>(host)`.
    pub fn on(&mut self, method: &str, host: &str) -> Result<Value, Failure> {
        let r = self.host(host);
        self.call(&format!("host.{method}"), [Value::Ref(r)])
    }

    pub fn task(&self, name: &str) -> Option<Ref> {
        self.db()
            .refs_of("task")
            .find(|t| self.db().text(t, "name_label") == name && self.db().text(t, "status") == "pending")
            .cloned()
    }

    pub fn messages(&self, name: &str) -> Vec<String> {
        self.db()
            .refs_of("message")
            .filter(|m| self.db().text(m, "name") == name)
            .map(|m| self.db().text(m, "body").to_owned())
            .collect()
    }

    pub fn guests_of(&self, host: &str) -> usize {
        self.db().refs(&self.host(host), "resident_VMs").iter().filter(|v| !self.db().boolean(v, "is_control_domain")).count()
    }

    /// Things that must be so at any time.
    pub fn check_invariants(&self) {
        let core = &self.world.core;
        for (at, h) in core.hosts.iter().enumerate() {
            let used: u64 = core.guests.iter().filter(|g| g.on == Some(at) && g.is_active()).map(|g| g.memory).sum();
            assert!(used + h.overhead <= h.memory, "{} has promised more memory than it has", h.name);
            for vm in self.db().refs(&h.r, "resident_VMs") {
                assert_eq!(self.db().reference(&vm, "resident_on"), h.r, "a guest is where its host has it");
            }
        }
        for g in &core.guests {
            assert_eq!(g.on.is_some(), g.is_active(), "{} is somewhere exactly when it runs", g.name);
        }
    }
}

impl Core {
    pub fn harmed(&self, wanted: impl Fn(&Harm) -> bool) -> bool {
        self.harms.iter().any(|(_, harm)| wanted(harm))
    }
}

pub(super) fn code(result: Result<Value, Failure>) -> String {
    match result {
        Ok(_) => "ok".into(),
        Err(failure) => failure.code,
    }
}
