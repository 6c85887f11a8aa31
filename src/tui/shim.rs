//! Stand-ins until the branches theme and pool are merged.
use crate::observation::{Observation, Seen};
use crate::pool::picture::Picture;
use crate::time::Time;
use crate::xenapi::record::{Record, Ref};
use std::collections::HashMap;

/// A pool.
#[derive(Debug, Default)]
pub struct Pool {
    records: HashMap<Ref, Record>,
    picture: Picture,
}

impl Pool {
    /// New.
    pub fn new(name: &str) -> Self {
        Self { records: HashMap::new(), picture: Picture { name: name.to_owned(), ..Picture::default() } }
    }
    /// Apply.
    pub fn apply(&mut self, observation: &Observation) {
        if let Seen::Set { r#ref, record } = &observation.seen {
            self.records.insert(r#ref.clone(), (**record).clone());
        }
    }
    /// Picture.
    pub fn picture(&self, now: Time) -> Picture {
        Picture { at: now, ..self.picture.clone() }
    }
    /// Record.
    pub fn record(&self, r: &Ref) -> Option<&Record> {
        self.records.get(r)
    }
    /// Next change.
    pub fn next_change(&self, _now: Time) -> Option<Time> {
        None
    }
}
