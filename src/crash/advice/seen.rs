//! Advice from what a recording knows by name: paths and LUNs, guests that are still down, what others had in common.

use super::NOT_STARTED;
use crate::crash::report::{Crash, utc};
use crate::crash::story::{Known, Lun};
use crate::crash::verdict::Cause;

/// Paths that are named.
const PATHS: usize = 3;
/// Guests that are named.
const GUESTS: usize = 12;

/// What goes before everything else: what was lost, and what many had in common.
pub(super) fn first(crash: &Crash, known: &Known, out: &mut Vec<String>) {
    let host = crash.name();
    if !known.others.is_empty() {
        out.push(format!(
            "{} went down in the same minutes: look first for what {} and {host} both depend on (switch, array, NFS server, power).",
            known.others.join(", "),
            if known.others.len() == 1 { "it" } else { "they" }
        ));
    }
    for lun in known.lost.iter().take(PATHS) {
        out.push(repair(lun, &host));
    }
    if let Some(more) = known.lost.len().checked_sub(PATHS).filter(|more| *more > 0) {
        out.push(format!("Repair {more} more paths of {host} that were not whole: the dashboard's pane of paths lists them."));
    }
    let single: Vec<&str> =
        known.single.iter().filter(|name| !known.lost.iter().any(|lun| lun.name.contains(*name))).map(String::as_str).collect();
    if !single.is_empty() && matches!(crash.verdict.cause, Cause::O2cb | Cause::Xhad) {
        out.push(format!("Give {host} a second path to LUN {}: with one, its loss is a fence.", single.join(", ")));
    }
}

/// What to do about paths that were lost, by name.
fn repair(lun: &Lun, host: &str) -> String {
    let since = lun.since.map_or_else(String::new, |since| format!(" since {}", utc(since)));
    let often = if lun.changes > 2 { format!(", and changed {} times within a week", lun.changes) } else { String::new() };
    let parts = if lun.storage { "HBA or NIC port, cable, switch port, target port" } else { "NIC, cable, switch port" };
    if lun.total <= 1 {
        return format!(
            "{} had one path only on {host}, which was down{since}{often}: repair it ({parts}), and add a second.",
            lun.name
        );
    }
    if lun.up == 0 {
        return format!(
            "Repair the {} paths of {host} to {} ({parts}): all of them were down{since}{often}.",
            lun.total, lun.name
        );
    }
    let down = lun.total.saturating_sub(lun.up);
    format!("Repair {down} of the {} paths of {host} to {} ({parts}): {} were up{since}{often}.", lun.total, lun.name, lun.up)
}

/// What goes after it.
pub(super) fn last(crash: &Crash, known: &Known, out: &mut Vec<String>) {
    if !known.still_down.is_empty() {
        let named: Vec<&str> = known.still_down.iter().take(GUESTS).map(String::as_str).collect();
        let more = known.still_down.len().saturating_sub(named.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        // A guest that is down is somebody's outage: not after everything else.
        out.insert(out.len().min(2), format!("Start {}{more}: {NOT_STARTED}.", named.join(", ")));
    }
    if crash.verdict.cause == Cause::Unknown && crash.folder.is_none() {
        let host = crash.name();
        out.push(if known.dump {
            format!("It left a dump: read it with `poolwatch crash TARGET --host {host}`.")
        } else {
            format!("If none of this tells, report it as a bug: with the bug report of {host} (`xen-bugtool -y` on it) and this report (--markdown).")
        });
    }
    if let Some(skew) = known.skew_s {
        out.push(format!(
            "Set its clock: it was {:.1} s off the coordinator's, and its logs are hard to read beside others.",
            skew.abs()
        ));
    }
    if known.before > 0 {
        let times = if known.before == 1 { "once".to_owned() } else { format!("{} times", known.before) };
        out.push(format!(
            "It had gone down {times} within the week before: do not put it back to use before the reason is found."
        ));
    }
    if let Some(days) = known.uptime_days {
        out.push(format!(
            "It had run for {days} days: some drivers fail after so long (qla2xxx after 248 days, Citrix CTX209025); look for an update."
        ));
    }
}
