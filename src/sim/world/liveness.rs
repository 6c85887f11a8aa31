//! Who is alive, as the coordinator believes it: heartbeats without HA, the live set with HA, and failover.
//!
//! Without HA a member that falls silent is believed alive for ten minutes more, checked every 30 s. With HA it is
//! declared dead after the time-out, fenced if it still runs, and its protected guests start elsewhere.

use super::aftermath::Note;
use super::state::{Power, Stage};
use super::truth::{Away, Cause};
use super::{Core, Due};
use crate::sim::api::Failure;
use crate::time::Time;
use std::collections::BTreeMap;
use std::time::Duration;

/// A member tickles, and the coordinator looks, this often.
pub const TICKLE: Duration = Duration::from_secs(30);
/// Silence after which a member is taken for dead without HA.
pub const ASSUMED_DEAD: Duration = Duration::from_secs(600);
/// How often the coordinator looks at the live set of HA.
const HA_MONITOR: Duration = super::xhad::MONITOR;

/// High availability, as far as the world needs it.
#[derive(Clone, Debug)]
pub struct Ha {
    /// Whether it is on.
    pub on: bool,
    /// Silence after which a host is fenced.
    pub timeout: Duration,
    /// `pool.ha_configuration`, as it was given.
    pub configuration: BTreeMap<String, String>,
    /// `pool.ha_host_failures_to_tolerate`.
    pub tolerates: i64,
    /// The SR of the statefile.
    pub statefile_sr: Option<usize>,
    /// The VDI of the statefile.
    pub statefile: Option<crate::xenapi::record::Ref>,
    /// The cluster stack that it uses; empty: none was used yet.
    pub stack: String,
    /// Who cannot write the statefile fences itself (xhad).
    pub watches_statefile: bool,
    /// Hosts that cannot write it, and since when.
    pub lost: BTreeMap<usize, Time>,
    /// Pairs of hosts that do not hear each other (the lower first), and since when.
    pub deaf: BTreeMap<(usize, usize), Time>,
    /// It was told that nobody can write the statefile.
    pub told: bool,
}

/// The first point of a grid at or after `at`.
pub(super) fn grid(at: Time, step: Duration) -> Time {
    let step = i64::try_from(step.as_millis()).unwrap_or(1).max(1);
    Time::from_millis(at.as_millis().div_euclid(step) * step + if at.as_millis().rem_euclid(step) == 0 { 0 } else { step })
}

impl Core {
    /// A host does not tickle any more: sets the timers that will notice.
    pub(super) fn not_heard(&mut self, host: usize) {
        let now = self.now;
        let Some(h) = self.hosts.get_mut(host) else { return };
        if h.heard.is_none() {
            // The last tickle was some time before the silence; each host has its own beat.
            let back = (host as u64 * 7919 + 1) % (TICKLE.as_millis() as u64);
            h.heard = Some(now - Duration::from_millis(back));
        }
        let life = h.life;
        if self.ha.on {
            let at = grid(now + self.ha.timeout, HA_MONITOR);
            self.timers.set(at, Due::HaCheck { host, life });
        } else {
            self.arm_dead_check(host);
        }
    }

    fn arm_dead_check(&mut self, host: usize) {
        let Some(heard) = self.hosts.get(host).and_then(|h| h.heard) else { return };
        let at = grid((heard + ASSUMED_DEAD).max(self.now), TICKLE);
        self.timers.set(at, Due::Silent { host });
    }

    /// The coordinator looks at who has been silent for long.
    pub(super) fn check_silent(&mut self, host: usize) {
        if self.ha.on || !self.coordinator_up() || host == self.coordinator {
            return;
        }
        let now = self.now;
        let Some(h) = self.hosts.get_mut(host) else { return };
        let Some(heard) = h.heard.filter(|_| h.live) else { return };
        let dead = now.since(heard) >= ASSUMED_DEAD;
        h.live = !dead;
        if !dead {
            self.arm_dead_check(host);
            return;
        }
        self.liveness_changed(host);
    }

