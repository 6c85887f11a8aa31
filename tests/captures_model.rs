//! The model over what a real xapi said: four recorded scenes, with the verdicts that they must lead to.
//!
//! Needs the captures, which are not part of the project: `POOLWATCH_CAPTURES=<folder> cargo test --test captures_model -- --ignored`.
//! The folder holds `traces/*.jsonl`. Without it the tests fail, they are never skipped silently.

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a test stops at what it does not expect")]

use poolwatch::feed::decode;
use poolwatch::observation::{Link, Observation, Seen};
use poolwatch::pool::Pool;
use poolwatch::pool::picture::{GateState, HostView, LinkState, Picture, Severity, Stage};
use poolwatch::time::Time;
use poolwatch::xenapi::events::EventBatch;
use poolwatch::xenapi::record::{Class, Record};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use strum::IntoEnumIterator;

/// A scene: its observations, and time as its own seconds.
struct Scene {
    base: Time,
    observations: Vec<Observation>,
}

impl Scene {
    /// Reads a scene whose second 0 was `start` by the pool's clock.
    fn read(name: &str, start: &str) -> Self {
        let folder = std::env::var("POOLWATCH_CAPTURES").expect("POOLWATCH_CAPTURES must name the folder with the captures");
        let path = format!("{folder}/traces/{name}.jsonl");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
        let base = Time::parse_xapi(start).expect("a start");
        let mut observations = Vec::new();
        let mut fresh = false;
        for line in text.lines() {
            let line: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
            let at = base + std::time::Duration::from_secs_f64(line["t"].as_f64().expect("t"));
            let mut say = |seen| observations.push(Observation { at, seen });
            match line["kind"].as_str().expect("kind") {
                "connected" => {
                    say(Seen::Link(Link::Live { coordinator: "127.0.0.11:443".into() }));
                    say(Seen::Resync { classes: Class::iter().collect(), why: "a new session".into() });
                    fresh = true;
                }
                "disconnected" => {
                    let error = line["error"].as_str().unwrap_or("").to_owned();
                    say(Seen::Link(Link::Lost { error, retry_at: at + std::time::Duration::from_secs(1), attempt: 1 }));
                }
                "event.from" => {
                    let batch = EventBatch::from_result(&line["result"].to_string()).expect("a batch of events");
                    assert!(batch.unreadable.is_empty(), "{:?}", batch.unreadable);
                    for observation in decode::observations(&batch, at) {
                        say(observation.seen);
                    }
                    if std::mem::take(&mut fresh) {
                        say(Seen::Synced { classes: Class::iter().collect() });
                    }
                    let token = line["result"]["token"].as_str().unwrap_or("");
                    say(Seen::Heard { generation: token.split(',').next().and_then(|n| n.parse().ok()) });
                }
                _ => {}
            }
        }
        Self { base, observations }
    }

    fn at(&self, secs: f64) -> Time {
        self.base + std::time::Duration::from_secs_f64(secs)
    }

