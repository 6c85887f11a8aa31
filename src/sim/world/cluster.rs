//! The corosync cluster of the hosts, as its coordinator's watcher writes it down.

use super::{Core, Due};
use crate::xenapi::record::Ref;
use std::time::Duration;

/// The watcher waits this long after a notification, for things to settle.
const STABILISE: Duration = Duration::from_secs(5);

/// The `Cluster`.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// Its reference.
    pub r: Ref,
}

impl Core {
    /// corosync notified the watcher.
    pub(super) fn cluster_watch(&mut self) {
        if self.has_cluster {
            self.timers.set(self.now + STABILISE, Due::ClusterWatch);
        }
    }

    /// A host joined or left in an orderly way: xapi knows at once.
    pub(super) fn cluster_changed_now(&mut self) {
        if self.has_cluster {
            self.cluster_update();
        }
    }

    /// Writes down who corosync sees.
    pub(super) fn cluster_update(&mut self) {
        if !self.has_cluster || !self.coordinator_up() {
            return;
        }
        // The watcher sees what its own host sees.
        let alone = self.is_cut(self.coordinator);
        let now = self.now;
        let mut left = Vec::new();
        let mut joined = Vec::new();
        for host in 0..self.hosts.len() {
            let coordinator = self.coordinator;
            let Some(h) = self.hosts.get_mut(host) else { continue };
            let live = h.cluster_up && h.runs() && (host == coordinator || (h.cut.is_none() && !alone));
            let name = h.name.clone();
            let uuid = h.uuid.clone();
            let Some(member) = &mut h.cluster else { continue };
            let changed = member.live != live;
            member.live = live;
            let (r, enabled) = (member.r.clone(), member.enabled);
            if changed {
                if live { &mut joined } else { &mut left }.push((uuid, name));
            }
            self.set(&r, "enabled", enabled);
            self.set(&r, "joined", true);
            let was = self.db.boolean(&r, "live");
            if was != live {
                self.set(&r, "live", live);
                self.set(&r, "last_update_live", now);
            }
        }
        let members: Vec<_> = self.hosts.iter().filter_map(|h| h.cluster.as_ref()).collect();
        let live = members.iter().filter(|m| m.live).count();
        let expected = members.iter().filter(|m| m.enabled).count();
        let quorum = expected / 2 + 1;
        let quorate = live >= quorum;
        let number = |n: usize| i64::try_from(n).unwrap_or(0);
        let Some(r) = self.cluster.as_ref().map(|c| c.r.clone()) else { return };
        self.set(&r, "live_hosts", number(live));
        self.set(&r, "expected_hosts", number(expected));
        self.set(&r, "quorum", number(quorum));
        self.set(&r, "is_quorate", quorate);
        for (name, priority, list) in [("CLUSTER_HOST_LEAVING", 3, &left), ("CLUSTER_HOST_JOINING", 4, &joined)] {
            let says = if name.ends_with("LEAVING") { "left" } else { "joined" };
            for (uuid, host) in list {
                let body = format!(
                    "<body><message>Host {host} has {says} the cluster</message><host>{host}</host><total_hosts>{expected}</total_hosts><quorum>{quorum}</quorum></body>"
                );
                self.message(name, priority, "Host", uuid, &body);
            }
        }
        if !left.is_empty() && live <= quorum {
            let pool = self.pool_uuid.clone();
            let body = format!(
                "<body><message>The cluster is losing quorum</message><live_hosts>{live}</live_hosts><quorum>{quorum}</quorum></body>"
            );
            self.message("CLUSTER_QUORUM_APPROACHING_LOST", 2, "Pool", &pool, &body);
        }
    }
}
