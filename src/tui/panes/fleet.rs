//! All pools, one row each, the worst first.

use super::hosts::marked;
use super::{View, empty, header, open};
use crate::pool::picture::{GateState, LinkState, Stage};
use crate::tui::draw::Look;
use crate::tui::draw::pen::{Pen, spans_width};
use crate::tui::draw::table::{Column, Rows};
use crate::tui::draw::words::{plural, width};
use crate::tui::model::{Model, Pane, PoolView};
use crate::tui::theme::Role;
use ratatui::layout::Rect;
use ratatui::text::Span;

/// Draws the pane.
pub(crate) fn render(pen: &mut Pen<'_>, model: &Model, area: Rect) {
    let total = model.pools.len();
    let mut extra = Vec::new();
    for state in [GateState::Closed, GateState::Unknown, GateState::Open] {
        let count = model.pools.iter().filter(|p| p.picture.verdict.state == state).count();
        if count > 0 {
            let answer = pen.look.answer(state);
            extra.push(pen.span(format!("{count} {}  ", answer.word), answer.role));
        }
    }
    extra.push(pen.span(plural(total, "pool", "pools"), Role::Muted));
    let Some(view) = open(pen, model, Pane::Fleet, area, total, extra) else { return };
    if view.order.is_empty() {
        empty(pen, &view, total, "No pool was named.");
        return;
    }
    let View { order, state, cursor, focused, needle, body } = view;
    let name = model.pools.iter().map(|p| width(p.name())).max().unwrap_or(4).clamp(4, 28);
    let links: Vec<Vec<Span<'static>>> = order
        .iter()
        .map(|ix| model.pools.get(*ix).map_or_else(Vec::new, |p| header::link_words(pen, model, &p.picture)))
        .collect();
    let link = links.iter().map(|l| spans_width(l)).max().unwrap_or(0).clamp(12, 30);
    let look = pen.look;
    // With few pools on a screen that is not wide, the words of each have a line of their own.
    let roomy = two_lines(order.len(), body);
    let why = Column::new("why", 8, 12, 40).grow(200);
    let columns = [
        Column::new("pool", 0, name.min(12), name),
        Column::new("reboot?", 1, 13, 13),
        Column::new("hosts", 2, 5, 7).right(),
        Column::new("VMs", 6, 4, 6).right(),
        Column::new("rebuild", 5, 7, 7).right(),
        Column::new("alerts", 4, 6, 6).right(),
        Column::new("connection", 3, 12, link),
        if roomy { why.without() } else { why },
    ];
    let below = |row: usize| {
        let pool = order.get(row).and_then(|ix| model.pools.get(*ix));
        pool.map_or_else(Vec::new, |pool| cell(look, pool, 7, &needle))
    };
    Rows {
        columns: &columns,
        count: order.len(),
        first: state.first,
        selected: cursor,
        focused,
        sorted: None,
        head: true,
        below: if roomy { Some(&below) } else { None },
        cell: |row, column, _| match (column, order.get(row).and_then(|ix| model.pools.get(*ix))) {
            (6, _) => links.get(row).cloned().unwrap_or_default(),
            (_, Some(pool)) => cell(look, pool, column, &needle),
            _ => Vec::new(),
        },
    }
    .draw(pen, body);
}

/// From this width on the words stand beside the numbers.
const BROAD: u16 = 160;

/// Whether each pool has two lines.
pub(crate) fn two_lines(pools: usize, body: Rect) -> bool {
    (60..BROAD).contains(&body.width) && pools * 2 < usize::from(body.height)
}

fn cell(look: &Look, pool: &PoolView, column: usize, needle: &str) -> Vec<Span<'static>> {
    let span = |text: String, role: Role| Span::styled(text, look.style(role));
    let p = &pool.picture;
    let known = !p.hosts.is_empty();
    match column {
        0 => marked(look, pool.name().to_owned(), needle, Role::Title),
        1 => {
            let answer = look.answer(p.verdict.state);
            vec![span(format!("{} {}", answer.glyph, answer.word), answer.role)]
        }
        2 if known => {
            let bad = |s: Stage| matches!(s, Stage::Down | Stage::Silent | Stage::Unknown);
            let up = p.hosts.iter().filter(|h| !bad(h.state.stage)).count();
            let role = if up < p.hosts.len() { Role::Failed } else { Role::Text };
            vec![span(format!("{up}/{}", p.hosts.len()), role)]
        }
        3 if known => vec![span(p.guests.to_string(), Role::Text)],
        4 => match p.rebuilds.iter().find(|r| r.ended.is_none()) {
            Some(r) => vec![span(
                r.progress.map_or_else(|| "runs".to_owned(), |f| format!("{:.0} %", (f.clamp(0.0, 1.0) * 100.0).floor())),
                Role::Pending,
            )],
            None => Vec::new(),
        },
        5 => match p.alerts.iter().filter(|a| a.still_true == Some(true)).count() {
            0 => Vec::new(),
            n => vec![span(n.to_string(), Role::Degraded)],
        },
        7 => {
            let trouble = matches!(p.link.state, LinkState::Lost | LinkState::Refused);
            let words = if trouble || p.verdict.headline.is_empty() { &p.link.text } else { &p.verdict.headline };
            marked(look, words.clone(), needle, if trouble { Role::Emphasis } else { Role::Muted })
        }
        _ => Vec::new(),
    }
}
