//! An aggregated local storage as its nodes know it: disks in two copies on two nodes, which copy is behind, and
//! what a resync has still to do. Seed 1, "Aggregated Local Storage and Host Reboots".
//!
//! This is the storage itself. What xapi believes of it (the task, `allowed_operations`) is in [`super::storage`].

use crate::time::Time;
use std::time::Duration;

/// Why a disk cannot be read and written: no copy of it is both up and in step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost(pub usize);

/// One copy of a disk.
#[derive(Clone, Debug)]
struct Leg {
    node: usize,
    /// Bytes that the other copy has and this one has not.
    behind: u64,
    /// Since when it has missed writes.
    missing: Option<Time>,
}

/// A mirrored disk.
#[derive(Clone, Debug)]
struct Disk {
    size: u64,
    /// Bytes a second that are written while its guest runs.
    rate: u64,
    legs: [Leg; 2],
}

/// A resync of everything that is behind on one node.
#[derive(Clone, Debug)]
struct Resync {
    total: u64,
    /// Bytes done before `since`.
    done: u64,
    /// Since when it has been going on without a break; `None` while it stalls.
    since: Option<Time>,
}

/// A node of the storage cluster.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// The host of the pool that it is, unless it is outside.
    pub host: Option<usize>,
    /// Whether the others reach it.
    pub up: bool,
    /// Bytes that it has to resync beside the disks of this pool (other pools on the same storage cluster).
    extra: u64,
    resync: Option<Resync>,
}

/// The storage.
#[derive(Clone, Debug)]
pub struct Mirror {
    /// Bytes a second, for each node that resyncs.
    pub bandwidth: u64,
    /// From being up until the resync starts.
    pub start_after: Duration,
    /// What the next resync is held back beyond that; the backend says "healthy" meanwhile.
    pub late: Duration,
    nodes: Vec<Node>,
    disks: Vec<Disk>,
    stalled: bool,
}

impl Mirror {
    /// A storage of these nodes: name and the host that it is, if it is one.
    pub fn new(nodes: Vec<(String, Option<usize>)>, bandwidth: u64, start_after: Duration) -> Self {
        let nodes = nodes.into_iter().map(|(name, host)| Node { name, host, up: true, extra: 0, resync: None }).collect();
        Self { bandwidth: bandwidth.max(1), start_after, late: Duration::ZERO, nodes, disks: Vec::new(), stalled: false }
    }

    /// Its nodes.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node that a host is.
    pub fn node_of(&self, host: usize) -> Option<usize> {
        self.nodes.iter().position(|n| n.host == Some(host))
    }

    /// Adds a disk, spread over the hosts (over all nodes if there are not two hosts). Returns its number.
    pub fn add_disk(&mut self, size: u64, rate: u64) -> usize {
        let inside: Vec<usize> = (0..self.nodes.len()).filter(|n| self.nodes.get(*n).is_some_and(|n| n.host.is_some())).collect();
        let over: Vec<usize> = if inside.len() > 1 { inside } else { (0..self.nodes.len()).collect() };
        let number = self.disks.len();
        let count = over.len().max(1);
        // Every pair of nodes gets its turn: the distance grows by one each time round.
        let first = number % count;
        let second = (first + 1 + (number / count) % count.saturating_sub(1).max(1)) % count;
        let leg = |at: usize| Leg { node: over.get(at).copied().unwrap_or(0), behind: 0, missing: None };
        self.disks.push(Disk { size, rate, legs: [leg(first), leg(second)] });
        number
    }

    /// Its guest starts or stops: what is written from now on.
    pub fn set_rate(&mut self, disk: usize, rate: u64, now: Time) {
        if let Some(disk) = self.disks.get_mut(disk) {
            disk.settle(now);
            disk.rate = rate;
        }
    }

    /// Whether a disk can be used: a copy that is up and in step.
    pub fn usable(&self, disk: usize) -> bool {
        self.disks.get(disk).is_some_and(|d| d.legs.iter().any(|l| self.good(l)))
    }

    fn good(&self, leg: &Leg) -> bool {
        leg.behind == 0 && leg.missing.is_none() && self.nodes.get(leg.node).is_some_and(|n| n.up)
    }

