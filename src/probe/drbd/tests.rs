use super::*;

#[test]
fn json_with_a_bare_nan_and_one_that_stands_still() {
    let said = r#"[{"name":"vol","node-id":1,"role":"Primary","suspended":false,"suspended-quorum":true,
        "devices":[{"volume":0,"minor":2,"disk-state":"UpToDate","client":false,"quorum":true,"size":409600}],
        "connections":[{"peer-node-id":2,"name":"b","connection-state":"Connected","peer-role":"Secondary","peer_devices":[
        {"volume":0,"replication-state":"SyncSource","peer-disk-state":"Inconsistent","peer-client":false,"resync-suspended":"no",
        "out-of-sync":409600,"percent-in-sync":0.00,"estimated-seconds-to-finish":nan,"db/dt [MiB/s]":1.50,"percent-resync-done":12.50}]},
        {"name":"c","connection-state":"Connected","peer_devices":[{"volume":0,"replication-state":"SyncSource","estimated-seconds-to-finish":987654321}]}]}]"#;
    let all = status_json("x", said).unwrap();
    let vol = &all[0];
    assert_eq!((vol.suspended, vol.is_healthy(), vol.good_copies(0), vol.wanted_copies(0)), (Some(true), false, 1, 3));
    let sync = &vol.peers[0].volumes[0];
    assert_eq!((sync.eta_secs, sync.stalled, sync.done_percent, sync.kib_per_sec), (None, false, Some(12.5), Some(1536)));
    assert!(vol.peers[1].volumes[0].stalled && !sync.is_target() && sync.is_syncing());
    assert!(status_json("x", "{}").is_err() && status_json("x", "[1]").is_err());
    assert_eq!(status_json("x", "[]").unwrap(), []);
}

#[test]
fn text_by_indentation() {
    let said = "vol role:Secondary\n  volume:0 disk:UpToDate\n  volume:1 disk:Diskless client:yes quorum:no\n  b role:Primary\n    volume:0 peer-disk:UpToDate\n    \
        volume:1 replication:PausedSyncT peer-disk:UpToDate done:51.52 resync-suspended:dependency\n  c connection:StandAlone\n\nother role:Primary suspended:no-data\n  disk:Failed\n";
    let all = status_text("x", said).unwrap();
    assert_eq!(all.len(), 2);
    let vol = &all[0];
    assert_eq!(
        (vol.volumes.len(), vol.peers.len(), vol.volumes[1].is_client(), vol.volumes[1].quorum),
        (2, 2, true, Some(false))
    );
    assert_eq!((vol.peers[0].connection.as_str(), vol.peers[0].volumes[0].replication.as_str()), ("Connected", "Established"));
    assert!(vol.peers[0].volumes[1].is_waiting() && vol.peers[0].volumes[1].is_target());
    assert_eq!((vol.peers[1].connection.as_str(), all[1].suspended), ("StandAlone", Some(true)));
    assert_eq!((vol.good_copies(0), vol.is_healthy()), (2, false));
    assert!(status_text("x", "command not found").is_err());
    assert_eq!(status_text("x", "# No currently configured DRBD found.\n").unwrap(), []);
}

#[test]
fn proc_in_all_its_ages() {
    let said = "version: 8.4.10 (api:1/proto:86-101)\n 0: cs:SyncTarget ro:Secondary/Primary ds:Inconsistent/UpToDate C r---b-\n    ns:0 nr:1 lo:52 oos:7530908\n        \
        [====>....] sync'ed: 28.3% (7352/10236)M\n        finish: 1:03:42 speed: 33,904 (33,956) K/sec\n 1: cs:StandAlone ro:Primary/Unknown ds:UpToDate/DUnknown   r-----\n\n\
        2: cs:SyncSource st:Primary/Secondary ds:UpToDate/Inconsistent A s---\n  [>...] sync'ed:  0.1% (100/200)K\n stalled\n finish: 0:00:00 speed: 0 (0) K/sec (stalled)\n";
    let all = minors(said);
    assert_eq!(all.len(), 3);
    let sync = all[0].sync.as_ref().unwrap();
    assert_eq!(
        (sync.left, sync.unit, sync.finish_secs, sync.kib_per_sec),
        (Some((7352, 10236)), Some('M'), Some(3_822), Some(33_904))
    );
    assert_eq!((all[0].flags.as_deref(), all[0].resource().suspended), (Some("r---b-"), Some(true)));
    assert_eq!(
        (all[1].protocol, all[1].connection.as_str(), all[1].resource().peers[0].connection.as_str()),
        (None, "StandAlone", "StandAlone")
    );
    assert!(all[2].sync.as_ref().unwrap().stalled);
    assert_eq!(minors("version: 9.1.2 (api:2/proto:86-120)\nGIT-hash: x\n"), []);
    let overview = minors(
        "  0:??not-found??  Connected Primary/Secondary UpToDate/UpToDate C r-----\n 10:name/0  StandAlone Primary/Unknown UpToDate/Outdated /srv ext4 1G\n",
    );
    assert_eq!(
        (overview[0].roles.0.as_str(), overview[0].disks.1.as_str(), overview[0].resource().is_healthy()),
        ("Primary", "UpToDate", true)
    );
    assert_eq!((overview[1].minor, overview[1].connection.as_str()), (10, "StandAlone"));
}

mod hostile {
    use super::super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_text_panics(text in "( {0,4}([a-z:0-9/é%(),]{1,12} ?){0,6}\n|\\PC{0,40}\n){0,8}") {
            let _ = (status_text("x", &text), status_json("x", &text));
            for minor in minors(&format!(" 0: cs:A{text}\n  sync'ed: {text}\n finish: {text}")) {
                let _ = minor.resource().is_healthy();
            }
        }
    }
}
