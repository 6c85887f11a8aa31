use super::*;
use crate::o2cb::live::known::{Because, Known, Unknown};
use crate::o2cb::live::{Cluster, Mode, Node, Region};
use crate::observation::Seen;
use crate::pool::picture::{GateState, Health, Picture, Severity};
use crate::pool::scene::{Scene, r, t};
use crate::probe::report::{O2cb, SCHEMA, Section, Teller};
use std::collections::BTreeSet;

fn no() -> Unknown {
    Unknown::new("nothing", Because::Absent)
}

fn nodes(count: u8) -> BTreeSet<u8> {
    (1..=count).collect()
}

/// What the driver of node `n` of `count` says when its last heartbeat is `elapsed_ms` old.
fn live(n: u8, count: u8, elapsed_ms: u64, secs: f64) -> Live {
    let node = |num: u8| Node {
        name: format!("xcp{num}"),
        num: Known::Yes(num),
        address: Known::Yes(format!("10.0.0.{num}")),
        port: Known::Yes(7777),
        local: Known::Yes(num == n),
    };
    let region = Region {
        uuid: "0C4AB55FE9314FA5A9F81652FDB9B22D".into(),
        device: Known::Yes("dm-3".into()),
        num: Known::Yes(0),
        elapsed_ms: Known::Yes(elapsed_ms),
        live_nodes: Known::Yes(nodes(count)),
        pinned: Known::Yes(true),
    };
    let cluster = Cluster {
        name: "xspool".into(),
        idle_timeout_ms: Known::Yes(30_000),
        keepalive_delay_ms: Known::Yes(2_000),
        reconnect_delay_ms: Known::Yes(2_000),
        fence_method: Known::Yes(crate::o2cb::live::FenceMethod::Reset),
        dead_threshold: Known::Yes(31),
        mode: Known::Yes(Mode::Global),
        nodes: (1..=count).map(node).collect(),
        regions: vec![region],
    };
    Live {
        taken: t(secs),
        host: Known::Yes(format!("xcp{n}")),
        uptime_ms: Known::Yes(1_000_000 + (secs * 1_000.0) as u64),
        clusters: Known::Yes(vec![cluster]),
        live_nodes: Known::Yes(nodes(count)),
        live_regions: Known::Yes(BTreeSet::from([0])),
        quorum_regions: Known::Yes(BTreeSet::from([0])),
        failed_regions: Known::Yes(BTreeSet::new()),
        connected: Known::Yes(nodes(count)),
        ..Live::default()
    }
}

fn report(live: Option<Live>, rebuilds: Vec<Rebuild>, secs: f64) -> Probed {
    let o2cb = live.map_or_else(
        || Section::none(no()),
        |live| {
            let mut watch = Watch::new();
            watch.add("it", t(secs), &live, margin_signs(&[], None));
            let margin = watch.margin("it", t(secs));
            let found = O2cb { says: margin.to_string(), advice: margin.advice(), margin, live, differences: Vec::new() };
            Section::of("debugfs", None, t(secs), Known::Yes(found))
        },
    );
    Probed::Report(Box::new(Report {
        schema: SCHEMA.into(),
        version: "0".into(),
        taken: t(secs),
        live: true,
        host: Known::No(no()),
        o2cb,
        multipath: Section::none(no()),
        drbd: Section::none(no()),
        linstor: Section::none(no()),
        md: Section::none(no()),
        clock: Section::none(no()),
        crash: Section::none(no()),
        kernel: Section::none(no()),
        xha: Section::none(no()),
        timeouts: Section::none(no()),
        rebuilds,
    }))
}

fn tell(s: &mut Scene, n: u8, told: Probed) {
    s.say(Seen::Probe { host: r(&format!("h{n}")), told });
}

/// Every host tells; the heartbeat of `late` is `elapsed_ms` old.
fn all(s: &mut Scene, late: u8, elapsed_ms: u64) {
    for n in 1..=3 {
        let elapsed = if n == late { elapsed_ms } else { 700 };
        let now = s.now;
        tell(s, n, report(Some(live(n, 3, elapsed, now)), vec![], now));
    }
}

fn picture(s: &Scene) -> Picture {
    s.pool.picture(t(s.now))
}

