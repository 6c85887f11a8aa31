//! What every pane and popup looks like, in three sizes, with a number over all styles.

use crate::tui::log::{Level, LogLine};
use crate::tui::model::Model;
use crate::tui::testkit::*;
use ratatui::style::{Color, Modifier};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (40, 10)];

/// One snapshot for each size, after pressing keys.
fn snap(name: &str, make: impl Fn((u16, u16)) -> Model, keys: &str) {
    for size in SIZES {
        let mut model = make(size);
        if !keys.is_empty() {
            press(&mut model, keys);
            model.toast = None;
        }
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), snapshot(&model));
    }
}

fn logged(size: (u16, u16)) -> Model {
    let mut model = model(size);
    let line = |secs, level, target: &str, text: &str| LogLine { at: ago(secs), level, target: target.into(), text: text.into() };
    model.log = vec![
        line(3, Level::Debug, "feed", "event.from answered after 812 ms"),
        line(40, Level::Warning, "feed", "xcp2 does not answer /rrd_updates: connection refused"),
        line(70, Level::Info, "xenapi", "logged in on 10.0.4.11, the coordinator"),
    ];
    model.settle_panes();
    model
}

#[test]
fn the_whole_screen() {
    snap("busy", model, "");
}

#[test]
fn nothing_speaks_against_it() {
    snap("calm", |size| model_of(vec![calm("prod-a")], size, false), "");
}

#[test]
fn every_pane_zoomed() {
    for (name, keys) in [
        ("hosts", "H, z"),
        ("tasks", "R, z"),
        ("cluster", "C, z"),
        ("paths", "P, z, right"),
        ("alerts", "A, z, s"),
        ("log", "L, z"),
    ] {
        snap(&format!("pane_{name}"), logged, keys);
    }
}

#[test]
fn all_pools() {
    let pools = || {
        vec![
            calm("prod-b"),
            busy(),
            {
                let mut p = lost();
                p.name = "prod-c".into();
                p
            },
            refused(),
        ]
    };
    snap("fleet", |size| model_of(pools(), size, false), "");
    snap("fleet_switch", |size| model_of(pools(), size, false), "p");
}

#[test]
fn details() {
    for (name, keys) in [
        ("verdict", "v"),
        ("host", "down, down, enter"),
        ("rebuild", "R, enter"),
        ("task", "R, down, down, enter"),
        ("member", "C, enter"),
        ("path", "P, down, down, enter"),
        ("alert", "A, down, down, enter"),
        ("budget", "b"),
        ("budget_end", "b, G"),
        ("control", "i"),
    ] {
        snap(&format!("detail_{name}"), model, keys);
    }
}

#[test]
fn a_database_that_went_back() {
    use crate::observation::{Reverted, RevertedWhat, Rewind};
    use crate::xenapi::record::Class;
    let change =
        |class, name: &str, what, text: &str| Reverted { class, uuid: String::new(), name: name.into(), what, text: text.into() };
    let rewound = || {
        let mut p = busy();
        p.control.generation = Some(118_204);
        p.control.ha_statefiles = 1;
        p.control.statefiles = vec![("xcp1".into(), 1), ("xcp2".into(), 0)];
        p.control.rewind = Some(Rewind {
            from: 120_311,
            to: 118_190,
            at: ago(600),
            last: ago(900),
            changes: vec![
                change(
                    Class::Vm,
                    "web1",
                    RevertedWhat::Lost,
                    "the pool does not know it any more; it ran on xcp2: look whether it still does",
                ),
                change(Class::Host, "xcp3", RevertedWhat::Reverted, "enabled was no, is yes"),
                change(
                    Class::Vm,
                    "old",
                    RevertedWhat::Back,
                    "was not there and is: deleted before and back again, or made since",
                ),
            ],
            more: 12,
        });
        p
    };
    snap("detail_rewound", |size| model_of(vec![rewound()], size, false), "i, G");
}

#[test]
fn popups() {
    snap("help", model, "?");
    snap("help_end", model, "?, G");
    snap("palette", model, ":, z, o");
    snap("themes", model, "T, down");
    snap("faults", |size| demo(model(size)), "F");
}

#[test]
fn trouble_with_the_connection() {
    snap("lost", |size| model_of(vec![lost()], size, false), "");
    snap("refused", |size| model_of(vec![refused()], size, false), "");
    snap("first", |size| model_of(vec![first()], size, false), "");
}

#[test]
fn ascii_only() {
    snap("ascii", |size| model_of(vec![busy()], size, true), "");
    let model = model_of(vec![busy()], (120, 40), true);
    assert!(screen(&model).is_ascii());
}

#[test]
fn a_filter_marks_what_it_found() {
    let mut model = model((80, 24));
    press(&mut model, "A, /");
    type_text(&mut model, "xcp2");
    insta::assert_snapshot!("filter", snapshot(&model));
}

#[test]
fn wide_and_tall_shows_more() {
    insta::assert_snapshot!("busy_80x40", snapshot(&logged((80, 40))));
    insta::assert_snapshot!("busy_300x100", snapshot(&logged((300, 100))));
}

#[test]
fn a_status_never_hangs_on_its_colour() {
    let text = screen(&model((120, 40)));
    for words in ["closed", "live", "back for 3 min", "live, at risk", "still true", "NO", "alive", "quorate", "failed"] {
        assert!(text.contains(words), "{words} is not said:\n{text}");
    }
}

#[test]
fn without_colours_what_is_selected_and_what_is_wrong_can_still_be_seen() {
    let mut model = model_of(vec![calm("a"), busy(), lost(), refused()], (120, 40), false);
    let mono = crate::tui::theme::load("dark", crate::tui::theme::ColourLevel::None, None).expect("theme");
    model.look = crate::tui::draw::Look::new(mono);
    for keys in ["down", "enter", "?", "esc", "v"] {
        press(&mut model, keys);
        let buf = buffer(&model);
        assert!(buf.content.iter().all(|c| c.fg == Color::Reset && c.bg == Color::Reset), "a colour after {keys}");
        if keys == "down" {
            assert!(buf.content.iter().any(|c| c.modifier.contains(Modifier::REVERSED)), "no selection");
            assert!(text_of(&buf).contains('▸'));
        }
    }
}
