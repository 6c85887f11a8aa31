//! Doing what was asked for.

use super::{moves, popups};
use crate::tui::effect::{Effect, Request};
use crate::tui::keymap::Action;
use crate::tui::log::Level;
use crate::tui::model::rows::{Work, alert_key, member, work};
use crate::tui::model::{Detail, Model, Pane, Popup, Screen, Target};
use crate::tui::msg::PoolIx;
use crate::tui::{sheet, wizard};
use tui_input::Input;

/// Does it. Whether it can be done now was asked before.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    if let Some(effects) = super::crash::act(model, action) {
        return effects;
    }
    if let Some(effects) = popups::act(model, action) {
        return effects;
    }
    if let Some(effects) = super::past::act(model, action) {
        return effects;
    }
    if let Some(effects) = wizard::act::act(model, action) {
        return effects;
    }
    match action {
        Action::Quit => return vec![Effect::Quit],
        Action::Suspend => return vec![Effect::Suspend],
        Action::Redraw => return vec![Effect::Redraw],
        Action::Help => model.popups.push(Popup::Help { input: Input::default(), typing: false, first: 0 }),
        Action::Palette => model.popups.push(Popup::Palette { input: Input::default(), at: 0 }),
        Action::Pools => model.popups.push(Popup::Pools { input: Input::default(), at: 0 }),
        Action::Theme => model.popups.push(Popup::Themes { at: model.theme_at, before: model.theme_at }),
        Action::Faults => model.popups.push(Popup::Faults { at: 0 }),
        Action::Filter => {
            let filter = model.state(model.focus).map(|s| s.filter.clone()).unwrap_or_default();
            model.filtering = Some(Input::new(filter));
        }
        Action::NextPane => focus_next(model, 1),
        Action::PreviousPane => focus_next(model, Pane::OF_A_POOL.len() - 1),
        Action::Hosts => model.focus = Pane::Hosts,
        Action::Tasks => model.focus = Pane::Tasks,
        Action::Cluster => model.focus = Pane::Cluster,
        Action::Paths => model.focus = Pane::Paths,
        Action::Alerts => model.focus = Pane::Alerts,
        Action::Log => model.focus = Pane::Log,
        Action::LogLevel => {
            model.log_level = match model.log_level {
                Level::Error => Level::Warning,
                Level::Warning => Level::Info,
                Level::Info => Level::Debug,
                Level::Debug => Level::Error,
            };
        }
        Action::Zoom => model.zoom = !model.zoom,
        Action::Sort => sort(model),
        Action::Reverse => {
            let pane = model.focus;
            if let Some(state) = model.state_mut(pane) {
                state.reverse = !state.reverse;
            }
        }
        Action::Open => return open(model),
        Action::Why => popups::detail(model, Target::Verdict),
        Action::Control => popups::detail(model, Target::Control),
        Action::Budget => popups::detail(model, Target::Budget),
        Action::Clocks => popups::detail(model, Target::Clocks),
        Action::Copy => {
            if let Some((text, what)) = copied(model) {
                model.say(format!("Copied {what}."), false);
                return vec![Effect::Copy(text)];
            }
        }
        Action::Fleet => fleet(model),
        Action::NextPool => step_pool(model, 1),
        Action::PreviousPool => step_pool(model, model.pools.len().saturating_sub(1)),
        Action::Back if model.is_looking_back() && !model.replay && super::available::nothing_to_leave(model) => {
            super::past::live(model);
        }
        Action::Back => back(model),
        Action::Faster => return speed(model, 2.0),
        Action::Slower => return speed(model, 0.5),
        Action::Up
        | Action::Down
        | Action::Left
        | Action::Right
        | Action::PageUp
        | Action::PageDown
        | Action::HalfUp
        | Action::HalfDown
        | Action::Top
        | Action::Bottom => moves::moved(model, action),
        // A popup's, the wizard's, or about time.
        Action::Time
        | Action::SecondsBack
        | Action::SecondsForth
        | Action::MinutesBack
        | Action::MinutesForth
        | Action::EventBack
        | Action::EventForth
        | Action::Play
        | Action::Live
        | Action::Crashes
        | Action::CrashEvidence
        | Action::CrashHtml
        | Action::CrashMoment
        | Action::CrashCause
        | Action::CrashAgain
        | Action::CrashStop
        | Action::Raw
        | Action::NumberNext
        | Action::NumberMore
        | Action::NumberLess
        | Action::NumberType
        | Action::Wizard
        | Action::WizardNext
        | Action::Mark
        | Action::MarkAll
        | Action::Earlier
        | Action::Later
        | Action::Accept
        | Action::Mend
        | Action::Recheck
        | Action::RunPause
        | Action::RunGoOn
        | Action::RunStop
        | Action::RunSkip
        | Action::RunRetry
        | Action::RunAbort
        | Action::RunRestore
        | Action::ResumeFound
        | Action::NewRound => {}
    }
    Vec::new()
}

