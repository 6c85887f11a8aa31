//! What `multipathd` and `multipath` say of maps and paths: JSON, topology of 0.4.8 and later, raw formats.
//!
//! XCP-ng ships 0.4.9 with the JSON of later versions put in: every field is optional. A path carries I/O if device
//! mapper holds it `active` and the checker says `ready` or `ghost`; with no checker's word (`undef`, as `multipath -l`
//! prints) it is unknown. `failed ready` is a path that comes back.

mod json;
mod raw;
#[cfg(test)]
mod tests;
mod tree;

pub use json::{map_json, maps_json, path_json};
pub use raw::{MAPS, PATHS, maps_raw, paths_raw, paths_table};
pub use tree::{noise, topology};

use serde::{Deserialize, Serialize};

/// A multipath device.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Map {
    /// Its alias; the wwid if it has none.
    pub name: String,
    /// The wwid (SCSI id), blanks inside included.
    pub wwid: String,
    /// `dm-N`.
    pub dm: Option<String>,
    /// Vendor and product, as printed.
    pub vendor: Option<String>,
    /// Device mapper's state of the map, such as `active` or `suspend`.
    pub state: Option<String>,
    /// Does it queue without paths (I/O hangs) or fail (I/O errors)?
    pub queues: Option<bool>,
    /// What `queueing` says: retries or their countdown.
    pub queueing: Option<Queueing>,
    /// Paths that are up by multipathd's own count; it does not count the listed ones.
    pub up: Option<u64>,
    /// Failures of paths since the map was made; it never goes back.
    pub path_faults: Option<u64>,
    /// Times that queueing ran out.
    pub queue_timeouts: Option<u64>,
    /// What multipathd did last (`create`, `reload`, …), if it says so.
    pub action: Option<String>,
    /// Path groups.
    pub groups: usize,
    /// Its paths.
    pub paths: Vec<Path>,
}

/// What `queueing` of a map says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Queueing {
    /// Never.
    Off,
    /// For ever.
    On,
    /// For this many checks once no path is left: the configured number.
    Retries(u32),
    /// No path is left, and I/O fails after this many more checks.
    Countdown(u32),
}

/// Does a path carry I/O?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Usable {
    /// Yes.
    Yes,
    /// Not now, but its checker is content: it comes back.
    Recovering,
    /// No.
    No,
    /// No checker said anything.
    Unknown,
}

/// A path of a map, or one that belongs to none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Path {
    /// The block device, such as `sda`; absent if it was removed.
    pub dev: Option<String>,
    /// Major and minor.
    pub dev_t: Option<String>,
    /// Host, channel, target, LUN; absent if the device was removed.
    pub hctl: Option<String>,
    /// Device mapper's state: `active`, `failed`, `undef`.
    pub dm: String,
    /// The checker's state: `ready`, `faulty`, `shaky`, `ghost`, `i/o pending`, `undef`, …
    pub check: String,
    /// The SCSI layer's state: `running`, `offline`, `unknown`.
    pub scsi: Option<String>,
    /// The checker, such as `tur`.
    pub checker: Option<String>,
    /// Priority.
    pub priority: Option<i64>,
    /// The adapter or the address that it goes through.
    pub adapter: Option<String>,
    /// The map that it belongs to; absent for an orphan.
    pub map: Option<String>,
}

impl Path {
    /// Does it carry I/O?
    pub fn usable(&self) -> Usable {
        let fine = matches!(self.check.as_str(), "ready" | "ghost");
        match self.dm.as_str() {
            _ if self.dev.is_none() => Usable::No,
            "active" if fine => Usable::Yes,
            "failed" if fine => Usable::Recovering,
            "active" if self.check == "undef" || self.check.is_empty() => Usable::Unknown,
            "undef" | "" => Usable::Unknown,
            _ => Usable::No,
        }
    }
}

impl Map {
    /// Paths that carry I/O, by what is listed; by multipathd's count if none is.
    pub fn usable(&self) -> u64 {
        if self.paths.is_empty() {
            return self.up.unwrap_or(0);
        }
        self.paths.iter().filter(|path| path.usable() == Usable::Yes).count() as u64
    }

    /// Paths that surely do not.
    pub fn lost(&self) -> usize {
        self.paths.iter().filter(|path| matches!(path.usable(), Usable::No | Usable::Recovering)).count()
    }

    /// Is its last way gone?
    pub fn is_dead(&self) -> bool {
        self.usable() == 0 && !self.paths.iter().any(|path| path.usable() == Usable::Unknown)
    }

    /// Paths in all: the larger of what is listed and what is up.
    pub fn total(&self) -> u64 {
        (self.paths.len() as u64).max(self.up.unwrap_or(0))
    }

    /// The key of this map in `PBD.other_config`, and the value that SM would write there.
    pub fn pbd_entry(&self) -> (String, String) {
        (format!("mpath-{}", self.wwid), format!("[{}, {}]", self.usable(), self.total()))
    }

    /// `queueing` as printed, given whether any path is left.
    fn read_queueing(&mut self, said: &str) {
        let dead = self.up.map_or_else(|| self.is_dead(), |up| up == 0);
        self.queueing = match said.trim() {
            "off" | "-" => Some(Queueing::Off),
            "on" => Some(Queueing::On),
            other => other
                .strip_suffix("chk")
                .and_then(|count| count.trim().parse().ok())
                .map(|count| if dead { Queueing::Countdown(count) } else { Queueing::Retries(count) }),
        };
        if self.queues.is_none() {
            self.queues = self.queueing.map(|queueing| queueing != Queueing::Off);
        }
    }
}

/// Does `text` say that the daemon did not understand the question? 0.4.9 answers with its help and exit code 0.
pub fn is_help(text: &str) -> bool {
    text.contains("CLI commands reference") || text.contains("list|show paths")
}