    /// A node goes away. Returns the disks that lose their last good copy by it.
    pub fn node_down(&mut self, node: usize, now: Time) -> Vec<Lost> {
        if !self.nodes.get(node).is_some_and(|n| n.up) {
            return Vec::new();
        }
        self.interrupt(node, now);
        let before: Vec<bool> = (0..self.disks.len()).map(|d| self.usable(d)).collect();
        if let Some(node) = self.nodes.get_mut(node) {
            node.up = false;
        }
        for at in 0..self.disks.len() {
            // The last good copy misses nothing: nobody can write any more.
            let goes_on = self.usable(at);
            for leg in self.disks.get_mut(at).into_iter().flat_map(|d| &mut d.legs).filter(|l| l.node == node && goes_on) {
                leg.missing.get_or_insert(now);
            }
        }
        // What was being copied from this node waits for it.
        for other in 0..self.nodes.len() {
            if self.nodes.get(other).is_some_and(|n| n.resync.is_some()) {
                self.interrupt(other, now);
                self.start(other, now);
            }
        }
        before.iter().enumerate().filter(|(d, was)| **was && !self.usable(*d)).map(|(d, _)| Lost(d)).collect()
    }

    /// A node is back; what it missed is behind now, until a resync.
    pub fn node_up(&mut self, node: usize, now: Time) {
        for disk in &mut self.disks {
            let Disk { size, rate, legs } = disk;
            for leg in legs.iter_mut().filter(|l| l.node == node) {
                if let Some(since) = leg.missing.take() {
                    leg.behind = (leg.behind + written(*rate, since, now)).min(*size);
                }
            }
        }
        if let Some(node) = self.nodes.get_mut(node) {
            node.up = true;
        }
    }

    /// Bytes that a node is behind and could be given now: the other copy is up and in step.
    pub fn to_copy(&self, node: usize) -> u64 {
        let extra = self.nodes.get(node).filter(|n| n.up).map_or(0, |n| n.extra);
        extra + self.disks.iter().map(|d| self.copyable(d, node)).sum::<u64>()
    }

    fn copyable(&self, disk: &Disk, node: usize) -> u64 {
        let [one, two] = &disk.legs;
        match () {
            () if one.node == node && self.good(two) => one.behind,
            () if two.node == node && self.good(one) => two.behind,
            () => 0,
        }
    }

    /// Starts the resync of a node, if it is up and behind. Whether one is under way afterwards.
    pub fn start(&mut self, node: usize, now: Time) -> bool {
        let total = self.to_copy(node);
        let stalled = self.stalled;
        let Some(at) = self.nodes.get_mut(node) else { return false };
        if at.resync.is_none() && at.up && total > 0 {
            at.resync = Some(Resync { total, done: 0, since: (!stalled).then_some(now) });
        }
        at.resync.is_some()
    }

    /// Whether a node resyncs.
    pub fn resyncing(&self, node: usize) -> bool {
        self.nodes.get(node).is_some_and(|n| n.resync.is_some())
    }

    /// Whether a mirror is being rebuilt somewhere in the storage cluster.
    pub fn rebuilding(&self) -> bool {
        self.nodes.iter().any(|n| n.resync.is_some())
    }

    /// Whether a copy that could be brought up to date is behind, resync or not.
    pub fn behind(&self) -> bool {
        (0..self.nodes.len()).any(|n| self.to_copy(n) > 0)
    }

    /// How many nodes outside the pool are offline.
    pub fn outside_offline(&self) -> usize {
        self.nodes.iter().filter(|n| n.host.is_none() && !n.up).count()
    }

    /// When a node's resync will end if nothing happens to it.
    pub fn ends(&self, node: usize) -> Option<Time> {
        let resync = self.nodes.get(node)?.resync.as_ref()?;
        let left = resync.total.saturating_sub(resync.done);
        Some(resync.since? + Duration::from_millis(left.saturating_mul(1000) / self.bandwidth + 1))
    }

    fn done(&self, resync: &Resync, now: Time) -> u64 {
        let since = resync.since.map_or(0, |t| written(self.bandwidth, t, now));
        (resync.done + since).min(resync.total)
    }

    /// Bytes done and bytes to do, of all resyncs together.
    pub fn progress(&self, now: Time) -> Option<(u64, u64)> {
        self.nodes
            .iter()
            .filter_map(|n| n.resync.as_ref())
            .map(|r| (self.done(r, now), r.total))
            .reduce(|(d1, t1), (d2, t2)| (d1 + d2, t1 + t2))
    }

    /// Bytes done and bytes to do of one node's resync.
    pub fn progress_of(&self, node: usize, now: Time) -> Option<(u64, u64)> {
        let resync = self.nodes.get(node)?.resync.as_ref()?;
        Some((self.done(resync, now), resync.total))
    }

