//! What changed since a generation: the ground under events.

use super::Db;
use super::table::Table;
use crate::sim::schema::ClassId;
use crate::sim::value::{Record, Value};
use crate::xenapi::record::{Record as ApiRecord, Ref};
use std::sync::Arc;

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// It was created.
    Add,
    /// It was changed.
    Mod,
    /// It was deleted.
    Del,
}

impl Operation {
    /// As events spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Mod => "mod",
            Self::Del => "del",
        }
    }
}

/// One object that changed. However often it changed, there is one.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Its class.
    pub class: ClassId,
    /// Its reference.
    pub reference: Ref,
    /// What happened, as seen from the generation that was asked about.
    pub operation: Operation,
    /// The generation of the last change.
    pub generation: u64,
    /// The object as it is now; none if it is gone.
    pub record: Option<Record>,
}

impl Db {
    /// Whether anything of a class changed after a generation. Cheap.
    pub fn changed_since(&self, class: ClassId, generation: u64) -> bool {
        self.table(class).is_some_and(|table| table.changed() > generation)
    }

    /// Whether deletions of a class after a generation are forgotten already.
    pub fn forgot_since(&self, class: ClassId, generation: u64) -> bool {
        self.table(class).is_some_and(|table| table.forgotten() > generation)
    }

    /// Whether [`Self::changes`] would find anything. Cheap unless something else of the class changed.
    pub fn has_changes(&self, class: ClassId, since: u64, only: Option<&Ref>) -> bool {
        let Some(table) = self.table(class).filter(|table| table.changed() > since) else { return false };
        let wanted = |r: &Ref| only.is_none_or(|only| only == r);
        if let Some(only) = only
            && let Some(place) = self.index.get(only)
        {
            return place.class == class && table.row(place.slot).is_some_and(|row| row.modified > since);
        }
        table.rows().any(|row| row.modified > since && wanted(&row.reference))
            || table.deleted().any(|gone| gone.created <= since && gone.at > since && wanted(&gone.reference))
    }

    /// As [`Self::changes`] of all objects of a class, each with what `read` makes of its values, which is made once for each state of an
    /// object; `None`: it is gone.
    pub fn read_changes(
        &self,
        class: ClassId,
        since: u64,
        read: impl Fn(&[Value]) -> ApiRecord,
    ) -> impl Iterator<Item = (Ref, Option<Arc<ApiRecord>>)> {
        let table = self.table(class).filter(|table| table.changed() > since);
        let rows = table.into_iter().flat_map(Table::rows).filter(move |row| row.modified > since);
        let rows = rows.map(move |row| (row.reference.clone(), Some(Arc::clone(row.read(&read)))));
        let gone = table.into_iter().flat_map(Table::deleted).filter(move |gone| gone.created <= since && gone.at > since);
        rows.chain(gone.map(|gone| (gone.reference.clone(), None)))
    }

    /// What `read` makes of an object of a class, made once for each state of it.
    pub fn read_one(&self, class: ClassId, r: &Ref, read: impl Fn(&[Value]) -> ApiRecord) -> Option<Arc<ApiRecord>> {
        let place = self.index.get(r).filter(|place| place.class == class)?;
        self.table(class)?.row(place.slot).map(|row| Arc::clone(row.read(read)))
    }

    /// Appends all changes of objects of a class after `since` (exclusive). Objects that were created and deleted since
    /// then do not appear, and deletions beyond the last 256 to 511 of the class are forgotten: as in xapi.
    pub fn changes(&self, class: ClassId, since: u64, only: Option<&Ref>, into: &mut Vec<Change>) {
        let (Some(table), Some(schema)) = (self.table(class), self.schema.get(class)) else { return };
        if table.changed() <= since {
            return;
        }
        let wanted = |r: &Ref| only.is_none_or(|only| only == r);
        into.extend(table.rows().filter(|row| row.modified > since && wanted(&row.reference)).map(|row| Change {
            class,
            reference: row.reference.clone(),
            operation: if row.created > since { Operation::Add } else { Operation::Mod },
            generation: row.modified,
            record: Some(Record::new(schema.field_names(), Arc::clone(&row.values))),
        }));
        let gone = table.deleted().filter(|gone| gone.created <= since && gone.at > since && wanted(&gone.reference));
        into.extend(gone.map(|gone| Change {
            class,
            reference: gone.reference.clone(),
            operation: Operation::Del,
            generation: gone.at,
            record: None,
        }));
    }
}
