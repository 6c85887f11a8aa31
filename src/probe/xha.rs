//! The HA daemon: its log, its live set, and what xapi and the storage manager say of it.
//!
//! Formats of xha (`daemon/*.c`) and xapi; nobody publishes a log with a self-fence, so these are from the sources.

use crate::text;
use serde::{Deserialize, Serialize};

/// A line that means something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What it means.
    pub sign: Sign,
    /// Date and time as printed.
    pub stamp: Option<String>,
    /// Its level, as printed: `info`, `warning`, `error`, …
    pub level: Option<String>,
    /// The message.
    pub text: String,
}

/// What a line of HA means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(missing_docs, reason = "each field is what its name says, of the line that its variant describes")]
pub enum Sign {
    /// The daemon stops this host; with its own number of the reason.
    SelfFence { reason: Reason, code: Option<u32> },
    /// Half of a time-out is gone.
    Approaching { what: String },
    /// The watchdog was not fed in time.
    Watchdog { id: Option<u32>, label: String },
    /// The network bond of the heartbeat.
    Bond { status: String },
    /// Who is alive changed: one digit a host, in the order of the hosts' UUIDs.
    Liveset { alive: usize, of: usize },
    /// This host takes part now.
    Online,
    /// A call of HA failed in xapi.
    CallFailed { host: String, call: String, error: String },
    /// The daemon could not be started or died: xapi's words for its exit code (134 is an abort).
    DaemonFailed { pool: Option<String>, code: u32 },
    /// The storage manager plugged a device for a storage repository.
    Device { pid: u32, scsi_id: String },
    /// It locked one.
    Repository { pid: u32, uuid: String },
}

/// Why the daemon fences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The hosts did not agree in time who is alive.
    NoConsistentView,
    /// By the rules of survival it is not among the survivors.
    SurvivalRule,
    /// Another host asked for it.
    Requested,
    /// xapi does not answer.
    Xapi,
    /// Another reason.
    Other,
}

/// The live set of `debug_ha_query_liveset` (XML).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Liveset {
    /// `Online`, `Starting`, …
    pub status: Option<String>,
    /// Hosts: id, alive, this one, excluded.
    pub hosts: Vec<Host>,
}

/// A host of the live set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Its UUID.
    pub id: String,
    /// Is it in the live set?
    pub alive: Option<bool>,
    /// Does it hold the coordinator's lock?
    pub master: Option<bool>,
    /// Can it write the state file?
    pub state_file: Option<bool>,
    /// Was it excluded?
    pub excluded: Option<bool>,
    /// ms since its last heartbeat, as told.
    pub since_heartbeat_ms: Option<i64>,
    /// ms since its last write of the state file.
    pub since_state_file_ms: Option<i64>,
}

fn keep(word: &str) -> String {
    text::clean(word.trim(), 200).into_owned()
}

fn between<'a>(said: &'a str, before: &str, after: &str) -> Option<&'a str> {
    said.split_once(before)?.1.split_once(after).map(|(found, _)| found)
}

/// The signs in `xha.log`, `xensource.log`, `SMlog`, or what a client showed.
pub fn signs(said: &str) -> Vec<Line> {
    let line = |line: &str| {
        let line = line.get(..4_096).unwrap_or(line);
        sign(line).map(|sign| Line {
            sign,
            stamp: stamp(line),
            level: level(line),
            text: text::clean(line.trim(), 300).into_owned(),
        })
    };
    let mut found: Vec<Line> = said.lines().filter_map(line).collect();
    let more = found.len().saturating_sub(1_000);
    found.drain(..more);
    found
}

/// `Mon dd hh:mm:ss`, with zone and year in `xha.log`.
fn stamp(line: &str) -> Option<String> {
    let head = line.split(" [").next()?;
    let words: Vec<&str> = head.split_ascii_whitespace().take(5).collect();
    let at = words.iter().position(|word| word.split(':').count() == 3 && word.len() == 8)?;
    words.get(..=at).map(|words| keep(&words.join(" ")))
}

