//! Budgets of made-up pools: what is in order and what is not.

use super::*;
use crate::pool::scene::Scene;
use crate::probe::multipath::Queueing;
use crate::xenapi::record::{Cluster, Config, Pbd, Pool as PoolRecord, Record, Ref, Sr};

fn storage(transport: Transport, multipath: bool) -> Storage {
    Storage { transport, multipath, srs: vec!["sr".into()], queue: None, waits: None }
}

fn ha(timeout_s: f64) -> Ha {
    Ha { stack: "xhad".into(), timeout_s, watchdog_s: None, known: Known::Told, from: "pool.ha_configuration:timeout" }
}

fn problems(facts: &Facts) -> Vec<String> {
    budget(facts).problems().map(|row| format!("{} {:.0}", row.who, row.at_s)).collect()
}

#[test]
fn iscsi_without_multipath_is_given_up_long_after_the_fence() {
    let facts = Facts { ha: Some(ha(60.0)), storage: vec![storage(Transport::Iscsi, false)], ..Facts::default() };
    let budget = budget(&facts);
    assert_eq!((budget.fence_s, budget.pause_s, budget.fence_by.as_str()), (Some(60.0), Some(15.0), "HA (xhad)"));
    let bad: Vec<&Row> = budget.problems().collect();
    assert_eq!(bad.len(), 1);
    assert!(bad[0].at_s > 150.0 && bad[0].mend.contains("multipathing=true"), "{bad:?}");
    // Without any fence it is still too late for Windows guests.
    assert_eq!(problems(&Facts { ha: None, ..facts }), ["iSCSI 154"]);
}

#[test]
fn multipath_moves_a_path_in_time_but_losing_all_fences_first_unless_ha_waits_longer() {
    let at = |timeout| Facts { ha: Some(ha(timeout)), storage: vec![storage(Transport::Iscsi, true)], ..Facts::default() };
    assert_eq!(problems(&at(60.0)), ["iSCSI + multipath 75"]);
    assert_eq!(problems(&at(120.0)), Vec::<String>::new());
    let fibre = Facts { ha: Some(ha(60.0)), storage: vec![storage(Transport::Fibre, true)], ..Facts::default() };
    assert_eq!(problems(&fibre), Vec::<String>::new());
}

#[test]
fn thousands_of_devices_are_a_risk_of_their_own() {
    let facts = Facts { ha: Some(ha(60.0)), devices: 2_000, storage: vec![storage(Transport::Iscsi, true)], ..Facts::default() };
    let budget = budget(&facts);
    let moved = budget.rows.iter().find(|row| row.what.contains("is given up")).expect("a row");
    assert!((moved.at_s - 105.0).abs() < 0.1 && moved.known == Known::Computed, "{moved:?}");
    assert!(moved.mend.contains("fewer LUNs"), "{moved:?}");
}

#[test]
fn xhad_must_wait_until_o2cb_has_decided() {
    let at = |timeout| Facts { ha: Some(ha(timeout)), o2cb: true, ..Facts::default() };
    assert_eq!(problems(&at(60.0)), ["HA (xhad) 60"]);
    assert_eq!(problems(&at(300.0)), Vec::<String>::new());
    let budget = budget(&at(300.0));
    assert_eq!((budget.fence_s, budget.fence_by.as_str()), (Some(60.0), "o2cb"));
    assert!(budget.rows.iter().any(|row| row.who == "o2cb" && row.known == Known::Default));
}

#[test]
fn what_a_probe_reads_of_multipath_takes_the_place_of_the_default() {
    let with = |queueing| {
        let queue = Some(Queue { queueing, check_s: 5.0, check_told: false, of: "3600a on xcp1".into() });
        let storage = Storage { queue, ..storage(Transport::Iscsi, true) };
        budget(&Facts { ha: Some(ha(60.0)), storage: vec![storage], ..Facts::default() })
    };
    let row = |budget: &Budget| budget.rows.iter().find(|row| row.what.starts_with("with no path left")).expect("a row").clone();
    let short = row(&with(Queueing::Retries(4)));
    assert_eq!((short.at_s, short.known, short.problem.as_str()), (45.0, Known::Probe, ""));
    assert!(row(&with(Queueing::Retries(10))).problem.contains("fences the host at 60 s already"));
    assert!(row(&with(Queueing::On)).problem.contains("never gives up"));
    assert!(row(&with(Queueing::Off)).what.contains("at once"));
}

#[test]
fn rows_are_in_the_order_of_time_and_a_problem_says_what_to_do() {
    let facts = Facts {
        o2cb_told: O2cbTold::default(),
        ha: Some(ha(20.0)),
        o2cb: true,
        corosync: vec![Corosync { token_s: 22.0, told: true, members: 4 }],
        storage: vec![storage(Transport::Nfs, false), storage(Transport::Iscsi, false), storage(Transport::Fibre, true)],
        devices: 64,
        guests: 100,
        skew_s: Some(1.0),
    };
    let budget = budget(&facts);
    assert!(budget.rows.is_sorted_by(|a, b| a.at_s <= b.at_s));
    assert!(budget.problems().count() >= 4);
    for row in &budget.rows {
        assert_eq!(row.problem.is_empty(), row.mend.is_empty(), "{row:?}");
        assert!(row.at_s.is_finite() && !row.who.is_empty() && !row.what.is_empty() && !row.from.is_empty(), "{row:?}");
    }
}

