//! Paths to LUNs and links of bonds: what fails, and how xapi and its monitors tell.

use super::aftermath::{self, Note};
use super::fault::{Cut, FaultError};
use super::{Core, Due};
use std::fmt::Write as _;
use std::time::Duration;

/// The multipath monitor speaks at most this often.
const ALERT_EVERY: Duration = Duration::from_secs(120);

impl Core {
    /// Sets how many paths a host has to a LUN, or to all of its LUNs. Returns how many LUNs changed.
    pub(super) fn set_paths(
        &mut self,
        host: usize,
        lun: Option<&str>,
        wanted: impl Fn(u8, u8) -> u8,
        errors: bool,
    ) -> Result<usize, FaultError> {
        let mut changed = Vec::new();
        let mut known = Vec::new();
        for (store, s) in self.stores.iter_mut().enumerate() {
            let luns = &s.luns;
            for pbd in s.pbds.iter_mut().filter(|p| p.host == host) {
                for (at, (spec, up)) in luns.iter().zip(&mut pbd.up).enumerate() {
                    known.push(spec.scsi_id.clone());
                    if lun.is_some_and(|l| l != spec.scsi_id) {
                        continue;
                    }
                    let new = wanted(*up, spec.paths).min(spec.paths);
                    pbd.errors = errors && new == 0;
                    if new != *up {
                        changed.push((store, at, *up, new));
                        *up = new;
                    }
                }
            }
        }
        if let Some(name) = lun.filter(|l| !known.iter().any(|k| k == l)) {
            let known = if known.is_empty() { "none on this host".to_owned() } else { known.join(", ") };
            return Err(FaultError::NoSuch { kind: "LUN", name: name.to_owned(), known });
        }
        for (store, at, was, now) in &changed {
            self.publish_path(*store, host, *at);
            self.note_path_event(*store, host, *at);
            let lun = u16::from(aftermath::tiny(*at));
            let errors = errors && *now == 0;
            self.note_of(host, *store, |store| Note::Paths { store, lun, was: *was, now: *now, errors });
        }
        self.note_load(host);
        self.o2cb_look();
        Ok(changed.len())
    }

    fn path_line(&self, store: usize, host: usize, lun: usize) -> Option<String> {
        let s = self.stores.get(store)?;
        let pbd = s.pbds.iter().find(|p| p.host == host)?;
        let h = self.hosts.get(host)?;
        let spec = s.luns.get(lun)?;
        Some(format!(
            "[{}] host={}; host-name=\"{}\"; pbd={}; scsi_id={}; current={}; max={}",
            self.now.to_xapi(),
            h.uuid,
            h.name,
            pbd.uuid,
            spec.scsi_id,
            pbd.up.get(lun)?,
            spec.paths
        ))
    }

    fn note_path_event(&mut self, store: usize, host: usize, lun: usize) {
        let Some(line) = self.path_line(store, host, lun) else { return };
        self.path_events.push(line);
        self.path_events.truncate(200);
        if !self.alert_armed {
            self.alert_armed = true;
            let at = self.last_alert.map_or(self.now, |last| (last + ALERT_EVERY).max(self.now)) + Duration::from_secs(2);
            self.timers.set(at, Due::PathAlert);
        }
    }

    /// `MULTIPATH_PERIODIC_ALERT`.
    pub(super) fn path_alert(&mut self) {
        self.alert_armed = false;
        self.last_alert = Some(self.now);
        let mut unhealthy = Vec::new();
        for (store, s) in self.stores.iter().enumerate() {
            for pbd in s.pbds.iter().filter(|p| p.attached) {
                for (lun, (spec, up)) in s.luns.iter().zip(&pbd.up).enumerate() {
                    if *up < spec.paths {
                        unhealthy.extend(self.path_line(store, pbd.host, lun));
                    }
                }
            }
        }
        let mut body = String::from("Unhealthy paths:\n");
        for line in unhealthy {
            let _ = writeln!(body, "{line}");
        }
        body.push_str("Events received during the last 120 seconds:\n");
        for line in self.path_events.drain(..) {
            let _ = writeln!(body, "{line}");
        }
        let pool = self.pool_uuid.clone();
        self.message("MULTIPATH_PERIODIC_ALERT", 3, "Pool", &pool, body.trim_end());
    }

