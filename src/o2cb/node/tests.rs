//! o2cb on one host, in memory and on a real folder: joining, leaving, forgetting, start, stop, what differs.

use super::*;
use crate::o2cb::folder::{Disk, Memory};
use crate::o2cb::numbers::NumberError;
use crate::o2cb::registered::Cure;
use crate::o2cb::service::{Kept, STATIC_VDIS};
use std::path::PathBuf;

const UUID: &str = "0d5c5ba8-5a11-4c3a-9a12-1f4a3f4f6a10";
const CONF: &str = "# ours\ncluster:\n\tname = xspool\n\tnode_count = 2\n\theartbeat_mode = global\n\n\
node:\n\tnumber = 0\n\tcluster = xspool\n\tip_port = 7777\n\tip_address = 10.0.0.10\n\tname = xs0\n\n\
node:\n\tnumber = 1\n\tcluster = xspool\n\tip_port = 7777\n\tip_address = 10.0.0.11\n\tname = xs1\n\n\
heartbeat:\n\tcluster = xspool\n\tregion = 0C4AB55FE9314FA5A9F81652FDB9B22D\n\n";

/// A host in memory.
struct Host {
    folder: Memory,
    services: Kept,
    dry_run: bool,
    register: bool,
}

impl Host {
    fn new(conf: &str) -> Self {
        Self { folder: Memory::new().with(CLUSTER_CONF, conf), services: Kept::default(), dry_run: false, register: false }
    }

    fn node(&mut self) -> Node<'_> {
        Node { folder: &mut self.folder, services: &mut self.services, dry_run: self.dry_run, register: self.register }
    }

    fn text(&self, path: &str) -> String {
        String::from_utf8(self.folder.read(path, LARGEST).unwrap().unwrap_or_default()).unwrap()
    }

    fn join(&mut self, host: &str, address: &str) -> Result<Outcome, NodeError> {
        let join = Join { uuid: format!("uuid-{host}"), ..Join::new(host, address) };
        self.node().create(&join, at(1))
    }

    fn leave(&mut self, who: &str, when: i64) -> Result<Outcome, NodeError> {
        self.node().destroy(None, &Who::Name(who.into()), at(when))
    }

    fn states(&mut self, alive: &[u8]) -> Vec<(u8, HostState)> {
        let alive = alive.iter().copied().collect();
        self.node().query(None, Some(&alive)).unwrap().hosts.iter().map(|row| (row.number, row.state)).collect()
    }
}

fn at(secs: i64) -> Time {
    Time::from_secs(1_795_000_000 + secs)
}

#[test]
fn a_host_joins_with_the_lowest_number_and_only_that_is_written() {
    let mut host = Host::new(CONF);
    let outcome = host.join("xs2.example.org", "10.0.0.12").unwrap();
    assert_eq!((outcome.number, outcome.name.as_str(), outcome.changed, outcome.then), (2, "xs2", true, Then::Register));
    let stanza = "node:\n\tnumber = 2\n\tcluster = xspool\n\tip_port = 7777\n\tip_address = 10.0.0.12\n\tname = xs2\n";
    assert_eq!(host.text(CLUSTER_CONF), CONF.replace("node_count = 2", "node_count = 3") + stanza);
    let backup = host.folder.list(BACKUPS).unwrap();
    assert_eq!(host.text(&format!("{BACKUPS}/{}", backup[0])), CONF);

    let again = host.join("xs2", "10.0.0.12").unwrap();
    assert_eq!((again.changed, again.then), (false, Then::Nothing), "the same again changes nothing");
    assert!(matches!(host.join("xs2", "10.0.0.99"), Err(NodeError::Refused(Refused::There { .. }))));
    assert!(matches!(host.join("xs3", "10.0.0.12"), Err(NodeError::Refused(Refused::AddressUsed { .. }))));
    for (name, address) in
        [("xs3", "fe80::1"), ("xs3", "127.0.0.1"), ("", "10.0.0.13"), ("x/y", "10.0.0.13"), ("\x1b", "10.0.0.13")]
    {
        assert!(matches!(host.join(name, address), Err(NodeError::Refused(Refused::Address { .. } | Refused::Name { .. }))));
    }
}

#[test]
fn a_dry_run_says_the_same_and_writes_nothing() {
    let mut host = Host::new(CONF);
    let before = host.folder.clone();
    host.dry_run = true;
    let planned = host.join("xs2", "10.0.0.12").unwrap();
    host.leave("xs1", 5).unwrap();
    host.node().start(None, Some(UUID)).unwrap();
    host.node().stop(None).unwrap();
    assert_eq!(host.folder, before);
    host.dry_run = false;
    assert_eq!(host.join("xs2", "10.0.0.12").unwrap(), planned);
}

