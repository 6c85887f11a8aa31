//! What every part of the machine asks: the host in the plan and in the pool, calls made for something and what became of them, and the
//! few ways to answer: wait, write, call, stop.

use super::refusal::{self, Class};
use super::{Action, Guard, View, claim};
use crate::pool::glance::{Glance, Sight};
use crate::pool::picture::LinkState;
use crate::pool::records::Records;
use crate::pool::words::name;
use crate::rollout::call::{Call, Outcome};
use crate::rollout::entry::{CallId, Entry, HostAt, HostEnd, Item, Keeper, Phase};
use crate::rollout::look::{Look, Looked};
use crate::rollout::plan::{HostPlan, Stage};
use crate::rollout::run::{CallRun, HostRun, Run};
use crate::time::Time;
use crate::xenapi::record::{Host, Ref};
use std::time::Duration;

/// What a part of the machine wants done.
pub type Do = Vec<Action>;

/// After an answer that never came, the pool is watched for this long for what the call would have done, before it is taken to have
/// done nothing.
pub const UNSURE: Duration = Duration::from_secs(30);
/// As [`UNSURE`], for calls that cost something if they are made twice.
pub const VERY_UNSURE: Duration = Duration::from_secs(150);
/// How long after a call was answered its effect may take to show in the pool's records.
pub const SHOWS: Duration = Duration::from_secs(60);
/// A look that was answered longer ago than this is not made for the call that follows (I1).
pub const FRESH_LOOK: Duration = Duration::from_secs(5);
/// After a pool was not seen for this long it is said what can be done about it.
const UNSEEN: Duration = Duration::from_secs(600);
/// How long is waited before something is looked at again that was not as it should be.
pub const AGAIN: Duration = Duration::from_secs(10);

/// The run and what is seen, with look-ups.
#[derive(Clone, Copy)]
pub struct Ctx<'a> {
    /// The run.
    pub run: &'a Run,
    /// What is seen.
    pub view: View<'a>,
}

/// What became of the calls of one kind.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tries<'a> {
    /// The last one, and its number.
    pub last: Option<(CallId, &'a CallRun)>,
    /// How many there were.
    pub made: u32,
    /// How many of these, from the last one back, did not come off.
    pub failures: u32,
}

/// What is to be done about a call whose effect does not show yet.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Make it (again).
    Make,
    /// It is on its way, or its effect is: ask again then.
    Wait(Option<Time>),
    /// It was refused in a way that will pass: it is made again then.
    Again(Time, String),
    /// It was refused for good: why, in words.
    Refused(String),
}

impl<'a> Ctx<'a> {
    /// Of a run and what is seen.
    pub fn new(run: &'a Run, view: &View<'a>) -> Self {
        Self { run, view: *view }
    }

    /// Whether a guard is there: it is, but in the proof of it.
    pub fn guards(&self, guard: Guard) -> bool {
        self.view.guards.has(guard)
    }

    /// Now.
    pub fn now(&self) -> Time {
        self.view.now
    }

    /// The picture.
    pub fn picture(&self) -> &'a Glance<'a> {
        self.view.picture
    }

