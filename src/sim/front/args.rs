//! Arguments in the types that calls want, with xapi's words when they are not.

use crate::sim::api::Failure;
use crate::sim::db::Db;
use crate::sim::schema::{Kind, Scalar};
use crate::sim::value::Value;
use crate::time::Time;
use crate::xenapi::record::Ref;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The arguments of a call, without the session.
#[derive(Clone, Copy, Debug)]
pub struct Args<'a>(pub &'a [Value]);

impl<'a> Args<'a> {
    fn at(self, position: usize) -> &'a Value {
        static VOID: Value = Value::Void;
        self.0.get(position).unwrap_or(&VOID)
    }

    /// Whether there is an argument at this position.
    pub const fn has(self, position: usize) -> bool {
        position < self.0.len()
    }

    /// A text.
    pub fn text(self, position: usize) -> Result<&'a str, Failure> {
        match self.at(position) {
            Value::Str(text) => Ok(text),
            Value::Ref(r) => Ok(r.as_str()),
            other => Err(unexpected("string", other)),
        }
    }

    /// A reference, not checked.
    pub fn reference(self, position: usize) -> Result<Ref, Failure> {
        self.text(position).map(Ref::from)
    }

    /// A reference to an object of `class` that exists, or `HANDLE_INVALID [class, ref]`.
    pub fn handle(self, position: usize, db: &Db, class: &str) -> Result<Ref, Failure> {
        let r = self.reference(position)?;
        if db.is(&r, class) { Ok(r) } else { Err(Failure::new("HANDLE_INVALID", [class, r.as_str()])) }
    }

    /// An integer: a number, or text as XML-RPC sends it.
    pub fn int(self, position: usize) -> Result<i64, Failure> {
        match typed(Kind::Int, self.at(position))? {
            Value::Int(number) => Ok(number),
            other => Err(unexpected("int", &other)),
        }
    }

    /// A float: any number, or text.
    pub fn float(self, position: usize) -> Result<f64, Failure> {
        match typed(Kind::Float, self.at(position))? {
            Value::Float(number) => Ok(number),
            other => Err(unexpected("float", &other)),
        }
    }

    /// A truth value.
    pub fn boolean(self, position: usize) -> Result<bool, Failure> {
        match self.at(position) {
            Value::Bool(truth) => Ok(*truth),
            other => Err(unexpected("bool", other)),
        }
    }

    /// A date.
    pub fn date(self, position: usize) -> Result<Time, Failure> {
        match typed(Kind::Date, self.at(position))? {
            Value::Date(time) => Ok(time),
            other => Err(unexpected("DateTime", &other)),
        }
    }

    /// A set of texts (or of references).
    pub fn texts(self, position: usize) -> Result<Vec<&'a str>, Failure> {
        match self.at(position) {
            Value::Set(items) => (0..items.len()).map(|n| Args(items).text(n)).collect(),
            other => Err(unexpected("array", other)),
        }
    }

    /// A map of texts.
    pub fn map(self, position: usize) -> Result<BTreeMap<&'a str, &'a str>, Failure> {
        match self.at(position) {
            Value::Map(map) => map
                .iter()
                .map(|(key, value)| match value {
                    Value::Str(text) => Ok((&**key, &**text)),
                    other => Err(unexpected("string", other)),
                })
                .collect(),
            other => Err(unexpected("dictionary", other)),
        }
    }
}

