//! Dates at the beginning of log lines, in the forms that syslog, journals, serial consoles, Xen and xhad use.

use crate::time::Time;

/// A date as far as a line tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::crash) struct Date {
    /// The year; syslog leaves it out.
    pub year: Option<i16>,
    /// From 1.
    pub month: i8,
    /// From 1.
    pub day: i8,
    /// Milliseconds since midnight.
    pub millis: i32,
    /// East of Greenwich, in seconds, if it is told.
    pub offset: Option<i32>,
}

const MONTHS: [&[u8; 3]; 12] = [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
const DAYS: [&[u8; 3]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];

/// A cursor over the beginning of a line.
#[derive(Clone, Copy)]
struct At<'a>(&'a [u8]);

impl At<'_> {
    fn peek(self) -> Option<u8> {
        self.0.first().copied()
    }

    fn skip(&mut self, n: usize) {
        self.0 = self.0.get(n..).unwrap_or_default();
    }

    fn byte(&mut self, want: u8) -> Option<()> {
        (self.peek()? == want).then(|| self.skip(1))
    }

    fn blanks(&mut self) -> usize {
        let n = self.0.iter().take_while(|b| **b == b' ').count();
        self.skip(n);
        n
    }

    /// A number of at least `least` and at most `most` digits.
    fn number(&mut self, least: usize, most: usize) -> Option<i64> {
        let n = self.0.iter().take(most + 1).take_while(|b| b.is_ascii_digit()).count();
        if n < least || n > most {
            return None;
        }
        let value = self.0.iter().take(n).fold(0_i64, |sum, b| sum * 10 + i64::from(b - b'0'));
        self.skip(n);
        Some(value)
    }

    fn name(&mut self, names: &[&[u8; 3]]) -> Option<i8> {
        let word = self.0.get(..3)?;
        let at = names.iter().position(|name| name.as_slice() == word)?;
        self.skip(3);
        i8::try_from(at + 1).ok()
    }

    /// `HH:MM:SS` with an optional fraction.
    fn clock(&mut self) -> Option<i32> {
        let hours = self.number(1, 2)?;
        self.byte(b':')?;
        let minutes = self.number(2, 2)?;
        self.byte(b':')?;
        let seconds = self.number(2, 2)?;
        if hours > 23 || minutes > 59 || seconds > 60 {
            return None;
        }
        let mut millis = 0;
        if matches!(self.peek(), Some(b'.' | b',')) {
            let mut ahead = *self;
            ahead.skip(1);
            if let Some(digits) = ahead.0.iter().position(|b| !b.is_ascii_digit()).or(Some(ahead.0.len())).filter(|n| *n > 0) {
                let mut scale = 100;
                for b in ahead.0.iter().take(digits.min(3)) {
                    millis += i64::from(b - b'0') * scale;
                    scale /= 10;
                }
                ahead.skip(digits);
                *self = ahead;
            }
        }
        i32::try_from(((hours * 60 + minutes) * 60 + seconds) * 1000 + millis).ok()
    }

    /// `Z`, `+02:00` or `+0200`.
    fn zone(&mut self) -> Option<i32> {
        let sign = match self.peek()? {
            b'Z' => {
                self.skip(1);
                return Some(0);
            }
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        let mut ahead = *self;
        ahead.skip(1);
        let (hours, minutes) = if let Some(hours) = ahead.number(2, 2) {
            let _colon = ahead.byte(b':');
            (hours, ahead.number(2, 2).unwrap_or(0))
        } else {
            let both = ahead.number(4, 4)?;
            (both / 100, both % 100)
        };
        if hours > 14 || minutes > 59 {
            return None;
        }
        *self = ahead;
        i32::try_from(sign * (hours * 3600 + minutes * 60)).ok()
    }
}

/// Whole years that a log may be of.
fn year_of(number: i64) -> Option<i16> {
    (1990..=2100).contains(&number).then(|| i16::try_from(number).ok()).flatten()
}

/// A date at the very beginning of `text`, and what is left after it (blanks not skipped).
pub(in crate::crash) fn date(text: &[u8]) -> Option<(Date, &[u8])> {
    let first = *text.first()?;
    if first.is_ascii_digit() {
        let (date, rest) = iso(text).or_else(|| compact(text))?;
        return plausible(date).then_some((date, rest));
    }
    if first.is_ascii_uppercase() {
        let (date, rest) = named(text)?;
        return plausible(date).then_some((date, rest));
    }
    None
}

