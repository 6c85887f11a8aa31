//! The heartbeats of o2cb on the disks and on the network, by the kernel's nominal times: a host that cannot write half of its regions (or more) for 60 s
//! fences itself, and whose heartbeat nobody sees on any region for 62 s is dead to the others; a lost connection is a matter of quorum after 96 s; if
//! all stall together on a region, and the lowest hears all, all wait.
//!
//! Where I/O ends in errors nobody waits for the others, and ocfs2 itself panics within seconds if the volume is being written.

use super::super::aftermath::{Death, Note, tiny};
use super::super::fault::Cut;
use super::super::state::{Host, Pbd};
use super::super::{Core, Due};
use super::{Beat, Peer};
use crate::o2cb::quorum::{Count, count, disk_fences};
use crate::time::Time;
use std::collections::BTreeSet;
use std::collections::btree_map::Entry;
use std::time::Duration;

/// From the last good write to the fence.
pub const WRITE: Duration = Duration::from_secs(60);
/// From the last good write until the others call it dead.
pub const DEAD: Duration = Duration::from_secs(62);
/// From the last byte until a connection counts as lost.
const IDLE: Duration = Duration::from_secs(30);
/// From a lost connection to the decision: 30 s of silence, then the wait.
pub const QUORUM: Duration = Duration::from_secs(96);
/// From the first I/O error until ocfs2 has given up on its journal and panics (a lab has seen 2.2 to 8.1 s).
const ABORT: Duration = Duration::from_secs(5);

impl Core {
    /// A host's connection to an SR.
    pub(in super::super) fn pbd_of(&self, host: usize, store: usize) -> Option<&Pbd> {
        self.stores.get(store)?.pbds.iter().find(|p| p.host == host)
    }

    /// Whether a host cannot write to an SR's first LUN, the one with heartbeat and statefile.
    pub(in super::super) fn cannot_write(&self, host: usize, store: usize) -> bool {
        self.hosts.get(host).is_some_and(|h| h.cut == Some(Cut::All))
            || self.pbd_of(host, store).is_some_and(|p| p.up.first() == Some(&0))
    }

    /// Whether so many regions of a host cannot be written that it would not live.
    pub(super) fn o2cb_blocked(&self, host: usize) -> bool {
        let Some((o2cb, peer)) = self.o2cb.as_ref().and_then(|o| Some((o, o.nodes.get(host)?))) else { return false };
        let mine = || o2cb.regions.iter().zip(&peer.beats).filter(|(_, beat)| beat.on);
        let lost = mine().filter(|(region, _)| self.cannot_write(host, region.store)).count();
        lost > 0 && disk_fences(true, lost, mine().count())
    }

    /// Paths, links or machines may have changed: who stalls, who is not heard, and what that leads to.
    pub(in super::super) fn o2cb_look(&mut self) {
        self.xhad_look();
        if self.o2cb.is_none() {
            return;
        }
        for host in (0..self.hosts.len()).filter(|h| self.hosts.get(*h).is_some_and(Host::runs)).collect::<Vec<_>>() {
            let joined = self.hosts.get(host).is_some_and(Host::xapi_up);
            if self.peer(host).is_some_and(|p| p.online) {
                self.look_at_disks(host);
            } else if joined && !self.o2cb_blocked(host) {
                // Its service tried at boot and found no disk; now there is one.
                self.o2cb_online(host);
                self.o2cb_sync();
            }
            self.look_at_journal(host);
        }
        self.look_at_links();
    }

    fn look_at_disks(&mut self, host: usize) {
        let now = self.now;
        let stores: Vec<usize> = self.o2cb.iter().flat_map(|o| &o.regions).map(|region| region.store).collect();
        for (region, store) in stores.into_iter().enumerate() {
            let blocked = self.cannot_write(host, store);
            let Some(beat) = self.beat(host, region).filter(|beat| beat.on) else { continue };
            match (blocked, beat.armed) {
                (true, None) => {
                    let errors = self.pbd_of(host, store).is_some_and(|p| p.errors);
                    if errors {
                        self.note_at(host, Note::Errors { region: tiny(region) });
                    }
                    let Some(beat) = self.beat(host, region) else { continue };
                    *beat = Beat { on: true, since: Some(now), silent: Some(now), armed: Some(now), failed: false };
                    self.arm(host, region);
                    self.timers.set(now + DEAD, Due::O2cbSeen);
                }
                (false, Some(_)) => {
                    *beat = Beat { on: true, ..Beat::default() };
                    self.o2cb_sync();
                }
                _ => {}
            }
        }
    }