    /// The pool's records.
    pub fn records(&self) -> Records<'a> {
        self.view.pool.records()
    }

    /// Whether the picture is current (I6): else nothing is decided on it.
    pub fn is_current(&self) -> bool {
        self.view.picture.link() == LinkState::Live
    }

    /// A host's part of the plan.
    pub fn plan(&self, h: HostAt) -> Option<&'a HostPlan> {
        self.run.plan.hosts.get(h)
    }

    /// How far a host has come.
    pub fn host_run(&self, h: HostAt) -> Option<&'a HostRun> {
        self.run.hosts.get(h)
    }

    /// A host's reference.
    pub fn r(&self, h: HostAt) -> Ref {
        self.plan(h).map(|p| p.host.clone()).unwrap_or_default()
    }

    /// A host's name, safe to show.
    pub fn name(&self, h: HostAt) -> String {
        self.plan(h).map_or_else(|| format!("host {h}"), |p| name(&p.name))
    }

    /// A host's record.
    pub fn host(&self, h: HostAt) -> Option<&'a Host> {
        self.records().host(&self.plan(h)?.host)
    }

    /// A host in the picture.
    pub fn seen(&self, h: HostAt) -> Option<Sight<'a>> {
        self.view.picture.host(&self.plan(h)?.host)
    }

    /// Whether the pool's coordinator is this host.
    pub fn is_coordinator(&self, h: HostAt) -> bool {
        self.plan(h).is_some_and(|p| self.view.pool.coordinator() == Some(&p.host))
    }

    /// A guest's name, safe to show.
    pub fn guest_name(&self, vm: &Ref) -> String {
        let name = self.view.pool.name_of(vm);
        if name.is_empty() { "a guest that is gone".into() } else { name }
    }

    /// Calls with these numbers and later ones that fit, the oldest first.
    pub fn calls(&self, from: CallId, fits: impl Fn(&CallRun) -> bool) -> impl Iterator<Item = (CallId, &'a CallRun)> {
        self.run.calls.range(from..).map(|(id, c)| (*id, c)).filter(move |(_, c)| fits(c))
    }

    /// What became of calls with these numbers and later ones that fit.
    pub fn tries(&self, from: CallId, fits: impl Fn(&CallRun) -> bool) -> Tries<'a> {
        let mut tries = Tries::default();
        for (id, call) in self.calls(from, fits) {
            tries.last = Some((id, call));
            tries.made += 1;
            match &call.outcome {
                Some((outcome, _)) if !outcome.is_done() => tries.failures += 1,
                _ => tries.failures = 0,
            }
        }
        tries
    }

    /// As [`Ctx::tries`], of the stage that a host is in.
    pub fn stage_tries(&self, h: HostAt, fits: impl Fn(&Call) -> bool) -> Tries<'a> {
        let mark = self.host_run(h).map_or(1, HostRun::mark);
        self.tries(mark, |c| c.host == Some(h) && fits(&c.call))
    }

    /// What to do about a call that may be made twice and whose effect does not show.
    pub fn next(&self, tries: &Tries) -> Next {
        let Some((_, call)) = tries.last else { return Next::Make };
        let Some((outcome, at)) = &call.outcome else { return Next::Wait(None) };
        let now = self.now();
        let pause = refusal::pause(tries.failures);
        match outcome {
            Outcome::Done { .. } => {
                let due = *at + SHOWS;
                if now < due { Next::Wait(Some(due)) } else { Next::Make }
            }
            Outcome::NotSent { text } => self.again(*at + pause, text.clone()),
            Outcome::Unanswered { text } => {
                let watch = if call.call.is_destructive() { VERY_UNSURE } else { UNSURE };
                self.again(*at + watch.max(pause), text.clone())
            }
            Outcome::Failed { code, params, text } => match refusal::class(code, params) {
                Class::Wait | Class::Link => self.again(*at + pause, refusal::words(code, text)),
                Class::Odd if tries.failures < refusal::ODD_TRIES => self.again(*at + pause, refusal::words(code, text)),
                _ => Next::Refused(refusal::words(code, text)),
            },
        }
    }

    fn again(&self, at: Time, why: String) -> Next {
        if self.now() < at { Next::Again(at, why) } else { Next::Make }
    }

    /// Makes calls until their effect shows: `None` if `shows`. Of a host's stage; a refusal for good stops the run.
    pub fn until(&self, h: HostAt, shows: bool, what: &str, call: Call, fits: impl Fn(&Call) -> bool) -> Option<Do> {
        if shows {
            return None;
        }
        let name = self.name(h);
        Some(match self.next(&self.stage_tries(h, fits)) {
            Next::Make => self.call(Some(h), call),
            Next::Wait(at) => self.wait(Some(h), format!("{name}: waits until it {what}"), at),
            Next::Again(at, why) => {
                self.wait(Some(h), format!("{name}: waits until it {what}; it was refused ({why}) and is tried again"), Some(at))
            }
            Next::Refused(why) => Self::stuck(
                Some(h),
                format!("{name} cannot be brought to where it {what}: {why}."),
                "Mend that, then retry; or skip the host, or abort.".to_owned(),
            ),
        })
    }

    /// Writes a line.
    pub fn write(entry: Entry) -> Do {
        vec![Action::Write(entry)]
    }

    /// Writes what is waited for, if it was not that before; `at`: when to ask again at the latest.
    pub fn wait(&self, host: Option<HostAt>, text: impl Into<String>, at: Option<Time>) -> Do {
        let text = text.into();
        let mut all = Vec::new();
        if self.run.waiting != text || self.run.waiting_at != host {
            all.push(Action::Write(Entry::Waiting { host, text }));
        }
        all.extend(at.map(|at| Action::Wake(at.max(self.now() + Duration::from_millis(100)))));
        all
    }

    /// While the pool is not seen nothing is done. After a while it is said what an operator can do about it.
    pub fn unseen(&self, host: Option<HostAt>) -> Do {
        let since = self.view.picture.heard().map_or(self.run.started, |heard| heard.max(self.run.started));
        let due = since + UNSEEN;
        if self.now() < due {
            return self.wait(host, "the pool is not seen now: nothing is done until it is connected and read again", Some(due));
        }
        let text = format!(
            "the pool has not been seen since {}: nothing is done until it is connected and read again. See that its coordinator runs and \
             can be reached from here: this goes on by itself then. It can also be ended and resumed later",
            claim::clock(since)
        );
        self.wait(host, text, None)
    }

    /// Stops the run until the operator says something.
    pub fn stuck(host: Option<HostAt>, why: String, todo: String) -> Do {
        Self::write(Entry::Stuck { host, why, todo })
    }

    /// A host goes into a stage.
    pub fn enter(host: HostAt, stage: Stage, why: impl Into<String>) -> Do {
        Self::write(Entry::Stage { host, stage, why: why.into(), keeper: None })
    }

    /// The same, where the proof that mirrors are in step begins anew: nothing is being rebuilt there, or a person has looked.
    pub fn enter_kept(&self, host: HostAt, stage: Stage, why: impl Into<String>) -> Do {
        Self::write(Entry::Stage { host, stage, why: why.into(), keeper: Some(self.keeper().unwrap_or_default()) })
    }

    /// Whether another xapi keeps the pool's tasks, or another run of it, than did when the proof of a host's mirrors began.
    pub fn is_kept_anew(&self, h: HostAt) -> bool {
        let then = self.host_run(h).and_then(|run| run.keeper.as_ref()).filter(|then| **then != Keeper::default());
        then.is_some_and(|then| self.keeper().is_some_and(|now| *then != now))
    }

    /// Who keeps the pool's tasks, as far as it was told.
    pub fn keeper(&self) -> Option<Keeper> {
        self.view.pool.keeper().map(|(coordinator, started)| Keeper { coordinator, started })
    }

    /// A host is done with.
    pub fn end_host(host: HostAt, end: HostEnd) -> Do {
        Self::write(Entry::HostEnded { host, end })
    }

    /// The run goes into a phase.
    pub fn phase(phase: Phase) -> Do {
        Self::write(Entry::Phase { phase })
    }

    /// Makes a call, if the pool is seen to be ours (I4).
    pub fn call(&self, host: Option<HostAt>, call: Call) -> Do {
        match claim::hold(self) {
            Ok(()) => self.intent(host, call),
            Err(instead) => instead,
        }
    }

    /// Makes a call without looking at the claim: only those that are about the claim itself.
    pub fn intent(&self, host: Option<HostAt>, call: Call) -> Do {
        Self::write(Entry::Intent { id: self.run.next_call(), host, call })
    }

    /// Notes that something is not as it was found, then makes the call that changes it: in this order, so that it is put back even
    /// if nothing comes after.
    pub fn change(&self, host: Option<HostAt>, item: Item, why: &str, call: Call) -> Do {
        match claim::hold(self) {
            Err(instead) => instead,
            Ok(()) if self.run.left.contains_key(&item) => self.intent(host, call),
            Ok(()) => Self::write(Entry::Left { item, why: why.to_owned() }),
        }
    }

    /// Something is as it was found again.
    pub fn put_back(item: &Item, how: impl Into<String>) -> Do {
        Self::write(Entry::PutBack { item: item.clone(), how: how.into() })
    }

    /// The last answer to a look that was asked after `since` and answered at most `age` ago. Else asks, not more often than every
    /// [`AGAIN`] after an answer that was too old for no fault of ours.
    pub fn look(&self, look: &Look, since: Time, age: Duration) -> Result<&'a Looked, Do> {
        match self.view.looked.get(look) {
            Some(looked) if looked.asked >= since && self.now().since(looked.answered) <= age => Ok(looked),
            _ => Err(vec![Action::Look(look.clone())]),
        }
    }

    /// Whether a soft reason about this host, guest or SR was accepted: by its very name, or wherever it occurs. About nothing: the pool.
    pub fn is_accepted(&self, code: &str, about: &str) -> bool {
        self.run.accepted.iter().any(|a| a.code == code && (a.about.is_empty() || a.about == about))
    }
}
