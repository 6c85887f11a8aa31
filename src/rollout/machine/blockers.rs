//! Why a guest cannot leave a host, in plain words with its name.

use super::ctx::Ctx;
use super::refusal::{self, Class};
use crate::pool::words::name;
use crate::rollout::look::Blocker;
use crate::xenapi::record::Ref;

/// A guest that cannot leave, in words: `db1 has a PCI device of the host passed through`.
pub fn words(ctx: &Ctx, blocker: &Blocker) -> String {
    format!("{} {}", ctx.guest_name(&blocker.vm), what(ctx, &blocker.code, &blocker.params))
}

/// What a code says about a guest, as the rest of a sentence.
pub fn what(ctx: &Ctx, code: &str, params: &[String]) -> String {
    let object = |at: usize| {
        let named = params.get(at).map(|r| ctx.view.pool.name_of(&Ref::from(r.as_str()))).unwrap_or_default();
        if named.is_empty() { String::new() } else { format!(" {named}") }
    };
    match code {
        "VM_HAS_PCI_ATTACHED" => "has a device of this host passed through to it".into(),
        "VM_HAS_VGPU" | "VM_REQUIRES_GPU" => "uses a GPU of this host".into(),
        "VM_HAS_SRIOV_VIF" => "has a network interface that is a part of this host's card (SR-IOV)".into(),
        "VM_HAS_VUSBS" => "uses a USB device of this host".into(),
        "VM_REQUIRES_SR" => format!("needs storage that the other hosts do not have (SR{})", object(1)),
        "VM_REQUIRES_VDI" => "has a disk or CD that the other hosts cannot reach".into(),
        "VM_REQUIRES_NETWORK" => format!("needs a network that the other hosts do not have ({})", object(1).trim()),
        "VM_LACKS_FEATURE" | "VM_LACKS_FEATURE_SUSPEND" | "VM_MISSING_PV_DRIVERS" | "VM_OLD_PV_DRIVERS" => {
            "cannot be moved while it runs: its guest tools are missing or too old".into()
        }
        "VM_INCOMPATIBLE_WITH_THIS_HOST" => "needs processor features that the other hosts do not have".into(),
        "VM_HOST_INCOMPATIBLE_VERSION" | "NOT_SUPPORTED_DURING_UPGRADE" => {
            "cannot move to a host with an older version while the pool is updated".into()
        }
        "HOST_NOT_ENOUGH_FREE_MEMORY" => "finds no other host with enough free memory".into(),
        "NO_HOSTS_AVAILABLE" => "finds no other host that is enabled".into(),
        "HOST_EVACUATE_VM_NOT_HA_PROTECTED" => "is not protected by HA, which is on".into(),
        "OPERATION_BLOCKED" | "OPERATION_NOT_ALLOWED" => "may not be moved: somebody blocked that".into(),
        "VM_FAILED_SHUTDOWN_ACKNOWLEDGMENT" => "did not react to being told to shut down".into(),
        other => format!("cannot be moved ({})", name(other)),
    }
}

/// Whether shutting the guest down for the round would help: it is bound to this host, not short of room elsewhere. With one host there
/// is nowhere to go for anybody.
pub fn is_bound(ctx: &Ctx, blocker: &Blocker) -> bool {
    match refusal::class(&blocker.code, &blocker.params) {
        Class::Guest => true,
        Class::Room => ctx.records().hosts().count() == 1,
        _ => false,
    }
}
