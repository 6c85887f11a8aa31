//! The mouse, for those who turned it on: the wheel moves, a click gives a pane the keys and selects a row.

use super::{moves, popups};
use crate::tui::draw::layout;
use crate::tui::effect::Effect;
use crate::tui::keymap::Action;
use crate::tui::model::{Model, Pane};
use crate::tui::msg::Mouse;
use crate::tui::panes::fleet::two_lines;
use crate::tui::wizard;
use ratatui::layout::{Position, Rect};

/// Rows that one notch of the wheel moves.
const NOTCH: usize = 3;

pub(super) fn used(model: &mut Model, mouse: Mouse) -> Vec<Effect> {
    let (Mouse::Click { x, y } | Mouse::WheelUp { x, y } | Mouse::WheelDown { x, y }) = mouse;
    let action = match mouse {
        Mouse::Click { .. } => None,
        Mouse::WheelUp { .. } => Some(Action::Up),
        Mouse::WheelDown { .. } => Some(Action::Down),
    };
    if !model.popups.is_empty() {
        for _ in 0..NOTCH {
            if let Some(action) = action {
                // Moving asks for nothing outside.
                let _ = popups::act(model, action);
            }
        }
        return Vec::new();
    }
    if model.wizard().is_some() {
        match action {
            Some(action) => (0..NOTCH).for_each(|_| wizard::act::moved(model, action)),
            None => {
                if let (Some(row), Some(wizard)) = (wizard::row_at(model, y), model.wizard_mut()) {
                    wizard.set_at(row);
                }
            }
        }
        return Vec::new();
    }
    let plan = layout::plan(model);
    let Some((pane, area)) = plan.panes.iter().find(|(_, area)| area.contains(Position { x, y })) else {
        return Vec::new();
    };
    if model.focus != *pane {
        model.filtering = None;
        model.focus = *pane;
    }
    match action {
        Some(action) => (0..NOTCH).for_each(|_| moves::moved(model, action)),
        None => clicked(model, *pane, *area, y.saturating_sub(area.y)),
    }
    Vec::new()
}

/// A click on a line of a pane, where it is plain which row that is.
fn clicked(model: &mut Model, pane: Pane, area: Rect, line: u16) {
    let head = match pane {
        Pane::Hosts | Pane::Fleet | Pane::Paths => 2,
        Pane::Alerts | Pane::Log => 1,
        Pane::Tasks | Pane::Cluster => return,
    };
    let Some(row) = usize::from(line).checked_sub(head) else { return };
    let order = model.order(pane);
    let body = Rect { height: area.height.saturating_sub(1), ..area };
    let row = if pane == Pane::Fleet && two_lines(order.len(), body) { row / 2 } else { row };
    let at = model.state(pane).map_or(0, |s| s.first) + row;
    let key = order.get(at).and_then(|ix| model.key(pane, *ix)).map(std::borrow::Cow::into_owned);
    if let (Some(key), Some(state)) = (key, model.state_mut(pane)) {
        state.at = at;
        state.selected = Some(key);
    }
}
