//! What an engine wants done outside, done to a simulated pool: calls in the forms that go over the wire, and reads.
//!
//! Decides nothing. What can go wrong between a program and a pool can be made to go wrong here: a call that never arrives, one whose
//! answer never comes.

use super::eye::Eye;
use crate::rollout::call::{Call, Outcome};
use crate::rollout::entry::CallId;
use crate::rollout::look::{Blocker, Look, Looked, Metadata, PoolUpdate, Sight, State};
use crate::rollout::wire;
use crate::sim::api::{self, Api, Door, Failure, HostIx, Reply, Ticket};
use crate::sim::value::Value;
use crate::sim::world::World;
use crate::time::Time;
use crate::xenapi::fresh;
use crate::xenapi::record::{Class, Record, Ref};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// What goes wrong with the next call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// It never arrives, and nobody can tell.
    Lost,
    /// It takes effect, and its answer never comes.
    Mute,
    /// The connection breaks before it is sent.
    Unsent,
}

/// What became of a call when it was made.
#[derive(Clone, Debug, PartialEq)]
pub enum Made {
    /// The pool works on it as this task.
    Task(Ref),
    /// It ended, or cannot be told to have ended.
    Ended(Outcome),
    /// No answer yet.
    Waiting,
}

struct Flying {
    id: CallId,
    at: HostIx,
    /// `None`: its answer will never come.
    ticket: Option<Ticket>,
    is_async: bool,
    until: Time,
}

/// Makes calls and reads.
#[derive(Default)]
pub struct Hands {
    /// What goes wrong with the next call that is made.
    pub mishap: Option<Mishap>,
    flying: Vec<Flying>,
}

impl Hands {
    /// When an answer will be given up.
    pub fn next_due(&self) -> Option<Time> {
        self.flying.iter().map(|f| f.until).min()
    }

    /// Makes a call.
    pub fn make(&mut self, world: &mut World, eye: &mut Eye, id: CallId, call: &Call) -> Made {
        let Some((at, session)) = eye.session().map(|(at, session)| (at, session.clone())) else {
            return Made::Ended(Outcome::NotSent { text: "there is no connection to the pool".into() });
        };
        let mishap = self.mishap.take();
        if mishap == Some(Mishap::Unsent) {
            eye.break_off(world, "broken pipe");
            return Made::Ended(Outcome::NotSent { text: "the connection broke before the call was sent".into() });
        }
        let until = world.now() + PATIENCE;
        let is_async = call.is_async();
        if mishap == Some(Mishap::Lost) || world.door(at) == Door::Silent {
            self.flying.push(Flying { id, at, ticket: None, is_async, until });
            return Made::Waiting;
        }
        let pool = world.database().pool().cloned().unwrap_or_default();
        let mut last = Failure::bare("MESSAGE_METHOD_UNKNOWN");
        for form in wire::forms(call, &pool) {
            if let Some((method, params)) = &form.first
                && let Reply::Done(Err(failure)) = send(world, at, &session, method, params)
            {
                return Made::Ended(failed(&failure));
            }
            match send(world, at, &session, form.method, &form.params) {
                Reply::Done(_) if mishap == Some(Mishap::Mute) => {
                    self.flying.push(Flying { id, at, ticket: None, is_async, until });
                    return Made::Waiting;
                }
                Reply::Waiting(ticket) => {
                    let ticket = if mishap == Some(Mishap::Mute) {
                        world.forget(ticket);
                        None
                    } else {
                        Some(ticket)
                    };
                    self.flying.push(Flying { id, at, ticket, is_async, until });
                    return Made::Waiting;
                }
                Reply::Done(Err(failure)) if wire::falls_back(&failure.code) => last = failure,
                Reply::Done(Err(failure)) if failure.code == "SESSION_INVALID" => {
                    eye.break_off(world, "the session is gone");
                    return Made::Ended(Outcome::NotSent { text: "the session had ended".into() });
                }
                Reply::Done(result) => return made(result, is_async),
            }
        }
        Made::Ended(failed(&last))
    }

