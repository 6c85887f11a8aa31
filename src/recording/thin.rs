//! What of an observation is worth keeping, and what must not be kept.
//!
//! Most of what is seen of a quiet pool is routine: answers, polls without news, measurements. What the screen shows of them and what explains
//! a crash stays; the rest goes, and so do secrets in free text. Pure.

use crate::observation::{Observation, Seen};
use crate::time::Time;
use crate::xenapi::record::{REDACTED, Ref, is_secret_key};
use std::collections::HashMap;
use std::time::Duration;

/// What is left out of every recording, as its header says.
pub const REDACTIONS: [&str; 4] = [
    "secrets (passwords, session references, cluster tokens, pool secrets): never read into records, and cut out of free text",
    "polls without news: one every 2 s is kept",
    "measurements of single processors, of network interfaces and of xapi itself, and of storage what its sums tell too",
    "other measurements: three digits, and only those that changed; free memory and heartbeats are in every row",
];

/// One poll without news in so long is kept.
const HEARD_EVERY: Duration = Duration::from_secs(2);

/// What was kept of the measurements of each host, and the poll that was left out last.
#[derive(Debug, Default)]
pub struct Thinner {
    values: HashMap<Ref, HashMap<Box<str>, f64>>,
    heard: Option<Time>,
    skipped: Option<Observation>,
}

impl Thinner {
    /// What is to be written of what was seen: nothing, it, or a poll that was left out and it.
    pub fn keep(&mut self, seen: &Observation) -> Vec<Observation> {
        match &seen.seen {
            Seen::Heard { generation } => {
                // A database that goes back is told by two numbers: the one before must be there as well.
                let back = self.skipped.as_ref().is_some_and(|skipped| match skipped.seen {
                    Seen::Heard { generation: before } => generation.zip(before).is_some_and(|(new, old)| new < old),
                    _ => false,
                });
                if !back && self.heard.is_some_and(|at| seen.at.since(at) < HEARD_EVERY) {
                    self.skipped = Some(seen.clone());
                    return Vec::new();
                }
                self.heard = Some(seen.at);
                let before = self.skipped.take().filter(|_| back).map(|skipped| Observation { at: seen.at, ..skipped });
                before.into_iter().chain([seen.clone()]).collect()
            }
            Seen::Samples { host, row, values } => {
                let known = self.values.entry(host.clone()).or_default();
                let mut kept = Vec::new();
                for (name, value) in values.iter().filter(|(name, value)| value.is_finite() && is_telling(name)) {
                    let value = rounded(*value);
                    let same = known.insert(name.as_str().into(), value) == Some(value);
                    if !same || is_always_told(name) {
                        kept.push((name.clone(), value));
                    }
                }
                vec![Observation { at: seen.at, seen: Seen::Samples { host: host.clone(), row: *row, values: kept } }]
            }
            _ => vec![seen.clone()],
        }
    }

    /// From now on measurements are written whether they changed or not, once: who starts to read here does not know them.
    pub fn afresh(&mut self) {
        self.values.clear();
    }
}

/// What the model reads from every row.
fn is_always_told(name: &str) -> bool {
    name == "memory_free_kib" || name.starts_with("statefile/")
}

/// Not the measurements that are many and say little about storage, memory or heartbeats.
fn is_telling(name: &str) -> bool {
    let single = name
        .strip_prefix("cpu")
        .or_else(|| name.strip_prefix("CPU"))
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let dull = ["pif_", "xapi_", "tapdisks_", "io_throughput_read_", "io_throughput_write_", "iops_read_", "iops_write_"];
    // Bytes read and written of an SR (`read_346c3809`) are in its throughput too.
    let counted = ["read_", "write_"].iter().any(|of| name.strip_prefix(of).is_some_and(|sr| !sr.contains('_')));
    !single && !counted && !dull.iter().any(|dull| name.starts_with(dull))
}

/// Three digits are what any screen shows.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let digits = 2 - value.abs().log10().floor() as i32;
    let scale = 10f64.powi(digits.abs());
    if digits >= 0 { (value * scale).round() / scale } else { (value / scale).round() * scale }
}

