//! What we know of our place in a pool's stream of events, and whether it can still be right.
//!
//! Keeps which objects there are (not what they say), how far we have followed, and how new the newest change is that we saw
//! of the probed classes. Pure.

use super::options::PROBED;
use crate::time::Time;
use crate::xenapi::events::{EventBatch, Token, What};
use crate::xenapi::record::{Class, Ref};
use std::collections::{BTreeMap, HashSet};
use std::str::FromStr;
use std::time::Duration;

/// The first pause before a class whose count stays wrong is read again; doubled each time.
const RECOUNT_FIRST: Duration = Duration::from_secs(30);
/// The longest.
const RECOUNT_MOST: Duration = Duration::from_secs(600);

/// What a look at the probed classes says about our place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is right as far as one can tell.
    Fine,
    /// The database is older than what we have seen of it.
    WentBack,
    /// Something changed that we should have been told of and were not: our token is ahead of the database.
    Missed,
}

#[derive(Clone, Copy, Debug, Default)]
struct Suspicion {
    tries: u32,
    not_before: Option<Time>,
}

/// Our place in the stream of events of one session.
#[derive(Clone, Debug, Default)]
pub struct Tracker {
    known: BTreeMap<Class, HashSet<Ref>>,
    token: Option<Token>,
    /// Generation of the newest change that we know of in the probed classes, if that is known for certain.
    probed: Option<u64>,
    suspicions: BTreeMap<Class, Suspicion>,
}

impl Tracker {
    /// A batch that is everything there is of `classes`.
    pub fn read(&mut self, classes: &[Class], batch: &EventBatch) {
        for class in classes {
            self.known.insert(*class, HashSet::new());
        }
        self.note(batch);
    }

    /// A batch of changes. Returns whether it makes sense after what came before.
    pub fn follow(&mut self, batch: &EventBatch) -> Verdict {
        let went_back = match (self.token, batch.token) {
            (Some(old), Some(new)) => new.database < old.database,
            _ => false,
        };
        self.note(batch);
        self.token = batch.token.or(self.token);
        for change in batch.changes.iter().filter(|c| PROBED.contains(&c.class)) {
            // An addition carries the generation of its creation, not of its newest change: start afresh.
            self.probed = if change.added { None } else { self.probed.max(Some(change.generation)) };
        }
        if went_back { Verdict::WentBack } else { Verdict::Fine }
    }

    /// A fresh look at the probed classes, by the generation in its token.
    pub fn probe(&mut self, fresh: u64) -> Verdict {
        let Some(token) = self.token else { return Verdict::Fine };
        match self.probed {
            Some(newest) if fresh < newest => Verdict::WentBack,
            // Newer than our token: we will be told in a moment.
            _ if fresh > token.database => Verdict::Fine,
            Some(newest) if fresh > newest => Verdict::Missed,
            _ => {
                self.probed = Some(fresh);
                Verdict::Fine
            }
        }
    }

    /// Where to go on.
    pub const fn token(&self) -> Option<Token> {
        self.token
    }

    /// Starts following from a generation.
    pub const fn start_at(&mut self, generation: u64) {
        self.token = Some(Token::at(generation));
    }

    /// Which of the counted classes have another number of objects than we know of, and are due to be read again.
    pub fn miscounted(&self, counts: &BTreeMap<Class, u64>, now: Time) -> Vec<Class> {
        let wrong = counts.iter().filter(|(class, count)| self.is_wrong(**class, **count)).map(|(class, _)| *class);
        wrong.filter(|class| self.suspicions.get(class).and_then(|s| s.not_before).is_none_or(|at| now >= at)).collect()
    }

    /// These classes were read again because their counts were wrong: if they still are, the next try has to wait.
    pub fn recounted(&mut self, classes: &[Class], counts: &BTreeMap<Class, u64>, now: Time) {
        for class in classes {
            if counts.get(class).is_some_and(|count| self.is_wrong(*class, *count)) {
                let suspicion = self.suspicions.entry(*class).or_default();
                let wait = RECOUNT_FIRST.saturating_mul(1 << suspicion.tries.min(8)).min(RECOUNT_MOST);
                suspicion.tries += 1;
                suspicion.not_before = Some(now + wait);
            } else {
                self.suspicions.remove(class);
            }
        }
    }

