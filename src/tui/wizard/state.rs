//! What the wizard of a pool remembers.

use super::scope::Scope;
use crate::pool::picture::Severity;
use crate::rollout::finding::Finding;
use crate::rollout::plan::{Accepted, Plan};
use crate::rollout::progress::Progress;
use crate::time::Time;
use crate::tui::msg::{FoundRun, Prepared, RunFiles};
use std::time::Duration;
use tui_input::Input;

/// How old what the operator looked at may be when a round is begun. Whoever begins it checks everything again; this is so that nobody
/// agrees to what was true yesterday.
pub(crate) const CHECKS_LAST: Duration = Duration::from_secs(3_600);

/// The pages, in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, strum::EnumIter)]
pub(crate) enum Page {
    /// What is to be done, to which hosts, how.
    #[default]
    Scope,
    /// What that means, step by step.
    Plan,
    /// What speaks against it.
    Preflight,
    /// What will be changed, and the name of the pool.
    Confirm,
    /// How it goes.
    Run,
    /// How it went.
    Report,
}

impl Page {
    /// Its title.
    pub fn title(self) -> &'static str {
        match self {
            Self::Scope => "scope",
            Self::Plan => "plan",
            Self::Preflight => "preflight",
            Self::Confirm => "confirm",
            Self::Run => "run",
            Self::Report => "report",
        }
    }

    /// Whether a round is still being prepared on it.
    pub fn prepares(self) -> bool {
        self < Self::Run
    }
}

/// What is known of the round that is wanted.
#[derive(Clone, Debug, Default)]
pub(crate) enum Survey {
    /// Nothing was asked for, or the scope changed since.
    #[default]
    None,
    /// Asked for.
    Asked(Time),
    /// Planned and checked, at this time.
    Ready(Time, Box<Prepared>),
    /// Could not be, and why.
    Failed(String),
}

/// The run of this pool that this dashboard works on, or worked on.
#[derive(Clone, Debug, Default)]
pub(crate) struct RunView {
    /// When it was asked for.
    pub asked: Time,
    /// Where it is written down.
    pub files: RunFiles,
    /// How it stands.
    pub progress: Option<Box<Progress>>,
    /// Why it did not begin or cannot go on.
    pub error: Option<String>,
}

impl RunView {
    /// Whether leaving the program would stop it.
    pub fn going(&self) -> bool {
        self.error.is_none() && self.progress.as_ref().is_none_or(|p| p.result.is_none())
    }
}

/// The wizard of one pool.
#[derive(Debug, Default)]
pub(crate) struct Wizard {
    /// Whether it is on the screen when its pool is.
    pub shown: bool,
    /// The page that is open.
    pub page: Page,
    /// The row under the cursor, for each page.
    pub at: [usize; 6],
    /// The first line on the screen, for each page.
    pub first: [usize; 6],
    /// What is wanted.
    pub scope: Scope,
    /// What that means.
    pub survey: Survey,
    /// Number of the last request for it.
    pub ask: u64,
    /// What is being mended now.
    pub mending: bool,
    /// What is typed on the confirm page.
    pub typed: Input,
    /// A run of this pool that was not ended.
    pub found: Option<FoundRun>,
    /// Our run.
    pub run: Option<RunView>,
}

impl Wizard {
    /// What was planned and checked.
    pub fn prepared(&self) -> Option<&Prepared> {
        if let Survey::Ready(_, prepared) = &self.survey { Some(prepared) } else { None }
    }

    /// Whether a run is going on.
    pub fn running(&self) -> bool {
        self.run.as_ref().is_some_and(RunView::going)
    }

    /// Whether something on the open page changes by the second.
    pub fn counts(&self) -> bool {
        match self.page {
            Page::Plan | Page::Preflight | Page::Confirm => matches!(self.survey, Survey::Asked(_)),
            Page::Run => self.running(),
            Page::Scope | Page::Report => false,
        }
    }

    /// How the run stands.
    pub fn progress(&self) -> Option<&Progress> {
        self.run.as_ref()?.progress.as_deref()
    }

    /// Why the operator accepted a finding.
    pub fn accepted(&self, finding: &Finding) -> Option<&Accepted> {
        let of = |a: &&Accepted| a.code == finding.code && (a.about.is_empty() || a.about == finding.about);
        (finding.severity == Severity::Soft).then(|| self.scope.options.accepted.iter().find(of)).flatten()
    }

    /// How many hard findings there are, and how many soft ones that are not accepted.
    pub fn against(&self) -> (usize, usize) {
        let findings = self.prepared().map_or(&[][..], |p| &p.findings);
        let hard = findings.iter().filter(|f| f.severity == Severity::Hard).count();
        let soft = findings.iter().filter(|f| f.severity == Severity::Soft && self.accepted(f).is_none()).count();
        (hard, soft)
    }

    /// The plan as it would be begun now: with what was accepted.
    pub fn plan(&self) -> Option<Plan> {
        let mut plan = self.prepared()?.plan.clone();
        plan.options.accepted.clone_from(&self.scope.options.accepted);
        Some(plan)
    }

    /// What has to be typed before a round begins: the name of the pool, or its uuid if it has none. As it is shown.
    pub fn wanted_name(&self) -> String {
        let Some(plan) = self.prepared().map(|p| &p.plan) else { return String::new() };
        let name = crate::text::clean(&plan.pool_name, 100).trim().to_owned();
        if name.is_empty() { crate::text::clean(&plan.pool, 100).into_owned() } else { name }
    }

    /// The row under the cursor of the page.
    pub fn at(&self) -> usize {
        self.at.get(self.page as usize).copied().unwrap_or(0)
    }

    /// Moves the cursor of the page.
    pub fn set_at(&mut self, to: usize) {
        if let Some(at) = self.at.get_mut(self.page as usize) {
            *at = to;
        }
    }

    /// The first line of the page on the screen.
    pub fn first(&self) -> usize {
        self.first.get(self.page as usize).copied().unwrap_or(0)
    }

    /// Scrolls the page.
    pub fn set_first(&mut self, to: usize) {
        if let Some(first) = self.first.get_mut(self.page as usize) {
            *first = to;
        }
    }

    /// Opens a page at its beginning.
    pub fn turn_to(&mut self, page: Page) {
        self.page = page;
        self.set_at(0);
        self.set_first(0);
        self.typed = Input::default();
    }
}
