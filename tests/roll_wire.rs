//! Whole rounds over the wire: the program against a simulated pool in another process, whose time runs faster. Killed, refused, and with
//! a coordinator that dies.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{Home, Sim, told};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};

/// Seconds of the pool's time in one of ours.
const SPEED: &str = "60";

/// One round at a time: half a minute without a sign of life is half a second here, and several at once would take that from each other.
static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());

fn turn() -> std::sync::MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn sim(home: &Home, api: &str, more: &[&str]) -> Sim {
    let mut args =
        vec!["--scenario", "calm", "--listen", "127.0.0.1:0", "--speed", SPEED, "--hosts", "3", "--vms", "9", "--api", api];
    args.extend(more);
    Sim::start(home, &args)
}

fn roll<'a>(sim: &'a Sim, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["roll", sim.url(), "--json", "--yes", "--sim-speed", SPEED];
    args.extend(more);
    args
}

const REBOOT: &[&str] = &["--reboot", "--shut-down-pinned", "--soak", "5"];

/// The lines that `roll --json` printed, each looked at.
fn lines(out: &str) -> Vec<Value> {
    let lines: Vec<Value> =
        out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect();
    for line in &lines {
        assert_eq!(line["schema"], "poolwatch-roll/1", "{line}");
        for key in ["t", "event", "text"] {
            assert!(line[key].is_string(), "no {key} in {line}");
        }
    }
    let ended: Vec<_> = lines.iter().filter(|line| line["result"].is_string()).collect();
    assert_eq!(ended.len(), 1, "one result, in the last line: {out}");
    assert!(lines.last().unwrap()["result"].is_string(), "{out}");
    lines
}

/// What matters of a pool: boot time and state of each host, where each guest runs, who claims it.
#[derive(Debug, PartialEq)]
struct World {
    booted: BTreeMap<String, String>,
    disabled: Vec<String>,
    guests: BTreeMap<String, String>,
    claim: Option<String>,
    auto_poweron: Option<String>,
}

fn world(sim: &Sim) -> World {
    let session = sim.login();
    let all = |class: &str| sim.call(&format!("{class}.get_all_records"), &serde_json::json!([session]));
    let hosts = all("host");
    let name = |r: &Value| hosts[r.as_str().unwrap()]["name_label"].as_str().unwrap_or("nowhere").to_owned();
    let each = hosts.as_object().unwrap();
    let pool = all("pool");
    let other = pool.as_object().unwrap().values().next().unwrap()["other_config"].clone();
    let vms = all("VM");
    let guests = vms.as_object().unwrap().values().filter(|vm| vm["is_control_domain"] == false && vm["is_a_template"] == false);
    World {
        booted: each.iter().map(|(r, h)| (name(&Value::from(r.as_str())), h["other_config"]["boot_time"].to_string())).collect(),
        disabled: each.iter().filter(|(_, h)| h["enabled"] == false).map(|(r, _)| name(&Value::from(r.as_str()))).collect(),
        guests: guests
            .filter(|vm| vm["power_state"] == "Running")
            .map(|vm| (vm["name_label"].to_string(), name(&vm["resident_on"])))
            .collect(),
        claim: other["poolwatch:claim"].as_str().map(str::to_owned),
        auto_poweron: other["auto_poweron"].as_str().map(str::to_owned),
    }
}

/// Every host was rebooted, and everything else is as it was.
fn rounded(before: &World, after: &World) {
    for (host, booted) in &before.booted {
        assert_ne!(booted, &after.booted[host], "{host} was not rebooted");
    }
    assert_eq!(before.guests, after.guests, "guests are where they were");
    assert_eq!((&before.disabled, &before.auto_poweron), (&after.disabled, &after.auto_poweron));
    assert_eq!(after.claim, None);
}

fn journals(home: &Home, end: &str) -> Vec<PathBuf> {
    let runs = home.path().join("XDG_DATA_HOME/poolwatch/runs");
    let Ok(pools) = std::fs::read_dir(runs) else { return Vec::new() };
    let files = pools.flat_map(|pool| std::fs::read_dir(pool.unwrap().path()).unwrap().map(|file| file.unwrap().path()));
    files.filter(|path| path.extension().is_some_and(|e| e == end)).collect()
}

