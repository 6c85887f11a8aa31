//! Whether the other hosts have room for the guests of each planned host: an estimate by memory, host by host in the order of the plan.
//!
//! xapi decides for itself when it evacuates; this says beforehand where it gets tight, also while HA keeps xapi from saying so.

use super::Ground;
use crate::pool::words;
use crate::rollout::finding::Finding;
use crate::text::bytes;
use crate::xenapi::record::{Host, Ref};
use std::collections::BTreeMap;

/// How one host's evacuation would go.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fit {
    host: String,
    guests: usize,
    /// Bytes that its guests take.
    needs: u64,
    /// Bytes that the other hosts have free.
    free: u64,
    /// Guests that found no place, by name.
    stuck: Vec<String>,
}

pub fn check(ground: Ground, out: &mut Vec<Finding>) {
    if ground.alone() {
        alone(ground, out);
        return;
    }
    let unknown: Vec<String> =
        ground.picture.hosts.iter().filter(|h| h.live && h.enabled && h.memory.used.is_none()).map(|h| h.name.clone()).collect();
    if !unknown.is_empty() {
        let text = format!("Cannot tell how much memory {} free: room for guests is not checked.", have(&unknown));
        out.push(Finding::note("capacity-unknown", "", text).evidence("host_metrics.memory_total is 0"));
        return;
    }
    let fits = fits(ground);
    for fit in fits.iter().filter(|f| !f.stuck.is_empty()) {
        let who = words::list(&fit.stuck);
        let evidence = format!(
            "{} needed by its {}, {} free on the others",
            bytes(fit.needs),
            words::count(fit.guests, "guest"),
            bytes(fit.free)
        );
        let finding = if fit.needs > fit.free {
            let text =
                format!("The hosts that could take them lack {} for the guests of {}.", bytes(fit.needs - fit.free), fit.host);
            Finding::hard("no-memory", &fit.host, text)
        } else {
            Finding::soft("tight-memory", &fit.host, format!("By our estimate no other host has room for {who} of {}.", fit.host))
        };
        out.push(finding.evidence(evidence));
    }
    let tightest = fits.iter().filter(|f| f.guests > 0 && f.stuck.is_empty()).min_by_key(|f| f.free - f.needs.min(f.free));
    if let Some(fit) = tightest.filter(|_| fits.iter().all(|f| f.stuck.is_empty())) {
        let text = format!(
            "Tightest with {} out: its {} {}, and {} is free on the others.",
            fit.host,
            if fit.guests == 1 { "guest needs".into() } else { format!("{} guests need", fit.guests) },
            bytes(fit.needs),
            bytes(fit.free)
        );
        out.push(
            Finding::note("capacity", &fit.host, text)
                .evidence("memory_dynamic_max and overhead of its guests, free memory of the others"),
        );
    }
}

fn alone(ground: Ground, out: &mut Vec<Finding>) {
    let Some(host) = ground.planned().next() else { return };
    let (guests, _) = ground.pool.records().load(&host.r#ref);
    if guests > 0 {
        let text = format!("{} is the only host: its {} have to stop for the reboot.", host.name, words::count(guests, "guest"));
        out.push(Finding::soft("only-host", &host.name, text).evidence("the pool has one host"));
    }
}

fn have(names: &[String]) -> String {
    let verb = if names.len() == 1 { "has" } else { "have" };
    format!("{} {verb}", words::list(names))
}

/// What a guest may not move below.
fn version(host: &Host) -> Vec<u32> {
    let get = |key: &str| host.software_version.get(key).filter(|v| !v.trim().is_empty());
    let text = get("platform_version").or_else(|| get("product_version")).unwrap_or_default();
    text.split('.').map(|part| part.trim().parse().unwrap_or(0)).collect()
}

/// Every planned host in turn: its guests go largest first, each to the host with the most room of those
/// whose software is not older: xapi moves nothing to an older one. They come back afterwards if the plan
/// brings guests home; else they stay where they went.
fn fits(ground: Ground) -> Vec<Fit> {
    let stopped = super::evacuate::stopped(ground);
    let mut guests: BTreeMap<Ref, Vec<(Ref, String, u64)>> = BTreeMap::new();
    for (r, guest) in ground.pool.records().guests() {
        if let Some(on) = &guest.on {
            guests.entry(on.clone()).or_default().push((r.clone(), words::name(&guest.name), guest.memory));
        }
    }
    let mut free: BTreeMap<Ref, u64> = ground
        .picture
        .hosts
        .iter()
        .filter(|h| h.live && h.enabled)
        .map(|h| (h.r#ref.clone(), h.memory.total.saturating_sub(h.memory.used.unwrap_or(h.memory.total))))
        .collect();
    let mut versions: BTreeMap<Ref, Vec<u32>> = ground.pool.records().hosts().map(|(r, h)| (r.clone(), version(h))).collect();
    let mut out = Vec::new();
    for host in ground.planned() {
        let mut leaving = guests.get(&host.r#ref).cloned().unwrap_or_default();
        // Guests that are shut down for the time need no room.
        leaving.retain(|(r, ..)| !stopped.contains(r));
        leaving.sort_by(|a, b| (b.2, &a.1).cmp(&(a.2, &b.1)));
        let takes = |r: &Ref| *r != host.r#ref && versions.get(r) >= versions.get(&host.r#ref);
        let mut room: BTreeMap<Ref, u64> = free.iter().filter(|(r, _)| takes(r)).map(|(r, f)| (r.clone(), *f)).collect();
        let mut fit = Fit {
            host: host.name.clone(),
            guests: leaving.len(),
            needs: leaving.iter().fold(0, |sum: u64, (.., m)| sum.saturating_add(*m)),
            free: room.values().fold(0, |sum: u64, f| sum.saturating_add(*f)),
            stuck: Vec::new(),
        };
        let (mut stay, mut moved) = (Vec::new(), Vec::new());
        for (guest, name, memory) in leaving {
            let best = room.iter_mut().max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(a.0)));
            if let Some((to, left)) = best.filter(|(_, f)| **f >= memory) {
                *left -= memory;
                moved.push((to.clone(), (guest, name, memory)));
            } else {
                fit.stuck.push(name.clone());
                stay.push((guest, name, memory));
            }
        }
        if !ground.plan.options.home && !moved.is_empty() {
            let went = moved.iter().fold(0, |sum: u64, (_, (.., m))| sum.saturating_add(*m));
            guests.insert(host.r#ref.clone(), stay);
            for (to, guest) in moved {
                guests.entry(to).or_default().push(guest);
            }
            let own = free.get(&host.r#ref).map(|f| f.saturating_add(went));
            free.extend(room);
            if let Some(own) = own {
                free.insert(host.r#ref.clone(), own);
            }
        }
        if ground.plan.kind.is_update() {
            versions.insert(host.r#ref.clone(), vec![u32::MAX]);
        }
        out.push(fit);
    }
    out
}
