//! Alerts: what happened, newest first, and whether it still is so.

use super::hosts::marked;
use super::{View, empty, open};
use crate::pool::picture::Alert;
use crate::tui::draw::Look;
use crate::tui::draw::pen::Pen;
use crate::tui::draw::table::{Column, Rows};
use crate::tui::draw::words::day;
use crate::tui::model::{Model, Pane};
use crate::tui::theme::Role;
use ratatui::layout::Rect;
use ratatui::text::Span;

/// Draws the pane.
pub(crate) fn render(pen: &mut Pen<'_>, model: &Model, area: Rect) {
    let Some(pool) = model.pool() else { return };
    let picture = &pool.picture;
    let total = picture.alerts.len();
    let still = picture.alerts.iter().filter(|a| a.still_true == Some(true)).count();
    let extra = if still > 0 { vec![pen.span(format!("{still} still true"), Role::Degraded)] } else { Vec::new() };
    let Some(view) = open(pen, model, Pane::Alerts, area, total, extra) else { return };
    if view.order.is_empty() {
        empty(pen, &view, total, "Nothing happened that is worth a word.");
        return;
    }
    let View { order, state, cursor, focused, needle, body } = view;
    let look = pen.look;
    let when = order
        .iter()
        .skip(state.first)
        .take(usize::from(body.height))
        .filter_map(|ix| picture.alerts.get(*ix))
        .map(|a| day(a.at, model.shown(), &model.zone).len() as u16)
        .max()
        .unwrap_or(5);
    let columns = [
        Column::new("", 0, 1, 1),
        Column::new("", 1, when, when),
        Column::new("", 0, 8, 40).grow(200),
        Column::new("", 2, 10, 10).right(),
    ];
    Rows {
        columns: &columns,
        count: order.len(),
        first: state.first,
        selected: cursor,
        focused,
        sorted: None,
        head: false,
        below: None,
        cell: |row, column, _| {
            order
                .get(row)
                .and_then(|ix| picture.alerts.get(*ix))
                .map_or_else(Vec::new, |alert| cell(look, model, alert, column, &needle))
        },
    }
    .draw(pen, body);
}

fn cell(look: &Look, model: &Model, alert: &Alert, column: usize, needle: &str) -> Vec<Span<'static>> {
    let span = |text: String, role: Role| Span::styled(text, look.style(role));
    let over = alert.still_true == Some(false);
    let sign = look.health(alert.health);
    match column {
        0 => vec![span(sign.glyph.to_owned(), if over { Role::Muted } else { sign.role })],
        1 => vec![span(day(alert.at, model.shown(), &model.zone), Role::Muted)],
        2 => {
            let role = if over { Role::Muted } else { Role::Text };
            let about = alert.about.as_str();
            let named = about.is_empty() || alert.text.contains(about);
            let text = if named { alert.text.clone() } else { format!("{about}: {}", alert.text) };
            let mut spans = marked(look, text, needle, role);
            if alert.count > 1 {
                spans.push(span(format!("  {} times", alert.count), Role::Muted));
            }
            spans
        }
        _ => match alert.still_true {
            Some(true) => vec![span("still true".to_owned(), sign.role)],
            Some(false) => vec![span("over".to_owned(), Role::Muted)],
            None => Vec::new(),
        },
    }
}