#[test]
fn who_left_holds_its_number_until_everybody_has_restarted() {
    let mut host = Host::new(CONF);
    host.join("xs2", "10.0.0.12").unwrap();
    let outcome = host.node().destroy(None, &Who::Uuid("uuid-xs2".into()), at(100)).unwrap();
    assert_eq!((outcome.number, outcome.then), (2, Then::Restart));
    assert!(host.text(CLUSTER_CONF).contains("\n#node:\n#\tnumber = 2\n"));
    assert!(host.text(CLUSTER_CONF).contains("node_count = 2\n"));
    assert!(!host.node().destroy(None, &Who::Uuid("uuid-xs2".into()), at(101)).unwrap().changed, "it left already");

    let claim = Join { number: Some(2), ..Join::new("xs3", "10.0.0.13") };
    assert!(matches!(
        host.node().create(&claim, at(102)),
        Err(NodeError::Refused(Refused::Number(NumberError::Held { number: 2, .. })))
    ));
    assert_eq!(host.join("xs3", "10.0.0.13").unwrap().number, 3);

    // The real tool rewrites the file and drops every comment; the number is held all the same.
    let stripped: String = host.text(CLUSTER_CONF).split_inclusive('\n').filter(|line| !line.starts_with('#')).collect();
    host.folder.write(CLUSTER_CONF, stripped.as_bytes()).unwrap();
    assert_eq!(host.join("xs4", "10.0.0.14").unwrap().number, 4);

    let started = |secs: i64| ["xs0", "xs1", "xs3", "xs4"].iter().map(|name| ((*name).to_owned(), at(secs))).collect::<Vec<_>>();
    let early = host.node().forget(None, 2, &Evidence::Started(started(99)), at(300));
    assert!(matches!(early, Err(NodeError::Refused(Refused::NotRestarted { .. }))));
    let mut one_missing = started(200);
    one_missing.pop();
    assert!(host.node().forget(None, 2, &Evidence::Started(one_missing), at(300)).is_err());
    host.node().forget(None, 2, &Evidence::Started(started(200)), at(300)).unwrap();
    assert!(matches!(host.node().forget(None, 2, &Evidence::Word, at(300)), Err(NodeError::Refused(Refused::NotHeld { .. }))));
    assert_eq!(host.join("xs5", "10.0.0.15").unwrap().number, 2);
}

#[test]
fn a_number_that_a_hand_commented_out_needs_a_persons_word() {
    let mut host = Host::new(
        &CONF
            .replace("node:\n\tnumber = 1\n", "#node:\n#\tnumber = 1\n")
            .replace("\tcluster = xspool\n\tip_port = 7777\n\tip_address = 10.0.0.11\n\tname = xs1\n", "#\tname = xs1\n"),
    );
    assert_eq!(host.join("xs2", "10.0.0.12").unwrap().number, 2);
    let started = Evidence::Started(vec![("xs0".into(), at(900)), ("xs2".into(), at(900))]);
    assert!(matches!(host.node().forget(None, 1, &started, at(1)), Err(NodeError::Refused(Refused::NotRestarted { .. }))));
    host.node().forget(None, 1, &Evidence::Word, at(1)).unwrap();
    assert!(!host.text(CLUSTER_CONF).contains("#node"));
}

#[test]
fn a_cluster_is_founded_and_gets_regions() {
    let mut host = Host::new("");
    host.folder = Memory::new();
    let regions = ["0c4ab55f-e931-4fa5-a9f8-1652fdb9b22d".to_owned()];
    let founded = host.node().found("xspool", Mode::Global, &regions, at(1)).unwrap();
    assert_eq!((founded.changed, founded.regions), (true, vec!["0C4AB55FE9314FA5A9F81652FDB9B22D".to_owned()]));
    assert!(!host.node().found("xspool", Mode::Global, &regions, at(2)).unwrap().changed);
    assert_eq!(host.join("xs0", "10.0.0.10").unwrap().number, 0);
    host.node().found("xspool", Mode::Global, &["1".repeat(32)], at(3)).unwrap();
    host.node().start(None, None).unwrap();
    let text = "cluster:\n\tname = xspool\n\tnode_count = 1\n\theartbeat_mode = global\n\nheartbeat:\n\tcluster = xspool\n\tregion = 0C4AB55FE9314FA5A9F81652FDB9B22D\n";
    assert!(host.text(CLUSTER_CONF).starts_with(text));
    for (name, mode, region) in
        [("my-pool", Mode::Global, ""), ("xspool", Mode::Local, ""), ("x", Mode::Local, "0"), ("x", Mode::Global, "zz")]
    {
        let regions: Vec<String> = [region.to_owned()].into_iter().filter(|region| !region.is_empty()).collect();
        assert!(host.node().found(name, mode, &regions, at(4)).is_err());
    }
}

