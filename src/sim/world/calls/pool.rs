//! `pool.*`.

use super::super::Core;
use super::super::jobs::{Job, Kind};
use super::{Answered, DONE, answer};
use crate::sim::api::Failure;
use crate::sim::front::{Args, Ctx, Outcome};
use crate::sim::value::Value;
use std::collections::BTreeMap;
use std::time::Duration;

impl Core {
    /// `None`: the front's generic call shall do it.
    pub(super) fn pool_call(&mut self, ctx: &Ctx, name: &str, args: Args) -> Option<Answered> {
        Some(match name {
            "enable_ha" => self.call_enable_ha(args),
            "disable_ha" => self.disable_ha().and(DONE),
            "designate_new_master" => self.designate(ctx, args),
            "emergency_transition_to_master" => self.transition(ctx),
            "recover_slaves" => {
                let back = self.hosts.iter().enumerate().filter(|(at, h)| *at != self.coordinator && h.reachable());
                answer(back.map(|(_, h)| Value::from(&h.r)).collect::<Vec<_>>())
            }
            "sync_database" => DONE,
            "sync_updates" => self.sync_updates(ctx, args),
            "check_update_readiness" => self.check_update_readiness(args),
            "has_extension" => answer(false),
            "join" | "join_force" => self.call_join(ctx, args),
            "eject" => self.call_eject(ctx, args),
            "set_ha_host_failures_to_tolerate" => args.handle(0, &self.db, "pool").and_then(|r| {
                let wanted = args.int(1)?;
                if wanted < 0 {
                    return Err(Failure::new("INVALID_VALUE", ["ha_host_failures_to_tolerate", &wanted.to_string()]));
                }
                if wanted > self.tolerable(None) {
                    return Err(Failure::bare("HA_NO_PLAN"));
                }
                self.ha.tolerates = wanted;
                self.set(&r, "ha_host_failures_to_tolerate", wanted);
                self.publish_ha();
                DONE
            }),
            "ha_compute_max_host_failures_to_tolerate" => answer(self.tolerable(None)),
            _ => return None,
        })
    }

    /// Host failures that the enabled hosts, but for one, can make up for: some are left, and what is left has the memory for every
    /// protected guest.
    pub(in super::super) fn tolerable(&self, without: Option<usize>) -> i64 {
        let well = |(at, h): &(usize, &super::super::state::Host)| Some(*at) != without && h.member() && h.live && h.enabled;
        let mut room: Vec<u64> =
            self.hosts.iter().enumerate().filter(well).map(|(_, h)| h.memory.saturating_sub(h.overhead)).collect();
        room.sort_unstable();
        let needed: u64 = self.guests.iter().filter(|g| g.is_active() && g.ha == "restart").map(|g| g.memory).sum();
        // The largest fail first.
        let mut failures = 0;
        while room.len() > 1 && room.iter().rev().skip(1).sum::<u64>() >= needed {
            room.pop();
            failures += 1;
        }
        failures
    }

    fn call_enable_ha(&mut self, args: Args) -> Answered {
        if self.rolling_upgrade() {
            return Err(Failure::bare("NOT_SUPPORTED_DURING_UPGRADE"));
        }
        if args.has(2) && !self.designed() {
            return Err(Failure::new("MESSAGE_PARAMETER_COUNT_MISMATCH", ["pool.enable_ha", "2", "3"]));
        }
        let stack = self.choose_stack(if args.has(2) { args.text(2)? } else { "" })?;
        let srs = args.texts(0)?;
        let configuration = args.map(1)?;
        let timeout = match configuration.get("timeout") {
            Some(text) => text.parse::<u32>().map_err(|_| Failure::new("INVALID_VALUE", ["timeout", text]))?,
            None => 60,
        };
        let store = if let Some(sr) = srs.first() {
            let named = self.stores.iter().position(|s| s.r.as_str() == *sr);
            named.ok_or_else(|| Failure::new("HANDLE_INVALID", ["SR", sr]))?
        } else {
            let suited = self.statefile_store(&stack);
            suited.ok_or_else(|| Failure::bare("CANNOT_CREATE_STATE_FILE"))?
        };
        let mut kept: BTreeMap<String, String> = configuration.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        kept.insert("timeout".into(), timeout.to_string());
        self.enable_ha(store, Duration::from_secs(u64::from(timeout.max(1))), kept, &stack)?;
        DONE
    }

    fn designate(&mut self, ctx: &Ctx, args: Args) -> Answered {
        let host = self.arg_host(args, 0)?;
        self.reach(host)?;
        if host == self.coordinator {
            return DONE;
        }
        self.start_job(Job::call(ctx), Kind::Designate { host }, Duration::from_secs(2));
        Ok(Outcome::Later(ctx.job))
    }

    /// Called at a member that is to take over. Its database is taken as up to date.
    fn transition(&mut self, ctx: &Ctx) -> Answered {
        if self.ha.on {
            return Err(Failure::bare("HA_IS_ENABLED"));
        }
        let host = ctx.host.0;
        if host == self.coordinator {
            return DONE;
        }
        self.hand_over(host);
        DONE
    }

    fn check_update_readiness(&mut self, args: Args) -> Answered {
        args.handle(0, &self.db, "pool")?;
        let reboots = args.boolean(1)?;
        let mut errors: Vec<Failure> = Vec::new();
        if self.ha.on {
            errors.push(Failure::bare("HA_IS_ENABLED"));
        }
        errors.extend(self.hosts.iter().filter(|h| h.member() && !h.live).map(|h| Failure::new("HOST_OFFLINE", [h.r.as_str()])));
        if reboots {
            for host in (0..self.hosts.len()).filter(|h| self.is_member(*h)) {
                errors.extend(self.evacuation_blockers(host).into_iter().map(|(_, f)| f));
            }
        }
        let one = |f: Failure| Value::from(std::iter::once(f.code).chain(f.params).collect::<Vec<_>>());
        answer(Value::Set(errors.into_iter().map(one).collect()))
    }

    /// `pool.designate_new_master` has done its work: both hosts' xapis restart in their new roles.
    pub(in super::super) fn hand_over(&mut self, to: usize) {
        let old = self.coordinator;
        self.restart_toolstack(old);
        self.coordinator = to;
        self.restart_toolstack(to);
    }
}
