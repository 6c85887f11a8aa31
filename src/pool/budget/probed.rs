//! What only the hosts' probes know of the budget: o2cb's time-outs as its kernel has them, and how long multipath queues.
//!
//! Of several hosts the one that acts first counts for a fence, and the one that acts last for being sure that it is over.

use super::{Storage, Transport};
use crate::o2cb::live::known::Known as Told;
use crate::o2cb::live::{Cluster, Live};
use crate::pool::Pool;
use crate::pool::words;
use crate::probe::multipath::Queueing;
use crate::probe::timeouts::{Fibre, Iscsi, Retry, Xhad};
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
#[derive(Clone, Debug, PartialEq)]
pub struct Queue {
    /// By the map that queues the longest.
    pub queueing: Queueing,
    /// How long one check takes, in seconds.
    pub check_s: f64,
    /// Whether a probe told that.
    pub check_told: bool,
    /// The map and its host.
    pub of: String,
}

/// `no_path_retry` is counted in checks; each takes this long unless `polling_interval` says otherwise. Seconds.
pub const CHECK: f64 = 5.0;
/// Without pings only a command that is not answered shows that a session is dead: the SCSI layer's time-out, in seconds.
const COMMAND: f64 = 30.0;

/// How long a transport waits until it gives a path up, by the host that waits the longest.
#[derive(Clone, Debug, PartialEq)]
pub struct Waits {
    /// When it notices, in seconds; `None`: it does not ask.
    pub notices_s: Option<f64>,
    /// When I/O fails or goes another way, in seconds after the outage began; `None`: never.
    pub gives_up_s: Option<f64>,
    /// The values, and whose they are.
    pub of: String,
}

impl Waits {
    fn rank(&self) -> f64 {
        self.gives_up_s.unwrap_or(f64::INFINITY)
    }

    fn iscsi(one: &Iscsi, host: &str) -> Self {
        // open-iscsi's own defaults where one of them is not told.
        let (every, wait) = (one.ping_every_s.unwrap_or(5), one.ping_wait_s.unwrap_or(5));
        let replacement = one.replacement_s.unwrap_or(120);
        let notices_s = (every > 0).then(|| f64::from(every) + f64::from(wait));
        let gives_up_s = (replacement >= 0).then(|| notices_s.unwrap_or(COMMAND) + replacement as f64);
        let ping = if every > 0 { format!("noop {every} + {wait}") } else { "noop off".into() };
        let target = words::name(&one.target);
        Self { notices_s, gives_up_s, of: format!("{ping}, replacement_timeout {replacement}: {target} on {host}") }
    }

    fn fibre(port: &Fibre, host: &str) -> Self {
        let (secs, name) = match (port.fast_io_fail_s, port.dev_loss_s) {
            (Some(fast), _) => (Some(fast), format!("fast_io_fail_tmo {fast}")),
            (None, Some(loss)) => (Some(loss), format!("fast_io_fail_tmo off, dev_loss_tmo {loss}")),
            (None, None) => (None, "fast_io_fail_tmo off".into()),
        };
        let secs = secs.map(f64::from);
        Self { notices_s: secs, gives_up_s: secs, of: format!("{name}: {} on {host}", words::name(&port.port)) }
    }
}

/// Those of each kind of storage, with and without multipath.
pub type AllWaits = BTreeMap<(Transport, bool), Waits>;

impl Queue {
    /// How long it queues, in seconds; `None`: for ever.
    pub fn lasts_s(&self) -> Option<f64> {
        match self.queueing {
            Queueing::Off => Some(0.0),
            Queueing::On => None,
            Queueing::Retries(checks) | Queueing::Countdown(checks) => Some(f64::from(checks) * self.check_s),
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
            let config = report.timeouts.get().and_then(|t| t.multipath.as_ref());
            let polling = config.and_then(|c| c.polling_s);
            for map in report.multipath.get().into_iter().flatten() {
                // A count-down is the same number, on its way to zero. A multipathd that does not say has it in its configuration.
                let said = map.queueing.filter(|q| !matches!(q, Queueing::Countdown(_)));
                let set = || config?.retry_of(&map.wwid, map.vendor.as_deref().unwrap_or_default()).map(Queueing::from);
                let Some(queueing) = said.or_else(set) else { continue };
                let key = format!("mpath-{}", map.wwid);
                let mine = self.pbds(host).find(|(_, pbd)| pbd.other_config.get(&key).is_some());
                let Some(transport) = mine.and_then(|(r, _)| self.transport_of(r)) else { continue };
                let of_map = format!("{} on {name}", words::name(&map.name));
                let check_s = polling.map_or(CHECK, f64::from);
                let queue = Queue { queueing, check_s, check_told: polling.is_some(), of: of_map };
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

    /// How long the transports wait, by the probes.
    pub(in crate::pool) fn waits(&self, now: Time) -> AllWaits {
        let mut of = AllWaits::new();
        let mut add = |key: (Transport, bool), waits: Waits| match of.get(&key) {
            Some(known) if known.rank() >= waits.rank() => {}
            _ => drop(of.insert(key, waits)),
        };
        for (host, report) in self.probes.reports(now) {
            let Some(told) = report.timeouts.get() else { continue };
            let name = self.name_of(host);
            for (r, pbd) in self.pbds(host).filter(|(_, pbd)| pbd.currently_attached) {
                let Some(transport) = self.transport_of(r) else { continue };
                let key = (transport, pbd.other_config.get("multipathed") == Some("true"));
                match transport {
                    Transport::Iscsi => {
                        let wanted = pbd.device_config.get("targetIQN").unwrap_or("*");
                        let mine = |one: &&Iscsi| wanted == "*" || wanted == one.target;
                        told.iscsi.iter().filter(mine).for_each(|one| add(key, Waits::iscsi(one, &name)));
                    }
                    Transport::Fibre => told.fibre.iter().for_each(|port| add(key, Waits::fibre(port, &name))),
                    Transport::Nfs => {}
                }
            }
        }
        of
    }

    /// What the HA daemon is set to on the hosts that tell: the shortest time-out, and its watchdog.
    pub(super) fn xhad_told(&self, now: Time) -> Option<(f64, Option<f64>)> {
        let told = self.probes.reports(now).filter_map(|(_, report)| report.timeouts.get()?.xhad.as_ref());
        let one = |x: &Xhad| Some((x.heartbeat_s.into_iter().chain(x.statefile_s).min()?, x.statefile_watchdog_s));
        let (timeout, watchdog) = told.filter_map(one).min()?;
        Some((f64::from(timeout), watchdog.map(f64::from)))
    }

    /// How the blocks behind a PBD get to it.
    pub(in crate::pool) fn transport_of(&self, pbd: &Ref) -> Option<Transport> {
        let pbd = self.tables.pbd(pbd)?;
        super::gather::transport(self.tables.sr(&pbd.sr)?, pbd)
    }
}

impl From<Retry> for Queueing {
    fn from(retry: Retry) -> Self {
        match retry {
            Retry::Fail => Self::Off,
            Retry::Queue => Self::On,
            Retry::Checks(checks) => Self::Retries(checks),
        }
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
