//! The pool's records, for who plans a rollout and checks what speaks against it. Hands out; decides nothing.

use super::gate::{self, Obstacle};
use super::rebuild;
use super::{Guest, Pool, words};
use crate::time::Time;
use crate::xenapi::record::{Certificate, Host, Pbd, Pif, Pool as PoolRecord, Ref, Sr, Task};

/// A connection to storage that is not plugged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unplugged {
    /// The PBD.
    pub pbd: Ref,
    /// The SR that it leads to.
    pub sr: Ref,
    /// Whether that SR is shared between hosts, or mirrored between them.
    pub shared: bool,
    /// Whether the host cannot do without it: it was seen plugged, or its mirrors are on it.
    pub lost: bool,
    /// When it was seen to be unplugged; `None` if it was never seen plugged.
    pub since: Option<Time>,
}

impl Pool {
    /// The pool's own record.
    pub fn the_pool(&self) -> Option<&PoolRecord> {
        self.tables.the_pool()
    }

    /// Every host, in no order.
    pub fn hosts(&self) -> impl Iterator<Item = (&Ref, &Host)> {
        self.tables.hosts()
    }

    /// A host.
    pub fn host(&self, r: &Ref) -> Option<&Host> {
        self.tables.host(r)
    }

    /// The host with this uuid.
    pub fn host_by_uuid(&self, uuid: &str) -> Option<&Ref> {
        self.tables.by_uuid(uuid).filter(|r| self.tables.host(r).is_some())
    }

    /// Every guest, running or not, in no order. Templates, snapshots and control domains are none.
    pub fn guests(&self) -> impl Iterator<Item = (&Ref, &Guest)> {
        self.tables.guests()
    }

    /// The guests that run on a host (or are paused there), largest first. Looks through all guests: not for every frame.
    pub fn guests_on(&self, host: &Ref) -> Vec<(&Ref, &Guest)> {
        let mut found: Vec<_> = self.guests().filter(|(_, g)| g.on.as_ref() == Some(host)).collect();
        found.sort_by(|a, b| (b.1.memory, &a.1.name, a.0).cmp(&(a.1.memory, &b.1.name, b.0)));
        found
    }

    /// How many guests run on a host, and the bytes that they take.
    pub fn load_of(&self, host: &Ref) -> (usize, u64) {
        let load = self.tables.load(host);
        (load.guests, load.memory)
    }

    /// Every SR, in no order.
    pub fn srs(&self) -> impl Iterator<Item = (&Ref, &Sr)> {
        self.tables.srs()
    }

    /// An SR.
    pub fn sr(&self, r: &Ref) -> Option<&Sr> {
        self.tables.sr(r)
    }

    /// A PBD.
    pub fn pbd(&self, r: &Ref) -> Option<&Pbd> {
        self.tables.pbd(r)
    }

    /// The PBDs of a host that are not plugged, by the names of their SRs.
    pub fn unplugged(&self, host: &Ref) -> Vec<Unplugged> {
        let mut out: Vec<Unplugged> = self
            .pbds(host)
            .filter(|(_, p)| !p.currently_attached)
            .filter_map(|(r, p)| {
                let sr = self.tables.sr(&p.sr)?;
                let since = self.detached.get(r).copied().flatten();
                let shared = sr.shared || sr.clustered;
                let lost = shared && (since.is_some() || sr.clustered);
                Some(Unplugged { pbd: r.clone(), sr: p.sr.clone(), shared, lost, since })
            })
            .collect();
        out.sort_by(|a, b| words::natural(&self.name_of(&a.sr), &self.name_of(&b.sr)).then_with(|| a.pbd.cmp(&b.pbd)));
        out
    }

    /// Every task, in no order.
    pub fn tasks(&self) -> impl Iterator<Item = (&Ref, &Task)> {
        self.tables.tasks()
    }

    /// A task.
    pub fn task(&self, r: &Ref) -> Option<&Task> {
        self.tables.task(r)
    }

    /// Every certificate that the pool knows of, in no order.
    pub fn certificates(&self) -> impl Iterator<Item = (&Ref, &Certificate)> {
        self.tables.certificates()
    }

    /// Every network interface, in no order.
    pub fn pifs(&self) -> impl Iterator<Item = (&Ref, &Pif)> {
        self.tables.pifs()
    }

    /// A network in words, by the interfaces that lead to it: networks themselves are not read.
    pub fn network_words(&self, network: &Ref) -> String {
        let mut names: Vec<String> = self
            .pifs()
            .filter(|(_, p)| p.network == *network && !network.is_null())
            .map(|(_, p)| {
                let device = words::name(&p.device);
                if p.vlan >= 0 { format!("{device} VLAN {}", p.vlan) } else { device }
            })
            .collect();
        names.sort_by(|a, b| words::natural(a, b));
        names.dedup();
        if names.is_empty() { "a network that no host is connected to".into() } else { format!("the network of {}", words::list(&names)) }
    }

    /// Whether some SR keeps mirrors on the hosts, also where the pool does not tell whether they are in step.
    pub fn keeps_mirrors(&self) -> bool {
        self.srs().any(|(_, sr)| sr.clustered || matches!(&*sr.r#type, "linstor" | "drbd" | "xosan") || rebuild::hints(sr).in_step.is_some())
    }

    /// Everything that the gates are made of, each by itself with what it is about. See [`crate::pool::picture::Gate`].
    pub fn obstacles(&self, now: Time) -> Vec<Obstacle> {
        gate::obstacles(&self.known(now.max(self.at)))
    }
}
