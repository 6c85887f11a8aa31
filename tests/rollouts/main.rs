//! The proof: simulated rounds of the real engine with a real journal on the simulated pool, with everything going wrong that can, and a
//! checker that looks at the simulated world itself.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "tests")]

/// Half of a simulated round is small things that come and go: with an allocator that is made for them it takes a fifth less.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod bites;
mod calm;
mod case;
mod judge;
mod killed;
mod many;
mod mended;
mod rewound;
mod seeds;
mod stories;
