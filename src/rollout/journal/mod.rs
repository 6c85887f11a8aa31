//! The journal of a run: JSON lines, each with a number and a hash over itself and the line before it.
//!
//! This part is pure: lines to bytes and back. A torn last line is what a crash leaves behind and is dropped: nothing was done yet
//! whose intent it was. Whatever else is wrong is an error that names the line; a journal is never mended by guessing. [`mod@file`] keeps
//! one on disk.

pub mod file;

use super::entry::{Command, Entry, Item};
use crate::time::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Version of the lines' form.
pub const VERSION: u64 = 1;
/// What stands before the hash, which is the last field of a line.
const HASH: &str = ",\"hash\":\"";
/// Hexadecimal digits of a hash.
const DIGITS: usize = 64;
/// The largest journal that is read, in bytes; the longest round there is takes a fraction of it.
pub const LARGEST: u64 = 256 << 20;

/// A line as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number, from 1.
    pub seq: u64,
    /// When it was written.
    pub at: Time,
    /// What it says.
    pub entry: Entry,
}

#[derive(Serialize)]
struct Body<'a> {
    v: u64,
    seq: u64,
    t: Time,
    prev: &'a str,
    entry: &'a Entry,
}

#[derive(Deserialize)]
struct Frame {
    v: u64,
    seq: u64,
    t: Time,
    prev: String,
    entry: serde_json::Value,
}

/// Where a journal ends, so that another line can follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// Number of the last line; 0: there is none.
    pub seq: u64,
    /// Its hash.
    pub hash: String,
}

impl Default for Tail {
    fn default() -> Self {
        Self { seq: 0, hash: "0".repeat(DIGITS) }
    }
}

impl Tail {
    /// The bytes of the next line, its end of line included, and the tail after it.
    pub fn next(&self, at: Time, entry: &Entry) -> Result<(Vec<u8>, Self), serde_json::Error> {
        let seq = self.seq + 1;
        let mut line = serde_json::to_string(&Body { v: VERSION, seq, t: at, prev: &self.hash, entry })?;
        // The hash goes into the object, so that a line is one object for any other program.
        if line.ends_with('}') {
            line.pop();
        }
        let hash = hash(&line);
        for part in [HASH, &hash, "\"}\n"] {
            line.push_str(part);
        }
        Ok((line.into_bytes(), Self { seq, hash }))
    }
}

/// A journal that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Journal {
    /// Its lines. The first is [`Entry::Began`], and none of the others.
    pub lines: Vec<Line>,
    /// Where it ends.
    pub tail: Tail,
    /// So many bytes of it are whole lines.
    pub whole: usize,
    /// So many bytes after that are a torn line.
    pub torn: usize,
}

/// What is wrong with a journal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it; `line` counts from 1")]
pub enum Wrong {
    #[error("it is empty: no run was begun with it, so nothing was changed")]
    Empty,
    #[error("it holds no whole line: the program ended while its first was being written, so nothing was changed")]
    Unbegun,
    #[error("line {line} is no line of a journal ({why}). Is this the right file?")]
    NotAJournal { line: u64, why: String },
    #[error("it has form {found}, and this poolwatch reads form {VERSION}. Use the version of poolwatch that wrote it")]
    Version { found: u64 },
    #[error("line {line} was changed after it was written, or is damaged: its hash does not fit")]
    Changed { line: u64 },
    #[error("line {line} does not follow the line before it: lines are missing, were added or changed places")]
    Broken { line: u64 },
    #[error("line {line} says something that this version does not know ({why}). Use the version of poolwatch that wrote it")]
    Unknown { line: u64, why: String },
    #[error("line {line} cannot stand there: a journal begins with the beginning of its run, and has only one")]
    Misplaced { line: u64 },
    #[error("line {line} speaks of host {host} of the plan, and the plan has {hosts}")]
    NoSuchHost { line: u64, host: usize, hosts: usize },
}

