//! `host.*`.

use super::super::Core;
use super::super::jobs::{Job, Kind};
use super::super::ops::HostOp;
use super::super::state::{Host, Stage};
use super::{Answered, DONE, answer};
use crate::sim::api::Failure;
use crate::sim::front::{Args, Ctx, Outcome};
use crate::sim::value::Value;
use crate::xenapi::record::Ref;
use std::time::Duration;

/// How often `host.reboot` and `shutdown` try again while another operation is in the way, and for how long in all.
const RETRY: Duration = Duration::from_secs(10);
const RETRIES: u32 = 720;
/// Between a call's being accepted and its return.
const RETURN: Duration = Duration::from_millis(50);

impl Core {
    /// `None`: the front's generic call shall do it.
    pub(super) fn host_call(&mut self, ctx: &Ctx, name: &str, args: Args) -> Option<Answered> {
        if name == "is_in_emergency_mode" {
            let emergency = self.hosts.get(ctx.host.0).is_none_or(|h| h.stage <= Stage::Answering);
            return Some(answer(emergency));
        }
        let host = match self.arg_host(args, 0) {
            Ok(host) => host,
            Err(failure) => return Some(Err(failure)),
        };
        Some(match name {
            "disable" => self.disable(host, args),
            "enable" => self.enable(host),
            "evacuate" => self.evacuate(ctx, host, args),
            "reboot" | "shutdown" => {
                self.try_leave(Job::call(ctx), host, name == "reboot", 0);
                Ok(Outcome::Later(ctx.job))
            }
            "power_on" => self.power_on(ctx, host),
            "restart_agent" => self.restart_agent(ctx, host),
            "apply_updates" => self.apply_updates(ctx, host, args),
            "declare_dead" => self.declare_dead_by_hand(host),
            "get_vms_which_prevent_evacuation" => self.reach(host).map(|()| Outcome::Done(Ok(self.blockers(host)))),
            "get_uncooperative_resident_VMs" => answer(Value::Set(Vec::new())),
            "assert_can_evacuate" => self.assert_can_evacuate(host),
            "compute_free_memory" => {
                let free = self.free_memory(host);
                self.reach(host).and_then(|()| answer(i64::try_from(free).unwrap_or(i64::MAX)))
            }
            "compute_memory_overhead" => {
                let overhead = self.hosts.get(host).map_or(0, |h| h.overhead);
                answer(i64::try_from(overhead).unwrap_or(i64::MAX))
            }
            "get_servertime" | "get_server_localtime" => {
                let skew = self.hosts.get(host).map_or(0, |h| h.clock_ms);
                let time = crate::time::Time::from_millis(self.now.as_millis().saturating_add(skew));
                self.reach(host).and_then(|()| answer(time))
            }
            "get_system_status_capabilities" => self.reach(host).and_then(|()| answer(Self::status_capabilities())),
            "call_plugin" => self.call_plugin(ctx, host, args),
            "has_extension" => answer(false),
            "call_extension" => args.text(1).and_then(|name| Err(Failure::new("MESSAGE_METHOD_UNKNOWN", [name]))),
            "set_power_on_mode" => self.set_power_on_mode(host, args),
            "set_multipathing" => self.set_host_field(host, "multipathing", args.boolean(1).map(Value::Bool)),
            "set_iscsi_iqn" => self.set_host_field(host, "iscsi_iqn", args.text(1).map(Value::from)),
            "prepare_for_maintenance" if self.designed() => self.call_maintain(ctx, host),
            "get_management_interface" => {
                let r = self.hosts.get(host).map(|h| h.r.clone()).unwrap_or_default();
                let pifs = self.db.refs(&r, "PIFs");
                answer(pifs.into_iter().find(|p| self.db.boolean(p, "management")).unwrap_or_default())
            }
            "query_data_source" => self.query_data_source(host, args),
            _ => return None,
        })
    }

    fn disable(&mut self, host: usize, args: Args) -> Answered {
        let auto_enable = if args.has(1) { args.boolean(1)? } else { true };
        self.reach(host)?;
        let enabled = self.hosts.get(host).is_some_and(|h| h.enabled);
        let others = self.hosts.iter().enumerate().filter(|(at, h)| *at != host && h.enabled && h.live).count();
        if self.ha.on && enabled && (others == 0 || self.tolerable(Some(host)) < self.ha.tolerates) {
            return Err(Failure::bare("HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN"));
        }
        self.take_out(host)?;
        if let Some(h) = self.hosts.get_mut(host) {
            h.auto_enable = auto_enable;
        }
        DONE
    }

    fn enable(&mut self, host: usize) -> Answered {
        self.reach(host)?;
        let Some(h) = self.hosts.get_mut(host) else { return DONE };
        if h.stage < Stage::Up {
            return Err(Failure::bare("HOST_STILL_BOOTING"));
        }
        if !h.pending.is_empty() {
            return Err(Failure::new("HOST_PENDING_MANDATORY_GUIDANCE_NOT_EMPTY", [h.r.as_str()]));
        }
        if h.leaving.is_some() {
            return Err(Failure::new("HOST_DISABLED_UNTIL_REBOOT", [h.r.as_str()]));
        }
        h.auto_enable = true;
        self.put_back(host);
        DONE
    }

