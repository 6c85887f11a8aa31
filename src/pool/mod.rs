//! The model: observations folded into one picture of a pool, and what it means.
//!
//! Pure: no I/O, no clock, no randomness, nothing spawned. Time comes in as an argument.

pub mod picture;
