//! Mirror rebuilds first, then tasks: what runs, how far it is, and how long it will take.

use super::hosts::marked;
use super::{View, empty, open};
use crate::pool::picture::{Health, Rebuild, TaskView};
use crate::text;
use crate::tui::draw::Look;
use crate::tui::draw::pen::Pen;
use crate::tui::draw::table::{Column, EXTRA, Rows};
use crate::tui::draw::words::{moment, width};
use crate::tui::model::rows::{Work, work};
use crate::tui::model::{Model, Pane};
use crate::tui::theme::Role;
use ratatui::layout::Rect;
use ratatui::text::Span;

/// From this width on everything fits on one line.
const ROOMY: u16 = 100;

/// Draws the pane.
pub(crate) fn render(pen: &mut Pen<'_>, model: &Model, area: Rect) {
    let Some(pool) = model.pool() else { return };
    let picture = &pool.picture;
    let total = picture.rebuilds.len() + picture.tasks.len();
    let Some(view) = open(pen, model, Pane::Tasks, area, total, Vec::new()) else { return };
    if view.order.is_empty() {
        empty(pen, &view, total, "No rebuild, no task.");
        return;
    }
    let View { order, state, cursor, focused, needle, body } = view;
    let names = picture.rebuilds.iter().map(|r| width(&r.sr) + 5).chain(picture.tasks.iter().map(|t| width(&t.name) + 2));
    let name = names.max().unwrap_or(8).clamp(10, 34);
    let hosts = picture.tasks.iter().map(|t| width(&t.host)).max().unwrap_or(0).min(16);
    let times = picture.rebuilds.iter().map(|r| width(&left(model, r.ends))).chain([5]).max().unwrap_or(5).min(16);
    let host = Column::new("", 4, hosts, hosts);
    let mut columns = vec![
        Column::new("", 0, name.min(16), name.min(24)).grow(name),
        // Nothing to show must not cost a gap either.
        if hosts == 0 { host.without() } else { host },
        Column::new("", 1, 5, 14).snap(10),
        Column::new("", 2, times, times).right(),
        Column::new("", EXTRA, 16, 30).grow(160),
    ];
    // With room to spare the words get a line of their own.
    let roomy = body.width < ROOMY && order.len() * 2 <= usize::from(body.height);
    if roomy {
        columns.truncate(4);
    }
    let look = pen.look;
    let below = |row: usize| match order.get(row).and_then(|ix| work(picture, *ix)) {
        Some(Work::Rebuild(rebuild)) => rebuild_cell(look, model, rebuild, 4, 0, &needle),
        Some(Work::Task(task)) => task_cell(look, model, task, 4, 0, &needle),
        None => Vec::new(),
    };
    Rows {
        columns: &columns,
        count: order.len(),
        first: state.first,
        selected: cursor,
        focused,
        sorted: None,
        head: false,
        below: if roomy { Some(&below) } else { None },
        cell: |row, column, room| match order.get(row).and_then(|ix| work(picture, *ix)) {
            Some(Work::Rebuild(rebuild)) => rebuild_cell(look, model, rebuild, column, room, &needle),
            Some(Work::Task(task)) => task_cell(look, model, task, column, room, &needle),
            None => Vec::new(),
        },
    }
    .draw(pen, body);
}

/// A gauge with its percentage, or the word that there is none.
pub(crate) fn progress(look: &Look, fraction: Option<f64>, room: u16) -> Vec<Span<'static>> {
    let Some(fraction) = fraction.filter(|f| f.is_finite()) else {
        return vec![Span::styled(if room >= 11 { "no progress" } else { "?" }, look.style(Role::Muted))];
    };
    let fraction = fraction.clamp(0.0, 1.0);
    // 99.6 % is not done.
    let percent = format!("{:>3.0} %", (fraction * 100.0).floor());
    if room < 10 {
        return vec![Span::styled(percent, look.style(Role::Text))];
    }
    let (filled, empty) = look.glyphs.gauge(fraction, usize::from(room - 6));
    vec![
        Span::styled(filled, look.style(Role::Pending)),
        Span::styled(empty, look.style(Role::GaugeEmpty)),
        Span::styled(format!(" {percent}"), look.style(Role::Text)),
    ]
}

