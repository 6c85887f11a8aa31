//! What was seen of each host over time: when its flags changed, when it last gave a sign of life, how it answered.
//!
//! Records say how things are; this says since when and by what evidence. It only remembers: what it means is
//! [`super::liveness`]'s business.

use super::limits::{CLOCK_FRESH, LATENCY_BUCKET, LATENCY_BUCKETS, LATENCY_QUIET};
use super::picture::{Latency, Stage};
use crate::observation::{Answer, Outcome, Via};
use crate::time::Time;
use crate::xenapi::record::Ref;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// A flag and since when it is so, as far as it was seen to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flag {
    /// Its value.
    pub is: bool,
    /// When it was seen to change to it; `None` if it has been so since it was first seen.
    pub since: Option<Time>,
}

impl Flag {
    /// Takes in a new reading; says whether it changed.
    pub fn update(flag: &mut Option<Self>, is: bool, at: Time) -> bool {
        match flag {
            Some(old) if old.is == is => false,
            Some(_) => {
                *flag = Some(Self { is, since: Some(at) });
                true
            }
            None => {
                *flag = Some(Self { is, since: None });
                false
            }
        }
    }
}

/// A question that was not answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The newest.
    pub at: Time,
    /// How many in a row.
    pub count: u32,
    /// XenAPI error code, or the first words of what happened.
    pub what: Box<str>,
    /// Whether the coordinator itself said that it cannot reach the host.
    pub told: bool,
}

/// Why a host counts as having come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Return {
    /// It was down and is live again.
    Live,
    /// Its boot time changed.
    Booted,
    /// It was silent and is heard again.
    Heard,
    /// Its toolstack was started again.
    Toolstack,
}

/// What was seen of one host.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HostTrack {
    /// When it was first seen.
    pub first: Time,
    /// `host_metrics.live`.
    pub live: Option<Flag>,
    /// `host.enabled`.
    pub enabled: Option<Flag>,
    /// When `current_operations` began to hold a shutdown or reboot.
    pub going: Option<Time>,
    /// When it was last seen to be away (not live, or silent), if it ever was.
    pub away: Option<Time>,
    /// When it came back from that, and how.
    pub back: Option<(Time, Return)>,
    /// When it was first enabled with its storage plugged after it came back.
    pub ready: Option<Time>,
    /// `other_config:boot_time`.
    pub boot: Option<Time>,
    /// `other_config:agent_start_time`.
    pub agent: Option<Time>,
    /// When its metrics last moved by themselves.
    pub beat: Option<Time>,
    /// When it last answered a question of ours.
    pub answered: Option<(Time, Via)>,
    /// The newest question that it did not answer, unless it answered one since.
    pub failed: Option<Failure>,
    /// PBDs that were attached when it went away: these it has to plug again.
    pub storage: Vec<Ref>,
    /// When its cluster first said that it has left while it should be in; `None` while it is in.
    pub cluster_lost: Option<Time>,
    /// When HA said that it lost the statefile; `None` while it has it.
    pub statefile_lost: Option<Time>,
    /// How near a fence by o2cb was told to be.
    pub fence: Option<crate::o2cb::margin::Level>,
    /// Free memory by its round-robin database, in KiB, and when.
    pub free_kib: Option<(Time, f64)>,
    /// The slowest heartbeat by its round-robin database, in seconds, and when.
    pub heartbeat_s: Option<(Time, f64)>,
    /// The stage that was last told in an alert, since when, and what it was before.
    pub told: Option<(Stage, Time)>,
    /// Round trips.
    pub latency: Latencies,
    /// Clock readings.
    pub clock: ClockReadings,
}

impl HostTrack {
    /// Something new about a host, first seen at `at`.
    pub fn new(at: Time) -> Self {
        Self { first: at, ..Self::default() }
    }

    /// The newest sign of life of its own.
    pub fn alive(&self) -> Option<Time> {
        self.beat.max(self.answered.map(|(at, _)| at))
    }

