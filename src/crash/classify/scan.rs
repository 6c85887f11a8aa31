//! One log, line by line: boots, and what each of them told. Holds a bounded number of lines however long the log is.

use super::date::Date;
use super::matcher;
use super::signal::{Signal, Weight};
use super::strip::{Line, Who, strip};
use crate::crash::log::Kind;
use crate::text;
use std::collections::{BTreeMap, VecDeque};

/// So many lines are kept around one that counts.
pub(super) const AROUND: usize = 3;

/// So many characters of a line are kept.
const WIDE: usize = 240;

/// Faults of one kind that are further apart than this are not the same trouble, in ms.
const APART: i64 = 60_000;

/// Time-stamps that fall back by more than this are of another boot, in ms.
const BACK: i64 = 20_000;

/// A boot of no more lines than this has only begun.
const FRESH: u32 = 6;

/// So many hosts that write into one log are told apart.
const HOSTS: usize = 16;

/// A stamp below this is one of a beginning, in ms.
const EARLY: i64 = 60_000;

/// One line that told something.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    /// What it told.
    pub signal: Signal,
    /// Its number in the log.
    pub line: u64,
    /// Counts all lines of the log that told something: the order of things.
    pub order: u64,
    /// Since that boot, in ms.
    pub stamp: Option<i64>,
    /// Which host wrote it, if several did.
    pub host: u64,
    /// By the wall clock.
    pub date: Option<Date>,
    /// The message without what stood before it.
    pub message: String,
    /// The line as it was.
    pub text: String,
    /// The lines before it.
    pub before: Vec<String>,
    /// The lines after it.
    pub after: Vec<String>,
}

/// All lines of one boot that told one thing.
#[derive(Clone, Debug)]
pub(super) struct Told {
    /// The first of the last group of them.
    pub first: Spot,
    /// The last one.
    pub last: Spot,
}

/// From one start of a host to the next.
#[derive(Clone, Debug, Default)]
pub(super) struct Boot {
    /// Which one of the log it is, from 1.
    pub number: u32,
    /// What was told.
    pub told: BTreeMap<Signal, Told>,
    /// The highest time-stamp of each host that wrote into it, in ms. Bare lines are of a host without a name.
    stamps: Vec<(u64, i64)>,
    /// The first date.
    pub began: Option<Date>,
    /// The last date.
    pub date: Option<Date>,
    /// The number of its last line.
    pub ends: u64,
    /// Whether the log saw it begin.
    pub whole: bool,
    /// Whether another boot follows.
    pub followed: bool,
    /// Whether it is the kernel that only writes a dump.
    pub dumps: bool,
    /// How many lines it has.
    lines: u32,
    /// Whether it told of a fault at least.
    heavy: bool,
    /// Whether the kernel's start was seen, as Xen's comes before it.
    kernel: bool,
    /// What a fault says of where it was.
    pub fault: super::fault::Fault,
}

impl Boot {
    /// The heaviest thing it told.
    pub fn weight(&self) -> Option<Weight> {
        self.told.keys().map(|signal| signal.weight()).max()
    }

    /// How long the log of that host went on after the last `signal`, in ms. `None` where no time tells.
    pub fn went_on(&self, signal: Signal) -> Option<i64> {
        let last = &self.told.get(&signal)?.last;
        if let (Some(end), Some(at)) = (self.stamp_of(last.host), last.stamp) {
            return Some(end - at);
        }
        Some(self.date?.rough() - last.date?.rough())
    }

    fn stamp_of(&self, host: u64) -> Option<i64> {
        self.stamps.iter().find(|(other, _)| *other == host).map(|(_, stamp)| *stamp)
    }

    /// The highest time-stamp, in ms.
    pub fn stamp(&self) -> Option<i64> {
        self.stamps.iter().map(|(_, stamp)| *stamp).max()
    }

    fn stamped(&mut self, host: u64, stamp: i64) {
        if let Some((_, old)) = self.stamps.iter_mut().find(|(other, _)| *other == host) {
            *old = stamp.max(*old);
        } else if self.stamps.len() < HOSTS {
            self.stamps.push((host, stamp));
        }
    }
}

/// The scan of one log.
pub(super) struct Scan {
    kind: Kind,
    ring: VecDeque<Vec<u8>>,
    /// What still wants lines after it.
    open: Vec<(Signal, bool, usize)>,
    order: u64,
    lines: u64,
    boot: Boot,
    /// The last boot before this one in which there was a crash.
    crashed: Option<Boot>,
    /// The boot before this one, if nothing was told in it that counts.
    before: Option<Boot>,
}

