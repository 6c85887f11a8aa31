//! A question with two answers, and the line for a reason.

use super::window;
use crate::tui::draw::pen::Pen;
use crate::tui::draw::words::wrap;
use crate::tui::keymap::Action;
use crate::tui::model::{Ask, Model};
use crate::tui::theme::Role;
use crate::tui::wizard::ask::question;
use ratatui::layout::Rect;
use tui_input::Input;

/// Columns of the popup at most.
const WIDTH: u16 = 84;

fn hints(model: &Model, choose: &'static str) -> Vec<(String, &'static str)> {
    let key = |action| model.keymap.keys_of(action, model.contexts()).into_iter().next().unwrap_or_default();
    vec![(key(Action::Open), choose), (key(Action::Back), "back")]
}

pub(super) fn ask(pen: &mut Pen<'_>, model: &Model, ask: &Ask, at: usize, screen: Rect) {
    let question = question(model, ask);
    let room = WIDTH.min(screen.width).saturating_sub(if screen.width > 70 { 4 } else { 0 } + 4).max(8);
    let mut lines: Vec<String> = Vec::new();
    for text in &question.says {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.extend(wrap(text, room));
    }
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(5);
    let body = window(pen, screen, (WIDTH, height), &question.title, &hints(model, "choose"));
    // The answers are always there; the words give way.
    let words = body.height.saturating_sub(2);
    let cut = lines.len() > usize::from(words);
    if cut {
        lines.retain(|line| !line.is_empty());
    }
    for (row, line) in lines.iter().take(usize::from(words)).enumerate() {
        pen.text(body.x, body.y + row as u16, body.width, line, Role::Text);
    }
    for (row, answer) in question.answers.iter().enumerate() {
        let y = body.bottom().saturating_sub(2) + row as u16;
        if y < body.y || y >= body.bottom() {
            continue;
        }
        pen.text(body.x + 2, y, body.width.saturating_sub(2), answer, Role::Text);
        if row == at {
            pen.tint(Rect { y, height: 1, ..body }, Role::Selection);
            let style = pen.style(Role::Selection);
            pen.put(body.x, y, 1, pen.look.glyphs.cursor, style);
        }
    }
}

pub(super) fn accept(pen: &mut Pen<'_>, model: &Model, finding: (&str, &str), input: &Input, screen: Rect) {
    let (code, about) = finding;
    let of = |f: &&crate::rollout::finding::Finding| f.code == code && f.about == about;
    let text = model
        .pool()
        .and_then(|p| p.wizard.prepared())
        .and_then(|p| p.findings.iter().find(of))
        .map_or("This is not found any more.", |f| f.text.as_str());
    let room = WIDTH.min(screen.width).saturating_sub(if screen.width > 70 { 4 } else { 0 } + 4).max(8);
    let lines = wrap(text, room);
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(6);
    let body = window(pen, screen, (WIDTH, height), "Accept this finding", &hints(model, "accept"));
    let mut y = body.y;
    for line in lines.iter().take(usize::from(body.height.saturating_sub(2))) {
        pen.text(body.x, y, body.width, line, Role::Text);
        y += 1;
    }
    let y = if body.height > lines.len() as u16 + 2 { y + 1 } else { y };
    if y < body.bottom() && body.height >= 4 {
        pen.text(body.x, y, body.width, "Why is this all right? It goes into the journal and the report.", Role::Muted);
    }
    let y = (y + 1).min(body.bottom().saturating_sub(1));
    if body.height == 0 {
        return;
    }
    let used = pen.text(body.x, y, body.width, "> ", Role::Key);
    let room = body.width.saturating_sub(used + 1);
    let typed: Vec<char> = input.value().chars().collect();
    let shown: String = typed.iter().skip(typed.len().saturating_sub(usize::from(room))).collect();
    let typed = pen.text(body.x + used, y, room, &shown, Role::Input);
    pen.text(body.x + used + typed, y, 1, "_", Role::Focus);
}
