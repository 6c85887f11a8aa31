//! A TOML file that knows its lines: readers of configuration and themes take values from it and collect *every* problem
//! with its line, its key, what was expected and the nearest right word. Never decides what a key means.

use std::fmt;
use std::io::Read;
use std::ops::Range;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::text;

/// The largest configuration or theme file that is read, in bytes.
pub const FILE_LIMIT: u64 = 1024 * 1024;
/// The most problems that are kept from one file; the rest is counted.
const PROBLEM_LIMIT: usize = 20;

/// One thing that is wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line, counted from 1; 0 if it concerns the whole file.
    pub line: usize,
    /// The key with its sections, as in `profiles.prod.target`; empty if it concerns the whole file.
    pub key: String,
    /// What is wrong and what was expected.
    pub what: String,
}

/// Everything that is wrong in one file. Shown as one line a problem: `file:line: key: what`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    /// The file, as a person would name it.
    pub file: String,
    /// The problems in the order of their lines.
    pub list: Vec<Problem>,
    /// How many more there were than are listed.
    pub more: usize,
}

impl Problems {
    /// A file with one problem.
    pub fn one(file: impl Into<String>, line: usize, key: impl Into<String>, what: impl Into<String>) -> Self {
        Self { file: file.into(), list: vec![Problem { line, key: key.into(), what: what.into() }], more: 0 }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.list.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{}", self.file)?;
            if problem.line > 0 {
                write!(f, ":{}", problem.line)?;
            }
            write!(f, ": ")?;
            if !problem.key.is_empty() {
                write!(f, "{}: ", text::clean(&problem.key, 200))?;
            }
            write!(f, "{}", text::clean(&problem.what, 600))?;
        }
        if self.more > 0 {
            write!(f, "\n{}: and {} more problems", self.file, self.more)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// A key of a table with where it stands.
#[derive(Clone, Debug)]
pub struct Entry<'t> {
    /// The key itself, without its sections.
    pub key: &'t str,
    /// The key with its sections, for messages.
    pub path: String,
    /// The line of the key, counted from 1.
    pub line: usize,
    /// Its value.
    pub value: &'t DeValue<'t>,
    span: Range<usize>,
}

/// A parsed file, and the problems that reading it has brought up so far.
#[derive(Debug)]
pub struct Document<'t> {
    text: &'t str,
    problems: Problems,
}

impl<'t> Document<'t> {
    /// Parses `text`. A syntax error is the only thing that stops a reader; it comes back as `Err`.
    pub fn parse(file: &str, text: &'t str) -> Result<(Self, Spanned<DeTable<'t>>), Problems> {
        let document = Self { text, problems: Problems { file: file.to_owned(), ..Problems::default() } };
        match DeTable::parse(text) {
            Ok(table) => Ok((document, table)),
            Err(error) => {
                let line = error.span().map_or(0, |span| document.line(span.start));
                // The parser's reason has one cause a line: one sentence is enough.
                let what = error.message().trim().replace('\n', "; ");
                Err(Problems::one(file, line, "", format!("this is no valid TOML: {what}")))
            }
        }
    }

    /// The line of a byte offset, counted from 1.
    fn line(&self, offset: usize) -> usize {
        1 + self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
    }

    /// The entries of a table in the order of the file. `path` is the table's own name, empty for the root.
    pub fn entries(&self, path: &str, table: &'t DeTable<'t>) -> Vec<Entry<'t>> {
        let mut entries: Vec<_> = table
            .iter()
            .map(|(key, value)| Entry {
                key: key.get_ref(),
                path: if path.is_empty() { key.get_ref().to_string() } else { format!("{path}.{}", key.get_ref()) },
                line: self.line(key.span().start),
                value: value.get_ref(),
                span: key.span(),
            })
            .collect();
        entries.sort_by_key(|entry| entry.span.start);
        entries
    }

    /// Notes that something is wrong with an entry.
    pub fn problem(&mut self, entry: &Entry<'_>, what: impl Into<String>) {
        self.note(entry.line, &entry.path, what);
    }

    /// Notes that something is wrong at a line.
    pub fn note(&mut self, line: usize, key: &str, what: impl Into<String>) {
        if self.problems.list.len() >= PROBLEM_LIMIT {
            self.problems.more += 1;
            return;
        }
        self.problems.list.push(Problem { line, key: key.to_owned(), what: what.into() });
    }

    /// Notes a key that nobody knows, with the nearest known one.
    pub fn unknown(&mut self, entry: &Entry<'_>, known: &[&str]) {
        let what = match nearest(entry.key, known) {
            Some(near) => format!("unknown key; did you mean `{near}`?"),
            None => format!("unknown key; known here: {}", known.join(", ")),
        };
        self.problem(entry, what);
    }

    /// Notes a value of the wrong type.
    pub fn expected(&mut self, entry: &Entry<'_>, expected: &str) {
        let found = entry.value.type_str();
        let article = if found.starts_with(['a', 'i']) { "an" } else { "a" };
        self.problem(entry, format!("expected {expected}, found {article} {found}"));
    }

    /// The entry as a string.
    pub fn string(&mut self, entry: &Entry<'t>, expected: &str) -> Option<&'t str> {
        let found = entry.value.as_str();
        if found.is_none() {
            self.expected(entry, expected);
        }
        found
    }

    /// The entry as true or false.
    pub fn boolean(&mut self, entry: &Entry<'t>) -> Option<bool> {
        let found = entry.value.as_bool();
        if found.is_none() {
            self.expected(entry, "true or false");
        }
        found
    }

    /// The entry as a table.
    pub fn table(&mut self, entry: &Entry<'t>, expected: &str) -> Option<&'t DeTable<'t>> {
        let found = entry.value.as_table();
        if found.is_none() {
            self.expected(entry, expected);
        }
        found
    }

    /// The entry as strings: an array of them, or one alone.
    pub fn strings(&mut self, entry: &Entry<'t>, expected: &str) -> Option<Vec<&'t str>> {
        let found = match entry.value {
            DeValue::String(one) => Some(vec![one.as_ref()]),
            DeValue::Array(array) => array.iter().map(|item| item.get_ref().as_str()).collect(),
            _ => None,
        };
        if found.is_none() {
            self.expected(entry, expected);
        }
        found
    }

    /// What has come up, if anything.
    pub fn finish(self) -> Result<(), Problems> {
        if self.problems.list.is_empty() { Ok(()) } else { Err(self.problems) }
    }
}

/// Reads a whole file of at most [`FILE_LIMIT`] bytes as text.
pub fn read_file(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(FILE_LIMIT + 1).read_to_string(&mut text)?;
    if text.len() as u64 > FILE_LIMIT {
        return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, "larger than 1 MiB"));
    }
    Ok(text)
}

