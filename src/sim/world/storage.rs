//! Storage nodes, PBDs, and how xapi sees a rebuild: seed 1 in both dialects.
//!
//! *Designed*: xapi polls the backend every few seconds; a task `SR Recovering` (its description is the SR) shows any
//! rebuild in the storage cluster, also outside the pool, with progress, and ends with success. What the backend says
//! of its nodes is in `SR.sm_config`: `mirror_state` (`healthy`, `rebuilding`, `degraded`), `mirrors_in_step` (`14/22`)
//! and `nodes_offline` (nodes of the storage cluster that are not hosts of this pool).
//!
//! *Shipped*: the check starts only when a PBD is plugged and the backend says at that moment that it recovers; it
//! polls every 30 s, progress stays 0, and the task is destroyed at the end.

use super::state::Host;
use super::{Core, Due, Harm};
use crate::sim::api::Failure;
use crate::sim::value::Value;
use std::time::Duration;

const POLL_DESIGNED: Duration = Duration::from_secs(5);
const POLL_SHIPPED: Duration = Duration::from_secs(30);

impl Core {
    /// The next SR at or after `from` that a host has a detached PBD for.
    pub(super) fn next_unplugged(&self, host: usize, from: usize) -> Option<usize> {
        (from..self.stores.len())
            .find(|s| self.stores.get(*s).is_some_and(|s| s.pbds.iter().any(|p| p.host == host && !p.attached)))
    }

    /// `PBD.plug`, where the host is. Attached already is fine.
    pub(super) fn attach(&mut self, store: usize, host: usize) -> Result<(), Failure> {
        let now = self.now;
        let cut = self.hosts.get(host).and_then(|h| h.cut);
        let attached = |s: &super::state::Store| s.pbds.iter().any(|p| p.host == host && p.attached);
        if !self.stores.get(store).is_some_and(attached) && self.mischief.plug_fails(host, store) {
            return Err(Failure::new("SR_BACKEND_FAILURE_47", ["", "The SR is not available [opterr=no such volume group]", ""]));
        }
        let Some(s) = self.stores.get_mut(store) else { return Ok(()) };
        let remote = s.local.is_none();
        let luns = s.luns.len();
        let Some(pbd) = s.pbds.iter_mut().find(|p| p.host == host) else { return Ok(()) };
        if pbd.attached {
            return Ok(());
        }
        if s.kind == super::o2cb::KIND && !self.o2cb.as_ref().and_then(|o| o.nodes.get(host)).is_some_and(|p| p.online) {
            let r = self.hosts.get(host).map(|h| h.r.clone()).unwrap_or_default();
            return Err(Failure::new("NO_COMPATIBLE_CLUSTER_HOST", [r.as_str()]));
        }
        if (remote && cut.is_some()) || (luns > 0 && pbd.up.iter().all(|up| *up == 0)) {
            let text = if luns > 0 { "Unable to connect to IQN or LUN: no path to the target" } else { "The request timed out" };
            return Err(Failure::new(if luns > 0 { "SR_BACKEND_FAILURE_141" } else { "SR_BACKEND_FAILURE_73" }, ["", text, ""]));
        }
        pbd.attached = true;
        let mirrored = s.mirror.is_some();
        self.publish_pbd(store, host);
        self.publish_sr_ops(store);
        if mirrored {
            if self.hosts.get(host).is_some_and(|h| !h.storage_up) {
                self.storage_node(host, true);
            }
            if !self.designed() {
                let recovering = self
                    .stores
                    .get(store)
                    .and_then(|s| s.mirror.as_ref())
                    .is_some_and(|m| m.rebuilding() || (m.late.is_zero() && m.behind()));
                if recovering {
                    self.begin_rebuild_task(store);
                    self.poll_in(store, POLL_SHIPPED);
                }
            }
            self.refresh_all_ops();
        }
        self.hosts.get_mut(host).map(|h| h.since.max(now));
        Ok(())
    }

    /// A PBD is not attached any more.
    pub(super) fn detach(&mut self, store: usize, host: usize) {
        let Some(pbd) = self.stores.get_mut(store).and_then(|s| s.pbds.iter_mut().find(|p| p.host == host)) else { return };
        if !pbd.attached {
            return;
        }
        pbd.attached = false;
        self.publish_pbd(store, host);
        self.publish_sr_ops(store);
    }

    /// `PBD.unplug`.
    pub(super) fn unplug(&mut self, store: usize, host: usize) -> Result<(), Failure> {
        let Some(s) = self.stores.get(store) else { return Ok(()) };
        if self.ha.on && self.ha.statefile_sr == Some(store) {
            return Err(Failure::bare("HA_IS_ENABLED"));
        }
        let in_use: Vec<&str> =
            self.guests.iter().filter(|g| g.sr == store && g.on == Some(host) && g.is_active()).map(|g| g.r.as_str()).collect();
        if !in_use.is_empty() {
            return Err(Failure::new("VDI_IN_USE", in_use));
        }
        if !self.designed() && s.mirror.is_some() {
            // As shipped: unplugging cancels the health check.
            self.end_rebuild_task(store);
        }
        self.detach(store, host);
        self.refresh_all_ops();
        Ok(())
    }