#[test]
fn numbers_end_at_254_and_the_error_says_what_frees_some() {
    let head = "cluster:\n\tname = big\n\tnode_count = 255\n\theartbeat_mode = global\n".to_owned();
    let node =
        |n| format!("node:\n\tnumber = {n}\n\tcluster = big\n\tip_port = 7777\n\tip_address = 10.1.0.{n}\n\tname = h{n}\n");
    let conf = head + &(0..255).map(node).collect::<Vec<_>>().concat();
    let mut host = Host::new(&conf);
    let error = host.join("h255", "10.2.0.1").unwrap_err();
    assert!(matches!(error, NodeError::Refused(Refused::Number(NumberError::Spent { used: 255, held: 0 }))), "{error}");
    let join = Join { number: Some(255), ..Join::new("h255", "10.2.0.1") };
    let error = host.node().create(&join, at(1)).unwrap_err();
    assert!(error.to_string().contains("too high") && error.to_string().contains("restart every node"), "{error}");
    host.leave("h7", 5).unwrap();
    assert!(host.join("h255", "10.2.0.1").is_err(), "the number of who left is not free yet");
}

#[test]
fn what_is_not_understood_is_not_touched() {
    let broken = [
        "cluster:\r\n",
        "cluster:\n\tname = c\n\tnode_count = 0\nnode:\n\tcluster = c\n\tnumber = 300\n",
        "\0\0\0",
        "cluster:\n\tname = c\n\tnode_count = 0\n\tx = 1\\",
        "\u{fffd}",
    ];
    for conf in broken {
        let mut host = Host::new(conf);
        let before = host.folder.clone();
        assert!(matches!(host.join("xs2", "10.0.0.12"), Err(NodeError::NotUnderstood(_))), "{conf:?}");
        assert!(host.leave("xs1", 1).is_err() && host.node().start(None, None).is_err() && host.node().stop(None).is_err());
        assert_eq!(host.folder, before);
    }
    let mut host = Host::new(CONF);
    host.folder.write(state::PATH, b"{\"form\":9}").unwrap();
    let before = host.folder.clone();
    assert!(matches!(host.join("xs2", "10.0.0.12"), Err(NodeError::State(StateError::Form { form: 9 }))));
    assert_eq!(host.folder, before);
    assert!(matches!(Host::new("").join("a", "10.0.0.1"), Err(NodeError::Refused(Refused::Cluster(NoCluster::None)))));
}

#[test]
fn local_heartbeat_lets_nobody_join_while_it_is_online() {
    let mut host = Host::new(&CONF.replace("global", "local"));
    assert_eq!(host.join("xs2", "10.0.0.12").unwrap().then, Then::Restart, "offline, it only has to be the same everywhere");
    host.node().start(None, None).unwrap();
    let error = host.join("xs3", "10.0.0.13").unwrap_err();
    assert!(matches!(error, NodeError::Refused(Refused::LocalMode { .. })) && error.to_string().contains("heartbeat-mode"));
    let join = Join { offline: true, ..Join::new("xs3", "10.0.0.13") };
    host.node().create(&join, at(1)).unwrap();
    let query = host.node().query(None, None).unwrap();
    assert_eq!((query.needs_restart, query.needs_register), (true, false));
}

#[test]
fn what_was_changed_is_outstanding_until_it_is_registered_or_restarted() {
    let mut host = Host::new(CONF);
    host.services.statefiles = vec![UUID.into()];
    let query = host.node().query(None, None).unwrap();
    assert!(!query.online && !query.needs_restart, "what does not run needs no restart");
    host.node().start(None, None).unwrap();
    assert_eq!(host.states(&[0]), [(0, HostState::Alive), (1, HostState::Dead)]);

    host.join("xs2", "10.0.0.12").unwrap();
    let query = host.node().query(None, None).unwrap();
    assert_eq!((query.needs_restart, query.needs_register, query.source), (false, true, Some(Source::KeptCopy)));
    assert_eq!(query.differences[0].cure, Cure::Register);
    assert_eq!(host.states(&[0, 1]), [(0, HostState::Alive), (1, HostState::Alive), (2, HostState::Excluded)]);
    host.register = true;
    let outcome = host.join("xs3", "10.0.0.13").unwrap();
    assert_eq!(outcome.then, Then::Nothing);
    assert!(host.node().query(None, None).unwrap().differences.is_empty());

    host.leave("xs1", 50).unwrap();
    let query = host.node().query(None, None).unwrap();
    assert_eq!((query.needs_restart, query.differences[0].what.as_str()), (true, "node xs1"));
    assert!(matches!(
        host.node().forget(None, 1, &Evidence::Word, at(60)),
        Err(NodeError::Refused(Refused::StillRegistered { number: 1, .. }))
    ));
    assert_eq!(host.states(&[0, 1])[1], (1, HostState::Excluded));
    assert!(host.node().booted().unwrap(), "the service starts with the host");
    let query = host.node().query(None, None).unwrap();
    assert!(query.online && !query.needs_restart);
    assert_eq!(host.states(&[0])[1], (1, HostState::Left));
    host.node().forget(None, 1, &Evidence::Word, at(60)).unwrap();
}

