//! A rehearsal: what a round on this pool would come to, found out on its twin by the engine that would run it.

use super::chance::{Targets, trouble};
use super::play::{Operator, Played, play, play_watched};
use super::stage::Stage;
use super::trouble::Trouble;
use crate::rollout::entry::{Entry, Found, RunResult};
use crate::rollout::plan::{Plan, Stage as Step};
use crate::sim::api::Api;
use crate::sim::world::World;
use crate::text;
use crate::time::Time;
use crate::xenapi::record::Ref;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// Waiting for less than this is not worth telling.
const WORTH: Duration = Duration::from_secs(30);
/// Names and sentences that are shown at most, of each kind.
const SHOWN: usize = 12;

/// What a round would come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rehearsal {
    /// How it ended, and why; `None`: it did not end within ten days.
    pub result: Option<(RunResult, String)>,
    /// How long it took.
    pub took: Duration,
    /// Its hosts, in order.
    pub hosts: Vec<HostRehearsal>,
    /// Which guest went where, in order.
    pub moves: Vec<Moved>,
    /// What it waited for for long, or stopped at.
    pub waits: Vec<Waited>,
    /// What was not as it was found at the end.
    pub left: Vec<String>,
    /// What was done that must never be done; empty.
    pub violation: Option<String>,
    /// With faults: what they did.
    pub faults: Option<Summary>,
}

/// One host of a rehearsal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HostRehearsal {
    /// Its name.
    pub name: String,
    /// From its first stage to its end; `None`: it did not come to its end.
    pub took: Option<Duration>,
    /// How long each stage took.
    pub stages: Vec<(Step, Duration)>,
    /// The most memory that guests on it took at one time during the whole round, in bytes.
    pub peak: u64,
    /// What it has for guests, in bytes.
    pub memory: u64,
}

/// A guest that moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// When, after the start.
    pub at: Duration,
    /// Its name.
    pub guest: String,
    /// From where.
    pub from: String,
    /// Where to; empty: it was shut down.
    pub to: String,
}

/// Something that was waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waited {
    /// From when, after the start.
    pub at: Duration,
    /// For how long.
    pub lasted: Duration,
    /// For what, as a sentence.
    pub text: String,
    /// The round stopped there and asked.
    pub stopped: bool,
}

/// What random faults did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How often it was rehearsed with a fault.
    pub rounds: u32,
    /// How often the round ended well all the same.
    pub done: u32,
    /// How often it ended before all hosts were done, with what is left listed.
    pub stopped: u32,
    /// How often it stopped and asked at least once.
    pub asked: u32,
    /// Guests and disks that the faults themselves cost.
    pub lost: u32,
    /// Second hosts that the round took down, guests that it killed: none.
    pub broken: Vec<String>,
    /// The faults after which it did not end well, with what became of it.
    pub examples: Vec<(String, String)>,
}

/// Rehearses a round on this twin, once undisturbed and then with so many random faults, one at a time. What could be accepted of what
/// speaks against it is taken to be accepted: the question is what would come of it.
pub fn rehearse_on(twin: &World, plan: &Plan, found: &Found, faults: u32, seed: u64) -> Rehearsal {
    let mut plan = plan.clone();
    Stage::new(twin.clone(), Vec::new()).accept(&mut plan);
    let plan = &plan;
    let mut rehearsal = undisturbed(twin, plan, found);
    if faults > 0 {
        rehearsal.faults = Some(disturbed(twin, plan, found, faults, seed));
    }
    rehearsal
}

fn undisturbed(twin: &World, plan: &Plan, found: &Found) -> Rehearsal {
    let mut stage = Stage::new(twin.clone(), Vec::new());
    stage.begin("rehearsal", plan.clone(), found.clone());
    let mut watch = Watch::new(&stage);
    // Nothing is mended, and nobody knows more than now: what stops it is tried again once.
    let operator = Operator { mends: false, retries: 1, ..Operator::default() };
    let played = play_watched(&mut stage, operator, |stage| watch.look(stage));
    watch.told(&stage, played)
}

