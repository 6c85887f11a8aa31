//! The checker: looks at the simulated world itself, before every call and after every step, and says when something was done that
//! must never be done. It believes neither the engine nor the feed.
//!
//! It asks for no more than can be known: a host that died a moment ago, or a mirror that somebody else just set back, is held against
//! nobody until there was time to see it. What xapi itself says at the moment of a call is held against it at once (I1: a read for this
//! call).

use crate::pool::Pool;
use crate::pool::limits::SETTLE;
use crate::rollout::call::Call;
use crate::rollout::claim::Claim;
use crate::rollout::entry::{CallId, Item};
use crate::rollout::run::{CallRun, Run};
use crate::sim::value::Value;
use crate::sim::world::{Away, Cause, Condition, Harm, HostTruth, World};
use crate::time::Time;
use crate::xenapi::record::{Config, Record, Ref};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

/// What must never be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, strum::IntoStaticStr, strum::EnumIter)]
#[strum(serialize_all = "kebab-case")]
pub enum Rule {
    /// A host is taken down, or out of use, while another is down, away, disabled or not in step; or while guests run on it.
    SecondHost,
    /// A running guest is lost or stopped, or a disk loses its last good copy, and no fault explains it.
    Harm,
    /// A call that costs something is made twice.
    Twice,
    /// A call whose intent is not in the journal.
    NoIntent,
    /// A call without holding the claim, or one that takes away somebody else's.
    NoClaim,
    /// The pool is not as it was found, and that is not listed.
    NotAsFound,
    /// Nothing happens although it could, or it goes round in circles.
    NoProgress,
    /// A call although the pool's database went back in time, which could be known and which no operator has looked at.
    WentBack,
    /// A run cannot be taken up again from its journal, or its journal is not what was done.
    Journal,
}

/// What was done, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// When, by the pool's clock.
    pub at: Time,
    /// Which rule.
    pub rule: Rule,
    /// What happened, as a sentence.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule: &'static str = self.rule.into();
        write!(f, "{rule} at {}: {}", self.at, self.text)
    }
}

/// A host that was told to reboot by us.
#[derive(Clone, Copy, Debug, Default)]
struct Ours {
    /// How often it went, and when it was told to the last time.
    went: usize,
    told: Option<Time>,
    /// It went, and is not all there and in step again.
    away: bool,
    /// When it was seen to be live, enabled and in step again.
    well: Option<Time>,
}

/// Our side of a call, as it stands before the call is made.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// What is believed of the pool.
    pub model: &'a Pool,
    /// What the journal says.
    pub run: &'a Run,
    /// Who we are, as the claim names it.
    pub owner: &'a str,
}

/// Watches a world.
#[derive(Clone, Debug)]
pub struct Checker {
    /// The first thing that must never be, if there was one.
    pub violation: Option<Violation>,
    /// How long something may be so before it must have been seen.
    pub detect: Duration,
    /// Hosts that were hurt by a fault or another captain, since when last.
    hurt: BTreeMap<Ref, Time>,
    /// Something was done to the pool as a whole.
    shaken: Option<Time>,
    ours: BTreeMap<Ref, Ours>,
    stopped: BTreeSet<Ref>,
    /// Guests that somebody else moved.
    moved: BTreeSet<Ref>,
    /// Guests that were where they were found when their host was done with.
    home: BTreeSet<Ref>,
    /// Where guests run, and since when.
    on: BTreeMap<Ref, (Ref, Time)>,
    harms: usize,
    generation: u64,
    /// How far the database had come at most since it last went back, as far as our side was told and remembers.
    told: u64,
    /// The database went back, our side was told so, and no operator has said that they looked: to where, and since when by our clock.
    back: Option<(u64, Time)>,
}

/// Whether a run says at its end that somebody else moved a guest. It may say so of one that it found at its host when that had its turn
/// only if it had brought it back (`back`): what HA does with it after that is not the round's doing.
fn told(run: &Run, vm: &Ref, home: &str, name: &str, back: bool) -> bool {
    let turn = run.plan.hosts.iter().zip(&run.hosts).find(|(p, _)| p.uuid == home);
    let ours = turn.and_then(|(_, h)| h.before.as_ref()).is_some_and(|b| b.guests.contains(vm));
    (back || !ours) && run.result.as_ref().is_some_and(|(_, text)| text.contains("somebody else moved") && text.contains(name))
}

