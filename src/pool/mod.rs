//! The model: observations folded into one picture of a pool, and what it means.
//!
//! Pure: no I/O, no clock, no randomness, nothing spawned. Time comes in as an argument. [`Pool::apply`] takes one
//! observation in (a few look-ups), [`Pool::picture`] says what is known and what it means at a moment.
//!
//! | file | question |
//! |---|---|
//! | `fold` | what does one observation change? |
//! | `tables`, `track`, `link` | what was read, what was seen of each host over time, how is our connection? |
//! | `liveness` | what is each host doing, and how is that known? |
//! | `probes` | what did the hosts' own probes tell? |
//! | `heartbeats` | how slow are the heartbeats, now and over the last days? |
//! | `rebuild`, `paths`, `cluster`, `clocks`, `control` | the parts of the picture |
//! | `budget` | which time-out comes when, and which in the wrong order? |
//! | `captains` | who else works on it? |
//! | `database` | did it go back in time, and what was lost by that? |
//! | `alerts` | what happened, and is it still so? |
//! | `gate`, `verdict` | may a host be rebooted now, why not, until when? |
//! | `known`, `glance` | the parts, each made when it is asked for: the gates and what is behind them |
//! | `view` | puts the picture together |
//! | `records` | the records behind it, for the rollout machine |
//! | `networks` | which networks could guests be moved over? |
//! | `access` | what a plan and its checks ask beyond single records |
//! | `json` | the picture for scripts |

mod access;
mod alerts;
pub mod budget;
mod captains;
mod clocks;
mod cluster;
pub mod control;
pub mod database;
mod fold;
mod gate;
pub mod glance;
pub mod heartbeats;
pub mod json;
pub mod keep;
mod known;
pub mod limits;
mod link;
mod liveness;
mod networks;
pub mod outages;
pub mod paths;
pub mod picture;
mod preview;
mod probes;
mod rebuild;
pub mod records;
mod tables;
mod track;
mod verdict;
mod view;
pub mod words;

#[cfg(test)]
pub(crate) mod random;
#[cfg(test)]
mod rules;
#[cfg(test)]
pub(crate) mod scene;

pub use access::Unplugged;
pub use gate::Obstacle;
pub use networks::NetworkView;
pub use preview::Preview;
pub use probes::Standing;
pub use tables::Guest;

use crate::observation::Rewind;
use crate::time::Time;
use crate::xenapi::record::{Class, Record, Ref, RefMap, RefSet};
use jiff::tz::TimeZone;
use picture::Dialect;

/// Everything known of one pool.
#[derive(Clone, Debug)]
pub struct Pool {
    /// What the pool is called as long as its name is not known.
    target: Box<str>,
    /// In which times of day are told.
    zone: TimeZone,
    /// The newest observation's time.
    at: Time,
    /// When time-driven changes were last looked for.
    ticked: Time,
    tables: tables::Tables,
    roster: known::Roster,
    tracks: RefMap<track::HostTrack>,
    /// The host of each `host_metrics`.
    metrics_of: RefMap<Ref>,
    /// The physical PIF of each `PIF_metrics`.
    pif_of: RefMap<Ref>,
    /// The PBDs of each host.
    pbds_of: RefMap<RefSet>,
    /// PBDs that were seen attached, and since when they are not.
    detached: RefMap<Option<Time>>,
    /// Members that were seen enabled in their cluster.
    joined: RefSet,
    /// Hosts whose clock was told to be off.
    skewed: RefSet,
    link: link::LinkTrack,
    rounds: liveness::Rounds,
    rebuilds: rebuild::Rebuilds,
    paths: paths::Paths,
    probes: probes::Probes,
    heartbeats: heartbeats::Heartbeats,
    alerts: alerts::Alerts,
    outages: outages::Outages,
    dialect: Dialect,
    /// When the database was found to have gone back in time.
    went_back: Option<Time>,
    /// Since when `auto_poweron` of the pool is off, if it was seen to be on before.
    power_off_since: Option<Time>,
    /// The last time that the database went back in time.
    rewind: Option<Rewind>,
    unreadable: u64,
}

impl Pool {
    /// A pool of which nothing is known yet but what the operator called it. Times of day are told in UTC.
    pub fn new(target_name: &str) -> Self {
        Self {
            target: words::name(target_name).into(),
            zone: TimeZone::UTC,
            at: Time::EPOCH,
            ticked: Time::EPOCH,
            tables: tables::Tables::default(),
            roster: known::Roster::default(),
            tracks: RefMap::default(),
            metrics_of: RefMap::default(),
            pif_of: RefMap::default(),
            pbds_of: RefMap::default(),
            detached: RefMap::default(),
            joined: RefSet::default(),
            skewed: RefSet::default(),
            link: link::LinkTrack::default(),
            rounds: liveness::Rounds::default(),
            rebuilds: rebuild::Rebuilds::default(),
            paths: paths::Paths::default(),
            probes: probes::Probes::default(),
            heartbeats: heartbeats::Heartbeats::default(),
            alerts: alerts::Alerts::default(),
            outages: outages::Outages::default(),
            dialect: Dialect::Unknown,
            went_back: None,
            power_off_since: None,
            rewind: None,
            unreadable: 0,
        }
    }

    /// The same, with times of day in sentences told in `zone` (without its name).
    #[must_use]
    pub fn in_zone(mut self, zone: TimeZone) -> Self {
        self.zone = zone;
        self
    }

    /// The record behind a reference, for a raw view. Guests are not kept whole: see [`Pool::guest`].
    pub fn record(&self, r: &Ref) -> Option<&Record> {
        self.tables.find(r)
    }

    /// A guest, in the few words that are kept of it.
    pub fn guest(&self, r: &Ref) -> Option<&Guest> {
        self.tables.guest(r)
    }

    /// The name of a host, SR or guest, made safe to show; empty if there is none.
    pub fn name_of(&self, r: &Ref) -> String {
        if let Some(host) = self.tables.host(r) {
            return words::name(&host.name_label);
        }
        if let Some(sr) = self.tables.sr(r) {
            return words::name(&sr.name_label);
        }
        self.tables.guest(r).map(|g| words::name(&g.name)).unwrap_or_default()
    }

    /// The host with this name, if there is exactly one.
    pub fn host_named(&self, name: &str) -> Option<&Ref> {
        let mut found = self.tables.hosts().filter(|(_, h)| *h.name_label == *name).map(|(r, _)| r);
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }

    /// How many objects of a class are known. Templates, snapshots and control domains are not counted as guests.
    pub fn count(&self, class: Class) -> usize {
        self.tables.count(class)
    }

    /// The coordinator.
    pub fn coordinator(&self) -> Option<&Ref> {
        self.tables.the_pool().and_then(|p| p.master.non_null())
    }

    /// xapi's `host_metrics.live` of a host.
    fn is_live(&self, host: &Ref) -> bool {
        self.tracks.get(host).and_then(|t| t.live).is_some_and(|l| l.is)
    }

    fn is_coordinator(&self, host: &Ref) -> bool {
        self.coordinator() == Some(host)
    }

    /// Whether the pool has an SR that keeps mirrors on its hosts.
    pub fn has_mirrors(&self) -> bool {
        self.tables.srs().any(|(_, sr)| sr.clustered)
    }
}
