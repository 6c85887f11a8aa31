//! `poolwatch crash` as its users meet it: exit codes, words, forms, and a pool that gives its logs or does not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;
mod fake;

use common::{Home, told};
use fake::{Fake, Request, Say};
use serde_json::json;
use std::io::Write as _;
use std::process::Stdio;

const SESSION: &str = "OpaqueRef:5e55-0000";
const FENCE: &str = "[  525.566490]   ERR: device-mapper: multipath: Failing path 8:32.\n\
[  525.566493]   ERR: (kworker/u16:1,4321,3):o2hb_write_timeout:160 ERROR: Heartbeat write timeout to device dm-3 after 60000 milliseconds\n\
[  525.566500] EMERG: Kernel panic - not syncing: *** ocfs2 is very sorry to be fencing this system by panicing ***\n";

fn with_dump(name: &str) -> Home {
    let home = Home::new(name);
    let folder = home.path().join("crash/20261121-021744-UTC");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("dom0.log"), FENCE).unwrap();
    std::fs::write(folder.join("xen-crashdump-analyser.log"), "INFO  COMPLETE\n").unwrap();
    home
}

fn path(home: &Home, name: &str) -> String {
    home.path().join(name).display().to_string()
}

#[test]
fn a_folder_in_words_and_in_every_form() {
    let home = with_dump("crash-words");
    let folder = path(&home, "crash");
    let (code, words, errors) = told(&home.run(&["crash", &folder]));
    assert_eq!((code, errors.as_str()), (0, ""), "{words}");
    for what in ["o2cb (disk)", "2026-11-21 02:17:44 UTC", "dom0.log:2", "Heartbeat write timeout", "do now", "whole"] {
        assert!(words.contains(what), "{what}: {words}");
    }
    assert!(words.lines().all(|line| line.chars().count() <= 100), "{words}");

    let (code, json, _) = told(&home.run(&["crash", &folder, "--json"]));
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((code, json["schema"].as_str()), (0, Some("poolwatch-crash/1")));
    let crash = &json["crashes"][0];
    assert_eq!(
        (crash["cause"].as_str(), crash["finer"].as_str(), crash["at"].as_str()),
        (Some("o2cb"), Some("disk"), Some("2026-11-21T02:17:44.000Z"))
    );
    for key in ["host", "at", "cause", "finer", "confidence", "evidence", "advice", "story"] {
        assert!(crash.get(key).is_some(), "no {key} in {crash}");
    }
    for key in ["file", "line", "text"] {
        assert!(!crash["evidence"][0][key].is_null(), "no {key} in {crash}");
    }

    let (code, markdown, _) = told(&home.run(&["crash", &folder, "--markdown"]));
    assert!(code == 0 && markdown.starts_with("# ") && markdown.contains("## What to do"), "{markdown}");

    let page = path(&home, "crash.html");
    let (code, said, _) = told(&home.run(&["crash", &folder, "--html", &page]));
    let html = std::fs::read_to_string(&page).unwrap();
    assert!(code == 0 && said.contains("fenced by o2cb"), "{said}");
    assert!(html.starts_with("<!doctype html>") && html.contains("prefers-color-scheme:dark") && html.contains("@media print"));
    for elsewhere in ["src=", "href=", "url(", "@import", "<script"] {
        assert!(!html.contains(elsewhere), "{elsewhere}");
    }
}

