//! Storage, networks, paths, clocks and certificates, as far as the gate does not look at them: they make a round harder, not unsafe.

use super::Ground;
use crate::pool::picture::{Health, PathKind};
use crate::pool::words;
use crate::rollout::finding::Finding;
use crate::text::duration;
use std::time::Duration;

/// A certificate that ends within this is worth a note: the dates by which xapi warns.
const CERTIFICATE_SOON: Duration = Duration::from_secs(30 * 86_400);

/// Within this, it may end before anybody looks again.
const CERTIFICATE_NOW: Duration = Duration::from_secs(7 * 86_400);

pub fn check(ground: Ground, out: &mut Vec<Finding>) {
    paths(ground, out);
    clocks(ground, out);
    certificates(ground, out);
    storage(ground, out);
    network(ground, out);
}

/// Multipath maps and bonds with a single path: nothing is lost yet, and nothing may be.
fn paths(ground: Ground, out: &mut Vec<Finding>) {
    for host in ground.planned() {
        let single = ground.picture.paths.iter().filter(|p| {
            p.host == host.name && p.total == 1 && p.up == 1 && p.health != Health::Failed && p.kind != PathKind::Link
        });
        let names: Vec<String> = single
            .map(|p| match p.kind {
                PathKind::Multipath => format!("LUN {}", p.name),
                PathKind::Boot => "its root disk".into(),
                PathKind::Bond | PathKind::Link => format!("bond {}", p.name),
            })
            .collect();
        if !names.is_empty() {
            let text = format!(
                "{} has a single path to {}: if it does not come up again, the host has none.",
                host.name,
                words::list(&names)
            );
            out.push(Finding::note("path-single", &host.name, text).evidence("mpath-* of its PBDs, Bond.slaves"));
        }
    }
}

/// Clocks that nobody could read. Those that are off are the gate's own finding.
fn clocks(ground: Ground, out: &mut Vec<Finding>) {
    if ground.alone() || ground.picture.clocks.is_empty() {
        return;
    }
    for host in ground.planned().filter(|h| !h.coordinator && h.live) {
        if !ground.picture.clocks.iter().any(|c| c.host == host.name) {
            let text = format!("Cannot tell whether the clock of {} is in step.", host.name);
            out.push(Finding::note("clock-unknown", &host.name, text).evidence("host.get_servertime was not answered of late"));
        }
    }
}

fn certificates(ground: Ground, out: &mut Vec<Finding>) {
    for (_, cert) in ground.pool.records().certificates() {
        let Some(end) = cert.not_after.0 else { continue };
        let left = end.since(ground.now);
        let host = ground.pool.name_of(&cert.host);
        let what = match (&*cert.r#type, host.is_empty()) {
            ("host_internal", false) => format!("the pool-internal certificate of {host}"),
            (_, false) => format!("the certificate of {host}"),
            _ => format!("the certificate {}", words::name(&cert.name)),
        };
        let about = if host.is_empty() { words::name(&cert.name) } else { host };
        let date: String = end.to_string().chars().take(10).collect();
        let evidence = format!("Certificate.not_after = {date}");
        let finding = if end <= ground.now {
            Finding::soft("certificate-expired", &about, format!("{} has expired.", capital(&what)))
        } else if left < CERTIFICATE_NOW {
            Finding::soft("certificate-expiring", &about, format!("{} expires in {}.", capital(&what), duration(left)))
        } else if left < CERTIFICATE_SOON {
            Finding::note("certificate-expiring", &about, format!("{} expires in {}.", capital(&what), duration(left)))
        } else {
            continue;
        };
        out.push(finding.evidence(evidence));
    }
}

/// A pool whose storage is all local: guests are bound to their hosts.
fn storage(ground: Ground, out: &mut Vec<Finding>) {
    let shared = ground.pool.records().srs().any(|(_, sr)| (sr.shared || sr.clustered) && &*sr.content_type != "iso");
    if !ground.alone() && !shared && ground.picture.guests > 0 {
        let text = "The pool has no shared storage: guests with a disk on a local SR cannot leave their host.";
        out.push(Finding::note("no-shared-storage", "", text).evidence("SR.shared"));
    }
}

/// The network that guests are to move over has to be there on every host.
fn network(ground: Ground, out: &mut Vec<Finding>) {
    let Some(network) = ground.plan.options.network.non_null() else { return };
    let network = ground.pool.network(network.clone());
    let said = network.said();
    for host in &network.without {
        let text = format!("{host} has no address on {said}, and guests are to move over it.");
        out.push(
            Finding::hard("migration-network", host, text).evidence(format!("{said}: no attached PIF of {host} with an IP")),
        );
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}
