//! Crashes: the list, one of them, and its keys. When it opens by itself is in `opens`, what is read in `reads`.

mod opens;
mod reads;

pub(super) use opens::{guards, observed, replayed};
pub(super) use reads::taken;

use super::popups::scrolled;
use super::{action, past};
use crate::crash::report::{Crash, Reading, confidence_text};
use crate::crash::verdict::Cause;
use crate::pool::outages::OutageView;
use crate::time::Time;
use crate::tui::effect::{Effect, Request};
use crate::tui::keymap::Action;
use crate::tui::model::crash::{CrashId, CrashPane, ReadState};
use crate::tui::model::{Ask, CauseOf, Model, Popup, Screen};
use crate::tui::msg::PoolIx;
use crate::tui::popups::crash_extent;
use reads::ask;

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
            return Some(open(model, pool, &outage, None));
        }
        _ if action.moves() => {
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
fn open(model: &mut Model, pool: PoolIx, outage: &OutageView, opened: Option<Time>) -> Vec<Effect> {
    let id = CrashId::of(outage);
    let Some(view) = model.pools.get_mut(pool.0) else { return Vec::new() };
    view.crashes.unseen.retain(|unseen| *unseen != id);
    let known = view.crashes.read(&id);
    let done = known.is_some_and(|read| matches!(read.state, ReadState::Asked { .. } | ReadState::Done));
    let pane = CrashPane { pool, outage: outage.clone(), saved: None, evidence: false, first: 0, opened };
    model.popups.push(Popup::Crash(Box::new(pane)));
    if done { Vec::new() } else { ask(model, pool, outage, 0, false) }
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
        _ if action.moves() => {
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

/// Time passed.
pub(super) fn tick(model: &mut Model) -> Vec<Effect> {
    let mut effects = opens::opening(model);
    effects.extend(reads::try_again(model));
    effects.extend(reads::tell_on(model));
    effects
}
