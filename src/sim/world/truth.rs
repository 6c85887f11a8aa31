//! The world as it is, whatever xapi believes of it: for checkers of rollouts. And who did what to it.

use super::state::{Host, Stage};
use super::{Core, World};
use crate::sim::api::HostIx;
use crate::sim::front::{Args, Ctx};
use crate::sim::schema::Role;
use crate::time::Time;
use crate::xenapi::record::Ref;

/// Deeds that are kept.
const DEEDS: usize = 20_000;

/// How far a machine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// No power, or dead.
    Off,
    /// Firmware, Xen and dom0 start.
    Booting,
    /// The machine runs and its xapi is not all there: it starts, says hello, plugs its storage.
    Starting,
    /// All there.
    Up,
}

/// Why a machine went away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Somebody called for it.
    Call {
        /// The session.
        session: Ref,
        /// What the session called itself when it logged in.
        originator: String,
    },
    /// A fault.
    Fault,
    /// HA fenced it.
    Fence,
    /// The scenario's own round of hosts.
    Round,
}

/// A machine that went, or is on its way, and is not all there again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Away {
    /// Since when.
    pub since: Time,
    /// Why.
    pub cause: Cause,
}

/// One machine.
#[derive(Clone, Debug, PartialEq)]
pub struct HostTruth {
    /// Its place in the world.
    pub ix: HostIx,
    /// The host's reference.
    pub r: Ref,
    /// Its name.
    pub name: String,
    /// How far it is.
    pub condition: Condition,
    /// Since when it is at this stage (of several that one condition has).
    pub since: Time,
    /// When it booted last.
    pub booted: Time,
    /// It went down, or was told to, and is not all there again.
    pub away: Option<Away>,
    /// It was told to go down and has not gone yet.
    pub leaving: bool,
    /// Others do not reach it, nor it them.
    pub cut: bool,
    /// xapi's belief: `host.enabled`.
    pub enabled: bool,
    /// xapi's belief: `host_metrics.live`.
    pub live: bool,
    /// Guests that really run there, paused ones too.
    pub guests: Vec<Ref>,
    /// PBDs that are not attached.
    pub unplugged: Vec<Ref>,
    /// Every copy of a mirrored disk that it has is in step, and nothing is being copied to it.
    pub in_step: bool,
    /// How many rounds of updates are installed, and how many it runs with.
    pub updates: (u32, u32),
    /// How far its clock is off, in milliseconds.
    pub clock_ms: i64,
}

/// The world at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Truth {
    /// The coordinator.
    pub coordinator: HostIx,
    /// Its hosts, in the world's order.
    pub hosts: Vec<HostTruth>,
    /// A mirror is being rebuilt somewhere in the storage cluster.
    pub rebuilding: bool,
    /// Some copy is behind, or its node is away.
    pub degraded: bool,
    /// Nodes of the storage cluster outside this pool that are offline.
    pub outside_offline: usize,
    /// Whether HA is on.
    pub ha: bool,
}

impl Truth {
    /// Hosts that are not all there, or cut off, or on their way down.
    pub fn away(&self) -> impl Iterator<Item = &HostTruth> {
        self.hosts.iter().filter(|h| h.away.is_some() || h.cut || h.condition < Condition::Up)
    }
}

/// A call that changes something, and that was accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct Deed {
    /// When.
    pub at: Time,
    /// The call, without `Async.`.
    pub method: String,
    /// What it is about: its first argument.
    pub about: Ref,
    /// The host that it is about, if it is about one.
    pub host: Option<HostIx>,
    /// The session.
    pub session: Ref,
    /// What the session called itself when it logged in.
    pub originator: String,
    /// For calls about a host: guests that ran there at that moment.
    pub guests: usize,
    /// Other hosts that were not all there at that moment.
    pub others_away: Vec<HostIx>,
    /// Whether a mirror was being rebuilt, or a copy was behind.
    pub degraded: bool,
}

impl World {
    /// How everything really is.
    pub fn truth(&self) -> Truth {
        let core = &self.core;
        let mirrors = || core.stores.iter().filter_map(|s| s.mirror.as_ref());
        Truth {
            coordinator: HostIx(core.coordinator),
            hosts: (0..core.hosts.len()).filter_map(|h| core.host_truth(h)).collect(),
            rebuilding: mirrors().any(super::mirror::Mirror::rebuilding),
            degraded: core.degraded(),
            outside_offline: mirrors().map(super::mirror::Mirror::outside_offline).sum(),
            ha: core.ha.on,
        }
    }

