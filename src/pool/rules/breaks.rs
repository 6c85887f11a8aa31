//! What a rebuild is, whose task is gone after the connection broke.

use crate::observation::{Link, Seen};
use crate::pool::picture::GateState;
use crate::pool::scene::{Scene, host, t};
use crate::xenapi::record::{Class, Config, Host, Record};

/// Three hosts, a rebuild, a connection that breaks for so long, and no rebuild any more when it is back. `restarted`: the coordinator's
/// toolstack has started again since.
fn after_a_break(away: f64, restarted: bool) -> Scene {
    let mut s = Scene::new(3);
    s.pass(10.0);
    s.rebuild(0.0);
    s.pass(10.0);
    s.say(Seen::Link(Link::Lost { error: "connection refused".into(), retry_at: t(s.now + 1.0), attempt: 1 }));
    s.now += away;
    let verdict = s.picture().verdict;
    assert_eq!(verdict.state, GateState::Unknown);
    assert!(verdict.headline.starts_with("Cannot tell: the connection to the pool has been lost"), "{}", verdict.headline);
    s.say(Seen::Link(Link::Live { coordinator: "xcp1".into() }));
    let classes = vec![Class::Pool, Class::Host, Class::HostMetrics, Class::Task, Class::Sr, Class::Pbd];
    s.say(Seen::Resync { classes: classes.clone(), why: "x".into() });
    s.read_all();
    if restarted {
        s.set("h1", Record::Host(host_of_a_new_toolstack()));
    }
    s.say(Seen::Synced { classes });
    s.pass(20.0);
    s
}

/// The coordinator, after its toolstack started again.
fn host_of_a_new_toolstack() -> Host {
    Host { other_config: Config::from([("boot_time", "1799990000."), ("agent_start_time", "1799999999.")]), ..host(1) }
}

fn is_unseen(s: &Scene) -> bool {
    s.picture().verdict.reasons.iter().any(|r| r.code == "rebuild-unseen")
}

#[test]
fn a_rebuild_whose_task_went_with_the_coordinator_is_not_over() {
    let mut s = after_a_break(5.0, true);
    assert!(is_unseen(&s));
    // Out of reach for so long, it may have been cut off from what it watches.
    let long = after_a_break(30.0, false);
    assert!(is_unseen(&long));
    s.pass(600.0);
    assert_eq!(s.gate(2).0, GateState::Open);
}

#[test]
fn a_rebuild_whose_task_went_while_the_same_xapi_ran_on_is_over() {
    let mut s = after_a_break(5.0, false);
    assert_eq!(s.gate(2), (GateState::Closed, "rebuild-settling"));
    // A start of xapi that is told late: then it may have been forgotten after all.
    assert!(!is_unseen(&s));
    s.set("h1", Record::Host(host_of_a_new_toolstack()));
    assert!(is_unseen(&s));
    let mut s = after_a_break(5.0, false);
    s.pass(61.0);
    assert_eq!(s.gate(2).0, GateState::Open);
}
