//! `poolwatch watch`: the dashboard on real pools.

use super::args::WatchArgs;
use super::error::CliError;
use super::record;
use super::screen;
use super::setup::Setup;
use crate::config::Flags;
use crate::feed::clock::Clock;
use std::process::ExitCode;

/// Watches until the operator leaves.
pub async fn run(args: WatchArgs, flags: &Flags) -> Result<ExitCode, CliError> {
    let setup = Setup::load(flags)?;
    let entries = setup.entries(&args.targets, &args.connect).await?;
    let read_only = args.read_only || entries.iter().any(|entry| entry.profile.as_ref().is_some_and(|p| p.read_only));
    let clock = Clock::start();
    clock.set_speed(args.sim_speed);
    let keep = record::limits(&setup.config, &args.recording, entries.len());
    screen::run(&setup, flags, entries, read_only, clock, keep, None).await
}