/// Whether a host is all there, and the others reach it.
fn is_up(host: &HostTruth) -> bool {
    host.condition == Condition::Up && !host.cut
}

impl Default for Checker {
    fn default() -> Self {
        Self {
            violation: None,
            detect: Duration::from_secs(30),
            hurt: BTreeMap::new(),
            shaken: None,
            ours: BTreeMap::new(),
            stopped: BTreeSet::new(),
            moved: BTreeSet::new(),
            home: BTreeSet::new(),
            on: BTreeMap::new(),
            harms: 0,
            generation: 0,
            told: 0,
            back: None,
        }
    }
}

impl Checker {
    /// Notes a violation; the first counts.
    pub fn violate(&mut self, at: Time, rule: Rule, text: impl Into<String>) {
        if self.violation.is_none() {
            self.violation = Some(Violation { at, rule, text: text.into() });
        }
    }

    /// A fault, or someone else, does something to a host, or to the pool as a whole.
    pub fn hurts(&mut self, world: &World, host: Option<&Ref>, now: Time) {
        self.shaken = Some(now);
        if let Some(host) = host {
            self.hurt.insert(host.clone(), now);
        }
        // What it cost at once is not ours.
        self.harms = world.harms().len();
    }

    /// Somebody else moves a guest: where it belongs is theirs to say.
    pub fn moved(&mut self, guest: Ref) {
        self.moved.insert(guest);
    }

    /// A host is done with, or guests have been brought back to all of them: who is home now, of those whose host had its turn.
    pub fn turn_is_over(&mut self, world: &World, run: &Run) {
        let db = world.database();
        let over = |host: &str| run.plan.hosts.iter().zip(&run.hosts).any(|(p, h)| p.uuid == host && h.end.is_some());
        for (guest, host) in run.found.guests.iter().filter(|(_, host)| over(host)) {
            let Some(vm) = db.by_uuid("VM", guest) else { continue };
            if db.text(&db.reference(&vm, "resident_on"), "uuid") == host {
                self.home.insert(vm.clone());
            }
        }
    }

    /// Notes where guests run, and since when, while things are put back: what happens to them at the very end cannot be told any more.
    pub fn whereabouts(&mut self, world: &World) {
        let (now, db) = (crate::sim::api::Api::now(world), world.database());
        for vm in db.refs_of("VM") {
            let on = db.reference(vm, "resident_on");
            if self.on.get(vm).is_none_or(|(was, _)| *was != on) {
                let first = !self.on.contains_key(vm);
                self.on.insert(vm.clone(), (on, if first { Time::EPOCH } else { now }));
            }
        }
    }

    /// Our side is told how far the database has come. If that is less than it was told before, the database went back.
    pub fn hears(&mut self, generation: u64, now: Time) {
        if generation < self.told {
            self.back = Some((generation, now));
        }
        self.told = generation;
    }

    /// Our side is started again: it knows no more than what was kept (how far the database had come; to where it went back).
    /// What happened before is not later than `now`, by whatever clock.
    pub fn forgets(&mut self, (generation, back): (u64, Option<u64>), now: Time) {
        self.told = generation;
        self.back = self.back.filter(|(to, _)| Some(*to) == back).map(|(to, at)| (to, at.min(now)));
    }

    /// An operator who was asked about a database that went back, at `since`, lets the run go on.
    pub fn accepts(&mut self, since: Time) {
        self.back = self.back.filter(|(_, at)| *at > since);
    }

    fn unseen(&self, host: Option<&Ref>, now: Time) -> bool {
        let since = host.map_or(self.shaken, |h| self.hurt.get(h).copied());
        since.is_some_and(|at| now.since(at) < self.detect)
    }

