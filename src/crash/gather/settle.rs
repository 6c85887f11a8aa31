//! The end of a reading: which line on disk belongs to which crash, which crash is told, and how it is called.

use super::super::classify::Fact;
use super::super::layout;
use super::super::log::{Kind, Log, Owner};
use super::super::report::{Crash, Dump};
use super::super::stamp::{Clock, Wall};
use super::super::verdict::{Cause, Verdict};
use super::case::Case;
use super::desk::Judged;
use super::shelf::Kept;
use super::{Gather, shown, who};
use crate::time::Time;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A line on disk belongs to a crash if it was written so long before it at most, in seconds: six hours.
const BEFORE: i64 = 6 * 3_600;
/// Or so long after it: what other hosts see of it, and the first words of the next boot.
const AFTER: i64 = 15 * 60;
/// Two times of one crash may be this far apart, in milliseconds: the folder is made by the crash kernel, which has to boot first.
const SAME: i64 = 15 * 60 * 1_000;

/// Whose logs those of a site are, for the host that is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Own,
    Other,
    Unclear,
}

/// A crash folder as lines on disk see it.
struct Near {
    folder: String,
    /// The host's name, or else its `/`.
    identity: String,
    wall: Wall,
    offset: Option<i64>,
}

/// Where a line goes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Way {
    to: To,
    survivor: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum To {
    Folder(usize),
    Logs,
}

/// Everything that came of it, newest first.
pub fn settle(gather: &mut Gather) -> Vec<Crash> {
    let sides = sides(gather);
    let focus = gather.focus.clone();
    leave_out_others(gather, &sides);
    let near = near(gather, focus.as_deref(), &sides);
    let mut cases = std::mem::take(&mut gather.cases);
    let shelf = std::mem::take(&mut gather.shelf);
    // One case a host for what belongs to no folder.
    let mut alone: BTreeMap<String, Case> = BTreeMap::new();
    for log in shelf.into_logs() {
        if log.lost > 0 {
            let (name, lost) = (shown(&log.shown), log.lost);
            gather.note(format!("{name}: its first {lost} lines were passed over, there is too much of these logs."));
        }
        deal(gather, &sides, &near, &log, &mut cases, &mut alone);
    }
    share_facts(std::mem::take(&mut gather.facts), &mut cases, &mut alone);
    let mut crashes: Vec<(Option<Wall>, Crash)> = Vec::new();
    for (folder, case) in cases {
        let wall = case.wall();
        let host = host_of(gather, layout_root(&folder), focus.as_deref()).or_else(|| case.stamp.as_ref()?.host.clone());
        crashes.push((wall, crash(case, host)));
    }
    let folders = crashes.len();
    for (identity, case) in alone {
        let host = named(gather, &identity, focus.as_deref());
        let made = crash(case, host);
        if is_worth(&made, &crashes) {
            crashes.push((None, made));
        }
    }
    let others = !gather.sites.is_empty() || folders > 0;
    crashes.extend(loose(std::mem::take(&mut gather.loose), others, focus.as_deref()).into_iter().map(|crash| (None, crash)));
    tidy(crashes)
}

/// Which sites are of the host that is asked about.
fn sides(gather: &Gather) -> BTreeMap<String, Side> {
    let Some(focus) = gather.focus.as_deref() else {
        return gather.sites.keys().map(|root| (root.clone(), Side::Own)).collect();
    };
    let side = |is: Option<bool>| match is {
        Some(true) => Side::Own,
        Some(false) => Side::Other,
        None => Side::Unclear,
    };
    let mut sides: BTreeMap<String, Side> =
        gather.sites.iter().map(|(root, site)| (root.clone(), side(site.is(focus)))).collect();
    // If none is known to be of that host, those that do not say may be.
    if !sides.values().any(|side| *side == Side::Own) {
        sides.values_mut().filter(|side| **side == Side::Unclear).for_each(|side| *side = Side::Own);
    }
    sides
}

/// Crash folders of other hosts than the one that is asked about are not its crashes.
fn leave_out_others(gather: &mut Gather, sides: &BTreeMap<String, Side>) {
    let Some(focus) = gather.focus.clone() else { return };
    let before = gather.cases.len();
    gather.cases.retain(|folder, case| {
        let by_name = case.stamp.as_ref().and_then(|stamp| stamp.host.as_deref()).map(|host| who::same(host, &focus));
        match sides.get(layout_root(folder)) {
            Some(Side::Other) => false,
            _ => by_name != Some(false),
        }
    });
    let left = before - gather.cases.len();
    if left > 0 {
        gather.note(format!("{left} crash folders are of other hosts than {focus} and were left out."));
    }
}

/// The folder that is the `/` of the host that a crash folder is of.
fn layout_root(folder: &str) -> &str {
    let root = layout::root(folder);
    if root == folder { folder.rsplit_once('/').map_or("", |(above, _)| above) } else { root }
}

