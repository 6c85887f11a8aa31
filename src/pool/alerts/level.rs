//! Whether what an alert speaks of is still so, by what is known now.

use super::Own;
use super::body;
use crate::pool::picture::{Health, PathKind, Stage};
use crate::pool::words;
use crate::time::Time;
use crate::xenapi::record::{Message, Ref, RefMap, RefSet};

/// What is known now of one host, as far as alerts speak of it.
#[derive(Clone, Debug, Default)]
pub struct HostLevel {
    /// Its name.
    pub name: String,
    /// Its uuid.
    pub uuid: String,
    /// What it is doing.
    pub stage: Stage,
    /// How far its clock is off the coordinator's, in seconds, and the most that this is wrong by.
    pub skew: Option<(f64, f64)>,
    /// Its PBDs that are not plugged.
    pub unplugged: usize,
    /// Whether its cluster has it as a living member; `None` if it is in none.
    pub member: Option<bool>,
    /// Whether HA says that it lost its statefile; `None` without HA.
    pub statefile_lost: Option<bool>,
    /// Whether a fence by o2cb is near.
    pub fence_near: bool,
}

/// What is known now.
#[derive(Clone, Debug, Default)]
pub struct Levels {
    /// The moment.
    pub now: Time,
    /// Hosts.
    pub hosts: RefMap<HostLevel>,
    /// Paths: host, kind, source and how they are.
    pub paths: Vec<(Ref, PathKind, Ref, Health)>,
    /// Rebuild tasks that run.
    pub rebuilding: RefSet,
    /// Whether HA is on, overcommitted, and can survive fewer failures than it should.
    pub ha: (bool, bool, bool),
    /// Whether a cluster has no member to spare.
    pub cluster_tight: Option<bool>,
    /// When each host's certificate expires, earliest.
    pub certificates: RefMap<Time>,
    /// Whether our connection is live.
    pub connected: bool,
}

impl Levels {
    /// The name of a host.
    pub fn name_of(&self, host: &Ref) -> String {
        self.hosts.get(host).map(|h| h.name.clone()).unwrap_or_default()
    }

    /// The name of a host by its uuid; the uuid itself if it is not known.
    pub fn name_of_uuid(&self, uuid: &str) -> String {
        self.hosts.values().find(|h| h.uuid == uuid).map_or_else(|| words::name(uuid), |h| h.name.clone())
    }

    /// Whether something that we saw ourselves still is so; `None` for events without a level.
    pub fn own(&self, own: &Own) -> Option<bool> {
        let host = own.host.as_ref().and_then(|h| self.hosts.get(h));
        match own.name {
            "host-silent" => Some(host.is_some_and(|h| h.stage == Stage::Silent)),
            "host-down" => Some(host.is_some_and(|h| h.stage == Stage::Down)),
            "path-lost" => {
                let matter = own.matter.as_ref()?;
                Some(self.paths.iter().any(|(_, _, source, health)| source == matter && *health >= Health::Degraded))
            }
            "clock-skew" => {
                Some(host.and_then(|h| h.skew).is_some_and(|(skew, error)| skew.abs() - error > crate::pool::limits::SKEW_S))
            }
            "rebuild-began" => Some(own.matter.as_ref().is_some_and(|m| self.rebuilding.contains(m))),
            "link-lost" => Some(!self.connected),
            "statefile-lost" => host?.statefile_lost,
            "fence-near" => Some(host.is_some_and(|h| h.fence_near)),
            _ => None,
        }
    }

