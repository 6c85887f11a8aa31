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
                while endless && stream.write_all(&[b'['; 65536]).is_ok() {}
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
    assert_eq!((code, errors.as_str()), (0, ""), "the second time there is nothing to say");
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
