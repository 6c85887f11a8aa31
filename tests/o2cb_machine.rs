//! o2cb on a host with tools of its own: which of them are called, in which order, and what happens when one fails.
//!
//! The host is a folder with scripts in the places of the real tools. One test a process: a script that is still being written elsewhere cannot be run.

#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use poolwatch::o2cb::conf::Mode;
use poolwatch::o2cb::folder::Disk;
use poolwatch::o2cb::membership::{Join, Who};
use poolwatch::o2cb::node::Node;
use poolwatch::o2cb::service::{Machine, Services};
use poolwatch::time::Time;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

const VDI: &str = "1c2b0a6e-3d41-4a5e-9a3e-5a0c86a3f1de";
const REGION: &str = "0C4AB55FE9314FA5A9F81652FDB9B22D";

/// A tool that notes how it was called, does `body`, and ends with the code in `exit-NAME`, if there is one.
fn tool(root: &Path, place: &str, body: &str) {
    let file = root.join(place);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let (root, name) = (root.display(), file.file_name().unwrap().to_str().unwrap().to_owned());
    let text = format!(
        "#!/bin/sh\necho \"{name} $*\" >> {root}/calls\nif [ -e {root}/exit-{name} ]; then echo \"no such luck\" >&2; exit 1; fi\n{body}\n"
    );
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
}

fn calls(root: &Path) -> Vec<String> {
    let said = fs::read_to_string(root.join("calls")).unwrap_or_default();
    let _ = fs::remove_file(root.join("calls"));
    said.lines().map(str::to_owned).collect()
}

#[test]
fn a_host_is_started_changed_and_stopped_with_its_own_tools() {
    let home = common::Home::new("machine");
    let root = home.path();
    for folder in ["run/systemd/system", "sys/kernel/config/cluster", "etc/sysconfig", "proc"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    fs::write(root.join("etc/xensource-inventory"), "").unwrap();
    let cluster = root.join("sys/kernel/config/cluster/xspool").display().to_string();
    let vdi = root.join("etc/xensource/static-vdis/0").display().to_string();
    tool(root, "usr/bin/xe", &format!("echo {VDI}"));
    tool(root, "usr/bin/systemctl", &format!("[ \"$1\" != is-enabled ] || [ -e {}/on ]", root.display()));
    tool(root, "usr/sbin/o2cb", "true");
    let (up, down) = (format!("mkdir -p {cluster}/node {cluster}/heartbeat"), format!("rm -r {cluster}"));
    tool(root, "etc/init.d/o2cb", &format!("if [ $1 = online ]; then {up}; else {down}; fi"));
    let add = format!("mkdir -p {vdi}; echo $2 > {vdi}/vdi-uuid; echo $3 > {vdi}/reason");
    let script = format!("case $1 in add) {add};; attach) touch {vdi}/disk;; detach) rm {vdi}/disk;; del) rm -r {vdi};; esac");
    tool(root, "opt/xensource/bin/static-vdis", &script);

    let mut folder = Disk::open(root).unwrap();
    let mut machine = Machine::at(root);
    let now = Time::from_secs(1_800_000_000);
    let mut node = Node { folder: &mut folder, services: &mut machine, dry_run: false, register: true };
    node.found("xspool", Mode::Global, &[REGION.to_owned()], now).unwrap();
    node.create(&Join::new("xs0", "10.0.0.10"), now).unwrap();
    assert_eq!(calls(root), [""; 0], "files alone, as nothing runs yet");

    // What would be done is said, and only asked for.
    node.dry_run = true;
    node.start(None, None).unwrap();
    assert_eq!(calls(root), ["xe vdi-list type=o2cb_statefile --minimal", "systemctl is-enabled --quiet o2cb"]);
    node.dry_run = false;
    let start = node.start(None, None).unwrap();
    assert_eq!((start.statefile.as_deref(), start.was_online), (Some(VDI), false));
    let add = format!("static-vdis add {VDI} o2cb_statefile");
    let attach = format!("static-vdis attach {VDI}");
    assert_eq!(
        calls(root),
        [
            "xe vdi-list type=o2cb_statefile --minimal",
            &add,
            &attach,
            "systemctl is-enabled --quiet o2cb",
            "systemctl enable o2cb",
            "o2cb online xspool",
        ]
    );
    assert!(fs::read_to_string(root.join("etc/sysconfig/o2cb")).unwrap().contains("O2CB_BOOTCLUSTER=xspool"));

    // A second start does nothing twice.
    fs::write(root.join("on"), "").unwrap();
    assert!(node.start(None, None).unwrap().was_online);
    assert_eq!(calls(root), ["systemctl is-enabled --quiet o2cb"]);

    // Somebody joins: the running cluster is told. Somebody leaves: that needs a restart, and nothing is run.
    node.create(&Join::new("xs1", "10.0.0.11"), now).unwrap();
    assert_eq!(calls(root), ["o2cb register-cluster xspool", "o2cb start-heartbeat xspool"]);
    node.destroy(None, &Who::Number(1), now).unwrap();
    assert_eq!(calls(root), [""; 0]);

    // A tool that fails is named, with what it said; nothing after it is run.
    fs::write(root.join("exit-o2cb"), "").unwrap();
    let error = node.stop(None).unwrap_err().to_string();
    assert!(error.contains("/etc/init.d/o2cb offline xspool") && error.contains("no such luck"), "{error}");
    assert_eq!(calls(root), ["o2cb offline xspool"]);
    fs::remove_file(root.join("exit-o2cb")).unwrap();
    let stop = node.stop(None).unwrap();
    assert_eq!(stop.detached, [VDI]);
    let (detach, del) = (format!("static-vdis detach {VDI}"), format!("static-vdis del {VDI}"));
    assert_eq!(calls(root), ["o2cb offline xspool", "systemctl disable o2cb", &detach, &del]);
    assert!(fs::read_to_string(root.join("etc/sysconfig/o2cb")).unwrap().contains("O2CB_ENABLED=false"));

    // Without its tools it says what is missing.
    fs::remove_file(root.join("usr/bin/systemctl")).unwrap();
    assert!(machine.enable(&mut folder, true).unwrap_err().to_string().contains("neither systemctl"));
    fs::remove_file(root.join("etc/init.d/o2cb")).unwrap();
    assert!(machine.online(&mut folder, "xspool").unwrap_err().to_string().contains("ocfs2-tools"));
}
