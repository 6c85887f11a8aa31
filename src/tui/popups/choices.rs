//! Popups to choose from: commands, pools, themes, faults.

use super::window;
use crate::tui::draw::pen::Pen;
use crate::tui::draw::table::{more_marks, window as scroll};
use crate::tui::draw::words::width;
use crate::tui::fuzzy::score;
use crate::tui::keymap::{Action, Entry, TABLE};
use crate::tui::model::{FaultChoice, Model};
use crate::tui::theme::Role;
use crate::tui::update::availability;
use ratatui::layout::Rect;
use ratatui::text::Span;
use std::cmp::Reverse;
use tui_input::Input;

/// The actions that answer what was typed, the best first. What cannot be done now is listed too, with the reason.
pub(crate) fn palette_rows(typed: &str) -> Vec<&'static Entry> {
    let mut rows: Vec<(i32, &Entry)> = TABLE
        .iter()
        .filter(|entry| entry.action != Action::Palette)
        .filter_map(|entry| {
            let best =
                [score(typed, entry.action.name()), score(typed, entry.label), score(typed, entry.help).map(|s| s / 2 - 6)];
            Some((best.into_iter().flatten().max()?, entry))
        })
        .collect();
    rows.sort_by_key(|(score, _)| Reverse(*score));
    rows.into_iter().map(|(_, entry)| entry).collect()
}

/// The pools that answer what was typed, the best first.
pub(crate) fn pools_rows(model: &Model, typed: &str) -> Vec<usize> {
    let mut rows: Vec<(i32, usize)> =
        model.pools.iter().enumerate().filter_map(|(ix, p)| Some((score(typed, p.name())?, ix))).collect();
    rows.sort_by_key(|(score, ix)| (Reverse(*score), *ix));
    rows.into_iter().map(|(_, ix)| ix).collect()
}

/// The faults that can be chosen.
pub(crate) fn faults_shown(model: &Model) -> &[FaultChoice] {
    model.demo.as_ref().map_or(&[], |demo| &demo.faults)
}

/// Lines one below the other, the chosen one marked.
fn list<'a>(pen: &mut Pen<'_>, area: Rect, at: usize, count: usize, mut line: impl FnMut(usize) -> Vec<Span<'a>>) {
    let height = usize::from(area.height);
    let first = scroll(at.saturating_sub(height / 2), Some(at), count, height);
    for (row, ix) in (first..count).take(height).enumerate() {
        let y = area.y + row as u16;
        pen.line(area.x + 2, y, area.width.saturating_sub(3), &line(ix));
        if ix == at {
            pen.tint(Rect { y, height: 1, width: area.width.saturating_sub(1), ..area }, Role::Selection);
            let style = pen.style(Role::Selection);
            pen.put(area.x, y, 1, pen.look.glyphs.cursor, style);
        }
    }
    more_marks(pen, Rect { x: area.right().saturating_sub(1), width: 1, ..area }, first, count);
}

fn hints(model: &Model, choose: &'static str) -> Vec<(String, &'static str)> {
    let key = |action| model.keymap.keys_of(action, model.contexts()).into_iter().next().unwrap_or_default();
    vec![(key(Action::Open), choose), (key(Action::Back), "back")]
}

/// A line to type in, with a rule below; gives what is left.
fn field(pen: &mut Pen<'_>, area: Rect, prompt: &str, input: &Input) -> Rect {
    if area.height < 3 {
        return area;
    }
    let used = pen.text(area.x, area.y, area.width, prompt, Role::Key);
    let room = area.width.saturating_sub(used + 1);
    // The end of what is typed is always seen.
    let shown: String = {
        let all: Vec<char> = input.value().chars().collect();
        all.iter().skip(all.len().saturating_sub(usize::from(room))).collect()
    };
    let typed = pen.text(area.x + used, area.y, room, &shown, Role::Input);
    pen.text(area.x + used + typed, area.y, 1, "_", Role::Focus);
    pen.rule(area.x, area.y + 1, area.width, Role::Border);
    Rect { y: area.y + 2, height: area.height - 2, ..area }
}

