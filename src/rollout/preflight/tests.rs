//! One test a check.
