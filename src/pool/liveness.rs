//! What each host is doing, and how that is known.
//!
//! xapi's `live` stays true for ten minutes after a silent death (`db_gc.ml`), so it is never enough: a host is
//! healthy only by a fresh sign of life of its own: an answer to our question, or its metrics moving. Whoever shows neither is silent or
//! unknown, never live. Decides on nothing but what [`super::track`] remembers; reads no clock.

use super::limits::{BOOTING, FRESH, MISSED_ROUNDS, SETTLE, SILENT, SUSPECT};
use super::picture::{HostState, Stage};
use super::track::{HostTrack, Return};
use crate::observation::Via;
use crate::text::duration;
use crate::time::Time;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::time::Duration;

/// Rounds of updates that the pool's hosts show: the times at which some host's metrics moved.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Rounds(VecDeque<Time>);

impl Rounds {
    /// Some host's metrics moved. Hosts report within a second or so of each other: that is one round.
    pub fn beat(&mut self, at: Time) {
        if self.0.back().is_none_or(|last| at.since(*last) >= Duration::from_secs(2)) {
            self.0.push_back(at);
            if self.0.len() > 32 {
                self.0.pop_front();
            }
        }
    }

    /// How many rounds there were after `then`.
    pub fn after(&self, then: Time) -> usize {
        self.0.iter().rev().take_while(|at| **at > then).count()
    }
}

/// What there is to know around a host.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    /// The moment.
    pub now: Time,
    /// Why nothing of this pool is current, if so.
    pub stale: Option<&'a str>,
    /// Since when this connection has been up and everything read.
    pub synced: Option<Time>,
    /// When the coordinator last said anything.
    pub heard: Option<Time>,
    /// Whether this host is the coordinator.
    pub coordinator: bool,
    /// Whether this is another host and the coordinator itself does not answer: then a member's silence proves nothing, for our
    /// questions and their answers, and the members' right to answer, go through the coordinator.
    pub deaf: bool,
    /// The pool's rounds of updates.
    pub rounds: &'a Rounds,
    /// PBDs that it has to plug again, and how many of them are.
    pub storage: (usize, usize),
    /// Until when mirrors that this host's return set off are not in step, if any.
    pub mirrors: Option<Time>,
}

/// What a host is doing, with its words.
pub fn assess(track: &HostTrack, around: &Around) -> HostState {
    tell(track, around, Say(true))
}

/// The stage of [`assess`] and since when, without its words.
pub fn stage(track: &HostTrack, around: &Around) -> (Stage, Option<Time>) {
    let state = tell(track, around, Say(false));
    (state.stage, state.since)
}

/// Whether words are wanted: making them costs more than finding out.
#[derive(Clone, Copy)]
struct Say(bool);

impl Say {
    fn state(
        self,
        stage: Stage,
        since: Option<Time>,
        text: impl FnOnce() -> String,
        evidence: impl FnOnce() -> String,
    ) -> HostState {
        let (text, evidence) = if self.0 { (text(), evidence()) } else { Default::default() };
        HostState { stage, since, text, evidence }
    }
}

