//! Rows of the database as records: the same that comes out when the row is written as JSON and read again.

use crate::sim::schema::{Dialect, Schema};
use crate::sim::value::Value;
use crate::time::Time;
use crate::xenapi::record::{
    Bond, Certificate, Class, Cluster, ClusterHost, Config, Date, Host, HostCrashdump, HostMetrics, HostOperation, Message,
    Network, Pbd, Pif, PifMetrics, Pool, Record, Ref, Sr, Task, TaskStatus, Vm,
};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// A field's value in the type that the record has.
trait Take {
    fn take(value: &Value) -> Self;
}

/// The value at a place of a row; the default where the dialect has no such field.
fn take<T: Take + Default>(values: &[Value], at: usize) -> T {
    values.get(at).map(T::take).unwrap_or_default()
}

/// Where a field is. Additions of the designed dialect come after all others, so that places are the same in both.
fn place(class: &str, field: &str) -> usize {
    Schema::of(Dialect::Designed).class(class).and_then(|class| class.position(field)).unwrap_or(usize::MAX)
}

/// Reads a row of `class` as `type`, field by field; places are looked up once.
macro_rules! read {
    ($values:expr, $class:literal, $record:ident { $($field:ident: $name:literal),* $(,)? }) => {{
        static PLACES: OnceLock<Places> = OnceLock::new();
        #[derive(Clone, Copy)]
        struct Places { $($field: usize),* }
        let at = PLACES.get_or_init(|| Places { $($field: place($class, $name)),* });
        $record { $($field: take($values, at.$field)),* }
    }};
}

