//! The margin over small made-up scenes; the recorded ones are in `tests/samples_o2cb.rs`.

use super::*;
use crate::o2cb::live::known::{Because, Known, Unknown};
use crate::o2cb::live::{Cluster, Kernel, Live, Mode, Node, Region, Socket};
use crate::time::Time;

/// A host as node `own` of `nodes` (named `n1`, `n2`, …) that is up for `uptime` s, with one elapsed time a region, in ms.
fn host(own: u8, nodes: &[u8], uptime: u64, elapsed: &[u64]) -> Live {
    let all: BTreeSet<u8> = nodes.iter().copied().collect();
    let mut connected = all.clone();
    connected.remove(&own);
    let regions = elapsed.iter().zip(0u8..).map(|(ms, num)| Region {
        uuid: format!("{num:032X}"),
        device: Known::Yes(format!("vd{}", char::from(b'a' + num))),
        num: Known::Yes(num),
        elapsed_ms: Known::Yes(*ms),
        live_nodes: Known::Yes(all.clone()),
        pinned: Known::Yes(true),
    });
    let node = |num: &u8| Node {
        name: format!("n{num}"),
        num: Known::Yes(*num),
        address: Known::Yes(format!("10.0.0.{num}")),
        port: Known::Yes(7777),
        local: Known::Yes(*num == own),
    };
    let cluster = Cluster {
        name: "pool".into(),
        idle_timeout_ms: Known::Yes(30_000),
        keepalive_delay_ms: Known::Yes(2_000),
        reconnect_delay_ms: Known::Yes(2_000),
        fence_method: Known::Yes(FenceMethod::Reset),
        dead_threshold: Known::Yes(31),
        mode: Known::Yes(Mode::Global),
        nodes: nodes.iter().map(node).collect(),
        regions: regions.collect(),
    };
    let regions: BTreeSet<u8> = (0..u8::try_from(elapsed.len()).unwrap()).collect();
    Live {
        taken: Time::EPOCH,
        host: Known::Yes(format!("n{own}")),
        uptime_ms: Known::Yes(uptime * 1_000),
        kernel: Known::Yes(Kernel { major: 6, minor: 1, release: "6.1.0".into() }),
        hz: Some(250),
        clusters: Known::Yes(vec![cluster]),
        live_nodes: Known::Yes(all),
        live_regions: Known::Yes(regions.clone()),
        quorum_regions: Known::Yes(regions),
        failed_regions: Known::Yes(BTreeSet::new()),
        connected: Known::Yes(connected),
        sockets: Known::No(Unknown::new("sock_containers", Because::NotLooked("calm".into()))),
        ..Live::default()
    }
}

/// The same host, with peers that were last heard so many seconds ago.
fn heard(mut live: Live, silence: &[(u8, u64)]) -> Live {
    let uptime = live.uptime_ms.copied().unwrap();
    let socket = |(num, secs): &(u8, u64)| Socket {
        peer: format!("n{num}"),
        handshake: true,
        data_ready_us: Some((uptime - secs * 1_000) * 1_000),
        latest_us: uptime * 1_000,
        ..Socket::default()
    };
    live.sockets = Known::Yes(silence.iter().map(socket).collect());
    live
}

fn at(secs: i64) -> Time {
    Time::from_secs(secs)
}

/// What one reading alone says.
fn once(live: &Live) -> Margin {
    let mut watch = Watch::new();
    watch.add("h", at(100), live, Signs::default());
    watch.margin("h", at(100))
}

fn cluster(live: &mut Live) -> &mut Cluster {
    match &mut live.clusters {
        Known::Yes(all) => &mut all[0],
        Known::No(_) => unreachable!("made with a cluster"),
    }
}

#[test]
fn a_disk_that_hangs_counts_down_and_gets_redder() {
    for (elapsed, level) in [(1_000, Level::Green), (14_000, Level::Green), (16_000, Level::Amber), (31_000, Level::Red)] {
        let margin = once(&host(1, &[1, 2, 3], 1_000, &[elapsed]));
        let left = margin.left_ms.unwrap();
        let base = 60_000 - i64::try_from(elapsed).unwrap();
        assert!((base..=base + 2_100).contains(&left), "{margin}");
        assert_eq!((margin.level, margin.at_least_ms), (level, Some(base)), "{margin}");
    }
    let margin = once(&host(1, &[1, 2, 3], 1_000, &[40_000]));
    assert!(matches!(margin.sure, Sure::Unless(_)), "alone it cannot see whether all wait");
    assert!(margin.to_string().contains("no heartbeat to vda for 40 s of 60 s"), "{margin}");
    assert!(margin.advice().unwrap().contains("61 is twice as long"), "{:?}", margin.advice());
    assert_eq!(margin.warnings.first(), Some(&Warning::NoDump));
}

