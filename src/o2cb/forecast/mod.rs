//! Who would die if something failed now: the kernel's rules for disks, connections and quorum, played forward.
//!
//! Pure: a [`Situation`] and faults in, a [`Forecast`] out. It plays the nominal times; every end has a span in which it really comes, because the
//! kernel rounds its timers and the last sign of life is up to 2 s old. All faults come at once, at time 0, and stay. The rules are those of
//! `fs/ocfs2/cluster` of Linux 6.1; what a lab with the real driver has seen beyond them stands in the notes.

mod bits;
mod play;
#[cfg(test)]
mod tests;
mod words;

use super::conf::{Cluster, Mode};
use super::quorum::Decision;
use super::sysconfig::Timers;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Time between two heartbeats, in milliseconds (kernel, `O2HB_REGION_TIMEOUT_MS`).
pub const BEAT: u64 = 2_000;
/// More nodes than this, and pairs are no longer among the single faults.
const PAIRS: usize = 8;

/// A heartbeat region, and who heartbeats on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Region {
    /// Its name.
    pub name: String,
    /// The nodes that heartbeat on it.
    pub on: BTreeSet<u8>,
}

/// How things are before anything fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Situation {
    /// The nodes that heartbeat, by number.
    pub nodes: BTreeMap<u8, String>,
    /// Global heartbeat: the fence of a disk needs half of the regions.
    pub global: bool,
    /// The regions.
    pub regions: Vec<Region>,
    /// Missed heartbeats after which a node is dead, at least 2. Default 31.
    pub dead_threshold: u32,
    /// Silence after which a connection is lost, in milliseconds. Default 30000.
    pub idle_timeout_ms: u32,
    /// The kernel is 4.7 or later: if all nodes hang together, they agree to wait.
    pub negotiates: bool,
}

impl Situation {
    /// A cluster with these nodes alive; `None`: all of them. With local heartbeat all are taken to have one volume in common.
    pub fn of(cluster: &Cluster, timers: &Timers, alive: Option<&BTreeSet<u8>>) -> Self {
        let lives = |number: &u8| alive.is_none_or(|alive| alive.contains(number));
        let nodes: BTreeMap<u8, String> =
            cluster.nodes.iter().filter(|node| lives(&node.number)).map(|node| (node.number, node.name.clone())).collect();
        let on: BTreeSet<u8> = nodes.keys().copied().collect();
        let global = cluster.mode == Mode::Global;
        let regions = if global {
            cluster.heartbeats.iter().map(|heartbeat| Region { name: heartbeat.region.clone(), on: on.clone() }).collect()
        } else {
            vec![Region { name: "volume".to_owned(), on }]
        };
        Self {
            nodes,
            global,
            regions,
            dead_threshold: timers.dead_threshold.unwrap_or(31).max(2),
            idle_timeout_ms: timers.idle_timeout_ms.unwrap_or(30_000),
            negotiates: true,
        }
    }

    /// After the last good write a node fences itself, in milliseconds.
    pub fn write_timeout(&self) -> u64 {
        (u64::from(self.dead_threshold.max(2)) - 1) * BEAT
    }

    /// After the last heartbeat the others call a node dead, in milliseconds.
    pub fn dead_after(&self) -> u64 {
        u64::from(self.dead_threshold) * BEAT
    }

    /// After a connection was lost the quorum is decided, in milliseconds.
    pub fn quorum_delay(&self) -> u64 {
        (u64::from(self.dead_threshold) + 2) * BEAT
    }

    /// Everything that can fail alone: each host, each host's link, each host's path to all regions, each region, all storage; and
    /// each pair of hosts that no longer hears each other, while there are few.
    pub fn single_faults(&self) -> Vec<Fault> {
        let numbers: Vec<u8> = self.nodes.keys().copied().collect();
        let mut faults: Vec<Fault> = vec![];
        faults.extend(numbers.iter().map(|node| Fault::Host { node: *node }));
        faults.extend(numbers.iter().map(|node| Fault::Link { node: *node }));
        if numbers.len() <= PAIRS {
            for (at, a) in numbers.iter().enumerate() {
                faults.extend(numbers.iter().skip(at + 1).map(|b| Fault::Pair { a: *a, b: *b }));
            }
        }
        for how in [How::Stall, How::Error] {
            faults.extend(numbers.iter().map(|node| Fault::Disk { node: *node, region: None, how }));
        }
        for how in [How::Stall, How::Error] {
            if self.regions.len() > 1 {
                faults.extend(self.regions.iter().map(|region| Fault::Region { region: region.name.clone(), how }));
            }
            faults.push(Fault::Storage { how });
        }
        faults
    }

    /// So many hosts can lose their link at the same time, whichever they are, and the others live.
    pub fn links_to_spare(&self) -> usize {
        self.nodes.len().saturating_sub(1) / 2
    }
}

/// How a disk fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// Writes do not end: paths that queue, an array that is silent.
    Stall,
    /// Writes end in errors.
    Error,
}

/// Something that fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "what")]
pub enum Fault {
    /// A host loses its power.
    Host {
        /// Its number.
        node: u8,
    },
    /// A host's link to all others.
    Link {
        /// Its number.
        node: u8,
    },
    /// Two hosts no longer hear each other; both still hear the others.
    Pair {
        /// The one.
        a: u8,
        /// The other.
        b: u8,
    },
    /// A host's path to a region, or to all.
    Disk {
        /// Its number.
        node: u8,
        /// The region; `None`: all.
        region: Option<String>,
        /// How.
        how: How,
    },
    /// A region, for all hosts.
    Region {
        /// Which.
        region: String,
        /// How.
        how: How,
    },
    /// All regions, for all hosts.
    Storage {
        /// How.
        how: How,
    },
}

