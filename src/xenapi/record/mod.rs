//! The records of the pool's database, as far as poolwatch uses them.
//!
//! Read leniently (fields that are missing have defaults, unknown fields are ignored, unknown enum values
//! are `Other`), because pools of every age are watched. Secrets never get in: fields that hold one
//! (`cluster_token`, for example) do not exist here, and values of configuration maps whose key speaks of
//! one are replaced when they are read. Field names are xapi's (source: xapi's datamodel).

mod cluster;
mod host;
mod network;
mod pool;
mod storage;
mod value;

pub use cluster::{Cluster, ClusterHost};
pub use host::{Host, HostCrashdump, HostMetrics, HostOperation};
pub use network::{Bond, Pif, PifMetrics};
pub use pool::{Certificate, Message, Pool, Task, TaskStatus, Vm};
pub use storage::{Pbd, Sr};
pub use value::{Config, Date, REDACTED, Ref, RefMap, RefSet, is_secret_key};

use serde::{Deserialize, Serialize};

/// The classes of records that poolwatch reads. Serialised in lower case, as events name them.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::EnumIter,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", ascii_case_insensitive)]
#[allow(missing_docs, reason = "each is the xapi class of that name")]
pub enum Class {
    Pool,
    Host,
    HostMetrics,
    HostCrashdump,
    Vm,
    Task,
    Sr,
    Pbd,
    Pif,
    PifMetrics,
    Bond,
    Cluster,
    ClusterHost,
    Message,
    Certificate,
}

impl Class {
    /// The class name as calls spell it: `PIF_metrics`, `Cluster_host`, `host`.
    pub const fn call_name(self) -> &'static str {
        match self {
            Self::Pool => "pool",
            Self::Host => "host",
            Self::HostMetrics => "host_metrics",
            Self::HostCrashdump => "host_crashdump",
            Self::Vm => "VM",
            Self::Task => "task",
            Self::Sr => "SR",
            Self::Pbd => "PBD",
            Self::Pif => "PIF",
            Self::PifMetrics => "PIF_metrics",
            Self::Bond => "Bond",
            Self::Cluster => "Cluster",
            Self::ClusterHost => "Cluster_host",
            Self::Message => "message",
            Self::Certificate => "Certificate",
        }
    }

    /// The class name as events spell it: `pif_metrics`, `cluster_host`, `host`.
    pub fn event_name(self) -> &'static str {
        self.into()
    }
}

/// A record of any class that poolwatch reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each is the xapi class of that name")]
#[allow(clippy::large_enum_variant, reason = "records are boxed where they are kept")]
pub enum Record {
    Pool(Pool),
    Host(Host),
    HostMetrics(HostMetrics),
    HostCrashdump(HostCrashdump),
    Vm(Vm),
    Task(Task),
    Sr(Sr),
    Pbd(Pbd),
    Pif(Pif),
    PifMetrics(PifMetrics),
    Bond(Bond),
    Cluster(Cluster),
    ClusterHost(ClusterHost),
    Message(Message),
    Certificate(Certificate),
}

impl Record {
    /// Reads one record of `class` from the JSON that xapi sent.
    pub fn parse(class: Class, json: &str) -> Result<Self, serde_json::Error> {
        // Lists would be taken for the fields in their order.
        if !json.trim_start().starts_with('{') {
            return Err(serde::de::Error::custom("a record is an object, and this is none"));
        }
        Ok(match class {
            Class::Pool => Self::Pool(serde_json::from_str(json)?),
            Class::Host => Self::Host(serde_json::from_str(json)?),
            Class::HostMetrics => Self::HostMetrics(serde_json::from_str(json)?),
            Class::HostCrashdump => Self::HostCrashdump(serde_json::from_str(json)?),
            Class::Vm => Self::Vm(serde_json::from_str(json)?),
            Class::Task => Self::Task(serde_json::from_str(json)?),
            Class::Sr => Self::Sr(serde_json::from_str(json)?),
            Class::Pbd => Self::Pbd(serde_json::from_str(json)?),
            Class::Pif => Self::Pif(serde_json::from_str(json)?),
            Class::PifMetrics => Self::PifMetrics(serde_json::from_str(json)?),
            Class::Bond => Self::Bond(serde_json::from_str(json)?),
            Class::Cluster => Self::Cluster(serde_json::from_str(json)?),
            Class::ClusterHost => Self::ClusterHost(serde_json::from_str(json)?),
            Class::Message => Self::Message(serde_json::from_str(json)?),
            Class::Certificate => Self::Certificate(serde_json::from_str(json)?),
        })
    }

    /// The class of this record.
    pub const fn class(&self) -> Class {
        match self {
            Self::Pool(_) => Class::Pool,
            Self::Host(_) => Class::Host,
            Self::HostMetrics(_) => Class::HostMetrics,
            Self::HostCrashdump(_) => Class::HostCrashdump,
            Self::Vm(_) => Class::Vm,
            Self::Task(_) => Class::Task,
            Self::Sr(_) => Class::Sr,
            Self::Pbd(_) => Class::Pbd,
            Self::Pif(_) => Class::Pif,
            Self::PifMetrics(_) => Class::PifMetrics,
            Self::Bond(_) => Class::Bond,
            Self::Cluster(_) => Class::Cluster,
            Self::ClusterHost(_) => Class::ClusterHost,
            Self::Message(_) => Class::Message,
            Self::Certificate(_) => Class::Certificate,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strum::IntoEnumIterator;

    #[test]
    fn an_empty_record_of_every_class_is_readable() {
        for class in Class::iter() {
            let record = Record::parse(class, "{}").unwrap_or_else(|e| panic!("{class:?}: {e}"));
            assert_eq!(record.class(), class);
        }
    }

    #[test]
    fn class_names_are_read_as_calls_and_as_events_spell_them() {
        for class in Class::iter() {
            assert_eq!(class.call_name().parse(), Ok(class));
            assert_eq!(class.event_name().parse(), Ok(class));
            assert_eq!(class.event_name(), class.call_name().to_lowercase());
        }
    }

    #[test]
    fn unknown_enum_values_and_unknown_fields_are_fine() {
        let json = r#"{"name_label":"xcp1","enabled":true,"allowed_operations":["reboot","levitate"],"future_field":{"a":[1]}}"#;
        let Ok(Record::Host(host)) = Record::parse(Class::Host, json) else { panic!("not read") };
        assert_eq!(host.allowed_operations, [HostOperation::Reboot, HostOperation::Other]);
    }

    #[test]
    fn a_record_survives_being_written_and_read_again() {
        let json = r#"{"name_label":"p","master":"OpaqueRef:1","other_config":{"a":"b"},"ha_enabled":true}"#;
        let record = Record::parse(Class::Pool, json).expect("readable");
        let text = serde_json::to_string(&record).expect("writable");
        assert_eq!(serde_json::from_str::<Record>(&text).expect("readable"), record);
    }
}
