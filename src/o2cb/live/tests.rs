//! The state of a driver below a folder of our own, in each generation of names, and mangled.

use super::known::{Because, Known};
use super::look::{AN_HOUR, Policy, suspicion};
use super::read::{Look, live};
use super::root::Root;
use super::*;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const REGION: &str = "0C4AB55FE9314FA5A9F81652FDB9B22D";
const SOCKETS: &str = "(____ptrval____):\n  krefs:           3\n  sock:            10.0.0.2:34789 -> 10.0.0.1:7777\n  remote node:     xs0\n  \
    page off:        0\n  handshake ok:    1\n  timer:           88924243 usecs\n  data ready:      58923716 usecs\n";

/// A folder that stands for a host's `/`, gone with the test.
struct Host(PathBuf);

impl Host {
    fn new(name: &str, files: &BTreeMap<String, String>) -> Self {
        let folder = std::env::temp_dir().join(format!("poolwatch-live-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        for (path, text) in files {
            let file = folder.join(path.trim_start_matches('/'));
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn live(&self) -> Live {
        live(&Root::new(&self.0), Time::EPOCH, &Look::Yes)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Two nodes, one region, this is number 4 in cluster `xspool`.
fn files() -> BTreeMap<String, String> {
    let config = "/sys/kernel/config/cluster/xspool";
    let debug = "/sys/kernel/debug";
    let text: Vec<(String, &str)> = vec![
        (format!("{config}/fence_method"), "reset\n"),
        (format!("{config}/idle_timeout_ms"), "30000\n"),
        (format!("{config}/keepalive_delay_ms"), "2000\n"),
        (format!("{config}/reconnect_delay_ms"), "2000\n"),
        (format!("{config}/heartbeat/dead_threshold"), "31\n"),
        (format!("{config}/heartbeat/mode"), "global\n"),
        (format!("{config}/heartbeat/{REGION}/dev"), "sdb\n"),
        (format!("{config}/node/xs0/num"), "0\n"),
        (format!("{config}/node/xs0/local"), "0\n"),
        (format!("{config}/node/xs0/ipv4_address"), "10.0.0.1\n"),
        (format!("{config}/node/xs0/ipv4_port"), "7777\n"),
        (format!("{config}/node/xs1/num"), "4\n"),
        (format!("{config}/node/xs1/local"), "1\n"),
        (format!("{debug}/o2hb/livenodes"), "0 4 \n"),
        (format!("{debug}/o2hb/live_regions"), "0 \n"),
        (format!("{debug}/o2hb/quorum_regions"), "0 \n"),
        (format!("{debug}/o2hb/failed_regions"), "\n"),
        (format!("{debug}/o2hb/{REGION}/num"), "0\n"),
        (format!("{debug}/o2hb/{REGION}/elapsed_time_in_ms"), "1200\n"),
        (format!("{debug}/o2hb/{REGION}/livenodes"), "0 4 \n"),
        (format!("{debug}/o2hb/{REGION}/pinned"), "1\n"),
        (format!("{debug}/o2net/connected_nodes"), "0 \n"),
        (format!("{debug}/o2net/sock_containers"), SOCKETS),
        ("/proc/uptime".into(), "89.40 12.00\n"),
        ("/proc/sys/kernel/osrelease".into(), "4.19.0+1\n"),
        ("/boot/config-4.19.0+1".into(), "CONFIG_HZ_250=y\nCONFIG_HZ=250\n"),
        ("/sys/fs/o2cb/interface_revision".into(), "5\n"),
    ];
    text.into_iter().map(|(path, text)| (path, text.to_owned())).collect()
}

#[test]
fn a_driver_is_read_whole() {
    let live = Host::new("whole", &files()).live();
    let cluster = live.cluster().unwrap();
    assert_eq!((cluster.name.as_str(), live.number(), live.name_of(0)), ("xspool", Some(4), Some("xs0")));
    assert_eq!(cluster.dead_threshold.copied(), Some(31));
    assert_eq!(cluster.fence_method.copied(), Some(FenceMethod::Reset));
    assert!(!FenceMethod::Reset.leaves_a_dump());
    let region = &cluster.regions[0];
    assert_eq!(
        (region.uuid.as_str(), region.elapsed_ms.copied(), region.device.get().unwrap().as_str()),
        (REGION, Some(1_200), "sdb")
    );
    assert_eq!(live.failed_regions.get().unwrap().len(), 0);
    assert_eq!((live.uptime_ms.copied(), live.hz), (Some(89_400), Some(250)));
    let socket = &live.sockets.get().unwrap()[0];
    assert_eq!((socket.peer.as_str(), socket.handshake, socket.data_ready_us), ("xs0", true, Some(58_923_716)));
    assert_eq!(socket.latest_us, 88_924_243, "the host is at least that old");
    let again: Live = serde_json::from_str(&serde_json::to_string(&live).unwrap()).unwrap();
    assert_eq!(again, live);
}

#[test]
fn older_kernels_have_other_names() {
    let mut files = files();
    let rename = |files: &mut BTreeMap<String, String>, from: &str, to: &str| {
        let path = files.keys().find(|path| path.ends_with(from)).unwrap().clone();
        let text = files.remove(&path).unwrap();
        files.insert(path.replace(from, to), text);
    };
    rename(&mut files, "heartbeat/dead_threshold", "heartbeat/threshold");
    rename(&mut files, "o2hb/live_regions", "o2hb/liveregions");
    rename(&mut files, "o2hb/quorum_regions", "o2hb/quorumregions");
    rename(&mut files, &format!("{REGION}/num"), &format!("{REGION}/regnum"));
    let live = Host::new("older", &files).live();
    let cluster = live.cluster().unwrap();
    assert_eq!((cluster.dead_threshold.copied(), cluster.regions[0].num.copied()), (Some(31), Some(0)));
    assert_eq!(live.quorum_regions.get(), live.live_regions.get());
    // And before configfs had them.
    rename(&mut files, "/sys/kernel/config/cluster/xspool/heartbeat/threshold", "/proc/fs/ocfs2_nodemanager/hb_dead_threshold");
    rename(&mut files, "/sys/kernel/config/cluster/xspool/fence_method", "/proc/fs/ocfs2_nodemanager/fence_method");
    let live = Host::new("oldest", &files).live();
    let cluster = live.cluster().unwrap();
    assert_eq!((cluster.dead_threshold.copied(), cluster.fence_method.copied()), (Some(31), Some(FenceMethod::Reset)));
}

#[test]
fn what_is_missing_or_mangled_says_so() {
    let mut files = files();
    let elapsed = format!("/sys/kernel/debug/o2hb/{REGION}/elapsed_time_in_ms");
    files.insert(elapsed.clone(), "many\u{1b}[2J\n".into());
    files.insert("/sys/kernel/config/cluster/xspool/heartbeat/dead_threshold".into(), "4294967296\n".into());
    files.insert("/sys/kernel/debug/o2hb/livenodes".into(), "0 900\n".into());
    files.insert("/sys/kernel/debug/o2net/connected_nodes".into(), "1 ".repeat(300_000));
    files.remove("/proc/uptime");
    let live = Host::new("mangled", &files).live();
    let cluster = live.cluster().unwrap();
    let why = cluster.regions[0].elapsed_ms.why_not().unwrap();
    assert_eq!(why.to_string(), format!("{elapsed} is not understood: many[2J"));
    assert!(matches!(cluster.dead_threshold.why_not().unwrap().because, Because::NotUnderstood(_)));
    assert!(matches!(live.live_nodes.why_not().unwrap().because, Because::NotUnderstood(_)));
    assert!(matches!(live.connected.why_not().unwrap().because, Because::TooLong(_)));
    assert_eq!(live.uptime_ms.why_not().unwrap().because, Because::Absent);
    let nothing = Host::new("nothing", &BTreeMap::new()).live();
    assert!(!nothing.is_online() && nothing.clusters.why_not().is_some());
}

#[cfg(unix)]
#[test]
fn links_do_not_lead_out_of_the_folder() {
    let host = Host::new("links", &files());
    let outside = Host::new("outside", &BTreeMap::from([("/secret".into(), "1".into())]));
    let at = host.0.join("sys/kernel/debug/o2net/connected_nodes");
    fs::remove_file(&at).unwrap();
    std::os::unix::fs::symlink(Path::new(&outside.0).join("secret"), &at).unwrap();
    assert!(matches!(host.live().connected.why_not().unwrap().because, Because::Failed(_)));
}

#[test]
fn a_file_is_read_from_its_end_if_it_is_too_long() {
    let host = Host::new("end", &BTreeMap::from([("/log".to_owned(), "first\nsecond\nthird\n".to_owned())]));
    let root = Root::new(&host.0);
    let text = root.read_end("/log", 9).unwrap();
    assert_eq!((text.text.as_str(), text.cut), ("third\n", true));
    assert_eq!(root.read("/log", 9).unwrap_err().because, Because::TooLong(9));
    assert_eq!(root.read("/", 9).unwrap_err().because, Because::Failed("it is not a file".into()));
}

#[test]
fn the_file_that_floods_the_kernel_log_is_only_read_in_trouble() {
    let mut calm = Host::new("look", &files()).live();
    let mut policy = Policy::default();
    for secs in (0..7_200).step_by(2) {
        assert!(matches!(policy.ask(Time::from_secs(secs), &calm, false), Look::No(_)), "a calm host is never looked at");
    }
    if let Known::Yes(clusters) = &mut calm.clusters {
        clusters[0].regions[0].elapsed_ms = Known::Yes(7_000);
    }
    let looks = (0..3_600).step_by(2).filter(|secs| policy.ask(Time::from_secs(*secs), &calm, false) == Look::Yes).count();
    assert_eq!(looks, AN_HOUR);
    assert_eq!(policy.ask(Time::from_secs(3_602), &calm, false), Look::Yes, "and again in the next hour");
    assert_eq!(
        policy.ask(Time::from_secs(3_606), &calm, false),
        Look::No("the heartbeat on sdb is late, but it was read 4 s ago".into())
    );
}

#[test]
fn what_is_suspicious_costs_nothing_to_see() {
    let live = Host::new("suspicion", &files()).live();
    assert_eq!(suspicion(&live, false), None);
    assert!(suspicion(&live, true).is_some());
    let alone = Live { connected: Known::Yes(BTreeSet::new()), ..live.clone() };
    assert_eq!(suspicion(&alone, false).unwrap(), "node 0 has a heartbeat but no connection");
    let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt\n   \
        0: 0200000A:87E5 0100000A:1E61 01 00000034:00000000 01:00000020 00000005     0        0 1 2\n   \
        1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1\n";
    let tcp = parse::tcp(table, 7777);
    assert_eq!(tcp, [Tcp { remote: "10.0.0.1".into(), unsent: 0x34, sent_again: 5 }]);
    let again = Live { tcp: Known::Yes(tcp), ..live };
    assert_eq!(suspicion(&again, false).unwrap(), "TCP to 10.0.0.1 sends the same data again");
}

mod hostile {
    use super::super::parse;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,200}|[0-9: a-z>\n-]{0,200}|.{0,80}usecs\n") {
            let _ = parse::numbers("x", &text);
            let _ = parse::uptime("x", &text);
            let _ = parse::kernel("x", &text);
            let _ = parse::word("x", &text);
            let _ = (parse::hz(&text), parse::sockets(&text), parse::tcp(&text, 7777));
            let _ = parse::sockets(&format!("(x):\n  remote node: {text}\n  data ready: {text} usecs\n"));
        }
    }
}
