//! What a file is, by its place and name in a host's file system, a crash folder or a bug report.
//!
//! Knows XenServer's and XCP-ng's `/var/crash` old and new, RHEL's and Debian's kdump, logs on disk, bug reports, and loose
//! logs such as captures of a serial line. Only looks at names: what a file holds cannot change what it counts as.

use super::log::Kind;
use super::stamp::Stamp;

/// What a file counts as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a crash folder.
    Dump {
        /// The folder, as a path inside what is read; empty for its root.
        folder: String,
        /// The file's name in it.
        name: String,
        /// What it is there.
        role: Role,
    },
    /// A log that a host keeps on disk.
    Disk {
        /// The folder that is the host's `/`, as a path inside what is read.
        root: String,
        /// What it is.
        kind: Kind,
        /// The log that this is a part of: `var/log/kern.log` for `var/log/kern.log.2`.
        base: String,
        /// The oldest part has the greatest; what is still written to has none.
        age: u64,
    },
    /// Says which host it is.
    Who {
        /// The folder that is the host's `/`.
        root: String,
        /// How it says so.
        says: Says,
    },
    /// A text that may be anything: a console, an excerpt.
    Loose(Kind),
    /// Of no use here.
    Skip,
}

/// What a file in a crash folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A log of what crashed.
    Log(Kind),
    /// The same, but its writer did not finish it.
    PartOfLog(Kind),
    /// The log of whoever made the folder: it says at its end whether that is whole.
    Analyser,
    /// The crash kernel's own messages. What it says is about the boot after the crash: never judged.
    CrashKernel,
    /// The memory; too big, and not text.
    Core,
    /// The memory, not whole.
    PartOfCore,
    /// A mark that there was no room for a dump.
    Full,
    /// Anything else: that the folder is there is worth knowing.
    Other,
}

/// How a file says which host it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// The name is all that is in it.
    Name,
    /// `uname -a`.
    Uname,
    /// `KEY='value'`, with the host's uuid.
    Inventory,
    /// The XML of a bug report, with a `hostname`.
    Report,
}

/// Endings of what is packed; the content decides how.
const PACKED: [&str; 6] = [".gz", ".bz2", ".xz", ".zst", ".z", ".lzma"];
/// Endings of archives, which are no part of what is in them.
const ARCHIVES: [&str; 9] = [".tar", ".tgz", ".tbz2", ".tbz", ".txz", ".tzst", ".zip", ".tar.part", ".cpio"];

/// A name without the ending that says that it is packed.
pub fn unpacked(name: &str) -> &str {
    let lower = name.to_ascii_lowercase();
    let end = PACKED.iter().find(|end| lower.len() > end.len() && lower.ends_with(**end)).map_or(0, |end| end.len());
    name.get(..name.len() - end).unwrap_or(name)
}

/// A name without the ending that says that it is an archive.
pub fn unarchived(name: &str) -> &str {
    let name = unpacked(name);
    let lower = name.to_ascii_lowercase();
    let end = ARCHIVES.iter().find(|end| lower.len() > end.len() && lower.ends_with(**end)).map_or(0, |end| end.len());
    name.get(..name.len() - end).unwrap_or(name)
}

/// A path without what climbs, repeats or starts at the root: `../../etc//x` is `etc/x`. Whether it had to be changed for that.
pub fn tame(path: &str) -> (String, bool) {
    let climbs = path.starts_with('/') || path.split('/').any(|part| part == "..");
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | "." | "..")).collect();
    (parts.join("/"), climbs)
}

/// What the file at this tame path counts as. Packed or not makes no difference.
pub fn place(path: &str) -> Place {
    let path = unpacked(path);
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let lower = name.to_ascii_lowercase();
    if let Some(place) = who(folder, &lower) {
        return place;
    }
    let parent = last(folder);
    let is_folder = Stamp::parse(parent).is_some();
    let in_dump = |role| Place::Dump { folder: folder.to_owned(), name: name.to_owned(), role };
    let in_log = has(folder, "var/log") || last(folder) == "log";
    if !in_log && let Some(role) = role(&lower) {
        return in_dump(role);
    }
    if is_folder {
        return in_dump(Role::Other);
    }
    if let Some((kind, base, age)) = disk(&lower) {
        let base = if folder.is_empty() { base } else { format!("{folder}/{base}") };
        return Place::Disk { root: root(folder).to_owned(), kind, base, age };
    }
    // Below a host's own folders nothing else is worth reading.
    let system = ["var", "etc", "proc", "sys", "usr", "boot", "opt", "dev", "run"];
    if in_log || folder.split('/').any(|part| system.contains(&part)) {
        return Place::Skip;
    }
    loose(&lower).map_or(Place::Skip, Place::Loose)
}

/// What a file that was named on the command line counts as: at least a loose text.
pub fn place_of_one(path: &str) -> Place {
    match place(path) {
        Place::Skip | Place::Who { .. } => Place::Loose(Kind::Unknown),
        other => other,
    }
}

/// The crash folder that this tame path of a folder is, if it is one.
pub fn crash_folder(path: &str) -> Option<&str> {
    let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
    (Stamp::parse(name).is_some() && (above.is_empty() || last(above) == "crash")).then_some(path)
}

