//! Times as they stand in names of crash folders and at the beginning of log lines.
//!
//! Both are mostly by a host's local clock, often without a zone or a year. Never guesses a zone: what cannot be told stays
//! a wall clock's reading, which can still be compared with another reading of the same clock.

use super::classify::date;
use jiff::civil::{Date, DateTime};

/// A wall clock's reading as seconds since 1970-01-01 00:00:00 on that same clock, whatever its zone.
pub type Wall = i64;

/// When a crash folder was made, as its name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// By the host's clock.
    pub wall: Wall,
    /// The zone as it is written, if it is: `UTC`, `CET`, `+03`.
    pub zone: Option<String>,
    /// What stands before the time: a host's name or address, in folders of remote dumps.
    pub host: Option<String>,
}

/// When a line was written, as it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// By the clock that the line was written with; in a year of its own if it names none.
    pub wall: Wall,
    /// How far that clock is ahead of UTC, in seconds, if the line says so.
    pub offset: Option<i64>,
    /// Whether the line names a year.
    pub has_year: bool,
}

impl Stamp {
    /// Reads the name of a crash folder: `20261121-021744-UTC` (XenServer), `202611210217` (kdump-tools),
    /// `127.0.0.1-2026-11-21-02:17:44` (kexec-tools), each also with a host before it. `None` if it is none.
    pub fn parse(name: &str) -> Option<Self> {
        if name.len() > 200 || !name.is_ascii() {
            return None;
        }
        xen(name).or_else(|| kexec(name)).or_else(|| kdump(name))
    }

    /// How far the zone is ahead of UTC, in seconds; `None` if there is none or several zones are called so (`CST`, `IST`).
    pub fn offset(&self) -> Option<i64> {
        zone(self.zone.as_deref()?)
    }
}

/// `20261121-021744-ZONE`, from the crash kernel's `date +%Y%m%d-%H%M%S-%Z`.
fn xen(name: &str) -> Option<Stamp> {
    let mut parts = name.splitn(3, '-');
    let (date, clock, zone) = (parts.next()?, parts.next()?, parts.next());
    if date.len() != 8 || clock.len() != 6 {
        return None;
    }
    let zone = zone.filter(|zone| !zone.is_empty() && zone.len() <= 8).map(str::to_owned);
    Some(Stamp { wall: wall(&format!("{date}{clock}"))?, zone, host: None })
}

/// `HOST-2026-11-21-02:17:44`.
fn kexec(name: &str) -> Option<Stamp> {
    let name = name.strip_suffix("-incomplete").unwrap_or(name);
    let at = name.len().checked_sub(19)?;
    let (host, when) = (name.get(..at)?, name.get(at..)?);
    let separators = [(4, b'-'), (7, b'-'), (10, b'-'), (13, b':'), (16, b':')];
    if !separators.iter().all(|(at, byte)| when.as_bytes().get(*at) == Some(byte)) {
        return None;
    }
    let digits: String = when.chars().filter(char::is_ascii_digit).collect();
    let host = host.strip_suffix('-').unwrap_or(host);
    let host = Some(host).filter(|host| !host.is_empty() && *host != "127.0.0.1").map(str::to_owned);
    Some(Stamp { wall: wall(&digits)?, zone: None, host })
}

/// `202611210217`, or `HOST-202611210217`.
fn kdump(name: &str) -> Option<Stamp> {
    let (host, digits) = name.rsplit_once('-').map_or((None, name), |(host, digits)| (Some(host), digits));
    if digits.len() != 12 {
        return None;
    }
    Some(Stamp { wall: wall(&format!("{digits}00"))?, zone: None, host: host.filter(|h| !h.is_empty()).map(str::to_owned) })
}

/// Of `YYYYmmddHHMMSS`, in the years 1990 to 2199.
fn wall(digits: &str) -> Option<Wall> {
    if digits.len() != 14 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = |from: usize, to: usize| digits.get(from..to)?.parse::<i16>().ok();
    let year = number(0, 4).filter(|year| (1990..2200).contains(year))?;
    civil(year, number(4, 6)?, number(6, 8)?, number(8, 10)?, number(10, 12)?, number(12, 14)?)
}

