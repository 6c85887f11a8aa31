//! The metrics: one table, from which the answers and `docs/export.md` are made. Everything in it is read from [`Picture`]s.
//!
//! What is not current is not given (I6): a series that is missing shows as a gap and ends by itself in whoever keeps the history; an old
//! value, given again and again, would look fresh. Only the connection, the age of what is known and the verdict (`unknown` then)
//! are given all the time. Pure.

mod risks;

use super::text::{Format, Head, Kind, Rows, Writer};
use crate::pool::picture::{Dialect, GateState, Health, HostView, LinkState, PathKind, Picture, Severity};
use std::collections::{BTreeMap, HashMap};

/// A pool and what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// What the operator calls it: the profile's name, or the address.
    pub called: &'a str,
    /// What is known.
    pub picture: &'a Picture,
}

#[derive(Clone, Copy)]
struct Family {
    head: Head,
    /// Whether it is given also while what is known is not current.
    always: bool,
    collect: fn(&Picture, &mut Rows),
}

const LINKS: &[&str] = &["connecting", "syncing", "live", "lost", "refused"];
const ANSWERS: &[&str] = &["open", "closed", "unknown"];
const STAGES: &[&str] = &["unknown", "live", "back", "disabled", "going_down", "down", "silent", "starting", "plugging"];
const MEMBERS: &[&str] = &["alive", "dead", "disabled", "left", "excluded", "unknown"];

const fn now(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
    collect: fn(&Picture, &mut Rows),
) -> Family {
    Family { head: Head { name, kind: Kind::Gauge, labels, help }, always: false, collect }
}

const fn states(
    name: &'static str,
    labels: &'static [&'static str],
    states: &'static [&'static str],
    help: &'static str,
    collect: fn(&Picture, &mut Rows),
) -> Family {
    Family { head: Head { name, kind: Kind::States(states), labels, help }, always: false, collect }
}

const fn info(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
    collect: fn(&Picture, &mut Rows),
) -> Family {
    Family { head: Head { name, kind: Kind::Info, labels, help }, always: false, collect }
}

const fn always(family: Family) -> Family {
    Family { always: true, ..family }
}

