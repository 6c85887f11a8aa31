//! Pools of mixed versions, older xapis, HA's refusals, and guests that start by themselves.

use super::*;

fn updated(rig: &mut Rig, host: &str) {
    let params = [Value::Ref(rig.host(host)), "updater.py".into(), "update".into(), Value::Map([].into())];
    rig.call("host.call_plugin", params).unwrap();
    rig.on("disable", host).unwrap();
    rig.on("evacuate", host).unwrap();
    rig.until(900, "no rebuild", |r| r.may_reboot(host) || r.db().map_get(r.db().pool().unwrap(), "other_config", KEY).is_some());
    rig.on("reboot", host).unwrap();
    rig.until(60, "down", |r| !r.live(host) || r.world.hears().is_none());
}

const KEY: &str = "rolling_upgrade_in_progress";

fn mixed(rig: &Rig) -> bool {
    rig.db().map_get(rig.db().pool().unwrap(), "other_config", KEY).is_some()
}

#[test]
fn hosts_that_differ_make_a_rolling_upgrade_and_guests_do_not_go_back() {
    let mut rig = Rig::named("hotfix", Dialect::Designed, Overrides::default());
    assert!(!mixed(&rig));
    updated(&mut rig, "xcp1");
    rig.until(300, "up", |r| r.world.hears().is_some() && r.up("xcp1"));
    rig.login();
    assert!(mixed(&rig));
    assert!(rig.ops("xcp2").iter().all(|op| op == "evacuate" || op == "provision"), "{:?}", rig.ops("xcp2"));
    let vm =
        rig.db().refs(&rig.host("xcp2"), "resident_VMs").into_iter().find(|v| !rig.db().boolean(v, "is_control_domain")).unwrap();
    let ops = format!("{:?}", rig.db().set_of(&vm, "allowed_operations"));
    assert!(!ops.contains("snapshot") && ops.contains("pool_migrate"));
    let to = |rig: &Rig, host: &str| [Value::Ref(vm.clone()), Value::Ref(rig.host(host)), Value::Map([].into())];
    let there = to(&rig, "xcp1");
    rig.call("VM.pool_migrate", there).unwrap();
    let back = to(&rig, "xcp2");
    assert_eq!(code(rig.call("VM.pool_migrate", back)), "NOT_SUPPORTED_DURING_UPGRADE");
    assert_eq!(code(rig.call("pool.enable_ha", [Value::Set(vec![]), Value::Map([].into())])), "NOT_SUPPORTED_DURING_UPGRADE");
    let halted = rig.db().refs_of("VM").find(|v| rig.db().text(v, "power_state") == "Halted").unwrap().clone();
    let start = [Value::Ref(halted.clone()), Value::Ref(rig.host("xcp3")), false.into(), false.into()];
    assert_eq!(code(rig.call("VM.start_on", start)), "VM_HOST_INCOMPATIBLE_VERSION");
    rig.call("VM.start", [Value::Ref(halted.clone()), false.into(), false.into()]).unwrap();
    assert_eq!(rig.db().reference(&halted, "resident_on"), rig.host("xcp1"));
    // The coordinator cannot be emptied again: nobody else is new enough.
    rig.on("disable", "xcp1").unwrap();
    assert_eq!(code(rig.on("evacuate", "xcp1")), "NO_HOSTS_AVAILABLE");
    rig.on("enable", "xcp1").unwrap();
    for host in ["xcp2", "xcp3", "xcp4"] {
        rig.until(900, "rebuilt", |r| r.task("SR Recovering").is_none() && !r.world.truth().degraded);
        updated(&mut rig, host);
        rig.until(300, "up", |r| r.up(host));
    }
    assert!(!mixed(&rig), "all are alike again");
    assert!(rig.world.harms().is_empty());
}

