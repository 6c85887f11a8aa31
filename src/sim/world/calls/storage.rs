//! `PBD.*`, `SR.*`, `Cluster_host.*`.

use super::super::Core;
use super::{Answered, DONE, answer};
use crate::sim::api::Failure;
use crate::sim::front::{Args, Ctx};
use std::time::Duration;

impl Core {
    /// `None`: the front's generic call shall do it.
    pub(super) fn storage_call(&mut self, ctx: &Ctx, class: &str, name: &str, args: Args) -> Option<Answered> {
        Some(match (class, name) {
            ("PBD", "plug") => self.plug_call(ctx, args),
            ("PBD", "unplug") => self.arg_pbd(args).and_then(|(store, host)| {
                self.reach(host)?;
                self.unplug(store, host)?;
                DONE
            }),
            ("SR", "create") => self.call_sr_create(ctx, args),
            ("SR", "scan" | "update") => args.handle(0, &self.db, "SR").and_then(|r| {
                let attached = self.stores.iter().find(|s| s.r == r).is_none_or(|s| s.pbds.iter().any(|p| p.attached));
                if attached { DONE } else { Err(Failure::new("SR_NOT_ATTACHED", [r.as_str()])) }
            }),
            ("SR", "get_supported_types") => {
                let mut kinds: Vec<&str> = self.db.refs_of("SM").map(|r| self.db.text(r, "type")).collect();
                kinds.sort_unstable();
                answer(kinds)
            }
            ("Cluster_host", "enable" | "disable") => self.cluster_host_call(args, name == "enable"),
            _ => return None,
        })
    }

    fn arg_pbd(&self, args: Args) -> Result<(usize, usize), Failure> {
        let r = args.handle(0, &self.db, "PBD")?;
        let found = self.stores.iter().enumerate().find_map(|(at, s)| Some((at, s.pbds.iter().find(|p| p.r == r)?.host)));
        found.ok_or_else(|| Failure::new("HANDLE_INVALID", ["PBD", r.as_str()]))
    }

    fn plug_call(&mut self, ctx: &Ctx, args: Args) -> Answered {
        let (store, host) = self.arg_pbd(args)?;
        self.reach(host)?;
        self.fits_active_stack(store)?;
        let kind = self.stores.get(store).map(|s| s.kind.clone()).unwrap_or_default();
        if kind == "gfs2" {
            let h = self.hosts.get(host);
            let r = h.map(|h| h.r.clone()).unwrap_or_default();
            match h.and_then(|h| h.cluster.as_ref()) {
                None => return Err(Failure::new("NO_COMPATIBLE_CLUSTER_HOST", [r.as_str()])),
                Some(member) if !member.enabled => return Err(Failure::new("CLUSTERING_DISABLED", [member.r.as_str()])),
                Some(_) => {}
            }
        }
        let result = self.attach(store, host).map(|()| crate::sim::value::Value::Void);
        // A backend that finds no path takes its time to say so.
        let wait = if result.is_ok() { Duration::from_millis(800) } else { Duration::from_secs(8) };
        self.after(ctx, wait, result)
    }

    fn cluster_host_call(&mut self, args: Args, enable: bool) -> Answered {
        let r = args.handle(0, &self.db, "Cluster_host")?;
        let found = self.hosts.iter().position(|h| h.cluster.as_ref().is_some_and(|m| m.r == r));
        let host = found.ok_or_else(|| Failure::new("HANDLE_INVALID", ["Cluster_host", r.as_str()]))?;
        self.reach(host)?;
        let in_use = |s: &super::super::state::Store| s.kind == "gfs2" && s.pbds.iter().any(|p| p.host == host && p.attached);
        if !enable && self.stores.iter().any(in_use) {
            return Err(Failure::new("CLUSTER_STACK_IN_USE", ["corosync"]));
        }
        if let Some(h) = self.hosts.get_mut(host) {
            h.cluster_up = enable;
            if let Some(member) = &mut h.cluster {
                member.enabled = enable;
            }
        }
        self.cluster_changed_now();
        DONE
    }
}
