use super::*;

#[test]
fn a_table_with_or_without_its_frame() {
    let said = "╭──╮\n┊ ResourceName ┊ Node ┊ Port ┊ Usage ┊ Conns ┊ State ┊ CreatedOn ┊\n╞══╡\n┊ vol ┊ a ┊ 7000 ┊ InUse ┊ Connecting(b,c),StandAlone(d) ┊ SyncTarget(43.43%) ┊ 2021 ┊\n\
        ┊ vol ┊ b ┊ 7000 ┊ ┊ ┊ Unknown ┊ ┊\n┊ vol ┊ c ┊ 7000 ┊ Unused ┊ Ok ┊ TieBreaker ┊ ┊\n╰──╯\n# v l\n┊ Node ┊ Resource ┊ StoragePool ┊ VolNr ┊ MinorNr ┊ DeviceName ┊ Allocated ┊ InUse ┊ State ┊\n\
        ┊ a ┊ vol ┊ thin ┊ 0 ┊ 1001 ┊ /dev/drbd1001 ┊ 1 MiB ┊ Unused ┊ UpToDate ┊\n";
    let copies = resource_list(said);
    assert_eq!(copies.len(), 3);
    assert_eq!(
        (copies[0].state.name.as_str(), copies[0].state.percent, copies[0].in_use),
        ("SyncTarget", Some(43.43), Some(true))
    );
    let connections = copies[0].connections.as_ref().unwrap();
    assert_eq!((connections[0].peers.len(), connections[1].state.as_str()), (2, "StandAlone"));
    assert_eq!((copies[1].in_use, copies[1].connections.as_ref(), copies[2].is_healthy()), (None, None, true));
    let volumes = volume_list(said);
    assert_eq!((volumes.len(), volumes[0].minor, volumes[0].pool.as_deref()), (1, Some(1001), Some("thin")));
    let ascii = "| vol | a | 7000 | InUse | Ok | UpToDate | 2021 |\n|====|\n+----+\n";
    assert_eq!(resource_list(ascii).len(), 1);
    assert_eq!(resource_list("command not found"), []);
}

#[test]
fn the_health_check_in_both_shapes() {
    let new = r#"{"controller-uri":"linstor://x","nodes":{"h1":"ONLINE","h2":"OFFLINE"},"storage-pools":{},"resources":{"vol":{"uuid":"u","nodes":{
        "h1":{"volumes":[{"number":0,"disk-state":"UpToDate","storage-pool-name":"thin"}],"diskful":true,"tie-breaker":false,"in-use":true},
        "h2":{"volumes":[{"number":0,"disk-state":"SyncTarget(12.50%)"}],"in-use":false},
        "h3":{"volumes":[{"number":0,"disk-state":"Diskless"}],"tie-breaker":true}}}},"errors":[{"code":1}]}"#;
    let found = health_check("x", new).unwrap();
    assert_eq!((found.nodes.len(), found.copies.len(), found.errors.len()), (2, 3, 1));
    assert!(found.copies.iter().any(|copy| copy.node == "h2" && copy.state.percent == Some(12.5)));
    assert!(found.copies.iter().any(|copy| copy.node == "h3" && copy.state.name == "TieBreaker"));
    let old = r#"{"nodes":{"h1":"ONLINE"},"resources":{"vol":{"h1":{"volumes":[{"number":0,"disk-state":"UpToDate"}],"in-use":false}}}}"#;
    assert_eq!(health_check("x", old).unwrap().copies[0].node, "h1");
    assert!(health_check("x", "{\"nodes\": 1}").is_err() && health_check("x", "").is_err());
}

#[test]
fn machine_output_old_and_new() {
    let old = r#"[{"resource_states":[{"vlm_states":[{"disk_state":"UpToDate","vlm_nr":0}],"in_use":false,"rsc_name":"r","node_name":"a"}],"resources":[{"vlms":[{"me"#;
    let found = resources_json("x", old).unwrap();
    assert!(found.cut);
    assert_eq!((found.copies[0].state.name.as_str(), found.copies[0].in_use), ("UpToDate", Some(false)));
    let new = r#"[[{"name":"r","node_name":"b","flags":["TIE_BREAKER"],"state":{"in_use":true},"volumes":[{"volume_number":0,"state":{"disk_state":"Diskless"}}]}]]"#;
    let found = resources_json("x", new).unwrap();
    assert_eq!((found.copies[0].state.name.as_str(), found.copies[0].in_use, found.cut), ("TieBreaker", Some(true), false));
    assert!(nodes_json("x", "[{}]").is_err());
}

mod hostile {
    use super::super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_text_panics(text in "(([┊|] ?[A-Za-z0-9()%,]{0,8} ?){0,10}[┊|]?\n|\\PC{0,40}\n){0,8}") {
            let _ = (resource_list(&text), volume_list(&text), health_check("x", &text), resources_json("x", &text), nodes_json("x", &text));
        }
    }
}
