//! Reasons that have no other home: heartbeats, the week of the paths, time-outs.

use crate::observation::Seen;
use crate::pool::json::Status;
use crate::pool::picture::{GateState, Severity};
use crate::pool::scene::{Scene, pbd, r, t};
use crate::xenapi::record::{Config, Pbd, Pool as PoolRecord, Record, Sr};

fn with_ha(hosts: usize) -> Scene {
    let mut s = Scene::new(hosts);
    let own = PoolRecord {
        master: r("h1"),
        ha_enabled: true,
        ha_cluster_stack: "xhad".into(),
        ha_plan_exists_for: 1,
        ha_host_failures_to_tolerate: 1,
        ..PoolRecord::default()
    };
    s.set("pool", Record::Pool(own));
    for n in 1..=hosts {
        s.host_is(n, |h| h.ha_statefiles = vec!["statefile".into()]);
    }
    s
}

fn sample(s: &mut Scene, name: &str, value: f64) {
    let row = t(s.now);
    s.say(Seen::Samples { host: r("h2"), row, values: vec![(name.into(), value)] });
}

fn maps(s: &mut Scene, n: usize, up: &str) {
    let other_config = Config::from([("multipathed", "true"), ("mpath-3600a", up)]);
    s.set(&format!("p{n}"), Record::Pbd(Pbd { other_config, ..pbd(n, true) }));
}

#[test]
fn a_heartbeat_that_comes_near_its_limit_counts_against_the_others_and_says_what_to_do() {
    let mut s = with_ha(3);
    sample(&mut s, "statefile/abc/latency", 20.0);
    assert!(!s.codes(1).contains(&"heartbeat-slow"), "{:?}", s.codes(1));
    sample(&mut s, "statefile/abc/latency", 31.0);
    let gate = s.host(1).gate;
    let reason = gate.reasons.iter().find(|x| x.code == "heartbeat-slow").expect("a reason");
    assert_eq!((gate.state, reason.severity), (GateState::Open, Severity::Soft));
    assert!(reason.text.contains("xcp2 took 31 s") && reason.text.contains("Do: look at its paths"), "{}", reason.text);
    assert!(reason.evidence.contains("HA, statefile abc") && reason.opens_when.contains("less than 30 s"), "{reason:?}");
    assert!(!s.codes(2).contains(&"heartbeat-slow"), "the host itself may go");
    sample(&mut s, "statefile/abc/latency", 50.0);
    assert_eq!(s.gate(1), (GateState::Closed, "fence-near"));
    let json = serde_json::to_value(Status::of(&s.pool, &s.picture())).expect("json");
    let beat = &json["hosts"][1]["heartbeats"][0];
    assert_eq!(
        (&beat["kind"], &beat["now_s"], &beat["limit_s"], &beat["worst_s"]),
        (&"ha_statefile".into(), &50.0.into(), &60.0.into(), &50.0.into())
    );
    s.now += 100.0;
    s.answers();
    s.say(Seen::Heard { generation: None });
    assert!(!s.codes(1).contains(&"fence-near"), "an old reading counts for nothing: {:?}", s.codes(1));
}

#[test]
fn a_heartbeat_without_ha_says_nothing() {
    let mut s = Scene::new(2);
    sample(&mut s, "network/latency", 59.0);
    assert_eq!(s.gate(1).0, GateState::Open);
    assert!(s.host(2).heartbeats.is_empty());
}

