use super::*;
use crate::rollout::plan::{HostPlan, Kind, Options};

fn at(secs: i64) -> Time {
    Time::from_secs(1_800_000_000 + secs)
}

fn began(hosts: usize) -> Entry {
    let host = |n: usize| HostPlan {
        host: Ref::from(format!("h{n}")),
        uuid: format!("u{n}"),
        name: format!("xcp{n}"),
        coordinator: n == 0,
        why: String::new(),
        steps: vec![],
        updates: vec![],
    };
    let plan = Plan {
        pool: "p".into(),
        pool_name: "prod".into(),
        kind: Kind::Reboot,
        made: at(0),
        hosts: (0..hosts).map(host).collect(),
        left_out: vec![],
        options: Options::default(),
    };
    Entry::Began { run: "r1".into(), by: "me".into(), version: "0".into(), plan, found: Found::default() }
}

fn run(lines: &[(i64, Entry)]) -> Run {
    let mut run = Run::begin(at(0), &began(2)).expect("begins");
    for (secs, entry) in lines {
        run.apply(at(*secs), entry);
    }
    run
}

fn stage(host: HostAt, stage: Stage) -> Entry {
    Entry::Stage { host, stage, why: String::new(), keeper: None }
}

#[test]
fn only_the_first_line_begins_a_run() {
    assert!(Run::begin(at(0), &Entry::Phase { phase: Phase::Hosts }).is_none());
    let run = run(&[(1, began(5))]);
    assert_eq!(run.hosts.len(), 2);
}

#[test]
fn what_makes_no_sense_is_ignored() {
    let far = usize::MAX;
    let calm = run(&[]);
    let mut odd = calm.clone();
    for entry in [
        stage(0, Stage::Reboot),
        stage(far, Stage::Up),
        Entry::Before { host: far, before: Before::default() },
        Entry::HostEnded { host: far, end: HostEnd::Done },
        Entry::Task { id: 99, task: Ref::from("t") },
        Entry::Outcome { id: 99, outcome: Outcome::Done { value: String::new() } },
        Entry::Command { command: Command::Skip { host: far } },
        Entry::Command { command: Command::Restore },
        Entry::PutBack { item: Item::Ha, how: String::new() },
    ] {
        odd.apply(at(1), &entry);
    }
    assert_eq!((odd.hosts, odd.calls, odd.left, odd.phase), (calm.hosts, calm.calls, calm.left, calm.phase));
}

#[test]
fn a_call_is_made_once_and_ends_once() {
    let call = Call::Enable { host: Ref::from("h0") };
    let other = Call::Disable { host: Ref::from("h0") };
    let failed = Outcome::NotSent { text: String::new() };
    let run = run(&[
        (1, Entry::Intent { id: 7, host: Some(0), call: call.clone() }),
        (2, Entry::Intent { id: 7, host: Some(0), call: other }),
        (3, Entry::Outcome { id: 7, outcome: Outcome::Done { value: String::new() } }),
        (4, Entry::Outcome { id: 7, outcome: failed }),
        (5, Entry::Task { id: 7, task: Ref::from("late") }),
    ]);
    let made = &run.calls[&7];
    assert_eq!((&made.call, made.at), (&call, at(1)));
    assert!(made.outcome.as_ref().is_some_and(|o| o.0.is_done() && o.1 == at(3)) && made.task.is_none());
    assert_eq!(run.next_call(), 8);
}

#[test]
fn a_stage_counts_from_its_first_entry_in_a_row_and_its_calls_from_the_last() {
    let call = Call::Enable { host: Ref::from("h0") };
    let run = run(&[
        (1, Entry::Before { host: 0, before: Before::default() }),
        (2, stage(0, Stage::Gate)),
        (3, stage(0, Stage::Evacuate)),
        (4, Entry::Intent { id: 1, host: Some(0), call }),
        (5, stage(0, Stage::Gate)),
        (6, stage(0, Stage::Gate)),
    ]);
    let host = &run.hosts[0];
    assert_eq!(host.stage(), Some((Stage::Gate, at(6))));
    assert_eq!(host.entered(), Some(at(5)));
    assert_eq!((host.mark(), host.mark_of(Stage::Evacuate), host.rounds(Stage::Gate)), (2, Some(1), 2));
}

#[test]
fn a_clock_that_was_set_back_waits_for_no_time_of_the_other_clock() {
    let run = run(&[
        (1_000, Entry::Before { host: 0, before: Before::default() }),
        (1_100, stage(0, Stage::Gate)),
        (100, Entry::Resumed { by: "me".into(), notes: vec![] }),
    ]);
    assert_eq!(run.hosts[0].stage(), Some((Stage::Gate, at(100))));
    assert_eq!(run.hosts[0].begun, Some(at(0)));
    assert!(run.at == at(100) && run.fresh == at(100));
}

#[test]
fn every_sequence_of_lines_is_taken_in() {
    let call = Call::Reboot { host: Ref::from("h1") };
    let lines = [
        Entry::Before { host: 0, before: Before::default() },
        Entry::Before { host: 1, before: Before::default() },
        stage(0, Stage::Soak),
        stage(1, Stage::Settle),
        Entry::HostEnded { host: 0, end: HostEnd::Done },
        Entry::Intent { id: u64::MAX, host: Some(9), call },
        Entry::Outcome { id: u64::MAX, outcome: Outcome::Unanswered { text: String::new() } },
        Entry::Stuck { host: Some(1), why: String::new(), todo: String::new() },
        Entry::Command { command: Command::Retry },
        Entry::Command { command: Command::Skip { host: 1 } },
        Entry::Command { command: Command::Abort },
        Entry::Ended { result: RunResult::Done, text: String::new() },
        Entry::Command { command: Command::Restore },
        Entry::Resumed { by: String::new(), notes: vec![] },
        Entry::Phase { phase: Phase::Home },
    ];
    let mut rng = fastrand::Rng::with_seed(1);
    for _ in 0..300 {
        let mut run = run(&[]);
        for _ in 0..60 {
            let entry = &lines[rng.usize(..lines.len())];
            run.apply(Time::from_millis(rng.i64(..)), entry);
        }
        assert!(run.actions.len() <= 60);
    }
}
