//! Crashes of a pool's hosts as the dashboard knows them: which were read, what came of it, and which nobody has looked at yet.
//!
//! What a host left is read outside ([`crate::tui::effect::Request::ReadCrash`]); here is only what was asked for and what came.

use crate::crash::report::{Crash, Reading};
use crate::crash::verdict::Cause;
use crate::pool::outages::OutageView;
use crate::time::Time;
use crate::tui::msg::PoolIx;
use crate::xenapi::record::Ref;
use std::sync::Arc;
use std::time::Duration;

/// Readings that are kept; the oldest goes first. What it says is then read again.
const KEPT: usize = 16;
/// A crash whose time is this near to an outage is that one: clocks differ, and a host dies for a while before it is dead.
const NEAR: Duration = Duration::from_secs(15 * 60);
/// So long after a host's return its story goes on: what became of its guests.
const AFTER: Duration = Duration::from_secs(16 * 60);
/// As far as two clocks of one host can be apart for the time zone alone.
const ZONES: Duration = Duration::from_secs(14 * 3600);

/// Which crash, so that it is found again while the list changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CrashId {
    /// One that was seen: the host, and when it booted after it.
    Seen(Ref, Time),
    /// One that is only known by its dump.
    Dump(Ref),
}

impl CrashId {
    /// Of an outage.
    pub fn of(outage: &OutageView) -> Self {
        match &outage.dump {
            Some(dump) if outage.number == 0 => Self::Dump(dump.r#ref.clone()),
            _ => Self::Seen(outage.host.clone(), outage.booted.unwrap_or_default()),
        }
    }
}

/// Why a reading failed, or lacks something, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrashTrouble {
    /// What happened and what to do, as sentences.
    pub text: String,
    /// Whether it may pass by itself, as when the host is still away.
    pub passes: bool,
}

/// What came of reading one crash.
#[derive(Clone, Debug, PartialEq)]
pub struct CrashRead {
    /// What was found.
    pub reading: Reading,
    /// Why there is nothing of the host's own files in it, if so.
    pub without_files: Option<CrashTrouble>,
    /// What the host's own files said, before anything that was recorded was put beside it: the story goes on, the files do not.
    pub files: Option<Arc<Reading>>,
}

/// How a reading stands.
#[derive(Clone, Debug, PartialEq)]
pub enum ReadState {
    /// It is under way.
    Asked {
        /// Number of the request.
        ask: u64,
        /// Since when.
        since: Time,
        /// Only what was recorded is put beside it once more: nothing that anybody waits for.
        quiet: bool,
        /// Files that were seen, and bytes that came.
        seen: (u64, u64),
    },
    /// It is done.
    Done,
    /// It failed.
    Failed(CrashTrouble),
    /// The operator stopped it.
    Stopped,
}

/// One reading.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    /// Of which crash.
    pub id: CrashId,
    /// How it stands.
    pub state: ReadState,
    /// What came of it the last time: it stays while it is read again.
    pub last: Option<Arc<CrashRead>>,
    /// When it is tried again by itself.
    pub again: Option<Time>,
    /// How often it was tried by itself.
    pub tries: u32,
    /// When what is shown came.
    pub told: Time,
}

/// The crashes of one pool.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Crashes {
    reads: Vec<Read>,
    /// Outages that were told of, by [`crate::pool::Pool::outages_seen`].
    pub(crate) told: u64,
    /// Came while the operator was busy with something else; nobody looked at them yet.
    pub(crate) unseen: Vec<CrashId>,
    /// So many came that the pane opens for as soon as nobody presses keys.
    pub(crate) opens: Option<usize>,
}

impl Crashes {
    /// How the reading of a crash stands.
    pub fn read(&self, id: &CrashId) -> Option<&Read> {
        self.reads.iter().find(|read| read.id == *id)
    }

    /// As [`Crashes::read`], by the number of the request that is under way.
    pub(crate) fn asked(&mut self, number: u64) -> Option<&mut Read> {
        self.reads.iter_mut().find(|read| matches!(read.state, ReadState::Asked { ask, .. } if ask == number))
    }

    /// The readings that are tried again by themselves, to change them.
    pub(crate) fn waiting(&mut self) -> impl Iterator<Item = &mut Read> {
        self.reads.iter_mut().filter(|read| read.again.is_some())
    }

    /// Whether what was told of a crash may have gone on since: the story ends a while after the host's return.
    pub(crate) fn goes_on(&self, outage: &OutageView, now: Time, wait: Duration) -> bool {
        let Some(read) = self.read(&CrashId::of(outage)).filter(|read| read.state == ReadState::Done) else { return false };
        let back = outage.back.unwrap_or(now);
        read.last.is_some() && read.told <= back + AFTER && read.told + wait <= now
    }

