//! Settle: nothing of a host is touched before the pool is well and quiet, and the host before is well again (I2).

use super::closed;
use crate::rollout::entry::HostAt;
use crate::rollout::machine::ctx::{AGAIN, Ctx, Do};
use crate::rollout::machine::hosts::go_on;
use crate::rollout::machine::safe::{self, Passes};
use crate::rollout::plan::Stage;

/// What to do in this stage.
pub fn step(ctx: &Ctx, h: HostAt) -> Do {
    let name = ctx.name(h);
    let Some(seen) = ctx.seen(h) else { return ctx.wait(Some(h), format!("{name} is not told by the pool"), None) };
    let passes = safe::gate(ctx, seen);
    if !matches!(passes, Passes::Yes) {
        return closed(ctx, h, &passes, "it is touched");
    }
    if let Err(why) = safe::last_is_well(ctx) {
        return ctx.wait(Some(h), format!("{name} waits before it is touched: {why}"), Some(ctx.now() + AGAIN));
    }
    go_on(ctx, h, Stage::Settle)
}