    /// A volume that is being written, and whose I/O ends in errors, brings its host down.
    fn look_at_journal(&mut self, host: usize) {
        let now = self.now;
        let writes = |store: usize| self.guests.iter().any(|g| g.sr == store && g.on == Some(host) && !g.gone && g.is_active());
        let dying = self.stores.iter().enumerate().any(|(at, s)| {
            let broken = |p: &Pbd| p.host == host && p.attached && p.errors && p.up.first() == Some(&0);
            s.kind == super::KIND && s.pbds.iter().any(broken) && writes(at)
        });
        let Some(peer) = self.peer(host) else { return };
        if !dying {
            peer.aborting = None;
        } else if peer.aborting.is_none() {
            peer.aborting = Some(now);
            self.timers.set(now + ABORT, Due::Ocfs2Panic { host, since: now });
        }
    }

    /// ocfs2 gives up on its journal, if the errors have not ended since.
    pub(in super::super) fn ocfs2_panic(&mut self, host: usize, since: Time) {
        if self.peer(host).is_some_and(|p| p.aborting == Some(since)) {
            let stores: Vec<usize> = self.o2cb.iter().flat_map(|o| &o.regions).map(|region| region.store).collect();
            let region = stores.into_iter().position(|store| self.pbd_of(host, store).is_some_and(|p| p.errors)).unwrap_or(0);
            self.panics(host, Death::Journal { region: tiny(region) });
        }
    }

    fn look_at_links(&mut self) {
        let now = self.now;
        let runs = |core: &Self, h: usize| {
            core.o2cb.as_ref().and_then(|o| o.nodes.get(h)).is_some_and(|p| p.online) && core.hosts.get(h).is_some_and(Host::runs)
        };
        let up: Vec<usize> = (0..self.hosts.len()).filter(|h| runs(self, *h)).collect();
        let mut deaf: Vec<((usize, usize), bool)> = Vec::new();
        for (at, a) in up.iter().enumerate() {
            deaf.extend(up.iter().skip(at + 1).map(|b| ((*a, *b), !self.hears(*a, *b))));
        }
        let Some(o2cb) = self.o2cb.as_mut() else { return };
        // Who was not heard for long, and is now, or is gone.
        let gone = |(a, b): &(usize, usize)| !(up.contains(a) && up.contains(b));
        let mut heard: Vec<((usize, usize), Time)> =
            o2cb.deaf.iter().filter(|(pair, _)| gone(pair)).map(|(pair, since)| (*pair, *since)).collect();
        o2cb.deaf.retain(|pair, _| !gone(pair));
        let mut new = false;
        for (pair, silent) in deaf {
            match o2cb.deaf.entry(pair) {
                Entry::Vacant(entry) if silent => {
                    entry.insert(now);
                    new = true;
                }
                Entry::Occupied(entry) if !silent => heard.push((pair, entry.remove())),
                _ => {}
            }
        }
        for (pair, since) in heard {
            self.note_idle(pair, since);
        }
        if new {
            self.timers.set(now + QUORUM, Due::O2cbQuorum);
        }
    }

    /// Two hosts did not hear each other for a while: both said so after half a minute.
    fn note_idle(&mut self, (a, b): (usize, usize), since: Time) {
        let said = since + IDLE;
        if said < self.now {
            for (host, peer) in [(a, b), (b, a)] {
                self.note_back(host, said, Note::Idle { peer: super::super::aftermath::small(peer) });
            }
        }
    }

    /// A host heartbeats again: the others accept its connection.
    pub(super) fn note_joined(&mut self, host: usize) {
        let Some(number) = self.number_of(host) else { return };
        for other in self.witnesses(host) {
            self.note_of(other, host, |peer| Note::Joined { peer, number });
        }
    }

    /// The others that run o2cb.
    fn witnesses(&self, host: usize) -> Vec<usize> {
        let Some(o2cb) = &self.o2cb else { return Vec::new() };
        let runs = |at: &usize| {
            *at != host && o2cb.nodes.get(*at).is_some_and(|p| p.online) && self.hosts.get(*at).is_some_and(Host::runs)
        };
        (0..o2cb.nodes.len()).filter(runs).collect()
    }

