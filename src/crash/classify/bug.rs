//! A crash that no cluster stack made: which kind of fault it was.

use super::finding::Finding;
use super::signal::{Reason, Signal, reason};
use super::view::{Place, View};
use crate::crash::verdict::{Cause, Confidence, Finer};

/// A lock-up that the log outlives by this was got over, in ms.
const OUTLIVED: i64 = 120_000;

/// A stuck disk this long before a hung task's panic is its cause, in ms.
const DISK_BEFORE: i64 = 600_000;

/// The fault, if there is one.
pub(super) fn bug(view: &View<'_>) -> Option<Finding> {
    let (main, finer, confidence, why) = pick(view)?;
    let mut finding = Finding::new(Cause::Bug, finer, confidence, why);
    finding.first(Some(main));
    for signal in [
        Signal::Panic,
        Signal::KernelBug,
        Signal::Oops,
        Signal::XenPanic,
        Signal::XenFault,
        Signal::XenBug,
        Signal::XenStuck,
        Signal::Mce,
        Signal::XenMce,
        Signal::HwFatal,
        Signal::HardLockup,
        Signal::SoftLockup,
        Signal::Dom0Crashed,
        Signal::OcfsAbort,
    ] {
        finding.first(view.find(signal));
    }
    finding.last(view.find(Signal::NotFencing));
    notes(view, &mut finding, finer);
    Some(finding)
}

fn notes(view: &View<'_>, finding: &mut Finding, finer: Finer) {
    if view.has(Signal::NotFencing) {
        finding.note("o2cb had checked its quorum and decided not to fence: it is not the cause.");
    }
    match finer {
        Finer::Oops | Finer::XenPanic | Finer::CpuStuck | Finer::HungTask | Finer::Panic => {
            if let Some(note) = view.said.iter().find_map(|said| said.scanned.boot.fault.note()) {
                finding.note(note);
            }
        }
        Finer::Operator => finding.note("The crash was asked for; there is nothing to repair."),
        _ => {}
    }
    if matches!(finer, Finer::CpuStuck | Finer::HungTask | Finer::Panic)
        && let Some(place) = view.first(&[Signal::HbHung, Signal::PathsGone])
    {
        finding.note("The disk was in trouble before that: the fault may only be what followed.");
        finding.first(Some(place));
    }
    if let Some(place) = view.find(Signal::SoftDog) {
        finding.note("A software watchdog, as sbd or other cluster stacks use it, ran out.");
        finding.first(Some(place));
    }
    let faulted = view.has(Signal::Oops) || view.has(Signal::KernelBug);
    if finer == Finer::Oops
        && view.find(Signal::Panic).is_some_and(|place| place.first().message.contains("Fatal exception"))
        && faulted
    {
        finding.note("The panic followed the fault because panic_on_oops is set, or because it was in an interrupt.");
    }
    if finer == Finer::Oops && !view.has(Signal::Panic) && !view.has(Signal::Dom0Crashed) {
        finding.note("No panic follows the fault in these logs: the host may have gone on for a while.");
    }
}

/// What is taken for the cause: the line, the kind, how sure, why.
type Pick<'a> = (Place<'a>, Finer, Confidence, String);

fn pick<'a>(view: &View<'a>) -> Option<Pick<'a>> {
    let sure = |place, finer, why: &str| Some((place, finer, Confidence::Sure, why.to_owned()));
    if let Some(place) = view.find(Signal::AskedCrash) {
        return sure(place, Finer::Operator, "Somebody asked for this crash.");
    }
    let panic = view.find(Signal::Panic).or_else(|| view.find(Signal::PanicEnd));
    let said = panic.and_then(|place| reason(&place.first().message));
    if said == Some(Reason::Is(Finer::Operator)) {
        return panic.and_then(|place| sure(place, Finer::Operator, "Somebody asked for this crash."));
    }
    if let Some(pick) = hardware(view, panic, said) {
        return Some(pick);
    }
    if let Some(place) = view.find(Signal::XenStuck) {
        return sure(
            place,
            Finer::CpuStuck,
            "Xen's own watchdog found a processor that did not get on. That is a fault, not a fence: HA's watchdog is another one.",
        );
    }
    if let Some(place) = xen(view, panic) {
        return sure(place, Finer::XenPanic, "The hypervisor itself panicked.");
    }
    if let Some(place) = panic {
        return Some(kernel(view, place, said));
    }
    quiet(view)
}

