//! Tests of what the model makes of a pool: one rule a test.

mod breaks;

use super::picture::{Dialect, GateState, Health, Severity, Stage};
use super::scene::{Scene, host, pbd, r, t};
use crate::observation::{Answer, Link, Observation, Outcome, Seen, Via};
use crate::pool::Pool;
use crate::xenapi::record::{
    Bond, Class, Config, Date, HostOperation, Message, Pif, PifMetrics, Pool as PoolRecord, Record, Sr, Task, TaskStatus,
};

#[test]
fn a_calm_pool_is_open_and_says_why() {
    let mut s = Scene::new(3);
    s.cluster(&[]);
    let p = s.pass(60.0).picture();
    assert_eq!(p.verdict.state, GateState::Open, "{:?}", p.verdict);
    assert_eq!(p.verdict.headline, "All 3 hosts are live and nothing is being rebuilt: any one of them may go.");
    assert!(p.hosts.iter().all(|h| h.gate.state == GateState::Open && h.state.stage == Stage::Live));
    assert_eq!((p.name.as_str(), p.coordinator.as_str(), p.product.as_str()), ("prod-a", "xcp1", "XCP-ng 8.3.0"));
    assert_eq!(p.clusters[0].may_fail, Some(1));
}

#[test]
fn nobody_is_healthy_on_xapis_word_alone() {
    let mut s = Scene::new(2);
    s.mute = vec![1, 2];
    let mut fresh = Scene::new(0);
    fresh.set("h2", Record::Host(host(2)));
    fresh.live(2, true);
    assert_eq!(fresh.stage(2), Stage::Unknown);
    s.pass(60.0);
    assert_eq!(s.stage(2), Stage::Unknown, "its last answer is a minute old");
    assert_eq!(s.stage(1), Stage::Live, "the coordinator answers for the pool");
    assert_eq!(s.gate(1), (GateState::Unknown, "host-unknown"));
}

#[test]
fn a_host_that_does_not_answer_is_silent_soon_whatever_xapi_lists() {
    let mut s = Scene::new(3);
    s.pass(30.0);
    s.mute = vec![3];
    s.host_is(2, |h| {
        h.enabled = false;
        h.allowed_operations.push(HostOperation::Reboot);
    });
    s.pass(10.0);
    s.answer(3, Err("CANNOT_CONTACT_HOST"));
    assert_eq!(s.stage(3), Stage::Silent);
    assert!(s.host(3).live, "xapi still says so");
    assert_eq!(s.gate(2), (GateState::Closed, "host-silent"));
    assert!(s.codes(2).contains(&"xapi-would-allow"));
    s.pass(10.0);
    assert!(s.picture().alerts.iter().any(|a| a.name == "host-silent" && a.still_true == Some(true)));
    // It is heard again: it has been away, and its mirrors may not be in step.
    s.pass(30.0);
    s.mute.clear();
    s.host_is(2, |_| {});
    s.pass(5.0);
    assert_eq!(s.stage(3), Stage::Back);
    assert_eq!(s.gate(1), (GateState::Closed, "host-settling"));
    assert!(s.picture().alerts.iter().any(|a| a.name == "host-silent" && a.still_true == Some(false)));
    s.pass(70.0);
    assert_eq!(s.gate(1).0, GateState::Open);
}

