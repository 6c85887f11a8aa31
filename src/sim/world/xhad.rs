//! xhad, as far as it decides who lives: heartbeats on the network, the statefile, and the rules of survival.
//!
//! Facts (xha, `daemon/`): who is not heard for the time-out, or cannot write the statefile for as long, makes all decide anew. Of the hosts that still
//! write the statefile the largest set that hears itself lives, of two equal ones the one with the lowest uuid (of two hosts the higher uuid is
//! fenced, CTX129721); everybody else fences itself. If nobody can write the statefile, those live who hear every other host. What each
//! host reaches, xapi writes down every 20 s.

use super::aftermath::{Death, Note, small};
use super::state::{Host, Stage};
use super::truth::{Away, Cause};
use super::{Core, Due};
use crate::time::Time;
use std::collections::BTreeSet;
use std::collections::btree_map::Entry;
use std::time::Duration;

/// How often xapi looks at the live set.
pub const MONITOR: Duration = Duration::from_secs(20);
/// The stack's name.
const STACK: &str = "xhad";

impl Core {
    /// The hosts whose xhad takes part: one that boots starts it only once it has said hello.
    fn armed(&self) -> Vec<usize> {
        let armed = |h: &Host| h.member() && h.runs() && !(h.away.is_some() && h.stage <= Stage::Answering);
        (0..self.hosts.len()).filter(|h| self.hosts.get(*h).is_some_and(armed)).collect()
    }

    /// Paths, links or machines may have changed: who cannot write the statefile, who does not hear whom, and since when.
    pub(super) fn xhad_look(&mut self) {
        if !self.ha.on || self.ha.stack != STACK {
            self.ha.lost.clear();
            self.ha.deaf.clear();
            return;
        }
        let now = self.now;
        let armed = self.armed();
        let mut news = false;
        for host in 0..self.hosts.len() {
            let alone = self.hosts.get(host).is_some_and(|h| h.cut == Some(super::fault::Cut::All));
            let watched = self.ha.statefile_sr.filter(|_| self.ha.watches_statefile || alone);
            let lost = armed.contains(&host) && watched.is_some_and(|store| self.cannot_write(host, store));
            if !lost {
                if let Some(since) = self.ha.lost.remove(&host) {
                    news = true;
                    self.xhad_waited(host, since, Note::SoonStatefile);
                }
            } else if let Entry::Vacant(entry) = self.ha.lost.entry(host) {
                entry.insert(now);
                news = true;
            }
        }
        for (at, a) in armed.iter().enumerate() {
            for b in armed.iter().skip(at + 1) {
                let pair = (*a, *b);
                if self.hears(*a, *b) {
                    if let Some(since) = self.ha.deaf.remove(&pair) {
                        news = true;
                        self.note_deaf(pair, since);
                    }
                } else if let Entry::Vacant(entry) = self.ha.deaf.entry(pair) {
                    entry.insert(now);
                    news = true;
                }
            }
        }
        let gone: Vec<((usize, usize), Time)> = self
            .ha
            .deaf
            .iter()
            .filter(|((a, b), _)| !(armed.contains(a) && armed.contains(b)))
            .map(|(p, at)| (*p, *at))
            .collect();
        for (pair, since) in gone {
            self.ha.deaf.remove(&pair);
            self.note_deaf(pair, since);
        }
        if news {
            self.timers.set(now + self.ha.timeout, Due::Xhad);
            self.timers.set(super::liveness::grid(now + Duration::from_millis(1), MONITOR), Due::HaPeers);
        }
    }

    /// A host has come back: the others' live set has it again.
    pub(super) fn note_liveset(&mut self, host: usize) {
        if self.ha.on && self.ha.stack == STACK {
            let armed = self.armed();
            let alive = armed.iter().fold(0_u64, |bits, at| bits | 1 << (*at).min(63));
            for other in armed.into_iter().filter(|other| *other != host) {
                self.note_at(other, Note::Liveset { alive });
            }
        }
    }

    /// Two hosts did not hear each other for a while.
    fn note_deaf(&mut self, (a, b): (usize, usize), since: Time) {
        for (host, peer) in [(a, b), (b, a)] {
            self.xhad_waited(host, since, Note::SoonHeartbeat { peer: small(peer) });
        }
    }

