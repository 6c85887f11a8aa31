//! What several parts of a picture need to know of the hosts, each made when it is first asked for, and once. Decides nothing.

use super::Pool;
use super::budget::probed::AllWaits;
use super::clocks::Skew;
use super::cluster::ClusterState;
use super::paths::Failover;
use super::picture::{Health, HostState, PathView, Stage};
use super::words;
use crate::o2cb::margin::Margin;
use crate::time::Time;
use crate::xenapi::record::Ref;
use std::cell::OnceCell;

/// Everything about the hosts that several parts need.
#[derive(Debug)]
pub(super) struct Known<'a> {
    /// The moment.
    pub now: Time,
    /// Why nothing may be decided now, if so.
    pub unfit: Option<String>,
    /// The pool.
    pub pool: &'a Pool,
    stages: OnceCell<Vec<(Stage, Option<Time>)>>,
    states: OnceCell<Vec<HostState>>,
    clusters: OnceCell<Vec<ClusterState>>,
    paths: OnceCell<Vec<PathAt>>,
    bad_paths: OnceCell<bool>,
    skews: OnceCell<Vec<(Ref, Skew)>>,
    margins: OnceCell<Vec<(Ref, Margin)>>,
    fence: OnceCell<Option<(f64, &'static str)>>,
    waits: OnceCell<AllWaits>,
}

/// A path, with where it belongs.
#[derive(Debug)]
pub(super) struct PathAt {
    /// The place of its host.
    pub at: usize,
    /// The record that tells of it.
    pub source: Ref,
    /// For the picture.
    pub view: PathView,
}

/// The hosts in natural order of their names, with these names: kept as hosts come, go and are renamed.
#[derive(Clone, Debug, Default)]
pub(super) struct Roster {
    /// The hosts.
    pub hosts: Vec<Ref>,
    /// What they are called, safe to show; by uuid where there is no name.
    pub names: Vec<String>,
}

impl Known<'_> {
    /// Hosts in natural order of their names.
    pub fn hosts(&self) -> &[Ref] {
        &self.pool.roster.hosts
    }

    /// Their names.
    pub fn names(&self) -> &[String] {
        &self.pool.roster.names
    }

    /// What each is doing, and since when.
    pub fn stages(&self) -> &[(Stage, Option<Time>)] {
        self.stages.get_or_init(|| {
            let stale = self.pool.link.stale(self.now);
            self.hosts().iter().map(|r| self.pool.host_stage(r, stale.as_deref(), self.now)).collect()
        })
    }

    /// What the host at this place is doing.
    pub fn stage(&self, at: usize) -> Stage {
        self.stages().get(at).map(|(stage, _)| *stage).unwrap_or_default()
    }

    /// The same as [`Self::stages`], in words.
    pub fn states(&self) -> &[HostState] {
        self.states.get_or_init(|| {
            let stale = self.pool.link.stale(self.now);
            self.hosts().iter().map(|r| self.pool.host_state(r, stale.as_deref(), self.now)).collect()
        })
    }

    /// Clusters.
    pub fn clusters(&self) -> &[ClusterState] {
        self.clusters.get_or_init(|| {
            let doing: Vec<Stage> = self.stages().iter().map(|(stage, _)| *stage).collect();
            self.pool.cluster_states(self.hosts(), &doing)
        })
    }

    /// Paths, in the order of the hosts.
    pub fn paths(&self) -> &[PathAt] {
        self.paths.get_or_init(|| self.pool.path_views(self.hosts(), self.names(), self.now))
    }

    /// Whether any path is not as it should be: most often none is, and then nothing more is asked of them.
    pub fn has_bad_paths(&self) -> bool {
        *self.bad_paths.get_or_init(|| {
            let mut all = self.pool.paths.iter();
            all.any(|(key, path)| path.health(self.now, key.kind) >= Health::Degraded)
        })
    }

    /// The paths of the host at this place.
    pub fn paths_of(&self, at: usize) -> &[PathAt] {
        let paths = self.paths();
        let start = paths.partition_point(|p| p.at < at);
        let end = paths.partition_point(|p| p.at <= at);
        paths.get(start..end).unwrap_or_default()
    }

    /// Clocks.
    pub fn skews(&self) -> &[(Ref, Skew)] {
        self.skews.get_or_init(|| self.pool.skews(self.now))
    }

    /// o2cb's fence margin of a host, if its probe tells of one.
    pub fn margin(&self, host: &Ref) -> Option<&Margin> {
        let all = self.margins.get_or_init(|| self.pool.margins(self.hosts(), self.names(), self.now));
        all.iter().find(|(r, _)| r == host).map(|(_, margin)| margin)
    }

    /// When the first host fences itself once it lost its heartbeat, in seconds, and by whom; `None`: nothing that is known fences.
    fn first_fence(&self) -> Option<(f64, &'static str)> {
        *self.fence.get_or_init(|| self.pool.first_fence(self.now))
    }

    /// What a fail-over of a host's storage paths comes to.
    pub fn failover(&self, host: &Ref) -> Option<Failover> {
        let waits = self.waits.get_or_init(|| self.pool.waits(self.now));
        self.pool.failover_before(host, self.first_fence(), waits, self.now)
    }

    /// Clusters and paths, made.
    pub fn into_parts(self) -> (Vec<ClusterState>, Vec<PathAt>) {
        self.clusters();
        self.paths();
        (self.clusters.into_inner().unwrap_or_default(), self.paths.into_inner().unwrap_or_default())
    }
}

impl Pool {
    pub(super) fn known(&self, now: Time) -> Known<'_> {
        Known {
            now,
            unfit: self.link.unfit(now),
            pool: self,
            stages: OnceCell::new(),
            states: OnceCell::new(),
            clusters: OnceCell::new(),
            paths: OnceCell::new(),
            bad_paths: OnceCell::new(),
            skews: OnceCell::new(),
            margins: OnceCell::new(),
            fence: OnceCell::new(),
            waits: OnceCell::new(),
        }
    }

    /// Hosts came, went or were renamed.
    pub(super) fn call_the_roll(&mut self) {
        let mut hosts: Vec<(String, &str, &Ref)> =
            self.tables.hosts().map(|(r, h)| (words::name(&h.name_label), &*h.uuid, r)).collect();
        hosts.sort_by(|a, b| words::natural(&a.0, &b.0).then_with(|| a.1.cmp(b.1)).then_with(|| a.2.cmp(b.2)));
        let name = |name: &str, uuid: &str| if name.is_empty() { words::name(uuid) } else { name.to_owned() };
        let names = hosts.iter().map(|(called, uuid, _)| name(called, uuid)).collect();
        let hosts = hosts.into_iter().map(|(_, _, r)| r.clone()).collect();
        self.roster = Roster { hosts, names };
    }
}
