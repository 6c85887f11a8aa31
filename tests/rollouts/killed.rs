//! Our own program, killed at every line that a round writes.

use super::case::{Case, Shape};
use poolwatch::rollout::entry::RunResult;
use poolwatch::rollout::twin::{Death, Trouble, What, When};

fn killed_everywhere(calm: &Case, all: bool) {
    let lines = calm.play().counts.2;
    assert!(lines > 20, "{lines}");
    let mut wrong = Vec::new();
    for line in 0..lines {
        let deaths = [(Death::Before, 200), (Death::Torn, 2), (Death::After, 2), (Death::Full, 30)];
        // Every way at every line, or one after the other.
        let some = if all { &deaths[..] } else { std::slice::from_ref(&deaths[line % 4]) };
        for (how, away_s) in some.iter().copied() {
            let what = What::Kill { how, away_s, jump_s: 0 };
            let case = Case { troubles: vec![Trouble { when: When::Line(line), what }], ..calm.clone() };
            let played = case.play();
            let done = played.result.as_ref().is_some_and(|(r, _)| *r == RunResult::Done) && played.stops.is_empty();
            if played.violation.is_some() || !done {
                wrong.push(format!("{case}: {:?} {:?} {:?}", played.violation, played.result, played.stops));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {lines} lines:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_round_resumes_right_wherever_it_was_killed() {
    let calm = Case::calm(7);
    killed_everywhere(&Case { shape: Shape { hosts: 2, ..calm.shape }, ..calm }, !cfg!(debug_assertions));
}

#[test]
fn a_round_on_shipped_xapi_with_a_cluster_resumes_right_wherever_it_was_killed() {
    let calm = Case::calm(8);
    killed_everywhere(
        &Case { shape: Shape { hosts: 2, shipped: true, cluster: true, ..calm.shape }, lag_ms: 500, ..calm },
        false,
    );
}

#[test]
fn a_round_with_ha_resumes_right_wherever_it_was_killed() {
    let calm = Case::calm(9);
    killed_everywhere(&Case { shape: Shape { ha: true, hosts: 2, guests: 2, ..calm.shape }, ..calm }, !cfg!(debug_assertions));
}
