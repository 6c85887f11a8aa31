//! Where everything goes, for every size of the terminal. Used by drawing and by the page keys alike.
//!
//! Four shapes: tiny (one pane), narrow (a stack), wide (hosts above two columns), large (three columns and the log);
//! and where few hosts leave room, panes that speak in sentences above each other in the whole width.

use crate::tui::draw::words::width;
use crate::tui::model::grid::short_name;
use crate::tui::model::{Model, Pane, Screen, rows};
use crate::tui::panes::cluster::foot_rows;
use crate::tui::panes::{timeline, verdict};
use ratatui::layout::Rect;

/// From this width on there are two columns, and a frame around the verdict.
const WIDE: u16 = 110;
/// From this width on there are three columns.
const LARGE: u16 = 190;
/// Below this width or height there is one pane only.
const TINY: (u16, u16) = (60, 16);

/// Where everything goes. Areas may be empty; none is outside of the screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    pub header: Rect,
    pub verdict: Rect,
    /// Whether the verdict has a frame.
    pub framed: bool,
    /// The guided rollout, if it is open.
    pub wizard: Rect,
    /// Panes with their title line.
    pub panes: Vec<(Pane, Rect)>,
    /// Lines down between columns.
    pub lines: Vec<(u16, Rect)>,
    /// The line of time.
    pub time: Rect,
    pub footer: Rect,
}

/// A slice of `area`, `height` rows from its top; the rest stays.
fn take(area: &mut Rect, height: u16) -> Rect {
    let height = height.min(area.height);
    let top = Rect { height, ..*area };
    area.y += height;
    area.height -= height;
    top
}

/// The layout of the model's screen.
pub(crate) fn plan(model: &Model) -> Plan {
    let (width, height) = model.size;
    let mut plan = Plan::default();
    let mut area = Rect::new(0, 0, width, height);
    if area.is_empty() {
        return plan;
    }
    plan.header = take(&mut area, 1);
    if area.height > 5 {
        area.height -= 1;
        plan.footer = Rect::new(0, area.bottom(), width, 1);
    }
    if model.screen == Screen::Fleet {
        plan.panes.push((Pane::Fleet, area));
        return plan;
    }
    if timeline::wanted(model, height) {
        area.height -= 1;
        plan.time = Rect::new(0, area.bottom(), width, 1);
    }
    if model.wizard().is_some() {
        beside_wizard(model, area, &mut plan);
        return plan;
    }
    plan.framed = width >= WIDE && area.height >= 24;
    let wanted = verdict::height(model, width, plan.framed);
    // The verdict is what the operator came for, but it must leave some hosts to see.
    let most = area.height.saturating_sub(4).max(1);
    plan.verdict = take(&mut area, wanted.min(most));
    if model.zoom || width < TINY.0 || height < TINY.1 {
        plan.panes.push((model.focus, area));
    } else if width >= LARGE && area.height >= 24 {
        large(model, area, &mut plan);
    } else if width >= WIDE && area.height >= 16 {
        wide(model, area, &mut plan);
    } else {
        narrow(model, area, &mut plan);
    }
    plan
}

/// Rows that a page of the wizard has at least before panes are shown beside it.
const PAGE: u16 = 20;

/// The wizard, and as much of the dashboard beside it as there is room for: it stays live.
fn beside_wizard(model: &Model, mut area: Rect, plan: &mut Plan) {
    let (width, height) = (area.width, area.height);
    plan.framed = width >= WIDE && height >= 34;
    if height >= 14 {
        let wanted = verdict::height(model, width, plan.framed);
        plan.verdict = take(&mut area, if plan.framed { wanted } else { wanted.min(2) });
    }
    if width >= LARGE && area.height >= PAGE {
        let left = (width * 3 / 5).max(110);
        plan.wizard = Rect { width: left, ..area };
        let right = Rect { x: area.x + left + 1, width: width - left - 1, ..area };
        plan.lines.push((area.x + left, area));
        columns(model, right, &[&[Pane::Hosts, Pane::Tasks, Pane::Alerts]], plan);
        return;
    }
    let hosts = full_height(model, Pane::Hosts).min(area.height / 3);
    let tasks = full_height(model, Pane::Tasks).clamp(3, 7);
    let mut below = 0;
    if area.height >= PAGE + hosts && hosts >= 3 {
        below += hosts;
        let with_tasks = area.height >= PAGE + 6 + hosts + tasks;
        below += if with_tasks { tasks } else { 0 };
        let page = area.height - below;
        plan.wizard = take(&mut area, page);
        plan.panes.push((Pane::Hosts, take(&mut area, hosts)));
        if with_tasks {
            plan.panes.push((Pane::Tasks, area));
        }
        return;
    }
    plan.wizard = area;
}

