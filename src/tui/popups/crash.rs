//! The list of a pool's crashes, and one of them.

use super::{inside, window};
use crate::pool::outages::OutageView;
use crate::text;
use crate::tui::draw::pen::Pen;
use crate::tui::draw::table::{Column, Rows, window as scroll};
use crate::tui::draw::words::{fit, moment, plural, width, wrap};
use crate::tui::keymap::Action;
use crate::tui::model::Model;
use crate::tui::model::crash::{CrashId, CrashPane, ReadState};
use crate::tui::msg::PoolIx;
use crate::tui::sheet::SheetLine;
use crate::tui::sheet::crash::{fates_short, sentence, sheet, sign, verdict_words};
use crate::tui::theme::Role;
use crate::tui::update::{availability, crash::chosen};
use ratatui::layout::Rect;
use ratatui::text::Span;

/// Columns of the popups at most.
const WIDTH: u16 = 116;
/// Rows of the list at most.
const HEIGHT: u16 = 30;
/// What stands in the pane next to the way back, in this order, as far as it can be done.
const KEYS: [Action; 7] = [
    Action::CrashStop,
    Action::CrashEvidence,
    Action::CrashHtml,
    Action::CrashMoment,
    Action::CrashCause,
    Action::CrashAgain,
    Action::Copy,
];

fn key(model: &Model, action: Action) -> String {
    model.keymap.keys_of(action, model.contexts()).into_iter().next().unwrap_or_default()
}

/// The list.
pub(super) fn list(pen: &mut Pen<'_>, model: &Model, pool: PoolIx, at: usize, id: Option<&CrashId>, screen: Rect) {
    let all = model.outages(pool);
    let whose = match model.pools.get(pool.0) {
        Some(view) if model.pools.len() > 1 => format!(" of {}", view.name()),
        _ => String::new(),
    };
    if all.is_empty() {
        empty(pen, model, &whose, screen);
        return;
    }
    let title = format!("{}{whose}", plural(all.len(), "crash", "crashes"));
    let rows = u16::try_from(all.len()).unwrap_or(HEIGHT);
    let hints = [(key(model, Action::Open), "open"), (key(model, Action::Back), "back")];
    let body = window(pen, screen, (WIDTH, rows.saturating_add(6).clamp(8, HEIGHT)), &title, &hints);
    // Two lines at the foot say more of the chosen one, where there is room.
    let foot = if body.height >= 6 { 2 } else { 0 };
    let area = Rect { height: body.height.saturating_sub(foot), ..body };
    let at = chosen(&all, at, id);
    let seen = usize::from(area.height.saturating_sub(1));
    let first = scroll(at.saturating_sub(seen / 2), Some(at), all.len(), seen);
    let name = all.iter().map(|outage| width(&outage.name)).max().unwrap_or(4).clamp(4, 24);
    let look = pen.look;
    let lines: Vec<[(String, Role); 6]> = all.iter().map(|outage| line(model, pool, outage)).collect();
    let wide = |column: usize, least: u16, most: u16| {
        let widest = lines.iter().filter_map(|line| line.get(column)).map(|(text, _)| width(text)).max().unwrap_or(0);
        widest.clamp(least, most)
    };
    let columns = [
        Column::new("when", 0, wide(0, 5, 12), wide(0, 5, 12)),
        Column::new("host", 1, name.min(8), name),
        Column::new("verdict", 2, 12, wide(2, 12, 44)),
        Column::new("VMs", 3, wide(3, 8, 24), wide(3, 8, 24)),
        Column::new("dump", 4, wide(4, 4, 12), wide(4, 4, 12)),
        Column::new("cause written", 5, 13, 13),
    ];
    Rows {
        columns: &columns,
        count: all.len(),
        first,
        selected: Some(at),
        focused: true,
        sorted: None,
        head: true,
        below: None,
        cell: |row: usize, column: usize, _: u16| {
            let cell = lines.get(row).and_then(|line| line.get(column));
            cell.map_or_else(Vec::new, |(text, role)| vec![Span::styled(text.clone(), look.style(*role))])
        },
    }
    .draw(pen, area);
    if let Some(outage) = all.get(at).filter(|_| foot > 0) {
        let said = about(model, pool, outage);
        let mut texts = wrap(&said, body.width.saturating_sub(3).max(1));
        if texts.len() > usize::from(foot) {
            let rest = texts.split_off(usize::from(foot) - 1).join(" ");
            texts.push(rest);
        }
        for (row, text) in texts.iter().enumerate() {
            let y = body.bottom().saturating_sub(foot) + row as u16;
            pen.text(body.x + 2, y, body.width.saturating_sub(3), text, Role::Muted);
        }
    }
}

fn empty(pen: &mut Pen<'_>, model: &Model, whose: &str, screen: Rect) {
    let since = if model.replay || model.is_looking_back() { "up to this moment" } else { "since poolwatch watches" };
    let says = [
        format!("No host went down without having been told to {since}, and no host has a crash dump that the pool knows of."),
        "When one does, it is listed here, and what it left is read: `poolwatch crash` reads dumps and logs from elsewhere."
            .to_owned(),
    ];
    let room = WIDTH.min(screen.width).saturating_sub(8).max(8);
    let lines: Vec<String> = says.iter().flat_map(|text| wrap(text, room)).collect();
    let height = u16::try_from(lines.len()).unwrap_or(4).saturating_add(2);
    let body = window(pen, screen, (WIDTH, height), &format!("No crashes{whose}"), &[(key(model, Action::Back), "back")]);
    for (row, line) in lines.iter().take(usize::from(body.height)).enumerate() {
        pen.text(body.x, body.y + row as u16, body.width, line, Role::Text);
    }
}

