//! Reading objects.

use super::table::Row;
use super::{Db, VOID};
use crate::sim::schema::{Class, Column};
use crate::sim::value::{Record, Value};
use crate::time::Time;
use crate::xenapi::record::Ref;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Db {
    fn row(&self, r: &Ref) -> Option<(&'static Class, &Row)> {
        let place = self.index.get(r)?;
        Some((self.schema.get(place.class)?, self.table(place.class)?.row(place.slot)?))
    }

    /// Whether there is such an object.
    pub fn exists(&self, r: &Ref) -> bool {
        self.index.contains_key(r)
    }

    /// The class of an object, as calls spell it.
    pub fn class_of(&self, r: &Ref) -> Option<&'static str> {
        Some(self.schema.get(self.index.get(r)?.class)?.def.name)
    }

    /// Whether there is such an object and it is of this class.
    pub fn is(&self, r: &Ref, class: &str) -> bool {
        self.class_of(r) == Some(class)
    }

    /// A field; [`Value::Void`] if there is no such object (or field).
    pub fn get(&self, r: &Ref, field: &str) -> &Value {
        let Some((class, row)) = self.row(r) else { return &VOID };
        let at = class.position(field);
        debug_assert!(at.is_some(), "no field {}.{field}", class.def.name);
        at.and_then(|at| row.values.get(at)).unwrap_or(&VOID)
    }

    /// A field by its place; [`Value::Void`] if there is no such object or it is of another class.
    pub fn at(&self, r: &Ref, column: Column) -> &Value {
        let Some(place) = self.index.get(r).filter(|place| place.class == column.class) else { return &VOID };
        let row = self.table(place.class).and_then(|table| table.row(place.slot));
        row.and_then(|row| row.values.get(usize::from(column.field))).unwrap_or(&VOID)
    }

    /// A text field; empty if there is no such object.
    pub fn text(&self, r: &Ref, field: &str) -> &str {
        match self.get(r, field) {
            Value::Str(text) => text,
            _ => "",
        }
    }

    /// An integer field; 0 if there is no such object.
    pub fn int(&self, r: &Ref, field: &str) -> i64 {
        match self.get(r, field) {
            Value::Int(number) => *number,
            _ => 0,
        }
    }

    /// A float field; 0 if there is no such object.
    pub fn float(&self, r: &Ref, field: &str) -> f64 {
        match self.get(r, field) {
            Value::Float(number) => *number,
            _ => 0.0,
        }
    }

    /// A truth value; false if there is no such object.
    pub fn boolean(&self, r: &Ref, field: &str) -> bool {
        matches!(self.get(r, field), Value::Bool(true))
    }

    /// A date; the epoch if there is no such object.
    pub fn date(&self, r: &Ref, field: &str) -> Time {
        match self.get(r, field) {
            Value::Date(time) => *time,
            _ => Time::EPOCH,
        }
    }

    /// A reference; the null reference if there is no such object.
    pub fn reference(&self, r: &Ref, field: &str) -> Ref {
        match self.get(r, field) {
            Value::Ref(to) => to.clone(),
            _ => Ref::default(),
        }
    }

    /// A set; empty if there is no such object.
    pub fn set_of(&self, r: &Ref, field: &str) -> &[Value] {
        match self.get(r, field) {
            Value::Set(items) => items,
            _ => &[],
        }
    }

    /// A set of references; empty if there is no such object.
    pub fn refs(&self, r: &Ref, field: &str) -> Vec<Ref> {
        let items = self.set_of(r, field).iter();
        items.filter_map(|v| if let Value::Ref(to) = v { Some(to.clone()) } else { None }).collect()
    }

    /// A map; empty if there is no such object.
    pub fn map(&self, r: &Ref, field: &str) -> &BTreeMap<Arc<str>, Value> {
        static EMPTY: BTreeMap<Arc<str>, Value> = BTreeMap::new();
        match self.get(r, field) {
            Value::Map(map) => map,
            _ => &EMPTY,
        }
    }

    /// The text under a key of a map.
    pub fn map_get(&self, r: &Ref, field: &str, key: &str) -> Option<&str> {
        match self.map(r, field).get(key) {
            Some(Value::Str(text)) => Some(text),
            _ => None,
        }
    }

    /// The whole object, sharing its storage.
    pub fn record(&self, r: &Ref) -> Option<Record> {
        let (class, row) = self.row(r)?;
        Some(Record::new(class.field_names(), Arc::clone(&row.values)))
    }

    /// The objects of a class with their values in the order of the schema, in the order of creation.
    pub fn rows(&self, class: &str) -> impl Iterator<Item = (&Ref, &Arc<[Value]>)> + use<'_> {
        let table = self.class(class).and_then(|class| self.table(class.id));
        table.into_iter().flat_map(|table| table.rows().map(|row| (&row.reference, &row.values)))
    }

    /// The objects of a class in the order of creation.
    pub fn refs_of(&self, class: &'static str) -> impl Iterator<Item = &Ref> + use<'_> {
        self.rows(class).map(|(r, _)| r)
    }

    /// The same, apart from the database, so that it can be written to meanwhile.
    pub fn all(&self, class: &'static str) -> Vec<Ref> {
        self.refs_of(class).cloned().collect()
    }

    /// How many objects of a class there are.
    pub fn count(&self, class: &str) -> usize {
        self.class(class).and_then(|class| self.table(class.id)).map_or(0, super::Table::len)
    }

    /// The first object of a class whose field has this value.
    pub fn find(&self, class: &str, field: &str, value: &Value) -> Option<Ref> {
        let at = usize::from(self.column(class, field)?.field);
        self.rows(class).find(|(_, values)| values.get(at) == Some(value)).map(|(r, _)| r.clone())
    }

    /// All objects of a class whose field has this value.
    pub fn find_all(&self, class: &str, field: &str, value: &Value) -> Vec<Ref> {
        let Some(at) = self.column(class, field).map(|column| usize::from(column.field)) else { return Vec::new() };
        self.rows(class).filter(|(_, values)| values.get(at) == Some(value)).map(|(r, _)| r.clone()).collect()
    }

    /// The object of a class with this uuid.
    pub fn by_uuid(&self, class: &str, uuid: &str) -> Option<Ref> {
        let at = usize::from(self.column(class, "uuid")?.field);
        let same = |value: Option<&Value>| matches!(value, Some(Value::Str(text)) if &**text == uuid);
        self.rows(class).find(|(_, values)| same(values.get(at))).map(|(r, _)| r.clone())
    }

    /// The pool object, if there is one.
    pub fn pool(&self) -> Option<&Ref> {
        self.refs_of("pool").next()
    }
}
