//! Who else works on the pool: other orchestrators by the marks that they leave, and what is being done to the hosts without a claim of ours.
//!
//! xapi does not say who began an operation. What it has are marks: Xen Orchestra writes `xo:clientInfo:<id>` into the pool's `other_config` (its
//! addresses, and when it connected last), and clears `auto_poweron` there for the time of a rolling reboot. So it is said who is connected, what is being done, and that
//! the one may be the doing of the other; never more.

use super::Pool;
use super::alerts::Own;
use super::picture::Health;
use super::words;
use crate::time::Time;
use crate::xenapi::record::{Config, HostOperation, Pool as PoolRecord};
use std::time::Duration;

const XO: &str = "xo:clientInfo:";
/// Orchestrators that are named in a sentence.
const NAMED: usize = 3;
/// No round takes longer.
const ROUND: Duration = Duration::from_secs(6 * 3600);
const DAY: Duration = Duration::from_secs(86_400);
/// One that has not connected for longer is history.
const OLD: Duration = Duration::from_secs(30 * 86_400);

/// Another orchestrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Captain {
    /// What it is, with its own name and address as far as it told.
    pub name: String,
    /// When it connected last.
    pub connected: Option<Time>,
}

/// The orchestrators that left their card, the one that connected last first.
pub(super) fn captains(config: &Config) -> Vec<Captain> {
    #[derive(Default, serde::Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct Card {
        last_connected: Option<i64>,
        network_interfaces: std::collections::BTreeMap<String, Vec<Interface>>,
        public_url: Option<String>,
    }
    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct Interface {
        address: String,
        family: String,
        internal: bool,
    }
    let one = |(key, value): (&str, &str)| {
        let id = key.strip_prefix(XO)?;
        // A card that cannot be read is one all the same.
        let card: Card = serde_json::from_str(value).unwrap_or_default();
        let usable = |i: &&Interface| !i.internal && i.family == "IPv4" && !i.address.is_empty();
        let address = card.network_interfaces.values().flatten().find(usable).map(|i| i.address.clone());
        let at = card.public_url.or(address).map_or_else(String::new, |at| format!(" at {}", words::name(&at)));
        let name = format!("Xen Orchestra {}{at}", words::name(id));
        Some(Captain { name, connected: card.last_connected.map(Time::from_millis) })
    };
    let mut all: Vec<Captain> = config.iter().filter_map(one).collect();
    all.sort_by(|a, b| b.connected.cmp(&a.connected).then_with(|| a.name.cmp(&b.name)));
    all
}

fn powers_on(pool: &PoolRecord) -> bool {
    pool.other_config.get("auto_poweron") == Some("true")
}

impl Pool {
    /// The pool's configuration changed: somebody else's marks.
    pub(super) fn fold_captains(&mut self, new: &PoolRecord, old: &PoolRecord, at: Time) {
        let before = captains(&old.other_config);
        for captain in captains(&new.other_config) {
            if !before.iter().any(|b| b.name == captain.name) {
                let text = format!("{} has connected to this pool: it may act on it, too", captain.name);
                self.alerts.say(Own::pool(at, "other-captain", Health::Pending, text));
            }
        }
        // A round of ours does it, too, and says so itself.
        let ours = new.other_config.get("poolwatch:claim").is_some();
        if powers_on(old) && !powers_on(new) && !ours {
            self.power_off_since = Some(at);
            let who = self.whose(" That is what", "does for the time of a rolling reboot or update.");
            let text = format!("auto_poweron of the pool was switched off: guests of a host that reboots stay down.{who}");
            self.alerts.say(Own::pool(at, "auto-poweron", Health::Degraded, text));
        } else if powers_on(new) && self.power_off_since.take().is_some() {
            let text = "auto_poweron of the pool is on again".to_owned();
            self.alerts.say(Own::pool(at, "auto-poweron", Health::Good, text));
        }
    }

