//! A plan and what speaks against it, as text to read.

use crate::pool::picture::Severity;
use crate::rollout::finding::Finding;
use crate::rollout::plan::{Kind, Plan};
use crate::rollout::preflight;
use crate::text::clean;
use std::fmt::Write as _;

/// Updates that are named of one host.
const UPDATES: usize = 8;

fn said(text: &str) -> String {
    clean(text, 600).into_owned()
}

/// The plan.
pub fn plan(plan: &Plan) -> String {
    let mut out = String::new();
    let kind = match &plan.kind {
        Kind::Reboot => "reboot".to_owned(),
        Kind::XcpNg => "update (XCP-ng packages) and reboot".to_owned(),
        Kind::XenServer { hash } => {
            format!("update (XenServer, metadata {}) and reboot", said(&hash.chars().take(12).collect::<String>()))
        }
        Kind::PoolUpdate { name, .. } => format!("update {} and reboot", said(name)),
    };
    let count = plan.hosts.len();
    let _ = writeln!(out, "Plan for pool {}: {kind}, {count} host{}", said(&plan.pool_name), if count == 1 { "" } else { "s" });
    for (host, number) in plan.hosts.iter().zip(1..) {
        let role = if host.coordinator { " (coordinator)" } else { "" };
        let _ = writeln!(out, "\n{number}. {}{role}: {}", said(&host.name), said(&host.why));
        if !host.updates.is_empty() {
            let named: Vec<String> = host.updates.iter().take(UPDATES).map(|update| said(update)).collect();
            let more = host.updates.len().saturating_sub(UPDATES);
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            let _ = writeln!(out, "   lacks {}{more}", named.join(", "));
        }
        for step in &host.steps {
            let stage: &'static str = step.stage.into();
            let _ = writeln!(out, "   {stage:<9} {}", said(&step.why));
        }
    }
    for left in &plan.left_out {
        let _ = writeln!(out, "\nLeft out: {}: {}", said(&left.name), said(&left.why));
    }
    out
}

/// Whether the plan's operator accepted a finding.
pub fn is_accepted(plan: &Plan, finding: &Finding) -> bool {
    finding.severity == Severity::Soft && preflight::judge(std::slice::from_ref(finding), &plan.options.accepted).open.is_empty()
}

/// What speaks against it.
pub fn findings(plan: &Plan, findings: &[Finding]) -> String {
    let mut out = String::from("\nWhat speaks against it:\n");
    if findings.is_empty() {
        out.push_str("  nothing\n");
    }
    for finding in findings {
        let weight = match finding.severity {
            Severity::Hard => "HARD",
            Severity::Soft if is_accepted(plan, finding) => "accepted",
            Severity::Soft => "SOFT",
            Severity::Note => "note",
        };
        let about = if finding.about.is_empty() { String::new() } else { format!("@{}", said(&finding.about)) };
        let _ = writeln!(out, "  {weight:<8} {}{about}: {}", said(&finding.code), said(&finding.text));
        if !finding.evidence.is_empty() {
            let _ = writeln!(out, "           seen: {}", said(&finding.evidence));
        }
        if finding.severity != Severity::Note && !finding.mend.is_empty() {
            let _ = writeln!(out, "           what to do: {}", said(&finding.mend));
        }
    }
    out
}

/// Why a round may not begin with these findings, and the way out; `None`: it may.
pub fn refusal(plan: &Plan, findings: &[Finding]) -> Option<String> {
    let judgement = preflight::judge(findings, &plan.options.accepted);
    if judgement.may_begin() {
        return None;
    }
    let list = |findings: &[&Finding]| {
        let mut names: Vec<String> = findings
            .iter()
            .map(|f| if f.about.is_empty() { said(&f.code) } else { format!("{}@{}", said(&f.code), said(&f.about)) })
            .collect();
        names.dedup();
        names.join(", ")
    };
    let mut out = String::from("The round is not begun; the pool is untouched.");
    if !judgement.refused.is_empty() {
        let _ = write!(out, " These have to be mended first: {}.", list(&judgement.refused));
    }
    if !judgement.open.is_empty() {
        let _ = write!(
            out,
            " These have to be mended, or accepted with a reason (--accept CODE@ABOUT=REASON): {}.",
            list(&judgement.open)
        );
    }
    Some(out)
}
