//! What goes on by itself: the round of hosts, busy guests, timed events.

use super::jobs::Job;
use super::ops::HostOp;
use super::state::{Power, Stage, secs};
use super::{Core, Due, Fault};
use crate::time::Time;
use std::time::Duration;

/// How often the round looks whether it can go on.
const LOOK: Duration = Duration::from_secs(1);

/// Where the round of hosts is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Before the next host; until then.
    Pause(Time),
    /// Its guests are leaving: the job.
    Leaving(Option<u64>),
    /// The update is applied; until then.
    Updating(Time),
    /// It was told to reboot.
    Rebooting(Time),
    /// It is back; mirrors resync.
    Settling(Option<Time>),
}

/// A round of hosts.
#[derive(Clone, Copy, Debug)]
pub struct Director {
    /// The host whose turn it is.
    pub host: usize,
    /// What it is at.
    pub phase: Phase,
}

impl Core {
    /// Sets the timers of the scenario's own activity.
    pub(super) fn begin_activity(&mut self) {
        if let Some(round) = self.activity.round {
            let host = usize::from((round.members_first || round.skip_coordinator) && self.hosts.len() > 1);
            self.director = Some(Director { host, phase: Phase::Pause(self.now + secs(round.start_s)) });
            self.timers.set(self.now + secs(round.start_s), Due::Director);
        }
        if self.activity.busy.is_some() {
            self.timers.set(self.now + Duration::from_secs(1), Due::Busy);
        }
        for at in 0..self.events.len() {
            if let Some((after, _)) = self.events.get(at) {
                self.timers.set(self.now + *after, Due::Event(at));
            }
        }
    }

    /// A timed event of the scenario.
    pub(super) fn event_due(&mut self, at: usize) {
        let Some((_, fault)) = self.events.get(at).cloned() else { return };
        // A fault that the world is not in a state for is left out; the next may fit again.
        let _ = self.inject(fault);
        self.grant_wishes();
        if let Some(every) = self.activity.repeat_events_s {
            self.timers.set(self.now + secs(every), Due::Event(at));
        }
    }

    // ---- the round ----

    /// The round looks whether it can go on.
    pub(super) fn direct(&mut self) {
        let Some(mut director) = self.director else { return };
        let Some(round) = self.activity.round else { return };
        let now = self.now;
        let host = director.host;
        match director.phase {
            Phase::Pause(until) if now >= until => {
                // Guests on their way cannot be moved away again before they have arrived.
                let moving = self.guests.iter().any(|g| g.busy.is_some());
                let ready = self.coordinator_up() && self.all_well() && !moving;
                if ready && self.take_out(host).is_ok() {
                    let task = self.new_task("Async.host.evacuate", "", Some(host), None);
                    match self.begin_evacuate(host, 0, Job::client(task)) {
                        Ok(id) => director.phase = Phase::Leaving(Some(id)),
                        Err((job, failure)) => {
                            self.finish(job, Err(failure));
                            self.put_back(host);
                            director = self.next_host(director, round.skip_coordinator, secs(round.pause_s));
                        }
                    }
                }
            }
            Phase::Leaving(Some(id)) if !self.jobs.contains_key(&id) => {
                if self.guests_on(host).is_empty() {
                    let wait = if round.update { secs(round.update_s) } else { Duration::ZERO };
                    if round.update {
                        self.apply_update(host);
                    }
                    director.phase = Phase::Updating(now + wait);
                } else {
                    self.put_back(host);
                    director = self.next_host(director, round.skip_coordinator, secs(round.pause_s));
                }
            }
            Phase::Updating(until)
                if now >= until && self.check_host_op(host, HostOp::Reboot).is_ok() && self.coordinator_up() =>
            {
                let task = self.new_task("Async.host.reboot", "", Some(host), None);
                self.leave(host, true, super::truth::Cause::Round);
                self.end_task(&task, Ok(crate::sim::value::Value::Void));
                director.phase = Phase::Rebooting(now);
            }
            Phase::Rebooting(since) => {
                let back = self.hosts.get(host).is_some_and(|h| h.booted > since && h.stage == Stage::Up && h.enabled);
                if back {
                    director.phase = Phase::Settling(None);
                }
            }
            Phase::Settling(since) => {
                let quiet = self.all_well();
                let since = if quiet { since.or(Some(now)) } else { None };
                director.phase = Phase::Settling(since);
                // A rebuild may start late: only a quiet while counts.
                if since.is_some_and(|s| now.since(s) >= Duration::from_secs(20)) {
                    self.bring_home(host);
                    director = self.next_host(
                        director,
                        round.skip_coordinator,
                        secs(round.pause_s).saturating_sub(Duration::from_secs(20)),
                    );
                }
            }
            _ => {}
        }
        self.director = Some(director);
        let next = match director.phase {
            Phase::Pause(until) | Phase::Updating(until) => until.max(now + LOOK),
            _ => now + LOOK,
        };
        self.timers.set(next, Due::Director);
    }

