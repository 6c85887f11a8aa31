//! The failure stories of other orchestrators, told in their trackers and forums, by the numbers of the fact sheet: what happened to their
//! users must not happen to ours. Those with a pool of their own are in the folder beside: what is said before a round, what happens during one,
//! what updates come to.
//!
//! | story | here |
//! |---|---|
//! | 1 run stuck after the coordinator rebooted | `story_01_the_coordinator_reboots_and_the_round_goes_on` |
//! | 2 home fails for memory, guests dropped | `story_02_home_fails_for_memory` |
//! | 3 `auto_poweron` guests start on the emptied host | `story_03_nothing_powers_on_by_itself_meanwhile` |
//! | 4 program restarted, pinned guests stay halted | `story_04_a_pinned_guest_runs_again_though_we_were_killed` |
//! | 5 interrupted runs silently completed or forgotten | `story_05_a_host_that_was_updated_by_hand_meanwhile_is_neither_forgotten_nor_done_twice`; `killed`, every line of a round |
//! | 6 what is not restored is not seen | `story_06_what_could_not_be_put_back_is_listed` |
//! | 7 PCI guests make a round impossible | `story_07_a_pinned_guest_is_shut_down_and_started_again` |
//! | 8 updater busy aborts the run | `story_08_a_busy_updater_is_waited_for` |
//! | 9 load balancer back too early | `story_09_workload_balancing_stays_off_until_the_last_host_is_done` |
//! | 10 pool changed between first check and n-th host | `story_10_the_pool_changes_after_the_first_check` |
//! | 11 `CANNOT_EVACUATE_HOST` with references only | `story_11_who_cannot_move_is_named` |
//! | 12 evacuation ignores the migration network | `story_12_guests_leave_over_the_network_and_in_the_batches_that_were_asked_for`, `story_12_a_network_that_a_host_has_no_address_on_…` |
//! | 13 reboot of a selection | `story_13_a_selection_of_hosts` |
//! | 14 failed patches reported as success | `story_14_an_update_that_failed_is_no_success` |
//! | 15 needless migrations | `story_15_everybody_is_home_again_and_hosts_left_out_are_left_alone` |
//! | 16 XOSTOR satellites of mixed versions | `story_16_mirrors_that_do_not_come_in_step_after_an_update_hold_the_next_host` |
//! | 17 resync not awaited | `story_17_a_resync_is_waited_for_however_long_it_stands_still` |
//! | 18 HA must be handled | `story_18_ha_is_off_meanwhile_and_back_as_it_was` |
//! | 19 failover to a member | `story_19_nobody_fails_over_while_the_coordinator_is_away`; no `rollout::call::Call` names another coordinator |
//! | 20 20 min are too short for big servers | `story_20_a_server_that_takes_most_of_an_hour` |
//! | 21 nobody sees that a host is worked on | `story_21_others_can_read_what_we_do` |
//! | 22 offered on single hosts | `story_22_a_pool_that_cannot_be_emptied_is_not_begun_unasked` |
//! | 23 left in maintenance after a failed evacuation | `story_23_a_failed_evacuation_leaves_no_host_disabled` |
//! | 24 reports | `story_24_there_is_a_report_with_every_host_and_what_went_wrong` |
//! | 25 HA on, unprotected guest, misleading code | `story_25_guests_that_ha_does_not_protect_do_not_stop_a_round` |
//! | 26 stops half-way, no way out | `story_26_a_host_that_cannot_be_emptied_can_be_skipped` |
//! | 27 guest shut down during its migration | `story_27_a_guest_that_its_user_shuts_down_on_the_way_is_left_to_its_user` |
//! | 28 wizard greyed out | `story_28_every_command_can_be_given_or_says_why_not_and_a_stop_always_has_a_way_out` |
//! | 29 one full host blocks the menu | `story_29_one_full_host_does_not_keep_the_others_from_taking_guests` |
//! | 30 designating another coordinator | `story_30_the_coordinator_stays_who_it_is` |
//! | 31 only the coordinator was patched, and all looks well | `story_31_who_updated_the_coordinator_alone_is_told_of_the_others` |
//! | 32 node stays cordoned | `story_32_a_host_that_does_not_enable_itself_is_enabled_and_one_that_cannot_be_is_told`, and the checker at the end of every seed |
//! | 33 lock of an owner that is gone | `story_33_a_dead_owners_claim_is_told_and_left`, `story_33_a_claim_whose_owner_is_gone_can_be_taken_over_but_not_before` |
//! | 34 hold until we are ready | `story_34_a_pause_holds_as_long_as_it_is_wanted` |
//! | 35 nothing can be repaired until it finishes | `story_35_the_operator_repairs_while_it_waits` |
//! | 36 waits for a migration for ever | `story_36_a_migration_that_hangs_is_asked_about` |
//! | 37 evacuation stopped guests | `story_37_a_host_that_somebody_else_empties_meanwhile_costs_no_guest`; the checker (`Rule::Harm`), in every seed |

