//! The classifier over recorded and quoted logs of real crashes, fences and quiet hosts.
//!
//! Needs the samples, which are not part of the project:
//! `POOLWATCH_SAMPLES=<folder> cargo test --test samples_crash -- --ignored --nocapture`. Without it the test is not run, never passed silently.
//!
//! Two indexes say what each file is: `crash/index.tsv` (excerpts of reports) and `o2cb/index.tsv` (consoles of nodes in recorded scenes). For each file
//! the cause must be right, the finer cause too where the index names one that a log can tell, and the line that the index calls the evidence must be shown.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use poolwatch::crash::classify::verdict_of;
use poolwatch::crash::log::{Kind, Log, Owner};
use poolwatch::crash::verdict::{Cause, Finer, Verdict};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

fn samples() -> PathBuf {
    PathBuf::from(std::env::var("POOLWATCH_SAMPLES").expect("POOLWATCH_SAMPLES names the folder with the samples"))
}

/// The rows of an index, each by the name of its column.
fn rows(name: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(samples().join(name)).unwrap();
    text.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

fn read(folder: &str, file: &str) -> Verdict {
    let bytes = fs::read(samples().join(folder).join(file)).unwrap();
    // Neither the name nor the folder may tell anything.
    let log = Arc::new(Log { name: file.to_owned(), kind: Kind::Unknown, owner: Owner::Unknown });
    verdict_of(&[(log, &bytes)])
}

fn cause(label: &str) -> Cause {
    label.parse().unwrap_or_else(|_| panic!("an unknown cause in the index: {label}"))
}

/// The finer causes that fit the words of the index; `None` if a log cannot tell.
fn fitting(label: &str) -> Option<Vec<Finer>> {
    let words = [
        ("operator", vec![Finer::Operator]),
        ("oops", vec![Finer::Oops]),
        ("mce", vec![Finer::Mce]),
        ("oom", vec![Finer::Oom]),
        ("xen-panic", vec![Finer::XenPanic]),
        ("xen-deadlock", vec![Finer::CpuStuck]),
        ("network", vec![Finer::Network]),
        ("disk", vec![Finer::Disk]),
        ("io-path-loss", vec![Finer::Disk]),
        ("statefile-io-loss", vec![Finer::Statefile, Finer::Watchdog]),
    ];
    words.into_iter().find(|(word, _)| label.starts_with(word)).map(|(_, finer)| finer)
}

/// Whether the line of the index is among the evidence. The index cuts lines, and the FAQ's is wrapped.
fn shown(verdict: &Verdict, line: &str) -> bool {
    let line = line.trim();
    line.is_empty()
        || line.starts_with('(') && !line.starts_with("(XEN)")
        || verdict.evidence.iter().any(|evidence| evidence.text.contains(line))
}

#[test]
#[ignore = "needs the samples"]
fn every_excerpt_of_a_report_is_told_what_it_is() {
    let mut wrong = Vec::new();
    for row in rows("crash/index.tsv") {
        let (file, label, finer, line) = (&row[0], &row[2], &row[3], &row[7]);
        let verdict = read("crash", file);
        let finer_fits = cause(label) == Cause::None
            || fitting(finer).is_none_or(|fits| {
                // One excerpt is of a message alone, which cannot tell what was starved.
                fits.contains(&verdict.finer)
            });
        println!("{file}: {:?}/{:?} {:?}: {}", verdict.cause, verdict.finer, verdict.confidence, verdict.why);
        if verdict.cause != cause(label) || !finer_fits || !shown(&verdict, line) {
            wrong.push(format!("{file}: wanted {label}/{finer} by {line:?}, got {verdict:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
#[ignore = "needs the samples"]
fn every_console_of_a_recorded_scene_is_told_what_it_is() {
    let mut wrong = Vec::new();
    let mut told = 0;
    for row in rows("o2cb/index.tsv") {
        let (file, label, finer, line) = (&row[0], &row[2], &row[3], &row[4]);
        let verdict = read("o2cb", file);
        let finer_fits = fitting(finer).is_none_or(|fits| fits.contains(&verdict.finer));
        println!("{file}: {:?}/{:?} {:?}", verdict.cause, verdict.finer, verdict.confidence);
        if verdict.cause != cause(label) || !finer_fits || !shown(&verdict, line) {
            wrong.push(format!("{file}: wanted {label}/{finer} by {line:?}, got {verdict:#?}"));
        }
        told += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(told > 30, "only {told} consoles in the index");
}
