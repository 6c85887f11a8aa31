//! Reasons that one host gives: to the others because it is not well, and to itself.

use super::Finding;
use crate::o2cb::margin::Level;
use crate::pool::heartbeats::{HeartbeatKind, SLOW};
use crate::pool::known::Known;
use crate::pool::limits::SETTLE;
use crate::pool::picture::{Health, Stage};
use crate::pool::words;
use crate::text::duration;
use crate::time::Time;
use crate::xenapi::record::{HostOperation, Ref};

/// What the host at this place means for every other host.
pub fn for_others(known: &Known, at: usize) -> Vec<Finding> {
    let (Some(r), Some(name)) = (known.hosts().get(at), known.names().get(at)) else { return Vec::new() };
    let doing = known.stage(at);
    let mut out = Vec::new();
    out.extend(stage(known, at, r, name));
    if doing == Stage::Disabled {
        out.push(
            Finding::hard(
                "host-disabled",
                heard(known),
                format!("{name} is disabled: with it out of use, no second host may go."),
            )
            .evidence(known.states().get(at).map_or("", |state| &state.evidence))
            .opens(format!("{name} is enabled again")),
        );
    }
    let up = matches!(doing, Stage::Live | Stage::Back | Stage::Disabled);
    if up {
        out.extend(unplugged(known, r, name));
        out.extend(lost_paths(known, at, name));
    }
    out.extend(dead_member(known, r, name, doing));
    out.extend(fence(known, r, up));
    let statefile_lost = known.pool.tracks.get(r).and_then(|t| t.statefile_lost);
    if up && statefile_lost.is_none() {
        out.extend(heartbeats(known, r, name));
    }
    if let Some(lost) = statefile_lost {
        let left = known.pool.fence_margin(r, doing, known.now).map_or_else(String::new, |left| format!(" in {left:.0} s"));
        let text = format!(
            "{name} fences itself{left}: it lost the HA statefile {}. Do: bring its paths to that storage back (cable, switch port, target), or \
             move what must survive off it now.",
            words::ago(known.now, lost)
        );
        out.push(
            Finding::hard("ha-statefile", heard(known), text)
                .evidence("host.ha_statefiles is empty while HA is on")
                .opens(format!("{name} has its statefile again")),
        );
    }
    out.extend(busy(known, r, name));
    out
}

/// What the host at this place means for itself.
pub fn for_itself(known: &Known, at: usize) -> Vec<Finding> {
    let (Some(r), Some(name)) = (known.hosts().get(at), known.names().get(at)) else { return Vec::new() };
    let doing = known.stage(at);
    let seen = heard(known);
    let mut out = Vec::new();
    out.extend(stage(known, at, r, name));
    out.extend(busy(known, r, name));
    let guests = known.pool.tables.load(r).guests;
    let runs = if guests == 1 { "runs" } else { "run" };
    if known.hosts().len() == 1 && guests > 0 {
        let text = format!("{name} is the only host: its {} have to stop for a reboot.", words::count(guests, "guest"));
        out.push(Finding::soft("only-host", seen, text).opens("the guests are stopped, or you accept it"));
    } else if guests > 0 && doing == Stage::Disabled {
        // Disabled is the last step before the reboot: from here on nothing else would keep the guests from being killed.
        let text = format!("{} still {runs} on {name}, which is disabled already.", words::count(guests, "guest"));
        let evidence = format!("resident_VMs of {name}");
        out.push(Finding::hard("guests", seen, text).evidence(evidence).opens(format!("no guest runs on {name} any more")));
    } else if guests > 0 {
        let text = format!("{} {runs} on {name}: disable and evacuate it first.", words::count(guests, "guest"));
        out.push(Finding::note("guests", seen, text).opens("no guest runs on it"));
    }
    if known.pool.is_coordinator(r) && known.hosts().len() > 1 {
        let text = format!("{name} is the coordinator: while it is away the pool cannot be seen or changed.");
        out.push(Finding::note("coordinator", seen, text));
    }
    let Some(host) = known.pool.tables.host(r) else { return out };
    if host.allows(HostOperation::Reboot) {
        let text = "xapi itself would allow this reboot now. poolwatch does not.".into();
        out.push(Finding::note("xapi-would-allow", seen, text).evidence(format!("allowed_operations of {name} holds reboot")));
    }
    out
}

fn heard(known: &Known) -> Time {
    known.pool.link.current.unwrap_or_default()
}

