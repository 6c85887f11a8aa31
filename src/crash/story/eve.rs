//! How the host and the pool were when the host was last heard.

use crate::o2cb::live::FenceMethod;
use crate::pool::Pool;
use crate::pool::heartbeats::Heartbeat;
use crate::pool::paths::PathPast;
use crate::pool::picture::{ClaimView, HostView, Latency, PathView};
use crate::text;
use crate::time::Time;
use crate::xenapi::record::{Record, Ref};

/// Paths of one host that are looked at.
const PATHS: usize = 4_000;
/// Tasks that are told.
const TASKS: usize = 4;

/// How things were.
pub(super) struct Eve {
    /// When.
    pub at: Time,
    /// The host.
    pub host: HostView,
    /// What it is called, in every way.
    pub names: Vec<String>,
    /// Its paths that are not whole, or were not within the week, with that week.
    pub paths: Vec<(PathView, PathPast)>,
    /// LUNs with one path only.
    pub single: Vec<String>,
    /// Seconds that its clock was ahead of the coordinator's.
    pub skew_s: Option<(f64, f64)>,
    /// Seconds that its clock was ahead of ours.
    pub clock_ahead: Option<(f64, f64)>,
    /// Whether HA was on, with which stack, and its time-out in seconds.
    pub ha: Option<(String, f64)>,
    /// A round of poolwatch that was under way.
    pub claim: Option<ClaimView>,
    /// A rolling upgrade by somebody else was.
    pub rolling_upgrade: bool,
    /// What it was doing.
    pub tasks: Vec<String>,
    /// Its heartbeats.
    pub heartbeats: Vec<Heartbeat>,
    /// Seconds for a fail-over, and of what.
    pub failover: Option<(f64, String)>,
    /// The guests that ran on it.
    pub guests: Vec<(Ref, String)>,
    /// How o2cb would stop it.
    pub method: Option<FenceMethod>,
}

impl Eve {
    /// Looks at a pool as it was at `at`.
    pub fn of(pool: &Pool, host: &Ref, at: Time) -> Self {
        let picture = pool.picture(at);
        let view = picture.hosts.iter().find(|view| view.r#ref == *host).cloned().unwrap_or_default();
        let name = view.name.clone();
        let mine = |path: &&PathView| path.host == name;
        let worth = |view: &PathView, past: &PathPast| view.up < view.total || !past.changes.is_empty();
        let mut paths: Vec<(PathView, PathPast)> = picture
            .paths
            .iter()
            .filter(mine)
            .take(PATHS)
            .filter(|path| path.up < path.total || path.week.changes > 0)
            .filter_map(|path| Some((path.clone(), pool.path_past(path, at)?)))
            .filter(|(path, past)| worth(path, past))
            .collect();
        paths.sort_by(|(a, _), (b, _)| (a.up > 0, a.up == a.total, &a.name).cmp(&(b.up > 0, b.up == b.total, &b.name)));
        let is_lun = |path: &&PathView| path.kind == crate::pool::picture::PathKind::Multipath && path.total == 1;
        let task = |task: &crate::pool::picture::TaskView| match task.progress {
            Some(done) => format!("{} ({:.0} %)", task.name, done * 100.0),
            None => task.name.clone(),
        };
        let clock = picture.clocks.iter().find(|clock| clock.host == name && !view.coordinator);
        Self {
            at,
            names: names(pool, host, &name),
            single: picture.paths.iter().filter(mine).filter(is_lun).map(|path| path.name.clone()).take(8).collect(),
            skew_s: clock.map(|clock| (clock.skew_s, clock.error_s)),
            clock_ahead: pool.clock_ahead(host, at),
            ha: picture.control.ha.then(|| {
                let timeout = picture.control.ha_timeout_s.unwrap_or(crate::pool::control::HA_TIMEOUT);
                (picture.control.ha_stack.clone(), timeout)
            }),
            claim: picture.control.claim.clone(),
            rolling_upgrade: picture.control.rolling_upgrade,
            tasks: picture.tasks.iter().filter(|t| t.host == name && !t.ended).take(TASKS).map(task).collect(),
            heartbeats: pool.heartbeats(host, at),
            failover: pool.failover(host, at).map(|failover| {
                let luns = if failover.luns == 1 { "1 LUN".to_owned() } else { format!("{} LUNs", failover.luns) };
                (failover.takes_s(), format!("{luns} and {} paths", failover.devices))
            }),
            guests: pool.records().guests_on(host).into_iter().map(|(r, g)| (r.clone(), shown(&g.name))).collect(),
            method: pool.o2cb_margin(host, at).and_then(|margin| margin.fence_method),
            paths,
            host: view,
        }
    }

    /// The slowest answer of the last five minutes in milliseconds, and whether one was missing.
    pub fn slowest(&self) -> (u32, bool) {
        self.host.latency.iter().fold((0, false), |(slow, lost), one| match one {
            Latency::Ms(ms) => (slow.max(*ms), lost),
            Latency::Lost => (slow, true),
            Latency::None => (slow, lost),
        })
    }
}

fn names(pool: &Pool, host: &Ref, name: &str) -> Vec<String> {
    let mut out = vec![name.to_owned(), shown(host.as_str())];
    if let Some(Record::Host(record)) = pool.record(host) {
        out.extend([&record.hostname, &record.uuid, &record.address].map(|name| shown(name)));
    }
    out.retain(|name| !name.is_empty());
    out
}

fn shown(name: &str) -> String {
    text::clean(name, 200).into_owned()
}
