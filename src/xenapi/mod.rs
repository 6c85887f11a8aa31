//! The wire: JSON-RPC over HTTPS as xapi serves it, sessions, trust, events, records, RRDs, errors.
//!
//! Knows how to talk to one pool; never decides what it means (that is [`crate::pool`]) and never calls a
//! method that changes a pool.

pub mod record;
