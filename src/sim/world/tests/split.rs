//! Networks in groups, I/O errors, several regions; o2cb and xhad.

use super::*;
use std::collections::BTreeSet;
use std::fmt::Write as _;

fn ocfs2(hosts: &[&str], regions: usize, guests: usize) -> String {
    let mut text = format!("title = \"split\"\npool = \"test\"\nfill = {{ running = {guests} }}\n");
    text.push_str(
        "boot = { shutdown_delay_s = 10, post_s = 30, hello_s = 5, cluster_s = 3, pbd_s = 1, enable_s = 2, toolstack_s = 12 }\n",
    );
    for host in hosts {
        let _ = writeln!(text, "[[hosts]]\nname = \"{host}\"");
    }
    for n in 0..regions {
        let _ = writeln!(text, "[[srs]]\nname = \"r{n}\"\nkind = \"ocfs2\"\nluns = [{{ scsi_id = \"lun{n}\", paths = 2 }}]");
    }
    text
}

fn xhad(hosts: &[&str]) -> String {
    let mut text =
        "title = \"xhad\"\npool = \"test\"\nha = { enabled = true, timeout_s = 60, watch_statefile = true }\n".to_owned();
    for host in hosts {
        let _ = writeln!(text, "[[hosts]]\nname = \"{host}\"");
    }
    text.push_str("[[srs]]\nname = \"san\"\nkind = \"lvmoiscsi\"\nluns = [{ scsi_id = \"lun0\", paths = 2 }]\n");
    text
}

impl Rig {
    /// Who is down, or on the way up.
    fn dead(&self) -> Vec<&str> {
        self.world.core.hosts.iter().filter(|h| h.stage <= state::Stage::Post).map(|h| h.name.as_str()).collect()
    }

    fn uuid(&self, host: &str) -> String {
        self.world.core.hosts.iter().find(|h| h.name == host).unwrap().uuid.clone()
    }
}

#[test]
fn of_two_halves_the_one_with_the_lowest_number_lives() {
    let mut rig = Rig::of(&ocfs2(&["a", "b", "c", "d"], 1, 0), Dialect::Designed);
    rig.fault("split groups=a,d|b,c");
    rig.run(95.5);
    assert!(rig.dead().is_empty());
    rig.run(1.0);
    assert_eq!(rig.dead(), ["b", "c"]);
    rig.run(100.0);
    assert!(!rig.up("b"), "its coordinator is on the other side");
    rig.fault("unsplit");
    rig.until(120, "all are back", |r| r.up("b") && r.up("c"));
    assert!(rig.world.core.hosts.iter().all(|h| h.cut.is_none()));
}

#[test]
fn of_five_the_majority_lives_wherever_the_lowest_is() {
    let mut rig = Rig::of(&ocfs2(&["a", "b", "c", "d", "e"], 1, 0), Dialect::Designed);
    rig.fault("split groups=a,b|c,d,e");
    rig.run(97.0);
    assert_eq!(rig.dead(), ["a", "b"]);
}

#[test]
fn a_split_that_heals_in_time_kills_nobody() {
    let mut rig = Rig::of(&ocfs2(&["a", "b", "c", "d"], 1, 0), Dialect::Designed);
    rig.fault("split groups=a,d|b,c");
    rig.run(60.0);
    rig.fault("unsplit");
    rig.run(200.0);
    assert!(rig.dead().is_empty() && ["b", "c"].iter().all(|h| rig.up(h)));
    let mut rig = Rig::of(&xhad(&["a", "b", "c"]), Dialect::Designed);
    rig.fault("cut host=c");
    rig.run(45.0);
    rig.fault("heal host=c");
    rig.run(200.0);
    assert!(rig.dead().is_empty() && rig.messages("HA_HOST_FAILED").is_empty());
}

#[test]
fn of_two_hosts_xhad_fences_the_higher_uuid_and_the_other_takes_over() {
    let mut rig = Rig::of(&xhad(&["a", "b"]), Dialect::Designed);
    let (low, high) = if rig.uuid("a") < rig.uuid("b") { ("a", "b") } else { ("b", "a") };
    rig.fault(&format!("split groups=a|b seat={low}"));
    rig.run(59.5);
    assert!(rig.dead().is_empty());
    rig.run(1.0);
    assert_eq!(rig.dead(), [high]);
    rig.run(30.0);
    let master = rig.db().reference(rig.db().pool().unwrap(), "master");
    assert_eq!(master, rig.host(low));
}

#[test]
fn xhad_keeps_the_larger_set_even_without_the_coordinator() {
    let mut rig = Rig::of(&xhad(&["a", "b", "c"]), Dialect::Designed);
    rig.fault("split groups=a|b,c seat=b");
    rig.run(61.0);
    assert_eq!(rig.dead(), ["a"]);
    rig.run(30.0);
    rig.login();
    assert_ne!(rig.db().reference(rig.db().pool().unwrap(), "master"), rig.host("a"));
    assert!(!rig.live("a") && rig.live("b") && rig.live("c"));
}

