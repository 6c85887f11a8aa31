//! What classes and fields there are: xapi 26.17's, as constant tables, with an index for fast access.
//!
//! To add a column or a class that only one dialect has, add it in [`dialect`]; everything else (records,
//! getters, setters, events, counts) follows from the tables. Nothing here holds objects.

mod classes;
pub mod def;
pub mod dialect;
pub mod names;
pub mod role;

pub use def::{ClassDef, FieldDef, Kind, Preset, Scalar};
pub use dialect::Dialect;
pub use role::Role;

use crate::sim::value::Value;
use crate::time::Time;
use crate::xenapi::record::Ref;
use names::Names;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// A class by its position in the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassId(pub u16);

/// A field of a class, resolved once so that access needs no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Column {
    /// The class.
    pub class: ClassId,
    /// The position of the field in its records.
    pub field: u16,
}

/// A field as the database uses it.
#[derive(Clone, Debug)]
pub struct Field {
    /// What the tables say.
    pub def: FieldDef,
    /// The name as a map key, shared.
    pub key: Arc<str>,
    /// For a reference: the set in the object that it points to which has to follow.
    pub follower: Option<Column>,
}

/// A class as the database uses it.
#[derive(Debug)]
pub struct Class {
    /// What the tables say, without a dialect's additions to the fields.
    pub def: ClassDef,
    /// Its position.
    pub id: ClassId,
    /// Its name in lower case, as events spell it.
    pub event_name: Arc<str>,
    /// All fields in order.
    pub fields: Box<[Field]>,
    /// A record with every field at its preset value.
    pub template: Arc<[Value]>,
    names: Names,
}

impl Class {
    /// The position of a field.
    pub fn position(&self, field: &str) -> Option<usize> {
        self.names.position(field)
    }

    /// A field by name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.get(self.position(name)?)
    }

    /// The names of all fields, in order.
    pub fn field_names(&self) -> &[&'static str] {
        self.names.as_slice()
    }
}

/// All classes of one dialect.
#[derive(Debug)]
pub struct Schema {
    classes: Box<[Class]>,
    names: Names,
}

impl Schema {
    /// The schema of a dialect, built once.
    pub fn of(dialect: Dialect) -> &'static Self {
        static SHIPPED: OnceLock<Schema> = OnceLock::new();
        static DESIGNED: OnceLock<Schema> = OnceLock::new();
        let cell = match dialect {
            Dialect::Shipped => &SHIPPED,
            Dialect::Designed => &DESIGNED,
        };
        cell.get_or_init(|| Self::build(dialect.classes(), dialect.columns()))
    }

    /// xapi's classes, with more `classes` and with more `columns` in classes that there are.
    fn build(classes: &[&ClassDef], columns: &[(&str, &[FieldDef])]) -> Self {
        let defs: Vec<&ClassDef> = classes::ALL.iter().chain(classes).copied().collect();
        let names = Names::new(defs.iter().map(|def| def.name));
        let fields: Vec<Vec<FieldDef>> = defs
            .iter()
            .map(|def| {
                let more = columns.iter().filter(|(class, _)| *class == def.name).flat_map(|(_, more)| *more);
                def.fields.iter().chain(more).copied().collect()
            })
            .collect();
        let find = |class: &str, field: &str| {
            let id = names.position(class)?;
            let at = fields.get(id)?.iter().position(|f| f.name == field)?;
            Some(Column { class: ClassId(id as u16), field: at as u16 })
        };
        let mut followers = BTreeMap::new();
        for (def, fields) in defs.iter().zip(&fields) {
            for field in fields {
                if let (Some((class, from)), Some(to)) = (field.reverse, find(def.name, field.name)) {
                    followers.insert((class, from), to);
                }
            }
        }
        let classes = defs
            .iter()
            .zip(&fields)
            .enumerate()
            .map(|(id, (def, fields))| Class {
                def: **def,
                id: ClassId(id as u16),
                event_name: def.name.to_ascii_lowercase().into(),
                template: fields.iter().map(preset).collect(),
                names: Names::new(fields.iter().map(|f| f.name)),
                fields: fields
                    .iter()
                    .map(|f| Field { def: *f, key: f.name.into(), follower: followers.get(&(def.name, f.name)).copied() })
                    .collect(),
            })
            .collect();
        Self { classes, names }
    }

    /// A class by name, as calls spell it.
    pub fn class(&self, name: &str) -> Option<&Class> {
        self.classes.get(self.names.position(name)?)
    }

    /// A class by position.
    pub fn get(&self, id: ClassId) -> Option<&Class> {
        self.classes.get(usize::from(id.0))
    }

    /// All classes in xapi's order.
    pub fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// A field's place, to be looked up once.
    pub fn column(&self, class: &str, field: &str) -> Option<Column> {
        let class = self.class(class)?;
        Some(Column { class: class.id, field: class.position(field)? as u16 })
    }
}

/// The value of a field that is not given.
fn preset(field: &FieldDef) -> Value {
    match field.preset {
        Preset::Str(text) => text.into(),
        Preset::Int(number) => number.into(),
        Preset::Float(number) => number.into(),
        Preset::Bool(truth) => truth.into(),
        Preset::Map(pairs) => Value::Map(pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect()),
        Preset::Empty => match field.kind {
            Kind::Str | Kind::Enum(_) => "".into(),
            Kind::Int => 0i64.into(),
            Kind::Float => 0.0.into(),
            Kind::Bool => false.into(),
            Kind::Date => Time::EPOCH.into(),
            Kind::Ref(_) => Ref::default().into(),
            Kind::Set(_) => Value::Set(Vec::new()),
            Kind::Map(_) => Value::Map(BTreeMap::new()),
        },
    }
}

#[cfg(test)]
mod tests;
