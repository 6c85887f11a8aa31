//! A folder below `/var/crash`, as `xen-crashdump-analyser` leaves it.

use super::kernel::{KERNEL, Lines, XEN};
use super::lines::{History, Life, after};
use super::{Core, Death, Dump};
use crate::sim::world::fault::Bug;
use crate::time::Time;
use std::fmt::Write as _;

/// So many of its last lines the kernel's ring holds.
const RING: usize = 400;
/// Rings of so many guests are in it.
const GUESTS: u8 = 4;

impl Core {
    /// Its files.
    pub(super) fn dump_files(&self, dump: &Dump) -> Vec<(String, String)> {
        let history = History::of(self, dump.host);
        let Some(life) = history.lives.iter().find(|life| life.died.is_some_and(|(at, _)| at == dump.at)) else {
            return Vec::new();
        };
        let mut files = vec![
            ("dom0.log".to_owned(), self.dom0_log(&history, life, dump)),
            ("xen.log".to_owned(), self.xen_log(&history, life, dump)),
            ("dmesg.kexec.log".to_owned(), second_dmesg(&history, dump)),
            ("readelf-Wl.out".to_owned(), "\nElf file type is CORE (Core file)\nEntry point 0x0\nThere are 9 program headers, starting at offset 64\n".to_owned()),
            ("time-v.out".to_owned(), "\tCommand being timed: \"xen-crashdump-analyser\"\n\tElapsed (wall clock) time (h:mm:ss or m:ss): 0:02.41\n\tExit status: 0\n".to_owned()),
            ("xen-crashdump-analyser.log".to_owned(), analyser_log(&history, dump)),
        ];
        for guest in 1..=dump.guests.min(GUESTS) {
            files.push((
                format!("dom{guest}.log"),
                format!("Domain {guest}: (2 vcpus)\n  Flags: hap, hvm\n  VCPU0:\n\tVCPU was IDLE\n    No Symbol Table\n"),
            ));
        }
        files
    }

    fn dom0_log(&self, history: &History, life: &Life, dump: &Dump) -> String {
        let mut lines = self.kernel_says(history, life);
        last_words(history, dump, self.region_of(dump.death), &mut lines);
        let mut out = String::from("Domain 0: (4 vcpus)\n  Flags: PV, privileged\n");
        for vcpu in 0..4 {
            let _ = write!(
                out,
                "  VCPU{vcpu}:\n\tVCPU was {}\n\tCall Trace:\n",
                if vcpu == cpu(history, dump) { "RUNNING" } else { "IDLE" }
            );
            if vcpu == cpu(history, dump) {
                for frame in frames(dump.death) {
                    let _ = writeln!(
                        out,
                        "\t  [ffffffff81{:06x}] {frame}",
                        history.dice(dump.at, 20 + frame.len() as u64) & 0xff_ffff
                    );
                }
            } else {
                out.push_str(
                    "\t  [ffffffff810013aa] xen_hypercall_sched_op+0xa/0x20\n\t  [ffffffff8101f6fc] xen_safe_halt+0xc/0x20\n",
                );
            }
        }
        out.push_str("\n  Console Ring:\n");
        // The logger is no part of the kernel.
        lines.0.retain(|said| !said.text.starts_with("imklog "));
        let skip = lines.0.len().saturating_sub(RING);
        for said in lines.0.iter().skip(skip) {
            let uptime = history.uptime(life, said.at);
            let _ = writeln!(out, "[{uptime:>14}] {:>6}: {}", said.level, said.text);
        }
        out
    }

