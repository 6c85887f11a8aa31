//! The verdict, rebuilds, tasks, alerts, cluster members.

use super::Sheet;
use crate::pool::picture::{Alert, ClusterView, MemberView, Picture, Rebuild, TaskView};
use crate::text;
use crate::time::Time;
use crate::tui::draw::words::{ago, exact, moment};
use crate::tui::log::LogLine;
use crate::tui::model::Model;
use crate::tui::theme::Role;

pub(super) fn verdict(model: &Model, picture: &Picture) -> Sheet {
    let look = &model.look;
    let v = &picture.verdict;
    let answer = look.answer(v.state);
    let mut sheet = Sheet::new(format!("May I reboot the next host? {}", answer.word));
    let headline = if v.headline.is_empty() { "Nothing is known that speaks against it." } else { &v.headline };
    sheet.para(answer.glyph, answer.role, 8, headline, Role::Text);
    if !v.opens_when.is_empty() {
        let until = v.until.map_or_else(String::new, |t| format!(" (about {})", moment(t, model.shown(), &model.zone)));
        sheet.para("", Role::Muted, 8, format!("opens when: {}{until}", v.opens_when), Role::Info);
    }
    if !v.reasons.is_empty() {
        sheet.heading("All reasons");
        for reason in &v.reasons {
            sheet.reason(look, model, reason);
        }
    }
    sheet.heading("Hosts");
    for host in &picture.hosts {
        let sign = look.gate(host.gate.state);
        let text = host.gate.reasons.first().map_or_else(|| sign.word.to_owned(), |r| format!("{}: {}", sign.word, r.text));
        sheet.para(format!("{} {}", sign.glyph, host.name), sign.role, 14, text, Role::Text);
    }
    let control = &picture.control;
    sheet.heading("Who may act on this pool");
    let ha = if control.ha {
        format!("HA is on ({}), plans for {} host failures", control.ha_stack, control.ha_tolerates)
    } else {
        "HA is off".to_owned()
    };
    sheet.words(ha, Role::Text);
    if control.rolling_upgrade {
        sheet.words("A rolling pool upgrade is under way: xapi then lists no reboot for any host.", Role::Text);
    }
    if control.wlb {
        sheet.words("Workload balancing is on and may move VMs.", Role::Text);
    }
    for mark in &control.marks {
        sheet.words(mark.clone(), Role::Text);
    }
    if picture.unreadable > 0 {
        sheet.words(
            format!("{} records could not be read; what they would have said is missing here.", picture.unreadable),
            Role::Degraded,
        );
    }
    sheet
}

fn percent(progress: Option<f64>) -> String {
    progress
        .filter(|f| f.is_finite())
        .map_or_else(|| "the source never moves it".to_owned(), |f| format!("{:.0} %", (f.clamp(0.0, 1.0) * 100.0).floor()))
}

fn at(model: &Model, time: Time) -> String {
    format!("{} ({})", exact(time, &model.zone), ago(model.shown(), time))
}

pub(super) fn rebuild(model: &Model, r: &Rebuild) -> Sheet {
    let mut sheet = Sheet::new(format!("Rebuild of SR {}", r.sr));
    sheet.words(r.text.clone(), Role::Text);
    sheet.blank();
    sheet.fact("progress", percent(r.progress));
    sheet.fact("rate", r.rate.filter(|r| r.is_finite()).map_or_else(String::new, |r| format!("{:.1} % a minute", r * 6_000.0)));
    sheet.fact("since", at(model, r.since));
    match (r.ended, r.ends) {
        (Some(ended), _) => sheet.fact("ended", at(model, ended)),
        (None, Some(ends)) if ends > model.shown() => {
            sheet.fact(
                "ends",
                format!("about {}, in {}", moment(ends, model.shown(), &model.zone), text::duration(ends.since(model.shown()))),
            );
        }
        (None, Some(_)) => sheet.fact("ends", "any time"),
        (None, None) => sheet.fact("ends", "cannot be told"),
    }
    sheet.fact("known from", r.source.clone());
    sheet.fact("last heard", ago(model.shown(), r.seen));
    sheet
}

