//! From the truth to xapi's database: each function writes what xapi knows of one thing. Writing what is there
//! already changes nothing and makes no event, so they are called whenever something may have changed.
//!
//! Nothing is written while the coordinator's xapi is down; it writes everything down when it starts.

use super::Core;
use super::ops::{self, Belief, HostOp};
use super::rrd::Load;
use super::state::Power;
use crate::sim::value::Value;
use crate::time::Time;
use crate::xenapi::record::Ref;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Unix seconds as OCaml prints floats: `1532019557.`.
pub fn ocaml_float(time: Time) -> String {
    format!("{}.", time.as_millis().div_euclid(1000))
}

/// A set of texts.
pub fn texts<'a>(items: impl IntoIterator<Item = &'a str>) -> Value {
    Value::Set(items.into_iter().map(Value::from).collect())
}

/// A map of texts.
pub fn text_map<K: AsRef<str>, V: Into<Value>>(items: impl IntoIterator<Item = (K, V)>) -> Value {
    Value::Map(items.into_iter().map(|(k, v)| (Arc::from(k.as_ref()), v.into())).collect::<BTreeMap<_, _>>())
}

impl Core {
    /// Writes a field, if anybody is there to write it.
    pub(super) fn set(&mut self, r: &Ref, field: &str, value: impl Into<Value>) {
        if self.coordinator_up() {
            self.db.set(r, field, value);
        }
    }

    /// The same for a set of texts, which is most often written as it is already.
    fn set_texts(&mut self, r: &Ref, field: &str, items: &[&str]) {
        let same = |(old, new): (&Value, &&str)| matches!(old, Value::Str(old) if **old == **new);
        let old = self.db.set_of(r, field);
        if old.len() != items.len() || !old.iter().zip(items).all(same) {
            self.set(r, field, texts(items.iter().copied()));
        }
    }

    /// Writes some keys of a map, leaving the others.
    pub(super) fn set_keys(&mut self, r: &Ref, field: &str, pairs: &[(&str, String)]) {
        if self.coordinator_up() {
            for (key, value) in pairs {
                self.db.map_add(r, field, key, value.as_str());
            }
        }
    }

    /// `host.allowed_operations` and `current_operations` of one host.
    pub(super) fn refresh_host_ops(&mut self, host: usize) {
        if !self.coordinator_up() {
            return;
        }
        let upgrade = self.rolling_upgrade();
        let storage = self.storage_forbids(host);
        let Some(h) = self.hosts.get(host) else { return };
        let belief = Belief {
            host: &h.r,
            enabled: h.enabled,
            live: h.live,
            power_on_mode: &h.power_on_mode,
            current: &h.current,
            storage: storage.as_ref(),
            storage_blocks_updates: !self.designed(),
        };
        let allowed: Vec<&'static str> = ops::allowed(&belief, upgrade).map(HostOp::name).collect();
        let r = h.r.clone();
        let idle = h.current.is_empty() && self.db.map(&r, "current_operations").is_empty();
        let current = (!idle).then(|| text_map(h.current.iter().map(|(task, op)| (task.as_str(), op.name()))));
        self.set_texts(&r, "allowed_operations", &allowed);
        if let Some(current) = current {
            self.set(&r, "current_operations", current);
        }
    }

    /// Of all hosts: what a change of storage, liveness or an operation can touch.
    pub(super) fn refresh_all_ops(&mut self) {
        for host in 0..self.hosts.len() {
            self.refresh_host_ops(host);
        }
    }

    /// An operation on a host begins.
    pub(super) fn begin_host_op(&mut self, host: usize, task: &Ref, op: HostOp) {
        if let Some(h) = self.hosts.get_mut(host) {
            h.current.push((task.clone(), op));
        }
        self.op_changed(host);
    }

    /// An operation on a host ends.
    pub(super) fn end_host_op(&mut self, host: usize, task: &Ref) {
        if let Some(h) = self.hosts.get_mut(host) {
            h.current.retain(|(t, _)| t != task);
        }
        self.op_changed(host);
    }

    fn op_changed(&mut self, host: usize) {
        if self.has_clustered() {
            self.refresh_all_ops();
        } else {
            self.refresh_host_ops(host);
        }
    }

