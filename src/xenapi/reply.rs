//! Replies as xapi writes them: JSON-RPC 2.0, its array form for errors raised before dispatch, and 1.0.
//!
//! Reads straight from the bytes: what is wanted is parsed where it stands, nothing is copied into a tree first. Never
//! touches the network.

use super::code::Code;
use super::error::ApiError;
use super::record::{Class, Record, Ref};
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// Why a reply could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The call failed and the pool said why.
    Api(ApiError),
    /// It is JSON of another shape, or not JSON at all, or cut off.
    Malformed(String),
    /// It is a web page.
    Html,
}

/// The text of a body. What is not UTF-8 in it is replaced, so that one bad name does not cost the whole reply.
pub fn text(body: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(body)
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
struct Envelope<'a, T> {
    #[serde(default = "none")]
    result: Option<T>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    #[serde(default)]
    jsonrpc: Option<IgnoredAny>,
    #[serde(default)]
    id: Option<IgnoredAny>,
}

const fn none<T>() -> Option<T> {
    None
}

/// The result of a call, read as `T` from the text of the reply to `method`.
pub fn result<'a, T: Deserialize<'a>>(reply: &'a str, method: &str) -> Result<T, Problem> {
    let envelope: Envelope<'a, T> = match serde_json::from_str(reply) {
        Ok(envelope) => envelope,
        Err(_) if looks_like_a_page(reply) => return Err(Problem::Html),
        Err(e) if e.is_eof() => return Err(Problem::Malformed(format!("the answer is cut off after {} bytes", reply.len()))),
        Err(e) => return Err(Problem::Malformed(e.to_string())),
    };
    if let Some(error) = envelope.error {
        return Err(failure(error.get(), method));
    }
    match envelope.result {
        Some(result) => Ok(result),
        None if envelope.jsonrpc.is_none() && envelope.id.is_none() => {
            Err(Problem::Malformed("the answer is JSON, but not of the JSON-RPC kind".to_owned()))
        }
        None => Err(Problem::Malformed("the answer has neither a result nor an error".to_owned())),
    }
}

/// Whether this is a web page rather than JSON.
pub fn looks_like_a_page(reply: &str) -> bool {
    reply.trim_start().starts_with('<')
}

/// An error in any of the forms that xapi has: `["CODE","p1"]` or `{"code":1,"message":"CODE","data":["p1"]}`.
fn failure(json: &str, method: &str) -> Problem {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        Array(Vec<Lenient>),
        Object {
            message: String,
            #[serde(default)]
            data: Option<OneOrMany>,
        },
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        Many(Vec<Lenient>),
        One(Lenient),
    }
    let (code, params) = match serde_json::from_str::<Form>(json) {
        Ok(Form::Array(parts)) => {
            let mut parts = parts.into_iter().map(|p| p.0);
            let Some(code) = parts.next() else { return Problem::Malformed("an error without a code".to_owned()) };
            (code, parts.collect())
        }
        Ok(Form::Object { message, data }) => {
            let params = match data {
                None => Vec::new(),
                Some(OneOrMany::Many(many)) => many.into_iter().map(|p| p.0).collect(),
                Some(OneOrMany::One(one)) => vec![one.0],
            };
            (message, params)
        }
        Err(_) => return Problem::Malformed("an error of a form that this version does not know".to_owned()),
    };
    Problem::Api(ApiError { method: method.to_owned(), code: Code::from(code.as_str()), params })
}

/// A parameter of an error: a text, whatever JSON it came as.
struct Lenient(String);

impl<'de> Deserialize<'de> for Lenient {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => text,
            serde_json::Value::Null => String::new(),
            other => other.to_string(),
        }))
    }
}

/// An object that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Its class as the pool named it.
    pub class: String,
    /// Its reference, as far as known.
    pub r#ref: Ref,
    /// What was wrong.
    pub why: String,
}

/// The result of `<class>.get_all_records`, or of `message.get_since`: each record that can be read, and what cannot.
pub fn records(reply: &str, class: Class, method: &str) -> Result<(Vec<(Ref, Record)>, Vec<Unreadable>), Problem> {
    let Pairs(raw) = result::<Pairs<'_>>(reply, method)?;
    let mut good = Vec::with_capacity(raw.len());
    let mut bad = Vec::new();
    for (r#ref, json) in raw {
        match Record::parse(class, json.get()) {
            Ok(record) => good.push((r#ref, record)),
            Err(e) => bad.push(Unreadable { class: class.event_name().to_owned(), r#ref, why: e.to_string() }),
        }
    }
    Ok((good, bad))
}

/// A JSON object as references and raw records, in the order of the wire.
struct Pairs<'a>(Vec<(Ref, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Walk<'a>(PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for Walk<'a> {
            type Value = Pairs<'a>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of references to records")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Pairs<'a>, M::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry::<Ref, &'de RawValue>()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Walk(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(reply: &str) -> (String, Vec<String>) {
        match result::<String>(reply, "m") {
            Err(Problem::Api(e)) => (e.code.to_string(), e.params),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn errors_are_read_in_every_form() {
        let want = ("HANDLE_INVALID".to_owned(), vec!["host".to_owned(), "OpaqueRef:1".to_owned()]);
        for reply in [
            r#"{"jsonrpc":"2.0","error":{"code":1,"message":"HANDLE_INVALID","data":["host","OpaqueRef:1"]},"id":1}"#,
            r#"{"jsonrpc":"2.0","error":["HANDLE_INVALID","host","OpaqueRef:1"],"id":0}"#,
            r#"{"result":null,"error":["HANDLE_INVALID","host","OpaqueRef:1"],"id":1}"#,
        ] {
            assert_eq!(code_of(reply), want, "{reply}");
        }
        assert_eq!(code_of(r#"{"error":{"message":"X","data":[1,null]}}"#), ("X".to_owned(), vec!["1".to_owned(), String::new()]));
    }

    #[test]
    fn results_are_read_and_what_is_none_is_named() {
        assert_eq!(result::<String>(r#"{"result":"a","error":null,"id":1}"#, "m"), Ok("a".to_owned()));
        assert_eq!(result::<String>("<html>", "m"), Err(Problem::Html));
        for (reply, says) in [
            (r#"{"jsonrpc":"2.0","result":"a"#, "cut off"),
            (r#"{"hello":"world"}"#, "not of the JSON-RPC kind"),
            (r#"{"jsonrpc":"2.0","id":1}"#, "neither"),
            (r#"{"error":[],"id":1}"#, "without a code"),
            (r#"{"error":7,"id":1}"#, "does not know"),
            (r#"{"result":{"a":1},"id":1}"#, "invalid type"),
        ] {
            match result::<String>(reply, "m") {
                Err(Problem::Malformed(why)) => assert!(why.contains(says), "{reply}: {why}"),
                other => panic!("{reply}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_record_of_the_wrong_type_costs_only_itself() {
        let reply = r#"{"result":{"OpaqueRef:1":{"name_label":"a"},"OpaqueRef:2":{"name_label":7},"OpaqueRef:3":[]},"id":1}"#;
        let (good, bad) = records(reply, Class::Host, "host.get_all_records").expect("readable");
        assert_eq!(good.len(), 1);
        assert_eq!(bad.iter().map(|b| b.r#ref.as_str()).collect::<Vec<_>>(), ["OpaqueRef:2", "OpaqueRef:3"]);
    }
}
