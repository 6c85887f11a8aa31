//! What the story says of each shipped recording, and what comes of recordings that are cut, edited, newer, or of something else.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{Home, told};
use poolwatch::cli::crash::past::{self, PastError};
use poolwatch::crash::report::Reading;
use poolwatch::crash::verdict::Cause;
use poolwatch::time::Time;
use serde_json::Value;
use std::path::{Path, PathBuf};

fn shipped(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings").join(format!("{file}.jsonl.zst"))
}

/// What `crash --recording` says, as JSON.
fn page(file: &str, more: &[&str]) -> Value {
    let home = Home::new(&format!("past-{file}-{}", more.len()));
    let path = shipped(file);
    let mut args = vec!["crash", "--recording", path.to_str().unwrap(), "--json"];
    args.extend(more);
    let (code, out, err) = told(&home.run(&args));
    assert_eq!((code, err.as_str()), (0, ""), "{file}");
    serde_json::from_str(&out).unwrap()
}

/// The only crash.
fn crash(page: &Value) -> &Value {
    let crashes = page["crashes"].as_array().unwrap();
    assert_eq!(crashes.len(), 1, "{page:#}");
    &crashes[0]
}

/// Steps of the story: seconds after the first of the recording, whether it is a reason, what.
fn story(crash: &Value) -> Vec<(i64, bool, String)> {
    let start = 1_795_219_200_000;
    let step = |step: &Value| {
        let at: jiff::Timestamp = step["at"].as_str().unwrap().parse().unwrap();
        let text = step["text"].as_str().unwrap().to_owned();
        ((at.as_millisecond() - start) / 1_000, step["matters"].as_bool().unwrap(), text)
    };
    let steps: Vec<_> = crash["story"].as_array().unwrap().iter().map(step).collect();
    assert!(steps.is_sorted_by_key(|step| step.0), "{steps:#?}");
    assert!(steps.len() <= 40);
    steps
}

/// The step that says all of this.
fn step<'s>(story: &'s [(i64, bool, String)], words: &[&str]) -> &'s (i64, bool, String) {
    story
        .iter()
        .find(|(.., text)| words.iter().all(|word| text.contains(word)))
        .unwrap_or_else(|| panic!("no step says {words:?}: {story:#?}"))
}

fn verdict(crash: &Value) -> (&str, &str, &str) {
    (crash["cause"].as_str().unwrap(), crash["finer"].as_str().unwrap(), crash["confidence"].as_str().unwrap())
}

#[test]
fn a_fence_by_o2cb_is_told_from_the_first_path_to_the_guests() {
    let page = page("fence-o2cb", &[]);
    let crash = crash(&page);
    assert_eq!((crash["host"].as_str(), verdict(crash).0, verdict(crash).1), (Some("xcp3"), "o2cb", "disk"), "{crash:#}");
    assert_ne!(verdict(crash).2, "sure", "only a log is sure");
    let story = story(crash);
    let one = step(&story, &["3600a098000bb0001", "1 of 2 paths left"]);
    let last = step(&story, &["3600a098000bb0001", "the last of 2 paths"]);
    let good = step(&story, &["last good write to the heartbeat region", "60 s"]);
    let due = step(&story, &["o2cb's 60 s were over"]);
    assert!(one.1 && last.1 && good.1 && due.1, "these are the reasons: {story:#?}");
    assert!(one.0 < last.0 && (last.0 - good.0).abs() <= 15, "{story:#?}");
    assert!((due.0 - good.0 - 60).abs() <= 3, "{story:#?}");
    let gone = step(&story, &["last sign of life"]);
    assert!((due.0 - gone.0).abs() <= 15, "{story:#?}");
    step(&story, &["booted again"]);
    step(&story, &["guests died with it"]);
    let evidence = crash["evidence"].to_string();
    for word in ["no heartbeat to", "boot time of xcp3", "recording of"] {
        assert!(word == "recording of" || evidence.contains(word), "{word}: {evidence}");
    }
    assert!(crash["evidence"][0]["file"].as_str().unwrap().contains("fence-o2cb"));
    let advice = crash["advice"].to_string();
    for word in ["3600a098000bb0001", "O2CB_HEARTBEAT_THRESHOLD", "fence_method"] {
        assert!(advice.contains(word), "{word}: {advice}");
    }
}

