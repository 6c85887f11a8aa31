//! What is said in ordinary life: shutdowns, lost paths, failed mounts, other clusters. Shown where there was no crash, and used to tell a planned reboot from a sudden one.

use super::{Rule, Signal, Whose, rule};
use Whose::{Anybody, Kernel};

pub(super) const RULES: &[Rule] = &[
    rule(Kernel, Signal::Shutdown, "reboot: Restarting system"),
    rule(Kernel, Signal::Shutdown, "reboot: Power down"),
    rule(Kernel, Signal::Shutdown, "reboot: System halted"),
    rule(Kernel, Signal::Shutdown, "Restarting system."),
    rule(Kernel, Signal::Shutdown, "Power down."),
    rule(Anybody, Signal::Shutdown, "Kernel logging (proc) stopped").within(),
    rule(Anybody, Signal::Shutdown, "exiting on signal 15").within(),
    rule(Anybody, Signal::Storage, "no usable paths found").within(),
    rule(Anybody, Signal::Storage, "remaining active paths: 0").within(),
    rule(Kernel, Signal::Storage, "Failing path").within(),
    rule(Kernel, Signal::Storage, "session recovery timed out after").within(),
    rule(Kernel, Signal::Storage, "rejecting I/O to offline device").within(),
    rule(Kernel, Signal::Storage, "I/O error, dev ").within(),
    rule(Kernel, Signal::Storage, "not responding, timed out").within(),
    rule(Kernel, Signal::Storage, "not responding, still trying").within(),
];
