//! Puts back what was changed (I5). What the pool refuses is tried again with growing pauses, and then kept and listed: it can be tried
//! again later with one command.

use super::ctx::{Ctx, Do, Next, UNSURE};
use super::stage::home::{Progress, bring, is_home, start, stray};
use super::stage::settled_state;
use super::{claim, refusal, safe};
use crate::rollout::call::{Call, Outcome};
use crate::rollout::entry::{Entry, Found, Item, Phase};
use crate::time::Time;
use crate::xenapi::record::{Host, Pbd, Pool, Ref};

/// How often one thing is tried before it is kept for later: over some three minutes.
const TRIES: u32 = 6;

/// The next thing to do in this phase.
pub fn step(ctx: &Ctx) -> Do {
    if !ctx.is_current() {
        return ctx.unseen(None);
    }
    if let Some(entry) = out_of_use(ctx) {
        return Ctx::write(entry);
    }
    // Nothing is put back on a pool that is somebody else's; what would have been is listed.
    if claim::is_theirs(ctx)
        && let Some(entry) = stray(ctx, |_| true, "the pool is somebody else's now")
    {
        return Ctx::write(entry);
    }
    if ctx.run.left.is_empty() || claim::is_theirs(ctx) {
        return Ctx::phase(Phase::Release);
    }
    if let Some(entry) = is_home(ctx) {
        return Ctx::write(entry);
    }
    let Some(pool) = ctx.records().the_pool() else { return ctx.unseen(None) };
    let mut items: Vec<&Item> = ctx.run.left.keys().collect();
    items.sort_by_key(|item| rank(item));
    let mut waits = None;
    let mut at: Option<Time> = None;
    for item in items {
        match one(ctx, pool, item) {
            Progress::Act(all) => return all,
            Progress::Wait(then) => {
                waits = waits.or(Some(item));
                at = match (at, then) {
                    (Some(a), Some(b)) => Some(a.min(b)),
                    (a, b) => a.or(b),
                };
                // HA comes last, and on its own: it looks at all the rest.
                if rank(item) < rank(&Item::Ha) {
                    continue;
                }
                break;
            }
            Progress::Over => {}
        }
    }
    match waits {
        Some(item) => ctx.wait(None, format!("puts back: {}", words(item)), at),
        None => Ctx::phase(Phase::Release),
    }
}

/// A host that was taken out of use in this run and was back, and is out of use again.
fn out_of_use(ctx: &Ctx) -> Option<Entry> {
    for (h, run) in ctx.run.hosts.iter().enumerate() {
        let was = run.before.as_ref().is_some_and(|b| b.enabled);
        let Some(host) = ctx.host(h).filter(|host| was && !host.enabled) else { continue };
        let item = Item::Host { host: host.uuid.to_string() };
        let ours = ctx.calls(1, |c| matches!(&c.call, Call::Disable { host } if *host == ctx.r(h))).next().is_some();
        if ours && !ctx.run.left.contains_key(&item) {
            return Some(Entry::Left { item, why: format!("{} is not enabled any more", ctx.name(h)) });
        }
    }
    None
}

/// A setting of the pool that was put back in this run, and is not as it was found any more: an older copy of the database came back, or somebody
/// changed it.
pub fn undone(ctx: &Ctx) -> Option<Entry> {
    let pool = ctx.records().the_pool()?;
    let found = &ctx.run.found;
    let made = |wanted: &Call| ctx.run.calls.values().any(|c| c.call == *wanted && c.may_have_effect());
    let ours = |item: &Item| match item {
        Item::Wlb => found.wlb && made(&Call::SetWlb { on: false }),
        Item::AutoPowerOn => found.auto_poweron && made(&Call::SetAutoPowerOn { on: false }),
        Item::Ha => found.ha.is_some() && made(&Call::DisableHa),
        Item::Tolerance => found.ha.is_some() && pool.ha_enabled && made(&Call::DisableHa),
        _ => false,
    };
    let gone = |item: &Item| ours(item) && !ctx.run.left.contains_key(item) && !stands(found, item, pool, None, None);
    let item = [Item::Wlb, Item::AutoPowerOn, Item::Ha, Item::Tolerance].into_iter().find(gone)?;
    let why = format!("{}: that had been done, and was lost or changed since", words(&item));
    Some(Entry::Left { item, why })
}

/// In which order things are put back.
const fn rank(item: &Item) -> u8 {
    match item {
        Item::Pbd { .. } => 0,
        Item::Host { .. } => 1,
        Item::Halted { .. } => 2,
        Item::Guest { .. } => 3,
        Item::Wlb => 4,
        Item::AutoPowerOn => 5,
        Item::Ha => 6,
        Item::Tolerance => 7,
        Item::Claim => 8,
    }
}