    /// Before a call is made. `intent` is what the journal says of it.
    pub fn before(&mut self, world: &World, side: Side<'_>, id: CallId, call: &Call, intent: Option<&Call>) {
        let run = side.run;
        let now = crate::sim::api::Api::now(world);
        if intent != Some(call) {
            self.violate(now, Rule::NoIntent, format!("call {id} ({call:?}) is made, and the journal says {intent:?}"));
        }
        if let Some((to, since)) = self.back {
            let text =
                format!("call {id} ({call:?}) is made, and the database went back to {to}, seen at {since}: nobody has looked");
            self.violate(now, Rule::WentBack, text);
        }
        self.claim(world, side, call, now);
        match call {
            Call::Reboot { host } => {
                self.safe(world, host, now, true);
                self.ours.entry(host.clone()).or_default();
            }
            // Again: it is out of use already, as far as we are concerned. Nor does one go out of use that was found so, and that its
            // reboot enabled: it is put back.
            Call::Disable { host } => {
                let before = |c: &CallRun| c.call == *call && c.outcome.as_ref().is_some_and(|(o, _)| o.is_done());
                let again = run.calls.iter().any(|(known, c)| *known != id && before(c));
                let turn = run.plan.hosts.iter().zip(&run.hosts).find(|(p, _)| p.host == *host);
                let found_out = turn.and_then(|(_, h)| h.before.as_ref()).is_some_and(|b| !b.enabled);
                if !again && !found_out {
                    self.safe(world, host, now, false);
                }
            }
            Call::ShutDown { vm } => {
                if !run.plan.options.shut_down_pinned {
                    self.violate(now, Rule::Harm, format!("guest {vm} is shut down, which the operator did not allow"));
                }
                // A first call that never arrived, or failed, left it running: then a second one is right.
                let db = world.database();
                let going = db
                    .map(vm, "current_operations")
                    .values()
                    .any(|v| matches!(v, Value::Str(text) if &**text == "clean_shutdown"));
                let gone = db.text(vm, "power_state") == "Halted";
                if !self.stopped.insert(vm.clone()) && (going || gone) {
                    self.violate(now, Rule::Twice, format!("guest {vm} is shut down for the second time"));
                }
            }
            Call::StartOn { vm, .. } => {
                self.stopped.remove(vm);
            }
            _ => {}
        }
    }

    fn claim(&mut self, world: &World, side: Side<'_>, call: &Call, now: Time) {
        let Side { model, run, owner } = side;
        if matches!(call, Call::Claim { .. }) {
            return;
        }
        let db = world.database();
        let really = db.pool().and_then(|r| {
            let texts = db.map(r, "other_config").iter().filter_map(|(k, v)| match v {
                Value::Str(text) => Some((&**k, &**text)),
                _ => None,
            });
            Claim::of(&texts.collect::<Config>())
        });
        let ours = |claim: Option<&Claim>| claim.is_some_and(|c| c.is_ours(owner, &run.id));
        let destructive = call.is_destructive() || matches!(call, Call::Disable { .. });
        let told = db.pool().and_then(|r| match model.record(r) {
            Some(Record::Pool(pool)) => Claim::of(&pool.other_config),
            _ => None,
        });
        if matches!(call, Call::Unclaim) {
            if really.is_some() && !ours(really.as_ref()) && !ours(told.as_ref()) {
                self.violate(now, Rule::NoClaim, format!("the claim of somebody else is taken away: {really:?}"));
            }
            return;
        }
        if !ours(really.as_ref()) && (destructive || !ours(told.as_ref())) {
            self.violate(now, Rule::NoClaim, format!("{call:?} is made, and the claim is {really:?}"));
        }
    }

    /// Whether a host may be taken out of use, or down, now.
    fn safe(&mut self, world: &World, host: &Ref, now: Time, down: bool) {
        let truth = world.truth();
        let what = if down { "reboot" } else { "disable" };
        let Some(this) = truth.hosts.iter().find(|h| h.r == *host) else {
            return self.violate(now, Rule::SecondHost, format!("{what} of {host}, which is no host of this pool"));
        };
        for other in truth.hosts.iter().filter(|h| h.r != *host) {
            let believed = other.live && other.enabled && !other.leaving;
            if !(believed && (is_up(other) || self.unseen(Some(&other.r), now))) {
                let why = format!(
                    "{what} of {} while {} is {}{}{}",
                    this.name,
                    other.name,
                    if is_up(other) { "up" } else { "not up" },
                    if other.enabled { "" } else { ", disabled" },
                    if other.leaving { ", going down" } else { "" }
                );
                self.violate(now, Rule::SecondHost, why);
            }
        }
        let db = world.database();
        // I2: silence counts only once it has lasted.
        let mirrored = db.refs_of("SR").any(|sr| db.text(sr, "type") == "linstor");
        let soon = self.ours.iter().find(|(r, ours)| *r != host && ours.well.is_some_and(|at| now.since(at) < SETTLE));
        if let Some((r, _)) = soon.filter(|_| mirrored) {
            let last = db.text(r, "name_label");
            let why = format!("{what} of {}, and {last} has not been well again for the settle window", this.name);
            self.violate(now, Rule::SecondHost, why);
        }
        let pending = |t: &&Ref| db.text(t, "name_label") == "SR Recovering" && db.text(t, "status") == "pending";
        let shown = db.refs_of("task").any(|t| pending(&t));
        // Where nobody hurt the pool, or the copies of a host of ours are behind, it must have been waited for even if nothing shows it.
        let mine = |h: &HostTruth| !h.in_step && self.ours.contains_key(&h.r) && !self.hurt.contains_key(&h.r);
        let known = (truth.degraded && self.shaken.is_none()) || (truth.hosts.iter().any(mine) && !self.unseen(None, now));
        if shown || known {
            let why = format!("{what} of {} while a mirror is not in step (shown: {shown})", this.name);
            self.violate(now, Rule::SecondHost, why);
        }
        if down {
            if !this.guests.is_empty() {
                self.violate(now, Rule::SecondHost, format!("reboot of {} with {} guests on it", this.name, this.guests.len()));
            }
            if this.enabled {
                self.violate(now, Rule::SecondHost, format!("reboot of {}, which is enabled", this.name));
            }
        }
    }

