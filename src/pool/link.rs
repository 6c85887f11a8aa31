//! Our own connection: how it is, since when, and until when what it brought is current.

use super::limits::{LOST_LINK, QUIET_POOL};
use super::picture::{LinkState, LinkView};
use crate::observation::Link;
use crate::text::{clean, duration};
use crate::time::Time;
use crate::xenapi::record::{Class, Ref};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What was seen of the connection.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LinkTrack {
    link: Option<Link>,
    since: Time,
    /// When the pool last said anything.
    pub heard: Option<Time>,
    /// When the pool last said anything while everything was read.
    pub current: Option<Time>,
    /// Since when everything has been read on this connection; `None` while it is not.
    pub synced: Option<Time>,
    /// Whether the connection broke since everything was last read.
    pub broken: bool,
    /// Who kept the pool's tasks when it broke ([`super::Pool::keeper`]).
    pub keeper: Option<(Ref, Time)>,
    /// Whether it was told that the connection is lost, and not yet that it is back.
    pub told_lost: bool,
    /// The database's generation as last told.
    pub generation: Option<u64>,
    /// From where to where the database went back when that was last told.
    pub rewound: Option<(u64, u64)>,
    /// Whether the hosts were read on this connection: nothing can be decided without.
    hosts_read: bool,
    reading: BTreeSet<Class>,
    why: Box<str>,
}

/// Classes that no decision hangs on.
const fn is_minor(class: Class) -> bool {
    matches!(class, Class::Message | Class::Certificate | Class::HostCrashdump)
}

/// A refusal is shown whole: two fingerprints and what to do about them come to some 500 characters.
const REFUSAL: usize = 2_000;

impl LinkTrack {
    /// The connection changed.
    pub fn change(&mut self, link: &Link, at: Time) {
        let was = matches!(self.link, Some(Link::Live { .. }));
        let is = matches!(link, Link::Live { .. });
        if is {
            self.heard = Some(at);
        }
        if is != was {
            self.synced = None;
            self.hosts_read = false;
        }
        if !is && was {
            self.reading.clear();
        }
        self.broken |= matches!(link, Link::Lost { .. } | Link::Refused { .. });
        // A new attempt while it is lost is no news: since when it is lost is what counts.
        if matches!((&self.link, link), (Some(Link::Lost { .. }), Link::Connecting { .. })) {
            return;
        }
        let kind = |l: &Link| std::mem::discriminant(l);
        if self.link.as_ref().is_none_or(|l| kind(l) != kind(link)) {
            self.since = at;
        }
        self.link = Some(link.clone());
    }

    /// These classes are being read afresh.
    pub fn begin(&mut self, classes: &[Class], why: &str) {
        self.reading.extend(classes);
        self.why = clean(why, 120).into();
    }

    /// These classes are complete. Says whether that completed everything.
    pub fn end(&mut self, classes: &[Class], at: Time) -> bool {
        for class in classes {
            self.reading.remove(class);
        }
        self.hosts_read |= classes.contains(&Class::Host);
        let done = self.reading.iter().all(|c| is_minor(*c)) && self.is_live() && self.hosts_read;
        if done {
            self.synced = self.synced.or(Some(at));
        }
        done
    }

    /// The pool said something.
    pub fn hear(&mut self, at: Time) {
        self.heard = Some(at);
        if self.is_fresh() {
            self.current = Some(at);
        }
    }

    fn is_live(&self) -> bool {
        matches!(self.link, Some(Link::Live { .. }))
    }

    /// Connected, and everything that decisions hang on is read.
    fn is_fresh(&self) -> bool {
        self.is_live() && self.synced.is_some() && self.reading.iter().all(|c| is_minor(*c))
    }

    /// Why no decision may be based on the picture now, if so.
    pub fn unfit(&self, now: Time) -> Option<String> {
        if !self.is_live() {
            return Some(match &self.link {
                None | Some(Link::Connecting { .. }) if self.heard.is_none() => "not connected to the pool yet".into(),
                Some(Link::Refused { .. }) => "the pool refuses our connection".into(),
                Some(Link::Closed) => "we logged out".into(),
                _ => format!("the connection to the pool has been lost for {}", duration(now.since(self.since))),
            });
        }
        if self.synced.is_none() {
            return Some("the pool is still being read".into());
        }
        if !self.is_fresh() {
            return Some(format!("the pool is being read again ({})", self.why));
        }
        self.quiet(now)
    }

    fn quiet(&self, now: Time) -> Option<String> {
        let quiet = now.since(self.heard?);
        (quiet >= QUIET_POOL).then(|| format!("the pool has said nothing for {}", duration(quiet)))
    }

    /// Why what was last known is not current any more, if so.
    pub fn stale(&self, now: Time) -> Option<String> {
        let why = self.unfit(now)?;
        let age = self.current.map(|at| now.since(at));
        let limit = if self.is_live() && self.synced.is_some() { QUIET_POOL } else { LOST_LINK };
        age.is_none_or(|age| age >= limit).then_some(why)
    }

    /// Since when it is as it is.
    pub const fn since(&self) -> Time {
        self.since
    }

    /// What it is doing. `unfit`: whether there is a reason ([`Self::unfit`]) to decide nothing.
    pub const fn state(&self, unfit: bool) -> LinkState {
        match &self.link {
            None | Some(Link::Connecting { .. }) => LinkState::Connecting,
            Some(Link::Live { .. }) if self.synced.is_none() || unfit => LinkState::Syncing,
            Some(Link::Live { .. }) => LinkState::Live,
            Some(Link::Lost { .. }) => LinkState::Lost,
            Some(Link::Refused { .. } | Link::Closed) => LinkState::Refused,
        }
    }

