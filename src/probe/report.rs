//! The report: plain data, and its form as JSON. Its schema is in `docs/probe.md`; fields are only ever added.

use super::{clock, crash, drbd, kernel, linstor, md, multipath, timeouts, xha};
use crate::o2cb::live::Live;
use crate::o2cb::live::known::{Because, Known, Unknown};
use crate::o2cb::margin::{Difference, Margin};
use crate::time::Time;
use serde::{Deserialize, Serialize};

/// Name and version of the schema. The number changes when a field is taken away or means something else.
pub const SCHEMA: &str = "poolwatch-probe/1";

/// What a host knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// The version of poolwatch that made it.
    pub version: String,
    /// When it was made, by the clock of who made it.
    pub taken: Time,
    /// Is it of the running host, or of a folder?
    pub live: bool,
    /// The host's name.
    pub host: Known<String>,
    /// o2cb.
    pub o2cb: Section<O2cb>,
    /// Multipath maps with their paths.
    pub multipath: Section<Vec<multipath::Map>>,
    /// DRBD resources.
    pub drbd: Section<Vec<drbd::Resource>>,
    /// What the LINSTOR controller knows; only there, and where its client is.
    pub linstor: Section<linstor::Linstor>,
    /// Software RAID.
    pub md: Section<Md>,
    /// The clock.
    pub clock: Section<clock::Clock>,
    /// Whether a crash would leave a dump.
    pub crash: Section<crash::Crash>,
    /// Kernel lines that mean something, the last ones.
    pub kernel: Section<Vec<kernel::Line>>,
    /// The HA daemon.
    pub xha: Section<Xha>,
    /// The time-outs that it is set to. Earlier versions did not tell.
    #[serde(default = "Section::not_read")]
    pub timeouts: Section<timeouts::Timeouts>,
    /// Mirrors that are not whole, from all of the above.
    pub rebuilds: Vec<Rebuild>,
}

/// A part of the report: where it is from, how old, and what was found or why nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Section<T> {
    /// The file or command.
    pub from: Option<String>,
    /// When that was written; absent if it was read from the kernel or asked just now.
    pub taken: Option<Time>,
    /// How old it was when the report was made, in seconds.
    pub age_secs: Option<u64>,
    /// What it says.
    pub found: Known<T>,
}

/// o2cb's part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct O2cb {
    /// What the driver says of itself.
    pub live: Live,
    /// How near a fence is.
    pub margin: Margin,
    /// The margin in words.
    pub says: String,
    /// What to do.
    pub advice: Option<String>,
    /// What differs between the hosts that were looked at together.
    pub differences: Vec<Difference>,
}

/// md's part.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Md {
    /// From `/proc/mdstat`.
    pub arrays: Vec<md::Array>,
    /// From `mdadm --detail`, or `raid.py`.
    pub details: Vec<md::Detail>,
}

/// The HA daemon's part.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Xha {
    /// The last lines that mean something.
    pub lines: Vec<xha::Line>,
    /// Who is alive, by the daemon.
    pub liveset: Option<xha::Liveset>,
}

/// Who tells of a mirror.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "snake_case")]
pub enum Teller {
    /// DRBD.
    #[strum(serialize = "DRBD")]
    Drbd,
    /// LINSTOR.
    #[strum(serialize = "LINSTOR")]
    Linstor,
    /// Software RAID.
    #[strum(serialize = "md")]
    Md,
}

/// How the mending of a mirror goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// It is being rebuilt.
    Running,
    /// It waits for something else to end.
    Waiting,
    /// It says that it runs, but stands still.
    Stalled,
    /// Nobody rebuilds it.
    Missing,
}

/// A mirror that is not whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rebuild {
    /// Who says so.
    pub teller: Teller,
    /// The resource or array.
    pub resource: String,
    /// The volume in it, if it has several.
    pub volume: Option<u64>,
    /// How the mending goes.
    pub work: Work,
    /// How far, from 0 to 1, where known.
    pub progress: Option<f64>,
    /// Seconds to its end, where known.
    pub eta_secs: Option<u64>,
    /// Is a copy missing now, so that the next loss may cost data or stop I/O?
    pub redundancy_lost: bool,
    /// Copies that are good and reachable, and that should be; where known.
    pub copies: Option<(u64, u64)>,
    /// Hosts or nodes that hold a part in it, which may be outside the pool.
    pub nodes: Vec<String>,
    /// The one that is written to, where known.
    pub target: Option<String>,
    /// What else to know.
    pub note: Option<String>,
}

impl<T> Section<T> {
    /// What was found in a text that was taken at `taken`, at `now`.
    pub fn of(from: impl Into<String>, taken: Option<Time>, now: Time, found: Known<T>) -> Self {
        let age = taken.map(|at| now.since(at).as_secs());
        Self { from: Some(from.into()), taken, age_secs: age, found }
    }

    /// Nothing, because of `why`.
    pub const fn none(why: Unknown) -> Self {
        Self { from: None, taken: None, age_secs: None, found: Known::No(why) }
    }

    /// Nothing, as who made the report does not read it.
    pub fn not_read() -> Self {
        Self::none(Unknown::new("this version of the probe", Because::NotLooked("it does not read them".into())))
    }

    /// What was found.
    pub const fn get(&self) -> Option<&T> {
        self.found.get()
    }
}
