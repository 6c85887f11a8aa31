//! The disk's deadlines: (dead threshold − 1) × 2 s after the last heartbeat of a region, half of the regions in global
//! mode, and the negotiation that spares everybody when everybody waits (`fs/ocfs2/cluster/heartbeat.c`).

use super::watch::{Found, Track, Watch};
use super::{BEAT_MS, Fires, Level, Reason, Sure, net};
use crate::o2cb::live::known::Because;
use crate::o2cb::live::{Cluster, Live, Mode, Region};
use std::collections::BTreeSet;

/// A heartbeat that is this old is late, in ms: two are missed, and a busy host's jitter is allowed for.
const LATE_MS: i64 = 5_000;
/// How much the driver's own check of who waits is off, in ms.
const GRACE_MS: i64 = 2_000;
/// The driver negotiates again this long after it was re-armed, rounding included, in ms.
const AGAIN_MS: i64 = 32_000;

/// A region with a deadline.
struct Running<'a> {
    region: &'a Region,
    num: Option<u8>,
    elapsed: i64,
    fires: Fires,
}

/// The disk's part of the margin, `age` ms after the reading.
pub(super) fn judge(watch: &Watch, track: &Track, age: i64) -> Found {
    let live = &track.live;
    let Some(cluster) = live.cluster() else { return offline(live) };
    let Some(threshold) = cluster.dead_threshold.copied() else { return cannot(&cluster.dead_threshold) };
    let budget = i64::from(threshold).saturating_sub(1).max(1).saturating_mul(BEAT_MS);
    if cluster.regions.is_empty() {
        return Found::none(Level::Green, Reason::NotHeartbeating);
    }
    if let Some(region) = cluster.regions.iter().find(|region| region.elapsed_ms.get().is_none()) {
        return cannot(&region.elapsed_ms);
    }
    let now = track.uptime.saturating_add(age);
    let mut running = running(track, cluster, budget);
    if running.is_empty() {
        return Found::none(Level::Green, Reason::NeverArmed);
    }
    running.sort_by_key(|one| one.fires.expected);
    let rule = Rule::of(live, cluster, &running);
    let late: Vec<&Running<'_>> = running.iter().filter(|one| one.elapsed >= LATE_MS).collect();
    // The kernel itself said that it armed this node again, after this heartbeat was late.
    let pardon = track.signs.pardoned_ms.and_then(|ms| i64::try_from(ms).ok()).filter(|ms| *ms <= now);
    if let (Some(one), Some(pardon)) = (rule.decides(&late), pardon)
        && track.uptime.saturating_sub(one.elapsed) < pardon
        && !track.signs.io_errors
    {
        return pardoned(track, one, pardon, now, budget, rule.counts(&late));
    }
    // Regions past their last moment that were not given up: the driver armed them again.
    let rearmed = late.iter().find(|one| !rule.given_up(one) && track.outlived(one.fires, age));
    if let Some(one) = rearmed
        && rule.fences_with(&late)
    {
        return again(watch, track, one, now, budget, rule.counts(&late));
    }
    let Some(decides) = rule.decides(&late) else {
        let all: Vec<&Running<'_>> = running.iter().collect();
        let fires = rule.decides(&all).map(|one| from_now(one.fires, now));
        let (lost, of) = rule.counts(&late);
        if lost == 0 {
            return Found { fires, level: Level::Green, reason: Reason::Beating, sure: Sure::Yes };
        }
        let more = of.div_ceil(2).saturating_sub(lost).max(1);
        return Found { fires, level: Level::Amber, reason: Reason::RegionsLost { lost, of, more }, sure: Sure::Yes };
    };
    let elapsed = decides.elapsed.saturating_add(age);
    let mut level = level(elapsed, budget);
    if rule.global && rule.counts(&late).0 > 1 {
        // The loss of the others was told before; that one more counts down is no relief.
        level = level.max(Level::Amber);
    }
    let mut sure = Sure::Yes;
    if !track.signs.io_errors {
        match (all_stalled(watch, track, &decides.region.uuid), net::reaches_lowest(track, now.saturating_sub(elapsed))) {
            (Some(true), Some(true)) => {
                return Found::none(Level::Amber, Reason::AllStalled { elapsed_ms: elapsed, inferred: false });
            }
            (Some(true), None) => {
                sure = Sure::Unless("the network between the nodes holds: all of them wait, and then nobody fences".into());
                level = level.min(Level::Amber);
            }
            (None, Some(true) | None) => {
                sure = Sure::Unless(
                    "all other live nodes wait for this disk too, which could not be seen: then nobody fences".into(),
                );
            }
            (Some(false), _) | (_, Some(false)) => {}
        }
    }
    Found { fires: Some(from_now(decides.fires, now)), level, reason: disk(decides, elapsed, budget, rule.counts(&late)), sure }
}