    /// Takes in an answer, or the lack of one.
    pub fn answer(&mut self, answer: &Answer, at: Time) {
        match &answer.outcome {
            Outcome::Ok { clock } => {
                self.answered = Some((at, answer.via));
                self.failed = None;
                self.latency.add(at, Some(answer.took_ms));
                if let Some(clock) = clock {
                    self.clock.add(at, answer.took_ms, *clock);
                }
            }
            Outcome::Failed { code, error } => {
                let told = matches!(code.as_deref(), Some("CANNOT_CONTACT_HOST" | "HOST_OFFLINE"));
                // Other codes (a role without the right, an unknown method) say nothing about the host.
                if !told && code.is_some() {
                    return;
                }
                // A host whose own address we never reached may just be out of our reach.
                if answer.via == Via::Rrd
                    && !told
                    && self.answered.is_none_or(|(_, via)| via != Via::Rrd)
                    && self.failed.is_none()
                {
                    return;
                }
                self.latency.add(at, None);
                let count = self.failed.as_ref().map_or(0, |f| f.count).saturating_add(1);
                let what = code.as_deref().unwrap_or(error);
                self.failed = Some(Failure { at, count, what: crate::text::clean(what, 80).into(), told });
            }
        }
    }
}

/// The slowest answer of each quarter of a minute, for the last five minutes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Latencies {
    /// Bucket number (time divided by its width), slowest answer, whether one was lost.
    buckets: VecDeque<(i64, u32, bool)>,
}

impl Latencies {
    fn number(at: Time) -> i64 {
        at.as_millis().div_euclid(LATENCY_BUCKET.as_millis() as i64)
    }

    /// An answer that took so many milliseconds, or none.
    pub fn add(&mut self, at: Time, took: Option<u32>) {
        let number = Self::number(at);
        if self.buckets.back().is_none_or(|(n, ..)| *n < number) {
            self.buckets.push_back((number, 0, false));
            while self.buckets.len() > LATENCY_BUCKETS + 2 {
                self.buckets.pop_front();
            }
        }
        if let Some((_, worst, lost)) = self.buckets.back_mut() {
            *worst = (*worst).max(took.unwrap_or(0));
            *lost |= took.is_none();
        }
    }

    /// The last five minutes, oldest first.
    ///
    /// The bucket under way is shown together with the one before it, the worse of both: so a lost answer shows at once, and
    /// nothing moves only because time does. One in which a host was not asked, after one in which it answered, looks like that:
    /// pools of a large fleet are asked less often.
    pub fn view(&self, now: Time) -> Vec<Latency> {
        let last = Self::number(now).saturating_sub(1);
        // One more than is shown, for what the first one looks like.
        let mut out = vec![Latency::None; LATENCY_BUCKETS + 1];
        for (number, worst, lost) in &self.buckets {
            let back = usize::try_from(last.saturating_sub(*number).max(0)).unwrap_or(usize::MAX);
            let Some(slot) = LATENCY_BUCKETS.checked_sub(back) else { continue };
            let worst = if *worst < LATENCY_QUIET { 0 } else { *worst };
            if let Some(cell) = out.get_mut(slot) {
                *cell = match *cell {
                    Latency::Lost => Latency::Lost,
                    _ if *lost => Latency::Lost,
                    Latency::Ms(before) => Latency::Ms(before.max(worst)),
                    Latency::None => Latency::Ms(worst),
                };
            }
        }
        let mut before = Latency::None;
        for at in 0..out.len() {
            let known_next = out.get(at + 1).is_none_or(|next| *next != Latency::None);
            let Some(cell) = out.get_mut(at) else { break };
            let asked = *cell;
            if asked == Latency::None && known_next && matches!(before, Latency::Ms(_)) {
                *cell = before;
            }
            before = asked;
        }
        out.split_off(1)
    }
}

/// Readings of a host's clock against our own.
///
/// xapi tells whole seconds, so one reading leaves a second and the round trip open; several readings together leave less.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ClockReadings {
    /// When, and the least and most that the host's clock is ahead of ours, in milliseconds.
    readings: VecDeque<(Time, i64, i64)>,
}

impl ClockReadings {
    /// The host said `clock` in an answer that came `at` and took so long.
    pub fn add(&mut self, at: Time, took_ms: u32, clock: Time) {
        // The reading was made between the question and the answer, and cut off to whole seconds.
        let low = clock.millis_after(at);
        let high = low.saturating_add(1000).saturating_add(i64::from(took_ms));
        self.readings.push_back((at, low, high));
        while self.readings.len() > 8 {
            self.readings.pop_front();
        }
    }

