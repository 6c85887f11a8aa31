//! Looking back, from press to screen.

use crate::pool::Pool;
use crate::pool::keep::News;
use crate::pool::picture::Health;
use crate::pool::scene::Scene;
use crate::recording::marks::{Mark, TimeLine};
use crate::time::Time;
use crate::tui::effect::{Effect, Request};
use crate::tui::keymap::Action;
use crate::tui::model::Model;
use crate::tui::model::past::Moment;
use crate::tui::msg::{Answer, Msg, PoolIx};
use crate::tui::testkit::{model, press, screen, type_text};
use crate::tui::update::{availability, update};
use std::sync::Arc;
use std::time::Duration;

/// A recording in memory: ten minutes of three hosts, of which the second reboots.
struct Tape {
    scene: Scene,
    line: Arc<TimeLine>,
}

impl Tape {
    fn new() -> Self {
        let mut scene = Scene::new(3);
        scene.pass(200.0);
        scene.reboot(2);
        scene.pass(400.0);
        let told = &scene.told;
        let (from, to) = (told[0].at, told[told.len() - 1].at);
        let mark = |secs, name: &str, health| {
            let (about, text) = ("xcp2".to_owned(), format!("{name} told"));
            Mark::of(News { at: from + Duration::from_secs(secs), name: name.into(), health, about, text })
        };
        let marks = vec![mark(205, "host-down", Health::Pending), mark(300, "boot-time-changed", Health::Good)];
        let line = Arc::new(TimeLine { from, to, marks, gaps: Vec::new() });
        Self { scene, line }
    }

    /// Answers what was asked for, until nothing is asked any more; the moments that were asked for.
    fn serve(&self, model: &mut Model, effects: Vec<Effect>) -> Vec<Option<Time>> {
        let mut asked = Vec::new();
        let mut effects = effects;
        while let Some(Effect::Request(Request::LookBack { pool, ask, at })) = effects.pop() {
            asked.push(at);
            let at = at.unwrap_or(self.line.to);
            let mut known = Pool::new("then");
            self.scene.told.iter().filter(|seen| seen.at <= at).for_each(|seen| known.apply(seen));
            let moment = Moment { at, pool: Arc::new(known), line: Arc::clone(&self.line) };
            effects = update(model, Msg::Answer(Answer::LookedBack { pool, ask, result: Ok(Box::new(moment)) }));
        }
        model.settle();
        asked
    }

    fn go(&self, model: &mut Model, keys: &str) -> Vec<Option<Time>> {
        let effects = press(model, keys);
        self.serve(model, effects)
    }
}

fn recording() -> Model {
    let mut model = model((120, 40));
    model.records = true;
    model
}

#[test]
fn t_goes_back_and_says_so_and_x_is_live_again() {
    let (tape, mut model) = (Tape::new(), recording());
    assert!(screen(&model).contains("now \u{25b8}"), "the line of time is there while live:\n{}", screen(&model));
    assert_eq!(tape.go(&mut model, "t"), [None]);
    let shown = screen(&model);
    assert!(shown.lines().next().is_some_and(|line| line.contains("PAST") && line.contains("held")), "{shown}");
    assert!(shown.contains("x goes back to live"), "{shown}");
    assert_eq!(model.shown(), tape.line.to);
    press(&mut model, "x");
    model.settle();
    assert!(!screen(&model).contains("PAST"), "{}", screen(&model));
}

#[test]
fn steps_events_and_typed_times_lead_there() {
    let (tape, mut model) = (Tape::new(), recording());
    tape.go(&mut model, "t");
    let (from, to) = (tape.line.from, tape.line.to);
    let after = |secs| from + Duration::from_secs(secs);
    assert_eq!(tape.go(&mut model, ","), [Some(Time::from_millis(to.as_millis() - 5_000))]);
    assert_eq!(tape.go(&mut model, "ctrl-left"), [Some(Time::from_millis(to.as_millis() - 65_000))]);
    assert_eq!(tape.go(&mut model, ">"), [Some(Time::from_millis(to.as_millis() - 5_000))]);
    assert_eq!(tape.go(&mut model, "M"), [Some(after(300))]);
    assert!(screen(&model).contains("boot-time-changed told"), "{}", screen(&model));
    assert_eq!(tape.go(&mut model, "M"), [Some(after(205))]);
    assert_eq!(tape.go(&mut model, "M"), []);
    assert!(screen(&model).contains("no event of note before"), "{}", screen(&model));
    assert_eq!(tape.go(&mut model, "m"), [Some(after(300))]);
    press(&mut model, "t");
    type_text(&mut model, "-100s");
    assert_eq!(tape.go(&mut model, "enter"), [Some(after(200))]);
    press(&mut model, "t");
    type_text(&mut model, "noon");
    assert_eq!(tape.go(&mut model, "enter"), []);
    assert!(screen(&model).contains("That is no time"), "{}", screen(&model));
}