/// Time to go, as far as it can be told.
fn left(model: &Model, ends: Option<crate::time::Time>) -> String {
    match ends {
        Some(ends) if ends > model.shown() => format!("{} left", text::duration(ends.since(model.shown()))),
        Some(_) => "any time".to_owned(),
        None => String::new(),
    }
}

fn rebuild_cell(look: &Look, model: &Model, r: &Rebuild, column: usize, room: u16, needle: &str) -> Vec<Span<'static>> {
    let span = |text: String, role: Role| Span::styled(text, look.style(role));
    match column {
        0 => {
            let (glyph, role) =
                if r.ended.is_some() { (look.glyphs.ok, Role::Healthy) } else { (look.glyphs.pending, Role::Pending) };
            let mut spans = vec![span(format!("{glyph} "), role)];
            spans.extend(marked(look, format!("SR {}", r.sr), needle, Role::Title));
            spans
        }
        2 => match r.ended {
            Some(_) => vec![span("ended".to_owned(), Role::Healthy)],
            None => progress(look, r.progress, room),
        },
        3 => match r.ended {
            Some(ended) => vec![span(moment(ended, model.shown(), &model.zone), Role::Muted)],
            None => vec![span(left(model, r.ends), Role::Text)],
        },
        4 => marked(look, rebuild_words(look, model, r), needle, Role::Muted),
        _ => Vec::new(),
    }
}

/// What the gauge does not say: words, rate, since when, and how it is known.
fn rebuild_words(look: &Look, model: &Model, r: &Rebuild) -> String {
    let percent = r.progress.map(|p| format!("{:.0} %", (p.clamp(0.0, 1.0) * 100.0).floor()));
    let mut parts = Vec::new();
    // The gauge beside it has said the percentage already.
    if !r.text.is_empty() && percent.is_none_or(|p| !r.text.starts_with(&p)) {
        parts.push(r.text.clone());
    }
    if let Some(rate) = r.rate.filter(|rate| rate.is_finite() && r.ended.is_none()) {
        parts.push(format!("{:.1} % a minute", rate * 6_000.0));
    }
    parts.push(format!("since {}", moment(r.since, model.shown(), &model.zone)));
    parts.push(format!("known from {}", r.source));
    parts.join(&format!(" {} ", look.glyphs.dot))
}

fn task_cell(look: &Look, model: &Model, t: &TaskView, column: usize, room: u16, needle: &str) -> Vec<Span<'static>> {
    let span = |text: String, role: Role| Span::styled(text, look.style(role));
    let (glyph, role) = match (t.ended, t.health) {
        (_, Health::Failed) => (look.glyphs.failed, Role::Failed),
        (_, Health::Degraded) => (look.glyphs.warning, Role::Degraded),
        (true, _) => (look.glyphs.ok, Role::Muted),
        (false, _) => (look.glyphs.pending, Role::Pending),
    };
    let words = if t.ended { Role::Muted } else { Role::Text };
    match column {
        0 => {
            let mut spans = vec![span(format!("{glyph} "), role)];
            spans.extend(marked(look, t.name.clone(), needle, words));
            spans
        }
        1 => marked(look, t.host.clone(), needle, Role::Muted),
        2 if t.ended => vec![span(if t.health == Health::Failed { "failed" } else { "done" }.to_owned(), role)],
        2 => progress(look, t.progress, room),
        3 => t.created.map_or_else(Vec::new, |c| vec![span(moment(c, model.shown(), &model.zone), Role::Muted)]),
        // The gauge's place has said that already.
        4 if t.ended && t.text == "done" => Vec::new(),
        4 => marked(look, t.text.clone(), needle, if t.health == Health::Failed { Role::Failed } else { Role::Muted }),
        _ => Vec::new(),
    }
}
