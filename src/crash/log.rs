//! What a log of a dump is, and whose. Decided by whoever opens it, from its place and its name; never from what a line in it claims.

/// So many bytes of a line are looked at; the rest is passed over.
pub const LINE: usize = 16 * 1024;

/// What a log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The ring of the kernel that crashed, taken at the crash: `dom0.log`, `vmcore-dmesg.txt`, `dmesg.TIME`, with or without stacks.
    CrashedKernel,
    /// The hypervisor at the crash: `xen.log`, with its processors' states and its console ring.
    CrashedXen,
    /// A serial line, netconsole or a capture of both: kernel and hypervisor mixed, one boot after another.
    Console,
    /// A kernel's log as syslog kept it (`kern.log`, `messages`, a journal): its end before a crash is often lost.
    KernelLog,
    /// The hypervisor's log as kept on disk, or its ring of the boot after (`hypervisor.log`, `xl-dmesg.out`).
    XenLog,
    /// The HA daemon's log, `xha.log`.
    XhaLog,
    /// xapi's log.
    Xensource,
    /// The storage manager's log.
    SmLog,
    /// Neither place nor name tell: it may be any of these.
    Unknown,
}

/// Whose log it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// The host that is asked about.
    #[default]
    Crashed,
    /// Another host, which lived on.
    Survivor,
    /// Nobody knows.
    Unknown,
}

/// One log, as the lines of it are handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Its name inside the dump or archive, made safe to show.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Whose it is.
    pub owner: Owner,
}
