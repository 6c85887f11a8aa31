//! Versions of hosts: what they are, how updates change them, and what xapi forbids while they differ.
//!
//! Facts: `rolling_upgrade_in_progress` is the coordinator's own to set and clear, by the platform version and, since xapi 25.33, by
//! xapi's too. Guests do not move to a lower version, and start on the highest only. A member newer than its coordinator gives up.

use super::Core;
use super::book::text_map;
use crate::sim::api::Failure;
use crate::sim::scenario::{Flow, Updates, Versions};
use crate::sim::value::Value;

/// The versions that rules compare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    platform: [u32; 3],
    xapi: [u32; 3],
}

/// The first numbers of a version.
fn numbers(text: &str) -> [u32; 3] {
    let mut found = text.split(|c: char| !c.is_ascii_digit()).map(|n| n.parse().unwrap_or(0));
    [(); 3].map(|()| found.next().unwrap_or(0))
}

/// A value of `software_version`.
fn text<'a>(software: &'a Value, key: &str) -> &'a str {
    match software {
        Value::Map(map) => match map.get(key) {
            Some(Value::Str(text)) => text,
            _ => "",
        },
        _ => "",
    }
}

impl Version {
    /// Of a host with this `software_version`.
    pub fn of(software: &Value) -> Self {
        Self { platform: numbers(text(software, "platform_version")), xapi: numbers(text(software, "xapi")) }
    }

    /// Whether xapi is this version or newer.
    fn since(&self, [major, minor]: [u32; 2]) -> bool {
        self.xapi >= [major, minor, 0]
    }

    /// What is compared: xapi's version counts since 25.33 only.
    pub fn rank(&self) -> ([u32; 3], [u32; 2]) {
        let [major, minor, _] = self.xapi;
        (self.platform, if self.since([25, 33]) { [major, minor] } else { [0, 0] })
    }
}

/// `host.software_version` of a host that has so many rounds of updates.
pub fn software_version(versions: &Versions, updates: &Updates, rounds: u32, host: &str) -> Value {
    let xcp = versions.brand == "XCP-ng";
    let mut software = text_map([
        ("product_brand", versions.brand.clone()),
        ("product_version", versions.product.clone()),
        ("product_version_text", versions.text.clone()),
        ("product_version_text_short", versions.text.clone()),
        ("platform_name", if xcp { "XCP" } else { "XenServer" }.to_owned()),
        ("platform_version", versions.platform.clone()),
        ("xapi", versions.xapi.clone()),
        ("xapi_build", format!("{}.0", versions.xapi)),
        ("xen", versions.xen.clone()),
        ("build_number", versions.build.to_string()),
        ("linux", "4.19.0+1".to_owned()),
        ("network_backend", "openvswitch".to_owned()),
        ("db_schema", "5.792".to_owned()),
        ("dbv", "0.0.1".to_owned()),
        ("git_id", "0".to_owned()),
        ("hostname", host.to_owned()),
        ("date", String::new()),
    ]);
    for _ in 0..rounds {
        software = updated(&software, updates);
    }
    software
}

/// `software_version` after one more round of updates.
pub fn updated(software: &Value, updates: &Updates) -> Value {
    let Value::Map(old) = software else { return software.clone() };
    let mut new = old.clone();
    let mut put = |key: &str, value: String| {
        if !value.is_empty() {
            new.insert(key.into(), value.into());
        }
    };
    // A scenario that says nothing of its updates raises the product version.
    let product = if updates.flow == Flow::None { bumped(text(software, "product_version"), 1) } else { updates.product.clone() };
    put("product_version", product.clone());
    put("product_version_text", product);
    put("platform_version", updates.platform.clone());
    put("xapi", updates.xapi.clone());
    if !updates.xapi.is_empty() {
        put("xapi_build", format!("{}.0", updates.xapi));
    }
    put("build_number", bumped(text(software, "build_number"), 1));
    Value::Map(new)
}

/// A version whose last number is higher by `by`.
fn bumped(version: &str, by: u32) -> String {
    let (head, last) = version.rsplit_once('.').unwrap_or(("", version));
    match last.parse::<u32>() {
        Ok(last) if head.is_empty() => (last + by).to_string(),
        Ok(last) => format!("{head}.{}", last + by),
        Err(_) => version.to_owned(),
    }
}

impl Core {
    fn version(&self, host: usize) -> Version {
        self.hosts.get(host).map(|h| h.version).unwrap_or_default()
    }