/// How often each host was told to reboot and may have heard it, by the journals. A call that was about to be made when the program died
/// is told again only after the pool showed that it never arrived.
fn reboots(home: &Home) -> BTreeMap<String, usize> {
    let mut count = BTreeMap::new();
    for journal in journals(home, "jsonl") {
        let text = std::fs::read_to_string(journal).unwrap();
        let entries: Vec<Value> = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["entry"].take()).collect();
        let never_arrived = |host: &Value| {
            entries.iter().any(|e| e["host"] == *host && e["why"].as_str().is_some_and(|why| why.contains("had no effect")))
        };
        for entry in entries.iter().filter(|e| e["entry"] == "intent" && e["call"]["call"] == "reboot") {
            *count.entry(entry["host"].to_string()).or_default() += 1;
            let outcome = entries.iter().find(|e| e["entry"] == "outcome" && e["id"] == entry["id"]);
            let unheard = outcome.is_some_and(|e| e["outcome"]["outcome"] == "unanswered") && never_arrived(&entry["host"]);
            *count.get_mut(&entry["host"].to_string()).unwrap() -= usize::from(unheard);
        }
    }
    count
}

#[test]
fn a_reboot_round_in_both_dialects_leaves_the_pool_as_it_was_found() {
    let _turn = turn();
    for api in ["designed", "shipped"] {
        let home = Home::new(&format!("roll-{api}"));
        let sim = sim(&home, api, &[]);
        let before = world(&sim);
        let (code, out, err) = told(&home.run(&roll(&sim, REBOOT)));
        assert_eq!(code, 0, "{api}: {out}\n{err}");
        let lines = lines(&out);
        rounded(&before, &world(&sim));
        // One host after the other, and each one's mirrors in step before the next goes.
        let ended = |host: &str| lines.iter().position(|l| l["event"] == "host-ended" && l["host"] == host).unwrap();
        let begun = |host: &str| lines.iter().position(|l| l["event"] == "host" && l["host"] == host).unwrap();
        assert!(ended("xcp1") < begun("xcp2") && ended("xcp2") < begun("xcp3"), "{out}");
        assert!(lines.iter().any(|l| l["stage"] == "rebuild" && l["text"].as_str().unwrap().contains("quiet")), "{out}");
        assert_eq!(reboots(&home).values().copied().collect::<Vec<_>>(), [1, 1, 1]);
        for end in ["md", "html"] {
            let report = journals(&home, end);
            assert_eq!(report.len(), 1, "{report:?}");
            assert!(std::fs::read_to_string(&report[0]).unwrap().contains("DONE"));
        }
        let journal = journals(&home, "jsonl").remove(0);
        let (code, json, _) = told(&home.run(&["roll", "--report", journal.to_str().unwrap(), "--json"]));
        let report: Value = serde_json::from_str(&json).unwrap();
        assert_eq!((code, &report["result"], report["hosts"].as_array().unwrap().len()), (0, &Value::from("done"), 3));
        assert!(!std::fs::read_to_string(&journal).unwrap().contains("OpaqueRef:") || !out.contains("\"password\""));
    }
}

struct Running(Child, std::io::Lines<BufReader<std::process::ChildStdout>>, Vec<String>);

impl Running {
    fn start(home: &Home, args: &[&str]) -> Self {
        let mut child = home.poolwatch(args).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self(child, lines, Vec::new())
    }

    /// Reads until a line fits; `false`: it ended before.
    fn until(&mut self, fits: impl Fn(&Value) -> bool) -> bool {
        for line in self.1.by_ref() {
            let line = line.unwrap();
            let value: Value = serde_json::from_str(&line).unwrap();
            self.2.push(line);
            if fits(&value) {
                return true;
            }
        }
        false
    }

    /// Its exit code and all that it said.
    fn end(mut self) -> (i32, String) {
        while self.until(|_| false) {}
        (self.0.wait().unwrap().code().unwrap_or(-1), self.2.join("\n"))
    }

    fn kill(mut self) -> String {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
        self.2.join("\n")
    }
}

#[test]
fn killed_at_five_stages_it_goes_on_and_no_host_is_rebooted_twice() {
    let _turn = turn();
    let home = Home::new("roll-killed");
    let sim = sim(&home, "designed", &[]);
    let before = world(&sim);
    let mut told = String::new();
    for (stage, number) in ["evacuate", "reboot", "up", "rebuild", "home"].iter().zip(0..) {
        let args = if number == 0 { roll(&sim, REBOOT) } else { roll(&sim, &["--resume"]) };
        let mut run = Running::start(&home, &args);
        assert!(run.until(|l| l["stage"] == *stage && l["event"] != "stage"), "never came to {stage}: {:#?}", run.2);
        told += &run.kill();
    }
    let (code, out) = Running::start(&home, &roll(&sim, &["--resume"])).end();
    assert_eq!(code, 0, "{out}");
    lines(&out);
    rounded(&before, &world(&sim));
    assert_eq!(reboots(&home).values().copied().collect::<Vec<_>>(), [1, 1, 1], "{told}\n{out}");
    assert_eq!(journals(&home, "jsonl").len(), 1, "one run, one journal");
    // There is nothing to go on with any more.
    let (code, out) = Running::start(&home, &roll(&sim, &["--resume"])).end();
    assert_eq!((code, lines(&out).last().unwrap()["result"].as_str()), (2, Some("refused")), "{out}");
}

