//! What is planned, and why not.

use super::{Kind, Options, Plan, PlanError, Scope, Stage, Wanted, make, still_right};
use crate::observation::{Link, Seen};
use crate::pool::picture::Severity::{self, Hard, Note, Soft};
use crate::pool::scene::{Scene, r, t};
use crate::rollout::look::{Look, PoolUpdate, Sight};
use crate::rollout::preflight::testkit::{Case, well_formed};
use crate::rollout::survey::Survey;
use crate::xenapi::record::{Class, Config, Date, Pool as PoolRecord, Record, Sr};
use std::time::Duration;

fn planned(case: &Case) -> Result<Plan, PlanError> {
    make(&case.s.pool, &case.s.picture(), &case.survey, &case.scope, case.options.clone(), t(case.s.now))
}

fn names(plan: &Plan) -> Vec<&str> {
    plan.hosts.iter().map(|h| h.name.as_str()).collect()
}

fn stages(plan: &Plan, at: usize) -> Vec<Stage> {
    plan.hosts[at].steps.iter().map(|s| s.stage).collect()
}

fn coordinator(case: &mut Case, host: &str) {
    let record = PoolRecord { name_label: "prod-a".into(), master: r(host), ..PoolRecord::default() };
    case.s.set("pool", Record::Pool(record));
}

#[test]
fn by_default_the_coordinator_goes_first_and_the_others_by_natural_name() {
    let mut case = Case::new(11);
    coordinator(&mut case, "h10");
    let plan = planned(&case).expect("a plan");
    assert_eq!(names(&plan)[..4], ["xcp10", "xcp1", "xcp2", "xcp3"]);
    assert_eq!(names(&plan)[10], "xcp11");
    assert!(plan.hosts[0].coordinator && plan.hosts[0].why.contains("no other host was touched yet"));
    assert_eq!(plan.hosts[2].why, "After xcp1, by name.");
}

#[test]
fn a_plain_reboot_goes_in_the_order_of_the_operator() {
    let case = Case::new(3).only(&["xcp3", "xcp1"]);
    let plan = planned(&case).expect("a plan");
    assert_eq!(names(&plan), ["xcp3", "xcp1"]);
    assert_eq!(plan.kind, Kind::Reboot);
    assert!(plan.hosts.iter().all(|h| h.why.contains("you asked") && h.updates.is_empty()));
    assert!(!stages(&plan, 0).contains(&Stage::Update));
}

#[test]
fn stages_that_have_nothing_to_do_are_left_away() {
    use Stage::{Cluster, Disable, Down, Enable, Evacuate, Gate, Home, Reboot, Rebuild, Settle, Soak, Storage, Up, Update};
    let mut case = Case::new(2);
    let most = vec![Settle, Disable, Evacuate, Gate, Reboot, Down, Up, Storage, Enable, Rebuild, Home, Soak];
    assert_eq!(stages(&planned(&case).expect("a plan"), 0), most);
    case.options = Options { home: false, soak_s: 0, ..Options::default() };
    case.s.set("sr", Record::Sr(Sr { name_label: "nfs".into(), shared: true, ..Sr::default() }));
    assert_eq!(stages(&planned(&case).expect("a plan"), 0), most[..9]);
    case.s.cluster(&[]);
    assert!(stages(&planned(&case).expect("a plan"), 1).contains(&Cluster));
    let case = Case::update(2);
    let all = stages(&planned(&case).expect("a plan"), 0);
    assert_eq!(all[..4], [Settle, Disable, Evacuate, Update]);
    assert!(all.is_sorted(), "in the order that the machine takes them");
}

#[test]
fn the_settle_window_is_never_shorter_than_the_gates_own() {
    let mut case = Case::new(2);
    case.options.settle_s = 5;
    assert_eq!(planned(&case).expect("a plan").options.settle_s, 60);
}

#[test]
fn in_an_update_the_coordinator_has_to_be_first_while_it_needs_it() {
    let case = Case::update(3).only(&["xcp2", "xcp1"]);
    let said = planned(&case).expect_err("refused").to_string();
    assert!(said.contains("Put xcp1 before xcp2"), "{said}");
    let mut case = Case::update(3).only(&["xcp2", "xcp3"]);
    let said = planned(&case).expect_err("refused").to_string();
    assert!(said.contains("xcp1 is the coordinator and not in the list, but it still lacks 1 update"), "{said}");
    case.missing(1, &[]);
    assert_eq!(names(&planned(&case).expect("the coordinator is done")), ["xcp2", "xcp3"]);
    // Installed, but the old software still runs there.
    case.s.host_is(1, |h| h.updates_requiring_reboot = vec![r("u")]);
    assert!(matches!(planned(&case), Err(PlanError::CoordinatorOmitted { .. })));
}

