//! Real bytes on an emulated terminal: frames are whole, quiet, small, and the same however they came about.

use std::io::{self, Write};

use proptest::prelude::*;
use ratatui::Frame;
use ratatui::layout::{Position, Rect, Size};
use ratatui::style::{Color, Modifier, Style};
use ratatui::widgets::Paragraph;

use super::*;

const SIZE: Size = Size { width: 80, height: 24 };

/// Counts writes and keeps their bytes.
#[derive(Debug, Default)]
struct Wire {
    bytes: Vec<u8>,
    writes: usize,
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writes += 1;
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn screen(size: Size) -> Screen<Wire> {
    crossterm::style::force_color_output(true);
    Screen::over(Wire::default(), size, Modes::default()).unwrap()
}

fn emulate(bytes: &[u8], size: Size) -> vt100::Parser {
    let dimension = |value: u16| value.max(1).try_into().unwrap();
    let mut terminal = vt100::Parser::new(dimension(size.height), dimension(size.width), 0);
    terminal.process(bytes);
    terminal
}

fn words(text: &str) -> impl FnOnce(&mut Frame) + '_ {
    move |frame| frame.render_widget(Paragraph::new(text).style(Style::new().fg(Color::Rgb(1, 2, 3))), frame.area())
}

#[test]
fn a_frame_is_one_write_inside_a_synchronized_update() {
    let mut screen = screen(SIZE);
    let (before, writes) = (screen.out().bytes.len(), screen.out().writes);
    let report = screen.draw(words("xcp1 is live")).unwrap();
    let frame = &screen.out().bytes[before..];
    assert_eq!(screen.out().writes, writes + 1);
    assert_eq!(report.bytes, frame.len());
    assert_eq!(report.cells, "xcp1 is live".len() + (80 * 24 - 12), "a coloured blank is a change too");
    assert!(frame.starts_with(b"\x1b[?2026h") && frame.ends_with(b"\x1b[?2026l"));
    assert_eq!(screen.bytes() as usize, screen.out().bytes.len());
}

#[test]
fn what_does_not_change_costs_nothing() {
    let mut screen = screen(SIZE);
    screen.draw(words("calm")).unwrap();
    let (bytes, writes) = (screen.bytes(), screen.out().writes);
    for _ in 0..10 {
        assert_eq!(screen.draw(words("calm")).unwrap(), DrawReport::default());
    }
    assert_eq!((screen.bytes(), screen.out().writes), (bytes, writes));
    let one = screen.draw(words("cale")).unwrap();
    assert_eq!(one.cells, 1);
    assert!(one.bytes < 100, "{one:?}");
}

#[test]
fn a_cursor_that_stays_costs_nothing_and_one_that_moves_is_put_there() {
    let mut screen = screen(SIZE);
    let input = |text: &'static str, x: u16| {
        move |frame: &mut Frame| {
            frame.render_widget(Paragraph::new(text), frame.area());
            frame.set_cursor_position(Position { x, y: 0 });
        }
    };
    screen.draw(input("/xc", 3)).unwrap();
    let terminal = emulate(&screen.out().bytes, SIZE);
    assert!(!terminal.screen().hide_cursor());
    assert_eq!(terminal.screen().cursor_position(), (0, 3));
    assert_eq!(screen.draw(input("/xc", 3)).unwrap(), DrawReport::default());
    assert!(screen.draw(input("/xc", 1)).unwrap().bytes > 0);
    assert!(screen.draw(input("/xcp", 1)).unwrap().bytes > 0);
    let terminal = emulate(&screen.out().bytes, SIZE);
    assert_eq!(terminal.screen().cursor_position(), (0, 1), "drawing moved it; it is back");
    screen.draw(words("done")).unwrap();
    assert!(emulate(&screen.out().bytes, SIZE).screen().hide_cursor());
}

#[test]
fn leaving_happens_once_and_undoes_everything() {
    let mut screen = screen(SIZE);
    screen.draw(words("hello")).unwrap();
    screen.leave().unwrap();
    let bytes = screen.bytes();
    screen.leave().unwrap();
    assert_eq!(screen.bytes(), bytes);
    assert!(screen.out().bytes.ends_with(&Modes::default().leave()));
    assert!(is_closed(&screen.draw(words("late")).unwrap_err()), "nothing is drawn on the user's shell");
    assert!(screen.resume().is_err());
}

#[test]
fn what_was_lent_is_drawn_whole_when_it_comes_back() {
    let mut screen = screen(SIZE);
    screen.draw(words("before and after")).unwrap();
    screen.lend().unwrap();
    let away = screen.bytes();
    assert_eq!(screen.draw(words("not now")).unwrap(), DrawReport::default());
    screen.bell().unwrap();
    screen.copy("x").unwrap();
    assert_eq!(screen.bytes(), away, "another program has the terminal");
    screen.resume().unwrap();
    assert!(screen.draw(words("before and after")).unwrap().cells >= 80 * 24);
    let mut terminal = emulate(b"", SIZE);
    terminal.process(&screen.out().bytes);
    assert_eq!(terminal.screen().contents().trim_end(), "before and after");
    assert!(terminal.screen().alternate_screen());
}

