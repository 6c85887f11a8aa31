//! A question with two answers, and the line for a reason.

use super::window;
use crate::pool::budget::calculator::Number;
use crate::tui::draw::pen::Pen;
use crate::tui::draw::words::{exact, wrap};
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

/// Words, then a line to type in.
fn field(pen: &mut Pen<'_>, model: &Model, title: &str, words: (&str, &str), input: &Input, screen: Rect) {
    let (text, prompt) = words;
    let room = WIDTH.min(screen.width).saturating_sub(if screen.width > 70 { 4 } else { 0 } + 4).max(8);
    let lines = wrap(text, room);
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(5);
    let body = window(pen, screen, (WIDTH, height), title, &hints(model, "keep"));
    if body.height == 0 {
        return;
    }
    // The line to type in is always there; the words give way.
    let y = body.bottom() - 1;
    for (row, line) in lines.iter().take(usize::from(body.height.saturating_sub(2))).enumerate() {
        pen.text(body.x, body.y + row as u16, body.width, line, Role::Text);
    }
    if body.height >= 2 {
        pen.text(body.x, y - 1, body.width, prompt, Role::Muted);
    }
    let used = pen.text(body.x, y, body.width, "> ", Role::Key);
    let room = body.width.saturating_sub(used + 1);
    let typed: Vec<char> = input.value().chars().collect();
    let shown: String = typed.iter().skip(typed.len().saturating_sub(usize::from(room))).collect();
    let typed = pen.text(body.x + used, y, room, &shown, Role::Input);
    pen.text(body.x + used + typed, y, 1, "_", Role::Focus);
}

pub(super) fn accept(pen: &mut Pen<'_>, model: &Model, finding: (&str, &str), input: &Input, screen: Rect) {
    let (code, about) = finding;
    let of = |f: &&crate::rollout::finding::Finding| f.code == code && f.about == about;
    let prepared = model.pool().and_then(|p| p.wizard.prepared());
    let text = prepared.and_then(|p| p.findings.iter().find(of)).map_or("This is not found any more.", |f| f.text.as_str());
    let prompt = "Why is this all right? It goes into the journal and the report.";
    field(pen, model, "Accept this finding", (text, prompt), input, screen);
}

pub(super) fn update(pen: &mut Pen<'_>, model: &Model, input: &Input, screen: Rect) {
    let text = "A round installs one update. If only one waits to be installed, it need not be named.";
    field(pen, model, "Which update?", (text, "Its name or its uuid, as xe update-list shows them."), input, screen);
}

pub(super) fn number(pen: &mut Pen<'_>, model: &Model, which: Number, input: &Input, screen: Rect) {
    let text = "Only a calculation: nothing in the pool is changed by it.";
    field(pen, model, "Which number?", (text, which.words()), input, screen);
}

pub(super) fn moment(pen: &mut Pen<'_>, model: &Model, input: &Input, screen: Rect) {
    let line = model.past().and_then(|past| past.moment.as_ref()).map(|moment| &moment.line);
    let text = line.map_or_else(String::new, |line| {
        format!("Recorded is {} to {}.", exact(line.from, &model.zone), exact(line.to, &model.zone))
    });
    field(pen, model, "Go to which time?", (&text, "14:05, 14:05:30, 2026-11-21 14:05, or -5min from here."), input, screen);
}
