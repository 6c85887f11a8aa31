//! Why a command could not do what it was asked, in words for the person who asked.

use crate::config::{ConfigError, NoHome, Problems};
use crate::tui::run::TuiError;
use crate::tui::theme::ThemeError;
use crate::xenapi::target::TargetError;
use crate::xenapi::trust::StoreError;
use std::io;
use std::path::PathBuf;

/// Why a command ended without doing what it was asked.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each passes on the error of the room that it is named after")]
pub enum CliError {
    #[error(transparent)]
    Home(#[from] NoHome),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Keys(#[from] Problems),
    #[error(transparent)]
    Theme(#[from] ThemeError),
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Password(#[from] super::credentials::CredentialsError),
    #[error(transparent)]
    Sim(#[from] super::sim::SimError),
    #[error(transparent)]
    Export(#[from] super::export::ExportError),
    #[error(transparent)]
    Recording(#[from] crate::recording::read::ReadError),
    /// A recording cannot be made.
    #[error("{0}")]
    Record(String),
    #[error(transparent)]
    Tui(#[from] TuiError),
    /// `--accept-certificate` or a profile's `fingerprint`.
    #[error("{text:?} is no fingerprint: {why}")]
    Fingerprint { text: String, why: &'static str },
    /// Neither the command line nor the configuration says which pool.
    #[error(
        "which pool? Name a host of it, such as root@10.0.0.1, or set `profile` in the configuration file; `poolwatch demo` needs none"
    )]
    NoTarget,
    /// `file` of `[log]`.
    #[error("cannot write the log file {}: {error}. Correct `file` in [log] of the configuration, or its permissions", path.display())]
    Log {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The pool could not be followed at all; what it says is complete.
    #[error("{0}")]
    Pool(String),
    /// `--html`.
    #[error("cannot write the report {}: {error}", path.display())]
    Report {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// `crash`.
    #[error(transparent)]
    Crash(#[from] super::crash::CrashError),
    /// `probe` was asked for something that it cannot do; what it says is complete.
    #[error("{0}")]
    Probe(String),
    #[error("cannot write to the standard output: {0}")]
    Output(#[source] io::Error),
    #[error("cannot start: {0}")]
    Runtime(#[source] io::Error),
}

impl CliError {
    /// Whether the reader of our output went away, which is no error: `poolwatch stream … | head -1`.
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}
