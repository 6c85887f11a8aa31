//! `drbdadm status` and `drbdsetup status --verbose --statistics`: words `key:value`, nested by indentation.

use super::{Peer, PeerVolume, Resource, STALLED_ETA, Volume};
use crate::o2cb::live::known::Unknown;
use crate::text;
use std::collections::BTreeMap;

/// All resources; the outputs of several nodes one after the other are so many resources of the same name.
pub fn status_text(from: &str, said: &str) -> Result<Vec<Resource>, Unknown> {
    let mut all: Vec<Resource> = Vec::new();
    for line in said.lines().take(1_000_000) {
        let words = Words::of(line);
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        if !line.starts_with([' ', '\t']) {
            // Only a resource begins at the margin: `name role:…` or `name node-id:…`.
            if let Some(name) = words.name.clone().filter(|_| words.has("role") || words.has("node-id")) {
                all.push(Resource {
                    name,
                    node_id: words.number("node-id"),
                    role: words.get("role"),
                    suspended: words.get("suspended").map(|why| why != "no"),
                    ..Resource::default()
                });
            }
            continue;
        }
        let Some(resource) = all.last_mut() else { continue };
        if let Some(name) = words.name.clone() {
            let role = words.get("role");
            // A connection that is not named is up: only what differs is printed.
            let connection = words.get("connection").unwrap_or_else(|| "Connected".into());
            resource.peers.push(Peer { name, node_id: words.number("node-id"), connection, role, volumes: Vec::new() });
        } else if words.has("peer-disk") || words.has("replication") {
            if let Some(peer) = resource.peers.last_mut() {
                peer.volumes.push(peer_volume(&words));
            }
        } else if let Some(disk) = words.get("disk") {
            resource.volumes.push(Volume {
                number: words.number("volume").unwrap_or(0),
                minor: words.number("minor"),
                disk,
                client: words.truth("client"),
                quorum: words.truth("quorum"),
                size_kib: words.number("size"),
            });
        }
    }
    if all.is_empty() && !said.trim().is_empty() && !said.contains("No currently configured DRBD") {
        return Err(Unknown::not_understood(from, said));
    }
    Ok(all)
}

fn peer_volume(words: &Words) -> PeerVolume {
    let eta = words.number("eta").or_else(|| words.number("estimated-seconds-to-finish"));
    PeerVolume {
        number: words.number("volume").unwrap_or(0),
        // Not printed is established.
        replication: words.get("replication").unwrap_or_else(|| "Established".into()),
        disk: words.get("peer-disk"),
        client: words.truth("peer-client"),
        resync_suspended: words.get("resync-suspended"),
        out_of_sync_kib: words.number("out-of-sync"),
        in_sync_percent: words.percent("percent-in-sync"),
        done_percent: words.percent("done"),
        eta_secs: eta.filter(|eta| *eta < STALLED_ETA),
        stalled: eta.is_some_and(|eta| eta >= STALLED_ETA),
        kib_per_sec: None,
    }
}

/// The words of a line: a name, if the first is none of `key:value`, and the pairs.
struct Words {
    name: Option<String>,
    pairs: BTreeMap<String, String>,
}

impl Words {
    fn of(line: &str) -> Self {
        let mut name = None;
        let mut pairs = BTreeMap::new();
        for (at, word) in line.split_ascii_whitespace().enumerate() {
            match word.split_once(':') {
                Some((key, value)) => drop(pairs.insert(key.to_owned(), text::clean(value, 128).into_owned())),
                None if at == 0 => name = Some(text::clean(word, 256).into_owned()),
                None => {}
            }
        }
        Self { name, pairs }
    }

    fn has(&self, key: &str) -> bool {
        self.pairs.contains_key(key)
    }

    fn get(&self, key: &str) -> Option<String> {
        self.pairs.get(key).cloned()
    }

    fn number(&self, key: &str) -> Option<u64> {
        self.pairs.get(key)?.parse().ok()
    }

    fn percent(&self, key: &str) -> Option<f64> {
        self.pairs.get(key)?.trim_end_matches('%').parse().ok().filter(|percent: &f64| percent.is_finite())
    }

    fn truth(&self, key: &str) -> Option<bool> {
        match self.pairs.get(key)?.as_str() {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        }
    }
}
