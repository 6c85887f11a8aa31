//! One theme file, read but not yet resolved: its palette, its roles, and where each word of them stands, so that a name
//! that turns out to be missing is reported at its line. Never fits colours to a terminal.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::str::FromStr;

use ratatui::style::Modifier;
use strum::IntoEnumIterator;
use toml::de::DeTable;

use super::Variant;
use super::colour::Paint;
use super::role::Role;
use crate::config::document::{Document, Entry, Problems};

/// A colour as it is written, and where.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub text: Rc<str>,
    pub file: Rc<str>,
    pub line: usize,
    pub key: Rc<str>,
}

/// What a file says about one role.
#[derive(Clone, Debug, Default)]
pub(super) struct Spec {
    pub fg: Option<Word>,
    pub bg: Option<Word>,
    pub modifiers: Modifier,
}

/// The shape of the lines around panes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, strum::EnumString, strum::VariantNames)]
#[strum(serialize_all = "lowercase")]
pub(super) enum Lines {
    #[default]
    Plain,
    Rounded,
    Thick,
    Double,
    Ascii,
}

/// One file.
#[derive(Clone, Debug, Default)]
pub(super) struct Sheet {
    pub name: Option<String>,
    pub variant: Option<Variant>,
    pub inherits: Option<Word>,
    pub lines: Option<Lines>,
    pub palette: BTreeMap<String, Word>,
    pub roles: BTreeMap<Role, Spec>,
    pub series: Option<Vec<Word>>,
    pub ansi: BTreeMap<String, Paint>,
}

const TOP: [&str; 7] = ["name", "variant", "inherits", "lines", "palette", "roles", "ansi"];
pub(super) const ROLE_KEYS: [(&str, Modifier); 5] = [
    ("bold", Modifier::BOLD),
    ("italic", Modifier::ITALIC),
    ("underline", Modifier::UNDERLINED),
    ("reverse", Modifier::REVERSED),
    ("dim", Modifier::DIM),
];
const COLOUR: &str = "a colour: \"#rrggbb\", a name of the palette, \"default\" or one of the terminal's 16";

impl Sheet {
    /// Reads a theme file. `file` is what messages call it.
    pub(super) fn read(file: &str, text: &str) -> Result<Self, Problems> {
        let (mut document, table) = Document::parse(file, text)?;
        let mut reader = Reader { sheet: Self::default(), file: file.into(), document: &mut document };
        reader.root(table.get_ref());
        let sheet = reader.sheet;
        document.finish()?;
        Ok(sheet)
    }

    /// True if nothing in it is a colour.
    pub(super) fn is_colourless(&self) -> bool {
        self.series.is_none() && self.roles.values().all(|spec| spec.fg.is_none() && spec.bg.is_none())
    }

    /// This file over the one that it inherits from: what is not named here comes from there.
    pub(super) fn over(mut self, parent: Self) -> Self {
        let mut palette = parent.palette;
        palette.append(&mut self.palette);
        let mut roles = parent.roles;
        if self.series.is_none() && !self.roles.contains_key(&Role::Series) {
            self.series = parent.series;
        }
        roles.append(&mut self.roles);
        let mut ansi = parent.ansi;
        ansi.append(&mut self.ansi);
        Self {
            name: self.name,
            variant: self.variant.or(parent.variant),
            inherits: None,
            lines: self.lines.or(parent.lines),
            palette,
            roles,
            series: self.series,
            ansi,
        }
    }
}

struct Reader<'d, 't> {
    sheet: Sheet,
    file: Rc<str>,
    document: &'d mut Document<'t>,
}