#[test]
fn a_terminal_without_room_gets_no_frame_and_a_tiny_one_gets_a_tiny_one() {
    for size in [Size::new(0, 0), Size::new(0, 24), Size::new(80, 0)] {
        let mut screen = screen(size);
        assert_eq!(screen.draw(|_| panic!("nothing to draw on")).unwrap(), DrawReport::default());
    }
    let mut screen = screen(Size::new(1, 1));
    assert_eq!(screen.draw(words("xyz")).unwrap().cells, 1);
    screen.resize(Size::new(0, 0));
    assert_eq!(screen.draw(words("xyz")).unwrap(), DrawReport::default());
}

#[test]
fn the_title_is_only_ours_when_asked_for_and_is_cleaned() {
    let mut quiet = screen(SIZE);
    let before = quiet.bytes();
    quiet.title("prod").unwrap();
    assert_eq!(quiet.bytes(), before);
    let modes = Modes { title: true, ..Modes::default() };
    let mut titled = Screen::over(Wire::default(), SIZE, modes).unwrap();
    titled.title("prod\x1b\\\x07 \u{9c}NO").unwrap();
    assert!(titled.out().bytes.ends_with(b"\x1b]2;prod\\ NO\x1b\\"));
}

fn paint(frame: &mut Frame, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let area = frame.area();
    for _ in 0..random.usize(0..12) {
        let rect = Rect::new(random.u16(0..60), random.u16(0..20), random.u16(0..30), random.u16(0..6)).intersection(area);
        let mut style = Style::new().fg(Color::Indexed(random.u8(..)));
        if random.bool() {
            style = style.bg(Color::Rgb(random.u8(..), 0, 9)).add_modifier(Modifier::BOLD);
        }
        let text = ["xcp1 ● live", "▲ at risk 漢字", "████▍··· 63 %", "x"][random.usize(0..4)];
        frame.render_widget(Paragraph::new(text.repeat(3)).style(style), rect);
    }
}

/// Every cell as it is seen: a blank that was written and one that never was are the same.
fn cells(terminal: &vt100::Parser, size: Size) -> Vec<String> {
    let mut seen = vec![];
    for row in 0..size.height {
        for column in 0..size.width {
            let cell = terminal.screen().cell(row, column).unwrap();
            let text = if cell.contents().is_empty() { " " } else { cell.contents() };
            let wide = (cell.is_wide(), cell.is_wide_continuation());
            let fg = if text == " " { vt100::Color::Default } else { cell.fgcolor() };
            seen.push(format!("{row},{column} {text:?} {wide:?} {fg:?} {:?} {}", cell.bgcolor(), text != " " && cell.bold()));
        }
    }
    seen
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Drawing differences ends in the same screen as drawing the last frame alone.
    #[test]
    fn a_screen_looks_the_same_however_it_came_about(seeds in prop::collection::vec(any::<u64>(), 1..8), width in 1u16..90, height in 1u16..30) {
        let size = Size { width, height };
        let mut by_steps = screen(size);
        for seed in &seeds {
            by_steps.draw(|frame| paint(frame, *seed)).unwrap();
        }
        let mut at_once = screen(size);
        at_once.draw(|frame| paint(frame, *seeds.last().unwrap())).unwrap();
        let (steps, once) = (emulate(&by_steps.out().bytes, size), emulate(&at_once.out().bytes, size));
        prop_assert_eq!(cells(&steps, size), cells(&once, size));
    }

    /// The same, with a terminal whose size changes under way.
    #[test]
    fn a_screen_that_was_resized_looks_as_if_it_had_always_had_that_size(steps in prop::collection::vec((any::<u64>(), 0u16..70, 0u16..25), 1..8)) {
        let sizes: Vec<Size> = steps.iter().map(|(_, width, height)| Size::new(*width, *height)).collect();
        let mut by_steps = screen(Size::new(40, 10));
        let mut terminal = emulate(b"", Size::new(40, 10));
        let mut fed = 0;
        for ((seed, ..), size) in steps.iter().zip(&sizes) {
            by_steps.resize(*size);
            let dimension = |value: u16| value.max(1).try_into().unwrap();
            terminal.screen_mut().set_size(dimension(size.height), dimension(size.width));
            by_steps.draw(|frame| paint(frame, *seed)).unwrap();
            terminal.process(&by_steps.out().bytes[fed..]);
            fed = by_steps.out().bytes.len();
        }
        let size = *sizes.last().unwrap();
        prop_assume!(size.width > 0 && size.height > 0);
        let mut at_once = screen(size);
        at_once.draw(|frame| paint(frame, steps.last().unwrap().0)).unwrap();
        prop_assert_eq!(cells(&terminal, size), cells(&emulate(&at_once.out().bytes, size), size));
    }
}
