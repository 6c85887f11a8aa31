//! The kernel's machines of all nodes on one clock: heartbeat (`heartbeat.c`), connections (`tcp.c`), quorum (`quorum.c`).

use super::{Cause, Fault, How, Situation};
use crate::o2cb::quorum::{self, Decision, Sight};
use std::collections::{BTreeMap, BTreeSet};

/// A node as it is at one moment.
#[derive(Debug, Default)]
struct State {
    /// When it ended.
    ended: Option<u64>,
    /// Whose heartbeat it sees, its own included.
    heartbeating: BTreeSet<u8>,
    /// To whom it has a connection, itself included.
    connected: BTreeSet<u8>,
    /// For whom the decision waits.
    held: BTreeSet<u8>,
    /// A decision is due when nobody is held any more.
    pending: bool,
    /// Regions whose write has timed out.
    failed: BTreeSet<usize>,
    /// When the write time-out of a region was armed last.
    armed: BTreeMap<usize, u64>,
    /// What its quorum decided last, where it lived.
    decided: Option<Decision>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// All who hang on a region ask the lowest whether all do.
    Negotiate { region: usize },
    /// The others have missed too many heartbeats of `of`.
    Dead { at: u8, of: u8 },
    /// A connection was silent for too long.
    Idle { at: u8, from: u8 },
    /// The wait for a lost connection is over, and it still heartbeats.
    StillUp { at: u8, of: u8 },
    /// A write has taken too long, if it was not armed again since.
    WriteTimeout { at: u8, region: usize, armed: u64 },
    /// The host loses its power.
    Lost { node: u8 },
}

/// What came of it.
pub(super) struct Played {
    /// Who ended: when, and why, in order.
    pub ends: Vec<(u64, u8, Cause)>,
    /// When the last of the others called each of them dead.
    pub recovered: BTreeMap<u8, u64>,
    /// Decisions of those who lived.
    pub decided: BTreeMap<u8, Decision>,
    /// Regions on which all hung and agreed to wait.
    pub agreed: BTreeSet<usize>,
    /// Pairs of nodes that live and do not hear each other.
    pub deaf: Vec<(u8, u8)>,
    /// Nodes that live with regions that have failed.
    pub limping: BTreeMap<u8, usize>,
}

struct World<'s> {
    situation: &'s Situation,
    nodes: BTreeMap<u8, State>,
    /// Pairs that do not hear each other, both ways.
    cut: BTreeSet<(u8, u8)>,
    /// What a node can no longer write.
    disks: BTreeMap<(u8, usize), How>,
    events: BTreeSet<(u64, Event)>,
    ends: Vec<(u64, u8, Cause)>,
    recovered: BTreeMap<u8, u64>,
    agreed: BTreeSet<usize>,
}

pub(super) fn play(situation: &Situation, faults: &[Fault]) -> Played {
    let mut world = World::new(situation, faults);
    let horizon = 4 * (situation.write_timeout() + situation.quorum_delay() + u64::from(situation.idle_timeout_ms));
    while let Some((now, event)) = world.events.pop_first() {
        if now > horizon {
            break;
        }
        world.happen(now, event);
    }
    world.finish()
}

impl<'s> World<'s> {
    fn new(situation: &'s Situation, faults: &[Fault]) -> Self {
        let numbers: Vec<u8> = situation.nodes.keys().copied().collect();
        let mut nodes = BTreeMap::new();
        // Most often all regions are on all nodes.
        let mut distinct: Vec<&BTreeSet<u8>> = situation.regions.iter().map(|region| &region.on).collect();
        distinct.dedup();
        for own in &numbers {
            let mut heartbeating: BTreeSet<u8> = BTreeSet::new();
            for on in distinct.iter().filter(|on| on.contains(own)) {
                if heartbeating.is_empty() {
                    heartbeating.clone_from(on);
                } else {
                    heartbeating.extend(on.iter());
                }
            }
            let mut connected = heartbeating.clone();
            connected.insert(*own);
            nodes.insert(*own, State { heartbeating, connected, ..State::default() });
        }
        let mut world = Self {
            situation,
            nodes,
            cut: BTreeSet::new(),
            disks: BTreeMap::new(),
            events: BTreeSet::new(),
            ends: vec![],
            recovered: BTreeMap::new(),
            agreed: BTreeSet::new(),
        };
        for fault in faults {
            world.fail(fault, &numbers);
        }
        let (idle, timeout) = (u64::from(situation.idle_timeout_ms), situation.write_timeout());
        for (a, b) in world.cut.clone() {
            world.events.insert((idle, Event::Idle { at: a, from: b }));
        }
        for (node, region) in world.disks.keys().copied().collect::<Vec<_>>() {
            if let Some(state) = world.nodes.get_mut(&node) {
                state.armed.insert(region, 0);
            }
            world.events.insert((timeout, Event::WriteTimeout { at: node, region, armed: 0 }));
            if situation.negotiates {
                world.events.insert((timeout / 2, Event::Negotiate { region }));
            }
        }
        let silent: BTreeSet<u8> = world.disks.keys().map(|(node, _)| *node).collect();
        for node in silent {
            world.schedule_dead(node, 0);
        }
        world
    }