/// Title, head and all rows of a pane.
fn full_height(model: &Model, pane: Pane) -> u16 {
    let count = model.pool().map_or(0, |p| rows::count(p, pane));
    let count = u16::try_from(count).unwrap_or(u16::MAX).max(1);
    match pane {
        Pane::Hosts | Pane::Paths | Pane::Fleet => count.saturating_add(2),
        // With room to spare each has a second line for its words.
        Pane::Tasks if model.size.0 >= WIDE => count.saturating_mul(2).saturating_add(1),
        Pane::Cluster => {
            let clusters = model.pool().map_or(0, |p| p.picture.clusters.len());
            count.saturating_add(1 + clusters as u16).saturating_add(foot_rows(model))
        }
        _ => count.saturating_add(1),
    }
}

/// A stack: hosts, tasks, then the pane that has the keys (else the alerts), then as many others as there is room for.
fn narrow(model: &Model, mut area: Rect, plan: &mut Plan) {
    let hosts = full_height(model, Pane::Hosts).min((area.height / 2).max(4));
    plan.panes.push((Pane::Hosts, take(&mut area, hosts)));
    let tasks = full_height(model, Pane::Tasks).clamp(2, (area.height / 2).max(2));
    if area.height < 5 {
        let only = if model.focus == Pane::Hosts { Pane::Tasks } else { model.focus };
        plan.panes.push((only, area));
        return;
    }
    plan.panes.push((Pane::Tasks, take(&mut area, tasks)));
    let mut rest = vec![Pane::Alerts, Pane::Paths, Pane::Cluster, Pane::Log];
    if let Some(at) = rest.iter().position(|pane| *pane == model.focus) {
        let focused = rest.remove(at);
        rest.insert(0, focused);
    }
    let last = rest.len() - 1;
    for (at, pane) in rest.into_iter().enumerate() {
        let needed = full_height(model, pane);
        // The next one needs a title and some rows to be worth it.
        if at == last || needed.saturating_add(4) > area.height {
            plan.panes.push((pane, area));
            return;
        }
        plan.panes.push((pane, take(&mut area, needed)));
    }
}

/// Two columns of panes in `area`, each pane as high as it needs and the last with what is left.
fn columns(model: &Model, area: Rect, sets: &[&[Pane]], plan: &mut Plan) {
    let count = sets.len() as u16;
    let each = (area.width + 1) / count.max(1);
    for (at, panes) in sets.iter().enumerate() {
        let at = at as u16;
        let x = area.x + at * each;
        let width = if at + 1 == count { area.right() - x } else { each - 1 };
        let mut column = Rect { x, width, ..area };
        if at > 0 {
            plan.lines.push((x - 1, area));
        }
        for (left, pane) in panes.iter().enumerate().map(|(n, pane)| (panes.len() - n, pane)) {
            let fair = column.height / left as u16;
            let needed = full_height(model, *pane).saturating_add(1);
            let later: u16 = panes
                .iter()
                .skip(panes.len() - left + 1)
                .map(|p| full_height(model, *p).saturating_add(1))
                .fold(0, u16::saturating_add);
            // A pane takes what it needs if the later ones have enough, else its fair share.
            let height = if left == 1 { column.height } else { needed.min(column.height.saturating_sub(later).max(fair)) };
            plan.panes.push((*pane, take(&mut column, height)));
        }
    }
}

/// Two panes side by side, the left one so wide.
fn beside(area: Rect, left: u16, panes: [Pane; 2], plan: &mut Plan) {
    let x = area.x + left.min(area.width);
    plan.panes.push((panes[0], Rect { width: x - area.x, ..area }));
    plan.lines.push((x, area));
    plan.panes.push((panes[1], Rect { x: x + 1, width: area.right().saturating_sub(x + 1), ..area }));
}

