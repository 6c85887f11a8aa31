//! The frame around the pages: where each stands, which one is open, what the next step is and why it cannot be taken yet.

use super::paper::{Paper, Piece, piece};
use super::state::{Page, Survey};
use super::{available, confirm, plan, preflight, report, run, scope_page};
use crate::rollout::plan::Product;
use crate::tui::draw::layout;
use crate::tui::draw::pen::{Pen, spans_width};
use crate::tui::draw::words::ago;
use crate::tui::keymap::Action;
use crate::tui::model::{Model, PoolView};
use crate::tui::theme::Role;
use ratatui::layout::Rect;
use ratatui::text::Span;
use strum::IntoEnumIterator;

/// The first key of an action, as the operator has it.
pub(super) fn key(model: &Model, action: Action) -> String {
    model.keymap.keys_of(action, &[]).into_iter().next().unwrap_or_default()
}

/// The part of `area` that the page's lines have.
pub(crate) fn body(area: Rect) -> Rect {
    let (head, foot) = (u16::from(area.height >= 3), u16::from(area.height >= 5));
    Rect { y: area.y + head, height: area.height - head - foot, ..area }
}

/// The open page.
pub(super) fn paper(model: &Model, pool: &PoolView, area: Rect) -> Paper {
    let mut paper = Paper::new(area.width);
    match pool.wizard.page {
        Page::Scope => scope_page::write(&mut paper, model, pool),
        Page::Plan => plan::write(&mut paper, model, pool),
        Page::Preflight => preflight::write(&mut paper, model, pool),
        Page::Confirm => confirm::write(&mut paper, model, pool),
        Page::Run => run::write(&mut paper, model, pool, area.height),
        Page::Report => report::write(&mut paper, model, pool),
    }
    paper
}

/// The open page where its area is, and how many of its lines are seen.
pub(super) fn laid_out(model: &Model) -> Option<(Paper, Rect)> {
    model.wizard()?;
    let area = body(layout::plan(model).wizard);
    Some((paper(model, model.pool()?, area), area))
}

/// Brings the wizard that is on the screen up to date: hosts that came or went, a cursor and a window that point at something.
pub(crate) fn settle(model: &mut Model) {
    let Some(ix) = model.pool_ix().filter(|_| model.wizard().is_some()) else { return };
    if let Some(view) = model.pools.get_mut(ix.0) {
        let before = view.wizard.scope.hosts();
        if view.wizard.page.prepares() {
            view.wizard.scope.follow(&view.picture.hosts);
            if view.wizard.shown && view.wizard.page == super::Page::Scope {
                view.wizard.scope.networks = view.pool.networks();
            }
            view.wizard.scope.legacy = Product::of(&view.pool) == Product::XenServer7;
            if before != view.wizard.scope.hosts() {
                view.wizard.survey = Survey::None;
            }
        }
    }
    let Some((paper, area)) = laid_out(model) else { return };
    let height = usize::from(area.height);
    let Some(wizard) = model.wizard_mut() else { return };
    let at = wizard.at().min(paper.items().saturating_sub(1));
    let mut first = wizard.first().min(paper.lines.len().saturating_sub(height));
    if matches!(wizard.page, Page::Scope | Page::Preflight)
        && let Some((start, end)) = paper.span(at)
        && (end <= first || start >= first + height.max(1))
    {
        first = start.min(paper.lines.len().saturating_sub(height));
    }
    wizard.set_at(at);
    wizard.set_first(first);
}

/// The row that a line of the screen belongs to.
pub(crate) fn row_at(model: &Model, y: u16) -> Option<usize> {
    let (paper, area) = laid_out(model)?;
    let line = usize::from(y.checked_sub(area.y)?);
    paper.lines.get(model.wizard()?.first() + line)?.item
}

/// The page as text, and what it is called.
pub(crate) fn copied(model: &Model) -> Option<(String, String)> {
    let (paper, _) = laid_out(model)?;
    let title = model.wizard()?.page.title();
    Some((paper.plain(), format!("the page {title}")))
}

/// Draws the wizard.
pub(crate) fn render(pen: &mut Pen<'_>, model: &Model, area: Rect) {
    let Some(pool) = model.pool().filter(|_| !area.is_empty()) else { return };
    let wizard = &pool.wizard;
    if area.height >= 3 {
        pages(pen, model, pool, Rect { height: 1, ..area });
    }
    let inside = body(area);
    let paper = paper(model, pool, inside);
    let at = (paper.items() > 0).then(|| wizard.at());
    paper.draw(pen, inside, wizard.first(), at);
    if area.height >= 5 {
        foot(pen, model, pool, Rect { y: area.bottom() - 1, height: 1, ..area });
    }
}

/// `Rollout  ✓ scope  ▸ plan  · preflight …`, or only where it is if there is no room.
fn pages(pen: &mut Pen<'_>, model: &Model, pool: &PoolView, area: Rect) {
    let open = pool.wizard.page;
    pen.rule(area.x, area.y, area.width, Role::Focus);
    let g = pen.look.glyphs;
    let mut spans: Vec<Span<'_>> = vec![pen.span(" Rollout  ", Role::Focus)];
    for page in Page::iter() {
        let (glyph, role) = match page.cmp(&open) {
            std::cmp::Ordering::Less => (g.ok, Role::Healthy),
            std::cmp::Ordering::Equal => (g.cursor, Role::Focus),
            std::cmp::Ordering::Greater => (g.note, Role::Muted),
        };
        spans.push(pen.span(format!("{glyph} {}  ", page.title()), role));
    }
    let room = area.width.saturating_sub(2);
    if spans_width(&spans) > room {
        let at = open as usize + 1;
        let count = Page::iter().count();
        spans =
            vec![pen.span(format!(" Rollout {at}/{count} "), Role::Focus), pen.span(format!("{} ", open.title()), Role::Title)];
    }
    let used = pen.line(area.x + 1, area.y, room, &spans);
    let checked = match &pool.wizard.survey {
        Survey::Ready(at, _) if open.prepares() && open > Page::Scope => format!(" checked {} ", ago(model.now, *at)),
        _ => String::new(),
    };
    let right = [pen.span(checked, Role::Muted)];
    if spans_width(&right) + used + 2 <= room {
        pen.right(area.x + 1, area.y, room, &right);
    }
}

/// What the next step is, or why it cannot be taken.
fn foot(pen: &mut Pen<'_>, model: &Model, pool: &PoolView, area: Rect) {
    let wizard = &pool.wizard;
    if wizard.page == Page::Confirm {
        confirm::prompt(pen, model, pool, area);
        return;
    }
    let pieces: Vec<Piece> = match available::next(model, pool) {
        Ok(what) => vec![piece(key(model, Action::WizardNext), Role::Key), piece(format!(" {what}"), Role::Text)],
        Err(why) => {
            let waits = wizard.page.prepares() && matches!(wizard.survey, Survey::Asked(_));
            let (glyph, role) = match (waits, wizard.page) {
                (true, _) => (pen.look.glyphs.pending, Role::Pending),
                (_, Page::Run | Page::Report) => (pen.look.glyphs.note, Role::Muted),
                _ => (pen.look.glyphs.warning, Role::Emphasis),
            };
            vec![piece(format!("{glyph} "), role), piece(why, role)]
        }
    };
    let spans: Vec<Span<'_>> = pieces.iter().map(|(text, role)| pen.span(text.as_str(), *role)).collect();
    pen.line(area.x + 2, area.y, area.width.saturating_sub(3), &spans);
}