fn tell(track: &HostTrack, around: &Around, say: Say) -> HostState {
    let now = around.now;
    let Some(live) = track.live else {
        let evidence = || "the pool has not told its metrics yet".into();
        return say.state(Stage::Unknown, Some(track.first), || "unknown".into(), evidence);
    };
    if let Some(why) = around.stale {
        let known = if live.is { "live" } else { "down" };
        let known = if track.going.is_some() && live.is { "going down" } else { known };
        let heard = || around.heard.map_or_else(|| "never".into(), |at| duration(now.since(at)));
        let evidence = || format!("{why}; it was {known} when the pool was last heard, {} ago", heard());
        return say.state(Stage::Unknown, around.heard, || format!("unknown, was {known}"), evidence);
    }
    if !live.is {
        // A host that came into the pool under our eyes and was never live has not gone down: it joins.
        let joins = live.since.is_none() && around.synced.is_some_and(|at| track.first > at) && now.since(track.first) < BOOTING;
        return if joins { joining(track, now, say) } else { down(track, live.since, now, say) };
    }
    if let Some(since) = track.going
        && track.back.is_none_or(|(back, _)| back <= since)
    {
        let evidence = || {
            let quiet =
                alive(track, around).map_or(String::new(), |at| format!("; last sign of life {} ago", duration(now.since(at))));
            format!("its current_operations hold shutdown or reboot since {} ago{quiet}", duration(now.since(since)))
        };
        return say.state(Stage::GoingDown, Some(since), || "going down".into(), evidence);
    }
    if let Some(silent) = silence(track, around, say) {
        return silent;
    }
    let evidence = || life(track, around);
    if let Some((back, why)) = track.back
        && track.ready.is_none_or(|ready| ready < back)
    {
        return returning(track, around, back, why, say);
    }
    if track.enabled.is_some_and(|e| !e.is) {
        let since = track.enabled.and_then(|e| e.since);
        let evidence = || format!("xapi says enabled = false (maintenance, or not ready); {}", evidence());
        return say.state(Stage::Disabled, since, || "disabled".into(), evidence);
    }
    if let (Some((back, _)), Some(ready)) = (track.back, track.ready) {
        let until = (ready + SETTLE).max(around.mirrors.unwrap_or_default());
        if now < until {
            let text = || format!("back for {}", duration(now.since(back)));
            let evidence = || format!("enabled and storage plugged {} ago; {}", duration(now.since(ready)), evidence());
            return say.state(Stage::Back, Some(back), text, evidence);
        }
    }
    let since = [track.enabled.and_then(|e| e.since), live.since, track.ready].into_iter().flatten().max();
    say.state(Stage::Live, since, || "live".into(), evidence)
}

fn down(track: &HostTrack, since: Option<Time>, now: Time, say: Say) -> HostState {
    let text = || since.map_or_else(|| "down".into(), |at| format!("down for {}", duration(now.since(at))));
    let why = || match track.going {
        Some(at) => format!("xapi says live = false; it was told to shut down or reboot {} ago", duration(now.since(at))),
        None => "xapi says live = false".into(),
    };
    say.state(Stage::Down, since, text, why)
}

/// New in the pool, and not heard by xapi yet.
fn joining(track: &HostTrack, now: Time, say: Say) -> HostState {
    let since = || duration(now.since(track.first));
    let evidence = || format!("it came into the pool {} ago, and xapi has not called it live yet", since());
    say.state(Stage::Starting, Some(track.first), || format!("joining for {}", since()), evidence)
}

/// On its way up: what it has and what it lacks.
fn returning(track: &HostTrack, around: &Around, back: Time, why: Return, say: Say) -> HostState {
    let (due, plugged) = around.storage;
    let how = match why {
        Return::Live => "xapi says live again",
        Return::Booted => "its boot time changed",
        Return::Heard => "it was silent and is heard again",
        Return::Toolstack => "its toolstack was started again",
    };
    let since = || duration(around.now.since(back));
    let evidence = || life(track, around);
    let enabled = track.enabled.is_some_and(|e| e.is);
    if plugged < due && (enabled || plugged > 0) {
        let text = || format!("plugging {plugged} of {due}");
        let evidence = || format!("{how} since {}; {plugged} of {due} storages are plugged; {}", since(), evidence());
        return say.state(Stage::Plugging, Some(back), text, evidence);
    }
    if enabled && plugged >= due {
        // Only until the next observation marks it ready.
        let evidence = || format!("{how} since {}; {}", since(), evidence());
        return say.state(Stage::Back, Some(back), || format!("back for {}", since()), evidence);
    }
    let evidence = || format!("{how} since {}, not enabled yet; {}", since(), evidence());
    say.state(Stage::Starting, Some(back), || format!("starting for {}", since()), evidence)
}

/// The newest sign of life: for the coordinator, anything that the pool said.
fn alive(track: &HostTrack, around: &Around) -> Option<Time> {
    let own = track.alive();
    if around.coordinator { own.max(around.heard) } else { own }
}

