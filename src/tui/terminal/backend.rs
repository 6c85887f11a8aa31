//! Ratatui's crossterm backend, made quiet: a frame is collected in memory, wrapped in a synchronized update and written
//! in one piece; a frame that changes nothing writes nothing. Never asks the terminal a question.

use std::io::{self, Write};

use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};

/// The terminal may show nothing of a frame until all of it has arrived; those that do not know this ignore it.
const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";

/// What one frame cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DrawReport {
    /// Cells that changed.
    pub cells: usize,
    /// Bytes written; 0 if nothing changed.
    pub bytes: usize,
}

/// A backend over `W` that writes only what changed.
#[derive(Debug)]
pub struct QuietBackend<W: Write> {
    out: W,
    frame: Vec<u8>,
    size: Size,
    /// What the terminal's cursor is known to be; `None` right after somebody else may have moved it.
    visible: Option<bool>,
    position: Option<Position>,
    report: DrawReport,
    total: u64,
}

impl<W: Write> QuietBackend<W> {
    /// A backend that writes to `out`, for a terminal of this size.
    pub fn new(out: W, size: Size) -> Self {
        Self { out, frame: Vec::new(), size, visible: None, position: None, report: DrawReport::default(), total: 0 }
    }

    /// Crossterm's backend, writing into the frame under construction.
    fn inner(&mut self) -> CrosstermBackend<&mut Vec<u8>> {
        if self.frame.is_empty() {
            self.frame.extend_from_slice(BEGIN);
        }
        CrosstermBackend::new(&mut self.frame)
    }

    /// Tells the backend the terminal's size; it never asks.
    pub fn set_size(&mut self, size: Size) {
        self.size = size;
    }

    /// Forgets what is known about the cursor, after the terminal was somebody else's.
    pub fn forget(&mut self) {
        self.visible = None;
        self.position = None;
    }

    /// What has been drawn since the last time this was asked.
    pub fn take_report(&mut self) -> DrawReport {
        std::mem::take(&mut self.report)
    }

    /// All bytes written so far.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Where the bytes go.
    pub fn out(&self) -> &W {
        &self.out
    }

    /// Writes bytes that are no part of a frame, at once.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.total += bytes.len() as u64;
        self.out.flush()
    }
}

impl<W: Write> Backend for QuietBackend<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut content = content.peekable();
        // Crossterm's backend ends every draw with resets, even one of nothing.
        if content.peek().is_none() {
            return Ok(());
        }
        self.position = None;
        let mut cells = 0;
        self.inner().draw(content.inspect(|_| cells += 1))?;
        self.report.cells += cells;
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if self.visible == Some(false) {
            return Ok(());
        }
        self.visible = Some(false);
        self.inner().hide_cursor()
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if self.visible == Some(true) {
            return Ok(());
        }
        self.visible = Some(true);
        self.inner().show_cursor()
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(self.position.unwrap_or(Position::ORIGIN))
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let position = position.into();
        if self.position == Some(position) {
            return Ok(());
        }
        self.position = Some(position);
        self.inner().set_cursor_position(position)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        self.inner().clear_region(clear_type)
    }

    fn size(&self) -> io::Result<Size> {
        Ok(self.size)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size, pixels: Size::ZERO })
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.frame.is_empty() {
            return Ok(());
        }
        self.frame.extend_from_slice(END);
        let written = self.out.write_all(&self.frame);
        self.report.bytes += self.frame.len();
        self.total += self.frame.len() as u64;
        self.frame.clear();
        written?;
        self.out.flush()
    }
}
