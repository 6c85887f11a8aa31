//! The account of a recording beside what logs said of the same crash, on one clock: that of the recording.

use super::Account;
use crate::crash::advice;
use crate::crash::report::{Crash, Dump, Step, utc};
use crate::crash::stamp::{self, Stamp};
use crate::crash::verdict::{Cause, Confidence};
use crate::time::Time;
use std::time::Duration;

/// A dump is written, and a log line dated, so near to the crash at most.
const SAME: Duration = Duration::from_secs(15 * 60);
/// Zones that are no whole hours from UTC, in minutes.
const ODD: [i64; 11] = [-570, -210, 210, 270, 330, 345, 390, 525, 570, 630, 765];
/// The farthest that a zone of whole hours is from UTC.
const FARTHEST: (i64, i64) = (-12, 14);
/// A folder is made by the crash kernel, between the last sign of life and the next boot; so far may clocks be off that were not compared. Seconds.
const OFF: i64 = 90;
/// So long before a crash may the log end that the disk still has: until o2cb's limit runs out, and a little.
const UNSAID: Duration = Duration::from_secs(150);
/// Clocks that are less than this apart need no word, in seconds.
const IN_STEP: f64 = 1.5;

/// Whether the crash that logs tell of can be the one that the recording saw; with the time of it on the recording's clock.
fn same(crash: &Crash, account: &Account) -> Option<Place> {
    if let Some(host) = &crash.host
        && !account.is_of(host)
    {
        return None;
    }
    let (from, to) = account.between;
    if let Some(at) = crash.at {
        let on_ours = ours(at, account);
        let near = |at: Time| at + SAME >= from && at <= to + SAME;
        if near(on_ours) || near(at) {
            return Some(Place { at: Some(on_ours), zone: None });
        }
    }
    let folder = crash.folder.as_deref().and_then(|folder| Stamp::parse(folder.rsplit('/').next().unwrap_or(folder)));
    if let Some(stamp) = folder {
        // Where no zone is told, its time was made out by when the files were written, which a copy changes.
        return if stamp.offset().is_none() { zone(stamp.wall, account) } else { None };
    }
    if crash.at.is_some() {
        return None;
    }
    // Logs without a time, of a host that is known to have crashed once: there is nothing else that they can be of.
    (crash.folder.is_none() && crash.host.is_some()).then_some(Place { at: None, zone: None })
}

/// Where a crash of the logs lies in the recording.
struct Place {
    at: Option<Time>,
    /// Seconds that the folder's clock is ahead of UTC, where that was found out here.
    zone: Option<i64>,
}

/// A time by the host's clock on that of the recording.
fn ours(at: Time, account: &Account) -> Time {
    let ahead = account.clock_ahead.unwrap_or(0.0).clamp(-1e9, 1e9);
    Time::from_millis(at.as_millis().saturating_sub((ahead * 1_000.0) as i64))
}

/// A reading of a clock whose zone nobody tells: of all zones that there are, the one that brings it to the crash.
fn zone(wall: stamp::Wall, account: &Account) -> Option<Place> {
    let seconds = |time: Time| time.as_millis().div_euclid(1_000);
    let (from, to) = account.between;
    let zones = (FARTHEST.0..=FARTHEST.1).map(|hours| hours * 60).chain(ODD).map(|minutes| minutes * 60);
    let fits = |zone: &i64| {
        let at = seconds(ours(Time::from_secs(wall - zone), account));
        at + OFF >= seconds(from) && at <= seconds(to) + OFF
    };
    let mut found = zones.filter(fits);
    let zone = found.next()?;
    // Two zones may fit where it was away for long: then it is the same crash, at a time that is not known.
    let zone = found.next().is_none().then_some(zone);
    Some(Place { at: zone.map(|zone| ours(Time::from_secs(wall - zone), account)), zone })
}

