//! A world made from a pool's own records, to rehearse on: the same objects with the same references, on a virtual clock.
//!
//! What records do not tell is assumed: which SR a guest's disk is on (the mirrored one, if there is one), how fast mirrors resync,
//! how long a boot takes, how long updates take to install. [`Assumed`] says what, and may be told better. What the pool
//! says of guests that cannot move (`get_vms_which_prevent_evacuation`) goes in as it is.

mod fields;

use super::jobs::{Job, Kind};
use super::liveness::Ha;
use super::mirror::Mirror;
use super::rrd::History;
use super::state::{ClusterMember, Guest, Host, Link, Lun, Pbd, Power, Stage, Store, secs};
use super::versions::Version;
use super::{Cluster, Core, Due, Options, Parts, World};
use crate::sim::api::Failure;
use crate::sim::db::Db;
use crate::sim::front::Settings;
use crate::sim::scenario::{Activity, Boot, Flow, Updates};
use crate::sim::value::Value;
use crate::xenapi::record::{self, Class, Record, Ref};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use strum::IntoEnumIterator;

const GIB: u64 = 1 << 30;

/// What a twin assumes beyond its pool's records.
#[derive(Clone, Debug)]
pub struct Assumed {
    /// How long a boot takes.
    pub boot: Boot,
    /// How long updates take to install on a host, in seconds.
    pub update_s: f64,
    /// MiB a second that a node resyncs with.
    pub resync_mib_s: f64,
    /// MiB a second that each guest writes to a mirrored disk.
    pub write_mib_s: f64,
    /// Guests that cannot move: xapi's code and its parameters.
    pub blocked: BTreeMap<Ref, (String, Vec<String>)>,
}

impl Default for Assumed {
    fn default() -> Self {
        // A server's firmware takes its time; the scenarios' machines are faster, for the sake of who watches.
        let boot = Boot { post_s: 240.0, ..Boot::default() };
        Self { boot, update_s: 180.0, resync_mib_s: 150.0, write_mib_s: 3.0, blocked: BTreeMap::new() }
    }
}

impl Assumed {
    /// What a prediction rests on that no pool tells, in words.
    pub fn words(&self) -> String {
        let minutes = |secs: f64| format!("{:.0} min", (secs / 60.0).ceil());
        let boot = self.boot.post_s + self.boot.hello_s + self.boot.pbd_s + self.boot.enable_s;
        format!(
            "Assumed, because a pool does not tell it: a host takes {} to boot and {} to install updates; mirrors resync with {:.0} MiB/s \
             while each guest writes {:.0} MiB/s.",
            minutes(boot),
            minutes(self.update_s),
            self.resync_mib_s,
            self.write_mib_s
        )
    }
}

/// Why there is no twin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TwinError {
    /// Not a whole pool.
    #[error("a twin needs the record of the pool, and it is not known yet; look again once the pool has been read")]
    NoPool,
    /// No coordinator among the hosts.
    #[error("the pool's coordinator is not among the {0} hosts that are known; look again once the pool has been read")]
    NoCoordinator(usize),
    /// It would have nobody to answer.
    #[error("the pool's coordinator is not live; there is nothing to rehearse before it is back")]
    CoordinatorDown,
}

/// Records by class.
struct Known(BTreeMap<Class, BTreeMap<Ref, Record>>);

impl Known {
    fn of(&self, class: Class) -> impl Iterator<Item = (&Ref, &Record)> {
        self.0.get(&class).into_iter().flatten()
    }
}

/// The records of one class as their own type.
macro_rules! typed {
    ($known:expr, $class:ident) => {
        $known.of(Class::$class).filter_map(|(r, record)| match record {
            Record::$class(inner) => Some((r, inner)),
            _ => None,
        })
    };
}

