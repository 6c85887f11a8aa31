//! What happens when something happens: `update(model, message) -> effects`. Pure: no clock, no I/O, nothing spawned.

mod action;
mod answer;
mod available;
pub(crate) mod crash;
mod keys;
mod mouse;
mod moves;
pub(crate) mod numbers;
mod past;
mod popups;

pub use available::availability;
pub(crate) use moves::step;
pub use past::start as start_replay;

use super::effect::Effect;
use super::model::{Model, Screen};
use super::msg::Msg;
use crate::observation::Observation;
use std::time::Duration;

/// How long what comes all the time may wait to be drawn, so that a large pool is not drawn again for each answer of each host.
const ROUTINE: Duration = Duration::from_millis(500);
/// The same for the list of pools, which shows less of each.
const ROUTINE_FLEET: Duration = Duration::from_secs(2);

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
            let mut effects = past::tick(model);
            effects.extend(crash::tick(model));
            effects
        }
        Msg::Observed { pool, observations } => {
            if let Some(view) = model.pools.get_mut(pool.0) {
                let routine = observations.iter().all(Observation::is_routine);
                for observation in observations {
                    view.pool.apply(&observation);
                }
                view.changed = true;
                if view.past.is_some() {
                    // It is taken in, but not looked at now.
                } else if routine {
                    let wait = if model.screen == Screen::Fleet { ROUTINE_FLEET } else { ROUTINE };
                    let at = model.now + wait;
                    model.due = Some(model.due.map_or(at, |due| due.min(at)));
                } else {
                    model.dirty = true;
                }
            }
            if model.replay { Vec::new() } else { crash::observed(model, pool) }
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
            answer::taken(model, answer)
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