/// What a host is doing, if that keeps it and every other from being rebooted.
fn stage(known: &Known, at: usize, r: &Ref, name: &str) -> Option<Finding> {
    if matches!(known.stage(at), Stage::Live | Stage::Disabled) {
        return None;
    }
    let state = known.states().get(at)?;
    let now = known.now;
    let seen = heard(known);
    // "is down", or "has been down for 10 s".
    let lasts = |what: &str| {
        state.since.map_or_else(|| format!("is {what}"), |at| format!("has been {what} for {}", duration(now.since(at))))
    };
    let finding = match state.stage {
        Stage::Live | Stage::Disabled => return None,
        Stage::Unknown => Finding::hard("host-unknown", seen, format!("cannot tell how {name} is: {}.", state.text))
            .unknown()
            .opens(format!("{name} gives a sign of life")),
        Stage::Silent => {
            Finding::hard("host-silent", seen, format!("{name} {}, though xapi still calls it live.", lasts("silent")))
                .opens(format!("{name} is heard again and has settled"))
        }
        Stage::Down => Finding::hard("host-down", seen, format!("{name} {}.", lasts("down")))
            .opens(format!("{name} is back, enabled, with its storage plugged, and has settled")),
        Stage::GoingDown => Finding::hard("host-going-down", seen, format!("{name} {}.", lasts("going down")))
            .opens(format!("{name} has been away and is back")),
        Stage::Starting => Finding::hard("host-starting", seen, format!("{name} {} and is not enabled yet.", lasts("starting")))
            .opens(format!("{name} is enabled and has settled")),
        Stage::Plugging => Finding::hard("host-plugging", seen, format!("{name} is still {}.", plugging(&state.text)))
            .opens(format!("all storage of {name} is plugged and it has settled")),
        Stage::Back => {
            if !known.pool.has_mirrors() {
                return None;
            }
            let track = known.pool.tracks.get(r)?;
            let until = track.ready.map(|at| at + SETTLE);
            let text = format!("{name} came back{}; its mirrors may not be in step yet.", ago(state.since, now));
            return Some(
                Finding::hard("host-settling", seen, text)
                    .evidence(&state.evidence)
                    .opens(format!("no rebuild is seen for {} after it was ready", duration(SETTLE)))
                    .until(until.filter(|at| *at > now)),
            );
        }
    };
    Some(finding.evidence(&state.evidence))
}

fn plugging(text: &str) -> String {
    text.strip_prefix("plugging ")
        .map_or_else(|| "plugging its storage".into(), |counts| format!("plugging its storage ({counts})"))
}

fn ago(since: Option<Time>, now: Time) -> String {
    since.map_or_else(String::new, |at| format!(" {}", words::ago(now, at)))
}

/// Shared storage that this host should have and has not: another host that goes may be the last with it.
fn unplugged(known: &Known, r: &Ref, name: &str) -> Vec<Finding> {
    let pool = known.pool;
    let (lost, lacking): (Vec<_>, Vec<_>) = pool.unplugged(r).into_iter().filter(|u| u.shared).partition(|u| u.lost);
    let mut out = Vec::new();
    if !lost.is_empty() {
        let names: Vec<String> = lost.iter().map(|u| pool.name_of(&u.sr)).collect();
        let since = lost.iter().filter_map(|u| u.since).min();
        let since = since.map_or_else(String::new, |at| format!(" since {}", words::clock(at, &pool.zone)));
        let text = format!("{name} is without SR {}{since}.", words::list(&names));
        out.push(
            Finding::hard("storage-unplugged", heard(known), text)
                .evidence("PBD.currently_attached = false")
                .opens("it is plugged again (xe pbd-plug), or its PBD is removed"),
        );
    }
    if !lacking.is_empty() {
        let names: Vec<String> = lacking.iter().map(|u| pool.name_of(&u.sr)).collect();
        let text = format!("{name} has not plugged SR {}: guests on it cannot run there.", words::list(&names));
        out.push(
            Finding::soft("storage-missing", heard(known), text)
                .evidence("PBD.currently_attached = false since it was first seen")
                .opens("it is plugged (xe pbd-plug), or its PBD is removed"),
        );
    }
    out
}

fn lost_paths(known: &Known, at: usize, name: &str) -> Option<Finding> {
    if !known.has_bad_paths() {
        return None;
    }
    let lost: Vec<String> =
        known.paths_of(at).iter().map(|p| &p.view).filter(|p| p.health == Health::Failed).map(|p| p.name.clone()).collect();
    if lost.is_empty() {
        return None;
    }
    let text = format!("{name} has no path left to {}.", words::list(&lost));
    Some(
        Finding::hard("path-lost", heard(known), text)
            .evidence("other_config mpath-*, Bond.links_up or PIF_metrics.carrier")
            .opens("a path is back"),
    )
}

