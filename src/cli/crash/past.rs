//! What a recording knows of crashes: looked up in it, told by [`crate::crash::story`], and put beside what was read elsewhere.
//!
//! Reads recordings, and nothing else. A day's recording is not read through: its index says where to begin.

use crate::crash::report::{Crash, Dump, Reading, utc};
use crate::crash::story::{self, Account, Teller};
use crate::crash::verdict::{Cause, Confidence, Finer, Verdict};
use crate::pool::Pool;
use crate::pool::outages::OutageView;
use crate::recording::player::Player;
use crate::recording::read::ReadError;
use crate::text;
use crate::time::Time;
use crate::xenapi::record::{Host, Ref};
use jiff::tz::TimeZone;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// Crashes of one recording that are told; the newest.
const CRASHES: usize = 16;
/// Moments of a recording at which is looked for crashes.
const LOOKS: usize = 64;
/// A crash that is asked for by its time is this near to it.
const NEAR: Duration = Duration::from_secs(30 * 60);
/// Hosts that are named in a message.
const NAMED: usize = 64;

/// Why a recording does not tell.
#[derive(Debug, thiserror::Error)]
pub enum PastError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It does not know the host.
    #[error("the recording has no host {wanted}. It has: {}", .has.join(", "))]
    NoHost {
        /// What was asked for.
        wanted: String,
        /// What there is.
        has: Vec<String>,
    },
    /// The time is not in it.
    #[error("{} is outside of the recording, which goes from {} to {}", utc(*.at), utc(*.from), utc(*.to))]
    Outside {
        /// What was asked for.
        at: Time,
        /// Its first moment.
        from: Time,
        /// Its last.
        to: Time,
    },
}

/// Finds the crashes in a recording (a file, or the folder of a pool's segments): of `host`, if one is named, by its name, uuid, host name, address or reference; and
/// only what happened about `at`, if that is given. The story of each goes to the crash in `reading` that it is of; what `reading` does not have is added as
/// judged from the recording alone.
pub fn explain(reading: &mut Reading, recording: &Path, host: Option<&str>, at: Option<Time>) -> Result<(), PastError> {
    let mut player = Player::open(recording, TimeZone::UTC)?;
    let file =
        recording.file_name().map_or_else(|| "recording".into(), |name| text::clean(&name.to_string_lossy(), 120).into_owned());
    explain_from(reading, &mut player, &file, host, at)
}

/// As [`explain`], from a recording that is open, called `file` in the evidence.
pub fn explain_from(
    reading: &mut Reading,
    player: &mut Player,
    file: &str,
    host: Option<&str>,
    at: Option<Time>,
) -> Result<(), PastError> {
    for problem in player.recording().left_out() {
        reading.notes.push(format!("left out of the recording: {}", text::clean(problem, 400)));
    }
    let (from, to) = player.recording().span();
    if let Some(at) = at.filter(|at| *at < from || *at > to) {
        return Err(PastError::Outside { at, from, to });
    }
    let all = outages(player)?;
    let wanted = host.map(|host| known_host(player, &all, host)).transpose()?;
    let mut told: Vec<&OutageView> = all.iter().filter(|one| wanted.as_ref().is_none_or(|host| one.host == *host)).collect();
    if let Some(at) = at {
        let apart = |one: &OutageView| {
            let end = one.back.or(one.away).unwrap_or_else(|| one.at());
            if at < one.at() { one.at().since(at) } else { at.since(end) }
        };
        told.retain(|one| apart(one) <= NEAR);
        told.sort_by_key(|one| apart(one));
        told.truncate(1);
    }
    if told.len() > CRASHES {
        reading.notes.push(format!("The recording has {} crashes; the newest {CRASHES} are told.", told.len()));
        told.truncate(CRASHES);
    }
    let mut accounts = Vec::new();
    for outage in told {
        // A dump from before the recording: nothing was seen of it.
        if outage.at() >= from && outage.at() <= to {
            accounts.push(account(player, outage, &all, file)?);
        }
    }
    put(reading, accounts, wanted.is_some());
    if reading.crashes.is_empty() {
        reading.crashes.push(nothing(player, host, at, (from, to)));
    } else if reading.crashes.iter().all(|crash| crash.story.is_empty() && crash.verdict.cause != Cause::None) {
        let note = format!("The recording goes from {} to {} and knows nothing of this crash.", utc(from), utc(to));
        reading.notes.push(note);
    }
    Ok(())
}

/// The first and the last moment of a recording.
pub fn span(recording: &Path) -> Result<(Time, Time), PastError> {
    Ok(Player::open(recording, TimeZone::UTC)?.recording().span())
}

