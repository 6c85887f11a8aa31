//! The I/O paths as a grid: a row a host, a column a thing that paths lead to.

use crate::pool::picture::{PathKind, PathView, Picture};
use std::collections::HashMap;

/// Positions in [`Picture::paths`], by host and column.
pub struct Grid<'p> {
    /// The hosts, in the order of the picture.
    pub hosts: Vec<&'p str>,
    /// The columns: storage first, then bonds and links.
    pub columns: Vec<(PathKind, &'p str)>,
    cells: HashMap<(usize, usize), &'p PathView>,
}

impl<'p> Grid<'p> {
    /// The grid of a picture.
    pub fn of(picture: &'p Picture) -> Self {
        let mut hosts: Vec<&str> = Vec::new();
        let mut host_at: HashMap<&str, usize> = HashMap::new();
        let known = picture.hosts.iter().map(|h| h.name.as_str());
        let with_paths: std::collections::HashSet<&str> = picture.paths.iter().map(|p| p.host.as_str()).collect();
        for host in known.filter(|h| with_paths.contains(h)).chain(picture.paths.iter().map(|p| p.host.as_str())) {
            host_at.entry(host).or_insert_with(|| {
                hosts.push(host);
                hosts.len() - 1
            });
        }
        let mut columns: Vec<(PathKind, &str)> = picture.paths.iter().map(|p| (p.kind, p.name.as_str())).collect();
        columns.sort_unstable();
        columns.dedup();
        let column_at: HashMap<_, _> = columns.iter().enumerate().map(|(at, column)| (*column, at)).collect();
        let cells = picture
            .paths
            .iter()
            .filter_map(|p| Some(((*host_at.get(p.host.as_str())?, *column_at.get(&(p.kind, p.name.as_str()))?), p)))
            .collect();
        Self { hosts, columns, cells }
    }

    /// One host's paths to one thing.
    pub fn cell(&self, host: usize, column: usize) -> Option<&'p PathView> {
        self.cells.get(&(host, column)).copied()
    }

    /// The worst of a host: paths that are missing.
    pub fn missing(&self, host: usize) -> u32 {
        (0..self.columns.len()).filter_map(|c| self.cell(host, c)).map(|p| p.total.saturating_sub(p.up)).sum()
    }
}

/// A long SCSI id, short enough for a column head: its end tells LUNs apart, its beginning hardly ever does.
pub fn short_name(kind: PathKind, name: &str, ellipsis: &str) -> String {
    let tail = |n: usize| -> String {
        let count = name.chars().count();
        if count <= n + 2 { name.to_owned() } else { format!("{ellipsis}{}", name.chars().skip(count - n).collect::<String>()) }
    };
    match kind {
        PathKind::Multipath => format!("LUN {}", tail(4)),
        PathKind::Boot => "boot disk".to_owned(),
        PathKind::Bond | PathKind::Link => tail(10),
    }
}
