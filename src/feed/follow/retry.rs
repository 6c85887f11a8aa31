//! When to try again, and at which of a pool's addresses. Pure: its randomness comes from a seed.

use super::options::Options;
use crate::time::Time;
use crate::xenapi::Error;
use std::time::Duration;

/// Where to log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// What the operator named.
    Named,
    /// Where the coordinator was the last time.
    Coordinator,
    /// A member, found in the pool's own records: it will name the coordinator of today.
    Member(Box<str>),
}

/// How often a log-in that once worked may be refused before that is believed: right after its start a coordinator can refuse anyone.
const DOUBTS: u32 = 3;
/// How long to wait before a refused log-in is tried again.
const AFTER_REFUSAL: Duration = Duration::from_secs(20);

/// How the tries so far went.
#[derive(Debug)]
pub struct Retry {
    random: fastrand::Rng,
    /// Failed tries in a row.
    attempt: u32,
    refusals: u32,
    was_logged_in: bool,
}

/// What to do after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Try again at this time; the number counts the failures in a row.
    At(Time, u32),
    /// It makes no sense without the operator.
    GiveUp,
}

impl Retry {
    /// None yet.
    pub fn new(seed: u64) -> Self {
        Self { random: fastrand::Rng::with_seed(seed), attempt: 0, refusals: 0, was_logged_in: false }
    }

    /// A log-in worked.
    pub const fn logged_in(&mut self) {
        self.was_logged_in = true;
        self.refusals = 0;
    }

    /// The pool has been read whole: from here on a failure is a new one.
    pub const fn settled(&mut self) {
        self.attempt = 0;
    }

    /// Something failed, in or after a log-in at `place`.
    pub fn failed(&mut self, error: &Error, place: &Place, options: &Options, now: Time) -> Next {
        let final_now = if self.was_logged_in { error.is_final() } else { error.is_final_at_first() };
        // What is wrong with a member that we asked on our own account says nothing about the pool.
        if final_now && !matches!(place, Place::Member(_)) {
            return Next::GiveUp;
        }
        self.attempt = self.attempt.saturating_add(1);
        let doublings = (self.attempt - 1).min(16);
        let mut wait = options.retry_first.saturating_mul(1 << doublings).min(options.retry_most);
        if matches!(error, Error::Auth { .. }) {
            self.refusals += 1;
            if self.refusals >= DOUBTS {
                return Next::GiveUp;
            }
            wait = wait.max(AFTER_REFUSAL);
        }
        // Between 3/4 and 5/4, so that not everybody comes at the same moment after a restart.
        let wait = wait.mul_f64(0.75 + self.random.f64() / 2.0);
        Next::At(now + wait, self.attempt)
    }

    /// Where to log in now: mostly where the coordinator was, in between at the other addresses, one after the other.
    pub fn place(&self, had_coordinator: bool, members: &[Box<str>]) -> Place {
        if !had_coordinator {
            return Place::Named;
        }
        let detour = self.attempt / 2;
        if self.attempt < 2 || self.attempt.is_multiple_of(2) {
            return Place::Coordinator;
        }
        let others = members.len() + 1;
        match (detour as usize).wrapping_sub(1) % others {
            0 => Place::Named,
            n => members.get(n - 1).map_or(Place::Named, |address| Place::Member(address.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xenapi::error::{ApiError, Transport};

    fn refused() -> Error {
        Error::Transport { to: "x:443".to_owned(), kind: Transport::Refused }
    }

    fn wrong_password() -> Error {
        let error = ApiError { method: "login".to_owned(), code: "SESSION_AUTHENTICATION_FAILED".into(), params: vec![] };
        Error::Auth { to: "x:443".to_owned(), user: "root".to_owned(), error }
    }

    #[test]
    fn waits_double_up_to_a_limit_and_are_never_all_the_same() {
        let (options, now) = (Options::default(), Time::from_secs(0));
        let mut waits = Vec::new();
        for seed in 0..20 {
            let mut retry = Retry::new(seed);
            for attempt in 1..=40 {
                let Next::At(at, n) = retry.failed(&refused(), &Place::Named, &options, now) else { panic!("gave up") };
                assert_eq!(n, attempt);
                let nominal = (1_u64 << (attempt - 1).min(5)).min(30) as f64;
                let wait = at.since(now).as_secs_f64();
                assert!(wait >= nominal * 0.74 && wait <= nominal * 1.26, "{attempt}: {wait}");
                if attempt == 1 {
                    waits.push(at);
                }
            }
        }
        waits.dedup();
        assert!(waits.len() > 15);
    }

    #[test]
    fn a_wrong_password_is_believed_at_once_or_after_it_once_worked_the_third_time() {
        let (options, now) = (Options::default(), Time::from_secs(0));
        assert_eq!(Retry::new(1).failed(&wrong_password(), &Place::Named, &options, now), Next::GiveUp);
        let mut retry = Retry::new(1);
        retry.logged_in();
        assert!(matches!(retry.failed(&wrong_password(), &Place::Named, &options, now), Next::At(at, _) if at >= Time::from_secs(15)));
        assert!(matches!(retry.failed(&wrong_password(), &Place::Named, &options, now), Next::At(..)));
        assert_eq!(retry.failed(&wrong_password(), &Place::Named, &options, now), Next::GiveUp);
    }

    #[test]
    fn a_member_with_another_certificate_does_not_end_it() {
        use crate::xenapi::error::TrustError;
        use crate::xenapi::trust::Fingerprint;
        let (options, now) = (Options::default(), Time::from_secs(0));
        let (expected, got) = (Fingerprint::of(b"a"), Fingerprint::of(b"b"));
        let changed = Error::Trust(TrustError::Changed { to: "x:443".to_owned(), expected, got });
        let mut retry = Retry::new(1);
        retry.logged_in();
        assert!(matches!(retry.failed(&changed, &Place::Member("x".into()), &options, now), Next::At(..)));
        assert_eq!(retry.failed(&changed, &Place::Coordinator, &options, now), Next::GiveUp);
    }

    #[test]
    fn every_address_gets_its_turn() {
        let members: Vec<Box<str>> = vec!["a".into(), "b".into()];
        let mut retry = Retry::new(1);
        assert_eq!(retry.place(false, &members), Place::Named);
        let mut seen = Vec::new();
        for _ in 0..8 {
            seen.push(retry.place(true, &members));
            retry.failed(&refused(), &Place::Named, &Options::default(), Time::EPOCH);
        }
        assert_eq!(seen[0], Place::Coordinator);
        assert_eq!(seen[1], Place::Coordinator);
        for place in [Place::Named, Place::Member("a".into()), Place::Member("b".into())] {
            assert!(seen.contains(&place), "{place:?} in {seen:?}");
        }
    }
}
