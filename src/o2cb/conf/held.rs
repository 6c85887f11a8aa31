//! Nodes that are commented out. They hold their numbers: a host that still has the old file would take the next owner of a number
//! for the node that left, and mix up their heartbeats, locks and journals.

use super::view::number;
use super::{Document, Kind};
use crate::o2cb::LAST_NUMBER;
use serde::Serialize;

/// What stands before a stanza that [`Document::comment_out`] took out.
pub(super) const MARK: &str = "# poolwatch: ";

/// A node that is commented out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Held {
    /// The numbers that it holds: one, or more where it is not clear which counted; none if it cannot be read.
    pub numbers: Vec<u8>,
    /// Its host name.
    pub name: Option<String>,
    /// Its cluster; `None`: it may be any.
    pub cluster: Option<String>,
    /// The line of its head.
    pub line: usize,
    /// Its first line (also the mark above it) and the one after its last, as indices of the items.
    #[serde(skip)]
    pub(super) items: (usize, usize),
}

impl Held {
    /// Whether it holds its number in this cluster.
    pub fn is_of(&self, cluster: &str) -> bool {
        self.cluster.as_deref().is_none_or(|own| own == cluster)
    }

    /// What to call it.
    pub fn shown(&self) -> String {
        let name = self.name.as_deref().unwrap_or("a node");
        format!("{}, commented out in line {}", crate::text::clean(name, 64), self.line)
    }
}

/// A comment without its marks: a person may have used several, or blanks between.
fn bare(raw: &[u8]) -> String {
    String::from_utf8_lossy(raw).trim_start_matches(['#', ' ', '\t']).trim_end().to_owned()
}

/// `name = value`.
fn attribute(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.split_once('=')?;
    let name = name.trim();
    let fine = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    fine.then(|| (name, value.trim()))
}

fn is_head(text: &str, kind: &str) -> bool {
    text.strip_prefix(kind).and_then(|rest| rest.trim_start().strip_prefix(':')).is_some_and(|rest| rest.trim().is_empty())
}

impl Document {
    /// The nodes that are commented out, by us or by a person.
    pub fn held(&self) -> Vec<Held> {
        let mut found: Vec<Held> = vec![];
        let mut open: Option<Held> = None;
        let lines = self.lines();
        for (at, item) in self.items.iter().enumerate() {
            if item.kind != Kind::Comment {
                found.extend(open.take());
                continue;
            }
            let text = bare(&item.raw);
            if is_head(&text, "node") {
                found.extend(open.take());
                let marked = at
                    .checked_sub(1)
                    .filter(|above| self.items.get(*above).is_some_and(|item| item.raw.starts_with(MARK.as_bytes())));
                open = Some(Held {
                    numbers: vec![],
                    name: None,
                    cluster: None,
                    line: lines.get(at).copied().unwrap_or(1),
                    items: (marked.unwrap_or(at), at + 1),
                });
                continue;
            }
            let Some(held) = &mut open else { continue };
            match attribute(&text) {
                Some((name, value)) => {
                    match name {
                        "number" => {
                            held.numbers.extend(number(value).and_then(|n| u8::try_from(n).ok()).filter(|n| *n <= LAST_NUMBER));
                        }
                        "name" => held.name = Some(value.to_owned()),
                        "cluster" => held.cluster = Some(value.to_owned()),
                        _ => {}
                    }
                    held.items.1 = at + 1;
                }
                None => found.extend(open.take()),
            }
        }
        found.extend(open);
        // A head alone is somebody's remark, not a node.
        found.retain(|held| !held.numbers.is_empty() || held.name.is_some());
        found
    }
}
