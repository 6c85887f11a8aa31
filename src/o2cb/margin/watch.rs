//! The readings of all hosts, folded: who was armed, heard, connected and stalled when.

use super::{Fires, Level, Margin, Reason, Signs, Sure, Warning, Wheel, disk, net};
use crate::o2cb::live::{FenceMethod, Live};
use crate::time::Time;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A reading that is older than this does not tell how a host is, in ms.
pub const STALE_MS: i64 = 15_000;
/// Readings of several hosts that are this far apart are taken for one moment, in ms.
pub const TOGETHER_MS: i64 = 12_000;

/// How far the computed moment of a timer was off at most, and what reading takes, in ms.
const JITTER_MS: i64 = 1_500;
/// What a host may still live past the end of a timer whose moment is not known, in ms.
const GRACE_MS: i64 = 2_000;

/// All that was read of the hosts of a cluster.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Watch {
    pub(super) hosts: BTreeMap<String, Track>,
}

/// What is known of one host. Times are milliseconds of its own uptime unless they are [`Time`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Track {
    /// The last reading, and when we had it.
    pub live: Live,
    pub at: Time,
    pub signs: Signs,
    /// Its uptime at the last reading; without `/proc/uptime` the least that it can be.
    pub uptime: i64,
    /// Is that the true uptime?
    pub phase: bool,
    /// Regions that had a heartbeat in some reading.
    pub armed: BTreeSet<String>,
    /// What is known of the connections.
    pub peers: BTreeMap<u8, Peer>,
    /// Uptime at the last look into the connections.
    pub looked: Option<i64>,
    /// By region: uptime of the last reading that found every live node stalled, and the age of the heartbeat then.
    pub together: BTreeMap<String, (i64, i64)>,
}

/// What is known of a connection.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Peer {
    /// Uptime of the last byte, as of the last look.
    pub heard: Option<i64>,
    /// Was it connected in some reading since it came alive?
    pub was_connected: bool,
    /// Uptime when the connection was gone while its heartbeat went on: between these two.
    pub lost: Option<(i64, i64)>,
}

impl Watch {
    /// Nothing known yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a reading of `host` that we had at `at`. Older ones than the last are ignored.
    pub fn add(&mut self, host: &str, at: Time, live: &Live, signs: Signs) {
        let sockets = live.sockets.get();
        let least = sockets.into_iter().flatten().map(|socket| socket.latest_us / 1_000).max().unwrap_or(0);
        let known = live.uptime_ms.copied();
        let mut uptime = i64::try_from(known.unwrap_or(least)).unwrap_or(0);
        let before = match self.hosts.remove(host) {
            Some(before) if before.at > at => {
                self.hosts.insert(host.to_owned(), before);
                return;
            }
            // A host that is younger than it was has been restarted: nothing of before holds.
            Some(before) if known.is_some() && before.phase && uptime < before.uptime => None,
            before => before,
        };
        if let (None, Some(before)) = (known, &before) {
            // Without an uptime of its own the host ages as we do.
            uptime = uptime.max(before.uptime.saturating_add(at.millis_after(before.at)));
        }
        let mut track = Track {
            live: live.clone(),
            at,
            signs,
            uptime,
            phase: known.is_some(),
            armed: BTreeSet::new(),
            peers: BTreeMap::new(),
            looked: None,
            together: BTreeMap::new(),
        };
        let gap = before.as_ref().map_or(0, |before| at.millis_after(before.at));
        if let Some(before) = before {
            track.armed = before.armed;
            track.peers = before.peers;
            track.looked = before.looked;
            track.together = before.together;
        }
        track.see_regions();
        track.see_peers(gap);
        self.hosts.insert(host.to_owned(), track);
        self.see_together(at);
    }

