//! The closed list of what a theme colours.

/// What a piece of the screen is for. A view names roles only, never colours.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::EnumIter,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::EnumCount,
)]
#[strum(serialize_all = "kebab-case")]
pub enum Role {
    /// The background of everything.
    Surface,
    /// Ordinary words.
    Text,
    /// Words of less weight: units, ages, column heads.
    Muted,
    /// Lines around panes.
    Border,
    /// Border and title of the pane that has the keys.
    Focus,
    /// Titles of panes without the keys, names of things.
    Title,
    /// The row under the cursor.
    Selection,
    /// What a filter or search found.
    Match,
    /// The first line and the footer.
    Bar,
    /// A key in a hint.
    Key,
    /// As it should be; an open gate.
    Healthy,
    /// On its way: booting, syncing, pending.
    Pending,
    /// Works, at risk; soft reasons.
    Degraded,
    /// Does not work; a closed gate; hard reasons.
    Failed,
    /// Neither good nor bad: information, notes.
    Info,
    /// The last known picture while the connection is lost.
    Stale,
    /// The filled part of a gauge, low values.
    GaugeLow,
    /// The filled part of a gauge, middle values.
    GaugeMid,
    /// The filled part of a gauge, high values.
    GaugeHigh,
    /// The empty part of a gauge.
    GaugeEmpty,
    /// Sparklines.
    Series,
    /// Popups: help, palette, detail.
    Popup,
    /// Text that is typed.
    Input,
    /// A word that must be seen, such as a disabled key's reason.
    Emphasis,
}
