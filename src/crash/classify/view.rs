//! The logs that speak of one crash, side by side.

use super::scan::{Boot, Scanned, Spot, Told};
use super::signal::{Signal, Weight};
use crate::crash::log::{Kind, Log};
use std::sync::Arc;

/// What one log said.
pub(super) struct Said {
    /// The log.
    pub log: Arc<Log>,
    /// The boot that counts, and the one before.
    pub scanned: Scanned,
}

/// A place in a log.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// The log.
    pub log: &'a Arc<Log>,
    /// The boot.
    pub boot: &'a Boot,
    /// What was told.
    pub told: &'a Told,
}

/// Logs that are taken together.
pub(super) struct View<'a> {
    /// In the order of trust.
    pub said: Vec<&'a Said>,
}

/// Which logs are taken together, the nearest to the crash first.
pub(super) fn rank(kind: Kind) -> Option<u8> {
    match kind {
        Kind::CrashedKernel | Kind::CrashedXen => Some(0),
        Kind::Console | Kind::Unknown => Some(1),
        Kind::KernelLog | Kind::XenLog => Some(2),
        Kind::XhaLog => Some(3),
        Kind::Xensource | Kind::SmLog => None,
    }
}

impl<'a> View<'a> {
    /// Where a thing was told, in the log nearest to the crash.
    pub fn find(&self, signal: Signal) -> Option<Place<'a>> {
        self.said.iter().find_map(|said| {
            let told = said.scanned.boot.told.get(&signal)?;
            Some(Place { log: &said.log, boot: &said.scanned.boot, told })
        })
    }

    /// Where the first of several things was told.
    pub fn first(&self, signals: &[Signal]) -> Option<Place<'a>> {
        signals.iter().find_map(|signal| self.find(*signal))
    }

    /// Whether it was told anywhere.
    pub fn has(&self, signal: Signal) -> bool {
        self.find(signal).is_some()
    }

    /// Everything told, with its weight at least `least`, in the order of the logs and of the lines.
    pub fn all(&self, least: Weight) -> Vec<Place<'a>> {
        let mut found: Vec<(usize, u64, Place<'a>)> = Vec::new();
        for (at, said) in self.said.iter().enumerate() {
            for (signal, told) in &said.scanned.boot.told {
                if signal.weight() >= least {
                    found.push((at, told.first.order, Place { log: &said.log, boot: &said.scanned.boot, told }));
                }
            }
        }
        found.sort_by_key(|(at, order, _)| (*at, *order));
        found.into_iter().map(|(_, _, place)| place).collect()
    }

    /// Whether one of the logs is of this kind, and holds anything.
    pub fn kind(&self, kind: Kind) -> bool {
        self.said.iter().any(|said| said.log.kind == kind && said.scanned.lines > 0)
    }
}

impl<'a> Place<'a> {
    /// The signal.
    pub fn signal(&self) -> Signal {
        self.told.first.signal
    }

    /// The last line of it.
    pub fn last(&self) -> &'a Spot {
        &self.told.last
    }

    /// The first line of the last group of it.
    pub fn first(&self) -> &'a Spot {
        &self.told.first
    }
}
