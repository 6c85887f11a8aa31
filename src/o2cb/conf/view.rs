//! What a document means: clusters with their nodes and regions.

use super::check;
use super::{Document, Held, Problem, Severity, Stanza, What};
use crate::o2cb::{CLUSTER_NAME, LAST_NUMBER, NODE_NAME, REGION_NAME};
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// So many problems are listed; after that nobody reads on.
const MOST: usize = 1_000;

/// How nodes tell that they live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// On every mounted volume. What is not said is this.
    Local,
    /// On the regions of the file, mounted or not. Only so can nodes be added while the cluster is online.
    Global,
}

impl Mode {
    /// As it stands in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Global => "global",
        }
    }
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Node {
    /// Its number, 0 to 254.
    pub number: u8,
    /// Its host name.
    pub name: String,
    /// Where the others reach it.
    pub address: Ipv4Addr,
    /// At which TCP port, 1 to 65534.
    pub port: u16,
    /// The line of its stanza.
    pub line: usize,
    #[serde(skip)]
    pub(in crate::o2cb) stanza: Stanza,
}

/// A heartbeat region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Heartbeat {
    /// The uuid of its volume, 32 hexadecimal digits.
    pub region: String,
    /// The line of its stanza.
    pub line: usize,
}

/// A cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// Its heartbeat.
    pub mode: Mode,
    /// What `node_count` says.
    pub node_count: u64,
    /// Its nodes, in the order of the file.
    pub nodes: Vec<Node>,
    /// Its regions, in the order of the file.
    pub heartbeats: Vec<Heartbeat>,
    /// The line of its stanza.
    pub line: usize,
    #[serde(skip)]
    pub(in crate::o2cb) stanza: Stanza,
}

impl Cluster {
    /// The node of this number.
    pub fn node(&self, number: u8) -> Option<&Node> {
        self.nodes.iter().find(|node| node.number == number)
    }

    /// The node of this name, as the tool compares: letter by letter.
    pub fn named(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.name == name)
    }
}

/// What a file says.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize)]
pub struct Config {
    /// The clusters, in the order of the file. Only one can be active on a host.
    pub clusters: Vec<Cluster>,
    /// Nodes that are commented out: they hold their numbers.
    pub held: Vec<Held>,
}

impl Config {
    /// What a document means, and everything that is wrong with it, by line. What is wrong enough to be an error is left out of the
    /// meaning.
    pub fn read(document: &Document) -> (Self, Vec<Problem>) {
        let mut reader = Reader { document, lines: document.lines(), problems: vec![] };
        let config = reader.config();
        let Reader { lines, mut problems, .. } = reader;
        check::check(document, &lines, &config, &mut problems);
        // Of too many the errors are kept first: whether there are any decides what may be written.
        problems.sort_by_key(|problem| (std::cmp::Reverse(problem.what.severity()), problem.line));
        problems.truncate(MOST);
        problems.sort_by_key(|problem| problem.line);
        (config, problems)
    }

    /// The cluster of this name; without a name, the only one.
    pub fn cluster(&self, name: Option<&str>) -> Result<&Cluster, NoCluster> {
        let known = || self.clusters.iter().map(|cluster| cluster.name.as_str()).collect::<Vec<_>>().join(", ");
        match (name, self.clusters.as_slice()) {
            (_, []) => Err(NoCluster::None),
            (Some(name), clusters) => {
                let found = clusters.iter().find(|cluster| cluster.name == name);
                found.ok_or_else(|| NoCluster::Unknown { name: crate::text::clean(name, 64).into_owned(), known: known() })
            }
            (None, [only]) => Ok(only),
            (None, _) => Err(NoCluster::Several { known: known() }),
        }
    }
}

/// Why it is not known which cluster is meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum NoCluster {
    #[error(
        "there is no cluster in cluster.conf, or no cluster.conf. Copy the file from a host that has it, or make one: poolwatch o2cb new NAME"
    )]
    None,
    #[error("there is no cluster {name} in cluster.conf; it has {known}")]
    Unknown { name: String, known: String },
    #[error("there are several clusters in cluster.conf ({known}). Say which one with --cluster")]
    Several { known: String },
}

