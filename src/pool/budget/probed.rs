//! What only the hosts' probes know of the budget: o2cb's time-outs as its kernel has them, and how long multipath queues.
//!
//! Of several hosts the one that acts first counts for a fence, and the one that acts last for being sure that it is over.

use super::{Storage, Transport};
use crate::o2cb::live::known::Known as Told;
use crate::o2cb::live::{Cluster, Live};
use crate::pool::Pool;
use crate::pool::words;
use crate::probe::multipath::Queueing;
use crate::time::Time;
use crate::xenapi::record::Ref;
use std::collections::BTreeMap;

/// One of o2cb's values on the hosts that told it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Value {
    /// The smallest.
    pub least: u32,
    /// The largest.
    pub most: u32,
    /// Who has which, where they differ; else empty.
    pub differ: String,
}

/// o2cb's time-outs by the probes; `None`: no probe told that one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct O2cbTold {
    /// `dead_threshold`: heartbeats that may be missed.
    pub threshold: Option<Value>,
    /// `idle_timeout_ms`.
    pub idle_ms: Option<Value>,
    /// `keepalive_delay_ms`.
    pub keepalive_ms: Option<Value>,
    /// `reconnect_delay_ms`.
    pub reconnect_ms: Option<Value>,
}

/// How long multipath queues once no path is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// By the map that queues the longest.
    pub queueing: Queueing,
    /// The map and its host.
    pub of: String,
}

/// `no_path_retry` is counted in checks; each takes this long unless `polling_interval` says otherwise (which no probe reads). Seconds.
pub const CHECK: f64 = 5.0;

impl Queue {
    /// How long it queues, in seconds; `None`: for ever.
    pub fn lasts_s(&self) -> Option<f64> {
        match self.queueing {
            Queueing::Off => Some(0.0),
            Queueing::On => None,
            Queueing::Retries(checks) | Queueing::Countdown(checks) => Some(f64::from(checks) * CHECK),
        }
    }

    /// The order in which one is longer than another.
    fn rank(&self) -> f64 {
        self.lasts_s().unwrap_or(f64::INFINITY)
    }
}

impl Pool {
    /// o2cb's time-outs by the probes that count now.
    pub(super) fn o2cb_told(&self, now: Time) -> O2cbTold {
        let told: Vec<(String, &Cluster)> = self
            .probes
            .o2cb(now)
            .filter_map(|(host, _, live): (_, _, &Live)| Some((self.name_of(host), live.cluster()?)))
            .collect();
        let of = |get: fn(&Cluster) -> &Told<u32>| one(told.iter().filter_map(|(host, c)| Some((host.as_str(), *get(c).get()?))));
        O2cbTold {
            threshold: of(|c| &c.dead_threshold),
            idle_ms: of(|c| &c.idle_timeout_ms),
            keepalive_ms: of(|c| &c.keepalive_delay_ms),
            reconnect_ms: of(|c| &c.reconnect_delay_ms),
        }
    }

    /// Adds to each kind of storage how long its maps queue, where a probe tells.
    pub(super) fn add_queues(&self, storage: &mut [Storage], now: Time) {
        let mut of: BTreeMap<Transport, Queue> = BTreeMap::new();
        for (host, report) in self.probes.reports(now) {
            let name = self.name_of(host);
            for map in report.multipath.get().into_iter().flatten() {
                // A count-down is the same number, on its way to zero.
                let Some(queueing) = map.queueing.filter(|q| !matches!(q, Queueing::Countdown(_))) else { continue };
                let key = format!("mpath-{}", map.wwid);
                let mine = self.pbds(host).find(|(_, pbd)| pbd.other_config.get(&key).is_some());
                let Some(transport) = mine.and_then(|(r, _)| self.transport_of(r)) else { continue };
                let queue = Queue { queueing, of: format!("{} on {name}", words::name(&map.name)) };
                match of.get(&transport) {
                    Some(known) if known.rank() >= queue.rank() => {}
                    _ => drop(of.insert(transport, queue)),
                }
            }
        }
        for one in storage.iter_mut().filter(|one| one.multipath) {
            one.queue = of.get(&one.transport).cloned();
        }
    }

    /// How the blocks behind a PBD get to it.
    pub(in crate::pool) fn transport_of(&self, pbd: &Ref) -> Option<Transport> {
        let pbd = self.tables.pbd(pbd)?;
        super::gather::transport(self.tables.sr(&pbd.sr)?, pbd)
    }
}

/// One value on several hosts.
fn one<'a>(told: impl Iterator<Item = (&'a str, u32)>) -> Option<Value> {
    let mut of: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
    for (host, value) in told {
        of.entry(value).or_default().push(host);
    }
    let (least, most) = (*of.first_key_value()?.0, *of.last_key_value()?.0);
    let differ = if of.len() > 1 {
        of.iter().map(|(value, hosts)| format!("{value} on {}", words::list(hosts))).collect::<Vec<_>>().join("; ")
    } else {
        String::new()
    };
    Some(Value { least, most, differ })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_that_differ_are_named_with_what_each_has() {
        let told = one([("xcp1", 31), ("xcp2", 61), ("xcp3", 31)].into_iter()).expect("a value");
        assert_eq!((told.least, told.most, told.differ.as_str()), (31, 61, "31 on xcp1 and xcp3; 61 on xcp2"));
        assert_eq!(one([("xcp1", 7)].into_iter()).expect("a value").differ, "");
        assert_eq!(one(std::iter::empty()), None);
    }
}
