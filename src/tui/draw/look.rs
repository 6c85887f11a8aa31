//! How things look: the theme, the alphabet, and what each state of the pool is shown as. A status is always a glyph,
//! a word and a role; this is the only place that puts the three together.

use crate::pool::picture::{GateState, Health, HostView, LinkState, Picture, Severity, Stage};
use crate::tui::theme::{Glyphs, Role, Theme};
use ratatui::style::Style;

/// The theme and the alphabet in force.
#[derive(Clone, Debug)]
pub struct Look {
    /// Colours.
    pub theme: Theme,
    /// The alphabet.
    pub glyphs: &'static Glyphs,
}

/// A status: glyph, word, role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sign {
    pub glyph: &'static str,
    pub word: &'static str,
    pub role: Role,
}

impl Look {
    /// The look of a theme.
    pub fn new(theme: Theme) -> Self {
        Self { glyphs: theme.glyphs(), theme }
    }

    /// The corners of a frame: top left, top right, bottom left, bottom right.
    pub(crate) fn corners(&self) -> [&'static str; 4] {
        let set = self.theme.borders();
        [set.top_left, set.top_right, set.bottom_left, set.bottom_right]
    }

    /// The style of a role.
    pub fn style(&self, role: Role) -> Style {
        self.theme.style(role)
    }

    /// Whether only ASCII may be drawn.
    pub fn ascii(&self) -> bool {
        self.theme.is_ascii()
    }

    pub(crate) fn health(&self, health: Health) -> Sign {
        let (glyph, word, role) = match health {
            Health::Good => (self.glyphs.ok, "ok", Role::Healthy),
            Health::Pending => (self.glyphs.note, "note", Role::Info),
            Health::Degraded => (self.glyphs.warning, "at risk", Role::Degraded),
            Health::Failed => (self.glyphs.failed, "failed", Role::Failed),
        };
        Sign { glyph, word, role }
    }

    pub(crate) fn gate(&self, gate: GateState) -> Sign {
        let (glyph, word, role) = match gate {
            GateState::Open => (self.glyphs.ok, "open", Role::Healthy),
            GateState::Closed => (self.glyphs.failed, "closed", Role::Failed),
            GateState::Unknown => (self.glyphs.unknown, "unknown", Role::Degraded),
        };
        Sign { glyph, word, role }
    }

    /// The answer to the operator's question.
    pub(crate) fn answer(&self, gate: GateState) -> Sign {
        let word = match gate {
            GateState::Open => "YES",
            GateState::Closed => "NO",
            GateState::Unknown => "CANNOT TELL",
        };
        Sign { word, ..self.gate(gate) }
    }

    pub(crate) fn severity(&self, severity: Severity) -> Sign {
        let (glyph, word, role) = match severity {
            Severity::Hard => (self.glyphs.failed, "hard", Role::Failed),
            Severity::Soft => (self.glyphs.warning, "soft", Role::Degraded),
            Severity::Note => (self.glyphs.note, "note", Role::Info),
        };
        Sign { glyph, word, role }
    }

    pub(crate) fn host(&self, host: &HostView) -> Sign {
        let g = self.glyphs;
        let (glyph, word, role) = match host.state.stage {
            Stage::Live if host.paths.is_some_and(|(up, total)| up < total) => (g.warning, "live, at risk", Role::Degraded),
            Stage::Live => (g.live, "live", Role::Healthy),
            Stage::Back => (g.pending, "back", Role::Pending),
            Stage::Disabled => (g.pending, "disabled", Role::Pending),
            Stage::GoingDown => (g.pending, "going down", Role::Pending),
            Stage::Starting => (g.pending, "starting", Role::Pending),
            Stage::Plugging => (g.pending, "plugging storage", Role::Pending),
            Stage::Down => (g.failed, "down", Role::Failed),
            Stage::Silent => (g.failed, "silent", Role::Failed),
            Stage::Unknown => (g.unknown, "unknown", Role::Degraded),
        };
        Sign { glyph, word, role }
    }

    pub(crate) fn member(&self, state: &str, health: Health) -> Sign {
        let word = match state {
            "alive" => "alive",
            "dead" => "dead",
            "disabled" => "disabled",
            "left" => "left",
            "excluded" => "excluded",
            _ => "unknown",
        };
        let glyph = match health {
            Health::Good => self.glyphs.live,
            Health::Pending => self.glyphs.unknown,
            Health::Degraded => self.glyphs.warning,
            Health::Failed => self.glyphs.failed,
        };
        Sign { glyph, word, role: self.health(health).role }
    }

    /// Our connection.
    pub(crate) fn link(&self, state: LinkState) -> Sign {
        let g = self.glyphs;
        let (glyph, word, role) = match state {
            LinkState::Connecting => (g.pending, "connecting", Role::Pending),
            LinkState::Syncing => (g.pending, "reading", Role::Pending),
            LinkState::Live => (g.live, "live", Role::Healthy),
            LinkState::Lost => (g.failed, "connection lost", Role::Failed),
            LinkState::Refused => (g.failed, "refused", Role::Failed),
        };
        Sign { glyph, word, role }
    }

    /// The role of a gauge's filled part.
    pub(crate) fn gauge_role(fraction: f64) -> Role {
        match fraction {
            f if f < 0.75 => Role::GaugeLow,
            f if f < 0.9 => Role::GaugeMid,
            _ => Role::GaugeHigh,
        }
    }
}

/// How bad a pool is, for the order of the fleet: higher is worse.
pub(crate) fn badness(picture: &Picture) -> (u8, usize, usize) {
    let link = match picture.link.state {
        LinkState::Refused => 4,
        LinkState::Lost => 3,
        LinkState::Connecting | LinkState::Syncing => 1,
        LinkState::Live => 0,
    };
    let verdict = match picture.verdict.state {
        GateState::Open => 0,
        GateState::Closed => 2,
        GateState::Unknown => 1,
    };
    let down = picture.hosts.iter().filter(|h| matches!(h.state.stage, Stage::Down | Stage::Silent | Stage::Unknown)).count();
    let alerts = picture.alerts.iter().filter(|a| a.still_true == Some(true)).count();
    (link.max(verdict), down, alerts)
}
