//! Whatever is pressed, whatever the size, whatever the pool says: nothing panics, and nothing that a pool says gets
//! out of its cell.

use crate::observation::{Link, Observation, Seen};
use crate::rollout::entry::Command;
use crate::time::Time;
use crate::tui::draw::draw;
use crate::tui::keymap::{Key, TABLE};
use crate::tui::model::Model;
use crate::tui::model::crash::{CrashRead, CrashTrouble};
use crate::tui::msg::{Answer, FoundRun, Mouse, Msg, PoolIx};
use crate::tui::testkit::*;
use crate::tui::update::update;
use crate::tui::wizard::fixture;
use crate::xenapi::record::{Class, Record, Ref};
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

fn key() -> impl Strategy<Value = Key> {
    let table: Vec<Key> = TABLE
        .iter()
        .flat_map(|e| e.keys.iter())
        .flat_map(|(_, keys)| keys.iter())
        .flat_map(|k| k.split(' ').map(|k| k.parse().expect("key")))
        .collect();
    prop_oneof![8 => proptest::sample::select(table), 1 => "[a-z0-9]".prop_map(|c| c.parse().expect("key"))]
}

fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9-]{0,12}",
        "\\PC{0,20}",
        Just("a\u{1b}[2J\u{9b}31m\u{202e}b\nc".to_owned()),
        Just("日本語".repeat(40)),
        Just("👩‍👩‍👧‍👦é\u{301}".to_owned()),
        Just("x".repeat(10_000)),
    ]
}

