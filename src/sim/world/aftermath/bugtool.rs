//! A bug report of a host, as `xen-bugtool` collects it: which entries there are, and which files belong to each.
//!
//! Sources: xenserver/status-report (names of entries and of files); members keep their absolute path below one root.

use super::lines::{History, xha_stamp};
use super::{Core, kernel};
use crate::sim::api::{StatusFile, StatusRequest};
use crate::time::Time;
use std::fmt::Write as _;

/// The entries that simulated hosts have, and whether `xen-bugtool` collects them when nobody says which.
pub const ENTRIES: [(&str, bool); 12] = [
    ("disk-info", true),
    ("high-availability", true),
    ("host-crashdump-logs", true),
    ("kernel-info", true),
    ("multipath", true),
    ("o2cb", true),
    ("system-load", true),
    ("system-logs", true),
    ("system-services", true),
    ("xen-info", true),
    ("xenserver-logs", true),
    ("xha-liveset", true),
];

/// What is in crash folders and in logs never counts as secret, but says much of a site.
fn entry_of(path: &str) -> &'static str {
    let name = path.rsplit('/').next().unwrap_or(path);
    match path {
        _ if path.starts_with("var/crash/") => "host-crashdump-logs",
        _ if path.starts_with("etc/ocfs2/") || path.starts_with("etc/sysconfig/o2cb") => "o2cb",
        _ if matches!(name, "kern.log" | "messages" | "daemon.log" | "hypervisor.log") => "system-logs",
        _ if matches!(name, "xensource.log" | "SMlog" | "xha.log") => "xenserver-logs",
        _ => "",
    }
}

impl Core {
    /// The members of a bug report of this host, in the order in which they come. Entries that it does not have are left out, as the tool does.
    pub(in super::super) fn bug_report(&self, host: usize, request: &StatusRequest) -> Vec<StatusFile> {
        let history = History::of(self, host);
        let now = history.clock(self.now);
        let wanted = |entry: &str| {
            if request.entries.is_empty() {
                ENTRIES.iter().any(|(name, default)| *name == entry && *default)
            } else {
                request.entries.iter().any(|name| name == entry)
            }
        };
        let root = format!("bug-report-{}", super::lines::folder_name(now).replace("-UTC", "").replace('-', ""));
        let mut files: Vec<StatusFile> = Vec::new();
        let mut log = String::new();
        let mut put = |path: &str, at: Time, bytes: Vec<u8>| {
            let _ = writeln!(log, "{} {path}: {} bytes", super::lines::plain_stamp(now), bytes.len());
            files.push(StatusFile { path: format!("{root}/{path}"), at, bytes });
        };
        let made = |path: &str| {
            let dump = self.past.dumps(host).find(|dump| path.starts_with(&format!("var/crash/{}/", dump.name)));
            dump.map_or(now, |dump| super::lines::after(dump.stamp, 2_000))
        };
        for (path, bytes) in self.folder(host).files() {
            if wanted(entry_of(path)) {
                put(path, made(path), bytes.clone());
            }
        }
        for (entry, path, text) in self.command_outputs(&history) {
            if wanted(entry) {
                put(path, now, text.into_bytes());
            }
        }
        let booted = history.lives.last().map_or(now, |life| life.booted);
        let name = &history.name;
        let inventory = format!(
            "<?xml version=\"1.0\" ?>\n<system-inventory date=\"{}\">\n<system-summary hostname=\"{name}\" uptime=\"{}\" version=\"{}\"/>\n</system-inventory>\n",
            xha_stamp(now),
            self.now.since(booted).as_secs(),
            kernel::XEN,
        );
        put("inventory.xml", now, inventory.into_bytes());
        log.push_str("done\n");
        files.push(StatusFile { path: format!("{root}/xen-bugtool.log"), at: now, bytes: log.into_bytes() });
        files
    }

