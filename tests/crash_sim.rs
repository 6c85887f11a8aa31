//! What simulated hosts leave behind when they crash, read over the wire by the program as its users would: `crash TARGET --host H`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{Home, told};
use poolwatch::crash::read::{Options, stream};
use poolwatch::sim::api::{Api, Call, Failure, HostIx, Reply, StatusRequest};
use poolwatch::sim::scenario::{self, Overrides};
use poolwatch::sim::server::{ServeOptions, SimHandle};
use poolwatch::sim::start::{StartOptions, start};
use poolwatch::sim::value::Value as SimValue;
use poolwatch::sim::world::{Dialect, World};
use poolwatch::time::Time;
use serde_json::Value;
use std::io::{Read, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A scenario, served, so many virtual seconds after its start.
async fn after(name: &str, dialect: Dialect, secs: u64) -> SimHandle<World> {
    served(name, dialect, secs, true).await
}

async fn served(name: &str, dialect: Dialect, secs: u64, tls: bool) -> SimHandle<World> {
    let scenarios = scenario::load(name, Overrides::default()).unwrap();
    let serve = ServeOptions { speed: 1.0, tls, ..ServeOptions::default() };
    // Messages of the pool count if they are of the last month.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let began = Time::from_secs(i64::try_from(now - secs).unwrap());
    let sim = start(&scenarios, &StartOptions { serve, dialect, ..StartOptions::new(1, began) }).await.unwrap();
    sim.pool().with(|world| world.advance(began + Duration::from_secs(secs)));
    sim
}

/// What the program says of a host's crashes.
async fn crashes(sim: &SimHandle<World>, name: &str, args: &'static [&'static str]) -> Vec<Value> {
    let (code, out, err) = run(sim, name, args).await;
    assert_eq!(code, 0, "{err}");
    let read: Value = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}\n{err}"));
    assert_eq!(read["notes"], serde_json::json!([]), "{read:#}");
    read["crashes"].as_array().unwrap().clone()
}

async fn run(sim: &SimHandle<World>, name: &str, args: &'static [&'static str]) -> (i32, String, String) {
    let (url, name) = (sim.pool().url().to_owned(), name.to_owned());
    let ran = tokio::task::spawn_blocking(move || {
        let home = Home::new(&format!("crash-sim-{name}-{}", url.rsplit(':').next().unwrap()));
        let mut all = vec!["crash", &url, "--json"];
        all.extend(args);
        told(&home.run(&all))
    });
    ran.await.unwrap()
}

/// What should come of a crash.
struct Case {
    scenario: &'static str,
    /// Virtual seconds after the start.
    secs: u64,
    args: &'static [&'static str],
    cause: &'static str,
    finer: &'static str,
    confidence: &'static str,
    dump: &'static str,
    /// File and words of the first piece of evidence.
    evidence: (&'static str, &'static str),
    /// The cause in the pool's own column, in the designed dialect.
    column: Option<&'static str>,
}

const CASES: [Case; 6] = [
    Case {
        scenario: "kernel-bug",
        secs: 420,
        args: &["--host", "xcp3"],
        cause: "bug",
        finer: "oops",
        confidence: "sure",
        dump: "whole",
        evidence: ("dom0.log", "NULL pointer dereference"),
        column: Some("bug"),
    },
    Case {
        scenario: "kernel-bug",
        secs: 1_000,
        args: &["--host", "xcp2"],
        cause: "bug",
        finer: "xen-panic",
        confidence: "sure",
        dump: "whole",
        evidence: ("xen.log", "FATAL PAGE FAULT"),
        column: Some("bug"),
    },
    // By reset, o2cb's own way: its last words are on no disk.
    Case {
        scenario: "fence-o2cb",
        secs: 400,
        args: &["--host", "xcp3"],
        cause: "o2cb",
        finer: "disk",
        confidence: "likely",
        dump: "missing",
        evidence: ("var/log/kern.log", "hb write hung for 30s"),
        column: None,
    },
    Case {
        scenario: "fence-o2cb",
        secs: 800,
        args: &["--host", "xcp2"],
        cause: "o2cb",
        finer: "disk",
        confidence: "sure",
        dump: "whole",
        evidence: ("dom0.log", "Heartbeat write timeout to device dm-0"),
        column: Some("o2cb"),
    },
    Case {
        scenario: "fence-xhad",
        secs: 420,
        args: &["--host", "xcp3"],
        cause: "xhad",
        finer: "statefile",
        confidence: "sure",
        dump: "missing",
        evidence: ("var/log/xha.log", "Self-Fence (1904)"),
        column: None,
    },
    Case {
        scenario: "fence-xhad",
        secs: 900,
        args: &["--host", "xcp2"],
        cause: "xhad",
        finer: "heartbeat",
        confidence: "sure",
        dump: "missing",
        evidence: ("var/log/xha.log", "Self-Fence (1905)"),
        column: None,
    },
];

