//! `SR.create`: shared storage that is added to a running pool.
//!
//! In the designed API the first SR of type `ocfs2` also sets the cluster up, which the seed leaves open ("who should set up the cluster?"): the `Cluster`, a
//! `Membership` for each host, the heartbeat's volume on that SR, and o2cb started on every host. Each later one
//! gets a heartbeat region of its own, which is started online. Two regions fence at the loss of one, three stand it: that is o2cb's rule.

use super::super::state::{Lun, Store};
use super::super::{Core, o2cb};
use super::Answered;
use crate::sim::api::Failure;
use crate::sim::front::{Args, Ctx};
use crate::sim::value::Value;
use std::time::Duration;

impl Core {
    pub(super) fn call_sr_create(&mut self, ctx: &Ctx, args: Args) -> Answered {
        let host = self.arg_host(args, 0)?;
        self.reach(host)?;
        let device = args.map(1)?;
        let (size, name, kind, content) =
            (args.int(2)?, args.text(3)?.to_owned(), args.text(5)?.to_owned(), args.text(6)?.to_owned());
        let shared = args.boolean(7)?;
        if self.db.find("SM", "type", &Value::from(kind.as_str())).is_none() {
            return Err(Failure::new("SR_UNKNOWN_DRIVER", [kind]));
        }
        let stack = super::super::stack::demanded(&kind);
        if let Some(stack) = stack.filter(|stack| self.ha.on && *stack != self.ha.stack) {
            return Err(Failure::new("INCOMPATIBLE_CLUSTER_STACK_ACTIVE", [stack]));
        }
        if !shared || !matches!(kind.as_str(), "nfs" | "iso" | "lvmoiscsi" | "lvmohba" | o2cb::KIND) {
            let why = format!(
                "this simulated pool makes shared storage of the types nfs, iso, lvmoiscsi, lvmohba and ocfs2, not {kind}"
            );
            return Err(Failure::new("OPERATION_NOT_ALLOWED", [why]));
        }
        let scsi_id = device.get("SCSIid").map(|id| (*id).to_owned());
        if kind != "nfs" && kind != "iso" && scsi_id.is_none() {
            return Err(Failure::new("SR_BACKEND_FAILURE_87", ["", "The SCSIid parameter is missing", ""]));
        }
        let r = self.db.create(
            "SR",
            &[
                ("name_label", name.as_str().into()),
                ("name_description", args.text(4)?.into()),
                ("type", kind.as_str().into()),
                ("content_type", content.as_str().into()),
                ("shared", true.into()),
                ("physical_size", size.into()),
            ],
        );
        let uuid = self.db.text(&r, "uuid").to_owned();
        let luns: Vec<Lun> = scsi_id.into_iter().map(|scsi_id| Lun { scsi_id, paths: 2 }).collect();
        let device = super::super::book::text_map(device);
        let mut pbds = Vec::new();
        for at in (0..self.hosts.len()).filter(|h| self.is_member(*h)).collect::<Vec<_>>() {
            let owner = self.hosts.get(at).map(|h| h.r.clone()).unwrap_or_default();
            let fields = [("host", owner.into()), ("SR", (&r).into()), ("device_config", device.clone())];
            let pbd = self.db.create("PBD", &fields);
            let uuid = self.db.text(&pbd, "uuid").to_owned();
            let up = luns.iter().map(|l| l.paths).collect();
            pbds.push(super::super::state::Pbd { r: pbd, uuid, host: at, attached: false, up, errors: false });
        }
        let store = self.stores.len();
        let members: Vec<usize> = pbds.iter().map(|p| p.host).collect();
        self.stores.push(Store {
            name,
            uuid,
            r: r.clone(),
            kind,
            shared: true,
            local: None,
            luns,
            pbds,
            mirror: None,
            rebuild: None,
            polling: false,
        });
        if stack == Some(o2cb::STACK) {
            self.o2cb_begin();
            self.o2cb_add_region(store);
        }
        for host in members.into_iter().filter(|h| self.cannot_reach(*h).is_none()).collect::<Vec<_>>() {
            // A host that cannot has its PBD unplugged, as after a boot.
            let _ = self.attach(store, host);
        }
        self.publish_sr_ops(store);
        self.after(ctx, Duration::from_secs(4), Ok(Value::from(&r)))
    }
}
