//! `SR`, `PBD`.

use super::{Config, Ref};
use serde::{Deserialize, Serialize};

/// A storage repository.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "fields are xapi's")]
pub struct Sr {
    pub uuid: Box<str>,
    pub name_label: Box<str>,
    pub r#type: Box<str>,
    pub content_type: Box<str>,
    pub shared: bool,
    /// Whether it is an aggregated local storage, mirrored between hosts.
    pub clustered: bool,
    pub other_config: Config,
    pub sm_config: Config,
    /// Bytes.
    pub physical_size: i64,
    /// Bytes.
    pub physical_utilisation: i64,
}

/// A host's connection to a storage repository.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "fields are xapi's")]
pub struct Pbd {
    pub uuid: Box<str>,
    pub host: Ref,
    #[serde(rename = "SR")]
    pub sr: Ref,
    pub device_config: Config,
    pub currently_attached: bool,
    /// Holds `mpath-<SCSIid>` = `[up, max]` for each LUN with multipath.
    pub other_config: Config,
}
