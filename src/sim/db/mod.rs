//! The database of the simulated pool: tables of objects, a generation that counts every change, and what
//! was deleted of late.
//!
//! It keeps what events need (when each object was created and last changed) without doing any work per event:
//! whoever asks gets the changes since a generation, with the objects as they are at that moment. Sets of
//! references that mirror a reference on the other side (`host.PBDs` and `PBD.host`) are kept by the database:
//! set the reference, the set follows, as in xapi. It knows no rules, no sessions, no time.

mod changes;
mod coerce;
mod index;
mod read;
mod table;
mod write;

pub use changes::{Change, Operation};

use crate::sim::schema::{Class, ClassId, Column, Dialect, Schema};
use crate::sim::value::Value;
use crate::xenapi::record::Ref;
use index::Index;
use std::fmt;
use std::sync::Arc;
use table::Table;

/// What a field that does not exist has.
static VOID: Value = Value::Void;

/// The database. Cloning is cheap: tables are shared until one side writes.
#[derive(Clone)]
pub struct Db {
    schema: &'static Schema,
    tables: Vec<Arc<Table>>,
    index: Arc<Index>,
    generation: u64,
    random: u64,
}

/// A database as it was, to go back to.
#[derive(Clone, Debug)]
pub struct Snapshot(Db);

impl fmt::Debug for Db {
    /// Sizes only: objects hold references of sessions and secrets of clusters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_map();
        out.entry(&"generation", &self.generation);
        for class in self.schema.classes().iter().filter(|class| self.count(class.def.name) > 0) {
            out.entry(&class.def.name, &self.count(class.def.name));
        }
        out.finish()
    }
}

impl Db {
    /// An empty database of the shipped dialect; references and uuids follow from the seed.
    pub fn new(rng_seed: u64) -> Self {
        Self::with_dialect(rng_seed, Dialect::Shipped)
    }

    /// An empty database of a dialect.
    pub fn with_dialect(rng_seed: u64, dialect: Dialect) -> Self {
        let schema = Schema::of(dialect);
        Self {
            schema,
            tables: schema.classes().iter().map(|_| Arc::default()).collect(),
            index: Arc::default(),
            generation: 0,
            random: rng_seed,
        }
    }

    /// Its classes.
    pub const fn schema(&self) -> &'static Schema {
        self.schema
    }

    /// The number of changes so far; monotonic except over [`Self::restore`].
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// The database as it is now. Cheap.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(self.clone())
    }

    /// Goes back to a snapshot, generation included: what xapi does when a pool continues from an old copy of its
    /// database. Messages stay (they are files in xapi, not part of the database), and references made from now
    /// on differ from those that were made after the snapshot.
    pub fn restore(&mut self, snapshot: &Snapshot) {
        let random = self.random;
        let messages: Vec<_> = self.rows("message").map(|(r, values)| (r.clone(), Arc::clone(values))).collect();
        self.clone_from(&snapshot.0);
        self.random = random;
        let Some(class) = self.schema.class("message").map(|c| c.id) else { return };
        self.drop_table(class);
        for (r, values) in messages {
            self.insert(class, &r, values);
        }
    }

    /// What a restart of the coordinator's toolstack does to event tokens: every object counts as created now,
    /// so that a token from before yields all of them as `add`, and deletions are forgotten. Messages, being files
    /// with generations of their own, are not affected.
    pub fn reload(&mut self) {
        self.generation += 1;
        let generation = self.generation;
        let messages = self.schema.class("message").map(|class| class.id);
        for (class, table) in self.schema.classes().iter().zip(&mut self.tables) {
            if !table.is_blank() && Some(class.id) != messages {
                Arc::make_mut(table).reload(generation);
            }
        }
    }

    fn table(&self, class: ClassId) -> Option<&Table> {
        self.tables.get(usize::from(class.0)).map(|table| &**table)
    }

    fn table_mut(&mut self, class: ClassId) -> Option<&mut Table> {
        self.tables.get_mut(usize::from(class.0)).map(Arc::make_mut)
    }

    fn class(&self, name: &str) -> Option<&'static Class> {
        let class = self.schema.class(name);
        debug_assert!(class.is_some(), "no class {name}");
        class
    }

    /// A field's place, to be looked up once by who reads it often.
    pub fn column(&self, class: &str, field: &str) -> Option<Column> {
        self.schema.column(class, field)
    }

    /// A new uuid, unlike any before.
    pub fn new_uuid(&mut self) -> String {
        let mut text = String::with_capacity(36);
        self.write_uuid(&mut text);
        text
    }

    /// Every call and every task makes one: digit by digit, without the machinery of formatting.
    fn write_uuid(&mut self, into: &mut String) {
        let number = u128::from(self.next_random()) << 64 | u128::from(self.next_random());
        for at in 0..32_u32 {
            if matches!(at, 8 | 12 | 16 | 20) {
                into.push('-');
            }
            into.push(char::from_digit((number >> (124 - 4 * at)) as u32 & 0xf, 16).unwrap_or('0'));
        }
    }

    /// A new reference, unlike any before.
    pub fn new_ref(&mut self) -> Ref {
        let mut text = String::with_capacity(46);
        text.push_str("OpaqueRef:");
        self.write_uuid(&mut text);
        text.into()
    }

    /// The next number of the database's own generator (`SplitMix64`).
    fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests;
