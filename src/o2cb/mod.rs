//! o2cb, the cluster stack of OCFS2: its configuration file, who is in the cluster, who dies when something fails.
//!
//! `conf` reads and writes `cluster.conf` without losing a byte; `membership`, `registered` and `compare` decide over its
//! values; `forecast` plays the kernel's rules. [`node`] does the same on one host's folder through two traits, [`folder::Folder`] and
//! [`service::Services`]: a real host and a simulated one run the same code. Nothing here overwrites what it did not understand.

pub mod compare;
pub mod conf;
pub mod folder;
pub mod forecast;
pub mod membership;
pub mod node;
pub mod numbers;
pub mod quorum;
pub mod registered;
pub mod service;
pub mod state;
pub mod sysconfig;

/// Nodes that a cluster can have, and one more than the highest node number (kernel, `O2NM_MAX_NODES`).
pub const MAX_NODES: u16 = 255;
/// The highest node number.
pub const LAST_NUMBER: u8 = 254;
/// Heartbeat regions that a cluster can have (kernel, `O2NM_MAX_REGIONS`).
pub const MAX_REGIONS: usize = 32;
/// The longest name of a cluster, in letters and digits (ocfs2-tools, `OCFS2_CLUSTER_NAME_LEN`).
pub const CLUSTER_NAME: usize = 16;
/// The longest name of a node, in bytes (kernel, `O2NM_MAX_NAME_LEN`).
pub const NODE_NAME: usize = 64;
/// Digits of a heartbeat region's name: the uuid of its volume without dashes (kernel, `O2HB_MAX_REGION_NAME_LEN`).
pub const REGION_NAME: usize = 32;
/// The port that everybody uses.
pub const PORT: u16 = 7777;
/// Where the configuration is, below the root.
pub const CLUSTER_CONF: &str = "etc/ocfs2/cluster.conf";
/// The largest `cluster.conf` that is read, in bytes: 255 nodes and 32 regions fit six times.
pub const LARGEST: u64 = 256 << 10;
