//! What keys do in the wizard.

use super::scope::{Choice, Row};
use super::state::{Page, RunView, Survey};
use super::{ask, available, frame, words};
use crate::pool::picture::Severity;
use crate::rollout::entry::Command;
use crate::rollout::finding::Fix;
use crate::rollout::plan::Accepted;
use crate::rollout::progress::{CommandName, Standing};
use crate::tui::effect::{Effect, Request};
use crate::tui::keymap::Action;
use crate::tui::model::{Ask, Model, Popup};
use crate::tui::msg::PoolIx;
use crate::xenapi::record::Ref;
use tui_input::Input;

/// Does the action if it is the wizard's; `None` if it is the dashboard's. Whether it can be done was asked before.
pub(crate) fn act(model: &mut Model, action: Action) -> Option<Vec<Effect>> {
    if let Some(name) = words::command(action) {
        return Some(command(model, name));
    }
    match action {
        Action::Wizard => Some(open_or_leave(model)),
        Action::Quit if !ask::running(model).is_empty() => {
            if !matches!(model.popups.last(), Some(Popup::Ask { ask: Ask::Quit, .. })) {
                model.popups.push(Popup::Ask { ask: Ask::Quit, at: 0 });
            }
            Some(Vec::new())
        }
        _ if model.wizard().is_none() => None,
        // While the name is typed, enter is what chooses.
        Action::WizardNext => Some(next(model)),
        Action::Open if model.naming() => Some(match availability_of_next(model) {
            Ok(()) => next(model),
            Err(why) => {
                model.say(why, true);
                Vec::new()
            }
        }),
        Action::Back => {
            back(model);
            Some(Vec::new())
        }
        Action::Mark => {
            mark(model);
            Some(Vec::new())
        }
        Action::MarkAll => {
            changed(model, super::scope::Scope::mark_all);
            Some(Vec::new())
        }
        Action::Earlier | Action::Later => {
            shift(model, action == Action::Later);
            Some(Vec::new())
        }
        Action::Left | Action::Right => {
            turn(model, if action == Action::Left { -1 } else { 1 });
            Some(Vec::new())
        }
        Action::Accept => {
            accept(model);
            Some(Vec::new())
        }
        Action::Mend => Some(mend(model)),
        Action::Recheck => Some(survey(model)),
        Action::ResumeFound => Some(resume(model)),
        Action::NewRound => {
            if let Some(wizard) = model.wizard_mut() {
                wizard.run = None;
                wizard.survey = Survey::None;
                wizard.scope.options.accepted.clear();
                wizard.turn_to(Page::Scope);
            }
            Some(find(model))
        }
        Action::Copy => {
            let (text, what) = frame::copied(model)?;
            model.say(format!("Copied {what}."), false);
            Some(vec![Effect::Copy(text)])
        }
        _ if action.moves() => {
            moved(model, action);
            Some(Vec::new())
        }
        // What is the dashboard's alone, from the palette: the dashboard is shown for it.
        Action::Hosts
        | Action::Tasks
        | Action::Cluster
        | Action::Paths
        | Action::Alerts
        | Action::Log
        | Action::LogLevel
        | Action::NextPane
        | Action::PreviousPane
        | Action::Zoom
        | Action::Filter
        | Action::Sort
        | Action::Reverse
        | Action::Open => {
            leave(model);
            None
        }
        _ => None,
    }
}

fn availability_of_next(model: &Model) -> Result<(), String> {
    model.pool().map_or_else(|| Err("No pool is selected.".to_owned()), |pool| available::next(model, pool).map(|_| ()))
}

fn leave(model: &mut Model) {
    if let Some(wizard) = model.wizard_mut() {
        wizard.shown = false;
    }
}

fn open_or_leave(model: &mut Model) -> Vec<Effect> {
    if model.wizard().is_some() {
        leave(model);
        return Vec::new();
    }
    let Some(ix) = model.pool_ix() else { return Vec::new() };
    // From the list of all pools the pool is opened with it.
    model.screen = crate::tui::model::Screen::Pool(ix);
    if model.focus == crate::tui::model::Pane::Fleet {
        model.focus = crate::tui::model::Pane::Hosts;
    }
    model.filtering = None;
    let Some(view) = model.pools.get_mut(ix.0) else { return Vec::new() };
    let wizard = &mut view.wizard;
    wizard.shown = true;
    match &wizard.run {
        Some(run) if run.going() => wizard.page = Page::Run,
        Some(_) => {}
        None => {
            // A page further on would show a plan of another time.
            if !wizard.page.prepares() {
                wizard.turn_to(Page::Scope);
            }
            return find(model);
        }
    }
    Vec::new()
}