#[test]
fn start_and_stop_leave_everything_as_the_seed_says() {
    let mut host = Host::new(CONF);
    host.folder = host
        .folder
        .with(crate::o2cb::service::INVENTORY, "")
        .with("etc/default/o2cb", "# debian\nO2CB_ENABLED=false\nO2CB_BOOTCLUSTER=ocfs2\n");
    host.folder =
        host.folder.with(&format!("{STATIC_VDIS}/0/vdi-uuid"), "other").with(&format!("{STATIC_VDIS}/0/reason"), "HA statefile");
    let error = host.node().start(None, None).unwrap_err();
    assert!(error.to_string().contains("no VDI of type o2cb_statefile"), "{error}");
    assert!(host.node().start(None, Some("nonsense")).is_err());
    host.services.statefiles = vec![UUID.into()];
    let start = host.node().start(None, None).unwrap();
    assert_eq!((start.statefile.as_deref(), start.was_online), (Some(UUID), false));
    assert_eq!(host.text(&format!("{STATIC_VDIS}/1/vdi-uuid")), UUID);
    assert_eq!(host.text("etc/default/o2cb"), "# debian\nO2CB_ENABLED=true\nO2CB_BOOTCLUSTER=xspool\n");
    let query = host.node().query(None, None).unwrap();
    assert_eq!(query.service, ServiceState { enabled: Some(true), online: Some(true) });
    let again = host.node().start(None, None).unwrap();
    assert!(again.was_online && again.steps.is_empty(), "{again:?}");

    let mounts = host.folder.clone();
    host.folder = host.folder.with("proc/mounts", "/dev/sda1 / ext3 rw 0 0\n/dev/sdb /run/sr-mount/x ocfs2 rw 0 0\n");
    assert!(host.node().stop(None).unwrap_err().to_string().contains("/run/sr-mount/x"));
    host.folder = mounts;
    let stop = host.node().stop(None).unwrap();
    assert_eq!(stop.detached, [UUID]);
    assert_eq!(host.folder.list(STATIC_VDIS).unwrap(), ["0"], "others' volumes stay");
    assert!(host.text("etc/default/o2cb").contains("O2CB_ENABLED=false"));
    let query = host.node().query(None, None).unwrap();
    assert_eq!((query.online, query.service.enabled), (false, Some(false)));
}

#[test]
fn the_kernel_is_believed_before_the_copy() {
    let base = "sys/kernel/config/cluster/xspool";
    let mut folder = Memory::new().with(CLUSTER_CONF, CONF).with(registered::KEPT, CONF);
    for (name, number, address, local) in
        [("xs0", "0", "10.0.0.10", "1"), ("xs1", "5", "10.0.0.11", "0"), ("old", "9", "10.0.0.9", "0")]
    {
        for (file, value) in [("num", number), ("ipv4_address", address), ("ipv4_port", "7777"), ("local", local)] {
            folder = folder.with(&format!("{base}/node/{name}/{file}"), format!("{value}\n"));
        }
    }
    let folder = folder
        .with(&format!("{base}/heartbeat/threshold"), "61\n")
        .with(&format!("{base}/heartbeat/mode"), "global\n")
        .with(&format!("{base}/heartbeat/0C4AB55FE9314FA5A9F81652FDB9B22D/dev"), "sda\n")
        .with(&format!("{base}/fence_method"), "reset\n")
        .with("etc/sysconfig/o2cb", "O2CB_HEARTBEAT_THRESHOLD=31\n")
        .with("sys/kernel/debug/o2hb/livenodes", "0 9 \n");
    let mut host = Host { folder, services: Kept::default(), dry_run: false, register: false };
    let query = host.node().query(None, None).unwrap();
    let what: Vec<_> = query.differences.iter().map(|difference| difference.what.as_str()).collect();
    assert_eq!(what, ["node xs1", "node old", "dead_threshold"]);
    assert_eq!(query.source, Some(Source::Configfs));
    assert!(query.needs_restart);
    assert!(query.warnings.iter().any(|warning| warning.contains("no crash dump")));
    let rows: Vec<_> = query.hosts.iter().map(|row| (row.name.as_str(), row.state)).collect();
    assert_eq!(rows, [("xs0", HostState::Alive), ("xs1", HostState::Excluded), ("old", HostState::Excluded)]);
    assert!(query.hosts[2].why.contains("its heartbeat is seen"));
    assert_eq!(host.join("xs2", "10.0.0.12").unwrap().number, 2, "neither 5 nor 9, which are still registered");

    // A kernel without a cluster: the copy is from before the restart.
    let folder = Memory::new().with(CLUSTER_CONF, CONF).with(registered::KEPT, CONF).with("sys/kernel/debug/x", "");
    let mut host = Host { folder, services: Kept::default(), dry_run: false, register: false };
    assert!(!host.node().query(None, None).unwrap().online);
}

