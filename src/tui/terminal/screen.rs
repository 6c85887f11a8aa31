//! The screen while it is ours. Draws, and owns the way in and out.

use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;

use ratatui::layout::Size;
use ratatui::{Frame, Terminal};

use super::backend::{DrawReport, QuietBackend};
use super::clipboard::{self, TooLong};
use super::modes::Modes;
use super::restore::{self, Tty};
use super::signals;
use crate::text;
use crate::tui::theme::ColourLevel;

/// Where the screen is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// On the terminal.
    Held,
    /// Given away for a while: suspended, or another program has the terminal.
    Away,
    /// Given back for good.
    Left,
}

/// The terminal, taken. Dropping it gives the terminal back.
#[derive(Debug)]
pub struct Screen<W: Write = Tty> {
    terminal: Terminal<QuietBackend<W>>,
    modes: Modes,
    phase: Phase,
    /// True for the terminal itself; false over memory, for tests and benches.
    real: bool,
}

impl Screen<Tty> {
    /// Takes the terminal on standard output. Ask for the background ([`super::background`]) before this.
    ///
    /// # Errors
    /// If standard output is no terminal, or it cannot be switched.
    pub fn enter(modes: Modes, level: ColourLevel) -> io::Result<Self> {
        if !io::stdout().is_terminal() {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "standard output is no terminal; `poolwatch status` and `poolwatch stream` work without one",
            ));
        }
        // Crossterm looks at NO_COLOR by itself and would overrule a flag; what is drawn is the theme's business.
        crossterm::style::force_color_output(level != ColourLevel::None);
        restore::take(modes)?;
        let backend = QuietBackend::new(Tty, terminal_size().unwrap_or(Size::new(80, 24)));
        Ok(Self { terminal: Terminal::new(backend)?, modes, phase: Phase::Held, real: true })
    }
}

impl<W: Write> Screen<W> {
    /// A screen over anything that takes bytes, of a fixed size until [`Screen::resize`]. For tests and benches.
    pub fn over(out: W, size: Size, modes: Modes) -> io::Result<Self> {
        let mut backend = QuietBackend::new(out, size);
        backend.send(&modes.enter())?;
        Ok(Self { terminal: Terminal::new(backend)?, modes, phase: Phase::Held, real: false })
    }

    /// Draws one frame and says what it cost. A terminal without columns or rows gets none; a screen that is away gets
    /// none either and is drawn whole when it comes back.
    ///
    /// # Errors
    /// If the terminal is gone (see [`super::is_closed`]) or was given back by a panic on another thread.
    pub fn draw(&mut self, view: impl FnOnce(&mut Frame)) -> io::Result<DrawReport> {
        match self.phase {
            Phase::Away => return Ok(DrawReport::default()),
            Phase::Left => return Err(given_back()),
            Phase::Held if self.real && !restore::is_held() => {
                self.phase = Phase::Left;
                return Err(given_back());
            }
            Phase::Held => {}
        }
        if self.real {
            // One question a frame keeps what is drawn and what is there the same.
            self.terminal.backend_mut().set_size(terminal_size()?);
        }
        let Size { width, height } = self.terminal.size()?;
        if width == 0 || height == 0 {
            return Ok(DrawReport::default());
        }
        self.terminal.draw(view)?;
        Ok(self.terminal.backend_mut().take_report())
    }

    /// Makes the next frame a whole one, for when something else has written on the terminal.
    pub fn redraw(&mut self) -> io::Result<()> {
        self.terminal.backend_mut().forget();
        self.terminal.clear()
    }

    /// The size in columns and rows, as of the last frame.
    pub fn size(&self) -> Size {
        self.terminal.size().unwrap_or(Size::ZERO)
    }

    /// Tells a screen over memory its new size. The real one asks the terminal before each frame.
    pub fn resize(&mut self, size: Size) {
        self.terminal.backend_mut().set_size(size);
    }

