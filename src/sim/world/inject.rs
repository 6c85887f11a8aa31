//! Faults done to the world.

use super::fault::{Cut, Fault, FaultError, Loss};
use super::state::{Power, Stage};
use super::{Core, Due};
use std::time::Duration;

impl Core {
    pub(super) fn named_host(&self, name: &str) -> Result<usize, FaultError> {
        let found = self.hosts.iter().position(|h| h.member() && (h.name == name || h.uuid == name));
        found.ok_or_else(|| FaultError::NoSuch {
            kind: "host",
            name: name.to_owned(),
            known: self.hosts.iter().filter(|h| h.member()).map(|h| h.name.clone()).collect::<Vec<_>>().join(", "),
        })
    }

    pub(super) fn named_guest(&self, name: &str) -> Result<usize, FaultError> {
        let found = self.guests.iter().position(|g| &*g.name == name || &*g.uuid == name);
        found.ok_or_else(|| {
            let mut known: Vec<&str> = self.guests.iter().take(8).map(|g| &*g.name).collect();
            if self.guests.len() > known.len() {
                known.push("…");
            }
            FaultError::NoSuch { kind: "guest", name: name.to_owned(), known: known.join(", ") }
        })
    }

    /// The mirrored SR that is meant: the named one, or the first.
    fn named_mirror(&self, name: Option<&str>) -> Result<usize, FaultError> {
        let mirrored = || self.stores.iter().enumerate().filter(|(_, s)| s.mirror.is_some());
        let found = mirrored().find(|(_, s)| name.is_none_or(|n| n == s.name || n == s.uuid)).map(|(at, _)| at);
        found.ok_or_else(|| match name {
            None => FaultError::NotNow("this pool has no aggregated local storage, so nothing to rebuild".into()),
            Some(name) => FaultError::NoSuch {
                kind: "mirrored SR",
                name: name.to_owned(),
                known: mirrored().map(|(_, s)| s.name.clone()).collect::<Vec<_>>().join(", "),
            },
        })
    }

    fn running(&self, host: usize) -> Result<String, FaultError> {
        match self.hosts.get(host) {
            Some(h) if h.stage >= Stage::Post => Ok(h.name.clone()),
            Some(h) => Err(FaultError::NotNow(format!("{} is off already; `power-on host={}` starts it", h.name, h.name))),
            None => Err(FaultError::NotNow("there is no such host".into())),
        }
    }

