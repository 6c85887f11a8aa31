//! What alerts need to know to say whether they are still true.

use super::Known;
use crate::pool::Pool;
use crate::pool::alerts::{HostLevel, Levels};
use crate::pool::rebuild::Phase;
use crate::xenapi::record::{Ref, RefMap};

impl Pool {
    pub(in crate::pool) fn levels(&self, known: &Known) -> Levels {
        let record = self.tables.the_pool();
        let ha = record.is_some_and(|p| p.ha_enabled);
        let member = |host: &Ref| {
            let mut states = known.clusters().iter().filter(|c| !c.ha).flat_map(|c| c.hosts.iter().zip(&c.view.members));
            states.find(|(h, _)| *h == host).map(|(_, m)| m.state == "alive")
        };
        let mut hosts: RefMap<HostLevel> = RefMap::default();
        for ((r, name), state) in known.hosts().iter().zip(known.names()).zip(known.states()) {
            let level = HostLevel {
                name: name.clone(),
                uuid: self.tables.host(r).map(|h| h.uuid.to_string()).unwrap_or_default(),
                stage: state.stage,
                skew: known.skews().iter().find(|(h, _)| h == r).map(|(_, s)| (s.ahead, s.error)),
                unplugged: self.pbds(r).filter(|(_, p)| !p.currently_attached).count(),
                member: member(r),
                fence_near: known.margin(r).is_some_and(|m| m.level >= crate::o2cb::margin::Level::Amber),
                statefile_lost: ha.then(|| self.tracks.get(r).is_some_and(|t| t.statefile_lost.is_some())),
            };
            hosts.insert(r.clone(), level);
        }
        let mut certificates: RefMap<crate::time::Time> = RefMap::default();
        for (_, cert) in self.tables.certificates() {
            if let (Some(end), Some(host)) = (cert.not_after.0, cert.host.non_null()) {
                certificates.entry(host.clone()).and_modify(|e| *e = (*e).min(end)).or_insert(end);
            }
        }
        let tight = known.clusters().iter().filter(|c| !c.ha).map(|c| c.live <= c.quorum).reduce(|a, b| a || b);
        Levels {
            now: known.now,
            hosts,
            paths: known
                .paths()
                .iter()
                .filter_map(|p| Some((known.hosts().get(p.at)?.clone(), p.view.kind, p.source.clone(), p.view.health)))
                .collect(),
            rebuilding: self.rebuilds.iter().filter(|(_, r)| matches!(r.phase, Phase::Running)).map(|(t, _)| t.clone()).collect(),
            ha: record.map_or((false, false, false), |p| {
                (p.ha_enabled, p.ha_overcommitted, p.ha_plan_exists_for < p.ha_host_failures_to_tolerate)
            }),
            cluster_tight: tight,
            certificates,
            connected: known.unfit.is_none(),
        }
    }
}
