//! Faults that wait for their moment, other operators, and the truth that checkers look at.

use super::*;

fn truth(rig: &Rig, host: &str) -> HostTruth {
    rig.world.truth().hosts.into_iter().find(|h| h.name == host).unwrap()
}

fn empty(rig: &mut Rig, host: &str) {
    rig.on("disable", host).unwrap();
    rig.on("evacuate", host).unwrap();
}

#[test]
fn the_truth_says_why_a_host_is_away_and_the_deeds_who_did_it() {
    let mut rig = Rig::new(Dialect::Designed);
    assert!(truth(&rig, "b").in_step && rig.world.truth().away().next().is_none());
    empty(&mut rig, "b");
    rig.on("reboot", "b").unwrap();
    let b = truth(&rig, "b");
    assert!(b.leaving && b.guests.is_empty() && b.condition == Condition::Up);
    assert!(matches!(b.away, Some(Away { cause: Cause::Call { .. }, .. })));
    rig.fault("crash host=d");
    assert_eq!(truth(&rig, "d").away.unwrap().cause, Cause::Fault);
    let methods: Vec<&str> = rig.world.deeds().iter().map(|d| d.method.as_str()).collect();
    assert_eq!(methods, ["host.disable", "host.evacuate", "host.reboot"]);
    let reboot = rig.world.deeds().last().unwrap();
    assert_eq!((reboot.host, reboot.guests, reboot.others_away.len()), (Some(HostIx(1)), 0, 0));
    rig.until(40, "down", |r| truth(r, "b").condition < Condition::Starting);
    assert!(rig.world.truth().degraded && !truth(&rig, "b").in_step);
    rig.fault("power-on host=d");
    rig.until(200, "back", |r| r.up("b") && r.up("d"));
    assert_eq!(truth(&rig, "b").away, None);
    rig.until(900, "in step", |r| truth(r, "b").in_step && !r.world.truth().degraded);
}

#[test]
fn a_refused_call_is_no_deed_and_neither_is_reading() {
    let mut rig = Rig::new(Dialect::Designed);
    assert!(rig.on("reboot", "b").is_err());
    rig.on("get_vms_which_prevent_evacuation", "b").unwrap();
    assert!(rig.world.deeds().is_empty(), "{:?}", rig.world.deeds());
}

#[test]
fn a_broken_call_has_its_effect() {
    let mut rig = Rig::new(Dialect::Designed);
    rig.fault("break-call method=host.disable code=INTERNAL_ERROR");
    assert_eq!(code(rig.on("disable", "b")), "INTERNAL_ERROR");
    assert!(!rig.enabled("b"));
}

#[test]
fn a_migration_that_fails_leaves_an_evacuation_half_done() {
    let mut rig = Rig::new(Dialect::Designed);
    rig.on("disable", "b").unwrap();
    rig.fault("fail-move");
    assert_eq!(code(rig.on("evacuate", "b")), "VM_MIGRATE_FAILED");
    assert!(rig.guests_of("b") > 0);
    rig.check_invariants();
    rig.on("evacuate", "b").unwrap();
    assert_eq!(rig.guests_of("b"), 0);
}

#[test]
fn storage_that_is_not_plugged_does_not_keep_a_host_from_being_enabled_without_ha() {
    let mut rig = Rig::new(Dialect::Shipped);
    empty(&mut rig, "b");
    rig.fault("fail-plug host=b sr=san");
    rig.on("reboot", "b").unwrap();
    rig.until(200, "away", |r| !r.live("b"));
    rig.until(200, "back", |r| r.up("b"));
    assert_eq!(truth(&rig, "b").unplugged.len(), 1);
    let pbd = truth(&rig, "b").unplugged[0].clone();
    rig.call("PBD.plug", [Value::Ref(pbd)]).unwrap();
    assert!(truth(&rig, "b").unplugged.is_empty());
}

#[test]
fn a_boot_hangs_where_it_is_told_to_and_goes_on() {
    for (at, listens, live) in [("post", false, false), ("hello", true, false), ("storage", true, true), ("enable", true, true)] {
        let mut rig = Rig::new(Dialect::Designed);
        empty(&mut rig, "c");
        rig.fault(&format!("hang-boot host=c at={at}"));
        rig.on("reboot", "c").unwrap();
        rig.run(3600.0);
        let open = rig.world.door(HostIx(2)) == crate::sim::api::Door::Open;
        assert_eq!((open, rig.live("c"), rig.enabled("c")), (listens, live, false), "{at}");
        rig.fault("resume-boot host=c");
        rig.until(200, "up", |r| r.up("c"));
    }
    let mut rig = Rig::new(Dialect::Designed);
    empty(&mut rig, "c");
    rig.fault("slow-boot host=c by=600");
    rig.on("reboot", "c").unwrap();
    rig.until(30, "down", |r| !r.live("c"));
    assert!(rig.until(900, "back", |r| r.up("c")) > 600.0);
}

#[test]
fn a_database_goes_back_in_time() {
    let mut rig = Rig::new(Dialect::Designed);
    let pool = rig.db().pool().unwrap().clone();
    rig.fault("keep-database");
    rig.call("pool.add_to_other_config", [Value::Ref(pool.clone()), "claim".into(), "us".into()]).unwrap();
    let duplicate = rig.call("pool.add_to_other_config", [Value::Ref(pool.clone()), "claim".into(), "them".into()]);
    assert_eq!(code(duplicate), "MAP_DUPLICATE_KEY");
    let marker = rig.world.observe(Marker::default()).marker;
    rig.run(60.0);
    rig.fault("rewind-database");
    assert_eq!(rig.world.hears(), None);
    rig.until(60, "coordinator", |r| r.world.hears().is_some());
    assert_eq!(rig.db().map_get(&pool, "other_config", "claim"), None);
    assert!(rig.world.observe(marker).whole);
    rig.login();
    rig.until(60, "all well", |r| ["a", "b", "c", "d"].iter().all(|h| r.up(h)));
    rig.check_invariants();
    // What is not there is not missed.
    rig.call("pool.remove_from_other_config", [Value::Ref(pool), "claim".into()]).unwrap();
}

#[test]
fn another_operator_acts_in_a_session_of_their_own() {
    let mut rig = Rig::new(Dialect::Designed);
    rig.fault("operator does=disable host=c");
    assert!(!rig.enabled("c"));
    assert_eq!(rig.world.deeds().last().unwrap().originator, "another operator");
    rig.fault("operator does=set-key key=claim value=\"theirs now\"");
    let pool = rig.db().pool().unwrap().clone();
    assert_eq!(rig.db().map_get(&pool, "other_config", "claim"), Some("theirs now"));
    rig.fault("operator does=reboot host=d");
    rig.until(400, "down", |r| !r.live("d"));
    assert!(matches!(truth(&rig, "d").away.unwrap().cause, Cause::Call { originator, .. } if originator == "another operator"));
    let refused = rig.world.fault("operator does=reboot host=nobody".parse().unwrap());
    assert!(refused.unwrap_err().to_string().contains("no host called"));
}
