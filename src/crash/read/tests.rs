//! Folders, archives and streams of every kind, well made, damaged and hostile.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")]

use super::testkit::{bz2, gz, header, tar, zip};
use super::*;
use crate::crash::report::{Crash, Dump};
use crate::crash::verdict::Cause;
use crate::time::Time;
use base64::Engine as _;
use proptest::prelude::*;

const FENCE: &[u8] = b"[  525.566493]   ERR: (kworker/u16:1,4321,3):o2hb_write_timeout:160 ERROR: Heartbeat write timeout to device dm-3 after 60000 milliseconds\n\
[  525.566500] EMERG: Kernel panic - not syncing: *** ocfs2 is very sorry to be fencing this system by panicing ***\n";
const OOPS: &[u8] = b"[ 99.000001]  ALERT: BUG: unable to handle kernel NULL pointer dereference at 0000000000000008\n\
[ 99.000002]   INFO: PGD 0 P4D 0\n[ 99.000003]   WARN: Oops: 0000 [#1] SMP NOPTI\n\
[ 99.000004]   INFO: CPU: 3 PID: 4321 Comm: qemu Tainted: G O 4.19.0+1 #1\n\
[ 99.000005]   WARN: RIP: e030:skb_copy_ubufs+0x1c9/0x260\n[ 99.000006]  EMERG: Kernel panic - not syncing: Fatal exception in interrupt\n";
const QUIET: &[u8] = b"Nov 21 01:00:00 xcp3 kernel: [ 1000.000000] device vif3.0 entered promiscuous mode\n\
Nov 21 01:00:01 xcp3 kernel: [ 1001.000000] IPv6: ADDRCONF(NETDEV_CHANGE): vif3.0: link becomes ready\n";

fn read(bytes: &[u8]) -> Result<Reading, ReadError> {
    stream(bytes, "a test", &Options::default())
}

fn of_host(bytes: &[u8], host: &str) -> Reading {
    stream(bytes, "a test", &Options { host: Some(host.to_owned()), ..Options::default() }).unwrap()
}

fn one(reading: &Reading) -> &Crash {
    assert_eq!(reading.crashes.len(), 1, "{reading:#?}");
    &reading.crashes[0]
}

fn noted(reading: &Reading, what: &str) -> bool {
    reading.notes.iter().any(|note| note.contains(what))
}

/// A bug report with two crashes, as xen-bugtool makes it.
fn bug_report() -> Vec<u8> {
    let root = "bug-report-20261121031500";
    let at = |path: &str| format!("{root}/{path}");
    let kern = gz(QUIET);
    let paths: Vec<(String, Vec<u8>)> = vec![
        (at("var/log/kern.log.1.gz"), kern),
        (at("inventory.xml"), b"<system-inventory>\n<system-summary hostname=\"xcp3\" date=\"x\"/></system-inventory>".to_vec()),
        (at("var/crash/20261121-021744-UTC/dom0.log"), FENCE.to_vec()),
        (at("var/crash/20261121-021744-UTC/dmesg.kexec.log"), OOPS.to_vec()),
        (at("var/crash/20261121-021744-UTC/xen-crashdump-analyser.log"), b"INFO  x\nINFO  COMPLETE\n".to_vec()),
        (at("var/crash/20261103-120000-CET/dom0.log"), OOPS.to_vec()),
        (at("var/crash/20261103-120000-CET/fs-full"), Vec::new()),
        (at("var/log/yum.log"), FENCE.to_vec()),
    ];
    let entries: Vec<_> = paths.iter().map(|(path, content)| (path.as_str(), b'0', content.as_slice())).collect();
    tar(&entries)
}

#[test]
fn a_bug_report_with_two_crashes() {
    let reading = read(&gz(&bug_report())).unwrap();
    assert_eq!(reading.crashes.len(), 2, "{reading:#?}");
    let (new, old) = (&reading.crashes[0], &reading.crashes[1]);
    assert_eq!((new.verdict.cause, new.host.as_deref(), &new.dump), (Cause::O2cb, Some("xcp3"), &Dump::Whole));
    assert_eq!(new.at.unwrap().to_xapi(), "20261121T02:17:44Z");
    assert_eq!(new.folder.as_deref(), Some("bug-report-20261121031500/var/crash/20261121-021744-UTC"));
    assert!(new.verdict.evidence.iter().any(|evidence| evidence.file == "dom0.log" && evidence.line == 1), "{new:#?}");
    assert!(new.advice.iter().any(|advice| advice.contains("O2CB_HEARTBEAT_THRESHOLD")), "{:?}", new.advice);
    // The kernel's log lies near in time.
    assert_eq!(new.logs, ["dom0.log", "var/log/kern.log.1.gz"]);
    assert_eq!((old.verdict.cause, old.at.unwrap().to_xapi().as_str()), (Cause::Bug, "20261103T11:00:00Z"));
    assert!(matches!(&old.dump, Dump::Part(why) if why.contains("no room")));
}

