//! How slow the heartbeats of each host are, now and over the last week, against what fences it.
//!
//! HA's come from the host's statistics (`statefile/VDI/latency`, `network/latency`, `xapi_healthcheck/latency`: `rrdd_ha_stats.ml`; off until
//! somebody records them), o2cb's from its probe (`elapsed_time_in_ms`). Of each hour the worst that we saw is kept, and the host's own archive
//! (means of an hour) fills the hours before. Bounded; decides nothing.

use super::Pool;
use super::picture::Health;
use super::words;
use crate::observation::Week;
use crate::probe::Report;
use crate::time::Time;
use crate::xenapi::record::Ref;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Share of its limit from which on a heartbeat is slow: xhad itself calls that approaching it.
pub const SLOW: f64 = 0.5;
/// Share of its limit from which on a fence is near.
pub const NEAR: f64 = 0.75;
/// An hour in milliseconds.
const HOUR: i64 = 3_600_000;
/// Hours of a week.
const HOURS: i64 = 168;
/// Sources of one host at most.
const SOURCES: usize = 256;
/// A reading counts for this long, in seconds.
const FRESH: u64 = 90;
/// Longer than this, in seconds, none is taken to be: it is nonsense then.
const LONGEST: f64 = 86_400.0;
/// Prefix of o2cb's own readings.
const O2CB: &str = "o2cb/";
/// What the HA daemon itself says of its statefile, through the probe.
const XHAD: &str = "xhad/statefile";

/// One source of one host.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Track {
    now: Option<(Time, f64)>,
    /// The worst of each hour that we saw, by hours since the epoch.
    seen: BTreeMap<i64, f32>,
    /// The means of the hours, by the host.
    told: BTreeMap<i64, f32>,
}

/// Those of all hosts.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Heartbeats {
    hosts: BTreeMap<Ref, BTreeMap<Box<str>, Track>>,
}

/// One heartbeat of one host, with its week.
#[derive(Clone, Debug, PartialEq)]
pub struct Heartbeat {
    /// What it is, and how it is now.
    pub view: HeartbeatView,
    /// The last 168 hours, the oldest first: the worst that we saw, or the mean by the host.
    pub hours: Vec<Option<f32>>,
}

/// What a heartbeat goes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, strum::EnumIter, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum HeartbeatKind {
    /// HA's, to a statefile.
    HaStatefile,
    /// HA's, over the network.
    HaNetwork,
    /// HA's check of xapi.
    HaXapi,
    /// o2cb's, to its regions.
    O2cb,
}

impl HeartbeatKind {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::HaStatefile => "HA, statefile",
            Self::HaNetwork => "HA, network",
            Self::HaXapi => "HA, xapi's own check",
            Self::O2cb => "o2cb",
        }
    }
}

/// One heartbeat of one host, without its week hour by hour.
#[derive(Clone, Debug, PartialEq)]
pub struct HeartbeatView {
    /// Over what.
    pub kind: HeartbeatKind,
    /// Which, in words, such as `HA, statefile 0c4ab55f`.
    pub what: String,
    /// How long the last one took, in seconds; for o2cb how long ago it was written. `None`: no reading now.
    pub now_s: Option<f64>,
    /// What must not be reached, in seconds.
    pub limit_s: f64,
    /// The worst of the last week: the hour in which it was, and seconds.
    pub worst: Option<(Time, f64)>,
    /// How bad the last one is.
    pub health: Health,
    /// When it was read; `None`: never.
    pub seen: Option<Time>,
}

const fn hour_of(at: Time) -> i64 {
    at.as_millis().div_euclid(HOUR)
}

impl Track {
    fn note(&mut self, at: Time, value: f64) {
        let value = value.clamp(0.0, LONGEST);
        self.now = Some((at, value));
        let worst = self.seen.entry(hour_of(at)).or_insert(0.0);
        *worst = worst.max(value as f32);
        let oldest = hour_of(at) - HOURS;
        while self.seen.first_key_value().is_some_and(|(hour, _)| *hour < oldest) {
            self.seen.pop_first();
        }
    }

