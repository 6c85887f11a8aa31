//! Clocks of the hosts against the coordinator's.
//!
//! Both are measured against our own clock (which may be wrong itself: it cancels out), each with its error.

use super::Pool;
use super::picture::ClockView;
use crate::time::Time;
use crate::xenapi::record::Ref;

/// How far a host's clock is off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Skew {
    /// Seconds that it is ahead of the coordinator's.
    pub ahead: f64,
    /// The most that this is wrong by, in seconds.
    pub error: f64,
    /// When it was measured.
    pub seen: Time,
}

impl Pool {
    /// Every host whose clock was read lately, except the coordinator; empty while the coordinator's was not.
    pub(super) fn skews(&self, now: Time) -> Vec<(Ref, Skew)> {
        let read = |host: &Ref| self.tracks.get(host)?.clock.offset(now);
        let Some(coordinator) = self.coordinator() else { return Vec::new() };
        let Some((base, base_error, base_seen)) = read(coordinator) else { return Vec::new() };
        let others = self.tracks.keys().filter(|r| *r != coordinator);
        others
            .filter_map(|r| {
                let (offset, error, seen) = read(r)?;
                Some((r.clone(), Skew { ahead: offset - base, error: error + base_error, seen: seen.min(base_seen) }))
            })
            .collect()
    }

    /// Seconds that a host's clock is ahead of ours, and the most that this is wrong by; `None` if it was not read lately.
    pub fn clock_ahead(&self, host: &Ref, now: Time) -> Option<(f64, f64)> {
        let (ahead, error, _) = self.tracks.get(host)?.clock.offset(now)?;
        Some((ahead, error))
    }

    /// What the coordinator's clock says now, if it was read lately.
    pub(super) fn coordinators_time(&self, now: Time) -> Option<Time> {
        let (ahead, _, _) = self.tracks.get(self.coordinator()?)?.clock.offset(now)?;
        Some(Time::from_millis(now.as_millis().saturating_add((ahead * 1000.0) as i64)))
    }

    pub(super) fn clock_views(&self, hosts: &[Ref], skews: &[(Ref, Skew)], now: Time) -> Vec<ClockView> {
        let coordinator = self.coordinator().filter(|_| !skews.is_empty());
        let of = |host: &Ref| -> Option<ClockView> {
            let name = self.name_of(host);
            if coordinator == Some(host) {
                let (_, _, seen) = self.tracks.get(host)?.clock.offset(now)?;
                return Some(ClockView { host: name, skew_s: 0.0, error_s: 0.0, seen });
            }
            let (_, s) = skews.iter().find(|(r, _)| r == host)?;
            Some(ClockView { host: name, skew_s: s.ahead, error_s: s.error, seen: s.seen })
        };
        hosts.iter().filter_map(of).collect()
    }
}
