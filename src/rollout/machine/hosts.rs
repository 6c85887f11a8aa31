//! Host by host: which one is next, which stage follows, when one has hung too long, and how one is given up.
//!
//! A host is never left half-way by this: given up before its reboot it takes guests again; after it, it is first seen to be back.

use super::claim::{self, clock};
use super::ctx::{AGAIN, Ctx, Do};
use super::{Action, safe, stage};
use crate::rollout::call::Call;
use crate::rollout::entry::{Before, Entry, HostAt, HostEnd, Item, Phase};
use crate::rollout::plan::Stage;
use crate::rollout::run::{Run, Wish};
use crate::time::Time;
use crate::xenapi::record::Ref;
use std::collections::BTreeMap;
use std::time::Duration;
use strum::IntoEnumIterator;

/// The next thing to do in this phase.
pub fn step(ctx: &Ctx) -> Do {
    match ctx.run.current() {
        Some(h) if ctx.run.wish == Wish::Abort && claim::is_theirs(ctx) => {
            let why = "somebody else took the pool over: it is left as it is, look after it".to_owned();
            Ctx::end_host(h, HostEnd::Abandoned { why })
        }
        Some(h) => work(ctx, h),
        None => begin_next(ctx),
    }
}

/// Begins the next host, or leaves the phase.
fn begin_next(ctx: &Ctx) -> Do {
    let Some(h) = ctx.run.hosts.iter().position(|h| h.end.is_none()) else { return Ctx::phase(Phase::Home) };
    let closed = ctx.run.plan.options.not_after.filter(|at| ctx.now() > *at);
    let why = match (ctx.run.wish, closed) {
        (Wish::Abort, _) => Some("the operator ended the run before".to_owned()),
        (Wish::StopAfterHost, _) => Some("the operator let the run end after the host before".to_owned()),
        (_, Some(at)) => Some(format!("no host is begun after {}", clock(at))),
        _ => None,
    };
    if let Some(why) = why {
        return Ctx::end_host(h, HostEnd::Skipped { why });
    }
    if !ctx.is_current() {
        return ctx.unseen(None);
    }
    if let Some(wrong) = plan_is_wrong(ctx, h) {
        return wrong;
    }
    if let Err(why) = safe::last_is_well(ctx) {
        let since = ctx.run.hosts.iter().filter_map(|h| h.end.as_ref().map(|e| e.1)).max();
        let base = since.unwrap_or(ctx.run.phase.1).max(ctx.run.fresh);
        if let Some(due) = after(base, ctx.run.plan.options.deadlines.settle_s)
            && ctx.now() >= due
        {
            let todo = "Mend that, then retry; or abort.".into();
            return Ctx::stuck(None, format!("{} is not begun: {why}.", ctx.name(h)), todo);
        }
        let text = format!("{} is not begun before {}", ctx.name(h), until(&why));
        return ctx.wait(None, text, Some(ctx.now() + AGAIN));
    }
    Ctx::write(Entry::Before { host: h, before: before(ctx, h) })
}

/// "xcp1 is not enabled" as what is waited for.
fn until(why: &str) -> String {
    format!("this is over: {why}")
}

/// How a host is found.
fn before(ctx: &Ctx, h: HostAt) -> Before {
    let r = ctx.r(h);
    let (host, seen) = (ctx.host(h), ctx.seen(h));
    let mut pbds: Vec<Ref> = ctx.records().pbds_of(&r).filter(|(_, p)| p.currently_attached).map(|(r, _)| r.clone()).collect();
    pbds.sort();
    let name = seen.map(|s| s.name).unwrap_or_default();
    let paths: BTreeMap<String, u32> = ctx.picture().paths().filter(|p| p.host == name).map(|p| (p.name.clone(), p.up)).collect();
    Before {
        booted: host.and_then(crate::xenapi::record::Host::boot_time),
        enabled: host.is_some_and(|h| h.enabled),
        guests: ctx.records().guests_on(&r).into_iter().map(|(r, _)| r.clone()).collect(),
        pbds,
        paths,
        version: seen.map(crate::pool::glance::Sight::version).unwrap_or_default(),
    }
}

