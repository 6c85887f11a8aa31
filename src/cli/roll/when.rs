//! `--not-after`: a time of day, or a day and a time, as people write them.

use crate::time::Time;
use jiff::civil::{DateTime, Time as Clock};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// The time that this means at `now`; a time of day means its next occurrence.
pub fn parse(text: &str, now: Time, zone: &TimeZone) -> Result<Time, String> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(Time::from_millis(at.as_millisecond()));
    }
    let local = Timestamp::from_millisecond(now.as_millis()).unwrap_or_default().to_zoned(zone.clone());
    let instant = |at: DateTime| {
        let zoned = at.to_zoned(zone.clone()).map_err(|e| e.to_string())?;
        Ok(Time::from_millis(zoned.timestamp().as_millisecond()))
    };
    // A day and a time would be read as a time too.
    if let Some(clock) = text.parse::<Clock>().ok().filter(|_| !text.contains('-')) {
        let today = local.date().to_datetime(clock);
        let at = instant(today)?;
        if at > now {
            return Ok(at);
        }
        return instant(today.checked_add(Span::new().days(1)).map_err(|e| e.to_string())?);
    }
    if let Ok(at) = text.replace(' ', "T").parse::<DateTime>() {
        return instant(at);
    }
    Err(format!("{text:?} is no time: write 05:00, 2026-11-22T05:00, or 2026-11-22T05:00:00Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_is_the_next_one_and_days_are_taken_as_they_are() {
        let utc = TimeZone::UTC;
        // 2026-11-21T00:13:20Z
        let now = Time::from_secs(1_795_220_000);
        let read = |text: &str| parse(text, now, &utc).map(|at| at.to_string());
        assert_eq!(read("05:00").as_deref(), Ok("2026-11-21T05:00:00.000Z"));
        assert_eq!(read("00:10").as_deref(), Ok("2026-11-22T00:10:00.000Z"));
        assert_eq!(read("2026-11-22 05:00").as_deref(), Ok("2026-11-22T05:00:00.000Z"));
        assert_eq!(read("2026-11-22T05:00:00+01:00").as_deref(), Ok("2026-11-22T04:00:00.000Z"));
        for bad in ["", "soon", "25:00", "5", "2026-13-01T00:00"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
