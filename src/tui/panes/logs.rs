//! The log of poolwatch itself, newest first.

use super::hosts::marked;
use super::{View, empty, open};
use crate::tui::draw::pen::Pen;
use crate::tui::draw::table::{Column, Rows};
use crate::tui::draw::words::precise;
use crate::tui::log::Level;
use crate::tui::model::{Model, Pane};
use crate::tui::theme::Role;
use ratatui::layout::Rect;
use ratatui::text::Span;

/// What is shown at a level, in words.
pub(crate) fn shown(level: Level) -> &'static str {
    match level {
        Level::Error => "errors",
        Level::Warning => "warnings and errors",
        Level::Info => "all but details",
        Level::Debug => "everything",
    }
}

/// Draws the pane.
pub(crate) fn render(pen: &mut Pen<'_>, model: &Model, area: Rect) {
    let total = model.log.len();
    let extra = vec![pen.span(shown(model.log_level), Role::Muted)];
    let Some(view) = open(pen, model, Pane::Log, area, total, extra) else { return };
    if view.order.is_empty() {
        let why = if view.needle.is_empty() { "Nothing was logged at this level." } else { "" };
        empty(pen, &view, if view.needle.is_empty() { 0 } else { total }, why);
        return;
    }
    let View { order, state, cursor, focused, needle, body } = view;
    let look = pen.look;
    let columns =
        [Column::new("", 1, 8, 8), Column::new("", 0, 5, 5), Column::new("", 3, 8, 9), Column::new("", 0, 8, 40).grow(500)];
    Rows {
        columns: &columns,
        count: order.len(),
        first: state.first,
        selected: cursor,
        focused,
        sorted: None,
        head: false,
        below: None,
        cell: |row: usize, column, _| {
            let Some(line) = order.get(row).and_then(|ix| model.log.get(*ix)) else { return Vec::new() };
            let role = match line.level {
                Level::Error => Role::Failed,
                Level::Warning => Role::Degraded,
                Level::Info => Role::Text,
                Level::Debug => Role::Muted,
            };
            match column {
                0 => vec![Span::styled(precise(line.at, &model.zone), look.style(Role::Muted))],
                1 => vec![Span::styled(line.level.word(), look.style(role))],
                2 => marked(look, line.target.clone(), &needle, Role::Muted),
                _ => marked(look, line.text.clone(), &needle, if line.level <= Level::Warning { role } else { Role::Text }),
            }
        },
    }
    .draw(pen, body);
}
