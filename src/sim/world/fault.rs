//! What can be done to a world from outside: faults and their repair, as types and as text.
//!
//! The text form is a name and `key=value` pairs, e.g. `cut host=xcp3 what=network`. It is what scenarios, the
//! command line and the keys of `demo` use.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// What is cut when a host is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The network; storage that does not use it still works.
    Network,
    /// Network and storage.
    All,
}

/// A fault, or its repair. Hosts, SRs and guests by name.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the fields are what the texts in FAULTS say")]
pub enum Fault {
    /// The machine dies silently and stays dead.
    Crash { host: String },
    /// The machine dies silently and boots again by itself.
    Reset { host: String },
    /// A dead machine is switched on.
    PowerOn { host: String },
    /// A running host is cut off.
    CutOff { host: String, what: Cut },
    /// A host that was cut off is connected again.
    Heal { host: String },
    /// Paths to a LUN fail; all LUNs if none is named.
    FailPath { host: String, lun: Option<String>, paths: u8 },
    /// All paths are back.
    RepairPath { host: String, lun: Option<String> },
    /// A link of the host's bond goes down.
    FailLink { host: String, link: Option<String> },
    /// All links are up, or the named one.
    RepairLink { host: String, link: Option<String> },
    /// xapi restarts on a host, the coordinator if none is named.
    RestartToolstack { host: Option<String> },
    /// Every API session is gone.
    KillSessions,
    /// Rebuilds make no progress.
    StallRebuild { sr: Option<String> },
    /// Rebuilds go on.
    ResumeRebuild { sr: Option<String> },
    /// Rebuilds start from nothing again.
    RestartRebuild { sr: Option<String> },
    /// The next rebuild starts later.
    LateRebuild { sr: Option<String>, by: Duration },
    /// A node of the storage cluster that is not a host of this pool goes offline.
    NodeOffline { sr: Option<String>, node: String },
    /// It is back, and resyncs.
    NodeOnline { sr: Option<String>, node: String },
    /// A host's clock is off by this many milliseconds.
    SkewClock { host: String, millis: i64 },
    /// Changes are not told to anyone for this long: late for clients that wait, lost where an object comes and goes meanwhile.
    LateEvents { by: Duration },
    /// The next calls of a method fail with an error, without effect.
    FailCall { method: String, code: String, params: Vec<String>, times: u32 },
    /// The next calls of a method have their effect but no answer.
    TimeoutCall { method: String, times: u32 },
    /// A guest is paused, which blocks evacuation.
    PauseGuest { vm: String },
    /// It runs again.
    UnpauseGuest { vm: String },
}

/// Why a fault could not be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// There is no such fault.
    #[error("there is no fault called `{0}`; there are: {known}", known = names())]
    Unknown(String),
    /// A value is missing.
    #[error("`{fault}` needs `{key}=`: {usage}")]
    Missing {
        /// Which fault.
        fault: String,
        /// What it needs.
        key: &'static str,
        /// How it is written.
        usage: &'static str,
    },
    /// A value cannot be read.
    #[error("`{value}` is not a value for `{key}`: {usage}")]
    Value {
        /// Which.
        key: String,
        /// What was given.
        value: String,
        /// How it is written.
        usage: &'static str,
    },
    /// A value that this fault does not have.
    #[error("`{fault}` has no `{key}=`: {usage}")]
    Extra {
        /// Which fault.
        fault: String,
        /// What it has not.
        key: String,
        /// How it is written.
        usage: &'static str,
    },
    /// There is no such object.
    #[error("there is no {kind} called `{name}`; there are: {known}")]
    NoSuch {
        /// What kind of object.
        kind: &'static str,
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// The world is not in a state for it.
    #[error("{0}")]
    NotNow(String),
}

/// A kind of fault, for help and menus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultKind {
    /// The name that begins its text.
    pub name: &'static str,
    /// How it is written.
    pub usage: &'static str,
    /// What it does, in plain words.
    pub what: &'static str,
}

const fn kind(name: &'static str, usage: &'static str, what: &'static str) -> FaultKind {
    FaultKind { name, usage, what }
}

