//! The I/O paths as a grid: a row a host, a column a thing that paths lead to. Worked out once for each picture.

use crate::pool::picture::{PathKind, PathView, Picture};
use std::collections::{HashMap, HashSet};

/// Positions in [`Picture::paths`], by host and column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grid {
    /// The hosts, in the order of the picture.
    pub hosts: Vec<String>,
    /// The columns: storage first, then bonds and links.
    pub columns: Vec<(PathKind, String)>,
    /// One for each host and column, host by host.
    cells: Vec<Option<usize>>,
}

impl Grid {
    /// The grid of a picture.
    pub fn of(picture: &Picture) -> Self {
        let with_paths: HashSet<&str> = picture.paths.iter().map(|p| p.host.as_str()).collect();
        let known = picture.hosts.iter().map(|h| h.name.as_str()).filter(|name| with_paths.contains(name));
        let mut hosts: Vec<&str> = Vec::new();
        let mut host_at: HashMap<&str, usize> = HashMap::new();
        for host in known.chain(picture.paths.iter().map(|p| p.host.as_str())) {
            host_at.entry(host).or_insert_with(|| {
                hosts.push(host);
                hosts.len() - 1
            });
        }
        let mut columns: Vec<(PathKind, &str)> = picture.paths.iter().map(|p| (p.kind, p.name.as_str())).collect();
        columns.sort_unstable();
        columns.dedup();
        let mut cells = vec![None; hosts.len() * columns.len()];
        for (ix, path) in picture.paths.iter().enumerate() {
            let (Some(host), Ok(column)) =
                (host_at.get(path.host.as_str()), columns.binary_search(&(path.kind, path.name.as_str())))
            else {
                continue;
            };
            if let Some(cell) = cells.get_mut(host * columns.len() + column) {
                *cell = Some(ix);
            }
        }
        Self {
            hosts: hosts.into_iter().map(str::to_owned).collect(),
            columns: columns.into_iter().map(|(kind, name)| (kind, name.to_owned())).collect(),
            cells,
        }
    }

    /// One host's paths to one thing, in the picture that this is the grid of.
    pub fn cell<'p>(&self, picture: &'p Picture, host: usize, column: usize) -> Option<&'p PathView> {
        let at = (column < self.columns.len()).then(|| host * self.columns.len() + column)?;
        picture.paths.get((*self.cells.get(at)?)?)
    }

    /// Paths that a host has lost.
    pub fn missing(&self, picture: &Picture, host: usize) -> u32 {
        (0..self.columns.len())
            .filter_map(|c| self.cell(picture, host, c))
            .fold(0, |sum, p| sum.saturating_add(p.total.saturating_sub(p.up)))
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
