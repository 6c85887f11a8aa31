//! `Membership.*`, of the designed API.

use super::super::Core;
use super::{Answered, DONE};
use crate::sim::front::Args;

impl Core {
    /// `None`: the front's generic call shall do it.
    pub(super) fn membership_call(&mut self, name: &str, args: Args) -> Option<Answered> {
        let both = |core: &Self| Ok((core.arg_host(args, 0)?, args.handle(1, &core.db, "Cluster")?));
        Some(match name {
            "create" | "destroy" if self.designed() => both(self).and_then(|(host, cluster)| {
                self.reach(host)?;
                if name == "create" {
                    self.membership_create(host, &cluster)?;
                } else {
                    self.membership_destroy(host, &cluster)?;
                }
                DONE
            }),
            _ => return None,
        })
    }
}
