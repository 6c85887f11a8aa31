//! What the program remembers of a pool's database, as `cli::memory` does with a real one: how far it had come and what there was, kept
//! every minute, so that it survives the program. Here the file is a value.

use crate::observation::{Observation, Rewind};
use crate::pool::database::{Ledger, Mark};
use crate::time::Time;
use std::time::Duration;

/// How soon changed objects are kept.
const SOON: Duration = Duration::from_secs(60);
/// How soon a higher count alone is kept: it changes all the time.
const LATER: Duration = Duration::from_secs(600);

/// Remembers one pool.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    ledger: Ledger,
    /// What was kept, and when.
    kept: Option<(Mark, Time)>,
    /// Whether what was kept was given back.
    recalled: bool,
    looked_at: Time,
}

impl Memory {
    /// Of a program that is started again: it has what was kept.
    pub fn again(&self) -> Self {
        Self { kept: self.kept.clone(), ..Self::default() }
    }

    /// How far the database had come by what is kept; and to where it went back the last time, if that is kept.
    pub fn kept(&self) -> (u64, Option<u64>) {
        self.kept.as_ref().map_or((0, None), |(mark, _)| (mark.generation, mark.rewind.as_ref().map(|rewind| rewind.to)))
    }

    /// Takes in what was seen. Returns what went back, when that is known or known better.
    pub fn see(&mut self, o: &Observation) -> Option<Rewind> {
        let mut found = self.ledger.see(o);
        if !self.recalled && self.ledger.uuid().is_some() {
            self.recalled = true;
            if let Some((mark, _)) = self.kept.clone() {
                found = self.ledger.recall(mark, o.at).or(found);
            }
        }
        if found.is_some() || o.at.since(self.looked_at) >= SOON {
            self.looked_at = o.at;
            self.keep(o.at, found.is_some());
        }
        found
    }

    fn keep(&mut self, at: Time, now: bool) {
        let Some(mark) = self.ledger.mark() else { return };
        let due = match &self.kept {
            None => true,
            Some((last, _)) if *last == mark => false,
            Some((last, when)) => now || last.objects != mark.objects || at.since(*when) >= LATER,
        };
        if due {
            self.kept = Some((mark, at));
        }
    }
}
