//! Time-outs from the texts that hosts have, and from those that nobody should.

use super::*;
use proptest::prelude::*;
use std::fs;
use std::path::Path;

const CONF: &str = "# comment\nnode.session.timeo.replacement_timeout = 144\nnode.conn[0].timeo.noop_out_interval = 5\nnode.conn[0].timeo.noop_out_timeout = 10\n\
    #node.session.timeo.replacement_timeout = 1\nnode.session.queue_depth = 32\n";

const MULTIPATH: &str = "defaults {\n\tuser_friendly_names no\n\tpolling_interval 10 # seconds\n\tno_path_retry fail\n}\nblacklist {\n\tdevnode \"^sda$\"\n}\n\
    devices {\n\tdevice {\n\t\tvendor \"DataCore\"\n\t\tproduct \"Virtual Disk\"\n\t\tno_path_retry 12\n\t\tfast_io_fail_tmo 5\n\t\tdev_loss_tmo infinity\n\t}\n\
    \tdevice {\n\t\tvendor \"NETAPP\"\n\t\tproduct \"LUN.*\"\n\t\tno_path_retry queue\n\t}\n}\n";

const XHAD: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<xhad-config version=\"1.0\"><common-config><GenerationUUID>g</GenerationUUID>\
    <host><HostID>u1</HostID></host><host><HostID>u2</HostID></host><parameters><HeartbeatInterval>3</HeartbeatInterval><HeartbeatTimeout>300</HeartbeatTimeout>\
    <StateFileTimeout>300</StateFileTimeout><HeartbeatWatchdogTimeout>300</HeartbeatWatchdogTimeout><StateFileWatchdogTimeout>315</StateFileWatchdogTimeout>\
    <XapiHealthCheckTimeout>120</XapiHealthCheckTimeout></parameters></common-config><local-config><localhost><StateFile>/dev/sm/x</StateFile></localhost></local-config></xhad-config>";

#[test]
fn a_record_and_the_defaults() {
    let found = record(CONF, "iscsid.conf").expect("a record");
    assert_eq!((found.replacement_s, found.ping_every_s, found.ping_wait_s), (Some(144), Some(5), Some(10)));
    let node = format!("# BEGIN RECORD 6.2\nnode.name = iqn.2026-01.lab:a\n{CONF}");
    assert_eq!(record(&node, "x").expect("a record").target, "iqn.2026-01.lab:a");
    assert_eq!(record("node.session.timeo.replacement_timeout = soon", "x").expect("it is set").replacement_s, None);
    assert_eq!(record("InitiatorName=iqn.x", "x"), None);
}

#[test]
fn sessions_as_iscsiadm_prints_them() {
    let said = "iSCSI Transport Class version 2.0-870\nTarget: iqn.2026-01.lab:a (non-flash)\n\tCurrent Portal: 10.0.0.1:3260,1\n\t\tTimeouts:\n\t\tRecovery Timeout: 15\n\
        \t\tTarget Reset Timeout: 30\nTarget: iqn.2026-01.lab:b\n";
    let found = sessions(said, "x");
    assert_eq!(found.len(), 1, "what tells of no time-out is no source of one");
    assert_eq!((found[0].target.as_str(), found[0].replacement_s, found[0].in_force), ("iqn.2026-01.lab:a", Some(15), true));
}

#[test]
fn multipath_by_its_sections() {
    let found = config(MULTIPATH, "multipath.conf").expect("a configuration");
    assert_eq!((found.polling_s, found.defaults.no_path_retry), (Some(10), Some(Retry::Fail)));
    assert_eq!(found.sections.len(), 2);
    assert_eq!(found.sections[0].which, "DataCore Virtual Disk");
    let settings = &found.sections[0].settings;
    assert_eq!(
        (settings.no_path_retry, settings.fast_io_fail_s, settings.dev_loss_s),
        (Some(Retry::Checks(12)), Some(5), Some(u32::MAX))
    );
    assert_eq!(found.sections[1].settings.no_path_retry, Some(Retry::Queue));
    let of = |wwid, device| found.retry_of(wwid, device);
    assert_eq!(of("3600a", "DataCore,Virtual Disk"), Some(Retry::Checks(12)));
    assert_eq!(
        (of("3600a", "NETAPP  ,LUN C-Mode"), of("3600a", "EMC,X"), of("3600a", "")),
        (Some(Retry::Queue), Some(Retry::Fail), Some(Retry::Fail))
    );
    let odd = config(&MULTIPATH.replace("LUN.*", "(LUN|X).*"), "x").expect("a configuration");
    assert_eq!(odd.retry_of("3600a", "NETAPP,LUN"), None, "not understood is not known");
    for other in ["", "multipathd> ", "error -1 receiving packet", "{{{{\n}}}}\n", "defaults"] {
        assert_eq!(config(other, "x"), None, "{other}");
    }
}

