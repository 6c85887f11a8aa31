//! The picture for scripts: what `status --json` prints. Its names are a contract (`docs/json.md`); it only grows.
//!
//! Only translates; ages are told against the picture's own time.

mod risks;

pub use risks::{FailoverJson, FenceJson, HeartbeatJson, PreviewJson, ProbeJson};

use super::Pool;
use super::budget::Budget;
use super::picture::{Control, GateState, Health, Picture, Reason, Severity, Stage};
use crate::observation::{Reverted, RevertedWhat, Rewind};
use crate::time::Time;
use serde::Serialize;

/// Version of the format. Raised when something is taken away or changes its meaning, never when something is added.
pub const SCHEMA: &str = "poolwatch-status/1";

/// One look at a pool.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "names are the contract, described in docs/json.md")]
pub struct Status {
    pub schema: &'static str,
    pub at: String,
    pub pool: PoolJson,
    pub age_s: Option<f64>,
    pub link: LinkJson,
    pub verdict: VerdictJson,
    pub hosts: Vec<HostJson>,
    pub rebuilds: Vec<RebuildJson>,
    pub clusters: Vec<ClusterJson>,
    pub paths: Vec<PathJson>,
    pub clocks: Vec<ClockJson>,
    pub control: ControlJson,
    pub budget: Budget,
    pub alerts: Vec<AlertJson>,
    pub unreadable: u64,
}

#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "names are the contract, described in docs/json.md")]
pub struct PoolJson {
    pub name: String,
    pub uuid: String,
    pub coordinator: String,
    pub api: &'static str,
    pub product: String,
    pub xapi: String,
    pub vms: usize,
}

#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "names are the contract, described in docs/json.md")]
pub struct LinkJson {
    pub state: &'static str,
    pub text: String,
}

#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "names are the contract, described in docs/json.md")]
pub struct VerdictJson {
    pub reboot_next: &'static str,
    pub headline: String,
    pub opens_when: String,
    pub until: Option<String>,
    pub reasons: Vec<ReasonJson>,
}

#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "names are the contract, described in docs/json.md")]
pub struct ReasonJson {
    pub code: &'static str,
    pub severity: Severity,
    pub text: String,
    pub evidence: String,
    pub age_s: Option<f64>,
    pub opens_when: String,
    pub until: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "names are the contract, described in docs/json.md")]
pub struct HostJson {
    pub name: String,
    pub uuid: String,
    pub address: String,
    pub role: &'static str,
    pub state: &'static str,
    pub state_since: Option<String>,
    pub evidence: String,
    pub enabled: bool,
    pub live: bool,
    pub gate: GateJson,
    pub vms: usize,
    pub memory_total: u64,
    pub memory_used: Option<u64>,
    pub version: String,
    pub guidance: Vec<String>,
    pub booted: Option<String>,
    pub fence_margin_s: Option<f64>,
    pub fence: Option<FenceJson>,
    pub heartbeats: Vec<HeartbeatJson>,
    pub failover: Option<FailoverJson>,
    pub xhad: Option<String>,
    pub probe: ProbeJson,
}

#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "names are the contract, described in docs/json.md")]
pub struct GateJson {
    pub state: &'static str,
    pub reasons: Vec<ReasonJson>,
}

#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "names are the contract, described in docs/json.md")]
pub struct RebuildJson {
    pub sr: String,
    pub source: String,
    pub progress: Option<f64>,
    pub eta_s: Option<f64>,
    pub since: String,
    pub ended: Option<String>,
    pub text: String,
}

#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "names are the contract, described in docs/json.md")]
pub struct ClusterJson {
    pub stack: String,
    pub quorate: Option<bool>,
    pub may_fail: Option<u32>,
    pub quorum: Option<u32>,
    pub restart: Vec<String>,
    pub members: Vec<MemberJson>,
    pub if_fails: Vec<PreviewJson>,
}

#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "names are the contract, described in docs/json.md")]
pub struct MemberJson {
    pub host: String,
    pub id: Option<u32>,
    pub state: &'static str,
}

#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "names are the contract, described in docs/json.md")]
pub struct PathJson {
    pub host: String,
    pub kind: super::picture::PathKind,
    pub name: String,
    pub sr: String,
    pub up: u32,
    pub total: u32,
    pub since: Option<String>,
    pub flaps: bool,
    pub week_changes: u32,
    pub week_least: Option<u32>,
}

#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "names are the contract, described in docs/json.md")]
pub struct ClockJson {
    pub host: String,
    pub skew_s: f64,
    pub error_s: f64,
    pub age_s: f64,
}

#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "names are the contract, described in docs/json.md")]
pub struct ControlJson {
    pub ha: bool,
    pub ha_stack: String,
    pub ha_tolerates: i64,
    pub ha_timeout_s: Option<f64>,
    pub ha_plan_exists_for: i64,
    pub ha_overcommitted: bool,
    pub ha_statefiles: usize,
    pub statefiles: Vec<StatefilesJson>,
    pub rolling_upgrade: bool,
    pub wlb: bool,
    pub marks: Vec<String>,
    pub claim: Option<ClaimJson>,
    pub database: DatabaseJson,
}

