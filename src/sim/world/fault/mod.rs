//! What can be done to a world from outside: faults and their repair, as types and as text.
//!
//! The text form is a name and `key=value` pairs, e.g. `cut host=xcp3 what=network`. It is what scenarios, the
//! command line and the keys of `demo` use.

mod text;

use std::time::Duration;

/// What is cut when a host is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The network; storage that does not use it still works.
    Network,
    /// Network and storage.
    All,
    /// Nothing of its own: the network is split, and the coordinator is on another side.
    Side,
}

/// How I/O fails where no path is left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Loss {
    /// It waits, as with multipath that queues.
    #[default]
    Stall,
    /// It ends in errors.
    Error,
}

/// What kind of fault brings a host down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Bug {
    /// The kernel of domain 0 reads where nothing is, and panics.
    #[default]
    Oops,
    /// A processor of domain 0 does not get on, and the kernel panics for that.
    Lockup,
    /// The hypervisor has a fault of its own.
    Xen,
}

/// Where a boot can hang.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Hang {
    /// Before anything listens.
    Post,
    /// xapi answers, and does not get to say hello.
    Hello,
    /// It is part of the pool, and does not get to plug its storage.
    Storage,
    /// Everything is there, and it is not enabled.
    Enable,
}

/// What another operator can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
#[allow(missing_docs, reason = "each is the call of that name")]
pub enum Action {
    Disable,
    Enable,
    Evacuate,
    Reboot,
    Shutdown,
    StartGuest,
    StopGuest,
    MoveGuest,
    EnableHa,
    DisableHa,
    /// Writes a key of `pool.other_config`, whatever was there.
    SetKey,
    /// Takes a key of `pool.other_config` away.
    DropKey,
    /// `pool.join`, called at a host that is a pool of its own.
    Join,
    /// `pool.eject`.
    Eject,
    /// `host.prepare_for_maintenance` of the designed API.
    Maintain,
    /// `PBD.plug` of all storage of a host.
    Plug,
    /// `PBD.unplug` of all storage of a host.
    Unplug,
}

/// A fault, or its repair. Hosts, SRs and guests by name.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the fields are what the texts in FAULTS say")]
pub enum Fault {
    /// The machine dies silently and stays dead.
    Crash { host: String },
    /// The machine dies silently and boots again by itself.
    Reset { host: String },
    /// A fault in the kernel, or the hypervisor, brings the machine down; its crash kernel writes a dump, and it boots again.
    KernelBug { host: String, how: Bug },
    /// A dead machine is switched on.
    PowerOn { host: String },
    /// A running host is cut off.
    CutOff { host: String, what: Cut },
    /// A host that was cut off is connected again.
    Heal { host: String },
    /// The network falls apart into groups of hosts, each of which hears itself. Whoever watches reaches the group with `seat`, by default the first.
    Split { groups: Vec<Vec<String>>, seat: Option<String> },
    /// It is one again.
    Unsplit,
    /// Paths to a LUN fail; all LUNs if none is named.
    FailPath { host: String, lun: Option<String>, paths: u8, how: Loss },
    /// All paths are back.
    RepairPath { host: String, lun: Option<String> },
    /// A link of the host's bond goes down.
    FailLink { host: String, link: Option<String> },
    /// All links are up, or the named one.
    RepairLink { host: String, link: Option<String> },
    /// xapi restarts on a host, the coordinator if none is named.
    RestartToolstack { host: Option<String> },
    /// Every API session is gone.
    KillSessions,
    /// Rebuilds make no progress.
    StallRebuild { sr: Option<String> },
    /// Rebuilds go on.
    ResumeRebuild { sr: Option<String> },
    /// Rebuilds start from nothing again.
    RestartRebuild { sr: Option<String> },
    /// The next rebuild starts later.
    LateRebuild { sr: Option<String>, by: Duration },
    /// A node of the storage cluster that is not a host of this pool goes offline.
    NodeOffline { sr: Option<String>, node: String },
    /// It is back, and resyncs.
    NodeOnline { sr: Option<String>, node: String },
    /// A host's clock is off by this many milliseconds.
    SkewClock { host: String, millis: i64 },
    /// Changes are not told to anyone for this long: late for clients that wait, lost where an object comes and goes meanwhile.
    LateEvents { by: Duration },
    /// The next calls of a method fail with an error, without effect.
    FailCall { method: String, code: String, params: Vec<String>, times: u32 },
    /// The next calls of a method have their effect but no answer.
    TimeoutCall { method: String, times: u32 },
    /// The next calls of a method have their effect, and an error for an answer.
    BreakCall { method: String, code: String, params: Vec<String>, times: u32 },
    /// The next migrations fail half-way, of one guest or of any.
    FailMove { vm: Option<String>, times: u32 },
    /// The next attempts to plug PBDs of a host fail, of one SR or of any; also those of its boot.
    FailPlug { host: String, sr: Option<String>, times: u32 },
    /// The next update of a host fails, with this code.
    FailUpdate { host: String, code: String },
    /// Somebody else holds the updater of a host.
    BusyUpdater { host: String, by: Duration },
    /// The next boot of a host stops at a stage and goes no further.
    HangBoot { host: String, at: Hang },
    /// A boot that hangs goes on.
    ResumeBoot { host: String },
    /// The next boot of a host takes longer.
    SlowBoot { host: String, by: Duration },
    /// A copy of the database is put aside, as a member's or a backup's.
    KeepDatabase,
    /// The coordinator starts over with the copy of the database that was put aside.
    RewindDatabase,
    /// Another operator does something, in a session of their own.
    Operator {
        action: Action,
        host: Option<String>,
        vm: Option<String>,
        key: Option<String>,
        value: Option<String>,
        who: Option<String>,
    },
    /// A guest is paused, which blocks evacuation.
    PauseGuest { vm: String },
    /// It runs again.
    UnpauseGuest { vm: String },
}

