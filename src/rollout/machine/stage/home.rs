//! Home: guests that ran on the host come back; those that were shut down for it are started. Nothing here stops a round: what does not
//! come back is noted, and tried again at the end.

use crate::rollout::call::Call;
use crate::rollout::entry::{Entry, HostAt, HostEnd, Item};
use crate::rollout::machine::ctx::{Ctx, Do, Next};
use crate::rollout::machine::hosts::go_on;
use crate::rollout::plan::Stage;
use crate::time::Time;
use crate::xenapi::record::Ref;

/// Guests that move or start at a time.
const AT_ONCE: usize = 2;
/// How often one guest is tried before it is left for the end.
pub const TRIES: u32 = 3;

/// What to do in this stage.
pub fn step(ctx: &Ctx, h: HostAt) -> Do {
    let name = ctx.name(h);
    let r = ctx.r(h);
    let mark = ctx.host_run(h).map_or(1, crate::rollout::run::HostRun::mark);
    let mut due: Option<Time> = None;
    let mut waits = false;
    for item in ctx.run.left.keys() {
        let Item::Halted { guest, host } = item else { continue };
        if ctx.plan(h).is_none_or(|p| p.uuid != *host) {
            continue;
        }
        match start(ctx, Some(h), mark, item, guest, &r) {
            Progress::Act(all) => return all,
            Progress::Wait(at) => {
                waits = true;
                due = sooner(due, at);
            }
            Progress::Over => {}
        }
    }
    if ctx.run.plan.options.home {
        let mut busy = moving(ctx, mark, Some(h));
        for (vm, uuid) in strangers(ctx, h) {
            let item = Item::Guest { guest: uuid.clone(), host: ctx.plan(h).map(|p| p.uuid.clone()).unwrap_or_default() };
            match bring(ctx, Some(h), mark, &vm, &r, busy < AT_ONCE) {
                Progress::Act(all) => return all,
                Progress::Wait(at) => {
                    waits = true;
                    busy = busy.max(1);
                    due = sooner(due, at);
                }
                Progress::Over if !ctx.run.left.contains_key(&item) => {
                    let why = format!("{} could not come back to {name}: {}", ctx.guest_name(&vm), why(ctx, mark, &vm));
                    return Ctx::write(Entry::Left { item, why });
                }
                Progress::Over => {}
            }
        }
        if let Some(entry) = is_home(ctx) {
            return Ctx::write(entry);
        }
    }
    if waits {
        return ctx.wait(Some(h), format!("{name}: its guests come back"), due);
    }
    go_on(ctx, h, Stage::Home)
}

/// It took too long: what is not back is noted, and the round goes on.
pub fn overdue(ctx: &Ctx, h: HostAt) -> Do {
    for (vm, uuid) in strangers(ctx, h) {
        let item = Item::Guest { guest: uuid, host: ctx.plan(h).map(|p| p.uuid.clone()).unwrap_or_default() };
        if ctx.run.plan.options.home && !ctx.run.left.contains_key(&item) {
            let why = format!("{} did not come back to {} in time", ctx.guest_name(&vm), ctx.name(h));
            return Ctx::write(Entry::Left { item, why });
        }
    }
    go_on(ctx, h, Stage::Home)
}

/// How it stands with one guest.
pub enum Progress {
    /// Something is to be done now.
    Act(Do),
    /// It is on its way, or tried again then.
    Wait(Option<Time>),
    /// It is where it should be, or is not tried any more.
    Over,
}

fn sooner(a: Option<Time>, b: Option<Time>) -> Option<Time> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Guests that ran on the host, run now, and are elsewhere; those that belong elsewhere are not among them.
fn strangers(ctx: &Ctx, h: HostAt) -> Vec<(Ref, String)> {
    let r = ctx.r(h);
    let uuid = ctx.plan(h).map(|p| p.uuid.clone()).unwrap_or_default();
    let before = ctx.host_run(h).and_then(|r| r.before.as_ref());
    let guests = before.into_iter().flat_map(|b| &b.guests);
    guests
        .filter_map(|vm| {
            let guest = ctx.records().guest(vm)?;
            let own = guest.uuid();
            let home = ctx.run.found.guests.get(&own).is_none_or(|home| *home == uuid);
            (home && guest.on.is_some() && guest.on.as_ref() != Some(&r)).then(|| (vm.clone(), own))
        })
        .collect()
}

/// Migrations that have not ended.
pub fn moving(ctx: &Ctx, mark: u64, h: Option<HostAt>) -> usize {
    ctx.calls(mark, |c| c.host == h && matches!(c.call, Call::Migrate { .. })).filter(|(_, c)| c.outcome.is_none()).count()
}

/// Brings one guest to a host.
pub fn bring(ctx: &Ctx, h: Option<HostAt>, mark: u64, vm: &Ref, to: &Ref, free: bool) -> Progress {
    let tries = ctx.tries(mark, |c| matches!(&c.call, Call::Migrate { vm: v, to: t, .. } if v == vm && t == to));
    if tries.failures >= TRIES {
        return Progress::Over;
    }
    match ctx.next(&tries) {
        // Done twice and still not there: somebody moves it away again.
        Next::Make if tries.made >= TRIES * 2 => Progress::Over,
        Next::Make if free => {
            let network = ctx.run.plan.options.network.clone();
            Progress::Act(ctx.call(h, Call::Migrate { vm: vm.clone(), to: to.clone(), network }))
        }
        Next::Make => Progress::Wait(None),
        Next::Wait(at) => Progress::Wait(at),
        Next::Again(at, _) => Progress::Wait(Some(at)),
        Next::Refused(_) => Progress::Over,
    }
}

