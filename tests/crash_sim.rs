//! What simulated hosts leave behind when they crash, read over the wire by the program as its users would: `crash TARGET --host H`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{Home, told};
use poolwatch::sim::api::Api;
use poolwatch::sim::scenario::{self, Overrides};
use poolwatch::sim::server::{ServeOptions, SimHandle};
use poolwatch::sim::start::{StartOptions, start};
use poolwatch::sim::world::{Dialect, World};
use poolwatch::time::Time;
use serde_json::Value;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A scenario, served, so many virtual seconds after its start.
async fn after(name: &str, dialect: Dialect, secs: u64) -> SimHandle<World> {
    let scenarios = scenario::load(name, Overrides::default()).unwrap();
    let serve = ServeOptions { speed: 1.0, ..ServeOptions::default() };
    // Messages of the pool count if they are of the last month.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let began = Time::from_secs(i64::try_from(now - secs).unwrap());
    let sim = start(&scenarios, &StartOptions { serve, dialect, ..StartOptions::new(1, began) }).await.unwrap();
    sim.pool().with(|world| world.advance(began + Duration::from_secs(secs)));
    sim
}

/// What the program says of a host's crashes.
async fn crashes(sim: &SimHandle<World>, name: &str, args: &'static [&'static str]) -> Vec<Value> {
    let (code, out, err) = run(sim, name, args).await;
    assert_eq!(code, 0, "{err}");
    let read: Value = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}\n{err}"));
    assert_eq!(read["notes"], serde_json::json!([]), "{read:#}");
    read["crashes"].as_array().unwrap().clone()
}

async fn run(sim: &SimHandle<World>, name: &str, args: &'static [&'static str]) -> (i32, String, String) {
    let (url, name) = (sim.pool().url().to_owned(), name.to_owned());
    let ran = tokio::task::spawn_blocking(move || {
        let home = Home::new(&format!("crash-sim-{name}-{}", url.rsplit(':').next().unwrap()));
        let mut all = vec!["crash", &url, "--json"];
        all.extend(args);
        told(&home.run(&all))
    });
    ran.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn look() {
    for (name, secs, host) in [
        ("kernel-bug", 420, "xcp3"),
        ("fence-o2cb", 420, "xcp3"),
        ("fence-o2cb", 700, "xcp2"),
        ("fence-xhad", 420, "xcp3"),
        ("fence-xhad", 880, "xcp2"),
    ] {
        let sim = after(name, Dialect::Designed, secs).await;
        let host: &'static str = host;
        let (code, out, err) = run(&sim, host, Box::leak(Box::new(["--host", host]))).await;
        println!("=== {name} {host} {code} {err}\n{out}");
    }
}
