//! What is said in ordinary life: shutdowns, lost paths, failed mounts, other clusters. Shown where there was no crash, and used to tell a planned
//! reboot from a sudden one.

use super::{Rule, Signal, Whose, rule};
use Whose::{Anybody, Kernel};

pub(super) const RULES: &[Rule] = &[
    // Orderly ends.
    rule(Kernel, Signal::Shutdown, "reboot: Restarting system"),
    rule(Kernel, Signal::Shutdown, "reboot: Power down"),
    rule(Kernel, Signal::Shutdown, "reboot: System halted"),
    rule(Kernel, Signal::Shutdown, "Restarting system."),
    rule(Kernel, Signal::Shutdown, "Power down."),
    rule(Kernel, Signal::Shutdown, "System halted."),
    rule(Kernel, Signal::Shutdown, "Please stand by while rebooting the system"),
    rule(Anybody, Signal::Shutdown, "The system is going down for").within(),
    rule(Anybody, Signal::Shutdown, "Switching to runlevel: 6").within(),
    rule(Anybody, Signal::Shutdown, "Switching to runlevel: 0").within(),
    rule(Anybody, Signal::Shutdown, "Sending SIGTERM to remaining processes").within(),
    rule(Anybody, Signal::Shutdown, "Sending all processes the TERM signal").within(),
    rule(Anybody, Signal::Shutdown, "Reached target Shutdown").within(),
    rule(Anybody, Signal::Shutdown, "Reached target Reboot").within(),
    rule(Anybody, Signal::Shutdown, "Reached target System Reboot").within(),
    rule(Anybody, Signal::Shutdown, "Reached target Power-Off").within(),
    rule(Anybody, Signal::Shutdown, "shutting down for system").within(),
    rule(Anybody, Signal::Shutdown, "System is rebooting").within(),
    rule(Anybody, Signal::Shutdown, "System is powering down").within(),
    rule(Anybody, Signal::Shutdown, "Kernel logging (proc) stopped").within(),
    rule(Anybody, Signal::Shutdown, "exiting on signal 15").within(),
    // Disks and their paths.
    rule(Anybody, Signal::PathsGone, "no usable paths found").within(),
    rule(Anybody, Signal::PathsGone, "remaining active paths: 0").within(),
    rule(Kernel, Signal::PathsGone, "session recovery timed out after").within(),
    rule(Kernel, Signal::PathsGone, "blocked FC remote port time out").within(),
    rule(Kernel, Signal::PathsGone, "not responding, timed out").within(),
    rule(Kernel, Signal::Storage, "Failing path").within(),
    rule(Kernel, Signal::Storage, "rejecting I/O to offline device").within(),
    rule(Kernel, Signal::Storage, "rejecting I/O to dead device").within(),
    rule(Kernel, Signal::Storage, "I/O error, dev ").within(),
    rule(Kernel, Signal::Storage, "Buffer I/O error on").within(),
    rule(Kernel, Signal::Storage, "Remounting filesystem read-only").within(),
    rule(Kernel, Signal::Storage, "not responding, still trying").within(),
    rule(Kernel, Signal::Storage, "detected conn error").within(),
    rule(Kernel, Signal::Storage, "ping timeout of").within(),
    rule(Kernel, Signal::Storage, "LOOP DOWN detected").within(),
    rule(Kernel, Signal::Storage, "Link Down Event").within(),
    rule(Kernel, Signal::Storage, "Device offlined - not ready").within(),
    // Other clusters, and programs that watch over a host.
    rule(Anybody, Signal::OtherFence, "Oracle CSSD failure").within(),
    rule(Anybody, Signal::OtherFence, "clsomon failed with fatal status").within(),
    rule(Anybody, Signal::OtherFence, "Rebooting for cluster integrity").within(),
    rule(Anybody, Signal::OtherFence, "stonith").within(),
    rule(Anybody, Signal::OtherFence, "fencing node ").within(),
    rule(Anybody, Signal::OtherFence, "A processor failed, forming new configuration").within(),
    rule(Anybody, Signal::OtherFence, "sbd: ").within().with(&["timeout"]),
];
