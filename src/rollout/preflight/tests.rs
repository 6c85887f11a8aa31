//! One test a check. What is true of every finding is asserted on every one that any test makes ([`super::testkit::well_formed`]).

use super::testkit::{Case, brief};
use super::{CODES, codes_table, judge};
use crate::pool::picture::Severity::{Hard, Note, Soft};
use crate::pool::scene::{pbd, r, t};
use crate::rollout::claim::{self, Claim};
use crate::rollout::finding::Fix;
use crate::rollout::look::{Look, Sight};
use crate::rollout::plan::{Accepted, Stage};
use crate::rollout::survey::Rights;
use crate::time::Time;
use crate::xenapi::record::{Bond, Certificate, Config, Date, Host, Pbd, Pif, Pool as PoolRecord, Record, Sr, Task, Vm};
use std::time::Duration;

mod crowd;
mod guests;

/// The pool's own record, changed.
fn pool(case: &mut Case, how: impl FnOnce(&mut PoolRecord)) {
    let mut record = PoolRecord { name_label: "prod-a".into(), master: r("h1"), ..PoolRecord::default() };
    how(&mut record);
    case.s.set("pool", Record::Pool(record));
}

fn task(case: &mut Case, name: &str, other_config: Config) {
    let created = Date(Some(t(case.s.now)));
    case.s.set("task", Record::Task(Task { name_label: name.into(), created, other_config, ..Task::default() }));
}

#[test]
fn a_calm_pool_has_nothing_against_a_round() {
    assert_eq!(brief(&Case::new(3).found()), Vec::<String>::new());
    let codes = Case::update(3).found();
    assert_eq!(
        brief(&codes),
        [
            "Note backups-fail [] While the hosts run different software xapi refuses snapshots: backups that run meanwhile may fail."
        ]
    );
    assert!(judge(&codes, &[]).may_begin());
}

#[test]
fn without_a_current_picture_nothing_else_is_said() {
    let mut case = Case::new(2);
    let plan = case.plan();
    case.s.now += 100.0;
    let error = "connection reset".into();
    case.s.say(crate::observation::Seen::Link(crate::observation::Link::Lost { error, retry_at: t(200.0), attempt: 1 }));
    let found = case.found_for(&plan);
    assert_eq!(found.iter().map(|f| (f.code.as_str(), f.severity)).collect::<Vec<_>>(), [("stale", Hard)]);
}

#[test]
fn a_host_that_is_down_refuses_the_round_and_is_named() {
    let mut case = Case::new(3);
    case.s.live(2, false);
    assert_eq!((case.find("host-down").severity, case.find("host-down").about.as_str()), (Hard, "xcp2"));
    let mut case = Case::new(3);
    case.s.mute.push(3);
    case.s.pass(60.0);
    assert_eq!((case.find("host-unknown").severity, case.find("host-unknown").about.as_str()), (Hard, "xcp3"));
}

#[test]
fn a_disabled_host_can_be_enabled_and_does_not_keep_a_round_of_its_own() {
    let mut case = Case::new(3);
    case.s.host_is(2, |h| h.enabled = false);
    let found = case.find("host-disabled");
    assert_eq!((found.severity, found.fix), (Hard, Some(Fix::Enable { host: r("h2") })));
    let case = case.only(&["xcp2"]);
    assert_eq!(case.find("host-disabled").severity, Note);
    let plan = case.plan();
    let enable = plan.hosts[0].steps.iter().find(|s| s.stage == Stage::Enable).expect("there");
    assert_eq!(enable.why, "Is left disabled, as it was found.");
}

