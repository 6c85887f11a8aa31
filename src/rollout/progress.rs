//! A run for people: where each host is, what is waited for and until when, which guests move, how long it will still take.

use super::call::Call;
use super::entry::{Command, HostAt, HostEnd, Item, Phase, RunResult};
use super::machine::{self, View};
use super::plan::Stage;
use super::run::{HostRun, Run, Wish};
use crate::pool::glance::Sight;
use crate::pool::picture::{GateState, HostView, LinkState, Severity};
use crate::pool::words::{self, count};
use crate::text::duration;
use crate::time::Time;
use crate::xenapi::record::Ref;
use std::time::Duration;
use strum::IntoEnumIterator;

/// How long a host takes as long as none has shown it: to be emptied, to reboot, to come back; in seconds.
const USUAL_S: u64 = 900;
/// How long a run takes after its last host.
const ENDING: Duration = Duration::from_secs(60);

/// A run at one moment. Plain data: the run page draws it, `roll` prints changes of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Name of the run.
    pub run: String,
    /// The moment.
    pub at: Time,
    /// When it began.
    pub began: Time,
    /// Its phase.
    pub phase: Phase,
    /// What it does or waits for now, as a sentence.
    pub headline: String,
    /// Why it waits for the operator, and what to do; `None` if it does not.
    pub stuck: Option<(String, String)>,
    /// Whether it was told to pause, to stop after this host, to abort; in words, empty if not.
    pub wish: &'static str,
    /// The hosts, in order.
    pub hosts: Vec<HostProgress>,
    /// The host that is being worked on.
    pub current: Option<HostAt>,
    /// Guests on the move.
    pub moves: Vec<Move>,
    /// The last actions, newest last: when, and what, in words.
    pub actions: Vec<(Time, String)>,
    /// What is not as it was found, and why.
    pub left: Vec<(Item, String)>,
    /// When it is expected to end; learnt from the hosts that are done.
    pub ends: Option<Time>,
    /// How it ended.
    pub result: Option<(RunResult, String)>,
    /// For each command: its name, and why it cannot be given now (`None`: it can).
    pub commands: Vec<(CommandName, Option<String>)>,
}

/// The commands as an operator knows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, strum::EnumIter, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
#[allow(missing_docs, reason = "each is the entry::Command of that name")]
pub enum CommandName {
    Pause,
    Resume,
    StopAfterHost,
    Skip,
    Retry,
    Abort,
    Restore,
}

/// How a host stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Not begun.
    #[default]
    Waiting,
    /// Being worked on.
    Working,
    /// Being worked on, and stuck.
    Stuck,
    /// Done.
    Done,
    /// Left out or given up.
    Skipped,
}

/// One host of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HostProgress {
    /// Its name.
    pub name: String,
    /// How it stands.
    pub standing: Standing,
    /// Where it is.
    pub stage: Option<Stage>,
    /// The stages it has or will have, in order, with when each began and ended.
    pub stages: Vec<(Stage, Option<Time>, Option<Time>)>,
    /// When the current stage has to be over.
    pub deadline: Option<Time>,
    /// What it is waiting for and why, as a sentence.
    pub text: String,
}

/// A guest on the move.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Move {
    /// Its name.
    pub guest: String,
    /// From where.
    pub from: String,
    /// Where to; empty if the pool does not say.
    pub to: String,
    /// 0 to 1; `None` if that cannot be told.
    pub progress: Option<f64>,
}

/// Where a run is, for people. `view` is what is seen now; without a current picture it tells what was known last.
pub fn progress(run: &Run, view: &View) -> Progress {
    let current = run.current();
    let hosts: Vec<HostProgress> = (0..run.hosts.len()).map(|h| host(run, view, h)).collect();
    Progress {
        run: run.id.clone(),
        at: view.now,
        began: run.began,
        phase: run.phase.0,
        headline: headline(run, view, current),
        stuck: run.stuck.as_ref().map(|s| (s.why.clone(), s.todo.clone())),
        wish: match run.wish {
            Wish::Run => "",
            Wish::Pause => "paused",
            Wish::StopAfterHost => "stops after this host",
            Wish::Abort => "is being ended",
        },
        hosts,
        current,
        moves: moves(run, view, current),
        actions: run.actions.iter().cloned().collect(),
        left: run.left.iter().map(|(item, why)| (item.clone(), why.clone())).collect(),
        ends: ends(run, view),
        result: run.result.clone(),
        commands: CommandName::iter().map(|name| (name, machine::refuses(run, view, &as_command(run, name)))).collect(),
    }
}

