//! Who is believed alive, and for how long.

use super::*;
use crate::sim::api::Door;

#[test]
fn without_ha_a_silent_host_stays_live_for_ten_minutes() {
    let mut rig = Rig::new(Dialect::Shipped);
    rig.fault("crash host=d");
    assert_eq!(rig.world.door(HostIx(3)), Door::Silent);
    assert_eq!(code(rig.on("disable", "d")), "CANNOT_CONTACT_HOST");
    let dead = rig.until(700, "declared dead", |r| !r.live("d"));
    assert!((565.0..=635.0).contains(&dead), "{dead}");
    assert_eq!(code(rig.on("disable", "d")), "HOST_OFFLINE");
    assert!(rig.enabled("d"), "enabled is not touched");
    rig.fault("power-on host=d");
    rig.until(120, "back", |r| r.live("d"));
    rig.until(60, "enabled", |r| r.up("d"));
}

#[test]
fn the_shipped_rule_does_not_see_a_dead_host_and_the_designed_one_does() {
    for (dialect, allowed) in [(Dialect::Shipped, true), (Dialect::Designed, false)] {
        let mut rig = Rig::new(dialect);
        rig.fault("crash host=d");
        rig.until(700, "declared dead", |r| !r.live("d"));
        rig.on("disable", "b").unwrap();
        assert_eq!(rig.may_reboot("b"), allowed, "{dialect:?}");
    }
}

#[test]
fn a_short_cut_is_never_noticed_and_a_long_one_is() {
    let mut rig = Rig::new(Dialect::Shipped);
    rig.fault("cut host=c");
    rig.run(300.0);
    rig.fault("heal host=c");
    rig.run(900.0);
    assert!(rig.live("c"));
    rig.fault("cut host=c");
    rig.until(700, "declared dead", |r| !r.live("c"));
    let guests = rig.guests_of("c");
    assert!(guests > 0, "its guests still run and xapi still has them there");
    rig.fault("heal host=c");
    rig.until(30, "heard again", |r| r.live("c"));
    assert_eq!(rig.guests_of("c"), guests);
    assert!(rig.world.harms().iter().all(|(_, h)| !matches!(h, Harm::GuestLost { .. })));
}

#[test]
fn a_coordinator_restart_gives_a_dead_host_ten_more_minutes() {
    let mut rig = Rig::new(Dialect::Shipped);
    rig.fault("crash host=d");
    rig.run(400.0);
    rig.fault("restart-toolstack");
    assert_eq!(rig.world.door(HostIx(0)), Door::Refused);
    rig.until(60, "open", |r| r.world.door(HostIx(0)) == Door::Open);
    rig.run(300.0);
    assert!(rig.live("d"), "not after 700 s");
    rig.until(400, "declared dead at last", |r| !r.live("d"));
}

#[test]
fn guests_of_a_host_that_died_start_again_when_it_is_back() {
    let mut rig = Rig::new(Dialect::Shipped);
    let guests = rig.guests_of("d");
    rig.fault("reset host=d");
    rig.until(120, "hello", |r| r.db().map_get(&r.host("d"), "other_config", "boot_time").unwrap() > "1795219200.");
    assert_eq!(rig.guests_of("d"), 0);
    rig.until(120, "guests again", |r| r.guests_of("d") == guests);
    assert!(rig.world.core.harmed(|h| matches!(h, Harm::GuestLost { host, .. } if host == "d")));
}

#[test]
fn a_toolstack_restart_on_a_member_looks_like_a_short_absence() {
    let mut rig = Rig::new(Dialect::Shipped);
    let agent = rig.db().map_get(&rig.host("c"), "other_config", "agent_start_time").unwrap().to_owned();
    let boot = rig.db().map_get(&rig.host("c"), "other_config", "boot_time").unwrap().to_owned();
    let guests = rig.guests_of("c");
    rig.on("restart_agent", "c").unwrap();
    assert!(!rig.live("c") && !rig.enabled("c"));
    rig.until(60, "back", |r| r.live("c") && r.up("c"));
    assert_ne!(rig.db().map_get(&rig.host("c"), "other_config", "agent_start_time").unwrap(), agent);
    assert_eq!(rig.db().map_get(&rig.host("c"), "other_config", "boot_time").unwrap(), boot);
    assert_eq!(rig.guests_of("c"), guests);
    assert!(rig.world.harms().is_empty());
}

fn with_ha() -> Rig {
    let mut rig = Rig::new(Dialect::Shipped);
    let san = rig.db().find("SR", "name_label", &"san".into()).unwrap();
    rig.call("pool.enable_ha", [Value::Set(vec![Value::Ref(san)]), Value::Map([].into())]).unwrap();
    rig
}

