//! Evacuate: the host's guests move away. What cannot move is found before anything moves; what is left behind by xapi's own evacuation
//! is moved one by one; guests that the operator allowed to stop are stopped, after it was noted that they have to be started again.

use super::sure;
use crate::pool::words::list;
use crate::rollout::call::{Call, Outcome};
use crate::rollout::entry::{HostAt, Item};
use crate::rollout::look::{Blocker, Look, Sight};
use crate::rollout::machine::ctx::{AGAIN, Ctx, Do, Next};
use crate::rollout::machine::hosts::go_on;
use crate::rollout::machine::refusal::{self, Class};
use crate::rollout::machine::{Guard, blockers};
use crate::rollout::plan::Stage;
use crate::time::Time;
use crate::xenapi::record::Ref;
use std::time::Duration;

/// How often the whole host is evacuated before guests are moved one by one.
const EVACUATIONS: u32 = 3;
/// How often one guest is moved before the operator is asked.
const MOVES: u32 = 3;
/// Guests that are shut down at a time.
const STOPS: usize = 4;
/// Guests that are moved one by one at a time.
const AT_ONCE: usize = 2;
/// How long what was done may take to show.
const SHOWS: Duration = Duration::from_secs(15);
/// A list of guests that cannot move is believed for this long.
const BELIEVED: Duration = Duration::from_secs(120);

/// What to do in this stage.
pub fn step(ctx: &Ctx, h: HostAt) -> Do {
    if !ctx.guards(Guard::Guests) {
        return go_on(ctx, h, Stage::Evacuate);
    }
    let name = ctx.name(h);
    let r = ctx.r(h);
    let guests: Vec<Ref> = ctx.records().guests_on(&r).into_iter().map(|(g, _)| g.clone()).collect();
    let evacuations = ctx.stage_tries(h, |c| matches!(c, Call::Evacuate { .. }));
    if evacuations.last.is_some_and(|(_, c)| c.outcome.is_none()) {
        return ctx.wait(Some(h), format!("{name}: its guests move away"), None);
    }
    if guests.is_empty() {
        if pending(ctx, h).next().is_some() {
            return ctx.wait(Some(h), format!("{name}: its guests have left; waits until that is finished"), None);
        }
        return go_on(ctx, h, Stage::Evacuate);
    }
    // What cannot move is asked for anew after everything that was done about it.
    let since = ctx.host_run(h).and_then(crate::rollout::run::HostRun::stage).map_or(ctx.now(), |(_, at)| at);
    let base = last_end(ctx, h).unwrap_or(since).max(since);
    if (pending(ctx, h).next().is_none() || ctx.view.looked.contains_key(&Look::Blockers { host: r.clone() }))
        && let Err(instead) = blocked(ctx, h, base, &guests)
    {
        return instead;
    }
    if pending(ctx, h).any(|c| matches!(c, Call::ShutDown { .. })) {
        return ctx.wait(Some(h), format!("{name}: guests that cannot move shut down"), None);
    }
    if let Some((_, last)) = evacuations.last
        && let Some((Outcome::Done { .. }, at)) = &last.outcome
        && ctx.now() < *at + SHOWS
    {
        return ctx.wait(Some(h), format!("{name}: looks whether every guest has left"), Some(*at + SHOWS));
    }
    if evacuations.made < EVACUATIONS {
        return evacuate(ctx, h, &evacuations);
    }
    one_by_one(ctx, h, &guests)
}

fn is_mine(h: HostAt) -> impl Fn(&crate::rollout::run::CallRun) -> bool {
    move |c| c.host == Some(h) && matches!(c.call, Call::ShutDown { .. } | Call::Migrate { .. })
}

/// Calls about single guests that have not ended.
fn pending<'a>(ctx: &Ctx<'a>, h: HostAt) -> impl Iterator<Item = &'a Call> {
    let mark = ctx.host_run(h).map_or(1, crate::rollout::run::HostRun::mark);
    ctx.calls(mark, is_mine(h)).filter(|(_, c)| c.outcome.is_none()).map(|(_, c)| &c.call)
}

/// When something that was done here last ended.
fn last_end(ctx: &Ctx, h: HostAt) -> Option<Time> {
    let mark = ctx.host_run(h)?.mark();
    ctx.calls(mark, |c| c.host == Some(h)).filter_map(|(_, c)| c.outcome.as_ref().map(|o| o.1)).max()
}

