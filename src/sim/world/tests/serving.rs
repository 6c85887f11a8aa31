//! What a server asks of a world.

use super::*;
use crate::sim::api::Door;

#[test]
fn addresses_are_those_in_the_records() {
    let rig = Rig::new(Dialect::Designed);
    assert_eq!(rig.world.addresses(), ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"]);
    for (name, address) in rig.world.host_names().iter().zip(rig.world.addresses()) {
        assert_eq!(rig.db().text(&rig.host(name), "address"), address);
    }
}

#[test]
fn a_quiet_world_has_little_to_do() {
    let mut rig = Rig::new(Dialect::Designed);
    rig.run(60.0);
    let before = rig.db().generation();
    let wakes = (0..100).map_while(|_| {
        let next = rig.world.next_due()?;
        rig.world.advance(next);
        (rig.world.now() < START + Duration::from_secs(600)).then_some(())
    });
    assert!(wakes.count() <= 20, "a garbage collection every 30 s, nothing else");
    assert_eq!(rig.db().generation(), before, "and no event");
}

#[test]
fn doors_tell_a_dead_host_from_a_booting_one() {
    let mut rig = Rig::new(Dialect::Designed);
    let door = |r: &Rig| r.world.door(HostIx(3));
    assert_eq!(door(&rig), Door::Open);
    rig.fault("cut host=d what=all");
    assert_eq!(door(&rig), Door::Silent);
    rig.fault("heal host=d");
    assert_eq!(door(&rig), Door::Open);
    rig.fault("crash host=d");
    assert_eq!(door(&rig), Door::Silent);
    rig.fault("power-on host=d");
    assert_eq!(door(&rig), Door::Refused);
    assert_eq!(rig.world.door(HostIx(99)), Door::Silent);
}

#[test]
fn a_member_sends_clients_to_the_coordinator() {
    let mut rig = Rig::new(Dialect::Designed);
    let call = Call { method: "host.get_all".into(), params: vec![rig.session.clone()] };
    match rig.world.call(HostIx(2), call) {
        Reply::Done(Err(f)) => assert_eq!((f.code.as_str(), f.params), ("HOST_IS_SLAVE", vec!["127.0.0.1".to_owned()])),
        other => panic!("{other:?}"),
    }
}

#[test]
fn wrong_arguments_are_refused_not_panicked_on() {
    let mut rig = Rig::new(Dialect::Designed);
    let odd = [Value::Void, Value::from("nobody"), Value::Int(7), Value::Set(Vec::new()), Value::Ref(rig.host("b"))];
    for method in super::super::calls::METHODS {
        for value in &odd {
            let args = vec![value.clone(); method.min];
            let _ = rig.ask(method.name, args);
        }
    }
    rig.run(400.0);
    rig.until(600, "somebody coordinates", |r| r.world.core.coordinator_up());
    rig.login();
    assert_eq!(code(rig.call("host.disable", [Value::from("nobody")])), "HANDLE_INVALID");
    let plugin = [Value::Ref(rig.host("a")), "no-such".into(), "f".into(), Value::Map([].into())];
    assert_eq!(code(rig.call("host.call_plugin", plugin)), "XENAPI_MISSING_PLUGIN");
}
