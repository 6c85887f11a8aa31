//! The topology: `multipath -ll`, `multipathd show topology` and their dialects back to 0.4.8.

use super::{Map, Path};
use crate::text;

/// The maps of a topology. Lines that are none of it (prompts, debug output, tables of paths) are passed over.
pub fn topology(said: &str) -> Vec<Map> {
    let mut maps: Vec<Map> = Vec::new();
    let mut open = false;
    for line in said.lines().take(1_000_000) {
        let line = line.trim_end();
        if line.starts_with("multipathd>") {
            open = false;
        } else if let Some(map) = heading(line) {
            maps.push(map);
            open = true;
        } else if let (true, Some(map)) = (open, maps.last_mut()) {
            inside(map, line);
        }
    }
    maps
}

/// How many lines are debug output of the tool: `Aug 30 05:09:18 | 65:16: cannot find block device`.
pub fn noise(said: &str) -> usize {
    said.lines()
        .filter(|line| line.split_once(" | ").is_some_and(|(stamp, _)| stamp.len() == 15 && stamp.matches(':').count() == 2))
        .count()
}

/// `[action: ][alias (]wwid[)] dm-N vendor,product`. 0.4.8 glues the wwid to `dm-N`.
fn heading(line: &str) -> Option<Map> {
    let first = line.chars().next()?;
    if first.is_whitespace() || matches!(first, '|' | '`' | '\\' | '[' | '#') || line.contains(" | ") || line.contains("='") {
        return None;
    }
    let at = line.rmatch_indices("dm-").map(|(at, _)| at).find(|at| {
        let digits = line.get(at + 3..).unwrap_or("");
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        end > 0 && digits.get(end..).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    })?;
    let (left, right) = (line.get(..at)?.trim_end(), line.get(at..)?);
    let (dm, vendor) = right.split_once(' ').unwrap_or((right, ""));
    let (action, left) = match left.split_once(": ") {
        Some((action, rest)) if action.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') => (Some(action), rest),
        _ => (None, left),
    };
    if left.is_empty() || left.ends_with(':') {
        return None;
    }
    let (name, wwid) = match left.strip_suffix(')').and_then(|left| left.split_once(" (")) {
        Some((name, wwid)) => (name, wwid),
        None => (left, left),
    };
    let keep = |text: &str| text::clean(text, 128).into_owned();
    Some(Map {
        name: keep(name.trim()),
        wwid: keep(wwid.trim()),
        dm: Some(dm.to_owned()),
        vendor: Some(vendor.trim()).filter(|vendor| !vendor.is_empty()).map(keep),
        action: action.map(keep),
        ..Map::default()
    })
}

/// A line below a heading: attributes, a group, or a path.
fn inside(map: &mut Map, line: &str) {
    if line.starts_with("size=") || line.starts_with("[size=") {
        map.queues = Some(line.contains("queue_if_no_path"));
        return;
    }
    let rest = line.trim_start_matches([' ', '|', '`', '-', '+', '\\', '_']);
    // Without a branch of the tree it is a row of some table.
    if rest.len() == line.len() || !line.starts_with([' ', '|', '`', '\\', '_']) || !line.contains(['`', '-', '\\', '_']) {
        return;
    }
    let is_path = rest.split(' ').next().is_some_and(|word| word.split(':').count() == 4);
    if is_path {
        map.paths.extend(path(rest, &map.wwid));
    } else if rest.starts_with("policy=") || rest.contains("[prio=") {
        map.groups += 1;
    }
}

/// `H:C:T:L dev major:minor dm check… [scsi]`, the states in brackets up to 0.4.8.
fn path(rest: &str, wwid: &str) -> Option<Path> {
    let bracketed = rest.contains('[');
    let plain = rest.replace("][", " ").replace(['[', ']'], " ").replace('"', "");
    let words: Vec<&str> = plain.split_ascii_whitespace().collect();
    let (hctl, dev, dev_t, states) = match words.as_slice() {
        [hctl, dev, dev_t, states @ ..] if !states.is_empty() => (*hctl, *dev, *dev_t, states),
        _ => return None,
    };
    let (dm, rest) = states.split_first()?;
    let (check, scsi) = match rest.split_last() {
        // 0.4.8 has no state of the SCSI layer, or it has it in a third pair of brackets.
        Some((last, before)) if !before.is_empty() && (!bracketed || SCSI.contains(last)) => (before.join(" "), Some(*last)),
        Some((last, _)) if !bracketed && SCSI.contains(last) => (String::new(), Some(*last)),
        Some(_) => (rest.join(" "), None),
        None => (String::new(), None),
    };
    let keep = |text: &str| text::clean(text, 64).into_owned();
    let there = |text: &str| (!text.contains('#') && text != "-").then(|| keep(text));
    Some(Path {
        dev: there(dev),
        dev_t: there(dev_t),
        hctl: there(hctl),
        dm: keep(dm),
        check: keep(&check),
        scsi: scsi.map(keep),
        map: Some(wwid.to_owned()),
        ..Path::default()
    })
}

/// The SCSI layer's states.
const SCSI: [&str; 9] =
    ["running", "offline", "unknown", "blocked", "created", "cancel", "deleted", "quiesce", "transport-offline"];
