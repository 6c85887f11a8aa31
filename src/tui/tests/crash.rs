//! Crashes, from the observation to the screen: what opens, what is asked for, what is refused.

use crate::crash::report::{Crash, Dump as DumpState, Reading, Step};
use crate::crash::verdict::{Cause, Confidence, Evidence, Finer, Verdict};
use crate::observation::Observation;
use crate::pool::scene::{Scene, host, metrics, r, t};
use crate::time::Time;
use crate::tui::effect::{Effect, Request};
use crate::tui::keymap::Action;
use crate::tui::model::crash::{CrashRead, CrashTrouble};
use crate::tui::model::{Model, Popup, Screen};
use crate::tui::msg::{Answer, Msg, PoolIx};
use crate::tui::testkit::{model_of, press, screen, type_text};
use crate::tui::update::{availability, update};
use crate::xenapi::record::{Class, Config, Date, HostCrashdump, Message, Record, Vm};
use std::sync::Arc;
use std::time::Duration;

const POOL: PoolIx = PoolIx(0);

/// Seconds of the scene at which the host had booted, and was seen again.
const BOOTED: f64 = 200.0;

/// A pool of three hosts with guests on the second.
fn quiet() -> Scene {
    let mut s = Scene::with(3, |s| {
        for (name, vm) in [("v1", "web1"), ("v2", "db-old"), ("v3", "build-7")] {
            let vm = Vm { name_label: vm.into(), resident_on: r("h2"), power_state: "Running".into(), ..Vm::default() };
            s.set(name, Record::Vm(vm));
        }
    });
    s.pass(60.0);
    s
}

/// The second host goes away and comes back, with a dump; one guest runs again elsewhere. What was seen of that.
pub(super) fn crash(s: &mut Scene, dump: bool) -> Vec<Observation> {
    let from = s.told.len();
    s.mute = vec![2];
    s.answer(2, Err("CANNOT_CONTACT_HOST"));
    for (name, vm) in [("v1", "web1"), ("v2", "db-old"), ("v3", "build-7")] {
        s.set(name, Record::Vm(Vm { name_label: vm.into(), power_state: "Halted".into(), ..Vm::default() }));
    }
    s.set("m2", Record::HostMetrics(metrics(false)));
    s.pass(170.0);
    let back = Vm { name_label: "web1".into(), resident_on: r("h1"), power_state: "Running".into(), ..Vm::default() };
    s.set("v1", Record::Vm(back));
    s.mute.clear();
    s.answers();
    let mut record = host(2);
    record.other_config = Config::from([("boot_time", format!("{}.", t(BOOTED).as_millis() / 1000).as_str())]);
    s.set("h2", Record::Host(record));
    let told = Message {
        name: "HA_HOST_WAS_FENCED".into(),
        obj_uuid: host(2).uuid,
        timestamp: Date(Some(t(100.0))),
        ..Message::default()
    };
    s.set("message", Record::Message(told));
    if dump {
        let dump = HostCrashdump {
            uuid: "5f0c0000-0000-4000-8000-00000000000d".into(),
            host: r("h2"),
            timestamp: Date(Some(t(70.0))),
            size: 1_200_000_000,
            ..HostCrashdump::default()
        };
        s.set("dump", Record::HostCrashdump(dump));
    }
    s.told[from..].to_vec()
}

fn evidence(line: u64, text: &str, shows: &str) -> Evidence {
    Evidence {
        file: "dom0.log".into(),
        line,
        text: text.into(),
        before: vec![format!("[ 4120.{line}] before it"), "[ 4121.0] sd 3:0:0:1: rejecting I/O to offline device".into()],
        after: vec!["[ 4200.0] Rebooting in 5 seconds".into()],
        shows: shows.into(),
    }
}

