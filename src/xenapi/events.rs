//! What `event.from` returns: tokens and batches of changes.
//!
//! One event that cannot be read is skipped and counted; only a batch that is no batch at all is an error. Never asks
//! for anything (see [`crate::feed::follow`] for when to).

use super::record::{Class, Record, Ref};
use super::reply::{self, Problem, Unreadable};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// How far we have followed a pool: the generations of its database and of its messages.
///
/// On the wire `%020d,%020d`. Both count the same thing, so a token whose second half repeats the first one means "no
/// messages from before that moment" (source: xapi's `event_types.ml`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token {
    /// Generation of the newest matching change in the database.
    pub database: u64,
    /// Generation of the newest message; 0 if messages were not asked for.
    pub message: u64,
}

impl Token {
    /// A token for following on from a generation, without messages from before it.
    pub const fn at(generation: u64) -> Self {
        Self { database: generation, message: generation }
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:020},{:020}", self.database, self.message)
    }
}

impl FromStr for Token {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let halves = text.split_once(',').and_then(|(a, b)| Some(Self { database: a.parse().ok()?, message: b.parse().ok()? }));
        halves.ok_or_else(|| "an event token that this version does not understand".to_owned())
    }
}

/// What happened to one object.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// It is there with this content: added or changed.
    Set(Arc<Record>),
    /// It is gone.
    Gone,
}

/// A change to one object.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Its class.
    pub class: Class,
    /// Which object.
    pub r#ref: Ref,
    /// The generation of the change; 0 for messages. For an addition it is the generation of the object's creation.
    pub generation: u64,
    /// Whether it came as an addition.
    pub added: bool,
    /// What happened.
    pub what: What,
}

/// What one `event.from` returned, as far as poolwatch uses it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventBatch {
    /// In the order of the wire: messages, additions, changes, deletions.
    pub changes: Vec<Change>,
    /// Events of our classes that could not be read.
    pub unreadable: Vec<Unreadable>,
    /// How many objects the pool has of each class, for the classes that it counts. Messages are not counted.
    pub counts: BTreeMap<Class, u64>,
    /// Where to go on; `None` if the pool sent none that can be understood.
    pub token: Option<Token>,
}

/// A batch on the wire with each event as it is.
#[derive(Deserialize)]
struct Outer<'a, E> {
    #[serde(default = "Vec::new")]
    events: Vec<E>,
    #[serde(borrow, default)]
    valid_ref_counts: Option<&'a RawValue>,
    #[serde(borrow, default)]
    token: Cow<'a, str>,
}

impl<E> Outer<'_, E> {
    /// Whether none of its parts was there.
    fn is_nothing(&self) -> bool {
        self.events.is_empty() && self.valid_ref_counts.is_none() && self.token.is_empty()
    }
}

#[derive(Deserialize)]
struct Inner<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    class: Cow<'a, str>,
    #[serde(borrow)]
    operation: Cow<'a, str>,
    r#ref: Ref,
    #[serde(borrow, default)]
    snapshot: Option<&'a RawValue>,
}

impl EventBatch {
    /// Reads the whole reply to `event.from`.
    pub fn from_reply(text: &str) -> Result<Self, Problem> {
        const METHOD: &str = "event.from";
        match reply::result::<Outer<'_, Inner<'_>>>(text, METHOD) {
            Ok(outer) if outer.is_nothing() => Err(Problem::Malformed("it is no batch of events".to_owned())),
            Ok(outer) => Ok(Self::assemble(outer.valid_ref_counts, &outer.token, outer.events.into_iter().map(Ok))),
            // Something in it is not as it should be: the slow way, in which an event that is wrong costs only itself.
            Err(Problem::Malformed(_)) => {
                let outer = reply::result::<Outer<'_, &RawValue>>(text, METHOD)?;
                Ok(Self::lenient(&outer))
            }
            Err(other) => Err(other),
        }
    }

    /// Reads the bare result of `event.from`, as a recording of the wire has it.
    pub fn from_result(json: &str) -> Result<Self, Problem> {
        let outer: Outer<'_, &RawValue> = serde_json::from_str(json).map_err(|e| Problem::Malformed(e.to_string()))?;
        Ok(Self::lenient(&outer))
    }

