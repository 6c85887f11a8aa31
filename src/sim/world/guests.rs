//! Guests starting and stopping, and where there is room for one.

use super::jobs::{Job, Kind};
use super::state::{Power, secs};
use super::{Core, Due};
use crate::sim::api::Failure;
use crate::sim::scenario::Pinned;
use crate::xenapi::record::Ref;
use std::time::Duration;

impl Core {
    /// The guests that xapi has on a host, dead ones excepted.
    pub(super) fn guests_on(&self, host: usize) -> Vec<usize> {
        (0..self.guests.len())
            .filter(|g| self.guests.get(*g).is_some_and(|g| g.on == Some(host) && !g.gone && g.is_active()))
            .collect()
    }

    /// Bytes that are free on a host, with what is on its way to it taken off.
    pub(super) fn free_memory(&self, host: usize) -> u64 {
        let Some(h) = self.hosts.get(host) else { return 0 };
        let used: u64 = self
            .guests
            .iter()
            .filter(|g| (g.is_active() && g.on == Some(host)) || g.moving == Some(host))
            .map(|g| g.memory)
            .sum();
        h.memory.saturating_sub(h.overhead + used)
    }

    /// Whether a host sees what a guest needs.
    pub(super) fn sees(&self, host: usize, guest: usize) -> bool {
        let Some(g) = self.guests.get(guest) else { return false };
        self.stores.get(g.sr).is_some_and(|s| s.pbds.iter().any(|p| p.host == host && p.attached))
    }

    /// Why a guest cannot run on a host, if so. `extra`: bytes promised to others there.
    pub(super) fn cannot_run(&self, guest: usize, host: usize, extra: u64) -> Option<Failure> {
        let (Some(g), Some(h)) = (self.guests.get(guest), self.hosts.get(host)) else {
            return Some(Failure::bare("NO_HOSTS_AVAILABLE"));
        };
        if !h.live || !h.reachable() {
            return Some(Failure::new("HOST_OFFLINE", [h.r.as_str()]));
        }
        if !h.enabled {
            return Some(Failure::new("HOST_DISABLED", [h.r.as_str()]));
        }
        if let Some(failure) = self.version_forbids(guest, host) {
            return Some(failure);
        }
        if !self.sees(host, guest) {
            let sr = self.stores.get(g.sr).map(|s| s.r.clone()).unwrap_or_default();
            return Some(Failure::new("VM_REQUIRES_SR", [g.r.as_str(), sr.as_str()]));
        }
        let free = self.free_memory(host).saturating_sub(extra);
        if free < g.memory {
            return Some(Failure::new("HOST_NOT_ENOUGH_FREE_MEMORY", [g.memory.to_string(), free.to_string()]));
        }
        None
    }

    /// The host with most room for a guest; not `except`. `promised`: bytes promised on each host.
    pub(super) fn place(&self, guest: usize, except: Option<usize>, promised: &[u64]) -> Option<usize> {
        let taken = |h: usize| promised.get(h).copied().unwrap_or(0);
        (0..self.hosts.len())
            .filter(|h| Some(*h) != except && self.cannot_run(guest, *h, taken(*h)).is_none())
            .max_by_key(|h| (self.free_memory(*h).saturating_sub(taken(*h)), std::cmp::Reverse(*h)))
    }

    /// What keeps a guest from leaving its host, whatever the others have free.
    pub(super) fn blocker(&self, guest: usize) -> Option<Failure> {
        let g = self.guests.get(guest)?;
        let vm = g.r.as_str();
        let sr = || self.stores.get(g.sr).map(|s| s.r.clone()).unwrap_or_default();
        if g.power == Power::Paused {
            return Some(Failure::new("VM_BAD_POWER_STATE", [vm, "running", "paused"]));
        }
        if g.blocked.is_some() {
            return g.blocked.clone();
        }
        match g.pinned? {
            Pinned::Pci => Some(Failure::new("VM_HAS_PCI_ATTACHED", [vm])),
            Pinned::LocalSr => Some(Failure::new("VM_REQUIRES_SR", [vm, sr().as_str()])),
            Pinned::Iso => {
                let local =
                    self.stores.iter().find(|s| s.local == g.on && s.kind == "udev").map(|s| s.r.clone()).unwrap_or_default();
                Some(Failure::new("VM_REQUIRES_SR", [vm, local.as_str()]))
            }
        }
    }

    /// A guest begins to start, on `host` or where there is room. Returns the job.
    pub(super) fn begin_start(&mut self, guest: usize, host: Option<usize>, job: Option<Job>) -> Result<u64, Failure> {
        let Some(g) = self.guests.get(guest) else { return Err(Failure::bare("NO_HOSTS_AVAILABLE")) };
        let r = g.r.clone();
        if g.power != Power::Halted || g.busy.is_some() {
            return Err(self.bad_state(guest, "halted"));
        }
        let wanted = host.filter(|h| self.cannot_run(guest, *h, 0).is_none());
        let to = match (host, wanted) {
            (Some(h), None) if job.is_some() => {
                return Err(self.cannot_run(guest, h, 0).unwrap_or_else(|| Failure::bare("NO_HOSTS_AVAILABLE")));
            }
            (_, Some(h)) => h,
            (_, None) => self.place(guest, None, &[]).ok_or_else(|| Failure::new("NO_HOSTS_AVAILABLE", [r.as_str()]))?,
        };
        let task = self.job_task(job.as_ref(), "VM.start", Some(to));
        let takes = secs(2.0) + self.jitter(1.0, secs(2.0));
        if let Some(g) = self.guests.get_mut(guest) {
            g.busy = Some((task.clone(), "start"));
            // It takes memory from now on.
            g.moving = Some(to);
            g.power = Power::Halted;
        }
        self.begin_host_op(to, &task, super::ops::HostOp::VmStart);
        self.publish_guest(guest);
        let job = job.unwrap_or_else(|| Job::own(task.clone()));
        Ok(self.start_job(job, Kind::Start { guest, host: to, task }, takes))
    }

