//! Guests moving between hosts: single migrations, and evacuations in batches of them.

use super::jobs::{Job, Kind, Running};
use super::ops::HostOp;
use super::state::Power;
use super::{Core, Due};
use crate::sim::api::Failure;
use crate::sim::value::Value;
use crate::xenapi::record::Ref;
use std::time::Duration;

/// Bytes a second that a migration moves.
pub const RATE: u64 = 700_000_000;
/// xapi's default for `evacuate_batch_size`.
pub const BATCH: usize = 10;

impl Core {
    /// How long a migration of this guest takes.
    fn move_time(&mut self, guest: usize) -> Duration {
        let bytes = self.guests.get(guest).map_or(0, |g| g.memory);
        let base = Duration::from_millis(1200 + bytes / (RATE / 1000));
        base + self.jitter(0.3, base)
    }

    /// A guest begins to move. Returns the job.
    pub(super) fn begin_move(
        &mut self,
        guest: usize,
        to: usize,
        job: Option<Job>,
        parent: Option<(u64, Ref)>,
    ) -> Result<u64, Failure> {
        let Some(g) = self.guests.get(guest) else { return Err(Failure::bare("INTERNAL_ERROR")) };
        if g.power != Power::Running || g.busy.is_some() {
            return Err(self.bad_state(guest, "running"));
        }
        if let Some(blocker) = self.blocker(guest) {
            return Err(blocker);
        }
        let Some(from) = g.on else { return Err(self.bad_state(guest, "running")) };
        if let Some(failure) = self.cannot_reach(from) {
            return Err(failure);
        }
        if let Some(failure) = self.cannot_run(guest, to, 0) {
            return Err(failure);
        }
        let job = if let Some(job) = job {
            job
        } else {
            let task = self.new_task("Async.VM.pool_migrate", "", Some(from), parent.as_ref().map(|(_, t)| t));
            Job::own(task)
        };
        let task = self.job_task(Some(&job), "VM.pool_migrate", Some(from));
        let takes = self.move_time(guest);
        let fails = self.mischief.move_fails(guest);
        if let Some(g) = self.guests.get_mut(guest) {
            g.busy = Some((task.clone(), "pool_migrate"));
            g.moving = Some(to);
        }
        self.begin_host_op(to, &task, HostOp::VmMigrate);
        self.publish_guest(guest);
        self.note_load(from);
        self.note_load(to);
        let began = self.now;
        let tick = tick(takes);
        let kind = Kind::Move { guest, from, to, task, began, takes, parent: parent.map(|(id, _)| id), fails };
        Ok(self.start_job(job, kind, tick))
    }

    /// Progress of a migration, or its end.
    pub(super) fn move_due(&mut self, id: u64) {
        let Some(Running { kind: Kind::Move { guest, from, to, task, began, takes, fails, .. }, .. }) = self.jobs.get(&id) else {
            return;
        };
        let (guest, from, to, fails) = (*guest, *from, *to, *fails);
        let (task, done, takes) = (task.clone(), self.now.since(*began), *takes);
        if fails && done * 2 >= takes {
            self.end_move(id, Some(self.move_failure(guest, from, to, "the connection to the other host was reset")));
            return;
        }
        if done < takes {
            self.task_progress(&task, done.as_secs_f64() / takes.as_secs_f64());
            let next = (self.now + tick(takes)).min(self.now + takes.saturating_sub(done));
            self.timers.set(next, Due::Job(id));
            return;
        }
        self.end_move(id, None);
    }

    /// A migration ends: well, or with a failure.
    pub(super) fn end_move(&mut self, id: u64, failure: Option<Failure>) {
        let Some(Running { job, kind: Kind::Move { guest, from, to, task, parent, .. } }) = self.jobs.remove(&id) else { return };
        self.end_host_op(to, &task);
        let moved = failure.is_none();
        if let Some(g) = self.guests.get_mut(guest) {
            g.busy = None;
            g.moving = None;
            if moved {
                g.on = Some(to);
            }
        }
        self.publish_guest(guest);
        self.note_load(from);
        self.note_load(to);
        if moved {
            self.tell_moved(guest, from, to);
        }
        self.finish(job, failure.clone().map_or(Ok(Value::Void), Err));
        if let Some(Running { kind: Kind::Evacuate { running, failure: first, .. }, .. }) =
            parent.and_then(|p| self.jobs.get_mut(&p))
        {
            *running = running.saturating_sub(1);
            // A guest that was paused or shut down meanwhile does not stop the others.
            if first.is_none() && failure.as_ref().is_none_or(|f| f.code != "VM_BAD_POWER_STATE") {
                *first = failure;
            }
            if let Some(parent) = parent {
                self.evacuate_on(parent);
            }
        }
    }

