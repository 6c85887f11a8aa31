//! What a run did, made from its journal alone: for people (Markdown, HTML) and programs (JSON). Reads and writes nothing.

mod html;
mod markdown;
mod teller;

#[cfg(test)]
mod tests;

pub use html::html;
pub use markdown::markdown;
pub use teller::{Event, Teller, stage_words, what};

use super::call::{Call, Outcome};
use super::entry::{CallId, Command, Entry, HostAt, HostEnd, Item};
use super::journal::Line;
use super::plan::Plan;
use crate::text::clean;
use crate::time::Time;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// Name and version of the JSON; it only grows.
pub const SCHEMA: &str = "poolwatch-roll-report/1";
/// Longest text, in characters.
const TEXT: usize = 600;

/// A run, told.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// Version of this form.
    pub schema: &'static str,
    /// Name of the run.
    pub run: String,
    /// Name of the pool.
    pub pool: String,
    /// Its uuid.
    pub pool_uuid: String,
    /// What it was for, in a few words.
    pub what: String,
    /// Who began it.
    pub by: String,
    /// The version of poolwatch that began it.
    pub version: String,
    /// When it began.
    #[serde(serialize_with = "rfc3339")]
    pub began: Time,
    /// When it ended; `None`: it has not.
    #[serde(serialize_with = "maybe_rfc3339")]
    pub ended: Option<Time>,
    /// `done`, `stopped`, `refused`, `unknown`; `unfinished` if it has not ended.
    pub result: &'static str,
    /// That in words.
    pub text: String,
    /// How often it was taken up again after its program ended.
    pub resumed: u32,
    /// Its hosts, in the order of the plan.
    pub hosts: Vec<HostReport>,
    /// Findings that the operator accepted.
    pub accepted: Vec<AcceptedFinding>,
    /// What is not as it was found.
    pub left: Vec<LeftItem>,
    /// Every call that was made, in order.
    pub calls: Vec<CallReport>,
    /// Everything that happened, in order.
    pub log: Vec<Event>,
}

/// A host's part.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct HostReport {
    /// Its name.
    pub name: String,
    /// Its uuid.
    pub uuid: String,
    /// `done`, `skipped`, `abandoned`, `unfinished`, `not begun`.
    pub result: &'static str,
    /// Why, if not done.
    pub why: String,
    /// When it was begun.
    #[serde(serialize_with = "maybe_rfc3339")]
    pub began: Option<Time>,
    /// How long it took, in seconds.
    pub seconds: Option<u64>,
    /// Guests that were on it before.
    pub guests: usize,
    /// Guests that were moved one by one.
    pub moved: usize,
    /// Calls that failed.
    pub failures: usize,
    /// Updates that the plan had for it.
    pub updates: Vec<String>,
    /// Its stages, in order.
    pub stages: Vec<StageReport>,
}

/// A stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StageReport {
    /// Its name.
    pub stage: &'static str,
    /// When it began.
    #[serde(serialize_with = "rfc3339")]
    pub began: Time,
    /// How long it took, in seconds; `None`: it has not ended.
    pub seconds: Option<u64>,
}

/// A call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CallReport {
    /// Its number.
    pub id: CallId,
    /// When it was made.
    #[serde(serialize_with = "rfc3339")]
    pub t: Time,
    /// For which host.
    pub host: Option<String>,
    /// What it does.
    pub what: String,
    /// How long until its outcome was known, in seconds.
    pub seconds: Option<u64>,
    /// What became of it: `done`, or why not; empty if that is not known.
    pub outcome: String,
}

/// A finding that the operator accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AcceptedFinding {
    /// Its code.
    pub code: String,
    /// What it is about; empty: wherever it occurs.
    pub about: String,
    /// Why, in the operator's words.
    pub reason: String,
}

/// Something that is not as it was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftItem {
    /// What, in words.
    pub what: String,
    /// Why.
    pub why: String,
}

/// Times are text in JSON, as everywhere in poolwatch.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
pub(super) fn rfc3339<S: Serializer>(at: &Time, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(at)
}

#[allow(clippy::ref_option, reason = "serde calls it so")]
fn maybe_rfc3339<S: Serializer>(at: &Option<Time>, to: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => to.collect_str(at),
        None => to.serialize_none(),
    }
}

fn said(text: &str) -> String {
    clean(text, TEXT).into_owned()
}

