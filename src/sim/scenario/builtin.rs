//! The scenarios that come with the program.

use super::check::{MAX_GUESTS, MAX_HOSTS, check};
use super::{HostSpec, Overrides, Scenario, ScenarioError, fleet};

/// A scenario in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its name, as on the command line.
    pub name: &'static str,
    /// What there is to see.
    pub title: &'static str,
}

struct Built {
    named: Named,
    text: &'static str,
}

const FLEET: Named =
    Named { name: "fleet", title: "Several pools: most are well, one rebuilds, one lost a path, one lost a host" };

macro_rules! built {
    ($($name:literal: $title:literal),* $(,)?) => {
        &[$(Built {
            named: Named { name: $name, title: $title },
            text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/", $name, ".toml")),
        }),*]
    };
}

static BUILT_IN: &[Built] = built! {
    "calm": "Four hosts, all well, nothing happens",
    "rolling-update": "Hosts go round by themselves: evacuate, update, reboot, rebuild, next",
    "mirror-rebuild": "Soon a host reboots, comes back and its mirrors resync; then the next",
    "hotfix": "Four XCP-ng hosts that lack updates, mirrored storage: a round of updates for you to run",
    "hotfix-xenserver": "Three XenServer hosts that lack updates, with HA on: a round of updates for you to run",
    "path-loss": "Storage paths and bond links fail and come back",
    "fence-o2cb": "A host loses its heartbeat path and fences 60 s later; later another",
    "fence-xhad": "With HA on: a host loses its statefile, later another its network, and both fence",
    "kernel-bug": "A host's kernel has a fault: it crashes with a dump and comes back; later another's hypervisor",
    "split-network": "A host of an o2cb cluster loses both links and fences 96 s later; another is cut off for a while",
    "split-halves": "The network of an o2cb cluster falls into two halves, and one of them fences",
    "three-regions": "Three heartbeat regions: a host loses one and lives, then a second one and fences",
    "join-eject": "A host joins an o2cb cluster, another is ejected and holds its number",
    "clock-skew": "Clocks of hosts go wrong, by more and more, and are set right again",
    "two-captains": "Somebody else reboots hosts in turn, with the marks that Xen Orchestra leaves",
    "rewound-database": "The coordinator comes back with an older database, and what was done since is lost",
    "big": "64 hosts and 2,000 VMs, with guests starting, stopping and moving",
};

/// All scenarios, the one to start with first.
pub fn list() -> Vec<Named> {
    BUILT_IN.iter().map(|b| b.named).chain([FLEET]).collect()
}

/// The pools of a scenario: one, or several for `fleet`.
pub fn load(name: &str, overrides: Overrides) -> Result<Vec<Scenario>, ScenarioError> {
    if name == FLEET.name {
        return fleet::build(overrides);
    }
    let Some(built) = BUILT_IN.iter().find(|b| b.named.name == name) else {
        let known = list().iter().map(|n| n.name).collect::<Vec<_>>().join(", ");
        return Err(ScenarioError::Unknown { name: name.to_owned(), known });
    };
    let mut scenario = Scenario::from_toml(name, built.text)?;
    resize(&mut scenario, overrides)?;
    Ok(vec![scenario])
}

/// Makes hosts and guests as many as asked for. New hosts are like the last one and named on from it.
pub fn resize(scenario: &mut Scenario, overrides: Overrides) -> Result<(), ScenarioError> {
    let nonsense = |why: String| ScenarioError::Nonsense { name: scenario.name.clone(), why };
    if let Some(hosts) = overrides.hosts {
        if !(1..=MAX_HOSTS).contains(&hosts) {
            return Err(nonsense(format!("a pool has 1 to {MAX_HOSTS} hosts, not {hosts}")));
        }
        let last = scenario.hosts.last().cloned();
        scenario.hosts.truncate(hosts);
        while let Some(model) = last.as_ref().filter(|_| scenario.hosts.len() < hosts) {
            let stem = model.name.trim_end_matches(|c: char| c.is_ascii_digit());
            let width = model.name.len() - stem.len();
            let number = scenario.hosts.len() + 1;
            scenario.hosts.push(HostSpec { name: format!("{stem}{number:0width$}"), ..model.clone() });
        }
        let kept: Vec<String> = scenario.hosts.iter().map(|h| h.name.clone()).collect();
        scenario.guests.retain(|g| g.host.as_ref().is_none_or(|h| kept.contains(h)));
        scenario.updates.hosts.retain(|h| kept.contains(h));
        for sr in &mut scenario.srs {
            sr.hosts.retain(|h| kept.contains(h));
        }
        for network in &mut scenario.networks {
            network.without.retain(|h| h == "*" || kept.contains(h));
        }
        if hosts < 2 {
            scenario.srs.retain(|sr| sr.mirror.as_ref().is_none_or(|m| !m.outside.is_empty()));
        }
    }
    if let Some(guests) = overrides.guests {
        if guests > MAX_GUESTS {
            return Err(nonsense(format!("a pool has at most {MAX_GUESTS} guests, not {guests}")));
        }
        let all = scenario.fill.running + scenario.fill.halted;
        scenario.guests.truncate(guests);
        let made_up = guests - scenario.guests.len();
        scenario.fill.halted = (made_up * scenario.fill.halted).checked_div(all).unwrap_or(0);
        scenario.fill.running = made_up - scenario.fill.halted;
    }
    check(scenario)
}
