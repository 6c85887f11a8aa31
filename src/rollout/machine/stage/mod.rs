//! The stages of a host, one file each: what is waited for, what is called, when it is over.

pub mod cluster;
pub mod disable;
pub mod down;
pub mod enable;
pub mod evacuate;
pub mod gate;
pub mod home;
pub mod reboot;
pub mod rebuild;
pub mod settle;
pub mod soak;
pub mod storage;
pub mod up;
pub mod update;

use super::claim;
use super::ctx::{AGAIN, Ctx, Do, FRESH_LOOK, UNSURE, VERY_UNSURE};
use super::safe::{self, Passes};
use crate::pool::picture::Reason;
use crate::pool::words::list;
use crate::rollout::call::{Call, Outcome};
use crate::rollout::entry::HostAt;
use crate::rollout::look::{Look, Sight, State};
use crate::rollout::run::CallRun;
use crate::time::Time;
use std::time::Duration;

/// A soft reason that is not accepted may pass by itself within this; then the operator is asked.
pub const GRACE: Duration = Duration::from_secs(60);

/// What is done about a gate that does not let pass.
fn closed(ctx: &Ctx, h: HostAt, passes: &Passes, before: &str) -> Do {
    let name = ctx.name(h);
    match passes {
        Passes::Yes => Do::new(),
        Passes::No(reason) => {
            let until = reason.and_then(|r| r.until);
            let again = until.unwrap_or(ctx.now() + AGAIN).max(ctx.now() + Duration::from_secs(1)).min(ctx.now() + AGAIN);
            let text = match reason {
                Some(r) if !r.opens_when.is_empty() => {
                    format!("{name} waits before {before} ({}) until {}", r.code, r.opens_when)
                }
                Some(r) => format!("{name} waits before {before} ({})", r.code),
                None => format!("{name} waits before {before}: the pool does not tell how it is"),
            };
            ctx.wait(Some(h), text, Some(again))
        }
        Passes::Accept(soft) => ask(ctx, h, soft, before),
    }
}

/// Soft reasons: they may pass; else the operator decides.
fn ask(ctx: &Ctx, h: HostAt, soft: &[&Reason], before: &str) -> Do {
    let name = ctx.name(h);
    let mut codes: Vec<&str> = soft.iter().map(|r| r.code).collect();
    codes.dedup();
    let text = format!("{name} waits before {before}: {} may pass, else you are asked", list(&codes));
    if ctx.run.waiting != text || ctx.now() < ctx.run.waiting_since + GRACE {
        let due = if ctx.run.waiting == text { ctx.run.waiting_since + GRACE } else { ctx.now() + GRACE };
        return ctx.wait(Some(h), text, Some(due));
    }
    let texts: Vec<String> = soft.iter().map(|r| format!("{} [{}]", r.text.trim_end_matches('.'), r.code)).collect();
    Ctx::stuck(
        Some(h),
        format!("{name} waits before {before}, because: {}.", texts.join("; ")),
        format!("Mend that and retry; or accept {} with a reason; or skip the host; or abort.", list(&codes)),
    )
}

/// A reading of the pool made for a call that follows, or for a word that is believed: asked for after `since`.
pub fn fresh_state<'a>(ctx: &Ctx<'a>, h: HostAt, since: Time) -> Result<&'a State, Do> {
    let look = Look::State { host: ctx.r(h) };
    if let Some(last) = ctx.view.looked.get(&look)
        && let Sight::Failed { .. } = last.sight
        && last.asked >= since
        && ctx.now() < last.answered + AGAIN
    {
        let text = format!("{} waits: the pool could not be read, and is read again", ctx.name(h));
        return Err(ctx.wait(Some(h), text, Some(last.answered + AGAIN)));
    }
    match &ctx.look(&look, since, FRESH_LOOK)?.sight {
        Sight::State(state) => Ok(state),
        _ => Err(vec![super::Action::Look(look)]),
    }
}

/// A reading of the pool made after all of our own calls about something are over: what was seen before then may be how it was before them,
/// and says nothing (I6). `Ok(None)`: there were none, so that what is seen is good enough. `Err`: what is to be done first.
pub fn settled_state<'a>(ctx: &Ctx<'a>, h: HostAt, about: impl Fn(&Call) -> bool) -> Result<Option<&'a State>, Do> {
    let mut since = None;
    for (_, call) in ctx.calls(1, |c| about(&c.call)) {
        let Some(over) = over(call) else {
            return Err(ctx.wait(ctx.run.current(), "waits for the answer to what was begun", None));
        };
        since = since.max(Some(over));
    }
    let Some(since) = since else { return Ok(None) };
    if ctx.now() < since {
        let text = "a call was not answered: waits for what it may still do, before it is looked how things are";
        return Err(ctx.wait(ctx.run.current(), text, Some(since)));
    }
    fresh_state(ctx, h, since).map(Some)
}

/// When a call cannot take effect any more; `None`: it is not known yet.
fn over(call: &CallRun) -> Option<Time> {
    let (outcome, at) = call.outcome.as_ref()?;
    Some(match outcome {
        Outcome::Unanswered { .. } if call.call.is_destructive() => *at + VERY_UNSURE,
        Outcome::Unanswered { .. } => *at + UNSURE,
        _ => *at,
    })
}

/// Before a call that costs something: whether a reading made for it still has the pool as ours (I4), and for taking a host out of use
/// all other hosts well. Else what is to be done instead.
fn sure(ctx: &Ctx, h: HostAt, alone: bool) -> Result<(), Do> {
    claim::hold(ctx)?;
    let run = ctx.host_run(h);
    let since = run.and_then(super::super::run::HostRun::stage).map_or(ctx.now(), |(_, at)| at);
    let mark = run.map_or(1, crate::rollout::run::HostRun::mark);
    let last = ctx.calls(mark, |c| c.host == Some(h)).filter_map(|(_, c)| c.outcome.as_ref().map(|o| o.1)).max();
    let state = fresh_state(ctx, h, since.max(last.map_or(since, |at| at + Duration::from_millis(1))))?;
    let said = safe::is_ours(ctx, state).and_then(|()| if alone { safe::others_are_well(ctx, h, state) } else { Ok(()) });
    said.map_err(|why| ctx.wait(Some(h), format!("{} waits: {why}", ctx.name(h)), Some(ctx.now() + AGAIN)))
}
