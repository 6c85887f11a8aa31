//! Our own clock: wall time at start plus monotonic time since, so that it never goes backwards.
//!
//! On a simulated pool whose time runs faster than ours it runs as fast as the pool's, so that a minute of quiet is a minute
//! there, and that clocks read one after the other do not seem to differ.

use crate::time::Time;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// No wait is shorter than this however fast the clock runs, so that nothing spins.
const SHORTEST: Duration = Duration::from_millis(5);

/// A clock that starts at the wall clock's time and then only goes forward. All clones are the same clock.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Mutex<Run>>);

#[derive(Clone, Copy, Debug)]
struct Run {
    /// What it showed…
    shown: Time,
    /// …at this moment…
    at: Instant,
    /// …and how many of its seconds pass in one since.
    speed: f64,
}

impl Run {
    fn now(&self) -> Time {
        self.shown + self.at.elapsed().mul_f64(self.speed)
    }
}

impl Clock {
    /// A clock that starts now and runs as fast as time does.
    pub fn start() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let shown = Time::from_millis(i64::try_from(wall.as_millis()).unwrap_or(0));
        Self(Arc::new(Mutex::new(Run { shown, at: Instant::now(), speed: 1.0 })))
    }

    /// The time now.
    pub fn now(&self) -> Time {
        self.run().now()
    }

    /// From now on so many of its seconds pass in one. Only for simulated pools.
    pub fn set_speed(&self, speed: f64) {
        let mut run = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *run = Run { shown: run.now(), at: Instant::now(), speed: if speed.is_finite() { speed.max(0.0) } else { 1.0 } };
    }

    /// Goes forward to this time, if it shows an earlier one: what was written down elsewhere must not lie in the future.
    pub fn not_before(&self, at: Time) {
        let mut run = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *run = Run { shown: run.now().max(at), at: Instant::now(), speed: run.speed };
    }

    /// How long to really wait for so much of its time to pass: a day if it stands still.
    pub fn wait(&self, length: Duration) -> Duration {
        let speed = self.run().speed;
        if speed <= 0.0 {
            return Duration::from_secs(86_400);
        }
        let real = Duration::try_from_secs_f64(length.as_secs_f64() / speed).unwrap_or(Duration::from_secs(86_400));
        if speed > 1.0 { real.max(SHORTEST) } else { real }
    }

    fn run(&self) -> Run {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_faster_clock_never_goes_backwards_and_its_waits_are_shorter() {
        let clock = Clock::start();
        let before = clock.now();
        assert_eq!(clock.wait(Duration::from_secs(8)), Duration::from_secs(8));
        clock.set_speed(8.0);
        assert!(clock.now() >= before);
        assert_eq!(clock.wait(Duration::from_secs(8)), Duration::from_secs(1));
        assert_eq!(clock.wait(Duration::from_millis(1)), SHORTEST);
        clock.not_before(before);
        assert!(clock.now() >= before, "it never goes back");
        let later = clock.now() + Duration::from_secs(3600);
        clock.not_before(later);
        assert!(clock.now() >= later);
        let frozen = clock.clone();
        clock.set_speed(0.0);
        let stopped = frozen.now();
        assert!(stopped >= before && frozen.now() == stopped, "all clones are one clock");
    }
}
