//! Going back in time: from a key to the moment that is asked for, and from the answer to the screen.

use crate::recording::marks::Mark;
use crate::time::Time;
use crate::tui::draw::words::{exact, precise};
use crate::tui::effect::{Effect, Request};
use crate::tui::keymap::Action;
use crate::tui::model::past::{Moment, PLAY_STEP, Past, SPEEDS, typed};
use crate::tui::model::{Model, Popup, Screen};
use crate::tui::msg::PoolIx;
use std::time::Duration;
use tui_input::Input;

/// One step.
const SECONDS: Duration = Duration::from_secs(5);
/// One long step.
const MINUTES: Duration = Duration::from_secs(60);

/// Does the action if it is about time; `None` if it is not.
pub(super) fn act(model: &mut Model, action: Action) -> Option<Vec<Effect>> {
    let ix = match model.screen {
        Screen::Pool(ix) => Some(ix),
        Screen::Fleet => None,
    };
    let looking = model.is_looking_back();
    Some(match action {
        Action::Time if looking => {
            model.popups.push(Popup::Moment { input: Input::default() });
            Vec::new()
        }
        Action::Time => {
            let Some(view) = ix.and_then(|ix| model.pools.get_mut(ix.0)) else { return Some(Vec::new()) };
            view.past.get_or_insert_default();
            ask(model, None)
        }
        Action::SecondsBack => by(model, SECONDS, true),
        Action::SecondsForth => by(model, SECONDS, false),
        Action::MinutesBack => by(model, MINUTES, true),
        Action::MinutesForth => by(model, MINUTES, false),
        Action::EventBack => event(model, true),
        Action::EventForth => event(model, false),
        Action::Play => {
            let now = model.now;
            if let Some(past) = model.past_mut() {
                past.playing = !past.playing;
                past.stepped = now;
            }
            Vec::new()
        }
        Action::Faster if looking => speed(model, 2.0),
        Action::Slower if looking => speed(model, 0.5),
        Action::Live => {
            live(model);
            Vec::new()
        }
        _ => return None,
    })
}

/// Back to what is now.
pub(super) fn live(model: &mut Model) {
    if let Screen::Pool(ix) = model.screen
        && let Some(view) = model.pools.get_mut(ix.0)
        && view.past.take().is_some()
    {
        view.changed = true;
        model.say("This is live again.", false);
    }
}

/// To a moment from outside, such as that of a crash.
pub(super) fn go(model: &mut Model, at: Time) -> Vec<Effect> {
    let Screen::Pool(ix) = model.screen else { return Vec::new() };
    let Some(view) = model.pools.get_mut(ix.0) else { return Vec::new() };
    let past = view.past.get_or_insert_default();
    (past.playing, past.told) = (false, Some(at));
    ask(model, Some(at))
}

/// Asks for a moment; `None` is the newest. While one is on its way only the last one that was wanted is remembered.
fn ask(model: &mut Model, at: Option<Time>) -> Vec<Effect> {
    let Screen::Pool(pool) = model.screen else { return Vec::new() };
    model.asks += 1;
    let number = model.asks;
    let Some(past) = model.past_mut() else { return Vec::new() };
    if past.asked.is_some() {
        past.wanted = at;
        return Vec::new();
    }
    past.asked = Some(number);
    vec![Effect::Request(Request::LookBack { pool, ask: number, at })]
}

fn by(model: &mut Model, step: Duration, back: bool) -> Vec<Effect> {
    let step = i64::try_from(step.as_millis()).unwrap_or(0);
    let Some(past) = model.past() else { return Vec::new() };
    let (Some(from), Some(moment)) = (past.heads_for(), &past.moment) else { return Vec::new() };
    let to = from.as_millis().saturating_add(if back { -step } else { step });
    let to = moment.line.within(Time::from_millis(to));
    let stands = to == from;
    if stands {
        let end = if back { "The recording begins here." } else { "Nothing newer is recorded yet." };
        model.say(end, false);
    }
    pause_at_end(model, to);
    ask(model, Some(to))
}

fn event(model: &mut Model, back: bool) -> Vec<Effect> {
    let Some(past) = model.past() else { return Vec::new() };
    let (Some(from), Some(moment)) = (past.heads_for(), &past.moment) else { return Vec::new() };
    let mark = if back { moment.line.before(from) } else { moment.line.after(from) }.cloned();
    let Some(mark) = mark else {
        model.say(if back { "There is no event of note before this." } else { "There is no event of note after this." }, false);
        return Vec::new();
    };
    let text = words(model, &mark);
    model.say(text, false);
    ask(model, Some(mark.at))
}

fn words(model: &Model, mark: &Mark) -> String {
    format!("{} {}", precise(mark.at, &model.zone), crate::text::clean(&mark.text, 300))
}

fn speed(model: &mut Model, by: f64) -> Vec<Effect> {
    let now = model.now;
    let Some(past) = model.past_mut() else { return Vec::new() };
    past.speed = (past.speed * by).clamp(SPEEDS.0, SPEEDS.1);
    past.stepped = now;
    let text = format!(
        "The recording plays {} times as fast as it was{}.",
        past.speed,
        if past.playing { "" } else { ", once it plays" }
    );
    model.say(text, false);
    Vec::new()
}

/// A time was typed.
pub(super) fn chosen(model: &mut Model, text: &str) -> Vec<Effect> {
    let Some(at) = typed(text, model.shown(), &model.zone) else {
        model.say("That is no time: 14:05, 14:05:30, 2026-11-21 14:05 and -5min are understood.", true);
        return Vec::new();
    };
    model.popups.pop();
    let Some(moment) = model.past().and_then(|past| past.moment.as_ref()) else { return Vec::new() };
    let to = moment.line.within(at);
    if to != at {
        let (from, end) = (precise(moment.line.from, &model.zone), precise(moment.line.to, &model.zone));
        model.say(format!("Recorded is {from} to {end}."), false);
    }
    ask(model, Some(to))
}