#[test]
fn storage_that_is_not_plugged_is_told_one_by_one_with_a_key_that_plugs_it() {
    let mut case = Case::new(3);
    for (name, shared) in [("nfs", true), ("local", false)] {
        case.s.set(name, Record::Sr(Sr { name_label: name.into(), shared, ..Sr::default() }));
        let pbd = Pbd { host: r("h2"), sr: r(name), uuid: format!("pbd-{name}").into(), ..Pbd::default() };
        case.s.set(&format!("pbd-{name}"), Record::Pbd(pbd));
    }
    let found = case.find("storage-missing");
    assert_eq!((found.severity, found.about.as_str()), (Soft, "xcp2"));
    assert_eq!(found.fix, Some(Fix::Plug { pbd: r("pbd-nfs") }));
    assert!(found.evidence.contains("pbd-nfs"));
    assert_eq!(case.find("local-storage-unplugged").severity, Note);
    case.s.set("p2", Record::Pbd(pbd(2, false)));
    assert_eq!(case.find("storage-unplugged").severity, Hard);
    assert_eq!(case.only(&["xcp2"]).find("storage-unplugged").severity, Note, "it does not keep that host itself");
}

#[test]
fn a_rebuild_refuses_the_round_and_the_minute_after_it_is_waited_for() {
    let mut case = Case::new(3);
    case.s.rebuild(0.4);
    let found = case.find("rebuild");
    assert_eq!((found.severity, found.about.as_str()), (Hard, "xostor"));
    assert!(found.text.contains("40 %") && found.evidence.contains("SR Recovering"), "{found:?}");
    case.s.gone(crate::xenapi::record::Class::Task, "rebuild");
    case.s.pass(5.0);
    assert!(!case.found().iter().any(|f| f.severity == Hard), "{:?}", brief(&case.found()));
    case.s.set(
        "sr",
        Record::Sr(Sr {
            name_label: "xostor".into(),
            shared: true,
            clustered: true,
            sm_config: [("mirror_state", "degraded")].into(),
            ..Sr::default()
        }),
    );
    let hints = case.found().iter().filter(|f| f.severity == Hard).count();
    assert_eq!(hints, 1, "{:?}", brief(&case.found()));
}