    fn fail(&mut self, fault: &Fault, numbers: &[u8]) {
        let situation = self.situation;
        let regions = |name: Option<&String>| {
            let fits = |at: &usize| {
                let region = situation.regions.get(*at);
                name.is_none_or(|name| region.is_some_and(|region| region.name == *name))
            };
            (0..situation.regions.len()).filter(fits).collect::<Vec<_>>()
        };
        let mut disks = |node: u8, lost: &[usize], how: How| {
            for region in lost.iter().copied() {
                let on = situation.regions.get(region).is_some_and(|region| region.on.contains(&node));
                if on {
                    // Errors are the worse: who has them does not wait for the others.
                    let known = self.disks.entry((node, region)).or_insert(how);
                    if how == How::Error {
                        *known = How::Error;
                    }
                }
            }
        };
        match fault {
            Fault::Host { node } => {
                self.events.insert((0, Event::Lost { node: *node }));
            }
            Fault::Link { node } => {
                for other in numbers.iter().filter(|other| *other != node) {
                    self.cut.extend([(*node, *other), (*other, *node)]);
                }
            }
            Fault::Pair { a, b } => self.cut.extend([(*a, *b), (*b, *a)]),
            Fault::Disk { node, region, how } => {
                let lost = regions(region.as_ref());
                disks(*node, &lost, *how);
            }
            Fault::Region { region, how } => {
                let lost = regions(Some(region));
                for node in numbers {
                    disks(*node, &lost, *how);
                }
            }
            Fault::Storage { how } => {
                let lost = regions(None);
                for node in numbers {
                    disks(*node, &lost, *how);
                }
            }
        }
    }

    fn lives(&self, node: u8) -> bool {
        self.nodes.get(&node).is_some_and(|state| state.ended.is_none())
    }

    /// Plans when the others call a node dead: once its last heartbeat on every region they share is old enough. Who cannot read such a
    /// region never sees it die there.
    fn schedule_dead(&mut self, of: u8, now: u64) {
        let ended = self.nodes.get(&of).and_then(|state| state.ended);
        for at in self.nodes.keys().copied().filter(|at| *at != of) {
            let shared = |number: usize| {
                self.situation.regions.get(number).is_some_and(|region| region.on.contains(&of) && region.on.contains(&at))
            };
            if self.disks.range((at, 0)..=(at, usize::MAX)).any(|((_, region), _)| shared(*region)) {
                continue;
            }
            let mut last = None;
            let mut seen = true;
            for number in (0..self.situation.regions.len()).filter(|number| shared(*number)) {
                let since = if self.disks.contains_key(&(of, number)) { Some(0) } else { ended };
                if since.is_none() {
                    seen = false;
                    break;
                }
                last = last.max(since);
            }
            if let (true, Some(last)) = (seen, last) {
                let due = (last + self.situation.dead_after()).max(now);
                self.events.insert((due, Event::Dead { at, of }));
            }
        }
    }

    fn end(&mut self, now: u64, node: u8, cause: Cause) {
        let Some(state) = self.nodes.get_mut(&node).filter(|state| state.ended.is_none()) else { return };
        state.ended = Some(now);
        self.ends.push((now, node, cause));
        let idle = u64::from(self.situation.idle_timeout_ms);
        for at in self.nodes.keys().copied().filter(|at| *at != node) {
            if !self.cut.contains(&(at, node)) {
                self.events.insert((now + idle, Event::Idle { at, from: node }));
            }
        }
        self.schedule_dead(node, now);
    }

    fn happen(&mut self, now: u64, event: Event) {
        match event {
            Event::Lost { node } => self.end(now, node, Cause::Fault),
            Event::Idle { at, from } => self.idle(now, at, from),
            Event::StillUp { at, of } => {
                if let Some(state) = self.nodes.get_mut(&at).filter(|state| state.heartbeating.contains(&of)) {
                    state.pending = true;
                    self.release(now, at, of);
                }
            }
            Event::Dead { at, of } => {
                if !self.lives(at) {
                    return;
                }
                if let Some(state) = self.nodes.get_mut(&at)
                    && state.heartbeating.remove(&of)
                {
                    state.connected.remove(&of);
                    let known = self.recovered.entry(of).or_insert(now);
                    *known = now.max(*known);
                }
                self.release(now, at, of);
            }
            Event::WriteTimeout { at, region, armed } => self.timed_out(now, at, region, armed),
            Event::Negotiate { region } => self.negotiate(now, region),
        }
    }

