//! From the wire to observations: follows one pool and says what it sees.
//!
//! `follow` is a pure machine (answers in; calls and observations out), so that lost events, restarts of the coordinator
//! and tokens from another life are tested without a network. The driver runs it against [`crate::xenapi`].
//! Never calls a method that changes a pool.

pub mod clock;
pub mod decode;
pub mod driver;
pub mod follow;
pub mod journal;
mod note;
