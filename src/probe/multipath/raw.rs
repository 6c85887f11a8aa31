//! Raw formats and tables of paths.

use super::{Map, Path};
use crate::text;

/// `multipathd show paths raw format "%m|%d|%D|%t|%T|%o|%p"`: map, device, major:minor, device mapper, checker, SCSI, priority.
pub const PATHS: &str = "%m|%d|%D|%t|%T|%o|%p";
/// `multipathd show maps raw format "%n|%N|%t|%Q|%x|%0|%f"`: name, paths, state, queueing, queue time-outs, faults, features.
pub const MAPS: &str = "%n|%N|%t|%Q|%x|%0|%f";

fn keep(text: &str) -> String {
    text::clean(text.trim(), 128).into_owned()
}

/// The paths of an answer in the format [`PATHS`]. Rows with another number of fields are passed over.
pub fn paths_raw(said: &str) -> Vec<Path> {
    let row = |line: &str| {
        let fields: Vec<&str> = line.split('|').collect();
        let [map, dev, dev_t, dm, check, scsi, priority] = fields.as_slice() else { return None };
        dev_t.split_once(':').filter(|(a, b)| a.parse::<u32>().is_ok() && b.trim().parse::<u32>().is_ok())?;
        Some(Path {
            dev: Some(keep(dev)),
            dev_t: Some(keep(dev_t)),
            dm: keep(dm),
            check: keep(check),
            scsi: Some(keep(scsi)),
            priority: priority.trim().parse().ok(),
            map: Some(keep(map)).filter(|map| map != "[orphan]"),
            ..Path::default()
        })
    };
    said.lines().filter_map(row).collect()
}

/// The maps of an answer in the format [`MAPS`].
pub fn maps_raw(said: &str) -> Vec<Map> {
    let row = |line: &str| {
        let fields: Vec<&str> = line.split('|').collect();
        let [name, up, state, queueing, timeouts, faults, features] = fields.as_slice() else { return None };
        let mut map = Map {
            name: keep(name),
            wwid: keep(name),
            state: Some(keep(state)),
            up: Some(up.trim().parse().ok()?),
            queues: Some(features.contains("queue_if_no_path")),
            queue_timeouts: timeouts.trim().parse().ok(),
            path_faults: faults.trim().parse().ok(),
            ..Map::default()
        };
        map.read_queueing(queueing);
        Some(map)
    };
    said.lines().filter_map(row).collect()
}

/// A table with a heading, as `show paths format "%w %d %t …"` prints it: its columns, and the rows that fill all of
/// them. The daemon's answer may break off in the middle of a row (0.8.8, exit code 0): such a row is none.
pub fn paths_table(said: &str) -> (usize, Vec<Path>) {
    let mut lines = said.lines().skip_while(|line| !line.contains("dm_st"));
    let Some(heading) = lines.next() else { return (0, Vec::new()) };
    let columns = columns(heading);
    let rows = lines.take_while(|line| !line.starts_with("multipathd>")).filter_map(|line| {
        let cell = |name: &str| {
            columns.iter().position(|(_, column)| *column == name).and_then(|at| cells(line, &columns)?.get(at).cloned())
        };
        cells(line, &columns)?;
        Some(Path {
            dev: Some(cell("dev")?),
            dev_t: cell("dev_t"),
            hctl: cell("hcil"),
            dm: cell("dm_st")?,
            check: cell("chk_st").unwrap_or_default(),
            scsi: cell("dev_st"),
            checker: cell("checker"),
            priority: cell("pri").and_then(|priority| priority.parse().ok()),
            map: cell("multipath").or_else(|| cell("uuid")).filter(|map| map != "[orphan]"),
            ..Path::default()
        })
    });
    let rows = rows.collect();
    (columns.len(), rows)
}

/// Where each column starts, and its name.
fn columns(heading: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut at = 0;
    for word in heading.split(' ') {
        if !word.is_empty() {
            found.push((at, word));
        }
        at += word.len() + 1;
    }
    found
}

/// The cells of a row whose columns are where the heading has them, all filled (only the first may be empty).
fn cells(line: &str, columns: &[(usize, &str)]) -> Option<Vec<String>> {
    let mut cells = Vec::new();
    for (index, (start, _)) in columns.iter().enumerate() {
        let end = columns.get(index + 1).map_or(line.len(), |(next, _)| *next);
        let cell = line.get(*start..end.min(line.len()))?;
        // A column ends in a blank, or the row has slipped.
        if end < line.len() && !cell.ends_with(' ') {
            return None;
        }
        if cell.trim().is_empty() && index > 0 {
            return None;
        }
        cells.push(keep(cell));
    }
    Some(cells)
}
