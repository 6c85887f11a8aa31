//! What `poolwatch sim` says: as text for people, or as JSON lines for programs.

use super::console::Outcome;
use super::{SimArgs, USER};
use crate::sim::scenario::{Named, Scenario};
use crate::sim::server::{PoolHandle, Served, SimHandle};
use crate::sim::world::World;
use crate::text;
use serde_json::{Value as Json, json};
use std::io::{self, Write};

/// The version of the JSON lines; it only grows.
const SCHEMA: u32 = 1;

/// Why it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Ctrl-C or SIGTERM.
    Signal,
    /// `--duration` is over.
    Duration,
    /// The command `quit`.
    Quit,
}

/// Where it is said.
pub struct Report {
    json: bool,
}

/// The scenarios, one a line.
pub fn list(scenarios: &[Named]) {
    let width = scenarios.iter().map(|scenario| scenario.name.len()).max().unwrap_or(0);
    for Named { name, title } in scenarios {
        say(&format!("{name:width$}  {title}"));
    }
}

impl Report {
    pub const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Clients can connect.
    pub fn ready(&self, args: &SimArgs, scenarios: &[Scenario], sim: &SimHandle<World>) {
        let pools = || scenarios.iter().zip(sim.pools());
        if self.json {
            let pools: Vec<Json> = pools().map(|(scenario, pool)| pool_json(scenario, pool)).collect();
            return event(
                "ready",
                json!({
                    "scenario": args.file.as_ref().map_or_else(|| args.scenario.clone(), |file| file.display().to_string()),
                    "api": args.api.name(), "speed": args.speed, "seed": args.seed, "user": USER, "pools": pools,
                }),
            );
        }
        for (scenario, pool) in pools() {
            say(&format!("Simulated pool {} ({}): {}", name(&scenario.pool), scenario.name, text::clean(&scenario.title, 200)));
            let width = scenario.hosts.iter().map(|host| host.name.len()).max().unwrap_or(0);
            for (host, served) in scenario.hosts.iter().zip(pool.hosts()) {
                say(&format!("  {:width$}  {}{}", name(&host.name), served.url, remark(served, args.tls)));
            }
        }
        say(&format!("Log in as {USER} with the password poolwatch. The virtual clock runs at {}×.", args.speed));
        say("Type a fault, e.g. `crash host=NAME`, or `help`. Ctrl-C ends it.");
    }

    /// What a command came to.
    pub fn command(&self, line: &str, outcome: &Outcome) {
        let (ok, said) = match outcome {
            Ok(said) => (true, said),
            Err(said) => (false, said),
        };
        if self.json {
            event("command", json!({ "command": line, "ok": ok, "text": said }));
        } else if ok {
            say(said);
        } else {
            say(&format!("not done: {said}"));
        }
    }

    /// It ends.
    pub fn end(&self, end: End) {
        if self.json {
            let reason = match end {
                End::Signal => "signal",
                End::Duration => "duration",
                End::Quit => "quit",
            };
            event("end", json!({ "reason": reason }));
        }
    }
}

fn name(text: &str) -> String {
    text::clean(text, text::NAME_LIMIT).into_owned()
}

fn remark(served: &Served, tls: bool) -> String {
    match (&served.unreachable, &served.fingerprint) {
        (Some(why), _) => format!("  cannot be reached: {why}"),
        (None, Some(fingerprint)) if tls => format!("  SHA-256 {fingerprint}"),
        _ => String::new(),
    }
}

fn pool_json(scenario: &Scenario, pool: &PoolHandle<World>) -> Json {
    let host = |(host, served): (&crate::sim::scenario::HostSpec, &Served)| {
        json!({
            "name": host.name,
            "url": served.url,
            "fingerprint": served.fingerprint,
            "certificate": pool.identity(served.host).map(crate::sim::server::Identity::pem),
            "unreachable": served.unreachable,
        })
    };
    let hosts: Vec<Json> = scenario.hosts.iter().zip(pool.hosts()).map(host).collect();
    json!({ "name": scenario.pool, "url": pool.url(), "fingerprint": pool.fingerprint(), "hosts": hosts })
}

fn event(kind: &str, mut members: Json) {
    if let Some(members) = members.as_object_mut() {
        members.insert("schema".to_owned(), SCHEMA.into());
        members.insert("event".to_owned(), kind.into());
    }
    say(&members.to_string());
}

/// A line on standard output, at once. If nobody reads it, nobody misses it.
fn say(line: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
