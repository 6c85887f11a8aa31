//! What is wrong across the stanzas of a file, and what works but is worth knowing.

use super::{Config, Document, Mode, Problem, What};
use crate::o2cb::MAX_REGIONS;
use std::collections::BTreeSet;

/// What o2cb knows.
const KNOWN: [(&str, &[&str]); 3] = [
    ("cluster", &["name", "node_count", "heartbeat_mode"]),
    ("node", &["number", "cluster", "ip_port", "ip_address", "name"]),
    ("heartbeat", &["region", "cluster"]),
];

/// Adds to `problems` what is wrong.
pub(super) fn check(document: &Document, lines: &[usize], config: &Config, problems: &mut Vec<Problem>) {
    words(document, lines, problems);
    if document.is_open_at_end() {
        problems.push(Problem { line: lines.last().copied().unwrap_or(1), what: What::HalfWritten });
    }
    for cluster in &config.clusters {
        let mut note = |line: usize, what| problems.push(Problem { line, what });
        let name = || crate::text::clean(&cluster.name, 80).into_owned();
        if cluster.node_count != cluster.nodes.len() as u64 {
            note(cluster.line, What::NodeCount { says: cluster.node_count, found: cluster.nodes.len() });
        }
        let count = cluster.heartbeats.len();
        match (cluster.mode, count) {
            (Mode::Global, 0) => note(cluster.line, What::NoRegion { cluster: name() }),
            (Mode::Global, 2) => note(cluster.line, What::TwoRegions { cluster: name(), count }),
            (_, count) if count > MAX_REGIONS => note(cluster.line, What::TooManyRegions { cluster: name(), count }),
            (Mode::Local, 1..) => note(cluster.line, What::UnusedRegions { cluster: name() }),
            _ => {}
        }
        for heartbeat in &cluster.heartbeats {
            if super::view::is_region(&heartbeat.region) && heartbeat.region.bytes().any(|b| b.is_ascii_lowercase()) {
                note(heartbeat.line, What::RegionCase { region: heartbeat.region.clone() });
            }
        }
        for node in &cluster.nodes {
            if node.address.is_loopback() || node.address.is_unspecified() {
                note(node.line, What::Loopback { name: node.name.clone(), address: node.address.to_string() });
            }
            if node.name.contains('.') {
                note(node.line, What::Domain { name: node.name.clone() });
            }
            let holder = config.held.iter().find(|held| held.numbers.contains(&node.number) && held.is_of(&cluster.name));
            if let Some(held) = holder {
                let (number, name, held) = (node.number, node.name.clone(), held.shown());
                note(node.line, What::HeldInUse { number, name, held });
            }
        }
    }
}

/// Stanzas and attributes that are unknown or stand twice.
fn words(document: &Document, lines: &[usize], problems: &mut Vec<Problem>) {
    let line_of = |at: usize| lines.get(at).copied().unwrap_or(1);
    for stanza in document.stanzas() {
        let kind = document.kind(stanza);
        let Some((_, known)) = KNOWN.iter().find(|(name, _)| *name == kind) else {
            let name = crate::text::clean(kind, 80).into_owned();
            problems.push(Problem { line: line_of(stanza.head), what: What::UnknownStanza { name } });
            continue;
        };
        let mut seen = BTreeSet::new();
        for (at, name, _) in document.attributes(stanza) {
            let line = line_of(at);
            let shown = || crate::text::clean(name, 80).into_owned();
            if seen.contains(name) {
                problems.push(Problem { line, what: What::Twice { name: shown() } });
            } else if !known.contains(&name) {
                problems.push(Problem { line, what: What::UnknownAttribute { name: shown() } });
            }
            seen.insert(name);
        }
    }
}
