//! What can be wrong with a `cluster.conf`: where, what, and what to do.

use crate::o2cb::{CLUSTER_NAME, LARGEST, LAST_NUMBER, MAX_REGIONS, NODE_NAME};
use serde::Serialize;
use std::fmt;

/// Something wrong, on a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// What.
    pub what: What,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}. {}", self.line, self.what, self.what.advice())
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It works; something to know.
    Warning,
    /// The tool or the kernel refuses it. Nothing is written into such a file.
    Error,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
#[allow(missing_docs, reason = "the messages say it")]
pub enum What {
    // The grammar: the tool rejects the whole file.
    #[error("the file has {bytes} bytes, more than any cluster needs ({LARGEST})")]
    TooLarge { bytes: u64 },
    #[error("the file is UTF-16")]
    Utf16,
    #[error("the file begins with a byte order mark")]
    Bom,
    #[error("there is a zero byte: the file is binary or damaged, and the o2cb tool would not see what follows")]
    Nul,
    #[error("the line ends in a carriage return (it was written on Windows)")]
    CarriageReturn,
    #[error("`#` begins a comment only at the very start of a line")]
    IndentedComment,
    #[error("`{found}` is no attribute: a name in letters, digits and `_` must come first")]
    NoName { found: String },
    #[error("`{found}` is neither a stanza, an attribute nor a comment")]
    NotText { found: String },
    #[error("after the colon stands `{found}`")]
    AfterColon { found: String },
    #[error("the attribute `{name}` is not indented, so it looks like a stanza")]
    NotIndented { name: String },
    #[error("there is a blank between `{name}` and its colon")]
    BlankBeforeColon { name: String },
    #[error("`{found}` is no stanza: the colon is missing")]
    NoColon { found: String },
    #[error("the stanza `{name}:` is indented, so it looks like an attribute")]
    IndentedHeader { name: String },
    #[error("the attribute `{name}` has no `=` and no value; perhaps the file was only half written")]
    NoValue { name: String },
    #[error("`{found}` is no attribute: after its name must come `=`")]
    NoEqual { found: String },
    #[error("the attribute `{name}` belongs to no stanza: a blank line above it ended the last one")]
    Outside { name: String },
    #[error("the file ends in a backslash: it was only half written")]
    HalfWritten,