impl World {
    /// A world of these records. Later ones of the same object count.
    pub fn twin(
        records: impl IntoIterator<Item = (Ref, Record)>,
        options: Options,
        assumed: &Assumed,
    ) -> Result<Self, TwinError> {
        let mut all: BTreeMap<Class, BTreeMap<Ref, Record>> = BTreeMap::new();
        for (r, record) in records {
            all.entry(record.class()).or_default().insert(r, record);
        }
        let known = Known(all);
        let (pool_ref, pool) = typed!(known, Pool).next().ok_or(TwinError::NoPool)?;
        let (pool_ref, pool) = (pool_ref.clone(), pool.clone());
        let mut order: Vec<(&Ref, &record::Host)> = typed!(known, Host).collect();
        order.sort_by_key(|(r, h)| (**r != pool.master, h.name_label.clone()));
        if order.first().is_none_or(|(r, _)| **r != pool.master) {
            return Err(TwinError::NoCoordinator(order.len()));
        }
        let hosts: Vec<Host> = order.iter().map(|(r, h)| host(&known, r, h, options)).collect();
        if hosts.first().is_none_or(|h| !h.live) {
            return Err(TwinError::CoordinatorDown);
        }
        let db = database(&known, options);
        let mut stores = stores(&known, &hosts, assumed);
        let guests = guests(&known, &hosts, &mut stores, &pool, assumed);
        let flow = flow(hosts.first());
        let updates = Updates { flow, takes_s: assumed.update_s, ..Updates::default() };
        let cluster =
            typed!(known, Cluster).find(|(_, c)| &*c.cluster_stack != super::o2cb::STACK).map(|(r, _)| Cluster { r: r.clone() });
        let timeout = pool.ha_configuration.get("timeout").and_then(|t| t.parse().ok()).unwrap_or(60);
        let ha = Ha {
            on: pool.ha_enabled,
            timeout: Duration::from_secs(timeout),
            configuration: pool.ha_configuration.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
            tolerates: pool.ha_host_failures_to_tolerate,
            statefile_sr: stores.iter().position(|s| s.shared && s.kind.starts_with("lvmo")),
            stack: pool.ha_cluster_stack.to_string(),
            watches_statefile: false,
            lost: BTreeMap::new(),
            deaf: BTreeMap::new(),
            told: false,
            statefile: pool.ha_statefiles.first().filter(|_| pool.ha_enabled).map(|r| Ref::from(&**r)),
        };
        let mut world = Self::assemble(
            Parts {
                db,
                rng: fastrand::Rng::with_seed(options.seed),
                pool: pool_ref,
                pool_uuid: pool.uuid.to_string(),
                hosts,
                stores,
                guests,
                cluster,
                ha,
                stacks: crate::sim::scenario::default_stacks(),
                boot: assumed.boot,
                updates,
                activity: Activity::default(),
                events: Vec::new(),
            },
            options,
            Settings::default(),
        );
        world.core.take_over_what_was_going_on();
        Ok(world)
    }
}

impl Core {
    /// Rebuilds and tasks that were under way go on; what nobody knows the end of ends after a while.
    fn take_over_what_was_going_on(&mut self) {
        if let (Some(vdi), Some(sr)) = (self.ha.statefile.clone(), self.ha.statefile_sr.and_then(|s| self.stores.get(s))) {
            let fields = [("name_label", "Statefile for HA".into()), ("SR", (&sr.r).into()), ("type", "ha_statefile".into())];
            self.db.create_with_ref("VDI", &vdi, &fields);
        }
        let pending = |core: &Self, t: &Ref| matches!(core.db.text(t, "status"), "pending" | "cancelling");
        let tasks: Vec<Ref> = self.db.all("task").into_iter().filter(|t| pending(self, t)).collect();
        for task in tasks {
            let sr = Ref::from(self.db.text(&task, "name_description"));
            let rebuild = self.db.text(&task, "name_label") == "SR Recovering";
            let store = self.stores.iter().position(|s| s.r == sr && s.mirror.is_some()).filter(|_| rebuild);
            let Some(at) = store else {
                self.start_job(Job::client(task), Kind::Answer(Ok(Value::Void)), Duration::from_secs(120));
                continue;
            };
            let now = self.now;
            if let Some(store) = self.stores.get_mut(at) {
                store.rebuild = Some(task);
                if let Some(mirror) = &mut store.mirror {
                    mirror.add_extra(0, mirror.bandwidth * 180);
                    mirror.start(0, now);
                }
            }
            self.arm_resyncs(at);
            self.timers.set(now + Duration::from_secs(1), Due::Poll { store: at });
        }
        let dead = self.hosts.iter().enumerate().filter(|(_, h)| h.stage == Stage::Off).map(|(at, _)| at);
        for host in dead.collect::<Vec<_>>() {
            let now = self.now;
            for mirror in self.stores.iter_mut().filter_map(|s| s.mirror.as_mut()) {
                if let Some(node) = mirror.node_of(host) {
                    mirror.node_down(node, now);
                }
            }
        }
        self.refresh_all_ops();
    }
}

