//! The classifier over excerpts in our own words and numbers, made from the format strings of many versions; and what must hold for any bytes at all.

use super::*;
use crate::crash::log::{Kind, Log, Owner};
use crate::crash::verdict::{Confidence, Finer};
use crate::time::Time;
use proptest::prelude::*;
use std::fmt::Write as _;
use std::time::Duration;

const EXCERPTS: [&str; 5] = [
    include_str!("tests/o2cb.txt"),
    include_str!("tests/xhad.txt"),
    include_str!("tests/kernel.txt"),
    include_str!("tests/host.txt"),
    include_str!("tests/calm.txt"),
];

/// One excerpt: what it should come to, its title, its lines, what it is.
struct Excerpt {
    cause: Cause,
    finer: Option<Finer>,
    title: &'static str,
    text: String,
    log: Arc<Log>,
}

fn log(name: &str, kind: Kind, owner: Owner) -> Arc<Log> {
    Arc::new(Log { name: name.to_owned(), kind, owner })
}

fn excerpts() -> Vec<Excerpt> {
    let mut found: Vec<Excerpt> = Vec::new();
    for line in EXCERPTS.iter().flat_map(|text| text.lines()) {
        if let Some(head) = line.strip_prefix("=== ") {
            let (label, title) = head.split_once(' ').unwrap_or((head, ""));
            let (cause, finer) = label.split_once('/').map_or((label, None), |(cause, finer)| (cause, Some(finer)));
            let kind = [("@xhalog", Kind::XhaLog), ("@xendump", Kind::CrashedXen), ("@kerneldump", Kind::CrashedKernel)]
                .into_iter()
                .find(|(word, _)| title.contains(word))
                .map_or(Kind::Unknown, |(_, kind)| kind);
            let owner = if title.contains("@survivor") { Owner::Survivor } else { Owner::Unknown };
            found.push(Excerpt {
                cause: cause.parse().unwrap(),
                finer: finer.map(|finer| finer.parse().unwrap()),
                title,
                text: String::new(),
                log: log("console", kind, owner),
            });
        } else {
            let text = &mut found.last_mut().unwrap().text;
            text.push_str(line);
            text.push('\n');
        }
    }
    found
}

fn told(excerpt: &Excerpt, text: &str) -> Verdict {
    verdict_of(&[(Arc::clone(&excerpt.log), text.as_bytes())])
}

#[test]
fn every_excerpt_is_told_what_it_is() {
    let excerpts = excerpts();
    let mut wrong = Vec::new();
    for excerpt in &excerpts {
        let verdict = told(excerpt, &excerpt.text);
        if verdict.cause != excerpt.cause || excerpt.finer.is_some_and(|finer| finer != verdict.finer) {
            wrong.push(format!("{}: wanted {:?}/{:?}, got {verdict:#?}", excerpt.title, excerpt.cause, excerpt.finer));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), excerpts.len(), wrong.join("\n"));
    assert!(excerpts.len() >= 120);
    assert!(excerpts.iter().filter(|excerpt| matches!(excerpt.cause, Cause::None | Cause::Unknown)).count() >= 40);
}

#[test]
fn the_evidence_is_where_it_says() {
    for excerpt in excerpts().iter().filter(|excerpt| !matches!(excerpt.cause, Cause::None | Cause::Unknown)) {
        let verdict = told(excerpt, &excerpt.text);
        let fits = verdict.finer == Finer::Unknown && excerpt.log.kind == Kind::CrashedKernel;
        assert!(fits || !verdict.evidence.is_empty(), "{}", excerpt.title);
        let lines: Vec<&str> = excerpt.text.lines().collect();
        for evidence in &verdict.evidence {
            let at = usize::try_from(evidence.line).unwrap();
            assert_eq!(text_of(lines[at - 1]), evidence.text, "{}", excerpt.title);
            let after: Vec<String> =
                lines[at..].iter().filter(|line| !line.trim().is_empty()).take(3).map(|line| text_of(line)).collect();
            // Another boot has no part in it.
            assert!(after.starts_with(&evidence.after), "{}: {}", excerpt.title, evidence.text);
        }
    }
}

fn text_of(line: &str) -> String {
    crate::text::clean(line.trim_end(), 240).into_owned()
}

#[test]
fn prefixes_do_not_change_what_it_is() {
    for excerpt in excerpts() {
        let bare = told(&excerpt, &excerpt.text);
        for prefix in ["> ", "2026-02-03 04:05:06\t", "<4>"] {
            let lines: Vec<String> = excerpt.text.lines().map(|line| format!("{prefix}{line}\r\n")).collect();
            let text = lines.concat();
            let with = told(&excerpt, &text);
            assert_eq!((with.cause, with.finer), (bare.cause, bare.finer), "{prefix:?}: {}", excerpt.title);
        }
    }
}

