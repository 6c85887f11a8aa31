//! Reasons that count for every host: our connection, rebuilds, clusters, HA, versions, clocks, the pool's own work.

use super::Finding;
use crate::pool::known::Known;
use crate::pool::limits::{FLAPS, SETTLE, SKEW_S, WENT_BACK};
use crate::pool::picture::{Health, PathKind, PathView};
use crate::pool::rebuild::{self, Phase, Rebuilding};
use crate::pool::{control, words};
use crate::probe::report::Work;
use crate::text::duration;
use crate::time::Time;
use crate::xenapi::record::Ref;
use std::collections::BTreeMap;

/// All of them.
pub fn findings(known: &Known) -> Vec<Finding> {
    let mut out = Vec::new();
    let seen = known.pool.link.current.unwrap_or_default();
    if let Some(why) = &known.unfit {
        let text = format!("cannot tell: {why}.");
        let evidence = known.pool.link.heard.map_or_else(
            || "the pool was never heard".into(),
            |at| format!("the pool was last heard {}", words::ago(known.now, at)),
        );
        let heard = known.pool.link.heard.unwrap_or_default();
        out.push(Finding::hard("stale", heard, text).unknown().evidence(evidence).opens("the pool is connected and read again"));
    } else if known.hosts().is_empty() {
        let text = "the pool has no hosts, as far as it told.".into();
        out.push(Finding::hard("no-hosts", seen, text).unknown().opens("the pool tells of a host"));
    }
    rebuilds(known, seen, &mut out);
    probed(known, &mut out);
    clusters(known, seen, &mut out);
    ha(known, seen, &mut out);
    versions(known, seen, &mut out);
    clocks(known, &mut out);
    paths(known, &mut out);
    if known.pool.unreadable > 0 {
        let n = usize::try_from(known.pool.unreadable).unwrap_or(usize::MAX);
        let text = format!("{} could not be read; what they say is missing here.", words::count(n, "record"));
        out.push(Finding::note("unreadable", seen, text));
    }
    out
}

