//! The state of the dashboard. Changed only by [`super::update::update`] and [`Model::settle`]; read by drawing.

pub mod crash;
pub mod grid;
mod pane;
pub mod past;
mod popup;
pub(crate) mod rows;
mod settle;
pub(crate) use settle::FRESH_MS;

use crash::Crashes;
use grid::Grid;
pub use pane::{Pane, PaneState};
use past::Past;
pub use popup::{Ask, CauseOf, Detail, Popup, Raw, Target};

use super::draw::{Look, layout};
use super::keymap::{Context, Key, Keymap, MODES};
use super::log::{Level, LogLine};
use super::msg::PoolIx;
use super::theme::Theme;
use super::wizard::{Page, Wizard};
use crate::pool::Pool;
use crate::pool::budget::calculator::Numbers;
use crate::pool::outages::OutageView;
use crate::pool::picture::Picture;
use crate::time::Time;
use jiff::tz::TimeZone;
use tui_input::Input;

/// How long a word to the operator stays, in milliseconds.
const TOAST_MS: u64 = 5_000;

/// What lies under the popups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// All pools.
    Fleet,
    /// One pool.
    Pool(PoolIx),
}

/// A fault that can be set off in the simulated pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultChoice {
    /// For the caller.
    pub id: String,
    /// In a few words.
    pub label: String,
    /// What will happen, as a sentence.
    pub description: String,
}

/// What only the demo has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Demo {
    /// The faults to choose from.
    pub faults: Vec<FaultChoice>,
    /// How many times as fast as ours the simulated time runs.
    pub speed: f64,
}

/// One pool.
#[derive(Debug)]
pub struct PoolView {
    /// What it was called when the program was started.
    pub target: String,
    /// What the operator calls it, if the configuration says so.
    pub label: Option<String>,
    /// All that was observed.
    pub pool: Pool,
    /// What that means, at [`Picture::at`].
    pub picture: Picture,
    /// Whether something was observed since the picture was made.
    pub changed: bool,
    /// The I/O paths of the picture as a grid.
    pub(crate) grid: Grid,
    /// The guided rollout.
    pub(crate) wizard: Wizard,
    /// The crashes of its hosts, as far as they were looked at.
    pub crashes: Crashes,
    /// The moment of its recording that is looked at instead.
    pub past: Option<Past>,
    panes: [PaneState; 6],
}

impl PoolView {
    fn new(target: &str, zone: &TimeZone) -> Self {
        let pool = Pool::new(target).in_zone(zone.clone());
        Self {
            target: target.to_owned(),
            label: None,
            picture: pool.picture(Time::EPOCH),
            pool,
            changed: true,
            grid: Grid::default(),
            wizard: Wizard::default(),
            crashes: Crashes::default(),
            past: None,
            panes: Default::default(),
        }
    }

    /// The pool that the picture is of: as it is, or as it was at the moment that is looked at.
    pub fn known(&self) -> &Pool {
        self.past.as_ref().and_then(|past| past.moment.as_ref()).map_or(&self.pool, |moment| &moment.pool)
    }

    /// What the operator calls it, or its name, or the target's as long as that is not known.
    pub fn name(&self) -> &str {
        match &self.label {
            Some(label) => label,
            None if self.picture.name.is_empty() => &self.target,
            None => &self.picture.name,
        }
    }

    /// Its own name, where [`PoolView::name`] is another one.
    pub fn own_name(&self) -> Option<&str> {
        self.label.as_ref().map(|_| self.picture.name.as_str()).filter(|own| !own.is_empty() && *own != self.name())
    }

    /// What a pane remembers.
    pub fn pane(&self, pane: Pane) -> &PaneState {
        let [hosts, tasks, cluster, paths, alerts, log] = &self.panes;
        match pane {
            Pane::Hosts | Pane::Fleet => hosts,
            Pane::Tasks => tasks,
            Pane::Cluster => cluster,
            Pane::Paths => paths,
            Pane::Alerts => alerts,
            Pane::Log => log,
        }
    }

    /// What a pane remembers, to change it.
    pub fn pane_mut(&mut self, pane: Pane) -> &mut PaneState {
        let [hosts, tasks, cluster, paths, alerts, log] = &mut self.panes;
        match pane {
            Pane::Hosts | Pane::Fleet => hosts,
            Pane::Tasks => tasks,
            Pane::Cluster => cluster,
            Pane::Paths => paths,
            Pane::Alerts => alerts,
            Pane::Log => log,
        }
    }
}

/// A word to the operator, at the foot of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toast {
    /// In words.
    pub text: String,
    /// Whether something is wrong.
    pub wrong: bool,
    /// When it goes.
    pub until: Time,
}

/// What is tried in the lease calculator.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Trial {
    /// The numbers, once one was changed.
    pub numbers: Option<Numbers>,
    /// Which of them the keys change.
    pub at: usize,
}

