//! A report as one HTML file that needs nothing beside it: no script, no font, no picture from elsewhere.

use super::{Report, stamp, took};
use crate::text;
use std::fmt::Write as _;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1c2430;background:#fff}\
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}h3{font-size:1rem}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #d9dee5;vertical-align:top}\
th{font-weight:600}.result{padding:.6rem 1rem;border-left:.4rem solid #888;background:#f3f5f8}\
.done{border-color:#2a8a4a}.stopped,.unfinished{border-color:#c77a00}.refused,.unknown{border-color:#b3261e}\
.bar{display:flex;height:1.1rem;margin:.4rem 0;background:#eef1f5}.bar span{overflow:hidden;font-size:.7rem;padding-left:.2rem;\
border-right:1px solid #fff;background:#bcd0ea}code,time{font-family:ui-monospace,monospace;font-size:.85em}\
@media(prefers-color-scheme:dark){body{color:#dde3ea;background:#14181d}.result,.bar{background:#1f252c}th,td{border-color:#333b45}\
.bar span{background:#31507a;border-color:#14181d}}";

/// The report as one HTML page.
pub fn html(report: &Report) -> String {
    let mut out = String::new();
    let e = text::html;
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>{}</title><style>{STYLE}</style></head><body>\n<h1>{}</h1>\n<p class=\"result {}\">{}</p>\n",
        e(&report.headline()),
        e(&report.headline()),
        report.result,
        e(&report.outcome())
    );
    let _ = write!(
        out,
        "<p>Pool {} <code>{}</code>. Begun {} by {}, poolwatch {}.",
        e(&report.pool),
        e(&report.pool_uuid),
        stamp(report.began),
        e(&report.by),
        e(&report.version)
    );
    if let Some(ended) = report.ended {
        let _ = write!(out, " Ended {}, after {}.", stamp(ended), took(Some(ended.since(report.began).as_secs())));
    }
    if report.resumed > 0 {
        let _ = write!(out, " Taken up again {} times.", report.resumed);
    }
    let _ = writeln!(out, "</p>\n<h2>Not as it was found</h2>");
    if report.left.is_empty() {
        let _ = writeln!(out, "<p>Nothing: everything that the run changed is as it was.</p>");
    } else {
        let _ = writeln!(out, "<ul>");
        for left in &report.left {
            let _ = writeln!(out, "<li>{}: {}</li>", e(&left.what), e(&left.why));
        }
        let _ = writeln!(out, "</ul>");
    }
    let _ = writeln!(
        out,
        "<h2>Hosts</h2>\n<table><tr><th>host<th>result<th>took<th>guests before<th>moved one by one<th>failed calls</tr>"
    );
    for host in &report.hosts {
        let why = if host.why.is_empty() { String::new() } else { format!(": {}", e(&host.why)) };
        let _ = writeln!(
            out,
            "<tr><td>{}<td>{}{why}<td>{}<td>{}<td>{}<td>{}</tr>",
            e(&host.name),
            host.result,
            took(host.seconds),
            host.guests,
            host.moved,
            host.failures
        );
    }
    let _ = writeln!(out, "</table>");
    for host in report.hosts.iter().filter(|host| !host.stages.is_empty()) {
        let _ = writeln!(out, "<h3>{}</h3>", e(&host.name));
        if !host.updates.is_empty() {
            let updates: Vec<String> = host.updates.iter().map(|update| e(update)).collect();
            let _ = writeln!(out, "<p>Updates: {}</p>", updates.join(", "));
        }
        let _ = write!(out, "<div class=\"bar\">");
        for stage in &host.stages {
            let (name, took) = (stage.stage, took(stage.seconds));
            let _ =
                write!(out, "<span style=\"flex:{}\" title=\"{name} {took}\">{name}</span>", stage.seconds.unwrap_or(1).max(1));
        }
        let _ = writeln!(out, "</div>\n<table><tr><th>stage<th>began<th>took</tr>");
        for stage in &host.stages {
            let _ =
                writeln!(out, "<tr><td>{}<td><time>{}</time><td>{}</tr>", stage.stage, stamp(stage.began), took(stage.seconds));
        }
        let _ = writeln!(out, "</table>");
    }
    let _ = writeln!(out, "<h2>Accepted findings</h2>");
    if report.accepted.is_empty() {
        let _ = writeln!(out, "<p>None.</p>");
    }
    for one in &report.accepted {
        let about = if one.about.is_empty() { String::new() } else { format!(" ({})", e(&one.about)) };
        let _ = writeln!(out, "<p><code>{}</code>{about}: {}</p>", e(&one.code), e(&one.reason));
    }
    let _ = writeln!(out, "<h2>Calls</h2>\n<table><tr><th>no.<th>at<th>host<th>call<th>took<th>outcome</tr>");
    for call in &report.calls {
        let outcome = if call.outcome.is_empty() { "not known".into() } else { e(&call.outcome) };
        let host = call.host.as_deref().map(e).unwrap_or_default();
        let _ = writeln!(
            out,
            "<tr><td>{}<td><time>{}</time><td>{host}<td>{}<td>{}<td>{outcome}</tr>",
            call.id,
            stamp(call.t),
            e(&call.what),
            took(call.seconds)
        );
    }
    let _ = writeln!(out, "</table>\n<h2>Log</h2>\n<table>");
    for event in &report.log {
        let host = event.host.as_deref().map(e).unwrap_or_default();
        let _ = writeln!(out, "<tr><td><time>{}</time><td>{host}<td>{}</tr>", stamp(event.t), e(&event.text));
    }
    let _ = writeln!(out, "</table>\n</body></html>");
    out
}