/// Asks for a run that was not ended.
fn find(model: &Model) -> Vec<Effect> {
    model.pool_ix().map(|pool| Effect::Request(Request::FindRun { pool })).into_iter().collect()
}

fn next(model: &mut Model) -> Vec<Effect> {
    let Some(page) = model.wizard().map(|w| w.page) else { return Vec::new() };
    match page {
        Page::Scope => {
            let Some(wizard) = model.wizard_mut() else { return Vec::new() };
            let known = matches!(wizard.survey, Survey::Ready(..) | Survey::Asked(_));
            wizard.turn_to(Page::Plan);
            if known { Vec::new() } else { survey(model) }
        }
        Page::Plan => turned(model, Page::Preflight),
        Page::Preflight => turned(model, Page::Confirm),
        Page::Confirm => start(model),
        Page::Run => turned(model, Page::Report),
        Page::Report => Vec::new(),
    }
}

fn turned(model: &mut Model, page: Page) -> Vec<Effect> {
    if let Some(wizard) = model.wizard_mut() {
        wizard.turn_to(page);
    }
    Vec::new()
}

fn back(model: &mut Model) {
    // A word to the operator goes first where it is asked to, as on the dashboard.
    model.toast = None;
    let Some(wizard) = model.wizard_mut() else { return };
    match wizard.page {
        Page::Scope => wizard.shown = false,
        Page::Plan => wizard.turn_to(Page::Scope),
        Page::Preflight => wizard.turn_to(Page::Plan),
        Page::Confirm => wizard.turn_to(Page::Preflight),
        Page::Run => match &wizard.run {
            // It was never begun: what was planned is still there.
            Some(run) if run.error.is_some() && run.progress.is_none() => {
                wizard.run = None;
                wizard.turn_to(if wizard.prepared().is_some() { Page::Preflight } else { Page::Scope });
            }
            _ => wizard.shown = false,
        },
        Page::Report => wizard.turn_to(Page::Run),
    }
}

/// Asks for plan and checks.
pub(super) fn survey(model: &mut Model) -> Vec<Effect> {
    let now = model.now;
    let Some(pool) = model.pool_ix() else { return Vec::new() };
    let Some(view) = model.pools.get_mut(pool.0) else { return Vec::new() };
    survey_of(view, pool, now)
}

/// As [`survey`], of a pool that may not be on the screen.
pub(super) fn survey_of(view: &mut crate::tui::model::PoolView, pool: PoolIx, now: crate::time::Time) -> Vec<Effect> {
    let wizard = &mut view.wizard;
    wizard.ask += 1;
    wizard.survey = Survey::Asked(now);
    let (scope, options) = (wizard.scope.asked(&view.picture.hosts), Box::new(wizard.scope.options.clone()));
    vec![Effect::Request(Request::Survey {
        pool,
        ask: wizard.ask,
        scope,
        options,
        rehearse: wizard.scope.rehearse.then_some(wizard.scope.faults),
    })]
}

fn start(model: &mut Model) -> Vec<Effect> {
    let now = model.now;
    let Some(pool) = model.pool_ix() else { return Vec::new() };
    let Some(wizard) = model.wizard_mut() else { return Vec::new() };
    let Some(plan) = wizard.plan() else { return Vec::new() };
    wizard.run = Some(RunView { asked: now, ..RunView::default() });
    wizard.turn_to(Page::Run);
    vec![Effect::Request(Request::StartRun { pool, plan: Box::new(plan) })]
}

fn resume(model: &mut Model) -> Vec<Effect> {
    let now = model.now;
    let Some(pool) = model.pool_ix() else { return Vec::new() };
    let Some(wizard) = model.wizard_mut() else { return Vec::new() };
    wizard.found = None;
    wizard.run = Some(RunView { asked: now, ..RunView::default() });
    wizard.turn_to(Page::Run);
    vec![Effect::Request(Request::ResumeRun { pool })]
}

/// Changes what is wanted: what was planned no longer holds.
fn changed(model: &mut Model, change: impl FnOnce(&mut super::scope::Scope)) {
    if let Some(wizard) = model.wizard_mut() {
        let before = wizard.scope.clone();
        change(&mut wizard.scope);
        // What is only shown or hidden plans nothing anew.
        let before = super::scope::Scope { unfolded: wizard.scope.unfolded, ..before };
        if wizard.scope != before {
            wizard.survey = Survey::None;
        }
    }
}

fn row(model: &Model) -> Option<Row> {
    let wizard = model.wizard().filter(|w| w.page == Page::Scope)?;
    wizard.scope.rows().get(wizard.at()).cloned()
}

/// The host under the cursor of the first page.
pub(super) fn host_at(model: &Model) -> Option<Ref> {
    if let Row::Host(host) = row(model)? { Some(host) } else { None }
}