impl Report {
    /// Of the lines of a journal, as far as they go.
    pub fn of(lines: &[Line]) -> Self {
        let mut report = Self { schema: SCHEMA, result: "unfinished", ..Self::default() };
        let mut teller = Teller::default();
        let mut left: BTreeMap<Item, String> = BTreeMap::new();
        let mut calls: BTreeMap<CallId, (Option<HostAt>, Call, usize)> = BTreeMap::new();
        for line in lines {
            let (at, entry) = (line.at, &line.entry);
            let event = teller.tell(at, entry);
            match entry {
                Entry::Began { run, by, version, plan, .. } => report.begin(at, run, by, version, plan),
                Entry::Resumed { .. } | Entry::Command { command: Command::Restore } => {
                    report.resumed += u32::from(matches!(entry, Entry::Resumed { .. }));
                    (report.ended, report.result) = (None, "unfinished");
                }
                Entry::Before { host, before } => {
                    if let Some(one) = report.hosts.get_mut(*host) {
                        (one.began, one.guests, one.result) = (Some(at), before.guests.len(), "unfinished");
                    }
                }
                Entry::Stage { host, stage, .. } => {
                    if let Some(one) = report.hosts.get_mut(*host) {
                        one.close(at);
                        one.stages.push(StageReport { stage: stage.into(), began: at, seconds: None });
                    }
                }
                Entry::HostEnded { host, end } => {
                    if let Some(one) = report.hosts.get_mut(*host) {
                        one.close(at);
                        one.seconds = one.began.map(|began| at.since(began).as_secs());
                        (one.result, one.why) = match end {
                            HostEnd::Done => ("done", String::new()),
                            HostEnd::Skipped { why } => ("skipped", said(why)),
                            HostEnd::Abandoned { why } => ("abandoned", said(why)),
                        };
                    }
                }
                Entry::Intent { id, host, call } if !matches!(call, Call::Renew { .. }) => {
                    calls.insert(*id, (*host, call.clone(), report.calls.len()));
                    let name = host.and_then(|host| report.hosts.get(host)).map(|host| host.name.clone());
                    let what = teller.call(call);
                    report.calls.push(CallReport { id: *id, t: at, host: name, what, seconds: None, outcome: String::new() });
                }
                Entry::Outcome { id, outcome } => {
                    if let Some((host, call, place)) = calls.get(id) {
                        report.ended_call(at, *host, call, *place, outcome);
                    }
                }
                Entry::Command { command: Command::Accept { code, about, reason } } => report.accept(code, about, reason),
                Entry::Left { item, why } => drop(left.insert(item.clone(), said(why))),
                Entry::PutBack { item, .. } => drop(left.remove(item)),
                Entry::Ended { result, text } => {
                    (report.ended, report.result, report.text) = (Some(at), result.into(), said(text));
                }
                _ => {}
            }
            report.log.extend(event);
        }
        report.left = left.into_iter().map(|(item, why)| LeftItem { what: teller.item(&item), why }).collect();
        if report.ended.is_none() {
            "The run has not ended. If nobody works on it, go on with `poolwatch roll TARGET --resume`."
                .clone_into(&mut report.text);
        }
        report
    }

    fn begin(&mut self, at: Time, run: &str, by: &str, version: &str, plan: &Plan) {
        (self.run, self.by, self.version, self.began) = (said(run), said(by), said(version), at);
        (self.pool, self.pool_uuid, self.what) = (said(&plan.pool_name), said(&plan.pool), what(plan));
        let host = |host: &super::plan::HostPlan| HostReport {
            name: said(&host.name),
            uuid: said(&host.uuid),
            result: "not begun",
            updates: host.updates.iter().map(|update| said(update)).collect(),
            ..HostReport::default()
        };
        self.hosts = plan.hosts.iter().map(host).collect();
        for one in &plan.options.accepted {
            self.accept(&one.code, &one.about, &one.reason);
        }
    }

    fn accept(&mut self, code: &str, about: &str, reason: &str) {
        self.accepted.push(AcceptedFinding { code: said(code), about: said(about), reason: said(reason) });
    }

    fn ended_call(&mut self, at: Time, host: Option<HostAt>, call: &Call, place: usize, outcome: &Outcome) {
        if let Some(one) = self.calls.get_mut(place) {
            one.seconds = Some(at.since(one.t).as_secs());
            one.outcome = said(&outcome.to_string());
        }
        if let Some(one) = host.and_then(|host| self.hosts.get_mut(host)) {
            one.failures += usize::from(!outcome.is_done());
            one.moved += usize::from(outcome.is_done() && matches!(call, Call::Migrate { .. }));
        }
    }

    /// The report as JSON.
    pub fn json(&self) -> String {
        // Texts, numbers and times only: this cannot fail.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// The head line.
    pub fn headline(&self) -> String {
        format!("Run {}: {}", self.run, self.what)
    }

    /// How it ended, as a sentence.
    pub fn outcome(&self) -> String {
        match self.result {
            "unfinished" => self.text.clone(),
            result => format!("{}: {}", result.to_uppercase(), self.text),
        }
    }
}

impl HostReport {
    /// Ends its last stage.
    fn close(&mut self, at: Time) {
        if let Some(last) = self.stages.last_mut().filter(|last| last.seconds.is_none()) {
            last.seconds = Some(at.since(last.began).as_secs());
        }
    }
}

/// Seconds as people say them; a dash for none.
fn took(seconds: Option<u64>) -> String {
    seconds.map_or_else(|| "-".to_owned(), |s| crate::text::duration(std::time::Duration::from_secs(s)))
}

/// A time as people write it, in UTC.
fn stamp(at: Time) -> String {
    let text = at.to_string();
    text.split('.').next().unwrap_or(&text).replace('T', " ") + " UTC"
}
