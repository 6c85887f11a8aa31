//! What may fence a host, for scripts: its heartbeats, its fail-over, its probe, and who would die if something failed.

use crate::pool::heartbeats::{HeartbeatKind, HeartbeatView};
use crate::pool::paths::Failover;
use crate::pool::picture::{FenceView, Health, HostView};
use crate::pool::preview::Preview;
use crate::time::Time;
use serde::Serialize;

/// One heartbeat of a host against its limit.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "names are the contract, described in docs/json.md")]
pub struct HeartbeatJson {
    pub kind: HeartbeatKind,
    pub what: String,
    pub now_s: Option<f64>,
    pub limit_s: f64,
    pub worst_s: Option<f64>,
    pub worst_at: Option<String>,
    pub severity: Health,
    pub age_s: Option<f64>,
}

impl HeartbeatJson {
    pub(super) fn new(one: &HeartbeatView, now: Time) -> Self {
        Self {
            kind: one.kind,
            what: one.what.clone(),
            now_s: one.now_s,
            limit_s: one.limit_s,
            worst_s: one.worst.map(|(_, worst)| worst),
            worst_at: one.worst.map(|(at, _)| at.to_string()),
            severity: one.health,
            age_s: one.seen.map(|at| now.since(at).as_secs_f64()),
        }
    }
}

/// What a fail-over of a host's storage paths comes to.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "names are the contract, described in docs/json.md")]
pub struct FailoverJson {
    pub luns: u32,
    pub paths: u32,
    pub devices: u32,
    pub takes_s: f64,
    pub noticed_s: f64,
    pub blocked_s: f64,
    pub fence_s: Option<f64>,
    pub fence_by: Option<String>,
    pub risk: bool,
    pub too_slow: bool,
    pub text: String,
    pub mend: String,
}

impl FailoverJson {
    pub(super) fn new(one: &Failover) -> Self {
        Self {
            luns: one.luns,
            paths: one.paths,
            devices: one.devices,
            takes_s: one.takes_s(),
            noticed_s: one.noticed_s,
            blocked_s: one.blocked_s,
            fence_s: one.fence.as_ref().map(|(at, _)| *at),
            fence_by: one.fence.as_ref().map(|(_, by)| by.clone()),
            risk: one.is_a_risk(),
            too_slow: one.is_too_slow(),
            text: one.words(),
            mend: one.mend(),
        }
    }
}

/// What a host's probe says of a fence by o2cb.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "names are the contract, described in docs/json.md")]
pub struct FenceJson {
    pub severity: Health,
    pub text: String,
    pub advice: String,
    pub warnings: Vec<String>,
    pub age_s: f64,
}

impl FenceJson {
    pub(super) fn new(one: &FenceView, now: Time) -> Self {
        let (text, advice, warnings) = (one.text.clone(), one.advice.clone(), one.warnings.clone());
        Self { severity: one.health, text, advice, warnings, age_s: now.since(one.seen).as_secs_f64() }
    }
}

/// Whether a host's probe tells us something.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "names are the contract, described in docs/json.md")]
pub struct ProbeJson {
    pub state: &'static str,
    pub age_s: Option<f64>,
    pub text: String,
    pub mend: String,
}

impl ProbeJson {
    pub(super) fn new(host: &HostView, now: Time) -> Self {
        let (since, standing) = &host.probe;
        let (text, mend) = standing.words();
        Self { state: standing.word(), age_s: since.map(|at| now.since(at).as_secs_f64()), text, mend: mend.to_owned() }
    }
}

/// What would come of one fault in an o2cb cluster.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "names are the contract, described in docs/json.md")]
pub struct PreviewJson {
    pub fault: String,
    pub severity: Health,
    pub fenced: Vec<String>,
    pub survive: Vec<String>,
    pub after_s: Option<u64>,
    pub outcome: Vec<String>,
}

impl PreviewJson {
    pub(super) fn new(one: &Preview) -> Self {
        Self {
            fault: one.fault.clone(),
            severity: one.health,
            fenced: one.fenced.clone(),
            survive: one.survive.clone(),
            after_s: one.after_s,
            outcome: one.outcome.clone(),
        }
    }
}