    /// Does a fault. What it did, in words.
    pub(super) fn inject(&mut self, fault: Fault) -> Result<String, FaultError> {
        let now = self.now;
        match fault {
            Fault::Crash { host } => {
                let host = self.named_host(&host)?;
                let name = self.running(host)?;
                self.dies_of(host, super::aftermath::Death::Power);
                self.power_off(host, true);
                Ok(format!("{name} has crashed and stays dead"))
            }
            Fault::Reset { host } => {
                let host = self.named_host(&host)?;
                let name = self.running(host)?;
                self.dies_of(host, super::aftermath::Death::Power);
                self.power_off(host, true);
                self.power_up(host);
                Ok(format!("{name} has crashed and boots again"))
            }
            Fault::KernelBug { host, how } => {
                let host = self.named_host(&host)?;
                let name = self.running(host)?;
                self.panics(host, super::aftermath::Death::Bug(how));
                Ok(format!(
                    "{name} has crashed of a fault in its {}",
                    if how == super::Bug::Xen { "hypervisor" } else { "kernel" }
                ))
            }
            Fault::PowerOn { host } => {
                let host = self.named_host(&host)?;
                let Some(h) = self.hosts.get(host).filter(|h| h.stage == Stage::Off) else {
                    return Err(FaultError::NotNow("it is on already".into()));
                };
                let name = h.name.clone();
                self.power_up(host);
                Ok(format!("{name} boots"))
            }
            Fault::CutOff { host, what } => {
                let host = self.named_host(&host)?;
                let name = self.running(host)?;
                self.cut_off(host, what);
                let from = if what == Cut::All { "network and storage" } else { "the network" };
                Ok(format!("{name} is cut off from {from}"))
            }
            Fault::Heal { host } => {
                let host = self.named_host(&host)?;
                if self.hosts.get(host).is_none_or(|h| !matches!(h.cut, Some(Cut::Network | Cut::All))) {
                    return Err(FaultError::NotNow("it is not cut off".into()));
                }
                self.heal(host);
                self.recentre();
                self.o2cb_look();
                Ok(format!("{} is connected again", self.host_name(host)))
            }
            Fault::Split { groups, seat } => self.split(&groups, seat.as_deref()),
            Fault::Unsplit if self.unsplit() => Ok("the network is one again".into()),
            Fault::Unsplit => Err(FaultError::NotNow("the network is not split".into())),
            Fault::FailPath { host, lun, paths, how } => {
                let host = self.named_host(&host)?;
                let changed = self.set_paths(host, lun.as_deref(), |up, _| up.saturating_sub(paths), how == Loss::Error)?;
                Ok(format!("{} has fewer paths to {changed} LUNs", self.host_name(host)))
            }
            Fault::RepairPath { host, lun } => {
                let host = self.named_host(&host)?;
                let changed = self.set_paths(host, lun.as_deref(), |_, max| max, false)?;
                Ok(format!("{} has all paths again to {changed} LUNs", self.host_name(host)))
            }
            Fault::FailLink { host, link } => {
                let host = self.named_host(&host)?;
                let changed = self.set_links(host, link.as_deref(), false, false)?;
                Ok(format!("{changed} link of {} went down", self.host_name(host)))
            }
            Fault::RepairLink { host, link } => {
                let host = self.named_host(&host)?;
                let changed = self.set_links(host, link.as_deref(), true, true)?;
                Ok(format!("{changed} links of {} came up", self.host_name(host)))
            }
            Fault::RestartToolstack { host } => {
                let host = host.map_or(Ok(self.coordinator), |h| self.named_host(&h))?;
                if self.hosts.get(host).is_none_or(|h| !h.xapi_up()) {
                    return Err(FaultError::NotNow("xapi does not run there".into()));
                }
                self.restart_toolstack(host);
                Ok(format!("xapi restarts on {}", self.host_name(host)))
            }
            Fault::KillSessions => {
                self.kill_sessions();
                Ok("every session is gone".into())
            }
            Fault::StallRebuild { sr } => self.mirror_fault(sr.as_deref(), "stands still", |m| m.stall(now)),
            Fault::ResumeRebuild { sr } => self.mirror_fault(sr.as_deref(), "goes on", |m| m.resume(now)),
            Fault::RestartRebuild { sr } => self.mirror_fault(sr.as_deref(), "starts over", |m| m.restart(now)),
            Fault::LateRebuild { sr, by } => {
                self.mirror_fault(sr.as_deref(), &format!("will start {} s later next time", by.as_secs()), |m| m.late = by)
            }
            Fault::NodeOffline { sr, node } => self.outside_node(sr.as_deref(), &node, false),
            Fault::NodeOnline { sr, node } => self.outside_node(sr.as_deref(), &node, true),
            Fault::SkewClock { host, millis } => {
                let host = self.named_host(&host)?;
                if let Some(h) = self.hosts.get_mut(host) {
                    h.clock_ms = millis;
                }
                if millis.abs() >= 300_000 {
                    let uuid = self.hosts.get(host).map(|h| h.uuid.clone()).unwrap_or_default();
                    self.message("HOST_CLOCK_SKEW_DETECTED", 3, "Host", &uuid, "");
                }
                Ok(format!("the clock of {} is off by {} ms", self.host_name(host), millis))
            }
            Fault::LateEvents { by } => {
                self.late_until = now + by;
                self.timers.set(now + by, Due::Nothing);
                Ok(format!("changes are told {} s late", by.as_secs_f64()))
            }
            Fault::FailCall { method, code, params, times } => {
                let said = format!("the next {times} calls of {method} fail with {code}");
                self.traps.push(super::Trap {
                    method,
                    times,
                    how: super::How::Fail(crate::sim::api::Failure::new(&code, params)),
                });
                Ok(said)
            }
            Fault::TimeoutCall { method, times } => {
                let said = format!("the next {times} calls of {method} have their effect but no answer");
                self.traps.push(super::Trap { method, times, how: super::How::Silence });
                Ok(said)
            }
            Fault::BreakCall { method, code, params, times } => {
                let said = format!("the next {times} calls of {method} have their effect and answer {code}");
                let how = super::How::Break(crate::sim::api::Failure::new(&code, params));
                self.traps.push(super::Trap { method, times, how });
                Ok(said)
            }
            Fault::PauseGuest { vm } => self.pause_fault(&vm, true),
            Fault::UnpauseGuest { vm } => self.pause_fault(&vm, false),
            other => self.mischievous(other),
        }
    }