impl Scan {
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            ring: VecDeque::with_capacity(AROUND),
            open: Vec::new(),
            order: 0,
            lines: 0,
            boot: Boot { number: 1, ..Boot::default() },
            crashed: None,
            before: None,
        }
    }

    /// The next line.
    pub fn line(&mut self, number: u64, raw: &[u8]) {
        let line = strip(raw);
        if line.text.is_empty() {
            return;
        }
        self.lines += 1;
        self.begins(&line);
        self.time(number, &line);
        let shown = !self.open.is_empty();
        if shown {
            self.follow(raw);
        }
        if self.boot.heavy {
            self.boot.fault.line(&line);
        }
        if matcher::any(raw) && matches!(line.who, Who::Kernel | Who::Xen | Who::Plain | Who::Xha | Who::App) {
            let signals = matcher::signals(&line);
            if !signals.is_empty() {
                self.told(number, &line, raw, &signals);
            }
        }
        self.keep(raw);
    }

    /// Whether this line begins another boot.
    fn begins(&mut self, line: &Line<'_>) {
        if matches!(line.who, Who::Guest | Who::Xha) || self.kind == Kind::XhaLog {
            return;
        }
        if logger(line.text) {
            if self.boot.lines > FRESH {
                self.turn();
                self.boot.whole = true;
            }
            return;
        }
        if line.who == Who::App {
            return;
        }
        let kernel = line.text.starts_with(b"Linux version ");
        let xen = (line.text.starts_with(b"Xen version ") && line.who == Who::Xen) || banner(line.text);
        let fell = match (line.stamp, self.boot.stamp_of(host(line))) {
            (Some(now), Some(then)) if line.who != Who::Xen => now < EARLY && now + BACK < then,
            _ => false,
        };
        // A journal's own line between two boots.
        let apart = line.text.starts_with(b"-- Reboot --") || (line.text.starts_with(b"-- Boot ") && line.text.ends_with(b"--"));
        let begun = self.boot.stamp_of(host(line)).is_some() || self.boot.heavy;
        let new = if kernel {
            // Xen's start comes before the kernel's, and both are one.
            self.boot.kernel || begun
        } else {
            (xen && (self.boot.kernel || begun)) || fell || apart
        };
        if new {
            self.turn();
        }
        if kernel {
            self.boot.kernel = true;
            self.boot.whole = true;
        }
        if xen || fell || apart {
            self.boot.whole = true;
        }
        let told = line.text.starts_with(b"Command line:") || line.text.starts_with(b"Kernel command line:");
        if told && matcher::contains(line.text, "elfcorehdr=") {
            self.boot.dumps = true;
        }
    }

    /// Ends a boot and begins the next.
    fn turn(&mut self) {
        let next = Boot { number: self.boot.number.saturating_add(1), ..Boot::default() };
        let mut old = std::mem::replace(&mut self.boot, next);
        old.followed = true;
        self.open.clear();
        if old.dumps {
            return;
        }
        if old.heavy {
            self.crashed = Some(old);
            self.before = None;
        } else {
            self.before = Some(old);
        }
    }

    fn time(&mut self, number: u64, line: &Line<'_>) {
        if line.who == Who::Guest {
            return;
        }
        self.boot.ends = number;
        self.boot.lines = self.boot.lines.saturating_add(1);
        if let Some(stamp) = line.stamp.filter(|_| !matches!(line.who, Who::Xen)) {
            self.boot.stamped(host(line), stamp);
        }
        if line.date.is_some() {
            self.boot.began = self.boot.began.or(line.date);
            self.boot.date = line.date;
        }
    }

    /// Gives the line to what wants lines after it.
    fn follow(&mut self, raw: &[u8]) {
        let shown = show(raw);
        for (signal, first, left) in &mut self.open {
            if let Some(told) = self.boot.told.get_mut(signal) {
                let spot = if *first { &mut told.first } else { &mut told.last };
                spot.after.push(shown.clone());
            }
            *left -= 1;
        }
        self.open.retain(|(_, _, left)| *left > 0);
    }

    fn told(&mut self, number: u64, line: &Line<'_>, raw: &[u8], signals: &[Signal]) {
        self.order += 1;
        let spot = Spot {
            signal: Signal::Panic,
            line: number,
            order: self.order,
            stamp: line.stamp,
            host: host(line),
            date: line.date.or(self.boot.date),
            message: text::clean(&String::from_utf8_lossy(line.text), WIDE).into_owned(),
            text: show(raw),
            before: self.ring.iter().map(|line| show(line)).collect(),
            after: Vec::new(),
        };
        for signal in signals {
            self.boot.heavy |= signal.weight() >= Weight::Fault;
            let spot = Spot { signal: *signal, ..spot.clone() };
            match self.boot.told.get_mut(signal) {
                None => {
                    self.boot.told.insert(*signal, Told { first: spot.clone(), last: spot });
                    self.open.push((*signal, true, AROUND));
                }
                Some(told) => {
                    let apart = match (spot.stamp, told.last.stamp) {
                        (Some(now), Some(then)) => now - then > APART,
                        _ => false,
                    };
                    if apart && signal.weight() >= Weight::Fault {
                        self.boot.fault = super::fault::Fault::default();
                    }
                    told.last = spot.clone();
                    self.open.retain(|(open, first, _)| open != signal || (*first && !apart));
                    if apart {
                        told.first = spot;
                        self.open.push((*signal, true, AROUND));
                    }
                }
            }
            self.open.push((*signal, false, AROUND));
        }
    }

    /// Keeps the line for the ones after it. As it is: only few are ever shown.
    fn keep(&mut self, raw: &[u8]) {
        let mut kept = if self.ring.len() == AROUND { self.ring.pop_front().unwrap_or_default() } else { Vec::new() };
        kept.clear();
        kept.extend_from_slice(raw.get(..raw.len().min(WIDE * 2)).unwrap_or_default());
        self.ring.push_back(kept);
    }

    /// What there was: the boot that counts, and the rest.
    pub fn end(self) -> Scanned {
        let mut last = self.boot;
        if last.dumps {
            // What the kernel that writes the dump says of itself is not the crash.
            last.told.clear();
        }
        let ends = |boot: &Boot| boot.weight().is_some_and(|weight| weight == Weight::End);
        let faults = |boot: &Boot| boot.weight().is_some_and(|weight| weight >= Weight::Fault);
        // The last boot counts if it ended in a crash; one that only had a fault counts if no other crashed.
        let (chosen, previous) = match self.crashed {
            Some(old) if last.dumps || !(ends(&last) || (faults(&last) && !ends(&old))) => (old, self.before),
            _ => (last, self.before),
        };
        Scanned { lines: self.lines, boot: chosen, before: previous }
    }
}

