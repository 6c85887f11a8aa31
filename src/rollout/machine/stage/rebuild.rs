//! Rebuild: mirrors are in step, and nothing was rebuilt for a whole settle window (I2). A rebuild may begin late: silence counts only
//! once it has lasted.
//!
//! The window is measured from the last entry of this stage: every rebuild that was seen and is over enters it anew.

use crate::pool::glance::Sight;
use crate::pool::limits::{LOST_LINK, SETTLE};
use crate::pool::picture::Stage as Doing;
use crate::rollout::entry::HostAt;
use crate::rollout::machine::ctx::{AGAIN, Ctx, Do};
use crate::rollout::machine::hosts::go_on;
use crate::rollout::machine::{Action, Guard, safe};
use crate::rollout::plan::Stage;
use crate::time::Time;
use std::time::Duration;

/// Reasons of the gate that tell of mirrors that are not in step.
const REBUILDING: [&str; 6] =
    ["rebuild", "storage-rebuild", "mirrors-degraded", "storage-node-offline", "rebuild-unseen", "rebuild-failed"];
/// Reasons of the gate that tell of its own settle window.
const SETTLING: [&str; 2] = ["rebuild-settling", "host-settling"];
/// What is said as long as one is seen: by this the fold knows that one was.
const SEEN: &str = "mirrors are being rebuilt";

/// The one among them that says that a rebuild went out of sight.
const UNSEEN: &str = "(rebuild-unseen)";

/// Why the stage is entered anew when the rebuild goes out of sight, and when the host drops out again: by this the journal keeps what a person
/// has to look at before the next host goes.
const OUT_OF_SIGHT: &str = "their rebuild went out of sight before it ended";
const AWAY_AGAIN: &str = "it was away again after its reboot, and nothing shows what was copied since";
const OTHERS_AWAY: &str =
    "another host was away after its reboot, so that nothing could be copied, and nothing shows what was copied since";
const OUT_OF_REACH: &str = "the coordinator was out of reach after its reboot, and nothing shows what was copied since";
/// All of these.
const UNTOLD: [&str; 4] = [OUT_OF_SIGHT, AWAY_AGAIN, OTHERS_AWAY, OUT_OF_REACH];
/// Why silence says nothing after the coordinator's toolstack started again, whether or not we looked when it did.
const FORGOTTEN: &str = "the coordinator's toolstack has started again since it came back, which forgets a rebuild that goes on";

/// Nobody but a person can tell whether mirrors are in step.
fn untold(h: HostAt, name: &str, why: &str) -> Do {
    Ctx::stuck(
        Some(h),
        format!("it cannot be told whether the mirrors of {name} are in step: {why}."),
        "Look at the mirrors on a host (linstor resource list, drbdadm status). Retry once they are in step; or abort.".into(),
    )
}

/// Whether a host is away. Not to be heard yet, after a new start of the program, is not to be away.
fn is_away(host: Sight) -> bool {
    matches!(host.stage(), Doing::Silent | Doing::Down | Doing::GoingDown)
}

/// Whether a host came back since this one last went into `stage`, and since its mirrors were last known to be in step.
fn returned(ctx: &Ctx, h: HostAt, stage: Stage, which: impl Fn(Sight) -> bool) -> bool {
    let Some(run) = ctx.host_run(h) else { return false };
    let since = run.entered_last(stage).max(run.in_step);
    ctx.picture().hosts().any(|o| which(o) && o.returned() > since)
}

/// While the pool is not seen. After a moment the coordinator counts as away: as with any other host, what was copied meanwhile shows nowhere.
pub fn unseen(ctx: &Ctx, h: HostAt) -> Do {
    let mut all = ctx.unseen(Some(h));
    let why = ctx.host_run(h).map_or("", |run| run.why.as_str());
    if ctx.view.pool.tells_what_is_in_step() || UNTOLD.contains(&why) || !ctx.guards(Guard::Mirrors) {
        return all;
    }
    let due = ctx.picture().heard().unwrap_or(ctx.run.started).max(ctx.run.started) + LOST_LINK;
    if ctx.now() >= due {
        return Ctx::enter(h, Stage::Rebuild, OUT_OF_REACH);
    }
    all.push(Action::Wake(due));
    all
}

