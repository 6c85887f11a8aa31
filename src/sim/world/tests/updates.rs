//! Updates being installed, in the three ways that there are.

use super::*;

fn plugin(rig: &mut Rig, host: &str, function: &str, args: &[(&str, &str)]) -> Result<Value, Failure> {
    let map = Value::Map(args.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect());
    let params = [Value::Ref(rig.host(host)), "updater.py".into(), function.into(), map];
    rig.call("host.call_plugin", params)
}

fn text(value: Result<Value, Failure>) -> String {
    match value {
        Ok(Value::Str(text)) => text.to_string(),
        other => panic!("{other:?}"),
    }
}

fn version(rig: &Rig, host: &str, key: &str) -> String {
    rig.db().map_get(&rig.host(host), "software_version", key).unwrap_or_default().to_owned()
}

fn reboot(rig: &mut Rig, host: &str) {
    let boot = rig.db().map_get(&rig.host(host), "other_config", "boot_time").unwrap().to_owned();
    rig.on("reboot", host).unwrap();
    rig.until(300, "booted", |r| r.db().map_get(&r.host(host), "other_config", "boot_time") != Some(boot.as_str()));
    rig.until(300, "up", |r| r.up(host));
}

#[test]
fn xcp_ng_installs_by_its_plugin_and_shows_it_after_the_reboot() {
    let mut rig = Rig::named("hotfix", Dialect::Designed, Overrides::default());
    let listed = text(plugin(&mut rig, "xcp2", "check_update", &[]));
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed[0]["name"], "xen-hypervisor");
    assert_eq!((&listed[0]["version"], &listed[0]["release"]), (&"4.17.5".into(), &"12.1".into()));
    let before = text(plugin(&mut rig, "xcp2", "query_installed", &[("packages", "kernel")]));
    assert!(text(plugin(&mut rig, "xcp2", "get_proxies", &[])).contains("xcp-ng-base"));

    let b = rig.host("xcp2");
    let run = [Value::Ref(b.clone()), "updater.py".into(), "update".into(), Value::Map([].into())];
    let Ok(Value::Ref(task)) = rig.call("Async.host.call_plugin", run) else { panic!() };
    rig.run(10.0);
    assert_eq!(rig.db().text(&task, "status"), "pending");
    assert!(rig.db().refs_of("task").any(|t| rig.db().text(t, "name_label").starts_with("Update host xcp2 (")));
    let busy = plugin(&mut rig, "xcp2", "check_update", &[]).unwrap_err();
    assert_eq!((busy.code.as_str(), busy.params[0].as_str()), ("-1", "The updater plugin is busy (current operation: update)"));
    let busy = plugin(&mut rig, "xcp2", "update", &[]).unwrap_err();
    assert_eq!((busy.code.as_str(), busy.params[0].as_str()), ("-1", "Update already in progress"));
    assert!(rig.until(200, "installed", |r| r.db().text(&task, "status") == "success") > 60.0);
    assert!(rig.db().text(&task, "result").contains("returncode"));
    assert_eq!(text(plugin(&mut rig, "xcp2", "check_update", &[])), "[]");
    assert_ne!(text(plugin(&mut rig, "xcp2", "query_installed", &[("packages", "kernel")])), before);
    assert_eq!(rig.db().set_of(&b, "pending_guidances").len(), 0, "XCP-ng has none");
    assert_eq!(version(&rig, "xcp2", "xapi"), "26.17", "what runs is still the old one");
    assert!(rig.on("enable", "xcp2").is_ok());
    let said = text(plugin(&mut rig, "xcp2", "update", &[]));
    assert!(said.contains("\"returncode\":0"), "nothing to do is no failure: {said}");
}

#[test]
fn an_update_fails_or_the_updater_is_held_and_then_it_works() {
    let mut rig = Rig::named("hotfix", Dialect::Designed, Overrides::default());
    rig.fault("busy-updater host=xcp1 by=30");
    assert_eq!(code(plugin(&mut rig, "xcp1", "update", &[])), "-1");
    rig.run(31.0);
    rig.fault("fail-update host=xcp1");
    assert_eq!(code(plugin(&mut rig, "xcp1", "update", &[])), "1", "yum's exit status");
    assert_ne!(text(plugin(&mut rig, "xcp1", "check_update", &[])), "[]");
    plugin(&mut rig, "xcp1", "update", &[]).unwrap();
    assert_eq!(text(plugin(&mut rig, "xcp1", "check_update", &[])), "[]");
    assert_eq!(code(plugin(&mut rig, "xcp1", "dance", &[])), "XENAPI_PLUGIN_FAILURE");
}

#[test]
fn a_run_of_the_updater_goes_on_when_the_coordinators_toolstack_restarts_and_not_when_the_host_dies() {
    let mut rig = Rig::named("hotfix", Dialect::Designed, Overrides::default());
    let run = |rig: &mut Rig, host: &str| {
        let params = [Value::Ref(rig.host(host)), "updater.py".into(), "update".into(), Value::Map([].into())];
        rig.call("Async.host.call_plugin", params).unwrap()
    };
    run(&mut rig, "xcp2");
    run(&mut rig, "xcp3");
    rig.fault("restart-toolstack");
    rig.fault("reset host=xcp3");
    rig.run(300.0);
    rig.login();
    assert_eq!(text(plugin(&mut rig, "xcp2", "check_update", &[])), "[]");
    assert_ne!(text(plugin(&mut rig, "xcp3", "check_update", &[])), "[]");
}

