//! Leases on shared files, as part of the time-outs: a table of intervals, and a calculation with the operator's own numbers.

use super::Sheet;
use crate::pool::budget::Budget;
use crate::pool::budget::calculator::{Number, Outcome};
use crate::tui::draw::words::plural;
use crate::tui::keymap::Action;
use crate::tui::model::Model;
use crate::tui::theme::Role;
use crate::tui::update::numbers;
use strum::IntoEnumIterator as _;

/// Columns of the numbers.
const NUMBER: u16 = 12;

/// Adds it to the sheet.
pub(super) fn add(sheet: &mut Sheet, model: &Model, budget: &Budget) {
    let lease = &budget.lease;
    sheet.heading("If images were leased");
    let clocks = if lease.skew_known { "measured" } else { "not measured: xapi tolerates that much" };
    sheet.words(
        format!(
            "One lease file for each disk image, so that another pool may take the image once it has run out. {} guests run; clocks are {:.1} s apart \
             at most ({clocks}). A lease may run out only when the host that held it is surely dead: a tapdisk that hangs in the kernel cannot be \
             ended, and its write may arrive weeks later.",
            lease.guests, lease.skew_s
        ),
        Role::Text,
    );
    for row in &lease.rows {
        let safe = row.safe_s.map_or_else(
            || "no length is safe, as nothing surely ends the host".to_owned(),
            |safe| format!("safe from {safe:.0} s on"),
        );
        let role = if row.safe_s.is_some() { Role::Text } else { Role::Degraded };
        let text = format!("renewed that often: {} writes a second, {safe}", rate(row.iops));
        sheet.para(format!("  {:.0} s", row.every_s), Role::Muted, 8, text, role);
    }
    calculator(sheet, model, budget);
}

fn calculator(sheet: &mut Sheet, model: &Model, budget: &Budget) {
    let Some(tried) = numbers::tried(model) else { return };
    sheet.heading("Try your own numbers");
    let key = |action| model.keymap.keys_of(action, model.contexts()).into_iter().next().unwrap_or_default();
    let keys = [Action::NumberNext, Action::NumberMore, Action::NumberLess, Action::NumberType].map(key);
    if let [next, more, less, typed] = &keys
        && !next.is_empty()
    {
        sheet.words(format!("{next} goes to the next one, {more} and {less} change it, {typed} types it."), Role::Muted);
    }
    let chosen = numbers::chosen(model);
    for which in Number::iter() {
        let (mark, role) = if which == chosen { (model.look.glyphs.cursor, Role::Focus) } else { (" ", Role::Text) };
        sheet.para(format!("{mark} {:.0}", tried.get(which)), role, NUMBER, which.words(), role);
    }
    sheet.blank();
    outcome(sheet, model, &tried.outcome(&budget.lease));
}

fn outcome(sheet: &mut Sheet, model: &Model, out: &Outcome) {
    sheet.para(
        "costs",
        Role::Muted,
        NUMBER,
        format!(
            "{} writes a second, as many as about {}",
            rate(out.iops),
            plural(out.like_guests.ceil() as usize, "guest makes", "guests make")
        ),
        Role::Text,
    );
    let runs_out = format!(
        "{:.0} s after the storage was lost at the earliest; another host can have it after {:.0} s",
        out.runs_out_s, out.free_s
    );
    sheet.para("runs out", Role::Muted, NUMBER, runs_out, Role::Text);
    let dead =
        out.dead_s.map_or_else(|| "never surely".to_owned(), |dead| format!("{dead:.0} s after it (fence, then watchdog)"));
    sheet.para("host dead", Role::Muted, NUMBER, dead, Role::Text);
    let glyphs = &model.look.glyphs;
    if out.safe {
        sheet.para(
            format!("{} safe", glyphs.ok),
            Role::Healthy,
            NUMBER,
            "tapdisk is surely dead before the lease runs out",
            Role::Text,
        );
    } else {
        let least = out.safe_from_s.map_or_else(String::new, |least| format!("; {least:.0} s would be enough"));
        let text = format!("tapdisk is not surely dead before the lease runs out{least}");
        sheet.para(format!("{} not safe", glyphs.failed), Role::Failed, NUMBER, text, Role::Failed);
    }
    for problem in &out.problems {
        sheet.para(glyphs.warning, Role::Degraded, NUMBER, problem.clone(), Role::Degraded);
    }
}

/// A rate with as many digits as it takes to see something.
fn rate(rate: f64) -> String {
    if rate < 10.0 { format!("{rate:.2}") } else { format!("{rate:.1}") }
}
