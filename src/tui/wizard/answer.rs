//! What came of what the wizard asked for.

use crate::tui::effect::Effect;
use crate::tui::model::Model;
use crate::tui::msg::Answer;

/// Takes an answer in.
pub(crate) fn taken(model: &mut Model, answer: Answer) -> Vec<Effect> {
    let _ = (model, answer);
    Vec::new()
}