    fn tell_moved(&mut self, guest: usize, from: usize, to: usize) {
        let name = |h: usize| self.hosts.get(h).map(|h| (h.name.clone(), h.uuid.clone())).unwrap_or_default();
        let ((from, from_uuid), (to, to_uuid)) = (name(from), name(to));
        let Some((vm, uuid)) = self.guests.get(guest).map(|g| (g.name.clone(), g.uuid.to_string())) else { return };
        let body =
            format!("VM '{vm}' (uuid: {uuid}) migrated from host '{from}' (uuid: {from_uuid}) to host '{to}' (uuid: {to_uuid})");
        self.message("VM_MIGRATED", 5, "VM", &uuid, &body);
    }

    fn move_failure(&self, guest: usize, from: usize, to: usize, why: &str) -> Failure {
        let vm = self.guests.get(guest).map(|g| g.r.clone()).unwrap_or_default();
        let r = |h: usize| self.hosts.get(h).map(|h| h.r.clone()).unwrap_or_default();
        let (from, to) = (r(from), r(to));
        Failure::new("VM_MIGRATE_FAILED", [vm.as_str(), from.as_str(), to.as_str(), why])
    }

    /// Migrations from and to a host that has gone fail.
    pub(super) fn abort_moves_of(&mut self, host: usize) {
        let hit: Vec<u64> = self
            .jobs
            .iter()
            .filter(|(_, r)| matches!(&r.kind, Kind::Move { from, to, .. } if *from == host || *to == host))
            .map(|(id, _)| *id)
            .collect();
        for id in hit {
            let Some(Running { kind: Kind::Move { guest, from, to, .. }, .. }) = self.jobs.get(&id) else { continue };
            let failure = self.move_failure(*guest, *from, *to, "the other host does not answer any more");
            self.end_move(id, Some(failure));
        }
    }

    /// A host that goes down moves a guest away. How long that takes, if it can.
    pub(super) fn move_away(&mut self, guest: usize, host: usize) -> Option<Duration> {
        let to = self.place(guest, Some(host), &[])?;
        let id = self.begin_move(guest, to, None, None).ok()?;
        match self.jobs.get(&id)?.kind {
            Kind::Move { takes, .. } => Some(takes),
            _ => None,
        }
    }

    /// Why each guest that cannot leave a host cannot: what `get_vms_which_prevent_evacuation` says.
    pub(super) fn evacuation_blockers(&self, host: usize) -> Vec<(usize, Failure)> {
        let mut promised = vec![0; self.hosts.len()];
        let mut blockers = Vec::new();
        for guest in self.by_size(host) {
            let blocked = self.blocker(guest).or_else(|| self.unprotected(guest)).or_else(|| self.unseen(host, guest));
            if let Some(failure) = blocked {
                blockers.push((guest, failure));
                continue;
            }
            if let Some(to) = self.place(guest, Some(host), &promised) {
                if let (Some(promised), Some(g)) = (promised.get_mut(to), self.guests.get(guest)) {
                    *promised += g.memory;
                }
            } else if let Some(g) = self.guests.get(guest) {
                let others = (0..self.hosts.len()).filter(|h| *h != host);
                let most = others
                    .filter(|h| {
                        self.hosts.get(*h).is_some_and(|h| h.enabled && h.live) && self.version_forbids(guest, *h).is_none()
                    })
                    .map(|h| self.free_memory(h).saturating_sub(promised.get(h).copied().unwrap_or(0)))
                    .max();
                blockers.push((
                    guest,
                    most.map_or_else(
                        || Failure::new("NO_HOSTS_AVAILABLE", [g.r.as_str()]),
                        |most| Failure::new("HOST_NOT_ENOUGH_FREE_MEMORY", [g.memory.to_string(), most.to_string()]),
                    ),
                ));
            }
        }
        blockers
    }

    /// With HA on, xapi's plan for an evacuation has only guests that HA restarts.
    fn unprotected(&self, guest: usize) -> Option<Failure> {
        let g = self.guests.get(guest).filter(|g| self.ha.on && g.ha != "restart")?;
        let code = if self.xapi_since([26, 17]) { "HOST_EVACUATE_VM_NOT_HA_PROTECTED" } else { "HOST_NOT_ENOUGH_FREE_MEMORY" };
        Some(Failure::new(code, [g.r.as_str()]))
    }

