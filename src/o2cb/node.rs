//! o2cb on one host: what the seed calls the cluster plugin. The same code for a real host and a simulated one; the difference is
//! in the [`Folder`] and the [`Services`] that it gets.
//!
//! Every change is checked against the bytes that were read, has a backup, and with `dry_run` stays a plan.

mod found;
mod run;
#[cfg(test)]
mod tests;

use super::conf::{Cluster, Mode, NoCluster};
use super::folder::{Folder, FolderError};
use super::membership::{self, Change, Evidence, Join, NotUnderstood, Refused, Then, Understood, Who};
use super::registered::{self, Difference, Registered, Source};
use super::service::{ServiceError, ServiceState, Services};
use super::state::{self, State, StateError};
use super::sysconfig::{Sysconfig, SysconfigError};
use super::{CLUSTER_CONF, LARGEST};
use crate::time::Time;
use serde::Serialize;
use std::collections::BTreeSet;

pub use found::Founded;
pub use run::{Start, Stop};

/// Where backups go, below the root.
pub const BACKUPS: &str = "var/lib/poolwatch/o2cb/backup";
/// So many backups are kept.
const KEEP: usize = 20;

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each passes on what it holds, or its message says it")]
pub enum NodeError {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error("/{CLUSTER_CONF}: {0}")]
    NotUnderstood(#[from] NotUnderstood),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Sysconfig(#[from] SysconfigError),
    #[error(transparent)]
    Service(#[from] ServiceError),
    #[error("/{CLUSTER_CONF} was changed by somebody else at this moment. Nothing was written; look at it and do the same again")]
    Changed,
    #[error("{0}")]
    No(String),
}

impl NodeError {
    /// Whether it was refused, so that doing the same again changes nothing; otherwise something did not work.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::NotUnderstood(_)
                | Self::Refused(_)
                | Self::State(_)
                | Self::No(_)
                | Self::Sysconfig(SysconfigError::Script { .. })
        )
    }
}

impl From<NoCluster> for NodeError {
    fn from(error: NoCluster) -> Self {
        Self::Refused(error.into())
    }
}

/// One thing that was done, or with `dry_run` would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What, in words.
    pub what: String,
    /// The file that is written, from the root; empty: none.
    pub file: String,
}

impl Step {
    fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), file: String::new() }
    }

    fn file(path: &str, what: &str) -> Self {
        Self { what: what.to_owned(), file: format!("/{path}") }
    }
}

/// What came of a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Its cluster.
    pub cluster: String,
    /// The node's number.
    pub number: u8,
    /// The node's host name.
    pub name: String,
    /// Its uuid in the pool; empty: unknown.
    pub uuid: String,
    /// The file is another now.
    pub changed: bool,
    /// What the running cluster needs.
    pub then: Then,
    /// What was done, in order.
    pub steps: Vec<Step>,
    /// What the operator has to do.
    pub advice: Vec<String>,
}

/// How a host of the cluster is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostState {
    /// Its heartbeat is seen.
    Alive,
    /// It is registered, and its heartbeat is not seen.
    Dead,
    /// It is in the file and not registered, or the other way round: not until o2cb takes the file in.
    Excluded,
    /// It left; it holds its number.
    Left,
    /// The cluster is not online here, or its list cannot be read.
    Unknown,
}

/// A host of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HostRow {
    /// Its number.
    pub number: u8,
    /// Its name.
    pub name: String,
    /// Its uuid in the pool; empty: unknown.
    pub uuid: String,
    /// How it is.
    pub state: HostState,
    /// Why, if that is not plain.
    pub why: String,
}

/// How a cluster is, seen from one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Query {
    /// Its name.
    pub cluster: String,
    /// Its heartbeat.
    pub mode: Mode,
    /// It is online on this host.
    pub online: bool,
    /// How the service is.
    pub service: ServiceState,
    /// From where it is known what runs; `None`: nothing runs.
    pub source: Option<Source>,
    /// Something was changed that counts only after a restart of o2cb on this host.
    pub needs_restart: bool,
    /// Something was changed that the running cluster has to be told (`o2cb register-cluster`).
    pub needs_register: bool,
    /// In what the file and the running cluster differ.
    pub differences: Vec<Difference>,
    /// All hosts that are known, by number.
    pub hosts: Vec<HostRow>,
    /// The number that the next host gets; `None`: all are spent.
    pub next_number: Option<u8>,
    /// What works but is worth knowing.
    pub warnings: Vec<String>,
}

/// o2cb on one host.
pub struct Node<'a> {
    /// Its files.
    pub folder: &'a mut dyn Folder,
    /// Its services.
    pub services: &'a mut dyn Services,
    /// Plan only: nothing is written or run.
    pub dry_run: bool,
    /// Also tell the running cluster of a change (`o2cb register-cluster`) where that is enough.
    pub register: bool,
}

/// What a host has, read together.
struct Desk {
    bytes: Vec<u8>,
    file: Understood,
    state: State,
    live: Option<Registered>,
}

