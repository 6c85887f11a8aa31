//! Machines going down and coming up, stage by stage, as xapi goes through them.

use super::aftermath::{Death, Note};
use super::fault::Hang;
use super::state::{Leaving, Power, Stage, secs};
use super::truth::{Away, Cause};
use super::{Core, Due, Harm};
use std::time::Duration;

/// What xapi gives guests to move away, shut down, and be killed when a host that still has some goes down.
const LAST_EVACUATION: Duration = Duration::from_secs(240);
const LAST_SHUTDOWN: Duration = Duration::from_secs(60);

/// Steps of a boot, as timers name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// xapi starts to answer.
    Answer,
    /// It says hello to the coordinator.
    Hello,
    /// It joins its cluster.
    Cluster,
    /// It plugs its next PBD.
    Plug(usize),
    /// It is enabled.
    Enable,
}

/// Steps of going down with guests left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastResort {
    /// The delay after the call is over.
    Begin,
    /// Whoever could not move is shut down.
    Shutdown,
    /// Whoever did not shut down is killed.
    Kill,
}

impl Core {
    /// Sets a timer for a step of this life of a host.
    fn step(&mut self, host: usize, after: Duration, step: Step) {
        let Some(life) = self.hosts.get(host).map(|h| h.life) else { return };
        self.timers.set(self.now + after, Due::Step { host, life, step });
    }

    /// `host.reboot` and `host.shutdown` have been accepted: down after the delay, although the call succeeds now.
    pub(super) fn leave(&mut self, host: usize, boots_again: bool, cause: Cause) {
        let label = if boots_again { "Host is rebooting" } else { "Host is shutting down" };
        let task = self.new_task(label, "", Some(host), None);
        let now = self.now;
        let Some(h) = self.hosts.get_mut(host) else { return };
        h.away = Some(Away { since: now, cause });
        h.leaving = Some(Leaving { boots_again, task: task.clone() });
        // xapi shows `shutdown` for a reboot, too.
        h.current.push((task, super::ops::HostOp::Shutdown));
        let life = h.life;
        let delay = secs(self.boot.shutdown_delay_s);
        self.timers.set(self.now + delay, Due::Leave { host, life, step: LastResort::Begin });
        self.refresh_host_ops(host);
    }

    /// The host's own shutdown: guests that are left are moved, shut down, killed; then it drops.
    pub(super) fn go_down(&mut self, host: usize, step: LastResort) {
        let Some(life) = self.hosts.get(host).map(|h| h.life) else { return };
        let left = self.guests_on(host);
        if left.is_empty() || step == LastResort::Kill {
            for guest in left {
                self.lose_guest(guest, host);
            }
            self.drop_host(host);
            return;
        }
        match step {
            LastResort::Begin => {
                let mut longest = Duration::ZERO;
                for guest in left {
                    if let Some(takes) = self.move_away(guest, host) {
                        longest = longest.max(takes);
                    }
                }
                let wait = longest.min(LAST_EVACUATION) + Duration::from_secs(1);
                self.timers.set(self.now + wait, Due::Leave { host, life, step: LastResort::Shutdown });
            }
            LastResort::Shutdown | LastResort::Kill => {
                for guest in left {
                    let vm = self.guests.get(guest).map(|g| g.name.to_string()).unwrap_or_default();
                    let name = self.host_name(host);
                    self.harm(Harm::GuestStopped { vm, host: name });
                    self.shut_guest_down(guest, Duration::from_secs(20));
                }
                self.timers.set(self.now + LAST_SHUTDOWN, Due::Leave { host, life, step: LastResort::Kill });
            }
        }
    }

    /// An orderly end: xapi unplugs, says good-bye, and the machine is down.
    pub(super) fn drop_host(&mut self, host: usize) {
        self.disarm_ha(host);
        if let Some(h) = self.hosts.get_mut(host) {
            h.cluster_up = false;
            h.live = false;
            h.enabled = false;
            if let Some(member) = &mut h.cluster {
                member.enabled = false;
                member.live = false;
            }
        }
        // The coordinator's own last words are the last that is written.
        self.write_liveness(host);
        for store in 0..self.stores.len() {
            self.detach(store, host);
        }
        self.cluster_changed_now();
        self.liveness_changed(host);
        self.note_at(host, Note::Shutdown);
        let boots_again = self.hosts.get(host).and_then(|h| h.leaving.as_ref()).is_none_or(|l| l.boots_again);
        self.power_off(host, false);
        if boots_again {
            self.power_up(host);
        }
    }

