//! What can be done in the wizard and to a run now, and if not, why.

use super::frame::key;
use super::state::{CHECKS_LAST, Page, Survey};
use super::words;
use crate::pool::picture::{LinkState, Severity};
use crate::rollout::finding::Finding;
use crate::rollout::progress::CommandName;
use crate::text;
use crate::tui::draw::words::plural;
use crate::tui::keymap::Action;
use crate::tui::model::{Model, PoolView, Screen};

/// What going on leads to, or why one cannot go on, as a sentence.
pub(crate) fn next(model: &Model, pool: &PoolView) -> Result<&'static str, String> {
    let wizard = &pool.wizard;
    let refuse = |why: &str| Err(why.to_owned());
    let ready = || match &wizard.survey {
        Survey::Ready(..) => Ok(()),
        Survey::None => Err(format!("The choice has changed: {} plans and checks again.", key(model, Action::Recheck))),
        Survey::Asked(_) => Err("The round is being planned and checked.".to_owned()),
        Survey::Failed(_) => {
            Err(format!("There is no plan: mend what is said above, then {} tries again.", key(model, Action::Recheck)))
        }
    };
    match wizard.page {
        Page::Scope => {
            if let Some(why) = wizard.scope.wrong() {
                return refuse(why);
            }
            connected(pool)?;
            Ok("plans this and checks the pool; nothing is written")
        }
        Page::Plan => ready().map(|()| "shows what speaks against it"),
        Page::Preflight => {
            ready()?;
            let (hard, soft) = wizard.against();
            let again = key(model, Action::Recheck);
            match (hard, soft) {
                (0, 0) => {}
                (0, soft) => {
                    let words = plural(soft, "soft finding is", "soft findings are");
                    let accept = key(model, Action::Accept);
                    let it = if soft == 1 { "it" } else { "each" };
                    return Err(format!("{words} not accepted: mend {it}, or {accept} accepts it with a reason."));
                }
                (hard, 0) => {
                    let words = plural(hard, "hard finding speaks", "hard findings speak");
                    return Err(format!("{words} against it: mend it, then {again} checks again."));
                }
                (hard, soft) => {
                    return Err(format!("{hard} hard and {soft} soft findings speak against it: mend or accept, then {again}."));
                }
            }
            fresh(model, wizard).map(|()| "shows what will be changed, and asks for the name of the pool")
        }
        Page::Confirm => {
            ready()?;
            if wizard.against() != (0, 0) {
                return refuse("Something speaks against it: go back to the checks.");
            }
            if model.read_only {
                return Err(READ_ONLY.to_owned());
            }
            connected(pool)?;
            fresh(model, wizard)?;
            if wizard.typed.value().trim() != wizard.wanted_name() {
                return Err(format!("Type the name of the pool exactly as it is: {}", wizard.wanted_name()));
            }
            Ok("begins the round")
        }
        Page::Run => match &wizard.run {
            Some(run) if run.error.is_some() && run.progress.is_none() => {
                refuse("It was not begun: esc goes back to the checks.")
            }
            Some(run) if !run.going() => Ok("shows the report"),
            Some(_) => Err(format!("The round goes on, also while you look at the dashboard ({}).", key(model, Action::Wizard))),
            None => refuse("No rollout is going on here."),
        },
        Page::Report => Err(format!(
            "This is the last page. {} plans another round, {} goes back.",
            key(model, Action::NewRound),
            key(model, Action::Back)
        )),
    }
}

const READ_ONLY: &str = "poolwatch was started read-only (--read-only, or the profile says so): it changes nothing in a pool. Start it without that to roll.";

fn connected(pool: &PoolView) -> Result<(), String> {
    if pool.picture.link.state == LinkState::Live {
        return Ok(());
    }
    Err("The pool is not connected, so nothing can be planned or begun now.".to_owned())
}

fn fresh(model: &Model, wizard: &super::Wizard) -> Result<(), String> {
    match &wizard.survey {
        Survey::Ready(at, _) if model.now.since(*at) > model.for_people(CHECKS_LAST) => {
            let again = key(model, Action::Recheck);
            Err(format!(
                "The checks are {} old: {again} on the page preflight makes them again.",
                text::duration(model.now.since(*at))
            ))
        }
        _ => Ok(()),
    }
}

/// The finding under the cursor.
pub(super) fn finding(pool: &PoolView) -> Option<&Finding> {
    let prepared = pool.wizard.prepared()?;
    super::preflight::ordered(&prepared.findings).get(pool.wizard.at()).copied()
}

