//! Looking back: which moment of a pool's recording is on the screen, and how it moves.
//!
//! Reading the recording is done outside ([`crate::tui::effect::Request::LookBack`]); here is only what was asked for and what came. The live pool goes
//! on being followed and recorded meanwhile.

use crate::pool::Pool;
use crate::recording::marks::TimeLine;
use crate::time::Time;
use std::sync::Arc;
use std::time::Duration;

/// Speeds of playing.
pub const SPEEDS: (f64, f64) = (0.25, 1024.0);
/// While it plays, the moment moves this often, by our own clock.
pub const PLAY_STEP: Duration = Duration::from_millis(200);

/// A moment of a recording, as it was read.
#[derive(Clone, Debug)]
pub struct Moment {
    /// When.
    pub at: Time,
    /// The pool as it was known then.
    pub pool: Arc<Pool>,
    /// The whole recording, as far as it is known now.
    pub line: Arc<TimeLine>,
}

impl PartialEq for Moment {
    /// The same moment of the same reading.
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at && Arc::ptr_eq(&self.pool, &other.pool)
    }
}

/// What of the past is looked at.
#[derive(Clone, Debug)]
pub struct Past {
    /// What is on the screen; `None` until the first moment came.
    pub moment: Option<Moment>,
    /// Whether time goes on by itself.
    pub playing: bool,
    /// How many times as fast as it was.
    pub speed: f64,
    /// The request that is under way.
    pub(crate) asked: Option<u64>,
    /// Where to go when that is answered.
    pub(crate) wanted: Option<Time>,
    /// A moment that was asked for from outside: if it was not recorded, that is said.
    pub(crate) told: Option<Time>,
    /// When playing moved the last time, by our own clock.
    pub(crate) stepped: Time,
    /// Whether the picture is still that of another moment.
    pub(crate) changed: bool,
}

impl Default for Past {
    fn default() -> Self {
        Self {
            moment: None,
            playing: false,
            speed: 1.0,
            asked: None,
            wanted: None,
            told: None,
            stepped: Time::EPOCH,
            changed: true,
        }
    }
}

impl Past {
    /// Where it stands, or is on its way to.
    pub fn heads_for(&self) -> Option<Time> {
        self.wanted.or(self.moment.as_ref().map(|moment| moment.at))
    }
}

/// Reads a time that was typed: `14:05`, `14:05:30`, `2026-11-21 14:05`, `-5min`, `-30s`, `-2h`, `-1d`. Times of day are those nearest before
/// `now` in `zone`. `None` if it is none of these.
pub fn typed(text: &str, now: Time, zone: &jiff::tz::TimeZone) -> Option<Time> {
    let text = text.trim();
    if let Some(back) = text.strip_prefix('-') {
        let split = back.find(|c: char| !c.is_ascii_digit())?;
        let (number, unit) = back.split_at(split);
        let number: i64 = number.parse().ok()?;
        let unit = match unit.trim() {
            "s" | "sec" => 1_000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        return Some(Time::from_millis(now.as_millis().saturating_sub(number.checked_mul(unit)?)));
    }
    if let Ok(stamp) = text.parse::<jiff::Timestamp>() {
        return Some(Time::from_millis(stamp.as_millisecond()));
    }
    let today = jiff::Timestamp::from_millisecond(now.as_millis()).ok()?.to_zoned(zone.clone()).date();
    let (date, clock) = match text.split_once([' ', 'T']) {
        Some((date, clock)) => (Some(date.parse::<jiff::civil::Date>().ok()?), clock.trim()),
        None => (None, text),
    };
    let clock = if clock.matches(':').count() == 1 { format!("{clock}:00") } else { clock.to_owned() };
    let clock: jiff::civil::Time = clock.parse().ok()?;
    let at = |date: jiff::civil::Date| -> Option<Time> {
        Some(Time::from_millis(date.to_datetime(clock).to_zoned(zone.clone()).ok()?.timestamp().as_millisecond()))
    };
    match date {
        Some(date) => at(date),
        None => at(today).filter(|found| *found <= now).or_else(|| at(today.yesterday().ok()?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;

    #[test]
    fn times_are_read_as_people_type_them() {
        let now = Time::parse_xapi("20261121T02:41:07Z").expect("a time");
        for (text, want) in [
            ("02:12", "20261121T02:12:00Z"),
            (" 02:12:30 ", "20261121T02:12:30Z"),
            ("23:10", "20261120T23:10:00Z"),
            ("2026-11-19 08:00", "20261119T08:00:00Z"),
            ("2026-11-19T08:00:01", "20261119T08:00:01Z"),
            ("2026-11-19T08:00:01Z", "20261119T08:00:01Z"),
            ("-5min", "20261121T02:36:07Z"),
            ("-2h", "20261121T00:41:07Z"),
        ] {
            assert_eq!(typed(text, now, &TimeZone::UTC), Time::parse_xapi(want), "{text}");
        }
        for text in ["", "x", "-", "-5", "-5 apples", "25:00", "99999999999999999999", "-99999999999999999d", "12:61"] {
            assert_eq!(typed(text, now, &TimeZone::UTC), None, "{text}");
        }
    }
}