    /// The machine is off, from one moment to the next. `silent`: nobody was told.
    pub(super) fn power_off(&mut self, host: usize, silent: bool) {
        let now = self.now;
        let Some(h) = self.hosts.get_mut(host) else { return };
        if h.stage == Stage::Off {
            return;
        }
        h.life += 1;
        h.stage = Stage::Off;
        h.since = now;
        h.silent = silent;
        h.away.get_or_insert(Away { since: now, cause: Cause::Fault });
        h.unclean = silent;
        h.leaving = None;
        h.cluster_up = false;
        self.storage_node(host, false);
        // xapi learns that nothing is attached when the host says hello again.
        for pbd in self.stores.iter_mut().flat_map(|s| &mut s.pbds).filter(|p| p.host == host) {
            pbd.attached = false;
        }
        for guest in self.guests_on(host) {
            self.lose_guest(guest, host);
        }
        self.abort_moves_of(host);
        self.abort_updates_of(host);
        self.mischief.boots.retain(|b| b.host != host || b.stuck.is_none());
        self.note_load(host);
        self.not_heard(host);
        if silent {
            self.cluster_watch();
        }
        if host == self.coordinator {
            self.coordinator_gone();
        }
        self.o2cb_gone(host, silent);
        self.o2cb_look();
    }

    /// A host's kernel, or its hypervisor, panics of this; it boots again by itself.
    pub(super) fn panics(&mut self, host: usize, death: Death) {
        let now = self.now;
        self.dies_of(host, death);
        if let Some(h) = self.hosts.get_mut(host) {
            h.away.get_or_insert(Away { since: now, cause: Cause::Panic });
        }
        self.power_off(host, true);
        self.power_up(host);
    }

    /// The machine starts.
    pub(super) fn power_up(&mut self, host: usize) {
        let now = self.now;
        let post = secs(self.boot.post_s) + self.jitter(0.1, secs(self.boot.post_s)) + self.mischief.slower(host);
        let post = post + self.dump_takes(host);
        let Some(h) = self.hosts.get_mut(host) else { return };
        if h.stage != Stage::Off {
            return;
        }
        h.life += 1;
        h.stage = Stage::Post;
        h.since = now;
        h.silent = false;
        self.step(host, post, Step::Answer);
    }

    /// xapi stops and starts again; guests and storage do not notice.
    pub(super) fn restart_toolstack(&mut self, host: usize) {
        let now = self.now;
        let Some(h) = self.hosts.get_mut(host) else { return };
        if !h.runs() {
            return;
        }
        h.life += 1;
        h.stage = Stage::Toolstack;
        h.since = now;
        h.leaving = None;
        if self.coordinator_up() && host != self.coordinator && !self.ha.on {
            if let Some(h) = self.hosts.get_mut(host) {
                h.live = false;
                h.enabled = false;
            }
            self.publish_enabled(host);
            self.liveness_changed(host);
        }
        self.not_heard(host);
        if host == self.coordinator {
            self.coordinator_gone();
        }
        self.step(host, secs(self.boot.toolstack_s), Step::Answer);
    }

