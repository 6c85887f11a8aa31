//! What LINSTOR says: the tables of `linstor resource list` and `volume list`, the JSON of `linstor -m`, the REST nodes,
//! and the health check of XOSTOR's plugin in both its shapes.
//!
//! `Diskless` and `TieBreaker` are healthy. A percentage alone proves no progress: it can be old (`SyncTarget(97.93%)` for
//! days while DRBD says plain `Inconsistent`).

mod health;
mod machine;
mod table;
#[cfg(test)]
mod tests;

pub use health::health_check;
pub use machine::{nodes_json, resources_json};
pub use table::{Cells, resource_list, volume_list};

use crate::text;
use serde::{Deserialize, Serialize};

/// A copy of a resource on one node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Copy {
    /// The resource.
    pub resource: String,
    /// The node.
    pub node: String,
    /// Its port.
    pub port: Option<u64>,
    /// Is it open there? Absent if LINSTOR does not know.
    pub in_use: Option<bool>,
    /// Connections that are not fine: state and peers, such as `Connecting(m14c13)`. `None` if LINSTOR does not know.
    pub connections: Option<Vec<Connection>>,
    /// Its state.
    pub state: State,
    /// The volume's number and minor, and its storage pool, where told.
    pub volume: Option<u64>,
    /// The device's minor number.
    pub minor: Option<u64>,
    /// The storage pool.
    pub pool: Option<String>,
    /// What it takes there, as printed.
    pub allocated: Option<String>,
}

/// A connection that is not fine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// `Connecting`, `NetworkFailure`, `StandAlone`, …
    pub state: String,
    /// To whom.
    pub peers: Vec<String>,
}

/// The state of a copy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// `UpToDate`, `Diskless`, `TieBreaker`, `SyncTarget`, `Unknown`, `DELETING`, `Error`, …
    pub name: String,
    /// The percentage behind it.
    pub percent: Option<f64>,
}

/// What LINSTOR knows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Linstor {
    /// Nodes with their connection (`ONLINE`, …).
    pub nodes: Vec<Node>,
    /// The copies.
    pub copies: Vec<Copy>,
    /// Errors of the health check, in its words. The plugin of 3.2 reports one that is its own fault; none proves anything alone.
    pub errors: Vec<String>,
    /// The answer was cut.
    pub cut: bool,
}

/// A node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// `ONLINE`, `OFFLINE`, `CONNECTED`, …
    pub connection: String,
    /// `CONTROLLER`, `SATELLITE`, `COMBINED`.
    pub kind: Option<String>,
}

impl State {
    /// From `UpToDate`, or `SyncTarget(43.43%)`.
    pub fn read(said: &str) -> Self {
        let said = said.trim();
        let (name, percent) = said.split_once('(').map_or((said, None), |(name, rest)| {
            (
                name,
                rest.trim_end_matches(')').trim_end_matches('%').trim().parse().ok().filter(|percent: &f64| percent.is_finite()),
            )
        });
        Self { name: text::clean(name.trim(), 64).into_owned(), percent }
    }

    /// Is it as it should be?
    pub fn is_healthy(&self) -> bool {
        matches!(self.name.as_str(), "UpToDate" | "Diskless" | "TieBreaker" | "Created" | "Attached")
    }

    /// Is a copy being written?
    pub fn is_syncing(&self) -> bool {
        self.name.starts_with("SyncTarget") || self.name.starts_with("PausedSyncT")
    }

    /// Does it hold data, or should it?
    pub fn is_copy(&self) -> bool {
        !matches!(self.name.as_str(), "Diskless" | "TieBreaker" | "DELETING" | "")
    }
}

impl Copy {
    /// Is it as it should be, its connections too?
    pub fn is_healthy(&self) -> bool {
        self.state.is_healthy() && self.connections.as_ref().is_some_and(Vec::is_empty)
    }
}
