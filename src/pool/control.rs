//! Who may act on the pool beside us, and what product it is. Reads marks; decides nothing.

use super::Pool;
use super::known::Known;
use super::picture::{ClaimView, Control};
use super::words;
use crate::observation::{RevertedWhat, Rewind};
use crate::text::duration;
use crate::time::Time;
use crate::xenapi::record::{Config, Host, HostOperation, Pool as PoolRecord};

/// Whether a rolling pool upgrade is under way: while the key is there, xapi never lists `reboot`.
pub fn rolling_upgrade(pool: &PoolRecord) -> bool {
    pool.other_config.get("rolling_upgrade_in_progress").is_some()
}

/// Keys of `pool.other_config` with which tools mark that they are at work, and what they mean.
const MARKS: [(&str, &str); 6] = [
    ("poolwatch_claim", "poolwatch has a round under way"),
    ("poolwatch:claim", "poolwatch has a round under way"),
    ("hotfix_update_in_progress", "XenCenter applies updates"),
    ("xo:rollingUpdate", "Xen Orchestra has a rolling update under way"),
    ("rolling_pool_update", "a rolling update is under way"),
    ("rolling_pool_reboot", "a rolling reboot is under way"),
];

impl Pool {
    pub(super) fn control_view(&self, known: &Known<'_>) -> Control {
        let Some(pool) = self.tables.the_pool() else { return Control::default() };
        let mut marks = Vec::new();
        for (key, meaning) in MARKS {
            if let Some(value) = pool.other_config.get(key) {
                let value = words::name(value);
                marks.push(if value.is_empty() { meaning.to_owned() } else { format!("{meaning} ({value})") });
            }
        }
        for op in pool.current_operations.values() {
            marks.push(format!("the pool itself is busy: {}", pool_operation(op)));
        }
        for (_, host) in self.tables.hosts() {
            if host.current_operations.values().any(|op| *op == HostOperation::ApplyUpdates) {
                marks.push(format!("updates are being applied on {}", words::name(&host.name_label)));
            }
        }
        marks.sort();
        marks.dedup();
        Control {
            ha: pool.ha_enabled,
            ha_stack: words::name(&pool.ha_cluster_stack),
            ha_tolerates: pool.ha_host_failures_to_tolerate,
            ha_timeout_s: self.ha_timeout().map(|(seconds, _)| seconds),
            ha_plan_exists_for: pool.ha_plan_exists_for,
            ha_overcommitted: pool.ha_overcommitted,
            ha_statefiles: if pool.ha_enabled { pool.ha_statefiles.len() } else { 0 },
            statefiles: known
                .hosts()
                .iter()
                .zip(known.names())
                .filter_map(|(r, name)| Some((name.clone(), self.tables.host(r)?.ha_statefiles.len())))
                .filter(|_| pool.ha_enabled)
                .collect(),
            rolling_upgrade: rolling_upgrade(pool),
            wlb: pool.wlb_enabled,
            marks,
            claim: claim(&pool.other_config),
            generation: self.link.generation,
            rewind: self.rewind.clone(),
        }
    }
}

/// Objects that are named in a sentence.
const NAMED: usize = 5;

/// What was lost, in a sentence; `status --json` and the screen have the whole list.
pub fn rewind_words(rewind: &Rewind) -> String {
    let count = |what| rewind.changes.iter().filter(|c| c.what == what).count();
    let (lost, reverted, back) = (count(RevertedWhat::Lost), count(RevertedWhat::Reverted), count(RevertedWhat::Back));
    let kinds = [(lost, "lost"), (reverted, "as before"), (back, "back again or new")];
    let counts: Vec<String> = kinds.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
    let named: Vec<String> =
        rewind.changes.iter().take(NAMED).map(|c| format!("{} {}: {}", c.class.call_name(), c.name, c.text)).collect();
    let rest = (rewind.changes.len() + rewind.more).saturating_sub(named.len());
    let more = if rest > 0 { format!("; and {rest} more") } else { String::new() };
    let gap = duration(rewind.at.since(rewind.last));
    format!(
        "compared with what was last seen, {gap} before the older database was found: {}. {}{more}",
        counts.join(", "),
        named.join("; ")
    )
}

impl Pool {
    /// HA's time-out in seconds, where the pool sets one that xapi takes, and where.
    pub(super) fn ha_timeout(&self) -> Option<(f64, &'static str)> {
        let pool = self.tables.the_pool()?;
        let seconds = |text: &str| text.trim().parse::<f64>().ok().filter(|s| (1.0..=86_400.0).contains(s));
        let own = pool.ha_configuration.get("timeout").and_then(seconds).map(|s| (s, "pool.ha_configuration:timeout"));
        let usual = pool.other_config.get("default_ha_timeout").and_then(seconds);
        own.or(usual.map(|s| (s, "pool.other_config:default_ha_timeout")))
    }
}

/// The claim that a round has laid on the pool (`rollout::claim` says how it is written). One that cannot be read is one all the same.
fn claim(other_config: &Config) -> Option<ClaimView> {
    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct Laid {
        owner: String,
        run: String,
        taken: Option<Time>,
    }
    #[derive(serde::Deserialize)]
    struct Renewed {
        at: Time,
    }
    let laid: Laid = serde_json::from_str(other_config.get("poolwatch:claim")?).unwrap_or_default();
    let renewed = other_config.get("poolwatch:claim-renewed").and_then(|text| serde_json::from_str::<Renewed>(text).ok());
    Some(ClaimView {
        owner: words::name(&laid.owner),
        run: words::name(&laid.run),
        renewed: renewed.map(|r| r.at).or(laid.taken),
    })
}