#[test]
fn an_orderly_boot_after_it_does_not_hide_it() {
    let boot = "[    0.000000] Linux version 6.1.0\n[    9.000000] EXT4-fs (sda1): mounted filesystem\n[ 9999.000000] reboot: Restarting system\n";
    for excerpt in excerpts().iter().filter(|excerpt| !matches!(excerpt.cause, Cause::None | Cause::Unknown)) {
        if excerpt.log.kind == Kind::XhaLog || excerpt.log.kind == Kind::CrashedKernel {
            continue;
        }
        if told(excerpt, &excerpt.text).confidence == Confidence::Guess {
            continue;
        }
        let verdict = told(excerpt, &format!("{}{boot}", excerpt.text));
        assert_eq!(verdict.cause, excerpt.cause, "{}", excerpt.title);
    }
}

#[test]
fn a_later_crash_counts_more_than_an_earlier_one() {
    let text = "[ 100.000000] *** ocfs2 is very sorry to be fencing this system by restarting ***\n[    0.000000] Linux version 6.1.0\n\
                [ 500.000000] sysrq: Trigger a crash\n[ 500.000100] Kernel panic - not syncing: sysrq triggered crash\n";
    let verdict = verdict_of(&[(log("console", Kind::Console, Owner::Crashed), text.as_bytes())]);
    assert_eq!((verdict.cause, verdict.finer), (Cause::Bug, Finer::Operator));
}

#[test]
fn o2cb_in_the_kernels_ring_goes_before_the_watchdog_in_the_hypervisors() {
    let kernel = "[  9.000000] *** ocfs2 is very sorry to be fencing this system by restarting ***\n";
    let xen = "(XEN) Watchdog timer fired for domain 0\n(XEN) Hardware Dom0 shutdown: watchdog rebooting machine\n";
    let logs = [
        (log("xen.log", Kind::CrashedXen, Owner::Crashed), xen.as_bytes()),
        (log("dom0.log", Kind::CrashedKernel, Owner::Crashed), kernel.as_bytes()),
    ];
    let verdict = verdict_of(&logs);
    assert_eq!(verdict.cause, Cause::O2cb);
    assert!(verdict.notes.iter().any(|note| note.contains("hung")), "{verdict:#?}");
}

#[test]
fn an_old_fence_in_a_log_does_not_explain_a_new_dump() {
    let dump = "[  9.000000] BUG: unable to handle page fault for address: ffff0\n[ 9.000001] Kernel panic - not syncing: Fatal exception\n";
    let old = "2026-01-01T00:00:00Z xs1 kernel: *** ocfs2 is very sorry to be fencing this system by restarting ***\n";
    let logs = [
        (log("dom0.log", Kind::CrashedKernel, Owner::Crashed), dump.as_bytes()),
        (log("kern.log", Kind::KernelLog, Owner::Crashed), old.as_bytes()),
    ];
    assert_eq!(cause_of(&logs), Cause::Bug);
}

fn known(facts: &[Fact]) -> Verdict {
    let mut classifier = Classifier::new();
    for fact in facts {
        classifier.know(fact.clone());
    }
    classifier.verdict()
}

#[test]
fn without_a_dump_the_last_samples_and_messages_tell() {
    let at = Time::from_secs(1_795_220_468);
    let rebooted = Fact::Rebooted { from: None, to: at };
    let late = Fact::LastHeartbeat { elapsed: Duration::from_secs(58), limit: Duration::from_secs(60) };
    let fine = Fact::LastHeartbeat { elapsed: Duration::from_secs(2), limit: Duration::from_secs(60) };
    let fenced = Fact::Message { name: "HA_HOST_WAS_FENCED".to_owned(), at };
    let evicted = Fact::SurvivorSaw { host: "xs2".to_owned(), what: Saw::Evicted, at: None };
    for (facts, cause, confidence) in [
        (vec![rebooted.clone(), late.clone(), evicted.clone()], Cause::O2cb, Confidence::Likely),
        (vec![rebooted.clone(), fenced.clone()], Cause::Xhad, Confidence::Likely),
        (vec![rebooted.clone(), fenced.clone(), fine.clone()], Cause::Xhad, Confidence::Guess),
        (vec![rebooted.clone(), fenced, Fact::HaArmed(false)], Cause::Unknown, Confidence::Guess),
        (vec![rebooted.clone(), fine, evicted.clone()], Cause::Unknown, Confidence::Guess),
        (vec![rebooted.clone(), Fact::Planned("a rollout rebooted it".to_owned()), late], Cause::None, Confidence::Likely),
        (vec![evicted.clone()], Cause::Unknown, Confidence::Guess),
        (vec![Fact::Dumped], Cause::Unknown, Confidence::Guess),
        (vec![rebooted], Cause::Unknown, Confidence::Guess),
    ] {
        let verdict = known(&facts);
        assert_eq!((verdict.cause, verdict.confidence), (cause, confidence), "{facts:?}: {verdict:#?}");
    }
}