#[test]
fn a_second_operator_is_refused_and_the_first_one_goes_on_undisturbed() {
    let _turn = turn();
    let (home, other) = (Home::new("roll-first"), Home::new("roll-second"));
    let sim = sim(&home, "designed", &[]);
    let before = world(&sim);
    let mut first = Running::start(&home, &roll(&sim, &["--reboot", "--shut-down-pinned", "--soak", "5", "--hosts", "xcp2"]));
    assert!(first.until(|l| l["stage"] == "evacuate"), "{:#?}", first.2);
    // On another machine; and on the same one, as another program.
    let (code, out) = Running::start(&other, &roll(&sim, REBOOT)).end();
    assert_eq!(code, 2, "{out}");
    let codes: Vec<_> = lines(&out).iter().filter_map(|l| l["code"].as_str().map(str::to_owned)).collect();
    assert!(codes.contains(&"claimed".to_owned()), "{out}");
    assert_eq!(journals(&other, "jsonl"), [] as [PathBuf; 0], "nothing was begun");
    let (code, out) = Running::start(&other, &roll(&sim, &["--resume"])).end();
    assert!(code == 3 && out.contains("Copy the journal"), "{out}");
    let (code, out) = Running::start(&home, &roll(&sim, &["--resume"])).end();
    assert!(code == 2 && out.contains("in use"), "{out}");
    let (code, out) = Running::start(&other, &roll(&sim, &["--reboot", "--take-over"])).end();
    assert!(code == 2 && out.contains("its owner lives"), "{out}");
    let (code, out) = first.end();
    assert_eq!(code, 0, "{out}");
    let after = world(&sim);
    assert_eq!(before.guests, after.guests);
    assert_eq!(before.booted["xcp1"], after.booted["xcp1"], "only what was asked for");
    assert_eq!(after.claim, None);
}

#[test]
fn a_coordinator_that_dies_meanwhile_is_waited_for_or_told() {
    let _turn = turn();
    let home = Home::new("roll-crash");
    let mut sim = sim(&home, "shipped", &[]);
    let before = world(&sim);
    let mut run = Running::start(&home, &roll(&sim, &["--reboot", "--shut-down-pinned", "--soak", "5", "--hosts", "xcp2,xcp3"]));
    assert!(run.until(|l| l["stage"] == "evacuate"), "{:#?}", run.2);
    sim.say("reset host=xcp1");
    assert!(run.until(|l| l["text"].as_str().is_some_and(|text| text.contains("not seen"))), "{:#?}", run.2);
    let (mut code, mut out) = run.end();
    // It may come to a good end by itself once the coordinator is back; or it stopped, said where, and goes on when told to.
    for _ in 0..6 {
        let result = lines(out.split_inclusive('\n').collect::<String>().as_str()).last().unwrap()["result"].clone();
        assert!((code == 0 && result == "done") || (code == 1 && result == "stopped"), "{code}: {out}");
        assert!(reboots(&home).values().all(|n| *n == 1), "{out}");
        if code == 0 {
            break;
        }
        (code, out) = Running::start(&home, &roll(&sim, &["--resume"])).end();
    }
    assert_eq!(code, 0, "{out}");
    let after = world(&sim);
    assert_eq!((after.claim.as_deref(), &before.auto_poweron), (None, &after.auto_poweron), "{out}");
    for host in ["xcp2", "xcp3"] {
        assert_ne!(before.booted[host], after.booted[host], "{out}");
    }
}

