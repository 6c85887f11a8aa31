//! `PIF.*`: changes of a host's network.
//!
//! In the designed API only in maintenance mode (seed 2): with NFS plugged the SR may hang for good, with OCFS2 the host fences. As shipped xapi lets
//! everybody do it, but for the management interface while HA is on, and never unplugs that one.

use super::super::Core;
use super::{Answered, DONE};
use crate::sim::api::Failure;
use crate::sim::front::Args;
use crate::xenapi::record::Ref;

impl Core {
    /// `None`: the front's generic call shall do it.
    pub(super) fn pif_call(&mut self, name: &str, args: Args) -> Option<Answered> {
        Some(match name {
            "plug" => self.change_pif(args, true).and_then(|pif| {
                self.set(&pif, "currently_attached", true);
                DONE
            }),
            "unplug" => self.change_pif(args, false).and_then(|pif| {
                if self.db.boolean(&pif, "management") {
                    return Err(Failure::new("PIF_IS_MANAGEMENT_INTERFACE", [pif.as_str()]));
                }
                self.set(&pif, "currently_attached", false);
                DONE
            }),
            "reconfigure_ip" => self.reconfigure_ip(args),
            _ => return None,
        })
    }

    fn reconfigure_ip(&mut self, args: Args) -> Answered {
        let pif = self.change_pif(args, false)?;
        let mode = args.text(1)?.to_owned();
        if !matches!(mode.as_str(), "None" | "DHCP" | "Static") {
            return Err(Failure::new("INVALID_VALUE", ["mode", &mode]));
        }
        if self.ha.on && self.db.boolean(&pif, "management") {
            return Err(Failure::bare("HA_IS_ENABLED"));
        }
        self.set(&pif, "ip_configuration_mode", mode.as_str());
        for (at, field) in [(2, "IP"), (3, "netmask"), (4, "gateway"), (5, "DNS")] {
            let value = args.text(at)?.to_owned();
            self.set(&pif, field, value.as_str());
        }
        DONE
    }

    /// The interface that is to be changed, if its host may be changed now. `plug`: it only comes up, which hurts nothing.
    fn change_pif(&self, args: Args, plug: bool) -> Result<Ref, Failure> {
        let pif = args.handle(0, &self.db, "PIF")?;
        let owner = self.db.reference(&pif, "host");
        let host = self.hosts.iter().position(|h| h.member() && h.r == owner);
        let host = host.ok_or_else(|| Failure::new("HANDLE_INVALID", ["PIF", pif.as_str()]))?;
        self.reach(host)?;
        if !plug && self.designed() {
            self.only_in_maintenance(host)?;
        }
        Ok(pif)
    }

    /// Disabled, empty, and without storage that needs the network.
    fn only_in_maintenance(&self, host: usize) -> Result<(), Failure> {
        let uses = |s: &super::super::state::Store| s.local.is_none() && s.pbds.iter().any(|p| p.host == host && p.attached);
        let why = if self.hosts.get(host).is_some_and(|h| h.enabled) {
            "the host is enabled".to_owned()
        } else if !self.guests_on(host).is_empty() {
            "guests run on it".to_owned()
        } else if let Some(store) = self.stores.iter().find(|s| uses(s)) {
            format!("SR {} is plugged", store.name)
        } else {
            return Ok(());
        };
        let text = format!("the network can be changed in maintenance mode only: {why} (host.prepare_for_maintenance)");
        Err(Failure::new("OPERATION_NOT_ALLOWED", [text]))
    }
}
