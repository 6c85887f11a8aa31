//! The steps that matter, in the order of time: no log, but what somebody would tell who had watched.

use super::eve::Eve;
use super::known::Lun;
use super::signs::{Deadline, Fits, Signs};
use super::teller::{SAME, Teller, apart};
use crate::crash::report::{Step, utc};
use crate::crash::verdict::{Cause, Finer, Verdict};
use crate::pool::heartbeats::HeartbeatKind;
use crate::pool::outages::OutageView;
use crate::pool::paths::PathPast;
use crate::pool::picture::{Health, PathKind, PathView};
use crate::text;
use crate::time::Time;

/// Steps of a story at most.
const STEPS: usize = 40;
/// Changes of one path that are told.
const CHANGES: usize = 4;
/// Paths that are told each by itself.
const PATHS: usize = 6;
/// What happened to other hosts that is told.
const OTHERS: usize = 6;
/// Names in a sentence.
const NAMES: usize = 8;
/// An answer that takes so long is slow, in milliseconds.
const SLOW_MS: u32 = 1_000;

/// What other hosts' news are told: no echo of the crash itself.
fn of_others(name: &str) -> bool {
    matches!(name, "path-lost" | "fence-near" | "statefile-lost" | "host-silent" | "host-down" | "clock-skew" | "host-crashed")
}

struct Story {
    steps: Vec<Step>,
}

impl Story {
    fn tell(&mut self, at: Time, matters: bool, text: impl Into<String>) {
        let text = text::clean(&text.into(), 600).into_owned();
        if !self.steps.iter().any(|step| step.text == text && step.at == at) {
            self.steps.push(Step { at, text, matters });
        }
    }
}

/// The story.
pub(super) fn steps(
    teller: &Teller,
    eve: &Eve,
    signs: &Signs,
    verdict: &Verdict,
    with: &[&OutageView],
    before: &[&OutageView],
) -> Vec<Step> {
    let mut story = Story { steps: Vec::new() };
    let name = &teller.outage.name;
    for earlier in before {
        let why =
            earlier.dump.as_ref().and_then(|dump| dump.cause.as_ref()).map_or_else(String::new, |c| format!(" (cause: {c})"));
        story.tell(earlier.at(), true, format!("{name} had gone down before without having been told to{why}"));
    }
    paths(&mut story, eve);
    doing(&mut story, teller, eve);
    let told = teller.news.iter().any(|news| news.name == "fence-near" && news.about == *name);
    deadline(&mut story, signs.o2cb.as_ref(), verdict, "o2cb", Cause::O2cb, told);
    deadline(&mut story, signs.statefile.as_ref(), verdict, "HA", Cause::Xhad, false);
    news(&mut story, teller, verdict);
    others(&mut story, teller, with);
    gone(&mut story, teller, signs);
    guests(&mut story, teller, verdict);
    story.steps.sort_by_key(|step| step.at);
    // The reasons stay, whatever else there is.
    while story.steps.len() > STEPS {
        let least = story.steps.iter().rposition(|step| !step.matters).unwrap_or(story.steps.len() - 1);
        story.steps.remove(least);
    }
    story.steps
}

/// What a path is called.
fn label(path: &PathView) -> String {
    match path.kind {
        PathKind::Multipath if path.sr.is_empty() => format!("LUN {}", path.name),
        PathKind::Multipath => format!("LUN {} (SR {})", path.name, path.sr),
        PathKind::Boot => "the root disk".to_owned(),
        PathKind::Bond => format!("bond {}", path.name),
        PathKind::Link => format!("interface {}", path.name),
    }
}

/// Paths that were lost when it went, for the advice.
pub(super) fn luns(eve: &Eve) -> Vec<Lun> {
    let lost = eve.paths.iter().filter(|(path, _)| path.up < path.total);
    lost.take(PATHS)
        .map(|(path, past)| Lun {
            name: label(path),
            storage: matches!(path.kind, PathKind::Multipath | PathKind::Boot),
            up: path.up,
            total: path.total,
            since: path.since,
            changes: u32::try_from(past.changes.len()).unwrap_or(u32::MAX).saturating_add(past.more),
        })
        .collect()
}

/// How the paths went, also days before.
fn paths(story: &mut Story, eve: &Eve) {
    for (path, past) in eve.paths.iter().take(PATHS) {
        one_path(story, eve, path, past);
    }
    let more = eve.paths.iter().skip(PATHS).filter(|(path, _)| path.up < path.total).count();
    if more > 0 {
        story.tell(eve.at, false, format!("{more} more of its paths were not whole"));
    }
}

