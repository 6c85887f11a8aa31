//! Moving the cursor.

use crate::tui::draw::layout;
use crate::tui::keymap::Action;
use crate::tui::model::{Model, Pane};

/// Where `action` leads from `at` among `count` rows of which `page` are seen.
pub(crate) fn step(action: Action, at: usize, count: usize, page: usize) -> usize {
    let last = count.saturating_sub(1);
    let page = page.max(1);
    let half = page.div_ceil(2);
    match action {
        Action::Up => at.saturating_sub(1),
        Action::Down => at.saturating_add(1).min(last),
        Action::PageUp => at.saturating_sub(page),
        Action::PageDown => at.saturating_add(page).min(last),
        Action::HalfUp => at.saturating_sub(half),
        Action::HalfDown => at.saturating_add(half).min(last),
        Action::Top => 0,
        Action::Bottom => last,
        _ => at.min(last),
    }
}

/// Moves in the pane that has the keys.
pub(super) fn moved(model: &mut Model, action: Action) {
    let pane = model.focus;
    if matches!(action, Action::Left | Action::Right) {
        sideways(model, action);
        return;
    }
    let order = model.order(pane);
    if order.is_empty() {
        return;
    }
    let at = model.cursor(pane, &order).or_else(|| model.state(pane).map(|s| s.at)).unwrap_or(0);
    let next = step(action, at, order.len(), layout::rows_of(model, pane));
    let key = order.get(next).and_then(|ix| model.key(pane, *ix)).map(std::borrow::Cow::into_owned);
    if let Some(state) = model.state_mut(pane) {
        state.at = next;
        state.selected = key;
    }
}

fn sideways(model: &mut Model, action: Action) {
    if model.focus != Pane::Paths {
        return;
    }
    let Some(columns) = model.pool().map(|p| p.grid.columns.len()) else { return };
    if let Some(state) = model.state_mut(Pane::Paths) {
        let at = state.column.min(columns.saturating_sub(1));
        state.column = if action == Action::Left { at.saturating_sub(1) } else { (at + 1).min(columns.saturating_sub(1)) };
    }
}
