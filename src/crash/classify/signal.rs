//! What a line may tell. The rules say which line tells what; here is how much that weighs and how it is called.

use crate::crash::verdict::Finer;

/// How much a signal says about the end of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// Said in ordinary life too; shown where nothing worse was said.
    Notable,
    /// May be the beginning of an end, or nothing.
    Warning,
    /// A fault; a host often does not get over it.
    Fault,
    /// The end of the host.
    End,
}

/// One thing that a line tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Signal {
    /// `ocfs2 is very sorry to be fencing this system`.
    Sorry,
    /// `Heartbeat write timeout to device`: of one region, which is not always a fence.
    WriteTimeout,
    /// `fencing this node because it is`.
    Quorum,
    /// `stopping heartbeat on all active regions`, which only a fence says.
    StopAll,
    /// The fence's functions in a stack.
    FenceFrame,
    /// A stack in the fence for a write timeout.
    FrameDisk,
    /// A stack in the decision on a quorum, which does not always fence.
    FrameNet,
    /// `not fencing this node`.
    NotFencing,
    /// Half of the write timeout is over.
    HbHung,
    /// All nodes hang, so none fences.
    Negotiated,
    /// The heartbeat's I/O failed.
    HbIo,
    /// A connection of o2net idles or breaks.
    Net,
    /// Another node was evicted.
    Evicted,
    /// Nodes disagree on their limits, or do not know one another.
    Mismatch,
    /// A volume was unmounted.
    Unmount,
    /// A planned leave: unmount, domain left, heartbeat stopped.
    Leave,
    /// ocfs2 found an error and stops using the volume.
    OcfsAbort,

    /// `Watchdog timer fired for domain 0`.
    DomWatchdog,
    /// `shutdown: watchdog rebooting machine`.
    DomWatchdogReboot,
    /// `domain_watchdog_timeout` in a stack.
    DomWatchdogFrame,
    /// The domain watchdog of a guest.
    GuestWatchdog,
    /// xhad fenced: no consistent view.
    XhaView,
    /// xhad fenced: the survival rule.
    XhaRule,
    /// xhad fenced: another host asked.
    XhaAsked,
    /// xhad fenced: xapi.
    XhaXapi,
    /// xhad fenced for another reason.
    XhaOther,
    /// `watchdog_selffence`.
    XhaSelfFence,
    /// xhad's watchdog should have fired.
    XhaWatchdog,
    /// xhad's warnings: statefile.
    SoonStatefile,
    /// xhad's warnings: another host's statefile.
    SoonOther,
    /// xhad's warnings: heartbeat.
    SoonHeartbeat,
    /// xhad's warnings: xapi.
    SoonXapi,
    /// xhad: the live set changed, or another host was found faulty.
    XhaLiveset,

    /// The kernel panicked.
    Panic,
    /// The last line of a panic, where the first was cut off.
    PanicEnd,
    /// An oops, a page fault, a protection fault.
    Oops,
    /// A `BUG()`.
    KernelBug,
    /// A sanitizer's finding.
    Sanitizer,
    /// A soft lock-up.
    SoftLockup,
    /// A hard lock-up.
    HardLockup,
    /// An RCU stall.
    RcuStall,
    /// A task that waited too long.
    HungTask,
    /// A `WARNING`.
    Warn,
    /// The OOM killer did its work.
    OomKill,
    /// A machine check that is not survived.
    Mce,
    /// A machine check that was logged.
    MceLogged,
    /// An error of the hardware that firmware calls fatal.
    HwFatal,
    /// A lesser error of the hardware.
    HwLogged,
    /// What firmware kept of an error before this boot.
    HwBefore,
    /// A non-maskable interrupt with a reason.
    Nmi,
    /// A non-maskable interrupt that was got over.
    NmiOdd,
    /// A software watchdog of another cluster stack.
    SoftDog,

    /// `Panic on CPU`.
    XenPanic,
    /// A fault in the hypervisor.
    XenFault,
    /// `Xen BUG at`, an assertion.
    XenBug,
    /// `Watchdog timer detects that CPU is stuck`.
    XenStuck,
    /// A machine check that Xen dies of.
    XenMce,
    /// A non-maskable interrupt that Xen dies of.
    XenNmi,
    /// `Reboot in five seconds`.
    XenEnd,
    /// A crash kernel is started.
    Kexec,
    /// Domain 0 crashed, says Xen.
    Dom0Crashed,
    /// Xen took domain 0 down for a fault.
    Dom0Fault,
    /// Domain 0 reboots, says Xen.
    Dom0Reboot,
    /// Domain 0 halts, says Xen.
    Dom0Halt,
    /// A guest crashed.
    GuestCrash,

    /// Somebody asked for a crash.
    AskedCrash,
    /// Somebody asked for a reset.
    AskedReset,
    /// An orderly shutdown.
    Shutdown,

    /// All paths to a disk are gone, or a session was given up.
    PathsGone,
    /// A path, a disk, a server does not answer.
    Storage,
    /// A mount or a join that failed.
    MountFailed,
    /// Another cluster's fence.
    OtherFence,
    /// The dump analyser's or the crash handler's own words: this log is of a crash.
    Dump,
}

