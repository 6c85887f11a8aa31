//! What the operator is told, and when: each scenario of trouble, watched by the real feed and model on virtual time.
//!
//! `POOLWATCH_STORY=split-network:300 cargo test --test told stories -- --nocapture` prints all that is told in a scenario.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod crashes;
mod fences;
mod marks;
mod rig;

use rig::Told;

#[test]
fn stories() {
    for name in std::env::var("POOLWATCH_STORY").unwrap_or_default().split(',').filter(|n| !n.is_empty()) {
        let (name, secs) = name.split_once(':').unwrap_or((name, "300"));
        let mut told = Told::of(name);
        told.watch(secs.parse().expect("seconds"));
        println!("==== {name}\n{}", told.story());
    }
}