const FAMILIES: &[Family] = &[
    always(now("poolwatch_up", &[], "1 while the pool is connected and all of it is read and current", |p, rows| {
        rows.flag(&[], is_up(p));
    })),
    always(states("poolwatch_link", &[], LINKS, "What the connection to the pool is doing", |p, rows| {
        rows.state(&[], LINKS, link(p.link.state));
    })),
    always(now("poolwatch_age_seconds", &[], "How long ago the pool last said anything; missing if it never did", |p, rows| {
        if let Some(heard) = p.link.heard {
            rows.put(&[], p.at.since(heard).as_secs_f64());
        }
    })),
    always(states(
        "poolwatch_reboot_next",
        &[],
        ANSWERS,
        "May the next host be rebooted now; unknown counts as no",
        |p, rows| {
            rows.state(&[], ANSWERS, answer(p.verdict.state));
        },
    )),
    always(now(
        "poolwatch_reboot_next_reasons",
        &["severity", "code"],
        "Reasons behind the answer, by weight and code (the codes of docs/json.md); a code without reason is missing",
        reasons,
    )),
    info(
        "poolwatch_pool",
        &["name", "uuid", "coordinator", "product", "xapi", "api"],
        "The pool and its coordinator",
        |p, rows| {
            let api = match p.dialect {
                Dialect::Unknown => "unknown",
                Dialect::Shipped => "shipped",
                Dialect::Designed => "designed",
            };
            rows.put(&[&p.name, &p.uuid, &p.coordinator, &p.product, &p.xapi, api], 1.0);
        },
    ),
    now("poolwatch_hosts", &[], "Hosts of the pool", |p, rows| rows.count(&[], p.hosts.len())),
    now("poolwatch_guests", &[], "Guests (VMs) that run in the pool", |p, rows| rows.count(&[], p.guests)),
    now("poolwatch_tasks", &[], "Tasks that run in the pool", |p, rows| {
        rows.count(&[], p.tasks.iter().filter(|task| !task.ended).count());
    }),
    info("poolwatch_host", &["host", "uuid", "address", "version"], "A host", |p, rows| {
        hosts(p, |name, h| rows.put(&[name, &h.uuid, &h.address, &h.version], 1.0));
    }),
    states(
        "poolwatch_host_state",
        &["host"],
        STAGES,
        "What the host is doing, by all evidence (docs/json.md explains the states)",
        |p, rows| {
            hosts(p, |name, h| rows.state(&[name], STAGES, h.state.stage.into()));
        },
    ),
    states("poolwatch_host_reboot", &["host"], ANSWERS, "May this host be rebooted now; unknown counts as no", |p, rows| {
        hosts(p, |name, h| rows.state(&[name], ANSWERS, answer(h.gate.state)));
    }),
    now("poolwatch_host_live", &["host"], "What xapi says: host_metrics.live", |p, rows| {
        hosts(p, |name, h| rows.flag(&[name], h.live));
    }),
    now("poolwatch_host_enabled", &["host"], "What xapi says: host.enabled", |p, rows| {
        hosts(p, |name, h| rows.flag(&[name], h.enabled));
    }),
    now("poolwatch_host_coordinator", &["host"], "1 for the coordinator (master)", |p, rows| {
        hosts(p, |name, h| rows.flag(&[name], h.coordinator));
    }),
    now("poolwatch_host_guests", &["host"], "Guests (VMs) that run on the host", |p, rows| {
        hosts(p, |name, h| rows.count(&[name], h.vms));
    }),
    now("poolwatch_host_memory_bytes", &["host"], "Memory of the host; missing if not known", |p, rows| {
        hosts(p, |name, h| {
            if h.memory.total > 0 {
                rows.put(&[name], h.memory.total as f64);
            }
        });
    }),
    now("poolwatch_host_memory_used_bytes", &["host"], "Memory in use on the host; missing if not known", |p, rows| {
        hosts(p, |name, h| {
            if let Some(used) = h.memory.used {
                rows.put(&[name], used as f64);
            }
        });
    }),
    now(
        "poolwatch_host_fence_margin_seconds",
        &["host"],
        "Time until the host fences itself if nothing changes; missing as long as nothing is known of that",
        |p, rows| {
            hosts(p, |name, h| {
                if let Some(margin) = h.fence_margin_s {
                    rows.put(&[name], margin);
                }
            });
        },
    ),
    now("poolwatch_host_boot_timestamp_seconds", &["host"], "When the host last booted, in Unix time", |p, rows| {
        hosts(p, |name, h| {
            if let Some(booted) = h.booted {
                rows.put(&[name], booted.as_secs_f64());
            }
        });
    }),
    now("poolwatch_host_reboot_pending", &["host"], "1 while updates on the host wait for its reboot", |p, rows| {
        hosts(p, |name, h| rows.flag(&[name], h.guidance.iter().any(|g| g.starts_with("reboot host"))));
    }),
    now("poolwatch_rebuilds", &[], "Mirror rebuilds that run", |p, rows| {
        rows.count(&[], p.rebuilds.iter().filter(|r| r.ended.is_none()).count());
    }),
    now(
        "poolwatch_rebuild_progress_ratio",
        &["sr"],
        "How far the mirror rebuild is, 0 to 1, the least of those of one SR; missing if its source never moves it",
        |p, rows| rebuilds(p, |r| r.progress, f64::min, rows),
    ),
    now(
        "poolwatch_rebuild_eta_seconds",
        &["sr"],
        "Time until the mirror rebuild is expected to end, the longest of those of one SR; missing if it cannot be told",
        |p, rows| rebuilds(p, |r| r.ends.map(|end| end.since(p.at).as_secs_f64()), f64::max, rows),
    ),
    now("poolwatch_rebuild_running_seconds", &["sr"], "How long the mirror rebuild has been running", |p, rows| {
        rebuilds(p, |r| Some(p.at.since(r.since).as_secs_f64()), f64::max, rows);
    }),
    now("poolwatch_cluster_quorate", &["stack"], "1 while the cluster may act; missing if the pool does not say", |p, rows| {
        for c in &p.clusters {
            if let Some(quorate) = c.quorate {
                rows.flag(&[&c.stack], quorate);
            }
        }
    }),
    now(
        "poolwatch_cluster_may_fail",
        &["stack"],
        "Members that may still fail before the cluster is not quorate; missing if it cannot be told",
        |p, rows| {
            for c in &p.clusters {
                if let Some(n) = c.may_fail {
                    rows.put(&[&c.stack], f64::from(n));
                }
            }
        },
    ),
    now("poolwatch_cluster_members", &["stack", "state"], "Members of the cluster, by state", |p, rows| {
        for c in &p.clusters {
            for state in MEMBERS {
                rows.count(&[&c.stack, state], c.members.iter().filter(|m| m.state == *state).count());
            }
        }
    }),
    now("poolwatch_cluster_member_alive", &["stack", "host"], "1 for a member that is alive", |p, rows| {
        for c in &p.clusters {
            for m in &c.members {
                rows.flag(&[&c.stack, &m.host], m.state == "alive");
            }
        }
    }),
    now("poolwatch_paths_up", &["host", "kind"], "Paths that are up, summed over all things of that kind", |p, rows| {
        paths(p, rows, |sum| sum.up);
    }),
    now(
        "poolwatch_paths_known",
        &["host", "kind"],
        "Paths that there have been at most, summed over all things of that kind",
        |p, rows| {
            paths(p, rows, |sum| sum.total);
        },
    ),
    now("poolwatch_paths_degraded", &["host", "kind"], "Things that lost paths but can still be reached", |p, rows| {
        paths(p, rows, |sum| sum.degraded);
    }),
    now("poolwatch_paths_lost", &["host", "kind"], "Things to which no path is left", |p, rows| {
        paths(p, rows, |sum| sum.lost);
    }),
    now("poolwatch_paths_flapping", &["host", "kind"], "Things whose paths come and go too often to be relied on", |p, rows| {
        paths(p, rows, |sum| sum.flapping);
    }),
    now("poolwatch_clock_skew_seconds", &["host"], "How far the host's clock is ahead of the coordinator's", |p, rows| {
        for c in &p.clocks {
            rows.put(&[&c.host], c.skew_s);
        }
    }),
    now("poolwatch_clock_skew_error_seconds", &["host"], "The most that the skew may be wrong by", |p, rows| {
        for c in &p.clocks {
            rows.put(&[&c.host], c.error_s);
        }
    }),
    now("poolwatch_ha_enabled", &[], "1 while HA is on", |p, rows| rows.flag(&[], p.control.ha)),
    now("poolwatch_ha_tolerates", &[], "Host failures that HA plans for", |p, rows| {
        rows.put(&[], p.control.ha_tolerates as f64);
    }),
    now("poolwatch_ha_overcommitted", &[], "1 while HA protects more than could be restarted", |p, rows| {
        rows.flag(&[], p.control.ha_overcommitted);
    }),
    now("poolwatch_ha_statefiles", &[], "Statefiles that HA uses; 0 while it is off", |p, rows| {
        rows.count(&[], p.control.ha_statefiles);
    }),
    now("poolwatch_host_ha_statefiles", &["host"], "Statefiles of HA that the host sees; missing while HA is off", |p, rows| {
        for (host, seen) in &p.control.statefiles {
            rows.count(&[host], *seen);
        }
    }),
    now(
        "poolwatch_fence_budget_seconds",
        &[],
        "When the first thing that is known to fence a host does so, after it lost its heartbeat; missing if nothing is known",
        |p, rows| {
            if let Some(fence) = p.budget.fence_s {
                rows.put(&[], fence);
            }
        },
    ),
    now("poolwatch_timeouts_out_of_order", &[], "Time-outs that come in the wrong order (docs/json.md: budget)", |p, rows| {
        rows.count(&[], p.budget.problems().count());
    }),
    now("poolwatch_rolling_upgrade", &[], "1 while a rolling pool upgrade is under way", |p, rows| {
        rows.flag(&[], p.control.rolling_upgrade);
    }),
    now("poolwatch_wlb_enabled", &[], "1 while workload balancing is on", |p, rows| rows.flag(&[], p.control.wlb)),
    now("poolwatch_round_claimed", &[], "1 while a round of poolwatch claims the pool, wherever it runs", |p, rows| {
        rows.flag(&[], p.control.claim.is_some());
    }),
    now(
        "poolwatch_round_renewed_timestamp_seconds",
        &[],
        "When that claim was last renewed, in Unix time by its owner's clock",
        |p, rows| {
            if let Some(renewed) = p.control.claim.as_ref().and_then(|claim| claim.renewed) {
                rows.put(&[], renewed.as_secs_f64());
            }
        },
    ),
    now(
        "poolwatch_database_generation",
        &[],
        "Changes that the pool's database has had; it never goes down while all is well",
        |p, rows| {
            if let Some(generation) = p.control.generation {
                rows.put(&[], generation as f64);
            }
        },
    ),
    now(
        "poolwatch_database_went_back_timestamp_seconds",
        &[],
        "When the database was found to have gone back in time, in Unix time; missing if it was not, or more than 7 days ago",
        |p, rows| {
            if let Some(rewind) = &p.control.rewind {
                rows.put(&[], rewind.at.as_secs_f64());
            }
        },
    ),
    now("poolwatch_control_marks", &[], "Signs of somebody at work on the pool, ours and other programs'", |p, rows| {
        rows.count(&[], p.control.marks.len());
    }),
    now("poolwatch_alerts", &["severity"], "Alerts whose matter is still so, by severity", |p, rows| {
        let severities =
            [(Health::Good, "good"), (Health::Pending, "pending"), (Health::Degraded, "degraded"), (Health::Failed, "failed")];
        for (health, word) in severities {
            let still = p.alerts.iter().filter(|a| a.still_true == Some(true) && a.health == health);
            rows.count(&[word], still.count());
        }
    }),
    Family {
        head: Head {
            name: "poolwatch_unreadable_records",
            kind: Kind::Counter,
            labels: &[],
            help: "Records that could not be read and are left out",
        },
        always: true,
        collect: |p, rows| rows.put(&[], p.unreadable as f64),
    },
];

