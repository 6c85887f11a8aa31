//! Values that records are made of: references, dates, configuration maps.

use crate::time::Time;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, OnceLock};

/// An opaque reference to an object, e.g. `OpaqueRef:60ff0502-…`. Cheap to copy.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ref(Arc<str>);

impl Ref {
    /// The text as xapi writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it points nowhere. xapi writes `OpaqueRef:NULL`; old pools are known to send an empty text.
    pub fn is_null(&self) -> bool {
        self.0.is_empty() || &*self.0 == "OpaqueRef:NULL" || &*self.0 == "Ref:NULL"
    }

    /// The reference, unless it points nowhere.
    pub fn non_null(&self) -> Option<&Self> {
        (!self.is_null()).then_some(self)
    }
}

impl Default for Ref {
    fn default() -> Self {
        Self(Arc::from("OpaqueRef:NULL"))
    }
}

impl From<&str> for Ref {
    fn from(text: &str) -> Self {
        Self(Arc::from(text))
    }
}

impl From<String> for Ref {
    fn from(text: String) -> Self {
        Self(Arc::from(text))
    }
}

impl fmt::Display for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Hashes references quickly, with a number that is drawn anew for every process: a pool that chose its references so that they fall
/// together would have to know it.
#[derive(Clone, Copy, Debug)]
pub struct RefHash(u64);

impl Default for RefHash {
    fn default() -> Self {
        static SEED: OnceLock<u64> = OnceLock::new();
        Self(*SEED.get_or_init(|| RandomState::new().hash_one(0)))
    }
}

impl BuildHasher for RefHash {
    type Hasher = RefHasher;

    fn build_hasher(&self) -> RefHasher {
        RefHasher { state: self.0, seed: self.0 }
    }
}

/// See [`RefHash`].
#[derive(Clone, Copy, Debug)]
pub struct RefHasher {
    state: u64,
    seed: u64,
}

impl RefHasher {
    /// Both halves of a product: every bit of the word reaches every bit of the result.
    const fn mix(&mut self, word: u64) {
        let product = (self.state ^ word) as u128 * (self.seed | 1) as u128;
        self.state = (product as u64 ^ (product >> 64) as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
    }
}

impl Hasher for RefHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.mix(u64::from_le_bytes(*word));
        }
        let last = rest.iter().fold(bytes.len() as u64, |word, byte| word << 8 | u64::from(*byte));
        self.mix(last);
    }

    fn write_u8(&mut self, byte: u8) {
        self.state ^= u64::from(byte);
    }

    fn finish(&self) -> u64 {
        self.state
    }
}

/// A map by reference.
pub type RefMap<V> = HashMap<Ref, V, RefHash>;
/// A set of references.
pub type RefSet = HashSet<Ref, RefHash>;

/// A date in a record. xapi writes the epoch for "never", which is `None` here; so is what cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date(pub Option<Time>);

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(Self(Time::parse_xapi(&text).filter(|t| *t > Time::EPOCH)))
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.unwrap_or(Time::EPOCH).to_xapi())
    }
}

/// A `(string -> string) map` field, such as `other_config`. Values whose key speaks of a secret are
/// replaced while it is read, so that they are nowhere in the program. Cheap to copy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Config(Arc<BTreeMap<Box<str>, Box<str>>>);

/// What a secret value is replaced with.
pub const REDACTED: &str = "<hidden>";

impl Config {
    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(|v| &**v)
    }

    /// All keys and values, ordered by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(k, v)| (&**k, &**v))
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of `key` as a point in time: Unix seconds as OCaml prints floats, e.g. `1532019557.`.
    pub fn unix_time(&self, key: &str) -> Option<Time> {
        let secs: f64 = self.get(key)?.trim_end_matches('.').parse().ok()?;
        (secs.is_finite() && secs > 0.0 && secs < 1e11).then(|| Time::from_millis((secs * 1000.0) as i64))
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Config {
    fn from(pairs: [(&str, &str); N]) -> Self {
        Self(Arc::new(pairs.into_iter().map(|(k, v)| (k.into(), v.into())).collect()))
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Config {
    /// Secrets are replaced, as when it is read.
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Self {
        let hidden = |key: &str, value: &'a str| if !value.is_empty() && is_secret_key(key) { REDACTED } else { value };
        Self(Arc::new(pairs.into_iter().map(|(key, value)| (key.into(), hidden(key, value).into())).collect()))
    }
}

/// Whether a configuration key names something that must not be shown or written down.
pub fn is_secret_key(key: &str) -> bool {
    // Every key of every map that is read is looked at: nothing is allocated for it, and most places are left by their first letter.
    let key = key.as_bytes();
    let begins =
        |rest: &[u8], word: &str| rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()));
    (0..key.len()).filter_map(|at| key.get(at..)).any(|rest| match rest.first().map(u8::to_ascii_lowercase) {
        Some(b'p') => begins(rest, "pass") || begins(rest, "private"),
        Some(b's') => begins(rest, "secret"),
        Some(b't') => begins(rest, "token"),
        Some(b'c') => begins(rest, "credential") || begins(rest, "chap"),
        Some(b'a') => begins(rest, "apikey") || begins(rest, "api_key"),
        _ => false,
    })
}

impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut map = BTreeMap::<Box<str>, Box<str>>::deserialize(deserializer)?;
        for (key, value) in &mut map {
            if !value.is_empty() && is_secret_key(key) {
                *value = REDACTED.into();
            }
        }
        Ok(Self(Arc::new(map)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_configuration_maps_do_not_get_in() {
        let config: Config =
            serde_json::from_str(r#"{"chappassword":"hunter2","SCSIid":"3600a","cifspassword_secret":"uuid"}"#).expect("map");
        assert_eq!(config.get("chappassword"), Some(REDACTED));
        assert_eq!(config.get("cifspassword_secret"), Some(REDACTED));
        assert_eq!(config.get("SCSIid"), Some("3600a"));
    }

    #[test]
    fn ocaml_floats_are_times() {
        let config = Config::from([("boot_time", "1532019557."), ("bad", "nan"), ("huge", "1e300")]);
        assert_eq!(config.unix_time("boot_time"), Some(Time::from_secs(1_532_019_557)));
        assert_eq!(config.unix_time("bad"), None);
        assert_eq!(config.unix_time("huge"), None);
    }

    #[test]
    fn the_epoch_means_never() {
        let date: Date = serde_json::from_str("\"19700101T00:00:00Z\"").expect("date");
        assert_eq!(date, Date(None));
    }
}
