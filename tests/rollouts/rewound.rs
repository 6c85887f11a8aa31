//! The pool's database goes back in the middle of a round.

use super::case::Case;
use poolwatch::rollout::entry::RunResult;

const BACK: &str = "The pool's database went back in time";

#[test]
fn a_database_that_goes_back_is_asked_about_once_wherever_our_program_is_then() {
    for (seed, dead) in [(3, ""), (4, "line=60 kill after 40 0"), (5, "line=60 kill torn 2000 0")] {
        let case = Case::calm(seed).with(&["line=4 pool keep-database", "line=60 pool rewind-database"]);
        let case = if dead.is_empty() { case } else { case.with(&[dead]) };
        let played = case.play();
        assert_eq!(played.violation, None, "{case}");
        assert_eq!(played.stops.iter().filter(|why| why.starts_with(BACK)).count(), 1, "{case}: {:?}", played.stops);
        assert!(matches!(played.result, Some((RunResult::Done, _))), "{case}: {played:?}");
    }
}

#[test]
fn one_that_goes_back_twice_is_asked_about_twice() {
    let troubles = ["line=4 pool keep-database", "line=40 pool rewind-database", "line=80 pool rewind-database"];
    let played = Case::calm(6).with(&troubles).play();
    assert_eq!(played.violation, None);
    assert_eq!(played.stops.iter().filter(|why| why.starts_with(BACK)).count(), 2, "{:?}", played.stops);
    assert!(matches!(played.result, Some((RunResult::Done, _))), "{played:?}");
}
