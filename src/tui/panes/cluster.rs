//! Clusters and their members: who is alive, whether it may act, and how many more may fail.

use super::hosts::marked;
use super::{View, empty, open};
use crate::pool::picture::ClusterView;
use crate::tui::draw::Look;
use crate::tui::draw::pen::Pen;
use crate::tui::draw::table::more_marks;
use crate::tui::draw::words::{ago, width};
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
    if let Some(seen) = cluster.seen.filter(|t| model.shown().since(*t).as_secs() >= 120) {
        spans.push(span(format!("  written {}", ago(model.shown(), seen)), Role::Muted));
    }
    spans
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
    let rows = Rect { height: y - body.y, ..body };
    more_marks(
        pen,
        Rect { height: rows.height.max(1), ..rows },
        state.first,
        state.first + usize::from(rows.height) + order.len() - last,
    );
}
