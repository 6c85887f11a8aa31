//! Hosts that went away and booted again without having been told to: what was seen of each, and what became of its guests.
//!
//! Only remembers. Why a host went down is said by [`crate::crash`], which reads what it left behind. A reboot that somebody asked for is kept out:
//! the host's `current_operations` held it, or the host was disabled and ran nothing.

use super::Pool;
use super::picture::Stage;
use super::words;
use crate::time::Time;
use crate::xenapi::record::{Class, HostCrashdump, Record, Ref};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Outages that are kept, the newest.
const KEPT: usize = 64;
/// Guests of one host that are remembered by name.
const GUESTS: usize = 1_024;
/// A dump whose time is this near to an outage is that outage's: a dump takes minutes to write, and clocks differ.
const DUMP_NEAR: Duration = Duration::from_secs(15 * 60);
/// Messages that are this near are about it.
const TOLD_NEAR: Duration = Duration::from_secs(15 * 60);

/// The key of `host_crashdump.other_config` that holds a cause which an operator let poolwatch write there.
pub const CAUSE_KEY: &str = "poolwatch-cause";

/// A host that may be going down, as long as nobody knows.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Suspect {
    /// The last sign of life before.
    alive: Option<Time>,
    /// When the first sign of trouble was seen.
    since: Time,
    /// Guests that ran on it then.
    guests: Vec<Ref>,
    /// Why this is no crash, if it is none.
    meant: Option<String>,
    /// How near a fence was told to be, the last time before.
    margin: Option<String>,
    /// It has answered since.
    well: bool,
}

/// A host that booted without having been told to.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Outage {
    number: u64,
    host: Ref,
    suspect: Suspect,
    was_booted: Option<Time>,
    booted: Time,
    back: Time,
}

/// Those of a pool.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Outages {
    suspects: BTreeMap<Ref, Suspect>,
    seen: VecDeque<Outage>,
    count: u64,
}

impl Outages {
    /// A host is gone from the pool. What was seen of it stays.
    pub fn gone(&mut self, host: &Ref) {
        self.suspects.remove(host);
    }
}

/// What became of a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fate {
    /// Its name.
    pub name: String,
    /// The host that it runs on now, if it runs; empty name: on one that is not known.
    pub on: Option<String>,
    /// Whether it still exists.
    pub exists: bool,
}

/// A dump that a host found when it started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dump {
    /// Its reference.
    pub r#ref: Ref,
    /// Its uuid.
    pub uuid: String,
    /// When it was made, as xapi has it: the time of the crash only if the folder's name is in UTC (xapi's `xapi_host_crashdump`).
    pub at: Option<Time>,
    /// Bytes.
    pub size: u64,
    /// The cause that the pool keeps with it, by the design's field or by an entry of ours.
    pub cause: Option<String>,
}

/// A crash of a host, as far as the pool tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutageView {
    /// Grows with every outage seen by this process; 0 for one that is only known by its dump.
    pub number: u64,
    /// The host.
    pub host: Ref,
    /// Its name.
    pub name: String,
    /// The last sign of life before.
    pub alive: Option<Time>,
    /// When it was seen to be in trouble.
    pub away: Option<Time>,
    /// When it had booted before.
    pub was_booted: Option<Time>,
    /// When it booted after it.
    pub booted: Option<Time>,
    /// When that was seen.
    pub back: Option<Time>,
    /// Guests that ran on it, and what became of them.
    pub guests: Vec<Fate>,
    /// How near a fence was told to be just before, in words.
    pub margin: Option<String>,
    /// What xapi wrote about it.
    pub told: Vec<(Time, String)>,
    /// Its dump, if there is one.
    pub dump: Option<Dump>,
}

impl OutageView {
    /// When it happened, as near as is known.
    pub fn at(&self) -> Time {
        self.alive.or(self.away).or(self.dump.as_ref().and_then(|d| d.at)).or(self.booted).unwrap_or_default()
    }
}

