//! Rollouts: taking the hosts of a pool one by one through a reboot or an update, without ever making things worse.
//!
//! | part | what it is for |
//! |---|---|
//! | `plan` | which hosts, in which order, through which stages, and why |
//! | `survey` | what a plan and its checks have to read beyond the model |
//! | `finding`, `preflight` | what speaks against it before it begins, and how to mend that |
//! | `call` | every write that poolwatch makes to a pool, and nothing else |
//! | `entry`, `run` | what a journal line says; the state of a run, which is the fold of its journal |
//! | `machine` | what is to be done next: pure |
//!
//! The state of a run is the fold of its journal: nothing is known of it that is not written there, so that a run that was killed goes on
//! where its journal ends. The machine decides; who executes it writes an intent, and only then makes the call.

pub mod call;
pub mod claim;
pub mod driver;
pub mod engine;
pub mod entry;
pub mod finding;
pub mod found;
pub mod journal;
pub mod look;
pub mod machine;
pub mod plan;
pub mod preflight;
pub mod progress;
pub mod report;
pub mod run;
pub mod survey;
pub mod twin;
pub mod wire;
