//! A small pool for the tests of the model: told in a few words, turned into observations.

use super::Pool;
use super::picture::{GateState, HostView, Picture, Stage};
use crate::observation::{Answer, Link, Observation, Outcome, Seen, Via};
use crate::time::Time;
use crate::xenapi::record::{
    Class, Cluster, ClusterHost, Config, Date, Host, HostMetrics, HostOperation, Pbd, Pool as PoolRecord, Record, Ref, Sr, Task,
    Vm,
};
use strum::IntoEnumIterator;

/// Time of a scene: seconds since its start.
pub fn t(secs: f64) -> Time {
    Time::from_millis(1_800_000_000_000 + (secs * 1000.0) as i64)
}

/// A reference.
pub fn r(text: &str) -> Ref {
    Ref::from(text)
}

/// A pool with hosts `xcp1`… and one mirrored SR with a PBD on each, followed for as long as a test wants.
pub struct Scene {
    /// The model.
    pub pool: Pool,
    /// All observations so far.
    pub told: Vec<Observation>,
    /// Seconds since the start.
    pub now: f64,
    hosts: usize,
    /// Hosts that give no sign of life.
    pub mute: Vec<usize>,
}

impl Scene {
    /// `hosts` hosts, connected, read, and each heard once.
    pub fn new(hosts: usize) -> Self {
        Self::with(hosts, |_| {})
    }

    /// The same, where the first reading holds more than usual.
    pub fn with(hosts: usize, more: impl FnOnce(&mut Self)) -> Self {
        let mut s = Self { hosts, ..Self::empty() };
        s.say(Seen::Link(Link::Live { coordinator: "xcp1:443".into() }));
        s.say(Seen::Resync { classes: Class::iter().collect(), why: "first reading".into() });
        s.read_all();
        more(&mut s);
        s.say(Seen::Synced { classes: Class::iter().collect() });
        s.answers();
        s
    }

    /// Nothing has been seen yet.
    pub fn empty() -> Self {
        Self { pool: Pool::new("target"), told: Vec::new(), now: 0.0, hosts: 0, mute: Vec::new() }
    }

    /// Every record, as it is in the beginning.
    pub fn read_all(&mut self) {
        self.set("pool", Record::Pool(PoolRecord { name_label: "prod-a".into(), master: r("h1"), ..PoolRecord::default() }));
        self.set("sr", Record::Sr(Sr { name_label: "xostor".into(), shared: true, clustered: true, ..Sr::default() }));
        for n in 1..=self.hosts {
            self.set(&format!("h{n}"), Record::Host(host(n)));
            self.set(&format!("m{n}"), Record::HostMetrics(metrics(true)));
            self.set(&format!("p{n}"), Record::Pbd(pbd(n, true)));
        }
    }

    /// Something is seen now.
    pub fn say(&mut self, seen: Seen) {
        let o = Observation { at: t(self.now), seen };
        self.pool.apply(&o);
        self.told.push(o);
    }

