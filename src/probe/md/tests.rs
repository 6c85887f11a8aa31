use super::*;

#[test]
fn mdstat_in_its_states() {
    let said = "Personalities : [raid1] [raid6]\nmd1 : active raid1 sda2[2] sdb2[1](F) sdc2[3](S)\n      972574976 blocks super 1.2 [2/2] [_U]\n        resync=DELAYED\n      bitmap: 4/7 pages [16KB], 65536KB chunk\n\n\
        md0 : active (auto-read-only) raid6 sda1[2] sdb1[1]\n  208704 blocks level 6, 4k chunk, algorithm 2 [6/4] [UUUU__]\n  [>....]  recovery =  3.9% (8448/208704) finish=267.0min speed=12K/sec\n\n\
        md127 : inactive sdb[1](S) sdc[0](S)\n      5288 blocks super external:imsm\n\nunused devices: <none>\n";
    let all = arrays(said);
    assert_eq!(all.len(), 3);
    assert_eq!(
        (all[0].missing(), all[0].failed().collect::<Vec<_>>(), all[0].spares().collect::<Vec<_>>()),
        (1, vec!["sdb2"], vec!["sdc2"])
    );
    assert_eq!(all[0].activity.as_ref().unwrap().waits.as_deref(), Some("DELAYED"));
    let work = all[1].activity.as_ref().unwrap();
    assert_eq!((work.kind, work.percent, work.finish_min, work.kib_per_sec), (Kind::Recovery, Some(3.9), Some(267.0), Some(12)));
    assert_eq!(
        (all[1].missing(), all[1].level.as_deref(), all[1].read_only.as_deref()),
        (2, Some("raid6"), Some("auto-read-only"))
    );
    assert!(all[2].is_container() && !all[2].is_degraded());
    let pasted = arrays(
        "md1 : active raid1 sdb1[2] sda1[0] 20478912 blocks [2/1] [U_] [=>...] check =100.0% (1/1) finish=0.0min speed=69324K/sec\n",
    );
    assert_eq!(
        (pasted[0].activity.as_ref().unwrap().percent, pasted[0].members.len(), pasted[0].blocks),
        (Some(100.0), 2, Some(20_478_912))
    );
}

#[test]
fn details_of_many_and_of_one_without_a_name() {
    let said = "mdadm: cannot open /dev/md0: No such file or directory\n/dev/md1:\n        Raid Level : raid5\n             State : active, degraded, recovering (DELAYED)\n    Active Devices : 1\n    \
        Rebuild Status : 1% complete\n     Delta Devices : 6, (15->21)\n    Number   Major   Minor   RaidDevice State\n       2       8       18        0      active sync set-A   /dev/sdb2\n       \
        -       0        0        1      removed\n       3       8        2        -      spare   /dev/sda2\n/dev/md2:\n             State : clean, checking\n";
    let (all, missing) = details(said);
    assert_eq!((all.len(), missing), (2, vec!["/dev/md0".to_owned()]));
    let one = &all[0];
    assert_eq!(one.state, ["active", "degraded", "recovering", "DELAYED"]);
    assert_eq!((one.progress, one.delta.as_deref(), one.active), (Some((Kind::Recovery, 1.0)), Some("15->21"), Some(1)));
    assert_eq!(
        one.members,
        [
            ("/dev/sdb2".into(), "active sync set-A".into()),
            (String::new(), "removed".into()),
            ("/dev/sda2".into(), "spare".to_owned())
        ]
    );
    assert!(one.is_degraded() && !all[1].is_degraded());
    assert_eq!(details("      State : clean\n").0[0].device, None);
    assert_eq!(details("mdadm: command not found\n").0, []);
}

#[test]
fn the_plugins_json() {
    let said = r#"{"raid":{"State":"clean, degraded, recovering","Rebuild Status":"12% complete","Raid Level":"raid1"},"volumes":[["0","8","0","0","active sync","/dev/sda"],["-","0","0","1","removed"]]}"#;
    let detail = raid_py("x", said).unwrap().unwrap();
    assert_eq!((detail.progress, detail.members.len(), detail.is_degraded()), (Some((Kind::Recovery, 12.0)), 2, true));
    assert_eq!(raid_py("x", "{}").unwrap(), None);
    assert!(raid_py("x", "[]").is_err());
}

mod hostile {
    use super::super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_text_panics(text in "((md[0-9] : )?([a-z0-9=%\\[\\]()/_Ué.-]{0,12} ){0,10}\n|\\PC{0,40}\n){0,8}") {
            for array in arrays(&text) {
                let _ = (array.missing(), array.is_container());
            }
            let _ = (details(&text), raid_py("x", &text));
        }
    }
}
