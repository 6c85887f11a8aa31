//! `poolwatch crash`: a crash read from a folder, an archive, a log or a pool, told in words, as JSON, Markdown or HTML.

#![allow(rustdoc::broken_intra_doc_links, reason = "clap shows these texts as they stand, brackets and all")]

mod consent;
pub mod desk;
mod live;
pub mod past;
mod words;

use super::args::ConnectArgs;
use super::block_on;
use super::error::CliError;
use crate::config::Flags;
use crate::crash::read::{self, Options, ReadError};
use crate::crash::report::{self, Reading};
use crate::time::Time;
use crate::xenapi::error::Error;
use clap::Args;
use jiff::tz::TimeZone;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Columns of a page of words that nobody looks at on a terminal.
const COLUMNS: u16 = 100;

/// `poolwatch crash`
#[derive(Debug, Args)]
pub struct CrashArgs {
    /// Crash folder, bug report, archive or log; - for the standard input; with --host also a pool, as [user@]host[:port], URL or profile
    #[arg(value_name = "DIR|FILE|TARGET", required_unless_present = "recording")]
    pub source: Option<String>,
    /// The host that is asked about, by name or uuid. What other hosts' logs say counts as what they saw
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,
    /// What led to it, from a recording: a file, or the folder with the recordings of a pool. Without DIR, FILE or TARGET the crashes that the
    /// recording itself saw. A live pool's own recordings are looked into without being asked
    #[arg(long, value_name = "FILE|FOLDER")]
    pub recording: Option<PathBuf>,
    /// Only what happened about this moment of the recording: 14:05, 14:05:30, '2026-11-21 14:05', -5min from its end, +90s from its beginning
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, requires = "recording")]
    pub at: Option<String>,
    /// Note the cause of the newest crash with its dump in the pool, as `poolwatch-cause`. Asks first
    #[arg(long, requires_all = ["source", "host"])]
    pub write_cause: bool,
    /// Do not ask
    #[arg(long, requires = "write_cause")]
    pub yes: bool,
    /// Print JSON (documented in docs/crash.md)
    #[arg(long, conflicts_with_all = ["html", "markdown"])]
    pub json: bool,
    /// Write one HTML file that needs nothing beside it (- for the standard output)
    #[arg(long, value_name = "OUT", conflicts_with = "markdown")]
    pub html: Option<PathBuf>,
    /// Print Markdown, for a ticket
    #[arg(long)]
    pub markdown: bool,
    /// How to connect
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Why a crash could not be read.
#[derive(Debug, thiserror::Error)]
pub enum CrashError {
    /// From a folder, a file or a stream.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There is no such path, and no host was named.
    #[error(
        "there is no file or folder {0}. To read a crash from a pool, say of which host: `poolwatch crash {0} --host NAME`; check the path otherwise"
    )]
    NoSuch(String),
    /// From a recording.
    #[error(transparent)]
    Past(#[from] past::PastError),
    /// The cause is not to be noted, or could not be; what it says is complete.
    #[error("{0}")]
    Note(String),
    /// Only a pool has dumps that something can be noted with.
    #[error(
        "--write-cause notes the cause with a dump in a pool, and {0} is a file or folder. Name the pool, as in `poolwatch crash root@10.0.0.1 --host NAME --write-cause`"
    )]
    NoPool(String),
    /// The standard input is a terminal.
    #[error("nothing is piped in. Use it as in `ssh HOST cat /var/crash/.../dom0.log | poolwatch crash -`")]
    NoInput,
    /// The pool does not have this host.
    #[error("the pool has no host {wanted}. It has: {}", .has.join(", "))]
    NoHost {
        /// What was asked for.
        wanted: String,
        /// What there is.
        has: Vec<String>,
    },
    /// Several hosts are called so.
    #[error("{0} hosts of the pool are called so. Name one by its uuid")]
    Several(usize),
    /// The user may not.
    #[error(
        "{host} does not give its logs to {user}: {error}. Bug reports need the role pool-operator or better. Log in as somebody who has it, or \
         copy /var/crash and /var/log from the host and read those"
    )]
    Role {
        /// The host.
        host: String,
        /// The user.
        user: String,
        /// What it said.
        error: Box<Error>,
    },
    /// The host does not answer.
    #[error("{error}. Its logs can be read once {host} is back; until then read those of the other hosts, which saw it go")]
    Away {
        /// The host.
        host: String,
        /// What happened.
        error: Box<Error>,
    },
    /// The pool does not.
    #[error("{0}")]
    Pool(Box<Error>),
    /// It could not be turned into JSON.
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl From<Error> for CrashError {
    fn from(error: Error) -> Self {
        Self::Pool(Box::new(error))
    }
}

