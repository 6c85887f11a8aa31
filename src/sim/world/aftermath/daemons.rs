//! What programs in domain 0 write: `messages`, `daemon.log`, `xensource.log`, `SMlog`.

use super::kernel::disk;
use super::lines::{History, after};
use super::{Core, Note};
use crate::time::Time;

impl Core {
    /// `daemon.log`: multipathd.
    pub(super) fn daemon_log(&self, history: &History) -> String {
        let mut out = String::new();
        for life in &history.lives {
            for (at, note) in life.notes.iter().filter(|(at, _)| life.written(*at)) {
                let Note::Paths { store, lun, was, now, .. } = *note else { continue };
                let (store, lun) = (usize::from(store), usize::from(lun));
                let first = self.first_disk(store, lun);
                let map = self.stores.get(store).and_then(|s| s.luns.get(lun)).map_or("", |l| &l.scsi_id);
                let mut say = |millis, text: String| history.syslog(&mut out, after(*at, millis), "multipathd", &text);
                let mut left = was;
                for path in now.min(was)..now.max(was) {
                    let (name, number) = disk(first + usize::from(path));
                    if now > was {
                        left += 1;
                        say(1_000, format!("{name}: tur checker reports path is up"));
                        say(1_010, format!("{number}: reinstated"));
                    } else {
                        left = left.saturating_sub(1);
                        say(200, format!("checker failed path {number} in map {map}"));
                    }
                    say(1_030, format!("{map}: remaining active paths: {left}"));
                }
                if now == 0 && was > 0 {
                    say(1_040, format!("{map}: Entering recovery mode: max_retries=10"));
                }
            }
        }
        out
    }

    /// `messages`: the services that start with a host and end with it.
    pub(super) fn messages_log(&self, history: &History) -> String {
        let mut out = String::new();
        for life in &history.lives {
            let mut say = |at: Time, who: &str, what: &str| {
                if at <= self.now && life.written(at) {
                    history.syslog(&mut out, at, who, what);
                }
            };
            if !life.first {
                say(
                    life.booted,
                    "rsyslogd",
                    "[origin software=\"rsyslogd\" swVersion=\"8.24.0\" x-info=\"http://www.rsyslog.com\"] start",
                );
                say(after(life.booted, 2_300), "systemd", "Started Xen daemon to handle guest consoles.");
                say(after(life.booted, 3_100), "systemd", "Started Device-Mapper Multipath Device Controller.");
                if self.o2cb.is_some() {
                    say(after(life.booted, 6_900), "o2cb", "Setting cluster stack \"o2cb\": OK");
                    say(after(life.booted, 7_050), "o2cb", "Starting global heartbeat for cluster \"xspool\": OK");
                }
                say(after(life.booted, 4_500), "systemd", "Started Crash dump kernel.");
            }
            for (at, _) in life.notes.iter().filter(|(_, note)| *note == Note::Shutdown) {
                say(*at, "systemd", "Stopping XAPI daemon...");
                say(*at, "systemd", "Reached target Shutdown.");
                say(*at, "rsyslogd", "[origin software=\"rsyslogd\" swVersion=\"8.24.0\"] exiting on signal 15.");
            }
        }
        out
    }

    /// `xensource.log`: what xapi does about it.
    pub(super) fn xensource_log(&self, history: &History) -> String {
        let (mut out, name) = (String::new(), history.name.clone());
        for (turn, life) in history.lives.iter().enumerate() {
            let mut say = |at: Time, level: &str, thread: &str, what: &str| {
                if at <= self.now && life.written(at) {
                    history.syslog(&mut out, at, "xapi", &format!("[{level}|{name}|{thread}|xapi] {what}"));
                }
            };
            for (at, note) in &life.notes {
                match note {
                    Note::Booted { .. } => {
                        let unclean = turn.checked_sub(1).and_then(|t| history.lives.get(t)).and_then(|l| l.died);
                        say(*at, " info", "0 |server_init", "(Re)starting xapi");
                        if unclean.is_some() {
                            say(after(*at, 40), " warn", "0 |server_init", "the last shutdown of this host was not clean");
                        }
                        let found =
                            self.past.dumps(history.host).filter(|d| d.at < *at && unclean.is_some_and(|(died, _)| died == d.at));
                        for dump in found {
                            let text = format!("Adding Host_crashdump record for /var/crash/{}", dump.name);
                            say(after(*at, 900), "debug", "0 |Checking for crash dumps", &text);
                        }
                    }
                    Note::Dead { peer } => {
                        let peer = self.hosts.get(usize::from(*peer));
                        let (uuid, host) = peer.map_or(("", ""), |h| (h.uuid.as_str(), h.name.as_str()));
                        let text = format!("Host {uuid} ({host}) is not in the live set: setting host_metrics.live to false");
                        say(*at, " warn", "61 |ha_monitor", &text);
                    }
                    Note::SoonStatefile => {
                        say(
                            *at,
                            " warn",
                            "61 |ha_monitor",
                            "HA_STATEFILE_APPROACHING_TIMEOUT: the statefile has not been written for half of its time-out",
                        );
                    }
                    Note::SoonHeartbeat { .. } => {
                        say(
                            *at,
                            " warn",
                            "61 |ha_monitor",
                            "HA_HEARTBEAT_APPROACHING_TIMEOUT: no heartbeat for half of its time-out",
                        );
                    }
                    Note::Link { device, up } => {
                        let text = format!("bond0: link eth{device} is {}", if *up { "up" } else { "down" });
                        say(after(*at, 300), " warn", "44 |bond_status", &text);
                    }
                    Note::Shutdown => say(*at, " info", "90 |host.reboot", "xapi is going down: the host was asked to"),
                    _ => {}
                }
            }
        }
        out
    }

    /// `SMlog`: the storage manager counts paths.
    pub(super) fn storage_log(&self, history: &History) -> String {
        let mut out = String::new();
        for life in &history.lives {
            for (at, note) in life.notes.iter().filter(|(at, _)| life.written(*at)) {
                let Note::Paths { store, lun, now, .. } = *note else { continue };
                let spec = self.stores.get(usize::from(store)).and_then(|s| s.luns.get(usize::from(lun)));
                let Some(spec) = spec else { continue };
                let pid = 3_000 + history.dice(*at, 4) % 20_000;
                let text = format!("[{pid}] MPATH: Updating entry for {}, current: {now}, max: {}", spec.scsi_id, spec.paths);
                history.syslog(&mut out, after(*at, 1_400), "SM", &text);
            }
        }
        out
    }
}
