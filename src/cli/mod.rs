//! One file a subcommand: arguments in, exit code out. Everything that decides sits below.

mod args;
mod credentials;
mod status;
mod stream;

pub use args::{Cli, Command};