    /// When the next of them is due.
    pub(crate) fn due(&self) -> Option<Time> {
        self.reads.iter().filter_map(|read| read.again).min()
    }

    /// Whether something is being read.
    pub(crate) fn is_reading(&self) -> bool {
        self.reads.iter().any(|read| matches!(read.state, ReadState::Asked { .. }))
    }

    /// A reading begins.
    pub(crate) fn begin(&mut self, id: CrashId, ask: u64, since: Time, tries: u32, quiet: bool) {
        let last = self.read(&id).and_then(|read| read.last.clone());
        self.reads.retain(|read| read.id != id);
        while self.reads.len() >= KEPT {
            let oldest = self.reads.iter().position(|read| !matches!(read.state, ReadState::Asked { .. })).unwrap_or(0);
            self.reads.remove(oldest);
        }
        self.reads.push(Read {
            id,
            state: ReadState::Asked { ask, since, quiet, seen: (0, 0) },
            last,
            again: None,
            tries,
            told: since,
        });
    }

    /// Forgets that it is under way; gives the number of its request.
    pub(crate) fn stop(&mut self, id: &CrashId) -> Option<u64> {
        let read = self.reads.iter_mut().find(|read| read.id == *id)?;
        read.again = None;
        let ReadState::Asked { ask, .. } = read.state else { return None };
        read.state = ReadState::Stopped;
        Some(ask)
    }

    /// What was read of a crash.
    pub fn last(&self, outage: &OutageView) -> Option<&Arc<CrashRead>> {
        self.read(&CrashId::of(outage))?.last.as_ref()
    }

    /// The part of that which is about this crash.
    pub fn found(&self, outage: &OutageView) -> Option<&Crash> {
        of_outage(&self.last(outage)?.reading, outage)
    }
}

/// A crash that is open.
#[derive(Clone, Debug)]
pub struct CrashPane {
    /// In which pool.
    pub pool: PoolIx,
    /// As it was known when it was opened: it is shown even if the pool forgets it.
    pub outage: OutageView,
    /// Where it was written to, if it was.
    pub saved: Option<String>,
    /// Whether all of the evidence is shown.
    pub evidence: bool,
    /// Lines scrolled away at the top.
    pub first: usize,
    /// When it opened by itself; `None` if the operator did it.
    pub opened: Option<Time>,
}

/// The crash in a reading that an outage is about: by the time in the name of its dump's folder, else by time. Another crash of the same host
/// is never taken for it.
pub fn of_outage<'a>(reading: &'a Reading, outage: &OutageView) -> Option<&'a Crash> {
    let crashes = || reading.crashes.iter().filter(|crash| crash.verdict.cause != Cause::None);
    // xapi takes the time in the folder's name for UTC, whatever zone it is in, and so its digits are the same.
    if let Some(stamp) = outage.dump.as_ref().and_then(|dump| dump.at).map(digits)
        && let Some(found) = crashes().find(|crash| crash.clock.as_ref().is_some_and(|clock| clock.starts_with(&stamp)))
    {
        return Some(found);
    }
    let (from, to) = (outage.at(), outage.booted.unwrap_or_else(|| outage.at()));
    let away = |at: Time| at.since(to).max(from.since(at));
    let near = crashes().filter_map(|crash| Some((away(crash.at?), crash))).filter(|(away, _)| *away <= NEAR);
    if let Some((_, found)) = near.min_by_key(|(away, _)| *away) {
        return Some(found);
    }
    // Without a zone only the only one is taken, and only if its clock may mean that time.
    let mut timeless = crashes().filter(|crash| crash.at.is_none());
    let (only, None) = (timeless.next()?, timeless.next()) else { return None };
    let fits = only.clock.as_ref().is_none_or(|clock| {
        let stamp = clock.get(..19).and_then(|stamp| stamp.parse::<jiff::civil::DateTime>().ok());
        let read = stamp.and_then(|stamp| stamp.to_zoned(jiff::tz::TimeZone::UTC).ok());
        read.is_none_or(|read| away(Time::from_millis(read.timestamp().as_millisecond())) <= ZONES)
    });
    fits.then_some(only)
}

/// `2026-11-21 02:17:44`, in UTC.
fn digits(at: Time) -> String {
    let text = crate::crash::report::utc(at);
    text.strip_suffix(" UTC").map(str::to_owned).unwrap_or(text)
}
