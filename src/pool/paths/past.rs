//! What one path did over the last week, by our own samples: its changes and nothing else, so that a path at rest costs nothing.
//!
//! Bounded: of a path that flaps for days the older changes are counted only. Pure.

use crate::observation::KeptPath;
use crate::pool::limits::{FLAP_WINDOW, FLAPS, WEEK};
use crate::time::Time;
use crate::xenapi::record::Ref;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::time::Duration;

/// Changes of one path that are kept with their times.
pub const CHANGES: usize = 48;

/// A path changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// When that was seen.
    pub at: Time,
    /// Paths up from then on.
    pub up: u32,
    /// Paths that there should be.
    pub total: u32,
}

/// The changes of one path, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    changes: VecDeque<Change>,
    /// Changes before the first one, counted only.
    more: u32,
}

impl Past {
    /// What was kept of it elsewhere. What is not in the order of time is left out, and of more than [`CHANGES`] the oldest.
    pub fn of(kept: &[(Time, u32, u32)], more: u32) -> Self {
        let mut past = Self { changes: VecDeque::new(), more };
        for (at, up, total) in kept {
            if past.changes.back().is_none_or(|last| last.at <= *at) {
                past.note(*at, (*up).min(*total), *total);
            }
        }
        past
    }

    /// It changed to this.
    pub fn note(&mut self, at: Time, up: u32, total: u32) {
        self.changes.push_back(Change { at, up, total });
        if self.changes.len() > CHANGES {
            self.changes.pop_front();
            self.more = self.more.saturating_add(1);
        }
    }

    /// Forgets what is older than a week, but for the state in which the week began.
    pub fn prune(&mut self, now: Time) {
        let old = |change: &Change| now.since(change.at) > WEEK;
        if self.changes.front().is_some_and(old) {
            // All that were counted only are older still.
            self.more = 0;
        }
        while self.changes.len() > 1 && self.changes.get(1).is_some_and(old) {
            self.changes.pop_front();
        }
    }

    /// The state that it was left in.
    pub fn last(&self) -> Option<Change> {
        self.changes.back().copied()
    }

    /// The changes within a week before `now`, the oldest first.
    pub fn within_a_week(&self, now: Time) -> impl DoubleEndedIterator<Item = &Change> {
        self.changes.iter().filter(move |change| now.since(change.at) <= WEEK)
    }

    /// How often it changed within a week, at least.
    pub fn count(&self, now: Time) -> u32 {
        // Those that were counted only are older than the first: of this week they are only if that one is.
        let more = self.changes.front().filter(|first| now.since(first.at) <= WEEK).map_or(0, |_| self.more);
        u32::try_from(self.within_a_week(now).count()).unwrap_or(u32::MAX).saturating_add(more)
    }

    /// The fewest paths that it had after any change of the week.
    pub fn least(&self, now: Time) -> Option<u32> {
        self.within_a_week(now).map(|change| change.up).min()
    }

    /// How long it was without all its paths within the week, as far as its changes are kept.
    pub fn short_for(&self, now: Time) -> Duration {
        let begin = Time::from_millis(now.as_millis().saturating_sub(i64::try_from(WEEK.as_millis()).unwrap_or(i64::MAX)));
        let ends = self.changes.iter().skip(1).map(|next| next.at).chain([now]);
        let spans = self.changes.iter().zip(ends).filter(|(change, _)| change.up < change.total);
        spans.map(|(change, end)| end.since(change.at.max(begin))).sum()
    }

    /// Whether it changed so often of late that it cannot be relied on.
    pub fn flaps(&self, now: Time) -> bool {
        self.changes.iter().rev().take(FLAPS).filter(|change| now.since(change.at) <= FLAP_WINDOW).count() >= FLAPS
    }

    /// To be kept elsewhere, for the path of this record and id; `None` if nothing happened.
    pub fn kept(&self, source: &Ref, id: &str) -> Option<KeptPath> {
        let changes: Vec<_> = self.changes.iter().map(|change| (change.at, change.up, change.total)).collect();
        (!changes.is_empty()).then(|| KeptPath { source: source.clone(), id: id.into(), changes, more: self.more })
    }

    /// Puts what happened before in front of this.
    pub fn after(&mut self, earlier: Self) {
        let first = self.changes.front().map(|change| change.at);
        let mut all = earlier;
        all.changes.retain(|change| first.is_none_or(|first| change.at < first));
        for change in std::mem::take(&mut self.changes) {
            all.note(change.at, change.up, change.total);
        }
        all.more = all.more.saturating_add(self.more);
        *self = all;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    fn t(secs: i64) -> Time {
        Time::from_secs(1_800_000_000 + secs)
    }

    #[test]
    fn a_week_is_summed_up_from_changes_alone() {
        let mut past = Past::default();
        for (at, up) in [(-9 * DAY, 1), (-8 * DAY, 2), (-2 * DAY, 0), (-2 * DAY + 600, 1), (-DAY, 2)] {
            past.note(t(at), up, 2);
        }
        past.prune(t(0));
        assert_eq!((past.count(t(0)), past.least(t(0)), past.flaps(t(0))), (3, Some(0), false));
        assert_eq!(past.short_for(t(0)), Duration::from_secs(DAY.cast_unsigned()));
        assert_eq!(past.changes.front().map(|c| c.at), Some(t(-8 * DAY)), "the state in which the week began");
        past.prune(t(30 * DAY));
        assert_eq!((past.count(t(30 * DAY)), past.least(t(30 * DAY)), past.last().map(|c| c.up)), (0, None, Some(2)));
    }

    #[test]
    fn what_began_before_the_week_counts_from_its_beginning() {
        let past = Past::of(&[(t(-30 * DAY), 1, 2)], 0);
        assert_eq!(past.short_for(t(0)), WEEK);
        assert_eq!(past.count(t(0)), 0);
    }

    #[test]
    fn a_path_that_flaps_for_days_stays_small_and_is_still_counted() {
        let mut past = Past::default();
        for n in 0..1_000 {
            past.note(t(n), u32::from(n % 2 == 0), 2);
        }
        assert_eq!((past.count(t(1_000)), past.changes.len()), (1_000, CHANGES));
        assert!(past.flaps(t(1_000)) && !past.flaps(t(100_000)));
        assert_eq!(past.count(t(8 * DAY)), 0, "and all of it is over after a week");
    }

    #[test]
    fn what_was_kept_comes_before_what_was_seen_since_and_nonsense_is_left_out() {
        let kept = [(t(10), 1, 2), (t(5), 0, 2), (t(20), 9, 2), (t(30), 1, 2)];
        let mut past = Past::default();
        past.note(t(25), 1, 2);
        past.after(Past::of(&kept, 3));
        let seen: Vec<(Time, u32)> = past.within_a_week(t(30)).map(|c| (c.at, c.up)).collect();
        assert_eq!(seen, [(t(10), 1), (t(20), 2), (t(25), 1)]);
        assert_eq!(past.count(t(30)), 6);
    }
}
