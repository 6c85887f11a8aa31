//! A database that goes back in time while poolwatch is not running: found at the next start, and listed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{Home, Sim, told};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const CALM: &[&str] = &["--scenario", "calm", "--listen", "127.0.0.1:0"];

fn status(home: &Home, sim: &Sim) -> Value {
    let (_, text, errors) = told(&home.run(&["status", sim.url(), "--json"]));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}{errors}"))
}

/// Looks until it is as wanted: a coordinator that starts over takes its time.
fn until(home: &Home, sim: &Sim, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let end = Instant::now() + Duration::from_secs(90);
    loop {
        let (_, text, errors) = told(&home.run(&["status", sim.url(), "--json"]));
        match serde_json::from_str(&text) {
            Ok(status) if wanted(&status) => return status,
            _ => assert!(Instant::now() < end, "never {what}: {text}{errors}"),
        }
    }
}

#[test]
fn what_was_changed_since_the_older_copy_is_listed_at_the_next_start_and_after_that() {
    let home = Home::new("rewound");
    let mut sim = Sim::start(&home, &[CALM, &["--speed", "10"]].concat());
    until(&home, &sim, "calm", |status| status["verdict"]["reboot_next"] == "open");
    sim.say("keep-database");
    // After the copy, a host gets another name: the older database knows nothing of that. Nor of many other changes, so that it
    // does not catch up before anybody looks.
    let session = sim.login();
    let host = sim.call("host.get_by_name_label", &json!([session, "xcp3"]))[0].as_str().unwrap().to_owned();
    let pool = sim.call("pool.get_all", &json!([session]))[0].as_str().unwrap().to_owned();
    sim.call("host.set_name_label", &json!([session, host, "renamed"]));
    for _ in 0..500 {
        sim.call("pool.add_to_other_config", &json!([session, pool, "note", "x"]));
        sim.call("pool.remove_from_other_config", &json!([session, pool, "note"]));
    }
    let named = until(&home, &sim, "renamed", |status| {
        status["hosts"].as_array().is_some_and(|hosts| hosts.iter().any(|h| h["name"] == "renamed"))
    });
    let before = named["control"]["database"]["generation"].as_u64().expect("a generation");
    assert_eq!(named["control"]["database"]["went_back"], Value::Null, "{named}");
    let mut kept = walk(home.path());
    kept.retain(|path| path.extension().is_some_and(|end| end == "json"));
    assert_eq!(kept.len(), 1, "{kept:?}");

    sim.say("rewind-database");
    let found = until(&home, &sim, "found", |status| !status["control"]["database"]["went_back"].is_null());
    let back = &found["control"]["database"]["went_back"];
    assert!(back["from"].as_u64().unwrap() >= before, "{back}");
    assert!(back["to"].as_u64().unwrap() < before, "{back}");
    let changes = back["changes"].as_array().unwrap();
    let host = changes.iter().find(|c| c["class"] == "host" && c["name"] == "xcp3").unwrap_or_else(|| panic!("{back}"));
    assert_eq!((host["what"].as_str(), host["text"].as_str()), (Some("reverted"), Some("name was renamed, is xcp3")), "{back}");
    assert!(found["alerts"].as_array().unwrap().iter().any(|a| a["name"] == "database-went-back"), "{found}");
    assert!(found["alerts"].as_array().unwrap().iter().any(|a| a["name"] == "database-lost"), "{found}");

    // It is told again, as it was found, and not found anew.
    let again = status(&home, &sim);
    assert_eq!(again["control"]["database"]["went_back"], *back);
    let (_, words, _) = told(&home.run(&["status", sim.url()]));
    assert!(words.contains("went back in time") && words.contains("reverted: host xcp3: name was renamed, is xcp3"), "{words}");
    let (_, lines, _) = told(&home.run(&["stream", sim.url(), "--duration", "5"]));
    assert!(lines.contains("database went back in time") && lines.contains("xcp3"), "{lines}");
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(walk(&path)) } else { found.push(path) }
    }
    found
}
