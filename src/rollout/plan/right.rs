//! What became wrong about a plan since it was made: it may be hours old, or come from a journal.

use super::Plan;
use crate::pool::picture::{LinkState, Picture};
use crate::pool::{Pool, words};
use crate::rollout::finding::Finding;
use crate::text::duration;
use crate::time::Time;
use std::time::Duration;

/// A plan that is older than this was made for a pool that may look different by now.
const OLD: Duration = Duration::from_secs(24 * 3600);

/// What does not fit the pool any more. Empty: the plan is as right as when it was made.
pub fn still_right(plan: &Plan, pool: &Pool, picture: &Picture) -> Vec<Finding> {
    if picture.link.state != LinkState::Live || picture.hosts.is_empty() {
        let text = "Cannot tell whether the plan still fits: the pool is not connected and read.";
        return vec![Finding::hard("stale", "", text).evidence(&picture.link.text)];
    }
    if plan.pool != picture.uuid {
        let text = format!("This plan is for the pool {}, and this is another one: {}.", plan.pool_name, picture.name);
        let evidence = format!("uuid {} in the plan, {} here", plan.pool, picture.uuid);
        return vec![Finding::hard("plan-pool", "", text).evidence(evidence)];
    }
    let mut out = Vec::new();
    for planned in &plan.hosts {
        let Some(host) = picture.hosts.iter().find(|h| h.uuid == planned.uuid) else {
            let text = format!("{} was planned and is no host of this pool any more.", planned.name);
            out.push(
                Finding::hard("plan-host-gone", &planned.name, text).evidence(format!("no host has the uuid {}", planned.uuid)),
            );
            continue;
        };
        if host.r#ref != planned.host {
            let text = format!(
                "{} is known under another reference than when the plan was made: the database was probably restored.",
                host.name
            );
            let evidence = format!("{} in the plan, {} now", planned.host, host.r#ref);
            out.push(Finding::hard("plan-host-ref", &host.name, text).evidence(evidence));
        }
        if host.coordinator != planned.coordinator {
            let what = if host.coordinator { "has become the coordinator" } else { "is not the coordinator any more" };
            let text = format!("{} {what} since the plan was made.", host.name);
            let make = if plan.kind.is_update() { Finding::hard } else { Finding::soft };
            out.push(make("plan-coordinator", &host.name, text).evidence("pool.master"));
        }
        if let Some(booted) = host.booted.filter(|at| *at > plan.made) {
            let text = format!("{} was rebooted after the plan was made; the round would reboot it again.", host.name);
            out.push(
                Finding::soft("plan-rebooted", &host.name, text).evidence(format!("boot_time {booted}, plan made {}", plan.made)),
            );
        }
    }
    let planned = |uuid: &str| plan.hosts.iter().any(|h| h.uuid == uuid);
    let unplanned_coordinator = picture.hosts.iter().find(|h| h.coordinator && !planned(&h.uuid));
    if let Some(host) = unplanned_coordinator.filter(|_| plan.kind.is_update() && plan.hosts.iter().any(|h| h.coordinator)) {
        let text = format!("{} has become the coordinator and is not in the plan.", host.name);
        out.push(Finding::hard("plan-coordinator", &host.name, text).evidence("pool.master"));
    }
    let known = |name: &str| plan.left_out.iter().any(|l| l.name == name);
    let others: Vec<&str> =
        picture.hosts.iter().filter(|h| !planned(&h.uuid) && !known(&h.name)).map(|h| h.name.as_str()).collect();
    if !others.is_empty() {
        let (is, stays) = if others.len() == 1 { ("is", "stays as it is") } else { ("are", "stay as they are") };
        let text = format!("{} {is} not in the plan and {stays}.", words::list(&others));
        out.push(Finding::note("plan-not-all", "", text).evidence("hosts of the pool"));
    }
    metadata(plan, pool, &mut out);
    let age = picture.at.since(plan.made);
    if age > OLD {
        let text = format!("The plan is {} old.", duration(age));
        out.push(Finding::soft("plan-old", "", text).evidence(format!("made {}", plan.made)));
    }
    out
}

fn metadata(plan: &Plan, pool: &Pool, out: &mut Vec<Finding>) {
    let super::Kind::XenServer { .. } = plan.kind else { return };
    let synced: Option<Time> = pool.records().the_pool().and_then(|p| p.last_update_sync.0);
    if let Some(at) = synced.filter(|at| *at > plan.made) {
        let text = "Update metadata was synchronised after the plan was made: what it would install is not what was planned.";
        out.push(
            Finding::hard("plan-metadata", "", text).evidence(format!("pool.last_update_sync {at}, plan made {}", plan.made)),
        );
    }
}
