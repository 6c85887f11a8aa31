//! poolwatch: watch XenServer and XCP-ng pools, take their hosts through rolling reboots and
//! updates, and explain their crashes.
//!
//! The house is described in `docs/architecture.md`. In one breath: everything that is learnt about a
//! pool is an [`observation::Observation`]; [`pool::Pool`] folds observations into one picture without
//! doing any I/O; the screen, `status` and the rollout engine all read that picture. Only
//! [`rollout::driver`] ever writes to a pool.

pub mod cli;
pub mod config;
pub mod crash;
pub mod feed;
pub mod o2cb;
pub mod observation;
pub mod pool;
pub mod probe;
pub mod recording;
pub mod rollout;
pub mod sim;
pub mod text;
pub mod time;
pub mod tui;
pub mod xenapi;