    fn pause_fault(&mut self, vm: &str, paused: bool) -> Result<String, FaultError> {
        let guest = self.named_guest(vm)?;
        let is = self.guests.get(guest).map_or(Power::Halted, |g| g.power);
        self.pause(guest, paused).map_err(|_| FaultError::NotNow(format!("{vm} is {}", is.name().to_lowercase())))?;
        Ok(format!("{vm} is {}", if paused { "paused" } else { "running again" }))
    }

    fn mirror_fault(
        &mut self,
        sr: Option<&str>,
        what: &str,
        act: impl Fn(&mut super::mirror::Mirror),
    ) -> Result<String, FaultError> {
        let store = self.named_mirror(sr)?;
        if let Some(mirror) = self.stores.get_mut(store).and_then(|s| s.mirror.as_mut()) {
            act(mirror);
        }
        self.arm_resyncs(store);
        self.backend_changed(store);
        Ok(format!("the rebuild of {} {what}", self.stores.get(store).map_or("", |s| s.name.as_str())))
    }

    fn outside_node(&mut self, sr: Option<&str>, name: &str, up: bool) -> Result<String, FaultError> {
        let store = self.named_mirror(sr)?;
        let nodes = self.stores.get(store).and_then(|s| s.mirror.as_ref()).map(super::mirror::Mirror::nodes).unwrap_or_default();
        let Some(node) = nodes.iter().position(|n| n.host.is_none() && n.name == name) else {
            let known: Vec<&str> = nodes.iter().filter(|n| n.host.is_none()).map(|n| n.name.as_str()).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(FaultError::NoSuch { kind: "storage node outside the pool", name: name.to_owned(), known });
        };
        if nodes.get(node).is_some_and(|n| n.up == up) {
            return Err(FaultError::NotNow(format!("{name} is {} already", if up { "online" } else { "offline" })));
        }
        if up {
            // It has the disks of other pools to bring up to date, too.
            if let Some(mirror) = self.stores.get_mut(store).and_then(|s| s.mirror.as_mut()) {
                let bytes = mirror.bandwidth * 60;
                mirror.add_extra(node, bytes);
            }
        }
        self.node(store, node, up);
        Ok(format!("storage node {name} is {}", if up { "back and resyncs" } else { "offline" }))
    }

    /// A host's name.
    pub(super) fn host_name(&self, host: usize) -> String {
        self.hosts.get(host).map(|h| h.name.clone()).unwrap_or_default()
    }

    /// A duration longer by up to `share` of `of`, by chance.
    pub(super) fn jitter(&mut self, share: f64, of: Duration) -> Duration {
        // Whole milliseconds, like all times here: a rest would never pass.
        Duration::from_millis((of.as_secs_f64() * 1000.0 * share * self.rng.f64()) as u64)
    }
}