/// The end of a host.
const ENDS: [Signal; 27] = [
    Signal::Sorry,
    Signal::Quorum,
    Signal::StopAll,
    Signal::FenceFrame,
    Signal::DomWatchdog,
    Signal::DomWatchdogReboot,
    Signal::DomWatchdogFrame,
    Signal::XhaView,
    Signal::XhaRule,
    Signal::XhaAsked,
    Signal::XhaXapi,
    Signal::XhaOther,
    Signal::XhaSelfFence,
    Signal::XhaWatchdog,
    Signal::Panic,
    Signal::PanicEnd,
    Signal::XenPanic,
    Signal::XenFault,
    Signal::XenBug,
    Signal::XenStuck,
    Signal::XenMce,
    Signal::XenNmi,
    Signal::XenEnd,
    Signal::Kexec,
    Signal::Dom0Crashed,
    Signal::Dom0Fault,
    Signal::AskedCrash,
];

/// Faults that a host may get over.
const FAULTS: [Signal; 9] = [
    Signal::HardLockup,
    Signal::WriteTimeout,
    Signal::Oops,
    Signal::KernelBug,
    Signal::Sanitizer,
    Signal::SoftLockup,
    Signal::RcuStall,
    Signal::Mce,
    Signal::HwFatal,
];

/// What may precede an end.
const WARNINGS: [Signal; 9] = [
    Signal::AskedReset,
    Signal::Shutdown,
    Signal::Dom0Reboot,
    Signal::Dom0Halt,
    Signal::Nmi,
    Signal::SoftDog,
    Signal::HwBefore,
    Signal::HbHung,
    Signal::OcfsAbort,
];

impl Signal {
    /// How much it weighs by itself.
    pub fn weight(self) -> Weight {
        if ENDS.contains(&self) {
            Weight::End
        } else if FAULTS.contains(&self) {
            Weight::Fault
        } else if WARNINGS.contains(&self) {
            Weight::Warning
        } else {
            Weight::Notable
        }
    }

    /// Whether it says that the host was taken down in an orderly way or on request.
    pub fn orderly(self) -> bool {
        matches!(self, Self::Shutdown | Self::AskedReset | Self::Dom0Halt)
    }

