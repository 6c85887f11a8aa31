//! Every key, made from the table, with a search.

use super::{inside, window};
use crate::tui::draw::pen::Pen;
use crate::tui::draw::table::more_marks;
use crate::tui::draw::words::{find, width};
use crate::tui::keymap::{Action, Entry, TABLE};
use crate::tui::model::Model;
use crate::tui::panes::hosts::marked;
use crate::tui::theme::Role;
use crate::tui::update::availability;
use ratatui::layout::Rect;
use tui_input::Input;

const SIZE: (u16, u16) = (120, 128);

/// A line of the help.
pub(crate) enum Line {
    Group(&'static str),
    Blank,
    Entry(&'static Entry, Vec<String>),
}

/// The lines that the search lets through.
pub(crate) fn lines(model: &Model, search: &str) -> Vec<Line> {
    let needle = search.trim().to_lowercase();
    let mut lines = Vec::new();
    let mut group = "";
    for entry in TABLE {
        let keys = model.keymap.keys_of(entry.action, &[]);
        let texts = [entry.help, entry.label, entry.action.name(), entry.group];
        let hit = needle.is_empty()
            || texts.iter().any(|text| find(text, &needle).is_some())
            || keys.iter().any(|key| find(key, &needle).is_some());
        if !hit {
            continue;
        }
        if entry.group != group {
            if !lines.is_empty() {
                lines.push(Line::Blank);
            }
            group = entry.group;
            lines.push(Line::Group(group));
        }
        lines.push(Line::Entry(entry, keys));
    }
    lines
}

/// How many lines are seen at a time.
pub(crate) fn rows(model: &Model) -> usize {
    usize::from(inside(Rect::new(0, 0, model.size.0, model.size.1), SIZE.0, SIZE.1).height)
}

pub(super) fn render(pen: &mut Pen<'_>, model: &Model, input: &Input, typing: bool, first: usize, screen: Rect) {
    let lines = lines(model, input.value());
    let needle = input.value().trim().to_lowercase();
    let key = |action| model.keymap.keys_of(action, model.contexts()).into_iter().next().unwrap_or_default();
    let hints = [(key(Action::Filter), "search"), (key(Action::Back), "back")];
    let hints = if typing { [(key(Action::Open), "keep"), (key(Action::Back), "clear")] } else { hints };
    let title = match (typing, input.value()) {
        (true, text) => format!("Keys   /{text}_"),
        (false, "") => "Keys".to_owned(),
        (false, text) => format!("Keys   /{text}"),
    };
    let body = window(pen, screen, SIZE, &title, &hints);
    let seen = usize::from(body.height);
    let first = first.min(lines.len().saturating_sub(seen));
    if lines.is_empty() {
        pen.text(body.x, body.y, body.width, "No key and no action is called that.", Role::Muted);
    }
    let column = lines
        .iter()
        .filter_map(|line| if let Line::Entry(_, keys) = line { Some(width(&keys.join("  "))) } else { None })
        .max()
        .unwrap_or(0)
        .min(body.width / 3)
        .max(6);
    for (at, line) in lines.iter().skip(first).take(seen).enumerate() {
        let y = body.y + at as u16;
        match line {
            Line::Blank => {}
            Line::Group(group) => {
                pen.text(body.x, y, body.width, group, Role::Title);
            }
            Line::Entry(entry, keys) => {
                pen.text(body.x + 2, y, column, &keys.join("  "), Role::Key);
                // What depends on the popup that is open says nothing about the screen below.
                let here = matches!(
                    entry.action,
                    Action::Open | Action::Back | Action::Filter | Action::Copy | Action::Raw | Action::WizardNext
                );
                let why = availability(model, entry.action).err().filter(|_| !here);
                let role = if why.is_some() { Role::Muted } else { Role::Text };
                let mut spans = marked(pen.look, entry.help.to_owned(), &needle, role);
                if let Some(why) = why {
                    spans.push(pen.span(format!(" (not now: {why})"), Role::Muted));
                }
                pen.line(body.x + 2 + column + 2, y, body.width.saturating_sub(column + 5), &spans);
            }
        }
    }
    more_marks(pen, Rect { x: body.right().saturating_sub(1), width: 2, ..body }, first, lines.len());
}
