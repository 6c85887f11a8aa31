//! Stories of what went wrong on the way, though nothing was broken.

use super::kit::*;
use super::{Case, done, run};
use poolwatch::observation::{Observation, Reverted, RevertedWhat, Rewind, Seen};
use poolwatch::rollout::call::Call;
use poolwatch::rollout::entry::{Command, Item, Phase};
use poolwatch::rollout::journal::Line;
use poolwatch::rollout::plan::Scope;
use poolwatch::rollout::progress::{CommandName, progress};
use poolwatch::rollout::report::{Report, html, markdown};
use poolwatch::rollout::twin::{OWNER, Operator, Stage};
use poolwatch::xenapi::record::Class;

fn evacuates(stage: &Stage) -> bool {
    stage.engine.as_ref().is_some_and(|e| e.run.calls.values().any(|c| matches!(c.call, Call::Evacuate { .. })))
}

#[test]
fn story_09_workload_balancing_stays_off_until_the_last_host_is_done() {
    let mut stage = stage(&pool(&format!("{GUESTS}\nwlb = true"), ""), 9, &[]);
    let wlb = |s: &Stage| s.world.database().pool().is_some_and(|p| s.world.database().boolean(p, "wlb_enabled"));
    assert!(wlb(&stage));
    let (mut early, mut off) = (0, 0);
    let played = round(&mut stage, &Scope::default(), Operator::default(), |s| {
        let before_the_end = s.engine.as_ref().is_some_and(|e| e.run.phase.0 < Phase::Restore);
        if evacuates(s) && before_the_end {
            early += usize::from(wlb(s));
            off += usize::from(!wlb(s));
        }
    });
    assert!(done(&played) && early == 0 && off > 50, "{early} {off} {played:?}");
    assert!(wlb(&stage), "and then it is on again");
}

#[test]
fn story_19_nobody_fails_over_while_the_coordinator_is_away() {
    let mut stage = stage(&pool(GUESTS, ""), 19, &["line=3 pool slow-boot host=a by=2400"]);
    let mut away = 0;
    let mut begun = None;
    let mut at_it = 0;
    let played = round(&mut stage, &Scope::default(), Operator::default(), |s| {
        if s.reachable().is_some() {
            begun = None;
            return;
        }
        away += 1;
        // What was begun in its last moment may still be answered; nothing new is.
        let calls = calls(s).len();
        at_it += usize::from(begun.is_some_and(|before| calls > before));
        begun = Some(calls);
    });
    assert!(done(&played) && played.stops.is_empty(), "{played:?}");
    assert!(away > 20 && at_it == 0, "{away} {at_it}");
    assert_eq!(stage.world.truth().hosts[stage.world.truth().coordinator.0].name, "a");
}

#[test]
fn story_30_the_coordinator_stays_who_it_is() {
    // Even if it dies on the way and is switched on by hand only much later.
    for text in ["line=20 pool crash host=a", "line=60 pool reset host=a", "line=9 pool cut host=a"] {
        let (stage, _) = run(&Case::calm(30).with(&[text]));
        let truth = stage.world.truth();
        assert_eq!(truth.hosts[truth.coordinator.0].name, "a", "{text}");
        let named = |deed: &&poolwatch::sim::world::Deed| deed.method.contains("master") || deed.method.contains("emergency");
        let other: Vec<_> = stage.world.deeds().iter().filter(named).collect();
        assert!(other.is_empty(), "{text}: {other:?}");
    }
}

#[test]
fn story_24_there_is_a_report_with_every_host_and_what_went_wrong() {
    let mut stage = stage(&pool(GUESTS, ""), 24, &["line=3 pool hang-boot host=b at=post"]);
    stage.mended_after = None;
    let (plan, found) = plan(&mut stage, &Scope::default());
    stage.begin("r1", plan, found);
    // The operator comes after an hour and a half, and switches it on again.
    let played = poolwatch::rollout::twin::play_watched(&mut stage, Operator { mends: false, ..Operator::default() }, |_| {});
    assert_eq!(played.violation, None, "{played:?}");
    let lines: Vec<Line> = stage
        .book()
        .disk()
        .entries
        .iter()
        .zip(1..)
        .map(|((at, entry), seq)| Line { seq, at: *at, entry: entry.clone() })
        .collect();
    let report = Report::of(&lines);
    assert_eq!(report.hosts.len(), 3);
    for text in [markdown(&report), html(&report)] {
        for word in ["story", "a", "b", "c", OWNER] {
            assert!(text.contains(word), "{word} is not in the report");
        }
        let why = played.stops.first().expect("it stopped at the host that hangs");
        let words: Vec<&str> = why.split(' ').take(5).collect();
        assert!(text.contains(&words.join(" ")), "{why} is not in the report:\n{text}");
    }
    assert_ne!(report.result, "done");
}

