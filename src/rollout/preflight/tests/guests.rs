//! Guests that cannot leave, and room for those that can.

use super::super::testkit::{Case, brief};
use crate::pool::picture::Severity::{Hard, Note, Soft};
use crate::pool::scene::{metrics, r};
use crate::rollout::finding::Fix;
use crate::rollout::look::{Look, Sight};
use crate::rollout::survey::FRESH;
use crate::xenapi::record::{HostMetrics, Pif, Pool as PoolRecord, Record, Sr};

fn with(code: &str, params: &[&str]) -> Case {
    let mut case = Case::new(3);
    case.guest("db1", 2, 8);
    case.blockers(2, &[("db1", code, params)]);
    case
}

#[test]
fn guests_that_are_bound_to_their_host_are_named_with_what_binds_them() {
    for (code, words) in [
        ("VM_HAS_PCI_ATTACHED", "PCI device"),
        ("VM_HAS_VGPU", "graphics card"),
        ("VM_HAS_SRIOV_VIF", "SR-IOV"),
        ("VM_HAS_VUSBS", "USB"),
        ("VM_LACKS_FEATURE", "guest tools"),
        ("VM_MISSING_PV_DRIVERS", "guest tools"),
    ] {
        let mut case = with(code, &["db1"]);
        let found = case.find("cannot-move");
        assert_eq!((found.severity, found.about.as_str(), &found.fix), (Hard, "db1", &Some(Fix::ShutDownPinned)), "{code}");
        assert!(found.text.starts_with("db1 on xcp2 "), "{}", found.text);
        assert!(found.text.contains(words) || found.evidence.contains(words), "{found:?}");
        case.options.shut_down_pinned = true;
        let found = case.find("cannot-move");
        assert!(found.severity == Note && found.text.contains("shut down while xcp2 reboots"), "{}", found.text);
    }
}

#[test]
fn what_is_said_to_be_shut_down_is_what_the_machine_would_shut_down() {
    use crate::rollout::machine::refusal::{Class, class};
    let source = include_str!("../evacuate.rs");
    let codes: Vec<&str> =
        source.split('"').skip(1).step_by(2).filter(|s| s.starts_with("VM_") || s.starts_with("HOST_")).collect();
    assert!(codes.len() > 15, "{codes:?}");
    for code in codes {
        let mut case = with(code, &["db1"]);
        case.options.shut_down_pinned = true;
        let stopped = case.found().iter().any(|f| f.severity == Note && f.text.contains("It is shut down"));
        assert!(!stopped || class(code, &[]) == Class::Guest, "{code} is announced, and the machine would ask");
    }
}

#[test]
fn a_code_that_nobody_knows_is_told_as_it_is_and_not_mended_by_a_shutdown() {
    let mut case = with("SOMETHING_NEW", &["db1"]);
    case.options.shut_down_pinned = true;
    let found = case.find("cannot-move");
    assert_eq!((found.severity, &found.fix), (Hard, &None));
    assert!(found.evidence.contains("SOMETHING_NEW"), "{}", found.evidence);
}

#[test]
fn guests_that_are_shut_down_need_no_room_elsewhere() {
    let mut case = with("VM_HAS_VGPU", &["db1"]);
    free(&mut case, &[1, 1, 1]);
    assert_eq!(case.find("no-memory").about, "xcp2");
    case.options.shut_down_pinned = true;
    assert!(!case.found().iter().any(|f| f.severity == Hard), "{:?}", brief(&case.found()));
}

#[test]
fn storage_that_keeps_a_guest_is_told_apart_local_shared_and_cd() {
    let mut case = with("VM_REQUIRES_SR", &["db1", "x"]);
    let sr = |shared, content: &str| {
        Record::Sr(Sr { name_label: "store".into(), shared, content_type: content.into(), ..Sr::default() })
    };
    case.s.set("x", sr(false, "user"));
    assert_eq!(case.said("cannot-move").2, "db1 on xcp2 has a disk on the local SR store and cannot move without it.");
    case.s.set("x", sr(true, "user"));
    assert_eq!(case.said("needs-storage").2, "db1 on xcp2 has a disk on store, which not every other host has plugged.");
    case.s.set("x", sr(true, "iso"));
    assert!(case.find("cd-inserted").mend.contains("xe vm-cd-eject"));
}

