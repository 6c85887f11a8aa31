//! The virtual clock against the wall's: where the one is when the other says so.
//!
//! Pure: takes instants, never reads one.

use crate::time::Time;
use std::time::Duration;
use tokio::time::Instant;

/// The fastest a served world may run.
pub const MAX_SPEED: f64 = 100_000.0;

/// A line through one pair of instants: virtual time = `world` + (wall − `wall`) × `speed`.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    wall: Instant,
    world: Time,
    speed: f64,
}

impl Clock {
    /// A clock that shows `world` at `wall` and runs at `speed` (see [`Clock::set_speed`]).
    pub fn new(wall: Instant, world: Time, speed: f64) -> Self {
        Self { wall, world, speed: sane(speed) }
    }

    /// Virtual seconds a second. 0 stands still.
    pub const fn speed(&self) -> f64 {
        self.speed
    }

    /// The virtual time at `wall`, in whole milliseconds, rounded down.
    pub fn at(&self, wall: Instant) -> Time {
        let passed = wall.saturating_duration_since(self.wall).as_secs_f64() * 1000.0 * self.speed;
        // A hair up: products of seconds and speeds like 0.001 × 1000 must not fall one millisecond short.
        self.world + Duration::from_millis((passed + 1e-6).floor() as u64)
    }

    /// When the virtual time gets to `due`: at once if it is past, never if the clock stands still.
    pub fn wall_of(&self, due: Time) -> Option<Instant> {
        let ahead = due.millis_after(self.world);
        if ahead <= 0 {
            return Some(self.wall);
        }
        if self.speed == 0.0 {
            return None;
        }
        let seconds = ahead as f64 / 1000.0 / self.speed;
        // Centuries ahead is never.
        // A nanosecond later, since it is rounded: not a moment before it is due.
        (seconds < 1e10).then(|| self.wall + Duration::from_secs_f64(seconds) + Duration::from_nanos(1))
    }

    /// From `wall` on runs at `speed`: 0 to [`MAX_SPEED`], anything else is brought into that range.
    pub fn set_speed(&mut self, wall: Instant, speed: f64) {
        *self = Self::new(wall, self.at(wall), speed);
    }

    /// Somebody has let the world run ahead on their own: the clock goes on from there. Never goes back.
    pub fn catch_up_with(&mut self, wall: Instant, world: Time) {
        if world > self.at(wall) {
            *self = Self { wall, world, speed: self.speed };
        }
    }
}

fn sane(speed: f64) -> f64 {
    if speed.is_nan() { 1.0 } else { speed.clamp(0.0, MAX_SPEED) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_runs_at_its_speed_and_goes_on_from_where_it_was_when_that_changes() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let mut clock = Clock::new(start, Time::from_secs(100), 60.0);
        assert_eq!(clock.at(start + second), Time::from_secs(160));
        assert_eq!(clock.wall_of(Time::from_secs(160)), Some(start + second + Duration::from_nanos(1)));
        clock.set_speed(start + second, 0.0);
        assert_eq!(clock.at(start + 9 * second), Time::from_secs(160));
        assert_eq!(clock.wall_of(Time::from_secs(161)), None);
        clock.set_speed(start + 10 * second, 0.5);
        assert_eq!(clock.at(start + 14 * second), Time::from_secs(162));
        clock.catch_up_with(start + 14 * second, Time::from_secs(500));
        clock.catch_up_with(start + 14 * second, Time::from_secs(400));
        assert_eq!(clock.at(start + 14 * second), Time::from_secs(500));
    }

    #[test]
    fn what_is_due_is_reached_at_the_instant_that_was_promised() {
        let start = Instant::now();
        for speed in [0.3, 1.0, 7.0, 60.0, 999.0, 100_000.0] {
            let clock = Clock::new(start, Time::EPOCH, speed);
            for due in [1, 2, 17, 999, 86_400_000] {
                let due = Time::from_millis(due);
                assert!(clock.at(clock.wall_of(due).unwrap()) >= due, "{due} at {speed}");
            }
        }
    }
}
