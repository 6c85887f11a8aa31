//! From what the tools say to mirrors that are not whole; and that the probe's own helpers do what they say.

use super::rebuild::{facts, from_drbd, from_linstor};
use super::report::{Md, Teller, Work};
use super::source::Command;
use super::{collect, drbd, kernel, linstor, md, stamp};
use crate::o2cb::live::look::Policy;
use crate::time::Time;

fn of_drbd(text: &str) -> Vec<super::report::Rebuild> {
    from_drbd("here", &drbd::status_text("x", text).unwrap())
}

#[test]
fn a_resync_names_its_target_and_its_nodes() {
    let found = of_drbd(
        "vol role:Primary\n  disk:UpToDate\n  far role:Secondary\n    replication:SyncSource peer-disk:Inconsistent done:51.52\n  quorum role:Secondary\n    peer-disk:Diskless\n",
    );
    assert_eq!(found.len(), 1);
    let one = &found[0];
    assert_eq!(
        (one.work, one.progress, one.target.as_deref(), one.copies),
        (Work::Running, Some(0.5152), Some("far"), Some((1, 2)))
    );
    assert_eq!((one.nodes.join(" "), one.redundancy_lost), ("here far quorum".to_owned(), true));
    let found = of_drbd(
        "vol role:Secondary\n  disk:Inconsistent\n  far role:Primary\n    replication:SyncTarget peer-disk:UpToDate done:1.5 resync-suspended:user\n",
    );
    assert_eq!((found[0].work, found[0].target.as_deref()), (Work::Waiting, Some("here")));
    assert_eq!(found[0].note.as_deref(), Some("suspended by user"));
}

#[test]
fn a_copy_that_nobody_rebuilds_is_told_and_a_whole_mirror_is_not() {
    let found = of_drbd("vol role:Primary\n  disk:UpToDate\n  far connection:StandAlone\n");
    assert_eq!((found.len(), found[0].work, found[0].copies), (1, Work::Missing, Some((1, 2))));
    let found = of_drbd("vol role:Secondary\n  disk:Diskless quorum:no\n  a connection:Connecting\n  b connection:Connecting\n");
    assert!(found[0].note.as_ref().unwrap().contains("lost its quorum"), "{found:?}");
    assert!(of_drbd("vol role:Primary\n  disk:UpToDate\n  far role:Secondary\n    peer-disk:UpToDate\n").is_empty());
    assert!(
        of_drbd("vol role:Primary\n  disk:Diskless client:yes quorum:yes\n  a role:Secondary\n    peer-disk:UpToDate\n")
            .is_empty()
    );
}

#[test]
fn a_percentage_of_linstor_that_drbd_denies_is_old() {
    let table = "| vol | a | 7000 | Unused | Ok | UpToDate | |\n| vol | b | 7000 | Unused | Ok | SyncTarget(75.00%) | |\n| vol | c | 7000 | InUse | Ok | Diskless | |\n";
    let copies = linstor::resource_list(table);
    let found = from_linstor(&copies, &[]);
    assert_eq!(
        (found[0].work, found[0].progress, found[0].target.as_deref(), found[0].copies),
        (Work::Running, Some(0.75), Some("b"), Some((1, 2)))
    );
    let still =
        drbd::status_text("x", "vol role:Secondary\n  disk:Inconsistent\n  a role:Secondary\n    peer-disk:UpToDate\n").unwrap();
    let all = facts("b", &still, &copies, &Md::default());
    let told: Vec<(Teller, Work)> = all.iter().map(|one| (one.teller, one.work)).collect();
    assert_eq!(told, [(Teller::Drbd, Work::Missing), (Teller::Linstor, Work::Stalled)], "both are said: they differ");
}

#[test]
fn arrays_are_told_by_mdstat_or_else_by_mdadm_and_a_check_is_no_rebuild() {
    let arrays = md::arrays(
        "md0 : active raid1 a[0] b[2]\n 1 blocks [2/1] [U_]\n recovery = 25.0% (1/4) finish=2.0min speed=10K/sec\nmd1 : active raid1 a[0] b[1]\n 1 blocks [2/2] [UU]\n check = 5.0% (1/4)\nmd2 : active raid1 a[0]\n 1 blocks [2/1] [_U]\n resync=DELAYED\n",
    );
    let details = md::details("/dev/md0:\n State : clean, degraded, recovering\n Rebuild Status : 26% complete\n/dev/md127:\n State : active, degraded\n").0;
    let all = facts("here", &[], &[], &Md { arrays, details });
    let told: Vec<(&str, Work, Option<f64>)> = all.iter().map(|one| (one.resource.as_str(), one.work, one.progress)).collect();
    assert_eq!(told, [("md0", Work::Running, Some(0.25)), ("md2", Work::Waiting, None), ("md127", Work::Missing, None)]);
    assert_eq!(all[0].eta_secs, Some(120));
}

#[test]
fn files_of_commands_are_named_as_bug_reports_name_them() {
    let name = |words: &'static [&'static str]| Command { words, files: &[] }.file();
    assert_eq!(name(&["mdadm", "--query", "--detail", "/dev/md127"]), "mdadm--query--detail-%dev%md127.out");
    assert_eq!(name(&["iscsiadm", "-m", "session", "-P", "3"]), "iscsiadm-m-session-P-3.out");
    assert_eq!(name(&["xl", "dmesg"]), "xl-dmesg.out");
}

#[test]
fn the_margin_hears_of_errors_and_pardons_from_the_kernel_log() {
    let log = kernel::signs(
        "[100.0] o2hb: all nodes hb write hung, maybe region 938D (vda) is down.\n[195.0] (swapper,0,0):o2hb_bio_end_io:535 ERROR: IO Error 10\n",
    );
    let signs = collect::margin_signs(&log, Some(200.0));
    assert_eq!((signs.io_errors, signs.pardoned_ms), (true, Some(100_000)));
    assert!(!collect::margin_signs(&log, Some(300.0)).io_errors, "that is over");
    assert!(!collect::margin_signs(&log, None).io_errors, "without an uptime nobody knows when it was");
}

#[test]
fn looks_are_remembered_from_one_run_to_the_next() {
    let file = std::env::temp_dir().join(format!("poolwatch-looks-{}", std::process::id()));
    let policy = Policy::remember([Time::from_secs(7), Time::from_secs(3)]);
    assert!(stamp::store(&file, &policy));
    std::fs::write(&file, std::fs::read_to_string(&file).unwrap() + "no time\n").unwrap();
    assert_eq!(stamp::load(&file).looks().collect::<Vec<_>>(), [Time::from_secs(3), Time::from_secs(7)]);
    std::fs::remove_file(&file).unwrap();
    assert_eq!(stamp::load(&file).looks().count(), 0);
    assert!(!stamp::store(&std::env::temp_dir().join("no/such/folder"), &policy), "and then nobody looks");
}

#[cfg(target_os = "linux")]
#[test]
fn a_running_host_answers_in_time_whatever_it_lacks() {
    let stamp = std::env::temp_dir().join(format!("poolwatch-live-looks-{}", std::process::id()));
    let options = collect::Options {
        root: "/".into(),
        now: Time::EPOCH,
        uptime_ms: None,
        network: collect::Network::No,
        stamp,
        with: Vec::new(),
    };
    let report = collect::collect(&options);
    assert!(report.live && report.o2cb.get().is_some());
    let again: super::Report = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
    assert_eq!(again, report);
}
