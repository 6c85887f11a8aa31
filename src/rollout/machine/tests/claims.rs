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
fn a_claim_that_is_told_late_is_looked_for_and_not_taken_to_be_gone() {
    let mut b = Bench::new(World::new(2, 1));
    b.world.late = true;
    b.run(200);
    assert!(b.engine.run.stuck.is_none(), "{:?}", b.engine.run.stuck);
    assert_eq!(b.world.calls.len(), 1, "nothing but the claim: what is seen is not known to be current");
    b.world.late = false;
    assert_eq!(b.finish(), RunResult::Done);
    assert_eq!(b.calls(|c| matches!(c, Call::Claim { .. })), 1);
}

#[test]
fn what_was_accepted_is_compared_by_its_whole_name() {
    let accepted = |about: &str| Accepted { code: "clock-skew".into(), about: about.into(), reason: "known".into() };
    let b = Bench::with(World::new(2, 0), Kind::Reboot, |p| p.options.accepted.push(accepted("xcp1")));
    let picture = b.world.picture();
    let view = b.engine.view(b.world.now, &b.world.pool, &picture);
    let ctx = super::super::ctx::Ctx::new(&b.engine.run, &view);
    assert!(ctx.is_accepted("clock-skew", "xcp1"));
    assert!(!ctx.is_accepted("clock-skew", "xcp10") && !ctx.is_accepted("clock-skew", "") && !ctx.is_accepted("clock", "xcp1"));
    let b = Bench::with(World::new(2, 0), Kind::Reboot, |p| p.options.accepted.push(accepted("")));
    let view = b.engine.view(b.world.now, &b.world.pool, &picture);
    let ctx = super::super::ctx::Ctx::new(&b.engine.run, &view);
    assert!(ctx.is_accepted("clock-skew", "xcp10") && ctx.is_accepted("clock-skew", ""), "wherever it occurs");
}

#[test]
fn nothing_counts_as_put_back_by_what_was_told_before_it_was_changed() {
    let mut b = Bench::new(full(2));
    let is_off = |j: &Job| matches!(j, Job::Make { call: Call::SetAutoPowerOn { on: false }, .. });
    for _ in 0..50 {
        let picture = b.world.picture();
        let (jobs, _) = b.engine.turn(b.world.now, &b.world.pool, &picture).expect("written");
        // From here on nothing is told.
        b.world.late |= jobs.iter().any(is_off);
        for job in jobs {
            b.make(job);
        }
        b.world.tell();
        if b.world.late {
            break;
        }
    }
    assert_eq!(b.world.other_config["auto_poweron"], "false");
    b.command(&Command::Abort).expect("it runs");
    b.run(5);
    assert!(b.engine.run.left.contains_key(&Item::AutoPowerOn), "what is told is how it was before");
    b.world.late = false;
    assert_eq!(b.finish(), RunResult::Stopped);
    assert_eq!(b.world.other_config["auto_poweron"], "true");
    assert!(b.engine.run.left.is_empty(), "{:?}", b.engine.run.left);
}

#[test]
fn nothing_is_decided_while_the_pool_is_not_seen() {
    let mut b = Bench::new(World::new(2, 2));
    b.reach(0, Stage::Soak);
    b.world.disconnect();
    let calls = b.world.calls.len();
    b.run(3_000);
    assert_eq!(b.world.calls.len(), calls);
    assert!(b.engine.run.stuck.is_none());
    let said = &b.engine.run.waiting;
    assert!(said.contains("coordinator") && said.contains("resumed later"), "what the operator can do: {said}");
    b.world.connect();
    assert_eq!(b.finish(), RunResult::Done);
}

#[test]
fn a_coordinator_that_was_out_of_reach_while_mirrors_had_to_be_rebuilt_is_asked_about() {
    for (away, asks) in [(5, false), (60, true)] {
        let mut b = Bench::new(World::new(2, 0));
        b.reach(0, Stage::Rebuild).run(5);
        b.world.disconnect();
        b.run(away);
        b.world.connect();
        if asks {
            let why = b.stuck(300);
            assert!(why.contains("out of reach"), "{why}");
            b.command(&Command::Retry).expect("stuck");
        }
        assert_eq!(b.finish(), RunResult::Done);
    }
}

#[test]
fn a_reading_that_contradicts_the_event_stream_wins() {
    // The model believes the host empty and the other one enabled; the fresh reading knows better. Also a call that was not even sent is
    // not just made again: it is decided anew by a reading made for it (I1).
    for say in [Say::Refuse("OTHER_OPERATION_IN_PROGRESS"), Say::NotSent] {
        let mut world = World::new(3, 1);
        world.script.push((is_reboot, say));
        let mut b = Bench::new(world);
        b.reach(0, Stage::Reboot);
        b.world.blind = true;
        b.world.hosts[2].enabled = false;
        b.world.pass(5);
        let picture = b.world.picture();
        let (jobs, _) = b.engine.turn(b.world.now, &b.world.pool, &picture).expect("written");
        assert!(jobs.iter().all(|j| matches!(j, Job::Look(Look::State { .. }))) && !jobs.is_empty(), "{jobs:?}");
        for job in jobs {
            b.make(job);
        }
        let picture = b.world.picture();
        let (jobs, _) = b.engine.turn(b.world.now, &b.world.pool, &picture).expect("written");
        assert!(!jobs.iter().any(|j| matches!(j, Job::Make { call: Call::Reboot { .. }, .. })));
        assert!(b.engine.run.waiting.contains("xcp2 is not enabled"), "{}", b.engine.run.waiting);
    }
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
fn a_claim_that_is_as_it_was_before_it_was_renewed_is_of_an_older_database() {
    for before_any_renewal in [false, true] {
        let mut b = Bench::new(World::new(2, 2));
        b.reach(0, Stage::Rebuild);
        b.command(&Command::Pause).expect("it runs");
        let renewals = |b: &Bench| b.calls(|c| matches!(c, Call::Renew { .. }));
        let made = renewals(&b);
        let kept = b.world.other_config.get(claim::RENEWED).cloned().filter(|_| !before_any_renewal);
        b.until(2_000, |b| renewals(b) >= made + 2);
        b.run(30);
        // As many changes as were lost, so that the count tells nothing.
        match kept {
            Some(kept) => b.world.other_config.insert(claim::RENEWED.into(), kept),
            None => b.world.other_config.remove(claim::RENEWED),
        };
        b.world.tell();
        let calls = b.world.calls.len();
        let why = b.stuck(100);
        assert!(why.contains("went back in time") && why.contains("renewed at"), "{why}");
        b.run(2_000);
        assert_eq!(b.world.calls.len(), calls, "not even the claim is renewed by what an older database says");
        // To let a pause end says nothing about the pool.
        b.command(&Command::Resume).expect("it is paused");
        b.run(50);
        assert!(b.engine.run.stuck.is_some() && b.world.calls.len() == calls);
        b.command(&Command::Retry).expect("stuck");
        assert_eq!(b.finish(), RunResult::Done);
        assert!(renewals(&b) > made + 2, "and it is renewed again");
    }
}
