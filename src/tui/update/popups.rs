//! What actions mean while a popup is open.

use super::action::{copied, detail_of, go};
use super::moves::step;
use super::{action, available, numbers};
use crate::tui::draw::Look;
use crate::tui::effect::{Effect, Request};
use crate::tui::keymap::Action;
use crate::tui::model::{Detail, Model, Popup, Raw, Target};
use crate::tui::msg::PoolIx;
use crate::tui::popups::{detail_extent, faults_shown, help_lines, help_rows, palette_rows, pools_rows, sheet_of};
use crate::tui::{sheet, wizard};

/// Rows of a list that a page key passes.
const PAGE: usize = 10;

/// Opens a detail.
pub(super) fn detail(model: &mut Model, target: Target) {
    model.popups.push(detail_of(target));
}

/// Does the action if it is the popup's; `None` if it is the screen's.
pub(super) fn act(model: &mut Model, action: Action) -> Option<Vec<Effect>> {
    let popup = model.popups.last()?.clone();
    if matches!(action, Action::Quit | Action::Suspend | Action::Redraw) {
        return None;
    }
    match action {
        Action::Back => {
            back(model, &popup);
            return Some(Vec::new());
        }
        Action::Help if !matches!(popup, Popup::Help { .. }) => return None,
        Action::Open => return Some(choose(model, popup)),
        Action::Filter => {
            if let Some(Popup::Help { typing, .. }) = model.popups.last_mut() {
                *typing = true;
            }
        }
        Action::Copy => {
            if let Popup::Detail(detail) = &popup {
                let sheet = sheet_of(model, detail);
                model.say(format!("Copied {}.", sheet.title), false);
                return Some(vec![Effect::Copy(sheet.plain())]);
            }
            if let Some((text, what)) = copied(model) {
                model.say(format!("Copied {what}."), false);
                return Some(vec![Effect::Copy(text)]);
            }
        }
        Action::Raw => return Some(raw(model)),
        Action::NumberNext | Action::NumberMore | Action::NumberLess | Action::NumberType => numbers::act(model, action),
        _ => moved(model, action),
    }
    Some(Vec::new())
}

fn back(model: &mut Model, popup: &Popup) {
    match popup {
        Popup::Help { typing: true, .. } => {
            if let Some(Popup::Help { input, typing, first }) = model.popups.last_mut() {
                *typing = false;
                *first = 0;
                input.reset();
            }
            return;
        }
        Popup::Detail(Detail { raw: Some(_), .. }) => {
            if let Some(Popup::Detail(detail)) = model.popups.last_mut() {
                detail.raw = None;
                detail.first = 0;
            }
            return;
        }
        Popup::Themes { before, .. } => show_theme(model, *before),
        _ => {}
    }
    model.popups.pop();
}

fn show_theme(model: &mut Model, at: usize) {
    if let Some(theme) = model.themes.get(at) {
        model.look = Look::new(theme.clone());
    }
}

/// Enter in a popup.
fn choose(model: &mut Model, popup: Popup) -> Vec<Effect> {
    match popup {
        Popup::Help { .. } => {
            if let Some(Popup::Help { typing, .. }) = model.popups.last_mut() {
                *typing = false;
            }
            Vec::new()
        }
        Popup::Palette { input, at } => {
            let rows = palette_rows(input.value());
            let Some(entry) = rows.get(at.min(rows.len().saturating_sub(1))) else { return Vec::new() };
            model.popups.pop();
            match available::availability(model, entry.action) {
                Ok(()) => action::act(model, entry.action),
                Err(why) => {
                    model.say(why, true);
                    Vec::new()
                }
            }
        }
        Popup::Pools { input, at } => {
            let rows = pools_rows(model, input.value());
            if let Some(ix) = rows.get(at.min(rows.len().saturating_sub(1))) {
                model.popups.pop();
                go(model, PoolIx(*ix));
            }
            Vec::new()
        }
        Popup::Themes { at, .. } => {
            model.popups.pop();
            model.theme_at = at;
            let Some(theme) = model.themes.get(at) else { return Vec::new() };
            vec![Effect::Request(Request::SaveTheme(theme.name.clone()))]
        }
        Popup::Faults { at } => {
            let Some(fault) = faults_shown(model).get(at).cloned() else { return Vec::new() };
            model.popups.pop();
            vec![Effect::Request(Request::Inject { id: fault.id })]
        }
        Popup::Accept { code, about, input } => {
            wizard::act::accepted(model, &code, &about, input.value());
            Vec::new()
        }
        Popup::Update { input } => {
            wizard::act::named(model, input.value());
            Vec::new()
        }
        Popup::Number { which, input } => {
            numbers::typed(model, which, input.value());
            Vec::new()
        }
        Popup::Moment { input } => super::past::chosen(model, input.value()),
        Popup::Ask { ask, at } => {
            model.popups.pop();
            if at == 0 { Vec::new() } else { wizard::act::agreed(model, ask) }
        }
        Popup::Detail(_) | Popup::Crashes { .. } | Popup::Crash(_) => Vec::new(),
    }
}

