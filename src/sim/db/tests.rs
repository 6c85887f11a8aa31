use super::*;
use crate::sim::schema::ClassId;

fn changes(db: &Db, class: &str, since: u64) -> Vec<(Operation, Ref)> {
    let mut found = Vec::new();
    db.changes(class_id(db, class), since, None, &mut found);
    found.into_iter().map(|c| (c.operation, c.reference)).collect()
}

fn class_id(db: &Db, class: &str) -> ClassId {
    db.schema().class(class).unwrap().id
}

#[test]
fn the_same_seed_gives_the_same_references_and_another_seed_others() {
    let make = |seed| {
        let mut db = Db::new(seed);
        let host = db.create("host", &[]);
        (host.as_str().to_owned(), db.text(&host, "uuid").to_owned())
    };
    assert_eq!(make(1), make(1));
    assert_ne!(make(1), make(2));
    let (r, uuid) = make(1);
    assert_eq!((r.len(), uuid.len()), (46, 36));
    assert!(r.starts_with("OpaqueRef:"));
}

#[test]
fn what_changes_nothing_makes_no_event() {
    let mut db = Db::new(1);
    let host = db.create("host", &[("name_label", "xs-01".into())]);
    let before = db.generation();
    assert!(!db.set(&host, "name_label", "xs-01"));
    assert!(!db.map_remove(&host, "other_config", "none"));
    assert!(!db.set_remove(&host, "tags", "none"));
    assert_eq!(db.generation(), before);
    assert!(db.set(&host, "name_label", "xs-02"));
    assert!(db.map_add(&host, "other_config", "k", "v"));
    assert!(!db.map_add(&host, "other_config", "k", "v"));
    assert!(db.set_add(&host, "tags", "a"));
    assert!(!db.set_add(&host, "tags", "a"));
    assert_eq!(db.generation(), before + 3);
    assert_eq!(db.map_get(&host, "other_config", "k"), Some("v"));
}

#[test]
fn sets_follow_references() {
    let mut db = Db::new(1);
    let (a, b) = (db.create("host", &[]), db.create("host", &[]));
    let vm = db.create("VM", &[("resident_on", (&a).into())]);
    assert_eq!(db.refs(&a, "resident_VMs"), vec![vm.clone()]);
    let before = db.generation();
    db.set(&vm, "resident_on", &b);
    assert_eq!((db.refs(&a, "resident_VMs"), db.refs(&b, "resident_VMs")), (vec![], vec![vm.clone()]));
    assert_eq!(db.generation(), before + 1, "one change");
    assert_eq!(changes(&db, "host", before), [(Operation::Mod, a), (Operation::Mod, b.clone())]);
    db.destroy(&vm);
    assert_eq!(db.refs(&b, "resident_VMs"), []);
}

#[test]
fn changes_are_one_an_object_with_what_it_is_now() {
    let mut db = Db::new(1);
    let (old, doomed) = (db.create("task", &[]), db.create("task", &[]));
    let since = db.generation();
    db.set(&old, "progress", 0.5);
    db.set(&old, "progress", 0.7);
    let new = db.create("task", &[]);
    let brief = db.create("task", &[]);
    db.destroy(&brief);
    db.destroy(&doomed);
    assert_eq!(changes(&db, "task", since), [(Operation::Mod, old), (Operation::Add, new), (Operation::Del, doomed)]);
    assert_eq!(changes(&db, "task", db.generation()), []);
    assert!(!db.changed_since(class_id(&db, "task"), db.generation()));
}

#[test]
fn deletions_are_remembered_256_to_511_at_a_time() {
    let mut db = Db::new(1);
    let tasks: Vec<_> = (0..2000).map(|_| db.create("task", &[])).collect();
    let since = db.generation();
    for (n, task) in tasks.iter().enumerate() {
        db.destroy(task);
        let known = changes(&db, "task", since).len();
        assert!(known == n + 1 || (256..512).contains(&known), "{known} after {}", n + 1);
    }
}

#[test]
fn order_of_creation_survives_deletions() {
    let mut db = Db::new(1);
    let all: Vec<_> = (0..300).map(|_| db.create("VDI", &[])).collect();
    for (n, vdi) in all.iter().enumerate() {
        if n % 3 != 0 {
            db.destroy(vdi);
        }
    }
    let left: Vec<_> = all.iter().step_by(3).cloned().collect();
    assert_eq!(db.all("VDI"), left);
    for vdi in &left {
        assert!(db.is(vdi, "VDI"));
        assert!(!db.text(vdi, "uuid").is_empty());
    }
}