/// Machine checks and what firmware or an interrupt reported.
fn hardware<'a>(view: &View<'a>, panic: Option<Place<'a>>, said: Option<Reason>) -> Option<Pick<'a>> {
    let pick = |place, finer, why: &str| Some((place, finer, Confidence::Sure, why.to_owned()));
    let xen = view.find(Signal::XenPanic).filter(|place| {
        let said = place.first().after.iter().take(2).any(|line| {
            let line = line.to_ascii_lowercase();
            line.contains("machine check") || line.contains("mce") || line.contains("hardware error")
        });
        said && !view.has(Signal::XenStuck)
    });
    let mce = view.find(Signal::XenMce).or(xen).or_else(|| panic.filter(|_| said == Some(Reason::Is(Finer::Mce))));
    if let Some(place) = mce {
        return pick(place, Finer::Mce, "The processor reported a machine check that cannot be survived: hardware.");
    }
    if let Some(place) = view.find(Signal::XenFault).filter(|place| {
        let text = &place.first().message;
        text.contains("vector = 18") || text.contains("vec 18") || text.to_ascii_lowercase().contains("machine check")
    }) {
        return pick(place, Finer::Mce, "The processor reported a machine check that cannot be survived: hardware.");
    }
    let lockup = view.has(Signal::HardLockup);
    if let Some(place) = panic.filter(|_| said == Some(Reason::Is(Finer::Firmware)) && !lockup) {
        return pick(
            place,
            Finer::Firmware,
            "Hardware or firmware reported a fatal error, or sent an interrupt that cannot be ignored.",
        );
    }
    let nmi = view.find(Signal::XenFault).filter(|place| {
        let text = place.first().message.to_ascii_lowercase();
        text.contains("vector = 2 ") || text.contains("vec 2,")
    });
    if let Some(place) = view.find(Signal::XenNmi).or(nmi).filter(|_| !view.has(Signal::XenStuck)) {
        return pick(place, Finer::Firmware, "Hardware sent a non-maskable interrupt, and Xen stopped.");
    }
    None
}

/// A panic of the hypervisor that is not domain 0's.
fn xen<'a>(view: &View<'a>, panic: Option<Place<'a>>) -> Option<Place<'a>> {
    let place = view.first(&[Signal::XenBug, Signal::XenFault, Signal::XenPanic, Signal::XenEnd])?;
    // A kernel that panicked first, in the same log, is the cause of what Xen then met.
    let after = panic.is_some_and(|panic| {
        view.has(Signal::Dom0Crashed) || (panic.log.name == place.log.name && panic.first().order < place.first().order)
    });
    (!after).then_some(place)
}

/// A kernel's panic by its words and by what stands before it.
fn kernel<'a>(view: &View<'a>, panic: Place<'a>, said: Option<Reason>) -> Pick<'a> {
    let words = panic.first().message.clone();
    let quoted = words.split_once("syncing:").map_or(words.as_str(), |(_, rest)| rest).trim().to_owned();
    let sure = Confidence::Sure;
    if words.contains("panic forced after error") || words.contains("OCFS2: (device") {
        return forced(view, panic);
    }
    match said {
        Some(Reason::Is(Finer::HungTask)) => hung(view, panic),
        Some(Reason::Is(Finer::CpuStuck)) => {
            let place = view.first(&[Signal::HardLockup, Signal::SoftLockup, Signal::RcuStall]).unwrap_or(panic);
            (place, Finer::CpuStuck, sure, format!("The kernel panicked because a processor did not get on: {quoted}."))
        }
        Some(Reason::Is(Finer::Oom)) => (panic, Finer::Oom, sure, "The kernel had no memory left and nobody to kill.".to_owned()),
        Some(Reason::Is(finer)) => (panic, finer, sure, format!("The kernel panicked: {quoted}.")),
        Some(Reason::Follows) | None => {
            let fault = view.first(&[Signal::KernelBug, Signal::Oops, Signal::Sanitizer]);
            if let Some(place) = fault.filter(|place| near(*place, panic)) {
                return (
                    place,
                    Finer::Oops,
                    sure,
                    format!("A fault in the kernel: {}.", place.first().message.trim_end_matches('.')),
                );
            }
            if let Some(place) = view.first(&[Signal::HardLockup, Signal::SoftLockup]).filter(|place| near(*place, panic)) {
                return (place, Finer::CpuStuck, sure, "A processor did not get on, and the kernel panicked.".to_owned());
            }
            if ["Fatal exception", "Oops", "killing interrupt", "idle task", "KASAN", "kasan", "KFENCE", "recursive"]
                .iter()
                .any(|word| words.contains(word))
            {
                return (panic, Finer::Oops, sure, "The kernel panicked after a fault that is not in these logs.".to_owned());
            }
            (panic, Finer::Panic, sure, format!("The kernel panicked: {quoted}."))
        }
    }
}

