//! The real feed (its machine) and the real model against the core of the simulated pool, on virtual time: what the operator is told, and when.

use poolwatch::feed::decode;
use poolwatch::feed::follow::options::{CLASSES, Options as FollowOptions, PROBED};
use poolwatch::feed::follow::retry::Place;
use poolwatch::feed::follow::{Ask, CallId, Effect, Event, Follower, HostReply, Reply as FollowReply};
use poolwatch::observation::Via;
use poolwatch::pool::Pool;
use poolwatch::pool::outages::OutageView;
use poolwatch::pool::picture::{Alert, HostView, Picture};
use poolwatch::sim::api::{Api, Call, Door, Failure, HostIx, Reply, RrdRequest, Ticket};
use poolwatch::sim::scenario::{Overrides, Scenario, load};
use poolwatch::sim::value::Value;
use poolwatch::sim::world::{Dialect, Options, World};
use poolwatch::time::Time;
use poolwatch::xenapi::Error;
use poolwatch::xenapi::error::{ApiError, Transport};
use poolwatch::xenapi::events::EventBatch;
use poolwatch::xenapi::record::{Class, Ref};
use poolwatch::xenapi::reply;
use serde_json::{Value as Json, json};
use std::fmt::Write as _;
use std::time::Duration;

/// 2026-11-21T00:00:00Z
const START: Time = Time::from_secs(1_795_219_200);
/// The feed is run this often.
const STEP: Duration = Duration::from_millis(250);

/// A call of the feed that is not answered yet.
struct Open {
    id: CallId,
    ask: Ask,
    ticket: Option<Ticket>,
    deadline: Time,
}

/// Somebody who watches a simulated pool.
pub struct Told {
    pub world: World,
    pool: Pool,
    feed: Follower,
    at: Option<(HostIx, Ref)>,
    open: Vec<Open>,
    /// A picture for each second.
    pub pictures: Vec<Picture>,
}

fn json_of(value: &Value) -> Json {
    match value {
        Value::Void => json!(""),
        Value::Str(text) => json!(&**text),
        Value::Ref(r) => json!(r.as_str()),
        Value::Int(n) => json!(n),
        Value::Float(n) => json!(n),
        Value::Bool(b) => json!(b),
        Value::Date(at) => json!(at.to_xapi()),
        Value::Set(all) => Json::Array(all.iter().map(json_of).collect()),
        Value::Map(map) => Json::Object(map.iter().map(|(k, v)| (k.to_string(), json_of(v))).collect()),
        Value::Record(record) => Json::Object(record.iter().map(|(k, v)| (k.to_owned(), json_of(v))).collect()),
    }
}

fn broken(kind: Transport) -> Error {
    Error::Transport { to: "the pool".into(), kind }
}

fn refused(method: &str, failure: &Failure) -> Error {
    Error::Api(ApiError { method: method.into(), code: failure.code.as_str().into(), params: failure.params.clone() })
}

impl Told {
    /// Of a scenario that comes with the program, in the designed API.
    pub fn of(name: &str) -> Self {
        Self::scene(&load(name, Overrides::default()).expect("a scenario")[0])
    }

    /// Of a scenario of the test's own.
    pub fn text(toml: &str) -> Self {
        Self::scene(&Scenario::from_toml("test", toml).expect("a scenario"))
    }

    fn scene(scenario: &Scenario) -> Self {
        let world = World::build(scenario, Options::new(1, START).speaking(Dialect::Designed));
        Self {
            world,
            pool: Pool::new("sim"),
            feed: Follower::new("sim", FollowOptions::default(), 1),
            at: None,
            open: Vec::new(),
            pictures: Vec::new(),
        }
    }

    fn now(&self) -> Time {
        self.world.now()
    }

    /// Seconds since the start.
    pub fn secs(&self) -> f64 {
        self.now().since(START).as_secs_f64()
    }

    pub fn fault(&mut self, text: &str) {
        let fault = text.parse().expect("a fault");
        self.world.fault(fault).unwrap_or_else(|e| panic!("{text}: {e}"));
    }

    /// Watches until so many seconds after the start.
    pub fn watch(&mut self, until: f64) -> &mut Self {
        while self.secs() < until {
            let to = self.now() + STEP;
            self.world.advance(to);
            self.answers();
            if self.feed.wake_at().is_some_and(|at| at <= to) {
                self.handle(Event::Timer);
            }
            if self.secs().fract() == 0.0 {
                let picture = self.pool.picture(self.now());
                self.pictures.push(picture);
            }
        }
        self
    }