#[test]
fn a_fence_by_ha_is_told_with_its_statefile_and_where_the_guests_went() {
    let page = page("fence-xhad", &["--host", "xcp3"]);
    let crash = crash(&page);
    assert_eq!((crash["host"].as_str(), verdict(crash).0, verdict(crash).1), (Some("xcp3"), "xhad", "statefile"), "{crash:#}");
    let story = story(crash);
    assert!(step(&story, &["paths", "3600a098000aa01f"]).1);
    step(&story, &["last good access to the HA statefile", "60 s"]);
    assert!(step(&story, &["HA_HOST_FAILED"]).1 && step(&story, &["HA_HOST_WAS_FENCED"]).1, "{story:#?}");
    step(&story, &["run again, on"]);
    assert!(!story.iter().any(|(.., text)| text.contains("o2cb")), "{story:#?}");
    assert!(crash["advice"].to_string().contains("3600a098000aa01f"));
}

#[test]
fn a_host_that_dies_with_everything_well_is_not_called_a_fence() {
    let page = page("kernel-bug", &[]);
    let crash = crash(&page);
    assert_eq!(crash["host"], "xcp3");
    // With a dump whose cause the pool keeps it is a bug; without one nobody can tell.
    assert!(matches!(verdict(crash).0, "unknown" | "bug"), "{crash:#}");
    assert_ne!(verdict(crash).2, "sure");
    let story = story(crash);
    assert!(!story.iter().any(|(_, matters, text)| *matters && (text.contains("path") || text.contains("limit"))), "{story:#?}");
    step(&story, &["booted again"]);
    step(&story, &["guests died with it"]);
}

#[test]
fn calm_a_path_caught_in_time_a_rebuild_and_an_old_database_are_no_crash() {
    for file in ["calm", "path-loss", "mirror-rebuild"] {
        let page = page(file, &[]);
        let crash = crash(&page);
        assert_eq!(verdict(crash).0, "none", "{file}: {crash:#}");
        assert!(crash["story"].as_array().unwrap().is_empty() && crash["advice"].as_array().unwrap().is_empty(), "{file}");
    }
    // The coordinator went down there, and nobody knows why: but no fence.
    for crash in page("rewound-database", &[])["crashes"].as_array().unwrap() {
        assert!(matches!(verdict(crash).0, "none" | "unknown" | "bug"), "{crash:#}");
    }
}

#[test]
fn words_html_and_markdown_have_the_story_too() {
    let home = Home::new("past-forms");
    let path = shipped("fence-o2cb");
    let path = path.to_str().unwrap();
    let (code, words, _) = told(&home.run(&["crash", "--recording", path]));
    assert_eq!(code, 0);
    assert!(
        words.contains("before") && words.contains("▲") && words.contains("last of 2 paths") && words.contains("do now"),
        "{words}"
    );
    let (_, html, _) = told(&home.run(&["crash", "--recording", path, "--html", "-"]));
    assert!(html.contains("<svg") && html.contains("What led to it") && html.contains("class=\"matters\""), "{html}");
    let (_, markdown, _) = told(&home.run(&["crash", "--recording", path, "--markdown"]));
    assert!(markdown.contains("## What led to it") && markdown.contains("3600a098000bb0001"), "{markdown}");
}

#[test]
fn a_dump_and_a_recording_of_one_crash_are_told_together() {
    const FENCE: &str = "[  525.566490]   ERR: device-mapper: multipath: Failing path 8:32.\n\
        [  525.566493]   ERR: o2hb_write_timeout:160 ERROR: Heartbeat write timeout to device dm-0 after 60000 milliseconds\n\
        [  525.566500] EMERG: Kernel panic - not syncing: *** ocfs2 is very sorry to be fencing this system by panicing ***\n";
    let home = Home::new("past-both");
    let recording = shipped("fence-o2cb");
    // In UTC, in a zone whose name says nothing, and of another day.
    for (name, joined) in [("20261121-000205-UTC", true), ("20261121-080205-CST", true), ("20261118-000205-UTC", false)] {
        let folder = home.path().join(name).join("crash").join(name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("dom0.log"), FENCE).unwrap();
        let source = home.path().join(name);
        let args = ["crash", source.to_str().unwrap(), "--host", "xcp3", "--recording", recording.to_str().unwrap(), "--json"];
        let (code, out, err) = told(&home.run(&args));
        assert_eq!((code, err.as_str()), (0, ""), "{name}");
        let page: Value = serde_json::from_str(&out).unwrap();
        let crashes = page["crashes"].as_array().unwrap();
        assert_eq!(crashes.len(), if joined { 1 } else { 2 }, "{name}: {page:#}");
        let own = crashes.iter().find(|crash| !crash["dump"]["folder"].is_null()).unwrap();
        assert_eq!(verdict(own), ("o2cb", "disk", "sure"), "the log counts");
        assert_eq!(!own["story"].as_array().unwrap().is_empty(), joined, "{name}: {page:#}");
        if joined {
            assert!(own["at"].as_str().unwrap().starts_with("2026-11-21T00:02:"), "{own:#}");
            let story = story(own);
            step(&story, &["its own log", "dom0.log"]);
            assert!(own["notes"].to_string().contains("The recording says the same"), "{own:#}");
        }
    }
}