#[test]
fn a_snapshot_goes_back_in_time_but_keeps_messages() {
    let mut db = Db::new(1);
    let host = db.create("host", &[("name_label", "before".into())]);
    let snapshot = db.snapshot();
    let then = db.generation();
    db.set(&host, "name_label", "after");
    let task = db.create("task", &[]);
    let message = db.create("message", &[("name", "ALARM".into())]);
    db.restore(&snapshot);
    assert_eq!(db.text(&host, "name_label"), "before");
    assert!(!db.exists(&task));
    assert!(db.exists(&message));
    assert!(db.generation() <= then + 1);
    assert_ne!(db.create("task", &[]), task);
}

#[test]
fn after_a_reload_every_object_is_new_to_an_old_token() {
    let mut db = Db::new(1);
    let host = db.create("host", &[]);
    db.create("message", &[]);
    let token = db.generation();
    db.reload();
    assert_eq!(changes(&db, "host", token), [(Operation::Add, host)]);
    assert_eq!(changes(&db, "message", token), [], "messages are files and stay as old as they are");
}

#[test]
fn values_take_the_type_of_the_field() {
    let mut db = Db::new(1);
    let host = db.create("host", &[]);
    let pbd = db.create("PBD", &[("host", host.as_str().into())]);
    assert_eq!(db.reference(&pbd, "host"), host);
    assert_eq!(db.refs(&host, "PBDs"), [pbd]);
    let task = db.create("task", &[("progress", 1i64.into())]);
    assert_eq!(*db.get(&task, "progress"), Value::Float(1.0));
}

#[test]
fn columns_reach_the_same_values_as_names() {
    let mut db = Db::new(1);
    let host = db.create("host", &[("enabled", true.into())]);
    let enabled = db.column("host", "enabled").unwrap();
    assert_eq!(db.at(&host, enabled), db.get(&host, "enabled"));
    assert!(db.put(&host, enabled, false));
    assert!(!db.boolean(&host, "enabled"));
    let pool = db.create("pool", &[]);
    assert_eq!(*db.at(&pool, enabled), Value::Void);
}

proptest::proptest! {
    /// Whoever applies the changes it is given has what is in the database, whenever it asks; and sets follow references.
    #[test]
    fn a_follower_always_catches_up(steps in proptest::collection::vec((0u8..6, 0usize..40, 0usize..8), 1..200)) {
        let mut db = Db::new(3);
        let hosts: Vec<Ref> = (0..4).map(|_| db.create("host", &[])).collect();
        let classes = ["host", "VM"].map(|class| class_id(&db, class));
        let mut copy = std::collections::BTreeMap::new();
        let mut token = 0;
        for (what, which, value) in steps {
            let vms = db.all("VM");
            let vm = vms.get(which % vms.len().max(1)).cloned().unwrap_or_default();
            let host = hosts.get(value).cloned().unwrap_or_default();
            match what {
                0 => drop(db.create("VM", &[("resident_on", host.into())])),
                1 => db.destroy(&vm),
                2 => drop(db.set(&vm, "resident_on", host)),
                3 => drop(db.set(&vm, "name_label", value.to_string())),
                4 => drop(db.map_add(&vm, "other_config", "k", value.to_string())),
                _ => {
                    let mut found = Vec::new();
                    for class in classes {
                        db.changes(class, token, None, &mut found);
                    }
                    token = db.generation();
                    for change in found {
                        let known = copy.contains_key(&change.reference);
                        assert_eq!(known, change.operation != Operation::Add);
                        match change.record {
                            Some(record) => drop(copy.insert(change.reference, record)),
                            None => drop(copy.remove(&change.reference)),
                        }
                    }
                    let real = db.refs_of("host").chain(db.refs_of("VM")).map(|r| (r.clone(), db.record(r).unwrap()));
                    assert_eq!(copy, real.collect());
                }
            }
            for host in &hosts {
                let mut follows = db.refs(host, "resident_VMs");
                follows.sort();
                let mut points = db.find_all("VM", "resident_on", &host.into());
                points.sort();
                assert_eq!(follows, points);
            }
        }
    }
}
