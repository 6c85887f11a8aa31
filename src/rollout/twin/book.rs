//! A journal in memory, in the format of the one on disk, for an engine that plays on a twin. Its writer can die at any line.

use crate::rollout::call::Call;
use crate::rollout::engine::{Log, LogError};
use crate::rollout::entry::{CallId, Entry};
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

    /// For whoever goes on with it: what is on disk, with a torn end cut off. Reading it is the journal's own code.
    pub fn reopen(&mut self) -> Result<(), String> {
        self.death = None;
        self.dead = false;
        let mut entries = Vec::new();
        let mut whole = 0;
        for line in self.bytes.split_inclusive(|b| *b == b'\n') {
            if line.last() != Some(&b'\n') {
                break;
            }
            entries.push(serde_json::from_slice(line).map_err(|e| e.to_string())?);
            whole += line.len();
        }
        self.bytes.truncate(whole);
        self.lines = entries.len();
        self.entries = entries;
        Ok(())
    }
}

impl Log for Book {
    fn append(&mut self, at: Time, entry: &Entry) -> Result<(), LogError> {
        if self.dead {
            return Err(LogError("there is no room on the disk".into()));
        }
        let death = self.death.filter(|(line, _)| *line == self.lines).map(|(_, how)| how);
        let mut line = serde_json::to_vec(&(at, entry)).map_err(|e| LogError(e.to_string()))?;
        line.push(b'\n');
        match death {
            Some(Death::Before | Death::Full) => {}
            Some(Death::Torn) => self.bytes.extend_from_slice(line.get(..line.len() / 2).unwrap_or_default()),
            Some(Death::After) | None => {
                self.bytes.extend_from_slice(&line);
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
