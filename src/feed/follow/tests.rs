//! The machine against a toy pool with a toy event engine, in virtual time, with faults.

use super::*;
use crate::xenapi::error::ApiError;
use crate::xenapi::events::Change;
use crate::xenapi::record::{Host, HostMetrics, Message, Pool, Task, Vm};
use std::collections::BTreeSet;

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
                let what = What::Set(Box::new(record(*class, &object.name)));
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
            Seen::Samples { .. } => self.samples += 1,
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
    ended: Option<Option<Error>>,
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

    fn fail(&self, kind: crate::xenapi::error::Transport) -> Error {
        Error::Transport { to: "pool:443".to_owned(), kind }
    }

    fn answer(&mut self, id: CallId, ask: &Ask) {
        use crate::xenapi::error::Transport;
        if !self.toy.up {
            let error = self.fail(Transport::Refused);
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
                let said = if due.via == Via::Rrd { HostReply::Row(None) } else { HostReply::Clock(self.now) };
                Reply::Host { took_ms: 1, said: Ok(said) }
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
                            Ask::Poll { token, .. } => !self.toy.up || !self.toy.session || self.toy.changed(&CLASSES, token.database),
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

#[test]
fn a_pool_is_read_small_classes_first_and_then_followed() {
    let mut bench = Bench::new();
    bench.secs(1);
    bench.assert_right();
    assert!(matches!(bench.picture.links[..], [Link::Connecting { .. }, Link::Live { .. }]));
    assert_eq!(bench.picture.resyncs.len(), 1);
    bench.toy.set(Class::Vm, "vm9", "new");
    bench.toy.delete(Class::Vm, "vm1");
    bench.run(Duration::from_millis(60));
    bench.assert_right();
    assert_eq!(bench.picture.resyncs.len(), 1);
    assert_eq!(bench.picture.heard.last(), Some(&bench.toy.generation));
}

#[test]
fn a_single_change_is_not_held_up_and_an_idle_pool_is_left_in_peace() {
    let mut bench = Bench::new();
    bench.secs(60);
    let before = bench.toy.calls;
    bench.secs(60);
    // 3 hosts: clocks every 10 s, samples every 15 s, a poll every 15 s, a probe a minute.
    assert!(bench.toy.calls - before <= 18 + 12 + 4 + 2 + 3, "{}", bench.toy.calls - before);
    bench.toy.set(Class::Vm, "vm1", "changed");
    bench.run(Duration::from_millis(1));
    bench.assert_right();
}

#[test]
fn a_storm_is_at_most_twenty_polls_a_second() {
    let mut bench = Bench::new();
    bench.secs(5);
    let before = bench.picture.heard.len();
    for n in 0..1_000 {
        bench.toy.set(Class::Task, &format!("task{}", n % 7), &n.to_string());
        bench.run(Duration::from_millis(1));
    }
    let polls = bench.picture.heard.len() - before;
    assert!((15..=21).contains(&polls), "{polls}");
    bench.secs(1);
    bench.assert_right();
    assert_eq!(bench.picture.resyncs.len(), 1);
}

#[test]
fn a_server_that_does_not_wait_is_not_hammered() {
    let mut bench = Bench::new();
    bench.secs(1);
    let mut polls = 0;
    for _ in 0..100_000 {
        // Every poll comes back at once, with nothing.
        if let Some(at) = bench.calls.iter().position(|(_, ask, _)| matches!(ask, Ask::Poll { .. })) {
            let (id, ask, _) = bench.calls.remove(at);
            polls += 1;
            bench.answer(id, &ask);
        }
        bench.run(Duration::from_millis(1));
    }
    assert!(polls < 40, "{polls} polls in 100 s");
}

#[test]
fn a_lost_delete_is_found_by_the_counts_and_only_that_class_is_read_again() {
    let mut bench = Bench::new();
    bench.secs(2);
    bench.toy.delete(Class::Vm, "vm1");
    bench.toy.deleted.clear();
    bench.toy.set(Class::Task, "t", "something else that wakes the poll");
    bench.secs(1);
    bench.assert_right();
    assert_eq!(bench.picture.resyncs.len(), 2);
    assert_eq!(bench.picture.resyncs[1].0, [Class::Vm]);
    assert!(bench.picture.resyncs[1].1.contains("VM"));
    bench.secs(300);
    assert_eq!(bench.picture.resyncs.len(), 2);
}

#[test]
fn a_count_that_is_always_wrong_does_not_become_a_load() {
    let mut bench = Bench::new();
    bench.secs(2);
    // The pool counts an object that it never shows.
    for minute in 0..60 {
        bench.toy.set(Class::Task, "t", &minute.to_string());
        let (id, ask) = bench.pluck(|ask| matches!(ask, Ask::Poll { .. }));
        let Ask::Poll { token, .. } = ask else { unreachable!() };
        let mut batch = bench.toy.from(&CLASSES, token.database);
        batch.counts.insert(Class::Vm, 99);
        bench.give(Event::Done(id, Reply::Batch(batch)));
        if let Some(at) = bench.calls.iter().position(|(_, ask, _)| matches!(ask, Ask::Reread(_))) {
            let (id, _, _) = bench.calls.remove(at);
            let mut batch = bench.toy.from(&[Class::Vm], 0);
            batch.counts.insert(Class::Vm, 99);
            bench.give(Event::Done(id, Reply::Batch(batch)));
        }
        bench.secs(60);
        while !bench.calls.iter().any(|(_, ask, _)| matches!(ask, Ask::Poll { .. })) {
            bench.run(Duration::from_millis(10));
        }
    }
    assert!(bench.picture.resyncs.len() < 14, "{} readings in an hour", bench.picture.resyncs.len());
}

#[test]
fn an_ended_session_is_renewed_at_once_and_everything_read_again() {
    let mut bench = Bench::new();
    bench.secs(60);
    bench.toy.session = false;
    bench.toy.delete(Class::Vm, "vm2");
    bench.toy.deleted.clear();
    bench.run(Duration::from_millis(100));
    bench.assert_right();
    assert_eq!(bench.toy.logins, 2);
    assert_eq!(bench.picture.resyncs.len(), 2);
    assert!(bench.picture.resyncs[1].1.contains("SESSION_INVALID"));
    assert!(!bench.picture.links.iter().any(|link| matches!(link, Link::Lost { .. })));
    // Should it end again and again, there are pauses.
    for _ in 0..1_000 {
        bench.toy.session = false;
        bench.run(Duration::from_millis(10));
    }
    assert!(bench.toy.logins <= 12, "{} log-ins in 10 s", bench.toy.logins);
}

#[test]
fn a_restarted_coordinator_is_found_again_and_the_old_picture_stays_meanwhile() {
    let mut bench = Bench::new();
    bench.secs(60);
    let objects = bench.picture.objects.clone();
    bench.toy.up = false;
    bench.secs(45);
    assert_eq!(bench.picture.objects, objects);
    let Some(Link::Lost { retry_at, attempt, error }) = bench.picture.links.last() else { panic!("{:?}", bench.picture.links) };
    assert!(*retry_at > bench.now && *attempt > 3 && error.contains("refused"));
    bench.toy.restart();
    bench.toy.set(Class::Vm, "vm0", "restarted");
    bench.toy.up = true;
    bench.secs(40);
    bench.assert_right();
    assert!(matches!(bench.picture.links.last(), Some(Link::Live { .. })));
    assert!(bench.picture.resyncs[1].1.contains("connection was lost"));
}

#[test]
fn a_coordinator_that_went_silent_is_noticed_before_the_poll_runs_out() {
    let mut bench = Bench::new();
    bench.secs(60);
    bench.hang = true;
    for _ in 0..2 {
        bench.secs(11);
        let late: Vec<_> = bench.calls.iter().filter(|(_, ask, _)| matches!(ask, Ask::Host(..))).map(|(id, ..)| *id).collect();
        for id in late {
            let said = Err(bench.fail(crate::xenapi::error::Transport::Reset));
            bench.give(Event::Done(id, Reply::Host { took_ms: 5_000, said }));
            bench.calls.retain(|(call, ..)| *call != id);
        }
    }
    assert!(matches!(bench.picture.links.last(), Some(Link::Lost { .. })), "{:?}", bench.picture.links);
}

#[test]
fn a_token_from_the_future_does_not_blind_us() {
    let mut bench = Bench::new();
    bench.secs(130);
    // The database becomes an older one under the same session. Real ones end the session as well; we do not rely on it.
    bench.toy.set(Class::Vm, "vm1", "lost later");
    let old = bench.toy.clone();
    for n in 0..200 {
        bench.toy.set(Class::Task, "t", &n.to_string());
    }
    bench.toy.set(Class::Vm, "vm2", "will be undone");
    bench.secs(1);
    bench.assert_right();
    let top = bench.picture.heard.last().copied();
    bench.toy.generation = old.generation;
    bench.toy.objects = old.objects;
    bench.toy.set(Class::HostMetrics, "metrics0", "changed in the new life");
    assert!(!bench.is_right());
    bench.secs(90);
    bench.assert_right();
    assert!(bench.picture.heard.last().copied() < top, "that it went back can be seen");
}

#[test]
fn a_wrong_password_ends_it_and_a_lost_connection_does_not() {
    let mut bench = Bench::new();
    let (id, _) = bench.pluck(|ask| matches!(ask, Ask::Login(_)));
    let error = ApiError { method: "login".to_owned(), code: Code::SessionAuthenticationFailed, params: vec!["root".to_owned()] };
    bench.give(Event::Failed(id, Error::Auth { to: "pool:443".to_owned(), user: "root".to_owned(), error }));
    assert!(matches!(bench.picture.links.last(), Some(Link::Refused { error }) if error.contains("password")));
    assert!(matches!(bench.ended, Some(Some(Error::Auth { .. }))));
    // Nothing more happens, whatever comes.
    bench.give(Event::Timer);
    assert!(bench.calls.is_empty() && bench.machine.wake_at().is_none());
}

#[test]
fn old_messages_that_cannot_be_had_are_no_reason_to_stop() {
    let mut bench = Bench::new();
    while !bench.calls.iter().any(|(_, ask, _)| matches!(ask, Ask::Messages { .. })) {
        bench.run(Duration::from_millis(1));
    }
    let (id, _) = bench.pluck(|ask| matches!(ask, Ask::Messages { .. }));
    let error = ApiError { method: "message.get_since".to_owned(), code: Code::InternalError, params: vec![] };
    bench.give(Event::Failed(id, Error::Api(error)));
    bench.secs(1);
    bench.assert_right();
    assert_eq!(bench.picture.unreadable, 1);
    assert!(matches!(bench.picture.links.last(), Some(Link::Live { .. })));
}

#[test]
fn only_the_newest_messages_are_kept() {
    let mut bench = Bench::new();
    while !bench.calls.iter().any(|(_, ask, _)| matches!(ask, Ask::Messages { .. })) {
        bench.run(Duration::from_millis(1));
    }
    let (id, _) = bench.pluck(|ask| matches!(ask, Ask::Messages { .. }));
    let message = |n: i64| {
        let timestamp = crate::xenapi::record::Date(Some(Time::from_secs(n + 1)));
        (Ref::from(format!("m{n}")), Record::Message(Message { timestamp, ..Message::default() }))
    };
    bench.give(Event::Done(id, Reply::Messages((0..5_000).map(message).collect(), vec![])));
    let kept: Vec<_> = bench.picture.objects.keys().filter(|(class, _)| *class == Class::Message).collect();
    assert_eq!(kept.len(), 1_000);
    assert!(kept.contains(&&(Class::Message, "m4999".to_owned())) && !kept.contains(&&(Class::Message, "m3999".to_owned())));
}

#[test]
fn leaving_logs_out() {
    let mut bench = Bench::new();
    bench.secs(2);
    bench.give(Event::Stop);
    assert_eq!(bench.logouts, 1);
    assert_eq!(bench.ended, Some(None));
    assert!(matches!(bench.picture.links.last(), Some(Link::Closed)));
}

#[test]
fn hosts_are_asked_and_a_row_is_shown_once() {
    let mut bench = Bench::new();
    bench.secs(30);
    let clocks = bench.picture.answers.iter().filter(|a| a.via == Via::Servertime).count();
    assert!((7..=12).contains(&clocks), "{clocks}");
    bench.hang = true;
    bench.secs(20);
    let (id, _) = bench.pluck(|ask| matches!(ask, Ask::Host(due, _) if due.via == Via::Rrd));
    let row = || Reply::Host { took_ms: 3, said: Ok(HostReply::Row(Some((Time::from_secs(5), vec![("cpu0".to_owned(), 0.5)])))) };
    bench.give(Event::Done(id, row()));
    assert_eq!(bench.picture.samples, 1);
    bench.give(Event::Done(id, row()));
    assert_eq!(bench.picture.samples, 1, "an answer that nobody waits for");
}

mod faults {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Fault {
        Set(u8, u8),
        Delete(u8, u8),
        ForgetDeletes,
        KillSession,
        Down(u16),
        DropCalls,
        Hang(u8),
        WrongToken,
        Wait(u16),
    }

    fn fault() -> impl Strategy<Value = Fault> {
        prop_oneof![
            6 => (0..4_u8, 0..6_u8).prop_map(|(c, n)| Fault::Set(c, n)),
            4 => (0..4_u8, 0..6_u8).prop_map(|(c, n)| Fault::Delete(c, n)),
            2 => Just(Fault::ForgetDeletes),
            1 => Just(Fault::KillSession),
            1 => (1..60_u16).prop_map(Fault::Down),
            2 => Just(Fault::DropCalls),
            1 => (1..40_u8).prop_map(Fault::Hang),
            1 => Just(Fault::WrongToken),
            6 => (1..3_000_u16).prop_map(Fault::Wait),
        ]
    }

    fn apply(bench: &mut Bench, fault: &Fault, serial: usize) {
        let name = |class: Class, n: u8| format!("{class:?}{n}");
        match fault {
            Fault::Set(class, n) => {
                let class = KINDS[*class as usize];
                bench.toy.set(class, &name(class, *n), &serial.to_string());
            }
            Fault::Delete(class, n) => {
                let class = KINDS[*class as usize];
                bench.toy.delete(class, &name(class, *n));
            }
            Fault::ForgetDeletes => bench.toy.deleted.clear(),
            Fault::KillSession => bench.toy.session = false,
            Fault::Down(secs) => {
                bench.toy.up = false;
                bench.secs(u64::from(*secs));
                bench.toy.restart();
                bench.toy.up = true;
            }
            Fault::DropCalls => {
                for (id, ask, _) in std::mem::take(&mut bench.calls) {
                    let error = bench.fail(crate::xenapi::error::Transport::Reset);
                    if let Ask::Host(..) = ask {
                        bench.give(Event::Done(id, Reply::Host { took_ms: 1, said: Err(error) }));
                    } else {
                        bench.give(Event::Failed(id, error));
                    }
                }
            }
            Fault::Hang(secs) => {
                bench.hang = true;
                bench.secs(u64::from(*secs));
                bench.hang = false;
            }
            Fault::WrongToken => {
                if let Some(at) = bench.calls.iter().position(|(_, ask, _)| matches!(ask, Ask::Poll { .. })) {
                    let (id, _, _) = bench.calls.remove(at);
                    let code = Code::EventFromTokenParseFailure;
                    let error = ApiError { method: "event.from".to_owned(), code, params: vec![] };
                    bench.give(Event::Failed(id, Error::Api(error)));
                }
            }
            Fault::Wait(millis) => bench.run(Duration::from_millis(u64::from(*millis))),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]
        #[test]
        fn whatever_happens_the_picture_is_right_in_the_end(faults in proptest::collection::vec(fault(), 1..60)) {
            let mut bench = Bench::new();
            for (serial, fault) in faults.iter().enumerate() {
                apply(&mut bench, fault, serial);
            }
            // Calm again. Something small changes now and then, as in every pool; a class whose count was wrong all the time may
            // have to wait for its turn.
            for minute in 0..25 {
                bench.toy.set(Class::HostMetrics, "metrics0", &format!("minute {minute}"));
                bench.secs(60);
            }
            prop_assert!(bench.ended.is_none());
            prop_assert!(bench.is_right(), "{:#?}\nis not\n{:#?}", bench.picture.objects, bench.toy.objects);
            let live = matches!(bench.picture.links.last(), Some(Link::Live { .. }));
            prop_assert!(live);
        }
    }
}
