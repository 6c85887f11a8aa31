//! Whether our user may do what the plan needs. Where that cannot be asked, a question that was refused says enough.

use super::Ground;
use crate::pool::words;
use crate::rollout::finding::Finding;
use crate::rollout::plan::{Kind, Stage};
use crate::text::clean;

pub fn check(ground: Ground, out: &mut Vec<Finding>) {
    let lacking: Vec<&str> = needed(ground).into_iter().filter(|call| ground.survey.rights.allow(call) == Some(false)).collect();
    if !lacking.is_empty() {
        let text = format!("This user's role does not allow what the round needs: {}.", words::list(&lacking));
        out.push(Finding::hard("role", "", text).evidence("session.rbac_permissions"));
        return;
    }
    if let Some((_, why)) = ground.survey.failures().find(|(_, why)| why.is_denied()) {
        let text = "This user's role does not even allow the questions that a round asks before it begins.";
        out.push(Finding::hard("role", "", text).evidence(clean(&why.text, 160)));
    }
}

/// The calls that this plan makes on this pool, as permissions are named.
fn needed(ground: Ground) -> Vec<&'static str> {
    let mut out = vec![
        "pool.add_to_other_config",
        "pool.remove_from_other_config",
        "host.disable",
        "host.reboot",
        "host.enable",
        "pbd.plug",
    ];
    if ground.planned().any(|h| h.vms > 0) {
        out.extend(["host.evacuate", "vm.pool_migrate"]);
    }
    if ground.plan.hosts.iter().any(|h| h.steps.iter().any(|s| s.stage == Stage::Update)) {
        out.push(match ground.plan.kind {
            Kind::XenServer { .. } => "host.apply_updates",
            Kind::PoolUpdate { .. } => "pool_update.apply",
            Kind::XcpNg | Kind::Reboot => "host.call_plugin",
        });
    }
    if ground.picture.control.ha {
        out.extend(["pool.disable_ha", "pool.enable_ha"]);
    }
    if ground.picture.control.wlb {
        out.push("pool.set_wlb_enabled");
    }
    if ground.plan.options.shut_down_pinned {
        out.extend(["vm.clean_shutdown", "vm.start_on"]);
    }
    out
}