/// Guests that cannot move: shuts down those that may be, else asks. `Err`: what is to be done instead of going on.
fn blocked(ctx: &Ctx, h: HostAt, base: Time, guests: &[Ref]) -> Result<(), Do> {
    let name = ctx.name(h);
    let look = Look::Blockers { host: ctx.r(h) };
    let looked = ctx.look(&look, base, BELIEVED)?;
    let list_ = match &looked.sight {
        Sight::Blockers(list) => list,
        // It only tells early what the evacuation itself would tell: old pools do not have it.
        Sight::Failed { code: Some(code), .. } if matches!(refusal::class(code, &[]), Class::Stop) => return Ok(()),
        _ => {
            if ctx.now() < looked.answered + AGAIN {
                let text = format!("{name}: asks again which guests cannot move");
                return Err(ctx.wait(Some(h), text, Some(looked.answered + AGAIN)));
            }
            return Err(vec![super::super::Action::Look(look)]);
        }
    };
    let here: Vec<&Blocker> = list_.iter().filter(|b| guests.contains(&b.vm)).collect();
    if here.is_empty() {
        return Ok(());
    }
    let may_stop = ctx.run.plan.options.shut_down_pinned;
    let rest: Vec<&Blocker> = here.iter().copied().filter(|b| !(may_stop && blockers::is_bound(ctx, b))).collect();
    if rest.is_empty() {
        return Err(shut_down(ctx, h, &here));
    }
    let texts: Vec<String> = rest.iter().take(8).map(|b| blockers::words(ctx, b)).collect();
    let more = if rest.len() > texts.len() { format!("; and {} more", rest.len() - texts.len()) } else { String::new() };
    // No room, or somebody else's work on a guest, may pass.
    let passes = rest.iter().any(|b| !matches!(refusal::class(&b.code, &b.params), Class::Guest));
    let text =
        format!("{name}: {} cannot move now; that may pass, else you are asked", crate::pool::words::count(rest.len(), "guest"));
    let waited = ctx.run.waiting == text && ctx.now() >= ctx.run.waiting_since + super::GRACE;
    if passes && !waited {
        if ctx.run.waiting == text && ctx.now() >= looked.answered + AGAIN {
            return Err(vec![super::super::Action::Look(look)]);
        }
        return Err(ctx.wait(Some(h), text, Some(ctx.now() + AGAIN)));
    }
    Err(Ctx::stuck(
        Some(h),
        format!("{name} cannot be emptied: {}{more}.", texts.join("; ")),
        "Move or stop them, or mend what binds them, then retry; or skip the host (it takes guests again); or abort.".into(),
    ))
}

/// Shuts down guests that cannot move.
fn shut_down(ctx: &Ctx, h: HostAt, here: &[&Blocker]) -> Do {
    let name = ctx.name(h);
    let uuid = ctx.plan(h).map(|p| p.uuid.clone()).unwrap_or_default();
    for blocker in here {
        let tries = ctx.stage_tries(h, |c| matches!(c, Call::ShutDown { vm } if *vm == blocker.vm));
        match ctx.next(&tries) {
            Next::Wait(None) => {}
            Next::Wait(Some(at)) => {
                return ctx.wait(Some(h), format!("{name}: guests that cannot move shut down"), Some(at));
            }
            Next::Again(at, why) => {
                let text = format!("{name}: {} did not shut down ({why}); tried again", ctx.guest_name(&blocker.vm));
                return ctx.wait(Some(h), text, Some(at));
            }
            Next::Make => {
                if pending(ctx, h).filter(|c| matches!(c, Call::ShutDown { .. })).count() >= STOPS {
                    continue;
                }
                if let Err(instead) = sure(ctx, h, false) {
                    return instead;
                }
                let guest = ctx.records().guest(&blocker.vm).map(crate::pool::Guest::uuid).unwrap_or_default();
                let item = Item::Halted { guest, host: uuid };
                let why = format!("{} cannot move and is shut down while {name} is away", ctx.guest_name(&blocker.vm));
                return ctx.change(Some(h), item, &why, Call::ShutDown { vm: blocker.vm.clone() });
            }
            Next::Refused(why) => {
                return Ctx::stuck(
                    Some(h),
                    format!(
                        "{name} cannot be emptied: {} cannot move and did not shut down: {why}.",
                        ctx.guest_name(&blocker.vm)
                    ),
                    "Shut it down yourself, then retry; or skip the host; or abort.".into(),
                );
            }
        }
    }
    ctx.wait(Some(h), format!("{name}: guests that cannot move shut down"), None)
}

