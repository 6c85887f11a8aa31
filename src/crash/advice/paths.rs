//! Paths, sessions and links that failed, by name, from the lines around a verdict.

use crate::crash::verdict::Verdict;
use crate::text;

/// Names that are told apart.
const MOST: usize = 6;

/// Something on the way to storage or to other hosts that failed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// A path below multipath, as `8:32` or `sdc`.
    Path(String),
    /// The last path of a device is gone.
    NoPath(String),
    /// An iSCSI session that gave up after so many seconds.
    Session(String, u64),
    /// A port of a fibre channel fabric.
    Port(String),
    /// An NFS server that did not answer.
    Nfs(String),
    /// A network interface without link.
    Link(String),
}

impl Trouble {
    /// What to do about it.
    pub fn advice(&self) -> String {
        match self {
            Self::Path(name) => {
                format!(
                    "Repair path {name}: its HBA or NIC port, cable and switch port. If its device has no other path, add one."
                )
            }
            Self::NoPath(name) => format!("{name} lost its last path: repair its paths, and give it two that share nothing."),
            Self::Session(name, seconds) => format!(
                "iSCSI {name} gave up only after {seconds} s: add a second path and multipath, which moves I/O after 25 s, before anybody fences."
            ),
            Self::Port(name) => format!("Repair the fibre channel link of {name}: HBA port, cable, switch port."),
            Self::Nfs(name) => {
                format!("The NFS server {name} did not answer: look at its log and at the network between, at that minute.")
            }
            Self::Link(name) => {
                format!("{name} lost its link: look at NIC, cable and switch port, and bond it with a second one.")
            }
        }
    }

    /// Its name, if it is a device on the way to a disk.
    pub fn device(&self) -> Option<&str> {
        match self {
            Self::Path(name) | Self::NoPath(name) | Self::Port(name) => Some(name),
            Self::Session(..) | Self::Nfs(_) | Self::Link(_) => None,
        }
    }

    /// After how many seconds it gave up, if it says so.
    pub const fn recovery_s(&self) -> Option<u64> {
        match self {
            Self::Session(_, seconds) => Some(*seconds),
            _ => None,
        }
    }
}

fn lines(verdict: &Verdict) -> impl Iterator<Item = &str> {
    verdict.evidence.iter().flat_map(|one| one.before.iter().chain([&one.text]).chain(&one.after)).map(String::as_str)
}

/// What failed, each once, in the order of the lines.
pub fn found(verdict: &Verdict) -> Vec<Trouble> {
    let mut out: Vec<Trouble> = Vec::new();
    for trouble in lines(verdict).filter_map(trouble) {
        if !out.contains(&trouble) && out.len() < MOST {
            out.push(trouble);
        }
    }
    out
}

/// The device of the heartbeat region, and after how many milliseconds without a write it fenced.
pub fn heartbeat(verdict: &Verdict) -> Option<(String, u64)> {
    lines(verdict).find_map(|line| {
        let rest = after(line, "Heartbeat write timeout to device ")?;
        let millis = after(rest, " after ")?.split(' ').next()?.parse().ok()?;
        Some((word(rest)?, millis))
    })
}

fn trouble(line: &str) -> Option<Trouble> {
    if let Some(rest) = after(line, "Failing path ") {
        return Some(Trouble::Path(word(rest)?));
    }
    if line.contains("remaining active paths: 0") {
        // `multipathd: 3600…: remaining active paths: 0`
        let before = line.split(": remaining active paths").next()?;
        return Some(Trouble::NoPath(name(before.rsplit(' ').next()?)?));
    }
    if let Some(before) = line.split(": no usable paths found").next().filter(|before| before.len() < line.len()) {
        return Some(Trouble::NoPath(name(before.rsplit(' ').next()?)?));
    }
    if let Some(rest) = after(line, "session recovery timed out after ") {
        let session = line.split(": session recovery").next()?.rsplit(' ').next()?;
        return Some(Trouble::Session(name(session)?, rest.split(' ').next()?.parse().ok().filter(|secs| *secs < 100_000)?));
    }
    if line.contains("blocked FC remote port time out") {
        return Some(Trouble::Port(name(line.split(": blocked FC").next()?.rsplit(' ').next()?)?));
    }
    if let Some(rest) = after(line, "nfs: server ")
        && (rest.contains("not responding") || rest.contains("timed out"))
    {
        return Some(Trouble::Nfs(word(rest)?));
    }
    for mark in [": NIC Link is Down", ": Link is Down", ": link is not ready"] {
        if let Some((before, _)) = line.split_once(mark) {
            return Some(Trouble::Link(name(before.rsplit(' ').next()?)?));
        }
    }
    if let Some(rest) = after(line, "link status definitely down for interface ") {
        return Some(Trouble::Link(word(rest)?));
    }
    None
}

fn after<'a>(line: &'a str, mark: &str) -> Option<&'a str> {
    line.split_once(mark).map(|(_, rest)| rest)
}

/// The next word, without what ends a sentence.
fn word(rest: &str) -> Option<String> {
    name(rest.split([' ', ',', ';']).next()?)
}

/// A name, if it looks like one.
fn name(text: &str) -> Option<String> {
    let text = text.trim_matches(|c: char| matches!(c, ':' | '.' | '[' | ']' | '(' | ')' | '"'));
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '/');
    (!text.is_empty() && text.len() <= 64 && text.chars().all(fine)).then(|| text::clean(text, 64).into_owned())
}