/// What the dashboard is started with.
#[derive(Debug)]
pub struct Setup {
    /// What the pools are called on the command line.
    pub targets: Vec<String>,
    /// The theme to use.
    pub theme: Theme,
    /// The themes to choose from.
    pub themes: Vec<Theme>,
    /// The keys.
    pub keymap: Keymap,
    /// What to say first, e.g. problems with the configuration.
    pub problems: Vec<String>,
    /// What only the demo has.
    pub demo: Option<Demo>,
    /// Whether nothing can be written to a pool.
    pub read_only: bool,
    /// Whether it is recorded what is seen, so that one can look back.
    pub records: bool,
    /// Whether there is only a recording.
    pub replay: bool,
    /// Where the operator is.
    pub zone: TimeZone,
    /// The time now.
    pub now: Time,
    /// Columns and rows.
    pub size: (u16, u16),
}

/// The state of the dashboard.
#[derive(Debug)]
pub struct Model {
    /// The time now.
    pub now: Time,
    /// Columns and rows.
    pub size: (u16, u16),
    /// The pools.
    pub pools: Vec<PoolView>,
    /// What lies under the popups.
    pub screen: Screen,
    /// The pane that has the keys.
    pub focus: Pane,
    /// Whether it has the whole screen.
    pub zoom: bool,
    /// What lies over the screen, the last on top.
    pub popups: Vec<Popup>,
    /// The filter that is being typed.
    pub filtering: Option<Input>,
    /// Keys of a sequence that has begun.
    pub begun: Vec<Key>,
    /// When a key was pressed the last time.
    pub(crate) pressed: Time,
    /// A word to the operator.
    pub toast: Option<Toast>,
    /// What only the demo has.
    pub demo: Option<Demo>,
    /// How much of the log is shown.
    pub log_level: Level,
    /// The log of poolwatch itself, newest first.
    pub log: Vec<LogLine>,
    /// Whether the screen may look different from what was drawn last.
    pub dirty: bool,
    pub(crate) look: Look,
    pub(crate) themes: Vec<Theme>,
    pub(crate) theme_at: usize,
    pub(crate) keymap: Keymap,
    pub(crate) fleet: PaneState,
    pub(crate) zone: TimeZone,
    pub(crate) read_only: bool,
    pub(crate) records: bool,
    pub(crate) replay: bool,
    /// Numbers of requests for moments.
    pub(crate) asks: u64,
    /// When time alone changes something on the screen.
    pub(crate) due: Option<Time>,
    /// The numbers that the operator tries in the lease calculator, as far as they are not the pool's own.
    pub(crate) trial: Trial,
}

impl Model {
    /// A dashboard on which nothing is known yet.
    pub fn new(setup: Setup) -> Self {
        let mut themes = setup.themes;
        let theme_at = themes.iter().position(|t| t.name == setup.theme.name).unwrap_or_else(|| {
            themes.insert(0, setup.theme.clone());
            0
        });
        let look = Look::new(setup.theme);
        let screen = if setup.targets.len() > 1 { Screen::Fleet } else { Screen::Pool(PoolIx(0)) };
        let mut model = Self {
            now: setup.now,
            size: setup.size,
            pools: setup.targets.iter().map(|t| PoolView::new(t, &setup.zone)).collect(),
            focus: if screen == Screen::Fleet { Pane::Fleet } else { Pane::Hosts },
            screen,
            zoom: false,
            popups: Vec::new(),
            filtering: None,
            begun: Vec::new(),
            pressed: Time::EPOCH,
            toast: None,
            demo: setup.demo,
            log_level: Level::Info,
            log: Vec::new(),
            dirty: true,
            look,
            themes,
            theme_at,
            keymap: setup.keymap,
            fleet: PaneState::default(),
            zone: setup.zone,
            read_only: setup.read_only,
            records: setup.records,
            replay: setup.replay,
            asks: 0,
            due: None,
            trial: Trial::default(),
        };
        if let Some(first) = setup.problems.first() {
            let more = setup.problems.len() - 1;
            let more = if more > 0 { format!(" (and {more} more: see the log)") } else { String::new() };
            model.say(format!("{first}{more}"), true);
        }
        model
    }

    /// A time that people need, in the time of the pool: in a fast demo more of that goes by while somebody reads.
    pub(crate) fn for_people(&self, time: std::time::Duration) -> std::time::Duration {
        time.mul_f64(self.demo.as_ref().map_or(1.0, |demo| demo.speed.clamp(1.0, 10_000.0)))
    }

    /// Says something at the foot of the screen for a while.
    pub(crate) fn say(&mut self, text: impl Into<String>, wrong: bool) {
        let text = text.into();
        // Long words need longer to be read.
        let more = u64::try_from(text.len()).unwrap_or(0).saturating_mul(40).min(10_000);
        let lasts = self.for_people(std::time::Duration::from_millis(TOAST_MS + more));
        self.toast = Some(Toast { text, wrong, until: self.now + lasts });
    }

    /// The pool that the screen is about: the open one, or in the list of all pools the selected one.
    pub(crate) fn pool_ix(&self) -> Option<PoolIx> {
        match self.screen {
            Screen::Pool(ix) => (ix.0 < self.pools.len()).then_some(ix),
            Screen::Fleet => {
                let selected = self.fleet.selected.as_deref()?.parse().ok()?;
                (selected < self.pools.len()).then_some(PoolIx(selected))
            }
        }
    }

