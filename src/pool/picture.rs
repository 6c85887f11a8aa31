//! The picture of a pool at one moment: plain data, computed from [`super::Pool`] by `Pool::picture`.
//!
//! The dashboard draws it, `status` prints it, the rollout engine decides on it. Everything in it says
//! since when, on what evidence, or how old it is. It decides nothing itself.

use super::budget::Budget;
use super::heartbeats::HeartbeatView;
use super::paths::Failover;
use super::probes::Standing;
use crate::observation::Rewind;
use crate::time::Time;
use crate::xenapi::record::Ref;
use serde::{Deserialize, Serialize};

/// All that is known of a pool at [`Picture::at`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Picture {
    /// The moment that it describes.
    pub at: Time,
    /// The pool's name; the target's name as long as it is not known.
    pub name: String,
    /// The pool's uuid; empty as long as it is not known.
    pub uuid: String,
    /// Name of the coordinator.
    pub coordinator: String,
    /// Product and version, e.g. `XCP-ng 8.3.0`.
    pub product: String,
    /// Version of xapi, e.g. `26.17`.
    pub xapi: String,
    /// Which set of rules the pool was seen to follow.
    pub dialect: Dialect,
    /// Our connection.
    pub link: LinkView,
    /// May the next host be rebooted now?
    pub verdict: Verdict,
    /// The hosts, by natural name order, coordinator not moved.
    pub hosts: Vec<HostView>,
    /// Mirror rebuilds that run, or ended within their settle window.
    pub rebuilds: Vec<Rebuild>,
    /// Tasks, newest first, finished ones last.
    pub tasks: Vec<TaskView>,
    /// Clusters and their members.
    pub clusters: Vec<ClusterView>,
    /// I/O paths: multipath maps and bonds, by host and name.
    pub paths: Vec<PathView>,
    /// Clocks of the hosts against the coordinator's.
    pub clocks: Vec<ClockView>,
    /// Who may act on this pool.
    pub control: Control,
    /// Which time-out comes when.
    pub budget: Budget,
    /// Alerts and changes of note, newest first.
    pub alerts: Vec<Alert>,
    /// Records that could not be read.
    pub unreadable: u64,
    /// Number of guests that run.
    pub guests: usize,
}

/// Which set of rules a pool follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// Nothing seen yet that tells.
    #[default]
    Unknown,
    /// xapi as shipped: `CLUSTERED_SR_DEGRADED`, `Cluster_host`.
    Shipped,
    /// As the design documents have it: `MIRROR_REBUILD_IN_PROGRESS`, `Membership`.
    Designed,
}

/// Our connection, as the operator should see it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinkView {
    /// What it is doing.
    pub state: LinkState,
    /// In words: what, and what happens next.
    pub text: String,
    /// Since when it is in this state.
    pub since: Time,
    /// When the pool last said anything; `None` if it never did.
    pub heard: Option<Time>,
    /// When the next try is due.
    pub retry_at: Option<Time>,
    /// Whether what the picture says of the pool still counts as current: also for some seconds after the connection was lost.
    pub current: bool,
}

/// What our connection is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LinkState {
    /// Not connected yet, or logging in.
    #[default]
    Connecting,
    /// Connected, first picture not complete.
    Syncing,
    /// Connected, and the picture is current.
    Live,
    /// Broken; the picture is the last one known.
    Lost,
    /// Given up until the operator does something.
    Refused,
}

/// Open, closed, or cannot tell (which counts as closed).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GateState {
    /// Rebooting would cost nothing that the evidence knows of.
    Open,
    /// It must not be done now.
    Closed,
    /// The evidence is missing or too old.
    #[default]
    Unknown,
}

/// The answer to the operator's question, in one line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// May the next host be rebooted now?
    pub state: GateState,
    /// Why, and until when; one or two sentences.
    pub headline: String,
    /// What turns a no into a yes; empty if it is a yes.
    pub opens_when: String,
    /// When that is expected, if it can be told.
    pub until: Option<Time>,
    /// All reasons, worst first.
    pub reasons: Vec<Reason>,
}

/// How much a reason weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Cannot be accepted away.
    Hard,
    /// An operator may accept it, with a reason.
    Soft,
    /// Worth knowing.
    Note,
}

/// One reason why a gate is not open, or something worth knowing before it is used.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    /// Short and stable, for scripts: `rebuild`, `host-not-live`, `stale`, …
    pub code: &'static str,
    /// How much it weighs.
    pub severity: Severity,
    /// What is wrong, as a sentence.
    pub text: String,
    /// Where that was seen.
    pub evidence: String,
    /// When it was last seen to be so.
    pub seen: Time,
    /// What ends it.
    pub opens_when: String,
    /// When that is expected, if it can be told.
    pub until: Option<Time>,
}

/// Whether one host may be rebooted now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gate {
    /// The answer.
    pub state: GateState,
    /// Why, worst first. An open gate may carry soft ones and notes.
    pub reasons: Vec<Reason>,
}