/// A call at the coordinator, in a session of root's.
fn ask(sim: &SimHandle<World>, method: &str, params: Vec<SimValue>) -> Result<SimValue, Failure> {
    sim.pool().with(|world| {
        let call = |method: &str, params| Call { method: method.to_owned(), params };
        let login = call("session.login_with_password", ["root", "poolwatch", "1.0", "test"].map(SimValue::from).to_vec());
        let Reply::Done(Ok(session)) = world.call(HostIx(0), login) else { panic!("no session") };
        let params = std::iter::once(session).chain(params).collect();
        match world.call(HostIx(0), call(method, params)) {
            Reply::Done(answer) => answer,
            Reply::Waiting(ticket) => {
                let later = world.now() + Duration::from_secs(10);
                world.advance(later);
                world.poll(ticket).expect("it takes seconds")
            }
        }
    })
}

/// All `host_crashdump` records: reference, host's name, fields.
fn records(sim: &SimHandle<World>) -> Vec<(SimValue, String, std::collections::BTreeMap<String, String>)> {
    let all = ask(sim, "host_crashdump.get_all", Vec::new()).unwrap();
    let SimValue::Set(all) = all else { panic!("{all:?}") };
    let one = |r: &SimValue| {
        let SimValue::Record(record) = ask(sim, "host_crashdump.get_record", vec![r.clone()]).unwrap() else {
            panic!("no record")
        };
        let fields: std::collections::BTreeMap<String, SimValue> =
            record.iter().map(|(k, v)| (k.to_owned(), v.clone())).collect();
        let SimValue::Str(name) = ask(sim, "host.get_name_label", vec![fields["host"].clone()]).unwrap() else {
            panic!("no name")
        };
        let fields = fields.into_iter().map(|(k, v)| (k, format!("{v:?}"))).collect();
        (r.clone(), name.to_string(), fields)
    };
    all.iter().map(one).collect()
}