fn mark(model: &mut Model) {
    let now = model.now;
    let Some(row) = row(model) else { return };
    if row == Row::Choice(Choice::Update) {
        let now = model.wizard().map(|w| w.scope.update.clone()).unwrap_or_default();
        model.popups.push(Popup::Update { input: Input::new(now) });
        return;
    }
    let hosts = model.pool().map(|p| p.picture.hosts.clone()).unwrap_or_default();
    changed(model, |scope| scope.mark(&row, now, &hosts));
}

fn turn(model: &mut Model, by: i32) {
    let now = model.now;
    let hosts = model.pool().map(|p| p.picture.hosts.clone()).unwrap_or_default();
    match row(model) {
        Some(Row::Choice(choice)) => changed(model, |scope| scope.turn(choice, by, now)),
        Some(Row::Limit(limit)) => changed(model, |scope| scope.turn_limit(limit, by)),
        Some(row @ Row::What(_)) => changed(model, |scope| scope.mark(&row, now, &hosts)),
        _ => {}
    }
}

fn shift(model: &mut Model, down: bool) {
    let Some(host) = host_at(model) else { return };
    let hosts = model.pool().map(|p| p.picture.hosts.clone()).unwrap_or_default();
    let mut result = Ok(());
    changed(model, |scope| result = scope.shift(&host, down, &hosts));
    match result {
        Ok(()) => {
            if let Some(wizard) = model.wizard_mut() {
                let at = wizard.at();
                wizard.set_at(if down { at + 1 } else { at.saturating_sub(1) });
            }
        }
        Err(why) => model.say(why, true),
    }
}

/// Asks for the reason, or takes an acceptance back.
fn accept(model: &mut Model) {
    let Some(finding) = model.pool().and_then(available::finding).filter(|f| f.severity == Severity::Soft).cloned() else {
        return;
    };
    let Some(wizard) = model.wizard_mut() else { return };
    if wizard.accepted(&finding).is_some() {
        wizard.scope.options.accepted.retain(|a| a.code != finding.code || !(a.about.is_empty() || a.about == finding.about));
        return;
    }
    model.popups.push(Popup::Accept { code: finding.code, about: finding.about, input: Input::default() });
}

/// A reason was typed.
pub(crate) fn accepted(model: &mut Model, code: &str, about: &str, reason: &str) {
    let reason = crate::text::clean(reason.trim(), 200).into_owned();
    if reason.chars().filter(|c| c.is_alphanumeric()).count() < 3 {
        model.say("Say in a few words why this is all right: it goes into the journal and the report.", true);
        return;
    }
    model.popups.pop();
    if let Some(wizard) = model.wizard_mut() {
        wizard.scope.options.accepted.push(Accepted { code: code.to_owned(), about: about.to_owned(), reason });
    }
}

/// The name of an update was typed.
pub(crate) fn named(model: &mut Model, update: &str) {
    model.popups.pop();
    let update = crate::text::clean(update.trim(), 200).into_owned();
    changed(model, |scope| scope.update = update);
}

fn mend(model: &mut Model) -> Vec<Effect> {
    let Some(pool) = model.pool_ix() else { return Vec::new() };
    let Some(fix) = model.pool().and_then(available::finding).and_then(|f| f.fix.clone()) else { return Vec::new() };
    if fix == Fix::ShutDownPinned {
        // It changes the plan, not the pool.
        changed(model, |scope| scope.options.shut_down_pinned = true);
        model.say("Guests that cannot move will be shut down for the time of the round; it is planned and checked again.", false);
        return survey(model);
    }
    model.popups.push(Popup::Ask { ask: Ask::Mend(pool, fix), at: 0 });
    Vec::new()
}

/// A question was answered with yes.
pub(crate) fn agreed(model: &mut Model, ask: Ask) -> Vec<Effect> {
    match ask {
        Ask::Quit => vec![Effect::Quit],
        Ask::Cause(of) => vec![Effect::Request(Request::WriteCause { pool: of.pool, dump: of.dump, cause: of.cause })],
        Ask::Command(pool, command) => vec![Effect::Request(Request::RunCommand { pool, command })],
        // It changes the plan, not the pool.
        Ask::Mend(_, Fix::DatabaseChecked { at }) => {
            changed(model, |scope| scope.options.database_checked = Some(at));
            survey(model)
        }
        Ask::Mend(pool, fix) => {
            if let Some(view) = model.pools.get_mut(pool.0) {
                view.wizard.mending = true;
            }
            vec![Effect::Request(Request::Mend { pool, fix })]
        }
    }
}