/// Does every live node wait for region `uuid`? `None` if not all of them were read.
pub(super) fn all_stalled(watch: &Watch, track: &Track, uuid: &str) -> Option<bool> {
    if track.live.kernel.get().is_some_and(|kernel| !kernel.at_least(4, 7)) {
        return Some(false);
    }
    let own = track.live.number();
    let mut all = Some(true);
    for num in track.live.live_nodes.get()? {
        let other = if Some(*num) == own { Some(track) } else { watch.node(track, *num, track.at) };
        let elapsed = other.and_then(|other| {
            let region = other.live.cluster()?.regions.iter().find(|region| region.uuid == uuid)?;
            i64::try_from(region.elapsed_ms.copied()?).ok().map(|elapsed| (elapsed, other.signs.io_errors))
        });
        match elapsed {
            // Who gets errors does not negotiate.
            Some((elapsed, errors)) if elapsed < LATE_MS || errors => return Some(false),
            Some(_) => {}
            None => all = None,
        }
    }
    all
}

/// A host that lives past the deadline of `one`: it was armed again when all live nodes waited.
fn again(watch: &Watch, track: &Track, one: &Running<'_>, now: i64, budget: i64, lost_of: (usize, usize)) -> Found {
    let elapsed = now.saturating_sub(track.uptime).saturating_add(one.elapsed);
    let all = all_stalled(watch, track, &one.region.uuid);
    if all != Some(false) {
        return Found::none(Level::Amber, Reason::AllStalled { elapsed_ms: elapsed, inferred: all.is_none() });
    }
    // Somebody writes again: no more pardon, and the time runs from the last one.
    let wheel = track.wheel();
    let fires = match track.together.get(&one.region.uuid) {
        Some((seen, then)) => {
            let pardon = seen.saturating_sub(then.saturating_sub(AGAIN_MS).max(0) % AGAIN_MS);
            let fires = wheel.fires(pardon, budget, track.phase);
            Fires { latest: fires.latest.saturating_add(GRACE_MS), ..fires }
        }
        None => Fires { earliest: now, expected: now.saturating_add(budget / 2), latest: now.saturating_add(budget) },
    };
    let level = level(budget.saturating_sub(fires.expected.saturating_sub(now)), budget);
    Found {
        fires: Some(from_now(fires, now)),
        level: level.max(Level::Amber),
        reason: disk(one, elapsed, budget, lost_of),
        sure: Sure::Yes,
    }
}

/// A host that was armed again at `pardon`: spared while that goes on, else its time runs from then.
fn pardoned(track: &Track, one: &Running<'_>, pardon: i64, now: i64, budget: i64, lost_of: (usize, usize)) -> Found {
    let elapsed = now.saturating_sub(track.uptime).saturating_add(one.elapsed);
    let since = now.saturating_sub(pardon);
    if since < AGAIN_MS + LATE_MS {
        return Found::none(Level::Amber, Reason::AllStalled { elapsed_ms: elapsed, inferred: false });
    }
    let fires = track.wheel().fires(pardon, budget, track.phase);
    let reason = disk(one, elapsed, budget, lost_of);
    Found { fires: Some(from_now(fires, now)), level: level(since, budget).max(Level::Amber), reason, sure: Sure::Yes }
}

