//! Objects of the simulated pool's database as the records that a client reads. Without the detour over text: a rollout on a twin
//! reads some thousands of them.

use crate::sim::value::{Record as Object, Value};
use crate::xenapi::record::{Class, Record};
use serde::de::value::{MapDeserializer, SeqDeserializer, StrDeserializer};
use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, IntoDeserializer, MapAccess, Visitor};
use serde::forward_to_deserialize_any;

/// Why an object could not be read: the same as a client would say of it.
pub type Error = serde::de::value::Error;

/// An object of this class as a client reads it.
pub fn record(class: Class, object: &Object) -> Result<Record, Error> {
    Ok(match class {
        Class::Pool => Record::Pool(typed(object)?),
        Class::Host => Record::Host(typed(object)?),
        Class::HostMetrics => Record::HostMetrics(typed(object)?),
        Class::HostCrashdump => Record::HostCrashdump(typed(object)?),
        Class::Vm => Record::Vm(typed(object)?),
        Class::Task => Record::Task(typed(object)?),
        Class::Sr => Record::Sr(typed(object)?),
        Class::Pbd => Record::Pbd(typed(object)?),
        Class::Pif => Record::Pif(typed(object)?),
        Class::PifMetrics => Record::PifMetrics(typed(object)?),
        Class::Bond => Record::Bond(typed(object)?),
        Class::Cluster => Record::Cluster(typed(object)?),
        Class::ClusterHost => Record::ClusterHost(typed(object)?),
        Class::Message => Record::Message(typed(object)?),
        Class::Certificate => Record::Certificate(typed(object)?),
    })
}

/// An object as a record of one type.
pub fn typed<T: DeserializeOwned>(object: &Object) -> Result<T, Error> {
    T::deserialize(Whole(object))
}

/// An object, to be read field by field.
struct Whole<'a>(&'a Object);

impl<'de> serde::Deserializer<'de> for Whole<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(Fields { left: self.0.iter(), value: None })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct
        seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Fields<'a, I> {
    left: I,
    value: Option<&'a Value>,
}

impl<'a, 'de, I: Iterator<Item = (&'static str, &'a Value)>> MapAccess<'de> for Fields<'a, I> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some((name, value)) = self.left.next() else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(StrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let value = self.value.take().ok_or_else(|| Error::custom("a value without a name"))?;
        seed.deserialize(One(value))
    }
}

/// A value.
struct One<'a>(&'a Value);

impl<'a, 'de> IntoDeserializer<'de, Error> for One<'a> {
    type Deserializer = One<'a>;
    fn into_deserializer(self) -> One<'a> {
        self
    }
}

impl<'de> serde::Deserializer<'de> for One<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Void => visitor.visit_unit(),
            Value::Str(text) => visitor.visit_str(text),
            Value::Ref(r) => visitor.visit_str(r.as_str()),
            Value::Int(number) => visitor.visit_i64(*number),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Bool(truth) => visitor.visit_bool(*truth),
            Value::Date(time) => visitor.visit_string(time.to_xapi()),
            Value::Set(items) => visitor.visit_seq(SeqDeserializer::new(items.iter().map(One))),
            Value::Map(map) => visitor.visit_map(MapDeserializer::new(map.iter().map(|(key, value)| (&**key, One(value))))),
            Value::Record(object) => Whole(object).deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(self, name: &'static str, of: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Str(text) => StrDeserializer::<Error>::new(text).deserialize_enum(name, of, visitor),
            other => Err(Error::custom(format!("{name} is not {other:?}"))),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct
        map struct identifier
    }
}
