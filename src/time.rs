//! Points in time as the core uses them: milliseconds, passed in from outside.
//!
//! Nothing here reads a clock. The shell reads one (see [`crate::feed::clock`]) and hands the result
//! down, so that a live screen, a replay and a test are the same code.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// A point in time: milliseconds since 1970-01-01T00:00:00Z. Negative values are before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(i64);

impl Time {
    /// 1970-01-01T00:00:00Z, which xapi uses for "never".
    pub const EPOCH: Self = Self(0);

    /// From milliseconds since the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From whole seconds since the epoch, saturating at the ends of the range.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Seconds since the epoch, with milliseconds as fraction.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// How long after `earlier` this is; zero if it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Signed distance in milliseconds: positive if `self` is later than `other`.
    pub const fn millis_after(self, other: Self) -> i64 {
        self.0.saturating_sub(other.0)
    }

    /// Reads the date formats that xapi has used: `20261121T00:21:08Z`, with or without dashes, with
    /// `Z`, an offset, or nothing (which means UTC). `None` if it is none of these.
    pub fn parse_xapi(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() > 40 || !text.is_ascii() {
            return None;
        }
        let (date, clock) = text.split_once('T')?;
        let digits: String = date.chars().filter(|c| *c != '-').collect();
        if digits.len() != 8 {
            return None;
        }
        let (year, month, day) = (digits.get(0..4)?, digits.get(4..6)?, digits.get(6..8)?);
        let zone_at = clock.find(['Z', '+', '-']);
        let (clock, zone) = zone_at.map_or((clock, "Z"), |at| clock.split_at(at));
        let stamp: jiff::Timestamp = format!("{year}-{month}-{day}T{clock}{zone}").parse().ok()?;
        Some(Self(stamp.as_millisecond()))
    }

    /// The way xapi writes dates: `20261121T00:21:08Z`. Times outside the years 0 to 9999 become the epoch.
    pub fn to_xapi(self) -> String {
        let stamp = jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        stamp.strftime("%Y%m%dT%H:%M:%SZ").to_string()
    }
}

impl fmt::Display for Time {
    /// RFC 3339 in UTC with milliseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(stamp) => write!(f, "{}", stamp.strftime("%Y-%m-%dT%H:%M:%S%.3fZ")),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

impl Add<Duration> for Time {
    type Output = Self;
    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Time {
    type Output = Self;
    fn sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }
}

/// What this thread has computed so far. Tests that say how long something may take go by this: the machine may be busy with other things.
#[cfg(test)]
pub fn computed() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xapi_dates_are_read_in_every_form_that_it_has_used() {
        let want = Time::from_secs(1_795_220_468);
        for text in ["20261121T00:21:08Z", "2026-11-21T00:21:08Z", "20261121T00:21:08", "20261121T01:21:08+01:00"] {
            assert_eq!(Time::parse_xapi(text), Some(want), "{text}");
        }
        assert_eq!(want.to_xapi(), "20261121T00:21:08Z");
    }

    #[test]
    fn what_is_not_a_date_is_none() {
        for text in ["", "T", "soon", "20261341T00:00:00Z", "2026112100:21:08Z", "２０２６1121T00:21:08Z"] {
            assert_eq!(Time::parse_xapi(text), None, "{text}");
        }
    }
}