#[test]
fn networks_are_told_by_the_interfaces_that_lead_to_them() {
    let mut case = with("VM_REQUIRES_NETWORK", &["db1", "net"]);
    case.s.set("i", Record::Pif(Pif { device: "eth1".into(), vlan: 40, network: r("net"), host: r("h2"), ..Pif::default() }));
    assert_eq!(
        case.said("needs-network").2,
        "db1 on xcp2 needs the network of eth1 VLAN 40, which not every other host is connected to."
    );
}

#[test]
fn versions_processors_blocks_and_work_under_way_are_told_apart() {
    let case = with("VM_INCOMPATIBLE_WITH_THIS_HOST", &["db1", "h3", "CPU features\u{1b} missing"]);
    assert_eq!(case.said("incompatible").2, "db1 on xcp2 cannot run on xcp3: CPU features missing.");
    assert_eq!(with("VM_HOST_INCOMPATIBLE_VERSION_MIGRATE", &["h3", "db1"]).said("incompatible").0, Hard);
    assert_eq!(
        with("OPERATION_BLOCKED", &["db1", "backup"]).said("blocked").2,
        "Somebody has blocked moving db1 of xcp2 (backup)."
    );
    assert_eq!(with("OTHER_OPERATION_IN_PROGRESS", &["VM", "db1"]).said("guest-busy").0, Soft);
    assert_eq!(with("HOST_NOT_ENOUGH_FREE_MEMORY", &["db1"]).said("no-room").0, Hard);
    assert_eq!(with("NO_HOSTS_AVAILABLE", &["db1"]).said("no-room").0, Hard);
}

#[test]
fn with_ha_on_what_xapi_says_of_unprotected_guests_is_no_blocker() {
    for code in ["HOST_NOT_ENOUGH_FREE_MEMORY", "HOST_EVACUATE_VM_NOT_HA_PROTECTED"] {
        let mut case = with(code, &["db1"]);
        let record = PoolRecord { master: r("h1"), ha_enabled: true, ha_plan_exists_for: 1, ..PoolRecord::default() };
        case.s.set("pool", Record::Pool(record));
        let (severity, about, text) = case.said("not-ha-protected");
        assert_eq!((severity, about.as_str()), (Note, "db1"));
        assert!(text.contains("HA is switched off first"), "{text}");
    }
}

#[test]
fn what_was_not_answered_or_answered_long_ago_counts_as_no() {
    let mut case = Case::new(3);
    case.guest("db1", 2, 8);
    case.answer(Look::Blockers { host: r("h2") }, Sight::Failed { code: None, text: "timed out.".into() });
    assert_eq!(case.said("blockers-unknown").2, "Cannot tell whether the guests of xcp2 can leave it: timed out.");
    case.blockers(2, &[]);
    case.s.pass(FRESH.as_secs_f64() + 60.0);
    assert_eq!((case.said("survey-old").0, case.said("survey-old").1), (Hard, "xcp2".into()));
}

#[test]
fn the_only_host_is_soft_and_its_guests_have_to_stop() {
    let mut case = Case::new(1);
    assert!(case.found().is_empty());
    case.guest("db1", 1, 8);
    case.blockers(1, &[("db1", "NO_HOSTS_AVAILABLE", &["db1"])]);
    assert_eq!(case.said("only-host").0, Soft);
    assert_eq!(case.said("cannot-move").0, Hard);
    case.options.shut_down_pinned = true;
    assert_eq!(case.said("cannot-move").0, Note);
}

/// Hosts with 64 GiB, of which so many are free.
fn free(case: &mut Case, gib: &[u64]) {
    for (n, gib) in gib.iter().enumerate() {
        case.s.set(&format!("m{}", n + 1), Record::HostMetrics(HostMetrics { memory_free: gib << 30, ..metrics(true) }));
    }
}