/// One host.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HostView {
    /// Its reference.
    pub r#ref: Ref,
    /// Its uuid.
    pub uuid: String,
    /// Its name.
    pub name: String,
    /// Its management address.
    pub address: String,
    /// Whether it is the coordinator.
    pub coordinator: bool,
    /// What it is doing, since when, and how that is known.
    pub state: HostState,
    /// xapi's `enabled`.
    pub enabled: bool,
    /// xapi's `host_metrics.live`.
    pub live: bool,
    /// May it be rebooted now?
    pub gate: Gate,
    /// Guests that run on it.
    pub vms: usize,
    /// Its memory.
    pub memory: Memory,
    /// Storage and network paths that are up, and that there should be; `None` if it has none that are watched.
    pub paths: Option<(u32, u32)>,
    /// Round trips of questions to this host over the last five minutes, oldest first.
    pub latency: Vec<Latency>,
    /// Product version, e.g. `8.3.0`.
    pub version: String,
    /// Pending guidance in plain words, worst first, e.g. `reboot host`.
    pub guidance: Vec<String>,
    /// When it last booted.
    pub booted: Option<Time>,
    /// Seconds until it fences itself if nothing changes, once something is known of that.
    pub fence_margin_s: Option<f64>,
    /// What its probe says of a fence by o2cb; `None` without a probe, or where o2cb does not run.
    pub fence: Option<FenceView>,
    /// Its heartbeats against their limits, the nearest first; empty where nothing measures them.
    pub heartbeats: Vec<HeartbeatView>,
    /// What a fail-over of its storage paths comes to; `None` if it has no LUN with more than one.
    pub failover: Option<Failover>,
    /// What its HA daemon says through the probe, in words; `None` without a probe, or where HA is off.
    pub xhad: Option<String>,
    /// Whether its probe tells us something, since when that is known, and why not.
    pub probe: (Option<Time>, Standing),
    /// What xapi says may be done, in its words.
    pub allowed: Vec<&'static str>,
    /// What is being done, in xapi's words.
    pub current: Vec<&'static str>,
}

/// How near a fence by o2cb is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FenceView {
    /// In words: how long, why, and how sure.
    pub text: String,
    /// What to do now; empty: nothing.
    pub advice: String,
    /// What would make a fence worse, such as that it leaves no crash dump.
    pub warnings: Vec<String>,
    /// How bad it is.
    pub health: Health,
    /// When the probe was heard.
    pub seen: Time,
}

/// One bucket of a latency sparkline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Latency {
    /// Nothing was asked in this time.
    None,
    /// The slowest answer, in milliseconds; 0 if all were faster than [`LATENCY_QUIET`](super::limits::LATENCY_QUIET).
    Ms(u32),
    /// At least one question was not answered.
    Lost,
}

/// Memory of a host, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// All of it; 0 if it is not known.
    pub total: u64,
    /// In use; `None` if it is not known.
    pub used: Option<u64>,
}

/// What a host is doing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HostState {
    /// The stage.
    pub stage: Stage,
    /// Since when.
    pub since: Option<Time>,
    /// In a few words for a table cell, e.g. `live`, `back for 3 min`, `silent for 40 s`.
    pub text: String,
    /// How that is known, as a sentence.
    pub evidence: String,
}

/// The stages that a host goes through.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    strum::EnumIter,
    strum::IntoStaticStr,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Stage {
    /// Nothing is known of it, or nothing current.
    #[default]
    Unknown,
    /// Up, enabled, storage plugged, answers.
    Live,
    /// As [`Stage::Live`], but back for less than the settle window.
    Back,
    /// Up and answers, but disabled (maintenance).
    Disabled,
    /// Told to shut down or reboot, not down yet.
    GoingDown,
    /// xapi says that it is not live.
    Down,
    /// xapi still says that it is live, but it has not been heard.
    Silent,
    /// Live again after having been down; not enabled yet, no storage plugged yet (or none to plug).
    Starting,
    /// Live again, and some of the storage that it had is plugged, but not all yet. xapi plugs before it enables.
    Plugging,
}

/// How bad something is, for its colour, glyph and order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// As it should be.
    #[default]
    Good,
    /// Passing, or nothing to say about.
    Pending,
    /// Still works, at risk.
    Degraded,
    /// Does not work.
    Failed,
}

/// A mirror rebuild.
#[derive(Clone, Debug, PartialEq)]
pub struct Rebuild {
    /// Name of the SR.
    pub sr: String,
    /// Where it is known from: `task`, `probe`, `cluster`.
    pub source: String,
    /// 0 to 1; `None` if the source never moves it.
    pub progress: Option<f64>,
    /// Progress per second, measured over the last minutes.
    pub rate: Option<f64>,
    /// When it is expected to end.
    pub ends: Option<Time>,
    /// When it began, as far as known.
    pub since: Time,
    /// When it was seen to end; it is then quiet, and the settle window runs.
    pub ended: Option<Time>,
    /// In words: what the progress says or why it says nothing.
    pub text: String,
    /// When something was last heard of it.
    pub seen: Time,
}

