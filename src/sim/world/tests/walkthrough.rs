//! The walk-throughs that the seed of OCFS2 names and leaves empty: adding OCFS2 storage, removing a host, after a crash. And joining.

use super::*;
use crate::sim::api::Door;

const OCFS2: &str = r#"
title = "walk-through"
pool = "test"
fill = { running = 6, kind = "small" }
boot = { shutdown_delay_s = 10, post_s = 30, hello_s = 5, cluster_s = 3, pbd_s = 1, enable_s = 2, toolstack_s = 12 }
[[hosts]]
name = "a"
[[hosts]]
name = "b"
[[hosts]]
name = "c"
[[hosts]]
name = "new"
outside = true
[[srs]]
name = "vms"
kind = "ocfs2"
luns = [{ scsi_id = "lun1", paths = 2 }]
"#;

const PLAIN_NFS: &str = r#"
title = "no cluster yet"
pool = "test"
boot = { shutdown_delay_s = 10, post_s = 30, hello_s = 5, cluster_s = 3, pbd_s = 1, enable_s = 2, toolstack_s = 12 }
[[hosts]]
name = "a"
[[hosts]]
name = "b"
[[srs]]
name = "nfs"
kind = "nfs"
[[srs]]
name = "san"
kind = "lvmoiscsi"
luns = [{ scsi_id = "lun2", paths = 2 }]
"#;

impl Rig {
    /// Numbers of the memberships: number, whether it has a host, whether it has left.
    fn memberships(&self) -> Vec<(i64, bool, bool)> {
        let db = self.db();
        let one = |m: &Ref| (db.int(m, "id"), !db.reference(m, "host").is_null(), db.date(m, "left") != Time::EPOCH);
        let mut all: Vec<_> = db.refs_of("Membership").map(one).collect();
        all.sort_unstable();
        all
    }

    fn state(&self, number: u8) -> String {
        let cluster = self.db().find("Cluster", "name", &"o2cb".into()).unwrap();
        self.db().map_get(&cluster, "other_config", &format!("node_{number}")).unwrap_or_default().to_owned()
    }

    fn restarts(&self) -> usize {
        let cluster = self.db().find("Cluster", "name", &"o2cb".into()).unwrap();
        let who = self.db().map_get(&cluster, "other_config", "needs_restart").unwrap_or_default();
        who.split(',').filter(|uuid| !uuid.is_empty()).count()
    }

    fn eject(&mut self, host: &str) -> Result<Value, Failure> {
        let host = self.host(host);
        self.call("pool.eject", [host.into()])
    }

    /// A call at a host that is a pool of its own, from a session there.
    fn call_at(&mut self, host: usize, method: &str, args: Vec<Value>) -> Result<Value, Failure> {
        let wait = |rig: &mut Self, reply| match reply {
            Reply::Done(result) => result,
            Reply::Waiting(ticket) => rig.wait_for(ticket, 600),
        };
        let login = Call { method: "session.login_with_password".into(), params: vec!["root".into(), "poolwatch".into()] };
        let reply = self.world.call(HostIx(host), login);
        let session = wait(self, reply)?;
        let params = std::iter::once(session).chain(args).collect();
        let reply = self.world.call(HostIx(host), Call { method: method.into(), params });
        wait(self, reply)
    }

    fn join(&mut self, host: usize, address: &str, password: &str) -> Result<Value, Failure> {
        self.call_at(host, "pool.join", [address, "root", password].map(Value::from).to_vec())
    }

    fn reboot_round(&mut self, host: &str) {
        let at = self.world.core.hosts.iter().position(|h| h.name == host).unwrap();
        self.on("disable", host).unwrap();
        self.on("reboot", host).unwrap();
        self.until(60, "down", |r| r.world.core.hosts[at].stage <= state::Stage::Post);
        self.until(300, "back", |r| r.world.core.hosts[at].stage == state::Stage::Up && r.world.core.coordinator_up());
        self.run(5.0);
    }
}

fn said(result: Result<Value, Failure>) -> Vec<String> {
    let failure = result.unwrap_err();
    std::iter::once(failure.code).chain(failure.params).collect()
}