impl Pool {
    /// The first sign that a host may be going down: it does not answer, or is called down.
    pub(super) fn suspect(&mut self, host: &Ref, at: Time) {
        let meant = self.meant_to_go(host);
        if let Some(known) = self.outages.suspects.get_mut(host)
            && !known.well
        {
            known.meant = known.meant.take().or(meant);
            return;
        }
        let runs_guests = self.tables.guests().any(|(_, g)| g.on.as_ref() == Some(host));
        if let Some(known) = self.outages.suspects.get_mut(host)
            && known.well
            && known.meant.is_none()
            && !known.guests.is_empty()
            && !runs_guests
            && at.since(known.since) <= DUMP_NEAR
        {
            // A host that is starting answers now and then. It has lost its guests since it was suspected first, so it is the same trouble.
            known.well = false;
            known.meant = meant;
            return;
        }
        let mut guests: Vec<Ref> =
            self.tables.guests().filter(|(_, g)| g.on.as_ref() == Some(host)).map(|(r, _)| r.clone()).take(GUESTS).collect();
        guests.sort_unstable();
        let resting = guests.is_empty() && self.tables.host(host).is_some_and(|h| !h.enabled);
        let meant = meant.or(resting.then(|| "it was disabled and ran nothing".to_owned()));
        let alive = self.tracks.get(host).and_then(super::track::HostTrack::alive);
        let margin = self.probes.margin(host, at).filter(|m| m.level > crate::o2cb::margin::Level::Green);
        let margin = margin.map(|m| crate::o2cb::margin::Margin { host: self.name_of(host), ..m }.to_string());
        self.outages.suspects.insert(host.clone(), Suspect { alive, since: at, guests, meant, margin, well: false });
    }

    /// A host gave a sign of life. Its suspicion is kept until the next: that it booted may only be told after that.
    pub(super) fn unsuspect(&mut self, host: &Ref) {
        if let Some(known) = self.outages.suspects.get_mut(host) {
            known.well = true;
        }
    }

    /// A host was told to go down or to reboot.
    pub(super) fn expect_away(&mut self, host: &Ref, at: Time) {
        self.suspect(host, at);
        if let Some(known) = self.outages.suspects.get_mut(host) {
            known.meant = Some("it was told to".to_owned());
        }
    }

    /// A host has booted. Says whether nobody had asked for that.
    pub(super) fn note_boot(&mut self, host: &Ref, was_booted: Option<Time>, booted: Time, at: Time) -> bool {
        // A trouble that ended long before the boot was another one.
        let other = |known: &Suspect| known.well && booted.since(known.since) > DUMP_NEAR;
        if self.outages.suspects.get(host).is_none_or(other) {
            self.outages.suspects.remove(host);
            self.suspect(host, at);
        }
        let Some(suspect) = self.outages.suspects.remove(host) else { return false };
        if suspect.meant.is_some() {
            return false;
        }
        self.outages.count += 1;
        let number = self.outages.count;
        self.outages.seen.push_back(Outage { number, host: host.clone(), suspect, was_booted, booted, back: at });
        while self.outages.seen.len() > KEPT {
            self.outages.seen.pop_front();
        }
        true
    }

    fn meant_to_go(&self, host: &Ref) -> Option<String> {
        self.tracks.get(host).is_some_and(|t| t.going.is_some()).then(|| "it was told to".to_owned())
    }

    /// How many hosts were seen to boot without having been told to. Grows by one with each.
    pub const fn outages_seen(&self) -> u64 {
        self.outages.count
    }

    /// Crashes of the pool's hosts, as far as the pool tells, newest first: those that were seen, and those that left a dump.
    pub fn outages(&self) -> Vec<OutageView> {
        let mut dumps: Vec<(Ref, Dump)> = self.dumps().collect();
        dumps.sort_by(|a, b| a.1.at.cmp(&b.1.at).then_with(|| a.1.uuid.cmp(&b.1.uuid)));
        let mut out: Vec<OutageView> = Vec::new();
        for outage in &self.outages.seen {
            let from = outage.suspect.alive.unwrap_or(outage.suspect.since);
            let near = |at: Time| at + DUMP_NEAR >= from && at <= outage.back + DUMP_NEAR;
            let mine = dumps.iter().position(|(host, d)| *host == outage.host && d.at.is_some_and(near));
            out.push(OutageView {
                number: outage.number,
                was_booted: outage.was_booted,
                booted: Some(outage.booted),
                back: Some(outage.back),
                told: self.told_of(&outage.host, from, outage.back),
                dump: mine.map(|i| dumps.remove(i).1),
                ..self.suspected(&outage.host, &outage.suspect)
            });
        }
        for (host, dump) in dumps {
            let told = dump.at.map(|at| self.told_of(&host, at, at)).unwrap_or_default();
            out.push(OutageView {
                number: 0,
                name: self.name_of(&host),
                host,
                alive: None,
                away: None,
                was_booted: None,
                booted: None,
                back: None,
                guests: Vec::new(),
                margin: None,
                told,
                dump: Some(dump),
            });
        }
        out.sort_by(|a, b| b.at().cmp(&a.at()).then_with(|| b.number.cmp(&a.number)).then_with(|| a.name.cmp(&b.name)));
        out
    }

