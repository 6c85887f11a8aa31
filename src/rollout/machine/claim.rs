//! I4: one captain. Before every call the pool's own record must say that it is ours; a claim that was lost stops the run.

use super::ctx::{AGAIN, Ctx, Do, SHOWS, UNSURE};
use super::stage::{fresh_state, settled_state};
use super::{Action, Guard, refusal};
use crate::rollout::call::{Call, Outcome};
use crate::rollout::claim::{Claim, RENEW_EVERY};
use crate::rollout::entry::{Entry, Phase, RunResult};
use crate::rollout::plan::Kind;
use crate::rollout::run::{CallRun, Run, Wish};
use crate::time::Time;
use crate::xenapi::record::Pool;
use std::sync::Arc;
use std::time::Duration;

/// A renewal that did not come off, or does not show, is tried again after this.
const RENEW_AGAIN: Duration = Duration::from_secs(60);

/// The finding that a claim was left behind, which a new round may take away if that was accepted. As `preflight` calls it.
pub const CLAIM_DEAD: &str = "claim-dead";

/// Whose a pool is.
#[derive(Clone, Debug, PartialEq)]
pub enum Whose {
    /// Ours.
    Ours(Arc<Claim>),
    /// Nobody's.
    Nobodys,
    /// This run's, but by who ran it before.
    Before(Arc<Claim>),
    /// Somebody else's.
    Theirs(Arc<Claim>),
}

/// Whose a pool is, by its record.
pub fn whose(run: &Run, owner: &str, pool: &Pool) -> Whose {
    by(run, owner, Claim::of(&pool.other_config).map(Arc::new))
}

fn by(run: &Run, owner: &str, claim: Option<Arc<Claim>>) -> Whose {
    match claim {
        None => Whose::Nobodys,
        Some(claim) if claim.is_ours(owner, &run.id) => Whose::Ours(claim),
        Some(claim) if claim.taken.is_some() && claim.run == run.id => Whose::Before(claim),
        Some(claim) => Whose::Theirs(claim),
    }
}

/// Whose the pool is seen to be.
pub fn seen(ctx: &Ctx) -> Option<Whose> {
    ctx.records().the_pool().map(|pool| by(ctx.run, ctx.view.owner, ctx.view.claims.claim(&pool.other_config)))
}

fn is_about(call: &CallRun) -> bool {
    matches!(call.call, Call::Claim { .. } | Call::Unclaim)
}

/// The last call about the claim, other than its renewal.
fn last(ctx: &Ctx) -> Option<CallRun> {
    ctx.run.calls.values().rev().find(|c| is_about(c)).cloned()
}

/// Whether the run ever held the pool, and did not give it up since.
pub fn was_taken(run: &Run) -> bool {
    let last = run.calls.values().rev().find(|c| is_about(c) && c.may_have_effect());
    last.is_some_and(|c| matches!(c.call, Call::Claim { .. }))
}

/// Whether the run may have changed something: then it is not refused any more, but stopped.
pub fn is_begun(run: &Run) -> bool {
    was_taken(run) || run.phase.0 > Phase::Prepare || !run.left.is_empty()
}

/// Whether the pool is seen to be ours now.
pub fn is_ours(ctx: &Ctx) -> bool {
    ctx.is_current() && matches!(seen(ctx), Some(Whose::Ours(_)))
}

/// Whether somebody else is seen to have the pool.
pub fn is_theirs(ctx: &Ctx) -> bool {
    ctx.is_current() && matches!(seen(ctx), Some(Whose::Theirs(_)))
}

/// Whether our claim is on the pool although nothing shows it yet, by a reading made after all our calls about it. `Err`: what is to be
/// done first.
pub fn is_laid(ctx: &Ctx) -> Result<bool, Do> {
    if !matches!(seen(ctx), Some(Whose::Nobodys)) {
        return Ok(false);
    }
    let about = |c: &Call| matches!(c, Call::Claim { .. } | Call::Unclaim);
    let state = settled_state(ctx, 0, about)?;
    Ok(state.is_some_and(|state| matches!(whose(ctx.run, ctx.view.owner, &state.pool), Whose::Ours(_))))
}

/// Whether the pool is ours; if not, what is to be done instead of the call.
pub fn hold(ctx: &Ctx) -> Result<(), Do> {
    if !ctx.guards(Guard::Claim) && was_taken(ctx.run) {
        return Ok(());
    }
    if !ctx.is_current() {
        return Err(ctx.unseen(ctx.run.current()));
    }
    let Some(whose) = seen(ctx) else {
        return Err(ctx.wait(None, "waits for the pool's own record", None));
    };
    let at = ctx.run.current();
    let last = last(ctx);
    if let Some(call) = &last
        && call.outcome.is_none()
    {
        return Err(ctx.wait(at, "waits for the answer about our claim on the pool", None));
    }
    match whose {
        Whose::Ours(_) => Ok(()),
        Whose::Before(claim) if claim.may_be_taken_over(ctx.now()) => Err(ctx.intent(None, Call::Unclaim)),
        Whose::Before(claim) => {
            let until = claim.renewed.unwrap_or_default() + Duration::from_secs(claim.ttl_s) + Duration::from_secs(1);
            let text = format!(
                "the claim of {} on this run holds until {}: it is taken over then, unless its owner renews it",
                crate::pool::words::name(&claim.owner),
                clock(until)
            );
            Err(ctx.wait(at, text, Some(until)))
        }
        Whose::Theirs(claim) => Err(theirs(ctx, &claim)),
        Whose::Nobodys => Err(nobodys(ctx, last.as_ref())),
    }
}