    fn xen_log(&self, history: &History, life: &Life, dump: &Dump) -> String {
        let cpus = self.hosts.get(dump.host).map_or(4, |h| h.cpus).min(8);
        let mut out = format!(
            "Xen version:       {XEN}\nXen changeset:     f1d7d7a5\nXen compiler:      gcc (GCC) 11.2.1\nXen compile date:  Fri Aug  8 09:12:00 UTC 2025\nDebug build:       No\n\
             Xen command line:  dom0_mem=8192M,max:8192M watchdog ucode=scan crashkernel=256M,below=4G\n\n"
        );
        let busy = cpu(history, dump);
        for number in 0..cpus {
            let _ = writeln!(out, "  PCPU {number} Host state:");
            if number == busy && dump.death == Death::Bug(Bug::Xen) {
                out.push_str("\tRIP:    e008:[<ffff82d04022f1c4>] Ring 0\n\tCall Trace:\n\t  [ffff82d04022f1c4] p2m_get_entry+0x94/0x310\n\t  [ffff82d04030a1d2] hvm_hap_nested_page_fault+0x142/0x820\n\n");
            } else if number == busy {
                out.push_str("\tRIP:    e008:[<ffff82d04020a6f1>] Ring 0\n\tCall Trace:\n\t  [ffff82d04020a6f1] kexec_crash+0x31/0x50\n\t  [ffff82d04022e4c0] hwdom_shutdown+0xa0/0xd0\n\n");
            } else {
                out.push_str("\tRIP:    e008:[<ffff82d0402e0f2a>] Ring 0\n\tCall Trace:\n\t  [ffff82d0402e0f2a] mwait_idle+0x2aa/0x340\n\n");
            }
        }
        out.push_str("\n  Console Ring:\n");
        out.push_str(&self.xen_ring(history, life));
        for text in xen_words(dump.death, busy) {
            let _ = writeln!(out, "(XEN) [{}] {text}", history.uptime(life, after(dump.at, 12)).trim_start());
        }
        out
    }

    /// The name of the heartbeat region that a death is about.
    fn region_of(&self, death: Death) -> &str {
        match death {
            Death::Disk { region, .. } | Death::Journal { region } => self.region_name(region),
            _ => "",
        }
    }
}

/// The processor that it happened on.
fn cpu(history: &History, dump: &Dump) -> u32 {
    (history.dice(dump.at, 11) % 4) as u32
}

/// Functions in the stack of what ended the kernel, the innermost first.
fn frames(death: Death) -> &'static [&'static str] {
    match death {
        Death::Disk { .. } => &[
            "panic+0x109/0x24b",
            "o2quo_fence_self+0x6a/0x70 [ocfs2_nodemanager]",
            "o2hb_write_timeout+0xa5/0xb0 [ocfs2_nodemanager]",
            "process_one_work+0x165/0x370",
            "worker_thread+0x49/0x3e0",
            "kthread+0xf8/0x130",
            "ret_from_fork+0x35/0x40",
        ],
        Death::Network { .. } => &[
            "panic+0x109/0x24b",
            "o2quo_fence_self+0x6a/0x70 [ocfs2_nodemanager]",
            "o2quo_make_decision+0x1d6/0x2a0 [ocfs2_nodemanager]",
            "process_one_work+0x165/0x370",
            "worker_thread+0x49/0x3e0",
            "kthread+0xf8/0x130",
            "ret_from_fork+0x35/0x40",
        ],
        Death::Journal { .. } => &[
            "panic+0x109/0x24b",
            "__ocfs2_abort+0xc1/0xd0 [ocfs2]",
            "ocfs2_start_trans+0x1b8/0x1e0 [ocfs2]",
            "ocfs2_write_begin_nolock+0x6a9/0x1b20 [ocfs2]",
            "generic_perform_write+0xbb/0x1c0",
            "ocfs2_file_write_iter+0x43d/0x990 [ocfs2]",
        ],
        Death::Bug(Bug::Lockup) => &[
            "panic+0x109/0x24b",
            "watchdog_timer_fn+0x235/0x240",
            "__hrtimer_run_queues+0x100/0x280",
            "xen_timer_interrupt+0x1e/0x30",
        ],
        Death::Bug(Bug::Oops | Bug::Xen) | Death::Xhad { .. } | Death::Power => &[
            "skb_release_data+0x61/0x180",
            "kfree_skb+0x32/0xb0",
            "xenvif_tx_action+0x4f1/0x7c0 [xen_netback]",
            "xenvif_poll+0x2a/0x70 [xen_netback]",
            "net_rx_action+0x149/0x3b0",
            "__do_softirq+0xd1/0x288",
        ],
    }
}