/// All of them, in the order in which they are given.
fn families() -> impl Iterator<Item = &'static Family> {
    FAMILIES.iter().chain(risks::FAMILIES)
}

const BUILD: Head = Head { name: "poolwatch_build", kind: Kind::Info, labels: &["version"], help: "This program" };
const DROPPED: Head = Head {
    name: "poolwatch_dropped_series",
    kind: Kind::Gauge,
    labels: &[],
    help: "Series that this answer leaves out: more than 1000 of one family and pool, or the same twice (two hosts of one name)",
};

/// All metrics of these pools.
pub fn render(format: Format, sources: &[Source<'_>]) -> String {
    let mut writer = Writer::new(format);
    writer.family(BUILD);
    let mut rows = Rows::default();
    rows.put(&[env!("CARGO_PKG_VERSION")], 1.0);
    writer.rows("", &rows);
    for family in families() {
        writer.family(family.head);
        for source in sources.iter().filter(|s| family.always || s.picture.link.current) {
            let mut rows = Rows::default();
            (family.collect)(source.picture, &mut rows);
            writer.rows(source.called, &rows);
        }
    }
    let mut rows = Rows::default();
    rows.count(&[], writer.dropped);
    writer.family(DROPPED);
    writer.rows("", &rows);
    writer.finish()
}

/// Whether the pool is reached and what is known of it is all there is.
pub fn is_up(p: &Picture) -> bool {
    p.link.state == LinkState::Live && p.link.current
}

const fn link(state: LinkState) -> &'static str {
    match state {
        LinkState::Connecting => "connecting",
        LinkState::Syncing => "syncing",
        LinkState::Live => "live",
        LinkState::Lost => "lost",
        LinkState::Refused => "refused",
    }
}