fn database(known: &Known, options: Options) -> Db {
    let mut db = Db::with_dialect(options.seed ^ 0x7477_696e, options.dialect);
    // Networks first: their PIFs are listed in them as they come.
    for class in std::iter::once(Class::Network).chain(Class::iter().filter(|class| *class != Class::Network)) {
        for (r, record) in known.of(class) {
            let fields = fields::of(record);
            if !fields.is_empty() {
                db.create_with_ref(class.call_name(), r, &fields);
            }
        }
    }
    // Sets that follow could not while what they are in was not there yet.
    for (r, pif) in typed!(known, Pif) {
        db.set(r, "bond_slave_of", &pif.bond_slave_of);
        if !pif.network.is_null() && !db.exists(&pif.network) {
            db.create_with_ref("network", &pif.network, &[("name_label", format!("Network of {}", pif.device).into())]);
        }
        db.set(r, "network", &pif.network);
    }
    db
}

fn host(known: &Known, r: &Ref, h: &record::Host, options: Options) -> Host {
    let metrics = typed!(known, HostMetrics).find(|(m, _)| **m == h.metrics).map(|(_, m)| m);
    let live = metrics.is_some_and(|m| m.live);
    let resident = || typed!(known, Vm).filter(|(_, v)| v.resident_on == *r);
    let dom0: u64 = resident().filter(|(_, v)| v.is_control_domain).map(|(_, v)| v.memory_dynamic_max).sum();
    let used: u64 = resident().filter(|(_, v)| v.is_active_guest()).map(|(_, v)| v.memory_dynamic_max + v.memory_overhead).sum();
    let overhead = h.memory_overhead + dom0;
    let memory = metrics.map_or(0, |m| m.memory_total).max(used + overhead);
    let software = Arc::new(super::book::text_map(h.software_version.iter()));
    let mut links: Vec<Link> = typed!(known, Pif)
        .filter(|(_, p)| p.host == *r && p.physical)
        .map(|(_, p)| {
            let carrier = typed!(known, PifMetrics).find(|(m, _)| **m == p.metrics).is_none_or(|(_, m)| m.carrier);
            Link { device: p.device.to_string(), metrics: p.metrics.clone(), up: carrier }
        })
        .collect();
    links.sort_by(|a, b| a.device.cmp(&b.device));
    let mine = |bond: &record::Bond| typed!(known, Pif).any(|(p, pif)| *p == bond.master && pif.host == *r);
    let bond = typed!(known, Bond).find(|(_, b)| mine(b)).map(|(bond, _)| bond.clone());
    let member = typed!(known, ClusterHost).find(|(_, c)| c.host == *r).map(|(c, one)| ClusterMember {
        r: c.clone(),
        enabled: one.enabled,
        live: one.live.unwrap_or(one.enabled),
    });
    let long_ago = options.start - Duration::from_secs(30 * 86_400);
    let booted = h.boot_time().unwrap_or(long_ago);
    Host {
        name: h.name_label.to_string(),
        uuid: h.uuid.to_string(),
        r: r.clone(),
        metrics: h.metrics.clone(),
        address: h.address.to_string(),
        cpus: 16,
        memory,
        overhead,
        power_on_mode: String::new(),
        links,
        bond,
        stage: if live { Stage::Up } else { Stage::Off },
        since: booted,
        life: 0,
        silent: !live,
        unclean: false,
        cut: None,
        setup: super::aftermath::Setup::default(),
        side: 0,
        alone: None,
        clock_ms: 0,
        booted,
        agent: h.agent_start_time().unwrap_or(booted),
        pending: h.pending_guidances.iter().map(ToString::to_string).collect(),
        too_new: false,
        updating: None,
        version: Version::of(&software),
        software_next: Arc::clone(&software),
        software,
        installed: 0,
        running: 0,
        away: (!live).then_some(super::Away { since: options.start, cause: super::Cause::Fault }),
        leaving: None,
        storage_up: live,
        cluster_up: live && member.is_some(),
        history: History::default(),
        enabled: h.enabled,
        disabled_by_user: !h.enabled,
        auto_enable: true,
        live,
        current: Vec::new(),
        heard: None,
        cluster: member,
    }
}

/// Paths of a LUN, `[2, 4]` as SM writes it: up, and all.
fn paths(text: &str) -> Option<(u8, u8)> {
    let (up, all) = text.trim_matches(['[', ']']).split_once(',')?;
    Some((up.trim().parse().ok()?, all.trim().parse().ok()?))
}

