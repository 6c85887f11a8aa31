//! Journal lines as sentences, one a line: what `roll` prints and what a report's log holds. Everything in them is safe to show.

use super::super::call::{Call, Outcome};
use super::super::entry::{CallId, Command, Entry, HostAt, HostEnd, Item, Phase};
use super::super::plan::{Plan, Stage};
use crate::text::clean;
use crate::time::Time;
use crate::xenapi::record::Ref;
use serde::Serialize;
use std::collections::BTreeMap;

/// Longest sentence that is taken over from a line, in characters.
const TEXT: usize = 600;
/// Longest name, in characters.
const NAME: usize = 120;

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// When.
    #[serde(serialize_with = "super::rfc3339")]
    pub t: Time,
    /// At which host, if at one: its name.
    pub host: Option<String>,
    /// The stage that host is in.
    pub stage: Option<&'static str>,
    /// What kind of thing: see `docs/json.md`.
    pub event: &'static str,
    /// What, as a sentence.
    pub text: String,
}

/// Tells lines in their order; knows what went before.
#[derive(Clone, Debug, Default)]
pub struct Teller {
    hosts: Vec<(String, Option<Stage>)>,
    names: BTreeMap<String, String>,
    calls: BTreeMap<CallId, (Option<HostAt>, Call)>,
    waiting: String,
}

impl Teller {
    /// The sentence of the next line; `None` if it holds nothing for people.
    pub fn tell(&mut self, at: Time, entry: &Entry) -> Option<Event> {
        let (event, host, text) = self.words(entry)?;
        let known = host.and_then(|host| self.hosts.get(host));
        let stage = known.and_then(|(_, stage)| *stage).map(Into::into);
        Some(Event { t: at, host: known.map(|(name, _)| name.clone()), stage, event, text })
    }

    fn words(&mut self, entry: &Entry) -> Option<(&'static str, Option<HostAt>, String)> {
        let said = |text: &str| clean(text, TEXT).into_owned();
        Some(match entry {
            Entry::Began { run, by, plan, found, .. } => {
                self.hosts = plan.hosts.iter().map(|host| (clean(&host.name, NAME).into_owned(), None)).collect();
                self.names = found.names.iter().map(|(k, v)| (k.clone(), clean(v, NAME).into_owned())).collect();
                ("began", None, format!("Run {} begins: {}, by {}.", said(run), what(plan), said(by)))
            }
            Entry::Resumed { by, notes } => {
                let notes: Vec<String> = notes.iter().map(|note| said(note)).collect();
                let notes = if notes.is_empty() { String::new() } else { format!(" Since then: {}", notes.join(" ")) };
                ("resumed", None, format!("The run goes on, by {}.{notes}", said(by)))
            }
            Entry::Phase { phase } => ("phase", None, phase_words(*phase).to_owned()),
            Entry::Before { host, before } => {
                let guests = before.guests.len();
                let text = format!("Begins: {guests} guests on it, {}.", said(&before.version));
                ("host", Some(*host), text)
            }
            Entry::Stage { host, stage, why, .. } => {
                if let Some(known) = self.hosts.get_mut(*host) {
                    known.1 = Some(*stage);
                }
                let why = if why.is_empty() { stage_words(*stage).to_owned() } else { said(why) };
                ("stage", Some(*host), why)
            }
            Entry::HostEnded { host, end } => {
                let text = match end {
                    HostEnd::Done => "Done.".to_owned(),
                    HostEnd::Skipped { why } => format!("Left out: {}", said(why)),
                    HostEnd::Abandoned { why } => format!("Given up: {}", said(why)),
                };
                let told = ("host-ended", Some(*host), text);
                if let Some(known) = self.hosts.get_mut(*host) {
                    known.1 = None;
                }
                told
            }
            Entry::Intent { id, host, call } => {
                self.calls.insert(*id, (*host, call.clone()));
                if matches!(call, Call::Renew { .. }) {
                    return None;
                }
                ("call", *host, format!("Call {id}: {}.", self.call(call)))
            }
            Entry::Task { .. } => return None,
            Entry::Outcome { id, outcome } => {
                let (host, call) = self.calls.get(id)?;
                match outcome {
                    Outcome::Done { .. } if !call.is_async() => return None,
                    Outcome::Done { .. } => ("done", *host, format!("Call {id} is done: {}.", self.call(call))),
                    other => ("failed", *host, format!("Call {id} ({}): {}", self.call(call), said(&other.to_string()))),
                }
            }
            Entry::Waiting { host, text } => {
                if text.is_empty() || *text == self.waiting {
                    return None;
                }
                self.waiting.clone_from(text);
                ("waiting", *host, said(text))
            }
            Entry::Stuck { host, why, todo } => {
                ("stuck", *host, format!("Stopped, and waits for you: {} What to do: {}", said(why), said(todo)))
            }
            Entry::Command { command } => ("command", None, self.command(command)),
            Entry::Left { item, why } => ("left", None, format!("To be put back: {} ({})", self.item(item), said(why))),
            Entry::PutBack { how, .. } => ("put-back", None, format!("Put back: {}.", said(how).trim_end_matches('.'))),
            Entry::Ended { text, .. } => ("ended", None, said(text)),
        })
    }

    fn host(&self, host: HostAt) -> String {
        self.hosts.get(host).map_or_else(|| format!("host {}", host + 1), |(name, _)| name.clone())
    }

    /// An object by its reference or uuid.
    fn name(&self, r: &str, otherwise: &str) -> String {
        self.names.get(r).filter(|name| !name.is_empty()).cloned().unwrap_or_else(|| format!("{otherwise} {}", clean(r, NAME)))
    }