    /// Answers that have come, and those that are given up.
    pub fn collect(&mut self, world: &mut World) -> Vec<(CallId, Made)> {
        let mut out = Vec::new();
        let now = world.now();
        self.flying.retain(|one| {
            if world.door(one.at) == Door::Refused {
                out.push((one.id, unanswered("the connection was closed before the answer came")));
                return false;
            }
            if let Some(ticket) = one.ticket
                && world.door(one.at) == Door::Open
                && let Some(result) = world.poll(ticket)
            {
                out.push((one.id, made(result, one.is_async)));
                return false;
            }
            if now < one.until {
                return true;
            }
            if let Some(ticket) = one.ticket {
                world.forget(ticket);
            }
            out.push((one.id, unanswered("no answer within 60 s")));
            false
        });
        out
    }

    /// The program that waited is gone.
    pub fn drop_all(&mut self, world: &mut World) {
        for one in self.flying.drain(..) {
            if let Some(ticket) = one.ticket {
                world.forget(ticket);
            }
        }
    }
}

/// Reads what an engine wants to know.
pub fn look(world: &mut World, eye: &Eye, what: &Look) -> Looked {
    let asked = eye.own(world);
    let sight = match eye.session().map(|(at, session)| (at, session.clone())) {
        None => Sight::Failed { code: None, text: "there is no connection to the pool".into() },
        Some((at, _)) if world.door(at) != Door::Open => {
            Sight::Failed { code: None, text: "the coordinator does not answer".into() }
        }
        Some((at, session)) => seen(world, at, &session, what)
            .unwrap_or_else(|failure| Sight::Failed { text: failure.to_string(), code: Some(failure.code) }),
    };
    Looked { asked, answered: eye.own(world), sight }
}

fn seen(world: &mut World, at: HostIx, session: &Ref, what: &Look) -> Result<Sight, Failure> {
    if !world.database().exists(session) {
        return Err(Failure::new("SESSION_INVALID", [session.as_str()]));
    }
    match what {
        Look::State { host } => Ok(Sight::State(Box::new(state(world, host)))),
        Look::Blockers { host } => {
            let params = vec![Value::Ref(session.clone()), Value::Ref(host.clone())];
            let answer = wait(world, at, "host.get_vms_which_prevent_evacuation", params)?;
            let Value::Map(map) = answer else { return Ok(Sight::Blockers(Vec::new())) };
            let blocker = |(vm, why): (&std::sync::Arc<str>, &Value)| {
                let mut words = texts(why).into_iter();
                Blocker { vm: Ref::from(&**vm), code: words.next().unwrap_or_default(), params: words.collect() }
            };
            Ok(Sight::Blockers(map.iter().map(blocker).collect()))
        }
        Look::Missing { host } => {
            let params = vec![
                Value::Ref(session.clone()),
                Value::Ref(host.clone()),
                "updater.py".into(),
                "check_update".into(),
                Value::Map(BTreeMap::new()),
            ];
            let answer = wait(world, at, "host.call_plugin", params)?;
            let Value::Str(text) = answer else { return Ok(Sight::Missing(Vec::new())) };
            fresh::packages(&text).map(Sight::Missing).map_err(|why| Failure::new("INTERNAL_ERROR", [why]))
        }
        Look::Updates => {
            let invalid = || Failure::new("SESSION_INVALID", [session.as_str()]);
            let text = world.updates(at, session.as_str()).ok_or_else(invalid)??;
            let listing = fresh::listing(&text).map_err(|why| Failure::new("INTERNAL_ERROR", [why]))?;
            let hosts = listing.hosts.into_iter().map(|(host, it)| (host, (it.updates, it.guidance))).collect();
            Ok(Sight::Updates(Metadata { hash: listing.hash, hosts }))
        }
        Look::PoolUpdates => {
            let db = world.database();
            let one = |r: &Ref| PoolUpdate {
                r#ref: r.clone(),
                uuid: db.text(r, "uuid").to_owned(),
                name: db.text(r, "name_label").to_owned(),
                hosts: db.refs(r, "hosts"),
            };
            Ok(Sight::PoolUpdates(db.refs_of("pool_update").map(one).collect()))
        }
    }
}

