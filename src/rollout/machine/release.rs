//! The end: the claim is given up, and the result is written.

use super::claim;
use super::ctx::{Ctx, Do, Next};
use super::hosts::UNSEEN;
use super::refusal;
use crate::pool::words::count;
use crate::rollout::call::Call;
use crate::rollout::entry::{Entry, HostEnd, Item, RunResult};
use crate::rollout::run::Wish;

/// How often it is tried to give the claim up.
const TRIES: u32 = 6;

/// The next thing to do in this phase.
pub fn step(ctx: &Ctx) -> Do {
    let tries = ctx.tries(ctx.run.mark(), |c| matches!(c.call, Call::Unclaim));
    let done = tries.last.is_some_and(|(_, c)| c.outcome.as_ref().is_some_and(|o| o.0.is_done()));
    if done {
        return end(ctx);
    }
    if !ctx.is_current() {
        return ctx.wait(None, UNSEEN, None);
    }
    if !claim::is_ours(ctx) {
        return end(ctx);
    }
    let text = "gives up the claim on the pool";
    match ctx.next(&tries) {
        Next::Make if tries.failures < TRIES => ctx.intent(None, Call::Unclaim),
        Next::Wait(at) => ctx.wait(None, text, at),
        Next::Again(at, _) if tries.failures < TRIES => ctx.wait(None, text, Some(at)),
        next => {
            let why = match next {
                Next::Refused(why) | Next::Again(_, why) => why,
                _ => refusal::words("", "the pool did not answer"),
            };
            if ctx.run.left.contains_key(&Item::Claim) {
                return end(ctx);
            }
            Ctx::write(Entry::Left { item: Item::Claim, why: format!("our claim is still on the pool: {why}") })
        }
    }
}

fn end(ctx: &Ctx) -> Do {
    let run = ctx.run;
    if run.left.contains_key(&Item::Claim) && !claim::is_ours(ctx) {
        return Ctx::put_back(&Item::Claim, "the claim is given up");
    }
    let all = run.hosts.len();
    let done = run.hosts.iter().filter(|h| matches!(h.end, Some((HostEnd::Done, _)))).count();
    let begun = run.hosts.iter().any(|h| h.before.is_some());
    let about_claim = |c: &Call| matches!(c, Call::Claim { .. } | Call::Unclaim | Call::Renew { .. });
    let touched = begun || run.calls.values().any(|c| !about_claim(&c.call));
    let refused = run.hosts.iter().find_map(|h| match &h.end {
        Some((HostEnd::Skipped { why }, _)) => why.strip_prefix("refused: "),
        _ => None,
    });
    let (result, mut text) = match refused {
        Some(why) if !touched => (RunResult::Refused, format!("not begun: {why}; nothing was changed")),
        _ if done == all && run.left.is_empty() && run.wish != Wish::Abort => {
            (RunResult::Done, format!("all {} done, and the pool is as it was found", count(all, "host")))
        }
        _ => (RunResult::Stopped, format!("{done} of {} done", count(all, "host"))),
    };
    if !run.left.is_empty() {
        let n = run.left.len();
        let things = if n == 1 { "one thing is".to_owned() } else { format!("{n} things are") };
        text = format!("{text}; {things} not as it was found: see the list, and put it back with restore");
    }
    Ctx::write(Entry::Ended { result, text })
}