    /// Whether the coordinator's xapi is this version or newer.
    pub(super) fn xapi_since(&self, version: [u32; 2]) -> bool {
        self.version(self.coordinator).since(version)
    }

    /// A host's version of xapi, as text.
    pub(super) fn xapi_text(&self, host: usize) -> String {
        self.hosts.get(host).map(|h| text(&h.software, "xapi").to_owned()).unwrap_or_default()
    }

    /// Whether the pool runs XCP-ng.
    pub(super) fn is_xcp_ng(&self) -> bool {
        self.hosts.get(self.coordinator).is_some_and(|h| text(&h.software, "product_brand") == "XCP-ng")
    }

    /// Whether a member's xapi is newer than its coordinator's, which neither takes (since 23.30).
    pub(super) fn newer_than_coordinator(&self, host: usize) -> bool {
        let (mine, coordinator) = (self.version(host), self.version(self.coordinator));
        host != self.coordinator && mine.since([23, 30]) && mine.rank() > coordinator.rank()
    }

    /// Why a guest may not run on a host because of versions.
    pub(super) fn version_forbids(&self, guest: usize, host: usize) -> Option<Failure> {
        let g = self.guests.get(guest)?;
        let rank = self.version(host).rank();
        match g.on.filter(|_| g.is_active()) {
            Some(from) if self.version(from).rank() > rank => Some(Failure::bare("NOT_SUPPORTED_DURING_UPGRADE")),
            None if self.hosts.iter().filter(|h| h.member()).any(|h| h.version.rank() > rank) => {
                let r = self.hosts.get(host).map(|h| h.r.clone()).unwrap_or_default();
                Some(Failure::new("VM_HOST_INCOMPATIBLE_VERSION", [r.as_str(), g.r.as_str()]))
            }
            _ => None,
        }
    }

    /// The coordinator notices whether versions differ, and says so in the pool's `other_config`.
    pub(super) fn publish_mixed(&mut self) {
        const KEY: &str = "rolling_upgrade_in_progress";
        if !self.coordinator_up() {
            return;
        }
        let first = self.version(self.coordinator).rank();
        let mixed = self.hosts.iter().filter(|h| h.member()).any(|h| h.version.rank() != first);
        if mixed == self.rolling_upgrade() {
            return;
        }
        let pool = self.pool.clone();
        if mixed {
            self.db.map_add(&pool, "other_config", KEY, "true");
        } else {
            self.db.map_remove(&pool, "other_config", KEY);
        }
        self.publish_pool_ops();
        self.refresh_all_ops();
        for guest in 0..self.guests.len() {
            self.publish_guest(guest);
        }
    }

    /// How many parameters a call takes at most in the coordinator's version; `None`: it does not have the call.
    pub(super) fn known_params(&self, method: &str, most: usize) -> Option<usize> {
        let since = |version| self.xapi_since(version);
        let (exists, most) = match method {
            "host.disable" => (true, if since([25, 31]) { most } else { 1 }),
            "host.evacuate" => (
                true,
                if since([23, 27]) {
                    most
                } else if since([1, 297]) {
                    2
                } else {
                    1
                },
            ),
            "pool.check_update_readiness" => (since([1, 304]), most),
            "host.apply_updates" => (since([22, 20]), most),
            "pool.sync_updates" => (since([23, 18]), if since([25, 7]) { most } else { 4 }),
            _ => (true, most),
        };
        exists.then_some(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn updates_raise_the_last_number() {
        assert_eq!(bumped("8.3.0", 2), "8.3.2");
        assert_eq!(bumped("8", 1), "9");
        assert_eq!(bumped("8.3.x", 1), "8.3.x");
    }

    #[test]
    fn versions_are_compared_by_number_and_the_older_ones_by_platform_alone() {
        let of = |platform: &str, xapi: &str| Version { platform: numbers(platform), xapi: numbers(xapi) };
        assert!(of("3.4.0", "1.249.26").since([1, 249]) && !of("3.4.0", "1.249.26").since([1, 297]));
        assert!(of("3.4.0", "26.17").since([25, 33]) && of("3.4.0", "26.9").rank() < of("3.4.0", "26.17").rank());
        assert_eq!(of("3.4.0", "24.10").rank(), of("3.4.0", "24.39").rank());
        assert!(of("3.2.1", "24.39").rank() < of("3.4.0", "24.10").rank());
    }
}