#[test]
fn the_host_whose_absence_is_tightest_is_named() {
    let mut case = Case::new(3);
    free(&mut case, &[20, 30, 40]);
    case.guest("a", 1, 10);
    case.guest("b", 2, 35);
    case.guest("c", 3, 20);
    let (severity, about, text) = case.said("capacity");
    assert_eq!((severity, about.as_str()), (Note, "xcp2"));
    assert_eq!(text, "Tightest with xcp2 out: its guest needs 35 GiB, and 60 GiB is free on the others.");
}

#[test]
fn too_little_memory_is_hard_and_memory_in_the_wrong_places_soft() {
    let mut case = Case::new(3);
    free(&mut case, &[20, 10, 10]);
    case.guest("a", 1, 24);
    case.guest("b", 2, 16);
    let found = case.find("no-memory");
    assert_eq!(
        (found.severity, found.about.as_str(), found.text.as_str()),
        (Hard, "xcp1", "The hosts that could take them lack 4.0 GiB for the guests of xcp1.")
    );
    free(&mut case, &[20, 15, 15]);
    let found = case.find("tight-memory");
    assert_eq!((found.severity, found.about.as_str()), (Soft, "xcp1"));
    assert!(found.text.contains("room for a of xcp1"), "{}", found.text);
    assert!(!case.found().iter().any(|f| f.code == "capacity"), "{:?}", brief(&case.found()));
}

#[test]
fn guests_that_do_not_come_home_fill_the_hosts_that_follow() {
    let mut case = Case::new(2);
    free(&mut case, &[30, 30]);
    case.guest("a", 1, 20);
    case.guest("b", 2, 20);
    assert!(!case.found().iter().any(|f| f.severity == Hard), "each in turn");
    case.options.home = false;
    // xcp1 empties onto xcp2; then both guests have to go to xcp1, which has 50 GiB by then.
    assert!(!case.found().iter().any(|f| f.severity == Hard), "{:?}", brief(&case.found()));
    let mut case = Case::new(3);
    free(&mut case, &[0, 20, 5]);
    case.options.home = false;
    case.guest("a", 1, 20);
    case.guest("b", 2, 10);
    assert!(!case.found().iter().any(|f| f.severity == Hard), "{:?}", brief(&case.found()));
}

#[test]
fn guests_do_not_move_to_older_software() {
    let mut case = Case::new(3);
    free(&mut case, &[60, 60, 20]);
    case.guest("a", 2, 30);
    let version = |v: &str| [("product_brand", "XCP-ng"), ("product_version", v), ("xapi", "26.1")].into();
    assert!(!case.found().iter().any(|f| f.severity == Hard));
    for n in [2, 3] {
        case.s.host_is(n, |h| h.software_version = version("8.10.0"));
    }
    let found = case.find("no-memory");
    assert_eq!((found.about.as_str(), found.evidence.contains("20 GiB free")), ("xcp2", true), "{found:?}");
    case.s.host_is(2, |h| h.software_version = version("8.3.0"));
    assert!(!case.found().iter().any(|f| f.severity == Hard), "{:?}", brief(&case.found()));
}

#[test]
fn hosts_that_do_not_tell_their_memory_are_a_note() {
    let mut case = Case::new(2);
    case.s.set("m2", Record::HostMetrics(HostMetrics { live: true, ..HostMetrics::default() }));
    assert_eq!(case.said("capacity-unknown").2, "Cannot tell how much memory xcp2 has free: room for guests is not checked.");
}

#[test]
fn a_pool_without_shared_storage_is_a_note() {
    let mut case = Case::new(2);
    case.guest("a", 1, 1);
    assert!(!case.found().iter().any(|f| f.code == "no-shared-storage"));
    case.s.set("sr", Record::Sr(Sr { name_label: "local".into(), ..Sr::default() }));
    assert_eq!(case.said("no-shared-storage").0, Note);
}
