//! The records behind the picture, for who has to act on them: the rollout machine. Only look-ups; decides nothing.

use super::{Guest, Pool};
use crate::xenapi::record::{
    Certificate, Class, Cluster, ClusterHost, Host, HostMetrics, Pbd, Pif, Pool as PoolRecord, Record, Ref, Sr, Task,
};

/// What was last read of a pool, by class.
#[derive(Clone, Copy, Debug)]
pub struct Records<'a>(&'a Pool);

impl Pool {
    /// The records that it was made of.
    pub const fn records(&self) -> Records<'_> {
        Records(self)
    }
}

impl<'a> Records<'a> {
    /// The pool's own record.
    pub fn the_pool(self) -> Option<&'a PoolRecord> {
        self.0.tables.the_pool()
    }

    /// The pool's own reference.
    pub fn pool_ref(self) -> Option<&'a Ref> {
        self.0.tables.pool_ref()
    }

    /// The record of this class behind a reference.
    pub fn of_class(self, class: Class, r: &Ref) -> Option<&'a Record> {
        self.0.tables.get(class, r)
    }

    /// A host.
    pub fn host(self, r: &Ref) -> Option<&'a Host> {
        self.0.tables.host(r)
    }

    /// Every host, in no order.
    pub fn hosts(self) -> impl Iterator<Item = (&'a Ref, &'a Host)> {
        self.0.tables.hosts()
    }

    /// The host with this uuid.
    pub fn host_by_uuid(self, uuid: &str) -> Option<(&'a Ref, &'a Host)> {
        let r = self.0.tables.by_uuid(uuid)?;
        Some((r, self.0.tables.host(r)?))
    }

    /// What is measured of a host.
    pub fn metrics(self, host: &Ref) -> Option<&'a HostMetrics> {
        self.0.tables.metrics(&self.0.tables.host(host)?.metrics)
    }

    /// A host's connections to storage, in no order.
    pub fn pbds_of(self, host: &'a Ref) -> impl Iterator<Item = (&'a Ref, &'a Pbd)> {
        self.0.tables.pbds().filter(move |(_, pbd)| pbd.host == *host)
    }

    /// A connection to storage.
    pub fn pbd(self, r: &Ref) -> Option<&'a Pbd> {
        self.0.tables.pbd(r)
    }

    /// A storage repository.
    pub fn sr(self, r: &Ref) -> Option<&'a Sr> {
        self.0.tables.sr(r)
    }

    /// Every storage repository, in no order.
    pub fn srs(self) -> impl Iterator<Item = (&'a Ref, &'a Sr)> {
        self.0.tables.srs()
    }

    /// Every network interface, in no order.
    pub fn pifs(self) -> impl Iterator<Item = (&'a Ref, &'a Pif)> {
        self.0.tables.pifs()
    }

    /// Every certificate that the pool knows of, in no order.
    pub fn certificates(self) -> impl Iterator<Item = (&'a Ref, &'a Certificate)> {
        self.0.tables.certificates()
    }

    /// How many guests run on a host, and the bytes that they take.
    pub fn load(self, host: &Ref) -> (usize, u64) {
        let load = self.0.tables.load(host);
        (load.guests, load.memory)
    }

    /// A task.
    pub fn task(self, r: &Ref) -> Option<&'a Task> {
        self.0.tables.task(r)
    }

    /// Every task, in no order.
    pub fn tasks(self) -> impl Iterator<Item = (&'a Ref, &'a Task)> {
        self.0.tables.tasks()
    }

    /// Every cluster.
    pub fn clusters(self) -> impl Iterator<Item = (&'a Ref, &'a Cluster)> {
        self.0.tables.clusters()
    }

    /// Every member of a cluster.
    pub fn cluster_hosts(self) -> impl Iterator<Item = (&'a Ref, &'a ClusterHost)> {
        self.0.tables.cluster_hosts()
    }

    /// A guest.
    pub fn guest(self, r: &Ref) -> Option<&'a Guest> {
        self.0.tables.guest(r)
    }

    /// The guest with this uuid.
    pub fn guest_by_uuid(self, uuid: &str) -> Option<(&'a Ref, &'a Guest)> {
        let r = self.0.tables.by_uuid(uuid)?;
        Some((r, self.0.tables.guest(r)?))
    }

    /// Every guest, in no order.
    pub fn guests(self) -> impl Iterator<Item = (&'a Ref, &'a Guest)> {
        self.0.tables.guests()
    }

    /// The guests that run on a host, in the order of their references.
    pub fn guests_on(self, host: &Ref) -> Vec<(&'a Ref, &'a Guest)> {
        if self.0.tables.load(host).guests == 0 {
            return Vec::new();
        }
        let mut all: Vec<_> = self.guests().filter(|(_, g)| g.on.as_ref() == Some(host)).collect();
        all.sort_by(|a, b| a.0.cmp(b.0));
        all
    }

    /// Whether this class is just being read afresh: what is missing may then only not have been read yet.
    pub fn is_reading(self, class: Class) -> bool {
        self.0.tables.is_reading(class)
    }

    /// Since when everything has been read on this connection; `None` while it is not.
    pub fn synced(self) -> Option<crate::time::Time> {
        self.0.link.synced
    }
}

/// Whether a task stands for a mirror rebuild.
pub fn is_rebuild(task: &Task) -> bool {
    super::rebuild::is_rebuild(task)
}