#[test]
fn a_member_newer_than_its_coordinator_is_in_emergency() {
    let mut rig = Rig::named("hotfix", Dialect::Designed, Overrides::default());
    updated(&mut rig, "xcp2");
    rig.run(600.0);
    assert!(!rig.live("xcp2"));
    let call = Call { method: "host.get_all".into(), params: vec![rig.session.clone()] };
    match rig.world.call(HostIx(1), call) {
        Reply::Done(Err(f)) => {
            assert_eq!((f.code.as_str(), f.params), ("HOST_XAPI_VERSION_HIGHER_THAN_COORDINATOR", vec!["26.18".to_owned()]));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn older_xapis_know_fewer_arguments() {
    let old = PLAIN.replace("cluster = true", "versions = { xapi = \"1.249.26\", product = \"8.2.1\" }");
    let mut rig = Rig::of(&old, Dialect::Shipped);
    let b = Value::Ref(rig.host("b"));
    let failure = rig.call("Async.host.evacuate", [b.clone(), "OpaqueRef:NULL".into()]).unwrap_err();
    assert_eq!((failure.code.as_str(), failure.params[1].as_str()), ("MESSAGE_PARAMETER_COUNT_MISMATCH", "1"));
    assert_eq!(code(rig.call("host.disable", [b.clone(), false.into()])), "MESSAGE_PARAMETER_COUNT_MISMATCH");
    assert_eq!(code(rig.call("pool.check_update_readiness", [b.clone(), true.into()])), "MESSAGE_METHOD_UNKNOWN");
    rig.on("disable", "b").unwrap();
    rig.call("host.evacuate", [b]).unwrap();
    let middle = PLAIN.replace("cluster = true", "versions = { xapi = \"22.20\" }");
    let mut rig = Rig::of(&middle, Dialect::Shipped);
    let b = Value::Ref(rig.host("b"));
    rig.call("host.evacuate", [b.clone(), "OpaqueRef:NULL".into()]).unwrap();
    assert_eq!(code(rig.call("host.evacuate", [b, "OpaqueRef:NULL".into(), 3.into()])), "MESSAGE_PARAMETER_COUNT_MISMATCH");
}

#[test]
fn ha_keeps_its_configuration_and_says_what_it_cannot_do() {
    let mut rig = Rig::named("hotfix-xenserver", Dialect::Shipped, Overrides::default());
    let pool = rig.db().pool().unwrap().clone();
    assert!(rig.db().boolean(&pool, "ha_enabled"));
    let files = rig.db().set_of(&pool, "ha_statefiles").to_vec();
    let Value::Str(file) = &files[0] else { panic!() };
    let sr = rig.db().reference(&Ref::from(&**file), "SR");
    let blockers = rig.on("get_vms_which_prevent_evacuation", "xs2").unwrap();
    let blockers = format!("{blockers:?}");
    assert!(blockers.contains("HOST_EVACUATE_VM_NOT_HA_PROTECTED"), "{blockers}");
    rig.call("pool.disable_ha", []).unwrap();
    assert_eq!(code(rig.call("pool.disable_ha", [])), "HA_NOT_ENABLED");
    let tolerate = |rig: &mut Rig, n: i64| {
        let params = [Value::Ref(rig.db().pool().unwrap().clone()), n.into()];
        rig.call("pool.set_ha_host_failures_to_tolerate", params)
    };
    assert_eq!(code(tolerate(&mut rig, 7)), "HA_NO_PLAN");
    tolerate(&mut rig, 2).unwrap();
    rig.fault("crash host=xs3");
    let configuration = Value::Map([("timeout".into(), "120".into())].into());
    let enable = [Value::Set(vec![Value::Ref(sr)]), configuration];
    assert_eq!(code(rig.call("pool.enable_ha", enable.clone())), "CANNOT_CONTACT_HOST");
    rig.run(700.0);
    assert_eq!(code(rig.call("pool.enable_ha", enable.clone())), "HOST_OFFLINE");
    rig.fault("power-on host=xs3");
    rig.until(200, "back", |r| r.up("xs3"));
    rig.call("pool.enable_ha", enable).unwrap();
    assert_eq!(rig.db().map_get(&pool, "ha_configuration", "timeout"), Some("120"));
    assert_eq!(rig.db().int(&pool, "ha_host_failures_to_tolerate"), 2);
    assert_eq!(code(rig.on("disable", "xs2")), "HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN");
    tolerate(&mut rig, 1).unwrap();
    rig.on("disable", "xs2").unwrap();
}

#[test]
fn guests_start_by_themselves_only_where_the_pool_says_so() {
    for on in [true, false] {
        let mut rig = Rig::new(Dialect::Designed);
        let pool = rig.db().pool().unwrap().clone();
        let vm = rig
            .db()
            .refs(&rig.host("d"), "resident_VMs")
            .into_iter()
            .find(|v| !rig.db().boolean(v, "is_control_domain"))
            .unwrap();
        rig.call("VM.clean_shutdown", [Value::Ref(vm.clone())]).unwrap();
        if !on {
            rig.call("pool.remove_from_other_config", [Value::Ref(pool), "auto_poweron".into()]).unwrap();
        }
        rig.on("disable", "b").unwrap();
        rig.on("evacuate", "b").unwrap();
        rig.on("reboot", "b").unwrap();
        rig.until(30, "down", |r| !r.live("b"));
        rig.until(200, "up", |r| r.up("b"));
        rig.run(30.0);
        assert_eq!(rig.db().text(&vm, "power_state") == "Running", on);
    }
}