/// The plan names a host that is not the one in the pool any more, or another host coordinates the pool.
fn plan_is_wrong(ctx: &Ctx, h: HostAt) -> Option<Do> {
    let plan = ctx.plan(h)?;
    let name = ctx.name(h);
    let skip = "Skip it, or abort and plan anew.".to_owned();
    if !ctx.run.plan.pool.is_empty()
        && let Some(pool) = ctx.records().the_pool()
        && *pool.uuid != *ctx.run.plan.pool
        && !pool.uuid.is_empty()
    {
        let why = "this is not the pool that the plan was made for: its uuid differs.".to_owned();
        return Some(Ctx::stuck(Some(h), why, "Connect to the right pool and resume there.".into()));
    }
    let Some(host) = ctx.host(h) else {
        return Some(Ctx::stuck(Some(h), format!("{name} is not in the pool any more."), skip));
    };
    if !plan.uuid.is_empty() && *host.uuid != *plan.uuid {
        return Some(Ctx::stuck(Some(h), format!("{name} is not the host that the plan was made for: its uuid differs."), skip));
    }
    let planned = ctx.run.plan.hosts.iter().position(|p| p.coordinator)?;
    let now = ctx.view.pool.coordinator()?;
    if *now != ctx.r(planned) && !ctx.is_accepted("coordinator-changed", "") {
        let why = format!(
            "{} was the coordinator when this was planned, and now it is {}: somebody changed that.",
            ctx.name(planned),
            ctx.view.pool.name_of(now)
        );
        let todo = "Find out who, and why. Abort and plan anew; or accept coordinator-changed and retry.".into();
        return Some(Ctx::stuck(Some(h), why, todo));
    }
    None
}

/// Works on the host that was begun.
fn work(ctx: &Ctx, h: HostAt) -> Do {
    let Some((stage, _)) = ctx.host_run(h).and_then(super::super::run::HostRun::stage) else {
        return match next_stage(ctx, h, None) {
            Some(stage) => enter(ctx, h, stage),
            None => Ctx::end_host(h, HostEnd::Done),
        };
    };
    if ctx.is_current()
        && !backing_out(ctx, h)
        && let Some(wrong) = plan_is_wrong(ctx, h)
    {
        return wrong;
    }
    // Given up after its reboot: what only the next host would need is not waited for.
    let spared = stage == Stage::Soak || (stage == Stage::Rebuild && !waits_for_mirrors(ctx));
    if is_given_up(ctx, h) && is_rebooted(ctx, h) && spared {
        return go_on(ctx, h, stage);
    }
    let all = if backing_out(ctx, h) && stage <= Stage::Reboot { back_out(ctx, h, stage) } else { in_stage(ctx, h, stage) };
    // A run that is being ended does not stop and ask: the host is left as it is, and what it lacks is listed.
    if ctx.run.wish == Wish::Abort
        && let [Action::Write(Entry::Stuck { why, .. })] = all.as_slice()
    {
        return leave(ctx, h, why.trim_end_matches('.'));
    }
    // Whatever it waits for, it does not wait for ever.
    let Some(due) = deadline(ctx.run, h, &ctx.view) else { return all };
    if all.iter().any(|a| matches!(a, Action::Write(e) if !matches!(e, Entry::Waiting { .. }))) {
        return all;
    }
    if ctx.now() >= due {
        return overdue(ctx, h, stage);
    }
    let mut all = all;
    all.push(Action::Wake(due));
    all
}

fn in_stage(ctx: &Ctx, h: HostAt, stage: Stage) -> Do {
    // On the way down and up the coordinator takes the connection with it; every other stage needs to see the pool.
    if !ctx.is_current() && !matches!(stage, Stage::Reboot | Stage::Down | Stage::Up) {
        if stage == Stage::Rebuild {
            return stage::rebuild::unseen(ctx, h);
        }
        return ctx.unseen(Some(h));
    }
    match stage {
        Stage::Settle => stage::settle::step(ctx, h),
        Stage::Disable => stage::disable::step(ctx, h),
        Stage::Evacuate => stage::evacuate::step(ctx, h),
        Stage::Update => stage::update::step(ctx, h),
        Stage::Gate => stage::gate::step(ctx, h),
        Stage::Reboot => stage::reboot::step(ctx, h),
        Stage::Down => stage::down::step(ctx, h),
        Stage::Up => stage::up::step(ctx, h),
        Stage::Storage => stage::storage::step(ctx, h),
        Stage::Enable => stage::enable::step(ctx, h),
        Stage::Cluster => stage::cluster::step(ctx, h),
        Stage::Rebuild => stage::rebuild::step(ctx, h),
        Stage::Home => stage::home::step(ctx, h),
        Stage::Soak => stage::soak::step(ctx, h),
    }
}

/// The next stage is entered, or the host is done.
pub fn go_on(ctx: &Ctx, h: HostAt, stage: Stage) -> Do {
    match next_stage(ctx, h, Some(stage)) {
        Some(next) => enter(ctx, h, next),
        None => Ctx::end_host(h, end(ctx, h)),
    }
}