mod before;
mod during;
mod kit;
mod updates;

use super::case::{Case, Shape};
use poolwatch::rollout::call::Call;
use poolwatch::rollout::entry::{Command, Entry, HostEnd, Item, RunResult};
use poolwatch::rollout::plan::Scope;
use poolwatch::rollout::twin::{Operator, Played, Stage, play};
use poolwatch::xenapi::record::Ref;
use std::time::Duration;

fn run(case: &Case) -> (Stage, Played) {
    run_as(case, Operator { mends: !case.never, ..Operator::default() })
}

fn run_as(case: &Case, operator: Operator) -> (Stage, Played) {
    let (mut stage, plan, found) = case.stage();
    stage.begin("r1", plan, found);
    let played = play(&mut stage, operator);
    assert_eq!(played.violation, None, "{case}");
    (stage, played)
}

/// The same, looked at after every step, in a round that needs no operator.
fn play_watched(stage: &mut Stage, operator: Operator, mut watch: impl FnMut(&Stage)) -> Played {
    while !stage.is_over() && stage.checker.violation.is_none() && stage.steps() < 20_000 {
        stage.step();
        watch(stage);
    }
    play(stage, operator)
}

fn done(played: &Played) -> bool {
    played.result.as_ref().is_some_and(|(r, _)| *r == RunResult::Done)
}

fn calls(stage: &Stage) -> Vec<Call> {
    let intent = |(_, entry): &(_, Entry)| if let Entry::Intent { call, .. } = entry { Some(call.clone()) } else { None };
    stage.book().disk().entries.iter().filter_map(intent).collect()
}

fn auto_poweron(stage: &Stage) -> bool {
    let db = stage.world.database();
    db.pool().is_some_and(|p| db.map_get(p, "other_config", "auto_poweron") == Some("true"))
}

#[test]
fn story_01_the_coordinator_reboots_and_the_round_goes_on() {
    let (stage, played) = run(&Case::calm(1));
    assert!(done(&played) && played.stops.is_empty(), "{played:?}");
    let first = stage.engine.as_ref().unwrap().run.plan.hosts[0].clone();
    assert!(first.coordinator);
    assert_eq!(stage.checker.reboots()[&first.host], 1);
}

#[test]
fn story_02_home_fails_for_memory() {
    let text = "line=5 pool fail-call method=VM.pool_migrate code=HOST_NOT_ENOUGH_FREE_MEMORY params=1,2 times=4";
    let (_, played) = run(&Case::calm(2).with(&[text]));
    assert!(done(&played) || !played.left.is_empty(), "tried again at the end, or listed: {played:?}");
    let (_, played) = run(&Case::calm(2).with(&[&text.replace("times=4", "times=9999")]));
    let guests = played.left.keys().filter(|item| matches!(item, Item::Guest { .. })).count();
    assert!(guests > 0 || !played.stops.is_empty(), "{played:?}");
}

#[test]
fn story_03_nothing_powers_on_by_itself_meanwhile() {
    let case = Case::calm(3);
    let (mut stage, plan, found) = case.stage();
    assert!(found.auto_poweron && auto_poweron(&stage));
    stage.begin("r1", plan, found);
    let mut meanwhile = false;
    let played = play_watched(&mut stage, Operator::default(), |s| {
        let evacuated = s.engine.as_ref().is_some_and(|e| e.run.calls.values().any(|c| matches!(c.call, Call::Evacuate { .. })));
        let over = s.engine.as_ref().is_some_and(|e| e.run.phase.0 >= poolwatch::rollout::entry::Phase::Restore);
        meanwhile |= evacuated && !over && auto_poweron(s);
    });
    assert!(done(&played) && !meanwhile && auto_poweron(&stage));
}

fn pinned(seed: u64) -> Case {
    let calm = Case::calm(seed);
    Case { shape: Shape { pinned: true, ..calm.shape }, ..calm }
}

fn tied_runs(stage: &Stage) -> bool {
    let db = stage.world.database();
    let tied = db.find("VM", "name_label", &"tied".into()).expect("the guest");
    db.text(&tied, "power_state") == "Running" && db.text(&db.reference(&tied, "resident_on"), "name_label") == "b"
}

#[test]
fn story_04_a_pinned_guest_runs_again_though_we_were_killed() {
    let (stage, played) = run(&pinned(4));
    assert!(done(&played), "{played:?}");
    let entries = stage.book().disk().entries.clone();
    let shut = |(_, e): &(_, Entry)| matches!(e, Entry::Intent { call: Call::ShutDown { .. }, .. });
    let line = entries.iter().position(shut).expect("it was shut down") + 1;
    for at in line..line + 30 {
        let (stage, played) = run(&pinned(4).with(&[&format!("line={at} kill after 60 0")]));
        assert!(done(&played) && tied_runs(&stage), "killed at line {at}: {played:?}");
    }
}

