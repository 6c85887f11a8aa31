//! What leases on shared files would cost and need (seed 5): a lease file for each disk image, renewed by the host that uses it, so that
//! another pool may take the image once it has run out. Arithmetic only.

use serde::Serialize;

/// How often they might be renewed, in seconds.
const EVERY: [f64; 5] = [30.0, 60.0, 120.0, 300.0, 600.0];
/// What a clock is taken to be off by as long as none was measured: xapi tolerates that much. Seconds.
const UNMEASURED: f64 = 300.0;

/// Leases for the guests of a pool.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Lease {
    /// Guests, with one lease each.
    pub guests: usize,
    /// When a host that lost its storage is surely dead, seconds after; `None`: never surely.
    pub dead_after_s: Option<f64>,
    /// The most that two clocks may differ, in seconds.
    pub skew_s: f64,
    /// Whether that was measured.
    pub skew_known: bool,
    /// What renewing at different intervals comes to.
    pub rows: Vec<LeaseRow>,
}

/// Leases that are renewed at one interval.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LeaseRow {
    /// How often each is renewed, in seconds.
    pub every_s: f64,
    /// Writes a second that this costs.
    pub iops: f64,
    /// The shortest lease after which the image is surely not written any more, in seconds; `None`: there is none.
    pub safe_s: Option<f64>,
}

impl Lease {
    /// Whether tapdisk is surely dead before a lease of this length, renewed at this interval, runs out.
    pub fn is_safe(&self, lease_s: f64, every_s: f64) -> bool {
        self.safe(every_s).is_some_and(|least| lease_s >= least)
    }

    /// The shortest lease after which the image is surely not written any more, in seconds.
    ///
    /// The storage may be lost just before a renewal was due, so that the lease has that much less left; the reader's clock may be
    /// ahead. A tapdisk that hangs in the kernel cannot be ended, and its write may arrive weeks later: only a dead host is sure.
    pub fn safe(&self, every_s: f64) -> Option<f64> {
        Some(every_s + self.dead_after_s? + self.skew_s)
    }
}

/// Writes a second that `guests` leases cost which are renewed every `every_s` seconds.
pub fn iops(guests: usize, every_s: f64) -> f64 {
    if every_s > 0.0 { guests as f64 / every_s } else { f64::INFINITY }
}

/// Leases for these guests.
pub fn lease(guests: usize, dead_after_s: Option<f64>, skew_s: Option<f64>) -> Lease {
    let mut lease =
        Lease { guests, dead_after_s, skew_s: skew_s.unwrap_or(UNMEASURED), skew_known: skew_s.is_some(), rows: Vec::new() };
    lease.rows =
        EVERY.iter().map(|every| LeaseRow { every_s: *every, iops: iops(guests, *every), safe_s: lease.safe(*every) }).collect();
    lease
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_thousand_guests_with_ten_minutes_cost_what_the_seed_says() {
        assert!((iops(20_000, 600.0) - 33.3).abs() < 0.1);
        let lease = lease(20_000, Some(75.0), Some(1.0));
        assert!(lease.rows.iter().any(|row| (row.every_s - 600.0).abs() < 0.1 && (row.iops - 33.3).abs() < 0.1));
    }

    #[test]
    fn a_lease_is_safe_only_after_the_host_is_surely_dead_whatever_the_clocks_say() {
        let lease = lease(10, Some(75.0), Some(2.0));
        assert!(lease.is_safe(137.0, 60.0));
        assert!(!lease.is_safe(136.9, 60.0));
        let no_fence = super::lease(10, None, Some(2.0));
        assert!(!no_fence.is_safe(1e9, 60.0), "a write that hangs may arrive weeks later");
        let unmeasured = super::lease(10, Some(75.0), None);
        assert!(!unmeasured.is_safe(137.0, 60.0) && !unmeasured.skew_known);
    }
}
