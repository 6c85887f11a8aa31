//! What is worked out once before each draw: pictures of pools that changed, selections that still point at something,
//! windows that show them, and when time alone will change the screen again.

use super::grid::Grid;
use super::past::PLAY_STEP;
use super::{Model, Pane, PoolView, Popup, Screen};
use crate::pool::picture::{LinkState, Picture, Stage};
use crate::time::Time;
use crate::tui::draw::{layout, table};
use crate::tui::msg::PoolIx;
use crate::tui::wizard;
use std::time::Duration;

/// As long as something was heard within this many milliseconds the pool is simply "live".
pub(crate) const FRESH_MS: u64 = 40_000;

/// How long the words of a picture may stay as they are: a countdown moves by the second when it is near, words that
/// count seconds while a host is on its way or something is rebuilt every few, and else they count minutes.
fn period(picture: &Picture) -> Duration {
    let near = picture.link.retry_at.is_some_and(|at| at > picture.at && at.since(picture.at) <= Duration::from_secs(10));
    let moving = picture.hosts.iter().any(|h| !matches!(h.state.stage, Stage::Live | Stage::Disabled | Stage::Unknown))
        || picture.rebuilds.iter().any(|r| r.ended.is_none())
        || picture.link.state != LinkState::Live;
    Duration::from_secs(match (near, moving) {
        (true, _) => 1,
        (false, true) => 5,
        (false, false) => 60,
    })
}

impl Model {
    /// Brings everything that is derived up to date. Cheap if nothing changed.
    pub fn settle(&mut self) {
        let now = self.now;
        // Pools that are not on the screen are worked out when they are.
        let all = self.popups.iter().any(|p| matches!(p, Popup::Pools { .. }));
        let screen = self.screen;
        for (ix, pool) in self.pools.iter_mut().enumerate() {
            if pool.past.is_some() && screen != Screen::Pool(PoolIx(ix)) {
                // Elsewhere the screen is about now.
                pool.past = None;
                pool.changed = true;
            }
            if let Some(past) = &mut pool.past
                && let Some(moment) = &past.moment
            {
                if std::mem::take(&mut past.changed) {
                    pool.picture = moment.pool.picture(moment.at);
                    pool.grid = Grid::of(&pool.picture);
                }
                continue;
            }
            if !all && matches!(screen, Screen::Pool(open) if open.0 != ix) {
                continue;
            }
            let due = pool.pool.next_change(pool.picture.at).is_some_and(|t| t <= now);
            if pool.changed || due || pool.picture.at + period(&pool.picture) <= now {
                pool.picture = pool.pool.picture(now);
                pool.grid = Grid::of(&pool.picture);
                pool.changed = false;
            }
        }
        self.settle_selections();
        self.due = self.next_due();
    }

    /// As [`Model::settle`], but for pictures that were put in place by hand.
    #[cfg(test)]
    pub(crate) fn settle_panes(&mut self) {
        for pool in &mut self.pools {
            pool.grid = Grid::of(&pool.picture);
        }
        self.settle_selections();
    }

    fn settle_selections(&mut self) {
        wizard::settle(self);
        let plan = layout::plan(self);
        if self.screen == Screen::Fleet {
            self.settle_pane(&plan, Pane::Fleet);
        } else {
            for pane in Pane::OF_A_POOL {
                self.settle_pane(&plan, pane);
            }
        }
    }

    fn settle_pane(&mut self, plan: &layout::Plan, pane: Pane) {
        let order = self.order(pane);
        let cursor = self.cursor(pane, &order);
        let height = layout::rows_in(self, plan, pane);
        let Some(at) = self.state(pane).map(|s| s.at) else { return };
        // The log is followed as long as the cursor is on its newest line.
        // So are tasks and alerts where nobody is choosing among them: what is new must not push itself out of sight.
        let follows = pane == Pane::Log || (self.focus != pane && matches!(pane, Pane::Tasks | Pane::Alerts));
        let cursor = if follows && at == 0 { None } else { cursor };
        let cursor = cursor.or_else(|| (!order.is_empty()).then(|| at.min(order.len() - 1)));
        let key = cursor.and_then(|at| order.get(at)).and_then(|ix| self.key(pane, *ix)).map(std::borrow::Cow::into_owned);
        if let Some(state) = self.state_mut(pane) {
            if let (Some(cursor), Some(key)) = (cursor, key) {
                state.at = cursor;
                state.selected = Some(key);
            }
            state.first = table::window(state.first, cursor, order.len(), height);
        }
    }

    /// When time alone changes something on the screen; `None` only if there is nothing on it.
    fn next_due(&self) -> Option<Time> {
        let toast = self.toast.as_ref().map(|t| t.until);
        let minute = Time::from_millis((self.now.as_millis().div_euclid(60_000) + 1) * 60_000);
        let shown = self.pools.iter().enumerate().filter(|(ix, _)| match self.screen {
            Screen::Fleet => true,
            Screen::Pool(open) => open.0 == *ix,
        });
        let pools = shown.flat_map(|(_, p)| self.pool_due(p));
        let ages = self.popups.iter().any(|p| matches!(p, Popup::Detail(_))).then(|| self.now + Duration::from_secs(10));
        let plays = self.past().filter(|past| past.playing).map(|_| self.now + PLAY_STEP);
        let crashes = self.pools.iter().filter_map(|view| view.crashes.due());
        let opens = self.pools.iter().any(|view| view.crashes.opens.is_some()).then(|| self.now + Duration::from_millis(200));
        // An open crash counts by the second while it is read; its story goes on after that.
        let crash = self.popups.iter().any(|p| matches!(p, Popup::Crash(_)));
        let reads = self.pools.iter().any(|view| view.crashes.is_reading());
        let reads = crash.then(|| self.now + self.for_people(Duration::from_secs(if reads { 1 } else { 10 })));
        let pools = pools.chain(crashes).chain(opens).chain(reads);
        pools.chain(toast).chain(plays).chain(ages).chain(self.wizard_due()).chain(Some(minute)).filter(|t| *t > self.now).min()
    }

    /// Spans of time on the pages of the wizard count by the second while something is under way.
    fn wizard_due(&self) -> Option<Time> {
        let wizard = self.wizard()?;
        let counts = wizard.counts();
        Some(self.now + Duration::from_secs(if counts { 1 } else { 10 }))
    }

    fn pool_due(&self, pool: &PoolView) -> Vec<Time> {
        if pool.past.is_some() {
            return Vec::new();
        }
        let mut due: Vec<Time> = pool.pool.next_change(pool.picture.at).into_iter().collect();
        due.push(pool.picture.at + period(&pool.picture));
        let link = &pool.picture.link;
        if let (LinkState::Live, Some(heard)) = (link.state, link.heard) {
            let age = self.now.since(heard).as_millis() as u64;
            let step = if age < FRESH_MS { FRESH_MS } else { (age / 10_000 + 1) * 10_000 };
            due.push(heard + Duration::from_millis(step));
        }
        due
    }

    /// When time alone changes something on the screen, as of the last [`Model::settle`].
    pub fn due(&self) -> Option<Time> {
        self.due
    }
}