    /// Whether xapi is in rolling-upgrade mode.
    pub(super) fn rolling_upgrade(&self) -> bool {
        self.db.map_get(&self.pool, "other_config", "rolling_upgrade_in_progress").is_some()
    }

    /// `host_metrics.live`.
    pub(super) fn write_liveness(&mut self, host: usize) {
        let Some(h) = self.hosts.get(host) else { return };
        let (metrics, live) = (h.metrics.clone(), h.live);
        self.set(&metrics, "live", live);
    }

    /// `host.enabled`.
    pub(super) fn publish_enabled(&mut self, host: usize) {
        let Some(h) = self.hosts.get(host) else { return };
        let (r, enabled) = (h.r.clone(), h.enabled);
        self.set(&r, "enabled", enabled);
    }

    /// What a host says of itself when it starts: versions and start times.
    pub(super) fn publish_host(&mut self, host: usize) {
        let Some(h) = self.hosts.get(host) else { return };
        let r = h.r.clone();
        let times = [("boot_time", ocaml_float(h.booted)), ("agent_start_time", ocaml_float(h.agent))];
        let guidance = texts(h.pending.iter().map(String::as_str));
        let version = super::build::dated(&h.software, h.booted);
        self.set_keys(&r, "other_config", &times);
        self.set(&r, "software_version", version);
        self.set(&r, "pending_guidances", guidance);
        self.publish_uploaded(host);
    }

    /// The coordinator of the pool.
    pub(super) fn publish_coordinator(&mut self) {
        let Some(r) = self.hosts.get(self.coordinator).map(|h| h.r.clone()) else { return };
        let pool = self.pool.clone();
        self.set(&pool, "master", r);
        self.publish_pool_ops();
    }

    /// `pool.allowed_operations`.
    pub(super) fn publish_pool_ops(&mut self) {
        let upgrade = self.rolling_upgrade();
        let (ha, cluster) = (self.ha.on, self.has_cluster);
        let allowed = [
            ("ha_enable", !ha),
            ("ha_disable", ha),
            ("cluster_create", !ha && !cluster && !upgrade),
            ("designate_new_master", true),
            ("configure_repositories", true),
            ("sync_updates", !self.syncing),
            ("sync_bundle", true),
            ("get_updates", true),
            ("apply_updates", true),
            ("tls_verification_enable", !ha && !upgrade),
            ("cert_refresh", true),
            ("exchange_certificates_on_join", true),
            ("exchange_ca_certificates_on_join", true),
            ("copy_primary_host_certs", true),
            ("eject", true),
        ];
        let pool = self.pool.clone();
        self.set(&pool, "allowed_operations", texts(allowed.into_iter().filter(|(_, yes)| *yes).map(|(name, _)| name)));
    }

    /// A guest: power, place, operations.
    pub(super) fn publish_guest(&mut self, guest: usize) {
        let Some(g) = self.guests.get(guest) else { return };
        let r = g.r.clone();
        let host = |at: Option<usize>| at.and_then(|h| self.hosts.get(h)).map(|h| h.r.clone()).unwrap_or_default();
        let (on, to) = (host(g.on), host(g.moving));
        let current = text_map(g.busy.iter().map(|(task, op)| (task.as_str(), *op)));
        let power = g.power;
        let upgrade = self.rolling_upgrade();
        // In a pool of mixed versions nothing is snapshot.
        let allowed = vm_ops(power, g.busy.is_some()).iter().filter(|op| !upgrade || !matches!(**op, "snapshot" | "checkpoint"));
        let domid = if power == Power::Halted { -1 } else { i64::try_from(guest).unwrap_or(0) + 1 };
        self.set(&r, "power_state", power.name());
        self.set(&r, "domid", domid);
        self.set(&r, "resident_on", on);
        self.set(&r, "scheduled_to_be_resident_on", to);
        self.set(&r, "current_operations", current);
        self.set(&r, "allowed_operations", texts(allowed.copied()));
    }

    /// The guests on a host. `host.resident_VMs` follows by itself; this notes the load.
    pub(super) fn publish_residents(&mut self, host: usize) {
        self.note_load(host);
    }