/// Whether an action of the rollout can be done now; `None` if it is none of these.
pub(crate) fn availability(model: &Model, action: Action) -> Option<Result<(), String>> {
    let refuse = |why: &str| Some(Err(why.to_owned()));
    let ours = matches!(
        action,
        Action::Wizard
            | Action::WizardNext
            | Action::Mark
            | Action::MarkAll
            | Action::Earlier
            | Action::Later
            | Action::Accept
            | Action::Mend
            | Action::Recheck
            | Action::ResumeFound
            | Action::NewRound
    ) || words::command(action).is_some();
    if !ours {
        return None;
    }
    let Some(pool) = model.pool() else { return refuse("No pool is selected.") };
    if let Some(name) = words::command(action) {
        let left = pool.wizard.progress().is_some_and(|p| p.result.is_some() && !p.left.is_empty());
        if name == CommandName::Restore && left {
            return Some(if model.read_only { Err(READ_ONLY.to_owned()) } else { connected(pool) });
        }
        let Some(progress) = pool.wizard.progress().filter(|_| pool.wizard.run.as_ref().is_some_and(|r| r.error.is_none()))
        else {
            return refuse("No rollout is going on here.");
        };
        if progress.result.is_some() && name != CommandName::Restore {
            return refuse("The round is over.");
        }
        return Some(match progress.commands.iter().find(|(n, _)| *n == name) {
            Some((_, None)) => Ok(()),
            // The reason is about the host that is worked on; one that waits can be left out all the same.
            Some((CommandName::Skip, Some(_))) if super::act::waits(model) => Ok(()),
            Some((_, Some(why))) => Err(words::sentence(why)),
            None => Err("The run does not take this command now.".to_owned()),
        });
    }
    let page = model.wizard().map(|w| w.page);
    match action {
        Action::Wizard if page.is_some() || pool.wizard.run.is_some() => Some(Ok(())),
        Action::Wizard if model.screen == Screen::Fleet => refuse("Open a pool first: enter on its row."),
        Action::Wizard if model.read_only => refuse(READ_ONLY),
        Action::Wizard => Some(connected(pool)),
        _ if page.is_none() => refuse("Open the rollout first."),
        Action::WizardNext => Some(next(model, pool).map(|_| ())),
        Action::Mark | Action::MarkAll | Action::Earlier | Action::Later if page != Some(Page::Scope) => {
            refuse("On the page scope.")
        }
        Action::Earlier | Action::Later if super::act::host_at(model).is_none() => refuse("Go to a host first."),
        Action::ResumeFound => match &pool.wizard.found {
            _ if page != Some(Page::Scope) => refuse("On the page scope."),
            None => refuse("There is no run of this pool that was not ended."),
            Some(found) => Some(found.refused.clone().map_or(Ok(()), Err)),
        },
        Action::Accept => match finding(pool).filter(|_| page == Some(Page::Preflight)) {
            None => refuse("On the page preflight, on a soft finding."),
            Some(f) if f.severity == Severity::Hard => refuse("A hard finding cannot be accepted, only mended."),
            Some(f) if f.severity == Severity::Note => refuse("A note needs no acceptance."),
            Some(_) => Some(Ok(())),
        },
        Action::Mend => match finding(pool).filter(|_| page == Some(Page::Preflight)) {
            None => refuse("On the page preflight, on a finding."),
            _ if pool.wizard.mending => refuse("Something is being mended already."),
            Some(f) if f.fix.is_none() => refuse("poolwatch cannot mend this: what to do is said with it."),
            Some(_) => Some(Ok(())),
        },
        Action::Recheck => match (&pool.wizard.survey, page) {
            (_, Some(Page::Plan | Page::Preflight)) if matches!(pool.wizard.survey, Survey::Asked(_)) => {
                refuse("It is being planned and checked already.")
            }
            (_, Some(Page::Plan | Page::Preflight)) => {
                Some(pool.wizard.scope.wrong().map_or_else(|| connected(pool), |w| Err(w.to_owned())))
            }
            _ => refuse("On the pages plan and preflight."),
        },
        Action::NewRound if pool.wizard.running() => refuse("A round is going on: one at a time."),
        Action::NewRound if !matches!(page, Some(Page::Run | Page::Report)) => refuse("This is a new round."),
        Action::NewRound if model.read_only => refuse(READ_ONLY),
        _ => Some(Ok(())),
    }
}