fn disturbed(twin: &World, plan: &Plan, found: &Found, faults: u32, seed: u64) -> Summary {
    let names = twin.host_names();
    let mirror = twin.database().refs_of("SR").any(|sr| twin.database().boolean(sr, "clustered"));
    let targets = Targets { hosts: &names, mirror, people: false };
    let mut sum = Summary::default();
    for round in 0..faults {
        let mut rng = fastrand::Rng::with_seed(seed.wrapping_add(u64::from(round)));
        let fault: Trouble = trouble(&mut rng, &targets);
        let said = fault.to_string();
        let mut world = twin.clone();
        world.reseed(rng.u64(..));
        let mut stage = Stage::new(world, vec![fault]);
        stage.begin("rehearsal", plan.clone(), found.clone());
        let played = play(&mut stage, Operator::default());
        sum.rounds += 1;
        sum.asked += u32::from(!played.stops.is_empty());
        sum.lost += u32::try_from(stage.world.harms().len()).unwrap_or(u32::MAX);
        if let Some(violation) = &played.violation {
            sum.broken.push(format!("{said}: {violation}"));
        }
        match &played.result {
            Some((RunResult::Done, _)) => sum.done += 1,
            other => {
                sum.stopped += 1;
                let why = played.stops.first().cloned().or_else(|| other.as_ref().map(|(_, text)| text.clone()));
                if sum.examples.len() < SHOWN {
                    sum.examples.push((said, why.unwrap_or_else(|| "it did not end".into())));
                }
            }
        }
    }
    sum
}

/// What is written down while a rehearsal goes on.
struct Watch {
    began: Time,
    generation: u64,
    /// Where each guest is.
    places: BTreeMap<Ref, Ref>,
    peaks: BTreeMap<Ref, u64>,
    moves: Vec<Moved>,
}

impl Watch {
    fn new(stage: &Stage) -> Self {
        let began = stage.world.now();
        let mut watch = Self { began, generation: 0, places: BTreeMap::new(), peaks: BTreeMap::new(), moves: Vec::new() };
        watch.look(stage);
        watch.moves.clear();
        watch
    }

    fn look(&mut self, stage: &Stage) {
        let db = stage.world.database();
        if db.generation() == self.generation {
            return;
        }
        self.generation = db.generation();
        let at = stage.world.now().since(self.began);
        let name = |r: &Ref| text::clean(db.text(r, "name_label"), text::NAME_LIMIT).into_owned();
        let mut used: BTreeMap<Ref, u64> = BTreeMap::new();
        for vm in db.refs_of("VM").filter(|vm| !db.boolean(vm, "is_control_domain") && !db.boolean(vm, "is_a_template")) {
            let on = if matches!(db.text(vm, "power_state"), "Running" | "Paused") {
                db.reference(vm, "resident_on")
            } else {
                Ref::default()
            };
            if on.non_null().is_some() {
                let bytes = db.int(vm, "memory_dynamic_max").saturating_add(db.int(vm, "memory_overhead"));
                *used.entry(on.clone()).or_default() += u64::try_from(bytes).unwrap_or(0);
            }
            let was = self.places.get(vm);
            if was != Some(&on) {
                let was = was.cloned().unwrap_or_default();
                self.moves.push(Moved { at, guest: name(vm), from: name(&was), to: name(&on) });
                self.places.insert(vm.clone(), on);
            }
        }
        for (host, bytes) in used {
            let peak = self.peaks.entry(host).or_default();
            *peak = (*peak).max(bytes);
        }
    }

    fn told(self, stage: &Stage, played: Played) -> Rehearsal {
        let db = stage.world.database();
        let mut out = Rehearsal {
            result: played.result,
            took: played.took,
            moves: self.moves,
            left: played.left.values().cloned().collect(),
            violation: played.violation.map(|v| v.to_string()),
            ..Rehearsal::default()
        };
        if let Some(run) = stage.engine.as_ref().map(|e| &e.run) {
            out.hosts = run
                .plan
                .hosts
                .iter()
                .zip(&run.hosts)
                .map(|(plan, ran)| {
                    let end = ran.end.as_ref().map(|(_, at)| *at);
                    let until = end.unwrap_or_else(|| stage.world.now());
                    let next = ran.stages.iter().skip(1).map(|(_, at)| *at).chain([until]);
                    let metrics = db.reference(&plan.host, "metrics");
                    let total = u64::try_from(db.int(&metrics, "memory_total")).unwrap_or(0);
                    let overhead = u64::try_from(db.int(&plan.host, "memory_overhead")).unwrap_or(0);
                    HostRehearsal {
                        name: text::clean(&plan.name, text::NAME_LIMIT).into_owned(),
                        took: ran.stages.first().and_then(|(_, began)| Some(end?.since(*began))),
                        stages: ran.stages.iter().zip(next).map(|((stage, from), to)| (*stage, to.since(*from))).collect(),
                        peak: self.peaks.get(&plan.host).copied().unwrap_or(0),
                        memory: total.saturating_sub(overhead),
                    }
                })
                .collect();
        }
        out.waits = waits(&stage.book().disk().entries);
        out
    }
}

