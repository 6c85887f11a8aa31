//! The metrics of what may fence a host: heartbeats, fail-over, paths over the week, probes, time-outs. Part of one table, see [`super`].

use super::{Family, hosts, kind_word, now, states};
use crate::cli::export::text::Rows;
use crate::pool::heartbeats::{HeartbeatKind, HeartbeatView};
use crate::pool::picture::{HostView, PathKind, PathView, Picture};
use std::collections::BTreeMap;

const PROBES: &[&str] = &["reports", "absent", "denied", "failed", "not_asked"];

/// All of them.
pub(super) const FAMILIES: &[Family] = &[
    now(
        "poolwatch_host_heartbeat_seconds",
        &["host", "kind"],
        "How long the slowest heartbeat of that kind took last (o2cb: how long ago it was written); missing where nothing measures it",
        |p, rows| beats(p, rows, |one| one.now_s, f64::max),
    ),
    now(
        "poolwatch_host_heartbeat_limit_seconds",
        &["host", "kind"],
        "What heartbeats of that kind must not reach, or the host is fenced",
        |p, rows| beats(p, rows, |one| Some(one.limit_s), f64::min),
    ),
    now(
        "poolwatch_host_heartbeat_worst_seconds",
        &["host", "kind"],
        "The slowest heartbeat of that kind within 7 days, as far as it was watched or the host kept it",
        |p, rows| beats(p, rows, |one| one.worst.map(|(_, worst)| worst), f64::max),
    ),
    now(
        "poolwatch_host_failover_seconds",
        &["host"],
        "How long moving all I/O takes if half of the host's storage paths fail at once; missing without multipath",
        |p, rows| failover(p, |name, one| rows.put(&[name], one.takes_s())),
    ),
    now("poolwatch_host_failover_devices", &["host"], "Storage devices (LUNs times paths) of the host", |p, rows| {
        failover(p, |name, one| rows.put(&[name], f64::from(one.devices)));
    }),
    now("poolwatch_host_failover_too_slow", &["host"], "1 while that takes longer than the first fence leaves", |p, rows| {
        failover(p, |name, one| rows.flag(&[name], one.is_too_slow()));
    }),
    states("poolwatch_host_probe", &["host"], PROBES, "Whether the host's probe tells us something, and why not", |p, rows| {
        hosts(p, |name, h| rows.state(&[name], PROBES, h.probe.1.word()));
    }),
    now(
        "poolwatch_paths_short_in_week",
        &["host", "kind"],
        "Things that have all their paths now and had fewer within 7 days",
        |p, rows| {
            weeks(p, rows, |path| u32::from(path.up == path.total && path.week.least.is_some_and(|least| least < path.total)));
        },
    ),
    now("poolwatch_paths_changes_in_week", &["host", "kind"], "How often paths of that kind changed within 7 days", |p, rows| {
        weeks(p, rows, |path| path.week.changes);
    }),
    now(
        "poolwatch_paths_single",
        &["host", "kind"],
        "Things that should have two paths at least and have only one",
        |p, rows| {
            weeks(p, rows, |path| u32::from(path.total < 2 && path.kind != PathKind::Link));
        },
    ),
    now(
        "poolwatch_cluster_restart_needed",
        &["stack"],
        "Hosts whose cluster stack runs with another configuration",
        |p, rows| {
            for cluster in &p.clusters {
                rows.count(&[&cluster.stack], cluster.restart.len());
            }
        },
    ),
    now("poolwatch_ha_timeout_seconds", &[], "HA's time-out where the pool sets one; xapi's default is 60", |p, rows| {
        if let Some(timeout) = p.control.ha_timeout_s {
            rows.put(&[], timeout);
        }
    }),
    now("poolwatch_ha_plan_exists_for", &[], "Host failures for which HA's plan holds now", |p, rows| {
        rows.put(&[], p.control.ha_plan_exists_for as f64);
    }),
    now(
        "poolwatch_pause_budget_seconds",
        &[],
        "The longest that an action may stop I/O without a warning; missing if nothing is known to fence",
        |p, rows| {
            if let Some(pause) = p.budget.pause_s {
                rows.put(&[], pause);
            }
        },
    ),
    now(
        "poolwatch_lease_host_dead_seconds",
        &[],
        "When a host that lost its storage is surely dead, so that a lease of it may run out; missing: never surely",
        |p, rows| {
            if let Some(dead) = p.budget.lease.dead_after_s {
                rows.put(&[], dead);
            }
        },
    ),
    now(
        "poolwatch_lease_clock_spread_seconds",
        &[],
        "The most that two hosts' clocks may differ, errors included; 300 (xapi's tolerance) where it was not measured",
        |p, rows| rows.put(&[], p.budget.lease.skew_s),
    ),
];

/// One value for each host and kind of heartbeat.
fn beats(p: &Picture, rows: &mut Rows, value: impl Fn(&HeartbeatView) -> Option<f64>, both: fn(f64, f64) -> f64) {
    hosts(p, |name, host| {
        let mut of: BTreeMap<HeartbeatKind, f64> = BTreeMap::new();
        for one in &host.heartbeats {
            if let Some(value) = value(one) {
                of.entry(one.kind).and_modify(|known| *known = both(*known, value)).or_insert(value);
            }
        }
        for (kind, value) in of {
            rows.put(&[name, kind.into()], value);
        }
    });
}

fn failover(p: &Picture, mut each: impl FnMut(&str, &crate::pool::paths::Failover)) {
    hosts(p, |name: &str, host: &HostView| {
        if let Some(one) = &host.failover {
            each(name, one);
        }
    });
}

/// The sum for each host and kind of path.
fn weeks(p: &Picture, rows: &mut Rows, value: impl Fn(&PathView) -> u32) {
    let mut sums: BTreeMap<(&str, PathKind), u64> = BTreeMap::new();
    for path in &p.paths {
        *sums.entry((&path.host, path.kind)).or_default() += u64::from(value(path));
    }
    for ((host, kind), sum) in sums {
        rows.put(&[host, kind_word(kind)], sum as f64);
    }
}
