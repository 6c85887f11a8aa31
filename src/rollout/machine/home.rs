//! After the last host: guests that could not come home are tried again, in reverse order of the hosts. Never fatal.

use super::claim;
use super::ctx::{Ctx, Do};
use super::stage::home::{Progress, bring, halted, is_home, moving, stray};
use crate::rollout::entry::{HostEnd, Item, Phase};
use crate::rollout::run::Wish;
use std::time::Duration;

/// Guests that move at a time.
const AT_ONCE: usize = 2;

/// The next thing to do in this phase.
pub fn step(ctx: &Ctx) -> Do {
    if !ctx.is_current() {
        return ctx.unseen(None);
    }
    if claim::is_theirs(ctx) && ctx.run.wish == Wish::Abort {
        return Ctx::phase(Phase::Restore);
    }
    // Of a host that was given up on its way nobody has brought the guests back, nor noted them.
    let given_up = |end: Option<&HostEnd>| matches!(end, Some(HostEnd::Abandoned { .. }));
    if let Some(entry) = stray(ctx, given_up, "it was moved for the round, and that host was given up") {
        return Ctx::write(entry);
    }
    if let Some(entry) = halted(ctx) {
        return Ctx::write(entry);
    }
    if let Some(entry) = is_home(ctx) {
        return Ctx::write(entry);
    }
    let secs = ctx.run.plan.options.deadlines.home_s;
    let due = ctx.run.phase.1.max(ctx.run.fresh) + Duration::from_secs(secs);
    if secs > 0 && ctx.now() >= due {
        return Ctx::phase(Phase::Restore);
    }
    let order = |uuid: &str| ctx.run.plan.hosts.iter().position(|p| p.uuid == *uuid);
    let mut items: Vec<(&String, &String)> = ctx
        .run
        .left
        .keys()
        .filter_map(|item| match item {
            Item::Guest { guest, host } => Some((guest, host)),
            _ => None,
        })
        .collect();
    items.sort_by_key(|(_, host)| std::cmp::Reverse(order(host)));
    let mark = ctx.run.mark();
    let mut waits = false;
    let mut at = None;
    let mut busy = moving(ctx, mark, None);
    for (guest, host) in items {
        let (Some((vm, running)), Some((to, record))) = (ctx.records().guest_by_uuid(guest), ctx.records().host_by_uuid(host))
        else {
            continue;
        };
        if !record.enabled || running.on.is_none() {
            continue;
        }
        match bring(ctx, None, mark, vm, to, busy < AT_ONCE) {
            Progress::Act(all) => return all,
            Progress::Wait(then) => {
                waits = true;
                busy = busy.max(1);
                at = match (at, then) {
                    (Some(a), Some(b)) => Some(std::cmp::min::<crate::time::Time>(a, b)),
                    (a, b) => a.or(b),
                };
            }
            Progress::Over => {}
        }
    }
    if waits {
        return ctx.wait(None, "guests that could not come home are tried again", at);
    }
    Ctx::phase(Phase::Restore)
}