#[test]
fn without_any_statefile_those_live_who_hear_all() {
    let mut rig = Rig::of(&xhad(&["a", "b", "c"]), Dialect::Designed);
    for host in ["a", "b", "c"] {
        rig.fault(&format!("fail-path host={host} paths=2"));
    }
    rig.run(200.0);
    assert!(rig.dead().is_empty(), "all hear each other");
    assert_eq!(rig.messages("HA_STATEFILE_LOST").len(), 1);
    assert!(rig.db().set_of(&rig.host("b"), "ha_statefiles").is_empty());
    rig.fault("cut host=c");
    rig.run(62.0);
    assert_eq!(rig.dead().len(), 3, "and now nobody hears all");
}

#[test]
fn xapi_writes_down_who_lost_the_statefile_within_20_s() {
    let mut rig = Rig::of(&xhad(&["a", "b", "c"]), Dialect::Designed);
    rig.run(7.0);
    rig.fault("fail-path host=c paths=2");
    rig.run(1.0);
    assert_eq!(rig.db().set_of(&rig.host("c"), "ha_statefiles").len(), 1);
    rig.run(20.0);
    assert!(rig.db().set_of(&rig.host("c"), "ha_statefiles").is_empty());
    assert_eq!(rig.db().set_of(&rig.host("b"), "ha_statefiles").len(), 1);
    rig.fault("repair-path host=c");
    rig.run(20.5);
    assert_eq!(rig.db().set_of(&rig.host("c"), "ha_statefiles").len(), 1);
    rig.run(60.0);
    assert!(rig.dead().is_empty());
}

#[test]
fn of_three_regions_one_may_go_and_two_are_too_many() {
    let mut rig = Rig::of(&ocfs2(&["a", "b", "c"], 3, 0), Dialect::Designed);
    rig.fault("fail-path host=c lun=lun0 paths=2");
    rig.run(200.0);
    assert!(rig.dead().is_empty());
    let live = rig.world.core.o2cb_live(2).unwrap();
    assert_eq!(live.failed_regions.get().map(BTreeSet::len), Some(1));
    assert_eq!(live.clusters.get().unwrap()[0].regions.len(), 3);
    rig.fault("fail-path host=c lun=lun2 paths=2");
    rig.run(59.5);
    assert!(rig.dead().is_empty());
    rig.run(1.0);
    assert_eq!(rig.dead(), ["c"]);
    // Two regions are no better than one.
    let mut rig = Rig::of(&ocfs2(&["a", "b", "c"], 2, 0), Dialect::Designed);
    rig.fault("fail-path host=c lun=lun1 paths=2");
    rig.run(61.0);
    assert_eq!(rig.dead(), ["c"]);
}

#[test]
fn with_io_errors_an_idle_host_fences_after_60_s_and_one_that_writes_panics_within_seconds() {
    let mut rig = Rig::of(&ocfs2(&["a", "b", "c"], 1, 0), Dialect::Designed);
    rig.fault("fail-path host=c paths=2 how=error");
    rig.run(59.5);
    assert!(rig.dead().is_empty());
    assert_eq!(rig.world.core.o2cb_kernel(2).len(), 1, "its kernel says so");
    rig.run(1.0);
    assert!(rig.dead() == ["c"] && matches!(&rig.world.core.hosts[2].away, Some(a) if a.cause == Cause::Fence));
    // Who has errors does not wait for the others.
    let mut rig = Rig::of(&ocfs2(&["a", "b", "c"], 1, 0), Dialect::Designed);
    for host in ["a", "b", "c"] {
        rig.fault(&format!("fail-path host={host} paths=2 how=error"));
    }
    rig.run(61.0);
    assert_eq!(rig.dead().len(), 3);
    let mut rig = Rig::of(&ocfs2(&["a", "b", "c"], 1, 9), Dialect::Designed);
    assert!(rig.guests_of("c") > 0);
    rig.fault("fail-path host=c paths=2 how=error");
    rig.run(3.0);
    rig.fault("repair-path host=c");
    rig.run(10.0);
    assert!(rig.dead().is_empty(), "a short burst");
    rig.fault("fail-path host=c paths=2 how=error");
    rig.run(6.0);
    assert!(rig.dead() == ["c"] && matches!(&rig.world.core.hosts[2].away, Some(a) if a.cause == Cause::Panic));
}

#[test]
fn a_wrong_split_is_explained() {
    let mut rig = Rig::of(&ocfs2(&["a", "b"], 1, 0), Dialect::Designed);
    let said = |rig: &mut Rig, text: &str| rig.world.fault(text.parse().unwrap()).unwrap_err().to_string();
    assert!(said(&mut rig, "split groups=a,b").contains("two groups or more"));
    assert!(said(&mut rig, "split groups=a|x").contains("no host called `x`"));
    assert!(said(&mut rig, "unsplit").contains("not split"));
}
