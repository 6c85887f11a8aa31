//! Which rows a pane has, in which order, and what identifies each. Used alike by the keys (what is the next row?) and
//! by drawing, so that the two cannot disagree.

use super::pane::{Pane, PaneState};
use super::{Model, PoolView};
use crate::pool::picture::{Alert, ClusterView, MemberView, Picture, Rebuild, TaskView};
use crate::tui::draw::look::badness;
use crate::tui::draw::words::find;
use crate::tui::log::LogLine;
use std::borrow::Cow;
use std::cmp::{Ordering, Reverse};

/// A row of the pane of rebuilds and tasks.
pub(crate) enum Work<'p> {
    Rebuild(&'p Rebuild),
    Task(&'p TaskView),
}

/// The row `ix` of the pane of rebuilds and tasks.
pub(crate) fn work(picture: &Picture, ix: usize) -> Option<Work<'_>> {
    match ix.checked_sub(picture.rebuilds.len()) {
        None => picture.rebuilds.get(ix).map(Work::Rebuild),
        Some(ix) => picture.tasks.get(ix).map(Work::Task),
    }
}

/// The row `ix` of the cluster pane.
pub(crate) fn member(picture: &Picture, mut ix: usize) -> Option<(&ClusterView, &MemberView)> {
    for cluster in &picture.clusters {
        if let Some(member) = cluster.members.get(ix) {
            return Some((cluster, member));
        }
        ix -= cluster.members.len();
    }
    None
}

/// What identifies an alert.
pub(crate) fn alert_key(alert: &Alert) -> String {
    format!("{}/{}/{}", alert.at.as_millis(), alert.name, alert.about)
}

/// How many rows there are without a filter.
pub(crate) fn count(pool: &PoolView, pane: Pane) -> usize {
    let picture = &pool.picture;
    match pane {
        Pane::Hosts => picture.hosts.len(),
        Pane::Tasks => picture.rebuilds.len() + picture.tasks.len(),
        Pane::Cluster => picture.clusters.iter().map(|c| c.members.len()).sum(),
        Pane::Paths => pool.grid.hosts.len(),
        Pane::Alerts => picture.alerts.len(),
        Pane::Log | Pane::Fleet => 0,
    }
}