/// Whether a fault stands shortly before a panic, so that it is its cause.
fn near(fault: Place<'_>, panic: Place<'_>) -> bool {
    match (fault.last().stamp, panic.first().stamp) {
        (Some(fault), Some(panic)) => panic - fault < 60_000,
        _ => true,
    }
}

/// A panic that a file system forced because of an error of its own, which is the disk's if I/O failed.
fn forced<'a>(view: &View<'a>, panic: Place<'a>) -> Pick<'a> {
    let disk = [Signal::HbIo, Signal::Storage, Signal::PathsGone, Signal::HbHung].iter().any(|signal| view.has(*signal));
    let (finer, why) = if disk {
        (
            Finer::Disk,
            "A file system panicked because I/O to its disk failed. That is the file system's own doing and no fence: look at the disk and its paths.",
        )
    } else {
        (
            Finer::Panic,
            "A file system panicked because of an error on its volume. That is the file system's own doing and no fence.",
        )
    };
    (panic, finer, Confidence::Sure, why.to_owned())
}

/// A panic that was set for tasks that wait too long.
fn hung<'a>(view: &View<'a>, panic: Place<'a>) -> Pick<'a> {
    let place = view.find(Signal::HungTask).unwrap_or(panic);
    let disk = view.first(&[Signal::HbHung, Signal::HbIo, Signal::PathsGone, Signal::Storage]).is_some_and(|disk| {
        match (disk.last().stamp, panic.first().stamp) {
            (Some(disk), Some(panic)) => panic - disk < DISK_BEFORE,
            _ => true,
        }
    });
    if disk {
        let why = "The kernel panicked because a task waited too long, as it is set to, and what it waited for was the disk.";
        return (panic, Finer::Disk, Confidence::Sure, why.to_owned());
    }
    (place, Finer::HungTask, Confidence::Sure, "The kernel panicked because a task waited too long, as it is set to.".to_owned())
}

/// Faults without a panic.
fn quiet<'a>(view: &View<'a>) -> Option<Pick<'a>> {
    let likely = |place, finer, why: &str| Some((place, finer, Confidence::Likely, why.to_owned()));
    if let Some(place) = view.find(Signal::Mce) {
        return likely(place, Finer::Mce, "The processor reported a machine check.");
    }
    if let Some(place) = view.find(Signal::HwFatal) {
        return likely(place, Finer::Firmware, "Hardware or firmware reported a fatal error.");
    }
    if let Some(place) = view.first(&[Signal::KernelBug, Signal::Oops, Signal::Sanitizer]) {
        return likely(place, Finer::Oops, "A fault in the kernel.");
    }
    if let Some(place) = view.find(Signal::Dom0Fault) {
        return likely(place, Finer::Oops, "Xen took domain 0 down for a fault in it.");
    }
    if let Some(place) = view.find(Signal::Dom0Crashed) {
        let mut pick = likely(place, Finer::Unknown, "Xen saw domain 0 crash; why, only domain 0's own log would tell.")?;
        pick.2 = Confidence::Guess;
        return Some(pick);
    }
    if let Some(place) = view.find(Signal::Nmi).filter(|_| !view.has(Signal::NmiOdd)) {
        return likely(place, Finer::Firmware, "Hardware sent a non-maskable interrupt.");
    }
    let over = |place: Place<'_>| place.boot.went_on(place.signal()).is_some_and(|ms| ms > OUTLIVED);
    if let Some(place) = view.first(&[Signal::HardLockup, Signal::SoftLockup, Signal::RcuStall]) {
        let pick = likely(place, Finer::CpuStuck, "A processor did not get on, and nothing shows that it ever did again.");
        return pick.filter(|_| !over(place));
    }
    // A task waits for long where a disk, a server or another node does not answer; that is told elsewhere.
    let waits =
        [Signal::Storage, Signal::PathsGone, Signal::HbHung, Signal::HbIo, Signal::Net, Signal::Evicted, Signal::Shutdown];
    let place = view.find(Signal::HungTask).filter(|place| !over(*place))?;
    if waits.iter().any(|signal| view.has(*signal)) {
        return None;
    }
    Some((
        place,
        Finer::HungTask,
        Confidence::Guess,
        "A task waited too long, and nothing shows that it ever went on.".to_owned(),
    ))
}
