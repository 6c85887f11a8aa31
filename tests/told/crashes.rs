//! After a crash: the host is missed, comes back, and what the pool tells of it says which guests were lost, which dump there is, and of what.

use crate::rig::{Told, host};
use poolwatch::pool::outages::OutageView;
use poolwatch::pool::picture::Stage;

/// The newest crash of a host.
fn of(told: &Told, name: &str) -> OutageView {
    told.outages().into_iter().find(|o| o.name == name).unwrap_or_else(|| panic!("no crash of {name}\n{}", told.story()))
}

/// When a host that went was all there again, in seconds.
fn back(told: &Told, name: &str, after: f64) -> f64 {
    told.first("it is back", |p| told.secs_of(p) > after && matches!(host(p, name).state.stage, Stage::Back | Stage::Live))
}

#[test]
fn a_kernel_bug_is_a_crash_with_a_dump_of_a_bug() {
    let mut told = Told::of("kernel-bug");
    told.watch(420.0);
    // At 60 s, with all paths well. 52 s for the crash kernel and its dump, then a boot.
    let silent = told.first("xcp3 is missed", |p| host(p, "xcp3").state.stage == Stage::Silent);
    assert!((60.0..=95.0).contains(&silent), "{silent}");
    let again = told.alert("boot-time-changed", "xcp3");
    assert!((140.0..=260.0).contains(&again), "{again}");
    assert!(back(&told, "xcp3", again) < 300.0);
    let crash = of(&told, "xcp3");
    let dump = crash.dump.expect("it left a dump");
    assert_eq!(dump.cause.as_deref(), Some("bug"));
    assert!(dump.size > 10_000 && dump.size < 10_000_000, "{}", dump.size);
    let made = dump.at.unwrap().since(told.pictures[0].at).as_secs_f64();
    assert!((60.0..=90.0).contains(&made), "{made}");
    assert!(!crash.guests.is_empty(), "its guests were lost");
    assert!(
        !told.ever(0.0, 420.0, |p| p.alerts.iter().any(|a| a.name == "fence-near")),
        "nothing pointed to a fence\n{}",
        told.story()
    );
}

#[test]
fn a_fence_by_reset_leaves_no_dump_and_one_by_panic_does() {
    let mut told = Told::of("fence-o2cb");
    told.watch(760.0);
    let reset = of(&told, "xcp3");
    assert_eq!(reset.dump, None, "o2cb's own way: the machine is reset");
    assert!(reset.margin.is_some_and(|m| m.contains("xcp3")), "how near it was is remembered");
    let panic = of(&told, "xcp2");
    let dump = panic.dump.expect("its fence method is panic");
    assert_eq!(dump.cause.as_deref(), Some("o2cb"));
    let warned = &host(told.at(500.0), "xcp2").fence.as_ref().unwrap().warnings;
    assert!(!warned.iter().any(|w| w.contains("no crash dump")), "{warned:?}");
    assert!(back(&told, "xcp2", 520.0) < 740.0);
}

#[test]
fn a_fence_by_xhad_is_told_by_xapi_and_leaves_no_dump() {
    let mut told = Told::of("fence-xhad");
    told.watch(420.0);
    let crash = of(&told, "xcp3");
    assert_eq!(crash.dump, None);
    let names: Vec<&str> = crash.told.iter().map(|(_, name)| name.as_str()).collect();
    assert!(names.contains(&"HA_HOST_FAILED") && names.contains(&"HA_HOST_WAS_FENCED"), "{names:?}");
}
