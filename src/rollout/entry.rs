//! What a line of the journal says. The state of a run is the fold of these ([`super::run::Run`]), the report is made of them.

use super::call::{Call, Outcome};
use super::plan::{Plan, Stage};
use crate::time::Time;
use crate::xenapi::record::Ref;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Position of a host in the plan.
pub type HostAt = usize;
/// Number of a call within its run, from 1.
pub type CallId = u64;

/// A line of the journal without its frame (time, number, hash).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "entry")]
#[allow(clippy::large_enum_variant, reason = "the large one is written once a run")]
pub enum Entry {
    /// A run begins. Always the first line, and only that.
    Began {
        /// Its name: random, short.
        run: String,
        /// Who runs it: user and machine.
        by: String,
        /// Version of poolwatch.
        version: String,
        /// The whole plan.
        plan: Plan,
        /// How the pool was found.
        found: Found,
    },
    /// It goes on after its program ended.
    Resumed {
        /// Who runs it now.
        by: String,
        /// What was found to be different from what the journal says, in words.
        notes: Vec<String>,
    },
    /// The run as a whole enters a phase.
    Phase {
        /// Which.
        phase: Phase,
    },
    /// A host is begun: how it was found.
    Before {
        /// Which.
        host: HostAt,
        /// How it was.
        before: Before,
    },
    /// A host enters a stage.
    Stage {
        /// Which.
        host: HostAt,
        /// The stage.
        stage: Stage,
        /// Why, or what is done now, in words.
        why: String,
        /// Who keeps the pool's tasks from here on, where the proof that mirrors are in step begins: see [`Keeper`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        keeper: Option<Keeper>,
    },
    /// A host is done with.
    HostEnded {
        /// Which.
        host: HostAt,
        /// How.
        end: HostEnd,
    },
    /// A call is about to be made.
    Intent {
        /// Its number.
        id: CallId,
        /// For which host, if for one.
        host: Option<HostAt>,
        /// Which.
        call: Call,
    },
    /// The pool took it, and works on it as this task.
    Task {
        /// The call.
        id: CallId,
        /// The task.
        task: Ref,
    },
    /// What became of it.
    Outcome {
        /// The call.
        id: CallId,
        /// What.
        outcome: Outcome,
    },
    /// What it waits for has changed.
    Waiting {
        /// Which host, if for one.
        host: Option<HostAt>,
        /// For what and until when, in words.
        text: String,
    },
    /// It stopped by itself and waits for the operator.
    Stuck {
        /// Which host, if at one.
        host: Option<HostAt>,
        /// Why, in words.
        why: String,
        /// What to do, in words.
        todo: String,
    },
    /// The operator said something.
    Command {
        /// What.
        command: Command,
    },
    /// Something is not as it was found and could not be put back yet.
    Left {
        /// What.
        item: Item,
        /// Why, in words.
        why: String,
    },
    /// Something is as it was found again, or is not to be put back any more.
    PutBack {
        /// What.
        item: Item,
        /// How, in words.
        how: String,
    },
    /// The run is over.
    Ended {
        /// How.
        result: RunResult,
        /// In words.
        text: String,
    },
}

/// A run of the coordinator's toolstack. What is rebuilt may be told by its tasks alone, and they end with it: that no task is seen proves
/// only as much as the same keeper has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Keeper {
    /// The coordinator.
    pub coordinator: Ref,
    /// When its toolstack started, by its own clock.
    pub started: Time,
}

/// How the pool was found: what the round changes and has to put back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Found {
    /// HA, if it was on.
    pub ha: Option<FoundHa>,
    /// Whether `other_config:auto_poweron` was `true`.
    pub auto_poweron: bool,
    /// Whether WLB was on.
    pub wlb: bool,
    /// uuids of the hosts that were disabled.
    pub disabled: Vec<String>,
    /// Running guests by uuid, and the uuid of the host that each was on.
    pub guests: BTreeMap<String, String>,
    /// Names of what the run may have to speak of, by reference and by uuid: guests, hosts, SRs, connections to them. The report is made
    /// of the journal alone.
    pub names: BTreeMap<String, String>,
}

/// HA as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FoundHa {
    /// SRs of its statefiles.
    pub srs: Vec<Ref>,
    /// `ha_configuration`.
    pub configuration: BTreeMap<String, String>,
    /// `ha_host_failures_to_tolerate`.
    pub tolerates: i64,
}

/// A host before it was touched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Before {
    /// `boot_time`; its change proves the reboot.
    pub booted: Option<Time>,
    /// Whether it was enabled.
    pub enabled: bool,
    /// Guests that ran on it.
    pub guests: Vec<Ref>,
    /// PBDs that were plugged.
    pub pbds: Vec<Ref>,
    /// Paths and links that were up, by name.
    pub paths: BTreeMap<String, u32>,
    /// Its version, as a person would say it.
    pub version: String,
}

/// Phases of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Phase {
    /// Takes the claim, then switches off what is in the way.
    #[default]
    Prepare,
    /// Host by host.
    Hosts,
    /// Guests that could not go home are tried again, in reverse order of the hosts.
    Home,
    /// Puts back what was changed.
    Restore,
    /// Gives up the claim.
    Release,
    /// Over.
    Ended,
}

/// How a host ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "end")]
pub enum HostEnd {
    /// Through all its stages.
    Done,
    /// Left out, untouched.
    Skipped {
        /// Why, in words.
        why: String,
    },
    /// Given up on the way, by the operator.
    Abandoned {
        /// Why, in words.
        why: String,
    },
}

/// What an operator can say while it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "command")]
pub enum Command {
    /// Begin nothing new; what was begun in the pool goes on there.
    Pause,
    /// Go on.
    Resume,
    /// End after the host that is being worked on.
    StopAfterHost,
    /// Leave out a host that is not begun, or give up the one that is stuck.
    Skip {
        /// Which.
        host: HostAt,
    },
    /// Try again what is stuck.
    Retry,
    /// End now as far as is safe, and put back what was changed.
    Abort,
    /// Try again to put back what could not be.
    Restore,
    /// Accept a soft finding.
    Accept {
        /// Code of the finding.
        code: String,
        /// What it is about.
        about: String,
        /// Why, in the operator's words.
        reason: String,
    },
}

/// Something that was changed and has to be put back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "item")]
pub enum Item {
    /// HA is off.
    Ha,
    /// HA's failures to tolerate.
    Tolerance,
    /// `auto_poweron` is off.
    AutoPowerOn,
    /// WLB is off.
    Wlb,
    /// A host is disabled.
    Host {
        /// Its uuid.
        host: String,
    },
    /// A guest is not where it was.
    Guest {
        /// Its uuid.
        guest: String,
        /// uuid of the host that it was on.
        host: String,
    },
    /// A guest was shut down for the round and does not run.
    Halted {
        /// Its uuid.
        guest: String,
        /// uuid of the host that it was on.
        host: String,
    },
    /// A PBD is not plugged.
    Pbd {
        /// Its reference.
        pbd: Ref,
    },
    /// Our claim is still there.
    Claim,
}

/// How a run ended; its name is what `roll --json` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum RunResult {
    /// Every host is done and everything is as it was found. Exit code 0.
    Done,
    /// Stopped by a gate, a failure or the operator; what is left is listed. Exit code 1.
    Stopped,
    /// Not begun. Exit code 2.
    Refused,
    /// Cannot tell. Exit code 3.
    Unknown,
}