fn enter(ctx: &Ctx, h: HostAt, stage: Stage) -> Do {
    let why = ctx.plan(h).and_then(|p| p.steps.iter().find(|s| s.stage == stage)).map(|s| s.why.clone()).unwrap_or_default();
    // Its mirrors are not rebuilt before it has its storage again; the coordinator itself keeps the tasks from its return on.
    let first = if ctx.is_coordinator(h) { Stage::Storage } else { Stage::Up };
    if stage == first { ctx.enter_kept(h, stage, why) } else { Ctx::enter(h, stage, why) }
}

/// The stage after this one: what the plan has, and whatever a reboot may not go without.
fn next_stage(ctx: &Ctx, h: HostAt, after: Option<Stage>) -> Option<Stage> {
    let plan = ctx.plan(h)?;
    let planned = |stage: Stage| plan.steps.iter().any(|s| s.stage == stage);
    let reboots = planned(Stage::Reboot);
    let touched = reboots || planned(Stage::Update) || planned(Stage::Disable);
    let out = backing_out(ctx, h);
    let given_up = is_given_up(ctx, h);
    Stage::iter().filter(|stage| after.is_none_or(|a| *stage > a)).find(|stage| match stage {
        _ if out => matches!(stage, Stage::Enable | Stage::Home),
        Stage::Soak if given_up => false,
        Stage::Rebuild if given_up && !waits_for_mirrors(ctx) => false,
        Stage::Disable | Stage::Evacuate | Stage::Gate | Stage::Down | Stage::Up | Stage::Storage | Stage::Rebuild => {
            reboots || planned(*stage)
        }
        Stage::Enable | Stage::Cluster | Stage::Settle => touched || planned(*stage),
        // Also starts again what was shut down for the round.
        Stage::Home => touched,
        Stage::Update | Stage::Reboot | Stage::Soak => planned(*stage),
    })
}

fn end(ctx: &Ctx, h: HostAt) -> HostEnd {
    if !is_given_up(ctx, h) {
        return HostEnd::Done;
    }
    let who = "given up by the operator";
    let why = if is_rebooted(ctx, h) && waits_for_mirrors(ctx) {
        format!("{who} after its reboot: it is back and enabled")
    } else if is_rebooted(ctx, h) {
        format!("{who} after its reboot: it is back and enabled, its mirrors were not waited for")
    } else if installed(ctx, h) {
        format!("{who}: it takes guests again; its updates are installed, but not in use before its next reboot")
    } else {
        format!("{who} before its reboot: it takes guests again")
    };
    HostEnd::Abandoned { why }
}

fn installed(ctx: &Ctx, h: HostAt) -> bool {
    let update = |c: &Call| matches!(c, Call::XcpUpdate { .. } | Call::ApplyUpdates { .. } | Call::ApplyPoolUpdate { .. });
    ctx.run.calls.values().any(|c| c.host == Some(h) && update(&c.call) && c.may_have_effect())
}

/// Whether a host is brought back instead of being taken further.
pub fn is_given_up(ctx: &Ctx, h: HostAt) -> bool {
    ctx.run.wish == Wish::Abort || ctx.host_run(h).is_some_and(|r| r.given_up)
}

/// Whether mirrors are waited for even of a host that is given up after its reboot: others are still to go, and no gate of theirs would
/// show that its mirrors are not in step.
pub fn waits_for_mirrors(ctx: &Ctx) -> bool {
    ctx.run.wish != Wish::Abort && !ctx.view.pool.tells_what_is_in_step()
}

/// Whether its reboot may have been set off, since its gate was last passed.
pub fn is_rebooted(ctx: &Ctx, h: HostAt) -> bool {
    let Some(run) = ctx.host_run(h) else { return false };
    let Some(mark) = run.mark_of(Stage::Gate) else { return false };
    ctx.calls(mark, |c| c.host == Some(h) && matches!(c.call, Call::Reboot { .. }) && c.may_have_effect()).next().is_some()
}

/// Whether it is given up before its reboot.
fn backing_out(ctx: &Ctx, h: HostAt) -> bool {
    is_given_up(ctx, h) && !is_rebooted(ctx, h)
}

