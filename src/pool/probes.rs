//! What the hosts' probes told: o2cb's fence margins and cluster, and mirrors that only a host sees. Decides nothing: see [`super::gate`].
//!
//! A report counts for [`PROBE_FRESH`]; what is older is not known any more. Margins are counted on from the last reading of each host by
//! [`crate::o2cb::margin::Watch`], which says itself when it cannot.

use super::limits::PROBE_FRESH;
use crate::o2cb::live::Live;
use crate::o2cb::margin::{BEAT_MS, Difference, Level, Margin, Reason, STALE_MS, Sure, Watch, differences};
use crate::o2cb::quorum::fences;
use crate::observation::Probed;
use crate::probe::Report;
use crate::probe::collect::margin_signs;
use crate::probe::report::{Rebuild, Work};
use crate::text::clean;
use crate::time::Time;
use crate::xenapi::record::Ref;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Silence that no healthy connection between two nodes has, in milliseconds: four keep-alives.
const SUSPECT_MS: i64 = 8_000;

/// What one host's probe told last.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Told {
    /// When, and the report.
    report: Option<(Time, Box<Report>)>,
    /// What came of asking it last, and when.
    last: (Time, Standing),
}

/// Whether a host's probe tells us something, and why not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// It reports.
    Reports,
    /// The host has none.
    Absent,
    /// We may not ask for it.
    Denied,
    /// It was asked and nothing came of it, for this reason.
    Failed(String),
    /// It was not asked yet, or never is.
    #[default]
    NotAsked,
}

impl Standing {
    /// In one word, for scripts.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Reports => "reports",
            Self::Absent => "absent",
            Self::Denied => "denied",
            Self::Failed(_) => "failed",
            Self::NotAsked => "not_asked",
        }
    }

    /// In words: what is so, and what to do about it; without an end. Nothing to do for one that reports.
    pub fn words(&self) -> (String, &'static str) {
        match self {
            Self::Reports => ("it reports".into(), ""),
            Self::Absent => (
                "no probe is installed on this host: o2cb, multipath details, DRBD, kernel lines and the dump target are not known".into(),
                "install it: one file in dom0, docs/probe.md says how; it is looked for again every 10 minutes",
            ),
            Self::Denied => (
                "our user may not ask for it: xapi wants the role pool-admin for any plugin call".into(),
                "log in as a pool-admin, or read the host by hand with `poolwatch probe` (docs/probe.md)",
            ),
            Self::Failed(why) => (
                format!("it was asked and gave no report: {why}"),
                "run /etc/xapi.d/plugins/poolwatch by hand on that host, or install it again (docs/probe.md)",
            ),
            Self::NotAsked => ("it was not asked yet".into(), ""),
        }
    }
}

/// Those of all hosts.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Probes {
    hosts: BTreeMap<Ref, Told>,
    watch: Watch,
}

impl Told {
    /// The report, as long as it counts.
    pub fn report(&self, now: Time) -> Option<(Time, &Report)> {
        self.report.as_ref().filter(|(at, _)| now.since(*at) < PROBE_FRESH).map(|(at, report)| (*at, &**report))
    }
}

impl Probes {
    /// A host's probe was asked.
    pub fn told(&mut self, host: &Ref, told: &Probed, at: Time) {
        let (report, standing) = match told {
            Probed::Report(report) => (Some((at, report.clone())), Standing::Reports),
            Probed::Absent => (None, Standing::Absent),
            Probed::Denied => (None, Standing::Denied),
            Probed::Failed { why } => {
                // What it told before counts for as long as it is fresh.
                let last = (at, Standing::Failed(clean(why, 300).into_owned()));
                let empty = Told { report: None, last: last.clone() };
                self.hosts.entry(host.clone()).or_insert(empty).last = last;
                return;
            }
        };
        if let Some((_, report)) = &report
            && let Some(o2cb) = report.o2cb.get()
        {
            let uptime = o2cb.live.uptime_ms.get().map(|ms| *ms as f64 / 1_000.0);
            let lines = report.kernel.get().map(Vec::as_slice).unwrap_or_default();
            self.watch.add(host.as_str(), at, &o2cb.live, margin_signs(lines, uptime));
        }
        self.hosts.insert(host.clone(), Told { report, last: (at, standing) });
    }

    /// A host is gone from the pool.
    pub fn gone(&mut self, host: &Ref) {
        self.hosts.remove(host);
    }

    /// Whether a host's probe tells us something, and since when that is known.
    pub fn standing(&self, host: &Ref) -> (Option<Time>, Standing) {
        self.hosts.get(host).map_or((None, Standing::NotAsked), |told| (Some(told.last.0), told.last.1.clone()))
    }