/// Reads and tells.
pub fn run(args: &CrashArgs, flags: &Flags) -> Result<ExitCode, CliError> {
    let reading = read(args, flags)?;
    let Some(mut reading) = reading else { return Ok(ExitCode::SUCCESS) };
    if let Some(recording) = &args.recording {
        let at = args.at.as_deref().map(|word| moment(word, recording)).transpose()?;
        past::explain(&mut reading, recording, args.host.as_deref(), at).map_err(CrashError::Past)?;
    }
    tell(&reading, args)?;
    Ok(ExitCode::SUCCESS)
}

/// What there is beside a recording.
fn read(args: &CrashArgs, flags: &Flags) -> Result<Option<Reading>, CliError> {
    let options = Options { host: args.host.clone(), ..Options::default() };
    let Some(source) = &args.source else {
        let recording = args.recording.as_deref().map_or_else(String::new, |path| path.display().to_string());
        return Ok(Some(Reading { source: crate::text::clean(&recording, 400).into_owned(), ..Reading::default() }));
    };
    let shown = || crate::text::clean(source, 200).into_owned();
    let is_file = source == "-" || Path::new(source).symlink_metadata().is_ok();
    if is_file && args.write_cause {
        return Err(CrashError::NoPool(shown()).into());
    }
    if source == "-" {
        if io::stdin().is_terminal() {
            return Err(CrashError::NoInput.into());
        }
        Ok(Some(read::stream(io::stdin().lock(), "the standard input", &options).map_err(CrashError::Read)?))
    } else if is_file {
        Ok(Some(read::path(Path::new(source), &options).map_err(CrashError::Read)?))
    } else if let Some(host) = &args.host {
        let mut read = None;
        block_on(async {
            read = Some(live::read(args, host, flags).await?);
            Ok(ExitCode::SUCCESS)
        })?;
        Ok(read)
    } else {
        Err(CrashError::NoSuch(shown()).into())
    }
}

/// A moment of a recording as it is named on the command line.
fn moment(word: &str, recording: &Path) -> Result<Time, CliError> {
    let (from, to) = past::span(recording).map_err(CrashError::Past)?;
    super::replay::at(word, from, to, &TimeZone::system())
}

fn tell(reading: &Reading, args: &CrashArgs) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    let text = match &args.html {
        Some(path) if path.as_os_str() != "-" => {
            let broken = |error| CliError::Report { path: path.clone(), error };
            std::fs::write(path, report::html(reading)).map_err(broken)?;
            // What it came to, also for who does not open it at once.
            reading.crashes.iter().map(|crash| crash.headline() + "\n").collect()
        }
        Some(_) => report::html(reading),
        None if args.json => report::json(reading).map_err(CrashError::Json)?,
        None if args.markdown => report::markdown(reading),
        None => {
            let columns =
                if out.is_terminal() { crossterm::terminal::size().map_or(COLUMNS, |(columns, _)| columns) } else { COLUMNS };
            words::page(reading, columns.clamp(40, COLUMNS))
        }
    };
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(CliError::Output)
}
