//! What came of what the wizard asked for.

use super::act::survey_of;
use super::state::{Page, RunView, Survey};
use super::words;
use crate::tui::effect::Effect;
use crate::tui::model::{Model, PoolView};
use crate::tui::msg::{Answer, PoolIx};

/// Takes an answer in.
pub(crate) fn taken(model: &mut Model, answer: Answer) -> Vec<Effect> {
    let now = model.now;
    match answer {
        Answer::RunFound { pool, result } => {
            let found = match result {
                Ok(found) => found,
                Err(why) => {
                    say(model, pool, &format!("Whether a run of this pool was not ended cannot be told: {why}"), true);
                    None
                }
            };
            if let Some(view) = model.pools.get_mut(pool.0).filter(|v| v.wizard.run.is_none()) {
                view.wizard.found = found;
            }
        }
        Answer::Surveyed { pool, ask, result } => {
            // An answer to what was asked before the choice changed says nothing about what is wanted now.
            let awaited = |view: &&mut PoolView| view.wizard.ask == ask && matches!(view.wizard.survey, Survey::Asked(_));
            if let Some(view) = model.pools.get_mut(pool.0).filter(awaited) {
                view.wizard.survey = match result {
                    Ok(prepared) => Survey::Ready(now, prepared),
                    Err(why) => Survey::Failed(why),
                };
            }
        }
        Answer::Mended { pool, result } => {
            let Some(view) = model.pools.get_mut(pool.0) else { return Vec::new() };
            view.wizard.mending = false;
            // What the pool is like now shows in fresh checks, whether it went well or not.
            let again = matches!(view.wizard.page, Page::Plan | Page::Preflight);
            let effects = if again { survey_of(view, pool, now) } else { Vec::new() };
            match result {
                Ok(text) => say(model, pool, &text, false),
                Err(why) => say(model, pool, &format!("It could not be mended: {why}"), true),
            }
            return effects;
        }
        Answer::RunStarted { pool, files } => {
            if let Some(view) = model.pools.get_mut(pool.0) {
                view.wizard.found = None;
                let run = view.wizard.run.get_or_insert_with(|| RunView { asked: now, ..RunView::default() });
                run.files = files;
                run.error = None;
            }
        }
        Answer::RunProgress { pool, progress } => progressed(model, pool, progress),
        Answer::RunFailed { pool, error } => {
            let Some(view) = model.pools.get_mut(pool.0) else { return Vec::new() };
            let error = crate::text::clean(&error, 2_000).into_owned();
            let shown = view.wizard.shown;
            let run = view.wizard.run.get_or_insert_with(|| RunView { asked: now, ..RunView::default() });
            run.error = Some(error.clone());
            if !shown {
                say(model, pool, &format!("The rollout cannot go on: {error}"), true);
            }
        }
        Answer::Commanded { pool, command, result } => match result {
            Ok(()) => say(model, pool, words::taken(&command), false),
            Err(why) => say(model, pool, &format!("The run does not take that: {why}"), true),
        },
        _ => {}
    }
    Vec::new()
}

fn progressed(model: &mut Model, pool: PoolIx, progress: Box<crate::rollout::progress::Progress>) {
    let now = model.now;
    let on_screen = model.pool_ix() == Some(pool) && model.wizard().is_some();
    let Some(view) = model.pools.get_mut(pool.0) else { return };
    let wizard = &mut view.wizard;
    let run = wizard.run.get_or_insert_with(|| RunView { asked: now, ..RunView::default() });
    let before = run.progress.as_deref();
    let ended = progress.result.is_some() && before.is_none_or(|p| p.result.is_none());
    let stuck = progress.stuck.is_some() && before.is_none_or(|p| p.stuck.is_none());
    let moved_on = before.and_then(|p| p.current) != progress.current;
    let current = progress.current;
    let last_word = progress.result.as_ref().map(|(result, text)| {
        let word: &str = (*result).into();
        format!("The rollout is over ({word}): {text}")
    });
    let why = progress.stuck.as_ref().map(|(why, _)| why.clone());
    run.progress = Some(progress);
    if moved_on && let Some(at) = current.filter(|_| wizard.page == Page::Run) {
        wizard.set_at(at);
    }
    if ended && wizard.page == Page::Run {
        wizard.turn_to(Page::Report);
    }
    // Who looks at something else has to be told.
    if ended && !on_screen {
        say(model, pool, &last_word.unwrap_or_default(), false);
    } else if stuck && !on_screen {
        say(model, pool, &format!("The rollout is stuck and waits for you: {}", why.unwrap_or_default()), true);
    }
}

/// A word to the operator, with the name of the pool where there are several.
fn say(model: &mut Model, pool: PoolIx, text: &str, wrong: bool) {
    let name = model.pools.get(pool.0).map(|p| p.name().to_owned()).filter(|_| model.pools.len() > 1);
    model.say(name.map_or_else(|| text.to_owned(), |name| format!("{name}: {text}")), wrong);
}
