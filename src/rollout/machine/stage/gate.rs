//! Gate: waits until a reboot is safe, by the pool's gate and by a reading made for that (I1).

use super::{closed, fresh_state};
use crate::pool::glance::Sight;
use crate::pool::picture::Stage as Doing;
use crate::rollout::call::Call;
use crate::rollout::entry::HostAt;
use crate::rollout::machine::ctx::{AGAIN, Ctx, Do, Next};
use crate::rollout::machine::hosts::go_on;
use crate::rollout::machine::safe::{self, Passes};
use crate::rollout::machine::{Guard, claim};
use crate::rollout::plan::Stage;
use crate::time::Time;
use std::time::Duration;

/// How often a host is emptied again, or disabled again, before the operator is asked.
const ROUNDS: usize = 6;
/// How long a host that started again has to show by itself how it is.
const STARTS: Duration = Duration::from_secs(180);

/// What to do in this stage.
pub fn step(ctx: &Ctx, h: HostAt) -> Do {
    let since = ctx.host_run(h).and_then(crate::rollout::run::HostRun::stage).map_or(ctx.now(), |(_, at)| at);
    match check(ctx, h, since) {
        Ok(()) => go_on(ctx, h, Stage::Gate),
        Err(instead) => instead,
    }
}

/// I1: whether the host may be rebooted now, by a reading asked for after `since`; else what is to be done instead.
pub fn check(ctx: &Ctx, h: HostAt, since: Time) -> Result<(), Do> {
    let name = ctx.name(h);
    claim::hold(ctx)?;
    let (Some(seen), Some(host), Some(run)) = (ctx.seen(h), ctx.host(h), ctx.host_run(h)) else {
        return Err(ctx.wait(Some(h), format!("{name} is not told by the pool"), None));
    };
    let back = |stage: Stage, what: &str| {
        if run.rounds(stage) >= ROUNDS {
            let why = format!("{what}, again and again: somebody, or something, works against this run.");
            return Ctx::stuck(
                Some(h),
                why,
                "Find out who starts guests or enables hosts here. Then retry; or skip; or abort.".into(),
            );
        }
        Ctx::enter(h, stage, what.to_owned())
    };
    if host.enabled {
        return Err(back(Stage::Disable, &format!("{name} was enabled by somebody")));
    }
    if !ctx.records().guests_on(&ctx.r(h)).is_empty() && ctx.guards(Guard::Guests) {
        return Err(back(Stage::Evacuate, &format!("a guest came to {name} after it was emptied")));
    }
    let passes = safe::gate(ctx, seen);
    if !matches!(passes, Passes::Yes) {
        return Err(restarted(ctx, h, seen).unwrap_or_else(|| closed(ctx, h, &passes, "its reboot")));
    }
    let state = fresh_state(ctx, h, since)?;
    safe::to_reboot(ctx, h, state)
        .map_err(|why| ctx.wait(Some(h), format!("{name} waits before its reboot: {why}"), Some(ctx.now() + AGAIN)))
}

/// Its toolstack, or the whole host, started again while it was disabled: whether it is well shows only once it is enabled. So it is enabled
/// once, and then taken out of use again.
fn restarted(ctx: &Ctx, h: HostAt, seen: Sight) -> Option<Do> {
    let starting = seen.live() && seen.stage() == Doing::Starting;
    let long = seen.since().is_some_and(|at| ctx.now() >= at + STARTS);
    if !(starting && long) {
        return None;
    }
    let name = ctx.name(h);
    let what = "shows again whether it is well, after its toolstack started again";
    match ctx.next(&ctx.stage_tries(h, |c| matches!(c, Call::Enable { .. }))) {
        Next::Make => Some(ctx.call(Some(h), Call::Enable { host: ctx.r(h) })),
        Next::Wait(at) => Some(ctx.wait(Some(h), format!("{name}: waits until it {what}"), at)),
        Next::Again(at, _) => Some(ctx.wait(Some(h), format!("{name}: waits until it {what}"), Some(at))),
        Next::Refused(_) => None,
    }
}
