//! Clusters and their members: who is alive, whether it may act, and how many more may fail.

use super::hosts::marked;
use super::{View, empty, open};
use crate::pool::picture::{ClusterView, Health};
use crate::tui::draw::Look;
use crate::tui::draw::pen::Pen;
use crate::tui::draw::table::more_marks;
use crate::tui::draw::words::{ago, fit, width};
use crate::tui::model::rows::member;
use crate::tui::model::{Model, Pane};
use crate::tui::theme::Role;
use ratatui::layout::Rect;
use ratatui::text::Span;

/// One line on a cluster as a whole.
fn summary(look: &Look, model: &Model, cluster: &ClusterView) -> Vec<Span<'static>> {
    let span = |text: String, role: Role| Span::styled(text, look.style(role));
    let alive = cluster.members.iter().filter(|m| m.state == "alive").count();
    let mut spans =
        vec![span(cluster.stack.clone(), Role::Title), span(format!("  {alive} of {} alive", cluster.members.len()), Role::Text)];
    spans.push(match cluster.quorate {
        Some(true) => span(format!("  {} quorate", look.glyphs.ok), Role::Healthy),
        Some(false) => span(format!("  {} not quorate", look.glyphs.failed), Role::Failed),
        None => span(format!("  {} quorum unknown", look.glyphs.unknown), Role::Muted),
    });
    match cluster.may_fail {
        Some(0) => spans.push(span(format!("  {} may lose none", look.glyphs.warning), Role::Degraded)),
        Some(n) => spans.push(span(format!("  may lose {n}"), Role::Muted)),
        None => {}
    }
    if let Some(quorum) = cluster.quorum {
        spans.push(span(format!(" (needs {quorum})"), Role::Muted));
    }
    if let Some(seen) = cluster.seen.filter(|t| model.shown().since(*t).as_secs() >= 120) {
        spans.push(span(format!("  written {}", ago(model.shown(), seen)), Role::Muted));
    }
    spans
}

/// Rows that are wanted below the members.
pub(crate) fn foot_rows(model: &Model) -> u16 {
    let Some(view) = model.pool() else { return 0 };
    let clusters = &view.picture.clusters;
    let restarts = clusters.iter().filter(|c| !c.restart.is_empty()).count() as u16;
    let previews = clusters.iter().any(|c| c.stack == "o2cb" && c.members.len() <= PREVIEW);
    restarts + if previews && view.pool.hears_o2cb(model.shown()) { 3 } else { 0 }
}

/// Members up to which the preview is worked out for every drawing; above, it is in the detail of a member.
const PREVIEW: usize = 16;

/// In the rows that are left below the members: what needs a restart, and who would die if something failed now, worst first.
fn foot(pen: &mut Pen<'_>, model: &Model, body: Rect, mut y: u16) -> u16 {
    let Some(view) = model.pool() else { return y };
    let look = pen.look;
    let mut lines: Vec<(&'static str, Role, String)> = Vec::new();
    for cluster in view.picture.clusters.iter().filter(|c| !c.restart.is_empty()) {
        let text =
            format!("{} needs a restart on {}: it runs with another configuration", cluster.stack, cluster.restart.join(", "));
        lines.push((look.glyphs.warning, Role::Degraded, text));
    }
    let small = view.picture.clusters.iter().any(|c| c.stack == "o2cb" && c.members.len() <= PREVIEW);
    if small && y < body.bottom() {
        let mut all = view.pool.who_would_die(model.shown());
        all.retain(|one| one.health >= Health::Degraded);
        all.sort_by_key(|one| std::cmp::Reverse(one.health));
        for one in all {
            let sign = look.health(one.health);
            if !lines.iter().any(|(_, _, text)| *text == one.brief) {
                lines.push((sign.glyph, sign.role, one.brief));
            }
        }
    }
    for (glyph, role, text) in lines {
        if y >= body.bottom() {
            break;
        }
        let text = format!("{glyph} {text}");
        let room = body.width.saturating_sub(3);
        pen.text(body.x + 2, y, room, &fit(&text, room, look.glyphs.ellipsis), role);
        y += 1;
    }
    y
}

/// Draws the pane.
pub(crate) fn render(pen: &mut Pen<'_>, model: &Model, area: Rect) {
    let Some(pool) = model.pool() else { return };
    let picture = &pool.picture;
    let total = picture.clusters.iter().map(|c| c.members.len()).sum();
    let Some(view) = open(pen, model, Pane::Cluster, area, total, Vec::new()) else { return };
    if view.order.is_empty() && picture.clusters.iter().all(|c| !c.members.is_empty()) {
        let why = if picture.control.ha { "HA is on, but no cluster is known." } else { "No cluster: HA is off." };
        empty(pen, &view, total, why);
        return;
    }
    let View { order, state, cursor, focused, needle, body } = view;
    let look = pen.look;
    let names = order.iter().filter_map(|ix| member(picture, *ix)).map(|(_, m)| width(&m.host)).max().unwrap_or(4);
    let name = names.clamp(4, 24).min(body.width / 2);
    let mut y = body.y;
    let mut shown: Option<&ClusterView> = None;
    let mut last = state.first;
    for (at, ix) in order.iter().enumerate().skip(state.first) {
        let Some((cluster, m)) = member(picture, *ix) else { continue };
        if shown.is_none_or(|c| !std::ptr::eq(c, cluster)) {
            if y >= body.bottom() {
                break;
            }
            pen.line(body.x + 2, y, body.width.saturating_sub(3), &summary(look, model, cluster));
            shown = Some(cluster);
            y += 1;
        }
        if y >= body.bottom() {
            break;
        }
        let id = m.id.map_or_else(String::new, |id| id.to_string());
        // Only some cluster stacks number their members.
        let numbers = if cluster.members.iter().any(|m| m.id.is_some()) { 4 } else { 2 };
        pen.right(body.x + 2, y, numbers - 1, &[pen.span(id, Role::Muted)]);
        let x = body.x + 2 + numbers;
        pen.line(x, y, name, &marked(look, m.host.clone(), &needle, Role::Text));
        let sign = look.member(m.state, m.health);
        pen.sign(x + name + 2, y, body.right().saturating_sub(x + name + 3), sign);
        if cursor == Some(at) && focused {
            pen.tint(Rect { x: body.x, y, width: body.width.saturating_sub(1), height: 1 }, Role::Selection);
            let style = pen.style(Role::Selection);
            pen.put(body.x, y, 1, look.glyphs.cursor, style);
        }
        y += 1;
        last = at + 1;
    }
    if last == order.len() {
        y = foot(pen, model, body, y);
    }
    let rows = Rect { height: y - body.y, ..body };
    more_marks(
        pen,
        Rect { height: rows.height.max(1), ..rows },
        state.first,
        state.first + usize::from(rows.height) + order.len() - last,
    );
}