#[test]
fn the_pools_own_values_are_taken_where_it_tells_them() {
    let mut scene = Scene::new(3);
    let own = PoolRecord {
        name_label: "prod".into(),
        master: "h1".into(),
        ha_enabled: true,
        ha_cluster_stack: "xhad".into(),
        ha_configuration: Config::from([("timeout", "120")]),
        ..PoolRecord::default()
    };
    scene.set("pool", Record::Pool(own.clone()));
    scene.set("lun", Record::Sr(Sr { name_label: "lun1".into(), r#type: "lvmoiscsi".into(), shared: true, ..Sr::default() }));
    for n in 1..=3 {
        let pairs: &[(&str, &str)] = if n == 3 { &[] } else { &[("multipathed", "true")] };
        let map: std::collections::BTreeMap<_, _> = pairs.iter().copied().collect();
        scene.set(
            &format!("lun-p{n}"),
            Record::Pbd(Pbd {
                host: format!("h{n}").as_str().into(),
                sr: "lun".into(),
                currently_attached: true,
                other_config: serde_json::from_value(serde_json::json!(map)).expect("a map"),
                ..Pbd::default()
            }),
        );
    }
    let members: Vec<Ref> = (0..5).map(|n| Ref::from(format!("c{n}").as_str())).collect();
    scene.set(
        "cluster",
        Record::Cluster(Cluster {
            cluster_stack: "corosync".into(),
            cluster_hosts: members,
            token_timeout: 20.0,
            token_timeout_coefficient: 1.0,
            ..Cluster::default()
        }),
    );
    let budget = scene.picture().budget;
    let find = |who: &str, what: &str| {
        let row = budget.rows.iter().find(|row| row.who == who && row.what.contains(what));
        row.unwrap_or_else(|| panic!("no {who} {what} in {:#?}", budget.rows)).clone()
    };
    let fence = find("HA (xhad)", "fences");
    assert_eq!((fence.at_s, fence.known, fence.from.as_str()), (120.0, Known::Told, "pool.ha_configuration:timeout"));
    assert_eq!((find("corosync", "token").at_s, find("corosync", "token").known), (23.0, Known::Told));
    assert!(find("iSCSI", "session is given up").what.contains("lun1 (on xcp3)"));
    assert!(find("iSCSI + multipath", "moved").what.contains("lun1 (on xcp1"));
    assert_eq!(budget.lease.dead_after_s, Some(135.0));

    // What cannot be read is not known, and the default is said to be one.
    for broken in ["", "soon", "-5", "NaN", "inf", "1e300"] {
        scene.set("pool", Record::Pool(PoolRecord { ha_configuration: Config::from([("timeout", broken)]), ..own.clone() }));
        let budget = scene.picture().budget;
        let fence = budget.rows.iter().find(|row| row.what.starts_with("fences")).expect("HA");
        assert_eq!((fence.at_s, fence.known), (60.0, Known::Default), "{broken}");
    }
}

#[test]
fn a_pool_that_is_not_known_has_no_budget() {
    assert_eq!(Scene::empty().picture().budget, Budget::default());
}

#[test]
fn what_the_probes_read_takes_the_place_of_what_is_assumed_and_what_never_ends_is_flagged() {
    let waits = |notices_s, gives_up_s| Some(Waits { notices_s, gives_up_s, of: "noop 5 + 10: iqn.a on xcp1".into() });
    let of = |waits, queue| {
        let storage = Storage { queue, waits, ..storage(Transport::Iscsi, true) };
        budget(&Facts { storage: vec![storage], ha: Some(ha(60.0)), ..Facts::default() })
    };
    let find = |budget: &Budget, what: &str| budget.rows.iter().find(|row| row.what.contains(what)).cloned();
    let told = of(waits(Some(15.0), Some(30.0)), None);
    let moved = find(&told, "its I/O moved").expect("a row");
    assert_eq!((moved.at_s, moved.known, moved.from.as_str()), (30.0, Known::Probe, "noop 5 + 10: iqn.a on xcp1"));
    let ping = find(&told, "the ping is missed").expect("a row");
    assert_eq!((ping.at_s, ping.known), (15.0, Known::Probe));
    let late = find(&of(waits(Some(10.0), Some(130.0)), None), "its I/O moved").expect("a row");
    assert!(late.problem.contains("fences at 60 s") && !late.mend.is_empty(), "{late:?}");
    let never = find(&of(waits(Some(10.0), None), None), "without end").expect("a row");
    assert!(never.problem.contains("hangs") && never.mend.contains("replacement_timeout"), "{never:?}");
    let deaf = of(waits(None, Some(45.0)), None);
    assert!(find(&deaf, "the ping is missed").is_none());
    assert!(
        find(&deaf, "its I/O moved")
            .is_some_and(|row| row.problem.contains("never asked") && row.mend.contains("noop_out_interval"))
    );
    let queue = Queue { queueing: Queueing::Retries(12), check_s: 10.0, check_told: true, of: "m on xcp1".into() };
    let queued = find(&of(waits(Some(10.0), Some(25.0)), Some(queue)), "queueing ends").expect("a row");
    assert_eq!((queued.at_s, queued.from.as_str()), (145.0, "12 checks of 10 s: m on xcp1"));
}
