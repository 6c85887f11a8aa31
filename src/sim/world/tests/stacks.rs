//! Cluster stacks, memberships, node numbers.

use super::*;

const TWO_KINDS: &str = r#"
title = "stacks"
pool = "test"
cluster_stacks = ["xhad", "o2cb"]
boot = { shutdown_delay_s = 10, post_s = 30, hello_s = 5, cluster_s = 3, pbd_s = 1, enable_s = 2, toolstack_s = 12 }
[[hosts]]
name = "a"
[[hosts]]
name = "b"
[[hosts]]
name = "c"
[[srs]]
name = "ocfs"
kind = "ocfs2"
luns = [{ scsi_id = "lun1", paths = 2 }]
[[srs]]
name = "san"
kind = "lvmoiscsi"
luns = [{ scsi_id = "lun2", paths = 2 }]
"#;

impl Rig {
    fn sr(&self, name: &str) -> Ref {
        self.db().find("SR", "name_label", &name.into()).unwrap()
    }

    fn ha(&mut self, sr: &str, stack: Option<&str>) -> Result<Value, Failure> {
        let sr = self.sr(sr);
        let mut args = vec![Value::Set(vec![sr.into()]), Value::Map(BTreeMap::new())];
        args.extend(stack.map(Value::from));
        self.call("pool.enable_ha", args)
    }

    fn pbds(&self, sr: &str, host: &str) -> Ref {
        let (sr, host) = (self.sr(sr), self.host(host));
        let mut all = self.db().refs_of("PBD");
        all.find(|p| self.db().reference(p, "SR") == sr && self.db().reference(p, "host") == host).cloned().unwrap()
    }

    fn unplug(&mut self, sr: &str, host: &str) {
        let pbd = self.pbds(sr, host);
        self.call("PBD.unplug", [pbd.into()]).unwrap();
    }

    fn member(&mut self, call: &str, host: &str) -> Result<Value, Failure> {
        let cluster = self.db().find("Cluster", "name", &"o2cb".into()).unwrap();
        let host = self.host(host);
        self.call(&format!("Membership.{call}"), [host.into(), cluster.into()])
    }

    /// Numbers of the memberships, and whether each has left.
    fn numbers(&self) -> Vec<(i64, bool)> {
        let mut all: Vec<_> =
            self.db().refs_of("Membership").map(|m| (self.db().int(m, "id"), self.db().date(m, "left") != Time::EPOCH)).collect();
        all.sort_unstable();
        all
    }

    fn conf(&self, host: usize) -> String {
        self.world.core.cluster_conf(host)
    }

    fn needs_restart(&self) -> String {
        let cluster = self.db().find("Cluster", "name", &"o2cb".into()).unwrap();
        self.db().map_get(&cluster, "other_config", "needs_restart").unwrap_or_default().to_owned()
    }

    fn reboot(&mut self, host: &str) {
        self.on("disable", host).unwrap();
        self.on("reboot", host).unwrap();
        self.until(60, "down", |r| !r.live(host));
        self.until(200, "back", |r| r.up(host));
    }
}

fn params(result: Result<Value, Failure>) -> Vec<String> {
    let failure = result.unwrap_err();
    std::iter::once(failure.code).chain(failure.params).collect()
}

#[test]
fn the_stack_is_the_one_that_storage_demands_and_all_four_errors_are_raised() {
    let mut rig = Rig::of(TWO_KINDS, Dialect::Designed);
    let pool = rig.world.core.pool.clone();
    assert_eq!(rig.db().text(&pool, "ha_cluster_stack"), "xhad");
    assert_eq!(params(rig.ha("san", None)), ["INCOMPATIBLE_STATEFILE_SR", "ocfs2"]);
    assert_eq!(params(rig.ha("ocfs", Some("melio"))), ["UNKNOWN_CLUSTER_STACK", "melio"]);
    let sr = rig.sr("ocfs");
    assert_eq!(params(rig.ha("san", Some("xhad"))), ["CLUSTER_STACK_CONSTRAINT", sr.as_str(), "o2cb"]);
    rig.ha("ocfs", None).unwrap();
    assert_eq!(rig.db().text(&pool, "ha_cluster_stack"), "o2cb");
    rig.call("pool.disable_ha", []).unwrap();
    for host in ["a", "b", "c"] {
        rig.unplug("ocfs", host);
    }
    rig.ha("san", None).unwrap();
    assert_eq!(rig.db().text(&pool, "ha_cluster_stack"), "xhad");
    let pbd = rig.pbds("ocfs", "a");
    assert_eq!(params(rig.call("PBD.plug", [pbd.into()])), ["INCOMPATIBLE_CLUSTER_STACK_ACTIVE", "o2cb"]);
}

#[test]
fn as_shipped_the_call_has_no_stack_and_the_statefile_error_names_what_was_offered() {
    let mut rig = Rig::of(TWO_KINDS, Dialect::Shipped);
    assert_eq!(code(rig.ha("ocfs", Some("o2cb"))), "MESSAGE_PARAMETER_COUNT_MISMATCH");
    assert_eq!(params(rig.ha("san", None)), ["INCOMPATIBLE_STATEFILE_SR", "lvmoiscsi"]);
    let text = TWO_KINDS.replace(", \"o2cb\"]", "]");
    let mut rig = Rig::of(&text, Dialect::Shipped);
    assert_eq!(code(rig.ha("ocfs", None)), "INTERNAL_ERROR");
    let mut rig = Rig::of(&text, Dialect::Designed);
    assert_eq!(params(rig.ha("ocfs", None)), ["UNKNOWN_CLUSTER_STACK", "o2cb"]);
    assert_eq!(code(rig.call("Membership.get_all", [])), "ok");
}

