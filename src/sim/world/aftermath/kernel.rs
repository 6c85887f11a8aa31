//! What the kernel of domain 0 says, and what the hypervisor does: `kern.log`, `hypervisor.log`, and the rings that a dump holds.

use super::lines::{History, Life, after};
use super::{Core, Note};
use crate::time::Time;
use std::fmt::Write as _;

/// Which kernel and hypervisor simulated hosts run.
pub const KERNEL: &str = "4.19.0+1";
pub const XEN: &str = "4.17.5-13";
/// The port of o2net.
const PORT: u16 = crate::o2cb::PORT;

/// Majors of SCSI disks: sixteen disks to each.
const MAJORS: [u8; 4] = [8, 65, 66, 67];

/// A line of the kernel.
pub struct Said {
    /// When.
    pub at: Time,
    /// Its level, as the dump's analyser writes it.
    pub level: &'static str,
    /// What.
    pub text: String,
}

/// Lines, as they are collected.
pub struct Lines(pub Vec<Said>);

impl Lines {
    pub fn add(&mut self, at: Time, level: &'static str, text: impl Into<String>) {
        self.0.push(Said { at, level, text: text.into() });
    }
}

/// A disk of a host: `sdb`, and its number.
pub fn disk(number: usize) -> (String, String) {
    let letter = |n: usize| char::from(b'a' + (n % 26) as u8);
    let number = number + 1;
    let name =
        if number < 26 { format!("sd{}", letter(number)) } else { format!("sd{}{}", letter(number / 26 - 1), letter(number)) };
    let major = MAJORS.get(number / 16).copied().unwrap_or(68);
    (name, format!("{major}:{}", number % 16 * 16))
}

impl Core {
    /// The number of the first disk of a LUN: each of its paths is a disk.
    pub(super) fn first_disk(&self, store: usize, lun: usize) -> usize {
        let before: usize = self.stores.iter().take(store).flat_map(|s| &s.luns).map(|l| usize::from(l.paths)).sum();
        let here = self.stores.get(store).map_or(&[][..], |s| &s.luns);
        before + here.iter().take(lun).map(|l| usize::from(l.paths)).sum::<usize>()
    }

    /// The multipath device of a LUN; those with a heartbeat come first.
    pub(super) fn mapped(&self, store: usize, lun: usize) -> String {
        let regions = self.o2cb.as_ref().map_or(&[][..], |o| &o.regions);
        match regions.iter().position(|r| r.store == store && lun == 0) {
            Some(number) => format!("dm-{number}"),
            None => format!("dm-{}", regions.len() + self.first_disk(store, lun)),
        }
    }

    /// A heartbeat region's name.
    pub(super) fn region_name(&self, region: u8) -> &str {
        self.o2cb.as_ref().and_then(|o| o.regions.get(usize::from(region))).map_or("", |r| &r.uuid)
    }

    /// `node xcp3 (num 2) at 10.8.0.3:7777`.
    fn o2net_node(&self, peer: u16, number: u8) -> String {
        let peer = usize::from(peer);
        format!("node {} (num {number}) at {}:{PORT}", self.host_name(peer), self.storage_address(peer))
    }

    /// What the kernel says in one run, oldest first, but for its last words.
    pub(super) fn kernel_says(&self, history: &History, life: &Life) -> Lines {
        let mut lines = Lines(Vec::new());
        let own = self.number_of(history.host).unwrap_or_default();
        if !life.first {
            self.boots(history, life, own, &mut lines);
        }
        for (at, note) in &life.notes {
            self.kernel_line(history, *at, *note, own, &mut lines);
        }
        for (peer, at) in self.still_idle(history.host).filter(|(_, at)| *at > life.booted && life.died.is_none()) {
            self.kernel_line(history, at, Note::Idle { peer }, own, &mut lines);
        }
        let last = life.died.map_or(self.now, |(at, _)| at);
        everyday(history, life, last, &mut lines);
        lines.0.retain(|said| said.at <= last);
        lines.0.sort_by_key(|said| said.at);
        lines
    }

