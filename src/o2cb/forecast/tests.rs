//! Scenes whose outcome a lab has seen with the real driver, and what follows from the same rules.

use super::*;
use crate::o2cb::conf::{Config, Document};

fn situation(numbers: &[u8], regions: usize) -> Situation {
    let nodes: BTreeMap<u8, String> = numbers.iter().map(|n| (*n, format!("n{n}"))).collect();
    let on: BTreeSet<u8> = numbers.iter().copied().collect();
    let regions = (0..regions).map(|n| Region { name: format!("R{n}"), on: on.clone() }).collect();
    Situation { nodes, global: true, regions, dead_threshold: 31, idle_timeout_ms: 30_000, negotiates: true }
}

fn dies(situation: &Situation, faults: &[&str]) -> Vec<(u8, u64)> {
    let faults: Vec<Fault> = faults.iter().map(|text| Fault::parse(text, situation).unwrap()).collect();
    forecast(situation, &faults).ends.iter().map(|end| (end.node, end.when.nominal_ms / 1000)).collect()
}

fn notes(situation: &Situation, faults: &[&str]) -> String {
    let faults: Vec<Fault> = faults.iter().map(|text| Fault::parse(text, situation).unwrap()).collect();
    forecast(situation, &faults).notes.join("\n")
}

#[test]
fn a_disk_that_stalls_or_fails_ends_its_host_after_60_s() {
    let three = situation(&[1, 2, 3], 1);
    assert_eq!(dies(&three, &["disk:n2"]), [(2, 60)]);
    assert_eq!(dies(&three, &["disk:1!"]), [(1, 60)]);
    let told = forecast(&three, &[Fault::Disk { node: 2, region: None, how: How::Stall }]);
    assert_eq!(told.survivors, [1, 3]);
    assert_eq!(told.ends[0].recovered_ms, Some(62_000), "the others saw its last heartbeat at 0");
    let when = told.ends[0].when;
    assert!(when.earliest_ms <= 58_300 && when.latest_ms >= 62_048, "the lab saw 58.3 to 62.0 s: {when:?}");
    assert!(notes(&three, &["disk:n2!"]).contains("panics within"));
    let slow = Situation { dead_threshold: 151, ..three };
    assert_eq!(dies(&slow, &["disk:n1"]), [(1, 300)]);
    let when = forecast(&slow, &[Fault::Disk { node: 1, region: None, how: How::Stall }]).ends[0].when;
    assert!((300_000..=316_384).contains(&308_632) && when.latest_ms >= 308_632, "{when:?}");
}

#[test]
fn when_all_stall_together_nobody_fences_but_with_the_network_cut_all_do() {
    let three = situation(&[1, 2, 3], 1);
    assert_eq!(dies(&three, &["storage"]), []);
    assert!(notes(&three, &["storage"]).contains("agree to wait"));
    assert_eq!(dies(&three, &["storage", "link:n1", "link:n2", "link:n3"]), [(1, 60), (2, 60), (3, 60)]);
    assert_eq!(dies(&three, &["storage!"]), [(1, 60), (2, 60), (3, 60)], "who has errors does not ask the others");
    assert_eq!(dies(&Situation { negotiates: false, ..three.clone() }, &["storage"]).len(), 3, "before Linux 4.7");
    // The lowest hears of two, and three live: nobody gets its word.
    assert_eq!(dies(&three, &["storage", "pair:n1,n3"]), [(1, 60), (2, 60), (3, 60)]);
    assert_eq!(dies(&three, &["storage", "pair:n2,n3"]), [], "the lowest hears everybody");
    // Who has no power cannot agree, and those whose disks hang do not see it die.
    assert_eq!(dies(&three, &["storage", "host:n3"]), [(3, 0), (1, 60), (2, 60)]);
    assert_eq!(dies(&situation(&[4], 1), &["storage"]), [], "a single host waits as well");
}

