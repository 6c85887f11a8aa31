//! A fleet: many pools, each a variation of one description.

use super::builtin::resize;
use super::{Event, Overrides, Scenario, ScenarioError};

const TEXT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/fleet.toml"));
const SITES: [&str; 8] = ["prod-a", "prod-b", "lab", "edge-oslo", "edge-lyon", "vdi", "build", "archive"];

/// Pools of different health: of every eight one rebuilds, one lost a path, one lost a host.
pub fn build(overrides: Overrides) -> Result<Vec<Scenario>, ScenarioError> {
    let pools = overrides.pools.unwrap_or(8);
    if !(1..=250).contains(&pools) {
        return Err(ScenarioError::Nonsense { name: "fleet".into(), why: format!("a fleet has 1 to 250 pools, not {pools}") });
    }
    let base = Scenario::from_toml("fleet", TEXT)?;
    let sizes = [4, 3, 2, 3, 3, 5, 4, 3];
    (0..pools)
        .map(|k| {
            let mut one = base.clone();
            let site = SITES.get(k % SITES.len()).copied().unwrap_or("pool");
            one.pool = if k < SITES.len() { site.to_owned() } else { format!("{site}-{:02}", k / SITES.len() + 1) };
            one.subnet = u8::try_from(k + 1).unwrap_or(u8::MAX);
            let stem = site.rsplit('-').next().filter(|s| s.len() > 1).unwrap_or(site);
            let stem = if one.pool.starts_with("prod") { format!("xcp-{}", &site[site.len() - 1..]) } else { stem.to_owned() };
            if let Some(first) = one.hosts.first_mut() {
                first.name = format!("{stem}1");
            }
            one.hosts.truncate(1);
            let hosts = overrides.hosts.unwrap_or_else(|| sizes.get(k % sizes.len()).copied().unwrap_or(3));
            let guests = overrides.guests.unwrap_or(hosts * 8);
            resize(&mut one, Overrides { pools: None, hosts: Some(hosts), guests: Some(guests) })?;
            let last = one.hosts.last().map_or_else(String::new, |h| h.name.clone());
            let event = |at_s: f64, action: String| Event { at_s, action };
            one.events = match k % 8 {
                1 => vec![event(20.0, format!("fail-path host={last} lun=3600a098000aa01"))],
                3 if hosts > 1 => vec![event(4.0, format!("reset host={last}"))],
                4 if hosts > 1 => vec![event(6.0, format!("crash host={last}"))],
                6 => vec![event(15.0, format!("fail-link host={last}"))],
                _ => Vec::new(),
            };
            if k % 8 == 4 {
                one.ha.enabled = hosts > 2;
            }
            if k % 8 == 3 {
                // Slow enough that there is a rebuild to see for a while.
                for mirror in one.srs.iter_mut().filter_map(|s| s.mirror.as_mut()) {
                    mirror.resync_mib_s = 20.0;
                }
            }
            Ok(one)
        })
        .collect()
}