    fn is_wrong(&self, class: Class, count: u64) -> bool {
        self.known.get(&class).is_some_and(|refs| refs.len() as u64 != count)
    }

    fn note(&mut self, batch: &EventBatch) {
        for change in &batch.changes {
            if change.class == Class::Message {
                continue;
            }
            let refs = self.known.entry(change.class).or_default();
            match change.what {
                What::Set(_) => refs.insert(change.r#ref.clone()),
                What::Gone => refs.remove(&change.r#ref),
            };
        }
        // What cannot be read is there all the same.
        for unreadable in &batch.unreadable {
            if let (Ok(class), Some(r#ref)) = (Class::from_str(&unreadable.class), unreadable.r#ref.non_null()) {
                self.known.entry(class).or_default().insert(r#ref.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xenapi::events::Change;
    use crate::xenapi::record::{Record, Task};

    fn set(class: Class, r#ref: &str, generation: u64) -> Change {
        let what = What::Set(Record::Task(Task::default()).into());
        Change { class, r#ref: Ref::from(r#ref), generation, added: false, what }
    }

    fn batch(changes: Vec<Change>, generation: u64) -> EventBatch {
        EventBatch { changes, token: Some(Token { database: generation, message: 0 }), ..EventBatch::default() }
    }

    #[test]
    fn a_delete_that_was_lost_shows_in_the_counts() {
        let mut tracker = Tracker::default();
        tracker.read(&[Class::Task], &batch(vec![set(Class::Task, "a", 1), set(Class::Task, "b", 2)], 2));
        let now = Time::from_secs(100);
        assert_eq!(tracker.miscounted(&BTreeMap::from([(Class::Task, 2), (Class::Vm, 7)]), now), []);
        let counts = BTreeMap::from([(Class::Task, 1)]);
        assert_eq!(tracker.miscounted(&counts, now), [Class::Task]);
        // Read again, and still wrong: not at once again.
        tracker.recounted(&[Class::Task], &counts, now);
        assert_eq!(tracker.miscounted(&counts, now), []);
        assert_eq!(tracker.miscounted(&counts, now + RECOUNT_FIRST), [Class::Task]);
        tracker.read(&[Class::Task], &batch(vec![set(Class::Task, "b", 2)], 3));
        tracker.recounted(&[Class::Task], &counts, now);
        assert_eq!(tracker.miscounted(&counts, now), []);
    }

    #[test]
    fn a_token_from_the_future_is_found_out() {
        let mut tracker = Tracker::default();
        tracker.start_at(100);
        assert_eq!(tracker.follow(&batch(vec![], 100)), Verdict::Fine);
        assert_eq!(tracker.probe(90), Verdict::Fine, "the first look only sets the mark");
        assert_eq!(tracker.probe(90), Verdict::Fine);
        assert_eq!(tracker.probe(101), Verdict::Fine, "that we will hear of");
        assert_eq!(tracker.probe(95), Verdict::Missed);
        assert_eq!(tracker.probe(80), Verdict::WentBack);
        assert_eq!(tracker.follow(&batch(vec![set(Class::HostMetrics, "m", 105)], 105)), Verdict::Fine);
        assert_eq!(tracker.probe(105), Verdict::Fine);
        assert_eq!(tracker.follow(&batch(vec![], 99)), Verdict::WentBack);
    }

    #[test]
    fn an_addition_to_a_probed_class_is_no_alarm() {
        let mut tracker = Tracker::default();
        tracker.start_at(100);
        assert_eq!(tracker.probe(90), Verdict::Fine);
        // After a restart of the toolstack every object comes as an addition with an old generation.
        let added = Change { added: true, ..set(Class::HostMetrics, "m", 12) };
        assert_eq!(tracker.follow(&batch(vec![added], 110)), Verdict::Fine);
        assert_eq!(tracker.probe(104), Verdict::Fine);
        assert_eq!(tracker.probe(104), Verdict::Fine);
    }
}