    fn next_host(&self, director: Director, skip_coordinator: bool, pause: Duration) -> Director {
        let count = self.hosts.len().max(1);
        let mut host = (director.host + 1) % count;
        if skip_coordinator && host == self.coordinator && count > 1 {
            host = (host + 1) % count;
        }
        Director { host, phase: Phase::Pause(self.now + pause) }
    }

    /// Every host is up and enabled, and no mirror is behind.
    fn all_well(&self) -> bool {
        self.hosts.iter().filter(|h| h.member()).all(|h| h.reachable() && h.live && h.enabled && h.leaving.is_none())
            && self.stores.iter().filter_map(|s| s.mirror.as_ref()).all(|m| !m.behind() && !m.rebuilding())
            && self.stores.iter().all(|s| s.rebuild.is_none())
    }

    /// `host.disable`.
    pub(super) fn take_out(&mut self, host: usize) -> Result<(), crate::sim::api::Failure> {
        if let Some(failure) = self.cannot_reach(host) {
            return Err(failure);
        }
        if let Some(h) = self.hosts.get_mut(host) {
            h.enabled = false;
            h.disabled_by_user = true;
        }
        self.publish_enabled(host);
        self.refresh_host_ops(host);
        Ok(())
    }

    /// `host.enable`.
    pub(super) fn put_back(&mut self, host: usize) {
        if let Some(h) = self.hosts.get_mut(host) {
            h.disabled_by_user = false;
        }
        self.consider_enabling(host);
    }

    /// A host that is back gets its share of the guests again, from the fullest hosts.
    fn bring_home(&mut self, host: usize) {
        let running = self.guests.iter().filter(|g| g.power == Power::Running).count();
        let share = running / self.hosts.len().max(1);
        for _ in self.guests_on(host).len()..share {
            let coming: u64 = self.guests.iter().filter(|g| g.moving.is_some()).count() as u64;
            if coming > 12 {
                break;
            }
            let fullest = (0..self.hosts.len()).filter(|h| *h != host).min_by_key(|h| self.free_memory(*h));
            let Some(fullest) = fullest else { break };
            let guest = self.guests_on(fullest).into_iter().find(|g| self.guests.get(*g).is_some_and(|g| g.busy.is_none()));
            let Some(guest) = guest else { break };
            if self.begin_move(guest, host, None, None).is_err() {
                break;
            }
        }
    }

    // ---- busy guests ----

    /// One of the things that go on in a busy pool.
    pub(super) fn busy(&mut self) {
        let Some(busy) = self.activity.busy else { return };
        if self.coordinator_up() && !self.guests.is_empty() {
            let guest = self.rng.usize(0..self.guests.len());
            let dice = self.rng.u8(0..10);
            // What does not fit the guest's state is not done.
            match (self.guests.get(guest).map(|g| g.power), dice) {
                (Some(Power::Halted), _) => {
                    if let Some(to) = self.place(guest, None, &[]) {
                        let task = self.new_task("Async.VM.start", "", Some(to), None);
                        let job = Job::client(task.clone());
                        if self.begin_start(guest, Some(to), Some(job)).is_err() {
                            self.drop_task(&task);
                        }
                    }
                }
                (Some(Power::Running), 0..=1) => {
                    let halted = self.guests.iter().filter(|g| g.power == Power::Halted).count();
                    let free = self.guests.get(guest).is_some_and(|g| g.busy.is_none());
                    if free && halted * 8 < self.guests.len() {
                        let on = self.guests.get(guest).and_then(|g| g.on);
                        let task = self.new_task("Async.VM.clean_shutdown", "", on, None);
                        if self.begin_stop(guest, true, Some(Job::client(task.clone()))).is_err() {
                            self.drop_task(&task);
                        }
                    }
                }
                (Some(Power::Running), _) => {
                    let from = self.guests.get(guest).and_then(|g| g.on);
                    let to = self.rng.usize(0..self.hosts.len());
                    if from != Some(to)
                        && self.guests.get(guest).is_some_and(|g| g.busy.is_none())
                        && self.cannot_run(guest, to, 0).is_none()
                    {
                        let task = self.new_task("Async.VM.pool_migrate", "", from, None);
                        if self.begin_move(guest, to, Some(Job::client(task.clone())), None).is_err() {
                            self.drop_task(&task);
                        }
                    }
                }
                _ => {}
            }
        }
        let mean = 60.0 / busy.per_minute;
        let wait = secs(mean * (0.2 + 1.6 * self.rng.f64()));
        self.timers.set(self.now + wait.max(Duration::from_millis(1)), Due::Busy);
    }

    /// The scenario's events as faults; they were checked when it was loaded.
    pub(super) fn parse_events(events: &[crate::sim::scenario::Event]) -> Vec<(Duration, Fault)> {
        events.iter().filter_map(|e| Some((secs(e.at_s), e.action.parse().ok()?))).collect()
    }
}
