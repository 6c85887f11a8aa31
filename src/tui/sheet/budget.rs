//! The time-out budget: what happens at which second of an outage, what of it comes in the wrong order, and what leases would need.

use super::Sheet;
use crate::pool::budget::Budget;
use crate::pool::picture::Picture;
use crate::tui::model::Model;
use crate::tui::theme::Role;

/// Columns of the second at which it happens.
const WHEN: u16 = 8;

pub(super) fn sheet(model: &Model, picture: &Picture) -> Sheet {
    let budget = &picture.budget;
    let mut sheet = Sheet::new(format!("Time-outs of {}: an outage, second by second", picture.name));
    if budget.rows.is_empty() {
        sheet.words("Nothing is known of the pool yet.", Role::Muted);
        return sheet;
    }
    head(&mut sheet, budget);
    sheet.blank();
    for row in &budget.rows {
        let bad = !row.problem.is_empty();
        let role = if bad { Role::Degraded } else { Role::Muted };
        let glyph = if bad { format!("{} ", model.look.glyphs.warning) } else { "  ".to_owned() };
        let text = format!("{}: {}", row.who, row.what);
        sheet.para(format!("{glyph}{:.0} s", row.at_s), role, WHEN, text, Role::Text);
        if bad {
            sheet.para("", role, WHEN, row.problem.clone(), role);
            sheet.para("", Role::Info, WHEN, format!("what to do: {}", row.mend), Role::Info);
        }
        sheet.para("", Role::Muted, WHEN, format!("{} ({})", row.known.words(), row.from), Role::Muted);
    }
    super::lease::add(&mut sheet, model, budget);
    sheet
}

fn head(sheet: &mut Sheet, budget: &Budget) {
    match (budget.fence_s, budget.pause_s) {
        (Some(fence), Some(pause)) => sheet.words(
            format!(
                "{} fences a host first, at {fence:.0} s. What may stop I/O for more than {pause:.0} s (a quarter of it) needs a warning.",
                budget.fence_by
            ),
            Role::Text,
        ),
        _ => sheet.words("Nothing that is known fences a host here: HA is off, and o2cb is not seen.", Role::Text),
    }
    match budget.problems().count() {
        0 => sheet.words("All of it comes in the right order, as far as it is known.", Role::Healthy),
        1 => sheet.words("One row comes in the wrong order.", Role::Degraded),
        n => sheet.words(format!("{n} rows come in the wrong order."), Role::Degraded),
    }
}
