//! What an operator may say when, what that writes, and why it cannot be said now.

use super::claim;
use super::ctx::Ctx;
use super::hosts::{is_rebooted, waits_for_mirrors};
use super::safe;
use super::stage::up::booted_anew;
use crate::pool::glance::Sight;
use crate::pool::picture::Severity;
use crate::rollout::entry::{Command, Entry, HostAt, HostEnd, Phase};
use crate::rollout::plan::Stage;
use crate::rollout::run::{WENT_BACK, Wish};

/// What a command writes; or why it cannot be given now.
pub fn command(ctx: &Ctx, command: &Command) -> Result<Vec<Entry>, String> {
    if let Some(why) = refuses(ctx, command) {
        return Err(why);
    }
    let mut all = vec![Entry::Command { command: command.clone() }];
    match command {
        Command::Skip { host } if ctx.run.current() != Some(*host) => {
            all.push(Entry::HostEnded { host: *host, end: HostEnd::Skipped { why: "left out by the operator".into() } });
        }
        Command::Skip { host } if is_past_reboot(ctx, *host) && waits_for_mirrors(ctx) && is_before_mirrors(ctx, *host) => {
            let why =
                "given up by the operator after its reboot: before the next host goes its mirrors have to be in step".into();
            all.push(Entry::Stage { host: *host, stage: Stage::Rebuild, why, keeper: None });
        }
        Command::Skip { host } if is_past_reboot(ctx, *host) => {
            let why = "given up by the operator after its reboot; it is live and enabled".into();
            all.push(Entry::HostEnded { host: *host, end: HostEnd::Abandoned { why } });
        }
        Command::Retry => all.extend(again(ctx)),
        Command::Accept { .. } if ctx.run.stuck.is_some() => {
            all.push(Entry::Command { command: Command::Retry });
            all.extend(again(ctx));
        }
        _ => {}
    }
    Ok(all)
}

/// The stage that is stuck is entered anew; a reboot that did not happen goes through its gate again.
fn again(ctx: &Ctx) -> Option<Entry> {
    // That was about the pool: neither this stage nor the mirrors were looked at.
    if ctx.run.stuck.as_ref().is_some_and(|stuck| stuck.why.starts_with(WENT_BACK)) {
        return None;
    }
    let h = ctx.run.current()?;
    let (stage, _) = ctx.host_run(h)?.stage()?;
    let stands = ctx.is_current() && ctx.seen(h).is_some_and(|s| s.live() && !s.enabled()) && !booted_anew(ctx, h);
    let stage = match stage {
        Stage::Reboot if stands || !is_rebooted(ctx, h) => Stage::Gate,
        Stage::Down | Stage::Up if stands => Stage::Gate,
        // Found to be gone already: it is looked at from there.
        stage => stage,
    };
    // Whoever tries again after it could not be told whether mirrors are in step has looked at them.
    let keeper = (stage == Stage::Rebuild).then(|| ctx.keeper().unwrap_or_default());
    Some(Entry::Stage { host: h, stage, why: "tried again".into(), keeper })
}

fn is_before_mirrors(ctx: &Ctx, h: HostAt) -> bool {
    ctx.host_run(h).and_then(crate::rollout::run::HostRun::stage).is_some_and(|(stage, _)| stage < Stage::Rebuild)
}

fn is_past_reboot(ctx: &Ctx, h: HostAt) -> bool {
    is_rebooted(ctx, h)
}