#[test]
fn every_packing_says_the_same() {
    let tarred = tar(&[("var/crash/20261121-021744-UTC/dom0.log", b'0', FENCE)]);
    let zipped = |piped| zip(&[("20261121-021744-UTC/dom0.log", FENCE), ("20261121-021744-UTC/x.out", b"x")], piped);
    let base64 = |text: &str| base64::engine::general_purpose::STANDARD.decode(text).unwrap();
    // Of the panic's line alone, by xz and zstd themselves.
    let xz = base64(XZ);
    let zstd = base64(ZSTD);
    let nested = tar(&[("deep/inner.tar.gz", b'0', &gz(&tarred)), ("deep/more.zip", b'0', &zipped(true))]);
    for (name, bytes) in [
        ("plain", FENCE.to_vec()),
        ("tar", tarred.clone()),
        ("tar.gz", gz(&tarred)),
        ("tar.bz2", bz2(&tarred)),
        ("gz", gz(FENCE)),
        ("two gz in a row", [gz(&FENCE[..40]), gz(&FENCE[40..])].concat()),
        ("gz in gz", gz(&gz(FENCE))),
        ("xz", xz),
        ("zst", zstd),
        ("zip", zipped(false)),
        ("zip from a pipe", zipped(true)),
    ] {
        let reading = read(&bytes).unwrap();
        assert_eq!(one(&reading).verdict.cause, Cause::O2cb, "{name}: {reading:#?}");
        assert!(reading.notes.is_empty(), "{name}: {:?}", reading.notes);
    }
    let reading = read(&nested).unwrap();
    assert!(reading.crashes.iter().all(|crash| crash.verdict.cause == Cause::O2cb));
    assert_eq!(reading.crashes.len(), 2, "{reading:#?}");
}

const XZ: &str = "/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4ABdAFNdACWZSkcAAxrtqH/DBlN8HpcraQ55Vpg5hlZchF+B4qn7rrveGO9SAtw0cDNjW4FzpjYkvo7TNio8CdD0WKOBN1BnKtAknk2pDA3rWCTIjvr4MAAAAAD87G+Vo+24YwABb16wvjBOH7bzfQEAAAAABFla";
const ZSTD: &str = "KLUv/SRefQIAMgURF5ApLQawXRsoUrVRS070/HLeqoyxJcIFxcx8WC35QJqbZxV0Miby6Yt4+SIlzjqQRrlnZsFhVWxzPRtwKSMgNpAhDQICAE2YyupSe+s1pB0=";

#[test]
fn the_crash_kernels_own_words_are_never_judged() {
    let dump = "var/crash/20261121-021744-UTC";
    let kexec = format!("{dump}/dmesg.kexec.log");
    let reading = read(&tar(&[(&kexec, b'0', OOPS)])).unwrap();
    assert_eq!((one(&reading).verdict.cause, reading.lines), (Cause::Unknown, 0), "{reading:#?}");
    // Also in kdump's way, and also where the folder is empty.
    let rhel = read(&tar(&[("var/crash/127.0.0.1-2026-11-21-02:17:44/kexec-dmesg.log", b'0', OOPS)])).unwrap();
    assert_eq!(one(&rhel).verdict.cause, Cause::Unknown);
    let empty = read(&tar(&[("var/crash/20261121-021744-UTC/", b'5', b"")])).unwrap();
    assert_eq!((one(&empty).verdict.cause, one(&empty).at.is_some()), (Cause::Unknown, true));
}

