//! The tables that `linstor` draws, with `┊` or, without UTF-8, `|`.

use super::{Connection, Copy, State};
use crate::text;

/// The rows of a table that are of one list, by the names of its columns.
pub struct Cells {
    names: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// Columns of `resource list`, where a table lost its heading.
const RESOURCES: [&str; 7] = ["ResourceName", "Node", "Port", "Usage", "Conns", "State", "CreatedOn"];
/// Columns of `volume list`.
const VOLUMES: [&str; 9] = ["Node", "Resource", "StoragePool", "VolNr", "MinorNr", "DeviceName", "Allocated", "InUse", "State"];

impl Cells {
    /// All rows of `said`, in tables by their headings.
    pub fn tables(said: &str) -> Vec<Self> {
        let mut tables: Vec<Self> = Vec::new();
        for line in said.lines().take(1_000_000) {
            let Some(cells) = split(line) else { continue };
            if cells.iter().any(|cell| matches!(cell.as_str(), "ResourceName" | "Resource" | "StoragePool" | "VolNr"))
                && cells.iter().any(|cell| cell == "Node")
            {
                tables.push(Self { names: cells, rows: Vec::new() });
                continue;
            }
            let fits = tables.last().is_some_and(|table| table.names.len() == cells.len());
            if !fits {
                let names: &[&str] = match cells.len() {
                    6 | 7 => RESOURCES.get(..cells.len()).unwrap_or(&RESOURCES),
                    9 => &VOLUMES,
                    _ => continue,
                };
                tables.push(Self { names: names.iter().map(ToString::to_string).collect(), rows: Vec::new() });
            }
            if let Some(table) = tables.last_mut() {
                table.rows.push(cells);
            }
        }
        tables
    }

    fn cell<'a>(&self, row: &'a [String], names: &[&str]) -> Option<&'a str> {
        let at = self.names.iter().position(|name| names.contains(&name.as_str()))?;
        row.get(at).map(String::as_str)
    }
}

/// The cells of a row; `None` for frames and other lines.
fn split(line: &str) -> Option<Vec<String>> {
    let line = line.trim();
    let bar = line.chars().next().filter(|c| matches!(c, '┊' | '|' | '│'))?;
    let inner = line.strip_prefix(bar)?.strip_suffix(bar)?;
    if inner.trim_matches(['=', '-', '+', '═', '─', bar]).is_empty() {
        return None;
    }
    Some(inner.split(bar).map(|cell| text::clean(cell.trim(), 256).into_owned()).collect())
}

/// The copies of `linstor resource list`.
pub fn resource_list(said: &str) -> Vec<Copy> {
    let of = |table: &Cells| {
        let is_list = table.names.iter().any(|name| name == "Conns" || name == "Usage" || name == "Port");
        let row = |row: &Vec<String>| copy(table, row);
        if is_list { table.rows.iter().filter_map(row).collect() } else { Vec::new() }
    };
    Cells::tables(said).iter().flat_map(of).collect()
}

/// The copies of `linstor volume list`.
pub fn volume_list(said: &str) -> Vec<Copy> {
    let of = |table: &Cells| {
        let is_list = table.names.iter().any(|name| name == "VolNr" || name == "StoragePool");
        let row = |row: &Vec<String>| copy(table, row);
        if is_list { table.rows.iter().filter_map(row).collect() } else { Vec::new() }
    };
    Cells::tables(said).iter().flat_map(of).collect()
}

fn copy(table: &Cells, row: &[String]) -> Option<Copy> {
    let cell = |names: &[&str]| table.cell(row, names);
    let keep = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Some(Copy {
        resource: cell(&["ResourceName", "Resource"]).and_then(keep)?,
        node: cell(&["Node"]).and_then(keep)?,
        port: cell(&["Port"]).and_then(|port| port.parse().ok()),
        in_use: match cell(&["Usage", "InUse"])? {
            "InUse" => Some(true),
            "Unused" => Some(false),
            _ => None,
        },
        connections: cell(&["Conns"]).and_then(connections),
        state: State::read(cell(&["State"])?),
        volume: cell(&["VolNr"]).and_then(|number| number.parse().ok()),
        minor: cell(&["MinorNr"]).and_then(|number| number.parse().ok()),
        pool: cell(&["StoragePool"]).and_then(keep),
        allocated: cell(&["Allocated"]).and_then(keep),
    })
}

/// `Ok`, or `Connecting(a,b),StandAlone(c)`; empty is not known.
fn connections(said: &str) -> Option<Vec<Connection>> {
    match said {
        "" => None,
        "Ok" => Some(Vec::new()),
        said => {
            let one = |part: &str| {
                let (state, peers) = part.trim_start_matches([',', ' ']).split_once('(').unwrap_or((part, ""));
                let peers = peers.split(',').map(|peer| peer.trim().to_owned()).filter(|peer| !peer.is_empty()).collect();
                Connection { state: state.trim().to_owned(), peers }
            };
            Some(said.split(')').filter(|part| !part.trim_matches([',', ' ']).is_empty()).map(one).collect())
        }
    }
}
