//! The answer to the operator's question, in one line: may I reboot the next host now, and if not, why, and until when?
//!
//! Made from the gates alone; it decides nothing that they do not.

use super::gate::{self, Finding, Findings};
use super::known::Known;
use super::picture::{Gate, GateState, Severity, Stage, Verdict};
use super::words;

/// The verdict, by the gates of all hosts.
pub fn judge(known: &Known, findings: &Findings, gates: &[&Gate]) -> Verdict {
    let open: Vec<usize> = gates.iter().enumerate().filter(|(_, g)| g.state == GateState::Open).map(|(at, _)| at).collect();
    let disabled = open.iter().all(|at| known.stage(*at) == Stage::Disabled);
    let blocked = findings.common(known, None).iter().any(Finding::closes);
    let names: Vec<String> = open.iter().filter_map(|at| known.names().get(*at).cloned()).collect();
    // A host that keeps all others from going may go itself, to be mended; that makes no yes for the round.
    if names.is_empty() || (blocked && !disabled) { no(known, findings, &names) } else { yes(known, findings, &names, disabled) }
}

/// Everything that is said about the pool as a whole: not what is only worth knowing about one host.
fn common(known: &Known, findings: &Findings) -> Vec<Finding> {
    let mut all = findings.common(known, None);
    gate::sort(&mut all);
    all
}

/// `itself`: the hosts whose own gate is open all the same.
fn no(known: &Known, findings: &Findings, itself: &[String]) -> Verdict {
    let mut all = common(known, findings);
    if !all.iter().any(Finding::closes) {
        all.extend(findings.own.iter().flatten().filter(|f| f.closes()).cloned());
        gate::sort(&mut all);
    }
    let state = gate::state(&all);
    let first = all.first().map(|f| f.reason.clone());
    let mut headline = first.as_ref().map(|r| sentence(&r.text)).unwrap_or_default();
    if !itself.is_empty() {
        let fences = first.as_ref().is_some_and(|r| matches!(r.code, "fence-near" | "ha-statefile"));
        headline = if fences {
            format!("{headline} Don't reboot any other host.")
        } else {
            format!("{headline} Only {} itself may be rebooted.", words::list(itself))
        };
    }
    Verdict {
        state,
        headline,
        opens_when: first.as_ref().map(|r| r.opens_when.clone()).unwrap_or_default(),
        until: first.and_then(|r| r.until),
        reasons: all.into_iter().map(|f| f.reason).collect(),
    }
}

fn yes(known: &Known, findings: &Findings, names: &[String], disabled: bool) -> Verdict {
    let mut all = common(known, findings);
    all.retain(|f| !f.closes());
    let which = words::list(names);
    let mut headline = if known.hosts().len() == 1 {
        format!("{which} is the only host and may be rebooted.")
    } else if names.len() == known.hosts().len() {
        let all = if names.len() == 2 { "Both hosts".into() } else { format!("All {} hosts", names.len()) };
        format!("{all} are live and nothing is being rebuilt: any one of them may go.")
    } else if disabled {
        format!("{which} is disabled already and may go; no other host until it is back.")
    } else {
        format!("Only {which} may go.")
    };
    if let Some(soft) = all.iter().find(|f| f.reason.severity == Severity::Soft) {
        headline = format!("{headline} But {}", soft.reason.text);
    }
    Verdict {
        state: GateState::Open,
        headline,
        opens_when: String::new(),
        until: None,
        reasons: all.into_iter().map(|f| f.reason).collect(),
    }
}

/// With a capital at its start, unless it begins with a name.
fn sentence(text: &str) -> String {
    if text.starts_with("cannot ") || text.starts_with("the ") || text.starts_with("some ") || text.starts_with("a ") {
        let mut chars = text.chars();
        return chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect());
    }
    text.to_owned()
}