/// What the kernel still said.
fn last_words(history: &History, dump: &Dump, region: &str, lines: &mut Lines) {
    let (at, cpu) = (dump.at, cpu(history, dump));
    let pid = 200 + history.dice(at, 12) % 9_000;
    let worker = format!("(kworker/{cpu}:1,{pid},{cpu})");
    let mut say = |millis: u64, level, text: String| lines.add(after(at, millis), level, text);
    let comm = match dump.death {
        Death::Disk { region: number, millis } => {
            say(
                0,
                "ERR",
                format!(
                    "{worker}:o2hb_write_timeout:289 ERROR: Heartbeat write timeout to device dm-{number} after {millis} milliseconds"
                ),
            );
            say(0, "ERR", format!("{worker}:o2hb_stop_all_regions:2652 ERROR: stopping heartbeat on all active regions."));
            say(
                0,
                "EMERG",
                "Kernel panic - not syncing: *** ocfs2 is very sorry to be fencing this system by panicing ***".into(),
            );
            format!("kworker/{cpu}:1")
        }
        Death::Network { connected, heartbeating, lowest } => {
            let why = if connected * 2 == heartbeating {
                format!(
                    "connected to a half-quorum of {connected} out of {heartbeating} nodes which doesn't include the lowest active node {lowest}"
                )
            } else {
                format!(
                    "only connected to {connected} nodes and {} is needed to make a quorum out of {heartbeating} heartbeating nodes",
                    heartbeating / 2 + 1
                )
            };
            say(0, "ERR", format!("{worker}:o2quo_make_decision:161 ERROR: fencing this node because it is {why}"));
            say(0, "ERR", format!("{worker}:o2hb_stop_all_regions:2652 ERROR: stopping heartbeat on all active regions."));
            say(
                0,
                "EMERG",
                "Kernel panic - not syncing: *** ocfs2 is very sorry to be fencing this system by panicing ***".into(),
            );
            format!("kworker/{cpu}:1")
        }
        Death::Journal { region: number } => {
            say(0, "CRIT", format!("OCFS2: abort (device dm-{number}): ocfs2_start_trans: Detected aborted journal"));
            say(0, "CRIT", "On-disk corruption discovered. Please run fsck.ocfs2 once the filesystem is unmounted.".into());
            say(0, "EMERG", format!("Kernel panic - not syncing: OCFS2: (device dm-{number}): panic forced after error"));
            "tapdisk".into()
        }
        Death::Bug(Bug::Lockup) => {
            say(0, "EMERG", format!("watchdog: BUG: soft lockup - CPU#{cpu} stuck for 22s! [kworker/{cpu}:1:{pid}]"));
            say(0, "EMERG", "Kernel panic - not syncing: softlockup: hung tasks".into());
            format!("kworker/{cpu}:1")
        }
        Death::Bug(Bug::Oops) => {
            say(0, "ALERT", "BUG: unable to handle kernel NULL pointer dereference at 0000000000000008".into());
            say(0, "INFO", "PGD 12b14c067 P4D 12b14c067 PUD 12a24f067 PMD 0 ".into());
            say(0, "WARN", "Oops: 0000 [#1] SMP NOPTI".into());
            "swapper/0".into()
        }
        // The hypervisor's fault: the kernel knew nothing of it.
        Death::Bug(Bug::Xen) | Death::Xhad { .. } | Death::Power => return,
    };
    say(1, "WARN", format!("CPU: {cpu} PID: {pid} Comm: {comm} Tainted: G           O      {KERNEL} #1"));
    say(1, "WARN", "Hardware name: Dell Inc. PowerEdge R6525/0DMK2M, BIOS 2.9.3 08/19/2022".into());
    match dump.death {
        Death::Disk { .. } => say(1, "WARN", "Workqueue: events o2hb_write_timeout [ocfs2_nodemanager]".into()),
        Death::Network { .. } => say(1, "WARN", "Workqueue: events o2quo_make_decision [ocfs2_nodemanager]".into()),
        Death::Bug(Bug::Oops) => {
            say(1, "WARN", "RIP: e030:skb_release_data+0x61/0x180".into());
            say(1, "WARN", "RSP: e02b:ffff88812df03658 EFLAGS: 00010282".into());
            say(1, "WARN", "RAX: ffff8881283c30e0 RBX: 0000000000000000 RCX: 00000000000000c0".into());
        }
        _ => {}
    }
    say(1, "WARN", "Call Trace:".into());
    for frame in frames(dump.death) {
        say(1, "WARN", format!(" {frame}"));
    }
    let modules = if region.is_empty() {
        ""
    } else {
        " ocfs2_dlmfs ocfs2_stack_o2cb ocfs2_dlm ocfs2 ocfs2_nodemanager ocfs2_stackglue quota_tree"
    };
    if matches!(dump.death, Death::Bug(_)) {
        say(
            2,
            "WARN",
            format!(
                "Modules linked in: tun{modules} dm_multipath bridge 8021q garp mrp stp llc bonding ixgbe qla2xxx xen_netback xen_blkback"
            ),
        );
    }
    if dump.death == Death::Bug(Bug::Oops) {
        say(3, "EMERG", "Kernel panic - not syncing: Fatal exception in interrupt".into());
    }
}