fn pause_at_end(model: &mut Model, to: Time) {
    if let Some(past) = model.past_mut()
        && past.moment.as_ref().is_some_and(|moment| to >= moment.line.to)
    {
        past.playing = false;
    }
}

/// Time passed: what plays goes on.
pub(super) fn tick(model: &mut Model) -> Vec<Effect> {
    let now = model.now;
    let Some(past) = model.past_mut() else { return Vec::new() };
    if !past.playing || past.asked.is_some() {
        return Vec::new();
    }
    let Some(moment) = &past.moment else { return Vec::new() };
    let passed = now.since(past.stepped);
    if passed < PLAY_STEP {
        return Vec::new();
    }
    let to = moment.line.within(moment.at + passed.mul_f64(past.speed));
    let over = to >= moment.line.to;
    past.stepped = now;
    if over {
        past.playing = false;
        model.say("This is the newest that was recorded when this was opened; it stands still here.", false);
    }
    ask(model, Some(to))
}

/// A moment came, or why it did not.
pub(super) fn came(model: &mut Model, pool: PoolIx, number: u64, result: Result<Moment, String>) -> Vec<Effect> {
    let replay = model.replay;
    let Some(past) = model.pools.get_mut(pool.0).and_then(|view| view.past.as_mut()).filter(|past| past.asked == Some(number))
    else {
        return Vec::new();
    };
    past.asked = None;
    match result {
        Ok(moment) => {
            let first = past.moment.is_none();
            let gap = moment.line.gap(moment.at);
            let told = past.told.take().filter(|at| moment.line.within(*at) != *at);
            let span = (moment.line.from, moment.line.to);
            past.moment = Some(moment);
            past.changed = true;
            if let Some((from, to)) = gap {
                let (from, to) = (precise(from, &model.zone), precise(to, &model.zone));
                model.say(format!("Nothing was recorded from {from} to {to}; this is what was known before."), true);
            } else if let Some(at) = told {
                let [at, from, to] = [at, span.0, span.1].map(|time| exact(time, &model.zone));
                model.say(format!("{at} was not recorded; recorded is {from} to {to}."), true);
            } else if first && !replay {
                let key = model.keymap.keys_of(Action::Live, model.contexts()).into_iter().next().unwrap_or_default();
                model.say(format!("This is the past. {key} goes back to live."), false);
            }
        }
        Err(why) => {
            past.playing = false;
            if past.moment.is_none()
                && !replay
                && let Some(view) = model.pools.get_mut(pool.0)
            {
                view.past = None;
            }
            model.say(why, true);
            return Vec::new();
        }
    }
    let mut effects = if replay { super::crash::replayed(model, pool) } else { Vec::new() };
    if let Some(at) = model.past_mut().and_then(|past| past.wanted.take())
        && model.screen == Screen::Pool(pool)
    {
        effects.extend(ask(model, Some(at)));
    }
    effects
}

/// `Ok` if an action about time can be done now, else why not; `None` if it is not about time or about what only the present allows.
pub(super) fn availability(model: &Model, action: Action) -> Option<Result<(), String>> {
    let refuse = |why: &str| Some(Err(why.to_owned()));
    let looking = model.is_looking_back();
    match action {
        Action::Time if model.screen == Screen::Fleet => refuse("Open a pool first: each has its own recording."),
        Action::Time if !model.records && !model.replay => refuse(
            "Nothing is recorded here: it was switched off (--no-recording, or the configuration), or more than 16 pools are watched.",
        ),
        Action::SecondsBack
        | Action::SecondsForth
        | Action::MinutesBack
        | Action::MinutesForth
        | Action::EventBack
        | Action::EventForth
        | Action::Play => {
            if looking {
                return Some(Ok(()));
            }
            let key = model.keymap.keys_of(Action::Time, &[]).into_iter().next().unwrap_or_default();
            Some(Err(format!("This is live. {key} goes back in time first.")))
        }
        Action::Live if model.replay => refuse("This is a recording: there is no live picture. q leaves."),
        Action::Live if !looking => refuse("This is live already."),
        Action::Time | Action::Live => Some(Ok(())),
        Action::Faster if looking && model.past().is_some_and(|past| past.speed >= SPEEDS.1) => {
            refuse("It does not get any faster.")
        }
        Action::Slower if looking && model.past().is_some_and(|past| past.speed <= SPEEDS.0) => {
            refuse("It does not get any slower.")
        }
        Action::Faster | Action::Slower if looking => Some(Ok(())),
        Action::Wizard | Action::Faults if model.replay => refuse("This is a recording: nothing can be changed in it."),
        Action::Wizard | Action::Faults if looking => {
            refuse("This is the past, and nothing can be changed in it. Go back to live first: x.")
        }
        Action::Back if looking && !model.replay && super::available::nothing_to_leave(model) => Some(Ok(())),
        _ => None,
    }
}

/// A recording is shown for itself: its beginning is asked for.
pub fn start(model: &mut Model, at: Option<Time>, speed: Option<f64>) -> Vec<Effect> {
    let stepped = model.now;
    if let Some(view) = model.pools.first_mut() {
        view.past = Some(Past { playing: speed.is_some(), speed: speed.unwrap_or(1.0), stepped, ..Past::default() });
    }
    ask(model, at)
}