fn observation() -> impl Strategy<Value = Seen> {
    let record = (0usize..4, hostile(), any::<bool>()).prop_map(|(which, name, flag)| {
        let class = [Class::Host, Class::Task, Class::Sr, Class::Pool][which];
        let json = serde_json::json!({
            "name_label": name, "name_description": name, "uuid": name, "enabled": flag, "address": name,
            "master": "OpaqueRef:0", "progress": 0.5, "allowed_operations": ["reboot"],
        });
        let record = Record::parse(class, &json.to_string()).expect("record");
        Seen::Set { r#ref: Ref::from(format!("OpaqueRef:{which}")), record: record.into() }
    });
    // A host that boots, with or without a dump: a crash, and a pane that opens by itself.
    let boot = (0i64..4, hostile()).prop_map(|(which, name)| {
        let json = serde_json::json!({
            "name_label": name, "uuid": "u0", "enabled": true, "address": "10.0.0.1",
            "other_config": {"boot_time": format!("{}.", NOW.as_millis() / 1_000 + which * 60)},
        });
        let record = Record::parse(Class::Host, &json.to_string()).expect("record");
        Seen::Set { r#ref: Ref::from("OpaqueRef:0"), record: record.into() }
    });
    let dump = (0i64..3, hostile()).prop_map(|(which, name)| {
        let json = serde_json::json!({
            "uuid": name, "host": "OpaqueRef:0", "timestamp": Time::from_millis(NOW.as_millis() + which * 60_000).to_xapi(),
            "size": 100, "other_config": {"poolwatch-cause": name},
        });
        let record = Record::parse(Class::HostCrashdump, &json.to_string()).expect("record");
        Seen::Set { r#ref: Ref::from(format!("dump-{which}")), record: record.into() }
    });
    prop_oneof![
        3 => boot,
        2 => dump,
        6 => record,
        1 => hostile().prop_map(|to| Seen::Link(Link::Connecting { to })),
        1 => hostile().prop_map(|coordinator| Seen::Link(Link::Live { coordinator })),
        1 => hostile().prop_map(|error| Seen::Link(Link::Lost { error, retry_at: NOW, attempt: 3 })),
        1 => hostile().prop_map(|error| Seen::Link(Link::Refused { error })),
        1 => Just(Seen::Gone { class: Class::Host, r#ref: Ref::from("OpaqueRef:0") }),
        1 => Just(Seen::Heard { generation: None }),
    ]
}

fn msg() -> impl Strategy<Value = Msg> {
    prop_oneof![
        12 => key().prop_map(Msg::Key),
        3 => (0u16..300, 0u16..100).prop_map(|(w, h)| Msg::Resize(w, h)),
        1 => (0u16..50, 0u16..14).prop_map(|(w, h)| Msg::Resize(w, h)),
        4 => (0usize..3, proptest::collection::vec(observation(), 0..4)).prop_map(|(pool, seen)| Msg::Observed {
            pool: PoolIx(pool),
            observations: seen.into_iter().map(|seen| Observation { at: NOW, seen }).collect(),
        }),
        2 => (0i64..10_000_000).prop_map(|ms| Msg::Tick(Time::from_millis(NOW.as_millis() + ms))),
        1 => (0u8..3, 0u16..320, 0u16..120).prop_map(|(kind, x, y)| {
            Msg::Mouse([Mouse::Click { x, y }, Mouse::WheelUp { x, y }, Mouse::WheelDown { x, y }][usize::from(kind)])
        }),
        1 => hostile().prop_map(Msg::Paste),
        1 => hostile().prop_map(|text| Msg::Answer(Answer::Notice { pool: Some(PoolIx(1)), text, wrong: true })),
        4 => of_a_rollout().prop_map(Msg::Answer),
        4 => of_a_crash().prop_map(Msg::Answer),
        1 => hostile().prop_map(|json| Msg::Answer(Answer::Raw { pool: PoolIx(0), r#ref: Ref::from("OpaqueRef:0"), result: Ok(json) })),
    ]
}

/// What could be answered about a crash, asked for or not.
fn of_a_crash() -> impl Strategy<Value = Answer> {
    let pool = || (0usize..3).prop_map(PoolIx);
    let read = (hostile(), any::<bool>(), any::<bool>(), -100_000i64..100_000).prop_map(|(text, well, passes, secs)| {
        let mut reading = super::crash::found();
        for crash in &mut reading.crashes {
            crash.at = Some(Time::from_millis(NOW.as_millis() + secs * 1_000));
            crash.verdict.why.clone_from(&text);
            crash.advice.push(text.clone());
            for evidence in &mut crash.verdict.evidence {
                evidence.text.clone_from(&text);
                evidence.file.clone_from(&text);
                evidence.before.push(text.clone());
            }
            for step in &mut crash.story {
                step.text.clone_from(&text);
            }
        }
        reading.notes.push(text.clone());
        let trouble = CrashTrouble { text, passes };
        if well {
            Ok(Box::new(CrashRead { reading, without_files: passes.then_some(trouble), files: None }))
        } else {
            Err(trouble)
        }
    });
    prop_oneof![
        4 => (pool(), 1u64..9, read).prop_map(|(pool, ask, result)| Answer::CrashRead { pool, ask, result }),
        1 => (pool(), 1u64..9, any::<u64>()).prop_map(|(pool, ask, n)| Answer::CrashSeen { pool, ask, files: n, bytes: n }),
        1 => (pool(), hostile()).prop_map(|(pool, path)| Answer::CrashSaved { pool, result: Ok(path) }),
        1 => (pool(), hostile()).prop_map(|(pool, why)| Answer::CauseWritten { pool, dump: Ref::from("dump"), result: Err(why) }),
    ]
}

/// What could be answered to the wizard, asked for or not.
fn of_a_rollout() -> impl Strategy<Value = Answer> {
    let pool = || (0usize..3).prop_map(PoolIx);
    let progress = (0u8..4, hostile()).prop_map(|(which, text)| {
        let mut progress = match which {
            0 => fixture::evacuating(),
            1 => fixture::stuck(),
            2 => fixture::ended(false),
            _ => crate::rollout::progress::Progress { current: Some(7), ..Default::default() },
        };
        progress.headline.clone_from(&text);
        progress.run.clone_from(&text);
        for host in &mut progress.hosts {
            host.name.clone_from(&text);
            host.text.clone_from(&text);
        }
        for one in &mut progress.moves {
            one.guest.clone_from(&text);
            one.progress = Some(f64::NAN);
        }
        progress.actions.push((NOW, text));
        Box::new(progress)
    });
    let surveyed = (hostile(), any::<bool>()).prop_map(|(text, well)| {
        let mut findings = fixture::findings();
        for finding in &mut findings {
            finding.text.clone_from(&text);
            finding.evidence.clone_from(&text);
            finding.mend.clone_from(&text);
        }
        let mut prepared = fixture::prepared(findings);
        prepared.plan.pool_name.clone_from(&text);
        if well { Ok(Box::new(prepared)) } else { Err(text) }
    });
    let command = || prop_oneof![Just(Command::Pause), (0usize..9).prop_map(|host| Command::Skip { host })];
    prop_oneof![
        3 => (pool(), 1u64..4, surveyed).prop_map(|(pool, ask, result)| Answer::Surveyed { pool, ask, result }),
        4 => (pool(), progress).prop_map(|(pool, progress)| Answer::RunProgress { pool, progress }),
        1 => pool().prop_map(|pool| Answer::RunStarted { pool, files: fixture::files() }),
        1 => (pool(), hostile()).prop_map(|(pool, error)| Answer::RunFailed { pool, error }),
        1 => (pool(), hostile()).prop_map(|(pool, error)| Answer::Mended { pool, result: Err(error) }),
        1 => (pool(), command(), hostile()).prop_map(|(pool, command, why)| Answer::Commanded { pool, command, result: Err(why) }),
        1 => (pool(), hostile()).prop_map(|(pool, text)| Answer::RunFound {
            pool,
            result: Ok(Some(FoundRun { run: text.clone(), text, refused: None })),
        }),
    ]
}

fn check(model: &Model) {
    let mut buf = Buffer::empty(Rect::new(0, 0, model.size.0, model.size.1));
    draw(model, &mut buf);
    for cell in &buf.content {
        let bad = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        assert!(!cell.symbol().chars().any(bad), "{:?} is on the screen", cell.symbol());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_messages_panics(pools in 1usize..3, real in any::<bool>(), msgs in proptest::collection::vec(msg(), 1..40)) {
        let mut model = demo(model_of(vec![busy(); pools], (80, 24), false));
        model.read_only = false;
        if pools == 1 {
            press(&mut model, "w");
        }
        for msg in msgs {
            let _ = update(&mut model, msg);
            // With `real` the pictures are those of the observations, else they stay the fixtures'.
            if real { model.settle() } else { model.settle_panes() }
            check(&model);
        }
    }

    #[test]
    fn hostile_names_stay_in_their_cells(name in hostile(), text in hostile(), width in 0u16..300, height in 0u16..100, popup in 0usize..6) {
        let mut picture = busy();
        picture.name = name.clone();
        picture.verdict.headline = text.clone();
        picture.link.text = text.clone();
        for host in &mut picture.hosts {
            host.name = name.clone();
            host.state.text = text.clone();
            host.version = name.clone();
            host.guidance = vec![text.clone()];
        }
        for alert in &mut picture.alerts {
            alert.text = text.clone();
        }
        for path in &mut picture.paths {
            path.name = name.clone();
            path.host = text.clone();
        }
        let mut model = model_of(vec![picture], (width, height), false);
        press(&mut model, ["v", "enter", "P, enter", "A, enter", "p", "?"][popup]);
        check(&model);
    }
}

#[test]
fn every_size_can_be_drawn() {
    for pictures in [vec![busy()], vec![lost()], vec![refused()], vec![first()], vec![busy(), calm("b")]] {
        for width in (0..=300).step_by(23) {
            for height in (0..=100).step_by(9) {
                let mut model = model_of(pictures.clone(), (width, height), false);
                check(&model);
                press(&mut model, "enter");
                check(&model);
            }
        }
    }
}

#[test]
fn every_page_of_the_wizard_in_every_size() {
    for width in (0..=300).step_by(31) {
        for height in (0..=100).step_by(7) {
            let size = (width, height);
            let mut model = fixture::writing(size);
            press(&mut model, "w");
            check(&model);
            press(&mut model, "G, right");
            check(&model);
            for keys in ["", "enter, G", "enter, m", "enter, pagedown, up, a"] {
                let mut model = fixture::planned(size, fixture::findings());
                keys.split(", ").filter(|k| !k.is_empty()).for_each(|key| drop(press(&mut model, key)));
                check(&model);
            }
            check(&fixture::confirming(size));
            for (progress, keys) in [
                (fixture::evacuating(), "G"),
                (fixture::stuck(), "A"),
                (fixture::evacuating(), "q"),
                (fixture::ended(false), "down"),
                (fixture::ended(true), "esc"),
            ] {
                let mut model = fixture::rolling(size, progress);
                check(&model);
                press(&mut model, keys);
                check(&model);
            }
        }
    }
}

#[test]
fn small_sizes_one_by_one_with_each_popup() {
    for keys in ["?", ":", "v", "enter", "T", "z", "P", "C", "L", "c"] {
        for width in (0..48).step_by(3) {
            for height in 0..12 {
                let mut model = model((width, height));
                press(&mut model, keys);
                check(&model);
            }
        }
    }
}