#[test]
fn kdump_folders_tell_their_time_by_their_files() {
    let rhel = "var/crash/127.0.0.1-2026-11-21-03:17:44";
    let (log, core) = (format!("{rhel}/vmcore-dmesg.txt"), format!("{rhel}/vmcore-incomplete"));
    let reading = read(&tar(&[(&log, b'0', OOPS), (&core, b'0', b"x")])).unwrap();
    let crash = one(&reading);
    // The files were written at 02:18:30 UTC, so that clock was an hour ahead.
    assert_eq!(
        (crash.at.unwrap().to_xapi().as_str(), crash.clock.as_deref()),
        ("20261121T02:17:44Z", Some("2026-11-21 03:17:44"))
    );
    assert!(matches!(&crash.dump, Dump::Part(_)) && crash.verdict.cause == Cause::Bug, "{crash:#?}");
    let debian = read(&tar(&[("var/crash/202611210217/dmesg.202611210217", b'0', FENCE)])).unwrap();
    assert_eq!((one(&debian).verdict.cause, one(&debian).at.unwrap().to_xapi().as_str()), (Cause::O2cb, "20261121T02:17:00Z"));
}

const XHA: &[u8] = b"Sat Nov 21 02:17:40 UTC 2026 [err] FH: Survival Rule is not met for the local host.  - Self-Fence (1905)\n\
Sat Nov 21 02:17:40 UTC 2026 [info] watchdog_selffence.\n";

#[test]
fn a_fence_without_a_dump_is_a_crash_of_its_own() {
    let reading =
        read(&tar(&[("b/etc/hostname", b'0', b"xcp3\n"), ("b/var/log/kern.log", b'0', QUIET), ("b/var/log/xha.log", b'0', XHA)]))
            .unwrap();
    let crash = one(&reading);
    assert_eq!((crash.verdict.cause, crash.host.as_deref(), &crash.dump), (Cause::Xhad, Some("xcp3"), &Dump::Missing));
    assert_eq!(crash.logs, ["var/log/kern.log", "var/log/xha.log"]);
    let quiet = read(&tar(&[("b/var/log/kern.log", b'0', QUIET)])).unwrap();
    assert_eq!((one(&quiet).verdict.cause, one(&quiet).host.as_deref()), (Cause::None, Some("xcp3")));
}

#[test]
fn what_is_far_from_a_dump_is_not_its_own() {
    let long_before = String::from_utf8_lossy(XHA).replace("Nov 21", "Oct  3");
    let reading = read(&tar(&[
        ("b/var/log/xha.log.1", b'0', long_before.as_bytes()),
        ("b/var/crash/20261121-021744-UTC/dom0.log", b'0', OOPS),
    ]))
    .unwrap();
    let causes: Vec<_> = reading.crashes.iter().map(|crash| (crash.verdict.cause, crash.folder.is_some())).collect();
    assert_eq!(causes, [(Cause::Bug, true), (Cause::Xhad, false)], "{reading:#?}");
    assert_eq!(reading.crashes[0].logs, ["dom0.log"]);
}

#[test]
fn what_other_hosts_saw_is_not_what_happened_to_them() {
    let reports = tar(&[
        ("one/etc/hostname", b'0', b"xcp1\n"),
        ("one/var/log/xha.log", b'0', XHA),
        ("one/var/crash/20261121-021744-UTC/dom0.log", b'0', OOPS),
        ("three/etc/hostname", b'0', b"xcp3\n"),
        ("three/var/log/kern.log", b'0', QUIET),
    ]);
    let reading = of_host(&reports, "xcp3");
    let crash = one(&reading);
    // The fence in xcp1's log is xcp1's.
    assert!(!matches!(crash.verdict.cause, Cause::Xhad | Cause::Bug), "{crash:#?}");
    assert_eq!(crash.host.as_deref(), Some("xcp3"));
    assert!(crash.logs.iter().any(|log| log == "xcp1: var/log/xha.log"), "{:?}", crash.logs);
    assert!(noted(&reading, "of other hosts than xcp3"), "{:?}", reading.notes);
    assert!(of_host(&reports, "xcp1").crashes.iter().any(|crash| crash.folder.is_some()));
}

#[test]
fn names_that_climb_links_and_devices_do_no_harm() {
    let reading = read(&tar(&[
        ("../../../etc/passwd", b'0', b"x"),
        ("/var/crash/20261121-021744-UTC/../20261121-021744-UTC/dom0.log", b'0', FENCE),
        ("var/crash/20261121-021744-UTC/xen.log", b'2', b""),
        ("var/crash/20261121-021744-UTC/dom1.log", b'1', b""),
        ("dev/sda", b'4', b""),
        ("fifo", b'6', b""),
        ("var/log/sparse.log", b'S', b"x"),
    ]))
    .unwrap();
    assert!(reading.crashes.iter().any(|crash| crash.verdict.cause == Cause::O2cb), "{reading:#?}");
    for what in ["2 links", "2 devices", "climb", "stored in a way"] {
        assert!(noted(&reading, what), "{what}: {:?}", reading.notes);
    }
}