/// Another captain.
fn theirs(ctx: &Ctx, claim: &Claim) -> Do {
    if is_begun(ctx.run) {
        return Ctx::stuck(
            ctx.run.current(),
            format!("the pool was taken over by somebody else: {claim}. No further call is made."),
            "Talk to its owner. Retry once that claim is gone; or abort, which then only ends this run.".into(),
        );
    }
    if ctx.is_accepted(CLAIM_DEAD, "") && claim.may_be_taken_over(ctx.now()) {
        return ctx.intent(None, Call::Unclaim);
    }
    Ctx::write(Entry::Ended {
        result: RunResult::Refused,
        text: format!("the pool is claimed by {claim}; nothing was changed. Wait until it is done, or take over a dead claim."),
    })
}

/// No claim is seen: it is not laid yet, not shown yet, or was taken away.
fn nobodys(ctx: &Ctx, last: Option<&CallRun>) -> Do {
    let lay = || {
        let value = Claim::new(ctx.view.owner, &ctx.run.id, ctx.now(), &text(ctx.run)).to_value();
        ctx.intent(None, Call::Claim { value })
    };
    let Some(CallRun { call, outcome: Some((outcome, at)), .. }) = last else { return lay() };
    let (now, here) = (ctx.now(), ctx.run.current());
    let due = match (call, outcome) {
        (Call::Claim { .. }, Outcome::Done { .. }) => {
            if now < *at + SHOWS {
                return ctx.wait(here, "waits until our claim on the pool shows", Some(*at + SHOWS));
            }
            // That the events do not show it says nothing: they may be late. A reading made for this decides.
            match fresh_state(ctx, here.unwrap_or_default(), *at).map(|state| whose(ctx.run, ctx.view.owner, &state.pool)) {
                Err(instead) => return instead,
                Ok(Whose::Ours(_) | Whose::Before(_)) => {
                    return ctx.wait(here, "waits until our claim on the pool shows", Some(now + AGAIN));
                }
                Ok(Whose::Theirs(claim)) => return theirs(ctx, &claim),
                Ok(Whose::Nobodys) => {}
            }
            if ctx.run.fresh > *at || ctx.run.wish == Wish::Abort {
                return lay();
            }
            return Ctx::stuck(
                here,
                "our claim on the pool is gone: somebody removed it, or the pool's database went back in time. No further call is made."
                    .into(),
                "Find out who else works on this pool. Retry lays the claim again and goes on; abort only ends this run.".into(),
            );
        }
        (Call::Claim { .. }, Outcome::Failed { code, text, params }) => {
            // The pool's record showed none: somebody's claim came and went, or comes into sight in a moment.
            if !matches!(refusal::class(code, params), refusal::Class::Stop) {
                *at + AGAIN
            } else if is_begun(ctx.run) {
                let why = format!("our claim cannot be laid on the pool: {}.", refusal::words(code, text));
                return Ctx::stuck(here, why, "Mend that, then retry; or abort.".into());
            } else {
                let text = format!("the claim cannot be laid on the pool: {}. Nothing was changed.", refusal::words(code, text));
                return Ctx::write(Entry::Ended { result: RunResult::Refused, text });
            }
        }
        (_, Outcome::Unanswered { .. }) => *at + UNSURE,
        (_, Outcome::NotSent { .. }) => *at + AGAIN,
        _ => now,
    };
    if now < due { ctx.wait(here, "waits to lay our claim on the pool again", Some(due)) } else { lay() }
}

/// What a run does, for others who look at the claim.
fn text(run: &Run) -> String {
    let what = match run.plan.kind {
        Kind::Reboot => "rolling reboot",
        _ => "rolling update",
    };
    let n = run.plan.hosts.len();
    let done = run.hosts.iter().filter(|h| h.end.is_some()).count();
    format!("{what} of {}, {done} done", crate::pool::words::count(n, "host"))
}

/// The renewal, if it is due and possible.
pub fn renew(ctx: &Ctx) -> Option<Do> {
    if ctx.run.phase.0 >= Phase::Release || !ctx.is_current() {
        return None;
    }
    let Some(Whose::Ours(claim)) = seen(ctx) else { return None };
    if !is_due(ctx, &claim) {
        return None;
    }
    let last = ctx.run.calls.values().rev().find(|c| matches!(c.call, Call::Renew { .. }) || is_about(c));
    let wait = last.is_some_and(|c| c.outcome.is_none() || ctx.now() < c.at + RENEW_AGAIN);
    (!wait).then(|| ctx.intent(None, Call::Renew { at: ctx.now(), text: text(ctx.run) }))
}

/// Whether it is time to renew the claim: also if that was last done by a clock that was ahead of ours, which others may not know.
fn is_due(ctx: &Ctx, claim: &Claim) -> bool {
    claim.is_due(ctx.now()) || claim.renewed.is_some_and(|at| at > ctx.now() + AGAIN)
}

/// When the claim is to be renewed next.
pub fn next(ctx: &Ctx) -> Option<Time> {
    if !ctx.is_current() {
        return None;
    }
    let Some(Whose::Ours(claim)) = seen(ctx) else { return None };
    let last = ctx.run.calls.values().rev().find(|c| matches!(c.call, Call::Renew { .. }) || is_about(c));
    let tried = last.map_or(Time::EPOCH, |c| c.at + RENEW_AGAIN);
    let due = if is_due(ctx, &claim) { ctx.now() } else { claim.renewed? + RENEW_EVERY };
    Some(due.max(tried).max(ctx.now() + AGAIN))
}

/// As [`next`], as an action.
pub fn wake(ctx: &Ctx) -> Do {
    next(ctx).into_iter().map(Action::Wake).collect()
}

/// A time of day in words.
pub fn clock(at: Time) -> String {
    crate::pool::words::clock(at, &jiff::tz::TimeZone::UTC)
}
