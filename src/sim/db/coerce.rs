//! Values in the type that a field has.

use crate::sim::schema::{Kind, Scalar};
use crate::sim::value::Value;
use crate::time::Time;
use crate::xenapi::record::Ref;

/// `value` in the type `kind`: texts become references or dates, integers floats, where the field has these.
/// What does not fit stays as it is.
pub(super) fn coerce(kind: Kind, value: Value) -> Value {
    match (kind, value) {
        (Kind::Ref(_), Value::Str(text)) => Value::Ref(Ref::from(&*text)),
        (Kind::Float, Value::Int(number)) => Value::Float(number as f64),
        (Kind::Date, Value::Str(text)) => Time::parse_xapi(&text).map_or(Value::Str(text), Value::Date),
        (Kind::Str | Kind::Enum(_), Value::Ref(r)) => Value::Str(r.as_str().into()),
        (Kind::Set(Scalar::Ref(_)), Value::Set(items)) if items.iter().any(|v| matches!(v, Value::Str(_))) => {
            Value::Set(items.into_iter().map(|item| coerce(Kind::Ref(""), item)).collect())
        }
        (Kind::Map(Scalar::Ref(_)), Value::Map(map)) => {
            Value::Map(map.into_iter().map(|(k, v)| (k, coerce(Kind::Ref(""), v))).collect())
        }
        (_, value) => value,
    }
}

/// Whether a value has the type `kind`.
pub(super) fn fits(kind: Kind, value: &Value) -> bool {
    match (kind, value) {
        (Kind::Str | Kind::Enum(_), Value::Str(_))
        | (Kind::Int, Value::Int(_))
        | (Kind::Float, Value::Float(_))
        | (Kind::Bool, Value::Bool(_))
        | (Kind::Date, Value::Date(_))
        | (Kind::Ref(_), Value::Ref(_)) => true,
        (Kind::Set(of), Value::Set(items)) => items.iter().all(|item| fits_scalar(of, item)),
        (Kind::Map(of), Value::Map(map)) => map.values().all(|item| fits_scalar(of, item)),
        _ => false,
    }
}

fn fits_scalar(kind: Scalar, value: &Value) -> bool {
    matches!(
        (kind, value),
        (Scalar::Str, Value::Str(_))
            | (Scalar::Int, Value::Int(_))
            | (Scalar::Float, Value::Float(_))
            | (Scalar::Ref(_), Value::Ref(_))
            | (Scalar::Set, Value::Set(_))
    )
}