pub(super) fn palette(pen: &mut Pen<'_>, model: &Model, input: &Input, at: usize, screen: Rect) {
    let rows = palette_rows(input.value());
    let body = window(pen, screen, (96, 24), "Command", &hints(model, "do it"));
    let area = field(pen, body, ": ", input);
    if rows.is_empty() {
        pen.text(area.x + 2, area.y, area.width.saturating_sub(3), "No action is called that. esc leaves.", Role::Muted);
        return;
    }
    let look = pen.look;
    let keys = |entry: &Entry| model.keymap.keys_of(entry.action, &[]).into_iter().take(2).collect::<Vec<_>>().join("  ");
    let wide = TABLE.iter().map(|entry| usize::from(width(&keys(entry)))).max().unwrap_or(0).min(20);
    list(pen, area, at.min(rows.len() - 1), rows.len(), |ix| {
        let Some(entry) = rows.get(ix) else { return Vec::new() };
        let why = availability(model, entry.action).err();
        let keys = keys(entry);
        let (role, words, words_role) = match why {
            None => (Role::Text, entry.help.to_owned(), Role::Muted),
            Some(why) => (Role::Muted, format!("not now: {why}"), Role::Emphasis),
        };
        vec![
            Span::styled(format!("{:<14}", entry.label), look.style(role)),
            Span::styled(format!(" {keys:<wide$}  "), look.style(Role::Key)),
            Span::styled(words, look.style(words_role)),
        ]
    });
}

pub(super) fn pools(pen: &mut Pen<'_>, model: &Model, input: &Input, at: usize, screen: Rect) {
    let rows = pools_rows(model, input.value());
    let body = window(pen, screen, (80, 20), "Go to pool", &hints(model, "go"));
    let area = field(pen, body, "> ", input);
    if rows.is_empty() {
        pen.text(area.x + 2, area.y, area.width.saturating_sub(3), "No pool is called that. esc leaves.", Role::Muted);
        return;
    }
    let name = model.pools.iter().map(|p| width(p.name())).max().unwrap_or(4).min(30);
    let look = pen.look;
    list(pen, area, at.min(rows.len() - 1), rows.len(), |ix| {
        let Some(pool) = rows.get(ix).and_then(|ix| model.pools.get(*ix)) else { return Vec::new() };
        let sign = look.answer(pool.picture.verdict.state);
        let link = look.link(pool.picture.link.state);
        let shown = crate::tui::draw::words::fit(pool.name(), name, look.glyphs.ellipsis).into_owned();
        let pad = " ".repeat(usize::from(name.saturating_sub(width(&shown))) + 2);
        vec![
            Span::styled(shown + &pad, look.style(Role::Title)),
            Span::styled(format!("{} {:<13}", sign.glyph, sign.word), look.style(sign.role)),
            Span::styled(format!("{} {}", link.glyph, link.word), look.style(link.role)),
        ]
    });
}

pub(super) fn themes(pen: &mut Pen<'_>, model: &Model, at: usize, screen: Rect) {
    let count = model.themes.len();
    let height = u16::try_from(count).unwrap_or(20).saturating_add(2).min(24);
    let body = window(pen, screen, (44, height), "Theme", &hints(model, "keep"));
    let look = pen.look;
    list(pen, body, at, count, |ix| {
        let name = model.themes.get(ix).map_or("", |t| &t.title);
        let mark = if ix == model.theme_at { look.glyphs.ok } else { " " };
        vec![Span::styled(format!("{mark} "), look.style(Role::Healthy)), Span::styled(name.to_owned(), look.style(Role::Text))]
    });
}

pub(super) fn faults(pen: &mut Pen<'_>, model: &Model, at: usize, screen: Rect) {
    let faults = faults_shown(model);
    let height = u16::try_from(faults.len()).unwrap_or(20).saturating_add(4).min(24);
    let body = window(pen, screen, (84, height), "Make something go wrong (simulated pool)", &hints(model, "do it"));
    let rows = Rect { height: body.height.saturating_sub(2), ..body };
    let look = pen.look;
    list(pen, rows, at, faults.len(), |ix| {
        faults.get(ix).map_or_else(Vec::new, |f| vec![Span::styled(f.label.clone(), look.style(Role::Text))])
    });
    if let Some(fault) = faults.get(at).filter(|_| body.height >= 3) {
        pen.text(body.x + 2, body.bottom() - 1, body.width.saturating_sub(3), &fault.description, Role::Muted);
    }
}
