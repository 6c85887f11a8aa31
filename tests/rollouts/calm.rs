//! Nothing goes wrong: every round ends well.

use super::case::Case;
use poolwatch::rollout::entry::RunResult;

#[test]
fn a_calm_round_ends_well_and_reboots_every_host_once() {
    let case = Case::calm(1);
    let (mut stage, plan, found) = case.stage();
    stage.log = Some(Vec::new());
    stage.begin("r1", plan, found);
    let played = poolwatch::rollout::twin::play(&mut stage, poolwatch::rollout::twin::Operator::default());
    let told = stage.log.take().unwrap_or_default();
    let told: Vec<String> = told.iter().map(|(at, what)| format!("{at} {what}")).collect();
    assert_eq!(played.violation, None, "{case}\n{}", told.join("\n"));
    assert_eq!(played.result.as_ref().map(|r| r.0), Some(RunResult::Done), "{case}\n{played:#?}\n{}", told.join("\n"));
    let reboots = stage.checker.reboots();
    assert!(reboots.len() == 3 && reboots.values().all(|n| *n == 1), "{reboots:?}");
}

#[test]
fn a_rehearsal_tells_what_a_round_would_come_to_and_what_faults_would_do() {
    use poolwatch::rollout::twin::rehearse_on;
    let (stage, plan, found) = Case::calm(2).stage();
    let before = stage.world.database().generation();
    let rehearsal = rehearse_on(&stage.world, &plan, &found, 5, 1);
    assert_eq!(stage.world.database().generation(), before, "the twin that is given is not touched");
    assert_eq!(rehearsal.violation, None);
    assert_eq!(rehearsal.result.as_ref().map(|r| r.0), Some(RunResult::Done), "{rehearsal:?}");
    assert_eq!(rehearsal.hosts.len(), 3);
    for host in &rehearsal.hosts {
        assert!(host.took.is_some_and(|t| t.as_secs() > 60) && host.peak <= host.memory && host.peak > 0, "{host:?}");
    }
    assert!(rehearsal.moves.len() >= 4, "guests leave and come back: {:?}", rehearsal.moves);
    let faults = rehearsal.faults.as_ref().expect("there were some");
    assert_eq!((faults.rounds, faults.done + faults.stopped), (5, 5));
    assert!(faults.broken.is_empty(), "{:?}", faults.broken);
    let words = rehearsal.words();
    assert!(words.contains("ends well") && words.contains("With one random fault at a time, 5 times"), "{words}");
}
