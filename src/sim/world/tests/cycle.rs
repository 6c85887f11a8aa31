//! A host disabled, emptied, rebooted and resynced, as a client sees it; in both dialects.

use super::*;

fn cycle(dialect: Dialect) {
    let mut rig = Rig::new(dialect);
    let b = rig.host("b");
    assert_eq!(code(rig.on("reboot", "b")), "HOST_NOT_DISABLED");
    assert!(!rig.may_reboot("b"));
    rig.on("disable", "b").unwrap();
    assert!(rig.may_reboot("b") && !rig.enabled("b"));

    let before = rig.guests_of("b");
    assert!(before > 0);
    let task = match rig.call("Async.host.evacuate", [Value::Ref(b.clone())]) {
        Ok(Value::Ref(task)) => task,
        other => panic!("{other:?}"),
    };
    rig.run(0.5);
    let current = format!("{:?}", rig.db().map(&b, "current_operations"));
    assert!(current.contains("evacuate") && current.contains(task.as_str()), "{current}");
    assert!(
        rig.db()
            .refs_of("task")
            .any(|t| rig.db().text(t, "name_label") == "Async.VM.pool_migrate" && rig.db().reference(t, "subtask_of") == task)
    );
    rig.until(300, "evacuated", |r| r.db().text(&task, "status") == "success");
    assert_eq!(rig.guests_of("b"), 0);
    assert_eq!(rig.messages("VM_MIGRATED").len(), before);
    rig.check_invariants();

    let boot = rig.db().map_get(&b, "other_config", "boot_time").unwrap().to_owned();
    assert!(boot.ends_with('.'), "an OCaml float");
    rig.on("reboot", "b").unwrap();
    assert!(format!("{:?}", rig.db().map(&b, "current_operations")).contains("shutdown"), "a reboot shows as shutdown");
    assert!(rig.live("b"));
    let down = rig.until(30, "down", |r| !r.live("b"));
    assert!((9.0..11.0).contains(&down), "10 s after the call: {down}");
    let pbds = rig.db().refs(&b, "PBDs");
    assert!(pbds.iter().all(|p| !rig.db().boolean(p, "currently_attached")));
    assert_eq!(rig.world.door(HostIx(1)), crate::sim::api::Door::Refused);
    rig.until(120, "live again", |r| r.live("b"));
    assert!(!rig.enabled("b"));
    assert!(pbds.iter().all(|p| !rig.db().boolean(p, "currently_attached")), "storage comes after hello");
    assert_ne!(rig.db().map_get(&b, "other_config", "boot_time").unwrap(), boot);
    rig.until(60, "enabled again", |r| r.up("b"));
    assert!(pbds.iter().all(|p| rig.db().boolean(p, "currently_attached")));

    rig.until(60, "rebuild seen", |r| r.task("SR Recovering").is_some());
    rig.on("disable", "c").unwrap();
    let refused = if dialect == Dialect::Designed { "MIRROR_REBUILD_IN_PROGRESS" } else { "CLUSTERED_SR_DEGRADED" };
    assert!(!rig.may_reboot("c"));
    assert_eq!(code(rig.on("reboot", "c")), refused);
    rig.until(900, "rebuild over", |r| r.task("SR Recovering").is_none());
    assert!(rig.may_reboot("c"));
    assert!(rig.world.harms().is_empty(), "{:?}", rig.world.harms());
    rig.check_invariants();
}

#[test]
fn a_whole_cycle_as_designed() {
    cycle(Dialect::Designed);
}

#[test]
fn a_whole_cycle_as_shipped() {
    cycle(Dialect::Shipped);
}

#[test]
fn the_coordinator_reboots_too_and_its_sessions_and_tasks_are_gone() {
    let mut rig = Rig::new(Dialect::Designed);
    rig.on("disable", "a").unwrap();
    rig.on("evacuate", "a").unwrap();
    rig.on("reboot", "a").unwrap();
    rig.until(20, "door closed", |r| r.world.door(HostIx(0)) == crate::sim::api::Door::Refused);
    rig.until(120, "door open", |r| r.world.door(HostIx(0)) == crate::sim::api::Door::Open);
    rig.run(8.0);
    assert_eq!(code(rig.call("pool.get_all", [])), "SESSION_INVALID");
    rig.login();
    rig.until(60, "enabled", |r| r.up("a"));
    assert!(rig.world.harms().is_empty());
    assert!(rig.db().map(&rig.host("a"), "current_operations").is_empty());
}

#[test]
fn what_is_left_on_a_host_that_goes_down_is_moved_first() {
    let mut rig = Rig::new(Dialect::Designed);
    rig.on("disable", "b").unwrap();
    assert!(rig.guests_of("b") > 0);
    rig.on("reboot", "b").unwrap();
    rig.until(300, "down", |r| !r.live("b"));
    assert!(rig.world.harms().is_empty(), "xapi evacuates at shutdown: {:?}", rig.world.harms());
    assert_eq!(rig.guests_of("b"), 0);
}

#[test]
fn a_shut_down_host_stays_down_until_it_is_powered_on() {
    let mut rig = Rig::new(Dialect::Designed);
    rig.on("disable", "b").unwrap();
    rig.on("evacuate", "b").unwrap();
    rig.on("shutdown", "b").unwrap();
    rig.until(30, "down", |r| !r.live("b"));
    rig.run(600.0);
    assert!(!rig.live("b"));
    assert_eq!(code(rig.on("disable", "b")), "HOST_OFFLINE");
    assert!(rig.ops("b").contains(&"power_on".to_owned()));
    rig.on("power_on", "b").unwrap();
    rig.until(180, "back", |r| r.up("b"));
    assert_eq!(code(rig.on("power_on", "b")), "HOST_IS_LIVE");
}

#[test]
fn disabling_without_auto_enable_survives_a_reboot() {
    let mut rig = Rig::new(Dialect::Shipped);
    let b = rig.host("b");
    rig.call("host.disable", [Value::Ref(b), false.into()]).unwrap();
    rig.on("evacuate", "b").unwrap();
    rig.on("reboot", "b").unwrap();
    rig.until(30, "down", |r| !r.live("b"));
    rig.run(200.0);
    assert!(rig.live("b") && !rig.enabled("b"));
    rig.on("enable", "b").unwrap();
    assert!(rig.enabled("b"));
}

#[test]
fn another_operation_in_the_way_delays_a_reboot() {
    let mut rig = Rig::new(Dialect::Designed);
    rig.on("disable", "b").unwrap();
    let b = rig.host("b");
    rig.call("Async.host.apply_updates", [Value::Ref(b.clone()), "".into()]).unwrap();
    rig.on("evacuate", "b").unwrap();
    let Ok(Value::Ref(update)) = rig.call("Async.host.apply_updates", [Value::Ref(b.clone()), "".into()]) else { panic!() };
    let Ok(Value::Ref(reboot)) = rig.call("Async.host.reboot", [Value::Ref(b.clone())]) else { panic!() };
    rig.run(5.0);
    assert_eq!(rig.db().text(&reboot, "status"), "pending");
    rig.until(200, "updated", |r| r.db().text(&update, "status") == "success");
    assert_eq!(code(rig.on("enable", "b")), "HOST_PENDING_MANDATORY_GUIDANCE_NOT_EMPTY");
    let version = rig.db().map_get(&b, "software_version", "product_version").unwrap().to_owned();
    rig.until(60, "rebooting", |r| r.db().text(&reboot, "status") == "success");
    rig.until(300, "back", |r| r.up("b"));
    assert_ne!(rig.db().map_get(&b, "software_version", "product_version").unwrap(), version);
}