    fn boots(&self, history: &History, life: &Life, own: u8, lines: &mut Lines) {
        let at = life.booted;
        let mut say = |millis: u64, level, text: String| lines.add(after(at, millis), level, text);
        say(0, "INFO", "imklog 8.24.0, log source = /proc/kmsg started.".into());
        say(0, "NOTICE", format!("Linux version {KERNEL} (mockbuild@build) (gcc version 11.2.1 (GCC)) #1 SMP PREEMPT"));
        say(0, "INFO", "Command line: root=LABEL=root-poolsim ro nolvm hpet=disable console=hvc0 console=tty0".into());
        say(0, "INFO", "Hypervisor detected: Xen PV".into());
        say(1, "INFO", format!("Xen: version: {XEN} (preserve-AD)"));
        say(1_214, "INFO", "scsi host1: ahci".into());
        say(1_730, "NOTICE", "device-mapper: multipath: version 1.13.0 loaded".into());
        say(1_902, "INFO", "EXT4-fs (sda1): mounted filesystem with ordered data mode. Opts: (null)".into());
        let regions = self.o2cb.as_ref().map_or(0, |o| o.regions.len());
        if regions == 0 || self.number_of(history.host).is_none() {
            return;
        }
        say(6_410, "INFO", "ocfs2: Registered cluster interface o2cb".into());
        say(6_411, "INFO", "OCFS2 User DLM kernel interface loaded".into());
        say(6_630, "NOTICE", "o2hb: Heartbeat mode set to global".into());
        for region in 0..regions {
            let name = self.region_name(region as u8);
            say(7_020, "NOTICE", format!("o2hb: Heartbeat started on region {name} (dm-{region})"));
            say(10_600, "NOTICE", format!("o2dlm: Joining domain {name} "));
            say(
                11_020,
                "INFO",
                format!("ocfs2: Mounting device (253,{region}) on (node {own}, slot {own}) with ordered data mode."),
            );
        }
    }

    fn kernel_line(&self, history: &History, at: Time, note: Note, own: u8, lines: &mut Lines) {
        match note {
            Note::Shutdown => {
                for region in 0..self.o2cb.as_ref().map_or(0, |o| o.regions.len()) {
                    let name = self.region_name(region as u8);
                    lines.add(at, "INFO", format!("ocfs2: Unmounting device (253,{region}) on (node {own})"));
                    lines.add(at, "NOTICE", format!("o2dlm: Leaving domain {name} "));
                    lines.add(at, "NOTICE", format!("o2hb: Heartbeat stopped on region {name} (dm-{region})"));
                }
                lines.add(at, "INFO", "Kernel logging (proc) stopped.");
            }
            Note::Paths { store, lun, was, now, errors } => {
                self.path_lines(history, at, (store.into(), lun.into()), (was, now, errors), lines);
            }
            Note::Link { device, up } => {
                let said = if up { "NIC Link is Up 10 Gbps, Flow Control: RX/TX" } else { "NIC Link is Down" };
                lines.add(at, "INFO", format!("ixgbe 0000:04:00.{device} eth{device}: {said}"));
            }
            Note::Hung { region } => {
                let lowest = self.o2cb_alive().first().copied().unwrap_or(own);
                let name = self.region_name(region);
                let ask = if lowest == own { String::new() } else { format!(", negotiate timeout with node {lowest}") };
                lines.add(at, "NOTICE", format!("o2hb: node {own} hb write hung for 30s on region {name} (dm-{region}){ask}."));
            }
            Note::Pardoned { region } => {
                let name = self.region_name(region);
                let lowest = self.o2cb_alive().first().copied().unwrap_or(own);
                let text = if lowest == own {
                    format!("o2hb: all nodes hb write hung, maybe region {name} (dm-{region}) is down.")
                } else {
                    format!("o2hb: negotiate timeout approved by master node on region {name} (dm-{region}).")
                };
                lines.add(at, "NOTICE", text);
            }
            Note::RegionLost { region } => {
                let pid = 200 + history.dice(at, 7) % 9_000;
                let ms = 60_000 + history.dice(at, 8) % 2_000;
                let text = format!("Heartbeat write timeout to device dm-{region} after {ms} milliseconds");
                lines.add(at, "ERR", format!("(kworker/1:2,{pid},1):o2hb_write_timeout:289 ERROR: {text}"));
            }
            Note::Errors { region } => {
                // Every two seconds, as long as nobody looks away: the first ones tell enough.
                for beat in 0..3 {
                    let at = after(at, beat * 2_000 + 180);
                    lines.add(at, "ERR", "(swapper/0,0,0):o2hb_bio_end_io:535 ERROR: IO Error 10");
                    lines.add(
                        at,
                        "ERR",
                        format!(
                            "(o2hb-{},2211,1):o2hb_do_disk_heartbeat:1164 ERROR: status = -5",
                            short(self.region_name(region))
                        ),
                    );
                }
            }
            Note::Idle { peer } => {
                let number = self.number_of(peer.into()).unwrap_or_default();
                let (millis, node) = (100 + history.dice(at, 3) % 1_900, self.o2net_node(peer, number));
                let secs = format!("{}.{}", 30 + millis / 1_000, millis % 1_000);
                lines.add(at, "NOTICE", format!("o2net: Connection to {node} has been idle for {secs} secs."));
            }
            Note::NotFencing { connected, heartbeating, lowest } => {
                let text = format!(
                    "not fencing this node, heartbeating: {heartbeating}, connected: {connected}, lowest: {lowest} (reachable)"
                );
                lines.add(at, "NOTICE", format!("(kworker/0:1,17,0):o2quo_make_decision:152 {text}"));
            }
            Note::Evicted { peer, number } => {
                lines.add(at, "NOTICE", format!("o2net: No longer connected to {}", self.o2net_node(peer, number)));
                for region in 0..self.o2cb.as_ref().map_or(0, |o| o.regions.len()) {
                    let name = self.region_name(region as u8);
                    lines.add(at, "NOTICE", format!("o2cb: o2dlm has evicted node {number} from domain {name}"));
                    lines.add(after(at, 1_480), "NOTICE", format!("o2dlm: Begin recovery on domain {name} for node {number}"));
                    if self.o2cb_alive().first() == Some(&own) {
                        let text =
                            format!("o2dlm: Node {own} (me) is the Recovery Master for the dead node {number} in domain {name}");
                        lines.add(after(at, 1_510), "NOTICE", text);
                    }
                    lines.add(after(at, 1_590), "NOTICE", format!("o2dlm: End recovery on domain {name}"));
                }
            }
            Note::Joined { peer, number } => {
                lines.add(at, "NOTICE", format!("o2net: Accepted connection from {}", self.o2net_node(peer, number)));
                let name = self.region_name(0).to_owned();
                lines.add(after(at, 950), "NOTICE", format!("o2dlm: Node {number} joins domain {name} "));
            }
            Note::Booted { .. }
            | Note::Died(_)
            | Note::SoonStatefile
            | Note::SoonHeartbeat { .. }
            | Note::Liveset { .. }
            | Note::Dead { .. } => {}
        }
    }

