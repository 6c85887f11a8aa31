//! A whole plan with its findings as text, and random pools.

use super::super::testkit::{Case, well_formed};
use super::super::{findings, judge};
use crate::pool::random::any_observations;
use crate::pool::scene::r;
use crate::pool::{Pool, picture::Severity};
use crate::rollout::look::{Blocker, Look, Looked, Metadata, Sight};
use crate::rollout::plan::{self, Options, Plan, Scope, Wanted};
use crate::rollout::survey::{Survey, looks};
use proptest::prelude::*;
use std::fmt::Write as _;

/// A plan as a person would read it.
fn told(plan: &Plan) -> String {
    let mut out = format!(
        "{}: {} of {} hosts\n",
        plan.pool_name,
        if plan.kind.is_update() { "update" } else { "reboot" },
        plan.hosts.len()
    );
    for host in &plan.hosts {
        let _ = writeln!(out, "\n{}. {}", host.name, host.why);
        for step in &host.steps {
            let _ = writeln!(out, "  {:<9} {}", <&str>::from(step.stage), step.why);
        }
    }
    for left in &plan.left_out {
        let _ = writeln!(out, "\n{} {}.", left.name, left.why);
    }
    out
}

#[test]
fn a_whole_plan_of_four_hosts_with_what_is_found() {
    let mut case = Case::update(4);
    case.s.cluster(&[]);
    case.missing(1, &["xen-hypervisor", "xapi-core", "kernel", "sm", "qemu"]);
    case.missing(3, &[]);
    case.missing(4, &[]);
    case.s.host_is(4, |h| {
        h.other_config = [("boot_time", "1799990000."), ("rpm_patch_installation_time", "1799995000")].into();
    });
    case.guest("web1", 1, 4);
    case.guest("web2", 1, 8);
    case.guest("db1", 2, 12);
    case.blockers(2, &[("db1", "VM_HAS_VUSBS", &["db1"])]);
    case.s.set(
        "pool",
        crate::xenapi::record::Record::Pool(crate::xenapi::record::Pool {
            name_label: "prod-a".into(),
            master: r("h1"),
            ha_enabled: true,
            ha_plan_exists_for: 1,
            ha_host_failures_to_tolerate: 1,
            other_config: [("auto_poweron", "true")].into(),
            ..crate::xenapi::record::Pool::default()
        }),
    );
    let plan = case.plan();
    let mut text = told(&plan);
    text.push('\n');
    for f in case.found_for(&plan) {
        let weight = format!("{:?}", f.severity).to_lowercase();
        let _ = writeln!(
            text,
            "{weight} {}{}\n  {}\n  seen: {}\n  {}",
            f.code,
            if f.about.is_empty() { String::new() } else { format!(" ({})", f.about) },
            f.text,
            f.evidence,
            f.mend
        );
    }
    insta::assert_snapshot!(text);
}

/// What may be answered: whether it fails, guests that cannot leave, names of updates.
type Answers = (u8, Vec<Blocker>, Vec<String>);

fn any_answers() -> impl Strategy<Value = Answers> {
    let code = proptest::sample::select(vec![
        "VM_HAS_VGPU",
        "VM_REQUIRES_SR",
        "VM_REQUIRES_NETWORK",
        "NO_HOSTS_AVAILABLE",
        "OPERATION_BLOCKED",
        "ODD",
        "",
    ]);
    let vm = proptest::sample::select(vec!["h1", "sr", "x", "OpaqueRef:NULL", ""]);
    let blocker = (vm, code, proptest::collection::vec(".{0,12}", 0..3)).prop_map(|(vm, code, params)| Blocker {
        vm: r(vm),
        code: code.into(),
        params,
    });
    (0..12u8, proptest::collection::vec(blocker, 0..2), proptest::collection::vec(".{0,8}", 0..3))
}

fn sight(look: &Look, (odd, blockers, names): &Answers) -> Sight {
    let names = names.clone();
    match (odd, look) {
        (0, _) => Sight::Failed { code: Some("RBAC_PERMISSION_DENIED".into()), text: names.concat() },
        (1, _) => Sight::PoolUpdates(Vec::new()),
        (_, Look::Missing { .. }) => Sight::Missing(names),
        (_, Look::Updates) => Sight::Updates(Metadata { hash: names.concat(), hosts: [(r("h1"), (names, Vec::new()))].into() }),
        _ => Sight::Blockers(blockers.clone()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn random_pools_are_planned_and_checked_without_a_panic_and_never_begun_with_a_gate_shut(
        told in any_observations(60),
        answers in proptest::collection::vec(any_answers(), 8),
        update in any::<bool>(),
        names in proptest::option::of(proptest::collection::vec(proptest::sample::select(vec!["xcp1", "xcp2", "xcp3", "", "\u{1b}"]), 0..4)),
        home in any::<bool>(),
    ) {
        let mut pool = Pool::new("random");
        let mut old: Option<Plan> = None;
        let scope = Scope {
            wanted: if update { Wanted::Update } else { Wanted::Reboot },
            hosts: names.map(|names| names.into_iter().map(str::to_owned).collect()),
            update: None,
        };
        for o in told {
            let now = o.at;
            pool.apply(&o);
            let mut survey = Survey::default();
            for (at, look) in looks(&pool, &scope).into_iter().enumerate() {
                let sight = sight(&look, &answers[at % answers.len()]);
                survey.take(look, Looked { asked: now, answered: now, sight });
            }
            let picture = pool.picture(now);
            let options = Options { home, ..Options::default() };
            match plan::make(&pool, &picture, &survey, &scope, options, now) {
                Ok(plan) => {
                    let found = findings(&pool, &picture, &survey, &plan, now);
                    well_formed(&found);
                    if judge(&found, &[]).refused.is_empty() {
                        // Nothing hard is found: then no planned host's gate is shut, but for what passes or is the round's own work.
                        let passing = ["host-settling", "rebuild-settling", "guests"];
                        for host in plan.hosts.iter().filter_map(|p| picture.hosts.iter().find(|h| h.r#ref == p.host)) {
                            for reason in host.gate.reasons.iter().filter(|reason| reason.severity == Severity::Hard) {
                                prop_assert!(passing.contains(&reason.code), "{} is shut by {} and nothing hard was found", host.name, reason.code);
                            }
                        }
                    }
                    old.get_or_insert(plan);
                }
                Err(why) => {
                    let said = why.to_string();
                    prop_assert!(said.ends_with('.') && !said.chars().any(char::is_control), "{said:?}");
                }
            }
            if let Some(plan) = &old {
                well_formed(&findings(&pool, &picture, &survey, plan, now));
            }
        }
    }
}