#[test]
fn while_the_coordinator_does_not_answer_no_member_is_called_silent() {
    let mut s = Scene::new(3);
    s.pass(30.0);
    s.now += 5.0;
    let lost = |n: usize| {
        let outcome = Outcome::Failed { code: None, error: "no answer within 5 s".into() };
        Seen::Answer(Answer { host: r(&format!("h{n}")), via: Via::Servertime, took_ms: 5000, outcome })
    };
    for _ in 0..3 {
        s.now += 5.0;
        for n in [1, 2, 3] {
            s.say(lost(n));
        }
    }
    assert_eq!(s.stage(1), Stage::Silent, "it is the coordinator that does not answer");
    assert_eq!((s.stage(2), s.stage(3)), (Stage::Unknown, Stage::Unknown));
    assert!(s.host(2).state.evidence.contains("the coordinator itself"), "{}", s.host(2).state.evidence);
    let silent: Vec<_> = s.picture().alerts.into_iter().filter(|a| a.name == "host-silent").map(|a| a.about).collect();
    assert_eq!(silent, ["xcp1"], "one alert, and of the right host");
    // The coordinator answers again, and one of the others still does not.
    s.answer(1, Ok(()));
    s.say(Seen::Heard { generation: None });
    s.now += 5.0;
    s.say(lost(2));
    assert_eq!(s.stage(2), Stage::Silent);
}

#[test]
fn one_lost_answer_is_not_silence() {
    let mut s = Scene::new(2);
    s.pass(20.0);
    let lost = Answer {
        host: r("h2"),
        via: Via::Servertime,
        took_ms: 5000,
        outcome: Outcome::Failed { code: None, error: "no answer within 5 s".into() },
    };
    s.say(Seen::Answer(lost));
    assert_eq!(s.stage(2), Stage::Live);
}

#[test]
fn a_reboot_is_seen_in_all_its_stages_and_the_gate_waits_for_it() {
    let mut s = Scene::new(3);
    s.pass(10.0);
    let before = s.told.len();
    s.reboot(2);
    let told: Vec<Observation> = s.told[before..].to_vec();
    assert_eq!(s.stage(2), Stage::Back);
    assert_eq!(s.gate(1), (GateState::Closed, "host-settling"));
    let until = s.host(1).gate.reasons[0].until.expect("an end");
    s.pass(59.0);
    assert_eq!(s.gate(1).0, GateState::Closed);
    s.pass(6.0);
    assert_eq!(s.gate(1).0, GateState::Open);
    assert!(until <= t(s.now));
    // Played again, step by step, every stage is there.
    let mut again = Scene::new(3);
    again.pass(10.0);
    let mut stages = Vec::new();
    for o in told {
        again.pool.apply(&o);
        let view = again.pool.picture(o.at);
        let stage = view.hosts[1].state.stage;
        if stages.last() != Some(&stage) {
            stages.push(stage);
        }
        if stage != Stage::Live && stage != Stage::Disabled {
            assert_ne!(view.hosts[0].gate.state, GateState::Open, "{stage:?}");
        }
    }
    assert_eq!(stages, [Stage::Disabled, Stage::GoingDown, Stage::Down, Stage::Starting, Stage::Back]);
}

#[test]
fn a_rebuild_closes_the_gate_says_until_when_and_waits_for_quiet() {
    let mut s = Scene::new(3);
    s.reboot(2);
    s.rebuild(0.0);
    for step in 1..=6 {
        s.pass(10.0);
        let task = match s.pool.record(&r("rebuild")) {
            Some(Record::Task(task)) => task.clone(),
            other => panic!("{other:?}"),
        };
        s.set("rebuild", Record::Task(Task { progress: f64::from(step) / 10.0, ..task }));
    }
    let p = s.picture();
    assert!(
        p.verdict
            .headline
            .starts_with("SR xostor is rebuilding its mirrors since xcp2 came back: 60 %, 40 s left, so not before "),
        "{}",
        p.verdict.headline
    );
    assert_eq!(p.verdict.until, Some(t(s.now + 100.0)), "40 s, then a minute of quiet");
    assert_eq!(p.rebuilds[0].ends, Some(t(s.now + 40.0)));
    assert_eq!(s.stage(2), Stage::Back, "it is not whole before its mirrors are");
    assert!(p.alerts.iter().any(|a| a.name == "rebuild-began" && a.still_true == Some(true)));
    s.gone(Class::Task, "rebuild");
    s.pass(30.0);
    assert_eq!(s.gate(1), (GateState::Closed, "rebuild-settling"));
    s.pass(35.0);
    assert_eq!(s.gate(1).0, GateState::Open);
    assert!(s.picture().rebuilds.is_empty());
}

