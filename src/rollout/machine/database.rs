//! A pool whose database went back in time while it was worked on: guests that are listed may run elsewhere, guests that run may not be
//! listed, a claim may be another one. Nothing is done before an operator has looked.

use super::ctx::{Ctx, Do};
use crate::rollout::preflight::rewind_words;
use crate::rollout::run::WENT_BACK;
use std::time::Duration;

/// How long the pool is given to be read again before it is told what was lost.
const REREAD: Duration = Duration::from_secs(60);

/// Stops the run if the database went back and the operator was not told; `None`: it did not, or they were.
pub fn went_back(ctx: &Ctx) -> Option<Do> {
    let rewind = ctx.picture().rewind()?;
    if ctx.run.stuck.is_some() || ctx.run.database_checked.is_some_and(|until| until >= rewind.at) {
        return None;
    }
    // What was lost is told with it, if it is known soon.
    if rewind.changes.is_empty() && ctx.now() < rewind.at + REREAD {
        let text = "the pool's database went back in time; reads it again before anything else is done";
        return Some(ctx.wait(ctx.run.current(), text, Some(rewind.at + REREAD)));
    }
    let why = format!("{WENT_BACK} {}.", rewind_words(rewind, ctx.now()));
    let todo = "Look on each host (xl list) whether what is listed still runs there, and put right what is not as the pool says. Then retry, \
                or abort.";
    Some(Ctx::stuck(None, why, todo.to_owned()))
}
