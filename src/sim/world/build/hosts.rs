//! Hosts, their metrics, control domains, network and cluster membership.

use super::{Builder, GIB, int};
use crate::sim::scenario::{FenceMethod, Flow, HostSpec};
use crate::sim::value::Value;
use crate::sim::world::aftermath::Setup;
use crate::sim::world::book::{ocaml_float, text_map, texts};
use crate::sim::world::cluster::Cluster;
use crate::sim::world::rrd::History;
use crate::sim::world::state::{ClusterMember, Host, Link, Stage};
use crate::sim::world::versions::{Version, software_version};
use crate::time::Time;
use crate::xenapi::record::Ref;
use std::sync::Arc;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

/// `software_version` with the date that a boot puts in.
pub fn dated(software: &Value, booted: Time) -> Value {
    let mut dated = software.clone();
    if let Value::Map(map) = &mut dated {
        map.insert("date".into(), booted.to_xapi().into());
    }
    dated
}

/// How a host of this scenario crashes: whether a fence panics, and whether a crash kernel would write a dump.
fn setup(spec: &HostSpec) -> Setup {
    Setup { fence_panics: spec.fence_method == FenceMethod::Panic, crash_kernel: spec.crash_kernel }
}

impl Builder<'_> {
    pub(super) fn build_hosts(&mut self) {
        let scenario = self.scenario;
        if scenario.cluster {
            let token = self.db.new_uuid();
            let r = self.db.create(
                "Cluster",
                &[("cluster_token", token.into()), ("cluster_stack", "corosync".into()), ("cluster_stack_version", 3.into())],
            );
            self.cluster = Some(Cluster { r });
        }
        for (at, spec) in scenario.hosts.iter().enumerate() {
            let host = if spec.outside { self.stranger(at, spec) } else { self.host(at, spec) };
            self.hosts.push(host);
            self.used.push(0);
        }
        if let Some(cluster) = &self.cluster {
            let all = i64::try_from(scenario.hosts.iter().filter(|h| !h.outside).count()).unwrap_or(0);
            let r = cluster.r.clone();
            for (field, value) in [("live_hosts", all), ("expected_hosts", all), ("quorum", all / 2 + 1)] {
                self.db.set(&r, field, value);
            }
            self.db.set(&r, "is_quorate", true);
        }
    }

    /// A host that is no part of the pool: only its place.
    fn stranger(&mut self, at: usize, spec: &HostSpec) -> Host {
        let software = Arc::new(software_version(&self.scenario.versions, &self.scenario.updates, 0, &spec.name));
        Host {
            name: spec.name.clone(),
            uuid: String::new(),
            r: Ref::default(),
            metrics: Ref::default(),
            address: format!("127.0.{}.{}", self.scenario.subnet, at + 1),
            cpus: spec.cpus,
            memory: 0,
            overhead: 0,
            power_on_mode: spec.power_on_mode.clone(),
            links: Vec::new(),
            bond: None,
            stage: Stage::Off,
            since: self.now,
            life: 0,
            silent: false,
            unclean: false,
            cut: None,
            setup: setup(spec),
            side: 0,
            alone: None,
            clock_ms: 0,
            booted: self.now,
            agent: self.now,
            pending: Vec::new(),
            too_new: false,
            updating: None,
            version: Version::of(&software),
            software_next: Arc::clone(&software),
            software,
            installed: 0,
            running: 0,
            away: None,
            leaving: None,
            storage_up: false,
            cluster_up: false,
            history: History::default(),
            enabled: false,
            disabled_by_user: false,
            auto_enable: true,
            live: false,
            current: Vec::new(),
            heard: None,
            cluster: None,
        }
    }

    pub(in super::super) fn host(&mut self, at: usize, spec: &HostSpec) -> Host {
        let memory = u64::from(spec.memory_gib) * GIB;
        let booted = self.before(DAY, DAY * 60);
        let agent = booted + Duration::from_secs(95);
        let address = format!("127.0.{}.{}", self.scenario.subnet, at + 1);
        let iqn = format!("iqn.2026-01.com.example:{}", spec.name);
        let metrics = self.db.create(
            "host_metrics",
            &[("memory_total", int(memory)), ("memory_free", 0.into()), ("live", true.into()), ("last_updated", self.now.into())],
        );
        let versions = &self.scenario.versions;
        let updates = &self.scenario.updates;
        let lacks = updates.hosts.is_empty() || updates.hosts.contains(&spec.name);
        let level = u32::from(updates.flow != Flow::None && !lacks);
        let software = Arc::new(software_version(versions, updates, level, &spec.name));
        let cpus = spec.cpus.to_string();
        let overhead = 350 * (1 << 20);
        let r = self.db.create(
            "host",
            &[
                ("name_label", spec.name.as_str().into()),
                ("name_description", "Default install".into()),
                ("hostname", spec.name.as_str().into()),
                ("address", address.as_str().into()),
                ("memory_overhead", int(overhead)),
                ("API_version_major", 2.into()),
                ("API_version_minor", 23.into()),
                ("API_version_vendor", "XenSource".into()),
                ("enabled", true.into()),
                ("metrics", (&metrics).into()),
                ("software_version", dated(&software, booted)),
                (
                    "other_config",
                    text_map([
                        ("agent_start_time", ocaml_float(agent)),
                        ("boot_time", ocaml_float(booted)),
                        ("iscsi_iqn", iqn.clone()),
                        ("multipathing", "true".into()),
                    ]),
                ),
                ("capabilities", texts(["xen-3.0-x86_64", "hvm-3.0-x86_32", "hvm-3.0-x86_64", ""])),
                ("sched_policy", "credit".into()),
                ("supported_bootloaders", texts(["pygrub", "eliloader"])),
                (
                    "cpu_info",
                    text_map([
                        ("cpu_count", cpus.as_str()),
                        ("socket_count", "2"),
                        ("threads_per_core", "2"),
                        ("nr_nodes", "2"),
                        ("vendor", "AuthenticAMD"),
                        ("modelname", "AMD EPYC 7313 16-Core Processor"),
                        ("speed", "2994.372"),
                        ("family", "25"),
                        ("model", "1"),
                        ("stepping", "1"),
                    ]),
                ),
                ("license_params", text_map([("expiry", "never"), ("restrict_hotfix_apply", "false")])),
                ("edition", if versions.brand == "XCP-ng" { "xcp-ng" } else { "premium" }.into()),
                ("bios_strings", text_map([("bios-vendor", "Dell Inc."), ("system-product-name", "PowerEdge R6525")])),
                ("power_on_mode", spec.power_on_mode.as_str().into()),
                ("virtual_hardware_platform_versions", vec![0i64, 1, 2].into()),
                ("iscsi_iqn", iqn.into()),
                ("multipathing", true.into()),
                ("tls_verification_enabled", true.into()),
                ("ssh_enabled", true.into()),
                ("timezone", "UTC".into()),
            ],
        );
        let uuid = self.db.text(&r, "uuid").to_owned();
        let dom0_memory = 8 * GIB.min(memory / 8);
        let dom0 = self.db.create(
            "VM",
            &[
                ("name_label", format!("Control domain on host: {}", spec.name).into()),
                ("name_description", "The domain which manages physical devices and manages other domains".into()),
                ("is_control_domain", true.into()),
                ("power_state", "Running".into()),
                ("domid", 0.into()),
                ("domain_type", "pv".into()),
                ("resident_on", (&r).into()),
                ("affinity", (&r).into()),
                ("memory_target", int(dom0_memory)),
                ("memory_dynamic_max", int(dom0_memory)),
                ("memory_dynamic_min", int(dom0_memory)),
                ("memory_static_max", int(dom0_memory)),
                ("VCPUs_max", 16.into()),
                ("VCPUs_at_startup", 16.into()),
            ],
        );
        self.db.set(&r, "control_domain", &dom0);
        let (links, bond, management) = self.network(at, spec, &r, &address);
        let cluster = self.cluster.as_ref().map(|c| c.r.clone()).map(|cluster| ClusterMember {
            r: self.db.create(
                "Cluster_host",
                &[
                    ("cluster", cluster.into()),
                    ("host", (&r).into()),
                    ("PIF", management.into()),
                    ("enabled", true.into()),
                    ("joined", true.into()),
                    ("live", true.into()),
                    ("last_update_live", self.now.into()),
                ],
            ),
            enabled: true,
            live: true,
        });
        Host {
            name: spec.name.clone(),
            uuid,
            r,
            metrics,
            address,
            cpus: spec.cpus,
            memory,
            overhead: overhead + dom0_memory,
            power_on_mode: spec.power_on_mode.clone(),
            links,
            bond,
            stage: Stage::Up,
            since: booted,
            life: 0,
            silent: false,
            unclean: false,
            cut: None,
            setup: setup(spec),
            side: 0,
            alone: None,
            clock_ms: 0,
            booted,
            agent,
            pending: Vec::new(),
            too_new: false,
            updating: None,
            version: Version::of(&software),
            software_next: Arc::clone(&software),
            software,
            installed: level,
            running: level,
            away: None,
            leaving: None,
            storage_up: true,
            cluster_up: cluster.is_some(),
            history: History::default(),
            enabled: true,
            disabled_by_user: false,
            auto_enable: true,
            live: true,
            current: Vec::new(),
            heard: None,
            cluster,
        }
    }

    /// The links of a host, its bond, and the interface with the management address.
    fn network(&mut self, at: usize, spec: &HostSpec, host: &Ref, address: &str) -> (Vec<Link>, Option<Ref>, Ref) {
        let bonded = spec.links > 1;
        let mut links = Vec::new();
        let mut pifs = Vec::new();
        for n in 0..spec.links {
            let device = format!("eth{n}");
            let metrics = self.pif_metrics();
            let pif = self.pif(at, n, &device, host, &metrics, (!bonded).then_some(address));
            self.db.set(&pif, "physical", true);
            pifs.push(pif);
            links.push(Link { device, metrics, up: true });
        }
        let first = pifs.first().cloned().unwrap_or_default();
        if !bonded {
            return (links, None, first);
        }
        let metrics = self.pif_metrics();
        let master = self.pif(at, 100, "bond0", host, &metrics, Some(address));
        let bond = self.db.create(
            "Bond",
            &[
                ("master", (&master).into()),
                ("primary_slave", first.into()),
                ("mode", "active-backup".into()),
                ("links_up", i64::from(spec.links).into()),
            ],
        );
        for pif in &pifs {
            self.db.set(pif, "bond_slave_of", &bond);
        }
        (links, Some(bond), master)
    }

    fn pif_metrics(&mut self) -> Ref {
        self.db.create(
            "PIF_metrics",
            &[
                ("carrier", true.into()),
                ("speed", 10_000.into()),
                ("duplex", true.into()),
                ("vendor_name", "Broadcom Inc. and subsidiaries".into()),
                ("device_name", "BCM57416 NetXtreme-E Dual-Media 10G RDMA Ethernet Controller".into()),
            ],
        )
    }

    fn pif(&mut self, at: usize, n: u8, device: &str, host: &Ref, metrics: &Ref, address: Option<&str>) -> Ref {
        let network = self.network.clone();
        let mac = format!("00:16:3e:{:02x}:{:02x}:{n:02x}", self.scenario.subnet, at + 1);
        self.db.create(
            "PIF",
            &[
                ("device", device.into()),
                ("network", network.into()),
                ("host", host.into()),
                ("MAC", mac.into()),
                ("MTU", 1500.into()),
                ("VLAN", Value::Int(-1)),
                ("metrics", metrics.into()),
                ("currently_attached", true.into()),
                ("ip_configuration_mode", if address.is_some() { "Static" } else { "None" }.into()),
                ("IP", address.unwrap_or_default().into()),
                ("netmask", if address.is_some() { "255.255.255.0" } else { "" }.into()),
                ("management", address.is_some().into()),
                ("disallow_unplug", (address.is_some() && self.cluster.is_some()).into()),
                ("managed", true.into()),
                ("primary_address_type", "IPv4".into()),
            ],
        )
    }
}
