//! Machine checks, errors that firmware reports, and non-maskable interrupts. Sources: `arch/x86/kernel/cpu/mce`, `drivers/acpi/apei`, `drivers/firmware/efi/cper.c`,
//! `arch/x86/kernel/nmi.c`, `drivers/pci/pcie/aer.c`.

use super::{Rule, Signal, Whose, rule};
use Whose::{Either, Kernel};

pub(super) const RULES: &[Rule] = &[
    rule(Either, Signal::Mce, "Machine Check Exception:").within().without(&["Exception:                0 ", "Exception: 0 "]),
    rule(Kernel, Signal::MceLogged, "Machine check events logged").within(),
    rule(Kernel, Signal::MceLogged, "Machine Check: 0 Bank").within(),
    rule(Kernel, Signal::HwFatal, "event severity: fatal").within(),
    rule(Kernel, Signal::HwFatal, "Fatal hardware error").within(),
    rule(Kernel, Signal::HwLogged, "severity=Uncorrected").within(),
    rule(Kernel, Signal::HwLogged, "severity=Corrected").within(),
    rule(Kernel, Signal::HwLogged, "EDAC MC").with(&[" CE "]),
    rule(Kernel, Signal::HwLogged, "EDAC MC").with(&[" UE "]),
    rule(Kernel, Signal::MceLogged, "reports a non fatal, correctable incident").within(),
    rule(Kernel, Signal::MceLogged, "Hardware Error]: Corrected error").within(),
    rule(Kernel, Signal::HwLogged, "event severity: corrected").within(),
    rule(Kernel, Signal::HwLogged, "event severity: recoverable").within(),
    rule(Kernel, Signal::HwBefore, "BERT: Error records from previous boot"),
    rule(Kernel, Signal::Nmi, "NMI: PCI system error"),
    rule(Kernel, Signal::Nmi, "NMI: IOCK error"),
    rule(Kernel, Signal::Nmi, "NMI: memory parity error"),
    rule(Either, Signal::NmiOdd, "Uhhuh. NMI received"),
    rule(Either, Signal::NmiOdd, "Dazed and confused, but trying to continue"),
];
