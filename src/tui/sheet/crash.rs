//! A crash: what happened, what became of its guests, what to do now; then what says so.

use super::Sheet;
use crate::crash::advice::NOT_STARTED;
use crate::crash::report::{Crash, cause_text, confidence_text};
use crate::crash::verdict::{Cause, Evidence};
use crate::pool::outages::{Fate, OutageView};
use crate::text;
use crate::time::Time;
use crate::tui::draw::words::{exact, moment, plural, precise};
use crate::tui::draw::{Look, look::Sign};
use crate::tui::keymap::Action;
use crate::tui::model::Model;
use crate::tui::model::crash::{CrashId, CrashPane, CrashRead, Read, ReadState};
use crate::tui::theme::Role;
use std::collections::BTreeMap;

/// Columns before what a line says.
const LABEL: u16 = 11;
/// Guests that are listed by name at most.
const NAMES: usize = 24;
/// Pieces of evidence in the summary.
const FIRST: usize = 2;
/// Rows of each of them.
const ROWS: usize = 2;

/// The sign of a verdict: whether it was a crash, and whether anybody knows why.
pub(crate) fn sign(look: &Look, cause: Cause) -> Sign {
    let (glyph, word, role) = match cause {
        Cause::O2cb => (look.glyphs.failed, "o2cb", Role::Failed),
        Cause::Xhad => (look.glyphs.failed, "xhad", Role::Failed),
        Cause::Bug => (look.glyphs.failed, "bug", Role::Failed),
        Cause::None => (look.glyphs.ok, "no crash", Role::Healthy),
        Cause::Unknown => (look.glyphs.unknown, "not known", Role::Degraded),
    };
    Sign { glyph, word, role }
}

/// `o2cb (disk), sure`.
pub(crate) fn verdict_words(look: &Look, crash: &Crash) -> String {
    let verdict = &crash.verdict;
    let finer: &str = verdict.finer.into();
    let word = sign(look, verdict.cause).word;
    match verdict.cause {
        Cause::None => word.to_owned(),
        Cause::Unknown if finer == "unknown" => "cause not known".to_owned(),
        _ if finer == "unknown" => format!("{word}, {}", confidence_text(verdict.confidence)),
        _ => format!("{word} ({finer}), {}", confidence_text(verdict.confidence)),
    }
}

/// What became of the guests: `14 VMs, 2 down`.
pub(crate) fn fates_short(outage: &OutageView) -> (String, Role) {
    let down = outage.guests.iter().filter(|guest| is_down(guest)).count();
    match (outage.guests.len(), down) {
        (0, _) if outage.number == 0 => ("not seen".to_owned(), Role::Muted),
        (0, _) => ("no VMs".to_owned(), Role::Muted),
        (all, 0) => (format!("{}, all back", plural(all, "VM", "VMs")), Role::Text),
        (all, down) => (format!("{}, {down} down", plural(all, "VM", "VMs")), Role::Failed),
    }
}

const fn is_down(guest: &Fate) -> bool {
    guest.exists && guest.on.is_none()
}

/// What the pane says now.
pub(crate) fn sheet(model: &Model, pane: &CrashPane) -> Sheet {
    let outage = model.outage_of(pane);
    let crashes = model.pools.get(pane.pool.0).map(|view| &view.crashes);
    let read = crashes.and_then(|crashes| crashes.read(&CrashId::of(&outage)));
    let found = crashes.and_then(|crashes| crashes.found(&outage));
    let mut sheet = Sheet::new(title(model, &outage, found));
    if let (true, Some(crash)) = (pane.evidence, found) {
        for evidence in &crash.verdict.evidence {
            quote(&mut sheet, evidence);
        }
        return sheet;
    }
    standing(&mut sheet, model, &outage, read, found);
    if let Some(path) = &pane.saved {
        sheet.para("written", Role::Healthy, LABEL, path.clone(), Role::Text);
    }
    if let Some(crash) = found {
        why(&mut sheet, &model.look, crash);
    }
    guests(&mut sheet, &outage);
    if let Some(crash) = found {
        advice(&mut sheet, crash, &outage);
        evidence(&mut sheet, model, crash);
        story(&mut sheet, model, crash);
    }
    facts(&mut sheet, model, pane, &outage, found);
    if let Some(last) = read.and_then(|read| read.last.as_ref()) {
        source(&mut sheet, last);
    }
    sheet
}

