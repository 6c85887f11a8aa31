//! What came of reading, and how it is told: as JSON, as Markdown for a ticket, as one HTML file; in words by `cli`.

mod html;
mod json;
mod markdown;
mod timeline;

pub use html::html;
pub use json::{SCHEMA, json};
pub use markdown::markdown;

use super::verdict::{Cause, Confidence, Finer, Verdict};
use crate::time::Time;
use serde::{Deserialize, Serialize};

/// All that came of one source.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// What was read, as the operator called it.
    pub source: String,
    /// The crashes, newest first. One with the cause `none` if there was something to judge and no crash in it.
    pub crashes: Vec<Crash>,
    /// What has to be said of the reading: limits that were hit, parts that are damaged or were left out.
    pub notes: Vec<String>,
    /// Files that were looked at.
    pub files: u64,
    /// Lines that were read.
    pub lines: u64,
}

/// One crash, or what may have been one.
#[derive(Clone, Debug, PartialEq)]
pub struct Crash {
    /// The host, if anything tells.
    pub host: Option<String>,
    /// The crash folder, as a path in what was read; `None` without a dump.
    pub folder: Option<String>,
    /// When it happened.
    pub at: Option<Time>,
    /// The same by that host's own clock, as the folder's name has it: `2026-11-21 02:17:44 CET`.
    pub clock: Option<String>,
    /// What dump there is.
    pub dump: Dump,
    /// The logs that it was judged by.
    pub logs: Vec<String>,
    /// Who did it.
    pub verdict: Verdict,
    /// What to do, the most important first.
    pub advice: Vec<String>,
    /// What led to it, oldest first; empty without a recording.
    pub story: Vec<Step>,
}

/// Whether a dump is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dump {
    /// Its writer says that it finished.
    Whole,
    /// It is not, and why.
    Part(String),
    /// Nothing says whether it is.
    Unsaid,
    /// There is none.
    Missing,
}

/// One thing that happened before, at or after a crash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// When.
    pub at: Time,
    /// What, in words.
    pub text: String,
    /// Whether it is a reason, not just something that happened too.
    #[serde(default)]
    pub matters: bool,
}

impl Crash {
    /// Its folder or its host: what to call it among others.
    pub fn name(&self) -> String {
        match (&self.host, &self.folder) {
            (Some(host), _) => host.clone(),
            (None, Some(folder)) if !folder.is_empty() => folder.clone(),
            _ => "the host".to_owned(),
        }
    }

    /// When it happened, in words for people, or that this is not known.
    pub fn when(&self) -> String {
        match (&self.clock, self.at) {
            (Some(clock), None) => format!("{clock} by its own clock"),
            (_, Some(at)) => utc(at),
            (None, None) => "a time that is not known".to_owned(),
        }
    }

    /// Its sign: whether there was a crash, or nobody can tell.
    pub const fn mark(&self) -> &'static str {
        match self.verdict.cause {
            Cause::None => "✓",
            Cause::Unknown => "?",
            Cause::O2cb | Cause::Xhad | Cause::Bug => "✗",
        }
    }

    /// What happened, in one line.
    pub fn headline(&self) -> String {
        let at = if self.at.is_some() || self.clock.is_some() { format!(" at {}", self.when()) } else { String::new() };
        self.told(&self.name(), &at)
    }

    /// The same with another name of the host and another way to tell the time: empty, or ` at` and the time.
    pub fn told(&self, name: &str, at: &str) -> String {
        let verdict = &self.verdict;
        match verdict.cause {
            Cause::O2cb => format!("{name} was fenced by o2cb{at}"),
            Cause::Xhad if verdict.finer == Finer::Watchdog => format!("{name} was reset by the domain watchdog{at}"),
            Cause::Xhad => format!("{name} was fenced by the HA daemon{at}"),
            Cause::Bug => format!("{name} crashed{at}"),
            Cause::None => format!("{name}: no crash here"),
            Cause::Unknown if at.is_empty() && self.dump == Dump::Missing => {
                format!("{name}: these logs do not tell whether and why it went down")
            }
            Cause::Unknown => format!("{name} went down{at}"),
        }
    }
}

impl Dump {
    /// In words.
    pub fn text(&self) -> String {
        match self {
            Self::Whole => "whole".to_owned(),
            Self::Part(why) => format!("not whole: {why}"),
            Self::Unsaid => "nothing says whether it is whole".to_owned(),
            Self::Missing => "none".to_owned(),
        }
    }
}

/// A cause in the words of people.
pub fn cause_text(cause: Cause, finer: Finer) -> &'static str {
    match (cause, finer) {
        (Cause::None, _) => "no crash",
        (_, Finer::Disk) => "no write to the heartbeat region in time",
        (_, Finer::Network) => "too few cluster nodes within reach on the network",
        (_, Finer::Statefile) => "the HA statefile was out of reach",
        (_, Finer::Heartbeat) => "no HA heartbeats over the network",
        (_, Finer::XapiHealthCheck) => "xapi did not answer the HA health check",
        (_, Finer::Watchdog) => "a watchdog that was not fed",
        (_, Finer::Mce) => "a machine check: hardware",
        (_, Finer::Oom) => "no memory left",
        (_, Finer::Oops) => "a fault in the kernel",
        (_, Finer::Panic) => "a kernel panic",
        (_, Finer::XenPanic) => "a fault in the hypervisor",
        (_, Finer::CpuStuck) => "a processor that did not get on",
        (_, Finer::HungTask) => "a task that hung",
        (_, Finer::Firmware) => "firmware, a bus or a non-maskable interrupt",
        (_, Finer::Operator) => "somebody asked for it",
        (_, Finer::Power) => "power was lost, or the host was reset from outside",
        (Cause::Unknown, Finer::Unknown) => "what is left does not tell why",
        (_, Finer::Unknown) => "not known more exactly",
    }
}

/// A confidence in the words of people.
pub fn confidence_text(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Guess => "a guess",
        Confidence::Likely => "likely",
        Confidence::Sure => "sure",
    }
}

/// `2026-11-21 02:17:44 UTC`.
pub fn utc(at: Time) -> String {
    let text = at.to_string();
    let seconds = text.get(..19).unwrap_or(&text).replace('T', " ");
    format!("{seconds} UTC")
}

#[cfg(test)]
mod tests;
