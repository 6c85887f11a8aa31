//! A host: why its gate is closed first, then what else is known of it.

use super::{Sheet, gate_words};
use crate::pool::picture::{GateState, HostView, PathView};
use crate::text;
use crate::tui::draw::words::{ago, exact, moment, plural};
use crate::tui::model::{Model, PoolView};
use crate::tui::theme::Role;
use crate::xenapi::record::Record;

/// VMs that are listed by name at most.
const VMS: usize = 200;

pub(super) fn sheet(model: &Model, pool: &PoolView, host: &HostView) -> Sheet {
    let look = &model.look;
    let picture = &pool.picture;
    let mark = if host.coordinator { " (coordinator)" } else { "" };
    let mut sheet = Sheet::new(format!("{}{mark} {} {}", host.name, look.glyphs.dot, gate_words(&host.gate)));
    if host.gate.reasons.is_empty() && host.gate.state == GateState::Open {
        sheet.para(look.glyphs.ok, Role::Healthy, 8, "Nothing is known that speaks against rebooting this host now.", Role::Text);
    }
    sheet.gate(look, model, &host.gate);

    sheet.heading("State");
    let sign = look.host(host);
    let word = if host.state.text.is_empty() { sign.word } else { &host.state.text };
    let since = host.state.since.map_or_else(String::new, |t| format!(", since {}", moment(t, model.shown(), &model.zone)));
    sheet.para("now", Role::Muted, 14, format!("{} {word}{since}", sign.glyph), sign.role);
    sheet.fact("known from", host.state.evidence.clone());
    let yes = |b: bool| if b { "yes" } else { "no" };
    sheet.fact("xapi says", format!("enabled: {}, live: {}", yes(host.enabled), yes(host.live)));
    sheet.fact(
        "booted",
        host.booted.map_or_else(String::new, |t| format!("{} ({})", exact(t, &model.zone), ago(model.shown(), t))),
    );
    sheet.fact("version", host.version.clone());
    sheet.fact("pending", host.guidance.join(", "));
    sheet.fact("address", host.address.clone());
    if host.memory.total > 0 {
        let used = host.memory.used.map_or_else(|| "unknown".to_owned(), text::bytes);
        sheet.fact("memory", format!("{used} used of {}", text::bytes(host.memory.total)));
    }
    // The deadline that is the nearest of all, and which one that is.
    let nearest = host.heartbeats.iter().find(|one| one.now_s.is_some());
    let because = nearest.map_or_else(String::new, |one| {
        format!("; nearest to its limit: {}, {:.1} s of {:.0} s", one.what, one.now_s.unwrap_or_default(), one.limit_s)
    });
    sheet.fact(
        "fence in",
        host.fence_margin_s.map_or_else(String::new, |s| format!("{:.0} s if nothing changes{because}", s.max(0.0))),
    );
    if let Some(fence) = &host.fence {
        sheet.fact("o2cb says", format!("{} ({})", fence.text, ago(model.shown(), fence.seen)));
        sheet.fact("do now", fence.advice.clone());
        for warning in &fence.warnings {
            sheet.fact("o2cb warns", warning.clone());
        }
    }
    sheet.fact("HA daemon", host.xhad.clone().unwrap_or_default());
    probe(&mut sheet, model, pool, host);
    if let Some(clock) = picture.clocks.iter().find(|c| c.host == host.name) {
        let way = if clock.skew_s < 0.0 { "behind" } else { "ahead of" };
        sheet.fact(
            "clock",
            format!(
                "{:.1} s {way} the coordinator, give or take {:.1} s ({})",
                clock.skew_s.abs(),
                clock.error_s.abs(),
                ago(model.shown(), clock.seen)
            ),
        );
    }
    sheet.fact("doing now", host.current.join(", "));
    let allowed = if host.allowed.is_empty() { "nothing".to_owned() } else { host.allowed.join(", ") };
    sheet.fact("xapi allows", allowed);

    let paths: Vec<&PathView> = picture.paths.iter().filter(|p| p.host == host.name).collect();
    if !paths.is_empty() {
        sheet.heading("I/O paths");
        for path in paths {
            super::paths::line(&mut sheet, model, path);
        }
        super::paths::failover(&mut sheet, model, host);
    }
    super::paths::heartbeats(&mut sheet, model, &host.r#ref);
    vms(&mut sheet, pool, host);
    sheet
}

/// Whether its probe tells us something; if not, why, and what to do.
fn probe(sheet: &mut Sheet, model: &Model, pool: &PoolView, host: &HostView) {
    let (seen, standing) = pool.pool.probe_of(&host.r#ref);
    let (text, todo) = standing.words();
    let when = seen.map_or_else(String::new, |at| format!(" ({})", ago(model.shown(), at)));
    sheet.fact("probe", format!("{text}{when}"));
    if !todo.is_empty() {
        sheet.para("", Role::Info, 14, format!("what to do: {todo}"), Role::Info);
    }
}

/// The names of the guests, from the records.
fn vms(sheet: &mut Sheet, pool: &PoolView, host: &HostView) {
    sheet.heading(plural(host.vms, "VM", "VMs"));
    let Some(Record::Host(record)) = pool.known().record(&host.r#ref) else {
        sheet.words("Their names are not known.", Role::Muted);
        return;
    };
    let mut names: Vec<String> =
        record.resident_vms.iter().filter(|r| pool.known().guest(r).is_some()).map(|r| pool.known().name_of(r)).collect();
    names.sort_by_key(|n| n.to_lowercase());
    if names.is_empty() {
        sheet.words("none", Role::Muted);
        return;
    }
    let more = names.len().saturating_sub(VMS);
    names.truncate(VMS);
    let mut all = names.join(", ");
    if more > 0 {
        all = format!("{all} and {more} more");
    }
    sheet.words(all, Role::Text);
}