/// The cells of one crash: when, host, verdict, guests, dump, cause written.
fn line(model: &Model, pool: PoolIx, outage: &OutageView) -> [(String, Role); 6] {
    let when = moment(outage.at(), model.shown(), &model.zone);
    let dump = match &outage.dump {
        None => ("none".to_owned(), Role::Muted),
        Some(dump) if dump.size > 0 => (text::bytes(dump.size), Role::Text),
        Some(_) => ("there".to_owned(), Role::Text),
    };
    let written = outage.dump.as_ref().and_then(|dump| dump.cause.clone());
    let written = match (written, &outage.dump) {
        (Some(cause), _) => (cause, Role::Text),
        (None, Some(_)) => ("no".to_owned(), Role::Muted),
        (None, None) => (String::new(), Role::Muted),
    };
    [(when, Role::Muted), (outage.name.clone(), Role::Title), verdict(model, pool, outage), fates_short(outage), dump, written]
}

/// The verdict so far.
fn verdict(model: &Model, pool: PoolIx, outage: &OutageView) -> (String, Role) {
    let look = &model.look;
    let crashes = model.pools.get(pool.0).map(|view| &view.crashes);
    if let Some(found) = crashes.and_then(|crashes| crashes.found(outage)) {
        let sign = sign(look, found.verdict.cause);
        return (format!("{} {}", sign.glyph, verdict_words(look, found)), sign.role);
    }
    match crashes.and_then(|crashes| crashes.read(&CrashId::of(outage))).map(|read| &read.state) {
        Some(ReadState::Asked { .. }) => (format!("{} reading", look.glyphs.pending), Role::Pending),
        Some(ReadState::Done) => (format!("{} nothing found", look.glyphs.unknown), Role::Degraded),
        Some(ReadState::Failed(_)) => (format!("{} could not be read", look.glyphs.failed), Role::Failed),
        _ if outage.told.iter().any(|(_, name)| name == "HA_HOST_WAS_FENCED") => {
            (format!("{} fenced, says xapi; not read", look.glyphs.unknown), Role::Degraded)
        }
        _ => (format!("{} not read yet", look.glyphs.unknown), Role::Muted),
    }
}

/// What more there is to say of the chosen one.
fn about(model: &Model, pool: PoolIx, outage: &OutageView) -> String {
    let found = model.pools.get(pool.0).and_then(|view| view.crashes.found(outage));
    if let Some(crash) = found {
        return crash.verdict.why.clone();
    }
    let mut parts = Vec::new();
    parts.extend(outage.margin.as_deref().map(sentence));
    if !outage.told.is_empty() {
        let names: Vec<&str> = outage.told.iter().map(|(_, name)| name.as_str()).collect();
        parts.push(format!("xapi wrote {}.", names.join(", ")));
    }
    if outage.number == 0 {
        parts.push("Only its dump tells of it: nobody watched the pool then.".to_owned());
    }
    parts.push(format!("{} reads what it left.", key(model, Action::Open)));
    parts.join(" ")
}

/// The lines, the popup's size, and how many lines are seen at a time.
fn measure(model: &Model, pane: &CrashPane, screen: Rect) -> (String, Vec<SheetLine>, (u16, u16), usize) {
    let sheet = sheet(model, pane);
    let wide = WIDTH.min(screen.width);
    let lines = sheet.lines(inside(screen, wide, 3).width.max(1));
    let size = (wide, u16::try_from(lines.len() + 2).unwrap_or(u16::MAX).max(5));
    let seen = usize::from(inside(screen, size.0, size.1).height);
    (sheet.title, lines, size, seen)
}

/// How many lines there are and how many are seen at a time.
pub(crate) fn extent(model: &Model, pane: &CrashPane) -> (usize, usize) {
    let (_, lines, _, seen) = measure(model, pane, Rect::new(0, 0, model.size.0, model.size.1));
    (lines.len(), seen)
}

/// One crash.
pub(super) fn pane(pen: &mut Pen<'_>, model: &Model, pane: &CrashPane, screen: Rect) {
    let (title, lines, size, seen) = measure(model, pane, screen);
    let room = inside(screen, size.0, size.1).width.saturating_sub(2);
    let mut hints: Vec<(String, &str)> = Vec::new();
    let back = (key(model, Action::Back), if pane.evidence { "summary" } else { "back" });
    let mut used = width(&back.0) + width(back.1) + 3;
    let wanted = |action: &Action| *action != Action::CrashEvidence || !pane.evidence;
    for action in KEYS.into_iter().filter(|action| wanted(action) && availability(model, *action).is_ok()) {
        let label = match action {
            Action::CrashStop => "stop",
            Action::CrashEvidence => "evidence",
            Action::CrashHtml => "HTML",
            Action::CrashMoment => "go to that time",
            Action::CrashCause => "write cause",
            Action::CrashAgain => "again",
            _ => "copy",
        };
        let key = key(model, action);
        let wide = width(&key) + width(label) + 3;
        if !key.is_empty() && used + wide <= room {
            used += wide;
            hints.push((key, label));
        }
    }
    hints.push(back);
    let title = fit(&title, size.0.saturating_sub(8), pen.look.glyphs.ellipsis).into_owned();
    let body = window(pen, screen, size, &title, &hints);
    let first = pane.first.min(lines.len().saturating_sub(seen));
    super::detail::lines(pen, body, &lines, first);
}