#[test]
fn a_lost_link_ends_the_minority_after_96_s() {
    let three = situation(&[1, 2, 3], 1);
    assert_eq!(dies(&three, &["link:n3"]), [(3, 96)]);
    assert_eq!(dies(&three, &["link:n1"]), [(1, 96)], "whatever its number");
    assert_eq!(dies(&three, &["pair:n1,n3"]), []);
    assert!(notes(&three, &["pair:n1,n3"]).contains("n1 and n3 live and do not hear each other"));
    let told = forecast(&three, &[Fault::Link { node: 3 }]);
    assert!(told.ends[0].when.earliest_ms <= 97_500 && told.ends[0].when.latest_ms >= 98_600, "the lab saw 97.5 to 98.6 s");
    assert_eq!(told.ends[0].recovered_ms, Some(158_000), "it heartbeats on the disk until it ends; the lab saw about 160 s");
}

#[test]
fn of_two_hosts_the_lower_number_lives_whichever_link_was_cut() {
    let two = situation(&[1, 2], 1);
    assert_eq!(dies(&two, &["link:n1"]), [(2, 96)]);
    assert_eq!(dies(&two, &["link:n2"]), [(2, 96)]);
    let told = forecast(&two, &[Fault::Link { node: 1 }]);
    assert!(
        told.ends[0].reason.contains("exactly half") && told.ends[0].reason.contains("n1 (number 1)"),
        "{}",
        told.ends[0].reason
    );
    assert_eq!(dies(&two, &["host:n1"]), [(1, 0)], "it is dead before the quorum is decided");
    assert_eq!(dies(&two, &["host:n2"]), [(2, 0)]);
}

#[test]
fn four_hosts_split_in_the_middle_or_worse() {
    let four = situation(&[0, 1, 2, 3], 1);
    assert_eq!(dies(&four, &["pair:0,2", "pair:0,3", "pair:1,2", "pair:1,3"]), [(2, 96), (3, 96)]);
    assert_eq!(dies(&four, &["link:2", "link:3"]), [(2, 96), (3, 96)]);
    // Two alone, one of them the lowest: the other two are only half, without it.
    let all = dies(&four, &["link:0", "link:1"]);
    assert_eq!(all.len(), 4);
    assert!(notes(&four, &["link:0", "link:1"]).contains("nobody is left"));
    assert_eq!(four.links_to_spare(), 1);
    assert_eq!(situation(&[0, 1, 2, 3, 4], 1).links_to_spare(), 2);
    // One without power and one without network: at the decision only three heartbeat.
    assert_eq!(dies(&four, &["host:3", "link:0"]), [(3, 0), (0, 96)]);
}

#[test]
fn with_three_regions_one_may_fail_and_two_are_too_many() {
    let three = situation(&[1, 2, 3], 3);
    assert_eq!(dies(&three, &["disk:n2,R0"]), []);
    assert!(notes(&three, &["disk:n2,R0"]).contains("n2 lives with 1 of 3 regions failed"));
    assert_eq!(dies(&three, &["disk:n2,R0", "disk:n2,R1"]), [(2, 60)]);
    let two = situation(&[1, 2], 2);
    assert_eq!(dies(&two, &["disk:n2,R0"]), [(2, 60)]);
    assert!(notes(&two, &["disk:n2,R0"]).contains("two regions are no better"));
    let local = Situation { global: false, ..three };
    assert_eq!(dies(&local, &["disk:n2,R0"]), [(2, 60)]);
}

#[test]
fn who_lost_a_region_does_not_see_others_die_and_that_can_end_it() {
    // n2 lives with one of three regions gone; n1 loses power. n2 never sees it die, counts it as half, and n1 was the lowest.
    let two = situation(&[1, 2], 3);
    assert_eq!(dies(&two, &["host:n1"]), [(1, 0)]);
    assert_eq!(dies(&two, &["host:n1", "disk:n2,R0"]), [(1, 0), (2, 96)]);
}

#[test]
fn disk_and_link_of_the_same_host() {
    assert_eq!(dies(&situation(&[1, 2, 3], 1), &["disk:n2", "link:n2"]), [(2, 60)]);
}

