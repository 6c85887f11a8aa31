//! Every code that a finding can have: what it means and what to do. One table, from which findings take their advice, the manual its
//! chapter, and tests what to expect.

use std::fmt::Write as _;

/// A code of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// Short and stable.
    pub code: &'static str,
    /// `hard`, `soft`, `note`, or several of them where it depends.
    pub severity: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What to do about it.
    pub mend: &'static str,
}

macro_rules! codes {
    ($($code:literal $severity:literal $meaning:literal $mend:literal;)*) => {
        &[$(Code { code: $code, severity: $severity, meaning: $meaning, mend: $mend }),*]
    };
}

/// All of them, in the order in which findings of one weight are told.
pub const CODES: &[Code] = codes! {
    // May we, and is the plan right?
    "stale" "hard" "The pool is not connected or not read, so nothing can be told."
        "Wait until the connection is back, then look again.";
    "no-hosts" "hard" "The pool told of no hosts."
        "Check that this user may see them.";
    "role" "hard" "The user's role does not allow a call that the round needs."
        "Use a user with a higher role (pool-admin is enough for every round).";
    "plan-pool" "hard" "The plan is for another pool."
        "Connect to the right pool, or plan again for this one.";
    "plan-host-gone" "hard" "A planned host is not in the pool any more."
        "Plan again.";
    "plan-host-ref" "hard" "A planned host is known under another reference: the pool's database was probably restored."
        "Check that nothing was lost, then plan again.";
    "plan-coordinator" "hard, soft" "The coordinator has changed since the plan was made. Hard for updates: it has to go first."
        "Plan again.";
    "plan-metadata" "hard" "XenServer's update metadata was synchronised since the plan was made."
        "Plan again: the plan then shows what would be installed now.";
    "plan-rebooted" "soft" "A planned host was rebooted since the plan was made."
        "Plan again, or accept that it reboots once more.";
    "plan-old" "soft" "The plan is older than a day."
        "Plan again, or accept it as it is.";
    "plan-not-all" "note" "Hosts of the pool are not part of the plan."
        "Nothing, if that is meant.";
    "survey-old" "hard" "What was asked of a host for the checks is too old to rely on."
        "Look again.";
    // Other captains
    "database-went-back" "hard, note" "The pool's database went back in time: what it says of hosts and guests may be from another day. A note once you said that you looked."
        "Look on each host (xl list) whether what is listed as lost still runs there; then say so (--database-checked, or the key that mends it).";
    "claimed" "hard" "Another round of poolwatch is under way on this pool."
        "Wait until it is over, or stop it where it runs.";
    "claim-dead" "hard" "A round of poolwatch was left behind: its claim was not renewed in time."
        "Resume it where it ran (roll --resume), or make sure that it does not run any more and take its claim over.";
    "task-host" "hard" "Somebody else reboots, empties or updates a host, or changes who leads the pool."
        "Wait until that is done, or ask who does it to stop.";
    "other-tool" "soft" "Another tool has left a mark that it is at work on the pool."
        "Stop it there; if the mark is only left over, accept it.";
    "maintenance-mode" "soft" "XenCenter has marked a host as being in maintenance."
        "Ask who did; leave maintenance mode in XenCenter.";
    "task-move" "soft" "Somebody else moves guests."
        "Wait until that is done: moves in two directions can fill a host.";
    "task-backup" "soft" "A backup, export or snapshot is running; its guest may not be able to move."
        "Wait until that is done, or accept that its host waits for it.";
    "xen-orchestra" "note" "Xen Orchestra works with this pool."
        "Pause its backup jobs and load balancing for the time of the round.";
    // Hosts
    "host-down" "hard" "A host is down."
        "Bring it back, or take it out of the pool.";
    "host-silent" "hard" "A host gives no sign of life, though xapi still calls it live."
        "Check its power, its network and its toolstack.";
    "host-going-down" "hard" "A host is shutting down or rebooting."
        "Wait until it is back.";
    "host-starting" "hard" "A host is booting and not enabled yet."
        "Wait until it is enabled; if it stays so, look at its pending guidance and its storage.";
    "host-plugging" "hard" "A host is still plugging its storage."
        "Wait until that is done; if it hangs, plug it by hand (xe pbd-plug).";
    "host-unknown" "hard" "It cannot be told how a host is."
        "Wait for a sign of life, or check it.";
    "host-disabled" "hard, note" "A host is disabled (in maintenance). A note if only that host is planned."
        "Enable it (xe host-enable), or take it into a round of its own.";
    "host-busy" "hard" "Updates are being applied on a host."
        "Wait until that is done.";
    "pool-busy" "hard" "The pool itself is busy with an operation that blocks others."
        "Wait until that is done.";
    "host-settling" "note" "A host came back a moment ago; its mirrors may not be in step yet."
        "Nothing: the round waits for it.";
    "unreadable" "note" "Some records of the pool could not be read."
        "Please report it; what they say is missing in these checks.";
    // Mirrors and clusters
    "rebuild" "hard, note" "A mirror is being rebuilt."
        "Wait until the rebuild has ended and a minute has passed, then look again.";
    "storage-rebuild" "hard" "A mirror is being rebuilt somewhere in a storage cluster."
        "Wait until its storage cluster says that it is done.";
    "mirrors-degraded" "hard" "Mirrors are not in step, and nothing rebuilds them as far as is seen."
        "Repair them on their hosts; the storage backend says which.";
    "rebuild-failed" "hard" "A rebuild ended before the mirrors were in step."
        "Repair the SR and let a rebuild end well.";
    "rebuild-unseen" "hard" "A rebuild was lost sight of; it may still go on."
        "Look at the mirrors on a host, or wait until it must be done.";
    "storage-node-offline" "hard" "A node of a storage cluster is offline."
        "Bring it back.";
    "rebuild-settling" "note" "A rebuild ended a moment ago; another may follow."
        "Nothing: the round waits for it.";
    "fence-near" "hard" "o2cb on a host is about to stop it: its heartbeats are late, or its peers are silent."
        "Do what it says: bring back the path, the link or the region that it names. Nothing else may go down meanwhile.";
    "fence-unknown" "soft" "A host runs o2cb, and its probe does not tell any more how far it is from a fence."
        "Look at that host: `poolwatch probe` as root.";
    "peers-silent" "soft" "A node of o2cb does not hear others any more, and keeps its quorum all the same."
        "Look at the silent ones: they are dead, or about to fence themselves. Change nothing until that is over.";
    "other-captain" "soft" "Somebody else works on the pool: hosts are being emptied or restarted, or auto_poweron was switched off, without a claim of poolwatch."
        "Ask whoever runs it (Xen Orchestra leaves its name in the pool's marks), and begin no round meanwhile.";
    "o2cb-differs" "soft" "The hosts' o2cb is not set up alike."
        "Make it equal on all nodes: one that differs keeps volumes from being mounted.";
    "mirrors-unseen" "soft" "An SR keeps mirrors on the hosts, but the pool does not tell whether they are in step."
        "Look at them on a host (linstor resource list, drbdadm status), and accept it if they are.";
    "cluster-not-quorate" "hard" "A storage cluster has lost its quorum."
        "Bring enough of its members back.";
    "cluster-member-dead" "hard, note" "A host should be alive in its cluster and is not."
        "Check its cluster network; restart its membership.";
    "cluster-no-spare" "soft" "A cluster has no member to spare while one is away."
        "Add a member, or accept that none may fail meanwhile.";
    "cluster-member-disabled" "soft, note" "A host is kept out of its cluster."
        "Enable its Cluster_host, or accept it.";
    // Storage, paths, networks, clocks
    "storage-unplugged" "hard, note" "A host has lost shared storage that it had."
        "Plug it (xe pbd-plug), or remove its PBD.";
    "path-lost" "hard, note" "A host has no path left to a LUN or network."
        "Repair the path.";
    "migration-network" "hard" "The network that guests are to move over is not there on a host."
        "Choose another network, or give that host an address on it.";
    "storage-missing" "soft, note" "Shared storage is not plugged on a host."
        "Plug it (xe pbd-plug), or accept that guests on it cannot move there.";
    "path-degraded" "soft" "A host has fewer paths than it should have."
        "Repair them first: after a reboot the host may come back with none.";
    "path-flapping" "soft" "A host has paths that come and go: all of them are up now, and cannot be relied on."
        "Look at cable, port and transceiver, or take the path out on purpose; it is forgotten after ten quiet minutes.";
    "heartbeat-slow" "soft" "A heartbeat of HA took more than half of its time-out."
        "Look at what makes it slow (path, network, load) before a round adds to it; accept it only if you know.";
    "clock-skew" "soft" "A host's clock is off."
        "Bring it in step (chronyc makestep on the host).";
    "path-unsteady" "note" "A host lost a path within 7 days; it is whole now."
        "Nothing, if you know why; else look at cable, port and transceiver before it is the last one.";
    "failover-slow" "note" "A fail-over of all LUNs of a host may take longer than the fence leaves."
        "Have fewer LUNs or paths there, or a longer fence time-out; no work on the storage during the round.";
    "timeouts-order" "note" "Time-outs of the pool come in the wrong order."
        "Look at the time-out budget: it says which, and what to do.";
    "path-single" "note" "A host has a single path to something."
        "Nothing now; a second path would let it survive the loss of one.";
    "clock-unknown" "note" "A host's clock could not be read."
        "Nothing: it is looked at again before its storage is plugged.";
    "local-storage-unplugged" "note" "A host's local storage is not plugged."
        "Plug it (xe pbd-plug), or remove its PBD.";
    "no-shared-storage" "note" "The pool has no shared storage."
        "Shut the guests down for the round, or move their disks.";
    // Guests
    "cannot-move" "hard, note" "A guest is bound to its host. A note, as the next three, if such guests are to be shut down for the round."
        "Shut it down for the time of the round, or let poolwatch do so and start it again where it was.";
    "needs-storage" "hard, note" "A guest needs storage that not every other host has plugged."
        "Plug it on the other hosts, or shut the guest down.";
    "needs-network" "hard, note" "A guest needs a network that not every other host is connected to."
        "Connect it on the other hosts, or shut the guest down.";
    "cd-inserted" "hard" "A guest has a CD inserted that the other hosts do not have."
        "Eject it.";
    "incompatible" "hard, note" "A guest cannot run on another host: its processor or its software does not fit."
        "Shut the guest down for the round; it then starts where it fits.";
    "no-room" "hard" "xapi finds no other host with room for a guest."
        "Shut guests down or shrink them, and check that all hosts are enabled.";
    "no-memory" "hard" "The other hosts together lack memory for the guests of a host."
        "Shut guests down or shrink them.";
    "blocked" "hard" "Somebody has blocked moving a guest."
        "Ask who did, then remove the block (blocked_operations).";
    "blockers-unknown" "hard" "It cannot be told whether the guests of a host can leave it."
        "Mend what is said there, then look again.";
    "tight-memory" "soft" "Memory is there, but by our estimate not in one piece for each guest."
        "Shut a large guest down, or accept it: xapi has the last word when it moves them.";
    "only-host" "soft" "The pool has a single host: its guests have to stop."
        "Shut them down, or accept that.";
    "guest-busy" "soft" "A guest is busy and cannot move just now."
        "Wait until that is done, then look again.";
    "not-ha-protected" "note" "xapi would not move a guest while HA is on, because HA does not protect it."
        "Nothing: HA is switched off before anything moves.";
    "capacity" "note" "The host whose absence leaves the least memory."
        "Nothing.";
    "capacity-unknown" "note" "The pool does not tell how much memory is free."
        "Check by hand that every host's guests fit on the others.";
    // HA, balancing, power
    "ha-statefile" "hard, note" "A host has lost HA's statefile and will fence itself."
        "Check its storage paths at once.";
    "ha-statefile-sr" "hard" "HA is on, and no shared SR is plugged on every host: it could not be switched on again."
        "Plug a shared SR on every host.";
    "ha-overcommitted" "soft" "HA could not restart all protected guests if another host failed."
        "Free memory or protect fewer guests; or accept it: HA is off during the round anyway.";
    "ha-partial" "soft" "HA is on, and the round leaves hosts with different software: it cannot be switched on again until all are updated."
        "Take all hosts into the round, or accept that HA stays off until then.";
    "ha-network" "soft" "A management interface is unplugged: HA could not be switched on again."
        "Plug it (xe pif-plug).";
    "ha-off" "note" "HA is on, and is switched off for the round."
        "Nothing: it is switched on again at the end as it was.";
    "wlb-off" "note" "Workload balancing is on, and is switched off for the round."
        "Nothing: it is switched on again at the end.";
    "auto-poweron-off" "note" "Guests are powered on by themselves; that is switched off for the round."
        "Nothing: it is switched on again at the end.";
    // Updates
    "guidance-first" "hard" "A host refuses updates until what an earlier one demands was done."
        "Do that first, for example with a reboot round, then plan the update again.";
    "reboot-pending" "soft" "A host that is not planned waits for a reboot."
        "Take it into the round, or accept that it goes on waiting.";
    "metadata-old" "soft" "XenServer's update metadata is older than a week."
        "Synchronise it (xe pool-sync-updates), then plan again; or accept it.";
    "versions" "soft, note" "The hosts run different software. A note if the round brings them together."
        "Update all hosts; guests cannot move from newer software to older.";
    "guidance" "note" "A planned host still waits for a step of an earlier update, which the reboot settles."
        "Nothing.";
    "guest-guidance" "note" "Guests wait for a restart after an earlier update."
        "Restart them when it suits.";
    "rolling-upgrade" "note" "The pool is in rolling-upgrade mode."
        "Update the remaining hosts: the mode then ends by itself.";
    "backups-fail" "note" "xapi refuses snapshots while hosts run different software."
        "Pause backup jobs for the time of the round.";
    "packages-differ" "note" "Planned hosts lack different packages."
        "Nothing: after the round they have the same.";
    "metadata-age" "note" "The age of XenServer's update metadata is not known."
        "Synchronise it (xe pool-sync-updates) if in doubt.";
    "software-old" "note" "A host was last updated more than half a year ago."
        "Read its vendor's notes on updating from old versions.";
    // Certificates
    "certificate-expired" "soft" "A certificate has expired."
        "Renew it (xe host-refresh-server-certificate, or install a new one).";
    "certificate-expiring" "soft, note" "A certificate expires within 30 days. Soft within 7."
        "Renew it (xe host-refresh-server-certificate, or install a new one).";
};

/// What to do about findings of a code; empty if the code is not in the table.
pub fn mend_of(code: &str) -> &'static str {
    CODES.iter().find(|c| c.code == code).map_or("", |c| c.mend)
}

/// The table as Markdown, for the manual.
pub fn codes_table() -> String {
    let mut out = String::from("| code | weight | what it means | what to do |\n|---|---|---|---|\n");
    for c in CODES {
        let _ = writeln!(out, "| `{}` | {} | {} | {} |", c.code, c.severity, c.meaning, c.mend);
    }
    out
}
