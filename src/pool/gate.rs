//! The gate: every reason why a host may not be rebooted now. There is no second copy of this rule.
//!
//! It does not trust `allowed_operations`: shipped xapi's rule about other hosts never fires, and an enabled host never
//! lists `reboot`. It looks at every other host itself. What is missing or too old counts as no. A reason has a scope: the whole pool, the
//! other hosts (because of one that is not well), or one host itself.

mod hosts;
mod pool;
mod standing;

use super::budget::Budget;
use super::known::Known;
use super::picture::{Gate, GateState, Reason, Severity};
use crate::time::Time;
use crate::xenapi::record::Ref;

/// A reason, and whether it is a lack of evidence and no evidence against.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// For the picture.
    pub reason: Reason,
    /// Nothing is known that speaks against it; but it is not known that nothing does.
    pub unknown: bool,
    /// The host or SR that it is about; null for the pool.
    about: Ref,
}

/// A reason with what it is about, for who wants each by itself and not as the gate of one host.
#[derive(Clone, Debug, PartialEq)]
pub struct Obstacle {
    /// The host or SR that it is about; null for the pool.
    pub about: Ref,
    /// The reason.
    pub reason: Reason,
    /// Nothing is known that speaks against it; but it is not known that nothing does.
    pub unknown: bool,
    /// The host that it does not count for, if it is about a host that may go in spite of it: itself.
    pub except: Option<Ref>,
}

/// Everything that the gates of a pool are made of, each by itself: what is said about the pool, and what is said about each host because of
/// which the others may not go.
pub fn obstacles(known: &Known) -> Vec<Obstacle> {
    let one = Finding::obstacle;
    let mut out: Vec<Obstacle> = pool::findings(known).into_iter().map(|f| one(f, None)).collect();
    if known.unfit.is_some() {
        return out;
    }
    for (at, host) in known.hosts().iter().enumerate() {
        let own = hosts::for_itself(known, at);
        for finding in hosts::for_others(known, at) {
            let counts_for_itself = own.iter().any(|f| f.reason.code == finding.reason.code);
            out.push(one(finding.about(host), (!counts_for_itself).then(|| host.clone())));
        }
    }
    out
}

/// What is worth knowing of the pool at all times, each by itself: notes that no gate is made of.
pub fn notes(known: &Known, budget: &Budget) -> Vec<Obstacle> {
    standing::findings(known, budget).into_iter().map(|f| f.obstacle(None)).collect()
}

/// The same, for its verdict and the gate of every host, behind all that counts now.
pub fn standing(known: &Known, budget: &Budget) -> Vec<Reason> {
    let all = standing::findings(known, budget);
    merge(all.iter().map(|f| (None, f))).into_iter().map(|f| f.reason).collect()
}

impl Finding {
    fn new(code: &'static str, severity: Severity, seen: Time, text: String) -> Self {
        let reason = Reason { code, severity, text, evidence: String::new(), seen, opens_when: String::new(), until: None };
        Self { reason, unknown: false, about: Ref::default() }
    }

    fn hard(code: &'static str, seen: Time, text: String) -> Self {
        Self::new(code, Severity::Hard, seen, text)
    }

    fn soft(code: &'static str, seen: Time, text: String) -> Self {
        Self::new(code, Severity::Soft, seen, text)
    }

    fn note(code: &'static str, seen: Time, text: String) -> Self {
        Self::new(code, Severity::Note, seen, text)
    }

    fn evidence(mut self, text: impl Into<String>) -> Self {
        self.reason.evidence = text.into();
        self
    }

    fn opens(mut self, when: impl Into<String>) -> Self {
        self.reason.opens_when = when.into();
        self
    }

    fn until(mut self, at: Option<Time>) -> Self {
        self.reason.until = at;
        self
    }

    fn about(mut self, what: &Ref) -> Self {
        self.about = what.clone();
        self
    }

    fn unknown(mut self) -> Self {
        self.unknown = true;
        self
    }

    fn obstacle(self, except: Option<Ref>) -> Obstacle {
        Obstacle { about: self.about, reason: self.reason, unknown: self.unknown, except }
    }

    /// Worst first: what speaks against it, then what is not known, then what may be accepted, then notes.
    fn order(&self) -> (Severity, bool, usize) {
        let rank = ORDER.iter().position(|code| *code == self.reason.code).unwrap_or(ORDER.len());
        (self.reason.severity, self.unknown, rank)
    }

    /// Whether it closes a gate.
    pub fn closes(&self) -> bool {
        self.reason.severity == Severity::Hard
    }
}

