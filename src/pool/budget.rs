//! The time-out budget: what happens at which second after an outage began, with this pool's own values as far as the API tells them,
//! and which of them come in the wrong order.
//!
//! The order that must hold: a failed path is moved, before multipath gives up, before o2cb fences the host, before xhad does; and guests
//! last longer than what is waited for. What only a probe on the hosts could read is assumed to be the default where none tells, and said to be. Sources:
//! multipath-tools and XenServer's `multipath.conf`, open-iscsi, sm's `nfs.py`, blktap's `tapdisk-vbd.c`, `fs/ocfs2/cluster` of Linux, xapi's
//! `HA.Timeouts`, corosync.conf(5). Pure; decides nothing.

pub mod calculator;
mod gather;
pub mod lease;
mod o2cb;
pub mod probed;

use super::words;
use lease::Lease;
use probed::{O2cbTold, Queue, Waits};
use serde::Serialize;

/// Share of the nearest fence that an action may stop I/O for without a warning.
const PAUSE: f64 = 0.25;
/// When a Windows guest's page-file write dies (seed 5, "IIRC"). Seconds.
const WINDOWS: f64 = 90.0;
/// How long each multipath device that fails is blocked, one after the other (seen: 1000 of them took 80 s). Seconds.
pub const BLOCKED: f64 = 0.08;
/// o2cb's own disk fence at its default threshold, 31: (31 − 1) × 2 s.
pub const O2CB: f64 = 60.0;
/// xapi's time-out of HA unless told otherwise, in seconds (`HA.Timeouts`).
pub const HA_TIMEOUT: f64 = 60.0;
/// Multipath queues this long once no path is left: `no_path_retry` 10, every 5 s.
const QUEUE: f64 = 50.0;

/// How a value is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Known {
    /// The pool says so.
    Told,
    /// A host's probe says so.
    Probe,
    /// Not known: the default is assumed.
    Default,
    /// Computed from others.
    Computed,
    /// The same everywhere.
    Fixed,
}

impl Known {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Told => "told by the pool",
            Self::Probe => "read by the probe",
            Self::Default => "not known: default",
            Self::Computed => "computed",
            Self::Fixed => "fixed",
        }
    }
}

/// What happens at one second of an outage.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Seconds after the outage began.
    pub at_s: f64,
    /// Who does it.
    pub who: String,
    /// What.
    pub what: String,
    /// How the time is known.
    pub known: Known,
    /// Where from.
    pub from: String,
    /// Why that is too late or too early; empty if it is in order.
    pub problem: String,
    /// What to do about it.
    pub mend: String,
}

/// The budget of one pool.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Budget {
    /// When the first host fences itself, seconds after it lost its heartbeat; `None`: nothing is known that fences.
    pub fence_s: Option<f64>,
    /// Who does that.
    pub fence_by: String,
    /// The longest that an action may stop I/O without a warning, in seconds.
    pub pause_s: Option<f64>,
    /// All of it, the earliest first.
    pub rows: Vec<Row>,
    /// What leases on shared files would cost and need.
    pub lease: Lease,
}

impl Budget {
    /// Rows that come in the wrong order.
    pub fn problems(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| !row.problem.is_empty())
    }
}

/// How blocks or files get to an SR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    /// Over Fibre Channel or `FCoE`.
    Fibre,
    /// Over iSCSI.
    Iscsi,
    /// Files over NFS.
    Nfs,
}

impl Transport {
    /// Until a path that fails is given up where there is another one, in seconds: `fast_io_fail_tmo` 5; ping 5 + 5 and `replacement_timeout` 15.
    pub const fn noticed_s(self) -> f64 {
        match self {
            Self::Fibre => 5.0,
            Self::Iscsi => 25.0,
            Self::Nfs => 100.0,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Fibre => "Fibre Channel",
            Self::Iscsi => "iSCSI",
            Self::Nfs => "NFS",
        }
    }
}

/// Shared storage of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Storage {
    /// How it is reached.
    pub transport: Transport,
    /// Whether over several paths that multipath watches.
    pub multipath: bool,
    /// The SRs, and the hosts on which it is so if it is not so on all: `nfs1`, `lun1 (xcp2)`.
    pub srs: Vec<String>,
    /// How long multipath queues, where a probe tells.
    pub queue: Option<Queue>,
    /// How long a path is waited for, where a probe tells.
    pub waits: Option<Waits>,
}

/// HA, while it is on.
#[derive(Clone, Debug, PartialEq)]
pub struct Ha {
    /// Its stack.
    pub stack: String,
    /// Its time-out, in seconds.
    pub timeout_s: f64,
    /// When Xen resets the host if the daemon hangs too, in seconds, where a probe tells.
    pub watchdog_s: Option<f64>,
    /// How the time-out is known.
    pub known: Known,
    /// Where from.
    pub from: &'static str,
}

