//! `linstor -m resource list` (of 2018 and later) and the nodes of the REST interface.

use super::{Copy, Linstor, Node, State};
use crate::o2cb::live::known::Unknown;
use crate::probe::lenient::{self, list, text, truth, whole};
use serde_json::Value;

/// The nodes: `[{"name", "connection_status", "type"}]`.
pub fn nodes_json(from: &str, said: &str) -> Result<Vec<Node>, Unknown> {
    let json = lenient::parse(from, said)?;
    let nodes = flat(&json.value).into_iter().filter_map(|node| {
        Some(Node { name: text(node, "name")?, connection: text(node, "connection_status")?, kind: text(node, "type") })
    });
    let nodes: Vec<Node> = nodes.collect();
    if nodes.is_empty() { Err(Unknown::not_understood(from, said)) } else { Ok(nodes) }
}

/// The copies of `linstor -m resource list`: a list of resources, or of 2018, a list of states beside one of resources.
pub fn resources_json(from: &str, said: &str) -> Result<Linstor, Unknown> {
    let json = lenient::parse(from, said)?;
    let mut copies = Vec::new();
    for entry in flat(&json.value) {
        let states = list(entry, "resource_states");
        copies.extend(states.iter().filter_map(old));
        copies.extend(new(entry));
    }
    if copies.is_empty() && !flat(&json.value).is_empty() {
        return Err(Unknown::not_understood(from, said));
    }
    Ok(Linstor { copies, cut: json.cut, ..Linstor::default() })
}

/// Lists within lists, as output version 1 has them, in one.
fn flat(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(all) => all.iter().flat_map(flat).collect(),
        other => vec![other],
    }
}

/// An entry of `resource_states` of 2018.
fn old(entry: &Value) -> Option<Copy> {
    let state = list(entry, "vlm_states").iter().find_map(|volume| text(volume, "disk_state"));
    Some(Copy {
        resource: text(entry, "rsc_name")?,
        node: text(entry, "node_name")?,
        in_use: truth(entry, "in_use"),
        state: State::read(state.as_deref().unwrap_or("")),
        ..Copy::default()
    })
}

/// An entry of output version 1.
fn new(entry: &Value) -> Option<Copy> {
    let volume = list(entry, "volumes").first();
    let state = volume.and_then(|volume| text(volume.get("state")?, "disk_state"));
    let flags = list(entry, "flags");
    let diskless = flags.iter().filter_map(Value::as_str).find_map(|flag| match flag {
        "TIE_BREAKER" => Some("TieBreaker"),
        "DELETE" | "DELETING" => Some("DELETING"),
        _ => None,
    });
    Some(Copy {
        resource: text(entry, "name")?,
        node: text(entry, "node_name")?,
        in_use: entry.get("state").and_then(|state| truth(state, "in_use")),
        state: State::read(diskless.or(state.as_deref()).unwrap_or("Unknown")),
        volume: volume.and_then(|volume| whole(volume, "volume_number")),
        pool: volume.and_then(|volume| text(volume, "storage_pool_name")),
        ..Copy::default()
    })
}
