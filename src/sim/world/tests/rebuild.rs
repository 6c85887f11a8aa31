//! Seed 1: how a rebuild shows, and what it forbids.

use super::*;

/// Host `b` has been away for a while and has just come back.
fn returned(dialect: Dialect) -> Rig {
    let mut rig = Rig::new(dialect);
    rig.fault("reset host=b");
    rig.until(120, "back", |r| r.up("b"));
    rig
}

#[test]
fn as_designed_a_task_shows_the_rebuild_with_progress_and_ends_well() {
    let mut rig = returned(Dialect::Designed);
    rig.until(30, "task", |r| r.task("SR Recovering").is_some());
    let task = rig.task("SR Recovering").unwrap();
    let sr = rig.db().find("SR", "name_label", &"mirrored".into()).unwrap();
    assert_eq!(rig.db().text(&task, "name_description"), sr.as_str());
    assert_eq!(rig.db().map_get(&sr, "sm_config", "mirror_state"), Some("rebuilding"));
    let mut last = 0.0;
    let mut moved = 0;
    while rig.db().text(&task, "status") == "pending" {
        let now = rig.db().float(&task, "progress");
        assert!((last..1.0).contains(&now), "{now} after {last}");
        moved += usize::from(now > last);
        last = now;
        rig.run(2.0);
    }
    assert!(moved > 3, "it moved {moved} times");
    assert_eq!(rig.db().text(&task, "status"), "success");
    rig.run(10.0);
    assert_eq!(rig.db().map_get(&sr, "sm_config", "mirror_state"), Some("healthy"));
}

#[test]
fn as_shipped_its_progress_stays_zero_and_the_task_vanishes() {
    let mut rig = returned(Dialect::Shipped);
    let task = rig.task("SR Recovering").expect("begins when the PBD is plugged");
    for _ in 0..40 {
        if !rig.db().exists(&task) {
            break;
        }
        assert!(rig.db().float(&task, "progress").abs() < 1e-9);
        rig.run(10.0);
    }
    assert!(!rig.db().exists(&task), "destroyed, with no final status");
}

#[test]
fn as_designed_only_hosts_with_a_pbd_are_blocked_and_as_shipped_all_are() {
    let text = PLAIN.replace("kind = \"linstor\"", "kind = \"linstor\"\nhosts = [\"a\", \"b\", \"c\"]");
    for (dialect, blocked) in [(Dialect::Designed, false), (Dialect::Shipped, true)] {
        let mut rig = Rig::of(&text, dialect);
        rig.fault("reset host=b");
        rig.until(150, "rebuild", |r| r.task("SR Recovering").is_some());
        rig.on("disable", "c").unwrap();
        rig.on("disable", "d").unwrap();
        assert!(!rig.may_reboot("c"));
        assert_eq!(!rig.may_reboot("d"), blocked, "{dialect:?}");
    }
}

#[test]
fn as_designed_a_host_on_its_way_down_blocks_the_others_at_once() {
    let mut rig = Rig::new(Dialect::Designed);
    for host in ["b", "c"] {
        rig.on("disable", host).unwrap();
        rig.on("evacuate", host).unwrap();
    }
    assert!(rig.may_reboot("b") && rig.may_reboot("c"));
    rig.on("reboot", "b").unwrap();
    assert!(!rig.may_reboot("c"), "from the call on");
    assert_eq!(code(rig.on("shutdown", "c")), "MIRROR_REBUILD_IN_PROGRESS");
    rig.until(30, "down", |r| !r.live("b"));
    assert!(!rig.may_reboot("c"), "while it is down");
}

#[test]
fn updates_are_blocked_as_shipped_and_not_as_designed() {
    for (dialect, allowed) in [(Dialect::Designed, true), (Dialect::Shipped, false)] {
        let mut rig = returned(dialect);
        rig.until(30, "task", |r| r.task("SR Recovering").is_some());
        rig.on("disable", "c").unwrap();
        assert_eq!(rig.ops("c").contains(&"apply_updates".to_owned()), allowed);
    }
}

#[test]
fn a_rebuild_can_start_late_and_silence_is_not_proof() {
    let mut rig = Rig::new(Dialect::Designed);
    rig.fault("late-rebuild by=60");
    rig.fault("reset host=b");
    rig.until(120, "back", |r| r.up("b"));
    rig.on("disable", "c").unwrap();
    assert!(rig.task("SR Recovering").is_none() && rig.may_reboot("c"), "a gap in which xapi sees nothing wrong");
    rig.until(90, "task at last", |r| r.task("SR Recovering").is_some());
    assert!(!rig.may_reboot("c"));

    let mut rig = Rig::new(Dialect::Shipped);
    rig.fault("late-rebuild by=60");
    rig.fault("reset host=b");
    rig.until(120, "back", |r| r.up("b"));
    rig.run(300.0);
    assert!(rig.task("SR Recovering").is_none(), "as shipped xapi only looks when the PBD is plugged");
}