    /// Mirrors with both copies in step, and all.
    pub fn in_step(&self) -> (usize, usize) {
        (self.disks.iter().filter(|d| d.legs.iter().all(|l| self.good(l))).count(), self.disks.len())
    }

    /// Whether a node has everything that it should have.
    pub fn node_in_step(&self, node: usize) -> bool {
        let legs = self.disks.iter().flat_map(|d| &d.legs).filter(|l| l.node == node);
        self.nodes.get(node).is_some_and(|n| n.up && n.extra == 0 && n.resync.is_none())
            && legs.into_iter().all(|l| l.behind == 0 && l.missing.is_none())
    }

    /// Bytes a second that a node reads or writes because of resyncs.
    pub fn resync_load(&self, node: usize) -> u64 {
        let active = |n: &Node| n.resync.as_ref().is_some_and(|r| r.since.is_some());
        if self.nodes.get(node).is_some_and(active) {
            return self.bandwidth;
        }
        let others = self.nodes.iter().filter(|n| n.host.is_some() && n.up).count().saturating_sub(1).max(1) as u64;
        self.nodes.iter().filter(|n| active(n)).count() as u64 * self.bandwidth / others
    }

    /// Ends a node's resync if it is done by now. Whether it was.
    pub fn finish(&mut self, node: usize, now: Time) -> bool {
        if self.ends(node).is_none_or(|t| t > now) {
            return false;
        }
        self.interrupt(node, now);
        true
    }

    /// Takes a node's resync away, keeping what it has done.
    fn interrupt(&mut self, node: usize, now: Time) {
        let Some(resync) = self.nodes.get_mut(node).and_then(|n| n.resync.take()) else { return };
        let mut budget = self.done(&resync, now);
        if budget >= resync.total {
            budget = u64::MAX;
        }
        for at in 0..self.disks.len() {
            let Some(todo) = self.disks.get(at).map(|d| self.copyable(d, node)).filter(|b| *b > 0) else { continue };
            let done = todo.min(budget);
            budget -= done;
            if let Some(leg) = self.disks.get_mut(at).and_then(|d| d.legs.iter_mut().find(|l| l.node == node)) {
                leg.behind -= done;
            }
        }
        if let Some(node) = self.nodes.get_mut(node) {
            node.extra -= node.extra.min(budget);
        }
    }

    /// Resyncs stop where they are, and so will those that start.
    pub fn stall(&mut self, now: Time) {
        self.stalled = true;
        for node in 0..self.nodes.len() {
            let Some(done) = self.nodes.get(node).and_then(|n| n.resync.as_ref()).map(|r| self.done(r, now)) else { continue };
            if let Some(resync) = self.nodes.get_mut(node).and_then(|n| n.resync.as_mut()) {
                resync.done = done;
                resync.since = None;
            }
        }
    }

    /// Resyncs go on.
    pub fn resume(&mut self, now: Time) {
        self.stalled = false;
        for resync in self.nodes.iter_mut().filter_map(|n| n.resync.as_mut()) {
            resync.since.get_or_insert(now);
        }
    }

    /// Resyncs start from nothing again.
    pub fn restart(&mut self, now: Time) {
        let stalled = self.stalled;
        for resync in self.nodes.iter_mut().filter_map(|n| n.resync.as_mut()) {
            resync.done = 0;
            resync.since = (!stalled).then_some(now);
        }
    }

    /// Whether resyncs are held.
    pub fn is_stalled(&self) -> bool {
        self.stalled
    }

    /// Work for a node outside the pool.
    pub fn add_extra(&mut self, node: usize, bytes: u64) {
        if let Some(node) = self.nodes.get_mut(node) {
            node.extra += bytes;
        }
    }
}

impl Disk {
    fn settle(&mut self, now: Time) {
        for leg in &mut self.legs {
            if let Some(since) = leg.missing {
                leg.behind = (leg.behind + written(self.rate, since, now)).min(self.size);
                leg.missing = Some(now);
            }
        }
    }
}