fn title(model: &Model, outage: &OutageView, found: Option<&Crash>) -> String {
    let at = found.and_then(|crash| crash.at).unwrap_or_else(|| outage.at());
    let at = when(at, model);
    match found {
        Some(crash) => {
            let happened = crash.told(&outage.name, &format!(" at {at}"));
            format!("{happened} {} {}", model.look.glyphs.dot, verdict_words(&model.look, crash))
        }
        None if outage.number == 0 => format!("{} left a crash dump of {at}", outage.name),
        None => format!("{} went down at {at} and came back", outage.name),
    }
}

/// The time of day, with the date in front if it is not today.
fn when(at: Time, model: &Model) -> String {
    let (day, now) = (exact(at, &model.zone), exact(model.shown(), &model.zone));
    if day.get(..10) == now.get(..10) { precise(at, &model.zone) } else { day }
}

/// How the reading stands, as long as that is not simply done.
fn standing(sheet: &mut Sheet, model: &Model, outage: &OutageView, read: Option<&Read>, found: Option<&Crash>) {
    let glyphs = model.look.glyphs;
    let key = |action| model.keymap.keys_of(action, &[]).into_iter().next().unwrap_or_default();
    let name = &outage.name;
    let again = read.and_then(|read| read.again).filter(|at| *at > model.now).map_or_else(
        || format!("{} tries again.", key(Action::CrashAgain)),
        |at| {
            let wait = at.since(model.now).div_f64(model.for_people(std::time::Duration::from_secs(1)).as_secs_f64());
            format!("It is tried again in {} s; {} tries now.", wait.as_secs().max(1), key(Action::CrashAgain))
        },
    );
    match read.map(|read| &read.state) {
        None | Some(ReadState::Stopped) => {
            let text = format!("The reading was stopped. {} reads what {name} left.", key(Action::CrashAgain));
            sheet.para(glyphs.unknown, Role::Degraded, 2, text, Role::Text);
        }
        Some(ReadState::Asked { since, seen: (files, bytes), quiet: false, .. }) => {
            let people = model.for_people(std::time::Duration::from_secs(1)).as_secs_f64().max(0.001);
            let took = (model.now.since(*since).as_secs_f64() / people).max(0.0);
            let what = if model.replay { "what was recorded".to_owned() } else { format!("what {name} left") };
            let amount = match (*files, *bytes) {
                (0, 0) => String::new(),
                (files, bytes) => {
                    format!(": {}, {}", plural(usize::try_from(files).unwrap_or(usize::MAX), "file", "files"), text::bytes(bytes))
                }
            };
            let stop = key(Action::CrashStop);
            let text = format!("reading {what}{amount} ({took:.0} s). It goes on if you leave this; {stop} stops it.");
            sheet.para(glyphs.pending, Role::Pending, 2, text, Role::Pending);
        }
        Some(ReadState::Failed(trouble)) => {
            sheet.para(glyphs.failed, Role::Failed, 2, format!("{} {again}", sentence(&trouble.text)), Role::Failed);
        }
        Some(ReadState::Done | ReadState::Asked { quiet: true, .. }) => {
            let last = read.and_then(|read| read.last.as_ref());
            if let Some(without) = last.and_then(|last| last.without_files.as_ref()) {
                let again = if without.passes { again } else { String::new() };
                sheet.para(glyphs.warning, Role::Degraded, 2, format!("{} {again}", sentence(&without.text)), Role::Degraded);
            }
            if let (Some(last), None) = (last, found) {
                nothing(sheet, model, last, name);
            }
        }
    }
    sheet.blank();
}

/// That what was read says nothing of this crash, and what it tells of instead.
fn nothing(sheet: &mut Sheet, model: &Model, last: &CrashRead, name: &str) {
    let text = if last.without_files.is_some() {
        format!("Nothing that was recorded tells why {name} went down.")
    } else {
        format!("What {name} left and what was recorded say nothing of this crash.")
    };
    sheet.para(model.look.glyphs.unknown, Role::Degraded, 2, text, Role::Text);
    let others: Vec<String> =
        last.reading.crashes.iter().filter(|crash| crash.verdict.cause != Cause::None).map(Crash::headline).take(4).collect();
    if !others.is_empty() {
        sheet.para("", Role::Muted, 2, format!("It tells of other times: {}.", others.join("; ")), Role::Muted);
    }
}

