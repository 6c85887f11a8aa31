//! What a run does next: a pure function of its state, the pool and the time.
//!
//! It never does anything itself. What it wants written goes into the journal, is folded into the [`Run`], and only then (for an
//! [`Entry::Intent`]) made as a call. It is asked again after every change until it wants nothing more.
//!
//! | file | what it decides |
//! |---|---|
//! | `prepare`, `home`, `restore`, `release` | the phases of a run around its hosts |
//! | `hosts` | which host is next, which stage follows, when one is given up or has hung too long |
//! | `stage/…` | one file a stage |
//! | `safe` | I1 and I2: whether a host may be rebooted, whether the one before is well again |
//! | `claim` | I4: whether the pool is still ours |
//! | `database` | whether the pool's database went back since the operator was told |
//! | `refusal`, `blockers` | what xapi's codes mean for what is done next, and in words |
//! | `command` | what an operator may say when |

mod blockers;
mod claim;
mod command;
mod ctx;
mod database;
mod guards;
mod home;
mod hosts;
mod prepare;
pub(super) mod refusal;
mod release;
mod restore;
mod safe;
mod stage;

use super::claim::LastRead;
use super::entry::{Command, Entry, Phase};
use super::look::{Look, Looked};
use super::run::{Run, Wish};
use crate::pool::Pool;
use crate::pool::glance::Glance;
use crate::time::Time;
use ctx::Ctx;
use std::collections::BTreeMap;

pub use guards::{Guard, Guards};
pub use hosts::deadline;

/// What the machine sees.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Now.
    pub now: Time,
    /// The pool's records.
    pub pool: &'a Pool,
    /// What they mean, at `now`.
    pub picture: &'a Glance<'a>,
    /// The last answer to each look.
    pub looked: &'a BTreeMap<Look, Looked>,
    /// Who we are, as our claim says it.
    pub owner: &'a str,
    /// The claim that stands in the pool's record, as it was read last.
    pub claims: &'a LastRead,
    /// Its guards: all of them.
    pub guards: Guards,
}

/// What the machine wants.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a handful at a time, and nearly all of them are entries")]
pub enum Action {
    /// Write this into the journal; if it is an intent, then make the call.
    Write(Entry),
    /// Read this now.
    Look(Look),
    /// Ask again at this time at the latest, even if nothing changes.
    Wake(Time),
}

/// What is to be done next. Empty but for [`Action::Wake`]: nothing, until something changes.
pub fn step(run: &Run, view: &View) -> Vec<Action> {
    let ctx = Ctx::new(run, view);
    if run.result.is_some() {
        return Vec::new();
    }
    // What the records say is from another day: nothing is done by them, not even a claim renewed.
    if let Some(stop) = database::went_back(&ctx) {
        return stop;
    }
    // A living claim is renewed whatever else is waited for.
    if let Some(renewal) = claim::renew(&ctx) {
        return renewal;
    }
    if run.stuck.is_some() {
        return claim::wake(&ctx);
    }
    if run.wish == Wish::Pause {
        return ctx.wait(run.current(), "paused by the operator; what was begun in the pool goes on there", claim::next(&ctx));
    }
    let mut all = match run.phase.0 {
        Phase::Prepare => prepare::step(&ctx),
        Phase::Hosts => hosts::step(&ctx),
        Phase::Home => home::step(&ctx),
        Phase::Restore => restore::step(&ctx),
        Phase::Release => release::step(&ctx),
        Phase::Ended => Vec::new(),
    };
    all.extend(claim::wake(&ctx));
    all
}

/// What a command of the operator writes; or why it cannot be given now.
pub fn command(run: &Run, view: &View, command: &Command) -> Result<Vec<Entry>, String> {
    command::command(&Ctx::new(run, view), command)
}

/// Why each command cannot be given now; `None`: it can. Of [`Command::Skip`], for the given host.
pub fn refuses(run: &Run, view: &View, command: &Command) -> Option<String> {
    command::refuses(&Ctx::new(run, view), command)
}

#[cfg(test)]
pub(crate) mod testkit;
#[cfg(test)]
mod tests;
