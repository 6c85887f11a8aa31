//! Cluster: the host is a live member of its cluster again.

use crate::rollout::entry::HostAt;
use crate::rollout::machine::ctx::{AGAIN, Ctx, Do};
use crate::rollout::machine::hosts::go_on;
use crate::rollout::machine::safe;
use crate::rollout::plan::Stage;

/// What to do in this stage.
pub fn step(ctx: &Ctx, h: HostAt) -> Do {
    let Some(seen) = ctx.seen(h) else {
        return ctx.wait(Some(h), format!("{} is not told by the pool", ctx.name(h)), None);
    };
    match safe::out_of_cluster(ctx, seen) {
        Some(why) => ctx.wait(Some(h), format!("waits until it is well again: {why}"), Some(ctx.now() + AGAIN)),
        None => go_on(ctx, h, Stage::Cluster),
    }
}