    /// Hosts that went without having been told to and are not back, as crashes whose end is not known.
    pub fn not_back(&self, now: Time) -> Vec<OutageView> {
        let gone = |host: &Ref| matches!(self.host_stage(host, None, now).0, Stage::Down | Stage::Silent);
        let open = self.outages.suspects.iter().filter(|(host, s)| !s.well && s.meant.is_none() && gone(host));
        open.map(|(host, suspect)| {
            let from = suspect.alive.unwrap_or(suspect.since);
            OutageView { told: self.told_of(host, from, now), ..self.suspected(host, suspect) }
        })
        .collect()
    }

    fn suspected(&self, host: &Ref, suspect: &Suspect) -> OutageView {
        OutageView {
            number: 0,
            name: self.name_of(host),
            host: host.clone(),
            alive: suspect.alive,
            away: Some(suspect.since),
            was_booted: self.tracks.get(host).and_then(|track| track.boot),
            booted: None,
            back: None,
            guests: suspect.guests.iter().map(|g| self.fate(g)).collect(),
            margin: suspect.margin.clone(),
            told: Vec::new(),
            dump: None,
        }
    }

    fn fate(&self, guest: &Ref) -> Fate {
        self.tables.guest(guest).map_or_else(
            || Fate { name: words::name(guest.as_str()), on: None, exists: false },
            |g| Fate { name: words::name(&g.name), on: g.on.as_ref().map(|host| self.name_of(host)), exists: true },
        )
    }

    fn dumps(&self) -> impl Iterator<Item = (Ref, Dump)> {
        self.tables.of(Class::HostCrashdump).filter_map(|(r, record)| match record {
            Record::HostCrashdump(dump) => Some((dump.host.clone(), dump_view(r, dump))),
            _ => None,
        })
    }

    /// What xapi wrote about a host around that time.
    fn told_of(&self, host: &Ref, from: Time, to: Time) -> Vec<(Time, String)> {
        let Some(uuid) = self.tables.host(host).map(|h| &h.uuid) else { return Vec::new() };
        let near = |at: Time| at + TOLD_NEAR >= from && at <= to + TOLD_NEAR;
        let mut out: Vec<(Time, String)> = self
            .tables
            .of(Class::Message)
            .filter_map(|(_, record)| match record {
                Record::Message(m) if m.obj_uuid == *uuid && m.timestamp.0.is_some_and(near) => {
                    Some((m.timestamp.0.unwrap_or_default(), words::name(&m.name)))
                }
                _ => None,
            })
            .collect();
        out.sort();
        out
    }
}

