//! Reports of a made-up journal, with names that would like to be more than names.

use super::*;
use crate::rollout::entry::{Before, Found, Phase, RunResult};
use crate::rollout::plan::{Accepted, HostPlan, Kind, Options, Stage};

fn host(name: &str) -> HostPlan {
    HostPlan {
        host: format!("OpaqueRef:{name}").as_str().into(),
        uuid: format!("u-{name}"),
        name: name.to_owned(),
        coordinator: false,
        why: String::new(),
        steps: vec![],
        updates: vec!["xen".into()],
    }
}

fn lines() -> Vec<Line> {
    let accepted = Accepted { code: "clock".into(), about: "xcp1".into(), reason: "known <b>".into() };
    let plan = Plan {
        pool: "p-1".into(),
        pool_name: "lab <script>alert(1)</script>".into(),
        kind: Kind::Reboot,
        made: Time::EPOCH,
        hosts: vec![host("xcp1"), host("xcp2|`x`\u{1b}[2J")],
        options: Options { accepted: vec![accepted], ..Options::default() },
        left_out: vec![],
    };
    let names = [("OpaqueRef:xcp1", "xcp1"), ("OpaqueRef:v", "web\"1"), ("u-v", "web\"1"), ("u-xcp1", "xcp1")];
    let names = names.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let found = Found { names, ..Found::default() };
    let migrate =
        Call::Migrate { vm: "OpaqueRef:v".into(), to: "OpaqueRef:xcp1".into(), network: crate::xenapi::record::Ref::default() };
    let away = Item::Guest { guest: "u-v".into(), host: "u-xcp1".into() };
    let entries = vec![
        (0, Entry::Began { run: "r1".into(), by: "me@desk".into(), version: "0.1.0".into(), plan, found }),
        (1, Entry::Phase { phase: Phase::Hosts }),
        (2, Entry::Before { host: 0, before: Before { guests: vec!["OpaqueRef:v".into()], ..Before::default() } }),
        (2, Entry::Stage { host: 0, stage: Stage::Settle, why: String::new(), keeper: None }),
        (62, Entry::Stage { host: 0, stage: Stage::Reboot, why: "the gate is open".into(), keeper: None }),
        (63, Entry::Intent { id: 1, host: Some(0), call: Call::Reboot { host: "OpaqueRef:xcp1".into() } }),
        (64, Entry::Task { id: 1, task: "OpaqueRef:t".into() }),
        (90, Entry::Outcome { id: 1, outcome: Outcome::Done { value: String::new() } }),
        (91, Entry::Waiting { host: Some(0), text: "waits for its boot".into() }),
        (92, Entry::Waiting { host: Some(0), text: "waits for its boot".into() }),
        (100, Entry::Left { item: away, why: "no memory".into() }),
        (101, Entry::Intent { id: 2, host: Some(0), call: migrate }),
        (111, Entry::Outcome { id: 2, outcome: Outcome::NotSent { text: "no connection".into() } }),
        (112, Entry::HostEnded { host: 0, end: HostEnd::Done }),
        (113, Entry::Resumed { by: "me@desk".into(), notes: vec!["xcp1 booted.".into()] }),
        (120, Entry::Ended { result: RunResult::Stopped, text: "Stopped after xcp1.".into() }),
    ];
    let line = |((secs, entry), seq)| Line { seq, at: Time::from_secs(1_795_220_000 + i64::from(secs)), entry };
    entries.into_iter().zip(1..).map(line).collect()
}

#[test]
fn a_report_says_what_was_done_how_long_it_took_and_what_is_left() {
    let report = Report::of(&lines());
    assert_eq!((report.result, report.resumed, report.text.as_str()), ("stopped", 1, "Stopped after xcp1."));
    let [first, second] = report.hosts.as_slice() else { panic!("two hosts") };
    assert_eq!((first.result, first.seconds, first.failures, first.guests), ("done", Some(110), 1, 1));
    assert_eq!(
        first.stages.iter().map(|s| (s.stage, s.seconds)).collect::<Vec<_>>(),
        [("settle", Some(60)), ("reboot", Some(50))]
    );
    assert_eq!(second.result, "not begun");
    assert_eq!(report.calls[0].what, "reboot xcp1");
    assert_eq!((report.calls[0].seconds, report.calls[0].outcome.as_str()), (Some(27), "done"));
    assert_eq!(report.calls[1].what, "move web\"1 to xcp1");
    assert_eq!(report.left[0].what, "web\"1 is not on xcp1");
    assert_eq!(report.accepted[0].reason, "known <b>");
    assert_eq!(report.log.iter().filter(|e| e.event == "waiting").count(), 1, "never the same twice");
}

#[test]
fn a_journal_that_ends_anywhere_has_a_report_and_says_that_it_is_not_over() {
    let lines = lines();
    for end in 0..lines.len() {
        let report = Report::of(&lines[..end]);
        assert!(report.ended.is_none() && report.outcome().contains("--resume"), "{end}");
        assert!(serde_json::from_str::<serde_json::Value>(&report.json()).is_ok());
        assert!(markdown(&report).contains("## Log") && html(&report).ends_with("</html>\n"));
    }
}

#[test]
fn nothing_that_a_pool_says_becomes_markup_or_reaches_the_terminal() {
    let report = Report::of(&lines());
    let page = html(&report);
    assert!(!page.contains("<script") && !page.contains("<b>") && page.contains("&lt;script&gt;"), "{page}");
    assert!(!page.contains("http:") && !page.contains("https:"), "it needs nothing from elsewhere");
    let page = markdown(&report);
    assert!(!page.contains("<script") && page.contains("xcp2\\|\\`x\\`"), "{page}");
    for text in [html(&report), markdown(&report), report.json()] {
        assert!(!text.contains('\u{1b}'));
    }
}
