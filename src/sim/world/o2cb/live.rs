//! What the driver of a simulated host says of itself, as its probe would read it from configfs and debugfs.

use super::{Core, NAME};
use crate::o2cb::live::known::Known;
use crate::o2cb::live::{Cluster, FenceMethod, Kernel, Live, Mode, Node, Region, Socket};
use crate::probe::kernel::{Line, Sign};
use crate::time::Time;
use std::collections::BTreeSet;

/// o2cb's own defaults.
const THRESHOLD: u32 = 31;
const PORT: u16 = crate::o2cb::PORT;
/// A heartbeat is written every two seconds.
const BEAT: i64 = 2_000;

impl Core {
    /// What the kernel of a host has to say of its heartbeats: errors, and pardons.
    pub(in super::super) fn o2cb_kernel(&self, host: usize) -> Vec<Line> {
        let Some((o2cb, machine)) = self.o2cb.as_ref().zip(self.hosts.get(host)) else { return Vec::new() };
        let Some(me) = o2cb.nodes.get(host).filter(|peer| peer.online) else { return Vec::new() };
        let uptime = |at: Time| at.millis_after(machine.booted).max(0) as f64 / 1_000.0;
        let line = |sign: Sign, at: Time, text: &str| Line { sign, uptime: Some(uptime(at)), stamp: None, text: text.into() };
        let mut lines = Vec::new();
        for (region, beat) in o2cb.regions.iter().zip(&me.beats).filter(|(_, beat)| beat.on) {
            let errors = self.pbd_of(host, region.store).is_some_and(|p| p.errors);
            if beat.since.is_some() && errors {
                lines.push(line(Sign::HeartbeatError, self.now, "o2hb_bio_end_io:535 ERROR: IO Error 10"));
            }
        }
        let pardon = "o2hb: all nodes hb write hung, maybe region is down.";
        lines.extend(me.pardoned.map(|at| line(Sign::HeartbeatPardoned, at, pardon)));
        lines
    }

    /// The state of a host's driver; `None` if o2cb does not run there.
    pub(in super::super) fn o2cb_live(&self, host: usize) -> Option<Live> {
        let now = self.now;
        let o2cb = self.o2cb.as_ref()?;
        let me = o2cb.nodes.get(host).filter(|peer| peer.online)?;
        let machine = self.hosts.get(host)?;
        let own = self.number_of(host)?;
        let alive = self.o2cb_alive();
        let uptime = now.millis_after(machine.booted).max(0);
        let members: Vec<(u8, usize)> = self
            .members()
            .iter()
            .filter(|m| m.left == Time::EPOCH)
            .filter_map(|m| Some((u8::try_from(m.number).ok()?, m.host?)))
            .collect();
        let name = |at: usize| self.hosts.get(at).map(|h| h.name.clone()).unwrap_or_default();
        let nodes = members.iter().map(|(number, at)| Node {
            name: name(*at),
            num: Known::Yes(*number),
            address: Known::Yes(self.storage_address(*at)),
            port: Known::Yes(PORT),
            local: Known::Yes(*at == host),
        });
        // It keeps naming a silent peer as connected: only the time of the last byte tells.
        let linked = |at: usize| o2cb.nodes.get(at).is_some_and(|peer| peer.online);
        let sockets =
            members.iter().filter(|(number, at)| *number != own && linked(*at) && alive.contains(number)).map(|(_, at)| {
                let since = o2cb.deaf.get(&(host.min(*at), host.max(*at))).copied();
                let quiet = since.map_or(now.as_millis().rem_euclid(BEAT), |since| now.millis_after(since));
                Socket {
                    peer: name(*at),
                    remote: format!("{}:{PORT}", self.storage_address(*at)),
                    handshake: true,
                    data_ready_us: u64::try_from(uptime.saturating_sub(quiet)).ok().map(|ms| ms * 1_000),
                    latest_us: u64::try_from(uptime).unwrap_or(0) * 1_000,
                }
            });
        let sockets: Vec<Socket> = sockets.collect();
        let beaten = now.as_millis().rem_euclid(BEAT).max(1);
        let region = |(num, (region, beat)): (u8, (&super::Region, &super::Beat))| {
            let elapsed = beat.since.map_or(beaten, |since| now.millis_after(since) + beaten);
            let on =
                |at: usize| o2cb.nodes.get(at).is_some_and(|p| p.beats.get(usize::from(num)).is_some_and(|b| self.seen(p, b)));
            let seen = members.iter().filter(|(_, at)| on(*at)).map(|(number, _)| *number).collect();
            Region {
                uuid: region.uuid.clone(),
                device: Known::Yes(format!("dm-{num}")),
                num: Known::Yes(num),
                elapsed_ms: Known::Yes(u64::try_from(elapsed).unwrap_or(0)),
                live_nodes: Known::Yes(seen),
                pinned: Known::Yes(true),
            }
        };
        let mine = || (0u8..=255).zip(o2cb.regions.iter().zip(&me.beats)).filter(|(_, (_, beat))| beat.on);
        let regions: Vec<Region> = mine().map(region).collect();
        let numbers: BTreeSet<u8> = mine().map(|(num, _)| num).collect();
        let failed: BTreeSet<u8> = mine().filter(|(_, (_, beat))| beat.failed).map(|(num, _)| num).collect();
        let connected: BTreeSet<u8> = members
            .iter()
            .filter(|(number, at)| *number == own || (linked(*at) && alive.contains(number)))
            .map(|(number, _)| *number)
            .collect();
        let cluster = Cluster {
            name: NAME.into(),
            idle_timeout_ms: Known::Yes(30_000),
            keepalive_delay_ms: Known::Yes(2_000),
            reconnect_delay_ms: Known::Yes(2_000),
            fence_method: Known::Yes(if machine.setup.fence_panics { FenceMethod::Panic } else { FenceMethod::Reset }),
            dead_threshold: Known::Yes(THRESHOLD),
            mode: Known::Yes(Mode::Global),
            nodes: nodes.collect(),
            regions,
        };
        Some(Live {
            taken: now,
            host: Known::Yes(name(host)),
            uptime_ms: Known::Yes(u64::try_from(uptime).unwrap_or(0)),
            kernel: Known::Yes(Kernel { major: 4, minor: 19, release: "4.19.0+1".into() }),
            hz: Some(250),
            interface: Known::Yes(5),
            stack: Known::Yes(super::STACK.into()),
            clusters: Known::Yes(vec![cluster]),
            live_nodes: Known::Yes(alive),
            live_regions: Known::Yes(numbers.clone()),
            quorum_regions: Known::Yes(numbers),
            failed_regions: Known::Yes(failed),
            connected: Known::Yes(connected),
            sockets: Known::Yes(sockets),
            tcp: Known::Yes(Vec::new()),
            panic_secs: Known::Yes(0),
            panic_on_oops: Known::Yes(true),
        })
    }
}
