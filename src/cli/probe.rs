//! `poolwatch probe`: what only this host knows, as JSON or in words.

use super::CliError;
use crate::probe::{self, Network, Options, collect, stamp, words};
use crate::time::Time;
use clap::Args;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// `poolwatch probe`
#[derive(Debug, Args)]
pub struct ProbeArgs {
    /// Folder that stands for / (a saved state, an unpacked bug report); commands' output is then read from files
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub root: PathBuf,
    /// Print JSON (its schema is in docs/probe.md)
    #[arg(long)]
    pub json: bool,
    /// Look into the connections of o2net for silent peers, which writes up to six lines to the kernel log
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub network: Network,
    /// Report made before, here or on another host of the cluster, to judge the fence margin together; may be repeated
    #[arg(long, value_name = "FILE")]
    pub with: Vec<PathBuf>,
    /// Seconds since boot, for a folder without /proc/uptime
    #[arg(long, value_name = "SECONDS")]
    pub uptime: Option<f64>,
    /// When the folder was saved, such as 20261121T00:21:08Z [default: now]
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
}

/// Reads the host and prints what it says. Exit code: 0, also if parts cannot be known, which the report says.
pub fn run(args: &ProbeArgs, now: Time) -> Result<ExitCode, CliError> {
    let bad = |why: String| CliError::Probe(why);
    if !args.root.is_dir() {
        return Err(bad(format!("--root {}: this is no folder that can be read", args.root.display())));
    }
    let now = match &args.at {
        None => now,
        Some(at) => Time::parse_xapi(at).ok_or_else(|| bad(format!("--at {at}: write it as 20261121T00:21:08Z")))?,
    };
    let uptime_ms = match args.uptime {
        None => None,
        Some(secs) if (0.0..1e10).contains(&secs) => Some((secs * 1_000.0) as u64),
        Some(secs) => return Err(bad(format!("--uptime {secs}: seconds since boot, 0 or more"))),
    };
    let with: Result<Vec<_>, _> = args.with.iter().map(|file| collect::load(file)).collect();
    let options = Options {
        root: args.root.clone(),
        now,
        uptime_ms,
        network: args.network,
        stamp: PathBuf::from(stamp::FILE),
        with: with.map_err(|why| bad(format!("--with: {why}")))?,
    };
    let report = probe::collect(&options);
    let mut out = io::stdout().lock();
    if args.json {
        let text = serde_json::to_string_pretty(&report).map_err(|error| bad(error.to_string()))?;
        writeln!(out, "{text}").map_err(CliError::Output)?;
    } else {
        write!(out, "{}", words::report(&report)).map_err(CliError::Output)?;
    }
    Ok(ExitCode::SUCCESS)
}