    /// `PBD.currently_attached` and the keys of its paths.
    pub(super) fn publish_pbd(&mut self, store: usize, host: usize) {
        let Some((pbd, luns)) =
            self.stores.get(store).and_then(|s| Some((s.pbds.iter().find(|p| p.host == host)?, s.luns.len())))
        else {
            return;
        };
        let (r, attached) = (pbd.r.clone(), pbd.attached);
        self.set(&r, "currently_attached", attached);
        if attached {
            for lun in 0..luns {
                self.publish_path(store, host, lun);
            }
        }
    }

    /// `mpath-<SCSIid>` of a PBD: taken away and put back, as SM does; gone if no path is left.
    pub(super) fn publish_path(&mut self, store: usize, host: usize, lun: usize) {
        if !self.coordinator_up() || self.hosts.get(host).is_none_or(|h| !h.reachable() && h.stage < super::state::Stage::Joined)
        {
            return;
        }
        let Some(s) = self.stores.get(store) else { return };
        let Some((spec, pbd)) = s.luns.get(lun).zip(s.pbds.iter().find(|p| p.host == host)) else { return };
        if !pbd.attached {
            return;
        }
        let up = pbd.up.get(lun).copied().unwrap_or(0);
        let key = format!("mpath-{}", spec.scsi_id);
        let value = format!("[{up}, {}]", spec.paths);
        let sessions = pbd.up.iter().map(|u| u32::from(*u)).max().unwrap_or(0).to_string();
        let iscsi = s.kind == "lvmoiscsi";
        let r = pbd.r.clone();
        if self.db.map_get(&r, "other_config", &key) != (up > 0).then_some(value.as_str()) {
            self.db.map_remove(&r, "other_config", &key);
            if up > 0 {
                self.set_keys(&r, "other_config", &[(&key, value), ("multipathed", "true".into())]);
            }
        }
        if iscsi {
            self.set_keys(&r, "other_config", &[("iscsi_sessions", sessions)]);
        }
    }

    /// Carriers and the bond of a host.
    pub(super) fn publish_links(&mut self, host: usize) {
        let Some(h) = self.hosts.get(host) else { return };
        if h.cut.is_some() && host != self.coordinator {
            return;
        }
        let links = h.links.clone();
        let bond = h.bond.clone();
        for link in &links {
            self.set(&link.metrics, "carrier", link.up);
            self.set(&link.metrics, "speed", if link.up { 10_000 } else { 0 });
            self.set(&link.metrics, "duplex", link.up);
        }
        if let Some(bond) = bond {
            self.set(&bond, "links_up", i64::try_from(links.iter().filter(|l| l.up).count()).unwrap_or(0));
        }
    }

    /// `SR.allowed_operations`.
    pub(super) fn publish_sr_ops(&mut self, store: usize) {
        let Some(s) = self.stores.get(store) else { return };
        let attached = s.pbds.iter().any(|p| p.attached);
        let all = s.pbds.iter().all(|p| p.attached);
        let r = s.r.clone();
        let mut ops = vec!["update", "pbd_create", "vdi_introduce"];
        if attached {
            ops.extend(["unplug", "scan", "vdi_create", "vdi_destroy", "vdi_resize", "vdi_clone", "vdi_snapshot", "vdi_mirror"]);
        } else {
            ops.extend(["destroy", "forget", "pbd_destroy"]);
        }
        if !all {
            ops.push("plug");
        }
        self.set(&r, "allowed_operations", texts(ops));
    }

    /// What HA shows on the pool.
    pub(super) fn publish_ha(&mut self) {
        let pool = self.pool.clone();
        let on = self.ha.on;
        let files: Vec<Value> = self.ha.statefile.iter().map(|r| Value::from(r.as_str())).collect();
        let configuration = text_map(self.ha.configuration.iter().filter(|_| on).map(|(k, v)| (k.as_str(), v.as_str())));
        self.set(&pool, "ha_enabled", on);
        if on && !self.ha.stack.is_empty() {
            let stack = self.ha.stack.clone();
            self.set(&pool, "ha_cluster_stack", stack);
        }
        self.set(&pool, "ha_statefiles", Value::Set(files));
        self.set(&pool, "ha_configuration", configuration);
        let tolerates = self.ha.tolerates;
        let plan = if on { self.tolerable(None) } else { 0 };
        self.set(&pool, "ha_plan_exists_for", plan.min(tolerates));
        self.set(&pool, "ha_overcommitted", on && plan < tolerates);
        self.set(&pool, "ha_host_failures_to_tolerate", tolerates);
        self.publish_pool_ops();
    }