    /// Paths to a LUN go or come.
    fn path_lines(
        &self,
        history: &History,
        at: Time,
        (store, lun): (usize, usize),
        (was, now, errors): (u8, u8, bool),
        lines: &mut Lines,
    ) {
        let first = self.first_disk(store, lun);
        let is_ip = self.stores.get(store).is_some_and(|s| matches!(s.kind.as_str(), "lvmoiscsi" | "gfs2"));
        for path in now.min(was)..now.max(was) {
            let (name, number) = disk(first + usize::from(path));
            let host = 3 + path;
            if now > was {
                lines.add(after(at, 1_020), "NOTICE", format!("device-mapper: multipath: Reinstating path {number}."));
                continue;
            }
            if is_ip {
                let text = format!(
                    "connection{host}:0: ping timeout of 5 secs expired, recv timeout 5, last rx 4{:09}",
                    history.dice(at, 5) % 1_000_000_000
                );
                lines.add(at, "ERR", format!(" {text}"));
                lines.add(at, "INFO", format!(" connection{host}:0: detected conn error (1022)"));
                lines.add(
                    after(at, 90),
                    "INFO",
                    format!("sd {host}:0:0:{lun}: [{name}] FAILED Result: hostbyte=DID_TRANSPORT_DISRUPTED driverbyte=DRIVER_OK"),
                );
            } else {
                lines.add(at, "WARN", format!("qla2xxx [0000:0{host}:00.0]-500b:{host}: LOOP DOWN detected (2 7 0 0)."));
                lines.add(
                    after(at, 70),
                    "ERR",
                    format!(" rport-{host}:0-{path}: blocked FC remote port time out: saving binding"),
                );
                lines.add(after(at, 90), "INFO", format!("sd {host}:0:0:{lun}: rejecting I/O to offline device"));
            }
            lines.add(after(at, 120), "NOTICE", format!("device-mapper: multipath: Failing path {number}."));
        }
        if now == 0 && errors {
            let (device, sector) = (self.mapped(store, lun), 2_048 + history.dice(at, 6) % 4_000_000);
            lines.add(after(at, 160), "ERR", format!("print_req_error: I/O error, dev {device}, sector {sector}"));
        }
    }

