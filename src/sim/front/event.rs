//! Events: subscriptions, tokens, and what one answer of `event.from` holds.
//!
//! An answer has one entry for each object, with the object as it is now: messages first, then added, changed,
//! deleted objects. A token is two generations: of the database, of the messages. Whatever was not subscribed
//! to has 0 for messages, so that such a token used with `message` replays all of them: xapi's behaviour.

use super::args::Args;
use crate::sim::api::Failure;
use crate::sim::db::{Change, Db, Operation};
use crate::sim::schema::{ClassId, Schema};
use crate::sim::value::{Record, Value};
use crate::time::Time;
use crate::xenapi::record::Ref;
use std::collections::BTreeMap;

/// Classes that make no events.
const SILENT: &[&str] = &[
    "session",
    "user",
    "auth",
    "role",
    "data_source",
    "sr_stat",
    "probe_result",
    "vdi_nbd_server_info",
    "Diagnostics",
    "message",
];
/// Classes whose objects are not in xapi's database, and count 0.
const UNCOUNTED: &[&str] = &["message", "role", "user"];

/// What one subscription asks for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Subscriptions {
    /// Classes, and one object of them or all.
    objects: Vec<(ClassId, Option<Ref>)>,
    /// Whether messages are wanted.
    messages: bool,
    /// Whether nothing but tasks is.
    only_tasks: bool,
}

impl Subscriptions {
    /// Reads `*`, `<class>` and `<class>/<ref>`. Unknown classes match nothing, and neither does a reference that
    /// is none, such as the rest of `a/b/c`.
    pub(super) fn parse(schema: &Schema, texts: &[&str]) -> Result<Self, Failure> {
        let mut all = Self { objects: Vec::new(), messages: false, only_tasks: true };
        for text in texts {
            let (class, object) = text.split_once('/').map_or((*text, None), |(class, object)| (class, Some(object)));
            if class.is_empty() || object.is_some_and(str::is_empty) {
                return Err(Failure::new("EVENT_SUBSCRIPTION_PARSE_FAILURE", [*text]));
            }
            all.only_tasks &= class.eq_ignore_ascii_case("task");
            all.messages |= class == "*" || (class.eq_ignore_ascii_case("message") && object.is_none());
            for known in schema.classes() {
                let wanted = class == "*" || known.event_name.eq_ignore_ascii_case(class);
                if wanted && !SILENT.contains(&known.def.name) {
                    all.objects.push((known.id, object.map(Ref::from)));
                }
            }
        }
        Ok(all)
    }

    /// Whether only tasks are asked for; xapi then does not wait for more to go with them.
    pub(super) const fn only_tasks(&self) -> bool {
        self.only_tasks
    }

    fn message_class(db: &Db) -> Option<ClassId> {
        db.schema().class("message").map(|class| class.id)
    }

    /// Whether there is anything after a token.
    pub(super) fn any(&self, db: &Db, token: Token) -> bool {
        self.objects.iter().any(|(class, only)| db.has_changes(*class, token.database, only.as_ref()))
            || (self.messages && Self::message_class(db).is_some_and(|class| db.has_changes(class, token.messages, None)))
    }

    /// The answer for a token: all that happened since, and the token to go on with.
    pub(super) fn answer(&self, db: &Db, token: Token) -> Value {
        let mut changes = Vec::new();
        for (class, only) in &self.objects {
            db.changes(*class, token.database, only.as_ref(), &mut changes);
        }
        changes.sort_by(|a, b| (a.operation, a.generation, &a.reference).cmp(&(b.operation, b.generation, &b.reference)));
        changes.dedup_by(|a, b| a.reference == b.reference);
        let mut next = Token { database: token.database, messages: 0 };
        for change in &changes {
            next.database = next.database.max(change.generation);
        }
        let mut events = Vec::with_capacity(changes.len());
        if self.messages {
            let mut messages = Vec::new();
            if let Some(class) = Self::message_class(db) {
                db.changes(class, token.messages, None, &mut messages);
            }
            messages.sort_by_key(|change| change.generation);
            next.messages = messages.iter().map(|change| change.generation).fold(token.messages, u64::max);
            events.extend(messages.into_iter().map(|change| event(db.schema(), change, "0.0", false)));
        }
        events.extend(changes.into_iter().map(|change| event(db.schema(), change, "0.0", true)));
        let names: &[&str] = &["events", "valid_ref_counts", "token"];
        Value::Record(Record::new(names, [Value::Set(events), counts(db), next.to_string().into()].into()))
    }
}

