//! Readings of crashes: asked for, tried again, told on, and what came of them.

use crate::crash::report::Crash;
use crate::pool::outages::OutageView;
use crate::tui::effect::{Effect, Request};
use crate::tui::keymap::Action;
use crate::tui::model::crash::{CrashId, CrashRead, CrashTrouble, ReadState, of_outage};
use crate::tui::model::{Model, Popup};
use crate::tui::msg::{Answer, PoolIx};
use crate::xenapi::record::Record;
use std::sync::Arc;
use std::time::Duration;

/// What may pass by itself is tried again after this, by the time of people.
const AGAIN: Duration = Duration::from_secs(20);
/// So often.
const TRIES: u32 = 6;
/// What goes on is told anew so often, by the time of people.
const TELL_ON: Duration = Duration::from_secs(10);

/// Asks for a crash to be read.
pub(super) fn ask(model: &mut Model, pool: PoolIx, outage: &OutageView, tries: u32, quiet: bool) -> Vec<Effect> {
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

/// What may pass by itself is tried again when its time has come.
pub(super) fn try_again(model: &mut Model) -> Vec<Effect> {
    let mut effects = Vec::new();
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
    effects
}

/// The story of the crash that is open goes on while its guests come back: it is put together again from what was recorded since. What the host
/// left is not read again for that.
pub(super) fn tell_on(model: &mut Model) -> Vec<Effect> {
    let Some(Popup::Crash(pane)) = model.popups.last() else { return Vec::new() };
    let Some(view) = model.pools.get(pane.pool.0).filter(|_| model.records && !model.replay) else { return Vec::new() };
    let (pool, outage) = (pane.pool, model.outage_of(pane));
    let has_files = view.crashes.last(&outage).is_some_and(|last| last.files.is_some());
    if !has_files || !view.crashes.goes_on(&outage, model.now, model.for_people(TELL_ON)) {
        return Vec::new();
    }
    ask(model, pool, &outage, 0, true)
}

/// What came of something that was asked for.
pub(in crate::tui::update) fn taken(model: &mut Model, answer: Answer) {
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
