//! Who is in the cluster: a host joins, leaves, is forgotten. Values in, values out; [`super::node`] carries them to a host's files.
//!
//! Joining is an online rewrite, which o2cb can only do with global heartbeat. Leaving comments the node out: its number stays held until every
//! node has restarted. Forgetting takes such a comment away once they have.

use super::conf::{Broken, Cluster, Config, Document, Mode, NoCluster, Problem, Severity};
use super::numbers::{NumberError, Numbers};
use super::registered::Registered;
use super::state::{Left, Member, State};
use super::{PORT, conf};
use crate::text;
use crate::time::Time;
use serde::Serialize;
use std::net::Ipv4Addr;

/// A file that was understood, so that it may be changed.
#[derive(Clone, Debug)]
pub struct Understood {
    /// The file.
    pub document: Document,
    /// What it says.
    pub config: Config,
    /// What works but is worth knowing.
    pub warnings: Vec<Problem>,
}

/// Why a file is not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum NotUnderstood {
    #[error("{0}. Nothing was changed")]
    Broken(#[from] Broken),
    #[error("o2cb refuses what the file says, so nothing was changed: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Wrong(Vec<Problem>),
}

impl Understood {
    /// Reads a file that is to be changed.
    ///
    /// # Errors
    /// If the o2cb tool or the kernel would refuse it: then it is not known what it means.
    pub fn read(bytes: &[u8]) -> Result<Self, NotUnderstood> {
        let document = Document::parse(bytes)?;
        let (config, problems) = Config::read(&document);
        if conf::no_errors(&problems) {
            return Ok(Self { document, config, warnings: problems });
        }
        Err(NotUnderstood::Wrong(problems.into_iter().filter(|problem| problem.what.severity() == Severity::Error).collect()))
    }
}

/// A host that is to join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join {
    /// The cluster; `None`: the only one there is.
    pub cluster: Option<String>,
    /// Its host name. A domain is cut off.
    pub host: String,
    /// Its uuid in the pool; empty: unknown.
    pub uuid: String,
    /// The number that it gets; `None`: the lowest that is free.
    pub number: Option<u32>,
    /// Addresses at which it can be reached. The first in IPv4 is taken.
    pub addresses: Vec<String>,
    /// Its TCP port.
    pub port: u16,
    /// With local heartbeat: write the file although it counts only after all nodes went offline.
    pub offline: bool,
}

impl Join {
    /// A host, with all else as usual.
    pub fn new(host: &str, address: &str) -> Self {
        let (host, addresses) = (host.to_owned(), vec![address.to_owned()]);
        Self { cluster: None, host, uuid: String::new(), number: None, addresses, port: PORT, offline: false }
    }
}

/// Who is to leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// The host of this uuid.
    Uuid(String),
    /// The node of this name.
    Name(String),
    /// The node of this number.
    Number(u8),
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The file as it is to be. The same bytes as before: nothing is to be done.
    pub document: Document,
    /// What is to be remembered.
    pub state: State,
    /// The cluster.
    pub cluster: String,
    /// Who it is about.
    pub member: Member,
    /// What the running cluster needs.
    pub then: Then,
}

/// What the running cluster needs to take a change in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Then {
    /// Nothing was changed.
    Nothing,
    /// `o2cb register-cluster` and `o2cb start-heartbeat` on every node.
    Register,
    /// A restart of o2cb on every node, one after the other, in maintenance mode.
    Restart,
}

/// Why a membership is not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum Refused {
    #[error(transparent)]
    Cluster(#[from] NoCluster),
    #[error(transparent)]
    Number(#[from] NumberError),
    #[error("`{name}` cannot be a node's name. Give what `uname -n` prints on that host: letters, digits, `-` and `_`")]
    Name { name: String },
    #[error(
        "none of the addresses of {host} ({addresses}) is an IPv4 address that others can reach, and o2cb knows no others. Give the one of its storage network"
    )]
    Address { host: String, addresses: String },
    #[error("port {port} cannot be used: 1 to 65534; everybody uses 7777")]
    Port { port: u16 },
    #[error("{host} is a node already, with number {number} at {address}:{port}. To change that, it has to leave first")]
    There { host: String, number: u8, address: Ipv4Addr, port: u16 },
    #[error("address {address} belongs to node {by}. The kernel refuses the same address twice")]
    AddressUsed { address: Ipv4Addr, by: String },
    #[error(
        "cluster {cluster} has local heartbeat and is online: nodes can join it only while it is offline on all hosts. Take it offline everywhere, or \
         change it to global heartbeat then (o2cb heartbeat-mode {cluster} global). With --offline the file is written now, and counts \
         after that"
    )]
    LocalMode { cluster: String },
    #[error("there is no node {who} in cluster {cluster}; it has {known}")]
    Unknown { who: String, cluster: String, known: String },
    #[error("number {number} is not held in cluster {cluster}. Held are: {held}")]
    NotHeld { number: u8, cluster: String, held: String },
    #[error(
        "number {number} is still registered in the running cluster, as {name}: this host has not restarted since it left. Restart it first"
    )]
    StillRegistered { number: u8, name: String },
    #[error(
        "these nodes have not restarted since {name} left, or nobody said when: {nodes}. Restart them first; a number that one of them still knows is not safe"
    )]
    NotRestarted { name: String, nodes: String },
}

