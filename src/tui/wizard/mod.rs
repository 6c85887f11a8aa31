//! The guided rollout: scope, plan, preflight, confirm, run, report. One page a file.
//!
//! Pure, as all of the dashboard's model: what is planned, checked and run is asked for as effects and comes back as answers. Decides nothing
//! about the pool: what speaks against a round is what the findings say, what can be commanded is what the run's progress says.

pub(crate) mod answer;
mod scope;
mod state;

pub(crate) use state::Wizard;