#[test]
fn a_path_that_was_lost_within_the_week_is_noted_and_one_that_comes_and_goes_is_a_risk() {
    let mut s = Scene::new(2);
    maps(&mut s, 2, "[2, 2]");
    s.pass(10.0);
    maps(&mut s, 2, "[1, 2]");
    assert_eq!(s.gate(1), (GateState::Open, "path-degraded"));
    assert!(!s.codes(1).contains(&"path-unsteady"), "it is short now");
    s.pass(10.0);
    maps(&mut s, 2, "[2, 2]");
    let p = s.picture();
    let note = p.verdict.reasons.iter().find(|x| x.code == "path-unsteady").expect("a note");
    assert_eq!((note.severity, p.verdict.state), (Severity::Note, GateState::Open));
    assert!(note.text.starts_with("xcp2 had 1 of 2 paths to LUN 3600a until "), "{}", note.text);
    assert!(note.evidence.contains("2 changes within 7 days") && !note.opens_when.is_empty(), "{note:?}");
    assert!(s.pool.notes(t(s.now)).iter().any(|n| n.reason.code == "path-unsteady" && n.about == r("h2")), "before a round too");
    for n in 0..4 {
        s.pass(10.0);
        maps(&mut s, 2, if n % 2 == 0 { "[1, 2]" } else { "[2, 2]" });
    }
    let p = s.picture();
    let flaps = p.verdict.reasons.iter().find(|x| x.code == "path-flapping").expect("a risk");
    assert_eq!(flaps.severity, Severity::Soft);
    assert!(flaps.text.contains("come and go") && flaps.opens_when.contains("10 minutes"), "{flaps:?}");
    assert!(!p.verdict.reasons.iter().any(|x| x.code == "path-degraded" || x.code == "path-unsteady"), "told once");
    let json = serde_json::to_value(Status::of(&s.pool, &p)).expect("json");
    assert_eq!((&json["paths"][0]["flaps"], &json["paths"][0]["week_least"]), (&true.into(), &1.into()));
}

#[test]
fn a_fail_over_that_a_fence_overtakes_and_time_outs_in_the_wrong_order_are_noted_with_the_way_out() {
    let mut s = with_ha(2);
    s.set("sr", Record::Sr(Sr { r#type: "lvmoiscsi".into(), name_label: "lun".into(), shared: true, ..Sr::default() }));
    let mut all: std::collections::BTreeMap<String, String> =
        (0..50).map(|n| (format!("mpath-3600a{n:04}"), "[40, 40]".to_owned())).collect();
    all.insert("multipathed".into(), "true".into());
    let other_config: Config = serde_json::from_value(serde_json::json!(all)).expect("a map");
    s.set("p2", Record::Pbd(Pbd { other_config, ..pbd(2, true) }));
    let p = s.picture();
    let slow = p.verdict.reasons.iter().find(|x| x.code == "failover-slow").expect("a note");
    assert!(slow.text.contains("paths of xcp2") && slow.text.contains("fences at 60 s"), "{}", slow.text);
    assert!(slow.evidence.contains("50 LUNs × 40 paths") && slow.opens_when.contains("fewer LUNs"), "{slow:?}");
    let order = p.verdict.reasons.iter().find(|x| x.code == "timeouts-order").expect("a note");
    assert!(order.text.contains("wrong order") && !order.opens_when.is_empty() && order.severity == Severity::Note, "{order:?}");
    assert_eq!(p.verdict.state, GateState::Open, "notes close nothing");
    let json = serde_json::to_value(Status::of(&s.pool, &p)).expect("json");
    let failover = &json["hosts"][1]["failover"];
    assert_eq!(
        (&failover["devices"], &failover["too_slow"], &failover["fence_by"]),
        (&2000.into(), &true.into(), &"HA (xhad)".into())
    );
    assert!(json["hosts"][0]["failover"].is_null());
    assert_eq!(json["hosts"][0]["probe"]["state"], "not_asked");
}

#[test]
fn a_host_that_joins_is_not_called_down() {
    let mut s = Scene::new(2);
    s.pass(10.0);
    s.set("m3", Record::HostMetrics(crate::pool::scene::metrics(false)));
    s.set("h3", Record::Host(crate::pool::scene::host(3)));
    s.pass(5.0);
    let joins = s.host(3);
    assert_eq!(joins.state.stage, crate::pool::picture::Stage::Starting);
    assert!(
        joins.state.text.starts_with("joining for") && joins.state.evidence.contains("came into the pool"),
        "{:?}",
        joins.state
    );
    assert_eq!(s.gate(1), (GateState::Closed, "host-starting"), "and nobody else goes meanwhile");
    assert!(!s.picture().alerts.iter().any(|a| a.name == "host-down"), "{:?}", s.picture().alerts);
    s.set("m3", Record::HostMetrics(crate::pool::scene::metrics(true)));
    s.set("p3", Record::Pbd(pbd(3, true)));
    s.live(2, false);
    assert_eq!(s.stage(2), crate::pool::picture::Stage::Down, "one that was there is down");
}
