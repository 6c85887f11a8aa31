//! A look at a pool at one moment, part by part: the same as its [`Picture`], but only what is asked for is made, and once.
//!
//! For who looks often and needs little: the rollout machine. A picture is made of it, so that there is one rule behind both.

use super::Pool;
use super::gate::{self, Findings};
use super::known::Known;
use super::picture::{
    Alert, ClockView, ClusterView, Gate, HostState, HostView, LinkState, Memory, PathView, Picture, Rebuild, Stage, Verdict,
};
use super::{control, verdict};
use crate::observation::Rewind;
use crate::time::Time;
use crate::xenapi::record::Ref;
use std::cell::OnceCell;

/// What is known of a pool at one moment.
#[derive(Debug)]
pub struct Glance<'a> {
    known: Known<'a>,
    findings: OnceCell<Findings>,
    gates: OnceCell<Box<[OnceCell<Gate>]>>,
    verdict: OnceCell<Verdict>,
    rebuilds: OnceCell<Vec<Rebuild>>,
    clocks: OnceCell<Vec<ClockView>>,
    alerts: OnceCell<Vec<Alert>>,
}

/// One host in a [`Glance`].
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a> {
    glance: &'a Glance<'a>,
    at: usize,
    /// Its reference.
    pub r#ref: &'a Ref,
    /// Its name.
    pub name: &'a str,
}

impl Pool {
    /// A look at it at `now`.
    pub fn glance(&self, now: Time) -> Glance<'_> {
        Glance {
            known: self.known(now.max(self.at)),
            findings: OnceCell::new(),
            gates: OnceCell::new(),
            verdict: OnceCell::new(),
            rebuilds: OnceCell::new(),
            clocks: OnceCell::new(),
            alerts: OnceCell::new(),
        }
    }
}

impl Glance<'_> {
    pub(super) fn known(&self) -> &Known<'_> {
        &self.known
    }

    /// The moment.
    pub fn at(&self) -> Time {
        self.known.now
    }

    /// What our connection is doing.
    pub fn link(&self) -> LinkState {
        self.known.pool.link.state(self.known.unfit.is_some())
    }

    /// Since when it does that.
    pub fn link_since(&self) -> Time {
        self.known.pool.link.since()
    }

    /// What our connection is doing, in words.
    pub fn link_text(&self) -> String {
        self.known.pool.link.view(self.at()).text
    }

    /// When the pool last said anything.
    pub fn heard(&self) -> Option<Time> {
        self.known.pool.link.heard
    }

    fn findings(&self) -> &Findings {
        self.findings.get_or_init(|| gate::findings(&self.known))
    }

    fn gate(&self, at: usize) -> Option<&Gate> {
        let gates = self.gates.get_or_init(|| self.known.hosts().iter().map(|_| OnceCell::new()).collect());
        gates.get(at).map(|gate| gate.get_or_init(|| self.findings().gate(&self.known, at)))
    }

    /// Whether the next host may go.
    pub fn verdict(&self) -> &Verdict {
        self.verdict.get_or_init(|| {
            let gates: Vec<&Gate> = (0..self.known.hosts().len()).filter_map(|at| self.gate(at)).collect();
            verdict::judge(&self.known, self.findings(), &gates)
        })
    }

    /// The hosts, in natural order of their names.
    pub fn hosts(&self) -> impl Iterator<Item = Sight<'_>> {
        let all = self.known.hosts().iter().zip(self.known.names()).enumerate();
        all.map(|(at, (r, name))| Sight { glance: self, at, r#ref: r, name })
    }

    /// One host.
    pub fn host(&self, r: &Ref) -> Option<Sight<'_>> {
        self.hosts().find(|host| host.r#ref == r)
    }

    /// Mirror rebuilds that run, or ended within their settle window.
    pub fn rebuilds(&self) -> &[Rebuild] {
        self.rebuilds.get_or_init(|| self.known.pool.rebuild_views(&self.known))
    }

    /// Clusters and their members.
    pub fn clusters(&self) -> impl Iterator<Item = &ClusterView> {
        self.known.clusters().iter().map(|c| &c.view)
    }

    /// I/O paths.
    pub fn paths(&self) -> impl Iterator<Item = &PathView> {
        self.known.paths().iter().map(|p| &p.view)
    }

    /// Clocks of the hosts against the coordinator's.
    pub fn clocks(&self) -> &[ClockView] {
        self.clocks.get_or_init(|| self.known.pool.clock_views(self.known.hosts(), self.known.skews(), self.at()))
    }

    /// The last time that the database went back in time, if that is known.
    pub fn rewind(&self) -> Option<&Rewind> {
        self.known.pool.rewind.as_ref()
    }

    /// Alerts and changes of note, newest first.
    pub fn alerts(&self) -> &[Alert] {
        let pool = self.known.pool;
        self.alerts.get_or_init(|| pool.alerts.view(&pool.tables, &pool.levels(&self.known)))
    }

    /// The parts of a picture that are here, made.
    pub(super) fn into_picture(self) -> Picture {
        self.verdict();
        self.rebuilds();
        self.clocks();
        self.alerts();
        let hosts = self.hosts().map(Sight::view).collect();
        let (clusters, paths) = self.known.into_parts();
        Picture {
            hosts,
            verdict: self.verdict.into_inner().unwrap_or_default(),
            rebuilds: self.rebuilds.into_inner().unwrap_or_default(),
            clocks: self.clocks.into_inner().unwrap_or_default(),
            alerts: self.alerts.into_inner().unwrap_or_default(),
            clusters: clusters.into_iter().map(|c| c.view).collect(),
            paths: paths.into_iter().map(|p| p.view).collect(),
            ..Picture::default()
        }
    }
}

impl<'a> Sight<'a> {
    /// What it is doing.
    pub fn stage(self) -> Stage {
        self.glance.known.stage(self.at)
    }

    /// Since when.
    pub fn since(self) -> Option<Time> {
        self.glance.known.stages().get(self.at).and_then(|(_, since)| *since)
    }

    /// When it last came back from having been away (not live, or silent) since it was first seen.
    pub fn returned(self) -> Option<Time> {
        let track = self.glance.known.pool.tracks.get(self.r#ref)?;
        track.back.map(|(at, _)| at).filter(|at| *at > track.first)
    }

    /// What it is doing, in words.
    pub fn state(self) -> Option<&'a HostState> {
        self.glance.known.states().get(self.at)
    }

    /// xapi's `enabled`.
    pub fn enabled(self) -> bool {
        self.glance.known.pool.tables.host(self.r#ref).is_some_and(|host| host.enabled)
    }

    /// xapi's `host_metrics.live`.
    pub fn live(self) -> bool {
        self.glance.known.pool.is_live(self.r#ref)
    }

    /// May it be rebooted now?
    pub fn gate(self) -> Option<&'a Gate> {
        self.glance.gate(self.at)
    }

    /// Its memory.
    pub fn memory(self) -> Memory {
        self.glance.known.pool.memory(self.r#ref, self.glance.at())
    }

    /// Its product's version.
    pub fn version(self) -> String {
        self.glance.known.pool.tables.host(self.r#ref).map(control::version).unwrap_or_default()
    }

    /// All of it, as in a picture.
    pub fn view(self) -> HostView {
        let gate = self.gate().cloned().unwrap_or_default();
        HostView { gate, ..self.glance.known.pool.host_view(self.at, &self.glance.known) }
    }
}
