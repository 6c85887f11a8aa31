//! What the pool's records say that the budget is made of.

use super::probed::O2cbTold;
use super::{Budget, Corosync, Facts, HA_TIMEOUT, Ha, Known, Storage, Transport, budget};
use crate::pool::Pool;
use crate::pool::clocks::Skew;
use crate::pool::picture::{PathKind, PathView};
use crate::pool::words;
use crate::time::Time;
use crate::xenapi::record::{Pbd, Ref, Sr};
use std::collections::BTreeMap;

/// xapi's token time-out of corosync, in seconds, and what each member beyond two adds.
const TOKEN: (f64, f64) = (20.0, 1.0);
/// SRs that are named for each kind of storage; more are counted.
const NAMED: usize = 4;

impl Pool {
    /// The time-out budget, by what is known now.
    pub(in crate::pool) fn budget_view<'a>(
        &self,
        names: &[String],
        hosts: &[Ref],
        paths: impl Iterator<Item = &'a PathView>,
        skews: &[(Ref, Skew)],
    ) -> Budget {
        if self.tables.the_pool().is_none() {
            return Budget::default();
        }
        let mut devices: BTreeMap<&str, u32> = BTreeMap::new();
        for path in paths.filter(|path| path.kind == PathKind::Multipath) {
            let sum = devices.entry(&path.host).or_default();
            *sum = sum.saturating_add(path.total);
        }
        // Two hosts may be off in different directions.
        let (least, most) = skews.iter().fold((0.0_f64, 0.0_f64), |(least, most), (_, skew)| {
            (least.min(skew.ahead - skew.error), most.max(skew.ahead + skew.error))
        });
        let now = self.at;
        let mut storage = self.storage_facts(names, hosts);
        self.add_queues(&mut storage, now);
        let waits = self.waits(now);
        for one in &mut storage {
            one.waits = waits.get(&(one.transport, one.multipath)).cloned();
        }
        budget(&Facts {
            storage,
            devices: devices.into_values().max().unwrap_or(0),
            guests: self.tables.running(),
            skew_s: (!skews.is_empty()).then_some(most - least),
            ..self.fence_facts(now)
        })
    }

    /// What fences, without all that it is compared with.
    fn fence_facts(&self, now: Time) -> Facts {
        let o2cb = self.uses_o2cb();
        let o2cb_told = if o2cb { self.o2cb_told(now) } else { O2cbTold::default() };
        Facts { ha: self.ha_facts(now), o2cb, o2cb_told, corosync: self.corosync_facts(), ..Facts::default() }
    }

    /// When the first host fences itself once it lost its heartbeat, in seconds, and by whom.
    pub(in crate::pool) fn first_fence(&self, now: Time) -> Option<(f64, &'static str)> {
        self.fence_facts(now).fence()
    }

    fn ha_facts(&self, now: Time) -> Option<Ha> {
        let pool = self.tables.the_pool().filter(|pool| pool.ha_enabled)?;
        let stack = words::name(&pool.ha_cluster_stack);
        let told = self.ha_timeout();
        // What the daemon has was set when HA was switched on; the pool may say something newer, which nothing follows yet.
        if let Some((timeout_s, watchdog_s)) = self.xhad_told(now) {
            return Some(Ha { stack, timeout_s, watchdog_s, known: Known::Probe, from: "xhad.conf of the hosts" });
        }
        let (timeout_s, known, from) = told
            .map_or((HA_TIMEOUT, Known::Default, "xapi's default; nothing sets another"), |(timeout, from)| {
                (timeout, Known::Told, from)
            });
        Some(Ha { stack, timeout_s, watchdog_s: None, known, from })
    }

    fn uses_o2cb(&self) -> bool {
        self.tables.the_pool().is_some_and(|pool| &*pool.ha_cluster_stack == "o2cb")
            || self.tables.clusters().any(|(_, cluster)| &*cluster.cluster_stack == "o2cb")
            || self.tables.srs().any(|(_, sr)| sr.r#type.contains("ocfs"))
            || self.probes.o2cb(self.at).any(|(_, _, live)| live.cluster().is_some())
    }

    fn corosync_facts(&self) -> Vec<Corosync> {
        let clusters = self.tables.clusters().filter(|(_, cluster)| &*cluster.cluster_stack == "corosync");
        clusters
            .map(|(_, cluster)| {
                let members = cluster.cluster_hosts.len();
                let told = cluster.token_timeout.is_finite() && cluster.token_timeout > 0.0;
                let (token, more) =
                    if told { (cluster.token_timeout, cluster.token_timeout_coefficient.max(0.0)) } else { TOKEN };
                Corosync { token_s: token + more * members.saturating_sub(2) as f64, told, members }
            })
            .collect()
    }

    fn storage_facts(&self, names: &[String], hosts: &[Ref]) -> Vec<Storage> {
        let mut of: BTreeMap<(Transport, bool), BTreeMap<String, Vec<&str>>> = BTreeMap::new();
        let mut pbds_of: BTreeMap<&Ref, usize> = BTreeMap::new();
        for (host, name) in hosts.iter().zip(names) {
            for (_, pbd) in self.pbds(host).filter(|(_, pbd)| pbd.currently_attached) {
                let Some(sr) = self.tables.sr(&pbd.sr).filter(|sr| sr.shared && &*sr.content_type != "iso") else { continue };
                let Some(transport) = transport(sr, pbd) else { continue };
                let multipath = transport != Transport::Nfs && pbd.other_config.get("multipathed") == Some("true");
                *pbds_of.entry(&pbd.sr).or_default() += 1;
                let key = words::name(&sr.name_label);
                of.entry((transport, multipath)).or_default().entry(key).or_default().push(name);
            }
        }
        // Two SRs of one name count as one here: the hosts say enough.
        let mut attached: BTreeMap<String, usize> = BTreeMap::new();
        for (sr, count) in pbds_of {
            *attached.entry(self.name_of(sr)).or_default() += count;
        }
        of.into_iter()
            .map(|((transport, multipath), srs)| {
                let count = srs.len();
                let told = srs.into_iter().take(NAMED).map(|(sr, on)| {
                    let all = attached.get(&sr).copied().unwrap_or(0);
                    if on.len() < all { format!("{sr} (on {})", words::list(&on)) } else { sr }
                });
                let mut srs: Vec<String> = told.collect();
                if count > NAMED {
                    srs.push(format!("{} more", count - NAMED));
                }
                Storage { transport, multipath, srs, queue: None, waits: None }
            })
            .collect()
    }
}

/// How an SR is reached; `None` where its time-outs are not known (SMB, DRBD and others have their own).
pub(super) fn transport(sr: &Sr, pbd: &Pbd) -> Option<Transport> {
    match &*sr.r#type {
        "lvmoiscsi" | "iscsi" | "lvmoequalogic" | "netapp" => Some(Transport::Iscsi),
        "lvmohba" | "hba" | "lvmofcoe" => Some(Transport::Fibre),
        "nfs" => Some(Transport::Nfs),
        _ => match (pbd.device_config.get("provider"), pbd.device_config.get("target")) {
            (Some("iscsi"), _) | (None, Some(_)) => Some(Transport::Iscsi),
            (Some("hba"), _) => Some(Transport::Fibre),
            _ => None,
        },
    }
}
