//! What speaks against a round before it begins, each with evidence and the way to mend it.
//!
//! Pure, and changes nothing. What keeps a host from being rebooted is not decided here: those reasons are the gate's own
//! ([`crate::pool::Pool::obstacles`]). Here is what only a whole round makes a question: whether guests can leave and fit elsewhere,
//! who else acts on the pool, what will be switched off and whether it can be switched on again.
//!
//! | file | question |
//! |---|---|
//! | `gate` | what would keep the gates shut? |
//! | `evacuate`, `capacity` | can every guest leave, and is there room for it? |
//! | `ha`, `others` | what is switched off for the round, and who else is at work? |
//! | `updates` | guidance, metadata, versions |
//! | `wiring` | storage, networks, paths, clocks, certificates |
//! | `rights` | may we? |
//! | `codes` | every code, what it means and what to do: one table for findings, tests and the manual |

mod capacity;
mod codes;
mod evacuate;
mod gate;
mod ha;
mod others;
mod rights;
mod updates;
mod wiring;

pub use codes::{CODES, Code, codes_table};
pub use others::rewind_words;

use super::finding::Finding;
use super::plan::{Accepted, Plan};
use super::survey::Survey;
use crate::pool::Pool;
use crate::pool::picture::{HostView, LinkState, Picture, Severity};
use crate::pool::words;
use crate::time::Time;

pub(super) use codes::mend_of;

/// What all checks look at.
#[derive(Clone, Copy)]
struct Ground<'a> {
    pool: &'a Pool,
    picture: &'a Picture,
    survey: &'a Survey,
    plan: &'a Plan,
    now: Time,
}

impl<'a> Ground<'a> {
    /// The planned hosts as they are now, in the order of the plan.
    fn planned(self) -> impl Iterator<Item = &'a HostView> {
        self.plan.hosts.iter().filter_map(move |p| self.picture.hosts.iter().find(|h| h.r#ref == p.host))
    }

    /// Whether this host is the only one in the pool.
    fn alone(self) -> bool {
        self.picture.hosts.len() == 1
    }
}

/// Everything that speaks against this plan now, or is worth knowing before it begins: worst first, then by what it is about.
///
/// Without a current picture there is only that: nothing else could be told.
pub fn findings(pool: &Pool, picture: &Picture, survey: &Survey, plan: &Plan, now: Time) -> Vec<Finding> {
    let mut out = super::plan::still_right(plan, pool, picture);
    if picture.link.state == LinkState::Live && !out.iter().any(|f| f.code == "plan-pool") {
        let ground = Ground { pool, picture, survey, plan, now };
        gate::check(ground, &mut out);
        evacuate::check(ground, &mut out);
        capacity::check(ground, &mut out);
        ha::check(ground, &mut out);
        others::check(ground, &mut out);
        updates::check(ground, &mut out);
        wiring::check(ground, &mut out);
        rights::check(ground, &mut out);
    }
    sort(&mut out);
    out
}

/// Worst first, in the order of the table, then by name; each thing once.
fn sort(findings: &mut Vec<Finding>) {
    let rank = |f: &Finding| CODES.iter().position(|c| c.code == f.code).unwrap_or(CODES.len());
    findings.sort_by(|a, b| {
        (a.severity, rank(a))
            .cmp(&(b.severity, rank(b)))
            .then_with(|| words::natural(&a.about, &b.about))
            .then_with(|| a.text.cmp(&b.text))
    });
    findings.dedup_by(|a, b| a.code == b.code && a.about == b.about && a.text == b.text);
}

/// What findings come to, given what was accepted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judgement<'a> {
    /// Hard ones: the round is refused.
    pub refused: Vec<&'a Finding>,
    /// Soft ones that were not accepted: the round waits for an operator.
    pub open: Vec<&'a Finding>,
    /// Soft ones that were.
    pub accepted: Vec<&'a Finding>,
    /// Notes.
    pub notes: Vec<&'a Finding>,
}

impl Judgement<'_> {
    /// Whether the round may begin.
    pub fn may_begin(&self) -> bool {
        self.refused.is_empty() && self.open.is_empty()
    }
}

/// Sorts findings by what they mean for the beginning of the round. Hard ones cannot be accepted; an acceptance without a reason is none.
pub fn judge<'a>(findings: &'a [Finding], accepted: &[Accepted]) -> Judgement<'a> {
    let mut out = Judgement::default();
    for finding in findings {
        match finding.severity {
            Severity::Hard => out.refused.push(finding),
            Severity::Soft if is_accepted(finding, accepted) => out.accepted.push(finding),
            Severity::Soft => out.open.push(finding),
            Severity::Note => out.notes.push(finding),
        }
    }
    out
}

/// The soft findings that remain when these were accepted. Hard ones are no part of it: they cannot be accepted.
pub fn accepted<'a>(findings: &'a [Finding], accepted: &[Accepted]) -> Vec<&'a Finding> {
    judge(findings, accepted).open
}

fn is_accepted(finding: &Finding, accepted: &[Accepted]) -> bool {
    accepted
        .iter()
        .any(|a| a.code == finding.code && (a.about.is_empty() || a.about == finding.about) && !a.reason.trim().is_empty())
}

#[cfg(test)]
pub(crate) mod testkit;
#[cfg(test)]
mod tests;
