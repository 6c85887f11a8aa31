//! The world of the simulated pool: machines, guests, storage and networks on a virtual clock, and what xapi does
//! about them. It is the other half of [`super::front`], which knows sessions, events and generic calls.
//!
//! The physical truth (who has power, which path works, which copy is behind) is in typed structs; the database is what
//! xapi *believes*, which can be wrong: without HA a host that died silently stays `live` for ten minutes.
//!
//! Nothing here does I/O, reads a clock or starts a thread. The same scenario, options and calls always give the same
//! events.

mod activity;
mod adapt;
mod aftermath;
mod book;
mod build;
mod calls;
mod certificates;
mod cluster;
mod fault;
mod guests;
mod inject;
mod jobs;
mod liveness;
mod maintenance;
mod menu;
mod mirror;
mod mischief;
mod moving;
mod network;
mod o2cb;
mod observe;
mod ops;
mod paths;
mod power;
mod probe;
mod roster;
mod rrd;
mod serve;
mod stack;
mod state;
mod storage;
mod tell;
mod timer;
mod truth;
mod twin;
mod updates;
mod versions;
mod xhad;

pub use crate::sim::schema::Dialect;
pub use certificates::CertificateFacts;
pub use fault::{Action, Bug, Cut, FAULTS, Fault, FaultError, FaultKind, Hang, Loss};
pub use menu::Suggestion;
pub use observe::{Marker, Observed};
pub use state::Harm;
pub use truth::{Away, Cause, Condition, Deed, HostTruth, Truth};
pub use twin::{Assumed, TwinError};

use crate::sim::api::{Failure, Ticket};
use crate::sim::db::Db;
use crate::sim::front::{Front, Settings};
use crate::sim::scenario::{Activity, Boot, Scenario, Updates};
use crate::time::Time;
use crate::xenapi::record::Ref;
use activity::Director;
use cluster::Cluster;
use jobs::Running;
use liveness::Ha;
use power::{LastResort, Step};
use state::{Guest, Host, Store};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use timer::Timers;

/// What a world is built with beside its scenario.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Everything that happens by chance follows from it.
    pub seed: u64,
    /// The virtual time at the start.
    pub start: Time,
    /// Which API it speaks.
    pub dialect: Dialect,
    /// As shipped, the progress of `SR Recovering` stays 0; this lets it move all the same.
    pub shipped_progress: bool,
}

impl Options {
    /// The designed dialect, at a start.
    pub const fn new(seed: u64, start: Time) -> Self {
        Self { seed, start, dialect: Dialect::Designed, shipped_progress: false }
    }

    /// With another dialect.
    #[must_use]
    pub const fn speaking(self, dialect: Dialect) -> Self {
        Self { dialect, ..self }
    }
}

/// A simulated pool. Drive it through [`crate::sim::api::Api`]. A clone goes its own way from there on, and is cheap.
#[derive(Clone)]
pub struct World {
    core: Core,
    /// Stand-ins for the core's database and front while those are at work (see [`adapt`]).
    spare: (Db, Front),
}

