//! A journal in memory, in the format of the one on disk, for an engine that plays on a twin. Its writer can die at any line.

use crate::rollout::call::Call;
use crate::rollout::engine::{Log, LogError};
use crate::rollout::entry::{CallId, Entry};
use crate::rollout::journal::{Journal, Tail, Wrong};
use crate::time::Time;

/// How a program dies at a line of its journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// Before anything of the line is written.
    Before,
    /// When half of it is written.
    Torn,
    /// When it is on disk, before anything else is done.
    After,
    /// It does not die: the disk is full, and stays so until it is started again.
    Full,
}

/// A journal.
#[derive(Clone, Debug, Default)]
pub struct Book {
    /// As it is on disk.
    pub bytes: Vec<u8>,
    /// Lines that were written whole, by all programs that wrote it.
    pub lines: usize,
    /// At which line (from 0) its writer dies, and how.
    pub death: Option<(usize, Death)>,
    /// Its writer is dead, or cannot write any more.
    pub dead: bool,
    tail: Tail,
    entries: Vec<(Time, Entry)>,
}

impl Book {
    /// The intent with this number, if it is on disk.
    pub fn intent(&self, id: CallId) -> Option<&Call> {
        self.entries.iter().rev().find_map(|(_, entry)| match entry {
            Entry::Intent { id: known, call, .. } if *known == id => Some(call),
            _ => None,
        })
    }

    /// All that was written.
    pub fn entries(&self) -> &[(Time, Entry)] {
        &self.entries
    }

    /// For whoever goes on with it: reads what is on disk as the journal's own code does, and cuts a torn end off. A journal without a
    /// whole line is empty: nothing was begun with it.
    pub fn reopen(&mut self) -> Result<(), Wrong> {
        self.death = None;
        self.dead = false;
        let journal = match Journal::parse(&self.bytes) {
            Ok(journal) => journal,
            Err(Wrong::Empty | Wrong::Unbegun) => {
                *self = Self::default();
                return Ok(());
            }
            Err(wrong) => return Err(wrong),
        };
        self.bytes.truncate(journal.whole);
        self.lines = journal.lines.len();
        self.tail = journal.tail;
        self.entries = journal.lines.into_iter().map(|line| (line.at, line.entry)).collect();
        Ok(())
    }
}

impl Log for Book {
    fn append(&mut self, at: Time, entry: &Entry) -> Result<(), LogError> {
        if self.dead {
            return Err(LogError("there is no room on the disk".into()));
        }
        let death = self.death.filter(|(line, _)| *line == self.lines).map(|(_, how)| how);
        let (line, tail) = self.tail.next(at, entry).map_err(|e| LogError(e.to_string()))?;
        match death {
            Some(Death::Before | Death::Full) => {}
            Some(Death::Torn) => self.bytes.extend_from_slice(line.get(..line.len() / 2).unwrap_or_default()),
            Some(Death::After) | None => {
                self.bytes.extend_from_slice(&line);
                self.tail = tail;
                self.entries.push((at, entry.clone()));
                self.lines += 1;
            }
        }
        if death.is_some() {
            self.dead = true;
            return Err(LogError("killed".into()));
        }
        Ok(())
    }
}
