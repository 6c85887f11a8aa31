//! Makes a plan: which hosts, in which order, and what each goes through.

use super::scope::{Scope, Wanted};
use super::steps::{self, Ground};
use super::{HostPlan, Kind, LeftOut, Options, Plan, PlanError, Product, installed_not_booted};
use crate::pool::limits::SETTLE;
use crate::pool::picture::{HostView, LinkState, Picture};
use crate::pool::{Pool, words};
use crate::rollout::look::PoolUpdate;
use crate::rollout::survey::{Survey, Unknown};
use crate::text::clean;
use crate::time::Time;
use crate::xenapi::record::Ref;
use std::collections::BTreeMap;

/// Names of updates that a plan holds for each host.
const UPDATES: usize = 2_000;

/// A plan for what is asked for, from what is known at `now`. Nothing is read and nothing changed.
pub fn make(
    pool: &Pool,
    picture: &Picture,
    survey: &Survey,
    scope: &Scope,
    mut options: Options,
    now: Time,
) -> Result<Plan, PlanError> {
    if picture.link.state != LinkState::Live {
        let mut why = picture.link.text.trim_end_matches('.').to_owned();
        if why.is_empty() {
            why = "it was not read yet".into();
        }
        return Err(PlanError::NotCurrent { why: format!("{why}.") });
    }
    if picture.hosts.is_empty() {
        return Err(PlanError::NoHosts);
    }
    if let Some(until) = options.not_after.filter(|until| *until <= now) {
        return Err(PlanError::TooLate { until: until.to_string() });
    }
    let asked = scope.resolve(picture)?;
    options.settle_s = options.settle_s.max(SETTLE.as_secs());
    let round = match scope.wanted {
        Wanted::Reboot => Round { kind: Kind::Reboot, needs: BTreeMap::new() },
        Wanted::Update => updates(pool, picture, survey, scope, &asked)?,
    };
    let (hosts, left_out) = choose(pool, &asked, &round);
    if hosts.is_empty() {
        return Err(PlanError::NothingToDo { hosts: vec![idle(&left_out)] });
    }
    if round.kind.is_update() {
        coordinator_first(pool, picture, &round, &hosts)?;
    }
    let ground = Ground { pool, picture, kind: &round.kind, options: &options };
    let mut planned: Vec<HostPlan> = Vec::with_capacity(hosts.len());
    for (host, why) in hosts {
        let updates = round.needs.get(&host.r#ref).map(|n| n.updates.clone()).unwrap_or_default();
        let before = planned.last().map(|p| p.name.as_str());
        let place = place(scope, &round.kind, host, picture.hosts.len() == 1, before);
        planned.push(HostPlan {
            host: host.r#ref.clone(),
            uuid: host.uuid.clone(),
            name: host.name.clone(),
            coordinator: host.coordinator,
            why: if why.is_empty() { place } else { format!("{place} {why}") },
            steps: steps::of(&ground, host, before, &updates),
            updates,
        });
    }
    Ok(Plan {
        pool: picture.uuid.clone(),
        pool_name: picture.name.clone(),
        kind: round.kind,
        made: now,
        hosts: planned,
        left_out,
        options,
    })
}

/// What a round is for, and what each host needs of it.
struct Round {
    kind: Kind,
    needs: BTreeMap<Ref, Needs>,
}

/// What one host needs.
#[derive(Default)]
struct Needs {
    /// What it lacks, by name.
    updates: Vec<String>,
}

/// What each host lacks. Only of the hosts that were asked for and of the coordinator must it be known.
fn updates(pool: &Pool, picture: &Picture, survey: &Survey, scope: &Scope, asked: &[&HostView]) -> Result<Round, PlanError> {
    let coordinator = picture.hosts.iter().find(|h| h.coordinator).ok_or(PlanError::NoCoordinator)?;
    let mut hosts: Vec<&HostView> = asked.to_vec();
    if !hosts.iter().any(|h| h.coordinator) {
        hosts.push(coordinator);
    }
    let mut needs = BTreeMap::new();
    let mut need = |host: &HostView, updates: &[String]| {
        let updates = updates.iter().take(UPDATES).map(|u| words::name(u)).collect();
        needs.insert(host.r#ref.clone(), Needs { updates });
    };
    let kind = match Product::of(pool) {
        Product::XcpNg => {
            for host in hosts {
                need(host, survey.missing(&host.r#ref).map_err(|why| cannot_tell(&host.name, &why))?);
            }
            Kind::XcpNg
        }
        Product::XenServer => {
            let metadata = survey.metadata().map_err(|why| cannot_tell("the pool", &why))?;
            if metadata.hash.trim().is_empty() {
                return Err(PlanError::NoMetadata { pool: picture.uuid.clone() });
            }
            for host in hosts {
                need(host, metadata.hosts.get(&host.r#ref).map(|(missing, _)| missing.as_slice()).unwrap_or_default());
            }
            Kind::XenServer { hash: metadata.hash.clone() }
        }
        Product::XenServer7 => {
            let offered = survey.pool_updates().map_err(|why| cannot_tell("the pool", &why))?;
            let all: Vec<&Ref> = picture.hosts.iter().map(|h| &h.r#ref).collect();
            let Some(update) = one_update(offered, scope.update.as_deref(), &all)? else {
                let waits = |h: &HostView| match pool.records().host(&h.r#ref).and_then(installed_not_booted) {
                    Some(why) => format!("{} has every update that was uploaded, but {why}: plan a reboot round", h.name),
                    None => format!("{} has every update that was uploaded", h.name),
                };
                let hosts = asked.iter().map(|h| waits(h)).collect();
                return Err(PlanError::NothingToDo { hosts });
            };
            for host in hosts.into_iter().filter(|h| !update.hosts.contains(&h.r#ref)) {
                need(host, std::slice::from_ref(&update.name));
            }
            Kind::PoolUpdate { update: update.r#ref.clone(), name: words::name(&update.name) }
        }
        Product::Unknown => {
            let product = if picture.product.is_empty() { "this pool".into() } else { picture.product.clone() };
            return Err(PlanError::UnknownProduct { product });
        }
    };
    Ok(Round { kind, needs })
}

/// The update that is to be installed: the one that was asked for, or the only one that a host lacks.
fn one_update<'a>(offered: &'a [PoolUpdate], asked: Option<&str>, hosts: &[&Ref]) -> Result<Option<&'a PoolUpdate>, PlanError> {
    let lacking = |u: &&PoolUpdate| hosts.iter().any(|h| !u.hosts.contains(h));
    let names = |of: &[&PoolUpdate]| of.iter().map(|u| words::name(&u.name)).collect::<Vec<_>>();
    if let Some(asked) = asked.map(str::trim) {
        let found = offered.iter().find(|u| u.name == asked || u.uuid.eq_ignore_ascii_case(asked));
        let unknown = || PlanError::UnknownUpdate {
            name: clean(asked, 64).into_owned(),
            updates: names(&offered.iter().collect::<Vec<_>>()),
        };
        return found.map(Some).ok_or_else(unknown);
    }
    let open: Vec<&PoolUpdate> = offered.iter().filter(lacking).collect();
    match open.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        several => Err(PlanError::WhichUpdate { updates: names(several) }),
    }
}

fn cannot_tell(host: &str, why: &Unknown) -> PlanError {
    let text = clean(why.text.trim_end_matches('.'), 200).into_owned();
    let todo = if why.is_denied() {
        "Use a user with a higher role."
    } else if text.contains("busy") || text.contains("in progress") {
        "Somebody else is looking or installing: wait a minute, then plan again."
    } else {
        "Mend that, then plan again."
    };
    PlanError::CannotTell { host: host.to_owned(), why: text, todo }
}

/// The hosts that are planned, each with what is special about it; and those that need nothing.
fn choose<'a>(pool: &Pool, asked: &[&'a HostView], round: &Round) -> (Vec<(&'a HostView, String)>, Vec<LeftOut>) {
    let (mut planned, mut left_out) = (Vec::new(), Vec::new());
    for host in asked {
        if !round.kind.is_update() || !lacks(round, &host.r#ref).is_empty() {
            planned.push((*host, String::new()));
        } else if let Some(why) = pool.records().host(&host.r#ref).and_then(installed_not_booted) {
            planned.push((*host, format!("It lacks no update, but {why}.")));
        } else {
            left_out.push(LeftOut { name: host.name.clone(), why: "lacks no update and waits for no reboot".into() });
        }
    }
    (planned, left_out)
}

/// That none of these needs anything: all have the same reason.
fn idle(left_out: &[LeftOut]) -> String {
    match left_out {
        [one] => format!("{} {}", one.name, one.why),
        all => {
            let names: Vec<&str> = all.iter().map(|l| l.name.as_str()).collect();
            format!("{} lack no update and wait for no reboot", words::list(&names))
        }
    }
}

fn lacks<'a>(round: &'a Round, host: &Ref) -> &'a [String] {
    round.needs.get(host).map(|n| n.updates.as_slice()).unwrap_or_default()
}

/// In an update, a coordinator that still needs it goes first: a newer member cannot join an older coordinator
/// (`HOST_XAPI_VERSION_HIGHER_THAN_COORDINATOR`).
fn coordinator_first(pool: &Pool, picture: &Picture, round: &Round, hosts: &[(&HostView, String)]) -> Result<(), PlanError> {
    let Some(coordinator) = picture.hosts.iter().find(|h| h.coordinator) else { return Err(PlanError::NoCoordinator) };
    let missing = lacks(round, &coordinator.r#ref).len();
    let why = match (missing, pool.records().host(&coordinator.r#ref).and_then(installed_not_booted)) {
        (0, None) => return Ok(()),
        (0, Some(waits)) => waits,
        (n, _) => format!("it still lacks {}", words::count(n, "update")),
    };
    match hosts.iter().position(|(h, _)| h.coordinator) {
        Some(0) => Ok(()),
        Some(_) => Err(PlanError::CoordinatorNotFirst {
            coordinator: coordinator.name.clone(),
            first: hosts.first().map(|(h, _)| h.name.clone()).unwrap_or_default(),
        }),
        None => Err(PlanError::CoordinatorOmitted { coordinator: coordinator.name.clone(), why }),
    }
}

/// Why a host goes at its place.
fn place(scope: &Scope, kind: &Kind, host: &HostView, alone: bool, before: Option<&str>) -> String {
    let first = before.is_none();
    if alone {
        return "It is the only host.".into();
    }
    if kind.is_update() && host.coordinator && first {
        return "The coordinator goes first: a host with newer software than its coordinator cannot join it.".into();
    }
    if scope.hosts.is_some() {
        return "At this place because you asked for it.".into();
    }
    if host.coordinator && first {
        return "The coordinator goes first: if it does not come back, no other host was touched yet.".into();
    }
    before.map_or_else(|| "First by name.".into(), |before| format!("After {before}, by name."))
}