/// Reads a number as `strtoul` does, which the tool uses: blanks and one sign before it, leading zeros, nothing after it.
pub(super) fn number(text: &str) -> Option<u64> {
    let text = text.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // What overflows is as good as the largest: it is out of every range.
    let value = digits.parse().unwrap_or(u64::MAX);
    Some(if negative && value != 0 { u64::MAX } else { value })
}

/// Whether a node can have this name: the kernel makes a folder of it, and the tool compares it with the host's.
pub(in crate::o2cb) fn is_node_name(name: &str) -> bool {
    let fine = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (1..=NODE_NAME).contains(&name.len()) && name.bytes().all(fine) && !name.starts_with(['.', '-'])
}

pub(in crate::o2cb) fn is_region(name: &str) -> bool {
    name.len() == REGION_NAME && name.bytes().all(|b| b.is_ascii_hexdigit())
}

pub(in crate::o2cb) fn is_cluster_name(name: &str) -> bool {
    (1..=CLUSTER_NAME).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric())
}

struct Reader<'d> {
    document: &'d Document,
    /// Where each item begins.
    lines: Vec<usize>,
    problems: Vec<Problem>,
}

fn shown(value: &str) -> String {
    crate::text::clean(value, 80).into_owned()
}

impl Reader<'_> {
    fn line(&self, at: usize) -> usize {
        self.lines.get(at).copied().unwrap_or(1)
    }

    fn config(&mut self) -> Config {
        let stanzas = self.document.stanzas();
        let of = |kind: &str| stanzas.iter().copied().filter(|stanza| self.document.kind(*stanza) == kind).collect::<Vec<_>>();
        let (clusters, nodes, heartbeats) = (of("cluster"), of("node"), of("heartbeat"));
        let mut config = Config { clusters: vec![], held: self.document.held() };
        for stanza in clusters {
            if let Some(cluster) = self.cluster(stanza) {
                if config.clusters.iter().any(|known| known.name == cluster.name) {
                    self.wrong(stanza, "name", What::ClusterClash { name: cluster.name });
                } else {
                    config.clusters.push(cluster);
                }
            }
        }
        // What belongs to no cluster is nothing to the tool, so nothing in it can be wrong.
        for stanza in nodes {
            if let Some(at) = self.home(stanza, "node", &config)
                && let Some(node) = self.node(stanza)
                && let Some(cluster) = config.clusters.get_mut(at)
            {
                self.clashes(&node, cluster);
                cluster.nodes.push(node);
            }
        }
        for stanza in heartbeats {
            if let Some(at) = self.home(stanza, "heartbeat", &config)
                && let Some(heartbeat) = self.heartbeat(stanza)
                && let Some(cluster) = config.clusters.get_mut(at)
            {
                if cluster.heartbeats.iter().any(|known| known.region == heartbeat.region) {
                    self.wrong(stanza, "region", What::RegionClash { region: heartbeat.region.clone() });
                }
                cluster.heartbeats.push(heartbeat);
            }
        }
        config
    }

    /// Notes what is wrong, at the line of the attribute, or of the stanza if it is not there.
    fn wrong(&mut self, stanza: Stanza, attribute: &str, what: What) {
        let at =
            self.document.attributes(stanza).filter(|(_, name, _)| *name == attribute).last().map_or(stanza.head, |(at, ..)| at);
        self.problems.push(Problem { line: self.line(at), what });
    }

    /// A value that must be there.
    fn needed(&mut self, stanza: Stanza, kind: &'static str, name: &'static str) -> Option<String> {
        let value = self.document.value(stanza, name).filter(|value| !value.is_empty()).map(str::to_owned);
        if value.is_none() {
            self.wrong(stanza, name, What::Missing { stanza: kind, name });
        }
        value
    }

    fn number(&mut self, stanza: Stanza, kind: &'static str, name: &'static str) -> Option<(u64, String)> {
        let text = self.needed(stanza, kind, name)?;
        let value = number(&text);
        if value.is_none() {
            self.wrong(stanza, name, What::NotANumber { name, value: shown(&text) });
        }
        Some((value?, text))
    }

    /// The cluster that a stanza belongs to, as index.
    fn home(&mut self, stanza: Stanza, kind: &'static str, config: &Config) -> Option<usize> {
        let Some(name) = self.document.value(stanza, "cluster") else {
            self.wrong(stanza, "", What::NoCluster { stanza: kind });
            return None;
        };
        let found = config.clusters.iter().position(|cluster| cluster.name == name);
        if found.is_none() {
            let cluster = shown(name);
            self.wrong(stanza, "cluster", What::Stray { stanza: kind, cluster });
        }
        found
    }

    fn cluster(&mut self, stanza: Stanza) -> Option<Cluster> {
        let name = self.needed(stanza, "cluster", "name");
        let count = self.number(stanza, "cluster", "node_count");
        let mode = match self.document.value(stanza, "heartbeat_mode").map(str::to_owned) {
            None => Some(Mode::Local),
            Some(value) if value.eq_ignore_ascii_case("local") => Some(Mode::Local),
            Some(value) if value.eq_ignore_ascii_case("global") => Some(Mode::Global),
            Some(value) => {
                self.wrong(stanza, "heartbeat_mode", What::Mode { value: shown(&value) });
                None
            }
        };
        let name = name?;
        if !is_cluster_name(&name) {
            self.wrong(stanza, "name", What::ClusterName { value: shown(&name) });
        }
        let line = self.line(stanza.head);
        // What is wrong with it was noted; its nodes are looked at all the same.
        let (mode, node_count) = (mode.unwrap_or(Mode::Local), count.map_or(0, |(count, _)| count));
        Some(Cluster { name, mode, node_count, nodes: vec![], heartbeats: vec![], line, stanza })
    }

    fn node(&mut self, stanza: Stanza) -> Option<Node> {
        let name = self.needed(stanza, "node", "name");
        if let Some(name) = name.as_deref().filter(|name| !is_node_name(name)) {
            self.wrong(stanza, "name", What::NodeName { value: shown(name) });
        }
        let address = self.needed(stanza, "node", "ip_address").and_then(|text| {
            let address = text.parse().ok();
            if address.is_none() {
                self.wrong(stanza, "ip_address", What::Address { value: shown(&text) });
            }
            address
        });
        let port = self.number(stanza, "node", "ip_port").and_then(|(value, text)| {
            // The kernel refuses 65535 too (o2nm_node_ipv4_port_store).
            let port = u16::try_from(value).ok().filter(|port| (1..u16::MAX).contains(port));
            if port.is_none() {
                self.wrong(stanza, "ip_port", What::Port { value: shown(&text) });
            }
            port
        });
        let number = self.number(stanza, "node", "number").and_then(|(value, text)| {
            let number = u8::try_from(value).ok().filter(|number| *number <= LAST_NUMBER);
            if number.is_none() {
                self.wrong(stanza, "number", What::NumberTooHigh { value: shown(&text) });
            }
            number
        });
        Some(Node { number: number?, name: name?, address: address?, port: port?, line: self.line(stanza.head), stanza })
    }

    fn clashes(&mut self, node: &Node, cluster: &Cluster) {
        let name = |known: &Node| shown(&known.name);
        if let Some(known) = cluster.node(node.number) {
            let (number, first, second) = (node.number, name(known), name(node));
            self.wrong(node.stanza, "number", What::NumberClash { number, first, second });
        }
        if cluster.named(&node.name).is_some() {
            self.wrong(node.stanza, "name", What::NameClash { cluster: shown(&cluster.name), name: name(node) });
        }
        if let Some(known) = cluster.nodes.iter().find(|known| known.address == node.address) {
            let (address, first, second) = (node.address.to_string(), name(known), name(node));
            self.wrong(node.stanza, "ip_address", What::AddressClash { address, first, second });
        }
    }

    fn heartbeat(&mut self, stanza: Stanza) -> Option<Heartbeat> {
        let region = self.needed(stanza, "heartbeat", "region")?;
        if !is_region(&region) {
            self.wrong(stanza, "region", What::Region { value: shown(&region) });
        }
        Some(Heartbeat { region, line: self.line(stanza.head) })
    }
}

/// Whether nothing among these is an error.
pub(in crate::o2cb) fn no_errors(problems: &[Problem]) -> bool {
    problems.iter().all(|problem| problem.what.severity() < Severity::Error)
}
