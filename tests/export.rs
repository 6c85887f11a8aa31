//! `poolwatch export` against the simulated pool, as a scraper meets it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{Home, Sim, told};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const CALM: &[&str] = &["--scenario", "calm", "--listen", "127.0.0.1:0"];
const OPEN: &str = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";
/// How long something may take to be seen.
const PATIENCE: Duration = Duration::from_secs(60);

struct Exporter {
    process: Child,
    address: String,
}

impl Exporter {
    fn start(home: &Home, targets: &[&str]) -> Self {
        let mut args = vec!["export", "--listen", "127.0.0.1:0"];
        args.extend(targets);
        let mut process = home.poolwatch(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.strip_prefix("http://").and_then(|rest| rest.split('/').next()).unwrap_or_else(|| panic!("{line:?}"));
        Self { process, address: address.to_owned() }
    }

    /// Head and body of the answer.
    fn get(&self, path: &str, accept: &str) -> (String, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    /// Scrapes until it is as wanted.
    fn until(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let (_, body) = self.get("/metrics", OPEN);
            if wanted(&body) {
                return body;
            }
            assert!(Instant::now() < end, "never {what}:\n{body}");
        }
    }

    /// Ends it by a signal and gives its exit code and what it said.
    fn end(mut self, signal: &str) -> (Option<i32>, String) {
        let pid = self.process.id().to_string();
        assert!(std::process::Command::new("kill").args([signal, &pid]).status().unwrap().success());
        let code = self.process.wait().unwrap().code();
        let mut said = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (code, said)
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What any reader of OpenMetrics insists on: each family in one piece, after its own head, no series twice, an end.
fn well_formed(text: &str) {
    let (mut family, mut families, mut series) = ("", std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
    assert!(text.ends_with("\n# EOF\n") && text.matches("# EOF").count() == 1, "{text}");
    for line in text.trim_end_matches("# EOF\n").lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            family = rest.split(' ').next().unwrap();
            assert!(families.insert(family), "{family} twice");
        } else if let Some(rest) = line.strip_prefix("# ") {
            let (_, rest) = rest.split_once(' ').unwrap();
            assert_eq!(rest.split(' ').next(), Some(family), "{line}");
        } else {
            let (id, value) = line.rsplit_once(' ').unwrap();
            assert!(id.starts_with(family), "{line} under {family}");
            assert!(value.parse::<f64>().unwrap().is_finite(), "{line}");
            assert!(series.insert(id), "{id} twice");
        }
    }
}

#[test]
fn a_calm_pool_is_up_in_both_formats_and_a_crash_shows() {
    let home = Home::new("export");
    let mut sim = Sim::start(&home, CALM);
    let exporter = Exporter::start(&home, &[sim.url()]);
    let pool = sim.url().trim_start_matches("http://").to_owned();
    let text = exporter.until("open", |text| {
        text.contains("poolwatch_reboot_next=\"open\"} 1") && text.contains("poolwatch_clock_skew_seconds{")
    });
    well_formed(&text);
    assert!(text.contains(&pool), "{text}");
    assert!(text.contains("poolwatch_host_live{pool=") && text.contains("host=\"xcp1\"} 1"), "{text}");
    assert!(text.contains("# UNIT poolwatch_age_seconds seconds\n"), "{text}");

    let (head, plain) = exporter.get("/metrics", "*/*");
    assert!(head.contains("Content-Type: text/plain; version=0.0.4"), "{head}");
    assert!(!plain.contains("# EOF") && plain.contains("# TYPE poolwatch_pool_info gauge"), "{plain}");
    let (head, page) = exporter.get("/", "text/html");
    assert!(head.starts_with("HTTP/1.1 200") && page.contains("/metrics"), "{head}{page}");
    assert!(exporter.get("/other", "*/*").0.starts_with("HTTP/1.1 404"));

    sim.say("crash host=xcp2");
    exporter.until("closed", |text| text.contains("poolwatch_reboot_next=\"closed\"} 1"));
    let (code, said) = exporter.end("-TERM");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("connected to"), "{said}");
}

#[test]
fn a_pool_that_is_lost_keeps_no_values_and_the_other_goes_on() {
    let home = Home::new("export-lost");
    let sim = Sim::start(&home, CALM);
    let other = Sim::start(&home, &["--scenario", "calm", "--listen", "127.0.0.1:0", "--seed", "7"]);
    let exporter = Exporter::start(&home, &[sim.url(), other.url()]);
    let up = |text: &str| text.lines().filter(|l| l.starts_with("poolwatch_up{") && l.ends_with(" 1")).count();
    let both = exporter.until("both up", |text| up(text) == 2);
    well_formed(&both);
    let gone = sim.url().trim_start_matches("http://").to_owned();
    drop(sim);
    let text =
        exporter.until("one dropped", |text| !text.lines().any(|l| l.starts_with("poolwatch_host_live{") && l.contains(&gone)));
    assert_eq!(up(&text), 1, "{text}");
    assert!(text.lines().any(|l| l.starts_with("poolwatch_up{") && l.contains(&gone) && l.ends_with(" 0")), "{text}");
    assert!(text.lines().any(|l| l.contains(&gone) && l.ends_with("poolwatch_reboot_next=\"unknown\"} 1")), "{text}");
    assert!(text.lines().any(|l| l.starts_with("poolwatch_age_seconds{") && l.contains(&gone)), "{text}");
    assert!(text.lines().any(|l| l.starts_with("poolwatch_host_live{") && !l.contains(&gone)), "{text}");
    assert_eq!(exporter.end("-INT").0, Some(0));
}

#[test]
fn a_wrong_password_is_served_as_refused_and_told_without_it() {
    let home = Home::new("export-refused");
    let sim = Sim::start(&home, CALM);
    std::fs::write(home.path().join("wrong"), "hunter2-wrong\n").unwrap();
    let wrong = home.path().join("wrong");
    let exporter = Exporter::start(&home, &[sim.url(), "--password-file", wrong.to_str().unwrap()]);
    let text = exporter.until("refused", |text| text.contains("poolwatch_link=\"refused\"} 1"));
    assert!(text.lines().any(|l| l.starts_with("poolwatch_up{") && l.ends_with(" 0")), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    let (code, said) = exporter.end("-HUP");
    assert_eq!(code, Some(0));
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn what_cannot_start_says_why() {
    let home = Home::new("export-taken");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, words, errors) = told(&home.run(&["export", "192.0.2.1", "--listen", &address]));
    assert_eq!((code, words.as_str()), (3, ""), "{errors}");
    assert!(errors.contains(&address) && errors.contains("Another program uses it"), "{errors}");
    let (code, _, errors) = told(&home.run(&["export", "192.0.2.1", "--listen", "nowhere"]));
    assert_eq!(code, 3, "{errors}");
    let (code, _, errors) = told(&home.run(&["export", "192.0.2.1", "192.0.2.1", "--listen", "0"]));
    assert!(code == 3 && errors.contains("named twice"), "{errors}");
    let (code, _, errors) = told(&home.run(&["export", "--listen", "0"]));
    assert!(code == 3 && errors.contains("which pool?"), "{errors}");
}
