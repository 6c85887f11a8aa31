//! The last line: a word to the operator if there is one, else the keys that matter now, as many as fit.

use crate::tui::draw::pen::{Pen, spans_width};
use crate::tui::keymap::{Action, TABLE};
use crate::tui::model::{Model, Popup};
use crate::tui::theme::Role;
use crate::tui::update::availability;
use ratatui::layout::Rect;

/// Draws the last line.
pub(crate) fn render(pen: &mut Pen<'_>, model: &Model, area: Rect) {
    if area.is_empty() {
        return;
    }
    pen.clear(area, Role::Bar);
    if let Some(toast) = &model.toast {
        let (glyph, role) =
            if toast.wrong { (pen.look.glyphs.warning, Role::Emphasis) } else { (pen.look.glyphs.note, Role::Info) };
        let spans = [pen.span(format!(" {glyph} "), role), pen.span(toast.text.as_str(), role)];
        pen.line(area.x, area.y, area.width, &spans);
        return;
    }
    let mut right = area.right();
    if !model.begun.is_empty() {
        let keys: Vec<String> = model.begun.iter().map(ToString::to_string).collect();
        let spans = [pen.span(format!(" {} {} ", keys.join(" "), pen.look.glyphs.ellipsis), Role::Key)];
        right = pen.right(area.x, area.y, area.width, &spans);
    }
    let contexts = model.contexts();
    let mut hints: Vec<_> = TABLE.iter().filter(|e| e.hint > 0 && availability(model, e.action).is_ok()).collect();
    hints.sort_by_key(|e| std::cmp::Reverse(e.hint));
    let mut x = area.x + 1;
    let gap = if area.width >= 100 { 3 } else { 2 };
    for entry in hints {
        if entry.action == Action::Quit && !model.popups.is_empty() {
            continue;
        }
        // Enter keeps or chooses where there is nothing to open.
        let choosing = entry.action == Action::Open && (model.typing() || !model.popups.is_empty());
        let label = match () {
            () if entry.action == Action::Open && model.naming() => "begin",
            () if matches!(model.popups.last(), Some(Popup::Accept { .. } | Popup::Update { .. } | Popup::Number { .. }))
                && choosing =>
            {
                "keep"
            }
            () if matches!(model.popups.last(), Some(Popup::Moment { .. })) && choosing => "go there",
            () if entry.action == Action::Play && model.past().is_some_and(|past| past.playing) => "hold",
            () if choosing => "choose",
            () if entry.action == Action::Wizard && model.wizard().is_some() => "dashboard",
            () => entry.label,
        };
        let Some(key) = model.keymap.keys_of(entry.action, contexts).into_iter().next() else { continue };
        let spans = [pen.span(key, Role::Key), pen.span(format!(" {label}"), Role::Muted)];
        let wide = spans_width(&spans);
        if x + wide > right {
            continue;
        }
        pen.line(x, area.y, wide, &spans);
        x += wide + gap;
    }
}
