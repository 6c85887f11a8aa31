//! Each expected fact, said from what the parsers give.

use poolwatch::probe::drbd::{self, Minor, Resource};
use poolwatch::probe::kernel::{self, Sign};
use poolwatch::probe::multipath::{self, Map, Path, Usable};
use poolwatch::probe::{lenient, linstor, md};
use std::collections::BTreeSet;
use std::fmt::Display;

#[path = "facts_logs.rs"]
mod logs;

type Check = Result<(), String>;

#[allow(clippy::needless_pass_by_value, reason = "so that facts read without ampersands")]
fn same(got: impl Display, want: &str) -> Check {
    let got = got.to_string();
    if got == want { Ok(()) } else { Err(format!("got {got:?}, not {want:?}")) }
}

fn holds(truth: bool, got: impl std::fmt::Debug) -> Check {
    if truth { Ok(()) } else { Err(format!("not so: {got:?}")) }
}

fn said(truth: Option<bool>) -> &'static str {
    match truth {
        Some(true) => "yes",
        Some(false) => "no",
        None => "unknown",
    }
}

fn join<T: ToString>(all: impl IntoIterator<Item = T>) -> String {
    all.into_iter().map(|one| one.to_string()).collect::<Vec<_>>().join(",")
}

/// `key=value`, the remark in parentheses behind it taken off.
fn split(fact: &str) -> (&str, &str) {
    let (key, value) = fact.split_once('=').unwrap_or((fact, ""));
    let value = if value.starts_with('(') { value } else { value.split(" (").next().unwrap() };
    (key.trim(), value.trim())
}

pub fn check(kind: &str, file: &str, text: &str, fact: &str) -> Check {
    let fact = fact.trim();
    match kind {
        "drbd" => drbd_fact(file, text, fact),
        "multipath" => multipath_fact(file, text, fact),
        "md" => md_fact(file, text, fact),
        "linstor" => linstor_fact(file, text, fact),
        "kernel" => logs::kernel_fact(text, fact),
        "xha" => logs::xha_fact(text, fact),
        other => Err(format!("no rule for the kind {other}")),
    }
}

fn drbd_fact(file: &str, text: &str, fact: &str) -> Check {
    if file.contains("klog") {
        return klog_fact(text, fact);
    }
    if file.contains("proc") || file.contains("overview") {
        return minor_fact(text, fact);
    }
    let json = file.contains("json");
    let all = if json { drbd::status_json(file, text) } else { drbd::status_text(file, text) }.map_err(|why| why.to_string())?;
    let one: &Resource = all.first().ok_or("no resource")?;
    let (key, want) = split(fact);
    let peer_of = |key: &str| {
        key.split_once('(').filter(|(_, name)| !name.starts_with("vol")).map(|(_, rest)| rest.trim_end_matches(')').to_owned())
    };
    let named = peer_of(key);
    let peer = one.peers.iter().find(|peer| named.as_ref().is_none_or(|name| peer.name == *name)).ok_or("no such peer")?;
    let sync = || peer.volumes.first().ok_or("no volume of the peer".to_owned());
    let local = |number: u64| one.volumes.iter().find(|volume| volume.number == number).ok_or("no such volume".to_owned());
    // Text that names no volume of a peer, as it does of one that is not connected.
    let of_volume = |key: &str| key.strip_prefix("vol").and_then(|rest| rest.split('.').next()?.parse::<u64>().ok());
    if let Some(number) = of_volume(key) {
        return same(&local(number)?.disk, want);
    }
    match key.split('(').next().unwrap() {
        "json_strict" => same(if lenient::parse(file, text).unwrap().strict { "valid" } else { "invalid" }, want),
        "resource" => same(&one.name, want),
        "role" => same(one.role.as_deref().unwrap_or(""), want),
        "disk" => holds(all.iter().all(|one| one.volumes[0].disk == want), one),
        "quorum" => same(said(Some(one.volumes[0].quorum != Some(false))), want),
        "client" => same(said(one.volumes[0].client), want),
        "diskless_intentional" => same(said(Some(one.volumes[0].is_client())), want),
        "minor" => same(one.volumes[0].minor.unwrap(), want),
        "size_kib" => same(one.volumes[0].size_kib.unwrap(), want),
        "volumes" => same(one.volumes.len(), want),
        "peers" => same(one.peers.len(), want),
        "peer" => same(&peer.name, want),
        "peer_role" => same(peer.role.as_deref().unwrap_or(""), want),
        "conn" => holds(named.is_some() || all.iter().flat_map(|one| &one.peers).all(|peer| peer.connection == want), one)
            .and_then(|()| same(&peer.connection, want)),
        "repl" => same(&sync()?.replication, want),
        "peer_disk" => same(sync()?.disk.as_deref().unwrap_or(""), want),
        "all peer_disk" => {
            holds(one.peers.iter().flat_map(|peer| &peer.volumes).all(|volume| volume.disk.as_deref() == Some(want)), one)
        }
        "percent_in_sync" => same(format!("{:.2}", sync()?.in_sync_percent.unwrap()), want),
        "out_of_sync_kib" => same(sync()?.out_of_sync_kib.unwrap(), want),
        "eta" => same(sync()?.eta_secs.map_or("unknown".into(), |eta| eta.to_string()), want),
        "done" => same(sync()?.done_percent.unwrap(), want),
        "healthy" => same(said(Some(one.is_healthy())), want),
        "no_uptodate_copy" => same(said(Some(one.good_copies(1) == 0)), want),
        "note" if want.starts_with("two outputs") => same(all.len(), "2"),
        _ => Err("no rule for it".into()),
    }
}