    /// After something happened.
    pub fn after(&mut self, world: &World) {
        let now = crate::sim::api::Api::now(world);
        self.harmed(world, now);
        let generation = world.database().generation();
        if self.ours.is_empty() || generation == self.generation {
            return;
        }
        self.generation = generation;
        let truth = world.truth();
        let mut away = Vec::new();
        let mut twice = None;
        for host in &truth.hosts {
            let Some(ours) = self.ours.get_mut(&host.r) else { continue };
            // What counts is a call of ours that a host goes down by: one that was refused, never arrived, or was taken by a xapi that died
            // before it acted on it, takes nobody down, and to make it again is right.
            if let Some(Away { since, cause: Cause::Call { originator, .. } }) = &host.away
                && originator == super::eye::ORIGINATOR
                && self.hurt.get(&host.r).is_none_or(|at| at < since)
            {
                let down = host.condition <= Condition::Booting;
                if down || host.leaving {
                    ours.away = true;
                    ours.well = None;
                }
                if down && ours.told != Some(*since) {
                    ours.told = Some(*since);
                    ours.went += 1;
                }
            }
            if ours.went > 1 {
                twice = Some(host.name.clone());
            }
            // Its own copies: those of a host that a fault set back are not its affair.
            if ours.away && is_up(host) && !host.leaving && host.enabled && host.in_step {
                ours.away = false;
            }
            // By what can be known of it: xapi may enable a host whose own start has not ended to the last step.
            let runs = host.condition > Condition::Booting && !host.leaving && !host.cut;
            if ours.went > 0 && ours.well.is_none() && runs && host.live && host.enabled && host.in_step {
                ours.well = Some(now);
            }
            if ours.away {
                away.push(host.name.clone());
            }
        }
        if let Some(name) = twice {
            self.violate(now, Rule::Twice, format!("{name} was rebooted for the second time"));
        }
        if away.len() > 1 {
            let behind: Vec<&str> = truth.hosts.iter().filter(|h| !h.in_step).map(|h| &*h.name).collect();
            let state = format!("behind: {behind:?}, rebuilding: {}", truth.rebuilding);
            let text = format!("{} are down or not in step, both because of us ({state})", away.join(" and "));
            self.violate(now, Rule::SecondHost, text);
        }
    }

    fn harmed(&mut self, world: &World, now: Time) {
        let new = world.harms().get(self.harms..).unwrap_or_default();
        let Some((_, harm)) = new.first() else { return };
        self.harms = world.harms().len();
        let name_is_ours = |name: &str| {
            let db = world.database();
            db.find("host", "name_label", &name.into()).is_some_and(|r| self.ours.contains_key(&r) && !self.hurt.contains_key(&r))
        };
        let ours = match harm {
            Harm::GuestLost { host, .. } | Harm::GuestStopped { host, .. } => self.hurt.is_empty() || name_is_ours(host),
            Harm::DiskLost { .. } => self.hurt.is_empty(),
        };
        if ours {
            self.violate(now, Rule::Harm, format!("{harm:?}"));
        }
    }