fn civil(year: i16, month: i16, day: i16, hour: i16, minute: i16, second: i16) -> Option<Wall> {
    let small = |n: i16| i8::try_from(n).ok();
    let date = Date::new(year, small(month)?, small(day)?).ok()?;
    let time = jiff::civil::Time::new(small(hour)?, small(minute)?, small(second)?, 0).ok()?;
    Some(jiff::tz::Offset::UTC.to_timestamp(DateTime::from_parts(date, time)).ok()?.as_second())
}

/// A reading in words: `2026-11-21 02:17:44`.
pub fn shown(wall: Wall) -> String {
    let stamp = jiff::Timestamp::from_second(wall).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    stamp.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// How far a zone's clock is ahead of UTC, in seconds. Only names that mean one zone, and numbers.
fn zone(name: &str) -> Option<i64> {
    const NAMES: [(&str, i64); 22] = [
        ("UTC", 0),
        ("GMT", 0),
        ("UCT", 0),
        ("WET", 0),
        ("WEST", 60),
        ("CET", 60),
        ("CEST", 120),
        ("EET", 120),
        ("EEST", 180),
        ("MSK", 180),
        ("SAST", 120),
        ("EST", -300),
        ("EDT", -240),
        ("CDT", -300),
        ("MDT", -360),
        ("MST", -420),
        ("PST", -480),
        ("PDT", -420),
        ("JST", 540),
        ("KST", 540),
        ("AEST", 600),
        ("AEDT", 660),
    ];
    if let Some((_, minutes)) = NAMES.iter().find(|(known, _)| *known == name) {
        return Some(minutes * 60);
    }
    let (sign, digits) = match name.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let digits: String = digits.chars().filter(|c| *c != ':').collect();
    let number = digits.parse::<i64>().ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit()))?;
    let minutes = match digits.len() {
        2 => number * 60,
        4 => number / 100 * 60 + number % 100,
        _ => return None,
    };
    (minutes <= 14 * 60).then_some(sign * minutes * 60)
}

/// A year that has every day, for lines that name none.
const SOME_YEAR: i16 = 2024;

impl Clock {
    /// Reads the time at the beginning of a log line, and the host after it if it is syslog's:
    /// `Nov 21 02:17:44 xcp3 …`, `2026-11-21T02:17:44.123+01:00 xcp3 …`, `Sat Nov 21 02:17:44 UTC 2026 [err] …` (xha.log),
    /// `[20261121T02:17:44.123Z|…` (xapi).
    pub fn parse(line: &[u8]) -> Option<(Self, Option<&str>)> {
        let (date, rest) = date::date(line.strip_prefix(b"[").unwrap_or(line))?;
        let (month, day) = (i16::from(date.month), i16::from(date.day));
        let midnight = civil(date.year.unwrap_or(SOME_YEAR), month, day, 0, 0, 0)?;
        let clock = Self {
            wall: midnight + i64::from(date.millis / 1_000),
            offset: date.offset.map(i64::from),
            has_year: date.year.is_some(),
        };
        Some((clock, host(rest)))
    }

    /// The reading on a clock that is `offset` seconds ahead of UTC (not known: on the one that it was written with), in the year that
    /// brings it nearest to `about`.
    pub fn wall_near(&self, about: Wall, offset: Option<i64>) -> Wall {
        let wall = match (self.offset, offset) {
            (Some(own), Some(wanted)) => self.wall - own + wanted,
            _ => self.wall,
        };
        if self.has_year {
            return wall;
        }
        let (Some(about_date), Some(this)) = (from_secs(about), from_secs(wall)) else { return wall };
        let year = about_date.year();
        let in_year = |year: i16| {
            let time = this.time();
            let clock = (i16::from(time.hour()), i16::from(time.minute()), i16::from(time.second()));
            civil(year, i16::from(this.month()), i16::from(this.day()), clock.0, clock.1, clock.2)
        };
        let years = [year - 1, year, year + 1];
        years.into_iter().filter_map(in_year).min_by_key(|wall| (wall - about).abs()).unwrap_or(wall)
    }
}

