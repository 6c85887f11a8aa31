//! A journal in memory, in the format of the one on disk, for an engine that plays on a twin. Its writer can die at any line; the disk
//! stays.

use crate::rollout::call::Call;
use crate::rollout::engine::{Log, LogError};
use crate::rollout::entry::{CallId, Entry};
use crate::rollout::journal::{Journal, Tail, Wrong};
use crate::time::Time;
use std::cell::{Ref, RefCell};
use std::rc::Rc;

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

/// What is on the disk, and when it will fail.
#[derive(Debug, Default)]
pub struct Disk {
    /// The journal, byte for byte.
    pub bytes: Vec<u8>,
    /// Lines that were written whole, by all programs that wrote it.
    pub lines: usize,
    /// What they say.
    pub entries: Vec<(Time, Entry)>,
    /// At which line (from 0) its writer dies, and how.
    pub death: Option<(usize, Death)>,
    /// Its writer is dead, or cannot write any more.
    pub dead: bool,
    tail: Tail,
}

/// A journal. Clones share the disk.
#[derive(Clone, Debug, Default)]
pub struct Book(Rc<RefCell<Disk>>);

impl Book {
    /// What is on the disk.
    pub fn disk(&self) -> Ref<'_, Disk> {
        self.0.borrow()
    }

    /// Lines that were written.
    pub fn lines(&self) -> usize {
        self.0.borrow().lines
    }

    /// Whether its writer is dead.
    pub fn is_dead(&self) -> bool {
        self.0.borrow().dead
    }

    /// At which line its writer will die, and how.
    pub fn dies(&self, death: Option<(usize, Death)>) {
        self.0.borrow_mut().death = death;
    }

    /// The intent with this number, if it is on the disk.
    pub fn intent(&self, id: CallId) -> Option<Call> {
        self.0.borrow().entries.iter().rev().find_map(|(_, entry)| match entry {
            Entry::Intent { id: known, call, .. } if *known == id => Some(call.clone()),
            _ => None,
        })
    }

    /// For whoever goes on with it: reads what is on the disk as the journal's own code does, and cuts a torn end off. `false`: there is
    /// no whole line, so that nothing was begun with it.
    pub fn reopen(&self) -> Result<bool, Wrong> {
        let mut disk = self.0.borrow_mut();
        let disk = &mut *disk;
        disk.death = None;
        disk.dead = false;
        let journal = match Journal::parse(&disk.bytes) {
            Ok(journal) => journal,
            Err(Wrong::Empty | Wrong::Unbegun) => {
                *disk = Disk::default();
                return Ok(false);
            }
            Err(wrong) => return Err(wrong),
        };
        disk.bytes.truncate(journal.whole);
        disk.lines = journal.lines.len();
        disk.tail = journal.tail;
        disk.entries = journal.lines.into_iter().map(|line| (line.at, line.entry)).collect();
        Ok(true)
    }
}

impl Log for Book {
    fn append(&mut self, at: Time, entry: &Entry) -> Result<(), LogError> {
        let mut disk = self.0.borrow_mut();
        let disk = &mut *disk;
        if disk.dead {
            return Err(LogError("there is no room on the disk".into()));
        }
        let death = disk.death.filter(|(line, _)| *line <= disk.lines).map(|(_, how)| how);
        let (line, tail) = disk.tail.next(at, entry).map_err(|e| LogError(e.to_string()))?;
        match death {
            Some(Death::Before | Death::Full) => {}
            Some(Death::Torn) => disk.bytes.extend_from_slice(line.get(..line.len() / 2).unwrap_or_default()),
            Some(Death::After) | None => {
                disk.bytes.extend_from_slice(&line);
                disk.tail = tail;
                disk.entries.push((at, entry.clone()));
                disk.lines += 1;
            }
        }
        if death.is_some() {
            disk.dead = true;
            return Err(LogError("killed".into()));
        }
        Ok(())
    }
}
