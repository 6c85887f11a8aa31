//! Enable: the host takes guests again, or is as disabled as it was found. xapi enables by itself when its storage is plugged; it is
//! helped only if it does not.

use super::settled_state;
use crate::rollout::call::Call;
use crate::rollout::entry::{HostAt, Item};
use crate::rollout::machine::ctx::{AGAIN, Ctx, Do};
use crate::rollout::machine::hosts::{go_on, is_rebooted};
use crate::rollout::plan::Stage;
use std::time::Duration;

/// For this long after its reboot it is waited that xapi enables it.
const BY_ITSELF: Duration = Duration::from_secs(30);

/// What to do in this stage.
pub fn step(ctx: &Ctx, h: HostAt) -> Do {
    let (Some(host), Some(run)) = (ctx.host(h), ctx.host_run(h)) else { return Do::new() };
    let name = ctx.name(h);
    let want = run.before.as_ref().is_none_or(|b| b.enabled);
    let item = Item::Host { host: host.uuid.to_string() };
    let due = run.entered().unwrap_or(ctx.now()) + BY_ITSELF;
    if want && !host.enabled && is_rebooted(ctx, h) && ctx.now() < due {
        return ctx.wait(Some(h), format!("{name}: waits until it is enabled"), Some(due));
    }
    let r = ctx.r(h);
    let instead = if want {
        ctx.until(h, host.enabled, "is enabled", Call::Enable { host: r }, |c| matches!(c, Call::Enable { .. }))
    } else {
        let what = "is disabled again, as it was found";
        ctx.until(h, !host.enabled, what, Call::Disable { host: r }, |c| matches!(c, Call::Disable { .. }))
    };
    if let Some(instead) = instead {
        return instead;
    }
    if ctx.run.left.contains_key(&item) {
        // That it is enabled may be how it was before our own call took effect: it counts by what is read after that.
        let about = |c: &Call| matches!(c, Call::Disable { host } | Call::Enable { host } if *host == ctx.r(h));
        return match settled_state(ctx, h, about) {
            Err(instead) => instead,
            Ok(Some(state)) if state.hosts.get(&ctx.r(h)).is_some_and(|host| host.enabled != want) => {
                ctx.wait(Some(h), format!("{name}: waits until it is seen to be enabled"), Some(ctx.now() + AGAIN))
            }
            Ok(_) => Ctx::put_back(&item, format!("{name} is enabled")),
        };
    }
    go_on(ctx, h, Stage::Enable)
}
