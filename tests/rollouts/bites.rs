//! The checker bites: with each guard taken out in turn, some seed breaks a rule.

use super::case::Case;
use super::judge::judge;
use super::seeds;
use poolwatch::rollout::machine::{Guard, Guards};
use strum::IntoEnumIterator;

/// Seeds that are known to need a guard: tried first, only to save time.
const LIKELY: [u64; 5] = [0, 9, 20, 115, 134];
/// Seeds within which the lack of a guard has to be noticed.
const WITHIN: u64 = 1_500;

#[test]
fn with_each_guard_taken_out_in_turn_a_rule_is_broken() {
    let mut unnoticed = Vec::new();
    for guard in Guard::iter() {
        let broken = LIKELY.into_iter().chain(0..WITHIN).find_map(|seed| {
            let whole = seeds::case(seed);
            let case = Case { guards: Guards::without(guard), ..whole.clone() };
            let violation = judge(&case).1?;
            // And with all guards it is well.
            judge(&whole).1.is_none().then_some((seed, violation))
        });
        match broken {
            Some((seed, violation)) => println!("without {guard:?}: seed {seed}: {violation}"),
            None => unnoticed.push(guard),
        }
    }
    assert!(unnoticed.is_empty(), "nobody noticed that these are missing: {unnoticed:?}");
}