fn minor_fact(text: &str, fact: &str) -> Check {
    let all = drbd::minors(text);
    let (key, want) = split(fact);
    match key {
        "resources" => return same(all.len(), want),
        "must_use" => return holds(all.is_empty() && text.starts_with("version: 9"), all),
        "minors" => return same(join(all.iter().map(|minor| minor.minor)), want),
        "gaps" => {
            let there: BTreeSet<u64> = all.iter().map(|minor| minor.minor).collect();
            return same(join((0..*there.last().unwrap()).filter(|minor| !there.contains(minor))), want);
        }
        "healthy" => return same(said(Some(all.iter().all(|minor| minor.resource().is_healthy()))), want),
        _ => {}
    }
    let one: &Minor = all.first().ok_or("no device")?;
    let sync = one.sync.as_ref().ok_or("no resync".to_owned());
    match key {
        "minor" => same(one.minor, want),
        "cs" => same(&one.connection, want),
        "ro" => same(format!("{}/{}", one.roles.0, one.roles.1), want),
        "ds" => same(format!("{}/{}", one.disks.0, one.disks.1), want),
        "protocol" => same(one.protocol.map_or("absent".to_owned(), String::from), want),
        "oos_kib" => same(one.out_of_sync_kib.unwrap(), want),
        "flags" => same(one.flags.as_deref().unwrap_or(""), want),
        "sync_pct" => same(sync?.percent, want),
        "left" => same(sync?.left.unwrap().0, want),
        "total" => same(sync?.left.unwrap().1, want),
        "unit" => same(sync?.unit.unwrap(), want),
        "finish" => {
            let secs = sync?.finish_secs.unwrap();
            same(format!("{}:{:02}:{:02}", secs / 3600, secs / 60 % 60, secs % 60), want)
        }
        "speed_kib" => same(sync?.kib_per_sec.unwrap(), want),
        _ => Err("no rule for it".into()),
    }
}

fn klog_fact(text: &str, fact: &str) -> Check {
    let changes: Vec<(String, String, String, String)> = kernel::signs(text)
        .into_iter()
        .filter_map(|line| match line.sign {
            Sign::DrbdConnection { resource, peer, from, to } => Some((resource, peer, from, to)),
            _ => None,
        })
        .collect();
    let first = changes.first().ok_or("no change of a connection")?;
    match split(fact) {
        ("resource", want) => same(&first.0, want),
        ("peer", want) => same(&first.1, want),
        ("transitions", want) => {
            let mut states = vec![first.2.clone()];
            states.extend(changes.iter().map(|change| change.3.clone()));
            same(states.join(">"), want)
        }
        _ => Err("no rule for it".into()),
    }
}

