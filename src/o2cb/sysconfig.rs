//! `/etc/sysconfig/o2cb` or `/etc/default/o2cb`: whether o2cb starts with the host, and its timers. A shell script that only sets variables;
//! what is more than that is not understood, and then nothing is written.

use super::folder::{Folder, FolderError};
use serde::Serialize;

/// The two places, in the order in which the init script looks.
const PLACES: [&str; 2] = ["etc/sysconfig/o2cb", "etc/default/o2cb"];
/// The largest that is read, in bytes.
pub const LARGEST: u64 = 64 << 10;

/// The timers. `None`: not said, so the kernel's default counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Timers {
    /// Missed heartbeats, each of 2 s, after which a node is dead to the others. Default 31, at least 7.
    pub dead_threshold: Option<u32>,
    /// Silence after which a connection counts as lost, in milliseconds. Default 30000, at least 5000.
    pub idle_timeout_ms: Option<u32>,
    /// Silence after which a sign of life is sent, in milliseconds. Default 2000, at least 1000.
    pub keepalive_delay_ms: Option<u32>,
    /// Time between attempts to connect, in milliseconds. Default 2000, at least 2000.
    pub reconnect_delay_ms: Option<u32>,
}

/// Name in JSON and configfs, name in the file, the kernel's default, the least that the init script takes.
const TIMERS: [(&str, &str, u32, u32); 4] = [
    ("dead_threshold", "O2CB_HEARTBEAT_THRESHOLD", 31, 7),
    ("idle_timeout_ms", "O2CB_IDLE_TIMEOUT_MS", 30_000, 5_000),
    ("keepalive_delay_ms", "O2CB_KEEPALIVE_DELAY_MS", 2_000, 1_000),
    ("reconnect_delay_ms", "O2CB_RECONNECT_DELAY_MS", 2_000, 2_000),
];

impl Timers {
    fn all(self) -> [Option<u32>; 4] {
        [self.dead_threshold, self.idle_timeout_ms, self.keepalive_delay_ms, self.reconnect_delay_ms]
    }

    /// These where they are said, else those of `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            dead_threshold: self.dead_threshold.or(other.dead_threshold),
            idle_timeout_ms: self.idle_timeout_ms.or(other.idle_timeout_ms),
            keepalive_delay_ms: self.keepalive_delay_ms.or(other.keepalive_delay_ms),
            reconnect_delay_ms: self.reconnect_delay_ms.or(other.reconnect_delay_ms),
        }
    }

    /// Tells each timer that is said here and runs otherwise in `live`: its name, what is wanted, what runs.
    pub fn differ_from(self, live: &Self, mut tell: impl FnMut(&'static str, String, String)) {
        for ((name, ..), (wanted, live)) in TIMERS.iter().zip(self.all().into_iter().zip(live.all())) {
            if let (Some(wanted), Some(live)) = (wanted, live)
                && wanted != live
            {
                tell(name, wanted.to_string(), live.to_string());
            }
        }
    }

    /// What is wrong with them, in words.
    pub fn wrong(self) -> Vec<String> {
        let mut found = vec![];
        for ((name, key, default, least), value) in TIMERS.iter().zip(self.all()) {
            if let Some(value) = value.filter(|value| value < least) {
                found.push(format!(
                    "{key}={value} ({name}) is less than {least}, the least that o2cb takes; the default is {default}"
                ));
            }
        }
        let idle = self.idle_timeout_ms.unwrap_or(30_000);
        let keepalive = self.keepalive_delay_ms.unwrap_or(2_000);
        if idle <= keepalive {
            found.push(format!("the idle time-out ({idle} ms) must be longer than the delay of keepalives ({keepalive} ms); the kernel refuses it"));
        }
        found
    }
}

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sysconfig {
    /// Where it is, below the root.
    pub path: String,
    /// `O2CB_ENABLED`: o2cb starts with the host.
    pub enabled: Option<bool>,
    /// `O2CB_BOOTCLUSTER`: the cluster that is then brought online.
    pub boot_cluster: Option<String>,
    /// The timers.
    pub timers: Timers,
    /// Lines that are more than a variable, from 1.
    pub not_understood: Vec<usize>,
    #[serde(skip)]
    text: String,
}

/// Why the file cannot be changed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum SysconfigError {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error("/{path} is no text. Look at it before anything is changed")]
    NoText { path: String },
    #[error(
        "/{path} line {line} is more than a variable, so poolwatch does not change the file. Set O2CB_ENABLED and O2CB_BOOTCLUSTER by hand"
    )]
    Script { path: String, line: usize },
}

/// `KEY=value` of a line, or what it is instead.
enum Line<'l> {
    Nothing,
    Sets(&'l str, String),
    More,
}

fn line(text: &str) -> Line<'_> {
    let text = text.trim();
    let text = text.strip_prefix("export ").unwrap_or(text).trim_start();
    if text.is_empty() || text.starts_with('#') {
        return Line::Nothing;
    }
    let Some((key, value)) = text.split_once('=') else { return Line::More };
    if key.is_empty() || !key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Line::More;
    }
    let quoted = |quote: char| value.strip_prefix(quote)?.split_once(quote);
    let (value, rest) = match quoted('"').or_else(|| quoted('\'')) {
        Some(parts) => parts,
        None => value.split_at(value.find([' ', '\t']).unwrap_or(value.len())),
    };
    let rest = rest.trim();
    let plain = |c: char| !matches!(c, '$' | '`' | '\\' | ';' | '&' | '|' | '<' | '>' | '(' | ')' | '"' | '\'');
    if !value.chars().all(plain) || !(rest.is_empty() || rest.starts_with('#')) {
        return Line::More;
    }
    Line::Sets(key, value.to_owned())
}

