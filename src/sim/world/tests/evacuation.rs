//! What blocks an evacuation.

use super::*;

fn with(guest: &str) -> Rig {
    Rig::of(&format!("{PLAIN}\n[[guests]]\nname = \"special\"\nhost = \"b\"\nsr = \"san\"\n{guest}\n"), Dialect::Designed)
}

fn blockers(rig: &mut Rig) -> Vec<Vec<String>> {
    let Ok(Value::Map(map)) = rig.on("get_vms_which_prevent_evacuation", "b") else { panic!() };
    let text = |v: &Value| match v {
        Value::Set(items) => items.iter().map(|i| if let Value::Str(s) = i { s.to_string() } else { String::new() }).collect(),
        _ => Vec::new(),
    };
    map.values().map(text).collect()
}

#[test]
fn a_paused_guest_blocks_with_xapis_words() {
    let mut rig = with("paused = true");
    rig.on("disable", "b").unwrap();
    let why = blockers(&mut rig);
    assert_eq!(why.len(), 1);
    assert_eq!((why[0][0].as_str(), &why[0][2..]), ("VM_BAD_POWER_STATE", &["running".to_owned(), "paused".to_owned()][..]));
    assert_eq!(code(rig.on("evacuate", "b")), "VM_BAD_POWER_STATE");
    assert_eq!(code(rig.on("assert_can_evacuate", "b")), "CANNOT_EVACUATE_HOST");
    rig.fault("unpause vm=special");
    assert!(blockers(&mut rig).is_empty());
    rig.on("evacuate", "b").unwrap();
}

#[test]
fn guests_tied_to_their_host_block() {
    for (tie, want) in [("pci", "VM_HAS_PCI_ATTACHED"), ("iso", "VM_REQUIRES_SR")] {
        let mut rig = with(&format!("pinned = \"{tie}\""));
        assert_eq!(code(rig.on("evacuate", "b")), want);
    }
    let text = format!("{PLAIN}\n[[guests]]\nname = \"special\"\nhost = \"b\"\npinned = \"local-sr\"\n");
    let mut rig = Rig::of(&text, Dialect::Designed);
    assert_eq!(code(rig.on("evacuate", "b")), "VM_REQUIRES_SR");
}

#[test]
fn no_memory_elsewhere_blocks() {
    let mut rig = with("memory_gib = 200.0");
    for host in ["a", "c", "d"] {
        rig.on("disable", host).unwrap();
    }
    assert_eq!(code(rig.on("evacuate", "b")), "NO_HOSTS_AVAILABLE");
    rig.on("enable", "a").unwrap();
    rig.on("enable", "c").unwrap();
    let big = format!("{PLAIN}\n[[guests]]\nname = \"one\"\nhost = \"b\"\nmemory_gib = 230.0\n");
    let big = big.replace("running = 16", "running = 0") + "[[guests]]\nname = \"two\"\nhost = \"a\"\nmemory_gib = 230.0\n";
    let mut rig = Rig::of(&big, Dialect::Designed);
    rig.on("disable", "c").unwrap();
    rig.on("disable", "d").unwrap();
    assert_eq!(code(rig.on("evacuate", "b")), "HOST_NOT_ENOUGH_FREE_MEMORY");
}

#[test]
fn a_cancelled_evacuation_leaves_the_guests_and_the_host_as_they_were() {
    let mut rig = Rig::new(Dialect::Designed);
    rig.on("disable", "b").unwrap();
    let before = rig.guests_of("b");
    let b = rig.host("b");
    let Ok(Value::Ref(task)) = rig.call("Async.host.evacuate", [Value::Ref(b.clone())]) else { panic!() };
    rig.run(1.0);
    rig.call("task.cancel", [Value::Ref(task.clone())]).unwrap();
    assert_eq!(rig.db().text(&task, "status"), "cancelled");
    assert_eq!(rig.guests_of("b"), before);
    assert!(rig.db().map(&b, "current_operations").is_empty());
    rig.run(60.0);
    assert_eq!(rig.guests_of("b"), before);
    rig.on("evacuate", "b").unwrap();
    assert_eq!(rig.guests_of("b"), 0);
}

#[test]
fn batches_limit_how_many_move_at_once() {
    let mut rig = Rig::new(Dialect::Designed);
    rig.on("disable", "b").unwrap();
    let b = rig.host("b");
    rig.call("Async.host.evacuate", [Value::Ref(b), Value::Ref(Ref::default()), 1.into()]).unwrap();
    for _ in 0..200 {
        let moving = rig.db().refs_of("task").filter(|t| rig.db().text(t, "name_label") == "Async.VM.pool_migrate").count();
        assert!(moving <= 1, "{moving} at once");
        rig.run(0.5);
    }
    assert_eq!(rig.guests_of("b"), 0);
}

#[test]
fn a_destination_that_dies_fails_the_migration_and_keeps_the_guest() {
    let mut rig = with("memory_gib = 64.0");
    let special = rig.db().find("VM", "name_label", &"special".into()).unwrap();
    let d = rig.host("d");
    let Ok(Value::Ref(task)) =
        rig.call("Async.VM.pool_migrate", [Value::Ref(special.clone()), Value::Ref(d), Value::Map([].into())])
    else {
        panic!()
    };
    rig.run(5.0);
    assert!(rig.db().float(&task, "progress") > 0.0);
    rig.fault("crash host=d");
    rig.run(1.0);
    assert_eq!(rig.db().text(&task, "status"), "failure");
    assert_eq!(rig.db().reference(&special, "resident_on"), rig.host("b"));
    rig.check_invariants();
}
