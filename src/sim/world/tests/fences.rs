//! Who fences, and when: what the scenarios promise.

use super::*;

impl Rig {
    fn off(&self, host: &str) -> bool {
        self.at(host).stage <= state::Stage::Post
    }

    fn at(&self, host: &str) -> &state::Host {
        self.world.core.hosts.iter().find(|h| h.name == host).unwrap()
    }

    fn fenced(&self, host: &str) -> bool {
        self.at(host).away.as_ref().is_some_and(|away| away.cause == Cause::Fence)
    }

    fn since_start(&self) -> f64 {
        self.world.now().since(START).as_secs_f64()
    }

    /// What the last query said of the cluster.
    fn said(&self, key: &str) -> String {
        let cluster = self.db().find("Cluster", "cluster_stack", &"o2cb".into()).unwrap();
        self.db().map_get(&cluster, "other_config", key).unwrap_or_default().to_owned()
    }
}

fn demo(name: &str) -> Rig {
    Rig::named(name, Dialect::Designed, Overrides::default())
}

const OCFS2: &str = r#"
title = "o2cb"
pool = "test"
fill = { running = 6 }
boot = { shutdown_delay_s = 10, post_s = 30, hello_s = 5, cluster_s = 3, pbd_s = 1, enable_s = 2, toolstack_s = 12 }
[[hosts]]
name = "a"
[[hosts]]
name = "b"
[[hosts]]
name = "c"
[[srs]]
name = "vms"
kind = "ocfs2"
luns = [{ scsi_id = "lun1", paths = 2 }]
"#;

#[test]
fn without_its_heartbeat_path_a_host_fences_after_60_s_and_is_dead_to_the_others_after_62() {
    for dialect in [Dialect::Designed, Dialect::Shipped] {
        let mut rig = Rig::named("fence-o2cb", dialect, Overrides::default());
        rig.run(119.5);
        assert!(!rig.off("xcp3"), "the last path went at 60 s");
        assert!(rig.messages("MULTIPATH_PERIODIC_ALERT").len() == 1, "a warning came before");
        rig.run(1.0);
        assert!(rig.off("xcp3") && rig.fenced("xcp3"));
        assert!(rig.world.core.harmed(|h| matches!(h, Harm::GuestLost { host, .. } if host == "xcp3")));
        if dialect == Dialect::Designed {
            assert_eq!(rig.said("node_2"), "alive xcp3");
            rig.run(2.0);
            assert_eq!(rig.said("node_2"), "dead xcp3");
        }
        rig.until(300, "it is back", |r| r.up("xcp3"));
        assert!(rig.since_start() < 300.0);
        if dialect == Dialect::Designed {
            assert_eq!(rig.said("node_2"), "alive xcp3");
        }
        assert!(!rig.world.core.hosts.iter().any(|h| h.name != "xcp3" && h.life > 0), "nobody else died");
        let left = 509.5 - rig.since_start();
        rig.run(left);
        assert!(!rig.off("xcp2"));
        rig.run(1.0);
        assert!(rig.off("xcp2") && rig.fenced("xcp2"));
        rig.until(300, "it is back", |r| r.up("xcp2") && r.up("xcp3"));
    }
}

#[test]
fn a_path_that_is_back_in_time_fences_nobody() {
    let mut rig = Rig::of(OCFS2, Dialect::Designed);
    rig.fault("fail-path host=b paths=2");
    rig.run(59.0);
    rig.fault("repair-path host=b");
    rig.run(30.0);
    assert!(!rig.off("b"));
    rig.fault("fail-path host=b paths=2");
    rig.run(59.0);
    assert!(!rig.off("b"), "the time begins anew");
    rig.run(1.5);
    assert!(rig.off("b"));
}

#[test]
fn if_all_stall_together_nobody_fences_until_they_cannot_talk() {
    let mut rig = Rig::of(OCFS2, Dialect::Designed);
    for host in ["a", "b", "c"] {
        rig.fault(&format!("fail-path host={host} paths=2"));
    }
    rig.run(200.0);
    assert!(!["a", "b", "c"].iter().any(|h| rig.off(h)));
    rig.fault("repair-path host=a");
    rig.run(45.0);
    assert!(!rig.off("a") && rig.off("b") && rig.off("c"), "who can write is no longer of one mind with them");
    // With the network gone as well nobody can agree to wait.
    let mut rig = Rig::of(OCFS2, Dialect::Designed);
    for host in ["a", "b", "c"] {
        rig.fault(&format!("cut host={host} what=all"));
    }
    rig.run(60.5);
    assert!(["a", "b", "c"].iter().all(|h| rig.off(h)));
}

