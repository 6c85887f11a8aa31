//! Reads that the machine asks for: what it must know now, whatever the event stream said last.
//!
//! A read that allows a write is made for that write (I1): it carries when it was asked for and when it was answered.

use crate::time::Time;
use crate::xenapi::record::{Host, HostMetrics, Pbd, Pool, Ref, Task, Vm};
use std::collections::BTreeMap;

/// What is to be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Look {
    /// The pool, its hosts, their metrics, its tasks and PBDs, and the guests that are resident on one host, each by a call of its own
    /// (`get_all_records`, `VM.get_record`).
    State {
        /// Whose guests.
        host: Ref,
    },
    /// `host.get_vms_which_prevent_evacuation`.
    Blockers {
        /// Of which host.
        host: Ref,
    },
    /// What a host could install: XCP-ng `updater.py check_update`.
    Missing {
        /// Which host.
        host: Ref,
    },
    /// XenServer: `GET /updates` on the coordinator.
    Updates,
    /// XenServer 7: `pool_update.get_all_records`.
    PoolUpdates,
}

/// What a [`Look::State`] read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// The pool.
    pub pool: Pool,
    /// Its hosts.
    pub hosts: BTreeMap<Ref, Host>,
    /// Their metrics, by the reference that the hosts have for them.
    pub metrics: BTreeMap<Ref, HostMetrics>,
    /// Its tasks.
    pub tasks: BTreeMap<Ref, Task>,
    /// Its PBDs.
    pub pbds: BTreeMap<Ref, Pbd>,
    /// The VMs that are resident on the host that was asked about, control domain included.
    pub guests: BTreeMap<Ref, Vm>,
}

/// A guest that keeps a host from being emptied, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocker {
    /// The guest.
    pub vm: Ref,
    /// xapi's code.
    pub code: String,
    /// Its parameters.
    pub params: Vec<String>,
}

/// What XenServer's `/updates` says, as far as it is used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Hash of the synchronised metadata.
    pub hash: String,
    /// For each host: what it lacks, and the guidance that follows (`RebootHost`, …), worst first.
    pub hosts: BTreeMap<Ref, (Vec<String>, Vec<String>)>,
}

/// XenServer 7: an update that was uploaded to the pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolUpdate {
    /// Its reference.
    pub r#ref: Ref,
    /// Its uuid.
    pub uuid: String,
    /// Its name.
    pub name: String,
    /// Hosts that have it (`pool_update.hosts`).
    pub hosts: Vec<Ref>,
}

/// What a look saw.
#[derive(Clone, Debug, PartialEq)]
pub enum Sight {
    /// Of [`Look::State`].
    State(Box<State>),
    /// Of [`Look::Blockers`].
    Blockers(Vec<Blocker>),
    /// Of [`Look::Missing`]: names of packages.
    Missing(Vec<String>),
    /// Of [`Look::Updates`].
    Updates(Metadata),
    /// Of [`Look::PoolUpdates`].
    PoolUpdates(Vec<PoolUpdate>),
    /// It failed.
    Failed {
        /// xapi's code, if it was xapi that refused.
        code: Option<String>,
        /// In words.
        text: String,
    },
}

/// A look and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Looked {
    /// When it was asked for: what it says is at least as new as this.
    pub asked: Time,
    /// When it was answered.
    pub answered: Time,
    /// What was seen.
    pub sight: Sight,
}