    /// `host.ha_statefiles` and `ha_network_peers` of one host.
    pub(super) fn publish_ha_peers(&mut self, host: usize) {
        let Some(h) = self.hosts.get(host) else { return };
        let r = h.r.clone();
        let there = self.ha.on && h.live;
        let peers: Vec<&str> =
            if there { self.hosts.iter().filter(|h| h.live).map(|h| h.uuid.as_str()).collect() } else { Vec::new() };
        let peers = texts(peers);
        let files = Value::Set(self.ha.statefile.iter().filter(|_| there).map(|r| Value::from(r.as_str())).collect());
        self.set(&r, "ha_network_peers", peers);
        self.set(&r, "ha_statefiles", files);
    }

    /// Everything that may have changed while nobody wrote.
    pub(super) fn publish_everything(&mut self) {
        self.publish_coordinator();
        self.publish_ha();
        for host in 0..self.hosts.len() {
            self.write_liveness(host);
            self.publish_enabled(host);
            self.publish_links(host);
            self.publish_ha_peers(host);
        }
        for store in 0..self.stores.len() {
            let hosts: Vec<usize> = self.stores.get(store).map(|s| s.pbds.iter().map(|p| p.host).collect()).unwrap_or_default();
            for host in hosts {
                self.publish_pbd(store, host);
            }
            self.publish_sr_ops(store);
        }
        for guest in 0..self.guests.len() {
            self.publish_guest(guest);
        }
        self.publish_pool_ops();
        self.refresh_all_ops();
    }

    /// Notes how busy a host is from now on, for its RRDs.
    pub(super) fn note_load(&mut self, host: usize) {
        let now = self.now;
        let Some(h) = self.hosts.get(host) else { return };
        let on = h.runs();
        let mut load = Load { on, guest_memory: 0, guests: 0, vcpus: 0, moving: 0, strain: 1.0 };
        for g in self.guests.iter().filter(|g| !g.gone && g.is_active()) {
            if g.on == Some(host) {
                load.guest_memory += g.memory;
                load.guests += 1;
                load.vcpus += g.vcpus;
            }
            if g.moving.is_some() && (g.on == Some(host) || g.moving == Some(host)) {
                load.moving += super::moving::RATE;
            }
        }
        for s in &self.stores {
            if let Some((mirror, node)) = s.mirror.as_ref().and_then(|m| Some((m, m.node_of(host)?))) {
                load.moving += mirror.resync_load(node);
            }
            for pbd in s.pbds.iter().filter(|p| p.host == host) {
                if s.luns.iter().zip(&pbd.up).any(|(lun, up)| *up < lun.paths) {
                    load.strain += 0.6;
                }
            }
        }
        if let Some(h) = self.hosts.get_mut(host) {
            h.history.note(now, load);
        }
    }
}

/// `VM.allowed_operations` of a guest.
fn vm_ops(power: Power, busy: bool) -> &'static [&'static str] {
    match (power, busy) {
        (Power::Running, false) => &[
            "changing_dynamic_range",
            "migrate_send",
            "pool_migrate",
            "changing_VCPUs_live",
            "suspend",
            "hard_reboot",
            "hard_shutdown",
            "clean_reboot",
            "clean_shutdown",
            "pause",
            "checkpoint",
            "snapshot",
        ],
        (Power::Paused, false) => &["unpause", "hard_reboot", "hard_shutdown", "snapshot"],
        (Power::Halted, false) => &["start", "start_on", "clone", "copy", "export", "destroy", "make_into_template", "snapshot"],
        (Power::Halted, true) => &[],
        (_, true) => &["hard_reboot", "hard_shutdown"],
    }
}
