//! How a pool is found before a round: what the round may change, and has to put back. Reads nothing itself.

use super::entry::{Found, FoundHa};
use super::plan::Plan;
use crate::pool::Pool;
use crate::pool::words::name;
use crate::xenapi::record::Ref;
use std::collections::BTreeMap;

/// `pool.other_config:auto_poweron`.
pub const AUTO_POWER_ON: &str = "auto_poweron";

impl Found {
    /// The pool as it is now. `statefiles`: the SRs of HA's statefiles, which the pool tells only by their disks.
    pub fn of(pool: &Pool, plan: &Plan, statefiles: Vec<Ref>) -> Self {
        let records = pool.records();
        let Some(record) = records.the_pool() else { return Self::default() };
        let ha = record.ha_enabled.then(|| FoundHa {
            srs: statefiles,
            configuration: record.ha_configuration.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
            tolerates: record.ha_host_failures_to_tolerate,
        });
        let mut names = BTreeMap::new();
        let mut hosts = BTreeMap::new();
        for (r, host) in records.hosts() {
            hosts.insert(r, host.uuid.to_string());
            names.insert(r.as_str().to_owned(), name(&host.name_label));
            names.insert(host.uuid.to_string(), name(&host.name_label));
        }
        for host in &plan.hosts {
            for (r, pbd) in records.pbds_of(&host.host) {
                let sr = records.sr(&pbd.sr).map(|sr| name(&sr.name_label)).unwrap_or_default();
                names.insert(r.as_str().to_owned(), format!("{sr} on {}", name(&host.name)));
                names.insert(pbd.sr.as_str().to_owned(), sr);
            }
        }
        let mut guests = BTreeMap::new();
        for (r, guest) in records.guests() {
            let Some(on) = guest.on.as_ref().and_then(|on| hosts.get(on)) else { continue };
            names.insert(r.as_str().to_owned(), name(&guest.name));
            names.insert(guest.uuid(), name(&guest.name));
            guests.insert(guest.uuid(), on.clone());
        }
        Self {
            ha,
            auto_poweron: record.other_config.get(AUTO_POWER_ON).is_some_and(|on| on.trim().eq_ignore_ascii_case("true")),
            wlb: record.wlb_enabled,
            disabled: records.hosts().filter(|(_, host)| !host.enabled).map(|(_, host)| host.uuid.to_string()).collect(),
            guests,
            names,
        }
    }
}
