//! The way back up, updates, and what is put back at the end.

use super::*;

#[test]
fn a_pause_makes_no_call_and_a_resume_goes_on() {
    let mut b = Bench::new(World::new(2, 2));
    b.reach(0, Stage::Rebuild);
    assert!(b.command(&Command::Resume).is_err() && b.command(&Command::Retry).is_err());
    b.command(&Command::Pause).expect("it runs");
    let calls = b.calls(|c| !matches!(c, Call::Renew { .. }));
    b.run(2_000);
    assert_eq!(b.calls(|c| !matches!(c, Call::Renew { .. })), calls);
    assert!(b.calls(|c| matches!(c, Call::Renew { .. })) >= 5, "the claim lives on");
    b.command(&Command::Resume).expect("it is paused");
    assert_eq!(b.finish(), RunResult::Done);
}

#[test]
fn a_host_can_be_left_out_before_it_is_begun_and_not_while_it_is_worked_on() {
    let mut b = Bench::new(World::new(3, 1));
    b.reach(0, Stage::Evacuate);
    assert!(b.command(&Command::Skip { host: 0 }).is_err());
    assert!(b.command(&Command::Skip { host: 9 }).is_err());
    b.command(&Command::Skip { host: 1 }).expect("not begun");
    assert!(b.command(&Command::Skip { host: 1 }).is_err());
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
    b.command(&Command::Restore).expect("something is left");
    assert_eq!(b.finish(), RunResult::Done);
    assert_eq!(b.world.guests[0].on, Some(0));
    assert!(b.command(&Command::Restore).is_err());
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
    b.command(&Command::Restore).expect("something is left");
    assert_eq!(b.finish(), RunResult::Done);
    assert!(b.world.ha && b.world.tolerates == 1);
}

fn is_update(c: &Call) -> bool {
    matches!(c, Call::XcpUpdate { .. } | Call::ApplyUpdates { .. } | Call::ApplyPoolUpdate { .. })
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
    b.command(&Command::Abort).expect("runs");
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
    assert!(b.command(&Command::Accept { code: String::new(), about: String::new(), reason: "x".into() }).is_err());
    assert!(b.command(&Command::Accept { code: "host-silent".into(), about: String::new(), reason: String::new() }).is_err());
    let code = if why.contains("[host-silent]") { "host-silent" } else { "host-unknown" };
    let hard = b.command(&Command::Accept { code: code.into(), about: String::new(), reason: "known".into() });
    assert!(hard.expect_err("hard").contains("hard"));
    b.world.hosts[1].mute = false;
    b.world.pass(200);
    b.command(&Command::Retry).expect("stuck");
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
        assert!(b.command(&command).is_err(), "{command:?}");
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
    b.command(&Command::Abort).expect("runs");
    assert_eq!(b.finish(), RunResult::Stopped);
    assert!(matches!(b.ends()[0], Some(HostEnd::Abandoned { .. })));
}

#[test]
fn a_rebuild_that_the_coordinator_forgot_while_the_program_was_dead_is_asked_about() {
    for restarted in [true, false] {
        let mut world = World::new(3, 0);
        world.rebuild = Some((5, 600));
        let mut b = Bench::new(world);
        b.reach(1, Stage::Rebuild).until(60, |b| b.engine.run.waiting.contains("mirrors are being rebuilt"));
        b.world.forgets(restarted);
        b.restart();
        if restarted {
            let why = b.stuck(300);
            assert!(why.contains("toolstack has started again"), "{why}");
            assert_eq!(reboots(&b), [1, 1, 0]);
            let why = b.command(&Command::Skip { host: 1 }).expect_err("the next host would go");
            assert!(why.contains("may not be in step"), "{why}");
            b.command(&Command::Retry).expect("stuck");
        }
        // The same xapi would still show it.
        assert_eq!(b.finish(), RunResult::Done);
    }
}

#[test]
fn a_toolstack_that_starts_again_while_the_host_is_still_down_forgets_nothing() {
    let mut b = Bench::new(World::new(2, 0));
    b.reach(1, Stage::Up).until(60, |b| !b.world.hosts[1].live);
    b.world.forgets(true);
    b.restart();
    assert_eq!(b.finish(), RunResult::Done);
    assert_eq!(reboots(&b), [1, 1]);
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