/// What the reader would find of it.
pub(super) fn found() -> Reading {
    let verdict = Verdict {
        cause: Cause::O2cb,
        finer: Finer::Disk,
        confidence: Confidence::Sure,
        why: "No heartbeat write to dm-3 came through for 61.0 s; the limit is 60 s. The kernel says itself that it fences."
            .into(),
        notes: vec!["A second path had been down since Tuesday.".into()],
        at: Some(t(72.0)),
        evidence: vec![
            evidence(4127, "o2hb: Heartbeat write timeout to device dm-3 after 61040 milliseconds", "the limit ran out"),
            evidence(4131, "*** ocfs2 is very sorry to be fencing this system by panicing ***", "o2cb fences"),
            evidence(4090, "sd 3:0:0:1: [sdb] killing request", "a path failed"),
        ],
    };
    let step = |secs: f64, text: &str, matters| Step { at: t(secs), text: text.into(), matters };
    let crash = Crash {
        host: Some("xcp2".into()),
        folder: Some("var/crash/20270115-080112-UTC".into()),
        at: Some(t(72.0)),
        clock: None,
        dump: DumpState::Whole,
        logs: vec!["dom0.log".into()],
        verdict,
        advice: vec![
            "Repair path sdb (host port fc2, switch port 14).".into(),
            "With 2 paths a fail-over takes about 6 s: O2CB_HEARTBEAT_THRESHOLD = 31 is enough, because (31 - 1) x 2 s = 60 s."
                .into(),
        ],
        story: vec![
            step(-400.0, "xcp2: path sdc to LUN 3600a098038314f1f down, 1 of 2 left", true),
            step(11.0, "xcp2: path sdb down, none left", true),
            step(41.0, "half-way: 30 s without a heartbeat write", false),
            step(72.0, "xcp2 fences itself", true),
        ],
    };
    Reading { source: "xcp2 (10.0.0.2)".into(), crashes: vec![crash], notes: Vec::new(), files: 12, lines: 5_120 }
}

/// A dashboard on that pool, a while before.
pub(super) fn watching(size: (u16, u16)) -> (Model, Scene) {
    let s = quiet();
    let mut model = model_of(vec![crate::tui::testkit::calm("prod-a")], size, false);
    (model.read_only, model.records, model.now) = (false, true, t(s.now));
    see(&mut model, s.told.clone());
    (model, s)
}

pub(super) fn see(model: &mut Model, observations: Vec<Observation>) -> Vec<Effect> {
    let last = observations.last().map_or(model.now, |seen| seen.at);
    let mut effects = update(model, Msg::Tick(last));
    effects.extend(update(model, Msg::Observed { pool: POOL, observations }));
    model.settle();
    effects
}

fn pass(model: &mut Model, time: Duration) -> Vec<Effect> {
    let effects = update(model, Msg::Tick(model.now + time));
    model.settle();
    effects
}

fn tell(model: &mut Model, answer: Answer) {
    update(model, Msg::Answer(answer));
    model.settle();
}

/// The number of the reading that is asked for.
fn asked(effects: &[Effect]) -> u64 {
    let [Effect::Request(Request::ReadCrash { ask, .. })] = effects else { panic!("one reading is asked for: {effects:?}") };
    *ask
}

pub(super) fn answer(model: &mut Model, effects: &[Effect], reading: Reading) {
    let result = Ok(Box::new(CrashRead { reading, without_files: None, files: None }));
    tell(model, Answer::CrashRead { pool: POOL, ask: asked(effects), result });
}

/// The pane as it is after the crash was read.
pub(super) fn read(size: (u16, u16)) -> Model {
    let (mut model, mut s) = watching(size);
    let effects = see(&mut model, crash(&mut s, true));
    answer(&mut model, &effects, found());
    model
}

fn past_guard(model: &mut Model) {
    pass(model, Duration::from_secs(1));
}

