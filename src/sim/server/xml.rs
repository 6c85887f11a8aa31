//! XML-RPC as xapi speaks it: a body to a call, an answer to a body. Pure.
//!
//! Integers are sent as untyped values (strings, to most clients), the counts of `event.from` as `<i4>`.

use super::number;
use crate::sim::api::{Call, Failure};
use crate::sim::value::Value;
use crate::time::Time;
use base64::Engine;
use quick_xml::Reader;
use quick_xml::events::Event;
use std::fmt::Write;
use std::iter::Peekable;
use std::vec::IntoIter;

/// Values nested deeper than this are refused.
const DEPTH_LIMIT: usize = 128;

#[derive(Debug, PartialEq)]
enum Token {
    Open(String),
    Close,
    Text(String),
}

type Tokens = Peekable<IntoIter<Token>>;

/// Reads a body. The error is the exception as OCaml prints it, for the page of HTTP 500.
pub fn read(body: &[u8]) -> Result<Call, String> {
    let text = String::from_utf8_lossy(body);
    let mut tokens = tokens(&text)?.into_iter().peekable();
    open(&mut tokens, "methodCall")?;
    open(&mut tokens, "methodName")?;
    let method = data(&mut tokens);
    close(&mut tokens)?;
    open(&mut tokens, "params")?;
    let mut params = Vec::new();
    while more(&mut tokens) {
        open(&mut tokens, "param")?;
        params.push(value(&mut tokens, 0)?);
        close(&mut tokens)?;
    }
    close(&mut tokens)?;
    close(&mut tokens)?;
    Ok(Call { method, params })
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut out: Vec<Token> = Vec::new();
    let mut depth = 0_usize;
    let mut rooted = false;
    loop {
        let event = reader.read_event().map_err(|_| at_end_or(text, reader.error_position(), "malformed character stream"))?;
        match event {
            Event::Start(tag) => {
                depth += 1;
                rooted = true;
                out.push(Token::Open(tag.local_name().into_inner().to_owned()));
            }
            Event::End(_) => {
                depth -= 1;
                out.push(Token::Close);
            }
            Event::Text(data) if rooted => push_text(&mut out, &data.xml10_content()),
            Event::Text(data) if data.trim().is_empty() => {}
            Event::Text(_) => return Err(error_at(text, 0, "expected root element")),
            Event::CData(data) => push_text(&mut out, &data.xml10_content()),
            Event::GeneralRef(name) => {
                let entity = name.xml10_content();
                if let Ok(Some(c)) = name.resolve_char_ref() {
                    push_text(&mut out, c.encode_utf8(&mut [0; 4]));
                } else if let Some(known) = quick_xml::escape::resolve_predefined_entity(&entity) {
                    push_text(&mut out, known);
                } else {
                    let what = format!("unknown entity reference ({entity})");
                    return Err(error_at(text, reader.buffer_position(), &what));
                }
            }
            Event::Eof if depth > 0 || !rooted => return Err(error_at(text, text.len() as u64, "unexpected end of input")),
            Event::Eof => return Ok(out),
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

fn push_text(out: &mut Vec<Token>, text: &str) {
    match out.last_mut() {
        Some(Token::Text(before)) => before.push_str(text),
        _ => out.push(Token::Text(text.to_owned())),
    }
}

fn at_end_or(text: &str, position: u64, otherwise: &str) -> String {
    let open_tag = text.rfind('<') > text.rfind('>');
    if open_tag { error_at(text, text.len() as u64, "unexpected end of input") } else { error_at(text, position, otherwise) }
}

/// The exception of xapi's XML parser: line and column from 1.
fn error_at(text: &str, position: u64, what: &str) -> String {
    let before: String = text.chars().take(usize::try_from(position).unwrap_or(usize::MAX)).collect();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    format!("Xmlm.Error({line}:{column}, \"{what}\")")
}

fn mismatch(got: Option<&Token>, wanted: &str) -> String {
    let got = match got {
        Some(Token::Open(name)) => format!("open_tag({name})"),
        Some(Token::Text(text)) => format!("data({text})"),
        Some(Token::Close) | None => "close_tag".to_owned(),
    };
    format!("Xmlrpc.Parse_error(\"{got}\", \"{wanted}\", _)")
}

fn blank(token: &Token) -> bool {
    matches!(token, Token::Text(text) if text.trim().is_empty())
}

fn skip_blank(tokens: &mut Tokens) {
    while tokens.next_if(blank).is_some() {}
}

/// Whether another element comes before the enclosing one ends.
fn more(tokens: &mut Tokens) -> bool {
    skip_blank(tokens);
    !matches!(tokens.peek(), Some(Token::Close) | None)
}

fn open(tokens: &mut Tokens, name: &str) -> Result<(), String> {
    skip_blank(tokens);
    match tokens.next() {
        Some(Token::Open(found)) if found == name => Ok(()),
        other => Err(mismatch(other.as_ref(), &format!("open_tag({name})"))),
    }
}

fn close(tokens: &mut Tokens) -> Result<(), String> {
    skip_blank(tokens);
    match tokens.next() {
        Some(Token::Close) => Ok(()),
        other => Err(mismatch(other.as_ref(), "close_tag")),
    }
}

fn data(tokens: &mut Tokens) -> String {
    match tokens.next_if(|token| matches!(token, Token::Text(_))) {
        Some(Token::Text(text)) => text,
        _ => String::new(),
    }
}

fn value(tokens: &mut Tokens, depth: usize) -> Result<Value, String> {
    if depth > DEPTH_LIMIT {
        return Err("Stack overflow".to_owned());
    }
    open(tokens, "value")?;
    let text = data(tokens);
    let untyped = !matches!(tokens.peek(), Some(Token::Open(_)));
    let result = if untyped {
        Value::from(text)
    } else {
        let Some(Token::Open(kind)) = tokens.next() else { return Err(mismatch(None, "open_tag(value)")) };
        let typed = typed(tokens, &kind, depth)?;
        close(tokens)?;
        typed
    };
    close(tokens)?;
    Ok(result)
}

fn typed(tokens: &mut Tokens, kind: &str, depth: usize) -> Result<Value, String> {
    Ok(match kind {
        "nil" => Value::Void,
        "string" => Value::from(data(tokens)),
        "int" | "i4" | "i8" => Value::Int(data(tokens).trim().parse().map_err(|_| "Failure(\"Int64.of_string\")".to_owned())?),
        "boolean" => Value::Bool(data(tokens) == "1"),
        "double" => Value::Float(data(tokens).trim().parse().map_err(|_| "Failure(\"float_of_string\")".to_owned())?),
        "dateTime.iso8601" => {
            let text = data(tokens);
            Time::parse_xapi(&text).map_or_else(|| Value::from(text), Value::Date)
        }
        "base64" => {
            let packed: String = data(tokens).split_ascii_whitespace().collect();
            let bytes = base64::engine::general_purpose::STANDARD
                .decode(packed)
                .map_err(|_| "Invalid_argument(\"Malformed input\")".to_owned())?;
            Value::from(String::from_utf8_lossy(&bytes).into_owned())
        }
        "array" => {
            let mut items = Vec::new();
            if more(tokens) {
                open(tokens, "data")?;
                while more(tokens) {
                    items.push(value(tokens, depth + 1)?);
                }
                close(tokens)?;
            }
            Value::Set(items)
        }
        "struct" => {
            let mut members = std::collections::BTreeMap::new();
            while more(tokens) {
                open(tokens, "member")?;
                open(tokens, "name")?;
                let name = data(tokens);
                close(tokens)?;
                members.insert(name.into(), value(tokens, depth + 1)?);
                close(tokens)?;
            }
            Value::Map(members)
        }
        other => {
            let wanted = "open_tag(int/i8/i4/boolean/double/string/dateTime.iso8601/array/struct/nil)";
            return Err(mismatch(Some(&Token::Open(other.to_owned())), wanted));
        }
    })
}

/// Writes the answer to `method`. The list of methods is not wrapped in a status.
pub fn write(method: &str, answer: &Result<Value, Failure>) -> String {
    let mut out = String::with_capacity(512);
    out.push_str("<?xml version=\"1.0\"?><methodResponse><params><param>");
    match answer {
        Ok(result) if method == "system.listMethods" => push_value(&mut out, result, false),
        Ok(result) => {
            out.push_str("<value><struct><member><name>Status</name><value>Success</value></member><member><name>Value</name>");
            push_value(&mut out, result, method == "event.from");
            out.push_str("</member></struct></value>");
        }
        Err(failure) => {
            out.push_str("<value><struct><member><name>Status</name><value>Failure</value></member><member>");
            out.push_str("<name>ErrorDescription</name><value><array><data>");
            for text in std::iter::once(&failure.code).chain(&failure.params) {
                out.push_str("<value>");
                push_escaped(&mut out, text);
                out.push_str("</value>");
            }
            out.push_str("</data></array></value></member></struct></value>");
        }
    }
    out.push_str("</param></params></methodResponse>");
    out
}

/// `counts`: whether a member `valid_ref_counts` has numbers of 32 bits.
fn push_value(out: &mut String, value: &Value, counts: bool) {
    out.push_str("<value>");
    // Writing to a string cannot fail.
    let _ = match value {
        Value::Void => Ok(()),
        Value::Str(text) => {
            push_escaped(out, text);
            Ok(())
        }
        Value::Ref(reference) => {
            push_escaped(out, reference.as_str());
            Ok(())
        }
        Value::Int(number) => write!(out, "{number}"),
        Value::Float(number) => write!(out, "<double>{}</double>", number::general(*number, 16)),
        Value::Bool(truth) => write!(out, "<boolean>{}</boolean>", u8::from(*truth)),
        Value::Date(date) => write!(out, "<dateTime.iso8601>{}</dateTime.iso8601>", date.to_xapi()),
        Value::Set(items) => {
            out.push_str("<array><data>");
            for item in items {
                push_value(out, item, false);
            }
            out.push_str("</data></array>");
            Ok(())
        }
        Value::Map(members) => {
            push_members(out, members.iter().map(|(key, item)| (&**key, item)), counts);
            Ok(())
        }
        Value::Record(record) => {
            push_members(out, record.iter(), counts);
            Ok(())
        }
    };
    out.push_str("</value>");
}

fn push_members<'k, 'v>(out: &mut String, members: impl Iterator<Item = (&'k str, &'v Value)>, counts: bool) {
    out.push_str("<struct>");
    for (key, item) in members {
        out.push_str("<member><name>");
        push_escaped(out, key);
        out.push_str("</name>");
        if counts && key == "valid_ref_counts" {
            push_counts(out, item);
        } else {
            push_value(out, item, false);
        }
        out.push_str("</member>");
    }
    out.push_str("</struct>");
}

fn push_counts(out: &mut String, counts: &Value) {
    let Value::Map(numbers) = counts else { return push_value(out, counts, false) };
    out.push_str("<value><struct>");
    for (class, count) in numbers {
        let Value::Int(count) = count else { continue };
        // Writing to a string cannot fail.
        let _ = write!(out, "<member><name>{class}</name><value><i4>{count}</i4></value></member>");
    }
    out.push_str("</struct></value>");
}

/// Control characters have no place in XML and are left out, as xapi does.
pub(super) fn push_escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '>' => out.push_str("&gt;"),
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push(c),
            c if c < ' ' => {}
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(params: &str) -> String {
        format!("<?xml version='1.0'?>\n<methodCall>\n<methodName>m</methodName>\n<params>\n{params}</params>\n</methodCall>\n")
    }

    #[test]
    fn params_of_every_kind_come_through() {
        let values = [
            "<value><string>a&amp;b&#33;</string></value>",
            "<value> untyped </value>",
            "<value/>",
            "<value><int>-42</int></value>",
            "<value>\n<double>2.5</double>\n</value>",
            "<value><boolean>1</boolean></value>",
            "<value><dateTime.iso8601>19700101T00:00:01Z</dateTime.iso8601></value>",
            "<value><nil/></value>",
            "<value><base64>aGk=</base64></value>",
            "<value><array><data>\n<value><i4>1</i4></value></data></array></value>",
            "<value><struct><member><name>k</name><value>v</value></member></struct></value>",
            "<value><string/></value>",
        ];
        let params = values.map(|value| format!("<param>\n{value}\n</param>\n")).concat();
        let read = read(call(&params).as_bytes()).unwrap();
        assert_eq!(read.method, "m");
        let want = [
            Value::from("a&b!"),
            Value::from(" untyped "),
            Value::from(""),
            Value::Int(-42),
            Value::Float(2.5),
            Value::Bool(true),
            Value::Date(Time::from_secs(1)),
            Value::Void,
            Value::from("hi"),
            Value::Set(vec![Value::Int(1)]),
            Value::Map([("k".into(), Value::from("v"))].into()),
            Value::from(""),
        ];
        assert_eq!(read.params, want);
    }

    #[test]
    fn malformed_bodies_are_named_as_xapi_names_them() {
        let error = |body: &str| read(body.as_bytes()).unwrap_err();
        assert_eq!(error(""), "Xmlm.Error(1:1, \"unexpected end of input\")");
        assert_eq!(error("x"), "Xmlm.Error(1:1, \"expected root element\")");
        assert_eq!(error("<methodCall><methodName>host.get_all</met"), "Xmlm.Error(1:42, \"unexpected end of input\")");
        assert_eq!(error("<a></a>"), "Xmlrpc.Parse_error(\"open_tag(a)\", \"open_tag(methodCall)\", _)");
        assert!(error(&call("<param><value><int>x</int></value></param>")).contains("Int64.of_string"));
        let nested = |depth| "<value><array><data>".repeat(depth) + &"</data></array></value>".repeat(depth);
        assert_eq!(error(&call(&format!("<param>{}</param>", nested(500)))), "Stack overflow");
        assert!(read(call(&format!("<param>{}</param>", nested(100))).as_bytes()).is_ok());
    }

    #[test]
    fn values_are_encoded_as_xapi_does() {
        let counts = Value::Map([("host".into(), Value::Int(4))].into());
        let answer = Value::Map([("n".into(), Value::Int(4)), ("valid_ref_counts".into(), counts)].into());
        let text = write("event.from", &Ok(answer.clone()));
        assert!(text.contains("<name>n</name><value>4</value>"), "{text}");
        assert!(text.contains("<name>host</name><value><i4>4</i4></value>"), "{text}");
        assert!(!write("other", &Ok(answer)).contains("<i4>"));
        let list = Ok(Value::Set(vec![Value::from("a<b\u{1}"), Value::Bool(false), Value::Void, Value::Float(0.5)]));
        let values = "<value>a&lt;b</value><value><boolean>0</boolean></value><value></value><value><double>0.5</double></value>";
        assert_eq!(
            write("system.listMethods", &list),
            format!(
                "<?xml version=\"1.0\"?><methodResponse><params><param><value><array><data>{values}</data></array></value>\
                 </param></params></methodResponse>"
            )
        );
        let failure = write("m", &Err(Failure::new("CODE", ["it's"])));
        assert!(failure.contains("<array><data><value>CODE</value><value>it's</value></data></array>"), "{failure}");
    }

    proptest::proptest! {
        #[test]
        fn no_body_breaks_the_reader(body in "(<[a-z/]{0,12}>|&[a-z#0-9]{0,4};|[a-z<>&\\PC]){0,40}") {
            let _ = read(body.as_bytes());
        }

        #[test]
        fn text_comes_back_as_it_was_written(text in "[\\t\\n -~à-ü]{0,40}") {
            let mut escaped = String::new();
            push_escaped(&mut escaped, &text);
            let read = read(call(&format!("<param><value><string>{escaped}</string></value></param>")).as_bytes()).unwrap();
            proptest::prop_assert_eq!(read.params, [Value::from(text)]);
        }
    }
}
