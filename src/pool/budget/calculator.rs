//! A lease with the operator's own numbers (seed 5): what it costs, whether a tapdisk is surely dead before it runs out, and who gives up when.
//!
//! The limits it is held against are the seed's: a Windows guest's page-file write dies after about 90 s, Linux warns of I/O that hangs for 120 s, a
//! tapdisk that hangs in the kernel cannot be ended. Arithmetic only.

use super::WINDOWS;
use super::lease::{Lease, iops};
use serde::Serialize;

/// When a Linux guest warns of I/O that hangs (`kernel.hung_task_timeout_secs`), in seconds.
const LINUX: f64 = 120.0;
/// I/O that one guest makes on the average (seed 5: 33 writes a second are those of 60 to 70 guests).
const GUEST_IOPS: f64 = 0.5;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Numbers {
    /// Images with a lease each.
    pub images: f64,
    /// How often each lease is renewed, in seconds.
    pub every_s: f64,
    /// How long a lease lasts, in seconds.
    pub lease_s: f64,
    /// After how long without storage tapdisk is told to end, in seconds.
    pub tapdisk_s: f64,
    /// After how long without storage a guest dies, in seconds.
    pub guest_s: f64,
}

/// One of the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumIter)]
pub enum Number {
    /// [`Numbers::images`].
    Images,
    /// [`Numbers::every_s`].
    Every,
    /// [`Numbers::lease_s`].
    Lease,
    /// [`Numbers::tapdisk_s`].
    Tapdisk,
    /// [`Numbers::guest_s`].
    Guest,
}

impl Number {
    /// What it is.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Images => "disk images, each with a lease",
            Self::Every => "seconds between two renewals of a lease",
            Self::Lease => "seconds that a lease lasts",
            Self::Tapdisk => "seconds without storage after which tapdisk is told to end",
            Self::Guest => "seconds without storage after which a guest dies (Windows: 90)",
        }
    }

    /// The most that makes sense.
    const fn most(self) -> f64 {
        if matches!(self, Self::Images) { 10_000_000.0 } else { 86_400.0 }
    }
}

/// What comes of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// Writes a second for renewing.
    pub iops: f64,
    /// About how many guests make as many.
    pub like_guests: f64,
    /// When the lease of a host that just lost its storage runs out at the earliest, by the clock of who looks, in seconds after.
    pub runs_out_s: f64,
    /// When another host can have the image at the latest, in seconds after.
    pub free_s: f64,
    /// When that host is surely dead, in seconds after; `None`: never surely.
    pub dead_s: Option<f64>,
    /// Whether tapdisk is surely dead before the lease runs out.
    pub safe: bool,
    /// The shortest lease for which it would be.
    pub safe_from_s: Option<f64>,
    /// What is wrong with these numbers, worst first; each with what to do.
    pub problems: Vec<String>,
}

impl Numbers {
    /// To begin with: the guests that run, the seed's ten minutes, and a lease that is safe if there is one.
    pub fn usual(lease: &Lease) -> Self {
        let every_s = 600.0;
        let shortest = lease.safe(every_s).unwrap_or(every_s * 2.0);
        Self {
            images: lease.guests as f64,
            every_s,
            lease_s: (shortest / 60.0).ceil() * 60.0,
            tapdisk_s: WINDOWS,
            guest_s: WINDOWS,
        }
    }

    /// One of them.
    pub const fn get(&self, which: Number) -> f64 {
        match which {
            Number::Images => self.images,
            Number::Every => self.every_s,
            Number::Lease => self.lease_s,
            Number::Tapdisk => self.tapdisk_s,
            Number::Guest => self.guest_s,
        }
    }

    /// Sets one of them, within what makes sense.
    pub fn set(&mut self, which: Number, to: f64) {
        let least = if which == Number::Images { 0.0 } else { 1.0 };
        let to = if to.is_finite() { to.round().clamp(least, which.most()) } else { least };
        match which {
            Number::Images => self.images = to,
            Number::Every => self.every_s = to,
            Number::Lease => self.lease_s = to,
            Number::Tapdisk => self.tapdisk_s = to,
            Number::Guest => self.guest_s = to,
        }
    }

    /// One step up or down: about a fifth, at least one.
    pub fn step(&mut self, which: Number, up: bool) {
        let now = self.get(which);
        let by = 10_f64.powf((now.max(1.0).log10() - 0.7).floor()).max(1.0);
        self.set(which, if up { now + by } else { now - by });
    }