    /// The time is over after which the others call a silent host dead: they evict it.
    pub(in super::super) fn o2cb_seen(&mut self) {
        let now = self.now;
        let Some(o2cb) = &self.o2cb else { return };
        let on = |p: &Peer| p.beats.iter().any(|b| b.on);
        // Silent on all that it has, on the last of them for exactly this long.
        let due = |p: &Peer| {
            let since = p.beats.iter().filter(|b| b.on).map(|b| b.silent).collect::<Option<Vec<Time>>>();
            on(p) && since.is_some_and(|all| all.iter().max().is_some_and(|last| *last + DEAD == now))
        };
        let dead: Vec<usize> = (0..o2cb.nodes.len()).filter(|at| o2cb.nodes.get(*at).is_some_and(due)).collect();
        for host in dead {
            let Some(number) = self.number_of(host) else { continue };
            for other in self.witnesses(host) {
                self.note_of(other, host, |peer| Note::Evicted { peer, number });
            }
        }
    }

    fn beat(&mut self, host: usize, region: usize) -> Option<&mut Beat> {
        self.peer(host)?.beats.get_mut(region)
    }

    fn arm(&mut self, host: usize, region: usize) {
        let Some(armed) = self.beat(host, region).and_then(|beat| beat.armed) else { return };
        self.timers.set(armed + WRITE / 2, Due::O2cbHung);
        self.timers.set(armed + WRITE, Due::O2cbWrite { host, region, armed });
    }

    /// The hosts that run and heartbeat, with their numbers.
    fn beating(&self) -> Vec<(usize, u8)> {
        let Some(o2cb) = &self.o2cb else { return Vec::new() };
        let alive = self.o2cb_alive();
        let one = |host: usize| {
            let runs = o2cb.nodes.get(host).is_some_and(|p| p.online) && self.hosts.get(host).is_some_and(Host::runs);
            let number = self.number_of(host).filter(|n| runs && alive.contains(n))?;
            Some((host, number))
        };
        (0..o2cb.nodes.len()).filter_map(one).collect()
    }

    /// Half of the time is over for somebody who waits for its disk: its kernel says so, once.
    fn note_hung(&mut self, beating: &[(usize, u8)]) {
        let now = self.now;
        for (host, _) in beating {
            for region in 0..self.o2cb.as_ref().map_or(0, |o| o.regions.len()) {
                let store = self.o2cb.as_ref().and_then(|o| o.regions.get(region)).map_or(usize::MAX, |r| r.store);
                let errors = self.pbd_of(*host, store).is_some_and(|p| p.errors);
                let half = self.beat(*host, region).is_some_and(|b| b.armed.is_some_and(|armed| armed + WRITE / 2 == now));
                if half && !errors {
                    self.note_at(*host, Note::Hung { region: tiny(region) });
                }
            }
        }
    }

    /// Half of the time is over for somebody: if all hang on a region, and the lowest hears all, all wait on.
    pub(in super::super) fn o2cb_hung(&mut self) {
        let now = self.now;
        let beating = self.beating();
        // A host that has died is heard of no more only after its time; until then the lowest waits for its word in vain.
        if beating.len() < self.o2cb_alive().len() {
            return;
        }
        let Some(lowest) = beating.iter().min_by_key(|(_, number)| *number).map(|(host, _)| *host) else { return };
        if beating.iter().any(|(host, _)| !self.hears(lowest, *host)) {
            return;
        }
        self.note_hung(&beating);
        for region in 0..self.o2cb.as_ref().map_or(0, |o| o.regions.len()) {
            let hangs = |(host, _): &(usize, u8)| {
                let peer: Option<&Peer> = self.o2cb.as_ref().and_then(|o| o.nodes.get(*host));
                let store = self.o2cb.as_ref().and_then(|o| o.regions.get(region)).map_or(usize::MAX, |r| r.store);
                let errors = self.pbd_of(*host, store).is_some_and(|p| p.errors);
                let beat = peer.and_then(|p| p.beats.get(region));
                !errors && beat.is_some_and(|b| b.armed.is_some_and(|armed| armed + WRITE / 2 <= now))
            };
            if !beating.iter().all(hangs) {
                continue;
            }
            for (host, _) in &beating {
                self.note_at(*host, Note::Pardoned { region: tiny(region) });
                if let Some(peer) = self.peer(*host) {
                    peer.pardoned = Some(now);
                }
                if let Some(beat) = self.beat(*host, region) {
                    // Nobody is called dead by hosts that cannot read either.
                    *beat = Beat { armed: Some(now), silent: Some(now), failed: false, ..beat.clone() };
                }
                self.arm(*host, region);
                self.timers.set(now + DEAD, Due::O2cbSeen);
            }
        }
    }