/// The columns in which every path can be seen.
fn paths_width(model: &Model) -> u16 {
    let Some(pool) = model.pool() else { return 0 };
    let name = pool.grid.hosts.iter().map(|host| width(host)).max().unwrap_or(4).clamp(4, 18);
    let columns =
        pool.grid.columns.iter().map(|(kind, name)| width(&short_name(*kind, name, model.look.glyphs.ellipsis)).max(7) + 2);
    columns.fold(name + 4, u16::saturating_add)
}

/// The fewest rows of tasks that room is kept for, so that the panes below stay where they are as tasks come and go.
const TASKS: u16 = 3;
/// The fewest rows, with the titles, for alerts and log together.
const WORDS: u16 = 10;

/// With few hosts: panes that speak in sentences have the whole width, and only the small tables share it. `false` if there is not room
/// for all of it.
fn stacked(model: &Model, mut area: Rect, plan: &mut Plan) -> bool {
    let whole = |pane| full_height(model, pane).saturating_add(1);
    let hosts = whole(Pane::Hosts);
    let count = model.pool().map_or(0, |p| rows::count(p, Pane::Tasks));
    let tasks = u16::try_from(count).unwrap_or(u16::MAX).max(TASKS).saturating_add(2);
    let tables = whole(Pane::Paths).max(whole(Pane::Cluster));
    let fixed = hosts.saturating_add(tasks).saturating_add(tables);
    if fixed.saturating_add(WORDS) > area.height {
        return false;
    }
    plan.panes.push((Pane::Hosts, take(&mut area, hosts)));
    plan.panes.push((Pane::Tasks, take(&mut area, tasks)));
    let middle = take(&mut area, tables);
    beside(middle, paths_width(model).clamp(middle.width / 2, middle.width * 7 / 10), [Pane::Paths, Pane::Cluster], plan);
    if area.width >= LARGE {
        beside(area, area.width / 2, [Pane::Alerts, Pane::Log], plan);
        return true;
    }
    // The log always keeps a third of what is left; what the alerts do not need, it has too.
    let alerts = whole(Pane::Alerts).max(5).min(area.height - area.height / 3);
    plan.panes.push((Pane::Alerts, take(&mut area, alerts)));
    plan.panes.push((Pane::Log, area));
    true
}

fn wide(model: &Model, mut area: Rect, plan: &mut Plan) {
    if stacked(model, area, plan) {
        return;
    }
    let hosts = full_height(model, Pane::Hosts).saturating_add(1).min((area.height * 2 / 5).max(6));
    plan.panes.push((Pane::Hosts, take(&mut area, hosts)));
    let left = [Pane::Tasks, Pane::Paths];
    let right = [Pane::Cluster, Pane::Alerts];
    let needed = |panes: &[Pane]| panes.iter().map(|p| full_height(model, *p).saturating_add(1)).fold(0, u16::saturating_add);
    let spare = area.height.saturating_sub(needed(&left).max(needed(&right)));
    if spare >= 5 {
        // What is left over goes to the log.
        let mut foot = area;
        area = take(&mut foot, area.height - spare);
        columns(model, area, &[&left, &right], plan);
        plan.panes.push((Pane::Log, foot));
    } else {
        let last = if model.focus == Pane::Log { Pane::Log } else { Pane::Alerts };
        columns(model, area, &[&left, &[Pane::Cluster, last]], plan);
    }
}

fn large(model: &Model, mut area: Rect, plan: &mut Plan) {
    if stacked(model, area, plan) {
        return;
    }
    let hosts = full_height(model, Pane::Hosts).saturating_add(1).min((area.height / 2).max(8));
    plan.panes.push((Pane::Hosts, take(&mut area, hosts)));
    columns(model, area, &[&[Pane::Tasks, Pane::Paths], &[Pane::Cluster, Pane::Alerts], &[Pane::Log]], plan);
}

/// Rows of a pane that can be seen at a time.
pub(crate) fn rows_of(model: &Model, pane: Pane) -> usize {
    rows_in(model, &plan(model), pane)
}

/// As [`rows_of`], in a plan that is there already.
pub(crate) fn rows_in(model: &Model, plan: &Plan, pane: Pane) -> usize {
    let height = plan.panes.iter().find(|(p, _)| *p == pane).map_or(0, |(_, area)| area.height);
    let head = match pane {
        Pane::Hosts | Pane::Fleet | Pane::Paths => 2,
        Pane::Cluster => 1 + model.pool().map_or(0, |p| p.picture.clusters.len() as u16),
        _ => 1,
    };
    usize::from(height.saturating_sub(head))
}
