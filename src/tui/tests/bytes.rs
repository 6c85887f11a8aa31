//! The bytes that reach the terminal, read back by a terminal emulator.

use crate::tui::draw::draw;
use crate::tui::model::Model;
use crate::tui::terminal::{Modes, Screen};
use crate::tui::testkit::*;
use proptest::prelude::*;
use ratatui::layout::Size;
use std::io::Write;

/// A terminal emulator that takes bytes.
struct Vt(vt100::Parser);

impl Vt {
    fn new(size: (u16, u16)) -> Self {
        Self(vt100::Parser::new(size.1.try_into().expect("rows"), size.0.try_into().expect("columns"), 0))
    }

    fn rows(&self) -> Vec<String> {
        let (_, columns) = self.0.screen().size();
        self.0.screen().rows(0, columns.into()).map(|row| row.trim_end().to_owned()).collect()
    }
}

impl Write for Vt {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.process(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn over(size: (u16, u16)) -> Screen<Vt> {
    crossterm::style::force_color_output(true);
    Screen::over(Vt::new(size), Size::new(size.0, size.1), Modes::default()).expect("a screen")
}

fn show(screen: &mut Screen<Vt>, model: &Model) -> usize {
    screen.draw(|frame| draw(model, frame.buffer_mut())).expect("drawn").bytes
}

#[test]
fn what_the_terminal_shows_is_what_was_drawn() {
    for size in [(80, 24), (120, 40), (40, 10)] {
        let model = model(size);
        let mut screen = over(size);
        show(&mut screen, &model);
        let wanted: Vec<String> = crate::tui::testkit::screen(&model).lines().map(str::to_owned).collect();
        assert_eq!(screen.out().rows(), wanted);
    }
}

#[test]
fn an_unchanged_screen_writes_nothing_and_a_small_change_little() {
    let mut model = model((120, 40));
    let mut screen = over((120, 40));
    assert!(show(&mut screen, &model) > 1_000);
    assert_eq!(show(&mut screen, &model), 0);
    model.pools[0].picture.hosts[0].vms = 13;
    let bytes = show(&mut screen, &model);
    assert!((1..200).contains(&bytes), "{bytes} bytes for one digit");
}

/// What a person sees of a cell: a blank is a blank, whether it was written or never touched.
fn look(screen: &Screen<Vt>, x: u16, y: u16) -> (String, [vt100::Color; 2], [bool; 4]) {
    let cell = screen.out().0.screen().cell(y, x).expect("a cell");
    let flags = [cell.bold(), cell.italic(), cell.underline(), cell.inverse()];
    let text = cell.contents().trim();
    if text.is_empty() {
        let colours = [vt100::Color::Default, cell.bgcolor()];
        return (String::new(), colours, [false, false, cell.underline(), cell.inverse()]);
    }
    (text.to_owned(), [cell.fgcolor(), cell.bgcolor()], flags)
}

fn step(model: &mut Model, n: u8) {
    match n % 8 {
        0 => drop(press(model, "tab")),
        1 => drop(press(model, "down")),
        2 => drop(press(model, "enter")),
        3 => drop(press(model, "esc")),
        4 => drop(press(model, "s")),
        5 => model.pools[0].picture.hosts[0].name = "日本語-ホスト".into(),
        6 => model.pools[0].picture = lost(),
        _ => model.pools[0].picture = busy(),
    }
    model.settle_panes();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn frame_by_frame_gives_the_same_screen_as_drawing_it_whole(width in 1u16..160, height in 1u16..60, steps in proptest::collection::vec(any::<u8>(), 1..14)) {
        let mut model = model((width, height));
        let mut screen = over((width, height));
        for n in steps {
            step(&mut model, n);
            show(&mut screen, &model);
        }
        let mut whole = over((width, height));
        show(&mut whole, &model);
        prop_assert_eq!(screen.out().rows(), whole.out().rows());
        for y in 0..height {
            for x in 0..width {
                prop_assert_eq!(look(&screen, x, y), look(&whole, x, y), "{}, {}", x, y);
            }
        }
    }
}
