//! `poolwatch record` and `replay` as their users meet them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{Home, Sim, told};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A recorder that has begun to write.
fn recording(home: &Home, sim: &Sim, file: &str) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = home.poolwatch(&["record", sim.url(), "-o", file]).stdout(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("recording into") {
        line.clear();
        assert!(out.read_line(&mut line).unwrap() > 0, "it ended early");
    }
    assert!(line.contains(file) && line.contains("Ctrl-C"), "{line}");
    (child, out)
}

fn replay(home: &Home, file: &str, more: &[&str]) -> (i32, String, String) {
    told(&home.run(&[&["replay", file, "--json"], more].concat()))
}

/// Waits until the end of the recording tells of all four hosts.
fn until_readable(home: &Home, file: &str) -> Value {
    let begin = Instant::now();
    loop {
        let (code, out, err) = replay(home, file, &[]);
        if code == 0 {
            let state: Value = serde_json::from_str(&out).unwrap();
            if state["hosts"].as_array().is_some_and(|hosts| hosts.len() == 4) {
                return state;
            }
        }
        assert!(begin.elapsed() < Duration::from_secs(30), "not readable in time: {code} {out} {err}");
    }
}

#[test]
fn what_was_seen_survives_kill_9_and_is_readable_before() {
    let home = Home::new("record-kill");
    let sim = Sim::start(&home, &["--scenario", "calm", "--listen", "127.0.0.1:0"]);
    let file = home.path().join("flight.jsonl.zst");
    let file = file.to_str().unwrap();
    let (mut child, _out) = recording(&home, &sim, file);
    let before = until_readable(&home, file);
    assert_eq!(before["schema"], "poolwatch-status/1");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(until_readable(&home, file)["pool"]["name"], "prod-a");
    let (code, out, err) = told(&home.run(&["record", sim.url(), "-o", file]));
    assert_eq!((code, out.as_str()), (3, ""));
    assert!(err.contains("there already") && err.contains("never written over"), "{err}");
}

#[test]
fn it_stops_in_order_when_it_is_told_to() {
    let home = Home::new("record-term");
    let sim = Sim::start(&home, &["--scenario", "calm", "--listen", "127.0.0.1:0"]);
    let file = home.path().join("flight.jsonl.zst");
    let file = file.to_str().unwrap();
    let (mut child, out) = recording(&home, &sim, file);
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    let last = out.lines().map(Result::unwrap).last().unwrap_or_default();
    assert!(last.contains("poolwatch replay") && last.contains(file), "{last}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    // The last frame is closed: whoever unpacks it finds nothing missing.
    let text = zstd::decode_all(std::fs::File::open(file).unwrap()).unwrap();
    let lines: Vec<Value> =
        text.split(|b| *b == b'\n').filter(|l| !l.is_empty()).map(|l| serde_json::from_slice(l).unwrap()).collect();
    assert_eq!(lines[0]["schema"], "poolwatch-recording/1");
    assert_eq!(lines[0]["pool"], "prod-a");
    assert!(lines[1..].iter().all(|line| line["seen"].is_object() || line["mark"].is_object()));
}

#[test]
fn a_pool_that_is_not_there_is_told_and_leaves_nothing_to_look_at() {
    let home = Home::new("record-nobody");
    let file = home.path().join("flight.jsonl.zst");
    let args = ["record", "http://127.0.0.1:9", "-o", file.to_str().unwrap(), "--duration", "2"];
    let (code, out, _) = told(&home.run(&args));
    assert_eq!(code, 3);
    assert!(out.contains("not connected") && out.contains("never read"), "{out}");
}

#[test]
fn without_a_file_it_goes_into_the_data_folder_unless_that_is_switched_off() {
    let home = Home::new("record-data");
    let sim = Sim::start(&home, &["--scenario", "calm", "--listen", "127.0.0.1:0"]);
    let (code, out, err) = told(&home.run(&["record", sim.url(), "--duration", "4"]));
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let place = out.lines().last().and_then(|line| line.split("poolwatch replay ").nth(1)).unwrap().to_owned();
    let (code, out, err) = replay(&home, &place, &[]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["pool"]["name"], "prod-a");
    let (code, _, err) = told(&home.run(&["record", sim.url(), "--no-recording"]));
    assert_eq!(code, 3);
    assert!(err.contains("nothing would be recorded"), "{err}");
}

#[test]
fn what_cannot_be_replayed_is_told() {
    let home = Home::new("replay-bad");
    let file = |name: &str, bytes: &[u8]| {
        let path = home.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let newer = zstd::encode_all(&b"{\"schema\":\"poolwatch-recording/7\"}\n"[..], 3).unwrap();
    for (path, words) in [
        (file("empty.zst", b""), "is empty"),
        (file("picture.png", b"\x89PNG and so on"), "not a recording"),
        (file("newer.zst", &newer), "poolwatch-recording/7"),
        ("/nowhere/at/all".to_owned(), "cannot read"),
        (home.path().to_str().unwrap().to_owned(), "is empty"),
    ] {
        let (code, out, err) = replay(&home, &path, &[]);
        assert_eq!((code, out.as_str()), (3, ""), "{path}: {err}");
        assert!(err.contains(words), "{path}: {err}");
    }
    let calm = concat!(env!("CARGO_MANIFEST_DIR"), "/recordings/calm.jsonl.zst");
    for (at, words) in
        [("noon", "is no time"), ("+10h", "outside of the recording"), ("2001-01-01 00:00", "outside of the recording")]
    {
        let (code, _, err) = replay(&home, calm, &["--at", at]);
        assert_eq!(code, 3);
        assert!(err.contains(words), "{at}: {err}");
    }
    let (code, _, err) = told(&home.run(&["replay", calm]));
    assert_eq!(code, 3);
    assert!(err.contains("needs a terminal") && err.contains("--json"), "{err}");
}

#[test]
fn a_moment_is_drawn_as_a_picture() {
    let home = Home::new("replay-svg");
    let calm = concat!(env!("CARGO_MANIFEST_DIR"), "/recordings/calm.jsonl.zst");
    let out = home.path().join("calm.svg");
    let args = ["replay", calm, "--svg", out.to_str().unwrap(), "--at", "+5min", "--size", "100x30", "--zone", "UTC"];
    let (code, said, err) = told(&home.run(&args));
    assert_eq!((code, said.as_str(), err.as_str()), (0, "", ""));
    let svg = std::fs::read_to_string(&out).unwrap();
    // Blanks that must stay are written as such.
    let words_of = svg.replace('\u{a0}', " ");
    for words in ["<svg", "PAST 2026-11-21 00:05:00", "xcp4", "</svg>"] {
        assert!(words_of.contains(words), "{words} is missing in {svg}");
    }
    let pressed = [&args[..], &["--press", "?"]].concat();
    assert_eq!(told(&home.run(&pressed)).0, 0);
    assert_ne!(std::fs::read_to_string(&out).unwrap(), svg, "the key did something");
}
