//! What a real xapi said, read by our client: every captured answer, and every batch of the recorded scenes.
//!
//! Needs those captures, which are not part of this project: `POOLWATCH_CAPTURES=<dir> cargo test --test captures_wire -- --ignored`.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test that fails may panic")]

mod fake;

use fake::{Fake, Say, client};
use poolwatch::feed::decode;
use poolwatch::time::Time;
use poolwatch::xenapi::Error;
use poolwatch::xenapi::client::{Ask, Client};
use poolwatch::xenapi::events::EventBatch;
use poolwatch::xenapi::record::Class;
use poolwatch::xenapi::reply::{self, Problem};
use poolwatch::xenapi::rrd::Updates;
use serde_json::value::RawValue;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn captures() -> PathBuf {
    PathBuf::from(std::env::var_os("POOLWATCH_CAPTURES").expect("POOLWATCH_CAPTURES must name the directory of the captures"))
}

/// The body of the request, and the response as it was on the wire.
fn split(capture: &[u8]) -> (String, Vec<u8>) {
    let mark = b"<<< RESPONSE\n";
    let at = capture.windows(mark.len()).position(|w| w == mark).expect("a response");
    let request = String::from_utf8_lossy(&capture[..at]);
    let body = request.split_once("\r\n\r\n").or_else(|| request.split_once("\n\n")).map_or("", |(_, body)| body.trim());
    (body.to_owned(), capture[at + mark.len()..].to_vec())
}

/// Sends the captured response through a socket to our own client.
async fn replay(name: &str, response: Vec<u8>) -> Result<String, Error> {
    let fake = Fake::start("127.0.0.1:0", false, move |_| Say::Raw(response.clone())).await;
    let (client, target) = (client(fake.addr.port()), fake.target());
    let deadline = Duration::from_secs(10);
    if name.starts_with("http-") {
        return client.get(&target, "/rrd_updates?start=1", "OpaqueRef:s", deadline).await.map(|answer| answer.text);
    }
    let ask = Ask { method: "m", params: &[], deadline, secrets: &[], thumbprint: true, waits: false };
    let answer = client.call(&target, ask).await?;
    if name == "json-HOST_IS_SLAVE-thumbprint-header.txt" {
        assert!(answer.thumbprint.is_some(), "the coordinator's certificate is in a header");
    }
    Ok(answer.text)
}

/// What a JSON answer to `method` must turn out to be.
fn check_json(name: &str, method: &str, text: &str) {
    let code = |problem: &Problem| match problem {
        Problem::Api(error) => error.code.to_string(),
        other => panic!("{name}: {other:?}"),
    };
    if method == "event.from" {
        match EventBatch::from_reply(text) {
            Ok(batch) => {
                assert_eq!(batch.unreadable, [], "{name}");
                assert!(batch.token.is_some(), "{name}");
                assert!(batch.counts.contains_key(&Class::Host), "{name}");
            }
            Err(problem) => {
                let want = if name.contains("bad-token") { "EVENT_FROM_TOKEN_PARSE_FAILURE" } else { "SESSION_INVALID" };
                assert_eq!(code(&problem), want, "{name}");
            }
        }
        return;
    }
    if let Some(class) = method.strip_suffix(".get_all_records").and_then(|class| class.parse::<Class>().ok()) {
        let (good, bad) = reply::records(text, class, method).unwrap_or_else(|e| panic!("{name}: {e:?}"));
        assert_eq!(bad, [], "{name}");
        assert!(!good.is_empty(), "{name}");
        return;
    }
    match reply::result::<&RawValue>(text, method) {
        Ok(_) => {}
        Err(problem) => {
            let code = code(&problem);
            let stem = name.trim_end_matches(".txt").rsplit_once("json").map_or("", |(_, rest)| rest);
            let expected = [
                ("bad-password", "SESSION_AUTHENTICATION_FAILED"),
                ("HOST_IS_SLAVE", "HOST_IS_SLAVE"),
                ("session.get_all", "MESSAGE_METHOD_UNKNOWN"),
                ("wrong-type", "INTERNAL_ERROR"),
                ("params-object", "INTERNAL_ERROR"),
                ("string-for-bool", "HANDLE_INVALID"),
                ("get_since-bad", "INTERNAL_ERROR"),
                ("not-registered", "SESSION_NOT_REGISTERED"),
            ];
            let named = expected.iter().any(|(part, want)| stem.contains(part) && code == *want);
            assert!(named || stem.contains(&code), "{name}: {code} was not expected");
        }
    }
}