    /// A step of a boot, or of a restart of the toolstack.
    pub(super) fn boot_step(&mut self, host: usize, step: Step) {
        let at = match step {
            Step::Answer => Hang::Post,
            Step::Hello | Step::Cluster => Hang::Hello,
            Step::Plug(_) => Hang::Storage,
            Step::Enable => Hang::Enable,
        };
        if self.hosts.get(host).is_some_and(|h| h.away.is_some()) && self.mischief.hangs(host, at, step) {
            return;
        }
        let now = self.now;
        let is_coordinator = host == self.coordinator;
        let alone = !is_coordinator && (!self.coordinator_up() || self.is_cut(host) || self.is_cut(self.coordinator));
        let has_cluster = self.has_cluster;
        let Some(h) = self.hosts.get_mut(host) else { return };
        let warm = h.stage == Stage::Toolstack || h.storage_up;
        match step {
            Step::Answer => {
                let booted = h.stage == Stage::Post;
                let before = h.booted;
                h.stage = Stage::Answering;
                h.since = now;
                h.too_new = false;
                if booted {
                    h.running = h.installed;
                    h.software = std::sync::Arc::clone(&h.software_next);
                    h.version = super::versions::Version::of(&h.software);
                }
                if booted && h.auto_enable {
                    h.disabled_by_user = false;
                }
                if booted {
                    h.booted = now;
                    h.pending.clear();
                } else {
                    h.pending.retain(|guidance| guidance != "restart_toolstack");
                }
                h.agent = now;
                if booted {
                    self.note_at(host, Note::Booted { before });
                }
                self.note_load(host);
                let wait = if warm { Duration::from_secs(1) } else { secs(self.boot.hello_s) };
                self.step(host, wait, Step::Hello);
            }
            Step::Hello => {
                // A member tries until the coordinator answers.
                if alone {
                    self.step(host, Duration::from_secs(5), Step::Hello);
                    return;
                }
                // One that is newer gives up, until its toolstack starts again.
                if self.newer_than_coordinator(host) {
                    if let Some(h) = self.hosts.get_mut(host) {
                        h.too_new = true;
                    }
                    return;
                }
                let Some(h) = self.hosts.get_mut(host) else { return };
                h.stage = Stage::Joined;
                h.since = now;
                h.heard = None;
                h.live = true;
                h.enabled = false;
                h.current.clear();
                if is_coordinator {
                    self.coordinator_starts();
                }
                self.hello(host);
                let dumped = self.list_dumps(host);
                self.tell_fenced(host, dumped);
                self.note_liveset(host);
                if self.is_cut(host) {
                    // Only a coordinator gets this far; nobody hears it, nor it them.
                    self.not_heard(host);
                    self.coordinator_cut();
                }
                let wait = if warm { Duration::from_millis(500) } else { secs(self.boot.cluster_s) };
                self.step(host, wait, Step::Cluster);
            }
            Step::Cluster => {
                let fresh = has_cluster && !h.cluster_up;
                h.cluster_up = has_cluster;
                if let Some(member) = &mut h.cluster {
                    member.enabled = true;
                }
                if fresh {
                    self.cluster_changed_now();
                }
                if self.o2cb.is_some() {
                    self.o2cb_sync();
                    self.o2cb_online(host);
                    self.o2cb_sync();
                }
                self.o2cb_look();
                let wait = secs(self.boot.pbd_s);
                self.step(host, wait, Step::Plug(0));
            }
            Step::Plug(at) => {
                if self.wait_for_coordinator(host, step) {
                    return;
                }
                let next = self.next_unplugged(host, at);
                let Some(store) = next else {
                    let wait = secs(self.boot.enable_s);
                    self.step(host, wait, Step::Enable);
                    return;
                };
                if self.attach(store, host).is_err() {
                    let uuid = self.hosts.get(host).map(|h| h.uuid.clone()).unwrap_or_default();
                    self.message("PBD_PLUG_FAILED_ON_SERVER_START", 3, "Host", &uuid, "");
                }
                let wait = secs(self.boot.pbd_s);
                self.step(host, wait, Step::Plug(store + 1));
            }
            Step::Enable => {
                if self.wait_for_coordinator(host, step) {
                    return;
                }
                let mut booted = false;
                if let Some(h) = self.hosts.get_mut(host) {
                    h.stage = Stage::Up;
                    h.since = now;
                    booted = h.away.take().is_some();
                }
                // For a host without a PBD for mirrored storage.
                if !self.is_cut(host) {
                    self.storage_node(host, true);
                }
                self.consider_enabling(host);
                if booted {
                    self.auto_power_on(host);
                }
                self.xhad_look();
            }
        }
    }

    /// Whether this step has to wait for the coordinator; it is tried again then.
    fn wait_for_coordinator(&mut self, host: usize, step: Step) -> bool {
        let waits = !self.coordinator_up() || (host != self.coordinator && self.is_cut(host));
        if waits {
            self.step(host, Duration::from_secs(5), step);
        }
        waits
    }

    /// xapi enables a host that nobody disabled and that has no guidance pending.
    pub(super) fn consider_enabling(&mut self, host: usize) {
        let Some(h) = self.hosts.get_mut(host) else { return };
        if !h.live || h.stage < Stage::Joined || h.disabled_by_user || !h.pending.is_empty() {
            return;
        }
        h.enabled = true;
        self.publish_enabled(host);
        self.refresh_host_ops(host);
    }

    /// A guest dies with its host.
    fn lose_guest(&mut self, guest: usize, host: usize) {
        let Some(g) = self.guests.get_mut(guest) else { return };
        if g.gone || g.power == Power::Halted {
            return;
        }
        g.gone = true;
        let vm = g.name.to_string();
        let host = self.hosts.get(host).map(|h| h.name.clone()).unwrap_or_default();
        self.harm(Harm::GuestLost { vm, host });
        self.guest_writes(guest, false);
    }

    /// A host that was not shut down in an orderly way while HA was on says so, unless it left a dump: that says more (xapi's `xapi_host_crashdump`).
    fn tell_fenced(&mut self, host: usize, dumped: bool) {
        let Some(h) = self.hosts.get_mut(host) else { return };
        let (unclean, uuid) = (std::mem::take(&mut h.unclean), h.uuid.clone());
        if unclean && self.ha.on && !dumped {
            self.message("HA_HOST_WAS_FENCED", 4, "Host", &uuid, "");
        }
    }

    /// Whether a host is cut off from the others.
    pub(super) fn is_cut(&self, host: usize) -> bool {
        self.hosts.get(host).is_some_and(|h| h.cut.is_some())
    }

    /// Whether the coordinator's xapi runs: without it nothing is written and nothing is decided.
    pub(super) fn coordinator_up(&self) -> bool {
        self.hosts.get(self.coordinator).is_some_and(super::state::Host::xapi_up)
    }
}
