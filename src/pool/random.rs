//! Random observations in random order: nothing panics, and no gate is open while any host is not known to be well.

use super::Pool;
use super::picture::{GateState, LinkState, Severity, Stage};
use super::scene::{host, metrics, pbd, r, t};
use crate::observation::{Answer, Link, Observation, Outcome, Seen, Via};
use crate::time::Time;
use crate::xenapi::record::{
    Bond, Class, Cluster, ClusterHost, Config, Date, HostOperation, Message, Pif, PifMetrics, Pool as PoolRecord, Record, Ref,
    Sr, Task, TaskStatus, Vm,
};
use proptest::prelude::*;
use strum::IntoEnumIterator;

/// Few names for everything, so that references clash, dangle and point to objects of the wrong class.
fn any_ref() -> impl Strategy<Value = Ref> {
    prop_oneof![
        Just("h1"),
        Just("h2"),
        Just("h3"),
        Just("m1"),
        Just("m2"),
        Just("m3"),
        Just("sr"),
        Just("x"),
        Just("OpaqueRef:NULL"),
        Just("")
    ]
    .prop_map(r)
}

fn any_class() -> impl Strategy<Value = Class> {
    proptest::sample::select(Class::iter().collect::<Vec<_>>())
}

fn any_host() -> impl Strategy<Value = Record> {
    (1..4usize, any::<bool>(), 0..4u8, any_ref(), 0..3i64).prop_map(|(n, enabled, op, metrics, boot)| {
        let mut host = host(n);
        host.enabled = enabled;
        match op {
            0 => {
                host.current_operations.insert(r("op"), HostOperation::Shutdown);
            }
            1 => {
                host.current_operations.insert(r("op"), HostOperation::ApplyUpdates);
            }
            2 => host.allowed_operations.push(HostOperation::Reboot),
            _ => host.metrics = metrics,
        }
        if boot > 0 {
            let boot = format!("{}.", 1_799_990_000 + boot);
            host.other_config = Config::from([("boot_time", boot.as_str()), ("mpath-boot", "[1, 2]")]);
        }
        Record::Host(host)
    })
}

fn any_task() -> impl Strategy<Value = Record> {
    let status = proptest::sample::select(vec![
        TaskStatus::Pending,
        TaskStatus::Success,
        TaskStatus::Failure,
        TaskStatus::Cancelled,
        TaskStatus::Cancelling,
        TaskStatus::Other,
    ]);
    (status, any::<f64>(), any::<bool>(), any::<i64>()).prop_map(|(status, progress, rebuild, created)| {
        let name = if rebuild { "SR Recovering" } else { "Async.host.reboot" };
        let created = Date(Some(Time::from_millis(created)));
        Record::Task(Task { name_label: name.into(), status, progress, created, error_info: vec!["X".into()], ..Task::default() })
    })
}

fn any_record() -> impl Strategy<Value = Record> {
    prop_oneof![
        4 => any_host(),
        4 => (any::<bool>(), any::<u64>()).prop_map(|(live, free)| {
            Record::HostMetrics(crate::xenapi::record::HostMetrics { memory_free: free, ..metrics(live) })
        }),
        2 => any_task(),
        1 => (any_ref(), any::<bool>()).prop_map(|(master, ha)| {
            Record::Pool(PoolRecord { master, ha_enabled: ha, ha_statefiles: vec!["v".into()], ..PoolRecord::default() })
        }),
        1 => (any::<bool>(), any::<bool>(), "[a-z_/0-9]{0,8}").prop_map(|(clustered, shared, hint)| {
            let sm_config = Config::from([("mirror_state", hint.as_str()), ("mirrors_in_step", hint.as_str())]);
            Record::Sr(Sr { shared, clustered, sm_config, ..Sr::default() })
        }),
        2 => (1..4usize, any::<bool>(), "\\[?[0-9, -]{0,6}\\]?").prop_map(|(n, attached, paths)| {
            let mut pbd = pbd(n, attached);
            pbd.other_config = Config::from([("mpath-a", paths.as_str())]);
            Record::Pbd(pbd)
        }),
        1 => (any_ref(), any_ref(), any::<bool>(), any::<bool>()).prop_map(|(host, metrics, physical, management)| {
            Record::Pif(Pif { host, metrics, physical, management, currently_attached: true, ..Pif::default() })
        }),
        1 => any::<bool>().prop_map(|carrier| Record::PifMetrics(PifMetrics { carrier, ..PifMetrics::default() })),
        1 => (any_ref(), any_ref(), any::<i64>()).prop_map(|(master, slave, links_up)| {
            Record::Bond(Bond { master, slaves: vec![slave], links_up, ..Bond::default() })
        }),
        1 => (any::<Option<bool>>(), any::<Option<i64>>(), any::<Option<i64>>()).prop_map(|(is_quorate, quorum, live_hosts)| {
            Record::Cluster(Cluster { is_quorate, quorum, live_hosts, ..Cluster::default() })
        }),
        1 => (any_ref(), any_ref(), any::<bool>(), any::<Option<bool>>()).prop_map(|(cluster, host, enabled, live)| {
            Record::ClusterHost(ClusterHost { cluster, host, enabled, joined: true, live, ..ClusterHost::default() })
        }),
        1 => (any_ref(), any::<bool>()).prop_map(|(resident_on, up)| {
            let power_state = if up { "Running" } else { "Halted" };
            Record::Vm(Vm { resident_on, power_state: power_state.into(), memory_dynamic_max: u64::MAX, ..Vm::default() })
        }),
        1 => (proptest::sample::select(vec!["MULTIPATH_PERIODIC_ALERT", "ALARM", "BOND_STATUS_CHANGED", "CLUSTER_HOST_LEAVING", "own"]), ".{0,40}")
            .prop_map(|(name, body)| Record::Message(Message { name: name.into(), body: body.into(), ..Message::default() })),
    ]
}

