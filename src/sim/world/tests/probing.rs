//! What the hosts' probes report.

use super::*;
use crate::o2cb::margin::{Signs, Watch};
use crate::probe::Report;
use crate::probe::report::Work;

fn ask(rig: &mut Rig, host: &str) -> Result<Report, Failure> {
    let params = [Value::Ref(rig.host(host)), "poolwatch".into(), "probe".into(), Value::Map([].into())];
    match rig.call("host.call_plugin", params)? {
        Value::Str(text) => Ok(serde_json::from_str(&text).expect("a report")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_host_that_has_no_probe_says_so_as_xapi_does() {
    let mut rig = Rig::named("calm", Dialect::Designed, Overrides::default());
    assert_eq!(ask(&mut rig, "xcp1").unwrap_err().code, "XENAPI_MISSING_PLUGIN");
}

#[test]
fn the_probe_tells_of_a_resync_as_it_really_goes() {
    let mut rig = Rig::named("mirror-rebuild", Dialect::Designed, Overrides::default());
    assert_eq!(ask(&mut rig, "xcp1").unwrap().rebuilds, []);
    rig.until(300, "resyncing", |r| r.world.truth().rebuilding);
    rig.run(5.0);
    let first = ask(&mut rig, "xcp1").unwrap();
    let one = first.rebuilds.first().expect("a rebuild");
    assert!(one.work == Work::Running && one.redundancy_lost && one.nodes.contains(&"xcp1".to_owned()), "{one:?}");
    let (share, left) = (one.progress.unwrap(), one.eta_secs.unwrap());
    rig.run(10.0);
    let second = ask(&mut rig, "xcp1").unwrap();
    let two = second.rebuilds.first().expect("still");
    assert!(two.progress.unwrap() > share && two.eta_secs.unwrap() < left, "{one:?} {two:?}");
    assert_eq!(one.target, two.target);
    rig.until(600, "in step", |r| !r.world.truth().degraded);
    assert_eq!(ask(&mut rig, "xcp1").unwrap().rebuilds, []);
    let unknown = [Value::Ref(rig.host("xcp1")), "poolwatch".into(), "reboot".into(), Value::Map([].into())];
    assert_eq!(rig.call("host.call_plugin", unknown).unwrap_err().code, "UNKNOWN_XENAPI_PLUGIN_FUNCTION");
}

#[test]
fn the_margin_warns_of_a_fence_with_the_time_that_is_really_left() {
    let mut rig = Rig::named("fence-o2cb", Dialect::Designed, Overrides::default());
    let mut watch = Watch::new();
    let mut foretold: Vec<(Time, i64)> = Vec::new();
    let mut fenced = None;
    for _ in 0..150 {
        rig.run(2.0);
        let now = rig.world.now();
        for host in ["xcp1", "xcp2", "xcp3", "xcp4"] {
            let Ok(report) = ask(&mut rig, host) else { continue };
            let Some(o2cb) = report.o2cb.get() else { continue };
            watch.add(host, now, &o2cb.live, Signs::default());
        }
        if !rig.up("xcp3") {
            fenced = Some(now);
            break;
        }
        let margin = watch.margin("xcp3", now);
        if let Some(left) = margin.left_ms.filter(|_| margin.is_counting()) {
            foretold.push((now, left));
        }
        for other in ["xcp1", "xcp2", "xcp4"] {
            assert!(!watch.margin(other, now).is_counting(), "{other} at {now}: {}", watch.margin(other, now));
        }
    }
    let fenced = fenced.expect("it fences");
    assert!(foretold.len() > 15, "warned early: {foretold:?}");
    for (at, left) in foretold {
        let really = fenced.millis_after(at);
        assert!((really - left).abs() <= 4_000, "at {at} it said {left} ms, and it was {really} ms");
    }
}
