//! The probe's parsers over real outputs, each with the facts that a right reading gives (`index.tsv`, column `expected`).
//!
//! Needs the samples, which are not part of the project:
//! `POOLWATCH_SAMPLES=<folder> cargo test --test samples_probe -- --ignored --nocapture`. Without it the test is not run, never passed silently.
//!
//! Each expected fact is said again from what the parsers gave, in the words of the index; a fact that no rule here knows is
//! wrong too, so that no row passes by not being looked at.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod samples;

use std::collections::BTreeMap;
use std::fs;

#[path = "samples/facts.rs"]
mod facts;

/// Kinds of which every row must come out right.
const KINDS: [&str; 6] = ["drbd", "multipath", "md", "linstor", "kernel", "xha"];

/// Facts that the index has wrong, and what is right.
const CORRECTED: [(&str, &str, &str); 1] = [
    // Seven names in twenty rows: counted by hand, and the list of volumes of the same pool has the same seven.
    ("linstor/01-r-list-xostor-8.x-tiebreaker.txt", "resources=8", "resources=7"),
];

#[test]
#[ignore = "needs POOLWATCH_SAMPLES"]
fn every_expected_fact_comes_out() {
    let folder = samples::samples("probe");
    let index = fs::read_to_string(folder.join("index.tsv")).unwrap();
    let mut score: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut wrong = Vec::new();
    for row in index.lines().skip(1) {
        let cells: Vec<&str> = row.split('\t').collect();
        let (file, kind, expected) = (cells[0], cells[1], cells[4]);
        if !KINDS.contains(&kind) {
            continue;
        }
        let text = String::from_utf8_lossy(&fs::read(folder.join(file)).unwrap()).into_owned();
        for fact in expected.split("; ") {
            let corrected = CORRECTED.iter().find(|(of, said, _)| *of == file && *said == fact);
            let fact = corrected.map_or(fact, |(_, _, right)| right);
            let (right, all) = score.entry(kind.to_owned()).or_default();
            *all += 1;
            match facts::check(kind, file, &text, fact) {
                Ok(()) => *right += 1,
                Err(why) => wrong.push(format!("{file}: {fact}: {why}")),
            }
        }
    }
    for (kind, (right, all)) in &score {
        println!("{kind}: {right} of {all}");
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
