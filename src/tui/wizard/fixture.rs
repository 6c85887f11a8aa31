//! Rounds made by hand for tests: what was planned and found, and runs at some moments.

use crate::observation::{Observation, Seen};
use crate::pool::picture::Severity;
use crate::rollout::entry::{Item, Phase, RunResult};
use crate::rollout::finding::{Finding, Fix};
use crate::rollout::plan::{HostPlan, Kind, LeftOut, Options, Plan, Stage, Step};
use crate::rollout::progress::{CommandName, HostProgress, Move, Progress, Standing};
use crate::time::Time;
use crate::tui::effect::{Effect, Request};
use crate::tui::model::Model;
use crate::tui::msg::{Answer, Msg, PoolIx, Prepared, RunFiles};
use crate::tui::testkit::{NOW, ago, ahead, calm, model_of, press, screen, type_text};
use crate::tui::update::update;
use crate::xenapi::record::{Class, Record, Ref};

const STAGES: [(Stage, &str); 13] = [
    (Stage::Settle, "waits until the gate is open and the pool was quiet for 60 s"),
    (Stage::Disable, "takes no new guests from here on"),
    (Stage::Evacuate, "12 guests move to the other hosts; the fullest is then at 81 % of its memory"),
    (Stage::Update, "updater.py installs 14 packages"),
    (Stage::Gate, "the gate is read again, for this reboot alone"),
    (Stage::Reboot, "the new kernel and xen need it"),
    (Stage::Down, "it is seen to go"),
    (Stage::Up, "its boot time has changed and it is live"),
    (Stage::Storage, "its clock is in step, then its 6 PBDs are plugged"),
    (Stage::Enable, "takes guests again"),
    (Stage::Rebuild, "SR xostor has mirrors on it: all are in step, then quiet for 60 s"),
    (Stage::Home, "its 12 guests come back"),
    (Stage::Soak, "is watched for 30 s"),
];

pub(crate) fn plan() -> Plan {
    let host = |n: usize| HostPlan {
        host: Ref::from(format!("OpaqueRef:host-{n}")),
        uuid: format!("8f2b1d4e-0000-4000-8000-00000000000{n}"),
        name: format!("xcp{n}"),
        coordinator: n == 1,
        why: if n == 1 { "the coordinator goes first: no host may be newer than it" } else { "in the order of their names" }
            .into(),
        steps: STAGES.iter().map(|(stage, why)| Step { stage: *stage, why: (*why).into() }).collect(),
        updates: vec!["xen-hypervisor 4.17.5-9".into(), "kernel 4.19.19-8.0.38".into(), "xapi-core 26.1.3".into()],
    };
    Plan {
        pool: "6e3e0000-0000-4000-8000-000000000001".into(),
        pool_name: "prod-a".into(),
        kind: Kind::XcpNg,
        made: NOW,
        hosts: (1..=4).map(host).collect(),
        options: Options::default(),
        left_out: vec![LeftOut { name: "xcp5".into(), why: "It lacks nothing.".into() }],
    }
}

fn finding(code: &str, severity: Severity, about: &str, text: &str, evidence: &str, mend: &str, fix: Option<Fix>) -> Finding {
    Finding {
        code: code.into(),
        severity,
        about: about.into(),
        text: text.into(),
        evidence: evidence.into(),
        mend: mend.into(),
        fix,
    }
}

pub(crate) fn findings() -> Vec<Finding> {
    vec![
        finding(
            "ha-on",
            Severity::Note,
            "",
            "HA is on (o2cb): it is switched off for the time of the round.",
            "pool.ha_enabled",
            "Nothing to do: it is switched on again as it is now.",
            None,
        ),
        finding(
            "host-disabled",
            Severity::Hard,
            "xcp4",
            "xcp4 is disabled: the guests of the other hosts have no room without it.",
            "host.enabled = false since 02:12",
            "Enable it: xe host-enable uuid=8f2b1d4e-0000-4000-8000-000000000004",
            Some(Fix::Enable { host: Ref::from("OpaqueRef:host-4") }),
        ),
        finding(
            "path-lost",
            Severity::Soft,
            "xcp3",
            "xcp3 has 1 of 2 paths to LUN 3600a098038314f1f: after a reboot it may come back with none.",
            "PBD.other_config:multipath of xcp3",
            "Repair the path (host port fc2), or accept it with a reason.",
            None,
        ),
        finding(
            "cannot-move",
            Severity::Soft,
            "gpu-1",
            "gpu-1 cannot leave xcp2: it has a graphics card of that host.",
            "VM.assert_can_migrate: VM_HAS_PCI_ATTACHED",
            "Shut it down yourself, or let poolwatch do that for the time of the round.",
            Some(Fix::ShutDownPinned),
        ),
    ]
}

