//! What the machine does on a pool that does what it is told, and on one that does not.

use super::testkit::*;
use crate::rollout::call::{Call, Outcome};
use crate::rollout::claim::{self, Claim};
use crate::rollout::engine::Job;
use crate::rollout::entry::{Command, Entry, HostEnd, Item, Phase, RunResult};
use crate::rollout::look::Look;
use crate::rollout::plan::{Accepted, Kind, Stage};

mod back;
mod claims;

fn is_reboot(c: &Call) -> bool {
    matches!(c, Call::Reboot { .. })
}

fn is_evacuate(c: &Call) -> bool {
    matches!(c, Call::Evacuate { .. })
}

fn reboots(b: &Bench) -> Vec<u32> {
    b.world.hosts.iter().map(|h| h.reboots).collect()
}

fn full(hosts: usize) -> World {
    let mut world = World::new(hosts, 2);
    world.ha = true;
    world.tolerates = 1;
    world.wlb = true;
    world.other_config.insert("auto_poweron".into(), "true".into());
    world
}

#[test]
fn a_plain_reboot_takes_every_host_once_and_leaves_the_pool_as_it_was() {
    let world = full(3);
    let before = world.found();
    let mut b = Bench::new(world);
    assert_eq!(b.finish(), RunResult::Done, "{:#?} {:#?}", b.engine.run.left, b.last_lines());
    assert_eq!(reboots(&b), [1, 1, 1]);
    assert_eq!(b.world.found(), before);
    assert_eq!(b.calls(|c| matches!(c, Call::Claim { .. })), 1);
    assert!(!b.world.other_config.contains_key(claim::KEY));
}

#[test]
fn the_claim_comes_first_and_what_is_changed_is_noted_before() {
    let mut b = Bench::new(full(2));
    b.finish();
    assert!(matches!(b.world.calls[0].1, Call::Claim { .. }));
    assert!(matches!(b.world.calls.last().map(|c| &c.1), Some(Call::Unclaim)));
    let lines: Vec<&Entry> = b.engine.log.lines.iter().map(|(_, e)| e).collect();
    let left = lines.iter().position(|e| matches!(e, Entry::Left { item: Item::Ha, .. })).expect("noted");
    let off = lines.iter().position(|e| matches!(e, Entry::Intent { call: Call::DisableHa, .. })).expect("off");
    assert!(left < off);
}

#[test]
fn the_fold_of_every_prefix_is_what_the_engine_had_and_each_resumes_to_a_good_end() {
    let mut b = Bench::new(full(2));
    b.finish();
    let lines = b.engine.log.lines.clone();
    let mut folded = crate::rollout::run::Run::begin(lines[0].0, &lines[0].1).expect("begins");
    for (at, entry) in &lines[1..] {
        folded.apply(*at, entry);
    }
    assert_eq!(folded, b.engine.run);
    // Killed at the n-th line, before what it intends was done, and after.
    for n in 1..lines.len() {
        for done in [false, true] {
            let mut b = Bench::new(full(2));
            b.engine.log.full_at = Some(n);
            let died = die(&mut b, done);
            assert!(died, "line {n}");
            b.engine.log.full_at = None;
            b.world.pass(7);
            b.restart();
            b.pace = 5;
            let result = b.finish();
            assert!(b.world.faults.is_empty(), "line {n}: {:?}", b.world.faults);
            assert_eq!(result, RunResult::Done, "line {n} {done}: {:#?} {:#?}", b.engine.run.left, b.last_lines());
            assert_eq!(reboots(&b), [1, 1], "line {n} {done}");
        }
    }
}

