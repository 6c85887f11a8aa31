//! Which words tell what. Data only: a needle that is looked for in all lines at once, and what else must hold where it is found.
//!
//! The words are format strings of Linux 2.4 to 6.x, Xen 3 to 4.21 and xhad, or what such a string always begins with.

mod cluster;
mod hardware;
mod kernel;
mod ordinary;
mod xen;

use super::signal::Signal;

/// Where in a message the words must stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// At its beginning, or after what a torn or mixed line has before it; never within a quotation.
    Start,
    /// Anywhere in it.
    Within,
}

/// Whose words they must be. A line that does not tell whose it is may be anybody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// The kernel's: not marked as the hypervisor's.
    Kernel,
    /// The hypervisor's: not marked as the kernel's.
    Xen,
    /// The hypervisor's, and marked so: the words are too common.
    XenOnly,
    /// Either's.
    Either,
    /// The HA daemon's.
    Xha,
    /// Anybody's, programs too: only for what is a sign of ordinary life.
    Anybody,
}

/// One rule.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    /// What it tells.
    pub signal: Signal,
    /// Words to look for, without regard to case.
    pub needle: &'static str,
    /// Others that must be there too.
    pub with: &'static [&'static str],
    /// Others that must not.
    pub without: &'static [&'static str],
    /// Where.
    pub place: Place,
    /// Whose.
    pub whose: Whose,
}

/// A rule for the beginning of a message.
pub(super) const fn rule(whose: Whose, signal: Signal, needle: &'static str) -> Rule {
    Rule { signal, needle, with: &[], without: &[], place: Place::Start, whose }
}

impl Rule {
    /// Anywhere in the message.
    pub const fn within(mut self) -> Self {
        self.place = Place::Within;
        self
    }

    /// Only with all of these.
    pub const fn with(mut self, with: &'static [&'static str]) -> Self {
        self.with = with;
        self
    }

    /// Not with any of these.
    pub const fn without(mut self, without: &'static [&'static str]) -> Self {
        self.without = without;
        self
    }
}

/// All of them.
pub(super) fn all() -> impl Iterator<Item = &'static Rule> {
    cluster::RULES.iter().chain(kernel::RULES).chain(hardware::RULES).chain(xen::RULES).chain(ordinary::RULES)
}