/// The folder that is a host's `/`, for a folder inside it.
pub fn root(folder: &str) -> &str {
    let mut at = 0;
    for part in folder.split('/') {
        if matches!(part, "var" | "etc" | "proc") {
            return folder.get(..at).unwrap_or("").trim_end_matches('/');
        }
        at += part.len() + 1;
    }
    folder
}

/// The last part of a path.
pub fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether a path has these parts in a row.
fn has(path: &str, parts: &str) -> bool {
    path == parts
        || path.starts_with(&format!("{parts}/"))
        || path.ends_with(&format!("/{parts}"))
        || path.contains(&format!("/{parts}/"))
}

fn who(folder: &str, lower: &str) -> Option<Place> {
    let says = match lower {
        "hostname" if last(folder) == "etc" => Says::Name,
        "hostname.out" => Says::Name,
        "uname-a.out" | "uname.out" => Says::Uname,
        "xensource-inventory" => Says::Inventory,
        "inventory.xml" => Says::Report,
        _ => return None,
    };
    Some(Place::Who { root: root(folder).to_owned(), says })
}

/// What a file with this name is in a crash folder, if only such folders have it.
fn role(lower: &str) -> Option<Role> {
    Some(match lower {
        // The latter of XenServer 5.6 and before: hypervisor and kernel in one.
        "xen.log" | "crash.log" => Role::Log(Kind::CrashedXen),
        "xen-crashdump-analyser.log" => Role::Analyser,
        "dmesg.kexec.log" | "kexec-dmesg.log" => Role::CrashKernel,
        "dom0.log" | "vmcore-dmesg.txt" => Role::Log(Kind::CrashedKernel),
        "vmcore-dmesg-incomplete.txt" => Role::PartOfLog(Kind::CrashedKernel),
        "coredump.bin" | "vmcore" | "vmcore.flat" => Role::Core,
        "vmcore-incomplete" | "dump-incomplete" | "vmcore.flat-incomplete" => Role::PartOfCore,
        "fs-full" => Role::Full,
        _ => {
            let digits = |prefix: &str| lower.strip_prefix(prefix).is_some_and(|rest| rest.len() == 12 && is_number(rest));
            if digits("dmesg.") {
                Role::Log(Kind::CrashedKernel)
            } else if digits("dump.") || digits("vmcore.") {
                Role::Core
            } else if lower.starts_with("xen.pcpu") && lower.ends_with(".stack.log")
                || lower.starts_with("dom") && (lower.ends_with(".structures.log") || guest(lower))
            {
                // Raw stacks, and the rings of guests, which say nothing of their host.
                Role::Other
            } else {
                return None;
            }
        }
    })
}

/// `domN.log`, N not 0.
fn guest(lower: &str) -> bool {
    lower.strip_prefix("dom").and_then(|rest| rest.strip_suffix(".log")).is_some_and(is_number)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// What a file with this name is among a host's logs, what it is a part of, and its age.
fn disk(lower: &str) -> Option<(Kind, String, u64)> {
    let (base, age) = rotation(lower);
    let kind = match base {
        "kern.log" | "messages" | "syslog" | "syslog.log" | "kernel.log" | "journal.log" | "journalctl.out" | "journal.txt"
        | "journalctl.txt" | "journalctl.log" => Kind::KernelLog,
        "xha.log" => Kind::XhaLog,
        "hypervisor.log" | "xl-dmesg.out" | "xl-dmesg.log" | "xm-dmesg.out" | "xen-dmesg.out" => Kind::XenLog,
        "xensource.log" => Kind::Xensource,
        "smlog" => Kind::SmLog,
        _ => return None,
    };
    Some((kind, base.to_owned(), age))
}

/// A log's name without what says that it is an older part: `kern.log.2`, `messages-20261115`.
fn rotation(lower: &str) -> (&str, u64) {
    if let Some((base, number)) = lower.rsplit_once('.')
        && number.len() <= 4
        && is_number(number)
    {
        return (base, number.parse().unwrap_or(0));
    }
    if let Some((base, date)) = lower.rsplit_once('-')
        && (date.len() == 8 || date.len() == 10)
        && is_number(date)
    {
        let date: u64 = date.get(..8).and_then(|date| date.parse().ok()).unwrap_or(0);
        return (base, 100_000_000 - date);
    }
    (lower, 0)
}

/// What a text with this name may be, if it looks like a log at all.
fn loose(lower: &str) -> Option<Kind> {
    let (base, _) = rotation(lower);
    let (stem, end) = base.rsplit_once('.').unwrap_or((base, ""));
    let is_text = matches!(end, "" | "log" | "txt" | "text" | "dmesg" | "console" | "serial" | "netconsole" | "capture" | "out");
    let console = ["console", "serial", "ttys", "netcons", "ipmi", "ilo", "idrac", "conserver"];
    let tells = |words: &[&str]| words.iter().any(|word| base.contains(word));
    if !is_text || matches!(stem, "readme" | "license" | "copying") {
        return None;
    }
    if end == "out" && !tells(&console) && !tells(&["dmesg"]) {
        return None;
    }
    Some(if tells(&console) { Kind::Console } else { Kind::Unknown })
}

#[cfg(test)]
mod tests;
