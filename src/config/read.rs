//! From a document to a [`Config`]: each key to its field, each mistake to a problem with its line.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::document::{Document, Entry, Problems, nearest};
use super::schema::{self, SAMPLE_PROFILE};
use super::{Config, Dirs, Password, Profile, ThemeChoice};
use crate::feed::follow::options::CLOCK_MOST;
use crate::text;

/// The longest list of keys for one action, targets of one profile, words of one command.
const LIST_LIMIT: usize = 64;

/// Reads the text of a configuration file that stands at `path`.
pub fn parse(path: &Path, text: &str, dirs: &Dirs) -> Result<Config, Problems> {
    let file = path.display().to_string();
    let (mut document, table) = Document::parse(&file, text)?;
    let mut reader = Reader { config: Config::default(), document: &mut document, dirs, path };
    reader.root(table.get_ref());
    let mut config = reader.config;
    document.finish()?;
    config.file = Some(path.to_owned());
    Ok(config)
}

struct Reader<'d, 't> {
    config: Config,
    document: &'d mut Document<'t>,
    dirs: &'d Dirs,
    path: &'d Path,
}

impl<'t> Reader<'_, 't> {
    fn root(&mut self, table: &'t DeTable<'t>) {
        let mut default_profile = None;
        for entry in self.document.entries("", table) {
            match entry.key {
                "profile" => {
                    self.config.profile = self.text(&entry, "the name of a profile");
                    default_profile = Some(entry);
                }
                "theme" => set(self.theme(&entry), &mut self.config.theme),
                "colours" | "colors" => set(self.parsed(&entry), &mut self.config.colours),
                "ascii" => set(self.parsed(&entry), &mut self.config.ascii),
                "mouse" => set(self.document.boolean(&entry), &mut self.config.mouse),
                "title" => set(self.document.boolean(&entry), &mut self.config.title),
                "poll" => self.section(&entry, Self::poll),
                "recording" => self.section(&entry, Self::recording),
                "log" => self.section(&entry, Self::log),
                "keys" => self.section(&entry, Self::key),
                "profiles" => self.section(&entry, Self::profile),
                _ => self.document.unknown(&entry, &schema::top()),
            }
        }
        if let (Some(entry), Some(name)) = (default_profile, &self.config.profile)
            && !self.config.profiles.contains_key(name)
        {
            let known: Vec<&str> = self.config.profiles.keys().map(String::as_str).collect();
            let hint = match nearest(name, &known) {
                Some(near) => format!("did you mean {near:?}?"),
                None if known.is_empty() => "the file has no profiles".to_owned(),
                None => format!("profiles: {}", known.join(", ")),
            };
            self.document.problem(&entry, format!("there is no profile {name:?}; {hint}"));
        }
    }

    fn section(&mut self, entry: &Entry<'t>, read: fn(&mut Self, &Entry<'t>)) {
        if let Some(table) = self.document.table(entry, "a table") {
            for inner in self.document.entries(&entry.path, table) {
                read(self, &inner);
            }
        }
    }

    fn poll(&mut self, entry: &Entry<'t>) {
        const MINUTE: u64 = 60;
        match entry.key {
            "probe" => set(self.duration(entry, 2, 5 * MINUTE), &mut self.config.poll.probe),
            "metrics" => set(self.duration(entry, 1, 5 * MINUTE), &mut self.config.poll.metrics),
            "clock" => set(self.duration(entry, 2, CLOCK_MOST.as_secs()), &mut self.config.poll.clock),
            "timeout" => set(self.duration(entry, 1, 10 * MINUTE), &mut self.config.poll.timeout),
            "retry_max" => set(self.duration(entry, 1, 10 * MINUTE), &mut self.config.poll.retry_max),
            _ => self.document.unknown(entry, &schema::keys("poll")),
        }
    }

    fn recording(&mut self, entry: &Entry<'t>) {
        const HOUR: u64 = 3600;
        match entry.key {
            "on" => set(self.document.boolean(entry), &mut self.config.recording.on),
            "keep" => set(self.duration(entry, HOUR, 10 * 365 * 24 * HOUR), &mut self.config.recording.limits.age),
            "size" => {
                let takes = "a size from 10MB to 10000GB, such as \"500MB\" or \"2GB\"";
                let Some(word) = self.document.string(entry, takes) else { return };
                match parse_size(word) {
                    Some(size) => self.config.recording.limits.bytes = size,
                    None => self.document.problem(entry, format!("expected {takes}, found {word:?}")),
                }
            }
            _ => self.document.unknown(entry, &schema::keys("recording")),
        }
    }

    fn log(&mut self, entry: &Entry<'t>) {
        match entry.key {
            "level" => set(self.parsed(entry), &mut self.config.log.level),
            "file" => self.config.log.file = self.text(entry, "a path").map(|path| self.dirs.expand(&path, self.path)),
            _ => self.document.unknown(entry, &schema::keys("log")),
        }
    }

    /// Names of actions and keys are the terminal's business; only their shape is checked here.
    fn key(&mut self, entry: &Entry<'t>) {
        let expected = "a key such as \"ctrl-k\", or a list of keys";
        let Some(keys) = self.list(entry, expected) else { return };
        let at = super::KeyOverride { action: entry.key.to_owned(), keys, line: entry.line };
        self.config.keys.push(at);
    }

    fn profile(&mut self, entry: &Entry<'t>) {
        let Some(table) = self.document.table(entry, "a table with at least a target") else { return };
        let name = entry.key;
        if name.is_empty() || text::clean(name, 64) != name || name.contains(char::is_whitespace) {
            self.document.problem(entry, "a profile's name takes up to 64 visible characters and no blanks");
        }
        let mut profile = Profile { name: name.to_owned(), ..Profile::default() };
        let mut password: Option<(&str, Password)> = None;
        for inner in self.document.entries(&entry.path, table) {
            match inner.key {
                "target" => profile.targets = self.list(&inner, "an address, or a list of addresses").unwrap_or_default(),
                "user" => profile.user = self.text(&inner, "a user's name"),
                "password_command" | "password_file" => {
                    let found = self.password(&inner);
                    match (&password, found) {
                        (Some((before, _)), _) => {
                            self.document.problem(&inner, format!("there is {before} already; one of them is enough"));
                        }
                        (None, Some(found)) => password = Some((inner.key, found)),
                        (None, None) => {}
                    }
                }
                "password" => self.document.problem(
                    &inner,
                    "passwords do not go into this file; use password_command, or password_file with chmod 600, or be asked",
                ),
                "read_only" => set(self.document.boolean(&inner), &mut profile.read_only),
                "fingerprint" => profile.fingerprint = self.fingerprint(&inner),
                "insecure_http" => set(self.document.boolean(&inner), &mut profile.insecure_http),
                "theme" => profile.theme = self.theme(&inner),
                "label" => profile.label = self.text(&inner, "a short text"),
                _ => self.document.unknown(&inner, &schema::keys(SAMPLE_PROFILE)),
            }
        }
        if !table.keys().any(|key| key.get_ref() == "target") {
            self.document.problem(entry, "a profile needs a target, such as target = \"root@10.0.0.1\"");
        }
        profile.password = password.map(|(_, password)| password);
        self.config.profiles.insert(name.to_owned(), profile);
    }

    fn password(&mut self, entry: &Entry<'t>) -> Option<Password> {
        if entry.key == "password_file" {
            return self.text(entry, "a path").map(|path| Password::File(self.dirs.expand(&path, self.path)));
        }
        if entry.value.is_str() {
            let what =
                "expected a list of words such as [\"pass\", \"show\", \"pools/prod\"]: the command is run without a shell";
            self.document.problem(entry, what);
            return None;
        }
        self.list(entry, "a list of words").map(Password::Command)
    }

    fn fingerprint(&mut self, entry: &Entry<'t>) -> Option<String> {
        let expected = "a SHA-256 fingerprint: 64 hexadecimal digits, colons allowed";
        let written = self.document.string(entry, expected)?;
        let digits = written.strip_prefix("SHA256:").unwrap_or(written).replace(':', "").to_ascii_uppercase();
        if digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Some(digits);
        }
        self.document.problem(entry, format!("expected {expected}, found {} characters", digits.chars().count()));
        None
    }

    fn theme(&mut self, entry: &Entry<'t>) -> Option<ThemeChoice> {
        let expected = "\"auto\", a theme's name or path, or { dark = \"…\", light = \"…\" }";
        let DeValue::Table(table) = entry.value else {
            return self.text(entry, expected).map(|word| ThemeChoice::named(&word));
        };
        let mut pair = (None, None);
        for inner in self.document.entries(&entry.path, table) {
            match inner.key {
                "dark" => pair.0 = self.text(&inner, "a theme's name"),
                "light" => pair.1 = self.text(&inner, "a theme's name"),
                _ => self.document.unknown(&inner, &["dark", "light"]),
            }
        }
        Some(ThemeChoice::ByGround {
            dark: pair.0.unwrap_or_else(|| "dark".to_owned()),
            light: pair.1.unwrap_or_else(|| "light".to_owned()),
        })
    }

    fn text(&mut self, entry: &Entry<'t>, expected: &str) -> Option<String> {
        let found = self.document.string(entry, expected)?;
        if found.is_empty() {
            self.document.problem(entry, format!("expected {expected}, found an empty string"));
            return None;
        }
        Some(found.to_owned())
    }

    fn list(&mut self, entry: &Entry<'t>, expected: &str) -> Option<Vec<String>> {
        let found = self.document.strings(entry, expected)?;
        if found.is_empty() || found.len() > LIST_LIMIT || found.iter().any(|word| word.is_empty()) {
            self.document.problem(entry, format!("expected {expected}: 1 to {LIST_LIMIT} strings, none of them empty"));
            return None;
        }
        Some(found.into_iter().map(str::to_owned).collect())
    }

    /// A word of a closed list, which says itself what it takes.
    fn parsed<T: FromStr>(&mut self, entry: &Entry<'t>) -> Option<T> {
        let takes = schema::ITEMS.iter().find(|item| item.key == entry.key).map_or("a word", |item| item.takes);
        let word = self.document.string(entry, takes)?;
        let found = word.parse().ok();
        if found.is_none() {
            self.document.problem(entry, format!("expected {takes}, found {word:?}"));
        }
        found
    }

    fn duration(&mut self, entry: &Entry<'t>, least: u64, most: u64) -> Option<Duration> {
        let (least, most) = (Duration::from_secs(least), Duration::from_secs(most));
        let takes = format!("a duration from {} to {}, such as \"5s\" or \"2min\"", text::duration(least), text::duration(most));
        let word = self.document.string(entry, &takes)?;
        let found = parse_duration(word).filter(|found| (least..=most).contains(found));
        if found.is_none() {
            self.document.problem(entry, format!("expected {takes}, found {word:?}"));
        }
        found
    }
}

fn set<T>(value: Option<T>, field: &mut T) {
    if let Some(value) = value {
        *field = value;
    }
}

/// A whole number and one of `MB` or `GB` (of 1,000 each), with or without a blank: 10 MB to 10,000 GB. Bytes.
pub fn parse_size(word: &str) -> Option<u64> {
    let split = word.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = word.split_at(split);
    let number: u64 = number.parse().ok()?;
    let unit: u64 = match unit.trim_start() {
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => return None,
    };
    number.checked_mul(unit).filter(|size| (10_000_000..=10_000_000_000_000).contains(size))
}

/// A whole number and one of `ms`, `s`, `min` (or `m`), `h`, `d`, with or without a blank.
pub fn parse_duration(word: &str) -> Option<Duration> {
    let split = word.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = word.split_at(split);
    let number: u64 = number.parse().ok()?;
    let millis: u64 = match unit.trim_start() {
        "ms" => 1,
        "s" => 1_000,
        "min" | "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(millis).map(Duration::from_millis)
}
