//! The guided rollout: scope, plan, preflight, confirm, run, report. One page a file.
//!
//! Pure, as all of the dashboard's model: what is planned, checked and run is asked for as effects and comes back as answers. Decides nothing
//! about the pool: what speaks against a round is what the findings say, what can be commanded is what the run's progress says.

pub(crate) mod act;
pub(crate) mod answer;
pub(crate) mod ask;
pub(crate) mod available;
mod confirm;
#[cfg(test)]
pub(crate) mod fixture;
mod frame;
mod paper;
mod plan;
mod preflight;
mod report;
mod run;
mod scope;
mod scope_page;
mod state;
pub(crate) mod words;

pub(crate) use frame::{render, row_at, settle};
pub(crate) use state::{Page, Wizard};
