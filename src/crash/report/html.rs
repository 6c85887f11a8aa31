//! A reading as one HTML file that needs nothing beside it: no script, no font, no picture from elsewhere.

use super::{Crash, Dump, Reading, cause_text, confidence_text, timeline, utc};
use crate::crash::verdict::{Cause, Evidence};
use crate::text::html as e;
use std::fmt::Write as _;

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1c2430;--paper:#fff;--soft:#f3f5f8;--line:#d9dee5;--bad:#b3261e;--warn:#a35c00;--good:#2a7a43;--dim:#5a6675}\
@media(prefers-color-scheme:dark){:root{--ink:#dde3ea;--paper:#14181d;--soft:#1f252c;--line:#333b45;--bad:#ff8a80;--warn:#ffb74d;--good:#7ddb95;--dim:#98a4b3}}\
@media print{:root{--ink:#000;--paper:#fff;--soft:#fff;--line:#999;--bad:#900;--warn:#740;--good:#050;--dim:#333}article{break-inside:avoid-page}}\
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:var(--ink);background:var(--paper)}\
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:1.6rem}\
.verdict{padding:.6rem 1rem;border-left:.4rem solid var(--dim);background:var(--soft)}\
.o2cb,.xhad{border-color:var(--warn)}.bug{border-color:var(--bad)}.none{border-color:var(--good)}\
pre{overflow-x:auto;background:var(--soft);padding:.6rem;border:1px solid var(--line);white-space:pre-wrap;overflow-wrap:anywhere}\
pre b{color:var(--bad);font-weight:700}.where,.dim,time{color:var(--dim);font-family:ui-monospace,monospace;font-size:.85em}\
table{border-collapse:collapse;width:100%}td{padding:.2rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}\
.line{width:100%;height:auto}.line line{stroke:var(--dim);stroke-width:2}.line circle{fill:var(--dim)}.line .matters circle{fill:var(--warn)}\
.line .crash circle{fill:var(--bad)}.line text{font:13px system-ui,sans-serif;fill:var(--ink)}.line .end{fill:var(--dim);font-size:12px}\
.line .last{text-anchor:end}article{border-top:1px solid var(--line);padding-top:.6rem}article:first-of-type{border:0}";

/// As one HTML page.
pub fn html(reading: &Reading) -> String {
    let mut out = String::new();
    let title = match reading.crashes.as_slice() {
        [one] => one.headline(),
        many => format!("{} crashes", many.len()),
    };
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>{}</title><style>{STYLE}</style></head><body>\n",
        e(&title)
    );
    for crash in &reading.crashes {
        one(&mut out, crash);
    }
    if !reading.notes.is_empty() {
        let _ = writeln!(out, "<h2>Of the reading</h2>\n<ul>");
        for note in &reading.notes {
            let _ = writeln!(out, "<li>{}</li>", e(note));
        }
        let _ = writeln!(out, "</ul>");
    }
    let (source, version) = (e(&reading.source), env!("CARGO_PKG_VERSION"));
    let _ = writeln!(
        out,
        "<p class=\"dim\">Read by poolwatch {version} from {source}: {} files, {} lines.</p>\n</body></html>",
        reading.files, reading.lines
    );
    out
}

fn one(out: &mut String, crash: &Crash) {
    let verdict = &crash.verdict;
    let (cause, finer): (&str, &str) = (verdict.cause.into(), verdict.finer.into());
    let mark = crash.mark();
    let _ = writeln!(
        out,
        "<article>\n<h1>{mark} {}</h1>\n<p class=\"verdict {cause}\"><strong>{cause} ({finer})</strong>: {}; {}. {}</p>",
        e(&crash.headline()),
        cause_text(verdict.cause, verdict.finer),
        confidence_text(verdict.confidence),
        e(&verdict.why)
    );
    for note in &verdict.notes {
        let _ = writeln!(out, "<p>{}</p>", e(note));
    }
    out.push_str(&timeline::svg(crash));
    if crash.dump != Dump::Missing || verdict.cause != Cause::None {
        let folder = crash.folder.as_deref().filter(|folder| !folder.is_empty());
        let folder = folder.map_or_else(String::new, |at| format!("<code>{}</code>, ", e(at)));
        let _ = writeln!(out, "<p>Dump: {folder}{}.</p>", e(&crash.dump.text()));
    }
    if !crash.advice.is_empty() {
        let _ = writeln!(out, "<h2>What to do</h2>\n<ol>");
        for piece in &crash.advice {
            let _ = writeln!(out, "<li>{}</li>", e(piece));
        }
        let _ = writeln!(out, "</ol>");
    }
    if !verdict.evidence.is_empty() {
        let _ = writeln!(out, "<h2>Evidence</h2>");
    }
    for evidence in &verdict.evidence {
        quote(out, evidence);
    }
    if !crash.story.is_empty() {
        let _ = writeln!(out, "<h2>What led to it</h2>\n<table>");
        for step in &crash.story {
            let (open, close) = if step.matters { ("<strong>", "</strong>") } else { ("", "") };
            let _ = writeln!(out, "<tr><td><time>{}</time><td>{open}{}{close}</tr>", utc(step.at), e(&step.text));
        }
        let _ = writeln!(out, "</table>");
    }
    let _ = writeln!(out, "</article>");
}

fn quote(out: &mut String, evidence: &Evidence) {
    let number = if evidence.line > 0 { format!(":{}", evidence.line) } else { String::new() };
    let _ = write!(out, "<p><span class=\"where\">{}{number}</span> {}</p>\n<pre>", e(&evidence.file), e(&evidence.shows));
    for line in &evidence.before {
        let _ = writeln!(out, "{}", e(line));
    }
    let _ = writeln!(out, "<b>{}</b>", e(&evidence.text));
    for line in &evidence.after {
        let _ = writeln!(out, "{}", e(line));
    }
    let _ = writeln!(out, "</pre>");
}
