//! `poolwatch probe` as an operator and as xapi run it: on folders that stand for hosts, whole, missing and hostile.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{BINARY, Home};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Writes files below a folder.
fn put(root: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let file = root.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
}

/// A host as node 2 of 3 in a cluster whose heartbeat disk has hung for `elapsed` ms.
fn o2cb(root: &Path, own: u8, elapsed: &str) {
    let config = "sys/kernel/config/cluster/pool";
    let debug = "sys/kernel/debug";
    for num in 1..=3u8 {
        put(
            root,
            &[
                (&format!("{config}/node/xs{num}/num"), &num.to_string()),
                (&format!("{config}/node/xs{num}/local"), if num == own { "1" } else { "0" }),
            ],
        );
    }
    let region = "0C4AB55FE9314FA5A9F81652FDB9B22D";
    put(
        root,
        &[
            (&format!("{config}/fence_method"), "reset\n"),
            (&format!("{config}/idle_timeout_ms"), "30000\n"),
            (&format!("{config}/heartbeat/dead_threshold"), "31\n"),
            (&format!("{config}/heartbeat/mode"), "global\n"),
            (&format!("{config}/heartbeat/{region}/dev"), "sdq\n"),
            (&format!("{debug}/o2hb/livenodes"), "1 2 3 \n"),
            (&format!("{debug}/o2hb/quorum_regions"), "0 \n"),
            (&format!("{debug}/o2hb/failed_regions"), "\n"),
            (&format!("{debug}/o2hb/{region}/num"), "0\n"),
            (&format!("{debug}/o2hb/{region}/elapsed_time_in_ms"), elapsed),
            (&format!("{debug}/o2net/connected_nodes"), "1 2 3 \n"),
            ("proc/uptime", "1000.00 1.00\n"),
            ("proc/sys/kernel/hostname", &format!("xs{own}\n")),
        ],
    );
}

