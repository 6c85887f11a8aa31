//! I/O paths: multipath maps, bonds and single links, with since when they are as they are.
//!
//! Sources: `PBD.other_config` `mpath-<SCSIid>` = `[up, max]` (sm's `mpathcount.py`; the key goes when the device
//! goes), `host.other_config` `mpath-boot`, `Bond.links_up`, `PIF_metrics.carrier`. It remembers and counts; what a lost path means for a reboot is
//! the gate's business.

mod failover;
mod ledger;
mod past;
mod views;

pub use failover::Failover;
pub use ledger::PathLedger;
pub use views::PathPast;

use super::limits::BLINK;
use super::picture::{Health, PathKind, PathWeek};
use crate::observation::KeptPath;
use crate::time::Time;
use crate::xenapi::record::{Config, Ref};
use past::Past;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Paths whose earlier changes are remembered at most.
const KEPT: usize = 2_000;

/// What a path leads from and to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// The host.
    pub host: Ref,
    /// What kind.
    pub kind: PathKind,
    /// The record that tells: PBD, bond, PIF; the host itself for its root disk.
    pub source: Ref,
    /// SCSI id; empty where the source is the name.
    pub id: Box<str>,
}

/// One path as remembered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Remembered {
    up: u32,
    total: u32,
    /// When it was seen to change to this; `None` if it has always been so.
    since: Option<Time>,
    /// Since when the key has been missing.
    missing: Option<Time>,
    /// Whether it was ever seen with a path up.
    pub was_up: bool,
    /// Since when it is watched.
    first: Time,
    past: Past,
}

impl Remembered {
    fn new(up: u32, total: u32, at: Time) -> Self {
        Self { up, total, since: None, missing: None, was_up: up > 0, first: at, past: Past::default() }
    }

    /// What the last week saw of it, as far as it was watched.
    pub fn week(&self, now: Time) -> PathWeek {
        PathWeek { changes: self.past.count(now), least: self.past.least(now), flaps: self.flaps(now) }
    }

    /// Paths that are up, that there should be, and since when.
    pub fn now(&self, now: Time) -> (u32, u32, Option<Time>) {
        match self.missing {
            Some(at) if now.since(at) >= BLINK => (0, self.total, Some(at)),
            _ => (self.up, self.total, self.since),
        }
    }

    /// Whether it changed so often of late that it cannot be relied on.
    pub fn flaps(&self, now: Time) -> bool {
        self.past.flaps(now)
    }

    /// What was seen of it before. If it was left as it is found, it has been so ever since.
    fn recall(&mut self, earlier: Past) {
        let left = earlier.last();
        let fresh = self.past.last().is_none();
        self.past.after(earlier);
        match left {
            Some(left) if fresh && (left.up, left.total) == (self.up, self.total) => self.since = self.since.or(Some(left.at)),
            // It changed while nobody looked.
            Some(_) if fresh => self.past.note(self.first, self.up, self.total),
            _ => {}
        }
    }

    /// How bad it is.
    pub fn health(&self, now: Time, kind: PathKind) -> Health {
        let (up, total, _) = self.now(now);
        match (up, total) {
            (0, _) => Health::Failed,
            (up, total) if up < total => Health::Degraded,
            _ if self.flaps(now) => Health::Degraded,
            (_, 1) if matches!(kind, PathKind::Multipath | PathKind::Boot) => Health::Pending,
            _ => Health::Good,
        }
    }
}

/// What happened to a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Which.
    pub key: Key,
    /// Paths up before, now, and in all.
    pub was: u32,
    /// Paths up now.
    pub up: u32,
    /// Paths that there should be.
    pub total: u32,
}

/// All paths that were seen.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Paths {
    #[serde(with = "super::keep::pairs")]
    known: BTreeMap<Key, Remembered>,
    /// Losses that were told in an alert already, for those that are found by time alone.
    told: Vec<Key>,
    /// What earlier runs saw of paths that were not seen yet in this one.
    #[serde(with = "super::keep::pairs", default)]
    earlier: BTreeMap<(Ref, Box<str>), Past>,
}

