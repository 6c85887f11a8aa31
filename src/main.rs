//! Arguments to command to exit code; nothing else.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    // Fails only if it was installed before, and nothing was.
    let _ = color_eyre::install();
    poolwatch::cli::main()
}
