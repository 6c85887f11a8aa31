//! `multipathd show maps json`, `show map X json`, and parts of them.

use super::{Map, Path};
use crate::o2cb::live::known::Unknown;
use crate::probe::lenient::{self, list, text, whole};
use serde_json::Value;

/// All maps of an answer: `{"maps": […]}`, `{"map": {…}}`, a list, or one map.
pub fn maps_json(from: &str, said: &str) -> Result<Vec<Map>, Unknown> {
    if super::is_help(said) {
        return Err(Unknown::not_understood(from, "the daemon does not know this question and printed its help"));
    }
    let json = lenient::parse(from, said)?;
    let value = &json.value;
    let maps: Vec<&Value> = if let Some(maps) = value.get("maps").and_then(Value::as_array) {
        maps.iter().collect()
    } else if let Some(map) = value.get("map") {
        vec![map]
    } else if let Some(maps) = value.as_array() {
        maps.iter().collect()
    } else {
        vec![value]
    };
    let known: Vec<Map> = maps.iter().filter_map(|map| map_json(map)).collect();
    if known.is_empty() && !maps.is_empty() { Err(Unknown::not_understood(from, said)) } else { Ok(known) }
}

/// One map.
pub fn map_json(value: &Value) -> Option<Map> {
    let wwid = text(value, "uuid").or_else(|| text(value, "name"))?;
    let groups = list(value, "path_groups");
    let paths = groups.iter().flat_map(|group| list(group, "paths")).chain(list(value, "paths"));
    let mut map = Map {
        name: text(value, "name").unwrap_or_else(|| wwid.clone()),
        dm: text(value, "sysfs"),
        vendor: text(value, "vend").map(|vendor| format!("{vendor},{}", text(value, "prod").unwrap_or_default())),
        state: text(value, "dm_st"),
        queues: text(value, "features").filter(|features| features.contains("queue_if_no_path")).map(|_| true),
        up: whole(value, "paths"),
        path_faults: whole(value, "path_faults"),
        queue_timeouts: whole(value, "q_timeouts"),
        action: text(value, "action").filter(|action| !action.is_empty()),
        groups: groups.len(),
        paths: paths.filter_map(|path| path_json(path, Some(&wwid))).collect(),
        wwid,
        queueing: None,
    };
    if let Some(queueing) = text(value, "queueing") {
        map.read_queueing(&queueing);
    }
    Some(map)
}

/// One path.
pub fn path_json(value: &Value, map: Option<&str>) -> Option<Path> {
    Some(Path {
        dev: text(value, "dev").filter(|dev| dev != "-" && !dev.is_empty()),
        dev_t: Some(text(value, "dev_t")?).filter(|dev_t| !dev_t.contains('#')),
        hctl: text(value, "hcil"),
        dm: text(value, "dm_st").unwrap_or_default(),
        check: text(value, "chk_st").unwrap_or_default(),
        scsi: text(value, "dev_st"),
        checker: text(value, "checker"),
        priority: value.get("pri").and_then(Value::as_i64),
        adapter: text(value, "host_adapter").filter(|adapter| adapter != "[undef]"),
        map: map.map(ToOwned::to_owned),
    })
}