    // The meaning: the tool refuses to load or the kernel to register it.
    #[error("the {stanza} has no `{name}`")]
    Missing { stanza: &'static str, name: &'static str },
    #[error("`{name} = {value}` is no number")]
    NotANumber { name: &'static str, value: String },
    #[error("node number {value} is too high: the last is {LAST_NUMBER}")]
    NumberTooHigh { value: String },
    #[error("node number {number} is used twice, by {first} and {second}")]
    NumberClash { number: u8, first: String, second: String },
    #[error("node {name} stands twice in cluster {cluster}")]
    NameClash { cluster: String, name: String },
    #[error("address {address} is used twice, by {first} and {second}")]
    AddressClash { address: String, first: String, second: String },
    #[error("cluster {name} stands twice in the file")]
    ClusterClash { name: String },
    #[error("region {region} stands twice")]
    RegionClash { region: String },
    #[error("`{value}` is no IPv4 address in four numbers, and o2cb knows no others")]
    Address { value: String },
    #[error("port {value} is not between 1 and 65534")]
    Port { value: String },
    #[error("`{value}` is no heartbeat mode: local or global")]
    Mode { value: String },
    #[error("`{value}` cannot be a cluster's name: 1 to {CLUSTER_NAME} letters and digits")]
    ClusterName { value: String },
    #[error("`{value}` cannot be a node's name: a host name of at most {NODE_NAME} letters, digits, `-`, `_` and `.`")]
    NodeName { value: String },
    #[error("`{value}` cannot be a region: 32 hexadecimal digits, the uuid of an ocfs2 volume")]
    Region { value: String },
    #[error("cluster {cluster} has {count} regions, and the kernel takes {MAX_REGIONS}")]
    TooManyRegions { cluster: String, count: usize },

    // It works, but.
    #[error("`node_count = {says}`, and {found} node{} listed", if *.found == 1 { " is" } else { "s are" })]
    NodeCount { says: u64, found: usize },
    #[error("the {stanza} belongs to cluster `{cluster}`, which is not in the file")]
    Stray { stanza: &'static str, cluster: String },
    #[error("the {stanza} names no cluster, so it belongs to none")]
    NoCluster { stanza: &'static str },
    #[error("`{name}` stands twice in this stanza; the last counts")]
    Twice { name: String },
    #[error("`{name}:` is no stanza that o2cb knows")]
    UnknownStanza { name: String },
    #[error("`{name}` is no attribute that o2cb knows")]
    UnknownAttribute { name: String },
    #[error("cluster {cluster} has global heartbeat and no region, so its heartbeat cannot start")]
    NoRegion { cluster: String },
    #[error("cluster {cluster} has local heartbeat, so its regions are not used")]
    UnusedRegions { cluster: String },
    #[error("region {region} is not in upper case, and the tools compare letter by letter")]
    RegionCase { region: String },
    #[error("node {name} has the address {address}, which no other host can reach")]
    Loopback { name: String, address: String },
    #[error("cluster {cluster} has {count} regions: with 2, losing one fences the host as losing the only one does")]
    TwoRegions { cluster: String, count: usize },
    #[error("number {number} of the node {name} is also held by a node that left ({held})")]
    HeldInUse { number: u8, name: String, held: String },
    #[error("node {name}: the name has a domain, and o2cb compares with the host's own name")]
    Domain { name: String },
}

impl What {
    /// How bad it is.
    pub fn severity(&self) -> Severity {
        match self {
            Self::NodeCount { .. }
            | Self::Stray { .. }
            | Self::NoCluster { .. }
            | Self::Twice { .. }
            | Self::UnknownStanza { .. }
            | Self::UnknownAttribute { .. }
            | Self::NoRegion { .. }
            | Self::UnusedRegions { .. }
            | Self::RegionCase { .. }
            | Self::Loopback { .. }
            | Self::TwoRegions { .. }
            | Self::HeldInUse { .. }
            | Self::Domain { .. } => Severity::Warning,
            _ => Severity::Error,
        }
    }

    /// Its name in JSON, which stays as it is: `number-clash`, for example.
    pub fn code(&self) -> &'static str {
        self.into()
    }

    /// What to do about it.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } | Self::Nul | Self::HalfWritten | Self::NotText { .. } | Self::NoValue { .. } => {
                "Copy the file from a host where it is whole; all hosts must have the same"
            }
            Self::Utf16 | Self::Bom => "Save it as plain text without a byte order mark",
            Self::CarriageReturn => "Remove the carriage returns: `sed -i 's/\\r$//'`",
            Self::IndentedComment => "Move the `#` to the start of its line",
            Self::NoName { .. } | Self::NoEqual { .. } => "Write it as `<tab>name = value`, or put `#` at the start of the line",
            Self::AfterColon { .. } => "Remove it: a stanza's line has only the name and the colon",
            Self::NotIndented { .. } => "Put a tab before it",
            Self::BlankBeforeColon { .. } => "Remove the blank",
            Self::NoColon { .. } => "Write it as `cluster:`, `node:` or `heartbeat:`, or put `#` before it",
            Self::IndentedHeader { .. } => "Remove the blanks before it",
            Self::Outside { .. } => "Remove the blank line, or put the stanza's line above",
            Self::Missing { .. } => "Add it",
            Self::NotANumber { .. } => "Write only the number; a value goes to the end of its line, comments included",
            Self::NumberTooHigh { .. } => {
                "Give it the lowest number that no node has or had; if all are spent, every node of the cluster has to restart before numbers \
                 of nodes that left can be used again"
            }
            Self::NumberClash { .. } => {
                "Find out from the other hosts' files which one is right; the kernel takes only the first"
            }
            Self::NameClash { .. } | Self::RegionClash { .. } | Self::ClusterClash { .. } => "Remove one of them",
            Self::AddressClash { .. } => "Correct one of them; the kernel takes only the first",
            Self::Address { .. } => "Write the IPv4 address of the host's storage network",
            Self::Port { .. } => "Use 7777, the same on all hosts",
            Self::Mode { .. } => "Write `heartbeat_mode = global` or `heartbeat_mode = local`",
            Self::ClusterName { .. } => "Rename it on all hosts, with the cluster offline",
            Self::NodeName { .. } => "Write what `uname -n` prints on that host, without the domain",
            Self::Region { .. } => "Take it from `mounted.ocfs2 -d`",
            Self::TooManyRegions { .. } => "Remove regions; three on three arrays are better than many",
            Self::NodeCount { .. } => "Correct it; nothing but the o2cb tool's list shows it",
            Self::Stray { .. } | Self::NoCluster { .. } => {
                "Correct `cluster =`, or remove the stanza; the o2cb tool drops it with its next change"
            }
            Self::Twice { .. } => "Remove the one that does not count",
            Self::UnknownStanza { .. } | Self::UnknownAttribute { .. } => {
                "poolwatch keeps it; the o2cb tool drops it with its next change"
            }
            Self::NoRegion { .. } => "Add a region: `o2cb add-heartbeat`",
            Self::UnusedRegions { .. } => "Remove them, or change to global heartbeat with the cluster offline on all hosts",
            Self::RegionCase { .. } => "Write it in upper case, as `mounted.ocfs2 -d` does",
            Self::Loopback { .. } => "Write the address of its storage network",
            Self::TwoRegions { .. } => "Have three, on different arrays: then one may fail",
            Self::HeldInUse { .. } => "Restart all nodes, or give it another number",
            Self::Domain { .. } => "Make sure that `uname -n` begins with exactly this name",
        }
    }
}
