//! What is worth knowing before a reboot though it neither came of one nor keeps one from being made: paths that were lost within the week,
//! a fail-over that takes longer than the fence leaves, time-outs in the wrong order.
//!
//! Notes only, so they never open or close a gate. They are told with a picture and before a round, and not made each time that a round looks.

use super::Finding;
use super::pool::{paths_to, source};
use crate::pool::budget::Budget;
use crate::pool::known::Known;
use crate::pool::picture::{Health, PathView};
use crate::pool::words;

/// All of them, one a host at most of each.
pub fn findings(known: &Known, budget: &Budget) -> Vec<Finding> {
    let mut out = Vec::new();
    if known.unfit.is_some() {
        return out;
    }
    weeks(known, &mut out);
    failover(known, &mut out);
    budget_of(known, budget, &mut out);
    out
}

/// Paths that are whole now and were not within the week (seed 2: lost within 7 days is worth a warning).
fn weeks(known: &Known, out: &mut Vec<Finding>) {
    let seen = known.pool.link.current.unwrap_or_default();
    let was_short = |p: &&PathView| p.health < Health::Degraded && p.week.least.is_some_and(|least| least < p.total);
    for (at, name) in known.names().iter().enumerate() {
        let all: Vec<&PathView> = known.paths_of(at).iter().map(|p| &p.view).filter(was_short).collect();
        let Some(worst) = all.iter().min_by_key(|p| p.week.least) else { continue };
        let least = worst.week.least.unwrap_or_default();
        let since = worst.since.map_or_else(String::new, |at| format!(" until {}", words::clock(at, &known.pool.zone)));
        let more = if all.len() > 1 { format!(", and {} more like it", all.len() - 1) } else { String::new() };
        let (total, to) = (worst.total, paths_to(worst));
        let text = format!("{name} had {least} of {total} {to}{since}{more}: whole now, but it was lost within 7 days.");
        let finding = Finding::note("path-unsteady", seen, text)
            .evidence(format!("{}: {} within 7 days", source(worst.kind), words::count(worst.week.changes as usize, "change")))
            .opens("it stays whole for 7 days; if nobody knows why it went, look at its cable, port and transceiver first");
        out.push(known.hosts().get(at).map_or(finding.clone(), |host| finding.about(host)));
    }
}

/// Fail-overs that a fence overtakes.
fn failover(known: &Known, out: &mut Vec<Finding>) {
    let seen = known.pool.link.current.unwrap_or_default();
    for (host, name) in known.hosts().iter().zip(known.names()) {
        let Some(risk) = known.failover(host).filter(crate::pool::paths::Failover::is_too_slow) else { continue };
        let (fence, by) = risk.fence.clone().unwrap_or_default();
        let text = format!(
            "a fail-over of half the paths of {name} takes about {:.0} s, and {by} fences at {fence:.0} s.",
            risk.takes_s()
        );
        out.push(Finding::note("failover-slow", seen, text).evidence(risk.words()).opens(risk.mend()).about(host));
    }
}

/// Time-outs in the wrong order, where something fences.
fn budget_of(known: &Known, budget: &Budget, out: &mut Vec<Finding>) {
    let Some(fence) = budget.fence_s else { return };
    let wrong: Vec<_> = budget.problems().collect();
    let Some(first) = wrong.first() else { return };
    let seen = known.pool.link.current.unwrap_or_default();
    let more = if wrong.len() > 1 { format!(", and {} more", words::count(wrong.len() - 1, "row")) } else { String::new() };
    let text = format!(
        "the time-outs come in the wrong order: {} at {:.0} s: {}{more}. Whatever stops I/O for more than {:.0} s is near a fence.",
        first.who,
        first.at_s,
        first.problem,
        budget.pause_s.unwrap_or(fence)
    );
    let evidence = format!("{} ({}); the time-out budget has all of them", first.from, first.known.words());
    out.push(Finding::note("timeouts-order", seen, text).evidence(evidence).opens(first.mend.clone()));
}
