//! What one look at the logs came to, on its way to a verdict.

use super::scan::Spot;
use super::view::Place;
use crate::crash::log::Log;
use crate::crash::verdict::{Cause, Confidence, Evidence, Finer};
use std::sync::Arc;

/// So many lines are shown as evidence.
const SHOWN: usize = 8;

/// A cause with its lines.
#[derive(Clone)]
pub(super) struct Finding {
    pub cause: Cause,
    pub finer: Finer,
    pub confidence: Confidence,
    pub why: String,
    pub notes: Vec<String>,
    /// The lines, the most telling first.
    pub lines: Vec<(Arc<Log>, Spot)>,
}

impl Finding {
    pub fn new(cause: Cause, finer: Finer, confidence: Confidence, why: impl Into<String>) -> Self {
        Self { cause, finer, confidence, why: why.into(), notes: Vec::new(), lines: Vec::new() }
    }

    /// Adds the last line of what was told, once.
    pub fn last(&mut self, place: Option<Place<'_>>) {
        if let Some(place) = place {
            self.line(place.log, place.last());
        }
    }

    /// Adds the first line of what was told, once.
    pub fn first(&mut self, place: Option<Place<'_>>) {
        if let Some(place) = place {
            self.line(place.log, place.first());
        }
    }

    fn line(&mut self, log: &Arc<Log>, spot: &Spot) {
        let there =
            self.lines.iter().any(|(other, old)| old.line == spot.line && (Arc::ptr_eq(other, log) || other.name == log.name));
        if !there && self.lines.len() < SHOWN {
            self.lines.push((Arc::clone(log), spot.clone()));
        }
    }

    pub fn note(&mut self, words: impl Into<String>) {
        let words = words.into();
        if !self.notes.contains(&words) {
            self.notes.push(words);
        }
    }

    pub fn evidence(&self) -> Vec<Evidence> {
        self.lines
            .iter()
            .map(|(log, spot)| Evidence {
                file: log.name.clone(),
                line: spot.line,
                text: spot.text.clone(),
                before: spot.before.clone(),
                after: spot.after.clone(),
                shows: spot.signal.shows().to_owned(),
            })
            .collect()
    }
}