    /// A host that was cut off tickles again.
    pub(super) fn heard_again(&mut self, host: usize) {
        // Without anybody to hear it, it is heard when the coordinator is back.
        let deaf = !self.coordinator_up() || (host != self.coordinator && self.is_cut(self.coordinator));
        let now = self.now;
        let Some(h) = self.hosts.get_mut(host).filter(|h| h.reachable()) else { return };
        if deaf {
            h.heard.get_or_insert(now);
            return;
        }
        h.heard = None;
        if !h.live {
            h.live = true;
            self.liveness_changed(host);
            self.consider_enabling(host);
        }
    }

    /// `host_metrics.live` of a host has changed: what follows from it.
    pub(super) fn liveness_changed(&mut self, host: usize) {
        self.write_liveness(host);
        // As shipped only that host is recomputed; the design asks for all of them.
        if self.designed() || !self.has_clustered() {
            self.refresh_all_ops();
        } else {
            self.refresh_host_ops(host);
        }
    }

    /// A host said hello: what xapi believed of its last life is over.
    pub(super) fn hello(&mut self, host: usize) {
        self.drop_tasks_of(host);
        for guest in 0..self.guests.len() {
            let Some(g) = self.guests.get_mut(guest) else { continue };
            if g.on == Some(host) && g.gone {
                g.gone = false;
                g.power = Power::Halted;
                g.on = None;
                g.busy = None;
                self.publish_guest(guest);
            }
        }
        self.publish_residents(host);
        self.publish_host(host);
        for store in 0..self.stores.len() {
            self.publish_pbd(store, host);
        }
        self.publish_links(host);
        self.write_liveness(host);
        self.publish_enabled(host);
        self.publish_mixed();
        self.refresh_all_ops();
        if self.ha.on {
            // What it reaches is written down when xapi looks the next time.
            self.timers.set(grid(self.now + Duration::from_millis(1), HA_MONITOR), Due::HaPeers);
        }
    }

    /// A host has booted: guests with `auto_poweron` start, if the pool has it too.
    pub(super) fn auto_power_on(&mut self, host: usize) {
        if self.db.map_get(&self.pool, "other_config", "auto_poweron") != Some("true") {
            return;
        }
        for guest in 0..self.guests.len() {
            if self.guests.get(guest).is_some_and(|g| g.autostart && g.power == Power::Halted && g.busy.is_none()) {
                // It may find no place; xapi then leaves it halted, and so do we.
                let _ = self.begin_start(guest, Some(host), None);
            }
        }
    }

    /// The coordinator's xapi is gone: sessions, tasks and jobs with it.
    pub(super) fn coordinator_gone(&mut self) {
        self.forget_sessions_and_tasks();
        if self.ha.on {
            let at = grid(self.now + self.ha.timeout, HA_MONITOR);
            if self.hosts.get(self.coordinator).is_some_and(|h| h.stage == Stage::Off || h.cut.is_some()) {
                self.timers.set(at, Due::Elect);
            }
        }
    }

    /// xapi starts on the coordinator: it believes nobody dead yet, and writes down what has happened meanwhile.
    pub(super) fn coordinator_starts(&mut self) {
        let now = self.now;
        for host in (0..self.hosts.len()).filter(|h| self.is_member(*h)).collect::<Vec<_>>() {
            let on = self.ha.on;
            let Some(h) = self.hosts.get_mut(host) else { continue };
            h.current.clear();
            if h.leaving.is_none() && h.heard.is_some() {
                h.heard = Some(now);
            }
            if on && host != self.coordinator {
                h.enabled = false;
            }
        }
        self.forget_sessions_and_tasks();
        self.publish_everything();
        for host in 0..self.hosts.len() {
            let Some(h) = self.hosts.get(host) else { continue };
            if let Some(leaving) = h.leaving.clone() {
                // Its task went with the tasks; the machine goes down all the same.
                if let Some(h) = self.hosts.get_mut(host) {
                    h.current.retain(|(task, _)| *task != leaving.task);
                }
            } else if h.heard.is_some() && h.live {
                self.arm_dead_check(host);
            } else if h.reachable() && host != self.coordinator {
                self.consider_enabling(host);
            }
        }
        if !self.is_cut(self.coordinator) {
            // Members that are well are heard again at their next tickle.
            for host in 0..self.hosts.len() {
                let Some(life) = self.hosts.get(host).filter(|h| h.reachable() && h.heard.is_some()).map(|h| h.life) else {
                    continue;
                };
                self.timers.set(now + Duration::from_secs(1 + host as u64 % 8), Due::Tickle { host, life });
            }
        }
        self.publish_mixed();
        self.poll_all_storage();
        self.cluster_watch();
    }

