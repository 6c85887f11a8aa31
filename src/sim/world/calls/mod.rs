//! The calls that have rules: which there are, and who answers them.

mod crashdump;
mod host;
mod membership;
mod network;
mod pool;
mod sr_create;
mod storage;
mod updates;
mod vm;

use super::Core;
use super::jobs::{Job, Kind, Running};
use super::ops::{self, Belief, HostOp};
use crate::sim::api::Failure;
use crate::sim::front::{Args, Ctx, Method, Outcome, by_name};
use crate::sim::schema::Role::{PoolAdmin, PoolOperator, ReadOnly, VmOperator, VmPowerAdmin};
use crate::sim::schema::names::FastHash;
use crate::sim::value::Value;
use crate::xenapi::record::Ref;
use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Duration;

/// All calls of the world.
pub const METHODS: &[Method] = &[
    Method::new("host.disable", 1, PoolOperator).or_up_to(2),
    Method::new("host.enable", 1, PoolOperator),
    Method::new("host.evacuate", 1, PoolOperator).or_up_to(3),
    Method::new("host.reboot", 1, PoolOperator),
    Method::new("host.shutdown", 1, PoolOperator),
    Method::new("host.power_on", 1, PoolOperator),
    Method::new("host.restart_agent", 1, PoolOperator),
    Method::new("host.apply_updates", 2, PoolOperator),
    Method::new("host.declare_dead", 1, PoolOperator),
    Method::new("host.get_vms_which_prevent_evacuation", 1, ReadOnly),
    Method::new("host.get_uncooperative_resident_VMs", 1, ReadOnly),
    Method::new("host.assert_can_evacuate", 1, PoolOperator),
    Method::new("host.compute_free_memory", 1, ReadOnly),
    Method::new("host.compute_memory_overhead", 1, ReadOnly),
    Method::new("host.get_servertime", 1, ReadOnly),
    Method::new("host.get_server_localtime", 1, ReadOnly),
    Method::new("host.get_system_status_capabilities", 1, ReadOnly),
    Method::new("host_crashdump.destroy", 1, PoolOperator),
    Method::new("host_crashdump.upload", 3, PoolOperator),
    Method::new("host.call_plugin", 4, PoolAdmin),
    Method::new("host.has_extension", 2, PoolAdmin),
    Method::new("host.call_extension", 2, PoolAdmin),
    Method::new("host.set_power_on_mode", 3, PoolOperator),
    Method::new("host.set_multipathing", 2, PoolOperator),
    Method::new("host.set_iscsi_iqn", 2, PoolOperator),
    Method::new("host.get_management_interface", 1, PoolOperator),
    Method::new("host.query_data_source", 2, ReadOnly),
    Method::new("host.is_in_emergency_mode", 0, PoolOperator).sync_only().in_emergency(),
    Method::new("pool.enable_ha", 2, PoolOperator).or_up_to(3),
    Method::new("pool.disable_ha", 0, PoolOperator),
    Method::new("pool.designate_new_master", 1, PoolOperator),
    Method::new("pool.emergency_transition_to_master", 0, PoolOperator).sync_only().in_emergency(),
    Method::new("pool.recover_slaves", 0, PoolOperator),
    Method::new("pool.sync_database", 0, PoolOperator),
    Method::new("pool.sync_updates", 4, PoolOperator).or_up_to(6),
    Method::new("pool_update.introduce", 1, PoolOperator),
    Method::new("pool_update.precheck", 2, PoolOperator),
    Method::new("pool_update.apply", 2, PoolOperator),
    Method::new("pool_update.pool_apply", 1, PoolOperator),
    Method::new("pool_update.pool_clean", 1, PoolOperator),
    Method::new("pool_update.destroy", 1, PoolOperator),
    Method::new("pool.check_update_readiness", 2, ReadOnly),
    Method::new("pool.has_extension", 2, PoolAdmin),
    Method::new("pool.set_ha_host_failures_to_tolerate", 2, PoolOperator),
    Method::new("pool.join", 3, PoolOperator),
    Method::new("pool.join_force", 3, PoolOperator),
    Method::new("pool.eject", 1, PoolOperator),
    Method::new("host.prepare_for_maintenance", 1, PoolOperator),
    Method::new("SR.create", 9, PoolOperator),
    Method::new("pool.ha_compute_max_host_failures_to_tolerate", 0, ReadOnly).sync_only(),
    Method::new("VM.start", 3, VmOperator),
    Method::new("VM.start_on", 4, VmPowerAdmin),
    Method::new("VM.clean_shutdown", 1, VmOperator),
    Method::new("VM.hard_shutdown", 1, VmOperator),
    Method::new("VM.shutdown", 1, VmOperator),
    Method::new("VM.pause", 1, VmOperator),
    Method::new("VM.unpause", 1, VmOperator),
    Method::new("VM.pool_migrate", 3, VmPowerAdmin),
    Method::new("VM.get_possible_hosts", 1, ReadOnly),
    Method::new("VM.assert_can_boot_here", 2, ReadOnly),
    Method::new("VM.assert_agile", 1, ReadOnly),
    Method::new("VM.set_ha_restart_priority", 2, PoolOperator),
    Method::new("VM.power_state_reset", 1, PoolOperator),
    Method::new("PIF.plug", 1, PoolOperator),
    Method::new("PIF.unplug", 1, PoolOperator),
    Method::new("PIF.reconfigure_ip", 6, PoolOperator),
    Method::new("PBD.plug", 1, PoolOperator),
    Method::new("PBD.unplug", 1, PoolOperator),
    Method::new("SR.scan", 1, VmPowerAdmin),
    Method::new("SR.update", 1, PoolOperator),
    Method::new("SR.get_supported_types", 0, ReadOnly).sync_only(),
    Method::new("Membership.create", 2, PoolOperator),
    Method::new("Membership.destroy", 2, PoolOperator),
    Method::new("Cluster_host.enable", 1, PoolOperator),
    Method::new("Cluster_host.disable", 1, PoolOperator),
];