/// A row as a record of its class.
pub fn record(class: Class, v: &[Value]) -> Record {
    match class {
        Class::Pool => Record::Pool(read!(
            v,
            "pool",
            Pool {
                uuid: "uuid",
                name_label: "name_label",
                master: "master",
                default_sr: "default_SR",
                other_config: "other_config",
                ha_enabled: "ha_enabled",
                ha_configuration: "ha_configuration",
                ha_statefiles: "ha_statefiles",
                ha_host_failures_to_tolerate: "ha_host_failures_to_tolerate",
                ha_plan_exists_for: "ha_plan_exists_for",
                ha_overcommitted: "ha_overcommitted",
                ha_cluster_stack: "ha_cluster_stack",
                wlb_enabled: "wlb_enabled",
                current_operations: "current_operations",
                last_update_sync: "last_update_sync",
            }
        )),
        Class::Host => Record::Host(read!(
            v,
            "host",
            Host {
                uuid: "uuid",
                name_label: "name_label",
                address: "address",
                hostname: "hostname",
                enabled: "enabled",
                allowed_operations: "allowed_operations",
                current_operations: "current_operations",
                software_version: "software_version",
                other_config: "other_config",
                resident_vms: "resident_VMs",
                metrics: "metrics",
                control_domain: "control_domain",
                multipathing: "multipathing",
                ha_statefiles: "ha_statefiles",
                ha_network_peers: "ha_network_peers",
                pending_guidances: "pending_guidances",
                pending_guidances_recommended: "pending_guidances_recommended",
                pending_guidances_full: "pending_guidances_full",
                updates_requiring_reboot: "updates_requiring_reboot",
                memory_overhead: "memory_overhead",
                license_params: "license_params",
                edition: "edition",
                memberships: "memberships",
                last_software_update: "last_software_update",
                last_update_hash: "last_update_hash",
                latest_synced_updates_applied: "latest_synced_updates_applied",
            }
        )),
        Class::HostMetrics => Record::HostMetrics(read!(
            v,
            "host_metrics",
            HostMetrics {
                uuid: "uuid",
                memory_total: "memory_total",
                memory_free: "memory_free",
                live: "live",
                last_updated: "last_updated",
            }
        )),
        Class::HostCrashdump => Record::HostCrashdump(read!(
            v,
            "host_crashdump",
            HostCrashdump {
                uuid: "uuid",
                host: "host",
                timestamp: "timestamp",
                size: "size",
                other_config: "other_config",
                cause: "cause",
            }
        )),
        Class::Vm => Record::Vm(read!(
            v,
            "VM",
            Vm {
                uuid: "uuid",
                name_label: "name_label",
                power_state: "power_state",
                resident_on: "resident_on",
                is_control_domain: "is_control_domain",
                is_a_template: "is_a_template",
                is_a_snapshot: "is_a_snapshot",
                ha_restart_priority: "ha_restart_priority",
                memory_dynamic_max: "memory_dynamic_max",
                memory_overhead: "memory_overhead",
                current_operations: "current_operations",
                pending_guidances: "pending_guidances",
                pending_guidances_recommended: "pending_guidances_recommended",
                pending_guidances_full: "pending_guidances_full",
            }
        )),
        Class::Task => Record::Task(read!(
            v,
            "task",
            Task {
                uuid: "uuid",
                name_label: "name_label",
                name_description: "name_description",
                created: "created",
                finished: "finished",
                status: "status",
                resident_on: "resident_on",
                progress: "progress",
                error_info: "error_info",
                other_config: "other_config",
                subtask_of: "subtask_of",
            }
        )),
        Class::Sr => Record::Sr(read!(
            v,
            "SR",
            Sr {
                uuid: "uuid",
                name_label: "name_label",
                r#type: "type",
                content_type: "content_type",
                shared: "shared",
                clustered: "clustered",
                other_config: "other_config",
                sm_config: "sm_config",
                physical_size: "physical_size",
                physical_utilisation: "physical_utilisation",
            }
        )),
        Class::Pbd => Record::Pbd(read!(
            v,
            "PBD",
            Pbd {
                uuid: "uuid",
                host: "host",
                sr: "SR",
                device_config: "device_config",
                currently_attached: "currently_attached",
                other_config: "other_config",
            }
        )),
        Class::Pif => Record::Pif(read!(
            v,
            "PIF",
            Pif {
                uuid: "uuid",
                device: "device",
                host: "host",
                network: "network",
                metrics: "metrics",
                physical: "physical",
                currently_attached: "currently_attached",
                ip: "IP",
                bond_slave_of: "bond_slave_of",
                bond_master_of: "bond_master_of",
                vlan: "VLAN",
                management: "management",
                disallow_unplug: "disallow_unplug",
            }
        )),
        Class::PifMetrics => Record::PifMetrics(read!(
            v,
            "PIF_metrics",
            PifMetrics { uuid: "uuid", carrier: "carrier", speed: "speed", device_name: "device_name" }
        )),
        Class::Network => Record::Network(read!(
            v,
            "network",
            Network { uuid: "uuid", name_label: "name_label", bridge: "bridge", pifs: "PIFs" }
        )),
        Class::Bond => Record::Bond(read!(
            v,
            "Bond",
            Bond {
                uuid: "uuid",
                master: "master",
                slaves: "slaves",
                mode: "mode",
                links_up: "links_up",
                properties: "properties",
            }
        )),
        Class::Cluster => Record::Cluster(read!(
            v,
            "Cluster",
            Cluster {
                uuid: "uuid",
                cluster_hosts: "cluster_hosts",
                pending_forget: "pending_forget",
                cluster_stack: "cluster_stack",
                is_quorate: "is_quorate",
                quorum: "quorum",
                live_hosts: "live_hosts",
                expected_hosts: "expected_hosts",
                token_timeout: "token_timeout",
                token_timeout_coefficient: "token_timeout_coefficient",
                other_config: "other_config",
            }
        )),
        Class::ClusterHost => Record::ClusterHost(read!(
            v,
            "Cluster_host",
            ClusterHost {
                uuid: "uuid",
                cluster: "cluster",
                host: "host",
                enabled: "enabled",
                joined: "joined",
                live: "live",
                last_update_live: "last_update_live",
            }
        )),
        Class::Message => Record::Message(read!(
            v,
            "message",
            Message {
                uuid: "uuid",
                name: "name",
                priority: "priority",
                cls: "cls",
                obj_uuid: "obj_uuid",
                timestamp: "timestamp",
                body: "body",
            }
        )),
        Class::Certificate => Record::Certificate(read!(
            v,
            "Certificate",
            Certificate {
                uuid: "uuid",
                name: "name",
                r#type: "type",
                host: "host",
                not_after: "not_after",
                fingerprint: "fingerprint",
                fingerprint_sha256: "fingerprint_sha256",
            }
        )),
    }
}

