//! `Cluster`, `Cluster_host`. The secret `cluster_token` is not read at all.

use super::{Config, Date, Ref};
use serde::{Deserialize, Serialize};

/// A storage cluster of the pool's hosts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "fields are xapi's")]
pub struct Cluster {
    pub uuid: Box<str>,
    pub cluster_hosts: Vec<Ref>,
    pub pending_forget: Vec<Box<str>>,
    pub cluster_stack: Box<str>,
    /// Since xapi 24.3, like `quorum` and `live_hosts`; `None` where the pool does not say.
    pub is_quorate: Option<bool>,
    pub quorum: Option<i64>,
    pub live_hosts: Option<i64>,
    /// Since xapi 25.17.
    pub expected_hosts: Option<i64>,
    /// Seconds.
    pub token_timeout: f64,
    /// Seconds per host beyond two.
    pub token_timeout_coefficient: f64,
    /// With o2cb as designed: `node_N` = state and name of each node, by the last `Cluster.query`.
    pub other_config: Config,
}

/// A host's membership in a cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "fields are xapi's")]
pub struct ClusterHost {
    pub uuid: Box<str>,
    pub cluster: Ref,
    pub host: Ref,
    pub enabled: bool,
    pub joined: bool,
    /// Since xapi 24.3; `None` where the pool does not say.
    pub live: Option<bool>,
    pub last_update_live: Date,
}