fn multipath_fact(file: &str, text: &str, fact: &str) -> Check {
    let (key, want) = split(fact);
    if file.contains("raw-show-paths") {
        let paths = multipath::paths_raw(text);
        let mapped: Vec<&Path> = paths.iter().filter(|path| path.map.is_some()).collect();
        return match key {
            "maps" => same(mapped.iter().map(|path| &path.map).collect::<BTreeSet<_>>().len(), want),
            "orphan" => same(join(paths.iter().filter(|path| path.map.is_none()).filter_map(|path| path.dev.clone())), want),
            "paths_up" => {
                same(format!("{}/{}", mapped.iter().filter(|path| path.usable() == Usable::Yes).count(), mapped.len()), want)
            }
            "prio" => same(join(mapped.iter().filter_map(|path| path.priority)), want),
            _ => Err("no rule for it".into()),
        };
    }
    if file.contains("raw-show-maps") {
        let maps = multipath::maps_raw(text);
        let (state, rest) = fact.split_once(": ").ok_or("no rule for it")?;
        let at = ["healthy", "degraded", "recovered"].iter().position(|name| *name == state).ok_or("no such state")?;
        return same(
            format!("active_paths={} faults={}", maps[at].up.unwrap(), maps[at].path_faults.unwrap()),
            rest.split(" (").next().unwrap(),
        );
    }
    if file.contains("show-paths-format") {
        let (columns, rows) = multipath::paths_table(text);
        return match fact {
            "row sdd incomplete" | "must not be counted as a path" => holds(rows.is_empty(), rows),
            _ => same(columns, want),
        };
    }
    if file.contains("json-path") {
        let path = multipath::path_json(&lenient::parse(file, text).unwrap().value, None).ok_or("no path")?;
        return match key {
            "dev" => same(path.dev.unwrap(), want),
            "dev_t" => same(path.dev_t.unwrap(), want),
            "dm_st" => same(path.dm, want),
            "dev_st" => same(path.scsi.unwrap(), want),
            "chk_st" => same(path.check, want),
            "checker" => same(path.checker.unwrap(), want),
            "pri" => same(path.priority.unwrap(), want),
            "host_adapter" => same(path.adapter.unwrap(), want),
            _ => Err("no rule for it".into()),
        };
    }
    let maps = if file.contains("json") {
        multipath::maps_json(file, text).map_err(|why| why.to_string())?
    } else {
        multipath::topology(text)
    };
    maps_fact(file, text, fact, &maps)
}

fn maps_fact(file: &str, text: &str, fact: &str, maps: &[Map]) -> Check {
    let (key, want) = split(fact);
    let paths: Vec<&Path> = maps.iter().flat_map(|map| &map.paths).collect();
    let count = |usable: &[Usable]| paths.iter().filter(|path| usable.contains(&path.usable())).count();
    let up = |map: &Map| format!("{}/{}", map.usable(), map.total());
    let one = maps.first().ok_or("no map")?;
    // A fact of one map by its name: `mpatha up=1/2 failed=sdb`, `dm-30 up=0/2 queue=no (…)`, `map dm-12 paths=0`.
    let name = fact.trim_start_matches("map ").split([' ', '=']).next().unwrap();
    let by_name = maps.iter().find(|map| map.name == name || map.wwid == name || map.dm.as_deref() == Some(name));
    if let Some(map) = by_name.filter(|_| fact.contains(' ') && key != "wwid") {
        if fact.ends_with("cut") {
            return holds(map.paths.is_empty() && map.groups == 1, map);
        }
        if fact.contains("path device missing") {
            holds(map.paths.iter().any(|path| path.dev.is_none()), map)?;
        }
        for part in fact.split([' ', ',']).filter(|part| part.contains('=')) {
            match part.split_once('=').unwrap() {
                ("up" | "paths_up", want) => same(up(map), want)?,
                ("paths", want) => same(map.paths.len(), want)?,
                ("queue", want) => same(said(map.queues), want)?,
                ("failed", want) => same(
                    join(map.paths.iter().filter(|path| path.usable() == Usable::No).filter_map(|path| path.dev.clone())),
                    want,
                )?,
                (other, _) => return Err(format!("no rule for {other}")),
            }
        }
        return Ok(());
    }
    match key {
        "maps" => same(maps.len(), want),
        "paths_active_ready" => same(count(&[Usable::Yes]), want),
        "paths_not_ready" => same(count(&[Usable::No, Usable::Recovering]), want),
        "paths_undef" => same(count(&[Usable::Unknown]), want),
        "wwid" | "uuid" => same(&one.wwid, want),
        "map" => same(&one.name, want),
        "groups" => same(one.groups, want),
        // multipathd's own count in JSON, the listed ones in a topology.
        "paths" => same(if file.contains("json") { one.up.unwrap() } else { one.paths.len() as u64 }, want),
        "paths_listed" | "total" => same(one.paths.len(), want),
        "active" => same(one.usable(), want),
        "pbd_key" => same(one.pbd_entry().0, want),
        "pbd_value" => same(one.pbd_entry().1, want),
        "queue_if_no_path" => same(said(one.queues), want),
        "prefix" => same(format!("{}:", one.action.as_deref().unwrap_or("")), want),
        "path_faults" => same(one.path_faults.unwrap(), want),
        "q_timeouts" => same(one.queue_timeouts.unwrap(), want),
        "queueing" => match one.queueing.ok_or("no word of queueing")? {
            multipath::Queueing::Off => same("off", want),
            multipath::Queueing::On => same("on", want),
            multipath::Queueing::Retries(count) => same(format!("{count} chk"), want),
            multipath::Queueing::Countdown(count) => same(format!("{count} chk"), want).and(holds(one.is_dead(), one)),
        },
        "dm_st" => same(one.state.as_deref().unwrap_or(""), want),
        "vend" => same(one.vendor.as_deref().unwrap_or("").split(',').next().unwrap(), want),
        "chk" => holds(paths.iter().all(|path| path.check == want), paths),
        "noise_lines" => same(multipath::noise(text), want),
        "json_needs_prompt_lines_stripped" => holds(serde_json::from_str::<serde_json::Value>(text).is_err(), maps),
        "common cause" => holds(maps.len() > 1 && maps.iter().all(|map| map.lost() == 1), maps),
        _ if fact.starts_with("wwid is glued") => {
            holds(maps.iter().all(|map| !map.wwid.contains("dm-") && map.dm.is_some()), maps)
        }
        _ if fact == "other two 1/1" => same(maps.iter().filter(|map| up(map) == "1/1").count(), "2"),
        _ if fact.starts_with("path ") => {
            let path = paths.iter().find(|path| path.dev.as_deref() == key.strip_prefix("path ")).ok_or("no such path")?;
            same(format!("{}/{}", path.dm, path.check), want)
        }
        _ => Err("no rule for it".into()),
    }
}