#[test]
fn archives_within_archives_end() {
    let mut bytes = tar(&[("var/crash/20261121-021744-UTC/dom0.log", b'0', FENCE)]);
    for level in 0..20 {
        bytes = tar(&[("quiet.log", b'0', QUIET), (&format!("{level}.tar"), b'0', &bytes)]);
    }
    let reading = read(&bytes).unwrap();
    assert!(noted(&reading, "archives within archives"), "{:?}", reading.notes);
    assert!(reading.crashes.iter().all(|crash| crash.verdict.cause == Cause::None), "{reading:#?}");
}

#[test]
fn a_bomb_is_stopped_and_what_came_before_is_judged() {
    let zeros = vec![0; 4 << 20];
    let bomb = gz(&tar(&[("var/crash/20261121-021744-UTC/dom0.log", b'0', FENCE), ("console.log", b'0', &zeros)]));
    let limits = Limits { free: 1 << 20, ratio: 100, ..Limits::default() };
    let reading = stream(bomb.as_slice(), "a bomb", &Options { limits, ..Options::default() }).unwrap();
    assert_eq!(one(&reading).verdict.cause, Cause::O2cb);
    assert!(noted(&reading, "unpacks to more than 100 times"), "{:?}", reading.notes);
    for (limits, what) in [
        (Limits { unpacked: 1 << 20, ..Limits::default() }, "came out of it"),
        (Limits { input: 2_000, ..Limits::default() }, "came in"),
        (Limits { members: 2, ..Limits::default() }, "holds more than 2 files"),
    ] {
        let reading = stream(bomb.as_slice(), "a bomb", &Options { limits, ..Options::default() }).unwrap();
        assert!(noted(&reading, what), "{what}: {:?}", reading.notes);
    }
    // So many crash folders, so many files.
    let names: Vec<String> =
        (0..200).map(|n| format!("var/crash/2026{:02}{:02}-021744-UTC/dom0.log", n / 28 + 1, n % 28 + 1)).collect();
    let entries: Vec<_> = names.iter().map(|name| (name.as_str(), b'0', FENCE)).collect();
    let reading = read(&tar(&entries)).unwrap();
    assert_eq!(reading.crashes.len(), crate::crash::gather::CRASHES);
    assert!(noted(&reading, "more than 64 crash folders"), "{:?}", reading.notes);
}

#[test]
fn what_is_cut_or_lies_about_its_size_is_judged_as_far_as_it_goes() {
    let whole = bug_report();
    let cut = read(&whole[..whole.len() / 2]).unwrap();
    assert!(noted(&cut, "cut off") && cut.crashes.iter().any(|crash| crash.verdict.cause == Cause::O2cb), "{cut:#?}");
    let packed = gz(&whole);
    let cut = read(&packed[..packed.len() * 9 / 10]).unwrap();
    assert!(noted(&cut, "cut off"), "{:?}", cut.notes);
    // A size that nothing is behind.
    let mut lying = header("var/crash/20261121-021744-UTC/dom0.log", b'0', 0o77_777_777_777).to_vec();
    lying.extend_from_slice(FENCE);
    let reading = read(&lying).unwrap();
    assert!(noted(&reading, "cut off") && one(&reading).verdict.cause == Cause::O2cb, "{reading:#?}");
    // A long name without end is not kept.
    let mut long = header("././@LongLink", b'L', 1 << 32).to_vec();
    long.extend_from_slice(&[b'x'; 9_000]);
    assert!(read(&long).is_err());
    // Damage in the middle: the next header is found.
    let mut damaged =
        tar(&[("a.log", b'0', QUIET), ("b.log", b'0', QUIET), ("var/crash/20261121-021744-UTC/dom0.log", b'0', FENCE)]);
    damaged[1024..1100].fill(b'?');
    let reading = read(&damaged).unwrap();
    assert!(noted(&reading, "damaged in between") && one(&reading).verdict.cause == Cause::O2cb, "{reading:#?}");
    let zipped = zip(&[("a.log", QUIET), ("20261121-021744-UTC/dom0.log", FENCE)], false);
    assert!(noted(&read(&zipped[..zipped.len() - 60]).unwrap(), "cut off"));
}

