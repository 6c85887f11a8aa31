//! From what is asked for to a plan and what speaks against it. Reads the pool; writes nothing.

use super::args::RollArgs;
use super::watch::Watch;
use super::when;
use crate::pool::picture::{LinkState, Picture};
use crate::rollout::driver;
use crate::rollout::entry::RunResult;
use crate::rollout::finding::Finding;
use crate::rollout::plan::{Options, Plan, PlanError, Scope, make};
use crate::rollout::preflight;
use crate::rollout::survey::{self, Survey};
use jiff::tz::TimeZone;
use std::time::Duration;

/// A plan, and what speaks against it.
pub struct Prepared {
    /// The plan.
    pub plan: Plan,
    /// What speaks against it.
    pub findings: Vec<Finding>,
    /// What was read for it.
    pub survey: Survey,
    /// The picture that it was made of.
    pub picture: Picture,
}

/// Why there is no plan, and what that means for who called.
pub type Refusal = (RunResult, String);

/// How the round is to be run, by the arguments.
pub fn options(args: &RollArgs, watch: &Watch, zone: &TimeZone) -> Result<Options, Refusal> {
    let mut options = Options { shut_down_pinned: args.shut_down_pinned, home: !args.no_home, ..Options::default() };
    options.accepted = args.accept.iter().chain(&args.force_clock).cloned().collect();
    options.database_checked = args.database_checked.then(|| watch.clock.now());
    options.batch = args.batch.unwrap_or(options.batch);
    options.soak_s = args.soak.unwrap_or(options.soak_s);
    options.settle_s = options.settle_s.max(args.settle.unwrap_or(0));
    if let Some(text) = &args.not_after {
        let at = when::parse(text, watch.clock.now(), zone).map_err(|why| (RunResult::Refused, format!("--not-after: {why}")))?;
        options.not_after = Some(at);
    }
    for (limit, secs) in &args.deadline {
        options.deadlines.set(*limit, *secs);
    }
    if let Some(name) = &args.network {
        options.network = watch.pool.network_named(name).map_err(|why| (RunResult::Refused, format!("--network: {why}")))?;
    }
    Ok(options)
}

/// Waits until the pool is known, and says which it is not.
pub async fn current(watch: &mut Watch, patience: Duration) -> Result<Picture, Refusal> {
    let picture = watch.until_current(patience).await;
    watch.tell_certificates();
    if picture.link.state == LinkState::Live && !picture.hosts.is_empty() {
        return Ok(picture);
    }
    Err((RunResult::Unknown, picture.link.text))
}

/// Plans, and checks the pool for it. What is known in `known` and still fresh is not read again.
pub async fn prepare(watch: &mut Watch, scope: &Scope, options: Options, known: Survey) -> Result<Prepared, Refusal> {
    let looks = survey::looks(&watch.pool, scope);
    let (lender, clock) = (watch.lender.clone(), watch.clock.clone());
    let mut survey = known;
    watch.during(driver::survey(&lender, &clock, &looks, &mut survey)).await;
    let picture = watch.picture();
    let now = watch.clock.now();
    let plan = make(&watch.pool, &picture, &survey, scope, options, now).map_err(|error| (weight(&error), error.to_string()))?;
    let findings = preflight::findings(&watch.pool, &picture, &survey, &plan, now);
    Ok(Prepared { plan, findings, survey, picture })
}

const fn weight(error: &PlanError) -> RunResult {
    match error {
        PlanError::NotCurrent { .. } | PlanError::NoHosts | PlanError::NoCoordinator | PlanError::CannotTell { .. } => {
            RunResult::Unknown
        }
        _ => RunResult::Refused,
    }
}
