//! From what the logs of one crash told to its cause. o2cb goes before xhad, xhad before a bug, all of them before "no crash"; where nothing tells, that is the answer.

use super::bug;
use super::date::Date;
use super::finding::Finding;
use super::signal::{Signal, Weight};
use super::view::{Place, View};
use crate::crash::log::Kind;
use crate::crash::verdict::{Cause, Confidence, Finer};

/// A heartbeat's timeout that the log outlives by this was not a fence, in ms.
const OUTLIVED: i64 = 5_000;

/// What xhad warned of this long before a fence may be its reason, in ms.
const WARNED: i64 = 600_000;

/// A warning of a fence is written when half of the time is over; the fence itself comes no sooner than this after it (with 60 s, less what clocks round), in ms.
const HALF: i64 = 25_000;

/// The log may go on this long after the warning, in ms: until the fence.
const STOPS: i64 = 40_000;

/// The next boot begins this long after the warning at most, in ms.
const BACK_AGAIN: i64 = 30 * 60_000;

/// What these logs say together; `None` if they do not tell of a crash.
pub(super) fn crash(view: &View<'_>) -> Option<Finding> {
    o2cb(view).or_else(|| xhad(view)).or_else(|| bug::bug(view))
}

/// The fence by o2cb.
pub(super) fn o2cb(view: &View<'_>) -> Option<Finding> {
    let said = view.first(&[Signal::Sorry, Signal::StopAll, Signal::Quorum, Signal::FenceFrame]);
    let timeout = view.find(Signal::WriteTimeout);
    let (confidence, how) = match (said, timeout) {
        (Some(place), _) if place.signal() == Signal::FenceFrame => {
            (Confidence::Likely, "The stack of the crash is o2cb's fence; its message is not in these logs")
        }
        (Some(_), _) => (Confidence::Sure, "The kernel says that o2cb fenced this host"),
        (None, Some(place)) => {
            let outlived = place.boot.went_on(Signal::WriteTimeout).is_some_and(|ms| ms > OUTLIVED);
            let later = [Signal::Panic, Signal::Shutdown, Signal::Unmount]
                .iter()
                .any(|signal| place.boot.told.get(signal).is_some_and(|told| told.last.order > place.last().order));
            if outlived || later {
                return None;
            }
            (Confidence::Likely, "The heartbeat's write timeout ran out and the log ends there")
        }
        (None, None) => return None,
    };
    let quorum = view.find(Signal::Quorum);
    let disk = match (timeout, quorum) {
        (Some(disk), Some(net)) => Some(disk.last().order > net.last().order),
        (Some(_), None) => Some(true),
        (None, Some(_)) => Some(false),
        (None, None) if view.has(Signal::FrameDisk) => Some(true),
        (None, None) if view.has(Signal::FrameNet) => Some(false),
        (None, None) if view.has(Signal::HbHung) || view.has(Signal::HbIo) => Some(true),
        (None, None) => None,
    };
    let (finer, why) = match disk {
        Some(true) => (Finer::Disk, ": no write to the heartbeat region was completed within its limit."),
        Some(false) => (Finer::Network, ": over the network it reached too few of the nodes whose heartbeat it saw on disk."),
        None => (Finer::Unknown, "; whether for the disk or for the network is not in these logs."),
    };
    let mut finding = Finding::new(Cause::O2cb, finer, confidence, format!("{how}{why}"));
    match finer {
        Finer::Network => finding.last(quorum),
        _ => finding.last(timeout),
    }
    for signal in [Signal::Sorry, Signal::Quorum, Signal::WriteTimeout, Signal::StopAll, Signal::FenceFrame] {
        finding.last(view.find(signal));
    }
    for signal in [Signal::HbHung, Signal::HbIo, Signal::Net, Signal::Storage] {
        finding.first(view.find(signal));
    }
    if view.has(Signal::DomWatchdog) || view.has(Signal::DomWatchdogReboot) {
        finding.note("The reset after the fence hung, and Xen's domain watchdog ended it: o2cb was first.");
        finding.last(view.first(&[Signal::DomWatchdog, Signal::DomWatchdogReboot]));
    }
    if let Some(place) = view.first(&[Signal::Oops, Signal::KernelBug]) {
        let fence = view.first(&[Signal::Sorry, Signal::StopAll, Signal::Quorum]);
        let after = fence.is_some_and(|fence| fence.last().order < place.first().order);
        if after {
            finding.note("A second fault followed while the host went down; the fence was first.");
        } else {
            finding.note("The kernel had a fault before that and went on; it did not end the host, but is worth a bug report.");
        }
        finding.first(Some(place));
    }
    Some(finding)
}

