//! The machine against a toy pool with a toy event engine, in virtual time, with faults.

use super::*;
use crate::xenapi::error::ApiError;
use crate::xenapi::events::Change;
use crate::xenapi::events::Token;
use crate::xenapi::record::{Host, HostMetrics, Pool, Task, Vm};
use std::collections::BTreeSet;

mod faults;
mod scenes;

const KINDS: [Class; 4] = [Class::Task, Class::Vm, Class::HostMetrics, Class::Host];

#[derive(Clone, Debug)]
struct Object {
    created: u64,
    modified: u64,
    name: String,
}

/// What xapi's event engine does, as far as a client can tell.
#[derive(Clone, Debug)]
struct Toy {
    generation: u64,
    objects: BTreeMap<(Class, String), Object>,
    deleted: Vec<(u64, Class, String)>,
    session: bool,
    up: bool,
    logins: u32,
    calls: u32,
}

impl Toy {
    fn new() -> Self {
        let mut toy = Self {
            generation: 100,
            objects: BTreeMap::new(),
            deleted: Vec::new(),
            session: false,
            up: true,
            logins: 0,
            calls: 0,
        };
        toy.set(Class::Pool, "pool", "p");
        for n in 0..3 {
            toy.set(Class::Host, &format!("host{n}"), "h");
            toy.set(Class::HostMetrics, &format!("metrics{n}"), "m");
            toy.set(Class::Vm, &format!("vm{n}"), "v");
        }
        toy
    }