#[test]
fn a_rebuild_that_starts_late_is_waited_for() {
    let mut s = Scene::new(3);
    s.reboot(2);
    s.pass(55.0);
    assert_eq!(s.gate(1).0, GateState::Closed);
    s.rebuild(0.0);
    s.pass(100.0);
    assert_eq!(s.gate(1), (GateState::Closed, "rebuild"));
    assert_eq!(s.picture().rebuilds[0].progress, None);
    assert!(s.picture().rebuilds[0].text.contains("no progress of its own"), "{}", s.picture().rebuilds[0].text);
}

#[test]
fn a_rebuild_that_failed_is_not_a_rebuild_that_is_done() {
    let mut s = Scene::new(3);
    s.rebuild(0.0);
    s.pass(5.0);
    let failed = Task { name_label: "SR Recovering".into(), status: TaskStatus::Failure, ..Task::default() };
    s.set("rebuild", Record::Task(failed));
    s.pass(120.0);
    assert_eq!(s.gate(1), (GateState::Closed, "rebuild-failed"));
}

#[test]
fn a_storage_cluster_larger_than_the_pool_closes_the_gate_too() {
    let sr = |pairs: [(&str, &str); 1]| {
        Record::Sr(Sr { name_label: "xostor".into(), shared: true, clustered: true, sm_config: pairs.into(), ..Sr::default() })
    };
    for (pair, code) in [
        (("mirror_state", "rebuilding"), "storage-rebuild"),
        (("nodes_offline", "1"), "storage-node-offline"),
        (("mirrors_in_step", "21/22"), "mirrors-degraded"),
    ] {
        let mut s = Scene::new(2);
        s.set("sr", sr([pair]));
        assert_eq!(s.gate(1), (GateState::Closed, code));
    }
    let mut s = Scene::new(2);
    s.set("sr", sr([("mirrors_in_step", "22/22")]));
    assert_eq!(s.gate(1).0, GateState::Open);
}

#[test]
fn another_host_that_is_disabled_closes_the_gate_but_not_its_own() {
    let mut s = Scene::new(3);
    s.host_is(2, |h| h.enabled = false);
    assert_eq!(s.gate(1), (GateState::Closed, "host-disabled"));
    assert_eq!(s.gate(2).0, GateState::Open);
    let p = s.picture();
    assert_eq!(p.verdict.state, GateState::Open);
    assert_eq!(p.verdict.headline, "xcp2 is disabled already and may go; no other host until it is back.");
    s.host_is(1, |h| h.enabled = false);
    s.host_is(3, |h| h.enabled = false);
    assert_eq!(s.picture().verdict.state, GateState::Closed, "all are disabled");
}

#[test]
fn clusters_that_are_not_whole_close_the_gate() {
    let mut s = Scene::new(3);
    s.cluster(&[3]);
    assert_eq!(s.gate(1), (GateState::Closed, "cluster-member-dead"));
    s.cluster(&[2, 3]);
    assert_eq!(s.gate(1), (GateState::Closed, "cluster-not-quorate"));
    let p = s.picture();
    assert_eq!((p.clusters[0].quorate, p.clusters[0].may_fail), (Some(false), Some(0)));
    assert_eq!(p.dialect, Dialect::Shipped);
    let mut two = Scene::new(2);
    two.cluster(&[]);
    assert_eq!(two.gate(1), (GateState::Open, "cluster-no-spare"), "a cluster of two can never spare one: a word, not a wall");
}