    /// How far the host's clock is ahead of ours: seconds, the most it may be wrong by, and when it was last read.
    pub fn offset(&self, now: Time) -> Option<(f64, f64, Time)> {
        let (seen, mut low, mut high) = *self.readings.back()?;
        if now.since(seen) > CLOCK_FRESH {
            return None;
        }
        // Older readings make it narrower as long as they agree; where they do not, the clock was moved.
        for (_, l, h) in self.readings.iter().rev().skip(1).filter(|(at, ..)| seen.since(*at) <= CLOCK_FRESH) {
            let (a, b) = (low.max(*l), high.min(*h));
            if a > b {
                break;
            }
            (low, high) = (a, b);
        }
        let middle = (low as f64 + high as f64) / 2000.0;
        Some((middle, (high as f64 - low as f64) / 2000.0, seen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xenapi::record::Ref;

    fn at(ms: i64) -> Time {
        Time::from_millis(1_800_000_000_000 + ms)
    }

    #[test]
    fn latency_buckets_slide() {
        let mut l = Latencies::default();
        l.add(at(0), Some(50));
        l.add(at(1), Some(90));
        l.add(at(15_000), None);
        let view = l.view(at(30_000));
        assert_eq!(view.len(), LATENCY_BUCKETS);
        assert_eq!(&view[LATENCY_BUCKETS - 3..], [Latency::None, Latency::Ms(90), Latency::Lost]);
        assert!(l.view(at(3_600_000)).iter().all(|b| *b == Latency::None));
    }

    #[test]
    fn a_steady_host_shows_a_steady_line_and_a_lost_answer_at_once() {
        let mut l = Latencies::default();
        let mut shown = Vec::new();
        for ms in (0..900_000).step_by(1_000) {
            if ms % 10_000 == 4_000 {
                l.add(at(ms), Some(5 + (ms / 1_000 % 30) as u32));
            }
            if ms >= 330_000 {
                shown.push(l.view(at(ms)));
            }
        }
        assert!(shown.iter().all(|view| *view == vec![Latency::Ms(0); LATENCY_BUCKETS]), "nothing moves only because time does");
        l.add(at(900_100), None);
        assert_eq!(l.view(at(900_200)).last(), Some(&Latency::Lost));
    }

    #[test]
    fn a_host_that_is_asked_seldom_has_no_holes_and_one_that_is_not_asked_any_more_has() {
        let mut l = Latencies::default();
        for ms in (0..600_000).step_by(30_000) {
            l.add(at(ms), Some(5));
        }
        for ms in (570_000..600_000).step_by(1_000) {
            assert_eq!(l.view(at(ms)), vec![Latency::Ms(0); LATENCY_BUCKETS], "{ms}");
        }
        assert_eq!(l.view(at(660_000)).last(), Some(&Latency::None));
    }

    #[test]
    fn clock_readings_narrow_the_error_and_forget_a_clock_that_was_moved() {
        let mut c = ClockReadings::default();
        // The host is 2.3 s ahead; answers take 10 ms.
        for ms in [0, 10_300, 20_900] {
            let truth = at(ms + 2_300).as_millis();
            c.add(at(ms), 10, Time::from_millis(truth - truth.rem_euclid(1000)));
        }
        let (skew, error, _) = c.offset(at(21_000)).expect("read");
        assert!((skew - 2.3).abs() <= error + 1e-9, "{skew} ± {error}");
        assert!(error < 0.5, "{error}");
        c.add(at(30_000), 10, at(-60_000));
        let (skew, error, _) = c.offset(at(31_000)).expect("read");
        assert!((skew + 89.5).abs() < 0.6 && error > 0.5, "{skew} ± {error}");
        assert_eq!(c.offset(at(30_000) + CLOCK_FRESH * 2), None);
    }

    #[test]
    fn failures_that_say_nothing_about_the_host_are_not_held_against_it() {
        let mut track = HostTrack::new(at(0));
        let answer = |via, code: Option<&str>| Answer {
            host: Ref::from("h"),
            via,
            took_ms: 5,
            outcome: Outcome::Failed { code: code.map(Into::into), error: "no route to host".into() },
        };
        track.answer(&answer(Via::Rrd, None), at(1));
        track.answer(&answer(Via::Servertime, Some("RBAC_PERMISSION_DENIED")), at(2));
        assert_eq!(track.failed, None);
        track.answer(&answer(Via::Servertime, Some("CANNOT_CONTACT_HOST")), at(3));
        track.answer(&answer(Via::Servertime, None), at(4));
        assert_eq!(track.failed.map(|f| f.count), Some(2));
    }
}
