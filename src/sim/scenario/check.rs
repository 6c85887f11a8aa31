//! Whether a scenario makes sense, before a world is built from it.

use super::{Scenario, ScenarioError};
use crate::sim::world::Fault;
use std::collections::BTreeSet;

/// Hosts in a pool, as xapi supports it.
pub const MAX_HOSTS: usize = 64;
/// Guests in a pool; far beyond what xapi supports.
pub const MAX_GUESTS: usize = 10_000;

pub fn check(scenario: &Scenario) -> Result<(), ScenarioError> {
    problem(scenario).map_or(Ok(()), |why| Err(ScenarioError::Nonsense { name: scenario.name.clone(), why }))
}

fn problem(s: &Scenario) -> Option<String> {
    if s.hosts.is_empty() || s.hosts.len() > MAX_HOSTS {
        return Some(format!("a pool has 1 to {MAX_HOSTS} hosts, not {}", s.hosts.len()));
    }
    if s.guests.len() + s.fill.running + s.fill.halted > MAX_GUESTS {
        return Some(format!("a pool has at most {MAX_GUESTS} guests"));
    }
    let mut names = BTreeSet::new();
    if s.hosts.first().is_none_or(|h| h.outside) {
        return Some("the first host is the coordinator, so it cannot be outside the pool".into());
    }
    for host in &s.hosts {
        if !names.insert(host.name.as_str()) {
            return Some(format!("two hosts are called `{}`", host.name));
        }
        if host.memory_gib < 4 || host.cpus == 0 || host.links == 0 {
            return Some(format!("host `{}` needs at least 4 GiB, one CPU and one link", host.name));
        }
    }
    let mut srs = BTreeSet::new();
    for sr in &s.srs {
        if !srs.insert(sr.name.as_str()) {
            return Some(format!("two SRs are called `{}`", sr.name));
        }
        if let Some(out) = s.hosts.iter().find(|h| h.outside && sr.hosts.contains(&h.name)) {
            return Some(format!("SR `{}` names host `{}`, which is outside the pool", sr.name, out.name));
        }
        if let Some(missing) = sr.hosts.iter().find(|h| !names.contains(h.as_str())) {
            return Some(format!("SR `{}` names host `{missing}`, which does not exist", sr.name));
        }
        if let Some(mirror) = &sr.mirror {
            let nodes = if sr.hosts.is_empty() { s.hosts.len() } else { sr.hosts.len() } + mirror.outside.len();
            if nodes < 2 {
                return Some(format!("SR `{}` mirrors, which takes two nodes at least", sr.name));
            }
            if !(mirror.resync_mib_s > 0.0 && mirror.write_mib_s >= 0.0 && mirror.start_s >= 0.0) {
                return Some(format!("SR `{}` needs a resync speed above 0 and no negative numbers", sr.name));
            }
        }
        if sr.luns.iter().any(|l| l.paths == 0) {
            return Some(format!("SR `{}` has a LUN with no path", sr.name));
        }
    }
    let mut vlans = BTreeSet::new();
    for network in &s.networks {
        if !(1..=4094).contains(&network.vlan) || !vlans.insert(network.vlan) {
            return Some(format!("network `{}` needs a VLAN of its own, 1 to 4094", network.name));
        }
        if let Some(missing) = network.without.iter().find(|h| *h != "*" && !names.contains(h.as_str())) {
            return Some(format!("network `{}` names host `{missing}`, which does not exist", network.name));
        }
    }
    for guest in &s.guests {
        if let Some(host) = guest.host.as_deref().filter(|h| !names.contains(h)) {
            return Some(format!("guest `{}` runs on host `{host}`, which does not exist", guest.name));
        }
        if let Some(sr) = guest.sr.as_deref().filter(|n| !srs.contains(n)) {
            return Some(format!("guest `{}` has its disk on SR `{sr}`, which does not exist", guest.name));
        }
        if !(guest.memory_gib > 0.0 && guest.memory_gib < 4096.0) {
            return Some(format!("guest `{}` has {} GiB of memory", guest.name, guest.memory_gib));
        }
    }
    let boot = &s.boot;
    for time in [boot.shutdown_delay_s, boot.post_s, boot.hello_s, boot.cluster_s, boot.pbd_s, boot.enable_s, boot.toolstack_s] {
        if !(0.0..=86_400.0).contains(&time) {
            return Some(format!("a stage of a boot takes 0 to 86400 s, not {time}"));
        }
    }
    if let Some(missing) = s.updates.hosts.iter().find(|h| !names.contains(h.as_str())) {
        return Some(format!("host `{missing}` lacks updates, and does not exist"));
    }
    if !(0.0..=86_400.0).contains(&s.updates.takes_s) {
        return Some(format!("updates take 0 to 86400 s, not {}", s.updates.takes_s));
    }
    for event in &s.events {
        if !(0.0..=1e9).contains(&event.at_s) {
            return Some(format!("event `{}` is at {} s", event.action, event.at_s));
        }
        if let Err(error) = event.action.parse::<Fault>() {
            return Some(format!("event `{}`: {error}", event.action));
        }
    }
    if s.activity.repeat_events_s.is_some_and(|t| !(1.0..=1e9).contains(&t)) {
        return Some("`repeat_events_s` is at least 1 s".into());
    }
    if s.activity.busy.is_some_and(|b| !(b.per_minute > 0.0 && b.per_minute <= 60_000.0)) {
        return Some("`per_minute` is above 0 and at most 60000".into());
    }
    None
}
