//! The kernel's machines of all nodes on one clock: heartbeat (`heartbeat.c`), connections (`tcp.c`), quorum (`quorum.c`).
//!
//! Sets are [`Bits`], so that all single faults of the largest cluster (255 nodes, 32 regions) take well below a second. Of more than 256 regions,
//! which no kernel takes, the first 256 count.

use super::bits::Bits;
use super::{Cause, Fault, How, Situation};
use crate::o2cb::quorum::{self, Decision};
use std::collections::{BTreeMap, BTreeSet};

/// What does not depend on the faults.
pub(super) struct Terrain<'s> {
    situation: &'s Situation,
    /// The nodes.
    all: Bits,
    /// Who heartbeats on each region.
    on: Vec<Bits>,
    /// By node: its regions.
    regions: Vec<Bits>,
    /// By node: whose heartbeat it sees, its own included.
    heartbeating: Vec<Bits>,
}

impl<'s> Terrain<'s> {
    pub fn of(situation: &'s Situation) -> Self {
        let all: Bits = situation.nodes.keys().copied().collect();
        let on: Vec<Bits> = situation.regions.iter().take(256).map(|region| region.on.iter().copied().collect()).collect();
        let mut regions = vec![Bits::default(); 256];
        let mut heartbeating = vec![Bits::default(); 256];
        for (number, on) in (0u8..=255).zip(&on) {
            for node in on.both(&all).iter() {
                if let Some(mine) = regions.get_mut(usize::from(node)) {
                    mine.insert(number);
                }
                if let Some(seen) = heartbeating.get_mut(usize::from(node)) {
                    *seen = seen.either(on);
                }
            }
        }
        Self { situation, all, on, regions, heartbeating }
    }

    fn regions_of(&self, node: u8) -> Bits {
        self.regions.get(usize::from(node)).copied().unwrap_or_default()
    }
}

/// A node as it is at one moment.
#[derive(Clone, Debug, Default)]
struct State {
    /// When it ended.
    ended: Option<u64>,
    /// Whose heartbeat it sees, its own included.
    heartbeating: Bits,
    /// To whom it has a connection, itself included.
    connected: Bits,
    /// Whom it cannot hear, nor they it.
    cut: Bits,
    /// For whom the decision waits.
    held: Bits,
    /// A decision is due when nobody is held any more.
    pending: bool,
    /// Regions that it can no longer write, for whatever reason.
    lost: Bits,
    /// Those of them whose writes end in errors.
    errors: Bits,
    /// When the write time-out of a lost region was armed last.
    armed: BTreeMap<u8, u64>,
    /// Regions whose write has timed out.
    failed: Bits,
    /// What its quorum decided last, where it lived.
    decided: Option<Decision>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// All who hang on a region ask the lowest whether all do.
    Negotiate { region: u8 },
    /// The others have missed too many heartbeats of `of`.
    Dead { at: u8, of: u8 },
    /// A connection was silent for too long.
    Idle { at: u8, from: u8 },
    /// The wait for a lost connection is over, and it still heartbeats.
    StillUp { at: u8, of: u8 },
    /// A write has taken too long, for all who were armed then and not again since.
    WriteTimeout { region: u8, armed: u64 },
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

struct World<'t> {
    terrain: &'t Terrain<'t>,
    situation: &'t Situation,
    /// By number.
    nodes: Vec<State>,
    /// Who has not ended.
    live: Bits,
    events: BTreeSet<(u64, Event)>,
    ends: Vec<(u64, u8, Cause)>,
    recovered: BTreeMap<u8, u64>,
    agreed: BTreeSet<usize>,
}

pub(super) fn play(terrain: &Terrain<'_>, faults: &[Fault]) -> Played {
    let situation = terrain.situation;
    let mut world = World::new(terrain, faults);
    let horizon = 4 * (situation.write_timeout() + situation.quorum_delay() + u64::from(situation.idle_timeout_ms));
    while let Some((now, event)) = world.events.pop_first() {
        if now > horizon {
            break;
        }
        world.happen(now, event);
    }
    world.finish()
}