/// `[err]` of `xha.log`, `[error|…]` of xapi.
fn level(line: &str) -> Option<String> {
    let word = line.split_once('[')?.1.split(['|', ']']).next()?.trim();
    let known = ["debug", "info", "notice", "warn", "warning", "err", "error"];
    known.contains(&word).then(|| word.to_owned())
}

fn sign(line: &str) -> Option<Sign> {
    let lower = line.to_ascii_lowercase();
    if lower.contains("self-fence") || lower.contains("self fence") {
        let reason = if lower.contains("consistent view") {
            Reason::NoConsistentView
        } else if lower.contains("survival rule") {
            Reason::SurvivalRule
        } else if lower.contains("fencing is requested") {
            Reason::Requested
        } else if lower.contains("xapi") {
            Reason::Xapi
        } else {
            Reason::Other
        };
        let code = line.rsplit_once('(').and_then(|(_, code)| code.split(')').next()?.parse().ok());
        return Some(Sign::SelfFence { reason, code });
    }
    if let Some(what) = between(line, "reporting \"", " approaching timeout\"") {
        return Some(Sign::Approaching { what: keep(what) });
    }
    if lower.contains("watchdog is expiring soon")
        || lower.contains("watchdog has not been updated")
        || lower.contains("watchdog should have expired")
    {
        let word = |key: &str| line.split_once(key).and_then(|(_, rest)| rest.split([' ', '.', ',']).next());
        return Some(Sign::Watchdog {
            id: word("id=").and_then(|id| id.parse().ok()),
            label: keep(word("label=").unwrap_or("")),
        });
    }
    if let Some((_, status)) = line.split_once("bonding status has changed to ") {
        return Some(Sign::Bond { status: keep(status.trim_end_matches('.')) });
    }
    if let Some(set) = between(line, "new liveset = (", ")") {
        return Some(Sign::Liveset { alive: set.matches('1').count(), of: set.matches(['0', '1']).count() });
    }
    if line.contains("The local host has transitioned to online state") {
        return Some(Sign::Online);
    }
    if let Some(code) = line
        .split_once("Unrecognised MTC exit code: ")
        .and_then(|(_, rest)| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok())
    {
        let pool = between(line, "pool '", "'").map(keep);
        return Some(Sign::DaemonFailed { pool, code });
    }
    call(line).or_else(|| storage(line))
}

/// `… xen3 xapi: [error|…] host.ha_join_liveset R:… failed with exception Server_error(CODE, [ what ])`.
fn call(line: &str) -> Option<Sign> {
    let (head, error) = line.split_once(" failed with exception ")?;
    let call = head.split_ascii_whitespace().rev().find(|word| word.contains("ha_") && word.contains('.'))?;
    let call = call.split(':').next_back().unwrap_or(call);
    let host = head.split_once(" xapi").and_then(|(head, _)| head.split_ascii_whitespace().last()).unwrap_or("");
    let error = between(error, "Server_error(", ")").unwrap_or(error).replace(", [", "").replace(']', "");
    let error = error.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    Some(Sign::CallFailed { host: keep(host), call: keep(call), error: keep(&error) })
}

/// `[15112] Setting LVM_DEVICE to /dev/disk/by-scsid/…`, `[15112] lock: opening lock file …/<uuid>/sr`.
fn storage(line: &str) -> Option<Sign> {
    let pid = line.split_once('[')?.1.split_once(']')?.0.parse().ok()?;
    if let Some((_, id)) = line.split_once("LVM_DEVICE to /dev/disk/by-scsid/") {
        return Some(Sign::Device { pid, scsi_id: keep(id.split('/').next().unwrap_or(id)) });
    }
    let uuid =
        line.split_once("lock: opening lock file ").and_then(|(_, path)| path.trim().strip_suffix("/sr")?.rsplit('/').next())?;
    Some(Sign::Repository { pid, uuid: keep(uuid) })
}