    /// At the end of a run: whether the pool is as it was found, or what differs is listed.
    pub fn at_the_end(&mut self, world: &World, run: &Run, owner: &str) {
        let now = crate::sim::api::Api::now(world);
        let db = world.database();
        let Some(pool) = db.pool().cloned() else { return };
        let listed = |item: &Item| run.left.contains_key(item);
        let mut missing: Vec<String> = Vec::new();
        let ha = db.boolean(&pool, "ha_enabled");
        if run.found.ha.is_some() && !ha && !listed(&Item::Ha) {
            missing.push("HA is off".into());
        }
        if run.found.ha.is_some()
            && ha
            && run.found.ha.as_ref().is_some_and(|f| f.tolerates != db.int(&pool, "ha_host_failures_to_tolerate"))
            && !listed(&Item::Tolerance)
        {
            missing.push("HA tolerates another number of failures".into());
        }
        let auto = db.map_get(&pool, "other_config", "auto_poweron") == Some("true");
        if run.found.auto_poweron && !auto && !listed(&Item::AutoPowerOn) {
            missing.push("auto_poweron is off".into());
        }
        if run.found.wlb && !db.boolean(&pool, "wlb_enabled") && !listed(&Item::Wlb) {
            missing.push("WLB is off".into());
        }
        let claim = db.map_get(&pool, "other_config", crate::rollout::claim::KEY);
        if claim.is_some_and(|c| c.contains(&run.id) && c.contains(owner)) && !listed(&Item::Claim) {
            missing.push("our claim is still there".into());
        }
        let truth = world.truth();
        let disabled_by_us: BTreeSet<&Ref> =
            run.calls.values().filter_map(|c| if let Call::Disable { host } = &c.call { Some(host) } else { None }).collect();
        for host in disabled_by_us {
            let uuid = db.text(host, "uuid").to_owned();
            // Disabled already when it was begun, whoever did that.
            let begun = run.plan.hosts.iter().zip(&run.hosts).find(|(p, _)| p.host == *host);
            let was_out = begun.and_then(|(_, h)| h.before.as_ref()).is_some_and(|b| !b.enabled);
            let was = was_out || run.found.disabled.contains(&uuid);
            // One that a fault took down, or took down a moment ago, is out of use by that.
            let fault =
                |h: &HostTruth| h.r == *host && matches!(h.away.as_ref().map(|a| &a.cause), Some(Cause::Fault | Cause::Fence));
            if self.unseen(Some(host), now) || truth.hosts.iter().any(fault) {
                continue;
            }
            if !was && !db.boolean(host, "enabled") && !listed(&Item::Host { host: uuid.clone() }) {
                missing.push(format!("{} is disabled", db.text(host, "name_label")));
            }
        }
        // A run that never told a guest or a host to go anywhere has moved none: what happened to them meanwhile is not its doing.
        let moves = |c: &CallRun| {
            matches!(
                c.call,
                Call::Evacuate { .. } | Call::Migrate { .. } | Call::ShutDown { .. } | Call::StartOn { .. } | Call::Reboot { .. }
            )
        };
        if run.plan.options.home && run.calls.values().any(moves) {
            for (guest, host) in &run.found.guests {
                let Some(vm) = db.by_uuid("VM", guest) else { continue };
                let on = db.reference(&vm, "resident_on");
                let here = db.text(&on, "uuid") == host;
                let runs = matches!(db.text(&vm, "power_state"), "Running" | "Paused");
                let item = Item::Guest { guest: guest.clone(), host: host.clone() };
                let halted = Item::Halted { guest: guest.clone(), host: host.clone() };
                let stopped_by_us = self.stopped.contains(&vm);
                let just_now = self.on.get(&vm).is_some_and(|(was, since)| *was != on || now.since(*since) < self.detect);
                if runs
                    && !here
                    && !just_now
                    && !listed(&item)
                    && !self.moved.contains(&vm)
                    && !told(run, &vm, host, db.text(&vm, "name_label"), self.home.contains(&vm))
                {
                    missing.push(format!("guest {} is on {}", db.text(&vm, "name_label"), db.text(&on, "name_label")));
                } else if !runs && stopped_by_us && !listed(&halted) {
                    missing.push(format!("guest {} is halted, because of us", db.text(&vm, "name_label")));
                }
            }
        }
        if !missing.is_empty() {
            let text = format!("{}; listed are only {:?}", missing.join(", "), run.left.keys().collect::<Vec<_>>());
            self.violate(now, Rule::NotAsFound, text);
        }
    }

    /// How often each host was rebooted because of us.
    pub fn reboots(&self) -> BTreeMap<Ref, usize> {
        self.ours.iter().map(|(r, ours)| (r.clone(), ours.went)).collect()
    }
}
