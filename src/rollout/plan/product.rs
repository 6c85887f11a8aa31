//! Which product a pool runs, and so how it is updated; and whether a host still has to boot what was installed.

use crate::pool::Pool;
use crate::xenapi::record::Host;

/// How a pool is updated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// Packages through `updater.py`.
    XcpNg,
    /// XenServer 8 and later: `apply_updates` of synchronised metadata.
    XenServer,
    /// XenServer 7, Citrix Hypervisor 8.0 to 8.2: `pool_update`.
    XenServer7,
    /// It does not say.
    Unknown,
}

impl Product {
    /// By what the coordinator's software calls itself.
    pub fn of(pool: &Pool) -> Self {
        let Some(host) = pool.coordinator().and_then(|r| pool.records().host(r)) else { return Self::Unknown };
        let brand = host.software_version.get("product_brand").unwrap_or_default().to_ascii_lowercase();
        if brand.contains("xcp") {
            return Self::XcpNg;
        }
        let citrix = brand.contains("xenserver") || brand.contains("citrix") || brand.contains("xen server");
        if !citrix {
            return Self::Unknown;
        }
        let mut version = host.software_version.get("product_version").unwrap_or_default().split('.');
        let mut number = || version.next().and_then(|v| v.trim().parse::<u32>().ok());
        match (number(), number()) {
            // 8.3 was only ever a preview of 8.4, and is updated in the same way.
            (Some(major), Some(minor)) if (major, minor) >= (8, 3) => Self::XenServer,
            (Some(_), Some(_)) => Self::XenServer7,
            _ if host.latest_synced_updates_applied.is_empty() => Self::Unknown,
            _ => Self::XenServer,
        }
    }
}

/// Why a host has to be rebooted though it lacks nothing: what was installed is not what runs. Part of a sentence.
///
/// A tool that only asks what is missing takes such a host for done (orchestrators' story: half-updated hosts that are skipped for ever).
pub fn installed_not_booted(host: &Host) -> Option<String> {
    let installed = host.other_config.unix_time("rpm_patch_installation_time");
    if let (Some(installed), Some(booted)) = (installed, host.boot_time())
        && installed > booted
    {
        return Some("packages were installed after it last booted".into());
    }
    if !host.updates_requiring_reboot.is_empty() {
        return Some("an update that is installed waits for its reboot".into());
    }
    let lists = [&host.pending_guidances, &host.pending_guidances_recommended, &host.pending_guidances_full];
    let reboot = lists.into_iter().flatten().any(|one| one.starts_with("reboot_host"));
    reboot.then(|| "its pending guidance asks for a reboot".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::scene::{Scene, host};

    #[test]
    fn the_way_of_updating_follows_from_what_the_software_calls_itself() {
        let mut s = Scene::new(1);
        let cases = [
            ("XCP-ng", "8.3.0", Product::XcpNg),
            ("XenServer", "8.4.0", Product::XenServer),
            ("XenServer", "9.0.0", Product::XenServer),
            ("XenServer", "7.1.2", Product::XenServer7),
            ("Citrix Hypervisor", "8.2.1", Product::XenServer7),
            ("XenServer", "next", Product::Unknown),
            ("Somebody's", "1.0", Product::Unknown),
            ("", "", Product::Unknown),
        ];
        for (brand, version, want) in cases {
            s.host_is(1, |h| h.software_version = [("product_brand", brand), ("product_version", version)].into());
            assert_eq!(Product::of(&s.pool), want, "{brand} {version}");
        }
        s.host_is(1, |h| {
            h.software_version = [("product_brand", "XenServer")].into();
            h.latest_synced_updates_applied = "no".into();
        });
        assert_eq!(Product::of(&s.pool), Product::XenServer);
        assert_eq!(Product::of(&Scene::empty().pool), Product::Unknown);
    }

    #[test]
    fn what_was_installed_and_not_booted_is_seen_from_three_sides() {
        let with = |how: fn(&mut crate::xenapi::record::Host)| {
            let mut h = host(1);
            how(&mut h);
            installed_not_booted(&h)
        };
        assert_eq!(with(|_| {}), None);
        let times = |installed| [("boot_time", "1799990000."), ("rpm_patch_installation_time", installed)].into();
        assert_eq!(installed_not_booted(&crate::xenapi::record::Host { other_config: times("1799980000"), ..host(1) }), None);
        assert!(installed_not_booted(&crate::xenapi::record::Host { other_config: times("1799999000.5"), ..host(1) }).is_some());
        assert!(with(|h| h.updates_requiring_reboot = vec!["u".into()]).is_some());
        assert!(with(|h| h.pending_guidances_full = vec!["reboot_host_on_livepatch_failure".into()]).is_some());
        assert_eq!(with(|h| h.pending_guidances = vec!["restart_toolstack".into()]), None);
    }
}
