//! Reading the driver's state below a root. Thin: which files, in which order, and nothing about what they mean.

use super::known::{Because, Known, Unknown};
use super::root::Root;
use super::{Cluster, Live, Node, Region, parse};
use crate::time::Time;

/// The longest file that is read here, in bytes. `sock_containers` holds about 600 bytes a node, of which 254 may be.
const LIMIT: u64 = 256 * 1024;
/// `/proc/net/tcp` is 150 bytes a connection.
const TCP_LIMIT: u64 = 8 * 1024 * 1024;
/// Where configfs and debugfs are mounted; the later ones are from before `/sys/kernel`.
const CONFIGFS: [&str; 2] = ["/sys/kernel/config", "/config"];
const DEBUGFS: [&str; 2] = ["/sys/kernel/debug", "/debug"];
const OLD: &str = "/proc/fs/ocfs2_nodemanager";
const SOCKETS: &str = "o2net/sock_containers";
/// The port of o2net, if the configuration does not say another.
const PORT: u16 = 7777;

/// Whether `o2net/sock_containers` is read, which writes up to six lines to the kernel log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// Read it.
    Yes,
    /// Leave it, for this reason.
    No(String),
}

/// The state of the driver below `root`, read at `now`.
pub fn live(root: &Root, now: Time, look: &Look) -> Live {
    let debug = base(root, &DEBUGFS, "o2hb");
    let bitmap = |name: &str| value(root, &format!("{debug}/o2hb/{name}"), parse::numbers);
    let clusters = clusters(root, &debug);
    let port = clusters.get().and_then(|all| all.first()?.nodes.first()?.port.copied()).unwrap_or(PORT);
    Live {
        taken: now,
        host: value(root, "/proc/sys/kernel/hostname", parse::word)
            .or(|| value(root, "/etc/hostname", parse::word))
            .or(|| local(&clusters)),
        uptime_ms: value(root, "/proc/uptime", parse::uptime),
        kernel: value(root, "/proc/sys/kernel/osrelease", parse::kernel).or(|| value(root, "/proc/version", parse::kernel)),
        hz: hz(root),
        interface: value(root, "/sys/fs/o2cb/interface_revision", parse::number)
            .or(|| value(root, "/sys/o2cb/interface_revision", parse::number)),
        stack: value(root, "/sys/fs/ocfs2/cluster_stack", parse::word),
        clusters,
        live_nodes: bitmap("livenodes"),
        live_regions: bitmap("live_regions").or(|| bitmap("liveregions")),
        quorum_regions: bitmap("quorum_regions").or(|| bitmap("quorumregions")),
        failed_regions: bitmap("failed_regions").or(|| bitmap("failedregions")),
        connected: value(root, &format!("{debug}/o2net/connected_nodes"), parse::numbers),
        sockets: sockets(root, &debug, look),
        tcp: root.read("/proc/net/tcp", TCP_LIMIT).map(|file| parse::tcp(&file.text, port)).into(),
        panic_secs: value(root, "/proc/sys/kernel/panic", parse::number),
        panic_on_oops: value(root, "/proc/sys/kernel/panic_on_oops", parse::flag),
    }
}

/// The name of this host as a node.
fn local(clusters: &Known<Vec<Cluster>>) -> Known<String> {
    let nodes = clusters.get().into_iter().flatten().flat_map(|cluster| &cluster.nodes);
    let own = nodes.into_iter().find(|node| node.local.copied() == Some(true));
    own.map_or_else(Known::default, |node| Known::Yes(node.name.clone()))
}

fn sockets(root: &Root, debug: &str, look: &Look) -> Known<Vec<super::Socket>> {
    let path = format!("{debug}/{SOCKETS}");
    match look {
        Look::No(why) if root.is_live() => Known::No(Unknown::new(path, Because::NotLooked(why.clone()))),
        // A saved copy costs nothing to read.
        Look::No(_) | Look::Yes => root.read(&path, LIMIT).map(|file| parse::sockets(&file.text)).into(),
    }
}

