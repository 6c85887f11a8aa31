//! A small pool over real sockets and TLS, followed by the whole feed: log-in to log-out, restarts, members, bad input.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test that fails may panic")]

mod fake;

use fake::{Fake, Request, Say, temp_dir};
use poolwatch::feed::clock::Clock;
use poolwatch::feed::driver::{Desk, FollowOptions, follow_pool};
use poolwatch::observation::{Link, Observation, Outcome, Seen, Via};
use poolwatch::xenapi::record::{Class, Record, Ref};
use poolwatch::xenapi::trust::Store;
use poolwatch::xenapi::{Credentials, Error, Target};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

struct Entry {
    record: Value,
    created: u64,
    modified: u64,
}

struct State {
    generation: u64,
    session: u32,
    logouts: u32,
    objects: BTreeMap<(String, String), Entry>,
    deleted: Vec<(u64, String, String)>,
}

/// A pool of one host, with an event engine.
#[derive(Clone)]
struct World(Arc<Mutex<State>>, watch::Sender<u64>);

impl World {
    fn new(vms: usize) -> Self {
        let state = State { generation: 1, session: 1, logouts: 0, objects: BTreeMap::new(), deleted: Vec::new() };
        let world = Self(Arc::new(Mutex::new(state)), watch::channel(0).0);
        world.set("pool", "OpaqueRef:p", json!({"name_label": "lab", "master": "OpaqueRef:h"}));
        world.set(
            "host",
            "OpaqueRef:h",
            json!({"name_label": "xcp1", "uuid": "u", "address": "127.0.0.1", "metrics": "OpaqueRef:m"}),
        );
        world.set("host_metrics", "OpaqueRef:m", json!({"live": true}));
        for n in 0..vms {
            world.set("vm", &format!("OpaqueRef:v{n}"), json!({"name_label": format!("vm{n}")}));
        }
        world
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().expect("world")
    }

    fn wake(&self) {
        self.1.send_modify(|n| *n += 1);
    }