#[test]
fn bad_input_is_refused_in_words_and_the_pool_stays_untouched() {
    let _turn = turn();
    let home = Home::new("roll-bad");
    let sim = sim(&home, "designed", &[]);
    let before = world(&sim);
    let journal = home.path().join("bad.jsonl");
    let refuse = |more: &[&str], says: &str| {
        let (code, out, err) = told(&home.run(&roll(&sim, more)));
        assert_eq!(code, 2, "{more:?}: {out}{err}");
        assert!(format!("{out}{err}").contains(says), "{more:?} does not say {says:?}: {out}{err}");
    };
    refuse(&["--reboot", "--hosts", "xcp9"], "xcp9");
    refuse(&["--reboot", "--hosts", "xcp1,xcp1"], "twice");
    refuse(&["--reboot", "--hosts", "xcp1,"], "empty");
    refuse(&["--reboot", "--network", "nope"], "no network of this pool is called nope");
    refuse(&["--reboot", "--not-after", "soon"], "is no time");
    refuse(&["--reboot", "--read-only"], "--read-only");
    refuse(&["--reboot"], "cannot-move");
    refuse(&["--reboot", "--accept", "cannot-move"], "a reason is missing");
    refuse(&["--resume"], "no round of this pool");
    for (text, says) in [("", "empty"), ("hello\n", "right file"), ("{\"v\":1,\"se", "no whole line")] {
        std::fs::write(&journal, text).unwrap();
        refuse(&["--resume", "--journal", journal.to_str().unwrap()], says);
    }
    refuse(&["--resume", "--journal", "/nowhere/at/all.jsonl"], "Check the path");
    // Nobody to ask.
    let args: Vec<&str> = roll(&sim, REBOOT).into_iter().filter(|arg| *arg != "--yes").collect();
    let (code, out, _) = told(&home.run(&args));
    assert!(code == 2 && out.contains("--yes"), "{out}");
    // Nowhere to write.
    let mut full = home.poolwatch(&roll(&sim, REBOOT));
    let (code, out, _) = told(&full.env("POOLWATCH_DATA_DIR", "/proc/nowhere").output().unwrap());
    assert!(code != 0 && code != 1, "{code}: {out}");
    assert_eq!(before, world(&sim));
    let (code, out, _) = told(&home.run(&["roll", "127.0.0.1:1", "--reboot", "--plan", "--timeout", "2"]));
    assert_eq!(code, 3, "{out}");
    // A role that may only read is told before anything is begun.
    let mut reader = home.poolwatch(&roll(&sim, REBOOT));
    let (code, out, _) = told(&reader.args(["--user", "read-only"]).output().unwrap());
    assert!(code == 2 && out.contains("role"), "{code}: {out}");
}

/// Until a plan says so, or says no more.
fn until_planned(home: &Home, sim: &Sim, more: &[&str], what: &str, wanted: impl Fn(i32, &str) -> bool) {
    let end = std::time::Instant::now() + std::time::Duration::from_secs(90);
    loop {
        let (code, out, err) = told(&home.run(&roll(sim, &[REBOOT, &["--plan"], more].concat())));
        if wanted(code, &out) {
            return;
        }
        assert!(std::time::Instant::now() < end, "never {what}: {code} {out}{err}");
    }
}

/// A thousand changes of the database.
fn changes(sim: &Sim, session: &str, pool: &str) {
    for _ in 0..500 {
        sim.call("pool.add_to_other_config", &serde_json::json!([session, pool, "note", "x"]));
        sim.call("pool.remove_from_other_config", &serde_json::json!([session, pool, "note"]));
    }
}

#[test]
fn a_database_that_went_back_refuses_a_round_and_stops_one_that_is_under_way() {
    let _turn = turn();
    let home = Home::new("roll-rewound");
    let mut sim = sim(&home, "designed", &[]);
    until_planned(&home, &sim, &[], "planned", |code, _| code == 0);
    sim.say("keep-database");
    let session = sim.login();
    let pool = sim.call("pool.get_all", &serde_json::json!([session]))[0].as_str().unwrap().to_owned();
    changes(&sim, &session, &pool);
    // A plan that is only looked at remembers how far the database had come.
    until_planned(&home, &sim, &[], "planned", |code, _| code == 0);
    sim.say("rewind-database");
    let hard = |out: &str| out.lines().any(|l| l.contains("database-went-back") && l.contains("\"hard\""));
    until_planned(&home, &sim, &[], "refused", |code, out| code == 2 && hard(out));
    let before = world(&sim);
    let (code, out, _) = told(&home.run(&roll(&sim, REBOOT)));
    assert_eq!(code, 2, "{out}");
    assert_eq!(world(&sim), before, "the pool is untouched");
    until_planned(&home, &sim, &["--database-checked"], "accepted", |code, out| code == 0 && !hard(out));

    // Again, while a round is under way. So many changes are lost that those of the round do not make up for them before it is looked at.
    let session = sim.login();
    changes(&sim, &session, &pool);
    let mut round =
        home.poolwatch(&roll(&sim, &[REBOOT, &["--database-checked"]].concat())).stdout(Stdio::piped()).spawn().unwrap();
    let mut last = String::new();
    let mut rewound = false;
    for line in BufReader::new(round.stdout.take().unwrap()).lines().map(Result::unwrap) {
        if !rewound && line.contains("\"evacuate\"") {
            rewound = true;
            sim.say("rewind-database");
        }
        last = line;
    }
    let code = round.wait().unwrap().code();
    assert!(rewound && code == Some(1) && last.contains("went back in time") && last.contains("--resume"), "{code:?} {last}");
}
