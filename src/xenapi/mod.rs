//! The wire: JSON-RPC over HTTPS as xapi serves it, sessions, trust, events, records, RRDs, errors.
//!
//! Knows how to talk to one pool; never decides what it means (that is [`crate::pool`]). Only [`writer`]
//! calls methods that change a pool.

pub mod client;
pub mod code;
pub mod error;
pub mod events;
pub mod explain;
pub mod fresh;
pub mod record;
pub mod reply;
pub mod rrd;
pub mod session;
pub mod target;
pub mod trust;
pub mod writer;

pub use client::{Client, ClientOptions};
pub use error::Error;
pub use session::{Credentials, Session};
pub use target::Target;
