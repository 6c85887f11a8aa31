//! Mirrors that are not whole, from what DRBD, LINSTOR and md say. Plain facts for who decides about them.

use super::report::{Md, Rebuild, Teller, Work};
use super::{drbd, linstor, md};
use std::collections::BTreeMap;

/// All mirrors that are being rebuilt, wait for it, or lack a copy; as `host` sees it.
pub fn facts(host: &str, drbd: &[drbd::Resource], linstor: &[linstor::Copy], md: &Md) -> Vec<Rebuild> {
    let mut all = from_drbd(host, drbd);
    let known: Vec<&str> = drbd.iter().map(|resource| resource.name.as_str()).collect();
    all.extend(from_linstor(linstor, drbd).into_iter().filter(|one| {
        // DRBD itself knows better, as far as this host takes part.
        !known.contains(&one.resource.as_str()) || one.work == Work::Stalled
    }));
    all.extend(md.arrays.iter().filter_map(|array| from_array(host, array)));
    let listed: Vec<&str> = md.arrays.iter().map(|array| array.name.as_str()).collect();
    let unlisted = md.details.iter().filter(|detail| {
        let name = detail.device.as_deref().unwrap_or("").trim_start_matches("/dev/");
        !listed.contains(&name)
    });
    all.extend(unlisted.filter_map(|detail| from_detail(host, detail)));
    all
}

/// DRBD's part.
pub fn from_drbd(host: &str, resources: &[drbd::Resource]) -> Vec<Rebuild> {
    let mut all = Vec::new();
    for resource in resources {
        for number in volumes(resource) {
            let (good, wanted) = (resource.good_copies(number), resource.wanted_copies(number));
            let copies = Some((good as u64, wanted as u64));
            let nodes: Vec<String> =
                std::iter::once(host.to_owned()).chain(resource.peers.iter().map(|peer| peer.name.clone())).collect();
            let several = volumes(resource).len() > 1;
            let blank = Rebuild {
                teller: Teller::Drbd,
                resource: resource.name.clone(),
                volume: several.then_some(number),
                work: Work::Missing,
                progress: None,
                eta_secs: None,
                redundancy_lost: good < wanted,
                copies,
                nodes,
                target: None,
                note: None,
            };
            let before = all.len();
            for peer in &resource.peers {
                let volume = peer.volumes.iter().find(|volume| volume.number == number && volume.is_syncing());
                all.extend(volume.map(|volume| sync(host, &blank, peer, volume)));
            }
            if all.len() == before && good < wanted {
                let quorum = resource.volumes.iter().any(|volume| volume.number == number && volume.quorum == Some(false));
                let note = if quorum { "it has lost its quorum: I/O is frozen or fails" } else { "no resync runs" };
                all.push(Rebuild { note: Some(note.into()), ..blank });
            }
        }
    }
    all
}

