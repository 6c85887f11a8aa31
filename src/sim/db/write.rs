//! Changing objects. Every change counts one generation; what changes nothing counts none and makes no event.

use super::Db;
use super::coerce::{coerce, fits};
use super::index::Place;
use super::table::Row;
use crate::sim::schema::{Class, ClassId, Column};
use crate::sim::value::Value;
use crate::xenapi::record::Ref;
use std::sync::Arc;

impl Db {
    /// Creates an object of `class` (as calls spell it). Fields that are not given have xapi's presets; so has the
    /// uuid, which is made.
    pub fn create(&mut self, class: &'static str, fields: &[(&str, Value)]) -> Ref {
        let r = self.new_ref();
        self.create_with_ref(class, &r, fields);
        r
    }

    /// Creates an object with a reference of its own, e.g. one from a pool's records. Replaces what had that reference.
    pub fn create_with_ref(&mut self, class: &'static str, r: &Ref, fields: &[(&str, Value)]) {
        let Some(class) = self.class(class) else { return };
        if self.exists(r) {
            self.destroy(r);
        }
        let mut values: Vec<Value> = class.template.to_vec();
        for (name, value) in fields {
            let at = class.position(name);
            debug_assert!(at.is_some(), "no field {}.{name}", class.def.name);
            if let Some((slot, field)) = at.and_then(|at| values.get_mut(at).zip(class.fields.get(at))) {
                *slot = coerce(field.def.kind, value.clone());
                debug_assert!(fits(field.def.kind, slot), "{}.{name} cannot be {slot:?}", class.def.name);
            }
        }
        if let Some(uuid) = class.position("uuid").and_then(|at| values.get_mut(at))
            && matches!(uuid, Value::Str(text) if text.is_empty())
        {
            *uuid = self.new_uuid().into();
        }
        self.insert(class.id, r, values.into());
    }

    /// Puts a complete row in, as a new object.
    pub(super) fn insert(&mut self, class: ClassId, r: &Ref, values: Arc<[Value]>) {
        self.generation += 1;
        let generation = self.generation;
        let links = self.links(class, &values);
        let Some(table) = self.table_mut(class) else { return };
        let slot = table.push(r.clone(), values, generation);
        Arc::make_mut(&mut self.index).insert(r.clone(), Place { class, slot });
        for (to, column) in links {
            self.follow(&to, column, r, true);
        }
    }

    /// Deletes an object. References to it stay as they are, as in xapi; sets that follow its references lose it.
    pub fn destroy(&mut self, r: &Ref) {
        let Some(place) = self.index.get(r).copied() else { return };
        self.generation += 1;
        let generation = self.generation;
        let Some(row) = self.table_mut(place.class).and_then(|table| table.remove(place.slot, generation)) else { return };
        Arc::make_mut(&mut self.index).remove(r);
        for (to, column) in self.links(place.class, &row.values) {
            self.follow(&to, column, r, false);
        }
        self.compact(place.class);
    }

    fn compact(&mut self, class: ClassId) {
        let Some(table) = self.table_mut(class).filter(|table| table.wants_compaction()) else { return };
        table.compact();
        let rows: Vec<Ref> = table.rows().map(|row| row.reference.clone()).collect();
        let index = Arc::make_mut(&mut self.index);
        for (slot, r) in rows.into_iter().enumerate() {
            index.insert(r, Place { class, slot: slot as u32 });
        }
    }

    /// Empties a table without a trace.
    pub(super) fn drop_table(&mut self, class: ClassId) {
        let Some(table) = self.tables.get_mut(usize::from(class.0)) else { return };
        let old = std::mem::take(table);
        let index = Arc::make_mut(&mut self.index);
        for row in old.rows() {
            index.remove(&row.reference);
        }
    }

    /// The sets that have to hold an object with these values.
    fn links(&self, class: ClassId, values: &[Value]) -> Vec<(Ref, Column)> {
        let Some(class) = self.schema.get(class) else { return Vec::new() };
        let pairs = class.fields.iter().zip(values);
        pairs
            .filter_map(|(field, value)| match (field.follower, value) {
                (Some(column), Value::Ref(to)) if !to.is_null() => Some((to.clone(), column)),
                _ => None,
            })
            .collect()
    }