/// Why a fault could not be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// There is no such fault.
    #[error("there is no fault called `{0}`; there are: {known}", known = names())]
    Unknown(String),
    /// A value is missing.
    #[error("`{fault}` needs `{key}=`: {usage}")]
    Missing {
        /// Which fault.
        fault: String,
        /// What it needs.
        key: &'static str,
        /// How it is written.
        usage: &'static str,
    },
    /// A value cannot be read.
    #[error("`{value}` is not a value for `{key}`: {usage}")]
    Value {
        /// Which.
        key: String,
        /// What was given.
        value: String,
        /// How it is written.
        usage: &'static str,
    },
    /// A value that this fault does not have.
    #[error("`{fault}` has no `{key}=`: {usage}")]
    Extra {
        /// Which fault.
        fault: String,
        /// What it has not.
        key: String,
        /// How it is written.
        usage: &'static str,
    },
    /// There is no such object.
    #[error("there is no {kind} called `{name}`; there are: {known}")]
    NoSuch {
        /// What kind of object.
        kind: &'static str,
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// The world is not in a state for it.
    #[error("{0}")]
    NotNow(String),
}

/// A kind of fault, for help and menus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultKind {
    /// The name that begins its text.
    pub name: &'static str,
    /// How it is written.
    pub usage: &'static str,
    /// What it does, in plain words.
    pub what: &'static str,
}

const fn kind(name: &'static str, usage: &'static str, what: &'static str) -> FaultKind {
    FaultKind { name, usage, what }
}

