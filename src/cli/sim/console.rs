//! Commands to a simulated pool that runs: faults, the clock, help.

use crate::sim::scenario::Scenario;
use crate::sim::server::{PoolHandle, SimHandle};
use crate::sim::world::{FAULTS, Fault, World};

/// What is said about a command: done, or not done and why.
pub type Outcome = Result<String, String>;

/// What a line came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It was empty.
    Nothing,
    /// It ends.
    Quit,
    /// This.
    Text(Outcome),
}

/// Does what a line says.
pub fn obey(line: &str, scenarios: &[Scenario], sim: &SimHandle<World>) -> Said {
    let line = line.trim();
    let (pool, command) = match which(line, scenarios, sim) {
        Ok(found) => found,
        Err(why) => return Said::Text(Err(why)),
    };
    let mut words = command.split_whitespace();
    Said::Text(match (words.next(), words.next(), words.next()) {
        (None, ..) => return Said::Nothing,
        (Some("quit" | "exit" | "q"), None, _) => return Said::Quit,
        (Some("help" | "?"), None, _) => Ok(help()),
        (Some("time"), None, _) => Ok(format!("{}, at {}×", pool.now(), pool.speed())),
        (Some("speed"), Some(speed), None) => super::speed(speed).map(|speed| {
            for pool in sim.pools() {
                pool.set_speed(speed);
            }
            format!("the virtual clock runs at {speed}×")
        }),
        _ => fault(command, pool),
    })
}

/// The pool that a line speaks of, and the rest of the line.
fn which<'a>(
    line: &'a str,
    scenarios: &[Scenario],
    sim: &'a SimHandle<World>,
) -> Result<(&'a PoolHandle<World>, &'a str), String> {
    let Some(rest) = line.strip_prefix("pool=") else { return Ok((sim.pool(), line)) };
    let (name, command) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let found = scenarios.iter().zip(sim.pools()).find(|(scenario, _)| scenario.pool == name);
    let known = || scenarios.iter().map(|scenario| scenario.pool.as_str()).collect::<Vec<_>>().join(", ");
    found.map(|(_, pool)| (pool, command.trim())).ok_or_else(|| format!("there is no pool {name:?}; there are: {}", known()))
}

fn fault(command: &str, pool: &PoolHandle<World>) -> Outcome {
    let fault: Fault = command.parse().map_err(|error| format!("{error}"))?;
    let said = pool.with(|world| world.fault(fault)).map_err(|error| error.to_string())?;
    Ok(format!("{}  {said}", pool.now()))
}

fn help() -> String {
    let mut lines: Vec<String> = FAULTS.iter().map(|kind| format!("{}\n    {}", kind.usage, kind.what)).collect();
    lines.push("time\n    the virtual time\nspeed N\n    virtual seconds a second\nquit\n    end".to_owned());
    lines.push("With several pools, `pool=NAME` in front of a command says which one is meant.".to_owned());
    lines.join("\n")
}
