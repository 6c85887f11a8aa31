//! Whether a case went as it must, and if not, the smallest one that goes wrong in the same way.

use super::case::Case;
use poolwatch::rollout::entry::RunResult;
use poolwatch::rollout::twin::{Played, Rule, Violation};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// What is wrong with how a case went.
pub fn wrong(case: &Case, played: &Played) -> Option<Violation> {
    if played.violation.is_some() {
        return played.violation.clone();
    }
    let must_end_well =
        case.troubles.iter().all(poolwatch::rollout::twin::Trouble::is_soft) && !case.shape.pinned && !case.shape.ha;
    let well = played.result.as_ref().is_some_and(|(r, _)| *r == RunResult::Done) && played.stops.is_empty();
    (must_end_well && !well).then(|| Violation {
        at: poolwatch::time::Time::EPOCH,
        rule: Rule::NoProgress,
        text: format!("it had to end well: {:?}, stops {:?}", played.result, played.stops),
    })
}

/// Plays a case and judges it; a panic is judged too.
pub fn judge(case: &Case) -> (Option<Played>, Option<Violation>) {
    let played = std::panic::catch_unwind(|| case.play());
    match played {
        Ok(played) => {
            let wrong = wrong(case, &played);
            (Some(played), wrong)
        }
        Err(why) => {
            let text = why.downcast_ref::<String>().cloned().or_else(|| why.downcast_ref::<&str>().map(|s| (*s).to_owned()));
            let text = format!("panic: {}", text.unwrap_or_default());
            (None, Some(Violation { at: poolwatch::time::Time::EPOCH, rule: Rule::Journal, text }))
        }
    }
}

/// A smaller case that breaks the same rule.
pub fn shrink(case: &Case, rule: Rule) -> Case {
    let mut best = case.clone();
    let mut budget = 400;
    loop {
        let mut smaller: Vec<Case> = Vec::new();
        for at in 0..best.troubles.len() {
            let mut one = best.clone();
            one.troubles.remove(at);
            smaller.push(one);
        }
        for change in [
            (|c: &mut Case| c.shape.hosts = 2) as fn(&mut Case),
            |c| c.shape.hosts = (c.shape.hosts - 1).max(2),
            |c| c.shape.guests = 0,
            |c| c.shape.guests = c.shape.guests.min(1),
            |c| c.lag_ms = 0,
            |c| c.never = false,
            |c| c.shape.ha = false,
            |c| c.shape.cluster = false,
            |c| c.shape.mirror = false,
            |c| c.shape.pinned = false,
            |c| c.shape.shipped = false,
        ] {
            let mut one = best.clone();
            change(&mut one);
            if one != best {
                smaller.push(one);
            }
        }
        let found = smaller.into_iter().find(|one| {
            budget -= 1;
            budget > 0 && judge(one).1.is_some_and(|v| v.rule == rule)
        });
        match found {
            Some(one) => best = one,
            None => return best,
        }
    }
}

/// What to print when a case goes wrong: what was broken, the smallest case that does, and how to see it again.
pub fn report(case: &Case, violation: &Violation) -> String {
    let small = shrink(case, violation.rule);
    let again = judge(&small).1.unwrap_or_else(|| violation.clone());
    format!(
        "seed {}: {violation}\n  case:   {case}\n  shrunk: {small}\n          {again}\n  replay: POOLWATCH_CASE='{small}' cargo test --test rollouts replay -- \
         --ignored --nocapture\n",
        case.seed
    )
}

/// As [`report`], of a case that is not shrunk.
fn brief(case: &Case, violation: &Violation) -> String {
    format!(
        "seed {}: {violation}\n  case:   {case}\n  replay: POOLWATCH_CASE='{case}' cargo test --test rollouts replay -- --ignored --nocapture\n",
        case.seed
    )
}

/// What a batch of seeds came to.
#[derive(Debug, Default)]
pub struct Tally {
    pub rounds: u64,
    pub done: u64,
    pub stopped: u64,
    pub open: u64,
    pub steps: u64,
    pub lines: u64,
    /// One for each seed that broke a rule, by seed: what it broke, and how to see it again.
    pub failures: BTreeMap<u64, String>,
}

impl Tally {
    /// The seeds that broke a rule, and then each with how to see it again.
    pub fn told(&self) -> String {
        let seeds: Vec<String> = self.failures.keys().map(u64::to_string).collect();
        let all: Vec<&str> = self.failures.values().map(String::as_str).collect();
        format!("{} of {} rounds broke a rule: seeds {}\n{}", all.len(), self.rounds, seeds.join(" "), all.join("\n"))
    }
}

/// Failures that are shrunk: it takes some hundred rounds each. Of more than that only the seed and its case are told.
const SHRUNK: usize = 20;

/// Plays seeds on all processors, to the last one, whatever fails.
pub fn batch(seeds: std::ops::Range<u64>, make: impl Fn(u64) -> Case + Sync) -> Tally {
    let next = AtomicU64::new(seeds.start);
    let tally = Mutex::new(Tally::default());
    let workers = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let case = make(seed);
                    let (played, wrong) = judge(&case);
                    let shrinks = wrong.is_some() && tally.lock().unwrap().failures.len() < SHRUNK;
                    // At once, and before it is shrunk: who watches a long batch need not wait for its end.
                    if let Some(violation) = &wrong {
                        eprintln!(
                            "seed {seed}: {violation}\n  replay: POOLWATCH_SEED={seed} cargo test --test rollouts replay -- --ignored --nocapture"
                        );
                    }
                    let said = wrong.map(|v| if shrinks { report(&case, &v) } else { brief(&case, &v) });
                    if let Some(said) = said.as_ref().filter(|_| shrinks) {
                        eprintln!("{said}");
                    }
                    let mut tally = tally.lock().unwrap();
                    tally.rounds += 1;
                    if let Some(played) = played {
                        match played.result {
                            Some((RunResult::Done, _)) => tally.done += 1,
                            Some(_) => tally.stopped += 1,
                            None => tally.open += 1,
                        }
                        tally.steps += played.counts.0;
                        tally.lines += played.counts.2 as u64;
                    }
                    tally.failures.extend(said.map(|said| (seed, said)));
                }
            });
        }
    });
    std::panic::set_hook(hook);
    tally.into_inner().unwrap()
}