/// What to do in this stage.
pub fn step(ctx: &Ctx, h: HostAt) -> Do {
    let name = ctx.name(h);
    let Some((_, since)) = ctx.host_run(h).and_then(crate::rollout::run::HostRun::stage) else { return Do::new() };
    if !ctx.guards(Guard::Mirrors) {
        return go_on(ctx, h, Stage::Rebuild);
    }
    // Whether nothing but tasks tells of mirrors here.
    let by_tasks = !ctx.view.pool.tells_what_is_in_step();
    let why = ctx.host_run(h).map_or("", |run| run.why.as_str());
    let picture = ctx.picture();
    let reasons = &picture.verdict().reasons;
    if let Some(reason) = reasons.iter().find(|r| REBUILDING.contains(&r.code)) {
        if by_tasks && format!("({})", reason.code) == UNSEEN && why != OUT_OF_SIGHT {
            return Ctx::enter(h, Stage::Rebuild, OUT_OF_SIGHT);
        }
        let text = format!("{SEEN} ({}); waits until {}", reason.code, reason.opens_when);
        return ctx.wait(Some(h), text, Some(ctx.now() + AGAIN));
    }
    if ctx.run.waiting.starts_with(SEEN) && ctx.run.waiting_at == Some(h) {
        // It went out of sight, nothing else tells of mirrors here, and only time has passed since: that is no end (I6).
        if ctx.run.waiting.contains(UNSEEN) && by_tasks {
            return untold(h, &name, OUT_OF_SIGHT);
        }
        let why = "no rebuild is seen any more: it has to stay quiet for the settle window";
        return ctx.enter_kept(h, Stage::Rebuild, why);
    }
    if let Err(ill) = safe::is_well(ctx, h) {
        if ctx.seen(h).is_some_and(is_away) && by_tasks && why != AWAY_AGAIN {
            return Ctx::enter(h, Stage::Rebuild, AWAY_AGAIN);
        }
        return ctx.wait(Some(h), format!("waits until {name} is well: {ill}"), Some(ctx.now() + AGAIN));
    }
    // What it lacks comes from the others: when one of them is away, or was, silence is no sign that it lacks nothing.
    let away = picture.hosts().find(|o| *o.r#ref != ctx.r(h) && is_away(*o));
    if by_tasks && !UNTOLD.contains(&why) {
        if returned(ctx, h, Stage::Storage, |o| *o.r#ref == ctx.r(h)) {
            return Ctx::enter(h, Stage::Rebuild, AWAY_AGAIN);
        }
        if away.is_some() || returned(ctx, h, Stage::Up, |o| *o.r#ref != ctx.r(h)) {
            return Ctx::enter(h, Stage::Rebuild, OTHERS_AWAY);
        }
    }
    if by_tasks && let Some(other) = away {
        let text = format!("waits until {} is heard again: the mirrors of {name} cannot be in step without it", other.name);
        return ctx.wait(Some(h), text, Some(ctx.now() + AGAIN));
    }
    // It is back without a plug that would set off what shows a rebuild, or only time has passed: silence says nothing.
    if UNTOLD.contains(&why) {
        return untold(h, &name, why);
    }
    if by_tasks && ctx.is_kept_anew(h) {
        return untold(h, &name, FORGOTTEN);
    }
    let window = Duration::from_secs(ctx.run.plan.options.settle_s.max(SETTLE.as_secs()));
    // What happened while we did not look is not known: silence counts from where we look again.
    let ended = picture.rebuilds().iter().filter_map(|r| r.ended).max().unwrap_or(Time::EPOCH);
    let quiet = since.max(ended).max(ctx.run.fresh).max(picture.link_since());
    let due = quiet + window;
    if !ctx.guards(Guard::Settle) {
        return go_on(ctx, h, Stage::Rebuild);
    }
    if ctx.now() < due {
        let length = crate::text::duration(window);
        return ctx.wait(
            Some(h),
            format!("{name} is back: no rebuild may be seen for {length} before the next host goes"),
            Some(due),
        );
    }
    if let Some(reason) = reasons.iter().find(|r| SETTLING.contains(&r.code)) {
        let again = reason.until.unwrap_or(ctx.now() + AGAIN);
        return ctx.wait(Some(h), format!("{name} is back: the pool settles ({})", reason.code), Some(again));
    }
    go_on(ctx, h, Stage::Rebuild)
}