#[test]
fn walk_through_adding_ocfs2_storage() {
    let mut rig = Rig::of(PLAIN_NFS, Dialect::Designed);
    let a = rig.host("a");
    let create = |rig: &mut Rig, kind: &str, device: Value| {
        let args: Vec<Value> = vec![
            (&a).into(),
            device,
            (1i64 << 40).into(),
            "ocfs".into(),
            "".into(),
            kind.into(),
            "user".into(),
            true.into(),
            Value::Map(BTreeMap::new()),
        ];
        rig.call("SR.create", args)
    };
    let lun = || Value::Map([("SCSIid".into(), Value::from("3600a"))].into());
    assert_eq!(said(create(&mut rig, "melio", lun())), ["SR_UNKNOWN_DRIVER", "melio"]);
    // With HA of another stack it cannot be.
    let san = rig.db().find("SR", "name_label", &"san".into()).unwrap();
    rig.call("pool.enable_ha", [Value::Set(vec![san.into()]), Value::Map(BTreeMap::new())]).unwrap();
    assert_eq!(said(create(&mut rig, "ocfs2", lun())), ["INCOMPATIBLE_CLUSTER_STACK_ACTIVE", "o2cb"]);
    rig.call("pool.disable_ha", []).unwrap();
    let sr = create(&mut rig, "ocfs2", lun()).unwrap();
    let Value::Ref(sr) = sr else { panic!("{sr:?}") };
    assert!(rig.db().refs(&sr, "PBDs").iter().all(|p| rig.db().boolean(p, "currently_attached")));
    assert_eq!(rig.memberships(), [(0, true, false), (1, true, false)]);
    let vdi = rig.db().find("VDI", "type", &"o2cb_statefile".into()).unwrap();
    assert_eq!(rig.db().reference(&vdi, "SR"), sr, "the heartbeat's volume is on it");
    assert_eq!(rig.state(1), "alive b");
    for host in 0..2 {
        assert!(rig.world.core.cluster_conf(host).contains("\tname = b\n"), "the same file everywhere");
    }
    // Each further one gets a region of its own, online; of three a host may lose one.
    for id in ["3600b", "3600c"] {
        create(&mut rig, "ocfs2", Value::Map([("SCSIid".into(), Value::from(id))].into())).unwrap();
    }
    assert_eq!(rig.db().find_all("VDI", "type", &"o2cb_statefile".into()).len(), 3);
    for host in 0..2 {
        assert_eq!(rig.world.core.cluster_conf(host).matches("heartbeat:\n").count(), 3);
        assert_eq!(rig.world.core.o2cb_live(host).unwrap().clusters.get().unwrap()[0].regions.len(), 3);
    }
    assert_eq!((rig.restarts(), rig.state(1).as_str()), (0, "alive b"), "nobody needs a restart for that");
    rig.fault("fail-path host=b lun=3600b paths=2");
    rig.run(61.0);
    assert_eq!(rig.world.core.hosts[1].stage, state::Stage::Up);
    // A host without a path to half of them fences.
    rig.fault("fail-path host=b lun=3600a paths=2");
    rig.run(61.0);
    assert!(rig.world.core.hosts[1].stage <= state::Stage::Post);
}

