//! Faults and calls at random: whatever happens, the world stays sound, and a pool that is repaired gets well again.

use super::*;

fn random_fault(rng: &mut fastrand::Rng) -> String {
    let host = rng.choice(["a", "b", "c", "d"]).unwrap();
    let kinds = [
        "crash host=H",
        "reset host=H",
        "power-on host=H",
        "cut host=H",
        "cut host=H what=all",
        "heal host=H",
        "fail-path host=H",
        "fail-path host=H lun=lun1 paths=9",
        "repair-path host=H",
        "fail-link host=H",
        "repair-link host=H",
        "restart-toolstack host=H",
        "restart-toolstack",
        "kill-sessions",
        "stall-rebuild",
        "resume-rebuild",
        "restart-rebuild",
        "late-rebuild by=30",
        "skew-clock host=H by=3",
        "late-events by=5",
        "timeout-call method=host.evacuate",
        "fail-call method=host.disable code=HA_NO_PLAN",
    ];
    rng.choice(kinds).unwrap().replace("=H", &format!("={host}"))
}

fn random_call(rig: &mut Rig, rng: &mut fastrand::Rng) {
    let host = rng.choice(["a", "b", "c", "d"]).unwrap();
    let r = Value::Ref(rig.host(host));
    let vms = rig.db().all("VM");
    let vm = Value::Ref(rng.choice(vms).unwrap());
    let method = ["disable", "enable", "evacuate", "reboot", "shutdown", "power_on", "restart_agent"];
    let _ = match rng.u8(0..10) {
        0..=5 => {
            let method = format!("Async.host.{}", rng.choice(method).unwrap());
            rig.ask(&method, [r])
        }
        6 => rig.ask("Async.VM.pool_migrate", [vm, r, Value::Map([].into())]),
        7 => rig.ask("Async.VM.clean_shutdown", [vm]),
        8 => rig.ask("Async.VM.start", [vm, false.into(), false.into()]),
        _ => rig.ask("Async.pool.designate_new_master", [r]),
    };
}

/// For the message of a failure.
fn states(rig: &Rig) -> String {
    let core = &rig.world.core;
    let host = |h: &state::Host| {
        let bits =
            [h.live, h.enabled, h.leaving.is_some(), h.heard.is_some(), h.disabled_by_user, !h.pending.is_empty(), h.storage_up];
        format!("{} {:?} since {} cut {:?} {bits:?} current {:?}", h.name, h.stage, h.since, h.cut, h.current)
    };
    let mut lines: Vec<String> = core.hosts.iter().map(host).collect();
    lines.push(format!("coordinator {}, now {}, jobs {:?}", core.coordinator, core.now, core.jobs));
    lines.extend(core.stores.iter().map(|s| {
        let off: Vec<usize> = s.pbds.iter().filter(|p| !p.attached).map(|p| p.host).collect();
        format!(
            "{} rebuild {:?} detached {off:?} {:?}",
            s.name,
            s.rebuild,
            s.mirror.as_ref().map(|m| (m.behind(), m.rebuilding()))
        )
    }));
    lines.extend(
        core.guests
            .iter()
            .filter(|g| g.busy.is_some() || g.moving.is_some() || g.gone)
            .map(|g| format!("{} {:?} {:?} gone {} on {:?}", g.name, g.busy, g.moving, g.gone, g.on)),
    );
    lines.join("\n")
}

fn play(seed: u64, ha: bool) {
    let dialect = if seed.is_multiple_of(2) { Dialect::Designed } else { Dialect::Shipped };
    let text = if ha { format!("{PLAIN}\n[ha]\nenabled = true\n") } else { PLAIN.to_owned() };
    let mut rig = Rig::of(&text, dialect);
    let mut rng = fastrand::Rng::with_seed(seed);
    for _ in 0..60 {
        if rng.bool() {
            let _ = rig.world.fault(random_fault(&mut rng).parse().unwrap());
        } else {
            random_call(&mut rig, &mut rng);
        }
        rig.run(rng.f64() * 60.0);
        rig.check_invariants();
        let at = HostIx(rig.world.core.coordinator);
        if rig.world.door(at) == crate::sim::api::Door::Open && rng.bool() && rig.world.core.coordinator_up() {
            rig.login();
        }
    }
    // Repair everything.
    for host in ["a", "b", "c", "d"] {
        for repair in ["power-on", "heal", "repair-path", "repair-link"] {
            let _ = rig.world.fault(format!("{repair} host={host}").parse().unwrap());
        }
    }
    rig.fault("resume-rebuild");
    rig.run(1200.0);
    for host in ["a", "b", "c", "d"] {
        let _ = rig.world.fault(format!("power-on host={host}").parse().unwrap());
    }
    rig.run(1800.0);
    rig.world.core.traps.clear();
    rig.login();
    let states = states(&rig);
    for host in ["a", "b", "c", "d"] {
        rig.on("enable", host).unwrap_or_else(|e| panic!("seed {seed}: {host}: {e}\n{states}"));
    }
    // A PBD that could not be plugged at boot stays unplugged until somebody does it, as in xapi.
    for pbd in rig.db().all("PBD") {
        rig.call("PBD.plug", [Value::Ref(pbd)]).unwrap();
    }
    let well = |r: &Rig| {
        ["a", "b", "c", "d"].iter().all(|h| r.up(h) && r.db().map(&r.host(h), "current_operations").is_empty())
            && r.task("SR Recovering").is_none()
            && r.world.core.stores.iter().all(|s| s.pbds.iter().all(|p| p.attached && r.db().boolean(&p.r, "currently_attached")))
            && r.world.core.guests.iter().all(|g| g.busy.is_none() && g.moving.is_none() && !g.gone)
    };
    for _ in 0..360 {
        if well(&rig) {
            break;
        }
        rig.run(10.0);
    }
    assert!(well(&rig), "seed {seed} is not well again:\n{}", self::states(&rig));
    rig.check_invariants();
}

#[test]
fn a_repaired_pool_gets_well_again() {
    for seed in 0..80 {
        play(seed, false);
    }
}

#[test]
fn a_repaired_pool_with_ha_gets_well_again() {
    for seed in 0..80 {
        play(seed, true);
    }
}
