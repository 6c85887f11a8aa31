//! Disable: the host takes no new guests.

use super::sure;
use crate::rollout::call::Call;
use crate::rollout::entry::{Entry, HostAt, Item};
use crate::rollout::machine::ctx::{Ctx, Do, Next};
use crate::rollout::machine::hosts::go_on;
use crate::rollout::machine::safe::{self, Passes};
use crate::rollout::plan::Stage;

/// What to do in this stage.
pub fn step(ctx: &Ctx, h: HostAt) -> Do {
    let Some(host) = ctx.host(h) else { return Do::new() };
    let was = ctx.host_run(h).and_then(|r| r.before.as_ref()).is_some_and(|b| b.enabled);
    let item = Item::Host { host: host.uuid.to_string() };
    if host.enabled && was && !ctx.run.left.contains_key(&item) {
        let why = format!("{} is disabled for its turn", ctx.name(h));
        return Ctx::write(Entry::Left { item, why });
    }
    // From here on this host is out of use: the pool has to be as it was when it settled, by a reading made for this.
    let to_make = matches!(ctx.next(&ctx.stage_tries(h, |c| matches!(c, Call::Disable { .. }))), Next::Make);
    // And as its gate says: a host that died a moment ago is still called live by xapi.
    if host.enabled
        && to_make
        && let Some(seen) = ctx.seen(h)
        && !matches!(safe::gate(ctx, seen), Passes::Yes)
    {
        return Ctx::enter(h, Stage::Settle, "the pool is not well and quiet any more");
    }
    if host.enabled
        && to_make
        && let Err(instead) = sure(ctx, h, true)
    {
        return instead;
    }
    let call = Call::Disable { host: ctx.r(h) };
    ctx.until(h, !host.enabled, "is disabled", call, |c| matches!(c, Call::Disable { .. }))
        .unwrap_or_else(|| go_on(ctx, h, Stage::Disable))
}
