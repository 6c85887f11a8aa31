//! A reading as Markdown, for a ticket.

use super::{Crash, Dump, Reading, cause_text, confidence_text, utc};
use crate::crash::verdict::{Cause, Evidence};
use crate::text::markdown as e;
use std::fmt::Write as _;

/// As Markdown that any reader shows; what a log says in it cannot become markup.
pub fn markdown(reading: &Reading) -> String {
    let mut out = String::new();
    for crash in &reading.crashes {
        one(&mut out, crash);
    }
    if !reading.notes.is_empty() {
        let _ = writeln!(out, "## Of the reading\n");
        for note in &reading.notes {
            let _ = writeln!(out, "- {}", e(note));
        }
        out.push('\n');
    }
    let (source, files, lines) = (e(&reading.source), reading.files, reading.lines);
    let _ = writeln!(out, "Read by poolwatch {} from {source}: {files} files, {lines} lines.", env!("CARGO_PKG_VERSION"));
    out
}

fn one(out: &mut String, crash: &Crash) {
    let verdict = &crash.verdict;
    let (cause, finer): (&str, &str) = (verdict.cause.into(), verdict.finer.into());
    let _ = writeln!(out, "# {}\n", e(&crash.headline()));
    let sure = confidence_text(verdict.confidence);
    let _ = writeln!(out, "**{cause}** ({finer}): {}; {sure}. {}\n", cause_text(verdict.cause, verdict.finer), e(&verdict.why));
    for note in &verdict.notes {
        let _ = writeln!(out, "- {}", e(note));
    }
    if !verdict.notes.is_empty() {
        out.push('\n');
    }
    if crash.dump != Dump::Missing || verdict.cause != Cause::None {
        let folder =
            crash.folder.as_deref().filter(|folder| !folder.is_empty()).map_or_else(String::new, |at| format!("{}, ", e(at)));
        let _ = writeln!(out, "Dump: {folder}{}.\n", e(&crash.dump.text()));
    }
    if !verdict.evidence.is_empty() {
        let _ = writeln!(out, "## Evidence\n");
    }
    for evidence in &verdict.evidence {
        quote(out, evidence);
    }
    if !crash.story.is_empty() {
        let _ = writeln!(out, "## What led to it\n");
        for step in &crash.story {
            let mark = if step.matters { "**" } else { "" };
            let _ = writeln!(out, "- {} {mark}{}{mark}", utc(step.at), e(&step.text));
        }
        out.push('\n');
    }
    if !crash.advice.is_empty() {
        let _ = writeln!(out, "## What to do\n");
        for (piece, number) in crash.advice.iter().zip(1..) {
            let _ = writeln!(out, "{number}. {}", e(piece));
        }
        out.push('\n');
    }
}

/// Lines as they stand, in a block that no line in them can end: they are indented.
fn quote(out: &mut String, evidence: &Evidence) {
    let place = if evidence.line > 0 { format!("{}:{}", evidence.file, evidence.line) } else { evidence.file.clone() };
    let shows = if evidence.shows.is_empty() { String::new() } else { format!(": {}", e(&evidence.shows)) };
    let _ = writeln!(out, "{}{shows}\n", e(&place));
    let quoted = evidence.before.iter().map(|line| ("  ", line)).chain([("> ", &evidence.text)]);
    for (mark, line) in quoted.chain(evidence.after.iter().map(|line| ("  ", line))) {
        let _ = writeln!(out, "    {mark}{}", line.replace(['\n', '\r'], " "));
    }
    out.push('\n');
}
