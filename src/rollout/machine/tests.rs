//! What the machine does on a pool that does what it is told, and on one that does not.

use super::testkit::*;
use crate::rollout::call::{Call, Outcome};
use crate::rollout::claim::{self, Claim};
use crate::rollout::engine::Job;
use crate::rollout::entry::{Command, Entry, HostEnd, Item, Phase, RunResult};
use crate::rollout::look::Look;
use crate::rollout::plan::{Accepted, Kind, Stage};

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
    assert!(b.command(Command::Pause).is_err());
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
        b.command(Command::Retry).expect("stuck");
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
    b.command(Command::Skip { host: 0 }).expect("stuck there");
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
    b.command(Command::Retry).expect("stuck");
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
    assert!(b.command(Command::Skip { host: 0 }).expect_err("half-way").contains("half-way"));
    b.command(Command::Retry).expect("stuck");
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
    b.command(Command::Abort).expect("it can always be ended");
    assert_eq!(b.finish(), RunResult::Stopped);
    assert!(b.world.ha && b.world.wlb, "the test's pool takes HA back even so");
    assert!(b.engine.run.left.keys().any(|i| matches!(i, Item::Host { host } if *host == host_uuid(1))));
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
        b.command(Command::Abort).expect("it runs");
        assert!(b.command(Command::Abort).is_err());
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
    b.command(Command::StopAfterHost).expect("it runs");
    assert_eq!(b.finish(), RunResult::Stopped);
    assert_eq!(reboots(&b), [1, 0, 0]);
    assert_eq!(b.ends()[0], Some(HostEnd::Done));
    assert!(b.world.ha);
}

#[test]
fn a_pause_makes_no_call_and_a_resume_goes_on() {
    let mut b = Bench::new(World::new(2, 2));
    b.reach(0, Stage::Rebuild);
    assert!(b.command(Command::Resume).is_err() && b.command(Command::Retry).is_err());
    b.command(Command::Pause).expect("it runs");
    let calls = b.calls(|c| !matches!(c, Call::Renew { .. }));
    b.run(2_000);
    assert_eq!(b.calls(|c| !matches!(c, Call::Renew { .. })), calls);
    assert!(b.calls(|c| matches!(c, Call::Renew { .. })) >= 5, "the claim lives on");
    b.command(Command::Resume).expect("it is paused");
    assert_eq!(b.finish(), RunResult::Done);
}

#[test]
fn a_host_can_be_left_out_before_it_is_begun_and_not_while_it_is_worked_on() {
    let mut b = Bench::new(World::new(3, 1));
    b.reach(0, Stage::Evacuate);
    assert!(b.command(Command::Skip { host: 0 }).is_err());
    assert!(b.command(Command::Skip { host: 9 }).is_err());
    b.command(Command::Skip { host: 1 }).expect("not begun");
    assert!(b.command(Command::Skip { host: 1 }).is_err());
    assert_eq!(b.finish(), RunResult::Stopped);
    assert_eq!(reboots(&b), [1, 0, 1]);
}

#[test]
fn nothing_is_begun_after_the_window() {
    let mut b = Bench::with(World::new(3, 0), Kind::Reboot, |p| p.options.not_after = Some(at(100)));
    assert_eq!(b.finish(), RunResult::Stopped);
    assert_eq!(reboots(&b), [1, 0, 0]);
}

#[test]
fn somebody_elses_claim_refuses_the_run_before_anything_is_touched() {
    let mut world = full(2);
    world.other_config.insert(claim::KEY.into(), Claim::new("bob@laptop", "r9", at(-10), "").to_value());
    world.tell();
    let mut b = Bench::new(world);
    assert_eq!(b.finish(), RunResult::Refused);
    assert!(b.world.calls.is_empty());
    assert!(b.engine.run.result.as_ref().is_some_and(|r| r.1.contains("bob@laptop")));
}

#[test]
fn a_dead_claim_is_taken_over_if_the_operator_accepted_that() {
    let mut world = full(2);
    world.other_config.insert(claim::KEY.into(), Claim::new("bob@laptop", "r9", at(-10_000), "").to_value());
    world.tell();
    let accepted = Accepted { code: "claim".into(), about: String::new(), reason: "bob is on holiday".into() };
    let mut b = Bench::with(world, Kind::Reboot, |p| p.options.accepted.push(accepted));
    assert_eq!(b.finish(), RunResult::Done);
}