fn host_of(gather: &Gather, root: &str, focus: Option<&str>) -> Option<String> {
    let known = gather.sites.get(root).and_then(|site| site.name()).map(shown);
    known.or_else(|| focus.map(shown))
}

/// A host's name, or else its `/`: logs with the same one are of one host.
fn identity(gather: &Gather, root: &str, focus: Option<&str>, sides: &BTreeMap<String, Side>) -> String {
    if let (Some(focus), Some(Side::Own) | None) = (focus, sides.get(root)) {
        return focus.to_owned();
    }
    gather.sites.get(root).and_then(|site| site.name()).map_or_else(|| format!("/{root}"), str::to_owned)
}

/// The name of a host by its identity.
fn named(gather: &Gather, identity: &str, focus: Option<&str>) -> Option<String> {
    if focus == Some(identity) {
        let full = gather.sites.values().find(|site| site.is(identity) == Some(true)).and_then(|site| site.name());
        return Some(shown(full.unwrap_or(identity)));
    }
    (!identity.starts_with('/')).then(|| shown(identity))
}

fn near(gather: &Gather, focus: Option<&str>, sides: &BTreeMap<String, Side>) -> Vec<Near> {
    let of = |(folder, case): (&String, &Case)| {
        let identity = identity(gather, layout_root(folder), focus, sides);
        Some(Near { folder: folder.clone(), identity, wall: case.wall()?, offset: case.offset() })
    };
    gather.cases.iter().filter_map(of).collect()
}

/// Hands the lines of one log to the crashes that they belong to.
fn deal(
    gather: &Gather,
    sides: &BTreeMap<String, Side>,
    near: &[Near],
    log: &Kept,
    cases: &mut BTreeMap<String, Case>,
    alone: &mut BTreeMap<String, Case>,
) {
    let focus = gather.focus.as_deref();
    let side = sides.get(&log.root).copied().unwrap_or(Side::Own);
    let mine = identity(gather, &log.root, focus, sides);
    // With a host asked about, its case takes what others saw, too.
    let lone = if side == Side::Own { mine.clone() } else { focus.unwrap_or(&mine).to_owned() };
    let known = gather.sites.get(&log.root);
    let own_name = if side == Side::Own { focus.or_else(|| known.and_then(|known| known.told())) } else { None };
    let within = log.shown.strip_prefix(log.root.as_str()).map_or(log.shown.as_str(), |rest| rest.trim_start_matches('/'));
    let by = known.and_then(|known| known.name()).unwrap_or("another host");
    let own = Arc::new(Log {
        name: shown(within),
        kind: log.kind,
        owner: if side == Side::Unclear { Owner::Unknown } else { Owner::Crashed },
    });
    let survivor = Arc::new(Log { name: shown(&format!("{by}: {within}")), kind: log.kind, owner: Owner::Survivor });
    let has_folders = near.iter().any(|near| near.identity == mine);
    // The hypervisor's ring has no dates: after a crash it is that of the boot after.
    let mut ways: Vec<Way> = if log.kind == Kind::XenLog && has_folders {
        Vec::new()
    } else {
        vec![Way { to: To::Logs, survivor: side == Side::Other }]
    };
    let mut last = None;
    log.each(|number, line| {
        let parsed = Clock::parse(line);
        let host = parsed.and_then(|(_, host)| host);
        if let Some((clock, _)) = parsed
            && last != Some(clock)
        {
            last = Some(clock);
            ways = route(&clock, near, &mine, side);
        }
        let foreign = who::is_other(host, own_name);
        for way in &ways {
            let log = if way.survivor || foreign { &survivor } else { &own };
            let case = match way.to {
                To::Folder(at) => near.get(at).and_then(|near| cases.get_mut(&near.folder)),
                To::Logs => Some(alone.entry(lone.clone()).or_insert_with(Case::of_logs)),
            };
            if let Some(case) = case {
                case.by(&log.name);
                case.line(log, number, line);
            }
        }
    });
    if let (Some(mtime), Some(case)) = (log.mtime, alone.get_mut(&lone)) {
        case.written(Time::from_secs(mtime));
    }
}

/// A message of the pool is about the last crash before it, if that is an hour ago at most; all else, and what is near none, is about what
/// left no dump.
fn share_facts(facts: Vec<Fact>, cases: &mut BTreeMap<String, Case>, alone: &mut BTreeMap<String, Case>) {
    for fact in facts {
        let about = match &fact {
            Fact::Message { at, .. } => cases
                .values_mut()
                .find(|case| case.at().is_some_and(|crashed| (-SAME..=4 * SAME).contains(&at.millis_after(crashed)))),
            _ => None,
        };
        if let Some(case) = about {
            case.know(fact);
        } else {
            for case in alone.values_mut() {
                case.know(fact.clone());
            }
        }
    }
}