    fn set(&self, class: &str, r#ref: &str, record: Value) {
        let mut state = self.state();
        state.generation += 1;
        let modified = state.generation;
        let key = (class.to_owned(), r#ref.to_owned());
        let created = state.objects.get(&key).map_or(modified, |e| e.created);
        state.objects.insert(key, Entry { record, created, modified });
        drop(state);
        self.wake();
    }

    fn delete(&self, class: &str, r#ref: &str) {
        let mut state = self.state();
        state.generation += 1;
        let generation = state.generation;
        state.objects.remove(&(class.to_owned(), r#ref.to_owned()));
        state.deleted.push((generation, class.to_owned(), r#ref.to_owned()));
        drop(state);
        self.wake();
    }

    fn end_sessions(&self) {
        self.state().session += 1;
        self.wake();
    }

    fn session(&self) -> String {
        format!("OpaqueRef:session-{}", self.state().session)
    }

    fn events(&self, classes: &[Value], since: u64) -> (usize, Value) {
        let state = self.state();
        let wanted = |class: &str| classes.iter().any(|c| c == class);
        let mut newest = since;
        let mut events = Vec::new();
        let mut counts = BTreeMap::<&str, u64>::new();
        for ((class, r#ref), entry) in &state.objects {
            *counts.entry(class).or_default() += 1;
            if wanted(class) && entry.modified > since {
                newest = newest.max(entry.modified);
                let (id, operation) = if entry.created > since { (entry.created, "add") } else { (entry.modified, "mod") };
                events.push(json!({"id": id.to_string(), "timestamp": "0.0", "class": class, "operation": operation,
                    "ref": r#ref, "snapshot": entry.record}));
            }
        }
        for (at, class, r#ref) in state.deleted.iter().filter(|(at, class, _)| wanted(class) && *at > since && since > 0) {
            newest = newest.max(*at);
            events.push(json!({"id": at.to_string(), "timestamp": "0.0", "class": class, "operation": "del", "ref": r#ref}));
        }
        let token = format!("{newest:020},{:020}", 0);
        (events.len(), json!({"events": events, "valid_ref_counts": counts, "token": token}))
    }

    fn answer(&self, request: &Request) -> Say {
        if request.head.starts_with("GET /rrd_updates") {
            let body = r#"{"meta":{"legend":["AVERAGE:host:u:loadavg"]},"data":[{"t":"100","values":["0.5"]}]}"#;
            return Say::body("application/json", "", body);
        }
        let call = request.json();
        let params = call["params"].as_array().cloned().unwrap_or_default();
        let method = request.method();
        if method == "session.login_with_password" {
            return if params[1] == "hunter2" {
                Say::Result(json!(self.session()))
            } else {
                Say::error("SESSION_AUTHENTICATION_FAILED", &["root", "Authentication failure"])
            };
        }
        if params[0] != json!(self.session()) {
            return Say::error("SESSION_INVALID", &[params[0].as_str().unwrap_or_default()]);
        }
        match method.as_str() {
            "session.logout" => {
                self.state().logouts += 1;
                Say::Result(json!(""))
            }
            "message.get_since" => Say::Result(json!({"OpaqueRef:a": {"name": "ALARM", "timestamp": "20261121T00:00:00Z"}})),
            "host.get_servertime" => Say::Result(json!("20261121T00:36:13Z")),
            "host.get_record" => Say::Result(json!({"name_label": "xcp1", "secret_of_it": "s"})),
            "event.from" => {
                let classes = params[1].as_array().cloned().unwrap_or_default();
                let token = params[2].as_str().unwrap_or_default();
                let since = token.split(',').next().and_then(|half| half.parse().ok()).unwrap_or(0);
                let (world, session, waits) = (self.clone(), self.session(), !token.is_empty());
                Say::Later(Box::pin(async move {
                    let mut news = world.1.subscribe();
                    loop {
                        if world.session() != session {
                            return Say::error("SESSION_INVALID", &[&session]);
                        }
                        let (count, batch) = world.events(&classes, since);
                        if count > 0 || !waits {
                            return Say::Result(batch);
                        }
                        if tokio::time::timeout(Duration::from_secs(15), news.changed()).await.is_err() {
                            return Say::Result(batch);
                        }
                    }
                }))
            }
            other => Say::error("MESSAGE_METHOD_UNKNOWN", &[other]),
        }
    }
}

/// Someone who watches.
struct Watch {
    rx: mpsc::Receiver<Vec<Observation>>,
    stop: watch::Sender<bool>,
    task: JoinHandle<Option<Error>>,
    desk: Desk,
    seen: Vec<Seen>,
    objects: BTreeMap<(Class, String), String>,
    stale: Vec<(Class, String)>,
}

impl Watch {
    fn start(target: Target, password: &str) -> Self {
        let store = Arc::new(Store::open(&temp_dir()).expect("store"));
        let mut options = FollowOptions::new(store);
        options.follow.retry_first = Duration::from_millis(20);
        options.follow.retry_most = Duration::from_millis(100);
        let desk = options.desk.clone();
        let (tx, rx) = mpsc::channel(4);
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(follow_pool(target, Credentials::new("root", password), options, Clock::start(), tx, stopped));
        Self { rx, stop, task, desk, seen: Vec::new(), objects: BTreeMap::new(), stale: Vec::new() }
    }

    fn take(&mut self, seen: Seen) {
        match &seen {
            Seen::Set { r#ref, record } => {
                let name = match &**record {
                    Record::Vm(vm) => vm.name_label.to_string(),
                    Record::Host(host) => host.name_label.to_string(),
                    _ => String::new(),
                };
                let key = (record.class(), r#ref.as_str().to_owned());
                self.stale.retain(|stale| *stale != key);
                self.objects.insert(key, name);
            }
            Seen::Gone { class, r#ref } => drop(self.objects.remove(&(*class, r#ref.as_str().to_owned()))),
            Seen::Resync { classes, .. } => {
                self.stale.extend(self.objects.keys().filter(|(class, _)| classes.contains(class)).cloned());
            }
            Seen::Synced { classes } => {
                for key in self.stale.extract_if(.., |(class, _)| classes.contains(class)) {
                    self.objects.remove(&key);
                }
            }
            _ => {}
        }
        self.seen.push(seen);
    }

    /// Waits until something is so.
    async fn until(&mut self, what: &str, so: impl Fn(&Self) -> bool) {
        while !so(self) {
            match tokio::time::timeout(Duration::from_secs(30), self.rx.recv()).await {
                Ok(Some(batch)) => batch.into_iter().for_each(|o| self.take(o.seen)),
                Ok(None) => panic!("it ended before {what}: {:?}", self.links()),
                Err(waited) => panic!("never {what} ({waited}): {:?}", self.links()),
            }
        }
    }

    fn links(&self) -> Vec<&Link> {
        self.seen.iter().filter_map(|seen| if let Seen::Link(link) = seen { Some(link) } else { None }).collect()
    }

    fn has(&self, class: Class, r#ref: &str, name: &str) -> bool {
        self.objects.get(&(class, r#ref.to_owned())).is_some_and(|n| n == name)
    }

    fn count(&self, class: Class) -> usize {
        self.objects.keys().filter(|(c, _)| *c == class).count()
    }

    fn readings(&self) -> usize {
        self.seen.iter().filter(|seen| matches!(seen, Seen::Synced { classes } if classes.contains(&Class::Message))).count()
    }
}

#[tokio::test]
async fn a_pool_is_followed_from_log_in_to_log_out() {
    let world = World::new(3);
    let served = world.clone();
    let fake = Fake::start("127.0.0.1:0", true, move |request| served.answer(request)).await;
    let mut watch = Watch::start(fake.target(), "hunter2");
    watch.until("read", |w| w.readings() == 1).await;
    assert_eq!((watch.count(Class::Vm), watch.count(Class::Message), watch.stale.len()), (3, 1, 0));
    assert_eq!(watch.desk.take_pinned().len(), 1);

    world.set("vm", "OpaqueRef:v1", json!({"name_label": "renamed"}));
    world.delete("vm", "OpaqueRef:v2");
    watch.until("told", |w| w.has(Class::Vm, "OpaqueRef:v1", "renamed") && w.count(Class::Vm) == 2).await;
    assert_eq!(watch.readings(), 1);

    watch
        .until("asked", |w| w.seen.iter().any(|seen| matches!(seen, Seen::Samples { values, .. } if values[0].0 == "loadavg")))
        .await;
    let asked =
        |via| move |seen: &Seen| matches!(seen, Seen::Answer(a) if a.via == via && matches!(a.outcome, Outcome::Ok { .. }));
    watch.until("asked", |w| w.seen.iter().any(asked(Via::Servertime)) && w.seen.iter().any(asked(Via::Rrd))).await;

    let raw = watch.desk.raw_record(Class::Host, &Ref::from("OpaqueRef:h")).await.expect("a record");
    assert_eq!(raw, json!({"name_label": "xcp1", "secret_of_it": "<hidden>"}));

    watch.stop.send(true).expect("running");
    watch.until("closed", |w| matches!(w.links().last(), Some(Link::Closed))).await;
    assert_eq!(watch.task.await.expect("no panic"), None);
    assert_eq!(world.state().logouts, 1);
    assert!(watch.desk.raw_record(Class::Host, &Ref::from("OpaqueRef:h")).await.is_err());
}

#[tokio::test]
async fn killed_sessions_and_restarts_are_survived_and_lost_deletes_found() {
    let world = World::new(3);
    let served = world.clone();
    let fake = Fake::start("127.0.0.1:0", true, move |request| served.answer(request)).await;
    let (at, target) = (fake.addr, fake.target());
    let mut watch = Watch::start(target, "hunter2");
    watch.until("read", |w| w.readings() == 1).await;

    world.end_sessions();
    watch.until("read again", |w| w.readings() == 2).await;
    assert!(!watch.links().iter().any(|link| matches!(link, Link::Lost { .. })));

    // A delete that nobody tells of.
    world.delete("vm", "OpaqueRef:v0");
    world.state().deleted.clear();
    world.set("task", "OpaqueRef:t", json!({"name_label": "something"}));
    watch.until("found out", |w| w.count(Class::Vm) == 2).await;

    // The toolstack goes away; its certificate is another one afterwards, so it has to be the same server: only its door closes.
    drop(fake);
    watch.until("lost", |w| matches!(w.links().last(), Some(Link::Lost { .. }))).await;
    assert_eq!(watch.count(Class::Vm), 2, "the old picture stays");
    let fake = loop {
        match tokio::net::TcpListener::bind(at).await {
            Ok(free) => {
                drop(free);
                let served = world.clone();
                break Fake::start(&at.to_string(), true, move |request| served.answer(request)).await;
            }
            Err(_) => tokio::task::yield_now().await,
        }
    };
    watch.until("refused", |w| matches!(w.links().last(), Some(Link::Refused { .. }))).await;
    assert!(matches!(watch.task.await.expect("no panic"), Some(Error::Trust(_))));
    assert_eq!(fake.count(), 0, "nothing was sent to the stranger");
}

#[tokio::test]
async fn a_coordinator_that_comes_back_is_followed_again() {
    let world = World::new(2);
    let served = world.clone();
    let fake = Fake::start("127.0.0.1:0", false, move |request| served.answer(request)).await;
    let (at, target) = (fake.addr, fake.target());
    let mut watch = Watch::start(target, "hunter2");
    watch.until("read", |w| w.readings() == 1).await;
    drop(fake);
    watch.until("lost", |w| matches!(w.links().last(), Some(Link::Lost { attempt, .. }) if *attempt >= 2)).await;
    world.end_sessions();
    world.delete("vm", "OpaqueRef:v0");
    let _fake = loop {
        match tokio::net::TcpListener::bind(at).await {
            Ok(free) => {
                drop(free);
                let served = world.clone();
                break Fake::start(&at.to_string(), false, move |request| served.answer(request)).await;
            }
            Err(_) => tokio::task::yield_now().await,
        }
    };
    watch.until("back", |w| w.readings() == 2).await;
    assert_eq!((watch.count(Class::Vm), watch.stale.len()), (1, 0));
}

#[tokio::test]
async fn a_wrong_password_and_a_web_server_end_it_with_words() {
    let world = World::new(0);
    let fake = Fake::start("127.0.0.1:0", false, move |request| world.answer(request)).await;
    let mut watch = Watch::start(fake.target(), "wrong");
    watch.until("refused", |w| matches!(w.links().last(), Some(Link::Refused { error }) if error.contains("password"))).await;
    assert!(matches!(watch.task.await.expect("no panic"), Some(Error::Auth { .. })));
    assert_eq!(fake.count(), 1, "a wrong password is tried once");

    let fake = Fake::start("127.0.0.1:0", false, |_| Say::body("text/html", "", "<html>hello</html>")).await;
    let mut watch = Watch::start(fake.target(), "hunter2");
    watch.until("refused", |w| matches!(w.links().last(), Some(Link::Refused { error }) if error.contains("web page"))).await;
    assert!(matches!(watch.task.await.expect("no panic"), Some(Error::NotXenApi { .. })));
}

#[tokio::test]
async fn a_slow_reader_loses_nothing() {
    let world = World::new(20_000);
    let served = world.clone();
    let fake = Fake::start("127.0.0.1:0", false, move |request| served.answer(request)).await;
    let mut watch = Watch::start(fake.target(), "hunter2");
    // Nobody takes anything until the channel is full and the pool has changed.
    while watch.rx.len() < 4 {
        tokio::task::yield_now().await;
    }
    world.set("vm", "OpaqueRef:v7", json!({"name_label": "late"}));
    watch.until("all", |w| w.count(Class::Vm) == 20_000 && w.has(Class::Vm, "OpaqueRef:v7", "late")).await;
    // Nobody takes anything any more: it ends by itself.
    drop(watch.rx);
    world.set("vm", "OpaqueRef:v8", json!({"name_label": "x"}));
    assert_eq!(watch.task.await.expect("no panic"), None);
}