/// Why a host ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "cause")]
pub enum Cause {
    /// It is what failed.
    Fault,
    /// It could not write its heartbeat.
    Disk {
        /// The region whose write timed out last.
        region: String,
        /// Regions that have failed.
        failed: usize,
        /// Regions that count.
        regions: usize,
    },
    /// It lost the quorum.
    Network(Decision),
}

/// When, in milliseconds after the fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Span {
    /// Not before.
    pub earliest_ms: u64,
    /// By the kernel's numbers.
    pub nominal_ms: u64,
    /// Not after.
    pub latest_ms: u64,
}

/// A host that ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct End {
    /// Its number.
    pub node: u8,
    /// Its name.
    pub name: String,
    /// Why.
    #[serde(flatten)]
    pub cause: Cause,
    /// When.
    pub when: Span,
    /// When the last of the others calls it dead and recovers its journal, nominally; until then what it had locked hangs. `None`: never.
    pub recovered_ms: Option<u64>,
    /// Why, in words.
    pub reason: String,
}

/// What would happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Forecast {
    /// What fails.
    pub faults: Vec<Fault>,
    /// That, in words.
    pub says: String,
    /// Who ends, in order.
    pub ends: Vec<End>,
    /// Who fences itself among them.
    pub fenced: Vec<u8>,
    /// Who lives on.
    pub survivors: Vec<u8>,
    /// What the quorum of those who live decided, where it had to.
    pub decisions: BTreeMap<u8, Decision>,
    /// What else to know.
    pub notes: Vec<String>,
}

/// A fault that the situation does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum NoFault {
    #[error("there is no live node {node} here; live are {known}")]
    Node { node: String, known: String },
    #[error("there is no region {region} here; there are {known}")]
    Region { region: String, known: String },
    #[error("a pair is two different nodes")]
    Same,
    #[error(
        "`{text}` is no fault. Write host:NODE, link:NODE, pair:NODE,NODE, disk:NODE[,REGION], region:REGION or storage, and behind it `!` for I/O errors instead of a stall"
    )]
    Unknown { text: String },
}

impl Fault {
    /// Reads a fault as an operator writes it; nodes by name or number, a region by its beginning.
    ///
    /// # Errors
    /// If it is none, or speaks of something that is not there.
    pub fn parse(text: &str, situation: &Situation) -> Result<Self, NoFault> {
        let shown = || crate::text::clean(text, 80).into_owned();
        let (words, how) = text.strip_suffix('!').map_or((text, How::Stall), |words| (words, How::Error));
        let (what, rest) = words.split_once(':').unwrap_or((words, ""));
        let node = |text: &str| {
            let number = situation
                .nodes
                .iter()
                .find(|(number, name)| *name == text || number.to_string() == text)
                .map(|(number, _)| *number);
            let known =
                || situation.nodes.iter().map(|(number, name)| format!("{name} ({number})")).collect::<Vec<_>>().join(", ");
            number.ok_or_else(|| NoFault::Node { node: crate::text::clean(text, 64).into_owned(), known: known() })
        };
        let region = |text: &str| {
            let mut fits = situation
                .regions
                .iter()
                .filter(|region| !text.is_empty() && region.name.starts_with(&text.to_ascii_uppercase()) || region.name == text);
            if let (Some(only), None) = (fits.next(), fits.next()) {
                return Ok(only.name.clone());
            }
            let known = situation.regions.iter().map(|region| region.name.clone()).collect::<Vec<_>>().join(", ");
            Err(NoFault::Region { region: crate::text::clean(text, 64).into_owned(), known })
        };
        match (what, rest.split_once(',')) {
            ("host", None) => Ok(Self::Host { node: node(rest)? }),
            ("link", None) => Ok(Self::Link { node: node(rest)? }),
            ("pair", Some((a, b))) => match (node(a)?, node(b)?) {
                (a, b) if a == b => Err(NoFault::Same),
                (a, b) => Ok(Self::Pair { a: a.min(b), b: a.max(b) }),
            },
            ("disk", None) => Ok(Self::Disk { node: node(rest)?, region: None, how }),
            ("disk", Some((host, name))) => Ok(Self::Disk { node: node(host)?, region: Some(region(name)?), how }),
            ("region", None) => Ok(Self::Region { region: region(rest)?, how }),
            ("storage", None) if rest.is_empty() => Ok(Self::Storage { how }),
            _ => Err(NoFault::Unknown { text: shown() }),
        }
    }
}

/// What would happen if all of this failed at once, now.
pub fn forecast(situation: &Situation, faults: &[Fault]) -> Forecast {
    let played = play::play(&play::Terrain::of(situation), faults);
    words::tell(situation, faults, played)
}

/// What would happen for each of these faults alone. All single faults of the largest cluster take some hundred milliseconds.
pub fn each(situation: &Situation, faults: &[Fault]) -> Vec<Forecast> {
    let terrain = play::Terrain::of(situation);
    let one = |fault: &Fault| {
        let faults = std::slice::from_ref(fault);
        words::tell(situation, faults, play::play(&terrain, faults))
    };
    faults.iter().map(one).collect()
}

/// How much later than asked a timer of the kernel may fire, in milliseconds, at 250 ticks a second: since Linux 4.8 its wheel rounds up by more
/// the longer the time is.
pub fn rounding(delay_ms: u64) -> u64 {
    const TICK: u64 = 4;
    let ticks = delay_ms / TICK;
    (0..8_u32).find(|level| ticks < 63 << (3 * level)).map_or(TICK << 24, |level| TICK << (3 * level))
}
