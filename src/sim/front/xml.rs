//! Results of tasks: xapi keeps them as XML-RPC text, whatever the client speaks.

use crate::sim::value::Value;
use std::fmt::Write;

/// A value as XML-RPC text, the way xapi writes it (integers and texts without a type).
pub(super) fn encode(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    out.push_str("<value>");
    match value {
        Value::Void => {}
        Value::Str(text) => escape(text, out),
        Value::Ref(r) => escape(r.as_str(), out),
        Value::Int(number) => drop(write!(out, "{number}")),
        Value::Float(number) => drop(write!(out, "<double>{number}</double>")),
        Value::Bool(truth) => drop(write!(out, "<boolean>{}</boolean>", u8::from(*truth))),
        Value::Date(time) => drop(write!(out, "<dateTime.iso8601>{}</dateTime.iso8601>", time.to_xapi())),
        Value::Set(items) => {
            out.push_str("<array><data>");
            for item in items {
                write(item, out);
            }
            out.push_str("</data></array>");
        }
        Value::Map(map) => structure(map.iter().map(|(k, v)| (&**k, v)), out),
        Value::Record(record) => structure(record.iter(), out),
    }
    out.push_str("</value>");
}

fn structure<'a, 'b>(members: impl Iterator<Item = (&'a str, &'b Value)>, out: &mut String) {
    out.push_str("<struct>");
    for (name, value) in members {
        out.push_str("<member><name>");
        escape(name, out);
        out.push_str("</name>");
        write(value, out);
        out.push_str("</member>");
    }
    out.push_str("</struct>");
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_look_as_xapi_keeps_them() {
        for (value, text) in [
            (Value::Void, "<value></value>"),
            ("OpaqueRef:1".into(), "<value>OpaqueRef:1</value>"),
            (42i64.into(), "<value>42</value>"),
            (true.into(), "<value><boolean>1</boolean></value>"),
            ("a<b".into(), "<value>a&lt;b</value>"),
            (vec!["a", "b"].into(), "<value><array><data><value>a</value><value>b</value></data></array></value>"),
            (
                Value::Map([("k".into(), "v".into())].into()),
                "<value><struct><member><name>k</name><value>v</value></member></struct></value>",
            ),
        ] {
            assert_eq!(encode(&value), text);
        }
    }
}
