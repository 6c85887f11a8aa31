//! What to do after a crash, from its verdict, and from what a recording knows by name where there is one: nothing here knows the pool.
//!
//! Paths that failed are to be repaired or doubled, by name; a limit that ran out is computed anew; without a reason it is a bug, to be reported
//! with what there is; and who left no dump is told how to get one the next time.

mod paths;
mod seen;

use super::report::{Crash, Dump};
use super::story::Known;
use super::verdict::{Cause, Finer, Verdict};
use paths::Trouble;

/// Ends the advice to start guests. Who knows what runs by now leaves it out.
pub const NOT_STARTED: &str = "nothing had started them again";
/// Milliseconds between two writes of an o2cb heartbeat.
const BEAT: u64 = 2_000;
/// What the field sets where multipath has to fail over within the limit: `(61 - 1) x 2 s = 120 s`.
const MULTIPATH: u64 = 61;
/// The kernel's own threshold: `(31 - 1) x 2 s = 60 s`. Less is never advised.
const DEFAULT: u64 = 31;
/// The greatest threshold that is advised: ten minutes. Longer than that nobody waits for a dead host.
const MOST: u64 = 301;
/// Pieces of advice.
const PIECES: usize = 8;

/// What to do, the most important first, where there is no recording.
pub fn advise(crash: &Crash) -> Vec<String> {
    advise_with(crash, &Known::default())
}

/// What to do, the most important first, with what a recording knows by name.
pub fn advise_with(crash: &Crash, known: &Known) -> Vec<String> {
    let verdict = &crash.verdict;
    let mut out = Vec::new();
    if verdict.cause == Cause::None {
        return out;
    }
    seen::first(crash, known, &mut out);
    match verdict.cause {
        Cause::None => {}
        Cause::O2cb => o2cb(verdict, known, &mut out),
        Cause::Xhad => xhad(verdict, known, &mut out),
        Cause::Bug => bug(crash, known, &mut out),
        Cause::Unknown => unknown(crash, known, &mut out),
    }
    dump(crash, known, &mut out);
    seen::last(crash, known, &mut out);
    out.truncate(PIECES);
    out
}

/// Repair or double what failed, each by its name. Where a recording knows the LUN, the devices below it that the log names are said with it.
fn repair(troubles: &[Trouble], known: &Known, out: &mut Vec<String>) {
    let (below, others): (Vec<&Trouble>, Vec<&Trouble>) =
        troubles.iter().partition(|trouble| trouble.device().is_some() && known.lost.iter().any(|lun| lun.storage));
    let names: Vec<&str> = below.into_iter().filter_map(Trouble::device).collect();
    if !names.is_empty() {
        out.push(format!("On the way there, by the log of that minute, these failed: {}.", names.join(", ")));
    }
    out.extend(others.into_iter().map(Trouble::advice));
}

fn o2cb(verdict: &Verdict, known: &Known, out: &mut Vec<String>) {
    let troubles = paths::found(verdict);
    repair(&troubles, known, out);
    let named = !troubles.is_empty() || !known.lost.is_empty();
    if verdict.finer == Finer::Network {
        if !named {
            out.push(
                "Look at the network that o2cb uses (ip_address in /etc/ocfs2/cluster.conf): cables, switch ports and the switch \
                 itself at that minute; put it on a bond of two links to two switches."
                    .to_owned(),
            );
        }
        let half = verdict.evidence.iter().any(|evidence| evidence.text.contains("half-quorum"));
        if half {
            out.push(
                "With half of the nodes left the side with the lowest node number lives. A further node makes the number odd, so that \
                 one cut does not stop half of the pool."
                    .to_owned(),
            );
        }
        return;
    }
    let device = paths::heartbeat(verdict);
    if !named {
        let of = device.as_ref().map_or_else(String::new, |(device, _)| format!(" behind {device}"));
        out.push(format!(
            "Find out what held up the disk{of} with the heartbeat region: paths (`multipath -ll`), the array's own log, and what else was \
             busy on it at that minute. If it has one path only, add a second."
        ));
    }
    if verdict.finer == Finer::Disk || device.is_some() {
        // What the kernel says that it waited is nearer than what was set when the probe looked.
        let waited = device.map(|(_, millis)| millis).or(known.limit_ms);
        out.push(threshold(&troubles, waited, known));
    }
}

/// The limit of o2cb that would have been enough, computed.
fn threshold(troubles: &[Trouble], waited_ms: Option<u64>, known: &Known) -> String {
    // It fences (threshold - 1) beats after the last good write.
    let now = waited_ms.map(|millis| millis / BEAT + 1).filter(|now| (2..=MOST).contains(now));
    let recovery = troubles.iter().filter_map(Trouble::recovery_s).max();
    let (enough, why) = match recovery {
        None if known.failover.is_some() => {
            let (seconds, words) = known.failover.clone().unwrap_or_default();
            let seconds = seconds.clamp(0.0, 10_000.0).ceil() as u64;
            // Ten seconds for the I/O that is then made again.
            let enough = ((seconds + 10).div_ceil(BEAT / 1_000) + 1).max(DEFAULT);
            (enough, format!("with {words} a fail-over takes about {seconds} s, and 10 s more to write again"))
        }
        // Noticed after ten seconds, and ten more for the I/O that is then made again.
        Some(seconds) => (
            (seconds + 20).div_ceil(BEAT / 1_000) + 1,
            format!("the storage gives up only after {seconds} s, with 10 s to notice before and 10 s to write again after"),
        ),
        None => (MULTIPATH, "multipath with many LUNs has to have moved all of them within the limit".to_owned()),
    };
    let enough = enough.min(MOST);
    let set = "It must be the same on all nodes, and takes effect when o2cb starts.";
    match now {
        Some(now) if now >= enough => format!(
            "O2CB_HEARTBEAT_THRESHOLD is {now} ({} s), which is enough for a fail-over ({why}): repair the storage, do not raise it.",
            (now - 1) * BEAT / 1_000
        ),
        _ => format!(
            "Set O2CB_HEARTBEAT_THRESHOLD = {enough}, because ({enough} - 1) x 2 s = {} s, and {why}{}. {set}",
            (enough - 1) * BEAT / 1_000,
            now.map_or_else(String::new, |now| format!("; it is {now} now, {} s", (now - 1) * BEAT / 1_000))
        ),
    }
}

