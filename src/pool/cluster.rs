//! Clusters and their members: corosync as the pool's database has it, xhad while HA is on.
//!
//! xapi writes a cluster's numbers on corosync's notice and every 5 minutes (`xapi_clustering.ml`); what xhad sees it
//! writes about every 20 s (`xapi_ha.ml`). o2cb has no records in shipped xapi: only the hosts' probes tell of it.

use super::Pool;
use super::picture::{ClusterView, Health, MemberView, Stage};
use super::words;
use crate::o2cb::live::Live;
use crate::time::Time;
use crate::xenapi::record::{Cluster, ClusterHost, Ref};
use std::collections::{BTreeMap, BTreeSet};

/// A cluster with what the gate needs to know of it.
#[derive(Clone, Debug)]
pub struct ClusterState {
    /// For the picture.
    pub view: ClusterView,
    /// The hosts of the members, in the order of the view's.
    pub hosts: Vec<Ref>,
    /// Living members.
    pub live: u32,
    /// Living members that it needs.
    pub quorum: u32,
    /// Whether it is shown as HA's own stack.
    pub ha: bool,
}

impl Pool {
    /// Clusters, with members in the order of `hosts`. `stages` are what the hosts are doing.
    pub(super) fn cluster_states(&self, hosts: &[Ref], stages: &[Stage]) -> Vec<ClusterState> {
        let mut refs: Vec<_> = self.tables.clusters().collect();
        refs.sort_by(|a, b| a.1.uuid.cmp(&b.1.uuid).then_with(|| a.0.cmp(b.0)));
        let o2cb = self.o2cb(hosts);
        let by_record = |c: &Cluster| &*c.cluster_stack != "o2cb" || o2cb.is_none();
        let mut out: Vec<ClusterState> =
            refs.into_iter().filter(|(_, c)| by_record(c)).map(|(r, c)| self.corosync(r, c, hosts)).collect();
        out.extend(self.xhad(hosts, stages));
        out.extend(o2cb);
        out
    }

    fn corosync(&self, r: &Ref, cluster: &Cluster, hosts: &[Ref]) -> ClusterState {
        let mut members: Vec<(usize, &ClusterHost)> = self
            .tables
            .cluster_hosts()
            .filter(|(_, m)| m.cluster == *r)
            .map(|(_, m)| (hosts.iter().position(|h| *h == m.host).unwrap_or(usize::MAX), m))
            .collect();
        members.sort_by_key(|(at, m)| (*at, m.host.clone()));
        let live_members = members.iter().filter(|(_, m)| m.enabled && m.live != Some(false)).count();
        let told = |n: Option<i64>| n.and_then(|n| u32::try_from(n).ok());
        // Before xapi 24.3 only enabled and joined are there: quorum is then a plain majority.
        let counted = u32::try_from(live_members).unwrap_or(u32::MAX);
        let live = told(cluster.live_hosts).unwrap_or(counted);
        let quorum = told(cluster.quorum).filter(|q| *q > 0).unwrap_or(u32::try_from(members.len() / 2 + 1).unwrap_or(u32::MAX));
        let knows = cluster.is_quorate.is_some();
        let (mut owners, mut views): (Vec<Ref>, Vec<MemberView>) =
            members.iter().map(|(_, m)| (m.host.clone(), self.member(m))).unzip();
        for (owner, view) in self.queried(cluster, hosts) {
            owners.push(owner);
            views.push(view);
        }
        let view = ClusterView {
            stack: words::name(&cluster.cluster_stack),
            quorate: cluster.is_quorate,
            may_fail: knows.then(|| live.saturating_sub(quorum)),
            quorum: Some(quorum),
            restart: self.restart(cluster),
            members: views,
            seen: members.iter().filter_map(|(_, m)| m.last_update_live.0).max().or(self.link.heard),
        };
        ClusterState { view, hosts: owners, live, quorum, ha: false }
    }

    /// The nodes of o2cb as the last `Cluster.query` had them, by number.
    fn queried(&self, cluster: &Cluster, hosts: &[Ref]) -> Vec<(Ref, MemberView)> {
        let one = |(key, value): (&str, &str)| {
            let id: u32 = key.strip_prefix("node_")?.parse().ok()?;
            let (word, name) = value.split_once(' ')?;
            let (state, health) = match word {
                "alive" => ("alive", Health::Good),
                "dead" => ("dead", Health::Failed),
                "excluded" => ("excluded", Health::Degraded),
                "left" => ("left", Health::Pending),
                _ => ("unknown", Health::Pending),
            };
            let owner = hosts.iter().find(|h| self.tables.host(h).is_some_and(|h| &*h.name_label == name)).cloned();
            Some((owner.unwrap_or_default(), MemberView { host: words::name(name), id: Some(id), state, health }))
        };
        let mut all: Vec<_> = cluster.other_config.iter().filter_map(one).collect();
        all.sort_by_key(|(_, view)| view.id);
        all
    }

    /// The hosts that need a restart of the stack, by name, as the last `Cluster.query` of each had it (their uuids, with commas).
    fn restart(&self, cluster: &Cluster) -> Vec<String> {
        let said = cluster.other_config.get("needs_restart").unwrap_or_default();
        let uuids = said.split(',').map(str::trim).filter(|uuid| !uuid.is_empty());
        let mut names: Vec<String> = uuids
            .map(|uuid| {
                self.tables.hosts().find(|(_, h)| &*h.uuid == uuid).map_or_else(|| words::name(uuid), |(r, _)| self.name_of(r))
            })
            .collect();
        names.sort_by(|a, b| words::natural(a, b));
        names
    }

