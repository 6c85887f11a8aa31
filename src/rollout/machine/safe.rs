//! I1 and I2: whether a host may be rebooted by what was read for that very call, and whether the one before is well again.
//!
//! What speaks against a reboot by the pool's own rules is the gate's matter (`pool::gate`), and only the gate's. Here is what the gate
//! cannot know: that a reading was made for this call, and what we ourselves do.

use super::claim::{Whose, whose};
use super::ctx::Ctx;
use super::{Guard, Guards};
use crate::pool::glance::Sight;
use crate::pool::limits::SKEW_S;
use crate::pool::picture::{GateState, Reason, Severity, Stage as Doing};
use crate::pool::records::is_rebuild;
use crate::pool::words::{list, name};
use crate::rollout::entry::{HostAt, HostEnd};
use crate::rollout::look::State;
use crate::rollout::plan::Stage;
use crate::xenapi::record::HostOperation;

/// How a gate stands for this run.
#[derive(Debug)]
pub enum Passes<'a> {
    /// It is open, and what is soft was accepted.
    Yes,
    /// It is open, but these have to be accepted first.
    Accept(Vec<&'a Reason>),
    /// It is not open; the worst reason.
    No(Option<&'a Reason>),
}

/// Whether a host's gate lets this run pass.
pub fn gate<'a>(ctx: &Ctx, seen: Sight<'a>) -> Passes<'a> {
    if !ctx.guards(Guard::Gate) {
        return Passes::Yes;
    }
    let Some(gate) = seen.gate() else { return Passes::No(None) };
    let taken_out = |r: &Reason| {
        (!ctx.guards(Guard::Others) && r.code.starts_with("host-"))
            || (!ctx.guards(Guard::Guests) && r.code == "guests")
            || (!ctx.guards(Guard::Mirrors) && (r.code.contains("rebuild") || r.code.contains("mirrors")))
            || (!ctx.guards(Guard::Settle) && r.code.ends_with("settling"))
    };
    let hard = |r: &&Reason| r.severity == Severity::Hard && !taken_out(r);
    if gate.state != GateState::Open {
        // Not open without a reason is not open either.
        let all = ctx.view.guards == Guards::default();
        let worst = gate.reasons.iter().find(hard);
        if all || worst.is_some() {
            return Passes::No(worst.or(gate.reasons.first()));
        }
    }
    // In an update hosts differ until the last one is done: that is what it is for.
    let expected = |r: &Reason| r.code == "versions" && ctx.run.plan.kind.is_update();
    let soft: Vec<&Reason> =
        gate.reasons.iter().filter(|r| r.severity == Severity::Soft && !expected(r) && !is_accepted(ctx, seen, r)).collect();
    if soft.is_empty() { Passes::Yes } else { Passes::Accept(soft) }
}

