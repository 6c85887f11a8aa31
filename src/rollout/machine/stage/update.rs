//! Update: what the host lacks is installed, and it is looked whether it really was: an installer that says it is done is not believed.
//! An installation that was not answered is watched, and only begun again if nothing shows that it runs.

use super::sure;
use crate::pool::words::count;
use crate::rollout::call::{Call, Outcome};
use crate::rollout::entry::HostAt;
use crate::rollout::look::{Look, Sight};
use crate::rollout::machine::Action;
use crate::rollout::machine::ctx::{AGAIN, Ctx, Do, Next, Tries, VERY_UNSURE};
use crate::rollout::machine::hosts::go_on;
use crate::rollout::machine::refusal::{self, Class};
use crate::rollout::plan::{Kind, Stage};
use crate::time::Time;
use std::time::Duration;

/// A list of what a host lacks is believed for this long.
const BELIEVED: Duration = Duration::from_secs(300);
/// How often it is installed before it is said not to help.
const TRIES: u32 = 3;
/// How often, and how long apart, it is asked again what a host lacks, where that fails.
const ASK_AGAIN: Duration = Duration::from_secs(15);

/// What a host lacks.
enum Lacks {
    /// Nothing more.
    Nothing,
    /// So many updates.
    Some(usize),
    /// That is not known yet, or does not fit: do this.
    Instead(Do),
}

/// What to do in this stage.
pub fn step(ctx: &Ctx, h: HostAt) -> Do {
    let call = match &ctx.run.plan.kind {
        Kind::Reboot => return go_on(ctx, h, Stage::Update),
        Kind::XcpNg => Call::XcpUpdate { host: ctx.r(h) },
        Kind::XenServer { hash } => Call::ApplyUpdates { host: ctx.r(h), hash: hash.clone() },
        Kind::PoolUpdate { update, .. } => Call::ApplyPoolUpdate { update: update.clone(), host: ctx.r(h) },
    };
    let name = ctx.name(h);
    if let Some(back) = still_empty(ctx, h) {
        return back;
    }
    let is_it = |c: &Call| matches!(c, Call::XcpUpdate { .. } | Call::ApplyUpdates { .. } | Call::ApplyPoolUpdate { .. });
    let tries = ctx.stage_tries(h, is_it);
    if tries.last.is_some_and(|(_, c)| c.outcome.is_none()) {
        return ctx.wait(Some(h), format!("{name}: installs its updates"), None);
    }
    // Refused for a reason that passes: nothing has to be looked for.
    if let Some((_, last)) = tries.last
        && let Some((Outcome::Failed { code, params, .. }, _)) = &last.outcome
    {
        let class = refusal::class(code, params);
        if class == Class::Already {
            return go_on(ctx, h, Stage::Update);
        }
        match ctx.next(&tries) {
            Next::Again(at, why) => {
                return ctx.wait(Some(h), format!("{name}: its updates are not installed yet ({why}); tried again"), Some(at));
            }
            Next::Refused(why) => return refused(ctx, h, code, &why),
            Next::Make | Next::Wait(_) => {}
        }
    }
    let ended = tries.last.and_then(|(_, c)| c.outcome.as_ref().map(|o| o.1));
    let since = ctx.host_run(h).and_then(crate::rollout::run::HostRun::stage).map_or(ctx.now(), |(_, at)| at).max(ended.unwrap_or(Time::EPOCH));
    match lacks(ctx, h, &tries, since) {
        Lacks::Instead(instead) => instead,
        Lacks::Nothing => go_on(ctx, h, Stage::Update),
        Lacks::Some(n) => install(ctx, h, &tries, n, &call),
    }
}

/// Installing on a host with guests is refused, or worse: if some came, they go first.
fn still_empty(ctx: &Ctx, h: HostAt) -> Option<Do> {
    let planned = ctx.plan(h)?.steps.iter().any(|s| matches!(s.stage, Stage::Evacuate | Stage::Reboot));
    let mark = ctx.host_run(h)?.mark();
    let begun = ctx.calls(mark, |c| c.host == Some(h)).next().is_some();
    if !planned || begun || ctx.records().guests_on(&ctx.r(h)).is_empty() || ctx.host_run(h)?.rounds(Stage::Evacuate) >= 6 {
        return None;
    }
    Some(Ctx::enter(h, Stage::Evacuate, format!("a guest came to {} after it was emptied", ctx.name(h))))
}

