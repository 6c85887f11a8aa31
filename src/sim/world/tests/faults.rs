//! Faults that are not of machines or storage, and determinism.

use super::*;
use crate::sim::api::RrdRequest;

#[test]
fn killed_sessions_are_gone_and_a_new_login_works() {
    let mut rig = Rig::new(Dialect::Designed);
    rig.fault("kill-sessions");
    assert_eq!(code(rig.call("pool.get_all", [])), "SESSION_INVALID");
    rig.login();
    assert!(rig.call("pool.get_all", []).is_ok());
}

#[test]
fn a_call_can_be_made_to_fail_without_effect() {
    let mut rig = Rig::new(Dialect::Designed);
    rig.fault("fail-call method=host.disable code=HOST_OFFLINE params=x times=2");
    assert_eq!(code(rig.on("disable", "b")), "HOST_OFFLINE");
    assert_eq!(code(rig.on("disable", "b")), "HOST_OFFLINE");
    assert!(rig.enabled("b"));
    rig.on("disable", "b").unwrap();
}

#[test]
fn a_call_can_have_its_effect_without_an_answer() {
    let mut rig = Rig::new(Dialect::Designed);
    rig.on("disable", "b").unwrap();
    rig.on("evacuate", "b").unwrap();
    rig.fault("timeout-call method=host.reboot");
    let b = rig.host("b");
    let Reply::Waiting(ticket) = rig.ask("Async.host.reboot", [Value::Ref(b)]) else { panic!("answered") };
    rig.until(30, "down all the same", |r| !r.live("b"));
    assert!(rig.world.poll(ticket).is_none());
    rig.world.forget(ticket);
}

#[test]
fn late_events_come_late_but_come() {
    let mut rig = Rig::new(Dialect::Designed);
    let token = match rig.call("event.from", [vec!["host"].into(), "".into(), Value::Float(0.0)]) {
        Ok(Value::Record(record)) => record.get("token").unwrap().clone(),
        other => panic!("{other:?}"),
    };
    let ask = [vec!["host"].into(), token, Value::Float(60.0)];
    let Reply::Waiting(before) = rig.ask("event.from", ask.clone()) else { panic!("answered") };
    rig.fault("late-events by=20");
    let Reply::Waiting(ticket) = rig.ask("event.from", ask) else { panic!("answered") };
    rig.on("disable", "b").unwrap();
    rig.run(10.0);
    assert!(rig.world.poll(ticket).is_none() && rig.world.poll(before).is_none());
    rig.run(11.0);
    assert!(rig.world.poll(before).is_some());
    let result = rig.wait_for(ticket, 5).unwrap();
    assert!(format!("{result:?}").contains("\"b\""));
}

#[test]
fn clocks_go_wrong() {
    let mut rig = Rig::new(Dialect::Designed);
    rig.fault("skew-clock host=c by=-3.5");
    let Ok(Value::Date(time)) = rig.on("get_servertime", "c") else { panic!() };
    assert_eq!(time.millis_after(rig.world.now()), -3_500);
    rig.fault("skew-clock host=c by=400");
    assert_eq!(rig.messages("HOST_CLOCK_SKEW_DETECTED").len(), 1);
}

#[test]
fn faults_that_do_not_fit_are_refused_in_words() {
    let mut rig = Rig::new(Dialect::Designed);
    let refused = |rig: &mut Rig, text: &str| rig.world.fault(text.parse().unwrap()).unwrap_err().to_string();
    assert_eq!(refused(&mut rig, "crash host=z"), "there is no host called `z`; there are: a, b, c, d");
    rig.fault("crash host=d");
    assert!(refused(&mut rig, "crash host=d").contains("`power-on host=d`"));
    assert_eq!(refused(&mut rig, "heal host=c"), "it is not cut off");
}

#[test]
fn what_the_menu_offers_can_be_done() {
    for _ in 0..3 {
        let mut rig = Rig::named("calm", Dialect::Designed, Overrides::default());
        for round in 0..6 {
            for one in rig.world.suggestions() {
                // An earlier one of this round may have made it impossible; then it says so in words.
                if let Err(error) = rig.world.fault(one.fault.clone()) {
                    assert!(
                        !error.to_string().is_empty() && round > 0 || matches!(error, FaultError::NotNow(_)),
                        "{}: {error}",
                        one.title
                    );
                }
            }
            rig.run(30.0);
            rig.check_invariants();
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_events() {
    let play = |seed: u64| {
        let scenario = &load("rolling-update", Overrides::default()).unwrap()[0];
        let mut world = World::build(scenario, Options::new(seed, START));
        let mut trace = Vec::new();
        for _ in 0..300 {
            world.advance(world.now() + Duration::from_secs(2));
            trace.push(world.database().generation());
        }
        let hosts: Vec<String> = world.database().rows("host").map(|(r, values)| format!("{r}{values:?}")).collect();
        (trace, hosts)
    };
    assert_eq!(play(3), play(3));
    assert_ne!(play(3).1, play(4).1);
}

#[test]
fn time_steps_do_not_matter() {
    let play = |step: u64| {
        let scenario = &load("mirror-rebuild", Overrides::default()).unwrap()[0];
        let mut world = World::build(scenario, Options::new(9, START));
        while world.now() < START + Duration::from_secs(300) {
            world.advance(world.now() + Duration::from_millis(step));
        }
        world.database().rows("host").map(|(r, values)| format!("{r}{values:?}")).collect::<Vec<_>>()
    };
    assert_eq!(play(100), play(30_000));
}

#[test]
fn rrds_of_a_host_need_a_session_and_follow_the_load() {
    let mut rig = Rig::new(Dialect::Designed);
    let Value::Ref(session) = rig.session.clone() else { panic!() };
    let mut request =
        RrdRequest { session: session.as_str().into(), start: -60, host: true, vm_uuid: "none".into(), interval: 5 };
    let free = |rig: &mut Rig, request: &RrdRequest| {
        let updates = rig.world.rrd_updates(HostIx(1), request).unwrap();
        let at = updates.legend.iter().position(|l| l.ends_with(":memory_free_kib")).unwrap();
        updates.rows[0].1[at]
    };
    let before = free(&mut rig, &request);
    rig.on("disable", "b").unwrap();
    rig.on("evacuate", "b").unwrap();
    rig.run(10.0);
    assert!(free(&mut rig, &request) > before);
    request.session = "OpaqueRef:nobody".into();
    assert!(rig.world.rrd_updates(HostIx(1), &request).is_none());
}