    /// The worst of the last week, and the hour in which it was.
    fn worst(&self, now: Time) -> Option<(Time, f64)> {
        let last = hour_of(now);
        let within = last - HOURS + 1..=last;
        let told = self.told.range(within.clone()).filter(|(hour, _)| !self.seen.contains_key(hour));
        let worst = self.seen.range(within).chain(told).max_by(|a, b| a.1.total_cmp(b.1).then_with(|| b.0.cmp(a.0)));
        worst.map(|(hour, value)| (Time::from_millis(hour.saturating_mul(HOUR)), f64::from(*value)))
    }

    /// Hour by hour up to now, the oldest first.
    fn hours(&self, now: Time) -> Vec<Option<f32>> {
        let last = hour_of(now);
        let of = |hour: i64| self.seen.get(&hour).or_else(|| self.told.get(&hour)).copied();
        (last - HOURS + 1..=last).map(of).collect()
    }
}

impl Heartbeats {
    fn track(&mut self, host: &Ref, name: &str) -> Option<&mut Track> {
        let of = self.hosts.entry(host.clone()).or_default();
        if of.len() >= SOURCES && !of.contains_key(name) {
            return None;
        }
        Some(of.entry(name.into()).or_default())
    }

    /// The newest row of a host's statistics.
    pub fn sampled(&mut self, host: &Ref, values: &[(String, f64)], at: Time) {
        for (name, value) in values.iter().filter(|(name, value)| kind(name).is_some() && value.is_finite()) {
            if let Some(track) = self.track(host, name) {
                track.note(at, *value);
            }
        }
    }

    /// What a probe told of o2cb's regions, and of the statefile as the HA daemon has it. `uuid`: the host's.
    pub fn probed(&mut self, host: &Ref, uuid: &str, report: &Report, at: Time) {
        let liveset = report.xha.get().and_then(|xha| xha.liveset.as_ref());
        let own = liveset.and_then(|set| set.hosts.iter().find(|h| h.id == uuid)?.since_state_file_ms);
        if let Some(ms) = own.filter(|ms| *ms >= 0)
            && let Some(track) = self.track(host, XHAD)
        {
            track.note(at, ms as f64 / 1_000.0);
        }
        let clusters = report.o2cb.get().and_then(|o2cb| o2cb.live.clusters.get()).map(Vec::as_slice).unwrap_or_default();
        for region in clusters.iter().flat_map(|cluster| &cluster.regions) {
            let Some(elapsed) = region.elapsed_ms.get() else { continue };
            let device = region.device.get().unwrap_or(&region.uuid);
            if let Some(track) = self.track(host, &format!("{O2CB}{}", words::name(device))) {
                track.note(at, *elapsed as f64 / 1_000.0);
            }
        }
    }

    /// What a host's archive says. Its clock may be off: an hour is close enough.
    pub fn archive(&mut self, host: &Ref, week: &Week, now: Time) {
        let oldest = hour_of(now) - HOURS;
        for (name, values) in &week.series {
            let Some(track) = self.track(host, name) else { continue };
            let rows = week.rows.iter().zip(values).filter_map(|(at, value)| Some((*at, (*value)?)));
            // A row is of the hour that ends with it.
            track.told = rows
                .map(|(at, value)| (hour_of(at) - 1, value))
                .filter(|(hour, value)| *hour >= oldest && value.is_finite())
                .collect();
        }
    }

    /// A host is gone from the pool.
    pub fn gone(&mut self, host: &Ref) {
        self.hosts.remove(host);
    }

    /// The hours in which one of these sources was above zero, with its mean.
    pub fn hours_above_zero(&self, host: &Ref, names: &[String]) -> Vec<(Time, f32)> {
        let tracks = names.iter().filter_map(|name| self.hosts.get(host)?.get(name.as_str()));
        let hours = tracks.flat_map(|track| track.told.iter().filter(|(_, value)| **value > 0.0));
        hours.map(|(hour, value)| (Time::from_millis(hour.saturating_mul(HOUR)), *value)).collect()
    }
}

