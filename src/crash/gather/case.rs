//! One crash while its files come in.

use super::super::classify::{Classifier, Fact};
use super::super::layout::{self, Role};
use super::super::log::Log;
use super::super::report::Dump;
use super::super::stamp::{self, Stamp, Wall};
use super::super::verdict::{Cause, Confidence, Finer, Verdict};
use crate::time::Time;
use std::sync::Arc;

/// One crash, or what may be one.
pub struct Case {
    /// Its folder; `None` for what only logs on disk tell of.
    pub folder: Option<String>,
    /// When it was, as the folder's name says.
    pub stamp: Option<Stamp>,
    /// The logs that it was judged by.
    pub logs: Vec<String>,
    /// Lines that were handed over.
    pub lines: u64,
    classifier: Classifier,
    /// When the first file of it was written to, in seconds since 1970.
    mtime: Option<i64>,
    /// Whether whoever made the folder said that it is complete.
    complete: Option<bool>,
    full: bool,
    part: bool,
}

impl Case {
    /// Of a crash folder.
    pub fn of_folder(folder: &str) -> Self {
        Self { folder: Some(folder.to_owned()), stamp: Stamp::parse(layout::last(folder)), ..Self::of_logs() }
    }

    /// Of logs alone.
    pub fn of_logs() -> Self {
        Self {
            folder: None,
            stamp: None,
            logs: Vec::new(),
            lines: 0,
            classifier: Classifier::new(),
            mtime: None,
            complete: None,
            full: false,
            part: false,
        }
    }

    /// A file of its folder is there.
    pub fn holds(&mut self, role: Role, mtime: Option<i64>) {
        match role {
            Role::Full => self.full = true,
            Role::PartOfCore | Role::PartOfLog(_) => self.part = true,
            Role::Analyser => self.complete = self.complete.or(Some(false)),
            Role::Log(_) | Role::CrashKernel | Role::Core | Role::Other => {}
        }
        let mtime = mtime.filter(|at| *at > 0);
        self.mtime = [self.mtime, mtime].into_iter().flatten().min();
    }

    /// The next line of a log.
    pub fn line(&mut self, log: &Arc<Log>, number: u64, line: &[u8]) {
        self.lines += 1;
        self.classifier.line(log, number, line);
    }

    /// A line of the log of whoever made the folder.
    pub fn analyser_line(&mut self, line: &[u8]) {
        let line = line.trim_ascii_end();
        if line.ends_with(b"COMPLETE") && !line.ends_with(b"INCOMPLETE") {
            self.complete = Some(true);
        }
    }

    /// A log of it is named; once.
    pub fn by(&mut self, name: &str) {
        if self.logs.len() < 64 && !self.logs.iter().any(|known| known == name) {
            self.logs.push(name.to_owned());
        }
    }

    /// When its logs were written, about.
    pub fn written(&mut self, at: Time) {
        self.classifier.know(Fact::Written(at));
    }

    /// Something known beside its logs.
    pub fn know(&mut self, fact: Fact) {
        self.classifier.know(fact);
    }

    /// By the host's own clock, if its folder says.
    pub fn wall(&self) -> Option<Wall> {
        self.stamp.as_ref().map(|stamp| stamp.wall)
    }

    /// How far that clock was ahead of UTC, in seconds: as the folder's name says, else by the time of the files in it, which archives
    /// keep in UTC. xapi itself only believes names that end in `-UTC`.
    pub fn offset(&self) -> Option<i64> {
        const QUARTER: i64 = 15 * 60;
        let stamp = self.stamp.as_ref()?;
        if let Some(offset) = stamp.offset() {
            return Some(offset);
        }
        // The files are written in the minutes after the folder is made, and zones differ by quarters of an hour.
        let ahead = stamp.wall - self.mtime?;
        let quarters = ahead.div_euclid(QUARTER) + i64::from(ahead.rem_euclid(QUARTER) != 0);
        let offset = quarters * QUARTER;
        (-12 * 3_600..=14 * 3_600).contains(&offset).then_some(offset)
    }

    /// The point in time that the folder's name means.
    pub fn at(&self) -> Option<Time> {
        Some(Time::from_secs(self.wall()? - self.offset()?))
    }

    /// The folder's time in words, zone included.
    pub fn clock(&self) -> Option<String> {
        let stamp = self.stamp.as_ref()?;
        let zone = stamp.zone.as_deref().map_or_else(String::new, |zone| format!(" {zone}"));
        Some(format!("{}{zone}", stamp::shown(stamp.wall)))
    }

    /// What dump it is.
    pub fn dump(&self) -> Dump {
        if self.folder.is_none() {
            Dump::Missing
        } else if self.full {
            Dump::Part("there was no room for it in /var/crash".to_owned())
        } else if self.part {
            Dump::Part("the crash kernel did not get to its end".to_owned())
        } else {
            match self.complete {
                Some(true) => Dump::Whole,
                Some(false) => Dump::Part("its writer did not say COMPLETE at the end".to_owned()),
                None => Dump::Unsaid,
            }
        }
    }

    /// The verdict.
    pub fn judge(mut self) -> Verdict {
        let dump = self.dump();
        if self.folder.is_some() {
            self.classifier.know(Fact::Dumped);
        }
        if matches!(dump, Dump::Part(_)) {
            self.classifier.know(Fact::DumpIncomplete);
        }
        if let Some(at) = self.at() {
            self.classifier.know(Fact::Written(at));
        }
        if self.lines > 0 {
            return self.classifier.verdict();
        }
        let why = if self.folder.is_some() {
            "there is a crash folder, so the host went down, but no log in it that could be read".to_owned()
        } else {
            "there is not one line to judge by".to_owned()
        };
        Verdict {
            cause: Cause::Unknown,
            finer: Finer::Unknown,
            confidence: Confidence::Guess,
            why,
            notes: Vec::new(),
            at: None,
            evidence: Vec::new(),
        }
    }
}