    /// An object is as `record` says.
    pub fn set(&mut self, name: &str, record: Record) {
        self.say(Seen::Set { r#ref: r(name), record: record.into() });
    }

    /// An object is gone.
    pub fn gone(&mut self, class: Class, name: &str) {
        self.say(Seen::Gone { class, r#ref: r(name) });
    }

    /// Every host that is not mute answers.
    pub fn answers(&mut self) {
        for n in (1..=self.hosts).filter(|n| !self.mute.contains(n)).collect::<Vec<_>>() {
            self.answer(n, Ok(()));
        }
    }

    /// A host answers, or an error comes instead.
    pub fn answer(&mut self, n: usize, outcome: Result<(), &str>) {
        let outcome = match outcome {
            Ok(()) => Outcome::Ok { clock: None },
            Err(code) => Outcome::Failed { code: Some(code.into()), error: code.into() },
        };
        self.say(Seen::Answer(Answer { host: r(&format!("h{n}")), via: Via::Servertime, took_ms: 5, outcome }));
    }

    /// Time passes: the pool is heard and the hosts answer every 5 s.
    pub fn pass(&mut self, secs: f64) -> &mut Self {
        let end = self.now + secs;
        while self.now + 5.0 <= end {
            self.now += 5.0;
            self.say(Seen::Heard { generation: None });
            self.answers();
        }
        self.now = end;
        self
    }

    /// The picture now.
    pub fn picture(&self) -> Picture {
        self.pool.picture(t(self.now))
    }

    /// A host in the picture.
    pub fn host(&self, n: usize) -> HostView {
        self.picture().hosts.into_iter().find(|h| h.name == format!("xcp{n}")).expect("host")
    }

    /// What a host is doing.
    pub fn stage(&self, n: usize) -> Stage {
        self.host(n).state.stage
    }

    /// A host's gate and the code of its first reason.
    pub fn gate(&self, n: usize) -> (GateState, &'static str) {
        let gate = self.host(n).gate;
        (gate.state, gate.reasons.first().map_or("", |reason| reason.code))
    }

    /// The codes of all reasons of a host's gate.
    pub fn codes(&self, n: usize) -> Vec<&'static str> {
        self.host(n).gate.reasons.iter().map(|reason| reason.code).collect()
    }

    /// A host that is changed by `how`.
    pub fn host_is(&mut self, n: usize, how: impl FnOnce(&mut Host)) {
        let mut record = host(n);
        how(&mut record);
        self.set(&format!("h{n}"), Record::Host(record));
    }

    /// xapi's word on whether a host is live.
    pub fn live(&mut self, n: usize, live: bool) {
        self.set(&format!("m{n}"), Record::HostMetrics(metrics(live)));
    }

    /// A host reboots, from the call to being ready: 10 s, 60 s away, 10 s until it is enabled.
    pub fn reboot(&mut self, n: usize) {
        self.host_is(n, |h| h.enabled = false);
        self.pass(5.0);
        self.host_is(n, |h| {
            h.enabled = false;
            h.current_operations.insert(r("task"), HostOperation::Shutdown);
        });
        self.pass(10.0);
        self.mute.push(n);
        self.live(n, false);
        self.set(&format!("p{n}"), Record::Pbd(pbd(n, false)));
        self.pass(60.0);
        self.mute.retain(|m| *m != n);
        self.live(n, true);
        self.host_is(n, |h| h.enabled = false);
        self.pass(5.0);
        self.set(&format!("p{n}"), Record::Pbd(pbd(n, true)));
        self.pass(5.0);
        self.host_is(n, |_| {});
    }

    /// A rebuild task with this progress.
    pub fn rebuild(&mut self, progress: f64) {
        let task = Task {
            name_label: "SR Recovering".into(),
            name_description: "of its only mirrored SR".into(),
            created: Date(Some(t(self.now))),
            progress,
            ..Task::default()
        };
        self.set("rebuild", Record::Task(task));
    }

    /// A corosync cluster of all hosts; `dead` are enabled but not alive.
    pub fn cluster(&mut self, dead: &[usize]) {
        let count = |n: usize| i64::try_from(n).expect("few hosts");
        let live = count(self.hosts - dead.len());
        let quorum = count(self.hosts / 2 + 1);
        let cluster = Cluster {
            cluster_stack: "corosync".into(),
            is_quorate: Some(live >= quorum),
            quorum: Some(quorum),
            live_hosts: Some(live),
            ..Cluster::default()
        };
        self.set("c", Record::Cluster(cluster));
        for n in 1..=self.hosts {
            let member = ClusterHost {
                cluster: r("c"),
                host: r(&format!("h{n}")),
                enabled: true,
                joined: true,
                live: Some(!dead.contains(&n)),
                ..ClusterHost::default()
            };
            self.set(&format!("c{n}"), Record::ClusterHost(member));
        }
    }

    /// A guest that runs on a host.
    pub fn guest(&mut self, name: &str, n: usize) {
        let vm = Vm { name_label: name.into(), power_state: "Running".into(), resident_on: r(&format!("h{n}")), ..Vm::default() };
        self.set(name, Record::Vm(vm));
    }
}

/// Host `n` as it is in the beginning.
pub fn host(n: usize) -> Host {
    Host {
        uuid: format!("00000000-0000-0000-0000-{n:012}").into(),
        name_label: format!("xcp{n}").into(),
        enabled: true,
        metrics: r(&format!("m{n}")),
        software_version: Config::from([("product_brand", "XCP-ng"), ("product_version", "8.3.0"), ("xapi", "26.1")]),
        allowed_operations: vec![HostOperation::VmStart, HostOperation::Evacuate],
        other_config: Config::from([("boot_time", "1799990000."), ("agent_start_time", "1799991000.")]),
        ..Host::default()
    }
}

/// Metrics of a host.
pub fn metrics(live: bool) -> HostMetrics {
    HostMetrics { live, memory_total: 64 << 30, memory_free: 16 << 30, ..HostMetrics::default() }
}

/// The PBD of host `n` for the SR.
pub fn pbd(n: usize, attached: bool) -> Pbd {
    Pbd { host: r(&format!("h{n}")), sr: r("sr"), currently_attached: attached, ..Pbd::default() }
}
