//! Keys of the lease calculator.

use crate::pool::budget::calculator::{Number, Numbers};
use crate::tui::keymap::Action;
use crate::tui::model::{Model, Popup};
use strum::IntoEnumIterator as _;
use tui_input::Input;

/// The numbers that are tried now: the operator's, else the pool's own.
pub(crate) fn tried(model: &Model) -> Option<Numbers> {
    let lease = &model.pool()?.picture.budget.lease;
    Some(model.trial.numbers.unwrap_or_else(|| Numbers::usual(lease)))
}

/// The number that the keys change.
pub(crate) fn chosen(model: &Model) -> Number {
    let all: Vec<Number> = Number::iter().collect();
    all.get(model.trial.at % all.len().max(1)).copied().unwrap_or(Number::Images)
}

/// Does it.
pub(super) fn act(model: &mut Model, action: Action) {
    let which = chosen(model);
    let Some(mut numbers) = tried(model) else { return };
    match action {
        Action::NumberNext => model.trial.at = (model.trial.at + 1) % Number::iter().count(),
        Action::NumberMore | Action::NumberLess => {
            numbers.step(which, action == Action::NumberMore);
            model.trial.numbers = Some(numbers);
        }
        Action::NumberType => {
            let input = Input::new(format!("{:.0}", numbers.get(which)));
            model.popups.push(Popup::Number { which, input });
        }
        _ => {}
    }
}

/// A number was typed.
pub(super) fn typed(model: &mut Model, which: Number, text: &str) {
    let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '_' | ',' | '\'')).collect();
    let Some(value) = digits.parse::<f64>().ok().filter(|value| value.is_finite() && *value >= 0.0) else {
        model.say("That is no number.", true);
        return;
    };
    model.popups.pop();
    if let Some(mut numbers) = tried(model) {
        numbers.set(which, value);
        model.trial.numbers = Some(numbers);
    }
}