fn why(sheet: &mut Sheet, look: &Look, crash: &Crash) {
    let verdict = &crash.verdict;
    let sign = sign(look, verdict.cause);
    let text = format!("{} {}: {}", sign.glyph, verdict_words(look, crash), cause_text(verdict.cause, verdict.finer));
    sheet.para("cause", Role::Muted, LABEL, text, sign.role);
    sheet.para("", Role::Muted, LABEL, verdict.why.clone(), Role::Text);
    for (note, head) in verdict.notes.iter().zip(std::iter::once("also").chain(std::iter::repeat(""))) {
        sheet.para(head, Role::Muted, LABEL, note.clone(), Role::Text);
    }
}

/// What became of the guests.
fn guests(sheet: &mut Sheet, outage: &OutageView) {
    if outage.guests.is_empty() {
        let text = if outage.number == 0 { "not known: nobody watched the pool then" } else { "none ran on it" };
        sheet.para("VMs", Role::Muted, LABEL, text, Role::Muted);
        return;
    }
    let mut parts = vec![format!("{} died", outage.guests.len())];
    let mut on: BTreeMap<&str, usize> = BTreeMap::new();
    for host in outage.guests.iter().filter_map(|guest| guest.on.as_deref()) {
        *on.entry(host).or_default() += 1;
    }
    let back: usize = on.values().sum();
    if back > 0 {
        let hosts: Vec<String> = on
            .iter()
            .map(|(host, count)| if host.is_empty() { format!("{count} somewhere") } else { format!("{count} on {host}") })
            .collect();
        let run = if back == 1 { "runs" } else { "run" };
        parts.push(format!("{back} {run} again ({})", hosts.join(", ")));
    }
    let gone = outage.guests.iter().filter(|guest| !guest.exists).count();
    if gone > 0 {
        parts.push(format!("{gone} no longer {}", if gone == 1 { "exists" } else { "exist" }));
    }
    let down: Vec<&Fate> = outage.guests.iter().filter(|guest| is_down(guest)).collect();
    let role = if down.is_empty() { Role::Text } else { Role::Failed };
    if !down.is_empty() {
        parts.push(format!("{} still down: {}", plural(down.len(), "is", "are"), names(&down)));
    }
    sheet.para("VMs", Role::Muted, LABEL, parts.join(", "), role);
}

fn names(guests: &[&Fate]) -> String {
    let mut names: Vec<&str> = guests.iter().map(|guest| guest.name.as_str()).collect();
    names.sort_unstable();
    let more = names.len().saturating_sub(NAMES);
    names.truncate(NAMES);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", names.join(", "))
}

/// What to do, the most important first.
fn advice(sheet: &mut Sheet, crash: &Crash, outage: &OutageView) {
    let down: Vec<&Fate> = outage.guests.iter().filter(|guest| is_down(guest)).collect();
    let start = (!down.is_empty()).then(|| format!("Start what is still down, if HA does not do it: {}.", names(&down)));
    // What the pool says now counts over what was recorded a while ago.
    let known = !outage.guests.is_empty();
    let told = crash.advice.iter().filter(|piece| !known || !piece.contains(NOT_STARTED));
    let pieces = start.iter().chain(told);
    for ((number, piece), head) in (1..).zip(pieces).zip(std::iter::once("do now").chain(std::iter::repeat(""))) {
        let head = format!("{head:<width$}{number}", width = usize::from(LABEL));
        sheet.para(head, Role::Emphasis, LABEL + 2, piece.clone(), Role::Text);
    }
}

fn place(evidence: &Evidence) -> String {
    if evidence.line > 0 { format!("{}:{}", evidence.file, evidence.line) } else { evidence.file.clone() }
}

