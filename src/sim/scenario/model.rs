//! The shape of a scenario file. Sizes are GiB or MiB and times are seconds, as their names say.

use serde::Deserialize;

/// A pool: what is in it, how its machines behave, and what happens in it by itself.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name, as on the command line.
    #[serde(default)]
    pub name: String,
    /// One line for a menu: what there is to see.
    pub title: String,
    /// Name of the pool.
    pub pool: String,
    /// Third number of the hosts' addresses: 127.0.`subnet`.1 and up.
    #[serde(default)]
    pub subnet: u8,
    /// Product and versions.
    #[serde(default)]
    pub versions: Versions,
    /// What the hosts lack, and how it is installed.
    #[serde(default)]
    pub updates: Updates,
    /// How long the stages of a boot take.
    #[serde(default)]
    pub boot: Boot,
    /// The hosts; the first is the coordinator.
    pub hosts: Vec<HostSpec>,
    /// Shared storage. Every host also gets its own local SR and a DVD drive.
    #[serde(default)]
    pub srs: Vec<SrSpec>,
    /// Networks beside the one that the hosts are managed over, each a VLAN on its interface.
    #[serde(default)]
    pub networks: Vec<NetworkSpec>,
    /// Guests by name.
    #[serde(default)]
    pub guests: Vec<GuestSpec>,
    /// More guests, made up.
    #[serde(default)]
    pub fill: Fill,
    /// Whether the hosts have the probe, as the plugin `poolwatch`.
    #[serde(default)]
    pub probe: bool,
    /// Whether there is a corosync cluster of all hosts.
    #[serde(default)]
    pub cluster: bool,
    /// High availability.
    #[serde(default)]
    pub ha: HaSpec,
    /// Cluster stacks that are installed: the folders below `cluster-stack-root`.
    #[serde(default = "default_stacks")]
    pub cluster_stacks: Vec<String>,
    /// Whether workload balancing is on.
    #[serde(default)]
    pub wlb: bool,
    /// What goes on by itself, for ever.
    #[serde(default)]
    pub activity: Activity,
    /// What happens at a fixed time, each a fault as text, e.g. `crash host=xcp3`.
    #[serde(default)]
    pub events: Vec<Event>,
}

/// The stacks that are installed where a scenario does not say.
pub fn default_stacks() -> Vec<String> {
    ["xhad", "corosync", "o2cb"].map(str::to_owned).to_vec()
}

/// Product and versions of the hosts.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Versions {
    /// `XCP-ng` or `XenServer`.
    pub brand: String,
    /// Product version.
    pub product: String,
    /// Product version as people say it.
    pub text: String,
    /// Platform version.
    pub platform: String,
    /// Version of xapi.
    pub xapi: String,
    /// Version of Xen.
    pub xen: String,
    /// Build number; an update adds one to it, round by round.
    pub build: u32,
}

impl Default for Versions {
    fn default() -> Self {
        Self {
            brand: "XCP-ng".into(),
            product: "8.3.0".into(),
            text: "8.3".into(),
            platform: "3.4.0".into(),
            xapi: "26.17".into(),
            xen: "4.17.5-9".into(),
            build: 1,
        }
    }
}

/// How updates are installed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flow {
    /// There are none.
    #[default]
    None,
    /// `host.call_plugin(host, "updater.py", "update", …)`.
    XcpNg,
    /// `pool.sync_updates`, `/updates`, `host.apply_updates`.
    Xenserver,
    /// `pool_update.*`, as before `XenServer` 8.
    PoolUpdate,
}

/// One round of updates.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Updates {
    /// How they are installed.
    pub flow: Flow,
    /// Hosts that lack them, by name; empty: all.
    pub hosts: Vec<String>,
    /// How long they take to install, in seconds.
    pub takes_s: f64,
    /// Packages as `name-version-release`.
    pub packages: Vec<String>,
    /// What has to follow: `reboot_host`, `restart_toolstack`, …
    pub guidance: Vec<String>,
    /// Product version with them; empty: as before.
    pub product: String,
    /// Platform version with them; empty: as before. Hosts that differ in it make a rolling upgrade.
    pub platform: String,
    /// Version of xapi with them; empty: as before. Since xapi 25.33 hosts that differ in it make a rolling upgrade.
    pub xapi: String,
}

