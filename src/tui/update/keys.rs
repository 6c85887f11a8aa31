//! From a key press to an action, or to text.

use super::{action, available, popups};
use crate::tui::effect::Effect;
use crate::tui::keymap::{Action, Context, Key, Meaning, TABLE};
use crate::tui::model::Model;
use crossterm::event::Event;
use tui_input::backend::crossterm::EventHandler;

/// Characters that can be typed or pasted into a field.
const FIELD: usize = 200;

pub(super) fn pressed(model: &mut Model, key: Key) -> Vec<Effect> {
    model.pressed = model.now;
    let quits = model.keymap.meaning(model.contexts(), &[key]) == Meaning::Action(Action::Quit);
    if super::crash::guards(model) && !quits {
        return Vec::new();
    }
    model.begun.push(key);
    match model.keymap.meaning(model.contexts(), &model.begun) {
        Meaning::Action(action) => {
            model.begun.clear();
            match available::availability(model, action) {
                Ok(()) => action::act(model, action),
                Err(why) => {
                    model.say(why, true);
                    Vec::new()
                }
            }
        }
        Meaning::Beginning => Vec::new(),
        Meaning::Nothing => {
            let begun = std::mem::take(&mut model.begun);
            if begun.len() > 1 && begun.last() == Some(&Key::ESC) {
                // It only takes back what was begun.
            } else if model.typing() {
                typed(model, &Event::Key(key.event()));
            } else {
                let keys: Vec<String> = begun.iter().map(ToString::to_string).collect();
                let help = model.keymap.keys_of(crate::tui::keymap::Action::Help, &[]);
                let help = help.first().map_or_else(String::new, |k| format!(" {k} shows all keys."));
                let pressed = keys.join(" ");
                let words = match elsewhere(model, &begun) {
                    Some((label, place)) => format!("{pressed} ({label}) works {place}."),
                    None => format!("{pressed} does nothing here.{help}"),
                };
                model.say(words, false);
            }
            Vec::new()
        }
    }
}

/// What keys that mean nothing here mean elsewhere, and where that is.
fn elsewhere(model: &Model, pressed: &[Key]) -> Option<(&'static str, &'static str)> {
    let here = model.contexts();
    let places = [
        (Context::Log, "in the log: go there first (L)"),
        (Context::Numbers, "on the time-outs: open them first (b)"),
        (Context::Detail, "on what is open: open a row first (enter)"),
        (Context::Crash, "on a crash: open one first (c)"),
        (Context::Screen, "on the panes: close this first (esc)"),
        (Context::Scope, "on the rollout's first page"),
        (Context::Checks, "on the rollout's pages plan and preflight"),
        (Context::Run, "on the page of a running rollout"),
    ];
    places.into_iter().filter(|(context, _)| !here.contains(context)).find_map(|(context, place)| {
        let Meaning::Action(action) = model.keymap.meaning(&[context], pressed) else { return None };
        let entry = TABLE.iter().find(|entry| entry.action == action)?;
        Some((entry.label, place))
    })
}

/// Text goes into the field that is open, without line breaks; elsewhere a paste must not act like keys.
pub(super) fn pasted(model: &mut Model, text: &str) {
    if !model.typing() {
        model.say("Text was pasted, but there is no field to type in.", false);
        return;
    }
    for c in crate::text::clean(text, FIELD).chars() {
        typed(model, &Event::Key(crossterm::event::KeyEvent::from(crossterm::event::KeyCode::Char(c))));
    }
}

fn typed(model: &mut Model, event: &Event) {
    let naming = model.naming();
    let input = match model.popups.last_mut() {
        Some(popup) => popup.input(),
        None if naming => model.wizard_mut().map(|w| &mut w.typed),
        None => model.filtering.as_mut(),
    };
    let Some(input) = input else { return };
    let full = input.value().chars().count() >= FIELD;
    let types = matches!(event, Event::Key(k) if matches!(k.code, crossterm::event::KeyCode::Char(_)) && k.modifiers.is_empty());
    if full && types {
        return;
    }
    let before = input.value().to_owned();
    input.handle_event(event);
    if input.value() == before {
        return;
    }
    if naming {
        // It is compared where it is needed.
    } else if model.popups.is_empty() {
        filter_typed(model);
    } else {
        popups::typed(model);
    }
}

/// The rows follow what is typed.
fn filter_typed(model: &mut Model) {
    let Some(text) = model.filtering.as_ref().map(|i| i.value().to_owned()) else { return };
    let pane = model.focus;
    if let Some(state) = model.state_mut(pane) {
        state.filter = text;
    }
}