/// The crashes that a line written at this time belongs to.
fn route(clock: &Clock, near: &[Near], mine: &str, side: Side) -> Vec<Way> {
    let distance = |near: &Near| clock.wall_near(near.wall, near.offset) - near.wall;
    let is_near = |distance: i64| (-BEFORE..=AFTER).contains(&distance);
    let folders = near.iter().enumerate().map(|(at, near)| (at, near, distance(near))).filter(|(_, _, by)| is_near(*by));
    let (own, others): (Vec<_>, Vec<_>) = folders.partition(|(_, near, _)| near.identity == mine && side == Side::Own);
    let mut ways: Vec<Way> = others.iter().map(|(at, ..)| Way { to: To::Folder(*at), survivor: true }).collect();
    match own.iter().min_by_key(|(_, _, by)| by.abs()) {
        Some((at, ..)) => ways.push(Way { to: To::Folder(*at), survivor: false }),
        None if side == Side::Own || ways.is_empty() => ways.push(Way { to: To::Logs, survivor: side == Side::Other }),
        None => {}
    }
    ways
}

fn crash(case: Case, host: Option<String>) -> Crash {
    let (at, clock, dump) = (case.at(), case.clock(), case.dump());
    let (folder, logs) = (case.folder.as_deref().map(shown), case.logs.clone());
    let mut verdict = case.judge();
    let is_dump = folder.is_some();
    if is_dump && verdict.cause == Cause::None {
        // Nobody makes a crash folder without a crash.
        verdict.cause = Cause::Unknown;
        verdict.why = format!("there is a crash folder, so the host went down, but its logs do not say why ({})", verdict.why);
    }
    // The folder is made after the crash kernel has booted, so a line's own time is nearer, if it is of this crash at all.
    let at = match (verdict.at, at) {
        (Some(said), Some(made)) if said.millis_after(made).abs() <= SAME => Some(said),
        (said, None) if !is_dump || clock.is_none() => said,
        (_, made) => made,
    };
    verdict.at = at;
    Crash { host, folder, at, clock, dump, logs, verdict, advice: Vec::new(), story: Vec::new() }
}

/// Whether what logs alone say is worth telling beside the crash folders.
fn is_worth(made: &Crash, others: &[(Option<Wall>, Crash)]) -> bool {
    let mut same_host = others.iter().map(|(_, other)| other).filter(|other| other.host == made.host).peekable();
    if same_host.peek().is_none() {
        return true;
    }
    let near = |other: &Crash| matches!((other.at, made.at), (Some(a), Some(b)) if a.millis_after(b).abs() <= SAME);
    !matches!(made.verdict.cause, Cause::None | Cause::Unknown) && made.at.is_some() && !same_host.any(near)
}

/// Loose logs that are worth telling.
fn loose(judged: Vec<Judged>, others: bool, focus: Option<&str>) -> Vec<Crash> {
    let made = |judged: Judged| {
        let host = judged.host.or_else(|| focus.map(shown));
        let (at, logs) = (judged.verdict.at, vec![judged.name]);
        let (advice, story) = (Vec::new(), Vec::new());
        Crash { host, folder: None, at, clock: None, dump: Dump::Missing, logs, verdict: judged.verdict, advice, story }
    };
    let told = |one: &Judged| one.named || one.is_crash() && (!others || one.kind == Kind::Console);
    let (tell, quiet): (Vec<_>, Vec<_>) = judged.into_iter().partition(told);
    if !tell.is_empty() || others {
        return tell.into_iter().map(made).collect();
    }
    // Nothing at all: one answer for all of them, the least certain first.
    let names: Vec<String> = quiet.iter().map(|one| one.name.clone()).collect();
    let one = quiet.into_iter().max_by_key(|one| one.verdict.cause == Cause::Unknown);
    one.map(|one| Crash { logs: names, ..made(one) }).into_iter().collect()
}

/// Newest first; each once; "no crash" only where there is none.
fn tidy(mut crashes: Vec<(Option<Wall>, Crash)>) -> Vec<Crash> {
    let millis = |(wall, crash): &(Option<Wall>, Crash)| {
        let by_clock = wall.map(|wall| wall.saturating_mul(1_000));
        crash.at.map(Time::as_millis).or(by_clock).unwrap_or(i64::MIN)
    };
    crashes.sort_by_key(|one| std::cmp::Reverse(millis(one)));
    let mut kept: Vec<Crash> = Vec::new();
    for (_, crash) in crashes {
        let twin = |other: &Crash| {
            let name = |folder: &Option<String>| folder.as_deref().map(|folder| layout::last(folder).to_owned());
            crash.host.is_some()
                && crash.host == other.host
                && crash.folder.is_some()
                && name(&crash.folder) == name(&other.folder)
        };
        match kept.iter_mut().find(|other| twin(other)) {
            // Of two copies the one with more in it.
            Some(other) if other.logs.len() < crash.logs.len() => *other = crash,
            Some(_) => {}
            None => kept.push(crash),
        }
    }
    let is_none = |verdict: &Verdict| verdict.cause == Cause::None;
    if kept.iter().any(|crash| !is_none(&crash.verdict)) {
        kept.retain(|crash| !is_none(&crash.verdict));
    } else {
        kept.truncate(1);
    }
    kept
}