    /// Whether a host cannot write the statefile, by what its xhad knows now.
    pub(super) fn lost_statefile(&self, host: usize) -> bool {
        self.ha.lost.contains_key(&host)
    }

    /// xapi writes down what the live set says.
    pub(super) fn xhad_monitor(&mut self) {
        if !self.ha.on {
            return;
        }
        self.ha_peers();
        let armed = self.armed();
        let all = !armed.is_empty() && armed.iter().all(|h| self.lost_statefile(*h));
        if all && !std::mem::replace(&mut self.ha.told, all) {
            let uuid = self.hosts.get(self.coordinator).map(|h| h.uuid.clone()).unwrap_or_default();
            self.message("HA_STATEFILE_LOST", 2, "Host", &uuid, "All live servers have lost access to the HA statefile");
        }
        self.ha.told = all;
    }

    /// A time-out may be over for somebody: all decide.
    pub(super) fn xhad_decide(&mut self) {
        let now = self.now;
        let timeout = self.ha.timeout;
        let over = |since: &Time| now.since(*since) >= timeout;
        let due = self.ha.lost.values().any(over) || self.ha.deaf.values().any(over);
        if !self.ha.on || self.ha.stack != STACK || !due {
            return;
        }
        let armed = self.armed();
        let writes = |h: &usize| !self.ha.lost.get(h).is_some_and(over);
        let deaf = |a: usize, b: usize| self.ha.deaf.get(&(a.min(b), a.max(b))).is_some_and(over);
        let survivors: BTreeSet<usize> = if armed.iter().any(writes) {
            let mut groups: Vec<Vec<usize>> = Vec::new();
            for host in armed.iter().copied().filter(|h| writes(h)) {
                match groups.iter_mut().find(|group| group.iter().all(|other| !deaf(host, *other))) {
                    Some(group) => group.push(host),
                    None => groups.push(vec![host]),
                }
            }
            let lowest = |group: &Vec<usize>| group.iter().filter_map(|h| self.hosts.get(*h)).map(|h| h.uuid.clone()).min();
            let best = groups.into_iter().max_by_key(|group| (group.len(), std::cmp::Reverse(lowest(group))));
            best.unwrap_or_default().into_iter().collect()
        } else {
            armed.iter().copied().filter(|a| armed.iter().all(|b| a == b || !deaf(*a, *b))).collect()
        };
        let lost: Vec<usize> = armed.into_iter().filter(|h| !survivors.contains(h)).collect();
        if lost.is_empty() {
            // All have lost it, and all hear each other: xhad lives on, and looks again.
            self.timers.set(now + Duration::from_secs(5), Due::Xhad);
            return;
        }
        let alive = survivors.iter().fold(0_u64, |bits, at| bits | 1 << (*at).min(63));
        for host in &lost {
            let statefile = self.ha.lost.get(host).is_some_and(over);
            self.dies_of(*host, Death::Xhad { statefile });
            self.fence_off(*host);
        }
        for host in &survivors {
            self.note_at(*host, Note::Liveset { alive });
        }
        if lost.contains(&self.coordinator) {
            self.elect_among(&survivors);
        }
        if self.coordinator_up() {
            for host in &lost {
                self.declare_dead(*host);
            }
        }
        for host in lost {
            self.power_up(host);
        }
    }

    /// A host ends itself, at once and without a dump.
    pub(super) fn fence_off(&mut self, host: usize) {
        let now = self.now;
        if let Some(h) = self.hosts.get_mut(host) {
            h.away.get_or_insert(Away { since: now, cause: Cause::Fence });
        }
        self.power_off(host, true);
    }

    /// The coordinator has fenced itself: one of those who live takes over.
    fn elect_among(&mut self, survivors: &BTreeSet<usize>) {
        let able = |h: &usize| self.hosts.get(*h).is_some_and(Host::xapi_up);
        match survivors.iter().copied().find(able) {
            Some(new) => self.take_over(new),
            // Nobody can: try again later.
            None => self.timers.set(self.now + MONITOR, Due::Elect),
        }
    }
}
