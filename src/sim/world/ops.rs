//! When xapi allows what to a host: one pure function over what xapi believes. Both dialects.
//!
//! Facts: `valid_operations` of xapi (first error of an operation wins); seed 1 for the designed rule.

use crate::sim::api::Failure;
use crate::xenapi::record::Ref;
use strum::IntoEnumIterator;

/// What may be done to a host, in the order in which xapi lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::IntoStaticStr, strum::EnumIter, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
#[allow(missing_docs, reason = "each is xapi's host_allowed_operations value of that name")]
pub enum HostOp {
    VmMigrate,
    Provision,
    VmResume,
    ApplyUpdates,
    Enable,
    Reboot,
    Evacuate,
    VmStart,
    PowerOn,
    Shutdown,
}

impl HostOp {
    /// As xapi writes it.
    pub fn name(self) -> &'static str {
        self.into()
    }

    fn creates(self) -> bool {
        matches!(self, Self::Provision | Self::VmResume | Self::VmMigrate)
    }

    fn removes(self) -> bool {
        matches!(self, Self::Evacuate | Self::Reboot | Self::Shutdown)
    }

    /// What this one, while it runs, keeps from starting.
    fn blocks(self, other: Self) -> bool {
        (self.creates() && other.removes())
            || (self.removes() && other.creates())
            || match self {
                Self::Reboot => matches!(other, Self::Shutdown | Self::ApplyUpdates),
                Self::Shutdown => matches!(other, Self::Reboot | Self::ApplyUpdates),
                Self::ApplyUpdates => matches!(other, Self::Reboot | Self::Shutdown | Self::Enable),
                Self::Provision => other == Self::Provision,
                _ => false,
            }
    }
}

/// What xapi believes of a host, as far as the rule looks at it.
pub struct Belief<'a> {
    /// The host.
    pub host: &'a Ref,
    /// `host.enabled`.
    pub enabled: bool,
    /// `host_metrics.live`.
    pub live: bool,
    /// `host.power_on_mode`.
    pub power_on_mode: &'a str,
    /// `host.current_operations`.
    pub current: &'a [(Ref, HostOp)],
    /// Why the storage forbids taking a host down, if it does.
    pub storage: Option<&'a Failure>,
    /// Whether storage also forbids updates (as shipped; the design speaks of reboot and shutdown only).
    pub storage_blocks_updates: bool,
}

/// Why an operation is refused.
enum Refusal<'a> {
    Busy(&'a Ref, HostOp),
    Enabled,
    Live,
    NoPowerOn,
    Storage(&'a Failure),
}

fn refusal<'a>(op: HostOp, belief: &Belief<'a>) -> Option<Refusal<'a>> {
    if let Some((task, other)) = belief.current.iter().find(|(_, running)| running.blocks(op)) {
        return Some(Refusal::Busy(task, *other));
    }
    let down = matches!(op, HostOp::Reboot | HostOp::Shutdown);
    if belief.enabled && (down || op == HostOp::ApplyUpdates) {
        return Some(Refusal::Enabled);
    }
    if op == HostOp::PowerOn {
        if belief.live {
            return Some(Refusal::Live);
        }
        if belief.power_on_mode.is_empty() {
            return Some(Refusal::NoPowerOn);
        }
    }
    belief.storage.filter(|_| down || (op == HostOp::ApplyUpdates && belief.storage_blocks_updates)).map(Refusal::Storage)
}

/// Whether an operation would be accepted now.
pub fn check(op: HostOp, belief: &Belief) -> Result<(), Failure> {
    let host = belief.host.as_str();
    Err(match refusal(op, belief) {
        None => return Ok(()),
        Some(Refusal::Busy(task, other)) => {
            Failure::new("OTHER_OPERATION_IN_PROGRESS", ["host", host, other.name(), task.as_str()])
        }
        Some(Refusal::Enabled) => Failure::bare("HOST_NOT_DISABLED"),
        Some(Refusal::Live) => Failure::new("HOST_IS_LIVE", [host]),
        Some(Refusal::NoPowerOn) => Failure::bare("HOST_POWER_ON_MODE_DISABLED"),
        Some(Refusal::Storage(failure)) => failure.clone(),
    })
}