#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "names are the contract, described in docs/json.md")]
pub struct StatefilesJson {
    pub host: String,
    pub seen: usize,
}

#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "names are the contract, described in docs/json.md")]
pub struct ClaimJson {
    pub owner: String,
    pub run: String,
    pub renewed: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "names are the contract, described in docs/json.md")]
pub struct DatabaseJson {
    pub generation: Option<u64>,
    pub went_back: Option<WentBackJson>,
}

#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "names are the contract, described in docs/json.md")]
pub struct WentBackJson {
    pub from: u64,
    pub to: u64,
    pub found: String,
    pub last_seen: String,
    pub changes: Vec<RevertedJson>,
    pub more: usize,
}

#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "names are the contract, described in docs/json.md")]
pub struct RevertedJson {
    pub what: RevertedWhat,
    pub class: &'static str,
    pub uuid: String,
    pub name: String,
    pub text: String,
}

impl ControlJson {
    fn new(c: &Control) -> Self {
        let changes = |rewind: &Rewind| {
            let one = |c: &Reverted| RevertedJson {
                what: c.what,
                class: c.class.call_name(),
                uuid: c.uuid.clone(),
                name: c.name.clone(),
                text: c.text.clone(),
            };
            rewind.changes.iter().map(one).collect()
        };
        Self {
            ha: c.ha,
            ha_stack: c.ha_stack.clone(),
            ha_tolerates: c.ha_tolerates,
            ha_timeout_s: c.ha_timeout_s,
            ha_plan_exists_for: c.ha_plan_exists_for,
            ha_overcommitted: c.ha_overcommitted,
            ha_statefiles: c.ha_statefiles,
            statefiles: c.statefiles.iter().map(|(host, seen)| StatefilesJson { host: host.clone(), seen: *seen }).collect(),
            rolling_upgrade: c.rolling_upgrade,
            wlb: c.wlb,
            marks: c.marks.clone(),
            claim: c.claim.as_ref().map(|claim| ClaimJson {
                owner: claim.owner.clone(),
                run: claim.run.clone(),
                renewed: claim.renewed.map(|at| at.to_string()),
            }),
            database: DatabaseJson {
                generation: c.generation,
                went_back: c.rewind.as_ref().map(|rewind| WentBackJson {
                    from: rewind.from,
                    to: rewind.to,
                    found: rewind.at.to_string(),
                    last_seen: rewind.last.to_string(),
                    changes: changes(rewind),
                    more: rewind.more,
                }),
            },
        }
    }
}

#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "names are the contract, described in docs/json.md")]
pub struct AlertJson {
    pub name: String,
    pub severity: Health,
    pub about: String,
    pub text: String,
    pub since: String,
    pub still_true: Option<bool>,
    pub count: u32,
}

/// What the exit code of `status` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    /// 0: nothing is wrong.
    Healthy = 0,
    /// 1: it works, but something is not as it should be.
    Degraded = 1,
    /// 2: one more failure may cost data or guests.
    AtRisk = 2,
    /// 3: the evidence is missing or too old.
    CannotTell = 3,
}

impl Grade {
    /// How a pool is. A closed gate is a risk: something is down, rebuilding or not settled.
    pub fn of(p: &Picture) -> Self {
        let down = p.hosts.iter().any(|h| matches!(h.state.stage, Stage::Silent | Stage::Down));
        let lost =
            p.paths.iter().any(|path| path.health == Health::Failed) || p.clusters.iter().any(|c| c.quorate == Some(false));
        let rebuilds = p.rebuilds.iter().any(|r| r.ended.is_none());
        let soft = |r: &Reason| r.severity <= Severity::Soft;
        match p.verdict.state {
            GateState::Unknown => Self::CannotTell,
            _ if down || lost || rebuilds => Self::AtRisk,
            GateState::Closed => Self::Degraded,
            GateState::Open if p.verdict.reasons.iter().any(soft) || p.hosts.iter().any(|h| h.state.stage != Stage::Live) => {
                Self::Degraded
            }
            GateState::Open => Self::Healthy,
        }
    }
}

/// `open`, `closed` or `unknown`.
const fn gate_word(state: GateState) -> &'static str {
    match state {
        GateState::Open => "open",
        GateState::Closed => "closed",
        GateState::Unknown => "unknown",
    }
}

fn age(now: Time, then: Time) -> Option<f64> {
    (then > Time::EPOCH).then(|| now.since(then).as_secs_f64())
}

impl Status {
    /// The pool as it is in this picture of it, with what would come of each single fault in its o2cb cluster.
    pub fn of(pool: &Pool, p: &Picture) -> Self {
        let mut status = Self::new(p);
        if let Some(cluster) = status.clusters.iter_mut().find(|c| c.stack == "o2cb") {
            cluster.if_fails = pool.who_would_die(p.at).iter().map(PreviewJson::new).collect();
        }
        status
    }