/// What identifies a row.
pub(crate) fn key(pool: &PoolView, pane: Pane, ix: usize) -> Option<Cow<'_, str>> {
    let picture = &pool.picture;
    match pane {
        Pane::Hosts => picture.hosts.get(ix).map(|h| Cow::Borrowed(h.r#ref.as_str())),
        Pane::Tasks => work(picture, ix).map(|work| match work {
            Work::Rebuild(r) => Cow::Owned(format!("rebuild/{}/{}", r.sr, r.source)),
            Work::Task(t) => Cow::Borrowed(t.r#ref.as_str()),
        }),
        Pane::Cluster => member(picture, ix).map(|(c, m)| Cow::Owned(format!("{}/{}", c.stack, m.host))),
        Pane::Paths => pool.grid.hosts.get(ix).map(|h| Cow::Borrowed(h.as_str())),
        Pane::Alerts => picture.alerts.get(ix).map(|a| Cow::Owned(alert_key(a))),
        Pane::Log | Pane::Fleet => None,
    }
}

/// Whether what the row shows contains `needle`.
fn contains(pool: &PoolView, pane: Pane, ix: usize, needle: &str) -> bool {
    let picture = &pool.picture;
    let has = |text: &str| find(text, needle).is_some();
    match pane {
        Pane::Hosts => picture.hosts.get(ix).is_some_and(|h| {
            has(&h.name)
                || has(&h.state.text)
                || has(&h.version)
                || has(&h.address)
                || h.guidance.iter().any(|g| has(g))
                || has(gate_word(h.gate.state))
        }),
        Pane::Tasks => work(picture, ix).is_some_and(|w| match w {
            Work::Rebuild(r) => has(&r.sr) || has(&r.text) || has(&r.source) || has("rebuild"),
            Work::Task(t) => has(&t.name) || has(&t.host) || has(&t.text),
        }),
        Pane::Cluster => member(picture, ix).is_some_and(|(c, m)| has(&m.host) || has(m.state) || has(&c.stack)),
        Pane::Paths => {
            let grid = &pool.grid;
            grid.hosts.get(ix).is_some_and(|host| {
                has(host)
                    || (0..grid.columns.len())
                        .filter_map(|c| grid.cell(picture, ix, c))
                        .any(|p| has(&p.name) || has(&p.sr) || has(&format!("{}/{}", p.up, p.total)))
            })
        }
        Pane::Alerts => picture.alerts.get(ix).is_some_and(|a| has(&a.text) || has(&a.about) || has(&a.name)),
        Pane::Log | Pane::Fleet => true,
    }
}

/// The word that the screen shows for a gate.
pub(crate) fn gate_word(gate: crate::pool::picture::GateState) -> &'static str {
    use crate::pool::picture::GateState;
    match gate {
        GateState::Open => "open",
        GateState::Closed => "closed",
        GateState::Unknown => "unknown",
    }
}

fn fraction(value: f64) -> i64 {
    (value * 1e6) as i64
}

fn compare(pool: &PoolView, pane: Pane, sort: &str, a: usize, b: usize) -> Ordering {
    let picture = &pool.picture;
    match pane {
        Pane::Hosts => {
            let (Some(a), Some(b)) = (picture.hosts.get(a), picture.hosts.get(b)) else { return Ordering::Equal };
            match sort {
                "state" => a.state.stage.cmp(&b.state.stage).reverse(),
                "gate" => gate_rank(a.gate.state).cmp(&gate_rank(b.gate.state)),
                "VMs" => b.vms.cmp(&a.vms),
                "memory" => b.memory.used.cmp(&a.memory.used),
                "paths" => {
                    let missing = |h: &crate::pool::picture::HostView| h.paths.map_or(0, |(up, all)| all.saturating_sub(up));
                    missing(b).cmp(&missing(a))
                }
                "fence in" => {
                    let margin = |h: &crate::pool::picture::HostView| h.fence_margin_s.map_or(i64::MAX, fraction);
                    margin(a).cmp(&margin(b))
                }
                "version" => a.version.cmp(&b.version),
                "uptime" => a.booted.map_or(Reverse(None), |t| Reverse(Some(t))).cmp(&Reverse(b.booted)),
                _ => Ordering::Equal,
            }
        }
        Pane::Tasks => {
            let (Some(a), Some(b)) = (work(picture, a), work(picture, b)) else { return Ordering::Equal };
            let name = |w: &Work<'_>| match w {
                Work::Rebuild(r) => r.sr.to_lowercase(),
                Work::Task(t) => t.name.to_lowercase(),
            };
            let progress = |w: &Work<'_>| match w {
                Work::Rebuild(Rebuild { progress, .. }) | Work::Task(TaskView { progress, .. }) => progress.map(fraction),
            };
            let host = |w: &Work<'_>| match w {
                Work::Rebuild(_) => String::new(),
                Work::Task(t) => t.host.clone(),
            };
            match sort {
                "name" => name(&a).cmp(&name(&b)),
                "progress" => progress(&b).cmp(&progress(&a)),
                "host" => host(&a).cmp(&host(&b)),
                _ => Ordering::Equal,
            }
        }
        Pane::Cluster => match (sort, member(picture, a), member(picture, b)) {
            ("state", Some((_, a)), Some((_, b))) => b.health.cmp(&a.health),
            _ => Ordering::Equal,
        },
        Pane::Paths if sort == "worst" => pool.grid.missing(picture, b).cmp(&pool.grid.missing(picture, a)),
        Pane::Alerts => match (sort, picture.alerts.get(a), picture.alerts.get(b)) {
            ("severity", Some(a), Some(b)) => (b.still_true == Some(true), b.health).cmp(&(a.still_true == Some(true), a.health)),
            ("about", Some(a), Some(b)) => a.about.cmp(&b.about),
            _ => Ordering::Equal,
        },
        _ => Ordering::Equal,
    }
}