impl Default for Updates {
    fn default() -> Self {
        Self {
            flow: Flow::None,
            hosts: Vec::new(),
            takes_s: 95.0,
            packages: ["xen-hypervisor-4.17.5-12.1", "kernel-4.19.19-8.0.40.1", "xapi-core-26.18.0-1.1"]
                .map(str::to_owned)
                .to_vec(),
            guidance: vec!["reboot_host".to_owned()],
            product: String::new(),
            platform: String::new(),
            xapi: String::new(),
        }
    }
}

/// Seconds of virtual time that the stages of going down and coming up take.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Boot {
    /// From the call to the machine going down. xapi waits 10 s.
    pub shutdown_delay_s: f64,
    /// From down until xapi answers (firmware, Xen, dom0).
    pub post_s: f64,
    /// From answering until it says hello to the coordinator.
    pub hello_s: f64,
    /// From hello until it has joined its cluster.
    pub cluster_s: f64,
    /// For each PBD that is plugged.
    pub pbd_s: f64,
    /// From the last PBD until it is enabled.
    pub enable_s: f64,
    /// How long a restart of the toolstack takes.
    pub toolstack_s: f64,
}

impl Default for Boot {
    fn default() -> Self {
        Self { shutdown_delay_s: 10.0, post_s: 44.0, hello_s: 9.0, cluster_s: 3.0, pbd_s: 1.2, enable_s: 2.0, toolstack_s: 12.0 }
    }
}

/// A host.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostSpec {
    /// Its name.
    pub name: String,
    /// Logical processors.
    #[serde(default = "default_cpus")]
    pub cpus: u32,
    /// Memory.
    #[serde(default = "default_memory")]
    pub memory_gib: u32,
    /// How it is switched on remotely: empty (not), `wake-on-lan`, `IPMI`, `DRAC`.
    #[serde(default)]
    pub power_on_mode: String,
    /// Links of its bond; 1 means a plain interface.
    #[serde(default = "default_links")]
    pub links: u8,
    /// It is no part of the pool but a pool of its own, which may join.
    #[serde(default)]
    pub outside: bool,
    /// How its o2cb fences it.
    #[serde(default)]
    pub fence_method: FenceMethod,
    /// A crash kernel is loaded: without one no crash leaves a dump.
    #[serde(default = "yes")]
    pub crash_kernel: bool,
}

/// o2cb's `fence_method`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FenceMethod {
    /// The machine is reset, which leaves no dump: o2cb's default.
    #[default]
    Reset,
    /// The kernel panics, which starts the crash kernel.
    Panic,
}

fn yes() -> bool {
    true
}

const fn default_cpus() -> u32 {
    32
}
const fn default_memory() -> u32 {
    256
}
const fn default_links() -> u8 {
    2
}

/// A network that is a VLAN on the hosts' management interface.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSpec {
    /// Its name.
    pub name: String,
    /// The VLAN, 1 to 4094.
    pub vlan: u16,
    /// Hosts that have no address on it, by name; `["*"]`: none has one, as for networks of guests alone.
    #[serde(default)]
    pub without: Vec<String>,
}

/// A shared storage repository.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SrSpec {
    /// Its name.
    pub name: String,
    /// xapi's type: `linstor`, `lvmoiscsi`, `lvmohba`, `nfs`, `iso`, `gfs2`; `ocfs2` demands o2cb, and each such SR is a heartbeat region.
    pub kind: String,
    /// Size.
    #[serde(default = "default_size")]
    pub size_gib: u64,
    /// Hosts that have a PBD for it, by name; empty: all.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// It is an aggregate of the hosts' own disks, mirrored.
    #[serde(default)]
    pub mirror: Option<MirrorSpec>,
    /// Its LUNs, where it has paths.
    #[serde(default)]
    pub luns: Vec<LunSpec>,
}

const fn default_size() -> u64 {
    4096
}

