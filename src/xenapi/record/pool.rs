//! `pool`, `VM`, `task`, `message`, `Certificate`.

use super::{Config, Date, Ref};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A pool. There is one in each database.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "fields are xapi's")]
pub struct Pool {
    pub uuid: Box<str>,
    pub name_label: Box<str>,
    /// The coordinator (xapi's older word is master).
    pub master: Ref,
    #[serde(rename = "default_SR")]
    pub default_sr: Ref,
    pub other_config: Config,
    pub ha_enabled: bool,
    pub ha_configuration: Config,
    pub ha_statefiles: Vec<Box<str>>,
    pub ha_host_failures_to_tolerate: i64,
    pub ha_plan_exists_for: i64,
    pub ha_overcommitted: bool,
    pub ha_cluster_stack: Box<str>,
    pub wlb_enabled: bool,
    /// When update metadata was last synchronised. Since xapi 23.18.
    pub last_update_sync: Date,
    pub current_operations: BTreeMap<Ref, Box<str>>,
}

/// A virtual machine, a template, a snapshot or a control domain.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "fields are xapi's")]
pub struct Vm {
    pub uuid: Box<str>,
    pub name_label: Box<str>,
    /// `Halted`, `Paused`, `Running` or `Suspended`.
    pub power_state: Box<str>,
    pub resident_on: Ref,
    pub is_control_domain: bool,
    pub is_a_template: bool,
    pub is_a_snapshot: bool,
    pub ha_restart_priority: Box<str>,
    /// Bytes.
    pub memory_dynamic_max: u64,
    /// Bytes.
    pub memory_overhead: u64,
    pub current_operations: BTreeMap<Ref, Box<str>>,
    /// What an update still wants of it: `restart_vm`, `restart_device_model`. Since xapi 1.303.
    pub pending_guidances: Vec<Box<str>>,
    pub pending_guidances_recommended: Vec<Box<str>>,
    pub pending_guidances_full: Vec<Box<str>>,
}

impl Vm {
    /// Whether an update takes effect for it only once it (or its device model) is started again.
    pub fn awaits_restart(&self) -> bool {
        let lists = [&self.pending_guidances, &self.pending_guidances_recommended, &self.pending_guidances_full];
        lists.into_iter().flatten().any(|one| matches!(&**one, "restart_vm" | "restart_device_model"))
    }

    /// Whether this is a guest that a host failure or reboot would hurt.
    pub fn is_active_guest(&self) -> bool {
        !self.is_control_domain
            && !self.is_a_template
            && !self.is_a_snapshot
            && matches!(&*self.power_state, "Running" | "Paused")
    }
}

/// How far a task has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "values are xapi's")]
pub enum TaskStatus {
    #[default]
    Pending,
    Success,
    Failure,
    Cancelling,
    Cancelled,
    /// One that this version does not know.
    #[serde(other)]
    Other,
}

impl TaskStatus {
    /// Whether it may still do something.
    pub const fn is_running(self) -> bool {
        matches!(self, Self::Pending | Self::Cancelling | Self::Other)
    }
}

/// Something that takes a while.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "fields are xapi's")]
pub struct Task {
    pub uuid: Box<str>,
    pub name_label: Box<str>,
    pub name_description: Box<str>,
    pub created: Date,
    pub finished: Date,
    pub status: TaskStatus,
    pub resident_on: Ref,
    /// 0 to 1. Many tasks never move it.
    pub progress: f64,
    /// Error code and its parameters.
    pub error_info: Vec<Box<str>>,
    pub other_config: Config,
    pub subtask_of: Ref,
}

/// An alert that xapi wrote down.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "fields are xapi's")]
pub struct Message {
    pub uuid: Box<str>,
    pub name: Box<str>,
    /// 1 critical, 2 major, 3 warning, 4 minor, 5 information.
    pub priority: i64,
    /// `Host`, `Pool`, `SR`, `VM`, …
    pub cls: Box<str>,
    pub obj_uuid: Box<str>,
    pub timestamp: Date,
    pub body: Box<str>,
}

/// A certificate that the pool's database knows of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "fields are xapi's")]
pub struct Certificate {
    pub uuid: Box<str>,
    pub name: Box<str>,
    /// `ca`, `host` or `host_internal`.
    pub r#type: Box<str>,
    pub host: Ref,
    pub not_after: Date,
    /// SHA-256 with colons.
    pub fingerprint: Box<str>,
    /// SHA-256 with colons, since xapi 24.19; `fingerprint` may be SHA-1 there.
    pub fingerprint_sha256: Box<str>,
}