impl<'t> Reader<'_, 't> {
    fn root(&mut self, table: &'t DeTable<'t>) {
        for entry in self.document.entries("", table) {
            match entry.key {
                "name" => self.sheet.name = self.document.string(&entry, "the theme's name").map(str::to_owned),
                "variant" => {
                    self.sheet.variant = self.choice(&entry, &["dark", "light", "any"]);
                }
                "inherits" => self.sheet.inherits = self.word(&entry, "the name of another theme"),
                "lines" => self.sheet.lines = self.choice(&entry, <Lines as strum::VariantNames>::VARIANTS),
                "palette" => self.each(&entry, Self::palette),
                "roles" => self.each(&entry, Self::role),
                "ansi" => self.each(&entry, Self::ansi),
                _ => self.document.unknown(&entry, &TOP),
            }
        }
    }

    fn each(&mut self, entry: &Entry<'t>, read: fn(&mut Self, &Entry<'t>)) {
        if let Some(table) = self.document.table(entry, "a table") {
            for inner in self.document.entries(&entry.path, table) {
                read(self, &inner);
            }
        }
    }

    fn choice<T: FromStr>(&mut self, entry: &Entry<'t>, all: &[&str]) -> Option<T> {
        let expected = format!("one of {}", all.join(", "));
        let word = self.document.string(entry, &expected)?;
        let found = word.parse().ok();
        if found.is_none() {
            self.document.problem(entry, format!("expected {expected}, found {word:?}"));
        }
        found
    }

    fn located(&self, entry: &Entry<'_>, text: &str) -> Word {
        Word { text: text.into(), file: Rc::clone(&self.file), line: entry.line, key: entry.path.as_str().into() }
    }

    fn word(&mut self, entry: &Entry<'t>, expected: &str) -> Option<Word> {
        self.document.string(entry, expected).map(|text| self.located(entry, text))
    }

    /// A colour; only its shape is checked here, because a name may be defined by the parent.
    fn colour(&mut self, entry: &Entry<'t>) -> Option<Word> {
        let word = self.word(entry, COLOUR)?;
        self.check_hex(entry, &word.text).then_some(word)
    }

    fn check_hex(&mut self, entry: &Entry<'t>, text: &str) -> bool {
        let good = !text.starts_with('#') || Paint::parse(text).is_some();
        if !good {
            self.document.problem(entry, format!("{text:?} is no colour: it takes # and 3 or 6 hexadecimal digits"));
        }
        good
    }

    fn palette(&mut self, entry: &Entry<'t>) {
        let Some(word) = self.colour(entry) else { return };
        if Paint::parse(&word.text).is_none() {
            let what =
                format!("{:?} is no colour; a palette takes \"#rrggbb\", \"default\" or one of the terminal's 16", word.text);
            self.document.problem(entry, what);
        }
        self.sheet.palette.insert(entry.key.to_owned(), word);
    }

    fn ansi(&mut self, entry: &Entry<'t>) {
        let expected = "\"default\" or one of the terminal's 16 colours, such as \"blue\" or \"bright-blue\"";
        let Some(text) = self.document.string(entry, expected) else { return };
        match Paint::parse(text) {
            None | Some(Paint::Rgb(_)) => self.document.problem(entry, format!("expected {expected}, found {text:?}")),
            Some(paint) => {
                self.sheet.ansi.insert(entry.key.to_owned(), paint);
            }
        }
    }

    fn role(&mut self, entry: &Entry<'t>) {
        match entry.key {
            "gauge" => return self.gauge(entry),
            "series" if entry.value.is_array() => return self.series(entry),
            _ => {}
        }
        let Ok(role) = Role::from_str(entry.key) else {
            let mut known: Vec<&str> = Role::iter().map(<&'static str>::from).collect();
            known.push("gauge");
            return self.document.unknown(entry, &known);
        };
        let Some(table) = entry.value.as_table() else {
            if entry.value.is_str() {
                if let Some(fg) = self.colour(entry) {
                    self.sheet.roles.insert(role, Spec { fg: Some(fg), ..Spec::default() });
                }
            } else {
                self.document.expected(entry, "a colour or a table such as { fg = \"sky\", bold = true }");
            }
            return;
        };
        let mut spec = Spec::default();
        for inner in self.document.entries(&entry.path, table) {
            match inner.key {
                "fg" => spec.fg = self.colour(&inner),
                "bg" => spec.bg = self.colour(&inner),
                key => match ROLE_KEYS.iter().find(|(name, _)| *name == key) {
                    Some((_, modifier)) => spec.modifiers.set(*modifier, self.document.boolean(&inner) == Some(true)),
                    None => self.document.unknown(&inner, &["fg", "bg", "bold", "italic", "underline", "reverse", "dim"]),
                },
            }
        }
        self.sheet.roles.insert(role, spec);
    }

    fn colours(&mut self, entry: &Entry<'t>, expected: &str) -> Option<Vec<Word>> {
        let words = self.document.strings(entry, expected)?;
        let bad = words.iter().filter(|word| !self.check_hex(entry, word)).count();
        (bad == 0).then(|| words.iter().map(|word| self.located(entry, word)).collect())
    }

    fn series(&mut self, entry: &Entry<'t>) {
        let Some(words) = self.colours(entry, "a list of colours") else { return };
        if words.is_empty() {
            self.document.problem(entry, "a list of at least one colour is needed");
        } else {
            self.sheet.series = Some(words);
        }
    }

    fn gauge(&mut self, entry: &Entry<'t>) {
        let expected = "three colours: low, middle, high";
        let Some(words) = self.colours(entry, expected) else { return };
        let count = words.len();
        let Ok(three) = <[Word; 3]>::try_from(words) else {
            return self.document.problem(entry, format!("expected {expected}, found {count}"));
        };
        for (role, word) in [Role::GaugeLow, Role::GaugeMid, Role::GaugeHigh].into_iter().zip(three) {
            self.sheet.roles.insert(role, Spec { fg: Some(word), ..Spec::default() });
        }
    }
}