/// The numbers of a cluster that are used and held: in the file, in what is remembered, in the running cluster.
pub fn numbers(config: &Config, cluster: &Cluster, state: &State, live: Option<&Registered>) -> Numbers {
    let mut numbers = Numbers::default();
    for node in &cluster.nodes {
        numbers.uses(node.number, &node.name);
    }
    for held in config.held.iter().filter(|held| held.is_of(&cluster.name)) {
        held.numbers.iter().for_each(|number| numbers.holds(*number, &held.shown()));
    }
    for left in state.left.iter().filter(|left| left.member.cluster == cluster.name) {
        numbers.holds(left.member.number, &left.member.name);
    }
    for known in live.filter(|live| live.cluster == cluster.name).iter().flat_map(|live| &live.nodes) {
        // Who is registered and not in the file has left it by some other way, and is still known.
        if cluster.node(known.number).is_none() {
            numbers.holds(known.number, &format!("{} (still registered)", known.name));
        }
    }
    numbers
}

fn shown(name: &str) -> String {
    text::clean(name, 80).into_owned()
}

/// A host joins. If it is in the file already, as it would be written, nothing changes.
///
/// # Errors
/// If it cannot join, or not while the cluster is online.
pub fn create(file: &Understood, state: &State, live: Option<&Registered>, join: &Join) -> Result<Change, Refused> {
    let cluster = file.config.cluster(join.cluster.as_deref())?;
    let name = join.host.split('.').next().unwrap_or_default().to_owned();
    if !conf::is_node_name(&name) {
        return Err(Refused::Name { name: shown(&join.host) });
    }
    let reachable = |address: &Ipv4Addr| {
        !address.is_loopback() && !address.is_unspecified() && !address.is_multicast() && !address.is_broadcast()
    };
    let address: Option<Ipv4Addr> = join.addresses.iter().filter_map(|a| a.trim().parse().ok()).find(reachable);
    let address = address.ok_or_else(|| Refused::Address { host: shown(&name), addresses: shown(&join.addresses.join(", ")) })?;
    if join.port == 0 || join.port == u16::MAX {
        return Err(Refused::Port { port: join.port });
    }
    let member = |number| Member { cluster: cluster.name.clone(), number, name: name.clone(), uuid: join.uuid.clone() };
    if let Some(node) = cluster.named(&name) {
        let same = (node.address, node.port) == (address, join.port)
            && join.number.is_none_or(|number| number == u32::from(node.number));
        if !same {
            return Err(Refused::There { host: shown(&name), number: node.number, address: node.address, port: node.port });
        }
        let member = member(node.number);
        let mut state = state.clone();
        remember(&mut state, &member);
        return Ok(Change { document: file.document.clone(), state, cluster: cluster.name.clone(), member, then: Then::Nothing });
    }
    if let Some(node) = cluster.nodes.iter().find(|node| node.address == address) {
        return Err(Refused::AddressUsed { address, by: shown(&node.name) });
    }
    let online = live.is_some_and(|live| live.cluster == cluster.name);
    if cluster.mode == Mode::Local && online && !join.offline {
        return Err(Refused::LocalMode { cluster: cluster.name.clone() });
    }
    let numbers = numbers(&file.config, cluster, state, live);
    let number = match join.number {
        Some(number) => numbers.claim(number)?,
        None => numbers.lowest_free()?,
    };
    let mut document = file.document.clone();
    // The count first: the stanza moves no line above itself.
    document.set(cluster.stanza, "node_count", &(cluster.nodes.len() + 1).to_string());
    let values = [
        ("number", number.to_string()),
        ("cluster", cluster.name.clone()),
        ("ip_port", join.port.to_string()),
        ("ip_address", address.to_string()),
        ("name", name.clone()),
    ];
    document.append("node", &values);
    let member = member(number);
    let mut state = state.clone();
    remember(&mut state, &member);
    let then = if cluster.mode == Mode::Global { Then::Register } else { Then::Restart };
    Ok(Change { document, state, cluster: cluster.name.clone(), member, then })
}

fn remember(state: &mut State, member: &Member) {
    let same = |known: &Member| known.cluster == member.cluster && (known.number == member.number || known.name == member.name);
    let uuid = state.members.iter().find(|known| same(known)).map(|known| known.uuid.clone()).unwrap_or_default();
    state.members.retain(|known| !same(known));
    let uuid = if member.uuid.is_empty() { uuid } else { member.uuid.clone() };
    state.members.push(Member { uuid, ..member.clone() });
}