#[test]
fn story_27_a_guest_that_its_user_shuts_down_on_the_way_is_left_to_its_user() {
    let mut stage = stage(&pool(GUESTS, ""), 27, &[]);
    let db = stage.world.database();
    let vm = stage.world.truth().hosts[0].guests.first().cloned().expect("a guest on a");
    let name = db.text(&vm, "name_label").to_owned();
    // Theirs to say: the checker does not miss it.
    stage.checker.moved(vm.clone());
    let (plan, found) = plan(&mut stage, &Scope::default());
    stage.begin("r1", plan, found);
    // As soon as it has arrived elsewhere; while it moves xapi refuses.
    let a = stage.world.truth().hosts[0].r.clone();
    let idle = |s: &Stage| {
        let db = s.world.database();
        evacuates(s) && db.reference(&vm, "resident_on") != a && db.set_of(&vm, "current_operations").is_empty()
    };
    while !idle(&stage) {
        stage.step();
        assert!(stage.steps() < 5_000, "it never leaves");
    }
    stage.world.fault(format!("operator does=stop-guest vm={name}").parse().unwrap()).expect("it may be stopped");
    while running(&stage).contains(&name) {
        stage.step();
        assert!(stage.steps() < 5_000, "it never stops");
    }
    let played = poolwatch::rollout::twin::play(&mut stage, Operator::default());
    assert_eq!(played.violation, None, "{played:?}");
    assert!(done(&played), "nobody waits for it: {played:?}");
    assert!(!running(&stage).contains(&name), "and nobody starts it again");
    assert!(!calls(&stage).iter().any(|c| matches!(c, Call::StartOn { vm: v, .. } if *v == vm)));
}

#[test]
fn story_28_every_command_can_be_given_or_says_why_not_and_a_stop_always_has_a_way_out() {
    for text in ["line=3 pool hang-boot host=b at=post", "line=9 captain take-claim"] {
        let mut stage = stage(&pool(GUESTS, ""), 28, &[text]);
        let mut stops = 0;
        let (plan, found) = plan(&mut stage, &Scope::default());
        stage.begin("r1", plan, found);
        let played = poolwatch::rollout::twin::play_watched(&mut stage, Operator::default(), |s| {
            let Some(engine) = &s.engine else { return };
            let now = s.eye.own(&s.world);
            let picture = s.eye.pool.glance(now);
            let shown = progress(&engine.run, &engine.view(now, &s.eye.pool, &picture));
            for (name, refused) in &shown.commands {
                assert!(refused.as_ref().is_none_or(|why| why.len() > 8), "{name:?} is grey without a reason");
            }
            if let Some((why, todo)) = &shown.stuck {
                stops += 1;
                let can = |name: CommandName| shown.commands.iter().any(|(n, refused)| *n == name && refused.is_none());
                assert!(can(CommandName::Retry) && can(CommandName::Abort), "no way out of: {why}");
                assert!(!why.is_empty() && !todo.is_empty());
            }
        });
        assert_eq!(played.violation, None, "{text}: {played:?}");
        assert!(stops > 0, "{text}: it never stopped");
    }
}