impl Paths {
    /// Every path, by host, kind and source.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Remembered)> {
        self.known.iter()
    }

    /// The paths of one host.
    pub fn of<'a>(&'a self, host: &'a Ref) -> impl Iterator<Item = (&'a Key, &'a Remembered)> {
        // Not the null reference, which has a name and a place among the others.
        let first = Key { host: host.clone(), kind: PathKind::Multipath, source: "".into(), id: "".into() };
        self.known.range(first..).take_while(move |(key, _)| key.host == *host)
    }

    /// A path is as told. Says what changed, unless it is new and whole.
    pub fn seen(&mut self, key: Key, up: u32, total: u32, at: Time) -> Option<Event> {
        let up = up.min(total);
        let Some(old) = self.known.get_mut(&key) else {
            let mut new = Remembered::new(up, total, at);
            if let Some(past) = self.earlier.remove(&(key.source.clone(), key.id.clone())) {
                new.recall(past);
            }
            self.known.insert(key, new);
            return None;
        };
        let was = old.now(at).0;
        old.missing = None;
        old.was_up |= up > 0;
        if (old.up, old.total, was) == (up, total, up) {
            return None;
        }
        (old.up, old.total, old.since) = (up, total, Some(at));
        if was == up {
            return None;
        }
        old.past.note(at, up, total);
        old.past.prune(at);
        self.told.retain(|k| *k != key);
        Some(Event { key, was, up, total })
    }

    /// The keys of a map source as they are now: those that are missing are marked so.
    pub fn maps(&mut self, host: &Ref, source: &Ref, config: &Config, at: Time) -> Vec<Event> {
        let mut events = Vec::new();
        let boot = source == host;
        let kind = if boot { PathKind::Boot } else { PathKind::Multipath };
        for (name, value) in config.iter() {
            let Some(id) = name.strip_prefix("mpath-") else { continue };
            if (id == "boot") != boot {
                continue;
            }
            let Some((up, total)) = parse(value) else { continue };
            let key = Key { host: host.clone(), kind, source: source.clone(), id: id.into() };
            events.extend(self.seen(key, up, total, at));
        }
        for (key, path) in self.of_mut(source) {
            if config.get(&format!("mpath-{}", key.id)).is_none() && matches!(key.kind, PathKind::Multipath | PathKind::Boot) {
                path.missing = path.missing.or((path.up > 0).then_some(at));
            }
        }
        events
    }

    /// The maps of an SR that some host was seen with: id and the most paths.
    pub fn totals(&self, sources: &[&Ref]) -> BTreeMap<Box<str>, u32> {
        let mut totals = BTreeMap::new();
        for (key, path) in self.known.iter().filter(|(key, _)| key.kind == PathKind::Multipath && sources.contains(&&key.source))
        {
            let most: &mut u32 = totals.entry(key.id.clone()).or_default();
            *most = path.total.max(*most);
        }
        totals
    }

    /// A map that should be there and was never seen: all its paths are lost, nobody knows since when.
    pub fn absent(&mut self, key: Key, total: u32, at: Time) {
        self.known.entry(key).or_insert_with(|| Remembered::new(0, total, at));
    }

    /// What earlier runs of the program saw.
    pub fn recall(&mut self, kept: &[KeptPath]) {
        for one in kept.iter().take(KEPT) {
            let past = Past::of(&one.changes, one.more);
            match self.known.iter_mut().find(|(key, _)| key.source == one.source && key.id == one.id) {
                Some((_, known)) => known.recall(past),
                None => drop(self.earlier.insert((one.source.clone(), one.id.clone()), past)),
            }
        }
    }

    /// What there is to keep for later runs.
    pub fn kept(&self) -> Vec<KeptPath> {
        let one = |(key, path): (&Key, &Remembered)| path.past.kept(&key.source, &key.id);
        let away = |((source, id), past): (&(Ref, Box<str>), &Past)| past.kept(source, id);
        let mut kept: Vec<KeptPath> =
            self.known.iter().filter_map(one).chain(self.earlier.iter().filter_map(away)).take(KEPT).collect();
        kept.sort_by(|a, b| (&a.source, &a.id).cmp(&(&b.source, &b.id)));
        kept
    }

    fn of_mut(&mut self, source: &Ref) -> impl Iterator<Item = (&Key, &mut Remembered)> {
        self.known.iter_mut().filter(move |(key, _)| key.source == *source)
    }

    /// A source is gone or detached: its paths are not lost, there are none. What they did is remembered for when they are there again.
    pub fn forget(&mut self, source: &Ref) {
        let earlier = &mut self.earlier;
        self.known.retain(|key, path| {
            let stays = key.source != *source && key.host != *source;
            if !stays && path.past.last().is_some() && earlier.len() < KEPT {
                earlier.insert((key.source.clone(), key.id.clone()), std::mem::take(&mut path.past));
            }
            stays
        });
        self.told.retain(|key| key.source != *source && key.host != *source);
    }

    /// Maps that have been missing for longer than a blink and were not told of yet.
    pub fn vanished(&mut self, now: Time) -> Vec<Event> {
        let mut events = Vec::new();
        for (key, path) in &mut self.known {
            if path.missing.is_some_and(|at| now.since(at) >= BLINK) && !self.told.contains(key) {
                self.told.push(key.clone());
                if path.up > 0 {
                    path.past.note(path.missing.unwrap_or(now), 0, path.total);
                }
                events.push(Event { key: key.clone(), was: path.up, up: 0, total: path.total });
            }
        }
        events
    }

    /// The moments at which a missing map turns into a lost one.
    pub fn changes(&self) -> impl Iterator<Item = Time> {
        self.known.values().filter_map(|p| p.missing).map(|at| at + BLINK)
    }
}

