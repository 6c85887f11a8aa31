//! What was left over from updates before, and what this one goes by.

use super::Ground;
use crate::pool::words;
use crate::rollout::finding::Finding;
use crate::rollout::plan::{Kind, installed_not_booted};
use crate::text::duration;
use std::collections::BTreeMap;
use std::time::Duration;

/// Metadata that is older than this lacks what came out since; XenCenter uses the same.
const OLD_METADATA: Duration = Duration::from_secs(7 * 86_400);

/// Updating from software that is older than this is not tested by its vendor.
const OLD_SOFTWARE: Duration = Duration::from_secs(183 * 86_400);

pub fn check(ground: Ground, out: &mut Vec<Finding>) {
    guidance(ground, out);
    guests(ground, out);
    versions(ground, out);
    match &ground.plan.kind {
        Kind::XenServer { hash } => metadata(ground, hash, out),
        Kind::XcpNg => packages(ground, out),
        Kind::Reboot | Kind::PoolUpdate { .. } => {}
    }
}

/// Steps that earlier updates still wait for.
fn guidance(ground: Ground, out: &mut Vec<Finding>) {
    for host in &ground.picture.hosts {
        let Some(record) = ground.pool.records().host(&host.r#ref) else { continue };
        let planned = ground.plan.hosts.iter().find(|p| p.host == host.r#ref);
        let evidence = "host.pending_guidances, updates_requiring_reboot";
        let words = words::list(&host.guidance);
        let mandatory = !record.pending_guidances.is_empty();
        let updates = planned.is_some_and(|p| !p.updates.is_empty());
        if mandatory && updates && matches!(ground.plan.kind, Kind::XenServer { .. }) {
            let text = format!("{} refuses updates until what the last one demands is done: {words}.", host.name);
            out.push(Finding::hard("guidance-first", &host.name, text).evidence(evidence));
        } else if planned.is_some() && !host.guidance.is_empty() {
            let text =
                format!("{} still has to do what an earlier update asks for: {words}. The reboot settles that.", host.name);
            out.push(Finding::note("guidance", &host.name, text).evidence(evidence));
        } else if planned.is_none()
            && let Some(why) = installed_not_booted(record)
        {
            let text = format!("{} waits for a reboot ({why}) and is not in the plan.", host.name);
            out.push(Finding::soft("reboot-pending", &host.name, text).evidence(evidence));
        }
    }
}

/// Guests for which an update takes effect only once they are started again.
fn guests(ground: Ground, out: &mut Vec<Finding>) {
    let waiting = ground.pool.records().guests().filter(|(_, g)| g.awaits_restart && g.on.is_some()).count();
    if waiting > 0 {
        let verb = if waiting == 1 { "waits" } else { "wait" };
        let text = format!(
            "{} {verb} for a restart after an earlier update: moving does not count as one.",
            words::count(waiting, "guest")
        );
        out.push(Finding::note("guest-guidance", "", text).evidence("VM.pending_guidances: restart_vm, restart_device_model"));
    }
}

/// Hosts that run different software: the gate's own finding, with what it means for this round.
fn versions(ground: Ground, out: &mut Vec<Finding>) {
    let Some(obstacle) = ground.pool.obstacles(ground.now).into_iter().find(|o| o.reason.code == "versions") else { return };
    let all = ground.plan.hosts.len() + ground.plan.left_out.len() >= ground.picture.hosts.len();
    let evidence = obstacle.reason.evidence;
    let finding = if ground.plan.kind.is_update() && all {
        Finding::note("versions", "", "The hosts run different software now; this round brings them together.")
    } else {
        let text = "The hosts run different software: guests that leave an older host may not come back to it.";
        Finding::note("versions", "", text).weigh(obstacle.reason.severity)
    };
    out.push(finding.evidence(evidence));
}

/// XenServer: the metadata that is applied.
fn metadata(ground: Ground, hash: &str, out: &mut Vec<Finding>) {
    if let Ok(now) = ground.survey.metadata()
        && now.hash != *hash
    {
        let text = "The update metadata has changed since the plan was made.";
        let evidence = format!("hash {} in the plan, {} now", short(hash), short(&now.hash));
        out.push(Finding::hard("plan-metadata", "", text).evidence(evidence));
    }
    let synced = ground.pool.records().the_pool().and_then(|p| p.last_update_sync.0);
    match synced.map(|at| ground.now.since(at)) {
        None => {
            let text = "The pool does not say when its update metadata was last synchronised.";
            out.push(Finding::note("metadata-age", "", text).evidence("pool.last_update_sync"));
        }
        Some(age) if age > OLD_METADATA => {
            let text = format!("The update metadata is {} old: newer updates are not in it.", duration(age));
            out.push(Finding::soft("metadata-old", "", text).evidence("pool.last_update_sync"));
        }
        Some(_) => {}
    }
    for host in ground.planned() {
        let changed = ground.pool.records().host(&host.r#ref).and_then(|h| h.last_software_update.0);
        if let Some(age) = changed.map(|at| ground.now.since(at)).filter(|age| *age > OLD_SOFTWARE) {
            let text = format!(
                "{} was last updated {} ago: going on from so old software is not tested by its vendor.",
                host.name,
                duration(age)
            );
            out.push(Finding::note("software-old", &host.name, text).evidence("host.last_software_update"));
        }
    }
}

/// XCP-ng: hosts of one version that lack different packages end up different, or were different before.
fn packages(ground: Ground, out: &mut Vec<Finding>) {
    let mut groups: BTreeMap<Vec<&str>, Vec<&str>> = BTreeMap::new();
    for planned in ground.plan.hosts.iter().filter(|p| !p.updates.is_empty()) {
        let mut packages: Vec<&str> = planned.updates.iter().map(String::as_str).collect();
        packages.sort_unstable();
        groups.entry(packages).or_default().push(&planned.name);
    }
    if groups.len() > 1 {
        let parts: Vec<String> = groups
            .iter()
            .map(|(packages, hosts)| format!("{} lack {}", words::list(hosts), words::count(packages.len(), "package")))
            .collect();
        let text = "The hosts do not lack the same packages: some were updated by themselves before.";
        out.push(Finding::note("packages-differ", "", text).evidence(words::list(&parts)));
    }
}

fn short(hash: &str) -> String {
    words::name(&hash.chars().take(12).collect::<String>())
}