    fn idle(&mut self, now: u64, at: u8, from: u8) {
        if !self.lives(at) {
            return;
        }
        let delay = self.situation.quorum_delay();
        let Some(state) = self.nodes.get_mut(&at) else { return };
        if state.connected.remove(&from) && state.heartbeating.contains(&from) {
            state.held.insert(from);
            self.events.insert((now + delay, Event::StillUp { at, of: from }));
        }
    }

    /// Nobody waits for `of` any more; when that was the last, a decision that is due is made.
    fn release(&mut self, now: u64, at: u8, of: u8) {
        if !self.lives(at) {
            return;
        }
        let Some(state) = self.nodes.get_mut(&at) else { return };
        if !(state.held.remove(&of) && state.held.is_empty() && state.pending) {
            return;
        }
        state.pending = false;
        let sight = Sight { own: at, heartbeating: state.heartbeating.clone(), connected: state.connected.clone() };
        let decision = quorum::decide(&sight);
        state.decided = Some(decision);
        if decision.fences() {
            self.end(now, at, Cause::Network(decision));
        }
    }

    fn timed_out(&mut self, now: u64, at: u8, region: usize, armed: u64) {
        let regions = self.situation.regions.iter().filter(|region| region.on.contains(&at)).count();
        let Some(state) = self.nodes.get_mut(&at).filter(|state| state.ended.is_none()) else { return };
        if state.armed.get(&region) != Some(&armed) {
            return;
        }
        state.failed.insert(region);
        let failed = state.failed.len();
        if quorum::disk_fences(self.situation.global, failed, regions) {
            let region = self.situation.regions.get(region).map(|region| region.name.clone()).unwrap_or_default();
            self.end(now, at, Cause::Disk { region, failed, regions });
        }
    }

    /// Half of the time is over. Who hangs (without errors) tells the lowest node that it sees; if that one hangs too, and has heard of
    /// everybody who lives in its eyes, all wait on.
    fn negotiate(&mut self, now: u64, region: usize) {
        let half = self.situation.write_timeout() / 2;
        let hangs: Vec<u8> = self
            .nodes
            .keys()
            .copied()
            .filter(|node| self.lives(*node) && self.disks.get(&(*node, region)) == Some(&How::Stall))
            .filter(|node| {
                self.nodes.get(node).and_then(|state| state.armed.get(&region)).is_some_and(|armed| armed + half <= now)
            })
            .collect();
        let lowest = |node: &u8| self.nodes.get(node).and_then(|state| state.heartbeating.first().copied());
        let masters: Vec<u8> = hangs.iter().copied().filter(|node| lowest(node) == Some(*node)).collect();
        for master in masters {
            let asks = |node: &u8| *node == master || (lowest(node) == Some(master) && !self.cut.contains(&(*node, master)));
            let heard: BTreeSet<u8> = hangs.iter().copied().filter(asks).collect();
            if self.nodes.get(&master).is_none_or(|state| state.heartbeating != heard) {
                continue;
            }
            self.agreed.insert(region);
            for node in heard {
                if let Some(state) = self.nodes.get_mut(&node) {
                    state.armed.insert(region, now);
                    state.failed.remove(&region);
                }
                self.events.insert((now + 2 * half, Event::WriteTimeout { at: node, region, armed: now }));
            }
            self.events.insert((now + half, Event::Negotiate { region }));
            return;
        }
    }

    fn finish(self) -> Played {
        let live: Vec<u8> = self.nodes.keys().copied().filter(|node| self.lives(*node)).collect();
        let decided = self.nodes.iter().filter(|(_, state)| state.ended.is_none());
        let decided = decided.filter_map(|(node, state)| Some((*node, state.decided?))).collect();
        let both = |(a, b): &(u8, u8)| a < b && live.contains(a) && live.contains(b);
        let limping = self.nodes.iter().filter(|(node, state)| live.contains(node) && !state.failed.is_empty());
        Played {
            limping: limping.map(|(node, state)| (*node, state.failed.len())).collect(),
            deaf: self.cut.iter().copied().filter(both).collect(),
            ends: self.ends,
            recovered: self.recovered,
            decided,
            agreed: self.agreed,
        }
    }
}