    /// What comes of them in this pool.
    pub fn outcome(&self, lease: &Lease) -> Outcome {
        let cost = iops(1, self.every_s) * self.images;
        // The storage may go just before a renewal was due, and who looks may have a clock that is ahead.
        let runs_out_s = (self.lease_s - self.every_s - lease.skew_s).max(0.0);
        let dead_s = lease.dead_after_s;
        let safe = dead_s.is_some_and(|dead| runs_out_s >= dead);
        let mut problems = Vec::new();
        if self.lease_s <= self.every_s {
            problems.push(format!(
                "A lease of {:.0} s runs out before it is renewed ({:.0} s): every disk is lost while all is well. Renew it at least twice as often.",
                self.lease_s, self.every_s
            ));
        } else if self.lease_s < self.every_s * 2.0 {
            problems.push("One renewal that fails loses the disk: make the lease last for two intervals at least.".into());
        }
        match dead_s {
            None => problems.push(
                "Nothing surely ends a host that lost its storage (HA and o2cb are off): a tapdisk that hangs in the kernel cannot be ended, and its \
                 write may arrive weeks later. Switch on HA, or have power fencing, before leases decide anything."
                    .into(),
            ),
            Some(dead) if runs_out_s < dead => problems.push(format!(
                "NOT SAFE: the lease may run out {runs_out_s:.0} s after the storage is lost, but the host is surely dead only after {dead:.0} s: in \
                 between two hosts may write. The lease must last {:.0} s at least.",
                self.every_s + dead + lease.skew_s
            )),
            Some(_) => {}
        }
        if self.tapdisk_s < self.guest_s {
            problems.push(format!(
                "tapdisk is ended at {:.0} s, while the guest would have lived until {:.0} s: outages in between kill it for nothing.",
                self.tapdisk_s, self.guest_s
            ));
        }
        if self.tapdisk_s > LINUX {
            problems.push(format!("Linux guests warn of hung tasks at {LINUX:.0} s, and may fail I/O, before tapdisk is ended."));
        }
        Outcome {
            iops: cost,
            like_guests: cost / GUEST_IOPS,
            runs_out_s,
            free_s: self.lease_s + lease.skew_s,
            dead_s,
            safe,
            safe_from_s: lease.safe(self.every_s),
            problems,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::budget::lease::lease;
    use strum::IntoEnumIterator as _;

    fn numbers() -> Numbers {
        Numbers { images: 20_000.0, every_s: 600.0, lease_s: 700.0, tapdisk_s: 90.0, guest_s: 90.0 }
    }

    #[test]
    fn the_seeds_numbers_give_what_the_seed_says() {
        let out = numbers().outcome(&lease(100, Some(75.0), Some(2.0)));
        assert!((out.iops - 33.3).abs() < 0.1 && (60.0..=70.0).contains(&out.like_guests), "{out:?}");
        assert!(out.safe && (out.runs_out_s - 98.0).abs() < 0.1 && (out.free_s - 702.0).abs() < 0.1);
        assert_eq!(out.problems.len(), 1, "one failed renewal is too many: {out:?}");
    }

    #[test]
    fn a_lease_that_runs_out_while_the_host_may_still_write_is_not_safe() {
        let out = Numbers { lease_s: 670.0, ..numbers() }.outcome(&lease(100, Some(75.0), Some(2.0)));
        assert!(!out.safe && out.problems.iter().any(|p| p.starts_with("NOT SAFE") && p.contains("677 s at least")), "{out:?}");
        let never = numbers().outcome(&lease(100, None, Some(2.0)));
        assert!(!never.safe && never.safe_from_s.is_none() && never.problems.iter().any(|p| p.contains("weeks later")));
        let short = Numbers { lease_s: 300.0, ..numbers() }.outcome(&lease(100, Some(75.0), None));
        assert!(!short.safe && short.problems[0].contains("before it is renewed"));
    }

    #[test]
    fn limits_of_guests_and_tapdisk_are_held_against_each_other() {
        let lease = lease(100, Some(75.0), Some(0.0));
        let early = Numbers { tapdisk_s: 30.0, ..numbers() }.outcome(&lease);
        assert!(early.problems.iter().any(|p| p.contains("kill it for nothing")));
        let late = Numbers { tapdisk_s: 300.0, ..numbers() }.outcome(&lease);
        assert!(late.problems.iter().any(|p| p.contains("hung tasks")));
    }

    #[test]
    fn numbers_stay_within_what_makes_sense_and_steps_lead_back() {
        let mut n = Numbers::usual(&lease(46, Some(75.0), Some(1.0)));
        assert!(n.outcome(&lease(46, Some(75.0), Some(1.0))).safe, "{n:?}");
        for which in Number::iter() {
            for wild in [f64::NAN, f64::INFINITY, -5.0, 1e300, 0.0] {
                n.set(which, wild);
                assert!(n.get(which).is_finite() && n.get(which) >= 0.0 && n.get(which) <= 10_000_000.0);
            }
            n.set(which, 600.0);
            n.step(which, true);
            assert!((n.get(which) - 700.0).abs() < 0.1, "{n:?}");
            n.step(which, false);
            assert!((n.get(which) - 600.0).abs() < 0.1);
            n.set(which, 1.0);
            n.step(which, false);
            assert!(n.outcome(&lease(1, Some(75.0), None)).iops.is_finite());
        }
    }
}