    // ---- HA ----

    /// A host has been silent for the time-out of HA, unless it came back.
    pub(super) fn ha_check(&mut self, host: usize, life: u32) {
        let Some(h) = self.hosts.get(host).filter(|h| h.life == life) else { return };
        if !self.ha.on || h.heard.is_none() {
            return;
        }
        if h.stage != Stage::Off && h.cut.is_some() && self.has_rules() {
            // Whether it dies is for its kernel to say, or for its xhad.
            self.timers.set(self.now + HA_MONITOR, Due::HaCheck { host, life });
            return;
        }
        if h.stage != Stage::Off && h.cut.is_some() {
            // It still runs, cut off: it fences itself, and the machine starts again.
            self.fenced(host);
            self.power_off(host, true);
            self.power_up(host);
        }
        if host == self.coordinator {
            self.elect();
        } else if self.coordinator_up() {
            self.declare_dead(host);
        }
    }

    /// Whether the stack of HA decides by rules of its own who lives.
    fn has_rules(&self) -> bool {
        matches!(self.ha.stack.as_str(), "xhad" | super::o2cb::STACK)
    }

    pub(super) fn declare_dead(&mut self, host: usize) {
        let Some(h) = self.hosts.get_mut(host) else { return };
        if !h.live {
            return;
        }
        h.live = false;
        h.enabled = false;
        let (uuid, silent) = (h.uuid.clone(), h.silent || h.cut.is_some());
        if silent {
            self.message("HA_HOST_FAILED", 3, "Host", &uuid, "");
        }
        self.note_of(self.coordinator, host, |peer| Note::Dead { peer });
        self.publish_enabled(host);
        self.liveness_changed(host);
        self.ha_peers();
        let mut lost: Vec<usize> = (0..self.guests.len())
            .filter(|g| self.guests.get(*g).is_some_and(|g| g.on == Some(host) && (g.gone || g.is_active())))
            .collect();
        // Protected ones first.
        lost.sort_by_key(|g| {
            self.guests.get(*g).map_or(2, |g| match g.ha.as_str() {
                "restart" => 0,
                "best-effort" => 1,
                _ => 2,
            })
        });
        for guest in lost {
            let Some(g) = self.guests.get_mut(guest) else { continue };
            g.gone = false;
            g.power = Power::Halted;
            g.on = None;
            g.busy = None;
            let (protected, uuid) = (!g.ha.is_empty(), g.uuid.to_string());
            self.publish_guest(guest);
            if protected && self.begin_start(guest, None, None).is_err() {
                // No place for it: it stays halted.
                self.message("HA_PROTECTED_VM_RESTART_FAILED", 2, "VM", &uuid, "");
            }
        }
        self.publish_residents(host);
    }

    /// The coordinator is gone under HA: the first host that lives takes over.
    pub(super) fn elect(&mut self) {
        let old = self.coordinator;
        if !self.ha.on || self.hosts.get(old).is_some_and(super::state::Host::reachable) {
            return;
        }
        let Some(new) =
            (0..self.hosts.len()).find(|h| *h != old && self.hosts.get(*h).is_some_and(super::state::Host::reachable))
        else {
            // Nobody can: try again later.
            self.timers.set(self.now + HA_MONITOR, Due::Elect);
            return;
        };
        if self.hosts.get(old).is_some_and(|h| h.stage != Stage::Off && h.cut.is_some()) && self.has_rules() {
            // It may live yet: whoever decides that has not done so.
            self.timers.set(self.now + HA_MONITOR, Due::Elect);
            return;
        }
        if self.hosts.get(old).is_some_and(|h| h.stage != Stage::Off && h.cut.is_some()) {
            // It has lost the others, so it fences itself.
            self.fenced(old);
            self.power_off(old, true);
            self.power_up(old);
        }
        self.take_over(new);
        self.declare_dead(old);
    }

