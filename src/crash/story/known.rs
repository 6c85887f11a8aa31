//! What a recording knows by name that advice needs: LUNs and their paths, o2cb's limit, guests that are still down.

use crate::time::Time;

/// Paths of the crashed host to one thing, just before it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lun {
    /// `LUN 3600…`, with its SR if that is known; or a bond's or an interface's name.
    pub name: String,
    /// Whether it leads to storage; otherwise it is a link of the network.
    pub storage: bool,
    /// Paths that were up.
    pub up: u32,
    /// Paths that there should be.
    pub total: u32,
    /// Since when it was so.
    pub since: Option<Time>,
    /// How often it changed within the week before.
    pub changes: u32,
}

/// What advice has to know beside the verdict.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// Paths that were lost, the worst first.
    pub lost: Vec<Lun>,
    /// LUNs that have one path only, all well or not.
    pub single: Vec<String>,
    /// o2cb's limit without a write, in milliseconds.
    pub limit_ms: Option<u64>,
    /// Whether o2cb was set to leave no dump when it fences.
    pub no_dump: bool,
    /// How long a fail-over of half of its paths takes, in seconds, and of what: `40 LUNs and 80 paths`.
    pub failover: Option<(f64, String)>,
    /// HA's time-out in seconds, if HA was on.
    pub ha_s: Option<f64>,
    /// Guests that ran on it and do not run yet.
    pub still_down: Vec<String>,
    /// The pool has a dump of this crash.
    pub dump: bool,
    /// It went down before within the week: how often.
    pub before: usize,
    /// Other hosts that had trouble in the same minutes.
    pub others: Vec<String>,
    /// Seconds that its clock was off the coordinator's, where that is too much.
    pub skew_s: Option<f64>,
    /// Days that it had run, where the fault of a driver that comes after so many days is possible.
    pub uptime_days: Option<u64>,
}
