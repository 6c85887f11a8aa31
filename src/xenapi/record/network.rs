//! `PIF`, `PIF_metrics`, `Bond`, `network`.

use super::{Config, Ref};
use serde::{Deserialize, Serialize};

/// A physical network interface, a bond or a VLAN on one host.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "fields are xapi's")]
pub struct Pif {
    pub uuid: Box<str>,
    pub device: Box<str>,
    pub host: Ref,
    pub network: Ref,
    pub metrics: Ref,
    pub physical: bool,
    pub currently_attached: bool,
    #[serde(rename = "IP")]
    pub ip: Box<str>,
    pub bond_slave_of: Ref,
    pub bond_master_of: Vec<Ref>,
    /// -1 if it is not a VLAN.
    #[serde(rename = "VLAN")]
    pub vlan: i64,
    pub management: bool,
    pub disallow_unplug: bool,
}

/// A network of the pool: what the interfaces of its hosts lead to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "fields are xapi's")]
pub struct Network {
    pub uuid: Box<str>,
    pub name_label: Box<str>,
    pub bridge: Box<str>,
    #[serde(rename = "PIFs")]
    pub pifs: Vec<Ref>,
}

/// What is measured of a PIF.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "fields are xapi's")]
pub struct PifMetrics {
    pub uuid: Box<str>,
    pub carrier: bool,
    /// Mbit/s.
    pub speed: i64,
    pub device_name: Box<str>,
}

/// Several PIFs that act as one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "fields are xapi's")]
pub struct Bond {
    pub uuid: Box<str>,
    pub master: Ref,
    pub slaves: Vec<Ref>,
    pub mode: Box<str>,
    pub links_up: i64,
    pub properties: Config,
}
