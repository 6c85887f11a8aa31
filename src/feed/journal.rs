//! What of a pool's observations is worth a line in the log: connection, readings, hosts that stop answering, records that
//! cannot be read. Pure; writes nothing itself and never repeats itself while nothing changes.

use crate::observation::{Link, Observation, Outcome, Probed, Seen};
use crate::text;
use crate::xenapi::record::{Class, Record, Ref};
use std::collections::HashMap;

/// Records that could not be read are named up to here; the screen has their count.
const NAMED: usize = 20;

/// How much a line weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Good to know.
    Info,
    /// Something to look at.
    Warning,
}

/// What was said of one pool so far.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    names: HashMap<Ref, String>,
    /// Hosts that did not answer last time.
    failing: Vec<Ref>,
    /// What was said last of the connection, so that a try that fails like the one before is not told again.
    lost: Option<String>,
    /// Whether a reading is under way that was told.
    reading: bool,
    unreadable: usize,
    /// Why each host's probe did not report last time; empty: it did.
    probes: HashMap<Ref, String>,
}

impl Journal {
    /// The line for an observation, if it is worth one.
    pub fn line(&mut self, seen: &Observation) -> Option<(Weight, String)> {
        match &seen.seen {
            Seen::Link(link) => self.link(link, seen),
            Seen::Resync { classes, why } => {
                self.reading = classes.contains(&Class::Host);
                let what = if self.reading { "the whole pool".to_owned() } else { names_of(classes) };
                Some((Weight::Info, format!("reading {what}: {}", text::clean(why, 200))))
            }
            Seen::Synced { classes } if self.reading && classes.contains(&Class::Message) => {
                self.reading = false;
                Some((Weight::Info, format!("the pool is read: {}", count(self.names.len(), "host"))))
            }
            Seen::Set { r#ref, record } => {
                if let Record::Host(host) = &**record {
                    self.names.insert(r#ref.clone(), text::clean(&host.name_label, 60).into_owned());
                }
                None
            }
            Seen::Gone { class: Class::Host, r#ref } => {
                self.failing.retain(|host| host != r#ref);
                self.names.remove(r#ref).map(|name| (Weight::Info, format!("{name} is no longer a host of the pool")))
            }
            Seen::Unreadable { class, r#ref, why } => {
                self.unreadable += 1;
                let (class, why) = (text::clean(class, 40), text::clean(why, 200));
                match self.unreadable {
                    n if n < NAMED => Some((Weight::Warning, format!("skipped a record of {class} ({}): {why}", r#ref.as_str()))),
                    NAMED => {
                        Some((Weight::Warning, "more records cannot be read; from here on they are only counted".to_owned()))
                    }
                    _ => None,
                }
            }
            Seen::Probe { host, told } => {
                let name = self.names.get(host).cloned().unwrap_or_else(|| "a host".to_owned());
                let now = match told {
                    Probed::Report(_) => String::new(),
                    Probed::Absent => return None,
                    // That it does not answer at all is told already.
                    Probed::Failed { .. } if self.failing.contains(host) => return None,
                    Probed::Denied => "our role may not ask for it (it takes pool-admin)".to_owned(),
                    Probed::Failed { why } => text::clean(why, 200).into_owned(),
                };
                let was = self.probes.insert(host.clone(), now.clone());
                match was {
                    Some(was) if was == now => None,
                    None if now.is_empty() => Some((Weight::Info, format!("{name} has a probe"))),
                    _ if now.is_empty() => Some((Weight::Info, format!("{name}: its probe answers again"))),
                    _ => Some((Weight::Warning, format!("{name}: no report of its probe: {now}"))),
                }
            }
            Seen::Answer(answer) => {
                let was = self.failing.contains(&answer.host);
                let name = self.names.get(&answer.host).cloned().unwrap_or_else(|| "a host".to_owned());
                match &answer.outcome {
                    Outcome::Ok { .. } if was => {
                        self.failing.retain(|host| *host != answer.host);
                        Some((Weight::Info, format!("{name} answers again")))
                    }
                    Outcome::Failed { error, .. } if !was => {
                        self.failing.push(answer.host.clone());
                        Some((Weight::Warning, format!("{name} did not answer: {}", self.named(error))))
                    }
                    _ => None,
                }
            }
            Seen::WentBack(rewind) => Some((
                Weight::Warning,
                format!(
                    "the pool's database went back in time, from change {} to {}; {} objects are not as they had been",
                    rewind.from,
                    rewind.to,
                    rewind.changes.len() + rewind.more
                ),
            )),
            Seen::Gone { .. }
            | Seen::Synced { .. }
            | Seen::Heard { .. }
            | Seen::Samples { .. }
            | Seen::Week { .. }
            | Seen::Paths { .. } => None,
        }
    }

    /// Words with the names of the hosts where their references stood.
    fn named(&self, words: &str) -> String {
        let mut words = text::clean(words, 300).into_owned();
        if words.contains("OpaqueRef:") {
            for (host, name) in &self.names {
                words = words.replace(host.as_str(), name);
            }
        }
        words
    }

    fn link(&mut self, link: &Link, seen: &Observation) -> Option<(Weight, String)> {
        match link {
            Link::Connecting { to } => {
                self.lost.is_none().then(|| (Weight::Info, format!("logging in at {}", text::clean(to, 80))))
            }
            Link::Live { coordinator } => {
                self.lost = None;
                Some((Weight::Info, format!("logged in on the coordinator {}", text::clean(coordinator, 80))))
            }
            Link::Lost { error, retry_at, attempt } => {
                let error = text::clean(error, 300).into_owned();
                if self.lost.as_ref() == Some(&error) {
                    return None;
                }
                let wait = text::duration(retry_at.since(seen.at));
                let said =
                    format!("connection lost: {error} (next try in {wait}, {} failed so far)", count(*attempt as usize, "try"));
                self.lost = Some(error);
                Some((Weight::Warning, said))
            }
            Link::Refused { error } => Some((Weight::Warning, format!("not tried again: {}", text::clean(error, 1_000)))),
            Link::Closed => Some((Weight::Info, "logged out".to_owned())),
        }
    }
}

fn count(n: usize, what: &str) -> String {
    match (n, what) {
        (1, _) => format!("1 {what}"),
        (_, "try") => format!("{n} tries"),
        _ => format!("{n} {what}s"),
    }
}

fn names_of(classes: &[Class]) -> String {
    classes.iter().map(|class| class.event_name()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::{Answer, Via};
    use crate::time::Time;

    fn at(ms: i64, seen: Seen) -> Observation {
        Observation { at: Time::from_millis(ms), seen }
    }

    fn answer(outcome: Outcome) -> Seen {
        Seen::Answer(Answer { host: Ref::from("OpaqueRef:1"), via: Via::Rrd, took_ms: 5, outcome })
    }

    #[test]
    fn a_host_is_named_once_when_it_stops_answering_and_once_when_it_answers_again() {
        let mut journal = Journal::default();
        let json = r#"{"uuid":"u","name_label":"xcp2"}"#;
        let record = Record::parse(Class::Host, json).expect("is a host");
        assert_eq!(journal.line(&at(0, Seen::Set { r#ref: Ref::from("OpaqueRef:1"), record: record.into() })), None);
        let failed = || answer(Outcome::Failed { code: None, error: "host OpaqueRef:1 is off".into() });
        let said = journal.line(&at(1, failed())).expect("is told");
        assert_eq!(said, (Weight::Warning, "xcp2 did not answer: host xcp2 is off".to_owned()));
        assert_eq!(journal.line(&at(2, failed())), None, "not told twice");
        let again = journal.line(&at(3, answer(Outcome::Ok { clock: None }))).expect("is told");
        assert_eq!(again.1, "xcp2 answers again");
        assert_eq!(journal.line(&at(4, answer(Outcome::Ok { clock: None }))), None);
    }

    #[test]
    fn a_connection_that_fails_the_same_way_again_and_again_is_told_once_and_so_is_its_return() {
        let mut journal = Journal::default();
        let lost = |ms, attempt| {
            let retry_at = Time::from_millis(ms + 4_000);
            at(ms, Seen::Link(Link::Lost { error: "connection refused".into(), retry_at, attempt }))
        };
        let connecting = || Seen::Link(Link::Connecting { to: "10.0.0.1:443".into() });
        assert_eq!(journal.line(&at(0, connecting())).expect("told").1, "logging in at 10.0.0.1:443");
        let first = journal.line(&lost(1, 1)).expect("told").1;
        assert_eq!(first, "connection lost: connection refused (next try in 4 s, 1 try failed so far)");
        assert_eq!(journal.line(&at(2, connecting())), None);
        assert_eq!(journal.line(&lost(3, 2)), None);
        let back = journal.line(&at(9, Seen::Link(Link::Live { coordinator: "10.0.0.1:443".into() }))).expect("told");
        assert_eq!(back, (Weight::Info, "logged in on the coordinator 10.0.0.1:443".to_owned()));
    }

    #[test]
    fn records_that_cannot_be_read_are_named_up_to_a_point() {
        let mut journal = Journal::default();
        let unreadable = Seen::Unreadable { class: "SR\u{1b}[2J".into(), r#ref: Ref::from("OpaqueRef:9"), why: "no uuid".into() };
        let lines: Vec<String> =
            (0..100).filter_map(|ms| journal.line(&at(ms, unreadable.clone()))).map(|(_, text)| text).collect();
        assert_eq!(lines.len(), NAMED);
        assert!(lines.iter().all(|line| !line.contains('\u{1b}')), "{lines:?}");
    }
}