impl Journal {
    /// Reads a journal and checks every line of it.
    pub fn parse(bytes: &[u8]) -> Result<Self, Wrong> {
        if bytes.is_empty() {
            return Err(Wrong::Empty);
        }
        let mut journal = Self { lines: Vec::new(), tail: Tail::default(), whole: 0, torn: 0 };
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, after) = rest.split_at(end);
            let after = after.get(1..).unwrap_or_default();
            // File systems may leave zeros where data was to come: as torn as a line without an end.
            if after.is_empty() && line.contains(&0) {
                break;
            }
            journal.take(line)?;
            journal.whole += end + 1;
            rest = after;
        }
        journal.torn = rest.len();
        match journal.lines.first() {
            Some(_) => Ok(journal),
            None if rest.starts_with(b"{\"v\"") || b"{\"v\"".starts_with(rest) || rest.contains(&0) => Err(Wrong::Unbegun),
            None => Err(Wrong::NotAJournal { line: 1, why: "it has no end".to_owned() }),
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Wrong> {
        let line = self.tail.seq + 1;
        let not = |why: &str| Wrong::NotAJournal { line, why: why.to_owned() };
        let text = std::str::from_utf8(bytes).map_err(|_| not("it is not text"))?;
        let (open, end) = text.rsplit_once(HASH).ok_or_else(|| not("it has no hash"))?;
        let written = end.strip_suffix("\"}").filter(|hash| hash.len() == DIGITS).ok_or_else(|| not("it has no hash"))?;
        let hash = hash(open);
        if hash != written {
            // Another form may well hash another way; it is told by its version.
            return Err(match version(text) {
                Some(found) if found != VERSION => Wrong::Version { found },
                _ => Wrong::Changed { line },
            });
        }
        let frame: Frame = match serde_json::from_str(text) {
            Ok(frame) => frame,
            Err(e) => {
                return Err(match version(text) {
                    Some(found) if found != VERSION => Wrong::Version { found },
                    _ => not(&e.to_string()),
                });
            }
        };
        if frame.v != VERSION {
            return Err(Wrong::Version { found: frame.v });
        }
        if frame.seq != line || frame.prev != self.tail.hash {
            return Err(Wrong::Broken { line });
        }
        let entry: Entry = serde_json::from_value(frame.entry).map_err(|e| Wrong::Unknown { line, why: e.to_string() })?;
        if matches!(entry, Entry::Began { .. }) != (line == 1) {
            return Err(Wrong::Misplaced { line });
        }
        if let (Some(host), Some(Line { entry: Entry::Began { plan, .. }, .. })) = (host_of(&entry), self.lines.first())
            && host >= plan.hosts.len()
        {
            return Err(Wrong::NoSuchHost { line, host: host + 1, hosts: plan.hosts.len() });
        }
        self.lines.push(Line { seq: frame.seq, at: frame.t, entry });
        self.tail = Tail { seq: frame.seq, hash };
        Ok(())
    }

    /// Name of the run, uuid and name of its pool.
    pub fn whose(&self) -> (&str, &str, &str) {
        match self.lines.first().map(|line| &line.entry) {
            Some(Entry::Began { run, plan, .. }) => (run, &plan.pool, &plan.pool_name),
            _ => ("", "", ""),
        }
    }

    /// Whether its run is over, and was not taken up again after that.
    pub fn is_over(&self) -> bool {
        let mut over = false;
        for line in &self.lines {
            match &line.entry {
                Entry::Ended { .. } => over = true,
                Entry::Resumed { .. } | Entry::Command { command: Command::Restore } => over = false,
                _ => {}
            }
        }
        over
    }

    /// What is not as it was found, and why.
    pub fn left(&self) -> BTreeMap<&Item, &str> {
        let mut left = BTreeMap::new();
        for line in &self.lines {
            match &line.entry {
                Entry::Left { item, why } => drop(left.insert(item, why.as_str())),
                Entry::PutBack { item, .. } => drop(left.remove(item)),
                _ => {}
            }
        }
        left
    }
}