#[test]
fn a_high_threshold_is_rounded_up_as_the_kernel_does() {
    let mut live = host(1, &[1, 2, 3], 1_000, &[100_000]);
    cluster(&mut live).dead_threshold = Known::Yes(151);
    let margin = once(&live);
    // Armed at 900 s, due at 1200 s, fires at the next multiple of 4096 jiffies: 1200.64 s with jiffies from -300 s.
    assert_eq!(margin.left_ms, Some(1_201_120 - 1_000_000));
    assert_eq!(margin.at_least_ms, Some(200_000));
}

#[test]
fn fewer_than_half_of_the_regions_do_not_fence() {
    let margin = once(&host(1, &[1, 2], 1_000, &[500, 40_000, 500]));
    assert_eq!(margin.reason, Reason::RegionsLost { lost: 1, of: 3, more: 1 });
    assert!(margin.left_ms.unwrap() > 55_000 && margin.level == Level::Amber, "{margin}");
    // Given up already, and a second one late: that one decides.
    let mut live = host(1, &[1, 2], 1_000, &[20_000, 90_000, 500]);
    live.failed_regions = Known::Yes([1].into());
    let margin = once(&live);
    assert!((40_000..43_000).contains(&margin.left_ms.unwrap()), "{margin}");
    // Two of four are half.
    let margin = once(&host(1, &[1, 2], 1_000, &[30_000, 35_000, 500, 500]));
    assert!(
        matches!(&margin.reason, Reason::Disk { device, lost_of: (2, 4), .. } if device.as_deref() == Some("vda")),
        "{margin}"
    );
}

#[test]
fn in_local_mode_any_region_fences() {
    let mut live = host(1, &[1, 2], 1_000, &[500, 40_000, 500]);
    cluster(&mut live).mode = Known::Yes(Mode::Local);
    let margin = once(&live);
    assert!(matches!(margin.reason, Reason::Disk { .. }) && margin.left_ms.unwrap() < 23_000, "{margin}");
}

#[test]
fn nobody_fences_while_all_wait_and_talk() {
    let mut watch = Watch::new();
    for own in 1..=3 {
        let others: Vec<(u8, u64)> = (1..=3).filter(|num| *num != own).map(|num| (num, 1)).collect();
        watch.add(&format!("n{own}"), at(100), &heard(host(own, &[1, 2, 3], 1_000, &[40_000]), &others), Signs::default());
    }
    for margin in watch.margins(at(100)) {
        assert_eq!(margin.reason, Reason::AllStalled { elapsed_ms: 40_000, inferred: false }, "{margin}");
        assert_eq!((margin.left_ms, margin.level), (None, Level::Amber));
    }
    // Errors end the negotiation: then each one counts for itself.
    watch.add("n2", at(101), &host(2, &[1, 2, 3], 1_001, &[41_000]), Signs { io_errors: true, pardoned_ms: None });
    assert!(matches!(watch.margin("n2", at(101)).reason, Reason::Disk { .. }));
}

#[test]
fn with_the_network_cut_too_they_all_fence() {
    let mut watch = Watch::new();
    for own in 1..=3 {
        let others: Vec<(u8, u64)> = (1..=3).filter(|num| *num != own).map(|num| (num, 40)).collect();
        watch.add(&format!("n{own}"), at(100), &heard(host(own, &[1, 2, 3], 1_000, &[40_000]), &others), Signs::default());
    }
    for margin in watch.margins(at(100)) {
        assert!(matches!(margin.reason, Reason::Disk { .. }) && margin.sure == Sure::Yes, "{margin}");
        assert!((19_000..23_000).contains(&margin.left_ms.unwrap()), "{margin}");
    }
}

