//! `/proc/mdstat`. Read by words, not by lines: pastes lose line breaks and indentation.

use crate::text;
use serde::{Deserialize, Serialize};

/// An array.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Array {
    /// `mdN`, without `/dev/`.
    pub name: String,
    /// Is it running? A container of external metadata never is, and that is no error.
    pub active: bool,
    /// `read-only`, `auto-read-only`, if so.
    pub read_only: Option<String>,
    /// `raid1`, `raid5`, …
    pub level: Option<String>,
    /// Members.
    pub members: Vec<Member>,
    /// Size in KiB.
    pub blocks: Option<u64>,
    /// Version of the metadata (`1.2`, `external:imsm`).
    pub metadata: Option<String>,
    /// Members wanted and working, as counted: `[2/1]`. Believe the map.
    pub counts: Option<(u64, u64)>,
    /// `U` for each slot that works, `_` for each that does not.
    pub map: Option<String>,
    /// What is being done.
    pub activity: Option<Activity>,
}

/// A member of an array.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The block device.
    pub dev: String,
    /// Its number in the metadata; not its slot.
    pub number: Option<u64>,
    /// `(F)`: failed.
    pub failed: bool,
    /// `(S)`: spare.
    pub spare: bool,
}

/// What is done to an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A member is filled from the others.
    Recovery,
    /// Copies are made equal after an unclean stop.
    Resync,
    /// The shape changes.
    Reshape,
    /// Copies are compared. Harmless.
    Check,
}

/// Work on an array.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Activity {
    /// Which.
    pub kind: Kind,
    /// How far, in percent; absent while it waits.
    pub percent: Option<f64>,
    /// `DELAYED`, `PENDING` or `REMOTE`: it waits.
    pub waits: Option<String>,
    /// Minutes to the end.
    pub finish_min: Option<f64>,
    /// KiB a second.
    pub kib_per_sec: Option<u64>,
}

impl Array {
    /// Slots that do not work, by the map if there is one: the counts may be behind it.
    pub fn missing(&self) -> u64 {
        let by_map = self.map.as_ref().map(|map| map.chars().filter(|c| *c == '_').count() as u64);
        by_map.or_else(|| self.counts.map(|(wanted, working)| wanted.saturating_sub(working))).unwrap_or(0)
    }

    /// Does it lack a member?
    pub fn is_degraded(&self) -> bool {
        self.missing() > 0
    }

    /// Is it a container of external metadata, which is always inactive?
    pub fn is_container(&self) -> bool {
        !self.active
            && self.metadata.as_ref().is_some_and(|metadata| metadata.starts_with("external:") && !metadata.contains('/'))
    }

    /// The members that failed.
    pub fn failed(&self) -> impl Iterator<Item = &str> {
        self.members.iter().filter(|member| member.failed).map(|member| member.dev.as_str())
    }

    /// The spares.
    pub fn spares(&self) -> impl Iterator<Item = &str> {
        self.members.iter().filter(|member| member.spare).map(|member| member.dev.as_str())
    }
}

/// All arrays, in the order of the text.
pub fn arrays(said: &str) -> Vec<Array> {
    let mut blocks: Vec<(String, Vec<&str>)> = Vec::new();
    for line in said.lines().take(100_000) {
        let line = line.trim();
        let heading = line.split_once(" : ").filter(|(name, _)| name.starts_with("md") && !name.contains(' '));
        if let Some((name, rest)) = heading {
            blocks.push((text::clean(name, 64).into_owned(), rest.split_ascii_whitespace().collect()));
        } else if line.starts_with("Personalities") || line.starts_with("unused devices") {
            blocks.push((String::new(), Vec::new()));
        } else if let Some((_, words)) = blocks.last_mut() {
            words.extend(line.split_ascii_whitespace());
        }
    }
    blocks.into_iter().filter(|(name, _)| !name.is_empty()).map(|(name, words)| array(name, &words)).collect()
}

fn array(name: String, words: &[&str]) -> Array {
    let mut array = Array { name, ..Array::default() };
    let keep = |text: &str| text::clean(text, 64).into_owned();
    let mut rest = words.iter().copied().peekable();
    array.active = rest.next() == Some("active");
    while let Some(word) = rest.next() {
        match word {
            "(read-only)" | "(auto-read-only)" => array.read_only = Some(word.trim_matches(['(', ')']).to_owned()),
            "blocks" => {}
            "super" => array.metadata = rest.next().map(keep),
            "recovery" | "resync" | "reshape" | "check" | "repair" => {
                let kind = kind(word);
                // `recovery = 3.9% (…)`, sometimes `recovery =100.0%`.
                let percent = rest.next_if(|next| next.starts_with('=')).and_then(|sign| match sign.trim_start_matches('=') {
                    "" => rest.next(),
                    glued => Some(glued),
                });
                array.activity = Some(Activity { percent: percent.and_then(self::percent), ..Activity::new(kind) });
            }
            word if array.blocks.is_none() && rest.peek() == Some(&"blocks") => array.blocks = word.parse().ok(),
            word if word.starts_with('[') && word.ends_with(']') => bracketed(&mut array, word.trim_matches(['[', ']'])),
            word => other(&mut array, word),
        }
    }
    array
}

fn kind(word: &str) -> Kind {
    match word {
        "recovery" => Kind::Recovery,
        "reshape" => Kind::Reshape,
        "check" => Kind::Check,
        _ => Kind::Resync,
    }
}

fn percent(text: &str) -> Option<f64> {
    text.trim_end_matches('%').parse().ok().filter(|percent: &f64| percent.is_finite())
}

/// `[2/1]`, `[_U]`; the bar is none of them.
fn bracketed(array: &mut Array, inner: &str) {
    if let Some((wanted, working)) = inner.split_once('/') {
        if let (Ok(wanted), Ok(working)) = (wanted.parse(), working.parse()) {
            array.counts = Some((wanted, working));
        }
    } else if !inner.is_empty() && inner.chars().all(|c| matches!(c, 'U' | '_')) {
        array.map = Some(inner.to_owned());
    }
}

fn other(array: &mut Array, word: &str) {
    if let Some((what, value)) = word.split_once('=') {
        match (what, array.activity.as_mut()) {
            ("resync" | "recovery" | "reshape" | "check" | "repair", _) if matches!(value, "DELAYED" | "PENDING" | "REMOTE") => {
                array.activity = Some(Activity { waits: Some(value.to_owned()), ..Activity::new(kind(what)) });
            }
            ("finish", Some(activity)) => activity.finish_min = percent(value.trim_end_matches("min")),
            ("speed", Some(activity)) => activity.kib_per_sec = value.trim_end_matches("K/sec").parse().ok(),
            _ => {}
        }
    } else if let Some((dev, rest)) = word.split_once('[').filter(|(dev, _)| !dev.is_empty() && array.blocks.is_none()) {
        let number = rest.split(']').next().and_then(|number| number.parse().ok());
        array.members.push(Member {
            dev: text::clean(dev, 64).into_owned(),
            number,
            failed: rest.contains("(F)"),
            spare: rest.contains("(S)"),
        });
    } else if array.level.is_none()
        && array.blocks.is_none()
        && array.members.is_empty()
        && word.chars().all(|c| c.is_ascii_alphanumeric())
    {
        let known = word.starts_with("raid") || matches!(word, "linear" | "multipath" | "faulty");
        array.level = known.then(|| word.to_owned());
    }
}

impl Activity {
    const fn new(kind: Kind) -> Self {
        Self { kind, percent: None, waits: None, finish_min: None, kib_per_sec: None }
    }
}