fn one_path(story: &mut Story, eve: &Eve, path: &PathView, past: &PathPast) {
    let label = label(path);
    let is_lost = path.up < path.total;
    let count = past.changes.len() + usize::try_from(past.more).unwrap_or(usize::MAX);
    // Since it was whole the last time; what was mended before is only counted.
    let whole = past.changes.iter().rposition(|(_, up, total)| up >= total).map_or(0, |at| at + 1);
    let since_whole = past.changes.get(whole..).unwrap_or_default();
    if is_lost && since_whole.is_empty() {
        let text = format!("{label} had {} of {} paths", path.up, path.total);
        match path.since {
            Some(since) => story.tell(since, true, text),
            None => story.tell(past.watched.min(eve.at), true, format!("{text}, nobody knows since when")),
        }
    }
    let from = since_whole.len().saturating_sub(CHANGES);
    for (at, up, total) in since_whole.iter().skip(from) {
        let text = match up {
            0 if *total == 1 => format!("{label}: the only path went down"),
            0 => format!("{label}: the last of {total} paths went down"),
            up => format!("{label}: {up} of {total} paths left"),
        };
        story.tell(*at, is_lost, text);
    }
    let earlier = count.saturating_sub(since_whole.len());
    if earlier > 0 && !path.name.is_empty() {
        let at = past.changes.first().map_or(eve.at, |(at, ..)| *at);
        let flaps = if past.flaps { ", too often to be relied on" } else { "" };
        let times = if earlier == 1 { "once".to_owned() } else { format!("{earlier} times") };
        story.tell(at, is_lost, format!("{label} changed {times} within the week before that{flaps}"));
    }
}

/// What the host and the pool were doing.
fn doing(story: &mut Story, teller: &Teller, eve: &Eve) {
    let name = &teller.outage.name;
    if let Some(claim) = &eve.claim {
        let whose = if claim.owner.is_empty() { String::new() } else { format!(" of {}", claim.owner) };
        story.tell(eve.at, true, format!("a round of updates or reboots{whose} was under way ({})", claim.run));
    }
    if eve.rolling_upgrade {
        story.tell(eve.at, true, "a rolling pool upgrade was under way");
    }
    if !eve.tasks.is_empty() {
        story.tell(eve.at, false, format!("{name} was at: {}", eve.tasks.join(", ")));
    }
    if let Some((ahead, error)) = eve.skew_s.filter(|(ahead, error)| ahead.abs() - error > 1.0) {
        let way = if ahead > 0.0 { "ahead of" } else { "behind" };
        let text = format!("the clock of {name} was {:.1} s (give or take {error:.1} s) {way} the coordinator's", ahead.abs());
        story.tell(eve.at, ahead.abs() > 5.0, text);
    }
    let (slow, lost) = eve.slowest();
    if slow >= SLOW_MS {
        let lost = if lost { ", and some were missing" } else { "" };
        story.tell(eve.at, false, format!("in the five minutes before its answers took up to {slow} ms{lost}"));
    }
    for beat in eve.heartbeats.iter().filter(|beat| beat.view.kind != HeartbeatKind::O2cb) {
        if let Some(took) = beat.view.now_s.filter(|took| *took * 4.0 >= beat.view.limit_s) {
            story.tell(eve.at, true, format!("{}: {took:.1} s of {:.0} s", beat.view.what, beat.view.limit_s));
        }
    }
    if let Some(days) = eve.host.booted.map(|booted| eve.at.since(booted).as_secs() / 86_400).filter(|days| *days >= 200) {
        story.tell(eve.at, false, format!("{name} had run for {days} days"));
    }
}

/// The last good heartbeat, half of the way, and the end.
fn deadline(story: &mut Story, deadline: Option<&Deadline>, verdict: &Verdict, who: &str, cause: Cause, told: bool) {
    let Some(deadline) = deadline else { return };
    let matters = verdict.cause == cause;
    let limit = deadline.limit.as_secs_f64();
    let good = match deadline.finer {
        Finer::Network => format!("the last word of enough other nodes: {who}'s limit of {limit:.0} s began to run"),
        Finer::Statefile => format!("the last good access to {}: {who}'s time-out of {limit:.0} s began to run", deadline.what),
        _ => format!("the last good write to {}: {who}'s limit of {limit:.0} s began to run", deadline.what),
    };
    story.tell(deadline.good, matters, good);
    let (at, words) = &deadline.seen;
    if !told {
        story.tell(*at, matters, words.clone());
    }
    if deadline.fits == Fits::Yes {
        // It cannot have been later than the end.
        let at = verdict.at.filter(|_| matters).unwrap_or(deadline.due);
        story.tell(at, matters, format!("{who}'s {limit:.0} s were over"));
    }
}

