//! Would a crash leave a dump: the crash kernel, and the place for it.

use crate::o2cb::live::known::Known;
use serde::{Deserialize, Serialize};

/// What a crash would leave behind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crash {
    /// Is a crash kernel loaded? On Xen it is loaded into Xen, which only `kexec --status` there can tell.
    pub loaded: Known<bool>,
    /// Is this a domain 0?
    pub xen: bool,
    /// Memory that is kept for it, in bytes; on Xen the argument of Xen's command line counts instead.
    pub reserved: Known<u64>,
    /// Crash folders below `/var/crash`, in the order of their names; older ones are deleted when a fifth comes.
    pub dumps: Known<Vec<String>>,
    /// Bytes free below `/var/crash`.
    pub free: Known<u64>,
    /// Is the file still there that is given up to make room for the logs? If not, the last crash used it up.
    pub sacrificial: Known<bool>,
}

/// What `df -P` (or `df -k`) says is free at `path`, in bytes: the longest mount point above it.
pub fn free(said: &str, path: &str) -> Option<u64> {
    let rows = said.lines().skip(1).filter_map(|line| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        // The name of the device may stand on a line of its own.
        let [.., free, percent, mount] = words.as_slice() else { return None };
        let above = path == *mount || *mount == "/" || path.strip_prefix(mount).is_some_and(|rest| rest.starts_with('/'));
        (percent.ends_with('%') && above).then(|| free.parse::<u64>().ok().map(|kib| (mount.len(), kib.saturating_mul(1024))))?
    });
    rows.max_by_key(|(length, _)| *length).map(|(_, bytes)| bytes)
}

/// Is `name` a crash folder, as XenServer, kdump-tools or kexec-tools name them?
pub fn is_dump(name: &str) -> bool {
    let digits = name.chars().filter(char::is_ascii_digit).count();
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':' | '_' | '+'));
    digits >= 8 && plain && !name.starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_free_is_that_of_the_nearest_mount() {
        let said = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sda1 18 10 8 56% /\n/dev/sda5\n 400 100 300 25% /var/log\n/dev/sda6 4 1 3 25% /var/crash\n";
        assert_eq!(
            (free(said, "/var/crash"), free(said, "/var/crashes"), free(said, "/var/log/xen")),
            (Some(3_072), Some(8_192), Some(307_200))
        );
        assert_eq!(free("df: not found", "/"), None);
        assert!(is_dump("20261121-002108-UTC") && is_dump("202611210021") && is_dump("127.0.0.1-2026-11-21-00:21:08"));
        assert!(!is_dump(".sacrificial-space-for-logs") && !is_dump("kexec_cmd"));
    }
}
