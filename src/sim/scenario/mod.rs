//! Scenarios: small, named descriptions of pools, read from TOML. Data only; [`super::world`] brings them to life.
//!
//! Nothing here reads a file: the built-in scenarios are part of the program, others come in as text.

mod builtin;
mod check;
mod fleet;
mod model;

pub use builtin::{Named, list, load, resize};
pub use model::{
    Activity, Boot, Busy, Event, FenceMethod, Fill, Flow, GuestKind, GuestSpec, HaSpec, HostSpec, LunSpec, MirrorSpec,
    NetworkSpec, Pinned, Round, Scenario, SrSpec, Updates, Versions, default_stacks,
};

/// What may be changed about a scenario when it is loaded. `None` keeps what the scenario says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// How many pools (only `fleet` has more than one), 1 to 250.
    pub pools: Option<usize>,
    /// How many hosts a pool has, 1 to 64.
    pub hosts: Option<usize>,
    /// How many guests a pool has, 0 to 10,000.
    pub guests: Option<usize>,
}

/// Why a scenario cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// There is none of that name.
    #[error("there is no scenario called `{name}`; there are: {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// It is not TOML of the right shape.
    #[error("scenario `{name}` cannot be read: {why}. See the files in `scenarios/` for the shape")]
    Unreadable {
        /// Which one.
        name: String,
        /// What the reader says, with the line.
        why: String,
    },
    /// It contradicts itself.
    #[error("scenario `{name}` does not make sense: {why}")]
    Nonsense {
        /// Which one.
        name: String,
        /// What is wrong.
        why: String,
    },
}

impl Scenario {
    /// Reads a scenario from TOML and checks it. `name` is used in errors and where the text gives none.
    pub fn from_toml(name: &str, text: &str) -> Result<Self, ScenarioError> {
        let mut scenario: Self = toml::from_str(text)
            .map_err(|e| ScenarioError::Unreadable { name: name.to_owned(), why: e.to_string().trim().to_owned() })?;
        if scenario.name.is_empty() {
            name.clone_into(&mut scenario.name);
        }
        check::check(&scenario)?;
        Ok(scenario)
    }
}

#[cfg(test)]
mod tests;
