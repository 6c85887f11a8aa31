//! Who is in control of the pool: its coordinator, HA, other programs at work, our own claim, and whether its database went back in time.

use super::Sheet;
use crate::observation::RevertedWhat;
use crate::pool::picture::{Control, Picture};
use crate::text;
use crate::tui::draw::words::{ago, exact};
use crate::tui::model::Model;
use crate::tui::theme::Role;

/// Changes of the coordinator that are listed.
const CHANGES: usize = 5;

pub(super) fn sheet(model: &Model, picture: &Picture) -> Sheet {
    let control = &picture.control;
    let mut sheet = Sheet::new(format!("Who is in control of {}", picture.name));
    let coordinator = if picture.coordinator.is_empty() { "not known" } else { &picture.coordinator };
    sheet.fact("coordinator", coordinator);
    sheet.fact("connection", picture.link.text.clone());
    let changes = picture.alerts.iter().filter(|a| matches!(a.name.as_str(), "coordinator-changed" | "POOL_MASTER_TRANSITION"));
    for change in changes.take(CHANGES) {
        sheet.fact("changed", format!("{}: {}", exact(change.at, &model.zone), change.text));
    }
    ha(&mut sheet, control);
    sheet.heading("At work on this pool");
    let before = sheet.paras.len();
    if let Some(claim) = &control.claim {
        let owner = if claim.owner.is_empty() { "somebody (the claim cannot be read)" } else { &claim.owner };
        let renewed = claim.renewed.map_or_else(String::new, |at| format!(", renewed {}", ago(model.shown(), at)));
        let run = if claim.run.is_empty() { String::new() } else { format!(", run {}", claim.run) };
        sheet.words(format!("A round of poolwatch: {owner}{run}{renewed}"), Role::Text);
    }
    if control.rolling_upgrade {
        sheet.words("A rolling pool upgrade is under way: xapi then lists no reboot for any host.", Role::Text);
    }
    if control.wlb {
        sheet.words("Workload balancing is on and may move VMs.", Role::Text);
    }
    for mark in &control.marks {
        sheet.words(mark.clone(), Role::Text);
    }
    if sheet.paras.len() == before {
        sheet.words("Nobody that leaves a mark.", Role::Muted);
    }
    database(&mut sheet, model, control);
    sheet
}

fn ha(sheet: &mut Sheet, control: &Control) {
    sheet.heading("High availability");
    if !control.ha {
        sheet.words("HA is off: no guest is restarted elsewhere when a host dies, and no host fences itself for it.", Role::Text);
        return;
    }
    sheet.fact("stack", control.ha_stack.clone());
    sheet.fact("time-out", control.ha_timeout_s.map_or_else(|| "xapi's default, 60 s".to_owned(), |s| format!("{s:.0} s")));
    let failures = |n: i64| if n == 1 { "1 host failure".to_owned() } else { format!("{n} host failures") };
    sheet.fact("plans for", failures(control.ha_tolerates));
    sheet.fact("holds for", format!("{} now", failures(control.ha_plan_exists_for)));
    if control.ha_overcommitted {
        sheet.words("It is overcommitted: not every protected guest could be restarted.", Role::Degraded);
    }
    for (host, seen) in &control.statefiles {
        let all = control.ha_statefiles;
        let (role, words) = match *seen {
            0 => (Role::Failed, "sees no statefile: it restarts itself if that lasts".to_owned()),
            seen if seen < all => (Role::Degraded, format!("sees {seen} of {all} statefiles")),
            seen => (Role::Text, format!("sees {seen} of {all} statefiles")),
        };
        sheet.para(host.clone(), role, 14, words, role);
    }
}

fn database(sheet: &mut Sheet, model: &Model, control: &Control) {
    sheet.heading("The pool's database");
    let generation = control.generation.map_or_else(|| "not known".to_owned(), |n| n.to_string());
    sheet.fact("changes", generation);
    let Some(rewind) = &control.rewind else {
        sheet.words("It has not gone back in time, as far as poolwatch remembers.", Role::Muted);
        return;
    };
    let gone = rewind.from.saturating_sub(rewind.to);
    sheet.words(
        format!(
            "It went back in time: from change {} to {}. A coordinator with an older copy took over, or one was restored; {gone} changes are \
             lost. Before anything else, see that no guest runs on two hosts.",
            rewind.from, rewind.to
        ),
        Role::Failed,
    );
    sheet.fact("found", format!("{} ({})", exact(rewind.at, &model.zone), ago(model.shown(), rewind.at)));
    let gap = text::duration(rewind.at.since(rewind.last));
    sheet.fact("compared with", format!("what was seen {gap} before that, {}", exact(rewind.last, &model.zone)));
    for change in &rewind.changes {
        let (head, role) = match change.what {
            RevertedWhat::Lost => ("lost", Role::Failed),
            RevertedWhat::Reverted => ("as before", Role::Degraded),
            RevertedWhat::Back => ("is back", Role::Info),
        };
        sheet.para(head, role, 14, format!("{} {}: {}", change.class.call_name(), change.name, change.text), Role::Text);
    }
    if rewind.changes.is_empty() {
        sheet.words("Nothing that is compared differs: hosts, guests, SRs and their plugs, bonds, clusters.", Role::Text);
    }
    if rewind.more > 0 {
        sheet.para("", Role::Muted, 14, format!("and {} more", rewind.more), Role::Muted);
    }
}
