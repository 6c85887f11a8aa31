//! The heartbeats of o2cb on the disk and on the network, by the kernel's nominal times: a host that cannot write for 60 s fences itself, the
//! others call it dead after 62 s; a lost connection is a matter of quorum after 96 s; if all stall together, all wait.
//!
//! The statefile of xhad is watched here, too, where a scenario wants it.

use super::super::fault::Cut;
use super::super::truth::{Away, Cause};
use super::super::{Core, Due};
use super::Peer;
use crate::o2cb::quorum::{Sight, decide};
use std::collections::BTreeSet;
use std::time::Duration;

/// From the last good write to the fence.
pub const WRITE: Duration = Duration::from_secs(60);
/// From the last good write until the others call it dead.
pub const DEAD: Duration = Duration::from_secs(62);
/// From a lost connection to the decision: 30 s of silence, then the wait.
pub const QUORUM: Duration = Duration::from_secs(96);

impl Core {
    /// Whether a host cannot write to an SR's first LUN, the one with heartbeat and statefile.
    fn cannot_write(&self, host: usize, store: usize) -> bool {
        let Some(s) = self.stores.get(store) else { return false };
        let dead = |p: &super::super::state::Pbd| p.host == host && p.up.first() == Some(&0);
        self.hosts.get(host).is_some_and(|h| h.cut == Some(Cut::All)) || s.pbds.iter().any(dead)
    }

    /// Whether a host cannot write its heartbeat.
    pub(super) fn o2cb_blocked(&self, host: usize) -> bool {
        self.o2cb.as_ref().is_some_and(|o| self.cannot_write(host, o.store))
    }

    /// Paths, links or machines may have changed: who stalls, who is not heard, and what that leads to.
    pub(in super::super) fn o2cb_look(&mut self) {
        if self.ha.watches_statefile {
            self.statefile_look();
        }
        if self.o2cb.is_none() {
            return;
        }
        let now = self.now;
        for host in 0..self.hosts.len() {
            let runs = self.hosts.get(host).is_some_and(super::super::state::Host::runs);
            let joined = self.hosts.get(host).is_some_and(super::super::state::Host::xapi_up);
            let blocked = self.o2cb_blocked(host);
            let cut = self.is_cut(host);
            let Some(peer) = self.peer(host) else { continue };
            if !runs {
                continue;
            }
            if !peer.online {
                // Its service tried at boot and found no disk; now there is one.
                if joined && !blocked {
                    self.o2cb_online(host);
                    self.o2cb_sync();
                }
                continue;
            }
            match (blocked, peer.armed) {
                (true, None) => {
                    peer.silent = Some(now);
                    peer.armed = Some(now);
                    self.arm(host);
                    self.timers.set(now + DEAD, Due::O2cbSeen);
                }
                (false, Some(_)) => {
                    peer.silent = None;
                    peer.armed = None;
                    self.o2cb_sync();
                }
                _ => {}
            }
            let Some(peer) = self.peer(host) else { continue };
            match (cut, peer.unheard) {
                (true, None) => {
                    peer.unheard = Some(now);
                    self.timers.set(now + QUORUM, Due::O2cbQuorum);
                }
                (false, Some(_)) => peer.unheard = None,
                _ => {}
            }
        }
    }

    fn arm(&mut self, host: usize) {
        let Some(armed) = self.peer(host).and_then(|p| p.armed) else { return };
        self.timers.set(armed + WRITE / 2, Due::O2cbHung);
        self.timers.set(armed + WRITE, Due::O2cbWrite { host, armed });
    }

    fn beating(&self) -> Vec<usize> {
        let Some(o2cb) = &self.o2cb else { return Vec::new() };
        let alive = self.o2cb_alive();
        let runs = |host: &usize| {
            o2cb.nodes.get(*host).is_some_and(|p| p.online)
                && self.hosts.get(*host).is_some_and(super::super::state::Host::runs)
                && self.number_of(*host).is_some_and(|n| alive.contains(&n))
        };
        (0..o2cb.nodes.len()).filter(runs).collect()
    }

    /// Half of the time is over for somebody: if all hang, and all can say so, all wait on.
    pub(in super::super) fn o2cb_hung(&mut self) {
        let now = self.now;
        let beating = self.beating();
        let hangs = |core: &Self, host: usize| {
            let peer: Option<&Peer> = core.o2cb.as_ref().and_then(|o| o.nodes.get(host));
            peer.and_then(|p| p.armed).is_some_and(|armed| armed + WRITE / 2 <= now)
        };
        let silent = |core: &Self, host: usize| core.is_cut(host) && beating.len() > 1;
        // A host that has died is heard of no more only after its time; until then the lowest waits for its word in vain.
        if beating.len() < self.o2cb_alive().len() || beating.iter().any(|h| !hangs(self, *h) || silent(self, *h)) {
            return;
        }
        for host in beating {
            if let Some(peer) = self.peer(host) {
                peer.armed = Some(now);
                // Nobody is called dead by hosts that cannot read either.
                peer.silent = Some(now);
            }
            self.arm(host);
            self.timers.set(now + DEAD, Due::O2cbSeen);
        }
    }