/// Of two things said of one fence the one that tells more, of two fences the later.
fn later<'a>(a: Place<'a>, b: Place<'a>) -> Place<'a> {
    let apart = match (a.last().date, b.last().date) {
        (Some(a), Some(b)) => b.rough() - a.rough() > WARNED,
        _ => false,
    };
    if apart { b } else { a }
}

/// The fence by the HA daemon, or by the watchdog that it feeds.
fn xhad(view: &View<'_>) -> Option<Finding> {
    let said = [Signal::XhaXapi, Signal::XhaView, Signal::XhaRule, Signal::XhaAsked, Signal::XhaOther, Signal::XhaSelfFence]
        .into_iter()
        .filter_map(|signal| view.find(signal))
        .reduce(later);
    let watchdog = view.first(&[Signal::DomWatchdog, Signal::DomWatchdogReboot, Signal::DomWatchdogFrame, Signal::XhaWatchdog]);
    if said.is_none() && watchdog.is_none() {
        return None;
    }
    // Warnings count only if they are of the same minutes: the log goes back for months.
    let warned = |signal| {
        let at = |place: Place<'_>| place.last().date.map(Date::rough);
        view.find(signal).is_some_and(|soon| match (at(soon), said.and_then(at)) {
            (Some(soon), Some(said)) => (0..WARNED).contains(&(said - soon)),
            _ => true,
        })
    };
    let (state, beat) = (warned(Signal::SoonStatefile), warned(Signal::SoonHeartbeat));
    let (finer, why) = match said.map(|place| place.signal()) {
        Some(Signal::XhaXapi) => (Finer::XapiHealthCheck, "xhad fenced this host because xapi did not pass its health check."),
        Some(Signal::XhaView | Signal::XhaRule | Signal::XhaOther | Signal::XhaSelfFence) if state => {
            (Finer::Statefile, "xhad fenced this host: it could not read or write the statefile in time.")
        }
        Some(Signal::XhaOther | Signal::XhaSelfFence) if warned(Signal::SoonXapi) && !beat => {
            (Finer::XapiHealthCheck, "xhad fenced this host, and xapi had not answered its health check for long.")
        }
        Some(Signal::XhaRule) => (
            Finer::Heartbeat,
            "xhad fenced this host: it had lost the others' heartbeat and was not in the part of the pool that goes on.",
        ),
        Some(Signal::XhaView | Signal::XhaOther | Signal::XhaSelfFence) if beat => {
            (Finer::Heartbeat, "xhad fenced this host: it had lost the others' heartbeat over the network.")
        }
        Some(Signal::XhaView) => {
            (Finer::Unknown, "xhad fenced this host: it did not get to one view of the pool with the others in time.")
        }
        Some(Signal::XhaAsked) => (Finer::Heartbeat, "xhad fenced this host because another host asked for it."),
        Some(_) => (Finer::Unknown, "xhad fenced this host."),
        None => (
            Finer::Watchdog,
            "Xen's watchdog for domain 0 ran out, which xhad feeds: xhad or all of domain 0 had stopped, or xhad let it run out.",
        ),
    };
    let mut finding = Finding::new(Cause::Xhad, finer, Confidence::Sure, why);
    finding.last(said);
    finding.last(watchdog);
    for signal in [Signal::DomWatchdogReboot, Signal::SoonStatefile, Signal::SoonHeartbeat, Signal::SoonXapi, Signal::XhaLiveset]
    {
        finding.last(view.find(signal));
    }
    if watchdog.is_some() {
        let dead = view.first(&[
            Signal::Panic,
            Signal::Oops,
            Signal::KernelBug,
            Signal::SoftLockup,
            Signal::HardLockup,
            Signal::RcuStall,
        ]);
        if let Some(dead) = dead {
            finding.note("Domain 0 was already dead or stuck when the watchdog ran out: report that as a bug too.");
            finding.first(Some(dead));
        }
    }
    Some(finding)
}

