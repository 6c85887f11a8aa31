//! Faults as text, both ways.

use super::{Action, Bug, Cut, FAULTS, Fault, FaultError, Hang, Loss};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Splits at spaces, except in double quotes. A backslash takes the next character as it is.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    let mut chars = text.trim().chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                if let (Some(word), Some(next)) = (words.last_mut(), chars.next()) {
                    word.push(next);
                }
            }
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

    fn list(&mut self, key: &'static str) -> Vec<String> {
        self.maybe(key).map(|list| list.split(',').map(str::to_owned).collect()).unwrap_or_default()
    }

    fn need(&mut self, key: &'static str) -> Result<String, FaultError> {
        self.maybe(key).ok_or_else(|| FaultError::Missing { fault: self.fault.clone(), key, usage: self.usage })
    }

    fn number<N: FromStr>(&mut self, key: &'static str, or: Option<N>) -> Result<N, FaultError> {
        match (self.maybe(key), or) {
            (None, Some(or)) => Ok(or),
            (None, None) => self.need(key).and_then(|text| text.parse().or_else(|_| self.bad(key, text))),
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

/// Groups of hosts, `a,b|c`.
fn groups(text: &str) -> Vec<Vec<String>> {
    let names = |group: &str| group.split(',').map(str::trim).filter(|n| !n.is_empty()).map(str::to_owned).collect();
    text.split('|').map(names).filter(|group: &Vec<String>| !group.is_empty()).collect()
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
            "kernel-bug" => Self::KernelBug { host: v.need("host")?, how: v.number("how", Some(Bug::Oops))? },
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
            "split" => Self::Split { groups: groups(&v.need("groups")?), seat: v.maybe("seat") },
            "unsplit" => Self::Unsplit,
            "fail-path" => Self::FailPath {
                host: v.need("host")?,
                lun: v.maybe("lun"),
                paths: v.number("paths", Some(1))?,
                how: v.number("how", Some(Loss::Stall))?,
            },
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
                params: v.list("params"),
                times: v.number("times", Some(1))?,
            },
            "timeout-call" => Self::TimeoutCall { method: v.need("method")?, times: v.number("times", Some(1))? },
            "break-call" => Self::BreakCall {
                method: v.need("method")?,
                code: v.need("code")?,
                params: v.list("params"),
                times: v.number("times", Some(1))?,
            },
            "fail-move" => Self::FailMove { vm: v.maybe("vm"), times: v.number("times", Some(1))? },
            "fail-plug" => Self::FailPlug { host: v.need("host")?, sr: v.maybe("sr"), times: v.number("times", Some(1))? },
            "fail-update" => Self::FailUpdate { host: v.need("host")?, code: v.maybe("code").unwrap_or_else(|| "1".into()) },
            "busy-updater" => Self::BusyUpdater { host: v.need("host")?, by: span(v.seconds(Some(60.0))?) },
            "hang-boot" => Self::HangBoot { host: v.need("host")?, at: v.number("at", Some(Hang::Post))? },
            "resume-boot" => Self::ResumeBoot { host: v.need("host")? },
            "slow-boot" => Self::SlowBoot { host: v.need("host")?, by: span(v.seconds(Some(600.0))?) },
            "keep-database" => Self::KeepDatabase,
            "rewind-database" => Self::RewindDatabase,
            "operator" => Self::Operator {
                action: v.number::<Action>("does", None)?,
                host: v.maybe("host"),
                vm: v.maybe("vm"),
                key: v.maybe("key"),
                value: v.maybe("value"),
                who: v.maybe("as"),
            },
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
            Self::KernelBug { host, how } => {
                let out = out.name("kernel-bug").key("host", host);
                if *how == Bug::Oops { out } else { out.key("how", (*how).into()) }
            }
            Self::Reset { host } => out.name("reset").key("host", host),
            Self::PowerOn { host } => out.name("power-on").key("host", host),
            Self::CutOff { host, what } => {
                out.name("cut").key("host", host).key("what", if *what == Cut::All { "all" } else { "network" })
            }
            Self::Heal { host } => out.name("heal").key("host", host),
            Self::Split { groups, seat } => {
                let groups: Vec<String> = groups.iter().map(|group| group.join(",")).collect();
                out.name("split").key("groups", &groups.join("|")).maybe("seat", seat.as_ref())
            }
            Self::Unsplit => out.name("unsplit"),
            Self::FailPath { host, lun, paths, how } => {
                let out = out.name("fail-path").key("host", host).maybe("lun", lun.as_ref()).key("paths", &paths.to_string());
                if *how == Loss::Stall { out } else { out.key("how", (*how).into()) }
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
            Self::BreakCall { method, code, params, times } => {
                let out = out.name("break-call").key("method", method).key("code", code);
                let out = if params.is_empty() { out } else { out.key("params", &params.join(",")) };
                out.key("times", &times.to_string())
            }
            Self::FailMove { vm, times } => out.name("fail-move").maybe("vm", vm.as_ref()).key("times", &times.to_string()),
            Self::FailPlug { host, sr, times } => {
                out.name("fail-plug").key("host", host).maybe("sr", sr.as_ref()).key("times", &times.to_string())
            }
            Self::FailUpdate { host, code } => out.name("fail-update").key("host", host).key("code", code),
            Self::BusyUpdater { host, by } => out.name("busy-updater").key("host", host).key("by", &by.as_secs_f64().to_string()),
            Self::HangBoot { host, at } => out.name("hang-boot").key("host", host).key("at", (*at).into()),
            Self::ResumeBoot { host } => out.name("resume-boot").key("host", host),
            Self::SlowBoot { host, by } => out.name("slow-boot").key("host", host).key("by", &by.as_secs_f64().to_string()),
            Self::KeepDatabase => out.name("keep-database"),
            Self::RewindDatabase => out.name("rewind-database"),
            Self::Operator { action, host, vm, key, value, who } => {
                let out = out.name("operator").key("does", (*action).into()).maybe("host", host.as_ref());
                out.maybe("vm", vm.as_ref()).maybe("key", key.as_ref()).maybe("value", value.as_ref()).maybe("as", who.as_ref())
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
        let value = value.replace('\\', "\\\\").replace('"', "\\\"");
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
            "kernel-bug host=xcp3",
            "kernel-bug host=xcp3 how=xen",
            "cut host=xcp3 what=all",
            "fail-path host=xcp3 lun=3600a paths=2",
            "fail-path host=xcp3 lun=3600a paths=2 how=error",
            "split groups=xcp1,xcp2|xcp3 seat=xcp3",
            "unsplit",
            "operator does=eject host=b as=\"Xen Orchestra\"",
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
            "break-call method=host.evacuate code=INTERNAL_ERROR times=3",
            "fail-move vm=db-old times=2",
            "fail-plug host=b sr=san times=1",
            "fail-update host=b code=1",
            "busy-updater host=b by=60",
            "hang-boot host=b at=storage",
            "resume-boot host=b",
            "slow-boot host=b by=600",
            "keep-database",
            "rewind-database",
            "operator does=reboot host=b",
            "operator does=set-key key=poolwatch:claim value=\"{\\\"owner\\\": 1}\"",
        ] {
            let fault: Fault = text.parse().unwrap();
            assert_eq!(fault.to_string(), text);
        }
    }

    #[test]
    fn every_kind_says_how_it_is_written_and_can_be_read() {
        for kind in FAULTS {
            let usage = kind
                .usage
                .replace(['[', ']'], "")
                .replace("SECONDS", "5")
                .replace("paths=N", "paths=2")
                .replace("A,B|C,D", "A,B");
            // Of several words, the last.
            let word = |w: &str| match (w.split_once('='), w.rsplit_once('|')) {
                (Some((key, _)), Some((_, last))) => format!("{key}={last}"),
                _ => w.to_owned(),
            };
            let example = usage.split(' ').map(word).collect::<Vec<_>>().join(" ");
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
