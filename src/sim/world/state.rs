//! What is in a world: machines, guests, storage. The truth; beside it, marked so, what xapi believes of them.

use super::aftermath::Setup;
use super::fault::Cut;
use super::mirror::Mirror;
use super::ops::HostOp;
use super::rrd::History;
use super::versions::Version;
use crate::sim::api::Failure;
use crate::sim::scenario::Pinned;
use crate::sim::value::Value;
use crate::time::Time;
use crate::xenapi::record::Ref;
use std::sync::Arc;
use std::time::Duration;

/// How far a machine is. The order is the order of a boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// No power, or dead.
    Off,
    /// Firmware, Xen and dom0 start; nothing listens.
    Post,
    /// xapi restarts while everything else goes on.
    Toolstack,
    /// xapi answers, but has not said hello to the coordinator.
    Answering,
    /// Said hello; joins its cluster, plugs its PBDs.
    Joined,
    /// All there.
    Up,
}

/// A link of a host's network.
#[derive(Clone, Debug)]
pub struct Link {
    /// `eth0`, …
    pub device: String,
    /// Its `PIF_metrics`.
    pub metrics: Ref,
    /// Whether there is a carrier.
    pub up: bool,
}

/// A machine, and the host that xapi takes it for.
#[derive(Clone)]
pub struct Host {
    pub name: String,
    pub uuid: String,
    pub r: Ref,
    pub metrics: Ref,
    pub address: String,
    pub cpus: u32,
    /// Bytes.
    pub memory: u64,
    /// Bytes that Xen and dom0 take.
    pub overhead: u64,
    pub power_on_mode: String,
    pub links: Vec<Link>,
    pub bond: Option<Ref>,

    pub stage: Stage,
    /// Since when it is at this stage.
    pub since: Time,
    /// Counts deaths and boots: timers of an earlier life mean nothing.
    pub life: u32,
    /// It died without saying so.
    pub silent: bool,
    /// Its last end was not orderly; it notices when it boots.
    pub unclean: bool,
    pub cut: Option<Cut>,
    /// What becomes of it when it crashes.
    pub setup: Setup,
    /// Its side of a network that is split; 0: it is not.
    pub side: u8,
    /// It is no part of this pool but a pool of its own: it never joined, or was ejected.
    pub alone: Option<Box<super::World>>,
    /// How far its clock is from the true time.
    pub clock_ms: i64,
    /// When it booted, and when its xapi started.
    pub booted: Time,
    pub agent: Time,
    /// `pending_guidances`: what an update wants to follow; xapi does not enable it before.
    pub pending: Vec<String>,
    /// It is newer than its coordinator: xapi refuses to be part of the pool.
    pub too_new: bool,
    /// What holds its updater.
    pub updating: Option<&'static str>,
    /// `software_version` that it runs with, and that it boots with next.
    pub software: Arc<Value>,
    pub software_next: Arc<Value>,
    /// The same as numbers, of what it runs with.
    pub version: Version,
    /// Updates applied: shown as part of its version after the next boot.
    pub installed: u32,
    /// Updates it runs with.
    pub running: u32,
    /// Why the machine went away, and when; none once it is all there again.
    pub away: Option<super::truth::Away>,
    /// It is on its way down: boots again afterwards, or stays off.
    pub leaving: Option<Leaving>,
    /// Its storage node reaches the others.
    pub storage_up: bool,
    /// corosync runs on it.
    pub cluster_up: bool,
    pub history: History,

    /// Belief: `host.enabled`.
    pub enabled: bool,
    /// Someone disabled it: a restart of xapi does not enable it again, a reboot does unless told otherwise.
    pub disabled_by_user: bool,
    pub auto_enable: bool,
    /// Belief: `host_metrics.live`.
    pub live: bool,
    /// Belief: `host.current_operations`.
    pub current: Vec<(Ref, HostOp)>,
    /// When the coordinator last heard from it; `None` while it hears it all the time.
    pub heard: Option<Time>,
    /// Belief of the cluster: enabled, live.
    pub cluster: Option<ClusterMember>,
}

