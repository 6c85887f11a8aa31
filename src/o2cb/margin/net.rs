//! The network's deadline: 30 s after the last byte a connection counts as broken, and (dead threshold + 2) × 2 s later
//! the driver counts who is still connected (`fs/ocfs2/cluster/{tcp,quorum}.c`). Only a byte on that very connection
//! calls it off: a network that is back is not enough while TCP waits to send again.

use super::watch::{Found, Peer, Track, Watch};
use super::{BEAT_MS, Fires, Level, Reason, Sure, Warning, disk};
use crate::o2cb::live::known::Because;
use crate::o2cb::quorum::fences;
use crate::time::Time;
use std::collections::BTreeSet;

/// Time-outs of a kernel whose own cannot be read, in ms.
const IDLE_MS: i64 = 30_000;
const KEEPALIVE_MS: i64 = 2_000;
const THRESHOLD: i64 = 31;
/// A look that is this old does not tell whether a byte came since, in ms.
const FRESH_MS: i64 = 3_000;

/// The time-outs of a host, in ms.
#[derive(Clone, Copy)]
struct Times {
    idle: i64,
    quorum: i64,
    /// Silence that no healthy connection has: four keep-alives, at most half of the idle time-out.
    suspect: i64,
    /// A node that is dead leaves the live nodes within this of its last byte.
    dead: i64,
}

impl Times {
    fn of(track: &Track) -> Self {
        let cluster = track.live.cluster();
        let ms = |value: Option<u32>, default: i64| value.map_or(default, i64::from).max(1);
        let idle = ms(cluster.and_then(|cluster| cluster.idle_timeout_ms.copied()), IDLE_MS);
        let keepalive = ms(cluster.and_then(|cluster| cluster.keepalive_delay_ms.copied()), KEEPALIVE_MS);
        let threshold = cluster.and_then(|cluster| cluster.dead_threshold.copied()).map_or(THRESHOLD, i64::from);
        Self {
            idle,
            quorum: threshold.saturating_add(2).saturating_mul(BEAT_MS),
            suspect: keepalive.saturating_mul(4).min(idle / 2),
            dead: threshold.saturating_mul(BEAT_MS).saturating_add(4_000),
        }
    }
}

/// How a connection is.
enum State {
    /// Bytes come in, or nothing speaks against it.
    Heard,
    /// Silent or closed since; the decision falls at that uptime.
    Silent { since: i64, decision: Fires },
    /// The decision fell, or there never was a connection.
    Gone,
}

/// How the connection to `peer` is, `age` ms after the reading; without an age, whatever was decided since.
fn state(track: &Track, peer: &Peer, times: Times, age: Option<i64>) -> State {
    let wheel = track.wheel();
    let (since, decision) = if let Some((after, until)) = peer.lost {
        // Closed, not only silent: the delay runs from then.
        let (first, last) = (wheel.fires(after, times.quorum, track.phase), wheel.fires(until, times.quorum, track.phase));
        (until, Fires { earliest: first.earliest, expected: last.expected, latest: last.latest })
    } else if !peer.was_connected {
        return State::Gone;
    } else if let (Some(heard), Some(looked)) = (peer.heard, track.looked) {
        if looked.saturating_sub(heard) < times.suspect {
            return State::Heard;
        }
        let idle = wheel.fires(heard, times.idle, track.phase);
        let (first, likely, last) = (idle.earliest, idle.expected, idle.latest);
        let decision = Fires {
            earliest: wheel.fires(first, times.quorum, track.phase).earliest,
            expected: wheel.fires(likely, times.quorum, track.phase).expected,
            latest: wheel.fires(last, times.quorum, track.phase).latest,
        };
        (heard, decision)
    } else {
        return State::Heard;
    };
    if age.is_some_and(|age| track.outlived(decision, age)) { State::Gone } else { State::Silent { since, decision } }
}

