//! A pool whose database went back in time while it was worked on: guests that are listed may run elsewhere, guests that run may not be
//! listed, a claim may be another one. Nothing is done before an operator has looked.
//!
//! It is known in two ways: the count of changes went down (`pool::database`); or, if the older database has had as many changes again
//! before anybody looked, our own claim on the pool is as it was before we last renewed it.

use super::claim::{self, Whose};
use super::ctx::{Ctx, Do};
use super::stage::fresh_state;
use crate::rollout::call::{Call, Outcome};
use crate::rollout::claim::Claim;
use crate::rollout::preflight::rewind_words;
use crate::rollout::run::WENT_BACK;
use crate::time::Time;
use std::time::Duration;

/// How long the pool is given to be read again before it is told what was lost.
const REREAD: Duration = Duration::from_secs(60);

const TODO: &str = "Look on each host (xl list) whether what is listed still runs there, and restart its toolstack (xe-toolstack-restart): \
                    then it tells the pool anew how it is. Put right what still is not as the pool says. Then retry, or abort.";

/// Stops the run if the database went back and the operator was not told; `None`: it did not, or they were.
pub fn went_back(ctx: &Ctx) -> Option<Do> {
    let run = ctx.run;
    let asked = run.stuck.as_ref().filter(|stuck| stuck.why.starts_with(WENT_BACK)).map(|stuck| stuck.since);
    let rewind = ctx.picture().rewind().filter(|rewind| run.database_checked.is_none_or(|until| until < rewind.at));
    // It was told, and nobody has looked yet: by what an older database says not even a claim is renewed. One that went back once more
    // since, or while something else was waited for, is told anew.
    if asked.is_some_and(|since| rewind.is_none_or(|rewind| since >= rewind.at)) {
        return Some(Vec::new());
    }
    let Some(rewind) = rewind else { return forgot_us(ctx) };
    // What was lost is told with it, if it is known soon.
    if rewind.changes.is_empty() && ctx.now() < rewind.at + REREAD {
        let text = "the pool's database went back in time; reads it again before anything else is done";
        return Some(ctx.wait(run.current(), text, Some(rewind.at + REREAD)));
    }
    let why = format!("{WENT_BACK} {}.", rewind_words(rewind, ctx.now()));
    Some(Ctx::stuck(None, why, TODO.to_owned()))
}

/// Stops the run if our claim is as it was before we last renewed it, which nobody but an older database makes it.
fn forgot_us(ctx: &Ctx) -> Option<Do> {
    let Some(Whose::Ours(claim)) = claim::seen(ctx).filter(|_| ctx.is_current()) else { return None };
    let (shown, wrote, done) = older(ctx, &claim)?;
    // The events may be late. A reading made since decides.
    let state = match fresh_state(ctx, ctx.run.current().unwrap_or_default(), done) {
        Ok(state) => state,
        Err(instead) => return Some(instead),
    };
    let read = Claim::of(&state.pool.other_config).filter(|claim| claim.is_ours(ctx.view.owner, &ctx.run.id))?;
    older(ctx, &read)?;
    let (shown, wrote) = (claim::clock(shown), claim::clock(wrote));
    let why = format!(
        "{WENT_BACK}: our claim on it was renewed at {wrote}, and shows the renewal of {shown} again. What else was changed in between is \
         lost too, and not known."
    );
    Some(Ctx::stuck(None, why, TODO.to_owned()))
}

/// If a claim of ours is as it was before it was last renewed, and nobody was told since: what it shows, what was written last, and when
/// that was known to be done.
fn older(ctx: &Ctx, claim: &Claim) -> Option<(Time, Time, Time)> {
    let shown = claim.renewed?;
    let writes = |call: &Call| match call {
        Call::Renew { at, .. } => Some(*at),
        _ => None,
    };
    // By a clock that was set back a renewal may be before the claim itself, and then does not show.
    let told = |(wrote, done): (Time, Time)| {
        let news = wrote > shown && ctx.run.database_checked.is_none_or(|until| until < done);
        news.then_some((shown, wrote, done))
    };
    // Later ones that are not known to be done may be what it shows.
    let mut last = None;
    for call in ctx.run.calls.values().rev() {
        let Some(wrote) = writes(&call.call).filter(|_| call.may_have_effect()) else {
            // A claim that was laid anew begins anew.
            if matches!(call.call, Call::Claim { .. } | Call::Unclaim) && call.may_have_effect() {
                let laid = matches!(call.call, Call::Claim { .. }) && claim.taken == Some(shown);
                return last.filter(|_| laid).and_then(told);
            }
            continue;
        };
        if wrote == shown {
            return last.and_then(told);
        }
        if let (None, Some((Outcome::Done { .. }, done))) = (last, &call.outcome) {
            last = Some((wrote, *done));
        }
    }
    None
}
