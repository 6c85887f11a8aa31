//! What one observation changes. Remembers and tells changes; what they mean is decided elsewhere.

use super::Pool;
use super::alerts::{self, Own};
use super::limits::{AWAY, BOOTING, FRESH, LOST_LINK, SETTLE};
use super::picture::{Dialect, Health, PathKind, Stage};
use super::rebuild::{self, Going, News};
use super::tables::Change;
use super::track::{Flag, HostTrack, Return};
use super::words;
use crate::observation::{Answer, Link, Observation, Outcome, Probed, Rewind, Seen, Via};
use crate::text::duration;
use crate::time::Time;
use crate::xenapi::record::{Class, Host, HostMetrics, HostOperation, Pbd, Pool as PoolRecord, Record, Ref, Task};
use std::sync::Arc;
use std::time::Duration;

mod storage;
mod tick;

/// xapi writes what the hosts see of the statefile about every 20 s.
const LATE: Duration = Duration::from_secs(20);

impl Pool {
    /// Takes in one observation. Never fails: what makes no sense is ignored, what cannot be read is counted.
    pub fn apply(&mut self, o: &Observation) {
        let at = o.at.max(self.at);
        self.at = at;
        match &o.seen {
            Seen::Link(link) => self.fold_link(link, at),
            Seen::Resync { classes, why } => {
                self.link.begin(classes, why);
                for class in classes {
                    self.tables.begin(*class);
                }
            }
            Seen::Synced { classes } => self.fold_synced(classes, at),
            Seen::Set { r#ref, record } => {
                self.fold_set(r#ref, record, at);
                self.link.hear(at);
            }
            Seen::Gone { class, r#ref } => {
                self.fold_gone(*class, r#ref, false, at);
                self.link.hear(at);
            }
            Seen::Unreadable { class, why, .. } => {
                self.unreadable += 1;
                let text = format!("a {} record could not be read and is left out: {}", words::name(class), words::name(why));
                self.alerts.say(Own::pool(at, "unreadable", Health::Degraded, text));
            }
            Seen::Heard { generation } => self.fold_heard(*generation, at),
            Seen::Answer(answer) => self.fold_answer(answer, at),
            Seen::Samples { host, values, .. } => self.fold_samples(host, values, at),
            Seen::Week { host, week } => self.heartbeats.archive(host, week, at),
            Seen::Paths { paths } => self.paths.recall(paths),
            Seen::Probe { host, told } => {
                self.probes.told(host, told, at);
                if let Probed::Report(report) = told {
                    let uuid = self.tables.host(host).map(|h| h.uuid.clone()).unwrap_or_default();
                    self.heartbeats.probed(host, &uuid, report, at);
                }
                let (stage, _) = self.host_stage(host, None, at);
                self.tell_fence(host, stage, at);
            }
            Seen::WentBack(rewind) => self.fold_rewind(rewind, at),
        }
        self.tick(at);
    }

    fn fold_link(&mut self, link: &Link, at: Time) {
        let known = self.link.heard.is_some();
        if matches!(link, Link::Lost { .. } | Link::Refused { .. }) && !self.link.broken {
            self.link.keeper = self.keeper();
        }
        // Whoever was out of reach for longer may have been cut off from storage too, and have called a rebuild over that could not go on.
        if matches!(link, Link::Live { .. }) && self.link.heard.is_none_or(|heard| at.since(heard) >= LOST_LINK) {
            self.link.keeper = None;
        }
        self.link.change(link, at);
        match link {
            // A session that ended is renewed at once, and nothing was lost by that: only what breaks or is refused is news.
            Link::Lost { error, .. } | Link::Refused { error } if known && !self.link.told_lost => {
                self.link.told_lost = true;
                let text = format!("the connection to the pool was lost: {}", words::name(error));
                self.alerts.say(Own::pool(at, "link-lost", Health::Degraded, text));
            }
            Link::Live { .. } if self.link.told_lost => {
                self.link.told_lost = false;
                let text = "connected to the pool again".into();
                self.alerts.say(Own::pool(at, "link-found", Health::Good, text));
            }
            _ => {}
        }
    }

    fn fold_synced(&mut self, classes: &[Class], at: Time) {
        // What is gone of one class is judged by what was read of the others.
        let gone: Vec<(Class, Vec<Ref>)> = classes.iter().map(|class| (*class, self.tables.end(*class))).collect();
        for (class, gone) in gone {
            for gone in gone {
                self.fold_gone(class, &gone, true, at);
            }
        }
        if classes.contains(&Class::Pbd) {
            self.missing_maps(at);
        }
        if self.link.end(classes, at) {
            self.link.broken = false;
        }
        self.link.hear(at);
    }

    fn fold_heard(&mut self, generation: Option<u64>, at: Time) {
        self.link.hear(at);
        let Some(new) = generation else { return };
        if let Some(old) = self.link.generation
            && new < old
        {
            self.tell_rewind(old, new, at);
        }
        self.link.generation = Some(new);
    }

    fn tell_rewind(&mut self, from: u64, to: u64, at: Time) {
        // It is found in two ways, and told once.
        if self.link.rewound.replace((from, to)) == Some((from, to)) {
            return;
        }
        self.went_back = Some(at);
        let text = format!(
            "the pool's database went back in time (from change {from} to {to}): a coordinator with an older copy took over; \
             what was changed in between is lost"
        );
        self.alerts.say(Own::pool(at, "database-went-back", Health::Failed, text));
    }

    fn fold_rewind(&mut self, rewind: &Rewind, at: Time) {
        self.tell_rewind(rewind.from, rewind.to, rewind.at.min(at));
        if !rewind.changes.is_empty() {
            let text = super::control::rewind_words(rewind);
            self.alerts.say(Own::pool(rewind.at.min(at), "database-lost", Health::Failed, text));
        }
        self.rewind = Some(rewind.clone());
    }

    fn fold_set(&mut self, r: &Ref, shared: &Arc<Record>, at: Time) {
        let record = &**shared;
        if let Record::Message(message) = record {
            if alerts::is_noise(&message.name) {
                return;
            }
            if let Some(oldest) = self.alerts.message(r, message) {
                self.tables.remove(Class::Message, &oldest);
                if oldest == *r {
                    return;
                }
            }
        }
        let old = match self.tables.set(r, Arc::clone(shared)) {
            Change::Added => None,
            Change::Was(old) => Some(old),
            Change::Same => return,
        };
        match (record, old.as_deref()) {
            (Record::Host(new), Some(Record::Host(old))) => self.fold_host(r, new, Some(old), at),
            (Record::Host(new), _) => self.fold_host(r, new, None, at),
            (Record::HostMetrics(new), Some(Record::HostMetrics(old))) => self.fold_metrics(r, new, Some(old), at),
            (Record::HostMetrics(new), _) => self.fold_metrics(r, new, None, at),
            (Record::Pool(new), Some(Record::Pool(old))) => self.fold_pool(new, old, at),
            (Record::Task(task), _) => self.fold_task(r, task, at),
            (Record::Pbd(new), Some(Record::Pbd(old))) => self.fold_pbd(r, new, Some(old), at),
            (Record::Pbd(new), _) => self.fold_pbd(r, new, None, at),
            (Record::Pif(pif), _) => self.fold_pif(r, pif, at),
            (Record::PifMetrics(metrics), _) => self.fold_carrier(r, metrics.carrier, at),
            (Record::Bond(bond), _) => self.fold_bond(r, bond, at),
            (Record::ClusterHost(member), _) => {
                if member.enabled {
                    self.joined.insert(r.clone());
                }
                if let Some(track) = self.tracks.get_mut(&member.host) {
                    let lost = member.enabled && member.live == Some(false);
                    track.cluster_lost = if lost { track.cluster_lost.or(Some(at)) } else { None };
                }
            }
            (Record::Message(new), Some(Record::Message(old))) if new.timestamp != old.timestamp => {
                self.alerts.forget(r, old);
                self.alerts.message(r, new);
            }
            _ => {}
        }
    }

    fn fold_host(&mut self, r: &Ref, new: &Host, old: Option<&Host>, at: Time) {
        if old.is_none_or(|old| (&old.name_label, &old.uuid) != (&new.name_label, &new.uuid)) {
            self.call_the_roll();
        }
        let first = !self.tracks.contains_key(r);
        let track = self.tracks.entry(r.clone()).or_insert_with(|| HostTrack::new(at));
        Flag::update(&mut track.enabled, new.enabled, at);
        let going = new.current_operations.values().any(|op| matches!(op, HostOperation::Shutdown | HostOperation::Reboot));
        if going && track.going.is_none() {
            track.going = Some(at);
        } else if !going {
            track.going = None;
        }
        let started = going && track.going == Some(at);
        let (boot, agent) = (new.boot_time(), new.agent_start_time());
        let was_booted = track.boot;
        let booted = boot.is_some() && track.boot.is_some() && boot != track.boot;
        let restarted = agent.is_some() && track.agent.is_some() && agent != track.agent;
        track.boot = boot.or(track.boot);
        track.agent = agent.or(track.agent);
        if first && let Some(agent) = agent.filter(|a| *a <= at && at.since(*a) < SETTLE) {
            track.back = Some((agent, Return::Toolstack));
        } else if first && !new.enabled && boot.is_some_and(|b| b <= at && at.since(b) < BOOTING) {
            track.back = Some((at, Return::Booted));
        }
        if old.is_some_and(|o| o.metrics != new.metrics) || first {
            self.metrics_of.insert(new.metrics.clone(), r.clone());
            if let Some(live) = self.tables.metrics(&new.metrics).map(|m| m.live)
                && let Some(track) = self.tracks.get_mut(r)
            {
                Flag::update(&mut track.live, live, at);
            }
        }
        if started {
            self.expect_away(r, at);
            self.keep_storage(r);
        }
        if restarted && self.is_coordinator(r) {
            self.rebuilds.doubt(at);
        }
        if booted {
            if let Some(boot) = boot
                && self.note_boot(r, was_booted, boot, at)
            {
                let text = format!("{} went down without having been told to, and has booted again", self.name_of(r));
                self.alerts.say(Own::host(at, "host-crashed", Health::Failed, r, text));
            }
            self.came_back(r, Return::Booted, at);
        } else if restarted {
            let already =
                self.tracks.get(r).and_then(|t| t.back).is_some_and(|(back, _)| at.since(back) < Duration::from_secs(600));
            if !already {
                self.came_back(r, Return::Toolstack, at);
            }
        }
        match (&new.memberships, self.dialect) {
            (Some(_), _) => self.dialect = Dialect::Designed,
            (None, Dialect::Unknown) => self.dialect = Dialect::Shipped,
            // The code of a refusal said so, and says more than a field that is not there.
            (None, _) => {}
        }
        for event in self.paths.maps(r, r, &new.other_config, at) {
            self.tell_path(&event, at);
        }
        self.fold_statefiles(r, at);
        self.mark_ready(r, at);
    }

    fn fold_metrics(&mut self, r: &Ref, new: &HostMetrics, old: Option<&HostMetrics>, at: Time) {
        let Some(host) = self.metrics_of.get(r).cloned() else { return };
        let reading = self.tables.is_reading(Class::HostMetrics);
        let Some(track) = self.tracks.get_mut(&host) else { return };
        let turned = Flag::update(&mut track.live, new.live, at);
        if turned && !new.live {
            track.away = Some(at);
            track.ready = None;
            if track.going.is_none() {
                self.keep_storage(&host);
            }
            self.suspect(&host, at);
        }
        let moved = old.is_some_and(|o| (o.memory_free, o.memory_total) != (new.memory_free, new.memory_total));
        if !reading && new.live && (moved || turned) {
            self.alive_again(&host, at);
            if let Some(track) = self.tracks.get_mut(&host) {
                track.beat = Some(at);
            }
            self.rounds.beat(at);
        }
        if turned && new.live {
            self.came_back(&host, Return::Live, at);
        }
    }

    /// A sign of life: if it was silent for long, it has been away.
    fn alive_again(&mut self, host: &Ref, at: Time) {
        let Some(track) = self.tracks.get(host) else { return };
        let quiet = at.since(track.alive().unwrap_or(track.first));
        if matches!(track.told, Some((Stage::Silent, _))) && quiet >= AWAY && track.live.is_some_and(|l| l.is) {
            self.came_back(host, Return::Heard, at);
        }
    }

    fn came_back(&mut self, host: &Ref, why: Return, at: Time) {
        let name = self.name_of(host);
        let Some(track) = self.tracks.get_mut(host) else { return };
        let soon = track.back.is_some_and(|(back, _)| at.since(back) < SETTLE) && track.ready.is_none();
        if soon && why != Return::Live {
            return; // one return shows in several ways
        }
        track.back = Some((at, why));
        track.ready = None;
        track.failed = None;
        let boot = track.boot;
        let text = match (why, boot) {
            (Return::Booted, Some(boot)) => format!("{name} was booted at {}", words::clock_s(boot, &self.zone)),
            (Return::Live | Return::Booted, _) => format!("{name} is back"),
            (Return::Heard, _) => format!("{name} is heard again after having been silent"),
            (Return::Toolstack, _) => format!("the toolstack of {name} was started again"),
        };
        let kind = match why {
            Return::Booted => "boot-time-changed",
            Return::Toolstack => "toolstack-restarted",
            Return::Live | Return::Heard => "host-back",
        };
        self.alerts.say(Own::host(at, kind, Health::Good, host, text));
        self.mark_ready(host, at);
    }

    fn fold_answer(&mut self, answer: &Answer, at: Time) {
        let through = answer.via == Via::Servertime;
        let code = match &answer.outcome {
            Outcome::Ok { .. } => None,
            Outcome::Failed { code, .. } => Some(code.is_some()),
        };
        if through && code.is_none_or(|told| told) {
            self.link.hear(at);
        }
        let well = matches!(answer.outcome, Outcome::Ok { .. });
        if well {
            self.alive_again(&answer.host, at);
            self.unsuspect(&answer.host);
        }
        if let Some(track) = self.tracks.get_mut(&answer.host) {
            track.answer(answer, at);
            if !well && track.failed.is_some() {
                self.suspect(&answer.host, at);
            }
        }
    }

    fn fold_samples(&mut self, host: &Ref, values: &[(String, f64)], at: Time) {
        let Some(track) = self.tracks.get_mut(host) else { return };
        self.heartbeats.sampled(host, values, at);
        for (name, value) in values.iter().filter(|(_, v)| v.is_finite()) {
            match name.as_str() {
                "memory_free_kib" => track.free_kib = Some((at, *value)),
                _ if name.starts_with("statefile/") && name.ends_with("/latency") => track.heartbeat_s = Some((at, *value)),
                _ => {}
            }
        }
    }

    fn fold_pool(&mut self, new: &PoolRecord, old: &PoolRecord, at: Time) {
        if new.master != old.master {
            let (now, was) = (self.name_of(&new.master), self.name_of(&old.master));
            let text = format!("{now} is the coordinator now; it was {was}");
            self.alerts.say(Own::pool(at, "coordinator-changed", Health::Degraded, text));
        }
        if new.ha_enabled != old.ha_enabled {
            let text = if new.ha_enabled { "HA was switched on" } else { "HA was switched off" };
            self.alerts.say(Own::pool(at, "ha-changed", Health::Good, text.into()));
            let hosts: Vec<Ref> = self.tracks.keys().cloned().collect();
            for host in hosts {
                self.fold_statefiles(&host, at);
            }
        }
        self.fold_captains(new, old, at);
        let upgrading = |p: &PoolRecord| super::control::rolling_upgrade(p);
        if upgrading(new) != upgrading(old) {
            let text = if upgrading(new) { "a rolling pool upgrade began" } else { "the rolling pool upgrade ended" };
            self.alerts.say(Own::pool(at, "rolling-upgrade", Health::Good, text.into()));
        }
    }

    /// With HA on, a host without statefiles has lost them (`xapi_ha.ml` writes what it can reach every 20 s).
    fn fold_statefiles(&mut self, host: &Ref, at: Time) {
        let Some(pool) = self.tables.the_pool() else { return };
        let lost = pool.ha_enabled
            && !pool.ha_statefiles.is_empty()
            && self.tables.host(host).is_some_and(|h| h.ha_statefiles.is_empty());
        let name = self.name_of(host);
        // xapi is late by up to its 20 s; a path of this host that went just before says better when it was.
        let paths = self.paths.iter().filter(|(key, _)| key.host == *host).filter_map(|(_, path)| {
            let (up, _, since) = path.now(at);
            since.filter(|since| up == 0 && at.since(*since) <= LATE)
        });
        let since = paths.min().unwrap_or(at - LATE);
        let timeout = self.ha_timeout().map_or(super::control::HA_TIMEOUT, |(seconds, _)| seconds);
        let Some(track) = self.tracks.get_mut(host) else { return };
        if !lost || track.live.is_some_and(|l| !l.is) {
            if track.statefile_lost.take().is_some() && track.live.is_some_and(|l| l.is) {
                let text = format!("{name} writes the HA statefile again: no fence is coming for it");
                self.alerts.say(Own::host(at, "statefile-back", Health::Good, host, text));
            }
        } else if track.statefile_lost.is_none()
            && track.live.is_some_and(|l| l.is)
            // One that is not heard any more has lost more than that, and HA may just have given it up.
            && track.alive().is_some_and(|alive| at.since(alive) < FRESH)
            // One that has just come back has none until xapi looks the next time.
            && track.back.is_none_or(|(back, _)| at.since(back) >= SETTLE)
        {
            track.statefile_lost = Some(since);
            let left = (timeout - at.since(since).as_secs_f64()).max(0.0).floor();
            let text = format!(
                "{name} lost the HA statefile: it restarts itself in about {left} s if that lasts, and its guests die with it. Do: bring its storage \
                 paths back (cable, switch port, HBA), or move what must survive off it now"
            );
            self.alerts.say(Own::host(at, "statefile-lost", Health::Failed, host, text));
        }
    }

    fn fold_task(&mut self, r: &Ref, task: &Task, at: Time) {
        match task.error_info.first().map(|c| &**c) {
            Some("MIRROR_REBUILD_IN_PROGRESS") => self.dialect = Dialect::Designed,
            Some("CLUSTERED_SR_DEGRADED") => self.dialect = Dialect::Shipped,
            _ => {}
        }
        if !rebuild::is_rebuild(task) {
            return;
        }
        let sr = self.sr_of(task);
        let since = task.created.0.filter(|made| *made <= at).unwrap_or(at);
        let after = self.returned_before(since);
        match self.rebuilds.task(r, task, sr.clone(), after, at) {
            News::Began => {
                let sr = self.sr_name(sr.as_ref());
                let text = format!("{sr} began to rebuild its mirrors");
                self.alerts.say(Own::pool(at, "rebuild-began", Health::Degraded, text).about(r));
            }
            News::Ended => self.tell_rebuild_end(r, at),
            News::Nothing => {}
        }
    }

    /// The host that came back last before `since`, if that was not long before.
    fn returned_before(&self, since: Time) -> Option<Ref> {
        self.tracks
            .iter()
            .filter_map(|(r, t)| t.back.map(|(back, _)| (back, r)))
            .filter(|(back, _)| *back <= since + Duration::from_secs(5) && since.since(*back) < Duration::from_secs(900))
            .max()
            .map(|(_, r)| r.clone())
    }

    fn tell_rebuild_end(&mut self, r: &Ref, at: Time) {
        let Some((_, known)) = self.rebuilds.iter().find(|(task, _)| *task == r) else { return };
        let sr = self.sr_name(known.sr.as_ref());
        let (health, text) = match &known.phase {
            rebuild::Phase::Lost(_, why) => (Health::Degraded, format!("{sr}: the rebuild cannot be seen any more: {why}")),
            rebuild::Phase::Failed(_, why) => (Health::Failed, format!("{sr}: the rebuild stopped before it was done: {why}")),
            _ => (Health::Good, format!("{sr} rebuilt its mirrors in {}", duration(at.since(known.since)))),
        };
        self.alerts.say(Own::pool(at, "rebuild-ended", health, text).about(r));
    }

    fn fold_gone(&mut self, class: Class, r: &Ref, unseen: bool, at: Time) {
        let old = self.tables.remove(class, r);
        match old.as_deref() {
            Some(Record::Task(task)) => {
                let read = [Class::Pool, Class::Host].iter().all(|class| !self.tables.is_reading(*class));
                let going = match (&self.link.keeper, self.keeper()) {
                    _ if !(unseen && self.link.broken) => Going::Seen,
                    (Some(then), Some(now)) if read && *then == now => Going::Missed,
                    _ => Going::Unknown,
                };
                let news = self.rebuilds.gone(r, Some(task), going, at, self.coordinators_time(at));
                if news == News::Ended {
                    self.tell_rebuild_end(r, at);
                }
            }
            Some(Record::Host(host)) => {
                let text = format!("{} left the pool", words::name(&host.name_label));
                self.alerts.say(Own::pool(at, "host-gone", Health::Degraded, text));
                self.metrics_of.remove(&host.metrics);
                self.tracks.remove(r);
                self.outages.gone(r);
                self.probes.gone(r);
                self.heartbeats.gone(r);
                self.pbds_of.remove(r);
                self.skewed.remove(r);
                self.paths.forget(r);
                self.call_the_roll();
            }
            Some(Record::Pbd(pbd)) => self.drop_pbd(r, &pbd.host),
            Some(Record::Bond(_)) => self.paths.forget(r),
            Some(Record::Pif(pif)) => {
                self.paths.forget(r);
                if self.pif_of.get(&pif.metrics) == Some(r) {
                    self.pif_of.remove(&pif.metrics);
                }
            }
            Some(Record::ClusterHost(member)) => {
                self.joined.remove(r);
                if let Some(track) = self.tracks.get_mut(&member.host) {
                    track.cluster_lost = None;
                }
            }
            Some(Record::Message(message)) => self.alerts.forget(r, message),
            _ => {}
        }
    }

    fn tell_path(&mut self, event: &super::paths::Event, at: Time) {
        let host = self.name_of(&event.key.host);
        let what = self.path_name(&event.key);
        let lost = event.up < event.was;
        let text = match event.key.kind {
            PathKind::Link if event.up == 0 => format!("{host}: link {what} is down"),
            PathKind::Link => format!("{host}: link {what} is up again"),
            _ => format!("{host} has {} of {} paths to {what}", event.up, event.total),
        };
        let health = match (lost, event.up) {
            (true, 0) => Health::Failed,
            (true, _) => Health::Degraded,
            _ => Health::Good,
        };
        let name = if lost { "path-lost" } else { "path-restored" };
        self.alerts.say(Own::host(at, name, health, &event.key.host, text).about(&event.key.source));
    }

    pub(super) fn sr_name(&self, sr: Option<&Ref>) -> String {
        sr.map(|r| self.name_of(r)).filter(|n| !n.is_empty()).map_or_else(|| "an SR".into(), |n| format!("SR {n}"))
    }

    /// The SR that a rebuild task speaks of: by reference, by uuid, by name, or the only one there is.
    pub(super) fn sr_of(&self, task: &Task) -> Option<Ref> {
        let said = task.name_description.trim();
        if said.starts_with("OpaqueRef:") {
            return Some(said.into());
        }
        let words = said.split(|c: char| !(c.is_ascii_hexdigit() || c == '-'));
        if let Some(found) = words.filter(|w| w.len() == 36).find_map(|w| self.tables.by_uuid(w)) {
            return Some(found.clone());
        }
        let text = format!("{} {said}", task.name_label);
        let clustered: Vec<_> = self.tables.srs().filter(|(_, sr)| sr.clustered).collect();
        let named = clustered.iter().filter(|(_, sr)| !sr.name_label.is_empty() && text.contains(&*sr.name_label));
        if let Some((r, _)) = named.max_by_key(|(r, sr)| (sr.name_label.len(), *r)) {
            return Some((*r).clone());
        }
        match clustered.as_slice() {
            [(only, _)] => Some((*only).clone()),
            _ => None,
        }
    }

    pub(super) fn path_name(&self, key: &super::paths::Key) -> String {
        match key.kind {
            PathKind::Boot => "the root disk".into(),
            PathKind::Multipath => format!("LUN {}", words::name(&key.id)),
            PathKind::Bond => {
                let master = self.tables.bond(&key.source).and_then(|b| self.tables.pif(&b.master));
                master.map_or_else(|| "bond".into(), |pif| words::name(&pif.device))
            }
            PathKind::Link => self.tables.pif(&key.source).map_or_else(|| "link".into(), |pif| words::name(&pif.device)),
        }
    }

    /// PBDs of a host, in no order.
    pub fn pbds(&self, host: &Ref) -> impl Iterator<Item = (&Ref, &Pbd)> {
        self.pbds_of.get(host).into_iter().flatten().filter_map(|r| self.tables.pbd(r).map(|p| (r, p)))
    }
}
