//! What a key, the palette or a click can ask for, and where.

/// Everything that an operator can ask the dashboard for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, strum::EnumIter, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
#[allow(missing_docs, reason = "the table gives each its words")]
pub enum Action {
    Help,
    Palette,
    Filter,
    NextPane,
    PreviousPane,
    Open,
    Back,
    Why,
    Control,
    Budget,
    Clocks,
    Crashes,
    CrashEvidence,
    CrashHtml,
    CrashMoment,
    CrashCause,
    CrashAgain,
    CrashStop,
    NumberNext,
    NumberMore,
    NumberLess,
    NumberType,
    Zoom,
    Sort,
    Reverse,
    Copy,
    Raw,
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    HalfUp,
    HalfDown,
    Top,
    Bottom,
    Hosts,
    Tasks,
    Cluster,
    Paths,
    Alerts,
    Log,
    LogLevel,
    Fleet,
    Pools,
    NextPool,
    PreviousPool,
    Theme,
    Wizard,
    WizardNext,
    Mark,
    MarkAll,
    Earlier,
    Later,
    Accept,
    Mend,
    Recheck,
    RunPause,
    RunGoOn,
    RunStop,
    RunSkip,
    RunRetry,
    RunAbort,
    RunRestore,
    ResumeFound,
    NewRound,
    Time,
    SecondsBack,
    SecondsForth,
    MinutesBack,
    MinutesForth,
    EventBack,
    EventForth,
    Play,
    Live,
    Faults,
    Faster,
    Slower,
    Redraw,
    Suspend,
    Quit,
}

impl Action {
    /// The name that the configuration and the palette use, e.g. `next-pane`.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether it moves within what is shown: by a row, a page, half of one, or to an end.
    pub const fn moves(self) -> bool {
        matches!(
            self,
            Self::Up | Self::Down | Self::PageUp | Self::PageDown | Self::HalfUp | Self::HalfDown | Self::Top | Self::Bottom
        )
    }
}

/// Where a key means something. Several are in force at a time: see [`MODES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Context {
    /// Always; while text is typed only keys that type nothing.
    Everywhere,
    /// Wherever there is something to move in.
    Move,
    /// No popup is open.
    Screen,
    /// A popup is open.
    Popup,
    /// The popup shows one thing in detail.
    Detail,
    /// It is the time-outs, with numbers to try.
    Numbers,
    /// The popup is a crash.
    Crash,
    /// There is something to the left and to the right.
    Sideways,
    /// The popup can be searched.
    Search,
    /// The log pane has the keys.
    Log,
    /// The wizard is open.
    Wizard,
    /// On its first page.
    Scope,
    /// On its pages of plan and checks.
    Checks,
    /// On its pages of the run and its report.
    Run,
    /// Text is typed.
    Typing,
}

/// Which contexts are in force together. A key may mean only one thing in each of these.
pub const MODES: [&[Context]; 11] = [
    &[Context::Screen, Context::Move, Context::Sideways, Context::Everywhere],
    &[Context::Screen, Context::Log, Context::Move, Context::Sideways, Context::Everywhere],
    &[Context::Popup, Context::Move, Context::Sideways, Context::Everywhere],
    &[Context::Popup, Context::Detail, Context::Move, Context::Sideways, Context::Everywhere],
    &[Context::Popup, Context::Detail, Context::Numbers, Context::Move, Context::Sideways, Context::Everywhere],
    &[Context::Popup, Context::Crash, Context::Move, Context::Everywhere],
    &[Context::Popup, Context::Search, Context::Move, Context::Sideways, Context::Everywhere],
    &[Context::Wizard, Context::Scope, Context::Move, Context::Sideways, Context::Everywhere],
    &[Context::Wizard, Context::Checks, Context::Move, Context::Sideways, Context::Everywhere],
    &[Context::Wizard, Context::Run, Context::Move, Context::Sideways, Context::Everywhere],
    &[Context::Typing, Context::Everywhere],
];