/// A value in the type of a field.
pub(super) fn typed(kind: Kind, value: &Value) -> Result<Value, Failure> {
    Ok(match (kind, value) {
        (Kind::Str, Value::Str(_))
        | (Kind::Int, Value::Int(_))
        | (Kind::Float, Value::Float(_))
        | (Kind::Bool, Value::Bool(_))
        | (Kind::Date, Value::Date(_))
        | (Kind::Ref(_), Value::Ref(_)) => value.clone(),
        (Kind::Str, Value::Ref(r)) => r.as_str().into(),
        (Kind::Enum(names), Value::Str(text)) => {
            let known = names.iter().any(|name| name.eq_ignore_ascii_case(text));
            if !known {
                return Err(internal(&format!("Failure(\"Unknown tag/contents: {}\")", ocaml(value))));
            }
            value.clone()
        }
        (Kind::Ref(_), Value::Str(text)) => Value::Ref(Ref::from(&**text)),
        (Kind::Int, Value::Str(text)) => {
            let number = text.trim().parse::<i64>();
            Value::Int(number.map_err(|_| internal("Failure(\"Int64.of_string\")"))?)
        }
        (Kind::Float, Value::Int(number)) => Value::Float(*number as f64),
        (Kind::Float, Value::Str(text)) => {
            let number = text.trim().parse::<f64>();
            Value::Float(number.map_err(|_| internal("Failure(\"float_of_string\")"))?)
        }
        (Kind::Date, Value::Str(text)) => {
            let bad = || internal(&format!("Invalid argument: Clock__Date.of_iso8601: {text}"));
            Value::Date(Time::parse_xapi(text).ok_or_else(bad)?)
        }
        (Kind::Set(of), Value::Set(items)) => {
            Value::Set(items.iter().map(|item| typed(element(of), item)).collect::<Result<_, _>>()?)
        }
        (Kind::Map(of), Value::Map(map)) => Value::Map(
            map.iter().map(|(key, value)| Ok((Arc::clone(key), typed(element(of), value)?))).collect::<Result<_, Failure>>()?,
        ),
        (kind, value) => return Err(unexpected(expected(kind), value)),
    })
}

/// The type of what is in a set or a map.
pub(super) const fn element(scalar: Scalar) -> Kind {
    match scalar {
        Scalar::Str => Kind::Str,
        Scalar::Int => Kind::Int,
        Scalar::Float => Kind::Float,
        Scalar::Ref(class) => Kind::Ref(class),
        Scalar::Set => Kind::Set(Scalar::Str),
    }
}

const fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::Str | Kind::Enum(_) | Kind::Ref(_) => "string",
        Kind::Int => "int",
        Kind::Float => "float",
        Kind::Bool => "bool",
        Kind::Date => "DateTime",
        Kind::Set(_) => "array",
        Kind::Map(_) => "dictionary",
    }
}

fn internal(text: &str) -> Failure {
    Failure::new("INTERNAL_ERROR", [text])
}

/// What xapi says about a value of the wrong type.
pub(super) fn unexpected(expected: &str, got: &Value) -> Failure {
    internal(&format!("Failure(\"Expected {expected}, got '{}'\")", ocaml(got)))
}

/// A value as OCaml's RPC library prints it.
fn ocaml(value: &Value) -> String {
    let list = |items: Vec<String>| items.join(";");
    match value {
        Value::Void => "N".to_owned(),
        Value::Str(text) => format!("S({text})"),
        Value::Ref(r) => format!("S({r})"),
        Value::Int(number) => format!("I({number})"),
        Value::Float(number) => format!("F({number})"),
        Value::Bool(truth) => format!("B({truth})"),
        Value::Date(time) => format!("D({})", time.to_xapi()),
        Value::Set(items) => format!("[{}]", list(items.iter().map(ocaml).collect())),
        Value::Map(map) => format!("{{{}}}", list(map.iter().map(|(k, v)| format!("{k}:{}", ocaml(v))).collect())),
        Value::Record(record) => format!("{{{}}}", list(record.iter().map(|(k, v)| format!("{k}:{}", ocaml(v))).collect())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_types_are_answered_in_xapis_words() {
        let failure = |kind, value: Value| typed(kind, &value).unwrap_err().params.join("|");
        assert_eq!(failure(Kind::Str, 42i64.into()), "Failure(\"Expected string, got 'I(42)'\")");
        let map = Value::Map([("session_id".into(), "OpaqueRef:x".into())].into());
        assert_eq!(failure(Kind::Str, map), "Failure(\"Expected string, got '{session_id:S(OpaqueRef:x)}'\")");
        assert_eq!(failure(Kind::Bool, "x".into()), "Failure(\"Expected bool, got 'S(x)'\")");
        assert_eq!(failure(Kind::Date, "yesterday".into()), "Invalid argument: Clock__Date.of_iso8601: yesterday");
    }

    #[test]
    fn numbers_come_as_text_from_xml_rpc() {
        assert_eq!(Args(&["42".into()]).int(0).unwrap(), 42);
        assert!((Args(&["2.5".into()]).float(0).unwrap() - 2.5).abs() < 1e-9);
        assert!((Args(&[2i64.into()]).float(0).unwrap() - 2.0).abs() < 1e-9);
        assert!(Args(&["x".into()]).int(0).is_err());
        assert!(Args(&[]).text(0).is_err());
    }
}