/// All kinds of faults.
pub static FAULTS: &[FaultKind] = &[
    kind("crash", "crash host=NAME", "the machine dies silently and stays dead"),
    kind("reset", "reset host=NAME", "the machine dies silently and boots again by itself"),
    kind(
        "kernel-bug",
        "kernel-bug host=NAME [how=oops|lockup|xen]",
        "a fault in the kernel, or in Xen, brings the machine down: a dump is written, and it boots again by itself",
    ),
    kind("power-on", "power-on host=NAME", "a dead machine is switched on"),
    kind("cut", "cut host=NAME [what=network|all]", "a running host is cut off from the network, or from storage too"),
    kind("heal", "heal host=NAME", "a host that was cut off is connected again"),
    kind(
        "split",
        "split groups=A,B|C,D [seat=A]",
        "the network falls apart into groups; you are in the first, or where `seat` is",
    ),
    kind("unsplit", "unsplit", "the network is one again"),
    kind(
        "fail-path",
        "fail-path host=NAME [lun=SCSIID] [paths=N] [how=stall|error]",
        "paths to a LUN fail (one, unless you say how many); with the last one I/O waits, or ends in errors",
    ),
    kind("repair-path", "repair-path host=NAME [lun=SCSIID]", "all paths to a LUN are back"),
    kind("fail-link", "fail-link host=NAME [link=eth1]", "a link of the host's bond goes down"),
    kind("repair-link", "repair-link host=NAME [link=eth1]", "the links are up again"),
    kind("restart-toolstack", "restart-toolstack [host=NAME]", "xapi restarts (the coordinator's: sessions and tasks are lost)"),
    kind("kill-sessions", "kill-sessions", "every API session is gone; clients have to log in again"),
    kind("stall-rebuild", "stall-rebuild [sr=NAME]", "mirror rebuilds make no progress"),
    kind("resume-rebuild", "resume-rebuild [sr=NAME]", "mirror rebuilds go on"),
    kind("restart-rebuild", "restart-rebuild [sr=NAME]", "mirror rebuilds start from nothing again"),
    kind("late-rebuild", "late-rebuild [sr=NAME] [by=60]", "the next rebuild starts this many seconds later"),
    kind("node-offline", "node-offline node=NAME [sr=NAME]", "a storage node that is not a host of this pool goes offline"),
    kind("node-online", "node-online node=NAME [sr=NAME]", "that storage node is back and resyncs"),
    kind("skew-clock", "skew-clock host=NAME by=SECONDS", "a host's clock is off"),
    kind("late-events", "late-events by=SECONDS", "changes are not told to clients for this long"),
    kind("fail-call", "fail-call method=M code=CODE [params=A,B] [times=1]", "the next calls of a method fail without effect"),
    kind("timeout-call", "timeout-call method=M [times=1]", "the next calls of a method have their effect but no answer"),
    kind(
        "break-call",
        "break-call method=M code=CODE [params=A,B] [times=1]",
        "the next calls of a method have their effect and an error for an answer",
    ),
    kind("fail-move", "fail-move [vm=NAME] [times=1]", "the next migrations fail half-way"),
    kind("fail-plug", "fail-plug host=NAME [sr=NAME] [times=1]", "the next PBDs of a host are not plugged, also when it boots"),
    kind("fail-update", "fail-update host=NAME [code=1]", "the next update of a host fails"),
    kind("busy-updater", "busy-updater host=NAME [by=60]", "somebody else holds the updater of a host for this many seconds"),
    kind("hang-boot", "hang-boot host=NAME [at=post|hello|storage|enable]", "the next boot of a host stops there"),
    kind("resume-boot", "resume-boot host=NAME", "a boot that hangs goes on"),
    kind("slow-boot", "slow-boot host=NAME [by=600]", "the next boot of a host takes this many seconds longer"),
    kind("keep-database", "keep-database", "a copy of the database is put aside"),
    kind("rewind-database", "rewind-database", "the coordinator starts over with that older copy of the database"),
    kind(
        "operator",
        "operator does=disable|enable|evacuate|reboot|shutdown|start-guest|stop-guest|move-guest|enable-ha|disable-ha|set-key|drop-key|join|eject|maintain|plug|unplug [host=NAME] [vm=NAME] [key=K] [value=V] [as=WHO]",
        "another operator does something, in a session of their own (called `as`)",
    ),
    kind("pause", "pause vm=NAME", "a guest is paused, which blocks evacuation"),
    kind("unpause", "unpause vm=NAME", "a paused guest runs again"),
];

fn names() -> String {
    FAULTS.iter().map(|f| f.name).collect::<Vec<_>>().join(", ")
}
