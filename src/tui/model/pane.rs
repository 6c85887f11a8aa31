//! The panes, and what each remembers between two draws.

/// A pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, strum::EnumIter)]
#[allow(missing_docs, reason = "the titles say it")]
pub enum Pane {
    Hosts,
    Tasks,
    Cluster,
    Paths,
    Alerts,
    Log,
    /// All pools; the only pane of its screen.
    Fleet,
}

impl Pane {
    /// The panes of a pool, in the order of the tab key.
    pub const OF_A_POOL: [Self; 6] = [Self::Hosts, Self::Tasks, Self::Cluster, Self::Paths, Self::Alerts, Self::Log];

    /// Its title.
    pub fn title(self) -> &'static str {
        match self {
            Self::Hosts => "Hosts",
            Self::Tasks => "Rebuilds and tasks",
            Self::Cluster => "Cluster",
            Self::Paths => "I/O paths",
            Self::Alerts => "Alerts",
            Self::Log => "Log",
            Self::Fleet => "Pools",
        }
    }

    /// What it can be sorted by; the first is how it stands by itself.
    pub fn sorts(self) -> &'static [&'static str] {
        match self {
            Self::Hosts => &["name", "state", "gate", "VMs", "memory", "paths", "fence in", "version", "uptime"],
            Self::Tasks => &["newest", "name", "progress", "host"],
            Self::Cluster => &["host", "state"],
            Self::Paths => &["host", "worst"],
            Self::Alerts => &["time", "severity", "about"],
            Self::Log => &[],
            Self::Fleet => &["worst", "name", "hosts", "alerts"],
        }
    }
}

/// What a pane remembers. A selection is kept by what it is, not by where it stands, so that a row does not change
/// under the operator's finger when the list moves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaneState {
    /// Identity of the selected row.
    pub selected: Option<String>,
    /// Where that was last seen; the cursor stays there if the row goes.
    pub at: usize,
    /// The first row on the screen.
    pub first: usize,
    /// The selected column, in a grid.
    pub column: usize,
    /// Position in [`Pane::sorts`].
    pub sort: usize,
    /// The other way round.
    pub reverse: bool,
    /// Only rows that contain this are shown.
    pub filter: String,
}

impl PaneState {
    /// The filter as it is compared.
    pub fn needle(&self) -> String {
        self.filter.trim().to_lowercase()
    }
}