#[test]
fn a_watchdog_without_ha_is_not_xhads() {
    let mut classifier = Classifier::new();
    classifier.line(&log("xen.log", Kind::CrashedXen, Owner::Crashed), 1, b"(XEN) Watchdog timer fired for domain 0");
    classifier.know(Fact::HaArmed(false));
    let verdict = classifier.verdict();
    assert_eq!((verdict.cause, verdict.confidence), (Cause::Xhad, Confidence::Likely));
    assert!(verdict.notes.iter().any(|note| note.contains("HA was off")));
}

#[test]
fn the_time_comes_from_the_logs_own_clock() {
    let told = |text: &str, facts: &[Fact]| {
        let mut classifier = Classifier::new();
        classifier.line(&log("x", Kind::Console, Owner::Crashed), 1, text.as_bytes());
        for fact in facts {
            classifier.know(fact.clone());
        }
        classifier.verdict().at.map(|at| at.to_string())
    };
    let sorry = "*** ocfs2 is very sorry to be fencing this system by restarting ***";
    assert_eq!(told(&format!("2026-02-03 04:05:06\t{sorry}"), &[]).as_deref(), Some("2026-02-03T04:05:06.000Z"));
    assert_eq!(told(&format!("Feb  3 04:05:06 h kernel: {sorry}"), &[]), None);
    let written = Fact::Written(Time::parse_xapi("20260301T00:00:00Z").unwrap());
    assert_eq!(told(&format!("Feb  3 04:05:06 h kernel: {sorry}"), &[written]).as_deref(), Some("2026-02-03T04:05:06.000Z"));
    let from = Time::parse_xapi("20260203T04:00:00Z").unwrap();
    let rebooted = Fact::Rebooted { from: Some(from), to: from + Duration::from_secs(900) };
    assert_eq!(told(&format!("[  306.000000] {sorry}"), &[rebooted]).as_deref(), Some("2026-02-03T04:05:06.000Z"));
}

#[test]
fn gigantic_logs_take_no_more_memory_than_small_ones() {
    let log = log("console", Kind::Console, Owner::Crashed);
    let mut classifier = Classifier::new();
    for number in 1..=60_000 {
        let line =
            format!("[{:5}.000001] BUG: soft lockup - CPU#{} stuck for 22s! [x:1] {}", number / 10, number % 64, "y".repeat(300));
        classifier.line(&log, number, line.as_bytes());
    }
    let verdict = classifier.verdict();
    assert_eq!((verdict.cause, verdict.finer), (Cause::Bug, Finer::CpuStuck));
    assert!(verdict.evidence.len() <= 8 && verdict.evidence.iter().all(|evidence| evidence.text.chars().count() <= 240));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_come_to_an_answer(text in prop::collection::vec(any::<u8>(), 0..4000)) {
        let verdict = verdict_of(&[(log("x", Kind::Unknown, Owner::Unknown), &text)]);
        prop_assert!(!verdict.why.is_empty());
    }

    #[test]
    fn excerpts_cut_and_mixed_come_to_an_answer(
        picks in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..12)
    ) {
        let all: Vec<String> = excerpts().into_iter().map(|excerpt| excerpt.text).filter(|text| text.len() > 1).collect();
        let mut text = Vec::new();
        for (which, from, to) in picks {
            let piece = all[which.index(all.len())].as_bytes();
            let (a, b) = (from.index(piece.len()), to.index(piece.len()));
            text.extend_from_slice(&piece[a.min(b)..a.max(b)]);
        }
        let verdict = verdict_of(&[(log("x", Kind::Unknown, Owner::Unknown), &text)]);
        prop_assert!(!verdict.why.is_empty() && verdict.evidence.len() <= 8);
    }

    #[test]
    fn the_order_in_which_logs_come_changes_nothing(
        picks in prop::collection::vec(any::<prop::sample::Index>(), 2..5),
        order in prop::collection::vec(any::<prop::sample::Index>(), 64)
    ) {
        let all = excerpts();
        let kinds = [Kind::CrashedKernel, Kind::CrashedXen, Kind::KernelLog, Kind::Console, Kind::XhaLog];
        let logs: Vec<(Arc<Log>, Vec<&str>)> = picks
            .iter()
            .enumerate()
            .map(|(at, pick)| {
                let text = &all[pick.index(all.len())].text;
                (log(&format!("log{at}"), kinds[pick.index(kinds.len())], Owner::Crashed), text.lines().collect())
            })
            .collect();
        let mut straight = Classifier::new();
        for (log, lines) in &logs {
            for (number, line) in (1..).zip(lines) {
                straight.line(log, number, line.as_bytes());
            }
        }
        let mut mixed = Classifier::new();
        let mut next = vec![0; logs.len()];
        let mut turn = order.iter().cycle();
        while next.iter().zip(&logs).any(|(next, (_, lines))| *next < lines.len()) {
            let open: Vec<usize> = (0..logs.len()).filter(|at| next[*at] < logs[*at].1.len()).collect();
            let at = open[turn.next().unwrap().index(open.len())];
            mixed.line(&logs[at].0, next[at] as u64 + 1, logs[at].1[next[at]].as_bytes());
            next[at] += 1;
        }
        prop_assert_eq!(straight.verdict(), mixed.verdict());
    }
}

