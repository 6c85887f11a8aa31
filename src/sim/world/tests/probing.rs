//! What the hosts' probes report.

use super::*;
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