#[test]
fn a_host_that_writes_its_heartbeats_has_a_minute_and_closes_nothing() {
    let mut s = Scene::new(3);
    all(&mut s, 0, 0);
    let p = picture(&s);
    assert!(p.hosts.iter().all(|h| h.fence_margin_s == Some(60.0)), "{:?}", p.hosts[0].fence);
    assert!(p.hosts.iter().all(|h| h.gate.reasons.iter().all(|r| r.code != "fence-near")));
    let cluster = p.clusters.iter().find(|c| c.stack == "o2cb").expect("a cluster");
    assert_eq!(
        cluster.members.iter().map(|m| (m.host.as_str(), m.id, m.state)).collect::<Vec<_>>(),
        [("xcp1", Some(1), "alive"), ("xcp2", Some(2), "alive"), ("xcp3", Some(3), "alive"),]
    );
    assert_eq!((cluster.quorate, cluster.may_fail), (Some(true), Some(2)));
}

#[test]
fn a_heartbeat_that_is_late_counts_down_closes_the_other_gates_and_says_what_to_do() {
    let mut s = Scene::new(3);
    all(&mut s, 0, 0);
    s.now += 20.0;
    s.answers();
    all(&mut s, 2, 20_000);
    let p = picture(&s);
    let left = p.hosts[1].fence_margin_s.expect("known");
    assert!((38.0..44.0).contains(&left), "{left}");
    let fence = p.hosts[1].fence.as_ref().expect("told");
    assert!(fence.health >= Health::Degraded && fence.advice.contains("dm-3") && fence.text.contains("xcp2"), "{fence:?}");
    assert!(fence.warnings.iter().any(|w| w.contains("dump")), "{fence:?}");
    for host in [0, 2] {
        let reason = p.hosts[host].gate.reasons.iter().find(|r| r.code == "fence-near").expect("a reason");
        assert_eq!((reason.severity, p.hosts[host].gate.state), (Severity::Hard, GateState::Closed));
        assert!(reason.text.contains("xcp2"), "{reason:?}");
    }
    let alert = p.alerts.iter().find(|a| a.name == "fence-near").expect("an alert");
    assert!(alert.text.contains("Do: ") && alert.still_true == Some(true), "{alert:?}");
    // Counted on between two reports, as time passes.
    s.now += 5.0;
    let later = picture(&s).hosts[1].fence_margin_s.expect("still known");
    assert!((left - later - 5.0).abs() < 0.6, "{left} {later}");
    // And over when it writes again.
    all(&mut s, 0, 0);
    s.now += 1.5;
    s.answers();
    let p = picture(&s);
    assert!(p.alerts.iter().any(|a| a.name == "fence-passed"));
    assert_eq!(p.alerts.iter().find(|a| a.name == "fence-near").and_then(|a| a.still_true), Some(false));
}

#[test]
fn a_probe_that_falls_silent_leaves_no_margin_that_looks_fresh() {
    let mut s = Scene::new(3);
    all(&mut s, 2, 20_000);
    s.now += 20.0;
    s.answers();
    tell(&mut s, 2, Probed::Failed { why: "no answer".into() });
    let p = picture(&s);
    assert_eq!(p.hosts[1].fence_margin_s, None);
    assert!(
        p.hosts[1].fence.as_ref().is_some_and(|f| f.health == Health::Pending && f.text.contains("20 s old")),
        "{:?}",
        p.hosts[1].fence
    );
    let mut s = Scene::new(3);
    tell(&mut s, 1, Probed::Absent);
    tell(&mut s, 2, Probed::Denied);
    let p = picture(&s);
    assert!(p.hosts.iter().all(|h| h.fence.is_none()) && p.clusters.iter().all(|c| c.stack != "o2cb"));
}

#[test]
fn a_fence_that_comes_and_what_to_do_fit_into_three_short_lines() {
    let mut s = Scene::new(3);
    all(&mut s, 0, 0);
    s.now += 20.0;
    s.answers();
    all(&mut s, 2, 20_000);
    let p = picture(&s);
    let reason = p.hosts[0].gate.reasons.iter().find(|r| r.code == "fence-near").expect("a reason");
    // 80 columns less the answer on the first line and the margin on the others.
    assert!(reason.text.contains("Do: ") && reason.text.chars().count() <= 70 + 2 * 68, "{}", reason.text);
    assert!(reason.evidence.contains("O2CB_HEARTBEAT_THRESHOLD"), "the rest stands with the evidence: {}", reason.evidence);
}