/// How fast it goes: `cargo test --release --lib speed -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn speed() {
    let mut text = String::new();
    for second in 0..200_000 {
        writeln!(
            text,
            "Oct  1 12:{:02}:{:02} xs1 kernel: [{second:5}.123456] device vif{}.0 entered promiscuous mode on port {}",
            second / 60 % 60,
            second % 60,
            second % 97,
            second % 7
        )
        .unwrap();
    }
    let log = log("kern.log", Kind::KernelLog, Owner::Crashed);
    let start = std::time::Instant::now();
    let mut read = 0;
    while start.elapsed() < Duration::from_secs(2) {
        assert_eq!(cause_of(&[(Arc::clone(&log), text.as_bytes())]), Cause::None);
        read += text.len();
    }
    let rate = read as f64 / start.elapsed().as_secs_f64() / 1e6;
    println!("{rate:.0} MB/s");
    // By the wall clock, on a machine that may be busy: half of what it must do on a quiet one.
    assert!(rate > 50.0, "{rate:.0} MB/s");
}

/// A kernel's log on disk around a reset that it could not keep; the warning, what follows, and when the next boot begins.
fn kept(after: &str, next: &str) -> Verdict {
    let text = format!(
        "Nov 21 02:15:00 xcp3 kernel: [86400.101010] device-mapper: multipath: Failing path 8:16.\n\
         Nov 21 02:15:30 xcp3 kernel: [86430.000100] o2hb: node 2 hb write hung for 30s on region 0C4AB55FE9314FA5A9F81652FDB9B22D (dm-0), negotiate timeout with node 0.\n\
         {after}Nov 21 {next} xcp3 kernel: [    0.000000] Linux version 4.19.0+1 (mockbuild@build)\n\
         Nov 21 {next} xcp3 kernel: [    1.730000] device-mapper: multipath: version 1.13.0 loaded\n"
    );
    verdict_of(&[(log("var/log/kern.log", Kind::KernelLog, Owner::Crashed), text.as_bytes())])
}

#[test]
fn a_reset_that_the_log_on_disk_could_not_keep_is_likely_o2cb_if_all_points_to_it() {
    let verdict = kept("", "02:16:49");
    assert_eq!((verdict.cause, verdict.finer, verdict.confidence), (Cause::O2cb, Finer::Disk, Confidence::Likely), "{verdict:?}");
    assert!(verdict.evidence[0].text.contains("hb write hung") && verdict.evidence[0].line == 2, "{verdict:?}");
    assert!(verdict.why.contains("reset"), "{verdict:?}");
    let line = |clock: &str, up: &str, text: &str| format!("Nov 21 {clock} xcp3 kernel: [{up}] {text}\n");
    for (what, after, next) in [
        ("it went on for long", line("03:40:00", "91500.000000", "bridge: port 2 entered disabled state"), "03:45:00"),
        ("it was asked to go", line("02:15:50", "86450.000000", "reboot: Restarting system"), "02:16:49"),
        (
            "all waited",
            line("02:15:31", "86431.000000", "o2hb: negotiate timeout approved by master node on region 0C4 (dm-0)."),
            "02:16:49",
        ),
        ("it was left", line("02:15:50", "86450.000000", "o2hb: Heartbeat stopped on region 0C4 (dm-0)"), "02:16:49"),
        ("too soon", String::new(), "02:15:40"),
        ("days later", String::new(), "14:00:00"),
    ] {
        let verdict = kept(&after, next);
        assert!(verdict.cause != Cause::O2cb, "{what}: {verdict:?}");
    }
    // A console would have shown the fence.
    let console = "[86430.000100] o2hb: node 2 hb write hung for 30s on region 0C4 (dm-0), negotiate timeout with node 0.\n\
                   [    0.000000] Linux version 4.19.0+1\n[    1.730000] scsi host1: ahci\n";
    let verdict = verdict_of(&[(log("console.log", Kind::Console, Owner::Crashed), console.as_bytes())]);
    assert!(verdict.cause != Cause::O2cb, "{verdict:?}");
}
