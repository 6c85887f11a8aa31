//! Cases that seeds once found to break a rule, each by what was wrong, shrunk. They break none any more.

use super::case::Case;
use super::judge::judge;
use poolwatch::rollout::entry::{Item, RunResult};
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
        "seed=53939 hosts=2 guests=1 lag=0 mirror shipped | line=37 pool kill-sessions",
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
fn a_task_that_ends_while_the_coordinator_is_cut_off_is_no_end() {
    clean(
        "seed=67932 hosts=3 guests=3 lag=0 mirror shipped | after=499211 pool stall-rebuild | line=76 pool cut host=a what=all",
    );
}

#[test]
fn an_operator_who_is_asked_to_look_at_the_mirrors_goes_on_once_they_are_in_step() {
    clean("seed=85421 hosts=3 guests=2 lag=0 mirror shipped | after=252153 pool cut host=b what=network");
}

#[test]
fn a_claim_that_is_told_late_is_given_up_all_the_same() {
    for text in [
        "seed=69797 hosts=2 guests=0 lag=3000 hasty | after=2620 command {\"command\":\"abort\"}",
        "seed=74718 hosts=2 guests=0 lag=0 hasty | line=2 late 20 | line=3 command {\"command\":\"abort\"}",
    ] {
        clean(text);
    }
}

#[test]
fn a_task_is_a_day_old_by_the_clock_that_made_it() {
    // Ours is behind: the rebuild stands still, and xapi collects its task after 24 h.
    clean("seed=5377 hosts=2 guests=1 lag=0 mirror shipped never | line=43 kill before 2000 -3600 | line=7 pool stall-rebuild");
}

#[test]
fn a_clock_that_went_ahead_and_back_does_not_make_a_rebuild_look_a_day_old() {
    clean("seed=73421 hosts=2 guests=1 lag=0 mirror shipped hasty | line=35 kill before 1 -3600 | line=24 kill torn 1 90000");
}

#[test]
fn a_reboot_that_was_lost_three_times_is_told_again() {
    clean("seed=119165 hosts=2 guests=1 lag=0 | line=25 call lost | line=44 kill before 5 -3600 | line=25 kill after 2000 -3600");
}

#[test]
fn a_reboot_that_was_lost_twice_and_whose_program_died_in_between_is_told_again() {
    clean("seed=137071 hosts=2 guests=0 lag=0 | line=57 kill after 1 0 | line=39 call lost | line=54 call lost");
}

#[test]
fn a_host_that_a_fault_set_back_and_that_we_reboot_next_is_settled_before_another_one_goes() {
    clean(
        "seed=76025 hosts=2 guests=1 lag=0 mirror shipped hasty | after=34299 pool reset host=a | after=78139 pool cut host=b what=network",
    );
}

#[test]
fn a_guest_that_cannot_go_home_where_nothing_is_mended_is_listed() {
    clean("seed=180639 hosts=2 guests=1 lag=0 hasty never | line=67 pool reset host=b | line=26 pool fail-path host=a paths=2");
}

#[test]
fn a_coordinator_that_plugged_its_storage_while_it_was_cut_off_shows_no_rebuild() {
    clean("seed=150506 hosts=2 guests=4 lag=0 mirror shipped | after=72982 pool cut host=a what=network");
}

#[test]
fn a_guest_that_died_where_the_round_had_put_it_and_started_again_is_listed() {
    let played = clean(
        "seed=161088 hosts=3 guests=2 lag=0 | line=87 call mute | line=79 command {\"command\":\"abort\"} | after=250884 pool reset host=c",
    );
    assert!(played.left.keys().any(|item| matches!(item, Item::Guest { .. })), "{played:?}");
}

#[test]
fn where_ha_started_guests_of_a_host_that_died_after_its_turn_is_told() {
    let played =
        clean("seed=30411 hosts=2 guests=1 lag=0 ha | after=14305 pool crash host=a | line=25 command {\"command\":\"abort\"}");
    let (_, text) = played.result.expect("it ends");
    assert!(text.contains("or HA did"), "{text}");
    let played = clean(
        "seed=83337 hosts=3 guests=2 lag=0 mirror ha | after=541732 pool crash host=a | line=107 pool fail-call \
         method=pool.add_to_other_config code=INTERNAL_ERROR times=3 | line=8 kill after 1 -3600",
    );
    let (result, text) = played.result.expect("it ends");
    assert!(result == RunResult::Stopped && text.contains("or HA did"), "{text}");
}

#[test]
fn a_guest_that_somebody_else_brought_home_and_then_moved_away_is_told() {
    clean("seed=85355 hosts=2 guests=2 lag=0 | after=73723 captain move-guest | line=80 captain move-guest");
}

#[test]
fn a_guest_that_was_home_after_its_hosts_turn_and_died_with_it_later_is_told() {
    clean(
        "seed=212177 hosts=2 guests=2 lag=0 mirror ha shipped | after=206018 pool crash host=a | line=83 kill torn 1 -3600 | after=219915 \
         command {\"command\":\"abort\"}",
    );
    // What happens within the last moment cannot be told any more.
    clean(
        "seed=200890 hosts=3 guests=1 lag=3000 mirror shipped | after=1068004 command {\"command\":\"abort\"} | after=417424 pool crash host=a",
    );
}

#[test]
fn a_host_that_rebooted_while_a_database_went_back_is_not_told_again() {
    for text in [
        "seed=1481 hosts=2 guests=1 lag=3000 mirror shipped | line=40 pool keep-database | line=56 pool rewind-database",
        "seed=1672 hosts=2 guests=0 lag=50 mirror cluster never | line=28 pool keep-database | line=49 pool rewind-database",
    ] {
        clean(text);
    }
    // Its lost changes were made up for; our own claim shows it.
    let played = clean(
        "seed=3821 hosts=3 guests=0 lag=500 mirror | line=0 kill after 1 3600 | line=61 pool keep-database | line=80 pool rewind-database",
    );
    assert!(played.stops.iter().any(|why| why.contains("shows the renewal of")), "{played:?}");
}

#[test]
fn what_had_been_put_back_and_an_older_database_undid_is_listed() {
    for text in [
        "seed=2000 hosts=2 guests=0 lag=0 mirror cluster | line=72 call lost | line=63 pool keep-database | line=79 pool rewind-database",
        "seed=3877 hosts=3 guests=0 lag=500 mirror ha never | line=52 pool crash host=b | line=86 pool keep-database | line=114 pool rewind-database",
    ] {
        clean(text);
    }
}

#[test]
fn a_renewal_of_our_claim_that_is_told_late_is_no_older_database() {
    clean("seed=643 hosts=4 guests=0 lag=0 hasty | line=46 call lost | after=586934 late 80");
    clean("seed=1625 hosts=2 guests=1 lag=0 | line=37 kill after 40 0 | line=71 late 85 | line=16 kill torn 40 0");
}

#[test]
fn an_operators_word_counts_once_it_is_written_and_what_a_dead_program_would_have_seen_does_not() {
    for text in [
        "seed=23090 hosts=2 guests=0 lag=0 hasty | line=49 kill full 300 -3600 | line=23 pool keep-database | line=46 pool rewind-database",
        "seed=3080 hosts=2 guests=2 lag=50 mirror | line=35 kill torn 1 -3600 | line=24 pool keep-database | line=33 pool rewind-database",
        "seed=14555 hosts=3 guests=0 lag=500 mirror shipped | line=38 kill after 1 0 | line=55 kill after 40 0 | line=27 pool keep-database \
         | line=30 pool rewind-database",
    ] {
        clean(text);
    }
}