    /// A host's storage daemon comes or goes, in every mirrored SR that it is part of.
    pub(super) fn storage_node(&mut self, host: usize, up: bool) {
        let Some(h) = self.hosts.get_mut(host) else { return };
        if h.storage_up == up {
            return;
        }
        h.storage_up = up;
        for store in 0..self.stores.len() {
            let node = self.stores.get(store).and_then(|s| s.mirror.as_ref()).and_then(|m| m.node_of(host));
            if let Some(node) = node {
                self.node(store, node, up);
            }
        }
    }

    /// A node of a mirrored SR comes or goes.
    pub(super) fn node(&mut self, store: usize, node: usize, up: bool) {
        let now = self.now;
        let Some(mirror) = self.stores.get_mut(store).and_then(|s| s.mirror.as_mut()) else { return };
        if up {
            mirror.node_up(node, now);
            let wait = mirror.start_after + std::mem::take(&mut mirror.late);
            // Others may have been waiting for this node's copies.
            for node in 0..mirror.nodes().len() {
                self.timers.set(now + wait, Due::ResyncStart { store, node });
            }
        } else {
            let lost = mirror.node_down(node, now);
            for disk in lost {
                self.disk_lost(store, disk.0);
            }
        }
        self.arm_resyncs(store);
        self.backend_changed(store);
    }

    fn disk_lost(&mut self, store: usize, disk: usize) {
        let sr = self.stores.get(store).map(|s| s.name.clone()).unwrap_or_default();
        let guest = self.guests.iter().find(|g| g.sr == store && g.disk == Some(disk) && g.is_active());
        if let Some(vm) = guest.map(|g| g.name.to_string()) {
            self.harm(Harm::DiskLost { sr, vm });
        }
    }

    /// Sets the timers for the end of every resync of an SR.
    pub(super) fn arm_resyncs(&mut self, store: usize) {
        let Some(mirror) = self.stores.get(store).and_then(|s| s.mirror.as_ref()) else { return };
        for (node, end) in (0..mirror.nodes().len()).filter_map(|n| Some((n, mirror.ends(n)?))).collect::<Vec<_>>() {
            self.timers.set(end, Due::ResyncEnd { store, node });
        }
    }

    /// A node starts to resync, if it still has to.
    pub(super) fn resync_start(&mut self, store: usize, node: usize) {
        let now = self.now;
        let Some(mirror) = self.stores.get_mut(store).and_then(|s| s.mirror.as_mut()) else { return };
        if mirror.resyncing(node) || !mirror.start(node, now) {
            return;
        }
        if let Some(end) = mirror.ends(node) {
            self.timers.set(end, Due::ResyncEnd { store, node });
        }
        self.backend_changed(store);
        self.note_mirror_loads(store);
    }

    /// A node's resync may have ended.
    pub(super) fn resync_end(&mut self, store: usize, node: usize) {
        let now = self.now;
        let Some(mirror) = self.stores.get_mut(store).and_then(|s| s.mirror.as_mut()) else { return };
        if mirror.finish(node, now) {
            // What was held up by this node can go on.
            for other in 0..mirror.nodes().len() {
                self.timers.set(now + Duration::from_secs(1), Due::ResyncStart { store, node: other });
            }
            self.backend_changed(store);
            self.note_mirror_loads(store);
        }
    }

    fn note_mirror_loads(&mut self, store: usize) {
        let hosts: Vec<usize> = self
            .stores
            .get(store)
            .and_then(|s| s.mirror.as_ref())
            .map(|m| m.nodes().iter().filter_map(|n| n.host).collect())
            .unwrap_or_default();
        for host in hosts {
            self.note_load(host);
        }
    }

    /// The backend's state has changed: in the designed dialect xapi finds out at its next poll.
    pub(super) fn backend_changed(&mut self, store: usize) {
        if self.designed() {
            self.poll_in(store, POLL_DESIGNED);
        }
    }

    fn poll_in(&mut self, store: usize, after: Duration) {
        let now = self.now;
        if let Some(s) = self.stores.get_mut(store).filter(|s| !s.polling) {
            s.polling = true;
            // On the grid of the polling thread, so "up to" this long.
            let step = i64::try_from(after.as_millis()).unwrap_or(1000).max(1);
            let next = (now.as_millis().div_euclid(step) + 1) * step;
            let at = if self.designed() { crate::time::Time::from_millis(next) } else { now + after };
            self.timers.set(at, Due::Poll { store });
        }
    }