fn plausible(date: Date) -> bool {
    (1..=12).contains(&date.month) && (1..=31).contains(&date.day)
}

/// `2024-05-01 12:00:00`, `2024-05-01T12:00:00.123+02:00`, `2024/05/01 12:00:00`.
fn iso(text: &[u8]) -> Option<(Date, &[u8])> {
    let mut at = At(text);
    let year = year_of(at.number(4, 4)?)?;
    let dash = at.peek().filter(|b| matches!(b, b'-' | b'/'))?;
    at.skip(1);
    let month = at.number(1, 2)?;
    at.byte(dash)?;
    let day = at.number(1, 2)?;
    let between = at.peek().filter(|b| matches!(b, b'T' | b' ' | b'_' | b':'))?;
    at.skip(1);
    if between == b' ' {
        at.blanks();
    }
    let millis = at.clock()?;
    let mut ahead = at;
    ahead.blanks();
    let offset = at.zone().or_else(|| {
        let offset = ahead.zone()?;
        at = ahead;
        Some(offset)
    });
    if at.0.starts_with(b" UTC") {
        at.skip(4);
        return Some((
            Date { year: Some(year), month: i8::try_from(month).ok()?, day: i8::try_from(day).ok()?, millis, offset: Some(0) },
            at.0,
        ));
    }
    Some((Date { year: Some(year), month: i8::try_from(month).ok()?, day: i8::try_from(day).ok()?, millis, offset }, at.0))
}

/// `20241101T12:00:00.123Z`, as xapi writes it.
fn compact(text: &[u8]) -> Option<(Date, &[u8])> {
    let mut at = At(text);
    let all = at.number(8, 8)?;
    at.byte(b'T')?;
    let millis = at.clock()?;
    let offset = at.zone();
    let year = year_of(all / 10_000)?;
    Some((
        Date { year: Some(year), month: i8::try_from(all / 100 % 100).ok()?, day: i8::try_from(all % 100).ok()?, millis, offset },
        at.0,
    ))
}

/// `Nov 21 12:29:55`, `Sat Nov 21 12:29:55 UTC 2026`, `Nov 21 12:29:55 2026`, `Nov 21 2026 12:29:55`.
fn named(text: &[u8]) -> Option<(Date, &[u8])> {
    let mut at = At(text);
    if at.name(&DAYS).is_some() {
        let _comma = at.byte(b',');
        if at.blanks() == 0 {
            return None;
        }
    }
    let month = at.name(&MONTHS)?;
    if at.blanks() == 0 {
        return None;
    }
    let day = i8::try_from(at.number(1, 2)?).ok()?;
    let _comma = at.byte(b',');
    if at.blanks() == 0 {
        return None;
    }
    let mut year = None;
    let mut ahead = at;
    if let Some(number) = ahead.number(4, 4).and_then(year_of).filter(|_| ahead.blanks() > 0) {
        year = Some(number);
        at = ahead;
    }
    let millis = at.clock()?;
    let mut offset = None;
    if year.is_none() {
        // A zone's name and a year may follow; a host's name may, too.
        let mut ahead = at;
        if ahead.blanks() > 0 {
            let word =
                ahead.0.iter().take_while(|b| b.is_ascii_uppercase() || matches!(b, b'+' | b'-') || b.is_ascii_digit()).count();
            let name = ahead.0.get(..word).unwrap_or_default();
            let mut after = ahead;
            if (2..=5).contains(&word) && !name.iter().all(u8::is_ascii_digit) {
                after.skip(word);
                if after.blanks() == 0 {
                    after = ahead;
                }
            }
            if let Some(number) =
                after.number(4, 4).and_then(year_of).filter(|_| !after.peek().is_some_and(|b| b.is_ascii_alphanumeric()))
            {
                year = Some(number);
                offset = zone_named(name);
                at = after;
            }
        }
    }
    Some((Date { year, month, day, millis, offset }, at.0))
}

