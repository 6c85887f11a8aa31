//! What a host's probe would report, where a scenario says that the hosts have it: as the plugin `poolwatch` through `host.call_plugin`.
//!
//! It reports what the world really is, as DRBD and chrony would say it on that host; parts that this world does not have are not known.

mod ha;

use super::Core;
use super::mirror::Mirror;
use crate::o2cb::live::Live;
use crate::o2cb::live::known::{Because, Known, Unknown};
use crate::o2cb::margin::{Margin, Watch};
use crate::probe::Report;
use crate::probe::clock::Clock;
use crate::probe::collect::margin_signs;
use crate::probe::kernel::Line;
use crate::probe::report::{O2cb, Rebuild, SCHEMA, Section, Teller, Work};
use crate::sim::api::Failure;
use crate::sim::value::Value;

/// How far off DRBD's words are at most: it counts in blocks.
const CLOCK_ERROR_MS: f64 = 1.0;

impl Core {
    /// The answer of the plugin to one of its functions.
    pub(super) fn plugin_probe(&self, host: usize, function: &str) -> Result<Value, Failure> {
        match function {
            "probe" => {
                let text = serde_json::to_string(&self.probe_report(host));
                text.map(Value::from).map_err(|error| Failure::new("XENAPI_PLUGIN_FAILURE", [function, &error.to_string()]))
            }
            "version" => Ok(concat!("poolwatch ", env!("CARGO_PKG_VERSION")).into()),
            _ => Err(Failure::new("UNKNOWN_XENAPI_PLUGIN_FUNCTION", [function])),
        }
    }

    fn probe_report(&self, at: usize) -> Report {
        let name = self.hosts.get(at).map(|h| h.name.clone()).unwrap_or_default();
        let absent = |from: &str| Unknown::new(from, Because::Absent);
        let offset = self.hosts.get(at).map_or(0, |h| h.clock_ms) as f64;
        let clock = Clock {
            by: "chronyc".into(),
            synchronised: Some(offset.abs() < 1_000.0),
            source: Some("10.0.0.1".into()),
            stratum: Some(3),
            offset_ms: Some(offset),
            error_ms: Some(CLOCK_ERROR_MS),
        };
        let lines = self.o2cb_kernel(at);
        let kernel = if self.o2cb_live(at).is_some() {
            Section::of("dmesg", None, self.now, Known::Yes(lines.clone()))
        } else {
            Section::none(absent("dmesg"))
        };
        let rebuilds = self.stores.iter().filter_map(|s| Some((s, s.mirror.as_ref()?)));
        let rebuilds = rebuilds.filter(|(_, mirror)| mirror.node_of(at).is_some());
        Report {
            schema: SCHEMA.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            taken: self.now,
            live: true,
            host: Known::Yes(name),
            o2cb: self
                .o2cb_live(at)
                .map_or_else(|| Section::none(absent("/sys/kernel/config/cluster")), |live| self.o2cb_section(live, &lines)),
            multipath: Section::none(absent("multipathd")),
            drbd: Section::none(Unknown::new("drbdsetup", Because::NotLooked("the rebuilds say it".into()))),
            linstor: Section::none(absent("linstor")),
            md: Section::none(absent("/proc/mdstat")),
            clock: Section::of("chronyc -n tracking", None, self.now, Known::Yes(clock)),
            crash: Section::none(absent("/sys/kernel/kexec_crash_loaded")),
            kernel,
            xha: self.xhad_section(at),
            timeouts: self.timeouts_section(at),
            rebuilds: rebuilds.flat_map(|(store, mirror)| self.mending(&store.name, mirror, at)).collect(),
        }
    }

    fn o2cb_section(&self, live: Live, lines: &[Line]) -> Section<O2cb> {
        let mut watch = Watch::new();
        let uptime = live.uptime_ms.get().map(|ms| *ms as f64 / 1_000.0);
        watch.add("", self.now, &live, margin_signs(lines, uptime));
        let margin = Margin { host: live.host.get().cloned().unwrap_or_default(), ..watch.margin("", self.now) };
        let found = O2cb { says: margin.to_string(), advice: margin.advice(), margin, live, differences: Vec::new() };
        Section::of("/sys/kernel/debug/o2hb", None, self.now, Known::Yes(found))
    }

    /// What DRBD on this host says of copies that are behind: those of its own, and those that it is the source of.
    fn mending(&self, sr: &str, mirror: &Mirror, at: usize) -> Vec<Rebuild> {
        let mine = mirror.node_of(at);
        let mut out = Vec::new();
        for (n, node) in mirror.nodes().iter().enumerate() {
            let behind = mirror.to_copy(n);
            if behind == 0 && !mirror.resyncing(n) {
                continue;
            }
            let left = mirror.ends(n).map(|end| end.since(self.now).as_secs());
            let own = mirror.progress_of(n, self.now);
            let work = match (mirror.resyncing(n), mirror.is_stalled(), node.up) {
                (true, false, _) => Work::Running,
                (true, true, _) => Work::Stalled,
                (false, _, true) => Work::Waiting,
                (false, _, false) => Work::Missing,
            };
            let mut nodes = vec![node.name.clone()];
            nodes.extend(mine.filter(|m| *m != n).and_then(|m| mirror.nodes().get(m)).map(|m| m.name.clone()));
            out.push(Rebuild {
                teller: Teller::Drbd,
                resource: format!("{sr} on {}", node.name),
                volume: None,
                work,
                progress: own.filter(|(_, all)| *all > 0).map(|(done, all)| done as f64 / all as f64),
                eta_secs: left,
                redundancy_lost: true,
                copies: None,
                nodes,
                target: Some(node.name.clone()),
                note: None,
            });
        }
        out
    }
}
