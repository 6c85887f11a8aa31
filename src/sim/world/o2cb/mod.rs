//! o2cb in the simulated pool: each host has a folder in memory, on which the o2cb that real hosts run (room `o2cb`) does its work.
//!
//! Only pools with storage that demands it (type `ocfs2`) have it. In the designed dialect xapi knows of it (`Cluster`, `Membership`, the monitor that keeps
//! each host's `cluster.conf` in step); as shipped, xapi knows nothing, and the hosts heartbeat and fence all the same.

mod heartbeat;
mod live;
mod member;
mod region;

use super::Core;
use super::state::Stage;
use crate::o2cb::folder::Memory;
use crate::o2cb::membership::{Evidence, Join, Who};
use crate::o2cb::node::{HostState, Node, NodeError, Query};
use crate::o2cb::service::Kept;
use crate::o2cb::{CLUSTER_CONF, registered};
use crate::time::Time;
use crate::xenapi::record::Ref;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

/// The stack, and the name of the `Cluster`.
pub const STACK: &str = "o2cb";
/// The storage type that demands it.
pub const KIND: &str = "ocfs2";
/// The cluster's name in `cluster.conf`.
const NAME: &str = "xspool";

/// o2cb of all hosts.
#[derive(Clone)]
pub struct O2cb {
    /// The heartbeat regions: one on each SR that demands it.
    pub regions: Vec<Region>,
    /// The `Cluster`, where xapi has one.
    pub cluster: Option<Ref>,
    /// One for each host of the world.
    pub nodes: Vec<Peer>,
    /// Pairs of running hosts that do not hear each other (the lower first), and since when.
    pub deaf: BTreeMap<(usize, usize), Time>,
    /// `cluster.conf` before anybody is in it.
    conf: Arc<Memory>,
}

/// A heartbeat region.
#[derive(Clone)]
pub struct Region {
    /// The SR that it is on, on its first LUN.
    pub store: usize,
    /// Its name: the uuid without dashes.
    pub uuid: String,
    /// uuid of the VDI, an `o2cb_statefile`.
    statefile: String,
}

/// A host's heartbeat on a region.
#[derive(Clone, Debug, Default)]
pub struct Beat {
    /// It has the SR.
    pub on: bool,
    /// Its last good write, while it cannot write.
    pub since: Option<Time>,
    /// Since when the others see nothing of it there: it stalls, or is gone. `None`: it beats.
    pub silent: Option<Time>,
    /// When its write time-out was armed last, while it stalls.
    pub armed: Option<Time>,
    /// Its write time-out is over.
    pub failed: bool,
}

/// A host's o2cb.
#[derive(Clone)]
pub struct Peer {
    /// Its files: shared between clones of the world until one changes them.
    folder: Arc<Memory>,
    /// Where xapi does not keep memberships: its node number.
    number: Option<u8>,
    /// Its kernel heartbeats, as far as its disk lets it.
    pub online: bool,
    /// Region by region.
    pub beats: Vec<Beat>,
    /// When its kernel wrote down that all hang and all wait on.
    pub pardoned: Option<Time>,
    /// Since when ocfs2 meets I/O errors on a volume that is being written.
    pub aborting: Option<Time>,
    /// The last `Cluster.query` on it.
    pub query: Option<Arc<Query>>,
}

impl Core {
    /// Sets o2cb up on all hosts that have a PBD for the storage that demands it. Does nothing without such storage.
    pub(super) fn o2cb_begin(&mut self) {
        let stores: Vec<usize> = (0..self.stores.len()).filter(|s| self.stores.get(*s).is_some_and(|s| s.kind == KIND)).collect();
        if stores.is_empty() || self.o2cb.is_some() {
            return;
        }
        let regions: Vec<Region> = stores.into_iter().filter_map(|store| self.heartbeat_volume(store)).collect();
        let cluster = self.designed().then(|| {
            let stack = [("name", STACK.into()), ("cluster_stack", STACK.into()), ("cluster_stack_version", 1.into())];
            self.db.create("Cluster", &stack)
        });
        let mut conf = format!("cluster:\n\tnode_count = 0\n\tname = {NAME}\n\theartbeat_mode = global\n");
        for region in &regions {
            let _ = write!(conf, "\nheartbeat:\n\tcluster = {NAME}\n\tregion = {}\n", region.uuid);
        }
        let conf = Arc::new(Memory::new().with(CLUSTER_CONF, conf).with(crate::o2cb::service::INVENTORY, ""));
        let of = |host: usize| {
            let on = |region: &Region| self.stores.get(region.store).is_some_and(|s| s.pbds.iter().any(|p| p.host == host));
            let beats = regions.iter().map(|region| Beat { on: on(region), ..Beat::default() }).collect();
            let folder = Arc::clone(&conf);
            Peer { folder, number: None, online: false, beats, pardoned: None, aborting: None, query: None }
        };
        let nodes: Vec<Peer> = (0..self.hosts.len()).map(of).collect();
        let members: Vec<usize> =
            (0..nodes.len()).filter(|h| nodes.get(*h).is_some_and(|p| p.beats.iter().any(|b| b.on))).collect();
        self.o2cb = Some(O2cb { regions, cluster: cluster.clone(), nodes, deaf: BTreeMap::new(), conf });
        for (number, host) in members.iter().enumerate() {
            let r = self.hosts.get(*host).map(|h| h.r.clone()).unwrap_or_default();
            if let Some(cluster) = &cluster {
                let id = i64::try_from(number).unwrap_or(i64::MAX);
                self.db.create("Membership", &[("id", id.into()), ("cluster", cluster.into()), ("host", r.into())]);
            }
            if let Some(peer) = self.peer(*host) {
                peer.number = u8::try_from(number).ok();
            }
        }
        self.o2cb_sync();
        for host in members {
            self.o2cb_online(host);
        }
        self.o2cb_sync();
    }