/// What the hypervisor said at the end.
fn xen_words(death: Death, cpu: u32) -> Vec<String> {
    let kexec = [format!("Executing kexec image on cpu{cpu}"), "Shot down all CPUs".to_owned()];
    let first: Vec<String> = match death {
        Death::Bug(Bug::Xen) => vec![
            format!("----[ Xen-{XEN}  x86_64  debug=n  Not tainted ]----"),
            format!("CPU:    {cpu}"),
            "RIP:    e008:[<ffff82d04022f1c4>] p2m_get_entry+0x94/0x310".into(),
            "Xen call trace:".into(),
            "   [<ffff82d04022f1c4>] R p2m_get_entry+0x94/0x310".into(),
            "   [<ffff82d04030a1d2>] F hvm_hap_nested_page_fault+0x142/0x820".into(),
            String::new(),
            "****************************************".into(),
            format!("Panic on CPU {cpu}:"),
            "FATAL PAGE FAULT".into(),
            "[error_code=0000]".into(),
            "Faulting linear address: 0000000000000018".into(),
            "****************************************".into(),
        ],
        _ => vec!["Hardware Dom0 crashed: ".into()],
    };
    first.into_iter().chain(kexec).collect()
}

/// The crash kernel's own messages: of the boot that writes the dump.
fn second_dmesg(history: &History, dump: &Dump) -> String {
    let _ = history;
    let mut out = String::new();
    for (stamp, text) in [
        ("0.000000", format!("Linux version {KERNEL} (mockbuild@build) (gcc version 11.2.1 (GCC)) #1 SMP PREEMPT")),
        ("0.000000", "Command line: reset_devices irqpoll nr_cpus=1 elfcorehdr=867092K".to_owned()),
        ("1.402118", "scsi host1: ahci".to_owned()),
        ("3.918004", format!("kdump: saving to /var/crash/{}", dump.name)),
    ] {
        let _ = writeln!(out, "[{stamp:>12}] {text}");
    }
    out
}

/// What the analyser did; its last line says that the folder is whole.
fn analyser_log(history: &History, dump: &Dump) -> String {
    let at: Time = history.clock(after(dump.at, 16_000));
    format!(
        "# Xen crashdump analyser, {}\nINFO  Xen symbol table: /boot/xen-{XEN}.map\nINFO  Dom0 symbol table: /boot/System.map-{KERNEL}\n\
         INFO  Decoding physical CPU information\nINFO  Decoding Xen\nINFO  Decoding domain 0\nINFO  {} domains\nINFO  COMPLETE\n",
        super::lines::plain_stamp(at),
        u32::from(dump.guests) + 1
    )
}