/// The pool as it is in its database at this moment, as far as an engine reads it.
fn state(world: &World, host: &Ref) -> State {
    let db = world.database();
    let mut state = State::default();
    if let Some(Record::Pool(pool)) = db.pool().and_then(|r| world.record(Class::Pool, r)).as_deref() {
        state.pool = pool.clone();
    }
    let guests = db.refs(host, "resident_VMs");
    let refs = |class: Class| db.refs_of(class.call_name()).map(move |r| (class, r));
    let some = [Class::Host, Class::HostMetrics, Class::Task, Class::Pbd].into_iter().flat_map(refs);
    for (class, r) in some.chain(guests.iter().map(|r| (Class::Vm, r))) {
        match world.record(class, r).as_deref() {
            Some(Record::Host(host)) => drop(state.hosts.insert(r.clone(), host.clone())),
            Some(Record::HostMetrics(metrics)) => drop(state.metrics.insert(r.clone(), metrics.clone())),
            Some(Record::Task(task)) => drop(state.tasks.insert(r.clone(), task.clone())),
            Some(Record::Pbd(pbd)) => drop(state.pbds.insert(r.clone(), pbd.clone())),
            Some(Record::Vm(vm)) => drop(state.guests.insert(r.clone(), vm.clone())),
            _ => {}
        }
    }
    state
}

fn texts(value: &Value) -> Vec<String> {
    let text = |v: &Value| match v {
        Value::Str(text) => text.to_string(),
        Value::Ref(r) => r.to_string(),
        _ => String::new(),
    };
    match value {
        Value::Set(items) => items.iter().map(text).collect(),
        _ => Vec::new(),
    }
}

/// A short call whose answer is waited for, for some seconds of the virtual clock.
fn wait(world: &mut World, at: HostIx, method: &str, params: Vec<Value>) -> Result<Value, Failure> {
    match world.call(at, api::Call { method: method.to_owned(), params }) {
        Reply::Done(result) => result,
        Reply::Waiting(ticket) => {
            let until = world.now() + Duration::from_secs(10);
            while world.now() < until {
                if let Some(result) = world.poll(ticket) {
                    return result;
                }
                let next = world.next_due().unwrap_or(until).max(world.now() + Duration::from_millis(10)).min(until);
                world.advance(next);
            }
            world.forget(ticket);
            Err(Failure::bare("TIMEOUT"))
        }
    }
}

fn send(world: &mut World, at: HostIx, session: &Ref, method: &str, params: &[serde_json::Value]) -> Reply {
    let params = std::iter::once(Value::Ref(session.clone())).chain(params.iter().map(value)).collect();
    world.call(at, api::Call { method: method.to_owned(), params })
}

fn made(result: Result<Value, Failure>, is_async: bool) -> Made {
    match result {
        Ok(Value::Ref(task)) if is_async => Made::Task(task),
        Ok(Value::Str(text)) => Made::Ended(Outcome::Done { value: text.to_string() }),
        Ok(_) => Made::Ended(Outcome::Done { value: String::new() }),
        Err(failure) => Made::Ended(failed(&failure)),
    }
}

fn failed(failure: &Failure) -> Outcome {
    Outcome::Failed { code: failure.code.clone(), params: failure.params.clone(), text: failure.to_string() }
}

fn unanswered(why: &str) -> Made {
    Made::Ended(Outcome::Unanswered { text: why.to_owned() })
}

/// A parameter as it would arrive.
fn value(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Void,
        serde_json::Value::Bool(truth) => Value::Bool(*truth),
        serde_json::Value::Number(number) => {
            number.as_i64().map_or_else(|| Value::Float(number.as_f64().unwrap_or(0.0)), Value::Int)
        }
        serde_json::Value::String(text) => Value::Str(text.as_str().into()),
        serde_json::Value::Array(items) => Value::Set(items.iter().map(value).collect()),
        serde_json::Value::Object(map) => Value::Map(map.iter().map(|(k, v)| (k.as_str().into(), value(v))).collect()),
    }
}