fn volumes(resource: &drbd::Resource) -> Vec<u64> {
    let own = resource.volumes.iter().map(|volume| volume.number);
    let mut all: Vec<u64> =
        own.chain(resource.peers.iter().flat_map(|peer| peer.volumes.iter().map(|volume| volume.number))).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn sync(host: &str, blank: &Rebuild, peer: &drbd::Peer, volume: &drbd::PeerVolume) -> Rebuild {
    let paused = volume.resync_suspended.as_deref().is_some_and(|who| who != "no");
    let work = if volume.is_waiting() || paused {
        Work::Waiting
    } else if volume.stalled || peer.connection != "Connected" {
        Work::Stalled
    } else {
        Work::Running
    };
    let percent = volume.done_percent.or(volume.in_sync_percent);
    Rebuild {
        work,
        progress: percent.map(|percent| (percent / 100.0).clamp(0.0, 1.0)),
        eta_secs: volume.eta_secs,
        redundancy_lost: true,
        target: Some(if volume.is_target() { host.to_owned() } else { peer.name.clone() }),
        note: paused.then(|| format!("suspended by {}", volume.resync_suspended.as_deref().unwrap_or_default())),
        ..blank.clone()
    }
}

/// LINSTOR's part. Where DRBD of this host knows the resource and says that nothing syncs, the percentage is old.
pub fn from_linstor(copies: &[linstor::Copy], drbd: &[drbd::Resource]) -> Vec<Rebuild> {
    let mut by_resource: BTreeMap<&str, Vec<&linstor::Copy>> = BTreeMap::new();
    for copy in copies {
        by_resource.entry(&copy.resource).or_default().push(copy);
    }
    let mut all = Vec::new();
    for (name, copies) in by_resource {
        let wanted = copies.iter().filter(|copy| copy.state.is_copy()).count() as u64;
        let good = copies.iter().filter(|copy| copy.state.name == "UpToDate").count() as u64;
        let blank = Rebuild {
            teller: Teller::Linstor,
            resource: name.to_owned(),
            volume: None,
            work: Work::Missing,
            progress: None,
            eta_secs: None,
            redundancy_lost: good < wanted,
            copies: Some((good, wanted)),
            nodes: copies.iter().map(|copy| copy.node.clone()).collect(),
            target: None,
            note: None,
        };
        let still = drbd.iter().find(|resource| resource.name == name);
        let still =
            still.is_some_and(|resource| !resource.peers.iter().flat_map(|peer| &peer.volumes).any(drbd::PeerVolume::is_syncing));
        let before = all.len();
        for copy in copies.iter().filter(|copy| copy.state.is_syncing()) {
            let note = if still {
                "DRBD says that nothing syncs: the percentage is old"
            } else {
                "a percentage alone does not prove that it goes on"
            };
            all.push(Rebuild {
                work: if still { Work::Stalled } else { Work::Running },
                progress: copy.state.percent.map(|percent| (percent / 100.0).clamp(0.0, 1.0)),
                target: Some(copy.node.clone()),
                note: Some(note.into()),
                ..blank.clone()
            });
        }
        if all.len() == before && good < wanted {
            let states: Vec<String> = copies
                .iter()
                .filter(|copy| !copy.state.is_healthy())
                .map(|copy| format!("{} on {}", copy.state.name, copy.node))
                .collect();
            all.push(Rebuild { note: Some(states.join(", ")), ..blank });
        }
    }
    all
}

/// An array's part; `None` if it is whole. A check is no rebuild.
pub fn from_array(host: &str, array: &md::Array) -> Option<Rebuild> {
    let activity = array.activity.as_ref().filter(|activity| activity.kind != md::Kind::Check);
    if activity.is_none() && !array.is_degraded() {
        return None;
    }
    let slots = array.map.as_ref().map(|map| map.len() as u64).or(array.counts.map(|(wanted, _)| wanted));
    let failed: Vec<&str> = array.failed().collect();
    let work = activity.map_or(Work::Missing, |activity| match (&activity.waits, activity.kib_per_sec) {
        (Some(_), _) => Work::Waiting,
        (None, Some(0)) => Work::Stalled,
        (None, _) => Work::Running,
    });
    Some(Rebuild {
        teller: Teller::Md,
        resource: array.name.clone(),
        volume: None,
        work,
        progress: activity.and_then(|activity| activity.percent).map(|percent| (percent / 100.0).clamp(0.0, 1.0)),
        eta_secs: activity.and_then(|activity| activity.finish_min).map(|minutes| (minutes * 60.0) as u64),
        redundancy_lost: array.is_degraded(),
        copies: slots.map(|slots| (slots.saturating_sub(array.missing()), slots)),
        nodes: vec![host.to_owned()],
        target: None,
        note: (!failed.is_empty()).then(|| format!("failed: {}", failed.join(", "))),
    })
}

/// The same from `mdadm --detail` or `raid.py`, where `/proc/mdstat` is not there.
pub fn from_detail(host: &str, detail: &md::Detail) -> Option<Rebuild> {
    let progress = detail.progress.filter(|(kind, _)| *kind != md::Kind::Check);
    let waits = detail.is("DELAYED") || detail.is("PENDING") || detail.is("REMOTE");
    let syncs = progress.is_some() || detail.is("recovering") || detail.is("resyncing") || detail.is("reshaping");
    if !syncs && !detail.is_degraded() {
        return None;
    }
    Some(Rebuild {
        teller: Teller::Md,
        resource: detail.device.as_deref().unwrap_or("an array").trim_start_matches("/dev/").to_owned(),
        volume: None,
        work: if waits {
            Work::Waiting
        } else if syncs {
            Work::Running
        } else {
            Work::Missing
        },
        progress: progress.map(|(_, percent)| (percent / 100.0).clamp(0.0, 1.0)),
        eta_secs: None,
        redundancy_lost: detail.is_degraded(),
        copies: None,
        nodes: vec![host.to_owned()],
        target: detail.members.iter().find(|(_, state)| state.contains("rebuilding")).map(|(dev, _)| dev.clone()),
        note: None,
    })
}