/// What there is where nothing tells of a crash.
pub(super) fn calm(view: &View<'_>) -> Finding {
    let dump = view.kind(Kind::CrashedKernel) || view.kind(Kind::CrashedXen);
    if dump {
        return dumped(view);
    }
    if let Some(finding) = unlogged(view).or_else(|| sudden(view)) {
        return finding;
    }
    if let Some(finding) = unnamed(view) {
        return finding;
    }
    let orderly = view.said.iter().any(|said| said.scanned.boot.told.keys().any(|signal| signal.orderly()));
    if !orderly && view.has(Signal::Dom0Reboot) {
        let mut finding = Finding::new(
            Cause::Unknown,
            Finer::Unknown,
            Confidence::Guess,
            "Domain 0 asked Xen for a reboot. A planned reboot looks like this, and so do o2cb's reset and xhad's fence: look at the kernel's log and at xha.log.",
        );
        finding.last(view.find(Signal::Dom0Reboot));
        return finding;
    }
    if view.said.iter().all(|said| said.scanned.lines == 0) {
        return Finding::new(Cause::Unknown, Finer::Unknown, Confidence::Guess, "There is nothing to read in these logs.");
    }
    let mut finding = if orderly {
        Finding::new(
            Cause::None,
            Finer::Operator,
            Confidence::Likely,
            "The host was shut down or reset on request; nothing in these logs tells of a crash.",
        )
    } else {
        Finding::new(
            Cause::None,
            Finer::Unknown,
            Confidence::Likely,
            "Nothing in these logs tells of a crash or a fence of this host.",
        )
    };
    let told = view.all(Weight::Notable);
    for place in &told {
        finding.last(Some(*place));
    }
    for place in &told {
        finding.first(Some(*place));
    }
    for (signal, note) in [
        (Signal::WriteTimeout, "One heartbeat region timed out, but the host went on: with several regions that is no fence."),
        (Signal::Negotiated, "All nodes had lost the disk, so o2cb fenced none of them."),
        (Signal::NotFencing, "A quorum check came to the result not to fence."),
        (Signal::Evicted, "Another node was evicted: that one fenced or died, not this one."),
        (Signal::HungTask, "Tasks waited too long, which the host survived."),
        (Signal::NmiOdd, "A non-maskable interrupt without a known reason came, which the host survived."),
        (Signal::MceLogged, "Hardware errors were logged; the host survived them."),
        (Signal::HwLogged, "Hardware errors were logged; the host survived them."),
        (Signal::SoftLockup, "A processor did not get on for a while, which the host survived."),
        (Signal::GuestCrash, "A guest crashed, not the host."),
        (Signal::GuestWatchdog, "A guest's watchdog ran out, not the host's."),
        (Signal::OtherFence, "Another cluster stack speaks of fencing here, neither o2cb nor xhad."),
        (Signal::PathsGone, "Paths to a disk were lost."),
        (Signal::OomKill, "Memory ran out and a process was killed, which the host survived."),
    ] {
        if view.has(signal) {
            finding.note(note);
        }
    }
    finding
}

