//! The lines of a recording.

use super::marks::Mark;
use crate::observation::Observation;
use crate::pool::keep::Kept;
use crate::time::Time;
use serde::{Deserialize, Serialize};

/// What every recording's first line calls itself; the number is the version.
pub const SCHEMA: &str = "poolwatch-recording/1";
/// The same without the version.
pub const FAMILY: &str = "poolwatch-recording/";

/// The longest line that is read. Bytes.
pub const LINE_MOST: usize = 16 << 20;

/// The first line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Header {
    /// [`SCHEMA`].
    pub schema: String,
    /// Name of the pool.
    pub pool: String,
    /// Its uuid.
    pub uuid: String,
    /// Which set of rules it was seen to follow: `shipped`, `designed` or `unknown`.
    pub api: String,
    /// When the recording begins.
    pub start: Time,
    /// Which program recorded it.
    pub by: String,
    /// What it shows, in a line, if somebody wrote that down.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// What was left out on purpose.
    pub redactions: Vec<String>,
}

/// A key frame begins: after this line comes everything that is known, as observations, and then a [`Special::Kept`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// The moment that it describes.
    pub at: Time,
    /// How many records there are.
    pub records: usize,
}

/// Something is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// From here on it goes on.
    pub at: Time,
    /// How many observations were not written.
    pub lost: u64,
    /// Why, in words.
    pub why: String,
}

/// A line that is no observation and not the header.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each is what it holds")]
pub enum Special {
    Key(Key),
    Kept(Box<Kept>),
    Mark(Mark),
    Gap(Gap),
}

/// A line after the header.
#[derive(Debug)]
#[allow(missing_docs, reason = "each is what it holds")]
pub enum Line {
    Seen(Observation),
    Special(Special),
}

/// What a line begins with that is only worth reading for who starts at its key frame.
pub const KEPT_BEGINS: &[u8] = b"{\"kept\":";

impl Line {
    /// Reads a line; `None` if it is none that this version understands.
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.starts_with(b"{\"at\":") {
            return serde_json::from_slice(text).ok().map(Self::Seen);
        }
        if let Ok(special) = serde_json::from_slice(text) {
            return Some(Self::Special(special));
        }
        // Other programs put the names of an object in another order.
        serde_json::from_slice(text).ok().map(Self::Seen)
    }
}

/// Writes a value and the end of the line.
pub fn write(value: &impl Serialize, to: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    serde_json::to_writer(&mut *to, value)?;
    to.push(b'\n');
    Ok(())
}