#[test]
fn a_time_or_a_host_that_is_not_in_it_is_refused_with_what_there_is() {
    let home = Home::new("past-refused");
    let path = shipped("fence-o2cb");
    let path = path.to_str().unwrap();
    let (code, _, err) = told(&home.run(&["crash", "--recording", path, "--host", "xcp9"]));
    assert!(code == 3 && err.contains("no host xcp9") && err.contains("xcp3"), "{err}");
    let (code, _, err) = told(&home.run(&["crash", "--recording", path, "--at", "2020-01-01 00:00"]));
    assert!(code == 3 && err.contains("outside of the recording"), "{err}");
    let (code, _, err) = told(&home.run(&["crash", "nowhere", "--host", "x", "--write-cause", "--recording", "none.zst"]));
    assert_eq!(code, 3, "{err}");
    let (code, _, err) = told(&home.run(&["crash", env!("CARGO_MANIFEST_DIR"), "--host", "x", "--write-cause"]));
    assert!(code == 3 && err.contains("Name the pool"), "{err}");
    // A host to which nothing happened, and a moment when nothing did.
    let calm = page("fence-o2cb", &["--host", "xcp1"]);
    assert_eq!(verdict(crash(&calm)).0, "none");
    let mut reading = Reading::default();
    let outside = past::explain(&mut reading, &shipped("calm"), None, Some(Time::EPOCH));
    assert!(matches!(outside, Err(PastError::Outside { .. })) && reading.crashes.is_empty());
}

/// A scenario with something more going wrong in it.
fn made(home: &Home, scenario: &str, secs: &str, faults: &[&str]) -> PathBuf {
    let path = home.path().join("made.jsonl.zst");
    let mut args = vec!["record", "--scenario", scenario, "--duration", secs, "-o", path.to_str().unwrap()];
    for fault in faults {
        args.extend(["--fault", fault]);
    }
    let (code, _, err) = told(&home.run(&args));
    assert_eq!(code, 0, "{err}");
    path
}

#[test]
fn a_host_that_dies_before_its_limit_is_over_was_not_fenced() {
    let home = Home::new("past-before");
    let path = made(&home, "fence-o2cb", "300", &["100 reset host=xcp3"]);
    let mut reading = Reading::default();
    past::explain(&mut reading, &path, Some("xcp3"), None).unwrap();
    let [crash] = reading.crashes.as_slice() else { panic!("one crash: {reading:#?}") };
    assert_eq!(crash.verdict.cause, Cause::Unknown, "a wrong o2cb is worse than none: {crash:#?}");
    assert!(crash.verdict.notes.iter().any(|note| note.contains("o2cb's limit was running, but had")), "{crash:#?}");
    assert!(!crash.story.iter().any(|step| step.text.contains("were over")), "{crash:#?}");
}

#[test]
fn a_host_that_is_still_away_at_the_end_is_told_too() {
    let home = Home::new("past-away");
    let path = made(&home, "fence-o2cb", "150", &[]);
    let mut reading = Reading::default();
    past::explain(&mut reading, &path, None, None).unwrap();
    let [crash] = reading.crashes.as_slice() else { panic!("one crash: {reading:#?}") };
    assert_eq!((crash.host.as_deref(), crash.verdict.cause), (Some("xcp3"), Cause::O2cb), "{crash:#?}");
    assert_eq!(crash.verdict.confidence, poolwatch::crash::verdict::Confidence::Guess, "it may still run");
    assert!(crash.story.iter().any(|step| step.text.contains("has not been heard since")), "{crash:#?}");
    assert!(crash.story.iter().any(|step| step.matters && step.text.contains("still down")), "{crash:#?}");
}

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % below.max(1)
    }
}