/// What a journal tells of waiting.
fn waits(entries: &[(Time, Entry)]) -> Vec<Waited> {
    let began = entries.first().map_or(Time::EPOCH, |(at, _)| *at);
    let mut out: Vec<Waited> = Vec::new();
    let mut open: Option<(Time, String, bool)> = None;
    let close = |open: &mut Option<(Time, String, bool)>, at: Time, out: &mut Vec<Waited>| {
        let Some((from, text, stopped)) = open.take() else { return };
        let lasted = at.since(from);
        if lasted >= WORTH || stopped {
            out.push(Waited { at: from.since(began), lasted, text, stopped });
        }
    };
    for (at, entry) in entries {
        match entry {
            Entry::Waiting { text, .. } => {
                close(&mut open, *at, &mut out);
                open = (!text.is_empty()).then(|| (*at, text.clone(), false));
            }
            Entry::Stuck { why, .. } => {
                close(&mut open, *at, &mut out);
                open = Some((*at, why.clone(), true));
            }
            Entry::Stage { .. } | Entry::HostEnded { .. } | Entry::Command { .. } | Entry::Ended { .. } => {
                close(&mut open, *at, &mut out);
            }
            _ => {}
        }
    }
    out
}

/// Bytes as GiB with one decimal.
fn gib(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / f64::from(1 << 30))
}

impl Rehearsal {
    /// In words, for people: some lines of text.
    pub fn words(&self) -> String {
        let mut out = String::new();
        let span = text::duration;
        let head = match &self.result {
            Some((RunResult::Done, _)) => format!("On a twin of this pool the round ends well, after {}.", span(self.took)),
            Some((result, why)) => {
                let result: &str = result.into();
                format!("On a twin of this pool the round ends {result} after {}: {why}", span(self.took))
            }
            None => "On a twin of this pool the round does not end.".to_owned(),
        };
        let _ = writeln!(out, "{head}");
        for host in &self.hosts {
            let took = host.took.map_or_else(|| "not done".to_owned(), span);
            let mut sums: Vec<(Step, Duration)> = Vec::new();
            for (stage, took) in &host.stages {
                match sums.iter_mut().find(|(known, _)| known == stage) {
                    Some((_, sum)) => *sum += *took,
                    None => sums.push((*stage, *took)),
                }
            }
            let stages: Vec<String> = sums
                .iter()
                .filter(|(_, took)| *took >= WORTH)
                .map(|(stage, took)| {
                    let name: &str = stage.into();
                    format!("{name} {}", span(*took))
                })
                .collect();
            let stages = if stages.is_empty() { String::new() } else { format!(" ({})", stages.join(", ")) };
            let _ = writeln!(
                out,
                "  {}: {took}{stages}; its guests take at most {} of {} GiB",
                host.name,
                gib(host.peak),
                gib(host.memory)
            );
        }
        if !self.moves.is_empty() {
            let _ = writeln!(out, "Guests move {} times:", self.moves.len());
            for one in self.moves.iter().take(SHOWN) {
                let to = if one.to.is_empty() { "shut down".to_owned() } else { format!("to {}", one.to) };
                let from = if one.from.is_empty() { "started".to_owned() } else { format!("from {}", one.from) };
                let _ = writeln!(out, "  after {}: {} {from} {to}", span(one.at), one.guest);
            }
            more(&mut out, self.moves.len());
        }
        if !self.waits.is_empty() {
            let _ = writeln!(out, "It waits:");
            for one in self.waits.iter().take(SHOWN) {
                let how = if one.stopped { "STOPS and asks" } else { "waits" };
                let _ = writeln!(out, "  after {}: {how} for {}: {}", span(one.at), span(one.lasted), one.text);
            }
            more(&mut out, self.waits.len());
        }
        for left in &self.left {
            let _ = writeln!(out, "Left behind: {left}");
        }
        if let Some(violation) = &self.violation {
            let _ = writeln!(out, "NOT SAFE: {violation}");
        }
        if let Some(faults) = &self.faults {
            faults.words(&mut out);
        }
        out
    }
}

impl Summary {
    fn words(&self, out: &mut String) {
        let _ = writeln!(
            out,
            "With one random fault at a time, {} times: {} ended well, {} were stopped with what is left listed, {} asked the operator meanwhile.",
            self.rounds, self.done, self.stopped, self.asked
        );
        if self.broken.is_empty() {
            let _ = writeln!(
                out,
                "  The round never took a second host down, and killed no guest. The faults themselves cost {} guests or disks.",
                self.lost
            );
        }
        for broken in &self.broken {
            let _ = writeln!(out, "  NOT SAFE: {broken}");
        }
        for (fault, what) in &self.examples {
            let _ = writeln!(out, "  {fault}: {what}");
        }
    }
}

fn more(out: &mut String, all: usize) {
    if all > SHOWN {
        let _ = writeln!(out, "  and {} more", all - SHOWN);
    }
}
