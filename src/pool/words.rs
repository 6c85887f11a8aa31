//! Words of the model: names in natural order, times of day, percentages, lists. Decides nothing.

use crate::text;
use crate::time::Time;
use jiff::tz::TimeZone;
use std::cmp::Ordering;
use std::fmt::Write as _;

/// A name from the pool, made safe and short enough to stand in a sentence.
pub fn name(text: &str) -> String {
    text::clean(text.trim(), 64).into_owned()
}

/// Compares names so that `xcp2` comes before `xcp10`; ties are broken by the plain text.
pub fn natural(a: &str, b: &str) -> Ordering {
    let (mut x, mut y) = (a.as_bytes(), b.as_bytes());
    while let (Some(first), Some(second)) = (x.first(), y.first()) {
        let order = if first.is_ascii_digit() && second.is_ascii_digit() {
            let (left, right);
            (left, x) = number(x);
            (right, y) = number(y);
            left.len().cmp(&right.len()).then_with(|| left.cmp(right))
        } else {
            let order = first.to_ascii_lowercase().cmp(&second.to_ascii_lowercase());
            (x, y) = (x.get(1..).unwrap_or_default(), y.get(1..).unwrap_or_default());
            order
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    x.len().cmp(&y.len()).then_with(|| a.cmp(b))
}

/// The digits at the start of `text` without leading zeros, and what follows them.
fn number(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let start = digits.iter().position(|b| *b != b'0').unwrap_or(digits.len().saturating_sub(1));
    (digits.get(start..).unwrap_or_default(), rest)
}

/// The time of day in `zone`: `02:46`, with ` UTC` where that is the zone.
pub fn clock(at: Time, zone: &TimeZone) -> String {
    let stamp = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let utc = if *zone == TimeZone::UTC { " UTC" } else { "" };
    format!("{}{utc}", stamp.to_zoned(zone.clone()).strftime("%H:%M"))
}

/// As [`clock`], with seconds.
pub fn clock_s(at: Time, zone: &TimeZone) -> String {
    let stamp = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let utc = if *zone == TimeZone::UTC { " UTC" } else { "" };
    format!("{}{utc}", stamp.to_zoned(zone.clone()).strftime("%H:%M:%S"))
}

/// A share of 1 in whole percent; never says 100 % before it is all.
pub fn percent(share: f64) -> String {
    format!("{} %", (share.clamp(0.0, 1.0) * 100.0).floor())
}

/// How long ago `then` was.
pub fn ago(now: Time, then: Time) -> String {
    format!("{} ago", text::duration(now.since(then)))
}

/// `1 guest`, `2 guests`.
pub fn count(n: usize, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

/// `a`, `a and b`, `a, b and c`, `a, b, c and 4 more`.
pub fn list<S: AsRef<str>>(names: &[S]) -> String {
    let shown = names.len().min(if names.len() > 4 { 3 } else { 4 });
    let mut out = String::new();
    for (at, name) in names.iter().take(shown).enumerate() {
        let joint = match at {
            0 => "",
            _ if at + 1 == names.len() => " and ",
            _ => ", ",
        };
        let _ = write!(out, "{joint}{}", name.as_ref());
    }
    if names.len() > shown {
        let _ = write!(out, " and {} more", names.len() - shown);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ordered_as_people_count() {
        let mut names = ["xcp10", "xcp2", "XCP1", "xcp-a", "xcp02", "xcp", "10", "9", "xcp2b"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["9", "10", "xcp", "xcp-a", "XCP1", "xcp02", "xcp2", "xcp2b", "xcp10"]);
        assert_eq!(natural("é1", "é1"), Ordering::Equal);
    }

    #[test]
    fn lists_read_as_spoken() {
        let names = |n: usize| -> Vec<String> { (1..=n).map(|i| format!("h{i}")).collect() };
        assert_eq!(list::<String>(&[]), "");
        assert_eq!(list(&names(1)), "h1");
        assert_eq!(list(&names(2)), "h1 and h2");
        assert_eq!(list(&names(4)), "h1, h2, h3 and h4");
        assert_eq!(list(&names(7)), "h1, h2, h3 and 4 more");
    }

    #[test]
    fn nothing_is_done_before_it_is_done() {
        assert_eq!(percent(0.999), "99 %");
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(f64::INFINITY), "100 %");
    }

    #[test]
    fn times_of_day_say_their_zone_if_it_is_not_ours() {
        assert_eq!(clock(Time::from_secs(1_795_220_468), &TimeZone::UTC), "00:21 UTC");
        let east = TimeZone::fixed(jiff::tz::offset(2));
        assert_eq!(clock(Time::from_secs(1_795_220_468), &east), "02:21");
        assert_eq!(clock(Time::from_millis(i64::MIN), &TimeZone::UTC), "00:00 UTC");
    }
}