/// The network's part of the margin, `age` ms after the reading, which is `at_now`.
pub(super) fn judge(watch: &Watch, track: &Track, at_now: Time, age: i64) -> Found {
    let green = Found::none(Level::Green, Reason::Beating);
    let (Some(own), Some(beating)) = (track.live.number(), track.live.live_nodes.get()) else { return green };
    if track.armed.is_empty() || !beating.contains(&own) {
        return green;
    }
    let times = Times::of(track);
    let now = track.uptime.saturating_add(age);
    let mut connected = BTreeSet::new();
    let mut silent = BTreeSet::new();
    let mut decision: Option<Fires> = None;
    let mut last_byte = i64::MIN;
    for (num, peer) in &track.peers {
        match state(track, peer, times, Some(age)) {
            State::Heard => drop(connected.insert(*num)),
            State::Silent { since, decision: fires } => {
                silent.insert(*num);
                last_byte = last_byte.max(since);
                // While one connection is held the decision waits: the last of them counts.
                if decision.is_none_or(|latest| latest.expected < fires.expected) {
                    decision = Some(fires);
                }
            }
            State::Gone => {}
        }
    }
    let Some(fires) = decision else { return green };
    if !fences(own, beating, &connected) {
        return Found::none(Level::Amber, Reason::PeersSilent { silent });
    }
    let silence_ms = now.saturating_sub(last_byte);
    let total = fires.expected.saturating_sub(last_byte);
    let unsure = in_doubt(watch, track, at_now, &silent, silence_ms, times);
    let mut level = disk::level(silence_ms, total).max(Level::Amber);
    let sure = if let Some(num) = unsure {
        level = Level::Amber;
        let name = track.live.name_of(num).unwrap_or("that node");
        Sure::Unless(format!("{name} is dead: then it leaves the live nodes before that, and this node stays"))
    } else {
        let ago = now.saturating_sub(track.looked.unwrap_or(now));
        let old = track.peers.iter().any(|(num, peer)| silent.contains(num) && peer.lost.is_none()) && ago > FRESH_MS;
        if old {
            Sure::Unless(format!("a byte came since the connections were looked at, {} s ago", ago / 1_000))
        } else {
            Sure::Yes
        }
    };
    let reason = Reason::Network { connected: connected.len() + 1, beating: beating.len(), silent, silence_ms };
    Found { fires: Some(disk::from_now(fires, now)), level, reason, sure }
}

/// The silent node whose death would explain it all, and spare this one. Two at once are not taken for dead.
fn in_doubt(watch: &Watch, track: &Track, now: Time, silent: &BTreeSet<u8>, silence: i64, times: Times) -> Option<u8> {
    let num = *silent.first()?;
    if silent.len() > 1 || silence > times.dead {
        return None;
    }
    let seen = watch.node(track, num, now);
    let alive = seen.is_some_and(|other| {
        let regions = other.live.cluster().map(|cluster| cluster.regions.as_slice()).unwrap_or_default();
        regions.iter().any(|region| region.elapsed_ms.copied().is_some_and(|ms| ms > 0))
    });
    if alive { None } else { Some(num) }
}

/// Can this host talk to the lowest live node (or, being it, to all others)? `None` if that was not looked at since the
/// uptime `since`.
pub(super) fn reaches_lowest(track: &Track, since: i64) -> Option<bool> {
    let (own, beating) = (track.live.number()?, track.live.live_nodes.get()?);
    let lowest = *beating.first()?;
    let wanted: Vec<u8> = if lowest == own { beating.iter().copied().filter(|num| *num != own).collect() } else { vec![lowest] };
    if wanted.is_empty() {
        return Some(true);
    }
    let times = Times::of(track);
    let silent = wanted.iter().any(|num| {
        track.peers.get(num).is_none_or(|peer| peer.lost.is_some() || !matches!(state(track, peer, times, None), State::Heard))
    });
    if silent {
        return Some(false);
    }
    track.looked.filter(|looked| *looked >= since.saturating_add(times.suspect)).map(|_| true)
}

/// What to say of how the silence was seen.
pub(super) fn seen(track: &Track, age: i64) -> Option<Warning> {
    if track.live.cluster().is_none() || track.peers.is_empty() {
        return None;
    }
    match (track.looked, track.live.sockets.why_not()) {
        (None, Some(why)) => match &why.because {
            Because::NotLooked(_) => Some(Warning::NetworkNotSeen(why.to_string())),
            _ => Some(Warning::NetworkNotSeen(format!("cannot know: {why}"))),
        },
        (Some(looked), _) => {
            let ago = track.uptime.saturating_add(age).saturating_sub(looked);
            (ago > 2_000).then_some(Warning::NetworkSeenAgo(ago))
        }
        (None, None) => None,
    }
}