/// What the field says. During a rolling upgrade xapi cuts it down, although it would still accept the calls.
pub fn allowed(belief: &Belief, rolling_upgrade: bool) -> impl Iterator<Item = HostOp> {
    HostOp::iter()
        .filter(move |op| !rolling_upgrade || matches!(op, HostOp::Evacuate | HostOp::Provision))
        .filter(|op| refusal(*op, belief).is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(belief: &Belief, upgrade: bool) -> Vec<&'static str> {
        allowed(belief, upgrade).map(HostOp::name).collect()
    }

    fn belief<'a>(host: &'a Ref, enabled: bool, current: &'a [(Ref, HostOp)]) -> Belief<'a> {
        Belief { host, enabled, live: true, power_on_mode: "", current, storage: None, storage_blocks_updates: true }
    }

    #[test]
    fn an_enabled_host_lists_neither_reboot_nor_shutdown() {
        let host = Ref::from("h");
        assert_eq!(
            names(&belief(&host, true, &[]), false),
            ["vm_migrate", "provision", "vm_resume", "enable", "evacuate", "vm_start"]
        );
        assert_eq!(check(HostOp::Reboot, &belief(&host, true, &[])).unwrap_err().code, "HOST_NOT_DISABLED");
    }

    #[test]
    fn a_disabled_host_lists_them() {
        let host = Ref::from("h");
        let want =
            ["vm_migrate", "provision", "vm_resume", "apply_updates", "enable", "reboot", "evacuate", "vm_start", "shutdown"];
        assert_eq!(names(&belief(&host, false, &[]), false), want);
    }

    #[test]
    fn running_operations_exclude_others_as_real_xapi_does() {
        let host = Ref::from("h");
        let task = Ref::from("t");
        let during = |op| vec![(task.clone(), op)];
        assert_eq!(names(&belief(&host, false, &during(HostOp::Reboot)), false), ["enable", "reboot", "evacuate", "vm_start"]);
        assert_eq!(
            names(&belief(&host, false, &during(HostOp::Shutdown)), false),
            ["enable", "evacuate", "vm_start", "shutdown"]
        );
        let want = ["apply_updates", "enable", "reboot", "evacuate", "vm_start", "shutdown"];
        assert_eq!(names(&belief(&host, false, &during(HostOp::Evacuate)), false), want);
        let want = ["vm_migrate", "provision", "vm_resume", "enable", "vm_start"];
        assert_eq!(names(&belief(&host, true, &during(HostOp::VmMigrate)), false), want);
        let error = check(HostOp::Shutdown, &belief(&host, false, &during(HostOp::Reboot))).unwrap_err();
        assert_eq!((error.code.as_str(), error.params.join(" ")), ("OTHER_OPERATION_IN_PROGRESS", "host h reboot t".into()));
    }

    #[test]
    fn storage_in_trouble_takes_reboot_and_shutdown_away() {
        let host = Ref::from("h");
        let failure = Failure::new("MIRROR_REBUILD_IN_PROGRESS", ["sr"]);
        let mut belief = belief(&host, false, &[]);
        belief.storage = Some(&failure);
        assert_eq!(names(&belief, false), ["vm_migrate", "provision", "vm_resume", "enable", "evacuate", "vm_start"]);
        belief.storage_blocks_updates = false;
        assert!(names(&belief, false).contains(&"apply_updates"));
        assert_eq!(check(HostOp::Reboot, &belief), Err(failure.clone()));
    }

    #[test]
    fn a_rolling_upgrade_cuts_the_field_down_but_not_the_check() {
        let host = Ref::from("h");
        assert_eq!(names(&belief(&host, false, &[]), true), ["provision", "evacuate"]);
        assert!(check(HostOp::Reboot, &belief(&host, false, &[])).is_ok());
    }

    #[test]
    fn power_on_needs_a_dead_host_with_a_power_on_mode() {
        let host = Ref::from("h");
        let mut belief = belief(&host, false, &[]);
        assert_eq!(check(HostOp::PowerOn, &belief).unwrap_err().code, "HOST_IS_LIVE");
        belief.live = false;
        assert_eq!(check(HostOp::PowerOn, &belief).unwrap_err().code, "HOST_POWER_ON_MODE_DISABLED");
        belief.power_on_mode = "IPMI";
        assert!(check(HostOp::PowerOn, &belief).is_ok());
    }
}