/// The host that an entry speaks of, by its place in the plan.
const fn host_of(entry: &Entry) -> Option<usize> {
    match entry {
        Entry::Intent { host, .. } | Entry::Waiting { host, .. } | Entry::Stuck { host, .. } => *host,
        Entry::Before { host, .. }
        | Entry::Stage { host, .. }
        | Entry::HostEnded { host, .. }
        | Entry::Command { command: Command::Skip { host } } => Some(*host),
        _ => None,
    }
}

fn version(text: &str) -> Option<u64> {
    #[derive(Deserialize)]
    struct Only {
        v: u64,
    }
    serde_json::from_str::<Only>(text).ok().map(|only| only.v)
}

fn hash(text: &str) -> String {
    let digest = ::ring::digest::digest(&::ring::digest::SHA256, text.as_bytes());
    let digits = digest.as_ref().iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.map(|digit| char::from_digit(u32::from(digit), 16).unwrap_or('0')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollout::entry::{Found, Phase};
    use crate::rollout::plan::{HostPlan, Kind, Options, Plan};

    pub(super) fn began() -> Entry {
        let host = HostPlan {
            host: "OpaqueRef:h1".into(),
            uuid: "u-1".into(),
            name: "xcp1 \"the, \\\"hash\\\":\" first".into(),
            coordinator: true,
            why: String::new(),
            steps: vec![],
            updates: vec![],
        };
        let plan = Plan {
            pool: "p-1".into(),
            pool_name: "lab\nold".into(),
            kind: Kind::Reboot,
            made: Time::from_secs(5),
            hosts: vec![host],
            left_out: Vec::new(),
            options: Options::default(),
        };
        Entry::Began { run: "abcd".into(), by: "me@desk".into(), version: "0.1.0".into(), plan, found: Found::default() }
    }

    pub(super) fn entries() -> Vec<Entry> {
        vec![
            began(),
            Entry::Phase { phase: Phase::Hosts },
            Entry::Waiting { host: Some(0), text: "a rebuild,\"hash\":\"x\"}\nnext".into() },
            Entry::Command { command: Command::Pause },
        ]
    }

    fn write(entries: &[Entry]) -> Vec<u8> {
        let mut tail = Tail::default();
        let mut bytes = Vec::new();
        for (entry, secs) in entries.iter().zip(0..) {
            let (line, next) = tail.next(Time::from_secs(secs), entry).unwrap();
            bytes.extend(line);
            tail = next;
        }
        bytes
    }

    #[test]
    fn what_is_written_is_read_and_lines_are_objects_of_their_own() {
        let bytes = write(&entries());
        let journal = Journal::parse(&bytes).unwrap();
        assert_eq!(journal.lines.iter().map(|l| l.entry.clone()).collect::<Vec<_>>(), entries());
        assert_eq!((journal.whole, journal.torn, journal.tail.seq), (bytes.len(), 0, 4));
        assert_eq!(journal.whose(), ("abcd", "p-1", "lab\nold"));
        for line in std::str::from_utf8(&bytes).unwrap().lines() {
            assert!(serde_json::from_str::<serde_json::Value>(line).unwrap().is_object());
        }
    }

    #[test]
    fn at_every_point_of_death_the_whole_lines_are_kept_and_the_torn_one_is_dropped() {
        let bytes = write(&entries());
        let ends: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] == b'\n').map(|at| at + 1).collect();
        for cut in 0..bytes.len() {
            let whole = ends.iter().filter(|end| **end <= cut).count();
            let read = Journal::parse(&bytes[..cut]);
            if cut == 0 {
                assert_eq!(read, Err(Wrong::Empty));
            } else if whole == 0 {
                assert_eq!(read, Err(Wrong::Unbegun), "cut at {cut}");
            } else {
                let journal = read.unwrap_or_else(|e| panic!("cut at {cut}: {e}"));
                assert_eq!((journal.lines.len(), journal.whole, journal.whole + journal.torn), (whole, ends[whole - 1], cut));
                // And it can go on from there.
                let (line, _) = journal.tail.next(Time::from_secs(9), &entries()[1]).unwrap();
                let mended = [&bytes[..journal.whole], &line].concat();
                assert_eq!(Journal::parse(&mended).unwrap().lines.len(), whole + 1);
            }
        }
    }

    #[test]
    fn zeros_in_the_last_line_are_a_torn_line_too() {
        let mut bytes = write(&entries());
        let end = bytes.len();
        bytes[end - 40..end - 1].fill(0);
        assert_eq!(Journal::parse(&bytes).unwrap().lines.len(), 3);
        bytes.truncate(200);
        bytes.push(0);
        assert_eq!(Journal::parse(&bytes), Err(Wrong::Unbegun));
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let bytes = write(&entries());
        let last = bytes[..bytes.len() - 1].iter().rposition(|b| *b == b'\n').unwrap();
        for at in 0..last {
            let mut edited = bytes.clone();
            edited[at] = if edited[at] == b'x' { b'y' } else { b'x' };
            assert!(Journal::parse(&edited).is_err(), "byte {at} ({}) may be changed", char::from(bytes[at]));
        }
    }

    #[test]
    fn lines_that_are_missing_doubled_swapped_or_of_another_version_are_told() {
        let bytes = write(&entries());
        let lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
        let of = |order: &[usize]| Journal::parse(&order.iter().flat_map(|at| lines[*at].to_vec()).collect::<Vec<u8>>());
        assert_eq!(of(&[0, 2, 3]), Err(Wrong::Broken { line: 2 }));
        assert_eq!(of(&[0, 1, 1, 2]), Err(Wrong::Broken { line: 3 }));
        assert_eq!(of(&[0, 2, 1, 3]), Err(Wrong::Broken { line: 2 }));
        assert_eq!(of(&[1, 2]), Err(Wrong::Broken { line: 1 }));
        assert_eq!(Journal::parse(&write(&entries()[1..])), Err(Wrong::Misplaced { line: 1 }));
        assert_eq!(Journal::parse(&write(&[began(), began()])), Err(Wrong::Misplaced { line: 2 }));
        let far = Entry::Stage { host: 3, stage: crate::rollout::plan::Stage::Gate, why: String::new(), keeper: None };
        assert_eq!(Journal::parse(&write(&[began(), far])), Err(Wrong::NoSuchHost { line: 2, host: 4, hosts: 1 }));
        let text = String::from_utf8(bytes.clone()).unwrap().replacen("{\"v\":1,", "{\"v\":2,", 1);
        assert_eq!(Journal::parse(text.as_bytes()), Err(Wrong::Version { found: 2 }));
        for rubbish in ["hello\n", "{}\n", "\n", "\u{0}\u{1}\n\n", "PK\u{3}\u{4}", "[1,2]\nx"] {
            assert!(Journal::parse(rubbish.as_bytes()).is_err(), "{rubbish:?}");
        }
    }

    #[test]
    fn an_entry_of_a_later_version_is_told_as_such() {
        let tail = Tail::default();
        let (first, tail) = tail.next(Time::EPOCH, &began()).unwrap();
        let open = format!("{{\"v\":1,\"seq\":2,\"t\":0,\"prev\":\"{}\",\"entry\":{{\"entry\":\"teleported\"}}", tail.hash);
        let line = format!("{open}{HASH}{}\"}}\n", hash(&open));
        let error = Journal::parse(&[first, line.into_bytes()].concat()).unwrap_err();
        assert!(matches!(error, Wrong::Unknown { line: 2, .. }), "{error}");
    }
}