fn from_secs(wall: Wall) -> Option<DateTime> {
    Some(jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::from_second(wall).ok()?))
}

/// The host that syslog names after the time.
fn host(rest: &[u8]) -> Option<&str> {
    let rest = rest.strip_prefix(b" ")?;
    let end = rest.iter().position(|byte| *byte == b' ')?;
    let word = std::str::from_utf8(rest.get(..end)?).ok()?;
    let is_name = word.len() <= 255 && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
    (is_name && !word.is_empty()).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Wall = 1_795_227_464; // 2026-11-21 02:17:44

    #[test]
    fn folders_of_every_maker_are_read() {
        let stamp = Stamp::parse("20261121-021744-UTC").unwrap();
        assert_eq!((stamp.wall, stamp.offset(), shown(AT).as_str()), (AT, Some(0), "2026-11-21 02:17:44"));
        assert_eq!(Stamp::parse("20261121-021744-CET").unwrap().offset(), Some(3_600));
        assert_eq!(Stamp::parse("20261121-021744-+0330").unwrap().offset(), Some(12_600));
        assert_eq!(Stamp::parse("20261121-021744--03").unwrap().offset(), Some(-10_800));
        // Three countries and two continents call theirs so.
        assert_eq!(Stamp::parse("20261121-021744-IST").unwrap().offset(), None);
        assert_eq!(Stamp::parse("127.0.0.1-2026-11-21-02:17:44").unwrap(), Stamp { wall: AT, zone: None, host: None });
        assert_eq!(Stamp::parse("xcp3-2026-11-21-02:17:44").unwrap().host.as_deref(), Some("xcp3"));
        assert_eq!(Stamp::parse("202611210217").unwrap().wall, AT - 44);
        assert_eq!(Stamp::parse("10.0.0.3-202611210217").unwrap().host.as_deref(), Some("10.0.0.3"));
        for name in ["", "20261341-021744-UTC", "xen.log", "202611", "20261121", "-", "2026-11-21-02:17", "ééé-202611210217"] {
            assert_eq!(Stamp::parse(name), None, "{name}");
        }
    }

    #[test]
    fn lines_of_every_kind_tell_their_time() {
        let near = |line: &str| {
            Clock::parse(line.as_bytes()).map(|(clock, host)| (clock.wall_near(AT, Some(0)), host.map(str::to_owned)))
        };
        let xcp3 = Some("xcp3".to_owned());
        assert_eq!(near("Nov 21 02:17:44 xcp3 kernel: [ 1.0] x"), Some((AT, xcp3.clone())));
        assert_eq!(near("2026-11-21T03:17:44.123+01:00 xcp3 kernel: x"), Some((AT, xcp3)));
        assert_eq!(near("Sat Nov 21 02:17:44 UTC 2026 [err] FH: x"), Some((AT, None)));
        assert_eq!(near("Nov 21 03:17:44 CET 2026 [err] FH: x"), Some((AT, None)));
        assert_eq!(near("[20261121T02:17:44.123Z|debug|xcp3|0 ||x] y"), Some((AT, None)));
        for line in
            ["", "[    0.000000] Linux version", "(XEN) x", "2026", "\u{fffd}Nov", "Nov 21 99:17:44 h x", "Nov 31 02:17:44 h x"]
        {
            assert_eq!(near(line), None, "{line}");
        }
        assert_eq!(Clock::parse(b"Nov 21 02:17:44 xcp3\xff\xfe x").map(|(c, _)| c.has_year), Some(false));
    }

    #[test]
    fn a_line_without_a_year_is_of_the_nearest_one() {
        let (clock, _) = Clock::parse(b"Dec 31 23:59:58 h kernel: x").unwrap();
        let new_year = Stamp::parse("20270101-000010-UTC").unwrap().wall;
        assert_eq!(new_year - clock.wall_near(new_year, Some(0)), 12);
        let (leap, _) = Clock::parse(b"Feb 29 00:00:00 h kernel: x").unwrap();
        assert!(leap.wall_near(AT, None) < AT);
    }
}