/// How an aggregated local storage mirrors.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MirrorSpec {
    /// Resync speed for each node that is being brought up to date.
    pub resync_mib_s: f64,
    /// What a guest's disk is written, on average.
    pub write_mib_s: f64,
    /// How long after its PBD is plugged a node starts to resync: it may start late.
    pub start_s: f64,
    /// Nodes of the storage cluster that are not hosts of this pool.
    pub outside: Vec<String>,
}

impl Default for MirrorSpec {
    fn default() -> Self {
        Self { resync_mib_s: 180.0, write_mib_s: 3.0, start_s: 6.0, outside: Vec::new() }
    }
}

/// A LUN and how many paths each host has to it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LunSpec {
    /// Its SCSI id, as in `mpath-<id>`.
    pub scsi_id: String,
    /// Paths from each host.
    #[serde(default = "default_paths")]
    pub paths: u8,
}

const fn default_paths() -> u8 {
    2
}

/// A guest by name.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuestSpec {
    /// Its name.
    pub name: String,
    /// Where it runs, by name; none: halted.
    #[serde(default)]
    pub host: Option<String>,
    /// Memory.
    #[serde(default = "default_guest_memory")]
    pub memory_gib: f64,
    /// SR of its disk, by name; none: the pool's default.
    #[serde(default)]
    pub sr: Option<String>,
    /// Paused instead of running.
    #[serde(default)]
    pub paused: bool,
    /// What ties it to its host.
    #[serde(default)]
    pub pinned: Option<Pinned>,
    /// `restart`, `best-effort` or nothing.
    #[serde(default)]
    pub ha: String,
}

const fn default_guest_memory() -> f64 {
    4.0
}

/// What ties a guest to its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pinned {
    /// A disk on the host's own SR.
    LocalSr,
    /// A device passed through.
    Pci,
    /// A CD that only this host sees.
    Iso,
}

/// Made-up guests.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fill {
    /// How many in the pool.
    pub running: usize,
    /// How many more that are halted.
    pub halted: usize,
    /// What is made up: a mix by default.
    pub kind: GuestKind,
}

/// What kind of guests are made up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuestKind {
    /// 1 to 16 GiB.
    #[default]
    Mixed,
    /// 1 or 2 GiB: they move fast.
    Small,
}

/// High availability.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HaSpec {
    /// Whether it is on at the start.
    pub enabled: bool,
    /// Seconds without heartbeat and statefile until a host is declared dead.
    pub timeout_s: u32,
    /// A host that cannot write the statefile for that long, while others can, fences itself.
    pub watch_statefile: bool,
}

impl Default for HaSpec {
    fn default() -> Self {
        Self { enabled: false, timeout_s: 60, watch_statefile: false }
    }
}

/// What goes on by itself.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Activity {
    /// Hosts go round.
    pub round: Option<Round>,
    /// Guests start, stop and move.
    pub busy: Option<Busy>,
    /// The `events` start over after this many seconds.
    pub repeat_events_s: Option<f64>,
}

/// Hosts go round by themselves: disable, evacuate, reboot, back, rebuild, next, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Round {
    /// Before the first host.
    pub start_s: f64,
    /// Quiet time between two hosts, after the rebuild has ended.
    pub pause_s: f64,
    /// Whether hosts come back with a newer version.
    pub update: bool,
    /// How long applying the update takes, before the reboot.
    pub update_s: f64,
    /// Start with a member instead of the coordinator.
    pub members_first: bool,
    /// The coordinator is left out.
    pub skip_coordinator: bool,
}

impl Default for Round {
    fn default() -> Self {
        Self { start_s: 5.0, pause_s: 40.0, update: false, update_s: 20.0, members_first: false, skip_coordinator: false }
    }
}

/// Guests start, stop and move by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Busy {
    /// Operations a minute, spread by chance.
    pub per_minute: f64,
}

impl Default for Busy {
    fn default() -> Self {
        Self { per_minute: 30.0 }
    }
}

/// Something that happens at a fixed time.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Seconds after the start.
    pub at_s: f64,
    /// A fault as text, e.g. `fail-path host=xcp3 lun=3600a0980 paths=1`.
    #[serde(rename = "do")]
    pub action: String,
}