    /// Sets the carrier of a host's links: all of them, or one by device.
    pub(super) fn set_links(&mut self, host: usize, device: Option<&str>, up: bool, all: bool) -> Result<usize, FaultError> {
        let Some(h) = self.hosts.get_mut(host) else { return Ok(0) };
        if let Some(name) = device.filter(|d| !h.links.iter().any(|l| l.device == *d)) {
            let known = h.links.iter().map(|l| l.device.clone()).collect::<Vec<_>>().join(", ");
            return Err(FaultError::NoSuch { kind: "link", name: name.to_owned(), known });
        }
        let was = h.links.iter().filter(|l| l.up).count();
        let total = h.links.len();
        let matches = |l: &super::state::Link| l.up != up && device.is_none_or(|d| d == l.device);
        // Without a name the last link fails first: the first often carries the management address.
        let mut changed = 0;
        let mut notes = Vec::new();
        for (device, link) in h.links.iter_mut().enumerate().rev().filter(|(_, link)| matches(link)) {
            link.up = up;
            notes.push(Note::Link { device: aftermath::tiny(device), up });
            changed += 1;
            if !all {
                break;
            }
        }
        let now_up = h.links.iter().filter(|l| l.up).count();
        let name = h.links.iter().map(|l| l.device.as_str()).collect::<Vec<_>>().join("+");
        let (uuid, bonded, cut) = (h.uuid.clone(), h.bond.is_some(), h.cut);
        for note in notes {
            self.note_at(host, note);
        }
        if changed > 0 {
            self.note_load(host);
            if now_up == 0 && cut.is_none() {
                self.cut_off(host, Cut::Network);
            } else if now_up > 0 && was == 0 && cut == Some(Cut::Network) {
                self.heal(host);
            }
            self.publish_links(host);
            if bonded {
                self.message(
                    "BOND_STATUS_CHANGED",
                    3,
                    "Host",
                    &uuid,
                    &format!("The status of the {name} bond changed: {now_up}/{total} up (was {was}/{total})"),
                );
            }
        }
        Ok(changed)
    }

    /// A running host is cut off from the others.
    pub(super) fn cut_off(&mut self, host: usize, what: Cut) {
        let Some(h) = self.hosts.get_mut(host) else { return };
        if h.cut.is_some() {
            h.cut = Some(what);
            self.o2cb_look();
            return;
        }
        h.cut = Some(what);
        h.cluster_up = false;
        self.o2cb_look();
        self.storage_node(host, false);
        self.not_heard(host);
        self.abort_moves_of(host);
        self.cluster_watch();
        if host == self.coordinator {
            self.coordinator_cut();
        }
    }

    /// It is connected again.
    pub(super) fn heal(&mut self, host: usize) {
        let Some(h) = self.hosts.get_mut(host) else { return };
        let cut = h.cut.take();
        if cut.is_none() || !h.runs() {
            return;
        }
        if cut != Some(Cut::Side) {
            for link in &mut h.links {
                link.up = true;
            }
        }
        let joined = h.xapi_up();
        h.cluster_up = joined && self.has_cluster;
        self.o2cb_look();
        self.publish_links(host);
        if joined {
            self.storage_node(host, true);
            let life = self.hosts.get(host).map_or(0, |h| h.life);
            // Heard at its next tickle.
            let wait = Duration::from_secs(1 + self.rng.u64(0..8));
            self.timers.set(self.now + wait, Due::Tickle { host, life });
        }
        if host == self.coordinator {
            for other in (0..self.hosts.len()).filter(|h| self.is_member(*h)).collect::<Vec<_>>() {
                let life = self.hosts.get(other).map_or(0, |h| h.life);
                self.timers.set(self.now + Duration::from_secs(2), Due::Tickle { host: other, life });
            }
        }
        self.cluster_watch();
    }

    /// The coordinator is cut off: it does not hear the members any more. With HA the others see to it.
    pub(super) fn coordinator_cut(&mut self) {
        if self.ha.on {
            return;
        }
        for other in (0..self.hosts.len()).filter(|h| self.is_member(*h)).collect::<Vec<_>>() {
            if other != self.coordinator && self.hosts.get(other).is_some_and(|h| h.heard.is_none()) {
                self.not_heard(other);
            }
        }
    }
}