/// The candidate that is nearest to `word`, if it is near enough to be a slip of the finger.
pub fn nearest<'c>(word: &str, candidates: &[&'c str]) -> Option<&'c str> {
    let word = word.get(..64).unwrap_or(word);
    let limit = (word.chars().count() / 3).clamp(1, 3);
    candidates
        .iter()
        .map(|candidate| (distance(word, candidate), *candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Damerau's distance between two words: insertions, deletions, substitutions and swaps of neighbours. `-` and `_` are one.
fn distance(a: &str, b: &str) -> usize {
    let fold = |c: char| if c == '_' { '-' } else { c.to_ascii_lowercase() };
    let a: Vec<char> = a.chars().map(fold).collect();
    let b: Vec<char> = b.chars().map(fold).collect();
    let mut before: Vec<usize> = vec![];
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, cb) in b.iter().enumerate() {
            let at = |line: &[usize], column: usize| line.get(column).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&above, j + 1) + 1).min(at(&row, j) + 1).min(at(&above, j) + usize::from(ca != cb));
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(cb) && b.get(j - 1) == Some(ca);
            if swapped {
                best = best.min(at(&before, j - 1) + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or(0)
}

/// Checks that the generated parts of a document are what the program would write now; with `POOLWATCH_BLESS=1` writes
/// them. A part stands between `<!-- generated: NAME -->` and `<!-- end: NAME -->`.
#[cfg(test)]
pub(crate) fn generated(path: &Path, parts: &[(&str, &str)]) {
    let before = std::fs::read_to_string(path).unwrap();
    let mut text = before.clone();
    for (name, content) in parts {
        let (open, close) = (format!("<!-- generated: {name} -->\n"), format!("<!-- end: {name} -->"));
        let start = text.find(&open).unwrap_or_else(|| panic!("{} has no {open}", path.display())) + open.len();
        let end = start + text[start..].find(&close).unwrap();
        text.replace_range(start..end, &format!("{}\n\n", content.trim_end()));
    }
    if text != before && std::env::var_os("POOLWATCH_BLESS").is_some() {
        return std::fs::write(path, text).unwrap();
    }
    assert!(text == before, "{} is stale; run the tests once with POOLWATCH_BLESS=1", path.display());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_finger_are_found_and_other_words_are_not() {
        let known = ["theme", "mouse", "profiles", "password_file"];
        assert_eq!(nearest("tehme", &known), Some("theme"));
        assert_eq!(nearest("Mouse", &known), Some("mouse"));
        assert_eq!(nearest("password-file", &known), Some("password_file"));
        assert_eq!(nearest("profile", &known), Some("profiles"));
        assert_eq!(nearest("colour", &known), None);
        assert_eq!(nearest("", &known), None);
        assert_eq!(distance("ab", "ba"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn problems_name_file_line_key_and_the_nearest_word() {
        let text = "a = 1\n\n[b]\nmuose = 3\n";
        let (mut document, table) = Document::parse("x.toml", text).unwrap();
        let entries = document.entries("", table.get_ref());
        assert_eq!(entries.iter().map(|e| (e.key, e.line)).collect::<Vec<_>>(), [("a", 1), ("b", 3)]);
        document.boolean(&entries[0]);
        let inner = document.table(&entries[1], "a table").unwrap();
        let inner = document.entries("b", inner);
        document.unknown(&inner[0], &["mouse", "theme"]);
        assert_eq!(
            document.finish().unwrap_err().to_string(),
            "x.toml:1: a: expected true or false, found an integer\nx.toml:4: b.muose: unknown key; did you mean `mouse`?"
        );
    }

    #[test]
    fn syntax_errors_name_the_line_and_the_list_is_bounded() {
        let error = Document::parse("x.toml", "a = 1\nb = \n").unwrap_err().to_string();
        assert!(error.starts_with("x.toml:2: this is no valid TOML: "), "{error}");
        assert_eq!(error.lines().count(), 1);
        let (mut document, _table) = Document::parse("x.toml", "").unwrap();
        for line in 0..100 {
            document.note(line, "k", "w");
        }
        let shown = document.finish().unwrap_err().to_string();
        assert_eq!(shown.lines().count(), 21);
        assert!(shown.ends_with("and 80 more problems"), "{shown}");
    }
}
