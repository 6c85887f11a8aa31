//! `VM.*`.

use super::super::Core;
use super::super::jobs::Job;
use super::super::state::Power;
use super::{Answered, DONE, answer};
use crate::sim::api::Failure;
use crate::sim::front::{Args, Ctx, Outcome};
use crate::sim::value::Value;
use crate::xenapi::record::Ref;

impl Core {
    /// `None`: the front's generic call shall do it.
    pub(super) fn vm_call(&mut self, ctx: &Ctx, name: &str, args: Args) -> Option<Answered> {
        let guest = match self.arg_guest(args, 0) {
            Ok(guest) => guest,
            Err(failure) => return Some(Err(failure)),
        };
        let later = |begun: Result<u64, Failure>| begun.map(|_| Outcome::Later(ctx.job));
        let here = self.guests.get(guest).and_then(|g| g.on);
        Some(match name {
            "start" => later(self.begin_start(guest, None, Some(Job::call(ctx)))),
            "start_on" => self.arg_host(args, 1).and_then(|h| later(self.begin_start(guest, Some(h), Some(Job::call(ctx))))),
            "clean_shutdown" | "shutdown" | "hard_shutdown" => {
                let clean = name != "hard_shutdown";
                let reach = here.map_or(Ok(()), |h| self.reach(h));
                reach.and_then(|()| later(self.begin_stop(guest, clean, Some(Job::call(ctx)))))
            }
            "pause" | "unpause" => {
                here.map_or(Ok(()), |h| self.reach(h)).and_then(|()| self.pause(guest, name == "pause")).and(DONE)
            }
            "pool_migrate" => self.arg_host(args, 1).and_then(|to| {
                let options = args.map(2)?;
                if here == Some(to) {
                    return DONE;
                }
                let over = options.get("network").copied().unwrap_or_default();
                self.receives_over(to, &Ref::from(over))?;
                later(self.begin_move(guest, to, Some(Job::call(ctx)), None))
            }),
            "get_possible_hosts" => {
                let hosts = (0..self.hosts.len()).filter(|h| self.cannot_run(guest, *h, 0).is_none());
                let refs: Vec<Value> = hosts.filter_map(|h| Some(Value::from(&self.hosts.get(h)?.r))).collect();
                answer(Value::Set(refs))
            }
            "assert_can_boot_here" => self.arg_host(args, 1).and_then(|h| self.cannot_run(guest, h, 0).map_or(DONE, Err)),
            "assert_agile" => self.blocker(guest).map_or(DONE, Err),
            "set_ha_restart_priority" => args.text(1).and_then(|priority| {
                if !["", "best-effort", "restart"].contains(&priority) {
                    return Err(Failure::new("INVALID_VALUE", ["ha_restart_priority", priority]));
                }
                if let Some(g) = self.guests.get_mut(guest) {
                    priority.clone_into(&mut g.ha);
                }
                let r = self.guests.get(guest).map(|g| g.r.clone()).unwrap_or_default();
                self.set(&r, "ha_restart_priority", priority);
                DONE
            }),
            "power_state_reset" => self.power_state_reset(guest),
            _ => return None,
        })
    }

    /// The operator swears that a guest does not run any more.
    fn power_state_reset(&mut self, guest: usize) -> Answered {
        let Some(g) = self.guests.get_mut(guest) else { return DONE };
        let on = g.on.take();
        g.gone = false;
        g.power = Power::Halted;
        g.busy = None;
        g.moving = None;
        self.guest_writes(guest, false);
        self.publish_guest(guest);
        if let Some(host) = on {
            self.publish_residents(host);
        }
        DONE
    }
}