    fn lenient(outer: &Outer<'_, &RawValue>) -> Self {
        let events = outer.events.iter().map(|raw| serde_json::from_str::<Inner<'_>>(raw.get()).map_err(|e| e.to_string()));
        Self::assemble(outer.valid_ref_counts, &outer.token, events)
    }

    fn assemble<'a>(counts: Option<&RawValue>, token: &str, events: impl Iterator<Item = Result<Inner<'a>, String>>) -> Self {
        let mut batch = Self { counts: read_counts(counts), token: token.parse().ok(), ..Self::default() };
        batch.changes.reserve(events.size_hint().0);
        for event in events {
            match event {
                Ok(event) => batch.take(&event),
                Err(why) => batch.unreadable.push(Unreadable { class: String::new(), r#ref: Ref::default(), why }),
            }
        }
        batch
    }

    fn take(&mut self, event: &Inner<'_>) {
        // Classes that were not asked for are not ours to complain about.
        let Ok(class) = Class::from_str(&event.class) else { return };
        let generation = event.id.and_then(|raw| raw.get().trim_matches('"').parse().ok()).unwrap_or(0);
        let what = match (&*event.operation, event.snapshot) {
            ("del", _) => Ok(What::Gone),
            ("add" | "mod", Some(json)) => {
                Record::parse(class, json.get()).map(|r| What::Set(Arc::new(r))).map_err(|e| e.to_string())
            }
            ("add" | "mod", None) => Err("the event has no record in it".to_owned()),
            _ => Err("the event is neither add, mod nor del".to_owned()),
        };
        match what {
            Ok(what) => {
                let added = event.operation == "add";
                self.changes.push(Change { class, r#ref: event.r#ref.clone(), generation, added, what });
            }
            Err(why) => {
                let class = class.event_name().to_owned();
                self.unreadable.push(Unreadable { class, r#ref: event.r#ref.clone(), why });
            }
        }
    }
}

/// `valid_ref_counts`, for the classes that poolwatch reads. Counts that cannot be read are as good as not sent.
fn read_counts(raw: Option<&RawValue>) -> BTreeMap<Class, u64> {
    let all: BTreeMap<Cow<'_, str>, serde_json::Value> =
        raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
    all.into_iter()
        .filter_map(|(class, count)| {
            let count = count.as_u64().or_else(|| count.as_str()?.parse().ok())?;
            Some((Class::from_str(&class).ok()?, count))
        })
        .filter(|(class, _)| *class != Class::Message)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_written_as_they_are_read() {
        let text = "00000000000000000693,00000000000000000577";
        let token: Token = text.parse().expect("token");
        assert_eq!(token, Token { database: 693, message: 577 });
        assert_eq!(token.to_string(), text);
        assert_eq!(Token::at(5).to_string(), "00000000000000000005,00000000000000000005");
        assert!(Token::at(5) < Token::at(6));
        for bad in ["", ",", "5", "a,b", "-1,2", "1,2,3"] {
            assert!(bad.parse::<Token>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_batch_is_read_and_one_bad_event_costs_only_itself() {
        let good =
            r#"{"id":"7","timestamp":"0.0","class":"host","operation":"mod","ref":"OpaqueRef:h","snapshot":{"name_label":"a"}}"#;
        let gone = r#"{"id":"8","timestamp":"0.0","class":"task","operation":"del","ref":"OpaqueRef:t"}"#;
        let wrong = r#"{"id":"9","class":"host","operation":"mod","ref":"OpaqueRef:x","snapshot":{"name_label":5}}"#;
        let other = r#"{"id":"9","class":"vbd","operation":"mod","ref":"OpaqueRef:y","snapshot":{}}"#;
        let tail = r#""valid_ref_counts":{"host":1,"task":"4","vbd":3,"message":0,"pool":-1},"token":"00000000000000000008,00000000000000000000""#;
        let reply = format!(r#"{{"jsonrpc":"2.0","result":{{"events":[{good},{gone},{wrong},{other}],{tail}}},"id":1}}"#);
        let batch = EventBatch::from_reply(&reply).expect("batch");
        assert_eq!(batch.changes.len(), 2);
        assert_eq!(batch.changes[0].generation, 7);
        assert_eq!(batch.changes[1].what, What::Gone);
        assert_eq!(batch.unreadable.len(), 1);
        assert_eq!(batch.counts, BTreeMap::from([(Class::Host, 1), (Class::Task, 4)]));
        assert_eq!(batch.token, Some(Token { database: 8, message: 0 }));

        // Events that are no objects at all, and a token that is none.
        let reply = format!(r#"{{"result":{{"events":[7,{good},{{"class":[]}}],"token":"soon"}}}}"#);
        let batch = EventBatch::from_reply(&reply).expect("batch");
        assert_eq!((batch.changes.len(), batch.unreadable.len(), batch.token), (1, 2, None));
    }

    #[test]
    fn what_is_no_batch_is_an_error() {
        assert_eq!(EventBatch::from_reply("<html></html>"), Err(Problem::Html));
        assert!(matches!(EventBatch::from_reply(r#"{"result":[],"id":1}"#), Err(Problem::Malformed(_))));
        assert!(matches!(EventBatch::from_reply(r#"{"error":["SESSION_INVALID","x"],"id":1}"#), Err(Problem::Api(_))));
    }
}
