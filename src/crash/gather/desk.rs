//! Where the lines of one file go.

use super::super::layout::Says;
use super::super::log::{Kind, Log};
use super::super::stamp::Clock;
use super::super::verdict::{Cause, Verdict};
use super::case::Case;
use super::shelf::{Kept, Shelf};
use super::{File, who};
use crate::time::Time;
use std::sync::Arc;

/// The longest file that says which host it is, in bytes.
const WHO: usize = 256 << 10;

/// Where the lines of one file go. Given back with [`super::Gather::end`].
pub enum Desk {
    /// A log in a crash folder.
    Dump {
        /// The folder.
        folder: String,
        /// What it is a part of.
        case: Box<Case>,
        /// Which log.
        log: Arc<Log>,
    },
    /// The log of whoever made the folder.
    Analyser {
        /// The folder.
        folder: String,
        /// What it is a part of.
        case: Box<Case>,
    },
    /// A log on disk.
    Disk(Box<Kept>),
    /// Says which host it is.
    Who {
        /// The host's `/`.
        root: String,
        /// How it says so.
        says: Says,
        /// What it says.
        text: Vec<u8>,
    },
    /// A text that may be anything.
    Loose(Box<Loose>),
}

/// A loose log, judged by itself.
pub struct Loose {
    log: Arc<Log>,
    survivor: Arc<Log>,
    case: Case,
    named: bool,
    host: Option<String>,
}

/// What came of a loose log.
pub struct Judged {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// The host that it names.
    pub host: Option<String>,
    /// Whether the operator named it.
    pub named: bool,
    /// What it says.
    pub verdict: Verdict,
}

impl Judged {
    /// Whether it tells of a crash.
    pub fn is_crash(&self) -> bool {
        !matches!(self.verdict.cause, Cause::None | Cause::Unknown)
    }
}

impl Desk {
    pub(super) fn dump(folder: String, case: Case, log: Arc<Log>) -> Self {
        Self::Dump { folder, case: Box::new(case), log }
    }

    pub(super) fn analyser(folder: String, case: Case) -> Self {
        Self::Analyser { folder, case: Box::new(case) }
    }

    pub(super) fn disk(kept: Kept) -> Self {
        Self::Disk(Box::new(kept))
    }

    pub(super) const fn who(root: String, says: Says) -> Self {
        Self::Who { root, says, text: Vec::new() }
    }

    pub(super) fn loose(log: Arc<Log>, survivor: Arc<Log>, file: File<'_>) -> Self {
        let mut case = Case::of_logs();
        if let Some(at) = file.mtime.filter(|at| *at > 0) {
            case.written(Time::from_secs(at));
        }
        Self::Loose(Box::new(Loose { log, survivor, case, named: file.named, host: None }))
    }

    pub(super) fn line(&mut self, logs: &mut Shelf, focus: Option<&str>, number: u64, line: &[u8]) {
        match self {
            Self::Dump { case, log, .. } => case.line(log, number, line),
            Self::Analyser { case, .. } => case.analyser_line(line),
            Self::Disk(kept) => {
                if let Some((_, Some(host))) = Clock::parse(line) {
                    kept.names(host);
                }
                logs.add(kept, line);
            }
            Self::Who { text, .. } => {
                if text.len() + line.len() < WHO {
                    text.extend_from_slice(line);
                    text.push(b'\n');
                }
            }
            Self::Loose(loose) => loose.line(focus, number, line),
        }
    }
}

impl Loose {
    fn line(&mut self, focus: Option<&str>, number: u64, line: &[u8]) {
        let named = Clock::parse(line).and_then(|(_, host)| host);
        if self.host.is_none() && self.case.lines < 1_000 {
            self.host = named.filter(|host| focus.is_none_or(|focus| who::same(host, focus))).map(str::to_owned);
        }
        let log = if who::is_other(named, focus) { &self.survivor } else { &self.log };
        self.case.line(log, number, line);
    }

    /// Judges it.
    pub fn judge(self) -> Judged {
        let Self { log, case, named, host, .. } = self;
        Judged { name: log.name.clone(), kind: log.kind, host, named, verdict: case.judge() }
    }
}
