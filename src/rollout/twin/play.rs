//! A round from its beginning to its end, with an operator who does the sensible thing when it stops and asks.

use super::check::{Rule, Violation};
use super::stage::Stage;
use crate::rollout::entry::{Command, Item, Phase, RunResult};
use crate::rollout::run::{WENT_BACK, Wish};
use crate::time::Time;
use std::collections::BTreeMap;
use std::time::Duration;

/// Steps after which a round is said not to come to an end; most take less than three hundred.
const STEPS: u64 = 250_000;

/// How long an operator waits at most for mirrors that are not in step before something is done about it.
const MIRRORS: Duration = Duration::from_secs(2 * 24 * 3600);

/// How an operator behaves.
#[derive(Clone, Copy, Debug)]
pub struct Operator {
    /// How long something may be stuck or paused before the operator comes.
    pub comes_after: Duration,
    /// Whether what is broken is mended before anything else is tried.
    pub mends: bool,
    /// How often it is tried again before the round is given up.
    pub retries: u32,
    /// For how long a round may go on in all.
    pub limit: Duration,
    /// After a pool could not be reached for so long the program is ended, as one that nobody watches ends itself.
    pub patience: Duration,
}

impl Default for Operator {
    fn default() -> Self {
        Self {
            comes_after: Duration::from_secs(600),
            mends: true,
            retries: 3,
            limit: Duration::from_secs(10 * 24 * 3600),
            patience: Duration::from_secs(12 * 3600),
        }
    }
}

/// How a round went.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Played {
    /// How it ended, and why, in words; `None`: it did not.
    pub result: Option<(RunResult, String)>,
    /// Why it stopped and asked, each time, in words.
    pub stops: Vec<String>,
    /// What is not as it was found, and why.
    pub left: BTreeMap<Item, String>,
    /// What was done that must never be done.
    pub violation: Option<Violation>,
    /// How long it took on the virtual clock.
    pub took: Duration,
    /// Steps, calls to the pool, lines of the journal.
    pub counts: (u64, usize, usize),
    /// How often the operator tried again, and whether the round was given up.
    pub retries: u32,
    /// The operator gave the round up.
    pub aborted: bool,
}

/// A pool that nobody reaches for good: nothing can be done but to say so, with what an operator can do; a program that is started on it says
/// so itself, and has not taken the run up. `Ok(Some)`: so it is, and what is said. `Err`: it could be reached, or nothing is said.
fn away(stage: &Stage, lost: &mut Option<Time>, patience: Duration) -> Result<Option<String>, String> {
    let now = crate::sim::api::Api::now(&stage.world);
    if stage.eye.session().is_some() {
        *lost = None;
        return Ok(None);
    }
    if now.since(*lost.get_or_insert(now)) < patience {
        return Ok(None);
    }
    if let Some(coordinator) = stage.reachable() {
        return Err(format!(
            "not connected for {} h, although {coordinator} coordinates and can be reached",
            patience.as_secs() / 3600
        ));
    }
    let Some(run) = stage.engine.as_ref().map(|e| &e.run) else {
        return Ok(Some("the program is not started: the pool cannot be reached".into()));
    };
    match &run.stuck {
        Some(stuck) if !stuck.todo.is_empty() => Ok(Some(stuck.todo.clone())),
        None if run.waiting.contains("resumed later") || run.wish == Wish::Pause => Ok(Some(run.waiting.clone())),
        _ => {
            Err(format!("the pool was not reached for {} h, and all that is said is: {}", patience.as_secs() / 3600, run.waiting))
        }
    }
}

/// Plays a round that was begun to its end.
pub fn play(stage: &mut Stage, operator: Operator) -> Played {
    play_watched(stage, operator, |_| {})
}

