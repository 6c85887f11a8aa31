//! One frame: header, verdict, panes, footer, popups.

use super::layout;
use super::pen::Pen;
use crate::pool::picture::LinkState;
use crate::tui::model::{Model, Screen};
use crate::tui::panes::{self, footer, header, progress, timeline, verdict};
use crate::tui::popups;
use crate::tui::theme::Role;
use crate::tui::wizard;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Draws the model as of its last [`Model::settle`].
pub fn draw(model: &Model, buf: &mut Buffer) {
    let screen = Rect::new(0, 0, model.size.0, model.size.1).intersection(*buf.area());
    let mut pen = Pen::new(buf, &model.look);
    let all = pen.area();
    pen.clear(all, Role::Surface);
    if screen.is_empty() {
        return;
    }
    let plan = layout::plan(model);
    header::render(&mut pen, model, plan.header);
    let body = plan.panes.iter().fold(Rect::ZERO, |all, (_, area)| if all.is_empty() { *area } else { all.union(*area) });
    let pool = if model.screen == Screen::Fleet { None } else { model.pool() };
    if let Some(pool) = pool {
        verdict::render(&mut pen, model, plan.verdict, plan.framed);
        if model.wizard().is_some() {
            draw_panes(&mut pen, model, &plan);
            wizard::render(&mut pen, model, plan.wizard);
        } else if progress::wanted(pool) && !model.zoom {
            progress::render(&mut pen, model, pool, body);
        } else {
            draw_panes(&mut pen, model, &plan);
        }
        timeline::render(&mut pen, model, pool, plan.time);
        if matches!(pool.picture.link.state, LinkState::Lost | LinkState::Refused) && !progress::wanted(pool) {
            pen.tint(body, Role::Stale);
        }
    } else {
        draw_panes(&mut pen, model, &plan);
    }
    footer::render(&mut pen, model, plan.footer);
    for popup in &model.popups {
        popups::render(&mut pen, model, popup, screen);
    }
    if model.popups.last().is_some() && !plan.footer.is_empty() {
        footer::render(&mut pen, model, plan.footer);
    }
}

fn draw_panes(pen: &mut Pen<'_>, model: &Model, plan: &layout::Plan) {
    for (pane, area) in &plan.panes {
        panes::render(pen, model, *pane, *area);
    }
    for (x, area) in &plan.lines {
        pen.rule_down(*x, *area, Role::Border);
    }
}