/// Runs until the journal takes no more lines. With `done`, the last call was made, and its answer could not be written.
fn die(b: &mut Bench, done: bool) -> bool {
    for _ in 0..3_000 {
        for _ in 0..100 {
            let picture = b.world.picture();
            let Ok((jobs, _)) = b.engine.turn(b.world.now, &b.world.pool, &picture) else {
                return true;
            };
            if jobs.is_empty() {
                break;
            }
            for job in jobs {
                match job {
                    Job::Make { id, call } => {
                        let full = b.engine.log.full_at.is_some_and(|n| b.engine.log.lines.len() >= n);
                        if full && !done {
                            return true;
                        }
                        let now = b.world.now;
                        let said = match b.world.reach(&call) {
                            Ok(task) => b.engine.accepted(now, id, task),
                            Err(outcome) => b.engine.ended(now, id, outcome),
                        };
                        if said.is_err() {
                            return true;
                        }
                    }
                    look @ Job::Look(_) => b.make(look),
                }
            }
            b.world.tell();
        }
        b.world.pass(1);
    }
    false
}

#[test]
fn nothing_is_called_whose_intent_could_not_be_written() {
    let mut b = Bench::new(full(2));
    b.reach(0, Stage::Evacuate);
    let calls = b.world.calls.len();
    b.engine.log.full_at = Some(0);
    b.world.pass(60);
    let picture = b.world.picture();
    let said = b.engine.turn(b.world.now, &b.world.pool, &picture);
    assert!(said.is_err() || b.world.calls.len() == calls);
    assert!(b.command(&Command::Pause).is_err());
}

#[test]
fn the_next_host_waits_for_a_rebuild_that_begins_late() {
    let mut world = World::new(2, 1);
    world.rebuild = Some((50, 600));
    let mut b = Bench::new(world);
    assert_eq!(b.finish(), RunResult::Done);
    let at: Vec<i64> = b.world.calls.iter().filter(|(_, c)| is_reboot(c)).map(|(at, _)| at.as_millis() / 1000).collect();
    assert!(at[1] - at[0] > 60 + 50 + 600 + 60, "{at:?}");
}

#[test]
fn a_longer_settle_window_is_measured_from_the_end_of_the_last_rebuild() {
    let mut world = World::new(2, 0);
    world.rebuild = Some((30, 300));
    let mut b = Bench::with(world, Kind::Reboot, |p| p.options.settle_s = 500);
    assert_eq!(b.finish(), RunResult::Done);
    let at: Vec<i64> = b.world.calls.iter().filter(|(_, c)| is_reboot(c)).map(|(at, _)| at.as_millis() / 1000).collect();
    assert!(at[1] - at[0] >= 70 + 30 + 300 + 500, "{at:?}");
}

#[test]
fn a_reboot_that_is_not_answered_is_watched_for_and_never_told_twice() {
    for (say, times) in [(Say::LoseAnswer, 1), (Say::LoseCall, 2)] {
        let mut world = World::new(2, 1);
        world.script.push((is_reboot, say));
        let mut b = Bench::new(world);
        assert_eq!(b.finish(), RunResult::Done);
        assert_eq!(reboots(&b), [1, 1]);
        assert_eq!(b.calls(|c| matches!(c, Call::Reboot { host } if *host == super::testkit::h(0))), times);
    }
}

#[test]
fn refusals_that_pass_are_waited_for() {
    for code in ["OTHER_OPERATION_IN_PROGRESS", "CLUSTERED_SR_DEGRADED", "MIRROR_REBUILD_IN_PROGRESS", "HOST_STILL_BOOTING"] {
        for fits in
            [is_reboot as fn(&Call) -> bool, is_evacuate, |c| matches!(c, Call::Disable { .. }), |c| matches!(c, Call::DisableHa)]
        {
            let mut world = full(2);
            world.script.push((fits, Say::Refuse(code)));
            world.script.push((fits, Say::NotSent));
            world.script.push((fits, Say::Refuse(code)));
            let mut b = Bench::new(world);
            assert_eq!(b.finish(), RunResult::Done, "{code}");
            assert_eq!(reboots(&b), [1, 1]);
        }
    }
}

