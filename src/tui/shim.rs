//! Stand-ins until the branches theme and pool are merged.
pub use super::shim_glyphs::{ASCII, Glyphs, UNICODE};
use super::theme::Role;
use crate::observation::{Observation, Seen};
use crate::pool::picture::Picture;
use crate::time::Time;
use crate::xenapi::record::{Record, Ref};
use ratatui::style::{Color, Modifier, Style};
use std::collections::HashMap;

/// A theme.
#[derive(Clone, Debug, Default)]
pub struct Theme {
    /// Its name.
    pub name: String,
}

impl Theme {
    /// The style of a role.
    pub fn style(&self, role: Role) -> Style {
        let s = Style::new();
        match role {
            Role::Healthy | Role::GaugeLow => s.fg(Color::Green),
            Role::Degraded | Role::GaugeMid | Role::Match => s.fg(Color::Yellow),
            Role::Failed | Role::GaugeHigh => s.fg(Color::Red),
            Role::Focus | Role::Key | Role::Pending => s.fg(Color::Cyan),
            Role::Title => s.add_modifier(Modifier::BOLD),
            Role::Selection => s.add_modifier(Modifier::REVERSED),
            Role::Muted | Role::Border | Role::Stale => s.add_modifier(Modifier::DIM),
            _ => s,
        }
    }
}

/// A pool.
#[derive(Debug, Default)]
pub struct Pool {
    records: HashMap<Ref, Record>,
    picture: Picture,
}

impl Pool {
    /// New.
    pub fn new(name: &str) -> Self {
        Self { records: HashMap::new(), picture: Picture { name: name.to_owned(), ..Picture::default() } }
    }
    /// Apply.
    pub fn apply(&mut self, observation: &Observation) {
        if let Seen::Set { r#ref, record } = &observation.seen {
            self.records.insert(r#ref.clone(), (**record).clone());
        }
    }
    /// Picture.
    pub fn picture(&self, now: Time) -> Picture {
        Picture { at: now, ..self.picture.clone() }
    }
    /// Record.
    pub fn record(&self, r: &Ref) -> Option<&Record> {
        self.records.get(r)
    }
    /// Next change.
    pub fn next_change(&self, _now: Time) -> Option<Time> {
        None
    }
}
