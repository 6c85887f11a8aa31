//! Stories of updates that were said to be installed, and were not, or not everywhere.

use super::done;
use super::kit::*;
use poolwatch::rollout::call::{Call, Outcome};
use poolwatch::rollout::entry::Entry;
use poolwatch::rollout::plan::Scope;
use poolwatch::rollout::twin::{Operator, Stage};

fn pool_with_updates() -> String {
    pool(&format!("{GUESTS}\n{UPDATES}"), "")
}

/// How often an update was begun, and how often that was refused or failed.
fn installs(stage: &Stage) -> (usize, usize) {
    let disk = stage.book().disk();
    let ids: Vec<_> = disk
        .entries
        .iter()
        .filter_map(|(_, e)| match e {
            Entry::Intent { id, call: Call::XcpUpdate { .. }, .. } => Some(*id),
            _ => None,
        })
        .collect();
    let failed = |(_, e): &&(_, Entry)| matches!(e, Entry::Outcome { id, outcome: Outcome::Failed { .. } } if ids.contains(id));
    (ids.len(), disk.entries.iter().filter(failed).count())
}

#[test]
fn story_08_a_busy_updater_is_waited_for() {
    let mut stage =
        stage(&pool_with_updates(), 8, &["line=8 pool busy-updater host=a by=200", "line=8 pool busy-updater host=b by=400"]);
    let played = round(&mut stage, &update(), Operator::default(), |_| {});
    assert!(done(&played) && played.stops.is_empty(), "{played:?}");
    let disk = stage.book().disk();
    let asked = |(_, e): &&(_, Entry)| matches!(e, Entry::Waiting { text, .. } if text.contains("asks again which updates"));
    assert!(disk.entries.iter().filter(asked).count() > 0, "it was really busy");
    drop(disk);
    assert_eq!(installs(&stage), (3, 0), "and nothing was installed twice");
    assert_eq!(updated(&stage), ["a", "b", "c"]);
}

#[test]
fn story_14_an_update_that_failed_is_no_success() {
    // It fails for good: the round says so, and the host counts as what it is.
    let text = "line=3 pool fail-call method=host.call_plugin code=1 params=yum times=9999";
    let mut stage = stage(&pool_with_updates(), 14, &[text]);
    let (plan, found) = plan(&mut stage, &update());
    stage.begin("r1", plan, found);
    let played = poolwatch::rollout::twin::play(&mut stage, Operator { mends: false, retries: 1, ..Operator::default() });
    assert_eq!(played.violation, None, "{played:?}");
    assert!(!done(&played) && !played.stops.is_empty(), "{played:?}");
    assert!(updated(&stage).is_empty() && stage.checker.reboots().is_empty(), "nothing was installed, and nothing rebooted");
    // It fails once: tried again, and done only when the host lacks nothing any more.
    let mut stage = self::stage(&pool_with_updates(), 14, &["line=3 pool fail-update host=b code=1"]);
    let played = round(&mut stage, &update(), Operator::default(), |_| {});
    assert!(done(&played), "{played:?}");
    assert!(installs(&stage).1 > 0, "it did fail");
    assert_eq!(updated(&stage), ["a", "b", "c"]);
}

#[test]
fn story_16_mirrors_that_do_not_come_in_step_after_an_update_hold_the_next_host() {
    let mut stage = stage(&pool_with_updates(), 16, &["line=12 pool stall-rebuild"]);
    stage.mended_after = None;
    let (plan, found) = plan(&mut stage, &update());
    stage.begin("r1", plan, found);
    let played = poolwatch::rollout::twin::play(&mut stage, Operator { mends: false, retries: 1, ..Operator::default() });
    assert_eq!(played.violation, None, "{played:?}");
    assert!(!done(&played), "{played:?}");
    assert_eq!(updated(&stage), ["a"], "the host whose mirrors are behind, and no other");
    assert_eq!(stage.checker.reboots().values().sum::<usize>(), 1);
}

#[test]
fn story_31_who_updated_the_coordinator_alone_is_told_of_the_others() {
    let mut stage = stage(&pool_with_updates(), 31, &[]);
    let only = Scope { hosts: Some(vec!["a".into()]), ..update() };
    let played = round(&mut stage, &only, Operator::default(), |_| {});
    assert!(done(&played), "{played:?}");
    assert_eq!(updated(&stage), ["a"]);
    // Whoever looks then is told of the two that are left, and why the first is not among them.
    let mut looked = Stage::new(stage.world.clone(), Vec::new());
    let (plan, _) = plan(&mut looked, &update());
    let names: Vec<&str> = plan.hosts.iter().map(|h| h.name.as_str()).collect();
    assert_eq!(names, ["b", "c"]);
    assert!(plan.left_out.iter().any(|l| l.name == "a" && !l.why.is_empty()), "{:?}", plan.left_out);
    let (stage, played) = again(stage, &update());
    assert!(done(&played), "{played:?}");
    assert_eq!(updated(&stage), ["a", "b", "c"]);
    let mut looked = Stage::new(stage.world.clone(), Vec::new());
    let nothing = looked.plan(&update(), poolwatch::rollout::plan::Options::default());
    assert!(nothing.as_ref().is_err() || nothing.is_ok_and(|(plan, _)| plan.hosts.is_empty()), "and then nothing is left");
}

#[test]
fn story_05_a_host_that_was_updated_by_hand_meanwhile_is_neither_forgotten_nor_done_twice() {
    // Our program dies while it works on the first host and is away for two hours; somebody else reboots another host in that time.
    let mut stage = stage(
        &pool_with_updates(),
        5,
        &[
            "line=14 kill after 7200 0",
            "after=3600000 pool operator does=disable host=c",
            "after=3601000 pool operator does=reboot host=c",
        ],
    );
    let played = round(&mut stage, &update(), Operator::default(), |_| {});
    assert!(done(&played), "{played:?}");
    assert_eq!(updated(&stage), ["a", "b", "c"], "a reboot by hand updated nothing: it is still to be done");
    assert!(stage.checker.reboots().values().all(|n| *n == 1), "{:?}", stage.checker.reboots());
    let run = &stage.engine.as_ref().unwrap().run;
    assert!(run.hosts.iter().all(|h| h.end.is_some()), "each has an end in the journal");
}
