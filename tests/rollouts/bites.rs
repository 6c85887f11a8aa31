//! The checker bites: with each guard taken out in turn, some seed breaks a rule.

use super::case::{Case, Shape};
use super::judge::judge;
use super::seeds;
use poolwatch::rollout::machine::{Guard, Guards};
use strum::IntoEnumIterator;

/// Seeds within which the lack of a guard has to be noticed.
const WITHIN: u64 = 1_500;

#[test]
fn with_each_guard_taken_out_in_turn_a_rule_is_broken() {
    let mut unnoticed = Vec::new();
    for guard in Guard::iter() {
        let broken = (0..WITHIN).find_map(|seed| {
            let case = Case { guards: Guards::without(guard), ..seeds::case(seed) };
            judge(&case).1.map(|violation| (seed, violation))
        });
        match broken {
            Some((seed, violation)) => println!("without {guard:?}: seed {seed}: {violation}"),
            None => unnoticed.push(guard),
        }
    }
    assert!(unnoticed.is_empty(), "nobody noticed that these are missing: {unnoticed:?}");
}

#[test]
fn without_the_guard_of_mirrors_even_a_calm_round_breaks_a_rule() {
    let calm = Case::calm(1);
    let case = Case { guards: Guards::without(Guard::Mirrors), shape: Shape { hosts: 3, mirror: true, ..calm.shape }, ..calm };
    assert!(judge(&case).1.is_some());
}