/// All kinds of faults.
pub static FAULTS: &[FaultKind] = &[
    kind("crash", "crash host=NAME", "the machine dies silently and stays dead"),
    kind("reset", "reset host=NAME", "the machine dies silently and boots again by itself"),
    kind("power-on", "power-on host=NAME", "a dead machine is switched on"),
    kind("cut", "cut host=NAME [what=network|all]", "a running host is cut off from the network, or from storage too"),
    kind("heal", "heal host=NAME", "a host that was cut off is connected again"),
    kind("fail-path", "fail-path host=NAME [lun=SCSIID] [paths=N]", "paths to a LUN fail (one, unless you say how many)"),
    kind("repair-path", "repair-path host=NAME [lun=SCSIID]", "all paths to a LUN are back"),
    kind("fail-link", "fail-link host=NAME [link=eth1]", "a link of the host's bond goes down"),
    kind("repair-link", "repair-link host=NAME [link=eth1]", "the links are up again"),
    kind("restart-toolstack", "restart-toolstack [host=NAME]", "xapi restarts (the coordinator's: sessions and tasks are lost)"),
    kind("kill-sessions", "kill-sessions", "every API session is gone; clients have to log in again"),
    kind("stall-rebuild", "stall-rebuild [sr=NAME]", "mirror rebuilds make no progress"),
    kind("resume-rebuild", "resume-rebuild [sr=NAME]", "mirror rebuilds go on"),
    kind("restart-rebuild", "restart-rebuild [sr=NAME]", "mirror rebuilds start from nothing again"),
    kind("late-rebuild", "late-rebuild [sr=NAME] [by=60]", "the next rebuild starts this many seconds later"),
    kind("node-offline", "node-offline node=NAME [sr=NAME]", "a storage node that is not a host of this pool goes offline"),
    kind("node-online", "node-online node=NAME [sr=NAME]", "that storage node is back and resyncs"),
    kind("skew-clock", "skew-clock host=NAME by=SECONDS", "a host's clock is off"),
    kind("late-events", "late-events by=SECONDS", "changes are not told to clients for this long"),
    kind("fail-call", "fail-call method=M code=CODE [params=A,B] [times=1]", "the next calls of a method fail without effect"),
    kind("timeout-call", "timeout-call method=M [times=1]", "the next calls of a method have their effect but no answer"),
    kind("pause", "pause vm=NAME", "a guest is paused, which blocks evacuation"),
    kind("unpause", "unpause vm=NAME", "a paused guest runs again"),
];

fn names() -> String {
    FAULTS.iter().map(|f| f.name).collect::<Vec<_>>().join(", ")
}

/// Splits at spaces, except in double quotes.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in text.trim().chars() {
        match c {
            '"' => quoted = !quoted,
            c if c.is_whitespace() && !quoted => words.push(String::new()),
            c => {
                if let Some(word) = words.last_mut() {
                    word.push(c);
                }
            }
        }
    }
    words.retain(|w| !w.is_empty());
    words
}

struct Values {
    fault: String,
    usage: &'static str,
    given: BTreeMap<String, String>,
}

impl Values {
    fn maybe(&mut self, key: &'static str) -> Option<String> {
        self.given.remove(key)
    }

    fn need(&mut self, key: &'static str) -> Result<String, FaultError> {
        self.maybe(key).ok_or_else(|| FaultError::Missing { fault: self.fault.clone(), key, usage: self.usage })
    }

    fn number<N: FromStr>(&mut self, key: &'static str, or: Option<N>) -> Result<N, FaultError> {
        match (self.maybe(key), or) {
            (None, Some(or)) => Ok(or),
            (None, None) => self.need(key).and_then(|v| self.bad(key, v)),
            (Some(text), _) => text.parse().or_else(|_| self.bad(key, text)),
        }
    }

    fn seconds(&mut self, or: Option<f64>) -> Result<f64, FaultError> {
        let secs = self.number("by", or)?;
        if (-1e9..=1e9).contains(&secs) { Ok(secs) } else { self.bad("by", secs.to_string()) }
    }

    fn bad<N>(&self, key: &str, value: String) -> Result<N, FaultError> {
        Err(FaultError::Value { key: key.to_owned(), value, usage: self.usage })
    }
}

