//! The fourth page: what will be changed in the pool, how long it takes, and the pool's name to type.

use super::paper::{Paper, piece};
use super::plan::{lasts, not_yet};
use super::words::kind;
use crate::pool::picture::Severity;
use crate::rollout::plan::Stage;
use crate::text;
use crate::tui::draw::pen::Pen;
use crate::tui::draw::words::{moment, plural, width};
use crate::tui::model::{Model, PoolView};
use crate::tui::theme::Role;
use ratatui::layout::Rect;
use std::time::Duration;

/// What will be done to the pool, as sentences.
fn changes(pool: &PoolView) -> Vec<String> {
    let Some(prepared) = pool.wizard.prepared() else { return Vec::new() };
    let (plan, options, control) = (&prepared.plan, &prepared.plan.options, &pool.picture.control);
    let mut said = Vec::new();
    let names: Vec<&str> = plan.hosts.iter().map(|h| h.name.as_str()).collect();
    let hosts = if names.len() == 1 { "One host is".to_owned() } else { format!("{} hosts are", names.len()) };
    let update = if plan.kind.is_update() { "updated and " } else { "" };
    let turn = if names.len() == 1 { "" } else { ", one after the other" };
    said.push(format!("{hosts} {update}rebooted{turn}: {}.", names.join(", ")));
    let guests: usize = pool.picture.hosts.iter().filter(|h| plan.hosts.iter().any(|p| p.host == h.r#ref)).map(|h| h.vms).sum();
    let home = if options.home { "and come back to it afterwards" } else { "and stay where they went" };
    said.push(format!("{}, running, off the host whose turn it is, {home}.", plural(guests, "guest moves", "guests move")));
    if options.shut_down_pinned {
        said.push("Guests that cannot move are shut down, and started again where they were.".to_owned());
    }
    if control.ha {
        let stack = if control.ha_stack.is_empty() { String::new() } else { format!(" ({})", control.ha_stack) };
        said.push(format!("HA{stack} is switched off for the time of the round and on again, as it is now, at its end."));
    }
    if control.wlb {
        said.push("Workload balancing is switched off for the time of the round.".to_owned());
    }
    if prepared.findings.iter().any(|f| f.code == "auto-poweron-off") {
        said.push("Automatic power-on of guests is switched off for the time of the round.".to_owned());
    }
    said.push("poolwatch puts its claim on the pool, so that no second round begins, and takes it away at the end.".to_owned());
    said
}

pub(super) fn write(paper: &mut Paper, model: &Model, pool: &PoolView) {
    if not_yet(paper, model, &pool.wizard.survey) {
        return;
    }
    let Some(prepared) = pool.wizard.prepared() else { return };
    let (g, plan) = (model.look.glyphs, &prepared.plan);
    paper.line(
        0,
        vec![
            piece(format!("{} of {}", kind(&plan.kind), plural(plan.hosts.len(), "host", "hosts")), Role::Title),
            piece(lasts(prepared.lasts_s), Role::Text),
        ],
    );
    paper.heading("What will be changed in the pool", Vec::new());
    for text in changes(pool) {
        paper.beside(0, piece(g.note, Role::Muted), 2, &text, Role::Text);
    }
    paper.heading("How long it takes", Vec::new());
    match prepared.lasts_s {
        Some(secs) => {
            let end = model.now + Duration::from_secs(secs);
            let each = secs / plan.hosts.len().max(1) as u64;
            let text = format!(
                "About {}, {} a host: until {}. It is learnt anew from each host that is done.",
                text::duration(Duration::from_secs(secs)),
                text::duration(Duration::from_secs(each)),
                moment(end, model.now, &model.zone)
            );
            paper.words(2, &text, Role::Text);
        }
        None => paper.words(2, "It cannot be told before the first host is done; a rehearsal tells it (scope).", Role::Text),
    }
    if let Some(until) = plan.options.not_after {
        let text = format!("No host is begun after {}.", moment(until, model.now, &model.zone));
        paper.words(2, &text, Role::Text);
    }
    if plan.hosts.iter().any(|h| h.coordinator && h.steps.iter().any(|s| s.stage == Stage::Reboot)) {
        paper.words(2, "While the coordinator reboots, the pool cannot be seen; that is said and waited for.", Role::Text);
    }
    let accepted: Vec<_> = prepared
        .findings
        .iter()
        .filter(|f| f.severity == Severity::Soft)
        .filter_map(|f| Some((f, pool.wizard.accepted(f)?)))
        .collect();
    if !accepted.is_empty() {
        paper.heading("What you accepted", Vec::new());
        for (finding, accepted) in accepted {
            paper.beside(0, piece(g.warning, Role::Degraded), 2, &finding.text, Role::Text);
            paper.words(2, &format!("your reason: {}", accepted.reason), Role::Info);
        }
    }
    paper.blank();
    paper.words(0, "It can be paused, stopped after a host, or ended and put back at any time.", Role::Muted);
}

/// The line to type in.
pub(super) fn prompt(pen: &mut Pen<'_>, model: &Model, pool: &PoolView, area: Rect) {
    let name = pool.wizard.wanted_name();
    let role = if pool.wizard.typed.value().trim() == name { Role::Healthy } else { Role::Emphasis };
    let prompt =
        if area.width >= 60 { format!("To begin, type the name of the pool, {name}: ") } else { format!("Type {name}: ") };
    // What is typed always has room to be seen.
    let most = area.width.saturating_sub(3).saturating_sub(width(&name).min(20) + 2);
    let used = pen.text(area.x + 2, area.y, most, &prompt, role);
    let room = area.width.saturating_sub(4 + used);
    let typed: Vec<char> = pool.wizard.typed.value().chars().collect();
    let shown: String = typed.iter().skip(typed.len().saturating_sub(usize::from(room))).collect();
    let typed = pen.text(area.x + 2 + used, area.y, room, &shown, Role::Input);
    if model.naming() {
        pen.text(area.x + 2 + used + typed, area.y, 1, "_", Role::Focus);
    }
}
