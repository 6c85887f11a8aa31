//! What changes by time alone: silence, vanished paths, clocks. Looked for at most once a second.

use crate::o2cb::margin::{Level, Margin, Reason};
use crate::pool::Pool;
use crate::pool::alerts::Own;
use crate::pool::control::HA_TIMEOUT;
use crate::pool::limits::SKEW_S;
use crate::pool::liveness::{self, Around};
use crate::pool::picture::{Health, HostState, Stage};
use crate::pool::rebuild::Phase;
use crate::pool::words;
use crate::time::Time;
use crate::xenapi::record::Ref;
use std::time::Duration;

impl Pool {
    pub(super) fn tick(&mut self, at: Time) {
        if at.since(self.ticked) < Duration::from_secs(1) && self.ticked != Time::EPOCH {
            return;
        }
        self.ticked = at;
        self.rebuilds.prune(at);
        for event in self.paths.vanished(at) {
            self.tell_path(&event, at);
        }
        if self.link.unfit(at).is_some() {
            return;
        }
        self.rebond(at);
        let hosts: Vec<Ref> = self.tracks.keys().cloned().collect();
        for host in &hosts {
            let state = self.host_state(host, None, at);
            self.tell_stage(host, &state, at);
            self.tell_fence(host, &state, at);
        }
        self.tell_clocks(at);
    }

    /// Bonds that were read before their interfaces had no host yet.
    fn rebond(&mut self, at: Time) {
        let bonds: Vec<_> = self.tables.bonds().map(|(r, b)| (r.clone(), b.clone())).collect();
        for (r, bond) in bonds {
            self.fold_bond(&r, &bond, at);
        }
    }

    /// What a host is doing at `now`.
    pub(in crate::pool) fn host_state(&self, host: &Ref, stale: Option<&str>, now: Time) -> HostState {
        match self.tracks.get(host) {
            Some(track) => liveness::assess(track, &self.around(host, stale, now)),
            None => HostState { text: "unknown".into(), evidence: "nothing is known of it".into(), ..HostState::default() },
        }
    }

    pub(in crate::pool) fn around<'a>(&'a self, host: &Ref, stale: Option<&'a str>, now: Time) -> Around<'a> {
        Around {
            now,
            stale,
            synced: self.link.synced,
            heard: self.link.heard,
            coordinator: self.is_coordinator(host),
            deaf: !self.is_coordinator(host) && self.coordinator_fails(),
            rounds: &self.rounds,
            storage: self.storage_of(host),
            mirrors: self.mirrors_of(host),
        }
    }

    /// Whether the coordinator did not answer when it was asked last, and nothing was heard from it since.
    fn coordinator_fails(&self) -> bool {
        let track = self.tracks.iter().find(|(host, _)| self.is_coordinator(host)).map(|(_, track)| track);
        track.is_some_and(|t| t.failed.as_ref().is_some_and(|f| Some(f.at) > t.alive().max(self.link.heard)))
    }

    /// Until when the mirrors that a host's return set off are not in step.
    fn mirrors_of(&self, host: &Ref) -> Option<Time> {
        let mine = self.rebuilds.iter().filter(|(_, r)| r.after.as_ref() == Some(host));
        mine.map(|(_, r)| match r.phase {
            Phase::Running => Time::from_millis(i64::MAX),
            _ => r.until_quiet().unwrap_or_default(),
        })
        .max()
    }

