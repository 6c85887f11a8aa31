//! Crashes: the list, one of them, what is asked for about it, and when it opens by itself.

use super::popups::scrolled;
use super::{action, past};
use crate::crash::report::{Crash, Reading, confidence_text};
use crate::crash::verdict::Cause;
use crate::pool::outages::OutageView;
use crate::time::Time;
use crate::tui::draw::words::plural;
use crate::tui::effect::{Effect, Request};
use crate::tui::keymap::Action;
use crate::tui::model::crash::{CrashId, CrashPane, CrashRead, CrashTrouble, ReadState, of_outage};
use crate::tui::model::{Ask, CauseOf, Model, Popup, Screen};
use crate::tui::msg::{Answer, PoolIx};
use crate::tui::popups::crash_extent;
use crate::xenapi::record::Record;
use std::sync::Arc;
use std::time::Duration;

/// So long nobody may have pressed a key before a pane opens by itself: the next key would go to it.
const QUIET: Duration = Duration::from_millis(1_500);
/// And so long after it opened by itself keys do nothing: they were meant for what was there before.
const GUARD: Duration = Duration::from_millis(500);
/// What may pass by itself is tried again after this, by the time of people.
const AGAIN: Duration = Duration::from_secs(20);
/// So often.
const TRIES: u32 = 6;
/// What goes on is told anew so often, by the time of people.
const TELL_ON: Duration = Duration::from_secs(10);
/// Rows of the list that a page key passes.
const PAGE: usize = 10;

/// Does the action if it is about crashes; `None` if it is not.
pub(super) fn act(model: &mut Model, action: Action) -> Option<Vec<Effect>> {
    if action == Action::Crashes {
        return Some(list(model));
    }
    match model.popups.last()? {
        Popup::Crashes { .. } => in_list(model, action),
        Popup::Crash(_) => in_pane(model, action),
        _ => None,
    }
}

fn list(model: &mut Model) -> Vec<Effect> {
    let Some(pool) = model.pool_ix() else { return Vec::new() };
    // What is listed counts as seen; in the past that is not what is new.
    let listed: Vec<CrashId> = model.outages(pool).iter().map(CrashId::of).collect();
    if let Some(view) = model.pools.get_mut(pool.0) {
        view.crashes.unseen.retain(|id| !listed.contains(id));
        view.crashes.opens = None;
    }
    model.popups.push(Popup::Crashes { pool, at: 0, chosen: None });
    Vec::new()
}

/// The row that is chosen in the list.
pub(crate) fn chosen(all: &[OutageView], at: usize, chosen: Option<&CrashId>) -> usize {
    let by_name = chosen.and_then(|id| all.iter().position(|outage| CrashId::of(outage) == *id));
    by_name.unwrap_or(at).min(all.len().saturating_sub(1))
}

fn in_list(model: &mut Model, action: Action) -> Option<Vec<Effect>> {
    let Some(Popup::Crashes { pool, at, chosen: id }) = model.popups.last().cloned() else { return None };
    let all = model.outages(pool);
    let row = chosen(&all, at, id.as_ref());
    match action {
        Action::Open => {
            let outage = all.into_iter().nth(row)?;
            return Some(open(model, pool, outage, None));
        }
        Action::Up
        | Action::Down
        | Action::PageUp
        | Action::PageDown
        | Action::HalfUp
        | Action::HalfDown
        | Action::Top
        | Action::Bottom => {
            let row = super::step(action, row, all.len(), PAGE);
            if let Some(Popup::Crashes { at, chosen, .. }) = model.popups.last_mut() {
                (*at, *chosen) = (row, all.get(row).map(CrashId::of));
            }
        }
        _ => return None,
    }
    Some(Vec::new())
}

/// Opens a crash, and reads it if nobody did yet.
fn open(model: &mut Model, pool: PoolIx, outage: OutageView, opened: Option<Time>) -> Vec<Effect> {
    let id = CrashId::of(&outage);
    let Some(view) = model.pools.get_mut(pool.0) else { return Vec::new() };
    view.crashes.unseen.retain(|unseen| *unseen != id);
    let known = view.crashes.read(&id);
    let done = known.is_some_and(|read| matches!(read.state, ReadState::Asked { .. } | ReadState::Done));
    let pane = CrashPane { pool, outage: outage.clone(), saved: None, evidence: false, first: 0, opened };
    model.popups.push(Popup::Crash(Box::new(pane)));
    if done { Vec::new() } else { ask(model, pool, &outage, 0, false) }
}

