//! The command line: names, flags and their help. Only shapes; nothing runs here.

#![allow(rustdoc::broken_intra_doc_links, reason = "clap shows these texts as they stand, brackets and all")]

use crate::config::Flags;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Watch XenServer and XCP-ng pools: may I reboot the next host now, and if not, why, and until when?
#[derive(Debug, Parser)]
#[command(name = "poolwatch", version, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    /// What stands above the configuration file
    #[command(flatten)]
    pub flags: Flags,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a simulated pool in this process, and the dashboard on it
    Demo(DemoArgs),
    /// Watch pools live
    Watch(WatchArgs),
    /// Look once and say how the pool is
    ///
    /// Exit code: 0 healthy, 1 degraded, 2 at risk, 3 cannot tell.
    Status(StatusArgs),
    /// Record what is seen of a pool, and nothing else
    ///
    /// Runs until it is told to stop. Exit code: 0 when it was stopped, 1 if not all could be written, 3 if it could not start. See docs/recording.md.
    Record(super::record::RecordArgs),
    /// Show a recording as the pool was: the same screen, the same keys
    ///
    /// See docs/recording.md.
    Replay(super::replay::ReplayArgs),
    /// Print a line for every change, and nothing else
    ///
    /// Made for pipes, logs and screen readers: lines are only ever appended. Exit code: 3 if the pool was never reached, or refuses us.
    Stream(StreamArgs),
    /// Take the hosts of a pool one by one through a reboot or an update
    ///
    /// Exit code: 0 done, 1 stopped by a gate, a failure or you, 2 refused, 3 cannot tell. See docs/operating.md.
    Roll(Box<super::roll::args::RollArgs>),
    /// Say what only this host knows: o2cb and its fence margin, paths, mirrors, clock, crash dumps, kernel lines
    ///
    /// Run it on a host of the pool, or on a saved state or bug report with --root. See docs/probe.md.
    Probe(super::probe::ProbeArgs),
    /// Read a crash: who took the host down, how sure that is, the lines that say so, and what to do
    ///
    /// Reads a folder, an archive (tar, zip, packed with gzip, bzip2, xz or zstd), a log or the standard input, or fetches a bug report from
    /// a host of a pool; with --recording also what led to it. Changes nothing but with --write-cause. Exit code: 0 read and judged, also if there was no crash; 3 could not be read. See docs/crash.md.
    Crash(super::crash::CrashArgs),
    /// Serve what is known of pools as metrics, for Prometheus and what reads its formats
    ///
    /// Runs until it is told to stop. Exit code: 0 when it was stopped by a signal, 3 if it could not start. See docs/export.md.
    Export(super::export::ExportArgs),
    /// Serve a simulated pool over HTTP or HTTPS
    Sim(super::sim::SimArgs),
    /// Look at and change o2cb, the cluster stack of OCFS2, on this host or in a folder that is a host's root
    ///
    /// Prints one JSON document. Exit code: 0 fine, 1 something needs a look, 2 refused, 3 could not be done. See docs/o2cb.md.
    O2cb(Box<super::o2cb::O2cbArgs>),
    /// Compute leases on disk images: what they cost, and whether a host is surely dead before its lease runs out
    ///
    /// With a pool, its guests, clocks and fence are taken. Exit code: 0 safe, 1 not safe, 3 cannot tell. See docs/json.md.
    Lease(Box<super::lease::LeaseArgs>),
    /// Check terminal, configuration, trust store and data folder
    Doctor(super::doctor::DoctorArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, in roff
    Man,
}

/// How to reach a pool and who we are there.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectArgs {
    /// User to log in as, if neither the target nor its profile names one [default: root]
    #[arg(long, short, value_name = "NAME")]
    pub user: Option<String>,
    /// File whose first line is the password (otherwise: POOLWATCH_PASSWORD, the profile, or a prompt)
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Accept a changed certificate, given its SHA-256 fingerprint
    #[arg(long, value_name = "FINGERPRINT")]
    pub accept_certificate: Option<String>,
    /// Allow plain HTTP to an address that is not this machine: the password then crosses the network unprotected
    #[arg(long)]
    pub insecure_http: bool,
}

/// What is recorded while a pool is watched.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Recording")]
pub struct RecordingArgs {
    /// Record nothing
    #[arg(long)]
    pub no_recording: bool,
    /// Delete recordings that are older, e.g. 14d [default: the configuration's]
    #[arg(long, value_name = "DURATION", value_parser = super::record::age)]
    pub recording_keep: Option<std::time::Duration>,
    /// Delete the oldest when all recordings together are more, e.g. 2GB [default: the configuration's]
    #[arg(long, value_name = "SIZE", value_parser = super::record::size)]
    pub recording_size: Option<u64>,
}

/// `poolwatch demo`
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// What happens in the simulated pool (`list` prints them all)
    #[arg(long, default_value = "mirror-rebuild", value_name = "NAME")]
    pub scenario: String,
    /// Seconds of the pool's time in one of ours, 0 to 100000; 0 stands still
    #[arg(long, default_value_t = 1.0, value_name = "N", value_parser = super::sim::speed)]
    pub speed: f64,
    /// Seed of everything that is left to chance
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// Which rules the pool follows
    #[arg(long, value_enum, default_value = "designed")]
    pub api: super::sim::ApiArg,
}

/// `poolwatch watch`
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// Pools: [user@]host[:port], a URL, or a profile's name [default: `profile` of the configuration file]
    #[arg(value_name = "TARGET")]
    pub targets: Vec<String>,
    /// How to connect
    #[command(flatten)]
    pub connect: ConnectArgs,
    /// What is recorded
    #[command(flatten)]
    pub recording: RecordingArgs,
    /// Remove every action that would change a pool
    #[arg(long)]
    pub read_only: bool,
    /// The pools are simulated ones, served at this speed (see docs/sim.md)
    #[arg(long, default_value_t = 1.0, value_name = "N", value_parser = super::sim::speed, hide = true)]
    pub sim_speed: f64,
}

/// `poolwatch status`
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// The pool: [user@]host[:port], a URL, or a profile's name [default: `profile` of the configuration file]
    pub target: Option<String>,
    /// How to connect
    #[command(flatten)]
    pub connect: ConnectArgs,
    /// Print JSON (documented in docs/json.md)
    #[arg(long)]
    pub json: bool,
    /// Give up after this many seconds
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    pub timeout: u64,
}

/// `poolwatch stream`
#[derive(Debug, Args)]
pub struct StreamArgs {
    /// The pool: [user@]host[:port], a URL, or a profile's name [default: `profile` of the configuration file]
    pub target: Option<String>,
    /// How to connect
    #[command(flatten)]
    pub connect: ConnectArgs,
    /// End after this many seconds
    #[arg(long, value_name = "SECONDS")]
    pub duration: Option<u64>,
}