    /// Adds `member` to the set in `to` that follows a reference, or removes it, as part of the current change.
    fn follow(&mut self, to: &Ref, column: Column, member: &Ref, add: bool) {
        let Some(place) = self.index.get(to).copied().filter(|place| place.class == column.class) else { return };
        let generation = self.generation;
        let Some(table) = self.table_mut(place.class) else { return };
        let holds = |row: &Row| match row.values.get(usize::from(column.field)) {
            Some(Value::Set(items)) => items.iter().any(|item| matches!(item, Value::Ref(r) if r == member)),
            _ => false,
        };
        if table.row(place.slot).is_none_or(|row| holds(row) == add) {
            return;
        }
        let Some(row) = table.touch(place.slot, generation) else { return };
        if let Some(Value::Set(items)) = Arc::make_mut(&mut row.values).get_mut(usize::from(column.field)) {
            if add {
                items.push(member.into());
            } else {
                items.retain(|item| !matches!(item, Value::Ref(r) if r == member));
            }
        }
    }

    fn place_of(&self, r: &Ref, field: &str) -> Option<(Place, &'static Class, usize)> {
        let place = *self.index.get(r)?;
        let class = self.schema.get(place.class)?;
        let at = class.position(field);
        debug_assert!(at.is_some(), "no field {}.{field}", class.def.name);
        Some((place, class, at?))
    }

    /// Sets a field; whether that changed anything. Without effect if there is no such object.
    pub fn set(&mut self, r: &Ref, field: &str, value: impl Into<Value>) -> bool {
        let Some((place, class, at)) = self.place_of(r, field) else { return false };
        self.write(r, place, class, at, value.into())
    }

    /// Sets a field by its place; whether that changed anything.
    pub fn put(&mut self, r: &Ref, column: Column, value: impl Into<Value>) -> bool {
        let Some(place) = self.index.get(r).copied().filter(|place| place.class == column.class) else { return false };
        let Some(class) = self.schema.get(place.class) else { return false };
        self.write(r, place, class, usize::from(column.field), value.into())
    }

    fn write(&mut self, r: &Ref, place: Place, class: &'static Class, at: usize, value: Value) -> bool {
        let Some(field) = class.fields.get(at) else { return false };
        let value = coerce(field.def.kind, value);
        debug_assert!(fits(field.def.kind, &value), "{}.{} cannot be {value:?}", class.def.name, field.def.name);
        let old = self.table(place.class).and_then(|table| table.row(place.slot)).and_then(|row| row.values.get(at));
        if old.is_none_or(|old| *old == value) {
            return false;
        }
        self.generation += 1;
        let generation = self.generation;
        let Some(row) = self.table_mut(place.class).and_then(|table| table.touch(place.slot, generation)) else { return false };
        let Some(slot) = Arc::make_mut(&mut row.values).get_mut(at) else { return false };
        let new = if let Value::Ref(to) = &value { Some(to.clone()) } else { None };
        let old = std::mem::replace(slot, value);
        if let Some(column) = field.follower {
            if let Value::Ref(from) = &old {
                self.follow(from, column, r, false);
            }
            if let Some(to) = new {
                self.follow(&to, column, r, true);
            }
        }
        true
    }

    /// Puts a key into a map, over what it had; whether that changed anything.
    pub fn map_add(&mut self, r: &Ref, field: &str, key: &str, value: impl Into<Value>) -> bool {
        let value = value.into();
        if self.map(r, field).get(key) == Some(&value) {
            return false;
        }
        let mut map = self.map(r, field).clone();
        map.insert(key.into(), value);
        self.set(r, field, Value::Map(map))
    }

    /// Takes a key out of a map; whether it was there.
    pub fn map_remove(&mut self, r: &Ref, field: &str, key: &str) -> bool {
        if !self.map(r, field).contains_key(key) {
            return false;
        }
        let mut map = self.map(r, field).clone();
        map.remove(key);
        self.set(r, field, Value::Map(map))
    }

    /// Puts a value into a set; whether it was not there yet.
    pub fn set_add(&mut self, r: &Ref, field: &str, value: impl Into<Value>) -> bool {
        let value = value.into();
        if self.set_of(r, field).contains(&value) {
            return false;
        }
        let mut items = self.set_of(r, field).to_vec();
        items.push(value);
        self.set(r, field, Value::Set(items))
    }

    /// Takes a value out of a set; whether it was there.
    pub fn set_remove(&mut self, r: &Ref, field: &str, value: impl Into<Value>) -> bool {
        let value = value.into();
        if !self.set_of(r, field).contains(&value) {
            return false;
        }
        let items = self.set_of(r, field).iter().filter(|item| **item != value).cloned().collect();
        self.set(r, field, Value::Set(items))
    }

    /// Makes an object count as changed without changing it: what `event.inject` does.
    pub fn touch(&mut self, r: &Ref) {
        let Some(place) = self.index.get(r).copied() else { return };
        self.generation += 1;
        let generation = self.generation;
        if let Some(table) = self.table_mut(place.class) {
            table.touch(place.slot, generation);
        }
    }
}