const fn answer(state: GateState) -> &'static str {
    match state {
        GateState::Open => "open",
        GateState::Closed => "closed",
        GateState::Unknown => "unknown",
    }
}

fn reasons(p: &Picture, rows: &mut Rows) {
    let mut counts: BTreeMap<(Severity, &str), usize> = BTreeMap::new();
    for reason in &p.verdict.reasons {
        *counts.entry((reason.severity, reason.code)).or_default() += 1;
    }
    for ((severity, code), n) in counts {
        let severity = match severity {
            Severity::Hard => "hard",
            Severity::Soft => "soft",
            Severity::Note => "note",
        };
        rows.count(&[severity, code], n);
    }
}

/// Every host, by a name that no other has.
fn hosts(p: &Picture, mut each: impl FnMut(&str, &HostView)) {
    let mut named: HashMap<&str, usize> = HashMap::new();
    for host in &p.hosts {
        *named.entry(&host.name).or_default() += 1;
    }
    for host in &p.hosts {
        if named.get(host.name.as_str()).is_some_and(|n| *n > 1) {
            let short: String = host.uuid.chars().take(8).collect();
            each(&format!("{} ({short})", host.name), host);
        } else {
            each(&host.name, host);
        }
    }
}

/// One value for each SR that is being rebuilt.
fn rebuilds(
    p: &Picture,
    value: impl Fn(&crate::pool::picture::Rebuild) -> Option<f64>,
    both: fn(f64, f64) -> f64,
    rows: &mut Rows,
) {
    let mut of: BTreeMap<&str, f64> = BTreeMap::new();
    for rebuild in p.rebuilds.iter().filter(|r| r.ended.is_none()) {
        if let Some(value) = value(rebuild) {
            of.entry(&rebuild.sr).and_modify(|known| *known = both(*known, value)).or_insert(value);
        }
    }
    for (sr, value) in of {
        rows.put(&[sr], value);
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    up: u64,
    total: u64,
    degraded: u64,
    flapping: u64,
    lost: u64,
}

fn paths(p: &Picture, rows: &mut Rows, which: fn(&Sum) -> u64) {
    let mut sums: BTreeMap<(&str, PathKind), Sum> = BTreeMap::new();
    for path in &p.paths {
        let sum = sums.entry((&path.host, path.kind)).or_default();
        sum.up += u64::from(path.up);
        sum.total += u64::from(path.total);
        sum.degraded += u64::from(path.up > 0 && path.up < path.total);
        sum.flapping += u64::from(path.week.flaps);
        sum.lost += u64::from(path.up == 0 && path.total > 0);
    }
    for ((host, kind), sum) in &sums {
        rows.put(&[host, kind_word(*kind)], which(sum) as f64);
    }
}

const fn kind_word(kind: PathKind) -> &'static str {
    match kind {
        PathKind::Multipath => "multipath",
        PathKind::Boot => "boot",
        PathKind::Bond => "bond",
        PathKind::Link => "link",
    }
}

#[cfg(test)]
mod tests;
