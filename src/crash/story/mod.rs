//! What led to a crash, from a recording of the pool; and the verdict where nothing but the recording tells of it.
//!
//! A host that was fenced mostly leaves no dump: what remains is what was seen of it. [`Teller`] is shown the observations around one crash and the pool
//! that they make; [`Teller::end`] makes an [`Account`] of them: the few steps that matter, the cause as far as it can be told, and what the
//! advice has to know by name. [`join()`] puts that beside what the logs said, on one clock. All times are those of the recording. Never
//! guesses a cause where the times do not fit: a wrong "o2cb" is worse than none.

mod eve;
mod join;
mod judge;
mod known;
mod signs;
mod steps;
mod teller;
#[cfg(test)]
mod tests;

pub use join::join;
pub use known::{Known, Lun};
pub use teller::Teller;

use super::report::Crash;
use crate::time::Time;

/// One crash as the recording has it.
#[derive(Clone, Debug)]
pub struct Account {
    /// The crash, with its story, verdict and advice by the recording alone.
    pub crash: Crash,
    /// What the host is called, in every way that a log may name it: name, host name, uuid, address.
    pub names: Vec<String>,
    /// The last sign of life before it, and when it was seen to be back (to be gone, if it is not): it happened in between.
    pub between: (Time, Time),
    /// Seconds that the host's clock was ahead of the recording's just before.
    pub clock_ahead: Option<f64>,
    /// What the advice has to know.
    pub known: Known,
}

impl Account {
    /// Whether a log or a person means this host by that name. A full name is known by its first part, too.
    pub fn is_of(&self, name: &str) -> bool {
        let first = |name: &str| name.split('.').next().unwrap_or_default().to_ascii_lowercase();
        self.names.iter().any(|own| own.eq_ignore_ascii_case(name) || (!is_address(name) && first(own) == first(name)))
    }
}

/// Whether its points are not those of a domain's name.
fn is_address(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b':'))
}