/// Whether a soft reason of a host's gate was accepted, for everything that it is about.
fn is_accepted(ctx: &Ctx, seen: Sight, reason: &Reason) -> bool {
    // Who looked at what a database lost has accepted it: a run stops on its own if nobody did (see `database`).
    if reason.code == "database-went-back" && ctx.picture().rewind().is_some_and(|r| ctx.run.database_checked >= Some(r.at)) {
        return true;
    }
    if !ctx.run.accepted.iter().any(|a| a.code == reason.code) {
        return false;
    }
    let pool = ctx.view.pool;
    let mut all = pool.obstacles(ctx.now());
    all.retain(|o| o.reason.code == reason.code && o.except.as_ref() != Some(seen.r#ref));
    // The same about many hosts is told as one reason: then it has to be accepted for each.
    if all.iter().any(|o| o.reason.text == reason.text) {
        all.retain(|o| o.reason.text == reason.text);
    }
    if all.is_empty() {
        // About the host itself.
        return ctx.is_accepted(reason.code, seen.name);
    }
    all.iter().all(|o| ctx.is_accepted(reason.code, &pool.name_of(&o.about)))
}

/// I1: whether what was read allows the reboot of this host; else what speaks against it.
pub fn to_reboot(ctx: &Ctx, h: HostAt, state: &State) -> Result<(), String> {
    let r = ctx.r(h);
    let own = ctx.name(h);
    let host = state.hosts.get(&r).ok_or_else(|| format!("{own} was not among the pool's hosts"))?;
    if ctx.plan(h).is_some_and(|p| !p.uuid.is_empty() && *host.uuid != *p.uuid) {
        return Err(format!("{own} is another host than was planned"));
    }
    is_ours(ctx, state)?;
    if host.enabled {
        return Err(format!("{own} is enabled"));
    }
    let guests: Vec<String> =
        state.guests.values().filter(|vm| vm.is_active_guest() && vm.resident_on == r).map(|vm| name(&vm.name_label)).collect();
    if !guests.is_empty() && ctx.guards(Guard::Guests) {
        return Err(format!("{} still on {own}: {}", crate::pool::words::count(guests.len(), "guest"), list(&guests)));
    }
    if host.resident_vms.iter().any(|vm| !state.guests.contains_key(vm)) {
        return Err(format!("a guest came to {own} while it was looked at"));
    }
    others_are_well(ctx, h, state)
}

/// Whether what was read still has the pool as ours (I4).
pub fn is_ours(ctx: &Ctx, state: &State) -> Result<(), String> {
    match whose(ctx.run, ctx.view.owner, &state.pool) {
        _ if !ctx.guards(Guard::Claim) => Ok(()),
        Whose::Ours(_) => Ok(()),
        _ => Err("our claim was not on the pool".into()),
    }
}

/// Whether this is the only host that is worked on, by what was read: every other is live and enabled, none is told to go down, and no
/// mirror is being rebuilt.
pub fn others_are_well(ctx: &Ctx, h: HostAt, state: &State) -> Result<(), String> {
    let (r, own) = (ctx.r(h), ctx.name(h));
    for (other, record) in &state.hosts {
        let busy = record.current_operations.values().any(|op| matches!(op, HostOperation::Reboot | HostOperation::Shutdown));
        let their = name(&record.name_label);
        if *other == r {
            if busy {
                return Err(format!("{own} is already told to go down"));
            }
            continue;
        }
        if !ctx.guards(Guard::Others) {
            continue;
        }
        if busy {
            return Err(format!("{their} is told to go down"));
        }
        if !state.metrics.get(&record.metrics).is_some_and(|m| m.live) {
            return Err(format!("{their} is not live"));
        }
        if !record.enabled {
            return Err(format!("{their} is not enabled"));
        }
    }
    if ctx.guards(Guard::Mirrors) && state.tasks.values().any(|task| is_rebuild(task) && task.status.is_running()) {
        return Err("a mirror is being rebuilt".into());
    }
    Ok(())
}

/// I2: whether the host that was last rebooted is well again; else what is wrong with it.
pub fn last_is_well(ctx: &Ctx) -> Result<(), String> {
    let last = ctx
        .run
        .hosts
        .iter()
        .enumerate()
        .filter(|(_, h)| matches!(h.end, Some((HostEnd::Done | HostEnd::Abandoned { .. }, _))))
        .filter(|(_, h)| h.stages.iter().any(|(s, _)| *s > Stage::Settle))
        .max_by_key(|(_, h)| h.end.as_ref().map(|e| e.1));
    last.filter(|_| ctx.guards(Guard::Others)).map_or(Ok(()), |(h, _)| is_well(ctx, h))
}

/// Whether a host is as it was before it was begun, as far as others depend on it.
pub fn is_well(ctx: &Ctx, h: HostAt) -> Result<(), String> {
    let name = ctx.name(h);
    let before = ctx.host_run(h).and_then(|r| r.before.as_ref()).ok_or_else(|| format!("{name} was never begun"))?;
    let seen = ctx.seen(h).ok_or_else(|| format!("{name} is not in the pool"))?;
    let up = matches!(seen.stage(), Doing::Live | Doing::Back) || (seen.stage() == Doing::Disabled && !before.enabled);
    if !up {
        return Err(format!("{name} is not live and enabled"));
    }
    if let Some(missing) = unplugged(ctx, h).first() {
        return Err(format!("{name} has not plugged {missing}"));
    }
    if let Some(why) = out_of_cluster(ctx, seen) {
        return Err(why);
    }
    clock(ctx, seen)
}

/// Storage that a host had plugged and has not, by the name of its SR. What was removed meanwhile does not count.
pub fn unplugged(ctx: &Ctx, h: HostAt) -> Vec<String> {
    let before = ctx.host_run(h).and_then(|r| r.before.as_ref());
    let pbds = before.into_iter().flat_map(|b| &b.pbds).filter_map(|r| ctx.records().pbd(r));
    pbds.filter(|p| !p.currently_attached).map(|p| sr_name(ctx, p)).collect()
}

/// The SR behind a PBD, by name.
pub fn sr_name(ctx: &Ctx, pbd: &crate::xenapi::record::Pbd) -> String {
    let sr = ctx.view.pool.name_of(&pbd.sr);
    if sr.is_empty() { "an SR without a name".into() } else { format!("SR {sr}") }
}

/// Why a host is no live member of its cluster, if it is not.
pub fn out_of_cluster(ctx: &Ctx, seen: Sight) -> Option<String> {
    let r = seen.r#ref;
    let member = ctx.records().cluster_hosts().find(|(_, m)| m.host == *r).map(|(_, m)| m);
    if let Some(m) = member
        && m.enabled
        && (!m.joined || m.live == Some(false))
    {
        return Some(format!("{} is not alive in its cluster", seen.name));
    }
    // Stacks that have no such record.
    for cluster in ctx.picture().clusters() {
        let mine = cluster.members.iter().find(|m| m.host == seen.name);
        if let Some(mine) = mine
            && matches!(mine.state, "dead" | "left" | "excluded")
        {
            return Some(format!("{} is {} in the {} cluster", seen.name, mine.state, cluster.stack));
        }
        if cluster.quorate == Some(false) {
            return Some(format!("the {} cluster has lost its quorum", cluster.stack));
        }
    }
    None
}

/// Whether a host's clock is in step, as far as it was measured.
pub fn clock(ctx: &Ctx, seen: Sight) -> Result<(), String> {
    let reading = ctx.picture().clocks().iter().find(|c| c.host == seen.name);
    match reading {
        Some(c) if c.skew_s.abs() - c.error_s > SKEW_S && !ctx.is_accepted("clock-skew", seen.name) => {
            let way = if c.skew_s > 0.0 { "ahead of" } else { "behind" };
            Err(format!("the clock of {} is some seconds {way} the coordinator's", seen.name))
        }
        _ => Ok(()),
    }
}
