//! One path: how it is, what it did over the last week, what it is worth for a fail-over, and how the heartbeats of its host are.

use super::Sheet;
use crate::pool::heartbeats::{Heartbeat, by_day};
use crate::pool::paths::PathPast;
use crate::pool::picture::{HostView, PathKind, PathView};
use crate::text;
use crate::tui::draw::words::{ago, exact, moment};
use crate::tui::model::Model;
use crate::tui::theme::Role;
use crate::xenapi::record::Ref;

/// Changes that are listed.
const LISTED: usize = 20;
/// Hours of lost paths that are listed.
const HOURS: usize = 8;

fn kind(kind: PathKind) -> &'static str {
    match kind {
        PathKind::Multipath => "multipath",
        PathKind::Boot => "boot disk",
        PathKind::Bond => "bond",
        PathKind::Link => "link",
    }
}

/// Whether there is only one where there should be two.
pub(crate) const fn is_single(p: &PathView) -> bool {
    p.total < 2 && !matches!(p.kind, PathKind::Link)
}

/// A path in one line.
pub(super) fn line(sheet: &mut Sheet, model: &Model, p: &PathView) {
    let glyphs = &model.look.glyphs;
    let (glyph, role) = if p.up < p.total {
        let sign = model.look.health(p.health);
        (sign.glyph, sign.role)
    } else if p.week.flaps || is_single(p) {
        (glyphs.warning, Role::Degraded)
    } else {
        (glyphs.ok, Role::Healthy)
    };
    let mut more = String::new();
    if !p.sr.is_empty() {
        more = format!(" (SR {})", p.sr);
    }
    if let Some(since) = p.since.filter(|_| p.up < p.total) {
        more = format!("{more} since {}", moment(since, model.shown(), &model.zone));
    }
    if p.week.flaps {
        more.push_str(": flapping");
    } else if is_single(p) {
        more.push_str(": only one path, a fault takes it all");
    } else if let Some(least) = p.week.least.filter(|least| *least < p.total && p.up == p.total) {
        more = format!("{more}: whole again, was {least}/{} this week", p.total);
    }
    sheet.para(format!("{glyph} {}/{}", p.up, p.total), role, 8, format!("{} {}{more}", kind(p.kind), p.name), Role::Text);
}

