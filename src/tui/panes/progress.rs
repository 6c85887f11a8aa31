//! What is shown in place of the panes while nothing is known yet: how far the connection is, or why there will be none.

use crate::pool::picture::LinkState;
use crate::text;
use crate::tui::draw::pen::Pen;
use crate::tui::draw::words::wrap;
use crate::tui::model::{Model, PoolView};
use crate::tui::theme::Role;
use ratatui::layout::Rect;

/// Whether there is no picture to show yet.
pub(crate) fn wanted(pool: &PoolView) -> bool {
    pool.picture.hosts.is_empty() && pool.picture.link.state != LinkState::Live
}

/// Draws it.
pub(crate) fn render(pen: &mut Pen<'_>, model: &Model, pool: &PoolView, area: Rect) {
    let link = &pool.picture.link;
    let width = area.width.saturating_sub(4).min(90);
    let mut lines: Vec<(String, Role)> = Vec::new();
    if link.state == LinkState::Refused {
        let head = format!("{} poolwatch cannot watch {}.", pen.look.glyphs.failed, pool.target);
        lines.push((head, Role::Failed));
        lines.push((String::new(), Role::Text));
        lines.extend(wrap(&link.text, width).into_iter().map(|l| (l, Role::Text)));
        lines.push((String::new(), Role::Text));
        let next = "It will not be tried again by itself. Leave with q, put it right, and start poolwatch again.";
        lines.extend(wrap(next, width).into_iter().map(|l| (l, Role::Muted)));
    } else {
        let stage = match link.state {
            LinkState::Connecting => 0,
            LinkState::Syncing => 1,
            _ => 2,
        };
        lines.push((format!("Connecting to {}", pool.target), Role::Title));
        lines.push((String::new(), Role::Text));
        for (at, step) in ["find the coordinator and log in", "read the pool's records", "watch"].iter().enumerate() {
            let lost = link.state == LinkState::Lost;
            let (glyph, role) = match at.cmp(&stage) {
                _ if lost && at == 0 => (pen.look.glyphs.failed, Role::Failed),
                _ if lost => (pen.look.glyphs.unknown, Role::Muted),
                std::cmp::Ordering::Less => (pen.look.glyphs.ok, Role::Healthy),
                std::cmp::Ordering::Equal => (pen.look.glyphs.pending, Role::Pending),
                std::cmp::Ordering::Greater => (pen.look.glyphs.unknown, Role::Muted),
            };
            lines.push((format!("{glyph} {step}"), role));
        }
        if !link.text.is_empty() {
            lines.push((String::new(), Role::Text));
            lines.extend(wrap(&link.text, width).into_iter().map(|l| (l, Role::Text)));
        }
        let waited = model.shown().since(link.since);
        if link.since > crate::time::Time::EPOCH && waited.as_secs() >= 60 {
            lines.push((format!("For {} now.", text::duration(waited)), Role::Muted));
        }
    }
    let left = area.x + area.width.saturating_sub(width) / 2;
    let top = area.y + area.height.saturating_sub(lines.len() as u16) / 3;
    for (at, (line, role)) in lines.iter().enumerate() {
        let y = top + at as u16;
        if y < area.bottom() {
            pen.text(left, y, width, line, *role);
        }
    }
}