    /// As [`Model::pool_ix`].
    pub(crate) fn pool(&self) -> Option<&PoolView> {
        self.pools.get(self.pool_ix()?.0)
    }

    /// The crashes of a pool, newest first, as it is known now or at the moment that is looked at.
    pub(crate) fn outages(&self, pool: PoolIx) -> Vec<OutageView> {
        self.pools.get(pool.0).map(|view| view.known().outages()).unwrap_or_default()
    }

    /// What is known of the crash in a pane: what the pool says now, or what it said when the pane was opened, if it has forgotten it since.
    pub(crate) fn outage_of(&self, pane: &crash::CrashPane) -> OutageView {
        let id = crash::CrashId::of(&pane.outage);
        self.outages(pane.pool).into_iter().find(|outage| crash::CrashId::of(outage) == id).unwrap_or_else(|| pane.outage.clone())
    }

    /// What of the past of the open pool is looked at.
    pub(crate) fn past(&self) -> Option<&Past> {
        let Screen::Pool(ix) = self.screen else { return None };
        self.pools.get(ix.0)?.past.as_ref()
    }

    /// As [`Model::past`], to change it.
    pub(crate) fn past_mut(&mut self) -> Option<&mut Past> {
        let Screen::Pool(ix) = self.screen else { return None };
        self.pools.get_mut(ix.0)?.past.as_mut()
    }

    /// Whether a moment of the past is on the screen.
    pub(crate) fn is_looking_back(&self) -> bool {
        self.past().is_some_and(|past| past.moment.is_some())
    }

    /// The moment that the screen shows: now, or the one that is looked back at.
    pub fn shown(&self) -> Time {
        self.past().and_then(|past| past.moment.as_ref()).map_or(self.now, |moment| moment.at)
    }

    /// What a pane remembers.
    pub(crate) fn state(&self, pane: Pane) -> Option<&PaneState> {
        if pane == Pane::Fleet { Some(&self.fleet) } else { self.pool().map(|p| p.pane(pane)) }
    }

    /// What a pane remembers, to change it.
    pub(crate) fn state_mut(&mut self, pane: Pane) -> Option<&mut PaneState> {
        if pane == Pane::Fleet {
            return Some(&mut self.fleet);
        }
        let ix = self.pool_ix()?;
        self.pools.get_mut(ix.0).map(|p| p.pane_mut(pane))
    }

    /// Whether the log is on the screen.
    pub(crate) fn shows_log(&self) -> bool {
        layout::plan(self).panes.iter().any(|(pane, _)| *pane == Pane::Log)
    }

    /// What the window is called.
    pub(crate) fn title(&self) -> String {
        match self.screen {
            Screen::Fleet => format!("poolwatch: {} pools", self.pools.len()),
            Screen::Pool(_) => self.pool().map_or_else(String::new, |p| {
                format!("poolwatch: {} {}", p.name(), self.look.answer(p.picture.verdict.state).word)
            }),
        }
    }

    /// The wizard that is on the screen.
    pub(crate) fn wizard(&self) -> Option<&Wizard> {
        let Screen::Pool(ix) = self.screen else { return None };
        self.pools.get(ix.0).map(|p| &p.wizard).filter(|w| w.shown)
    }

    /// As [`Model::wizard`], to change it.
    pub(crate) fn wizard_mut(&mut self) -> Option<&mut Wizard> {
        let Screen::Pool(ix) = self.screen else { return None };
        self.pools.get_mut(ix.0).map(|p| &mut p.wizard).filter(|w| w.shown)
    }

    /// The pane that has the keys, if a pane has them.
    pub(crate) fn focused(&self) -> Option<Pane> {
        self.wizard().is_none().then_some(self.focus)
    }

    /// Whether the name of the pool is being typed into the wizard.
    pub(crate) fn naming(&self) -> bool {
        self.popups.is_empty() && self.wizard().is_some_and(|w| w.page == Page::Confirm)
    }

    /// Whether keys type text.
    pub(crate) fn typing(&self) -> bool {
        self.popups.last().map_or(self.filtering.is_some() || self.naming(), Popup::typing)
    }

    /// The contexts that are in force.
    pub(crate) fn contexts(&self) -> &'static [Context] {
        let [screen, log, popup, detail, numbers, crash, search, scope, checks, run, typing] = MODES;
        if self.typing() {
            return typing;
        }
        match self.popups.last() {
            Some(Popup::Detail(Detail { target: Target::Budget, .. })) => numbers,
            Some(Popup::Detail(_)) => detail,
            Some(Popup::Crash(_)) => crash,
            Some(Popup::Help { .. }) => search,
            Some(_) => popup,
            None => match self.wizard().map(|w| w.page) {
                Some(Page::Scope) => scope,
                Some(Page::Plan | Page::Preflight | Page::Confirm) => checks,
                Some(Page::Run | Page::Report) => run,
                None if self.focus == Pane::Log => log,
                None => screen,
            },
        }
    }
}
