//! The end: the claim is given up, and the result is written.

use super::claim;
use super::ctx::{Ctx, Do, Next};
use super::refusal;
use super::restore::undone;
use super::stage::home::is_out;
use crate::pool::words::count;
use crate::rollout::call::Call;
use crate::rollout::entry::{Entry, HostEnd, Item, RunResult};
use crate::rollout::run::Wish;
use crate::xenapi::record::Ref;

/// How often it is tried to give the claim up.
const TRIES: u32 = 6;
/// How many guests that somebody else moved are named.
const NAMED: usize = 8;

/// The next thing to do in this phase.
pub fn step(ctx: &Ctx) -> Do {
    let tries = ctx.tries(ctx.run.mark(), |c| matches!(c.call, Call::Unclaim));
    let done = tries.last.is_some_and(|(_, c)| c.outcome.as_ref().is_some_and(|o| o.0.is_done()));
    if done {
        return end(ctx);
    }
    if !ctx.is_current() {
        return ctx.unseen(None);
    }
    if !claim::is_ours(ctx) {
        // That it does not show says nothing: what was told may be older than our own call.
        match claim::is_laid(ctx) {
            Err(instead) => return instead,
            Ok(false) => return end(ctx),
            Ok(true) => {}
        }
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
    if ctx.is_current()
        && let Some(entry) = is_out(ctx).or_else(|| undone(ctx))
    {
        return Ctx::write(entry);
    }
    let mut moved: Vec<String> = elsewhere(ctx);
    let (result, mut text) = match refused {
        Some(why) if !touched => (RunResult::Refused, format!("not begun: {why}; nothing was changed")),
        _ if done == all && run.left.is_empty() && run.wish != Wish::Abort => {
            let rest = if moved.is_empty() { ", and the pool is as it was found" } else { "" };
            (RunResult::Done, format!("all {} done{rest}", count(all, "host")))
        }
        _ => (RunResult::Stopped, format!("{done} of {} done", count(all, "host"))),
    };
    if !run.left.is_empty() {
        let n = run.left.len();
        let things = if n == 1 { "one thing is".to_owned() } else { format!("{n} things are") };
        text = format!("{text}; {things} not as it was found: see the list, and put it back with restore");
    }
    if touched && !moved.is_empty() {
        let more = if moved.len() > NAMED { format!(" and {} more", moved.len() - NAMED) } else { String::new() };
        moved.truncate(NAMED);
        let ha = if run.found.ha.is_some() { ", or HA did" } else { "" };
        text = format!("{text}; somebody else moved {}{more} meanwhile{ha}, which stays so", moved.join(", "));
    }
    Ctx::write(Entry::Ended { result, text })
}

/// Guests that run elsewhere than they were found, and are not listed. Those that were not home when their host was done with are, also if
/// they did not run then; so these had left it before its turn came, or after it: whoever moved them may have meant it; HA does when a host dies.
fn elsewhere(ctx: &Ctx) -> Vec<String> {
    let run = ctx.run;
    if !ctx.is_current() {
        return Vec::new();
    }
    // Those that the round was told not to bring back are where it left them.
    let left = |vm: &Ref, home: &str| {
        let turn = run.plan.hosts.iter().zip(&run.hosts).find(|(p, _)| p.uuid == home);
        !run.plan.options.home && turn.and_then(|(_, h)| h.before.as_ref()).is_some_and(|b| b.guests.contains(vm))
    };
    let listed = |guest: &str, home: &str| run.left.contains_key(&Item::Guest { guest: guest.into(), host: home.into() });
    let mut all = Vec::new();
    for (uuid, home) in &run.found.guests {
        let Some((vm, guest)) = ctx.records().guest_by_uuid(uuid) else { continue };
        let Some(on) = &guest.on else { continue };
        let Some((was, _)) = ctx.records().host_by_uuid(home) else { continue };
        if on != was && !left(vm, home) && !listed(uuid, home) {
            let pool = ctx.view.pool;
            all.push(format!("{} from {} to {}", ctx.guest_name(vm), pool.name_of(was), pool.name_of(on)));
        }
    }
    all
}