#[test]
fn the_ha_daemon() {
    let found = xhad(XHAD).expect("a configuration");
    assert_eq!((found.hosts, found.heartbeat_s, found.statefile_watchdog_s, found.xapi_s), (2, Some(300), Some(315), Some(120)));
    assert_eq!(found.statefiles, ["/dev/sm/x"]);
    assert_eq!(xhad("<html>"), None);
}

fn write(root: &Path, path: &str, text: &str) {
    let place = root.join(path);
    fs::create_dir_all(place.parent().expect("a folder")).expect("folders");
    fs::write(place, text).expect("a file");
}

#[test]
fn what_the_kernel_has_in_force_is_believed_before_the_configuration() {
    let root = std::env::temp_dir().join(format!("poolwatch-timeouts-{}", std::process::id()));
    let root = root.as_path();
    write(root, "etc/iscsi/iscsid.conf", CONF);
    let node = |name: &str| format!("node.name = {name}\n{CONF}");
    write(root, "var/lib/iscsi/nodes/iqn.a/10.0.0.1,3260,1/default", &node("iqn.a"));
    write(root, "var/lib/iscsi/nodes/iqn.b/10.0.0.1,3260,1/default", &node("iqn.b"));
    write(root, "sys/class/iscsi_session/session1/targetname", "iqn.a\n");
    write(root, "sys/class/iscsi_session/session1/recovery_tmo", "15\n");
    write(root, "sys/class/iscsi_session/session2/targetname", "iqn.a\n");
    write(root, "sys/class/iscsi_session/session2/recovery_tmo", "20\n");
    write(root, "sys/class/iscsi_connection/connection1:0/recv_tmo", "7\n");
    write(root, "sys/class/fc_remote_ports/rport-1:0-0/roles", "FCP Target\n");
    write(root, "sys/class/fc_remote_ports/rport-1:0-0/fast_io_fail_tmo", "off\n");
    write(root, "sys/class/fc_remote_ports/rport-1:0-0/dev_loss_tmo", "60\n");
    write(root, "sys/class/fc_remote_ports/rport-1:0-1/roles", "Fabric Port\n");
    write(root, "etc/multipath.conf", MULTIPATH);
    write(root, "multipathd-show-config.out", &MULTIPATH.replace("polling_interval 10", "polling_interval 7"));
    write(root, "etc/xensource/xhad.conf", XHAD);
    let source = crate::probe::source::Source::new(root, &[]);
    let found = read(&source, crate::time::Time::EPOCH);
    let found = found.get().expect("time-outs");
    let of = |name: &str| found.iscsi.iter().find(|one| one.target == name).expect("a target");
    assert_eq!((of("iqn.a").replacement_s, of("iqn.a").ping_every_s, of("iqn.a").ping_wait_s), (Some(20), Some(7), Some(10)));
    assert_eq!((of("iqn.b").replacement_s, of("iqn.b").in_force), (Some(144), false));
    assert_eq!(found.fibre.len(), 1);
    assert_eq!((found.fibre[0].fast_io_fail_s, found.fibre[0].dev_loss_s), (None, Some(60)));
    assert_eq!(found.multipath.as_ref().and_then(|m| m.polling_s), Some(7), "the daemon before the file");
    assert_eq!(found.xhad.as_ref().map(|x| x.hosts), Some(2));
    let empty = root.join("empty");
    fs::create_dir_all(&empty).expect("a folder");
    let nothing = read(&crate::probe::source::Source::new(&empty, &[]), crate::time::Time::EPOCH);
    assert!(nothing.get().is_none() && nothing.found.why_not().is_some());
    fs::remove_dir_all(root).expect("the folder goes");
}

proptest! {
    #[test]
    fn no_text_panics(text in "((defaults|device|multipath|node.name =|Target:|Recovery Timeout:|polling_interval|<xhad-config|<StateFile>) ?\\PC{0,20}[{}]?\n){0,12}") {
        let _ = (config(&text, "x"), record(&text, "x"), sessions(&text, "x"), xhad(&text));
    }
}