    /// Lets the scene go on after its end: the pool is heard and every host's metrics move every 5 s, until `secs`.
    fn go_on(&mut self, secs: f64) {
        let mut metrics = BTreeMap::new();
        for o in &self.observations {
            if let Seen::Set { r#ref, record } = &o.seen
                && let Record::HostMetrics(m) = &**record
            {
                metrics.insert(r#ref.clone(), m.clone());
            }
        }
        let mut at = self.observations.last().expect("observations").at;
        while at < self.at(secs) {
            at = at + std::time::Duration::from_secs(5);
            for (r, m) in &mut metrics {
                m.memory_free += 4096;
                let record = Record::HostMetrics(m.clone()).into();
                self.observations.push(Observation { at, seen: Seen::Set { r#ref: r.clone(), record } });
            }
            self.observations.push(Observation { at, seen: Seen::Heard { generation: None } });
        }
    }

    /// Looks at the pool every quarter of a second until `end`.
    fn look(&self, end: f64, mut each: impl FnMut(f64, &Picture)) -> Pool {
        let mut pool = Pool::new("eval");
        let mut next = self.observations.iter().peekable();
        let mut t = 0.25; // the first answer of the pool came within a tenth of a second
        while t <= end {
            while let Some(o) = next.next_if(|o| o.at <= self.at(t)) {
                pool.apply(o);
            }
            each(t, &pool.picture(self.at(t)));
            t += 0.25;
        }
        pool
    }
}

fn host<'a>(picture: &'a Picture, name: &str) -> &'a HostView {
    picture.hosts.iter().find(|h| h.name == name).unwrap_or_else(|| panic!("no host {name}"))
}

fn codes(view: &HostView) -> Vec<&'static str> {
    view.gate.reasons.iter().filter(|r| r.severity == Severity::Hard).map(|r| r.code).collect()
}

/// What changed on the screen, for reading when a test fails.
fn story(scene: &Scene, end: f64) -> String {
    let mut out = String::new();
    let mut last = String::new();
    scene.look(end, |t, p| {
        let hosts: Vec<String> = p
            .hosts
            .iter()
            .map(|h| format!("{}={:?}/{:?}{:?}", h.name.trim_start_matches("xcp-eval-"), h.state.stage, h.gate.state, codes(h)))
            .collect();
        let now = format!("{:?} {:?} {}", p.link.state, p.verdict.state, hosts.join(" "));
        if now != last {
            let _ = writeln!(out, "{t:7.2} {now}\n        {}", p.verdict.headline);
            last = now;
        }
    });
    out
}

#[test]
#[ignore = "needs the captures"]
fn a_rebuild_closes_the_gate_until_it_has_been_quiet_for_a_minute() {
    let mut scene = Scene::read("real-resync", "20261121T00:39:00Z");
    scene.go_on(130.0);
    println!("{}", story(&scene, 125.0));
    let mut opened = None;
    let pool = scene.look(125.0, |t, p| {
        let one = |name: &str| host(p, name);
        if (4.0..58.0).contains(&t) {
            assert_eq!(p.link.state, LinkState::Live, "{t}");
        }
        // The host that is disabled for the reboot.
        if (2.25..47.0).contains(&t) {
            let rebuild = p.rebuilds.first().unwrap_or_else(|| panic!("{t}: no rebuild"));
            assert_eq!(rebuild.sr, "GFS2 cluster SR");
            assert!(codes(one("xcp-eval-02")).contains(&"rebuild"), "{t}");
            for h in &p.hosts {
                assert_ne!(h.gate.state, GateState::Open, "{t} {}", h.name);
            }
        }
        if (4.0..47.0).contains(&t) {
            assert_eq!(p.verdict.state, GateState::Closed, "{t}");
            assert!(
                p.verdict.headline.starts_with("SR GFS2 cluster SR is rebuilding its mirrors"),
                "{t}: {}",
                p.verdict.headline
            );
        }
        if (30.0..46.0).contains(&t) {
            let end = p.rebuilds[0].ends.expect("an expected end");
            assert!((end.millis_after(scene.at(47.0))).abs() < 5000, "{t}: {}", end.millis_after(scene.at(0.0)));
        }
        if (47.25..107.0).contains(&t) {
            assert!(codes(one("xcp-eval-02")).contains(&"rebuild-settling"), "{t}");
            assert_eq!(p.verdict.state, GateState::Closed, "{t}");
        }
        if p.verdict.state == GateState::Open && t > 3.0 {
            opened.get_or_insert(t);
        }
    });
    let opened = opened.expect("the gate opens in the end");
    assert!((107.0..108.5).contains(&opened), "opened at {opened}");
    let end = pool.picture(scene.at(125.0));
    for h in &end.hosts {
        assert_eq!((h.state.stage, h.gate.state), (Stage::Live, GateState::Open), "{}", h.name);
    }
    assert!(end.verdict.reasons.iter().all(|r| r.severity != Severity::Hard));
    assert!(end.verdict.reasons.iter().any(|r| r.code == "storage-missing"), "the NFS that is not plugged is worth a word");
}

#[test]
#[ignore = "needs the captures"]
fn a_silent_death_closes_the_gate_although_xapi_still_lists_reboot() {
    let mut scene = Scene::read("real-crash", "20261121T00:40:25Z");
    scene.go_on(150.0);
    println!("{}", story(&scene, 148.0));
    let (mut silent, mut opened) = (None, None);
    let mut would = false;
    scene.look(148.0, |t, p| {
        let (dead, other) = (host(p, "xcp-eval-04"), host(p, "xcp-eval-02"));
        if t > 2.25 && t < 132.0 {
            assert_ne!(other.gate.state, GateState::Open, "{t}");
            assert_ne!(dead.gate.state, GateState::Open, "{t}");
            assert_ne!(p.verdict.state, GateState::Open, "{t}");
        }
        if dead.state.stage == Stage::Silent {
            silent.get_or_insert(t);
        }
        if (17.0..47.25).contains(&t) {
            assert_eq!(dead.state.stage, Stage::Silent, "{t}: {}", dead.state.evidence);
            assert!(dead.live, "xapi still says so");
            assert_eq!(other.gate.state, GateState::Closed, "{t}");
            assert!(codes(other).contains(&"host-silent"), "{t}");
            assert!(other.allowed.contains(&"reboot"), "{t}: the trap is there");
            would |= other.gate.reasons.iter().any(|r| r.code == "xapi-would-allow");
        }
        if (47.5..67.0).contains(&t) {
            assert_eq!(dead.state.stage, Stage::Down, "{t}");
            assert!(codes(other).contains(&"host-down"), "{t}");
        }
        if (67.25..72.25).contains(&t) {
            assert_eq!(dead.state.stage, Stage::Starting, "{t}");
        }
        if (72.75..132.0).contains(&t) {
            assert_eq!(dead.state.stage, Stage::Back, "{t}");
            assert!(codes(other).contains(&"host-settling"), "{t}");
        }
        if p.verdict.state == GateState::Open && t > 3.0 {
            opened.get_or_insert(t);
        }
        for h in ["xcp-eval-01", "xcp-eval-02", "xcp-eval-03"] {
            assert!(!matches!(host(p, h).state.stage, Stage::Silent | Stage::Down), "{t} {h}");
        }
    });
    assert!(would, "the note that xapi itself would allow it");
    let silent = silent.expect("it is seen to be silent");
    assert!(silent < 17.5, "silent at {silent}, the crash was at 2.0");
    let opened = opened.expect("the gate opens in the end");
    assert!((132.0..134.0).contains(&opened), "opened at {opened}");
}

#[test]
#[ignore = "needs the captures"]
fn without_a_cluster_a_silent_death_is_seen_by_the_missing_updates() {
    let mut scene = Scene::read("real-crash", "20261121T00:40:25Z");
    scene.observations.retain(|o| match &o.seen {
        Seen::Set { record, .. } => !matches!(record.class(), Class::Cluster | Class::ClusterHost),
        _ => true,
    });
    let mut silent = None;
    scene.look(47.0, |t, p| {
        let dead = host(p, "xcp-eval-04");
        if dead.state.stage == Stage::Silent {
            silent.get_or_insert(t);
        }
        assert_ne!(host(p, "xcp-eval-02").gate.state, GateState::Open, "{t}: {}", dead.state.evidence);
    });
    let silent = silent.expect("it is seen to be silent");
    assert!(silent < 20.0, "silent at {silent}");
}

#[test]
#[ignore = "needs the captures"]
fn every_stage_of_every_host_is_seen_in_a_rolling_reboot() {
    let scene = Scene::read("real-rolling", "20261121T00:42:57Z");
    println!("{}", story(&scene, 149.0));
    let mut stages: BTreeMap<String, Vec<Stage>> = BTreeMap::new();
    let mut links = BTreeSet::new();
    scene.look(149.0, |t, p| {
        links.insert(format!("{:?}", p.link.state));
        for h in &p.hosts {
            let seen = stages.entry(h.name.clone()).or_default();
            if seen.last() != Some(&h.state.stage) {
                seen.push(h.state.stage);
            }
            if matches!(h.state.stage, Stage::GoingDown | Stage::Down | Stage::Starting | Stage::Plugging) {
                for other in p.hosts.iter().filter(|o| o.name != h.name) {
                    assert_ne!(other.gate.state, GateState::Open, "{t}: {} while {} is {:?}", other.name, h.name, h.state.stage);
                }
            }
        }
        if (118.25..149.0).contains(&t) {
            assert_eq!(p.link.state, LinkState::Lost, "{t}");
            assert_ne!(p.verdict.state, GateState::Open, "{t}");
            assert_eq!(p.hosts.len(), 4, "the last picture stays");
        }
        if (135.0..149.0).contains(&t) {
            for h in &p.hosts {
                assert_eq!(h.state.stage, Stage::Unknown, "{t} {}", h.name);
                assert_eq!(h.gate.state, GateState::Unknown, "{t} {}", h.name);
            }
        }
        if (5.5..118.0).contains(&t) {
            assert_eq!(p.link.state, LinkState::Live, "{t}");
            for h in &p.hosts {
                assert!(!matches!(h.state.stage, Stage::Unknown | Stage::Silent), "{t} {}: {}", h.name, h.state.evidence);
            }
        }
    });
    let all = [Stage::GoingDown, Stage::Down, Stage::Starting, Stage::Plugging, Stage::Back];
    for name in ["xcp-eval-02", "xcp-eval-03"] {
        let seen = &stages[name];
        let round: Vec<Stage> = seen.iter().copied().filter(|s| all.contains(s)).collect();
        assert_eq!(round, all, "{name}: {seen:?}");
    }
    assert!(stages["xcp-eval-01"].contains(&Stage::Disabled), "{:?}", stages["xcp-eval-01"]);
    assert!(stages["xcp-eval-01"].contains(&Stage::GoingDown), "{:?}", stages["xcp-eval-01"]);
    assert_eq!(stages["xcp-eval-01"].last(), Some(&Stage::Unknown));
    assert!(links.contains("Lost"));
}

#[test]
#[ignore = "needs the captures"]
fn a_restarted_coordinator_never_leads_to_a_wrong_or_stale_picture() {
    let scene = Scene::read("real-restart", "20261121T00:45:00Z");
    println!("{}", story(&scene, 70.0));
    let names = ["xcp-eval-01", "xcp-eval-02", "xcp-eval-03", "xcp-eval-04"];
    let mut guests = BTreeSet::new();
    scene.look(70.0, |t, p| {
        assert_eq!(p.hosts.iter().map(|h| h.name.as_str()).collect::<Vec<_>>(), names, "{t}: hosts never vanish or double");
        guests.insert(p.guests);
        if (14.0..44.5).contains(&t) {
            assert_eq!(p.link.state, LinkState::Lost, "{t}");
            assert_eq!(p.verdict.state, GateState::Unknown, "{t}: {}", p.verdict.headline);
        }
        if (30.0..44.5).contains(&t) {
            assert!(p.hosts.iter().all(|h| h.state.stage == Stage::Unknown), "{t}");
        }
        if t > 54.0 {
            assert_eq!(p.link.state, LinkState::Live, "{t}");
            for h in &p.hosts {
                assert_eq!(h.state.stage, Stage::Live, "{t} {}: {}", h.name, h.state.evidence);
            }
        }
        assert!(!p.alerts.iter().any(|a| matches!(a.name.as_str(), "database-went-back" | "host-gone" | "host-silent")), "{t}");
        // One alert an object, however often it was read.
        let fenced = p.alerts.iter().filter(|a| a.name == "HA_HOST_WAS_FENCED").map(|a| a.count).sum::<u32>();
        assert_eq!(fenced, u32::from(t >= 2.25), "{t}");
    });
    assert_eq!(guests.len(), 1, "guests are neither lost nor counted twice: {guests:?}");
}