/// Why a command cannot be given now; `None`: it can.
pub fn refuses(ctx: &Ctx, command: &Command) -> Option<String> {
    let run = ctx.run;
    let ended = run.result.is_some();
    if ended && !matches!(command, Command::Restore) {
        return Some("the run is over".into());
    }
    let ending = run.phase.0 >= Phase::Home || run.wish == Wish::Abort;
    match command {
        Command::Pause => match run.wish {
            Wish::Pause => Some("it is paused already".into()),
            Wish::Abort => Some("it is being ended: that is not interrupted".into()),
            _ if run.phase.0 >= Phase::Release => Some("it is about to be over".into()),
            _ => None,
        },
        Command::Resume => match run.wish {
            Wish::Pause | Wish::StopAfterHost => None,
            Wish::Run => Some("it is not paused".into()),
            Wish::Abort => Some("it is being ended, and cannot go on".into()),
        },
        Command::StopAfterHost if ending => Some("no further host will be begun anyway".into()),
        Command::StopAfterHost if run.wish == Wish::StopAfterHost => Some("it stops after this host already".into()),
        Command::Skip { host } => skip(ctx, *host),
        Command::Retry if run.stuck.is_none() => Some("it is not stopped: it goes on, or waits, by itself".into()),
        Command::Abort if run.wish == Wish::Abort => Some("it is being ended already".into()),
        Command::Abort if run.phase.0 >= Phase::Restore => Some("it is putting things back already".into()),
        Command::StopAfterHost | Command::Retry | Command::Abort => None,
        Command::Restore => restore(ctx, ended),
        Command::Accept { code, reason, .. } => accept(ctx, code, reason),
    }
}

fn restore(ctx: &Ctx, ended: bool) -> Option<String> {
    if ctx.run.left.is_empty() {
        return Some("everything is as it was found".into());
    }
    if ended || ctx.run.phase.0 == Phase::Restore {
        return None;
    }
    Some("the run still goes on and puts back what it changed at its end: abort it to have that now".into())
}

fn skip(ctx: &Ctx, h: HostAt) -> Option<String> {
    let Some(host) = ctx.host_run(h) else { return Some("there is no such host in this run".into()) };
    let name = ctx.name(h);
    if host.end.is_some() {
        return Some(format!("{name} is done with already"));
    }
    if ctx.run.phase.0 > Phase::Hosts {
        return Some("the hosts are done with".into());
    }
    if ctx.run.current() != Some(h) {
        return None;
    }
    let stuck = ctx.run.stuck.as_ref().is_some_and(|s| s.host.is_none_or(|at| at == h));
    if !stuck {
        return Some(format!("{name} is being worked on: it can only be given up once it is stuck; abort ends the run"));
    }
    if !is_rebooted(ctx, h) {
        return None;
    }
    if !ctx.is_current() {
        return Some(format!("the pool is not seen now: {name} is not given up half-way"));
    }
    let up = ctx.seen(h).is_some_and(|s| s.live() && (s.enabled() || host.before.as_ref().is_some_and(|b| !b.enabled)));
    if !up {
        return Some(format!("{name} was told to reboot and is not back and enabled: giving it up now would leave it half-way"));
    }
    let missing = safe::unplugged(ctx, h);
    if let Some(sr) = missing.first() {
        return Some(format!("{name} has not plugged {sr} again: plug it, or forget it, first"));
    }
    if host.stage().is_some_and(|(stage, _)| stage == Stage::Rebuild) && waits_for_mirrors(ctx) {
        return Some(format!(
            "the mirrors of {name} may not be in step, and the next host would go: retry once they are, or abort"
        ));
    }
    None
}

fn accept(ctx: &Ctx, code: &str, reason: &str) -> Option<String> {
    if code.trim().is_empty() {
        return Some("say which finding is accepted: its code".into());
    }
    if reason.trim().is_empty() {
        return Some("say why it is accepted: the reason goes into the journal".into());
    }
    let hosts = ctx.picture().hosts().filter_map(Sight::gate).flat_map(|gate| &gate.reasons);
    let hard = hosts.chain(&ctx.picture().verdict().reasons).any(|r| r.code == code && r.severity == Severity::Hard);
    if hard {
        return Some(format!("{code} is a hard reason: it cannot be accepted, only mended"));
    }
    if claim::is_theirs(ctx) && code == claim::CLAIM_DEAD {
        return Some("the pool is somebody else's now: that cannot be accepted while it runs".into());
    }
    None
}
