//! Lines with their times: what happened at one host, life by life, and the stamps that its logs put before it.

use super::{Core, Death, Entry, Note, UNWRITTEN};
use crate::sim::world::rrd::hash;
use crate::time::Time;
use std::fmt::Write as _;
use std::time::Duration;

/// One run of a host, from a boot to its end.
pub struct Life {
    /// When it booted.
    pub booted: Time,
    /// When that run ended, and of what; none for an orderly end.
    pub died: Option<(Time, Death)>,
    /// It is the run that the world began with: its boot is long ago, and what was logged of it has been rotated away.
    pub first: bool,
    /// What happened in it, oldest first.
    pub notes: Vec<(Time, Note)>,
}

/// What happened at one host.
pub struct History {
    /// Which.
    pub host: usize,
    /// Its name.
    pub name: String,
    /// How far its clock is from the true time, in milliseconds.
    pub skew: i64,
    /// Its runs, oldest first.
    pub lives: Vec<Life>,
    seed: u64,
}

impl History {
    /// Everything that is known of it until now.
    pub fn of(core: &Core, host: usize) -> Self {
        let (name, skew, booted) = core.hosts.get(host).map_or_else(Default::default, |h| (h.name.clone(), h.clock_ms, h.booted));
        let mut entries: Vec<&Entry> = core.past.of(host).collect();
        entries.sort_by_key(|entry| entry.at);
        let began = entries.iter().find_map(|e| if let Note::Booted { before } = e.note { Some(before) } else { None });
        let mut lives = vec![Life { booted: began.unwrap_or(booted), died: None, first: true, notes: Vec::new() }];
        for Entry { at, note, .. } in entries {
            if let Note::Booted { .. } = note {
                lives.push(Life { booted: *at, died: None, first: false, notes: Vec::new() });
            }
            let Some(life) = lives.last_mut() else { continue };
            if let Note::Died(death) = note {
                life.died = Some((*at, *death));
            }
            life.notes.push((*at, *note));
        }
        Self { host, name, skew, lives, seed: core.seed ^ hash(&host.to_string()) }
    }

    /// A number that is always the same for the same host, time and question.
    pub fn dice(&self, at: Time, question: u64) -> u64 {
        let mixed = (self.seed ^ at.as_millis().unsigned_abs()).wrapping_add(question.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 31)
    }

    /// What its clock shows.
    pub fn clock(&self, at: Time) -> Time {
        shifted(at, self.skew)
    }

    /// `Nov 21 02:17:44 xcp3 who: what`, as syslog writes it.
    pub fn syslog(&self, out: &mut String, at: Time, who: &str, what: &str) {
        let _ = writeln!(out, "{} {} {who}: {what}", syslog_stamp(self.clock(at)), self.name);
    }

    /// Seconds since its boot, as the kernel prints them.
    pub fn uptime(&self, life: &Life, at: Time) -> String {
        let millis = at.millis_after(life.booted).max(0);
        let micros = self.dice(at, 1) % 1_000;
        format!("{:>5}.{:03}{micros:03}", millis / 1_000, millis % 1_000)
    }
}

impl Life {
    /// Whether what was said at this moment has reached a disk.
    pub fn written(&self, at: Time) -> bool {
        self.died.is_none_or(|(died, _)| at + UNWRITTEN < died)
    }
}

/// A time by a clock that is off.
pub fn shifted(at: Time, millis: i64) -> Time {
    Time::from_millis(at.as_millis().saturating_add(millis))
}

/// Year, month, day and time of day in UTC.
fn parts(at: Time) -> (String, usize, String, String) {
    let text = at.to_xapi();
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default().to_owned();
    (part(0, 4), part(4, 6).parse().unwrap_or(1), part(6, 8), part(9, 17))
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn month(number: usize) -> &'static str {
    MONTHS.get(number.wrapping_sub(1)).copied().unwrap_or("Jan")
}

/// `Nov 21 02:17:44`, the day padded with a blank.
fn syslog_stamp(at: Time) -> String {
    let (_, number, day, clock) = parts(at);
    format!("{} {:>2} {clock}", month(number), day.trim_start_matches('0'))
}

/// `Nov 21 02:17:44 UTC 2026`, as xhad writes it.
pub fn xha_stamp(at: Time) -> String {
    let (year, number, day, clock) = parts(at);
    format!("{} {day} {clock} UTC {year}", month(number))
}

/// `2026-11-21 02:17:44`.
pub fn plain_stamp(at: Time) -> String {
    let (year, number, day, clock) = parts(at);
    format!("{year}-{number:02}-{day} {clock}")
}

/// `20261121-021744-UTC`.
pub fn folder_name(at: Time) -> String {
    let (year, number, day, clock) = parts(at);
    format!("{year}{number:02}{day}-{}-UTC", clock.replace(':', ""))
}

/// A moment a little later.
pub fn after(at: Time, millis: u64) -> Time {
    at + Duration::from_millis(millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_as_the_programs_write_them() {
        let at = Time::parse_xapi("20261101T02:17:44Z").unwrap();
        assert_eq!(syslog_stamp(at), "Nov  1 02:17:44");
        assert_eq!(xha_stamp(at), "Nov 01 02:17:44 UTC 2026");
        assert_eq!(folder_name(at), "20261101-021744-UTC");
        assert_eq!(plain_stamp(at), "2026-11-01 02:17:44");
    }
}
