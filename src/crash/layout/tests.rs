//! Names of every maker of dumps and logs, and what they count as.

#![allow(clippy::panic, reason = "a test that fails may panic")]

use super::*;
use proptest::prelude::*;

fn dump(path: &str) -> (String, Role) {
    match place(path) {
        Place::Dump { folder, role, .. } => (folder, role),
        other => panic!("{path}: {other:?}"),
    }
}

#[test]
fn crash_folders_of_every_maker() {
    let folder = "bug-report-20261121031500/var/crash/20261121-021744-UTC";
    let at = |name: &str| dump(&format!("{folder}/{name}"));
    for (name, role) in [
        ("xen.log", Role::Log(Kind::CrashedXen)),
        ("dom0.log", Role::Log(Kind::CrashedKernel)),
        ("dom0.log.gz", Role::Log(Kind::CrashedKernel)),
        ("dom7.log", Role::Other),
        ("dom0.structures.log", Role::Other),
        ("xen.pcpu3.stack.log", Role::Other),
        ("lspci-tv.out", Role::Other),
        ("xen-crashdump-analyser.log", Role::Analyser),
        // The trap: it is the crash kernel's, and says nothing of the crash.
        ("dmesg.kexec.log", Role::CrashKernel),
        ("coredump.bin", Role::Core),
        ("fs-full", Role::Full),
    ] {
        assert_eq!(at(name), (folder.to_owned(), role), "{name}");
    }
    assert_eq!(dump("var/crash/crash.log"), ("var/crash".to_owned(), Role::Log(Kind::CrashedXen)));
    let rhel = "var/crash/127.0.0.1-2026-11-21-02:17:44";
    assert_eq!(dump(&format!("{rhel}/vmcore-dmesg.txt")), (rhel.to_owned(), Role::Log(Kind::CrashedKernel)));
    assert_eq!(dump(&format!("{rhel}/vmcore-dmesg-incomplete.txt")).1, Role::PartOfLog(Kind::CrashedKernel));
    assert_eq!(dump(&format!("{rhel}/kexec-dmesg.log")).1, Role::CrashKernel);
    assert_eq!(dump(&format!("{rhel}/vmcore-incomplete")).1, Role::PartOfCore);
    let debian = "var/crash/10.0.0.3-202611210217";
    assert_eq!(dump(&format!("{debian}/dmesg.202611210217")), (debian.to_owned(), Role::Log(Kind::CrashedKernel)));
    assert_eq!(dump(&format!("{debian}/dump.202611210217")).1, Role::Core);
    // A folder that was copied somewhere, and a file by itself.
    assert_eq!(dump("case-42/20261121-021744-CET/xen.log").0, "case-42/20261121-021744-CET");
    assert_eq!(dump("dom0.log").0, "");
    assert_eq!(crash_folder("a/var/crash/20261121-021744-UTC"), Some("a/var/crash/20261121-021744-UTC"));
    assert_eq!(crash_folder("backup/20261121-021744-UTC"), None);
}

#[test]
fn logs_on_disk_with_their_parts_in_order() {
    let disk = |path: &str| match place(path) {
        Place::Disk { root, kind, base, age } => (root, kind, base, age),
        other => panic!("{path}: {other:?}"),
    };
    let root = "bug-report-20261121031500";
    let log = format!("{root}/var/log");
    let want = |kind, base: &str, age| (root.to_owned(), kind, format!("{log}/{base}"), age);
    assert_eq!(disk(&format!("{log}/kern.log")), want(Kind::KernelLog, "kern.log", 0));
    assert_eq!(disk(&format!("{log}/kern.log.2.gz")), want(Kind::KernelLog, "kern.log", 2));
    assert_eq!(disk(&format!("{log}/xha.log.1.gz")), want(Kind::XhaLog, "xha.log", 1));
    assert_eq!(disk(&format!("{log}/SMlog.11")), want(Kind::SmLog, "smlog", 11));
    assert_eq!(disk(&format!("{log}/xen/hypervisor.log")), want(Kind::XenLog, "xen/hypervisor.log", 0));
    assert_eq!(disk(&format!("{root}/xl-dmesg.out")), (root.to_owned(), Kind::XenLog, format!("{root}/xl-dmesg.out"), 0));
    let (older, newer) = (disk("var/log/messages-20261108.gz"), disk("var/log/messages-20261115"));
    assert_eq!((older.2.as_str(), older.0.as_str()), ("var/log/messages", ""));
    assert!(older.3 > newer.3 && newer.3 > disk("var/log/messages").3);
    assert_eq!(disk("xha.log"), (String::new(), Kind::XhaLog, "xha.log".to_owned(), 0));
}

#[test]
fn who_it_is_and_what_may_be_anything() {
    let who = |path: &str| matches!(place(path), Place::Who { root, .. } if root == "b");
    assert!(who("b/etc/hostname") && who("b/etc/xensource-inventory") && who("b/inventory.xml") && who("b/uname-a.out"));
    assert_eq!(place("xcp3-serial.log"), Place::Loose(Kind::Console));
    assert_eq!(place("netconsole.txt"), Place::Loose(Kind::Console));
    assert_eq!(place("what-i-saw.txt"), Place::Loose(Kind::Unknown));
    for path in ["b/var/log/yum.log", "b/etc/passwd", "b/lspci.out", "b/picture.png", "b/README.txt", "proc/mdstat", "b/x.conf"] {
        assert_eq!(place(path), Place::Skip, "{path}");
    }
    // Whoever names a file wants it read.
    assert_eq!(place_of_one("picture.png"), Place::Loose(Kind::Unknown));
}

#[test]
fn paths_are_tamed_and_packing_is_no_part_of_a_name() {
    assert_eq!(tame("../../etc//./passwd"), ("etc/passwd".to_owned(), true));
    assert_eq!(tame("/var/log/kern.log"), ("var/log/kern.log".to_owned(), true));
    assert_eq!(tame("./a/b"), ("a/b".to_owned(), false));
    assert_eq!(
        (unpacked("kern.log.2.GZ"), unpacked(".gz"), unarchived("bug-report.tar.bz2")),
        ("kern.log.2", ".gz", "bug-report")
    );
}

proptest! {
    #[test]
    fn any_path_counts_as_something(path in "\\PC{0,200}", more in "[a-z0-9./:-]{0,80}") {
        for path in [&path, &more] {
            let (tamed, _) = tame(path);
            prop_assert!(!tamed.split('/').any(|part| part == ".."));
            let _ = (place(&tamed), place_of_one(&tamed), crash_folder(&tamed), unarchived(&tamed));
        }
    }
}