pub(crate) fn prepared(findings: Vec<Finding>) -> Prepared {
    Prepared {
        plan: plan(),
        findings,
        rehearsal: Some(vec![
            "4 hosts in 1 h 24 min: xcp1 21 min, xcp2 20 min, xcp3 23 min, xcp4 20 min.".into(),
            "The fullest host while it runs: xcp2 at 88 % of its memory, while xcp3 is out.".into(),
            "Nothing blocked it.".into(),
        ]),
        lasts_s: Some(5_040),
    }
}

pub(crate) fn files() -> RunFiles {
    RunFiles {
        journal: "/var/lib/poolwatch/rolls/prod-a-r-7f3.jsonl".into(),
        report: "/var/lib/poolwatch/rolls/prod-a-r-7f3.md".into(),
        again: "prod-a".into(),
    }
}

/// The stages of a host that began so long ago, each with how long it took; the last goes on if `open`.
fn stages(began: i64, laps: &[i64], open: bool) -> Vec<(Stage, Option<Time>, Option<Time>)> {
    let mut from = began;
    STAGES
        .iter()
        .enumerate()
        .map(|(at, (stage, _))| match laps.get(at) {
            None => (*stage, None, None),
            Some(_) if open && at + 1 == laps.len() => (*stage, Some(ago(from)), None),
            Some(lap) => {
                from -= lap;
                (*stage, Some(ago(from + lap)), Some(ago(from)))
            }
        })
        .collect()
}

fn host(n: usize, standing: Standing, stages: Vec<(Stage, Option<Time>, Option<Time>)>, text: &str) -> HostProgress {
    HostProgress { name: format!("xcp{n}"), standing, stage: None, stages, deadline: None, text: text.into() }
}

/// The second of four hosts evacuates.
pub(crate) fn evacuating() -> Progress {
    let mut second = host(2, Standing::Working, stages(200, &[65, 1, 0], true), "8 of 12 guests have left it.");
    second.stage = Some(Stage::Evacuate);
    second.deadline = Some(ahead(14_400 - 134));
    let moving = |guest: &str, to: &str, progress| Move { guest: guest.into(), from: "xcp2".into(), to: to.into(), progress };
    Progress {
        run: "r-7f3".into(),
        at: NOW,
        began: ago(1_500),
        phase: Phase::Hosts,
        headline: "xcp2 is being emptied: 4 of its 12 guests still run on it.".into(),
        stuck: None,
        wish: "",
        hosts: vec![
            host(1, Standing::Done, stages(1_490, &[65, 1, 250, 362, 2, 1, 15, 240, 12, 3, 238, 60, 30], false), ""),
            second,
            host(3, Standing::Waiting, stages(0, &[], false), "gate closed: xcp2 is being worked on"),
            host(4, Standing::Waiting, stages(0, &[], false), ""),
        ],
        current: Some(1),
        moves: vec![
            moving("web-1", "xcp1", Some(0.63)),
            moving("db-very-long-name-of-a-guest-1", "xcp4", Some(0.1)),
            moving("日本語", "", None),
        ],
        actions: vec![
            (ago(340), "xcp1 is done in 21 min".into()),
            (ago(135), "host.disable of xcp2: done".into()),
            (ago(134), "host.evacuate of xcp2 is under way".into()),
        ],
        left: vec![
            (Item::Ha, "it is switched on again at the end".into()),
            (Item::Host { host: plan().hosts[1].uuid.clone() }, String::new()),
        ],
        ends: Some(ahead(3_600)),
        result: None,
        commands: vec![
            (CommandName::Pause, None),
            (CommandName::Resume, Some("it is not paused".into())),
            (CommandName::StopAfterHost, None),
            (CommandName::Skip, Some("xcp2 is being worked on: abort ends it as soon as that is safe".into())),
            (CommandName::Retry, Some("it is not stopped: it goes on, or waits, by itself".into())),
            (CommandName::Abort, None),
            (CommandName::Restore, Some("the run still goes on".into())),
        ],
    }
}

/// It cannot empty the second host.
pub(crate) fn stuck() -> Progress {
    let mut progress = evacuating();
    progress.hosts[1].standing = Standing::Stuck;
    progress.hosts[1].text = "gpu-1 cannot leave it.".into();
    progress.stuck = Some((
        "xcp2 could not be emptied: gpu-1 has a graphics card of this host (VM_HAS_PCI_ATTACHED).".into(),
        "Shut gpu-1 down, then R tries again; or s gives this host up.".into(),
    ));
    progress.wish = "stops after this host";
    progress.moves.clear();
    progress.commands[3].1 = None;
    progress.commands[4].1 = None;
    progress
}

