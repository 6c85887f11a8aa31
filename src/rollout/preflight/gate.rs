//! What would keep the gates shut: the gate's own reasons, each by itself, with what can be done about it now.

use super::Ground;
use crate::pool::Obstacle;
use crate::pool::picture::Severity;
use crate::rollout::finding::{Finding, Fix};

/// Reasons of the gate that pass by themselves within its settle window: the round waits for that in its first stage.
const PASSING: [&str; 2] = ["rebuild-settling", "host-settling"];

/// Reasons of the gate that other checks here tell with more to it.
const TOLD_ELSEWHERE: [&str; 6] =
    ["ha-on", "rolling-upgrade", "storage-unplugged", "storage-missing", "versions", "database-went-back"];

pub fn check(ground: Ground, out: &mut Vec<Finding>) {
    for obstacle in ground.pool.obstacles(ground.now).into_iter().chain(ground.pool.notes(ground.now)) {
        if !TOLD_ELSEWHERE.contains(&obstacle.reason.code) {
            out.push(told(ground, &obstacle));
        }
    }
    storage(ground, out);
}

fn told(ground: Ground, obstacle: &Obstacle) -> Finding {
    let reason = &obstacle.reason;
    let severity = if PASSING.contains(&reason.code) || !matters(ground, obstacle) { Severity::Note } else { reason.severity };
    let about = ground.pool.name_of(&obstacle.about);
    let mut finding = Finding::note(reason.code, &about, sentence(&reason.text)).weigh(severity).evidence(&reason.evidence);
    if finding.mend.is_empty() && !reason.opens_when.is_empty() {
        finding = finding.mend(format!("It is over when {}.", reason.opens_when));
    }
    if reason.code == "host-disabled" {
        finding = finding.fix(Fix::Enable { host: obstacle.about.clone() });
    }
    finding
}

/// Whether it counts for any planned host: what is wrong with a host does not keep that host itself from being rebooted.
fn matters(ground: Ground, obstacle: &Obstacle) -> bool {
    let Some(except) = &obstacle.except else { return true };
    ground.plan.hosts.iter().any(|p| p.host != *except)
}

/// Storage that is not plugged, one finding for each PBD, as each is mended by itself. What is accepted, is for the host, as in its gate.
fn storage(ground: Ground, out: &mut Vec<Finding>) {
    let pool = ground.pool;
    for host in ground.picture.hosts.iter().filter(|h| h.live) {
        let matters = ground.plan.hosts.iter().any(|p| p.host != host.r#ref);
        for unplugged in pool.unplugged(&host.r#ref) {
            let sr = pool.name_of(&unplugged.sr);
            let finding = if !unplugged.shared {
                let text = format!("{} has not plugged its local SR {sr}.", host.name);
                Finding::note("local-storage-unplugged", &host.name, text)
            } else if unplugged.lost {
                Finding::hard("storage-unplugged", &host.name, format!("{} is without SR {sr}.", host.name))
            } else {
                let text = format!("{} has not plugged SR {sr}: guests on it cannot move there.", host.name);
                Finding::soft("storage-missing", &host.name, text)
            };
            let severity = if matters { finding.severity } else { Severity::Note };
            let evidence = format!("PBD {}: currently_attached = false", uuid_of(ground, &unplugged.pbd));
            out.push(finding.weigh(severity).evidence(evidence).fix(Fix::Plug { pbd: unplugged.pbd }));
        }
    }
}

fn uuid_of(ground: Ground, pbd: &crate::xenapi::record::Ref) -> String {
    let uuid = ground.pool.records().pbd(pbd).map(|p| crate::pool::words::name(&p.uuid)).unwrap_or_default();
    if uuid.is_empty() { pbd.to_string() } else { uuid }
}

/// With a capital at its start where it begins with a word of ours and not with a name.
fn sentence(text: &str) -> String {
    let ours = ["cannot ", "the ", "some ", "a ", "updates ", "mirrors "];
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if ours.iter().any(|word| text.starts_with(word)) => first.to_uppercase().chain(chars).collect(),
        _ => text.to_owned(),
    }
}
