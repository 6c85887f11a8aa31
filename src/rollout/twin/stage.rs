//! A real engine with a real journal on a simulated pool: everything happens in the order of the virtual clock, which jumps from one
//! thing that is due to the next.

use super::book::{Book, Death};
use super::check::{Checker, Rule, Side};
use super::eye::Eye;
use super::hands::{self, Hands, Made};
use super::memory::Memory;
use super::trouble::{Trouble, What, When};
use crate::pool::picture::Severity;
use crate::rollout::engine::{Engine, Job, LogError};
use crate::rollout::entry::{Command, Entry, Found, Phase};
use crate::rollout::machine::Guards;
use crate::rollout::plan::{Accepted, Options, Plan, PlanError, Scope, Wanted, make};
use crate::rollout::preflight;
use crate::rollout::run::WENT_BACK;
use crate::rollout::survey::{self, Survey};
use crate::sim::api::{Api, Door};
use crate::sim::value::Value;
use crate::sim::world::{Fault, World};
use crate::time::Time;
use crate::xenapi::record::Ref;
use std::time::Duration;

/// The longest jump of the clock: so that what changes by time alone is looked at.
const STRIDE: Duration = Duration::from_secs(30);
/// Turns at one instant after which an engine is said to go round in circles.
const CIRCLES: u32 = 300;

/// Who runs the engine here.
pub const OWNER: &str = "operator@twin";
/// The user that it logs in as.
const USER: (&str, &str) = ("root", "poolwatch");

/// A pool, an engine on it, and what befalls both.
pub struct Stage {
    /// The pool.
    pub world: World,
    /// What the engine sees of it.
    pub eye: Eye,
    /// The engine; `None` while its program is dead.
    pub engine: Option<Engine<Book>>,
    /// Who watches.
    pub checker: Checker,
    /// The calls that were made: when, and how many.
    pub calls: usize,
    /// Things that happened, in words, if that is wanted.
    pub log: Option<Vec<(Time, String)>>,
    /// Which guards the engine has: all, unless one is taken out to see that its lack is noticed.
    pub guards: Guards,
    /// After what time a fault is mended by itself; `None`: never, unless the operator does.
    pub mended_after: Option<Duration>,
    hands: Hands,
    first: Option<Entry>,
    troubles: Vec<Trouble>,
    /// Faults that are still to be mended, and when.
    pub(super) heals: Vec<(Time, Fault)>,
    book: Book,
    last: Time,
    back: Option<Time>,
    /// What was kept when our program died.
    asleep: Memory,
    jump_ms: i64,
    began: Time,
    wake: Option<Time>,
    dirty: bool,
    instant: (Time, u32),
    steps: u64,
    /// Hosts that are done with, and whether the run has come to putting back what it changed.
    over: (usize, bool),
}

impl Stage {
    /// A pool before a round: the program connects and reads it.
    pub fn new(world: World, troubles: Vec<Trouble>) -> Self {
        let began = world.now();
        let mut eye = Eye::new("twin", USER.0, USER.1);
        let mut world = world;
        eye.look(&mut world);
        eye.ask(&mut world);
        Self {
            world,
            eye,
            engine: None,
            checker: Checker::default(),
            calls: 0,
            log: None,
            guards: Guards::default(),
            mended_after: Some(Duration::from_secs(2 * 3600)),
            hands: Hands::default(),
            first: None,
            troubles,
            heals: Vec::new(),
            book: Book::default(),
            last: began,
            back: None,
            asleep: Memory::default(),
            jump_ms: 0,
            began,
            wake: None,
            dirty: true,
            instant: (Time::EPOCH, 0),
            steps: 0,
            over: (0, false),
        }
    }

    /// What plan and checks have to read, read on the twin.
    pub fn survey(&mut self, scope: &Scope) -> Survey {
        let mut survey = Survey::default();
        for look in survey::looks(&self.eye.pool, scope) {
            let looked = hands::look(&mut self.world, &self.eye, &look);
            survey.take(look, looked);
        }
        survey
    }

    /// A plan for what is asked for, and the pool as it is found; as for a real pool.
    pub fn plan(&mut self, scope: &Scope, options: Options) -> Result<(Plan, Found), PlanError> {
        let survey = self.survey(scope);
        self.eye.ask(&mut self.world);
        let now = self.eye.own(&self.world);
        let picture = self.eye.pool.picture(now);
        let mut plan = make(&self.eye.pool, &picture, &survey, scope, options, now)?;
        self.accept_of(&mut plan, &survey);
        let db = self.world.database();
        let disks = db.pool().map(|pool| db.set_of(pool, "ha_statefiles")).unwrap_or_default();
        let sr = |disk: &Value| if let Value::Str(disk) = disk { Some(db.reference(&Ref::from(&**disk), "SR")) } else { None };
        let found = Found::of(&self.eye.pool, &plan, disks.iter().filter_map(sr).collect());
        Ok((plan, found))
    }

