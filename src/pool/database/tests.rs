//! Databases that go back: while they are followed, between two log-ins, between two runs of the program.

use super::*;
use crate::xenapi::record::{Host, Pool as PoolRecord, Sr, Vm};

const ALL: [Class; 4] = [Class::Pool, Class::Host, Class::Vm, Class::Sr];

fn t(secs: i64) -> Time {
    Time::from_secs(1_800_000_000 + secs)
}

struct Scene {
    ledger: Ledger,
    now: i64,
    told: Vec<Rewind>,
}

impl Scene {
    fn new() -> Self {
        Self { ledger: Ledger::default(), now: 0, told: Vec::new() }
    }

    fn say(&mut self, seen: Seen) {
        self.told.extend(self.ledger.see(&Observation { at: t(self.now), seen }));
    }

    fn heard(&mut self, generation: u64) {
        self.say(Seen::Heard { generation: Some(generation) });
    }

    fn set(&mut self, r: &str, record: Record) {
        self.say(Seen::Set { r#ref: r.into(), record: record.into() });
    }

    /// The whole pool is read, with these guests: name and where it runs, if it does.
    fn read(&mut self, vms: &[(&str, &str)]) {
        self.say(Seen::Resync { classes: ALL.to_vec(), why: String::new() });
        self.records(vms);
        self.say(Seen::Synced { classes: ALL.to_vec() });
    }

    fn records(&mut self, vms: &[(&str, &str)]) {
        self.set("pool", Record::Pool(PoolRecord { uuid: "p".into(), master: "h1".into(), ..PoolRecord::default() }));
        self.set("h1", Record::Host(Host { uuid: "h".into(), name_label: "xcp1".into(), ..Host::default() }));
        self.set("sr", Record::Sr(Sr { uuid: "s".into(), name_label: "nfs".into(), ..Sr::default() }));
        for (name, on) in vms {
            let power_state = if on.is_empty() { "Halted" } else { "Running" };
            self.set(
                &format!("ref-{name}"),
                Record::Vm(Vm {
                    uuid: format!("u-{name}").into(),
                    name_label: (*name).into(),
                    power_state: power_state.into(),
                    resident_on: (*on).into(),
                    ..Vm::default()
                }),
            );
        }
    }

    /// What was told last, in words.
    fn last(&self) -> Vec<String> {
        let rewind = self.told.last().expect("something was told");
        rewind.changes.iter().map(|c| format!("{:?} {}: {}", c.what, c.name, c.text)).collect()
    }
}

const LOST_A: &str = "Lost a: the pool does not know it any more; it ran on xcp1: look whether it still does";
const REVERTED_B: &str = "Reverted b: state was Halted, is Running; on was nowhere, is xcp1";
const BACK_C: &str = "Back c: was not there and is: deleted before and back again, or made since";

fn expected() -> [String; 3] {
    [LOST_A, REVERTED_B, BACK_C].map(str::to_owned)
}

#[test]
fn while_it_is_followed_it_is_told_at_once_and_listed_once_it_was_read_again() {
    let mut s = Scene::new();
    s.read(&[("a", "h1"), ("b", "")]);
    s.heard(100);
    s.now = 60;
    s.heard(90);
    assert_eq!((s.told.len(), s.told[0].from, s.told[0].to, s.told[0].last), (1, 100, 90, t(0)));
    assert_eq!(s.ledger.mark(), None, "what is not read yet is not kept");
    s.now = 62;
    s.read(&[("b", "h1"), ("c", "")]);
    assert_eq!(s.last(), expected());
    assert_eq!(s.told.len(), 2);
    s.heard(91);
    s.read(&[("b", "h1")]);
    assert_eq!(s.told.len(), 2, "what changes later is no part of it");
    assert_eq!(s.ledger.mark(), None, "a reading could turn out to be of an older database");
    s.heard(91);
    assert_eq!(s.ledger.mark().expect("whole").generation, 91);
}

#[test]
fn between_two_log_ins_the_reading_before_counts() {
    let mut s = Scene::new();
    s.read(&[("a", "h1"), ("b", "")]);
    s.heard(100);
    s.now = 600;
    s.read(&[("b", "h1"), ("c", "")]);
    assert_eq!(s.told.len(), 0, "a reading alone proves nothing");
    s.heard(90);
    assert_eq!((s.last(), s.told[0].last), (expected().to_vec(), t(0)));
}

#[test]
fn over_a_restart_of_the_program_what_was_kept_counts() {
    let mut s = Scene::new();
    s.read(&[("a", "h1"), ("b", "")]);
    s.heard(100);
    let mark = s.ledger.mark().expect("whole");
    let mark: Mark = serde_json::from_str(&serde_json::to_string(&mark).expect("written")).expect("read");

    // Given back before, amid or after the first reading, it comes to the same.
    for order in 0..3 {
        let mut s = Scene::new();
        s.now = 5_000;
        s.say(Seen::Resync { classes: ALL.to_vec(), why: String::new() });
        s.records(&[("b", "h1"), ("c", "")]);
        if order == 0 {
            s.told.extend(s.ledger.recall(mark.clone(), t(s.now)));
        }
        if order == 1 {
            s.heard(90);
            s.told.extend(s.ledger.recall(mark.clone(), t(s.now)));
        }
        s.say(Seen::Synced { classes: ALL.to_vec() });
        s.heard(90);
        if order == 2 {
            s.told.extend(s.ledger.recall(mark.clone(), t(s.now)));
        }
        assert_eq!((s.last(), s.told[0].last), (expected().to_vec(), t(0)), "{order}");
        let kept = s.ledger.mark().expect("whole");
        assert!(kept.is_newer(&mark) && !mark.is_newer(&kept), "what knows of the rewind is kept, although it counts less");

        // The next run is told of it again, but does not find it anew.
        let mut next = Scene::new();
        next.read(&[("b", "h1")]);
        let told = next.ledger.recall(kept.clone(), t(6_000)).expect("told again");
        assert_eq!(told.at, t(5_000));
        next.heard(95);
        assert_eq!(next.told.len(), 0);
        assert_eq!(Ledger { uuid: Some("p".into()), ..Ledger::default() }.recall(kept, t(5_000) + TOLD), None, "not for ever");
    }
}

#[test]
fn a_pool_that_only_goes_forward_is_told_nothing() {
    let mut s = Scene::new();
    s.read(&[("a", "h1")]);
    s.heard(100);
    let mark = s.ledger.mark().expect("whole");
    let mut s = Scene::new();
    s.read(&[]);
    assert_eq!(s.ledger.recall(mark, t(10)), None);
    s.heard(140);
    s.heard(140);
    s.say(Seen::Heard { generation: None });
    assert_eq!(s.told.len(), 0);
    assert_eq!(s.ledger.mark().expect("whole").generation, 140);
}

#[test]
fn another_pools_mark_or_another_pool_at_the_address_is_no_rewind() {
    let mut s = Scene::new();
    s.read(&[("a", "h1")]);
    s.heard(100);
    let other = Mark { uuid: "q".into(), generation: 1_000, ..Mark::default() };
    assert_eq!(s.ledger.recall(other, t(1)), None);
    s.heard(101);
    s.set("pool2", Record::Pool(PoolRecord { uuid: "q".into(), ..PoolRecord::default() }));
    s.heard(5);
    assert_eq!(s.told.len(), 0);
}

#[test]
fn lists_are_bounded_and_names_made_safe() {
    let names: Vec<String> = (0..LISTED + 7).map(|n| format!("vm{n}\u{1b}[2J")).collect();
    let vms: Vec<(&str, &str)> = names.iter().map(|n| (n.as_str(), "")).collect();
    let mut s = Scene::new();
    s.read(&vms);
    s.heard(100);
    s.read(&[]);
    s.heard(50);
    let rewind = s.told.last().expect("told");
    assert_eq!((rewind.changes.len(), rewind.more), (LISTED, 7));
    assert!(rewind.changes.iter().all(|c| !c.name.contains('\u{1b}')));
}

proptest::proptest! {
    #[test]
    fn no_order_of_things_seen_breaks_it(steps in proptest::collection::vec((0_u8..8, 0_u64..50), 0..60)) {
        let mut s = Scene::new();
        let mut mark = None;
        for (what, n) in steps {
            s.now += 30;
            match what {
                0 => s.heard(n),
                1 => s.say(Seen::Resync { classes: ALL.to_vec(), why: String::new() }),
                2 => s.say(Seen::Synced { classes: ALL.to_vec() }),
                3 => s.records(&[("a", "h1")]),
                4 => s.say(Seen::Gone { class: Class::Vm, r#ref: "ref-a".into() }),
                5 => s.read(&[("b", "")]),
                6 => mark = s.ledger.mark().or(mark),
                _ => if let Some(mark) = mark.clone() {
                    let now = t(s.now);
                    s.told.extend(s.ledger.recall(mark, now));
                },
            }
        }
        for rewind in &s.told {
            proptest::prop_assert!(rewind.to < rewind.from);
        }
    }
}