    fn set(&mut self, class: Class, r#ref: &str, name: &str) {
        self.generation += 1;
        let generation = self.generation;
        let key = (class, r#ref.to_owned());
        let created = self.objects.get(&key).map_or(generation, |o| o.created);
        self.objects.insert(key, Object { created, modified: generation, name: name.to_owned() });
    }

    fn delete(&mut self, class: Class, r#ref: &str) {
        if self.objects.remove(&(class, r#ref.to_owned())).is_some() {
            self.generation += 1;
            self.deleted.push((self.generation, class, r#ref.to_owned()));
        }
    }

    fn restart(&mut self) {
        self.session = false;
        self.generation += 50;
        self.deleted.clear();
        let generation = self.generation;
        for object in self.objects.values_mut() {
            object.created = generation;
            object.modified = generation;
        }
    }

    fn changed(&self, classes: &[Class], since: u64) -> bool {
        self.objects.iter().any(|((class, _), o)| classes.contains(class) && o.modified > since)
            || self.deleted.iter().any(|(at, class, _)| classes.contains(class) && *at > since)
    }

    fn from(&self, classes: &[Class], since: u64) -> EventBatch {
        let mut batch = EventBatch::default();
        let mut newest = since;
        for ((class, name), object) in self.objects.iter().filter(|((class, _), _)| classes.contains(class)) {
            newest = newest.max(object.modified);
            if object.modified > since {
                let added = object.created > since;
                let generation = if added { object.created } else { object.modified };
                let what = What::Set(record(*class, &object.name).into());
                batch.changes.push(Change { class: *class, r#ref: Ref::from(name.as_str()), generation, added, what });
            }
        }
        for (at, class, name) in self.deleted.iter().filter(|(_, class, _)| classes.contains(class)) {
            newest = newest.max(*at);
            if *at > since && since > 0 {
                let r#ref = Ref::from(name.as_str());
                batch.changes.push(Change { class: *class, r#ref, generation: *at, added: false, what: What::Gone });
            }
        }
        for class in CLASSES.iter().filter(|class| **class != Class::Message) {
            batch.counts.insert(*class, self.objects.keys().filter(|(c, _)| c == class).count() as u64);
        }
        batch.token = Some(Token { database: newest, message: 0 });
        batch
    }
}

fn record(class: Class, name: &str) -> Record {
    let name: Box<str> = name.into();
    match class {
        Class::Pool => Record::Pool(Pool { name_label: name, master: Ref::from("host0"), ..Pool::default() }),
        Class::Host => Record::Host(Host { name_label: name, address: "10.0.0.1".into(), ..Host::default() }),
        Class::HostMetrics => Record::HostMetrics(HostMetrics { uuid: name, ..HostMetrics::default() }),
        Class::Vm => Record::Vm(Vm { name_label: name, ..Vm::default() }),
        _ => Record::Task(Task { name_label: name, ..Task::default() }),
    }
}

fn name_of(record: &Record) -> String {
    match record {
        Record::Pool(r) => r.name_label.to_string(),
        Record::Host(r) => r.name_label.to_string(),
        Record::HostMetrics(r) => r.uuid.to_string(),
        Record::Vm(r) => r.name_label.to_string(),
        Record::Task(r) => r.name_label.to_string(),
        _ => String::new(),
    }
}

/// What somebody who folds the observations would see.
#[derive(Default)]
struct Picture {
    objects: BTreeMap<(Class, String), String>,
    stale: BTreeSet<(Class, String)>,
    resyncs: Vec<(Vec<Class>, String)>,
    links: Vec<Link>,
    heard: Vec<u64>,
    answers: Vec<Answer>,
    samples: usize,
    weeks: usize,
    probes: Vec<Probed>,
    unreadable: usize,
}

impl Picture {
    fn see(&mut self, seen: Seen) {
        match seen {
            Seen::Link(link) => self.links.push(link),
            Seen::Resync { classes, why } => {
                self.stale.extend(self.objects.keys().filter(|(class, _)| classes.contains(class)).cloned());
                self.resyncs.push((classes, why));
            }
            Seen::Synced { classes } => {
                let gone: Vec<_> = self.stale.iter().filter(|(class, _)| classes.contains(class)).cloned().collect();
                for key in gone {
                    self.objects.remove(&key);
                    self.stale.remove(&key);
                }
            }
            Seen::Set { r#ref, record } => {
                let key = (record.class(), r#ref.as_str().to_owned());
                self.stale.remove(&key);
                self.objects.insert(key, name_of(&record));
            }
            Seen::Gone { class, r#ref } => {
                self.objects.remove(&(class, r#ref.as_str().to_owned()));
            }
            Seen::Heard { generation } => self.heard.extend(generation),
            Seen::Answer(answer) => self.answers.push(answer),
            Seen::WentBack(_) | Seen::Paths { .. } => panic!("the feed keeps nothing of earlier runs"),
            Seen::Samples { .. } => self.samples += 1,
            Seen::Week { .. } => self.weeks += 1,
            Seen::Probe { told, .. } => self.probes.push(told),
            Seen::Unreadable { .. } => self.unreadable += 1,
        }
    }
}

struct Bench {
    toy: Toy,
    machine: Follower,
    picture: Picture,
    now: Time,
    /// Calls under way, when each is answered at the latest.
    calls: Vec<(CallId, Ask, Time)>,
    ended: Option<End>,
    logouts: u32,
    hang: bool,
}

impl Bench {
    fn new() -> Self {
        let mut bench = Self {
            toy: Toy::new(),
            machine: Follower::new("pool:443", Options::default(), 7),
            picture: Picture::default(),
            now: Time::from_secs(1_000_000),
            calls: Vec::new(),
            ended: None,
            logouts: 0,
            hang: false,
        };
        bench.give(Event::Timer);
        bench
    }

    fn give(&mut self, event: Event) {
        for effect in self.machine.handle(event, self.now) {
            match effect {
                Effect::Emit(observation) => {
                    assert_eq!(observation.at, self.now);
                    self.picture.see(observation.seen);
                }
                Effect::Call(id, ask) => {
                    self.toy.calls += 1;
                    let wait = match &ask {
                        Ask::Poll { wait, .. } => *wait,
                        _ => Duration::from_millis(5),
                    };
                    self.calls.push((id, ask, self.now + wait));
                }
                Effect::Abandon => self.calls.clear(),
                Effect::Vouch(..) => {}
                Effect::Logout => self.logouts += 1,
                Effect::End(why) => self.ended = Some(why),
            }
        }
    }

    fn fail(kind: crate::xenapi::error::Transport) -> Error {
        Error::Transport { to: "pool:443".to_owned(), kind }
    }

    fn answer(&mut self, id: CallId, ask: &Ask) {
        use crate::xenapi::error::Transport;
        if !self.toy.up {
            let error = Self::fail(Transport::Refused);
            if let Ask::Host(..) = ask {
                return self.give(Event::Done(id, Reply::Host { took_ms: 1, said: Err(error) }));
            }
            return self.give(Event::Failed(id, error));
        }
        let invalid = || Error::Api(ApiError { method: "m".to_owned(), code: Code::SessionInvalid, params: vec![] });
        let reply = match ask {
            Ask::Login(_) => {
                self.toy.session = true;
                self.toy.logins += 1;
                Reply::LoggedIn { coordinator: "pool:443".to_owned() }
            }
            Ask::Host(..) if !self.toy.session => Reply::Host { took_ms: 1, said: Err(invalid()) },
            _ if !self.toy.session => return self.give(Event::Failed(id, invalid())),
            Ask::Read(classes) => Reply::Batch(self.toy.from(classes, 0)),
            Ask::Reread(classes) => Reply::Batch(self.toy.from(classes, 0)),
            Ask::Probe => Reply::Batch(self.toy.from(&PROBED, 0)),
            Ask::Poll { token, .. } => Reply::Batch(self.toy.from(&CLASSES, token.database)),
            Ask::Messages { .. } => Reply::Messages(vec![], vec![]),
            Ask::Host(due, _) => {
                let missing =
                    ApiError { method: "host.call_plugin".to_owned(), code: "XENAPI_MISSING_PLUGIN".into(), params: vec![] };
                let said = match due.via {
                    Via::Rrd => Ok(HostReply::Row(None)),
                    Via::Week => Ok(HostReply::Week(None)),
                    Via::Servertime => Ok(HostReply::Clock(self.now)),
                    Via::Probe => Err(Error::Api(missing)),
                };
                Reply::Host { took_ms: 1, said }
            }
        };
        self.give(Event::Done(id, reply));
    }

    /// Lets virtual time pass.
    fn run(&mut self, length: Duration) {
        let end = self.now + length;
        while self.ended.is_none() {
            // Polls come back as soon as there is something; everything else when its time has come.
            let ready = self.calls.iter().position(|(_, ask, due)| {
                !self.hang
                    && (*due <= self.now
                        || match ask {
                            Ask::Poll { token, .. } => {
                                !self.toy.up || !self.toy.session || self.toy.changed(&CLASSES, token.database)
                            }
                            _ => false,
                        })
            });
            if let Some(at) = ready {
                let (id, ask, _) = self.calls.remove(at);
                self.answer(id, &ask);
                continue;
            }
            let wake = self.machine.wake_at();
            if wake.is_some_and(|at| at <= self.now) {
                self.give(Event::Timer);
                assert!(self.machine.wake_at().is_none_or(|at| at > self.now), "it would spin");
                continue;
            }
            let next = self.calls.iter().filter(|_| !self.hang).map(|(_, _, due)| *due).chain(wake).min().unwrap_or(end);
            if next >= end {
                self.now = end;
                return;
            }
            self.now = next;
        }
    }

    fn secs(&mut self, secs: u64) {
        self.run(Duration::from_secs(secs));
    }

    fn is_right(&self) -> bool {
        let want: BTreeMap<_, _> = self.toy.objects.iter().map(|(key, o)| (key.clone(), o.name.clone())).collect();
        self.picture.objects == want && self.picture.stale.is_empty()
    }

    fn assert_right(&self) {
        let want: BTreeMap<_, _> = self.toy.objects.iter().map(|(key, o)| (key.clone(), o.name.clone())).collect();
        assert_eq!(self.picture.objects, want);
        assert!(self.picture.stale.is_empty());
    }

    /// The first call under way that fits fails or is answered.
    fn pluck(&mut self, fits: impl Fn(&Ask) -> bool) -> (CallId, Ask) {
        let at = self.calls.iter().position(|(_, ask, _)| fits(ask)).expect("such a call under way");
        let (id, ask, _) = self.calls.remove(at);
        (id, ask)
    }
}
