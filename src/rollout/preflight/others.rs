//! Who else acts on the pool: claims, marks that other tools leave, tasks of others, a rolling upgrade.

use super::Ground;
use crate::observation::Rewind;
use crate::pool::words;
use crate::rollout::claim::Claim;
use crate::rollout::finding::{Finding, Fix};
use crate::text::{clean, duration};
use crate::time::Time;
use crate::xenapi::record::Task;

pub fn check(ground: Ground, out: &mut Vec<Finding>) {
    database(ground, out);
    claim(ground, out);
    marks(ground, out);
    rolling_upgrade(ground, out);
    let mut tasks: Vec<_> = ground.pool.records().tasks().filter(|(_, t)| t.status.is_running()).collect();
    tasks.sort_by_key(|(r, t)| (t.created, (*r).clone()));
    for (_, task) in tasks {
        out.extend(work(ground, task));
    }
}

/// A database that went back in time: what it says of guests and hosts may be from another day.
fn database(ground: Ground, out: &mut Vec<Finding>) {
    let Some(rewind) = &ground.picture.control.rewind else { return };
    let text = format!("The pool's database went back in time {}.", rewind_words(rewind, ground.now));
    let evidence = format!("event generation {} after {}", rewind.to, rewind.from);
    out.push(if ground.plan.options.database_checked.is_some_and(|at| at >= rewind.at) {
        Finding::note("database-went-back", "", format!("{text} You said that you looked at it.")).evidence(evidence)
    } else {
        Finding::hard("database-went-back", "", text).evidence(evidence).fix(Fix::DatabaseChecked { at: ground.now })
    });
}

/// When that was found, and what was lost.
pub fn rewind_words(rewind: &Rewind, now: Time) -> String {
    let lost = if rewind.changes.is_empty() {
        "what was lost by that is not known".to_owned()
    } else {
        crate::pool::control::rewind_words(rewind)
    };
    format!("({}; {lost})", words::ago(now, rewind.at))
}

/// Another round of poolwatch, alive or not.
fn claim(ground: Ground, out: &mut Vec<Finding>) {
    let Some(claim) = ground.pool.records().the_pool().and_then(|p| Claim::of(&p.other_config)) else { return };
    let evidence = "pool.other_config:poolwatch:claim";
    if claim.may_be_taken_over(ground.now) {
        let text = format!("The pool is claimed by a round that seems to be dead: {}.", claim.words(ground.now));
        out.push(Finding::hard("claim-dead", "", text).evidence(evidence).fix(Fix::TakeOverClaim));
    } else {
        let text = format!("Another round is under way: {}.", claim.words(ground.now));
        out.push(Finding::hard("claimed", "", text).evidence(evidence));
    }
}