fn text(value: &Value) -> &str {
    match value {
        Value::Str(text) => text,
        Value::Ref(r) => r.as_str(),
        _ => "",
    }
}

fn items(value: &Value) -> &[Value] {
    match value {
        Value::Set(items) => items,
        _ => &[],
    }
}

fn pairs(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let map = match value {
        Value::Map(map) => Some(map),
        _ => None,
    };
    map.into_iter().flatten().map(|(key, value)| (&**key, value))
}

impl Take for Box<str> {
    fn take(value: &Value) -> Self {
        text(value).into()
    }
}

impl Take for bool {
    fn take(value: &Value) -> Self {
        *value == Value::Bool(true)
    }
}

impl Take for i64 {
    fn take(value: &Value) -> Self {
        if let Value::Int(number) = value { *number } else { 0 }
    }
}

impl Take for u64 {
    fn take(value: &Value) -> Self {
        Self::try_from(i64::take(value)).unwrap_or(0)
    }
}

impl Take for f64 {
    fn take(value: &Value) -> Self {
        match value {
            Value::Float(number) => *number,
            Value::Int(number) => *number as Self,
            _ => 0.0,
        }
    }
}

impl Take for Ref {
    fn take(value: &Value) -> Self {
        match value {
            Value::Ref(r) => r.clone(),
            other => Self::from(text(other)),
        }
    }
}

impl Take for Date {
    /// On the wire dates have whole seconds.
    fn take(value: &Value) -> Self {
        let Value::Date(time) = value else { return Self(None) };
        let whole = Time::from_secs(time.as_millis().div_euclid(1000));
        Self(Some(whole).filter(|t| *t > Time::EPOCH))
    }
}

impl Take for Config {
    fn take(value: &Value) -> Self {
        pairs(value).map(|(key, value)| (key, text(value))).collect()
    }
}

impl Take for Vec<Ref> {
    fn take(value: &Value) -> Self {
        items(value).iter().map(Ref::take).collect()
    }
}

impl Take for Vec<Box<str>> {
    fn take(value: &Value) -> Self {
        items(value).iter().map(<Box<str>>::take).collect()
    }
}

impl Take for HostOperation {
    fn take(value: &Value) -> Self {
        match text(value) {
            "provision" => Self::Provision,
            "evacuate" => Self::Evacuate,
            "shutdown" => Self::Shutdown,
            "reboot" => Self::Reboot,
            "power_on" => Self::PowerOn,
            "vm_start" => Self::VmStart,
            "vm_resume" => Self::VmResume,
            "vm_migrate" => Self::VmMigrate,
            "apply_updates" => Self::ApplyUpdates,
            "enable" => Self::Enable,
            _ => Self::Other,
        }
    }
}

impl Take for Vec<HostOperation> {
    fn take(value: &Value) -> Self {
        items(value).iter().map(HostOperation::take).collect()
    }
}

impl<T: Take> Take for BTreeMap<Ref, T> {
    fn take(value: &Value) -> Self {
        pairs(value).map(|(key, value)| (Ref::from(key), T::take(value))).collect()
    }
}

impl Take for TaskStatus {
    fn take(value: &Value) -> Self {
        match text(value) {
            "pending" => Self::Pending,
            "success" => Self::Success,
            "failure" => Self::Failure,
            "cancelling" => Self::Cancelling,
            "cancelled" => Self::Cancelled,
            _ => Self::Other,
        }
    }
}

/// Fields that not every pool has.
impl<T: Take> Take for Option<T> {
    fn take(value: &Value) -> Self {
        Some(T::take(value))
    }
}