    /// The VDI of a heartbeat region.
    fn heartbeat_volume(&mut self, store: usize) -> Option<Region> {
        let (sr, uuid) = self.stores.get(store).map(|s| (s.r.clone(), s.uuid.replace('-', "").to_uppercase()))?;
        let vdi = self.db.create(
            "VDI",
            &[
                ("name_label", "Heartbeat of o2cb".into()),
                ("name_description", "Used for the storage heartbeat of OCFS2".into()),
                ("SR", sr.into()),
                ("type", if self.designed() { "o2cb_statefile" } else { "user" }.into()),
                ("virtual_size", 4_194_304.into()),
                ("sharable", true.into()),
                ("managed", true.into()),
            ],
        );
        let statefile = self.db.text(&vdi, "uuid").to_owned();
        Some(Region { store, uuid, statefile })
    }

    /// A host has forgotten all that it knew of the cluster: it was wiped, or has just joined.
    pub(super) fn o2cb_wipe(&mut self, host: usize) {
        self.past.wipe(host);
        let Some(o2cb) = self.o2cb.as_mut() else { return };
        let conf = Arc::clone(&o2cb.conf);
        let on: Vec<bool> = o2cb
            .regions
            .iter()
            .map(|r| self.stores.get(r.store).is_some_and(|s| s.pbds.iter().any(|p| p.host == host)))
            .collect();
        if let Some(peer) = o2cb.nodes.get_mut(host) {
            let beats = on.into_iter().map(|on| Beat { on, ..Beat::default() }).collect();
            *peer = Peer { folder: conf, number: None, online: false, beats, pardoned: None, aborting: None, query: None };
        }
    }

    /// The folder that a host's o2cb works on.
    pub(super) fn o2cb_folder(&self, host: usize) -> Option<Memory> {
        Some((*self.o2cb.as_ref()?.nodes.get(host)?.folder).clone())
    }

    fn peer(&mut self, host: usize) -> Option<&mut Peer> {
        self.o2cb.as_mut()?.nodes.get_mut(host)
    }

