//! The fence margin: how long until o2cb stops a host, if nothing changes, and why.
//!
//! [`Watch`] takes readings of as many hosts as are seen ([`super::live::Live`]) and gives each host's [`Margin`]. One
//! reading of one host is enough for an answer; more hosts and earlier readings make it surer (see [`Sure`]). Pure: no
//! clock, no I/O; times come in. Never says that a host is safe because it cannot see: then the level is `unknown`.
//!
//! The rules are those of linux 6.1 `fs/ocfs2/cluster`; what was seen of them in real kernels is in `docs/probe.md`.

mod differ;
mod disk;
mod net;
#[cfg(test)]
mod tests;
mod watch;
mod wheel;
mod words;

pub use differ::{Difference, differences};
pub use watch::{STALE_MS, Watch, names};
pub use wheel::{Fires, Wheel};

use super::live::FenceMethod;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A heartbeat is written every 2 s (`O2HB_REGION_TIMEOUT_MS`).
pub const BEAT_MS: i64 = 2_000;

/// How near a fence is, for the eye.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Nothing is late.
    Green,
    /// Cannot tell.
    Unknown,
    /// Something is late or lost: a quarter of a deadline is gone, or the next loss fences.
    Amber,
    /// Half of a deadline is gone.
    Red,
}

/// Is a fence certain, if nothing changes?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sure {
    /// Yes, by all that is known.
    Yes,
    /// Unless this, which could not be seen, is so.
    Unless(String),
}

/// Why the margin is what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reason {
    /// Heartbeats are written. The margin is what would be left if they stopped now.
    Beating,
    /// o2cb is not running here, or the node takes no part: it does not fence.
    NotHeartbeating,
    /// No heartbeat was ever written to any region, so no deadline runs yet.
    NeverArmed,
    /// The heartbeat cannot be written.
    Disk {
        /// The region that decides, by its UUID.
        region: String,
        /// Its device, if known.
        device: Option<String>,
        /// Milliseconds since its last heartbeat.
        elapsed_ms: i64,
        /// Milliseconds that are allowed.
        budget_ms: i64,
        /// Regions of the quorum that were given up already or are late, and how many there are.
        lost_of: (usize, usize),
    },
    /// Regions are lost, but fewer than half of them: one or more may still go.
    RegionsLost {
        /// Regions that are lost or late.
        lost: usize,
        /// Regions that count.
        of: usize,
        /// How many more fence the host.
        more: usize,
    },
    /// Every live node waits for the disk, and the driver re-arms them all (since Linux 4.7): nobody fences while the
    /// network between them holds. The storage is down for all.
    AllStalled {
        /// Milliseconds since the last heartbeat of this host.
        elapsed_ms: i64,
        /// Concluded from being alive past the deadline, not seen on the other hosts.
        inferred: bool,
    },
    /// Peers are silent, and without them this node has no quorum.
    Network {
        /// The silent peers' numbers.
        silent: BTreeSet<u8>,
        /// Milliseconds since the last byte from the one heard last.
        silence_ms: i64,
        /// Nodes it still reaches, itself among them.
        connected: usize,
        /// Nodes with a heartbeat.
        beating: usize,
    },
    /// Peers are silent, but this node keeps the quorum.
    PeersSilent {
        /// The silent peers' numbers.
        silent: BTreeSet<u8>,
    },
    /// The state could not be read, or the last reading is too old.
    CannotKnow {
        /// Why not.
        why: String,
    },
}

/// Something that makes a fence worse, or a node likely to cause one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Warning {
    /// `fence_method` is `reset`: a fence leaves no crash dump.
    NoDump,
    /// The kernel logged I/O errors on a heartbeat: negotiation is off, and with the volume mounted ocfs2 itself
    /// panics within seconds of a failed write.
    IoErrors,
    /// How long peers have been silent was not looked at.
    NetworkNotSeen(String),
    /// The uptime is not known, only a least one: the silence may be longer and the time left shorter.
    NoUptime,
    /// It was looked at this many milliseconds ago, and is counted on from there.
    NetworkSeenAgo(i64),
}

/// How long until a host fences itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Margin {
    /// The host.
    pub host: String,
    /// Its number as a node.
    pub node: Option<u8>,
    /// Numbers and names of the nodes that the reason speaks of, as far as they are known. No map: its keys would be texts in JSON.
    #[serde(default)]
    pub names: Vec<(u8, String)>,
    /// Milliseconds until it fences itself, if nothing changes; `None` if no fence is coming.
    pub left_ms: Option<i64>,
    /// It does not fence before this many milliseconds.
    pub at_least_ms: Option<i64>,
    /// It has fenced, or will not, after this many milliseconds.
    pub at_most_ms: Option<i64>,
    /// For the eye.
    pub level: Level,
    /// Why.
    pub reason: Reason,
    /// How sure.
    pub sure: Sure,
    /// How it would be stopped.
    pub fence_method: Option<FenceMethod>,
    /// What else to know.
    pub warnings: Vec<Warning>,
}

impl Margin {
    /// Seconds until the fence, rounded down.
    pub fn left_secs(&self) -> Option<i64> {
        self.left_ms.map(|ms| ms.div_euclid(1_000))
    }

    /// Is a fence coming, sure or not?
    pub const fn is_counting(&self) -> bool {
        matches!(self.reason, Reason::Disk { .. } | Reason::Network { .. })
    }
}

/// What the kernel log says that bears on the margin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signs {
    /// I/O errors of the heartbeat within the last few seconds.
    pub io_errors: bool,
    /// Uptime in ms at which the driver last armed this node again (`all nodes hb write hung`, or `negotiate timeout
    /// approved by master node`).
    pub pardoned_ms: Option<u64>,
}