    fn of(&self, r: &Ref, otherwise: &str) -> String {
        self.name(r.as_str(), otherwise)
    }

    /// A call as what it does, with names.
    pub fn call(&self, call: &Call) -> String {
        let (host, guest) = (|r| self.of(r, "host"), |r| self.of(r, "guest"));
        match call {
            Call::Claim { .. } => "claim the pool".into(),
            Call::Renew { .. } => "renew the claim".into(),
            Call::Unclaim => "give up the claim".into(),
            Call::DisableHa => "switch HA off".into(),
            Call::EnableHa { srs, .. } => {
                let srs: Vec<String> = srs.iter().map(|sr| self.of(sr, "SR")).collect();
                format!(
                    "switch HA on, heartbeat on {}",
                    if srs.is_empty() { "an SR of xapi's choice".into() } else { srs.join(", ") }
                )
            }
            Call::SetTolerance { failures } => format!("set the failures that HA tolerates to {failures}"),
            Call::SetAutoPowerOn { on } => format!("switch automatic power-on of guests {}", on_off(*on)),
            Call::SetWlb { on } => format!("switch workload balancing {}", on_off(*on)),
            Call::Disable { host: h } => format!("disable {}", host(h)),
            Call::Enable { host: h } => format!("enable {}", host(h)),
            Call::Evacuate { host: h, .. } => format!("evacuate {}", host(h)),
            Call::Migrate { vm, to, .. } => format!("move {} to {}", guest(vm), host(to)),
            Call::ShutDown { vm } => format!("shut down {}", guest(vm)),
            Call::StartOn { vm, host: h } => format!("start {} on {}", guest(vm), host(h)),
            Call::Reboot { host: h } => format!("reboot {}", host(h)),
            Call::Plug { pbd } => format!("plug {}", self.of(pbd, "PBD")),
            Call::XcpUpdate { host: h } | Call::ApplyUpdates { host: h, .. } | Call::ApplyPoolUpdate { host: h, .. } => {
                format!("install updates on {}", host(h))
            }
            Call::Cancel { .. } => "cancel a task".into(),
            Call::NoteCause { cause, .. } => format!("note {} as the cause of a crash", clean(cause, 40)),
        }
    }

    fn command(&self, command: &Command) -> String {
        match command {
            Command::Pause => "You said: pause.".into(),
            Command::Resume => "You said: go on.".into(),
            Command::StopAfterHost => "You said: stop after this host.".into(),
            Command::Skip { host } => format!("You said: skip {}.", self.host(*host)),
            Command::Retry => "You said: try again.".into(),
            Command::Abort => "You said: end as soon as that is safe, and put everything back.".into(),
            Command::Restore => "You said: put back what is left.".into(),
            Command::Accept { code, about, reason } => {
                let about = if about.is_empty() { String::new() } else { format!(" about {}", clean(about, NAME)) };
                format!("You accepted {}{about}: {}", clean(code, NAME), clean(reason, TEXT))
            }
        }
    }

    /// Something that is to be put back, in words.
    pub fn item(&self, item: &Item) -> String {
        match item {
            Item::Ha => "HA is off".into(),
            Item::Tolerance => "the failures that HA tolerates are not what they were".into(),
            Item::AutoPowerOn => "automatic power-on of guests is off".into(),
            Item::Wlb => "workload balancing is off".into(),
            Item::Host { host } => format!("{} is disabled", self.name(host, "host")),
            Item::Guest { guest, host } => format!("{} is not on {}", self.name(guest, "guest"), self.name(host, "host")),
            Item::Halted { guest, host } => {
                format!("{} was shut down on {} and does not run", self.name(guest, "guest"), self.name(host, "host"))
            }
            Item::Pbd { pbd } => format!("{} is not plugged", self.of(pbd, "PBD")),
            Item::Claim => "our claim is on the pool".into(),
        }
    }
}

const fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// What a plan is for, in a few words.
pub fn what(plan: &Plan) -> String {
    let kind = if plan.kind.is_update() { "update" } else { "reboot" };
    let hosts: Vec<String> = plan.hosts.iter().map(|host| clean(&host.name, NAME).into_owned()).collect();
    format!("{kind} of {} in pool {}", hosts.join(", "), clean(&plan.pool_name, NAME))
}

const fn phase_words(phase: Phase) -> &'static str {
    match phase {
        Phase::Prepare => "Prepares the pool.",
        Phase::Hosts => "Goes through the hosts.",
        Phase::Home => "Brings guests home that could not go before.",
        Phase::Restore => "Puts back what was changed.",
        Phase::Release => "Gives up the claim.",
        Phase::Ended => "Over.",
    }
}

/// A stage as a sentence.
pub const fn stage_words(stage: Stage) -> &'static str {
    match stage {
        Stage::Settle => "Waits until the pool is well and quiet.",
        Stage::Disable => "Takes no new guests.",
        Stage::Evacuate => "Its guests move away.",
        Stage::Update => "Its updates are installed.",
        Stage::Gate => "Waits until a reboot is safe.",
        Stage::Reboot => "Is told to reboot.",
        Stage::Down => "Goes down.",
        Stage::Up => "Boots.",
        Stage::Storage => "Its clock and its storage come back.",
        Stage::Enable => "Takes guests again.",
        Stage::Cluster => "Joins its cluster again.",
        Stage::Rebuild => "Its mirrors come in step.",
        Stage::Home => "Its guests come back.",
        Stage::Soak => "Is watched for alerts.",
    }
}
