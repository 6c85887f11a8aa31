//! Up: the host boots, until its boot time has changed and it is live. Nothing else proves a reboot.

use crate::pool::picture::Stage as Doing;
use crate::rollout::call::Call;
use crate::rollout::entry::HostAt;
use crate::rollout::machine::ctx::{Ctx, Do};
use crate::rollout::machine::hosts::go_on;
use crate::rollout::plan::Stage;
use std::time::Duration;

/// How far a host's clock may be behind ours for its boot to be told from one before the call.
const CLOCKS: Duration = Duration::from_secs(300);

/// What to do in this stage.
pub fn step(ctx: &Ctx, h: HostAt) -> Do {
    let name = ctx.name(h);
    if !ctx.is_current() {
        let text = if ctx.is_coordinator(h) {
            format!("{name} is the coordinator and reboots: until it is back the pool cannot be reached, which is expected")
        } else {
            format!("{name} reboots; the pool is not seen now, and nothing is done until it is")
        };
        return ctx.wait(Some(h), text, None);
    }
    let Some(seen) = ctx.seen(h) else { return ctx.wait(Some(h), format!("{name} is not told by the pool"), None) };
    let up =
        seen.live() && matches!(seen.stage(), Doing::Live | Doing::Back | Doing::Disabled | Doing::Starting | Doing::Plugging);
    let anew = booted_anew(ctx, h);
    if up && anew {
        return go_on(ctx, h, Stage::Up);
    }
    // A connection that was lost meanwhile looked as if it had gone down, and the call may never have arrived.
    if seen.live()
        && let Some(instead) = super::down::unanswered(ctx, h)
    {
        return instead;
    }
    // It is not back, so that nothing is rebuilt for it yet: no task of its own can have been forgotten.
    if !seen.live() && !anew && !ctx.is_coordinator(h) && ctx.is_kept_anew(h) {
        return ctx.enter_kept(h, Stage::Up, "the coordinator's toolstack has started again since");
    }
    let text = match seen.stage() {
        Doing::Down => format!("{name} is down and boots"),
        Doing::GoingDown => format!("{name} is still shutting down"),
        Doing::Silent | Doing::Unknown => format!("{name} is not heard: it is down, or boots"),
        _ if !seen.live() => format!("{name} answers, and is not live in the pool yet"),
        _ => format!("{name} is live, but its boot time has not changed: it has not shown that it rebooted"),
    };
    ctx.wait(Some(h), text, None)
}

/// Whether it has rebooted since it was begun, by its boot time. An older one than before is no proof: it comes from a database that
/// went back in time.
pub fn booted_anew(ctx: &Ctx, h: HostAt) -> bool {
    if !ctx.is_current() {
        return false;
    }
    let Some(now) = ctx.host(h).and_then(crate::xenapi::record::Host::boot_time) else { return false };
    let Some(run) = ctx.host_run(h) else { return false };
    if let Some(before) = run.before.as_ref().and_then(|b| b.booted) {
        now > before
    } else {
        let told = ctx.calls(1, |c| c.host == Some(h) && matches!(c.call, Call::Reboot { .. })).last();
        told.is_some_and(|(_, call)| now + CLOCKS > call.at)
    }
}