fn xhad(verdict: &Verdict, known: &Known, out: &mut Vec<String>) {
    let troubles = paths::found(verdict);
    repair(&troubles, known, out);
    if let (Some(seconds), Some((takes, words))) = (known.ha_s, &known.failover)
        && *takes * 2.0 >= seconds
    {
        out.push(format!(
            "HA's time-out is {seconds:.0} s, and with {words} a fail-over takes {takes:.0} s: set `xe pool-ha-enable ... \
             ha-config:timeout={:.0}`.",
            (takes * 2.0).max(seconds).ceil()
        ));
    }
    let advice = match verdict.finer {
        Finer::Statefile => {
            "Look at the storage with the HA statefile at that minute: its paths and its latency. HA waits 60 s for it unless told \
             otherwise; storage that needs longer to fail over needs `xe pool-ha-enable ... ha-config:timeout=` with more (300 s beside o2cb)."
        }
        Finer::Heartbeat => {
            "Look at the management network at that minute (HA speaks UDP port 694 on it): links, switch, bond. Put it on a bond of two links \
             to two switches."
        }
        Finer::XapiHealthCheck => {
            "xapi did not answer for minutes: look at the memory, the load and the free disk space of dom0 (`xe host-param-list`, \
             /var/log/xensource.log), and at what xapi was doing then."
        }
        _ => {
            "The watchdog was not fed: dom0 or the HA daemon did not get on. Look at the last lines of kern.log and xha.log, and at the load \
             and the disks of dom0 before."
        }
    };
    out.push(advice.to_owned());
}

fn bug(crash: &Crash, known: &Known, out: &mut Vec<String>) {
    let verdict = &crash.verdict;
    repair(&paths::found(verdict), known, out);
    let first = match verdict.finer {
        Finer::Mce => {
            "This is hardware: read the machine's own log (`ipmitool sel list`), run its maker's memory and processor tests, and do not put it \
             back to use before."
        }
        Finer::Oom => {
            "dom0 ran out of memory: give it more (dom0_mem in Xen's command line), and find out what took it (the list of processes before \
             the panic)."
        }
        Finer::Firmware => "Read the machine's own log (`ipmitool sel list`), and bring firmware and BIOS up to date.",
        Finer::Operator => {
            return out.push(
                "Somebody asked for it. If nobody did, look at who was logged in (`last`) and at the BMC's log.".to_owned(),
            );
        }
        Finer::Power => {
            return out.push("Look at the power supplies, the UPS and the machine's own log (`ipmitool sel list`).".to_owned());
        }
        Finer::CpuStuck | Finer::HungTask => {
            "Look at whether storage was slow at that minute: what waits for it too long ends so, too. Then look for a newer kernel, Xen and \
             firmware."
        }
        _ => "Look for a newer version of what failed: the release notes of kernel, Xen and drivers name many such faults.",
    };
    out.push(first.to_owned());
    out.push(report_it(crash));
}

fn unknown(crash: &Crash, known: &Known, out: &mut Vec<String>) {
    repair(&paths::found(&crash.verdict), known, out);
    let host = crash.host.as_deref().unwrap_or("HOST");
    if crash.folder.is_none() {
        out.push(format!(
            "Read the bug reports of the other hosts, too: put them into one folder, and run `poolwatch crash FOLDER --host {host}`. What \
             they saw often tells who fenced it."
        ));
        out.push(
            "Read the machine's own log (`ipmitool sel list`): a loss of power or a reset from outside stands only there."
                .to_owned(),
        );
    } else {
        out.push(report_it(crash));
    }
}

fn report_it(crash: &Crash) -> String {
    let with = match (&crash.folder, crash.logs.as_slice()) {
        (Some(folder), _) if !folder.is_empty() => format!("all of {folder}"),
        (_, []) => "what there is".to_owned(),
        (_, logs) => logs.iter().take(6).cloned().collect::<Vec<_>>().join(", "),
    };
    format!("Report it as a bug, with this report (--markdown) and {with} attached.")
}

fn dump(crash: &Crash, known: &Known, out: &mut Vec<String>) {
    let reset = known.no_dump || crash.verdict.evidence.iter().any(|evidence| evidence.text.contains("restarting"));
    match (&crash.dump, crash.verdict.cause) {
        (Dump::Missing, Cause::O2cb) if reset => {
            out.push(
                "o2cb fences by a reset, which leaves no dump. To get one the next time, after every boot: `echo panic > \
                 /sys/kernel/config/cluster/NAME/fence_method`, with a crash kernel loaded (`kexec -p`; on XenServer and XCP-ng it is)."
                    .to_owned(),
            );
        }
        (Dump::Missing, Cause::Xhad) if crash.verdict.finer != Finer::Watchdog => {
            out.push("A fence by HA is a plain reset and leaves no dump: keep the xha.log of all hosts.".to_owned());
        }
        (Dump::Part(why), _) => {
            out.push(format!(
                "The dump is not whole ({why}): make room in /var/crash, where 64 MB are kept free in .sacrificial-space-for-logs, and copy \
                 what is there, as only the last four are kept."
            ));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
