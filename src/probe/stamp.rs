//! Remembers, from one run of the probe to the next, when `o2net/sock_containers` was read, so that a plugin that is called
//! every two seconds does not flood the kernel log. The only file that the probe writes, in a folder that is gone after a
//! restart; without it the probe does not look.

use crate::o2cb::live::look::Policy;
use crate::time::Time;
use std::fs;
use std::path::Path;

/// Where it stands on a host.
pub const FILE: &str = "/run/poolwatch-probe.looks";

/// What was remembered: one time in milliseconds a line. What is none is passed over.
pub fn load(file: &Path) -> Policy {
    let text = fs::metadata(file)
        .ok()
        .filter(|about| about.is_file() && about.len() < 64 * 1024)
        .and_then(|_| fs::read_to_string(file).ok());
    let times = text.iter().flat_map(|text| text.lines()).filter_map(|line| line.trim().parse().ok()).map(Time::from_millis);
    Policy::remember(times)
}

/// Remembers. False if that could not be done: then nobody may look, as nobody would know the next time.
pub fn store(file: &Path, policy: &Policy) -> bool {
    let lines: Vec<String> = policy.looks().map(|at| format!("{}\n", at.as_millis())).collect();
    fs::write(file, lines.concat()).is_ok()
}
