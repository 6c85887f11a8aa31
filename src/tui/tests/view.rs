//! The operator's view: clocks, paths over a week, and numbers that are tried.

use crate::pool::picture::{ClockView, Health, PathWeek};
use crate::tui::model::{Model, Pane};
use crate::tui::testkit::*;

/// The screens of a popup from its top to its end, one after the other.
fn all_of(model: &mut Model) -> String {
    press(model, "home");
    let mut text = String::new();
    for _ in 0..12 {
        text.push_str(&screen(model));
        press(model, "pagedown");
    }
    text
}

#[test]
fn a_lease_is_worked_out_with_the_operators_own_numbers() {
    for size in [(80, 24), (120, 40)] {
        let mut model = model(size);
        press(&mut model, "b");
        let text = all_of(&mut model);
        assert!(text.contains("Try your own numbers") && text.contains("safe"), "{text}");
        press(&mut model, "e");
        for _ in 0..6 {
            press(&mut model, "backspace");
        }
        type_text(&mut model, "20000");
        press(&mut model, "enter");
        assert!(all_of(&mut model).contains("33.3 writes a second, as many as about 67 guests make"));
        // To the lease: 700 s are less than two intervals and one fence, and that is said.
        press(&mut model, "tab, tab, e");
        for _ in 0..6 {
            press(&mut model, "backspace");
        }
        type_text(&mut model, "601");
        press(&mut model, "enter");
        let text = all_of(&mut model);
        assert!(text.contains("NOT SAFE") && text.contains("not safe"), "{text}");
        press(&mut model, "+");
        assert_eq!(model.trial.numbers.map(|n| n.lease_s), Some(701.0));
        press(&mut model, "e");
        type_text(&mut model, "x");
        press(&mut model, "enter");
        assert!(model.toast.as_ref().is_some_and(|t| t.text.contains("no number")));
    }
}

#[test]
fn a_clock_that_is_off_is_a_gate_that_says_what_opens_it() {
    for size in [(80, 24), (120, 40)] {
        let mut model = model(size);
        model.pools[0].picture.clocks = vec![
            ClockView { host: "xcp2".into(), skew_s: -45.2, error_s: 0.6, seen: ago(4) },
            ClockView { host: "xcp4".into(), skew_s: 0.2, error_s: 1.0, seen: ago(4) },
        ];
        press(&mut model, "K");
        let text = all_of(&mut model);
        for words in
            ["45.2 s behind", "may not be plugged", "Closed for 1 host", "chronyc makestep", "--force-clock", "not measured"]
        {
            assert!(text.contains(words), "{words} is not said:\n{text}");
        }
        model.pools[0].picture.clocks[0].skew_s = -1.0;
        assert!(all_of(&mut model).contains("Open for every host"));
    }
}

#[test]
fn the_grid_tells_in_words_what_happened_within_the_week() {
    let mut model = model((120, 40));
    for path in &mut model.pools[0].picture.paths {
        match (path.host.as_str(), path.name.as_str()) {
            ("xcp1", "bond0") => path.week = PathWeek { changes: 2, least: Some(1), flaps: false },
            ("xcp2", "bond0") => path.week = PathWeek { changes: 9, least: Some(0), flaps: true },
            ("xcp4", "bond0") => (path.up, path.total, path.health) = (1, 1, Health::Good),
            _ => {}
        }
    }
    press(&mut model, "P, z");
    let text = screen(&model);
    for words in ["1 missing, 1 flapping, 1 single, 1 short within 7 days", "2/2 was 1", "2/2 flaps", "1/1 single"] {
        assert!(text.contains(words), "{words} is not said:\n{text}");
    }
    assert_eq!(model.focus, Pane::Paths);
}

#[test]
fn why_there_is_no_report_of_a_probe_stands_in_the_hosts_detail() {
    let mut model = model((120, 40));
    press(&mut model, "enter");
    assert!(all_of(&mut model).contains("it was not asked yet"));
}