impl Node<'_> {
    fn desk(&self) -> Result<Desk, NodeError> {
        let bytes = self.folder.read(CLUSTER_CONF, LARGEST)?.unwrap_or_default();
        let file = Understood::read(&bytes)?;
        let state = State::parse(self.folder.read(state::PATH, state::LARGEST)?.as_deref())?;
        Ok(Desk { file, state, live: Registered::look(self.folder)?, bytes })
    }

    fn lock(&mut self) -> Result<(), NodeError> {
        if !self.dry_run {
            self.folder.lock()?;
        }
        Ok(())
    }

    /// `Membership.create`: the local o2cb will know this host.
    pub fn create(&mut self, join: &Join, now: Time) -> Result<Outcome, NodeError> {
        self.lock()?;
        let desk = self.desk()?;
        let change = membership::create(&desk.file, &desk.state, desk.live.as_ref(), join)?;
        self.carry_out(&desk, change, now)
    }

    /// `Membership.destroy`: the node is commented out; it counts after a restart.
    pub fn destroy(&mut self, cluster: Option<&str>, who: &Who, now: Time) -> Result<Outcome, NodeError> {
        self.lock()?;
        let desk = self.desk()?;
        let change = membership::destroy(&desk.file, &desk.state, cluster, who, now)?;
        self.carry_out(&desk, change, now)
    }

    /// Frees the number of a node that left.
    pub fn forget(&mut self, cluster: Option<&str>, number: u8, evidence: &Evidence, now: Time) -> Result<Outcome, NodeError> {
        self.lock()?;
        let desk = self.desk()?;
        let change = membership::forget(&desk.file, &desk.state, desk.live.as_ref(), cluster, number, evidence)?;
        self.carry_out(&desk, change, now)
    }

    fn carry_out(&mut self, desk: &Desk, change: Change, now: Time) -> Result<Outcome, NodeError> {
        let bytes = change.document.bytes();
        let changed = bytes != desk.bytes;
        let mut steps = vec![];
        // What was decided must be what the next reader understands.
        Understood::read(&bytes)?;
        if change.state != desk.state {
            // Before the file: a number that is held only here is still held.
            self.write(state::PATH, &change.state.bytes(), "remember whose number is whose", &mut steps)?;
        }
        if changed {
            self.replace_conf(&desk.bytes, &bytes, now, &mut steps)?;
        }
        let online = desk.live.as_ref().is_some_and(|live| live.cluster == change.cluster);
        let mut then = change.then;
        let name = &change.cluster;
        if changed && online && then == Then::Register && self.register {
            steps.push(Step::new(format!("tell the running cluster: o2cb register-cluster {name}; o2cb start-heartbeat {name}")));
            if !self.dry_run {
                self.services.register(self.folder, name)?;
                registered::keep(self.folder)?;
            }
            then = Then::Nothing;
        }
        let mut advice = vec![];
        match change.then {
            Then::Register => {
                advice.push("do the same on every other host of the cluster, so that the file is the same everywhere".to_owned());
                let told = format!("then on every host: o2cb register-cluster {name} && o2cb start-heartbeat {name}");
                advice.push(format!(
                    "{told}. Until all know the new node, it must mount nothing: its mount fails, and can make others' fail"
                ));
            }
            Then::Restart => {
                advice.push("do the same on every other host of the cluster, so that the file is the same everywhere".to_owned());
                advice
                    .push("it counts once o2cb was restarted on every host, one after the other in maintenance mode".to_owned());
            }
            Then::Nothing => {}
        }
        let member = change.member;
        Ok(Outcome {
            cluster: change.cluster,
            number: member.number,
            name: member.name,
            uuid: member.uuid,
            changed,
            then,
            steps,
            advice,
        })
    }

    fn write(&mut self, path: &str, bytes: &[u8], what: &str, steps: &mut Vec<Step>) -> Result<(), NodeError> {
        steps.push(Step::file(path, what));
        if !self.dry_run {
            self.folder.write(path, bytes)?;
        }
        Ok(())
    }

    /// Replaces `cluster.conf`, if it still is what was read, with a backup of that.
    fn replace_conf(&mut self, old: &[u8], new: &[u8], now: Time, steps: &mut Vec<Step>) -> Result<(), NodeError> {
        if !old.is_empty() {
            let backup = format!("{BACKUPS}/cluster.conf.{}", now.as_millis());
            self.write(&backup, old, "keep the old file", steps)?;
            if !self.dry_run {
                self.prune()?;
            }
        }
        if self.folder.read(CLUSTER_CONF, LARGEST)?.unwrap_or_default() != old {
            return Err(NodeError::Changed);
        }
        self.write(CLUSTER_CONF, new, "write the new file", steps)
    }

    fn prune(&mut self) -> Result<(), NodeError> {
        let names = self.folder.list(BACKUPS)?;
        let mut ours: Vec<(i64, String)> =
            names.into_iter().filter_map(|name| Some((name.strip_prefix("cluster.conf.")?.parse().ok()?, name))).collect();
        ours.sort();
        for (_, name) in ours.iter().rev().skip(KEEP) {
            self.folder.remove(&format!("{BACKUPS}/{name}"))?;
        }
        Ok(())
    }

    /// `Cluster.query`: how the cluster is. `alive` is who is seen alive where that is known better than from this folder (the simulated pool
    /// knows); `None`: what the kernel shows here.
    pub fn query(&self, cluster: Option<&str>, alive: Option<&BTreeSet<u8>>) -> Result<Query, NodeError> {
        let desk = self.desk()?;
        let wanted = desk.file.config.cluster(cluster)?;
        let service = self.services.state(self.folder)?;
        let sysconfig = Sysconfig::look(self.folder)?;
        let live = desk.live.as_ref();
        let mut warnings: Vec<String> = desk.file.warnings.iter().map(ToString::to_string).collect();
        warnings.extend(sysconfig.timers.wrong());
        warnings.extend(desk.live.as_ref().and_then(fence_method));
        let differences = live.map(|live| registered::differences(wanted, &sysconfig.timers, live)).unwrap_or_default();
        let needs = |cure| differences.iter().any(|difference| difference.cure == cure);
        let read = registered::alive(self.folder);
        let alive = alive.or(read.as_ref());
        let numbers = membership::numbers(&desk.file.config, wanted, &desk.state, live);
        Ok(Query {
            cluster: wanted.name.clone(),
            mode: wanted.mode,
            online: live.is_some_and(|live| live.cluster == wanted.name),
            service,
            source: live.map(|live| live.source),
            needs_restart: needs(registered::Cure::Restart),
            needs_register: needs(registered::Cure::Register),
            hosts: hosts(&desk, wanted, alive),
            next_number: numbers.lowest_free().ok(),
            differences,
            warnings,
        })
    }
}