fn probe(home: &Home, root: &Path, more: &[&str]) -> Output {
    let mut words = vec!["probe", "--root", root.to_str().unwrap()];
    words.extend(more);
    home.run(&words)
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_host_in_trouble_is_told_in_json_and_in_words() {
    let home = Home::new("probe-trouble");
    let root = home.path().join("host");
    o2cb(&root, 2, "40000\n");
    put(
        &root,
        &[
            (
                "multipathd_topology.out",
                "360a (x) dm-1 A,B\nmpatha (3600a098) dm-7 NETAPP,LUN\nsize=1G features='1 queue_if_no_path' hwhandler='0' wp=rw\n`-+- policy='x' prio=1 status=active\n  |- 1:0:0:1 sdq 8:0 failed faulty running\n  `- 2:0:0:1 sdr 8:16 active ready running\n",
            ),
            (
                "drbdsetup-status--json.out",
                r#"[{"name":"vol","role":"Primary","devices":[{"volume":0,"disk-state":"UpToDate"}],"connections":[{"name":"far","connection-state":"Connected","peer_devices":[{"volume":0,"replication-state":"SyncSource","peer-disk-state":"Inconsistent","percent-resync-done":12.5,"estimated-seconds-to-finish":90}]}]}]"#,
            ),
            (
                "proc/mdstat",
                "Personalities : [raid1]\nmd127 : active raid1 sda[0]\n  1 blocks [2/1] [U_]\nunused devices: <none>\n",
            ),
            ("dmesg.out", "[  990.0] sd 1:0:0:1: rejecting I/O to offline device\n"),
            (
                "chronyc-n-tracking.out",
                "Reference ID : 0A000001 (10.0.0.1)\nStratum : 2\nSystem time : 0.001 seconds fast of NTP time\nLeap status : Normal\n",
            ),
            (
                "var/log/xha.log",
                "Nov 21 00:21:08 UTC 2026 [notice] SC: (x) reporting \"State-File approaching timeout\". sf_latency_max=31.\n",
            ),
        ],
    );
    let report = json(&probe(&home, &root, &["--json"]));
    assert_eq!(report["schema"], "poolwatch-probe/1");
    let margin = &report["o2cb"]["found"]["margin"];
    let left = margin["left_ms"].as_i64().unwrap();
    assert!((20_000..22_100).contains(&left), "{margin}");
    assert_eq!((margin["level"].as_str(), margin["reason"]["device"].as_str()), (Some("red"), Some("sdq")));
    assert_eq!(report["multipath"]["found"][1]["paths"].as_array().unwrap().len(), 2);
    assert_eq!(report["rebuilds"][0]["progress"], 0.125);
    assert_eq!(
        (&report["rebuilds"][0]["target"], &report["rebuilds"][1]["work"]),
        (&Value::from("far"), &Value::from("missing"))
    );
    assert_eq!(report["clock"]["found"]["offset_ms"], 1.0);
    assert_eq!(report["kernel"]["found"][0]["sign"]["kind"], "scsi_offline");
    assert_eq!(report["xha"]["found"]["lines"][0]["sign"]["kind"], "approaching");
    assert_eq!(report["linstor"]["found"]["because"], "absent");
    assert!(report["md"]["age_secs"].is_u64() && report["md"]["from"] == "/proc/mdstat");
    let words = String::from_utf8(probe(&home, &root, &[]).stdout).unwrap();
    for said in [
        "o2cb: RED: xs2 fences itself in 2",
        "no heartbeat to sdq for 40 s of 60 s",
        "fence_method is reset",
        "mpatha: 1 of 2 paths",
        "mirror: DRBD vol is being rebuilt, 12.5 %, 1 min left",
        "mirror: md md127 lacks a copy and nobody rebuilds it",
        "linstor: cannot know: linstor-resource-list.out is not there",
    ] {
        assert!(words.contains(said), "{said} is not in\n{words}");
    }
}

#[test]
fn hosts_that_were_read_together_know_that_all_of_them_wait() {
    let home = Home::new("probe-together");
    let mut reports = Vec::new();
    let socket =
        |peer: &str| format!("(x):\n  remote node:     {peer}\n  handshake ok:    1\n  data ready:      999000000 usecs\n");
    for own in 1..=3u8 {
        let root = home.path().join(format!("xs{own}"));
        o2cb(&root, own, "40000\n");
        let peers: String = (1..=3).filter(|num| *num != own).map(|num| socket(&format!("xs{num}"))).collect();
        put(&root, &[("sys/kernel/debug/o2net/sock_containers", &peers)]);
        let output = probe(&home, &root, &["--json", "--at", "20261121T00:21:08Z"]);
        let file = home.path().join(format!("xs{own}.json"));
        fs::write(&file, &output.stdout).unwrap();
        assert_eq!(json(&output)["o2cb"]["found"]["margin"]["reason"]["kind"], "disk", "alone it cannot know");
        reports.push(file);
    }
    let with =
        ["--json", "--at", "20261121T00:21:09Z", "--with", reports[1].to_str().unwrap(), "--with", reports[2].to_str().unwrap()];
    let margin = json(&probe(&home, &home.path().join("xs1"), &with))["o2cb"]["found"]["margin"].clone();
    assert_eq!((&margin["reason"]["kind"], &margin["left_ms"]), (&Value::from("all_stalled"), &Value::Null), "{margin}");
}

#[test]
fn a_bug_report_is_read_as_it_is_packed() {
    let home = Home::new("probe-report");
    let root = home.path().join("unpacked");
    put(
        &root.join("bug-report-20261121002108"),
        &[
            ("proc/mdstat", "Personalities : \nunused devices: <none>\n"),
            (
                "mdadm--query--detail-%dev%md127.out",
                "/dev/md127:\n    State : clean, degraded, recovering\n Rebuild Status : 12% complete\n",
            ),
            ("debug_ha_query_liveset.out", "<ha_liveset_info><status>Online</status></ha_liveset_info>"),
        ],
    );
    let report = json(&probe(&home, &root, &["--json"]));
    assert_eq!(report["rebuilds"][0]["progress"], 0.12);
    assert_eq!(report["xha"]["found"]["liveset"]["status"], "Online");
    assert!(report["o2cb"]["found"]["margin"]["level"] == "unknown", "a bug report has no state of o2cb");
}

#[test]
fn nothing_and_garbage_are_told_as_that() {
    let home = Home::new("probe-garbage");
    let root = home.path().join("host");
    fs::create_dir_all(&root).unwrap();
    let report = json(&probe(&home, &root, &["--json"]));
    assert_eq!(report["multipath"]["found"]["because"], "absent");
    o2cb(&root, 2, "\u{0}\u{1b}[31m many\n");
    for file in [
        "multipathd-show-maps-json.out",
        "multipathd_topology.out",
        "drbdsetup-status--json.out",
        "proc/drbd",
        "linstor-resource-list.out",
        "proc/mdstat",
        "chronyc-n-tracking.out",
        "dmesg.out",
        "var/log/xha.log",
    ] {
        let at = root.join(file);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::write(&at, [0xff, 0x00, 0x1b, b'[', b'{', b'"', 0x80, b'\n'].repeat(5_000)).unwrap();
    }
    let output = probe(&home, &root, &["--json"]);
    let report = json(&output);
    for part in ["multipath", "drbd", "linstor", "md", "clock"] {
        assert!(report[part]["found"]["because"].is_object(), "{part}: {}", report[part]);
    }
    assert_eq!(report["o2cb"]["found"]["margin"]["level"], "unknown");
    let words = probe(&home, &root, &[]);
    assert!(words.status.success() && !words.stdout.contains(&0x1b), "control characters do not come through");
}

#[test]
fn what_cannot_be_done_is_refused_in_words() {
    let home = Home::new("probe-refused");
    let said = |more: &[&str]| {
        let output = home.run(&[&["probe"], more].concat());
        assert_eq!(output.status.code(), Some(3));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(said(&["--root", "/nowhere"]).contains("no folder that can be read"));
    assert!(said(&["--at", "soon"]).contains("write it as 20261121T00:21:08Z"));
    assert!(said(&["--uptime=-1"]).contains("seconds since boot"));
    let file = home.path().join("other.json");
    fs::write(&file, "{\"schema\": \"another/1\"}").unwrap();
    assert!(said(&["--with", file.to_str().unwrap()]).contains("is not understood"));
    assert!(said(&["--with", "/nowhere.json"]).contains("is not there"));
}

/// Runs the plugin as xapi does, and returns status and value, or the error.
fn plugin(call: &str, program: &str) -> (String, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/xapi-plugin/poolwatch");
    let output = Command::new(script).arg(call).env("POOLWATCH_PROGRAM", program).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let status = text.split("<name>Status</name>").nth(1).unwrap_or(&text);
    let status = status.split("<string>").nth(1).unwrap_or("").split("</string>").next().unwrap().to_owned();
    (status, text)
}

fn call(method: &str, arguments: &[(&str, &str)]) -> String {
    let member =
        |(name, value): &(&str, &str)| format!("<member><name>{name}</name><value><string>{value}</string></value></member>");
    let members: String = arguments.iter().map(member).collect();
    format!(
        "<?xml version='1.0'?><methodCall><methodName>{method}</methodName><params><param><value><string>OpaqueRef:s</string></value></param>\
         <param><value><struct>{members}</struct></value></param></params></methodCall>"
    )
}

#[test]
fn the_plugin_speaks_to_xapi() {
    let (status, text) = plugin(&call("version", &[]), BINARY);
    assert!(status == "Success" && text.contains(env!("CARGO_PKG_VERSION")), "{text}");
    let (status, text) = plugin(&call("probe", &[("network", "no")]), BINARY);
    assert!(status == "Success" && text.contains("poolwatch-probe/1") && !text.contains("OpaqueRef"), "{text}");
    for (call, program, code) in [
        (call("probe", &[("network", "always")]), BINARY, "POOLWATCH_BAD_ARGUMENT"),
        (call("probe", &[("root", "/")]), BINARY, "POOLWATCH_BAD_ARGUMENT"),
        (call("erase", &[]), BINARY, "UNKNOWN_XENAPI_PLUGIN_FUNCTION"),
        (call("probe", &[]), "/nowhere/poolwatch", "POOLWATCH_NOT_INSTALLED"),
        (call("probe", &[]), "/bin/false", "POOLWATCH_FAILED"),
        ("no call".to_owned(), BINARY, "POOLWATCH_BAD_CALL"),
    ] {
        let (status, text) = plugin(&call, program);
        assert!(status == "Failure" && text.contains(code), "{code} is not in {text}");
    }
}
