//! What is told, and that nothing that a log says becomes anything else.

use super::*;
use crate::crash::verdict::Evidence;

const EVIL: &str = "<script>alert('x')</script> [link](http://x) `code` \"&| ";

fn reading(text: &str) -> Reading {
    let evidence = Evidence {
        file: format!("dom0.log{text}"),
        line: 7,
        text: format!("Kernel panic{text}"),
        before: vec![text.to_owned()],
        after: vec![text.to_owned()],
        shows: text.to_owned(),
    };
    let at = Time::from_secs(1_795_227_464);
    let verdict = Verdict {
        cause: Cause::O2cb,
        finer: Finer::Disk,
        confidence: Confidence::Sure,
        why: text.to_owned(),
        notes: vec![text.to_owned()],
        at: Some(at),
        evidence: vec![evidence],
    };
    let step = |seconds: u64, matters| Step { at: at - std::time::Duration::from_secs(seconds), text: text.to_owned(), matters };
    let crash = Crash {
        host: Some(format!("xcp3{text}")),
        folder: Some(format!("var/crash/{text}")),
        at: Some(at),
        clock: None,
        dump: Dump::Part(text.to_owned()),
        logs: vec![text.to_owned()],
        verdict,
        advice: vec![text.to_owned()],
        story: vec![step(4_000, true), step(61, true), step(30, false)],
    };
    Reading { source: text.to_owned(), crashes: vec![crash], notes: vec![text.to_owned()], files: 1, lines: 7 }
}

#[test]
fn nothing_that_a_log_says_becomes_markup() {
    let page = html(&reading(EVIL));
    assert!(!page.contains("<script") && !page.contains("'x'"), "{page}");
    assert_eq!(page.matches("<svg").count(), 1);
    let ticket = markdown(&reading(EVIL));
    let outside: Vec<&str> = ticket.lines().filter(|line| !line.starts_with("    ")).collect();
    let outside = outside.join("\n");
    assert!(!outside.contains("<script") && !outside.contains("[link](") && !outside.contains("`code`"), "{outside}");
}

#[test]
fn the_time_line_has_a_mark_for_each_step_and_the_crash() {
    let page = html(&reading(" x"));
    assert_eq!(page.matches("<circle").count(), 4);
    assert_eq!((page.matches("class=\"matters\"").count(), page.matches("class=\"crash\"").count()), (2, 1));
    // What is long ago does not press the minutes that count into one point.
    let places: Vec<i64> = page.split("<circle cx=\"").skip(1).filter_map(|rest| rest.split('"').next()?.parse().ok()).collect();
    assert_eq!((places[0], places[1], places[3]), (40, 260, 960), "{places:?}");
    assert!(page.contains("stroke-dasharray"));
    // At one moment there is no line to draw.
    let mut alone = reading(" x");
    alone.crashes[0].story.clear();
    assert!(!html(&alone).contains("<svg"));
}

#[test]
fn the_contract_of_the_json() {
    let text = json(&reading(" x")).expect("it can be written");
    let page: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let crash = &page["crashes"][0];
    assert_eq!(
        (page["schema"].as_str(), crash["cause"].as_str(), crash["finer"].as_str()),
        (Some(SCHEMA), Some("o2cb"), Some("disk"))
    );
    assert_eq!((crash["confidence"].as_str(), crash["at"].as_str()), (Some("sure"), Some("2026-11-21T02:17:44.000Z")));
    assert_eq!((crash["evidence"][0]["line"].as_u64(), crash["dump"]["state"].as_str()), (Some(7), Some("part")));
    assert_eq!(crash["story"].as_array().map(Vec::len), Some(3));
    assert_eq!(crash["host"], "xcp3 x");
}

#[test]
fn headlines_say_what_is_known_and_no_more() {
    let mut crash = reading("").crashes.remove(0);
    assert_eq!(crash.headline(), "xcp3 was fenced by o2cb at 2026-11-21 02:17:44 UTC");
    (crash.at, crash.clock, crash.host) = (None, Some("2026-11-21 02:17:44 CST".to_owned()), None);
    crash.verdict.cause = Cause::Bug;
    assert_eq!(crash.headline(), "var/crash/ crashed at 2026-11-21 02:17:44 CST by its own clock");
    (crash.clock, crash.folder, crash.dump) = (None, None, Dump::Missing);
    crash.verdict.cause = Cause::Unknown;
    assert_eq!(crash.headline(), "the host: these logs do not tell whether and why it went down");
}