fn span(secs: f64) -> Duration {
    Duration::from_secs_f64(secs.max(0.0))
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let mut parts = words(text).into_iter();
        let name = parts.next().unwrap_or_default();
        let kind = FAULTS.iter().find(|k| k.name == name).ok_or_else(|| FaultError::Unknown(name.clone()))?;
        let mut v = Values { fault: name, usage: kind.usage, given: BTreeMap::new() };
        for part in parts {
            let Some((key, value)) = part.split_once('=') else { return v.bad(&part, String::new()) };
            v.given.insert(key.to_owned(), value.to_owned());
        }
        let fault = match kind.name {
            "crash" => Self::Crash { host: v.need("host")? },
            "reset" => Self::Reset { host: v.need("host")? },
            "power-on" => Self::PowerOn { host: v.need("host")? },
            "cut" => Self::CutOff {
                host: v.need("host")?,
                what: match v.maybe("what").as_deref() {
                    None | Some("network") => Cut::Network,
                    Some("all") => Cut::All,
                    Some(other) => return v.bad("what", other.to_owned()),
                },
            },
            "heal" => Self::Heal { host: v.need("host")? },
            "fail-path" => Self::FailPath { host: v.need("host")?, lun: v.maybe("lun"), paths: v.number("paths", Some(1))? },
            "repair-path" => Self::RepairPath { host: v.need("host")?, lun: v.maybe("lun") },
            "fail-link" => Self::FailLink { host: v.need("host")?, link: v.maybe("link") },
            "repair-link" => Self::RepairLink { host: v.need("host")?, link: v.maybe("link") },
            "restart-toolstack" => Self::RestartToolstack { host: v.maybe("host") },
            "kill-sessions" => Self::KillSessions,
            "stall-rebuild" => Self::StallRebuild { sr: v.maybe("sr") },
            "resume-rebuild" => Self::ResumeRebuild { sr: v.maybe("sr") },
            "restart-rebuild" => Self::RestartRebuild { sr: v.maybe("sr") },
            "late-rebuild" => Self::LateRebuild { sr: v.maybe("sr"), by: span(v.seconds(Some(60.0))?) },
            "node-offline" => Self::NodeOffline { node: v.need("node")?, sr: v.maybe("sr") },
            "node-online" => Self::NodeOnline { node: v.need("node")?, sr: v.maybe("sr") },
            "skew-clock" => Self::SkewClock { host: v.need("host")?, millis: (v.seconds(None)? * 1000.0) as i64 },
            "late-events" => Self::LateEvents { by: span(v.seconds(None)?) },
            "fail-call" => Self::FailCall {
                method: v.need("method")?,
                code: v.need("code")?,
                params: v.maybe("params").map(|p| p.split(',').map(str::to_owned).collect()).unwrap_or_default(),
                times: v.number("times", Some(1))?,
            },
            "timeout-call" => Self::TimeoutCall { method: v.need("method")?, times: v.number("times", Some(1))? },
            "pause" => Self::PauseGuest { vm: v.need("vm")? },
            "unpause" => Self::UnpauseGuest { vm: v.need("vm")? },
            other => return Err(FaultError::Unknown(other.to_owned())),
        };
        match v.given.into_keys().next() {
            Some(key) => Err(FaultError::Extra { fault: v.fault, key, usage: v.usage }),
            None => Ok(fault),
        }
    }
}