    /// o2cb's dead threshold on a host.
    pub fn threshold(&self, host: &Ref, now: Time) -> Option<u32> {
        let (_, report) = self.hosts.get(host)?.report(now)?;
        report.o2cb.get()?.live.cluster()?.dead_threshold.get().copied()
    }

    /// The reports that count now.
    pub fn reports(&self, now: Time) -> impl Iterator<Item = (&Ref, &Report)> {
        self.hosts.iter().filter_map(move |(host, told)| Some((host, told.report(now)?.1)))
    }

    /// Whether any host has told anything.
    pub fn any(&self) -> bool {
        self.hosts.values().any(|told| told.report.is_some())
    }

    /// What a host told.
    pub fn of(&self, host: &Ref) -> Option<&Told> {
        self.hosts.get(host)
    }

    /// The fence margin of a host where o2cb was seen to run.
    pub fn margin(&self, host: &Ref, now: Time) -> Option<Margin> {
        let live = &self.hosts.get(host)?.report.as_ref()?.1.o2cb.get()?.live;
        let mut margin = self.watch.margin(host.as_str(), now);
        if matches!(margin.reason, Reason::CannotKnow { .. })
            && let Some(seen) = self.by_the_others(host, live, now)
        {
            return Some(seen);
        }
        if margin.reason == Reason::Beating {
            // What is left from one heartbeat to the next says nothing, and would never stand still: the whole time that it has.
            let threshold = live.cluster().and_then(|c| c.dead_threshold.get()).copied().unwrap_or(31);
            margin.left_ms = Some((i64::from(threshold) - 1).max(1) * BEAT_MS);
        }
        (margin.reason != Reason::NotHeartbeating).then_some(margin)
    }

    /// What the other nodes tell of one whose own probe does not answer any more: it still heartbeats on the disk, and they do not hear it. If those
    /// that it has left are no quorum, it fences itself, and when is known by their watches.
    fn by_the_others(&self, host: &Ref, last: &Live, now: Time) -> Option<Margin> {
        let own = last.number()?;
        let name = last.name_of(own)?;
        let mut beating: BTreeSet<u8> = BTreeSet::new();
        let mut silent: BTreeMap<u8, i64> = BTreeMap::new();
        for (_, at, live) in self.o2cb(now).filter(|(other, ..)| *other != host) {
            let age = now.millis_after(at);
            let (Some(number), Some(seen), Some(uptime)) = (live.number(), live.live_nodes.get(), live.uptime_ms.get()) else {
                continue;
            };
            if age > STALE_MS {
                continue;
            }
            if !seen.contains(&own) {
                // It is dead to them already.
                return None;
            }
            beating.extend(seen);
            let ready = live.sockets.get()?.iter().find(|socket| socket.peer == name)?.data_ready_us?;
            let silence = i64::try_from(uptime.saturating_sub(ready / 1_000)).ok()? + age;
            if silence >= SUSPECT_MS {
                silent.insert(number, silence);
            }
        }
        let connected: BTreeSet<u8> = beating.iter().copied().filter(|node| !silent.contains_key(node)).collect();
        let silence_ms = silent.values().copied().min()?;
        if !fences(own, &beating, &connected) {
            return None;
        }
        let cluster = last.cluster()?;
        let idle = cluster.idle_timeout_ms.copied().map_or(30_000, i64::from);
        let threshold = cluster.dead_threshold.copied().map_or(31, i64::from);
        let total = idle + (threshold + 2) * BEAT_MS;
        let left = (total - silence_ms).max(0);
        let level = if silence_ms * 2 >= total { Level::Red } else { Level::Amber };
        let silent: BTreeSet<u8> = silent.into_keys().collect();
        Some(Margin {
            host: String::new(),
            node: Some(own),
            names: crate::o2cb::margin::names(last, &silent),
            left_ms: Some(left),
            at_least_ms: Some((left - BEAT_MS).max(0)),
            at_most_ms: Some(left + 2 * BEAT_MS),
            level,
            reason: Reason::Network { connected: connected.len(), beating: beating.len(), silent, silence_ms },
            sure: Sure::Unless(
                "it hears them, or is dead already: its own probe does not answer, and the others tell this of it".into(),
            ),
            fence_method: cluster.fence_method.copied(),
            warnings: Vec::new(),
        })
    }

    /// The hosts that told of o2cb lately.
    pub fn o2cb(&self, now: Time) -> impl Iterator<Item = (&Ref, Time, &Live)> {
        self.hosts.iter().filter_map(move |(host, told)| {
            let (at, report) = told.report(now)?;
            Some((host, at, &report.o2cb.get()?.live))
        })
    }

