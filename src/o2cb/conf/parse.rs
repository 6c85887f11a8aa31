//! Bytes to items. What the tool accepts is accepted, what it rejects is rejected, with the reason and what to do.

use super::{Broken, Document, Item, Kind, Problem, What};
use crate::o2cb::LARGEST;

/// Reads a file.
pub(super) fn parse(bytes: &[u8]) -> Result<Document, Broken> {
    let whole = |what| Err(Broken { problems: vec![Problem { line: 1, what }] });
    if bytes.len() as u64 > LARGEST {
        return whole(What::TooLarge { bytes: bytes.len() as u64 });
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return whole(What::Utf16);
    }
    if bytes.starts_with(&[0xef, 0xbb, 0xbf]) {
        return whole(What::Bom);
    }
    let mut lines = Lines { bytes, at: 0, line: 0 };
    let mut reader = Reader { items: vec![], problems: vec![], open: false };
    while let Some(line) = lines.next() {
        reader.line(line, &mut lines);
        if reader.problems.len() >= Broken::MOST {
            break;
        }
    }
    if reader.problems.is_empty() { Ok(Document { items: reader.items }) } else { Err(Broken { problems: reader.problems }) }
}

/// The physical lines, with their ends.
struct Lines<'b> {
    bytes: &'b [u8],
    at: usize,
    /// Number of the line that was given last, from 1.
    line: usize,
}

impl<'b> Lines<'b> {
    fn next(&mut self) -> Option<&'b [u8]> {
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        let length = rest.iter().position(|b| *b == b'\n').map_or(rest.len(), |end| end + 1);
        self.at += length;
        self.line += 1;
        rest.get(..length)
    }
}

struct Reader {
    items: Vec<Item>,
    problems: Vec<Problem>,
    /// A stanza is open.
    open: bool,
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

fn skip(bytes: &[u8], from: usize, so_long: fn(u8) -> bool) -> usize {
    bytes.iter().skip(from).position(|b| !so_long(*b)).map_or(bytes.len(), |length| from + length)
}

/// `bytes` without the line break at the end.
fn body(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// As the tool's `g_strchomp`: white space of ASCII at the end goes, carriage returns and vertical tabs too.
fn chomp(value: &str) -> &str {
    value.trim_end_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c'])
}

impl Reader {
    fn line(&mut self, line: &[u8], lines: &mut Lines<'_>) {
        let content = body(line);
        let number = lines.line;
        if content.contains(&0) {
            // The tool would take it for the end of the file, and lose what follows at its next rewrite.
            self.wrong(number, What::Nul);
            return;
        }
        match content.first() {
            Some(b'#') => self.keep(Kind::Comment, line),
            None => self.blank(line),
            Some(first) if is_blank(*first) => {
                let from = skip(content, 0, is_blank);
                match content.get(from) {
                    None => self.blank(line),
                    Some(byte) if is_word(*byte) => self.attribute(line, from, lines),
                    Some(b'\r') if content.len() == from + 1 => self.wrong(number, What::CarriageReturn),
                    Some(b'#') => self.wrong(number, What::IndentedComment),
                    Some(_) => self.wrong(number, What::NoName { found: excerpt(content) }),
                }
            }
            Some(b'\r') if content.len() == 1 => self.wrong(number, What::CarriageReturn),
            Some(first) if is_word(*first) => self.header(line, number),
            Some(_) => self.wrong(number, What::NotText { found: excerpt(content) }),
        }
    }

    fn keep(&mut self, kind: Kind, raw: &[u8]) {
        self.items.push(Item { kind, raw: raw.to_vec() });
    }

    fn blank(&mut self, line: &[u8]) {
        self.open = false;
        self.keep(Kind::Blank, line);
    }

    fn wrong(&mut self, line: usize, what: What) {
        self.problems.push(Problem { line, what });
    }

    fn header(&mut self, line: &[u8], number: usize) {
        let content = body(line);
        let end = skip(content, 0, is_word);
        let name = text(content.get(..end).unwrap_or_default());
        if content.get(end) == Some(&b':') {
            let rest = content.get(end + 1..).unwrap_or_default();
            // A bad head still opens a stanza, so that its attributes are not called wrong as well.
            self.open = true;
            if rest.iter().all(|b| is_blank(*b)) {
                self.keep(Kind::Header(name), line);
            } else if rest.strip_suffix(b"\r").is_some_and(|rest| rest.iter().all(|b| is_blank(*b))) {
                self.wrong(number, What::CarriageReturn);
            } else {
                self.wrong(number, What::AfterColon { found: excerpt(rest) });
            }
            return;
        }
        let after = skip(content, end, is_blank);
        match content.get(after) {
            Some(b'=') => self.wrong(number, What::NotIndented { name }),
            Some(b':') => {
                self.open = true;
                self.wrong(number, What::BlankBeforeColon { name });
            }
            _ => self.wrong(number, What::NoColon { found: excerpt(content) }),
        }
    }

    fn attribute(&mut self, line: &[u8], from: usize, lines: &mut Lines<'_>) {
        let number = lines.line;
        let content = body(line);
        let end = skip(content, from, is_word);
        let name = text(content.get(from..end).unwrap_or_default());
        let equal = skip(content, end, is_blank);
        if content.get(equal) != Some(&b'=') {
            let what = match content.get(equal) {
                Some(b':') => What::IndentedHeader { name },
                None => What::NoValue { name },
                Some(_) => What::NoEqual { found: excerpt(content) },
            };
            self.wrong(number, what);
            return;
        }
        if !self.open {
            // Its lines are skipped, so that they are not called wrong as well.
            self.wrong(number, What::Outside { name });
            return;
        }
        let start = skip(content, equal + 1, is_blank);
        let mut raw = line.to_vec();
        let mut value = content.get(start..).unwrap_or_default().to_vec();
        let mut ended = line.ends_with(b"\n");
        while value.last() == Some(&b'\\') {
            value.pop();
            // The tool takes a backslash at the end of the file; `check` calls it half written.
            let Some(next) = ended.then(|| lines.next()).flatten() else { break };
            if next.contains(&0) {
                self.wrong(lines.line, What::Nul);
                return;
            }
            ended = next.ends_with(b"\n");
            raw.extend_from_slice(next);
            value.push(b'\n');
            let at = value.len();
            value.extend_from_slice(body(next));
            if value.len() == at {
                break;
            }
        }
        let value = chomp(&text(&value)).to_owned();
        self.keep(Kind::Attribute { name, value, from: start }, &raw);
    }
}

/// The beginning of a line, to be shown.
fn excerpt(bytes: &[u8]) -> String {
    crate::text::clean(&text(bytes), 60).into_owned()
}