#[test]
fn it_opens_by_itself_reads_and_tells() {
    let (mut model, mut s) = watching((120, 40));
    let effects = see(&mut model, crash(&mut s, true));
    let [Effect::Request(Request::ReadCrash { pool: POOL, called, name, at, .. })] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert_eq!((name.as_str(), called.as_str(), *at), ("xcp2", &*host(2).uuid.to_string(), Some(t(60.0))));
    tell(&mut model, Answer::CrashSeen { pool: POOL, ask: asked(&effects), files: 12, bytes: 3 << 20 });
    assert!(screen(&model).contains("reading what xcp2 left: 12 files, 3.0 MiB"), "{}", screen(&model));
    answer(&mut model, &effects, found());
    let shown = screen(&model);
    for words in [
        "xcp2 was fenced by o2cb at",
        "o2cb (disk), sure",
        "3 died, 1 runs again (1 on xcp1), 2 are still down: build-7, db-old",
        "Start what is still down",
        "dom0.log:4127",
        "path sdb down, none left",
        "HA_HOST_WAS_FENCED",
    ] {
        assert!(shown.contains(words), "{words}:\n{shown}");
    }
}

#[test]
fn keys_that_were_meant_for_what_was_there_before_do_nothing() {
    let (mut model, mut s) = watching((120, 40));
    let effects = see(&mut model, crash(&mut s, true));
    answer(&mut model, &effects, found());
    assert!(press(&mut model, "h").is_empty() && press(&mut model, "q").is_empty());
    assert!(matches!(model.popups.last(), Some(Popup::Crash(_))));
    past_guard(&mut model);
    assert!(matches!(press(&mut model, "h").as_slice(), [Effect::Request(Request::SaveCrash { .. })]));
}

#[test]
fn it_waits_until_nobody_presses_keys() {
    let (mut model, mut s) = watching((120, 40));
    let seen = crash(&mut s, true);
    let last = seen.last().map(|seen| seen.at).expect("some");
    update(&mut model, Msg::Tick(last));
    press(&mut model, "down");
    assert!(see(&mut model, seen).is_empty() && model.popups.is_empty());
    assert!(pass(&mut model, Duration::from_millis(700)).is_empty());
    let effects = pass(&mut model, Duration::from_secs(1));
    asked(&effects);
    assert!(matches!(model.popups.as_slice(), [Popup::Crash(_)]));
}

#[test]
fn who_is_busy_is_told_and_keeps_the_keys() {
    type Busy = fn(&mut Model);
    let cases: [(&str, Busy); 5] = [
        ("filter", |model| {
            press(model, "/");
            type_text(model, "x");
        }),
        ("wizard", |model| drop(press(model, "w"))),
        ("popup", |model| drop(press(model, "v"))),
        ("palette", |model| drop(press(model, ":"))),
        ("begun", |model| drop(press(model, "g"))),
    ];
    for (name, busy) in cases {
        let (mut model, mut s) = watching((120, 40));
        busy(&mut model);
        model.pressed = Time::EPOCH;
        let before = (model.popups.len(), model.typing(), model.wizard().is_some());
        let effects = see(&mut model, crash(&mut s, true));
        assert!(effects.is_empty(), "{name}: {effects:?}");
        assert_eq!((model.popups.len(), model.typing(), model.wizard().is_some()), before, "{name}");
        let shown = screen(&model);
        assert!(
            shown.contains("xcp2 is back from a reboot that nobody asked for. c on the panes shows why."),
            "{name}:\n{shown}"
        );
        model.toast = None;
        assert!(screen(&model).contains("1 crash c"), "{name}: the mark stays:\n{}", screen(&model));
        assert!(pass(&mut model, Duration::from_secs(60)).is_empty(), "{name}: it does not open later");
    }
    let (mut model, mut s) = watching((120, 40));
    press(&mut model, "v");
    see(&mut model, crash(&mut s, true));
    press(&mut model, "esc");
    press(&mut model, "c");
    model.toast = None;
    assert!(!screen(&model).lines().next().is_some_and(|line| line.contains("1 crash")), "who saw the list needs no mark");
}

#[test]
fn another_pool_than_the_one_on_the_screen_is_named() {
    let mut s = quiet();
    let names = ["prod-a", "prod-b"].map(crate::tui::testkit::calm);
    let mut model = model_of(names.to_vec(), (120, 40), false);
    (model.read_only, model.now, model.screen) = (false, t(s.now), Screen::Pool(PoolIx(1)));
    see(&mut model, s.told.clone());
    assert!(see(&mut model, crash(&mut s, true)).is_empty());
    assert!(screen(&model).contains("prod-a: xcp2 is back"), "{}", screen(&model));
    // In the list of all pools it can be looked at without leaving that.
    model.screen = Screen::Fleet;
    model.focus = crate::tui::model::Pane::Fleet;
    model.fleet.selected = Some("0".to_owned());
    asked(&press(&mut model, "c, enter"));
    assert!(screen(&model).contains("xcp2 went down at"), "{}", screen(&model));
}