#[test]
fn hosts_that_need_nothing_are_left_out_and_half_updated_ones_are_not() {
    let mut case = Case::update(3);
    case.missing(2, &[]);
    case.missing(3, &[]);
    case.s.host_is(3, |h| {
        h.other_config = Config::from([("boot_time", "1799990000."), ("rpm_patch_installation_time", "1799990001")]);
    });
    let plan = planned(&case).expect("a plan");
    assert_eq!(names(&plan), ["xcp1", "xcp3"]);
    assert_eq!(plan.left_out[0].name, "xcp2");
    assert!(plan.hosts[1].why.contains("installed after it last booted"), "{}", plan.hosts[1].why);
    assert!(stages(&plan, 0).contains(&Stage::Update) && !stages(&plan, 1).contains(&Stage::Update));
    case.s.host_is(3, |_| {});
    case.missing(1, &[]);
    let said = planned(&case).expect_err("nothing").to_string();
    assert!(said.starts_with("There is nothing to do: xcp1, xcp2 and xcp3 lack no update"), "{said}");
}

#[test]
fn what_a_host_lacks_has_to_be_known() {
    let mut case = Case::update(2);
    let fail = |code: Option<&str>, text: &str| Sight::Failed { code: code.map(Into::into), text: text.into() };
    let look = Look::Missing { host: r("h2") };
    case.answer(look.clone(), fail(Some("-1"), "The updater plugin is busy (current operation: update)"));
    let said = planned(&case).expect_err("unknown").to_string();
    assert!(said.contains("which updates xcp2 lacks") && said.contains("wait a minute"), "{said}");
    case.answer(look, fail(Some("RBAC_PERMISSION_DENIED"), "no right"));
    assert!(planned(&case).expect_err("unknown").to_string().contains("higher role"));
    let case = Case::update(2).only(&["xcp1"]);
    assert!(planned(&case).is_ok(), "of a host that stays as it is, nothing has to be known");
    let case = Case { survey: Survey::default(), ..Case::update(2) };
    assert!(planned(&case).expect_err("unknown").to_string().contains("not asked yet"));
}

#[test]
fn xenserver_is_updated_by_the_hash_of_its_metadata() {
    let mut case = Case::new(3);
    case.xenserver(3, "abc", &[1, 3]);
    let plan = planned(&case).expect("a plan");
    assert_eq!(plan.kind, Kind::XenServer { hash: "abc".into() });
    assert_eq!(names(&plan), ["xcp1", "xcp3"]);
    assert_eq!(plan.hosts[0].updates, ["XS8-1"]);
    case.xenserver(3, " ", &[1]);
    assert!(matches!(planned(&case), Err(PlanError::NoMetadata { .. })));
}

#[test]
fn xenserver_7_is_given_one_update() {
    let mut case = Case::new(2);
    case.s.host_is(1, |h| h.software_version = [("product_brand", "XenServer"), ("product_version", "7.1.2")].into());
    case.scope.wanted = Wanted::Update;
    let update = |name: &str, hosts: &[&str]| PoolUpdate {
        r#ref: r(name),
        uuid: format!("uuid-{name}"),
        name: name.into(),
        hosts: hosts.iter().map(|h| r(h)).collect(),
    };
    case.answer(Look::PoolUpdates, Sight::PoolUpdates(vec![update("XS71E001", &["h1", "h2"]), update("XS71E002", &["h1"])]));
    let plan = planned(&case).expect("a plan");
    assert_eq!((names(&plan), &plan.kind), (vec!["xcp2"], &Kind::PoolUpdate { update: r("XS71E002"), name: "XS71E002".into() }));
    case.answer(Look::PoolUpdates, Sight::PoolUpdates(vec![update("a", &[]), update("b", &[])]));
    assert!(planned(&case).expect_err("which").to_string().contains("a and b"));
    case.scope.update = Some("UUID-b".into());
    assert_eq!(planned(&case).expect("a plan").hosts[0].updates, ["b"]);
    case.scope.update = Some("c".into());
    assert!(planned(&case).expect_err("no such").to_string().contains("There are a and b."));
    case.scope.update = None;
    case.answer(Look::PoolUpdates, Sight::PoolUpdates(vec![update("a", &["h1", "h2"])]));
    case.s.host_is(2, |h| h.updates_requiring_reboot = vec![r("a")]);
    assert!(planned(&case).expect_err("nothing").to_string().contains("plan a reboot round"));
}