impl<'t> World<'t> {
    fn new(terrain: &'t Terrain<'t>, faults: &[Fault]) -> Self {
        let situation = terrain.situation;
        let mut nodes = vec![State::default(); 256];
        for own in terrain.all.iter() {
            let heartbeating = terrain.heartbeating.get(usize::from(own)).copied().unwrap_or_default();
            let mut connected = heartbeating;
            connected.insert(own);
            if let Some(state) = nodes.get_mut(usize::from(own)) {
                (state.heartbeating, state.connected) = (heartbeating, connected);
            }
        }
        let mut world = Self {
            terrain,
            situation,
            nodes,
            live: terrain.all,
            events: BTreeSet::new(),
            ends: vec![],
            recovered: BTreeMap::new(),
            agreed: BTreeSet::new(),
        };
        for fault in faults {
            world.fail(fault);
        }
        let (idle, timeout) = (u64::from(situation.idle_timeout_ms), situation.write_timeout());
        for at in terrain.all.iter() {
            let Some(state) = world.nodes.get_mut(usize::from(at)) else { continue };
            state.armed = state.lost.iter().map(|region| (region, 0)).collect();
            let (cut, lost) = (state.cut, state.lost);
            world.events.extend(cut.iter().map(|from| (idle, Event::Idle { at, from })));
            for region in lost.iter() {
                world.events.insert((timeout, Event::WriteTimeout { region, armed: 0 }));
                if situation.negotiates {
                    world.events.insert((timeout / 2, Event::Negotiate { region }));
                }
            }
            if !lost.is_empty() {
                world.schedule_dead(at, 0);
            }
        }
        world
    }

    fn state(&mut self, node: u8) -> Option<&mut State> {
        self.nodes.get_mut(usize::from(node))
    }

    fn at(&self, node: u8) -> Option<&State> {
        self.nodes.get(usize::from(node))
    }

    fn cut(&mut self, a: u8, b: u8) {
        for (own, other) in [(a, b), (b, a)] {
            if let Some(state) = self.state(own) {
                state.cut.insert(other);
            }
        }
    }

    /// A node can no longer write these regions.
    fn lose(&mut self, node: u8, regions: Bits, how: How) {
        let mine = self.terrain.regions_of(node).both(&regions);
        if let Some(state) = self.state(node) {
            state.lost = state.lost.either(&mine);
            // Errors are the worse: who has them does not wait for the others.
            if how == How::Error {
                state.errors = state.errors.either(&mine);
            }
        }
    }

    fn fail(&mut self, fault: &Fault) {
        let situation = self.situation;
        let named = |name: Option<&String>| -> Bits {
            let fits = |region: &super::Region| name.is_none_or(|name| region.name == *name);
            (0u8..=255).zip(&situation.regions).filter(|(_, region)| fits(region)).map(|(number, _)| number).collect()
        };
        let all = self.terrain.all;
        match fault {
            Fault::Host { node } => {
                self.events.insert((0, Event::Lost { node: *node }));
            }
            Fault::Link { node } => all.iter().filter(|other| other != node).for_each(|other| self.cut(*node, other)),
            Fault::Pair { a, b } => self.cut(*a, *b),
            Fault::Disk { node, region, how } => self.lose(*node, named(region.as_ref()), *how),
            Fault::Region { region, how } => {
                let lost = named(Some(region));
                all.iter().for_each(|node| self.lose(node, lost, *how));
            }
            Fault::Storage { how } => {
                let lost = named(None);
                all.iter().for_each(|node| self.lose(node, lost, *how));
            }
        }
    }

    /// Plans when the others call a node dead: once its last heartbeat on every region they share is old enough. Who cannot read such a
    /// region never sees it die there.
    fn schedule_dead(&mut self, of: u8, now: u64) {
        let Some(dying) = self.at(of) else { return };
        let (ended, gone) = (dying.ended, dying.lost);
        let own = self.terrain.regions_of(of);
        for at in self.terrain.all.iter().filter(|at| *at != of) {
            let shared = own.both(&self.terrain.regions_of(at));
            let blind = self.at(at).is_none_or(|state| !state.lost.both(&shared).is_empty());
            if blind || shared.is_empty() {
                continue;
            }
            // Its last heartbeat: at the beginning where it lost the region, else at its end.
            let last = if shared.without(&gone).is_empty() { Some(0) } else { ended };
            if let Some(last) = last {
                let due = (last + self.situation.dead_after()).max(now);
                self.events.insert((due, Event::Dead { at, of }));
            }
        }
    }

    fn end(&mut self, now: u64, node: u8, cause: Cause) {
        if !self.live.remove(node) {
            return;
        }
        let Some(state) = self.state(node) else { return };
        state.ended = Some(now);
        let cut = state.cut;
        self.ends.push((now, node, cause));
        let idle = u64::from(self.situation.idle_timeout_ms);
        let mut hearing = self.terrain.all.without(&cut);
        hearing.remove(node);
        self.events.extend(hearing.iter().map(|at| (now + idle, Event::Idle { at, from: node })));
        self.schedule_dead(node, now);
    }

