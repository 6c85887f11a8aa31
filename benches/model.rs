//! The model with 64 hosts and 2,000 guests: reading bodies, folding observations, making the picture.

#![allow(clippy::expect_used, clippy::panic, missing_docs, reason = "a bench that fails may panic")]

mod common;

use common::{Rig, START, observed, synced};
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use poolwatch::observation::{Observation, Seen};
use poolwatch::pool::Pool;
use poolwatch::time::Time;
use poolwatch::xenapi::events::EventBatch;
use std::time::Duration;

fn main() {
    divan::main();
}

const LATER: Time = Time::from_secs(START.as_millis() / 1000 + 60);

fn known() -> (Rig, Pool) {
    let mut rig = Rig::new("big");
    let pool = folded(&synced(&rig.first_sync(), START));
    (rig, pool)
}

fn folded(all: &[Observation]) -> Pool {
    let mut pool = Pool::new("big");
    for observation in all {
        pool.apply(observation);
    }
    pool
}

/// The bodies of a first sync to batches.
#[divan::bench]
fn read_first_sync(bencher: Bencher) {
    let bodies = Rig::new("big").first_sync();
    let bytes: usize = bodies.iter().map(String::len).sum();
    bencher
        .counter(BytesCount::new(bytes))
        .bench_local(|| bodies.iter().map(|body| EventBatch::from_reply(body).expect("a batch").changes.len()).sum::<usize>());
}

/// The same into JSON values, for comparison.
#[divan::bench]
fn read_first_sync_as_values(bencher: Bencher) {
    let bodies = Rig::new("big").first_sync();
    let bytes: usize = bodies.iter().map(String::len).sum();
    bencher.counter(BytesCount::new(bytes)).bench_local(|| {
        bodies.iter().map(|body| serde_json::from_str::<serde_json::Value>(body).expect("JSON")).collect::<Vec<_>>()
    });
}

/// All observations of a first sync into an empty pool.
#[divan::bench]
fn fold_first_sync(bencher: Bencher) {
    let all = synced(&Rig::new("big").first_sync(), START);
    bencher.counter(ItemsCount::new(all.len())).bench_local(|| folded(&all));
}

/// One event, not counting the look at what time alone changes, which is taken once a second.
#[divan::bench]
fn fold_one_event(bencher: Bencher) {
    let (mut rig, mut pool) = known();
    let all = observed(&rig.changes(Duration::from_secs(60)), LATER);
    pool.apply(&Observation { at: LATER, seen: Seen::Heard { generation: None } });
    let mut next = all.iter().cycle();
    bencher
        .with_inputs(|| (pool.clone(), next.next().expect("a change")))
        .bench_local_refs(|(pool, observation)| pool.apply(observation));
}

/// What happens in ten minutes in one batch, after a connection that was gone.
#[divan::bench]
fn fold_storm(bencher: Bencher) {
    let (mut rig, pool) = known();
    let all = observed(&rig.changes(Duration::from_secs(600)), LATER);
    bencher.counter(ItemsCount::new(all.len())).with_inputs(|| pool.clone()).bench_local_refs(|pool| {
        for observation in &all {
            pool.apply(observation);
        }
    });
}

/// The whole picture.
#[divan::bench]
fn picture(bencher: Bencher) {
    let (_, pool) = known();
    bencher.bench_local(|| pool.picture(LATER));
}

/// When the picture changes by itself, which is asked before each frame.
#[divan::bench]
fn next_change(bencher: Bencher) {
    let (_, pool) = known();
    bencher.bench_local(|| pool.next_change(LATER));
}