/// What falls due.
#[derive(Clone, Copy, Debug)]
enum Due {
    /// Only to be awake then.
    Nothing,
    /// A step of a boot.
    Step { host: usize, life: u32, step: Step },
    /// A step of going down.
    Leave { host: usize, life: u32, step: LastResort },
    /// A host may have been silent for too long.
    Silent { host: usize },
    /// The same with HA.
    HaCheck { host: usize, life: u32 },
    /// HA needs a new coordinator.
    Elect,
    /// A host that was cut off tickles.
    Tickle { host: usize, life: u32 },
    /// The cluster's watcher looks.
    ClusterWatch,
    /// A node may start to resync.
    ResyncStart { store: usize, node: usize },
    /// A resync may have ended.
    ResyncEnd { store: usize, node: usize },
    /// xapi asks the storage backend.
    Poll { store: usize },
    /// A job.
    Job(u64),
    /// The multipath monitor speaks.
    PathAlert,
    /// An event of the scenario.
    Event(usize),
    /// The round of hosts.
    Director,
    /// Something goes on in a busy pool.
    Busy,
    /// Half of the time to write a heartbeat is over for somebody.
    O2cbHung,
    /// All of it is over for a region, if it was not armed again since.
    O2cbWrite { host: usize, region: usize, armed: Time },
    /// ocfs2 gives up on a volume whose I/O ends in errors, if that goes on.
    Ocfs2Panic { host: usize, since: Time },
    /// The others may call a host dead.
    O2cbSeen,
    /// The wait for a lost connection is over.
    O2cbQuorum,
    /// A host that is a pool of its own may be let in.
    Apart,
    /// A time-out of xhad may be over.
    Xhad,
    /// xapi writes down what xhad's live set says.
    HaPeers,
}

/// A call that will not go as it should.
#[derive(Clone, Debug)]
struct Trap {
    method: String,
    times: u32,
    how: How,
}

/// What happens to a trapped call.
#[derive(Clone, Debug)]
enum How {
    /// It fails, without effect.
    Fail(Failure),
    /// It has its effect, and no answer.
    Silence,
    /// It has its effect, and an error for an answer.
    Break(Failure),
}

/// What a world is made of.
struct Parts {
    db: Db,
    rng: fastrand::Rng,
    pool: Ref,
    pool_uuid: String,
    /// The first is the coordinator.
    hosts: Vec<Host>,
    stores: Vec<Store>,
    guests: Vec<Guest>,
    cluster: Option<Cluster>,
    ha: Ha,
    stacks: Vec<String>,
    boot: Boot,
    updates: Updates,
    activity: Activity,
    events: Vec<(Duration, Fault)>,
}

/// Everything in a world.
#[derive(Clone)]
struct Core {
    now: Time,
    seed: u64,
    rng: fastrand::Rng,
    dialect: Dialect,
    shipped_progress: bool,
    timers: Timers<Due>,
    db: Db,
    front: Front,

    pool: Ref,
    pool_uuid: String,
    coordinator: usize,
    hosts: Vec<Host>,
    guests: Vec<Guest>,
    stores: Vec<Store>,
    cluster: Option<Cluster>,
    has_cluster: bool,
    ha: Ha,
    /// Cluster stacks that are installed.
    stacks: Vec<String>,
    o2cb: Option<o2cb::O2cb>,
    boot: Boot,
    updates: Arc<Updates>,
    /// The hosts have the probe.
    probe: bool,
    /// The hosts' certificates, by position.
    certificates: Vec<CertificateFacts>,
    /// Where whoever watches the pool sits in a split network; 0: it is not split.
    seat: u8,
    /// What the world was built from; none for a twin.
    origin: Option<Arc<Scenario>>,
    /// Hosts that are pools of their own.
    apart: Vec<usize>,
    /// This world is such a host: what it wants of the other one.
    inner: bool,
    wish: Option<roster::Wish>,
    /// Calls at hosts that are pools of their own, and their tickets there.
    elsewhere: Vec<(Ticket, usize, Ticket)>,
    /// `pool.sync_updates` is at work.
    syncing: bool,

    jobs: BTreeMap<u64, Running>,
    job_count: u64,
    path_events: Vec<String>,
    alert_armed: bool,
    last_alert: Option<Time>,
    harms: Vec<(Time, Harm)>,
    deeds: Vec<Deed>,
    /// What happened, as far as hosts' logs and dumps tell of it.
    past: aftermath::Past,
    mischief: mischief::Mischief,

    activity: Activity,
    director: Option<Director>,
    events: Vec<(Duration, Fault)>,

    /// Counts starts of the coordinator's xapi and jumps of the database (see [`observe`]).
    epoch: u64,
    late_until: Time,
    traps: Vec<Trap>,
    held: Vec<serve::Held>,
    held_count: u64,
    /// Calls that wait for events: they are not answered while events are late.
    listening: BTreeSet<Ticket>,
}

