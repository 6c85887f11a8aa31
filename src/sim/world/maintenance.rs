//! Maintenance mode as the seed of OCFS2 has it (disabled, evacuated, without storage), and `pool.eject`.
//!
//! *Designed*: `pool.eject` first enters maintenance mode, then calls `Membership.destroy`, removes the host's records and leaves the `Membership` without a
//! host and with the date. *Shipped*: it refuses while guests run there, and xapi knows nothing of o2cb: the number is free at once, while the others
//! still have the host in their files, which is what the design is about.
//!
//! An ejected host is wiped, and boots as a pool of its own (see [`super::roster`]).

use super::build::GIB;
use super::jobs::{Job, Kind};
use super::state::{Host, Stage};
use super::{Core, Due};
use crate::sim::api::Failure;
use crate::sim::front::{Args, Ctx, Outcome};
use crate::sim::scenario::{FenceMethod, HostSpec};
use crate::sim::value::Value;
use crate::xenapi::record::Ref;
use std::time::Duration;

/// How often it is looked whether a host is empty.
const LOOK: Duration = Duration::from_secs(1);

impl Core {
    /// `pool.eject`.
    pub(super) fn call_eject(&mut self, ctx: &Ctx, args: Args) -> Result<Outcome, Failure> {
        let r = args.handle(0, &self.db, "host")?;
        let host = self.hosts.iter().position(|h| h.member() && h.r == r);
        let host = host.ok_or_else(|| Failure::new("HANDLE_INVALID", ["host", r.as_str()]))?;
        self.reach(host)?;
        if self.ha.on {
            return Err(Failure::bare("HA_IS_ENABLED"));
        }
        if host == self.coordinator {
            return Err(Failure::new("INTERNAL_ERROR", ["Xapi_pool.Cannot_eject_master"]));
        }
        let mirrored = |s: &super::state::Store| s.mirror.as_ref().is_some_and(|m| m.node_of(host).is_some());
        if let Some(s) = self.stores.iter().find(|s| mirrored(s)) {
            let why = format!("the host keeps mirrors of SR {}; take it out of that storage cluster first", s.name);
            return Err(Failure::new("OPERATION_NOT_ALLOWED", [why]));
        }
        if !self.designed() && !self.guests_on(host).is_empty() {
            return Err(Failure::new("OPERATION_NOT_ALLOWED", ["VM resident on host"]));
        }
        self.pool_operation(&ctx.task, Some("eject"));
        if let Err((_, failure)) = self.begin_maintenance(host, Job::call(ctx), true) {
            self.pool_operation(&ctx.task, None);
            return Err(failure);
        }
        Ok(Outcome::Later(ctx.job))
    }

    /// `host.prepare_for_maintenance`, of the designed API.
    pub(super) fn call_maintain(&mut self, ctx: &Ctx, host: usize) -> Result<Outcome, Failure> {
        self.reach(host)?;
        self.begin_maintenance(host, Job::call(ctx), false).map_err(|(_, failure)| failure)?;
        Ok(Outcome::Later(ctx.job))
    }

    /// Maintenance mode: disabled, then evacuated, then without storage.
    fn begin_maintenance(&mut self, host: usize, job: Job, eject: bool) -> Result<(), (Job, Failure)> {
        let was = self.hosts.get(host).is_some_and(|h| h.enabled);
        if was && let Err(failure) = self.take_out(host) {
            return Err((job, failure));
        }
        let emptying = if self.guests_on(host).is_empty() {
            None
        } else {
            let task = self.new_task("Async.host.evacuate", "", Some(host), None);
            match self.begin_evacuate(host, 0, Job::client(task)) {
                Ok(id) => Some(id),
                Err((own, failure)) => {
                    self.finish(own, Err(failure.clone()));
                    if was {
                        self.put_back(host);
                    }
                    return Err((job, failure));
                }
            }
        };
        self.start_job(job, Kind::Maintain { host, emptying, eject }, LOOK);
        Ok(())
    }

    /// It may be empty by now.
    pub(super) fn maintain_due(&mut self, id: u64) {
        let Some(Kind::Maintain { host, emptying, eject }) = self.jobs.get(&id).map(|running| running.kind.clone()) else {
            return;
        };
        if emptying.is_some_and(|evacuation| self.jobs.contains_key(&evacuation)) {
            self.timers.set(self.now + LOOK, Due::Job(id));
            return;
        }
        let Some(running) = self.jobs.remove(&id) else { return };
        let result = self.end_maintenance(host, eject);
        if let Some(task) = &running.job.task {
            self.pool_operation(task, None);
        }
        self.finish(running.job, result.map(|()| Value::Void));
    }