/// The command of a name, about the host that it would be given for: the one being worked on, else the next one.
fn as_command(run: &Run, name: CommandName) -> Command {
    match name {
        CommandName::Pause => Command::Pause,
        CommandName::Resume => Command::Resume,
        CommandName::StopAfterHost => Command::StopAfterHost,
        CommandName::Skip => {
            let next = run.hosts.iter().position(|h| h.end.is_none());
            Command::Skip { host: run.current().or(next).unwrap_or(usize::MAX) }
        }
        CommandName::Retry => Command::Retry,
        CommandName::Abort => Command::Abort,
        CommandName::Restore => Command::Restore,
    }
}

fn headline(run: &Run, view: &View, current: Option<HostAt>) -> String {
    if let Some((_, text)) = &run.result {
        return text.clone();
    }
    if let Some(stuck) = &run.stuck {
        return stuck.why.clone();
    }
    let said = live_reason(run, view, current).unwrap_or_else(|| run.waiting.clone());
    if !said.is_empty() {
        return said;
    }
    match (run.phase.0, current) {
        (Phase::Hosts, Some(h)) => {
            let stage: &str = run.hosts.get(h).and_then(HostRun::stage).map_or("", |(s, _)| s.into());
            format!("{}: {stage}", name(run, h))
        }
        (phase, _) => phase_words(phase).into(),
    }
}

const fn phase_words(phase: Phase) -> &'static str {
    match phase {
        Phase::Prepare => "prepares the pool",
        Phase::Hosts => "goes through the hosts",
        Phase::Home => "brings guests home",
        Phase::Restore => "puts back what was changed",
        Phase::Release => "gives up the claim",
        Phase::Ended => "over",
    }
}