fn md_fact(file: &str, text: &str, fact: &str) -> Check {
    if file.contains("detail") {
        return detail_fact(text, fact);
    }
    let all = md::arrays(text);
    let (key, want) = split(fact);
    match key {
        "total_arrays" | "arrays" | "snapshots" => return same(all.len(), want),
        _ if fact == "see [UUU_]" => return holds(all.iter().any(|array| array.map.as_deref() == Some("UUU_")), all),
        _ if fact.starts_with("contains ") => {
            let waits = |want: &str| {
                all.iter().any(|array| array.activity.as_ref().is_some_and(|activity| activity.waits.as_deref() == Some(want)))
            };
            return holds(waits("PENDING") && waits("DELAYED"), &all);
        }
        "md0" if want.starts_with("active") => return same(format!("active {}", all[0].level.as_deref().unwrap_or("")), want),
        _ => {}
    }
    let (name, rest) = fact.split_once(": ").ok_or("no rule for it")?;
    let array = match name.parse::<usize>() {
        Ok(snapshot) => all.get(snapshot - 1),
        Err(_) => all.iter().find(|array| array.name == name),
    }
    .ok_or("no such array")?;
    let activity = array.activity.as_ref();
    let percent = || activity.and_then(|activity| activity.percent).map(|percent| format!("{percent:.1}%")).unwrap_or_default();
    for part in rest.split(" (").next().unwrap().split_ascii_whitespace() {
        let map = |array: &md::Array| format!("[{}]", array.map.as_deref().unwrap_or(""));
        let counts = array.counts.map(|(wanted, working)| format!("{working}/{wanted}")).unwrap_or_default();
        match part.split_once('=').unwrap_or((part, "")) {
            ("degraded", "no") => holds(!array.is_degraded(), array)?,
            ("degraded", want) if want.contains('/') => same(&counts, want).and(holds(array.is_degraded(), array))?,
            ("degraded", want) => same(array.missing(), want)?,
            ("recovery", want) => same(percent(), want).and(holds(activity.unwrap().kind == md::Kind::Recovery, array))?,
            ("check", want) => same(percent(), want).and(holds(activity.unwrap().kind == md::Kind::Check, array))?,
            ("resync", "DELAYED") | ("DELAYED", "") => {
                same(activity.and_then(|activity| activity.waits.clone()).unwrap_or_default(), "DELAYED")?;
            }
            ("resync", want) => same(percent(), want).and(holds(activity.unwrap().kind == md::Kind::Resync, array))?,
            ("speed", want) => same(format!("{}K/sec", activity.unwrap().kib_per_sec.unwrap()), want)?,
            ("finish", want) => same(format!("{:.1}min", activity.unwrap().finish_min.unwrap()), want)?,
            ("failed", want) => same(join(array.failed()), want)?,
            ("spares", want) => same(join(array.spares()), want)?,
            ("members", want) => same(array.members.iter().filter(|member| !member.spare && !member.failed).count(), want)?,
            ("extra", want) => {
                holds(array.members.iter().any(|member| format!("{}[{}]", member.dev, member.number.unwrap()) == want), array)?;
            }
            (counted, "") if counted.starts_with('[') && counted.contains('/') => {
                same(array.counts.map(|(wanted, working)| format!("[{wanted}/{working}]")).unwrap_or_default(), counted)?;
            }
            (shown, "") if shown.starts_with('[') => same(map(array), shown)?,
            (level, "") if level.starts_with("raid") => same(array.level.as_deref().unwrap_or(""), level)?,
            (external, "") if external.starts_with("external:") => same(array.metadata.as_deref().unwrap_or(""), external)?,
            ("inactive" | "container", "") => holds(array.is_container(), array)?,
            ("imsm", "") => holds(array.metadata.as_deref() == Some("external:imsm"), array)?,
            ("clean", "") => holds(!array.is_degraded() && activity.is_none(), array)?,
            ("no" | "activity", "") => holds(activity.is_none(), array)?,
            ("with", "") => {}
            (other, _) => return Err(format!("no rule for {other}")),
        }
    }
    Ok(())
}