/// What a fence would leave behind.
fn fence_method(live: &Registered) -> Option<String> {
    (live.fence_method.as_deref() == Some("reset")).then(|| {
        format!(
            "fence_method is reset: if o2cb fences this host, it restarts at once and leaves no crash dump. For one: \
             echo panic > /sys/kernel/config/cluster/{}/fence_method (after every boot)",
            crate::text::clean(&live.cluster, 16)
        )
    })
}

fn hosts(desk: &Desk, wanted: &Cluster, alive: Option<&BTreeSet<u8>>) -> Vec<HostRow> {
    let live = desk.live.as_ref().filter(|live| live.cluster == wanted.name);
    let shown = |name: &str| crate::text::clean(name, 64).into_owned();
    let uuid = |number, name: &str| desk.state.uuid(&wanted.name, number, name).unwrap_or_default().to_owned();
    let mut rows: Vec<HostRow> = vec![];
    for node in &wanted.nodes {
        let known = live.map(|live| live.nodes.iter().find(|known| known.name == node.name));
        let (state, why) = match (known, alive) {
            (None, _) => (HostState::Unknown, "the cluster is not online on this host".to_owned()),
            (Some(None), _) => (HostState::Excluded, "in the file, and the running cluster does not know it yet".to_owned()),
            (Some(Some(known)), _) if known.number != node.number => {
                (HostState::Excluded, format!("the running cluster knows it as number {}", known.number))
            }
            (Some(Some(_)), Some(alive)) if alive.contains(&node.number) => (HostState::Alive, String::new()),
            (Some(Some(_)), Some(_)) => (HostState::Dead, "its heartbeat is not seen".to_owned()),
            (Some(Some(_)), None) => (HostState::Unknown, "this host's list of live nodes cannot be read (debugfs)".to_owned()),
        };
        rows.push(HostRow { number: node.number, name: shown(&node.name), uuid: uuid(node.number, &node.name), state, why });
    }
    for known in live.iter().flat_map(|live| &live.nodes).filter(|known| wanted.named(&known.name).is_none()) {
        let breathes = alive.is_some_and(|alive| alive.contains(&known.number));
        let why = format!(
            "not in the file, and the running cluster still knows it{}",
            if breathes { "; its heartbeat is seen" } else { "" }
        );
        rows.push(HostRow {
            number: known.number,
            name: shown(&known.name),
            uuid: String::new(),
            state: HostState::Excluded,
            why,
        });
    }
    let held = desk.file.config.held.iter().filter(|held| held.is_of(&wanted.name));
    let held =
        held.flat_map(|held| held.numbers.iter().map(|number| (*number, held.name.clone().unwrap_or_default(), String::new())));
    let left = desk.state.left.iter().map(|left| &left.member).filter(|member| member.cluster == wanted.name);
    let left = left.map(|member| (member.number, member.name.clone(), member.uuid.clone()));
    for (number, name, uuid) in left.chain(held) {
        let name = shown(&name);
        if !rows.iter().any(|row| row.number == number && row.name == name) {
            let why = "it left; its number is held until every node has restarted".to_owned();
            rows.push(HostRow { number, name, uuid, state: HostState::Left, why });
        }
    }
    rows.sort_by_key(|row| row.number);
    rows
}