/// The most telling lines.
fn evidence(sheet: &mut Sheet, model: &Model, crash: &Crash) {
    let all = &crash.verdict.evidence;
    for (evidence, head) in all.iter().take(FIRST).zip(std::iter::once("evidence").chain(std::iter::repeat(""))) {
        sheet.cut(head, LABEL, format!("{}  {}", place(evidence), evidence.text), Role::Text, ROWS);
        if !evidence.shows.is_empty() {
            sheet.cut("", LABEL, format!("{} {}", model.look.glyphs.to, evidence.shows), Role::Muted, 1);
        }
    }
    if all.len() > FIRST {
        let key = model.keymap.keys_of(Action::CrashEvidence, &[]).into_iter().next().unwrap_or_default();
        sheet.para("", Role::Muted, LABEL, format!("{} more: {key}", all.len() - FIRST), Role::Muted);
    }
}

/// One piece of evidence with what stands around it.
fn quote(sheet: &mut Sheet, evidence: &Evidence) {
    sheet.heading(place(evidence));
    if !evidence.shows.is_empty() {
        sheet.words(evidence.shows.clone(), Role::Info);
    }
    for line in &evidence.before {
        sheet.para("", Role::Muted, 2, line.clone(), Role::Muted);
    }
    sheet.para(">", Role::Failed, 2, evidence.text.clone(), Role::Emphasis);
    for line in &evidence.after {
        sheet.para("", Role::Muted, 2, line.clone(), Role::Muted);
    }
}

/// What led to it, and what came after.
fn story(sheet: &mut Sheet, model: &Model, crash: &Crash) {
    let glyphs = model.look.glyphs;
    for (step, head) in crash.story.iter().zip(std::iter::once("time line").chain(std::iter::repeat(""))) {
        let (glyph, role) = if step.matters { (glyphs.warning, Role::Degraded) } else { (glyphs.note, Role::Text) };
        sheet.para(head, Role::Muted, LABEL, format!("{} {glyph} {}", when(step.at, model), step.text), role);
    }
}

/// What the pool itself says.
fn facts(sheet: &mut Sheet, model: &Model, pane: &CrashPane, outage: &OutageView, found: Option<&Crash>) {
    sheet.blank();
    let mut times = Vec::new();
    for (what, at) in
        [("last sign of life", outage.alive), ("in trouble", outage.away), ("booted", outage.booted), ("seen again", outage.back)]
    {
        times.extend(at.map(|at| format!("{what} {}", when(at, model))));
    }
    let mut fact = |head: &str, text: String| {
        if !text.is_empty() {
            sheet.para(head, Role::Muted, LABEL, text, Role::Text);
        }
    };
    fact("when", times.join(", "));
    fact("before", outage.margin.clone().unwrap_or_default());
    let told: Vec<String> =
        outage.told.iter().map(|(at, name)| format!("{name} {}", moment(*at, model.shown(), &model.zone))).collect();
    fact("xapi wrote", told.join(", "));
    let dump = match (&outage.dump, found) {
        (Some(dump), found) => {
            let size = if dump.size > 0 { format!("{}, ", text::bytes(dump.size)) } else { String::new() };
            let whole = found.map_or_else(String::new, |crash| format!("{}, ", crash.dump.text()));
            let cause =
                dump.cause.as_deref().map_or_else(|| "no cause is written to it".to_owned(), |c| format!("cause written: {c}"));
            format!("{size}{whole}{cause}, uuid {}", dump.uuid)
        }
        (None, Some(crash)) => match crash.folder.as_deref().filter(|folder| !folder.is_empty()) {
            Some(folder) => format!("{folder}, {}; the pool does not list it", crash.dump.text()),
            None => crash.dump.text(),
        },
        (None, None) => "the pool lists none".to_owned(),
    };
    fact("dump", dump);
    let id = CrashId::of(outage);
    if !model.outages(pane.pool).iter().any(|listed| CrashId::of(listed) == id) {
        fact("note", "The pool does not list this any more; it is shown as it was.".to_owned());
    }
}

/// What was read.
fn source(sheet: &mut Sheet, last: &CrashRead) {
    let reading = &last.reading;
    if reading.files > 0 {
        let text = format!("{} files, {} lines, from {}", reading.files, reading.lines, reading.source);
        sheet.para("read", Role::Muted, LABEL, text, Role::Muted);
    }
    for (note, head) in reading.notes.iter().zip(std::iter::once("notes").chain(std::iter::repeat(""))) {
        sheet.para(head, Role::Muted, LABEL, note.clone(), Role::Muted);
    }
}

/// Ends in a full stop.
pub(crate) fn sentence(text: &str) -> String {
    let text = text.trim_end();
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}