/// A folder of its own, which goes when the test ends.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("poolwatch-o2cb-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(path.join("root/etc/ocfs2")).unwrap();
        Self(path)
    }

    fn root(&self) -> PathBuf {
        self.0.join("root")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_real_folder_keeps_rights_is_written_whole_and_has_one_writer() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new("disk");
    let conf = place.root().join(CLUSTER_CONF);
    std::fs::write(&conf, CONF).unwrap();
    std::fs::set_permissions(&conf, std::fs::Permissions::from_mode(0o640)).unwrap();
    let (mut folder, mut services) = (Disk::open(&place.root()).unwrap(), Kept::default());
    assert!(!folder.is_machine());
    Node { folder: &mut folder, services: &mut services, dry_run: false, register: false }
        .create(&Join::new("xs2", "10.0.0.12"), at(1))
        .unwrap();
    assert!(std::fs::read_to_string(&conf).unwrap().contains("name = xs2"));
    assert_eq!(std::fs::metadata(&conf).unwrap().permissions().mode() & 0o777, 0o640);
    let names: Vec<_> = std::fs::read_dir(conf.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["cluster.conf"], "no draft is left");

    let mut other = Disk::open(&place.root()).unwrap();
    let error = Node { folder: &mut other, services: &mut services, dry_run: false, register: false }
        .destroy(None, &Who::Number(1), at(2))
        .unwrap_err();
    assert!(matches!(error, NodeError::Folder(FolderError::InUse { .. })), "{error}");
    drop(folder);
    Node { folder: &mut other, services: &mut services, dry_run: false, register: false }
        .destroy(None, &Who::Number(1), at(2))
        .unwrap();
}

#[test]
fn a_link_out_of_the_root_is_not_followed() {
    let place = Place::new("link");
    let outside = place.0.join("outside.conf");
    std::fs::write(&outside, CONF).unwrap();
    std::os::unix::fs::symlink(&outside, place.root().join(CLUSTER_CONF)).unwrap();
    let (mut folder, mut services) = (Disk::open(&place.root()).unwrap(), Kept::default());
    let mut node = Node { folder: &mut folder, services: &mut services, dry_run: false, register: false };
    assert!(matches!(node.create(&Join::new("xs2", "10.0.0.12"), at(1)), Err(NodeError::Folder(FolderError::Outside { .. }))));
    assert_eq!(std::fs::read_to_string(&outside).unwrap(), CONF);
    assert!(matches!(node.folder.read("../outside.conf", 9_999), Err(FolderError::BadPath { .. })));
    std::fs::remove_file(place.root().join(CLUSTER_CONF)).unwrap();
    std::fs::create_dir(place.root().join(CLUSTER_CONF)).unwrap();
    assert!(matches!(node.create(&Join::new("xs2", "10.0.0.12"), at(1)), Err(NodeError::Folder(FolderError::NoFile { .. }))));
}

#[test]
fn backups_are_kept_and_do_not_grow_without_end() {
    let mut host = Host::new(CONF);
    for n in 0..30_u8 {
        host.node().create(&Join::new(&format!("h{n}"), &format!("10.3.0.{}", n + 1)), at(i64::from(n))).unwrap();
    }
    let names = host.folder.list(BACKUPS).unwrap();
    assert_eq!(names.len(), KEEP);
    assert!(names.contains(&format!("cluster.conf.{}", at(29).as_millis())));
}
