//! Simulated rounds: the real engine with its journal on the simulated pool, checked after every step.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    missing_docs,
    reason = "a bench that fails may panic"
)]

#[path = "../tests/rollouts/case.rs"]
mod case;
#[path = "../tests/rollouts/seeds.rs"]
mod seeds;

/// As `tests/rollouts`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use case::Case;
use divan::Bencher;
use divan::counter::ItemsCount;

fn main() {
    divan::main();
}

/// Three hosts with mirrors and four guests, nothing goes wrong.
#[divan::bench]
fn calm(bencher: Bencher) {
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| Case::calm(1).play());
}

/// As the proof plays them: two to four hosts, none to four troubles. One seed after the other.
#[divan::bench(sample_count = 500, sample_size = 1)]
fn troubled(bencher: Bencher) {
    let mut seed = 0;
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| {
        seed += 1;
        seeds::case(seed).play()
    });
}