/// Which of several reasons is told first.
const ORDER: [&str; 25] = [
    "stale",
    "fence-near",
    "host-silent",
    "host-down",
    "host-going-down",
    "host-starting",
    "host-plugging",
    "rebuild",
    "storage-rebuild",
    "storage-node-offline",
    "mirrors-degraded",
    "rebuild-failed",
    "rebuild-settling",
    "host-settling",
    "rebuild-unseen",
    "cluster-not-quorate",
    "cluster-member-dead",
    "ha-statefile",
    "storage-unplugged",
    "path-lost",
    "host-disabled",
    "host-busy",
    "pool-busy",
    "host-unknown",
    "path-degraded",
];

/// All findings, by scope. `others` and `own` are in the order of the hosts.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// About the pool: they count for every host.
    pub pool: Vec<Finding>,
    /// About one host, counting for every other host.
    others: Vec<Vec<Finding>>,
    /// About one host, counting for itself.
    pub own: Vec<Vec<Finding>>,
}

/// Everything that speaks against a reboot, or is worth knowing before one.
pub fn findings(known: &Known) -> Findings {
    let mut pool = pool::findings(known);
    // While nothing is current, what each host was doing says nothing more.
    let stale = known.unfit.is_some();
    if stale {
        // What was known against it is as old as the rest.
        for finding in &mut pool {
            finding.unknown = true;
        }
    }
    let each = |of: fn(&Known, usize) -> Vec<Finding>| {
        (0..known.hosts().len()).map(|at| if stale { Vec::new() } else { of(known, at) }).collect::<Vec<_>>()
    };
    Findings { pool: merge(pool.iter().map(|f| (None, f))), others: each(hosts::for_others), own: each(hosts::for_itself) }
}

/// A finding with the name of the host that it is about, if it is about one.
type Named<'a> = (Option<&'a str>, &'a Finding);

/// The same finding about many hosts as one, so that a large pool in trouble is still readable.
fn merge<'a>(findings: impl Iterator<Item = Named<'a>>) -> Vec<Finding> {
    let mut groups: Vec<(&'static str, Vec<Named>)> = Vec::new();
    for one in findings {
        match groups.iter_mut().find(|(code, _)| *code == one.1.reason.code) {
            Some((_, group)) => group.push(one),
            None => groups.push((one.1.reason.code, vec![one])),
        }
    }
    let mut out = Vec::new();
    for (_, group) in groups {
        if group.len() <= 4 {
            out.extend(group.into_iter().map(|(_, f)| f.clone()));
            continue;
        }
        let Some((_, first)) = group.first() else { continue };
        let rest: Vec<&str> = group.iter().skip(1).filter_map(|(name, _)| *name).collect();
        let more = if rest.is_empty() {
            format!("The same in {} more places.", group.len() - 1)
        } else {
            format!("The same goes for {}.", super::words::list(&rest))
        };
        let mut one = (*first).clone();
        one.reason.text = format!("{} {more}", one.reason.text);
        one.unknown = group.iter().all(|(_, f)| f.unknown);
        one.reason.until = group.iter().map(|(_, f)| f.reason.until).reduce(|a, b| Some(a?.max(b?))).flatten();
        out.push(one);
    }
    out
}

impl Findings {
    /// What counts for the host at this place because of the pool and the other hosts; for the pool as a whole without one.
    pub fn common(&self, known: &Known, except: Option<usize>) -> Vec<Finding> {
        let others = self.others.iter().zip(known.names()).enumerate().filter(|(at, _)| Some(*at) != except);
        let others = others.flat_map(|(_, (findings, name))| findings.iter().map(move |f| (Some(name.as_str()), f)));
        let mut all = self.pool.clone();
        all.extend(merge(others));
        all
    }

    /// The gate of the host at this place.
    pub fn gate(&self, known: &Known, at: usize) -> Gate {
        let mut all = self.common(known, Some(at));
        all.extend(self.own.get(at).into_iter().flatten().cloned());
        sort(&mut all);
        let state = state(&all);
        if state == GateState::Open {
            all.retain(|f| f.reason.code != "xapi-would-allow");
        }
        Gate { state, reasons: all.into_iter().map(|f| f.reason).collect() }
    }
}

/// What these findings come to: evidence against it wins over a lack of evidence, and that over everything else.
pub fn state(all: &[Finding]) -> GateState {
    if all.iter().any(|f| f.closes() && !f.unknown) {
        GateState::Closed
    } else if all.iter().any(Finding::closes) {
        GateState::Unknown
    } else {
        GateState::Open
    }
}

/// Worst first; the same thing only once.
pub fn sort(all: &mut Vec<Finding>) {
    all.sort_by_key(Finding::order);
    all.dedup_by(|a, b| a.reason.code == b.reason.code && a.reason.text == b.reason.text);
}

#[cfg(test)]
mod tests;