#[test]
fn a_claim_that_is_lost_stops_the_run_before_the_next_call() {
    for theirs in [false, true] {
        let mut b = Bench::new(full(2));
        b.reach(0, Stage::Evacuate);
        b.world.other_config.remove(claim::KEY);
        if theirs {
            b.world.other_config.insert(claim::KEY.into(), Claim::new("bob@laptop", "r9", b.world.now, "").to_value());
        }
        b.world.tell();
        let calls = b.world.calls.len();
        let why = b.stuck(1_000);
        assert!(why.contains(if theirs { "bob@laptop" } else { "gone" }), "{why}");
        assert_eq!(b.world.calls.len(), calls);
        if theirs {
            b.command(Command::Retry).expect("stuck");
            b.stuck(100);
            b.command(Command::Abort).expect("it can always be ended");
            assert_eq!(b.finish(), RunResult::Stopped);
            assert_eq!(b.world.calls.len(), calls, "the pool is somebody else's");
            assert!(b.engine.run.left.contains_key(&Item::Ha));
        } else {
            b.command(Command::Retry).expect("stuck");
            assert_eq!(b.finish(), RunResult::Done);
        }
    }
}

#[test]
fn nothing_is_decided_while_the_pool_is_not_seen() {
    let mut b = Bench::new(World::new(2, 2));
    b.reach(0, Stage::Rebuild);
    b.world.disconnect();
    let calls = b.world.calls.len();
    b.run(3_000);
    assert_eq!(b.world.calls.len(), calls);
    assert!(b.engine.run.stuck.is_none());
    b.world.connect();
    assert_eq!(b.finish(), RunResult::Done);
}

#[test]
fn a_reading_that_contradicts_the_event_stream_wins() {
    // The model believes the host empty and the other one enabled; the fresh reading knows better.
    let mut world = World::new(3, 1);
    world.script.push((is_reboot, Say::Refuse("OTHER_OPERATION_IN_PROGRESS")));
    let mut b = Bench::new(world);
    b.reach(0, Stage::Reboot);
    b.world.blind = true;
    b.world.hosts[2].enabled = false;
    b.world.pass(5);
    let picture = b.world.picture();
    let (jobs, _) = b.engine.turn(b.world.now, &b.world.pool, &picture).expect("written");
    for job in jobs {
        b.make(job);
    }
    let picture = b.world.picture();
    let (jobs, _) = b.engine.turn(b.world.now, &b.world.pool, &picture).expect("written");
    assert!(!jobs.iter().any(|j| matches!(j, Job::Make { call: Call::Reboot { .. }, .. })));
    assert!(b.engine.run.waiting.contains("xcp2 is not enabled"), "{}", b.engine.run.waiting);
}

#[test]
fn every_reboot_follows_a_reading_made_for_it() {
    let mut b = Bench::new(World::new(2, 1));
    let mut looked = None;
    for _ in 0..2_000 {
        let picture = b.world.picture();
        let (jobs, _) = b.engine.turn(b.world.now, &b.world.pool, &picture).expect("written");
        for job in jobs {
            match &job {
                Job::Look(Look::State { .. }) => looked = Some(b.world.now),
                Job::Make { call: Call::Reboot { .. }, .. } => {
                    assert!(looked.take().is_some_and(|at| b.world.now.since(at).as_secs() <= 5));
                }
                _ => {}
            }
            b.make(job);
        }
        b.world.pass(1);
        if b.engine.run.result.is_some() {
            break;
        }
    }
    assert_eq!(reboots(&b), [1, 1]);
}

#[test]
fn storage_that_is_not_plugged_by_itself_is_plugged_and_the_host_is_enabled() {
    let mut world = World::new(2, 1);
    world.hosts[1].stays_unplugged = true;
    let mut b = Bench::new(world);
    assert_eq!(b.finish(), RunResult::Done);
    assert_eq!(b.calls(|c| matches!(c, Call::Plug { .. })), 1);
    assert_eq!(b.calls(|c| matches!(c, Call::Enable { .. })), 1);
}

