//! Classes of clusters of hosts.
//!
//! Field names, order, types and defaults are those of xapi 26.17 (source: its datamodel).

use crate::sim::schema::Role;
use crate::sim::schema::def::{BOOL, ClassDef, DATE, FLOAT, INT, MAP, Preset, SET, STR, class, one, refs, ro, rw};
pub(super) const CLUSTER: ClassDef = class(
    "Cluster",
    Role::PoolOperator,
    &[
        ro("uuid", STR),
        ro("cluster_hosts", refs("Cluster_host")).of("Cluster_host", "cluster"),
        ro("pending_forget", SET),
        ro("cluster_token", STR),
        ro("cluster_stack", STR).or(Preset::Str("corosync")),
        ro("cluster_stack_version", INT).or(Preset::Int(2)),
        ro("is_quorate", BOOL),
        ro("quorum", INT),
        ro("live_hosts", INT),
        ro("expected_hosts", INT),
        ro("allowed_operations", SET),
        ro("current_operations", MAP),
        ro("pool_auto_join", BOOL).or(Preset::Bool(true)),
        ro("token_timeout", FLOAT).or(Preset::Float(20.0)),
        ro("token_timeout_coefficient", FLOAT).or(Preset::Float(1.0)),
        ro("cluster_config", MAP),
        rw("other_config", MAP),
    ],
);

pub(super) const CLUSTER_HOST: ClassDef = class(
    "Cluster_host",
    Role::PoolOperator,
    &[
        ro("uuid", STR),
        ro("cluster", one("Cluster")),
        ro("host", one("host")),
        ro("enabled", BOOL),
        ro("PIF", one("PIF")),
        ro("joined", BOOL).or(Preset::Bool(true)),
        ro("live", BOOL),
        ro("last_update_live", DATE),
        ro("allowed_operations", SET),
        ro("current_operations", MAP),
        ro("other_config", MAP),
    ],
);

/// Of the designed API only (seed: OCFS2 storage): which host is which node of which cluster, kept after it left until every other
/// node has restarted and forgotten it.
pub(in crate::sim::schema) const MEMBERSHIP: ClassDef = class(
    "Membership",
    Role::PoolOperator,
    &[ro("uuid", STR), ro("id", INT), ro("cluster", one("Cluster")), ro("host", one("host")), ro("left", DATE)],
);
