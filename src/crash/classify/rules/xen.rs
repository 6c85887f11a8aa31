//! Xen's own panics, faults and shutdowns. Sources: `common/shutdown.c`, `common/kexec.c`, `arch/x86/traps.c`, `arch/x86/nmi.c`, `arch/x86/cpu/mcheck`,
//! `drivers/char/console.c` of Xen 3 to 4.21.

use super::{Rule, Signal, Whose, rule};
use Whose::Xen;

pub(super) const RULES: &[Rule] = &[
    rule(Xen, Signal::XenPanic, "Panic on CPU"),
    rule(Xen, Signal::XenFault, "FATAL TRAP"),
    rule(Xen, Signal::XenFault, "FATAL PAGE FAULT"),
    rule(Xen, Signal::XenFault, "EARLY FATAL"),
    rule(Xen, Signal::XenFault, "DOUBLE FAULT"),
    rule(Xen, Signal::XenBug, "Xen BUG at"),
    rule(Xen, Signal::XenBug, "Assertion '"),
    rule(Xen, Signal::XenStuck, "Watchdog timer detects that CPU"),
    rule(Xen, Signal::XenMce, "Fatal machine check"),
    rule(Xen, Signal::XenNmi, "NMI - PCI system error"),
    rule(Xen, Signal::XenNmi, "NMI - I/O ERROR"),
    rule(Xen, Signal::XenNmi, "NMI - MEMORY ERROR"),
    rule(Xen, Signal::XenEnd, "Reboot in five seconds"),
    rule(Xen, Signal::Kexec, "Executing kexec image"),
    rule(Xen, Signal::Kexec, "Executing crash image"),
    rule(Xen, Signal::Dom0Crashed, "Domain 0 crashed:"),
    rule(Xen, Signal::Dom0Crashed, "Hardware Dom0 crashed"),
    rule(Xen, Signal::Dom0Crashed, "Domain 0 (vcpu#").with(&["crashed on cpu"]),
    rule(Xen, Signal::Dom0Reboot, "Domain 0 shutdown: rebooting machine"),
    rule(Xen, Signal::Dom0Reboot, "Hardware Dom0 shutdown: rebooting machine"),
    rule(Xen, Signal::Dom0Halt, "Domain 0 halted: halting machine"),
    rule(Xen, Signal::Dom0Halt, "Hardware Dom0 halted: halting machine"),
    rule(Xen, Signal::GuestCrash, "(vcpu#").within().with(&["crashed on cpu"]).without(&["Domain 0 "]),
];