impl Sysconfig {
    /// Reads the file that the init script would take. None there: an empty one, with the place where it would be made.
    pub fn look(folder: &dyn Folder) -> Result<Self, SysconfigError> {
        for path in PLACES {
            if let Some(bytes) = folder.read(path, LARGEST)? {
                let text = String::from_utf8(bytes).map_err(|_| SysconfigError::NoText { path: path.to_owned() })?;
                return Ok(Self::parse(path, text));
            }
        }
        let path = if folder.exists("etc/sysconfig") { "etc/sysconfig/o2cb" } else { "etc/default/o2cb" };
        Ok(Self::parse(path, String::new()))
    }

    /// Reads the text of the file at `path`.
    pub fn parse(path: &str, text: String) -> Self {
        let mut found = Self { path: path.to_owned(), ..Self::default() };
        for (at, raw) in text.lines().enumerate() {
            match line(raw) {
                Line::Nothing => {}
                Line::More => found.not_understood.push(at + 1),
                Line::Sets(key, value) => found.takes(key, &value),
            }
        }
        found.text = text;
        found
    }

    fn takes(&mut self, key: &str, value: &str) {
        let number = || value.parse().ok();
        match key {
            "O2CB_ENABLED" => self.enabled = Some(value == "true"),
            "O2CB_BOOTCLUSTER" => self.boot_cluster = (!value.is_empty()).then(|| value.to_owned()),
            "O2CB_HEARTBEAT_THRESHOLD" => self.timers.dead_threshold = number(),
            "O2CB_IDLE_TIMEOUT_MS" => self.timers.idle_timeout_ms = number(),
            "O2CB_KEEPALIVE_DELAY_MS" => self.timers.keepalive_delay_ms = number(),
            "O2CB_RECONNECT_DELAY_MS" => self.timers.reconnect_delay_ms = number(),
            _ => {}
        }
    }

    /// The text with these variables set; all else as it was.
    ///
    /// # Errors
    /// If the file is more than variables.
    pub fn with(&self, set: &[(&str, &str)]) -> Result<String, SysconfigError> {
        if let Some(line) = self.not_understood.first() {
            return Err(SysconfigError::Script { path: self.path.clone(), line: *line });
        }
        let mut text = self.text.clone();
        for (key, value) in set {
            let last =
                text.lines().enumerate().filter(|(_, raw)| matches!(line(raw), Line::Sets(known, _) if known == *key)).last();
            let Some((at, _)) = last else {
                if !text.is_empty() && !text.ends_with('\n') {
                    text.push('\n');
                }
                text.extend([key, "=", value, "\n"]);
                continue;
            };
            let lines = text.split_inclusive('\n').enumerate().map(|(number, raw)| {
                let end = if raw.ends_with('\n') { "\n" } else { "" };
                if number == at { format!("{key}={value}{end}") } else { raw.to_owned() }
            });
            text = lines.collect();
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str =
        "# made by hand\nO2CB_ENABLED=false\nO2CB_BOOTCLUSTER=\"ocfs2\" # ours\n\nO2CB_HEARTBEAT_THRESHOLD='61'\nOTHER=1";

    #[test]
    fn it_is_read_and_only_what_is_set_changes() {
        let read = Sysconfig::parse("etc/default/o2cb", FILE.to_owned());
        assert_eq!((read.enabled, read.boot_cluster.as_deref()), (Some(false), Some("ocfs2")));
        assert_eq!(read.timers.dead_threshold, Some(61));
        let new = read.with(&[("O2CB_ENABLED", "true"), ("O2CB_STACK", "o2cb")]).unwrap();
        assert_eq!(new, FILE.replace("ENABLED=false", "ENABLED=true") + "\nO2CB_STACK=o2cb\n");
    }

    #[test]
    fn a_script_is_not_changed() {
        for script in ["if true; then", "O2CB_ENABLED=$(cat /x)", "O2CB_ENABLED=true; reboot", "a b=c"] {
            let read = Sysconfig::parse("etc/default/o2cb", format!("A=1\n{script}\n"));
            assert_eq!(read.not_understood, [2], "{script}");
            assert!(matches!(read.with(&[("O2CB_ENABLED", "true")]), Err(SysconfigError::Script { line: 2, .. })));
        }
    }

    #[test]
    fn timers_that_o2cb_refuses_are_told() {
        let wrong = |text: &str| Sysconfig::parse("x", text.to_owned()).timers.wrong();
        assert!(wrong(FILE).is_empty());
        assert_eq!(wrong("O2CB_HEARTBEAT_THRESHOLD=6\n").len(), 1);
        assert_eq!(wrong("O2CB_IDLE_TIMEOUT_MS=5000\nO2CB_KEEPALIVE_DELAY_MS=5000\n").len(), 1);
    }
}