#[test]
fn the_list_says_what_is_known_and_enter_reads() {
    let (mut model, mut s) = watching((120, 40));
    press(&mut model, "v");
    see(&mut model, crash(&mut s, true));
    press(&mut model, "esc");
    assert!(press(&mut model, "c").is_empty());
    let shown = screen(&model);
    for words in ["1 crash", "xcp2", "fenced, says xapi", "3 VMs, 2 down", "1.1 GiB", "no"] {
        assert!(shown.contains(words), "{words}:\n{shown}");
    }
    let effects = press(&mut model, "enter");
    answer(&mut model, &effects, found());
    press(&mut model, "esc");
    assert!(screen(&model).contains("o2cb (disk), sure"), "{}", screen(&model));
    assert!(press(&mut model, "enter").is_empty(), "it was read");
}

#[test]
fn none_and_more_than_fit_can_be_listed() {
    for size in [(80, 24), (40, 10), (20, 5), (3, 2)] {
        let (mut model, _) = watching(size);
        press(&mut model, "c");
        if size.0 >= 40 {
            assert!(screen(&model).contains("No crashes"), "{}", screen(&model));
        }
        assert!(press(&mut model, "enter, down, G").is_empty());
        let (mut model, mut s) = watching(size);
        let from = s.told.len();
        for n in 0..64 {
            let dump = HostCrashdump {
                uuid: format!("dump-{n}").as_str().into(),
                host: r(if n % 2 == 0 { "h1" } else { "no-such-host" }),
                timestamp: Date(Some(t(f64::from(n) * -86_400.0))),
                ..HostCrashdump::default()
            };
            s.set(&format!("d{n}"), Record::HostCrashdump(dump));
        }
        see(&mut model, s.told[from..].to_vec());
        press(&mut model, "c");
        if size.0 >= 80 {
            assert!(screen(&model).contains("64 crashes"), "{}", screen(&model));
        }
        asked(&press(&mut model, "G, enter"));
        press(&mut model, "pagedown, G, home, e, esc, q");
        screen(&model);
    }
}

