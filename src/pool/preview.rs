//! Who would die if something failed now: o2cb's rules, played forward from what the probes told. Computed only when somebody asks.

use super::Pool;
use super::picture::Health;
use super::words;
use crate::o2cb::forecast::{End, Fault, Forecast, How, Region, Situation, each};
use crate::o2cb::live::Mode;
use crate::text::duration;
use crate::time::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What would come of one fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// What fails.
    pub fault: String,
    /// Who ends, when and why; and what else to know.
    pub outcome: Vec<String>,
    /// Hosts that fence themselves.
    pub fenced: Vec<String>,
    /// Hosts that go on.
    pub survive: Vec<String>,
    /// When the last of them fences itself, in seconds after the fault; `None`: nobody does.
    pub after_s: Option<u64>,
    /// How bad: good if nobody but what fails ends.
    pub health: Health,
    /// All of it in one line; the same words for hosts that fare alike.
    pub brief: String,
}

impl Pool {
    /// What would come of each single fault in the pool's o2cb cluster; empty if no probe tells of one.
    pub fn who_would_die(&self, now: Time) -> Vec<Preview> {
        let Some(situation) = self.situation(now) else { return Vec::new() };
        let all = each(&situation, &situation.single_faults());
        all.into_iter().map(|one| preview(one, &situation.nodes)).collect()
    }

    /// Whether any probe tells of o2cb, so that it can be said who would die.
    pub fn hears_o2cb(&self, now: Time) -> bool {
        self.probes.o2cb(now).next().is_some()
    }

    /// The cluster as the nodes that tell of it see it, each by its own eyes where they differ.
    fn situation(&self, now: Time) -> Option<Situation> {
        let told: Vec<_> = self.probes.o2cb(now).map(|(_, _, live)| live).collect();
        let clusters: Vec<_> = told.iter().filter_map(|live| live.cluster()).collect();
        let first = *clusters.first()?;
        let alive: BTreeSet<u8> = told.iter().filter_map(|live| live.live_nodes.get()).flatten().copied().collect();
        let mut nodes: BTreeMap<u8, String> = BTreeMap::new();
        for node in clusters.iter().flat_map(|c| &c.nodes) {
            if let Some(number) = node.num.get().filter(|n| alive.contains(n)) {
                nodes.entry(*number).or_insert_with(|| node.name.clone());
            }
        }
        let mut regions: BTreeMap<&str, BTreeSet<u8>> = BTreeMap::new();
        for region in clusters.iter().flat_map(|c| &c.regions) {
            regions.entry(&region.uuid).or_default().extend(region.live_nodes.get().into_iter().flatten());
        }
        if nodes.len() < 2 {
            return None;
        }
        Some(Situation {
            nodes,
            global: first.mode.get() == Some(&Mode::Global),
            regions: regions.into_iter().map(|(name, on)| Region { name: name.to_owned(), on }).collect(),
            // The one that fences first counts.
            dead_threshold: clusters.iter().filter_map(|c| c.dead_threshold.get()).copied().min().unwrap_or(31),
            idle_timeout_ms: clusters.iter().filter_map(|c| c.idle_timeout_ms.get()).copied().min().unwrap_or(30_000),
            negotiates: told.iter().all(|live| live.kernel.get().is_none_or(|kernel| kernel.at_least(4, 7))),
        })
    }
}

fn preview(what: Forecast, nodes: &BTreeMap<u8, String>) -> Preview {
    let secs = |ms: u64| duration(Duration::from_millis(ms));
    let mut outcome: Vec<String> = Vec::new();
    for end in what.ends.iter().filter(|end| what.fenced.contains(&end.node)) {
        outcome.push(format!(
            "{} fences itself after {} to {}: {}.",
            end.name,
            secs(end.when.earliest_ms),
            secs(end.when.latest_ms),
            end.reason
        ));
    }
    if what.fenced.is_empty() {
        outcome.push("Nobody fences.".into());
    }
    outcome.extend(what.notes.iter().map(|note| format!("{note}.")));
    let health = match (what.survivors.len(), what.fenced.len()) {
        (0, _) => Health::Failed,
        (_, 0) => Health::Good,
        _ => Health::Degraded,
    };
    let brief = brief(&what);
    let survive = what.survivors.iter().filter_map(|node| nodes.get(node).cloned()).collect();
    let fences = |end: &&End| what.fenced.contains(&end.node);
    let fenced: Vec<String> = what.ends.iter().filter(fences).map(|end| end.name.clone()).collect();
    let after_s = what.ends.iter().filter(fences).map(|end| end.when.nominal_ms / 1_000).max();
    Preview { fault: what.says, outcome, health, brief, fenced, survive, after_s }
}

fn brief(what: &Forecast) -> String {
    let ends: Vec<_> = what.ends.iter().filter(|end| what.fenced.contains(&end.node)).collect();
    let after = ends.iter().map(|end| end.when.nominal_ms).max().unwrap_or_default() / 1_000;
    let alone = |node: u8| what.fenced.len() == 1 && what.fenced.contains(&node);
    match what.faults.first() {
        Some(Fault::Link { node }) if alone(*node) => format!("a host that loses its network fences itself after {after} s"),
        Some(Fault::Disk { node, region: None, how: How::Stall }) if alone(*node) => {
            format!("a host whose storage stalls fences itself after {after} s")
        }
        Some(Fault::Disk { node, region: None, how: How::Error }) if alone(*node) => {
            format!("a host with I/O errors on its storage fences itself after {after} s")
        }
        _ => {
            let names: Vec<String> = ends.iter().map(|end| end.name.clone()).collect();
            let who = if what.survivors.is_empty() { "all hosts".into() } else { words::list(&names) };
            let verb = if names.len() == 1 { "fences itself" } else { "fence themselves" };
            format!("{who} {verb} after {after} s if {}", what.says)
        }
    }
}