#[test]
fn why_a_host_has_no_report_is_known_and_what_to_do_about_it() {
    let mut s = Scene::new(3);
    let standing = |s: &Scene, n: u8| s.pool.probe_of(&r(&format!("h{n}"))).1;
    assert_eq!(standing(&s, 1), Standing::NotAsked);
    tell(&mut s, 1, Probed::Absent);
    tell(&mut s, 2, Probed::Denied);
    tell(&mut s, 3, Probed::Failed { why: "a plugin \u{1b}[31mraised".into() });
    assert!(standing(&s, 1).words().1.contains("docs/probe.md"));
    assert!(standing(&s, 2).words().0.contains("pool-admin"));
    assert!(standing(&s, 3).words().0.contains("raised") && !standing(&s, 3).words().0.contains('\u{1b}'));
    let now = s.now;
    tell(&mut s, 3, report(Some(live(3, 3, 700, now)), vec![], now));
    assert_eq!(standing(&s, 3), Standing::Reports);
    tell(&mut s, 3, Probed::Failed { why: "no answer".into() });
    assert!(matches!(standing(&s, 3), Standing::Failed(_)), "though its last report still counts");
    assert!(picture(&s).hosts[2].fence.is_some());
}

#[test]
fn the_budget_has_the_values_that_the_kernel_has() {
    use crate::pool::budget::Known as How;
    let mut s = Scene::new(3);
    all(&mut s, 0, 0);
    let rows = picture(&s).budget.rows;
    let row = rows.iter().find(|row| row.who == "o2cb" && row.what.starts_with("fences the host that cannot")).expect("a row");
    assert_eq!((row.known, row.at_s), (How::Probe, 60.0), "{row:?}");
    assert_eq!(s.pool.heartbeats(&r("h1"), t(s.now)).len(), 1, "and its heartbeat is shown against that");
}

#[test]
fn a_node_without_heartbeat_is_dead_by_the_eyes_of_the_others() {
    let mut s = Scene::new(3);
    let now = s.now;
    for n in [1, 2] {
        let mut seen = live(n, 3, 700, now);
        seen.live_nodes = Known::Yes(nodes(2));
        tell(&mut s, n, report(Some(seen), vec![], now));
    }
    let p = picture(&s);
    let cluster = p.clusters.iter().find(|c| c.stack == "o2cb").expect("a cluster");
    assert_eq!(cluster.members[2].state, "dead");
    assert_eq!(cluster.members[2].host, "xcp3", "by its name as a node");
}

#[test]
fn a_mirror_that_only_a_host_sees_closes_the_gate_once_for_all_who_tell_of_it() {
    let one = |work, progress| Rebuild {
        teller: Teller::Drbd,
        resource: "xcp-volume-1\u{1b}".into(),
        volume: Some(0),
        work,
        progress,
        eta_secs: Some(120),
        redundancy_lost: true,
        copies: Some((1, 2)),
        nodes: vec!["xcp1".into(), "witness".into()],
        target: Some("witness".into()),
        note: None,
    };
    let mut s = Scene::new(3);
    let now = s.now;
    tell(&mut s, 1, report(None, vec![one(Work::Missing, None)], now));
    tell(&mut s, 2, report(None, vec![one(Work::Running, Some(0.42))], now));
    let p = picture(&s);
    assert_eq!(p.rebuilds.len(), 1);
    let shown = &p.rebuilds[0];
    assert_eq!((shown.progress, shown.source.as_str()), (Some(0.42), "probe on xcp2"));
    assert!(!shown.sr.contains('\u{1b}') && shown.text.contains("witness"), "{shown:?}");
    let reason = p.hosts[0].gate.reasons.iter().find(|r| r.code == "rebuild").expect("a reason");
    assert!(reason.text.contains("42 %") && reason.until.is_some(), "{reason:?}");
    assert_eq!(p.hosts[2].gate.state, GateState::Closed);
    // A report that is too old proves nothing any more, and is not shown as if it did.
    s.now += 50.0;
    s.answers();
    assert!(picture(&s).rebuilds.is_empty());
}

#[test]
fn who_would_die_is_told_from_what_the_probes_see() {
    let mut s = Scene::new(3);
    assert!(s.pool.who_would_die(t(s.now)).is_empty(), "nothing is known without a probe");
    all(&mut s, 0, 0);
    let told = s.pool.who_would_die(t(s.now));
    let link = told.iter().find(|p| p.fault == "xcp1 loses its network").expect("a fault");
    assert!(link.health == Health::Degraded && link.outcome[0].starts_with("xcp1 fences itself after"), "{link:?}");
    let power = told.iter().find(|p| p.fault == "xcp2 loses power").expect("a fault");
    assert_eq!((power.health, power.outcome[0].as_str()), (Health::Good, "Nobody fences."));
    let late = told.iter().find(|p| p.fault.starts_with("all storage of xcp3 stalls")).expect("a fault");
    assert!(late.outcome[0].contains("xcp3 fences itself"), "{late:?}");
}

