//! What `roll` prints: one line a change, as text or as JSON (`docs/json.md`). Never the same line twice in a row.

use crate::rollout::entry::RunResult;
use crate::rollout::finding::Finding;
use crate::rollout::plan::Plan;
use crate::rollout::report::Event;
use crate::text::clean_lines;
use crate::time::Time;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use std::io::{self, Write};

/// Name and version of the JSON lines.
pub const SCHEMA: &str = "poolwatch-roll/1";

/// How a round ended for who called: the exit code, and the `result` of the last line.
pub type Outcome = RunResult;

/// The exit code of a result.
pub const fn exit_code(result: RunResult) -> u8 {
    match result {
        RunResult::Done => 0,
        RunResult::Stopped => 1,
        RunResult::Refused => 2,
        RunResult::Unknown => 3,
    }
}

/// Prints. Output that cannot be written is no reason to leave a round: it goes on silently.
pub struct Say {
    json: bool,
    zone: TimeZone,
    run: Option<String>,
    last: String,
}

impl Say {
    /// As text with times of day in this zone, or as JSON.
    pub const fn new(json: bool, zone: TimeZone) -> Self {
        Self { json, zone, run: None, last: String::new() }
    }

    /// Whether it prints JSON.
    pub const fn is_json(&self) -> bool {
        self.json
    }

    /// From now on lines are of this run.
    pub fn of_run(&mut self, run: &str) {
        self.run = Some(run.to_owned());
    }

    /// Something that happened in the run.
    pub fn event(&mut self, event: &Event) {
        if self.json {
            return self.line(event.t, event.host.as_deref(), event.stage, event.event, &event.text, Map::new());
        }
        let host = event.host.as_deref().map(|host| format!("{host} ")).unwrap_or_default();
        let stage = event.stage.map(|stage| format!("[{stage}] ")).unwrap_or_default();
        let line = format!("{host}{stage}{}", event.text);
        if self.last != line {
            Self::put(&format!("{} {line}\n", self.stamp(event.t)));
            self.last = line;
        }
    }

    /// A word of the program itself.
    pub fn word(&mut self, now: Time, event: &'static str, text: &str) {
        self.event(&Event { t: now, host: None, stage: None, event, text: text.to_owned() });
    }

    /// The plan.
    pub fn plan(&mut self, now: Time, plan: &Plan) {
        if self.json {
            let mut more = Map::new();
            more.insert("plan".to_owned(), serde_json::to_value(plan).unwrap_or_default());
            let text = crate::rollout::report::what(plan);
            self.line(now, None, None, "plan", &text, more);
        } else {
            Self::put(&super::paper::plan(plan));
        }
    }

    /// What speaks against it.
    pub fn findings(&mut self, now: Time, plan: &Plan, findings: &[Finding]) {
        if !self.json {
            Self::put(&super::paper::findings(plan, findings));
            return;
        }
        for finding in findings {
            let mut more = Map::new();
            if let Ok(Value::Object(map)) = serde_json::to_value(finding) {
                more.extend(map.into_iter().filter(|(key, _)| key != "text"));
            }
            let accepted = super::paper::is_accepted(plan, finding);
            more.insert("accepted".to_owned(), json!(accepted));
            self.line(now, None, None, "finding", &finding.text, more);
        }
    }

    /// The last line.
    pub fn end(&mut self, now: Time, result: Outcome, text: &str) {
        let word: &'static str = result.into();
        if self.json {
            let mut more = Map::new();
            more.insert("result".to_owned(), json!(word));
            self.line(now, None, None, "ended", text, more);
        } else {
            Self::put(&format!("{} {}: {}\n", self.stamp(now), word.to_uppercase(), clean_lines(text, 4_000)));
        }
    }

    fn line(&self, t: Time, host: Option<&str>, stage: Option<&str>, event: &str, text: &str, more: Map<String, Value>) {
        let mut line = Map::new();
        line.insert("schema".to_owned(), json!(SCHEMA));
        line.insert("t".to_owned(), json!(t.to_string()));
        line.insert("run".to_owned(), json!(self.run));
        line.insert("host".to_owned(), json!(host));
        line.insert("stage".to_owned(), json!(stage));
        line.insert("event".to_owned(), json!(event));
        line.insert("text".to_owned(), json!(text));
        line.extend(more);
        Self::put(&format!("{}\n", Value::Object(line)));
    }

    /// Text of several lines that stands for itself.
    pub fn page(&self, text: &str) {
        if !self.json {
            Self::put(text);
        }
    }

    fn stamp(&self, at: Time) -> String {
        let at = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default().to_zoned(self.zone.clone());
        at.strftime("%H:%M:%S").to_string()
    }

    fn put(text: &str) {
        let mut out = io::stdout().lock();
        if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            tracing::debug!("standard output: {error}");
        }
    }
}
