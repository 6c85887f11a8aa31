//! The database followed without a wire: what changed, as the records that a client would have read from JSON.
//!
//! For proofs and rehearsals, which follow thousands of worlds a second. It is what a client with a subscription to every class that
//! poolwatch reads would know, without sessions and waiting; who asks has to respect [`World::hears`].

mod convert;

use super::World;
use crate::sim::api::{Door, HostIx};
use crate::sim::schema::ClassId;
use crate::xenapi::record::{Class, Record, Ref};
use std::sync::{Arc, OnceLock};
use strum::IntoEnumIterator;

/// How far somebody has followed a world. The default: nothing seen yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marker {
    /// Counts starts of the coordinator's xapi and jumps of the database; 0: nothing seen.
    epoch: u64,
    /// Generation of the database.
    generation: u64,
}

/// What changed since a [`Marker`].
#[derive(Clone, Debug)]
pub struct Observed {
    /// To go on with.
    pub marker: Marker,
    /// `changes` are all objects that there are: what is not among them is gone. Otherwise only what changed.
    pub whole: bool,
    /// Objects of the classes that poolwatch reads, class by class; `None`: it is gone.
    pub changes: Vec<(Class, Ref, Option<Arc<Record>>)>,
}

/// The classes that poolwatch reads, with their places in the schema. The same in both dialects.
fn classes(world: &World) -> &'static [(Class, ClassId)] {
    static CLASSES: OnceLock<Vec<(Class, ClassId)>> = OnceLock::new();
    CLASSES.get_or_init(|| {
        let schema = world.core.db.schema();
        Class::iter().filter_map(|class| Some((class, schema.class(class.call_name())?.id))).collect()
    })
}

impl World {
    /// The host at which events can be followed now: the coordinator, if it can be reached and its events are on time.
    pub fn hears(&self) -> Option<HostIx> {
        let host = HostIx(self.core.coordinator);
        let open = crate::sim::api::Api::door(self, host) == Door::Open && self.core.coordinator_up();
        (open && self.core.now >= self.core.late_until).then_some(host)
    }

    /// What changed in the database since `since`. Costs next to nothing if nothing did.
    pub fn observe(&self, since: Marker) -> Observed {
        let db = &self.core.db;
        let marker = Marker { epoch: self.core.epoch, generation: db.generation() };
        let known = since.epoch == marker.epoch && since.generation <= marker.generation;
        let whole = !known || classes(self).iter().any(|(_, id)| db.forgot_since(*id, since.generation));
        let after = if whole { 0 } else { since.generation };
        let mut changes = Vec::new();
        for (class, id) in classes(self) {
            let all = db.read_changes(*id, after, |values| convert::record(*class, values));
            changes.extend(all.filter(|(_, record)| !whole || record.is_some()).map(|(r, record)| (*class, r, record)));
        }
        Observed { marker, whole, changes }
    }

    /// One object as it is now; `None` if there is none of this class.
    pub fn record(&self, class: Class, r: &Ref) -> Option<Arc<Record>> {
        let (_, id) = classes(self).iter().find(|(known, _)| *known == class)?;
        self.core.db.read_one(*id, r, |values| convert::record(class, values))
    }
}