/// Asks for a crash to be read.
fn ask(model: &mut Model, pool: PoolIx, outage: &OutageView, tries: u32, quiet: bool) -> Vec<Effect> {
    model.asks += 1;
    let (number, now) = (model.asks, model.now);
    let Some(view) = model.pools.get_mut(pool.0) else { return Vec::new() };
    let files = view.crashes.last(outage).filter(|_| quiet).and_then(|last| last.files.clone());
    view.crashes.begin(CrashId::of(outage), number, now, tries, quiet);
    let called = match view.known().record(&outage.host) {
        Some(Record::Host(host)) if !host.uuid.is_empty() => host.uuid.to_string(),
        _ => outage.name.clone(),
    };
    let (host, name) = (outage.host.clone(), outage.name.clone());
    vec![Effect::Request(Request::ReadCrash { pool, ask: number, host, called, name, at: Some(outage.at()), files })]
}

/// The crash that is open on top: the pane, what the pool says of it now, and what was found.
fn on_top(model: &Model) -> Option<(&CrashPane, OutageView, Option<&Crash>)> {
    let Some(Popup::Crash(pane)) = model.popups.last() else { return None };
    let outage = model.outage_of(pane);
    let found = model.pools.get(pane.pool.0).and_then(|view| view.crashes.found(&outage));
    Some((pane, outage, found))
}

fn in_pane(model: &mut Model, action: Action) -> Option<Vec<Effect>> {
    let (pane, outage, found) = on_top(model)?;
    let pool = pane.pool;
    match action {
        Action::CrashEvidence => {
            if let Some(Popup::Crash(pane)) = model.popups.last_mut() {
                (pane.evidence, pane.first) = (!pane.evidence, 0);
            }
        }
        Action::CrashHtml => {
            let crash = found?.clone();
            let read = model.pools.get(pool.0)?.crashes.last(&outage)?;
            let reading = Reading { crashes: vec![crash], ..read.reading.clone() };
            return Some(vec![Effect::Request(Request::SaveCrash { pool, reading: Box::new(reading) })]);
        }
        Action::CrashMoment => {
            let at = found.and_then(|crash| crash.at).unwrap_or_else(|| outage.at());
            model.popups.clear();
            if model.screen != Screen::Pool(pool) {
                action::go(model, pool);
            }
            return Some(past::go(model, at));
        }
        Action::CrashCause => {
            if let Some(of) = cause(pool, &outage, found) {
                model.popups.push(Popup::Ask { ask: Ask::Cause(Box::new(of)), at: 0 });
            }
        }
        Action::CrashAgain => return Some(ask(model, pool, &outage, 0, false)),
        Action::CrashStop => {
            let stopped = model.pools.get_mut(pool.0)?.crashes.stop(&CrashId::of(&outage));
            return Some(stopped.map(|ask| Effect::Request(Request::StopCrash { ask })).into_iter().collect());
        }
        Action::Copy => {
            let sheet = crate::tui::sheet::crash::sheet(model, pane);
            let text = sheet.plain();
            model.say("Copied what is known of this crash.", false);
            return Some(vec![Effect::Copy(text)]);
        }
        Action::Back if pane.evidence => {
            if let Some(Popup::Crash(pane)) = model.popups.last_mut() {
                (pane.evidence, pane.first) = (false, 0);
            }
        }
        Action::Open => {}
        Action::Up
        | Action::Down
        | Action::PageUp
        | Action::PageDown
        | Action::HalfUp
        | Action::HalfDown
        | Action::Top
        | Action::Bottom => {
            let (count, seen) = crash_extent(model, pane);
            if let Some(Popup::Crash(pane)) = model.popups.last_mut() {
                pane.first = scrolled(action, pane.first, count, seen);
            }
        }
        _ => return None,
    }
    Some(Vec::new())
}

/// What would be written about a crash.
fn cause(pool: PoolIx, outage: &OutageView, found: Option<&Crash>) -> Option<CauseOf> {
    let (dump, crash) = (outage.dump.as_ref()?, found?);
    let name: &str = crash.verdict.cause.into();
    Some(CauseOf {
        pool,
        dump: dump.r#ref.clone(),
        uuid: dump.uuid.clone(),
        host: outage.name.clone(),
        was: dump.cause.clone(),
        cause: name.to_owned(),
        sure: confidence_text(crash.verdict.confidence),
    })
}