#[test]
fn story_06_what_could_not_be_put_back_is_listed() {
    let calm = Case::calm(6);
    let case = Case { shape: Shape { ha: true, ..calm.shape }, ..calm };
    let case = case.with(&["line=3 pool fail-call method=pool.enable_ha code=HOST_OFFLINE params=x times=9999"]);
    let (stage, played) = run(&case);
    assert!(!done(&played), "{played:?}");
    assert!(played.left.contains_key(&Item::Ha), "{played:?}");
    let db = stage.world.database();
    assert!(!db.boolean(db.pool().unwrap(), "ha_enabled"));
}

#[test]
fn story_07_a_pinned_guest_is_shut_down_and_started_again() {
    let (stage, played) = run(&pinned(7));
    assert!(done(&played) && tied_runs(&stage), "{played:?}");
    let down = calls(&stage).iter().filter(|c| matches!(c, Call::ShutDown { .. })).count();
    assert_eq!(down, 1);
}

#[test]
fn story_10_the_pool_changes_after_the_first_check() {
    // Another operator disables the last host while the first one is away.
    let (stage, played) = run(&Case::calm(10).with(&["after=90000 captain disable-next"]));
    assert!(!played.stops.is_empty() || played.took.as_secs() > 3_600, "it waits for that host, and asks: {played:?}");
    assert!(stage.checker.reboots().values().all(|n| *n <= 1));
}

#[test]
fn story_11_who_cannot_move_is_named() {
    let case = pinned(11);
    let (mut stage, mut plan, found) = case.stage();
    plan.options.shut_down_pinned = false;
    stage.begin("r1", plan, found);
    let played = play(&mut stage, Operator::default());
    assert_eq!(played.violation, None);
    assert!(played.stops.iter().any(|why| why.contains("tied") && !why.contains("OpaqueRef")), "{played:?}");
    assert!(tied_runs(&stage), "it was not touched");
}

#[test]
fn story_12_guests_leave_over_the_network_and_in_the_batches_that_were_asked_for() {
    let case = Case::calm(12);
    let (mut stage, mut plan, found) = case.stage();
    let network: Ref = stage.world.database().refs_of("network").next().cloned().expect("a network");
    plan.options.network = network.clone();
    plan.options.batch = 1;
    stage.begin("r1", plan, found);
    let played = play(&mut stage, Operator::default());
    assert!(done(&played), "{played:?}");
    let asked = |c: &Call| match c {
        Call::Evacuate { network: n, batch, .. } => Some(*n == network && *batch == 1),
        Call::Migrate { network: n, .. } => Some(*n == network),
        _ => None,
    };
    let all: Vec<bool> = calls(&stage).iter().filter_map(asked).collect();
    assert!(all.len() > 3 && all.iter().all(|ok| *ok));
}

#[test]
fn story_13_a_selection_of_hosts() {
    let case = Case::calm(13);
    let (mut stage, _, _) = case.stage();
    let scope = Scope { hosts: Some(vec!["c".into()]), ..Scope::default() };
    let (plan, found) = stage.plan(&scope, poolwatch::rollout::plan::Options::default()).expect("a plan");
    stage.begin("r1", plan, found);
    let played = play(&mut stage, Operator::default());
    assert!(done(&played), "{played:?}");
    assert_eq!(stage.checker.reboots().values().sum::<usize>(), 1);
}

#[test]
fn story_15_everybody_is_home_again_and_hosts_left_out_are_left_alone() {
    let (stage, played) = run(&Case::calm(15));
    assert!(done(&played) && played.left.is_empty(), "{played:?}");
    let (stage2, played) = run(&Case::calm(15).with(&["line=2 command {\"command\":\"skip\",\"host\":2}"]));
    assert!(played.result.is_some(), "{played:?}");
    let skipped = stage2.engine.as_ref().unwrap().run.plan.hosts[2].host.clone();
    assert!(!calls(&stage2).iter().any(|c| matches!(c, Call::Evacuate { host, .. } if *host == skipped)));
    drop(stage);
}

#[test]
fn story_17_a_resync_is_waited_for_however_long_it_stands_still() {
    let (_, played) = run(&Case::calm(17).with(&["line=12 pool stall-rebuild"]));
    assert!(done(&played), "mended after two hours, it goes on: {played:?}");
    assert!(played.took > Duration::from_secs(7_000), "{:?}", played.took);
}

