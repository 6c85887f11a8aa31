//! What happens when something happens: `update(model, message) -> effects`. Pure: no clock, no I/O, nothing spawned.

mod action;
mod answer;
mod available;
mod keys;
mod mouse;
mod moves;
mod popups;

pub use available::availability;

use super::effect::Effect;
use super::model::Model;
use super::msg::Msg;

/// Takes in what happened; gives what is to be done outside.
pub fn update(model: &mut Model, msg: Msg) -> Vec<Effect> {
    match msg {
        Msg::Tick(now) => {
            // Time never goes backwards here, whatever the message says.
            model.now = model.now.max(now);
            if model.toast.as_ref().is_some_and(|t| t.until <= model.now) {
                model.toast = None;
                model.dirty = true;
            }
            if model.due.is_some_and(|due| due <= model.now) {
                model.dirty = true;
            }
            Vec::new()
        }
        Msg::Observed { pool, observations } => {
            if let Some(view) = model.pools.get_mut(pool.0) {
                for observation in observations {
                    view.pool.apply(&observation);
                }
                view.changed = true;
                model.dirty = true;
            }
            Vec::new()
        }
        Msg::Key(key) => {
            model.dirty = true;
            keys::pressed(model, key)
        }
        Msg::Mouse(mouse) => {
            model.dirty = true;
            mouse::used(model, mouse)
        }
        Msg::Paste(text) => {
            model.dirty = true;
            keys::pasted(model, &text);
            Vec::new()
        }
        Msg::Resize(width, height) => {
            model.size = (width, height);
            model.dirty = true;
            Vec::new()
        }
        Msg::Answer(answer) => {
            model.dirty = true;
            answer::taken(model, answer);
            Vec::new()
        }
        Msg::Logged(lines) => {
            if model.log != lines {
                model.log = lines;
                model.dirty = true;
            }
            Vec::new()
        }
    }
}