/// Signs of a crash without a word of its cause.
fn unnamed(view: &View<'_>) -> Option<Finding> {
    if let Some(place) = view.first(&[Signal::Kexec, Signal::Dump]) {
        let why = "This is part of a crash's dump, but nothing in it names the cause.";
        let mut finding = Finding::new(Cause::Unknown, Finer::Unknown, Confidence::Guess, why);
        finding.first(Some(place));
        return Some(finding);
    }
    let other = view.find(Signal::OtherFence).or_else(|| view.find(Signal::SoftDog));
    if let (Some(other), Some(reset)) = (other, view.first(&[Signal::AskedReset, Signal::SoftDog])) {
        let why = "Another cluster stack or a software watchdog took the host down, neither o2cb nor xhad.";
        let mut finding = Finding::new(Cause::Unknown, Finer::Unknown, Confidence::Guess, why);
        finding.last(Some(other));
        finding.last(Some(reset));
        return Some(finding);
    }
    if view.said.iter().any(|said| said.scanned.boot.dumps) {
        let why = "This is the log of the kernel that only writes the dump; what crashed is in another one.";
        return Some(Finding::new(Cause::Unknown, Finer::Unknown, Confidence::Guess, why));
    }
    None
}

/// A dump of a crash that names no cause.
fn dumped(view: &View<'_>) -> Finding {
    if view.kind(Kind::CrashedKernel) {
        return Finding::new(
            Cause::Bug,
            Finer::Unknown,
            Confidence::Guess,
            "There is a dump, so the host crashed, and neither o2cb nor xhad left a word in it: a fault that these logs do not name.",
        );
    }
    Finding::new(
        Cause::Unknown,
        Finer::Unknown,
        Confidence::Guess,
        "There is a dump of the hypervisor, but nothing in it tells the cause, and the kernel's log of domain 0 is missing.",
    )
}

/// A fence by reset, as the kernel's log on disk shows it: its words never get there, but the warning of half a minute before does. The log must stop
/// then, and the next boot begin soon, without an orderly end. A console would have shown the fence itself, so it does not count here.
fn unlogged(view: &View<'_>) -> Option<Finding> {
    let (said, old, hung) = view.said.iter().find_map(|said| {
        let old = said.scanned.before.as_ref().filter(|_| said.log.kind == Kind::KernelLog && said.scanned.boot.whole)?;
        Some((said, old, old.told.get(&Signal::HbHung)?))
    })?;
    let over = |signal| old.told.get(&signal).is_some_and(|told| told.last.order > hung.last.order);
    if old.told.keys().any(|signal| signal.orderly())
        || [Signal::Negotiated, Signal::Unmount, Signal::Leave].into_iter().any(over)
    {
        return None;
    }
    if !old.went_on(Signal::HbHung).is_some_and(|ms| (0..=STOPS).contains(&ms)) {
        return None;
    }
    let away = said.scanned.boot.began?.rough() - hung.last.date?.rough();
    if !(HALF..=BACK_AGAIN).contains(&away) {
        return None;
    }
    let why = "Half of the heartbeat's write timeout had passed when the kernel's log on disk stops, and the next boot follows without a shutdown: \
               o2cb's reset, whose own words never reach the disk.";
    let mut finding = Finding::new(Cause::O2cb, Finer::Disk, Confidence::Likely, why);
    for signal in [Signal::HbHung, Signal::HbIo, Signal::PathsGone, Signal::Storage] {
        let told = old.told.get(&signal).map(|told| Place { log: &said.log, boot: old, told });
        finding.last(told);
    }
    finding.note("There is no dump: the fence method is reset, which never leaves one. Set it to panic to get one next time.");
    Some(finding)
}

/// A boot that ended without a word and was followed by another.
fn sudden(view: &View<'_>) -> Option<Finding> {
    let said =
        view.said.iter().find(|said| {
            said.scanned.boot.whole
                && said.scanned.before.as_ref().is_some_and(|old| {
                    old.stamp().is_some_and(|ms| ms > 60_000) && !old.told.keys().any(|signal| signal.orderly())
                })
        })?;
    let old = said.scanned.before.as_ref()?;
    Some(Finding::new(
        Cause::Unknown,
        Finer::Unknown,
        Confidence::Guess,
        format!(
            "{} stops at line {} without a word and goes on with another boot: power, a reset, or a fence that could not be logged.",
            said.log.name,
            old.ends.max(1)
        ),
    ))
}