/// Every crash that the recording knows of, newest first.
fn outages(player: &mut Player) -> Result<Vec<OutageView>, ReadError> {
    let line = player.time_line();
    // A pool remembers those of one run of the program, as that version of it knew them: each boot is looked at by itself.
    let marks = line.marks.iter().filter(|mark| matches!(mark.name.as_str(), "host-crashed" | "boot-time-changed")).map(|m| m.at);
    let ends = line.gaps.iter().map(|(end, _)| *end);
    let mut looks: Vec<Time> = marks.chain(ends).chain([line.to]).collect();
    looks.sort_unstable();
    looks.dedup();
    let many = looks.len().saturating_sub(LOOKS);
    let mut all: Vec<OutageView> = Vec::new();
    for at in looks.into_iter().skip(many).rev() {
        let pool = player.go(at)?;
        let open = if at == line.to { pool.not_back(at) } else { Vec::new() };
        for outage in pool.outages().into_iter().chain(open) {
            let same = |known: &&mut OutageView| {
                known.host == outage.host
                    && match (known.booted, outage.booted) {
                        // xapi's coordinator corrects the time by some seconds.
                        (Some(a), Some(b)) => a.since(b).max(b.since(a)) <= Duration::from_secs(60),
                        _ => known.at().since(outage.at()).max(outage.at().since(known.at())) <= Duration::from_secs(60),
                    }
            };
            match all.iter_mut().find(same) {
                // The latest look knows most, but a dump may have been deleted since.
                Some(known) => known.dump = known.dump.take().or(outage.dump),
                None => all.push(outage),
            }
        }
    }
    all.sort_by(|a, b| b.at().cmp(&a.at()).then_with(|| a.name.cmp(&b.name)));
    Ok(all)
}

/// The host that is meant.
fn known_host(player: &mut Player, all: &[OutageView], wanted: &str) -> Result<Ref, PastError> {
    let (_, to) = player.recording().span();
    let pool = player.go(to)?;
    let is = |r: &Ref, host: &Host| {
        r.as_str() == wanted
            || [&host.uuid, &host.name_label, &host.hostname, &host.address].iter().any(|name| name.eq_ignore_ascii_case(wanted))
    };
    if let Some((r, _)) = pool.records().hosts().find(|(r, host)| is(r, host)) {
        return Ok(r.clone());
    }
    if let Some(gone) = all.iter().find(|one| one.name.eq_ignore_ascii_case(wanted) || one.host.as_str() == wanted) {
        return Ok(gone.host.clone());
    }
    let mut has: Vec<String> = pool.records().hosts().map(|(r, _)| pool.name_of(r)).take(NAMED).collect();
    has.sort();
    Err(PastError::NoHost { wanted: text::clean(wanted, 200).into_owned(), has })
}

/// What happened around one crash.
fn account(player: &mut Player, outage: &OutageView, all: &[OutageView], file: &str) -> Result<Account, ReadError> {
    let (from, to) = player.recording().span();
    let mut teller = Teller::new(outage.clone());
    player.go(teller.from().clamp(from, to))?;
    let heard = teller.heard().clamp(from, to);
    let pool = player.watch(heard, &mut |pool, seen| teller.see(pool, seen))?;
    teller.look(pool, heard);
    let until = teller.until().clamp(heard, to);
    let pool = player.watch(until, &mut |pool, seen| teller.see(pool, seen))?;
    Ok(teller.end(pool, all, file))
}

/// Puts what the recording knows beside what was read; what is new goes in by its time.
fn put(reading: &mut Reading, accounts: Vec<Account>, asked: bool) {
    let mut taken = BTreeSet::new();
    for account in accounts {
        // With one host asked for, what was read is of that host, whatever it calls itself.
        let mine = |crash: &Crash| asked || crash.host.as_deref().is_none_or(|host| account.is_of(host));
        let free = reading.crashes.iter_mut().enumerate().filter(|(at, crash)| !taken.contains(at) && mine(crash));
        let mut joined = None;
        for (at, crash) in free {
            let called = crash.host.clone();
            if asked {
                crash.host = account.names.first().cloned();
            }
            let is_one = story::join(crash, &account);
            crash.host = called.or_else(|| crash.host.take().filter(|_| is_one));
            if is_one {
                joined = Some(at);
                break;
            }
        }
        taken.insert(joined.unwrap_or(reading.crashes.len()));
        if joined.is_none() {
            reading.crashes.push(account.crash);
        }
    }
    if reading.crashes.iter().any(|crash| crash.verdict.cause != Cause::None) {
        reading.crashes.retain(|crash| crash.verdict.cause != Cause::None);
    }
    reading.crashes.sort_by_key(|crash| std::cmp::Reverse(crash.at));
}

/// The answer where there was no crash.
fn nothing(player: &Player, host: Option<&str>, at: Option<Time>, (from, to): (Time, Time)) -> Crash {
    let pool: &Pool = player.pool();
    let name = host.map_or_else(
        || pool.identity().map_or_else(|| "the pool".to_owned(), |(name, _)| name),
        |host| text::clean(host, 200).into_owned(),
    );
    let about = at.map_or_else(String::new, |at| format!(" about {}", utc(at)));
    let why = format!(
        "Nothing in this recording, which goes from {} to {}, shows a host that went down without having been told to{about}.",
        utc(from),
        utc(to)
    );
    let verdict = Verdict {
        cause: Cause::None,
        finer: Finer::Unknown,
        confidence: Confidence::Likely,
        why,
        notes: Vec::new(),
        at: None,
        evidence: Vec::new(),
    };
    let (host, logs) = (Some(name), Vec::new());
    Crash { host, folder: None, at: None, clock: None, dump: Dump::Missing, logs, verdict, advice: Vec::new(), story: Vec::new() }
}
