//! What the caller knows beside the logs: from the pool's database, its messages, a recording, or the other hosts.

use crate::time::Time;
use std::time::Duration;

/// One thing known of the crash that no log of it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// Whether HA was on in the pool when the host went down. Without it the owner of a domain watchdog is not known.
    HaArmed(bool),
    /// The host runs since `to`, and ran since `from` before that. It was not planned, as far as the caller knows.
    Rebooted {
        /// When it had started before.
        from: Option<Time>,
        /// When it started again.
        to: Time,
    },
    /// Somebody asked for the reboot or shutdown: a task, a rollout, a person; said in words.
    Planned(String),
    /// The kernel began to write a dump and did not get to its end.
    DumpIncomplete,
    /// There is a dump of this crash.
    Dumped,
    /// About when the logs were written (a file's time will do): the year of dates that have none.
    Written(Time),
    /// A message of the pool about this host (`HA_HOST_WAS_FENCED`, `HA_HOST_FAILED` and so on).
    Message {
        /// The message's name.
        name: String,
        /// When the pool raised it.
        at: Time,
    },
    /// Another host saw this one go.
    SurvivorSaw {
        /// The other host's name.
        host: String,
        /// What it saw.
        what: Saw,
        /// When, by that host's clock.
        at: Option<Time>,
    },
    /// The last sample of the o2cb heartbeat: how long ago its last good write was, and after how long it fences.
    LastHeartbeat {
        /// Since the last good write.
        elapsed: Duration,
        /// What it may be at most.
        limit: Duration,
    },
    /// The last sample of the HA statefile's latency, and its limit.
    LastStatefile {
        /// The latency.
        latency: Duration,
        /// What it may be at most.
        limit: Duration,
    },
}

/// What another host saw of the one that went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saw {
    /// It lost the o2net connection to it.
    Disconnected,
    /// Its DLM evicted it: no heartbeat on disk for too long. Any death of a host leads to this.
    Evicted,
    /// The HA daemon took it out of the live set.
    LeftLiveset,
}
