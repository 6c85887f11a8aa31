//! Which hosts, in which order, through which stages, and why. Made from a picture of the pool; goes whole into the journal.

mod deadlines;
mod error;
mod make;
mod product;
mod right;
mod scope;
mod steps;
#[cfg(test)]
mod tests;

pub use deadlines::{Deadlines, Limit, LimitError};
pub use error::PlanError;
pub use make::make;
pub use product::{Product, installed_not_booted};
pub use right::still_right;
pub use scope::{Scope, Wanted};

use crate::time::Time;
use crate::xenapi::record::Ref;
use serde::{Deserialize, Serialize};

/// What a round is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Kind {
    /// Reboot only.
    Reboot,
    /// XCP-ng: packages through `updater.py`, then reboot.
    XcpNg,
    /// XenServer: `apply_updates` of the synchronised metadata with this hash, then what its guidance asks for.
    XenServer {
        /// Hash of the metadata, as `pool.sync_updates` returned it.
        hash: String,
    },
    /// XenServer 7: one `pool_update`.
    PoolUpdate {
        /// Which.
        update: Ref,
        /// Its name.
        name: String,
    },
}

impl Kind {
    /// Whether software changes: then the coordinator must go first.
    pub const fn is_update(&self) -> bool {
        !matches!(self, Self::Reboot)
    }
}

/// The stages of a host, in their order.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, strum::EnumIter, strum::IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Stage {
    /// Waits until the pool is well and quiet.
    Settle,
    /// Takes no new guests.
    Disable,
    /// Its guests move away.
    Evacuate,
    /// Its updates are installed.
    Update,
    /// Waits until a reboot is safe.
    Gate,
    /// Is told to reboot.
    Reboot,
    /// Goes down.
    Down,
    /// Boots, until its boot time has changed and it is live.
    Up,
    /// Its clock is in step and its storage is plugged.
    Storage,
    /// Takes guests again.
    Enable,
    /// Is a live member of its cluster.
    Cluster,
    /// Its mirrors are in step, and were quiet for the settle window.
    Rebuild,
    /// Its guests come back.
    Home,
    /// Is watched for alerts.
    Soak,
}

/// A step of a host's way, and why it is taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The stage.
    pub stage: Stage,
    /// Why, or what it does here, as a sentence.
    pub why: String,
}

/// A host's part of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostPlan {
    /// Its reference.
    pub host: Ref,
    /// Its uuid: what it is known by after its pool's database was restored.
    pub uuid: String,
    /// Its name.
    pub name: String,
    /// Whether it was the coordinator when the plan was made.
    pub coordinator: bool,
    /// Why it goes at this place.
    pub why: String,
    /// What it goes through, in order.
    pub steps: Vec<Step>,
    /// Updates that it lacks, by name; empty for a plain reboot.
    pub updates: Vec<String>,
}

/// A soft finding that the operator accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// Code of the finding.
    pub code: String,
    /// What it is about; empty: wherever it occurs.
    pub about: String,
    /// Why, in the operator's words.
    pub reason: String,
}

/// How the round is run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// Network that guests move over, by reference; null: the management network.
    pub network: Ref,
    /// Guests that leave at a time; 0: as the pool is configured.
    pub batch: u32,
    /// Shut down guests that cannot move, and start them again where they were.
    pub shut_down_pinned: bool,
    /// Bring guests back to where they were.
    pub home: bool,
    /// How long nothing may be rebuilt before the next host goes, in seconds. At least [`crate::pool::limits::SETTLE`].
    pub settle_s: u64,
    /// How long a host is watched before the next one goes, in seconds.
    pub soak_s: u64,
    /// No host is begun after this.
    pub not_after: Option<Time>,
    /// Deadlines.
    pub deadlines: Deadlines,
    /// Accepted findings.
    pub accepted: Vec<Accepted>,
    /// When the operator looked at what was lost because the pool's database had gone back, if they did: the round may go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database_checked: Option<Time>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            network: Ref::default(),
            batch: 0,
            shut_down_pinned: false,
            home: true,
            settle_s: crate::pool::limits::SETTLE.as_secs(),
            soak_s: 30,
            not_after: None,
            deadlines: Deadlines::default(),
            accepted: Vec::new(),
            database_checked: None,
        }
    }
}

/// A round, planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// uuid of the pool.
    pub pool: String,
    /// Its name.
    pub pool_name: String,
    /// What the round is for.
    pub kind: Kind,
    /// When the plan was made.
    pub made: Time,
    /// The hosts, in order.
    pub hosts: Vec<HostPlan>,
    /// Hosts that were asked for (or all were) and need nothing.
    #[serde(default)]
    pub left_out: Vec<LeftOut>,
    /// How it is run.
    pub options: Options,
}

/// A host that is no part of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Its name.
    pub name: String,
    /// Why, as the rest of a sentence that begins with its name.
    pub why: String,
}