/// Reads `[up, max]` as sm writes it.
fn parse(value: &str) -> Option<(u32, u32)> {
    let (up, total) = value.trim().strip_prefix('[')?.strip_suffix(']')?.split_once(',')?;
    let total: u32 = total.trim().parse().ok()?;
    Some((up.trim().parse().ok()?, total.min(4096)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(secs: i64) -> Time {
        Time::from_secs(1_800_000_000 + secs)
    }

    fn feed<const N: usize>(paths: &mut Paths, config: [(&str, &str); N], at: i64) -> Vec<Event> {
        paths.maps(&"h".into(), &"pbd".into(), &config.into(), t(at))
    }

    fn first(paths: &Paths, now: i64) -> (u32, u32, Option<Time>) {
        paths.iter().next().expect("a path").1.now(t(now))
    }

    #[test]
    fn a_lost_and_restored_path_is_told_with_its_time() {
        let mut p = Paths::default();
        assert!(feed(&mut p, [("mpath-3600a", "[2, 2]"), ("multipathed", "true")], 0).is_empty());
        let lost = feed(&mut p, [("mpath-3600a", "[1, 2]")], 10);
        assert_eq!((lost[0].was, lost[0].up, lost[0].total), (2, 1, 2));
        assert_eq!(first(&p, 11), (1, 2, Some(t(10))));
        assert_eq!(feed(&mut p, [("mpath-3600a", "[2, 2]")], 20)[0].up, 2);
        assert_eq!(p.iter().next().expect("path").1.health(t(21), PathKind::Multipath), Health::Good);
    }

    #[test]
    fn a_key_that_blinks_is_nothing_and_one_that_stays_away_is_everything() {
        let mut p = Paths::default();
        feed(&mut p, [("mpath-a", "[2, 2]")], 0);
        feed(&mut p, [], 10);
        assert_eq!(first(&p, 12), (2, 2, None));
        assert!(p.vanished(t(12)).is_empty());
        assert_eq!(p.changes().next(), Some(t(15)));
        assert_eq!(first(&p, 15), (0, 2, Some(t(10))));
        assert_eq!(p.vanished(t(15)).len(), 1);
        assert!(p.vanished(t(16)).is_empty(), "told once");
        let back = feed(&mut p, [("mpath-a", "[2, 2]")], 20);
        assert_eq!((back[0].was, back[0].up), (0, 2));
        p.forget(&"pbd".into());
        assert_eq!(p.iter().count(), 0);
    }

    #[test]
    fn flapping_counts_as_degraded() {
        let mut p = Paths::default();
        for i in 0..6 {
            feed(&mut p, [("mpath-a", if i % 2 == 0 { "[2, 2]" } else { "[1, 2]" })], i * 10);
        }
        feed(&mut p, [("mpath-a", "[2, 2]")], 60);
        let path = p.iter().next().expect("path").1;
        assert_eq!(path.health(t(61), PathKind::Multipath), Health::Degraded);
        assert_eq!(path.health(t(2000), PathKind::Multipath), Health::Good);
    }

    #[test]
    fn what_earlier_runs_saw_is_there_again_whichever_comes_first() {
        let mut before = Paths::default();
        feed(&mut before, [("mpath-a", "[2, 2]")], 0);
        feed(&mut before, [("mpath-a", "[1, 2]")], 10);
        let kept = before.kept();
        assert_eq!(kept[0].changes, [(t(10), 1, 2)]);
        for (first, now, want, since) in [
            (true, "[1, 2]", 1, Some(t(10))),
            (false, "[1, 2]", 1, Some(t(10))),
            (true, "[2, 2]", 2, None),
            (false, "[2, 2]", 2, None),
        ] {
            let mut p = Paths::default();
            if first {
                p.recall(&kept);
            }
            assert!(feed(&mut p, [("mpath-a", now)], 100).is_empty(), "nothing happened now");
            if !first {
                p.recall(&kept);
            }
            let path = p.iter().next().expect("path").1;
            assert_eq!((path.week(t(101)).changes, path.now(t(101)).2), (want, since), "{first} {now}");
        }
    }

    #[test]
    fn a_map_that_vanished_and_came_back_counts_as_two_changes() {
        let mut p = Paths::default();
        feed(&mut p, [("mpath-a", "[2, 2]")], 0);
        feed(&mut p, [], 10);
        assert_eq!(p.vanished(t(16)).len(), 1);
        feed(&mut p, [("mpath-a", "[2, 2]")], 40);
        let path = p.iter().next().expect("path").1;
        assert_eq!(path.week(t(41)), PathWeek { changes: 2, least: Some(0), flaps: false });
    }

    #[test]
    fn nonsense_is_no_path() {
        for text in ["", "[]", "[1]", "1, 2", "[a, b]", "[-1, 2]", "[1, 99999999999]"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse(" [3,4] "), Some((3, 4)));
    }
}
