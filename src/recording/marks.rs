//! Events of note, and the line of time that they make.
//!
//! Pure: what happened comes in, marks go out. Drawing them is the screen's business.

use crate::pool::keep::News;
use crate::pool::picture::Health;
use crate::time::Time;
use serde::{Deserialize, Serialize};

/// Marks that a line of time has at most; the oldest go first.
pub const MARKS_MOST: usize = 20_000;

/// What kind of event.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, strum::EnumIter, strum::IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Kind {
    /// Something else is wrong, or right again.
    Alert,
    /// A host went, came or was changed.
    Host,
    /// Mirrors began or ended to be rebuilt.
    Rebuild,
    /// A round of updates or reboots.
    Rollout,
    /// Another coordinator, or a database that went back.
    Coordinator,
}

/// An event of note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// When.
    pub at: Time,
    /// What kind.
    pub kind: Kind,
    /// How bad.
    pub health: Health,
    /// Its stable name, as in `alerts[].name` of `status --json`.
    pub name: String,
    /// The host that it is about, by name; empty if it is about none.
    pub about: String,
    /// In words.
    pub text: String,
}

impl Mark {
    /// The mark of something that was told.
    pub fn of(news: News) -> Self {
        let kind = match news.name.as_str() {
            "boot-time-changed" | "toolstack-restarted" => Kind::Host,
            "coordinator-changed" | "database-went-back" | "database-lost" => Kind::Coordinator,
            "rolling-upgrade" | "round-claimed" | "round-released" => Kind::Rollout,
            name if name.starts_with("host-") => Kind::Host,
            name if name.starts_with("rebuild-") => Kind::Rebuild,
            _ => Kind::Alert,
        };
        Self { at: news.at, kind, health: news.health, name: news.name, about: news.about, text: news.text }
    }
}

/// A stretch of time that was recorded, and what was of note in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimeLine {
    /// The first moment.
    pub from: Time,
    /// The last moment.
    pub to: Time,
    /// Events in the order of time.
    pub marks: Vec<Mark>,
    /// Stretches between them of which nothing is known.
    pub gaps: Vec<(Time, Time)>,
}

impl TimeLine {
    /// Puts the marks in order, takes out what is there twice, and bounds them.
    #[must_use]
    pub fn in_order(mut self) -> Self {
        self.marks.sort_by(|a, b| (a.at, a.kind, &a.about, &a.name).cmp(&(b.at, b.kind, &b.about, &b.name)));
        self.marks.dedup();
        let many = self.marks.len().saturating_sub(MARKS_MOST);
        self.marks.drain(..many);
        self
    }

    /// The moment within the line that is nearest to `at`.
    pub fn within(&self, at: Time) -> Time {
        at.clamp(self.from, self.to.max(self.from))
    }

    /// The last mark before `at`.
    pub fn before(&self, at: Time) -> Option<&Mark> {
        self.marks.iter().rev().find(|mark| mark.at < at)
    }

    /// The first mark after `at`.
    pub fn after(&self, at: Time) -> Option<&Mark> {
        self.marks.iter().find(|mark| mark.at > at)
    }

    /// The stretch around `at` of which nothing is known, if it is in one.
    pub fn gap(&self, at: Time) -> Option<(Time, Time)> {
        self.gaps.iter().copied().find(|(from, to)| *from < at && at < *to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(at: i64, name: &str) -> Mark {
        let at = Time::from_secs(at);
        Mark::of(News { at, name: name.into(), health: Health::Good, about: String::new(), text: String::new() })
    }

    #[test]
    fn marks_are_found_from_any_moment() {
        let marks = vec![mark(30, "path-lost"), mark(10, "host-down"), mark(10, "host-down"), mark(20, "rebuild-began")];
        let line = TimeLine { from: Time::from_secs(5), to: Time::from_secs(40), marks, gaps: Vec::new() }.in_order();
        assert_eq!(line.marks.iter().map(|m| m.kind).collect::<Vec<_>>(), [Kind::Host, Kind::Rebuild, Kind::Alert]);
        let at = |mark: Option<&Mark>| mark.map(|m| m.at.as_millis() / 1000);
        assert_eq!((at(line.before(Time::from_secs(20))), at(line.after(Time::from_secs(20)))), (Some(10), Some(30)));
        assert_eq!((at(line.before(Time::from_secs(10))), at(line.after(Time::from_secs(30)))), (None, None));
        assert_eq!(line.within(Time::from_secs(0)), Time::from_secs(5));
        assert_eq!(line.within(Time::from_secs(99)), Time::from_secs(40));
    }
}
