//! Our own clock: wall time at start plus monotonic time since, so that it never goes backwards.

use crate::time::Time;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A clock that starts at the wall clock's time and then only goes forward.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    wall: Time,
    start: Instant,
}

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { wall: Time::from_millis(i64::try_from(wall.as_millis()).unwrap_or(0)), start: Instant::now() }
    }

    /// The time now.
    pub fn now(&self) -> Time {
        self.wall + self.start.elapsed()
    }
}