/// No cluster is registered, or it cannot be seen.
fn offline(live: &Live) -> Found {
    let absent = |because: Option<&Because>| matches!(because, None | Some(Because::Absent));
    let clusters = live.clusters.why_not().map(|why| &why.because);
    // Only a host that could be read at all proves by what is missing that o2cb is not there.
    if absent(clusters) && (clusters.is_none() || (live.uptime_ms.get().is_some() && live.interface.get().is_none())) {
        return Found::none(Level::Green, Reason::NotHeartbeating);
    }
    live.clusters.why_not().map_or_else(
        || Found::none(Level::Green, Reason::NotHeartbeating),
        |why| Found::none(Level::Unknown, Reason::CannotKnow { why: why.to_string() }),
    )
}

fn cannot<T>(what: &crate::o2cb::live::known::Known<T>) -> Found {
    let why = what.why_not().map_or_else(String::new, ToString::to_string);
    Found::none(Level::Unknown, Reason::CannotKnow { why })
}

fn running<'a>(track: &Track, cluster: &'a Cluster, budget: i64) -> Vec<Running<'a>> {
    let wheel = track.wheel();
    let armed = cluster.regions.iter().filter(|region| track.armed.contains(&region.uuid));
    armed
        .filter_map(|region| {
            let elapsed = i64::try_from(region.elapsed_ms.copied()?).ok()?;
            let fires = wheel.fires(track.uptime.saturating_sub(elapsed), budget, track.phase);
            Some(Running { region, num: region.num.copied(), elapsed, fires })
        })
        .collect()
}

/// Which losses of regions fence.
struct Rule {
    global: bool,
    quorum: BTreeSet<u8>,
    failed: BTreeSet<u8>,
}

impl Rule {
    fn of(live: &Live, cluster: &Cluster, running: &[Running<'_>]) -> Self {
        let listed = live.quorum_regions.get().cloned();
        // A kernel without quorum regions is one from before global mode.
        let global =
            cluster.mode.copied().map_or_else(|| listed.as_ref().is_some_and(|set| !set.is_empty()), |mode| mode == Mode::Global);
        let quorum = listed.unwrap_or_else(|| running.iter().filter_map(|one| one.num).collect());
        let failed = live.failed_regions.get().map(|failed| failed & &quorum).unwrap_or_default();
        Self { global, quorum, failed }
    }

    /// Did its time run out without fencing the host?
    fn given_up(&self, one: &Running<'_>) -> bool {
        self.global && one.num.is_some_and(|num| self.failed.contains(&num))
    }

    /// The region whose time-out fences, if those of `late` run out one after the other.
    fn decides<'a, 'b>(&self, late: &[&'b Running<'a>]) -> Option<&'b Running<'a>> {
        let mut failed = self.failed.len();
        for one in late.iter().filter(|one| !self.given_up(one)) {
            // In local mode each region stands for itself.
            if !self.global {
                return Some(one);
            }
            if one.num.is_none_or(|num| self.quorum.contains(&num)) {
                failed += 1;
            }
            if failed * 2 >= self.quorum.len() {
                return Some(one);
            }
        }
        None
    }

    fn fences_with(&self, late: &[&Running<'_>]) -> bool {
        self.decides(late).is_some()
    }

    /// Lost or late, of how many.
    fn counts(&self, late: &[&Running<'_>]) -> (usize, usize) {
        if !self.global {
            return (late.len(), late.len().max(1));
        }
        let late = late.iter().filter(|one| one.num.is_none_or(|num| self.quorum.contains(&num) && !self.failed.contains(&num)));
        (self.failed.len() + late.count(), self.quorum.len())
    }
}

fn disk(one: &Running<'_>, elapsed_ms: i64, budget_ms: i64, lost_of: (usize, usize)) -> Reason {
    let device = one.region.device.get().cloned();
    Reason::Disk { region: one.region.uuid.clone(), device, elapsed_ms, budget_ms, lost_of }
}

/// Amber at a quarter of the time, red at half of it.
pub(super) const fn level(elapsed: i64, budget: i64) -> Level {
    if elapsed.saturating_mul(2) >= budget {
        Level::Red
    } else if elapsed.saturating_mul(4) >= budget {
        Level::Amber
    } else {
        Level::Green
    }
}

/// A moment of uptime as milliseconds from `now`.
pub(super) const fn from_now(fires: Fires, now: i64) -> (i64, i64, i64) {
    (fires.earliest.saturating_sub(now), fires.expected.saturating_sub(now), fires.latest.saturating_sub(now))
}
