//! Paths, links, PBDs, the cluster.

use super::*;

fn pbd(rig: &Rig, host: &str, sr: &str) -> Ref {
    let (h, s) = (rig.host(host), rig.db().find("SR", "name_label", &sr.into()).unwrap());
    rig.db().refs(&h, "PBDs").into_iter().find(|p| rig.db().reference(p, "SR") == s).unwrap()
}

#[test]
fn path_keys_say_how_many_of_how_many_and_go_when_all_are_lost() {
    let mut rig = Rig::new(Dialect::Shipped);
    let p = pbd(&rig, "c", "san");
    let key = |r: &Rig, k: &str| r.db().map_get(&p, "other_config", k).map(str::to_owned);
    assert_eq!(key(&rig, "mpath-lun1").as_deref(), Some("[4, 4]"));
    assert_eq!(key(&rig, "iscsi_sessions").as_deref(), Some("4"));
    rig.fault("fail-path host=c lun=lun1 paths=3");
    assert_eq!(key(&rig, "mpath-lun1").as_deref(), Some("[1, 4]"));
    assert_eq!(key(&rig, "mpath-lun2").as_deref(), Some("[2, 2]"));
    rig.fault("fail-path host=c lun=lun1");
    assert_eq!(key(&rig, "mpath-lun1"), None, "no path left: the key is gone");
    rig.fault("repair-path host=c lun=lun1");
    assert_eq!(key(&rig, "mpath-lun1").as_deref(), Some("[4, 4]"));
    assert!(rig.world.fault("fail-path host=c lun=lun9".parse().unwrap()).unwrap_err().to_string().contains("lun1, lun2"));
}

#[test]
fn the_multipath_alert_has_the_real_body_and_comes_at_most_every_two_minutes() {
    let mut rig = Rig::new(Dialect::Shipped);
    rig.fault("fail-path host=c lun=lun1");
    rig.run(5.0);
    rig.fault("fail-path host=c lun=lun2");
    rig.run(60.0);
    let bodies = rig.messages("MULTIPATH_PERIODIC_ALERT");
    assert_eq!(bodies.len(), 1);
    let c = rig.host("c");
    let want = format!("host={}; host-name=\"c\"; pbd=", rig.db().text(&c, "uuid"));
    assert!(bodies[0].starts_with("Unhealthy paths:\n[20261121T00:00:02Z] "), "{}", bodies[0]);
    assert!(bodies[0].contains(&want) && bodies[0].contains("; scsi_id=lun1; current=3; max=4"));
    assert!(bodies[0].contains("\nEvents received during the last 120 seconds:\n["));
    rig.run(70.0);
    assert_eq!(rig.messages("MULTIPATH_PERIODIC_ALERT").len(), 2);
}

#[test]
fn bond_links_show_in_bond_carrier_and_message() {
    let mut rig = Rig::new(Dialect::Shipped);
    rig.fault("fail-link host=c link=eth1");
    let c = rig.host("c");
    let pif = |r: &Rig, d: &str| r.db().refs(&c, "PIFs").into_iter().find(|p| r.db().text(p, "device") == d).unwrap();
    let bond = rig.db().refs(&pif(&rig, "bond0"), "bond_master_of")[0].clone();
    assert_eq!((rig.db().int(&bond, "links_up"), rig.db().refs(&bond, "slaves").len()), (1, 2));
    let carrier = |r: &Rig, d: &str| r.db().boolean(&r.db().reference(&pif(r, d), "metrics"), "carrier");
    assert!(carrier(&rig, "eth0") && !carrier(&rig, "eth1"));
    assert_eq!(rig.messages("BOND_STATUS_CHANGED"), ["The status of the eth0+eth1 bond changed: 1/2 up (was 2/2)"]);
    rig.fault("fail-link host=c");
    assert_eq!(rig.world.door(HostIx(2)), crate::sim::api::Door::Silent, "the last link takes the host off the network");
    rig.fault("repair-link host=c");
    assert_eq!(rig.world.door(HostIx(2)), crate::sim::api::Door::Open);
    assert_eq!(rig.db().int(&bond, "links_up"), 2);
}

#[test]
fn pbds_are_unplugged_and_plugged_with_their_errors() {
    let mut rig = Rig::new(Dialect::Shipped);
    let p = pbd(&rig, "c", "san");
    let used = rig.world.core.guests.iter().any(|g| g.on == Some(2) && rig.world.core.stores[g.sr].name == "san");
    if used {
        assert_eq!(code(rig.call("PBD.unplug", [Value::Ref(p.clone())])), "VDI_IN_USE");
    }
    rig.on("disable", "c").unwrap();
    rig.on("evacuate", "c").unwrap();
    rig.call("PBD.unplug", [Value::Ref(p.clone())]).unwrap();
    assert!(!rig.db().boolean(&p, "currently_attached"));
    rig.fault("fail-path host=c paths=9");
    assert_eq!(code(rig.call("PBD.plug", [Value::Ref(p.clone())])), "SR_BACKEND_FAILURE_141");
    rig.fault("repair-path host=c");
    rig.call("PBD.plug", [Value::Ref(p.clone())]).unwrap();
    assert!(rig.db().boolean(&p, "currently_attached"));
}

#[test]
fn a_host_that_boots_without_paths_says_so() {
    let mut rig = Rig::new(Dialect::Shipped);
    rig.fault("fail-path host=c paths=9");
    rig.fault("reset host=c");
    rig.until(150, "enabled", |r| r.up("c"));
    rig.until(150, "really back", |r| !r.messages("PBD_PLUG_FAILED_ON_SERVER_START").is_empty());
    assert!(!rig.db().boolean(&pbd(&rig, "c", "san"), "currently_attached"));
}

#[test]
fn the_cluster_follows_a_crash_and_an_orderly_leave_as_real_xapi_writes_them() {
    let mut rig = Rig::new(Dialect::Shipped);
    let cluster = rig.db().all("Cluster")[0].clone();
    let numbers =
        |r: &Rig| (r.db().int(&cluster, "live_hosts"), r.db().int(&cluster, "expected_hosts"), r.db().int(&cluster, "quorum"));
    assert_eq!(numbers(&rig), (4, 4, 3));
    rig.fault("crash host=d");
    rig.run(6.0);
    assert_eq!(numbers(&rig), (3, 4, 3), "a dead member is still expected");
    assert_eq!(rig.messages("CLUSTER_HOST_LEAVING").len(), 1);
    assert_eq!(rig.messages("CLUSTER_QUORUM_APPROACHING_LOST").len(), 1);
    rig.fault("power-on host=d");
    rig.until(120, "joined", |r| numbers(r) == (4, 4, 3));
    assert_eq!(rig.messages("CLUSTER_HOST_JOINING").len(), 1);
    rig.until(60, "enabled", |r| r.up("d"));
    rig.until(900, "rebuilt", |r| r.task("SR Recovering").is_none());
    rig.on("disable", "c").unwrap();
    rig.on("evacuate", "c").unwrap();
    rig.on("reboot", "c").unwrap();
    rig.until(30, "left", |r| numbers(r) == (3, 3, 2));
    let member = rig.db().find("Cluster_host", "host", &Value::Ref(rig.host("c"))).unwrap();
    assert!(!rig.db().boolean(&member, "enabled") && !rig.db().boolean(&member, "live"));
    rig.until(120, "joined again", |r| numbers(r) == (4, 4, 3));
}
