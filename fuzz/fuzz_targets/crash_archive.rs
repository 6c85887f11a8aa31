//! Any bytes as what somebody gave to `poolwatch crash`: an archive, if they look like one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use poolwatch::crash::read::{Limits, Options, stream};
use poolwatch::crash::report;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { free: 8 << 20, ratio: 20, unpacked: 32 << 20, members: 500, ..Limits::default() };
    if let Ok(reading) = stream(bytes, "fuzz", &Options { limits, ..Options::default() }) {
        let _ = (report::html(&reading), report::markdown(&reading), report::json(&reading));
    }
});
