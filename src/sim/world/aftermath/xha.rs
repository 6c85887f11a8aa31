//! `xha.log`: what xhad says of statefile, heartbeat and live set, and how it fences.

use super::lines::{History, xha_stamp};
use super::{Core, Death, Note};
use crate::time::Time;
use std::fmt::Write as _;
use std::time::Duration;

impl Core {
    /// xhad has waited for half of its time-out, or more, when a wait ends: it said so then. Written down only now, with the time of then.
    pub(in super::super) fn xhad_waited(&mut self, host: usize, since: Time, note: Note) {
        let half = since + self.ha.timeout / 2;
        if half <= self.now {
            self.note_back(host, half, note);
        }
    }

    /// The live set as xhad prints it: a digit for each host, in the order of their uuids.
    fn liveset(&self, alive: u64) -> String {
        let mut order: Vec<(usize, &str)> =
            self.hosts.iter().enumerate().filter(|(_, h)| h.member()).map(|(at, h)| (at, h.uuid.as_str())).collect();
        order.sort_by_key(|(_, uuid)| *uuid);
        order.iter().map(|(at, _)| if alive >> (*at).min(63) & 1 == 1 { '1' } else { '0' }).collect()
    }

    /// A host's place in that order.
    fn xha_number(&self, host: usize) -> usize {
        let uuid = self.hosts.get(host).map_or("", |h| h.uuid.as_str());
        self.hosts.iter().filter(|h| h.member() && h.uuid.as_str() < uuid).count()
    }

    /// The log; empty where xhad never ran.
    pub(super) fn xha_log(&self, history: &History) -> String {
        let mut out = String::new();
        let on = self.ha.on && self.ha.stack == "xhad";
        let mut say = |at: Time, level: &str, text: &str| {
            let _ = writeln!(out, "{} [{level}] {text}", xha_stamp(history.clock(at)));
        };
        let (timeout, all) = (self.ha.timeout.as_secs(), (1_u64 << self.hosts.len().min(63)) - 1);
        for life in &history.lives {
            for (at, note) in &life.notes {
                match note {
                    Note::Booted { .. } if on => {
                        say(*at, "info", "xhad: starting");
                        say(*at, "info", "The local host has transitioned to online state.");
                        say(*at, "info", &format!("Liveset has been updated.  new liveset = ({})", self.liveset(all)));
                    }
                    Note::SoonStatefile => {
                        let half = timeout * 500;
                        say(
                            *at,
                            "warning",
                            &format!("SC: (sf_latency) reporting \"State-File approaching timeout\". sf_latency_max={half}."),
                        );
                    }
                    Note::SoonHeartbeat { peer } => {
                        let number = self.xha_number((*peer).into());
                        let text = format!(
                            "SC: (hb) reporting \"heartbeat approaching timeout\". host[{number}].time_since_last_hb={}.",
                            timeout * 500
                        );
                        say(*at, "warning", &text);
                    }
                    Note::Liveset { alive } => {
                        say(*at, "info", &format!("Liveset has been updated.  new liveset = ({})", self.liveset(*alive)));
                    }
                    Note::Died(Death::Xhad { statefile }) => {
                        let reason = if *statefile {
                            "FH: cannot get consistent view within timeout.  - Self-Fence (1904)"
                        } else {
                            "FH: Survival Rule is not met for the local host.  - Self-Fence (1905)"
                        };
                        say(*at, "err", reason);
                        say(*at, "info", "watchdog_selffence.");
                    }
                    Note::Shutdown if on => say(*at, "info", "The local host is excluded from the liveset on request."),
                    _ => {}
                }
            }
        }
        // Waits that go on.
        if let Some(since) = self.ha.lost.get(&history.host) {
            let half = *since + Duration::from_secs(timeout / 2);
            if half <= self.now {
                say(
                    half,
                    "warning",
                    &format!("SC: (sf_latency) reporting \"State-File approaching timeout\". sf_latency_max={}.", timeout * 500),
                );
            }
        }
        out
    }
}