    /// Accepts whatever can be accepted of what speaks against a plan here: whoever rehearses has not been asked yet.
    pub fn accept(&mut self, plan: &mut Plan) {
        let wanted = if plan.kind.is_update() { Wanted::Update } else { Wanted::Reboot };
        let survey = self.survey(&Scope { wanted, ..Scope::default() });
        self.accept_of(plan, &survey);
    }

    fn accept_of(&mut self, plan: &mut Plan, survey: &Survey) {
        self.eye.ask(&mut self.world);
        let now = self.eye.own(&self.world);
        let picture = self.eye.pool.picture(now);
        for finding in preflight::findings(&self.eye.pool, &picture, survey, plan, now) {
            if finding.severity == Severity::Soft {
                let reason = "accepted on a twin".to_owned();
                plan.options.accepted.push(Accepted { code: finding.code, about: finding.about, reason });
            }
        }
    }

    /// A round begins.
    pub fn begin(&mut self, run: &str, plan: Plan, found: Found) {
        self.first = Some(Entry::Began { run: run.to_owned(), by: OWNER.to_owned(), version: "twin".into(), plan, found });
        self.start();
    }

    /// The round is begun, or begun again because nothing of it was written.
    fn start(&mut self) {
        let Some(first) = self.first.clone() else { return };
        self.book.dies(self.death());
        match Engine::begin(self.book.clone(), self.eye.own(&self.world), &first) {
            Ok(mut engine) => {
                engine.guards = self.guards;
                self.engine = Some(engine);
            }
            Err(_) => self.died(),
        }
        self.dirty = true;
    }

    /// The next death that is planned, at its line.
    fn death(&self) -> Option<(usize, Death)> {
        let deaths = self.troubles.iter().filter_map(|t| match (t.when, &t.what) {
            (When::Line(line), What::Kill { how, .. }) => Some((line, *how)),
            _ => None,
        });
        deaths.min_by_key(|(line, _)| *line)
    }

    /// The journal.
    pub const fn book(&self) -> &Book {
        &self.book
    }

    /// How many steps it took so far.
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    /// For how long it has been going on.
    pub fn elapsed(&self) -> Duration {
        self.world.now().since(self.began)
    }

    /// The coordinator, by name, if it answers whoever calls it.
    pub fn reachable(&self) -> Option<String> {
        let truth = self.world.truth();
        let coordinator = truth.hosts.iter().find(|h| h.ix == truth.coordinator)?;
        (self.world.door(coordinator.ix) == Door::Open).then(|| coordinator.name.clone())
    }

    /// Whether the run is over.
    pub fn is_over(&self) -> bool {
        self.engine.as_ref().is_some_and(|e| e.run.result.is_some())
    }

    pub(super) fn note(&mut self, text: impl FnOnce() -> String) {
        let at = self.world.now();
        if let Some(log) = &mut self.log {
            log.push((at, text()));
        }
    }

    /// The operator says something. What the answer was.
    pub fn command(&mut self, command: &Command) -> Result<(), String> {
        let Self { engine, eye, world, checker, .. } = self;
        let Some(engine) = engine else { return Err("the program is not running".into()) };
        eye.ask(world);
        let now = eye.own(world);
        let picture = eye.pool.glance(now);
        // Asked about a database that went back, an operator answers by letting the run go on, or end.
        let asked = engine.run.stuck.as_ref().filter(|s| s.why.starts_with(WENT_BACK)).map(|s| s.since);
        let said = engine.command(now, &eye.pool, &picture, command);
        // It counts once it is on the disk, also if our program died of that.
        let written = said.is_ok() || matches!(engine.log.disk().entries.last(), Some((_, Entry::Command { .. })));
        let goes_on = matches!(command, Command::Retry | Command::Abort | Command::Restore);
        if let Some(since) = asked.filter(|_| written && goes_on) {
            checker.accepts(since);
        }
        if engine.log.is_dead() {
            self.die();
        }
        self.dirty = true;
        self.note(|| format!("operator: {command:?}: {said:?}"));
        said
    }

    /// Does what is due at this instant, then lets time pass until something is due again.
    pub fn step(&mut self) {
        self.steps += 1;
        self.mend();
        self.befall();
        self.come_back();
        let news = self.look();
        self.eye.ask(&mut self.world);
        let came = self.hands.collect(&mut self.world);
        for (id, made) in came {
            self.dirty = true;
            self.note(|| format!("call {id}: {made:?}"));
            if self.tell(id, made).is_err() {
                self.die();
            }
        }
        let now = self.eye.own(&self.world);
        if news || self.dirty || self.wake.is_some_and(|at| at <= now) || now.since(self.last) >= STRIDE {
            self.turn();
        }
        self.checker.after(&self.world);
        if self.over.1 {
            self.checker.whereabouts(&self.world);
        }
        self.pass();
    }