/// One event.
fn event(schema: &Schema, change: Change, timestamp: &str, numbered: bool) -> Value {
    const NAMES: &[&str] = &["id", "timestamp", "class", "operation", "ref", "snapshot"];
    const WITHOUT_SNAPSHOT: &[&str] = &["id", "timestamp", "class", "operation", "ref"];
    let class = schema.get(change.class).map_or(Value::Void, |class| Value::Str(class.event_name.clone()));
    let id: Value = if numbered { change.generation.to_string().into() } else { "0".into() };
    let (operation, r) = (change.operation.name().into(), change.reference.into());
    Value::Record(match change.record {
        Some(record) => Record::new(NAMES, [id, timestamp.into(), class, operation, r, Value::Record(record)].into()),
        None => Record::new(WITHOUT_SNAPSHOT, [id, timestamp.into(), class, operation, r].into()),
    })
}

/// How many objects of every class there are, whatever is subscribed to.
fn counts(db: &Db) -> Value {
    let count =
        |name: &'static str| if UNCOUNTED.contains(&name) { 0 } else { i64::try_from(db.count(name)).unwrap_or(i64::MAX) };
    Value::Map(db.schema().classes().iter().map(|c| (c.event_name.clone(), count(c.def.name).into())).collect::<BTreeMap<_, _>>())
}

/// A place in the stream of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Token {
    /// Generation of the database.
    pub(super) database: u64,
    /// Generation of the messages.
    pub(super) messages: u64,
}

impl Token {
    /// Reads a token; the empty text is the beginning.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let both = text.split_once(',').and_then(|(database, messages)| {
            let number = |half: &str| half.trim().parse::<u64>().ok();
            Some(Self { database: number(database)?, messages: number(messages)? })
        });
        both.ok_or_else(|| Failure::new("EVENT_FROM_TOKEN_PARSE_FAILURE", [text]))
    }
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:020},{:020}", self.database, self.messages)
    }
}

/// `event.inject(class, ref)`: the object counts as changed; a token from just before.
pub(super) fn inject(db: &mut Db, args: Args<'_>) -> Result<Value, Failure> {
    let (class, r) = (args.text(0)?, args.reference(1)?);
    if !db.is(&r, class) {
        return Err(Failure::new("HANDLE_INVALID", [class, r.as_str()]));
    }
    let token = Token { database: db.generation(), messages: 0 };
    db.touch(&r);
    Ok(token.to_string().into())
}

/// What a session has registered for with the deprecated `event.register`.
#[derive(Clone, Debug, Default)]
pub(super) struct Registration {
    pub(super) texts: Vec<String>,
    pub(super) since: u64,
}

impl Registration {
    pub(super) fn subscriptions(&self, schema: &Schema) -> Subscriptions {
        let texts: Vec<&str> = self.texts.iter().map(String::as_str).collect();
        Subscriptions::parse(schema, &texts).unwrap_or(Subscriptions { objects: Vec::new(), messages: false, only_tasks: false })
    }

    /// The deprecated form of an answer: a list of events, with the time in seconds.
    pub(super) fn answer(&self, db: &Db, now: Time) -> Value {
        let subscriptions = self.subscriptions(db.schema());
        let mut changes = Vec::new();
        for (class, only) in &subscriptions.objects {
            db.changes(*class, self.since, only.as_ref(), &mut changes);
        }
        if let Some(class) = Subscriptions::message_class(db).filter(|_| subscriptions.messages) {
            db.changes(class, self.since, None, &mut changes);
        }
        changes.sort_by_key(|change| (change.generation, change.operation == Operation::Del));
        let timestamp = format!("{}.", now.as_millis() / 1000);
        Value::Set(changes.into_iter().map(|change| event(db.schema(), change, &timestamp, false)).collect())
    }

    pub(super) fn token(&self) -> Token {
        Token { database: self.since, messages: self.since }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_two_numbers_of_twenty_digits() {
        let token = Token { database: 702, messages: 704 };
        assert_eq!(token.to_string(), "00000000000000000702,00000000000000000704");
        assert_eq!(Token::parse(&token.to_string()), Ok(token));
        assert_eq!(Token::parse(""), Ok(Token::default()));
        for bad in ["garbage", "1", "1,", "-1,2", "1,2,3"] {
            assert_eq!(Token::parse(bad), Err(Failure::new("EVENT_FROM_TOKEN_PARSE_FAILURE", [bad])));
        }
    }

    #[test]
    fn subscriptions_are_read_leniently_about_names_and_strictly_about_form() {
        let schema = Schema::of(crate::sim::schema::Dialect::Shipped);
        let parse = |text: &str| Subscriptions::parse(schema, &[text]);
        assert_eq!(parse("HOST").unwrap(), parse("host").unwrap());
        assert!(parse("no_such_class").unwrap().objects.is_empty());
        assert!(parse("*").unwrap().messages);
        assert!(parse("task").unwrap().only_tasks());
        assert_eq!(parse("host/OpaqueRef:1").unwrap().objects[0].1, Some("OpaqueRef:1".into()));
        for bad in ["", "/x", "host/"] {
            assert_eq!(parse(bad).unwrap_err().code, "EVENT_SUBSCRIPTION_PARSE_FAILURE", "{bad}");
        }
    }
}