fn focus_next(model: &mut Model, by: usize) {
    let panes = Pane::OF_A_POOL;
    let at = panes.iter().position(|p| *p == model.focus).unwrap_or(0);
    if let Some(pane) = panes.get((at + by) % panes.len()) {
        model.focus = *pane;
    }
}

fn sort(model: &mut Model) {
    let pane = model.focus;
    let sorts = pane.sorts();
    if let Some(state) = model.state_mut(pane) {
        state.sort = (state.sort + 1) % sorts.len().max(1);
        let name = sorts.get(state.sort).copied().unwrap_or_default();
        model.say(format!("Sorted by {name}."), false);
    }
}

fn speed(model: &mut Model, by: f64) -> Vec<Effect> {
    let Some(demo) = &model.demo else { return Vec::new() };
    let speed = if demo.speed.is_finite() && demo.speed > 0.0 { demo.speed * by } else { 1.0 };
    vec![Effect::Request(Request::Speed(speed.clamp(0.25, 256.0)))]
}

/// The list of all pools, with the pool that was open under the cursor.
fn fleet(model: &mut Model) {
    if let Screen::Pool(ix) = model.screen {
        model.fleet.selected = Some(ix.0.to_string());
    }
    model.screen = Screen::Fleet;
    model.focus = Pane::Fleet;
    model.zoom = false;
    model.filtering = None;
}

/// Opens a pool.
pub(super) fn go(model: &mut Model, ix: PoolIx) {
    if ix.0 >= model.pools.len() {
        return;
    }
    model.screen = Screen::Pool(ix);
    model.filtering = None;
    if model.focus == Pane::Fleet {
        model.focus = Pane::Hosts;
    }
}

fn step_pool(model: &mut Model, by: usize) {
    let count = model.pools.len().max(1);
    let at = model.pool_ix().map_or(0, |ix| ix.0);
    let next = PoolIx((at + by) % count);
    if model.screen == Screen::Fleet {
        model.fleet.selected = Some(next.0.to_string());
    } else {
        go(model, next);
    }
}

fn back(model: &mut Model) {
    let typed = model.filtering.take().is_some();
    if typed || model.state(model.focus).is_some_and(|s| !s.filter.is_empty()) {
        clear_filter(model);
    } else if model.zoom {
        model.zoom = false;
    } else if model.screen != Screen::Fleet && model.pools.len() > 1 {
        fleet(model);
    }
    model.toast = None;
}

fn clear_filter(model: &mut Model) {
    let pane = model.focus;
    if let Some(state) = model.state_mut(pane) {
        state.filter.clear();
    }
}

/// What the selected row is about.
pub(super) fn target(model: &Model) -> Option<Target> {
    let pane = model.focus;
    let order = model.order(pane);
    let ix = *order.get(model.cursor(pane, &order)?)?;
    let picture = &model.pool()?.picture;
    Some(match pane {
        Pane::Hosts => Target::Host(picture.hosts.get(ix)?.r#ref.clone()),
        Pane::Tasks => match work(picture, ix)? {
            Work::Rebuild(r) => Target::Rebuild(r.sr.clone(), r.source.clone()),
            Work::Task(t) => Target::Task(t.r#ref.clone()),
        },
        Pane::Cluster => {
            let (cluster, member) = member(picture, ix)?;
            Target::Member(cluster.stack.clone(), member.host.clone())
        }
        Pane::Paths => {
            let grid = &model.pool()?.grid;
            let column = model.state(pane)?.column.min(grid.columns.len().checked_sub(1)?);
            let path = grid.cell(picture, ix, column)?;
            Target::Path(path.host.clone(), path.kind, path.name.clone())
        }
        Pane::Alerts => Target::Alert(alert_key(picture.alerts.get(ix)?)),
        Pane::Log => Target::Line(model.log.get(ix)?.clone()),
        Pane::Fleet => return None,
    })
}

fn open(model: &mut Model) -> Vec<Effect> {
    if model.filtering.take().is_some() {
        return Vec::new();
    }
    if model.screen == Screen::Fleet {
        if let Some(ix) = model.pool_ix() {
            go(model, ix);
        }
    } else if let Some(target) = target(model) {
        popups::detail(model, target);
    }
    Vec::new()
}

/// What would be copied now, and what it is called.
pub(super) fn copied(model: &Model) -> Option<(String, String)> {
    if model.focus == Pane::Log {
        let order = model.order(Pane::Log);
        let ix = model.cursor(Pane::Log, &order).or(Some(0)).and_then(|at| order.get(at))?;
        let line = model.log.get(*ix)?;
        let text = format!("{} {} {} {}", line.at, line.level.word(), line.target, line.text);
        return Some((text, "the line".to_owned()));
    }
    let target = if model.screen == Screen::Fleet { model.pool().map(|_| Target::Verdict)? } else { target(model)? };
    let sheet = sheet::of(model, &target);
    Some((sheet.plain(), sheet.title))
}

/// A detail over the screen.
pub(super) fn detail_of(target: Target) -> Popup {
    Popup::Detail(Detail { target, first: 0, raw: None })
}