fn written(rate: u64, since: Time, now: Time) -> u64 {
    let ms = now.since(since).as_millis();
    u64::try_from(u128::from(rate) * ms / 1000).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(secs: i64) -> Time {
        Time::from_secs(secs)
    }

    /// Three nodes, six disks of 10 GB, each written at 1 MB/s, resync at 10 MB/s.
    fn three() -> Mirror {
        let nodes = (0..3).map(|n| (format!("n{n}"), Some(n))).collect();
        let mut mirror = Mirror::new(nodes, 10_000_000, Duration::from_secs(5));
        for _ in 0..6 {
            mirror.add_disk(10_000_000_000, 1_000_000);
        }
        mirror
    }

    #[test]
    fn what_is_behind_grows_with_downtime_and_writes() {
        let mut mirror = three();
        assert!(mirror.node_down(0, t(0)).is_empty(), "every disk has another copy");
        mirror.node_up(0, t(100));
        // Four of the six disks have a copy on each node.
        assert_eq!(mirror.to_copy(0), 4 * 100 * 1_000_000);
        assert_eq!(mirror.in_step(), (2, 6));
    }

    #[test]
    fn a_resync_takes_bytes_over_bandwidth_and_then_all_is_in_step() {
        let mut mirror = three();
        mirror.node_down(0, t(0));
        mirror.node_up(0, t(100));
        assert!(mirror.start(0, t(100)));
        assert_eq!(mirror.progress(t(120)), Some((200_000_000, 400_000_000)));
        assert!(!mirror.finish(0, t(139)));
        assert!(mirror.finish(0, t(141)));
        assert_eq!(mirror.in_step(), (6, 6));
        assert!(!mirror.rebuilding() && !mirror.behind());
    }

    #[test]
    fn a_second_node_down_before_the_resync_ends_loses_disks() {
        let mut mirror = three();
        mirror.node_down(0, t(0));
        mirror.node_up(0, t(100));
        mirror.start(0, t(100));
        let lost = mirror.node_down(1, t(110));
        assert!(!lost.is_empty(), "disks with copies on 0 and 1 have no good copy left");
        assert!(lost.iter().all(|l| !mirror.usable(l.0)));
    }

    #[test]
    fn the_copy_that_went_last_is_the_good_one_when_all_are_back() {
        let mut mirror = three();
        mirror.node_down(0, t(0));
        assert!(!mirror.node_down(1, t(50)).is_empty());
        mirror.node_up(0, t(60));
        let between = (0..6).filter(|d| !mirror.usable(*d)).count();
        assert_eq!(between, 2, "disks on 0 and 1 wait for 1, which has the newest data");
        mirror.node_up(1, t(70));
        assert!((0..6).all(|d| mirror.usable(d)));
        assert!(mirror.to_copy(0) > 0);
    }

    #[test]
    fn after_the_resync_the_next_node_may_go() {
        let mut mirror = three();
        mirror.node_down(0, t(0));
        mirror.node_up(0, t(100));
        mirror.start(0, t(100));
        mirror.finish(0, t(200));
        assert!(mirror.node_down(1, t(210)).is_empty());
    }

    #[test]
    fn stalled_resyncs_keep_what_they_did_and_restarted_ones_do_not() {
        let mut mirror = three();
        mirror.node_down(0, t(0));
        mirror.node_up(0, t(100));
        mirror.start(0, t(100));
        mirror.stall(t(110));
        assert_eq!(mirror.progress(t(500)), Some((100_000_000, 400_000_000)));
        assert_eq!(mirror.ends(0), None);
        mirror.resume(t(500));
        assert_eq!(mirror.progress(t(510)), Some((200_000_000, 400_000_000)));
        mirror.restart(t(510));
        assert_eq!(mirror.progress(t(510)), Some((0, 400_000_000)));
    }

    #[test]
    fn an_interrupted_resync_goes_on_where_it_was() {
        let mut mirror = three();
        mirror.node_down(0, t(0));
        mirror.node_up(0, t(100));
        mirror.start(0, t(100));
        mirror.node_down(0, t(120));
        mirror.node_up(0, t(120));
        assert_eq!(mirror.to_copy(0), 200_000_000);
    }

    #[test]
    fn a_halted_guest_writes_nothing() {
        let mut mirror = three();
        for disk in 0..6 {
            mirror.set_rate(disk, 0, t(0));
        }
        mirror.node_down(0, t(0));
        mirror.node_up(0, t(1000));
        assert_eq!(mirror.to_copy(0), 0);
        assert!(!mirror.start(0, t(1000)));
    }

    #[test]
    fn nodes_outside_the_pool_rebuild_too() {
        let mut mirror =
            Mirror::new(vec![("a".into(), Some(0)), ("b".into(), Some(1)), ("x".into(), None)], 1_000, Duration::ZERO);
        mirror.node_down(2, t(0));
        assert_eq!(mirror.outside_offline(), 1);
        mirror.node_up(2, t(5));
        mirror.add_extra(2, 10_000);
        assert!(mirror.start(2, t(5)) && mirror.rebuilding());
        assert!(mirror.finish(2, t(16)));
        assert!(!mirror.behind());
    }
}