    fn member(&self, m: &ClusterHost) -> MemberView {
        let (state, health) = match (m.enabled, m.joined, m.live) {
            (false, _, _) => ("disabled", Health::Pending),
            (true, false, _) => ("left", Health::Degraded),
            (true, true, Some(false)) => ("dead", Health::Failed),
            (true, true, Some(true)) => ("alive", Health::Good),
            (true, true, None) => ("unknown", Health::Pending),
        };
        MemberView { host: self.name_of(&m.host), id: None, state, health }
    }

    /// o2cb's cluster, as the probes of its nodes tell: who heartbeats by the eyes of those that do.
    fn o2cb(&self, hosts: &[Ref]) -> Option<ClusterState> {
        let now = self.at;
        let told: BTreeMap<&Ref, (Time, &Live)> = self.probes.o2cb(now).map(|(host, at, live)| (host, (at, live))).collect();
        let nodes: BTreeMap<u8, String> = told
            .values()
            .filter_map(|(_, live)| live.cluster())
            .flat_map(|c| &c.nodes)
            .filter_map(|n| Some((*n.num.get()?, n.name.clone())))
            .collect();
        if nodes.is_empty() {
            return None;
        }
        // What a majority of those that see anything see on disk.
        let sights: Vec<&BTreeSet<u8>> =
            told.values().filter_map(|(_, live)| live.live_nodes.get()).filter(|seen| !seen.is_empty()).collect();
        let beats = |number: u8| sights.iter().filter(|seen| seen.contains(&number)).count() * 2 > sights.len();
        let owner = |number: u8| hosts.iter().find(|h| told.get(h).is_some_and(|(_, live)| live.number() == Some(number)));
        let mut members = Vec::new();
        let mut owners = Vec::new();
        for (number, name) in &nodes {
            let (state, health) = if sights.is_empty() {
                ("unknown", Health::Pending)
            } else if beats(*number) {
                ("alive", Health::Good)
            } else {
                ("dead", Health::Failed)
            };
            let host = owner(*number).cloned().unwrap_or_default();
            let shown = Some(self.name_of(&host)).filter(|n| !n.is_empty()).unwrap_or_else(|| words::name(name));
            members.push(MemberView { host: shown, id: Some(u32::from(*number)), state, health });
            owners.push(host);
        }
        // What no heartbeat shows: who is out of it for good, or was left out of its configuration, by the last query of the cluster.
        let record = self.tables.clusters().map(|(_, cluster)| cluster).find(|cluster| &*cluster.cluster_stack == "o2cb");
        for (host, view) in record.map(|cluster| self.queried(cluster, hosts)).unwrap_or_default() {
            if !matches!(view.state, "excluded" | "left") {
                continue;
            }
            match members.iter_mut().find(|m| m.id == view.id) {
                Some(known) if known.state != "alive" => (known.state, known.health) = (view.state, view.health),
                Some(_) => {}
                None => {
                    members.push(view);
                    owners.push(host);
                }
            }
        }
        let live = u32::try_from(members.iter().filter(|m| m.state == "alive").count()).unwrap_or(u32::MAX);
        // Over the network the rule is about half of those that heartbeat: with the lowest number among them, half is enough.
        let quorum = live.div_ceil(2).max(1);
        let view = ClusterView {
            stack: "o2cb".into(),
            quorate: (!sights.is_empty()).then_some(live > 0),
            may_fail: (!sights.is_empty()).then(|| live.saturating_sub(1)),
            // Its rule is about who hears whom among those that beat, not about a number of living members.
            quorum: None,
            restart: record.map(|cluster| self.restart(cluster)).unwrap_or_default(),
            members,
            seen: told.values().map(|(at, _)| *at).max(),
        };
        Some(ClusterState { view, hosts: owners, live, quorum, ha: false })
    }

    /// HA's own liveset, as far as the records tell.
    fn xhad(&self, hosts: &[Ref], stages: &[Stage]) -> Option<ClusterState> {
        let pool = self.tables.the_pool().filter(|p| p.ha_enabled)?;
        if !pool.ha_cluster_stack.is_empty() && &*pool.ha_cluster_stack != "xhad" {
            return None;
        }
        let mut members = Vec::new();
        let mut live = 0u32;
        for (at, r) in hosts.iter().enumerate() {
            let doing = stages.get(at).copied().unwrap_or_default();
            let up = self.tracks.get(r).and_then(|t| t.live).is_some_and(|l| l.is);
            let disk = self.tables.host(r).is_some_and(|h| !h.ha_statefiles.is_empty());
            let (state, health) = match (doing, up, disk) {
                (Stage::Unknown, _, _) => ("unknown", Health::Pending),
                (Stage::Silent, _, _) | (_, false, _) => ("dead", Health::Failed),
                (_, true, false) => ("alive", Health::Degraded),
                (_, true, true) => ("alive", Health::Good),
            };
            live += u32::from(state == "alive");
            members.push(MemberView { host: self.name_of(r), id: None, state, health });
        }
        let quorum = u32::try_from(hosts.len() / 2 + 1).unwrap_or(u32::MAX);
        let view = ClusterView {
            stack: "xhad".into(),
            quorate: None,
            // xhad survives any number of failures that it plans for as long as the statefile is there.
            may_fail: u32::try_from(pool.ha_plan_exists_for).ok(),
            quorum: None,
            restart: Vec::new(),
            members,
            seen: self.link.heard,
        };
        Some(ClusterState { view, hosts: hosts.to_vec(), live, quorum, ha: true })
    }
}
