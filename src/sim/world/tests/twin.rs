//! Twins: worlds of a pool's own records.

use super::*;
use crate::xenapi::record::Record;

fn records(world: &World) -> Vec<(Ref, Record)> {
    let mut all: Vec<(Ref, Record)> =
        world.observe(Marker::default()).changes.into_iter().filter_map(|(_, r, record)| Some((r, (*record?).clone()))).collect();
    // Sets have no order.
    for (_, record) in &mut all {
        match record {
            Record::Host(h) => h.resident_vms.sort(),
            Record::Bond(b) => b.slaves.sort(),
            Record::Cluster(c) => c.cluster_hosts.sort(),
            _ => {}
        }
    }
    all
}

fn twin(world: &World, assumed: &Assumed) -> World {
    World::twin(records(world), Options::new(3, world.now()).speaking(world.core.dialect), assumed).unwrap()
}

#[test]
fn a_twin_says_what_its_pool_says() {
    for (name, dialect) in [("calm", Dialect::Designed), ("hotfix-xenserver", Dialect::Shipped), ("path-loss", Dialect::Shipped)]
    {
        let rig = Rig::named(name, dialect, Overrides::default());
        let copy = twin(&rig.world, &Assumed::default());
        let (one, two) = (records(&rig.world), records(&copy));
        let of = |list: &[(Ref, Record)], r: &Ref| list.iter().find(|(x, _)| x == r).map(|(_, record)| record.clone());
        for (r, record) in &one {
            let Some(mut other) = of(&two, r) else { panic!("{name}: {record:?} is missing") };
            if let (Record::Sr(a), Record::Sr(b)) = (record, &mut other) {
                b.sm_config = a.sm_config.clone();
            }
            // A set: its order is nobody's.
            let mut record = record.clone();
            for one in [&mut record, &mut other] {
                if let Record::Network(network) = one {
                    network.pifs.sort_unstable();
                }
            }
            assert_eq!(other, record, "{name}");
        }
        assert_eq!(one.len(), two.len(), "{name}");
        let (a, b) = (rig.world.truth(), copy.truth());
        assert_eq!(
            a.hosts.iter().map(|h| h.guests.len()).collect::<Vec<_>>(),
            b.hosts.iter().map(|h| h.guests.len()).collect::<Vec<_>>()
        );
        assert_eq!((a.ha, a.degraded), (b.ha, b.degraded));
    }
}

#[test]
fn a_host_of_a_twin_goes_through_an_update() {
    let rig = Rig::named("calm", Dialect::Designed, Overrides::default());
    let blocked = rig.db().find("VM", "name_label", &"db-old".into()).unwrap();
    let assumed =
        Assumed { blocked: [(blocked.clone(), ("VM_HAS_VGPU".to_owned(), vec!["x".to_owned()]))].into(), ..Assumed::default() };
    let mut rig = Rig::with(twin(&rig.world, &assumed));
    let said = format!("{:?}", rig.on("get_vms_which_prevent_evacuation", "xcp3").unwrap());
    assert!(said.contains("VM_HAS_VGPU") && said.contains(blocked.as_str()), "{said}");
    let params = [Value::Ref(rig.host("xcp2")), "updater.py".into(), "update".into(), Value::Map([].into())];
    rig.call("host.call_plugin", params).unwrap();
    rig.on("disable", "xcp2").unwrap();
    rig.on("evacuate", "xcp2").unwrap();
    rig.on("reboot", "xcp2").unwrap();
    let build = |r: &Rig| r.db().map_get(&r.host("xcp2"), "software_version", "build_number").unwrap().to_owned();
    let before = build(&rig);
    rig.until(60, "down", |r| !r.live("xcp2"));
    rig.until(900, "up", |r| r.up("xcp2"));
    assert_ne!(build(&rig), before);
    rig.until(60, "rebuild", |r| r.task("SR Recovering").is_some());
    rig.until(3600, "over", |r| r.task("SR Recovering").is_none());
    assert!(rig.world.harms().is_empty());
    rig.check_invariants();
}

#[test]
fn what_was_going_on_goes_on_and_ends() {
    let mut rig = Rig::named("calm", Dialect::Designed, Overrides::default());
    rig.fault("reset host=xcp3");
    rig.until(300, "rebuild", |r| r.task("SR Recovering").is_some() && r.up("xcp3"));
    let mut copy = Rig::with(twin(&rig.world, &Assumed::default()));
    assert!(copy.world.truth().rebuilding);
    copy.on("disable", "xcp2").unwrap();
    assert!(!copy.may_reboot("xcp2"));
    copy.until(900, "over", |r| r.task("SR Recovering").is_none());
    assert!(copy.may_reboot("xcp2"));
    rig.fault("crash host=xcp2");
    rig.run(700.0);
    let copy = twin(&rig.world, &Assumed::default());
    assert_eq!(copy.truth().away().map(|h| h.name.clone()).collect::<Vec<_>>(), ["xcp2"]);
}

#[test]
fn half_a_pool_has_no_twin() {
    let rig = Rig::named("calm", Dialect::Designed, Overrides::default());
    let options = Options::new(1, START);
    let made = |list: Vec<(Ref, Record)>| World::twin(list, options, &Assumed::default()).map(|_| ()).unwrap_err();
    assert_eq!(made(Vec::new()), TwinError::NoPool);
    let no_hosts = records(&rig.world).into_iter().filter(|(_, r)| !matches!(r, Record::Host(_))).collect();
    assert_eq!(made(no_hosts), TwinError::NoCoordinator(0));
}
