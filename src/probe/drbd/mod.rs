//! What DRBD says of its resources: `drbdsetup status --json`, `drbdadm status` as text, `/proc/drbd` and `drbd-overview`
//! of 8.x. On DRBD 9 `/proc/drbd` holds only a version: then only the commands know.

mod json;
mod proc;
#[cfg(test)]
mod tests;
mod text;

pub use json::status_json;
pub use proc::{Minor, minors};
pub use text::status_text;

use serde::{Deserialize, Serialize};

/// An estimate that is not one: `drbdsetup` prints it for a resync that stands still.
pub const STALLED_ETA: u64 = 987_654_321;

/// A resource as one node sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    /// Its name; `minor N` where only that is known.
    pub name: String,
    /// This node's number in it.
    pub node_id: Option<u64>,
    /// `Primary`, `Secondary`, `Unknown`.
    pub role: Option<String>,
    /// Is I/O suspended, for whatever reason?
    pub suspended: Option<bool>,
    /// The local copies.
    pub volumes: Vec<Volume>,
    /// The other nodes.
    pub peers: Vec<Peer>,
}

/// The local copy of a volume.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Volume {
    /// Its number in the resource.
    pub number: u64,
    /// The device's minor number.
    pub minor: Option<u64>,
    /// `UpToDate`, `Inconsistent`, `Outdated`, `Diskless`, …
    pub disk: String,
    /// Is it diskless because it was set up so?
    pub client: Option<bool>,
    /// Has it quorum? Without, I/O is frozen or fails.
    pub quorum: Option<bool>,
    /// Size in KiB.
    pub size_kib: Option<u64>,
}

/// Another node of a resource.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Peer {
    /// Its name; DRBD 8.4 calls it `peer`.
    pub name: String,
    /// Its number.
    pub node_id: Option<u64>,
    /// `Connected`, `Connecting`, `StandAlone`, `NetworkFailure`, …
    pub connection: String,
    /// Its role.
    pub role: Option<String>,
    /// Its copies.
    pub volumes: Vec<PeerVolume>,
}

/// A volume between this node and a peer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PeerVolume {
    /// Its number.
    pub number: u64,
    /// `Established`, `SyncSource`, `SyncTarget`, `PausedSyncS`, `PausedSyncT`, `VerifyS`, `VerifyT`, `Off`, …
    pub replication: String,
    /// The peer's disk.
    pub disk: Option<String>,
    /// Is the peer diskless on purpose?
    pub client: Option<bool>,
    /// Who suspended a resync; `no` is nobody.
    pub resync_suspended: Option<String>,
    /// What differs, in KiB.
    pub out_of_sync_kib: Option<u64>,
    /// What does not differ, in percent of the volume.
    pub in_sync_percent: Option<f64>,
    /// What a running resync has done of its work, in percent.
    pub done_percent: Option<f64>,
    /// Seconds to its end, if there is an estimate.
    pub eta_secs: Option<u64>,
    /// Does it say itself that it stands still?
    pub stalled: bool,
    /// Speed in KiB a second.
    pub kib_per_sec: Option<u64>,
}

impl PeerVolume {
    /// Is a resync running or waiting?
    pub fn is_syncing(&self) -> bool {
        matches!(self.replication.as_str(), "SyncSource" | "SyncTarget") || self.is_waiting()
    }

    /// Does a resync wait for something?
    pub fn is_waiting(&self) -> bool {
        let waits = ["PausedSyncS", "PausedSyncT", "WFBitMapS", "WFBitMapT", "StartingSyncS", "StartingSyncT", "WFSyncUUID"];
        waits.contains(&self.replication.as_str())
    }

    /// Is this node the one that is written to?
    pub fn is_target(&self) -> bool {
        matches!(self.replication.as_str(), "SyncTarget" | "PausedSyncT" | "WFBitMapT" | "StartingSyncT" | "WFSyncUUID")
    }
}

impl Volume {
    /// Is it diskless on purpose?
    pub fn is_client(&self) -> bool {
        self.disk == "Diskless" && self.client == Some(true)
    }
}

impl Resource {
    /// Is everything as it should be: every copy up to date, every node connected, quorum held, nothing suspended?
    pub fn is_healthy(&self) -> bool {
        let local = |volume: &Volume| (volume.disk == "UpToDate" || volume.is_client()) && volume.quorum != Some(false);
        let remote = |volume: &PeerVolume| {
            let disk = volume.disk.as_deref();
            let client = disk == Some("Diskless") && volume.client != Some(false);
            (disk == Some("UpToDate") || client) && matches!(volume.replication.as_str(), "Established" | "Connected")
        };
        let peer = |peer: &Peer| peer.connection == "Connected" && peer.volumes.iter().all(remote);
        !self.volumes.is_empty() && self.volumes.iter().all(local) && self.peers.iter().all(peer) && self.suspended != Some(true)
    }

    /// Copies of volume `number` that are up to date, this node's among them, as far as they are connected.
    pub fn good_copies(&self, number: u64) -> usize {
        let own = self.volumes.iter().filter(|volume| volume.number == number && volume.disk == "UpToDate").count();
        let connected = self.peers.iter().filter(|peer| peer.connection == "Connected");
        let theirs = connected.flat_map(|peer| &peer.volumes);
        own + theirs.filter(|volume| volume.number == number && volume.disk.as_deref() == Some("UpToDate")).count()
    }

    /// Copies of volume `number` that should exist: every one that is not diskless on purpose.
    pub fn wanted_copies(&self, number: u64) -> usize {
        let own = self.volumes.iter().filter(|volume| volume.number == number && volume.disk != "Diskless").count();
        let theirs = self.peers.iter().filter(|peer| {
            let volume = peer.volumes.iter().find(|volume| volume.number == number);
            volume.is_none_or(|volume| volume.disk.as_deref() != Some("Diskless"))
        });
        own + theirs.count()
    }
}