async fn each_is_told_right(dialect: Dialect) {
    for case in &CASES {
        let sim = after(case.scenario, dialect, case.secs).await;
        let host = case.args[1];
        let told = crashes(&sim, host, case.args).await;
        let first = &told[0];
        let what = format!("{} {host} {dialect:?}: {first:#}", case.scenario);
        let said = |key: &str| first[key].as_str().unwrap_or_default().to_owned();
        assert_eq!((said("host").as_str(), told.len()), (host, 1), "{what}");
        assert_eq!((said("cause").as_str(), said("finer").as_str()), (case.cause, case.finer), "{what}");
        assert_eq!((said("confidence").as_str(), first["dump"]["state"].as_str()), (case.confidence, Some(case.dump)), "{what}");
        let evidence = &first["evidence"][0];
        assert_eq!(evidence["file"], case.evidence.0, "{what}");
        let all = first["evidence"].as_array().unwrap().iter().map(|e| e["text"].as_str().unwrap()).collect::<Vec<_>>();
        assert!(all.iter().any(|text| text.contains(case.evidence.1)), "{what}");
        assert!(evidence["line"].as_u64() > Some(0) && !first["advice"].as_array().unwrap().is_empty(), "{what}");
        let mine: Vec<_> = records(&sim).into_iter().filter(|(_, name, _)| name == host).collect();
        assert_eq!(mine.len(), usize::from(case.dump == "whole"), "{what}");
        for (_, _, fields) in mine {
            let column = fields.get("cause").map(String::as_str);
            let wanted = case.column.filter(|_| dialect == Dialect::Designed).map(|cause| format!("Str(\"{cause}\")"));
            assert_eq!(column, wanted.as_deref(), "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_crash_is_told_right_in_the_designed_dialect() {
    each_is_told_right(Dialect::Designed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_crash_is_told_right_in_the_shipped_dialect() {
    each_is_told_right(Dialect::Shipped).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_crash_there_is_none_and_power_loss_is_not_called_a_fence() {
    let sim = after("calm", Dialect::Designed, 60).await;
    assert_eq!(crashes(&sim, "xcp2", &["--host", "xcp2"]).await[0]["cause"], "none");
    sim.pool().with(|world| {
        world.fault("reset host=xcp2".parse().unwrap()).unwrap();
        let later = world.now() + Duration::from_secs(200);
        world.advance(later);
    });
    let told = crashes(&sim, "xcp2", &["--host", "xcp2"]).await;
    assert_eq!((told[0]["cause"].as_str(), told[0]["dump"]["state"].as_str()), (Some("unknown"), Some("missing")), "{told:#?}");
    // One that was told to reboot left no doubt.
    let host = ask(&sim, "host.get_by_uuid", vec![host_uuid(&sim, "xcp3").into()]).unwrap();
    ask(&sim, "host.disable", vec![host.clone()]).unwrap();
    ask(&sim, "host.reboot", vec![host]).unwrap();
    sim.pool().with(|world| {
        let later = world.now() + Duration::from_secs(700);
        world.advance(later);
    });
    let told = crashes(&sim, "xcp3", &["--host", "xcp3"]).await;
    assert_eq!(told[0]["cause"], "none", "{told:#?}");
    let (code, _, err) = run(&sim, "xcp9", &["--host", "xcp9"]).await;
    assert!(code == 3 && err.contains("xcp9") && err.contains("xcp1"), "{code} {err}");
}

fn host_uuid(sim: &SimHandle<World>, name: &str) -> String {
    let SimValue::Set(found) = ask(sim, "host.get_by_name_label", vec![name.into()]).unwrap() else { panic!("no host") };
    let SimValue::Str(uuid) = ask(sim, "host.get_uuid", vec![found[0].clone()]).unwrap() else { panic!("no uuid") };
    uuid.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_can_be_noted_sent_and_destroyed() {
    let sim = after("kernel-bug", Dialect::Shipped, 420).await;
    let all = records(&sim);
    let (r, host, fields) = &all[0];
    assert_eq!((all.len(), host.as_str(), fields.contains_key("cause")), (1, "xcp3", false));
    ask(&sim, "host_crashdump.add_to_other_config", vec![r.clone(), "poolwatch-cause".into(), "bug".into()]).unwrap();
    assert!(records(&sim)[0].2["other_config"].contains("poolwatch-cause"));
    let options = || SimValue::Map(std::collections::BTreeMap::default());
    ask(&sim, "host_crashdump.upload", vec![r.clone(), "ftp://here/".into(), options()]).unwrap();
    assert!(ask(&sim, "host_crashdump.upload", vec![r.clone(), "nowhere".into(), options()]).is_err());
    ask(&sim, "host_crashdump.destroy", vec![r.clone()]).unwrap();
    assert!(records(&sim).is_empty());
    assert_eq!(ask(&sim, "host_crashdump.destroy", vec![r.clone()]).unwrap_err().code, "HANDLE_INVALID");
    // The folder is gone too; the log on disk does not have the last words.
    let told = crashes(&sim, "xcp3", &["--host", "xcp3"]).await;
    assert_eq!((told[0]["dump"]["state"].as_str(), told[0]["cause"].as_str()), (Some("missing"), Some("unknown")), "{told:#?}");
}

/// The answer to a request over plain HTTP: its head, and its body.
async fn get(sim: &SimHandle<World>, host: usize, path: String) -> (String, Vec<u8>) {
    let address = sim.pool().hosts()[host].url.trim_start_matches("http://").to_owned();
    let got = tokio::task::spawn_blocking(move || {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer
    });
    let answer = got.await.unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    (String::from_utf8_lossy(&answer[..end]).into_owned(), answer[end + 4..].to_vec())
}

fn session(sim: &SimHandle<World>, user: &str) -> String {
    let params = [user, "poolwatch", "1.0", "test"].map(SimValue::from).to_vec();
    let login = Call { method: "session.login_with_password".to_owned(), params };
    match sim.pool().with(|world| world.call(HostIx(0), login)) {
        Reply::Done(Ok(SimValue::Ref(session))) => session.as_str().to_owned(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bug_report_needs_a_session_and_a_role_and_comes_in_three_forms() {
    let sim = served("kernel-bug", Dialect::Shipped, 420, false).await;
    let (head, _) = get(&sim, 2, "/system-status?entries=xen-info&output=tar".into()).await;
    assert!(head.starts_with("HTTP/1.1 401 ") && head.contains("get_system_status"), "{head}");
    let (head, _) = get(&sim, 2, format!("/system-status?output=tar&session_id={}", session(&sim, "read-only"))).await;
    assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
    let root = session(&sim, "pool-operator");
    let mut lines = Vec::new();
    for (output, kind) in [("tar", "application/x-tar"), ("tar.bz2", "application/x-bzip2"), ("zip", "application/zip")] {
        let path = format!("/system-status?entries=host-crashdump-logs,system-logs,nonsense&output={output}&session_id={root}");
        let (head, body) = get(&sim, 2, path).await;
        assert!(head.contains(" 200 OK") && head.contains(kind) && !head.to_lowercase().contains("content-length"), "{head}");
        let reading = stream(&body[..], "it", &Options::default()).unwrap();
        assert!(reading.notes.is_empty(), "{:?}", reading.notes);
        assert_eq!((reading.crashes.len(), reading.crashes[0].host.as_deref()), (1, Some("xcp3")));
        lines.push((reading.files, reading.lines));
    }
    assert!(lines.iter().all(|one| *one == lines[0]), "{lines:?}");
    let (head, _) = get(&sim, 2, format!("/system-status?output=rar&session_id={root}")).await;
    assert!(head.contains(" 500 "), "{head}");
    // About the host that is asked, and what is asked for only.
    let (_, body) = get(&sim, 0, format!("/system-status?entries=xen-info&output=tar&session_id={root}")).await;
    let text = String::from_utf8_lossy(&body);
    assert!(text.contains("xl-dmesg.out") && text.contains("hostname=\"xcp1\"") && !text.contains("kern.log"), "{text}");
    let host = ask(&sim, "host.get_by_uuid", vec![host_uuid(&sim, "xcp3").into()]).unwrap();
    let SimValue::Str(xml) = ask(&sim, "host.get_system_status_capabilities", vec![host]).unwrap() else { panic!("no text") };
    assert!(xml.contains("key=\"host-crashdump-logs\""), "{xml}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_seed_leaves_the_same_files_and_survivors_tell_of_the_dead() {
    let report = |sim: &SimHandle<World>, host: usize| {
        let wanted = StatusRequest { session: session(sim, "root"), entries: Vec::new() };
        sim.pool().with(|world| world.system_status(HostIx(host), &wanted)).unwrap().unwrap()
    };
    let at = Time::from_secs(1_795_219_200);
    let make = async || {
        let scenarios = scenario::load("fence-o2cb", Overrides::default()).unwrap();
        let serve = ServeOptions { speed: 0.0, ..ServeOptions::default() };
        let sim = start(&scenarios, &StartOptions { serve, ..StartOptions::new(5, at) }).await.unwrap();
        sim.pool().with(|world| world.advance(at + Duration::from_secs(800)));
        sim
    };
    let (one, other) = (make().await, make().await);
    for host in 0..4 {
        assert_eq!(report(&one, host), report(&other, host));
    }
    let kernel = report(&one, 0).into_iter().find(|file| file.path.ends_with("kern.log")).unwrap();
    let text = String::from_utf8(kernel.bytes).unwrap();
    for words in
        ["o2dlm has evicted node 2 from domain", "No longer connected to node xcp3 (num 2)", "Accepted connection from node xcp3"]
    {
        assert!(text.contains(words), "{text}");
    }
    let died: Vec<&str> = text.lines().filter(|line| line.contains("evicted node 2")).collect();
    assert!(died[0].starts_with("Nov 21 00:02:02 xcp1 kernel: ["), "{died:?}");
    assert!(!text.contains("very sorry"), "nobody else fenced");
}
