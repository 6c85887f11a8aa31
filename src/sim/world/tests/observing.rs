//! The database followed without a wire.

use super::*;
use crate::xenapi::record::{Class, Record};
use std::collections::BTreeMap;
use std::sync::Arc;
use strum::IntoEnumIterator;

/// Who follows a world.
#[derive(Default)]
struct Follower {
    marker: Marker,
    known: BTreeMap<Ref, Arc<Record>>,
    wholes: u32,
}

impl Follower {
    fn follow(&mut self, world: &World) {
        let seen = world.observe(self.marker);
        if seen.whole {
            self.wholes += 1;
            self.known.clear();
        }
        for (class, r, record) in seen.changes {
            match record {
                Some(record) => {
                    assert_eq!(record.class(), class);
                    self.known.insert(r, record);
                }
                None => drop(self.known.remove(&r)),
            }
        }
        self.marker = seen.marker;
    }

    /// What is known is what is there, each record as it would be read from the wire.
    fn check(&self, world: &World) {
        let db = world.database();
        let mut all = 0;
        for class in Class::iter() {
            for r in db.all(class.call_name()) {
                all += 1;
                let json = crate::sim::server::text_of(&Value::Record(db.record(&r).unwrap()));
                let mut wire = Record::parse(class, &json).unwrap_or_else(|e| panic!("{class:?}: {e}: {json}"));
                if let (Record::Task(read), Some(Record::Task(seen))) = (&mut wire, self.known.get(&r).map(|record| &**record)) {
                    // Reading decimals costs the last bit.
                    assert!((read.progress - seen.progress).abs() < 1e-12);
                    read.progress = seen.progress;
                }
                assert_eq!(self.known.get(&r).map(|record| &**record), Some(&wire), "{json}");
            }
        }
        assert_eq!(all, self.known.len(), "nothing that is gone");
    }
}

#[test]
fn what_is_observed_is_what_the_wire_says_through_a_whole_round() {
    for dialect in [Dialect::Designed, Dialect::Shipped] {
        let mut rig = Rig::named("rolling-update", dialect, Overrides::default());
        let mut follower = Follower::default();
        for step in 0..600 {
            follower.follow(&rig.world);
            if step % 20 == 0 {
                follower.check(&rig.world);
            }
            rig.run(1.7);
        }
        follower.follow(&rig.world);
        follower.check(&rig.world);
        assert!(follower.wholes >= 2, "at the start and when the coordinator came back");
    }
}

#[test]
fn whoever_looks_seldom_gets_everything_when_deletions_are_forgotten() {
    let mut rig = Rig::named("big", Dialect::Designed, Overrides { hosts: Some(4), guests: Some(60), pools: None });
    let mut follower = Follower::default();
    follower.follow(&rig.world);
    rig.run(3.0 * 3600.0);
    follower.follow(&rig.world);
    follower.check(&rig.world);
}

#[test]
fn a_clone_goes_its_own_way_and_the_same_way_until_it_is_reseeded() {
    let mut rig = Rig::new(Dialect::Designed);
    rig.run(10.0);
    let mut one = rig.world.clone();
    let mut two = rig.world.clone();
    let generation = rig.db().generation();
    for world in [&mut one, &mut two] {
        world.fault("reset host=b".parse().unwrap()).unwrap();
        let to = world.now() + Duration::from_secs(300);
        world.advance(to);
    }
    assert_eq!(rig.db().generation(), generation, "the original stands still");
    assert_eq!(one.database().generation(), two.database().generation());
    assert_eq!(one.harms(), two.harms());
    assert!(!one.harms().is_empty() && rig.world.harms().is_empty());
    let mut three = rig.world.clone();
    three.reseed(9);
    three.fault("reset host=b".parse().unwrap()).unwrap();
    let to = three.now() + Duration::from_secs(300);
    three.advance(to);
    let booted = |w: &World| w.core.hosts[1].booted;
    assert_eq!(booted(&one), booted(&two));
    assert_ne!(booted(&one), booted(&three));
}

#[test]
fn nothing_is_heard_while_the_coordinator_is_gone_or_events_are_late() {
    let mut rig = Rig::new(Dialect::Designed);
    assert_eq!(rig.world.hears(), Some(HostIx(0)));
    rig.fault("late-events by=5");
    assert_eq!(rig.world.hears(), None);
    rig.run(6.0);
    assert_eq!(rig.world.hears(), Some(HostIx(0)));
    rig.fault("crash host=a");
    assert_eq!(rig.world.hears(), None);
}