#[test]
fn refusals_that_do_not_pass_stop_it_and_a_retry_goes_on() {
    for fits in [is_reboot as fn(&Call) -> bool, |c: &Call| matches!(c, Call::Disable { .. })] {
        let mut world = World::new(2, 1);
        world.script.push((fits, Say::Refuse("HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN")));
        let mut b = Bench::new(world);
        let why = b.stuck(2_000);
        assert!(why.contains("HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN") && why.contains("xcp0"), "{why}");
        b.run(300);
        assert!(b.engine.run.stuck.is_some(), "nothing goes on by itself");
        b.command(&Command::Retry).expect("stuck");
        assert_eq!(b.finish(), RunResult::Done);
    }
}

#[test]
fn guests_that_cannot_move_are_named_and_nothing_is_rebooted() {
    let mut world = World::new(2, 2);
    world.guests[0].bound = Some("VM_HAS_PCI_ATTACHED");
    let mut b = Bench::new(world);
    let why = b.stuck(1_000);
    assert!(why.contains("vm0") && why.contains("passed through"), "{why}");
    assert_eq!(b.calls(is_evacuate), 0, "found before anything moves");
    // Given up, it takes guests again, and the round goes on with the next.
    b.command(&Command::Skip { host: 0 }).expect("stuck there");
    assert_eq!(b.finish(), RunResult::Stopped);
    assert!(matches!(b.ends()[0], Some(HostEnd::Abandoned { .. })));
    assert_eq!(b.ends()[1], Some(HostEnd::Done));
    assert!(b.world.hosts[0].enabled && b.engine.run.left.is_empty());
    assert_eq!(reboots(&b), [0, 1]);
}

#[test]
fn guests_that_cannot_move_are_stopped_if_that_was_allowed_and_run_again_after() {
    let mut world = World::new(2, 2);
    world.guests[0].bound = Some("VM_HAS_VGPU");
    let before = world.found();
    let mut b = Bench::with(world, Kind::Reboot, |p| p.options.shut_down_pinned = true);
    assert_eq!(b.finish(), RunResult::Done);
    assert_eq!(b.world.found(), before);
    assert_eq!(b.calls(|c| matches!(c, Call::ShutDown { .. })), 1);
    let lines: Vec<&Entry> = b.engine.log.lines.iter().map(|(_, e)| e).collect();
    let left = lines.iter().position(|e| matches!(e, Entry::Left { item: Item::Halted { .. }, .. })).expect("noted");
    let off = lines.iter().position(|e| matches!(e, Entry::Intent { call: Call::ShutDown { .. }, .. })).expect("told");
    assert!(left < off);
}

#[test]
fn no_room_may_pass_and_else_the_operator_is_asked() {
    let mut world = World::new(2, 2);
    world.guests[0].bound = Some("HOST_NOT_ENOUGH_FREE_MEMORY");
    let mut b = Bench::new(world);
    let why = b.stuck(1_000);
    assert!(why.contains("memory"), "{why}");
    b.world.guests[0].bound = None;
    b.command(&Command::Retry).expect("stuck");
    assert_eq!(b.finish(), RunResult::Done);
}

#[test]
fn an_evacuation_that_fails_is_tried_again_and_then_done_guest_by_guest() {
    let mut world = World::new(3, 2);
    for _ in 0..3 {
        world.script.push((is_evacuate, Say::Fail("INTERNAL_ERROR")));
    }
    let mut b = Bench::new(world);
    assert_eq!(b.finish(), RunResult::Done);
    assert_eq!(reboots(&b), [1, 1, 1]);
    let first: Vec<_> = b.world.calls.iter().filter(|(_, c)| matches!(c, Call::Migrate { .. })).take(2).collect();
    assert_eq!(first.len(), 2);
}

#[test]
fn a_guest_that_starts_on_the_emptied_host_is_moved_before_the_reboot() {
    let mut world = World::new(2, 2);
    world.script.push((is_reboot, Say::Refuse("OTHER_OPERATION_IN_PROGRESS")));
    let mut b = Bench::new(world);
    b.reach(0, Stage::Reboot);
    b.world.guests[1].on = Some(0);
    b.world.tell();
    assert_eq!(b.finish(), RunResult::Done);
    assert_eq!(reboots(&b), [1, 1]);
    assert_eq!(b.engine.run.hosts[0].rounds(Stage::Evacuate), 2);
}

