//! The dashboard at 200×60 on 64 hosts and 2,000 guests: frames, keys, and the bytes that reach the terminal.

#![allow(clippy::expect_used, clippy::panic, missing_docs, reason = "a bench that fails may panic")]

mod common;

use common::{Rig, START, observed, synced};
use crossterm::event::{KeyCode, KeyModifiers};
use divan::Bencher;
use poolwatch::observation::Observation;
use poolwatch::time::Time;
use poolwatch::tui::draw::draw;
use poolwatch::tui::keymap::{Key, Keymap};
use poolwatch::tui::model::{Model, Setup};
use poolwatch::tui::msg::{Msg, PoolIx};
use poolwatch::tui::terminal::{Modes, Screen};
use poolwatch::tui::theme::{self, ColourLevel};
use poolwatch::tui::update::update;
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use std::time::Duration;

const SIZE: (u16, u16) = (200, 60);
const LATER: Time = Time::from_secs(START.as_millis() / 1000 + 5);

fn main() {
    bytes();
    divan::main();
}

/// A dashboard on the pool after half a minute of its life, and what happens in the next.
fn dashboard() -> (Model, Vec<Observation>) {
    let mut rig = Rig::new("big");
    let mut seen = synced(&rig.first_sync(), START);
    seen.extend(observed(&rig.changes(Duration::from_secs(30)), START));
    let more = observed(&rig.changes(Duration::from_secs(60)), LATER);
    let mut model = Model::new(Setup {
        targets: vec!["big".to_owned()],
        theme: theme::load("dark", ColourLevel::TrueColour, None).expect("a theme"),
        themes: Vec::new(),
        keymap: Keymap::default(),
        problems: Vec::new(),
        demo: None,
        read_only: true,
        records: false,
        replay: false,
        zone: jiff::tz::TimeZone::UTC,
        now: START,
        size: SIZE,
    });
    tell(&mut model, seen);
    update(&mut model, Msg::Tick(LATER));
    model.settle();
    (model, more)
}

fn tell(model: &mut Model, observations: Vec<Observation>) {
    update(model, Msg::Observed { pool: PoolIx(0), observations });
}

fn canvas() -> Buffer {
    Buffer::empty(Rect::new(0, 0, SIZE.0, SIZE.1))
}

/// What reaches the terminal: the whole first frame, one that changes a word, one that changes nothing.
fn bytes() {
    let (mut model, _) = dashboard();
    crossterm::style::force_color_output(true);
    let mut screen = Screen::over(Vec::new(), Size::new(SIZE.0, SIZE.1), Modes::default()).expect("a screen");
    let mut frame = |model: &Model| screen.draw(|frame| draw(model, frame.buffer_mut())).expect("drawn");
    let first = frame(&model);
    let same = frame(&model);
    // From one minute to the next the clock in the header moves.
    update(&mut model, Msg::Tick(LATER + Duration::from_secs(60)));
    let minute = frame(&model);
    println!("bytes to the terminal, {}x{}: first frame {} in {} cells", SIZE.0, SIZE.1, first.bytes, first.cells);
    println!(
        "  the next minute: {} in {} cells; nothing changed: {} in {} cells",
        minute.bytes, minute.cells, same.bytes, same.cells
    );
    assert_eq!(same.bytes, 0, "an unchanged screen writes nothing");
}

/// A frame from the model that is up to date.
#[divan::bench]
fn frame(bencher: Bencher) {
    let (model, _) = dashboard();
    let mut buffer = canvas();
    bencher.bench_local(|| draw(&model, &mut buffer));
}

/// A frame through the terminal's backend with nothing to write: drawn, and compared with the one before.
#[divan::bench]
fn frame_and_compare(bencher: Bencher) {
    let (model, _) = dashboard();
    let mut screen = Screen::over(Vec::new(), Size::new(SIZE.0, SIZE.1), Modes::default()).expect("a screen");
    bencher.bench_local(|| screen.draw(|frame| draw(&model, frame.buffer_mut())).expect("drawn"));
}

/// From a key to the frame that shows what it did.
#[divan::bench]
fn key_to_frame(bencher: Bencher) {
    let (mut model, _) = dashboard();
    let mut buffer = canvas();
    let mut keys = [KeyCode::Down, KeyCode::Up].into_iter().cycle();
    bencher.bench_local(|| {
        let key = Key::new(keys.next().expect("endless"), KeyModifiers::NONE);
        update(&mut model, Msg::Key(key));
        model.settle();
        draw(&model, &mut buffer);
    });
}

/// From one observation to the frame that shows it: fold, picture, frame.
#[divan::bench]
fn event_to_frame(bencher: Bencher) {
    let (mut model, more) = dashboard();
    let mut buffer = canvas();
    let mut next = more.iter().cycle();
    bencher.bench_local(|| {
        tell(&mut model, vec![next.next().expect("endless").clone()]);
        model.settle();
        draw(&model, &mut buffer);
    });
}