/// The zones whose abbreviation is not in doubt.
fn zone_named(name: &[u8]) -> Option<i32> {
    match name {
        b"UTC" | b"GMT" | b"WET" => Some(0),
        b"CET" | b"MEZ" => Some(3600),
        b"CEST" | b"EET" | b"MESZ" => Some(7200),
        b"EEST" | b"MSK" => Some(10_800),
        b"EDT" => Some(-14_400),
        b"EST" | b"CDT" => Some(-18_000),
        b"MDT" => Some(-21_600),
        b"PDT" => Some(-25_200),
        b"PST" => Some(-28_800),
        b"JST" => Some(32_400),
        _ => None,
    }
}

impl Date {
    /// For the distance of two dates of one log, in ms: right within a month, good enough beyond.
    pub fn rough(self) -> i64 {
        let days = (i64::from(self.year.unwrap_or(0)) * 12 + i64::from(self.month)) * 31 + i64::from(self.day);
        days * 86_400_000 + i64::from(self.millis)
    }

    /// As a point in time. A date without a year is taken as the last one of that name at or before `written` (a day of grace for zones), and
    /// has no time without that; one without a zone is taken as UTC.
    pub fn time(self, written: Option<Time>) -> Option<Time> {
        let year = match self.year {
            Some(year) => year,
            None => self.year_before(written?)?,
        };
        self.in_year(year)
    }

    fn in_year(self, year: i16) -> Option<Time> {
        let date = jiff::civil::Date::new(year, self.month, self.day).ok()?;
        let stamp = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond();
        let offset = i64::from(self.offset.unwrap_or(0)) * 1000;
        Some(Time::from_millis(stamp.checked_add(i64::from(self.millis))?.checked_sub(offset)?))
    }

    fn year_before(self, written: Time) -> Option<i16> {
        let limit = written.as_millis().saturating_add(86_400_000);
        let year = jiff::Timestamp::from_millisecond(written.as_millis()).ok()?.to_zoned(jiff::tz::TimeZone::UTC).year();
        (0..5).map(|back| year - back).find(|year| self.in_year(*year).is_some_and(|time| time.as_millis() <= limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(String, String)> {
        let (date, rest) = date(text.as_bytes())?;
        let written = Time::parse_xapi("20240601T00:00:00Z").unwrap();
        Some((date.time(Some(written))?.to_string(), String::from_utf8_lossy(rest).into_owned()))
    }

    #[test]
    fn the_forms_that_logs_use_are_read() {
        for (text, want, rest) in [
            ("Nov 21 12:29:55 xs1 kernel: x", "2023-11-21T12:29:55.000Z", " xs1 kernel: x"),
            ("May  1 02:03:04.5 (XEN) x", "2024-05-01T02:03:04.500Z", " (XEN) x"),
            ("Sat Nov 21 12:29:55 UTC 2020 [err] x", "2020-11-21T12:29:55.000Z", " [err] x"),
            ("Nov 21 12:29:55 CET 2020 [err] x", "2020-11-21T11:29:55.000Z", " [err] x"),
            ("Nov 21 12:29:55 2020] x", "2020-11-21T12:29:55.000Z", "] x"),
            ("Nov 21 2020 12:29:55 x", "2020-11-21T12:29:55.000Z", " x"),
            ("2019-03-01 12:00:00\t(XEN) x", "2019-03-01T12:00:00.000Z", "\t(XEN) x"),
            ("2019-03-01T12:00:00.123456+02:00 h x", "2019-03-01T10:00:00.123Z", " h x"),
            ("2019-03-01T12:00:00,123456+0200 h x", "2019-03-01T10:00:00.123Z", " h x"),
            ("2019-03-01 12:00:00.1 UTC] x", "2019-03-01T12:00:00.100Z", "] x"),
            ("20190301T12:00:00.123Z|debug", "2019-03-01T12:00:00.123Z", "|debug"),
        ] {
            assert_eq!(read(text), Some((want.to_owned(), rest.to_owned())), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_date_is_none() {
        for text in
            ["", "N", "Nov", "Nov x", "November 21", "2019", "2019-03-01", "Nov 41 12:00:00", "2019-13-01 12:00:00", "12:00"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn without_a_year_and_without_a_hint_there_is_no_time() {
        let (date, _) = date(b"Nov 21 12:29:55 h").unwrap();
        assert_eq!(date.time(None), None);
    }
}