/// It is over: all is well, or something is left.
pub(crate) fn ended(well: bool) -> Progress {
    let mut progress = evacuating();
    for (n, host) in (0..).zip(progress.hosts.iter_mut()) {
        host.standing = Standing::Done;
        host.stages = stages(1_490 - n * 300, &[65, 1, 250, 362, 2, 1, 15, 240, 12, 3, 238, 60, 30], false);
        host.text = String::new();
    }
    progress.current = None;
    progress.phase = Phase::Ended;
    progress.moves.clear();
    progress.left.clear();
    progress.ends = None;
    progress.result = Some((RunResult::Done, "Every host is done, and the pool is as it was found.".into()));
    if !well {
        progress.hosts[2].standing = Standing::Skipped;
        progress.hosts[2].text = "given up by the operator: it could not be emptied".into();
        progress.hosts[3].standing = Standing::Waiting;
        progress.hosts[3].stages = stages(0, &[], false);
        progress.left = vec![
            (Item::Ha, "xapi refused to switch it on: HA_HOST_CANNOT_SEE_PEERS (xcp3)".into()),
            (Item::Claim, String::new()),
        ];
        progress.result =
            Some((RunResult::Stopped, "Stopped after xcp2, as you wanted; two things are not as they were found.".into()));
        progress
            .commands
            .iter_mut()
            .for_each(|(name, why)| *why = (*name != CommandName::Restore).then(|| "the run is over".into()));
    }
    progress
}

/// A dashboard that may write.
pub(crate) fn writing(size: (u16, u16)) -> Model {
    let mut model = model_of(vec![calm("prod-a")], size, false);
    model.read_only = false;
    software(&mut model, "XCP-ng", "8.3.0");
    model
}

/// Lets the coordinator say which software it runs.
pub(crate) fn software(model: &mut Model, brand: &str, version: &str) {
    let set = |class: Class, r: &str, json: &serde_json::Value| Observation {
        at: NOW,
        seen: Seen::Set { r#ref: Ref::from(r), record: Record::parse(class, &json.to_string()).expect("record").into() },
    };
    let observations = vec![
        set(Class::Pool, "OpaqueRef:pool", &serde_json::json!({"name_label": "prod-a", "master": "OpaqueRef:host-1"})),
        set(
            Class::Host,
            "OpaqueRef:host-1",
            &serde_json::json!({"name_label": "xcp1", "software_version": {"product_brand": brand, "product_version": version}}),
        ),
    ];
    update(model, Msg::Observed { pool: PoolIx(0), observations });
    // The pictures of tests are made by hand.
    model.pools[0].changed = false;
    model.settle_panes();
}

/// Tells the model something and brings it up to date.
pub(crate) fn tell(model: &mut Model, answer: Answer) -> Vec<Effect> {
    let effects = update(model, Msg::Answer(answer));
    model.settle_panes();
    effects
}

/// The number of the survey that was asked for last.
pub(crate) fn ask_of(effects: &[Effect]) -> u64 {
    let ask = |e: &Effect| if let Effect::Request(Request::Survey { ask, .. }) = e { Some(*ask) } else { None };
    effects.iter().find_map(ask).unwrap_or_else(|| panic!("nothing was asked: {effects:?}"))
}

/// The wizard on the page of the plan, with these findings.
pub(crate) fn planned(size: (u16, u16), findings: Vec<Finding>) -> Model {
    let mut model = writing(size);
    press(&mut model, "w, space, down, space");
    let ask = ask_of(&press(&mut model, "enter"));
    tell(&mut model, Answer::Surveyed { pool: PoolIx(0), ask, result: Ok(Box::new(prepared(findings))) });
    model
}

/// The wizard on the page before the round begins, nothing typed.
pub(crate) fn confirming(size: (u16, u16)) -> Model {
    let mut model = planned(size, findings().into_iter().filter(|f| f.severity == Severity::Note).collect());
    press(&mut model, "enter, enter");
    model
}

/// A run at this moment.
pub(crate) fn rolling(size: (u16, u16), progress: Progress) -> Model {
    let mut model = confirming(size);
    type_text(&mut model, "prod-a");
    let effects = press(&mut model, "enter");
    assert!(matches!(&effects[..], [Effect::Request(Request::StartRun { .. })]), "{effects:?}\n{}", screen(&model));
    tell(&mut model, Answer::RunStarted { pool: PoolIx(0), files: files() });
    tell(&mut model, Answer::RunProgress { pool: PoolIx(0), progress: Box::new(progress) });
    model
}
