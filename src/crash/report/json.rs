//! A reading as JSON, under names that only grow. Documented in `docs/crash.md`.

use super::{Crash, Dump, Reading, Step};
use crate::crash::verdict::{Cause, Confidence, Evidence, Finer};
use serde::Serialize;

/// The version of the names.
pub const SCHEMA: &str = "poolwatch-crash/1";

#[derive(Serialize)]
struct Page<'a> {
    schema: &'static str,
    source: &'a str,
    read: Read,
    notes: &'a [String],
    crashes: Vec<One<'a>>,
}

#[derive(Serialize)]
struct Read {
    files: u64,
    lines: u64,
}

#[derive(Serialize)]
struct One<'a> {
    host: Option<&'a str>,
    at: Option<String>,
    clock: Option<&'a str>,
    headline: String,
    cause: Cause,
    finer: Finer,
    confidence: Confidence,
    why: &'a str,
    notes: &'a [String],
    dump: DumpOf<'a>,
    logs: &'a [String],
    evidence: &'a [Evidence],
    advice: &'a [String],
    story: Vec<Told<'a>>,
}

#[derive(Serialize)]
struct DumpOf<'a> {
    folder: Option<&'a str>,
    state: &'static str,
    text: String,
}

#[derive(Serialize)]
struct Told<'a> {
    at: String,
    text: &'a str,
    matters: bool,
}

impl<'a> One<'a> {
    fn of(crash: &'a Crash) -> Self {
        let state = match crash.dump {
            Dump::Whole => "whole",
            Dump::Part(_) => "part",
            Dump::Unsaid => "unsaid",
            Dump::Missing => "missing",
        };
        let verdict = &crash.verdict;
        Self {
            host: crash.host.as_deref(),
            at: crash.at.map(|at| at.to_string()),
            clock: crash.clock.as_deref(),
            headline: crash.headline(),
            cause: verdict.cause,
            finer: verdict.finer,
            confidence: verdict.confidence,
            why: &verdict.why,
            notes: &verdict.notes,
            dump: DumpOf { folder: crash.folder.as_deref().filter(|folder| !folder.is_empty()), state, text: crash.dump.text() },
            logs: &crash.logs,
            evidence: &verdict.evidence,
            advice: &crash.advice,
            story: crash
                .story
                .iter()
                .map(|Step { at, text, matters }| Told { at: at.to_string(), text, matters: *matters })
                .collect(),
        }
    }
}

/// As one JSON document with a line break at its end.
pub fn json(reading: &Reading) -> Result<String, serde_json::Error> {
    let page = Page {
        schema: SCHEMA,
        source: &reading.source,
        read: Read { files: reading.files, lines: reading.lines },
        notes: &reading.notes,
        crashes: reading.crashes.iter().map(One::of).collect(),
    };
    let mut text = serde_json::to_string_pretty(&page)?;
    text.push('\n');
    Ok(text)
}
