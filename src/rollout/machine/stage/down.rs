//! Down: from the accepted reboot until the host is seen to go. A reboot that was told and not answered is watched for here.

use super::fresh_state;
use super::reboot::gone;
use super::up::booted_anew;
use crate::pool::glance::Sight;
use crate::pool::picture::Stage as Doing;
use crate::rollout::call::{Call, Outcome};
use crate::rollout::entry::HostAt;
use crate::rollout::machine::ctx::{Ctx, Do, VERY_UNSURE};
use crate::rollout::machine::hosts::go_on;
use crate::rollout::plan::Stage;
use crate::xenapi::record::{Host, HostOperation};

/// How often a reboot that was not answered, and was seen to have done nothing, is told again before the operator is asked.
const ROUNDS: usize = 6;

/// What to do in this stage.
pub fn step(ctx: &Ctx, h: HostAt) -> Do {
    let name = ctx.name(h);
    if booted_anew(ctx, h) || gone(ctx, h) {
        return go_on(ctx, h, Stage::Down);
    }
    if !ctx.is_current() {
        return ctx.unseen(Some(h));
    }
    if let Some(instead) = unanswered(ctx, h) {
        return instead;
    }
    let doing = ctx.seen(h).map(Sight::stage).unwrap_or_default();
    let text = match doing {
        Doing::GoingDown => format!("{name} is shutting down"),
        _ => format!("{name} was told to reboot and is not down yet"),
    };
    ctx.wait(Some(h), text, None)
}

/// The call was not answered, and nothing shows that it took effect.
pub fn unanswered(ctx: &Ctx, h: HostAt) -> Option<Do> {
    let run = ctx.host_run(h)?;
    let tries = ctx.tries(run.mark_of(Stage::Gate)?, |c| c.host == Some(h) && matches!(c.call, Call::Reboot { .. }));
    let (_, call) = tries.last?;
    let (outcome, at) = call.outcome.as_ref()?;
    let nothing = match outcome {
        Outcome::Done { .. } => return None,
        Outcome::Unanswered { .. } => false,
        // Refused after all, by a task that had been taken on.
        Outcome::Failed { .. } | Outcome::NotSent { .. } => true,
    };
    if !nothing && ctx.now() < *at + VERY_UNSURE {
        let text = format!("{}: the call to reboot was not answered; watches whether it goes down", ctx.name(h));
        return Some(ctx.wait(Some(h), text, Some(*at + VERY_UNSURE)));
    }
    if run.rounds(Stage::Gate) >= ROUNDS || ctx.seen(h)?.stage() == Doing::GoingDown {
        return None;
    }
    let state = match fresh_state(ctx, h, *at) {
        Ok(state) => state,
        Err(instead) => return Some(instead),
    };
    let host = state.hosts.get(&ctx.r(h))?;
    let live = state.metrics.get(&host.metrics).is_some_and(|m| m.live);
    let busy = host.current_operations.values().any(|op| matches!(op, HostOperation::Reboot | HostOperation::Shutdown));
    // By a database that went back since, every host has booted when it had then, until its own toolstack starts again and tells.
    let anew = ctx.run.database_checked.is_none_or(|until| until < call.at || host.agent_start_time() > Some(call.at));
    let same = anew && run.before.as_ref().is_some_and(|b| b.booted == host.boot_time() && b.booted.is_some());
    // Started in the meantime by its name: the answer was lost, the task was not.
    let task = state.tasks.values().any(|t| t.status.is_running() && t.name_label.contains("host.reboot"));
    (live && !busy && same && !task && is_up(host)).then(|| {
        let why = "the call to reboot had no effect: it is up as before; it goes through its gate again";
        Ctx::enter(h, Stage::Gate, why)
    })
}

const fn is_up(host: &Host) -> bool {
    !host.enabled
}