/// The first of `bases` that has `name` in it, or the first.
fn base(root: &Root, bases: &[&str; 2], name: &str) -> String {
    let found = bases.iter().find(|base| root.exists(&format!("{base}/{name}")));
    (*found.unwrap_or(&bases[0])).to_owned()
}

fn value<T>(root: &Root, path: &str, parse: impl FnOnce(&str, &str) -> Result<T, Unknown>) -> Known<T> {
    root.read(path, LIMIT).and_then(|file| parse(path, &file.text)).into()
}

fn hz(root: &Root) -> Option<u32> {
    let release = root.read("/proc/sys/kernel/osrelease", LIMIT).ok()?.text;
    let release = release.trim();
    if release.contains('/') {
        return None;
    }
    parse::hz(&root.read(&format!("/boot/config-{release}"), 2 * 1024 * 1024).ok()?.text)
}

fn clusters(root: &Root, debug: &str) -> Known<Vec<Cluster>> {
    let base = format!("{}/cluster", base(root, &CONFIGFS, "cluster"));
    let names = root.folders(&base);
    names.map(|names| names.into_iter().map(|name| cluster(root, &format!("{base}/{name}"), name, debug)).collect()).into()
}

fn cluster(root: &Root, at: &str, name: String, debug: &str) -> Cluster {
    let ms = |file: &str, old: &str| {
        value(root, &format!("{at}/{file}"), parse::number).or(|| value(root, &format!("{OLD}/{old}"), parse::number))
    };
    let beat = format!("{at}/heartbeat");
    let node_names = root.folders(&format!("{at}/node")).unwrap_or_default();
    Cluster {
        idle_timeout_ms: ms("idle_timeout_ms", "idle_timeout_ms"),
        keepalive_delay_ms: ms("keepalive_delay_ms", "keepalive_delay_ms"),
        reconnect_delay_ms: ms("reconnect_delay_ms", "reconnect_delay_ms"),
        fence_method: value(root, &format!("{at}/fence_method"), parse::fence_method)
            .or(|| value(root, &format!("{OLD}/fence_method"), parse::fence_method)),
        dead_threshold: value(root, &format!("{beat}/dead_threshold"), parse::number)
            .or(|| value(root, &format!("{beat}/threshold"), parse::number))
            .or(|| value(root, &format!("{OLD}/hb_dead_threshold"), parse::number)),
        mode: value(root, &format!("{beat}/mode"), parse::mode),
        nodes: node_names.into_iter().map(|node_name| node(root, &format!("{at}/node/{node_name}"), node_name)).collect(),
        regions: regions(root, &beat, debug),
        name,
    }
}

fn node(root: &Root, at: &str, name: String) -> Node {
    Node {
        num: value(root, &format!("{at}/num"), parse::number),
        address: value(root, &format!("{at}/ipv4_address"), parse::word),
        port: value(root, &format!("{at}/ipv4_port"), parse::number),
        local: value(root, &format!("{at}/local"), parse::flag),
        name,
    }
}

/// The regions that either of the two file systems knows.
fn regions(root: &Root, beat: &str, debug: &str) -> Vec<Region> {
    let mut names = root.folders(beat).unwrap_or_default();
    names.extend(root.folders(&format!("{debug}/o2hb")).unwrap_or_default());
    names.sort();
    names.dedup();
    let region = |uuid: String| {
        let at = format!("{debug}/o2hb/{uuid}");
        Region {
            device: value(root, &format!("{beat}/{uuid}/dev"), parse::word),
            num: value(root, &format!("{at}/num"), parse::number).or(|| value(root, &format!("{at}/regnum"), parse::number)),
            elapsed_ms: value(root, &format!("{at}/elapsed_time_in_ms"), parse::number),
            live_nodes: value(root, &format!("{at}/livenodes"), parse::numbers),
            pinned: value(root, &format!("{at}/pinned"), parse::flag),
            uuid,
        }
    };
    names.into_iter().map(region).collect()
}
