//! `/proc/drbd` of 8.0 to 8.4, and `drbd-overview`, which prints the same words.

use super::{Peer, PeerVolume, Resource, Volume};
use crate::text;
use serde::{Deserialize, Serialize};

/// A device of `/proc/drbd`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Minor {
    /// Its minor number.
    pub minor: u64,
    /// The resource's name, which only `drbd-overview` tells.
    pub name: Option<String>,
    /// Connection state.
    pub connection: String,
    /// Roles, here and there.
    pub roles: (String, String),
    /// Disks, here and there.
    pub disks: (String, String),
    /// Protocol `A`, `B` or `C`; absent when stand-alone.
    pub protocol: Option<char>,
    /// I/O flags such as `r---b-`; `b` is blocked.
    pub flags: Option<String>,
    /// What differs, in KiB.
    pub out_of_sync_kib: Option<u64>,
    /// A running resync.
    pub sync: Option<Sync>,
}

/// A running resync.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sync {
    /// Done, in percent.
    pub percent: f64,
    /// Left and in all, in `unit`.
    pub left: Option<(u64, u64)>,
    /// `K` or `M`.
    pub unit: Option<char>,
    /// Seconds to the end.
    pub finish_secs: Option<u64>,
    /// Does it say `stalled`?
    pub stalled: bool,
    /// KiB a second.
    pub kib_per_sec: Option<u64>,
}

/// All devices. None on DRBD 9, which prints its version only.
pub fn minors(said: &str) -> Vec<Minor> {
    let mut all: Vec<Minor> = Vec::new();
    for line in said.lines().take(1_000_000) {
        if let Some(minor) = heading(line.trim()) {
            all.push(minor);
        } else if let Some(minor) = all.last_mut() {
            inside(minor, line.trim());
        }
    }
    all
}

fn pair(value: &str) -> Option<(String, String)> {
    let (here, there) = value.split_once('/')?;
    Some((text::clean(here, 64).into_owned(), text::clean(there, 64).into_owned()))
}

/// ` 0: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----`, or the same without keys and with a name glued
/// to the number (`drbd-overview`).
fn heading(line: &str) -> Option<Minor> {
    let (number, rest) = line.split_once(':')?;
    let mut minor = Minor { minor: number.parse().ok()?, ..Minor::default() };
    let mut plain = 0;
    // `drbd-overview` glues the resource's name to the number.
    let (name, rest) = if rest.starts_with(' ') { ("", rest) } else { rest.split_once(' ').unwrap_or((rest, "")) };
    minor.name = Some(text::clean(name, 128).into_owned()).filter(|name| !name.is_empty() && !name.contains("??"));
    for word in rest.split_ascii_whitespace() {
        match word.split_once(':') {
            Some(("cs", value)) => minor.connection = text::clean(value, 64).into_owned(),
            // 8.2 and before call the roles "st".
            Some(("ro" | "st", value)) => minor.roles = pair(value)?,
            Some(("ds", value)) => minor.disks = pair(value)?,
            _ if matches!(word, "A" | "B" | "C") => minor.protocol = word.chars().next(),
            _ if word.starts_with(['r', 's', '-'])
                && word.len() >= 4
                && word.chars().all(|c| c == '-' || c.is_ascii_lowercase()) =>
            {
                minor.flags = Some(word.to_owned());
            }
            _ if word.contains('/') && !word.starts_with('/') => {
                plain += 1;
                if plain == 1 { minor.roles = pair(word)? } else { minor.disks = pair(word)? }
            }
            _ if minor.connection.is_empty() && plain == 0 && word.starts_with(|c: char| c.is_ascii_uppercase()) => {
                minor.connection = text::clean(word, 64).into_owned();
            }
            _ => {}
        }
    }
    (!minor.connection.is_empty()).then_some(minor)
}

fn inside(minor: &mut Minor, line: &str) {
    for word in line.split_ascii_whitespace() {
        if let Some(value) = word.strip_prefix("oos:") {
            minor.out_of_sync_kib = value.parse().ok();
        }
    }
    if let Some((_, rest)) = line.split_once("sync'ed:") {
        let percent = rest.trim_start().split('%').next().and_then(|percent| percent.trim().parse().ok());
        let mut sync = Sync { percent: percent.filter(|percent: &f64| percent.is_finite()).unwrap_or(0.0), ..Sync::default() };
        if let Some((counts, unit)) = rest.split_once('(').and_then(|(_, rest)| rest.split_once(')')) {
            sync.left =
                counts.split_once('/').and_then(|(left, all)| Some((left.trim().parse().ok()?, all.trim().parse().ok()?)));
            // 8.0 has no unit: KiB.
            sync.unit = unit.chars().next().filter(|unit| matches!(unit, 'K' | 'M')).or(Some('K'));
        }
        minor.sync = Some(sync);
    }
    if let (Some(sync), Some((_, rest))) = (minor.sync.as_mut(), line.split_once("finish:")) {
        sync.finish_secs = rest.split_ascii_whitespace().next().and_then(clock);
        sync.stalled = rest.contains("stalled");
        let speed = rest.split_once("speed:").and_then(|(_, rest)| rest.split_ascii_whitespace().next());
        sync.kib_per_sec = speed.and_then(|speed| speed.replace(',', "").parse().ok());
        sync.stalled |= sync.kib_per_sec == Some(0);
    }
}

/// `1:23:28` as seconds.
fn clock(text: &str) -> Option<u64> {
    let mut secs: u64 = 0;
    for part in text.split(':') {
        secs = secs.checked_mul(60)?.checked_add(part.parse().ok()?)?;
    }
    Some(secs)
}

impl Minor {
    /// The same as a resource of one volume, for what looks at all kinds alike.
    pub fn resource(&self) -> Resource {
        let (connected, replication) = match self.connection.as_str() {
            "Connected" => ("Connected", "Established"),
            syncing if syncing.contains("Sync") || syncing.contains("BitMap") || syncing.starts_with("Verify") => {
                ("Connected", syncing)
            }
            other => (other, "Off"),
        };
        let sync = self.sync.clone().unwrap_or_default();
        let peer = PeerVolume {
            number: 0,
            replication: replication.to_owned(),
            disk: Some(self.disks.1.clone()),
            resync_suspended: None,
            client: None,
            out_of_sync_kib: self.out_of_sync_kib,
            in_sync_percent: None,
            done_percent: self.sync.as_ref().map(|sync| sync.percent),
            eta_secs: sync.finish_secs,
            stalled: sync.stalled,
            kib_per_sec: sync.kib_per_sec,
        };
        Resource {
            name: self.name.clone().unwrap_or_else(|| format!("minor {}", self.minor)),
            node_id: None,
            role: Some(self.roles.0.clone()),
            suspended: self.flags.as_ref().map(|flags| flags.starts_with('s') || flags.contains('b')),
            volumes: vec![Volume { minor: Some(self.minor), disk: self.disks.0.clone(), ..Volume::default() }],
            peers: vec![Peer {
                name: "peer".into(),
                node_id: None,
                connection: connected.to_owned(),
                role: Some(self.roles.1.clone()),
                volumes: vec![peer],
            }],
        }
    }
}