/// Gives the run a command, after a question where that is wise.
fn command(model: &mut Model, name: CommandName) -> Vec<Effect> {
    let Some(pool) = model.pool_ix() else { return Vec::new() };
    let over = model.pool().and_then(|p| p.wizard.progress()).is_some_and(|p| p.result.is_some());
    if name == CommandName::Restore && over {
        // Nobody works on it any more: its journal is taken up again, to put back what it left.
        if let Some(wizard) = model.pools.get_mut(pool.0).map(|view| &mut view.wizard) {
            wizard.turn_to(Page::Run);
        }
        model.say("What was left is put back now, as far as the pool lets that happen.", false);
        return vec![Effect::Request(Request::ResumeRun { pool })];
    }
    let command = match name {
        CommandName::Pause => Command::Pause,
        CommandName::Resume => Command::Resume,
        CommandName::StopAfterHost => Command::StopAfterHost,
        CommandName::Retry => Command::Retry,
        CommandName::Restore => Command::Restore,
        CommandName::Abort => Command::Abort,
        CommandName::Skip => match host_to_skip(model) {
            Ok(host) => Command::Skip { host },
            Err(why) => {
                model.say(why, true);
                return Vec::new();
            }
        },
    };
    if matches!(command, Command::Skip { .. } | Command::Abort) {
        model.popups.push(Popup::Ask { ask: Ask::Command(pool, command), at: 0 });
        return Vec::new();
    }
    vec![Effect::Request(Request::RunCommand { pool, command })]
}

/// Whether the host that would be left out now is not begun.
pub(super) fn waits(model: &Model) -> bool {
    let progress = model.pool().and_then(|p| p.wizard.progress());
    let host = host_to_skip(model).ok().and_then(|at| progress?.hosts.get(at));
    host.is_some_and(|h| h.standing == Standing::Waiting)
}

/// The host that is left out: the stuck one, or the one under the cursor.
fn host_to_skip(model: &Model) -> Result<usize, String> {
    let none = || "There is no host to leave out.".to_owned();
    let progress = model.pool().and_then(|p| p.wizard.progress()).ok_or_else(none)?;
    let at = model.wizard().filter(|w| w.page == Page::Run).map(super::Wizard::at);
    let stuck = progress.hosts.iter().position(|h| h.standing == Standing::Stuck);
    let waiting = progress.hosts.iter().position(|h| h.standing == Standing::Waiting);
    let can = |at: &usize| progress.hosts.get(*at).is_some_and(|h| matches!(h.standing, Standing::Waiting | Standing::Stuck));
    match at {
        Some(at) if can(&at) => Ok(at),
        Some(_) if stuck.is_none() => {
            Err("Go to a host that is not begun: only such a one, or one that is stuck, can be left out.".to_owned())
        }
        _ => stuck.or(waiting).ok_or_else(none),
    }
}

/// Moves the cursor, or scrolls where the row under it is longer than the screen or where there are no rows.
pub(crate) fn moved(model: &mut Model, action: Action) {
    let Some((paper, area)) = frame::laid_out(model) else { return };
    let height = usize::from(area.height).max(1);
    let last_first = paper.lines.len().saturating_sub(height);
    let items = paper.items();
    let Some(wizard) = model.wizard_mut() else { return };
    let (mut at, mut first) = (wizard.at().min(items.saturating_sub(1)), wizard.first().min(last_first));
    let span = |at: usize| paper.span(at).unwrap_or((first, first));
    match action {
        Action::Down if items > 0 => {
            let (_, end) = span(at);
            if end > first + height || at + 1 >= items {
                first += 1;
            } else {
                at += 1;
                let (start, end) = span(at);
                first = first.max(end.saturating_sub(height).min(start));
            }
        }
        Action::Up if items > 0 => {
            let (start, _) = span(at);
            if start < first || at == 0 {
                first = first.saturating_sub(1);
            } else {
                at -= 1;
                let (start, end) = span(at);
                first = first.min(start.max(end.saturating_sub(height)));
            }
        }
        Action::Top => (at, first) = (0, 0),
        Action::Bottom => (at, first) = (items.saturating_sub(1), last_first),
        Action::PageUp | Action::PageDown | Action::HalfUp | Action::HalfDown | Action::Up | Action::Down => {
            first = crate::tui::update::step(action, first, last_first + 1, height);
            let seen = |item: &usize| paper.span(*item).is_some_and(|(start, end)| start < first + height && end > first);
            let ends = match action {
                Action::PageDown | Action::HalfDown if first == last_first => (0..items).rev().find(seen),
                _ => (0..items).find(seen),
            };
            at = ends.unwrap_or(at);
        }
        _ => {}
    }
    wizard.set_at(at);
    wizard.set_first(first.min(last_first));
}
