//! Which guests cannot leave their host, and why, in plain words. Asked of xapi (`host.get_vms_which_prevent_evacuation`), host by host.

use super::Ground;
use crate::pool::picture::HostView;
use crate::pool::words;
use crate::rollout::finding::{Finding, Fix};
use crate::rollout::look::{Blocker, Look};
use crate::rollout::survey::FRESH;
use crate::text::{clean, duration};
use crate::xenapi::error::ApiError;
use crate::xenapi::explain::NameLookup;
use crate::xenapi::record::Ref;
use std::collections::BTreeSet;

pub fn check(ground: Ground, out: &mut Vec<Finding>) {
    let mut unprotected = Vec::new();
    for host in ground.planned() {
        if ground.pool.records().load(&host.r#ref).0 == 0 {
            continue;
        }
        let look = Look::Blockers { host: host.r#ref.clone() };
        match ground.survey.blockers(&host.r#ref) {
            Err(why) => {
                let said = clean(why.text.trim_end_matches('.'), 200);
                let text = format!("Cannot tell whether the guests of {} can leave it: {said}.", host.name);
                out.push(Finding::hard("blockers-unknown", &host.name, text).evidence("host.get_vms_which_prevent_evacuation"));
            }
            Ok(blockers) => {
                let age = ground.survey.asked(&look).map(|at| ground.now.since(at)).unwrap_or_default();
                if age > FRESH {
                    let text = format!("What keeps guests on {} was asked {} ago.", host.name, duration(age));
                    out.push(Finding::hard("survey-old", &host.name, text).evidence("host.get_vms_which_prevent_evacuation"));
                }
                for blocker in blockers {
                    match told(ground, host, blocker) {
                        // One word for all of them: in a pool with HA that is most of its guests.
                        finding if finding.code == "not-ha-protected" => unprotected.push(finding),
                        finding => out.push(finding),
                    }
                }
            }
        }
    }
    out.extend(together(unprotected));
}

/// Guests that HA does not protect, as one note.
fn together(mut findings: Vec<Finding>) -> Option<Finding> {
    findings.sort_by(|a, b| words::natural(&a.about, &b.about));
    if findings.len() < 2 {
        return findings.pop();
    }
    let names: Vec<&str> = findings.iter().map(|f| f.about.as_str()).collect();
    let text = format!(
        "{} guests are not protected by HA, so that xapi would not move them now: {}. HA is switched off first.",
        names.len(),
        words::list(&names)
    );
    Some(Finding::note("not-ha-protected", "", text).evidence(findings.first().map(|f| f.evidence.clone()).unwrap_or_default()))
}

/// The guests that are shut down for the round: they cannot move, and the operator allows it.
pub fn stopped(ground: Ground) -> BTreeSet<Ref> {
    if !ground.plan.options.shut_down_pinned {
        return BTreeSet::new();
    }
    let blockers = ground.planned().filter_map(|h| Some((h, ground.survey.blockers(&h.r#ref).ok()?)));
    let each = blockers.flat_map(|(host, blockers)| blockers.iter().map(move |b| (host, b)));
    let stopped = each.filter(|(host, b)| matches!(kind(ground, host, "", b), Kind::Bound { .. }));
    stopped.map(|(_, b)| b.vm.clone()).collect()
}

/// What kind of trouble a code stands for.
enum Kind {
    /// The guest cannot leave as things are: it can be shut down for the time, if the operator allows it.
    Bound { code: &'static str, text: String },
    /// Something has to be done about it, and shutting guests down is not it.
    Mend { code: &'static str, text: String, mend: Option<String> },
    /// It is about HA, which is switched off before anything moves.
    Ha(String),
    /// It passes.
    Busy(String),
}

fn told(ground: Ground, host: &HostView, blocker: &Blocker) -> Finding {
    let vm = guest_name(ground, &blocker.vm);
    let evidence = format!("{} on {}", evidence(blocker), host.name);
    let about = &vm;
    match kind(ground, host, &vm, blocker) {
        Kind::Bound { code, text } if ground.plan.options.shut_down_pinned => {
            let text = format!("{text} It is shut down while {} reboots, and started there again.", host.name);
            Finding::note(code, about, text).evidence(evidence)
        }
        Kind::Bound { code, text } => Finding::hard(code, about, text).evidence(evidence).fix(Fix::ShutDownPinned),
        Kind::Mend { code, text, mend } => {
            let finding = Finding::hard(code, about, text).evidence(evidence);
            match mend {
                Some(mend) => finding.mend(mend),
                None => finding,
            }
        }
        Kind::Ha(text) => Finding::note("not-ha-protected", about, text).evidence(evidence),
        Kind::Busy(text) => Finding::soft("guest-busy", about, text).evidence(evidence),
    }
}

fn evidence(blocker: &Blocker) -> String {
    let code = clean(&blocker.code, 60);
    format!("host.get_vms_which_prevent_evacuation: {code}")
}

fn kind(ground: Ground, host: &HostView, vm: &str, blocker: &Blocker) -> Kind {
    let on = &host.name;
    let param = |at: usize| blocker.params.get(at).map(|p| Ref::from(p.as_str())).unwrap_or_default();
    let pinned = |what: &str| Kind::Bound { code: "cannot-move", text: format!("{vm} on {on} {what}.") };
    let bound = |code, text: String| Kind::Bound { code, text };
    let mend = |code, text: String| Kind::Mend { code, text, mend: None };
    let ha = ground.picture.control.ha;
    match blocker.code.as_str() {
        "VM_HAS_PCI_ATTACHED" | "VM_REQUIRES_IOMMU" => pinned("uses a PCI device of its host and cannot move"),
        "VM_HAS_VGPU" | "VM_REQUIRES_GPU" | "VM_REQUIRES_VGPU" => pinned("uses a graphics card of its host and cannot move"),
        "VM_HAS_SRIOV_VIF" => pinned("uses a network card of its host directly (SR-IOV) and cannot move"),
        "VM_HAS_VUSBS" => pinned("uses a USB device of its host and cannot move"),
        "VM_HAS_VTPM" => pinned("has a virtual TPM that cannot move"),
        "VM_IS_USING_NESTED_VIRT" => pinned("runs virtual machines of its own (nested) and cannot move"),
        "VM_MISSING_PV_DRIVERS" | "VM_OLD_PV_DRIVERS" => pinned("has no guest tools, or old ones, and cannot move while it runs"),
        "VM_REQUIRES_VDI" => pinned("has a disk or CD that the other hosts cannot reach"),
        "VM_LACKS_FEATURE" | "VM_LACKS_FEATURE_SUSPEND" => {
            pinned("does not say that it can be moved: its guest tools are missing or old")
        }
        "VM_REQUIRES_SR" => storage(ground, host, vm, &param(1)),
        "VM_REQUIRES_NETWORK" | "VM_REQUIRES_NET" => {
            let network = ground.pool.network(param(1)).said();
            bound("needs-network", format!("{vm} on {on} needs {network}, which not every other host is connected to."))
        }
        "VM_INCOMPATIBLE_WITH_THIS_HOST" => {
            let to = name_or(ground, &param(1), "another host");
            let why = blocker.params.get(2).map(|p| clean(p, 120).into_owned()).unwrap_or_default();
            let why = if why.is_empty() { String::new() } else { format!(": {why}") };
            bound("incompatible", format!("{vm} on {on} cannot run on {to}{why}."))
        }
        "VM_HOST_INCOMPATIBLE_VERSION" | "VM_HOST_INCOMPATIBLE_VERSION_MIGRATE" => {
            bound("incompatible", format!("{vm} on {on} may not move to a host with older software, and no other has room."))
        }
        "NOT_SUPPORTED_DURING_UPGRADE" => {
            mend("incompatible", format!("{vm} on {on} cannot move while the hosts run different software."))
        }
        "HOST_NOT_ENOUGH_FREE_MEMORY" | "HOST_EVACUATE_VM_NOT_HA_PROTECTED" if ha => Kind::Ha(format!(
            "{vm} on {on} is not protected by HA, so that xapi would not move it now; HA is switched off first."
        )),
        "HOST_NOT_ENOUGH_FREE_MEMORY" => mend("no-room", format!("No other host has enough free memory for {vm} of {on}.")),
        "NO_HOSTS_AVAILABLE" if ground.alone() => pinned("cannot move: there is no other host"),
        "NO_HOSTS_AVAILABLE" => mend("no-room", format!("No other host can take {vm} of {on}: none is enabled and fits.")),
        "OPERATION_BLOCKED" => {
            let why = blocker.params.get(1).map(|p| clean(p, 120).into_owned()).filter(|p| !p.is_empty());
            let why = why.map_or_else(String::new, |why| format!(" ({why})"));
            mend("blocked", format!("Somebody has blocked moving {vm} of {on}{why}."))
        }
        "OTHER_OPERATION_IN_PROGRESS" | "VM_BAD_POWER_STATE" => {
            Kind::Busy(format!("{vm} on {on} is busy or not running properly: it cannot move just now."))
        }
        code => {
            let error = ApiError { method: "VM.pool_migrate".into(), code: code.into(), params: blocker.params.clone() };
            let said = error.explain(&Names(ground)).what;
            mend("cannot-move", format!("{vm} on {on} cannot move: {said}."))
        }
    }
}

/// A disk, or only a CD, on storage that not every other host has.
fn storage(ground: Ground, host: &HostView, vm: &str, sr: &Ref) -> Kind {
    let on = &host.name;
    let name = name_or(ground, sr, "an SR");
    let record = ground.pool.records().sr(sr);
    if record.is_some_and(|s| &*s.content_type == "iso" || matches!(&*s.r#type, "iso" | "udev")) {
        return Kind::Mend {
            code: "cd-inserted",
            text: format!("{vm} on {on} has a CD from {name} inserted, which the other hosts do not have."),
            mend: Some(format!("Eject it (xe vm-cd-eject vm={vm}), then look again.")),
        };
    }
    if record.is_some_and(|s| !s.shared && !s.clustered) {
        let text = format!("{vm} on {on} has a disk on the local SR {name} and cannot move without it.");
        return Kind::Bound { code: "cannot-move", text };
    }
    let text = format!("{vm} on {on} has a disk on {name}, which not every other host has plugged.");
    Kind::Bound { code: "needs-storage", text }
}

fn guest_name(ground: Ground, vm: &Ref) -> String {
    name_or(ground, vm, "A guest")
}

fn name_or(ground: Ground, r: &Ref, other: &str) -> String {
    let name = ground.pool.name_of(r);
    if !name.is_empty() {
        return name;
    }
    if r.is_null() { other.to_owned() } else { format!("{other} ({})", words::name(r.as_str())) }
}

/// Names for xapi's own words.
struct Names<'a>(Ground<'a>);

impl NameLookup for Names<'_> {
    fn name_of(&self, r: &str) -> Option<String> {
        Some(self.0.pool.name_of(&Ref::from(r))).filter(|name| !name.is_empty())
    }
}