#[test]
fn storage_that_was_there_and_is_gone_closes_the_gate_and_one_that_never_was_is_a_word() {
    let mut s = Scene::new(2);
    s.set("p2", Record::Pbd(pbd(2, false)));
    assert_eq!(s.gate(1), (GateState::Closed, "storage-unplugged"));
    s.set("p2", Record::Pbd(pbd(2, true)));
    assert_eq!(s.gate(1).0, GateState::Open);
    s.set("nfs", Record::Sr(Sr { name_label: "nfs".into(), shared: true, ..Sr::default() }));
    let mut off = pbd(2, false);
    off.sr = r("nfs");
    s.set("q2", Record::Pbd(off));
    assert_eq!(s.gate(1), (GateState::Open, "storage-missing"));
}

#[test]
fn paths_weigh_by_what_is_left_of_them() {
    let mut s = Scene::new(2);
    let with = |s: &mut Scene, value: Option<&str>| {
        let mut record = pbd(2, true);
        if let Some(value) = value {
            record.other_config = Config::from([("mpath-3600a", value)]);
        }
        s.set("p2", Record::Pbd(record));
    };
    with(&mut s, Some("[2, 2]"));
    assert_eq!(s.host(2).paths, Some((2, 2)));
    s.pass(5.0);
    with(&mut s, Some("[1, 2]"));
    assert_eq!(s.gate(1), (GateState::Open, "path-degraded"));
    assert_eq!(s.host(2).state.text, "live, at risk");
    assert!(s.picture().alerts.iter().any(|a| a.name == "path-lost" && a.still_true == Some(true)));
    assert!(s.picture().verdict.headline.contains("But xcp2 has 1 of 2 paths to LUN 3600a"), "{}", s.picture().verdict.headline);
    with(&mut s, None);
    s.pass(10.0);
    assert_eq!(s.gate(1), (GateState::Closed, "path-lost"));
    with(&mut s, Some("[2, 2]"));
    s.pass(5.0);
    assert_eq!(s.gate(1).0, GateState::Open);
    assert!(s.picture().alerts.iter().any(|a| a.name == "path-restored"));
}

#[test]
fn bonds_and_carriers_count_only_where_they_can_be_up() {
    let mut s = Scene::new(1);
    let pif = |metrics: &str, management: bool| Pif {
        device: "eth0".into(),
        host: r("h1"),
        metrics: r(metrics),
        physical: true,
        currently_attached: true,
        management,
        ..Pif::default()
    };
    s.set("pm", Record::PifMetrics(PifMetrics::default()));
    s.set("pif", Record::Pif(pif("pm", true)));
    assert_eq!(s.host(1).paths, None, "a virtual pool shows no carrier at all");
    s.set("pm", Record::PifMetrics(PifMetrics { carrier: true, ..PifMetrics::default() }));
    assert_eq!(s.host(1).paths, Some((1, 1)));
    s.set("pm", Record::PifMetrics(PifMetrics::default()));
    assert_eq!(s.host(1).paths, Some((0, 1)));
    let master = Pif { device: "bond0".into(), host: r("h1"), bond_master_of: vec![r("b")], ..Pif::default() };
    s.set("b", Record::Bond(Bond { master: r("m"), slaves: vec![r("x"), r("y")], links_up: 2, ..Bond::default() }));
    s.set("m", Record::Pif(master));
    s.pass(5.0);
    s.set("b", Record::Bond(Bond { master: r("m"), slaves: vec![r("x"), r("y")], links_up: 1, ..Bond::default() }));
    let bond = s.picture().paths.into_iter().find(|p| p.name == "bond0").expect("the bond");
    assert_eq!((bond.up, bond.total, bond.health), (1, 2, Health::Degraded));
}

