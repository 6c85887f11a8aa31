//! What the list of crashes and a crash look like, in three sizes, in all themes, and in all sizes without a panic.

use super::crash::{answer, crash, found, read, see, watching};
use crate::tui::draw::Look;
use crate::tui::model::Model;
use crate::tui::testkit::{buffer, press, screen, snapshot};
use std::time::Duration;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (40, 10)];

fn snap(name: &str, make: impl Fn((u16, u16)) -> Model, keys: &str) {
    for size in SIZES {
        let mut model = make(size);
        model.now = model.now + Duration::from_secs(2);
        if !keys.is_empty() {
            press(&mut model, keys);
            model.toast = None;
        }
        model.settle();
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), snapshot(&model));
    }
}

fn reading(size: (u16, u16)) -> Model {
    let (mut model, mut s) = watching(size);
    see(&mut model, crash(&mut s, true));
    model
}

fn no_dump(size: (u16, u16)) -> Model {
    let (mut model, mut s) = watching(size);
    let effects = see(&mut model, crash(&mut s, false));
    answer(&mut model, &effects, crate::crash::report::Reading::default());
    model
}

#[test]
fn the_pane_in_every_state() {
    snap("crash", read, "");
    snap("crash_end", read, "G");
    snap("crash_evidence", read, "e");
    snap("crash_write", read, "w");
    snap("crash_reading", reading, "");
    snap("crash_nothing", no_dump, "");
}

#[test]
fn the_list() {
    snap("crashes", read, "esc, c");
    snap("crashes_none", |size| watching(size).0, "c");
}

#[test]
fn every_theme_and_alphabet_shows_the_same_words() {
    // The corners of frames are the theme's.
    let words = |model: &Model| -> Vec<String> {
        let spoken = |word: &&str| word.chars().any(char::is_alphanumeric);
        screen(model).split_whitespace().filter(spoken).map(str::to_owned).collect()
    };
    let mut model = read((120, 40));
    let before = words(&model);
    let themes: Vec<_> = model.themes.clone();
    for theme in themes {
        let mono = theme.name == "mono";
        model.look = Look::new(theme);
        assert_eq!(words(&model), before);
        if mono {
            let buf = buffer(&model);
            let plain = ratatui::style::Color::Reset;
            assert!(buf.content.iter().all(|cell| cell.fg == plain && cell.bg == plain), "mono has no colours");
        }
    }
    model.look = Look::new(model.look.theme.clone().with_ascii(true));
    assert!(screen(&model).is_ascii(), "{}", screen(&model));
}

#[test]
fn any_size_can_be_drawn_and_moved_in() {
    for width in (0..160).step_by(13) {
        for height in (0..50).step_by(4) {
            let mut model = read((width, height));
            model.now = model.now + Duration::from_secs(2);
            for keys in ["down", "pagedown", "e", "G", "w", "esc", "esc", "esc", "c", "G", "enter"] {
                press(&mut model, keys);
                screen(&model);
            }
        }
    }
    let mut long = found();
    long.crashes[0].verdict.why = "x".repeat(20_000);
    long.crashes[0].story = Vec::new();
    long.crashes[0].verdict.evidence.iter_mut().for_each(|evidence| evidence.text = "\u{1b}[2J".repeat(400));
    let (mut model, mut s) = watching((80, 24));
    let effects = see(&mut model, crash(&mut s, true));
    answer(&mut model, &effects, long);
    model.now = model.now + Duration::from_secs(2);
    press(&mut model, "G, e, G");
    assert!(!screen(&model).contains('\u{1b}'));
}
