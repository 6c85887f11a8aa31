//! The lines of one crash in, a verdict out: o2cb, xhad, a bug, no crash, or not known. Pure: no file, no clock; memory is bounded however long the logs are.
//!
//! A line goes through `strip`, which tells whose words it is, and `matcher`, which finds the `rules`' words in it; `scan` keeps per log and
//! boot what was told; `decide` and `bug` weigh it. What a program quotes never counts.

mod bug;
pub(in crate::crash) mod date;
mod decide;
mod fact;
mod fault;
mod finding;
mod matcher;
mod rules;
mod scan;
mod signal;
mod strip;
#[cfg(test)]
mod tests;
mod verdict;
mod view;

pub use fact::{Fact, Saw};

use crate::crash::log::Log;
use crate::crash::verdict::{Cause, Verdict};
use scan::Scan;
use std::collections::BTreeMap;
use std::sync::Arc;

/// So many logs of one crash are looked at.
const LOGS: usize = 512;

/// So many facts are kept.
const FACTS: usize = 256;

/// Reads the logs of one crash. One per crash; give it the lines, then ask for the [`verdict`](Classifier::verdict).
#[derive(Default)]
pub struct Classifier {
    logs: Vec<(Arc<Log>, Scan)>,
    /// By the place of the log in memory, which its `Arc` keeps.
    at: BTreeMap<usize, usize>,
    last: usize,
    facts: Vec<Fact>,
    left: bool,
}

impl Classifier {
    /// One that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next line of a log, without its newline. Lines of one log come in order; logs one after another or interleaved.
    pub fn line(&mut self, log: &Arc<Log>, number: u64, line: &[u8]) {
        if let Some((_, scan)) = self.logs.get_mut(self.last).filter(|(last, _)| Arc::ptr_eq(last, log)) {
            scan.line(number, line);
            return;
        }
        let key = Arc::as_ptr(log).addr();
        let at = self.at.get(&key).copied().or_else(|| self.logs.iter().position(|(old, _)| old == log));
        let at = match at {
            Some(at) => at,
            None if self.logs.len() >= LOGS => {
                self.left = true;
                return;
            }
            None => {
                self.logs.push((Arc::clone(log), Scan::new(log.kind)));
                self.at.insert(key, self.logs.len() - 1);
                self.logs.len() - 1
            }
        };
        self.last = at;
        if let Some((_, scan)) = self.logs.get_mut(at) {
            scan.line(number, line);
        }
    }

    /// What the caller knows beside the logs. In any order, before the verdict.
    pub fn know(&mut self, fact: Fact) {
        if self.facts.len() < FACTS && !self.facts.contains(&fact) {
            self.facts.push(fact);
        }
    }

    /// What came of it.
    pub fn verdict(self) -> Verdict {
        let said = self.logs.into_iter().map(|(log, scan)| view::Said { log, scanned: scan.end() }).collect();
        verdict::verdict(said, &self.facts, self.left)
    }
}

/// The verdict on whole logs in memory.
pub fn verdict_of(logs: &[(Arc<Log>, &[u8])]) -> Verdict {
    let mut classifier = Classifier::new();
    for (log, text) in logs {
        for (number, line) in (1..).zip(text.split(|b| *b == b'\n')) {
            classifier.line(log, number, line.get(..line.len().min(super::log::LINE)).unwrap_or_default());
        }
    }
    classifier.verdict()
}

/// Only the cause, as the pool's database keeps it.
pub fn cause_of(logs: &[(Arc<Log>, &[u8])]) -> Cause {
    verdict_of(logs).cause
}
