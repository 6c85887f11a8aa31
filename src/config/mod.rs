//! The configuration file: profiles, theme, keys. Unknown keys are errors that name the line.
//!
//! `poolwatch.toml` in the configuration folder ([`Dirs`]), or the file that `--config` or `POOLWATCH_CONFIG` names. Without a
//! file everything has its default. Never holds a password: only where to get one.

mod dirs;
pub mod document;
mod flags;
mod password;
mod read;
pub mod schema;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use dirs::{Dirs, NoHome};
pub use document::{Problem, Problems};
pub use flags::Flags;
pub use password::PasswordError;
pub use read::{parse, parse_duration, parse_size};
pub use schema::documented;

use crate::feed::follow::options::{CLOCK_EVERY, METRICS_EVERY, REPORT_EVERY, RETRY_MOST};
use crate::recording::folder::Limits;
use crate::tui::theme::{ColourChoice, Variant};
use crate::xenapi::client::TIMEOUT;

/// On, off, or whatever suits the terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, strum::EnumString)]
#[strum(serialize_all = "lowercase")]
pub enum Switch {
    /// Whatever suits the terminal.
    #[default]
    Auto,
    /// On.
    Always,
    /// Off.
    Never,
}

impl Switch {
    /// On or off, where `auto` is what suits the terminal.
    pub fn decide(self, auto: bool) -> bool {
        match self {
            Self::Auto => auto,
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// Which theme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ThemeChoice {
    /// This one.
    Named(String),
    /// One of two, by the terminal's ground.
    ByGround {
        /// On a dark ground, and if the terminal does not say.
        dark: String,
        /// On a light ground.
        light: String,
    },
}

impl Default for ThemeChoice {
    fn default() -> Self {
        Self::named("auto")
    }
}

impl ThemeChoice {
    /// Reads `auto` or a theme's name.
    pub fn named(word: &str) -> Self {
        match word {
            "auto" => Self::ByGround { dark: "dark".to_owned(), light: "light".to_owned() },
            name => Self::Named(name.to_owned()),
        }
    }

    /// True if the terminal's ground must be known to choose.
    pub fn needs_ground(&self) -> bool {
        matches!(self, Self::ByGround { .. })
    }

    /// The theme to load on this ground. Unknown grounds count as dark, which most terminals are.
    pub fn name(&self, ground: Option<Variant>) -> &str {
        match self {
            Self::Named(name) => name,
            Self::ByGround { light, .. } if ground == Some(Variant::Light) => light,
            Self::ByGround { dark, .. } => dark,
        }
    }
}

/// How often and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Poll {
    /// Between two requests for a host's metrics.
    pub metrics: Duration,
    /// Between two requests for the report of a host's probe, where it has one.
    pub probe: Duration,
    /// Between two requests for a host's time, which is also how a silent host is found out.
    pub clock: Duration,
    /// The deadline of a request.
    pub timeout: Duration,
    /// The longest pause between two attempts to reach a lost pool.
    pub retry_max: Duration,
}

impl Default for Poll {
    fn default() -> Self {
        Self { metrics: METRICS_EVERY, probe: REPORT_EVERY, clock: CLOCK_EVERY, timeout: TIMEOUT, retry_max: RETRY_MOST }
    }
}

/// What is recorded of the pools that are watched, and how much of it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recording {
    /// Whether anything is.
    pub on: bool,
    /// What is kept.
    pub limits: Limits,
}

impl Default for Recording {
    fn default() -> Self {
        Self { on: true, limits: Limits::default() }
    }
}

/// How much is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, strum::EnumString, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Level {
    /// Nothing.
    Off,
    /// What went wrong.
    Error,
    /// And what may.
    Warn,
    /// And what was done.
    #[default]
    Info,
    /// And how.
    Debug,
    /// And every message.
    Trace,
}

/// What is logged, and where to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// How much.
    pub level: Level,
    /// Into which file, besides the log pane.
    pub file: Option<PathBuf>,
}

