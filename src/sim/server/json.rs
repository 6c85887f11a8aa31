//! JSON-RPC 1.0 and 2.0 as xapi speaks them: a body to a call, an answer to a body. Pure.
//!
//! What it does that the standard does not: no batches, no notifications, the error code is always 1, and an
//! error raised before dispatch is a bare array with id 0.

use super::number;
use crate::sim::api::{Call, Failure};
use crate::sim::value::Value;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fmt::Write;

/// How the caller speaks, which is how the answer is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Style {
    two: bool,
    /// The id as JSON.
    id: String,
}

/// Reads a body. The error is the exception as OCaml prints it, for the page of HTTP 500.
pub fn read(body: &[u8]) -> Result<(Style, Call), String> {
    let text = String::from_utf8_lossy(body);
    let json: Json = serde_json::from_str(&text).map_err(|error| syntax_error(&text, &error))?;
    let malformed = |what: &str| format!("Jsonrpc.Malformed_method_request(\"{what}\")");
    let Json::Object(mut members) = json else { return Err(malformed("Invalid request body")) };
    let method = match members.remove("method") {
        Some(Json::String(method)) => method,
        Some(_) => return Err(malformed("Invalid field 'method' in request body")),
        None => return Err(malformed("Required field method is missing")),
    };
    let two = match members.get("jsonrpc") {
        None => false,
        Some(Json::String(version)) if version == "2.0" => true,
        Some(_) => return Err(malformed("Invalid field 'jsonrpc' in request body")),
    };
    let params = match (two, members.remove("params")) {
        (_, Some(Json::Array(params))) => params.into_iter().map(value).collect(),
        (true, None | Some(Json::Null)) => Vec::new(),
        (true, Some(one @ Json::Object(_))) => vec![value(one)],
        (false, None) => return Err(malformed("Required field params is missing")),
        (_, Some(_)) => return Err(malformed("Invalid field 'params' in request body")),
    };
    let id = match members.get("id") {
        Some(id @ Json::String(_)) => id.to_string(),
        Some(Json::Number(number)) if number.is_i64() || number.is_u64() => number.to_string(),
        _ => return Err(malformed("Invalid field 'id' in request body")),
    };
    Ok((Style { two, id }, Call { method, params }))
}

/// The exception of xapi's JSON parser. Exact for a body that ends too early; a fair likeness for the rest.
fn syntax_error(text: &str, error: &serde_json::Error) -> String {
    if text.trim().is_empty() {
        return "Yojson__Common.Json_error(\"Blank input data\")".to_owned();
    }
    let (line, end) = (error.line(), error.column());
    let what = if error.is_eof() {
        "Unexpected end of input".to_owned()
    } else {
        let rest: String = text.lines().nth(line.saturating_sub(1)).unwrap_or("").chars().skip(end.saturating_sub(1)).collect();
        format!("Invalid token '{rest}'")
    };
    format!("Yojson__Common.Json_error(\"Line {line}, bytes {}-{end}:\\n{what}\")", end.saturating_sub(1))
}

fn value(json: Json) -> Value {
    match json {
        Json::Null => Value::Void,
        Json::Bool(truth) => Value::Bool(truth),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Value::Int(integer),
            (None, float) => Value::Float(float.unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::from(text),
        Json::Array(items) => Value::Set(items.into_iter().map(value).collect()),
        Json::Object(members) => {
            Value::Map(members.into_iter().map(|(key, item)| (key.into(), value(item))).collect::<BTreeMap<_, _>>())
        }
    }
}

/// A value as JSON.
#[cfg(test)]
pub(in crate::sim) fn text_of(value: &Value) -> String {
    let mut out = String::new();
    push_value(&mut out, value);
    out
}

/// Writes the answer.
pub fn write(style: &Style, answer: &Result<Value, Failure>) -> String {
    let mut out = String::with_capacity(256);
    let Style { two, id } = style;
    // Writing to a string cannot fail.
    let _ = match (answer, two) {
        (Ok(result), true) => {
            out.push_str("{\"jsonrpc\":\"2.0\",\"result\":");
            push_value(&mut out, result);
            write!(out, ",\"id\":{id}}}")
        }
        (Ok(result), false) => {
            out.push_str("{\"result\":");
            push_value(&mut out, result);
            write!(out, ",\"error\":null,\"id\":{id}}}")
        }
        (Err(failure), true) if failure.before_dispatch => {
            out.push_str("{\"jsonrpc\":\"2.0\",\"error\":");
            push_failure(&mut out, failure);
            write!(out, ",\"id\":0}}")
        }
        (Err(failure), true) => {
            out.push_str("{\"jsonrpc\":\"2.0\",\"error\":{\"code\":1,\"message\":");
            push_text(&mut out, &failure.code);
            out.push_str(",\"data\":");
            push_list(&mut out, failure.params.iter(), |out, text| push_text(out, text));
            write!(out, "}},\"id\":{id}}}")
        }
        (Err(failure), false) => {
            out.push_str("{\"result\":null,\"error\":");
            push_failure(&mut out, failure);
            write!(out, ",\"id\":{}}}", if failure.before_dispatch { "0" } else { id })
        }
    };
    out
}

fn push_failure(out: &mut String, failure: &Failure) {
    push_list(out, std::iter::once(&failure.code).chain(&failure.params), |out, text| push_text(out, text));
}

fn push_value(out: &mut String, value: &Value) {
    match value {
        Value::Void => out.push_str("\"\""),
        Value::Str(text) => push_text(out, text),
        Value::Ref(reference) => push_text(out, reference.as_str()),
        Value::Int(number) => {
            let _ = write!(out, "{number}");
        }
        Value::Float(number) => out.push_str(&number::json(*number)),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Date(date) => push_text(out, &date.to_xapi()),
        Value::Set(items) => push_list(out, items.iter(), push_value),
        Value::Map(members) => push_members(out, members.iter().map(|(key, item)| (&**key, item))),
        Value::Record(record) => push_members(out, record.iter()),
    }
}

fn push_members<'k, 'v>(out: &mut String, members: impl Iterator<Item = (&'k str, &'v Value)>) {
    out.push('{');
    for (at, (key, item)) in members.enumerate() {
        if at > 0 {
            out.push(',');
        }
        push_text(out, key);
        out.push(':');
        push_value(out, item);
    }
    out.push('}');
}

fn push_list<T>(out: &mut String, items: impl Iterator<Item = T>, push: impl Fn(&mut String, T)) {
    out.push('[');
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.push(',');
        }
        push(out, item);
    }
    out.push(']');
}

