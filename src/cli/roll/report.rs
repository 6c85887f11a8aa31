//! `roll --report JOURNAL`: the report of a journal, as Markdown, HTML or JSON. Asks no pool.

use super::args::RollArgs;
use crate::cli::error::CliError;
use crate::rollout::journal::file;
use crate::rollout::report::{Report, html, markdown};
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

/// Prints or writes the report.
pub fn run(journal: &Path, args: &RollArgs) -> Result<ExitCode, CliError> {
    let read = match file::read(journal) {
        Ok(read) => read,
        Err(error) => {
            eprintln!("poolwatch: {}", crate::text::clean_lines(&error.to_string(), 4_000));
            return Ok(ExitCode::from(2));
        }
    };
    let report = Report::of(&read.lines);
    if let Some(path) = &args.html {
        std::fs::write(path, html(&report)).map_err(|error| CliError::Report { path: path.clone(), error })?;
        return Ok(ExitCode::SUCCESS);
    }
    let text = if args.json { report.json() } else { markdown(&report) };
    std::io::stdout().write_all(text.as_bytes()).map_err(CliError::Output)?;
    Ok(ExitCode::SUCCESS)
}