/// A host leaves: its node is commented out. If it left before, nothing changes.
///
/// # Errors
/// If there is no such node.
pub fn destroy(file: &Understood, state: &State, cluster: Option<&str>, who: &Who, now: Time) -> Result<Change, Refused> {
    let cluster = file.config.cluster(cluster)?;
    let node = match who {
        Who::Name(name) => cluster.named(name).or_else(|| cluster.named(name.split('.').next().unwrap_or_default())),
        Who::Number(number) => cluster.node(*number),
        Who::Uuid(uuid) => {
            let member = state.members.iter().find(|member| member.cluster == cluster.name && member.uuid == *uuid);
            member.and_then(|member| cluster.node(member.number).filter(|node| node.name == member.name))
        }
    };
    let Some(node) = node else {
        let gone = state.left.iter().rev().map(|left| &left.member).find(|member| {
            member.cluster == cluster.name
                && match who {
                    Who::Name(name) => member.name == *name,
                    Who::Number(number) => member.number == *number,
                    Who::Uuid(uuid) => !uuid.is_empty() && member.uuid == *uuid,
                }
        });
        if let Some(member) = gone {
            let (document, state) = (file.document.clone(), state.clone());
            return Ok(Change { document, state, cluster: cluster.name.clone(), member: member.clone(), then: Then::Nothing });
        }
        let who = match who {
            Who::Name(name) => shown(name),
            Who::Number(number) => format!("number {number}"),
            Who::Uuid(uuid) => format!("of host {}", shown(uuid)),
        };
        let known: Vec<String> = cluster.nodes.iter().map(|node| format!("{} ({})", shown(&node.name), node.number)).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Err(Refused::Unknown { who, cluster: cluster.name.clone(), known });
    };
    let uuid = state.uuid(&cluster.name, node.number, &node.name).unwrap_or_default().to_owned();
    let member = Member { cluster: cluster.name.clone(), number: node.number, name: node.name.clone(), uuid };
    let mut document = file.document.clone();
    document.set(cluster.stanza, "node_count", &(cluster.nodes.len() - 1).to_string());
    // Setting an attribute that is there moves nothing; one that was missing would have been an error.
    let why = format!(
        "{} left {now}; its number {} stays held until every node has restarted, then: poolwatch o2cb forget {}",
        node.name, node.number, node.number
    );
    document.comment_out(node.stanza, &why);
    let mut state = state.clone();
    state.members.retain(|known| !(known.cluster == member.cluster && known.number == member.number));
    state.left.push(Left { member: member.clone(), left: now });
    Ok(Change { document, state, cluster: cluster.name.clone(), member, then: Then::Restart })
}

/// How it is known that every node has forgotten a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// When each node last started, by its name.
    Started(Vec<(String, Time)>),
    /// Somebody answers for it.
    Word,
}

/// A number is free again: nobody remembers who had it.
///
/// # Errors
/// If it is not held, if this host's running cluster still has it, or if a node has not restarted since.
pub fn forget(
    file: &Understood,
    state: &State,
    live: Option<&Registered>,
    cluster: Option<&str>,
    number: u8,
    evidence: &Evidence,
) -> Result<Change, Refused> {
    let cluster = file.config.cluster(cluster)?;
    let live = live.filter(|live| live.cluster == cluster.name);
    let in_file = file.config.held.iter().filter(|held| held.is_of(&cluster.name) && held.numbers.contains(&number));
    let in_file: Vec<&conf::Held> = in_file.collect();
    let is_it = |left: &Left| left.member.cluster == cluster.name && left.member.number == number;
    let remembered = state.left.iter().filter(|left| is_it(left)).max_by_key(|left| left.left);
    if in_file.is_empty() && remembered.is_none() {
        let held = numbers(&file.config, cluster, state, live);
        let held: Vec<String> = held.held().map(|(number, name)| format!("{number} ({name})")).collect();
        let held = if held.is_empty() { "none".to_owned() } else { held.join(", ") };
        return Err(Refused::NotHeld { number, cluster: cluster.name.clone(), held });
    }
    let name = remembered.map(|left| left.member.name.clone()).or_else(|| in_file.first().and_then(|held| held.name.clone()));
    let name = name.unwrap_or_default();
    if let Some(known) = live.and_then(|live| live.nodes.iter().find(|known| known.number == number))
        && cluster.node(number).is_none()
    {
        return Err(Refused::StillRegistered { number, name: shown(&known.name) });
    }
    if let Evidence::Started(started) = evidence {
        // Commented out by hand, nobody knows when: then no start is late enough.
        let left = remembered.map(|left| left.left);
        let fresh = |name: &str| started.iter().any(|(known, at)| known == name && left.is_some_and(|left| *at > left));
        let missing: Vec<String> = cluster.nodes.iter().filter(|node| !fresh(&node.name)).map(|node| shown(&node.name)).collect();
        if !missing.is_empty() {
            return Err(Refused::NotRestarted { name: shown(&name), nodes: missing.join(", ") });
        }
    }
    let mut document = file.document.clone();
    // From the end, so that the places of the others stay.
    for held in in_file.iter().rev() {
        document.forget(held);
    }
    let mut state = state.clone();
    let uuid = remembered.map(|left| left.member.uuid.clone()).unwrap_or_default();
    state.left.retain(|left| !is_it(left));
    let member = Member { cluster: cluster.name.clone(), number, name, uuid };
    Ok(Change { document, state, cluster: cluster.name.clone(), member, then: Then::Nothing })
}