#[test]
fn without_a_network_the_minority_fences_after_96_s() {
    let mut rig = demo("split-network");
    rig.run(155.5);
    assert!(!["xcp1", "xcp2", "xcp3"].iter().any(|h| rig.off(h)), "the last link went at 60 s");
    rig.run(1.0);
    assert!(rig.fenced("xcp3") && rig.off("xcp3"));
    assert!(!rig.off("xcp1") && !rig.off("xcp2"));
    rig.until(300, "it is back", |r| r.up("xcp3"));
    // Of two, the lower number lives, whichever lost its link.
    let two = OCFS2.replace("[[hosts]]\nname = \"c\"\n", "");
    let mut rig = Rig::of(&two, Dialect::Designed);
    rig.fault("cut host=a");
    rig.run(95.0);
    assert!(!rig.off("a") && !rig.off("b"));
    rig.run(1.5);
    assert!(!rig.off("a") && rig.off("b"));
}

#[test]
fn a_short_cut_of_the_network_fences_nobody() {
    let mut rig = Rig::of(OCFS2, Dialect::Designed);
    rig.fault("cut host=c");
    rig.run(45.0);
    rig.fault("heal host=c");
    rig.run(120.0);
    assert!(!rig.off("c"));
}

#[test]
fn xhad_fences_who_loses_the_statefile_alone_and_who_loses_the_network() {
    let mut rig = demo("fence-xhad");
    rig.run(119.5);
    assert!(!rig.off("xcp3"));
    rig.run(1.0);
    assert!(rig.off("xcp3") && rig.fenced("xcp3"));
    rig.until(400, "it is back", |r| r.up("xcp3"));
    assert_eq!(rig.messages("HA_HOST_WAS_FENCED").len(), 1);
    assert_eq!(rig.messages("HA_HOST_FAILED").len(), 1);
    let left = 655.0 - rig.since_start();
    rig.run(left);
    assert!(!rig.off("xcp2"), "cut off at 600 s");
    rig.run(30.0);
    assert!(rig.off("xcp2") && rig.fenced("xcp2"));
    rig.until(400, "it is back", |r| r.up("xcp2"));
}

#[test]
fn the_other_scenarios_do_what_they_say() {
    let mut rig = demo("clock-skew");
    let off = |rig: &Rig| rig.world.core.hosts.iter().map(|h| h.clock_ms).collect::<Vec<_>>();
    rig.run(100.0);
    assert_eq!(off(&rig), [0, -45_000, 8_000, 0]);
    rig.run(100.0);
    assert_eq!(off(&rig), [0, -45_000, 8_000, 400_000]);
    assert_eq!(rig.messages("HOST_CLOCK_SKEW_DETECTED").len(), 1);
    rig.run(150.0);
    assert_eq!(off(&rig), [0, 0, 0, 0]);

    let mut rig = demo("two-captains");
    rig.run(25.0);
    assert_eq!(rig.db().map_get(&rig.world.core.pool, "other_config", "auto_poweron"), None);
    rig.run(20.0);
    assert!(!rig.enabled("xcp2"));
    rig.run(100.0);
    assert!(matches!(&rig.at("xcp2").away, Some(away) if matches!(away.cause, Cause::Call { .. })));
    rig.until(180, "it is back", |r| r.up("xcp2"));
    let left = 450.0 - rig.since_start();
    rig.run(left);
    assert!(rig.off("xcp3") && rig.world.harms().is_empty());
    rig.until(400, "all is as it was", |r| {
        r.up("xcp3") && r.db().map_get(&r.world.core.pool, "other_config", "auto_poweron") == Some("true")
    });

    let mut rig = demo("rewound-database");
    rig.run(150.0);
    let note = |rig: &Rig| rig.db().map_get(&rig.world.core.pool, "other_config", "ops:change").map(str::to_owned);
    assert!(note(&rig).is_some());
    let before = rig.db().generation();
    rig.run(89.0);
    rig.run(2.0);
    assert!(rig.db().generation() < before && note(&rig).is_none());
}