    /// xapi's plan wants every host that could take guests to see what a guest needs, not only one of them.
    fn unseen(&self, host: usize, guest: usize) -> Option<Failure> {
        let blind = (0..self.hosts.len()).any(|h| {
            let target = self.hosts.get(h).is_some_and(|t| t.enabled && t.live && t.reachable());
            h != host && target && self.version_forbids(guest, h).is_none() && !self.sees(h, guest)
        });
        let g = self.guests.get(guest).filter(|_| blind)?;
        let sr = self.stores.get(g.sr).map(|s| s.r.clone()).unwrap_or_default();
        Some(Failure::new("VM_REQUIRES_SR", [g.r.as_str(), sr.as_str()]))
    }

    /// The guests on a host, the largest first: they are the hardest to place.
    fn by_size(&self, host: usize) -> Vec<usize> {
        let mut guests = self.guests_on(host);
        guests.sort_by_key(|g| std::cmp::Reverse(self.guests.get(*g).map_or(0, |g| g.memory)));
        guests
    }

    /// `host.evacuate` begins.
    pub(super) fn begin_evacuate(&mut self, host: usize, batch: usize, job: Job) -> Result<u64, (Job, Failure)> {
        if self.hosts.get(host).is_some_and(|h| h.current.iter().any(|(_, op)| *op == HostOp::Evacuate)) {
            let r = self.hosts.get(host).map(|h| h.r.clone()).unwrap_or_default();
            return Err((job, Failure::new("HOST_EVACUATE_IN_PROGRESS", [r.as_str()])));
        }
        if let Err(failure) = self.check_host_op(host, HostOp::Evacuate) {
            return Err((job, failure));
        }
        if let Some((_, failure)) = self.evacuation_blockers(host).into_iter().next() {
            return Err((job, failure));
        }
        let task = self.job_task(Some(&job), "host.evacuate", Some(host));
        self.begin_host_op(host, &task, HostOp::Evacuate);
        let mut queue = self.by_size(host);
        queue.reverse();
        let batch = if batch == 0 { BATCH } else { batch };
        let total = queue.len();
        let kind = Kind::Evacuate { host, task, queue, running: 0, batch, total, failure: None };
        Ok(self.start_job(job, kind, Duration::ZERO))
    }

    /// Starts the next migrations of an evacuation, or ends it.
    pub(super) fn evacuate_on(&mut self, id: u64) {
        loop {
            let Some(Running { kind: Kind::Evacuate { host, task, queue, running, batch, failure, .. }, .. }) =
                self.jobs.get_mut(&id)
            else {
                return;
            };
            let (host, task) = (*host, task.clone());
            if failure.is_some() || *running >= *batch {
                break;
            }
            let Some(guest) = queue.pop() else { break };
            *running += 1;
            if self.guests.get(guest).is_none_or(|g| g.on != Some(host) || !g.is_active()) {
                self.evacuated(id, None);
                continue;
            }
            let vm = self.guests.get(guest).map(|g| g.r.clone()).unwrap_or_default();
            let begun = match self.place(guest, Some(host), &[]) {
                Some(to) => self.begin_move(guest, to, None, Some((id, task))),
                None => Err(Failure::new("NO_HOSTS_AVAILABLE", [vm.as_str()])),
            };
            if let Err(failure) = begun {
                self.evacuated(id, Some(failure));
            }
        }
        let Some(Running { kind: Kind::Evacuate { host, queue, running, failure, total, task, .. }, .. }) = self.jobs.get(&id)
        else {
            return;
        };
        let left = queue.len() + running;
        if *running > 0 || (failure.is_none() && !queue.is_empty()) {
            if *total > 0 {
                let (task, share) = (task.clone(), (*total - left.min(*total)) as f64 / *total as f64);
                self.task_progress(&task, share);
            }
            return;
        }
        let (host, task, failure) = (*host, task.clone(), failure.clone());
        let Some(Running { job, .. }) = self.jobs.remove(&id) else { return };
        self.end_host_op(host, &task);
        let left = self.guests_on(host).len();
        let result = match failure {
            Some(failure) => Err(failure),
            None if left > 0 => Err(Failure::new("INTERNAL_ERROR", [format!("evacuate: {left} VMs are still resident")])),
            None => Ok(Value::Void),
        };
        self.finish(job, result);
    }

    fn evacuated(&mut self, id: u64, why_not: Option<Failure>) {
        if let Some(Running { kind: Kind::Evacuate { running, failure, .. }, .. }) = self.jobs.get_mut(&id) {
            *running = running.saturating_sub(1);
            if failure.is_none() && why_not.as_ref().is_none_or(|f| f.code != "VM_BAD_POWER_STATE") {
                *failure = why_not;
            }
        }
    }
}

/// Between two reports of progress.
fn tick(takes: Duration) -> Duration {
    (takes / 12).clamp(Duration::from_millis(500), Duration::from_secs(3)).min(takes)
}