#[test]
fn clocks_are_compared_with_the_coordinators() {
    let mut s = Scene::new(2);
    let tick = |s: &mut Scene, n: usize, ahead: i64| {
        let ours = t(s.now).as_millis() + ahead * 1000 + 40_000;
        let clock = crate::time::Time::from_millis(ours - ours.rem_euclid(1000));
        let outcome = Outcome::Ok { clock: Some(clock) };
        s.say(Seen::Answer(Answer { host: r(&format!("h{n}")), via: Via::Servertime, took_ms: 20, outcome }));
    };
    tick(&mut s, 1, 0);
    tick(&mut s, 2, 8);
    let p = s.pass(1.0).picture();
    assert!((p.clocks[1].skew_s - 8.0).abs() <= p.clocks[1].error_s, "{:?}", p.clocks);
    assert!(s.codes(1).contains(&"clock-skew"));
    assert_eq!(s.gate(1).0, GateState::Open);
    s.say(Seen::Heard { generation: None });
    assert!(s.picture().alerts.iter().any(|a| a.name == "clock-skew" && a.still_true == Some(true)));
}

#[test]
fn ha_upgrades_and_the_pools_own_work_are_told() {
    let mut s = Scene::new(2);
    let pool = |how: fn(&mut PoolRecord)| {
        let mut record = PoolRecord { name_label: "prod-a".into(), master: r("h1"), ..PoolRecord::default() };
        how(&mut record);
        Record::Pool(record)
    };
    s.set("pool", pool(|p| p.other_config = Config::from([("rolling_upgrade_in_progress", "true")])));
    assert_eq!(s.gate(1), (GateState::Open, "rolling-upgrade"));
    assert!(s.picture().control.rolling_upgrade);
    s.set(
        "pool",
        pool(|p| {
            p.current_operations.insert(r("x"), "ha_enable".into());
        }),
    );
    assert_eq!(s.gate(1), (GateState::Closed, "pool-busy"));
    s.set(
        "pool",
        pool(|p| {
            p.ha_enabled = true;
            p.ha_overcommitted = true;
            p.ha_statefiles = vec!["vdi".into()];
        }),
    );
    s.host_is(1, |h| h.ha_statefiles = vec!["vdi".into()]);
    assert_eq!(s.gate(1), (GateState::Closed, "ha-statefile"), "xcp2 has none");
    assert_eq!(s.picture().clusters[0].stack, "xhad");
    assert!(s.host(2).fence_margin_s.is_some_and(|m| m <= 60.0));
    s.host_is(2, |h| h.ha_statefiles = vec!["vdi".into()]);
    assert_eq!(s.gate(1), (GateState::Open, "ha-overcommitted"));
}

#[test]
fn guests_and_a_single_host_are_words_and_no_walls() {
    let mut s = Scene::new(2);
    s.guest("v1", 1);
    s.guest("v2", 1);
    let gate = s.host(1).gate;
    assert_eq!(gate.state, GateState::Open);
    assert!(
        gate.reasons.iter().any(|r| r.code == "guests" && r.severity == Severity::Note && r.text.starts_with("2 guests run"))
    );
    assert_eq!((s.host(1).vms, s.picture().guests), (2, 2));
    s.host_is(1, |h| h.enabled = false);
    assert_eq!(s.gate(1), (GateState::Closed, "guests"), "one step before its reboot the guests are a wall");
    s.guest("v1", 2);
    s.guest("v2", 2);
    assert_eq!(s.gate(1).0, GateState::Open, "{:?}", s.host(1).gate);
    let mut one = Scene::new(1);
    one.guest("v1", 1);
    assert_eq!(one.gate(1), (GateState::Open, "only-host"));
    assert_eq!(Scene::new(0).picture().verdict.state, GateState::Unknown);
    assert_eq!(Pool::new("x").picture(t(0.0)).verdict.state, GateState::Unknown);
}

#[test]
fn a_lost_connection_keeps_the_picture_and_knows_nothing() {
    let mut s = Scene::new(2);
    s.pass(10.0);
    s.say(Seen::Link(Link::Lost { error: "reset".into(), retry_at: t(s.now + 1.0), attempt: 1 }));
    assert_eq!(s.picture().verdict.state, GateState::Unknown, "at once");
    assert_eq!(s.picture().verdict.reasons[0].code, "stale");
    s.now += 20.0;
    let p = s.picture();
    assert!(p.hosts.iter().all(|h| h.state.stage == Stage::Unknown && h.state.text == "unknown, was live"));
    assert_eq!(p.hosts.len(), 2);
}

