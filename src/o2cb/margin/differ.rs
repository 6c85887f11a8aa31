//! What must be the same on all nodes and is not.
//!
//! One node with another time-out keeps *every* node from mounting ("could not connect to nodes") although nobody fences,
//! and one that is known to only some of the others is refused the same way.

use crate::o2cb::live::{Cluster, Live};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A setting that differs between hosts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The setting, by the name of its file.
    pub what: String,
    /// Its values, each with the hosts that have it.
    pub values: BTreeMap<String, Vec<String>>,
}

/// What differs between the hosts of one cluster; clusters of other names are compared among themselves.
pub fn differences<'a>(hosts: impl IntoIterator<Item = (&'a str, &'a Live)>) -> Vec<Difference> {
    let mut clusters: BTreeMap<&str, Vec<(&str, &Cluster)>> = BTreeMap::new();
    for (host, live) in hosts {
        if let Some(cluster) = live.cluster() {
            clusters.entry(cluster.name.as_str()).or_default().push((host, cluster));
        }
    }
    clusters.values().flat_map(|all| settings().into_iter().filter_map(move |(what, of)| differ(what, of, all))).collect()
}

type Of = fn(&Cluster) -> Option<String>;

fn differ(what: &str, of: Of, all: &[(&str, &Cluster)]) -> Option<Difference> {
    let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (host, cluster) in all {
        if let Some(value) = of(cluster) {
            values.entry(value).or_default().push((*host).to_owned());
        }
    }
    (values.len() > 1).then(|| Difference { what: what.to_owned(), values })
}

fn settings() -> Vec<(&'static str, Of)> {
    vec![
        ("dead_threshold", |c| c.dead_threshold.get().map(ToString::to_string)),
        ("idle_timeout_ms", |c| c.idle_timeout_ms.get().map(ToString::to_string)),
        ("keepalive_delay_ms", |c| c.keepalive_delay_ms.get().map(ToString::to_string)),
        ("reconnect_delay_ms", |c| c.reconnect_delay_ms.get().map(ToString::to_string)),
        ("fence_method", |c| c.fence_method.get().map(ToString::to_string)),
        ("heartbeat mode", |c| c.mode.get().map(ToString::to_string)),
        ("heartbeat regions", |c| {
            (!c.regions.is_empty()).then(|| c.regions.iter().map(|region| region.uuid.as_str()).collect::<Vec<_>>().join(" "))
        }),
        ("nodes", |c| {
            let node = |n: &crate::o2cb::live::Node| format!("{}={} {}:{}", n.num, n.name, n.address, n.port);
            (!c.nodes.is_empty()).then(|| {
                let mut nodes: Vec<String> = c.nodes.iter().map(node).collect();
                nodes.sort();
                nodes.join(", ")
            })
        }),
    ]
}
