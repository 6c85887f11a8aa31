//! `healthCheck` of XOSTOR's plugin `linstor-manager`, in the shape with `nodes` below a resource and in the one before.

use super::{Copy, Linstor, Node, State};
use crate::o2cb::live::known::Unknown;
use crate::probe::lenient::{self, list, text, truth, whole};
use serde_json::Value;

/// What the health check says.
pub fn health_check(from: &str, said: &str) -> Result<Linstor, Unknown> {
    let json = lenient::parse(from, said)?;
    let (Some(nodes), Some(resources)) =
        (json.value.get("nodes").and_then(Value::as_object), json.value.get("resources").and_then(Value::as_object))
    else {
        return Err(Unknown::not_understood(from, said));
    };
    let clean = |text: &str| crate::text::clean(text, 256).into_owned();
    let nodes =
        nodes.iter().map(|(name, state)| Node { name: clean(name), connection: clean(state.as_str().unwrap_or("")), kind: None });
    let mut copies = Vec::new();
    for (name, resource) in resources {
        // Before, the nodes stood in the resource itself.
        let below = resource.get("nodes").and_then(Value::as_object).or_else(|| resource.as_object());
        for (node, copy) in below.into_iter().flatten().filter(|(_, copy)| copy.is_object()) {
            copies.extend(self::copies(&clean(name), &clean(node), copy));
        }
    }
    let errors = list(&json.value, "errors").iter().map(|error| clean(&error.to_string())).collect();
    Ok(Linstor { nodes: nodes.collect(), copies, errors, cut: json.cut })
}

fn copies(resource: &str, node: &str, value: &Value) -> Vec<Copy> {
    let state = |said: Option<String>| {
        if truth(value, "tie-breaker") == Some(true) {
            State::read("TieBreaker")
        } else {
            State::read(said.as_deref().unwrap_or("Unknown"))
        }
    };
    let copy = |volume: Option<&Value>| Copy {
        resource: resource.to_owned(),
        node: node.to_owned(),
        in_use: truth(value, "in-use"),
        state: state(volume.and_then(|volume| text(volume, "disk-state"))),
        volume: volume.and_then(|volume| whole(volume, "number")),
        pool: volume.and_then(|volume| text(volume, "storage-pool-name")),
        allocated: volume.and_then(|volume| whole(volume, "allocated-size")).map(|size| size.to_string()),
        ..Copy::default()
    };
    let volumes = list(value, "volumes");
    if volumes.is_empty() { vec![copy(None)] } else { volumes.iter().map(|volume| copy(Some(volume))).collect() }
}
