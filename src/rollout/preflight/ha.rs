//! What is switched off for the round and on again at its end: HA, workload balancing, automatic power-on. And whether HA can come back:
//! what could refuse that is looked at before HA is touched.

use super::Ground;
use crate::pool::words;
use crate::rollout::finding::Finding;

pub fn check(ground: Ground, out: &mut Vec<Finding>) {
    let Some(pool) = ground.pool.records().the_pool() else { return };
    if pool.ha_enabled {
        on(ground, out);
    }
    if pool.wlb_enabled {
        let text = "Workload balancing is switched off for the round and on again at its end.";
        out.push(Finding::note("wlb-off", "", text).evidence("pool.wlb_enabled"));
    }
    if pool.other_config.get("auto_poweron").is_some_and(|v| v.trim().eq_ignore_ascii_case("true")) {
        let text = "Automatic power-on of guests is switched off for the round and on again at its end: they would fill an emptied host.";
        out.push(Finding::note("auto-poweron-off", "", text).evidence("pool.other_config:auto_poweron"));
    }
}

fn on(ground: Ground, out: &mut Vec<Finding>) {
    let Some(pool) = ground.pool.records().the_pool() else { return };
    let tolerates = usize::try_from(pool.ha_host_failures_to_tolerate).unwrap_or_default();
    let text = format!(
        "HA is switched off for the round and on again at its end (it tolerates {}).",
        words::count(tolerates, "host failure")
    );
    let configuration: Vec<String> =
        pool.ha_configuration.iter().map(|(k, v)| format!("{} = {}", words::name(k), words::name(v))).collect();
    let evidence = if configuration.is_empty() {
        "pool.ha_enabled".into()
    } else {
        format!("pool.ha_enabled; {}", configuration.join(", "))
    };
    out.push(Finding::note("ha-off", "", text).evidence(evidence));

    statefile(ground, out);
    for (_, pif) in ground.pool.records().pifs().filter(|(_, p)| (p.management || p.disallow_unplug) && !p.currently_attached) {
        let Some(host) = ground.picture.hosts.iter().find(|h| h.r#ref == pif.host) else { continue };
        let device = words::name(&pif.device);
        let text = format!("{device} of {} is unplugged: HA cannot be switched on again while it is.", host.name);
        out.push(
            Finding::soft("ha-network", &format!("{device} on {}", host.name), text).evidence("PIF.currently_attached = false"),
        );
    }
    let planned = ground.plan.hosts.len();
    let done = ground.plan.left_out.len();
    if ground.plan.kind.is_update() && planned + done < ground.picture.hosts.len() {
        let text = "Not all hosts are updated in this round: HA cannot be switched on again while their software differs.";
        let evidence = format!("{planned} of {} hosts are planned", ground.picture.hosts.len());
        out.push(Finding::soft("ha-partial", "", text).evidence(evidence));
    }
}

/// HA needs an SR for its statefile that every host has plugged. Which one it is, the pool tells only by its disk.
fn statefile(ground: Ground, out: &mut Vec<Finding>) {
    let everywhere = ground.pool.records().srs().any(|(r, sr)| {
        (sr.shared || sr.clustered)
            && &*sr.content_type != "iso"
            && ground.picture.hosts.iter().all(|h| ground.pool.pbds(&h.r#ref).any(|(_, p)| p.sr == *r && p.currently_attached))
    });
    if !everywhere {
        let text = "No shared SR is plugged on every host: HA would find no place for its statefile.";
        out.push(Finding::hard("ha-statefile-sr", "", text).evidence("PBDs of all shared SRs"));
    }
}
