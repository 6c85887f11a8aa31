//! What changes of PBDs, bonds and network interfaces do to storage and paths.

use crate::pool::Pool;
use crate::pool::paths::Key;
use crate::pool::picture::PathKind;
use crate::time::Time;
use crate::xenapi::record::{Bond, Pbd, Pif, Ref};
use std::collections::HashMap;

impl Pool {
    pub(super) fn fold_pbd(&mut self, r: &Ref, new: &Pbd, old: Option<&Pbd>, at: Time) {
        if let Some(old) = old.filter(|o| o.host != new.host) {
            self.drop_pbd(r, &old.host);
        }
        self.pbds_of.entry(new.host.clone()).or_default().insert(r.clone());
        if new.currently_attached {
            self.detached.insert(r.clone(), None);
            for event in self.paths.maps(&new.host, r, &new.other_config, at) {
                self.tell_path(&event, at);
            }
        } else {
            self.paths.forget(r);
            if let Some(since) = self.detached.get_mut(r) {
                *since = since.or(Some(at));
            }
        }
        self.mark_ready(&new.host, at);
    }

    /// After all PBDs were read: a map whose key is gone has lost all its paths (sm's `mpathcount.py` takes the key away
    /// with the device), and who looks for the first time can only tell by the other hosts of the SR that it ever was.
    pub(super) fn missing_maps(&mut self, at: Time) {
        let mut of_sr: HashMap<&Ref, Vec<(&Ref, &Pbd)>> = HashMap::new();
        for (r, pbd) in self.tables.pbds().filter(|(_, p)| p.currently_attached) {
            of_sr.entry(&pbd.sr).or_default().push((r, pbd));
        }
        for pbds in of_sr.values() {
            let sources: Vec<&Ref> = pbds.iter().map(|(r, _)| *r).collect();
            for (id, total) in self.paths.totals(&sources) {
                for (r, pbd) in pbds.iter().filter(|(_, p)| p.other_config.get("multipathed") == Some("true")) {
                    let key = Key { host: pbd.host.clone(), kind: PathKind::Multipath, source: (*r).clone(), id: id.clone() };
                    self.paths.absent(key, total, at);
                }
            }
        }
    }

    pub(super) fn drop_pbd(&mut self, r: &Ref, host: &Ref) {
        self.paths.forget(r);
        self.detached.remove(r);
        if let Some(of) = self.pbds_of.get_mut(host) {
            of.remove(r);
            if of.is_empty() {
                self.pbds_of.remove(host);
            }
        }
    }

    pub(super) fn fold_pif(&mut self, r: &Ref, pif: &Pif, at: Time) {
        if !pif.physical {
            return;
        }
        self.pif_of.insert(pif.metrics.clone(), r.clone());
        if let Some(carrier) = self.tables.pif_metrics(&pif.metrics).map(|m| m.carrier) {
            self.fold_carrier(&pif.metrics, carrier, at);
        }
    }

    /// A carrier is as told. Slaves of a bond are counted by their bond.
    pub(super) fn fold_carrier(&mut self, metrics: &Ref, carrier: bool, at: Time) {
        let Some(r) = self.pif_of.get(metrics).cloned() else { return };
        let Some(pif) = self.tables.pif(&r) else { return };
        if !pif.physical || !pif.bond_slave_of.is_null() || !pif.currently_attached {
            self.paths.forget(&r);
            return;
        }
        let key = Key { host: pif.host.clone(), kind: PathKind::Link, source: r.clone(), id: "".into() };
        if let Some(event) = self.paths.seen(key, u32::from(carrier), 1, at) {
            self.tell_path(&event, at);
        }
    }

    pub(super) fn fold_bond(&mut self, r: &Ref, bond: &Bond, at: Time) {
        let slave = bond.slaves.iter().find_map(|s| self.tables.pif(s));
        let host = self.tables.pif(&bond.master).or(slave).map(|pif| pif.host.clone());
        let Some(host) = host else { return };
        let total = u32::try_from(bond.slaves.len()).unwrap_or(u32::MAX);
        let up = u32::try_from(bond.links_up.max(0)).unwrap_or(u32::MAX);
        let key = Key { host, kind: PathKind::Bond, source: r.clone(), id: "".into() };
        if let Some(event) = self.paths.seen(key, up, total, at) {
            self.tell_path(&event, at);
        }
    }

    /// Remembers which storage a host has, because it is going or gone and has to plug it again.
    pub(super) fn keep_storage(&mut self, host: &Ref) {
        let attached: Vec<Ref> = self.pbds(host).filter(|(_, p)| p.currently_attached).map(|(r, _)| r.clone()).collect();
        if let Some(track) = self.tracks.get_mut(host) {
            track.storage = attached;
        }
    }

    /// How many storages a host has to plug again, and how many of them it has.
    pub(in crate::pool) fn storage_of(&self, host: &Ref) -> (usize, usize) {
        let Some(track) = self.tracks.get(host) else { return (0, 0) };
        let pbds = track.storage.iter().filter_map(|r| self.tables.pbd(r)).filter(|p| p.host == *host);
        pbds.fold((0, 0), |(due, done), pbd| (due + 1, done + usize::from(pbd.currently_attached)))
    }

    /// A host that came back is ready once it is enabled and its storage is plugged: its settle window begins.
    pub(super) fn mark_ready(&mut self, host: &Ref, at: Time) {
        let (due, done) = self.storage_of(host);
        let Some(track) = self.tracks.get_mut(host) else { return };
        let live = track.live.is_some_and(|l| l.is);
        if let Some((back, _)) = track.back
            && track.ready.is_none_or(|ready| ready < back)
            && live
            && done >= due
            && track.enabled.is_some_and(|e| e.is)
        {
            track.ready = Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::pool::picture::GateState;
    use crate::pool::scene::{Scene, pbd};
    use crate::xenapi::record::{Config, Pbd, Record};

    #[test]
    fn who_looks_for_the_first_time_misses_no_map_that_the_other_hosts_have() {
        let mut s = Scene::with(2, |s| {
            for (n, config) in [
                (1, Config::from([("multipathed", "true"), ("mpath-3600a", "[2, 2]")])),
                (2, Config::from([("multipathed", "true")])),
            ] {
                s.set(&format!("p{n}"), Record::Pbd(Pbd { other_config: config, ..pbd(n, true) }));
            }
        });
        assert_eq!(s.host(2).paths, Some((0, 2)));
        assert_eq!(s.gate(1), (GateState::Closed, "path-lost"));
        s.set(
            "p2",
            Record::Pbd(Pbd { other_config: Config::from([("multipathed", "true"), ("mpath-3600a", "[2, 2]")]), ..pbd(2, true) }),
        );
        s.pass(5.0);
        assert_eq!((s.host(2).paths, s.gate(1).0), (Some((2, 2)), GateState::Open));
    }
}