#[test]
fn storage_that_cannot_be_plugged_stops_the_run() {
    let mut world = World::new(2, 1);
    world.hosts[0].stays_unplugged = true;
    for _ in 0..40 {
        world.script.push((|c| matches!(c, Call::Plug { .. }), Say::Fail("SR_BACKEND_FAILURE_47")));
    }
    let mut b = Bench::new(world);
    let why = b.stuck(5_000);
    assert!(why.contains("xostor") && why.contains("xcp0"), "{why}");
    assert_eq!(reboots(&b), [1, 0]);
}

#[test]
fn a_host_that_is_not_enabled_by_itself_is_helped() {
    let mut world = World::new(2, 1);
    world.hosts[1].stays_disabled = true;
    world.script.push((|c| matches!(c, Call::Enable { .. }), Say::Refuse("HOST_STILL_BOOTING")));
    let mut b = Bench::new(world);
    assert_eq!(b.finish(), RunResult::Done);
    assert_eq!(b.calls(|c| matches!(c, Call::Enable { .. })), 2);
}

#[test]
fn guests_that_cannot_come_home_are_tried_at_the_end_and_listed() {
    let mut world = World::new(2, 2);
    for _ in 0..4 {
        world.script.push((|c| matches!(c, Call::Migrate { vm, .. } if *vm == g(0)), Say::Refuse("HOST_NOT_ENOUGH_FREE_MEMORY")));
    }
    let mut b = Bench::with(world, Kind::Reboot, |p| p.hosts.truncate(1));
    assert_eq!(b.finish(), RunResult::Stopped);
    assert_eq!(b.ends(), [Some(HostEnd::Done)]);
    assert_eq!(b.calls(|c| matches!(c, Call::Migrate { vm, .. } if *vm == g(0))), 2, "at once, and again at the end");
    assert_eq!(b.engine.run.left.len(), 1, "{:?}", b.engine.run.left);
    // Later there is room.
    b.world.script.clear();
    b.command(Command::Restore).expect("something is left");
    assert_eq!(b.finish(), RunResult::Done);
    assert_eq!(b.world.guests[0].on, Some(0));
    assert!(b.command(Command::Restore).is_err());
    assert!(!b.world.other_config.contains_key(claim::KEY));
}

#[test]
fn what_cannot_be_put_back_is_tried_again_kept_and_restored_by_command() {
    let mut world = full(2);
    for _ in 0..10 {
        world.script.push((|c| matches!(c, Call::EnableHa { .. }), Say::Refuse("HOST_OFFLINE")));
    }
    let mut b = Bench::new(world);
    assert_eq!(b.finish(), RunResult::Stopped);
    assert!(b.engine.run.left.get(&Item::Ha).is_some_and(|why| why.contains("HOST_OFFLINE")), "{:?}", b.engine.run.left);
    assert!(b.calls(|c| matches!(c, Call::EnableHa { .. })) >= 4);
    b.world.script.clear();
    b.restart();
    b.command(Command::Restore).expect("something is left");
    assert_eq!(b.finish(), RunResult::Done);
    assert!(b.world.ha && b.world.tolerates == 1);
}

#[test]
fn updates_are_installed_and_looked_for() {
    for kind in [
        Kind::XcpNg,
        Kind::XenServer { hash: "hash".into() },
        Kind::PoolUpdate { update: "update".into(), name: "hotfix".into() },
    ] {
        let mut world = World::new(2, 2);
        for host in &mut world.hosts {
            host.lacks = 3;
        }
        fn is_update(c: &Call) -> bool {
            matches!(c, Call::XcpUpdate { .. } | Call::ApplyUpdates { .. } | Call::ApplyPoolUpdate { .. })
        }
        world.script.push((is_update, Say::Fail("OTHER_OPERATION_IN_PROGRESS")));
        let mut b = Bench::with(world, kind, |_| {});
        assert_eq!(b.finish(), RunResult::Done);
        assert_eq!(b.calls(is_update), 3);
        assert_eq!(reboots(&b), [1, 1]);
    }
}

#[test]
fn update_metadata_that_moved_stops_the_run() {
    let mut world = World::new(2, 0);
    world.hosts[0].lacks = 1;
    let mut b = Bench::with(world, Kind::XenServer { hash: "older".into() }, |_| {});
    let why = b.stuck(2_000);
    assert!(why.contains("metadata"), "{why}");
    b.command(Command::Abort).expect("runs");
    assert_eq!(b.finish(), RunResult::Stopped);
    assert!(b.world.hosts[0].enabled);
}