    fn end_maintenance(&mut self, host: usize, eject: bool) -> Result<(), Failure> {
        self.reach(host)?;
        if !self.guests_on(host).is_empty() {
            return Err(Failure::new("OPERATION_NOT_ALLOWED", ["VM resident on host"]));
        }
        for store in 0..self.stores.len() {
            // Of a host that stays, its own disks stay as well: what other hosts and the network do cannot hurt those.
            let remote = self.stores.get(store).is_some_and(|s| s.local.is_none());
            if remote || eject {
                self.unplug(store, host)?;
            }
        }
        if eject { self.eject_now(host) } else { Ok(()) }
    }

    /// The point of no return.
    fn eject_now(&mut self, host: usize) -> Result<(), Failure> {
        let now = self.now;
        let cluster = self.o2cb.as_ref().and_then(|o| o.cluster.clone());
        if let Some(cluster) = &cluster {
            match self.membership_destroy(host, cluster) {
                Err(failure) if failure.code != "MEMBERSHIP_DOES_NOT_EXIST" => return Err(failure),
                _ => {}
            }
        }
        let Some(old) = self.hosts.get(host).cloned() else { return Ok(()) };
        self.forget_host(host, &old);
        self.o2cb_wipe(host);
        let spec = spec_of(&old);
        let mut world = self.lone_world(host, &spec);
        if let Some(h) = world.core.hosts.first_mut() {
            h.uuid.clone_from(&old.uuid);
            let r = h.r.clone();
            world.core.db.set(&r, "uuid", old.uuid.as_str());
        }
        // It is wiped and restarts.
        world.core.power_off(0, false);
        world.core.power_up(0);
        if let Some(h) = self.hosts.get_mut(host) {
            let lone = Host {
                name: old.name,
                uuid: old.uuid,
                address: old.address,
                r: Ref::default(),
                metrics: Ref::default(),
                memory: 0,
                links: Vec::new(),
                bond: None,
                stage: Stage::Off,
                since: now,
                life: old.life + 1,
                live: false,
                enabled: false,
                cluster: None,
                cluster_up: false,
                current: Vec::new(),
                heard: None,
                away: None,
                leaving: None,
                alone: Some(Box::new(world)),
                ..h.clone()
            };
            *h = lone;
        }
        self.apart.push(host);
        self.cluster_changed_now();
        self.o2cb_look();
        self.o2cb_sync();
        self.publish_mixed();
        self.refresh_all_ops();
        Ok(())
    }

    /// Everything that the database has of a host.
    fn forget_host(&mut self, host: usize, old: &Host) {
        let r = &old.r;
        let is = |field: &'static str| (field, Value::Ref(r.clone()));
        let mut gone: Vec<Ref> = Vec::new();
        for (class, (field, value)) in [
            ("PIF", is("host")),
            ("PBD", is("host")),
            ("Cluster_host", is("host")),
            ("Certificate", is("host")),
            ("host_crashdump", is("host")),
            ("VM", is("resident_on")),
        ] {
            gone.extend(self.db.find_all(class, field, &value));
        }
        // A Membership stays, without its host, until everybody has forgotten it.
        for membership in self.db.find_all("Membership", "host", &Value::Ref(r.clone())) {
            self.db.set(&membership, "host", Ref::default());
        }
        gone.extend(old.links.iter().map(|l| l.metrics.clone()));
        gone.extend(old.bond.clone());
        gone.push(old.metrics.clone());
        for store in &mut self.stores {
            store.pbds.retain(|p| p.host != host);
            if store.local == Some(host) {
                gone.push(store.r.clone());
            }
        }
        gone.push(r.clone());
        for r in gone {
            self.db.destroy(&r);
        }
    }
}

/// A host as a scenario would have it.
pub(super) fn spec_of(host: &Host) -> HostSpec {
    HostSpec {
        name: host.name.clone(),
        cpus: host.cpus,
        memory_gib: u32::try_from(host.memory / GIB).unwrap_or(4).max(4),
        power_on_mode: host.power_on_mode.clone(),
        links: u8::try_from(host.links.len()).unwrap_or(2).max(1),
        outside: false,
        fence_method: if host.setup.fence_panics { FenceMethod::Panic } else { FenceMethod::Reset },
        crash_kernel: host.setup.crash_kernel,
    }
}
