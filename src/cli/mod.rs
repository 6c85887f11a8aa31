//! One file a subcommand: arguments to exit code.

pub mod sim;
