//! Each rule of the design, on verdicts made by hand.

use super::*;
use crate::crash::verdict::{Confidence, Evidence};

fn crash(cause: Cause, finer: Finer, lines: &[&str]) -> Crash {
    let line = |text: &&str| Evidence {
        file: "dom0.log".to_owned(),
        line: 1,
        text: (*text).to_owned(),
        before: Vec::new(),
        after: Vec::new(),
        shows: String::new(),
    };
    let (confidence, why, notes) = (Confidence::Sure, String::new(), Vec::new());
    let verdict = Verdict { cause, finer, confidence, why, notes, at: None, evidence: lines.iter().map(line).collect() };
    let (advice, story) = (Vec::new(), Vec::new());
    let folder = Some("20261121-021744-UTC".to_owned());
    Crash { host: None, folder, at: None, clock: None, dump: Dump::Whole, logs: Vec::new(), verdict, advice, story }
}

const FENCE: &str = "o2hb_write_timeout:160 ERROR: Heartbeat write timeout to device dm-3 after 60000 milliseconds";

#[test]
fn paths_that_failed_are_named_and_the_limit_is_computed() {
    let lines = [
        FENCE,
        "device-mapper: multipath: Failing path 8:32.",
        "device-mapper: multipath: Failing path 8:48.",
        "device-mapper: multipath: Failing path 8:32.",
        "multipathd: 3600a0b80000f1: remaining active paths: 0",
    ];
    let advice = advise(&crash(Cause::O2cb, Finer::Disk, &lines)).join("\n");
    assert_eq!(advice.matches("Repair path 8:32").count(), 1, "{advice}");
    assert!(advice.contains("8:48") && advice.contains("3600a0b80000f1 lost its last path"), "{advice}");
    assert!(advice.contains("O2CB_HEARTBEAT_THRESHOLD = 61, because (61 - 1) x 2 s = 120 s"), "{advice}");
    assert!(advice.contains("it is 31 now, 60 s"), "{advice}");
}

#[test]
fn a_session_that_gives_up_late_sets_the_limit() {
    let lines = [FENCE, " session4: session recovery timed out after 120 secs"];
    let advice = advise(&crash(Cause::O2cb, Finer::Disk, &lines)).join("\n");
    // 120 s and 20 s around it, in beats of 2 s, and one.
    assert!(advice.contains("O2CB_HEARTBEAT_THRESHOLD = 71, because (71 - 1) x 2 s = 140 s"), "{advice}");
    assert!(advice.contains("iSCSI session4") && advice.contains("second path"), "{advice}");
    // A limit that was long enough is not raised.
    let long = "Heartbeat write timeout to device dm-3 after 300000 milliseconds";
    let advice = advise(&crash(Cause::O2cb, Finer::Disk, &[long])).join("\n");
    assert!(advice.contains("is 151 (300 s)") && advice.contains("do not raise it"), "{advice}");
}

#[test]
fn without_a_reason_it_is_a_bug_to_report_with_the_bundle() {
    let advice = advise(&crash(Cause::Bug, Finer::Oops, &[])).join("\n");
    assert!(advice.contains("Report it as a bug") && advice.contains("20261121-021744-UTC"), "{advice}");
    let mut alone = crash(Cause::Unknown, Finer::Unknown, &[]);
    (alone.folder, alone.dump, alone.host) = (None, Dump::Missing, Some("xcp3".to_owned()));
    assert!(advise(&alone).join("\n").contains("--host xcp3"));
    assert!(advise(&crash(Cause::None, Finer::Unknown, &[])).is_empty());
}

#[test]
fn a_fence_that_leaves_no_dump_says_how_to_get_one() {
    let mut fenced =
        crash(Cause::O2cb, Finer::Disk, &[FENCE, "*** ocfs2 is very sorry to be fencing this system by restarting ***"]);
    fenced.dump = Dump::Missing;
    assert!(advise(&fenced).join("\n").contains("fence_method"));
    fenced.dump = Dump::Part("there was no room for it in /var/crash".to_owned());
    assert!(advise(&fenced).join("\n").contains("make room in /var/crash"));
}

#[test]
fn names_that_are_none_are_left_out() {
    let lines = [
        "Failing path <script>alert(1)</script>",
        "nfs: server nas.lab not responding, timed out",
        "bond0: link status definitely down for interface eth1, disabling it",
    ];
    let advice = advise(&crash(Cause::Xhad, Finer::Statefile, &lines)).join("\n");
    assert!(!advice.contains("script") && advice.contains("nas.lab") && advice.contains("eth1 lost its link"), "{advice}");
}

#[test]
fn what_a_recording_knows_is_said_by_name_and_reckoned() {
    let lun =
        crate::crash::story::Lun { name: "LUN 3600a (SR vms)".into(), storage: true, up: 0, total: 2, since: None, changes: 5 };
    let mut known = Known {
        lost: vec![lun],
        single: vec!["3600b".into()],
        limit_ms: Some(60_000),
        no_dump: true,
        failover: Some((80.0, "50 LUNs and 2000 paths".into())),
        still_down: vec!["db-old".into(), "build-7".into()],
        before: 1,
        ..Known::default()
    };
    let fenced = Crash { host: Some("xcp3".into()), folder: None, dump: Dump::Missing, ..crash(Cause::O2cb, Finer::Disk, &[]) };
    let advice = advise_with(&fenced, &known).join("\n");
    for words in [
        "Repair the 2 paths of xcp3 to LUN 3600a (SR vms)",
        "changed 5 times",
        "a second path to LUN 3600b",
        // (80 + 10) / 2 + 1.
        "O2CB_HEARTBEAT_THRESHOLD = 46, because (46 - 1) x 2 s = 90 s, and with 50 LUNs and 2000 paths a fail-over takes about 80 s",
        "it is 31 now, 60 s",
        "Start db-old, build-7",
        "fence_method",
        "once within the week",
    ] {
        assert!(advice.contains(words), "{words}: {advice}");
    }
    assert!(!advice.contains("Find out what held up"), "the reason has a name: {advice}");
    // What the log calls by the kernel's names is not a second thing to repair.
    let logged = crash(
        Cause::O2cb,
        Finer::Disk,
        &["device-mapper: multipath: Failing path 8:16.", "rport-3:0-0: blocked FC remote port time out"],
    );
    let advice = advise_with(&Crash { host: Some("xcp3".into()), ..logged.clone() }, &known).join("\n");
    assert!(advice.contains("these failed: 8:16, rport-3:0-0") && !advice.contains("Repair path 8:16"), "{advice}");
    assert!(advise(&logged).join("\n").contains("Repair path 8:16"));
    // A fail-over that fits leaves the limit alone.
    known.failover = Some((6.2, "40 LUNs and 80 paths".into()));
    let advice = advise_with(&fenced, &known).join("\n");
    assert!(advice.contains("O2CB_HEARTBEAT_THRESHOLD is 31 (60 s), which is enough"), "{advice}");
    known.others = vec!["xcp1".into()];
    assert!(advise_with(&fenced, &known)[0].starts_with("xcp1 went down in the same minutes"));
    assert!(advise_with(&crash(Cause::None, Finer::Unknown, &[]), &known).is_empty());
}
