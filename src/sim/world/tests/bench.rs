//! Whole scenarios for a long time: they stay sound, and they are fast.

use super::*;

/// A day of hosts going round: every host was rebooted many times, nothing was lost.
#[test]
fn a_day_of_rolling_update_is_harmless_and_quick() {
    for dialect in [Dialect::Designed, Dialect::Shipped] {
        let mut rig = Rig::named("rolling-update", dialect, Overrides::default());
        let began = std::time::Instant::now();
        let mut boots = std::collections::BTreeSet::new();
        for _ in 0..24 * 12 {
            rig.run(300.0);
            rig.check_invariants();
            let failed: Vec<_> = rig
                .db()
                .refs_of("task")
                .filter(|t| rig.db().text(t, "status") == "failure")
                .map(|t| format!("{:?}", rig.db().get(t, "error_info")))
                .collect();
            assert!(failed.is_empty(), "{failed:?}");
            for host in ["xcp1", "xcp2", "xcp3", "xcp4"] {
                boots.insert((host, rig.db().map_get(&rig.host(host), "other_config", "boot_time").unwrap().to_owned()));
            }
        }
        assert!(boots.len() > 4 * 20, "{} boots in a day", boots.len());
        assert!(rig.world.harms().is_empty(), "{:?}", rig.world.harms().first());
        let took = began.elapsed();
        assert!(took < Duration::from_secs(60), "a virtual day took {took:?}");
        let versions: std::collections::BTreeSet<_> = rig
            .db()
            .refs_of("host")
            .map(|h| rig.db().map_get(h, "software_version", "product_version").unwrap().to_owned())
            .collect();
        assert!(versions.len() <= 2 && !versions.contains("8.3.0"), "{versions:?}");
    }
}

#[test]
fn mirror_rebuild_shows_what_it_promises_within_its_first_minutes() {
    for dialect in [Dialect::Designed, Dialect::Shipped] {
        let mut rig = Rig::named("mirror-rebuild", dialect, Overrides::default());
        let down =
            rig.until(16, "a host reboots within 15 s", |r| r.db().refs_of("host_metrics").any(|m| !r.db().boolean(m, "live")));
        assert!(down <= 15.0, "{down}");
        rig.until(120, "rebuild", |r| r.task("SR Recovering").is_some());
        let long = rig.until(600, "rebuilt", |r| r.task("SR Recovering").is_none());
        assert!((30.0..300.0).contains(&long), "long enough to watch, short enough to wait: {long}");
        let first = rig.db().refs_of("message").count();
        rig.until(300, "the next host", |r| r.db().refs_of("host_metrics").any(|m| !r.db().boolean(m, "live")));
        assert!(rig.db().refs_of("message").count() > first);
        let failed: Vec<_> = rig
            .db()
            .refs_of("task")
            .filter(|t| rig.db().text(t, "status") == "failure")
            .map(|t| format!("{:?}", rig.db().get(t, "error_info")))
            .collect();
        assert!(failed.is_empty(), "{failed:?}");
        assert!(rig.world.harms().is_empty());
    }
}

#[test]
fn path_loss_repeats() {
    let mut rig = Rig::named("path-loss", Dialect::Designed, Overrides::default());
    let degraded =
        |r: &Rig| r.world.core.stores.iter().any(|s| s.pbds.iter().any(|p| p.up.iter().zip(&s.luns).any(|(u, l)| *u < l.paths)));
    rig.until(20, "first loss", degraded);
    rig.until(600, "all repaired", |r| !degraded(r));
    rig.until(700, "lost again", degraded);
}

#[test]
fn big_is_busy_and_sound() {
    let mut rig = Rig::named("big", Dialect::Designed, Overrides::default());
    assert_eq!(rig.db().refs_of("host").count(), 64);
    assert_eq!(rig.world.core.guests.len(), 2_000);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..60 {
        rig.run(5.0);
        for task in rig.db().refs_of("task") {
            seen.insert(rig.db().text(task, "name_label").to_owned());
        }
    }
    assert!(seen.contains("Async.VM.pool_migrate") && seen.contains("Async.VM.start"), "{seen:?}");
    rig.check_invariants();
}

#[test]
fn a_fleet_has_pools_of_different_health() {
    let mut trouble = std::collections::BTreeSet::new();
    for scenario in load("fleet", Overrides::default()).unwrap() {
        let mut world = World::build(&scenario, Options::new(5, START));
        for _ in 0..30 {
            world.advance(world.now() + Duration::from_secs(10));
            let db = world.database();
            if db.refs_of("task").any(|t| db.text(t, "name_label") == "SR Recovering") {
                trouble.insert("rebuild");
            }
        }
        let core = &world.core;
        if core.hosts.iter().any(|h| h.stage == state::Stage::Off) {
            trouble.insert("down");
        }
        if core.stores.iter().any(|s| s.pbds.iter().any(|p| p.up.iter().zip(&s.luns).any(|(u, l)| *u < l.paths))) {
            trouble.insert("path");
        }
    }
    assert_eq!(trouble.into_iter().collect::<Vec<_>>(), ["down", "path", "rebuild"]);
}