    /// The end of a start.
    pub(super) fn end_start(&mut self, guest: usize, host: usize, task: &Ref) -> Result<(), Failure> {
        self.end_host_op(host, task);
        let gone = self.cannot_reach(host);
        let Some(g) = self.guests.get_mut(guest) else { return Ok(()) };
        g.busy = None;
        g.moving = None;
        if let Some(failure) = gone {
            self.publish_guest(guest);
            return Err(failure);
        }
        g.power = Power::Running;
        g.on = Some(host);
        let (uuid, name) = (g.uuid.to_string(), g.name.to_string());
        self.guest_writes(guest, true);
        self.publish_guest(guest);
        self.publish_residents(host);
        let host = self.hosts.get(host).map(|h| h.name.clone()).unwrap_or_default();
        self.message("VM_STARTED", 5, "VM", &uuid, &format!("VM '{name}' started on host: {host} (uuid: {uuid})"));
        Ok(())
    }

    /// A guest begins to shut down.
    pub(super) fn begin_stop(&mut self, guest: usize, clean: bool, job: Option<Job>) -> Result<u64, Failure> {
        let Some(g) = self.guests.get(guest) else { return Err(Failure::bare("INTERNAL_ERROR")) };
        if (clean && (g.power != Power::Running || g.busy.is_some())) || !g.is_active() {
            return Err(self.bad_state(guest, "running"));
        }
        let on = g.on;
        let op = if clean { "clean_shutdown" } else { "hard_shutdown" };
        let task = self.job_task(job.as_ref(), if clean { "VM.clean_shutdown" } else { "VM.hard_shutdown" }, on);
        let takes = if clean { secs(6.0) + self.jitter(1.0, secs(8.0)) } else { secs(1.0) };
        if let Some(g) = self.guests.get_mut(guest) {
            g.busy = Some((task.clone(), op));
            g.moving = None;
        }
        self.publish_guest(guest);
        let job = job.unwrap_or_else(|| Job::own(task.clone()));
        Ok(self.start_job(job, Kind::Stop { guest }, takes))
    }

    /// The end of a shutdown.
    pub(super) fn end_stop(&mut self, guest: usize) {
        let Some(g) = self.guests.get_mut(guest) else { return };
        let on = g.on.take();
        g.power = Power::Halted;
        g.busy = None;
        g.gone = false;
        let (uuid, name) = (g.uuid.to_string(), g.name.to_string());
        self.guest_writes(guest, false);
        self.publish_guest(guest);
        if let Some(host) = on {
            self.publish_residents(host);
        }
        self.message("VM_SHUTDOWN", 5, "VM", &uuid, &format!("VM '{name}' shut down (uuid: {uuid})"));
    }

    /// A host that goes down shuts a guest down that could not move.
    pub(super) fn shut_guest_down(&mut self, guest: usize, within: Duration) {
        let busy = self.guests.get(guest).is_some_and(|g| g.busy.is_some());
        if !busy && self.begin_stop(guest, true, None).is_ok() {
            return;
        }
        // Paused, or busy with something else: it will be killed if it is still there.
        self.timers.set(self.now + within, Due::Nothing);
    }

    /// Pauses a guest, or lets it run on.
    pub(super) fn pause(&mut self, guest: usize, paused: bool) -> Result<(), Failure> {
        let from = if paused { Power::Running } else { Power::Paused };
        let Some(g) = self.guests.get_mut(guest) else { return Ok(()) };
        if g.power != from || g.busy.is_some() {
            return Err(self.bad_state(guest, if paused { "running" } else { "paused" }));
        }
        g.power = if paused { Power::Paused } else { Power::Running };
        let (uuid, name) = (g.uuid.to_string(), g.name.to_string());
        self.guest_writes(guest, !paused);
        self.publish_guest(guest);
        let (event, verb) = if paused { ("VM_PAUSED", "paused") } else { ("VM_UNPAUSED", "unpaused") };
        self.message(event, 5, "VM", &uuid, &format!("VM '{name}' {verb} (uuid: {uuid})"));
        Ok(())
    }

    /// The error for an operation that the guest's state does not allow.
    pub(super) fn bad_state(&self, guest: usize, expected: &str) -> Failure {
        let Some(g) = self.guests.get(guest) else { return Failure::bare("INTERNAL_ERROR") };
        if let Some((task, op)) = &g.busy {
            return Failure::new("OTHER_OPERATION_IN_PROGRESS", ["VM", g.r.as_str(), op, task.as_str()]);
        }
        Failure::new("VM_BAD_POWER_STATE", [g.r.as_str(), expected, &g.power.name().to_lowercase()])
    }

    /// Whether a guest writes to its mirrored disk from now on.
    pub(super) fn guest_writes(&mut self, guest: usize, writes: bool) {
        let now = self.now;
        let Some((sr, disk, rate)) = self.guests.get(guest).and_then(|g| Some((g.sr, g.disk?, g.writes))) else { return };
        if let Some(mirror) = self.stores.get_mut(sr).and_then(|s| s.mirror.as_mut()) {
            mirror.set_rate(disk, if writes { rate } else { 0 }, now);
        }
    }
}
