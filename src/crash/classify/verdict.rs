//! From all logs of one crash, and what else is known, to the verdict: which logs count, what the facts add, when it was.

use super::decide;
use super::fact::{Fact, Saw};
use super::finding::Finding;
use super::signal::Signal;
use super::view::{Said, View, rank};
use crate::crash::log::Owner;
use crate::crash::verdict::{Cause, Confidence, Finer, Verdict};
use crate::time::Time;

/// Two logs that tell of crashes this near to one another tell of the same one, in ms.
const SAME: i64 = 900_000;

/// A crash this far from the reboot that is asked about is another one, in ms. The zones of two clocks may differ.
const DAY: i64 = 26 * 3_600_000;

/// The verdict.
pub(super) fn verdict(mut said: Vec<Said>, facts: &[Fact], left: bool) -> Verdict {
    said.sort_by(|a, b| (rank(a.log.kind), &a.log.name).cmp(&(rank(b.log.kind), &b.log.name)));
    let clock = Clock::of(facts);
    let own: Vec<&Said> = said.iter().filter(|said| said.log.owner != Owner::Survivor && rank(said.log.kind).is_some()).collect();
    let mut finding = if own.is_empty() && said.iter().any(|said| said.log.owner == Owner::Survivor && said.scanned.lines > 0) {
        let why = "These are other hosts' logs; what ended this one stands in its own.";
        Finding::new(Cause::Unknown, Finer::Unknown, Confidence::Guess, why)
    } else {
        from_logs(&own, clock)
    };
    if matches!(finding.cause, Cause::None | Cause::Unknown) {
        finding = without_dump(&said, finding, facts);
    }
    add(&mut finding, facts, left);
    let at = time(&finding, clock);
    Verdict {
        cause: finding.cause,
        finer: finding.finer,
        confidence: finding.confidence,
        why: finding.why.clone(),
        notes: finding.notes.clone(),
        at,
        evidence: finding.evidence(),
    }
}

/// When its most telling line was written: by its date, else by its stamp since a boot whose time is known.
fn time(finding: &Finding, clock: Clock) -> Option<Time> {
    if finding.cause == Cause::None {
        return None;
    }
    let dated = finding.lines.iter().find_map(|(_, spot)| spot.date?.time(clock.written));
    dated.or_else(|| {
        let stamp = finding.lines.iter().find_map(|(_, spot)| spot.stamp)?;
        Some(clock.booted? + std::time::Duration::from_millis(u64::try_from(stamp).ok()?))
    })
}

/// What is known of the host's clock.
#[derive(Clone, Copy)]
struct Clock {
    /// About when the logs were written.
    written: Option<Time>,
    /// When the boot that ended had begun.
    booted: Option<Time>,
    /// When the host ran again.
    ended: Option<Time>,
}

impl Clock {
    fn of(facts: &[Fact]) -> Self {
        let mut clock = Self { written: None, booted: None, ended: None };
        for fact in facts {
            match fact {
                Fact::Written(at) => clock.written = Some(*at),
                Fact::Rebooted { from, to } => {
                    clock.booted = clock.booted.or(*from);
                    clock.written = clock.written.or(Some(*to));
                    clock.ended = Some(*to);
                }
                _ => {}
            }
        }
        clock
    }
}

/// What the host's own logs say: the nearest to the crash first, and o2cb over all that speak of the same minutes.
fn from_logs(own: &[&Said], clock: Clock) -> Finding {
    let mut found: Vec<(u8, Finding)> = Vec::new();
    for wanted in 0..=3 {
        let view = View { said: own.iter().copied().filter(|said| rank(said.log.kind) == Some(wanted)).collect() };
        found.extend(decide::crash(&view).map(|finding| (wanted, finding)));
    }
    // What is of another day than the crash that is asked about explains nothing.
    found.retain(|(_, finding)| match (clock.ended, time(finding, clock)) {
        (Some(ended), Some(at)) => ended.millis_after(at).abs() < DAY,
        _ => true,
    });
    let all = View { said: own.to_vec() };
    let at = |finding: &(u8, Finding)| time(&finding.1, clock);
    // A dump or a console is of the crash; of logs that go back for weeks the latest word counts.
    let first = found.iter().find(|(rank, _)| *rank <= 1).or_else(|| {
        found.iter().reduce(|a, b| match (at(a), at(b)) {
            (Some(early), Some(late)) if late.millis_after(early) > SAME => b,
            _ => a,
        })
    });
    let Some((_, first)) = first.cloned() else { return decide::calm(&all) };
    let when = time(&first, clock);
    let same = |other: &&Finding| match (when, time(other, clock)) {
        (Some(a), Some(b)) => a.millis_after(b).abs() < SAME,
        _ => false,
    };
    let mut best = first;
    for other in found.iter().map(|(_, finding)| finding).filter(same) {
        if other.cause == Cause::O2cb && best.cause != Cause::O2cb {
            let mut over = other.clone();
            over.note("Another log tells of what followed; o2cb was first.");
            best = over;
        } else if other.cause == Cause::Xhad
            && other.finer != Finer::Watchdog
            && best.cause == Cause::Xhad
            && best.finer == Finer::Watchdog
        {
            let mut over = other.clone();
            over.lines.extend(best.lines.iter().cloned());
            best = over;
        }
    }
    if let Some(said) = best.lines.first().and_then(|(log, _)| own.iter().find(|said| said.log.name == log.name)) {
        let boot = &said.scanned.boot;
        if boot.followed {
            best.note(format!("It ended boot {} of those in {}; a later boot follows there.", boot.number, said.log.name));
        }
    }
    best
}