/// What the pool says right now where the journal only has what does not change every second.
fn live_reason(run: &Run, view: &View, current: Option<HostAt>) -> Option<String> {
    if run.waiting.is_empty() || run.wish == Wish::Pause {
        return None;
    }
    let h = current?;
    let seen = seen(run, view, h)?;
    match run.hosts.get(h)?.stage()?.0 {
        Stage::Settle | Stage::Gate | Stage::Reboot if seen.gate.state != GateState::Open => {
            let reason = seen.gate.reasons.first()?;
            Some(format!("{} waits: {} It goes on when {}.", seen.name, sentence(&reason.text), reason.opens_when))
        }
        Stage::Rebuild => {
            let reason = view.picture.verdict().reasons.iter().find(|r| r.severity == Severity::Hard)?;
            Some(format!("{} is back: {}", seen.name, sentence(&reason.text)))
        }
        Stage::Evacuate => {
            let here = seen.vms;
            let moving = view.pool.records().guests_on(&seen.r#ref).iter().filter(|(_, g)| g.moving).count();
            (here > 0).then(|| format!("{}; {} left, {moving} on the move", run.waiting, count(here, "guest")))
        }
        Stage::Down | Stage::Up => {
            let text = &seen.state.text;
            (!text.is_empty() && view.picture.link() == LinkState::Live).then(|| format!("{} ({text})", run.waiting))
        }
        _ => None,
    }
}

fn sentence(text: &str) -> String {
    let text = text.trim_end_matches('.');
    format!("{text}.")
}

fn name(run: &Run, h: HostAt) -> String {
    run.plan.hosts.get(h).map(|p| words::name(&p.name)).unwrap_or_default()
}

fn seen(run: &Run, view: &View, h: HostAt) -> Option<HostView> {
    view.picture.host(&run.plan.hosts.get(h)?.host).map(Sight::view)
}

fn host(run: &Run, view: &View, h: HostAt) -> HostProgress {
    let Some(own) = run.hosts.get(h) else { return HostProgress::default() };
    let stuck = run.stuck.as_ref().filter(|s| s.host == Some(h));
    let standing = match (&own.end, &own.before, stuck) {
        (Some((HostEnd::Done, _)), ..) => Standing::Done,
        (Some(_), ..) => Standing::Skipped,
        (None, _, Some(_)) => Standing::Stuck,
        (None, None, None) => Standing::Waiting,
        (None, Some(_), None) => Standing::Working,
    };
    let text = match (&own.end, stuck) {
        (Some((HostEnd::Done, at)), _) => match own.begun {
            Some(begun) => format!("done in {}", duration(at.since(begun))),
            None => "done".into(),
        },
        (Some((HostEnd::Skipped { why } | HostEnd::Abandoned { why }, _)), _) => why.clone(),
        (None, Some(stuck)) => stuck.why.clone(),
        (None, None) if standing == Standing::Working => {
            let said = live_reason(run, view, Some(h)).unwrap_or_else(|| run.waiting.clone());
            if said.is_empty() { own.why.clone() } else { said }
        }
        _ => run.plan.hosts.get(h).map(|p| p.why.clone()).unwrap_or_default(),
    };
    HostProgress {
        name: name(run, h),
        standing,
        stage: own.stage().map(|(s, _)| s),
        stages: stages(run, own, h),
        deadline: machine::deadline(run, h, view),
        text,
    }
}

/// What it went through, and what is still planned. A stage that it went into several times counts from its last time.
fn stages(run: &Run, own: &HostRun, h: HostAt) -> Vec<(Stage, Option<Time>, Option<Time>)> {
    let mut out: Vec<(Stage, Option<Time>, Option<Time>)> = Vec::new();
    let ended = own.end.as_ref().map(|e| e.1);
    for (at, (stage, since)) in own.stages.iter().enumerate() {
        let until = own.stages.get(at + 1).map(|(_, at)| *at).or(ended);
        match out.iter_mut().find(|(s, ..)| s == stage) {
            Some(one) if at > 0 && own.stages.get(at - 1).is_some_and(|(s, _)| s == stage) => one.2 = until,
            Some(one) => *one = (*stage, Some(*since), until),
            None => out.push((*stage, Some(*since), until)),
        }
    }
    if ended.is_none() {
        let now = own.stages.last().map(|(s, _)| *s);
        for step in run.plan.hosts.get(h).into_iter().flat_map(|p| &p.steps) {
            if now.is_none_or(|now| step.stage > now) {
                match out.iter_mut().find(|(s, ..)| *s == step.stage) {
                    // It went back: that stage is still to come.
                    Some(one) => *one = (step.stage, None, None),
                    None => out.push((step.stage, None, None)),
                }
            }
        }
    }
    out.sort_by_key(|(stage, ..)| *stage);
    out
}

/// Guests on the move: by our own migrations, and by what the pool says of guests of the host that is being emptied.
fn moves(run: &Run, view: &View, current: Option<HostAt>) -> Vec<Move> {
    let records = view.pool.records();
    let host_name = |r: &Ref| view.pool.name_of(r);
    let mut out = Vec::new();
    let mut told: Vec<&Ref> = Vec::new();
    for call in run.calls.values().filter(|c| c.outcome.is_none()) {
        if let Call::Migrate { vm, to, .. } = &call.call {
            let progress = call.task.as_ref().and_then(|t| records.task(t)).map(|t| t.progress).filter(|p| *p > 0.0);
            let from = records.guest(vm).and_then(|g| g.on.as_ref()).map(&host_name).unwrap_or_default();
            out.push(Move { guest: view.pool.name_of(vm), from, to: host_name(to), progress });
            told.push(vm);
        }
    }
    let Some(h) = current else { return out };
    let Some(plan) = run.plan.hosts.get(h) else { return out };
    for (vm, guest) in records.guests_on(&plan.host) {
        if guest.moving && !told.contains(&vm) {
            let from = host_name(&plan.host);
            out.push(Move { guest: view.pool.name_of(vm), from, to: String::new(), progress: None });
        }
    }
    out
}

/// When it is expected to end: hosts that are done tell how long one takes; without any, a usual one.
fn ends(run: &Run, view: &View) -> Option<Time> {
    if run.result.is_some() || run.stuck.is_some() || run.wish == Wish::Pause {
        return None;
    }
    let mut took: Vec<Duration> = run
        .hosts
        .iter()
        .filter(|h| matches!(h.end, Some((HostEnd::Done, _))))
        .filter_map(|h| Some(h.end.as_ref()?.1.since(h.begun?)))
        .collect();
    took.sort();
    let usual = took.get(took.len() / 2).copied().unwrap_or_else(|| {
        let o = &run.plan.options;
        let update = if run.plan.kind.is_update() { 600 } else { 0 };
        Duration::from_secs(USUAL_S + update + o.settle_s + o.soak_s)
    });
    if run.phase.0 > Phase::Hosts || run.wish == Wish::Abort {
        return Some(view.now + ENDING);
    }
    let mut left = Duration::ZERO;
    for host in &run.hosts {
        left += match (&host.end, host.begun) {
            (Some(_), _) => Duration::ZERO,
            (None, Some(begun)) => usual.saturating_sub(view.now.since(begun)).max(Duration::from_secs(30)),
            (None, None) if run.wish == Wish::StopAfterHost => Duration::ZERO,
            (None, None) => usual,
        };
    }
    Some(view.now + left + ENDING)
}

#[cfg(test)]
mod tests;