#[test]
fn story_32_a_host_that_does_not_enable_itself_is_enabled_and_one_that_cannot_be_is_told() {
    // Somebody disables it again as soon as it is back, and xapi refuses to enable it for a while after that.
    let mut stage =
        stage(&pool(GUESTS, ""), 32, &["line=3 pool fail-call method=host.enable code=HOST_STILL_BOOTING params=x times=6"]);
    let (plan, found) = plan(&mut stage, &Scope::default());
    stage.begin("r1", plan, found);
    let booted = stage.world.truth().hosts[1].booted;
    let back = |s: &Stage| s.world.truth().hosts[1].booted > booted && s.world.truth().hosts[1].live;
    while !back(&stage) {
        stage.step();
    }
    stage.world.fault("operator does=disable host=b".parse().unwrap()).expect("another operator may do that");
    let played = poolwatch::rollout::twin::play(&mut stage, Operator::default());
    assert!(done(&played) && played.violation.is_none() && all_well(&stage), "{played:?}");
    assert!(calls(&stage).iter().any(|c| matches!(c, Call::Enable { .. })), "it did not do so by itself");

    // One that never gets there is told, with the reason; no other host goes, and nothing says that all is well.
    let mut stage = self::stage(&pool(GUESTS, ""), 32, &["line=3 pool hang-boot host=b at=enable"]);
    let played = round(&mut stage, &Scope::default(), Operator::default(), |_| {});
    assert!(!done(&played) && played.stops.iter().any(|why| why.contains("HOST_STILL_BOOTING")), "{played:?}");
    assert!(played.left.keys().any(|item| matches!(item, Item::Host { .. })), "{played:?}");
    assert_eq!(stage.checker.reboots().len(), 2, "c is not touched");
}

#[test]
fn story_37_a_host_that_somebody_else_empties_meanwhile_costs_no_guest() {
    let mut stage = stage(&pool(GUESTS, ""), 37, &[]);
    let before = running(&stage);
    let (plan, found) = plan(&mut stage, &Scope::default());
    stage.begin("r1", plan, found);
    while !evacuates(&stage) {
        stage.step();
    }
    for text in ["operator does=disable host=b", "operator does=evacuate host=b"] {
        stage.world.fault(text.parse().unwrap()).expect("another operator may do that");
    }
    let mut least = before.len();
    let mut away = 0;
    let played = poolwatch::rollout::twin::play_watched(
        &mut stage,
        Operator { limit: std::time::Duration::from_secs(3 * 86_400), ..Operator::default() },
        |s| {
            least = least.min(running(s).len());
            away = away.max(s.world.truth().away().count());
        },
    );
    // With b disabled by somebody else, nothing is rebooted: that is for them to end.
    assert!(played.violation.as_ref().is_none_or(|v| v.rule == poolwatch::rollout::twin::Rule::NoProgress), "{played:?}");
    assert_eq!(least, before.len(), "no guest stopped at any moment");
    assert!(away <= 1 && running(&stage) == before);
}

#[test]
fn a_database_that_went_back_stops_the_round_before_its_next_call() {
    let mut stage = stage(&pool(GUESTS, ""), 77, &[]);
    let (plan, found) = plan(&mut stage, &Scope::default());
    stage.begin("r1", plan, found);
    while !evacuates(&stage) {
        stage.step();
    }
    let at = stage.eye.own(&stage.world);
    let change = Reverted {
        class: Class::Vm,
        uuid: "u".into(),
        name: "db-main".into(),
        what: RevertedWhat::Lost,
        text: "ran on b".into(),
    };
    let rewind = Rewind { from: 900, to: 300, at, last: at, changes: vec![change], more: 0 };
    stage.eye.pool.apply(&Observation { at, seen: Seen::WentBack(rewind) });
    let before = calls(&stage).len();
    while stage.engine.as_ref().is_some_and(|e| e.run.stuck.is_none()) {
        stage.step();
        assert!(stage.steps() < 5_000, "it never stops");
    }
    let stuck = stage.engine.as_ref().and_then(|e| e.run.stuck.clone()).expect("it stopped");
    assert!(stuck.why.contains("went back in time") && stuck.why.contains("db-main"), "{stuck:?}");
    assert_eq!(calls(&stage).len(), before, "nothing was done by what the older database says");
    // The operator has looked, and says so.
    stage.command(&Command::Retry).expect("it goes on");
    let played = poolwatch::rollout::twin::play(&mut stage, Operator::default());
    assert!(done(&played) && played.stops.is_empty() && played.violation.is_none(), "told once: {played:?}");
}
