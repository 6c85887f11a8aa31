//! Whether an action can be done now, and if not, why. Asked by keys, footer, help and palette alike.

use crate::tui::keymap::Action;
use crate::tui::model::{Ask, Model, Pane, Popup, Screen};
use crate::tui::wizard;

/// `Ok` if the action can be done now, else why not, as a sentence.
pub fn availability(model: &Model, action: Action) -> Result<(), String> {
    if let Some(answer) = super::past::availability(model, action) {
        return answer;
    }
    if let Some(answer) = super::crash::availability(model, action) {
        return answer;
    }
    if let Some(answer) = wizard::available::availability(model, action) {
        return answer;
    }
    let fleet = model.screen == Screen::Fleet;
    let wizard = model.wizard().is_some() && model.popups.is_empty();
    let refuse = |why: &str| Err(why.to_owned());
    match action {
        // In the wizard these are about its page.
        Action::Back | Action::Copy | Action::Open if wizard => Ok(()),
        Action::Hosts | Action::Tasks | Action::Cluster | Action::Paths | Action::Alerts | Action::Log if fleet => {
            refuse("Open a pool first: enter on its row.")
        }
        Action::NextPane | Action::PreviousPane if fleet => refuse("The list of all pools has only this pane."),
        Action::Zoom if fleet => refuse("The list of all pools has the whole screen already."),
        Action::Why | Action::Control | Action::Budget | Action::Clocks if model.pool().is_none() => {
            refuse("No pool is selected.")
        }
        Action::Fleet if fleet => refuse("This is the list of all pools."),
        Action::Fleet | Action::Pools | Action::NextPool | Action::PreviousPool if model.pools.len() < 2 => {
            refuse("Only one pool is watched.")
        }
        Action::Sort | Action::Reverse if model.popups.is_empty() && model.focus.sorts().is_empty() => {
            refuse("The log stays in the order of time.")
        }
        Action::Filter if !matches!(model.popups.last(), None | Some(Popup::Help { .. })) => {
            refuse("There is nothing to filter here.")
        }
        Action::Open if model.popups.is_empty() && !model.typing() => {
            if super::action::target(model).is_none() && !(fleet && model.pool().is_some()) {
                return refuse("Nothing is selected.");
            }
            Ok(())
        }
        Action::Open if matches!(model.popups.last(), Some(Popup::Detail(_) | Popup::Help { typing: false, .. })) => {
            refuse("There is nothing to choose here.")
        }
        Action::Quit if matches!(model.popups.last(), Some(Popup::Ask { ask: Ask::Quit, .. })) => {
            refuse("Choose one of the two answers: enter on it.")
        }
        Action::Raw => match model.popups.last() {
            Some(Popup::Detail(detail)) if detail.target.record().is_some() => Ok(()),
            Some(Popup::Detail(_)) => refuse("This has no record of its own in the pool; hosts and tasks have."),
            _ => refuse("Open a host or a task first."),
        },
        Action::Back if nothing_to_leave(model) => refuse("There is nothing to go back from. q quits."),
        Action::LogLevel if model.focus != Pane::Log => refuse("Go to the log first."),
        Action::Theme if model.themes.len() < 2 => refuse("There is only one theme."),
        Action::Faults => match &model.demo {
            None => refuse("Only in the demo: poolwatch makes nothing fail in a real pool."),
            Some(demo) if demo.faults.is_empty() => refuse("This demo has no faults to choose from."),
            Some(_) => Ok(()),
        },
        Action::Faster | Action::Slower => match &model.demo {
            None => refuse("Only in the demo: the time of a real pool is what it is."),
            Some(demo) if action == Action::Faster && demo.speed >= 256.0 => refuse("It does not get any faster."),
            Some(demo) if action == Action::Slower && demo.speed <= 0.25 => refuse("It does not get any slower."),
            Some(_) => Ok(()),
        },
        Action::Copy if model.popups.is_empty() && !can_copy(model) => refuse("Nothing is selected."),
        _ => Ok(()),
    }
}

/// Whether something is selected that can be copied. Asked for every footer, so nothing is put into words for it.
fn can_copy(model: &Model) -> bool {
    match model.focus {
        Pane::Log => !model.order(Pane::Log).is_empty(),
        Pane::Fleet => model.pool().is_some(),
        _ => super::action::target(model).is_some(),
    }
}

/// Whether `esc` has no effect.
pub(super) fn nothing_to_leave(model: &Model) -> bool {
    model.popups.is_empty()
        && model.filtering.is_none()
        && !model.zoom
        && model.toast.is_none()
        && model.state(model.focus).is_none_or(|s| s.filter.is_empty())
        && (model.screen == Screen::Fleet || model.pools.len() < 2)
}