fn dump_view(r: &Ref, dump: &HostCrashdump) -> Dump {
    let kept = dump.other_config.get(CAUSE_KEY).filter(|c| !c.is_empty());
    Dump {
        r#ref: r.clone(),
        uuid: words::name(&dump.uuid),
        at: dump.timestamp.0.filter(|at| *at != Time::EPOCH),
        size: dump.size,
        cause: dump.cause.as_deref().filter(|c| !c.is_empty()).or(kept).map(words::name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::scene::{Scene, host, metrics, r, t};
    use crate::xenapi::record::{Config, Date, HostOperation, Message, Vm};

    fn with_guest() -> Scene {
        Scene::with(3, |s| {
            let vm = Vm { name_label: "db".into(), resident_on: r("h2"), power_state: "Running".into(), ..Vm::default() };
            s.set("vm", Record::Vm(vm));
        })
    }

    fn boots(s: &mut Scene, n: usize, at: f64) {
        let booted = t(at).as_millis() / 1000;
        let mut record = host(n);
        record.other_config = Config::from([("boot_time", format!("{booted}.").as_str())]);
        s.set(&format!("h{n}"), Record::Host(record));
    }

    #[test]
    fn a_host_that_boots_unasked_is_an_outage_with_its_guests() {
        let mut s = with_guest();
        s.pass(60.0);
        s.mute = vec![2];
        s.answer(2, Err("CANNOT_CONTACT_HOST"));
        // xapi declares its guests halted while it is away; the record of a dump appears after it.
        s.set("vm", Record::Vm(Vm { name_label: "db".into(), power_state: "Halted".into(), ..Vm::default() }));
        s.set("m2", Record::HostMetrics(metrics(false)));
        s.pass(120.0);
        s.mute.clear();
        s.answers();
        boots(&mut s, 2, 150.0);
        let told = Message {
            name: "HA_HOST_WAS_FENCED".into(),
            obj_uuid: host(2).uuid,
            timestamp: Date(Some(t(100.0))),
            ..Message::default()
        };
        s.set("message", Record::Message(told));
        let dump = HostCrashdump { uuid: "d".into(), host: r("h2"), timestamp: Date(Some(t(70.0))), ..HostCrashdump::default() };
        s.set("dump", Record::HostCrashdump(dump));
        assert_eq!(s.pool.outages_seen(), 1);
        let all = s.pool.outages();
        let [one] = all.as_slice() else { panic!("one outage: {all:?}") };
        assert_eq!((one.name.as_str(), one.booted, one.away), ("xcp2", Some(t(150.0)), Some(t(60.0))));
        assert_eq!(one.guests, [Fate { name: "db".into(), on: None, exists: true }]);
        assert_eq!(one.dump.as_ref().map(|d| d.uuid.as_str()), Some("d"));
        assert_eq!(one.told, [(t(100.0), "HA_HOST_WAS_FENCED".to_owned())]);
    }

    #[test]
    fn a_host_that_answers_now_and_then_while_it_starts_is_still_the_same_outage() {
        let mut s = with_guest();
        s.pass(60.0);
        // HA gives it up: disabled, not live, its guest is told to have gone.
        let mut gone = host(2);
        gone.enabled = false;
        s.set("h2", Record::Host(gone.clone()));
        s.set("m2", Record::HostMetrics(metrics(false)));
        s.set("vm", Record::Vm(Vm { name_label: "db".into(), power_state: "Halted".into(), ..Vm::default() }));
        s.mute = vec![2];
        s.answer(2, Err("HOST_OFFLINE"));
        s.pass(40.0);
        s.mute.clear();
        s.answers();
        s.answer(2, Err("HOST_OFFLINE"));
        gone.other_config = Config::from([("boot_time", format!("{}.", t(95.0).as_millis() / 1000).as_str())]);
        s.set("h2", Record::Host(gone));
        let all = s.pool.outages();
        let [one] = all.as_slice() else { panic!("one outage: {all:?}") };
        assert_eq!((one.guests.len(), one.away), (1, Some(t(60.0))));
    }

    #[test]
    fn a_host_that_is_away_and_was_not_told_to_is_known_before_it_is_back() {
        let mut s = with_guest();
        s.pass(60.0);
        s.mute = vec![2];
        s.answer(2, Err("CANNOT_CONTACT_HOST"));
        s.set("m2", Record::HostMetrics(metrics(false)));
        s.pass(60.0);
        let open = s.pool.not_back(t(120.0));
        let [one] = open.as_slice() else { panic!("one: {open:?}") };
        assert_eq!((one.name.as_str(), one.booted, one.guests.len()), ("xcp2", None, 1));
        s.mute.clear();
        s.answers();
        s.set("m2", Record::HostMetrics(metrics(true)));
        assert_eq!(s.pool.not_back(t(121.0)), Vec::new());
    }

    #[test]
    fn a_reboot_that_was_asked_for_is_none() {
        let mut s = with_guest();
        s.pass(30.0);
        let mut going = host(2);
        going.current_operations = [("task".into(), HostOperation::Reboot)].into_iter().collect();
        s.set("h2", Record::Host(going));
        s.mute = vec![2];
        s.pass(120.0);
        s.mute.clear();
        s.answers();
        boots(&mut s, 2, 150.0);
        assert_eq!((s.pool.outages_seen(), s.pool.outages()), (0, Vec::new()));
        // The next, unasked, is one.
        s.pass(600.0);
        boots(&mut s, 2, 700.0);
        assert_eq!(s.pool.outages_seen(), 1);
    }

    #[test]
    fn a_dump_from_before_is_listed_by_itself() {
        let mut s = Scene::new(2);
        let mut dump =
            HostCrashdump { uuid: "old".into(), host: r("h1"), timestamp: Date(Some(t(-90_000.0))), ..HostCrashdump::default() };
        dump.other_config = Config::from([(CAUSE_KEY, "o2cb")]);
        s.set("dump", Record::HostCrashdump(dump));
        let all = s.pool.outages();
        assert_eq!(
            all.iter().map(|o| (o.number, o.at(), o.dump.as_ref().and_then(|d| d.cause.clone()))).collect::<Vec<_>>(),
            [(0, t(-90_000.0), Some("o2cb".to_owned()))]
        );
        assert_eq!(s.pool.outages_seen(), 0);
    }
}