#[test]
fn what_is_on_the_screen_is_what_was_known_then() {
    let (tape, mut model) = (Tape::new(), recording());
    tape.go(&mut model, "t");
    let stage = |model: &Model| model.pools[0].picture.hosts.iter().map(|host| host.state.stage).collect::<Vec<_>>();
    tape.go(&mut model, "M, M");
    let mut then = Pool::new("then");
    tape.scene.told.iter().filter(|seen| seen.at <= model.shown()).for_each(|seen| then.apply(seen));
    assert_eq!(stage(&model), then.picture(model.shown()).hosts.iter().map(|host| host.state.stage).collect::<Vec<_>>());
    // What comes meanwhile is taken in, and does not show.
    let shown = screen(&model);
    let observations = tape.scene.told.clone();
    update(&mut model, Msg::Observed { pool: PoolIx(0), observations });
    model.settle();
    assert_eq!(screen(&model), shown);
    press(&mut model, "x");
    model.settle();
    assert_eq!(model.pools[0].picture.hosts.len(), 3, "live is what came meanwhile");
}

#[test]
fn it_plays_holds_and_stops_at_the_end() {
    let (tape, mut model) = (Tape::new(), recording());
    tape.go(&mut model, "t, M");
    tape.go(&mut model, "M");
    let begin = model.shown();
    press(&mut model, "space, +, +");
    let pass = |model: &mut Model, ms| {
        let now = model.now + Duration::from_millis(ms);
        let effects = update(model, Msg::Tick(now));
        tape.serve(model, effects)
    };
    assert_eq!(pass(&mut model, 100), [], "not yet");
    assert_eq!(pass(&mut model, 400), [Some(begin + Duration::from_secs(2))], "four times as fast");
    assert!(screen(&model).contains("plays 4 times as fast"), "{}", screen(&model));
    assert_eq!(pass(&mut model, 3_600_000), [Some(tape.line.to)]);
    assert_eq!(pass(&mut model, 3_600_000), [], "it stands still at the end");
    assert!(screen(&model).contains("held"), "{}", screen(&model));
}

#[test]
fn nothing_is_changed_in_the_past_and_every_no_has_a_reason() {
    let (tape, mut model) = (Tape::new(), recording());
    model.read_only = false;
    for action in [Action::SecondsBack, Action::EventForth, Action::Play, Action::Live] {
        assert!(availability(&model, action).is_err(), "{action:?} while live");
    }
    tape.go(&mut model, "t");
    for action in [Action::Wizard, Action::Faults] {
        let why = availability(&model, action).expect_err("refused");
        assert!(why.contains("past"), "{why}");
    }
    let effects = press(&mut model, "enter, r");
    assert!(effects.is_empty(), "the live pool is not asked about the past: {effects:?}");
    let mut model = recording();
    model.records = false;
    assert!(availability(&model, Action::Time).expect_err("refused").contains("--no-recording"));
}

#[test]
fn a_recording_that_cannot_be_read_leaves_the_screen_live() {
    let mut model = recording();
    let effects = press(&mut model, "t");
    let Some(Effect::Request(Request::LookBack { pool, ask, .. })) = effects.first() else { panic!("{effects:?}") };
    let result = Err("nothing is recorded yet".to_owned());
    update(&mut model, Msg::Answer(Answer::LookedBack { pool: *pool, ask: *ask, result }));
    model.settle_panes();
    assert!(screen(&model).contains("nothing is recorded yet") && !model.is_looking_back(), "{}", screen(&model));
}