#[test]
fn what_is_forgotten_by_the_pool_is_still_shown() {
    let mut model = read((80, 24));
    let gone =
        |class, name: &str| Observation { at: model_time(), seen: crate::observation::Seen::Gone { class, r#ref: r(name) } };
    let observations = vec![gone(Class::HostCrashdump, "dump"), gone(Class::Host, "h2")];
    see(&mut model, observations);
    assert!(screen(&model).contains("fenced by o2cb"), "{}", screen(&model));
    // The whole pool is gone.
    model.pools[0].pool = crate::pool::Pool::new("gone");
    model.settle();
    assert!(screen(&model).contains("fenced by o2cb"), "{}", screen(&model));
    press(&mut model, "G");
    assert!(screen(&model).contains("does not list this any more"), "{}", screen(&model));
}

fn model_time() -> Time {
    t(300.0)
}

#[test]
fn reading_can_be_stopped_begun_again_and_left_alone() {
    let (mut model, mut s) = watching((120, 40));
    let first = asked(&see(&mut model, crash(&mut s, true)));
    past_guard(&mut model);
    assert_eq!(press(&mut model, "x"), [Effect::Request(Request::StopCrash { ask: first })]);
    assert!(screen(&model).contains("The reading was stopped. r reads"), "{}", screen(&model));
    let second = press(&mut model, "r");
    // What the first one still sends is nobody's.
    let late = CrashRead { reading: Reading::default(), without_files: None, files: None };
    tell(&mut model, Answer::CrashRead { pool: POOL, ask: first, result: Ok(Box::new(late)) });
    assert!(screen(&model).contains("reading what xcp2 left"), "{}", screen(&model));
    press(&mut model, "esc");
    assert!(model.popups.is_empty());
    answer(&mut model, &second, found());
    assert!(screen(&model).contains("It is read: xcp2 was fenced by o2cb"), "{}", screen(&model));
    assert!(press(&mut model, "c, enter").is_empty(), "it was read meanwhile");
    assert!(screen(&model).contains("dom0.log:4127"), "{}", screen(&model));
}

#[test]
fn what_may_pass_is_tried_again_and_what_does_not_waits_for_the_key() {
    let (mut model, mut s) = watching((120, 40));
    let ask = asked(&see(&mut model, crash(&mut s, true)));
    let away = |passes| CrashTrouble { text: "xcp2 does not answer: connection refused".into(), passes };
    tell(&mut model, Answer::CrashRead { pool: POOL, ask, result: Err(away(true)) });
    let shown = screen(&model);
    assert!(shown.contains("xcp2 does not answer: connection refused. It is tried again in 20 s; r tries now."), "{shown}");
    assert!(pass(&mut model, Duration::from_secs(19)).is_empty());
    let ask = asked(&pass(&mut model, Duration::from_secs(2)));
    tell(&mut model, Answer::CrashRead { pool: POOL, ask, result: Err(away(false)) });
    assert!(screen(&model).contains("connection refused. r tries again."), "{}", screen(&model));
    assert!(pass(&mut model, Duration::from_secs(600)).is_empty());
    let ask = asked(&press(&mut model, "r"));
    tell(&mut model, Answer::CrashRead { pool: POOL, ask, result: Err(away(true)) });
    press(&mut model, "esc");
    assert!(pass(&mut model, Duration::from_secs(60)).is_empty(), "nobody waits for it");
    // It gives up in the end.
    let mut ask = asked(&press(&mut model, "c, enter"));
    let mut tries = 0;
    loop {
        tell(&mut model, Answer::CrashRead { pool: POOL, ask, result: Err(away(true)) });
        let effects = pass(&mut model, Duration::from_secs(30));
        if effects.is_empty() {
            break;
        }
        ask = asked(&effects);
        tries += 1;
        assert!(tries < 20, "it never gives up");
    }
    assert_eq!(tries, 6);
}

#[test]
fn without_the_hosts_files_the_story_is_told_and_the_files_are_still_waited_for() {
    let (mut model, mut s) = watching((120, 40));
    let ask = asked(&see(&mut model, crash(&mut s, true)));
    let without = CrashTrouble { text: "xcp2 does not answer".into(), passes: true };
    let read = CrashRead { reading: found(), without_files: Some(without), files: None };
    tell(&mut model, Answer::CrashRead { pool: POOL, ask, result: Ok(Box::new(read)) });
    let shown = screen(&model);
    assert!(shown.contains("xcp2 does not answer. It is tried again") && shown.contains("o2cb (disk), sure"), "{shown}");
    let effects = pass(&mut model, Duration::from_secs(21));
    assert!(screen(&model).contains("o2cb (disk), sure"), "what is known stays: {}", screen(&model));
    answer(&mut model, &effects, found());
    assert!(!screen(&model).contains("does not answer"), "{}", screen(&model));
}

#[test]
fn another_crash_of_the_host_is_not_taken_for_this_one() {
    let (mut model, mut s) = watching((120, 40));
    let effects = see(&mut model, crash(&mut s, false));
    let mut other = found();
    other.crashes[0].at = Some(t(-90_000.0));
    answer(&mut model, &effects, other);
    let shown = screen(&model);
    assert!(shown.contains("say nothing of this crash") && shown.contains("It tells of other times"), "{shown}");
    for action in [Action::CrashEvidence, Action::CrashHtml, Action::CrashCause] {
        assert!(availability(&model, action).is_err(), "{action:?}");
    }
    // A story without anything in it is one too.
    let effects = press(&mut model, "r");
    let effects = if effects.is_empty() {
        past_guard(&mut model);
        press(&mut model, "r")
    } else {
        effects
    };
    answer(&mut model, &effects, Reading::default());
    assert!(screen(&model).contains("say nothing of this crash"), "{}", screen(&model));
}

#[test]
fn the_dump_finds_its_folder_by_its_name_whatever_the_zone() {
    let (mut model, mut s) = watching((120, 40));
    let effects = see(&mut model, crash(&mut s, true));
    let mut zoned = found();
    let digits = crate::crash::report::utc(t(70.0)).replace(" UTC", "");
    // Five hours west: the folder's name has local time, and so has xapi's field, which takes it for UTC.
    (zoned.crashes[0].at, zoned.crashes[0].clock) = (Some(t(70.0 + 18_000.0)), Some(format!("{digits} EST")));
    answer(&mut model, &effects, zoned);
    assert!(screen(&model).contains("o2cb (disk), sure"), "{}", screen(&model));
}

#[test]
fn the_story_goes_on_from_the_recording_while_the_guests_come_back() {
    let mut model = read((120, 40));
    past_guard(&mut model);
    let files = match &model.pools[0].crashes.last(&model.outages(POOL)[0]) {
        Some(last) => last.reading.clone(),
        None => panic!("it was read"),
    };
    assert!(pass(&mut model, Duration::from_secs(30)).is_empty(), "without the files there is nothing to go on from");
    let ask = asked(&press(&mut model, "r"));
    let read = CrashRead { reading: found(), without_files: None, files: Some(Arc::new(files.clone())) };
    tell(&mut model, Answer::CrashRead { pool: POOL, ask, result: Ok(Box::new(read)) });
    assert!(pass(&mut model, Duration::from_secs(5)).is_empty(), "not yet");
    let effects = pass(&mut model, Duration::from_secs(6));
    let [Effect::Request(Request::ReadCrash { ask, files: Some(known), .. })] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(**known, files);
    assert!(!screen(&model).contains("reading what"), "nobody waits for it: {}", screen(&model));
    let mut later = found();
    later.crashes[0].story.push(Step { at: t(400.0), text: "2 of them run again".into(), matters: false });
    let read = CrashRead { reading: later, without_files: None, files: Some(Arc::clone(known)) };
    tell(&mut model, Answer::CrashRead { pool: POOL, ask: *ask, result: Ok(Box::new(read)) });
    press(&mut model, "G");
    assert!(screen(&model).contains("2 of them run again"), "{}", screen(&model));
    // A while after the return of the host it is over.
    model.now = t(BOOTED + 3_600.0);
    let ask = asked(&pass(&mut model, Duration::from_secs(11)));
    let read = CrashRead { reading: found(), without_files: None, files: Some(Arc::new(files)) };
    tell(&mut model, Answer::CrashRead { pool: POOL, ask, result: Ok(Box::new(read)) });
    assert!(pass(&mut model, Duration::from_secs(600)).is_empty());
}

#[test]
fn all_of_the_evidence_and_back() {
    let mut model = read((80, 24));
    past_guard(&mut model);
    press(&mut model, "e");
    let shown = screen(&model);
    assert!(shown.contains("before it") && shown.contains("Rebooting in 5 seconds"), "{shown}");
    press(&mut model, "G");
    assert!(screen(&model).contains("killing request"), "{}", screen(&model));
    press(&mut model, "esc");
    assert!(screen(&model).contains("do now") && model.popups.len() == 1, "{}", screen(&model));
}

#[test]
fn the_file_holds_this_crash_alone_and_its_path_stays_on_the_screen() {
    let mut model = read((120, 40));
    past_guard(&mut model);
    let effects = press(&mut model, "h");
    let [Effect::Request(Request::SaveCrash { reading, .. })] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(reading.crashes.len(), 1);
    let path = "/data/crashes/xcp2.html".to_owned();
    tell(&mut model, Answer::CrashSaved { pool: POOL, result: Ok(path) });
    model.toast = None;
    assert!(screen(&model).contains("written    /data/crashes/xcp2.html"), "{}", screen(&model));
    tell(&mut model, Answer::CrashSaved { pool: POOL, result: Err("the disk is full".into()) });
    assert!(screen(&model).contains("could not be written: the disk is full"), "{}", screen(&model));
}

#[test]
fn t_goes_to_the_moment_in_the_recording() {
    let mut model = read((120, 40));
    past_guard(&mut model);
    let effects = press(&mut model, "t");
    let [Effect::Request(Request::LookBack { pool: POOL, at: Some(at), .. })] = effects.as_slice() else { panic!("{effects:?}") };
    assert!(*at == t(72.0) && model.popups.is_empty());
    let mut model = read((120, 40));
    model.records = false;
    past_guard(&mut model);
    assert!(press(&mut model, "t").is_empty() && model.popups.len() == 1);
    assert!(screen(&model).contains("Nothing is recorded here"), "{}", screen(&model));
}

#[test]
fn nothing_is_written_without_a_yes_and_then_just_what_was_said() {
    let mut model = read((120, 40));
    past_guard(&mut model);
    assert!(press(&mut model, "w").is_empty());
    let shown = screen(&model);
    for words in ["5f0c0000-0000-4000-8000-00000000000d", "poolwatch-cause = o2cb", "other_config", "No, write nothing"] {
        assert!(shown.contains(words), "{words}:\n{shown}");
    }
    assert!(press(&mut model, "enter").is_empty(), "the first answer is the harmless one");
    assert!(press(&mut model, "w, esc").is_empty());
    let effects = press(&mut model, "w, down, enter");
    let [Effect::Request(Request::WriteCause { pool: POOL, dump, cause })] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!((dump, cause.as_str()), (&r("dump"), "o2cb"));
    let done = Answer::CauseWritten { pool: POOL, dump: dump.clone(), result: Ok("The cause is written.".into()) };
    tell(&mut model, done);
    assert!(screen(&model).contains("The cause is written."), "{}", screen(&model));
}

#[test]
fn what_cannot_be_written_says_why() {
    let why = |model: &Model| availability(model, Action::CrashCause).expect_err("refused");
    let mut model = read((120, 40));
    model.read_only = true;
    assert!(why(&model).contains("only watches"), "{}", why(&model));
    model.read_only = false;
    model.replay = true;
    assert!(why(&model).contains("recording"), "{}", why(&model));
    let (mut model, mut s) = watching((120, 40));
    let effects = see(&mut model, crash(&mut s, false));
    answer(&mut model, &effects, found());
    assert!(why(&model).contains("no crash dump"), "{}", why(&model));
    let (mut model, mut s) = watching((120, 40));
    let effects = see(&mut model, crash(&mut s, true));
    let mut unknown = found();
    unknown.crashes[0].verdict.cause = Cause::Unknown;
    answer(&mut model, &effects, unknown);
    assert!(why(&model).contains("not known"), "{}", why(&model));
    let mut model = read((120, 40));
    let mut dump = HostCrashdump { uuid: "d".into(), host: r("h2"), timestamp: Date(Some(t(70.0))), ..HostCrashdump::default() };
    dump.other_config = Config::from([(crate::pool::outages::CAUSE_KEY, "o2cb")]);
    let seen = crate::observation::Seen::Set { r#ref: r("dump"), record: Record::HostCrashdump(dump).into() };
    see(&mut model, vec![Observation { at: t(300.0), seen }]);
    assert!(why(&model).contains("has it already: o2cb"), "{}", why(&model));
}

#[test]
fn two_at_once_open_the_list() {
    let (mut model, mut s) = watching((120, 40));
    let mut seen = crash(&mut s, true);
    let from = s.told.len();
    let mut record = host(3);
    record.other_config = Config::from([("boot_time", format!("{}.", t(BOOTED).as_millis() / 1000).as_str())]);
    s.set("h3", Record::Host(record));
    seen.extend(s.told[from..].to_vec());
    assert!(see(&mut model, seen).is_empty());
    assert!(matches!(model.popups.as_slice(), [Popup::Crashes { .. }]), "{:?}", model.popups);
    assert!(screen(&model).contains("2 crashes"), "{}", screen(&model));
}