/// The same; `watch` is called after every step.
pub fn play_watched(stage: &mut Stage, operator: Operator, mut watch: impl FnMut(&Stage)) -> Played {
    let mut played = Played::default();
    let mut stuck: Option<Time> = None;
    let mut paused: Option<Time> = None;
    let mut lost: Option<Time> = None;
    let mut looking: Option<Time> = None;
    let mut tries = 0;
    let mut righted = false;
    loop {
        stage.step();
        watch(stage);
        if stage.checker.violation.is_some() || stage.is_over() {
            break;
        }
        match away(stage, &mut lost, operator.patience) {
            Ok(None) => {}
            Ok(Some(said)) => {
                played.stops.push(said);
                break;
            }
            Err(why) => {
                stage.checker.violate(crate::sim::api::Api::now(&stage.world), Rule::NoProgress, why);
                break;
            }
        }
        if stage.elapsed() > operator.limit {
            let waiting = stage.engine.as_ref().map_or_else(String::new, |e| e.run.waiting.clone());
            let stop = played.stops.last().cloned().unwrap_or_default();
            let text =
                format!("not at its end after {} h; it waits for: {waiting}; last stop: {stop}", operator.limit.as_secs() / 3600);
            stage.checker.violate(crate::sim::api::Api::now(&stage.world), Rule::NoProgress, text);
            break;
        }
        if stage.steps() > STEPS {
            let at = crate::sim::api::Api::now(&stage.world);
            let waiting = stage.engine.as_ref().map_or_else(String::new, |e| e.run.waiting.clone());
            stage.checker.violate(at, Rule::NoProgress, format!("not at its end after {STEPS} steps; it waits for: {waiting}"));
            break;
        }
        let now = crate::sim::api::Api::now(&stage.world);
        let Some(run) = stage.engine.as_ref().map(|e| &e.run) else { continue };
        if run.wish == Wish::Pause && run.stuck.is_none() {
            if now.since(*paused.get_or_insert(now)) >= operator.comes_after {
                paused = None;
                let _ = stage.command(&Command::Resume);
            }
            continue;
        }
        paused = None;
        let Some(why) = run.stuck.as_ref().map(|s| s.why.clone()) else {
            (stuck, looking) = (None, None);
            continue;
        };
        let ending = run.phase.0 >= Phase::Restore || run.wish == Wish::Abort;
        if stuck.is_none() {
            stuck = Some(now);
            played.stops.push(why);
        }
        if stuck.is_some_and(|at| now.since(at) < operator.comes_after) {
            continue;
        }
        stuck = None;
        // Asked to look at the mirrors and to go on once they are in step, an operator does just that.
        let looks = run.stuck.as_ref().is_some_and(|s| s.todo.contains("Retry once they are in step"));
        if looks && operator.mends && stage.is_behind() && now.since(*looking.get_or_insert(now)) < MIRRORS {
            stage.mend_all();
            stuck = Some(now);
            continue;
        }
        // Asked whether what an older database says is so, an operator looks, whatever became of what was tried.
        if run.stuck.as_ref().is_some_and(|s| s.why.starts_with(WENT_BACK)) {
            righted = !righted && stage.put_right();
            if righted {
                stuck = Some(now);
            } else {
                let _ = stage.command(&Command::Retry);
            }
            continue;
        }
        if operator.mends && stage.mend_all() {
            // Mended machines need time to come back.
            stuck = Some(now);
            played.stops.push("(mended)".into());
            continue;
        }
        tries += 1;
        if tries <= operator.retries {
            played.retries += 1;
            let _ = stage.command(&Command::Retry);
        } else if !ending {
            played.aborted = true;
            let _ = stage.command(&Command::Abort);
        } else if tries <= 3 * operator.retries + 3 {
            if stage.command(&Command::Restore).is_err() {
                let _ = stage.command(&Command::Abort);
            }
        } else {
            stage.checker.violate(now, Rule::NoProgress, format!("given up, and it does not end: {}", played.stops.join(" / ")));
            break;
        }
    }
    if stage.is_over()
        && stage.checker.violation.is_none()
        && let Some(engine) = &stage.engine
    {
        stage.checker.at_the_end(&stage.world, &engine.run, super::stage::OWNER);
    }
    if let Some(engine) = &stage.engine {
        played.result.clone_from(&engine.run.result);
        played.left.clone_from(&engine.run.left);
    }
    played.violation.clone_from(&stage.checker.violation);
    played.took = stage.elapsed();
    played.counts = (stage.steps(), stage.calls, stage.book().lines());
    played
}
