//! Values of the API, as the simulated pool holds them.
//!
//! JSON cannot tell a date from a string, nor XML-RPC an integer from a string; so the core has a type of
//! its own, and the encodings (see the server) turn it into either.

use crate::time::Time;
use crate::xenapi::record::Ref;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A value of the API.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// No result.
    Void,
    /// Text, also enum values and uuids.
    Str(Arc<str>),
    /// A reference.
    Ref(Ref),
    /// A 64-bit integer.
    Int(i64),
    /// A float.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// A date with whole seconds on the wire.
    Date(Time),
    /// A set; xapi keeps no order, we do.
    Set(Vec<Value>),
    /// A map; keys are text on the wire.
    Map(BTreeMap<Arc<str>, Value>),
    /// A whole object of the database: a map on the wire, its fields in xapi's order.
    Record(Record),
}

/// An object of the database at one moment. Shares the database's storage, so that it costs nothing to hand one out.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    names: &'static [&'static str],
    values: Arc<[Value]>,
}

impl Record {
    /// A record of these fields and their values, in the same order.
    pub const fn new(names: &'static [&'static str], values: Arc<[Value]>) -> Self {
        Self { names, values }
    }

    /// Names and values, in xapi's order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.names.iter().copied().zip(self.values.iter())
    }

    /// The values, in xapi's order of the fields.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The value of a field.
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.iter().find_map(|(name, value)| (name == field).then_some(value))
    }
}

impl From<Record> for Value {
    fn from(record: Record) -> Self {
        Self::Record(record)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Str(text.into())
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl From<Time> for Value {
    fn from(date: Time) -> Self {
        Self::Date(date)
    }
}

impl From<Ref> for Value {
    fn from(reference: Ref) -> Self {
        Self::Ref(reference)
    }
}

impl From<&Ref> for Value {
    fn from(reference: &Ref) -> Self {
        Self::Ref(reference.clone())
    }
}

impl<V: Into<Value>> From<Vec<V>> for Value {
    fn from(items: Vec<V>) -> Self {
        Self::Set(items.into_iter().map(Into::into).collect())
    }
}
