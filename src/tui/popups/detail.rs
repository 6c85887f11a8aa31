//! One thing in detail, or the fields of its record.

use super::{inside, window};
use crate::tui::draw::pen::Pen;
use crate::tui::draw::table::more_marks;
use crate::tui::keymap::Action;
use crate::tui::model::{Detail, Model, Raw};
use crate::tui::sheet::{self, Sheet};
use ratatui::layout::Rect;

/// Columns of the popup at most.
const WIDTH: u16 = 110;

/// What the popup says now.
pub(crate) fn sheet_of(model: &Model, detail: &Detail) -> Sheet {
    let sheet = sheet::of(model, &detail.target);
    match &detail.raw {
        None => sheet,
        Some(Raw::Asked) => {
            Sheet::of_fields(&sheet.title, &[], &format!("The pool was asked for the record{}", model.look.glyphs.ellipsis))
        }
        Some(Raw::Fields(fields, from)) => Sheet::of_fields(&sheet.title, fields, from),
    }
}

/// The lines, the popup's size, and how many lines are seen at a time.
fn measure(sheet: &Sheet, screen: Rect) -> (Vec<sheet::SheetLine>, (u16, u16), usize) {
    let width = WIDTH.min(screen.width);
    let lines = sheet.lines(inside(screen, width, 3).width.max(1));
    let size = (width, u16::try_from(lines.len() + 2).unwrap_or(u16::MAX).max(5));
    let seen = usize::from(inside(screen, size.0, size.1).height);
    (lines, size, seen)
}

/// How many lines there are and how many are seen at a time.
pub(crate) fn extent(model: &Model, detail: &Detail) -> (usize, usize) {
    let screen = Rect::new(0, 0, model.size.0, model.size.1);
    let (lines, _, seen) = measure(&sheet_of(model, detail), screen);
    (lines.len(), seen)
}

pub(super) fn render(pen: &mut Pen<'_>, model: &Model, detail: &Detail, screen: Rect) {
    let sheet = sheet_of(model, detail);
    let (lines, size, seen) = measure(&sheet, screen);
    let key = |action| model.keymap.keys_of(action, model.contexts()).into_iter().next().unwrap_or_default();
    let mut hints = vec![(key(Action::Copy), "copy")];
    if detail.target.record().is_some() {
        hints.push((key(Action::Raw), if detail.raw.is_some() { "words" } else { "raw" }));
    }
    hints.push((key(Action::Back), "back"));
    let body = window(pen, screen, size, &sheet.title, &hints);
    let first = detail.first.min(lines.len().saturating_sub(seen));
    self::lines(pen, body, &lines, first);
}

/// Draws the lines that are seen, and whether there are more.
pub(super) fn lines(pen: &mut Pen<'_>, body: Rect, lines: &[sheet::SheetLine], first: usize) {
    for (at, line) in lines.iter().skip(first).take(usize::from(body.height)).enumerate() {
        let y = body.y + at as u16;
        if !line.head.is_empty() {
            let room = if line.text.is_empty() { body.width } else { line.indent.saturating_sub(1) };
            pen.text(body.x, y, room.min(body.width), &line.head, line.head_role);
        }
        pen.text(body.x + line.indent, y, body.width.saturating_sub(line.indent), &line.text, line.role);
    }
    more_marks(pen, Rect { x: body.right().saturating_sub(1), width: 2, ..body }, first, lines.len());
}