/// Shows the fields of the record; what poolwatch recorded is there at once, what the pool says now follows.
fn raw(model: &mut Model) -> Vec<Effect> {
    let pool = model.pool_ix();
    let Some(Popup::Detail(detail)) = model.popups.last_mut() else { return Vec::new() };
    detail.first = 0;
    if detail.raw.take().is_some() {
        return Vec::new();
    }
    let (Some((class, r#ref)), Some(pool)) = (detail.target.record(), pool) else { return Vec::new() };
    let recorded = model.pools.get(pool.0).and_then(|p| p.known().record(&r#ref)).map(sheet::recorded);
    detail.raw = Some(match recorded {
        Some(fields) => Raw::Fields(fields, "As poolwatch keeps it; the pool was asked for the whole record.".to_owned()),
        None => Raw::Asked,
    });
    if model.is_looking_back() {
        if let Some(Popup::Detail(Detail { raw: Some(raw), .. })) = model.popups.last_mut() {
            *raw = match std::mem::replace(raw, Raw::Asked) {
                Raw::Fields(fields, _) => Raw::Fields(fields, "As poolwatch recorded it then.".to_owned()),
                Raw::Asked => Raw::Fields(Vec::new(), "It was not recorded.".to_owned()),
            };
        }
        return Vec::new();
    }
    vec![Effect::Request(Request::FetchRaw { pool, class, r#ref })]
}

/// Up, down and the page keys in a popup.
fn moved(model: &mut Model, action: Action) {
    let Some(mut popup) = model.popups.pop() else { return };
    match &mut popup {
        Popup::Help { input, first, .. } => {
            let (count, seen) = (help_lines(model, input.value()).len(), help_rows(model));
            *first = scrolled(action, *first, count, seen);
        }
        Popup::Detail(detail) => {
            let (count, seen) = detail_extent(model, detail);
            detail.first = scrolled(action, detail.first, count, seen);
        }
        Popup::Palette { input, at } => *at = step(action, *at, palette_rows(input.value()).len(), PAGE),
        Popup::Pools { input, at } => *at = step(action, *at, pools_rows(model, input.value()).len(), PAGE),
        Popup::Ask { at, .. } => *at = step(action, *at, 2, PAGE),
        // Those of crashes are moved in by themselves.
        Popup::Crashes { .. }
        | Popup::Crash(_)
        | Popup::Accept { .. }
        | Popup::Update { .. }
        | Popup::Number { .. }
        | Popup::Moment { .. } => {}
        Popup::Faults { at } => *at = step(action, *at, faults_shown(model).len(), PAGE),
        Popup::Themes { at, .. } => {
            *at = step(action, *at, model.themes.len(), PAGE);
            let at = *at;
            show_theme(model, at);
        }
    }
    model.popups.push(popup);
}

/// Scrolling text: the first line, so that the last page stays full.
pub(super) fn scrolled(action: Action, first: usize, count: usize, seen: usize) -> usize {
    let last = count.saturating_sub(seen);
    match action {
        Action::Bottom => last,
        _ => step(action, first, last + 1, seen),
    }
}

/// What was typed changed: the best answer is chosen again.
pub(super) fn typed(model: &mut Model) {
    match model.popups.last_mut() {
        Some(Popup::Palette { at, .. } | Popup::Pools { at, .. }) => *at = 0,
        Some(Popup::Help { first, .. }) => *first = 0,
        _ => {}
    }
}
