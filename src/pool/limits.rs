//! The spans of time that the model decides with, in one place. Nothing else is here.

use std::time::Duration;

/// How long it must stay quiet after a host came back or a rebuild ended before the gate opens: a rebuild
/// may begin late (xapi looks every 30 s; seed 1: "we may consider the host up again" only after it).
pub const SETTLE: Duration = Duration::from_secs(60);

/// A host's last sign of life counts for this long. We ask every 10 s and wait some seconds for an answer.
pub const FRESH: Duration = Duration::from_secs(20);

/// A host that misses its updates for this long while the other hosts' go on is silent. Real pools show
/// updates of `host_metrics` about every 5 s, now and then every 10 s.
pub const SILENT: Duration = Duration::from_secs(15);

/// As [`SILENT`], for a host that its cluster says has left, or whose questions fail.
pub const SUSPECT: Duration = Duration::from_secs(8);

/// Rounds of updates from other hosts that a host has to miss before it is called silent.
pub const MISSED_ROUNDS: usize = 2;

/// A pool that says nothing at all for this long is no longer current, even if the connection looks alive.
pub const QUIET_POOL: Duration = Duration::from_secs(45);

/// After the connection was lost, what was last known is called current for this long.
pub const LOST_LINK: Duration = Duration::from_secs(15);

/// A multipath key is removed and written again on every update (`mpathcount.py`); only a longer absence counts.
pub const BLINK: Duration = Duration::from_secs(5);

/// A rebuild whose progress has moved before and now stands still for this long is called stalled.
pub const STALLED: Duration = Duration::from_secs(120);

/// A rebuild task that never moved its progress for this long has no progress of its own.
pub const NO_PROGRESS: Duration = Duration::from_secs(60);

/// How far back the rate of a rebuild is measured.
pub const RATE_WINDOW: Duration = Duration::from_secs(300);

/// A rebuild whose evidence was lost (task gone with the coordinator's toolstack) is taken to go on at least this long.
pub const LOST_EVIDENCE: Duration = Duration::from_secs(600);

/// xapi deletes a pending task that did not move after 24 h, whether it goes on or not; from this age on its end proves nothing.
pub const TASK_GC: Duration = Duration::from_secs(23 * 3600 + 1800);

/// Silence of at least this long, once ended, counts as having been away.
pub const AWAY: Duration = Duration::from_secs(30);

/// A host that is first seen disabled this soon after its boot is taken to be starting, not in maintenance.
pub const BOOTING: Duration = Duration::from_secs(900);

/// Clocks further apart than this are worth a warning (crash timelines can no longer be read; leases suffer).
pub const SKEW_S: f64 = 5.0;

/// A clock reading counts for this long.
pub const CLOCK_FRESH: Duration = Duration::from_secs(120);

/// A probe's report counts for this long. It is asked for every 10 s, and every 2 s where a fence is near.
pub const PROBE_FRESH: Duration = Duration::from_secs(45);

/// Answers that are faster than this, in milliseconds, look the same: below it is the noise of a machine or a link at work, and a
/// screen that shows noise is never still.
pub const LATENCY_QUIET: u32 = 40;

/// Width of a latency bucket; there are [`LATENCY_BUCKETS`] of them.
pub const LATENCY_BUCKET: Duration = Duration::from_secs(15);

/// Buckets of a latency sparkline: five minutes.
pub const LATENCY_BUCKETS: usize = 20;

/// Changes of one path within [`FLAP_WINDOW`] that make it a flapping one.
pub const FLAPS: usize = 4;

/// See [`FLAPS`].
pub const FLAP_WINDOW: Duration = Duration::from_secs(600);

/// How far back the past of paths and heartbeats is looked at (seed 2: lost within 7 days is worth a warning).
pub const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

/// For this long after the database went back in time it is said that what xapi tells may be from before.
pub const WENT_BACK: Duration = Duration::from_secs(3600);

/// Own alerts that are kept.
pub const OWN_ALERTS: usize = 300;

/// xapi messages that are kept.
pub const MESSAGES: usize = 500;

/// Alerts in a picture.
pub const SHOWN_ALERTS: usize = 200;
