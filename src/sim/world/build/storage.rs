//! SRs, PBDs and the storage types.

use super::{Builder, GIB, int};
use crate::sim::scenario::SrSpec;
use crate::sim::value::Value;
use crate::sim::world::book::text_map;
use crate::sim::world::mirror::Mirror;
use crate::sim::world::o2cb;
use crate::sim::world::state::{Lun, Pbd, Store, secs};
use crate::xenapi::record::Ref;

/// Name, file and cluster stack of a storage type.
const TYPES: [(&str, &str, &str); 8] = [
    ("linstor", "LinstorSR", ""),
    ("lvmoiscsi", "LVMoISCSISR", ""),
    ("lvmohba", "LVMoHBASR", ""),
    ("nfs", "NFSSR", ""),
    ("iso", "ISOSR", ""),
    ("gfs2", "GFS2SR", "corosync"),
    ("ext", "EXTSR", ""),
    ("udev", "udevSR", ""),
];

impl Builder<'_> {
    pub(super) fn build_storage(&mut self) {
        for (kind, file, stack) in TYPES {
            let stacks: Vec<&str> = [stack].into_iter().filter(|s| !s.is_empty()).collect();
            let features = [
                "SR_PROBE",
                "SR_UPDATE",
                "SR_STATS",
                "VDI_CREATE",
                "VDI_DELETE",
                "VDI_ATTACH",
                "VDI_DETACH",
                "VDI_GENERATE_CONFIG",
            ];
            self.db.create(
                "SM",
                &[
                    ("name_label", file.into()),
                    ("type", kind.into()),
                    ("driver_filename", format!("/opt/xensource/sm/{file}").into()),
                    ("features", Value::Map(features.into_iter().map(|f| (f.into(), Value::Int(1))).collect())),
                    ("required_cluster_stack", stacks.into()),
                ],
            );
        }
        // Only where there is such storage, or the design of it: it is no part of the product.
        let designed = self.db.schema().class("Membership").is_some();
        let installed = self.scenario.cluster_stacks.iter().any(|s| s == o2cb::STACK);
        if self.scenario.srs.iter().any(|s| s.kind == o2cb::KIND) || (designed && installed) {
            self.db.create(
                "SM",
                &[
                    ("name_label", "OCFS2SR".into()),
                    ("type", o2cb::KIND.into()),
                    ("driver_filename", "/opt/xensource/sm/OCFS2SR".into()),
                    ("required_cluster_stack", vec![o2cb::STACK].into()),
                ],
            );
        }
        for spec in &self.scenario.srs {
            self.shared(spec);
        }
        for host in (0..self.hosts.len()).filter(|h| self.scenario.hosts.get(*h).is_some_and(|h| !h.outside)) {
            self.local(host, "Local storage", "ext", "user", 400);
            self.local(host, "DVD drives", "udev", "iso", 0);
        }
    }

    fn shared(&mut self, spec: &SrSpec) {
        let mirrored = spec.mirror.is_some();
        let r = self.sr(&spec.name, &spec.kind, if spec.kind == "iso" { "iso" } else { "user" }, true, mirrored, spec.size_gib);
        let members: Vec<usize> = (0..self.hosts.len())
            .filter(|h| self.scenario.hosts.get(*h).is_some_and(|h| !h.outside))
            .filter(|h| spec.hosts.is_empty() || self.hosts.get(*h).is_some_and(|h| spec.hosts.contains(&h.name)))
            .collect();
        let up: Vec<u8> = spec.luns.iter().map(|l| l.paths).collect();
        let pbds = members.iter().map(|h| self.pbd(*h, &r, spec, up.clone())).collect();
        let mirror = spec.mirror.as_ref().map(|m| {
            let inside = members.iter().map(|h| (self.hosts.get(*h).map(|h| h.name.clone()).unwrap_or_default(), Some(*h)));
            let nodes = inside.chain(m.outside.iter().map(|n| (n.clone(), None))).collect();
            Mirror::new(nodes, (m.resync_mib_s * 1_048_576.0) as u64, secs(m.start_s))
        });
        let uuid = self.db.text(&r, "uuid").to_owned();
        self.stores.push(Store {
            name: spec.name.clone(),
            uuid,
            r,
            kind: spec.kind.clone(),
            shared: true,
            local: None,
            luns: spec.luns.iter().map(|l| Lun { scsi_id: l.scsi_id.clone(), paths: l.paths }).collect(),
            pbds,
            mirror,
            rebuild: None,
            polling: false,
        });
    }

    pub(in super::super) fn local(&mut self, host: usize, name: &str, kind: &str, content: &str, size: u64) {
        let r = self.sr(name, kind, content, false, false, size);
        let uuid = self.db.text(&r, "uuid").to_owned();
        let spec =
            SrSpec { name: name.into(), kind: kind.into(), size_gib: size, hosts: Vec::new(), mirror: None, luns: Vec::new() };
        let pbd = self.pbd(host, &r, &spec, Vec::new());
        self.stores.push(Store {
            name: name.into(),
            uuid,
            r,
            kind: kind.into(),
            shared: false,
            local: Some(host),
            luns: Vec::new(),
            pbds: vec![pbd],
            mirror: None,
            rebuild: None,
            polling: false,
        });
    }

    fn sr(&mut self, name: &str, kind: &str, content: &str, shared: bool, clustered: bool, size: u64) -> Ref {
        self.db.create(
            "SR",
            &[
                ("name_label", name.into()),
                ("type", kind.into()),
                ("content_type", content.into()),
                ("shared", shared.into()),
                ("clustered", clustered.into()),
                ("physical_size", int(size * GIB)),
                ("physical_utilisation", int(size * GIB / 3)),
                ("virtual_allocation", int(size * GIB / 2)),
                ("is_tools_sr", false.into()),
            ],
        )
    }

    pub(in super::super) fn pbd(&mut self, host: usize, sr: &Ref, spec: &SrSpec, up: Vec<u8>) -> Pbd {
        let h = self.hosts.get(host).map(|h| h.r.clone()).unwrap_or_default();
        let device = match spec.kind.as_str() {
            "linstor" => vec![("group-name", "linstor_group/thin_device".to_owned()), ("redundancy", "2".to_owned())],
            "lvmoiscsi" => {
                let id = spec.luns.first().map(|l| l.scsi_id.clone()).unwrap_or_default();
                vec![("target", "10.9.0.20,10.9.1.20".to_owned()), ("targetIQN", "*".to_owned()), ("SCSIid", id)]
            }
            "lvmohba" | o2cb::KIND => vec![("SCSIid", spec.luns.first().map(|l| l.scsi_id.clone()).unwrap_or_default())],
            "nfs" => vec![("server", "10.9.0.30".to_owned()), ("serverpath", "/export/vms".to_owned())],
            "iso" => vec![("location", "10.9.0.30:/export/iso".to_owned()), ("type", "nfs_iso".to_owned())],
            _ => vec![("device", format!("/dev/disk/by-id/{}", spec.kind))],
        };
        let mut other: Vec<(String, String)> =
            spec.luns.iter().map(|l| (format!("mpath-{}", l.scsi_id), format!("[{0}, {0}]", l.paths))).collect();
        if !other.is_empty() {
            other.push(("multipathed".into(), "true".into()));
        }
        if spec.kind == "lvmoiscsi" {
            other.push(("iscsi_sessions".into(), spec.luns.iter().map(|l| l.paths).max().unwrap_or(0).to_string()));
        }
        let r = self.db.create(
            "PBD",
            &[
                ("host", h.into()),
                ("SR", sr.into()),
                ("device_config", text_map(device)),
                ("currently_attached", true.into()),
                ("other_config", text_map(other)),
            ],
        );
        let uuid = self.db.text(&r, "uuid").to_owned();
        Pbd { r, uuid, host, attached: true, up, errors: false }
    }
}
