//! The tiny pool itself: what is there, what calls do to it, what is told of it.

use super::ME;
use crate::observation::{Answer, Link, Observation, Outcome as Heard, Seen, Via};
use crate::pool::Pool;
use crate::pool::glance::Glance;
use crate::rollout::call::{Call, Outcome};
use crate::rollout::claim;
use crate::rollout::entry::{Found, FoundHa};
use crate::rollout::look::{Blocker, Look, Metadata, Sight, State};
use crate::time::Time;
use crate::xenapi::record::{
    Class, Config, Date, Host, HostMetrics, HostOperation, Pbd, Pool as PoolRecord, Record, Ref, Sr, Task, TaskStatus, Vm,
};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use strum::IntoEnumIterator;

/// Which call, and what becomes of it.
pub type Scripted = (fn(&Call) -> bool, Say);

/// What becomes of the next call that fits.
#[derive(Clone, Debug)]
pub enum Say {
    /// Refused with this code.
    Refuse(&'static str),
    /// Refused with this code by its task.
    Fail(&'static str),
    /// Takes effect, and the answer is lost.
    LoseAnswer,
    /// Is lost on the way.
    LoseCall,
    /// Could not be sent.
    NotSent,
}

#[derive(Clone, Debug)]
pub struct SimHost {
    pub enabled: bool,
    pub live: bool,
    pub boot: i64,
    pub going: bool,
    pub plugged: bool,
    /// What happens next to it, and when.
    pub next: VecDeque<(Time, What)>,
    /// It does not come back from its next reboot.
    pub dies: bool,
    /// xapi does not enable it by itself.
    pub stays_disabled: bool,
    /// xapi does not plug its storage by itself.
    pub stays_unplugged: bool,
    pub mute: bool,
    /// Updates that it lacks.
    pub lacks: usize,
    pub reboots: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Gone,
    Live,
    Ready,
}

#[derive(Clone, Debug)]
pub struct SimGuest {
    pub on: Option<usize>,
    /// Why it cannot move.
    pub bound: Option<&'static str>,
}

pub struct World {
    pub now: Time,
    pub pool: Pool,
    pub hosts: Vec<SimHost>,
    pub guests: Vec<SimGuest>,
    pub other_config: BTreeMap<String, String>,
    pub ha: bool,
    pub tolerates: i64,
    pub wlb: bool,
    pub tasks: BTreeMap<Ref, (Call, Time, Option<&'static str>, bool)>,
    next_task: u32,
    pub calls: Vec<(Time, Call)>,
    /// Refusals on demand: the first that fits is used up.
    pub script: Vec<Scripted>,
    /// Rebuild after each return: how long, and how long it takes to begin.
    pub rebuild: Option<(u64, u64)>,
    rebuilds: Vec<(Time, Time, bool)>,
    /// How long after its boot the coordinator's toolstack last started, in seconds.
    pub toolstack: i64,
    pub linked: bool,
    /// Calls reach it, and it cannot be seen.
    pub blind: bool,
    /// It is heard, and its changes are not told yet.
    pub late: bool,
    pub faults: Vec<String>,
}

pub fn at(secs: i64) -> Time {
    Time::from_secs(1_800_000_000 + secs)
}

pub fn h(n: usize) -> Ref {
    Ref::from(format!("h{n}"))
}

pub fn g(n: usize) -> Ref {
    Ref::from(format!("g{n}"))
}

pub fn host_uuid(n: usize) -> String {
    format!("00000000-0000-0000-0000-{n:012}")
}

pub fn guest_uuid(n: usize) -> String {
    format!("11111111-0000-0000-0000-{n:012}")
}

impl World {
    /// Hosts `xcp0`… with this many guests each; `xcp0` coordinates.
    pub fn new(hosts: usize, guests: usize) -> Self {
        let host = SimHost {
            enabled: true,
            live: true,
            boot: 1_799_000_000,
            going: false,
            plugged: true,
            next: VecDeque::new(),
            dies: false,
            stays_disabled: false,
            stays_unplugged: false,
            mute: false,
            lacks: 0,
            reboots: 0,
        };
        let mut world = Self {
            now: at(0),
            pool: Pool::new("target"),
            hosts: vec![host; hosts],
            guests: (0..hosts * guests).map(|n| SimGuest { on: Some(n % hosts), bound: None }).collect(),
            other_config: BTreeMap::new(),
            ha: false,
            tolerates: 0,
            wlb: false,
            tasks: BTreeMap::new(),
            next_task: 0,
            calls: Vec::new(),
            script: Vec::new(),
            rebuild: None,
            rebuilds: Vec::new(),
            toolstack: 20,
            linked: false,
            blind: false,
            late: false,
            faults: Vec::new(),
        };
        world.connect();
        world
    }

    fn say(&mut self, seen: Seen) {
        self.pool.apply(&Observation { at: self.now, seen });
    }

    fn set(&mut self, r: Ref, record: Record) {
        self.say(Seen::Set { r#ref: r, record: record.into() });
    }

    pub fn connect(&mut self) {
        self.linked = true;
        self.say(Seen::Link(Link::Live { coordinator: "xcp0:443".into() }));
        self.say(Seen::Resync { classes: Class::iter().collect(), why: "first reading".into() });
        self.tell();
        self.say(Seen::Synced { classes: Class::iter().collect() });
        self.answers();
    }

    pub fn disconnect(&mut self) {
        self.linked = false;
        self.say(Seen::Link(Link::Lost { error: "connection refused".into(), retry_at: self.now, attempt: 1 }));
    }

    fn answers(&mut self) {
        for n in 0..self.hosts.len() {
            if self.hosts[n].live && !self.hosts[n].mute {
                let outcome = Heard::Ok { clock: None };
                self.say(Seen::Answer(Answer { host: h(n), via: Via::Servertime, took_ms: 5, outcome }));
            }
        }
    }

    pub fn host_record(&self, n: usize) -> Host {
        let host = &self.hosts[n];
        let mut current_operations = BTreeMap::new();
        if host.going {
            current_operations.insert(Ref::from("op"), HostOperation::Reboot);
        }
        let boot = format!("{}.", host.boot);
        let agent = format!("{}.", host.boot + if n == 0 { self.toolstack } else { 20 });
        Host {
            uuid: host_uuid(n).into(),
            name_label: format!("xcp{n}").into(),
            enabled: host.enabled,
            metrics: Ref::from(format!("m{n}")),
            current_operations,
            resident_vms: self.guests_on(n).into_iter().map(g).collect(),
            other_config: Config::from([("boot_time", &*boot), ("agent_start_time", &*agent)]),
            ha_statefiles: if self.ha { vec!["vdi".into()] } else { vec![] },
            ..Host::default()
        }
    }

    pub fn guests_on(&self, n: usize) -> Vec<usize> {
        self.guests.iter().enumerate().filter(|(_, g)| g.on == Some(n)).map(|(at, _)| at).collect()
    }

    fn pool_record(&self) -> PoolRecord {
        let mut config = serde_json::Map::new();
        for (k, v) in &self.other_config {
            config.insert(k.clone(), serde_json::json!(v));
        }
        PoolRecord {
            uuid: "pool".into(),
            name_label: "prod".into(),
            master: h(0),
            other_config: serde_json::from_value(serde_json::Value::Object(config)).expect("a map of texts"),
            ha_enabled: self.ha,
            ha_host_failures_to_tolerate: self.tolerates,
            ha_plan_exists_for: self.tolerates,
            ha_statefiles: if self.ha { vec!["vdi".into()] } else { vec![] },
            wlb_enabled: self.wlb,
            ..PoolRecord::default()
        }
    }

    fn metrics(&self, n: usize) -> HostMetrics {
        HostMetrics { live: self.hosts[n].live, memory_total: 64 << 30, memory_free: 16 << 30, ..HostMetrics::default() }
    }

    fn pbd(&self, n: usize) -> Pbd {
        Pbd { host: h(n), sr: Ref::from("sr"), currently_attached: self.hosts[n].plugged, ..Pbd::default() }
    }

    fn vm(&self, n: usize) -> Vm {
        let guest = &self.guests[n];
        Vm {
            uuid: guest_uuid(n).into(),
            name_label: format!("vm{n}").into(),
            power_state: if guest.on.is_some() { "Running" } else { "Halted" }.into(),
            resident_on: guest.on.map(h).unwrap_or_default(),
            memory_dynamic_max: 1 << 30,
            ..Vm::default()
        }
    }

    fn task_records(&self) -> Vec<(Ref, Task)> {
        let mut all: Vec<(Ref, Task)> = Vec::new();
        for (r, (_, ends, code, _)) in &self.tasks {
            let status = match code {
                _ if *ends > self.now => TaskStatus::Pending,
                Some(_) => TaskStatus::Failure,
                None => TaskStatus::Success,
            };
            let error_info = if status == TaskStatus::Failure { vec![(*code).unwrap_or_default().into()] } else { vec![] };
            all.push((r.clone(), Task { status, error_info, created: Date(Some(self.now)), ..Task::default() }));
        }
        for (n, (from, until, _)) in self.rebuilds.iter().enumerate() {
            if *from <= self.now && self.now < *until {
                let created = Date(Some(*from));
                let task = Task { name_label: "SR Recovering".into(), created, progress: 0.5, ..Task::default() };
                all.push((Ref::from(format!("rebuild{n}")), task));
            }
        }
        all
    }

    /// Tells everything as it is now.
    pub fn tell(&mut self) {
        if !self.linked || self.blind || self.late {
            return;
        }
        self.set(Ref::from("pool"), Record::Pool(self.pool_record()));
        let sr = Sr { name_label: "xostor".into(), shared: true, clustered: true, ..Sr::default() };
        self.set(Ref::from("sr"), Record::Sr(sr));
        for n in 0..self.hosts.len() {
            self.set(h(n), Record::Host(self.host_record(n)));
            self.set(Ref::from(format!("m{n}")), Record::HostMetrics(self.metrics(n)));
            self.set(Ref::from(format!("p{n}")), Record::Pbd(self.pbd(n)));
        }
        for n in 0..self.guests.len() {
            self.set(g(n), Record::Vm(self.vm(n)));
        }
        for (r, task) in self.task_records() {
            self.set(r, Record::Task(task));
        }
        for n in 0..self.rebuilds.len() {
            if self.rebuilds[n].1 <= self.now && !self.rebuilds[n].2 {
                self.rebuilds[n].2 = true;
                self.say(Seen::Gone { class: Class::Task, r#ref: Ref::from(format!("rebuild{n}")) });
            }
        }
    }

    /// Time passes.
    pub fn pass(&mut self, secs: u64) {
        for _ in 0..secs {
            self.now = self.now + Duration::from_secs(1);
            self.happen();
            if self.linked && !self.blind {
                self.say(Seen::Heard { generation: None });
                if self.now.as_millis() % 5_000 == 0 {
                    self.answers();
                }
            }
            self.tell();
        }
    }

    fn happen(&mut self) {
        for n in 0..self.hosts.len() {
            while let Some((_, what)) = self.hosts[n].next.front().copied().filter(|(at, _)| *at <= self.now) {
                self.hosts[n].next.pop_front();
                self.host_does(n, what);
            }
        }
        let due: Vec<Ref> = self.tasks.iter().filter(|(_, t)| t.1 <= self.now && !t.3).map(|(r, _)| r.clone()).collect();
        for r in due {
            let Some(task) = self.tasks.get_mut(&r) else { continue };
            task.3 = true;
            let (call, code) = (task.0.clone(), task.2);
            if code.is_none() {
                self.effect(&call);
            }
        }
    }

    fn host_does(&mut self, n: usize, what: What) {
        match what {
            What::Gone => {
                if !self.guests_on(n).is_empty() {
                    self.faults.push(format!("xcp{n} went down with guests"));
                }
                if self.hosts.iter().enumerate().any(|(o, other)| o != n && (!other.live || other.going)) {
                    self.faults.push(format!("xcp{n} went down while another host was away"));
                }
                if self.rebuilds.iter().any(|(from, until, _)| *from <= self.now && self.now < *until) {
                    self.faults.push(format!("xcp{n} went down during a rebuild"));
                }
                let host = &mut self.hosts[n];
                host.live = false;
                host.plugged = false;
                host.going = false;
                host.reboots += 1;
                let dies = host.dies;
                if n == 0 {
                    self.disconnect();
                }
                if !dies {
                    let (live, ready) = (self.now + Duration::from_secs(60), self.now + Duration::from_secs(75));
                    self.hosts[n].next.extend([(live, What::Live), (ready, What::Ready)]);
                }
            }
            What::Live => {
                let now = self.now.as_millis() / 1000;
                let host = &mut self.hosts[n];
                host.live = true;
                host.enabled = false;
                host.boot = now;
                if n == 0 {
                    self.connect();
                }
                if let Some((after, takes)) = self.rebuild {
                    let from = self.now + Duration::from_secs(after);
                    self.rebuilds.push((from, from + Duration::from_secs(takes), false));
                }
            }
            What::Ready => {
                let host = &mut self.hosts[n];
                host.plugged |= !host.stays_unplugged;
                host.enabled |= !host.stays_disabled && host.plugged;
            }
        }
    }

    fn target(&self, not: usize) -> Option<usize> {
        (0..self.hosts.len())
            .filter(|n| *n != not && self.hosts[*n].enabled && self.hosts[*n].live)
            .min_by_key(|n| self.guests_on(*n).len())
    }

    fn index(r: &Ref) -> usize {
        r.as_str().trim_start_matches(|c: char| c.is_alphabetic()).parse().expect("a number")
    }

    /// What a call changes.
    fn effect(&mut self, call: &Call) {
        match call {
            Call::Evacuate { host, .. } => {
                let n = Self::index(host);
                for guest in self.guests_on(n) {
                    if self.guests[guest].bound.is_none() {
                        self.guests[guest].on = self.target(n).or(Some(n));
                    }
                }
            }
            Call::Migrate { vm, to, .. } => self.guests[Self::index(vm)].on = Some(Self::index(to)),
            Call::ShutDown { vm } => self.guests[Self::index(vm)].on = None,
            Call::StartOn { vm, host } => self.guests[Self::index(vm)].on = Some(Self::index(host)),
            Call::Plug { pbd } => self.hosts[Self::index(pbd)].plugged = true,
            Call::Reboot { host } => {
                let n = Self::index(host);
                if self.hosts[n].going || !self.hosts[n].live {
                    self.faults.push(format!("xcp{n} was told to reboot twice"));
                }
                if self.hosts[n].enabled {
                    self.faults.push(format!("xcp{n} was told to reboot while it was enabled"));
                }
                self.hosts[n].going = true;
                let gone = self.now + Duration::from_secs(10);
                self.hosts[n].next.push_back((gone, What::Gone));
            }
            Call::XcpUpdate { host } | Call::ApplyUpdates { host, .. } | Call::ApplyPoolUpdate { host, .. } => {
                self.hosts[Self::index(host)].lacks = 0;
            }
            Call::Claim { value } => {
                self.other_config.insert(claim::KEY.into(), value.clone());
            }
            Call::Renew { at, text } => {
                self.other_config.insert(claim::RENEWED.into(), claim::renewal(*at, text));
            }
            Call::Unclaim => {
                self.other_config.remove(claim::KEY);
                self.other_config.remove(claim::RENEWED);
            }
            Call::DisableHa => self.ha = false,
            Call::EnableHa { .. } => self.ha = true,
            Call::SetTolerance { failures } => self.tolerates = *failures,
            Call::SetAutoPowerOn { on } => {
                self.other_config.insert("auto_poweron".into(), on.to_string());
            }
            Call::SetWlb { on } => self.wlb = *on,
            Call::Disable { host } => self.hosts[Self::index(host)].enabled = false,
            Call::Enable { host } => self.hosts[Self::index(host)].enabled = true,
            Call::Cancel { task } => {
                if let Some(task) = self.tasks.get_mut(task).filter(|t| !t.3) {
                    task.1 = self.now;
                    task.2 = Some("TASK_CANCELLED");
                }
            }
            Call::NoteCause { .. } => panic!("no round makes this: {call:?}"),
        }
    }

    fn takes(call: &Call) -> u64 {
        match call {
            Call::Evacuate { .. } | Call::XcpUpdate { .. } | Call::ApplyUpdates { .. } | Call::ApplyPoolUpdate { .. } => 20,
            Call::Migrate { .. } | Call::ShutDown { .. } => 5,
            _ => 1,
        }
    }

    /// A call reaches the pool. What it says to the caller: `Ok(task)`, or an outcome.
    pub fn reach(&mut self, call: &Call) -> Result<Ref, Outcome> {
        let failed = |code: &str| Outcome::Failed { code: code.into(), params: vec![], text: String::new() };
        let said = self.script.iter().position(|(fits, _)| fits(call)).map(|n| self.script.remove(n).1);
        if let Some(Say::NotSent) = said {
            return Err(Outcome::NotSent { text: "connection refused".into() });
        }
        if !self.linked {
            return Err(Outcome::Unanswered { text: "the connection is lost".into() });
        }
        let mine = self.other_config.get(claim::KEY).is_some_and(|c| c.contains(ME));
        if !mine && !matches!(call, Call::Claim { .. } | Call::Unclaim) {
            self.faults.push(format!("{call:?} without our claim"));
        }
        self.calls.push((self.now, call.clone()));
        match said {
            Some(Say::Refuse(code)) => return Err(failed(code)),
            Some(Say::LoseCall) => return Err(Outcome::Unanswered { text: "no answer".into() }),
            _ => {}
        }
        if let Call::Claim { .. } = call
            && self.other_config.contains_key(claim::KEY)
        {
            return Err(failed("MAP_DUPLICATE_KEY"));
        }
        if call.is_async() {
            let r = Ref::from(format!("t{}", self.next_task));
            self.next_task += 1;
            let code = if let Some(Say::Fail(code)) = said { Some(code) } else { None };
            let code = code.or_else(|| match call {
                Call::Migrate { vm, .. } => self.guests[Self::index(vm)].bound,
                _ => None,
            });
            self.tasks.insert(r.clone(), (call.clone(), self.now + Duration::from_secs(Self::takes(call)), code, false));
            if let Some(Say::LoseAnswer) = said {
                return Err(Outcome::Unanswered { text: "no answer".into() });
            }
            return Ok(r);
        }
        self.effect(call);
        match said {
            Some(Say::LoseAnswer) => Err(Outcome::Unanswered { text: "no answer".into() }),
            _ => Err(Outcome::Done { value: String::new() }),
        }
    }

    pub fn look(&self, look: &Look) -> Sight {
        if !self.linked {
            return Sight::Failed { code: None, text: "the connection is lost".into() };
        }
        match look {
            Look::State { host } => {
                let n = Self::index(host);
                Sight::State(Box::new(State {
                    pool: self.pool_record(),
                    hosts: (0..self.hosts.len()).map(|n| (h(n), self.host_record(n))).collect(),
                    metrics: (0..self.hosts.len()).map(|n| (Ref::from(format!("m{n}")), self.metrics(n))).collect(),
                    tasks: self.task_records().into_iter().collect(),
                    pbds: (0..self.hosts.len()).map(|n| (Ref::from(format!("p{n}")), self.pbd(n))).collect(),
                    guests: self.guests_on(n).into_iter().map(|v| (g(v), self.vm(v))).collect(),
                }))
            }
            Look::Blockers { host } => {
                let here = self.guests_on(Self::index(host));
                let bound = here.into_iter().filter_map(|v| Some((v, self.guests[v].bound?)));
                Sight::Blockers(bound.map(|(v, code)| Blocker { vm: g(v), code: code.into(), params: vec![] }).collect())
            }
            Look::Missing { host } => {
                Sight::Missing((0..self.hosts[Self::index(host)].lacks).map(|n| format!("package{n}")).collect())
            }
            Look::PoolUpdates => Sight::PoolUpdates(vec![]),
            Look::Updates => Sight::Updates(Metadata {
                hash: "hash".into(),
                hosts: self.hosts.iter().enumerate().map(|(n, host)| (h(n), (vec!["u".into(); host.lacks], vec![]))).collect(),
            }),
        }
    }

    /// The coordinator's toolstack starts again while nobody looks: what goes on in the storage is told by no task any more. Then somebody
    /// connects who has not seen this pool before.
    pub fn forgets(&mut self, restarted: bool) {
        self.rebuilds.clear();
        self.toolstack += if restarted { 600 } else { 0 };
        self.pool = Pool::new("target");
        self.connect();
    }

    /// A task is gone from the pool's records.
    pub fn forget(&mut self, task: &Ref) {
        self.say(Seen::Gone { class: Class::Task, r#ref: task.clone() });
    }

    pub fn picture(&self) -> Glance<'_> {
        self.pool.glance(self.now)
    }

    /// How the pool is found.
    pub fn found(&self) -> Found {
        let ha = FoundHa { srs: vec![Ref::from("sr")], configuration: BTreeMap::new(), tolerates: self.tolerates };
        Found {
            names: BTreeMap::new(),
            ha: self.ha.then_some(ha),
            auto_poweron: self.other_config.get("auto_poweron").is_some_and(|v| v == "true"),
            wlb: self.wlb,
            disabled: vec![],
            guests: self.guests.iter().enumerate().filter_map(|(n, guest)| Some((guest_uuid(n), host_uuid(guest.on?)))).collect(),
        }
    }

    /// How often a kind of call reached the pool.
    pub fn count(&self, fits: impl Fn(&Call) -> bool) -> usize {
        self.calls.iter().filter(|(_, c)| fits(c)).count()
    }
}