#[test]
fn the_standard_input_a_quiet_log_and_what_cannot_be_read() {
    let home = with_dump("crash-input");
    let mut piped = home.poolwatch(&["crash", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    piped.stdin.take().unwrap().write_all(FENCE.as_bytes()).unwrap();
    let (code, words, _) = told(&piped.wait_with_output().unwrap());
    assert!(code == 0 && words.contains("o2cb"), "{words}");

    let quiet = path(&home, "kern.log");
    std::fs::write(&quiet, "Nov 21 01:00:00 xcp3 kernel: [ 1000.0] device vif3.0 entered promiscuous mode\n").unwrap();
    let (code, words, _) = told(&home.run(&["crash", &quiet]));
    assert!(code == 0 && words.contains("no crash here"), "{words}");

    let (code, _, errors) = told(&home.run(&["crash", &path(&home, "gone")]));
    assert!(code == 3 && errors.contains("--host NAME"), "{errors}");
    std::fs::create_dir(home.path().join("empty")).unwrap();
    let (code, _, errors) = told(&home.run(&["crash", &path(&home, "empty")]));
    assert!(code == 3 && errors.contains("Give a crash folder"), "{errors}");
    let (code, _, errors) = told(&home.run(&["crash", &quiet, "--json", "--markdown"]));
    assert!(code == 2 && errors.contains("--markdown"), "{errors}");
    let (code, _, errors) = told(&home.run(&["crash", &quiet, "--html", &path(&home, "no/such/folder.html")]));
    assert!(code == 3 && errors.contains("cannot write the report"), "{errors}");
}

/// A tar with one dump in it.
fn tar() -> Vec<u8> {
    tar_of("dom0.log", FENCE)
}

/// A tar with one log of a dump in it.
fn tar_of(log: &str, text: &str) -> Vec<u8> {
    let mut block = vec![0; 512];
    let name = format!("bug-report-20261121031500/var/crash/20261121-021744-UTC/{log}");
    let name = name.as_bytes();
    block[..name.len()].copy_from_slice(name);
    block[124..135].copy_from_slice(format!("{:011o}", text.len()).as_bytes());
    block[156] = b'0';
    block[257..265].copy_from_slice(b"ustar\x0000");
    block[148..156].fill(b' ');
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    block.extend_from_slice(text.as_bytes());
    block.resize(block.len().next_multiple_of(512) + 1_024, 0);
    block
}

/// A pool of one host that answers the request for its logs with this.
async fn pool(status: &'static str, body: Vec<u8>) -> Fake {
    let answer = move |request: &Request| {
        if request.head.starts_with("GET /system-status") {
            let mut bytes = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
            bytes.extend_from_slice(&body);
            return Say::Raw(bytes);
        }
        match request.method().as_str() {
            "session.login_with_password" => Say::Result(json!(SESSION)),
            "session.logout" => Say::Result(json!("")),
            "event.from" => {
                let host = json!({"uuid": "u-3", "name_label": "xcp3", "hostname": "xcp3", "address": "127.0.0.1"});
                let event = json!({"id": "1", "class": "host", "operation": "add", "ref": "OpaqueRef:h", "snapshot": host});
                let counts = json!({"host": 1});
                Say::Result(
                    json!({"events": [event], "valid_ref_counts": counts, "token": "00000000000000000001,00000000000000000001"}),
                )
            }
            method => Say::error("MESSAGE_METHOD_UNKNOWN", &[method]),
        }
    };
    Fake::start("127.0.0.1:0", false, answer).await
}

async fn run(home: &Home, fake: &Fake, host: &str) -> (i32, String, String) {
    let mut command = home.poolwatch(&["crash", &format!("http://{}", fake.addr), "--host", host, "--json"]);
    told(&tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_of_a_pool_gives_its_logs() {
    let home = Home::new("crash-live");
    let fake = pool("200 OK", tar()).await;
    let (code, json, errors) = run(&home, &fake, "xcp3").await;
    assert_eq!(code, 0, "{json}{errors}");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((json["crashes"][0]["cause"].as_str(), json["crashes"][0]["host"].as_str()), (Some("o2cb"), Some("xcp3")));
    let requests = fake.requests.lock().unwrap().clone();
    let fetch = requests.iter().find(|request| request.head.starts_with("GET ")).expect("it was asked");
    let line = fetch.head.lines().next().unwrap();
    // The session is a key to the pool: it goes in a cookie, not in the address, which ends up in logs.
    assert!(!line.contains(SESSION) && fetch.head.contains(&format!("session_id={SESSION}")), "{}", fetch.head);
    assert!(line.contains("output=tar") && line.contains("host-crashdump-logs") && !line.contains("databases"), "{line}");
    assert!(requests.iter().any(|request| request.method() == "session.logout"));

    let (code, _, errors) = run(&home, &fake, "xcp9").await;
    assert!(code == 3 && errors.contains("has no host xcp9") && errors.contains("xcp3"), "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_and_what_breaks_off_is_told_without_the_session() {
    let home = Home::new("crash-role");
    let refusal = format!("<html><body>403 Forbidden for {SESSION}</body></html>").into_bytes();
    let (code, _, errors) = run(&home, &pool("403 Forbidden", refusal).await, "xcp3").await;
    assert!(code == 3 && errors.contains("pool-operator") && errors.contains("root"), "{errors}");
    assert!(!errors.contains(SESSION), "{errors}");
    // The host goes down in the middle: what came until then is judged.
    let mut cut = tar();
    cut.truncate(512 + FENCE.len());
    let whole = tar().len();
    let answer = move |request: &Request| {
        if request.head.starts_with("GET ") {
            let mut bytes = format!("HTTP/1.1 200 OK\r\ncontent-length: {whole}\r\n\r\n").into_bytes();
            bytes.extend_from_slice(&cut);
            return Say::Raw(bytes);
        }
        match request.method().as_str() {
            "event.from" => {
                let host = json!({"uuid": "u-3", "name_label": "xcp3", "hostname": "xcp3", "address": "127.0.0.1"});
                let event = json!({"id": "1", "class": "host", "operation": "add", "ref": "OpaqueRef:h", "snapshot": host});
                Say::Result(
                    json!({"events": [event], "valid_ref_counts": {"host": 1}, "token": "00000000000000000001,00000000000000000001"}),
                )
            }
            _ => Say::Result(json!(SESSION)),
        }
    };
    let fake = Fake::start("127.0.0.1:0", false, answer).await;
    let (code, json, errors) = run(&home, &fake, "u-3").await;
    assert_eq!(code, 0, "{errors}");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["crashes"][0]["cause"], "o2cb", "{json:#}");
    assert!(json["notes"].to_string().contains("cut off"), "{json:#}");
    assert!(!json.to_string().contains(SESSION) && !errors.contains(SESSION));
}

/// A pool whose host left a dump, of which it knows; `refuses` what is written.
async fn pool_with_dump(other_config: serde_json::Value, refuses: bool) -> Fake {
    let answer = move |request: &Request| {
        if request.head.starts_with("GET /system-status") {
            let body = tar();
            let mut bytes = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
            bytes.extend_from_slice(&body);
            return Say::Raw(bytes);
        }
        let host = json!({"uuid": "u-3", "name_label": "xcp3", "hostname": "xcp3", "address": "127.0.0.1"});
        let dump = |r: &str, host: &str, at: &str| json!({"uuid": format!("uuid-{r}"), "host": host, "timestamp": at, "size": 7, "other_config": other_config});
        match request.method().as_str() {
            "session.login_with_password" => Say::Result(json!(SESSION)),
            "session.logout" => Say::Result(json!("")),
            "event.from" => {
                let event = json!({"id": "1", "class": "host", "operation": "add", "ref": "OpaqueRef:h", "snapshot": host});
                let counts = json!({"host": 1});
                Say::Result(
                    json!({"events": [event], "valid_ref_counts": counts, "token": "00000000000000000001,00000000000000000001"}),
                )
            }
            "host.get_all_records" => Say::Result(json!({"OpaqueRef:h": host})),
            "host_crashdump.get_all_records" => Say::Result(json!({
                "OpaqueRef:d1": dump("d1", "OpaqueRef:h", "20261120T02:17:44Z"),
                "OpaqueRef:d2": dump("d2", "OpaqueRef:h", "20261121T02:17:44Z"),
                "OpaqueRef:d3": dump("d3", "OpaqueRef:other", "20261121T02:17:44Z"),
            })),
            method if method.ends_with("_other_config") && refuses => Say::error("RBAC_PERMISSION_DENIED", &[method]),
            method if method.ends_with("_other_config") => Say::Result(json!("")),
            method => Say::error("MESSAGE_METHOD_UNKNOWN", &[method]),
        }
    };
    Fake::start("127.0.0.1:0", false, answer).await
}

async fn note(home: &Home, fake: &Fake, more: &[&str]) -> (i32, String, Vec<serde_json::Value>) {
    let url = format!("http://{}", fake.addr);
    let args = [&["crash", url.as_str(), "--host", "xcp3", "--write-cause"], more].concat();
    let mut command = home.poolwatch(&args);
    let (code, words, errors) = told(&tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap());
    assert!(words.contains("xcp3"), "it is told whatever becomes of the note: {words}");
    let requests = fake.requests.lock().unwrap().clone();
    let writes = requests.iter().filter(|request| request.method().ends_with("_other_config"));
    (code, errors, writes.map(|request| json!([request.method(), request.json()["params"]])).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cause_is_noted_with_that_dump_and_only_with_consent() {
    let home = Home::new("crash-note");
    // Nobody can be asked: nothing is written, and it is said what would have been.
    let (code, errors, writes) = note(&home, &pool_with_dump(json!({}), false).await, &[]).await;
    assert!(code == 3 && writes.is_empty(), "{errors}{writes:?}");
    assert!(errors.contains("poolwatch-cause = o2cb") && errors.contains("uuid-d2") && errors.contains("--yes"), "{errors}");

    let (code, errors, writes) = note(&home, &pool_with_dump(json!({}), false).await, &["--yes"]).await;
    assert_eq!(code, 0, "{errors}");
    let key = json!("poolwatch-cause");
    let expected = [
        json!(["host_crashdump.remove_from_other_config", [SESSION, "OpaqueRef:d2", key]]),
        json!(["host_crashdump.add_to_other_config", [SESSION, "OpaqueRef:d2", key, "o2cb"]]),
    ];
    assert_eq!(writes, expected);
    assert!(errors.contains("written") && !errors.contains(SESSION), "{errors}");

    let there = pool_with_dump(json!({"poolwatch-cause": "o2cb"}), false).await;
    let (code, errors, writes) = note(&home, &there, &["--yes"]).await;
    assert!(code == 0 && writes.is_empty() && errors.contains("already"), "{errors}");
    let other = pool_with_dump(json!({"poolwatch-cause": "bug"}), false).await;
    let (code, errors, _) = note(&home, &other, &[]).await;
    assert!(code == 3 && errors.contains("now says bug"), "what it replaces is said: {errors}");

    let (code, errors, _) = note(&home, &pool_with_dump(json!({}), true).await, &["--yes"]).await;
    assert!(code == 3 && errors.contains("pool-operator"), "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_known_is_not_noted() {
    let home = Home::new("crash-note-unknown");
    let fake = pool("200 OK", tar_of("xen.log", "(XEN) Xen version 4.17\n(XEN) all well\n")).await;
    let (code, errors, writes) = note(&home, &fake, &["--yes"]).await;
    assert!(code == 3 && writes.is_empty() && errors.contains("a guess would stand there as a fact"), "{code} {errors}");
}
