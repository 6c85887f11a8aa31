//! `cluster.conf` as a document: every byte is kept, and what is not changed is written as it was read.
//!
//! The grammar is the one of `o2cb_ctl/jconfig.c` of ocfs2-tools: a stanza begins with a word and a colon at the start of a
//! line; its attributes are indented; a blank line ends it; `#` is a comment only at the start of a line; a backslash at the end of a value
//! goes on with the next line. Anything else makes the tool reject the whole file, so it is an error here too.

mod check;
mod edit;
mod held;
mod parse;
pub mod problem;
mod view;

#[cfg(test)]
mod tests;

pub use edit::Ends;
pub use held::Held;
pub use problem::{Problem, Severity, What};
pub use view::{Cluster, Config, Heartbeat, Mode, NoCluster, Node};
pub(in crate::o2cb) use view::{is_cluster_name, is_node_name, is_region, no_errors};

/// One thing that stands in the file, with all its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// What it is.
    pub kind: Kind,
    /// Its bytes, line end included; an attribute that goes on over several lines has them all.
    pub raw: Vec<u8>,
}

/// What an [`Item`] is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing, or only blanks: ends a stanza.
    Blank,
    /// `#` at the start of the line: ends nothing.
    Comment,
    /// The head of a stanza.
    Header(String),
    /// An attribute of the stanza above.
    Attribute {
        /// Its name.
        name: String,
        /// Its value as the tool uses it: without the blanks at both ends; lines that go on are joined by a line break.
        value: String,
        /// Where the value begins in the bytes.
        from: usize,
    },
}

/// A file that was understood.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Document {
    pub(super) items: Vec<Item>,
}

/// A file that the tool would reject as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} line{} of it the o2cb tool cannot read, and then it reads none of it: {}", .problems.len(), if .problems.len() == 1 { "" } else { "s" }, .problems.first().map(ToString::to_string).unwrap_or_default())]
pub struct Broken {
    /// What is wrong, by line. At least one, at most [`Broken::MOST`].
    pub problems: Vec<Problem>,
}

impl Broken {
    /// So many problems are listed; after that nobody reads on.
    pub const MOST: usize = 50;
}

/// A stanza of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stanza {
    /// Its head, as index of the items.
    pub(super) head: usize,
    /// After its last attribute.
    pub(super) end: usize,
}

impl Document {
    /// Reads a file.
    ///
    /// # Errors
    /// If the o2cb tool would reject it, or it is too large.
    pub fn parse(bytes: &[u8]) -> Result<Self, Broken> {
        parse::parse(bytes)
    }

    /// The bytes of the file.
    pub fn bytes(&self) -> Vec<u8> {
        self.items.iter().flat_map(|item| item.raw.iter().copied()).collect()
    }

    /// All stanzas, in order.
    pub fn stanzas(&self) -> Vec<Stanza> {
        let mut found: Vec<Stanza> = vec![];
        for (at, item) in self.items.iter().enumerate() {
            match item.kind {
                Kind::Header(_) => found.push(Stanza { head: at, end: at + 1 }),
                Kind::Attribute { .. } => {
                    if let Some(last) = found.last_mut() {
                        last.end = at + 1;
                    }
                }
                Kind::Blank | Kind::Comment => {}
            }
        }
        found
    }

    /// The last value goes on behind the end of the file: nothing may be written after it.
    pub(super) fn is_open_at_end(&self) -> bool {
        let Some(Item { kind: Kind::Attribute { .. }, raw }) = self.items.last() else { return false };
        let (text, ended) = raw.strip_suffix(b"\n").map_or((raw.as_slice(), false), |text| (text, true));
        if text.ends_with(b"\\") {
            return true;
        }
        // `\`, a line break, and then an empty last line that has no end.
        !ended && text.is_empty()
    }

    /// What kind of stanza it is: `cluster`, `node`, `heartbeat` or something unknown.
    pub fn kind(&self, stanza: Stanza) -> &str {
        match self.items.get(stanza.head).map(|item| &item.kind) {
            Some(Kind::Header(kind)) => kind,
            _ => "",
        }
    }

    /// The value of an attribute. Where it stands twice, the tool takes the last.
    pub fn value(&self, stanza: Stanza, wanted: &str) -> Option<&str> {
        self.attributes(stanza).filter(|(_, name, _)| *name == wanted).last().map(|(_, _, value)| value)
    }

    /// All attributes of a stanza: index, name and value.
    pub(super) fn attributes(&self, stanza: Stanza) -> impl Iterator<Item = (usize, &str, &str)> {
        let items = self.items.iter().enumerate().take(stanza.end).skip(stanza.head);
        items.filter_map(|(at, item)| match &item.kind {
            Kind::Attribute { name, value, .. } => Some((at, name.as_str(), value.as_str())),
            _ => None,
        })
    }

    /// The line, from 1, on which each item begins.
    pub(super) fn lines(&self) -> Vec<usize> {
        let mut next = 1;
        let lines = self.items.iter().map(|item| {
            let line = next;
            next += item.raw.split(|b| *b == b'\n').count() - 1;
            line
        });
        lines.collect()
    }
}
