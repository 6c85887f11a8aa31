//! `poolwatch demo`: a simulated pool in this process, and the dashboard on it, over the loopback and the real client.

use super::args::{DemoArgs, RecordingArgs};
use super::error::CliError;
use super::record;
use super::screen::{self, Stage};
use super::setup::{Entry, Setup};
use super::sim::SimError;
use crate::config::Flags;
use crate::feed::clock::Clock;
use crate::feed::driver::FollowOptions;
use crate::feed::follow::options::Options;
use crate::sim::scenario::{self, Overrides, Scenario};
use crate::sim::server::{MAX_SPEED, PoolHandle, ServeOptions};
use crate::sim::start::{StartOptions, start};
use crate::sim::world::{FAULTS, Fault, World};
use crate::tui::model::{Demo, FaultChoice};
use crate::xenapi::session::Credentials;
use crate::xenapi::target::Target;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;

/// Who watches: the simulated pool's own user.
const USER: &str = "root";
const PASSWORD: &str = "poolwatch";

/// Runs the simulation and the dashboard until the operator leaves.
pub async fn run(args: DemoArgs, flags: &Flags) -> Result<ExitCode, CliError> {
    if args.scenario == "list" {
        return list();
    }
    let setup = Setup::load(flags)?;
    let scenarios = scenario::load(&args.scenario, Overrides::default()).map_err(SimError::from)?;
    let clock = Clock::start();
    let mut options = StartOptions::new(args.seed, clock.now());
    options.dialect = args.api.into();
    options.serve = ServeOptions { listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0), tls: false, speed: args.speed };
    let sim = start(&scenarios, &options).await.map_err(SimError::from)?;
    clock.set_speed(args.speed);
    let mut entries = Vec::with_capacity(scenarios.len());
    for (scenario, pool) in scenarios.iter().zip(sim.pools()) {
        let mut options = FollowOptions::new(Arc::clone(&setup.store));
        options.follow = Options::default().one_of(scenarios.len());
        let target = Target::parse(pool.url(), false)?;
        let credentials = Credentials::new(USER, PASSWORD);
        entries.push(Entry {
            called: scenario.pool.clone(),
            again: scenario.pool.clone(),
            label: None,
            target,
            credentials,
            options,
            profile: None,
        });
    }
    let demo = Demo { faults: scenarios.first().map(choices).unwrap_or_default(), speed: args.speed };
    let pools = sim.pools().to_vec();
    // The simulation ends with this function: `sim` is dropped after the dashboard has logged out.
    let stage = Simulated { pools, clock: clock.clone() };
    let keep = record::limits(&setup.config, &RecordingArgs::default(), entries.len());
    screen::run(&setup, flags, entries, false, clock, keep, Some((demo, Box::new(stage)))).await
}

fn list() -> Result<ExitCode, CliError> {
    let mut out = String::new();
    for named in scenario::list() {
        let _ = writeln!(out, "{:16} {}", named.name, named.title);
    }
    std::io::stdout().write_all(out.as_bytes()).map_err(CliError::Output)?;
    Ok(ExitCode::SUCCESS)
}

struct Simulated {
    pools: Vec<PoolHandle<World>>,
    /// The dashboard's, which runs as fast as theirs.
    clock: Clock,
}

impl Stage for Simulated {
    fn inject(&mut self, id: &str) -> Result<String, String> {
        let fault: Fault = id.parse().map_err(|error| format!("{error}"))?;
        let pool = self.pools.first().ok_or("there is no pool")?;
        pool.with(|world| world.fault(fault)).map_err(|error| error.to_string())
    }

    fn speed(&mut self, speed: f64) -> f64 {
        let speed = speed.clamp(0.0, MAX_SPEED);
        for pool in &self.pools {
            pool.set_speed(speed);
        }
        self.clock.set_speed(speed);
        speed
    }
}

/// The faults to choose from: for each kind that needs no more than a host, one for each host.
fn choices(scenario: &Scenario) -> Vec<FaultChoice> {
    let mut choices = Vec::new();
    for kind in FAULTS {
        let description = format!("{}.", kind.what);
        let rest = kind.usage.strip_prefix(kind.name).unwrap_or_default().trim();
        let (needed, spoken) = match rest.strip_prefix("host=NAME") {
            Some(more) => (more.trim(), true),
            None => (rest, false),
        };
        // What else must be said cannot be picked from a list; `poolwatch sim` takes it typed.
        if needed.split_whitespace().any(|word| !word.starts_with('[')) {
            continue;
        }
        if spoken {
            for host in &scenario.hosts {
                let id = format!("{} host={}", kind.name, host.name);
                choices.push(FaultChoice { id, label: format!("{} {}", kind.name, host.name), description: description.clone() });
            }
        } else {
            choices.push(FaultChoice { id: kind.name.to_owned(), label: kind.name.to_owned(), description });
        }
    }
    choices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_is_a_fault_that_the_world_understands() {
        let scenarios = scenario::load("mirror-rebuild", Overrides::default()).expect("is there");
        let choices = choices(&scenarios[0]);
        assert!(choices.iter().any(|c| c.id.starts_with("crash host=")), "{choices:?}");
        for choice in choices {
            choice.id.parse::<Fault>().unwrap_or_else(|e| panic!("{}: {e}", choice.id));
        }
    }
}
