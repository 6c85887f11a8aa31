//! What came of reading a crash: the cause, how sure, and the lines that say so.

use crate::time::Time;
use serde::{Deserialize, Serialize};

/// Who took the host down.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::IntoStaticStr,
    strum::EnumString,
    strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Cause {
    /// The kernel's o2cb fenced it.
    O2cb,
    /// The HA daemon, or the watchdog that it feeds, fenced it.
    Xhad,
    /// A fault: hardware, firmware, kernel or hypervisor.
    Bug,
    /// There was no crash here.
    None,
    /// It went down, and what there is does not tell why.
    Unknown,
}

/// The cause more exactly.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::IntoStaticStr,
    strum::EnumString,
    strum::VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Finer {
    /// o2cb: no write to the heartbeat region within its limit.
    Disk,
    /// o2cb: less than half of the nodes, or half without the lowest, on the network.
    Network,
    /// xhad: the statefile could not be read or written in time.
    Statefile,
    /// xhad: no heartbeat of the others over the network.
    Heartbeat,
    /// xhad: xapi did not answer its health check.
    XapiHealthCheck,
    /// xhad: the watchdog ran out with no reason left behind.
    Watchdog,
    /// A machine check.
    Mce,
    /// No memory left, and nobody to kill.
    Oom,
    /// A fault in the kernel: an oops, a `BUG`, a page fault.
    Oops,
    /// A panic of the kernel for another stated reason.
    Panic,
    /// A fault in the hypervisor.
    XenPanic,
    /// A processor did not get on: soft or hard lock-up, RCU stall, Xen's own watchdog.
    CpuStuck,
    /// A task that waited too long, and a panic set for that.
    HungTask,
    /// Firmware, a bus or a non-maskable interrupt.
    Firmware,
    /// Somebody asked for it: sysrq, a crash on command, a reboot or shutdown.
    Operator,
    /// Power was lost, or the host was reset from outside.
    Power,
    /// Not known.
    Unknown,
}

/// How sure a verdict is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Confidence {
    /// Not more than a hint.
    Guess,
    /// More than one thing points to it, and nothing away from it.
    Likely,
    /// The kernel, the hypervisor or the daemon says so itself.
    Sure,
}

/// A line that says something, where it stands, and what stands around it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The file inside the dump or archive.
    pub file: String,
    /// The line in it, from 1; 0 if it is not from a file with lines.
    pub line: u64,
    /// The line, made safe to show and cut.
    pub text: String,
    /// A few lines before it, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<String>,
    /// A few lines after it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// What it shows, in words.
    pub shows: String,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Who took the host down.
    pub cause: Cause,
    /// More exactly.
    pub finer: Finer,
    /// How sure that is.
    pub confidence: Confidence,
    /// Why that, and why so sure, in a sentence or two.
    pub why: String,
    /// What else has to be said: a second fault, an owner of the watchdog that is not the HA daemon.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// When it happened, by that host's clock, if anything tells.
    pub at: Option<Time>,
    /// The lines that say so, the most telling first.
    pub evidence: Vec<Evidence>,
}
