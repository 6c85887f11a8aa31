//! The simulated pool: how fast virtual time passes, and how many calls it answers.

#![allow(clippy::expect_used, clippy::panic, missing_docs, reason = "a bench that fails may panic")]

mod common;

use common::Rig;
use divan::Bencher;
use divan::counter::ItemsCount;
use poolwatch::sim::value::Value;
use std::time::Duration;

fn main() {
    divan::main();
}

/// A day in which hosts go round: evacuate, update, reboot, rebuild, next.
#[divan::bench(sample_count = 5)]
fn virtual_day_of_rolling_update(bencher: Bencher) {
    bencher.with_inputs(|| Rig::new("rolling-update")).bench_local_refs(|rig| {
        // As a server would: not in one step.
        for _ in 0..24 * 60 {
            rig.pass(Duration::from_secs(60));
        }
    });
}

/// An hour of 64 hosts and 2,000 guests.
#[divan::bench(sample_count = 5)]
fn virtual_hour_of_big(bencher: Bencher) {
    bencher.with_inputs(|| Rig::new("big")).bench_local_refs(|rig| {
        for _ in 0..60 {
            rig.pass(Duration::from_secs(60));
        }
    });
}

/// Building 64 hosts and 2,000 guests.
#[divan::bench(sample_count = 10)]
fn build_big() -> Rig {
    Rig::new("big")
}

/// One small call.
#[divan::bench]
fn call_get_field(bencher: Bencher) {
    let mut rig = Rig::new("big");
    let Value::Set(hosts) = rig.call("host.get_all", []) else { panic!("hosts") };
    let mut next = hosts.into_iter().cycle();
    bencher.counter(ItemsCount::new(1_usize)).bench_local(move || rig.call("host.get_name_label", next.next()));
}

/// All records of the guests.
#[divan::bench]
fn call_get_all_records(bencher: Bencher) {
    let mut rig = Rig::new("big");
    bencher.counter(ItemsCount::new(2_000_usize)).bench_local(|| rig.call("VM.get_all_records", []));
}