#[test]
fn walk_through_removing_a_host() {
    let mut rig = Rig::of(OCFS2, Dialect::Designed);
    let (b, uuid) = (rig.host("b"), rig.world.core.hosts[1].uuid.clone());
    let guests = rig.guests_of("b");
    assert!(guests > 0);
    let a = rig.host("a");
    assert_eq!(said(rig.call("pool.eject", [a.into()])), ["INTERNAL_ERROR", "Xapi_pool.Cannot_eject_master"]);
    let task = rig.call("Async.pool.eject", [(&b).into()]).unwrap();
    let Value::Ref(task) = task else { panic!("{task:?}") };
    assert!(rig.db().map(rig.db().pool().unwrap(), "current_operations").values().any(|op| *op == Value::from("eject")));
    assert!(!rig.enabled("b"), "maintenance mode first");
    rig.until(300, "ejected", |r| r.db().text(&task, "status") == "success");
    // The host's records are gone; its Membership stays, without a host, with the date.
    assert!(rig.db().find("host", "name_label", &"b".into()).is_none());
    for class in ["PBD", "PIF"] {
        assert!(rig.db().find_all(class, "host", &Value::Ref(b.clone())).is_empty(), "{class}");
    }
    assert_eq!(rig.memberships(), [(0, true, false), (1, false, true), (2, true, false)]);
    assert!(rig.db().map(rig.db().pool().unwrap(), "current_operations").is_empty());
    assert_eq!(rig.state(1), "excluded b", "until the others have restarted");
    assert_eq!(rig.restarts(), 2, "the two that stay still know it");
    assert!(rig.world.core.cluster_conf(0).contains("#\tname = b\n"), "commented out, in the others' files");
    // Nobody was lost, and its guests run on.
    assert!(rig.world.harms().is_empty() && rig.world.core.guests.iter().filter(|g| g.on.is_some()).count() == 6);
    // It is wiped, restarts, and is a pool of its own.
    assert_eq!(rig.world.door(HostIx(1)), Door::Refused);
    rig.until(200, "it answers", |r| r.world.door(HostIx(1)) == Door::Open);
    rig.run(60.0);
    let alone = rig.call_at(1, "host.get_all_records", Vec::new()).unwrap();
    let Value::Map(alone) = alone else { panic!("{alone:?}") };
    assert_eq!(alone.len(), 1);
    let own = alone.into_values().next().unwrap();
    assert!(matches!(own, Value::Record(r) if r.get("uuid") == Some(&uuid.as_str().into())), "the machine is the same");
    assert_eq!(code(rig.call_at(1, "SR.get_by_name_label", vec!["vms".into()])), "ok");
    // Once all that stay have started, the number is free, and the next one gets it.
    rig.reboot_round("c");
    assert_eq!((rig.memberships().len(), rig.restarts()), (3, 1));
    rig.reboot_round("a");
    assert_eq!((rig.memberships(), rig.restarts()), (vec![(0, true, false), (2, true, false)], 0));
    assert!(!rig.world.core.cluster_conf(2).contains("number = 1"));
    rig.login();
    assert_eq!(code(rig.join(1, "127.0.0.1", "poolwatch")), "ok");
    rig.until(300, "it is a member again", |r| r.db().find("host", "name_label", &"b".into()).is_some() && r.up("b"));
    assert_eq!((rig.memberships(), rig.state(1)), (vec![(0, true, false), (1, true, false), (2, true, false)], "alive b".into()));
}

#[test]
fn a_host_joins_online_and_why_it_may_not() {
    let mut rig = Rig::of(OCFS2, Dialect::Designed);
    assert_eq!(rig.db().count("host"), 3, "the fourth is a pool of its own");
    assert_eq!(said(rig.join(3, "10.1.2.3", "poolwatch")), ["JOINING_HOST_CONNECTION_FAILED"]);
    assert_eq!(said(rig.join(3, "127.0.0.2", "poolwatch")), ["HOST_IS_SLAVE", "127.0.0.1"]);
    assert_eq!(said(rig.join(3, "127.0.0.1", "wrong"))[0], "SESSION_AUTHENTICATION_FAILED");
    let there = rig.call("pool.join", ["127.0.0.1".into(), "root".into(), "poolwatch".into()]);
    assert_eq!(said(there), ["JOINING_HOST_CANNOT_BE_MASTER_OF_OTHER_HOSTS"]);
    // No number left: it is not let in, and nothing has changed.
    let cluster = rig.db().find("Cluster", "name", &"o2cb".into()).unwrap();
    for id in 3..255_i64 {
        let fields = [("id", id.into()), ("cluster", (&cluster).into()), ("left", (START + Duration::from_secs(1)).into())];
        rig.world.core.db.create("Membership", &fields);
    }
    assert_eq!(said(rig.join(3, "127.0.0.1", "poolwatch"))[0], "CLUSTER_NODE_ID_TOO_HIGH");
    assert_eq!(rig.db().count("host"), 3);
    for membership in rig.db().all("Membership") {
        if rig.db().int(&membership, "id") > 2 {
            rig.world.core.db.destroy(&membership);
        }
    }
    assert_eq!(code(rig.join(3, "127.0.0.1", "poolwatch")), "ok");
    assert!(rig.world.core.cluster_conf(0).contains("\tname = new\n"), "the others know it at once");
    rig.until(200, "up", |r| r.up("new"));
    assert_eq!((rig.state(3), rig.restarts()), ("alive new".into(), 0), "online: nobody needs a restart");
    let new = rig.host("new");
    assert_eq!(rig.db().refs(&new, "memberships").len(), 1);
    assert!(rig.db().find_all("PBD", "host", &Value::Ref(new)).iter().all(|p| rig.db().boolean(p, "currently_attached")));
    assert_eq!(rig.world.core.cluster_conf(0), rig.world.core.cluster_conf(3));
    // It is a member like any other: it fences, too.
    rig.fault("fail-path host=new paths=2");
    rig.run(61.0);
    assert!(rig.world.core.hosts[3].stage <= state::Stage::Post);
}