#[test]
fn mirrors_that_the_pool_does_not_tell_about_are_soft() {
    let mut case = Case::new(2);
    case.s.set("lin", Record::Sr(Sr { name_label: "lin".into(), r#type: "linstor".into(), shared: true, ..Sr::default() }));
    assert_eq!(case.said("mirrors-unseen").0, Soft);
    assert_eq!(case.find("mirrors-unseen").about, "lin");
}

#[test]
fn paths_that_are_lost_or_single_are_told() {
    let mut case = Case::new(3);
    let with = |paths: &str| Record::Pbd(Pbd { other_config: [("mpath-3600a", paths)].into(), ..pbd(2, true) });
    case.s.set("p2", with("[1, 1]"));
    assert_eq!(
        case.said("path-single"),
        (Note, "xcp2".into(), "xcp2 has a single path to LUN 3600a: if it does not come up again, the host has none.".into())
    );
    case.s.set("p2", with("[1, 2]"));
    assert_eq!(case.said("path-degraded").0, Soft);
    assert_eq!(case.find("path-degraded").about, "xcp2");
    case.s.set("p2", with("[0, 2]"));
    assert_eq!(case.said("path-lost").0, Hard);
}

#[test]
fn a_bond_with_a_link_down_is_soft() {
    let mut case = Case::new(2);
    for (name, device) in [("eth0", "eth0"), ("eth1", "eth1"), ("bond0", "bond0")] {
        case.s.set(
            name,
            Record::Pif(Pif {
                host: r("h2"),
                device: device.into(),
                physical: name != "bond0",
                currently_attached: true,
                ..Pif::default()
            }),
        );
    }
    let bond =
        |up| Record::Bond(Bond { master: r("bond0"), slaves: vec![r("eth0"), r("eth1")], links_up: up, ..Bond::default() });
    case.s.set("bond", bond(2));
    assert!(case.found().is_empty());
    case.s.set("bond", bond(1));
    assert_eq!((case.find("path-degraded").severity, case.find("path-degraded").about), (Soft, "xcp2".into()));
}

#[test]
fn a_clock_that_is_off_is_soft_and_one_that_nobody_read_a_note() {
    use crate::observation::{Answer, Outcome, Seen, Via};
    let mut case = Case::new(3);
    for n in 0..4 {
        case.s.now += f64::from(n);
        for (host, ahead) in [("h1", 0), ("h2", 30)] {
            let clock = Some(t(case.s.now) + Duration::from_secs(ahead));
            case.s.say(Seen::Answer(Answer { host: r(host), via: Via::Servertime, took_ms: 5, outcome: Outcome::Ok { clock } }));
        }
    }
    assert_eq!((case.find("clock-skew").severity, case.find("clock-skew").about), (Soft, "xcp2".into()));
    assert_eq!((case.find("clock-unknown").severity, case.find("clock-unknown").about), (Note, "xcp3".into()));
}

#[test]
fn ha_is_said_to_go_off_and_what_would_keep_it_off_is_said_before() {
    let mut case = Case::new(3);
    pool(&mut case, |p| {
        p.ha_enabled = true;
        p.ha_host_failures_to_tolerate = 1;
        p.ha_plan_exists_for = 1;
        p.ha_configuration = [("timeout", "60")].into();
    });
    assert_eq!(
        case.said("ha-off"),
        (Note, String::new(), "HA is switched off for the round and on again at its end (it tolerates 1 host failure).".into())
    );
    assert!(case.find("ha-off").evidence.contains("timeout = 60"));
    assert_eq!(case.codes(Hard), Vec::<String>::new());
    case.s.set("p3", Record::Pbd(pbd(3, false)));
    assert_eq!(case.said("ha-statefile-sr").0, Hard);
    case.s.set("p3", Record::Pbd(pbd(3, true)));
    case.s.set("pif", Record::Pif(Pif { host: r("h2"), device: "eth0".into(), management: true, ..Pif::default() }));
    assert_eq!((case.said("ha-network").0, case.said("ha-network").1), (Soft, "eth0 on xcp2".into()));
    case.scope.wanted = crate::rollout::plan::Wanted::Update;
    case.missing(1, &["xen"]);
    assert!(!case.found().iter().any(|f| f.code == "ha-partial"), "the others need nothing: all are the same at the end");
    case.missing(2, &["xen"]);
    assert_eq!(case.only(&["xcp1"]).said("ha-partial").0, Soft);
}

#[test]
fn balancing_and_automatic_power_on_are_said_to_go_off() {
    let mut case = Case::new(2);
    pool(&mut case, |p| {
        p.wlb_enabled = true;
        p.other_config = [("auto_poweron", "true")].into();
    });
    assert_eq!((case.said("wlb-off").0, case.said("auto-poweron-off").0), (Note, Note));
    pool(&mut case, |p| p.other_config = [("auto_poweron", "false")].into());
    // That it went off without a claim of ours is told by itself.
    let rest: Vec<_> = case.found().into_iter().filter(|f| !matches!(f.code.as_str(), "other-captain" | "other-tool")).collect();
    assert!(rest.is_empty(), "{rest:?}");
}

#[test]
fn a_claim_refuses_the_round_and_a_dead_one_can_be_taken_over() {
    let mut case = Case::new(2);
    let value = Claim::new("anna@ops1", "r7", t(0.0), "reboot of 3 hosts").to_value();
    pool(&mut case, |p| p.other_config = [(claim::KEY, value.as_str())].into());
    let found = case.find("claimed");
    assert_eq!((found.severity, found.fix), (Hard, None));
    assert!(found.text.contains("anna@ops1") && found.text.contains("r7"), "{}", found.text);
    case.s.pass(1_000.0);
    for n in 1..=2 {
        case.blockers(n, &[]);
    }
    let found = case.find("claim-dead");
    assert_eq!((found.severity, found.fix), (Hard, Some(Fix::TakeOverClaim)));
    pool(&mut case, |p| p.other_config = [(claim::KEY, "\u{1b}[2Jrubbish")].into());
    assert_eq!(case.find("claim-dead").fix, Some(Fix::TakeOverClaim));
}

#[test]
fn marks_of_other_tools_are_told() {
    let mut case = Case::new(2);
    pool(&mut case, |p| p.other_config = [("xo:rollingUpdate", "1"), ("xo:migrationNetwork", "x")].into());
    assert_eq!(case.said("other-tool").0, Soft);
    assert_eq!(case.said("xen-orchestra").0, Note);
    case.s.host_is(2, |h| h.other_config = [("boot_time", "1799990000."), ("MAINTENANCE_MODE", "true")].into());
    assert_eq!((case.said("maintenance-mode").0, case.said("maintenance-mode").1), (Soft, "xcp2".into()));
}

#[test]
fn work_of_others_is_weighed_by_what_it_does() {
    let mut case = Case::new(2);
    for (name, code, severity) in [
        ("Async.host.evacuate", "task-host", Hard),
        ("Async.host.reboot", "task-host", Hard),
        ("[XO] Rolling pool update", "task-host", Hard),
        ("Async.VM.pool_migrate", "task-move", Soft),
        ("Async.VM.snapshot", "task-backup", Soft),
        ("[XO] VM export (db1)", "task-backup", Soft),
    ] {
        task(&mut case, name, Config::default());
        assert_eq!(case.said(code).0, severity, "{name}");
        assert_eq!(case.find(code).text.starts_with("Xen Orchestra"), name.starts_with("[XO]"));
    }
    task(&mut case, "Async.VM.pool_migrate", [("XenCenterUUID", "x")].into());
    assert!(case.find("task-move").text.starts_with("XenCenter"));
    task(&mut case, "SR.scan", Config::default());
    assert!(case.found().is_empty());
    pool(&mut case, |p| drop(p.current_operations.insert(r("op"), "ha_enable".into())));
    assert_eq!(case.said("pool-busy").0, Hard);
}

#[test]
fn rolling_upgrade_mode_is_told_with_both_its_consequences() {
    let mut case = Case::new(2);
    pool(&mut case, |p| p.other_config = [("rolling_upgrade_in_progress", "true")].into());
    let (severity, _, text) = case.said("rolling-upgrade");
    assert!(severity == Note && text.contains("reboot for no host"), "{text}");
    let (severity, _, text) = case.said("backups-fail");
    assert!(severity == Note && text.contains("snapshots"), "{text}");
}

#[test]
fn guidance_is_settled_by_the_round_or_said_to_be_left() {
    let mut case = Case::new(3);
    case.s.host_is(3, |h| h.pending_guidances = vec!["reboot_host".into()]);
    assert_eq!(case.said("guidance").0, Note);
    let mut case = case.only(&["xcp1", "xcp2"]);
    assert_eq!((case.said("reboot-pending").0, case.said("reboot-pending").1), (Soft, "xcp3".into()));
    let vm =
        Vm { power_state: "Running".into(), resident_on: r("h1"), pending_guidances: vec!["restart_vm".into()], ..Vm::default() };
    case.s.set("v", Record::Vm(vm));
    assert!(case.said("guest-guidance").2.starts_with("1 guest waits"));
}

#[test]
fn xenserver_refuses_updates_on_top_of_mandatory_guidance() {
    let mut case = Case::new(2);
    case.xenserver(2, "abc", &[1, 2]);
    let software = Config::from([("product_brand", "XenServer"), ("product_version", "8.4.0"), ("xapi", "26.1")]);
    case.s.host_is(2, |h| {
        h.software_version = software;
        h.pending_guidances = vec!["restart_toolstack".into()];
    });
    assert_eq!((case.said("guidance-first").0, case.said("guidance-first").1), (Hard, "xcp2".into()));
}

#[test]
fn metadata_has_an_age_and_must_be_what_was_planned() {
    let mut case = Case::new(2);
    case.xenserver(2, "abc", &[1, 2]);
    assert_eq!(case.said("metadata-age").0, Note);
    let synced = |days: u64| Date(Some(t(0.0) - Duration::from_secs(days * 86_400)));
    pool(&mut case, |p| p.last_update_sync = synced(8));
    assert_eq!(
        case.said("metadata-old"),
        (Soft, String::new(), "The update metadata is 8 d old: newer updates are not in it.".into())
    );
    pool(&mut case, |p| p.last_update_sync = synced(1));
    assert_eq!(case.codes(Soft), Vec::<String>::new());
    let plan = case.plan();
    case.xenserver(2, "def", &[1, 2]);
    let found = case.found_for(&plan);
    assert!(found.iter().any(|f| f.code == "plan-metadata" && f.severity == Hard), "{:?}", brief(&found));
    let software = Config::from([("product_brand", "XenServer"), ("product_version", "8.4.0"), ("xapi", "26.1")]);
    case.s.host_is(2, |h| {
        h.software_version = software;
        h.last_software_update = synced(200);
    });
    assert_eq!(case.said("software-old").1, "xcp2");
}

#[test]
fn hosts_that_lack_different_packages_are_a_note() {
    let mut case = Case::update(3);
    case.missing(3, &["xen", "kernel"]);
    assert_eq!(case.said("packages-differ").0, Note);
    assert!(case.find("packages-differ").evidence.contains("xcp3 lack 2 packages"), "{:?}", case.find("packages-differ"));
}

#[test]
fn different_software_is_soft_unless_the_round_ends_it() {
    let mut case = Case::update(2);
    case.s.host_is(2, |h: &mut Host| {
        h.software_version = [("product_brand", "XCP-ng"), ("product_version", "8.2.1"), ("xapi", "1.249")].into();
    });
    assert_eq!(case.said("versions").0, Note);
    case.scope.wanted = crate::rollout::plan::Wanted::Reboot;
    assert_eq!(case.said("versions").0, Soft);
}

#[test]
fn certificates_are_told_by_how_long_they_last() {
    let mut case = Case::new(2);
    let cert = |case: &mut Case, days: i64| {
        let not_after = Date(Some(Time::from_millis(t(case.s.now).as_millis() + days * 86_400_000)));
        case.s.set(
            "cert",
            Record::Certificate(Certificate { host: r("h2"), r#type: "host".into(), not_after, ..Certificate::default() }),
        );
    };
    cert(&mut case, 40);
    assert!(case.found().is_empty());
    cert(&mut case, 20);
    assert_eq!(case.said("certificate-expiring"), (Note, "xcp2".into(), "The certificate of xcp2 expires in 20 d.".into()));
    cert(&mut case, 3);
    assert_eq!(case.said("certificate-expiring").0, Soft);
    cert(&mut case, -1);
    assert_eq!(case.said("certificate-expired").0, Soft);
}

#[test]
fn a_network_for_moving_guests_has_to_be_on_every_host() {
    let mut case = Case::new(2);
    let pif = |n: usize, ip: &str| {
        Record::Pif(Pif {
            host: r(&format!("h{n}")),
            network: r("net"),
            device: "eth2".into(),
            vlan: -1,
            ip: ip.into(),
            currently_attached: true,
            ..Pif::default()
        })
    };
    case.options.network = r("net");
    case.s.set("i1", pif(1, "10.0.0.1"));
    case.s.set("i2", pif(2, ""));
    assert_eq!((case.said("migration-network").0, case.said("migration-network").1), (Hard, "xcp2".into()));
    assert!(case.find("migration-network").evidence.contains("eth2"));
    case.s.set("i2", pif(2, "10.0.0.2"));
    assert!(!case.found().iter().any(|f| f.code == "migration-network"));
}

#[test]
fn a_role_that_may_not_write_is_refused_before_anything_is_tried() {
    let mut case = Case::new(2);
    case.survey.rights = Rights::All;
    assert!(case.found().is_empty());
    case.survey.rights = Rights::Only(["host.disable", "host.reboot"].into_iter().map(str::to_owned).collect());
    let (severity, _, text) = case.said("role");
    assert!(severity == Hard && text.contains("pool.add_to_other_config"), "{text}");
    case.survey.rights = Rights::Unknown;
    case.answer(Look::Updates, Sight::Failed { code: Some("RBAC_PERMISSION_DENIED".into()), text: "host.call_plugin".into() });
    assert_eq!(case.said("role").0, Hard);
}

#[test]
fn only_soft_findings_can_be_accepted_one_by_one_and_with_a_reason() {
    let mut case = Case::new(3);
    case.s.live(3, false);
    case.s.host_is(2, |h| h.other_config = [("boot_time", "1799990000."), ("MAINTENANCE_MODE", "true")].into());
    let found = case.found();
    let accept =
        |code: &str, about: &str, reason: &str| Accepted { code: code.into(), about: about.into(), reason: reason.into() };
    let codes = |of: &[&crate::rollout::finding::Finding]| of.iter().map(|f| f.code.clone()).collect::<Vec<_>>();
    assert_eq!(codes(&judge(&found, &[]).open), ["maintenance-mode"]);
    for none in [
        accept("maintenance-mode", "xcp2", " "),
        accept("maintenance-mode", "xcp1", "mine"),
        accept("host-down", "", "who cares"),
    ] {
        let judgement = judge(&found, &[none]);
        assert_eq!(
            (codes(&judgement.refused), codes(&judgement.open)),
            (vec!["host-down".into()], vec!["maintenance-mode".into()])
        );
    }
    for yes in [accept("maintenance-mode", "xcp2", "mine"), accept("maintenance-mode", "", "mine")] {
        assert!(super::accepted(&found, &[yes]).is_empty());
    }
    assert!(!judge(&found, &[accept("maintenance-mode", "", "mine")]).may_begin(), "a host is down");
}

#[test]
fn the_table_of_codes_is_whole() {
    // Every code that the sources give to a finding, of the checks and of the gate, and none beside.
    let sources = [
        include_str!("capacity.rs"),
        include_str!("evacuate.rs"),
        include_str!("gate.rs"),
        include_str!("ha.rs"),
        include_str!("others.rs"),
        include_str!("rights.rs"),
        include_str!("updates.rs"),
        include_str!("wiring.rs"),
        include_str!("../plan/right.rs"),
        include_str!("../../pool/gate/hosts.rs"),
        include_str!("../../pool/gate/pool.rs"),
        include_str!("../../pool/gate/standing.rs"),
    ];
    let mut used: Vec<&str> = Vec::new();
    for source in sources {
        for start in ["::hard(", "::soft(", "::note(", "make(", "bound(", "mend(", "code: "] {
            used.extend(source.split(start).skip(1).filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next()));
        }
    }
    let told_elsewhere = ["ha-on", "guests", "coordinator", "xapi-would-allow"];
    for code in &used {
        assert!(CODES.iter().any(|c| c.code == *code) || told_elsewhere.contains(code), "{code} is not in the table");
    }
    for (at, c) in CODES.iter().enumerate() {
        assert!(used.contains(&c.code), "nothing has the code {}", c.code);
        assert!(!CODES[..at].iter().any(|other| other.code == c.code), "{} is there twice", c.code);
        assert!(c.severity.split(", ").all(|s| ["hard", "soft", "note"].contains(&s)), "{}", c.code);
        assert!(c.meaning.ends_with('.') && c.mend.ends_with('.'), "{}", c.code);
    }
    let table = codes_table();
    assert_eq!(table.lines().count(), CODES.len() + 2);
    assert!(table.lines().all(|line| line.matches('|').count() == 5), "no cell breaks the table");
}