#[test]
fn xenserver_installs_from_its_repository_and_refuses_what_xapi_refuses() {
    let mut rig = Rig::named("hotfix-xenserver", Dialect::Shipped, Overrides::default());
    let pool = rig.db().pool().unwrap().clone();
    let session = rig.session.clone();
    let Value::Ref(session) = session else { panic!() };
    let updates = |rig: &mut Rig| rig.world.updates(HostIx(0), session.as_str()).unwrap().unwrap();
    let document: serde_json::Value = serde_json::from_str(&updates(&mut rig)).unwrap();
    let hash = document["hash"].as_str().unwrap().to_owned();
    assert_eq!((document["hosts"].as_array().unwrap().len(), hash.len()), (3, 64));
    assert_eq!(document["hosts"][0]["guidance"]["mandatory"][0], "RebootHost");
    assert!(rig.world.updates(HostIx(0), "OpaqueRef:nobody").is_none());
    assert!(rig.world.updates(HostIx(1), session.as_str()).unwrap().is_err());

    let sync = [Value::Ref(pool.clone()), false.into(), "".into(), "".into()];
    let Ok(Value::Ref(task)) = rig.call("Async.pool.sync_updates", sync.clone()) else { panic!() };
    let a = rig.host("xs1");
    let apply = |rig: &mut Rig, host: &str, hash: &str| {
        let params = [Value::Ref(rig.host(host)), hash.into()];
        rig.call("host.apply_updates", params)
    };
    assert_eq!(code(apply(&mut rig, "xs1", &hash)), "HA_IS_ENABLED");
    rig.call("pool.disable_ha", []).unwrap();
    assert_eq!(code(apply(&mut rig, "xs1", &hash)), "SYNC_UPDATES_IN_PROGRESS");
    assert_eq!(code(rig.call("pool.sync_updates", sync)), "SYNC_UPDATES_IN_PROGRESS");
    rig.until(60, "synced", |r| r.db().text(&task, "status") == "success");
    assert!(rig.db().text(&task, "result").contains(&hash));
    assert_eq!(rig.db().text(&a, "latest_synced_updates_applied"), "no");
    assert_eq!(code(apply(&mut rig, "xs1", "old")), "UPDATEINFO_HASH_MISMATCH");
    assert_eq!(code(apply(&mut rig, "xs1", &hash)), "HOST_EVACUATION_IS_REQUIRED");
    rig.on("disable", "xs1").unwrap();
    rig.on("evacuate", "xs1").unwrap();
    let params = [Value::Ref(a.clone()), hash.as_str().into()];
    let Ok(Value::Ref(task)) = rig.call("Async.host.apply_updates", params) else { panic!() };
    assert_eq!(code(apply(&mut rig, "xs2", &hash)), "APPLY_UPDATES_IN_PROGRESS");
    rig.until(200, "applied", |r| r.db().text(&task, "status") == "success");
    assert_eq!(rig.db().text(&a, "latest_synced_updates_applied"), "yes");
    assert_eq!(rig.db().text(&a, "last_update_hash"), hash);
    assert_eq!(rig.db().set_of(&a, "pending_guidances"), ["reboot_host".into()]);
    assert_eq!(code(apply(&mut rig, "xs1", &hash)), "HOST_PENDING_MANDATORY_GUIDANCE_NOT_EMPTY");
    assert_eq!(code(rig.on("enable", "xs1")), "HOST_PENDING_MANDATORY_GUIDANCE_NOT_EMPTY");
    reboot(&mut rig, "xs1");
    assert_eq!(version(&rig, "xs1", "xapi"), "26.18");
    assert_eq!(rig.db().set_of(&a, "pending_guidances").len(), 0);
}

#[test]
fn an_uploaded_update_is_applied_host_by_host() {
    let text = PLAIN.replace(
        "cluster = true",
        "versions = { brand = \"XenServer\", product = \"7.6.0\", xapi = \"1.110.1\", platform = \"2.7.0\" }\n\
         updates = { flow = \"pool-update\", takes_s = 20.0 }",
    );
    let mut rig = Rig::of(&text, Dialect::Shipped);
    let update = rig.db().all("pool_update")[0].clone();
    let b = rig.host("b");
    let both = [Value::Ref(update.clone()), Value::Ref(b.clone())];
    rig.call("pool_update.precheck", both.clone()).unwrap();
    rig.call("pool_update.apply", both.clone()).unwrap();
    assert_eq!(code(rig.call("pool_update.apply", both)), "UPDATE_ALREADY_APPLIED");
    assert!(rig.db().refs(&b, "updates_requiring_reboot").contains(&update));
    assert_eq!(code(rig.call("pool_update.destroy", [Value::Ref(update.clone())])), "UPDATE_IS_APPLIED");
    rig.on("disable", "b").unwrap();
    rig.on("evacuate", "b").unwrap();
    reboot(&mut rig, "b");
    assert_eq!(rig.db().refs(&b, "updates_requiring_reboot"), []);
    rig.call("pool_update.pool_apply", [Value::Ref(update.clone())]).unwrap();
    rig.run(60.0);
    assert_eq!(rig.db().refs(&update, "hosts").len(), 4);
    assert_eq!(
        code(rig.call("pool.sync_updates", [Value::Void, Value::Void, Value::Void, Value::Void])),
        "MESSAGE_METHOD_UNKNOWN"
    );
}
