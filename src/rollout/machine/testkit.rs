//! A tiny pool on a virtual clock that does what it is told, for the tests of the machine: hosts that go away and come back, guests that
//! move, tasks that end, and refusals on demand. It keeps a list of every call that reached it.

use crate::rollout::call::Call;
use crate::rollout::engine::{Engine, Job, Log, LogError};
use crate::rollout::entry::{Command, Entry, HostEnd, RunResult};
use crate::rollout::look::Looked;
use crate::rollout::plan::{Deadlines, HostPlan, Kind, Options, Plan, Stage, Step};
use crate::time::Time;
use std::time::Duration;
use strum::IntoEnumIterator;

mod world;

pub use world::*;

pub const ME: &str = "admin@desk";

/// A journal in memory.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    pub lines: Vec<(Time, Entry)>,
    /// Writing fails from this line on.
    pub full_at: Option<usize>,
}

impl Log for Memory {
    fn append(&mut self, at: Time, entry: &Entry) -> Result<(), LogError> {
        if self.full_at.is_some_and(|n| self.lines.len() >= n) {
            return Err(LogError("no space left on device".into()));
        }
        self.lines.push((at, entry.clone()));
        Ok(())
    }
}

/// A plan for all hosts, in their order.
pub fn plan(world: &World, kind: Kind) -> Plan {
    let steps: Vec<Step> = Stage::iter()
        .filter(|s| *s != Stage::Update || kind.is_update())
        .map(|stage| Step { stage, why: String::new() })
        .collect();
    let hosts = (0..world.hosts.len()).map(|n| HostPlan {
        host: h(n),
        uuid: host_uuid(n),
        name: format!("xcp{n}"),
        coordinator: n == 0,
        why: String::new(),
        steps: steps.clone(),
        updates: vec![],
    });
    Plan {
        pool: "pool".into(),
        pool_name: "prod".into(),
        kind,
        made: world.now,
        hosts: hosts.collect(),
        left_out: vec![],
        options: Options { deadlines: Deadlines::default(), ..Options::default() },
    }
}

/// A run on such a pool.
pub struct Bench {
    pub world: World,
    pub engine: Engine<Memory>,
    /// Seconds that pass between two turns.
    pub pace: u64,
}

impl Bench {
    pub fn new(world: World) -> Self {
        Self::with(world, Kind::Reboot, |_| {})
    }

    pub fn with(world: World, kind: Kind, change: impl FnOnce(&mut Plan)) -> Self {
        let mut plan = plan(&world, kind);
        change(&mut plan);
        let began = Entry::Began { run: "r1".into(), by: ME.into(), version: "0".into(), plan, found: world.found() };
        let engine = Engine::begin(Memory::default(), world.now, &began).expect("begins");
        Self { world, engine, pace: 1 }
    }

    /// Does everything that can be done now.
    pub fn turn(&mut self) {
        for _ in 0..200 {
            let picture = self.world.picture();
            let (jobs, _) = self.engine.turn(self.world.now, &self.world.pool, &picture).expect("the journal can be written");
            if jobs.is_empty() {
                return;
            }
            for job in jobs {
                self.make(job);
            }
            self.world.tell();
        }
        panic!("it never comes to rest: {:?}", self.last_lines());
    }

    pub fn make(&mut self, job: Job) {
        let now = self.world.now;
        match job {
            Job::Make { id, call } => match self.world.reach(&call) {
                Ok(task) => self.engine.accepted(now, id, task).expect("written"),
                Err(outcome) => self.engine.ended(now, id, outcome).expect("written"),
            },
            Job::Look(look) => {
                let sight = self.world.look(&look);
                self.engine.looked(look, Looked { asked: now, answered: now, sight });
            }
        }
    }

    pub fn last_lines(&self) -> Vec<&Entry> {
        self.engine.log.lines.iter().rev().take(12).map(|(_, e)| e).collect()
    }

    /// Lets it run until `done`, at most this long.
    pub fn until(&mut self, secs: u64, done: impl Fn(&Self) -> bool) -> &mut Self {
        let end = self.world.now + Duration::from_secs(secs);
        loop {
            self.turn();
            assert!(self.world.faults.is_empty(), "{:?}", self.world.faults);
            if done(self) {
                return self;
            }
            assert!(self.world.now < end, "not within {secs} s: {} {:#?}", self.engine.run.waiting, self.last_lines());
            self.world.pass(self.pace);
        }
    }

    /// Lets it run for a while.
    pub fn run(&mut self, secs: u64) -> &mut Self {
        let end = self.world.now + Duration::from_secs(secs);
        self.until(secs + 1, |b| b.world.now >= end)
    }

    /// Lets it run to its end.
    pub fn finish(&mut self) -> RunResult {
        self.until(40_000, |b| b.engine.run.result.is_some() || b.engine.run.stuck.is_some());
        assert!(self.engine.run.stuck.is_none(), "stuck: {:?}", self.engine.run.stuck);
        self.result()
    }

    /// Lets it run until it asks the operator.
    pub fn stuck(&mut self, secs: u64) -> String {
        self.until(secs, |b| b.engine.run.stuck.is_some());
        self.engine.run.stuck.clone().expect("stuck").why
    }

    pub fn result(&self) -> RunResult {
        self.engine.run.result.clone().expect("over").0
    }

    pub fn command(&mut self, command: &Command) -> Result<(), String> {
        let picture = self.world.picture();
        self.engine.command(self.world.now, &self.world.pool, &picture, command)
    }

    pub fn stage(&self) -> Option<(usize, Stage)> {
        let n = self.engine.run.current()?;
        Some((n, self.engine.run.hosts[n].stage()?.0))
    }

    /// Until this host is in this stage.
    pub fn reach(&mut self, host: usize, stage: Stage) -> &mut Self {
        self.until(20_000, |b| b.stage() == Some((host, stage)))
    }

    /// The program is killed, and started again on what is in its journal.
    pub fn restart(&mut self) {
        let log = self.engine.log.clone();
        let lines = log.lines.clone();
        self.engine = Engine::resume(log, &lines, self.world.now, ME).expect("resumes");
    }

    pub fn ends(&self) -> Vec<Option<HostEnd>> {
        self.engine.run.hosts.iter().map(|h| h.end.as_ref().map(|e| e.0.clone())).collect()
    }

    pub fn calls(&self, fits: impl Fn(&Call) -> bool) -> usize {
        self.world.count(fits)
    }
}