    fn handle(&mut self, event: Event) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            for effect in self.feed.handle(event, self.world.now()) {
                match effect {
                    Effect::Emit(observation) => self.pool.apply(&observation),
                    Effect::Call(id, ask) => self.make(id, ask),
                    Effect::Abandon => self.open.clear(),
                    Effect::Vouch(..) | Effect::Logout => {}
                    Effect::End(end) => panic!("it ended: {end:?}"),
                }
            }
        }
    }

    fn make(&mut self, id: CallId, ask: Ask) {
        let patience = match &ask {
            Ask::Poll { wait, .. } => *wait + Duration::from_secs(10),
            Ask::Host(_, deadline) => *deadline,
            _ => Duration::from_secs(10),
        };
        let deadline = self.now() + patience;
        self.open.push(Open { id, ask, ticket: None, deadline });
    }

    /// Whatever is answered by now.
    fn answers(&mut self) {
        loop {
            let mut done = None;
            for at in 0..self.open.len() {
                if let Some(event) = self.answer(at) {
                    done = Some((at, event));
                    break;
                }
            }
            let Some((at, event)) = done else { return };
            self.open.remove(at);
            self.handle(event);
        }
    }

    /// What a call has come to; `None`: nothing yet.
    fn answer(&mut self, at: usize) -> Option<Event> {
        let (id, ask, late) = {
            let open = &self.open[at];
            (open.id, open.ask.clone(), self.now() >= open.deadline)
        };
        let (host, method, params) = match &ask {
            Ask::Login(place) => return self.log_in(id, place, late),
            Ask::Read(classes) => self.events(classes, "", 0.0)?,
            Ask::Reread(classes) => self.events(classes, "", 0.0)?,
            Ask::Probe => self.events(&PROBED, "", 0.0)?,
            Ask::Poll { token, wait } => self.events(&CLASSES, &token.to_string(), wait.as_secs_f64())?,
            Ask::Messages { since } => self.call("message.get_since", vec![Value::Date(*since)])?,
            Ask::Host(due, _) if due.via == Via::Rrd => return self.statistics(id, &due.address, &due.uuid, late),
            Ask::Host(due, _) if due.via == Via::Servertime => {
                self.call("host.get_servertime", vec![Value::Ref(due.host.clone())])?
            }
            Ask::Host(due, _) => {
                let args = vec![Value::Ref(due.host.clone()), "poolwatch".into(), "probe".into(), Value::Map([].into())];
                self.call("host.call_plugin", args)?
            }
        };
        let failed = |error: Error| {
            Some(match ask {
                Ask::Host(..) => Event::Done(id, FollowReply::Host { took_ms: 5_000, said: Err(error) }),
                _ => Event::Failed(id, error),
            })
        };
        match self.world.door(host) {
            Door::Refused => return failed(broken(Transport::Refused)),
            Door::Silent if late => {
                return failed(broken(Transport::TimedOut { doing: "waiting", after: Duration::from_secs(5) }));
            }
            Door::Silent => return None,
            Door::Open => {}
        }
        let result = match self.open[at].ticket {
            Some(ticket) => self.world.poll(ticket),
            None => match self.world.call(host, Call { method: method.to_owned(), params }) {
                Reply::Done(result) => Some(result),
                Reply::Waiting(ticket) => {
                    self.open[at].ticket = Some(ticket);
                    None
                }
            },
        };
        match result {
            None if late => failed(broken(Transport::TimedOut { doing: "waiting", after: Duration::from_secs(5) })),
            None => None,
            Some(Err(failure)) => failed(refused(method, &failure)),
            Some(Ok(value)) => Some(Event::Done(id, Self::reply(&ask, &value))),
        }
    }

    fn reply(ask: &Ask, value: &Value) -> FollowReply {
        match (ask, value) {
            (Ask::Messages { .. }, value) => {
                let text = json!({ "result": json_of(value), "id": 1 }).to_string();
                let (good, bad) = reply::records(&text, Class::Message, "message.get_since").expect("messages");
                FollowReply::Messages(good, bad)
            }
            (Ask::Host(..), Value::Date(clock)) => FollowReply::Host { took_ms: 2, said: Ok(HostReply::Clock(*clock)) },
            (Ask::Host(..), Value::Str(said)) => {
                FollowReply::Host { took_ms: 2, said: Ok(HostReply::Report(decode::report(said))) }
            }
            (_, value) => FollowReply::Batch(EventBatch::from_result(&json_of(value).to_string()).expect("a batch")),
        }
    }

    fn call(&self, method: &'static str, args: Vec<Value>) -> Option<(HostIx, &'static str, Vec<Value>)> {
        let (at, session) = self.at.clone()?;
        Some((at, method, std::iter::once(Value::Ref(session)).chain(args).collect()))
    }

    fn events(&self, classes: &[Class], token: &str, wait: f64) -> Option<(HostIx, &'static str, Vec<Value>)> {
        let names = Value::Set(classes.iter().map(|c| Value::from(c.event_name())).collect());
        self.call("event.from", vec![names, token.into(), Value::Float(wait)])
    }

    fn log_in(&mut self, id: CallId, place: &Place, late: bool) -> Option<Event> {
        let addresses = self.world.addresses();
        let mut at = match place {
            Place::Member(address) => HostIx(addresses.iter().position(|a| **a == **address).expect("an address")),
            Place::Named | Place::Coordinator => self.at.as_ref().map_or(HostIx(0), |(at, _)| *at),
        };
        for _ in 0..2 {
            match self.world.door(at) {
                Door::Refused => return Some(Event::Failed(id, broken(Transport::Refused))),
                Door::Silent if late => return Some(Event::Failed(id, broken(Transport::Unreachable))),
                Door::Silent => return None,
                Door::Open => {}
            }
            let params = ["root", "poolwatch", "2.20", "poolwatch"].map(Value::from).to_vec();
            match self.world.call(at, Call { method: "session.login_with_password".into(), params }) {
                Reply::Done(Ok(Value::Ref(session))) => {
                    self.at = Some((at, session));
                    return Some(Event::Done(id, FollowReply::LoggedIn { coordinator: addresses[at.0].clone() }));
                }
                Reply::Done(Err(failure)) if failure.code == "HOST_IS_SLAVE" => {
                    at = HostIx(addresses.iter().position(|a| *a == failure.params[0]).expect("an address"));
                }
                Reply::Done(Err(failure)) => return Some(Event::Failed(id, refused("session.login_with_password", &failure))),
                other => panic!("{other:?}"),
            }
        }
        Some(Event::Failed(id, broken(Transport::Refused)))
    }

    fn statistics(&mut self, id: CallId, address: &str, uuid: &str, late: bool) -> Option<Event> {
        let (_, session) = self.at.clone()?;
        let host = HostIx(self.world.addresses().iter().position(|a| a == address)?);
        let said = match self.world.door(host) {
            Door::Refused => Err(broken(Transport::Refused)),
            Door::Silent if late => Err(broken(Transport::Unreachable)),
            Door::Silent => return None,
            Door::Open => {
                let session = session.as_str().to_owned();
                let request = RrdRequest { session, start: -15, host: true, vm_uuid: "none".into(), interval: 5 };
                let updates = self.world.rrd_updates(host, &request)?;
                let row = updates.rows.first().map(|(at, values)| {
                    let start = format!("AVERAGE:host:{uuid}:");
                    let named = updates.legend.iter().zip(values);
                    let named = named.filter_map(|(name, value)| Some((name.strip_prefix(&start)?.to_owned(), *value)));
                    (Time::from_secs(*at), named.collect())
                });
                Ok(HostReply::Row(row))
            }
        };
        Some(Event::Done(id, FollowReply::Host { took_ms: 2, said }))
    }

    // ---- what was told ----

    /// The first second at which something was so, in seconds after the start.
    pub fn first(&self, what: &str, so: impl Fn(&Picture) -> bool) -> f64 {
        let found = self.pictures.iter().find(|p| so(p));
        found.map_or_else(|| panic!("never told: {what}\n{}", self.story()), |p| p.at.since(START).as_secs_f64())
    }

    /// Whether it was so at any second between these.
    pub fn ever(&self, from: f64, to: f64, so: impl Fn(&Picture) -> bool) -> bool {
        let within = |p: &&Picture| (from..=to).contains(&p.at.since(START).as_secs_f64());
        self.pictures.iter().filter(within).any(so)
    }

    /// Crashes, as far as the pool tells, newest first.
    pub fn outages(&self) -> Vec<OutageView> {
        self.pool.outages()
    }

    /// When a picture was made, in seconds after the start.
    #[allow(clippy::unused_self, reason = "reads as the others do")]
    pub fn secs_of(&self, picture: &Picture) -> f64 {
        picture.at.since(START).as_secs_f64()
    }

    /// When an alert of this name, whose words have this in them, was first there.
    pub fn alert(&self, name: &str, words: &str) -> f64 {
        self.first(&format!("alert {name} with {words:?}"), |p| alert_of(p, name, words).is_some())
    }

    /// The picture of a second.
    pub fn at(&self, secs: f64) -> &Picture {
        let found = self.pictures.iter().find(|p| p.at.since(START).as_secs_f64() >= secs);
        found.unwrap_or_else(|| panic!("it was not watched until {secs} s"))
    }

    /// All that changed: verdicts, alerts, margins.
    pub fn story(&self) -> String {
        let mut out = String::new();
        let mut told: Vec<String> = Vec::new();
        for picture in &self.pictures {
            let secs = picture.at.since(START).as_secs();
            let mut lines = vec![format!("verdict {:?}: {}", picture.verdict.state, picture.verdict.headline)];
            lines.extend(picture.alerts.iter().map(|a| format!("alert {} [{:?}]: {}", a.name, a.health, a.text)));
            lines.extend(picture.hosts.iter().map(|h| format!("{}: {}, fence {:?}", h.name, h.state.text, h.fence_margin_s)));
            lines.extend(picture.control.marks.iter().map(|m| format!("mark: {m}")));
            for line in lines {
                // What only counts on is told once.
                let still: String = line.chars().filter(|c| !c.is_ascii_digit()).collect();
                if !told.contains(&still) {
                    let _ = writeln!(out, "{secs:>5} s  {line}");
                    told.push(still);
                }
            }
        }
        out
    }
}

pub fn alert_of<'p>(picture: &'p Picture, name: &str, words: &str) -> Option<&'p Alert> {
    picture.alerts.iter().find(|a| a.name == name && a.text.contains(words))
}

pub fn host<'p>(picture: &'p Picture, name: &str) -> &'p HostView {
    picture.hosts.iter().find(|h| h.name == name).unwrap_or_else(|| panic!("no host {name}"))
}