    /// All bytes written so far.
    pub fn bytes(&self) -> u64 {
        self.terminal.backend().total()
    }

    /// Where the bytes go.
    pub fn out(&self) -> &W {
        self.terminal.backend().out()
    }

    /// Puts `text` on the clipboard of the person in front of the terminal, also through SSH and tmux (OSC 52).
    ///
    /// # Errors
    /// If the text is longer than terminals take, or the terminal is gone.
    pub fn copy(&mut self, text: &str) -> Result<(), CopyError> {
        let bytes = clipboard::sequence(text, clipboard::Path::from_env())?;
        if self.phase == Phase::Held {
            self.terminal.backend_mut().send(&bytes)?;
        }
        Ok(())
    }

    /// Sets the window's title, if the title is ours. It comes back when the terminal is given back.
    pub fn title(&mut self, title: &str) -> io::Result<()> {
        if !self.modes.title || self.phase != Phase::Held {
            return Ok(());
        }
        let title = text::clean(title, 120);
        self.terminal.backend_mut().send(format!("\x1b]2;{title}\x1b\\").as_bytes())
    }

    /// Rings the bell once.
    pub fn bell(&mut self) -> io::Result<()> {
        if self.phase == Phase::Held { self.terminal.backend_mut().send(b"\x07") } else { Ok(()) }
    }

    /// Gives the terminal back for good. Nothing happens the second time.
    pub fn leave(&mut self) -> io::Result<()> {
        let before = std::mem::replace(&mut self.phase, Phase::Left);
        if before == Phase::Held { self.hand_over() } else { Ok(()) }
    }

    /// Gives the terminal away for a while, to another program or to the shell. [`Screen::resume`] takes it again. Drop
    /// the event stream first, or it will eat the other program's keys.
    pub fn lend(&mut self) -> io::Result<()> {
        if self.phase != Phase::Held {
            return Ok(());
        }
        self.phase = Phase::Away;
        self.hand_over()
    }

    /// Ctrl-Z: gives the terminal back and stops the program and its process group. When it goes on,
    /// [`super::Call::Continue`] arrives and [`Screen::resume`] takes the terminal again. Returns false, and does nothing,
    /// where no shell could let the program go on ([`super::can_stop`]).
    pub fn suspend(&mut self) -> io::Result<bool> {
        if !signals::can_stop() {
            return Ok(false);
        }
        self.lend()?;
        signals::stop()
    }

    /// Takes the terminal again; the next frame is a whole one. Also right after a SIGCONT that nobody announced: then
    /// the shell has had the terminal meanwhile.
    pub fn resume(&mut self) -> io::Result<()> {
        if self.phase == Phase::Left {
            return Err(given_back());
        }
        if self.real {
            restore::take(self.modes)?;
        } else {
            let enter = self.modes.enter();
            self.terminal.backend_mut().send(&enter)?;
        }
        self.phase = Phase::Held;
        self.redraw()
    }

    fn hand_over(&mut self) -> io::Result<()> {
        self.terminal.backend_mut().forget();
        if self.real {
            restore::give_back();
            return Ok(());
        }
        let leave = self.modes.leave();
        self.terminal.backend_mut().send(&leave)
    }
}

impl<W: Write> Drop for Screen<W> {
    fn drop(&mut self) {
        // A terminal that is gone cannot be given back; there is nobody left to tell.
        let _ = self.leave();
    }
}

/// Why something was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// Longer than terminals take.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// The terminal did not take it.
    #[error("the terminal did not take the copy: {0}")]
    Io(#[from] io::Error),
}

fn given_back() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the terminal was given back")
}

/// The terminal's size now. Asks the kernel only: crossterm would start `tput` where this fails.
pub(super) fn terminal_size() -> io::Result<Size> {
    let size = rustix::termios::tcgetwinsize(io::stdout().as_fd())?;
    Ok(Size::new(size.ws_col, size.ws_row))
}