    /// What a line with it shows, in words.
    pub fn shows(self) -> &'static str {
        match self {
            Self::Sorry => "o2cb fences this host",
            Self::WriteTimeout => "no write to the heartbeat region within its limit",
            Self::Quorum => "o2cb: too few nodes are reachable over the network",
            Self::StopAll => "o2cb stops its heartbeats, as it does right before it fences",
            Self::FenceFrame => "o2cb's fence was what the processor did",
            Self::FrameDisk => "the write timeout was what the processor worked on",
            Self::FrameNet => "the decision on the quorum was what the processor worked on",
            Self::NotFencing => "a quorum check that this host survived",
            Self::HbHung => "half of the heartbeat's write timeout had passed",
            Self::Negotiated => "all nodes waited for the disk, so none fenced",
            Self::HbIo => "an I/O of the heartbeat failed",
            Self::Net => "o2net's connection to another node",
            Self::Evicted => "another node was evicted: it had stopped its heartbeat",
            Self::Mismatch => "the nodes do not agree on cluster or limits",
            Self::Unmount => "a volume was unmounted in an orderly way",
            Self::Leave => "a volume or domain was left in an orderly way",
            Self::OcfsAbort => "ocfs2 gave up on a volume",
            Self::DomWatchdog => "Xen's watchdog for domain 0 ran out",
            Self::DomWatchdogReboot => "Xen took the host down because of that watchdog",
            Self::DomWatchdogFrame => "the domain watchdog was what the processor did",
            Self::GuestWatchdog => "a guest's watchdog, not the host's",
            Self::XhaView => "xhad: no consistent view of the pool within its limit",
            Self::XhaRule => "xhad: this host is not in the part of the pool that survives",
            Self::XhaAsked => "xhad: another host asked this one to fence itself",
            Self::XhaXapi => "xhad: xapi did not pass its health check",
            Self::XhaOther => "xhad fenced this host",
            Self::XhaSelfFence => "xhad carries the fence out",
            Self::XhaWatchdog => "xhad's watchdog ran out",
            Self::SoonStatefile => "xhad: half of the statefile's limit had passed",
            Self::SoonOther => "xhad: another host had not written the statefile for half of the limit",
            Self::SoonHeartbeat => "xhad: half of the network heartbeat's limit had passed",
            Self::SoonXapi => "xhad: half of xapi's limit had passed",
            Self::XhaLiveset => "xhad's view of the other hosts changed",
            Self::Panic => "the kernel panicked",
            Self::PanicEnd => "the end of a kernel's panic",
            Self::Oops => "a fault in the kernel",
            Self::KernelBug => "the kernel found a state that must not be",
            Self::Sanitizer => "the kernel's checker found a bad access",
            Self::SoftLockup => "a processor did not get on (soft lock-up)",
            Self::HardLockup => "a processor did not get on (hard lock-up)",
            Self::RcuStall => "a processor did not get on (RCU stall)",
            Self::HungTask => "a task waited too long",
            Self::Warn => "a warning of the kernel",
            Self::OomKill => "memory had run out",
            Self::Mce => "a machine check",
            Self::MceLogged => "a machine check that was only logged",
            Self::HwFatal => "hardware reported a fatal error",
            Self::HwLogged => "hardware reported an error",
            Self::HwBefore => "firmware kept a fatal error from before this boot",
            Self::Nmi => "a non-maskable interrupt",
            Self::NmiOdd => "a non-maskable interrupt, got over",
            Self::SoftDog => "a software watchdog ran out",
            Self::XenPanic => "Xen panicked",
            Self::XenFault => "a fault in Xen",
            Self::XenBug => "Xen found a state that must not be",
            Self::XenStuck => "Xen's own watchdog: a processor did not get on",
            Self::XenMce => "Xen met a machine check",
            Self::XenNmi => "Xen met a non-maskable interrupt",
            Self::XenEnd => "Xen reboots after a panic",
            Self::Kexec => "the crash kernel is started",
            Self::Dom0Crashed => "Xen saw domain 0 crash",
            Self::Dom0Fault => "Xen took domain 0 down for a fault",
            Self::Dom0Reboot => "domain 0 asked Xen for a reboot",
            Self::Dom0Halt => "domain 0 asked Xen to power off",
            Self::GuestCrash => "a guest crashed, not the host",
            Self::AskedCrash => "somebody asked for a crash",
            Self::AskedReset => "somebody asked for a reset",
            Self::Shutdown => "an orderly shutdown",
            Self::PathsGone => "no path to a disk was left",
            Self::Storage => "a path, disk or server did not answer",
            Self::MountFailed => "a mount or join that failed",
            Self::OtherFence => "another cluster's fencing",
            Self::Dump => "this log is part of a dump",
        }
    }
}

/// What a panic's or fault's own words say of its cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// They name it.
    Is(Finer),
    /// They name a consequence: what stands before tells more.
    Follows,
}

