//! A simulated pool as it really is at one moment, whatever its coordinator, our feed or an engine believe of it.

use crate::sim::api::{Api, Door, HostIx};
use crate::sim::value::Value;
use crate::sim::world::World;
use crate::xenapi::record::Ref;

/// A host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostTruth {
    /// Its reference.
    pub r: Ref,
    /// Its name.
    pub name: String,
    /// Up and all there: its system runs, its xapi is part of the pool, its storage was plugged as far as that went well.
    pub up: bool,
    /// On its way down.
    pub leaving: bool,
    /// xapi's word: enabled.
    pub enabled: bool,
    /// xapi's word: live.
    pub live: bool,
    /// Guests that run there.
    pub guests: usize,
    /// Storage that it has a PBD for, and that is not plugged.
    pub unplugged: usize,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    /// The hosts.
    pub hosts: Vec<HostTruth>,
    /// A mirror has a copy that is not in step.
    pub behind: bool,
    /// xapi shows a rebuild.
    pub rebuild_shown: bool,
}

impl Truth {
    /// Of this pool now.
    pub fn of(world: &World) -> Self {
        let db = world.database();
        let hosts = db.refs_of("host").enumerate().map(|(at, r)| {
            let leaving = db
                .map(r, "current_operations")
                .values()
                .any(|op| matches!(op, Value::Str(op) if matches!(&**op, "shutdown" | "reboot")));
            let live = db.boolean(&db.reference(r, "metrics"), "live");
            let running =
                |vm: &Ref| !db.boolean(vm, "is_control_domain") && matches!(db.text(vm, "power_state"), "Running" | "Paused");
            HostTruth {
                r: r.clone(),
                name: db.text(r, "name_label").to_owned(),
                up: live && world.door(HostIx(at)) == Door::Open,
                leaving,
                enabled: db.boolean(r, "enabled"),
                live,
                guests: db.refs(r, "resident_VMs").iter().filter(|vm| running(vm)).count(),
                unplugged: db.refs(r, "PBDs").iter().filter(|pbd| !db.boolean(pbd, "currently_attached")).count(),
            }
        });
        let pending = |t: &Ref| db.text(t, "name_label") == "SR Recovering" && db.text(t, "status") == "pending";
        let rebuild_shown = db.refs_of("task").any(pending);
        Self { hosts: hosts.collect(), behind: rebuild_shown, rebuild_shown }
    }

    /// A host.
    pub fn host(&self, r: &Ref) -> Option<&HostTruth> {
        self.hosts.iter().find(|h| h.r == *r)
    }
}