/// Other keys for an action, as they are written; the terminal resolves both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyOverride {
    /// The action's name.
    pub action: String,
    /// Its keys.
    pub keys: Vec<String>,
    /// The line in the configuration file, for messages.
    pub line: usize,
}

/// Where a password comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Password {
    /// The first line that this command prints; it is run without a shell.
    Command(Vec<String>),
    /// The first line of this file.
    File(PathBuf),
}

/// How to reach one pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// What `--profile` takes.
    pub name: String,
    /// Hosts of the pool, as `[user@]address[:port]`; tried in turn.
    pub targets: Vec<String>,
    /// Who logs in, if the target does not say.
    pub user: Option<String>,
    /// Where the password comes from; asked for if nowhere.
    pub password: Option<Password>,
    /// Nothing may be changed in this pool.
    pub read_only: bool,
    /// SHA-256 of the certificate to expect: 64 hexadecimal digits in upper case.
    pub fingerprint: Option<String>,
    /// TLS may be left out towards other machines.
    pub insecure_http: bool,
    /// Another theme for this pool.
    pub theme: Option<ThemeChoice>,
    /// What the pool is called on the screen besides its own name.
    pub label: Option<String>,
}

/// The configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The file that it was read from, if there is one.
    pub file: Option<PathBuf>,
    /// The profile to use if none is named.
    pub profile: Option<String>,
    /// Which theme.
    pub theme: ThemeChoice,
    /// How many colours.
    pub colours: ColourChoice,
    /// Whether only ASCII is drawn.
    pub ascii: Switch,
    /// Whether the mouse is used.
    pub mouse: bool,
    /// Whether the window's title is set.
    pub title: bool,
    /// How often and how long.
    pub poll: Poll,
    /// What is recorded.
    pub recording: Recording,
    /// What is logged.
    pub log: Log,
    /// Other keys, in the order of the file.
    pub keys: Vec<KeyOverride>,
    /// Pools by name.
    pub profiles: BTreeMap<String, Profile>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file that was named is not there, or one that is there cannot be read.
    #[error("cannot read the configuration file {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file says something that cannot be.
    #[error("{0}")]
    Invalid(#[from] Problems),
    /// The file has no such profile.
    #[error("there is no profile {name:?}; {hint}")]
    NoProfile {
        /// What was asked for.
        name: String,
        /// What there is instead.
        hint: String,
    },
}

impl Config {
    /// Reads `file`, which must be there; or, if none is named, the usual one if it is there.
    pub fn load(file: Option<&Path>, dirs: &Dirs) -> Result<Self, ConfigError> {
        let path = file.map_or_else(|| dirs.config_file(), Path::to_owned);
        match document::read_file(&path) {
            Ok(text) => Ok(parse(&path, &text, dirs)?),
            Err(source) if source.kind() == std::io::ErrorKind::NotFound && file.is_none() => Ok(Self::default()),
            Err(source) => Err(ConfigError::Read { path, source }),
        }
    }

    /// A profile by name, or the one that is used if none is named.
    pub fn profile(&self, name: Option<&str>) -> Result<Option<&Profile>, ConfigError> {
        let Some(name) = name.or(self.profile.as_deref()) else { return Ok(None) };
        if let Some(profile) = self.profiles.get(name) {
            return Ok(Some(profile));
        }
        let known: Vec<&str> = self.profiles.keys().map(String::as_str).collect();
        let near = document::nearest(name, &known).map(|near| format!("did you mean {near:?}?"));
        let hint = match (near, &self.file) {
            (Some(near), _) => near,
            (None, None) => "there is no configuration file; `poolwatch doctor` says where it would be".to_owned(),
            (None, Some(file)) if known.is_empty() => format!("{} has no profiles", file.display()),
            (None, Some(file)) => format!("{} has {}", file.display(), known.join(", ")),
        };
        Err(ConfigError::NoProfile { name: name.to_owned(), hint })
    }
}
