//! Reboot: the call, made once, right after a reading that allows it.

use super::gate;
use super::up::booted_anew;
use crate::pool::picture::Stage as Doing;
use crate::rollout::call::{Call, Outcome};
use crate::rollout::entry::HostAt;
use crate::rollout::machine::ctx::{Ctx, Do, Next};
use crate::rollout::machine::hosts::go_on;
use crate::rollout::plan::Stage;
use crate::rollout::run::CallRun;
use crate::time::Time;
use std::time::Duration;

/// What to do in this stage.
pub fn step(ctx: &Ctx, h: HostAt) -> Do {
    let name = ctx.name(h);
    let mark = ctx.host_run(h).and_then(|r| r.mark_of(Stage::Gate)).unwrap_or(1);
    let tries = ctx.tries(mark, |c| c.host == Some(h) && matches!(c.call, Call::Reboot { .. }));
    let Some((_, call)) = tries.last else { return attempt(ctx, h) };
    if booted_anew(ctx, h) || gone(ctx, h) {
        return go_on(ctx, h, Stage::Reboot);
    }
    match &call.outcome {
        Some((Outcome::Done { .. } | Outcome::Unanswered { .. }, _)) => go_on(ctx, h, Stage::Reboot),
        None => ctx.wait(Some(h), format!("{name} is told to reboot"), None),
        Some(_) => match ctx.next(&tries) {
            Next::Make => attempt(ctx, h),
            Next::Wait(at) => ctx.wait(Some(h), format!("{name} is told to reboot"), at),
            Next::Again(at, why) => {
                let text = format!("{name} waits before its reboot: it was refused ({why}) and is tried again");
                ctx.wait(Some(h), text, Some(at))
            }
            Next::Refused(why) => Ctx::stuck(
                Some(h),
                format!("{name} cannot be rebooted: {why}."),
                "Mend that, then retry; or skip the host (it is enabled again); or abort.".into(),
            ),
        },
    }
}

/// Whether it is seen to be gone; for the coordinator, also by the connection that went with it.
pub fn gone(ctx: &Ctx, h: HostAt) -> bool {
    if !ctx.is_current() {
        return ctx.is_coordinator(h);
    }
    ctx.seen(h).is_some_and(|s| matches!(s.stage(), Doing::Down | Doing::Silent | Doing::Starting | Doing::Plugging))
}

fn attempt(ctx: &Ctx, h: HostAt) -> Do {
    if !ctx.is_current() {
        return ctx.unseen(Some(h));
    }
    // It was told before, in an earlier round of its gate, and has done it since.
    let told = |c: &CallRun| c.host == Some(h) && matches!(c.call, Call::Reboot { .. }) && c.may_have_effect();
    if ctx.calls(1, told).next().is_some() && booted_anew(ctx, h) {
        return go_on(ctx, h, Stage::Reboot);
    }
    let run = ctx.host_run(h);
    // Asked for in this round of the gate, and after whatever was refused since.
    let gate = run.and_then(|r| r.stages.iter().rev().find(|(s, _)| *s == Stage::Gate)).map(|(_, at)| *at);
    let refused =
        ctx.stage_tries(h, |c| matches!(c, Call::Reboot { .. })).last.and_then(|(_, c)| c.outcome.as_ref().map(|o| o.1));
    let since = gate.unwrap_or(ctx.now()).max(refused.map_or(Time::EPOCH, |at| at + Duration::from_millis(1)));
    match gate::check(ctx, h, since) {
        Ok(()) => ctx.call(Some(h), Call::Reboot { host: ctx.r(h) }),
        Err(instead) => instead,
    }
}
