//! The signs, and where they stand in a log.

use super::{prefix, rules};
use crate::text;
use serde::{Deserialize, Serialize};

/// Lines of one log that are looked at; of a longer one, the last.
const LINES: usize = 200_000;
/// Signs that are kept; of more, the last.
const KEPT: usize = 2_000;

/// A line that means something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// What it means.
    pub sign: Sign,
    /// Seconds since boot, if printed.
    pub uptime: Option<f64>,
    /// Date and time as printed, if any.
    pub stamp: Option<String>,
    /// The line without its prefixes.
    pub text: String,
}

/// What a kernel line means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(missing_docs, reason = "each field is what its name says, of the line that its variant describes")]
pub enum Sign {
    /// An iSCSI connection broke; 1020 is closed by the target, 1021 a ping without answer.
    IscsiError { session: String, error: u32 },
    /// An iSCSI session did not come back in time: its I/O fails now.
    IscsiTimedOut { session: String, secs: u64 },
    /// An iSCSI session came back.
    IscsiBack { session: String },
    /// A SCSI device (H:C:T:L) was taken offline.
    ScsiOffline { device: String },
    /// A command failed, with the transport's status.
    ScsiFailed { dev: String, host_status: String },
    /// The command that failed.
    ScsiCommand { dev: String, op: String },
    /// The SCSI layer aborts, or resets (`abort`, `device`, `loop`, `adapter`).
    ScsiReset { adapter: String, what: String, device: Option<String> },
    /// The block layer failed a request.
    IoError { dev: String, op: Option<String> },
    /// A file system met an I/O error.
    FsError { fs: String, dev: String },
    /// A Fibre Channel port lost its link.
    LoopDown { driver: String, adapter: String, host: Option<u32> },
    /// It came back.
    LoopUp { driver: String, adapter: String },
    /// The fabric changed.
    Rscn { adapter: String },
    /// A session to a remote port was deleted.
    PortDeleted { adapter: String, wwpn: String },
    /// A remote port was gone for longer than `dev_loss_tmo`.
    PortTimedOut { rport: String },
    /// An NFS server does not answer; `soft` mounts fail then.
    NfsSilent { server: String, gave_up: bool },
    /// It answers again.
    NfsBack { server: String },
    /// Device mapper failed a path.
    PathFailed { path: String },
    /// It took it back.
    PathBack { path: String },
    /// A heartbeat has been hanging for half of its time.
    HeartbeatHung { node: Option<u8>, secs: Option<u64>, device: Option<String> },
    /// All nodes hang, or the master says so: this node was armed again.
    HeartbeatPardoned,
    /// The heartbeat's time ran out. Alone no proof of a fence.
    HeartbeatTimeout { device: String, ms: Option<u64> },
    /// The heartbeat met an I/O error.
    HeartbeatError,
    /// Another node has another threshold.
    ThresholdDiffers,
    /// A node has been silent.
    NetIdle { node: String, num: Option<u8> },
    /// A connection between nodes is gone.
    NetLost { node: String, num: Option<u8> },
    /// It is there.
    NetBack { node: String },
    /// A node was refused, for other time-outs or an unknown address.
    NetRefused { text: String },
    /// The quorum decided against a fence.
    NotFencing,
    /// o2cb fences this host.
    Fencing,
    /// Another node was declared dead.
    Evicted { node: Option<u8> },
    /// ocfs2 gave up on a volume, and may panic.
    OcfsAbort { device: Option<String> },
    /// A CPU is stuck.
    SoftLockup { cpu: Option<u32>, secs: Option<u64>, task: String },
    /// A task waits for too long.
    HungTask { task: String, secs: Option<u64> },
    /// A clock source was found unstable.
    ClockUnstable { from: String, cpu: Option<u32> },
    /// The watchdog that found it so.
    ClockWatchdog { source: String },
    /// The clock source was changed.
    ClockSwitched { to: String },
    /// A warning with a trace. Not a crash.
    Warning { cpu: Option<u32>, pid: Option<u32>, function: String },
    /// A DRBD connection changed its state.
    DrbdConnection { resource: String, peer: String, from: String, to: String },
    /// A member of an array failed.
    MdFailed { array: String, dev: String },
    /// A slave of a bond, or a NIC, lost its link.
    LinkDown { nic: String },
    /// A NIC does not send any more.
    NicStuck { nic: String },
    /// Memory ran out.
    OutOfMemory,
}

impl Sign {
    /// Does it foretell a fence or a crash, if it goes on? Others tell that it is over, or explain.
    pub const fn foretells(&self) -> bool {
        !matches!(
            self,
            Self::IscsiBack { .. }
                | Self::LoopUp { .. }
                | Self::NfsBack { .. }
                | Self::PathBack { .. }
                | Self::NetBack { .. }
                | Self::NotFencing
                | Self::HeartbeatPardoned
                | Self::Warning { .. }
                | Self::ClockWatchdog { .. }
                | Self::ClockSwitched { .. }
                | Self::Evicted { .. }
                | Self::ScsiCommand { .. }
        )
    }

    /// Is it of o2net, so that it is worth looking into its connections?
    pub const fn is_o2net(&self) -> bool {
        matches!(self, Self::NetIdle { .. } | Self::NetLost { .. } | Self::NetRefused { .. })
    }
}

/// All signs in `log`, in its order.
pub fn signs(log: &str) -> Vec<Line> {
    let skip = log.lines().count().saturating_sub(LINES);
    let mut found: Vec<Line> = log.lines().skip(skip).filter_map(line).collect();
    let more = found.len().saturating_sub(KEPT);
    found.drain(..more);
    found
}

/// Is the newest line the first, as a journal may be printed? By the first and the last line that say when they are from.
pub fn is_reversed(log: &str) -> bool {
    let clock = |line: &str| {
        let stripped = prefix::strip(line.get(..4_096).unwrap_or(line));
        // Of a date the time of day is enough: logs are printed by the hour.
        let stamp = stripped
            .stamp
            .and_then(|stamp| stamp.split([' ', 'T']).find(|word| word.split(':').count() == 3).map(ToOwned::to_owned));
        stripped.uptime.map(|at| format!("{at:020.6}")).or(stamp)
    };
    let first = log.lines().find_map(clock);
    let last = log.lines().rev().find_map(clock);
    first.zip(last).is_some_and(|(first, last)| first > last)
}

fn line(line: &str) -> Option<Line> {
    let stripped = prefix::strip(line.get(..4_096).unwrap_or(line));
    let sign = rules::sign(stripped.text)?;
    Some(Line {
        sign,
        uptime: stripped.uptime,
        stamp: stripped.stamp.map(|stamp| text::clean(stamp, 40).into_owned()),
        text: text::clean(stripped.text, 300).into_owned(),
    })
}

/// The signs of the last `secs` seconds before `uptime`; those without a time are left out.
pub fn recent(lines: &[Line], uptime: f64, secs: f64) -> impl Iterator<Item = &Line> {
    lines.iter().filter(move |line| line.uptime.is_some_and(|at| at <= uptime + 2.0 && at >= uptime - secs))
}