/// A pool operation in plain words.
pub fn pool_operation(op: &str) -> String {
    match op {
        "ha_enable" => "HA is being switched on".into(),
        "ha_disable" => "HA is being switched off".into(),
        "designate_new_master" => "the coordinator is being changed".into(),
        "apply_updates" => "updates are being applied".into(),
        "sync_updates" => "updates are being fetched".into(),
        "cluster_create" => "a cluster is being made".into(),
        "eject" => "a host is being taken out of the pool".into(),
        "tls_verification_enable" => "certificate checks are being switched on".into(),
        other => words::name(&other.replace('_', " ")),
    }
}

/// Product and version as people say it: `XCP-ng 8.3.0`, `XenServer 8`, `Citrix Hypervisor 8.2 CU1`.
pub fn product(software: &Config) -> String {
    let get = |key: &str| software.get(key).map(words::name).filter(|v| !v.is_empty());
    let brand = get("product_brand").unwrap_or_default();
    let version = get("product_version_text_short").or_else(|| get("product_version_text")).filter(|_| !brand.contains("XCP"));
    let version = version.or_else(|| get("product_version")).or_else(|| get("platform_version")).unwrap_or_default();
    format!("{brand} {version}").trim().to_owned()
}

/// Version as compared between hosts.
pub fn version(host: &Host) -> String {
    let get = |key: &str| host.software_version.get(key).map(words::name).filter(|v| !v.is_empty());
    get("product_version").or_else(|| get("platform_version")).unwrap_or_default()
}

/// xapi's version, shortened from build numbers: `26.17`.
pub fn xapi(software: &Config) -> String {
    software.get("xapi").map(words::name).unwrap_or_default()
}

/// What a host still waits for, in plain words, worst first. Sources: the three guidance fields and the older list of updates.
pub fn guidance(host: &Host) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let lists = [
        (&host.pending_guidances, ""),
        (&host.pending_guidances_recommended, " (recommended)"),
        (&host.pending_guidances_full, " (for full effect)"),
    ];
    for (list, note) in lists {
        for one in list {
            let words = guidance_words(one);
            if !out.iter().any(|o| o.starts_with(&words)) {
                out.push(format!("{words}{note}"));
            }
        }
    }
    if !host.updates_requiring_reboot.is_empty() && !out.iter().any(|o| o.starts_with("reboot host")) {
        out.push("reboot host".into());
    }
    out.sort_by_key(|o| !o.starts_with("reboot host"));
    out
}

fn guidance_words(one: &str) -> String {
    match one {
        "reboot_host" => "reboot host".into(),
        "reboot_host_on_livepatch_failure"
        | "reboot_host_on_kernel_livepatch_failure"
        | "reboot_host_on_xen_livepatch_failure" => "reboot host, as live patching failed".into(),
        "restart_toolstack" => "restart toolstack".into(),
        "restart_device_model" => "restart the device models of its guests".into(),
        "restart_vm" => "restart its guests".into(),
        other => words::name(&other.replace('_', " ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_called_by_their_names() {
        let cases: [(&[(&str, &str)], &str); 4] = [
            (&[("product_brand", "XCP-ng"), ("product_version", "8.3.0"), ("product_version_text", "8.3")], "XCP-ng 8.3.0"),
            (&[("product_brand", "XenServer"), ("product_version", "8.4.0"), ("product_version_text_short", "8")], "XenServer 8"),
            (
                &[
                    ("product_brand", "Citrix Hypervisor"),
                    ("product_version", "8.2.1"),
                    ("product_version_text_short", "8.2 CU1"),
                ],
                "Citrix Hypervisor 8.2 CU1",
            ),
            (&[], ""),
        ];
        for (pairs, want) in cases {
            let map: std::collections::BTreeMap<_, _> = pairs.iter().copied().collect();
            let config: Config = serde_json::from_value(serde_json::json!(map)).expect("map");
            assert_eq!(product(&config), want);
        }
    }

    #[test]
    fn a_claim_is_read_and_a_broken_one_is_still_a_claim() {
        let config = |pairs: &[(&str, &str)]| -> Config {
            let map: std::collections::BTreeMap<_, _> = pairs.iter().copied().collect();
            serde_json::from_value(serde_json::json!(map)).expect("map")
        };
        assert_eq!(claim(&config(&[])), None);
        assert_eq!(claim(&config(&[("poolwatch:claim", "{\"owner\": 1}")])), Some(ClaimView::default()));
        let at = serde_json::to_string(&Time::from_secs(1_800_000_000)).expect("a time");
        let laid = format!("{{\"owner\":\"a@b\",\"run\":\"r\",\"taken\":{at}}}");
        let found = claim(&config(&[("poolwatch:claim", &laid)])).expect("a claim");
        assert_eq!((found.owner.as_str(), found.run.as_str(), found.renewed), ("a@b", "r", Some(Time::from_secs(1_800_000_000))));
    }

    #[test]
    fn guidance_is_said_once_and_worst_first() {
        let host = Host {
            pending_guidances: vec!["restart_toolstack".into()],
            pending_guidances_recommended: vec!["reboot_host".into(), "restart_toolstack".into()],
            updates_requiring_reboot: vec!["u".into()],
            ..Host::default()
        };
        assert_eq!(guidance(&host), ["reboot host (recommended)", "restart toolstack"]);
    }
}