impl World {
    /// Builds a world from a scenario.
    pub fn build(scenario: &Scenario, options: Options) -> Self {
        Self::with_settings(scenario, options, Settings::default())
    }

    /// The same, with other users or delays.
    pub fn with_settings(scenario: &Scenario, options: Options, settings: Settings) -> Self {
        let mut rng = fastrand::Rng::with_seed(options.seed ^ rrd::hash(&scenario.pool));
        let built = build::build(scenario, &options, &mut rng);
        let build::Builder { db, pool, pool_uuid, hosts, stores, guests, cluster, .. } = built;
        let timeout = Duration::from_secs(u64::from(scenario.ha.timeout_s.max(1)));
        let configuration = BTreeMap::new();
        let parts = Parts {
            db,
            rng,
            pool,
            pool_uuid,
            hosts,
            stores,
            guests,
            cluster,
            ha: Ha {
                on: false,
                timeout,
                configuration,
                tolerates: 0,
                statefile_sr: None,
                statefile: None,
                stack: String::new(),
                watches_statefile: scenario.ha.watch_statefile,
                lost: BTreeMap::new(),
                deaf: BTreeMap::new(),
                told: false,
            },
            stacks: scenario.cluster_stacks.clone(),
            boot: scenario.boot,
            updates: scenario.updates.clone(),
            activity: scenario.activity.clone(),
            events: Core::parse_events(&scenario.events),
        };
        let mut world = Self::assemble(parts, options, settings);
        let core = &mut world.core;
        core.probe = scenario.probe;
        core.origin = Some(Arc::new(scenario.clone()));
        for (host, spec) in scenario.hosts.iter().enumerate().filter(|(_, spec)| spec.outside) {
            core.set_apart(host, spec);
        }
        core.o2cb_begin();
        // Its members have long been in it.
        core.past = aftermath::Past::default();
        if scenario.ha.enabled {
            let chosen = core.choose_stack("").ok();
            let suited = chosen.and_then(|stack| Some((core.statefile_store(&stack)?, stack)));
            if let Some((store, stack)) = suited {
                // A scenario without a suitable SR simply has no HA.
                let configuration = BTreeMap::from([("timeout".to_owned(), timeout.as_secs().to_string())]);
                core.ha.tolerates = core.tolerable(None).min(1);
                let _ = core.enable_ha(store, timeout, configuration, &stack);
            }
        }
        core.begin_activity();
        world
    }

    /// A world of parts that fit, with everything that xapi knows of them written down.
    fn assemble(parts: Parts, options: Options, settings: Settings) -> Self {
        let Parts { mut db, rng, pool, pool_uuid, hosts, stores, guests, cluster, ha, stacks, boot, updates, activity, events } =
            parts;
        let front = Front::new(settings.clone());
        front.install(&mut db);
        let mut core = Core {
            now: options.start,
            seed: options.seed,
            rng,
            dialect: options.dialect,
            shipped_progress: options.shipped_progress,
            timers: Timers::default(),
            db,
            front,
            pool,
            pool_uuid,
            coordinator: 0,
            hosts,
            guests,
            stores,
            has_cluster: cluster.is_some(),
            cluster,
            ha,
            stacks,
            o2cb: None,
            boot,
            updates: Arc::new(updates),
            probe: false,
            certificates: Vec::new(),
            seat: 0,
            origin: None,
            apart: Vec::new(),
            inner: false,
            wish: None,
            elsewhere: Vec::new(),
            syncing: false,
            jobs: BTreeMap::new(),
            job_count: 0,
            path_events: Vec::new(),
            alert_armed: false,
            last_alert: None,
            harms: Vec::new(),
            deeds: Vec::new(),
            past: aftermath::Past::default(),
            mischief: mischief::Mischief::default(),
            activity,
            director: None,
            events,
            epoch: 1,
            late_until: Time::EPOCH,
            traps: Vec::new(),
            held: Vec::new(),
            held_count: 0,
            listening: BTreeSet::new(),
        };
        core.publish_everything();
        core.publish_mixed();
        for store in 0..core.stores.len() {
            if core.designed() {
                core.publish_backend(store);
            }
        }
        for host in 0..core.hosts.len() {
            core.note_load(host);
        }
        let spare = (Db::with_dialect(0, options.dialect), Front::new(settings));
        Self { core, spare }
    }

