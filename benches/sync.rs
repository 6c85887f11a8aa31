//! A first sync of 64 hosts and 2,000 guests over loopback, from log-in to a whole picture, beside what fetching and parsing the
//! same bytes takes with nothing else.

#![allow(clippy::expect_used, clippy::panic, missing_docs, reason = "a bench that fails may panic")]

mod common;

use common::START;
use poolwatch::feed::clock::Clock;
use poolwatch::feed::driver::{FollowOptions, follow_pool};
use poolwatch::feed::follow::options::GROUPS;
use poolwatch::observation::Seen;
use poolwatch::pool::Pool;
use poolwatch::sim::scenario::{Overrides, load};
use poolwatch::sim::server::ServeOptions;
use poolwatch::sim::start::{StartOptions, start};
use poolwatch::xenapi::record::Class;
use poolwatch::xenapi::trust::Store;
use poolwatch::xenapi::{Credentials, Target};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};

/// How often each is measured, by turns.
const ROUNDS: usize = 21;

fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let server = runtime();
    let scenarios = load("big", Overrides::default()).expect("a built-in scenario");
    // The virtual clock stands still, so that both read the same bytes.
    let serve = ServeOptions { tls: false, speed: 0.0, ..ServeOptions::default() };
    let options = StartOptions { serve, ..StartOptions::new(1, START) };
    let sim = server.block_on(start(&scenarios, &options)).expect("served");
    let url = sim.pools().first().expect("a pool").url().to_owned();
    let client = runtime();
    let (mut ours, mut bare, mut bytes) = (Vec::new(), Vec::new(), 0);
    for _ in 0..ROUNDS {
        ours.push(client.block_on(first_sync(&url)));
        let (took, read) = client.block_on(fetch_and_parse(&url));
        bare.push(took);
        bytes = read;
    }
    let (ours, bare) = (median(ours), median(bare));
    let ratio = ours.as_secs_f64() / bare.as_secs_f64();
    println!(
        "first sync, {bytes} bytes, median of {ROUNDS}: {ours:.1?}; fetched and parsed with nothing else: {bare:.1?}; {ratio:.2} times"
    );
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.swap_remove(times.len() / 2)
}

/// What poolwatch does, until everything was read, folded and made into a picture.
async fn first_sync(url: &str) -> Duration {
    let folder = std::env::temp_dir().join(format!("poolwatch-bench-{}", std::process::id()));
    let store = Arc::new(Store::open(&folder).expect("a store"));
    let target = Target::parse(url, false).expect("a target");
    let (tx, mut rx) = mpsc::channel(4);
    let (cancel, cancelled) = watch::channel(false);
    let begun = Instant::now();
    let credentials = Credentials::new("root", "poolwatch");
    let clock = Clock::start();
    let following = tokio::spawn(follow_pool(target, credentials, FollowOptions::new(store), clock.clone(), tx, cancelled));
    let mut pool = Pool::new("big");
    let mut whole = false;
    while let Some(batch) = rx.recv().await.filter(|_| !whole) {
        for observation in &batch {
            pool.apply(observation);
            // Messages are read last.
            whole |= matches!(&observation.seen, Seen::Synced { classes } if classes.contains(&Class::Message));
        }
        if whole {
            break;
        }
    }
    let picture = pool.picture(clock.now());
    let took = begun.elapsed();
    assert_eq!((picture.hosts.len(), pool.count(Class::Host)), (64, 64), "the whole pool");
    assert!(pool.count(Class::Vm) >= 2_000, "every guest");
    let _ = cancel.send(true);
    drop(rx);
    let _ = following.await;
    took
}

/// The same calls one after the other, each answer into JSON values.
async fn fetch_and_parse(url: &str) -> (Duration, usize) {
    let begun = Instant::now();
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let mut bytes = 0;
    let mut call = async |method: &str, params: Value| -> Value {
        let body = json!({"jsonrpc": "2.0", "method": method, "params": params, "id": 1}).to_string();
        let request = http.post(format!("{url}/jsonrpc")).header("content-type", "application/json").body(body);
        let answer = request.send().await.expect("an answer").bytes().await.expect("a body");
        bytes += answer.len();
        let mut answer: Value = serde_json::from_slice(&answer).expect("JSON");
        answer.get_mut("result").expect("a result").take()
    };
    let session = call("session.login_with_password", json!(["root", "poolwatch"])).await;
    let mut all = Vec::new();
    for classes in GROUPS {
        let names: Vec<&str> = classes.iter().map(|class| class.event_name()).collect();
        all.push(call("event.from", json!([session, names, "", 0.0])).await);
    }
    all.push(call("message.get_since", json!([session, "20261114T00:00:00Z"])).await);
    let took = begun.elapsed();
    call("session.logout", json!([session])).await;
    drop(all);
    (took, bytes)
}
