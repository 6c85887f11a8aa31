use super::*;

const ALUA: &str = "mpathx (3600a0980000000000000000000000001) dm-7 NETAPP  ,LUN C-Mode\n\
    size=200G features='4 queue_if_no_path pg_init_retries 50' hwhandler='1 alua' wp=rw\n\
    |-+- policy='service-time 0' prio=50 status=active\n| |- 0:0:0:4  sdr  65:16  active ready  running\n\
    | `- 0:0:1:4  sdg  8:96   failed ready  running\n`-+- policy='service-time 0' prio=10 status=enabled\n  \
    |- 7:0:0:4  sdab 65:176 failed faulty running\n  |- 7:0:2:4  sdac 65:178 active i/o pending running\n  `- #:#:#:#  -    #:#    active faulty running\n";

#[test]
fn a_topology_tells_each_path() {
    let maps = topology(ALUA);
    assert_eq!(maps.len(), 1);
    let map = &maps[0];
    assert_eq!(
        (map.name.as_str(), map.wwid.as_str(), map.dm.as_deref()),
        ("mpathx", "3600a0980000000000000000000000001", Some("dm-7"))
    );
    assert_eq!((map.groups, map.paths.len(), map.usable(), map.lost(), map.queues), (2, 5, 1, 4, Some(true)));
    let usable: Vec<Usable> = map.paths.iter().map(Path::usable).collect();
    assert_eq!(usable, [Usable::Yes, Usable::Recovering, Usable::No, Usable::No, Usable::No]);
    assert_eq!(map.paths[3].check, "i/o pending");
    assert_eq!((map.paths[4].dev.as_deref(), map.paths[4].hctl.as_deref()), (None, None), "a removed device");
    assert_eq!(map.pbd_entry(), ("mpath-3600a0980000000000000000000000001".into(), "[1, 5]".into()));
}

#[test]
fn dialects_noise_and_tables_around_it() {
    let old = "multipathd> show multipaths topology\nreload: 36000402001f45eb5dm-12  NEXSAN  ,SATABoy2      \n[size=466G][features=1 queue_if_no_path][hwhandler=0        ]\n\
        \\_ round-robin 0 [prio=0][enabled]\n \\_ 5:0:0:0  sdb 8:16  [active][ready]\n \\_ 6:0:0:0  sdc 8:32  [failed][faulty]\nmultipathd> show paths\n\
        hcil     dev dev_t pri dm_st   chk_st  next_check\n2:0:0:0  sda 8:0   1   [undef] [undef] [orphan]\n";
    let maps = topology(old);
    assert_eq!(maps.len(), 1);
    assert_eq!(
        (maps[0].wwid.as_str(), maps[0].dm.as_deref(), maps[0].action.as_deref()),
        ("36000402001f45eb5", Some("dm-12"), Some("reload"))
    );
    assert_eq!((maps[0].groups, maps[0].usable(), maps[0].total(), maps[0].queues), (1, 1, 2, Some(true)));
    let noise = "Oct 28 14:02:44 | dm-2: no paths\n     0:0:0:0 sda 8:0   -1  undef ready  VMware,Virtual disk running\n1IET     00080001 dm-0 IET,VIRTUAL-DISK\n\
        size=16G features='0' hwhandler='0' wp=rw\n`- 3:0:0:1 sdb 8:16 active undef running\n3600 dm-1 ##,##\nsize=2.0G features='0' hwhandler='0' wp=rw\n";
    let maps = topology(noise);
    assert_eq!(maps.len(), 2);
    assert_eq!((maps[0].wwid.as_str(), maps[0].queues), ("1IET     00080001", Some(false)));
    assert_eq!((maps[0].paths[0].usable(), maps[0].is_dead()), (Usable::Unknown, false));
    assert!(maps[1].paths.is_empty() && maps[1].is_dead());
}

#[test]
fn json_counts_active_paths_and_not_listed_ones() {
    let said = r#"multipathd> show maps json
{"major_version":0,"maps":[{"name":"a","uuid":"36001","queueing":"5 chk","paths":0,"q_timeouts":1,"path_faults":2,"features":"0",
"path_groups":[{"paths":[{"dev":"sdb","dev_t":"8:16","dm_st":"failed","dev_st":"running","chk_st":"faulty","pri":50}]}]},
{"name":"b","uuid":"36002","queueing":"30 chk","paths":2,"path_groups":[]}]}
multipathd> "#;
    let maps = maps_json("x", said).unwrap();
    assert_eq!((maps[0].usable(), maps[0].total(), maps[0].queueing), (0, 1, Some(Queueing::Countdown(5))));
    assert_eq!((maps[1].usable(), maps[1].queueing, maps[1].queues), (2, Some(Queueing::Retries(30)), Some(true)));
    let help = "multipath-tools v0.4.9 (05/33, 2016)\nCLI commands reference:\n list|show paths\n";
    assert!(maps_json("x", help).unwrap_err().to_string().contains("printed its help"));
    assert!(maps_json("x", "{\"other\": 1}").is_err());
}

#[test]
fn raw_rows_and_broken_tables() {
    let paths = paths_raw("[orphan]|sda|8:0|undef|undef|unknown|1\n36|sdc|8:32|active|ready|running|50\nhalf|sdd|8:4\n");
    assert_eq!(paths.len(), 2);
    assert_eq!((paths[0].map.as_deref(), paths[1].map.as_deref(), paths[1].priority), (None, Some("36"), Some(50)));
    let maps = maps_raw("36|0|active|7 chk|1|3|1 queue_if_no_path\n");
    assert_eq!((maps[0].queueing, maps[0].path_faults, maps[0].is_dead()), (Some(Queueing::Countdown(7)), Some(3), true));
    let table = "uuid dev dm_st  chk_st multipath\n3601 sda active ready  mpatha\n3602 sdb undef  undef  root@host:~# \n3603 sdc undefroot@host:~#\n3604 sdd";
    let (columns, rows) = paths_table(table);
    assert_eq!(columns, 5);
    assert_eq!(rows.iter().filter_map(|path| path.dev.as_deref()).collect::<Vec<_>>(), ["sda", "sdb"]);
}

mod hostile {
    use super::super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_text_panics(text in "([`|\\\\_ +-]{0,4}[0-9#]:[0-9]:0:0 [a-z-]{0,4} [0-9:#]{1,5} (active|\\[failed\\]|é)* ?\n|.{0,30}dm-[0-9é]{0,3} ?\n|\\PC{0,30}\n){0,8}") {
            let _ = (topology(&text), maps_raw(&text), paths_raw(&text), paths_table(&text));
            let _ = maps_json("x", &text);
            let _ = paths_table(&format!("a dm_st é multipath\n{text}"));
        }
    }
}