    /// What commands print: entry, file, text.
    fn command_outputs(&self, history: &History) -> Vec<(&'static str, &'static str, String)> {
        let host = history.host;
        let life = history.lives.last();
        let name = &history.name;
        let uptime = life.map_or(0, |life| self.now.since(life.booted).as_secs());
        vec![
            (
                "kernel-info",
                "uname-a.out",
                format!("Linux {name} {} #1 SMP PREEMPT x86_64 x86_64 x86_64 GNU/Linux\n", kernel::KERNEL),
            ),
            (
                "kernel-info",
                "proc/version",
                format!("Linux version {} (mockbuild@build) (gcc version 11.2.1 (GCC)) #1 SMP PREEMPT\n", kernel::KERNEL),
            ),
            (
                "system-load",
                "uptime.out",
                format!(" up {} days, {} min, load average: 0.41, 0.38, 0.35\n", uptime / 86_400, uptime % 86_400 / 60),
            ),
            ("xen-info", "xl-dmesg.out", life.map(|life| self.xen_ring(history, life)).unwrap_or_default()),
            ("disk-info", "proc/mdstat", "Personalities : \nunused devices: <none>\n".to_owned()),
            ("multipath", "multipathd_topology.out", self.topology(host)),
            (
                "multipath",
                "etc/multipath.conf",
                "defaults {\n\tuser_friendly_names no\n\tno_path_retry 10\n\tpolling_interval 5\n}\n".to_owned(),
            ),
            ("high-availability", "xapi-ha-liveset.out", format!("ha_enabled: {}\n", self.ha.on)),
            ("xha-liveset", "debug_ha_query_liveset.out", self.query_liveset(host)),
        ]
    }

    /// `multipathd show topology`.
    fn topology(&self, host: usize) -> String {
        let mut out = String::new();
        for (store, s) in self.stores.iter().enumerate() {
            let Some(pbd) = s.pbds.iter().find(|p| p.host == host && p.attached) else { continue };
            for (lun, (spec, up)) in s.luns.iter().zip(&pbd.up).enumerate() {
                let _ = writeln!(
                    out,
                    "{} {} SIMULATED,LUN\nsize=8.0T features='1 queue_if_no_path' hwhandler='0' wp=rw",
                    spec.scsi_id,
                    self.mapped(store, lun)
                );
                let first = self.first_disk(store, lun);
                for path in 0..spec.paths {
                    let (disk, number) = kernel::disk(first + usize::from(path));
                    let state = if path < *up { "active ready  running" } else { "failed faulty offline" };
                    let _ =
                        writeln!(out, "`-+- policy='service-time 0' prio=1\n  `- {}:0:0:{lun} {disk} {number} {state}", 3 + path);
                }
            }
        }
        out
    }

    /// What xhad says of its live set.
    fn query_liveset(&self, host: usize) -> String {
        if !self.ha.on || self.ha.stack != "xhad" {
            return "<?xml version=\"1.0\" ?>\n<ha_liveset_info><status>Offline</status></ha_liveset_info>\n".to_owned();
        }
        let uuid = |at: usize| self.hosts.get(at).map_or("", |h| h.uuid.as_str());
        let mut out = format!(
            "<?xml version=\"1.0\" ?>\n<ha_liveset_info><status>Online</status><local_host><HostID>{}</HostID></local_host>",
            uuid(host)
        );
        for (_, h) in self.hosts.iter().enumerate().filter(|(_, h)| h.member()) {
            let _ = write!(
                out,
                "<host><HostID>{}</HostID><liveness>{}</liveness></host>",
                h.uuid,
                if h.runs() { "TRUE" } else { "FALSE" }
            );
        }
        out.push_str("</ha_liveset_info>\n");
        out
    }

    /// `host.get_system_status_capabilities`: the entries as XML.
    pub(in super::super) fn status_capabilities() -> String {
        let mut out = String::from("<?xml version=\"1.0\" ?><system-status-capabilities>");
        for (name, default) in ENTRIES {
            let default = if default { "yes" } else { "no" };
            let _ = write!(
                out,
                "<capability content-type=\"text/plain\" default-checked=\"{default}\" key=\"{name}\" max-size=\"-1\" max-time=\"-1\" min-size=\"-1\" min-time=\"-1\" pii=\"maybe\"/>"
            );
        }
        out.push_str("</system-status-capabilities>");
        out
    }
}
