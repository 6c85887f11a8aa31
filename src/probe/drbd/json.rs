//! `drbdsetup status --json` (drbd-utils 9.4 and later).

use super::{Peer, PeerVolume, Resource, STALLED_ETA, Volume};
use crate::o2cb::live::known::Unknown;
use crate::probe::lenient::{self, list, number, text, truth, whole};
use serde_json::Value;

/// All resources, and whether the answer was cut.
pub fn status_json(from: &str, said: &str) -> Result<Vec<Resource>, Unknown> {
    let json = lenient::parse(from, said)?;
    let all = json.value.as_array().ok_or_else(|| Unknown::not_understood(from, said))?;
    let found: Vec<Resource> = all.iter().filter_map(resource).collect();
    if found.is_empty() && !all.is_empty() { Err(Unknown::not_understood(from, said)) } else { Ok(found) }
}

fn resource(value: &Value) -> Option<Resource> {
    let reasons = ["suspended", "suspended-user", "suspended-no-data", "suspended-fencing", "suspended-quorum"];
    let suspended: Vec<bool> = reasons.iter().filter_map(|key| truth(value, key)).collect();
    Some(Resource {
        name: text(value, "name")?,
        node_id: whole(value, "node-id"),
        role: text(value, "role"),
        suspended: (!suspended.is_empty()).then(|| suspended.contains(&true)),
        volumes: list(value, "devices").iter().filter_map(volume).collect(),
        peers: list(value, "connections").iter().filter_map(peer).collect(),
    })
}

fn volume(value: &Value) -> Option<Volume> {
    Some(Volume {
        number: whole(value, "volume").unwrap_or(0),
        minor: whole(value, "minor"),
        disk: text(value, "disk-state")?,
        client: truth(value, "client"),
        quorum: truth(value, "quorum"),
        size_kib: whole(value, "size"),
    })
}

fn peer(value: &Value) -> Option<Peer> {
    Some(Peer {
        name: text(value, "name")?,
        node_id: whole(value, "peer-node-id"),
        connection: text(value, "connection-state").unwrap_or_default(),
        role: text(value, "peer-role"),
        volumes: list(value, "peer_devices").iter().filter_map(peer_volume).collect(),
    })
}

fn peer_volume(value: &Value) -> Option<PeerVolume> {
    let eta = number(value, "estimated-seconds-to-finish").filter(|eta| *eta >= 0.0).map(|eta| eta as u64);
    let speed = number(value, "db/dt [MiB/s]").or_else(|| number(value, "db0/dt0 [MiB/s]"));
    Some(PeerVolume {
        number: whole(value, "volume").unwrap_or(0),
        replication: text(value, "replication-state")?,
        disk: text(value, "peer-disk-state"),
        client: truth(value, "peer-client"),
        resync_suspended: text(value, "resync-suspended"),
        out_of_sync_kib: whole(value, "out-of-sync"),
        in_sync_percent: number(value, "percent-in-sync"),
        done_percent: number(value, "percent-resync-done"),
        eta_secs: eta.filter(|eta| *eta < STALLED_ETA),
        stalled: eta.is_some_and(|eta| eta >= STALLED_ETA),
        kib_per_sec: speed.map(|mib| (mib * 1024.0) as u64),
    })
}