#[test]
fn recordings_that_are_cut_or_edited_anywhere_end_in_an_answer_or_a_clear_error() {
    let home = Home::new("past-broken");
    let path = home.path().join("broken.jsonl.zst");
    let whole = std::fs::read(shipped("fence-o2cb")).unwrap();
    let text = zstd::decode_all(whole.as_slice()).unwrap();
    let mut dice = Dice(7);
    let mut fences = 0;
    for round in 0..36 {
        let bytes = match round % 3 {
            0 => whole[..dice.roll(whole.len())].to_vec(),
            1 => {
                let mut bytes = whole.clone();
                for _ in 0..8 {
                    let at = dice.roll(bytes.len());
                    bytes[at] = u8::try_from(dice.roll(256)).unwrap();
                }
                bytes
            }
            _ => {
                // Whole as a file, with lines that are gone or changed.
                let mut lines: Vec<Vec<u8>> = text.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
                for _ in 0..60 {
                    let at = 1 + dice.roll(lines.len() - 1);
                    if dice.roll(2) == 0 {
                        drop(lines.remove(at));
                    } else if let Some(byte) = {
                        let len = lines[at].len();
                        lines[at].get_mut(dice.roll(len))
                    } {
                        *byte = b'9';
                    }
                }
                zstd::encode_all(lines.join(&b'\n').as_slice(), 3).unwrap()
            }
        };
        std::fs::write(&path, bytes).unwrap();
        let mut reading = Reading::default();
        match past::explain(&mut reading, &path, None, None) {
            Ok(()) => {
                assert!(!reading.crashes.is_empty());
                for crash in &reading.crashes {
                    // Less may be known, and never something else.
                    assert!(matches!(crash.verdict.cause, Cause::O2cb | Cause::Unknown | Cause::None), "{crash:#?}");
                    assert!(crash.story.len() <= 40 && crash.verdict.evidence.len() < 60);
                }
                fences += usize::from(reading.crashes.iter().any(|crash| crash.verdict.cause == Cause::O2cb));
            }
            Err(error) => assert!(error.to_string().contains("broken.jsonl.zst"), "{error}"),
        }
    }
    assert!(fences > 3, "most of them still tell: {fences}");
}

#[test]
fn a_newer_recording_and_another_file_are_refused_by_name() {
    let home = Home::new("past-newer");
    let text = zstd::decode_all(std::fs::File::open(shipped("calm")).unwrap()).unwrap();
    let newer = String::from_utf8(text).unwrap().replacen("poolwatch-recording/1", "poolwatch-recording/9", 1);
    let path = home.path().join("newer.jsonl.zst");
    std::fs::write(&path, zstd::encode_all(newer.as_bytes(), 3).unwrap()).unwrap();
    let (code, _, err) = told(&home.run(&["crash", "--recording", path.to_str().unwrap()]));
    assert!(code == 3 && err.contains("poolwatch-recording/9") && err.contains("newer"), "{err}");
    let (code, _, err) = told(&home.run(&["crash", "--recording", env!("CARGO_MANIFEST_DIR")]));
    assert!(code == 3 && !err.is_empty(), "{err}");
}

#[test]
fn a_long_recording_is_begun_near_the_crash() {
    let home = Home::new("past-long");
    let path = home.path().join("long.jsonl.zst");
    let file = path.to_str().unwrap();
    let args = ["record", "--scenario", "calm", "--duration", "7200", "--fault", "5400 reset host=xcp2", "-o", file];
    let (code, _, err) = told(&home.run(&args));
    assert_eq!(code, 0, "{err}");
    let mut reading = Reading::default();
    past::explain(&mut reading, &path, None, None).unwrap();
    let [crash] = reading.crashes.as_slice() else { panic!("one crash: {reading:#?}") };
    assert_eq!((crash.host.as_deref(), crash.verdict.cause), (Some("xcp2"), Cause::Unknown));
    let died = Time::from_secs(1_795_219_200 + 5_400);
    assert!(crash.at.is_some_and(|at| at.millis_after(died).abs() < 20_000), "{crash:#?}");
    assert!(crash.story.iter().all(|step| step.at.millis_after(died).abs() < 30 * 60_000), "{crash:#?}");
    // About that time it is the same, and about another there is none.
    let mut about = Reading::default();
    past::explain(&mut about, &path, Some("xcp2"), Some(died)).unwrap();
    assert_eq!(about.crashes, reading.crashes);
    let mut early = Reading::default();
    past::explain(&mut early, &path, None, Some(Time::from_secs(1_795_219_200 + 600))).unwrap();
    assert_eq!(early.crashes[0].verdict.cause, Cause::None);
}