#[test]
fn nothing_is_planned_on_a_pool_that_is_not_known() {
    let error = |s: &Scene, wanted| {
        let scope = Scope { wanted, ..Scope::default() };
        make(&s.pool, &s.picture(), &Survey::default(), &scope, Options::default(), t(s.now)).expect_err("no plan")
    };
    let s = Scene::empty();
    assert!(matches!(error(&s, Wanted::Reboot), PlanError::NotCurrent { .. }));
    let mut s = Scene::new(2);
    s.say(Seen::Link(Link::Lost { error: "connection reset".into(), retry_at: t(9.0), attempt: 1 }));
    let said = error(&s, Wanted::Reboot).to_string();
    assert!(said.contains("plan again") && !said.contains(".."), "{said}");
    assert_eq!(error(&Scene::new(0), Wanted::Reboot), PlanError::NoHosts);
    let mut s = Scene::new(2);
    s.host_is(1, |h| h.software_version = [("product_brand", "Other")].into());
    assert!(matches!(error(&s, Wanted::Update), PlanError::UnknownProduct { .. }));
}

#[test]
fn a_round_that_is_over_before_it_begins_is_refused() {
    let mut case = Case::new(2);
    case.options.not_after = Some(t(case.s.now));
    assert!(matches!(planned(&case), Err(PlanError::TooLate { .. })));
    case.options.not_after = Some(t(case.s.now + 1.0));
    assert!(planned(&case).is_ok());
}

/// What became wrong about a plan, as codes with their weight and subject.
fn wrong(case: &Case, plan: &Plan) -> Vec<(String, Severity, String)> {
    let found = still_right(plan, &case.s.pool, &case.s.picture());
    well_formed(&found);
    found.into_iter().map(|f| (f.code, f.severity, f.about)).collect()
}

fn one(code: &str, severity: Severity, about: &str) -> Vec<(String, Severity, String)> {
    vec![(code.into(), severity, about.into())]
}

#[test]
fn a_plan_stays_right_as_long_as_the_pool_is_as_it_was() {
    let mut case = Case::update(3);
    let plan = planned(&case).expect("a plan");
    assert_eq!(wrong(&case, &plan), []);
    case.s.pass(3_600.0);
    assert_eq!(wrong(&case, &plan), []);
    let some = planned(&Case::new(3).only(&["xcp1", "xcp2"])).expect("a plan");
    assert_eq!(wrong(&case, &some), one("plan-not-all", Note, ""));
}

#[test]
fn what_changed_under_a_plan_is_told() {
    let mut case = Case::update(3);
    let plan = planned(&case).expect("a plan");
    case.s.host_is(2, |h| h.other_config = [("boot_time", "1899990000.")].into());
    assert_eq!(wrong(&case, &plan), one("plan-rebooted", Soft, "xcp2"));
    case.s.host_is(2, |_| {});
    coordinator(&mut case, "h2");
    assert!(wrong(&case, &plan).iter().all(|w| w.0 == "plan-coordinator" && w.1 == Hard));
    coordinator(&mut case, "h1");
    let host = crate::pool::scene::host(3);
    case.s.gone(Class::Host, "h3");
    assert_eq!(wrong(&case, &plan), one("plan-host-gone", Hard, "xcp3"));
    case.s.set("other", Record::Host(host));
    assert_eq!(wrong(&case, &plan), one("plan-host-ref", Hard, "xcp3"));
    let record = PoolRecord { uuid: "another".into(), name_label: "prod-b".into(), master: r("h1"), ..PoolRecord::default() };
    case.s.set("pool", Record::Pool(record));
    assert_eq!(wrong(&case, &plan), one("plan-pool", Hard, ""), "of another pool nothing else is said");
}

#[test]
fn a_plain_reboot_may_go_on_under_another_coordinator_if_that_is_accepted() {
    let mut case = Case::new(2);
    let plan = planned(&case).expect("a plan");
    coordinator(&mut case, "h2");
    assert!(wrong(&case, &plan).iter().all(|w| w.0 == "plan-coordinator" && w.1 == Soft));
}

#[test]
fn an_old_plan_and_metadata_that_moved_on_are_told() {
    let mut case = Case::new(2);
    case.xenserver(2, "abc", &[1, 2]);
    let plan = planned(&case).expect("a plan");
    let synced = Date(Some(plan.made + Duration::from_secs(60)));
    let record = PoolRecord { name_label: "prod-a".into(), master: r("h1"), last_update_sync: synced, ..PoolRecord::default() };
    case.s.set("pool", Record::Pool(record));
    assert_eq!(wrong(&case, &plan), one("plan-metadata", Hard, ""));
    let old = Plan { made: t(-100_000.0), kind: Kind::Reboot, ..plan };
    // They booted since then, too.
    assert_eq!(wrong(&case, &old).last(), one("plan-old", Soft, "").first());
}

#[test]
fn a_plan_survives_being_written_and_read_again_also_by_what_knows_no_hosts_left_out() {
    let plan = planned(&Case::update(3)).expect("a plan");
    let mut json = serde_json::to_value(&plan).expect("writable");
    assert_eq!(serde_json::from_value::<Plan>(json.clone()).expect("readable"), plan);
    json.as_object_mut().expect("an object").remove("left_out");
    assert_eq!(serde_json::from_value::<Plan>(json).expect("readable"), plan);
}