    /// Runs the o2cb of a host on its folder.
    fn on_folder<T>(
        &mut self,
        host: usize,
        work: impl FnOnce(&mut Node<'_>) -> Result<T, NodeError>,
    ) -> Option<Result<T, NodeError>> {
        let statefiles = self.o2cb.as_ref()?.regions.iter().map(|r| r.statefile.clone()).collect();
        let peer = self.peer(host)?;
        let mut services = Kept { statefiles };
        let folder = Arc::make_mut(&mut peer.folder);
        Some(work(&mut Node { folder, services: &mut services, dry_run: false, register: true }))
    }

    /// Who is in the cluster: number, host, and when it left (the epoch: it has not).
    fn members(&self) -> Vec<Member> {
        let Some(o2cb) = &self.o2cb else { return Vec::new() };
        let Some(cluster) = &o2cb.cluster else {
            let row = |(host, peer): (usize, &Peer)| {
                Some(Member { r: Ref::default(), number: peer.number?.into(), host: Some(host), left: Time::EPOCH })
            };
            return o2cb.nodes.iter().enumerate().filter_map(row).collect();
        };
        let mut found: Vec<Member> = self
            .db
            .refs_of("Membership")
            .filter(|r| self.db.reference(r, "cluster") == *cluster)
            .map(|r| {
                let host = self.db.reference(r, "host");
                let left = self.db.date(r, "left");
                let number = u32::try_from(self.db.int(r, "id")).unwrap_or(u32::MAX);
                Member { r: r.clone(), number, host: self.hosts.iter().position(|h| h.member() && h.r == host), left }
            })
            .collect();
        found.sort_by_key(|member| (member.number, member.left));
        found
    }

    /// The number of a host that is in the cluster.
    pub(super) fn number_of(&self, host: usize) -> Option<u8> {
        let members = self.members();
        let member = members.iter().find(|m| m.host == Some(host) && m.left == Time::EPOCH)?;
        u8::try_from(member.number).ok()
    }

    /// The address of a host on the storage network: those that simulated hosts answer at are of this machine alone.
    pub(super) fn storage_address(&self, host: usize) -> String {
        let address = self.hosts.get(host).map(|h| h.address.as_str()).unwrap_or_default();
        address.strip_prefix("127.0.").map_or_else(|| address.to_owned(), |rest| format!("10.8.{rest}"))
    }

    /// The monitor of every host that can be reached: brings its `cluster.conf` in step with the memberships, then asks how the cluster is.
    pub(super) fn o2cb_sync(&mut self) {
        if self.o2cb.is_none() || !self.coordinator_up() {
            return;
        }
        self.o2cb_step_all();
        // Only now: a host that has started since knows of it as well.
        if self.drop_memberships() {
            self.o2cb_step_all();
        }
        self.publish_o2cb();
    }

    fn o2cb_step_all(&mut self) {
        let members = self.members();
        for host in 0..self.hosts.len() {
            let there = self.hosts.get(host).is_some_and(|h| h.member() && h.xapi_up() && h.stage != Stage::Off);
            if there && (host == self.coordinator || !(self.is_cut(host) || self.is_cut(self.coordinator))) {
                self.o2cb_step(host, &members);
            }
        }
    }

    /// Brings one host's file in step.
    fn o2cb_step(&mut self, host: usize, members: &[Member]) {
        let now = self.now;
        for member in members {
            // Not there, or gone before: nothing to do. By its number: it may have joined again, with another.
            let who = u8::try_from(member.number).ok().filter(|_| member.left != Time::EPOCH).map(Who::Number);
            if let Some(who) = who {
                let _ = self.on_folder(host, |node| node.destroy(Some(NAME), &who, member.left));
            }
        }
        for member in members.iter().filter(|m| m.left == Time::EPOCH) {
            let Some(of) = member.host.and_then(|h| self.hosts.get(h)).map(|h| (h.name.clone(), h.uuid.clone())) else {
                continue;
            };
            let address = self.storage_address(member.host.unwrap_or(host));
            let join =
                Join { cluster: Some(NAME.to_owned()), uuid: of.1, number: Some(member.number), ..Join::new(&of.0, &address) };
            let _ = self.on_folder(host, |node| node.create(&join, now));
        }
        let alive = self.o2cb_alive();
        let asked = |core: &mut Self| core.on_folder(host, |node| node.query(Some(NAME), Some(&alive)));
        let Some(Ok(mut query)) = asked(self) else { return };
        // Who left, and whose membership is gone: every host has started since.
        let over: Vec<u8> = query
            .hosts
            .iter()
            .filter(|row| row.state == HostState::Left)
            .filter(|row| !members.iter().any(|m| m.number == u32::from(row.number) && m.left != Time::EPOCH))
            .map(|row| row.number)
            .collect();
        for number in &over {
            let _ = self.on_folder(host, |node| node.forget(Some(NAME), *number, &Evidence::Word, now));
        }
        if !over.is_empty()
            && let Some(Ok(again)) = asked(self)
        {
            query = again;
        }
        if let Some(peer) = self.peer(host) {
            peer.query = Some(Arc::new(query));
        }
    }

    /// Memberships of hosts that left go once every host has started since.
    /// A host counts once its monitor has run since. Whether any went.
    fn drop_memberships(&mut self) -> bool {
        let up = |h: &super::state::Host| h.xapi_up() && h.cut.is_none();
        let all = self.hosts.iter().filter(|h| h.member());
        let started = all.map(|h| if up(h) { h.booted } else { Time::EPOCH }).min().unwrap_or(Time::EPOCH);
        let mut any = false;
        for member in self.members() {
            if member.left != Time::EPOCH && started > member.left && !member.r.is_null() {
                self.db.destroy(&member.r);
                any = true;
            }
        }
        any
    }

    /// The numbers of the hosts whose heartbeat the others see, or have not missed for long enough.
    pub(super) fn o2cb_alive(&self) -> BTreeSet<u8> {
        let Some(o2cb) = &self.o2cb else { return BTreeSet::new() };
        let beats = |host: usize| o2cb.nodes.get(host).is_some_and(|p| p.beats.iter().any(|beat| self.seen(p, beat)));
        let members = self.members();
        let live = members.iter().filter(|m| m.left == Time::EPOCH && m.host.is_some_and(beats));
        live.filter_map(|m| u8::try_from(m.number).ok()).collect()
    }

    /// Whether the others see the heartbeat of a host on a region, or have not missed it for long enough.
    fn seen(&self, peer: &Peer, beat: &Beat) -> bool {
        beat.on
            && match beat.silent {
                None => peer.online,
                Some(since) => self.now.since(since) < heartbeat::DEAD,
            }
    }

    /// What xapi shows of it: counts, and the last `Cluster.query` in `Cluster.other_config`.
    pub(super) fn publish_o2cb(&mut self) {
        let Some(cluster) = self.o2cb.as_ref().and_then(|o| o.cluster.clone()) else { return };
        let alive = self.o2cb_alive().len();
        let expected = self.members().iter().filter(|m| m.left == Time::EPOCH).count();
        let quorum = expected / 2 + 1;
        let count = |n: usize| i64::try_from(n).unwrap_or(0);
        self.set(&cluster, "live_hosts", count(alive));
        self.set(&cluster, "expected_hosts", count(expected));
        self.set(&cluster, "quorum", count(quorum));
        self.set(&cluster, "is_quorate", alive >= quorum);
        let Some(o2cb) = &self.o2cb else { return };
        // One host's word on all: the coordinator's, or the first that has one.
        let seen = o2cb.nodes.get(self.coordinator).and_then(|p| p.query.clone());
        let seen = seen.or_else(|| o2cb.nodes.iter().find_map(|p| p.query.clone()));
        let restart = o2cb.nodes.iter().zip(&self.hosts).filter(|(p, _)| p.query.as_ref().is_some_and(|q| q.needs_restart));
        let restart: Vec<&str> = restart.map(|(_, h)| h.uuid.as_str()).collect();
        let mut said = vec![("needs_restart".to_owned(), restart.join(","))];
        for row in seen.iter().flat_map(|q| &q.hosts) {
            let state = match row.state {
                HostState::Alive => "alive",
                HostState::Dead => "dead",
                HostState::Excluded => "excluded",
                HostState::Left => "left",
                HostState::Unknown => "unknown",
            };
            said.push((format!("node_{}", row.number), format!("{state} {}", row.name)));
        }
        if self.coordinator_up() {
            let value = super::book::text_map(said.iter().map(|(k, v)| (k.as_str(), v.as_str())));
            self.db.set(&cluster, "other_config", value);
        }
    }

    /// `cluster.conf` of a host, as it is now.
    #[cfg(test)]
    pub(super) fn cluster_conf(&self, host: usize) -> String {
        let peer = self.o2cb.as_ref().and_then(|o| o.nodes.get(host));
        let bytes = peer.and_then(|p| p.folder.files().get(CLUSTER_CONF)).cloned().unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Brings o2cb online on a member whose heartbeat disk answers.
    pub(super) fn o2cb_online(&mut self, host: usize) {
        if self.number_of(host).is_none() || self.o2cb_blocked(host) {
            return;
        }
        let first = self.o2cb.as_ref().and_then(|o| Some(o.regions.first()?.statefile.clone()));
        let Some(peer) = self.o2cb.as_ref().and_then(|o| o.nodes.get(host)) else { return };
        if peer.online {
            return;
        }
        let set_up = registered::Registered::look(&*peer.folder).ok().flatten().is_some();
        let up = if set_up {
            // It was set up in an earlier life: the service starts with the host, with the file as it is now.
            #[allow(clippy::redundant_closure_for_method_calls, reason = "the method alone is not general enough")]
            let booted = |node: &mut Node<'_>| node.booted();
            self.on_folder(host, booted)
        } else {
            self.on_folder(host, |node| node.start(Some(NAME), first.as_deref()).map(|_| true))
        };
        if matches!(up, Some(Ok(true)))
            && let Some(peer) = self.peer(host)
        {
            peer.online = true;
            for beat in &mut peer.beats {
                *beat = Beat { on: beat.on, ..Beat::default() };
            }
            self.note_joined(host);
        }
    }
}

/// A row of `Membership`, or what stands for it where xapi has none.
struct Member {
    r: Ref,
    number: u32,
    host: Option<usize>,
    left: Time,
}
