//! What the driver of a simulated host says of itself, as its probe would read it from configfs and debugfs.

use super::{Core, NAME};
use crate::o2cb::live::known::Known;
use crate::o2cb::live::{Cluster, FenceMethod, Kernel, Live, Mode, Node, Region, Socket};
use crate::time::Time;
use std::collections::BTreeSet;

/// o2cb's own defaults.
const THRESHOLD: u32 = 31;
const PORT: u16 = crate::o2cb::PORT;
/// A heartbeat is written every two seconds.
const BEAT: i64 = 2_000;

impl Core {
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
                let since = [host, *at].iter().filter_map(|h| o2cb.nodes.get(*h)?.unheard).min();
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
        let elapsed = me.armed.map_or(beaten, |armed| now.millis_after(armed) + beaten);
        let store = self.stores.get(o2cb.store)?;
        let region = Region {
            uuid: store.uuid.replace('-', "").to_uppercase(),
            device: Known::Yes("dm-0".into()),
            num: Known::Yes(0),
            elapsed_ms: Known::Yes(u64::try_from(elapsed).unwrap_or(0)),
            live_nodes: Known::Yes(alive.clone()),
            pinned: Known::Yes(true),
        };
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
            fence_method: Known::Yes(FenceMethod::Reset),
            dead_threshold: Known::Yes(THRESHOLD),
            mode: Known::Yes(Mode::Global),
            nodes: nodes.collect(),
            regions: vec![region],
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
            live_regions: Known::Yes(BTreeSet::from([0])),
            quorum_regions: Known::Yes(BTreeSet::from([0])),
            failed_regions: Known::Yes(BTreeSet::new()),
            connected: Known::Yes(connected),
            sockets: Known::Yes(sockets),
            tcp: Known::Yes(Vec::new()),
            panic_secs: Known::Yes(0),
            panic_on_oops: Known::Yes(true),
        })
    }
}