/// What a source measures; `None` if it is no heartbeat.
fn kind(name: &str) -> Option<HeartbeatKind> {
    match name {
        "network/latency" => Some(HeartbeatKind::HaNetwork),
        "xapi_healthcheck/latency" => Some(HeartbeatKind::HaXapi),
        XHAD => Some(HeartbeatKind::HaStatefile),
        _ if name.starts_with("statefile/") && name.ends_with("/latency") => Some(HeartbeatKind::HaStatefile),
        _ if name.starts_with(O2CB) => Some(HeartbeatKind::O2cb),
        _ => None,
    }
}

impl Pool {
    /// The heartbeats of a host that anything is known of, the nearest to its limit first.
    pub fn heartbeats(&self, host: &Ref, now: Time) -> Vec<Heartbeat> {
        self.beats(host, now).into_iter().map(|(view, track)| Heartbeat { view, hours: track.hours(now) }).collect()
    }

    /// The same without the weeks.
    pub(super) fn heartbeat_views(&self, host: &Ref, now: Time) -> Vec<HeartbeatView> {
        self.beats(host, now).into_iter().map(|(view, _)| view).collect()
    }

    fn beats(&self, host: &Ref, now: Time) -> Vec<(HeartbeatView, &Track)> {
        let mut tracks = self.hosts_heartbeats(host).peekable();
        if tracks.peek().is_none() {
            return Vec::new();
        }
        let ha = self.tables.the_pool().is_some_and(|pool| pool.ha_enabled);
        let timeout = self.ha_timeout().map_or(super::budget::HA_TIMEOUT, |(seconds, _)| seconds);
        let o2cb =
            self.probes.threshold(host, now).map_or(super::budget::O2CB, |threshold| f64::from(threshold.max(2) - 1) * 2.0);
        let mut out = Vec::new();
        for (name, track) in tracks {
            let Some(kind) = kind(name) else { continue };
            let limit_s = match kind {
                HeartbeatKind::O2cb => o2cb,
                _ if !ha => continue,
                // xapi sets it by itself, and nothing changes it (`xapi_ha.ml`).
                HeartbeatKind::HaXapi => 120.0,
                HeartbeatKind::HaStatefile | HeartbeatKind::HaNetwork => timeout,
            };
            let which = name.strip_prefix(O2CB).or_else(|| name.strip_prefix("statefile/")?.strip_suffix("/latency"));
            let which = which.map_or_else(String::new, |which| format!(" {}", words::name(which.get(..13).unwrap_or(which))));
            let now_s = track.now.filter(|(at, _)| now.since(*at).as_secs() < FRESH).map(|(_, value)| value);
            let health = match now_s {
                Some(s) if s >= limit_s * NEAR => Health::Failed,
                Some(s) if s >= limit_s * SLOW => Health::Degraded,
                Some(_) => Health::Good,
                None => Health::Pending,
            };
            let what = format!("{}{which}", kind.words());
            let seen = track.now.map(|(at, _)| at);
            out.push((HeartbeatView { kind, what, now_s, limit_s, worst: track.worst(now), health, seen }, track));
        }
        let share = |one: &HeartbeatView| one.now_s.unwrap_or(0.0) / one.limit_s;
        out.sort_by(|(a, _), (b, _)| share(b).total_cmp(&share(a)).then_with(|| a.what.cmp(&b.what)));
        out
    }

    fn hosts_heartbeats(&self, host: &Ref) -> impl Iterator<Item = (&str, &Track)> {
        self.heartbeats.hosts.get(host).into_iter().flatten().map(|(name, track)| (&**name, track))
    }

    /// Whether HA is on and this host measures nothing of its heartbeats.
    pub fn heartbeats_are_off(&self, host: &Ref) -> bool {
        let ha = self.tables.the_pool().is_some_and(|pool| pool.ha_enabled);
        ha && !self.hosts_heartbeats(host).any(|(name, _)| kind(name).is_some_and(|kind| kind != HeartbeatKind::O2cb))
    }
}