/// What is put back, in words.
pub const fn words(item: &Item) -> &'static str {
    match item {
        Item::Pbd { .. } => "storage is plugged",
        Item::Host { .. } => "a host is enabled",
        Item::Halted { .. } => "guests that were shut down are started",
        Item::Guest { .. } => "guests go home",
        Item::Wlb => "workload balancing is switched on",
        Item::AutoPowerOn => "automatic power-on is switched on",
        Item::Ha => "HA is switched on",
        Item::Tolerance => "HA's failures to tolerate are set",
        Item::Claim => "our claim is given up",
    }
}

fn one(ctx: &Ctx, pool: &Pool, item: &Item) -> Progress {
    let found = &ctx.run.found;
    match item {
        Item::Claim => Progress::Act(Ctx::put_back(item, "it is given up now")),
        Item::Guest { guest, host } => {
            // The phase before has tried that, unless this is a later command.
            if !ctx.run.reopened {
                return Progress::Over;
            }
            let (Some((vm, running)), Some((to, _))) = (ctx.records().guest_by_uuid(guest), ctx.records().host_by_uuid(host))
            else {
                return Progress::Over;
            };
            if running.on.is_none() {
                return Progress::Over;
            }
            bring(ctx, None, ctx.run.mark(), vm, to, true)
        }
        Item::Halted { guest, host } => {
            let Some((to, record)) = ctx.records().host_by_uuid(host) else { return Progress::Over };
            if !record.enabled {
                return Progress::Over;
            }
            start(ctx, None, ctx.run.mark(), item, guest, to)
        }
        Item::Host { host } => {
            let Some((r, record)) = ctx.records().host_by_uuid(host) else {
                return Progress::Act(Ctx::put_back(item, "the host is not in the pool any more"));
            };
            if !record.enabled && !ctx.records().metrics(r).is_some_and(|m| m.live) {
                return Progress::Over;
            }
            let call = Call::Enable { host: r.clone() };
            back(ctx, item, "the host is enabled", &call, |c| matches!(c, Call::Disable { host } if host == r))
        }
        Item::Pbd { pbd } => match ctx.records().pbd(pbd) {
            None => Progress::Act(Ctx::put_back(item, "that storage is not connected to the host any more")),
            Some(record) => {
                let seen = ctx.picture().host(&record.host).filter(|_| !record.currently_attached);
                if let Some(Err(why)) = seen.map(|seen| safe::clock(ctx, seen)) {
                    return out_of_step(ctx, item, &why);
                }
                back(ctx, item, "its storage is plugged", &Call::Plug { pbd: pbd.clone() }, |_| false)
            }
        },
        Item::Wlb => {
            back(ctx, item, "workload balancing is on", &Call::SetWlb { on: true }, |c| matches!(c, Call::SetWlb { on: false }))
        }
        Item::AutoPowerOn => {
            let off = |c: &Call| matches!(c, Call::SetAutoPowerOn { on: false });
            back(ctx, item, "automatic power-on is on", &Call::SetAutoPowerOn { on: true }, off)
        }
        Item::Ha => {
            let Some(ha) = &found.ha else { return Progress::Act(Ctx::put_back(item, "HA was not on")) };
            let call = Call::EnableHa { srs: ha.srs.clone(), configuration: ha.configuration.clone() };
            back(ctx, item, "HA is on", &call, |c| matches!(c, Call::DisableHa))
        }
        Item::Tolerance => {
            let Some(ha) = &found.ha else { return Progress::Act(Ctx::put_back(item, "HA was not on")) };
            if !pool.ha_enabled {
                return Progress::Over;
            }
            let call = Call::SetTolerance { failures: ha.tolerates };
            back(ctx, item, "HA tolerates as many failures as before", &call, |c| matches!(c, Call::DisableHa))
        }
    }
}

/// Whether a thing is as it was found, by these records of the pool, the host and the connection to storage that it may be about.
fn stands(found: &Found, item: &Item, pool: &Pool, host: Option<&Host>, pbd: Option<&Pbd>) -> bool {
    match item {
        Item::Host { .. } => host.is_some_and(|h| h.enabled),
        Item::Pbd { .. } => pbd.is_some_and(|p| p.currently_attached),
        Item::Wlb => pool.wlb_enabled,
        Item::AutoPowerOn => pool.other_config.get("auto_poweron") == Some("true"),
        Item::Ha => pool.ha_enabled,
        Item::Tolerance => found.ha.as_ref().is_none_or(|ha| pool.ha_host_failures_to_tolerate == ha.tolerates),
        Item::Guest { .. } | Item::Halted { .. } | Item::Claim => false,
    }
}

