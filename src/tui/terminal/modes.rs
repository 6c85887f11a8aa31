//! What is switched on when the terminal is taken and off when it is given back: one table, read forwards and backwards.
//! Only bytes; raw mode and writing are [`super::Screen`]'s.

/// Which modes are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modes {
    /// Mouse reports. Off unless wanted: with them the terminal's own selecting and copying needs a modifier key.
    pub mouse: bool,
    /// The window's title is ours; the old one is kept on the terminal's stack.
    pub title: bool,
}

/// One mode: its bytes on, its bytes off.
type Switch = (&'static [u8], &'static [u8]);

/// Always wanted: alternate screen, no cursor, bracketed paste, focus events.
const ALWAYS: [Switch; 4] = [
    (b"\x1b[?1049h", b"\x1b[?1049l"),
    (b"\x1b[?25l", b"\x1b[?25h"),
    (b"\x1b[?2004h", b"\x1b[?2004l"),
    (b"\x1b[?1004h", b"\x1b[?1004l"),
];
/// Buttons, drags, and coordinates beyond column 223.
const MOUSE: [Switch; 3] = [(b"\x1b[?1000h", b"\x1b[?1000l"), (b"\x1b[?1002h", b"\x1b[?1002l"), (b"\x1b[?1006h", b"\x1b[?1006l")];
/// Push and pop of the window title.
const TITLE: [Switch; 1] = [(b"\x1b[22;2t", b"\x1b[23;2t")];
/// Before anything is given back: end a frame that was cut short, and take off colours and modifiers.
const SETTLE: &[u8] = b"\x1b[?2026l\x1b[0m";

impl Modes {
    fn switches(self) -> impl DoubleEndedIterator<Item = Switch> {
        let title = TITLE.into_iter().filter(move |_| self.title);
        let mouse = MOUSE.into_iter().filter(move |_| self.mouse);
        title.chain(ALWAYS).chain(mouse)
    }

    /// The bytes that take the terminal.
    pub fn enter(self) -> Vec<u8> {
        self.switches().flat_map(|(on, _)| on).copied().collect()
    }

    /// The bytes that give it back: the inverse of [`Modes::enter`], last switched first.
    pub fn leave(self) -> Vec<u8> {
        SETTLE.iter().chain(self.switches().rev().flat_map(|(_, off)| off)).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Modes; 4] = [
        Modes { mouse: false, title: false },
        Modes { mouse: true, title: false },
        Modes { mouse: false, title: true },
        Modes { mouse: true, title: true },
    ];

    /// The private modes in `bytes`, in order, with what they are set to.
    fn private_modes(bytes: &[u8]) -> Vec<(u32, bool)> {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        text.split("\x1b[?")
            .skip(1)
            .map(|rest| {
                let end = rest.find(['h', 'l']).unwrap();
                (rest[..end].parse().unwrap(), rest.as_bytes()[end] == b'h')
            })
            .collect()
    }

    #[test]
    fn the_bytes_are_exactly_these() {
        assert_eq!(Modes::default().enter(), b"\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[?1004h");
        assert_eq!(Modes::default().leave(), b"\x1b[?2026l\x1b[0m\x1b[?1004l\x1b[?2004l\x1b[?25h\x1b[?1049l");
    }

    #[test]
    fn leaving_undoes_entering_in_the_opposite_order() {
        for modes in ALL {
            let entered = private_modes(&modes.enter());
            let mut left = private_modes(&modes.leave());
            assert_eq!(left.remove(0), (2026, false), "a frame that was cut short is ended first");
            left.reverse();
            let undone: Vec<_> = entered.iter().map(|(mode, on)| (*mode, !on)).collect();
            assert_eq!(left, undone, "{modes:?}");
        }
    }

    #[test]
    fn the_mouse_is_left_alone_unless_it_is_wanted() {
        let reports =
            |modes: Modes| private_modes(&modes.enter()).iter().any(|(mode, _)| (1000..1010).contains(mode) && *mode != 1004);
        assert!(!reports(Modes::default()));
        assert!(reports(Modes { mouse: true, title: false }));
    }

    #[test]
    fn a_terminal_that_was_taken_and_given_back_is_as_before() {
        for modes in ALL {
            let mut terminal = vt100::Parser::new(24.try_into().unwrap(), 80.try_into().unwrap(), 0);
            terminal.process(b"$ poolwatch\r\n");
            let before = terminal.screen().contents();
            terminal.process(&modes.enter());
            assert!(terminal.screen().alternate_screen() && terminal.screen().hide_cursor());
            terminal.process(b"\x1b[?2026h\x1b[31;1mhalf a fra");
            terminal.process(&modes.leave());
            let screen = terminal.screen();
            assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste());
            assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
            assert_eq!(screen.contents(), before);
            assert!(!screen.bold() && screen.fgcolor() == vt100::Color::Default);
        }
    }
}