/// The host is out of its cluster though it should be in.
fn dead_member(known: &Known, r: &Ref, name: &str, doing: Stage) -> Option<Finding> {
    for cluster in known.clusters().iter().filter(|c| !c.ha) {
        let members = cluster.hosts.iter().zip(&cluster.view.members);
        let Some((_, member)) = members.into_iter().find(|(h, _)| *h == r) else { continue };
        let stack = &cluster.view.stack;
        let up = matches!(doing, Stage::Live | Stage::Back | Stage::Disabled);
        let record = known.pool.tables.cluster_hosts().find(|(_, m)| m.host == *r).map(|(c, _)| c);
        let finding = match member.state {
            "dead" => Finding::hard("cluster-member-dead", heard(known), format!("{name} is not alive in the {stack} cluster."))
                .evidence(if &**stack == "o2cb" {
                    "the other nodes see no heartbeat of it"
                } else {
                    "Cluster_host.live = false though it is enabled"
                }),
            "left" if up => {
                Finding::hard("cluster-member-dead", heard(known), format!("{name} has not joined the {stack} cluster."))
                    .evidence("Cluster_host.joined = false though it is enabled")
            }
            "disabled" if up && record.is_some_and(|c| known.pool.joined.contains(c)) => {
                Finding::hard("cluster-member-dead", heard(known), format!("{name} is out of the {stack} cluster."))
                    .evidence("Cluster_host.enabled went false")
            }
            "disabled" if up => {
                let text = format!("{name} is kept out of the {stack} cluster.");
                Finding::soft("cluster-member-disabled", heard(known), text).evidence("Cluster_host.enabled = false")
            }
            _ => continue,
        };
        return Some(finding.opens(format!("{name} is alive in the cluster again")));
    }
    None
}

/// A fence by o2cb that is near: nobody else may go while a host is about to.
fn fence(known: &Known, r: &Ref, up: bool) -> Option<Finding> {
    let margin = known.margin(r)?;
    let seen = known.pool.probes.of(r)?.report(known.now).map_or(Time::EPOCH, |(at, _)| at);
    // What is wrong and what to do first; the rest of it stands with the evidence.
    let todo = margin.todo().map_or_else(String::new, |todo| format!(" Do: {todo}."));
    let text = format!("{}.{todo}", margin.headline());
    let whole = margin.advice().map_or_else(|| margin.to_string(), |advice| format!("{margin}. To do: {advice}"));
    match margin.level {
        Level::Green => None,
        // That its probe does not answer either is no news of a host that is silent or down.
        Level::Unknown if !up => None,
        Level::Unknown => {
            Some(Finding::soft("fence-unknown", seen, text).unknown().opens("its probe tells how far o2cb is from a fence"))
        }
        Level::Amber | Level::Red if matches!(margin.reason, crate::o2cb::margin::Reason::PeersSilent { .. }) => Some(
            Finding::soft("peers-silent", seen, text)
                .evidence(format!("its probe, {}", words::ago(known.now, seen)))
                .opens("its peers are heard again, or gone"),
        ),
        Level::Amber | Level::Red => Some(
            Finding::hard("fence-near", seen, text)
                .evidence(format!("its probe, {}: {whole}", words::ago(known.now, seen)))
                .opens("its heartbeats are written and its peers are heard again"),
        ),
    }
}

/// A heartbeat of HA that comes near to its time-out: what a reboot adds (guests that move, storage that is plugged) may be what makes it late.
/// o2cb's have their own countdown, see [`fence`].
fn heartbeats(known: &Known, r: &Ref, name: &str) -> Option<Finding> {
    let all = known.pool.heartbeat_views(r, known.now);
    let worst = all.into_iter().find(|one| one.kind != HeartbeatKind::O2cb && one.health >= Health::Degraded)?;
    let took = worst.now_s.unwrap_or_default();
    let near = worst.health == Health::Failed;
    let (then, todo) = match worst.kind {
        HeartbeatKind::HaXapi => ("HA restarts its toolstack, then the host", "look at domain 0 there (load, memory, full disk)"),
        HeartbeatKind::HaNetwork => ("HA fences it", "look at its management network (cable, bond, switch, VLAN)"),
        _ => ("HA fences it", "look at its paths to that storage (cable, switch port, HBA, target), and at what else loads it"),
    };
    let text = if near {
        let left = (worst.limit_s - took).max(0.0);
        format!(
            "{name} has about {left:.0} s left: its heartbeat took {took:.0} s, and at {:.0} s {then}. Do: {todo}.",
            worst.limit_s
        )
    } else {
        format!("a heartbeat of {name} took {took:.0} s; at {:.0} s {then}. Do: {todo}.", worst.limit_s)
    };
    let seen = worst.seen.unwrap_or_default();
    let evidence = format!("its own statistics: {}, {}", worst.what, words::ago(known.now, seen));
    let opens = format!("it takes less than {:.0} s again", worst.limit_s * SLOW);
    let finding = if near { Finding::hard("fence-near", seen, text) } else { Finding::soft("heartbeat-slow", seen, text) };
    Some(finding.evidence(evidence).opens(opens))
}

fn busy(known: &Known, r: &Ref, name: &str) -> Option<Finding> {
    let host = known.pool.tables.host(r)?;
    host.current_operations.values().any(|op| *op == HostOperation::ApplyUpdates).then(|| {
        Finding::hard("host-busy", heard(known), format!("updates are being applied on {name}."))
            .evidence("host.current_operations holds apply_updates")
            .opens("that is done")
    })
}
