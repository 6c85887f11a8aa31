//! What the benches share: the simulated pool of 64 hosts and 2,000 guests, asked in memory, and its answers as they are on the wire.

#![allow(dead_code, reason = "each bench uses a part of it")]

use poolwatch::feed::decode;
use poolwatch::feed::follow::options::{CLASSES, GROUPS};
use poolwatch::observation::{Answer, Link, Observation, Outcome, Seen, Via};
use poolwatch::sim::api::{Api, Call, HostIx, Reply};
use poolwatch::sim::scenario::{Overrides, load};
use poolwatch::sim::value::Value;
use poolwatch::sim::world::{Options, World};
use poolwatch::time::Time;
use poolwatch::xenapi::events::EventBatch;
use poolwatch::xenapi::record::{Class, Ref};
use serde_json::{Value as Json, json};
use std::time::Duration;

/// 2026-11-21T00:00:00Z
pub const START: Time = Time::from_secs(1_795_219_200);

/// A simulated pool with a client that has logged in.
pub struct Rig {
    pub world: World,
    session: Value,
}

impl Rig {
    pub fn new(scenario: &str) -> Self {
        let scenario = load(scenario, Overrides::default()).expect("a built-in scenario").remove(0);
        let mut rig = Self { world: World::build(&scenario, Options::new(1, START)), session: Value::Void };
        rig.session = rig.raw("session.login_with_password", vec!["root".into(), "poolwatch".into()]);
        rig
    }

    fn raw(&mut self, method: &str, params: Vec<Value>) -> Value {
        let reply = self.world.call(HostIx(0), Call { method: method.to_owned(), params });
        let result = match reply {
            Reply::Done(result) => result,
            Reply::Waiting(ticket) => loop {
                if let Some(result) = self.world.poll(ticket) {
                    break result;
                }
                self.pass(Duration::from_millis(50));
            },
        };
        result.unwrap_or_else(|failure| panic!("{method}: {failure}"))
    }

    /// A call to the coordinator, with the session.
    pub fn call(&mut self, method: &str, params: impl IntoIterator<Item = Value>) -> Value {
        let params = std::iter::once(self.session.clone()).chain(params).collect();
        self.raw(method, params)
    }

    pub fn pass(&mut self, time: Duration) {
        let to = self.world.now() + time;
        self.world.advance(to);
    }

    /// `event.from` as it is on the wire.
    pub fn events(&mut self, classes: &[Class], token: &str) -> String {
        let names: Vec<Value> = classes.iter().map(|class| Value::from(class.event_name())).collect();
        let result = self.call("event.from", [Value::Set(names), token.into(), 1.0.into()]);
        json!({"jsonrpc": "2.0", "result": to_json(&result), "id": 1}).to_string()
    }

    /// The bodies of a first sync, without old messages.
    pub fn first_sync(&mut self) -> Vec<String> {
        GROUPS.iter().map(|classes| self.events(classes, "")).collect()
    }

    /// What changes within this time, as one batch.
    pub fn changes(&mut self, time: Duration) -> String {
        let now = self.events(&GROUPS.concat(), "");
        let token = EventBatch::from_reply(&now).expect("a batch").token.expect("a token").to_string();
        self.pass(time);
        self.events(&CLASSES, &token)
    }
}

/// The observations of a first sync: log-in, every record, and one answer of each host.
pub fn synced(bodies: &[String], at: Time) -> Vec<Observation> {
    let mut all = vec![
        Observation { at, seen: Seen::Link(Link::Live { coordinator: "127.0.0.1:443".into() }) },
        Observation { at, seen: Seen::Resync { classes: CLASSES.to_vec(), why: "first reading".into() } },
    ];
    for body in bodies {
        all.extend(observed(body, at));
    }
    all.push(Observation { at, seen: Seen::Synced { classes: CLASSES.to_vec() } });
    for host in hosts(&all) {
        let outcome = Outcome::Ok { clock: Some(at) };
        all.push(Observation { at, seen: Seen::Answer(Answer { host, via: Via::Servertime, took_ms: 9, outcome }) });
    }
    all
}

/// The observations of a body.
pub fn observed(body: &str, at: Time) -> Vec<Observation> {
    decode::observations(&EventBatch::from_reply(body).expect("a batch"), at)
}

fn hosts(all: &[Observation]) -> Vec<Ref> {
    let host = |o: &Observation| match &o.seen {
        Seen::Set { r#ref, record } if record.class() == Class::Host => Some(r#ref.clone()),
        _ => None,
    };
    all.iter().filter_map(host).collect()
}

fn to_json(value: &Value) -> Json {
    match value {
        Value::Void => json!(""),
        Value::Str(text) => json!(&**text),
        Value::Ref(reference) => json!(reference.as_str()),
        Value::Int(number) => json!(number),
        Value::Float(number) => json!(number),
        Value::Bool(truth) => json!(truth),
        Value::Date(date) => json!(date.to_xapi()),
        Value::Set(items) => items.iter().map(to_json).collect(),
        Value::Map(members) => Json::Object(members.iter().map(|(key, item)| ((**key).to_owned(), to_json(item))).collect()),
        Value::Record(record) => Json::Object(record.iter().map(|(key, item)| (key.to_owned(), to_json(item))).collect()),
    }
}