/// Words of a panic and what they mean, first match wins. Compared without case.
const REASONS: &[(&str, Reason)] = &[
    ("sysrq triggered crash", Reason::Is(Finer::Operator)),
    ("manually initiated", Reason::Is(Finer::Operator)),
    ("user-initiated", Reason::Is(Finer::Operator)),
    ("hung_task", Reason::Is(Finer::HungTask)),
    ("softlockup", Reason::Is(Finer::CpuStuck)),
    ("soft lockup", Reason::Is(Finer::CpuStuck)),
    ("hard lockup", Reason::Is(Finer::CpuStuck)),
    ("hardlockup", Reason::Is(Finer::CpuStuck)),
    ("rcu stall", Reason::Is(Finer::CpuStuck)),
    ("rcu_sched", Reason::Is(Finer::CpuStuck)),
    ("nmi watchdog", Reason::Is(Finer::CpuStuck)),
    ("workqueue stall", Reason::Is(Finer::CpuStuck)),
    ("workqueue lockup", Reason::Is(Finer::CpuStuck)),
    ("watchdog detected", Reason::Is(Finer::CpuStuck)),
    ("lockup", Reason::Is(Finer::CpuStuck)),
    ("machine check", Reason::Is(Finer::Mce)),
    ("machine-check", Reason::Is(Finer::Mce)),
    ("broadcast exception handler", Reason::Is(Finer::Mce)),
    ("mce", Reason::Is(Finer::Mce)),
    ("memory failure", Reason::Is(Finer::Mce)),
    ("cpu context corrupt", Reason::Is(Finer::Mce)),
    ("uncorrected", Reason::Is(Finer::Mce)),
    ("edac", Reason::Is(Finer::Mce)),
    ("ue row", Reason::Is(Finer::Mce)),
    ("memory error", Reason::Is(Finer::Mce)),
    ("thermal", Reason::Is(Finer::Firmware)),
    ("hardware error", Reason::Is(Finer::Firmware)),
    ("nmi iock", Reason::Is(Finer::Firmware)),
    ("nmi:", Reason::Is(Finer::Firmware)),
    ("nmi for ", Reason::Is(Finer::Firmware)),
    ("an nmi occurred", Reason::Is(Finer::Firmware)),
    ("unknown nmi", Reason::Is(Finer::Firmware)),
    ("non maskable interrupt", Reason::Is(Finer::Firmware)),
    ("management log", Reason::Is(Finer::Firmware)),
    ("management event log", Reason::Is(Finer::Firmware)),
    ("pci system error", Reason::Is(Finer::Firmware)),
    ("pcie", Reason::Is(Finer::Firmware)),
    ("aer:", Reason::Is(Finer::Firmware)),
    ("timer doesn't work", Reason::Is(Finer::Firmware)),
    ("asynchronous serror", Reason::Is(Finer::Firmware)),
    ("eeh", Reason::Is(Finer::Firmware)),
    ("out of memory", Reason::Is(Finer::Oom)),
    ("panic_on_oom", Reason::Is(Finer::Oom)),
    ("deadlocked on memory", Reason::Is(Finer::Oom)),
    ("no killable", Reason::Is(Finer::Oom)),
    ("kernel stack is corrupted", Reason::Is(Finer::Oops)),
    ("corrupted stack end", Reason::Is(Finer::Oops)),
    ("stack overflow", Reason::Is(Finer::Oops)),
    ("double fault", Reason::Is(Finer::Oops)),
    ("kasan", Reason::Follows),
    ("kmsan", Reason::Follows),
    ("kfence", Reason::Follows),
    ("ubsan", Reason::Follows),
    ("bug!", Reason::Is(Finer::Oops)),
    ("bad mode", Reason::Is(Finer::Oops)),
    ("fatal exception", Reason::Follows),
    ("oops", Reason::Follows),
    ("panic_on_warn", Reason::Follows),
    ("attempted to kill", Reason::Follows),
    ("killing interrupt", Reason::Follows),
    ("recursive fault", Reason::Follows),
];

/// What the words of a kernel's panic say; `None` for a reason of their own.
pub(super) fn reason(text: &str) -> Option<Reason> {
    let text = text.to_ascii_lowercase();
    REASONS.iter().find(|(words, _)| text.contains(words)).map(|(_, reason)| *reason)
}
