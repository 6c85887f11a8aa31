//! How an account and what logs say find each other, and whose word counts.

use super::*;
use crate::crash::report::{Dump, Step};
use crate::crash::verdict::{Cause, Confidence, Evidence, Finer, Verdict};
use proptest::prelude::{any, prop_assert, proptest};

/// 2026-11-21 02:17:44 UTC.
const AT: i64 = 1_795_227_464;

fn t(secs: i64) -> Time {
    Time::from_secs(AT + secs)
}

fn crash(cause: Cause, at: Option<Time>, folder: Option<&str>) -> Crash {
    let evidence = Evidence {
        file: "dom0.log".into(),
        line: 7,
        text: "Heartbeat write timeout".into(),
        before: Vec::new(),
        after: Vec::new(),
        shows: String::new(),
    };
    let verdict = Verdict {
        cause,
        finer: Finer::Unknown,
        confidence: Confidence::Sure,
        why: "why".into(),
        notes: Vec::new(),
        at,
        evidence: if cause == Cause::Unknown { Vec::new() } else { vec![evidence] },
    };
    let (folder, clock) = (folder.map(str::to_owned), folder.map(|_| "by its clock".to_owned()));
    let dump = if folder.is_some() { Dump::Whole } else { Dump::Missing };
    let (logs, advice, story) = (Vec::new(), Vec::new(), Vec::new());
    Crash { host: Some("xcp3.example".into()), folder, at, clock, dump, logs, verdict, advice, story }
}

/// Heard last at the time of the crash, back three minutes later.
fn account(cause: Cause, ahead: f64) -> Account {
    let mut seen = crash(cause, Some(t(0)), None);
    (seen.verdict.confidence, seen.verdict.finer) = (Confidence::Likely, Finer::Disk);
    seen.story = [-60, 0, 180].map(|secs| Step { at: t(secs), text: format!("{secs}"), matters: false }).into();
    Account {
        crash: seen,
        names: vec!["xcp3".into(), "10.0.0.3".into()],
        between: (t(-5), t(180)),
        clock_ahead: Some(ahead),
        known: Known::default(),
    }
}

#[test]
fn a_host_is_known_by_all_its_names_and_not_by_another_address() {
    let account = account(Cause::O2cb, 0.0);
    assert!(account.is_of("XCP3") && account.is_of("xcp3.example.org") && account.is_of("10.0.0.3"));
    assert!(!account.is_of("xcp30") && !account.is_of("10.0.0.4") && !account.is_of("10"));
}

#[test]
fn the_log_has_its_place_in_the_story_by_the_recordings_clock() {
    let mut said = crash(Cause::O2cb, Some(t(300)), None);
    assert!(join(&mut said, &account(Cause::O2cb, 300.0)), "five minutes ahead, and the same");
    let places: Vec<&str> = said.story.iter().map(|step| step.text.as_str()).collect();
    assert_eq!((places.len(), places[2].contains("dom0.log:7")), (4, true), "{places:?}");
    assert!(said.verdict.notes.iter().any(|note| note.contains("300.0 s ahead")), "{said:#?}");
    assert_eq!(
        (said.verdict.finer, said.at),
        (Finer::Disk, Some(t(300))),
        "the recording says more exactly, the log's time stays its own"
    );
    let mut other = crash(Cause::O2cb, Some(t(7_200)), None);
    assert!(!join(&mut other, &account(Cause::O2cb, 0.0)) && other.story.is_empty());
}

#[test]
fn a_folder_in_any_zone_finds_its_crash_and_one_of_another_day_does_not() {
    for (name, offset) in [("20261121-101750-CST", "+8:00"), ("20261120-201750-CST", "-6:00"), ("20261121-074750-IST", "+5:30")] {
        let mut said = crash(Cause::Bug, None, Some(&format!("var/crash/{name}")));
        assert!(join(&mut said, &account(Cause::Unknown, 0.0)), "{name}");
        assert_eq!(said.at, Some(t(6)), "{name}");
        assert!(said.verdict.notes.iter().any(|note| note.contains(offset)), "{name}: {:?}", said.verdict.notes);
    }
    let mut other = crash(Cause::Bug, None, Some("var/crash/20261119-101750-CST"));
    assert!(!join(&mut other, &account(Cause::Unknown, 0.0)));
    let mut minutes = crash(Cause::Bug, None, Some("var/crash/20261121-102550-CST"));
    assert!(!join(&mut minutes, &account(Cause::Unknown, 0.0)), "eight minutes off in every zone");
}

#[test]
fn logs_count_over_the_recording_and_the_recording_over_nothing() {
    let mut bug = crash(Cause::Bug, Some(t(2)), Some("var/crash/20261121-021746-UTC"));
    assert!(join(&mut bug, &account(Cause::O2cb, 0.0)));
    assert_eq!((bug.verdict.cause, bug.verdict.confidence), (Cause::Bug, Confidence::Sure));
    assert!(bug.verdict.notes.iter().any(|note| note.contains("the logs count")));
    let mut nothing = crash(Cause::None, None, None);
    assert!(join(&mut nothing, &account(Cause::O2cb, 0.0)));
    assert_eq!((nothing.verdict.cause, nothing.verdict.confidence, nothing.at), (Cause::O2cb, Confidence::Likely, Some(t(0))));
    // A fence that leaves no dump cannot have left this one.
    let mut reset = account(Cause::O2cb, 0.0);
    reset.known.no_dump = true;
    let mut dump = crash(Cause::Unknown, Some(t(2)), Some("var/crash/20261121-021746-UTC"));
    assert!(join(&mut dump, &reset));
    assert_eq!(dump.verdict.cause, Cause::Unknown, "{dump:#?}");
}

proptest! {
    #[test]
    fn whatever_a_folder_is_called_and_a_clock_says_joining_ends(name in ".{0,40}", wall in 0_u64..99_999_999_999_999, ahead in any::<f64>(), at in any::<i64>()) {
        for folder in [name.clone(), format!("{wall:014}").chars().take(8).chain(['-']).chain(format!("{wall:014}").chars().skip(8)).collect()] {
            let mut said = crash(Cause::Bug, None, Some(&folder));
            join(&mut said, &account(Cause::O2cb, ahead));
            let mut timed = crash(Cause::Bug, Some(Time::from_millis(at)), None);
            join(&mut timed, &account(Cause::O2cb, ahead));
            prop_assert!(said.story.len() <= 4 && timed.story.is_sorted_by_key(|step| step.at));
        }
    }
}