impl Ha {
    /// xapi sets the watchdog of the statefile 15 s behind.
    fn watchdog_s(&self) -> f64 {
        self.watchdog_s.unwrap_or(self.timeout_s + 15.0)
    }
}

/// A corosync cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Corosync {
    /// When a lost token is noticed, in seconds.
    pub token_s: f64,
    /// Whether the pool said so.
    pub told: bool,
    /// Its members.
    pub members: usize,
}

/// What the budget is made of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// HA, if it is on.
    pub ha: Option<Ha>,
    /// Whether o2cb is in use.
    pub o2cb: bool,
    /// Its time-outs, as far as probes tell them.
    pub o2cb_told: O2cbTold,
    /// corosync clusters.
    pub corosync: Vec<Corosync>,
    /// Shared storage.
    pub storage: Vec<Storage>,
    /// Multipath devices (paths of all maps) of the host that has the most.
    pub devices: u32,
    /// Guests that run.
    pub guests: usize,
    /// The most that clocks of two hosts may differ, in seconds, errors included; `None`: not measured.
    pub skew_s: Option<f64>,
}

impl Facts {
    /// The first fence: when, and by whom.
    pub fn fence(&self) -> Option<(f64, &'static str)> {
        let ha = self.ha.as_ref().filter(|ha| ha.stack != "corosync").map(|ha| (ha.timeout_s, "HA (xhad)"));
        let token = self.corosync.iter().map(|c| c.token_s).fold(f64::INFINITY, f64::min);
        let corosync = self.ha.as_ref().filter(|ha| ha.stack == "corosync" && token.is_finite());
        let corosync = corosync.map(|_| (token, "HA (corosync)"));
        let o2cb = self.o2cb.then(|| (self.o2cb_told.disk_s(), "o2cb"));
        [o2cb, ha, corosync].into_iter().flatten().min_by(|a, b| a.0.total_cmp(&b.0))
    }

    /// When a host that lost its storage or network is surely dead, whatever else hangs on it.
    fn surely_dead(&self) -> Option<f64> {
        // xhad's statefile watchdog is Xen's, and needs nothing of domain 0.
        let ha = self.ha.as_ref().filter(|ha| ha.stack != "corosync").map(Ha::watchdog_s);
        ha.or(self.o2cb.then(|| self.o2cb_told.surely_s()))
    }
}

/// The budget of these facts.
pub fn budget(facts: &Facts) -> Budget {
    let fence = facts.fence();
    let mut rows = storage_rows(facts, fence);
    rows.extend(cluster_rows(facts));
    rows.extend(guest_rows(facts));
    rows.sort_by(|a, b| a.at_s.total_cmp(&b.at_s).then_with(|| a.who.cmp(&b.who)));
    Budget {
        fence_s: fence.map(|(at, _)| at),
        fence_by: fence.map(|(_, by)| by.to_owned()).unwrap_or_default(),
        pause_s: fence.map(|(at, _)| at * PAUSE),
        rows,
        lease: lease::lease(facts.guests, facts.surely_dead(), facts.skew_s),
    }
}

fn row(at_s: f64, who: impl Into<String>, what: impl Into<String>, known: Known, from: &str) -> Row {
    let (problem, mend) = (String::new(), String::new());
    Row { at_s, who: who.into(), what: what.into(), known, from: from.to_owned(), problem, mend }
}

fn s(seconds: f64) -> String {
    format!("{:.0} s", seconds.round())
}

