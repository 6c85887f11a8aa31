//! The fields of a record as they are: from the JSON that the pool sent, or from what was recorded of it. Values whose
//! key speaks of a secret are hidden, at every depth.

use super::Sheet;
use crate::tui::theme::Role;
use crate::xenapi::record::{REDACTED, Record, is_secret_key};
use serde_json::Value;

/// Fields that are shown at most.
const FIELDS: usize = 600;

/// The fields of the JSON of a record, flat: `other_config: boot_time` and the like.
pub(crate) fn fields(json: &str) -> Result<Vec<(String, String)>, String> {
    let value: Value = serde_json::from_str(json).map_err(|e| format!("the record is not JSON: {e}"))?;
    let mut out = Vec::new();
    flatten("", &value, 0, &mut out);
    Ok(out)
}

/// The fields that poolwatch itself keeps of a record.
pub(crate) fn recorded(record: &Record) -> Vec<(String, String)> {
    let value = serde_json::to_value(record).unwrap_or(Value::Null);
    let mut out = Vec::new();
    // The outermost level only names the class.
    match value.as_object().and_then(|o| o.values().next()) {
        Some(inner) => flatten("", inner, 0, &mut out),
        None => flatten("", &value, 0, &mut out),
    }
    out
}

fn flatten(name: &str, value: &Value, depth: usize, out: &mut Vec<(String, String)>) {
    if out.len() >= FIELDS {
        return;
    }
    let join = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}: {key}") };
    match value {
        Value::Object(map) if depth < 4 && !map.is_empty() => {
            for (key, value) in map {
                if is_secret_key(key) && value.as_str() != Some("") {
                    out.push((join(key), REDACTED.to_owned()));
                } else {
                    flatten(&join(key), value, depth + 1, out);
                }
            }
        }
        Value::Array(items) if items.iter().all(|i| !i.is_object() && !i.is_array()) => {
            out.push((name.to_owned(), items.iter().map(plain).collect::<Vec<_>>().join(", ")));
        }
        Value::Array(items) if depth < 4 => {
            for (at, item) in items.iter().enumerate() {
                flatten(&join(&at.to_string()), item, depth + 1, out);
            }
        }
        Value::Object(map) if map.is_empty() => out.push((name.to_owned(), "{}".to_owned())),
        Value::Object(_) | Value::Array(_) => out.push((name.to_owned(), "(more inside)".to_owned())),
        other => out.push((name.to_owned(), plain(other))),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

impl Sheet {
    /// The fields of a record, with a word on where they are from.
    pub(crate) fn of_fields(title: &str, fields: &[(String, String)], from: &str) -> Self {
        let mut sheet = Self::new(format!("{title} (fields)"));
        sheet.words(from, Role::Muted);
        sheet.blank();
        let indent = fields.iter().map(|(n, _)| crate::tui::draw::words::width(n)).max().unwrap_or(0).clamp(8, 30) + 2;
        for (name, value) in fields {
            let (value, role) = if value.is_empty() { ("(empty)", Role::Muted) } else { (value.as_str(), Role::Text) };
            sheet.para(name.clone(), Role::Info, indent, value, role);
        }
        sheet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_at_every_depth() {
        let json = r#"{"name":"x","other_config":{"password":"hunter2","deep":{"api_token":{"a":"hunter2"}}},"list":[1,"b"]}"#;
        let fields = fields(json).expect("fields");
        assert!(!format!("{fields:?}").contains("hunter2"), "{fields:?}");
        assert!(fields.contains(&("list".to_owned(), "1, b".to_owned())));
        assert!(fields.contains(&("other_config: password".to_owned(), REDACTED.to_owned())));
    }

    #[test]
    fn what_is_not_json_is_said() {
        assert!(fields("<html>").expect_err("no JSON").contains("not JSON"));
    }

    #[test]
    fn a_recorded_record_has_its_own_field_names() {
        let record = Record::parse(crate::xenapi::record::Class::Host, r#"{"name_label":"xcp1"}"#).expect("record");
        assert!(recorded(&record).contains(&("name_label".to_owned(), "xcp1".to_owned())));
    }
}
