//! What lies over the screen: help, command palette, details, choices.

mod ask;
mod choices;
mod crash;
mod detail;
mod help;

pub(crate) use choices::{faults_shown, palette_rows, pools_rows};
pub(crate) use crash::extent as crash_extent;
pub(crate) use detail::{extent as detail_extent, sheet_of};
pub(crate) use help::{lines as help_lines, rows as help_rows};

use super::draw::pen::Pen;
use super::model::{Model, Popup};
use super::theme::Role;
use ratatui::layout::Rect;
use ratatui::text::Span;

/// Draws a popup over the screen.
pub(crate) fn render(pen: &mut Pen<'_>, model: &Model, popup: &Popup, screen: Rect) {
    match popup {
        Popup::Help { input, typing, first } => help::render(pen, model, input, *typing, *first, screen),
        Popup::Palette { input, at } => choices::palette(pen, model, input, *at, screen),
        Popup::Accept { code, about, input } => ask::accept(pen, model, (code, about), input, screen),
        Popup::Update { input } => ask::update(pen, model, input, screen),
        Popup::Number { which, input } => ask::number(pen, model, *which, input, screen),
        Popup::Moment { input } => ask::moment(pen, model, input, screen),
        Popup::Ask { ask, at } => ask::ask(pen, model, ask, *at, screen),
        Popup::Pools { input, at } => choices::pools(pen, model, input, *at, screen),
        Popup::Crashes { pool, at, chosen } => crash::list(pen, model, *pool, *at, chosen.as_ref(), screen),
        Popup::Crash(pane) => crash::pane(pen, model, pane, screen),
        Popup::Themes { at, .. } => choices::themes(pen, model, *at, screen),
        Popup::Faults { at } => choices::faults(pen, model, *at, screen),
        Popup::Detail(detail) => detail::render(pen, model, detail, screen),
    }
}

/// The inside of a popup of at most `width` and `height`: what is left for contents in `screen`.
pub(crate) fn inside(screen: Rect, width: u16, height: u16) -> Rect {
    let area = outside(screen, width, height);
    Rect { x: area.x + 2, y: area.y + 1, width: area.width.saturating_sub(4), height: area.height.saturating_sub(2) }
}

fn outside(screen: Rect, width: u16, height: u16) -> Rect {
    // A margin shows that there is something below, unless every row and column is needed.
    let (mx, my) = (if screen.width > 70 { 4 } else { 0 }, if screen.height > 20 { 2 } else { 0 });
    let width = width.min(screen.width.saturating_sub(mx));
    let height = height.min(screen.height.saturating_sub(my));
    Rect { x: screen.x + (screen.width - width) / 2, y: screen.y + (screen.height - height) / 2, width, height }
}

/// Draws a frame with a title and hints at its foot; gives the inside.
pub(crate) fn window(pen: &mut Pen<'_>, screen: Rect, size: (u16, u16), title: &str, hints: &[(String, &str)]) -> Rect {
    let area = outside(screen, size.0, size.1);
    pen.clear(area, Role::Popup);
    pen.frame(area, Role::Focus);
    if area.width < 6 || area.height < 2 {
        return Rect { width: 0, height: 0, ..area };
    }
    let room = area.width - 4;
    let title = crate::tui::draw::words::fit(title, room - 2, pen.look.glyphs.ellipsis).into_owned();
    pen.text(area.x + 2, area.y, room, &format!(" {title} "), Role::Title);
    let mut spans: Vec<Span<'_>> = vec![Span::raw(" ")];
    for (key, label) in hints {
        spans.push(pen.span(key.as_str(), Role::Key));
        spans.push(pen.span(format!(" {label}  "), Role::Muted));
    }
    if super::draw::pen::spans_width(&spans) <= room {
        pen.right(area.x + 2, area.bottom() - 1, room, &spans);
    }
    inside(screen, size.0, size.1)
}