fn storage_rows(facts: &Facts, fence: Option<(f64, &'static str)>) -> Vec<Row> {
    use Transport::{Fibre, Iscsi, Nfs};
    let mut rows = Vec::new();
    for storage in &facts.storage {
        let who = format!("{}{}", storage.transport.word(), if storage.multipath { " + multipath" } else { "" });
        let on = words::list(&storage.srs);
        // Half of the devices are behind what failed; each is blocked in turn.
        let slow = if storage.multipath { f64::from(facts.devices) / 2.0 * BLOCKED } else { 0.0 };
        let (moved, words, from) = match (storage.transport, storage.multipath) {
            (Fibre, true) => (Fibre.noticed_s(), "a failed path is given up and its I/O moved", "fast_io_fail_tmo 5"),
            (Fibre, false) => (60.0, "the only path is given up: I/O fails", "dev_loss_tmo 60"),
            (Iscsi, true) => {
                (Iscsi.noticed_s(), "a failed path is given up and its I/O moved", "noop 5 + 5, replacement_timeout 15")
            }
            (Iscsi, false) => (154.0, "the session is given up: I/O fails", "noop 5 + 5, replacement_timeout 144 (sm)"),
            (Nfs, _) => {
                (Nfs.noticed_s(), "soft mount gives up: I/O fails (on kernel 4.19 at about 120 s)", "timeo 200, retrans 4 (sm)")
            }
        };
        let told = storage.waits.as_ref();
        let moved = told.map_or(moved, |waits| waits.gives_up_s.unwrap_or(waits.notices_s.unwrap_or(0.0)));
        let (known, from) = told.map_or((Known::Default, from), |waits| (Known::Probe, waits.of.as_str()));
        let mut first = row(moved + slow, who.as_str(), format!("{words}: {on}"), known, from);
        if slow >= 1.0 {
            let devices = words::count(facts.devices as usize, "device");
            first.what = format!("{words}, {} of it for {devices} that are blocked one after the other: {on}", s(slow));
            first.known = Known::Computed;
        }
        if told.is_some_and(|waits| waits.gives_up_s.is_none()) {
            never(&mut first, storage.transport, &on);
        } else {
            judge_path(&mut first, storage, fence, slow);
        }
        if storage.transport == Nfs {
            rows.push(row(20.0, "NFS", format!("first retransmission: {on}"), Known::Default, "timeo 200 (sm)"));
        }
        if storage.transport == Iscsi {
            rows.extend(ping_row(storage, &on, &mut first));
        }
        if storage.multipath {
            let mut queue = queue_row(storage, moved + slow, who, &on);
            let end = queue.at_s;
            if let Some((fence, by)) = fence.filter(|(fence, _)| queue.problem.is_empty() && end >= *fence) {
                queue.problem = format!("{by} fences the host at {} already: losing all paths always ends in a fence", s(fence));
                queue.mend = format!("only a longer time-out of {by} helps: more than {}", s(end));
            }
            rows.push(queue);
        }
        rows.push(first);
    }
    rows
}

/// When a session that is dead is noticed. Without pings that is a problem of the row that tells when its path is given up.
fn ping_row(storage: &Storage, on: &str, given_up: &mut Row) -> Option<Row> {
    let what = format!("the ping is missed (\"ping timeout\" in the log): {on}");
    let Some(waits) = &storage.waits else { return Some(row(10.0, "iSCSI", what, Known::Default, "noop 5 + 5")) };
    if let Some(at) = waits.notices_s {
        return Some(row(at, "iSCSI", what, Known::Probe, &waits.of));
    }
    if given_up.problem.is_empty() {
        "the target is never asked whether it is there: only a command that hangs for 30 s shows that it is not"
            .clone_into(&mut given_up.problem);
        "set node.conn[0].timeo.noop_out_interval and noop_out_timeout to 5, and log in again (in maintenance)"
            .clone_into(&mut given_up.mend);
    }
    None
}

/// A path that is never given up.
fn never(row: &mut Row, transport: Transport, on: &str) {
    row.what = format!("a path that is lost is waited for without end: {on}");
    row.problem = "its I/O is never moved to another path nor failed: all that uses it hangs until the path is back".into();
    row.mend = match transport {
        Transport::Fibre => {
            "set fast_io_fail_tmo to 5 and dev_loss_tmo to a number in multipath.conf, and reload multipathd".into()
        }
        _ => "set node.session.timeo.replacement_timeout to 15 (with multipath; else 120), and log in again (in maintenance)"
            .into(),
    };
}

/// When multipath gives up once no path is left: by the probes if they tell, else by `XenServer`'s own configuration.
fn queue_row(storage: &Storage, after: f64, who: String, on: &str) -> Row {
    let what = |then: &str| format!("with no path left, {then}: {on}");
    let Some(queue) = &storage.queue else {
        return row(after + QUEUE, who, what("queueing ends and I/O fails"), Known::Default, "no_path_retry 10 × 5");
    };
    match queue.lasts_s() {
        None => {
            let mut forever = row(after, who, what("I/O waits until one is back, however long"), Known::Probe, "");
            forever.from = format!("queueing on: {}", queue.of);
            forever.problem = "it never gives up: what uses that disk hangs, and cannot be stopped or unmounted".into();
            "set no_path_retry to a number in multipath.conf, and reload multipathd (multipathd reconfigure)"
                .clone_into(&mut forever.mend);
            forever
        }
        Some(lasts) => {
            let then = if lasts > 0.0 { "queueing ends and I/O fails" } else { "I/O fails at once" };
            let mut ends = row(after + lasts, who, what(then), Known::Probe, "");
            let assumed = if queue.check_told { "" } else { " (the interval is assumed)" };
            ends.from = format!("{:.0} checks of {:.0} s{assumed}: {}", lasts / queue.check_s, queue.check_s, queue.of);
            ends
        }
    }
}

/// Whether a path is moved, or given up, in time.
fn judge_path(row: &mut Row, storage: &Storage, fence: Option<(f64, &'static str)>, slow: f64) {
    let at = row.at_s;
    let late = fence.filter(|(fence, _)| at >= *fence);
    if let Some((fence, by)) = late {
        row.problem =
            format!("{by} fences at {}, before that: a heartbeat or statefile on this storage takes the host down", s(fence));
    } else if at > WINDOWS {
        row.problem = format!("Windows guests give up at {}, before that", s(WINDOWS));
    } else {
        return;
    }
    row.mend = match (storage.transport, storage.multipath) {
        (Transport::Nfs, _) if late.is_some() => {
            format!("keep heartbeats off NFS, or give {} more than {}", late.map_or("it", |(_, by)| by), s(at))
        }
        (Transport::Nfs, _) => "raise the disk time-out of Windows guests (TimeOutValue) above it".to_owned(),
        (_, false) => "give it a second path and switch multipathing on, host by host in maintenance \
                       (xe host-param-set uuid=… multipathing=true)"
            .to_owned(),
        (_, true) if slow >= 1.0 => "have fewer LUNs or fewer paths to each, so that a fail-over takes less".to_owned(),
        (_, true) => format!("raise the time-out of {} above {}", late.map_or("the guests", |(_, by)| by), s(at)),
    };
}

fn cluster_rows(facts: &Facts) -> Vec<Row> {
    let mut rows = Vec::new();
    let ha_fence = facts.ha.as_ref().filter(|ha| ha.stack != "corosync");
    for corosync in &facts.corosync {
        let known = if corosync.told { Known::Told } else { Known::Default };
        let what = format!("the token is lost: the {} members form a new cluster without the silent one", corosync.members);
        let mut token = row(corosync.token_s, "corosync", what, known, "Cluster.token_timeout, token_timeout_coefficient");
        if let Some(ha) = ha_fence.filter(|ha| corosync.token_s >= ha.timeout_s) {
            token.problem = format!("HA fences at {}, before corosync knows", s(ha.timeout_s));
            token.mend = format!("set HA's time-out above {}", s(corosync.token_s));
        }
        rows.push(token);
    }
    if facts.o2cb {
        rows.extend(o2cb::rows(&facts.o2cb_told));
    }
    if let Some(ha) = ha_fence {
        let (known, from) = (ha.known, ha.from);
        let t = ha.timeout_s;
        rows.push(row(t / 2.0, "HA (xhad)", "warns that heartbeat or statefile approach the time-out (in its log)", known, from));
        let mut fence = row(t, "HA (xhad)", "fences the host that lost heartbeat or statefile", known, from);
        let last = facts.o2cb_told.network_s().1;
        if facts.o2cb && t <= last {
            fence.problem = format!(
                "it races o2cb, which fences at {} to {}: either may win, and they choose differently",
                s(facts.o2cb_told.disk_s()),
                s(last)
            );
            let enough = if last < 300.0 { 300.0 } else { (last / 60.0).ceil() * 60.0 + 60.0 };
            fence.mend = format!("give HA {}: switch it off and on again with ha-config:timeout={enough:.0}", s(enough));
        }
        rows.push(fence);
        rows.push(row(
            ha.watchdog_s(),
            "Xen watchdog",
            "resets the host if xhad or domain 0 hang too",
            if ha.watchdog_s.is_some() { ha.known } else { Known::Computed },
            if ha.watchdog_s.is_some() { ha.from } else { "HA's time-out + 15" },
        ));
    } else if facts.ha.is_none() {
        rows.push(row(600.0, "xapi", "calls a silent host dead (HA is off)", Known::Default, "host_assumed_dead_interval"));
    }
    rows
}

fn guest_rows(facts: &Facts) -> Vec<Row> {
    let mut rows = vec![
        row(
            WINDOWS,
            "Windows guests",
            "a write to the page file fails: the guest dies",
            Known::Default,
            "seed value; the guest's TimeOutValue",
        ),
        row(120.0, "Linux guests", "warn of hung tasks", Known::Fixed, "kernel.hung_task_timeout_secs"),
    ];
    if !facts.storage.is_empty() {
        rows.push(row(10.0, "tapdisk", "logs that requests are idle: the earliest sign", Known::Fixed, "tapdisk-vbd.c"));
        rows.push(row(120.0, "tapdisk", "gives a request up that it keeps retrying", Known::Fixed, "TD_VBD_REQUEST_TIMEOUT"));
    }
    rows
}

#[cfg(test)]
mod tests;