#[test]
fn with_ha_nobody_joins_and_nobody_is_ejected() {
    let mut rig = Rig::of(OCFS2, Dialect::Designed);
    rig.call("pool.enable_ha", [Value::Set(Vec::new()), Value::Map(BTreeMap::new())]).unwrap();
    assert_eq!(said(rig.join(3, "127.0.0.1", "poolwatch")), ["HA_IS_ENABLED"]);
    assert_eq!(said(rig.eject("b")), ["HA_IS_ENABLED"]);
}

#[test]
fn as_shipped_an_eject_wants_the_host_empty_and_xapi_forgets_the_number_at_once() {
    let mut rig = Rig::of(OCFS2, Dialect::Shipped);
    assert_eq!(said(rig.eject("b")), ["OPERATION_NOT_ALLOWED", "VM resident on host"]);
    rig.on("disable", "b").unwrap();
    rig.on("evacuate", "b").unwrap();
    rig.eject("b").unwrap();
    assert_eq!(rig.db().count("host"), 2);
    assert!(rig.world.core.cluster_conf(0).contains("\tname = b\n"), "nobody told the others' o2cb");
}

#[test]
fn maintenance_mode_takes_the_storage_away_and_the_host_does_not_fence() {
    let mut rig = Rig::of(OCFS2, Dialect::Designed);
    let b = rig.host("b");
    rig.call("host.prepare_for_maintenance", [(&b).into()]).unwrap();
    assert!(!rig.enabled("b") && rig.guests_of("b") == 0);
    let db = rig.db();
    let shared = |p: &Ref| db.boolean(&db.reference(p, "SR"), "shared");
    let plugged: Vec<Ref> =
        db.find_all("PBD", "host", &Value::Ref(b)).into_iter().filter(|p| db.boolean(p, "currently_attached")).collect();
    assert!(!plugged.iter().any(shared), "no storage of others is left");
    // Now it can leave the cluster, and nothing that is done to its cables hurts.
    let (cluster, b) = (rig.db().find("Cluster", "name", &"o2cb".into()).unwrap(), rig.host("b"));
    rig.call("Membership.destroy", [b.into(), cluster.into()]).unwrap();
    rig.fault("fail-path host=b paths=2");
    rig.run(300.0);
    assert_eq!(rig.world.core.hosts[1].stage, state::Stage::Up);
    let mut shipped = Rig::of(OCFS2, Dialect::Shipped);
    assert_eq!(code(shipped.on("prepare_for_maintenance", "b")), "MESSAGE_METHOD_UNKNOWN");
}

#[test]
fn walk_through_after_a_crash() {
    let mut rig = Rig::of(OCFS2, Dialect::Designed);
    rig.fault("fail-path host=c paths=2");
    rig.run(61.0);
    assert!(matches!(&rig.world.core.hosts[2].away, Some(away) if away.cause == Cause::Fence));
    // While its path is gone it boots, cannot join its cluster, and its storage is not plugged.
    rig.until(300, "it is up", |r| r.world.core.hosts[2].stage == state::Stage::Up);
    assert_eq!(rig.messages("PBD_PLUG_FAILED_ON_SERVER_START").len(), 1);
    assert_eq!(rig.state(2), "dead c");
    rig.fault("repair-path host=c");
    rig.run(5.0);
    assert_eq!(rig.state(2), "alive c", "its o2cb finds its disk");
    let c = rig.host("c");
    let pbd = rig.db().find_all("PBD", "host", &Value::Ref(c)).into_iter().find(|p| !rig.db().boolean(p, "currently_attached"));
    assert_eq!(code(rig.call("PBD.plug", [pbd.unwrap().into()])), "ok");
    assert_eq!((rig.memberships().len(), rig.restarts()), (3, 0), "a crash changes nobody's number");
}

#[test]
fn the_scenario_of_join_and_eject_plays_both() {
    let mut rig = Rig::named("join-eject", Dialect::Designed, Overrides::default());
    rig.run(115.0);
    assert!(rig.up("xcp4") && rig.state(3) == "alive xcp4");
    rig.run(120.0);
    assert_eq!(rig.state(1), "excluded xcp2");
    assert!(rig.db().find("host", "name_label", &"xcp2".into()).is_none() && rig.world.harms().is_empty());
}