    /// `new` is the coordinator from now on, with the database as it was.
    pub(super) fn take_over(&mut self, new: usize) {
        self.coordinator = new;
        self.recentre();
        self.publish_coordinator();
        self.coordinator_starts();
        let uuid = self.hosts.get(new).map(|h| h.uuid.clone()).unwrap_or_default();
        self.message("POOL_MASTER_TRANSITION", 4, "Host", &uuid, "");
        if let Some(h) = self.hosts.get_mut(new) {
            h.live = true;
        }
        self.write_liveness(new);
        for host in 0..self.hosts.len() {
            self.consider_enabling(host);
        }
    }

    /// An orderly shutdown disarms HA first, so that nobody takes it for a failure.
    pub(super) fn disarm_ha(&mut self, host: usize) {
        if let Some(h) = self.hosts.get_mut(host) {
            h.silent = false;
        }
    }

    /// Writes which hosts hear each other and reach the statefile.
    pub(super) fn ha_peers(&mut self) {
        for host in 0..self.hosts.len() {
            self.publish_ha_peers(host);
        }
    }

    /// It goes down because HA says so.
    fn fenced(&mut self, host: usize) {
        let now = self.now;
        if let Some(h) = self.hosts.get_mut(host) {
            h.away.get_or_insert(Away { since: now, cause: Cause::Fence });
        }
    }

    /// `pool.enable_ha`.
    pub(super) fn enable_ha(
        &mut self,
        store: usize,
        timeout: Duration,
        configuration: BTreeMap<String, String>,
        stack: &str,
    ) -> Result<(), Failure> {
        if self.ha.on {
            return Err(Failure::bare("HA_IS_ENABLED"));
        }
        if let Some(h) = self.hosts.iter().find(|h| h.member() && !h.live) {
            return Err(Failure::new("HOST_OFFLINE", [h.r.as_str()]));
        }
        if let Some(h) = self.hosts.iter().find(|h| h.member() && !h.reachable()) {
            return Err(Failure::new("CANNOT_CONTACT_HOST", [h.r.as_str()]));
        }
        let Some(s) = self.stores.get(store) else { return Err(Failure::bare("CANNOT_CREATE_STATE_FILE")) };
        self.fits_statefile(store, stack)?;
        if s.pbds.is_empty() {
            return Err(Failure::new("SR_HAS_NO_PBDS", [s.r.as_str()]));
        }
        if !s.shared || !matches!(s.kind.as_str(), "lvmoiscsi" | "lvmohba" | "nfs" | "gfs2" | super::o2cb::KIND) {
            return Err(Failure::new("SR_OPERATION_NOT_SUPPORTED", [s.r.as_str()]));
        }
        if self.hosts.iter().enumerate().any(|(h, host)| host.member() && !s.pbds.iter().any(|p| p.host == h && p.attached)) {
            return Err(Failure::bare("HA_HOST_CANNOT_ACCESS_STATEFILE"));
        }
        let (sr, uuid) = (s.r.clone(), s.uuid.clone());
        self.ha.on = true;
        self.ha.timeout = timeout;
        self.ha.configuration = configuration;
        self.ha.statefile_sr = Some(store);
        stack.clone_into(&mut self.ha.stack);
        self.ha.statefile = Some(self.make_statefile(&sr, &uuid));
        self.publish_ha();
        self.ha_peers();
        self.xhad_look();
        Ok(())
    }

    /// `pool.disable_ha`.
    pub(super) fn disable_ha(&mut self) -> Result<(), Failure> {
        if !self.ha.on {
            return Err(Failure::bare("HA_NOT_ENABLED"));
        }
        self.ha.on = false;
        self.ha.told = false;
        self.xhad_look();
        self.ha.statefile_sr = None;
        if let Some(vdi) = self.ha.statefile.take() {
            self.remove_statefile(&vdi);
        }
        self.publish_ha();
        self.ha_peers();
        for host in 0..self.hosts.len() {
            if self.hosts.get(host).is_some_and(|h| h.heard.is_some() && h.live) {
                self.arm_dead_check(host);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_rounds_up() {
        assert_eq!(grid(Time::from_secs(31), TICKLE), Time::from_secs(60));
        assert_eq!(grid(Time::from_secs(60), TICKLE), Time::from_secs(60));
    }
}