/// The last days of a heartbeat as its worst hour each: `days` numbers, the oldest first.
pub fn by_day(hours: &[Option<f32>]) -> Vec<Option<f32>> {
    let worst = |day: &[Option<f32>]| day.iter().flatten().copied().reduce(f32::max);
    hours.chunks(24).map(worst).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Seen;
    use crate::pool::scene::{Scene, r, t};
    use crate::xenapi::record::{Pool as PoolRecord, Record};

    fn with_ha() -> Scene {
        let mut s = Scene::new(1);
        s.set(
            "pool",
            Record::Pool(PoolRecord {
                master: r("h1"),
                ha_enabled: true,
                ha_cluster_stack: "xhad".into(),
                ..PoolRecord::default()
            }),
        );
        s
    }

    fn sample(s: &mut Scene, name: &str, value: f64) {
        let row = t(s.now);
        s.say(Seen::Samples { host: r("h1"), row, values: vec![(name.into(), value)] });
    }

    #[test]
    fn a_latency_is_told_against_its_limit_with_the_worst_of_the_week() {
        let mut s = with_ha();
        assert!(s.pool.heartbeats_are_off(&r("h1")));
        let back = |hours: i64| Time::from_millis(t(s.now).as_millis() - hours * HOUR);
        let week =
            Week { rows: vec![back(100), back(2)], series: vec![("statefile/abc/latency".into(), vec![Some(12.0), None])] };
        s.say(Seen::Week { host: r("h1"), week });
        sample(&mut s, "statefile/abc/latency", 31.0);
        sample(&mut s, "network/latency", 0.5);
        sample(&mut s, "cpu_avg", 0.5);
        let all = s.pool.heartbeats(&r("h1"), t(s.now));
        assert_eq!(all.iter().map(|h| h.view.what.as_str()).collect::<Vec<_>>(), ["HA, statefile abc", "HA, network"]);
        assert_eq!((all[0].view.now_s, all[0].view.limit_s, all[0].view.health), (Some(31.0), 60.0, Health::Degraded));
        assert_eq!(all[0].hours.iter().flatten().copied().collect::<Vec<_>>(), [12.0, 31.0]);
        assert_eq!((all[0].hours.len(), by_day(&all[0].hours).len()), (168, 7));
        assert!(all[0].view.worst.is_some_and(|(_, worst)| (worst - 31.0).abs() < 0.01));
        assert!(!s.pool.heartbeats_are_off(&r("h1")));
        s.now += 200.0;
        assert_eq!(s.pool.heartbeats(&r("h1"), t(s.now))[0].view.now_s, None, "an old reading is not the present one");
    }

    #[test]
    fn a_source_under_another_name_is_another_one_and_the_old_one_ages() {
        let mut s = with_ha();
        sample(&mut s, "statefile/old/latency", 50.0);
        s.now += 200.0;
        // HA was set up anew on another statefile; and a name that nobody knows says nothing.
        sample(&mut s, "statefile/new/latency", 0.2);
        sample(&mut s, "ha_statefile_latency_v2", 59.0);
        let now: Vec<_> =
            s.pool.heartbeats(&r("h1"), t(s.now)).into_iter().map(|h| (h.view.what, h.view.now_s, h.view.health)).collect();
        assert_eq!(
            now,
            [("HA, statefile new".to_owned(), Some(0.2), Health::Good), ("HA, statefile old".to_owned(), None, Health::Pending)]
        );
    }

    #[test]
    fn nonsense_neither_grows_nor_counts() {
        let mut s = with_ha();
        for n in 0..1_000 {
            sample(&mut s, &format!("statefile/{n}/latency"), f64::NAN);
            sample(&mut s, &format!("statefile/{n}/latency"), -1.0);
        }
        assert!(s.pool.heartbeats(&r("h1"), t(s.now)).len() <= SOURCES);
        let week = Week {
            rows: vec![t(1e9), t(-1e12)],
            series: vec![("network/latency".into(), vec![Some(f32::INFINITY), Some(1.0), Some(2.0)])],
        };
        s.say(Seen::Week { host: r("h1"), week });
        assert!(s.pool.heartbeats(&r("h1"), t(s.now)).iter().all(|h| h.hours.len() == 168));
    }
}
