//! A pool whose database went back in time while it was worked on: guests that are listed may run elsewhere, guests that run may not be
//! listed, a claim may be another one. Nothing is done before an operator has looked.
//!
//! It is known in two ways: the count of changes went down (`pool::database`); or, if the older database has had as many changes again
//! before anybody looked, our own claim on the pool is as it was before we last renewed it.

use super::Guard;
use super::claim::{self, Whose};
use super::ctx::{Ctx, Do};
use super::stage::fresh_state;
use crate::rollout::call::{Call, Outcome};
use crate::rollout::claim::Claim;
use crate::rollout::preflight::rewind_words;
use crate::rollout::run::{CallRun, WENT_BACK};
use crate::time::Time;
use std::time::Duration;

/// How long the pool is given to be read again before it is told what was lost.
const REREAD: Duration = Duration::from_secs(60);

const WHAT_TO_DO: &str = "Look on each host (xl list) whether what is listed still runs there, and restart its toolstack (xe-toolstack-restart): \
                    then it tells the pool anew how it is. Put right what still is not as the pool says. Then retry, or abort.";

/// Stops the run if the database went back and the operator was not told; `None`: it did not, or they were.
pub fn went_back(ctx: &Ctx) -> Option<Do> {
    if !ctx.guards(Guard::Database) {
        return None;
    }
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
    Some(Ctx::stuck(None, why, WHAT_TO_DO.to_owned()))
}

/// Stops the run if our claim is as it was before we last renewed it, which nobody but an older database makes it.
fn forgot_us(ctx: &Ctx) -> Option<Do> {
    let Some(Whose::Ours(claim)) = claim::seen(ctx).filter(|_| ctx.is_current()) else { return None };
    let (_, _, done) = older(ctx, &claim)?;
    // The events may be late. A reading made after it decides.
    let since = done + Duration::from_secs(1);
    if ctx.now() < since {
        return None;
    }
    let state = match fresh_state(ctx, ctx.run.current().unwrap_or_default(), since) {
        Ok(state) => state,
        Err(instead) => return Some(instead),
    };
    let read = Claim::of(&state.pool.other_config).filter(|claim| claim.is_ours(ctx.view.owner, &ctx.run.id))?;
    let (shown, wrote, _) = older(ctx, &read)?;
    let (shown, wrote) = (claim::clock(shown), claim::clock(wrote));
    let why = format!(
        "{WENT_BACK}: our claim on it was renewed at {wrote}, and shows the renewal of {shown} again. What else was changed in between is \
         lost too, and not known."
    );
    Some(Ctx::stuck(None, why, WHAT_TO_DO.to_owned()))
}

/// If a claim of ours is as it was before it was last renewed, and nobody was told since: what it shows, what was written last, and when
/// that was known to be done.
fn older(ctx: &Ctx, claim: &Claim) -> Option<(Time, Time, Time)> {
    let shown = claim.renewed?;
    let about = |c: &&CallRun| matches!(c.call, Call::Renew { .. } | Call::Claim { .. } | Call::Unclaim);
    let mut calls = ctx.run.calls.values().rev().filter(about);
    // One that is on its way, or did not come off, may have taken the entry away and not put it there again.
    let (Call::Renew { at: wrote, .. }, Some((Outcome::Done { .. }, done))) = calls.next().map(|c| (&c.call, &c.outcome))? else {
        return None;
    };
    // By a clock that was set back a renewal may be before the claim itself, and then does not show.
    if *wrote <= shown || ctx.run.database_checked.is_some_and(|until| until >= *done) {
        return None;
    }
    let known = calls.map(|c| &c.call).find_map(|call| match call {
        Call::Renew { at, .. } if *at == shown => Some(true),
        Call::Renew { .. } => None,
        // A claim that was laid anew begins anew.
        Call::Claim { .. } => Some(claim.taken == Some(shown)),
        _ => Some(false),
    });
    (known == Some(true)).then_some((shown, *wrote, *done))
}