    /// The write time-out of a host, if it was not armed again since.
    pub(in super::super) fn o2cb_write(&mut self, host: usize, armed: crate::time::Time) {
        if self.peer(host).is_some_and(|p| p.online && p.armed == Some(armed)) {
            self.self_fence(host);
        }
    }

    /// A wait for lost connections may be over.
    pub(in super::super) fn o2cb_quorum(&mut self) {
        let now = self.now;
        let beating = self.beating();
        let heartbeating = self.o2cb_alive();
        let cut: BTreeSet<usize> = beating.iter().copied().filter(|h| self.is_cut(*h)).collect();
        let due = |core: &Self, host: &usize| {
            core.o2cb
                .as_ref()
                .and_then(|o| o.nodes.get(*host))
                .and_then(|p| p.unheard)
                .is_some_and(|since| now.since(since) >= QUORUM)
        };
        if !cut.iter().any(|h| due(self, h)) {
            return;
        }
        let mut fence = Vec::new();
        for host in &beating {
            let Some(own) = self.number_of(*host) else { continue };
            let hears = |other: &&usize| *other == host || !(cut.contains(host) || cut.contains(*other));
            let connected = beating.iter().filter(hears).filter_map(|other| self.number_of(*other)).collect();
            if decide(&Sight { own, heartbeating: heartbeating.clone(), connected }).fences() {
                fence.push(*host);
            }
        }
        for host in fence {
            self.self_fence(host);
        }
    }

    /// A host restarts at once, without a dump.
    fn self_fence(&mut self, host: usize) {
        self.fence_off(host);
        self.power_up(host);
    }

    fn fence_off(&mut self, host: usize) {
        let now = self.now;
        if let Some(h) = self.hosts.get_mut(host) {
            h.away.get_or_insert(Away { since: now, cause: Cause::Fence });
        }
        self.power_off(host, true);
    }

    /// A machine is off.
    pub(in super::super) fn o2cb_gone(&mut self, host: usize, silent: bool) {
        let now = self.now;
        let Some(peer) = self.peer(host) else { return };
        if peer.online {
            // Who leaves in an orderly way says so.
            let last = if silent { now } else { now - DEAD };
            peer.silent.get_or_insert(last);
        }
        peer.online = false;
        peer.armed = None;
        peer.unheard = None;
        peer.statefile = None;
        peer.query = None;
        if silent {
            self.timers.set(now + DEAD, Due::O2cbSeen);
        }
        self.o2cb_sync();
    }

    /// Who cannot write xhad's statefile, while others can, fences itself when the time-out is over.
    fn statefile_look(&mut self) {
        let now = self.now;
        let Some(store) = self.ha.statefile_sr.filter(|_| self.ha.on && self.ha.stack == "xhad") else {
            self.ha.lost.clear();
            return;
        };
        for host in 0..self.hosts.len() {
            let runs = self.hosts.get(host).is_some_and(super::super::state::Host::runs);
            if !(runs && self.cannot_write(host, store)) {
                self.ha.lost.remove(&host);
            } else if let std::collections::btree_map::Entry::Vacant(entry) = self.ha.lost.entry(host) {
                entry.insert(now);
                self.timers.set(now + self.ha.timeout, Due::Statefile { host, since: now });
            }
        }
    }

    /// The time-out of xhad for its statefile is over.
    pub(in super::super) fn statefile_late(&mut self, host: usize, since: crate::time::Time) {
        if !self.ha.on || self.ha.lost.get(&host) != Some(&since) {
            return;
        }
        let reach = |h: &usize| self.hosts.get(*h).is_some_and(super::super::state::Host::runs) && !self.ha.lost.contains_key(h);
        if (0..self.hosts.len()).any(|h| reach(&h)) {
            self.ha.lost.remove(&host);
            self.fence_off(host);
            // The others have missed its writes to the statefile for as long, and give it up at the same time.
            if host == self.coordinator {
                self.elect();
            } else if self.coordinator_up() {
                self.declare_dead(host);
            }
            self.power_up(host);
        } else {
            // All have lost it, and all hear each other: xhad lives on.
            self.timers.set(self.now + Duration::from_secs(5), Due::Statefile { host, since });
        }
    }
}