    fn happen(&mut self, now: u64, event: Event) {
        match event {
            Event::Lost { node } => self.end(now, node, Cause::Fault),
            Event::Idle { at, from } => self.idle(now, at, from),
            Event::StillUp { at, of } => {
                if let Some(state) = self.state(at).filter(|state| state.heartbeating.contains(of)) {
                    state.pending = true;
                    self.release(now, at, of);
                }
            }
            Event::Dead { at, of } => {
                if !self.live.contains(at) {
                    return;
                }
                if let Some(state) = self.state(at)
                    && state.heartbeating.remove(of)
                {
                    state.connected.remove(of);
                    let known = self.recovered.entry(of).or_insert(now);
                    *known = now.max(*known);
                }
                self.release(now, at, of);
            }
            Event::WriteTimeout { region, armed } => {
                for at in self.on(region).iter() {
                    self.timed_out(now, at, region, armed);
                }
            }
            Event::Negotiate { region } => self.negotiate(now, region),
        }
    }

    /// The nodes that heartbeat on a region.
    fn on(&self, region: u8) -> Bits {
        self.terrain.on.get(usize::from(region)).copied().unwrap_or_default().both(&self.terrain.all)
    }

    fn idle(&mut self, now: u64, at: u8, from: u8) {
        if !self.live.contains(at) {
            return;
        }
        let delay = self.situation.quorum_delay();
        let Some(state) = self.state(at) else { return };
        if state.connected.remove(from) && state.heartbeating.contains(from) {
            state.held.insert(from);
            self.events.insert((now + delay, Event::StillUp { at, of: from }));
        }
    }

    /// Nobody waits for `of` any more; when that was the last, a decision that is due is made.
    fn release(&mut self, now: u64, at: u8, of: u8) {
        if !self.live.contains(at) {
            return;
        }
        let Some(state) = self.state(at) else { return };
        if !(state.held.remove(of) && state.held.is_empty() && state.pending) {
            return;
        }
        state.pending = false;
        let lowest = state.heartbeating.first().unwrap_or(at);
        let decision = quorum::count(&quorum::Count {
            beats: state.heartbeating.contains(at),
            heartbeating: state.heartbeating.len(),
            connected: state.connected.len(),
            lowest,
            reaches_lowest: state.connected.contains(lowest),
        });
        state.decided = Some(decision);
        if decision.fences() {
            self.end(now, at, Cause::Network(decision));
        }
    }

    fn timed_out(&mut self, now: u64, at: u8, region: u8, armed: u64) {
        let global = self.situation.global;
        let regions = self.terrain.regions_of(at).len();
        if !self.live.contains(at) {
            return;
        }
        let Some(state) = self.state(at).filter(|state| state.armed.get(&region) == Some(&armed)) else { return };
        state.failed.insert(region);
        let failed = state.failed.len();
        if quorum::disk_fences(global, failed, regions) {
            let name = self.situation.regions.get(usize::from(region)).map(|region| region.name.clone());
            self.end(now, at, Cause::Disk { region: name.unwrap_or_default(), failed, regions });
        }
    }

    /// Half of the time is over. Who hangs (without errors) tells the lowest node that it sees; if that one hangs too, and has heard of
    /// everybody who lives in its eyes, all wait on.
    fn negotiate(&mut self, now: u64, region: u8) {
        let half = self.situation.write_timeout() / 2;
        let due = |node: &u8| {
            self.at(*node).is_some_and(|state| {
                let armed = state.armed.get(&region).filter(|_| !state.errors.contains(region));
                armed.is_some_and(|armed| armed + half <= now)
            })
        };
        let hangs: Bits = self.on(region).both(&self.live).iter().filter(due).collect();
        let lowest = |node: u8| self.at(node).and_then(|state| state.heartbeating.first());
        let agreed = hangs.iter().filter(|node| lowest(*node) == Some(*node)).find_map(|master| {
            let state = self.at(master)?;
            let asks = |node: &u8| *node == master || (lowest(*node) == Some(master) && !state.cut.contains(*node));
            let heard: Bits = hangs.iter().filter(asks).collect();
            (state.heartbeating == heard).then_some(heard)
        });
        let Some(heard) = agreed else { return };
        self.agreed.insert(usize::from(region));
        for node in heard.iter() {
            if let Some(state) = self.state(node) {
                state.armed.insert(region, now);
                state.failed.remove(region);
            }
        }
        self.events.insert((now + 2 * half, Event::WriteTimeout { region, armed: now }));
        self.events.insert((now + half, Event::Negotiate { region }));
    }

    fn finish(self) -> Played {
        let mut decided = BTreeMap::new();
        let mut limping = BTreeMap::new();
        let mut deaf = Vec::new();
        for node in self.live.iter() {
            let Some(state) = self.at(node) else { continue };
            decided.extend(state.decided.map(|decision| (node, decision)));
            if !state.failed.is_empty() {
                limping.insert(node, state.failed.len());
            }
            deaf.extend(state.cut.both(&self.live).iter().filter(|other| node < *other).map(|other| (node, other)));
        }
        Played { ends: self.ends, recovered: self.recovered, decided, agreed: self.agreed, deaf, limping }
    }
}