    /// The margin of `host` at `now`.
    pub fn margin(&self, host: &str, now: Time) -> Margin {
        let Some(track) = self.hosts.get(host) else {
            let mut margin = blank(host, None);
            margin.reason = Reason::CannotKnow { why: "this host was never read".into() };
            return margin;
        };
        let age = now.millis_after(track.at).max(0);
        let method = track.live.cluster().and_then(|cluster| cluster.fence_method.copied());
        let mut margin = blank(host, method);
        margin.node = track.live.number();
        if age > STALE_MS {
            margin.reason = Reason::CannotKnow { why: format!("the last reading is {} s old", age / 1_000) };
            return margin;
        }
        let disk = disk::judge(self, track, age);
        let net = net::judge(self, track, now, age);
        margin.take(disk);
        let sooner = net.fires.is_some_and(|(_, expected, _)| margin.left_ms.is_none_or(|left| expected < left));
        if net.counts() && (sooner || !margin.is_counting()) {
            margin.take(net);
        } else if net.level > margin.level {
            // Worth a word, while the disk's number stands.
            margin.take_words(net);
        }
        if method == Some(FenceMethod::Reset) {
            margin.warnings.push(Warning::NoDump);
        }
        if !track.phase && matches!(margin.reason, Reason::Network { .. }) {
            margin.at_least_ms = Some(0);
            margin.warnings.push(Warning::NoUptime);
        }
        if track.signs.io_errors {
            margin.warnings.push(Warning::IoErrors);
        }
        margin.warnings.extend(net::seen(track, age));
        if let Reason::Network { silent, .. } | Reason::PeersSilent { silent } = &margin.reason {
            margin.names = names(&track.live, silent);
        }
        margin
    }

    /// The margins of all hosts at `now`, by name.
    pub fn margins(&self, now: Time) -> Vec<Margin> {
        self.hosts.keys().map(|host| self.margin(host, now)).collect()
    }

    /// The last reading of each host.
    pub fn last(&self) -> impl Iterator<Item = (&str, &Live)> {
        self.hosts.iter().map(|(host, track)| (host.as_str(), &track.live))
    }

    /// The track of node `num` of the cluster of `of`, if it was read close enough to `at`.
    pub(super) fn node(&self, of: &Track, num: u8, at: Time) -> Option<&Track> {
        let name = &of.live.cluster()?.name;
        let same = |track: &&Track| {
            track.live.number() == Some(num) && track.live.cluster().is_some_and(|cluster| cluster.name == *name)
        };
        self.hosts.values().find(same).filter(|track| at.millis_after(track.at).abs() <= TOGETHER_MS)
    }

    /// Notes for every host where all live nodes wait for a region.
    fn see_together(&mut self, at: Time) {
        let mut found = Vec::new();
        for (name, track) in self.hosts.iter().filter(|(_, track)| track.at == at) {
            let Some(cluster) = track.live.cluster() else { continue };
            for region in &cluster.regions {
                if disk::all_stalled(self, track, &region.uuid) == Some(true)
                    && let Some(elapsed) = region.elapsed_ms.copied().and_then(|ms| i64::try_from(ms).ok())
                {
                    found.push((name.clone(), region.uuid.clone(), track.uptime, elapsed));
                }
            }
        }
        for (name, region, uptime, elapsed) in found {
            if let Some(track) = self.hosts.get_mut(&name) {
                track.together.insert(region, (uptime, elapsed));
            }
        }
    }
}

impl Track {
    /// How this host's kernel rounds its timers.
    pub fn wheel(&self) -> Wheel {
        Wheel::new(self.live.hz, self.live.kernel.get().is_none_or(|kernel| kernel.at_least(4, 8)))
    }

    /// Does a reading prove that the host lived past `fires`? With the uptime that moment is known well enough; without,
    /// only its end is, `age` ms after the reading.
    pub fn outlived(&self, fires: Fires, age: i64) -> bool {
        if self.phase {
            self.uptime > fires.latest.min(fires.expected.saturating_add(JITTER_MS))
        } else {
            self.uptime.saturating_add(age) > fires.latest.saturating_add(GRACE_MS)
        }
    }

