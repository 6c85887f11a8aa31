//! The command line as its users meet it: exit codes, words, and what happens with bad input.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{Home, Sim, told};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::Stdio;

const CALM: &[&str] = &["--scenario", "calm", "--listen", "127.0.0.1:0"];

#[test]
fn a_calm_pool_is_healthy_in_words_and_in_json() {
    let home = Home::new("calm");
    let sim = Sim::start(&home, CALM);
    let (code, words, _) = told(&home.run(&["status", sim.url()]));
    assert_eq!(code, 0, "{words}");
    assert!(words.contains("YES") && words.contains("xcp1"), "{words}");

    let (code, json, _) = told(&home.run(&["status", sim.url(), "--json"]));
    assert_eq!(code, 0);
    let status: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(status["verdict"]["reboot_next"], "open", "{json}");
    for key in ["schema", "pool", "age_s", "hosts", "rebuilds", "clusters", "paths", "clocks", "control", "alerts"] {
        assert!(!status[key].is_null(), "no {key} in {json}");
    }
}

#[test]
fn a_crashed_host_puts_the_pool_at_risk_although_xapi_still_calls_it_live() {
    let home = Home::new("crash");
    let mut sim = Sim::start(&home, CALM);
    let mut stream = home.poolwatch(&["stream", sim.url(), "--duration", "60"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(stream.stdout.take().unwrap()).lines();
    let mut until = |what: &str| {
        let mut seen = Vec::new();
        for line in lines.by_ref() {
            seen.push(line.unwrap());
            if seen.last().unwrap().contains(what) {
                return;
            }
        }
        panic!("never said {what:?}: {seen:#?}");
    };
    until("YES");
    sim.say("crash host=xcp2");
    until("NO");
    let _ = stream.kill();
    let _ = stream.wait();
    let (code, words, _) = told(&home.run(&["status", sim.url()]));
    assert_eq!(code, 2, "{words}");
    assert!(words.contains("xcp2"), "{words}");
}

#[test]
fn a_members_address_will_do() {
    let home = Home::new("member");
    let sim = Sim::start(&home, CALM);
    let url = sim.url().replace("127.0.0.1", "127.0.0.2");
    let (code, words, errors) = told(&home.run(&["status", &url]));
    assert_eq!(code, 0, "{words}{errors}");
}

#[test]
fn a_wrong_password_is_told_without_the_password() {
    let home = Home::new("password");
    let sim = Sim::start(&home, CALM);
    let output = home.poolwatch(&["status", sim.url()]).env("POOLWATCH_PASSWORD", "hunter2-wrong").output().unwrap();
    let (code, words, errors) = told(&output);
    assert_eq!(code, 3, "{words}{errors}");
    assert!(errors.contains("root") && errors.to_lowercase().contains("password"), "{errors}");
    assert!(!errors.contains("hunter2") && !words.contains("hunter2"));
}

#[test]
fn nobody_at_the_address_is_told_with_the_address() {
    let home = Home::new("nobody");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (code, _, errors) = told(&home.run(&["status", &format!("http://127.0.0.1:{port}"), "--timeout", "3"]));
    assert_eq!(code, 3, "{errors}");
    assert!(errors.contains(&format!("127.0.0.1:{port}")), "{errors}");
    let (code, words, errors) = told(&home.run(&["stream", &format!("http://127.0.0.1:{port}"), "--duration", "2"]));
    assert_eq!(code, 3, "{words}{errors}");
    assert!(words.contains(&format!("127.0.0.1:{port}")), "{words}");
}

/// A server that answers every request with the same bytes.
fn server(answer: &'static [u8], endless: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(answer);
                while endless && stream.write_all(&[b'['; 8192]).is_ok() {}
            });
        }
    });
    format!("http://{address}")
}

#[test]
fn a_web_server_that_is_no_xenapi_is_told_apart() {
    let home = Home::new("html");
    let url = server(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 20\r\nconnection: close\r\n\r\n<html>hello</html>  ",
        false,
    );
    let (code, _, errors) = told(&home.run(&["status", &url, "--timeout", "5"]));
    assert_eq!(code, 3, "{errors}");
    assert!(errors.contains("XenServer or XCP-ng host"), "{errors}");
}

