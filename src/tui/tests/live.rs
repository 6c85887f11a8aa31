//! From observations to the screen, with the real model.

use crate::observation::{Answer, Link, Observation, Outcome, Seen, Via};
use crate::time::Time;
use crate::tui::msg::{Msg, PoolIx};
use crate::tui::testkit::*;
use crate::tui::update::update;
use crate::xenapi::record::{Class, Record, Ref};
use std::time::Duration;

fn set(class: Class, r: &str, json: &serde_json::Value) -> Seen {
    let record = Record::parse(class, &json.to_string()).expect("record");
    Seen::Set { r#ref: Ref::from(r), record: record.into() }
}

fn seen_at(at: Time, seen: Vec<Seen>) -> Msg {
    Msg::Observed { pool: PoolIx(0), observations: seen.into_iter().map(|seen| Observation { at, seen }).collect() }
}

#[test]
fn first_connecting_then_the_pool_then_the_loss_of_it() {
    let mut model = model_of(vec![crate::pool::picture::Picture::default()], (120, 40), false);
    let mut step = |at: Time, seen: Vec<Seen>| {
        update(&mut model, Msg::Tick(at));
        update(&mut model, seen_at(at, seen));
        assert!(model.dirty);
        model.settle();
        model.dirty = false;
        screen(&model)
    };
    let text = step(NOW, vec![Seen::Link(Link::Connecting { to: "10.0.4.11:443".into() })]);
    assert!(text.contains("find the coordinator and log in"), "{text}");

    let classes = vec![Class::Pool, Class::Host, Class::HostMetrics];
    let text = step(
        NOW + Duration::from_secs(1),
        vec![
            Seen::Link(Link::Live { coordinator: "10.0.4.11:443".into() }),
            Seen::Resync { classes: classes.clone(), why: "first reading".into() },
            set(Class::Pool, "OpaqueRef:p", &serde_json::json!({"name_label": "prod-a", "master": "OpaqueRef:h1", "uuid": "u"})),
            set(
                Class::Host,
                "OpaqueRef:h1",
                &serde_json::json!({"name_label": "xcp1", "enabled": true, "address": "10.0.4.11", "metrics": "OpaqueRef:m1",
                    "allowed_operations": ["reboot", "shutdown"], "uuid": "h1"}),
            ),
            set(Class::HostMetrics, "OpaqueRef:m1", &serde_json::json!({"live": true, "memory_total": 1_000_000})),
            Seen::Synced { classes },
            Seen::Heard { generation: Some(1) },
            Seen::Answer(Answer {
                host: Ref::from("OpaqueRef:h1"),
                via: Via::Servertime,
                took_ms: 9,
                outcome: Outcome::Ok { clock: Some(NOW) },
            }),
        ],
    );
    assert!(text.contains("prod-a") && text.contains("xcp1 ♛"), "{text}");

    let at = NOW + Duration::from_secs(2);
    let lost = Link::Lost { error: "connection refused".into(), retry_at: at + Duration::from_secs(9), attempt: 1 };
    let text = step(at, vec![Seen::Link(lost)]);
    assert!(text.contains("connection lost") && text.contains("connection refused"), "{text}");
    assert!(text.contains("next try in 9 s") && text.contains("xcp1 ♛"), "{text}");
    assert!(model.due().is_some_and(|due| due <= at + Duration::from_secs(1)), "the countdown is due: {:?}", model.due());
}

#[test]
fn an_idle_screen_sleeps_at_least_some_seconds() {
    let mut model = model_of(vec![calm("prod-a")], (120, 40), false);
    model.settle_panes();
    update(&mut model, Msg::Tick(NOW));
    model.settle();
    model.dirty = false;
    let due = model.due().expect("the clock");
    assert!(due.since(model.now) >= Duration::from_secs(4), "{due}");
    update(&mut model, Msg::Tick(NOW + Duration::from_secs(1)));
    assert!(!model.dirty, "nothing is due yet");
}