#[test]
fn a_rebuild_stalls_goes_on_and_starts_over() {
    let mut rig = returned(Dialect::Designed);
    rig.until(30, "task", |r| r.task("SR Recovering").is_some());
    let task = rig.task("SR Recovering").unwrap();
    rig.run(10.0);
    rig.fault("stall-rebuild");
    rig.run(10.0);
    let stuck = rig.db().float(&task, "progress");
    assert!(stuck > 0.0);
    rig.run(600.0);
    assert!((rig.db().float(&task, "progress") - stuck).abs() < 1e-9);
    rig.fault("restart-rebuild");
    rig.run(10.0);
    assert!(rig.db().float(&task, "progress") < stuck);
    rig.fault("resume-rebuild sr=mirrored");
    rig.until(900, "over", |r| r.task("SR Recovering").is_none());
}

#[test]
fn longer_absence_means_a_longer_rebuild() {
    let length = |away: f64| {
        let mut rig = Rig::new(Dialect::Designed);
        rig.fault("crash host=b");
        rig.run(away);
        rig.fault("power-on host=b");
        rig.until(200, "task", |r| r.task("SR Recovering").is_some());
        rig.until(3000, "over", |r| r.task("SR Recovering").is_none())
    };
    let (short, long) = (length(10.0), length(200.0));
    assert!(long > short * 2.0, "{short} {long}");
}

#[test]
fn a_storage_cluster_larger_than_the_pool_is_a_source_of_the_same_rule() {
    let text = PLAIN.replace("start_s = 6.0", "start_s = 6.0, outside = [\"store-x\"]");
    let mut rig = Rig::of(&text, Dialect::Designed);
    rig.on("disable", "b").unwrap();
    let sr = rig.db().find("SR", "name_label", &"mirrored".into()).unwrap();
    assert!(rig.may_reboot("b"));
    rig.fault("node-offline node=store-x");
    rig.run(6.0);
    assert!(!rig.may_reboot("b"), "some node is offline");
    assert_eq!(rig.db().map_get(&sr, "sm_config", "nodes_offline"), Some("1"));
    assert_eq!(code(rig.on("reboot", "b")), "MIRROR_REBUILD_IN_PROGRESS");
    rig.fault("node-online node=store-x");
    rig.until(30, "somewhere rebuilding", |r| r.task("SR Recovering").is_some());
    assert!(!rig.may_reboot("b"));
    rig.until(300, "over", |r| r.task("SR Recovering").is_none());
    assert!(rig.may_reboot("b"));
    assert!(rig.world.fault("node-offline node=nobody".parse().unwrap()).unwrap_err().to_string().contains("store-x"));
}

#[test]
fn a_restart_of_the_coordinator_loses_the_task_and_only_the_designed_one_finds_it_again() {
    for (dialect, found) in [(Dialect::Designed, true), (Dialect::Shipped, false)] {
        let mut rig = Rig::new(dialect);
        rig.fault("crash host=b");
        rig.run(60.0);
        rig.fault("power-on host=b");
        rig.until(150, "task", |r| r.task("SR Recovering").is_some());
        rig.fault("stall-rebuild");
        rig.fault("restart-toolstack");
        rig.until(60, "up", |r| r.world.core.coordinator_up());
        rig.run(30.0);
        assert_eq!(rig.task("SR Recovering").is_some(), found, "{dialect:?}");
    }
}

#[test]
fn taking_a_second_host_down_during_a_rebuild_costs_data_and_is_noted() {
    let mut rig = returned(Dialect::Shipped);
    assert!(rig.world.core.harmed(|h| matches!(h, Harm::GuestLost { .. })));
    rig.fault("crash host=c");
    assert!(rig.world.core.harmed(|h| matches!(h, Harm::DiskLost { sr, .. } if sr == "mirrored")));
}

#[test]
fn in_rolling_upgrade_mode_the_field_never_lists_reboot_but_the_call_works() {
    let mut rig = Rig::new(Dialect::Shipped);
    let pool = rig.db().pool().unwrap().clone();
    rig.call("pool.add_to_other_config", [Value::Ref(pool), "rolling_upgrade_in_progress".into(), "true".into()]).unwrap();
    rig.on("disable", "b").unwrap();
    assert_eq!(rig.ops("b"), ["provision", "evacuate"]);
    rig.on("evacuate", "b").unwrap();
    rig.on("reboot", "b").unwrap();
    rig.until(30, "down", |r| !r.live("b"));
}
