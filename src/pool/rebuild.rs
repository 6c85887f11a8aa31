//! Mirror rebuilds: which run, how far they are, when they will be done, and what their disappearance proves.
//!
//! xapi shows a rebuild as a task (`SR Recovering`, its description the SR's reference) that is destroyed when it
//! ends; the same task is also lost when the coordinator's toolstack restarts, and collected after 24 h. So "the task is gone" is an end only
//! when it was seen to go on an unbroken connection, or when the same run of the coordinator's toolstack is there before and after a broken one.
//! Silence is not proof. Decides nothing about reboots: see [`super::gate`].

use super::limits::{LOST_EVIDENCE, NO_PROGRESS, RATE_WINDOW, SETTLE, STALLED, TASK_GC};
use super::words;
use crate::text::duration;
use crate::time::Time;
use crate::xenapi::record::{Config, Ref, Sr, Task, TaskStatus};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Task names that mean a rebuild: xapi's own is exact, others are known by how they begin (lower case).
const TASK_NAME: &str = "SR Recovering";
const TASK_BEGINS: [&str; 6] =
    ["sr recovering", "resynchronis", "resynchroniz", "resyncing mirrors", "mirror rebuild", "rebuilding mirrors"];

/// Keys of `SR.sm_config` and `SR.other_config` with which a storage backend tells of its whole cluster, which may be
/// larger than the pool: a mirror is being rebuilt somewhere, some node is offline (seed 1, last part), mirrors are not in step.
const STATE_KEYS: [&str; 4] = ["mirror_state", "mirror-state", "mirror_rebuild", "mirror-rebuild"];
const OFFLINE_KEYS: [&str; 4] = ["nodes_offline", "nodes-offline", "offline_nodes", "offline-nodes"];
const IN_STEP_KEYS: [&str; 2] = ["mirrors_in_step", "mirrors-in-step"];

/// What a storage cluster says of itself through its SR.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// A rebuild goes on somewhere; with what it says.
    pub rebuild: Option<String>,
    /// Some node is offline; with what it says.
    pub offline: Option<String>,
    /// Mirrors are not in step though nothing says that they are being rebuilt; with what it says.
    pub degraded: Option<String>,
    /// Mirrors that are in step, and all of them.
    pub in_step: Option<(u64, u64)>,
}

/// Reads the hints of an SR.
pub fn hints(sr: &Sr) -> Hints {
    let mut keys = sr.sm_config.iter().chain(sr.other_config.iter()).map(|(key, _)| key);
    if !keys.any(|key| ["mirror", "nodes", "offline"].iter().any(|start| key.starts_with(start))) {
        return Hints::default();
    }
    let find = |keys: &[&str]| {
        let value = |map: &Config| keys.iter().find_map(|key| map.get(key).map(str::to_owned));
        value(&sr.sm_config).or_else(|| value(&sr.other_config)).map(|v| words::name(&v).to_lowercase())
    };
    let is_no =
        |v: &String| matches!(v.as_str(), "" | "0" | "no" | "none" | "false" | "[]" | "off" | "healthy" | "ok" | "uptodate");
    let state = find(&STATE_KEYS).filter(|v| !is_no(v));
    let (degraded, rebuild) = state.into_iter().partition::<Vec<_>, _>(|v| v.contains("degraded") || v.contains("inconsistent"));
    let in_step = find(&IN_STEP_KEYS).and_then(|v| {
        let (good, all) = v.split_once('/')?;
        let (good, all): (u64, u64) = (good.trim().parse().ok()?, all.trim().parse().ok()?);
        (good <= all).then_some((good, all))
    });
    let lacking = in_step.filter(|(good, all)| good < all).map(|(good, all)| format!("{good} of {all} in step"));
    let rebuild = rebuild.into_iter().next();
    let degraded = degraded.into_iter().next().or(lacking).filter(|_| rebuild.is_none());
    Hints { offline: find(&OFFLINE_KEYS).filter(|v| !is_no(v)), degraded, in_step, rebuild }
}

/// Whether a task stands for a rebuild.
pub fn is_rebuild(task: &Task) -> bool {
    if &*task.name_label == TASK_NAME {
        return true;
    }
    let name = task.name_label.trim().as_bytes();
    TASK_BEGINS.iter().any(|start| name.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start.as_bytes())))
}

/// How a rebuild stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// It goes on.
    Running,
    /// It was seen to end.
    Ended(Time),
    /// It can no longer be seen, which does not mean that it ended.
    Lost(Time, Cow<'static, str>),
    /// It ended without being done.
    Failed(Time, String),
}