#[test]
fn with_ha_a_dead_host_is_declared_dead_and_its_protected_guests_start_elsewhere() {
    let mut rig = with_ha();
    let pool = rig.db().pool().unwrap().clone();
    assert!(rig.db().boolean(&pool, "ha_enabled"));
    assert_eq!(rig.db().map_get(&pool, "ha_configuration", "timeout"), Some("60"));
    assert_eq!(rig.db().set_of(&rig.host("b"), "ha_network_peers").len(), 4);
    let on_d = |r: &Rig| r.db().refs(&r.host("d"), "resident_VMs");
    let protected: Vec<Ref> = on_d(&rig).into_iter().filter(|v| rig.db().text(v, "ha_restart_priority") == "restart").collect();
    assert!(!protected.is_empty());
    rig.fault("crash host=d");
    let dead = rig.until(120, "declared dead", |r| !r.live("d"));
    assert!((60.0..=82.0).contains(&dead), "{dead}");
    assert_eq!(rig.messages("HA_HOST_FAILED").len(), 1);
    assert!(rig.db().set_of(&rig.host("d"), "ha_statefiles").is_empty());
    rig.until(60, "restarted", |r| protected.iter().all(|v| r.db().text(v, "power_state") == "Running"));
    assert!(protected.iter().all(|v| rig.db().reference(v, "resident_on") != rig.host("d")));
    rig.check_invariants();
}

#[test]
fn with_ha_a_host_that_is_cut_off_is_fenced() {
    let mut rig = with_ha();
    rig.fault("cut host=c");
    rig.until(120, "declared dead", |r| !r.live("c"));
    assert!(rig.world.core.harmed(|h| matches!(h, Harm::GuestLost { host, .. } if host == "c")), "its guests died with it");
    rig.run(120.0);
    assert!(!rig.live("c"), "it cannot come back while it is cut off");
    rig.fault("heal host=c");
    rig.until(120, "back", |r| r.up("c"));
    assert_eq!(rig.messages("HA_HOST_WAS_FENCED").len(), 1);
}

#[test]
fn with_ha_another_host_takes_over_from_a_dead_coordinator() {
    let mut rig = with_ha();
    rig.fault("crash host=a");
    rig.until(200, "a new coordinator", |r| r.db().reference(r.db().pool().unwrap(), "master") == r.host("b"));
    assert_eq!(code(rig.call("pool.get_all", [])), "SESSION_INVALID");
    rig.login();
    assert_eq!(rig.messages("POOL_MASTER_TRANSITION").len(), 1);
    assert!(!rig.live("a") && rig.live("b"));
    rig.fault("power-on host=a");
    rig.until(200, "back as a member", |r| r.up("a"));
    match rig
        .world
        .call(HostIx(0), Call { method: "session.login_with_password".into(), params: vec!["root".into(), "poolwatch".into()] })
    {
        Reply::Done(Err(f)) => assert_eq!((f.code.as_str(), f.params[0].as_str()), ("HOST_IS_SLAVE", "127.0.0.2")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn with_ha_an_orderly_reboot_is_not_a_failure() {
    let mut rig = with_ha();
    rig.on("disable", "c").unwrap();
    assert_eq!(code(rig.on("evacuate", "c")), "HOST_EVACUATE_VM_NOT_HA_PROTECTED");
    for vm in rig
        .db()
        .refs(&rig.host("c"), "resident_VMs")
        .into_iter()
        .filter(|v| !rig.db().boolean(v, "is_control_domain"))
        .collect::<Vec<_>>()
    {
        rig.call("VM.set_ha_restart_priority", [Value::Ref(vm), "restart".into()]).unwrap();
    }
    rig.on("evacuate", "c").unwrap();
    rig.on("reboot", "c").unwrap();
    rig.until(60, "down", |r| !r.live("c"));
    rig.until(120, "back", |r| r.up("c"));
    assert!(rig.messages("HA_HOST_FAILED").is_empty());
    assert_eq!(code(rig.call("pool.enable_ha", [Value::Set(Vec::new()), Value::Map([].into())])), "HA_IS_ENABLED");
    rig.call("pool.disable_ha", []).unwrap();
    assert_eq!(code(rig.call("pool.disable_ha", [])), "HA_NOT_ENABLED");
}

#[test]
fn another_coordinator_can_be_designated() {
    let mut rig = Rig::new(Dialect::Shipped);
    let c = rig.host("c");
    let task = rig.call("Async.pool.designate_new_master", [Value::Ref(c.clone())]);
    assert!(task.is_ok());
    rig.run(5.0);
    rig.until(60, "c answers", |r| r.world.core.coordinator == 2 && r.world.core.coordinator_up());
    rig.login();
    assert_eq!(rig.db().reference(rig.db().pool().unwrap(), "master"), c);
    rig.until(60, "all enabled", |r| ["a", "b", "c", "d"].iter().all(|h| r.enabled(h) && r.live(h)));
    assert!(rig.world.harms().is_empty());
}

#[test]
fn a_booting_member_waits_for_its_coordinator() {
    let mut rig = Rig::new(Dialect::Shipped);
    rig.fault("reset host=b");
    rig.fault("crash host=a");
    rig.run(120.0);
    let call = Call { method: "pool.get_all".into(), params: vec!["x".into()] };
    match rig.world.call(HostIx(1), call) {
        Reply::Done(Err(f)) => assert!(f.code == "HOST_STILL_BOOTING" && f.before_dispatch),
        other => panic!("{other:?}"),
    }
    rig.fault("power-on host=a");
    rig.until(200, "both are back", |r| r.world.core.coordinator_up() && r.up("a") && r.up("b"));
}