    /// Whether what a message of xapi's speaks of still is so; `None` for events, and where it cannot be told.
    pub fn message(&self, message: &Message, object: Option<&Ref>, at: Time) -> Option<bool> {
        let host = object.and_then(|r| self.hosts.get(r));
        match &*message.name {
            "MULTIPATH_PERIODIC_ALERT" => {
                let maps = body::multipath(&message.body);
                let bad = |uuid: Option<&str>| {
                    let mut known = false;
                    let bad = self
                        .paths
                        .iter()
                        .filter(|(_, kind, ..)| matches!(kind, PathKind::Multipath | PathKind::Boot))
                        .filter(|(host, ..)| uuid.is_none_or(|u| self.hosts.get(host).is_some_and(|h| h.uuid == u)))
                        .inspect(|_| known = true)
                        .any(|(.., health)| *health >= Health::Degraded);
                    known.then_some(bad)
                };
                if maps.is_empty() { bad(None) } else { maps.iter().filter_map(|m| bad(Some(m.host))).reduce(|a, b| a || b) }
            }
            "BOND_STATUS_CHANGED" | "HA_NETWORK_BONDING_ERROR" => {
                let object = object?;
                self.paths
                    .iter()
                    .filter(|(host, kind, ..)| host == object && *kind == PathKind::Bond)
                    .map(|(.., health)| *health >= Health::Degraded)
                    .reduce(|a, b| a || b)
            }
            "HA_STATEFILE_LOST" => self.hosts.values().filter_map(|h| h.statefile_lost).reduce(|a, b| a && b),
            "HA_POOL_OVERCOMMITTED" => Some(self.ha.0 && self.ha.1),
            "HA_POOL_DROP_IN_PLAN_EXISTS_FOR" => Some(self.ha.0 && self.ha.2),
            "HA_HOST_FAILED" => host.map(|h| !matches!(h.stage, Stage::Live | Stage::Back | Stage::Disabled)),
            "HOST_CLOCK_SKEW_DETECTED" => {
                // xapi says it at 300 s and re-arms below 150 s.
                let (skew, error) = host?.skew?;
                Some(skew.abs() - error > 150.0)
            }
            "CLUSTER_HOST_LEAVING" => host?.member.map(|alive| !alive),
            "CLUSTER_QUORUM_APPROACHING_LOST" => self.cluster_tight,
            "PBD_PLUG_FAILED_ON_SERVER_START" => host.map(|h| h.unplugged > 0),
            name if name.starts_with("HOST_SERVER_CERTIFICATE_EXPIR") => {
                let end = *self.certificates.get(object?)?;
                let days = match name.rsplit('_').next() {
                    Some("30") => 30,
                    Some("14") => 14,
                    Some("07") => 7,
                    _ => 0,
                };
                Some(end <= self.now + std::time::Duration::from_secs(days * 86_400) && at <= self.now)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::alerts::Own;

    #[test]
    fn an_edge_is_told_with_its_level() {
        let host = Ref::from("h");
        let mut levels = Levels::default();
        levels.hosts.insert(host.clone(), HostLevel { uuid: "u1".into(), stage: Stage::Live, ..HostLevel::default() });
        let message = |name: &str, body: &str| Message { name: name.into(), body: body.into(), ..Message::default() };
        let line = message("MULTIPATH_PERIODIC_ALERT", "Unhealthy paths:\n[t] host=u1; scsi_id=a; current=1; max=2\n");
        assert_eq!(levels.message(&line, None, Time::EPOCH), None, "nothing is known of paths");
        levels.paths.push((host.clone(), PathKind::Multipath, "pbd".into(), Health::Good));
        assert_eq!(levels.message(&line, None, Time::EPOCH), Some(false));
        levels.paths.push((host.clone(), PathKind::Multipath, "pbd2".into(), Health::Degraded));
        assert_eq!(levels.message(&line, None, Time::EPOCH), Some(true));
        assert_eq!(levels.message(&message("HA_HOST_FAILED", ""), Some(&host), Time::EPOCH), Some(false));
        assert_eq!(levels.message(&message("VM_CRASHED", ""), Some(&host), Time::EPOCH), None);
        let own = Own::host(Time::EPOCH, "path-lost", Health::Degraded, &host, String::new()).about(&"pbd2".into());
        assert_eq!(levels.own(&own), Some(true));
    }
}
