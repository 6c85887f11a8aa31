//! What is told of one path when somebody looks at it closely: its week, change by change.

use super::{Key, Remembered};
use crate::pool::Pool;
use crate::pool::picture::{PathKind, PathView};
use crate::pool::words;
use crate::time::Time;
use std::time::Duration;

/// What a path did over the last week.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PathPast {
    /// Since when this run of the program watches it.
    pub watched: Time,
    /// Its changes, the oldest first: when, paths up, paths that there should be.
    pub changes: Vec<(Time, u32, u32)>,
    /// Changes before these that were only counted.
    pub more: u32,
    /// How long it was without all of them.
    pub short_for: Duration,
    /// Whether it changes too often now to be relied on.
    pub flaps: bool,
    /// Hours of the last week in which the host's own statistics counted lost paths, with the mean of that hour; empty where the
    /// host keeps no such statistics (no shipped xapi does; seed 2 wanted them).
    pub told: Vec<(Time, f32)>,
}

impl Pool {
    /// What a path of the picture did over the last week; `None` if it is gone.
    pub fn path_past(&self, view: &PathView, now: Time) -> Option<PathPast> {
        let (key, path) = self.path_of(view)?;
        let changes: Vec<_> = path.past.within_a_week(now).map(|change| (change.at, change.up, change.total)).collect();
        let seen = u32::try_from(changes.len()).unwrap_or(u32::MAX);
        Some(PathPast {
            watched: path.first,
            changes,
            more: path.past.count(now).saturating_sub(seen),
            short_for: path.past.short_for(now),
            flaps: path.flaps(now),
            told: self.told_lost(key, view),
        })
    }

    fn path_of(&self, view: &PathView) -> Option<(&Key, &Remembered)> {
        self.paths.iter().find(|(key, _)| {
            key.kind == view.kind && self.path_label(key) == view.name && self.host_label(&key.host) == view.host
        })
    }

    /// What a path is called in a table.
    pub(in crate::pool) fn path_label(&self, key: &Key) -> String {
        match key.kind {
            PathKind::Multipath => words::name(&key.id),
            PathKind::Boot => "boot".into(),
            PathKind::Bond | PathKind::Link => self.path_name(key),
        }
    }

    fn host_label(&self, host: &crate::xenapi::record::Ref) -> String {
        let name = self.name_of(host);
        if name.is_empty() { self.tables.host(host).map(|h| words::name(&h.uuid)).unwrap_or_default() } else { name }
    }

    /// Lost paths by the host's own statistics, `sr_NAME_paths_failed` and `pif_NAME_paths_failed` (seed 2).
    fn told_lost(&self, key: &Key, view: &PathView) -> Vec<(Time, f32)> {
        let sr = self.tables.pbd(&key.source).and_then(|pbd| self.tables.sr(&pbd.sr));
        let names: Vec<String> = match (key.kind, sr) {
            (PathKind::Multipath, Some(sr)) => {
                let uuid = sr.uuid.get(..8).unwrap_or(&sr.uuid);
                [uuid, &*sr.name_label].map(|name| format!("sr_{name}_paths_failed")).into()
            }
            (PathKind::Bond | PathKind::Link, _) => vec![format!("pif_{}_paths_failed", view.name)],
            _ => Vec::new(),
        };
        self.heartbeats.hours_above_zero(&key.host, &names)
    }
}