/// What came of one log.
pub(super) struct Scanned {
    /// Lines that were not empty.
    pub lines: u64,
    /// The boot that counts.
    pub boot: Boot,
    /// The one before it, if it ended without a word and nothing crashed.
    pub before: Option<Boot>,
}

/// A number for the host that syslog names; 0 where none is named.
fn host(line: &Line<'_>) -> u64 {
    // FNV-1a: nobody gains by two hosts that look the same.
    line.host.map_or(0, |name| {
        name.iter().fold(0xcbf2_9ce4_8422_2325, |sum: u64, b| (sum ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3))
    })
}

/// ` Xen 4.17.5` as the hypervisor's banner has it.
fn banner(text: &[u8]) -> bool {
    text.strip_prefix(b"Xen ").is_some_and(|rest| {
        let digits = rest.iter().take_while(|b| b.is_ascii_digit() || **b == b'.').count();
        digits >= 3 && rest.len() <= digits + 24 && rest.get(..digits).is_some_and(|version| version.contains(&b'.'))
    })
}

/// A line with which a syslog daemon begins, or the kernel's logger: once a boot, before it passes on what the kernel said. A rotation begins a new
/// file, where this is the first line.
fn logger(text: &[u8]) -> bool {
    let klogd = text.starts_with(b"klogd ") || text.starts_with(b"imklog ");
    (klogd && text.ends_with(b"/proc/kmsg started."))
        || (text.ends_with(b": restart.") && matcher::contains(text, "syslogd"))
        || (text.starts_with(b"[origin software=\"rsyslogd\"") && (text.ends_with(b"] start") || text.ends_with(b"] (re)start")))
        || text.starts_with(b"syslog-ng starting up")
}

/// A line as it may be shown.
fn show(raw: &[u8]) -> String {
    let raw = raw.get(..raw.len().min(WIDE * 2)).unwrap_or_default();
    text::clean(String::from_utf8_lossy(raw).trim_end(), WIDE).into_owned()
}
