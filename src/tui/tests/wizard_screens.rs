//! What every page of the guided rollout looks like, in four sizes, with a number over all styles.

use crate::tui::model::Model;
use crate::tui::msg::{Answer, FoundRun, PoolIx};
use crate::tui::testkit::*;
use crate::tui::wizard::fixture::*;

const SIZES: [(u16, u16); 4] = [(80, 24), (120, 40), (40, 10), (200, 60)];

/// One snapshot for each size, after pressing keys.
fn snap(name: &str, make: impl Fn((u16, u16)) -> Model, keys: &str) {
    for size in SIZES {
        let mut model = make(size);
        if !keys.is_empty() {
            press(&mut model, keys);
            model.toast = None;
        }
        insta::assert_snapshot!(format!("wizard_{name}_{}x{}", size.0, size.1), snapshot(&model));
    }
}

#[test]
fn scope() {
    snap("scope", writing, "w, down, space, down, down");
    let found =
        FoundRun { run: "r-7f3".into(), text: "begun by eva@ops1 at 02:04, stands at xcp2, evacuate.".into(), refused: None };
    let make = |size| {
        let mut model = writing(size);
        press(&mut model, "w");
        tell(&mut model, Answer::RunFound { pool: PoolIx(0), result: Ok(Some(found.clone())) });
        model
    };
    snap("found", make, "");
}

#[test]
fn plan_and_checks() {
    snap("plan", |size| planned(size, findings()), "");
    snap("preflight", |size| planned(size, findings()), "enter");
    snap("preflight_calm", |size| planned(size, Vec::new()), "enter");
    snap("accept", |size| planned(size, findings()), "enter, pagedown, up, a, o, k");
    snap("mend", |size| planned(size, findings()), "enter, m");
    let waiting = |size| {
        let mut model = writing(size);
        press(&mut model, "w, enter");
        model
    };
    snap("waiting", waiting, "");
    let failed = |size| {
        let mut model = writing(size);
        let ask = ask_of(&press(&mut model, "w, enter"));
        let why = "The pool has no synchronised update metadata. Synchronise it, then plan again.";
        tell(&mut model, Answer::Surveyed { pool: PoolIx(0), ask, result: Err(why.into()) });
        model
    };
    snap("failed", failed, "");
}

#[test]
fn confirm() {
    snap("confirm", confirming, "p, r, o");
}

#[test]
fn run_and_report() {
    snap("run", |size| rolling(size, evacuating()), "");
    snap("stuck", |size| rolling(size, stuck()), "");
    snap("away", |size| rolling(size, evacuating()), "esc");
    snap("leaving", |size| rolling(size, evacuating()), "q");
    snap("skip", |size| rolling(size, stuck()), "s");
    snap("report", |size| rolling(size, ended(true)), "");
    snap("report_left", |size| rolling(size, ended(false)), "");
}

#[test]
fn ascii_only() {
    for progress in [evacuating(), stuck(), ended(false)] {
        let mut model = rolling((120, 40), progress);
        let theme = model.look.theme.clone().with_ascii(true);
        model.look = crate::tui::draw::Look::new(theme);
        assert!(screen(&model).is_ascii(), "{}", screen(&model));
    }
}

#[test]
fn a_status_never_hangs_on_its_colour() {
    let text = screen(&rolling((120, 40), stuck()));
    for words in ["done", "stuck", "next", "later", "settle", "do now", "told"] {
        assert!(text.contains(words), "{words} is not said:\n{text}");
    }
}
