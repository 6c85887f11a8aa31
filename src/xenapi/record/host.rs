//! `host`, `host_metrics`, `host_crashdump`.

use super::{Config, Date, Ref};
use crate::time::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What may be done to, or is being done to, a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[allow(missing_docs, reason = "each is xapi's host_allowed_operations value of that name")]
pub enum HostOperation {
    Provision,
    Evacuate,
    Shutdown,
    Reboot,
    PowerOn,
    VmStart,
    VmResume,
    VmMigrate,
    ApplyUpdates,
    Enable,
    /// One that this version does not know.
    #[serde(other)]
    Other,
}

/// A host.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "fields are xapi's")]
pub struct Host {
    pub uuid: Box<str>,
    pub name_label: Box<str>,
    pub address: Box<str>,
    pub hostname: Box<str>,
    pub enabled: bool,
    pub allowed_operations: Vec<HostOperation>,
    /// Task reference to operation.
    pub current_operations: BTreeMap<Ref, HostOperation>,
    pub software_version: Config,
    pub other_config: Config,
    #[serde(rename = "resident_VMs")]
    pub resident_vms: Vec<Ref>,
    pub metrics: Ref,
    pub control_domain: Ref,
    pub multipathing: bool,
    pub ha_statefiles: Vec<Box<str>>,
    pub ha_network_peers: Vec<Box<str>>,
    pub pending_guidances: Vec<Box<str>>,
    pub pending_guidances_recommended: Vec<Box<str>>,
    pub pending_guidances_full: Vec<Box<str>>,
    pub updates_requiring_reboot: Vec<Ref>,
    /// `yes`, `no` or `unknown`: whether the last synchronised updates are installed. Since xapi 23.18; empty where the pool does not say.
    pub latest_synced_updates_applied: Box<str>,
    /// Hash of the update metadata that was last applied. Since xapi 24.10.
    pub last_update_hash: Box<str>,
    /// When software was last changed. Since xapi 22.20.
    pub last_software_update: Date,
    /// Bytes that Xen and dom0 take beside the guests.
    pub memory_overhead: u64,
    pub license_params: Config,
    pub edition: Box<str>,
    /// Only the designed API has it (seed: OCFS2 storage): what the host is a member of. `None` where the pool has no such field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memberships: Option<Vec<Ref>>,
}

impl Host {
    /// When the machine last booted, from `other_config:boot_time`. Changes on every reboot.
    pub fn boot_time(&self) -> Option<Time> {
        self.other_config.unix_time("boot_time")
    }

    /// When its toolstack last started, from `other_config:agent_start_time`.
    pub fn agent_start_time(&self) -> Option<Time> {
        self.other_config.unix_time("agent_start_time")
    }

    /// Whether xapi's own rules would accept this operation now, as far as the field says.
    pub fn allows(&self, operation: HostOperation) -> bool {
        self.allowed_operations.contains(&operation)
    }
}

/// What the coordinator measures of a host.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "fields are xapi's")]
pub struct HostMetrics {
    pub uuid: Box<str>,
    /// Bytes.
    pub memory_total: u64,
    /// Bytes. Officially removed long ago and often 0.
    pub memory_free: u64,
    pub live: bool,
    pub last_updated: Date,
}

/// A crash dump that a host found when it started.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "fields are xapi's")]
pub struct HostCrashdump {
    pub uuid: Box<str>,
    pub host: Ref,
    pub timestamp: Date,
    /// Bytes.
    pub size: u64,
    pub other_config: Config,
    /// Only where xapi follows the design of seed 2: `o2cb`, `xhad` or `bug`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Box<str>>,
}