/// The whole of it.
pub(super) fn sheet(model: &Model, p: &PathView) -> Sheet {
    let mut sheet = Sheet::new(format!("Paths of {} to {}", p.host, p.name));
    line(&mut sheet, model, p);
    advice(&mut sheet, p);
    sheet.blank();
    sheet.fact("kind", kind(p.kind));
    sheet.fact("SR", p.sr.clone());
    sheet.fact("up", format!("{} of {}", p.up, p.total));
    sheet.fact("since", p.since.map_or_else(String::new, |t| format!("{} ({})", exact(t, &model.zone), ago(model.shown(), t))));
    let Some(view) = model.pool() else { return sheet };
    if let Some(past) = view.pool.path_past(p, model.shown()) {
        week(&mut sheet, model, p, &past);
    }
    let Some(host) = view.picture.hosts.iter().find(|h| h.name == p.host) else { return sheet };
    if matches!(p.kind, PathKind::Multipath | PathKind::Boot) {
        failover(&mut sheet, model, host);
    }
    heartbeats(&mut sheet, model, &host.r#ref);
    sheet
}

fn advice(sheet: &mut Sheet, p: &PathView) {
    let text = if p.up == 0 {
        "No path is left: what lies behind it cannot be reached from this host. Bring a path back (cable, switch port, HBA, target) before anything else."
    } else if p.up < p.total {
        "It still works. If the rest goes too, or the host restarts before it is repaired, it may have none. Repair it before the next maintenance."
    } else if p.week.flaps {
        "It comes and goes: look at the cable, the port's error counters and the transceiver; take it out on purpose rather than rely on it."
    } else if is_single(p) {
        "There is one path only (seed 2 calls that a bad configuration): whatever is on its way takes it all. Give it a second one."
    } else {
        return;
    };
    sheet.blank();
    sheet.words(text, Role::Text);
}

fn week(sheet: &mut Sheet, model: &Model, p: &PathView, past: &PathPast) {
    sheet.heading("The last 7 days");
    let watched = format!("{} ({})", exact(past.watched, &model.zone), ago(model.shown(), past.watched));
    let seen = u32::try_from(past.changes.len()).unwrap_or(u32::MAX).saturating_add(past.more);
    if seen == 0 {
        sheet.words("No change was seen.", Role::Healthy);
    } else {
        let least = if past.more > 0 { "at least " } else { "" };
        sheet.fact("changes", format!("{least}{seen}{}", if past.flaps { ", and it flaps now" } else { "" }));
        if !past.short_for.is_zero() {
            sheet.fact("short", format!("for {} not all of them were up", text::duration(past.short_for)));
        }
        for (at, up, total) in past.changes.iter().rev().take(LISTED) {
            let role = if *up == 0 {
                Role::Failed
            } else if up < total {
                Role::Degraded
            } else {
                Role::Healthy
            };
            sheet.para(moment(*at, model.shown(), &model.zone), Role::Muted, 14, format!("{up}/{total}"), role);
        }
        let more = past.changes.len().saturating_sub(LISTED) + past.more as usize;
        if more > 0 {
            sheet.para("", Role::Muted, 14, format!("and {more} before"), Role::Muted);
        }
    }
    sheet.fact("watched since", watched);
    if past.told.is_empty() {
        return;
    }
    sheet.words("The host's own statistics counted lost paths in these hours (mean of the hour):", Role::Degraded);
    for (hour, mean) in past.told.iter().rev().take(HOURS) {
        sheet.para(
            moment(*hour, model.shown(), &model.zone),
            Role::Muted,
            14,
            format!("{mean:.1} of {} lost", p.total),
            Role::Degraded,
        );
    }
    if past.told.len() > HOURS {
        sheet.para("", Role::Muted, 14, format!("and {} hours before", past.told.len() - HOURS), Role::Muted);
    }
}

/// What a fail-over of this host comes to.
pub(super) fn failover(sheet: &mut Sheet, model: &Model, host: &HostView) {
    let Some(risk) = &host.failover else { return };
    sheet.heading("If paths fail: the fail-over");
    let glyphs = &model.look.glyphs;
    let (glyph, role) = if risk.is_too_slow() {
        (glyphs.failed, Role::Failed)
    } else if risk.is_a_risk() {
        (glyphs.warning, Role::Degraded)
    } else {
        (glyphs.ok, Role::Healthy)
    };
    sheet.para(glyph, role, 3, format!("{}.", risk.words()), Role::Text);
    if !risk.mend().is_empty() {
        sheet.para("", role, 3, format!("what to do: {}", risk.mend()), Role::Info);
    }
    sheet.para(
        "",
        Role::Muted,
        3,
        "80 ms a device, one after the other: seen with 2,000 devices (open-iscsi list, 2022)",
        Role::Muted,
    );
}

/// The heartbeats of a host against their limits.
pub(super) fn heartbeats(sheet: &mut Sheet, model: &Model, host: &Ref) {
    let Some(view) = model.pool() else { return };
    let all = view.pool.heartbeats(host, model.shown());
    let off = view.pool.heartbeats_are_off(host);
    if all.is_empty() && !off {
        return;
    }
    sheet.heading("Heartbeats against their limits");
    for one in &all {
        heartbeat(sheet, model, one);
    }
    if off {
        sheet.words(
            "HA is on, but this host does not record how slow its heartbeats are (xapi leaves that off). To see them: \
             xe host-data-source-record host=NAME data-source=network/latency, and the same for statefile/VDI-UUID/latency.",
            Role::Muted,
        );
    }
}

fn heartbeat(sheet: &mut Sheet, model: &Model, one: &Heartbeat) {
    let (hours, one) = (&one.hours, &one.view);
    let sign = model.look.health(one.health);
    let now = one.now_s.map_or_else(|| "no reading now".to_owned(), |s| format!("{} now", short(s)));
    let worst = one.worst.map_or_else(String::new, |(at, worst)| {
        format!("; worst of 7 days {} ({})", short(worst), moment(at, model.shown(), &model.zone))
    });
    sheet.para(sign.glyph, sign.role, 3, format!("{}: {now}, limit {:.0} s{worst}", one.what, one.limit_s), Role::Text);
    let day = |day: &Option<f32>| day.map_or_else(|| "\u{2013}".to_owned(), |worst| short(f64::from(worst)));
    let days: Vec<String> = by_day(hours).iter().map(day).collect();
    sheet.para("", Role::Muted, 3, format!("day by day, worst, today last: {}", days.join("  ")), Role::Muted);
}

/// Seconds, or milliseconds where there is less than one.
fn short(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.0} ms", seconds * 1_000.0) } else { format!("{seconds:.1} s") }
}