/// The one of this name.
pub fn method(name: &str) -> Option<&'static Method> {
    static ALL: OnceLock<HashMap<&'static str, &'static Method, FastHash>> = OnceLock::new();
    ALL.get_or_init(|| by_name(METHODS)).get(name).copied()
}

/// The result of a call that is done at once, or an error on the way.
type Answered = Result<Outcome, Failure>;

/// Done, without a result.
const DONE: Answered = Ok(Outcome::VOID);

/// Done, with a result.
#[allow(clippy::unnecessary_wraps, reason = "an arm among others that can fail")]
fn answer(value: impl Into<Value>) -> Answered {
    Ok(Outcome::Done(Ok(value.into())))
}

impl Core {
    /// A call from the front.
    pub(super) fn dispatch(&mut self, ctx: &Ctx, method: &str, args: &[Value]) -> Option<Outcome> {
        let args = Args(args);
        let (class, name) = method.split_once('.')?;
        let answered = match class {
            "host" => self.host_call(ctx, name, args)?,
            "pool" => self.pool_call(ctx, name, args)?,
            "VM" => self.vm_call(ctx, name, args)?,
            "pool_update" => self.pool_update_call(ctx, name, args)?,
            "PBD" | "SR" | "Cluster_host" => self.storage_call(ctx, class, name, args)?,
            "host_crashdump" => self.crashdump_call(ctx, name, args)?,
            "Membership" => self.membership_call(name, args)?,
            "PIF" => self.pif_call(name, args)?,
            _ => return None,
        };
        if answered.is_ok() {
            self.note_deed(ctx, method, args);
        }
        Some(answered.unwrap_or_else(Outcome::err))
    }

    /// The host that an argument names.
    fn arg_host(&self, args: Args, at: usize) -> Result<usize, Failure> {
        let r = args.handle(at, &self.db, "host")?;
        let found = self.hosts.iter().position(|h| h.member() && h.r == r);
        found.ok_or_else(|| Failure::new("HANDLE_INVALID", ["host", r.as_str()]))
    }

