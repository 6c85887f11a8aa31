//! Changes to a document that touch only what they must: all other bytes stay.

use super::held::MARK;
use super::{Document, Held, Item, Kind, Stanza};

/// How the lines of a document end, and how its attributes begin; new lines follow the others' habit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ends {
    /// What stands before an attribute: a tab, or the blanks that the file uses.
    pub indent: String,
}

impl Document {
    /// The habits of this file.
    pub fn ends(&self) -> Ends {
        let first = self.items.iter().find_map(|item| match &item.kind {
            Kind::Attribute { .. } => {
                let blanks = item.raw.iter().take_while(|b| matches!(b, b' ' | b'\t'));
                Some(String::from_utf8_lossy(&blanks.copied().collect::<Vec<_>>()).into_owned())
            }
            _ => None,
        });
        Ends { indent: first.unwrap_or_else(|| "\t".to_owned()) }
    }

    /// Adds a stanza at the end of the file. Values must be one line each.
    pub fn append(&mut self, kind: &str, attributes: &[(&str, String)]) {
        let ends = self.ends();
        if let Some(last) = self.items.last_mut()
            && !last.raw.ends_with(b"\n")
        {
            last.raw.push(b'\n');
        }
        if self.items.last().is_some_and(|last| last.kind != Kind::Blank) {
            self.items.push(Item { kind: Kind::Blank, raw: b"\n".to_vec() });
        }
        self.items.push(Item { kind: Kind::Header(kind.to_owned()), raw: format!("{kind}:\n").into_bytes() });
        for (name, value) in attributes {
            self.items.push(attribute(&ends.indent, name, value));
        }
    }

    /// Sets the value of an attribute (the last of its name, which counts), or adds it below the others of the stanza. True if that
    /// changed anything.
    pub fn set(&mut self, stanza: Stanza, wanted: &str, new: &str) -> bool {
        let indent = self.ends().indent;
        let found = self.attributes(stanza).filter(|(_, name, _)| *name == wanted).last().map(|(at, ..)| at);
        let Some(at) = found else {
            if let Some(last) = stanza.end.checked_sub(1).and_then(|last| self.items.get_mut(last))
                && !last.raw.ends_with(b"\n")
            {
                last.raw.push(b'\n');
            }
            self.items.insert(stanza.end.min(self.items.len()), attribute(&indent, wanted, new));
            return true;
        };
        let Some(Item { kind: Kind::Attribute { value, from, .. }, raw }) = self.items.get_mut(at) else { return false };
        if value == new {
            return false;
        }
        // Blanks behind the value stay, as the line's end does.
        let rest = raw.get(*from..).unwrap_or_default();
        let old = value.len().min(rest.len());
        let tail = if rest.get(..old) == Some(value.as_bytes()) {
            rest.get(old..).unwrap_or_default().to_vec()
        } else {
            // It went on over several lines.
            b"\n".to_vec()
        };
        raw.truncate(*from);
        raw.extend_from_slice(new.as_bytes());
        raw.extend_from_slice(&tail);
        new.clone_into(value);
        true
    }

    /// Comments a stanza out, with a line above it that says why. Comments within it stay as they are.
    pub fn comment_out(&mut self, stanza: Stanza, why: &str) {
        for item in self.items.iter_mut().take(stanza.end).skip(stanza.head) {
            if item.kind == Kind::Comment || item.kind == Kind::Blank {
                continue;
            }
            let mut raw = vec![];
            for line in item.raw.split_inclusive(|b| *b == b'\n') {
                raw.push(b'#');
                raw.extend_from_slice(line);
            }
            *item = Item { kind: Kind::Comment, raw };
        }
        let note = format!("{MARK}{}\n", crate::text::clean(why, 400));
        self.items.insert(stanza.head.min(self.items.len()), Item { kind: Kind::Comment, raw: note.into_bytes() });
        self.split();
    }

    /// Takes away a node that is commented out, with one blank line behind it.
    pub fn forget(&mut self, held: &Held) {
        let (from, mut to) = held.items;
        if self.items.get(to).is_some_and(|item| item.kind == Kind::Blank)
            && from.checked_sub(1).is_none_or(|above| self.items.get(above).is_some_and(|item| item.kind == Kind::Blank))
        {
            to += 1;
        }
        let to = to.min(self.items.len());
        if from < to {
            self.items.drain(from..to);
        }
    }

    /// One item a line again, where a comment was made of an attribute of several lines.
    fn split(&mut self) {
        let items = std::mem::take(&mut self.items);
        for item in items {
            if item.kind == Kind::Comment {
                let lines = item.raw.split_inclusive(|b| *b == b'\n');
                self.items.extend(lines.map(|line| Item { kind: Kind::Comment, raw: line.to_vec() }));
            } else {
                self.items.push(item);
            }
        }
    }
}

fn attribute(indent: &str, name: &str, value: &str) -> Item {
    let start = format!("{indent}{name} = ");
    let kind = Kind::Attribute { name: name.to_owned(), value: value.to_owned(), from: start.len() };
    Item { kind, raw: format!("{start}{value}\n").into_bytes() }
}
