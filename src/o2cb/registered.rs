//! What the running cluster knows, against what the file says: what differs, and whether that needs a restart.
//!
//! What runs is read from configfs where it is there, else from the copy of `cluster.conf` that was kept when the cluster was started or
//! told of a change. Only the clusters' configuration: who lives, and for how long yet, is the work of `live` and `margin`.

use super::conf::{Cluster, Config, Document, Mode};
use super::folder::{Folder, FolderError, word};
use super::sysconfig::Timers;
use super::{CLUSTER_CONF, LARGEST, LAST_NUMBER};
use serde::Serialize;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// Where the kernel shows what is registered: today, and long ago.
const CONFIGFS: [&str; 2] = ["sys/kernel/config/cluster", "config/cluster"];
/// The copy that was kept.
pub const KEPT: &str = "var/lib/poolwatch/o2cb/live.conf";
/// Who lives, in the kernel's words.
const LIVENODES: &str = "sys/kernel/debug/o2hb/livenodes";

/// From where it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The kernel itself.
    Configfs,
    /// The copy that was kept.
    KeptCopy,
}

/// A node that is registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Registrant {
    /// Its number.
    pub number: u8,
    /// Its name.
    pub name: String,
    /// Its address; `None` if it cannot be read.
    pub address: Option<Ipv4Addr>,
    /// Its port; `None` if it cannot be read.
    pub port: Option<u16>,
    /// It is this host; `None` if it cannot be read.
    pub local: Option<bool>,
}

/// A cluster that is registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Registered {
    /// From where it is known.
    pub source: Source,
    /// Its name.
    pub cluster: String,
    /// Its heartbeat; `None` if it cannot be read.
    pub mode: Option<Mode>,
    /// Its nodes, by number.
    pub nodes: Vec<Registrant>,
    /// Its regions, sorted.
    pub regions: Vec<String>,
    /// Its timers, as far as they can be read.
    pub timers: Timers,
    /// What it does when it fences: `reset` or `panic`.
    pub fence_method: Option<String>,
}

impl Registered {
    /// What is registered on a host; `None`: nothing is.
    pub fn look(folder: &dyn Folder) -> Result<Option<Self>, FolderError> {
        for base in CONFIGFS {
            let names: Vec<String> = folder.list(base)?;
            // The kernel has one cluster at a time.
            if let Some(cluster) = names.first() {
                return Ok(Some(Self::configfs(folder, base, cluster)?));
            }
            if folder.exists(base) {
                return Ok(None);
            }
        }
        // Where the kernel can be seen and shows no cluster, none runs: the copy is from before a restart.
        if folder.exists("sys/kernel") {
            return Ok(None);
        }
        let Some(bytes) = folder.read(KEPT, LARGEST)? else { return Ok(None) };
        let document = Document::parse(&bytes).ok();
        let cluster = document.and_then(|document| Config::read(&document).0.clusters.into_iter().next());
        Ok(cluster.as_ref().map(Self::kept))
    }

    fn configfs(folder: &dyn Folder, base: &str, cluster: &str) -> Result<Self, FolderError> {
        let top = format!("{base}/{cluster}");
        let mut nodes = vec![];
        for name in folder.list(&format!("{top}/node"))? {
            let get = |what: &str| word(folder, &format!("{top}/node/{name}/{what}"));
            // A node without a number is being made at this moment.
            let Some(number) = get("num").and_then(|n| n.parse().ok()).filter(|n| *n <= LAST_NUMBER) else { continue };
            let address = get("ipv4_address").and_then(|a| a.parse().ok());
            let port = get("ipv4_port").and_then(|p| p.parse().ok());
            let local = get("local").map(|local| local == "1");
            nodes.push(Registrant { number, name, address, port, local });
        }
        nodes.sort_by_key(|node| node.number);
        let get = |what: &str| word(folder, &format!("{top}/{what}"));
        let number = |what: &str| get(what).and_then(|n| n.parse().ok());
        let mode = match get("heartbeat/mode").as_deref() {
            Some("global") => Some(Mode::Global),
            Some("local") => Some(Mode::Local),
            _ => None,
        };
        let is_region = |name: &String| folder.exists(&format!("{top}/heartbeat/{name}/dev"));
        Ok(Self {
            source: Source::Configfs,
            cluster: cluster.to_owned(),
            mode,
            nodes,
            regions: folder.list(&format!("{top}/heartbeat"))?.into_iter().filter(is_region).collect(),
            timers: Timers {
                // Kernels of about 4.5 to 4.11 call it `threshold`.
                dead_threshold: number("heartbeat/dead_threshold").or_else(|| number("heartbeat/threshold")),
                idle_timeout_ms: number("idle_timeout_ms"),
                keepalive_delay_ms: number("keepalive_delay_ms"),
                reconnect_delay_ms: number("reconnect_delay_ms"),
            },
            fence_method: get("fence_method"),
        })
    }

