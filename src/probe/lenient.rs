//! JSON as tools really print it.
//!
//! `drbdsetup` prints a bare `nan` where no estimate exists, `multipathd` through its shell has prompts around it, captures
//! are cut. So: what stands before the first bracket is skipped, bare words that are not JSON become null, and what was
//! cut is closed after the last whole value. Reads nothing, and never makes up a value.

use crate::o2cb::live::known::Unknown;
use serde_json::Value;

/// Nesting that is followed at most; serde gives up at 128.
const DEEPEST: usize = 100;

/// A value, and whether its end was cut off.
#[derive(Clone, Debug, PartialEq)]
pub struct Json {
    /// The value.
    pub value: Value,
    /// It did not end where JSON ends.
    pub cut: bool,
    /// It is JSON by the letter.
    pub strict: bool,
}

/// The first JSON value in `text`, which `from` said.
pub fn parse(from: &str, text: &str) -> Result<Json, Unknown> {
    let bad = || Unknown::not_understood(from, text);
    let start = text.find(['{', '[']).ok_or_else(bad)?;
    let (_, body) = text.split_at(start);
    if let Some(Ok(value)) = serde_json::Deserializer::from_str(body).into_iter::<Value>().next() {
        return Ok(Json { value, cut: false, strict: true });
    }
    let (mended, cut) = mend(body).ok_or_else(bad)?;
    serde_json::from_str(&mended).map(|value| Json { value, cut, strict: false }).map_err(|_| bad())
}

/// `body` with bare words as null, ended at the end of its first value, or closed after the last whole one.
fn mend(body: &str) -> Option<(String, bool)> {
    let mut out = String::with_capacity(body.len());
    let mut open: Vec<char> = Vec::new();
    // Up to here, and with these closed, it would be whole.
    let mut whole: Option<(usize, Vec<char>)> = None;
    let mut chars = body.chars().peekable();
    let mut after_key = false;
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                out.push('"');
                let mut ended = false;
                while let Some(c) = chars.next() {
                    // Raw control characters are not allowed in strings, but are printed.
                    out.push(if c.is_control() { ' ' } else { c });
                    if c == '\\' {
                        out.extend(chars.next());
                    } else if c == '"' {
                        ended = true;
                        break;
                    }
                }
                if ended && after_key {
                    whole = Some((out.len(), open.clone()));
                }
            }
            '{' | '[' => {
                out.push(c);
                open.push(if c == '{' { '}' } else { ']' });
                if open.len() > DEEPEST {
                    return None;
                }
                whole = Some((out.len(), open.clone()));
                after_key = c == '[';
            }
            '}' | ']' => {
                if open.pop() != Some(c) {
                    break;
                }
                out.push(c);
                whole = Some((out.len(), open.clone()));
                if open.is_empty() {
                    return Some((out, false));
                }
            }
            ':' => {
                out.push(c);
                after_key = true;
            }
            ',' => {
                out.push(c);
                after_key = open.last() == Some(&']');
            }
            c if c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.') => {
                let mut word = String::from(c);
                while let Some(next) = chars.peek().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.' | '_')) {
                    word.push(*next);
                    chars.next();
                }
                let json = word == "true" || word == "false" || word == "null" || word.parse::<serde_json::Number>().is_ok();
                out.push_str(if json { &word } else { "null" });
                // At the very end it may be half a number.
                if chars.peek().is_some() && after_key {
                    whole = Some((out.len(), open.clone()));
                }
            }
            c if c.is_whitespace() => out.push(' '),
            _ => break,
        }
    }
    let (length, open) = whole?;
    out.truncate(length);
    out.extend(open.into_iter().rev());
    Some((out, true))
}

/// The text at `key`, if it is one.
pub fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().map(|text| crate::text::clean(text.trim(), 256).into_owned())
}

/// The truth at `key`, if it is one; also `"yes"` and `"no"`.
pub fn truth(value: &Value, key: &str) -> Option<bool> {
    match value.get(key)? {
        Value::Bool(truth) => Some(*truth),
        Value::String(text) if text == "yes" => Some(true),
        Value::String(text) if text == "no" => Some(false),
        _ => None,
    }
}

/// The whole number at `key`, if it is one; also as text.
pub fn whole(value: &Value, key: &str) -> Option<u64> {
    let value = value.get(key)?;
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// The number at `key`, if it is one; also as text.
pub fn number(value: &Value, key: &str) -> Option<f64> {
    let value = value.get(key)?;
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()).filter(|number| number.is_finite())
}

/// The list at `key`; empty if there is none.
pub fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mended(text: &str) -> String {
        parse("x", text).unwrap().value.to_string()
    }

    #[test]
    fn what_tools_print_becomes_json() {
        assert_eq!(mended("multipathd> show maps json\n{\"a\": 1}\nmultipathd> "), r#"{"a":1}"#);
        assert_eq!(mended(r#"[{"eta": nan, "b": -inf, "c": 1.50}]"#), r#"[{"b":null,"c":1.5,"eta":null}]"#);
        assert_eq!(mended("{\"nan\": \"nan, inf\"}"), r#"{"nan":"nan, inf"}"#);
        for (cut, want) in [
            (r#"[{"a": 1, "b": {"c": 2}, "dev"#, r#"[{"a":1,"b":{"c":2}}]"#),
            (r#"[{"a": 1, "b": "half"#, r#"[{"a":1}]"#),
            (r#"[{"a": 1, "b": 12"#, r#"[{"a":1}]"#),
            (r#"[{"a": 1, "b":"#, r#"[{"a":1}]"#),
            (r#"["a", "b"#, r#"["a"]"#),
        ] {
            assert_eq!(mended(cut), want, "{cut}");
            assert!(parse("x", cut).unwrap().cut);
        }
        assert!(parse("x", "no json").is_err() && parse("x", "").is_err() && parse("x", &"[".repeat(100_000)).is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[\\[\\]{}:,\"\\\\ a-z0-9.-]{0,80}|\\PC{0,80}") {
            let _ = parse("x", &text);
        }
    }
}
