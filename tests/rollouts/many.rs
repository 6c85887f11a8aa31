//! Many seeds.
//!
//! ```text
//! cargo test --release --test rollouts any_number -- --ignored --nocapture      # POOLWATCH_SEEDS=FROM..TO
//! POOLWATCH_CASE='…' cargo test --test rollouts replay -- --ignored --nocapture
//! POOLWATCH_SEEDS=0..300 cargo test --release --test rollouts digest -- --ignored --nocapture
//! ```

use super::case::Case;
use super::judge::{Tally, batch, judge};
use super::seeds;
use poolwatch::rollout::twin::{Played, play};
use std::time::Instant;

/// Seeds that every `cargo test` plays: as many as fit into a minute or so, which are ten times as many in a release build and more.
const ALWAYS: u64 = if cfg!(debug_assertions) { 2_000 } else { 20_000 };

#[test]
fn rounds_with_troubles_break_no_rule() {
    let tally = batch(0..ALWAYS, seeds::case);
    assert!(tally.failures.is_empty(), "{}", tally.told());
    assert_eq!(tally.rounds, ALWAYS);
    assert!(tally.done > ALWAYS / 2, "most rounds end well, whatever happens: {tally:?}");
}

fn range(text: &str) -> std::ops::Range<u64> {
    let (from, to) = text.split_once("..").unwrap_or((text, ""));
    let from = from.parse().expect("FROM..TO");
    from..if to.is_empty() { from + 1 } else { to.parse().expect("FROM..TO") }
}

#[test]
#[ignore = "as many as wanted: POOLWATCH_SEEDS=FROM..TO"]
fn any_number_of_rounds() {
    let seeds = range(&std::env::var("POOLWATCH_SEEDS").unwrap_or_else(|_| "0..100000".into()));
    let began = Instant::now();
    let tally = batch(seeds, seeds::case);
    let took = began.elapsed();
    let Tally { done, stopped, open, steps, lines, .. } = tally;
    println!("{done} done, {stopped} stopped, {open} open; {steps} steps, {lines} lines of journals");
    println!("{} rounds in {took:.1?}: {:.0} a second", tally.rounds, tally.rounds as f64 / took.as_secs_f64());
    assert!(tally.failures.is_empty(), "{}", tally.told());
}

/// What each seed came to, its journal byte for byte, as a number: two builds that play the same rounds print the same. By one thread.
#[test]
#[ignore = "a line for each of POOLWATCH_SEEDS=FROM..TO, to compare two builds"]
fn digest_of_rounds() {
    for seed in range(&std::env::var("POOLWATCH_SEEDS").unwrap_or_else(|_| "0..300".into())) {
        let case = seeds::case(seed);
        let (mut stage, plan, found) = case.stage();
        stage.begin("r1", plan, found);
        let played = play(&mut stage, case.operator());
        let (steps, calls, lines) = played.counts;
        let told = Played { counts: (0, calls, lines), ..played };
        let hash = |bytes: &[u8]| {
            bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3))
        };
        let (journal, told) = (hash(&stage.book().disk().bytes), hash(format!("{told:?}").as_bytes()));
        println!("seed {seed}: journal {journal:016x}, outcome {told:016x}, steps {steps}, calls {calls}, lines {lines}");
    }
}

#[test]
#[ignore = "one case, told step by step: POOLWATCH_CASE='…' or POOLWATCH_SEED=N"]
fn replay() {
    let seed = || std::env::var("POOLWATCH_SEED").ok()?.parse().ok().map(seeds::case);
    let text = std::env::var("POOLWATCH_CASE").ok();
    let case = text.map(|t| t.parse::<Case>().expect("a case")).or_else(seed).unwrap_or_else(|| Case::calm(0));
    println!("{case}");
    let (mut stage, plan, found) = case.stage();
    stage.log = Some(Vec::new());
    stage.begin("r1", plan, found);
    let played = play(&mut stage, case.operator());
    let mut told: Vec<_> = stage.log.take().unwrap_or_default().into_iter().map(|(at, what)| (at, format!("  {what}"))).collect();
    told.extend(stage.book().disk().entries.iter().map(|(at, entry)| (*at, format!("    journal {entry:?}"))));
    told.sort_by_key(|(at, _)| *at);
    for (at, what) in told {
        println!("{at} {what}");
    }
    println!("{played:#?}");
    for host in stage.eye.pool.picture(stage.eye.own(&stage.world)).hosts {
        let gate: Vec<String> = host.gate.reasons.iter().map(|r| format!("{}: {}", r.code, r.text)).collect();
        println!("{} {} ({}) gate {:?}: {gate:?}", host.name, host.state.text, host.state.evidence, host.gate.state);
    }
    let wrong = judge(&case).1;
    assert!(wrong.is_none(), "{}", wrong.map(|v| v.to_string()).unwrap_or_default());
}

#[test]
fn every_case_is_read_back_from_its_text() {
    for seed in 0..500 {
        let case = seeds::case(seed);
        assert_eq!(case.to_string().parse::<Case>().unwrap_or_else(|e| panic!("{case}: {e}")), case);
    }
}
