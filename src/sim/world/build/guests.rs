//! Guests with their disks, interfaces and metrics: those that the scenario names, and made-up ones.

use super::{Builder, GIB, int};
use crate::sim::scenario::{GuestKind, GuestSpec, Pinned};
use crate::sim::value::Value;
use crate::sim::world::book::text_map;
use crate::sim::world::state::{Guest, Power};
use crate::xenapi::record::Ref;
use std::time::Duration;

const ROLES: [&str; 18] = [
    "web", "db", "build", "mail", "ldap", "cache", "git", "monitor", "ci", "api", "proxy", "files", "backup", "dns", "queue",
    "app", "log", "vpn",
];
const TAILS: [&str; 5] = ["old", "new", "test", "main", "spare"];

impl Builder<'_> {
    pub(super) fn build_guests(&mut self) {
        let scenario = self.scenario;
        for spec in &scenario.guests {
            let host = spec.host.as_ref().and_then(|n| self.hosts.iter().position(|h| h.name == *n));
            self.guest(spec, host);
        }
        for number in 0..scenario.fill.running + scenario.fill.halted {
            let memory_gib = match scenario.fill.kind {
                GuestKind::Small => self.rng.choice([1.0, 2.0]).unwrap_or(1.0),
                GuestKind::Mixed => self.rng.choice([1.0, 2.0, 2.0, 4.0, 4.0, 4.0, 8.0, 8.0, 16.0]).unwrap_or(4.0),
            };
            let spec = GuestSpec {
                name: self.name(number),
                host: None,
                memory_gib,
                sr: None,
                paused: false,
                pinned: None,
                ha: if number % 3 == 0 { "restart".into() } else { String::new() },
            };
            // So that the pool can do without its largest host.
            let host = (number < scenario.fill.running).then(|| self.roomiest((memory_gib * GIB as f64) as u64)).flatten();
            self.guest(&spec, host);
        }
    }

    fn name(&mut self, number: usize) -> String {
        let role = ROLES.get(number % ROLES.len()).copied().unwrap_or("vm");
        let round = number / ROLES.len();
        if round == 0 && self.rng.u8(0..4) == 0 {
            let tail = TAILS.get(self.rng.usize(0..TAILS.len())).copied().unwrap_or("x");
            return format!("{role}-{tail}");
        }
        format!("{role}-{:02}", round + 1)
    }

    /// The host with most room, if a guest fits without filling it beyond two thirds.
    fn roomiest(&self, memory: u64) -> Option<usize> {
        let used = |host: usize| self.used.get(host).copied().unwrap_or(0);
        let room = |host: usize| self.hosts.get(host).map_or(0, |h| h.memory.saturating_sub(h.overhead + used(host)));
        let best = (0..self.hosts.len()).max_by_key(|h| (room(*h), std::cmp::Reverse(*h)))?;
        let whole = self.hosts.get(best)?.memory;
        (room(best) > memory + whole / 3).then_some(best)
    }

    /// Which SR a guest's disk is on.
    fn sr_of(&mut self, spec: &GuestSpec, host: Option<usize>) -> usize {
        if spec.pinned == Some(Pinned::LocalSr) {
            return self.stores.iter().position(|s| s.local.is_some() && s.local == host && s.kind == "ext").unwrap_or(0);
        }
        if let Some(at) = spec.sr.as_ref().and_then(|n| self.stores.iter().position(|s| s.name == *n)) {
            return at;
        }
        // Mirrored storage first; every fourth guest elsewhere, if there is an elsewhere.
        let shared: Vec<usize> =
            (0..self.stores.len()).filter(|s| self.stores.get(*s).is_some_and(|s| s.shared && s.kind != "iso")).collect();
        let mirrored = shared.iter().copied().find(|s| self.stores.get(*s).is_some_and(|s| s.mirror.is_some()));
        let others: Vec<usize> = shared.iter().copied().filter(|s| Some(*s) != mirrored).collect();
        match (mirrored, others.get(self.rng.usize(0..others.len().max(1)))) {
            (Some(_), Some(other)) if self.rng.u8(0..4) == 0 => *other,
            (Some(mirrored), _) => mirrored,
            (None, Some(other)) => *other,
            (None, None) => 0,
        }
    }

    fn guest(&mut self, spec: &GuestSpec, host: Option<usize>) {
        let memory = (spec.memory_gib * GIB as f64) as u64;
        let vcpus = u32::try_from((memory / (2 * GIB)).clamp(1, 8)).unwrap_or(1);
        let sr = self.sr_of(spec, host);
        let power = match (host, spec.paused) {
            (None, _) => Power::Halted,
            (Some(_), true) => Power::Paused,
            (Some(_), false) => Power::Running,
        };
        let on = host.and_then(|h| self.hosts.get(h)).map(|h| h.r.clone()).unwrap_or_default();
        let running = host.is_some();
        let started = if running {
            self.before(Duration::from_secs(3600), Duration::from_secs(86_400 * 20))
        } else {
            crate::time::Time::EPOCH
        };
        let metrics = self.db.create(
            "VM_metrics",
            &[
                ("memory_actual", int(if running { memory } else { 0 })),
                ("VCPUs_number", Value::Int(i64::from(vcpus))),
                ("start_time", started.into()),
                ("hvm", true.into()),
                ("current_domain_type", if running { "hvm" } else { "unspecified" }.into()),
            ],
        );
        let number = self.guests.len();
        let address = format!("10.1.{}.{}", number / 250, number % 250 + 2);
        let guest_metrics = if running {
            self.db.create(
                "VM_guest_metrics",
                &[
                    (
                        "os_version",
                        text_map([
                            ("name", "Debian GNU/Linux 12 (bookworm)"),
                            ("distro", "debian"),
                            ("major", "12"),
                            ("minor", "11"),
                        ]),
                    ),
                    ("PV_drivers_version", text_map([("major", "8"), ("minor", "4"), ("micro", "0"), ("build", "1")])),
                    ("PV_drivers_up_to_date", true.into()),
                    ("PV_drivers_detected", true.into()),
                    ("networks", text_map([("0/ip", address.as_str()), ("0/ipv4/0", address.as_str())])),
                    ("live", true.into()),
                    ("last_updated", self.now.into()),
                ],
            )
        } else {
            Ref::default()
        };
        let overhead = memory / 128 + (4 << 20);
        let r = self.db.create(
            "VM",
            &[
                ("name_label", spec.name.as_str().into()),
                ("power_state", power.name().into()),
                ("resident_on", on.into()),
                ("memory_overhead", int(overhead)),
                ("memory_target", int(memory)),
                ("memory_static_max", int(memory)),
                ("memory_dynamic_max", int(memory)),
                ("memory_dynamic_min", int(memory)),
                ("memory_static_min", int(memory / 4)),
                ("VCPUs_max", Value::Int(i64::from(vcpus))),
                ("VCPUs_at_startup", Value::Int(i64::from(vcpus))),
                ("HVM_boot_policy", "BIOS order".into()),
                ("platform", text_map([("acpi", "1"), ("apic", "true"), ("pae", "true"), ("nx", "true")])),
                ("other_config", text_map(running.then_some(("auto_poweron", "true")))),
                ("domid", Value::Int(if running { i64::try_from(number).unwrap_or(0) + 1 } else { -1 })),
                ("metrics", metrics.into()),
                ("guest_metrics", guest_metrics.into()),
                ("ha_restart_priority", spec.ha.as_str().into()),
                ("domain_type", "hvm".into()),
            ],
        );
        let uuid = self.db.text(&r, "uuid").to_owned();
        self.devices(&r, spec, sr, running);
        let mirror = self.stores.get_mut(sr).and_then(|s| s.mirror.as_mut());
        let rate = self.scenario.srs.get(sr).and_then(|s| s.mirror.as_ref()).map_or(0.0, |m| m.write_mib_s);
        // Some write a lot, most little; on average what the scenario says.
        let writes = (rate * 1_048_576.0 * (0.4 + 1.2 * self.rng.f64())) as u64;
        let disk = mirror.map(|m| m.add_disk(40 * GIB, if power == Power::Running { writes } else { 0 }));
        if let Some(used) = host.and_then(|h| self.used.get_mut(h)) {
            *used += memory + overhead;
        }
        self.guests.push(Guest {
            name: spec.name.as_str().into(),
            uuid: uuid.into(),
            r,
            memory: memory + overhead,
            vcpus,
            power,
            on: host,
            moving: None,
            gone: false,
            busy: None,
            pinned: spec.pinned,
            sr,
            disk,
            writes,
            ha: spec.ha.clone(),
            blocked: None,
            autostart: running,
        });
    }

    fn devices(&mut self, vm: &Ref, spec: &GuestSpec, sr: usize, running: bool) {
        let sr = self.stores.get(sr).map(|s| s.r.clone()).unwrap_or_default();
        let location = self.db.new_uuid();
        let vdi = self.db.create(
            "VDI",
            &[
                ("name_label", format!("{} root", spec.name).into()),
                ("SR", sr.into()),
                ("virtual_size", int(40 * GIB)),
                ("physical_utilisation", int(12 * GIB)),
                ("type", "user".into()),
                ("location", location.into()),
                ("managed", true.into()),
                ("allow_caching", true.into()),
                ("on_boot", "persist".into()),
            ],
        );
        let mut vbd = |device: &str, userdevice: &str, kind: &str, vdi: Ref| {
            let empty = vdi.is_null();
            self.db.create(
                "VBD",
                &[
                    ("VM", vm.into()),
                    ("VDI", vdi.into()),
                    ("device", device.into()),
                    ("userdevice", userdevice.into()),
                    ("bootable", (kind == "Disk").into()),
                    ("mode", if kind == "Disk" { "RW" } else { "RO" }.into()),
                    ("type", kind.into()),
                    ("empty", empty.into()),
                    ("currently_attached", running.into()),
                ],
            );
        };
        vbd("xvda", "0", "Disk", vdi);
        vbd("xvdd", "3", "CD", Ref::default());
        let network = self.network.clone();
        let mac = format!(
            "0a:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}",
            self.rng.u8(..),
            self.rng.u8(..),
            self.rng.u8(..),
            self.rng.u8(..),
            self.rng.u8(..)
        );
        self.db.create(
            "VIF",
            &[
                ("device", "0".into()),
                ("network", network.into()),
                ("VM", vm.into()),
                ("MAC", mac.into()),
                ("MTU", 1500.into()),
                ("currently_attached", running.into()),
            ],
        );
    }
}
