//! One table: rows in the order of their creation, and the deletions that are still remembered.

use crate::sim::value::Value;
use crate::xenapi::record::{Record, Ref};
use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

/// xapi forgets deletions in halves: at 512 remembered ones, the older 256 go.
const DELETIONS_KEPT: usize = 256;

/// One object.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) reference: Ref,
    /// The generation that created it.
    pub(super) created: u64,
    /// The generation that changed it last.
    pub(super) modified: u64,
    pub(super) values: Arc<[Value]>,
    /// What a client reads of it, as long as it is as it is: made when first asked for, shared by all clones.
    pub(super) read: OnceLock<Arc<Record>>,
}

impl Row {
    /// What `read` makes of its values.
    pub(super) fn read(&self, read: impl Fn(&[Value]) -> Record) -> &Arc<Record> {
        self.read.get_or_init(|| Arc::new(read(&self.values)))
    }
}

/// An object that is gone.
#[derive(Clone, Debug)]
pub(super) struct Deleted {
    pub(super) reference: Ref,
    pub(super) created: u64,
    pub(super) at: u64,
}

/// All objects of a class.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    rows: Vec<Option<Row>>,
    live: usize,
    deleted: VecDeque<Deleted>,
    /// The generation of the last deletion that is forgotten.
    forgotten: u64,
    /// The generation of the last change of any kind.
    changed: u64,
}

impl Table {
    /// Whether nothing ever was in it.
    pub(super) fn is_blank(&self) -> bool {
        self.rows.is_empty() && self.deleted.is_empty()
    }

    pub(super) const fn len(&self) -> usize {
        self.live
    }

    pub(super) const fn changed(&self) -> u64 {
        self.changed
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().flatten()
    }

    pub(super) fn deleted(&self) -> impl Iterator<Item = &Deleted> {
        self.deleted.iter()
    }

    pub(super) fn row(&self, slot: u32) -> Option<&Row> {
        self.rows.get(slot as usize)?.as_ref()
    }

    pub(super) const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// A row to change at `generation`.
    pub(super) fn touch(&mut self, slot: u32, generation: u64) -> Option<&mut Row> {
        let row = self.rows.get_mut(slot as usize)?.as_mut()?;
        row.modified = generation;
        row.read = OnceLock::new();
        self.changed = generation;
        Some(row)
    }

    /// Adds a row at the end; its slot.
    pub(super) fn push(&mut self, reference: Ref, values: Arc<[Value]>, generation: u64) -> u32 {
        self.rows.push(Some(Row { reference, created: generation, modified: generation, values, read: OnceLock::new() }));
        self.live += 1;
        self.changed = generation;
        (self.rows.len() - 1) as u32
    }

    /// Takes a row out and remembers that it was there.
    pub(super) fn remove(&mut self, slot: u32, generation: u64) -> Option<Row> {
        let row = self.rows.get_mut(slot as usize)?.take()?;
        self.live -= 1;
        self.changed = generation;
        if self.deleted.len() + 1 >= 2 * DELETIONS_KEPT {
            let last = self.deleted.drain(..self.deleted.len().min(DELETIONS_KEPT)).next_back();
            self.forgotten = last.map_or(self.forgotten, |gone| gone.at);
        }
        self.deleted.push_back(Deleted { reference: row.reference.clone(), created: row.created, at: generation });
        Some(row)
    }

    /// Whether so many rows are empty that closing the gaps pays.
    pub(super) fn wants_compaction(&self) -> bool {
        self.rows.len() > 64 && self.live * 2 < self.rows.len()
    }

    /// Closes the gaps: slots change, the order does not.
    pub(super) fn compact(&mut self) {
        self.rows.retain(Option::is_some);
    }

    /// Everything counts as created at `generation`; deletions are forgotten.
    pub(super) fn reload(&mut self, generation: u64) {
        self.deleted.clear();
        self.changed = generation;
        for row in self.rows.iter_mut().flatten() {
            row.created = generation;
            row.modified = generation;
        }
    }
}
