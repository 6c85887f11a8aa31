//! Cluster stacks (seed 4): which one HA uses, what storage demands of it, and how xapi refuses.

use super::{Core, o2cb};
use crate::sim::api::Failure;

/// The stack that a storage type demands.
pub fn demanded(kind: &str) -> Option<&'static str> {
    match kind {
        o2cb::KIND => Some(o2cb::STACK),
        "gfs2" => Some("corosync"),
        _ => None,
    }
}

/// The storage type that goes with a stack.
fn kind_of(stack: &str) -> Option<&'static str> {
    match stack {
        o2cb::STACK => Some(o2cb::KIND),
        "corosync" => Some("gfs2"),
        _ => None,
    }
}

impl Core {
    /// The SRs that demand a stack and are attached, with the stack. As shipped only those of the coordinator count.
    fn demands(&self) -> impl Iterator<Item = (usize, &'static str)> + '_ {
        let counts = |host: usize| self.designed() || host == self.coordinator;
        let attached = move |s: &super::state::Store| s.pbds.iter().any(|p| p.attached && counts(p.host));
        self.stores.iter().enumerate().filter(move |(_, s)| attached(s)).filter_map(|(at, s)| Some((at, demanded(&s.kind)?)))
    }

    /// The stack that `pool.enable_ha` uses. `asked`: the designed call's own wish; empty: none.
    pub(super) fn choose_stack(&self, asked: &str) -> Result<String, Failure> {
        let installed = |stack: &str| self.stacks.iter().any(|s| s == stack);
        if !asked.is_empty() {
            if !installed(asked) {
                return Err(Failure::new("UNKNOWN_CLUSTER_STACK", [asked]));
            }
            if let Some((store, stack)) = self.demands().find(|(_, stack)| *stack != asked) {
                let r = self.stores.get(store).map(|s| s.r.as_str()).unwrap_or_default();
                return Err(Failure::new("CLUSTER_STACK_CONSTRAINT", [r, stack]));
            }
            return Ok(asked.to_owned());
        }
        let first = self.demands().next().map(|(_, stack)| stack);
        if !self.designed() && self.demands().any(|(_, stack)| Some(stack) != first) {
            return Err(Failure::new("INTERNAL_ERROR", ["Failure(\"Conflicting cluster stack demands.\")"]));
        }
        let existing = (!self.designed() && self.has_cluster).then_some("corosync");
        let stack = first.or(existing).unwrap_or("xhad");
        match (installed(stack), self.designed()) {
            (true, _) => Ok(stack.to_owned()),
            (false, true) => Err(Failure::new("UNKNOWN_CLUSTER_STACK", [stack])),
            (false, false) => Err(Failure::new("INTERNAL_ERROR", [format!("Failure(\"cluster stack {stack} not installed\")")])),
        }
    }

    /// The storage that xapi takes for the statefile where nobody names one.
    pub(super) fn statefile_store(&self, stack: &str) -> Option<usize> {
        let suits = |kind: &str| kind_of(stack).map_or(kind.starts_with("lvmo"), |needed| kind == needed);
        // As shipped a cluster without storage that demands it takes what there is.
        let found = self.stores.iter().position(|s| s.shared && suits(&s.kind));
        found.or_else(|| {
            let any = || self.stores.iter().position(|s| s.shared && s.kind.starts_with("lvmo"));
            (!self.designed()).then(any).flatten()
        })
    }

    /// Whether a storage can hold the statefile of a stack. The design names the type that is needed; as shipped, the one that was offered.
    pub(super) fn fits_statefile(&self, store: usize, stack: &str) -> Result<(), Failure> {
        let offered = self.stores.get(store).map(|s| s.kind.as_str()).unwrap_or_default();
        // As shipped it is refused only where storage demands the stack: without, the stack has no list of types.
        let strict = self.designed() || self.demands().any(|(_, demanded)| demanded == stack);
        match kind_of(stack).filter(|needed| strict && *needed != offered) {
            Some(needed) => Err(Failure::new("INCOMPATIBLE_STATEFILE_SR", [if self.designed() { needed } else { offered }])),
            None => Ok(()),
        }
    }

    /// Whether storage may be plugged beside the stack that HA uses.
    pub(super) fn fits_active_stack(&self, store: usize) -> Result<(), Failure> {
        let stack = self.stores.get(store).and_then(|s| demanded(&s.kind));
        match stack.filter(|stack| self.ha.on && *stack != self.ha.stack) {
            Some(stack) => Err(Failure::new("INCOMPATIBLE_CLUSTER_STACK_ACTIVE", [stack])),
            None => Ok(()),
        }
    }
}
