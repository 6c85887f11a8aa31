//! How long a fail-over of all LUNs of a host may take: a risk of its own where there are many.
//!
//! Assumed: what fails carries half of each LUN's paths (one of two fabrics, networks or controllers). Each device behind it is
//! noticed by its transport, then blocked one after the other, about 80 ms each: 2,000 devices were seen to take 80 s (open-iscsi mailing
//! list, February 2022, 2 NICs × 20 sessions × 50 LUNs). Pure; decides nothing.

use crate::pool::Pool;
use crate::pool::budget::BLOCKED;
use crate::pool::budget::probed::AllWaits;
use crate::pool::picture::PathKind;
use crate::time::Time;
use crate::xenapi::record::Ref;

/// Share of the nearest fence from which on a fail-over is a risk.
const RISK: f64 = 0.5;

/// A host's fail-over.
#[derive(Clone, Debug, PartialEq)]
pub struct Failover {
    /// The host.
    pub host: Ref,
    /// LUNs that it has several paths to.
    pub luns: u32,
    /// The most paths that one of them has.
    pub paths: u32,
    /// Devices: the paths of all of them.
    pub devices: u32,
    /// Until the transport gives a failed path up, in seconds.
    pub noticed_s: f64,
    /// For blocking half of the devices one after the other, in seconds.
    pub blocked_s: f64,
    /// When the first fence comes, in seconds, and whose it is; `None`: nothing that is known fences.
    pub fence: Option<(f64, String)>,
}

impl Failover {
    /// How long all of it takes, in seconds.
    pub fn takes_s(&self) -> f64 {
        self.noticed_s + self.blocked_s
    }

    /// Whether it may take longer than the fence leaves.
    pub fn is_too_slow(&self) -> bool {
        self.fence.as_ref().is_some_and(|(fence, _)| self.takes_s() >= *fence)
    }

    /// Whether it takes much of what the fence leaves.
    pub fn is_a_risk(&self) -> bool {
        self.fence.as_ref().is_some_and(|(fence, _)| self.takes_s() >= fence * RISK)
    }

    /// What it comes to, in a sentence.
    pub fn words(&self) -> String {
        let luns = if self.luns == 1 { "1 LUN".to_owned() } else { format!("{} LUNs", self.luns) };
        let fence = self
            .fence
            .as_ref()
            .map_or_else(|| "nothing that is known fences this host".to_owned(), |(at, by)| format!("{by} fences at {at:.0} s"));
        let all = if self.luns.checked_mul(self.paths) == Some(self.devices) {
            format!("{luns} × {} paths = {} devices", self.paths, self.devices)
        } else {
            format!("{luns} with up to {} paths, {} devices in all", self.paths, self.devices)
        };
        format!(
            "{all}. If half of them fail at once, moving their I/O takes about {:.0} s ({:.0} s until noticed, \
             {:.1} s to block {} devices one by one); {fence}",
            self.takes_s(),
            self.noticed_s,
            self.blocked_s,
            self.devices.div_ceil(2),
        )
    }

    /// What to do about it; empty: nothing.
    pub fn mend(&self) -> String {
        if self.is_too_slow() {
            "have fewer LUNs or fewer paths to each on this host, or a longer fence time-out on all hosts: a fail-over alone fences it".into()
        } else if self.is_a_risk() {
            "leave room: no more LUNs or paths on this host without a longer fence time-out".into()
        } else {
            String::new()
        }
    }
}

impl Pool {
    /// The fail-over that is nearest to the fence or beyond it; `None` if none is a risk.
    pub fn worst_failover(&self, now: Time) -> Option<Failover> {
        let (fence, waits) = (self.first_fence(now), self.waits(now));
        let all = self.tables.hosts().filter_map(|(host, _)| self.failover_before(host, fence, &waits, now));
        let all = all.filter(Failover::is_a_risk);
        all.max_by(|a, b| a.takes_s().total_cmp(&b.takes_s()).then_with(|| b.host.cmp(&a.host)))
    }

    /// The fail-over of a host; `None` if it has no LUN with more than one path.
    pub fn failover(&self, host: &Ref, now: Time) -> Option<Failover> {
        self.failover_before(host, self.first_fence(now), &self.waits(now), now)
    }

    /// The same, where the first fence is known, and how long paths are waited for.
    pub(in crate::pool) fn failover_before(
        &self,
        host: &Ref,
        fence: Option<(f64, &str)>,
        waits: &AllWaits,
        now: Time,
    ) -> Option<Failover> {
        let (mut luns, mut paths, mut devices, mut noticed) = (0_u32, 0_u32, 0_u32, 0.0_f64);
        for (key, path) in self.paths.of(host).filter(|(key, _)| key.kind == PathKind::Multipath) {
            let (_, total, _) = path.now(now);
            if total < 2 {
                continue;
            }
            luns += 1;
            paths = paths.max(total);
            devices = devices.saturating_add(total);
            noticed = noticed.max(self.transport_of(&key.source).map_or(0.0, |transport| {
                let told = waits.get(&(transport, true)).and_then(|waits| waits.gives_up_s);
                told.unwrap_or_else(|| transport.noticed_s())
            }));
        }
        let fence = fence.map(|(at, by)| (at, by.to_owned()));
        let blocked = f64::from(devices.div_ceil(2)) * BLOCKED;
        (luns > 0).then(|| Failover { host: host.clone(), luns, paths, devices, noticed_s: noticed, blocked_s: blocked, fence })
    }
}

#[cfg(test)]
mod tests {
    use crate::pool::scene::{Scene, pbd, t};
    use crate::xenapi::record::{Config, Pbd, Pool as PoolRecord, Record, Sr};

    #[test]
    fn many_luns_with_many_paths_take_longer_than_the_fence_leaves() {
        let mut s = Scene::new(1);
        let own = PoolRecord { master: "h1".into(), ha_enabled: true, ha_cluster_stack: "xhad".into(), ..PoolRecord::default() };
        s.set("pool", Record::Pool(own));
        s.set("sr", Record::Sr(Sr { r#type: "lvmoiscsi".into(), shared: true, ..Sr::default() }));
        let maps = |luns: usize, paths: usize| -> Config {
            let mut all: std::collections::BTreeMap<String, String> =
                (0..luns).map(|n| (format!("mpath-3600a{n:04}"), format!("[{paths}, {paths}]"))).collect();
            all.insert("multipathed".into(), "true".into());
            serde_json::from_value(serde_json::json!(all)).expect("a map")
        };
        let mut of = |luns: usize, paths: usize| {
            s.set("p1", Record::Pbd(Pbd { currently_attached: false, ..pbd(1, false) }));
            s.set("p1", Record::Pbd(Pbd { sr: "sr".into(), other_config: maps(luns, paths), ..pbd(1, true) }));
            s.pool.failover(&"h1".into(), t(s.now))
        };
        let small = of(4, 2).expect("a fail-over");
        assert_eq!((small.luns, small.devices, small.is_a_risk(), small.is_too_slow()), (4, 8, false, false));
        let big = of(50, 40).expect("a fail-over");
        assert!((big.blocked_s - 80.0).abs() < 0.1 && big.is_too_slow() && big.mend().contains("fewer LUNs"), "{big:?}");
        assert!(
            big.words().contains("50 LUNs × 40 paths = 2000 devices") && big.words().contains("fences at 60 s"),
            "{}",
            big.words()
        );
        assert_eq!(of(3, 1), None, "a single path has nowhere to go");
    }
}