    /// What was done to the pool by calls, oldest first. Calls that were refused are not among them; reading is not either.
    pub fn deeds(&self) -> &[Deed] {
        &self.core.deeds
    }
}

impl Core {
    fn host_truth(&self, at: usize) -> Option<HostTruth> {
        let h: &Host = self.hosts.get(at)?;
        let node = |s: &super::state::Store| {
            let mirror = s.mirror.as_ref()?;
            Some(mirror.node_in_step(mirror.node_of(at)?))
        };
        let here = |g: &&super::state::Guest| g.on == Some(at) && !g.gone && g.is_active();
        Some(HostTruth {
            ix: HostIx(at),
            r: h.r.clone(),
            name: h.name.clone(),
            condition: match h.stage {
                Stage::Off => Condition::Off,
                Stage::Post => Condition::Booting,
                Stage::Toolstack | Stage::Answering | Stage::Joined => Condition::Starting,
                Stage::Up => Condition::Up,
            },
            since: h.since,
            booted: h.booted,
            away: h.away.clone(),
            leaving: h.leaving.is_some(),
            cut: h.cut.is_some(),
            enabled: h.enabled,
            live: h.live,
            guests: self.guests.iter().filter(here).map(|g| g.r.clone()).collect(),
            unplugged: self
                .stores
                .iter()
                .flat_map(|s| &s.pbds)
                .filter(|p| p.host == at && !p.attached)
                .map(|p| p.r.clone())
                .collect(),
            in_step: self.stores.iter().filter_map(node).all(|ok| ok),
            updates: (h.installed, h.running),
            clock_ms: h.clock_ms,
        })
    }

    /// Whether a mirror is rebuilt, or not whole.
    fn degraded(&self) -> bool {
        self.stores.iter().filter_map(|s| s.mirror.as_ref()).any(|m| {
            let (good, all) = m.in_step();
            m.rebuilding() || m.behind() || good < all
        })
    }

    /// Why a host goes down that a call asked to.
    pub(super) fn cause_of(&self, session: Option<&Ref>) -> Cause {
        let session = session.cloned().unwrap_or_default();
        let originator = self.db.text(&session, "originator").to_owned();
        Cause::Call { session, originator }
    }

    /// A call was accepted. Those about a host's going down are noted where that is decided.
    pub(super) fn note_deed(&mut self, ctx: &Ctx, method: &str, args: Args) {
        let reads = ["get_", "compute_", "assert_", "has_", "query_", "is_", "check_"];
        let (_, name) = method.split_once('.').unwrap_or_default();
        let changes = || super::calls::method(method).is_some_and(|m| m.role != Role::ReadOnly);
        let harmless = reads.iter().any(|r| name.starts_with(r)) || !changes();
        if harmless || matches!(method, "host.reboot" | "host.shutdown") {
            return;
        }
        let plugin = args.text(2).ok().filter(|_| method == "host.call_plugin");
        if plugin.is_some_and(|f| !matches!(f, "update" | "install")) {
            return;
        }
        let about = args.reference(0).unwrap_or_default();
        let host = self.hosts.iter().position(|h| h.r == about);
        self.note(method, about, host, ctx.session.as_ref());
    }

    /// Notes what was done.
    pub(super) fn note(&mut self, method: &str, about: Ref, host: Option<usize>, session: Option<&Ref>) {
        if self.deeds.len() >= DEEDS {
            return;
        }
        let Cause::Call { session, originator } = self.cause_of(session) else { return };
        let away = |h: &Host| h.away.is_some() || h.cut.is_some() || h.stage < Stage::Up;
        let others = self.hosts.iter().enumerate().filter(|(at, h)| Some(*at) != host && away(h));
        let others_away = others.map(|(at, _)| HostIx(at)).collect();
        let guests = host.map_or(0, |h| self.guests_on(h).len());
        let degraded = self.degraded();
        let host = host.map(HostIx);
        self.deeds.push(Deed {
            at: self.now,
            method: method.to_owned(),
            about,
            host,
            session,
            originator,
            guests,
            others_away,
            degraded,
        });
    }
}
