//! One file a subcommand: arguments in, exit code out. Everything that decides sits below.

mod args;
pub mod crash;
mod credentials;
mod demo;
pub mod doctor;
mod error;
pub mod export;
mod follow;
pub mod lease;
mod logging;
mod manual;
mod memory;
pub mod o2cb;
mod past;
mod probe;
mod record;
mod replay;
pub mod roll;
mod screen;
mod setup;
pub mod sim;
mod status;
mod stream;
mod watch;

pub use args::{Cli, Command};
pub use error::CliError;

use clap::{CommandFactory, Parser};
use std::io::{self, Write};
use std::process::ExitCode;

/// The exit code of a command that could not do what it was asked; for `status` it means "cannot tell".
const CANNOT: u8 = 3;
/// Threads at most that read big answers, look up names and write files.
const BLOCKING: usize = 8;

/// Reads the arguments and runs the command.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    // Once a process; a second call finds it done, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match run(cli) {
        Ok(code) => code,
        Err(error) if error.is_closed_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "poolwatch: {}", crate::text::clean_lines(&error.to_string(), 4_000));
            ExitCode::from(CANNOT)
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode, CliError> {
    match cli.command {
        Command::Demo(args) => block_on_two(demo::run(args, &cli.flags)),
        Command::Watch(args) => block_on(watch::run(args, &cli.flags)),
        Command::Record(args) => block_on(record::run(args, &cli.flags)),
        Command::Replay(args) => block_on(replay::run(args, &cli.flags)),
        Command::Status(args) => block_on(status::run(args, &cli.flags)),
        Command::Stream(args) => block_on(stream::run(args, &cli.flags)),
        Command::Roll(args) => block_on(roll::run(*args, &cli.flags)),
        Command::Export(args) => block_on(export::run(args, &cli.flags)),
        Command::Sim(args) => block_on_two(async move { Ok(sim::run(&args).await.map(|()| ExitCode::SUCCESS)?) }),
        Command::O2cb(args) => {
            let now = crate::feed::clock::Clock::start().now();
            Ok(ExitCode::from(o2cb::run(&args, now, &mut io::stdout()).map_err(CliError::Output)?))
        }
        Command::Lease(args) => block_on(lease::run(*args, &cli.flags)),
        Command::Doctor(args) => Ok(ExitCode::from(doctor::run(&args, &cli.flags, &mut io::stdout()).map_err(CliError::Output)?)),
        Command::Probe(args) => probe::run(&args, crate::feed::clock::Clock::start().now()),
        Command::Crash(args) => crash::run(&args, &cli.flags),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "poolwatch", &mut script);
            print(&script)
        }
        Command::Man => {
            let page = manual::page(Cli::command()).map_err(CliError::Output)?;
            print(&page)
        }
    }
}

fn print(bytes: &[u8]) -> Result<ExitCode, CliError> {
    io::stdout().write_all(bytes).map_err(CliError::Output)?;
    Ok(ExitCode::SUCCESS)
}

/// Runs a command that waits for pools: on one thread, which costs the least; what is big is read on others.
fn block_on(work: impl Future<Output = Result<ExitCode, CliError>>) -> Result<ExitCode, CliError> {
    run_on(tokio::runtime::Builder::new_current_thread().max_blocking_threads(BLOCKING), work)
}

/// Runs a command that simulates pools, beside whoever watches them.
fn block_on_two(work: impl Future<Output = Result<ExitCode, CliError>>) -> Result<ExitCode, CliError> {
    run_on(tokio::runtime::Builder::new_multi_thread().worker_threads(2), work)
}

fn run_on(
    builder: &mut tokio::runtime::Builder,
    work: impl Future<Output = Result<ExitCode, CliError>>,
) -> Result<ExitCode, CliError> {
    let runtime = builder.enable_all().build().map_err(CliError::Runtime)?;
    let code = runtime.block_on(work);
    // A read of the standard input cannot be taken back, and must not hold up the end.
    runtime.shutdown_background();
    code
}