/// On the way back from before the reboot: what runs is ended or waited for, then it takes guests again.
fn back_out(ctx: &Ctx, h: HostAt, stage: Stage) -> Do {
    if !ctx.is_current() {
        return ctx.unseen(Some(h));
    }
    let name = ctx.name(h);
    if let Some((id, call)) = ctx.calls(1, |c| c.host == Some(h) && c.outcome.is_none()).next() {
        let Some(task) = &call.task else {
            return ctx.wait(Some(h), format!("{name} is given up: waits for the answer to what was begun"), None);
        };
        if matches!(call.call, Call::Evacuate { .. } | Call::Migrate { .. }) {
            let cancels = |c: &Call| matches!(c, Call::Cancel { task: t } if t == task);
            let asked = ctx.calls(id, |c| cancels(&c.call)).next().is_some();
            if !asked {
                return ctx.call(Some(h), Call::Cancel { task: task.clone() });
            }
        }
        return ctx.wait(Some(h), format!("{name} is given up: waits until what was begun there has ended"), None);
    }
    if stage == Stage::Settle {
        let why = "given up by the operator before it was touched".to_owned();
        return Ctx::end_host(h, HostEnd::Abandoned { why });
    }
    Ctx::enter(h, Stage::Enable, "given up: it takes guests again")
}

/// A stage that takes too long stops the run; while it is being ended, the host is left as it is.
fn overdue(ctx: &Ctx, h: HostAt, stage: Stage) -> Do {
    let name = ctx.name(h);
    let waited = if ctx.run.waiting.is_empty() { "it hangs".to_owned() } else { ctx.run.waiting.clone() };
    if stage == Stage::Home {
        // Never a reason to stop: what could not be brought back is noted there.
        return stage::home::overdue(ctx, h);
    }
    if ctx.run.wish == Wish::Abort && stage >= Stage::Reboot {
        return leave(ctx, h, &format!("{name} hung ({waited})"));
    }
    let why = format!("{name} took longer than it may: {waited}.");
    let todo = match stage {
        Stage::Down => {
            "Look at its console: is it shutting down? Retry goes back to the gate and reboots it again if it is still up."
        }
        Stage::Up => "Look at its console or its management board. Retry waits as long again.",
        Stage::Evacuate => "Move or stop the guests that are left, then retry; or skip the host; or abort.",
        _ => "Mend what it waits for, then retry; or skip the host; or abort.",
    };
    Ctx::stuck(Some(h), why, todo.into())
}

/// Leaves a host as it is, while the run is being ended. Storage that it has not plugged again is noted: it is tried once more at the end.
fn leave(ctx: &Ctx, h: HostAt, why: &str) -> Do {
    let name = ctx.name(h);
    let pbds = ctx.host_run(h).and_then(|r| r.before.as_ref()).into_iter().flat_map(|b| &b.pbds);
    for r in pbds {
        let item = Item::Pbd { pbd: r.clone() };
        let missing = ctx.records().pbd(r).filter(|p| !p.currently_attached && !ctx.run.left.contains_key(&item));
        if let Some(pbd) = missing {
            let why = format!("{name} has not plugged {} again", safe::sr_name(ctx, pbd));
            return Ctx::write(Entry::Left { item, why });
        }
    }
    Ctx::end_host(h, HostEnd::Abandoned { why: format!("the run was ended, although this was not over: {why}: look after it") })
}

fn after(base: Time, secs: u64) -> Option<Time> {
    (secs > 0).then(|| base + Duration::from_secs(secs))
}

/// When the stage that a host is in has to be over; `None`: it may take for ever.
pub fn deadline(run: &Run, h: HostAt, view: &super::View) -> Option<Time> {
    let host = run.hosts.get(h)?;
    let (stage, _) = host.stage()?;
    let d = &run.plan.options.deadlines;
    let secs = match stage {
        Stage::Settle | Stage::Gate | Stage::Reboot => d.settle_s,
        Stage::Disable | Stage::Enable => d.enable_s,
        Stage::Evacuate => d.evacuate_s,
        Stage::Update => d.update_s,
        Stage::Down => d.down_s,
        Stage::Up => d.up_s,
        Stage::Storage | Stage::Cluster => d.storage_s,
        Stage::Rebuild => d.rebuild_s,
        Stage::Home => d.home_s,
        Stage::Soak => 0,
    };
    let mut base = host.entered()?.max(run.fresh);
    // A connection that was lost and is back gives the full time again: nothing could be done or seen meanwhile. On the way
    // down and up it is lost because of the coordinator itself.
    if !matches!(stage, Stage::Reboot | Stage::Down | Stage::Up) {
        if view.picture.link() != crate::pool::picture::LinkState::Live {
            return None;
        }
        base = base.max(view.picture.link_since());
    }
    after(base, secs)
}
