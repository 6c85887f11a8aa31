//! What a pool remembers beyond its records, to be put into a recording and taken out of it: so that who starts to read in the middle knows
//! since when a path is lost, what was told, and how a host came back, exactly as who read from the beginning.
//!
//! [`Pool::keep`] and [`Pool::recall`] are the two halves; the records themselves go into a recording as observations. What a newer version
//! remembers besides is left out when it is read, and what an older one did not write has its default. Never reads a clock or a file.

use super::Pool;
use super::alerts::{Alerts, Own};
use super::control;
use super::heartbeats::Heartbeats;
use super::link::LinkTrack;
use super::liveness::Rounds;
use super::outages::Outages;
use super::paths::Paths;
use super::picture::{Dialect, Health};
use super::probes::Probes;
use super::rebuild::Rebuilds;
use super::track::HostTrack;
use crate::observation::Rewind;
use crate::time::Time;
use crate::xenapi::record::{Class, Message, Record, Ref};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a pool remembers beyond its records. In order, so that the same memory is the same text.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Kept {
    at: Time,
    ticked: Time,
    tracks: BTreeMap<Ref, HostTrack>,
    detached: BTreeMap<Ref, Option<Time>>,
    joined: BTreeSet<Ref>,
    skewed: BTreeSet<Ref>,
    link: LinkTrack,
    rounds: Rounds,
    rebuilds: Rebuilds,
    paths: Paths,
    probes: Probes,
    alerts: Alerts,
    outages: Outages,
    heartbeats: Heartbeats,
    power_off_since: Option<Time>,
    dialect: Dialect,
    rewind: Option<Rewind>,
    unreadable: u64,
}

/// Something that was told, for who marks it on a line of time.
#[derive(Clone, Debug, PartialEq)]
pub struct News {
    /// When it happened.
    pub at: Time,
    /// Its stable name.
    pub name: String,
    /// How bad it is.
    pub health: Health,
    /// The host that it is about, by name; empty if it is about none.
    pub about: String,
    /// In words.
    pub text: String,
}

impl Pool {
    /// What is remembered beyond the records.
    pub fn keep(&self) -> Kept {
        Kept {
            at: self.at,
            ticked: self.ticked,
            tracks: self.tracks.iter().map(|(r, track)| (r.clone(), track.clone())).collect(),
            detached: self.detached.iter().map(|(r, since)| (r.clone(), *since)).collect(),
            joined: self.joined.iter().cloned().collect(),
            skewed: self.skewed.iter().cloned().collect(),
            link: self.link.clone(),
            rounds: self.rounds.clone(),
            rebuilds: self.rebuilds.clone(),
            paths: self.paths.clone(),
            probes: self.probes.clone(),
            alerts: self.alerts.clone(),
            outages: self.outages.clone(),
            heartbeats: self.heartbeats.clone(),
            power_off_since: self.power_off_since,
            dialect: self.dialect,
            rewind: self.rewind.clone(),
            unreadable: self.unreadable,
        }
    }

    /// Remembers what was kept instead of what it remembers itself. The records are to be there already.
    pub fn recall(&mut self, kept: Kept) {
        self.at = kept.at.max(self.at);
        self.ticked = kept.ticked;
        self.tracks = kept.tracks.into_iter().collect();
        self.detached = kept.detached.into_iter().collect();
        self.joined = kept.joined.into_iter().collect();
        self.skewed = kept.skewed.into_iter().collect();
        self.link = kept.link;
        self.rounds = kept.rounds;
        self.rebuilds = kept.rebuilds;
        self.paths = kept.paths;
        self.probes = kept.probes;
        self.alerts.recall(kept.alerts);
        self.outages = kept.outages;
        self.heartbeats = kept.heartbeats;
        self.power_off_since = kept.power_off_since;
        self.dialect = kept.dialect;
        self.rewind = kept.rewind;
        self.unreadable = kept.unreadable;
    }

    /// Every record that is kept whole (that is, all but guests), by class and reference.
    pub fn whole_records(&self) -> Vec<(&Ref, &Record)> {
        let mut all: Vec<_> = self.tables.whole().collect();
        all.sort_by_key(|(r, record)| (record.class(), *r));
        all
    }

    /// Whether some class is being read afresh.
    pub fn is_reading(&self) -> bool {
        use strum::IntoEnumIterator as _;
        Class::iter().any(|class| self.tables.is_reading(class))
    }

    /// The pool's own name and uuid, once they were read.
    pub fn identity(&self) -> Option<(String, &str)> {
        let pool = self.tables.the_pool()?;
        Some((super::words::name(&pool.name_label), &pool.uuid))
    }

    /// Which set of rules the pool was seen to follow.
    pub const fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Who claims the pool for a round of poolwatch, if anyone does.
    pub fn claimed_by(&self) -> Option<String> {
        control::claim(&self.tables.the_pool()?.other_config).map(|claim| claim.owner)
    }

    /// The newest observation's time.
    pub const fn seen_until(&self) -> Time {
        self.at
    }

    /// What a message of xapi's that just came tells; `None` if it is not worth a word.
    pub fn news_of(&self, message: &Message, at: Time) -> Option<News> {
        let name = super::words::name(&message.name);
        let health = super::alerts::health(&message.name, message.priority);
        if super::alerts::is_noise(&message.name) || health == Health::Good {
            return None;
        }
        let text = name.to_lowercase().replace('_', " ");
        let about = self.tables.by_uuid(&message.obj_uuid).map(|r| self.name_of(r)).unwrap_or_default();
        Some(News { at, name, health, about, text })
    }

    /// What was told since this was asked last, oldest first.
    pub fn take_news(&mut self) -> Vec<News> {
        let news: Vec<Own> = self.alerts.take_news().collect();
        let named = |own: Own| {
            let about = own.host.as_ref().map(|host| self.name_of(host)).unwrap_or_default();
            News { at: own.at, name: own.name.into_owned(), health: own.health, about, text: own.text }
        };
        let mut news: Vec<News> = news.into_iter().map(named).collect();
        // What is told of several hosts in one moment comes in no order.
        news.sort_by(|a, b| (a.at, &a.about, &a.name).cmp(&(b.at, &b.about, &b.name)));
        news
    }
}

/// A map whose keys are no texts, as a list of pairs.
pub(super) mod pairs {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::collections::BTreeMap;

    pub fn serialize<K: Serialize, V: Serialize, S: Serializer>(map: &BTreeMap<K, V>, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(map)
    }

    pub fn deserialize<'de, K, V, D>(from: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Ok(Vec::<(K, V)>::deserialize(from)?.into_iter().collect())
    }
}