#[test]
fn logs_that_are_none() {
    // Empty: read, but there is nothing to judge by.
    let empty = read(b"").unwrap();
    assert_eq!((one(&empty).verdict.cause, empty.lines), (Cause::Unknown, 0));
    let noise: Vec<u8> = (0..50_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let binary = read(&noise).unwrap();
    assert!(
        noted(&binary, "does not look like text")
            && !matches!(one(&binary).verdict.cause, Cause::O2cb | Cause::Xhad | Cause::Bug)
    );
    let mut odd = b"\xff\xfe\0\0caf\xe9\n".to_vec();
    odd.extend(std::iter::repeat_n(b'x', 3 << 20));
    odd.push(b'\n');
    odd.extend_from_slice(FENCE);
    let odd = read(&odd).unwrap();
    assert_eq!(one(&odd).verdict.cause, Cause::O2cb);
    assert!(noted(&odd, "longer than 16 KiB"), "{:?}", odd.notes);
    let foreign = read(b"7z\xbc\xaf\x27\x1c\0\x04").unwrap_err().to_string();
    assert!(foreign.contains("7-Zip") && foreign.contains("unpack it"), "{foreign}");
    let broken = read(b"\x1f\x8b\x08 this is not what it says").unwrap_err();
    assert!(matches!(broken, ReadError::Broken { .. }), "{broken}");
    let nothing = read(&tar(&[("lspci.out", b'0', b"x")])).unwrap_err().to_string();
    assert!(nothing.contains("none of its") && nothing.contains("crash folder"), "{nothing}");
}

#[test]
fn a_folder_is_read_without_following_links() {
    let folder = std::env::temp_dir().join(format!("poolwatch-crash-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let dump = folder.join("20261121-021744-UTC");
    std::fs::create_dir_all(&dump).unwrap();
    std::fs::write(dump.join("dom0.log"), FENCE).unwrap();
    std::fs::write(folder.join("fence.log"), OOPS).unwrap();
    std::os::unix::fs::symlink(folder.join("fence.log"), dump.join("xen.log")).unwrap();
    std::os::unix::fs::symlink(&folder, dump.join("again")).unwrap();
    let options = Options::default();
    for path in [dump.clone(), dump.join("dom0.log")] {
        let reading = super::path(&path, &options).unwrap();
        let crash = one(&reading);
        assert_eq!(
            (crash.verdict.cause, crash.at.map(Time::to_xapi)),
            (Cause::O2cb, Some("20261121T02:17:44Z".to_owned())),
            "{path:?}"
        );
    }
    let all = super::path(&folder, &options).unwrap();
    assert!(noted(&all, "2 links") && all.crashes.len() == 1, "{all:#?}");
    let gone = super::path(&folder.join("gone"), &options).unwrap_err().to_string();
    assert!(gone.contains("Check the path"), "{gone}");
    assert!(matches!(super::path(Path::new("/dev/null"), &options), Err(ReadError::Kind(_))));
    std::fs::remove_dir_all(&folder).unwrap();
}

/// What the fuzz targets do, too: whatever the bytes, there is an answer, and it can be told.
fn fuzz(bytes: &[u8]) {
    let limits = Limits { free: 8 << 20, ratio: 20, unpacked: 32 << 20, members: 500, ..Limits::default() };
    if let Ok(reading) = stream(bytes, "<script>", &Options { limits, ..Options::default() }) {
        let html = crate::crash::report::html(&reading);
        assert!(!html.contains("<script") && !html.contains('\u{1b}'), "{html}");
        assert!(!crate::crash::report::markdown(&reading).contains("<script"));
        assert!(crate::crash::report::json(&reading).is_ok());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// The entry of the fuzz target `crash_log`.
    #[test]
    fn any_bytes_end_in_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..4_000)) {
        fuzz(&bytes);
    }

    /// The entry of the fuzz target `crash_archive`: well-made archives with some of their bytes changed.
    #[test]
    fn any_damage_ends_in_an_answer(which in 0_usize..7, hits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12), cut in any::<prop::sample::Index>()) {
        let plain = bug_report();
        let base64 = |text: &str| base64::engine::general_purpose::STANDARD.decode(text).unwrap();
        let mut bytes = match which {
            0 => plain,
            1 => gz(&plain),
            2 => bz2(&plain),
            3 => zip(&[("a/dom0.log", FENCE), ("a/b.tar", &plain)], false),
            4 => zip(&[("a/dom0.log", FENCE), ("a/b.tar", &plain)], true),
            5 => base64(XZ),
            _ => base64(ZSTD),
        };
        for (at, value) in hits {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        fuzz(&bytes);
        fuzz(&bytes[..cut.index(bytes.len())]);
    }
}