    fn see_regions(&mut self) {
        let regions = self.live.cluster().map(|cluster| cluster.regions.clone()).unwrap_or_default();
        self.armed.retain(|uuid| regions.iter().any(|region| region.uuid == *uuid));
        let own = self.live.number();
        for region in regions {
            let beats = region.elapsed_ms.copied().unwrap_or(0) > 0;
            // Zero is "never", or "this very millisecond": who is seen alive in its own region has written.
            let seen = own.is_some_and(|own| region.live_nodes.get().is_some_and(|nodes| nodes.contains(&own)));
            if beats || seen {
                self.armed.insert(region.uuid);
            }
        }
    }

    fn see_peers(&mut self, gap: i64) {
        let own = self.live.number();
        let live_nodes = self.live.live_nodes.get().cloned().unwrap_or_default();
        self.peers.retain(|num, _| live_nodes.contains(num));
        let heard: Vec<(u8, Option<i64>)> = self.live.sockets.get().map(|all| self.heard(all)).unwrap_or_default();
        let looked = self.live.sockets.get().is_some();
        for num in live_nodes.iter().filter(|num| Some(**num) != own) {
            let peer = self.peers.entry(*num).or_default();
            if looked {
                peer.heard = heard.iter().filter(|(of, _)| of == num).filter_map(|(_, at)| *at).max().or(peer.heard);
            }
            let connected = match self.live.connected.get() {
                Some(connected) => connected.contains(num),
                None => !looked || heard.iter().any(|(of, _)| of == num),
            };
            if connected {
                peer.was_connected = true;
                peer.lost = None;
            } else if peer.was_connected && peer.lost.is_none() {
                peer.lost = Some((self.uptime.saturating_sub(gap), self.uptime));
            }
        }
        if looked {
            self.looked = Some(self.uptime);
        }
    }

    /// Peers by number, with the uptime of the last byte.
    fn heard(&self, sockets: &[crate::o2cb::live::Socket]) -> Vec<(u8, Option<i64>)> {
        let met = sockets.iter().filter(|socket| socket.handshake);
        let ready = |us: u64| i64::try_from(us / 1_000).ok();
        met.filter_map(|socket| Some((self.live.number_of(&socket.peer)?, socket.data_ready_us.and_then(ready)))).collect()
    }
}

/// A deadline that was found, or its lack; milliseconds from now.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub fires: Option<(i64, i64, i64)>,
    pub level: Level,
    pub reason: Reason,
    pub sure: Sure,
}

impl Found {
    pub const fn none(level: Level, reason: Reason) -> Self {
        Self { fires: None, level, reason, sure: Sure::Yes }
    }

    const fn counts(&self) -> bool {
        matches!(self.reason, Reason::Disk { .. } | Reason::Network { .. })
    }
}

impl Margin {
    fn take(&mut self, found: Found) {
        self.left_ms = found.fires.map(|(_, expected, _)| expected.max(0));
        self.at_least_ms = found.fires.map(|(earliest, _, _)| earliest.max(0));
        self.at_most_ms = found.fires.map(|(_, _, latest)| latest.max(0));
        self.take_words(found);
    }

    fn take_words(&mut self, found: Found) {
        (self.level, self.reason, self.sure) = (found.level, found.reason, found.sure);
    }
}

/// What these nodes are called.
pub fn names(live: &Live, nodes: &BTreeSet<u8>) -> Vec<(u8, String)> {
    nodes.iter().filter_map(|node| Some((*node, live.name_of(*node)?.to_owned()))).collect()
}

fn blank(host: &str, fence_method: Option<FenceMethod>) -> Margin {
    Margin {
        host: host.to_owned(),
        node: None,
        names: Vec::new(),
        left_ms: None,
        at_least_ms: None,
        at_most_ms: None,
        level: Level::Unknown,
        reason: Reason::NotHeartbeating,
        sure: Sure::Yes,
        fence_method,
        warnings: Vec::new(),
    }
}