/// `Ok` if an action about crashes can be done now, else why not; `None` if it is not about crashes.
pub(super) fn availability(model: &Model, action: Action) -> Option<Result<(), String>> {
    let refuse = |why: &str| Some(Err(why.to_owned()));
    if action == Action::Crashes {
        return if model.pool().is_none() { refuse("No pool is selected.") } else { Some(Ok(())) };
    }
    if !matches!(
        action,
        Action::CrashEvidence
            | Action::CrashHtml
            | Action::CrashMoment
            | Action::CrashCause
            | Action::CrashAgain
            | Action::CrashStop
            | Action::Open
    ) {
        return None;
    }
    if action == Action::Open {
        return match model.popups.last() {
            Some(Popup::Crashes { pool, .. }) if model.outages(*pool).is_empty() => refuse("There is none to open."),
            Some(Popup::Crash(_)) => refuse("There is nothing to choose here."),
            _ => None,
        };
    }
    let Some((pane, outage, found)) = on_top(model) else { return refuse("Open a crash first: c, then enter on its row.") };
    let read = model.pools.get(pane.pool.0).and_then(|view| view.crashes.read(&CrashId::of(&outage)));
    let reading = read.is_some_and(|read| matches!(read.state, ReadState::Asked { quiet: false, .. }));
    Some(match action {
        Action::CrashStop if !reading => Err("Nothing is being read.".to_owned()),
        Action::CrashAgain if reading => Err("It is being read.".to_owned()),
        Action::CrashEvidence | Action::CrashHtml | Action::CrashCause if found.is_none() && reading => {
            Err("It is still being read.".to_owned())
        }
        Action::CrashEvidence | Action::CrashHtml | Action::CrashCause if found.is_none() => {
            Err("Nothing was found about this crash.".to_owned())
        }
        Action::CrashEvidence if found.is_some_and(|crash| crash.verdict.evidence.is_empty()) => {
            Err("There is no line of a log that says so; the reasons are in the summary.".to_owned())
        }
        Action::CrashCause => writable(model, &outage, found),
        // In the list of all pools the pane opens the pool first.
        Action::CrashMoment if model.screen == Screen::Fleet && (model.records || model.replay) => Ok(()),
        Action::CrashMoment => past::availability(model, Action::Time).unwrap_or(Ok(())),
        _ => Ok(()),
    })
}

fn writable(model: &Model, outage: &OutageView, found: Option<&Crash>) -> Result<(), String> {
    let refuse = |why: &str| Err(why.to_owned());
    let Some(crash) = found else { return refuse("The cause is not known.") };
    let name: &str = crash.verdict.cause.into();
    if model.replay {
        return refuse("This is a recording: nothing can be changed in it.");
    }
    if model.is_looking_back() {
        return refuse("This is the past, and nothing can be changed in it. Go back to live first: x.");
    }
    if model.read_only {
        return refuse("This dashboard only watches: nothing is written to the pool.");
    }
    match &outage.dump {
        _ if matches!(crash.verdict.cause, Cause::None | Cause::Unknown) => {
            refuse("The cause is not known, so there is none to write.")
        }
        None => refuse("There is no crash dump whose record could hold the cause."),
        Some(dump) if dump.cause.as_deref() == Some(name) => Err(format!("The pool has it already: {name}.")),
        Some(_) => Ok(()),
    }
}

