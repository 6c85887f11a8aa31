//! From a scenario to a world: the machines and guests, and every record that xapi has of them.

pub use hosts::dated;

mod guests;
mod hosts;
mod networks;
mod storage;

use super::Options;
use super::cluster::Cluster;
use super::state::{Guest, Host, Store};
use crate::sim::db::Db;
use crate::sim::scenario::{Flow, Scenario};
use crate::sim::value::Value;
use crate::time::Time;
use crate::xenapi::record::Ref;
use std::time::Duration;

/// What is being built.
pub struct Builder<'a> {
    pub scenario: &'a Scenario,
    pub rng: &'a mut fastrand::Rng,
    pub db: Db,
    pub now: Time,
    pub pool: Ref,
    pub pool_uuid: String,
    pub network: Ref,
    pub hosts: Vec<Host>,
    pub stores: Vec<Store>,
    pub guests: Vec<Guest>,
    /// Bytes that guests take on each host.
    pub used: Vec<u64>,
    pub cluster: Option<Cluster>,
}

/// Builds everything.
pub fn build<'a>(scenario: &'a Scenario, options: &Options, rng: &'a mut fastrand::Rng) -> Builder<'a> {
    let mut db = Db::with_dialect(rng.u64(..), options.dialect);
    let network = db.create(
        "network",
        &[
            ("name_label", "Pool-wide network associated with eth0".into()),
            ("bridge", "xenbr0".into()),
            ("MTU", 1500.into()),
            ("default_locking_mode", "unlocked".into()),
            ("managed", true.into()),
        ],
    );
    let pool = db.create("pool", &[("name_label", scenario.pool.as_str().into()), ("name_description", "".into())]);
    let pool_uuid = db.text(&pool, "uuid").to_owned();
    let mut builder = Builder {
        scenario,
        rng,
        db,
        now: options.start,
        pool,
        pool_uuid,
        network,
        hosts: Vec::new(),
        stores: Vec::new(),
        guests: Vec::new(),
        used: Vec::new(),
        cluster: None,
    };
    builder.build_hosts();
    builder.build_storage();
    builder.build_guests();
    builder.finish_pool();
    builder.build_networks();
    builder
}

impl Builder<'_> {
    fn finish_pool(&mut self) {
        let shared = self.stores.iter().find(|s| s.shared && s.kind != "iso").or(self.stores.first());
        let default = shared.map(|s| s.r.clone()).unwrap_or_default();
        let master = self.hosts.first().map(|h| h.r.clone()).unwrap_or_default();
        let pool = self.pool.clone();
        let fields: [(&str, Value); 8] = [
            ("master", master.into()),
            ("default_SR", default.clone().into()),
            ("suspend_image_SR", default.into()),
            (
                "other_config",
                super::book::text_map([("memory-ratio-hvm", "0.25"), ("memory-ratio-pv", "0.25"), ("auto_poweron", "true")]),
            ),
            (
                "restrictions",
                super::book::text_map([
                    ("restrict_pool_size", "false"),
                    ("restrict_rpu", "false"),
                    ("restrict_corosync", "false"),
                ]),
            ),
            ("ha_cluster_stack", if self.scenario.cluster { "corosync" } else { "xhad" }.into()),
            ("cpu_info", super::book::text_map([("vendor", "AuthenticAMD"), ("cpu_count", "32"), ("socket_count", "1")])),
            ("tls_verification_enabled", true.into()),
        ];
        for (field, value) in fields {
            self.db.set(&pool, field, value);
        }
        self.db.set(&pool, "wlb_enabled", self.scenario.wlb);
        let last_sync = if self.scenario.updates.flow == Flow::Xenserver { self.repository() } else { Time::EPOCH };
        self.db.set(&pool, "last_update_sync", last_sync);
        if self.scenario.updates.flow == Flow::PoolUpdate {
            self.pool_update();
        }
    }

    /// The repository that updates come from; when it was last read.
    fn repository(&mut self) -> Time {
        let r = self.db.create(
            "Repository",
            &[
                ("name_label", "normal".into()),
                ("binary_url", "https://repo.ops.example.com/xs8/normal".into()),
                ("update", true.into()),
                ("up_to_date", true.into()),
            ],
        );
        let pool = self.pool.clone();
        self.db.set(&pool, "repositories", vec![r]);
        for host in &self.hosts {
            let state = if host.installed == 0 { "no" } else { "yes" };
            self.db.set(&host.r, "latest_synced_updates_applied", state);
        }
        self.now - Duration::from_secs(8 * 3600)
    }

    /// An update that was uploaded.
    fn pool_update(&mut self) {
        let hosts: Vec<Ref> = self.hosts.iter().filter(|h| h.installed > 0).map(|h| h.r.clone()).collect();
        let r = self.db.create(
            "pool_update",
            &[
                ("name_label", "XS82ECU1091".into()),
                ("name_description", "Security update".into()),
                ("version", "1.0".into()),
                ("installation_size", int(110 << 20)),
                ("key", "update.example".into()),
                ("after_apply_guidance", super::book::texts(["restartHost"])),
                ("enforce_homogeneity", true.into()),
                ("hosts", hosts.clone().into()),
            ],
        );
        for host in hosts {
            self.db.set(&host, "updates", vec![r.clone()]);
        }
    }

    /// A time in the past, up to `most` before the start.
    fn before(&mut self, least: Duration, most: Duration) -> Time {
        let span = most.as_secs().saturating_sub(least.as_secs()).max(1);
        self.now - least - Duration::from_secs(self.rng.u64(0..span))
    }
}

/// Bytes.
pub const GIB: u64 = 1 << 30;

/// A number of bytes as the API has it.
pub fn int(bytes: u64) -> Value {
    Value::Int(i64::try_from(bytes).unwrap_or(i64::MAX))
}