/// The live set as the daemon prints it. Tags are looked for, not a schema: it grew over the years.
pub fn liveset(said: &str) -> Option<Liveset> {
    let tag = |said: &str, name: &str| between(said, &format!("<{name}>"), &format!("</{name}>")).map(keep);
    let truth = |value: Option<String>| {
        value.and_then(|value| match value.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        })
    };
    if !said.contains("<ha_liveset_info>") && !said.contains("<status>") {
        return None;
    }
    let hosts = said.split("<host>").skip(1).take(1_000).filter_map(|block| {
        let block = block.split("</host>").next()?;
        let ms = |name: &str| tag(block, name).and_then(|value| value.parse().ok());
        Some(Host {
            id: tag(block, "HostID").or_else(|| tag(block, "host_id"))?,
            alive: truth(tag(block, "liveness")),
            master: truth(tag(block, "master")),
            state_file: truth(tag(block, "state_file_access")),
            excluded: truth(tag(block, "excluded")),
            since_heartbeat_ms: ms("time_since_last_heartbeat").or_else(|| ms("time_since_last_update_on_heartbeat")),
            since_state_file_ms: ms("time_since_last_update_on_statefile"),
        })
    });
    let liveset = Liveset { status: tag(said, "status"), hosts: hosts.collect() };
    (liveset.status.is_some() || !liveset.hosts.is_empty()).then_some(liveset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn why_the_daemon_fences() {
        let said = "Nov 21 00:21:08 UTC 2026 [err] FH: cannot get consistent view within timeout.  - Self-Fence (1904)\n\
            Nov 21 00:21:08 UTC 2026 [err] Heartbeat: fencing is requested from host (2).  - Self Fence (1703)\nNov 21 00:21:08 UTC 2026 [err] Xapimon: cannot start Xapi healthcheck process.  - Self-Fence\n";
        let all = signs(said);
        assert_eq!(all[0].sign, Sign::SelfFence { reason: Reason::NoConsistentView, code: Some(1904) });
        assert_eq!(all[0].stamp.as_deref(), Some("Nov 21 00:21:08"));
        assert_eq!(all[1].sign, Sign::SelfFence { reason: Reason::Requested, code: Some(1703) });
        assert_eq!(all[2].sign, Sign::SelfFence { reason: Reason::Xapi, code: None });
    }

    #[test]
    fn what_comes_before_and_around_it() {
        let said = "x [notice] SC: (main) reporting \"heartbeat approaching timeout\". host[1].time_since_last_hb=31.\nx [notice] Watchdog is expiring soon id=2 label=statefile.\n\
            x [info] Liveset has been updated.  new liveset = (1011)\nx [info] BM: bonding status has changed to DEGRADED.\n";
        let all: Vec<Sign> = signs(said).into_iter().map(|line| line.sign).collect();
        assert_eq!(all[0], Sign::Approaching { what: "heartbeat".into() });
        assert_eq!(all[1], Sign::Watchdog { id: Some(2), label: "statefile".into() });
        assert_eq!(all[2..], [Sign::Liveset { alive: 3, of: 4 }, Sign::Bond { status: "DEGRADED".into() }]);
        let failed = "Oct 17 12:45:22 xs3 xapi: [error|xs3|1 UNIX /x|dispatch:host.ha_join_liveset D:8|backtrace] host.ha_join_liveset R:a2 failed with exception Server_error(INTERNAL_ERROR, [ Not_found ])";
        let want = Sign::CallFailed {
            host: "xs3".into(),
            call: "host.ha_join_liveset".into(),
            error: "INTERNAL_ERROR Not_found".into(),
        };
        assert_eq!(signs(failed)[0].sign, want);
    }

    #[test]
    fn a_live_set() {
        let said = "<ha_liveset_info><status>Online</status><host><HostID>u1</HostID><liveness>TRUE</liveness><excluded>FALSE</excluded></host><host><HostID>u2</HostID><liveness>FALSE</liveness></host></ha_liveset_info>";
        let set = liveset(said).unwrap();
        assert_eq!((set.status.as_deref(), set.hosts.len(), set.hosts[1].alive), (Some("Online"), 2, Some(false)));
        assert_eq!(liveset("command not found"), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "((\\[[0-9]{0,4}\\] |id=|label=|<host>|<HostID>|Self-Fence \\(|failed with exception |lock: opening lock file )?\\PC{0,40}\n){0,6}") {
            let _ = (signs(&text), liveset(&format!("<status>{text}")));
        }
    }
}