fn gate_rank(gate: crate::pool::picture::GateState) -> u8 {
    use crate::pool::picture::GateState;
    match gate {
        GateState::Closed => 0,
        GateState::Unknown => 1,
        GateState::Open => 2,
    }
}

/// The rows of a pane of a pool that its filter lets through, in its order.
pub(crate) fn order(pool: &PoolView, pane: Pane) -> Vec<usize> {
    let state = pool.pane(pane);
    let needle = state.needle();
    let mut rows: Vec<usize> =
        (0..count(pool, pane)).filter(|ix| needle.is_empty() || contains(pool, pane, *ix, &needle)).collect();
    let sort = pane.sorts().get(state.sort).copied().unwrap_or_default();
    if state.sort > 0 {
        rows.sort_by(|a, b| compare(pool, pane, sort, *a, *b));
    }
    if state.reverse {
        rows.reverse();
    }
    rows
}

/// The pools that the fleet's filter lets through, in its order.
pub(crate) fn fleet(pools: &[PoolView], state: &PaneState) -> Vec<usize> {
    let needle = state.needle();
    let mut rows: Vec<(usize, &PoolView)> = pools
        .iter()
        .enumerate()
        .filter(|(_, p)| {
            needle.is_empty()
                || [p.name(), &p.picture.verdict.headline, &p.picture.link.text, gate_word(p.picture.verdict.state)]
                    .iter()
                    .any(|text| find(text, &needle).is_some())
        })
        .collect();
    let still = |p: &PoolView| p.picture.alerts.iter().filter(|a| a.still_true == Some(true)).count();
    match Pane::Fleet.sorts().get(state.sort).copied().unwrap_or_default() {
        "name" => rows.sort_by_key(|(_, p)| p.name().to_lowercase()),
        "hosts" => rows.sort_by_key(|(_, p)| Reverse(p.picture.hosts.len())),
        "alerts" => rows.sort_by_key(|(_, p)| Reverse(still(p))),
        _ => rows.sort_by_key(|(_, p)| Reverse(badness(&p.picture))),
    }
    if state.reverse {
        rows.reverse();
    }
    rows.into_iter().map(|(ix, _)| ix).collect()
}

impl Model {
    /// The rows of the pane that has the keys, as positions in the picture (or in the list of pools).
    pub(crate) fn order(&self, pane: Pane) -> Vec<usize> {
        match (pane, self.pool()) {
            (Pane::Fleet, _) => fleet(&self.pools, &self.fleet),
            (Pane::Log, Some(pool)) => self.log_rows(&pool.pane(Pane::Log).needle()),
            (_, Some(pool)) => order(pool, pane),
            _ => Vec::new(),
        }
    }

    /// The lines of the log that are shown.
    fn log_rows(&self, needle: &str) -> Vec<usize> {
        let shown = |line: &LogLine| {
            line.level <= self.log_level
                && (needle.is_empty() || find(&line.text, needle).is_some() || find(&line.target, needle).is_some())
        };
        self.log.iter().enumerate().filter(|(_, line)| shown(line)).map(|(ix, _)| ix).collect()
    }

    /// What identifies the row at `ix` of the picture.
    pub(crate) fn key(&self, pane: Pane, ix: usize) -> Option<Cow<'_, str>> {
        match (pane, self.pool()) {
            (Pane::Fleet, _) => Some(Cow::Owned(ix.to_string())),
            (Pane::Log, _) => self.log.get(ix).map(|line| Cow::Owned(format!("{}/{}", line.at.as_millis(), line.text))),
            (_, Some(pool)) => key(pool, pane, ix),
            _ => None,
        }
    }

    /// Where in `order` the selected row stands.
    pub(crate) fn cursor(&self, pane: Pane, order: &[usize]) -> Option<usize> {
        let state = self.state(pane)?;
        let selected = state.selected.as_deref()?;
        // The row is most often where it was.
        let same = |at: &usize| order.get(*at).and_then(|ix| self.key(pane, *ix)).is_some_and(|key| key == selected);
        Some(state.at).filter(same).or_else(|| (0..order.len()).find(same))
    }
}