    /// Chance goes another way from here on: for clones that shall not all go the same.
    pub fn reseed(&mut self, seed: u64) {
        self.core.rng = fastrand::Rng::with_seed(seed);
    }

    /// Does a fault, or repairs one. What it did, in words.
    pub fn fault(&mut self, fault: Fault) -> Result<String, FaultError> {
        let said = self.core.inject(fault);
        self.core.grant_wishes();
        self.core.settle();
        said
    }

    /// What has been lost so far: running guests and disks without a good copy. Empty after an orderly rollout.
    pub fn harms(&self) -> &[(Time, Harm)] {
        &self.core.harms
    }

    /// What xapi believes: its database.
    pub fn database(&self) -> &Db {
        &self.core.db
    }

    /// The pool's name.
    pub fn pool_name(&self) -> &str {
        self.core.db.text(&self.core.pool, "name_label")
    }

    /// Names of the hosts, in order.
    pub fn host_names(&self) -> Vec<String> {
        self.core.hosts.iter().map(|h| h.name.clone()).collect()
    }
}

impl Core {
    fn designed(&self) -> bool {
        self.dialect == Dialect::Designed
    }

    /// Notes something that should not happen. Bounded.
    fn harm(&mut self, harm: Harm) {
        if self.harms.len() < 10_000 {
            self.harms.push((self.now, harm));
        }
    }

    /// Does everything that is due at `now` or before.
    fn run_due(&mut self) {
        while let Some((_, due)) = self.timers.pop(self.now) {
            self.handle(due);
        }
    }

    fn handle(&mut self, due: Due) {
        let alive = |core: &Self, host: usize, life: u32| core.hosts.get(host).is_some_and(|h| h.life == life);
        match due {
            Due::Step { host, life, step } if alive(self, host, life) => self.boot_step(host, step),
            Due::Leave { host, life, step } if alive(self, host, life) => self.go_down(host, step),
            Due::Silent { host } => self.check_silent(host),
            Due::HaCheck { host, life } => self.ha_check(host, life),
            Due::Elect => self.elect(),
            Due::Tickle { host, life } if alive(self, host, life) => self.heard_again(host),
            // Of an earlier life.
            Due::Nothing | Due::Step { .. } | Due::Leave { .. } | Due::Tickle { .. } => {}
            Due::ClusterWatch => self.cluster_update(),
            Due::ResyncStart { store, node } => self.resync_start(store, node),
            Due::ResyncEnd { store, node } => self.resync_end(store, node),
            Due::Poll { store } => self.poll(store),
            Due::Job(id) => self.job_due(id),
            Due::PathAlert => self.path_alert(),
            Due::Event(at) => self.event_due(at),
            Due::Director => self.direct(),
            Due::Busy => self.busy(),
            Due::O2cbHung => self.o2cb_hung(),
            Due::O2cbWrite { host, region, armed } => self.o2cb_write(host, region, armed),
            Due::Ocfs2Panic { host, since } => self.ocfs2_panic(host, since),
            Due::O2cbSeen => {
                self.o2cb_seen();
                self.o2cb_sync();
            }
            Due::O2cbQuorum => self.o2cb_quorum(),
            Due::Apart => self.advance_apart(),
            Due::Xhad => self.xhad_decide(),
            Due::HaPeers => self.xhad_monitor(),
        }
    }
}

#[cfg(test)]
mod tests;