/// Why a host is on its way down.
#[derive(Clone, Debug)]
pub struct Leaving {
    pub boots_again: bool,
    /// The task that shows it in `current_operations`.
    pub task: Ref,
}

/// A host's `Cluster_host`.
#[derive(Clone, Debug)]
pub struct ClusterMember {
    pub r: Ref,
    pub enabled: bool,
    pub live: bool,
}

impl Host {
    /// Whether its operating system runs, and with it its guests.
    pub fn runs(&self) -> bool {
        self.stage >= Stage::Toolstack
    }

    /// Whether its xapi runs and is part of the pool.
    pub fn xapi_up(&self) -> bool {
        self.stage >= Stage::Joined
    }

    /// Whether it is part of this pool.
    pub fn member(&self) -> bool {
        self.alone.is_none()
    }

    /// Whether others reach its xapi.
    pub fn reachable(&self) -> bool {
        self.xapi_up() && self.cut.is_none()
    }
}

/// What a guest does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    Halted,
    Running,
    Paused,
}

impl Power {
    /// As in `VM.power_state`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Halted => "Halted",
            Self::Running => "Running",
            Self::Paused => "Paused",
        }
    }
}

/// A guest.
#[derive(Clone)]
pub struct Guest {
    pub name: Arc<str>,
    pub uuid: Arc<str>,
    pub r: Ref,
    /// Bytes with overhead.
    pub memory: u64,
    pub vcpus: u32,
    pub power: Power,
    /// Where xapi has it.
    pub on: Option<usize>,
    /// Where it is moving to.
    pub moving: Option<usize>,
    /// Its host died; xapi does not know yet.
    pub gone: bool,
    /// Operation under way: task and `VM.current_operations` value.
    pub busy: Option<(Ref, &'static str)>,
    pub pinned: Option<Pinned>,
    /// Why it cannot move, where only the answer is known (see `World::twin`).
    pub blocked: Option<Failure>,
    /// Number of its SR, and of its disk there if that is mirrored.
    pub sr: usize,
    pub disk: Option<usize>,
    /// Bytes a second that it writes.
    pub writes: u64,
    pub ha: String,
    /// `other_config:auto_poweron`: starts when a host has booted, if the pool says so too.
    pub autostart: bool,
}

impl Guest {
    /// Whether it takes memory where it is.
    pub fn is_active(&self) -> bool {
        self.power != Power::Halted
    }
}

/// A host's connection to an SR.
#[derive(Clone, Debug)]
pub struct Pbd {
    pub r: Ref,
    pub uuid: String,
    pub host: usize,
    pub attached: bool,
    /// Paths that work now, for each LUN of the SR.
    pub up: Vec<u8>,
    /// Where no path is left, its I/O ends in errors instead of waiting.
    pub errors: bool,
}

/// A LUN.
#[derive(Clone, Debug)]
pub struct Lun {
    pub scsi_id: String,
    pub paths: u8,
}

/// A storage repository.
#[derive(Clone)]
pub struct Store {
    pub name: String,
    pub uuid: String,
    pub r: Ref,
    pub kind: String,
    pub shared: bool,
    /// The host whose own SR it is.
    pub local: Option<usize>,
    pub luns: Vec<Lun>,
    pub pbds: Vec<Pbd>,
    pub mirror: Option<Mirror>,
    /// Belief: the task that shows a rebuild.
    pub rebuild: Option<Ref>,
    /// A poll of the backend is due; another is not needed.
    pub polling: bool,
}

/// Something that should never happen in a rollout: what it cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Harm {
    /// A running guest was lost with its host.
    GuestLost {
        /// Its name.
        vm: String,
        /// The host.
        host: String,
    },
    /// A guest that could not move was shut down because its host went down.
    GuestStopped {
        /// Its name.
        vm: String,
        /// The host.
        host: String,
    },
    /// A disk has no copy left that is up and in step.
    DiskLost {
        /// The SR.
        sr: String,
        /// The guest whose disk it is.
        vm: String,
    },
}

/// A duration from seconds as scenarios have them.
pub fn secs(seconds: f64) -> Duration {
    Duration::from_millis((seconds.max(0.0) * 1000.0) as u64)
}