impl fmt::Display for Fault {
    /// The text that it is read from.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Text { f, first: Ok(()) };
        match self {
            Self::Crash { host } => out.name("crash").key("host", host),
            Self::Reset { host } => out.name("reset").key("host", host),
            Self::PowerOn { host } => out.name("power-on").key("host", host),
            Self::CutOff { host, what } => {
                out.name("cut").key("host", host).key("what", if *what == Cut::All { "all" } else { "network" })
            }
            Self::Heal { host } => out.name("heal").key("host", host),
            Self::FailPath { host, lun, paths } => {
                out.name("fail-path").key("host", host).maybe("lun", lun.as_ref()).key("paths", &paths.to_string())
            }
            Self::RepairPath { host, lun } => out.name("repair-path").key("host", host).maybe("lun", lun.as_ref()),
            Self::FailLink { host, link } => out.name("fail-link").key("host", host).maybe("link", link.as_ref()),
            Self::RepairLink { host, link } => out.name("repair-link").key("host", host).maybe("link", link.as_ref()),
            Self::RestartToolstack { host } => out.name("restart-toolstack").maybe("host", host.as_ref()),
            Self::KillSessions => out.name("kill-sessions"),
            Self::StallRebuild { sr } => out.name("stall-rebuild").maybe("sr", sr.as_ref()),
            Self::ResumeRebuild { sr } => out.name("resume-rebuild").maybe("sr", sr.as_ref()),
            Self::RestartRebuild { sr } => out.name("restart-rebuild").maybe("sr", sr.as_ref()),
            Self::LateRebuild { sr, by } => {
                out.name("late-rebuild").maybe("sr", sr.as_ref()).key("by", &by.as_secs_f64().to_string())
            }
            Self::NodeOffline { sr, node } => out.name("node-offline").key("node", node).maybe("sr", sr.as_ref()),
            Self::NodeOnline { sr, node } => out.name("node-online").key("node", node).maybe("sr", sr.as_ref()),
            Self::SkewClock { host, millis } => {
                out.name("skew-clock").key("host", host).key("by", &(*millis as f64 / 1000.0).to_string())
            }
            Self::LateEvents { by } => out.name("late-events").key("by", &by.as_secs_f64().to_string()),
            Self::FailCall { method, code, params, times } => {
                let out = out.name("fail-call").key("method", method).key("code", code);
                let out = if params.is_empty() { out } else { out.key("params", &params.join(",")) };
                out.key("times", &times.to_string())
            }
            Self::TimeoutCall { method, times } => {
                out.name("timeout-call").key("method", method).key("times", &times.to_string())
            }
            Self::PauseGuest { vm } => out.name("pause").key("vm", vm),
            Self::UnpauseGuest { vm } => out.name("unpause").key("vm", vm),
        };
        out.first
    }
}

struct Text<'a, 'f> {
    f: &'a mut fmt::Formatter<'f>,
    first: fmt::Result,
}

impl Text<'_, '_> {
    fn name(&mut self, name: &str) -> &mut Self {
        self.first = self.f.write_str(name);
        self
    }

    fn key(&mut self, key: &str, value: &str) -> &mut Self {
        let quote = if value.contains(char::is_whitespace) { "\"" } else { "" };
        self.first = self.first.and_then(|()| write!(self.f, " {key}={quote}{value}{quote}"));
        self
    }

    fn maybe(&mut self, key: &str, value: Option<&String>) -> &mut Self {
        if let Some(value) = value {
            self.key(key, value);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for text in [
            "crash host=xcp3",
            "cut host=xcp3 what=all",
            "fail-path host=xcp3 lun=3600a paths=2",
            "fail-link host=xcp2 link=eth1",
            "restart-toolstack",
            "kill-sessions",
            "stall-rebuild sr=\"my store\"",
            "late-rebuild by=60",
            "node-offline node=store-a sr=xostor",
            "skew-clock host=xcp1 by=-3.5",
            "fail-call method=host.disable code=HOST_OFFLINE params=a,b times=2",
            "timeout-call method=host.reboot times=1",
            "pause vm=db-old",
        ] {
            let fault: Fault = text.parse().unwrap();
            assert_eq!(fault.to_string(), text);
        }
    }

    #[test]
    fn every_kind_says_how_it_is_written_and_can_be_read() {
        for kind in FAULTS {
            let example = kind
                .usage
                .replace(['[', ']'], "")
                .replace("network|all", "all")
                .replace("SECONDS", "5")
                .replace("paths=N", "paths=2");
            assert!(example.starts_with(kind.name));
            example.parse::<Fault>().unwrap_or_else(|e| panic!("{example}: {e}"));
        }
    }

    #[test]
    fn mistakes_are_explained() {
        let said = |text: &str| text.parse::<Fault>().unwrap_err().to_string();
        assert!(said("explode host=a").starts_with("there is no fault called `explode`; there are: crash, "));
        assert_eq!(said("crash"), "`crash` needs `host=`: crash host=NAME");
        assert_eq!(said("crash host=a now=1"), "`crash` has no `now=`: crash host=NAME");
        assert!(said("fail-path host=a paths=lots").contains("`lots` is not a value for `paths`"));
        assert!(said("").contains("no fault called ``"));
        assert!(said("skew-clock host=a by=1e300").contains("not a value for `by`"));
        assert!(said("crash xcp3").contains("`crash host=NAME`") || said("crash xcp3").contains("crash host=NAME"));
    }
}