    /// What is registered once this cluster of a file is.
    pub fn kept(cluster: &Cluster) -> Self {
        let nodes = cluster.nodes.iter().map(|node| Registrant {
            number: node.number,
            name: node.name.clone(),
            address: Some(node.address),
            port: Some(node.port),
            local: None,
        });
        let mut nodes: Vec<Registrant> = nodes.collect();
        nodes.sort_by_key(|node| node.number);
        let mut regions: Vec<String> = cluster.heartbeats.iter().map(|heartbeat| heartbeat.region.clone()).collect();
        regions.sort();
        Self {
            source: Source::KeptCopy,
            cluster: cluster.name.clone(),
            mode: Some(cluster.mode),
            nodes,
            regions,
            timers: Timers::default(),
            fence_method: None,
        }
    }
}

/// The numbers of a list of the kernel, such as `livenodes`: numbers and blanks, one line.
pub fn numbers(text: &str) -> Option<BTreeSet<u8>> {
    text.split_ascii_whitespace().map(|word| word.parse().ok().filter(|n| *n <= LAST_NUMBER)).collect()
}

/// Which nodes this host's kernel sees alive; `None` if that cannot be read (debugfs is not mounted, or not for us).
pub fn alive(folder: &dyn Folder) -> Option<BTreeSet<u8>> {
    numbers(&word(folder, LIVENODES)?)
}

/// What it takes to let a difference go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cure {
    /// Tell the running cluster: `o2cb register-cluster`, `o2cb start-heartbeat`, on every node.
    Register,
    /// The cluster has to be restarted on this host.
    Restart,
}

/// Something in which the file and the running cluster differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What: `node xs3`, `region …`, `heartbeat mode`, `idle_timeout_ms`.
    pub what: String,
    /// What the file says; `None`: it does not have it.
    pub wanted: Option<String>,
    /// What runs; `None`: it is not registered.
    pub live: Option<String>,
    /// What it takes.
    pub cure: Cure,
}

/// In what the file (`wanted`, with the timers of `/etc/…/o2cb`) and the running cluster differ. Empty: in nothing.
pub fn differences(wanted: &Cluster, timers: &Timers, live: &Registered) -> Vec<Difference> {
    let shown = |text: &str| crate::text::clean(text, 80).into_owned();
    if wanted.name != live.cluster {
        let what = "active cluster".to_owned();
        return vec![Difference {
            what,
            wanted: Some(shown(&wanted.name)),
            live: Some(shown(&live.cluster)),
            cure: Cure::Restart,
        }];
    }
    let mut found = vec![];
    let global = live.mode == Some(Mode::Global) && wanted.mode == Mode::Global;
    let added = if global { Cure::Register } else { Cure::Restart };
    if let Some(mode) = live.mode.filter(|mode| *mode != wanted.mode) {
        let (wanted, live) = (Some(wanted.mode.as_str().to_owned()), Some(mode.as_str().to_owned()));
        found.push(Difference { what: "heartbeat mode".to_owned(), wanted, live, cure: Cure::Restart });
    }
    for node in &wanted.nodes {
        let what = format!("node {}", shown(&node.name));
        let says = format!("number {}, {}:{}", node.number, node.address, node.port);
        match live.nodes.iter().find(|known| known.name == node.name) {
            None => found.push(Difference { what, wanted: Some(says), live: None, cure: added }),
            Some(known) => {
                let same = known.number == node.number
                    && known.address.is_none_or(|address| address == node.address)
                    && known.port.is_none_or(|port| port == node.port);
                if !same {
                    let live = Some(registrant(known));
                    found.push(Difference { what, wanted: Some(says), live, cure: Cure::Restart });
                }
            }
        }
    }
    for known in live.nodes.iter().filter(|known| wanted.named(&known.name).is_none()) {
        let live = Some(registrant(known));
        found.push(Difference { what: format!("node {}", shown(&known.name)), wanted: None, live, cure: Cure::Restart });
    }
    if global {
        regions(wanted, live, &mut found);
    }
    timers.differ_from(&live.timers, |name, wanted, live| {
        found.push(Difference { what: name.to_owned(), wanted: Some(wanted), live: Some(live), cure: Cure::Restart });
    });
    found
}

fn regions(wanted: &Cluster, live: &Registered, found: &mut Vec<Difference>) {
    let shown = |text: &str| crate::text::clean(text, 80).into_owned();
    let in_file: BTreeSet<&str> = wanted.heartbeats.iter().map(|heartbeat| heartbeat.region.as_str()).collect();
    let running: BTreeSet<&str> = live.regions.iter().map(String::as_str).collect();
    let there = || Some("there".to_owned());
    for region in in_file.difference(&running) {
        let what = format!("region {}", shown(region));
        found.push(Difference { what, wanted: there(), live: None, cure: Cure::Register });
    }
    // The kernel lets go of a region only while more than three heartbeat.
    let cure = if running.len() > 3 { Cure::Register } else { Cure::Restart };
    for region in running.difference(&in_file) {
        found.push(Difference { what: format!("region {}", shown(region)), wanted: None, live: there(), cure });
    }
}

fn registrant(known: &Registrant) -> String {
    let address = known.address.map_or("?".to_owned(), |address| address.to_string());
    let port = known.port.map_or("?".to_owned(), |port| port.to_string());
    format!("number {}, {address}:{port}", known.number)
}

/// Keeps a copy of what was registered just now.
pub fn keep(folder: &mut dyn Folder) -> Result<(), FolderError> {
    match folder.read(CLUSTER_CONF, LARGEST)? {
        Some(bytes) => folder.write(KEPT, &bytes),
        None => folder.remove(KEPT),
    }
}