fn evacuate(ctx: &Ctx, h: HostAt, tries: &crate::rollout::machine::ctx::Tries) -> Do {
    let name = ctx.name(h);
    let call = || {
        let o = &ctx.run.plan.options;
        ctx.call(Some(h), Call::Evacuate { host: ctx.r(h), network: o.network.clone(), batch: o.batch })
    };
    let Some((_, last)) = tries.last else { return call() };
    match (ctx.next(tries), &last.outcome) {
        (Next::Again(at, why), _) => {
            ctx.wait(Some(h), format!("{name}: its guests did not all move ({why}); tried again"), Some(at))
        }
        // Whatever was in the way of it was just found to be gone, or not to be about a guest: again, a few times.
        (Next::Refused(why), Some((_, at))) if ctx.now() < *at + AGAIN => {
            ctx.wait(Some(h), format!("{name}: its guests did not all move ({why}); tried again"), Some(*at + AGAIN))
        }
        _ => call(),
    }
}

/// Moves what is left guest by guest.
fn one_by_one(ctx: &Ctx, h: HostAt, guests: &[Ref]) -> Do {
    let name = ctx.name(h);
    let mut failed = Vec::new();
    let mut due: Option<Time> = None;
    let mut busy = pending(ctx, h).count();
    for vm in guests {
        let tries = ctx.stage_tries(h, |c| matches!(c, Call::Migrate { vm: v, .. } if v == vm));
        let next = ctx.next(&tries);
        let again = match next {
            _ if tries.failures >= MOVES => None,
            Next::Make => Some(ctx.now()),
            Next::Wait(at) => Some(at.unwrap_or(ctx.now() + AGAIN)),
            Next::Again(at, _) => Some(at),
            Next::Refused(_) => None,
        };
        match again {
            None => failed.push((vm, tries)),
            Some(at) if at <= ctx.now() && busy < AT_ONCE => match room(ctx, h, vm) {
                Some(to) => {
                    let network = ctx.run.plan.options.network.clone();
                    return ctx.call(Some(h), Call::Migrate { vm: vm.clone(), to, network });
                }
                None => failed.push((vm, tries)),
            },
            Some(at) => {
                busy += usize::from(at <= ctx.now());
                due = Some(due.map_or(at, |d: Time| d.min(at)));
            }
        }
    }
    if failed.is_empty() || pending(ctx, h).next().is_some() || due.is_some() {
        let at = due.filter(|at| *at > ctx.now());
        return ctx.wait(Some(h), format!("{name}: moves the guests that were left behind one by one"), at);
    }
    let texts: Vec<String> = failed
        .iter()
        .take(8)
        .map(|(vm, tries)| match tries.last.and_then(|(_, c)| c.outcome.as_ref()) {
            Some((Outcome::Failed { code, params, .. }, _)) => {
                format!("{} {}", ctx.guest_name(vm), blockers::what(ctx, code, params))
            }
            Some((Outcome::Unanswered { text } | Outcome::NotSent { text }, _)) => format!("{} ({text})", ctx.guest_name(vm)),
            _ => format!("{} finds no host with room", ctx.guest_name(vm)),
        })
        .collect();
    Ctx::stuck(
        Some(h),
        format!("{name} cannot be emptied: {}.", list(&texts)),
        "Move or stop them, then retry; or skip the host (it takes guests again); or abort.".into(),
    )
}

/// The live, enabled host with the most free memory, if the guest fits there.
fn room(ctx: &Ctx, h: HostAt, vm: &Ref) -> Option<Ref> {
    use crate::pool::picture::Stage as Doing;
    let needs = ctx.records().guest(vm).map_or(0, |g| g.memory);
    let own = ctx.r(h);
    let up = |s: Doing| matches!(s, Doing::Live | Doing::Back);
    let hosts = ctx.picture().hosts().filter(|o| *o.r#ref != own && o.enabled() && up(o.stage()));
    let room = hosts.filter_map(|o| {
        let memory = o.memory();
        let free = memory.total.saturating_sub(memory.used.unwrap_or(0));
        (free >= needs || memory.total == 0).then_some((free, o.r#ref))
    });
    room.max_by_key(|(free, _)| *free).map(|(_, r)| r.clone())
}
