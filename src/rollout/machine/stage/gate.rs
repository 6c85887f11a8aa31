//! Gate: waits until a reboot is safe, by the pool's gate and by a reading made for that (I1).

use super::{closed, fresh_state};
use crate::rollout::entry::HostAt;
use crate::rollout::machine::ctx::{AGAIN, Ctx, Do};
use crate::rollout::machine::hosts::go_on;
use crate::rollout::machine::safe::{self, Passes};
use crate::rollout::machine::{Guard, claim};
use crate::rollout::plan::Stage;
use crate::time::Time;

/// How often a host is emptied again, or disabled again, before the operator is asked.
const ROUNDS: usize = 6;

/// What to do in this stage.
pub fn step(ctx: &Ctx, h: HostAt) -> Do {
    let since = ctx.host_run(h).and_then(|r| r.stage()).map_or(ctx.now(), |(_, at)| at);
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
            return ctx.stuck(
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
    let passes = safe::gate(ctx, &seen.gate);
    if !matches!(passes, Passes::Yes) {
        return Err(closed(ctx, h, &passes, "its reboot"));
    }
    let state = fresh_state(ctx, h, since)?;
    safe::to_reboot(ctx, h, state)
        .map_err(|why| ctx.wait(Some(h), format!("{name} waits before its reboot: {why}"), Some(ctx.now() + AGAIN)))
}
