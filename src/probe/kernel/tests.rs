use super::*;

fn one(line: &str) -> Sign {
    let found = signs(line);
    assert_eq!(found.len(), 1, "{line}");
    found.into_iter().next().unwrap().sign
}

#[test]
fn prefixes_of_all_kinds_come_off() {
    for line in [
        "[343069.35] nfs: server nas1 not responding, timed out",
        "Jul 11 09:00:11 xs1 kernel: [343069.35] nfs: server nas1 not responding, timed out",
        "2026-07-11T09:00:11.123456+00:00 xs1 kernel: nfs: server nas1 not responding, timed out",
        "kern  :notice: [Tue Jan 13 04:31:07 2026] [T10489] nfs: server nas1 not responding, timed out",
        "<4>[  +0.010370] nfs: server nas1 not responding, timed out",
        "nfs: server nas1 not responding, timed out\r",
    ] {
        assert_eq!(one(line), Sign::NfsSilent { server: "nas1".into(), gave_up: true }, "{line}");
    }
    let stripped = strip("Jul 11 09:00:11 xs1 kernel: [343069.352460] text");
    assert_eq!((stripped.text, stripped.uptime, stripped.stamp), ("text", Some(343_069.352_46), Some("Jul 11 09:00:11")));
    assert_eq!(signs("Jul 11 09:00:11 xs1 xapi: log said: nfs: server nas1 not responding, timed out"), [], "quoted by a daemon");
}

#[test]
fn storage_lines() {
    assert_eq!(one(" connection7:0: detected conn error (1021)"), Sign::IscsiError { session: "7".into(), error: 1021 });
    assert_eq!(
        one(" session7: session recovery timed out after 120 secs"),
        Sign::IscsiTimedOut { session: "7".into(), secs: 120 }
    );
    assert_eq!(
        one("sd 2:0:0:1: Device offlined - not ready after error recovery"),
        Sign::ScsiOffline { device: "2:0:0:1".into() }
    );
    let failed = "sd 2:0:0:0: [sdc] tag#31 FAILED Result: hostbyte=DID_NO_CONNECT driverbyte=DRIVER_OK";
    assert_eq!(one(failed), Sign::ScsiFailed { dev: "sdc".into(), host_status: "DID_NO_CONNECT".into() });
    let error = "blk_update_request: I/O error, dev sdc, sector 3979984 op 0x1:(WRITE) flags 0x4800";
    assert_eq!(one(error), Sign::IoError { dev: "sdc".into(), op: Some("WRITE".into()) });
    assert_eq!(one("end_request: I/O error, dev sdc, sector 15"), Sign::IoError { dev: "sdc".into(), op: None });
    let down = Sign::LoopDown { driver: "qla2xxx".into(), adapter: "0000:81:00.1".into(), host: Some(10) };
    assert_eq!(one("qla2xxx [0000:81:00.1]-500b:10: LOOP DOWN detected (2 7 0 0)."), down);
    assert_eq!(one("device-mapper: multipath: 253:4: Failing path 8:96."), Sign::PathFailed { path: "8:96".into() });
    assert_eq!(one("device-mapper: dm-multipath: Failing path 8:96."), Sign::PathFailed { path: "8:96".into() });
}

#[test]
fn cluster_lines_of_all_generations() {
    let ours = "(kworker/0:1,17,0):o2hb_write_timeout:301 ERROR: Heartbeat write timeout to device vda after 60064 milliseconds";
    assert_eq!(one(ours), Sign::HeartbeatTimeout { device: "vda".into(), ms: Some(60_064) });
    let old = "(17,0):o2hb_write_timeout:166 ERROR: Heartbeat write timeout to device sdb1 after 12000 milliseconds";
    assert_eq!(one(old), Sign::HeartbeatTimeout { device: "sdb1".into(), ms: Some(12_000) });
    let hung = "o2hb: node 2 hb write hung for 30s on region 938D (vda), negotiate timeout with node 1.";
    assert_eq!(one(hung), Sign::HeartbeatHung { node: Some(2), secs: Some(30), device: Some("vda".into()) });
    for line in [
        "o2net: Connection to node n3 (num 3) at 10.0.0.3:7777 has been idle for 30.206 secs.",
        "o2net: connection to node n3 (num 3) at 10.0.0.3:7777 has been idle for 30.0 seconds, shutting it down.",
    ] {
        assert_eq!(one(line), Sign::NetIdle { node: "n3".into(), num: Some(3) }, "{line}");
    }
    assert_eq!(
        one("o2net: No longer connected to node n3 (num 3) at 10.0.0.3:7777"),
        Sign::NetLost { node: "n3".into(), num: Some(3) }
    );
    assert_eq!(
        one(
            "(kworker/0:0,7,0):o2quo_make_decision:111 not fencing this node, heartbeating: 3, connected: 2, lowest: 1 (reachable)"
        ),
        Sign::NotFencing
    );
    assert_eq!(one("o2cb: o2dlm has evicted node 3 from domain 938D"), Sign::Evicted { node: Some(3) });
    assert_eq!(one("*** ocfs2 is very sorry to be fencing this system by restarting ***"), Sign::Fencing);
    assert!(!Sign::NotFencing.foretells() && Sign::HeartbeatError.foretells());
}

#[test]
fn host_lines_and_what_is_recent() {
    let log = "[100.0] watchdog: BUG: soft lockup - CPU#5 stuck for 22s! [kworker/5:3:39461]\n[110.0] INFO: task jbd2/vda-8:123 blocked for more than 120 seconds.\n\
        [111.0] drbd vol0 b: conn( Connecting -> NetworkFailure )\n[300.5] WARNING: CPU: 5 PID: 9214 at fs/kernfs/dir.c:1504 kernfs_remove+0x75/0x80\nnothing\n";
    let all = signs(log);
    assert_eq!(all.len(), 4);
    assert_eq!(all[0].sign, Sign::SoftLockup { cpu: Some(5), secs: Some(22), task: "kworker/5:3".into() });
    assert_eq!(all[1].sign, Sign::HungTask { task: "jbd2/vda-8".into(), secs: Some(120) });
    let change = Sign::DrbdConnection {
        resource: "vol0".into(),
        peer: "b".into(),
        from: "Connecting".into(),
        to: "NetworkFailure".into(),
    };
    assert_eq!(all[2].sign, change);
    assert_eq!(all[3].sign, Sign::Warning { cpu: Some(5), pid: Some(9214), function: "kernfs_remove".into() });
    assert_eq!(recent(&all, 115.0, 10.0).count(), 2);
}

mod hostile {
    use super::super::signs;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_text_panics(text in "((Jul 11 09:00:11 )?[a-z]{0,4}(\\[[0-9. T]{0,9}\\] )?(\\([a-z0-9/,]{0,8}\\):f:1 |sd 1:0:0:1: |qla2xxx |o2net: |é)?(I/O error, dev |Failing path |conn\\( |rport-|node |\\[sda\\] CDB: )?\\PC{0,30}\n){0,8}") {
            let _ = signs(&text);
        }
    }
}
