//! Before the first host: the claim, then every check that can refuse, and only then what is in the way is switched off. What is switched
//! off is noted before, so that it is put back whatever happens.

use super::claim;
use super::ctx::{AGAIN, Ctx, Do, Next};
use super::safe::{self, Passes};
use crate::pool::words::list;
use crate::rollout::call::Call;
use crate::rollout::entry::{Entry, HostEnd, Item, Phase, RunResult};
use crate::rollout::run::Wish;
use std::time::Duration;

/// The next thing to do in this phase.
pub fn step(ctx: &Ctx) -> Do {
    if ctx.run.wish == Wish::Abort {
        let open = ctx.run.calls.values().any(|c| c.outcome.is_none());
        if open && ctx.is_current() {
            return ctx.wait(None, "waits for the answer to what was begun, before it ends", None);
        }
        if !claim::is_begun(ctx.run) {
            let text = "the operator ended it before anything was changed".into();
            return Ctx::write(Entry::Ended { result: RunResult::Stopped, text });
        }
        return Ctx::phase(Phase::Restore);
    }
    if !ctx.is_current() {
        return ctx.unseen(None);
    }
    if let Err(instead) = claim::hold(ctx) {
        return instead;
    }
    // Nothing is off yet: whatever speaks against it is waited for or refused now.
    if ctx.run.left.is_empty()
        && let Some(instead) = refuses(ctx)
    {
        return instead;
    }
    switch_off(ctx).unwrap_or_else(|| Ctx::phase(Phase::Hosts))
}

/// What speaks against beginning.
fn refuses(ctx: &Ctx) -> Option<Do> {
    let refuse = |why: String| Some(refused(ctx, &why));
    for (h, plan) in ctx.run.plan.hosts.iter().enumerate() {
        let Some(host) = ctx.host(h) else { return refuse(format!("{} is not in the pool any more", ctx.name(h))) };
        if !plan.uuid.is_empty() && *host.uuid != *plan.uuid {
            return refuse(format!("{} is not the host that the plan was made for", ctx.name(h)));
        }
    }
    if let Some(pool) = ctx.records().the_pool()
        && !ctx.run.plan.pool.is_empty()
        && !pool.uuid.is_empty()
        && *pool.uuid != *ctx.run.plan.pool
    {
        return refuse("this is not the pool that the plan was made for".into());
    }
    if let Some(ha) = &ctx.run.found.ha {
        let lack: Vec<String> = ctx
            .picture()
            .hosts()
            .filter(|host| {
                ha.srs.iter().any(|sr| !ctx.records().pbds_of(host.r#ref).any(|(_, p)| p.sr == *sr && p.currently_attached))
            })
            .map(|host| host.name.to_owned())
            .collect();
        if !lack.is_empty() {
            let why = format!("HA could not be switched on again afterwards: {} lack its heartbeat storage", list(&lack));
            return refuse(why);
        }
    }
    // The pool is not quiet: that may pass, and nothing is off meanwhile.
    let (first, seen) = ctx.run.hosts.iter().position(|h| h.end.is_none()).and_then(|h| Some((h, ctx.seen(h)?)))?;
    let secs = ctx.run.plan.options.deadlines.settle_s;
    let due = ctx.run.phase.1.max(ctx.run.fresh) + Duration::from_secs(secs);
    let late = secs > 0 && ctx.now() >= due;
    match safe::gate(ctx, seen) {
        // What is soft is asked for at the host itself: it may be accepted there.
        Passes::Yes | Passes::Accept(_) => None,
        Passes::No(reason) if late => {
            let why = reason.map_or_else(String::new, |r| r.text.trim_end_matches('.').to_owned());
            refuse(format!("the gate of {} stayed closed: {why}", ctx.name(first)))
        }
        Passes::No(reason) => {
            let text = reason.map_or_else(
                || "nothing is changed before the pool tells how it is".to_owned(),
                |r| format!("nothing is changed before the gate of {} opens ({}): {}", ctx.name(first), r.code, r.opens_when),
            );
            Some(ctx.wait(None, text, Some(ctx.now() + AGAIN)))
        }
    }
}

/// Refused: no host is begun, the claim is given up, nothing else was changed.
fn refused(ctx: &Ctx, why: &str) -> Do {
    let hosts = ctx.run.hosts.iter().enumerate().filter(|(_, h)| h.end.is_none());
    let skipped = hosts.flat_map(|(h, _)| Ctx::end_host(h, HostEnd::Skipped { why: format!("refused: {why}") }));
    skipped.chain(Ctx::phase(Phase::Release)).collect()
}

/// HA, automatic power-on and workload balancing, those that were on, one after the other.
fn switch_off(ctx: &Ctx) -> Option<Do> {
    let pool = ctx.records().the_pool()?;
    let found = &ctx.run.found;
    if let Some(ha) = &found.ha {
        let item = Item::Tolerance;
        if pool.ha_enabled && !ctx.run.left.contains_key(&item) {
            let why = format!(
                "HA tolerated {} while it was on",
                crate::pool::words::count(usize::try_from(ha.tolerates).unwrap_or(0), "failure")
            );
            return Some(Ctx::write(Entry::Left { item, why }));
        }
        let why = "HA is off for the round";
        let shows = !pool.ha_enabled;
        if let Some(instead) = off(ctx, shows, "HA is off", Item::Ha, why, Call::DisableHa, |c| matches!(c, Call::DisableHa)) {
            return Some(instead);
        }
    }
    if found.auto_poweron {
        let shows = pool.other_config.get("auto_poweron") != Some("true");
        let why = "guests do not start by themselves for the round";
        let call = Call::SetAutoPowerOn { on: false };
        let fits = |c: &Call| matches!(c, Call::SetAutoPowerOn { on: false });
        if let Some(instead) = off(ctx, shows, "automatic power-on is off", Item::AutoPowerOn, why, call, fits) {
            return Some(instead);
        }
    }
    if found.wlb {
        let why = "workload balancing is off for the round";
        let (shows, call) = (!pool.wlb_enabled, Call::SetWlb { on: false });
        let fits = |c: &Call| matches!(c, Call::SetWlb { on: false });
        if let Some(instead) = off(ctx, shows, "workload balancing is off", Item::Wlb, why, call, fits) {
            return Some(instead);
        }
    }
    None
}

/// Switches one thing off; `None`: it is.
fn off(ctx: &Ctx, shows: bool, what: &str, item: Item, why: &str, call: Call, fits: impl Fn(&Call) -> bool) -> Option<Do> {
    if shows {
        return None;
    }
    let tries = ctx.tries(ctx.run.mark(), |c| fits(&c.call));
    Some(match ctx.next(&tries) {
        Next::Make => ctx.change(None, item, why, call),
        Next::Wait(at) => ctx.wait(None, format!("waits until {what}"), at),
        Next::Again(at, said) => {
            ctx.wait(None, format!("waits until {what}; it was refused ({said}) and is tried again"), Some(at))
        }
        Next::Refused(said) => Ctx::stuck(
            None,
            format!("the round cannot begin, for it cannot be made that {what}: {said}."),
            "Mend that, then retry; or abort, which puts back what was switched off.".into(),
        ),
    })
}
