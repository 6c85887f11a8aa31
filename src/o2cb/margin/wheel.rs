//! When a timer of the kernel really fires.
//!
//! Since Linux 4.8 a timer is rounded up to the granularity of its level of the timer wheel (`kernel/time/timer.c`): the
//! farther away, the coarser. At 250 Hz a 60 s timer fires up to 2.05 s late, a 300 s timer up to 16.4 s. The rounding is
//! to multiples of jiffies, and jiffies start at −300 s at boot (`INITIAL_JIFFIES`), so with the uptime it can be computed
//! beforehand. Seen on 5.10, 6.1 and 6.12: the computed moment was met within 0.7 s.

/// Bits of one level's number of slots, and of the step between levels.
const SLOTS: i64 = 63;
const STEP: u32 = 3;
/// Seconds before zero at which jiffies start.
const START: i64 = 300;

/// How a kernel rounds its timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wheel {
    /// Jiffies a second.
    hz: i64,
    /// Does it round at all? Before 4.8 it did not.
    rounds: bool,
}

/// A moment in milliseconds of uptime: no sooner, most likely, no later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fires {
    /// The time-out itself.
    pub earliest: i64,
    /// With the rounding as computed.
    pub expected: i64,
    /// With the whole granularity.
    pub latest: i64,
}

impl Wheel {
    /// The wheel of a kernel: 250 Hz, as Debian builds it, if its frequency is not known.
    pub fn new(hz: Option<u32>, rounds: bool) -> Self {
        Self { hz: i64::from(hz.unwrap_or(250).clamp(24, 10_000)), rounds }
    }

    /// Granularity in milliseconds of a timer `delay` ms ahead.
    pub const fn granularity(self, delay: i64) -> i64 {
        if !self.rounds {
            return 1_000 / self.hz;
        }
        (1i64 << self.shift(delay)).saturating_mul(1_000) / self.hz
    }

    /// When a timer fires that was armed at `armed` ms of uptime for `delay` ms. Without uptime (`phase` false) the
    /// middle of the granularity is the best guess.
    pub fn fires(self, armed: i64, delay: i64, phase: bool) -> Fires {
        let earliest = armed.saturating_add(delay);
        let latest = earliest.saturating_add(self.granularity(delay));
        let expected = match (self.rounds, phase) {
            (false, _) => earliest,
            (true, false) => earliest.saturating_add(self.granularity(delay) / 2),
            (true, true) => {
                let shift = self.shift(delay);
                let jiffies = earliest.saturating_sub(START * 1_000).saturating_mul(self.hz).div_euclid(1_000);
                let bucket = (jiffies >> shift) + 1;
                ((bucket << shift).saturating_mul(1_000) / self.hz).saturating_add(START * 1_000).clamp(earliest, latest)
            }
        };
        Fires { earliest, expected, latest }
    }

    /// Bits that are rounded away `delay` ms ahead.
    const fn shift(self, delay: i64) -> u32 {
        let jiffies = delay.saturating_mul(self.hz) / 1_000;
        let mut level = 0;
        while level < 8 && jiffies >= SLOTS << (level * STEP) {
            level += 1;
        }
        level * STEP
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn granularities_are_those_of_the_kernel() {
        let wheel = Wheel::new(Some(250), true);
        assert_eq!(wheel.granularity(60_000), 2_048);
        assert_eq!(wheel.granularity(30_000), 2_048);
        assert_eq!(wheel.granularity(300_000), 16_384);
        assert_eq!(Wheel::new(Some(1_000), true).granularity(60_000), 4_096);
        assert_eq!(Wheel::new(Some(100), true).granularity(60_000), 5_120);
        assert_eq!(Wheel::new(None, false).granularity(60_000), 4);
    }

    #[test]
    fn the_moment_of_a_fence_is_known_beforehand() {
        // Armed at 159.6 s of uptime, fenced at 220.1 s.
        let fires = Wheel::new(None, true).fires(159_600, 60_000, true);
        assert_eq!((fires.earliest, fires.latest), (219_600, 221_648));
        assert!((220_086 - fires.expected).abs() < 100, "{fires:?}");
        // Idle, then the delay of the quorum: 37.05 + 30 fired at 68.53, + 66 at 136.11.
        let idle = Wheel::new(None, true).fires(37_054, 30_000, true);
        let quorum = Wheel::new(None, true).fires(idle.expected, 66_000, true);
        assert!((68_530 - idle.expected).abs() < 100 && (136_114 - quorum.expected).abs() < 100, "{idle:?} {quorum:?}");
    }

    #[test]
    fn absurd_times_do_not_overflow() {
        for armed in [i64::MIN, -1, 0, i64::MAX] {
            for delay in [i64::MIN, 0, 1, i64::MAX] {
                let _ = Wheel::new(Some(u32::MAX), true).fires(armed, delay, true);
            }
        }
    }
}