/// A task.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskView {
    /// Its reference.
    pub r#ref: Ref,
    /// What it does, in plain words where its name is known.
    pub name: String,
    /// Name of the host it runs on, if known.
    pub host: String,
    /// 0 to 1; `None` if it never moves.
    pub progress: Option<f64>,
    /// When it was made.
    pub created: Option<Time>,
    /// How it stands.
    pub health: Health,
    /// In words: `running for 3 min`, `failed: HOST_NOT_DISABLED …`.
    pub text: String,
    /// Whether it has ended.
    pub ended: bool,
}

/// A cluster of hosts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterView {
    /// `corosync`, `xhad` or `o2cb`.
    pub stack: String,
    /// Whether it may act; `None` if the pool does not say.
    pub quorate: Option<bool>,
    /// How many more members may fail before it is not quorate; `None` if it cannot be told.
    pub may_fail: Option<u32>,
    /// Living members that it needs; `None` if that cannot be told.
    pub quorum: Option<u32>,
    /// Hosts whose running cluster stack is not what is configured: they need a restart of it.
    pub restart: Vec<String>,
    /// Its members, in the order of the hosts.
    pub members: Vec<MemberView>,
    /// When the pool last wrote its state.
    pub seen: Option<Time>,
}

/// A member of a cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberView {
    /// Name of the host.
    pub host: String,
    /// Node number, where the stack has one.
    pub id: Option<u32>,
    /// `alive`, `dead`, `disabled`, `left`, `excluded`, `unknown`.
    pub state: &'static str,
    /// How bad that is.
    pub health: Health,
}

/// What kind of path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PathKind {
    /// A LUN's multipath map.
    Multipath,
    /// The root disk's multipath map.
    Boot,
    /// A network bond.
    Bond,
    /// A single network interface.
    Link,
}

/// One host's paths to one thing.
#[derive(Clone, Debug, PartialEq)]
pub struct PathView {
    /// Name of the host.
    pub host: String,
    /// What kind.
    pub kind: PathKind,
    /// SCSI id, bond or interface.
    pub name: String,
    /// The SR behind it, where it is storage.
    pub sr: String,
    /// Paths that are up.
    pub up: u32,
    /// Paths that there have been at most.
    pub total: u32,
    /// Since when it is like this, as far as we saw.
    pub since: Option<Time>,
    /// How bad that is.
    pub health: Health,
    /// What it did over the last week.
    pub week: PathWeek,
}

/// What a path did over the last week, as far as it was watched. [`crate::pool::Pool::path_past`] has more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PathWeek {
    /// How often it changed, at least.
    pub changes: u32,
    /// The fewest paths that it had; `None` if it did not change.
    pub least: Option<u32>,
    /// Whether it changes so often now that it cannot be relied on.
    pub flaps: bool,
}

/// One host's clock.
#[derive(Clone, Debug, PartialEq)]
pub struct ClockView {
    /// Name of the host.
    pub host: String,
    /// Seconds that it is ahead of the coordinator's (negative: behind).
    pub skew_s: f64,
    /// The most that the skew may be wrong by, in seconds.
    pub error_s: f64,
    /// When it was measured.
    pub seen: Time,
}

/// Who may act on this pool.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Control {
    /// Whether HA is on.
    pub ha: bool,
    /// The cluster stack that HA uses.
    pub ha_stack: String,
    /// Host failures that HA plans for.
    pub ha_tolerates: i64,
    /// HA's time-out in seconds, where the pool sets one; else xapi's default is in force.
    pub ha_timeout_s: Option<f64>,
    /// Host failures for which HA's plan holds now.
    pub ha_plan_exists_for: i64,
    /// Whether more is protected than could be restarted.
    pub ha_overcommitted: bool,
    /// Statefiles that HA uses; 0 while it is off.
    pub ha_statefiles: usize,
    /// While HA is on: how many of them each host sees, by name.
    pub statefiles: Vec<(String, usize)>,
    /// Whether a rolling pool upgrade is under way (xapi then never lists `reboot`).
    pub rolling_upgrade: bool,
    /// Whether workload balancing is on.
    pub wlb: bool,
    /// Other marks of somebody acting on the pool, in words.
    pub marks: Vec<String>,
    /// The claim that a round of poolwatch has laid on the pool, ours or another's.
    pub claim: Option<ClaimView>,
    /// How far the pool's database has come: the number of its changes.
    pub generation: Option<u64>,
    /// The last time that the database went back in time, if that is known and not long ago.
    pub rewind: Option<Rewind>,
}

/// A round's claim on the pool, as it stands in `pool.other_config`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimView {
    /// `user@machine`; empty if the claim cannot be read.
    pub owner: String,
    /// Name of the run.
    pub run: String,
    /// When it was last renewed, by its owner's clock.
    pub renewed: Option<Time>,
}

/// Something that happened, and whether it still is so.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// When it happened, by the pool's clock for messages and by ours for what we saw.
    pub at: Time,
    /// Stable name: xapi's message name, or our own in lower case with dashes.
    pub name: String,
    /// How bad.
    pub health: Health,
    /// The host or other object it is about; empty for the pool.
    pub about: String,
    /// In plain words.
    pub text: String,
    /// Whether it is still true by current evidence; `None` if it is an event with no level.
    pub still_true: Option<bool>,
    /// How often it was said.
    pub count: u32,
}