#[test]
fn story_18_ha_is_off_meanwhile_and_back_as_it_was() {
    let calm = Case::calm(18);
    let case = Case { shape: Shape { ha: true, ..calm.shape }, ..calm };
    let (mut stage, plan, found) = case.stage();
    let before = found.ha.clone().expect("HA is on");
    stage.begin("r1", plan, found);
    let mut wrong = 0;
    let played = play_watched(&mut stage, Operator::default(), |s| {
        let away = s.world.truth().hosts.iter().any(|h| h.leaving);
        let db = s.world.database();
        wrong += usize::from(away && db.pool().is_some_and(|p| db.boolean(p, "ha_enabled")));
    });
    assert!(done(&played) && wrong == 0, "{played:?}");
    let db = stage.world.database();
    let pool = db.pool().unwrap();
    assert!(db.boolean(pool, "ha_enabled"));
    assert_eq!(db.int(pool, "ha_host_failures_to_tolerate"), before.tolerates);
}

#[test]
fn story_20_a_server_that_takes_most_of_an_hour() {
    let calm = Case::calm(20);
    let (_, played) = run(&Case { shape: Shape { slow: true, hosts: 2, ..calm.shape }, ..calm });
    assert!(done(&played) && played.stops.is_empty(), "{played:?}");
    assert!(played.took > Duration::from_secs(2 * 2_400));
}

#[test]
fn story_21_others_can_read_what_we_do() {
    let case = Case::calm(21);
    let (mut stage, plan, found) = case.stage();
    stage.begin("r1", plan, found);
    let mut told = false;
    let played = play_watched(&mut stage, Operator::default(), |s| {
        let db = s.world.database();
        let claim = db.pool().and_then(|p| db.map_get(p, "other_config", poolwatch::rollout::claim::KEY));
        told |= claim.is_some_and(|c| c.contains("reboot") && c.contains("operator@twin"));
    });
    assert!(done(&played) && told);
}

#[test]
fn story_23_a_failed_evacuation_leaves_no_host_disabled() {
    let case = Case::calm(23).with(&[
        "line=3 pool fail-call method=host.evacuate code=NO_HOSTS_AVAILABLE params=x times=9999",
        "line=3 pool fail-call method=VM.pool_migrate code=HOST_NOT_ENOUGH_FREE_MEMORY params=1,2 times=9999",
    ]);
    let (stage, played) = run(&case);
    assert!(played.aborted && played.result.is_some(), "{played:?}");
    assert!(stage.world.truth().hosts.iter().all(|h| h.enabled) || !played.left.is_empty(), "{played:?}");
}

#[test]
fn story_26_a_host_that_cannot_be_emptied_can_be_skipped() {
    let case = Case::calm(26)
        .with(&["line=3 pool fail-call method=host.evacuate code=VM_INCOMPATIBLE_WITH_THIS_HOST params=x,y,cpu times=1"]);
    let (mut stage, plan, found) = case.stage();
    stage.begin("r1", plan, found);
    while stage.engine.as_ref().is_some_and(|e| e.run.stuck.is_none() && e.run.result.is_none()) {
        stage.step();
    }
    if let Some(at) = stage.engine.as_ref().and_then(|e| e.run.current()) {
        stage.command(&Command::Skip { host: at }).expect("it can be skipped");
    }
    let played = play(&mut stage, Operator::default());
    assert_eq!(played.violation, None);
    let run = &stage.engine.as_ref().unwrap().run;
    let ended = run.hosts.iter().filter(|h| matches!(h.end, Some((HostEnd::Done, _)))).count();
    assert!(ended >= 2, "the others were done: {played:?}");
}

#[test]
fn story_33_a_dead_owners_claim_is_told_and_left() {
    let case = Case::calm(33);
    let (mut stage, plan, found) = case.stage();
    stage.foreign_claim();
    stage.begin("r1", plan, found);
    let played = play(&mut stage, Operator::default());
    assert_eq!(played.violation, None);
    assert!(!done(&played), "{played:?}");
    assert!(stage.checker.reboots().is_empty(), "nothing was touched");
}

#[test]
fn story_34_a_pause_holds_as_long_as_it_is_wanted() {
    let case = Case::calm(34).with(&["line=14 command {\"command\":\"pause\"}"]);
    let operator = Operator { comes_after: Duration::from_secs(20 * 3_600), ..Operator::default() };
    let (_, played) = run_as(&case, operator);
    assert!(done(&played) && played.took > Duration::from_secs(20 * 3_600), "{played:?}");
}

#[test]
fn story_35_the_operator_repairs_while_it_waits() {
    let (_, played) = run(&Case::calm(35).with(&["line=20 pool crash host=c"]));
    assert!(done(&played), "switched on again by the operator, it goes on: {played:?}");
}

#[test]
fn story_36_a_migration_that_hangs_is_asked_about() {
    let (_, played) = run(&Case::calm(36).with(&["line=4 pool timeout-call method=Async.host.evacuate"]));
    assert!(played.result.is_some(), "{played:?}");
}