fn any_seen() -> impl Strategy<Value = Seen> {
    let outcome = prop_oneof![
        3 => any::<Option<i64>>().prop_map(|clock| Outcome::Ok { clock: clock.map(Time::from_millis) }),
        1 => proptest::option::of(Just("CANNOT_CONTACT_HOST".to_owned())).prop_map(|code| Outcome::Failed { code, error: "x".into() }),
    ];
    prop_oneof![
        20 => (any_ref(), any_record()).prop_map(|(r#ref, record)| Seen::Set { r#ref, record: record.into() }),
        3 => (any_class(), any_ref()).prop_map(|(class, r#ref)| Seen::Gone { class, r#ref }),
        5 => Just(Seen::Link(Link::Live { coordinator: "c".into() })),
        1 => Just(Seen::Link(Link::Lost { error: "e".into(), retry_at: t(5.0), attempt: 1 })),
        1 => Just(Seen::Link(Link::Connecting { to: "c".into() })),
        1 => Just(Seen::Link(Link::Closed)),
        1 => proptest::collection::vec(any_class(), 0..3).prop_map(|classes| Seen::Resync { classes, why: "w".into() }),
        6 => Just(Seen::Synced { classes: Class::iter().collect() }),
        2 => proptest::collection::vec(any_class(), 0..3).prop_map(|classes| Seen::Synced { classes }),
        8 => any::<Option<u64>>().prop_map(|generation| Seen::Heard { generation }),
        12 => (any_ref(), any::<bool>(), any::<u32>(), outcome).prop_map(|(host, rrd, took_ms, outcome)| {
            Seen::Answer(Answer { host, via: if rrd { Via::Rrd } else { Via::Servertime }, took_ms, outcome })
        }),
        2 => (any_ref(), any::<f64>()).prop_map(|(host, value)| {
            Seen::Samples { host, row: Time::EPOCH, values: vec![("memory_free_kib".into(), value), ("statefile/x/latency".into(), value)] }
        }),
        1 => Just(Seen::Unreadable { class: "x".into(), r#ref: r("x"), why: "y".into() }),
    ]
}

/// A pool of three hosts that is well, and then anything.
pub(crate) fn any_observations(most: usize) -> impl Strategy<Value = Vec<Observation>> {
    proptest::collection::vec((any_seen(), 0..2_000i64), 0..most).prop_map(|steps| {
        let mut s = super::scene::Scene::new(3);
        s.pass(10.0);
        let mut told = s.told;
        for (seen, pause) in steps {
            s.now += pause as f64 / 1000.0;
            told.push(Observation { at: t(s.now), seen });
        }
        told
    })
}

fn check(pool: &Pool, now: Time) {
    let p = pool.picture(now);
    let well = |stage: Stage| matches!(stage, Stage::Live | Stage::Back);
    for h in p.hosts.iter().filter(|h| h.gate.state == GateState::Open) {
        assert_eq!(p.link.state, LinkState::Live, "open without a live connection");
        assert!(well(h.state.stage) || h.state.stage == Stage::Disabled, "{} is open and {:?}", h.name, h.state);
        for other in p.hosts.iter().filter(|o| o.r#ref != h.r#ref) {
            assert!(well(other.state.stage), "{} is open while {} is {:?}", h.name, other.name, other.state);
        }
        assert!(
            p.rebuilds.iter().all(|r| r.ended.is_some_and(|at| now.since(at).as_secs() >= 60)),
            "open while rebuilding: {:?}",
            p.rebuilds
        );
        assert!(p.clusters.iter().all(|c| c.quorate != Some(false)));
    }
    let any = p.hosts.iter().any(|h| h.gate.state == GateState::Open);
    let yes = p.verdict.state == GateState::Open;
    assert!(any || !yes, "a yes although no gate is open");
    // A host that keeps the others from going may go itself; that is no yes, and says what is hard about it.
    let hard = p.verdict.reasons.iter().any(|r| r.severity == Severity::Hard);
    assert!(yes != hard, "a yes with something hard, or a no without: {:?}", p.verdict);
    if !yes {
        assert!(!p.verdict.headline.is_empty() && !p.verdict.reasons.is_empty(), "a no without a reason: {:?}", p.verdict);
    }
    for h in &p.hosts {
        assert!(h.gate.state == GateState::Open || !h.gate.reasons.is_empty());
    }
    if let Some(next) = pool.next_change(now) {
        assert!(next > now);
    }
    serde_json::to_string(&super::json::Status::new(&p)).expect("writable");
}

/// What a test knows by itself: when each host last gave any sign of life.
#[derive(Default)]
struct Witness(std::collections::HashMap<Ref, Time>);

impl Witness {
    fn see(&mut self, seen: &Seen, at: Time) {
        match seen {
            Seen::Answer(Answer { host, outcome: Outcome::Ok { .. }, .. }) => {
                self.0.insert(host.clone(), at);
            }
            Seen::Set { r#ref, record } if record.class() == Class::HostMetrics => {
                self.0.insert(r#ref.clone(), at);
            }
            _ => {}
        }
    }

    /// No gate is open unless every other host was heard within 20 s and is live and no task rebuilds, by the records themselves.
    fn check(&self, pool: &Pool, now: Time) {
        let p = pool.picture(now);
        for h in p.hosts.iter().filter(|h| h.gate.state == GateState::Open) {
            for other in p.hosts.iter().filter(|o| o.r#ref != h.r#ref && !o.coordinator) {
                let Some(Record::Host(record)) = pool.record(&other.r#ref) else { continue };
                let signs = [&other.r#ref, &record.metrics].map(|r| self.0.get(r).copied());
                let last = signs.into_iter().flatten().max();
                assert!(
                    last.is_some_and(|at| now.since(at).as_secs() < 20),
                    "{} is open, {} was heard {last:?}",
                    h.name,
                    other.name
                );
                assert!(record.enabled, "{} is open, {} is disabled", h.name, other.name);
            }
            for task in &p.tasks {
                let Some(Record::Task(record)) = pool.record(&task.r#ref) else { continue };
                assert!(
                    &*record.name_label != "SR Recovering" || !record.status.is_running(),
                    "{} is open while a task rebuilds",
                    h.name
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics_and_no_gate_is_open_without_proof(steps in proptest::collection::vec((any_seen(), 0..20_000i64), 1..120)) {
        let mut pool = Pool::new("random");
        let mut now = t(0.0);
        for (seen, pause) in steps {
            now = now + std::time::Duration::from_millis(pause as u64 / if pause % 3 == 0 { 1 } else { 50 });
            pool.apply(&Observation { at: now, seen });
            check(&pool, now);
        }
        check(&pool, now + std::time::Duration::from_secs(100_000));
    }

    #[test]
    fn a_pool_that_was_well_is_shut_by_whatever_happens_to_a_host(steps in proptest::collection::vec((any_seen(), 0..2_000i64), 1..60)) {
        let mut s = super::scene::Scene::new(3);
        s.pass(10.0);
        prop_assert_eq!(s.picture().verdict.state, GateState::Open);
        let mut witness = Witness::default();
        for o in &s.told {
            witness.see(&o.seen, o.at);
        }
        for (seen, pause) in steps {
            s.now += pause as f64 / 1000.0;
            witness.see(&seen, t(s.now));
            s.say(seen);
            check(&s.pool, t(s.now));
            witness.check(&s.pool, t(s.now));
        }
    }
}

/// A large pool: what it costs is measured by `cargo bench`; here only that it is not absurd in a debug build.
#[test]
fn a_large_pool_is_told_in_bounded_time() {
    let mut s = super::scene::Scene::new(64);
    for n in 0..2_000 {
        s.guest(&format!("guest {n}"), n % 64 + 1);
    }
    let start = std::time::Instant::now();
    let p = s.picture();
    assert_eq!((p.hosts.len(), p.guests, p.hosts[0].vms), (64, 2_000, 32));
    assert!(start.elapsed().as_millis() < 500, "{:?}", start.elapsed());
}