    /// The write time-out of a host on a region, if it was not armed again since.
    pub(in super::super) fn o2cb_write(&mut self, host: usize, region: usize, armed: Time) {
        let Some(peer) = self.peer(host).filter(|p| p.online) else { return };
        match peer.beats.get_mut(region) {
            Some(beat) if beat.armed == Some(armed) => beat.failed = true,
            _ => return,
        }
        let mine = || peer.beats.iter().filter(|beat| beat.on);
        let region = tiny(region);
        if disk_fences(true, mine().filter(|beat| beat.failed).count(), mine().count()) {
            // The kernel's timer is a coarse one.
            let millis = 60_000 + (armed.as_millis().unsigned_abs() / 7 % 2_000) as u32;
            self.self_fence(host, Death::Disk { region, millis });
        } else {
            self.note_at(host, Note::RegionLost { region });
        }
    }

    /// A wait for lost connections may be over.
    pub(in super::super) fn o2cb_quorum(&mut self) {
        let now = self.now;
        let beating = self.beating();
        let alive = self.o2cb_alive();
        let Some(o2cb) = &self.o2cb else { return };
        let silence = |a: usize, b: usize| o2cb.deaf.get(&(a.min(b), a.max(b))).map(|since| now.since(*since));
        let lowest = alive.first().copied().unwrap_or_default();
        let decides = |(host, own): &(usize, u8)| {
            let others: Vec<Duration> = beating.iter().filter_map(|(other, _)| silence(*host, *other)).collect();
            // While one connection is held the decision waits.
            let due = others.iter().any(|s| *s >= QUORUM) && !others.iter().any(|s| (IDLE..QUORUM).contains(s));
            let heard = |(other, _): &&(usize, u8)| other == host || silence(*host, *other).is_none_or(|s| s < IDLE);
            let connected: BTreeSet<u8> = beating.iter().filter(heard).map(|(_, number)| *number).collect();
            let sight = Count {
                beats: alive.contains(own),
                heartbeating: alive.len(),
                connected: connected.len(),
                lowest,
                reaches_lowest: connected.contains(&lowest),
            };
            let (connected, heartbeating) = (tiny(sight.connected), tiny(sight.heartbeating));
            due.then(|| (*host, count(&sight).fences(), connected, heartbeating))
        };
        let decided: Vec<(usize, bool, u8, u8)> = beating.iter().filter_map(decides).collect();
        for (host, fences, connected, heartbeating) in decided {
            if fences {
                self.self_fence(host, Death::Network { connected, heartbeating, lowest });
            } else {
                self.note_at(host, Note::NotFencing { connected, heartbeating, lowest });
            }
        }
    }

    /// A host restarts at once; whether it leaves a dump depends on its fence method.
    fn self_fence(&mut self, host: usize, death: Death) {
        self.dies_of(host, death);
        self.fence_off(host);
        self.power_up(host);
    }

    /// A machine is off.
    pub(in super::super) fn o2cb_gone(&mut self, host: usize, silent: bool) {
        let now = self.now;
        let Some(peer) = self.peer(host) else { return };
        // Who leaves in an orderly way says so.
        let last = if silent { now } else { now - DEAD };
        for beat in &mut peer.beats {
            let silent = beat.silent.or(peer.online.then_some(last));
            *beat = Beat { on: beat.on, silent, ..Beat::default() };
        }
        peer.online = false;
        peer.pardoned = None;
        peer.aborting = None;
        peer.query = None;
        if silent {
            self.timers.set(now + DEAD, Due::O2cbSeen);
        }
        self.o2cb_sync();
    }
}