    /// After a start of the coordinator's xapi: the designed one asks again; the shipped one has forgotten.
    pub(super) fn poll_all_storage(&mut self) {
        for store in 0..self.stores.len() {
            if self.stores.get(store).is_some_and(|s| s.mirror.is_some()) {
                self.backend_changed(store);
            }
        }
    }

    /// xapi asks the backend.
    pub(super) fn poll(&mut self, store: usize) {
        let now = self.now;
        let designed = self.designed();
        let up = self.coordinator_up();
        let Some(s) = self.stores.get_mut(store) else { return };
        s.polling = false;
        let Some(mirror) = s.mirror.as_ref().filter(|_| up) else { return };
        let rebuilding = mirror.rebuilding() || (!designed && mirror.behind());
        let progress = mirror.progress(now);
        let has_task = s.rebuild.is_some();
        if designed {
            self.publish_backend(store);
        }
        match (rebuilding, has_task) {
            (true, false) if designed => self.begin_rebuild_task(store),
            (false, true) => self.end_rebuild_task(store),
            _ => {}
        }
        let moves = designed || self.shipped_progress;
        if let (true, Some((done, total)), Some(task)) = (moves, progress, self.stores.get(store).and_then(|s| s.rebuild.clone()))
        {
            let share = if total == 0 { 1.0 } else { done as f64 / total as f64 };
            self.task_progress(&task, share.min(0.999));
        }
        if self.stores.get(store).is_some_and(|s| s.rebuild.is_some()) {
            self.poll_in(store, if designed { POLL_DESIGNED } else { POLL_SHIPPED });
        }
    }

    fn begin_rebuild_task(&mut self, store: usize) {
        let Some(sr) = self.stores.get(store).filter(|s| s.rebuild.is_none()).map(|s| s.r.clone()) else { return };
        let task = self.new_task("SR Recovering", sr.as_str(), Some(self.coordinator), None);
        if let Some(s) = self.stores.get_mut(store) {
            s.rebuild = Some(task);
        }
        self.refresh_all_ops();
    }

    /// The task that shows a rebuild ends, because the rebuild did or because nobody looks any more.
    pub(super) fn end_rebuild_task(&mut self, store: usize) {
        let Some(task) = self.stores.get_mut(store).and_then(|s| s.rebuild.take()) else { return };
        if self.designed() {
            self.end_task(&task, Ok(Value::Void));
        } else {
            self.drop_task(&task);
        }
        self.refresh_all_ops();
    }

    /// Why storage forbids taking this host down, as xapi believes.
    pub(super) fn storage_forbids(&self, host: usize) -> Option<Failure> {
        let trouble = self.stores.iter().filter(|s| s.mirror.is_some()).find(|s| {
            if self.designed() {
                s.pbds.iter().any(|p| p.host == host) && self.designed_trouble(s)
            } else {
                s.rebuild.is_some() && s.pbds.iter().any(|p| p.attached)
            }
        })?;
        let code = if self.designed() { "MIRROR_REBUILD_IN_PROGRESS" } else { "CLUSTERED_SR_DEGRADED" };
        Some(Failure::new(code, [trouble.r.as_str()]))
    }

    /// A host with a PBD for it is down or on its way, a mirror is rebuilt, or a node outside the pool is offline.
    fn designed_trouble(&self, store: &super::state::Store) -> bool {
        let down = |h: &Host| {
            !h.live || h.current.iter().any(|(_, op)| matches!(op, super::ops::HostOp::Reboot | super::ops::HostOp::Shutdown))
        };
        store.rebuild.is_some()
            || store.pbds.iter().any(|p| self.hosts.get(p.host).is_some_and(down))
            || store.mirror.as_ref().is_some_and(|m| m.outside_offline() > 0)
    }

    /// Whether any SR is aggregated local storage.
    pub(super) fn has_clustered(&self) -> bool {
        self.stores.iter().any(|s| s.mirror.is_some())
    }

    /// What the backend says of itself, in the designed dialect.
    pub(super) fn publish_backend(&mut self, store: usize) {
        let Some(s) = self.stores.get(store) else { return };
        let Some(mirror) = s.mirror.as_ref() else { return };
        let (good, all) = mirror.in_step();
        let offline = mirror.outside_offline();
        let state = match () {
            () if mirror.rebuilding() => "rebuilding",
            () if good < all || offline > 0 => "degraded",
            () => "healthy",
        };
        let r = s.r.clone();
        let pairs = [
            ("mirror_state", state.to_owned()),
            ("mirrors_in_step", format!("{good}/{all}")),
            ("nodes_offline", offline.to_string()),
        ];
        self.set_keys(&r, "sm_config", &pairs);
        self.refresh_all_ops();
    }
}
