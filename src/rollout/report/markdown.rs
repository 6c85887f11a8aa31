//! A report as Markdown.

use super::{Report, stamp, took};
use crate::text;
use std::fmt::Write as _;

/// The report as Markdown that any reader shows; what a pool says in it cannot become markup.
pub fn markdown(report: &Report) -> String {
    let mut out = String::new();
    let e = text::markdown;
    let _ = writeln!(out, "# {}\n\n**{}**\n", e(&report.headline()), e(&report.outcome()));
    let _ = writeln!(out, "- pool: {} ({})", e(&report.pool), e(&report.pool_uuid));
    let _ = writeln!(out, "- begun: {} by {}, poolwatch {}", stamp(report.began), e(&report.by), e(&report.version));
    if let Some(ended) = report.ended {
        let _ = writeln!(out, "- ended: {}, after {}", stamp(ended), took(Some(ended.since(report.began).as_secs())));
    }
    if report.resumed > 0 {
        let _ = writeln!(out, "- taken up again: {} ×", report.resumed);
    }
    let _ = writeln!(out, "\n## Not as it was found\n");
    if report.left.is_empty() {
        let _ = writeln!(out, "Nothing: everything that the run changed is as it was.");
    }
    for left in &report.left {
        let _ = writeln!(out, "- {}: {}", e(&left.what), e(&left.why));
    }
    let _ = writeln!(out, "\n## Hosts\n\n| host | result | took | guests before | moved one by one | failed calls |");
    let _ = writeln!(out, "|---|---|---|---|---|---|");
    for host in &report.hosts {
        let why = if host.why.is_empty() { String::new() } else { format!(": {}", e(&host.why)) };
        let _ = writeln!(
            out,
            "| {} | {}{why} | {} | {} | {} | {} |",
            e(&host.name),
            host.result,
            took(host.seconds),
            host.guests,
            host.moved,
            host.failures
        );
    }
    for host in report.hosts.iter().filter(|host| !host.stages.is_empty()) {
        let _ = writeln!(out, "\n### {}\n", e(&host.name));
        if !host.updates.is_empty() {
            let updates: Vec<String> = host.updates.iter().map(|update| e(update)).collect();
            let _ = writeln!(out, "Updates: {}\n", updates.join(", "));
        }
        let _ = writeln!(out, "| stage | began | took |\n|---|---|---|");
        for stage in &host.stages {
            let _ = writeln!(out, "| {} | {} | {} |", stage.stage, stamp(stage.began), took(stage.seconds));
        }
    }
    let _ = writeln!(out, "\n## Accepted findings\n");
    if report.accepted.is_empty() {
        let _ = writeln!(out, "None.");
    }
    for one in &report.accepted {
        let about = if one.about.is_empty() { String::new() } else { format!(" ({})", e(&one.about)) };
        let _ = writeln!(out, "- {}{about}: {}", e(&one.code), e(&one.reason));
    }
    let _ = writeln!(out, "\n## Calls\n\n| no. | at | host | call | took | outcome |\n|---|---|---|---|---|---|");
    for call in &report.calls {
        let outcome = if call.outcome.is_empty() { "not known".into() } else { e(&call.outcome) };
        let host = call.host.as_deref().map(e).unwrap_or_default();
        let what = e(&call.what);
        let _ = writeln!(out, "| {} | {} | {host} | {what} | {} | {outcome} |", call.id, stamp(call.t), took(call.seconds));
    }
    let _ = writeln!(out, "\n## Log\n");
    for event in &report.log {
        let host = event.host.as_deref().map(|host| format!(" **{}**", e(host))).unwrap_or_default();
        let _ = writeln!(out, "- {}{host} {}", stamp(event.t), e(&event.text));
    }
    out
}