/// What the facts tell where no log of the host does.
fn without_dump(said: &[Said], finding: Finding, facts: &[Fact]) -> Finding {
    let rebooted = facts.iter().any(|fact| matches!(fact, Fact::Rebooted { .. }));
    let dumped = facts.iter().any(|fact| matches!(fact, Fact::Dumped | Fact::DumpIncomplete));
    if let Some(Fact::Planned(who)) = facts.iter().find(|fact| matches!(fact, Fact::Planned(_))) {
        let mut planned = Finding::new(Cause::None, Finer::Operator, Confidence::Likely, format!("It was asked for: {who}."));
        planned.lines = finding.lines;
        return planned;
    }
    if !rebooted && !dumped {
        return finding;
    }
    let mut found = guess(facts);
    if dumped && found.cause == Cause::Unknown {
        if finding.cause == Cause::Unknown {
            return finding;
        }
        "There is a dump, so the host crashed, but nothing in these logs tells why.".clone_into(&mut found.why);
    }
    found.lines = finding.lines;
    let survivors = View { said: said.iter().filter(|said| said.log.owner == Owner::Survivor).collect() };
    for signal in [Signal::Evicted, Signal::Net, Signal::XhaLiveset] {
        found.last(survivors.find(signal));
    }
    for fact in facts {
        if let Fact::SurvivorSaw { host, what, .. } = fact {
            found.note(match what {
                Saw::Disconnected => format!("{host} lost its connection to this host."),
                Saw::Evicted => {
                    format!("{host} evicted this host: its heartbeat on disk had stopped. Any death of a host leads to that.")
                }
                Saw::LeftLiveset => format!("{host} took this host out of HA's live set."),
            });
        }
    }
    found
}

fn guess(facts: &[Fact]) -> Finding {
    let heartbeat = facts.iter().find_map(|fact| match fact {
        Fact::LastHeartbeat { elapsed, limit } if !limit.is_zero() => Some(elapsed.as_secs_f64() / limit.as_secs_f64()),
        _ => None,
    });
    let statefile = facts
        .iter()
        .any(|fact| matches!(fact, Fact::LastStatefile { latency, limit } if !limit.is_zero() && *latency * 2 > *limit));
    let fenced =
        facts.iter().any(|fact| matches!(fact, Fact::Message { name, .. } if name.eq_ignore_ascii_case("HA_HOST_WAS_FENCED")));
    let off = facts.contains(&Fact::HaArmed(false));
    if heartbeat.is_some_and(|part| part > 0.5) {
        return Finding::new(
            Cause::O2cb,
            Finer::Disk,
            Confidence::Likely,
            "The host restarted by itself, and in its last sample more than half of o2cb's write timeout had passed without a good write. No log of it tells more.",
        );
    }
    if fenced && !off {
        let finer = if statefile { Finer::Statefile } else { Finer::Unknown };
        let confidence = if heartbeat.is_some() { Confidence::Guess } else { Confidence::Likely };
        return Finding::new(
            Cause::Xhad,
            finer,
            confidence,
            "The pool says that HA fenced this host, and it left no dump. Its own xha.log would tell the reason.",
        );
    }
    Finding::new(
        Cause::Unknown,
        Finer::Unknown,
        Confidence::Guess,
        "The host restarted by itself and left neither a dump nor a log that tells why.",
    )
}

/// What the facts add to any finding.
fn add(finding: &mut Finding, facts: &[Fact], left: bool) {
    let watchdog = finding.cause == Cause::Xhad && finding.finer == Finer::Watchdog;
    if watchdog && facts.contains(&Fact::HaArmed(false)) {
        finding.note("HA was off: the watchdog was not xhad's. xenwatchdogd or another program owned it.");
        finding.confidence = Confidence::Likely;
    }
    if facts.contains(&Fact::DumpIncomplete) {
        finding.note("The dump was not written to its end.");
        if finding.cause != Cause::None && finding.confidence == Confidence::Sure && finding.cause == Cause::Bug {
            finding.confidence = Confidence::Likely;
        }
    }
    if left {
        finding.note("There were more logs than are looked at.");
    }
}