    /// The picture in the contract's words, as far as it goes.
    pub fn new(p: &Picture) -> Self {
        let now = p.at;
        let text = |at: Time| at.to_string();
        let reasons = |list: &[Reason]| -> Vec<ReasonJson> {
            list.iter()
                .map(|r| ReasonJson {
                    code: r.code,
                    severity: r.severity,
                    text: r.text.clone(),
                    evidence: r.evidence.clone(),
                    age_s: age(now, r.seen),
                    opens_when: r.opens_when.clone(),
                    until: r.until.map(text),
                })
                .collect()
        };
        let link = match p.link.state {
            super::picture::LinkState::Connecting => "connecting",
            super::picture::LinkState::Syncing => "syncing",
            super::picture::LinkState::Live => "live",
            super::picture::LinkState::Lost => "lost",
            super::picture::LinkState::Refused => "refused",
        };
        Self {
            schema: SCHEMA,
            at: text(now),
            pool: PoolJson {
                name: p.name.clone(),
                uuid: p.uuid.clone(),
                coordinator: p.coordinator.clone(),
                api: match p.dialect {
                    super::picture::Dialect::Unknown => "unknown",
                    super::picture::Dialect::Shipped => "shipped",
                    super::picture::Dialect::Designed => "designed",
                },
                product: p.product.clone(),
                xapi: p.xapi.clone(),
                vms: p.guests,
            },
            age_s: p.link.heard.and_then(|at| age(now, at)),
            link: LinkJson { state: link, text: p.link.text.clone() },
            verdict: VerdictJson {
                reboot_next: gate_word(p.verdict.state),
                headline: p.verdict.headline.clone(),
                opens_when: p.verdict.opens_when.clone(),
                until: p.verdict.until.map(text),
                reasons: reasons(&p.verdict.reasons),
            },
            hosts: p
                .hosts
                .iter()
                .map(|h| HostJson {
                    name: h.name.clone(),
                    uuid: h.uuid.clone(),
                    address: h.address.clone(),
                    role: if h.coordinator { "coordinator" } else { "member" },
                    state: h.state.stage.into(),
                    state_since: h.state.since.map(text),
                    evidence: h.state.evidence.clone(),
                    enabled: h.enabled,
                    live: h.live,
                    gate: GateJson { state: gate_word(h.gate.state), reasons: reasons(&h.gate.reasons) },
                    vms: h.vms,
                    memory_total: h.memory.total,
                    memory_used: h.memory.used,
                    version: h.version.clone(),
                    guidance: h.guidance.clone(),
                    booted: h.booted.map(text),
                    fence_margin_s: h.fence_margin_s,
                    fence: h.fence.as_ref().map(|one| FenceJson::new(one, now)),
                    heartbeats: h.heartbeats.iter().map(|one| HeartbeatJson::new(one, now)).collect(),
                    failover: h.failover.as_ref().map(FailoverJson::new),
                    xhad: h.xhad.clone(),
                    probe: ProbeJson::new(h, now),
                })
                .collect(),
            rebuilds: p
                .rebuilds
                .iter()
                .map(|r| RebuildJson {
                    sr: r.sr.clone(),
                    source: r.source.clone(),
                    progress: r.progress,
                    eta_s: r.ends.map(|end| end.since(now).as_secs_f64()),
                    since: text(r.since),
                    ended: r.ended.map(text),
                    text: r.text.clone(),
                })
                .collect(),
            clusters: p
                .clusters
                .iter()
                .map(|c| ClusterJson {
                    stack: c.stack.clone(),
                    quorate: c.quorate,
                    may_fail: c.may_fail,
                    quorum: c.quorum,
                    restart: c.restart.clone(),
                    members: c.members.iter().map(|m| MemberJson { host: m.host.clone(), id: m.id, state: m.state }).collect(),
                    if_fails: Vec::new(),
                })
                .collect(),
            paths: p
                .paths
                .iter()
                .map(|x| PathJson {
                    host: x.host.clone(),
                    kind: x.kind,
                    name: x.name.clone(),
                    sr: x.sr.clone(),
                    up: x.up,
                    total: x.total,
                    since: x.since.map(text),
                    flaps: x.week.flaps,
                    week_changes: x.week.changes,
                    week_least: x.week.least,
                })
                .collect(),
            clocks: p
                .clocks
                .iter()
                .map(|c| ClockJson {
                    host: c.host.clone(),
                    skew_s: c.skew_s,
                    error_s: c.error_s,
                    age_s: now.since(c.seen).as_secs_f64(),
                })
                .collect(),
            control: ControlJson::new(&p.control),
            budget: p.budget.clone(),
            alerts: p
                .alerts
                .iter()
                .map(|a| AlertJson {
                    name: a.name.clone(),
                    severity: a.health,
                    about: a.about.clone(),
                    text: a.text.clone(),
                    since: text(a.at),
                    still_true: a.still_true,
                    count: a.count,
                })
                .collect(),
            unreadable: p.unreadable,
        }
    }
}
