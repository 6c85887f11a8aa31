//! Hosts that come back from a reboot that nobody asked for: the pane opens by itself where the operator only looks, else a line says so and a mark
//! stays. It never takes a key that was meant for something else.

use super::{list, open};
use crate::pool::outages::OutageView;
use crate::time::Time;
use crate::tui::draw::words::plural;
use crate::tui::effect::Effect;
use crate::tui::keymap::Action;
use crate::tui::model::crash::CrashId;
use crate::tui::model::{Model, Popup, Screen};
use crate::tui::msg::PoolIx;
use std::time::Duration;

/// So long nobody may have pressed a key before a pane opens by itself: the next key would go to it.
const QUIET: Duration = Duration::from_millis(1_500);
/// And so long after it opened by itself keys do nothing: they were meant for what was there before.
const GUARD: Duration = Duration::from_millis(500);

/// Something was seen of a pool: whether one of its hosts came back from a reboot that nobody asked for.
pub(in crate::tui::update) fn observed(model: &mut Model, pool: PoolIx) -> Vec<Effect> {
    let Some(view) = model.pools.get_mut(pool.0) else { return Vec::new() };
    let seen = view.pool.outages_seen();
    let before = std::mem::replace(&mut view.crashes.told, seen);
    if seen <= before {
        return Vec::new();
    }
    came_back(model, pool, before)
}

/// A moment of a recording is on the screen, after one at which `before` outages had been seen. Only what plays opens a pane by itself: who goes
/// to a moment wants to see that.
pub(in crate::tui::update) fn replayed(model: &mut Model, pool: PoolIx) -> Vec<Effect> {
    let Some(view) = model.pools.get_mut(pool.0) else { return Vec::new() };
    let Some(past) = &view.past else { return Vec::new() };
    let (playing, seen) = (past.playing, view.known().outages_seen());
    let before = std::mem::replace(&mut view.crashes.told, seen);
    if !playing || seen <= before {
        return Vec::new();
    }
    if let Some(past) = &mut view.past {
        past.playing = false;
    }
    model.say("A host is back from a reboot that nobody asked for; the recording is held here.", false);
    came_back(model, pool, before)
}

fn came_back(model: &mut Model, pool: PoolIx, before: u64) -> Vec<Effect> {
    let Some(view) = model.pools.get_mut(pool.0) else { return Vec::new() };
    let all = if model.replay { view.known().outages() } else { view.pool.outages() };
    let new: Vec<CrashId> = all.iter().filter(|outage| outage.number > before).map(CrashId::of).collect();
    view.crashes.opens = Some(view.crashes.opens.unwrap_or(0) + new.len());
    for id in new {
        if !view.crashes.unseen.contains(&id) {
            view.crashes.unseen.push(id);
        }
    }
    model.dirty = true;
    opening(model)
}

/// Whether the operator only looks at this pool.
fn only_looks(model: &Model, pool: PoolIx) -> bool {
    model.screen == Screen::Pool(pool)
        && model.popups.is_empty()
        && model.wizard().is_none()
        && !model.typing()
        && model.begun.is_empty()
        && (model.replay || model.past().is_none())
}

/// Since when nobody pressed a key for long enough.
fn quiet_from(model: &Model) -> Time {
    model.pressed + model.for_people(QUIET)
}

/// Opens what waits to be opened, or says that it is there.
pub(super) fn opening(model: &mut Model) -> Vec<Effect> {
    let Some((ix, many)) = model.pools.iter().enumerate().find_map(|(ix, view)| Some((ix, view.crashes.opens?))) else {
        return Vec::new();
    };
    let pool = PoolIx(ix);
    let mine: Vec<OutageView> = {
        let Some(view) = model.pools.get(ix) else { return Vec::new() };
        let all = if model.replay { view.known().outages() } else { view.pool.outages() };
        all.into_iter().filter(|outage| view.crashes.unseen.contains(&CrashId::of(outage))).collect()
    };
    let looks = only_looks(model, pool);
    if looks && model.now < quiet_from(model) {
        return Vec::new();
    }
    if let Some(view) = model.pools.get_mut(ix) {
        view.crashes.opens = None;
    }
    model.dirty = true;
    if looks && many > 1 {
        return list(model);
    }
    let Some(newest) = mine.into_iter().next() else { return Vec::new() };
    if looks {
        let now = model.now;
        return open(model, pool, &newest, Some(now));
    }
    let key = model.keymap.keys_of(Action::Crashes, &[]).into_iter().next().unwrap_or_default();
    let who = if many > 1 { format!("{} and {}", newest.name, plural(many - 1, "other", "others")) } else { newest.name };
    let whose = match model.pools.get(ix) {
        Some(view) if model.screen != Screen::Pool(pool) => format!("{}: ", view.name()),
        _ => String::new(),
    };
    let is = if many > 1 { "are" } else { "is" };
    model.say(format!("{whose}{who} {is} back from a reboot that nobody asked for. {key} on the panes shows why."), true);
    Vec::new()
}

/// Whether a pane has just opened by itself, so that a key was meant for what was there before.
pub(in crate::tui::update) fn guards(model: &Model) -> bool {
    let Some(Popup::Crash(pane)) = model.popups.last() else { return false };
    pane.opened.is_some_and(|opened| model.now < opened + model.for_people(GUARD))
}