fn detail_fact(text: &str, fact: &str) -> Check {
    let (all, missing) = md::details(text);
    let one = all.first().ok_or("no array")?;
    let (key, want) = split(fact);
    let of = |state: &str| one.members.iter().filter(|(_, is)| is == state).map(|(dev, _)| dev.clone()).collect::<Vec<_>>();
    match key {
        "state" => holds(all.iter().all(|one| one.state.join(",") == want), all),
        "percent" => same(one.progress.ok_or("no progress")?.1, want),
        "active" => same(one.active.unwrap(), want),
        "rebuilding" => same(join(of("spare rebuilding")), want),
        "spares" => same(join(of("spare").iter().map(|dev| dev.trim_start_matches("/dev/"))), want),
        "spare" => same(join(of("spare")), want),
        "level" => same(one.level.as_deref().unwrap_or(""), want),
        "delta" => same(one.delta.as_deref().unwrap_or(""), want),
        "degraded" => same(said(Some(one.is_degraded())), want),
        "arrays" => same(join(all.iter().filter_map(|one| one.device.clone())), want),
        "errors" => holds(want.trim_end_matches(" missing").split(',').all(|dev| missing.iter().any(|one| one == dev)), missing),
        _ => Err("no rule for it".into()),
    }
}

fn linstor_fact(file: &str, text: &str, fact: &str) -> Check {
    let (key, want) = split(fact);
    if file.contains("rest-nodes") {
        let nodes = linstor::nodes_json(file, text).map_err(|why| why.to_string())?;
        let node = nodes.iter().find(|node| node.name == key).ok_or("no such node")?;
        return same(format!("{} {}", node.connection, node.kind.as_deref().unwrap_or("")), want);
    }
    if file.contains("json-m-r-l") {
        let found = linstor::resources_json(file, text).map_err(|why| why.to_string())?;
        let of = |name: &str| found.copies.iter().find(|copy| copy.resource == name);
        return match fact {
            "format=old" => holds(text.contains("resource_states"), found),
            "json=truncated" => holds(found.cut, found),
            _ if fact.starts_with("in_use true") => {
                holds(of("OpenNebula-Image-0-vm0-disk0").is_some_and(|copy| copy.in_use == Some(true)), found)
            }
            _ => {
                let copy = of(fact.split(' ').next().unwrap()).ok_or("no such resource")?;
                same(
                    format!("{} {} disk_state={} in_use={}", copy.resource, copy.node, copy.state.name, copy.in_use.unwrap()),
                    fact,
                )
            }
        };
    }
    let (copies, volumes) = (linstor::resource_list(text), linstor::volume_list(text));
    let on = |node: &str| copies.iter().find(|copy| copy.node == node).ok_or(format!("nothing on {node}"));
    match key {
        "resources" => same(copies.iter().map(|copy| &copy.resource).collect::<BTreeSet<_>>().len(), want),
        "rows" => same(copies.len() + volumes.len(), want),
        "nodes" => same(join(copies.iter().map(|copy| copy.node.clone()).collect::<BTreeSet<_>>()), want),
        "not_healthy" => holds(copies.iter().all(linstor::Copy::is_healthy), copies),
        "ha-statefile" => {
            let all: Vec<&linstor::Copy> = copies.iter().filter(|copy| copy.resource.ends_with("ha-statefile")).collect();
            same(format!("{}x{}", all.len(), all[0].state.name), want)
        }
        "ha-statefile minor" => {
            same(volumes.iter().find(|copy| copy.resource.ends_with("ha-statefile")).unwrap().minor.unwrap(), want)
        }
        "pool" => holds(volumes.iter().any(|copy| copy.pool.as_deref() == Some(want)), volumes),
        "port" => same(copies[0].port.unwrap(), want),
        "deleting" => same(copies.iter().filter(|copy| copy.state.name == "DELETING").count(), want),
        "uptodate_copies" => same(copies.iter().filter(|copy| copy.state.name == "UpToDate").count(), want),
        "rsc" => Err("no rule for it".into()),
        "m15c6 volume" => holds(volumes.iter().any(|copy| copy.node == "m15c6" && copy.state.name == want), volumes),
        _ if fact.starts_with("conclusion") => holds(copies.iter().any(|copy| copy.state.is_syncing()), copies),
        _ if fact == "TieBreaker and Diskless are healthy" => {
            let odd = copies.iter().filter(|copy| matches!(copy.state.name.as_str(), "TieBreaker" | "Diskless"));
            holds(odd.clone().count() > 0 && odd.clone().all(linstor::Copy::is_healthy), copies)
        }
        _ if fact.starts_with("diskless rows") => holds(
            volumes.iter().all(|copy| copy.allocated.is_none() == matches!(copy.state.name.as_str(), "Diskless" | "TieBreaker")),
            volumes,
        ),
        _ if fact.starts_with("rsc: ") || fact == "charlie Unused UpToDate" => {
            let words: Vec<&str> = fact.trim_start_matches("rsc: ").split(' ').collect();
            let copy = on(words[0])?;
            same(
                format!("{} {} {}", copy.node, if copy.in_use.unwrap() { "InUse" } else { "Unused" }, copy.state.name),
                &words.join(" "),
            )
        }
        // `m8c11: conns=NetworkFailure(m8c8) state=Outdated`
        _ if fact.contains(": conns=") => {
            let (node, _) = fact.split_once(": ").unwrap();
            let copy = on(node)?;
            let connection = &copy.connections.as_ref().unwrap()[0];
            same(format!("{node}: conns={}({}) state={}", connection.state, connection.peers.join(","), copy.state.name), fact)
        }
        // `one-vm-7383: Connecting(m13c40)`, `one-vm-7390: Unknown`
        _ if fact.starts_with("one-vm-") => {
            let (name, want) = fact.split_once(": ").unwrap();
            let mut words = name.split(" on ");
            let (name, node) = (words.next().unwrap(), words.next());
            let all = copies.iter().chain(&volumes);
            let copy = all
                .filter(|copy| copy.resource.starts_with(name))
                .find(|copy| node.is_none_or(|node| copy.node == node))
                .ok_or("no such row")?;
            let connection =
                copy.connections.iter().flatten().next().map(|one| format!("{}({})", one.state, one.peers.join(",")));
            same(connection.unwrap_or_else(|| copy.state.name.clone()), want)
        }
        // `m13c35=SyncTarget percent=43.43`, `m8c10=Diskless InUse`
        node => {
            let copy = on(node)?;
            let mut words = want.split(' ');
            same(&copy.state.name, words.next().unwrap())?;
            words.try_for_each(|word| match word.split_once('=') {
                Some(("percent", percent)) => same(copy.state.percent.unwrap(), percent),
                None if word == "InUse" => holds(copy.in_use == Some(true), copy),
                _ => Err(format!("no rule for {word}")),
            })
        }
    }
}