fn stores(known: &Known, hosts: &[Host], assumed: &Assumed) -> Vec<Store> {
    typed!(known, Sr)
        .map(|(r, sr)| {
            let mine = || typed!(known, Pbd).filter(|(_, p)| p.sr == *r);
            let mut luns: BTreeMap<String, u8> = BTreeMap::new();
            for (_, pbd) in mine() {
                for (key, value) in pbd.other_config.iter() {
                    if let (Some(id), Some((_, all))) = (key.strip_prefix("mpath-"), paths(value)) {
                        let most = luns.entry(id.to_owned()).or_default();
                        *most = all.max(*most);
                    }
                }
            }
            let pbds: Vec<Pbd> = mine()
                .filter_map(|(p, pbd)| {
                    let host = hosts.iter().position(|h| h.r == pbd.host)?;
                    let up = |id: &String| pbd.other_config.get(&format!("mpath-{id}")).and_then(paths).map_or(0, |(up, _)| up);
                    Some(Pbd {
                        r: p.clone(),
                        uuid: pbd.uuid.to_string(),
                        host,
                        attached: pbd.currently_attached && hosts.get(host).is_some_and(|h| h.live),
                        up: luns.keys().map(up).collect(),
                        errors: false,
                    })
                })
                .collect();
            let mirrored = (sr.clustered || &*sr.r#type == "linstor") && pbds.len() > 1;
            let mirror = mirrored.then(|| {
                let nodes = pbds.iter().map(|p| (hosts.get(p.host).map(|h| h.name.clone()).unwrap_or_default(), Some(p.host)));
                Mirror::new(nodes.collect(), (assumed.resync_mib_s * 1_048_576.0) as u64, secs(6.0))
            });
            let iso = &*sr.content_type == "iso" && &*sr.r#type != "udev";
            Store {
                name: sr.name_label.to_string(),
                uuid: sr.uuid.to_string(),
                r: r.clone(),
                kind: if iso { "iso".to_owned() } else { sr.r#type.to_string() },
                shared: sr.shared,
                local: (!sr.shared).then(|| pbds.first().map(|p| p.host)).flatten(),
                luns: luns.into_iter().map(|(scsi_id, paths)| Lun { scsi_id, paths }).collect(),
                pbds,
                mirror,
                rebuild: None,
                polling: false,
            }
        })
        .collect()
}

fn guests(known: &Known, hosts: &[Host], stores: &mut [Store], pool: &record::Pool, assumed: &Assumed) -> Vec<Guest> {
    let shared = |s: &Store| s.shared && s.kind != "iso";
    let usual = stores
        .iter()
        .position(|s| s.mirror.is_some())
        .or_else(|| stores.iter().position(|s| s.r == pool.default_sr && shared(s)))
        .or_else(|| stores.iter().position(shared));
    let mut guests = Vec::new();
    for (r, v) in typed!(known, Vm).filter(|(_, v)| !v.is_control_domain && !v.is_a_template && !v.is_a_snapshot) {
        let power = match &*v.power_state {
            "Running" => Power::Running,
            "Paused" => Power::Paused,
            "Halted" => Power::Halted,
            // It is in the database; nothing happens to it.
            _ => continue,
        };
        let on = hosts.iter().position(|h| h.r == v.resident_on).filter(|_| power != Power::Halted);
        let power = if on.is_some() { power } else { Power::Halted };
        let local =
            || stores.iter().position(|s| s.local.is_some() && s.local == on && !matches!(s.kind.as_str(), "iso" | "udev"));
        let sr = usual.or_else(local).unwrap_or(0);
        let writes = (assumed.write_mib_s * 1_048_576.0) as u64;
        let rate = if power == Power::Running { writes } else { 0 };
        let disk = stores.get_mut(sr).and_then(|s| s.mirror.as_mut()).map(|m| m.add_disk(40 * GIB, rate));
        guests.push(Guest {
            name: v.name_label.as_ref().into(),
            uuid: v.uuid.as_ref().into(),
            r: r.clone(),
            memory: v.memory_dynamic_max + v.memory_overhead,
            vcpus: 2,
            power,
            on,
            moving: None,
            gone: on.is_some_and(|h| hosts.get(h).is_some_and(|h| !h.live)),
            busy: None,
            pinned: None,
            blocked: assumed.blocked.get(r).map(|(code, params)| Failure::new(code, params.iter().cloned())),
            sr,
            disk,
            writes,
            ha: v.ha_restart_priority.to_string(),
            autostart: power == Power::Running,
        });
    }
    guests
}

/// How a pool of this version installs updates.
fn flow(coordinator: Option<&Host>) -> Flow {
    let Some(h) = coordinator else { return Flow::None };
    let text = |key: &str| match &*h.software {
        Value::Map(map) => map.get(key).and_then(|v| if let Value::Str(text) = v { Some(&**text) } else { None }).unwrap_or(""),
        _ => "",
    };
    if text("product_brand").eq_ignore_ascii_case("XCP-ng") {
        return Flow::XcpNg;
    }
    let product: u32 = text("product_version").split('.').next().and_then(|n| n.parse().ok()).unwrap_or(8);
    if product >= 8 { Flow::Xenserver } else { Flow::PoolUpdate }
}