    /// Takes in what there is to see; who watches knows what could be known by it.
    fn look(&mut self) -> bool {
        let news = self.eye.look(&mut self.world);
        // What nobody sees because our program is dead is not known to it.
        if self.back.is_none() {
            self.checker.hears(self.eye.told(), self.eye.own(&self.world));
        }
        news
    }

    fn tell(&mut self, id: u64, made: Made) -> Result<(), LogError> {
        let now = self.eye.own(&self.world);
        let Some(engine) = &mut self.engine else { return Ok(()) };
        match made {
            Made::Task(task) => engine.accepted(now, id, task),
            Made::Ended(outcome) => engine.ended(now, id, outcome),
            Made::Waiting => Ok(()),
        }
    }

    /// Lets the engine do what it wants to do now.
    fn turn(&mut self) {
        self.dirty = false;
        self.last = self.eye.own(&self.world);
        if self.engine.is_none() {
            return;
        }
        self.eye.ask(&mut self.world);
        let mut now = self.eye.own(&self.world);
        if self.instant.0 == now {
            self.instant.1 += 1;
        } else {
            self.instant = (now, 0);
        }
        let mut rounds = 0;
        loop {
            let Some(engine) = &mut self.engine else { return };
            let picture = self.eye.pool.glance(now);
            let Ok((jobs, wake)) = engine.turn(now, &self.eye.pool, &picture) else { return self.die() };
            self.wake = wake;
            let ended = engine.run.hosts.iter().filter(|h| h.end.is_some()).count();
            let over = engine.run.phase.0 >= Phase::Restore;
            if self.over != (ended, over) {
                self.over = (ended, over);
                self.checker.turn_is_over(&self.world, &engine.run);
            }
            if jobs.is_empty() {
                return;
            }
            for job in jobs {
                if self.do_job(job).is_err() {
                    return self.die();
                }
            }
            // Some readings take time.
            let then = self.eye.own(&self.world);
            if then != now {
                self.look();
                now = then;
            }
            rounds += 1;
            if rounds + self.instant.1 > CIRCLES {
                let at = self.world.now();
                return self.checker.violate(at, Rule::NoProgress, "the engine goes round in circles at one instant");
            }
        }
    }

    fn do_job(&mut self, job: Job) -> Result<(), LogError> {
        let now = self.eye.own(&self.world);
        let Some(engine) = &mut self.engine else { return Ok(()) };
        match job {
            Job::Look(look) => {
                let looked = hands::look(&mut self.world, &self.eye, &look);
                engine.looked(look, looked);
                Ok(())
            }
            Job::Make { id, call } => {
                let intent = self.book.intent(id);
                let side = Side { model: &self.eye.pool, run: &engine.run, owner: OWNER };
                self.checker.before(&self.world, side, id, &call, intent.as_ref());
                let made = self.hands.make(&mut self.world, &mut self.eye, id, &call);
                self.calls += 1;
                self.checker.after(&self.world);
                self.note(|| format!("call {id} {call:?}: {made:?}"));
                let Some(engine) = &mut self.engine else { return Ok(()) };
                match made {
                    Made::Task(task) => engine.accepted(now, id, task),
                    Made::Ended(outcome) => engine.ended(now, id, outcome),
                    Made::Waiting => Ok(()),
                }
            }
        }
    }

    /// Our program is gone, at whatever it was doing; it will be started again.
    pub(super) fn die(&mut self) {
        if self.engine.take().is_some() {
            self.died();
        }
    }

    fn died(&mut self) {
        let lines = self.book.lines();
        self.hands.drop_all(&mut self.world);
        self.asleep = self.eye.memory.again();
        let due = |t: &Trouble| matches!(t.what, What::Kill { .. }) && matches!(t.when, When::Line(l) if l <= lines);
        let kill = self.troubles.iter().position(due).map(|at| self.troubles.remove(at).what);
        let (away, jump) = if let Some(What::Kill { away_s, jump_s, .. }) = kill { (away_s, jump_s) } else { (30, 0) };
        self.back = Some(self.world.now() + Duration::from_secs(away));
        self.jump_ms = jump.saturating_mul(1000);
        self.wake = None;
        self.note(|| format!("our program died at line {lines}"));
    }

