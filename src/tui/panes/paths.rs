//! The I/O paths as a grid: a row a host, a column a LUN, bond or link. Scrolls both ways.

use super::hosts::marked;
use super::{View, empty, open};
use crate::pool::picture::PathView;
use crate::time::Time;
use crate::tui::draw::Look;
use crate::tui::draw::pen::Pen;
use crate::tui::draw::table::more_marks;
use crate::tui::draw::words::width;
use crate::tui::model::grid::short_name;
use crate::tui::model::{Model, Pane, PoolView};
use crate::tui::sheet::paths::is_single;
use crate::tui::theme::Role;
use ratatui::layout::Rect;
use ratatui::text::Span;

/// Draws the pane.
pub(crate) fn render(pen: &mut Pen<'_>, model: &Model, area: Rect) {
    let Some(pool) = model.pool() else { return };
    let (grid, picture) = (&pool.grid, &pool.picture);
    let total = grid.hosts.len();
    let missing: u32 = (0..total).map(|h| grid.missing(picture, h)).sum();
    let extra = vec![summary(pen.look, pool, missing, model.shown())];
    let Some(view) = open(pen, model, Pane::Paths, area, total, extra) else { return };
    if view.order.is_empty() {
        empty(pen, &view, total, "No multipath map, no bond is known.");
        return;
    }
    let View { order, state, cursor, focused, needle, body } = view;
    let look = pen.look;
    let name = grid.hosts.iter().map(|h| width(h)).max().unwrap_or(4).clamp(4, 18).min(body.width / 3);
    let left = body.x + 2 + name + 2;
    let right = body.right().saturating_sub(1);
    let titles: Vec<String> = grid.columns.iter().map(|(kind, n)| short_name(*kind, n, look.glyphs.ellipsis)).collect();
    // A column is as wide as what stands in it; only a path with a story needs more than its count.
    let widest = |column: usize| {
        let cells = (0..total).filter_map(|host| grid.cell(picture, host, column));
        let told = cells.filter(|path| path.week.flaps || path.total < 2 || path.total > 99 || was_short(path).is_some());
        told.map(|path| width(&cell(look, path).0)).max().unwrap_or(0)
    };
    let wides: Vec<u16> = titles.iter().enumerate().map(|(column, t)| width(t).max(7).max(widest(column))).collect();
    let each = |column: usize| wides.get(column).copied().unwrap_or(0);
    let first = first_column(state.column, titles.len(), right.saturating_sub(left), each);

    let mut x = left;
    let mut shown = first;
    while let Some(title) = titles.get(shown) {
        let wide = each(shown);
        if x + wide > right {
            break;
        }
        let picked = focused && shown == state.column;
        pen.right(x, body.y, wide, &[pen.span(title.as_str(), if picked { Role::Focus } else { Role::Muted })]);
        for (line, ix) in order.iter().skip(state.first).take(usize::from(body.height.saturating_sub(1))).enumerate() {
            let y = body.y + 1 + line as u16;
            let Some(path) = grid.cell(picture, *ix, shown) else {
                pen.right(x, y, wide, &[pen.span(look.glyphs.dot, Role::Border)]);
                continue;
            };
            let (text, role) = cell(look, path);
            pen.right(x, y, wide, &[pen.span(text, role)]);
        }
        x += wide + 2;
        shown += 1;
    }
    for (line, ix) in order.iter().enumerate().skip(state.first).take(usize::from(body.height.saturating_sub(1))) {
        let y = body.y + 1 + (line - state.first) as u16;
        let host = grid.hosts.get(*ix).map_or("", String::as_str);
        pen.line(body.x + 2, y, name, &marked(look, host.to_owned(), &needle, Role::Title));
        if cursor == Some(line) && focused {
            pen.tint(Rect { x: body.x, y, width: body.width.saturating_sub(1), height: 1 }, Role::Selection);
            let style = pen.style(Role::Selection);
            pen.put(body.x, y, 1, look.glyphs.cursor, style);
        }
    }
    if first > 0 {
        pen.text(left.saturating_sub(2), body.y, 1, look.glyphs.arrow_left, Role::Focus);
    }
    if shown < titles.len() {
        pen.text(right, body.y, 1, look.glyphs.arrow_right, Role::Focus);
    }
    more_marks(pen, Rect { y: body.y + 1, height: body.height.saturating_sub(1), ..body }, state.first, order.len());
}

/// One cell: the count, and what makes it one to look at. Words alone are enough.
fn cell(look: &Look, path: &PathView) -> (String, Role) {
    let count = format!("{}/{}", path.up, path.total);
    let glyphs = &look.glyphs;
    if path.up == 0 {
        (format!("{} {count}", glyphs.failed), Role::Failed)
    } else if path.week.flaps {
        (format!("{} {count} flaps", glyphs.warning), Role::Degraded)
    } else if path.up < path.total {
        (format!("{} {count}", glyphs.warning), Role::Degraded)
    } else if is_single(path) {
        (format!("{} {count} single", glyphs.warning), Role::Degraded)
    } else if let Some(least) = was_short(path) {
        (format!("{count} was {least}"), Role::Info)
    } else {
        (count, Role::Text)
    }
}

/// The fewest paths within the week of one that has all of them now.
fn was_short(path: &PathView) -> Option<u32> {
    path.week.least.filter(|least| path.up == path.total && *least < path.total && !path.week.flaps)
}

/// What is wrong in a few words: now, then over the last 7 days.
fn summary(look: &Look, pool: &PoolView, missing: u32, now: Time) -> Span<'static> {
    let picture = &pool.picture;
    let risk = pool.pool.worst_failover(now);
    let count = |of: fn(&PathView) -> bool| picture.paths.iter().filter(|path| of(path)).count();
    let mut parts: Vec<String> = [
        (missing as usize, "missing"),
        (count(|path| path.week.flaps), "flapping"),
        (count(|path| is_single(path) && path.up > 0), "single"),
        (count(|path| was_short(path).is_some()), "short within 7 days"),
    ]
    .into_iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, word)| format!("{n} {word}"))
    .collect();
    if let Some(risk) = &risk {
        let fence = risk.fence.as_ref().map_or(0.0, |(at, _)| *at);
        parts.push(format!("fail-over of {} {:.0} s, fence {fence:.0} s", pool.pool.name_of(&risk.host), risk.takes_s()));
    }
    if parts.is_empty() {
        return Span::styled("all there", look.style(Role::Healthy));
    }
    let now = missing > 0 || risk.is_some() || picture.paths.iter().any(|path| path.week.flaps || is_single(path));
    Span::styled(parts.join(", "), look.style(if now { Role::Degraded } else { Role::Info }))
}

/// The first column so that the chosen one can be seen.
fn first_column(chosen: usize, count: usize, room: u16, each: impl Fn(usize) -> u16) -> usize {
    let chosen = chosen.min(count.saturating_sub(1));
    let mut first = chosen;
    let mut used = each(chosen);
    while first > 0 && used + 2 + each(first - 1) <= room {
        first -= 1;
        used += 2 + each(first);
    }
    first
}