#[test]
fn a_host_that_does_not_come_back_stops_the_run_and_no_other_is_touched() {
    let mut world = World::new(3, 1);
    world.hosts[1].dies = true;
    let mut b = Bench::with(world, Kind::Reboot, |p| p.hosts.swap(0, 1));
    let why = b.stuck(20_000);
    assert!(why.contains("xcp1") && why.contains("down"), "{why}");
    assert_eq!(reboots(&b), [0, 1, 0]);
    assert!(b.command(&Command::Skip { host: 0 }).expect_err("half-way").contains("half-way"));
    b.command(&Command::Retry).expect("stuck");
    b.run(600);
    assert_eq!(b.stage(), Some((0, Stage::Up)));
    // It is repaired.
    b.world.hosts[1].next.push_back((b.world.now, What::Live));
    b.world.hosts[1].next.push_back((b.world.now, What::Ready));
    b.world.hosts[1].dies = false;
    assert_eq!(b.finish(), RunResult::Done);
    assert_eq!(reboots(&b), [1, 1, 1]);
}

#[test]
fn an_abort_while_a_host_hangs_leaves_it_with_a_word_and_puts_the_rest_back() {
    let mut world = full(3);
    world.hosts[1].dies = true;
    let mut b = Bench::with(world, Kind::Reboot, |p| p.hosts.swap(0, 1));
    b.stuck(20_000);
    b.command(&Command::Abort).expect("it can always be ended");
    assert_eq!(b.finish(), RunResult::Stopped);
    assert!(b.world.ha && b.world.wlb, "the test's pool takes HA back even so");
    assert!(b.engine.run.left.keys().any(|i| matches!(i, Item::Host { host } if *host == host_uuid(1))));
    let away = |i: &&Item| matches!(i, Item::Guest { host, .. } if *host == host_uuid(1));
    assert_eq!(b.engine.run.left.keys().filter(away).count(), 2, "its guests are elsewhere: {:?}", b.engine.run.left);
    assert_eq!(reboots(&b), [0, 1, 0]);
}

#[test]
fn an_abort_in_every_stage_brings_the_host_back_and_the_pool_to_what_it_was() {
    use strum::IntoEnumIterator;
    for stage in Stage::iter().filter(|s| *s != Stage::Update) {
        let world = full(3);
        let before = world.found();
        let mut b = Bench::new(world);
        b.until(20_000, |b| b.engine.run.hosts[1].stages.iter().any(|(s, _)| *s == stage));
        b.command(&Command::Abort).expect("it runs");
        assert!(b.command(&Command::Abort).is_err());
        assert_eq!(b.finish(), RunResult::Stopped, "{stage:?}");
        assert_eq!(b.world.found(), before, "{stage:?} {:#?}", b.engine.run.left);
        assert!(b.engine.run.left.is_empty(), "{stage:?} {:#?}", b.engine.run.left);
        assert!(b.world.hosts.iter().all(|h| h.enabled && h.live), "{stage:?}");
        assert_eq!(reboots(&b)[2], 0);
        assert!(matches!(b.ends()[2], Some(HostEnd::Skipped { .. })));
        assert!(!b.world.other_config.contains_key(claim::KEY));
    }
}

#[test]
fn stop_after_host_ends_with_what_is_done() {
    let mut b = Bench::new(full(3));
    b.reach(0, Stage::Up);
    b.command(&Command::StopAfterHost).expect("it runs");
    assert_eq!(b.finish(), RunResult::Stopped);
    assert_eq!(reboots(&b), [1, 0, 0]);
    assert_eq!(b.ends()[0], Some(HostEnd::Done));
    assert!(b.world.ha);
}