/// Whether a host whose `live` is true is silent, or nothing current is known of it.
fn silence(track: &HostTrack, around: &Around, say: Say) -> Option<HostState> {
    let now = around.now;
    let alive = alive(track, around);
    // Where there was none yet, it is waited for since it was first seen on this connection.
    let base = alive.unwrap_or(track.first).max(if alive.is_some() { Time::EPOCH } else { around.synced.unwrap_or(track.first) });
    let quiet = now.since(base);
    let silent = |why: &dyn Fn() -> String| {
        let text = || format!("silent for {}", duration(quiet));
        Some(say.state(Stage::Silent, Some(base), text, || format!("{}; xapi still says live = true", why())))
    };
    let waited = around.synced.map_or(Duration::ZERO, |at| now.since(at));
    if let Some(failure) = track.failed.as_ref().filter(|f| f.at > base)
        && (failure.told || failure.count >= 2 || quiet >= SUSPECT)
    {
        if around.deaf && !failure.told {
            let evidence = || {
                format!(
                    "the coordinator itself does not answer, so that nothing can be learnt of this host; last sign of life {} ago",
                    duration(quiet)
                )
            };
            return Some(say.state(Stage::Unknown, Some(base), || format!("not heard for {}", duration(quiet)), evidence));
        }
        return silent(&|| {
            format!(
                "it did not answer {} ({}), the last time {} ago",
                if failure.count == 1 { "once".into() } else { format!("{} times in a row", failure.count) },
                failure.what.trim_end_matches('.'),
                duration(now.since(failure.at))
            )
        });
    }
    let cluster_lost = track.cluster_lost.is_some_and(|at| at >= base);
    if cluster_lost && quiet >= SUSPECT && waited >= SUSPECT {
        return silent(&|| format!("its cluster says that it has left, and there was no sign of life for {}", duration(quiet)));
    }
    if quiet >= SILENT && waited >= SILENT {
        let missed = around.rounds.after(base.max(around.synced.unwrap_or_default()));
        if missed >= MISSED_ROUNDS {
            return silent(&|| format!("it missed {missed} rounds of updates that other hosts sent"));
        }
    }
    match alive {
        Some(at) if now.since(at) < FRESH => None,
        Some(at) => {
            let ago = || duration(now.since(at));
            let evidence = || format!("xapi says live = true, but its last sign of life is {} old", ago());
            Some(say.state(Stage::Unknown, Some(at), || format!("not heard for {}", ago()), evidence))
        }
        None => {
            let evidence = || "xapi says live = true, but there was no sign of life of its own yet".into();
            Some(say.state(Stage::Unknown, Some(base), || "not heard yet".into(), evidence))
        }
    }
}

/// The newest sign of life, as a sentence.
fn life(track: &HostTrack, around: &Around) -> String {
    let now = around.now;
    let beat = track.beat.map(|at| (at, "its metrics moved"));
    let answer = track.answered.map(|(at, via)| match via {
        Via::Servertime => (at, "it answered"),
        Via::Rrd | Via::Week => (at, "it sent its statistics"),
        Via::Probe => (at, "its probe answered"),
    });
    let word = around.heard.filter(|_| around.coordinator).map(|at| (at, "it answers for the pool"));
    match [beat, answer, word].into_iter().flatten().max_by_key(|(at, _)| *at) {
        Some((at, what)) => format!("{what} {} ago", duration(now.since(at))),
        None => "no sign of life yet".into(),
    }
}

/// The moments at which a host's stage may change by time alone.
pub fn changes(track: &HostTrack, around: &Around) -> impl Iterator<Item = Time> + use<> {
    let base = alive(track, around).unwrap_or(track.first);
    let synced = around.synced.unwrap_or_default();
    [
        Some(base + SUSPECT),
        Some(base + SILENT),
        Some(base + FRESH),
        Some(synced + SUSPECT),
        Some(synced + SILENT),
        track.ready.map(|at| at + SETTLE),
    ]
    .into_iter()
    .flatten()
}
