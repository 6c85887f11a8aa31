//! The panes: one file each, each with a `render`. They draw from the picture and from what the pane remembers, only
//! the rows that can be seen, and decide nothing.

pub(crate) mod alerts;
pub(crate) mod cluster;
pub(crate) mod fleet;
pub(crate) mod footer;
pub(crate) mod header;
pub(crate) mod hosts;
pub(crate) mod logs;
pub(crate) mod paths;
pub(crate) mod progress;
pub(crate) mod tasks;
pub(crate) mod timeline;
pub(crate) mod verdict;

use super::draw::pen::{Pen, spans_width};
use super::draw::words::plural;
use super::model::{Model, Pane, PaneState};
use super::theme::Role;
use ratatui::layout::Rect;
use ratatui::text::Span;

/// Draws a pane with its title line.
pub(crate) fn render(pen: &mut Pen<'_>, model: &Model, pane: Pane, area: Rect) {
    match pane {
        Pane::Hosts => hosts::render(pen, model, area),
        Pane::Tasks => tasks::render(pen, model, area),
        Pane::Cluster => cluster::render(pen, model, area),
        Pane::Paths => paths::render(pen, model, area),
        Pane::Alerts => alerts::render(pen, model, area),
        Pane::Log => logs::render(pen, model, area),
        Pane::Fleet => fleet::render(pen, model, area),
    }
}

/// A pane that is being drawn: what it shows of its rows, and where.
pub(crate) struct View<'m> {
    pub order: Vec<usize>,
    pub state: &'m PaneState,
    pub cursor: Option<usize>,
    pub focused: bool,
    pub needle: String,
    pub body: Rect,
}

/// Draws the title line with what is sorted and filtered by; `extra` stands at its right end. `None` if nothing fits.
pub(crate) fn open<'m>(
    pen: &mut Pen<'_>,
    model: &'m Model,
    pane: Pane,
    area: Rect,
    total: usize,
    extra: Vec<Span<'_>>,
) -> Option<View<'m>> {
    if area.height == 0 || area.width < 4 {
        return None;
    }
    let state = model.state(pane)?;
    let order = model.order(pane);
    let focused = model.focused() == Some(pane);
    let needle = state.needle();
    let (title_role, rule_role) = if focused { (Role::Focus, Role::Focus) } else { (Role::Title, Role::Border) };

    pen.rule(area.x, area.y, area.width, rule_role);
    let title = format!(" {} ", pane.title());
    let used = pen.text(area.x + 1, area.y, area.width.saturating_sub(2), &title, title_role);

    let mut right: Vec<Span<'_>> = vec![pen.span(" ", Role::Muted)];
    if let Some(input) = model.filtering.as_ref().filter(|_| focused) {
        right.push(pen.span(format!("/{}", input.value()), Role::Input));
        right.push(pen.span("_  ", Role::Focus));
    } else if !needle.is_empty() {
        right.push(pen.span(format!("/{}", state.filter), Role::Match));
        right.push(pen.span("  ", Role::Muted));
    }
    let sorts = pane.sorts();
    if sorts.len() > 1 && (state.sort > 0 || state.reverse || (focused && area.width >= 60)) {
        let arrow = if state.reverse { pen.look.glyphs.arrow_down } else { pen.look.glyphs.arrow_up };
        right.push(pen.span(format!("sort: {} {arrow}  ", sorts.get(state.sort).copied().unwrap_or_default()), Role::Muted));
    }
    if extra.is_empty() {
        let shown = if order.len() == total { total.to_string() } else { format!("{} of {total}", order.len()) };
        right.push(pen.span(shown, Role::Muted));
    }
    right.extend(extra);
    right.push(pen.span(" ", Role::Muted));
    let room = area.width.saturating_sub(used + 3);
    if spans_width(&right) <= room {
        pen.right(area.x + used + 1, area.y, room + 1, &right);
    } else if let Some(last) = right.iter().rev().nth(1).cloned() {
        let short = [pen.span(" ", Role::Muted), last, pen.span(" ", Role::Muted)];
        if spans_width(&short) <= room {
            pen.right(area.x + used + 1, area.y, room + 1, &short);
        }
    }
    let cursor = model.cursor(pane, &order);
    let body = Rect { y: area.y + 1, height: area.height - 1, ..area };
    Some(View { order, state, cursor, focused, needle, body })
}

/// Says why a pane is empty.
pub(crate) fn empty(pen: &mut Pen<'_>, view: &View<'_>, total: usize, why: &str) {
    let text = if total > 0 {
        format!("Nothing matches /{} ({} hidden). esc clears the filter.", view.state.filter, plural(total, "row", "rows"))
    } else {
        why.to_owned()
    };
    pen.text(view.body.x + 2, view.body.y, view.body.width.saturating_sub(3), &text, Role::Muted);
}