/// A string as JSON; the slash stays as it is, control characters are escaped.
pub(super) fn push_text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c < ' ' || c == '\u{7f}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Time;

    fn answered(body: &str, answer: &Result<Value, Failure>) -> String {
        write(&read(body.as_bytes()).unwrap().0, answer)
    }

    #[test]
    fn answers_are_written_in_the_callers_version() {
        let (two, one) = (r#"{"jsonrpc":"2.0","method":"m","id":"a\"b"}"#, r#"{"method":"m","params":[],"id":7}"#);
        let done = Ok(Value::Float(1.0));
        assert_eq!(answered(two, &done), r#"{"jsonrpc":"2.0","result":1.0,"id":"a\"b"}"#);
        assert_eq!(answered(one, &done), r#"{"result":1.0,"error":null,"id":7}"#);
        let mut failure = Failure::new("HOST_IS_SLAVE", ["127.0.0.1"]);
        let failed = Err(failure.clone());
        assert_eq!(
            answered(two, &failed),
            r#"{"jsonrpc":"2.0","error":{"code":1,"message":"HOST_IS_SLAVE","data":["127.0.0.1"]},"id":"a\"b"}"#
        );
        assert_eq!(answered(one, &failed), r#"{"result":null,"error":["HOST_IS_SLAVE","127.0.0.1"],"id":7}"#);
        failure.before_dispatch = true;
        assert_eq!(answered(two, &Err(failure)), r#"{"jsonrpc":"2.0","error":["HOST_IS_SLAVE","127.0.0.1"],"id":0}"#);
    }

    #[test]
    fn values_are_encoded_as_xapi_does() {
        let style = read(br#"{"method":"m","params":[],"id":1}"#).unwrap().0;
        let value = Value::Map(
            [
                ("date", Value::Date(Time::EPOCH)),
                ("int", Value::Int(-3)),
                ("text", Value::from("a/b\n\"é")),
                ("void", Value::Void),
            ]
            .map(|(key, value)| (key.into(), value))
            .into(),
        );
        assert_eq!(
            write(&style, &Ok(value)),
            r#"{"result":{"date":"19700101T00:00:00Z","int":-3,"text":"a/b\n\"é","void":""},"error":null,"id":1}"#
        );
    }

    #[test]
    fn params_of_every_kind_come_through() {
        let body = br#"{"jsonrpc":"2.0","method":"m","params":["s",1,1.5,true,null,["x"],{"k":2}],"id":1}"#;
        let (_, call) = read(body).unwrap();
        let map = Value::Map([("k".into(), Value::Int(2))].into());
        let set = Value::Set(vec![Value::from("x")]);
        let want = [Value::from("s"), Value::Int(1), Value::Float(1.5), Value::Bool(true), Value::Void, set, map.clone()];
        assert_eq!(call.params, want);
        let (_, call) = read(br#"{"jsonrpc":"2.0","method":"m","params":{"k":2},"id":1}"#).unwrap();
        assert_eq!(call.params, [map]);
    }

    #[test]
    fn malformed_bodies_are_named_as_xapi_names_them() {
        let error = |body: &str| read(body.as_bytes()).unwrap_err();
        assert_eq!(
            error("{\"jsonrpc\":\"2.0\","),
            "Yojson__Common.Json_error(\"Line 1, bytes 16-17:\\nUnexpected end of input\")"
        );
        assert_eq!(error("[]"), "Jsonrpc.Malformed_method_request(\"Invalid request body\")");
        assert_eq!(error(r#"{"method":"m"}"#), "Jsonrpc.Malformed_method_request(\"Required field params is missing\")");
        for id in ["null", "1.5", "{}"] {
            let body = format!(r#"{{"jsonrpc":"2.0","method":"m","id":{id}}}"#);
            assert_eq!(error(&body), "Jsonrpc.Malformed_method_request(\"Invalid field 'id' in request body\")");
        }
    }
}