    fn tell_stage(&mut self, host: &Ref, state: &HostState, at: Time) {
        let name = self.name_of(host);
        let fence = self.fenced_at(host);
        let Some(track) = self.tracks.get_mut(host) else { return };
        if state.stage == Stage::Unknown || track.told.is_some_and(|(stage, _)| stage == state.stage) {
            return;
        }
        let before = track.told.map(|(stage, _)| stage);
        track.told = Some((state.stage, state.since.unwrap_or(at)));
        let meant = track.going.is_some() || before == Some(Stage::GoingDown);
        if state.stage == Stage::Silent {
            track.away = Some(at);
        }
        let (kind, health, text) = match (state.stage, before) {
            (Stage::Silent, _) => {
                // What is said here stays as it is: no "0 s ago", and no more than fits on a line.
                let why =
                    track.failed.as_ref().map_or_else(|| state.evidence.clone(), |f| format!("it does not answer ({})", f.what));
                let fence = fence.map_or_else(String::new, |at| format!("; if it still runs, HA restarts it at about {at}"));
                ("host-silent", Health::Failed, format!("{name} is silent: {why}{fence}"))
            }
            (Stage::Down, _) if meant => ("host-down", Health::Pending, format!("{name} is down, as it was told")),
            (Stage::Down, _) => ("host-down", Health::Failed, format!("{name} is down")),
            (Stage::GoingDown, _) => ("host-going-down", Health::Pending, format!("{name} was told to shut down or reboot")),
            (Stage::Disabled, Some(Stage::Live | Stage::Back)) => {
                ("host-disabled", Health::Pending, format!("{name} was disabled"))
            }
            (Stage::Live, Some(Stage::Disabled)) => ("host-enabled", Health::Good, format!("{name} was enabled")),
            (Stage::Back, Some(_)) => ("host-ready", Health::Good, format!("{name} is enabled and its storage is plugged")),
            _ => return,
        };
        self.alerts.say(Own::host(at, kind, health, host, text));
    }

    /// When HA gives up a host that is silent, if it does, as a time of day.
    fn fenced_at(&self, host: &Ref) -> Option<String> {
        self.tables.the_pool().filter(|p| p.ha_enabled && &*p.ha_cluster_stack != "o2cb")?;
        let timeout = self.ha_timeout().map_or(HA_TIMEOUT, |(seconds, _)| seconds);
        let heard = self.tracks.get(host)?.alive()?;
        Some(words::clock_s(heard + Duration::from_secs_f64(timeout), &self.zone))
    }

    /// A fence by o2cb that comes near, and one that passed by.
    pub(super) fn tell_fence(&mut self, host: &Ref, state: &HostState, at: Time) {
        let Some(margin) = self.probes.margin(host, at) else { return };
        // That others are silent is no fence of this one.
        let near = margin.level >= Level::Amber && !matches!(margin.reason, Reason::PeersSilent { .. });
        let counts = matches!(state.stage, Stage::Live | Stage::Back | Stage::Disabled | Stage::Silent);
        let name = self.name_of(host);
        let Some(track) = self.tracks.get_mut(host) else { return };
        // Red is told again, amber only once.
        let worse = margin.level > track.fence.unwrap_or(Level::Green);
        if near && worse && counts {
            track.fence = Some(margin.level);
            let health = if margin.level == Level::Red { Health::Failed } else { Health::Degraded };
            let advice = margin.advice().map_or_else(String::new, |todo| format!(". Do: {todo}"));
            let text = format!("{}{advice}", Margin { host: name, ..margin });
            self.alerts.say(Own::host(at, "fence-near", health, host, text));
        } else if (margin.level == Level::Green || matches!(margin.reason, Reason::PeersSilent { .. }))
            && track.fence.take().is_some()
        {
            let text = format!("{name} writes its heartbeats again: no fence is coming");
            self.alerts.say(Own::host(at, "fence-passed", Health::Good, host, text));
        }
    }

    fn tell_clocks(&mut self, at: Time) {
        for (host, skew) in self.skews(at) {
            let off = skew.ahead.abs() - skew.error > SKEW_S;
            let name = self.name_of(&host);
            if off && self.skewed.insert(host.clone()) {
                let text = format!("the clock of {name} is {:.1} s off the coordinator's", skew.ahead.abs());
                self.alerts.say(Own::host(at, "clock-skew", Health::Degraded, &host, text));
            } else if skew.ahead.abs() + skew.error < SKEW_S && self.skewed.remove(&host) {
                let text = format!("the clock of {name} is in step again");
                self.alerts.say(Own::host(at, "clock-in-step", Health::Good, &host, text));
            }
        }
    }
}