#[test]
fn who_lives_past_the_deadline_was_pardoned() {
    let margin = once(&host(1, &[1, 2, 3], 1_000, &[80_000]));
    assert_eq!(margin.reason, Reason::AllStalled { elapsed_ms: 80_000, inferred: true });
    assert_eq!(margin.left_ms, None);
    // When one of them writes again, the others' time runs.
    let mut watch = Watch::new();
    watch.add("n1", at(100), &host(1, &[1, 2], 1_000, &[80_000]), Signs::default());
    watch.add("n2", at(100), &host(2, &[1, 2], 1_000, &[80_000]), Signs::default());
    watch.add("n1", at(104), &host(1, &[1, 2], 1_004, &[500]), Signs::default());
    watch.add("n2", at(104), &host(2, &[1, 2], 1_004, &[84_000]), Signs::default());
    let margin = watch.margin("n2", at(104));
    assert!(matches!(margin.reason, Reason::Disk { .. }), "{margin}");
    assert!((25_000..60_000).contains(&margin.left_ms.unwrap()), "{margin}");
}

#[test]
fn a_pardon_in_the_kernel_log_counts_from_then() {
    let mut watch = Watch::new();
    let signs = |pardoned_ms| Signs { io_errors: false, pardoned_ms };
    watch.add("h", at(100), &host(1, &[1, 2, 3], 1_000, &[50_000]), signs(Some(985_000)));
    assert!(matches!(watch.margin("h", at(100)).reason, Reason::AllStalled { inferred: false, .. }));
    watch.add("h", at(130), &host(1, &[1, 2, 3], 1_030, &[80_000]), signs(Some(985_000)));
    let margin = watch.margin("h", at(130));
    assert!(margin.is_counting() && (15_000..17_100).contains(&margin.left_ms.unwrap()), "{margin}");
}

#[test]
fn a_node_that_is_cut_off_counts_down_from_the_last_byte() {
    let margin = once(&heard(host(3, &[1, 2, 3], 1_000, &[500]), &[(1, 50), (2, 51)]));
    assert!(matches!(margin.reason, Reason::Network { connected: 1, beating: 3, silence_ms: 50_000, .. }), "{margin}");
    assert!((46_000..50_200).contains(&margin.left_ms.unwrap()), "{margin}");
    assert_eq!((margin.level, &margin.sure), (Level::Red, &Sure::Yes));
    // One of two is still heard: it stays.
    let margin = once(&heard(host(3, &[1, 2, 3], 1_000, &[500]), &[(1, 50), (2, 1)]));
    assert_eq!(margin.reason, Reason::PeersSilent { silent: [1].into() });
    // Of two, the lower number stays.
    assert!(!once(&heard(host(1, &[1, 2], 1_000, &[500]), &[(2, 50)])).is_counting());
    let margin = once(&heard(host(2, &[1, 2], 1_000, &[500]), &[(1, 50)]));
    assert!(margin.is_counting() && margin.level == Level::Amber && margin.sure != Sure::Yes, "node 1 may be dead: {margin}");
    let margin = once(&heard(host(2, &[1, 2], 1_000, &[500]), &[(1, 70)]));
    assert!(margin.is_counting() && margin.level == Level::Red && margin.sure == Sure::Yes, "its heartbeat goes on: {margin}");
}

#[test]
fn a_network_that_is_back_is_not_safe_until_a_byte_came() {
    let mut watch = Watch::new();
    watch.add("n3", at(100), &heard(host(3, &[1, 2, 3], 1_000, &[500]), &[(1, 50), (2, 50)]), Signs::default());
    // Not looked since: it counts on, and says so.
    watch.add("n3", at(110), &host(3, &[1, 2, 3], 1_010, &[500]), Signs::default());
    let margin = watch.margin("n3", at(110));
    assert!(margin.is_counting() && margin.left_ms.unwrap() < 41_000, "{margin}");
    assert!(margin.warnings.contains(&Warning::NetworkSeenAgo(10_000)), "{:?}", margin.warnings);
    // A byte from one of them.
    watch.add("n3", at(112), &heard(host(3, &[1, 2, 3], 1_012, &[500]), &[(1, 1), (2, 62)]), Signs::default());
    assert!(!watch.margin("n3", at(112)).is_counting());
    // Or it lives past the decision.
    watch.add("n3", at(114), &heard(host(3, &[1, 2, 3], 1_014, &[500]), &[(1, 110), (2, 110)]), Signs::default());
    assert!(!watch.margin("n3", at(114)).is_counting());
}

#[test]
fn a_closed_connection_starts_the_delay_at_once() {
    let mut watch = Watch::new();
    watch.add("n2", at(100), &host(2, &[1, 2], 1_000, &[500]), Signs::default());
    let mut cut = host(2, &[1, 2], 1_002, &[500]);
    cut.connected = Known::Yes(BTreeSet::new());
    watch.add("n2", at(102), &cut, Signs::default());
    let margin = watch.margin("n2", at(102));
    assert!(margin.is_counting() && (64_000..68_100).contains(&margin.left_ms.unwrap()), "{margin}");
    // Never connected is a refusal, not a loss: a node with another threshold does not make the others fence.
    assert!(!once(&cut).is_counting());
}

