//! The closed list of what a theme colours, and what stands in for a role that a theme leaves out.

use ratatui::style::Modifier;

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

impl Role {
    /// The role that is looked up when a theme does not name this one, and what is added to it. Ends at [`Role::Text`]
    /// and [`Role::Surface`], which fall back to the terminal's own colours.
    pub fn fallback(self) -> Option<(Self, Modifier)> {
        let plain = Modifier::empty();
        Some(match self {
            Self::Surface | Self::Text => return None,
            Self::Muted | Self::Title | Self::Info | Self::Input | Self::Series | Self::Healthy | Self::Pending => {
                (Self::Text, plain)
            }
            Self::Border | Self::GaugeEmpty => (Self::Muted, plain),
            Self::Stale => (Self::Muted, Modifier::ITALIC),
            Self::Focus | Self::Key | Self::Emphasis | Self::Degraded => (Self::Text, Modifier::BOLD),
            Self::Failed => (Self::Degraded, Modifier::BOLD),
            Self::Match => (Self::Text, Modifier::UNDERLINED),
            Self::Selection => (Self::Text, Modifier::REVERSED),
            Self::GaugeLow => (Self::Healthy, plain),
            Self::GaugeMid => (Self::Degraded, plain),
            Self::GaugeHigh => (Self::Failed, plain),
            Self::Bar | Self::Popup => (Self::Surface, plain),
        })
    }

    /// What the role is for, in one sentence: the first line of the documentation above, for `docs/themes.md`.
    pub fn purpose(self) -> &'static str {
        match self {
            Self::Surface => "the background of everything",
            Self::Text => "ordinary words",
            Self::Muted => "words of less weight: units, ages, column heads",
            Self::Border => "lines around panes",
            Self::Focus => "border and title of the pane that has the keys",
            Self::Title => "titles of panes without the keys, names of things",
            Self::Selection => "the row under the cursor",
            Self::Match => "what a filter or search found",
            Self::Bar => "the first line and the footer",
            Self::Key => "a key in a hint",
            Self::Healthy => "as it should be; an open gate",
            Self::Pending => "on its way: booting, syncing, waiting",
            Self::Degraded => "works, at risk; soft reasons",
            Self::Failed => "does not work; a closed gate; hard reasons",
            Self::Info => "neither good nor bad: information, notes",
            Self::Stale => "the last known picture while the connection is lost",
            Self::GaugeLow => "the filled part of a gauge, low values",
            Self::GaugeMid => "the filled part of a gauge, middle values",
            Self::GaugeHigh => "the filled part of a gauge, high values",
            Self::GaugeEmpty => "the empty part of a gauge",
            Self::Series => "sparklines; may be a list of colours, one for each line",
            Self::Popup => "popups: help, palette, detail",
            Self::Input => "text that is typed",
            Self::Emphasis => "a word that must be seen, such as a disabled key's reason",
        }
    }

    /// True if the role paints an area that words of other roles are written on.
    pub fn is_ground(self) -> bool {
        matches!(self, Self::Surface | Self::Bar | Self::Popup | Self::Selection)
    }

    /// True if the role carries words or glyphs that must be read.
    pub fn is_words(self) -> bool {
        !self.is_ground()
            && !matches!(self, Self::Border | Self::GaugeLow | Self::GaugeMid | Self::GaugeHigh | Self::GaugeEmpty | Self::Series)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strum::IntoEnumIterator;

    #[test]
    fn every_fall_back_ends() {
        for role in Role::iter() {
            let mut at = role;
            let mut steps = 0;
            while let Some((next, _)) = at.fallback() {
                at = next;
                steps += 1;
                assert!(steps < 5, "{role:?} goes round");
            }
            assert!(matches!(at, Role::Surface | Role::Text), "{role:?}");
        }
    }
}
