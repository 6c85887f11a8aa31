//! The simulated pool's server, byte by byte: what real clients and odd ones get to see.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod calls;
mod doors;
mod fake;
mod http;
mod pool;
mod rrd;
mod tls;
mod wire;