    /// What differs in the configuration of hosts that must be alike.
    pub fn differences(&self, now: Time, name: impl Fn(&Ref) -> String) -> Vec<Difference> {
        let all: Vec<(String, &Live)> = self.o2cb(now).map(|(host, _, live)| (name(host), live)).collect();
        differences(all.iter().map(|(host, live)| (host.as_str(), *live)))
    }

    /// Mirrors that are not whole, each once, with the host that told of it first and when.
    pub fn rebuilds(&self, now: Time) -> Vec<(&Ref, Time, &Rebuild)> {
        let mut out: Vec<(&Ref, Time, &Rebuild)> = Vec::new();
        for (host, told) in &self.hosts {
            let Some((at, report)) = told.report(now) else { continue };
            for one in &report.rebuilds {
                let same = |known: &&mut (&Ref, Time, &Rebuild)| {
                    known.2.teller == one.teller && known.2.resource == one.resource && known.2.volume == one.volume
                };
                match out.iter_mut().find(same) {
                    // The one that says more: a rebuild that runs, then one with a progress.
                    Some(known) if rank(one) > rank(known.2) => *known = (host, at, one),
                    Some(_) => {}
                    None => out.push((host, at, one)),
                }
            }
        }
        out
    }
}

impl super::Pool {
    /// Whether a host's probe tells us something: since when that is known, and why not.
    pub fn probe_of(&self, host: &Ref) -> (Option<Time>, Standing) {
        self.probes.standing(host)
    }

    /// How near a fence by o2cb is on a host, by its probe or those of the others; `None` without one, or where o2cb has no heartbeat.
    pub fn o2cb_margin(&self, host: &Ref, now: Time) -> Option<Margin> {
        self.probes.margin(host, now)
    }
}

/// What a host's HA daemon says, in words: whom it counts as alive, how it writes its statefile, whom it does not hear, what its log warns of.
pub fn xhad_words(report: &Report, uuid: &str) -> Option<String> {
    let xha = report.xha.get()?;
    let mut said = Vec::new();
    if let Some(set) = &xha.liveset {
        let alive = set.hosts.iter().filter(|h| h.alive == Some(true)).count();
        said.push(format!("{alive} of {} hosts in the live set", set.hosts.len()));
        let secs = |ms: i64| format!("{:.0} s", ms.max(0) as f64 / 1_000.0);
        let own = set.hosts.iter().find(|h| h.id == uuid);
        if let Some(own) = own {
            said.extend(own.since_state_file_ms.map(|ms| format!("statefile written {} ago", secs(ms))));
            if own.state_file == Some(false) {
                said.push("it CANNOT write the statefile".into());
            }
        }
        let others = set.hosts.iter().filter(|h| h.id != uuid && h.alive == Some(true));
        let slowest = others.filter_map(|h| h.since_heartbeat_ms).max();
        said.extend(slowest.map(|ms| format!("every host heard within {}", secs(ms))));
    }
    let warns = |line: &&crate::probe::xha::Line| {
        use crate::probe::xha::Sign;
        matches!(line.sign, Sign::Approaching { .. } | Sign::Watchdog { .. } | Sign::SelfFence { .. })
    };
    said.extend(xha.lines.iter().rev().find(warns).map(|line| format!("last warning: {}", clean(&line.text, 160))));
    (!said.is_empty()).then(|| said.join("; "))
}

fn rank(one: &Rebuild) -> (u8, bool) {
    let work = match one.work {
        Work::Missing => 0,
        Work::Waiting => 1,
        Work::Stalled => 2,
        Work::Running => 3,
    };
    (work, one.progress.is_some())
}

/// How the mending of a mirror goes, in words.
pub fn words(one: &Rebuild) -> String {
    let teller = one.teller;
    let mut said = vec![match one.work {
        Work::Running => format!("{teller} rebuilds it"),
        Work::Waiting => format!("{teller} will rebuild it: it waits for something else to end"),
        Work::Stalled => format!("{teller} says that it rebuilds it, but it stands still"),
        Work::Missing => format!("{teller} says that it is not whole, and nobody rebuilds it"),
    }];
    said.extend(one.copies.map(|(good, all)| format!("{good} of {all} copies are good")));
    if one.redundancy_lost {
        said.push("the next loss may cost data or stop its I/O".into());
    }
    if !one.nodes.is_empty() {
        said.push(format!("on {}", clean(&one.nodes.join(", "), 120)));
    }
    said.extend(one.note.iter().map(|note| clean(note, 160).into_owned()));
    said.join("; ")
}

#[cfg(test)]
mod tests;
