//! Which files tell of time-outs, and which of them is believed.

use super::{Fibre, Iscsi, Timeouts, config, record, sessions, xhad};
use crate::o2cb::live::known::{Because, Known, Unknown};
use crate::probe::report::Section;
use crate::probe::source::{Command, Source};
use crate::time::Time;

/// The most that is read of one file.
const SMALL: u64 = 256 * 1024;
/// Sessions, ports and records that are looked at at most.
const MOST: usize = 512;
/// Where records of nodes are, newer first.
const NODES: [&str; 2] = ["/var/lib/iscsi/nodes", "/etc/iscsi/nodes"];

/// What multipathd has in force.
pub const SHOW_CONFIG: Command =
    Command { words: &["multipathd", "show", "config"], files: &["multipathd_config.out", "multipathd-k-show-config.out"] };
/// Only of a saved state: on a running host sysfs says it.
const SESSIONS: Command = Command {
    words: &["iscsiadm", "-m", "session", "-P", "3"],
    files: &["iscsiadm-m-session-P-3.out", "iscsiadm-m-session-P3.out"],
};

/// The time-outs of a host.
pub fn read(source: &Source, now: Time) -> Section<Timeouts> {
    let file = |path: &str| source.file(path, SMALL).ok().map(|said| said.text);
    let iscsi_new = file("/etc/iscsi/iscsid.conf").and_then(|text| record(&text, "/etc/iscsi/iscsid.conf"));
    let iscsi = iscsi(source);
    let fibre = fibre(source);
    let daemon = source.command(&SHOW_CONFIG).ok().and_then(|said| config(&said.text, &said.from));
    let multipath = daemon.or_else(|| config(&file("/etc/multipath.conf")?, "/etc/multipath.conf"));
    let ha = file("/etc/xensource/xhad.conf").and_then(|text| xhad(&text));
    let parts = [
        (!iscsi.is_empty() || iscsi_new.is_some(), "iSCSI"),
        (!fibre.is_empty(), "Fibre Channel"),
        (multipath.is_some(), "multipath"),
        (ha.is_some(), "xhad.conf"),
    ];
    let from: Vec<&str> = parts.iter().filter(|(there, _)| *there).map(|(_, name)| *name).collect();
    if from.is_empty() {
        return Section::none(Unknown::new("iscsid.conf, multipath.conf, xhad.conf, /sys/class", Because::Absent));
    }
    Section::of(from.join(", "), None, now, Known::Yes(Timeouts { iscsi, iscsi_new, fibre, multipath, xhad: ha }))
}

/// Each target once: as the kernel has it, then as a saved `iscsiadm` had it, then as its record says.
fn iscsi(source: &Source) -> Vec<Iscsi> {
    let mut out: Vec<Iscsi> = in_force(source);
    let saved = source.command(&SESSIONS).map(|said| sessions(&said.text, &said.from)).unwrap_or_default();
    let records: Vec<Iscsi> = NODES.iter().flat_map(|folder| nodes(source, folder)).collect();
    for one in saved.into_iter().chain(records) {
        match out.iter_mut().find(|known| known.target == one.target) {
            // What sysfs or iscsiadm do not say, the record does.
            Some(known) => {
                known.replacement_s = known.replacement_s.or(one.replacement_s);
                known.ping_every_s = known.ping_every_s.or(one.ping_every_s);
                known.ping_wait_s = known.ping_wait_s.or(one.ping_wait_s);
            }
            None => out.push(one),
        }
    }
    out.truncate(MOST);
    out
}

/// The sessions that the kernel has. Several to one target count as the slowest of them.
fn in_force(source: &Source) -> Vec<Iscsi> {
    let root = source.root();
    let number = |path: &str| root.read(path, SMALL).ok().and_then(|said| said.text.trim().parse::<i64>().ok());
    let mut out: Vec<Iscsi> = Vec::new();
    for name in root.list("/sys/class/iscsi_session").unwrap_or_default().into_iter().take(MOST) {
        let Some(id) = name.strip_prefix("session") else { continue };
        let folder = format!("/sys/class/iscsi_session/{name}");
        let Ok(target) = root.read(&format!("{folder}/targetname"), SMALL) else { continue };
        let connection = format!("/sys/class/iscsi_connection/connection{id}:0");
        let small = |path: &str| number(path).and_then(|s| u32::try_from(s).ok());
        let one = Iscsi {
            target: crate::text::clean(target.text.trim(), 240).into_owned(),
            replacement_s: number(&format!("{folder}/recovery_tmo")),
            // libiscsi's names: a connection is asked after `recv_tmo` s of silence, and has `ping_tmo` s to answer.
            ping_every_s: small(&format!("{connection}/recv_tmo")),
            ping_wait_s: small(&format!("{connection}/ping_tmo")),
            in_force: true,
            from: folder,
        };
        match out.iter_mut().find(|known| known.target == one.target) {
            Some(known) => known.replacement_s = known.replacement_s.max(one.replacement_s),
            None => out.push(one),
        }
    }
    out
}

/// The records of nodes: `TARGET/PORTAL/INTERFACE`, or `TARGET/PORTAL` as a file.
fn nodes(source: &Source, folder: &str) -> Vec<Iscsi> {
    let root = source.root();
    let list = |path: &str| root.list(path).unwrap_or_default();
    let mut out = Vec::new();
    for target in root.folders(folder).unwrap_or_default().into_iter().take(MOST) {
        for portal in list(&format!("{folder}/{target}")).into_iter().take(16) {
            let path = format!("{folder}/{target}/{portal}");
            let files = list(&path);
            let path = files.first().map_or_else(|| path.clone(), |first| format!("{path}/{first}"));
            let Some(mut one) = source.file(&path, SMALL).ok().and_then(|said| record(&said.text, &path)) else { continue };
            if one.target.is_empty() {
                one.target = crate::text::clean(&target, 240).into_owned();
            }
            out.push(one);
        }
    }
    out
}

fn fibre(source: &Source) -> Vec<Fibre> {
    let root = source.root();
    let ports = root.list("/sys/class/fc_remote_ports").unwrap_or_default();
    let of = |port: String| {
        let folder = format!("/sys/class/fc_remote_ports/{port}");
        let said = |name: &str| root.read(&format!("{folder}/{name}"), SMALL).ok().map(|said| said.text.trim().to_owned());
        // Ports of switches and of hosts are there too, and time out as they like.
        said("roles").filter(|roles| roles.contains("FCP Target"))?;
        let secs = |name: &str| said(name).and_then(|text| text.parse().ok());
        Some(Fibre { fast_io_fail_s: secs("fast_io_fail_tmo"), dev_loss_s: secs("dev_loss_tmo"), port })
    };
    ports.into_iter().take(MOST).filter_map(of).collect()
}
