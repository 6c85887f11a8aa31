//! What a host's probe would say of the HA daemon and of the time-outs that it is set to: as xapi sets them when HA is switched on, and as sm logs in
//! to its targets.

use super::Core;
use crate::o2cb::live::known::{Because, Known, Unknown};
use crate::probe::report::{Section, Xha};
use crate::probe::timeouts::{Fibre, Iscsi, Multipath, Retry, Settings, Timeouts, Xhad};
use crate::probe::xha::{Host as LiveHost, Line, Liveset, Sign};
use std::time::Duration;

/// From half of its time-out on the daemon says that it comes near.
const APPROACHING: u32 = 2;
/// A heartbeat that is well was written so long ago.
const BEAT_MS: i64 = 1_500;

impl Core {
    /// Whether a host's xhad takes part.
    fn has_xhad(&self, at: usize) -> bool {
        self.ha.on && self.ha.stack == "xhad" && self.hosts.get(at).is_some_and(crate::sim::world::state::Host::member)
    }

    /// Its log and its live set.
    pub(super) fn xhad_section(&self, at: usize) -> Section<Xha> {
        if !self.has_xhad(at) {
            return Section::none(Unknown::new("/var/log/xha.log", Because::Absent));
        }
        let now = self.now;
        let ms = |for_: Duration| i64::try_from(for_.as_millis()).unwrap_or(i64::MAX);
        let host = |n: usize, h: &crate::sim::world::state::Host| {
            let deaf = self.ha.deaf.get(&(n.min(at), n.max(at))).map(|since| ms(now.since(*since)));
            let lost = self.ha.lost.get(&n).map(|since| ms(now.since(*since)));
            LiveHost {
                id: h.uuid.clone(),
                alive: Some(h.runs()),
                master: Some(n == self.coordinator),
                state_file: Some(lost.is_none()),
                excluded: Some(false),
                since_heartbeat_ms: Some(deaf.unwrap_or(BEAT_MS)),
                since_state_file_ms: Some(lost.unwrap_or(BEAT_MS)),
            }
        };
        let hosts: Vec<LiveHost> = self.hosts.iter().enumerate().filter(|(_, h)| h.member()).map(|(n, h)| host(n, h)).collect();
        let near = |what: &str, since: crate::time::Time| {
            let gone = now.since(since);
            (gone >= self.ha.timeout / APPROACHING).then(|| Line {
                sign: Sign::Approaching { what: what.into() },
                stamp: None,
                level: Some("warning".into()),
                text: format!(
                    "SC: (script_service_do_query_liveset) reporting \"{what} approaching timeout\". {} s",
                    gone.as_secs()
                ),
            })
        };
        let deaf = self.ha.deaf.iter().filter(|((a, b), _)| *a == at || *b == at).map(|(_, since)| *since).min();
        let lines =
            [self.ha.lost.get(&at).and_then(|since| near("State-File", *since)), deaf.and_then(|since| near("heartbeat", since))];
        let liveset = Some(Liveset { status: Some("Online".into()), hosts });
        let found = Xha { lines: lines.into_iter().flatten().collect(), liveset };
        Section::of("/var/log/xha.log", None, now, Known::Yes(found))
    }

    /// What the host is set to.
    pub(super) fn timeouts_section(&self, at: usize) -> Section<Timeouts> {
        let secs = u32::try_from(self.ha.timeout.as_secs()).ok();
        let xhad = self.has_xhad(at).then(|| Xhad {
            hosts: self.hosts.iter().filter(|h| h.member()).count(),
            statefiles: self.ha.statefile.iter().map(|vdi| format!("/dev/sm/{}", self.db.text(vdi, "uuid"))).collect(),
            heartbeat_s: secs,
            statefile_s: secs,
            heartbeat_watchdog_s: secs,
            statefile_watchdog_s: secs.map(|s| s + 15),
            xapi_s: Some(120),
        });
        let mut found = Timeouts { xhad, ..Timeouts::default() };
        for store in self.stores.iter().filter(|s| s.pbds.iter().any(|p| p.host == at && p.attached)) {
            match store.kind.as_str() {
                "lvmoiscsi" | "gfs2" => found.iscsi.push(Iscsi {
                    target: format!("iqn.2026-01.example:{}", store.name),
                    // sm sets the one for multipath, the other without.
                    replacement_s: Some(if store.luns.is_empty() { 144 } else { 15 }),
                    ping_every_s: Some(5),
                    ping_wait_s: Some(5),
                    in_force: true,
                    from: "/sys/class/iscsi_session".into(),
                }),
                "lvmohba" => found.fibre.push(Fibre {
                    port: format!("rport-1:0-{}", found.fibre.len()),
                    fast_io_fail_s: Some(5),
                    dev_loss_s: Some(60),
                }),
                _ => continue,
            }
            found.multipath.get_or_insert_with(|| Multipath {
                polling_s: Some(5),
                defaults: Settings { no_path_retry: Some(Retry::Checks(10)), ..Settings::default() },
                from: "multipathd show config".into(),
                ..Multipath::default()
            });
        }
        if found == Timeouts::default() {
            return Section::none(Unknown::new("iscsid.conf, multipath.conf, xhad.conf, /sys/class", Because::Absent));
        }
        Section::of("/sys/class, xhad.conf", None, self.now, Known::Yes(found))
    }
}