#[test]
fn zero_is_never_armed_unless_it_was_seen_to_write() {
    let mut live = host(1, &[1, 2], 1_000, &[0]);
    assert_eq!(once(&live).reason, Reason::Beating, "its own heartbeat is seen: written this millisecond");
    cluster(&mut live).regions[0].live_nodes = Known::Yes(BTreeSet::new());
    assert_eq!(once(&live).reason, Reason::NeverArmed);
    cluster(&mut live).regions.clear();
    assert_eq!(once(&live).reason, Reason::NotHeartbeating);
}

#[test]
fn what_cannot_be_read_is_unknown_and_never_green() {
    let mut live = host(1, &[1, 2], 1_000, &[500]);
    cluster(&mut live).regions[0].elapsed_ms =
        Known::No(Unknown::new("/sys/kernel/debug/o2hb/…/elapsed_time_in_ms", Because::Denied));
    let margin = once(&live);
    assert_eq!(margin.level, Level::Unknown);
    assert!(margin.to_string().contains("run as root"), "{margin}");
    assert_eq!(once(&Live::default()).level, Level::Unknown);
    let mut watch = Watch::new();
    assert_eq!(watch.margin("nobody", at(0)).level, Level::Unknown);
    watch.add("n1", at(100), &host(1, &[1, 2], 1_000, &[500]), Signs::default());
    assert_eq!(watch.margin("n1", at(130)).level, Level::Unknown, "half a minute old");
}

#[test]
fn without_an_uptime_the_silence_is_only_a_least_one() {
    let mut live = heard(host(3, &[1, 2, 3], 1_000, &[500]), &[(1, 50), (2, 50)]);
    live.uptime_ms = Known::default();
    let margin = once(&live);
    assert!(margin.is_counting() && margin.at_least_ms == Some(0), "{margin}");
    assert!(margin.warnings.contains(&Warning::NoUptime));
}

#[test]
fn a_restart_forgets_what_was_before() {
    let mut watch = Watch::new();
    watch.add("n3", at(100), &heard(host(3, &[1, 2, 3], 1_000, &[500]), &[(1, 50), (2, 50)]), Signs::default());
    watch.add("n3", at(200), &host(3, &[1, 2, 3], 40, &[500]), Signs::default());
    assert_eq!(watch.margin("n3", at(200)).reason, Reason::Beating);
}

#[test]
fn hosts_that_differ_are_named_with_both_values() {
    let one = host(1, &[1, 2], 10, &[500]);
    let mut two = host(2, &[1, 2], 10, &[500]);
    assert!(differences([("a", &one), ("b", &two)]).is_empty());
    cluster(&mut two).dead_threshold = Known::Yes(61);
    let found = differences([("a", &one), ("b", &two)]);
    assert_eq!(found.len(), 1);
    assert_eq!(
        found[0].to_string(),
        "dead_threshold differs: 31 on a; 61 on b (a node that differs keeps all nodes from mounting: make them equal)"
    );
}

mod hostile {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_reading_panics(
            uptime in proptest::option::of(any::<u64>()),
            threshold in any::<u32>(),
            elapsed in proptest::collection::vec(any::<u64>(), 0..5),
            ready in any::<u64>(), idle in any::<u32>(), failed in proptest::collection::btree_set(any::<u8>(), 0..4),
            now in any::<i64>(), then in any::<i64>(),
        ) {
            let mut live = heard(host(2, &[1, 2, 254], 5_000, &elapsed), &[(1, 5)]);
            live.uptime_ms = uptime.map_or(Known::default(), Known::Yes);
            live.failed_regions = Known::Yes(failed);
            let cluster = cluster(&mut live);
            cluster.dead_threshold = Known::Yes(threshold);
            cluster.idle_timeout_ms = Known::Yes(idle);
            if let Known::Yes(sockets) = &mut live.sockets {
                sockets[0].data_ready_us = Some(ready);
            }
            let mut watch = Watch::new();
            watch.add("h", Time::from_millis(then), &live, Signs::default());
            watch.add("h", Time::from_millis(now), &live, Signs::default());
            for margin in watch.margins(Time::from_millis(now)) {
                let _ = (margin.to_string(), margin.advice());
            }
        }
    }
}