/// Whether a thing is seen to be as it was found: if a call of ours was about it, by a reading made after that was over, for what the
/// events told may be how it was before. `Err`: what is to be done first.
fn is_back(ctx: &Ctx, item: &Item, about: impl Fn(&Call) -> bool) -> Result<bool, Do> {
    let found = &ctx.run.found;
    let records = ctx.records();
    let uuid = if let Item::Host { host } = item { host.as_str() } else { "" };
    let at = records.host_by_uuid(uuid);
    let pbd = if let Item::Pbd { pbd } = item { Some(pbd) } else { None };
    let told = records.the_pool().is_some_and(|p| stands(found, item, p, at.map(|(_, h)| h), pbd.and_then(|r| records.pbd(r))));
    if !told {
        return Ok(false);
    }
    let Some(state) = settled_state(ctx, 0, about)? else { return Ok(true) };
    let host = at.and_then(|(r, _)| state.hosts.get(r));
    Ok(stands(found, item, &state.pool, host, pbd.and_then(|r| state.pbds.get(r))))
}

/// Storage is not plugged on a host whose clock is off, here no more than in its stage: it is told, and left to the operator.
fn out_of_step(ctx: &Ctx, item: &Item, why: &str) -> Progress {
    let why = format!("{} was not done: {why}; bring it in step, then restore again", words(item));
    if ctx.run.left.get(item).is_some_and(|w| w.contains("bring it in step")) {
        return Progress::Over;
    }
    Progress::Act(Ctx::write(Entry::Left { item: item.clone(), why }))
}

/// Puts one thing back. `undone`: the call that changed it, which may still be about to take effect.
fn back(ctx: &Ctx, item: &Item, how: &str, call: &Call, undone: impl Fn(&Call) -> bool) -> Progress {
    let last = ctx.calls(1, |c| undone(&c.call)).last().map(|(_, c)| c);
    let tries = ctx.tries(ctx.run.mark(), |c| is_same(&c.call, call));
    if let Some(last) = last
        && tries.made == 0
    {
        match &last.outcome {
            None => return Progress::Wait(None),
            Some((Outcome::Unanswered { .. }, at)) if ctx.now() < *at + UNSURE => return Progress::Wait(Some(*at + UNSURE)),
            _ => {}
        }
    }
    if tries.last.is_none_or(|(_, c)| c.outcome.is_some()) {
        match is_back(ctx, item, |c| undone(c) || is_same(c, call)) {
            Err(instead) => return Progress::Act(instead),
            Ok(true) => return Progress::Act(Ctx::put_back(item, how)),
            Ok(false) => {}
        }
    }
    let refused = tries.last.and_then(|(_, c)| match &c.outcome {
        Some((Outcome::Failed { code, text, .. }, at)) => Some((refusal::words(code, text), *at)),
        Some((Outcome::Unanswered { text } | Outcome::NotSent { text }, at)) => Some((text.clone(), *at)),
        _ => None,
    });
    if let Some((why, _)) = &refused
        && !ctx.run.left.get(item).is_some_and(|w| w.contains(&**why))
    {
        let why = format!("{} was not done: {why}", words(item));
        return Progress::Act(Ctx::write(Entry::Left { item: item.clone(), why }));
    }
    if tries.failures >= TRIES || tries.made >= TRIES * 2 {
        return Progress::Over;
    }
    match (ctx.next(&tries), refused) {
        (Next::Make, _) => Progress::Act(ctx.call(None, call.clone())),
        (Next::Wait(at), _) => Progress::Wait(at),
        (Next::Again(at, _), _) => Progress::Wait(Some(at)),
        // Whatever it is: it may be mended while this waits.
        (Next::Refused(_), Some((_, at))) => {
            let due = at + refusal::pause(tries.failures + 1);
            if ctx.now() < due { Progress::Wait(Some(due)) } else { Progress::Act(ctx.call(None, call.clone())) }
        }
        (Next::Refused(_), None) => Progress::Over,
    }
}

/// The same call, on the same thing.
fn is_same(a: &Call, b: &Call) -> bool {
    let object = |c: &Call| -> Option<Ref> {
        match c {
            Call::Enable { host } => Some(host.clone()),
            Call::Plug { pbd } => Some(pbd.clone()),
            _ => None,
        }
    };
    std::mem::discriminant(a) == std::mem::discriminant(b) && object(a) == object(b) && {
        match (a, b) {
            (Call::SetWlb { on: a }, Call::SetWlb { on: b })
            | (Call::SetAutoPowerOn { on: a }, Call::SetAutoPowerOn { on: b }) => a == b,
            _ => true,
        }
    }
}