/// Marks that other tools leave while they work.
fn marks(ground: Ground, out: &mut Vec<Finding>) {
    // Of those that the model knows, our own claim and what the pool is busy with are told elsewhere.
    let own = ["poolwatch ", "the pool itself is busy", "updates are being applied on "];
    for mark in ground.picture.control.marks.iter().filter(|m| !own.iter().any(|start| m.starts_with(start))) {
        out.push(Finding::soft("other-tool", mark, format!("{mark}.")).evidence("pool.other_config"));
    }
    if let Some(pool) = ground.pool.records().the_pool()
        && pool.other_config.iter().any(|(key, _)| key.starts_with("xo:"))
    {
        let text = "Xen Orchestra works with this pool: see that none of its backups or balancing starts meanwhile.";
        out.push(Finding::note("xen-orchestra", "", text).evidence("keys that begin with xo: in pool.other_config"));
    }
    for host in &ground.picture.hosts {
        let Some(record) = ground.pool.records().host(&host.r#ref) else { continue };
        if let Some(value) = record.other_config.get("MAINTENANCE_MODE") {
            let text = format!("XenCenter has put {} into maintenance mode.", host.name);
            let evidence = format!("host.other_config:MAINTENANCE_MODE = {}", words::name(value));
            out.push(Finding::soft("maintenance-mode", &host.name, text).evidence(evidence));
        }
    }
}

/// What mixed versions mean: both that xapi's word on reboots is missing, and that backups fail.
fn rolling_upgrade(ground: Ground, out: &mut Vec<Finding>) {
    let update = ground.plan.kind.is_update();
    if ground.picture.control.rolling_upgrade {
        let text =
            "The pool is in rolling-upgrade mode: xapi lists reboot for no host then, so poolwatch goes by everything else.";
        out.push(Finding::note("rolling-upgrade", "", text).evidence("pool.other_config:rolling_upgrade_in_progress"));
        let text = "In rolling-upgrade mode xapi refuses snapshots: backups fail until all hosts run the same software.";
        out.push(Finding::note("backups-fail", "", text).evidence("pool.other_config:rolling_upgrade_in_progress"));
    } else if update && !ground.alone() {
        let text = "While the hosts run different software xapi refuses snapshots: backups that run meanwhile may fail.";
        out.push(Finding::note("backups-fail", "", text).evidence("the round updates one host after the other"));
    }
}

/// What a task means for a round.
enum Weight {
    /// Somebody else takes hosts out of use or changes them.
    Host,
    /// Somebody else moves guests.
    Move,
    /// A guest is held in its place by a copy that is made of it.
    Hold,
}

fn work(ground: Ground, task: &Task) -> Option<Finding> {
    let label = task.name_label.trim_start_matches("Async.");
    let (weight, what) = meaning(label, &task.name_label)?;
    let who = owner(task);
    let on = ground.pool.name_of(&task.resident_on);
    let on = if on.is_empty() { String::new() } else { format!(" on {on}") };
    let since = task.created.0.map(|at| format!(" for {}", duration(ground.now.since(at)))).unwrap_or_default();
    let name = clean(&task.name_label, 80);
    let evidence = format!("task \"{name}\"{on}, running{since}");
    let text = match who {
        Some(who) => format!("{who} {what}."),
        None => format!("Somebody {what}."),
    };
    Some(match weight {
        Weight::Host => Finding::hard("task-host", &name, text).evidence(evidence),
        Weight::Move => Finding::soft("task-move", &name, text).evidence(evidence),
        Weight::Hold => Finding::soft("task-backup", &name, text).evidence(evidence),
    })
}

/// Tasks by their names: xapi's calls, and how backup tools call theirs.
fn meaning(call: &str, label: &str) -> Option<(Weight, &'static str)> {
    Some(match call {
        "host.evacuate" => (Weight::Host, "empties a host"),
        "host.reboot" | "Host is rebooting" => (Weight::Host, "reboots a host"),
        "host.shutdown" => (Weight::Host, "shuts a host down"),
        "host.apply_updates" | "pool_update.apply" | "pool_update.pool_apply" | "pool_patch.apply" => {
            (Weight::Host, "installs updates")
        }
        "host.disable" => (Weight::Host, "disables a host"),
        "host.restart_agent" => (Weight::Host, "restarts a host's toolstack"),
        "pool.designate_new_master" => (Weight::Host, "changes the coordinator"),
        "pool.enable_ha" => (Weight::Host, "switches HA on"),
        "pool.disable_ha" => (Weight::Host, "switches HA off"),
        "pool.eject" => (Weight::Host, "takes a host out of the pool"),
        "VM.pool_migrate" | "VM.migrate_send" | "VDI.pool_migrate" => (Weight::Move, "moves a guest or its disks"),
        "VM.snapshot" | "VM.snapshot_with_quiesce" | "VM.checkpoint" | "VDI.snapshot" => {
            (Weight::Hold, "makes a snapshot: that guest cannot move meanwhile")
        }
        "VM.copy" | "VDI.copy" => (Weight::Hold, "copies a guest's disks: that guest may not be able to move meanwhile"),
        _ => {
            let lower = label.to_lowercase();
            let backup = ["export", "backup", "replication", "nbd"].iter().any(|word| lower.contains(word));
            if backup {
                (Weight::Hold, "runs a backup or an export: that guest may not be able to move meanwhile")
            } else if lower.contains("rolling") {
                (Weight::Host, "runs a rolling update or reboot")
            } else {
                return None;
            }
        }
    })
}

/// Which tool a task belongs to, as far as it shows.
fn owner(task: &Task) -> Option<&'static str> {
    if task.name_label.starts_with("[XO]") || task.other_config.iter().any(|(k, _)| k.starts_with("xo:")) {
        Some("Xen Orchestra")
    } else if task.other_config.iter().any(|(k, _)| k.starts_with("XenCenter")) {
        Some("XenCenter")
    } else {
        None
    }
}