fn rebuilds(known: &Known, seen: Time, out: &mut Vec<Finding>) {
    let pool = known.pool;
    for (task, r) in pool.rebuilds.iter() {
        if r.until_quiet().is_none_or(|at| known.now < at) {
            out.push(one_rebuild(known, task, r, seen));
        }
    }
    for (r, sr) in pool.tables.srs() {
        let name = || words::name(&sr.name_label);
        let hints = rebuild::hints(sr);
        let seen_as_task =
            pool.rebuilds.iter().any(|(_, known)| known.sr.as_ref() == Some(r) && matches!(known.phase, Phase::Running));
        if let Some(said) = hints.degraded.filter(|_| !seen_as_task) {
            let text = format!("mirrors of SR {} are not in step ({said}).", name());
            out.push(
                Finding::hard("mirrors-degraded", seen, text)
                    .about(r)
                    .evidence("the storage backend says so in the SR's configuration")
                    .opens("all mirrors are in step"),
            );
        }
        if let Some(said) = hints.rebuild.filter(|_| !seen_as_task) {
            let text = format!("a mirror of SR {} is being rebuilt somewhere in its storage cluster.", name());
            out.push(
                Finding::hard("storage-rebuild", seen, text)
                    .about(r)
                    .evidence(format!("the storage backend says so in the SR's configuration ({said})"))
                    .opens(format!("the storage backend says it is done, then {} of quiet", duration(SETTLE))),
            );
        }
        if let Some(said) = hints.offline {
            let text = format!("some node of the storage cluster behind SR {} is offline.", name());
            out.push(
                Finding::hard("storage-node-offline", seen, text)
                    .about(r)
                    .evidence(format!("the storage backend says so in the SR's configuration ({said})"))
                    .opens("the storage backend says that all nodes are back"),
            );
        }
        if !sr.clustered && matches!(&*sr.r#type, "linstor" | "drbd" | "xosan") {
            let text = format!("SR {} keeps mirrors on the hosts, but the pool does not tell whether they are in step.", name());
            out.push(
                Finding::soft("mirrors-unseen", seen, text)
                    .about(r)
                    .evidence(format!("SR type {}", words::name(&sr.r#type)))
                    .opens("look at its mirrors on a host (linstor resource list, drbdadm status)"),
            );
        }
    }
}

/// Mirrors that only a host's probe sees, also those of nodes outside the pool.
fn probed(known: &Known, out: &mut Vec<Finding>) {
    for (host, at, one) in known.pool.probes.rebuilds(known.now) {
        let resource = words::name(&one.resource);
        let from = known.pool.name_of(host);
        let text = format!("{resource} is not in step: {}.", crate::pool::probes::words(one));
        let until = one.eta_secs.map(|secs| at + std::time::Duration::from_secs(secs) + SETTLE);
        let finding = if matches!(one.work, Work::Running | Work::Waiting) {
            let mut how = one.progress.map_or_else(String::new, |share| format!(" ({})", words::percent(share)));
            if let Some(until) = until {
                how = format!("{how}, not before {}", words::clock(until, &known.pool.zone));
            }
            Finding::hard(
                "rebuild",
                at,
                format!("{resource} is rebuilding its mirrors{how}: {}.", crate::pool::probes::words(one)),
            )
            .until(until)
            .opens(format!("the rebuild ends, then {} of quiet", duration(SETTLE)))
        } else {
            Finding::hard("mirrors-degraded", at, text).opens("all its copies are in step")
        };
        out.push(finding.evidence(format!("the probe on {from}, {}", words::ago(known.now, at))));
    }
    let differ = known.pool.probes.differences(known.now, |host| known.pool.name_of(host));
    for one in differ {
        let seen = known.pool.link.current.unwrap_or_default();
        out.push(
            Finding::soft("o2cb-differs", seen, format!("o2cb: {one}."))
                .evidence("the hosts' probes")
                .opens("all nodes have the same"),
        );
    }
}

fn one_rebuild(known: &Known, task: &Ref, r: &Rebuilding, seen: Time) -> Finding {
    let pool = known.pool;
    let sr = r.sr.clone().or_else(|| pool.tables.task(task).and_then(|t| pool.sr_of(t)));
    let about = sr.clone().unwrap_or_default();
    let sr = pool.sr_name(sr.as_ref());
    let now = known.now;
    let finding = match &r.phase {
        Phase::Running => {
            let after = r.after.as_ref().map(|h| pool.name_of(h)).filter(|n| !n.is_empty());
            let after = after.map_or_else(String::new, |host| format!(" since {host} came back"));
            let until = r.ends(now).map(|end| end + SETTLE);
            let not_before = until.map_or_else(String::new, |at| format!(", so not before {}", words::clock(at, &pool.zone)));
            let text = format!("{sr} is rebuilding its mirrors{after}: {}{not_before}.", r.words(now));
            let name = pool.tables.task(task).map(|t| words::name(&t.name_label)).unwrap_or_default();
            let own = if r.progress().is_none() { " (no progress of its own)" } else { "" };
            let counts = known.pool.in_step(r.sr.as_ref()).map_or_else(String::new, |words| format!("; {words}"));
            Finding::hard("rebuild", seen, text)
                .evidence(format!("task \"{name}\"{own}, made {}{counts}", words::ago(now, r.since)))
                .opens(format!("the rebuild ends, then {} of quiet", duration(SETTLE)))
                .until(until)
        }
        Phase::Ended(at) => {
            let text =
                format!("{sr} ended its rebuild {}; another may follow within {}.", words::ago(now, *at), duration(SETTLE));
            Finding::hard("rebuild-settling", *at, text)
                .evidence("its task was seen to go")
                .opens(format!("nothing is rebuilt for {}", duration(SETTLE)))
                .until(Some(*at + SETTLE))
        }
        Phase::Lost(at, why) => {
            let text = format!("cannot tell whether {sr} still rebuilds its mirrors: {why}.");
            Finding::hard("rebuild-unseen", *at, text)
                .unknown()
                .evidence(format!("it was last seen {}", words::ago(now, *at)))
                .opens("it must be done by then, if it went on; or look at the mirrors on a host")
                .until(r.until_quiet())
        }
        Phase::Failed(at, why) => {
            let text = format!("{sr} stopped rebuilding its mirrors before they were in step ({why}).");
            Finding::hard("rebuild-failed", *at, text)
                .evidence(format!("its task ended {}", words::ago(now, *at)))
                .opens("the SR is repaired and a rebuild ends well")
                .until(r.until_quiet())
        }
    };
    finding.about(&about)
}

fn clusters(known: &Known, seen: Time, out: &mut Vec<Finding>) {
    for cluster in known.clusters().iter().filter(|c| !c.ha) {
        let stack = &cluster.view.stack;
        if cluster.view.quorate == Some(false) {
            let text =
                format!("the {stack} cluster has lost its quorum: {} of {} members live.", cluster.live, cluster.hosts.len());
            out.push(
                Finding::hard("cluster-not-quorate", seen, text)
                    .evidence(format!("Cluster.is_quorate = false, {} needed", cluster.quorum))
                    .opens("enough members are back"),
            );
        } else if cluster.view.quorate == Some(true)
            && cluster.hosts.len() > 1
            && cluster.live <= cluster.quorum
            && cluster.view.members.iter().all(|m| m.state == "alive")
        {
            let text = format!("the {stack} cluster has no member to spare: while one is away, no other may fail.");
            out.push(
                Finding::soft("cluster-no-spare", seen, text)
                    .evidence(format!("{} members live, {} needed", cluster.live, cluster.quorum))
                    .opens("it has more members, or you accept it"),
            );
        }
    }
}

fn ha(known: &Known, seen: Time, out: &mut Vec<Finding>) {
    let Some(pool) = known.pool.tables.the_pool() else { return };
    if pool.ha_enabled {
        if pool.ha_overcommitted || pool.ha_plan_exists_for < 1 {
            let text = "HA could not restart all protected guests if another host failed meanwhile.".into();
            out.push(
                Finding::soft("ha-overcommitted", seen, text)
                    .evidence(format!(
                        "ha_overcommitted = {}, a plan exists for {} of {} failures",
                        pool.ha_overcommitted, pool.ha_plan_exists_for, pool.ha_host_failures_to_tolerate
                    ))
                    .opens("guests are stopped or moved, or fewer are protected"),
            );
        }
        out.push(Finding::note(
            "ha-on",
            seen,
            "HA is on; updates want it off, and a host that does not come back in time is fenced.".into(),
        ));
    }
    for op in pool.current_operations.values() {
        let text = format!("the pool itself is busy: {}.", control::pool_operation(op));
        out.push(Finding::hard("pool-busy", seen, text).evidence("pool.current_operations").opens("that is done"));
    }
    if let Some(at) = known.pool.went_back.filter(|at| known.now.since(*at) < WENT_BACK) {
        let text = format!(
            "the pool's database went back in time at {}: what xapi says of guests, storage and settings may be from before.",
            words::clock(at, &known.pool.zone)
        );
        out.push(
            Finding::soft("database-went-back", at, text)
                .evidence("the generation of the database fell")
                .opens("what was lost was looked through (Control has the list); it is said for an hour")
                .until(Some(at + WENT_BACK)),
        );
    }
    if let Some((text, since)) = known.pool.other_round() {
        out.push(
            Finding::soft("other-captain", since.unwrap_or(seen), text)
                .evidence("marks in pool.other_config, host.current_operations, and no claim of poolwatch")
                .opens("they are done; ask whoever runs it, and begin no round meanwhile"),
        );
    }
    if control::rolling_upgrade(pool) {
        let text = "a rolling pool upgrade is under way: xapi lists reboot for no host then, whether or not it is safe.".into();
        out.push(Finding::note("rolling-upgrade", seen, text).evidence("pool.other_config:rolling_upgrade_in_progress"));
    }
}

fn versions(known: &Known, seen: Time, out: &mut Vec<Finding>) {
    let keys = ["product_version", "platform_version", "xapi"];
    let told = |r: &Ref| known.pool.tables.host(r).map(|host| keys.map(|key| host.software_version.get(key)));
    let mut all = known.hosts().iter().filter_map(told);
    if all.next().is_none_or(|first| all.all(|other| other == first)) {
        return;
    }
    let mut by: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (r, name) in known.hosts().iter().zip(known.names()) {
        let Some(host) = known.pool.tables.host(r) else { continue };
        let get = |key: &str| host.software_version.get(key).unwrap_or_default();
        let version = format!("{} (xapi {})", control::version(host), words::name(get("xapi")));
        by.entry(version).or_default().push(name.clone());
    }
    if by.len() < 2 {
        return;
    }
    let parts: Vec<String> = by.iter().map(|(version, names)| format!("{} run {version}", words::list(names))).collect();
    let text = "the hosts run different versions: guests may not move back to an older one.".into();
    let rolling = known.pool.tables.the_pool().is_some_and(control::rolling_upgrade);
    let finding = if rolling { Finding::note("versions", seen, text) } else { Finding::soft("versions", seen, text) };
    out.push(finding.evidence(words::list(&parts)).opens("all hosts are updated"));
}

fn clocks(known: &Known, out: &mut Vec<Finding>) {
    for (r, skew) in known.skews() {
        if skew.ahead.abs() - skew.error <= SKEW_S {
            continue;
        }
        let way = if skew.ahead > 0.0 { "ahead of" } else { "behind" };
        let text = format!("the clock of {} is {:.0} s {way} the coordinator's.", known.pool.name_of(r), skew.ahead.abs());
        out.push(
            Finding::soft("clock-skew", skew.seen, text)
                .about(r)
                .evidence(format!("measured as {:.1} s ± {:.1} s", skew.ahead, skew.error))
                .opens("its clock is in step (chronyc makestep on the host)"),
        );
    }
    out.sort_by(|a, b| a.reason.code.cmp(b.reason.code).then_with(|| a.reason.text.cmp(&b.reason.text)));
}

/// Degraded paths, one reason a host: lost ones are the host's own matter (see [`super::hosts`]).
fn paths(known: &Known, out: &mut Vec<Finding>) {
    if !known.has_bad_paths() {
        return;
    }
    for (at, name) in known.names().iter().enumerate() {
        let bad: Vec<_> = known.paths_of(at).iter().map(|p| &p.view).filter(|p| p.health == Health::Degraded).collect();
        let (short, flapping): (Vec<_>, Vec<_>) = bad.into_iter().partition(|p| p.up < p.total);
        let seen = known.pool.link.current.unwrap_or_default();
        let zone = &known.pool.zone;
        let more = |all: &[_]| if all.len() > 1 { format!(" and {} more like it", all.len() - 1) } else { String::new() };
        let mut say = |finding: Finding| out.push(known.hosts().get(at).map_or(finding.clone(), |host| finding.about(host)));
        if let Some(worst) = short.first() {
            let since = worst.since.map_or_else(String::new, |at| format!(" (since {})", words::clock(at, zone)));
            let counts = format!("{} of {} {}", worst.up, worst.total, paths_to(worst));
            let text = format!("{name} has {counts}{}{since}: after a reboot it may come back with none.", more(&short));
            say(Finding::soft("path-degraded", seen, text).evidence(source(worst.kind)).opens("the paths are repaired"));
        }
        if let Some(worst) = flapping.first() {
            let text = format!(
                "{name} has {} that come and go{}: they are all up now, and cannot be relied on.",
                paths_to(worst),
                more(&flapping)
            );
            let changes = words::count(worst.week.changes as usize, "change");
            let evidence = format!("{}: {changes} within 7 days, {FLAPS} or more of them within 10 minutes", source(worst.kind));
            let opens = "it stays as it is for 10 minutes; look at its cable, port and transceiver meanwhile";
            say(Finding::soft("path-flapping", seen, text).evidence(evidence).opens(opens));
        }
    }
}

/// What a path leads to, in words.
pub(super) fn paths_to(path: &PathView) -> String {
    match path.kind {
        PathKind::Multipath => format!("paths to LUN {}", path.name),
        PathKind::Boot => "paths to its root disk".into(),
        PathKind::Bond => format!("links of {}", path.name),
        PathKind::Link => format!("link {}", path.name),
    }
}

/// Where a path is told of.
pub(super) const fn source(kind: PathKind) -> &'static str {
    match kind {
        PathKind::Multipath | PathKind::Boot => "other_config mpath-* of its PBD or host",
        PathKind::Bond => "Bond.links_up",
        PathKind::Link => "PIF_metrics.carrier",
    }
}