/// Cuts values out of a line of JSON that stand behind a word for something secret within a text: `password=x`, `"token": "x"`,
/// `<secret>x</secret>`. Fields of the line itself are not touched: what is secret was never read into them.
pub fn scrub(line: &mut Vec<u8>) {
    let mut at = 0;
    while let Some(found) = line.get(at..).and_then(|rest| rest.iter().position(|b| matches!(b, b'=' | b':' | b'>'))) {
        at += found;
        let tag = line.get(at) == Some(&b'>');
        if speaks_of_a_secret(line.get(..at).unwrap_or_default(), tag)
            && let Some((from, to)) = value_after(line, at + 1)
        {
            line.splice(from..to, REDACTED.bytes());
            at = from + REDACTED.len();
        } else {
            at += 1;
        }
    }
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// Whether the text ends with a word for something secret, quoted or not, or with the beginning of such a tag; not if that is the name of a field
/// of the line.
fn speaks_of_a_secret(text: &[u8], tag: bool) -> bool {
    let quoted = match text {
        [.., b'\\', b'"'] => text.len() - 2,
        [.., b'"'] => return false,
        [.., b'\''] => text.len() - 1,
        [.., b' '] => text.len() - 1,
        _ => text.len(),
    };
    let text = text.get(..quoted).unwrap_or_default();
    let long = text.iter().rev().take(80).take_while(|byte| is_word(**byte)).count();
    let (before, word) = text.split_at(text.len() - long);
    if tag && before.last() != Some(&b'<') {
        return false;
    }
    long > 3
        && std::str::from_utf8(word).is_ok_and(|word| is_secret_key(word) || word.to_ascii_lowercase().contains("session_id"))
}

/// Where the value stands that begins here, quoted or not.
fn value_after(line: &[u8], mut from: usize) -> Option<(usize, usize)> {
    while let Some(byte) = line.get(from) {
        match byte {
            b' ' | b'\'' => from += 1,
            b'\\' if line.get(from + 1) == Some(&b'"') => from += 2,
            _ => break,
        }
    }
    let ends = |byte: &u8| {
        byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\\' | b'\'' | b',' | b';' | b'&' | b'<' | b')' | b'}' | b']')
    };
    let long = line.get(from..)?.iter().position(ends)?;
    (long > 0).then_some((from, from + long))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrubbed(line: &str) -> String {
        let mut bytes = line.as_bytes().to_vec();
        scrub(&mut bytes);
        String::from_utf8(bytes).expect("still text")
    }

    #[test]
    fn secrets_in_texts_are_cut_out_and_the_line_stays_json() {
        for (text, left) in [
            (r#"{"a":"login failed: password=hunter2, user=root"}"#, "user=root"),
            (r#"{"a":"{\"cluster_token\": \"hunter2\",\"b\":1}"}"#, r#"\"b\":1"#),
            (r#"{"a":"<secret>hunter2</secret> <b>1</b>"}"#, "<b>1</b>"),
            (r#"{"a":"GET /x?session_id=hunter2&b=1"}"#, "&b=1"),
            (r#"{"a":"chap_password: hunter2"}"#, "chap_password"),
        ] {
            let line = scrubbed(text);
            assert!(!line.contains("hunter2") && line.contains(left) && line.contains(REDACTED), "{line}");
            serde_json::from_str::<serde_json::Value>(&line).unwrap_or_else(|e| panic!("{line}: {e}"));
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        let line = r#"{"at":1,"seen":{"set":{"ref":"OpaqueRef:1","record":{"passes":"x","token":"y"}}},"t":"a: b = c"}"#;
        assert_eq!(scrubbed(line), line);
    }

    #[test]
    fn numbers_are_rounded_to_three_digits() {
        for (value, want) in [(0.0, 0.0), (0.012_345_6, 0.012_3), (123_456.0, 123_000.0), (-1.000_4, -1.0), (5.0, 5.0)] {
            assert!((rounded(value) - want).abs() < 1e-12, "{value}: {}", rounded(value));
        }
    }

    #[test]
    fn a_poll_that_was_left_out_is_written_when_the_database_goes_back() {
        let heard =
            |at: i64, generation| Observation { at: Time::from_millis(at), seen: Seen::Heard { generation: Some(generation) } };
        let mut thinner = Thinner::default();
        assert_eq!(thinner.keep(&heard(0, 10)).len(), 1);
        assert_eq!(thinner.keep(&heard(500, 20)), []);
        assert_eq!(thinner.keep(&heard(900, 15)), [heard(900, 20), heard(900, 15)]);
        assert_eq!(thinner.keep(&heard(2900, 16)), [heard(2900, 16)]);
    }
}