#[test]
fn faults_are_read_and_wrong_ones_explained() {
    let three = situation(&[1, 2, 3], 2);
    assert_eq!(Fault::parse("disk:2,R1!", &three), Ok(Fault::Disk { node: 2, region: Some("R1".into()), how: How::Error }));
    assert_eq!(Fault::parse("pair:n3,1", &three), Ok(Fault::Pair { a: 1, b: 3 }));
    for text in [
        "",
        "host",
        "host:",
        "host:n9",
        "pair:n1",
        "pair:n1,n1",
        "disk:n1,R",
        "disk:n1,",
        "region:",
        "storage:x",
        "host:n1,n2",
        "\u{202e}",
    ] {
        assert!(Fault::parse(text, &three).is_err(), "{text:?}");
    }
    assert!(Fault::parse("link:x", &three).unwrap_err().to_string().contains("live are n1 (1), n2 (2), n3 (3)"));
}

#[test]
fn every_single_fault_has_an_answer_and_alone_ends_at_most_what_it_hits() {
    for count in 1..=6_u8 {
        let numbers: Vec<u8> = (0..count).collect();
        for regions in 1..=3 {
            let situation = situation(&numbers, regions);
            for fault in situation.single_faults() {
                let told = forecast(&situation, std::slice::from_ref(&fault));
                assert_eq!(told.ends.len() + told.survivors.len(), usize::from(count));
                if let Fault::Link { .. } | Fault::Host { .. } | Fault::Pair { .. } = fault {
                    assert!(told.ends.len() <= 1, "{told:?}");
                }
            }
        }
    }
}

#[test]
fn timers_are_rounded_as_the_kernel_does() {
    assert_eq!(rounding(100), 4);
    assert_eq!(rounding(60_000), 2_048);
    assert_eq!(rounding(66_000), 2_048);
    assert_eq!(rounding(300_000), 16_384);
    assert!(rounding(u64::MAX) > 16_384);
}

#[test]
fn a_situation_is_made_of_a_file_and_who_lives() {
    let text = "cluster:\n\tname = c\n\tnode_count = 2\nnode:\n\tnumber = 4\n\tname = a\n\tip_address = 10.0.0.1\n\tip_port = 7777\n\tcluster = c\n\
                node:\n\tnumber = 9\n\tname = b\n\tip_address = 10.0.0.2\n\tip_port = 7777\n\tcluster = c\n";
    let (config, _) = Config::read(&Document::parse(text.as_bytes()).unwrap());
    let cluster = config.cluster(None).unwrap();
    let timers = Timers { dead_threshold: Some(61), ..Timers::default() };
    let all = Situation::of(cluster, &timers, None);
    assert_eq!((all.nodes.len(), all.regions.len(), all.write_timeout(), all.quorum_delay()), (2, 1, 120_000, 126_000));
    assert_eq!(Situation::of(cluster, &timers, Some(&BTreeSet::from([9]))).nodes.len(), 1);
}

#[test]
fn all_single_faults_of_the_largest_cluster_are_foreseen_in_no_time() {
    let numbers: Vec<u8> = (0..255).collect();
    let largest = situation(&numbers, 32);
    let faults = largest.single_faults();
    let began = crate::time::computed();
    let told = each(&largest, &faults);
    let took = crate::time::computed().saturating_sub(began);
    assert_eq!(told.len(), faults.len());
    assert!(faults.len() > 1_000, "{}", faults.len());
    // Where it is not optimised it takes many times as long: built for use it is below a second.
    let most = if cfg!(debug_assertions) { 20 } else { 1 };
    assert!(took.as_secs() < most, "{took:?}");
    for (fault, told) in faults.iter().zip(&told) {
        assert_eq!(told.ends.len() + told.survivors.len(), 255, "{fault:?}");
        match fault {
            Fault::Host { node } | Fault::Link { node } | Fault::Disk { node, .. } => assert_eq!(told.ends[0].node, *node),
            Fault::Region { .. } => assert!(told.ends.is_empty(), "one of 32"),
            Fault::Storage { how } => assert_eq!(told.ends.len(), if *how == How::Stall { 0 } else { 255 }),
            Fault::Pair { .. } => unreachable!("there are too many of them"),
        }
    }
    assert_eq!(each(&largest, &faults[..1])[0], forecast(&largest, &faults[..1]), "alone and among others it is the same");
}