fn install(ctx: &Ctx, h: HostAt, tries: &Tries, n: usize, call: &Call) -> Do {
    let name = ctx.name(h);
    let make = || match sure(ctx, h, true) {
        Ok(()) => ctx.call(Some(h), call.clone()),
        Err(instead) => instead,
    };
    let Some((_, last)) = tries.last else { return make() };
    if let Some((Outcome::Unanswered { .. }, at)) = &last.outcome
        && ctx.now() < *at + VERY_UNSURE
    {
        let text = format!("{name}: it is not known whether its updates were installed; watches for it");
        return ctx.wait(Some(h), text, Some(*at + VERY_UNSURE));
    }
    if let Some((Outcome::Done { .. }, _)) = &last.outcome
        && tries.made >= TRIES
    {
        let why = format!("{name} still lacks {} after they were installed without an error.", count(n, "update"));
        return ctx.stuck(Some(h), why, "Look at its package manager's log. Then retry; or skip; or abort.".into());
    }
    if tries.made >= TRIES * 4 {
        let why = format!("the updates of {name} could not be installed.");
        return ctx.stuck(Some(h), why, "Look at its package manager's log. Then retry; or skip; or abort.".into());
    }
    make()
}

fn refused(ctx: &Ctx, h: HostAt, code: &str, why: &str) -> Do {
    let name = ctx.name(h);
    let todo = match code {
        "UPDATEINFO_HASH_MISMATCH" => "The update metadata changed since this was planned: abort, and plan anew.",
        "HOST_PENDING_MANDATORY_GUIDANCE_NOT_EMPTY" => {
            "It has an older update to finish first: reboot it in a round of its own, or do what its guidance says, then retry."
        }
        _ => "Mend that, then retry; or skip the host (it takes guests again); or abort.",
    };
    ctx.stuck(Some(h), format!("the updates of {name} cannot be installed: {why}."), todo.into())
}

/// What the host lacks, by an answer asked for after `since`.
fn lacks(ctx: &Ctx, h: HostAt, tries: &Tries, since: Time) -> Lacks {
    let name = ctx.name(h);
    let look = match &ctx.run.plan.kind {
        // The pool tells by refusing it a second time.
        Kind::PoolUpdate { .. } | Kind::Reboot => {
            let done = tries.last.is_some_and(|(_, c)| c.outcome.as_ref().is_some_and(|o| o.0.is_done()));
            return if done { Lacks::Nothing } else { Lacks::Some(1) };
        }
        Kind::XcpNg => Look::Missing { host: ctx.r(h) },
        Kind::XenServer { .. } => Look::Updates,
    };
    let looked = match ctx.look(&look, since, BELIEVED) {
        Ok(looked) => looked,
        Err(instead) => return Lacks::Instead(instead),
    };
    match (&looked.sight, &ctx.run.plan.kind) {
        (Sight::Missing(list), _) => list.len().checked_sub(1).map_or(Lacks::Nothing, |n| Lacks::Some(n + 1)),
        (Sight::Updates(data), Kind::XenServer { hash }) => {
            if data.hash != *hash && !data.hash.is_empty() {
                let why = "the update metadata changed since this was planned";
                return Lacks::Instead(refused(ctx, h, "UPDATEINFO_HASH_MISMATCH", why));
            }
            match data.hosts.get(&ctx.r(h)).map_or(0, |(list, _)| list.len()) {
                0 => Lacks::Nothing,
                n => Lacks::Some(n),
            }
        }
        (Sight::Failed { .. }, _) => {
            let due = looked.answered + ASK_AGAIN.max(AGAIN);
            if ctx.now() < due {
                let text = format!("{name}: asks again which updates it lacks");
                return Lacks::Instead(ctx.wait(Some(h), text, Some(due)));
            }
            Lacks::Instead(vec![Action::Look(look)])
        }
        _ => Lacks::Instead(vec![Action::Look(look)]),
    }
}