    /// Whether guests can be sent to a host over this network, by `migrate_receive`'s rules; null: the management network.
    fn receives_over(&self, to: usize, network: &Ref) -> Result<(), Failure> {
        if network.is_null() {
            return Ok(());
        }
        if !self.db.exists(network) {
            return Err(Failure::new("HANDLE_INVALID", ["network", network.as_str()]));
        }
        let host = self.hosts.get(to).map(|h| h.r.clone()).unwrap_or_default();
        let mut pifs = self.db.refs(network, "PIFs");
        pifs.retain(|pif| self.db.reference(pif, "host") == host);
        match pifs.first() {
            None => Err(Failure::new("HOST_CANNOT_ATTACH_NETWORK", [host.as_str(), network.as_str()])),
            Some(pif) if pifs.iter().all(|pif| self.db.text(pif, "IP").is_empty()) => {
                Err(Failure::new("INTERFACE_HAS_NO_IP", [pif.as_str()]))
            }
            Some(_) => Ok(()),
        }
    }

    /// The guest that an argument names.
    fn arg_guest(&self, args: Args, at: usize) -> Result<usize, Failure> {
        let r = args.handle(at, &self.db, "VM")?;
        if self.db.boolean(&r, "is_control_domain") {
            return Err(Failure::new("OPERATION_NOT_ALLOWED", ["This operation is not allowed on a control domain"]));
        }
        let found = self.guests.iter().position(|g| g.r == r);
        found.ok_or_else(|| Failure::new("VM_IS_TEMPLATE", [r.as_str()]))
    }

    /// Why a call cannot be passed on to a host: it is known to be off, or it does not answer.
    pub(super) fn cannot_reach(&self, host: usize) -> Option<Failure> {
        let h = self.hosts.get(host)?;
        if !h.live {
            return Some(Failure::new("HOST_OFFLINE", [h.r.as_str()]));
        }
        if host != self.coordinator && (!h.reachable() || self.is_cut(self.coordinator)) {
            return Some(Failure::new("CANNOT_CONTACT_HOST", [h.r.as_str()]));
        }
        None
    }

    pub(in super::super) fn reach(&self, host: usize) -> Result<(), Failure> {
        self.cannot_reach(host).map_or(Ok(()), Err)
    }

    /// Whether an operation on a host would be accepted: the rule behind `allowed_operations`.
    pub(super) fn check_host_op(&self, host: usize, op: HostOp) -> Result<(), Failure> {
        let Some(h) = self.hosts.get(host) else { return Ok(()) };
        let storage = self.storage_forbids(host);
        let belief = Belief {
            host: &h.r,
            enabled: h.enabled,
            live: h.live,
            power_on_mode: &h.power_on_mode,
            current: &h.current,
            storage: storage.as_ref(),
            storage_blocks_updates: !self.designed(),
        };
        ops::check(op, &belief)
    }

    /// An answer that takes a moment.
    #[allow(clippy::unnecessary_wraps, reason = "an arm among others that can fail")]
    fn after(&mut self, ctx: &Ctx, wait: Duration, result: Result<Value, Failure>) -> Answered {
        self.start_job(Job::call(ctx), Kind::Answer(result), wait);
        Ok(Outcome::Later(ctx.job))
    }

    /// A task was asked to stop.
    pub(super) fn cancel_task(&mut self, task: &Ref) -> bool {
        let Some(id) = self.jobs.iter().find(|(_, r)| r.job.task.as_ref() == Some(task)).map(|(id, _)| *id) else { return false };
        let cancelled = Failure::new("TASK_CANCELLED", [task.as_str()]);
        match self.jobs.get_mut(&id) {
            Some(Running { kind: Kind::Move { .. }, .. }) => self.end_move(id, Some(cancelled)),
            Some(Running { kind: Kind::Evacuate { failure, queue, .. }, .. }) => {
                queue.clear();
                *failure = Some(cancelled.clone());
                let moves = self.jobs.iter().filter(|(_, r)| matches!(r.kind, Kind::Move { parent, .. } if parent == Some(id)));
                let moves: Vec<u64> = moves.map(|(m, _)| *m).collect();
                for one in moves {
                    self.end_move(one, Some(cancelled.clone()));
                }
                self.evacuate_on(id);
            }
            Some(Running { kind: Kind::Leave { .. }, .. }) => {
                if let Some(running) = self.jobs.remove(&id) {
                    self.finish(running.job, Err(cancelled));
                }
            }
            _ => return false,
        }
        true
    }
}