/// Puts an account into a crash that logs tell of, if it is the same one. Says whether it was.
pub fn join(crash: &mut Crash, account: &Account) -> bool {
    let Some(place) = same(crash, account) else { return false };
    let own = &account.crash;
    crash.story.clone_from(&own.story);
    crash.host = crash.host.take().or_else(|| own.host.clone());
    if let (Some(zone), Some(clock)) = (place.zone, &crash.clock) {
        let (sign, hours, minutes) = (if zone < 0 { '-' } else { '+' }, zone.abs() / 3_600, zone.abs() % 3_600 / 60);
        let note = format!("The clock of the folder ({clock}) was {sign}{hours}:{minutes:02} h from UTC, by the recording.");
        crash.verdict.notes.push(note);
    }
    if let Some(ahead) = account.clock_ahead.filter(|ahead| ahead.abs() >= IN_STEP) {
        let way = if ahead > 0.0 { "ahead of" } else { "behind" };
        let note = format!(
            "The host's clock was {:.1} s {way} the recording's: times in its logs are by that clock, times of the story are not.",
            ahead.abs()
        );
        crash.verdict.notes.push(note);
    }
    log_line(crash, place.at);
    weigh(crash, account);
    crash.at = place.at.filter(|_| place.zone.is_some()).or(crash.at).or(place.at).or(own.at);
    // Without a dump the logs end before the crash: what was written last never reached the disk.
    if crash.dump == Dump::Missing
        && let (Some(logs), Some(ours)) = (place.at.or(crash.at), own.at)
        && ours > logs
        && ours.since(logs) <= UNSAID
    {
        crash.at = Some(ours);
    }
    crash.advice = advice::advise_with(crash, &account.known);
    true
}

/// The most telling line of the logs, as a step among those of the recording.
fn log_line(crash: &mut Crash, at: Option<Time>) {
    let line = crash.verdict.evidence.first().filter(|evidence| evidence.line > 0);
    if let (Some(at), Some(line)) = (at, line) {
        let text = format!("its own log: {} ({}:{})", line.text, line.file, line.line);
        let step = Step { at, text: crate::text::clean(&text, 400).into_owned(), matters: true };
        let after = crash.story.partition_point(|step| step.at <= at);
        crash.story.insert(after, step);
    }
}

/// What the logs say counts. Where they do not tell, the recording may.
fn weigh(crash: &mut Crash, account: &Account) {
    let own = &account.crash;
    let (said, seen) = (&mut crash.verdict, &own.verdict);
    // A fence that leaves no dump left none.
    if crash.folder.is_some() && account.known.no_dump && seen.cause == Cause::O2cb && said.cause != Cause::O2cb {
        said.notes.push(format!(
            "By the recording o2cb's limit was running out, but its fence leaves no dump, and there is one: {}",
            seen.why
        ));
        return;
    }
    let told = !matches!(said.cause, Cause::None | Cause::Unknown);
    if told && said.cause == seen.cause {
        said.notes.push(format!("The recording says the same: {}", seen.why));
        if seen.finer != said.finer && said.finer == crate::crash::verdict::Finer::Unknown {
            said.finer = seen.finer;
        }
    } else if told && !matches!(seen.cause, Cause::None | Cause::Unknown) && seen.confidence >= Confidence::Likely {
        said.notes.push(format!("The recording alone would say otherwise, but the logs count: {}", seen.why));
    } else if !told && said.finer != crate::crash::verdict::Finer::Operator {
        // The logs of a host that is known to have gone cannot mean that it did not.
        let why = std::mem::take(&mut said.why);
        let evidence = std::mem::take(&mut said.evidence);
        let notes = std::mem::take(&mut said.notes);
        *said = seen.clone();
        said.notes.splice(0..0, notes);
        if !why.is_empty() {
            said.notes.push(format!("Of the logs alone: {why}"));
        }
        said.evidence.extend(evidence);
        if crash.dump == Dump::Missing && own.dump != Dump::Missing {
            said.notes.push(format!(
                "The pool knows of a dump of this crash ({}), which was not among what was read.",
                utc(own.at.unwrap_or_default())
            ));
        }
    }
}
