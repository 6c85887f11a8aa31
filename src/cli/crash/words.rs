//! A reading as a page of plain text for people.

use crate::crash::report::{Crash, Dump, Reading, cause_text, confidence_text, utc};
use crate::crash::verdict::{Cause, Evidence};
use crate::tui::draw::words::wrap;
use std::fmt::Write as _;

/// Columns before what a line says.
const LABEL: usize = 11;

/// The page, at most `columns` wide.
pub fn page(reading: &Reading, columns: u16) -> String {
    let mut out = String::new();
    for crash in &reading.crashes {
        one(&mut out, crash, columns);
        out.push('\n');
    }
    for note in &reading.notes {
        said(&mut out, "note", note, columns);
    }
    let _ = writeln!(out, "read       {} files, {} lines, from {}", reading.files, reading.lines, reading.source);
    out
}

fn one(out: &mut String, crash: &Crash, columns: u16) {
    let verdict = &crash.verdict;
    let (cause, finer): (&str, &str) = (verdict.cause.into(), verdict.finer.into());
    let mark = crash.mark();
    let headline = format!("{mark} {} · {cause} ({finer}) · {}", crash.headline(), confidence_text(verdict.confidence));
    for line in wrap(&headline, columns) {
        let _ = writeln!(out, "{line}");
    }
    let cause = capital(cause_text(verdict.cause, verdict.finer));
    // Where the reason begins with it, it is not said twice.
    let cause = if verdict.why.starts_with(&cause) { verdict.why.clone() } else { format!("{cause}. {}", verdict.why) };
    said(out, "cause", &cause, columns);
    for note in &verdict.notes {
        said(out, "also", note, columns);
    }
    match (&crash.folder, &crash.dump) {
        (Some(folder), dump) if !folder.is_empty() => said(out, "dump", &format!("{folder}, {}", dump.text()), columns),
        (_, Dump::Missing) if verdict.cause == Cause::None => {}
        (_, dump) => said(out, "dump", &dump.text(), columns),
    }
    for (evidence, label) in verdict.evidence.iter().zip(first("evidence")) {
        quote(out, evidence, label, columns);
    }
    for (step, label) in crash.story.iter().zip(first("before")) {
        let mark = if step.matters { "▲ " } else { "" };
        said(out, label, &format!("{}  {mark}{}", utc(step.at), step.text), columns);
    }
    for ((number, piece), label) in (1..).zip(&crash.advice).zip(first("do now")) {
        said(out, label, &format!("{number} {piece}"), columns);
    }
}

/// A label for the first of several, and none for the others.
fn first(label: &'static str) -> impl Iterator<Item = &'static str> {
    std::iter::once(label).chain(std::iter::repeat(""))
}

/// What is said under a label, over as many lines as it needs.
fn said(out: &mut String, label: &str, text: &str, columns: u16) {
    let width = columns.saturating_sub(u16::try_from(LABEL).unwrap_or(0)).max(20);
    for (line, label) in wrap(text, width).iter().zip(std::iter::once(label).chain(std::iter::repeat(""))) {
        let _ = writeln!(out, "{label:<LABEL$}{line}");
    }
}

/// A line of a log with its place; what stands around it is in the other forms.
fn quote(out: &mut String, evidence: &Evidence, label: &str, columns: u16) {
    let number = if evidence.line > 0 { format!(":{}", evidence.line) } else { String::new() };
    let text = format!("{}{number}  {}", evidence.file, evidence.text);
    said(out, label, &text, columns);
    if !evidence.shows.is_empty() {
        said(out, "", &format!("→ {}", evidence.shows), columns);
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + chars.as_str())
}