    /// For the picture.
    pub fn view(&self, now: Time) -> LinkView {
        let unfit = self.unfit(now);
        let state = self.state(unfit.is_some());
        let (text, retry_at) = match &self.link {
            None => ("not connected yet".into(), None),
            Some(Link::Connecting { to }) => (format!("connecting to {}", clean(to, 120)), None),
            Some(Link::Live { coordinator }) => match (self.synced, unfit) {
                (None, _) => (format!("connected to {}, reading the pool", clean(coordinator, 120)), None),
                (Some(_), Some(why)) => (why, None),
                (Some(_), None) => (format!("connected to {}", clean(coordinator, 120)), None),
            },
            Some(Link::Lost { error, retry_at, attempt }) => {
                let next = if *retry_at > now {
                    format!("next try in {}", duration(retry_at.since(now)))
                } else {
                    "trying again now".into()
                };
                let tries = if *attempt > 1 { format!(" ({attempt} tries)") } else { String::new() };
                (format!("{}; {next}{tries}", clean(error, 200)), Some(*retry_at))
            }
            Some(Link::Refused { error }) => (clean(error, REFUSAL).into_owned(), None),
            Some(Link::Closed) => ("logged out".into(), None),
        };
        LinkView { state, text, since: self.since, heard: self.heard, retry_at, current: self.stale(now).is_none() }
    }

    /// The moments at which it changes by time alone.
    pub fn changes(&self) -> impl Iterator<Item = Time> {
        let retry = match &self.link {
            Some(Link::Lost { retry_at, .. }) => Some(*retry_at),
            _ => None,
        };
        [
            self.heard.map(|at| at + QUIET_POOL),
            self.current.map(|at| at + LOST_LINK),
            self.current.map(|at| at + QUIET_POOL),
            retry,
        ]
        .into_iter()
        .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(secs: i64) -> Time {
        Time::from_secs(1_800_000_000 + secs)
    }

    fn live() -> Link {
        Link::Live { coordinator: "h:443".into() }
    }

    fn lost(attempt: u32) -> Link {
        Link::Lost { error: "connection refused".into(), retry_at: t(20), attempt }
    }

    #[test]
    fn a_picture_is_fit_only_once_it_is_complete_and_as_long_as_the_pool_speaks() {
        let mut l = LinkTrack::default();
        assert!(l.unfit(t(0)).is_some());
        l.change(&live(), t(0));
        l.begin(&[Class::Host, Class::Message], "first reading");
        assert!(l.unfit(t(1)).is_some());
        l.end(&[Class::Host, Class::Message], t(2));
        l.hear(t(2));
        assert_eq!(l.unfit(t(3)), None);
        l.begin(&[Class::Message], "history");
        assert_eq!(l.unfit(t(3)), None, "no decision hangs on messages");
        l.end(&[Class::Message], t(3));
        assert!(l.unfit(t(2) + QUIET_POOL).is_some());
        assert_eq!(l.view(t(3)).state, LinkState::Live);
    }

    #[test]
    fn a_lost_connection_keeps_its_first_time_and_old_facts_get_stale() {
        let mut l = LinkTrack::default();
        l.change(&live(), t(0));
        l.begin(&[Class::Host], "");
        l.end(&[Class::Host], t(1));
        l.hear(t(1));
        l.change(&lost(1), t(10));
        l.change(&Link::Connecting { to: "h".into() }, t(11));
        l.change(&lost(2), t(12));
        let view = l.view(t(12));
        assert_eq!((view.state, view.since), (LinkState::Lost, t(10)));
        assert!(view.text.contains("connection refused"), "{}", view.text);
        assert!(l.unfit(t(12)).is_some());
        assert_eq!(l.stale(t(12)), None);
        assert!(l.stale(t(16)).is_some());
        l.change(&live(), t(30));
        l.hear(t(30));
        assert!(l.stale(t(30)).is_some(), "connected again, but nothing is read yet");
    }
}

/// The connection's part in the alerts.
#[cfg(test)]
mod told {
    use crate::observation::{Link, Seen};
    use crate::pool::scene::{Scene, t};

    #[test]
    fn a_session_that_is_renewed_is_no_lost_connection_and_a_lost_one_is_told_once() {
        let told = |s: &Scene| -> Vec<String> {
            s.picture().alerts.iter().filter(|a| a.name.starts_with("link-")).map(|a| a.name.clone()).collect()
        };
        let connecting = || Seen::Link(Link::Connecting { to: "xcp1:443".into() });
        let live = || Seen::Link(Link::Live { coordinator: "xcp1:443".into() });
        let mut s = Scene::new(2);
        s.say(connecting());
        s.say(live());
        assert_eq!(told(&s), Vec::<String>::new());
        s.say(connecting());
        for attempt in 1..4 {
            s.say(Seen::Link(Link::Lost { error: "refused".into(), retry_at: t(0.0), attempt }));
            s.say(connecting());
        }
        assert_eq!(told(&s), ["link-lost"]);
        s.say(live());
        let mut both = told(&s);
        both.sort();
        assert_eq!(both, ["link-found", "link-lost"]);
    }
}