/// One rebuild, as followed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rebuilding {
    /// The SR, as far as known.
    pub sr: Option<Ref>,
    /// When it began, as far as known.
    pub since: Time,
    /// When it was first seen.
    pub first: Time,
    /// Progress when it moved, newest last.
    steps: VecDeque<(Time, f64)>,
    /// How it stands.
    pub phase: Phase,
    /// The host whose return set it off, as far as known.
    pub after: Option<Ref>,
    /// When its task was made, by the coordinator's clock.
    made: Option<Time>,
    /// Its task was so old when it went that xapi may have collected it.
    collected: bool,
    /// Its end was not seen, but follows from what was read on the next connection.
    inferred: bool,
}

/// How it was noticed that a task is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Going {
    /// It was told on an unbroken connection.
    Seen,
    /// The connection broke since it was last seen, and the same run of the same xapi still keeps the pool's tasks.
    Missed,
    /// The connection broke since it was last seen, and xapi may have started again meanwhile.
    Unknown,
}

/// What an end of a connection says about the tasks that are gone after it.
const WITH_LINK: &str = "its task went with the connection: a coordinator forgets its tasks when it restarts";

/// All of them, by task.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Rebuilds(BTreeMap<Ref, Rebuilding>);

/// What a task record changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Nothing to tell.
    Nothing,
    /// A rebuild began.
    Began,
    /// One ended.
    Ended,
}

impl Rebuilds {
    /// Every rebuild that is followed.
    pub fn iter(&self) -> impl Iterator<Item = (&Ref, &Rebuilding)> {
        self.0.iter()
    }

    /// Takes in a task. `sr` is the SR that it speaks of; `after` the host whose return may have set it off.
    pub fn task(&mut self, r: &Ref, task: &Task, sr: Option<Ref>, after: Option<Ref>, at: Time) -> News {
        let running = task.status.is_running();
        let Some(known) = self.0.get_mut(r) else {
            if !running {
                return News::Nothing;
            }
            let since = task.created.0.filter(|made| *made <= at).unwrap_or(at);
            // Another task for the same SR continues what could not be seen any more.
            self.0.retain(|_, old| !(matches!(old.phase, Phase::Lost(..) | Phase::Failed(..)) && old.sr == sr));
            let steps = VecDeque::from([(at, task.progress)]);
            self.0.insert(
                r.clone(),
                Rebuilding {
                    sr,
                    since,
                    first: at,
                    steps,
                    phase: Phase::Running,
                    after,
                    made: task.created.0,
                    collected: false,
                    inferred: false,
                },
            );
            return News::Began;
        };
        if running {
            known.phase = Phase::Running;
            known.step(at, task.progress);
            return News::Nothing;
        }
        if !matches!(known.phase, Phase::Running) {
            return News::Nothing;
        }
        known.phase = match task.status {
            TaskStatus::Success => Phase::Ended(at),
            TaskStatus::Cancelled => Phase::Failed(at, "it was cancelled".into()),
            _ => Phase::Failed(at, task.error_info.first().map_or_else(|| "no reason given".into(), |c| words::name(c))),
        };
        News::Ended
    }

    /// A rebuild's task is gone. `theirs`: what the coordinator's clock says now, where that is known.
    pub fn gone(&mut self, r: &Ref, last: Option<&Task>, going: Going, at: Time, theirs: Option<Time>) -> News {
        let Some(known) = self.0.get_mut(r) else { return News::Nothing };
        if !matches!(known.phase, Phase::Running) {
            return News::Nothing;
        }
        let stopped = last.is_some_and(|t| !matches!(t.status, TaskStatus::Pending | TaskStatus::Success));
        // What nobody saw go before its time may as well have been cancelled.
        let early = going == Going::Missed && known.ends(at).is_some_and(|end| end > at + SETTLE);
        known.inferred = going == Going::Missed;
        known.collected = known.was_collected(at, theirs);
        known.phase = if going == Going::Unknown {
            Phase::Lost(at, WITH_LINK.into())
        } else if early {
            Phase::Lost(
                at,
                "its task went before it could be done, while there was no connection: it may have been cancelled".into(),
            )
        } else if stopped {
            Phase::Lost(at, "its task was cancelled, which ends the watching and not the rebuild".into())
        } else if known.collected {
            Phase::Lost(at, "xapi collects tasks that stand still after 24 h, whether they go on or not".into())
        } else {
            Phase::Ended(at)
        };
        News::Ended
    }

