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