#[test]
fn a_host_leaves_and_its_number_is_held_until_everybody_has_started() {
    let mut rig = Rig::of(TWO_KINDS, Dialect::Designed);
    assert_eq!(rig.numbers(), [(0, false), (1, false), (2, false)]);
    assert_eq!(rig.conf(0), rig.conf(2));
    assert!(rig.conf(0).contains("\tname = b\n") && rig.needs_restart().is_empty());
    let b = rig.host("b");
    assert_eq!(rig.db().refs(&b, "memberships").len(), 1);
    assert_eq!(code(rig.member("create", "b")), "MEMBERSHIP_ALREADY_EXISTS");
    assert_eq!(code(rig.member("destroy", "b")), "CLUSTER_STACK_IN_USE");
    rig.unplug("ocfs", "b");
    rig.member("destroy", "b").unwrap();
    assert_eq!(code(rig.member("destroy", "b")), "MEMBERSHIP_DOES_NOT_EXIST");
    assert_eq!(rig.numbers(), [(0, false), (1, true), (2, false)]);
    for host in 0..3 {
        assert!(rig.conf(host).contains("#\tname = b\n"), "{}", rig.conf(host));
    }
    assert!(rig.needs_restart().contains(','), "both others still know it");
    // It comes back, with the next number; nobody needs a restart for that.
    let pbd = rig.pbds("ocfs", "b");
    assert_eq!(code(rig.call("PBD.plug", [(&pbd).into()])), "NO_COMPATIBLE_CLUSTER_HOST");
    rig.member("create", "b").unwrap();
    assert_eq!(rig.numbers(), [(0, false), (1, true), (2, false), (3, false)]);
    assert_eq!(code(rig.call("PBD.plug", [pbd.into()])), "ok");
    assert!(rig.conf(0).contains("number = 3"));
    rig.reboot("c");
    rig.reboot("b");
    assert_eq!(rig.numbers().len(), 4, "the coordinator has not started since");
    let down = rig.on("disable", "a").and_then(|_| rig.on("reboot", "a"));
    assert_eq!(code(down), "ok");
    rig.until(60, "down", |r| r.world.core.hosts[0].stage <= state::Stage::Post);
    rig.until(200, "back", |r| r.world.core.hosts[0].stage == state::Stage::Up);
    assert_eq!(rig.numbers(), [(0, false), (2, false), (3, false)]);
    assert!(rig.needs_restart().is_empty() && !rig.conf(1).contains("#\tnumber = 1"));
}

#[test]
fn a_number_that_is_too_high_is_refused() {
    let mut rig = Rig::of(TWO_KINDS, Dialect::Designed);
    rig.unplug("ocfs", "c");
    // So many hosts have come and gone since anybody started.
    let cluster = rig.db().find("Cluster", "name", &"o2cb".into()).unwrap();
    for id in 3..254_i64 {
        let fields = [("id", id.into()), ("cluster", (&cluster).into()), ("left", START.into())];
        rig.world.core.db.create("Membership", &fields);
    }
    rig.member("destroy", "c").unwrap();
    rig.member("create", "c").unwrap();
    assert_eq!(rig.numbers().last(), Some(&(254, false)));
    rig.member("destroy", "c").unwrap();
    let refused = params(rig.member("create", "c"));
    assert_eq!(refused[0], "CLUSTER_NODE_ID_TOO_HIGH");
    assert!(refused.last().unwrap().contains("Restart every node"), "{refused:?}");
}

#[test]
fn the_network_of_a_host_is_changed_in_maintenance_mode_only_where_the_design_says_so() {
    let world = |dialect| Rig::named("split-network", dialect, Overrides::default());
    let pif = |rig: &Rig, host: &str, management: bool| {
        let all = rig.db().find_all("PIF", "host", &Value::Ref(rig.host(host)));
        all.into_iter()
            .find(|r| rig.db().boolean(r, "management") == management && rig.db().boolean(r, "currently_attached"))
            .unwrap()
    };
    let ip = |r: &Ref| -> Vec<Value> {
        let words = ["Static", "10.1.0.9", "255.255.255.0", "", ""].map(Value::from);
        std::iter::once(Value::from(r)).chain(words).collect()
    };
    let mut rig = world(Dialect::Designed);
    let other = pif(&rig, "xcp2", false);
    for call in ["PIF.unplug", "PIF.reconfigure_ip"] {
        let args = if call == "PIF.unplug" { vec![(&other).into()] } else { ip(&other) };
        let failure = rig.call(call, args).unwrap_err();
        assert_eq!(failure.code, "OPERATION_NOT_ALLOWED");
        assert!(failure.params[0].contains("maintenance mode only: the host is enabled"), "{:?}", failure.params);
    }
    rig.on("disable", "xcp2").unwrap();
    let failure = rig.call("PIF.unplug", [(&other).into()]).unwrap_err();
    assert!(failure.params[0].contains("guests run on it") || failure.params[0].contains("is plugged"), "{:?}", failure.params);
    rig.on("prepare_for_maintenance", "xcp2").unwrap();
    rig.call("PIF.reconfigure_ip", ip(&other)).unwrap();
    assert_eq!(rig.db().text(&other, "IP"), "10.1.0.9");
    rig.call("PIF.unplug", [(&other).into()]).unwrap();
    assert!(!rig.db().boolean(&other, "currently_attached"));
    rig.call("PIF.plug", [(&other).into()]).unwrap();
    let own = pif(&rig, "xcp2", true);
    assert_eq!(rig.call("PIF.unplug", [(&own).into()]).unwrap_err().code, "PIF_IS_MANAGEMENT_INTERFACE");
    let mut rig = world(Dialect::Shipped);
    let other = pif(&rig, "xcp2", false);
    rig.call("PIF.unplug", [(&other).into()]).unwrap();
}