#[test]
fn an_endless_answer_ends_with_a_clear_error() {
    let home = Home::new("endless");
    let url = server(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n", true);
    let (code, _, errors) = told(&home.run(&["status", &url, "--timeout", "10"]));
    assert_eq!(code, 3, "{errors}");
    assert!(!errors.is_empty());
}

#[test]
fn an_answer_that_is_cut_off_is_told_as_that() {
    let home = Home::new("cut");
    let url = server(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n{\"jsonrpc\":\"2.0\",\"res",
        false,
    );
    let (code, _, errors) = told(&home.run(&["status", &url, "--timeout", "3"]));
    assert_eq!(code, 3, "{errors}");
    assert!(errors.contains("cut off") && errors.contains(url.trim_start_matches("http://")), "{errors}");
}

#[test]
fn an_answer_that_is_no_json_or_of_the_wrong_kind_is_told_as_that() {
    let home = Home::new("kind");
    for (answer, words) in [
        (&b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\nconnection: close\r\n\r\n{\"a\": [1,"[..], "login"),
        (b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 36\r\nconnection: close\r\n\r\n{\"jsonrpc\":\"2.0\",\"result\":42,\"id\":1}", "login"),
        (b"HTTP/1.1 404 Not Found\r\ncontent-length: 5\r\nconnection: close\r\n\r\nnope\n", "404"),
    ] {
        let url = server(answer, false);
        let (code, _, errors) = told(&home.run(&["status", &url, "--timeout", "3"]));
        assert_eq!(code, 3, "{errors}");
        assert!(errors.contains(url.trim_start_matches("http://")) && errors.contains(words), "{errors}");
    }
}

#[test]
fn long_names_and_control_characters_of_a_pool_come_out_short_and_harmless() {
    let home = Home::new("names");
    let sim = Sim::start(&home, CALM);
    let session = sim.login();
    let hosts = sim.call("host.get_all", &serde_json::json!([session]));
    let evil = format!("\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}{}\r\n", "x".repeat(10_000));
    sim.call("host.set_name_label", &serde_json::json!([session, hosts[0], evil]));
    let pool = sim.call("pool.get_all", &serde_json::json!([session]));
    sim.call("pool.set_name_label", &serde_json::json!([session, pool[0], evil]));

    let (code, words, errors) = told(&home.run(&["status", sim.url()]));
    assert_eq!(code, 0, "{words}{errors}");
    let (_, stream, _) = told(&home.run(&["stream", sim.url(), "--duration", "2"]));
    let (_, json, _) = told(&home.run(&["status", sim.url(), "--json"]));
    serde_json::from_str::<serde_json::Value>(&json).expect("JSON all the same");
    for text in [&words, &stream, &json] {
        assert!(text.contains("xxxx") && text.contains('…'), "the name is there, shortened: {text}");
        let bad = text.chars().find(|c| (c.is_control() && *c != '\n') || matches!(c, '\u{202a}'..='\u{202e}'));
        assert_eq!(bad, None, "{text}");
        assert!(text.lines().all(|line| line.chars().count() < 2_000), "{text}");
    }
}

#[test]
fn a_session_that_the_pool_ends_is_replaced_and_the_stream_goes_on() {
    let home = Home::new("session");
    let mut sim = Sim::start(&home, CALM);
    let mut stream = home.poolwatch(&["stream", sim.url(), "--duration", "60"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(stream.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("YES")), "it follows the pool");
    sim.say("kill-sessions");
    sim.say("crash host=xcp2");
    let mut seen = Vec::new();
    let told =
        lines.by_ref().inspect(|line| seen.push(line.clone())).any(|line| line.contains("xcp2") && line.contains("silent"));
    assert!(told, "it goes on with a new session: {seen:#?}");
    let _ = stream.kill();
    let _ = stream.wait();
}

#[test]
fn a_theme_profile_or_password_that_cannot_be_read_is_named() {
    let home = Home::new("unreadable");
    let (code, words, _) = told(&home.run(&["--theme", "/nonexistent/mine.toml", "doctor"]));
    assert_eq!(code, 1, "{words}");
    assert!(words.contains("FAIL  themes") && words.contains("/nonexistent/mine.toml"), "{words}");

    let file = home.path().join("poolwatch.toml");
    let config = file.to_str().unwrap();
    std::fs::write(&file, "profile = \"prdo\"\n[profiles.prod]\ntarget = \"192.0.2.1\"\npassword_file = \"gone\"\n").unwrap();
    let (code, _, errors) = told(&home.run(&["--config", config, "status"]));
    assert_eq!(code, 3, "{errors}");
    assert!(errors.contains("prdo") && errors.contains("did you mean \"prod\""), "{errors}");

    std::fs::write(&file, "profile = \"prod\"\n[profiles.prod]\ntarget = \"192.0.2.1\"\npassword_file = \"gone\"\n").unwrap();
    let output = home.poolwatch(&["--config", config, "status"]).env_remove("POOLWATCH_PASSWORD").output().unwrap();
    let (code, _, errors) = told(&output);
    assert_eq!(code, 3, "{errors}");
    assert!(errors.contains(home.path().join("gone").to_str().unwrap()), "{errors}");

    // A folder in its place: there, but not to be read.
    let (code, _, errors) = told(&home.run(&["--config", home.path().to_str().unwrap(), "status"]));
    assert_eq!(code, 3, "{errors}");
    assert!(errors.contains("cannot read the configuration file"), "{errors}");

    let data = home.path().join("data");
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(data.join("known_certificates"), "what is this\n").unwrap();
    let broken = |args: &[&str]| told(&home.poolwatch(args).env("POOLWATCH_DATA_DIR", &data).output().unwrap());
    let (code, _, errors) = broken(&["status", "192.0.2.1"]);
    assert_eq!(code, 3, "{errors}");
    assert!(errors.contains("known_certificates") && errors.contains("line 1"), "{errors}");
    let (code, words, _) = broken(&["doctor"]);
    assert_eq!(code, 1, "{words}");
    assert!(words.contains("FAIL  trust") && words.contains("line 1"), "{words}");
    assert_eq!(std::fs::read_to_string(data.join("known_certificates")).unwrap(), "what is this\n", "and nothing is lost");
}

#[test]
fn an_unreachable_pool_of_a_profile_is_named_by_its_address_and_a_missing_target_is_told() {
    let home = Home::new("target-none");
    let (code, _, errors) = told(&home.run(&["status"]));
    assert_eq!(code, 3, "{errors}");
    assert!(errors.contains("which pool?") && errors.contains("poolwatch demo"), "{errors}");
    let (code, _, errors) = told(&home.run(&["watch", "192.0.2.1"]));
    assert_eq!(code, 3, "{errors}");
    assert!(errors.contains("terminal") && errors.contains("poolwatch status"), "{errors}");
}

#[test]
fn the_dialect_is_told_apart() {
    let home = Home::new("dialect");
    for api in ["designed", "shipped"] {
        let sim = Sim::start(&home, &["--scenario", "calm", "--listen", "127.0.0.1:0", "--api", api]);
        let (_, json, _) = told(&home.run(&["status", sim.url(), "--json"]));
        let status: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(status["pool"]["api"], api);
    }
}

#[test]
fn plain_http_to_another_machine_needs_a_flag() {
    let home = Home::new("http");
    let (code, _, errors) = told(&home.run(&["status", "http://192.0.2.1"]));
    assert_eq!(code, 3, "{errors}");
    assert!(errors.contains("--insecure-http"), "{errors}");
}

#[test]
fn a_certificate_is_pinned_a_changed_one_refused_and_accepted_by_its_fingerprint() {
    let home = Home::new("pin");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let listen = format!("127.0.0.1:{port}");
    let args = ["--scenario", "calm", "--tls", "--listen", &listen];

    let first = Sim::start(&home, &args);
    let url = first.url().to_owned();
    assert!(url.starts_with("https://"), "{url}");
    let (code, words, errors) = told(&home.run(&["status", &url]));
    assert_eq!(code, 0, "{words}{errors}");
    assert!(errors.to_lowercase().contains("sha256") || errors.contains("fingerprint"), "says what it pinned: {errors}");
    let (code, _, errors) = told(&home.run(&["status", &url]));
    assert_eq!(code, 0, "{errors}");
    // Of other members, maybe: they are asked for their statistics in their turn.
    assert!(!errors.contains(url.trim_start_matches("https://")), "the second time there is nothing to say of it: {errors}");
    drop(first);

    let second = Sim::start(&home, &args);
    let (code, _, errors) = told(&home.run(&["status", &url]));
    assert_eq!(code, 3, "{errors}");
    assert!(errors.contains("--accept-certificate"), "{errors}");
    let fingerprint = second.ready["pools"][0]["fingerprint"].as_str().unwrap();
    let bare = |text: &str| text.to_lowercase().replace([':', ' '], "");
    assert!(bare(&errors).contains(&bare(fingerprint.trim_start_matches("SHA256:"))), "{fingerprint} is not in: {errors}");
    let (code, words, errors) = told(&home.run(&["status", &url, "--accept-certificate", fingerprint]));
    assert_eq!(code, 0, "{words}{errors}");
}

#[test]
fn a_broken_configuration_names_file_line_and_key() {
    let home = Home::new("config");
    let file = home.path().join("broken.toml");
    std::fs::write(&file, "theme = \"dark\"\nthemee = 3\n").unwrap();
    let (code, _, errors) = told(&home.run(&["--config", file.to_str().unwrap(), "status", "127.0.0.1"]));
    assert_eq!(code, 3, "{errors}");
    assert!(errors.contains("broken.toml") && errors.contains("themee") && errors.contains('2'), "{errors}");
}

#[test]
fn a_target_that_is_none_is_refused_before_anything_is_asked() {
    let home = Home::new("target");
    for target in ["", "root@", "http://", "a b", "host:99999", "ftp://host"] {
        let (code, _, errors) = told(&home.run(&["status", target]));
        assert_eq!(code, 3, "{target:?}: {errors}");
        assert!(!errors.is_empty(), "{target:?}");
    }
}

#[test]
fn a_reader_that_goes_away_ends_the_stream_quietly() {
    let home = Home::new("pipe");
    let mut sim = Sim::start(&home, CALM);
    let mut stream = home.poolwatch(&["stream", sim.url()]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(stream.stdout.take().unwrap()).read_line(&mut first).unwrap();
    sim.say("crash host=xcp2");
    let output = stream.wait_with_output().unwrap();
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panic"), "{output:?}");
}

#[test]
fn help_and_completions_and_manual_are_there() {
    let home = Home::new("help");
    for args in
        [&["--help"][..], &["watch", "--help"], &["status", "-h"], &["completions", "bash"], &["completions", "fish"], &["man"]]
    {
        let (code, words, errors) = told(&home.run(args));
        assert_eq!((code, errors.as_str()), (0, ""), "{args:?}");
        assert!(words.contains("poolwatch"), "{args:?}");
    }
    insta::assert_snapshot!("help", told(&home.run(&["--help"])).1);
}

#[test]
fn leases_are_computed_with_and_without_a_pool() {
    let home = Home::new("lease");
    let alone = ["lease", "--images", "20000", "--every", "600", "--dead-after", "75", "--skew", "2"];
    let (code, words, _) = told(&home.run(&alone));
    assert!(code == 0 && words.starts_with("safe:") && words.contains("33.33 writes a second"), "{code} {words}");
    let (code, json, _) = told(&home.run(&[&alone[..], &["--lease", "600", "--json"]].concat()));
    let found: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((code, &found["schema"], &found["outcome"]["safe"]), (1, &"poolwatch-lease/1".into(), &false.into()), "{json}");
    assert!(
        found["pool"].is_null() && found["outcome"]["problems"][0].as_str().unwrap().contains("before it is renewed"),
        "{json}"
    );

    let sim = Sim::start(&home, CALM);
    let (_, json, _) = told(&home.run(&["lease", sim.url(), "--json"]));
    let found: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let (_, json, _) = told(&home.run(&["status", sim.url(), "--json"]));
    let status: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(found["lease"]["dead_after_s"], status["budget"]["lease"]["dead_after_s"], "the pool's own");
    assert_eq!(found["numbers"]["images"].as_f64(), status["pool"]["vms"].as_f64(), "one a guest");

    for bad in [&["lease", "--every", "-5"][..], &["lease", "--images", "NaN"], &["lease", "127.0.0.1:1", "--timeout", "2"]] {
        let (code, _, error) = told(&home.run(bad));
        assert!(code >= 2 && !error.is_empty(), "{bad:?}: {code} {error}");
    }
}