#[test]
fn soft_findings_are_asked_for_and_an_accepted_one_goes_on() {
    let mut b = Bench::new(World::new(2, 0));
    // A silent host shows as trouble in the soak.
    b.reach(0, Stage::Soak);
    b.world.hosts[1].mute = true;
    let why = b.stuck(2_000);
    assert!(why.contains("xcp1"), "{why}");
    assert!(b.command(Command::Accept { code: String::new(), about: String::new(), reason: "x".into() }).is_err());
    assert!(b.command(Command::Accept { code: "host-silent".into(), about: String::new(), reason: String::new() }).is_err());
    let code = if why.contains("[host-silent]") { "host-silent" } else { "host-unknown" };
    let hard = b.command(Command::Accept { code: code.into(), about: String::new(), reason: "known".into() });
    assert!(hard.expect_err("hard").contains("hard"));
    b.world.hosts[1].mute = false;
    b.world.pass(200);
    b.command(Command::Retry).expect("stuck");
    assert_eq!(b.finish(), RunResult::Done);
}

#[test]
fn a_host_that_left_the_pool_or_is_another_one_stops_the_run() {
    let mut b = Bench::with(World::new(3, 0), Kind::Reboot, |p| p.hosts[2].uuid = host_uuid(9));
    assert_eq!(b.finish(), RunResult::Refused, "before anything was touched");
    let mut b = Bench::new(World::new(3, 0));
    b.reach(0, Stage::Soak);
    b.world.pool.apply(&crate::observation::Observation {
        at: b.world.now,
        seen: crate::observation::Seen::Gone { class: crate::xenapi::record::Class::Host, r#ref: h(1) },
    });
    b.world.blind = true;
    let picture = b.world.picture();
    let _ = b.engine.turn(b.world.now, &b.world.pool, &picture);
    assert!(b.engine.run.phase.0 == Phase::Hosts);
}

#[test]
fn a_run_that_is_over_takes_no_command_but_restore() {
    let mut b = Bench::new(World::new(2, 0));
    b.finish();
    for command in [Command::Pause, Command::Resume, Command::Retry, Command::Abort, Command::StopAfterHost, Command::Restore] {
        assert!(b.command(command.clone()).is_err(), "{command:?}");
    }
}

#[test]
fn a_task_that_vanished_is_looked_after_in_the_pool() {
    let mut b = Bench::new(World::new(2, 2));
    b.until(1_000, |b| b.calls(is_evacuate) == 1);
    b.world.pass(2);
    b.turn();
    // The toolstack starts again and forgets its tasks; what was begun is half done.
    let task = b.world.tasks.keys().next().cloned().expect("a task");
    b.world.tasks.clear();
    b.world.forget(&task);
    assert_eq!(b.finish(), RunResult::Done);
    let unanswered = |e: &Entry| matches!(e, Entry::Outcome { outcome: Outcome::Unanswered { .. }, .. });
    assert!(b.engine.log.lines.iter().any(|(_, e)| unanswered(e)));
}

#[test]
fn what_was_stuck_after_its_reboot_can_be_ended_without_waiting_for_it() {
    let mut b = Bench::new(World::new(2, 0));
    b.reach(0, Stage::Soak);
    b.world.hosts[1].mute = true;
    b.stuck(2_000);
    b.command(Command::Abort).expect("runs");
    assert_eq!(b.finish(), RunResult::Stopped);
    assert!(matches!(b.ends()[0], Some(HostEnd::Abandoned { .. })));
}

#[test]
fn a_clock_that_was_set_back_while_the_program_was_dead_holds_nothing_up() {
    let mut b = Bench::new(World::new(2, 1));
    b.reach(0, Stage::Rebuild);
    let ahead = b.engine.log.lines.clone();
    // The journal was written by a clock that was an hour ahead.
    let lines: Vec<_> = ahead.into_iter().map(|(at, e)| (at + std::time::Duration::from_secs(3_600), e)).collect();
    let log = b.engine.log.clone();
    b.engine = crate::rollout::engine::Engine::resume(log, &lines, b.world.now, ME).expect("resumes");
    let began = b.world.now;
    assert_eq!(b.finish(), RunResult::Done);
    assert!(b.world.now.since(began).as_secs() < 1_800);
}