#[test]
fn what_the_ha_daemon_and_the_sessions_are_set_to_is_the_budget_and_its_statefile_a_heartbeat() {
    use crate::pool::budget::Known as How;
    use crate::pool::heartbeats::HeartbeatKind;
    use crate::probe::report::Xha;
    use crate::probe::timeouts::{Iscsi, Timeouts, Xhad};
    use crate::probe::xha::{Host, Liveset};
    use crate::xenapi::record::{Config, Pbd, Pool as PoolRecord, Record, Sr};
    let mut s = Scene::new(2);
    let own = PoolRecord { master: r("h1"), ha_enabled: true, ha_cluster_stack: "xhad".into(), ..PoolRecord::default() };
    s.set("pool", Record::Pool(own));
    s.set("sr", Record::Sr(Sr { name_label: "lun".into(), r#type: "lvmoiscsi".into(), shared: true, ..Sr::default() }));
    let pbd = Pbd {
        device_config: Config::from([("targetIQN", "iqn.a")]),
        other_config: Config::from([("multipathed", "true"), ("mpath-3600a", "[2, 2]")]),
        ..crate::pool::scene::pbd(1, true)
    };
    s.set("p1", Record::Pbd(pbd));
    let Probed::Report(mut told) = report(None, vec![], s.now) else { panic!("a report") };
    let iscsi = |target: &str, replacement_s| Iscsi {
        target: target.into(),
        replacement_s: Some(replacement_s),
        ping_every_s: Some(5),
        ping_wait_s: Some(10),
        ..Iscsi::default()
    };
    let xhad = Xhad { heartbeat_s: Some(90), statefile_s: Some(100), statefile_watchdog_s: Some(115), ..Xhad::default() };
    let all = Timeouts { iscsi: vec![iscsi("iqn.a", 20), iscsi("iqn.other", 500)], xhad: Some(xhad), ..Timeouts::default() };
    told.timeouts = Section::of("x", None, t(s.now), Known::Yes(all));
    let me = Host { id: "00000000-0000-0000-0000-000000000001".into(), since_state_file_ms: Some(70_000), ..Host::default() };
    let liveset = Some(Liveset { status: None, hosts: vec![me] });
    told.xha = Section::of("x", None, t(s.now), Known::Yes(Xha { lines: vec![], liveset }));
    tell(&mut s, 1, Probed::Report(told));
    let p = picture(&s);
    assert_eq!((p.budget.fence_s, p.budget.lease.dead_after_s), (Some(90.0), Some(115.0)));
    let row = |what: &str| p.budget.rows.iter().find(|row| row.what.contains(what)).cloned().expect("a row");
    let moved = row("its I/O moved");
    assert!((moved.at_s - 35.0).abs() < 0.5 && moved.known == How::Probe, "that of the storage's own target: {moved:?}");
    assert_eq!((row("fences the host that lost").known, row("resets the host").known), (How::Probe, How::Probe));
    assert!((p.hosts[0].failover.as_ref().expect("a fail-over").noticed_s - 35.0).abs() < 0.1);
    assert_eq!(p.hosts[0].xhad.as_deref(), Some("0 of 1 hosts in the live set; statefile written 70 s ago"));
    let beat = &p.hosts[0].heartbeats[0];
    assert_eq!((beat.kind, beat.now_s), (HeartbeatKind::HaStatefile, Some(70.0)));
    assert!(
        p.hosts[1].gate.reasons.iter().any(|x| x.code == "heartbeat-slow" || x.code == "fence-near"),
        "{:?}",
        p.hosts[1].gate
    );
}

#[test]
fn a_margin_with_names_of_nodes_comes_through_json() {
    let Probed::Report(mut told) = report(Some(live(1, 3, 700, 0.0)), vec![], 0.0) else { panic!("a report") };
    let Known::Yes(o2cb) = &mut told.o2cb.found else { panic!("o2cb") };
    o2cb.margin.reason = crate::o2cb::margin::Reason::PeersSilent { silent: [2, 3].into() };
    o2cb.margin.names = vec![(2, "xcp2".into()), (3, "xcp3".into())];
    let said = serde_json::to_string(&told).expect("JSON");
    let again = crate::feed::decode::report(&said).expect("a report");
    let margin = &again.o2cb.get().expect("o2cb").margin;
    assert_eq!(margin.names.len(), 2);
    assert!(margin.to_string().ends_with("xcp2 and xcp3 are silent, this node keeps the quorum"), "{margin}");
    assert!(margin.advice().is_some_and(|advice| advice.contains("look at xcp2 and xcp3: dead, or about to fence themselves")));
}