pub(super) fn task(model: &Model, t: &TaskView) -> Sheet {
    let mut sheet = Sheet::new(format!("Task {}", t.name));
    sheet.words(t.text.clone(), if t.ended { Role::Muted } else { Role::Text });
    sheet.blank();
    sheet.fact("progress", if t.ended { "ended".to_owned() } else { percent(t.progress) });
    sheet.fact("host", t.host.clone());
    sheet.fact("made", t.created.map_or_else(String::new, |c| at(model, c)));
    sheet.fact("reference", t.r#ref.as_str());
    sheet
}

/// A line of the log, whole.
pub(super) fn line(model: &Model, line: &LogLine) -> Sheet {
    let mut sheet = Sheet::new(format!("Log: {}", line.level.word()));
    sheet.words(line.text.clone(), Role::Text);
    sheet.blank();
    sheet.fact("when", at(model, line.at));
    sheet.fact("part", line.target.clone());
    sheet
}

pub(super) fn alert(model: &Model, a: &Alert) -> Sheet {
    let sign = model.look.health(a.health);
    let mut sheet = Sheet::new(format!("Alert {}", a.name));
    sheet.para(sign.glyph, sign.role, 3, a.text.clone(), Role::Text);
    sheet.blank();
    sheet.fact("about", if a.about.is_empty() { "the pool" } else { &a.about });
    sheet.fact("when", at(model, a.at));
    sheet.fact("how often", if a.count > 1 { format!("{} times", a.count) } else { "once".to_owned() });
    let still = match a.still_true {
        Some(true) => "yes, by what is seen now",
        Some(false) => "no, it is over",
        None => "it happened; it is not a state that lasts",
    };
    sheet.fact("still true", still);
    sheet.fact("name", a.name.clone());
    if a.name == "host-crashed" {
        crashed(&mut sheet, model, a);
    }
    sheet
}

/// What the pool tells of the last outage of the host that an alert is about: guests, a dump, what xapi wrote.
fn crashed(sheet: &mut Sheet, model: &Model, a: &Alert) {
    let Some(outage) = model.pool().and_then(|view| view.pool.outages().into_iter().find(|o| o.number > 0 && o.name == a.about))
    else {
        return;
    };
    sheet.blank();
    sheet.fact("last sign of life", outage.alive.map_or_else(String::new, |t| at(model, t)));
    sheet.fact("booted", outage.booted.map_or_else(String::new, |t| at(model, t)));
    sheet.fact("fence", outage.margin.clone().unwrap_or_else(|| "nothing foretold one, or no probe tells".to_owned()));
    let dump = outage.dump.as_ref().map_or_else(
        || "none that xapi knows of".to_owned(),
        |dump| format!("{} {}", crate::text::bytes(dump.size), dump.cause.clone().unwrap_or_default()),
    );
    sheet.fact("dump", dump);
    for guest in &outage.guests {
        let fate = match (&guest.on, guest.exists) {
            (Some(host), _) => format!("runs on {host}"),
            (None, true) => "does not run".to_owned(),
            (None, false) => "is gone".to_owned(),
        };
        sheet.fact("guest", format!("{} {fate}", guest.name));
    }
    for (when, what) in &outage.told {
        sheet.fact("xapi wrote", format!("{what} {}", at(model, *when)));
    }
    sheet.words(format!("Why it went down: poolwatch crash TARGET --host {}", outage.name), Role::Text);
}

pub(super) fn member(model: &Model, c: &ClusterView, m: &MemberView) -> Sheet {
    let mut sheet = Sheet::new(format!("{} in the {} cluster", m.host, c.stack));
    let sign = model.look.member(m.state, m.health);
    sheet.para(sign.glyph, sign.role, 3, m.state, sign.role);
    sheet.blank();
    sheet.fact("node number", m.id.map_or_else(String::new, |id| id.to_string()));
    let quorate = match c.quorate {
        Some(true) => "yes",
        Some(false) => "no: it may not act",
        None => "the pool does not say",
    };
    sheet.fact("quorate", quorate);
    sheet.fact("may lose", c.may_fail.map_or_else(|| "cannot be told".to_owned(), |n| format!("{n} more")));
    sheet.fact("needs", c.quorum.map_or_else(String::new, |n| format!("{n} living members")));
    sheet.fact("written", c.seen.map_or_else(String::new, |t| ago(model.shown(), t)));
    if !c.restart.is_empty() {
        sheet.fact("restart", format!("{}: it runs with another configuration than it has now", c.restart.join(", ")));
    }
    let meaning = match m.state {
        "excluded" => "It is configured out: commented out until every node has forgotten it (seed 2).",
        "left" => "It left the cluster on purpose; its number is used again only when the others have forgotten it.",
        "dead" => "The others hear no heartbeat of it: it died, fenced itself, or cannot write.",
        _ => "",
    };
    if !meaning.is_empty() {
        sheet.blank();
        sheet.words(meaning, Role::Text);
    }
    if c.stack == "o2cb" {
        who_would_die(&mut sheet, model);
    }
    sheet
}

/// What would come of each single fault, worst first.
fn who_would_die(sheet: &mut Sheet, model: &Model) {
    let mut all = model.pool().map(|view| view.known().who_would_die(model.shown())).unwrap_or_default();
    if all.is_empty() {
        return;
    }
    all.sort_by_key(|one| std::cmp::Reverse(one.health));
    sheet.heading("Who would die if this failed now");
    for one in all {
        let sign = model.look.health(one.health);
        sheet.para(sign.glyph, sign.role, 3, one.fault, Role::Text);
        for text in one.outcome {
            sheet.para("", Role::Muted, 6, text, Role::Muted);
        }
    }
}