    /// The xapi that keeps the pool's tasks is seen to have started again: an end that followed from its not having done so is none.
    pub fn doubt(&mut self, at: Time) {
        for known in self.0.values_mut().filter(|r| r.inferred && matches!(r.phase, Phase::Ended(_))) {
            known.phase = Phase::Lost(at, WITH_LINK.into());
        }
    }

    /// Forgets what is over for good.
    pub fn prune(&mut self, now: Time) {
        self.0.retain(|_, r| r.until_quiet().is_none_or(|at| now < at));
    }
}

impl Rebuilding {
    fn step(&mut self, at: Time, progress: f64) {
        if !progress.is_finite() || self.steps.back().is_some_and(|(_, last)| (last - progress).abs() < 1e-9) {
            return;
        }
        if self.steps.back().is_some_and(|(_, last)| *last > progress) {
            // It began again: what was measured is of no use.
            self.steps.clear();
        }
        self.steps.push_back((at, progress));
        while self.steps.len() > 64
            || (self.steps.len() > 2 && self.steps.front().is_some_and(|(t, _)| at.since(*t) > RATE_WINDOW))
        {
            self.steps.pop_front();
        }
    }

    fn has_moved(&self) -> bool {
        self.steps.len() > 1 || self.steps.back().is_some_and(|(_, p)| *p > 0.0)
    }

    /// 0 to 1; `None` if it never moved from nothing.
    pub fn progress(&self) -> Option<f64> {
        if matches!(self.phase, Phase::Ended(_)) {
            return Some(1.0);
        }
        self.has_moved().then(|| self.steps.back().map(|(_, p)| p.clamp(0.0, 1.0))).flatten()
    }

    /// Progress per second, measured over the last minutes.
    pub fn rate(&self) -> Option<f64> {
        let ((from, start), (to, end)) = (self.steps.front()?, self.steps.back()?);
        let secs = to.since(*from).as_secs_f64();
        (secs >= 1.0 && end > start).then(|| (end - start) / secs)
    }

    /// When it is expected to be done, if it moves.
    pub fn ends(&self, now: Time) -> Option<Time> {
        if !matches!(self.phase, Phase::Running | Phase::Lost(..)) || self.stalled(now).is_some() {
            return None;
        }
        let (at, progress) = *self.steps.back()?;
        Some((at + seconds((1.0 - progress).max(0.0) / self.rate()?)).max(now))
    }

    /// For how long it has stood still, if it runs, moved before, and that is too long.
    pub fn stalled(&self, now: Time) -> Option<Duration> {
        self.stands_still(now).filter(|_| matches!(self.phase, Phase::Running))
    }

    /// Whether xapi would have collected its task by now: a day old, and not seen to move for so long that it is not our own clock that makes
    /// it look so old.
    fn was_collected(&self, now: Time, theirs: Option<Time>) -> bool {
        let age = match (theirs, self.made) {
            (Some(theirs), Some(made)) => theirs.since(made),
            _ => now.since(self.since),
        };
        let never = self.steps.len() < 2 && now.since(self.first) >= LOST_EVIDENCE;
        age >= TASK_GC && (never || self.stands_still(now).is_some())
    }

    fn stands_still(&self, now: Time) -> Option<Duration> {
        let (last, _) = *self.steps.back()?;
        let (first, _) = *self.steps.front()?;
        let usual = if self.steps.len() > 1 { last.since(first) / (self.steps.len() as u32 - 1) } else { return None };
        let still = now.since(last);
        (still >= STALLED.max(usual * 4)).then_some(still)
    }

    /// When all is quiet again if nothing more happens; `None` while it runs.
    pub fn until_quiet(&self) -> Option<Time> {
        match &self.phase {
            Phase::Running => None,
            Phase::Ended(at) => Some(*at + SETTLE),
            Phase::Failed(at, _) => Some(*at + Duration::from_secs(65 * 60)),
            Phase::Lost(at, _) => {
                // What has stood still for a day is not done by now because it cannot be seen any more.
                if self.collected {
                    return Some(*at + TASK_GC);
                }
                // What stood still when it was last seen has no end that could be told.
                let end = self.ends(*at).filter(|_| self.stands_still(*at).is_none());
                let left = end.map_or(LOST_EVIDENCE, |end| end.since(*at).mul_f64(1.5) + SETTLE);
                Some(*at + left.clamp(SETTLE, Duration::from_secs(24 * 3600)))
            }
        }
    }

