//! The time-outs that a host is set to: iSCSI sessions, Fibre Channel ports, multipath, the HA daemon. What each comes to is the reader's business.
//!
//! What the kernel has in force is believed before any configuration: `/sys/class/iscsi_session` and `/sys/class/fc_remote_ports`, then what
//! `iscsiadm` printed or its records say, then `iscsid.conf`. Pure: texts in, values out; [`read()`] alone looks at files.

mod iscsi;
mod multipath;
mod read;
#[cfg(test)]
mod tests;
mod xhad;

pub use iscsi::{record, sessions};
pub use multipath::config;
pub use read::{SHOW_CONFIG, read};
pub use xhad::xhad;

use serde::{Deserialize, Serialize};

/// All of them, as far as they could be read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timeouts {
    /// iSCSI, each target once: as its session has it, or as it will have it at the next login.
    pub iscsi: Vec<Iscsi>,
    /// What `iscsid.conf` says for targets that are found from now on.
    pub iscsi_new: Option<Iscsi>,
    /// Fibre Channel ports.
    pub fibre: Vec<Fibre>,
    /// Multipath's configuration.
    pub multipath: Option<Multipath>,
    /// The HA daemon's configuration; there is one while HA is on.
    pub xhad: Option<Xhad>,
}

/// One iSCSI target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Iscsi {
    /// Its name (IQN); empty for the defaults.
    pub target: String,
    /// `replacement_timeout` in seconds: how long a session that is lost is waited for. 0: I/O fails at once; negative: for ever.
    pub replacement_s: Option<i64>,
    /// `noop_out_interval` in seconds; 0: the target is not asked whether it is there.
    pub ping_every_s: Option<u32>,
    /// `noop_out_timeout` in seconds.
    pub ping_wait_s: Option<u32>,
    /// Whether the kernel says so; else it is what the configuration says.
    pub in_force: bool,
    /// The file.
    pub from: String,
}

/// One Fibre Channel port that the host reaches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Fibre {
    /// `rport-…`.
    pub port: String,
    /// `fast_io_fail_tmo` in seconds: after that long without link its I/O fails; absent: off.
    pub fast_io_fail_s: Option<u32>,
    /// `dev_loss_tmo` in seconds: after that long it is removed.
    pub dev_loss_s: Option<u32>,
}

/// `no_path_retry`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// `fail`, or 0: I/O fails at once.
    Fail,
    /// `queue`: for ever.
    Queue,
    /// So many checks.
    Checks(u32),
}

/// Multipath's configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Multipath {
    /// `polling_interval` in seconds: between two checks of a path; `no_path_retry` counts these.
    pub polling_s: Option<u32>,
    /// Its general values.
    pub defaults: Settings,
    /// Those of sections `device`, `multipath` and `overrides`, in their order.
    pub sections: Vec<Section>,
    /// The file or command.
    pub from: String,
}

/// Values of one section.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// `no_path_retry`.
    pub no_path_retry: Option<Retry>,
    /// `fast_io_fail_tmo` in seconds; absent: not set, or `off`.
    pub fast_io_fail_s: Option<u32>,
    /// `dev_loss_tmo` in seconds; `infinity` is the largest number.
    pub dev_loss_s: Option<u32>,
}

/// A section that is for some devices only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Section {
    /// `device`, `multipath` or `overrides`.
    pub kind: String,
    /// Which: vendor and product, or wwid; empty for `overrides`.
    pub which: String,
    /// Its values.
    pub settings: Settings,
}

/// The HA daemon's time-outs, in seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Xhad {
    /// Hosts in it.
    pub hosts: usize,
    /// Its statefiles on this host.
    pub statefiles: Vec<String>,
    /// Without heartbeat of a host for that long, it counts as gone.
    pub heartbeat_s: Option<u32>,
    /// Without access to the statefile for that long, it is lost.
    pub statefile_s: Option<u32>,
    /// The watchdog of the heartbeats.
    pub heartbeat_watchdog_s: Option<u32>,
    /// The watchdog of the statefile: Xen resets the host then.
    pub statefile_watchdog_s: Option<u32>,
    /// How long xapi may not answer.
    pub xapi_s: Option<u32>,
}