#[tokio::test]
#[ignore = "needs the captures of a real xapi"]
async fn every_captured_answer_is_understood() {
    let dir = captures().join("raw");
    let mut seen = 0;
    for entry in std::fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display())) {
        let path = entry.expect("a file").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if name == "INDEX.txt" {
            continue;
        }
        seen += 1;
        let (request, response) = split(&std::fs::read(&path).expect("readable"));
        let status: u16 =
            String::from_utf8_lossy(&response).split_whitespace().nth(1).and_then(|s| s.parse().ok()).expect("a status");
        let answer = replay(&name, response).await;
        match (status, answer) {
            (200, Ok(text)) if name.starts_with("json") => {
                let request: serde_json::Value = serde_json::from_str(&request).expect("a request");
                check_json(&name, request["method"].as_str().unwrap_or_default(), &text);
            }
            // XML-RPC is not ours: it must be told apart from JSON, not misread.
            (200, Ok(text)) if name.starts_with("xml") => assert_eq!(reply::result::<String>(&text, "m"), Err(Problem::Html)),
            (200, Ok(text)) if name.starts_with("http-rrd-updates") => {
                let updates = Updates::parse(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
                let newest = updates.newest_of_host(None);
                if name.contains("future-start") {
                    assert_eq!(newest, None);
                } else {
                    let (at, values) = newest.unwrap_or_else(|| panic!("{name}: no row"));
                    assert!(at > Time::from_secs(1_700_000_000) && values.iter().any(|(source, _)| source == "cpu0"), "{name}");
                }
            }
            // A whole database, which we do not ask for: no updates, and no panic.
            (200, Ok(text)) if name.starts_with("http-rrd-vm_rrd") => assert!(Updates::parse(&text).is_err(), "{name}"),
            (200, Ok(text)) => check_json(&name, "host.get_all", &text),
            (_, Err(Error::Http { status: got, .. })) => assert_eq!(got, status, "{name}"),
            (_, Err(Error::NotXenApi { .. })) => assert!(!name.starts_with("http") && status < 500, "{name}"),
            (status, other) => panic!("{name}: {status}: {other:?}"),
        }
    }
    assert!(seen >= 120, "only {seen} captures in {}", dir.display());
}

#[test]
#[ignore = "needs the captures of a real xapi"]
fn every_recorded_scene_is_decoded() {
    let dir = captures().join("traces");
    for name in ["real-rolling", "real-resync", "real-crash", "real-restart"] {
        let path = dir.join(format!("{name}.jsonl"));
        let (mut batches, mut observations, mut errors) = (0, 0, 0);
        for line in read(&path).lines() {
            #[derive(serde::Deserialize)]
            struct Line<'a> {
                t: f64,
                kind: String,
                #[serde(borrow)]
                result: Option<&'a RawValue>,
                #[serde(borrow)]
                error: Option<&'a RawValue>,
            }
            let line: Line<'_> = serde_json::from_str(line).expect("a line");
            match (line.kind.as_str(), line.result, line.error) {
                ("event.from", Some(result), _) => {
                    let batch = EventBatch::from_result(result.get()).unwrap_or_else(|e| panic!("{name}: {e:?}"));
                    assert_eq!(batch.unreadable, [], "{name} at {}", line.t);
                    assert!(batch.token.is_some());
                    batches += 1;
                    let at = Time::from_millis((line.t * 1000.0) as i64);
                    observations += decode::observations(&batch, at).len();
                }
                ("event.error", _, Some(error)) => {
                    let text = format!(r#"{{"jsonrpc":"2.0","error":{},"id":1}}"#, error.get());
                    let problem = EventBatch::from_reply(&text).expect_err("an error");
                    let target = poolwatch::xenapi::Target::parse("x", false).expect("target");
                    assert!(Client::problem(&target, "event.from", problem, &[]).is_session_over());
                    errors += 1;
                }
                _ => {}
            }
        }
        assert!(batches > 10 && observations > 100, "{name}: {batches} batches, {observations} observations");
        assert_eq!(errors, u32::from(name == "real-restart"));
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