/// Why a guest did not come.
pub fn why(ctx: &Ctx, mark: u64, vm: &Ref) -> String {
    use crate::rollout::call::Outcome;
    let tries = ctx.tries(mark, |c| matches!(&c.call, Call::Migrate { vm: v, .. } if v == vm));
    match tries.last.and_then(|(_, c)| c.outcome.as_ref()) {
        Some((Outcome::Failed { code, params, .. }, _)) => {
            format!("it {}", crate::rollout::machine::blockers::what(ctx, code, params))
        }
        Some((Outcome::Unanswered { text } | Outcome::NotSent { text }, _)) => text.clone(),
        _ => "it was not there after it had been moved".into(),
    }
}

/// Starts one guest that was shut down for the round.
pub fn start(ctx: &Ctx, h: Option<HostAt>, mark: u64, item: &Item, uuid: &str, on: &Ref) -> Progress {
    let Some((vm, guest)) = ctx.records().guest_by_uuid(uuid) else {
        return Progress::Act(Ctx::put_back(item, "the guest is not in the pool any more"));
    };
    let name = ctx.guest_name(vm);
    let told = ctx.calls(1, |c| matches!(&c.call, Call::ShutDown { vm: v } if v == vm)).last();
    if told.is_some_and(|(_, c)| c.outcome.is_none()) {
        return Progress::Wait(None);
    }
    if guest.on.is_some() {
        return Progress::Act(Ctx::put_back(item, format!("{name} runs")));
    }
    let tries = ctx.tries(mark, |c| matches!(&c.call, Call::StartOn { vm: v, .. } if v == vm));
    if tries.failures >= TRIES {
        return Progress::Over;
    }
    match ctx.next(&tries) {
        Next::Make => Progress::Act(ctx.call(h, Call::StartOn { vm: vm.clone(), host: on.clone() })),
        Next::Wait(at) => Progress::Wait(at),
        Next::Again(at, _) => Progress::Wait(Some(at)),
        Next::Refused(_) => Progress::Over,
    }
}

/// A guest that ran on a host that was begun and ended in this way, runs elsewhere, and is not listed yet.
pub fn stray(ctx: &Ctx, ended: impl Fn(Option<&HostEnd>) -> bool, why: &str) -> Option<Entry> {
    let home = ctx.run.plan.options.home;
    let hosts = ctx.run.hosts.iter().enumerate().filter(|(_, run)| home && ended(run.end.as_ref().map(|e| &e.0)));
    for (h, _) in hosts {
        let uuid = ctx.plan(h).map(|p| p.uuid.clone()).unwrap_or_default();
        for (vm, guest) in strangers(ctx, h) {
            let item = Item::Guest { guest, host: uuid.clone() };
            if !ctx.run.left.contains_key(&item) {
                let why = format!("{} is not on {} any more: {why}", ctx.guest_name(&vm), ctx.name(h));
                return Some(Entry::Left { item, why });
            }
        }
    }
    None
}

/// A guest that ran on a host that was begun and emptied, does not run now, and is not noted yet. It died where the round had put it, or
/// somebody shut it down; if it runs again there before the round is over, it is the round that has to say so.
pub fn halted(ctx: &Ctx) -> Option<Entry> {
    if !ctx.run.plan.options.home {
        return None;
    }
    for (plan, run) in ctx.run.plan.hosts.iter().zip(&ctx.run.hosts) {
        let emptied = ctx.calls(1, |c| matches!(&c.call, Call::Evacuate { host, .. } if *host == plan.host)).next().is_some();
        for vm in run.before.iter().filter(|_| emptied).flat_map(|b| &b.guests) {
            let Some(guest) = ctx.records().guest(vm).filter(|guest| guest.on.is_none()) else { continue };
            let (guest, host) = (guest.uuid(), plan.uuid.clone());
            let known = ctx.run.left.contains_key(&Item::Halted { guest: guest.clone(), host: host.clone() });
            let item = Item::Guest { guest, host };
            if !known && !ctx.run.left.contains_key(&item) {
                let why = format!("{} was moved for the round, and does not run now", ctx.guest_name(vm));
                return Some(Entry::Left { item, why });
            }
        }
    }
    None
}

/// A guest that was noted and does not run at the end: there is nothing to bring back.
pub fn is_out(ctx: &Ctx) -> Option<Entry> {
    ctx.run.left.keys().find_map(|item| {
        let Item::Guest { guest, .. } = item else { return None };
        let (r, _) = ctx.records().guest_by_uuid(guest).filter(|(_, g)| g.on.is_none())?;
        Some(Entry::PutBack { item: item.clone(), how: format!("{} does not run any more", ctx.guest_name(r)) })
    })
}

/// A guest that was noted and is where it was, or is gone.
pub fn is_home(ctx: &Ctx) -> Option<Entry> {
    ctx.run.left.keys().find_map(|item| {
        let Item::Guest { guest, host } = item else { return None };
        let found = ctx.records().guest_by_uuid(guest);
        let how = match found {
            None => "the guest is not in the pool any more".to_owned(),
            Some((r, g)) => {
                // One that does not run may run again before the round is over: see `is_out`.
                g.on.as_ref().and_then(|on| ctx.records().host(on)).filter(|h| *h.uuid == **host)?;
                format!("{} is home", ctx.guest_name(r))
            }
        };
        Some(Entry::PutBack { item: item.clone(), how })
    })
}
