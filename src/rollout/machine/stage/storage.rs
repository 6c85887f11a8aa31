//! Storage: everything that was plugged is plugged again. The clock comes first: a host whose clock is out of step is not helped to
//! its storage, for leases and time-outs then mean different things on different hosts.

use crate::rollout::call::Call;
use crate::rollout::entry::HostAt;
use crate::rollout::machine::ctx::{AGAIN, Ctx, Do, Next};
use crate::rollout::machine::hosts::go_on;
use crate::rollout::machine::safe;
use crate::rollout::plan::Stage;
use crate::xenapi::record::{Pbd, Ref};
use std::time::Duration;

/// xapi plugs by itself while it starts: for this long nothing is done but waited.
const BY_ITSELF: Duration = Duration::from_secs(40);
/// How long is waited for a clock reading of this boot where there was one before it.
const READING: Duration = Duration::from_secs(60);

/// What to do in this stage.
pub fn step(ctx: &Ctx, h: HostAt) -> Do {
    let name = ctx.name(h);
    let Some((seen, run)) = ctx.seen(h).zip(ctx.host_run(h)) else {
        return ctx.wait(Some(h), format!("{name} is not told by the pool"), None);
    };
    let since = run.entered().unwrap_or(ctx.now());
    let up = run.stages.iter().rev().find(|(s, _)| *s == Stage::Up).map_or(since, |(_, at)| *at);
    let missing: Vec<(&Ref, &Pbd)> = run
        .before
        .iter()
        .flat_map(|b| &b.pbds)
        .filter_map(|r| Some((r, ctx.records().pbd(r)?)))
        .filter(|(_, p)| !p.currently_attached)
        .collect();
    let reading = ctx.picture().clocks().iter().find(|c| c.host == seen.name);
    let unread = reading.is_some_and(|c| c.seen < up) && ctx.now() < since + READING;
    if unread && !ctx.is_coordinator(h) {
        return ctx.wait(Some(h), format!("{name}: waits for a reading of its clock"), Some(since + READING));
    }
    if let Err(why) = safe::clock(ctx, seen) {
        let what = if missing.is_empty() { "it is not gone on with" } else { "its storage is not plugged" };
        return ctx.wait(Some(h), format!("{name}: {why}; until it is in step {what}"), Some(ctx.now() + AGAIN));
    }
    let Some((r, pbd)) = missing.first() else { return go_on(ctx, h, Stage::Storage) };
    let due = since + BY_ITSELF;
    if ctx.now() < due {
        return ctx.wait(Some(h), format!("{name}: waits until it has plugged its storage by itself"), Some(due));
    }
    let sr = safe::sr_name(ctx, pbd);
    match ctx.next(&ctx.stage_tries(h, |c| matches!(c, Call::Plug { pbd } if pbd == *r))) {
        Next::Make => ctx.call(Some(h), Call::Plug { pbd: (*r).clone() }),
        Next::Wait(at) => ctx.wait(Some(h), format!("{name}: plugs {sr}"), at),
        Next::Again(at, why) => ctx.wait(Some(h), format!("{name}: {sr} was not plugged ({why}); tried again"), Some(at)),
        Next::Refused(why) => Ctx::stuck(
            Some(h),
            format!("{name} cannot plug {sr}, which it had before its reboot: {why}."),
            "Mend the storage or the host's way to it, then retry; or forget that PBD, then retry.".into(),
        ),
    }
}
