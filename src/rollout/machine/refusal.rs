//! What xapi's codes mean for what is done next. From the codes alone: which call it was is the caller's matter.

use crate::pool::words::name;
use crate::text::clean;
use std::time::Duration;

/// How often something is tried again whose refusal is of no known kind.
pub const ODD_TRIES: u32 = 4;

/// What a refusal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It passes by itself: the same call is made again.
    Wait,
    /// The way to the pool, not the pool: again, once it is there.
    Link,
    /// About one guest: the operator decides.
    Guest,
    /// There is no room: something has to change elsewhere.
    Room,
    /// It is already so.
    Already,
    /// Nothing that time mends.
    Stop,
    /// Not known: tried again a few times.
    Odd,
}

/// The class of a code.
pub fn class(code: &str, params: &[String]) -> Class {
    let says = |what: &str| params.iter().any(|p| p.to_ascii_lowercase().contains(what));
    match code {
        "HOST_STILL_BOOTING"
        | "OTHER_OPERATION_IN_PROGRESS"
        | "TOO_MANY_PENDING_TASKS"
        | "CLUSTERED_SR_DEGRADED"
        | "MIRROR_REBUILD_IN_PROGRESS"
        | "EVENTS_LOST"
        | "TASK_CANCELLED"
        | "VM_MIGRATE_FAILED"
        | "HOST_NOT_LIVE" => Class::Wait,
        // updater.py raises -1 for "busy"; yum's own failures carry its exit status.
        "-1" if says("busy") || says("in progress") => Class::Wait,
        "SESSION_INVALID" | "HOST_IS_SLAVE" | "CANNOT_CONTACT_HOST" | "HOST_OFFLINE" | "SESSION_NOT_REGISTERED" => Class::Link,
        "VM_HAS_PCI_ATTACHED"
        | "VM_HAS_VGPU"
        | "VM_HAS_SRIOV_VIF"
        | "VM_HAS_VUSBS"
        | "VM_HAS_VTPM"
        | "VM_IS_USING_NESTED_VIRT"
        | "VM_LACKS_FEATURE"
        | "VM_LACKS_FEATURE_SUSPEND"
        | "VM_LACKS_FEATURE_SHUTDOWN"
        | "VM_MISSING_PV_DRIVERS"
        | "VM_OLD_PV_DRIVERS"
        | "VM_REQUIRES_SR"
        | "VM_REQUIRES_VDI"
        | "VM_REQUIRES_NETWORK"
        | "VM_REQUIRES_NET"
        | "VM_REQUIRES_GPU"
        | "VM_REQUIRES_VGPU"
        | "VM_REQUIRES_IOMMU"
        | "VM_INCOMPATIBLE_WITH_THIS_HOST"
        | "VM_FAILED_SHUTDOWN_ACKNOWLEDGMENT"
        | "VM_HOST_INCOMPATIBLE_VERSION"
        | "VM_HOST_INCOMPATIBLE_VERSION_MIGRATE"
        | "VM_CALL_PLUGIN_RATE_LIMIT"
        | "OPERATION_BLOCKED"
        | "OPERATION_NOT_ALLOWED"
        | "HOST_EVACUATE_VM_NOT_HA_PROTECTED" => Class::Guest,
        "HOST_NOT_ENOUGH_FREE_MEMORY" | "NO_HOSTS_AVAILABLE" | "HOST_NOT_ENOUGH_PCPUS" => Class::Room,
        "UPDATE_ALREADY_APPLIED" | "UPDATE_ALREADY_APPLIED_IN_POOL" | "HA_NOT_ENABLED" => Class::Already,
        "CANNOT_EVACUATE_HOST"
        | "HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN"
        | "HOST_NOT_DISABLED"
        | "HOST_DISABLED_UNTIL_REBOOT"
        | "HOST_PENDING_MANDATORY_GUIDANCE_NOT_EMPTY"
        | "HOST_EVACUATION_IS_REQUIRED"
        | "UPDATEINFO_HASH_MISMATCH"
        | "APPLY_UPDATES_FAILED"
        | "XEN_INCOMPATIBLE"
        | "NOT_SUPPORTED_DURING_UPGRADE"
        | "HOST_XAPI_VERSION_HIGHER_THAN_COORDINATOR"
        | "RBAC_PERMISSION_DENIED"
        | "HANDLE_INVALID"
        | "LICENCE_RESTRICTION"
        | "LICENSE_RESTRICTION"
        | "MESSAGE_METHOD_UNKNOWN"
        | "MESSAGE_PARAMETER_COUNT_MISMATCH" => Class::Stop,
        code if code.ends_with("_IN_PROGRESS") => Class::Wait,
        _ => Class::Odd,
    }
}

/// How long is waited after so many failures in a row: 5 s, then twice as long each time, at most a minute.
pub fn pause(failures: u32) -> Duration {
    Duration::from_secs(5u64.saturating_mul(1 << failures.saturating_sub(1).min(4)).min(60))
}

/// A refusal in words, with its code, safe to show.
pub fn words(code: &str, text: &str) -> String {
    let code = name(code);
    let text = clean(text.trim().trim_end_matches('.'), 400);
    if text.is_empty() {
        code
    } else if text.contains(&code) {
        text.into_owned()
    } else {
        format!("{text} ({code})")
    }
}