    fn evacuate(&mut self, ctx: &Ctx, host: usize, args: Args) -> Answered {
        let batch = if args.has(2) { args.int(2)? } else { 0 };
        let network = if args.has(1) { args.reference(1)? } else { Ref::default() };
        self.reach(host)?;
        for to in (0..self.hosts.len()).filter(|to| *to != host && self.hosts.get(*to).is_some_and(|h| h.enabled)) {
            self.receives_over(to, &network)?;
        }
        match self.begin_evacuate(host, usize::try_from(batch).unwrap_or(0), Job::call(ctx)) {
            Ok(_) => Ok(Outcome::Later(ctx.job)),
            Err((_, failure)) => Err(failure),
        }
    }

    /// `host.reboot` or `shutdown`: accepted, refused, or tried again later because something is in the way.
    pub(in super::super) fn try_leave(&mut self, job: Job, host: usize, boots_again: bool, tries: u32) {
        let op = if boots_again { HostOp::Reboot } else { HostOp::Shutdown };
        let refused = self.check_host_op(host, op).and_then(|()| self.reach(host));
        match refused {
            Err(failure) if failure.code == "OTHER_OPERATION_IN_PROGRESS" && tries < RETRIES => {
                self.start_job(job, Kind::Leave { host, boots_again, tries: tries + 1 }, RETRY);
            }
            Err(failure) => self.finish(job, Err(failure)),
            Ok(()) => {
                let task = self.job_task(Some(&job), "host.reboot", Some(host));
                let method = if boots_again { "host.reboot" } else { "host.shutdown" };
                let r = self.hosts.get(host).map(|h| h.r.clone()).unwrap_or_default();
                self.note(method, r, Some(host), job.session.as_ref());
                self.begin_host_op(host, &task, op);
                self.start_job(job, Kind::Accepted { host, boots_again, task }, RETURN);
            }
        }
    }

    fn power_on(&mut self, ctx: &Ctx, host: usize) -> Answered {
        self.check_host_op(host, HostOp::PowerOn)?;
        self.power_up(host);
        self.after(ctx, Duration::from_secs(3), Ok(Value::Void))
    }

    fn restart_agent(&mut self, ctx: &Ctx, host: usize) -> Answered {
        self.reach(host)?;
        self.start_job(Job::call(ctx), Kind::RestartAgent { host }, Duration::from_millis(200));
        Ok(Outcome::Later(ctx.job))
    }

    /// `host.declare_dead`: the operator swears that it is off.
    fn declare_dead_by_hand(&mut self, host: usize) -> Answered {
        let Some(h) = self.hosts.get(host) else { return DONE };
        if h.stage != Stage::Off && h.cut.is_none() {
            return Err(Failure::new("HOST_IS_LIVE", [h.r.as_str()]));
        }
        self.declare_dead(host);
        DONE
    }

    fn blockers(&self, host: usize) -> Value {
        let blockers = self.evacuation_blockers(host).into_iter().filter_map(|(guest, failure)| {
            let r = &self.guests.get(guest)?.r;
            let mut why = vec![failure.code];
            why.extend(failure.params);
            Some((r.as_str().into(), Value::from(why)))
        });
        Value::Map(blockers.collect())
    }

    fn assert_can_evacuate(&self, host: usize) -> Answered {
        self.reach(host)?;
        let blockers = self.evacuation_blockers(host);
        if blockers.is_empty() {
            return DONE;
        }
        let one = |f: Failure| std::iter::once(f.code).chain(f.params).collect::<Vec<_>>().join(",");
        let all = blockers.into_iter().map(|(_, f)| one(f)).collect::<Vec<_>>().join("|");
        Err(Failure::new("CANNOT_EVACUATE_HOST", [all]))
    }

    /// The plugins that there are: XCP-ng's updater, and poolwatch's probe where a scenario has it.
    fn call_plugin(&mut self, ctx: &Ctx, host: usize, args: Args) -> Answered {
        let (plugin, function, given) = (args.text(1)?, args.text(2)?, args.map(3)?);
        self.reach(host)?;
        if plugin == "updater.py" && self.is_xcp_ng() {
            return self.updater(ctx, host, function, &given);
        }
        if plugin == "poolwatch" && self.probe {
            return self.plugin_probe(host, function).and_then(answer);
        }
        Err(Failure::new("XENAPI_MISSING_PLUGIN", [plugin]))
    }

    fn set_power_on_mode(&mut self, host: usize, args: Args) -> Answered {
        let (mode, config) = (args.text(1)?.to_owned(), args.map(2)?);
        let config = super::super::book::text_map(config);
        let Some(h) = self.hosts.get_mut(host) else { return DONE };
        h.power_on_mode.clone_from(&mode);
        let r = h.r.clone();
        self.set(&r, "power_on_mode", mode);
        self.set(&r, "power_on_config", config);
        self.refresh_host_ops(host);
        DONE
    }

    fn set_host_field(&mut self, host: usize, field: &str, value: Result<Value, Failure>) -> Answered {
        let value = value?;
        let r = self.hosts.get(host).map(|h: &Host| h.r.clone()).unwrap_or_default();
        self.set(&r, field, value);
        DONE
    }

    fn query_data_source(&mut self, host: usize, args: Args) -> Answered {
        let name = args.text(1)?;
        self.reach(host)?;
        let end = format!(":{name}");
        let updates = self.measure(host, -10);
        let found = updates.and_then(|u| {
            let at = u.legend.iter().position(|l| l.ends_with(&end))?;
            u.rows.first()?.1.get(at).copied()
        });
        found.map_or_else(|| Err(Failure::new("INTERNAL_ERROR", [format!("No such data source: {name}")])), answer)
    }
}