/// What was told of this host and of the pool.
fn news(story: &mut Story, teller: &Teller, verdict: &Verdict) {
    let name = &teller.outage.name;
    let heard = teller.heard();
    for news in teller.news.iter().filter(|news| news.about == *name || news.about.is_empty()) {
        let (matters, keep) = match news.name.as_str() {
            // Told by the paths and the deadlines themselves, and by the end of the story.
            "path-lost" | "host-crashed" | "statefile-lost" => (false, false),
            "fence-near" => (verdict.cause == Cause::O2cb, news.at <= heard + SAME),
            "fence-passed" => (false, news.at <= heard),
            "host-silent" | "host-down" => (false, teller.missed.is_none()),
            "boot-time-changed" | "host-back" => (false, teller.outage.booted.is_none()),
            "clock-skew" | "toolstack-restarted" | "host-going-down" | "host-disabled" => (true, news.at <= heard + SAME),
            "coordinator-changed" | "database-went-back" | "ha-changed" | "rolling-upgrade" | "round-claimed" => (true, true),
            "statefile-back" | "path-restored" | "bond-restored" | "host-ready" | "rebuild-began" | "rebuild-ended"
            | "link-lost" | "link-found" => (false, true),
            _ => (false, news.health >= Health::Degraded && news.about == *name),
        };
        if keep {
            // What is to be done was for the moment; the advice is for now.
            let text = news.text.split(". Do: ").next().unwrap_or(&news.text);
            story.tell(news.at, matters, text);
        }
    }
    for told in teller.told().into_iter().filter(|told| told.mine || told.about.is_empty()) {
        let ha = told.name.starts_with("HA_");
        let cluster = told.name.starts_with("CLUSTER_");
        if ha || cluster || told.health >= Health::Failed {
            story.tell(told.at, ha && told.mine && verdict.cause == Cause::Xhad, format!("{} ({})", told.text, told.name));
        }
    }
}

/// Who else had trouble in the same minutes.
fn others(story: &mut Story, teller: &Teller, with: &[&OutageView]) {
    let heard = teller.heard();
    let name = &teller.outage.name;
    for other in with {
        story.tell(other.at(), true, format!("{} went down in the same minutes: look for what both depend on", other.name));
    }
    let near = teller.news.iter().filter(|news| {
        !news.about.is_empty()
            && news.about != *name
            && of_others(&news.name)
            && apart(news.at, heard) <= SAME
            && !with.iter().any(|other| other.name == news.about)
    });
    for news in near.take(OTHERS) {
        let text = news.text.split(". Do: ").next().unwrap_or(&news.text);
        story.tell(news.at, news.health >= Health::Degraded, format!("in the same minutes: {text}"));
    }
}

/// Its last sign of life, and its end.
fn gone(story: &mut Story, teller: &Teller, signs: &Signs) {
    let name = &teller.outage.name;
    story.tell(teller.heard(), false, format!("the last sign of life of {name}"));
    if let Some((at, what)) = &teller.missed {
        story.tell(*at, false, format!("{name} did not answer any more ({what})"));
    }
    if let Some((at, stack)) = &teller.evicted {
        story.tell(*at, false, format!("the {stack} cluster counts {name} as dead"));
    }
    match (teller.outage.booted, teller.outage.back) {
        (Some(booted), _) => story.tell(booted, false, format!("{name} booted again, by its own clock")),
        (None, _) => story.tell(signs.silent, false, format!("{name} has not been heard since, as far as the recording goes")),
    }
    if let Some(dump) = &teller.outage.dump {
        let at = dump.at.unwrap_or(signs.silent);
        story.tell(at, false, format!("it left a dump of {}", text::bytes(dump.size)));
    }
}

fn names(names: &[&str]) -> String {
    let shown: Vec<&str> = names.iter().take(NAMES).copied().collect();
    let more = names.len().saturating_sub(shown.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

/// The guests that it took with it, and where they came back.
fn guests(story: &mut Story, teller: &Teller, verdict: &Verdict) {
    let mut all: Vec<&super::teller::Lost> = teller.guests.values().collect();
    if all.is_empty() {
        return;
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    let at = verdict.at.unwrap_or_else(|| teller.heard());
    let named: Vec<&str> = all.iter().map(|lost| lost.name.as_str()).collect();
    let count = if all.len() == 1 { "1 guest".to_owned() } else { format!("{} guests", all.len()) };
    story.tell(at, false, format!("{count} died with it: {}", names(&named)));
    let mut again: Vec<(&Time, &str)> =
        all.iter().filter_map(|lost| lost.again.as_ref().map(|(at, on)| (at, on.as_str()))).collect();
    again.sort();
    let down: Vec<&str> = all.iter().filter(|lost| lost.again.is_none()).map(|lost| lost.name.as_str()).collect();
    if let Some((last, _)) = again.last() {
        let mut on: Vec<&str> = again.iter().map(|(_, on)| *on).collect();
        on.sort_unstable();
        on.dedup();
        story.tell(**last, false, {
            let how_many = if down.is_empty() { "all of them".to_owned() } else { format!("{} of them", again.len()) };
            format!("{how_many} run again, on {}", names(&on))
        });
    }
    if !down.is_empty() {
        let end = again.last().map_or(at, |(last, _)| **last).max(teller.outage.back.unwrap_or(at));
        let until = utc(teller.until());
        story.tell(end, true, format!("still down by {until} or the end of the recording: {}", names(&down)));
    }
}
