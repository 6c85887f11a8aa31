//! The simulated pool: a second implementation of the API, good enough that real clients cannot tell.
//!
//! The core is a pure state machine over a virtual clock: no I/O, no clock, no spawn; randomness from a
//! seed. `server` is a thin layer of HTTP and TLS on it.

pub mod api;
pub mod db;
pub mod front;
pub mod scenario;
pub mod schema;
pub mod server;
pub mod start;
pub mod value;
pub mod world;