/// Something was seen of a pool: whether one of its hosts came back from a reboot that nobody asked for.
pub(super) fn observed(model: &mut Model, pool: PoolIx) -> Vec<Effect> {
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
pub(super) fn replayed(model: &mut Model, pool: PoolIx) -> Vec<Effect> {
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
fn opening(model: &mut Model) -> Vec<Effect> {
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
        return open(model, pool, newest, Some(now));
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

/// Time passed.
pub(super) fn tick(model: &mut Model) -> Vec<Effect> {
    let mut effects = opening(model);
    let now = model.now;
    let open: Vec<(PoolIx, CrashId)> = model
        .popups
        .iter()
        .filter_map(|popup| if let Popup::Crash(pane) = popup { Some((pane.pool, CrashId::of(&pane.outage))) } else { None })
        .collect();
    let mut due = Vec::new();
    for (ix, view) in model.pools.iter_mut().enumerate() {
        for read in view.crashes.waiting() {
            if read.again.is_some_and(|at| at <= now) {
                read.again = None;
                // Nobody waits for what nobody looks at.
                if open.contains(&(PoolIx(ix), read.id.clone())) {
                    due.push((PoolIx(ix), read.id.clone(), read.tries + 1));
                }
            }
        }
    }
    for (pool, id, tries) in due {
        if let Some(outage) = model.outages(pool).into_iter().find(|outage| CrashId::of(outage) == id) {
            model.dirty = true;
            effects.extend(ask(model, pool, &outage, tries, false));
        }
    }
    effects.extend(tell_on(model));
    effects
}

/// The story of the crash that is open goes on while its guests come back: it is put together again from what was recorded since. What the host
/// left is not read again for that.
fn tell_on(model: &mut Model) -> Vec<Effect> {
    let Some(Popup::Crash(pane)) = model.popups.last() else { return Vec::new() };
    let Some(view) = model.pools.get(pane.pool.0).filter(|_| model.records && !model.replay) else { return Vec::new() };
    let (pool, outage) = (pane.pool, model.outage_of(pane));
    let has_files = view.crashes.last(&outage).is_some_and(|last| last.files.is_some());
    if !has_files || !view.crashes.goes_on(&outage, model.now, model.for_people(TELL_ON)) {
        return Vec::new();
    }
    ask(model, pool, &outage, 0, true)
}

/// Whether a pane has just opened by itself, so that a key was meant for what was there before.
pub(super) fn guards(model: &Model) -> bool {
    let Some(Popup::Crash(pane)) = model.popups.last() else { return false };
    pane.opened.is_some_and(|opened| model.now < opened + model.for_people(GUARD))
}

/// What came of something that was asked for.
pub(super) fn taken(model: &mut Model, answer: Answer) {
    match answer {
        Answer::CrashSeen { pool, ask, files, bytes } => {
            if let Some(read) = model.pools.get_mut(pool.0).and_then(|view| view.crashes.asked(ask))
                && let ReadState::Asked { seen, .. } = &mut read.state
            {
                *seen = (files, bytes);
            }
        }
        Answer::CrashRead { pool, ask, result } => read(model, pool, ask, result.map(|read| *read)),
        Answer::CrashSaved { pool, result } => match result {
            Ok(path) => {
                let path = crate::text::clean(&path, 1_000).into_owned();
                model.say(format!("Written: {path}"), false);
                for popup in &mut model.popups {
                    if let Popup::Crash(pane) = popup
                        && pane.pool == pool
                    {
                        pane.saved = Some(path.clone());
                    }
                }
            }
            Err(why) => model.say(format!("The file could not be written: {why}"), true),
        },
        Answer::CauseWritten { result, .. } => match result {
            Ok(text) => model.say(text, false),
            Err(why) => model.say(format!("The cause was not written: {why}"), true),
        },
        _ => {}
    }
}

fn read(model: &mut Model, pool: PoolIx, ask: u64, result: Result<CrashRead, CrashTrouble>) {
    let (now, again) = (model.now, model.now + model.for_people(AGAIN));
    let Some(view) = model.pools.get_mut(pool.0) else { return };
    let Some(read) = view.crashes.asked(ask) else { return };
    let id = read.id.clone();
    let quiet = matches!(read.state, ReadState::Asked { quiet: true, .. });
    let trouble = match result {
        Ok(found) => {
            let without = found.without_files.clone();
            // What was read of the host's own files before is worth more than a story without them.
            if without.is_none() || read.last.as_ref().is_none_or(|last| last.without_files.is_some()) {
                read.last = Some(Arc::new(found));
            }
            (read.state, read.told) = (ReadState::Done, now);
            without
        }
        // What is shown stays as it is.
        Err(_) if quiet => {
            (read.state, read.told) = (ReadState::Done, now);
            None
        }
        Err(trouble) => {
            read.state = ReadState::Failed(trouble.clone());
            Some(trouble)
        }
    };
    let passes = trouble.as_ref().is_some_and(|trouble| trouble.passes);
    read.again = (passes && read.tries < TRIES).then_some(again);
    let read = read.clone();
    let open = |popup: &Popup| matches!(popup, Popup::Crash(pane) if pane.pool == pool && CrashId::of(&pane.outage) == id);
    if quiet || model.popups.iter().any(open) {
        return;
    }
    let Some(outage) = model.outages(pool).into_iter().find(|outage| CrashId::of(outage) == id) else { return };
    let found = read.last.as_ref().and_then(|last| of_outage(&last.reading, &outage).map(Crash::headline));
    let key = model.keymap.keys_of(Action::Crashes, &[]).into_iter().next().unwrap_or_default();
    match (found, trouble) {
        (Some(headline), _) => model.say(format!("It is read: {headline}. {key} shows it."), false),
        (None, Some(trouble)) => model.say(trouble.text, true),
        (None, None) => model.say(format!("What {} left says nothing of this crash.", outage.name), false),
    }
}