#[test]
fn a_database_that_went_back_is_told() {
    let mut s = Scene::new(1);
    s.say(Seen::Heard { generation: Some(100) });
    s.say(Seen::Heard { generation: Some(90) });
    s.say(Seen::Heard { generation: Some(91) });
    let told: Vec<_> = s.picture().alerts.into_iter().filter(|a| a.name == "database-went-back").collect();
    assert_eq!(told.len(), 1);
    assert!(told[0].text.contains("from change 100 to 90"));
}

#[test]
fn what_cannot_be_read_is_counted_and_told() {
    let mut s = Scene::new(1);
    s.say(Seen::Unreadable { class: "SR\u{1b}".into(), r#ref: r("x"), why: "broken\n".into() });
    let p = s.picture();
    assert_eq!(p.unreadable, 1);
    assert!(p.alerts.iter().any(|a| a.name == "unreadable" && !a.text.contains('\u{1b}')));
}

#[test]
fn messages_name_their_host_and_say_whether_it_is_still_so() {
    let mut s = Scene::new(2);
    let message = Message {
        name: "HA_HOST_FAILED".into(),
        cls: "Host".into(),
        obj_uuid: host(2).uuid,
        timestamp: Date(Some(t(-100.0))),
        priority: 3,
        ..Message::default()
    };
    s.set("m", Record::Message(message.clone()));
    s.set("n", Record::Message(message));
    let alert = s.picture().alerts.into_iter().find(|a| a.name == "HA_HOST_FAILED").expect("the alert");
    assert_eq!((alert.text.as_str(), alert.about.as_str(), alert.count), ("HA declared xcp2 failed", "xcp2", 2));
    assert_eq!(alert.still_true, Some(false));
}

#[test]
fn a_picture_that_is_read_again_is_the_same_picture() {
    let mut s = Scene::new(3);
    s.cluster(&[]);
    s.guest("v1", 1);
    s.pass(60.0);
    let mut before = s.picture();
    let classes =
        vec![Class::Pool, Class::Host, Class::HostMetrics, Class::Sr, Class::Pbd, Class::Cluster, Class::ClusterHost, Class::Vm];
    s.say(Seen::Resync { classes: classes.clone(), why: "a count was off".into() });
    assert_eq!(s.picture().verdict.state, GateState::Unknown, "while it is read nothing is decided");
    assert_eq!(s.picture().hosts.len(), 3, "and the old picture stays");
    s.read_all();
    s.cluster(&[]);
    s.guest("v1", 1);
    s.say(Seen::Synced { classes });
    let mut after = s.picture();
    before.link.heard = None;
    after.link.heard = None;
    assert_eq!(before, after);
}

#[test]
fn what_is_not_read_again_is_gone() {
    let mut s = Scene::new(3);
    s.say(Seen::Resync { classes: vec![Class::Host], why: String::new() });
    s.host_is(1, |_| {});
    s.host_is(2, |_| {});
    assert_eq!(s.picture().hosts.len(), 3);
    s.say(Seen::Synced { classes: vec![Class::Host] });
    assert_eq!(s.picture().hosts.len(), 2);
}

#[test]
fn the_next_change_is_when_the_picture_changes_by_itself() {
    let mut s = Scene::new(3);
    s.pass(20.0);
    s.gone(Class::Task, "none");
    s.reboot(2);
    s.pass(40.0);
    let next = s.pool.next_change(t(s.now)).expect("something is due");
    assert!(next > t(s.now) && next <= t(s.now + 8.0), "the next sign of life is due within 8 s");
    assert_eq!(Pool::new("x").next_change(t(0.0)), None);
}

#[test]
fn the_dialect_is_known_by_the_fields_of_hosts_and_by_the_codes_of_refusals() {
    assert_eq!(Scene::empty().picture().dialect, Dialect::Unknown);
    let mut s = Scene::new(1);
    assert_eq!(s.picture().dialect, Dialect::Shipped, "hosts without memberships");
    s.host_is(1, |h| h.allowed_operations.push(HostOperation::Reboot));
    assert_eq!(s.picture().dialect, Dialect::Shipped, "what is allowed at the moment tells nothing");
    s.set("refused", Record::Task(Task { error_info: vec!["MIRROR_REBUILD_IN_PROGRESS".into()], ..Task::default() }));
    s.host_is(1, |h| h.name_label = "renamed".into());
    assert_eq!(s.picture().dialect, Dialect::Designed, "only the designed API has this code");
    let mut s = Scene::new(2);
    s.host_is(2, |h| h.memberships = Some(Vec::new()));
    assert_eq!(s.picture().dialect, Dialect::Designed, "an empty set is a field all the same");
}

#[test]
fn the_status_document_has_the_names_of_the_contract() {
    let mut s = Scene::new(2);
    s.cluster(&[]);
    s.rebuild(0.5);
    let json = serde_json::to_value(super::json::Status::new(&s.picture())).expect("json");
    for path in [
        "/schema",
        "/pool/name",
        "/pool/uuid",
        "/pool/coordinator",
        "/pool/api",
        "/age_s",
        "/verdict/reboot_next",
        "/verdict/headline",
        "/verdict/reasons/0/code",
        "/verdict/reasons/0/severity",
        "/verdict/reasons/0/text",
        "/verdict/reasons/0/evidence",
        "/verdict/reasons/0/age_s",
        "/verdict/reasons/0/opens_when",
        "/hosts/0/name",
        "/hosts/0/uuid",
        "/hosts/0/role",
        "/hosts/0/state",
        "/hosts/0/enabled",
        "/hosts/0/live",
        "/hosts/0/gate/state",
        "/hosts/0/gate/reasons",
        "/hosts/0/vms",
        "/hosts/0/fence_margin_s",
        "/rebuilds/0/sr",
        "/rebuilds/0/source",
        "/rebuilds/0/progress",
        "/rebuilds/0/eta_s",
        "/rebuilds/0/since",
        "/clusters/0/stack",
        "/clusters/0/quorate",
        "/clusters/0/may_fail",
        "/clusters/0/members/0/host",
        "/clusters/0/members/0/id",
        "/clusters/0/members/0/state",
        "/paths",
        "/clocks",
        "/control/ha",
        "/alerts/0/name",
        "/alerts/0/severity",
        "/alerts/0/text",
        "/alerts/0/since",
        "/alerts/0/still_true",
    ] {
        assert!(json.pointer(path).is_some(), "{path} is missing");
    }
    assert_eq!(json["verdict"]["reboot_next"], "closed");
    assert_eq!(json["verdict"]["reasons"][0]["severity"], "hard");
    assert_eq!(json["hosts"][0]["state"], "live");
    assert_eq!(super::json::Grade::of(&s.picture()), super::json::Grade::AtRisk);
    assert_eq!(super::json::Grade::of(&Scene::new(2).picture()), super::json::Grade::Healthy);
    assert_eq!(super::json::Grade::of(&Scene::new(0).picture()), super::json::Grade::CannotTell);
}

#[test]
fn many_hosts_in_the_same_trouble_are_one_reason() {
    let mut s = Scene::new(12);
    s.mute = (2..=12).collect();
    s.pass(30.0);
    let gate = s.host(1).gate;
    let unknown: Vec<_> = gate.reasons.iter().filter(|r| r.code == "host-unknown").collect();
    assert_eq!(unknown.len(), 1, "{unknown:?}");
    assert!(unknown[0].text.starts_with("cannot tell how xcp2 is"), "{}", unknown[0].text);
    assert!(unknown[0].text.ends_with("The same goes for xcp3, xcp4, xcp5 and 7 more."), "{}", unknown[0].text);
    assert_eq!(gate.state, GateState::Unknown);
}