    fn whose(&self, before: &str, after: &str) -> String {
        let Some(pool) = self.tables.the_pool() else { return String::new() };
        let names: Vec<String> = captains(&pool.other_config).into_iter().take(NAMED).map(|c| c.name).collect();
        if names.is_empty() {
            format!("{before} Xen Orchestra {after}")
        } else {
            format!("{before} {} {after}", words::list(&names))
        }
    }

    /// What the screen says of them: one mark each.
    pub(super) fn captain_marks(&self, now: Time) -> Vec<String> {
        let Some(pool) = self.tables.the_pool() else { return Vec::new() };
        let mut marks = Vec::new();
        for captain in captains(&pool.other_config) {
            let when = match captain.connected {
                Some(at) if now.since(at) > OLD => continue,
                // Not how many seconds ago: that would never stand still.
                Some(at) if now.since(at) < DAY => format!(", connected last at {}", words::clock(at, &self.zone)),
                Some(at) => format!(", connected last {}", words::ago(now, at)),
                None => String::new(),
            };
            marks.push(format!("{} may act on this pool{when}", captain.name));
        }
        if let Some(at) = self.power_off_since {
            marks.push(format!(
                "auto_poweron was switched off at {}, as for a rolling reboot or update",
                words::clock_s(at, &self.zone)
            ));
        }
        marks.extend(self.foreign_work());
        marks
    }

    /// What is being done to hosts while no round of ours has a claim on the pool.
    fn foreign_work(&self) -> Vec<String> {
        let ours = self.tables.the_pool().is_none_or(|p| p.other_config.get("poolwatch:claim").is_some());
        let mut work: Vec<String> = Vec::new();
        for (_, host) in self.tables.hosts().filter(|_| !ours) {
            let does = |op: &HostOperation| host.current_operations.values().any(|o| o == op);
            let what = match () {
                () if does(&HostOperation::Reboot) => "is being rebooted",
                () if does(&HostOperation::Shutdown) => "is going down, for a shutdown or a reboot",
                () if does(&HostOperation::Evacuate) => "is being emptied",
                () => continue,
            };
            work.push(format!("{} {what}, and not by a round of poolwatch", words::name(&host.name_label)));
        }
        work.sort();
        work
    }

    /// Why nobody should begin a round now: somebody else seems to be at one. In words, and since when.
    pub(super) fn other_round(&self) -> Option<(String, Option<Time>)> {
        let pool = self.tables.the_pool()?;
        if pool.other_config.get("poolwatch:claim").is_some() {
            return None;
        }
        let work = self.foreign_work();
        // After so long it is how somebody wants it.
        let off = self.power_off_since.filter(|at| self.at.since(*at) < ROUND);
        if work.is_empty() && off.is_none() {
            return None;
        }
        let names: Vec<String> = captains(&pool.other_config).into_iter().take(NAMED).map(|c| c.name).collect();
        let who = if names.is_empty() {
            "somebody else".to_owned()
        } else {
            format!("somebody else, perhaps {},", words::list(&names))
        };
        let mut said = work;
        said.extend(off.map(|at| format!("auto_poweron was switched off at {}", words::clock_s(at, &self.zone))));
        Some((format!("{who} works on this pool: {}.", said.join("; ")), off))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_read_and_a_broken_one_is_still_a_card() {
        let card = r#"{"lastConnected":1795220468000,"networkInterfaces":{"lo":[{"address":"127.0.0.1","family":"IPv4","internal":true}],
            "eth0":[{"address":"fe80::1","family":"IPv6","internal":false},{"address":"10.1.0.9","family":"IPv4","internal":false}]}}"#;
        let config = Config::from([("xo:clientInfo:v9sc", card), ("xo:clientInfo:b\u{1b}ad", "{"), ("auto_poweron", "true")]);
        let found = captains(&config);
        assert_eq!(found[0].name, "Xen Orchestra v9sc at 10.1.0.9");
        assert_eq!(found[0].connected, Some(Time::from_secs(1_795_220_468)));
        assert!(found[1].name.starts_with("Xen Orchestra b") && !found[1].name.contains('\u{1b}'), "{found:?}");
        assert_eq!(found.len(), 2);
    }
}
