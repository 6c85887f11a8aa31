//! What the o2cb driver of one host says about itself, from configfs, debugfs and `/proc`.
//!
//! [`read::live`] reads it below a [`root::Root`]; [`parse`] understands it; [`look`] decides when the one file may be
//! read whose reading writes to the kernel log. What cannot be known says why ([`known::Known`]). Nothing here judges
//! how near a fence is (that is [`super::margin`]) and nothing is ever written.
//!
//! File names: linux 2.6.24 to 6.12 `fs/ocfs2/cluster/{heartbeat,nodemanager,netdebug}.c`. Two generations of debugfs
//! names (`live_regions`, `num`; before them `liveregions`, `regnum`), two of the threshold (`dead_threshold`, and
//! `threshold` in kernels 4.5 to 4.11), and `/proc/fs/ocfs2_nodemanager` before configfs had them.

pub mod known;
pub mod look;
pub mod parse;
pub mod read;
pub mod root;
#[cfg(test)]
mod tests;

use crate::time::Time;
use known::Known;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use strum::{Display, IntoStaticStr};

/// How the driver stops a host that must not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Display, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "lowercase")]
pub enum FenceMethod {
    /// An emergency restart: no panic, so no crash dump. The default since Linux 2.6.24.
    Reset,
    /// A panic, which a loaded crash kernel turns into a dump.
    Panic,
}

impl FenceMethod {
    /// Would a fence leave a dump behind, if a crash kernel is loaded?
    pub const fn leaves_a_dump(self) -> bool {
        matches!(self, Self::Panic)
    }
}

/// Where the heartbeat is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "lowercase")]
pub enum Mode {
    /// On every mounted volume; losing any one of them fences.
    Local,
    /// On the regions of the configuration; losing half of them fences.
    Global,
}

/// The kernel that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kernel {
    /// First number of the release.
    pub major: u32,
    /// Second number of the release.
    pub minor: u32,
    /// The release as the kernel spells it.
    pub release: String,
}

impl Kernel {
    /// Is it this version or a later one?
    pub fn at_least(&self, major: u32, minor: u32) -> bool {
        (self.major, self.minor) >= (major, minor)
    }
}

/// The driver's state on one host, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// When it was read, by the clock of the host.
    pub taken: Time,
    /// The host's own name (`kernel.hostname`), which is also its name as a node.
    pub host: Known<String>,
    /// Milliseconds since boot when it was read.
    pub uptime_ms: Known<u64>,
    /// The kernel.
    pub kernel: Known<Kernel>,
    /// Timer interrupts a second, if the kernel's configuration could be read. Time-outs are rounded up to them.
    pub hz: Option<u32>,
    /// The driver's interface revision: 5 in every kernel since 2.6.18.
    pub interface: Known<u32>,
    /// The cluster stack that ocfs2 uses: `o2cb`, or another.
    pub stack: Known<String>,
    /// The clusters that are registered with the kernel, which are none or one.
    pub clusters: Known<Vec<Cluster>>,
    /// Node numbers whose heartbeat is seen on disk, this host's among them.
    pub live_nodes: Known<BTreeSet<u8>>,
    /// Numbers of the regions with heartbeat.
    pub live_regions: Known<BTreeSet<u8>>,
    /// Numbers of the regions that count for the quorum, in global mode.
    pub quorum_regions: Known<BTreeSet<u8>>,
    /// Numbers of the quorum regions that were lost, in global mode.
    pub failed_regions: Known<BTreeSet<u8>>,
    /// Nodes with an open connection. It goes on naming them while the network is cut: see `sockets`.
    pub connected: Known<BTreeSet<u8>>,
    /// The connections with the time of the last byte; only read when [`look`] says so.
    pub sockets: Known<Vec<Socket>>,
    /// The same connections as TCP sees them: reading this costs nothing.
    pub tcp: Known<Vec<Tcp>>,
    /// Seconds until a panicked kernel restarts; 0 is never.
    pub panic_secs: Known<u32>,
    /// Does an oops panic? o2cb(7) asks for it.
    pub panic_on_oops: Known<bool>,
}

/// A cluster as the kernel knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// Silence after which a connection counts as broken, in ms (30000).
    pub idle_timeout_ms: Known<u32>,
    /// Silence after which a keep-alive is sent, in ms (2000).
    pub keepalive_delay_ms: Known<u32>,
    /// Pause before connecting again, in ms (2000).
    pub reconnect_delay_ms: Known<u32>,
    /// How a fence is done.
    pub fence_method: Known<FenceMethod>,
    /// Heartbeats that may be missed: a host fences itself after (this − 1) × 2 s (31, so 60 s).
    pub dead_threshold: Known<u32>,
    /// Where the heartbeat goes.
    pub mode: Known<Mode>,
    /// The nodes that the kernel knows, which may differ from the configuration file.
    pub nodes: Vec<Node>,
    /// The heartbeat regions.
    pub regions: Vec<Region>,
}

/// A node as the kernel knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its number, 0 to 254.
    pub num: Known<u8>,
    /// Its IPv4 address.
    pub address: Known<String>,
    /// Its port.
    pub port: Known<u16>,
    /// Is it this host?
    pub local: Known<bool>,
}

/// A heartbeat region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    /// Its UUID as 32 hex digits.
    pub uuid: String,
    /// The block device, without `/dev/`.
    pub device: Known<String>,
    /// Its number in the bitmaps.
    pub num: Known<u8>,
    /// Milliseconds since the last heartbeat was written. 0 is never, or this very millisecond.
    pub elapsed_ms: Known<u64>,
    /// Nodes whose heartbeat is seen here.
    pub live_nodes: Known<BTreeSet<u8>>,
    /// Is it held although nothing is mounted (global mode)?
    pub pinned: Known<bool>,
}

/// A connection between nodes, from `o2net/sock_containers`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Socket {
    /// The name of the node at the other end.
    pub peer: String,
    /// Its address and port.
    pub remote: String,
    /// Did both ends agree on protocol and time-outs?
    pub handshake: bool,
    /// Uptime when the last byte came in, in microseconds; absent if none ever did.
    pub data_ready_us: Option<u64>,
    /// The latest uptime that the block names, in microseconds: the host is at least that old.
    pub latest_us: u64,
}

/// A connection of o2cb as TCP sees it, from `/proc/net/tcp`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tcp {
    /// The address of the other end.
    pub remote: String,
    /// Bytes that were not acknowledged yet.
    pub unsent: u32,
    /// How often the oldest of them was sent again.
    pub sent_again: u32,
}

impl Live {
    /// The cluster that is registered, if one is.
    pub fn cluster(&self) -> Option<&Cluster> {
        self.clusters.get()?.first()
    }

    /// The number of this host as a node.
    pub fn number(&self) -> Option<u8> {
        let cluster = self.cluster()?;
        cluster.nodes.iter().find(|node| node.local.copied() == Some(true))?.num.copied()
    }

    /// The name of node `num`.
    pub fn name_of(&self, num: u8) -> Option<&str> {
        let nodes = &self.cluster()?.nodes;
        Some(&nodes.iter().find(|node| node.num.copied() == Some(num))?.name)
    }

    /// The number of the node called `name`.
    pub fn number_of(&self, name: &str) -> Option<u8> {
        self.cluster()?.nodes.iter().find(|node| node.name == name)?.num.copied()
    }

    /// Is the driver loaded and a cluster registered?
    pub fn is_online(&self) -> bool {
        self.cluster().is_some()
    }
}