    /// What its progress says, or why it says nothing.
    pub fn words(&self, now: Time) -> String {
        match &self.phase {
            Phase::Ended(at) => {
                let left = (*at + SETTLE).since(now);
                format!("ended {}; {} of quiet to go", words::ago(now, *at), duration(left))
            }
            Phase::Lost(at, why) => format!("not seen since {}: {why}", words::ago(now, *at)),
            Phase::Failed(at, why) => format!("stopped before it was done, {}: {why}", words::ago(now, *at)),
            Phase::Running => match (self.progress(), self.stalled(now)) {
                (None, _) if now.since(self.first) >= NO_PROGRESS => {
                    format!("running for {}; this task has no progress of its own", duration(now.since(self.since)))
                }
                (None, _) => format!("running for {}", duration(now.since(self.since))),
                (Some(p), Some(still)) => format!("{}; stands still for {}", words::percent(p), duration(still)),
                (Some(p), None) => match self.ends(now) {
                    Some(end) => format!("{}, {} left", words::percent(p), left(end.since(now))),
                    None => words::percent(p),
                },
            },
        }
    }
}

/// The time that is left, not down to the second.
pub fn left(span: Duration) -> String {
    if span.as_secs() < 5 { "a few seconds".into() } else { duration(span) }
}

fn seconds(secs: f64) -> Duration {
    Duration::try_from_secs_f64(secs.clamp(0.0, 1e9)).unwrap_or(Duration::from_secs(1_000_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xenapi::record::Date;

    fn t(secs: i64) -> Time {
        Time::from_secs(1_800_000_000 + secs)
    }

    fn task(progress: f64) -> Task {
        Task { name_label: TASK_NAME.into(), progress, created: Date(Some(t(0))), ..Task::default() }
    }

    fn followed(steps: &[(i64, f64)]) -> Rebuilds {
        let mut all = Rebuilds::default();
        for (at, progress) in steps {
            all.task(&"t".into(), &task(*progress), Some("sr".into()), None, t(*at));
        }
        all
    }

    fn one(all: &Rebuilds) -> &Rebuilding {
        all.0.values().next().expect("a rebuild")
    }

    #[test]
    fn a_moving_task_has_rate_and_end() {
        let all = followed(&[(0, 0.0), (10, 0.1), (20, 0.2), (30, 0.3)]);
        let r = one(&all);
        assert!((r.rate().expect("rate") - 0.01).abs() < 1e-9);
        assert_eq!(r.ends(t(31)), Some(t(100)));
        assert_eq!(r.words(t(40)), "30 %, 1 min left");
        assert_eq!(r.stalled(t(100)), None);
        assert_eq!(r.stalled(t(200)), Some(Duration::from_secs(170)));
        assert_eq!(r.words(t(200)), "30 %; stands still for 2 min");
        assert_eq!(r.ends(t(200)), None);
    }

    #[test]
    fn a_task_that_never_moves_says_so_and_has_no_number() {
        let all = followed(&[(0, 0.0), (100, 0.0)]);
        assert_eq!(one(&all).progress(), None);
        assert_eq!(one(&all).words(t(180)), "running for 3 min; this task has no progress of its own");
    }

    #[test]
    fn progress_that_falls_back_is_a_new_start() {
        let all = followed(&[(0, 0.5), (10, 0.9), (20, 0.0), (30, 0.1)]);
        assert!((one(&all).rate().expect("rate") - 0.01).abs() < 1e-9);
    }

    #[test]
    fn what_a_vanished_task_proves() {
        let cases = [
            (100, Going::Seen, TaskStatus::Pending, 0.0, "ended"),
            (100, Going::Unknown, TaskStatus::Pending, 0.0, "lost"),
            (100, Going::Missed, TaskStatus::Pending, 0.0, "ended"),
            (100, Going::Missed, TaskStatus::Cancelling, 0.0, "lost"),
            (100, Going::Seen, TaskStatus::Cancelling, 0.0, "lost"),
            (24 * 3600, Going::Seen, TaskStatus::Pending, 0.0, "lost"),
            (24 * 3600, Going::Missed, TaskStatus::Pending, 0.0, "lost"),
            (24 * 3600, Going::Seen, TaskStatus::Pending, 0.5, "lost"),
        ];
        for (at, going, status, progress, want) in cases {
            let mut all = followed(&[(0, progress)]);
            let last = Task { status, ..task(progress) };
            all.gone(&"t".into(), Some(&last), going, t(at), None);
            let got = match one(&all).phase {
                Phase::Ended(_) => "ended",
                Phase::Lost(..) => "lost",
                _ => "other",
            };
            assert_eq!(got, want, "{at} {going:?} {status:?} {progress}");
        }
        // One that still moved after a day was not collected: it ended.
        let mut all = followed(&[(0, 0.1), (43_000, 0.5), (86_300, 0.9)]);
        all.gone(&"t".into(), None, Going::Seen, t(24 * 3600), None);
        assert!(matches!(one(&all).phase, Phase::Ended(_)));
        // One that stood still for a day is not done because nobody sees it any more.
        let mut all = followed(&[(0, 0.0)]);
        all.gone(&"t".into(), None, Going::Seen, t(24 * 3600), None);
        assert_eq!(one(&all).until_quiet(), Some(t(24 * 3600) + TASK_GC));
    }

    #[test]
    fn an_end_that_only_follows_is_taken_back_when_xapi_did_start_again() {
        let is_lost = |all: &Rebuilds| matches!(one(all).phase, Phase::Lost(..));
        let mut all = followed(&[(0, 0.0)]);
        all.gone(&"t".into(), None, Going::Missed, t(100), None);
        assert!(matches!(one(&all).phase, Phase::Ended(at) if at == t(100)));
        all.doubt(t(105));
        assert!(is_lost(&all));
        // One that was seen to end has ended, whatever xapi does then.
        let mut all = followed(&[(0, 0.0)]);
        all.gone(&"t".into(), None, Going::Seen, t(100), None);
        all.doubt(t(105));
        assert!(!is_lost(&all));
        // Half-way by its own progress, it was not done when it went unseen.
        let mut all = followed(&[(0, 0.0), (100, 0.1), (200, 0.2)]);
        all.gone(&"t".into(), None, Going::Missed, t(201), None);
        assert!(is_lost(&all));
        let mut all = followed(&[(0, 0.0), (100, 0.5), (190, 0.95)]);
        all.gone(&"t".into(), None, Going::Missed, t(201), None);
        assert!(!is_lost(&all));
    }

    #[test]
    fn the_age_of_a_task_is_measured_by_the_clock_that_made_it() {
        // Ours is an hour behind: to us it is 23 hours old.
        let mut all = followed(&[(0, 0.0)]);
        all.gone(&"t".into(), None, Going::Seen, t(23 * 3600), Some(t(24 * 3600)));
        assert!(matches!(one(&all).phase, Phase::Lost(..)));
        // Ours went a day ahead: it is not as old as it looks.
        let mut all = followed(&[(0, 0.0)]);
        all.gone(&"t".into(), None, Going::Seen, t(25 * 3600), Some(t(3600)));
        assert!(matches!(one(&all).phase, Phase::Ended(_)));
    }

    #[test]
    fn a_lost_rebuild_is_believed_to_go_on_for_as_long_as_it_may() {
        let mut all = followed(&[(0, 0.0), (100, 0.5)]);
        all.gone(&"t".into(), None, Going::Unknown, t(100), None);
        assert_eq!(one(&all).until_quiet(), Some(t(100 + 150 + 60)));
        let mut all = followed(&[(0, 0.0)]);
        all.gone(&"t".into(), None, Going::Unknown, t(100), None);
        assert_eq!(one(&all).until_quiet(), Some(t(100) + LOST_EVIDENCE));
        all.prune(t(699));
        assert_eq!(all.iter().count(), 1);
        all.prune(t(700));
        assert_eq!(all.iter().count(), 0);
    }

    #[test]
    fn names_of_rebuild_tasks() {
        for (name, is) in [("SR Recovering", true), ("Resynchronising mirrors of SR x", true), ("SR scan", false), ("", false)] {
            assert_eq!(is_rebuild(&Task { name_label: name.into(), ..Task::default() }), is, "{name}");
        }
    }

    #[test]
    fn a_storage_cluster_larger_than_the_pool_is_heard() {
        let told = |pairs: [(&str, &str); 3]| hints(&Sr { sm_config: pairs.into(), ..Sr::default() });
        let calm = told([("mirror_state", "healthy"), ("nodes_offline", "0"), ("mirrors_in_step", "22/22")]);
        assert_eq!(calm, Hints { in_step: Some((22, 22)), ..Hints::default() });
        let busy = told([("mirror_state", "rebuilding"), ("nodes_offline", "0"), ("mirrors_in_step", "14/22")]);
        assert_eq!(busy, Hints { rebuild: Some("rebuilding".into()), in_step: Some((14, 22)), ..Hints::default() });
        let worse = told([("mirror_state", "degraded"), ("nodes_offline", "1"), ("mirrors_in_step", "x")]);
        assert_eq!(worse, Hints { degraded: Some("degraded".into()), offline: Some("1".into()), ..Hints::default() });
    }
}