    /// `kern.log`: what the kernel said, as far as it reached a disk.
    pub(super) fn kernel_log(&self, history: &History) -> String {
        let mut out = String::new();
        for life in &history.lives {
            for said in self.kernel_says(history, life).0.iter().filter(|said| life.written(said.at)) {
                // What the logger says of itself has no stamp of the kernel's.
                let own = said.text.starts_with("imklog ") || said.text.starts_with("Kernel logging ");
                let stamp = if own { String::new() } else { format!("[{}] ", history.uptime(life, said.at)) };
                history.syslog(&mut out, said.at, "kernel", &format!("{stamp}{}", said.text));
            }
        }
        out
    }

    /// The hypervisor's console since a boot.
    pub(super) fn xen_ring(&self, history: &History, life: &Life) -> String {
        let memory = self.hosts.get(history.host).map_or(0, |h| h.memory >> 10);
        let cpus = self.hosts.get(history.host).map_or(0, |h| h.cpus);
        let mut out = String::new();
        for text in [
            format!("Xen version {XEN} (mockbuild@build) (gcc (GCC) 11.2.1) debug=n Fri Aug  8 09:12:00 UTC 2025"),
            "Command line: dom0_mem=8192M,max:8192M watchdog ucode=scan dom0_max_vcpus=1-16 crashkernel=256M,below=4G console=vga vga=mode-0x0311".into(),
            format!("System RAM: {}MB ({memory}kB)", memory >> 10),
            "Using scheduler: SMP Credit Scheduler (credit)".into(),
            format!("Brought up {cpus} CPUs"),
            "*** Building a PV Dom0 ***".into(),
            "Kdump: 256MB (262144kB) at 0x37000000".into(),
            "Scrubbing Free RAM in background".into(),
        ] {
            let _ = writeln!(out, "(XEN) {text}");
        }
        let _ = life;
        out
    }

    /// `hypervisor.log`: the ring of each boot. Its last words before a reset are never written.
    pub(super) fn hypervisor_log(&self, history: &History) -> String {
        let mut out = String::new();
        for life in history.lives.iter().filter(|life| !life.first) {
            for line in self.xen_ring(history, life).lines() {
                let _ = writeln!(out, "[{}] {line}", super::lines::plain_stamp(history.clock(life.booted)));
            }
        }
        out
    }

    /// Others of whom a host has heard nothing for half a minute or more, and when it said so.
    fn still_idle(&self, host: usize) -> impl Iterator<Item = (u16, Time)> + '_ {
        let deaf = self.o2cb.iter().flat_map(|o| &o.deaf);
        deaf.filter_map(move |((a, b), since)| {
            let peer = if *a == host {
                *b
            } else if *b == host {
                *a
            } else {
                return None;
            };
            Some((super::small(peer), after(*since, 30_720)))
        })
    }
}

/// How often it says that, in milliseconds.
const EVERY: i64 = 1_020_000;
/// What is left of it, in milliseconds.
const HOURS: i64 = 6 * 3_600_000;

/// What a kernel says on any day: network devices of guests come and go. Of the last hours; what is older has been rotated away.
fn everyday(history: &History, life: &Life, until: Time, lines: &mut Lines) {
    let from = (life.booted.as_millis() + 120_000).max(until.as_millis() - HOURS);
    for turn in from.div_euclid(EVERY) + 1..=until.as_millis().div_euclid(EVERY) {
        let grid = Time::from_millis(turn * EVERY);
        let at = after(grid, history.dice(grid, 2) % 600_000);
        let (domain, goes) = (1 + history.dice(at, 9) % 40, turn % 2 == 0);
        let does = if goes { "left promiscuous mode" } else { "entered promiscuous mode" };
        lines.add(at, "INFO", format!("device vif{domain}.0 {does}"));
    }
}

/// The beginning of a region's name, as its thread has it.
fn short(region: &str) -> &str {
    region.get(..10).unwrap_or(region)
}
