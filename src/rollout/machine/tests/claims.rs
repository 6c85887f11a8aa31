//! The claim, and readings that contradict what was told.

use super::*;

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
    let accepted = Accepted { code: "claim-dead".into(), about: String::new(), reason: "bob is on holiday".into() };
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
            b.command(&Command::Retry).expect("stuck");
            b.stuck(100);
            b.command(&Command::Abort).expect("it can always be ended");
            assert_eq!(b.finish(), RunResult::Stopped);
            assert_eq!(b.world.calls.len(), calls, "the pool is somebody else's");
            assert!(b.engine.run.left.contains_key(&Item::Ha));
        } else {
            b.command(&Command::Retry).expect("stuck");
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