    /// Our program is started again.
    fn come_back(&mut self) {
        let now = self.world.now();
        if self.back.is_none_or(|at| at > now) {
            return;
        }
        // It connects first: without a pool to compare with, nothing can be taken up again.
        let mut eye = Eye::new("twin", USER.0, USER.1);
        eye.ahead_ms = self.eye.ahead_ms + self.jump_ms;
        // Time never goes back within a run: if our clock did, it is taken to stand where the journal ends, for all that is seen.
        let written = self.book.disk().entries.last().map_or(0, |(last, _)| last.millis_after(eye.own(&self.world)));
        eye.ahead_ms += written.max(0);
        eye.lag = self.eye.lag;
        eye.late = self.eye.late;
        eye.memory = self.asleep.again();
        let kept = eye.memory.kept();
        eye.look(&mut self.world);
        if eye.session().is_none() {
            self.back = Some(now + Duration::from_secs(5));
            return;
        }
        self.back = None;
        self.jump_ms = 0;
        self.checker.forgets(kept, eye.own(&self.world));
        self.checker.hears(eye.told(), eye.own(&self.world));
        eye.ask(&mut self.world);
        self.eye = eye;
        match self.book.reopen() {
            Ok(true) => {}
            Ok(false) => return self.start(),
            Err(wrong) => return self.checker.violate(now, Rule::Journal, format!("the journal cannot be read again: {wrong}")),
        }
        self.book.dies(self.death());
        let entries = self.book.disk().entries.clone();
        let own = self.eye.own(&self.world);
        match Engine::resume(self.book.clone(), &entries, own, OWNER) {
            Ok(mut engine) => {
                engine.guards = self.guards;
                self.engine = Some(engine);
            }
            Err(_) if self.book.is_dead() => return self.died(),
            Err(why) => return self.checker.violate(now, Rule::Journal, format!("the run cannot be taken up again: {why}")),
        }
        self.note(|| "our program goes on".into());
        self.dirty = true;
    }

    /// Lets time pass until something is due.
    fn pass(&mut self) {
        let now = self.world.now();
        self.eye.notice(&self.world);
        let pool_time = |own: Time, ahead: i64| Time::from_millis(own.as_millis().saturating_sub(ahead));
        let wake = self.wake.map(|at| pool_time(at, self.eye.ahead_ms));
        let trouble =
            self.troubles.iter().filter_map(|t| if let When::After(d) = t.when { Some(self.began + d) } else { None }).min();
        let heal = self.heals.iter().map(|(at, _)| *at).min();
        let ours = [self.eye.next_due(&self.world), self.hands.next_due(), wake, trouble, heal, self.back];
        let ours = ours.into_iter().flatten().min();
        if self.dirty || ours.is_some_and(|at| at <= now) {
            // There is more to do at this instant; but never without an end.
            self.world.advance(now + Duration::from_millis(u64::from(!self.dirty)));
            return;
        }
        // What the world calls due and does not get done (an answer that nobody waits for any more) does not hold the clock up.
        let theirs = self.world.next_due().filter(|at| *at > now);
        let next = [ours, theirs].into_iter().flatten().min().unwrap_or(now + STRIDE).min(now + STRIDE);
        self.world.advance(next);
    }

    fn mend(&mut self) {
        let now = self.world.now();
        while let Some(at) = self.heals.iter().position(|(at, _)| *at <= now) {
            let (_, fault) = self.heals.swap_remove(at);
            self.note(|| format!("mended: {fault}"));
            let _ = self.world.fault(fault);
        }
    }

    /// Whether a copy of a mirror is behind, as whoever looks on the hosts sees it.
    pub fn is_behind(&self) -> bool {
        self.world.truth().hosts.iter().any(|h| !h.in_step)
    }

    /// Everything that is still broken is mended. Whether anything was.
    pub fn mend_all(&mut self) -> bool {
        let now = self.world.now();
        let any = !self.heals.is_empty();
        for heal in &mut self.heals {
            heal.0 = now;
        }
        self.mend();
        any
    }

    fn befall(&mut self) {
        let (now, began) = (self.world.now(), self.began);
        let lines = self.book.lines();
        while let Some(at) = self.troubles.iter().position(|t| match t.when {
            When::Line(_) if matches!(t.what, What::Kill { .. }) => false,
            When::Line(line) => line <= lines,
            When::After(after) => began + after <= now,
        }) {
            let trouble = self.troubles.remove(at);
            self.note(|| format!("trouble: {trouble}"));
            self.happen(trouble.what);
        }
    }

    fn happen(&mut self, what: What) {
        let now = self.world.now();
        match what {
            What::Kill { how, away_s, jump_s } => {
                let line = self.book.lines();
                self.troubles.push(Trouble { when: When::Line(line), what: What::Kill { how, away_s, jump_s } });
                self.book.dies(self.death());
            }
            What::Call(mishap) => self.hands.mishap = Some(mishap),
            What::Late(secs) => self.eye.late = now + Duration::from_secs(secs),
            What::Lost => self.eye.lost = true,
            What::Pool(fault) => self.pool_fault(fault),
            What::Captain(deed) => self.captain(deed),
            What::Command(command) => drop(self.command(&command)),
        }
        self.dirty = true;
    }
}
