//! Cases that seeds once found to break a rule, each by what was wrong, shrunk. They break none any more.

use super::case::Case;
use super::judge::judge;
use poolwatch::rollout::entry::RunResult;
use poolwatch::rollout::twin::Played;

fn clean(text: &str) -> Played {
    let case: Case = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
    let (played, wrong) = judge(&case);
    assert!(wrong.is_none(), "{case}: {}", wrong.map(|v| v.to_string()).unwrap_or_default());
    played.expect("it did not panic")
}

#[test]
fn a_rebuild_that_ends_while_the_session_is_renewed_has_ended() {
    // Our session is taken away at the moment when the last task goes: the coordinator's toolstack is the same as before, so nothing was
    // forgotten, and nobody is asked.
    for text in [
        "seed=29731 hosts=2 guests=1 lag=0 mirror shipped | line=38 pool kill-sessions",
        "seed=37565 hosts=2 guests=1 lag=0 mirror shipped hasty | line=37 pool kill-sessions",
        "seed=45453 hosts=2 guests=1 lag=0 mirror shipped | line=33 pool kill-sessions",
        "seed=54134 hosts=3 guests=4 lag=0 mirror cluster shipped never | line=35 pool kill-sessions",
    ] {
        clean(text);
    }
}

#[test]
fn silence_proves_nothing_while_the_host_that_would_have_to_copy_is_cut_off() {
    let played = clean("seed=21451 hosts=2 guests=1 lag=0 mirror shipped hasty | line=32 pool cut host=b what=all");
    assert!(played.stops.iter().any(|why| why.contains("another host was away")), "a person looks at the mirrors: {played:?}");
}

#[test]
fn where_ha_started_guests_of_a_host_that_died_after_its_turn_is_told() {
    let played =
        clean("seed=30411 hosts=2 guests=1 lag=0 ha | after=14305 pool crash host=a | line=25 command {\"command\":\"abort\"}");
    let (result, text) = played.result.expect("it ends");
    assert!(result == RunResult::Stopped && text.contains("or HA did"), "{text}");
}
